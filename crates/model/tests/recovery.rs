//! The recovery pool: the waterfall on exact figures, every refusal, and property 13 on random rescues.

mod common;

use alloy_primitives::Address;
use common::*;
use levee_model::{
    Amount, Asset, Bps, Payment, PositionId, RecoveryBooks, RecoveryGroup, RecoveryRefusal, Refusal, Rescue,
    Status, Terms, Timestamp, Wei, prorata, recovery::MAX_RECEIVED,
};
use proptest::{prelude::*, sample::select, test_runner::Config};

const POOL: Address = Address::repeat_byte(0x90);
const YEAR: Timestamp = 365 * 24 * 60 * 60;
/// When the rescue of [`released`] is final.
const FINAL: Timestamp = 999;
const GIGA: u128 = 1_000_000_000;

fn giga(number: u128) -> Wei {
    Wei::new(number * GIGA)
}

fn pool() -> RecoveryBooks {
    RecoveryBooks::new(POOL, &terms())
}

/// Final at [`FINAL`]: ALICE gave all of 600 G wei as a grant, BOB 400 of 800 G wei as a loan at 4 %.
fn released() -> Rescue {
    let mut rescue = rescue();
    rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), UNAMENDED, units(600 * GIGA)).expect("accepted");
    rescue.pledge(at(10), id(BOB, 1, Asset::Eth), UNAMENDED, units(800 * GIGA)).expect("accepted");
    rescue.settle(at(500)).expect("accepted");
    rescue.release(at(FINAL), Asset::Eth).expect("accepted");
    assert_eq!((rescue.stored_status(), rescue.final_at()), (Status::Released, Some(FINAL)));
    rescue
}

/// The loan and the grant: principal, interest and received of each, in G wei.
fn figures(pool: &RecoveryBooks, now: Timestamp) -> [[Wei; 3]; 2] {
    let groups = pool.groups(now);
    [0, 1].map(|index| {
        let RecoveryGroup { principal, interest, received, .. } = groups[index];
        [principal, interest, received]
    })
}

mod recover {
    use super::*;

    #[test]
    fn repays_the_loan_with_its_interest_before_the_grant() {
        let (rescue, mut pool) = (released(), pool());
        let mut now = FINAL + YEAR;
        pool.recover(&rescue, now, giga(10)).unwrap();
        assert_eq!(figures(&pool, now), [[400, 6, 10], [0, 0, 0]].map(|group| group.map(giga)));
        pool.recover(&rescue, now, giga(16)).unwrap();
        assert_eq!(figures(&pool, now), [[390, 0, 26], [0, 0, 0]].map(|group| group.map(giga)));
        now += YEAR;
        assert_eq!(figures(&pool, now)[0][1], Wei::new(15_600_000_000), "4 % of what is outstanding");
        pool.recover(&rescue, now, Wei::new(500_600_000_000)).unwrap();
        let [loan, grant] = figures(&pool, now);
        assert_eq!(loan, [Wei::ZERO, Wei::ZERO, Wei::new(431_600_000_000)]);
        assert_eq!(grant, [0, 0, 95].map(giga));
        now += YEAR;
        pool.recover(&rescue, now, giga(1_000)).unwrap();
        assert_eq!(figures(&pool, now), [loan, [0, 0, 1_095].map(giga)], "the last takes all the rest");
    }

    #[test]
    fn shows_the_groups_from_the_start_and_their_values_from_the_first_deposit_on() {
        let (rescue, mut pool) = (released(), pool());
        let group = |order, rate| RecoveryGroup {
            order,
            rate: Bps::new(rate),
            value: Wei::ZERO,
            principal: Wei::ZERO,
            interest: Wei::ZERO,
            received: Wei::ZERO,
        };
        let (loan, grant) = (group(1, 400), group(0, 0));
        assert_eq!((pool.groups(FINAL + YEAR), pool.accrued_at()), (vec![loan, grant], None));
        pool.recover(&rescue, FINAL, giga(1)).unwrap();
        let loan = RecoveryGroup { value: giga(800), principal: giga(399), received: giga(1), ..loan };
        let grant = RecoveryGroup { value: giga(600), ..grant };
        assert_eq!((pool.groups(FINAL), pool.accrued_at()), (vec![loan, grant], Some(FINAL)));
    }

