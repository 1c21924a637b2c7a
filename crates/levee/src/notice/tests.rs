use std::collections::BTreeMap;

use levee_model::{
    Amendment, Asset, Bps, EndReason, Goal, Lido, Moment, PositionId, Rate, Terms, Tier, Units, Wei,
};

use super::*;
use crate::{Entry, Event, History, RecoveryEvent, RescueEvent, snapshot::Block};

/// 2026-08-01T00:00:00Z, when the rescue is created.
const START: u64 = 1_785_542_400;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
const DEADLINE: u64 = START + 10 * DAY;
/// When the rescues here settle, and when the first of two tranches falls due then.
const SETTLED: u64 = DEADLINE + 1;
const FIRST: u64 = SETTLED + DAY;
const ETHER: u128 = 10u128.pow(18);

const ESCROW: Address = Address::repeat_byte(0xe5);
const ANN: Address = Address::repeat_byte(0xa1);
const BEN: Address = Address::repeat_byte(0xb2);
const CAT: Address = Address::repeat_byte(0xc3);

/// 100 ETH of ETH alone: from 50 % on, and only if all is covered.
fn terms() -> Terms {
    let tier = |threshold| Tier { threshold: Bps::new(threshold), draw_order: 0, rate: Bps::ZERO };
    Terms {
        beneficiary: Address::repeat_byte(0xbe),
        guardian: Address::repeat_byte(0x9a),
        steth: Address::ZERO,
        wsteth: Address::ZERO,
        target: Wei::new(100 * ETHER),
        deadline: DEADLINE,
        latest_deadline: START + 20 * DAY,
        tiers: vec![tier(5_000), tier(10_000)],
        objection_period: 86_400,
        veto: Bps::new(4_000),
        tranches: 2,
        tranche_interval: 86_400,
        release_window: 7 * 86_400,
        exit_window: 2 * 86_400,
        terms_hash: [7; 32].into(),
    }
}

/// The events of a rescue, each in a block and a transaction of its own, and what was told of them.
struct Story {
    entries: Vec<Entry>,
    told: BTreeMap<String, Told>,
    through: Option<u64>,
    interest: Interest,
}

impl Story {
    fn new() -> Self {
        let leads = [3 * DAY, DAY, 6 * HOUR].map(|lead| lead as u32).into();
        let interest = Interest { leads, accounts: BTreeSet::new() };
        let story = Self { entries: Vec::new(), told: BTreeMap::new(), through: Some(0), interest };
        story.then(START, RescueEvent::Created { terms: terms() })
    }

    fn then(mut self, time: u64, event: RescueEvent) -> Self {
        self.push(time, Event::Rescue(event));
        self
    }

    fn push(&mut self, time: u64, event: Event) {
        let block = self.block() + 1;
        let transaction = B256::with_last_byte(u8::try_from(block).expect("there are few"));
        self.entries.push(Entry { block, time, transaction, event });
    }

