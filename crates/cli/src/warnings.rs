//! What the escrow takes, and those who pledge may regret: each is one sentence, with figures and without a full stop.

use levee_model::{Bps, Terms, Timestamp, Wei, prorata, schedule};

use crate::{amount, percent, time};

const HOUR: u32 = 60 * 60;
const DAY: u32 = 24 * HOUR;
const YEAR: u64 = 365 * DAY as u64;
/// What leaves people time to see an announcement and to act.
const SHORT: u32 = 6 * HOUR;
/// What few plan for.
const FAR: u64 = 5 * YEAR;

/// The warnings that apply to a rescue with these terms, if it were created at `now`.
pub(crate) fn of(terms: &Terms, now: Timestamp) -> Vec<String> {
    let all = [veto_price(terms), ally(terms), short_objection(terms)];
    let all = all.into_iter().chain(short_windows(terms)).chain(far_times(terms, now));
    all.flatten().collect()
}

/// What it takes to stop the rescue.
fn veto_price(terms: &Terms) -> Option<String> {
    let (most, least) = (veto_of(terms, terms.target)?, veto_of(terms, lowest_draw(terms))?);
    let locked = time::duration(schedule::last_due(terms, 0));
    let at_least = if least == most { String::new() } else { format!("{} to ", amount::eth(least)) };
    let (most, veto) = (amount::eth(most), percent::percent(terms.veto));
    Some(format!(
        "whoever locks {at_least}{most} for {locked} can stop the rescue by its veto of {veto} of the draw"
    ))
}

/// The drawn value that stops a rescue of which `drawn` is drawn; none without a veto.
fn veto_of(terms: &Terms, drawn: Wei) -> Option<Wei> {
    (terms.veto > Bps::ZERO).then(|| prorata::required_up(drawn, terms.veto))
}

/// The least that a settlement can draw: the lowest threshold may be all that is met.
fn lowest_draw(terms: &Terms) -> Wei {
    let lowest = terms.tiers.first().map_or(Bps::ONE, |tier| tier.threshold);
    prorata::required_up(terms.target, lowest)
}

/// Who may complete its own rescue, with nobody to stop it.
fn ally(terms: &Terms) -> Option<String> {
    if !terms.guardian.is_zero() {
        return None;
    }
    let Some(veto) = veto_of(terms, terms.target) else {
        return Some(
            "with neither a veto nor a guardian nobody can stop a rescue that the beneficiary or an ally completes by \
             pledging what is missing"
                .into(),
        );
    };
    // A veto is a part of the target.
    let rest = amount::eth(terms.target - veto);
    Some(format!(
        "without a guardian, an ally of the beneficiary that pledges more than {rest} of {} cannot be outvoted",
        amount::eth(terms.target)
    ))
}

fn short_objection(terms: &Terms) -> Option<String> {
    let period = terms.objection_period;
    let shown = time::duration(period.into());
    (period < DAY).then(|| {
        format!(
            "an objection_period of {shown} is under a day: it leaves little time to object, and asks for capital for \
             no longer than that"
        )
    })
}

fn short_windows(terms: &Terms) -> [Option<String>; 2] {
    let short = |name: &str, window: u32, effect: &str| {
        let (window_text, limit) = (time::duration(window.into()), time::duration(SHORT.into()));
        (window < SHORT).then(|| format!("{name} of {window_text} is under {limit}: {effect}"))
    };
    [
        short(
            "an exit_window",
            terms.exit_window,
            "an amendment may come into force before pledgers can leave",
        ),
        short("a release_window", terms.release_window, "it may end before the beneficiary is paid"),
    ]
}