    #[test]
    fn adds_interest_at_each_deposit_and_rounds_it_down() {
        let (rescue, mut pool) = (released(), pool());
        // 400 G wei at 4 % make 507.35 wei a second.
        pool.recover(&rescue, FINAL + 1, Wei::new(1)).unwrap();
        assert_eq!(figures(&pool, FINAL + 1)[0][1], Wei::new(506));
        assert_eq!(figures(&pool, FINAL + 3)[0][1], Wei::new(506 + 1_014), "a view adds in one step");
        pool.recover(&rescue, FINAL + 2, Wei::new(1)).unwrap();
        pool.recover(&rescue, FINAL + 3, Wei::new(1)).unwrap();
        assert_eq!(figures(&pool, FINAL + 3)[0][1], Wei::new(3 * 506));
    }

    #[test]
    fn counts_only_what_was_delivered_as_principal() {
        let mut rescue = rescue();
        rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), UNAMENDED, units(600 * GIGA)).unwrap();
        rescue.pledge(at(10), id(BOB, 1, Asset::WstEth), UNAMENDED, units(500 * GIGA)).unwrap();
        rescue.settle(at(500)).unwrap();
        rescue.release(at(600), Asset::WstEth).unwrap();
        rescue.cancel(at(600), GUARDIAN).unwrap();
        rescue.release(at(601), Asset::Eth).unwrap();
        let mut pool = pool();
        pool.recover(&rescue, 601, giga(1)).unwrap();
        // A quarter of 333,333,333,333 shares at 1.2 wei.
        assert_eq!(pool.groups(601)[0].principal, Wei::new(99_999_999_999 - GIGA));
        assert_eq!(pool.groups(601)[0].value, giga(600));
    }

    #[test]
    fn leaves_out_groups_of_which_nothing_was_delivered() {
        let mut rescue = rescue();
        rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), UNAMENDED, units(600 * GIGA)).unwrap();
        rescue.pledge(at(10), id(BOB, 1, Asset::StEth), UNAMENDED, units(500 * GIGA)).unwrap();
        rescue.settle(at(500)).unwrap();
        rescue.release(at(1_000), Asset::Eth).unwrap();
        rescue.lapse(at(1_001)).unwrap();
        let mut pool = pool();
        pool.recover(&rescue, 1_001, giga(1)).unwrap();
        assert_eq!(
            pool.groups(1_001).iter().map(RecoveryGroup::takes_part).collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(pool.claim(&rescue, id(BOB, 1, Asset::StEth)), Err(RecoveryRefusal::NotDrawn { tier: 1 }));
        assert_eq!(pool.claimable(&rescue, id(ALICE, 0, Asset::Eth)), giga(1));
    }

    #[test]
    fn is_refused_until_the_rescue_is_final_with_something_delivered() {
        let (mut rescue, mut pool) = (rescue(), pool());
        let not_final = |status| Err(RecoveryRefusal::NotFinal { status });
        assert_eq!(pool.recover(&rescue, 1, Wei::ZERO), not_final(Status::Open));
        rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), UNAMENDED, units(2_000 * GIGA)).unwrap();
        rescue.settle(at(500)).unwrap();
        assert_eq!(pool.recover(&rescue, 500, giga(1)), not_final(Status::Settled));
        rescue.cancel(at(599), GUARDIAN).unwrap();
        assert_eq!(rescue.final_at(), Some(599));
        assert_eq!(pool.recover(&rescue, 599, Wei::ZERO), Err(RecoveryRefusal::ZeroAmount));
        assert_eq!(pool.recover(&rescue, 599, giga(1)), Err(RecoveryRefusal::NothingDelivered));
        assert_eq!(pool.accrued_at(), None);
    }

    #[test]
    fn is_refused_of_a_failed_rescue() {
        let (mut rescue, mut pool) = (rescue(), pool());
        rescue.settle(at(DEADLINE + 1)).unwrap();
        let refusal = RecoveryRefusal::NotFinal { status: Status::Failed };
        assert_eq!(pool.recover(&rescue, DEADLINE + 1, giga(1)), Err(refusal));
        assert_eq!(pool.claim(&rescue, id(ALICE, 0, Asset::Eth)), Err(refusal));
    }

    #[test]
    fn never_gives_a_group_more_than_it_can_hold() {
        let (rescue, mut pool) = (released(), pool());
        pool.recover(&rescue, FINAL, MAX_RECEIVED).unwrap();
        let (amount, limit) = (giga(401), giga(400));
        let before = figures(&pool, FINAL);
        let refusal = Err(RecoveryRefusal::AmountTooLarge { amount, limit });
        assert_eq!(pool.recover(&rescue, FINAL, amount), refusal);
        assert_eq!(figures(&pool, FINAL), before);
        assert_eq!(pool.recover(&rescue, FINAL, limit), Ok(()));
    }

    #[test]
    fn fits_the_longest_time_at_the_highest_rate_on_the_largest_principal() {
        let target = Wei::new((1 << 96) - 1);
        let tiers = vec![tier(10_000, 0, 0), tier(10_000, 1, u16::MAX)];
        let mut rescue = Rescue::open(ESCROW, Terms { target, tiers, ..terms() }, CREATED).unwrap();
        rescue.pledge(at(1), id(ALICE, 0, Asset::Eth), UNAMENDED, units(1)).unwrap();
        rescue.pledge(at(1), id(BOB, 1, Asset::Eth), UNAMENDED, units(target.get())).unwrap();
        rescue.settle(at(2)).unwrap();
        rescue.release(at(FINAL), Asset::Eth).unwrap();
        let mut pool = RecoveryBooks::new(POOL, rescue.terms());
        let end = (1 << 40) - 1;
        pool.recover(&rescue, end, MAX_RECEIVED).unwrap();
        // principal * 65535 / 10000 * seconds / year, less what was paid of it.
        assert_eq!(figures(&pool, end)[0][1].get(), 18_102_735_502_132_038_417_087_393_421_934_565);
        assert_eq!(pool.earned_down(&rescue, id(BOB, 1, Asset::Eth)), MAX_RECEIVED);
    }
}