    /// The latest block.
    fn block(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.block)
    }

    fn pledge(self, pledger: Address, tier: u8, ether: u128) -> Self {
        let event = RescueEvent::Pledged { position: id(pledger, tier), amount: Units::new(ether * ETHER) };
        self.then(START + 1, event)
    }

    /// To a target of 80 ETH, proposed a day after the start.
    fn amend(self) -> Self {
        let goal = Goal { target: Wei::new(80 * ETHER), ..Goal::from(&terms()) };
        let amendment = Amendment { goal, effective_at: START + 3 * DAY };
        self.then(START + DAY, RescueEvent::AmendmentProposed { amendment })
    }

    /// 60 ETH of the first tier are drawn: 45 of Ann, 14 of Ben, 1 of Cat.
    fn settle(self) -> Self {
        let mut draws = vec![Units::ZERO; 6];
        draws[0] = Units::new(60 * ETHER);
        let (threshold, target, drawn) = (Bps::new(5_000), Wei::new(100 * ETHER), Wei::new(60 * ETHER));
        let story = self.pledge(ANN, 0, 45).pledge(BEN, 0, 14).pledge(CAT, 0, 1);
        let event = RescueEvent::Settled { threshold, rate: None, target, drawn, settled_at: SETTLED, draws };
        story.then(SETTLED, event)
    }

    fn object(self, pledger: Address, ether: u128) -> Self {
        let event = RescueEvent::Objected { position: id(pledger, 0), weight: Wei::new(ether * ETHER) };
        self.then(SETTLED + HOUR, event)
    }

    fn of(mut self, account: Address) -> Self {
        self.interest.accounts.insert(account);
        self
    }

    fn history(&self) -> History {
        let block = Block { number: self.block(), parent_hash: B256::ZERO, time: START };
        History::of(1, block, ESCROW, self.entries.clone()).expect("it is a history")
    }

    fn calendar(&self, now: u64) -> Calendar {
        calendar(&self.history(), at(now))
    }

    fn facts(&self, now: u64) -> Vec<Fact> {
        let history = self.history();
        let mut facts = events(&history, at(now), &self.interest);
        facts.extend(reminders(&self.calendar(now), now, &self.interest));
        facts.extend(standing(&history, at(now), &self.interest).expect("it reconciles"));
        facts
    }

    /// What is new at a time, if nothing is final; it is told then.
    fn news(&mut self, now: u64) -> Vec<Notice> {
        self.news_at(now, Depth { deep: u64::MAX, finalized: 0, through: self.through })
    }

    fn news_at(&mut self, now: u64, depth: Depth) -> Vec<Notice> {
        let news = news(&self.facts(now), &self.told, now, depth);
        news.forgotten.iter().for_each(|key| drop(self.told.remove(key)));
        self.told.extend(news.told.into_iter().map(|told| (told.key.clone(), told)));
        self.through = Some(news.through);
        news.notices
    }

    /// The kinds of what is new.
    fn kinds(&mut self, now: u64) -> Vec<NoticeKind> {
        self.news(now).iter().map(|notice| notice.content.kind).collect()
    }
}

fn id(pledger: Address, tier: u8) -> PositionId {
    PositionId { pledger, tier, asset: Asset::Eth }
}

fn at(time: u64) -> Moment {
    Moment { time, lido: Lido::Working(Rate::PAR) }
}

fn one(notices: Vec<Notice>, kind: NoticeKind) -> Content {
    let mut found = notices.into_iter().filter(|notice| notice.content.kind == kind);
    let one = found.next().unwrap_or_else(|| panic!("there is no {kind}"));
    assert_eq!(found.next(), None);
    one.content
}

#[test]
fn an_amendment_is_told_with_its_changes_and_its_window() {
    let mut story = Story::new().amend();
    let told = one(story.news(START + DAY), NoticeKind::AmendmentProposed);
    assert_eq!(told.title, "Amendment proposed · 0xE5e5…e5e5");
    assert_eq!(
        told.text,
        "Target 80 ETH instead of 100 ETH, effective 2026-08-04T00:00:00Z (in 2 days); until then, `levee exit` withdraws a pledge."
    );
    assert_eq!((told.at, told.until), (START + DAY, Some(START + 3 * DAY)));
    assert_eq!(story.kinds(START + DAY), [], "it is told once");
}

#[test]
fn a_window_is_told_of_when_a_lead_begins_and_when_it_is_over() {
    use NoticeKind::*;
    let mut story = Story::new().amend();
    let end = START + 3 * DAY;
    // The window is two days: three days before its end, nobody knew of it.
    assert_eq!(story.kinds(START + DAY), [Created, AmendmentProposed]);
    assert_eq!(story.kinds(end - DAY - 1), []);
    assert_eq!(story.kinds(end - DAY), [ExitWindowCloses]);
    assert_eq!(story.kinds(end - 6 * HOUR - 1), []);
    let told = one(story.news(end - 6 * HOUR), ExitWindowCloses);
    assert_eq!(told.title, "Exit window closes in 6 hours · 0xE5e5…e5e5");
    assert_eq!((told.at, told.until), (end - 6 * HOUR, Some(end)));
    assert_eq!(story.kinds(end - 1), []);
    // In force from this second on.
    assert_eq!(story.kinds(end), [AmendmentInForce]);
    assert_eq!(story.kinds(end + 1), []);
}

