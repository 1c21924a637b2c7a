//! Every division in the rules, with its rounding in its name. Rounding is always against the recipient;
//! the remainder stays in the escrow.

use alloy_primitives::{U256, U512};

use crate::{
    asset::Amount,
    schedule::Timestamp,
    units::{Bps, RATE_UNIT, Rate, Shares, UnitSeconds, Units, Wei, WeiSeconds},
};

/// Interest counts a year as 365 days.
const SECONDS_PER_YEAR: u128 = 365 * 24 * 60 * 60;

/// floor(a * b / c). `c` is not zero, and the result fits by the bounds in [`crate::units`].
fn mul_div_down(a: u128, b: u128, c: u128) -> u128 {
    match a.checked_mul(b) {
        Some(product) => product / c,
        None => (U256::from(a) * U256::from(b) / U256::from(c)).to(),
    }
}

/// Coverage required to meet a threshold: ceil(target * threshold / 10,000).
pub fn required_up(target: Wei, threshold: Bps) -> Wei {
    Wei::new((target.get() * u128::from(threshold.get())).div_ceil(u128::from(Bps::ONE.get())))
}

/// Value of shares: floor(shares * rate / 10^27).
pub fn shares_value_down(shares: Shares, rate: Rate) -> Wei {
    Wei::new(mul_div_down(shares.get(), rate.get(), RATE_UNIT))
}

/// Value of an amount of one asset: the wei themselves, or floor(shares * rate / 10^27). `None` if the
/// amount is in shares and there is no rate.
pub fn value_down(amount: Amount, rate: Option<Rate>) -> Option<Wei> {
    match amount {
        Amount::Eth(wei) => Some(wei),
        _ => rate.map(|rate| shares_value_down(amount.wei_and_shares().1, rate)),
    }
}

/// What is drawn from `amount` in a group worth `value`, which is not zero, of which `draw` is drawn:
/// floor(amount * draw / value).
pub fn drawn_down(amount: Units, draw: Wei, value: Wei) -> Units {
    Units::new(mul_div_down(amount.get(), draw.get(), value.get()))
}

/// The same for a value: floor(part * draw / value).
pub fn drawn_value_down(part: Wei, draw: Wei, value: Wei) -> Wei {
    Wei::new(mul_div_down(part.get(), draw.get(), value.get()))
}

/// The part of a pot's draw in `count` of `tranches` tranches: floor(drawn * count / tranches).
pub fn tranches_down(drawn: Units, count: u8, tranches: u8) -> Units {
    Units::new(drawn.get() * u128::from(count) / u128::from(tranches))
}

/// A position's part of what its pot does not reserve: floor(amount * (total - reserved) / total).
/// A position with an amount is in the total, so `total` is not zero.
pub fn entitled_down(amount: Units, total: Units, reserved: Units) -> Units {
    Units::new(mul_div_down(amount.get(), (total - reserved).get(), total.get()))
}

/// Simple interest: floor(principal * rate * seconds / (10,000 * 365 days)). `seconds` fits in 40 bits.
pub fn interest_down(principal: Wei, rate: Bps, seconds: u64) -> Wei {
    let parts = u128::from(rate.get()) * u128::from(seconds);
    Wei::new(mul_div_down(principal.get(), parts, u128::from(Bps::ONE.get()) * SECONDS_PER_YEAR))
}

/// Share of what a group received for a part of it, by value: floor(received * part / whole). `part` is at
/// most `whole`, which is not zero.
pub fn earned_down(received: Wei, part: Wei, whole: Wei) -> Wei {
    Wei::new(mul_div_down(received.get(), part.get(), whole.get()))
}

/// An amount times the seconds for which it is locked; exact, because an amount fits in 128 bits and a time
/// in 64.
pub fn locked(amount: Units, seconds: Timestamp) -> UnitSeconds {
    UnitSeconds::new(U256::from(amount.get()) * U256::from(seconds))
}

/// Value of shares by time: floor(share-seconds * rate / 10^27). Share-seconds fit in 160 bits: 16 pots of
/// 101 bits, over 40 bits of time.
pub fn locked_value_down(shares: UnitSeconds, rate: Rate) -> WeiSeconds {
    WeiSeconds::new(shares.get() * U256::from(rate.get()) / U256::from(RATE_UNIT))
}

/// Share of a bonus for a part of everything locked, by value and time: floor(bonus * part / whole). `part`
/// is at most `whole`, which is not zero.
pub fn bonus_down(bonus: Wei, part: WeiSeconds, whole: WeiSeconds) -> Wei {
    let product = U512::from(bonus.get()) * U512::from(part.get());
    Wei::new((product / U512::from(whole.get())).to())
}

/// What a sponsor gets back of what is left of a bonus: floor(added * left / bonus). `left` is at most
/// `bonus`, which is not zero, because `added` is part of it.
pub fn left_down(added: Wei, left: Wei, bonus: Wei) -> Wei {
    Wei::new(mul_div_down(added.get(), left.get(), bonus.get()))
}