mod claim {
    use super::*;

    fn paid(to: Address, amount: Wei) -> Result<Payment, RecoveryRefusal> {
        Ok(Payment { to, asset: Asset::Eth, amount: Amount::Eth(amount).units() })
    }

    #[test]
    fn pays_what_was_earned_since_the_last_one() {
        let (rescue, mut pool) = (released(), pool());
        let bob = id(BOB, 1, Asset::Eth);
        pool.recover(&rescue, FINAL, giga(1)).unwrap();
        assert_eq!(pool.claim(&rescue, bob), paid(BOB, giga(1)));
        assert_eq!(pool.claim(&rescue, bob), Err(RecoveryRefusal::NothingToClaim { id: bob }));
        pool.recover(&rescue, FINAL, giga(2)).unwrap();
        assert_eq!(pool.claim_to(&rescue, bob, ALICE), paid(ALICE, giga(2)));
        assert_eq!((pool.claimed(bob), pool.claimable(&rescue, bob)), (giga(3), Wei::ZERO));
    }

    #[test]
    fn is_the_part_by_value_at_the_settlement_rate_rounded_down() {
        let mut rescue = rescue();
        // 2 shares are worth 2.4, so 2 wei.
        for (id, amount) in [
            (id(ALICE, 0, Asset::Eth), units(1_000 * GIGA)),
            (id(ALICE, 0, Asset::StEth), units(2)),
            (id(BOB, 2, Asset::WstEth), units(500 * GIGA)),
        ] {
            rescue.pledge(at(10), id, UNAMENDED, amount).unwrap();
        }
        rescue.settle(at(500)).unwrap();
        for asset in Asset::ALL {
            rescue.release(at(FINAL), asset).unwrap();
        }
        let mut pool = pool();
        pool.recover(&rescue, FINAL, giga(1_600)).unwrap();
        let group = pool.groups(FINAL)[1];
        assert_eq!((group.value.get(), pool.rate(&rescue)), (1_600 * GIGA + 2, Some(rate(RATE))));
        let earned = |position| pool.earned_down(&rescue, position).get();
        assert_eq!(earned(id(ALICE, 0, Asset::Eth)), 999_999_999_998);
        assert_eq!(earned(id(ALICE, 0, Asset::StEth)), 1);
        assert_eq!(earned(id(BOB, 2, Asset::WstEth)), 599_999_999_999);
    }