#[test]
fn whoever_was_away_is_told_the_shortest_lead_alone() {
    let mut story = Story::new();
    story.news(START);
    let told = story.news(DEADLINE - HOUR);
    assert_eq!(
        one(told.clone(), NoticeKind::DeadlineNear).title,
        "Deadline is near in 6 hours · 0xE5e5…e5e5"
    );
    assert_eq!(told.len(), 1);
    // A pledge is accepted up to and including the deadline.
    assert_eq!(story.kinds(DEADLINE), []);
    assert_eq!(story.kinds(DEADLINE + 1), [NoticeKind::DeadlinePassed]);
}

#[test]
fn an_amendment_that_its_rescue_did_not_live_to_see_has_no_date() {
    let failed = |story: Story| {
        let (reason, rate) = (EndReason::EndedByGuardian, None);
        story.then(START + 2 * DAY, RescueEvent::Failed { reason, rate, failed_at: START + 2 * DAY })
    };
    let kinds = |story: &Story| {
        story.calendar(START + 2 * DAY).dates.iter().map(|date| date.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&Story::new().amend()), [DateKind::ExitWindow, DateKind::Deadline]);
    assert_eq!(kinds(&failed(Story::new().amend())), []);
}

#[test]
fn a_threshold_is_told_when_it_is_reached_and_when_an_exit_loses_it() {
    use NoticeKind::*;
    let mut story = Story::new().pledge(ANN, 0, 49);
    assert_eq!(story.kinds(START + 2), [Created]);
    story = story.pledge(BEN, 0, 1);
    let told = one(story.news(START + 3), ThresholdReached);
    assert_eq!(told.text, "The threshold of 50 % is reached: it has 50 ETH, and needs 50 ETH.");
    assert_eq!(story.kinds(START + 4), []);
    let goal = Goal { deadline: DEADLINE + DAY, ..Goal::from(&terms()) };
    let amendment = Amendment { goal, effective_at: START + 3 * DAY };
    story = story.then(START + DAY, RescueEvent::AmendmentProposed { amendment });
    let (position, amount) = (id(BEN, 0), Units::new(ETHER));
    story = story.then(START + DAY + 1, RescueEvent::Exited { position, recipient: BEN, amount });
    let told = story.news(START + DAY + 1);
    assert_eq!(told.len(), 2);
    let lost = one(told, ThresholdLost);
    assert_eq!(lost.text, "The threshold of 50 % is not reached any more: it has 49 ETH, and needs 50 ETH.");
    // Reached again, it is another notice.
    story = story.pledge(CAT, 0, 1);
    let again = story.news(START + DAY + 2);
    assert_eq!(again.len(), 1);
    assert!(again[0].id.ends_with("-2"), "{}", again[0].id);
}

#[test]
fn tranches_are_told_as_they_fall_due_and_what_lapses_before_it_does() {
    use NoticeKind::*;
    let mut story = Story::new().settle();
    let told = story.news(SETTLED);
    let begins = one(told.clone(), ObjectionPeriodBegins);
    assert_eq!(begins.until, Some(FIRST));
    assert_eq!(one(told, Settled).text, "Settled at a threshold of 50 %: 60 ETH of 100 ETH is drawn.");
    let ends = one(story.news(FIRST - 6 * HOUR), ObjectionPeriodEnds);
    assert_eq!(
        ends.text,
        "From 2026-08-12T00:00:01Z on, the first tranche belongs to the beneficiary: 30 ETH. What is due cannot be stopped any more."
    );
    assert_eq!(story.kinds(FIRST - 1), []);
    let due = one(story.news(FIRST), TrancheDue);
    assert_eq!(due.title, "Tranche 1 of 2 is due · 0xE5e5…e5e5");
    assert_eq!(due.text, "Tranche 1 of 2, 30 ETH, is due to the beneficiary: `levee release` delivers it.");
    assert_eq!(story.kinds(FIRST + DAY - 1), []);
    assert_eq!(story.kinds(FIRST + DAY), [TrancheDue]);
    // Seven days after the last one fell due, what is not delivered can still be.
    let last = FIRST + 8 * DAY;
    assert_eq!(story.kinds(last - 3 * DAY), [ReleaseWindowCloses]);
    assert_eq!(story.kinds(last - 6 * HOUR), [ReleaseWindowCloses]);
    assert_eq!(story.kinds(last), []);
    assert_eq!(story.kinds(last + 1), [ReleaseWindowClosed]);
}

