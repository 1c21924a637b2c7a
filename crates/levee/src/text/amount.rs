//! Amounts as people write them, `2500 stETH`, and as they are shown: exact, and always with a unit.
//!
//! A number without a unit is refused: mistaking wei for ether is the most expensive typing mistake.

use std::fmt;

use levee_model::{Amount, Asset, PerAsset, Rate, RescueView, Shares, Units, Wei, prorata};

use super::TextError;
use crate::display::{decimal, ether};

pub use crate::display::per_share;

/// Decimal places of ETH, stETH and wstETH.
const DECIMALS: usize = 18;
/// Decimal places of gwei.
const GWEI_DECIMALS: usize = 9;
/// Decimal places of what a share is worth: a rate counts the wei of 10^27 shares.
const RATE_DECIMALS: usize = 27;
const UNITS: &str = "ETH (or `ether`), `gwei`, `wei`, stETH, `shares` (of stETH) or wstETH";

/// An amount of one asset, in the unit in which it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenAmount {
    /// ETH, in wei.
    Eth(Wei),
    /// stETH, in units of 10^-18 stETH: its current value in wei; only the token knows the number of
    /// shares.
    StEth(Wei),
    /// stETH, in its shares.
    Shares(Shares),
    /// wstETH, in 10^-18 wstETH.
    WstEth(Units),
}

impl WrittenAmount {
    /// The asset.
    pub const fn asset(self) -> Asset {
        match self {
            Self::Eth(_) => Asset::Eth,
            Self::StEth(_) | Self::Shares(_) => Asset::StEth,
            Self::WstEth(_) => Asset::WstEth,
        }
    }

    /// Reads `1.5 ETH`, `2500 stETH`, `30 wstETH`, `20 gwei`, `123 wei` or `100 shares`; the space may be left out.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        let (number, unit) = number_and_unit(text);
        match unit.to_ascii_lowercase().as_str() {
            "eth" | "ether" => Ok(Self::Eth(Wei::new(parse_decimal(number, text, DECIMALS)?))),
            "steth" => Ok(Self::StEth(Wei::new(parse_decimal(number, text, DECIMALS)?))),
            "wsteth" => Ok(Self::WstEth(Units::new(parse_decimal(number, text, DECIMALS)?))),
            "gwei" => Ok(Self::Eth(Wei::new(parse_decimal(number, text, GWEI_DECIMALS)?))),
            "wei" => Ok(Self::Eth(Wei::new(parse_decimal(number, text, 0)?))),
            "shares" | "share" => Ok(Self::Shares(Shares::new(parse_decimal(number, text, 0)?))),
            "" => Err(TextError::new(format!("`{text}` has no unit"))
                .hint(format!("add a unit, as in `{text} ETH`; units are {UNITS}"))),
            // As in `abc ETH` and `1e3 ETH`: the number is wrong, and not the unit.
            _ if number.is_empty() || unit.contains(char::is_whitespace) => Err(not_an_amount(text)),
            _ => Err(TextError::new(format!("`{unit}` is not a known unit"))
                .hint(format!("write an amount in {UNITS}"))),
        }
    }
}

impl fmt::Display for WrittenAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eth(wei) => f.write_str(&ether(*wei)),
            Self::StEth(wei) => write!(f, "{} stETH", decimal(wei.get())),
            Self::Shares(shares) => write!(f, "{shares}"),
            Self::WstEth(units) => write!(f, "{} wstETH", decimal(units.get())),
        }
    }
}

/// `1.5` and `ETH`, of `1.5 ETH`.
fn number_and_unit(text: &str) -> (&str, &str) {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    (number.trim_end(), unit)
}

/// Reads what one share of stETH, or one wstETH, is worth, as in `1.2 ETH`: exactly, with up to 27 decimal places.
pub fn parse_rate(text: &str) -> Result<Rate, TextError> {
    let text = text.trim();
    let (number, unit) = number_and_unit(text);
    let rate = match unit.to_ascii_lowercase().as_str() {
        "eth" | "ether" => Rate::new(parse_decimal(number, text, RATE_DECIMALS)?),
        _ => parse_eth(text).map(|_| None)?,
    };
    rate.ok_or_else(|| {
        TextError::new(format!("`{text}` is not a share rate"))
            .hint("write the value of one share, as in `1.2 ETH`")
    })
}

/// Reads an amount that must be in ETH.
pub fn parse_eth(text: &str) -> Result<Wei, TextError> {
    match WrittenAmount::parse(text)? {
        WrittenAmount::Eth(wei) => Ok(wei),
        other => Err(TextError::new(format!("`{text}` is an amount of {}, not of ETH", other.asset()))
            .hint("write it in ETH, as in `68900 ETH`")),
    }
}

