//! What is worth telling people about a compact: its calls, who leaves, and what members can do or are owed.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use levee_model::{
    Amount, Compact, CompactEvent, Timestamp, Units, Wei,
    compact::{CallState, CallView, MemberView, MemberWindows, Window},
};

use super::{About, Basis, Content, Fact, Interest, NoticeKind as Kind, Steps};
use crate::{Entry, compact::CompactHistory, display::utc};

/// How many steps there are to a quorum, and to all that is active.
const STEPS: u128 = 4;

/// Everything in the history of a compact that is worth telling, in the order of the chain. What any member can bring about again and again,
/// an approval or a notice, is not: that is told by [`standing_of_compact`], in steps.
pub fn events_of_compact(history: &CompactHistory, interest: &Interest) -> Vec<Fact> {
    let mut reader =
        Reader { compact: &history.compact, about: about(history), interest, claimed: Steps::new() };
    let mut seen = BTreeMap::<B256, u32>::new();
    let mut facts = Vec::new();
    for entry in &history.entries {
        let place = seen.entry(entry.transaction).or_default();
        *place += 1;
        facts.extend(reader.content(entry).map(|content| reader.about.happened(entry, *place, content)));
    }
    facts
}

/// What holds at `now`, by the history up to the block that is told: how near each call has come to its quorum, how much has come under notice
/// since a call gave last, and, of the accounts that somebody wants to know of, what they can activate, take out and claim.
///
/// The first two never fall: else anyone with little could bring them about again and again.
pub fn standing_of_compact(history: &CompactHistory, now: Timestamp, interest: &Interest) -> Vec<Fact> {
    let compact = &history.compact;
    let observer = Observer { about: about(history), now };
    let (view, peaks) = (compact.view(now), Peaks::of(history));
    let calls = (0..).zip(&view.calls).filter_map(|(call, (of, state))| {
        let reached = peaks.approvals.get(&call).copied().unwrap_or_default();
        observer.approvals((call, reached), of, *state)
    });
    let mut facts: Vec<_> = calls.chain(observer.leaving(&peaks, view.all.active)).collect();
    for &account in &interest.accounts {
        let (member, windows) = (compact.member_view(account), compact.windows(account));
        facts.extend(observer.of_member(account, &member, windows));
    }
    facts
}

const fn about(history: &CompactHistory) -> About {
    About { chain: history.chain, rescue: history.compact.address() }
}

struct Reader<'a> {
    compact: &'a Compact,
    about: About,
    interest: &'a Interest,
    /// Payments of premiums.
    claimed: Steps<Address>,
}

impl Reader<'_> {
    fn content(&mut self, entry: &Entry) -> Option<Content> {
        if let CompactEvent::PremiumClaimed { member, amount } = *entry.event.of_compact()? {
            return self.paid(entry, member, amount);
        }
        let terms = self.compact.terms();
        let plain = |kind, title: &str| self.about.plain(entry, kind, title);
        Some(match entry.event.of_compact()? {
            CompactEvent::Created { .. } => plain(Kind::CompactCreated, "Compact created"),
            CompactEvent::Proposed { call, record, .. } => {
                let until = record.proposed_at.saturating_add(terms.voting_period.into());
                plain(Kind::CallProposed, &format!("Call {call} proposed")).until(until)
            }
            CompactEvent::Passed { call, passed_at } => {
                let until = passed_at.saturating_add(terms.fulfill_period.into());
                plain(Kind::CallPassed, &format!("Call {call} has passed")).until(until)
            }
            CompactEvent::CallStarted(started) => {
                plain(Kind::CallGives, &format!("Call {} gives", started.call))
            }
            CompactEvent::Given(gift) => self.own(
                entry,
                Kind::Given,
                &format!("Your part of call {} is pledged", gift.call),
                gift.member,
            )?,
            CompactEvent::Left { member, .. } => {
                self.own(entry, Kind::Left, "You have left the compact", *member)?
            }
            _ => return None,
        })
    }

    /// A premium that was paid, told in steps of what is active.
    fn paid(&mut self, entry: &Entry, member: Address, amount: Units) -> Option<Content> {
        let content = self.own(entry, Kind::Paid, "Premium paid", member)?;
        let active = self.compact.member_view(member).standing.active;
        let [amount, active] = [amount, active].map(|units| Wei::new(units.get()));
        self.claimed.add(member, amount, active).then_some(content)
    }

    /// What concerns one account, if somebody wants to be told of it.
    fn own(&self, entry: &Entry, kind: Kind, title: &str, account: Address) -> Option<Content> {
        let is_wanted = self.interest.accounts.contains(&account);
        is_wanted.then(|| self.about.plain(entry, kind, title).account(account))
    }
}