fn far_times(terms: &Terms, now: Timestamp) -> [Option<String>; 4] {
    let Terms { deadline, latest_deadline, release_window, .. } = *terms;
    // No latest deadline is before the deadline.
    let moved = latest_deadline.saturating_sub(deadline);
    let payout = schedule::last_due(terms, 0).saturating_add(release_window.into());
    let [latest, years, all] = [
        format!("{}, {} after the deadline", time::time(latest_deadline), time::duration(moved)),
        format!("the deadline {} is more than five years away", time::time(deadline)),
        time::duration(payout),
    ];
    [
        (deadline > now.saturating_add(FAR)).then_some(years),
        (moved > YEAR).then(|| {
            format!(
                "an amendment can move the deadline up to {latest}: pledgers who do not leave before it are bound until then"
            )
        }),
        (u64::from(terms.exit_window) > YEAR).then(|| {
            let window = time::duration(terms.exit_window.into());
            format!("an exit_window of {window} also keeps a bonus from the pledgers for as long after the deadline")
        }),
        (payout > FAR).then(|| {
            format!("the tranches and the release_window take {all} after settlement, more than five years")
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::tests::{NOW, parse, text};
    use alloy::primitives::Address;

    /// What is warned of beyond the price of the veto, of the template with a guardian and `change`.
    fn beyond_the_price(change: fn(&mut Terms)) -> Vec<String> {
        let mut file = parse(&text()).unwrap();
        file.terms.guardian = Address::repeat_byte(6);
        change(&mut file.terms);
        file.check(NOW).unwrap();
        let mut warnings = of(&file.terms, NOW);
        assert!(warnings.remove(0).contains("can stop the rescue by its veto"));
        warnings
    }

    #[test]
    fn a_veto_has_a_price() {
        let mut terms = parse(&text()).unwrap().terms;
        // 33 % of the 34,450 ETH of the lowest threshold, and of the target; 3 days and 3 times 7.
        let price = "whoever locks 11368.5 ETH to 22737 ETH for 24 days can stop the rescue by its veto of 33 % of the draw";
        assert_eq!(of(&terms, NOW)[0], price);
        terms.tiers.drain(..2);
        let whole = "whoever locks 22737 ETH for 24 days can stop the rescue by its veto of 33 % of the draw";
        assert_eq!(of(&terms, NOW)[0], whole);
    }

    #[test]
    fn an_ally_of_the_beneficiary_has_a_limit_or_none() {
        let mut terms = parse(&text()).unwrap().terms;
        let ally = "without a guardian, an ally of the beneficiary that pledges more than 46163 ETH of 68900 ETH cannot be \
                    outvoted";
        assert_eq!(of(&terms, NOW)[1..], [ally]);
        terms.veto = Bps::ZERO;
        let nobody = "with neither a veto nor a guardian nobody can stop a rescue that the beneficiary or an ally completes \
                      by pledging what is missing";
        assert_eq!(of(&terms, NOW), [nobody]);
        terms.guardian = Address::repeat_byte(6);
        assert_eq!(of(&terms, NOW), [""; 0]);
    }

    #[test]
    fn what_leaves_no_time_is_warned_of() {
        assert_eq!(beyond_the_price(|_| ()), [""; 0]);
        let objection = "an objection_period of 23 hours 59 minutes 59 seconds is under a day: it leaves little time to \
                         object, and asks for capital for no longer than that";
        assert_eq!(beyond_the_price(|terms| terms.objection_period = DAY - 1), [objection]);
        assert_eq!(beyond_the_price(|terms| terms.objection_period = DAY), [""; 0]);
        let exit = "an exit_window of 5 hours is under 6 hours: an amendment may come into force before pledgers can leave";
        assert_eq!(beyond_the_price(|terms| terms.exit_window = 5 * HOUR), [exit]);
        let release =
            "a release_window of 5 hours is under 6 hours: it may end before the beneficiary is paid";
        assert_eq!(beyond_the_price(|terms| terms.release_window = 5 * HOUR), [release]);
    }

    #[test]
    fn what_is_far_away_is_warned_of() {
        let far = "the deadline 2036-07-29T00:00:00Z is more than five years away";
        let ten_years = |terms: &mut Terms| {
            terms.deadline = NOW + 10 * YEAR;
            terms.latest_deadline = terms.deadline;
        };
        assert_eq!(beyond_the_price(ten_years), [far]);
        let latest = "an amendment can move the deadline up to 2027-08-03T00:00:00Z, 366 days after the deadline: pledgers \
                      who do not leave before it are bound until then";
        assert_eq!(beyond_the_price(|terms| terms.latest_deadline += 366 * u64::from(DAY)), [latest]);
        assert_eq!(beyond_the_price(|terms| terms.latest_deadline += YEAR), [""; 0]);
        let window =
            "an exit_window of 366 days also keeps a bonus from the pledgers for as long after the deadline";
        assert_eq!(beyond_the_price(|terms| terms.exit_window = 366 * DAY), [window]);
        assert_eq!(beyond_the_price(|terms| terms.exit_window = 365 * DAY), [""; 0]);
        let long =
            "the tranches and the release_window take 2223 days after settlement, more than five years";
        assert_eq!(beyond_the_price(|terms| terms.tranche_interval = 730 * DAY), [long]);
    }
}