#[test]
fn what_a_veto_stops_goes_back_by_the_calendar_and_what_the_guardian_stops_does_not() {
    use NoticeKind::*;
    let cancelled = |reason| RescueEvent::Cancelled { reason, kept: 0, cancelled_at: SETTLED + HOUR };
    let mut vetoed = Story::new().settle().object(ANN, 45).then(SETTLED + HOUR, cancelled(EndReason::Vetoed));
    let told = vetoed.news(SETTLED + HOUR);
    assert_eq!(one(told, Cancelled).title, "Rescue stopped by objections · 0xE5e5…e5e5");
    let back = one(vetoed.news(FIRST), TrancheReturns);
    assert_eq!(back.title, "Tranche 1 of 2 goes back · 0xE5e5…e5e5");
    assert_eq!(
        back.text,
        "Tranche 1 of 2, 30 ETH, was stopped by objections and goes back: `levee refund` returns it."
    );
    let mut stopped = Story::new().settle().then(SETTLED + HOUR, cancelled(EndReason::StoppedByGuardian));
    stopped.news(SETTLED + HOUR);
    assert_eq!(stopped.kinds(FIRST + 9 * DAY), []);
}

#[test]
fn objections_and_deposits_are_told_in_steps_so_that_nobody_can_flood() {
    use NoticeKind::*;
    let mut story = Story::new().settle();
    story.news(SETTLED);
    // 14 of 24 ETH that stop it are two quarters; 15 are no more.
    story = story.object(BEN, 14);
    let told = one(story.news(SETTLED + HOUR), Objections);
    assert_eq!(told.text, "14 ETH has objected, 23.33 % of the draw; 40 % stops the rest.");
    story = story.object(CAT, 1);
    assert_eq!(story.kinds(SETTLED + HOUR + 1), []);
    let released = |tranches, amount| RescueEvent::Released { asset: Asset::Eth, tranches, amount };
    story = story.then(FIRST + DAY, released(2, Units::new(60 * ETHER)));
    story = story.then(FIRST + DAY, RescueEvent::Finalized { final_at: FIRST + DAY });
    story.news(FIRST + DAY);
    for (rest, is_told) in [(ETHER / 2, true), (1, false), (ETHER / 10, true)] {
        let amount = Wei::new(rest);
        let recovered = RecoveryEvent::Recovered { payer: CAT, amount, recovered_at: FIRST + 2 * DAY };
        story.push(FIRST + 2 * DAY, Event::Recovery(recovered));
        let repaid =
            RecoveryEvent::Repaid { draw_order: 0, interest: Wei::ZERO, principal: amount, rest: Wei::ZERO };
        story.push(FIRST + 2 * DAY, Event::Recovery(repaid));
        assert_eq!(story.kinds(FIRST + 2 * DAY), if is_told { vec![Recovered] } else { vec![] });
    }
}

