//! How are amounts and times written?

use std::fmt;

use alloy_primitives::{
    U256,
    utils::{ParseUnits, Unit},
};

use crate::{
    asset::Amount,
    schedule::Timestamp,
    units::{Rate, Wei},
};

/// Wei as ETH, exactly: `1.5 ETH`.
pub fn ether(amount: Wei) -> String {
    format!("{} ETH", decimal(amount.get()))
}

/// What one share is worth, exactly: `1.2 ETH`.
pub fn per_share(rate: Rate) -> String {
    /// A rate counts the wei of 10^27 shares.
    const DECIMALS: Unit = Unit::new(27).expect("at most 77");
    format!("{} ETH", in_units(U256::from(rate.get()), DECIMALS))
}

/// The price of a gas, exactly: `1.5 gwei`.
pub fn gwei(price: Wei) -> String {
    format!("{} gwei", in_units(U256::from(price.get()), Unit::GWEI))
}

/// Exactly, as the books hold it: `1.5 ETH`, `1.5 wstETH`, `1500000000000000000 shares`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eth(wei) => f.write_str(&ether(*wei)),
            Self::StEth(shares) => shares.fmt(f),
            Self::WstEth(units) => write!(f, "{} wstETH", decimal(units.get())),
        }
    }
}

/// A time in UTC: `2026-08-01T00:00:00Z`; the bare seconds where the calendar ends.
pub fn utc(time: Timestamp) -> String {
    let instant = i64::try_from(time).ok().and_then(|time| jiff::Timestamp::from_second(time).ok());
    instant.map_or_else(|| format!("second {time}"), |instant| instant.to_string())
}

/// A number of 10^-18 parts as a decimal, exactly, without trailing zeros: `1.5`.
pub fn decimal(parts: u128) -> String {
    wide_decimal(U256::from(parts))
}

/// The same for a number that may take more bits than any amount, as the data of a call can have it.
pub fn wide_decimal(parts: U256) -> String {
    in_units(parts, Unit::ETHER)
}

/// Basis points as a percentage, exactly: `3.8 %`.
pub fn percent(bps: u128) -> String {
    let text = format!("{}.{:02}", bps / 100, bps % 100);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn in_units(parts: U256, unit: Unit) -> String {
    let text = ParseUnits::from(parts).format_units(unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Shares, Units};

    #[test]
    fn amounts_are_exact_and_carry_their_unit() {
        assert_eq!(ether(Wei::new(1_500_000_000_000_000_000)), "1.5 ETH");
        assert_eq!(ether(Wei::new(100_000_000_000_000_000_000)), "100 ETH");
        assert_eq!(ether(Wei::ZERO), "0 ETH");
        assert_eq!(gwei(Wei::new(300_000_000_000)), "300 gwei");
        assert_eq!(gwei(Wei::new(1)), "0.000000001 gwei");
        assert_eq!(Amount::StEth(Shares::new(1)).to_string(), "1 shares");
        assert_eq!(Amount::WstEth(Units::new(10u128.pow(19))).to_string(), "10 wstETH");
    }

    #[test]
    fn parts_are_percentages() {
        let shown = [1, 380, 5_000, 10_000, 14_285].map(percent);
        assert_eq!(shown, ["0.01 %", "3.8 %", "50 %", "100 %", "142.85 %"]);
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(utc(1_785_542_400), "2026-08-01T00:00:00Z");
        assert_eq!(utc((1 << 40) - 1), "second 1099511627775");
    }
}