/// Whether `objected` has reached ceil(drawn value * veto / 10,000).
pub fn veto_reached(objected: Wei, drawn_value: Wei, veto: Bps) -> bool {
    objected >= required_up(drawn_value, veto)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(number: u128) -> Rate {
        Rate::new(number).unwrap()
    }

    #[test]
    fn required_coverage_rounds_up() {
        assert_eq!(required_up(Wei::new(1_000_000_007), Bps::new(2_500)), Wei::new(250_000_002));
        assert_eq!(required_up(Wei::new(1_000_000_000), Bps::new(2_500)), Wei::new(250_000_000));
        assert_eq!(required_up(Wei::new(7), Bps::ONE), Wei::new(7));
    }

    #[test]
    fn value_of_shares_rounds_down() {
        let rate = rate(1_199_999_999_999_999_999_999_999_999);
        assert_eq!(value_down(Amount::StEth(Shares::new(10)), Some(rate)), Some(Wei::new(11)));
        assert_eq!(value_down(Amount::WstEth(Units::new(10)), Some(rate)), Some(Wei::new(11)));
        assert_eq!(value_down(Amount::Eth(Wei::new(10)), None), Some(Wei::new(10)));
        assert_eq!(value_down(Amount::WstEth(Units::new(10)), None), None);
    }

    #[test]
    fn the_largest_products_fit() {
        let shares = Shares::new(16 * Units::MAX_POT.get());
        assert_eq!(shares_value_down(shares, Rate::MAX).get() >> 111, 1);
        let value = Wei::new((1 << 112) - 1);
        assert_eq!(drawn_down(Units::MAX_POT, value - Wei::new(1), value), Units::MAX_POT - Units::new(1));
        assert_eq!(
            entitled_down(Units::MAX_POT, Units::MAX_POT, Units::new(1)),
            Units::MAX_POT - Units::new(1)
        );
        assert_eq!(tranches_down(Units::MAX_POT, 64, 64), Units::MAX_POT);
        assert!(veto_reached(Wei::new((1 << 96) - 1), Wei::new((1 << 96) - 1), Bps::ONE));
    }

    #[test]
    fn a_draw_rounds_down() {
        assert_eq!(drawn_down(Units::new(10), Wei::new(1), Wei::new(3)), Units::new(3));
        assert_eq!(drawn_value_down(Wei::new(10), Wei::new(2), Wei::new(3)), Wei::new(6));
    }

    #[test]
    fn interest_is_simple_by_years_of_365_days_and_rounds_down() {
        let interest =
            |principal, rate, seconds| interest_down(Wei::new(principal), Bps::new(rate), seconds).get();
        assert_eq!(interest(1_000, 400, 31_536_000), 40);
        assert_eq!(interest(1_000, 400, 31_535_999), 39);
        assert_eq!(interest(1_000, 400, 3 * 31_536_000), 120);
        assert_eq!([interest(1_000, 0, 31_536_000), interest(1_000, 400, 0), interest(0, 400, 1)], [0; 3]);
        assert_eq!(interest((1 << 96) - 1, u16::MAX, (1 << 40) - 1) >> 113, 1);
    }

    #[test]
    fn what_a_part_has_earned_rounds_down() {
        assert_eq!(earned_down(Wei::new(10), Wei::new(2), Wei::new(3)), Wei::new(6));
        assert_eq!(earned_down(Wei::new(10), Wei::new(3), Wei::new(3)), Wei::new(10));
        let (most, whole) = (Wei::new((1 << 96) - 1), Wei::new((1 << 112) - 1));
        assert_eq!(earned_down(most, whole, whole), most);
    }

    #[test]
    fn what_was_locked_counts_by_amount_and_time_and_its_value_rounds_down() {
        let locked = |amount, seconds| locked(Units::new(amount), seconds);
        assert_eq!(locked(7, 11), UnitSeconds::new(U256::from(77)));
        let rate = rate(1_199_999_999_999_999_999_999_999_999);
        assert_eq!(locked_value_down(locked(2, 5), rate), WeiSeconds::new(U256::from(11)));
    }

    #[test]
    fn a_bonus_rounds_down_for_pledgers_and_for_sponsors() {
        let locked = |number: u128| WeiSeconds::new(U256::from(number));
        assert_eq!(bonus_down(Wei::new(10), locked(2), locked(3)), Wei::new(6));
        let whole = WeiSeconds::new(U256::MAX);
        assert_eq!(bonus_down(Wei::new(u128::MAX), whole, whole), Wei::new(u128::MAX));
        assert_eq!(left_down(Wei::new(10), Wei::new(2), Wei::new(30)), Wei::ZERO);
        assert_eq!(left_down(Wei::new(10), Wei::new(20), Wei::new(30)), Wei::new(6));
    }

    #[test]
    fn a_veto_is_reached_exactly_at_its_share() {
        assert!(veto_reached(Wei::new(33), Wei::new(100), Bps::new(3_300)));
        assert!(!veto_reached(Wei::new(32), Wei::new(100), Bps::new(3_300)));
        assert!(!veto_reached(Wei::new(33), Wei::new(101), Bps::new(3_300)));
    }
}