#[test]
fn what_was_claimed_is_told_in_steps_so_that_nobody_can_flood() {
    let mut story = Story::new().of(BEN).settle();
    let released = RescueEvent::Released { asset: Asset::Eth, tranches: 2, amount: Units::new(60 * ETHER) };
    story =
        story.then(FIRST + DAY, released).then(FIRST + DAY, RescueEvent::Finalized { final_at: FIRST + DAY });
    story.news(FIRST + DAY);
    let of = |story: &Story| {
        let facts = events(&story.history(), at(FIRST + 2 * DAY), &story.interest);
        facts.iter().filter(|fact| fact.content.kind == NoticeKind::Paid).count()
    };
    // 14 ETH of Ben's are drawn: the first payment, and then each hundredth, 0.14 ETH.
    let hundredth = 14 * ETHER / 100;
    for (amount, told) in [(1, 1), (1, 1), (hundredth - 3, 1), (1, 2), (hundredth - 1, 2), (hundredth, 3)] {
        let (position, amount) = (id(BEN, 0), Wei::new(amount));
        let claimed = RecoveryEvent::Claimed { position, recipient: BEN, amount };
        story.push(FIRST + 2 * DAY, Event::Recovery(claimed));
        assert_eq!(of(&story), told, "{amount}");
    }
}

#[test]
fn a_state_that_goes_to_and_fro_is_told_hourly_after_six_notices() {
    let mut story = Story::new().pledge(ANN, 0, 49);
    let goal = Goal { deadline: DEADLINE + DAY, ..Goal::from(&terms()) };
    let amendment = Amendment { goal, effective_at: START + 3 * DAY };
    story = story.then(START + DAY, RescueEvent::AmendmentProposed { amendment });
    let now = START + DAY;
    story.news(now);
    let go = |mut story: Story, comes: bool| {
        let (position, amount) = (id(BEN, 0), Units::new(ETHER));
        let event = match comes {
            true => RescueEvent::Pledged { position, amount },
            false => RescueEvent::Exited { position, recipient: BEN, amount },
        };
        story.push(now, Event::Rescue(event));
        story
    };
    let mut told = Vec::new();
    for turn in 0..10u64 {
        story = go(story, turn % 2 == 0);
        told.extend(story.news(now + turn));
    }
    assert_eq!(told.len(), 6);
    // The sixth said that it is lost, and so it is.
    assert_eq!(told[5].content.kind, NoticeKind::ThresholdLost);
    assert_eq!(story.kinds(now + 5 + HOUR), []);
    // Whatever happens within the hour, how it ends is told.
    story = go(story, true);
    assert_eq!(story.kinds(now + 5 + HOUR), [NoticeKind::ThresholdReached]);
    story = go(story, false);
    assert_eq!(story.kinds(now + 5 + 2 * HOUR - 1), []);
    assert_eq!(story.kinds(now + 5 + 2 * HOUR), [NoticeKind::ThresholdLost]);
}

#[test]
fn whoever_begins_to_watch_an_account_is_not_told_that_its_past_is_taken_back() {
    let (position, amount) = (id(ANN, 0), Units::new(45 * ETHER));
    let declined = RescueEvent::Declined { position, amount };
    let mut story = Story::new().pledge(ANN, 0, 45).amend().then(START + DAY, declined);
    story.news(START + DAY);
    story = story.of(ANN);
    let told = story.news(START + DAY);
    assert!(told.iter().all(|notice| notice.content.kind != NoticeKind::TakenBack), "{told:?}");
}

#[test]
fn a_creation_whose_terms_are_outdated_is_not_told_at_the_first_look() {
    let mut story = Story::new().amend();
    story.through = None;
    assert!(!story.kinds(START + 3 * DAY).contains(&NoticeKind::Created), "its amendment is in force");
}

#[test]
fn an_account_is_told_what_it_is_owed_and_what_became_of_its_pledge() {
    use NoticeKind::*;
    let mut story = Story::new().of(ANN).settle();
    let told = story.news(SETTLED);
    let drawn = one(told, Drawn);
    assert_eq!(drawn.account, Some(ANN));
    assert_eq!(drawn.text, format!("Drawn of {ANN}, by value at settlement: 45 ETH of the ETH in tier 0."));
    let cancelled = RescueEvent::Cancelled {
        reason: EndReason::StoppedByGuardian,
        kept: 0,
        cancelled_at: SETTLED + HOUR,
    };
    story = story.then(SETTLED + HOUR, cancelled);
    let refund = one(story.news(SETTLED + HOUR), Refundable);
    assert_eq!(
        refund.text,
        format!("45 ETH can be returned for the ETH of {ANN} in tier 0: `levee refund` pays it.")
    );
    let (position, amount) = (id(ANN, 0), Units::new(45 * ETHER));
    story = story.then(SETTLED + DAY, RescueEvent::Refunded { position, recipient: ANN, amount });
    assert_eq!(story.kinds(SETTLED + DAY), [Paid]);
}

