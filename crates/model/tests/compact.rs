//! A compact by the rules: the worked example of docs/compact.md, and the edges of its times.

use alloy_primitives::{Address, B256};
use levee_model::{
    Bps, Compact, CompactEvent, CompactOperation as O, CompactRefusal as R, CompactTerms, Creation, Moment,
    Rescue, Terms, Timestamp, Units, Wei,
    compact::{CallState, CompactTermsError, Proposal, Window},
};

mod common;
use common::{ALICE, BOB, GUARDIAN, at, rescue, terms, tier};

const COMPACT: Address = Address::repeat_byte(0xc0);
const CAROL: Address = Address::repeat_byte(0xca);
const ANYONE: Address = Address::repeat_byte(0xaa);
const CODE: B256 = B256::repeat_byte(0xcd);
const DAY: Timestamp = 86_400;
/// Not at the beginning of time: a proposal looks one second back.
const START: Timestamp = 1_000 * DAY;

fn compact_terms() -> CompactTerms {
    let days = |days: u64| (days * DAY) as u32;
    CompactTerms {
        wsteth: terms().wsteth,
        escrow_code_hash: CODE,
        admitter: Address::ZERO,
        guardian: GUARDIAN,
        terms_hash: B256::ZERO,
        quorum: Bps::new(7_000),
        max_call: Bps::new(5_000),
        voting_period: days(3),
        fulfill_period: days(4),
        notice_period: days(10),
        leave_window: days(2),
        seasoning: days(14),
        min_threshold: Bps::new(5_000),
        min_rate: Bps::ZERO,
        min_objection_period: days(1),
        min_exit_window: days(1),
        max_veto: Bps::new(3_300),
        max_lock: days(200),
    }
}

/// A rescue within these terms, of which 1,000 ETH are missing.
fn rescue_terms() -> Terms {
    let days = |days: u64| (days * DAY) as u32;
    Terms {
        target: ether(1_000),
        deadline: START + 60 * DAY,
        latest_deadline: START + 60 * DAY,
        tiers: vec![tier(5_000, 0, 0), tier(10_000, 1, 400)],
        objection_period: days(1),
        release_window: days(30),
        exit_window: days(1),
        ..terms()
    }
}

fn ether(ether: u128) -> Wei {
    Wei::new(ether * 10u128.pow(18))
}

fn wsteth(number: u128) -> Units {
    Units::new(number * 10u128.pow(18))
}

fn day(day: u64) -> Timestamp {
    START + day * DAY
}

/// A compact and one rescue.
struct World {
    compact: Compact,
    rescue: Rescue,
}

impl World {
    fn new() -> Self {
        let compact = Compact::create(COMPACT, compact_terms()).expect("the terms are allowed");
        let creation = Creation { block: 1, time: START };
        let rescue = Rescue::open(rescue().escrow(), rescue_terms(), creation).expect("they are allowed");
        Self { compact, rescue }
    }

    /// One with the three members of the example, a second after they were activated.
    fn with_members() -> (Self, Timestamp) {
        let mut world = Self::new();
        for (member, amount) in [(ALICE, 600), (BOB, 300), (CAROL, 100)] {
            world.make(day(0), member, O::Commit { amount: wsteth(amount) });
        }
        for member in [ALICE, BOB, CAROL] {
            world.make(day(14), ANYONE, O::Activate { member });
        }
        (world, day(14) + 1)
    }

    fn play(&mut self, time: Timestamp, caller: Address, operation: O) -> Result<Vec<CompactEvent>, String> {
        let played = self.compact.play(moment(time), caller, &operation, Some(&mut self.rescue));
        played.map_err(|refused| format!("{refused:?}"))
    }

    #[track_caller]
    fn make(&mut self, time: Timestamp, caller: Address, operation: O) -> Vec<CompactEvent> {
        self.play(time, caller, operation).expect("the rules allow it")
    }

    #[track_caller]
    fn refused(&mut self, time: Timestamp, caller: Address, operation: O, refusal: R) {
        let before = self.compact.view(time);
        let expected = format!("{:?}", levee_model::CompactRefused::from(refusal));
        assert_eq!(self.play(time, caller, operation), Err(expected));
        assert_eq!(self.compact.view(time), before, "it changed something");
    }

    fn earned(&self) -> [Units; 3] {
        [ALICE, BOB, CAROL].map(|member| self.compact.earned(member))
    }
}

/// A wstETH is worth 1.2 ETH.
fn moment(time: Timestamp) -> Moment {
    at(time)
}