    #[test]
    fn is_refused_for_the_first_of_several_reasons() {
        let (mut pool, nobody) = (pool(), id(ALICE, 2, Asset::StEth));
        let claim =
            |pool: &mut RecoveryBooks, rescue: &Rescue, id: PositionId| pool.claim(rescue, id).unwrap_err();
        let unknown = RecoveryRefusal::ByRescue(Refusal::UnknownTier { tier: 3, count: 3 });
        assert_eq!(claim(&mut pool, &rescue(), id(ALICE, 3, Asset::Eth)), unknown);
        let open = RecoveryRefusal::NotFinal { status: Status::Open };
        assert_eq!(claim(&mut pool, &rescue(), nobody), open);
        let rescue = released();
        let nothing = |id| RecoveryRefusal::NothingToClaim { id };
        assert_eq!(claim(&mut pool, &rescue, nobody), nothing(nobody), "no deposit yet");
        pool.recover(&rescue, FINAL, giga(1)).unwrap();
        assert_eq!(claim(&mut pool, &rescue, nobody), nothing(nobody), "nothing pledged");
        let alice = id(ALICE, 0, Asset::Eth);
        assert_eq!(claim(&mut pool, &rescue, alice), nothing(alice), "the loan comes first");
        for account in [Address::ZERO, POOL] {
            let refusal = RecoveryRefusal::InvalidAccount { account };
            assert_eq!(pool.claim_to(&rescue, id(BOB, 1, Asset::Eth), account), Err(refusal));
            assert_eq!(pool.claim(&rescue, id(account, 1, Asset::Eth)), Err(refusal), "in its own name");
        }
    }

    #[test]
    fn is_refused_from_a_tier_that_was_not_active() {
        let mut rescue = rescue();
        rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), UNAMENDED, units(300 * GIGA)).unwrap();
        rescue.pledge(at(10), id(BOB, 2, Asset::Eth), UNAMENDED, units(300 * GIGA)).unwrap();
        rescue.settle(at(DEADLINE + 1)).unwrap();
        rescue.release(at(DEADLINE + 500), Asset::Eth).unwrap();
        let mut pool = pool();
        pool.recover(&rescue, DEADLINE + 500, giga(10)).unwrap();
        // Tiers 0 and 2 are of one order, but the second condition was not met.
        let bob = id(BOB, 2, Asset::Eth);
        assert_eq!(pool.claim(&rescue, bob), Err(RecoveryRefusal::NotDrawn { tier: 2 }));
        assert_eq!(pool.earned_down(&rescue, bob), Wei::ZERO);
        assert_eq!(pool.claim(&rescue, id(ALICE, 0, Asset::Eth)), paid(ALICE, giga(10)));
    }
}

/// A final rescue with up to three groups, and deposits: seconds since the one before, and the amount.
#[derive(Debug, Clone)]
struct Story {
    rescue: Rescue,
    deposits: Vec<(u32, Wei)>,
}

const TIERS: u8 = 4;

fn ids() -> impl Strategy<Value = PositionId> {
    (0..5u8, 0..TIERS, select(Asset::ALL.to_vec()))
        .prop_map(|(who, tier, asset)| id(Address::repeat_byte(who + 1), tier, asset))
}

/// Four tiers in three orders, each order with a rate of its own.
fn all_terms() -> impl Strategy<Value = Terms> {
    let rates = prop::array::uniform3(prop_oneof![Just(0), 1..2_000u16, Just(u16::MAX)]);
    let thresholds = select(vec![[1u16, 2_500, 5_000], [2_500, 2_500, 10_000], [1, 1, 1]]);
    (prop::array::uniform4(0..3u8), rates, thresholds).prop_map(|(orders, rates, [one, two, three])| {
        let thresholds = [one, two, three, 10_000];
        let tiers = thresholds.into_iter().zip(orders);
        let tiers = tiers.map(|(threshold, order)| tier(threshold, order, rates[usize::from(order)]));
        Terms { target: giga(1), tiers: tiers.collect(), ..terms() }
    })
}

