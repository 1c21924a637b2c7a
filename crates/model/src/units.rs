//! Units: every amount carries its unit as a type, so that adding wei to shares does not compile.
//!
//! These types are converted only through [`Rate`] (see [`crate::prorata`]). Bounds keep every product
//! within 256 bits: a pot holds at most [`Units::MAX_POT`] < 2^101, `Rate` < 2^96, the value of all pots <
//! 2^112, a target < 2^96.

use std::{fmt, str::FromStr};

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Shares per unit of [`Rate`].
pub const RATE_UNIT: u128 = 10u128.pow(27);

/// A text is not a number of the expected unit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not {unit}")]
pub struct ParseUnitError {
    text: String,
    unit: &'static str,
}

/// What all amounts have in common: checked arithmetic, and exact display with the unit.
macro_rules! amount {
    ($(#[$doc:meta])* $name:ident($number:ty), $zero:expr, $unit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transparent))]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(with = "crate::json::Number"))] $number);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self($zero);

            #[doc = concat!("So many ", $unit, ".")]
            pub const fn new(number: $number) -> Self {
                Self(number)
            }

            /// The bare number.
            pub const fn get(self) -> $number {
                self.0
            }

            /// Whether this is zero.
            pub fn is_zero(self) -> bool {
                self == Self::ZERO
            }

            /// The sum; `None` if it does not fit.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// The difference; `None` if `other` is larger.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }
        }

        impl std::ops::Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                self.checked_add(other).expect(concat!("bounded: a sum of ", $unit, " fits"))
            }
        }

        impl std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl std::ops::Sub for $name {
            type Output = Self;

            fn sub(self, other: Self) -> Self {
                self.checked_sub(other).expect(concat!("a difference of ", $unit, " is not negative"))
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                amounts.fold(Self::ZERO, |sum, amount| sum + amount)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{} ", $unit), self.0)
            }
        }
    };
}