fn propose(world: &World, bps: u16) -> O {
    let escrow = world.rescue.escrow();
    let proposal = Proposal { terms: rescue_terms(), code_hash: CODE, escrow, tier: 1, bps: Bps::new(bps) };
    O::Propose { member: ALICE, proposal }
}

#[test]
fn the_worked_example() {
    let (mut world, _) = World::with_members();
    world.make(day(15), ANYONE, O::PayPremium { amount: wsteth(10) });
    assert_eq!(world.earned(), [6, 3, 1].map(|whole| less(whole, 1)));
    world.make(day(15), BOB, O::Notice { amount: wsteth(100) });
    world.make(day(15), ANYONE, O::PayPremium { amount: wsteth(9) });
    // Bob's notice was an accrual of its own.
    assert_eq!(world.earned(), [less(12, 1), less(5, 2), less(2, 1)]);

    let propose_40 = propose(&world, 4_000);
    world.make(day(16), ALICE, propose_40);
    let view = world.compact.call_view(0).expect("it was proposed");
    assert_eq!((view.active, view.required), (wsteth(1_000), wsteth(700)));
    world.make(day(16), ALICE, O::Approve { call: 0, member: ALICE });
    assert_eq!(world.compact.call_view(0).and_then(|view| view.passed_at), None);
    world.make(day(16), CAROL, O::Approve { call: 0, member: CAROL });
    assert_eq!(world.compact.call_view(0).and_then(|view| view.passed_at), Some(day(16)));

    world.make(day(17), ANYONE, O::Fulfill { call: 0, members: vec![ALICE, BOB, CAROL] });
    let pledged = [ALICE, BOB, CAROL].map(|pledger| {
        let views = world.rescue.position_views(moment(day(17)), pledger);
        views.iter().map(|view| view.amount).sum::<Units>()
    });
    assert_eq!(pledged, [240, 120, 40].map(wsteth));
    let bob = world.compact.standing(BOB);
    assert_eq!((bob.active, bob.noticed), (wsteth(180), wsteth(100)));

    let propose_half = propose(&world, 5_000);
    world.make(day(18), ALICE, propose_half);
    for member in [ALICE, CAROL] {
        world.make(day(18), member, O::Approve { call: 1, member });
    }
    let fulfill = O::Fulfill { call: 1, members: vec![BOB] };
    let until = day(22);
    world.refused(until, ANYONE, fulfill.clone(), R::CallTooSoon { limit: day(33), time: until });
    world.refused(until + 1, ANYONE, fulfill, R::FulfillmentOver { limit: until, time: until + 1 });

    world.make(day(25), BOB, O::Leave { recipient: BOB });
    assert_eq!(world.compact.standing(BOB).active, wsteth(80));
}

/// What is earned is rounded down at each accrual: so many units less than the whole.
fn less(whole: u128, units: u128) -> Units {
    wsteth(whole) - Units::new(units)
}

#[test]
fn seasoned_money_counts_in_its_window_alone() {
    let mut world = World::new();
    world.make(day(0), ALICE, O::Commit { amount: wsteth(1) });
    let window = Window { from: day(14), until: day(16) };
    assert_eq!(world.compact.windows(ALICE).activation, Some(window));
    let activate = O::Activate { member: ALICE };
    let (early, late) = (day(14) - 1, day(16) + 1);
    world.refused(early, ANYONE, activate.clone(), R::StillSeasoning { ready_at: day(14), time: early });
    world.refused(late, ANYONE, activate.clone(), R::SeasonedTooLong { limit: day(16), time: late });
    // Nothing more is committed: only the wait begins anew.
    world.make(late, ALICE, O::Commit { amount: Units::ZERO });
    world.make(late + 16 * DAY, ANYONE, activate);
    assert_eq!(world.compact.standing(ALICE).weight(), wsteth(1));
}

#[test]
fn notice_is_used_in_its_window_alone() {
    let (mut world, now) = World::with_members();
    world.make(now, BOB, O::Notice { amount: wsteth(300) });
    let leave = O::Leave { recipient: CAROL };
    let (from, until) = (now + 10 * DAY, now + 12 * DAY);
    world.refused(from - 1, BOB, leave.clone(), R::NoticeRunning { ready_at: from, time: from - 1 });
    world.refused(until + 1, BOB, leave.clone(), R::NoticeLapsed { limit: until, time: until + 1 });
    // Unused, it goes on to be without weight, and in the quorum.
    assert_eq!(world.compact.all().now().weight(), wsteth(700));
    assert_eq!(world.compact.all().now().active, wsteth(1_000));
    let left = world.make(until, BOB, leave);
    let amount = wsteth(300);
    assert_eq!(left, [CompactEvent::Left { member: BOB, recipient: CAROL, amount, left_at: until }]);
    assert_eq!(world.compact.standing_at(BOB, until - 1).active, amount);
    assert_eq!(world.compact.standing_at(BOB, until).active, Units::ZERO);
}