/// Dust, or a part of the target, or far more.
fn amounts() -> impl Strategy<Value = u128> {
    prop_oneof![1..10u128, 1..400_000_000u128, 1..5_000_000_000u128]
}

fn stories() -> impl Strategy<Value = Story> {
    let pledges = prop::collection::vec((ids(), amounts()), 1..20);
    let rates = (RATE / 2..RATE * 2).prop_map(rate);
    // Some are released as a whole, some are cancelled after a tranche or two.
    let ends = select(vec![DEADLINE + 101, DEADLINE + 111, DEADLINE + 1_000]);
    let seconds = prop_oneof![Just(0), 1..1_000u32, 1..100_000_000u32];
    let deposits = prop::collection::vec((seconds, amounts().prop_map(Wei::new)), 1..12);
    (all_terms(), pledges, rates, ends, deposits).prop_filter_map(
        "nothing was delivered",
        |(terms, pledges, rate, end, deposits)| {
            Some(Story { rescue: finished(terms, &pledges, rate, end)?, deposits })
        },
    )
}

/// The rescue after these pledges, released at `end` as far as it was due, the rest cancelled.
fn finished(
    terms: Terms,
    pledges: &[(PositionId, u128)],
    rate: levee_model::Rate,
    end: Timestamp,
) -> Option<Rescue> {
    let at = |time| levee_model::Moment { time, lido: levee_model::Lido::Working(rate) };
    let mut rescue = Rescue::open(ESCROW, terms, CREATED).expect("the terms are allowed");
    for &(id, amount) in pledges {
        rescue.pledge(at(1), id, UNAMENDED, units(amount)).expect("the amount is within bounds");
    }
    rescue.settle(at(DEADLINE + 1)).expect("the rate is known");
    // Of some assets there may be nothing; of others, one tranche may be nothing.
    Asset::ALL.map(|asset| rescue.release(at(end), asset)).into_iter().filter_map(Result::ok).next()?;
    if rescue.final_at().is_none() {
        rescue.cancel(at(end), GUARDIAN).expect("not everything is due");
    }
    // The last tranche may be dust of which no value was delivered.
    let mut pool = RecoveryBooks::new(POOL, rescue.terms());
    pool.recover(&rescue, end, Wei::new(1)).ok().map(|()| rescue)
}

/// What a deposit did: the groups as they were when it came, interest included, and as it left them.
struct Deposit {
    seconds: u32,
    before: Vec<RecoveryGroup>,
    found: Vec<RecoveryGroup>,
    left: Vec<RecoveryGroup>,
}

impl Story {
    fn end(&self) -> Timestamp {
        self.rescue.final_at().expect("it is final")
    }

    fn pool(&self) -> RecoveryBooks {
        RecoveryBooks::new(POOL, self.rescue.terms())
    }

    fn ids(&self) -> Vec<PositionId> {
        self.rescue.positions().map(|(id, _)| id).collect()
    }

    /// Makes the deposits after the first, which only opens the pool, and looks at each.
    fn watched(&self) -> Vec<Deposit> {
        let (mut pool, mut now) = (self.pool(), self.end());
        pool.recover(&self.rescue, now, Wei::new(1)).expect("something was delivered");
        let watched = self.deposits.iter().map(|&(seconds, amount)| {
            let before = pool.groups(now);
            now += Timestamp::from(seconds);
            let found = pool.groups(now);
            pool.recover(&self.rescue, now, amount).expect("it is open");
            Deposit { seconds, before, found, left: pool.groups(now) }
        });
        watched.collect()
    }
}