/// Reads a positive amount of ETH; `action` is for the hint, as in `pledge`.
pub fn parse_some_eth(text: &str, action: &str) -> Result<Wei, TextError> {
    let amount = parse_eth(text)?;
    if amount.is_zero() {
        return Err(TextError::new(format!("`{text}` is zero")).hint(format!("{action} more than zero")));
    }
    Ok(amount)
}

/// Reads the name of an asset.
pub fn parse_asset(text: &str) -> Result<Asset, TextError> {
    Asset::ALL.into_iter().find(|asset| asset.to_string().eq_ignore_ascii_case(text)).ok_or_else(|| {
        TextError::new(format!("`{text}` is not an asset that rescues accept"))
            .hint("use ETH, stETH or wstETH")
    })
}

/// `number` with at most `decimals` decimal places, in units of the last one. The error quotes `whole`.
fn parse_decimal(number: &str, whole: &str, decimals: usize) -> Result<u128, TextError> {
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() || !digits(integer) || !digits(fraction) || number.ends_with('.') {
        return Err(not_an_amount(whole));
    }
    if fraction.len() > decimals {
        return Err(too_fine(whole, decimals));
    }
    let text = format!("{integer}{fraction:0<decimals$}");
    text.parse()
        .map_err(|_| TextError::new(format!("`{whole}` is too large")).hint("check the number of digits"))
}

fn not_an_amount(whole: &str) -> TextError {
    TextError::new(format!("`{whole}` is not an amount"))
        .hint("write digits with at most one decimal point and nothing else, as in `1.5 ETH`")
}

fn too_fine(whole: &str, decimals: usize) -> TextError {
    match decimals {
        0 => TextError::new(format!("`{whole}` is not a whole number"))
            .hint("wei and shares cannot be divided"),
        _ => TextError::new(format!("`{whole}` has more than {decimals} decimal places"))
            .hint("round it yourself: Levee does not round amounts"),
    }
}

/// `1.5 ETH (1500000000000000000 wei)`.
pub fn eth_and_wei(wei: Wei) -> String {
    format!("{} ({wei})", ether(wei))
}

/// An amount as booked, exact, with the value of stETH shares in stETH if the rate is known.
pub fn units(units: Units, asset: Asset, rate: Option<Rate>) -> String {
    match (units.of(asset), rate) {
        (Amount::Eth(wei), _) => ether(wei),
        (amount @ Amount::WstEth(_), _) => amount.to_string(),
        (Amount::StEth(Shares::ZERO), _) => "0 stETH".into(),
        (Amount::StEth(shares), None) => shares.to_string(),
        (Amount::StEth(shares), Some(_)) => format!("{} ({shares})", worth(units, asset, rate)),
    }
}

/// The same for tables, which have no room for both shares and their value.
pub fn worth(amount: Units, asset: Asset, rate: Option<Rate>) -> String {
    match (amount.of(asset), rate) {
        (Amount::StEth(shares), Some(rate)) => {
            WrittenAmount::StEth(prorata::shares_value_down(shares, rate)).to_string()
        }
        _ => units(amount, asset, rate),
    }
}

