//! Warnings about terms that the escrow accepts but pledgers may regret: each is one sentence with figures,
//! without a period.

use std::path::Path;

use alloy::{
    primitives::{Address, address},
    providers::DynProvider,
};
use eyre::Result;
use levee::{
    Edition, Error, Receiver, accepts_ether,
    text::{CompactFile, Hole, TextError},
};
use levee_model::{Bps, CompactTerms, Terms, Timestamp, Wei, prorata, schedule};

use crate::{account::DEV_CHAIN, amount, percent, public_keys, receiver, terms::TermsFile, time};

const HOUR: u32 = 60 * 60;
const DAY: u32 = 24 * HOUR;
const YEAR: u64 = 365 * DAY as u64;
/// The time that people need to see an announcement and act.
const SHORT: u32 = 6 * HOUR;
/// Longer than anyone plans.
const FAR: u64 = 5 * YEAR;

/// The warnings that apply to a rescue on `chain` with these terms, if it were created at `now`.
pub(crate) fn of_file(file: &TermsFile, now: Timestamp) -> Vec<String> {
    let mut all = of(file.chain, &file.terms, now);
    all.extend(edition(file.edition));
    all.extend(file.document.as_deref().and_then(|document| other_net(document, file.terms.target)));
    all
}

/// A document by which another amount is left to cover than the target.
fn other_net(document: &Path, target: Wei) -> Option<String> {
    match Hole::of_file(document) {
        Ok((_, Some(hole))) if hole.net != target => Some(format!(
            "by the document, {} is left to cover, and the target is {}",
            amount::eth(hole.net),
            amount::eth(target)
        )),
        Ok(_) => None,
        Err(error) => Some(format!("nobody can read in the document what the target is the net of: {error}")),
    }
}

/// Why no rescue can be created with these terms at any time: where they are only shown, that is a warning.
pub(crate) fn refusal(file: &TermsFile) -> Vec<String> {
    file.check(0).err().map(|error| invalid(&error)).into_iter().collect()
}

fn invalid(error: &TextError) -> String {
    format!("these terms are not valid: {error}")
}

/// Why no compact can be created with these terms, or else the warnings that apply to it.
pub(crate) fn refusal_or_of_compact(file: &CompactFile) -> Vec<String> {
    file.check().map_or_else(|error| vec![invalid(&error)], |()| of_compact(file))
}

/// The warnings that apply to a compact with these terms.
pub(crate) fn of_compact(file: &CompactFile) -> Vec<String> {
    let terms = &file.terms;
    let public = |name: &str, account: Address| {
        public_key(file.chain, account).map(|what| format!("the {name} `{account}` is {what}"))
    };
    let all = [
        edition(file.edition),
        public("admitter", terms.admitter),
        public("guardian", terms.guardian),
        no_network(file.chain),
        (terms.min_rate > Bps::ONE).then(|| {
            format!(
                "a min_rate of {} a year is more than any rescue is likely to promise: no call could be proposed",
                percent::percent(terms.min_rate)
            )
        }),
        lasting_veto(terms),
        (terms.quorum == Bps::ONE).then(|| {
            "with a quorum of 100 %, any one member who stays away stops every call".to_owned()
        }),
    ];
    all.into_iter().flatten().collect()
}

/// A veto that those whom a quorum outvotes could not reach together.
fn lasting_veto(terms: &CompactTerms) -> Option<String> {
    let outvoted = Bps::ONE.get().saturating_sub(terms.quorum.get());
    (terms.max_veto.get() > outvoted && outvoted > 0).then(|| {
        format!(
            "members whom a quorum of {} outvotes have less than {}, and so cannot stop a rescue by a veto of up to {}: choose a \
             max_veto of {} or less",
            percent::percent(terms.quorum),
            percent::of_bps(outvoted.into()),
            percent::percent(terms.max_veto),
            percent::of_bps(outvoted.into()),
        )
    })
}

fn edition(edition: Edition) -> Option<String> {
    (edition != Edition::LATEST).then(|| {
        format!("edition {edition} of the contracts is not the latest, which is {}", Edition::LATEST)
    })
}