#[test]
fn who_can_leave_is_told_so_and_what_a_decline_could_not_pay() {
    use NoticeKind::*;
    let mut story = Story::new().of(ANN).pledge(ANN, 0, 45).pledge(BEN, 0, 1).amend();
    let told = story.news(START + DAY);
    assert_eq!(
        one(told, MayLeave).text,
        format!("Until 2026-08-04T00:00:00Z, 45 ETH in tier 0 can be withdrawn by {ANN}: `levee exit`.")
    );
    let (position, amount) = (id(ANN, 0), Units::new(45 * ETHER));
    story = story.then(START + DAY, RescueEvent::Declined { position, amount });
    story = story.then(START + DAY, RescueEvent::Owed { pledger: ANN, asset: Asset::Eth, amount });
    let told = story.news(START + DAY);
    let declined = told.iter().filter(|notice| notice.content.kind == Declined);
    assert_eq!(declined.map(|notice| notice.content.account).collect::<Vec<_>>(), [None, Some(ANN)]);
    assert_eq!(one(told, Collectable).text, format!("45 ETH is owed to {ANN}: `levee collect ETH` pays it."));
}

#[test]
fn what_the_chain_drops_is_taken_back_and_told_anew_if_it_comes_again() {
    let mut story = Story::new().amend();
    let told = story.news(START + DAY);
    let proposed = told.iter().find(|notice| notice.content.kind == NoticeKind::AmendmentProposed);
    let proposed = proposed.expect("it is told").clone();
    let dropped = story.entries.pop().expect("it is the last");
    let [back] = &story.news(START + DAY + 1)[..] else { panic!("one notice") };
    assert_eq!(back.content.kind, NoticeKind::TakenBack);
    assert_eq!(back.corrects.as_ref(), Some(&proposed.id));
    assert_eq!(back.content.title, "Taken back: Amendment proposed · 0xE5e5…e5e5");
    assert_eq!(story.kinds(START + DAY + 2), []);
    // The very same block comes back: who drops repeats by their ID must not drop this.
    story.entries.push(dropped.clone());
    let [again] = &story.news(START + DAY + 3)[..] else { panic!("one notice") };
    assert_eq!((again.content.clone(), again.id.clone()), (proposed.content, format!("{}-1", proposed.id)));
    // In another block it is another event.
    story.entries.pop();
    story.entries.push(Entry { block: dropped.block + 1, ..dropped });
    let kinds = story.kinds(START + DAY + 4);
    assert_eq!(kinds, [NoticeKind::TakenBack, NoticeKind::AmendmentProposed]);
}

#[test]
fn what_is_not_deep_enough_waits_and_takes_nothing_back() {
    let mut story = Story::new().amend();
    let depth = |story: &Story, deep| Depth { deep, finalized: 0, through: story.through };
    let events =
        |notices: Vec<Notice>| notices.iter().filter(|one| one.content.transaction.is_some()).count();
    let shallow = depth(&story, 1);
    assert_eq!(events(story.news_at(START + DAY, shallow)), 1, "the creation");
    let deep = depth(&story, 2);
    assert_eq!(events(story.news_at(START + DAY, deep)), 1);
    // Somebody asks for more confirmations from now on.
    assert_eq!(story.news_at(START + DAY, shallow), []);
}