/// `FromStr` of bare decimal digits, and serde as a decimal string.
macro_rules! decimal_string {
    ($name:ident, $unit:literal, $make:expr) => {
        impl FromStr for $name {
            type Err = ParseUnitError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| digits);
                number.and_then($make).ok_or_else(|| ParseUnitError { text: text.to_owned(), unit: $unit })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

amount! {
    /// An amount or a value of ETH, in wei.
    Wei(u128), 0, "wei"
}

decimal_string!(Wei, "wei", |number| Some(Wei(number)));

amount! {
    /// stETH shares. One wstETH unit is exactly one share.
    Shares(u128), 0, "shares"
}

decimal_string!(Shares, "shares", |number| Some(Shares(number)));

amount! {
    /// An amount as booked, in its asset's own unit: wei of ETH, shares of stETH, or units of wstETH. Only
    /// its ratios matter, and it is never added across assets.
    Units(u128), 0, "units"
}

decimal_string!(Units, "units", |number| Some(Units(number)));

impl Units {
    /// The most that a pot can hold: one eighth of 104 bits.
    pub const MAX_POT: Self = Self((1 << 101) - 1);
}

amount! {
    /// Units of an asset, times the seconds for which they were locked: wider than amounts, 256 bits.
    UnitSeconds(U256), U256::ZERO, "unit-seconds"
}

amount! {
    /// Value in wei, times the seconds for which it was locked: 256 bits too.
    WeiSeconds(U256), U256::ZERO, "wei-seconds"
}

decimal_string!(UnitSeconds, "unit-seconds", |number| Some(UnitSeconds(number)));
decimal_string!(WeiSeconds, "wei-seconds", |number| Some(WeiSeconds(number)));

impl UnitSeconds {
    /// The maximum for one position: 128 bits.
    pub const MAX_POSITION: Self = Self(U256::from_limbs([u64::MAX, u64::MAX, 0, 0]));
}

/// The value of 10^27 shares in wei of ETH (Lido's `getPooledEthByShares(10^27)`); 0 < rate < 2^96.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transparent))]
pub struct Rate(#[cfg_attr(feature = "schema", schemars(with = "crate::json::Number"))] u128);

impl Rate {
    /// The largest rate.
    pub const MAX: Self = Self((1 << 96) - 1);

    /// One wei per share.
    pub const PAR: Self = Self(RATE_UNIT);

    /// A rate; `None` if it is out of bounds.
    pub const fn new(number: u128) -> Option<Self> {
        if number == 0 || number > Self::MAX.0 { None } else { Some(Self(number)) }
    }

    /// Wei per 10^27 shares.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// So many basis points of it, rounded down; `None` if that is out of bounds.
    pub const fn part_down(self, bps: u16) -> Option<Self> {
        // A rate has 96 bits.
        Self::new(self.0 * bps as u128 / Bps::ONE.0 as u128)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} wei per 10^27 shares", self.0)
    }
}

decimal_string!(Rate, "a share rate", Rate::new);

/// Basis points: ten-thousandths. The valid range depends on the use (see [`crate::terms`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Bps(u16);

impl Bps {
    /// 0 %.
    pub const ZERO: Self = Self(0);
    /// 100 %: 10,000 basis points.
    pub const ONE: Self = Self(10_000);

    /// A number of basis points.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The bare number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Bps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bps", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_exactly_with_their_unit() {
        assert_eq!(Wei::new(1_500_000_000_000_000_001).to_string(), "1500000000000000001 wei");
        assert_eq!(Shares::new(7).to_string(), "7 shares");
        assert_eq!(Units::MAX_POT.to_string(), "2535301200456458802993406410751 units");
        assert_eq!(Bps::ONE.to_string(), "10000 bps");
        assert_eq!(Rate(5).to_string(), "5 wei per 10^27 shares");
    }

    #[test]
    fn amounts_are_decimal_strings_in_json() {
        let wei = Wei::new(u128::MAX);
        let json = serde_json::to_string(&wei).unwrap();
        assert_eq!(json, "\"340282366920938463463374607431768211455\"");
        assert_eq!(serde_json::from_str::<Wei>(&json).unwrap(), wei);
        assert_eq!(serde_json::to_string(&Bps::ONE).unwrap(), "10000");
    }

    #[test]
    fn amounts_by_time_are_wider_and_print_their_unit() {
        let most = UnitSeconds::MAX_POSITION;
        assert_eq!(most.get(), U256::from(u128::MAX));
        let sum: UnitSeconds = [most, UnitSeconds::new(U256::ONE)].into_iter().sum();
        assert_eq!((sum.get() >> 128, sum - most), (U256::ONE, UnitSeconds::new(U256::ONE)));
        assert_eq!(UnitSeconds::new(U256::from(7)).to_string(), "7 unit-seconds");
        assert_eq!(WeiSeconds::new(U256::from(7)).to_string(), "7 wei-seconds");
    }

    #[test]
    fn what_is_not_plain_digits_is_refused() {
        for text in ["", "-1", "+1", "1.0", "0x1", " 1", "340282366920938463463374607431768211456"] {
            let error = text.parse::<Wei>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is not wei"));
        }
        assert!(serde_json::from_str::<Wei>("1").is_err());
        for text in ["", "0x1", "-1"] {
            assert_eq!(
                text.parse::<UnitSeconds>().unwrap_err().to_string(),
                format!("`{text}` is not unit-seconds")
            );
        }
    }

    #[test]
    fn a_rate_is_within_its_bounds() {
        assert_eq!(Rate::new(0), None);
        assert_eq!(Rate::new(1).map(Rate::get), Some(1));
        assert_eq!(Rate::new((1 << 96) - 1), Some(Rate::MAX));
        assert_eq!(Rate::new(1 << 96), None);
        assert_eq!("0".parse::<Rate>().unwrap_err().to_string(), "`0` is not a share rate");
    }

    #[test]
    fn checked_arithmetic_notices_both_ends() {
        assert_eq!(Wei::new(2).checked_sub(Wei::new(3)), None);
        assert_eq!(Wei::new(u128::MAX).checked_add(Wei::new(1)), None);
        assert_eq!(Wei::new(3) - Wei::new(2) + Wei::new(4), Wei::new(5));
    }
}