/// Those that only the chain of the terms can tell: about what the beneficiary is there.
pub(crate) async fn of_chain(file: &TermsFile, provider: &DynProvider) -> Result<Vec<String>> {
    let (rescue, beneficiary) = (file.address()?, file.terms.beneficiary);
    let mut all = Vec::new();
    if !accepts_ether(provider, rescue, beneficiary).await? {
        all.push(format!(
            "the beneficiary `{beneficiary}` does not accept ETH now: what it still refuses when the release_window has passed goes \
             back to the pledgers"
        ));
    }
    match Receiver::at(provider, beneficiary).await {
        Ok(None) => {}
        Ok(Some(found)) => {
            let findings = receiver::findings(provider, file.chain, &found, Some(&file.terms)).await?;
            all.extend(findings.into_iter().map(|finding| finding.text));
        }
        Err(error @ Error::Counterfeit { .. }) => {
            all.push(format!("the beneficiary is no receiver: {error}"))
        }
        Err(error) => return Err(error.into()),
    }
    Ok(all)
}

/// Those that follow from the terms.
fn of(chain: u64, terms: &Terms, now: Timestamp) -> Vec<String> {
    let all = [veto_price(terms), ally(terms), objection_without_objectors(terms), short_objection(terms)];
    let all = all
        .into_iter()
        .chain(short_windows(terms))
        .chain(near_times(terms, now))
        .chain(far_times(terms, now));
    let all = all.chain(accounts(chain, terms)).chain([high_rate(terms), no_network(chain)]);
    all.flatten().collect()
}

/// A suspicious beneficiary or guardian.
fn accounts(chain: u64, terms: &Terms) -> [Option<String>; 3] {
    let Terms { beneficiary, guardian, .. } = *terms;
    let public = |name: &str, account: Address| {
        public_key(chain, account).map(|what| format!("the {name} `{account}` is {what}"))
    };
    let unowned = unowned(terms).map(|what| {
        format!("the beneficiary `{beneficiary}` is {what}: nobody could use what is delivered to it")
    });
    let guards_itself = (beneficiary == guardian).then(|| {
        format!(
            "the beneficiary `{beneficiary}` is also the guardian: only the veto can stop what goes to it"
        )
    });
    [unowned.or_else(|| public("beneficiary", beneficiary)), guards_itself, public("guardian", guardian)]
}

/// Common burn addresses.
const BURN: [Address; 3] = [
    address!("000000000000000000000000000000000000dEaD"),
    address!("dEAD000000000000000042069420694206942069"),
    Address::repeat_byte(0xff),
];

/// What kind of unowned account a beneficiary is.
fn unowned(terms: &Terms) -> Option<&'static str> {
    let beneficiary = terms.beneficiary;
    if beneficiary == terms.steth || beneficiary == terms.wsteth {
        return Some("one of the rescue's own tokens");
    }
    nobodys(beneficiary)
}

/// What an account is that nobody can use, on any chain.
pub(crate) fn nobodys(account: Address) -> Option<&'static str> {
    if BURN.contains(&account) {
        return Some("a burn address");
    }
    // Precompiled contracts have the lowest addresses.
    account[..18].iter().all(|byte| *byte == 0).then_some("a precompile, now or in the future")
}

/// What an account is whose key everybody knows. On a local chain that is normal.
pub(crate) fn public_key(chain: u64, account: Address) -> Option<&'static str> {
    let is_public = chain != DEV_CHAIN && public_keys::is_public(account);
    is_public.then_some("an account of development nodes, whose key is public")
}

/// An implausibly high rate.
fn high_rate(terms: &Terms) -> Option<String> {
    let (index, tier) = terms.tiers.iter().enumerate().find(|(_, tier)| tier.rate > Bps::ONE)?;
    Some(format!(
        "tier {index} has a rate of {} per year: recoveries pay its interest before earlier draw orders are \
         repaid",
        percent::percent(tier.rate)
    ))
}