fn claim_all(pool: &mut RecoveryBooks, rescue: &Rescue, ids: impl Iterator<Item = PositionId>) -> Wei {
    // Whoever has nothing to claim is refused.
    let claimed = ids.filter_map(|id| pool.claim(rescue, id).ok());
    claimed.map(|payment| payment.amount.of(payment.asset).wei_and_shares().0).sum()
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    /// 13: a group gets something only of what the groups before it, fully repaid, have left.
    #[test]
    fn a_later_order_is_repaid_before_an_earlier_one(story in stories()) {
        for Deposit { found, left, .. } in story.watched() {
            for index in 1..found.len() {
                if left[index].received > found[index].received {
                    let debts = left[..index].iter().map(|group| group.principal + group.interest);
                    prop_assert_eq!(debts.sum::<Wei>(), Wei::ZERO, "13: {:?}", &left);
                }
            }
        }
    }

    /// 13: a deposit adds the interest of its seconds on the outstanding principal, to within one wei; what a group
    /// then gets goes to interest first. Nothing of a deposit is lost.
    #[test]
    fn interest_is_simple_exact_and_paid_first(story in stories()) {
        for (deposit, &(_, amount)) in story.watched().iter().zip(&story.deposits) {
            let Deposit { seconds, before, found, left } = deposit;
            for ((before, found), left) in before.iter().zip(found).zip(left) {
                let added = (found.interest - before.interest).get() * 10_000 * u128::from(YEAR);
                let exact = before.principal.get() * u128::from(before.rate.get()) * u128::from(*seconds);
                prop_assert!(added <= exact && exact < added + 10_000 * u128::from(YEAR), "13: {:?}", found);
                let got = left.received - found.received;
                prop_assert_eq!(found.interest - left.interest, found.interest.min(got), "13: interest first");
                prop_assert_eq!(found.principal - left.principal, found.principal.min(got - found.interest.min(got)));
            }
            let received = |groups: &[RecoveryGroup]| groups.iter().map(|group| group.received).sum::<Wei>();
            prop_assert_eq!(received(left) - received(found), amount);
        }
    }

    /// What the positions of a group have earned is all that it received, but for less than a wei each.
    #[test]
    fn claims_leave_only_dust(story in stories()) {
        let (mut pool, mut now) = (story.pool(), story.end());
        for &(seconds, amount) in &story.deposits {
            now += Timestamp::from(seconds);
            pool.recover(&story.rescue, now, amount).unwrap();
        }
        let deposited: Wei = story.deposits.iter().map(|&(_, amount)| amount).sum();
        let claimed = claim_all(&mut pool, &story.rescue, story.ids().into_iter());
        let positions = story.ids().len() as u128;
        prop_assert!(claimed <= deposited);
        // A part by value loses up to a wei to each floor: of the position's own value, and of its part.
        let dust: u128 = pool.groups(now).iter().filter(|group| group.takes_part()).map(dust_bound(positions)).sum();
        prop_assert!((deposited - claimed).get() <= dust, "{} of {dust}", (deposited - claimed).get());
    }

    /// Claims in any order, and at any time, come to the same; and what was earned only grows.
    #[test]
    fn the_order_of_claims_does_not_matter(story in stories()) {
        let (mut early, mut late, mut now) = (story.pool(), story.pool(), story.end());
        let mut earned = vec![Wei::ZERO; story.ids().len()];
        for &(seconds, amount) in &story.deposits {
            now += Timestamp::from(seconds);
            for pool in [&mut early, &mut late] {
                pool.recover(&story.rescue, now, amount).unwrap();
            }
            claim_all(&mut early, &story.rescue, story.ids().into_iter());
            for (id, earned) in story.ids().into_iter().zip(&mut earned) {
                let more = early.earned_down(&story.rescue, id);
                prop_assert!(*earned <= more, "earned {} and then {}", earned, more);
                *earned = more;
            }
        }
        claim_all(&mut late, &story.rescue, story.ids().into_iter().rev());
        for (id, earned) in story.ids().into_iter().zip(earned) {
            prop_assert_eq!((early.claimed(id), late.claimed(id)), (earned, earned));
        }
        prop_assert_eq!(early.groups(now), late.groups(now));
    }
}

/// The most that floors keep of what a group received: less than a wei for each position, and what the floors of the
/// positions' values, and of shares added before the one floor of the group, keep of it.
fn dust_bound(positions: u128) -> impl Fn(&RecoveryGroup) -> u128 {
    move |group| {
        let lost = Wei::new(positions.min(group.value.get()));
        positions + prorata::earned_down(group.received, lost, group.value).get() + 1
    }
}