#[test]
fn what_is_committed_later_neither_votes_nor_is_called() {
    let (mut world, now) = World::with_members();
    world.make(now, CAROL, O::Commit { amount: wsteth(900) });
    let proposed_at = now + 14 * DAY;
    world.make(proposed_at, ANYONE, O::Activate { member: CAROL });
    let call = propose(&world, 5_000);
    world.make(proposed_at, ALICE, call);
    world.make(proposed_at, BOB, O::Approve { call: 0, member: BOB });
    world.make(proposed_at, CAROL, O::Approve { call: 0, member: CAROL });
    let state = world.compact.view(proposed_at).calls[0];
    assert_eq!(state.0.approvals, wsteth(400));
    assert_eq!(state.1, CallState::Voting { until: proposed_at + 3 * DAY });
    assert_eq!(world.compact.share(0, CAROL), Some(wsteth(50)));
}

#[test]
fn a_call_asks_for_no_more_than_is_missing() {
    let (mut world, now) = World::with_members();
    let id = common::id(BOB, 0, levee_model::Asset::Eth);
    // Half of 1,000 wstETH is worth 600 ETH.
    world.rescue.pledge(moment(now), id, 0, Units::new(ether(401).get())).expect("it takes pledges");
    let half = propose(&world, 5_000);
    let (value, missing) = (ether(600), ether(599));
    world.refused(now, ALICE, half, R::CallTooLarge { value, missing });
    let less = propose(&world, 4_991);
    world.make(now, ALICE, less);
}

#[test]
fn terms_are_allowed_up_to_their_bounds() {
    let broken = |change: &dyn Fn(&mut CompactTerms)| {
        let mut terms = compact_terms();
        change(&mut terms);
        terms.check().err()
    };
    use CompactTermsError as E;
    let quorum = Bps::new(5_000);
    assert_eq!(broken(&|terms| terms.quorum = quorum), Some(E::QuorumOutOfBounds { quorum }));
    assert_eq!(broken(&|terms| terms.quorum = Bps::new(5_001)), None);
    let minimum = 7 * DAY + 1;
    let notice_period = 7 * DAY as u32;
    let too_short = E::NoticePeriodTooShort { notice_period, minimum };
    assert_eq!(broken(&|terms| terms.notice_period = notice_period), Some(too_short));
    assert_eq!(broken(&|terms| terms.notice_period = notice_period + 1), None);
    let seasoning = 12 * DAY as u32 - 1;
    let too_short = E::SeasoningTooShort { seasoning, minimum: 12 * DAY };
    assert_eq!(broken(&|terms| terms.seasoning = seasoning), Some(too_short));
    let max_veto = Bps::ONE;
    assert_eq!(broken(&|terms| terms.max_veto = max_veto), Some(E::MaxVetoOutOfBounds { max_veto }));
    assert_eq!(broken(&|terms| terms.max_lock = 0), Some(E::MaxLockZero));
}

#[test]
fn events_that_do_not_follow_are_refused() {
    let (world, now) = World::with_members();
    let refuses = |event: CompactEvent| world.compact.clone().apply(&event).is_err();
    let amount = wsteth(1);
    assert!(refuses(CompactEvent::TakenBack { member: ALICE, recipient: ALICE, amount }));
    assert!(refuses(CompactEvent::Activated { member: ALICE, amount, activated_at: now }));
    assert!(refuses(CompactEvent::Noticed { member: ALICE, amount: wsteth(601), noticed_at: now }));
    assert!(refuses(CompactEvent::Left { member: ALICE, recipient: ALICE, amount, left_at: now }));
    assert!(refuses(CompactEvent::Approved { call: 0, member: ALICE, weight: amount }));
    assert!(refuses(CompactEvent::PremiumPaid { payer: ALICE, amount, weight: amount }));
    assert!(refuses(CompactEvent::PremiumClaimed { member: ALICE, amount }));
    // Time does not go back.
    assert!(refuses(CompactEvent::Noticed { member: ALICE, amount, noticed_at: day(13) }));
    assert!(!refuses(CompactEvent::Noticed { member: ALICE, amount, noticed_at: now }));
}