#[test]
fn what_is_final_needs_no_memory_and_is_told_once_all_the_same() {
    let mut story = Story::new().amend();
    let depth = |story: &Story, finalized| Depth { deep: u64::MAX, finalized, through: story.through };
    let happened = |story: &Story| story.told.values().filter(|told| told.stood == Stood::Happened).count();
    let before = depth(&story, 0);
    story.news_at(START + DAY, before);
    assert_eq!(happened(&story), 2);
    let after = depth(&story, 2);
    assert_eq!(story.news_at(START + DAY, after), []);
    assert_eq!((happened(&story), story.through), (0, Some(2)));
    let later = depth(&story, 2);
    assert_eq!(story.news_at(START + DAY, later), []);
}

#[test]
fn the_first_look_tells_what_can_still_be_acted_on() {
    use NoticeKind::*;
    let mut story = Story::new().pledge(ANN, 0, 60).amend().of(ANN);
    story.through = None;
    // The creation, until the deadline; the window; the threshold; and what Ann can do.
    let kinds = story.kinds(START + DAY + 1);
    assert_eq!(kinds, [Created, AmendmentProposed, ThresholdReached, MayLeave]);
    let mut settled = Story::new().settle();
    settled.through = None;
    assert_eq!(settled.kinds(FIRST + 2 * DAY), []);
    assert_eq!(settled.kinds(FIRST + 5 * DAY), [ReleaseWindowCloses]);
}

#[test]
fn a_moved_date_keeps_its_place_and_has_a_later_revision() {
    let story = Story::new();
    let goal = Goal { deadline: DEADLINE + DAY, ..Goal::from(&terms()) };
    let amendment = Amendment { goal, effective_at: START + 3 * DAY };
    let amended = Story::new().then(START + DAY, RescueEvent::AmendmentProposed { amendment });
    let (before, after) = (story.calendar(START), amended.calendar(START + 3 * DAY));
    let deadline = |calendar: &Calendar| {
        calendar.dates.iter().find(|date| date.kind == DateKind::Deadline).map(|date| (date.number, date.at))
    };
    assert_eq!(deadline(&before), Some((0, DEADLINE)));
    assert_eq!(deadline(&after), Some((0, DEADLINE + DAY)));
    assert_eq!((before.revision, before.revised_at), (0, START));
    // Proposed, it moves nothing yet; in force, it does, though no event says so.
    let pending = amended.calendar(START + 3 * DAY - 1);
    assert_eq!((pending.revision, pending.revised_at), (1, START + DAY));
    assert_eq!((after.revision, after.revised_at), (2, START + 3 * DAY));
}

#[test]
fn a_deadline_is_told_of_whatever_is_proposed_that_does_not_move_it() {
    let propose = |story: Story, at: u64, goal| {
        let amendment = Amendment { goal, effective_at: at + 2 * DAY };
        story.then(at, RescueEvent::AmendmentProposed { amendment })
    };
    let goal = Goal { deadline: DEADLINE + DAY, ..Goal::from(&terms()) };
    let story = propose(Story::new(), START + DAY, goal);
    // The same deadline with another target.
    let mut story = propose(story, DEADLINE - 2 * DAY, Goal { target: Wei::new(ETHER), ..goal });
    assert!(story.kinds(DEADLINE - 2 * DAY).contains(&NoticeKind::DeadlineNear), "in three days");
    assert_eq!(story.kinds(DEADLINE - DAY), [NoticeKind::ExitWindowCloses]);
    assert_eq!(story.kinds(DEADLINE), [NoticeKind::AmendmentInForce, NoticeKind::DeadlineNear]);
}

#[test]
fn a_notice_can_be_kept_and_read_again() {
    let mut story = Story::new().of(ANN).pledge(ANN, 0, 45).amend();
    for notice in story.news(START + DAY) {
        let kept = serde_json::to_string(&notice).expect("it is written");
        assert_eq!(serde_json::from_str::<Notice>(&kept).expect("it is read"), notice);
    }
    for told in story.told.values() {
        let kept = serde_json::to_string(told).expect("it is written");
        assert_eq!(&serde_json::from_str::<Told>(&kept).expect("it is read"), told);
    }
}