/// The amounts of the tranches after `from` up to `to`, rounded as they are delivered: `1 ETH, 2 wstETH`.
pub fn tranches(view: &RescueView, from: PerAsset<u8>, to: PerAsset<u8>) -> String {
    let shown = |asset| {
        let part = view.tranches_between(asset, from[asset], to[asset]);
        (!part.is_zero()).then(|| units(part, asset, view.rate.known()))
    };
    let parts: Vec<_> = Asset::ALL.into_iter().filter_map(shown).collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

/// `units`, and the exact number in the smallest unit, for something about to be signed.
pub fn units_exact(amount: Units, asset: Asset, rate: Option<Rate>) -> String {
    match amount.of(asset) {
        Amount::Eth(wei) => eth_and_wei(wei),
        Amount::StEth(_) => units(amount, asset, rate),
        Amount::WstEth(_) => {
            format!("{} ({} units of 10^-18 wstETH)", units(amount, asset, rate), amount.get())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        WrittenAmount::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn each_unit_is_read_exactly() {
        let ether = 10u128.pow(18);
        assert_eq!(WrittenAmount::parse("1.5 ETH").unwrap(), WrittenAmount::Eth(Wei::new(ether * 3 / 2)));
        assert_eq!(
            WrittenAmount::parse("2500 stETH").unwrap(),
            WrittenAmount::StEth(Wei::new(2_500 * ether))
        );
        assert_eq!(
            WrittenAmount::parse(" 30wstETH ").unwrap(),
            WrittenAmount::WstEth(Units::new(30 * ether))
        );
        assert_eq!(WrittenAmount::parse("123 wei").unwrap(), WrittenAmount::Eth(Wei::new(123)));
        assert_eq!(WrittenAmount::parse("100 shares").unwrap(), WrittenAmount::Shares(Shares::new(100)));
        assert_eq!(
            WrittenAmount::parse("0.000000000000000001 eth").unwrap(),
            WrittenAmount::Eth(Wei::new(1))
        );
        assert_eq!(WrittenAmount::parse("2 ether").unwrap(), WrittenAmount::Eth(Wei::new(2 * ether)));
        assert_eq!(
            WrittenAmount::parse("1.000000001 gwei").unwrap(),
            WrittenAmount::Eth(Wei::new(1_000_000_001))
        );
    }

    #[test]
    fn what_is_not_an_amount_is_refused_in_a_sentence() {
        assert_eq!(refusal("2500"), "`2500` has no unit");
        assert_eq!(refusal("5 WETH"), "`WETH` is not a known unit");
        assert_eq!(refusal("5 mwei"), "`mwei` is not a known unit");
        assert_eq!(refusal("0.1234567891 gwei"), "`0.1234567891 gwei` has more than 9 decimal places");
        assert_eq!(refusal("1.5 wei"), "`1.5 wei` is not a whole number");
        let fine = "0.0000000000000000001 ETH";
        assert_eq!(refusal(fine), format!("`{fine}` has more than 18 decimal places"));
        for text in [
            "ETH",
            "abc ETH",
            "1e3 ETH",
            "-1 ETH",
            "+1 ETH",
            "1,000 ETH",
            "1_000 ETH",
            ". ETH",
            ".5 ETH",
            "1. ETH",
            "1.2.3 ETH",
        ] {
            assert_eq!(refusal(text), format!("`{text}` is not an amount"));
        }
        let huge = "340282366920938463464 ETH";
        assert_eq!(refusal(huge), format!("`{huge}` is too large"));
    }

    #[test]
    fn a_target_is_in_eth() {
        assert_eq!(parse_eth("2 wei").unwrap(), Wei::new(2));
        let error = parse_eth("2 stETH").unwrap_err().to_string();
        assert_eq!(error, "`2 stETH` is an amount of stETH, not of ETH");
    }

    #[test]
    fn a_rate_is_read_and_shown_exactly() {
        let rate = |text: &str| parse_rate(text).unwrap().get();
        assert_eq!(rate("1.2 ETH"), 1_200_000_000_000_000_000_000_000_000);
        let fine = "1.234567890123456789012345678 ETH";
        assert_eq!(rate(fine), 1_234_567_890_123_456_789_012_345_678);
        for text in ["1.2 ETH", "1 ETH", fine, "0.000000000000000000000000001 ETH"] {
            assert_eq!(per_share(parse_rate(text).unwrap()), text);
        }
        let refusal = |text: &str| parse_rate(text).unwrap_err().to_string();
        assert_eq!(refusal("0 ETH"), "`0 ETH` is not a share rate");
        assert_eq!(refusal("5 wei"), "`5 wei` is not a share rate");
        assert_eq!(refusal("100 ETH"), "`100 ETH` is not a share rate");
        assert_eq!(refusal("1.2"), "`1.2` has no unit");
        assert_eq!(refusal("1.2 stETH"), "`1.2 stETH` is an amount of stETH, not of ETH");
    }

    #[test]
    fn assets_are_known_by_name() {
        assert_eq!(parse_asset("steth").unwrap(), Asset::StEth);
        assert_eq!(parse_asset("wstETH").unwrap(), Asset::WstEth);
        assert_eq!(
            parse_asset("WETH").unwrap_err().to_string(),
            "`WETH` is not an asset that rescues accept"
        );
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in
            ["68900 ETH", "0.000000000000000001 ETH", "1.05 stETH", "100 shares", "30.1 wstETH", "0 ETH"]
        {
            assert_eq!(WrittenAmount::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn books_are_shown_in_their_own_unit() {
        let rate = Rate::new(1_200_000_000_000_000_000_000_000_000);
        let ether = Units::new(10u128.pow(18));
        assert_eq!(units(ether, Asset::Eth, rate), "1 ETH");
        assert_eq!(units(ether, Asset::WstEth, rate), "1 wstETH");
        assert_eq!(units(ether, Asset::StEth, rate), "1.2 stETH (1000000000000000000 shares)");
        assert_eq!(units(Units::new(7), Asset::StEth, None), "7 shares");
        assert_eq!(worth(ether, Asset::StEth, rate), "1.2 stETH");
        assert_eq!(worth(Units::new(7), Asset::StEth, None), "7 shares");
        assert_eq!(units(Units::ZERO, Asset::StEth, None), "0 stETH");
        assert_eq!(units_exact(ether, Asset::Eth, None), "1 ETH (1000000000000000000 wei)");
        assert_eq!(
            units_exact(ether, Asset::WstEth, None),
            "1 wstETH (1000000000000000000 units of 10^-18 wstETH)"
        );
    }
}