fn no_network(chain: u64) -> Option<String> {
    (chain == 0).then(|| "the chain is 0, which no network has: no node will accept these terms".into())
}

/// An objection period in which nobody can object.
fn objection_without_objectors(terms: &Terms) -> Option<String> {
    let period = time::duration(terms.objection_period.into());
    (terms.guardian.is_zero() && terms.veto == Bps::ZERO).then(|| {
        format!(
            "the objection_period of {period} has no effect: without a veto or a guardian, nobody can stop the rescue"
        )
    })
}

/// Periods that are over before people notice.
fn near_times(terms: &Terms, now: Timestamp) -> [Option<String>; 2] {
    let left = terms.deadline.saturating_sub(now);
    // The last tranche is not due before the first.
    let span = schedule::last_due(terms, 0) - schedule::first_due(terms, 0);
    let [left_text, span_text, interval] = [left, span, terms.tranche_interval.into()].map(time::duration);
    [
        (left < DAY.into())
            .then(|| format!("the deadline {} is {left_text} away: few can pledge by then", time::time(terms.deadline))),
        (terms.tranches > 1 && span < DAY.into()).then(|| {
            format!(
                "the {} tranches, {interval} apart, all fall due within {span_text}: they leave little time to stop the rest",
                terms.tranches
            )
        }),
    ]
}

/// What it costs to stop the rescue.
fn veto_price(terms: &Terms) -> Option<String> {
    let (most, least) = (veto_of(terms, terms.target)?, veto_of(terms, lowest_draw(terms))?);
    let locked = time::duration(schedule::last_due(terms, 0));
    let at_least = if least == most { String::new() } else { format!("{} to ", amount::eth(least)) };
    let (most, veto) = (amount::eth(most), percent::percent(terms.veto));
    Some(format!(
        "whoever locks {at_least}{most} for {locked} can stop the rescue by its veto of {veto} of the draw"
    ))
}

/// The drawn value that stops a rescue if `drawn` is drawn; none without a veto.
fn veto_of(terms: &Terms, drawn: Wei) -> Option<Wei> {
    (terms.veto > Bps::ZERO).then(|| prorata::required_up(drawn, terms.veto))
}

/// The least that a settlement can draw: only the lowest threshold may be met.
fn lowest_draw(terms: &Terms) -> Wei {
    let lowest = terms.tiers.first().map_or(Bps::ONE, |tier| tier.threshold);
    prorata::required_up(terms.target, lowest)
}

/// A beneficiary that can complete its own rescue with nobody to stop it.
fn ally(terms: &Terms) -> Option<String> {
    if !terms.guardian.is_zero() {
        return None;
    }
    let Some(veto) = veto_of(terms, terms.target) else {
        return Some(
            "with neither a veto nor a guardian, nobody can stop a rescue that the beneficiary or an ally \
             completes by pledging the missing amount"
                .into(),
        );
    };
    // A veto is a part of the target.
    let rest = amount::eth(terms.target.checked_sub(veto).unwrap_or_default());
    Some(format!(
        "without a guardian, an ally of the beneficiary who pledges more than {rest} of {} cannot be outvoted",
        amount::eth(terms.target)
    ))
}

fn short_objection(terms: &Terms) -> Option<String> {
    let period = terms.objection_period;
    let shown = time::duration(period.into());
    let can_be_stopped = !terms.guardian.is_zero() || terms.veto != Bps::ZERO;
    (period < DAY && can_be_stopped).then(|| {
        format!(
            "an objection_period of {shown} is less than a day: it leaves little time to object, and an \
             attacker needs capital for no longer than that"
        )
    })
}

