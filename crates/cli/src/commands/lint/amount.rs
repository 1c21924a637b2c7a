//! Whether an amount is in the unit that is meant.

use levee_model::{Rate, Shares, Units};

use super::finding::{Finding, Kind, Place};
use crate::{
    amount::{Amount, eth},
    error::UserError,
    rehearse::lido::Tokens,
};

/// A thousand million ETH, or as many shares: eight times what there is.
const TOO_MUCH: Units = Units::new(10u128.pow(27));
/// A thousand millionth of an ETH, or of a share.
const TOO_LITTLE: Units = Units::new(10u128.pow(9));

/// Reads an amount, and says what is odd about it.
pub(super) fn read(text: &str, place: &Place) -> (Option<Amount>, Option<Finding>) {
    match Amount::parse(text) {
        Ok(amount) => (Some(amount), odd(text, amount, place)),
        Err(error) => (None, Some(unreadable(&error, place))),
    }
}

fn unreadable(error: &UserError, place: &Place) -> Finding {
    let message = error.to_string();
    if message.ends_with("is too large") {
        return too_large(message, place);
    }
    let advice = error.hint.clone().unwrap_or_else(|| "correct it".to_owned());
    place.error(Kind::Unreadable, message, "an amount that is not understood cannot be counted", &advice)
}

fn too_large(what: String, place: &Place) -> Finding {
    let why = "there are less than 10^9 ETH: a number of wei, of which an ETH has 10^18, may have been written as one of ETH";
    place.error(Kind::TooLarge, what, why, "check the number and its unit")
}

/// An amount that is out of all proportion.
fn odd(text: &str, amount: Amount, place: &Place) -> Option<Finding> {
    // Of which asset does not matter: a share is worth about an ETH.
    let units = Tokens::at(Rate::PAR).booked(amount).units();
    if units.is_zero() {
        let why = "it adds nothing";
        return Some(place.warning(
            Kind::NoAmount,
            format!("`{text}` is zero"),
            why,
            "leave it out, or say how much",
        ));
    }
    if units >= TOO_MUCH {
        return Some(too_large(format!("`{text}` is more than there is"), place));
    }
    let what = || format!("`{text}` is less than a thousand millionth of an ETH");
    let why = "a number of ETH may have been written as one of wei, or of shares";
    (units < TOO_LITTLE).then(|| place.warning(Kind::TooSmall, what(), why, "check the number and its unit"))
}

/// The same number of stETH and of shares, which are not the same unless a share is worth 1 ETH.
pub(super) fn mixed_up(held: Amount, pledged: Amount, rate: Rate, place: &Place) -> Option<Finding> {
    let same = match (held, pledged) {
        (Amount::StEth(wei), Amount::Shares(shares)) | (Amount::Shares(shares), Amount::StEth(wei)) => {
            (wei.get() == shares.get()).then_some(shares)
        }
        _ => None,
    };
    let shares: Shares = same.filter(|_| rate != Rate::PAR)?;
    let worth = eth(levee_model::prorata::shares_value_down(shares, rate));
    let what = format!("{held} and {pledged} are the same number of different units");
    let why = format!("{shares} are worth {worth} here");
    Some(place.warning(Kind::SharesForStEth, what, why, "write both in stETH, or both in shares"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::Wei;

    fn place() -> Place {
        Place { file: "a.toml".into(), line: Some(3) }
    }

    fn found(text: &str) -> Option<Kind> {
        read(text, &place()).1.map(|finding| finding.kind)
    }

    #[test]
    fn amounts_in_the_wrong_unit_are_noticed() {
        // 5,000 ETH in wei, written as ETH, do not even fit into 128 bits.
        assert_eq!(found("5000000000000000000000 ETH"), Some(Kind::TooLarge));
        assert_eq!(found("1000000000 ETH"), Some(Kind::TooLarge));
        assert_eq!(found("999999999 ETH"), None);
        assert_eq!(found("5000 wei"), Some(Kind::TooSmall));
        assert_eq!(found("2500 shares"), Some(Kind::TooSmall));
        assert_eq!(found("0.000000001 stETH"), None);
        assert_eq!(found("0 ETH"), Some(Kind::NoAmount));
        assert_eq!(found("5000"), Some(Kind::Unreadable));
        assert_eq!(found("5 ETH"), None);
    }

    #[test]
    fn a_number_of_steth_is_not_one_of_shares() {
        let rate = Rate::new(1_200_000_000_000_000_000_000_000_000).unwrap();
        let number = 10u128.pow(20);
        let (steth, shares) = (Amount::StEth(Wei::new(number)), Amount::Shares(Shares::new(number)));
        let finding = mixed_up(steth, shares, rate, &place()).unwrap();
        assert!(finding.to_text().contains("worth 120 ETH here"), "{}", finding.to_text());
        assert!(mixed_up(shares, steth, rate, &place()).is_some());
        assert_eq!(mixed_up(steth, shares, Rate::PAR, &place()), None);
        assert_eq!(mixed_up(steth, steth, rate, &place()), None);
    }
}