/// The most that there ever was.
#[derive(Debug, Default)]
struct Peaks {
    /// Of approvals, by call.
    approvals: BTreeMap<u64, Units>,
    /// Of what is under notice, since the last call began to give.
    noticed: Units,
    /// Which call that was; none if none has given.
    since: Option<u64>,
}

impl Peaks {
    fn of(history: &CompactHistory) -> Self {
        let mut peaks = Self::default();
        let mut events = history.entries.iter().filter_map(|entry| entry.event.of_compact());
        let address = history.compact.address();
        // The events follow from each other, or there would be no history of them.
        let Some(Ok(mut compact)) = events.next().map(|event| Compact::created(address, event)) else {
            return peaks;
        };
        for event in events {
            if compact.apply(event).is_err() {
                break;
            }
            peaks.add(event, &compact);
        }
        peaks
    }

    fn add(&mut self, event: &CompactEvent, compact: &Compact) {
        match *event {
            CompactEvent::Approved { call, .. } => {
                let approvals = compact.call_view(call).map(|view| view.approvals).unwrap_or_default();
                let peak = self.approvals.entry(call).or_default();
                *peak = approvals.max(*peak);
            }
            CompactEvent::CallStarted(started) => {
                (self.since, self.noticed) = (Some(started.call), Units::ZERO);
            }
            CompactEvent::Noticed { .. } => self.noticed = self.noticed.max(compact.all().now().noticed),
            _ => {}
        }
    }
}

struct Observer {
    about: About,
    now: Timestamp,
}

impl Observer {
    fn content(&self, kind: Kind, title: &str) -> Content {
        self.about.content(kind, self.now, title)
    }

    /// In quarters of the quorum, while the call can be approved. That it has passed is an event.
    fn approvals(&self, (call, reached): (u64, Units), view: &CallView, state: CallState) -> Option<Fact> {
        let CallState::Voting { until } = state else { return None };
        let step = quarters(reached, view.required);
        let (has, needs) = (wsteth(view.approvals), wsteth(view.required));
        let text = format!(
            "Call {call} has {has} of the {needs} of approvals that it needs until {}: `levee compact approve`.",
            utc(until)
        );
        let content = self.content(Kind::CallApproved, &format!("Call {call} gains approvals"));
        let key = self.about.key(&["approvals", &call.to_string()]);
        Some(rising(key, step, content.until(until).text(text)))
    }

    /// In quarters of all that is active.
    fn leaving(&self, peaks: &Peaks, active: Units) -> Option<Fact> {
        if active.is_zero() {
            return None;
        }
        let text = format!(
            "Members have put {} under notice at once, and {} is active: what is under notice neither votes nor earns.",
            wsteth(peaks.noticed),
            wsteth(active)
        );
        let content = self.content(Kind::UnderNotice, "Members are leaving").text(text);
        let since = peaks.since.map(|call| call.to_string()).unwrap_or_default();
        Some(rising(self.about.key(&["noticed", &since]), quarters(peaks.noticed, active), content))
    }

    /// Each window has its own step, since each is later than those before it.
    fn of_member(&self, account: Address, view: &MemberView, windows: MemberWindows) -> Vec<Fact> {
        let window = |name, kind, title, window: Option<Window>, text: &dyn Fn(Window) -> String| {
            let window = window.filter(|window| window.from <= self.now && self.now <= window.until)?;
            let content = self.content(kind, title).account(account).until(window.until).text(text(window));
            Some(rising(self.about.key(&[name, &account.to_string()]), window.until, content))
        };
        let leaving =
            window("leave", Kind::MayLeave, "You can leave the compact", windows.leaving, &|window| {
                let noticed = wsteth(view.standing.noticed);
                format!(
                    "Until {}, {account} can take out {noticed}: `levee compact leave`.",
                    utc(window.until)
                )
            });
        let title = "Your commitment can be activated";
        let activation = window("activate", Kind::MayActivate, title, windows.activation, &|window| {
            let pending = wsteth(view.pending);
            format!(
                "Until {}, {pending} of {account} can be activated: `levee compact activate`.",
                utc(window.until)
            )
        });
        leaving.into_iter().chain(activation).chain([self.premium(account, view.earned)]).collect()
    }