fn short_windows(terms: &Terms) -> [Option<String>; 2] {
    let short = |name: &str, window: u32, effect: &str| {
        let (window_text, limit) = (time::duration(window.into()), time::duration(SHORT.into()));
        (window < SHORT).then(|| format!("{name} of {window_text} is less than {limit}: {effect}"))
    };
    [
        short("an exit_window", terms.exit_window, "an amendment may take effect before pledgers can leave"),
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
                "an amendment can move the deadline to as late as {latest}: pledgers who do not exit before it takes effect are bound until then"
            )
        }),
        (u64::from(terms.exit_window) > YEAR).then(|| {
            let window = time::duration(terms.exit_window.into());
            format!("an exit_window of {window} also delays a bonus for pledgers by as long after the deadline")
        }),
        (payout > FAR).then(|| {
            format!("the tranches and the release_window take {all} after settlement, more than five years")
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        commands::terms::tests::{NOW, parse, text},
        document::Document,
    };

    /// What is warned of beyond the price of the veto, of the template with a guardian and `change`.
    fn beyond_the_price(change: fn(&mut Terms)) -> Vec<String> {
        let mut file = parse(&text()).unwrap();
        file.terms.guardian = Address::repeat_byte(6);
        change(&mut file.terms);
        file.check(NOW).unwrap();
        let mut warnings = of(file.chain, &file.terms, NOW);
        assert!(warnings.remove(0).contains("can stop the rescue by its veto"));
        warnings
    }

    #[test]
    fn a_veto_has_a_price() {
        let mut terms = parse(&text()).unwrap().terms;
        // 33 % of the 34,450 ETH of the lowest threshold, and of the target; 3 days and 3 times 7.
        let price = "whoever locks 11368.5 ETH to 22737 ETH for 24 days can stop the rescue by its veto of 33 % of the draw";
        assert_eq!(of(1, &terms, NOW)[0], price);
        terms.tiers.drain(..2);
        let whole = "whoever locks 22737 ETH for 24 days can stop the rescue by its veto of 33 % of the draw";
        assert_eq!(of(1, &terms, NOW)[0], whole);
    }

    #[test]
    fn an_ally_of_the_beneficiary_has_a_limit_or_none() {
        let mut terms = parse(&text()).unwrap().terms;
        let ally = "without a guardian, an ally of the beneficiary who pledges more than 46163 ETH of 68900 ETH cannot be outvoted";
        assert_eq!(of(1, &terms, NOW)[1..], [ally]);
        terms.veto = Bps::ZERO;
        let nobody = "with neither a veto nor a guardian, nobody can stop a rescue that the beneficiary or \
                      an ally completes by pledging the missing amount";
        let nothing = "the objection_period of 3 days has no effect: without a veto or a guardian, nobody can stop the rescue";
        assert_eq!(of(1, &terms, NOW), [nobody, nothing]);
        terms.guardian = Address::repeat_byte(6);
        assert_eq!(of(1, &terms, NOW), [""; 0]);
    }

    #[test]
    fn what_leaves_no_time_is_warned_of() {
        assert_eq!(beyond_the_price(|_| ()), [""; 0]);
        let objection = "an objection_period of 23 hours 59 minutes 59 seconds is less than a day: it leaves little time to object, and an attacker needs capital for no longer than that";
        assert_eq!(beyond_the_price(|terms| terms.objection_period = DAY - 1), [objection]);
        assert_eq!(beyond_the_price(|terms| terms.objection_period = DAY), [""; 0]);
        let exit = "an exit_window of 5 hours is less than 6 hours: an amendment may take effect before pledgers can leave";
        assert_eq!(beyond_the_price(|terms| terms.exit_window = 5 * HOUR), [exit]);
        let release =
            "a release_window of 5 hours is less than 6 hours: it may end before the beneficiary is paid";
        assert_eq!(beyond_the_price(|terms| terms.release_window = 5 * HOUR), [release]);
    }

    #[test]
    fn what_is_over_too_soon_is_warned_of() {
        let soon = "the deadline 2026-08-01T00:05:00Z is 5 minutes away: few can pledge by then";
        assert_eq!(beyond_the_price(|terms| terms.deadline = NOW + 300), [soon]);
        assert_eq!(beyond_the_price(|terms| terms.deadline = NOW + u64::from(DAY)), [""; 0]);
        let together = "the 4 tranches, 1 second apart, all fall due within 3 seconds: they leave little time to stop the rest";
        assert_eq!(beyond_the_price(|terms| terms.tranche_interval = 1), [together]);
        assert_eq!(beyond_the_price(|terms| (terms.tranches, terms.tranche_interval) = (1, 0)), [""; 0]);
    }

    #[test]
    fn who_cannot_be_meant_is_warned_of() {
        let nobody = |account: Address, what: &str| {
            format!("the beneficiary `{account}` is {what}: nobody could use what is delivered to it")
        };
        let set = |change: fn(&mut Terms)| beyond_the_price(change);
        let dead = address!("000000000000000000000000000000000000dEaD");
        assert_eq!(set(|terms| terms.beneficiary = BURN[0]), [nobody(dead, "a burn address")]);
        let nine = Address::with_last_byte(9);
        let precompile = nobody(nine, "a precompile, now or in the future");
        assert_eq!(set(|terms| terms.beneficiary = Address::with_last_byte(9)), [precompile]);
        let steth = address!("ae7ab96520DE3A18E5e111B5EaAb095312D7fE84");
        let own = nobody(steth, "one of the rescue's own tokens");
        assert_eq!(set(|terms| terms.beneficiary = terms.steth), std::slice::from_ref(&own));
        assert_eq!(
            set(|terms| terms.beneficiary = terms.wsteth)[0]
                .replace("0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0", &steth.to_string()),
            own
        );
        let six = Address::repeat_byte(6);
        let itself =
            format!("the beneficiary `{six}` is also the guardian: only the veto can stop what goes to it");
        assert_eq!(set(|terms| terms.beneficiary = terms.guardian), [itself]);
    }

    #[test]
    fn a_key_that_everybody_knows_is_warned_of_but_on_a_local_chain() {
        let known = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
        let warned = |name: &str| {
            format!("the {name} `{known}` is an account of development nodes, whose key is public")
        };
        let beneficiary =
            |terms: &mut Terms| terms.beneficiary = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
        assert_eq!(beyond_the_price(beneficiary), [warned("beneficiary")]);
        let mut terms = parse(&text()).unwrap().terms;
        terms.guardian = known;
        assert_eq!(of(1, &terms, NOW)[1..], [warned("guardian")]);
        (terms.steth, terms.wsteth) = (Address::ZERO, Address::ZERO);
        assert_eq!(of(DEV_CHAIN, &terms, NOW)[1..], [""; 0]);
    }

    #[test]
    fn figures_that_nobody_means_are_warned_of() {
        let rate = "tier 1 has a rate of 500 % per year: recoveries pay its interest before earlier draw orders are repaid";
        assert_eq!(beyond_the_price(|terms| terms.tiers[1].rate = Bps::new(50_000)), [rate]);
        assert_eq!(beyond_the_price(|terms| terms.tiers[1].rate = Bps::ONE), [""; 0]);
        let mut terms = parse(&text()).unwrap().terms;
        terms.guardian = Address::repeat_byte(6);
        let none = "the chain is 0, which no network has: no node will accept these terms";
        assert_eq!(of(0, &terms, NOW)[1..], [none]);
    }

    /// The template of a compact with the hash of its document.
    fn compact_text() -> String {
        let hash = format!("terms_hash = \"{}\"", alloy::primitives::B256::repeat_byte(7));
        levee::text::compact::template().replace("document = \"compact.md\"", &hash)
    }

    #[test]
    fn terms_of_a_compact_that_members_may_regret_are_warned_of() {
        let text = compact_text();
        let warned = |changes: &[(&str, &str)]| {
            let text = changes.iter().fold(text.clone(), |text, (find, replace)| {
                assert!(text.contains(find), "{find}");
                text.replace(find, replace)
            });
            of_compact(&CompactFile::parse(&Document::new("c.toml", text)).unwrap())
        };
        let veto = "members whom a quorum of 60 % outvotes have less than 40 %, and so cannot stop a rescue by a veto of up to 40.01 %: choose a max_veto of 40 % or less";
        assert_eq!(warned(&[("max_veto = \"40 %\"", "max_veto = \"40.01 %\"")]), [veto]);
        assert_eq!(warned(&[]), [""; 0], "the template follows its own advice");
        let rate = "a min_rate of 500 % a year is more than any rescue is likely to promise: no call could be proposed";
        assert_eq!(warned(&[("min_rate = \"0 %\"", "min_rate = \"500 %\"")]), [rate]);
        assert_eq!(warned(&[("min_rate = \"0 %\"", "min_rate = \"100 %\"")]), [""; 0]);
        let all = "with a quorum of 100 %, any one member who stays away stops every call";
        assert_eq!(warned(&[("quorum = \"60 %\"", "quorum = \"100 %\"")]), [all]);
    }

    #[test]
    fn terms_beyond_all_bounds_are_warned_of_as_well() {
        let most = Bps::new(u16::MAX);
        let terms = |quorum| {
            let document = Document::new("c.toml", compact_text());
            let terms = CompactFile::parse(&document).unwrap().terms;
            CompactTerms {
                quorum,
                max_call: most,
                max_veto: most,
                min_threshold: most,
                min_rate: most,
                ..terms
            }
        };
        for quorum in [most, Bps::new(10_001), Bps::ONE] {
            assert_eq!(lasting_veto(&terms(quorum)), None);
        }
        let veto = "members whom a quorum of 0 % outvotes have less than 100 %, and so cannot stop a rescue by a veto of up to 655.35 %: choose a max_veto of 100 % or less";
        assert_eq!(lasting_veto(&terms(Bps::ZERO)).unwrap(), veto);
        let mut terms = parse(&text()).unwrap().terms;
        terms.veto = most;
        let ally = "without a guardian, an ally of the beneficiary who pledges more than 0 ETH of 68900 ETH cannot be outvoted";
        assert_eq!(of(1, &terms, NOW)[1..], [ally]);
        (terms.tranches, terms.deadline, terms.latest_deadline) = (0, 0, 0);
        assert_eq!(of(1, &terms, NOW).len(), 3, "the deadline has passed");
    }

    #[test]
    fn terms_that_no_contract_accepts_are_warned_of() {
        let mut file = parse(&text()).unwrap();
        file.terms.deadline = 1;
        assert_eq!(refusal(&file), [""; 0], "a rescue whose deadline has passed can exist");
        file.terms.veto = Bps::ONE;
        let veto = "these terms are not valid: rescue.toml: the veto of 100 % is not below 100 %";
        assert_eq!(refusal(&file), [veto]);
        let text = compact_text().replace("quorum = \"60 %\"", "quorum = \"100.01 %\"");
        let file = CompactFile::parse(&Document::new("c.toml", text)).unwrap();
        let quorum = "these terms are not valid: c.toml: the quorum of 100.01 % is out of bounds";
        assert_eq!(refusal_or_of_compact(&file), [quorum]);
    }

    #[test]
    fn what_is_far_away_is_warned_of() {
        let far = "the deadline 2036-07-29T00:00:00Z is more than five years away";
        let ten_years = |terms: &mut Terms| {
            terms.deadline = NOW + 10 * YEAR;
            terms.latest_deadline = terms.deadline;
        };
        assert_eq!(beyond_the_price(ten_years), [far]);
        let latest = "an amendment can move the deadline to as late as 2027-08-03T00:00:00Z, 366 days after the deadline: pledgers who do not exit before it takes effect are bound until then";
        assert_eq!(beyond_the_price(|terms| terms.latest_deadline += 366 * u64::from(DAY)), [latest]);
        assert_eq!(beyond_the_price(|terms| terms.latest_deadline += YEAR), [""; 0]);
        let window =
            "an exit_window of 366 days also delays a bonus for pledgers by as long after the deadline";
        assert_eq!(beyond_the_price(|terms| terms.exit_window = 366 * DAY), [window]);
        assert_eq!(beyond_the_price(|terms| terms.exit_window = 365 * DAY), [""; 0]);
        let long =
            "the tranches and the release_window take 2223 days after settlement, more than five years";
        assert_eq!(beyond_the_price(|terms| terms.tranche_interval = 730 * DAY), [long]);
    }
}