    /// Told again only after what was due has been paid.
    fn premium(&self, account: Address, earned: Units) -> Fact {
        let text = format!("{} of premiums can be paid to {account}: `levee compact claim`.", wsteth(earned));
        let content = self.content(Kind::PremiumDue, "You have earned a premium").account(account).text(text);
        let key = self.about.key(&["premium", &account.to_string()]);
        rising(key, (!earned.is_zero()).into(), content)
    }
}

/// How many quarters of `whole` are reached.
fn quarters(part: Units, whole: Units) -> u64 {
    u64::try_from(part.get().saturating_mul(STEPS) / whole.get().max(1)).unwrap_or(u64::MAX)
}

fn rising(key: String, step: u64, content: Content) -> Fact {
    Fact { key, basis: Basis::State { step, tells_fall: false }, content }
}

fn wsteth(units: Units) -> String {
    Amount::WstEth(units).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, compact::tests::terms, snapshot::Block};
    use levee_model::compact::Gift;

    const DAY: u64 = 86_400;
    const START: u64 = 1_785_542_400;
    const ANN: Address = Address::repeat_byte(0xa1);
    const BEN: Address = Address::repeat_byte(0xb2);

    fn units(whole: u128) -> Units {
        Units::new(whole * 10u128.pow(18))
    }

    /// Ann has 60, Ben 40; a call takes a quarter, and passes with 60.
    fn story() -> Vec<CompactEvent> {
        use CompactEvent as E;
        let record = levee_model::compact::CallRecord {
            escrow: Address::repeat_byte(0xe5),
            tier: 1,
            bps: levee_model::Bps::new(2_500),
            amendment: 0,
            active: units(100),
            proposed_at: START + 12 * DAY,
        };
        let commit = |member, amount| E::Committed { member, amount: units(amount), committed_at: START };
        let activate =
            |member, amount| E::Activated { member, amount: units(amount), activated_at: START + 11 * DAY };
        vec![
            E::Created { terms: terms() },
            E::Admitted { account: ANN },
            E::Admitted { account: BEN },
            commit(ANN, 60),
            commit(BEN, 40),
            activate(ANN, 60),
            activate(BEN, 40),
            E::Noticed { member: BEN, amount: units(30), noticed_at: START + 11 * DAY },
            E::PremiumPaid { payer: ANN, amount: units(7), weight: units(70) },
            E::Proposed { call: 0, member: ANN, record },
            E::Approved { call: 0, member: ANN, weight: units(60) },
            E::Passed { call: 0, passed_at: START + 12 * DAY },
            E::CallStarted(levee_model::compact::Started { call: 0, started_at: START + 12 * DAY }),
            E::Given(Gift { call: 0, member: ANN, amount: units(15), given_at: START + 12 * DAY }),
        ]
    }

    fn history(events: &[CompactEvent]) -> CompactHistory {
        let entry = |(number, event): (u64, &CompactEvent)| Entry {
            block: number,
            time: START,
            transaction: B256::with_last_byte(number as u8),
            event: Event::Compact(event.clone()),
        };
        let entries: Vec<_> = (1..).zip(events).map(entry).collect();
        let compact = crate::compact::fold(Address::repeat_byte(0xc0), &entries).unwrap();
        let block = Block { number: 99, parent_hash: B256::ZERO, time: START };
        CompactHistory { chain: 1, block, entries, compact }
    }

    fn kinds(facts: &[Fact]) -> Vec<Kind> {
        facts.iter().map(|fact| fact.content.kind).collect()
    }

    #[test]
    fn calls_are_told_to_all_and_gifts_to_who_gives() {
        let history = history(&story());
        let mut interest = Interest::default();
        let to_all = [Kind::CompactCreated, Kind::CallProposed, Kind::CallPassed, Kind::CallGives];
        assert_eq!(kinds(&events_of_compact(&history, &interest)), to_all);
        interest.accounts.insert(ANN);
        let told = events_of_compact(&history, &interest);
        assert_eq!(kinds(&told), [&to_all[..], &[Kind::Given]].concat());
        let proposed = &told[1].content;
        assert_eq!((proposed.until, proposed.rescue), (Some(START + 15 * DAY), Address::repeat_byte(0xc0)));
        assert!(proposed.title.starts_with("Call 0 proposed · 0xC0"), "{}", proposed.title);
        assert_eq!(told[4].content.account, Some(ANN));
        let keys: std::collections::BTreeSet<_> = told.iter().map(|fact| &fact.key).collect();
        assert_eq!(keys.len(), told.len());
    }

    #[test]
    fn premiums_that_are_paid_out_are_told_in_steps() {
        use CompactEvent as E;
        let mut interest = Interest::default();
        interest.accounts.insert(BEN);
        let mut events = story()[..7].to_vec();
        let told = |events: &[E]| {
            let facts = events_of_compact(&history(events), &interest);
            kinds(&facts).into_iter().filter(|kind| *kind == Kind::Paid).count()
        };
        // Of 100 that are active, 40 are Ben's, of which 0.4 are a hundredth.
        let tenth = 10u128.pow(17);
        for (paid, expected) in [(10, 1), (10, 1), (10 * tenth - 60, 1), (100, 2), (10 * tenth, 3)] {
            events.push(E::PremiumPaid { payer: ANN, amount: Units::new(paid), weight: units(100) });
            let amount = crate::compact::fold(Address::repeat_byte(0xc0), &history(&events).entries)
                .unwrap()
                .member_view(BEN)
                .earned;
            events.push(E::PremiumClaimed { member: BEN, amount });
            assert_eq!(told(&events), expected, "{paid}");
        }
    }

    fn step(facts: &[Fact], kind: Kind) -> Option<u64> {
        facts.iter().find(|fact| fact.content.kind == kind).map(|fact| match fact.basis {
            Basis::State { step, .. } => step,
            _ => panic!("{fact:?}"),
        })
    }

    #[test]
    fn approvals_and_notices_are_told_in_quarters() {
        use CompactEvent as E;
        let mut interest = Interest::default();
        interest.accounts.insert(BEN);
        let at = |events: usize, now| standing_of_compact(&history(&story()[..events]), now, &interest);
        let voting = START + 12 * DAY;
        assert_eq!(step(&at(10, voting), Kind::CallApproved), Some(0));
        // 60 of 60 that are needed, before it has passed.
        let told = at(11, voting);
        assert_eq!(step(&told, Kind::CallApproved), Some(4));
        let withdrawn =
            [&story()[..11], &[E::ApprovalWithdrawn { call: 0, member: ANN, weight: units(60) }]].concat();
        let told_still = standing_of_compact(&history(&withdrawn), voting, &interest);
        assert_eq!(step(&told_still, Kind::CallApproved), Some(4), "it never falls");
        assert_eq!(step(&at(12, voting), Kind::CallApproved), None, "it has passed");
        assert_eq!(step(&at(10, voting + 4 * DAY), Kind::CallApproved), None, "it is over");
        // 30 of 100.
        assert_eq!(step(&told, Kind::UnderNotice), Some(1));
        let back =
            [&story()[..8], &[E::Noticed { member: BEN, amount: units(0), noticed_at: voting - 9 }]].concat();
        let told = standing_of_compact(&history(&back), voting, &interest);
        assert_eq!(step(&told, Kind::UnderNotice), Some(1), "nor does this");
        assert_eq!(step(&at(14, voting), Kind::UnderNotice), Some(0), "but it begins anew when a call gives");
        assert_eq!(step(&at(7, voting), Kind::UnderNotice), Some(0));
    }

    #[test]
    fn a_member_is_told_what_it_can_do_while_it_can() {
        let mut interest = Interest::default();
        interest.accounts.insert(BEN);
        let at = |events: usize, now| standing_of_compact(&history(&story()[..events]), now, &interest);
        let ready = START + 11 * DAY;
        assert_eq!(step(&at(5, ready - 1), Kind::MayActivate), None);
        assert_eq!(step(&at(5, ready), Kind::MayActivate), Some(ready + 4 * DAY));
        assert_eq!(step(&at(5, ready + 4 * DAY + 1), Kind::MayActivate), None);
        let leaving = ready + 7 * DAY;
        assert_eq!(step(&at(8, leaving - 1), Kind::MayLeave), None);
        assert_eq!(step(&at(8, leaving), Kind::MayLeave), Some(leaving + 4 * DAY));
        assert_eq!(step(&at(8, leaving), Kind::PremiumDue), Some(0));
        let told = at(9, leaving);
        assert_eq!(step(&told, Kind::PremiumDue), Some(1));
        // A tenth of 7, by weight, rounded down once.
        let due = told.iter().find(|fact| fact.content.kind == Kind::PremiumDue).unwrap();
        let text =
            format!("0.999999999999999999 wstETH of premiums can be paid to {BEN}: `levee compact claim`.");
        assert_eq!(due.content.text, text);
    }
}
