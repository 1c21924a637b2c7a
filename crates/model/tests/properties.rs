//! What must always be true, on random terms, rates and sequences of calls. Numbers are those of the list of properties
//! in the rules.
//!
//! Given enough runs the walks meet every status, every call accepted and refused, rates below and above one, dust and
//! amounts near the target, and stETH paused and broken; `walks_reach_every_status` holds them to it.

mod common;

use alloy_primitives::{Address, B256};
use common::{BENEFICIARY, ESCROW, GUARDIAN, id, rate};
use levee_model::{
    Asset, Bps, Goal, Lido, Moment, Payment, PerAsset, PositionId, Pot, Refusal, Rescue, Status, Terms, Tier,
    Timestamp, Units, Wei, prorata,
};
use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

const PLEDGERS: u8 = 5;
const TIERS: u8 = 3;

#[derive(Debug, Clone)]
enum Call {
    Pledge(PositionId, Units),
    Settle,
    Release(Asset),
    Refund(PositionId),
    Exit(PositionId),
    Decline(PositionId),
    Amend(u8, u16),
    Cancel,
    Object(PositionId),
    Lapse,
    Expire,
}

/// A call, the seconds since the one before, and the condition of stETH.
type Step = (Call, u32, Lido);

fn pledger(number: u8) -> Address {
    Address::repeat_byte(number + 1)
}

fn ids() -> impl Strategy<Value = PositionId> {
    (0..PLEDGERS, 0..TIERS, select(Asset::ALL.to_vec()))
        .prop_map(|(who, tier, asset)| id(pledger(who), tier, asset))
}

/// Dust, or a part of a target of 10^9 wei, or far more than it.
fn amounts() -> impl Strategy<Value = Units> {
    prop_oneof![0..10u128, 1..400_000_000u128, 1..5_000_000_000u128].prop_map(Units::new)
}

fn lidos() -> impl Strategy<Value = Lido> {
    let rates =
        (500_000_000_000_000_000_000_000_000..2_000_000_000_000_000_000_000_000_000u128).prop_map(rate);
    (rates, 0..10u8).prop_map(|(rate, condition)| match condition {
        0 => Lido::Broken,
        1 => Lido::Paused(rate),
        _ => Lido::Working(rate),
    })
}

fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        12 => (ids(), amounts()).prop_map(|(id, amount)| Call::Pledge(id, amount)),
        3 => Just(Call::Settle),
        6 => select(Asset::ALL.to_vec()).prop_map(Call::Release),
        6 => ids().prop_map(Call::Refund),
        2 => ids().prop_map(Call::Exit),
        1 => ids().prop_map(Call::Decline),
        1 => (any::<u8>(), any::<u16>()).prop_map(|(target, deadline)| Call::Amend(target, deadline)),
        1 => prop_oneof![9 => Just(Call::Lapse), 1 => Just(Call::Cancel)],
        2 => ids().prop_map(Call::Object),
        1 => Just(Call::Lapse),
        1 => Just(Call::Expire),
    ]
}

fn walks() -> impl Strategy<Value = Vec<Step>> {
    let seconds = prop_oneof![8 => 0..5u32, 2 => 0..300u32, 1 => 0..2_000u32];
    prop::collection::vec((calls(), seconds, lidos()), 1..60)
}

fn all_terms() -> impl Strategy<Value = Terms> {
    let thresholds = (select(vec![1u16, 2_500, 5_000, 10_000]), select(vec![2_500u16, 7_500, 10_000]));
    let orders = prop::array::uniform3(0..3u8);
    let schedule = (0..50u32, 1..6u8, 0..50u32, select(vec![0u16, 1, 3_300, 10_000]));
    (thresholds, orders, schedule).prop_map(
        |((one, two), orders, (objection_period, tranches, interval, veto))| {
            let thresholds = [one.min(two), one.max(two), 10_000];
            let tier = |(threshold, draw_order)| Tier {
                threshold: Bps::new(threshold),
                draw_order,
                rate: Bps::ZERO,
            };
            Terms {
                target: Wei::new(1_000_000_000),
                tiers: thresholds.into_iter().zip(orders).map(tier).collect(),
                objection_period,
                tranches,
                tranche_interval: interval,
                veto: Bps::new(veto),
                ..common::terms()
            }
        },
    )
}

/// A rescue, and what an onlooker who counts every payment knows of it.
struct Onlooker {
    rescue: Rescue,
    now: Timestamp,
    held: PerAsset<u128>,
}

impl Onlooker {
    fn new(terms: Terms) -> Self {
        let rescue = Rescue::open(ESCROW, terms, 0).expect("the terms are allowed");
        Self { rescue, now: 0, held: PerAsset::default() }
    }

    fn at(&self, lido: Lido) -> Moment {
        Moment { time: self.now, lido }
    }

    /// Makes one call and checks what every call must leave true.
    fn play(&mut self, (call, seconds, lido): &Step) -> Result<(), TestCaseError> {
        self.now += u64::from(*seconds);
        let at = self.at(*lido);
        let before = self.rescue.clone();
        match self.call(at, call) {
            Ok(payment) => self.check_accepted(&before, call, payment)?,
            Err(_) => {
                prop_assert_eq!(format!("{before:?}"), format!("{:?}", self.rescue), "refused and changed")
            }
        }
        self.check_solvency(at)
    }

    fn call(&mut self, at: Moment, call: &Call) -> Result<Option<Payment>, Refusal> {
        let rescue = &mut self.rescue;
        match *call {
            Call::Pledge(id, amount) => {
                rescue.pledge(at, id, amount)?;
                self.held[id.asset] += amount.get();
                Ok(None)
            }
            Call::Settle => rescue.settle(at).map(|_| None),
            Call::Release(asset) => rescue.release(at, asset).map(Some),
            Call::Refund(id) => rescue.refund(at, id).map(Some),
            Call::Exit(id) => rescue.exit(at, id, id.pledger).map(Some),
            Call::Decline(id) => rescue.decline(at, GUARDIAN, id).map(Some),
            Call::Amend(target, later) => {
                let target = Wei::new(1_000_000_000 + u128::from(target) * 10_000_000);
                let deadline = at.time + u64::from(later % 1_000);
                rescue.amend(at, GUARDIAN, Goal { target, deadline, terms_hash: B256::ZERO }).map(|_| None)
            }
            Call::Cancel => rescue.cancel(at, GUARDIAN).map(|()| None),
            Call::Object(id) => rescue.object(at, id).map(|()| None),
            Call::Lapse => rescue.lapse(at).map(|()| None),
            Call::Expire => rescue.expire(at).map(|()| None),
        }
    }

    /// 2 and 7: value leaves only by the calls that may pay, and the status moves only along the arrows.
    fn check_accepted(
        &mut self,
        before: &Rescue,
        call: &Call,
        paid: Option<Payment>,
    ) -> Result<(), TestCaseError> {
        if let Some(Payment { to, asset, amount }) = paid {
            let expected = match *call {
                Call::Release(_) => BENEFICIARY,
                Call::Refund(id) | Call::Exit(id) | Call::Decline(id) => id.pledger,
                _ => return Err(TestCaseError::fail(format!("{call:?} paid"))),
            };
            prop_assert_eq!(to, expected);
            prop_assert!(amount.get() <= self.held[asset], "1: {} paid of {}", amount, self.held[asset]);
            self.held[asset] -= amount.get();
        }
        let (from, to) = (before.stored_status(), self.rescue.stored_status());
        let settled_on_the_way = Status::Settled.can_transition_to(to) && from == Status::Open;
        prop_assert!(from == to || from.can_transition_to(to) || settled_on_the_way, "7: {from} to {to}");
        if before.final_at().is_some() {
            prop_assert_eq!(before.final_at(), self.rescue.final_at());
        }
        if from == Status::Open && self.rescue.settlement(self.at(Lido::Broken)).is_some() {
            self.check_draw()?;
        }
        Ok(())
    }

    /// 1: what is held covers what is owed to the beneficiary and to all pledgers, at every moment.
    fn check_solvency(&self, at: Moment) -> Result<(), TestCaseError> {
        for asset in Asset::ALL {
            let mut owed = 0;
            for (id, position) in self.rescue.positions().filter(|(id, _)| id.asset == asset) {
                owed += match self.rescue.status(at) {
                    Status::Open => position.amount.get(),
                    _ => self.rescue.refundable(at, id).get(),
                };
            }
            owed += self.undelivered(at, asset);
            prop_assert!(owed <= self.held[asset], "1: {owed} {asset} owed, {} held", self.held[asset]);
        }
        Ok(())
    }

    /// What the beneficiary may still get of an asset.
    fn undelivered(&self, at: Moment, asset: Asset) -> u128 {
        let tranches = self.rescue.terms().tranches;
        let kept = self.rescue.kept(at)[asset];
        let delivered = self.rescue.delivered()[asset];
        let of_pot = |tier| {
            let drawn = self.rescue.pot(at, tier, asset).drawn;
            let of = |count| prorata::tranches_down(drawn, count, tranches).get();
            of(kept) - of(delivered)
        };
        (0..TIERS).map(of_pot).sum()
    }

    /// 3, 5 and 13: the draw stays within the target, keeps each tier's condition, and the order.
    fn check_draw(&self) -> Result<(), TestCaseError> {
        let at = self.at(Lido::Broken);
        let settlement = self.rescue.settlement(at).expect("it has settled");
        let target = self.rescue.goal(self.now).target;
        prop_assert!(settlement.drawn_value <= target, "3");
        let drawn: Wei = (0..TIERS).map(|order| self.value_of_order(at, order, |pot| pot.drawn)).sum();
        prop_assert!(drawn <= settlement.drawn_value, "3: {drawn} of {}", settlement.drawn_value);
        let required = prorata::required_up(target, settlement.threshold);
        prop_assert!(self.value_of(at, 0..settlement.active_tiers, |pot| pot.total) >= required, "5");
        for tier in (0..TIERS).filter(|&tier| self.is_drawn(at, tier)) {
            let Tier { threshold, draw_order, .. } = self.rescue.terms().tiers[usize::from(tier)];
            prop_assert!(threshold <= settlement.threshold, "5");
            for order in 0..draw_order {
                let left = self.value_of_order(at, order, |pot| pot.total - pot.drawn);
                prop_assert!(left.is_zero(), "13: {left} left of order {order}");
            }
        }
        Ok(())
    }

    fn is_drawn(&self, at: Moment, tier: u8) -> bool {
        Asset::ALL.into_iter().any(|asset| !self.rescue.pot(at, tier, asset).drawn.is_zero())
    }

    /// Value of a part of the active pots of one draw order.
    fn value_of_order(&self, at: Moment, order: u8, part: impl Fn(Pot) -> Units) -> Wei {
        let active = self.rescue.settlement(at).expect("it has settled").active_tiers;
        let tiers = &self.rescue.terms().tiers;
        self.value_of(at, (0..active).filter(|&tier| tiers[usize::from(tier)].draw_order == order), part)
    }

    fn value_of(&self, at: Moment, tiers: impl Iterator<Item = u8>, part: impl Fn(Pot) -> Units) -> Wei {
        let rate = self.rescue.settlement(at).and_then(|settlement| settlement.rate);
        let (mut ether, mut shares) = (Wei::ZERO, Units::ZERO);
        for tier in tiers {
            let of = |asset| part(self.rescue.pot(at, tier, asset));
            ether += Wei::new(of(Asset::Eth).get());
            shares += of(Asset::StEth) + of(Asset::WstEth);
        }
        let shares =
            if shares.is_zero() { Some(Wei::ZERO) } else { prorata::value_down(shares, Asset::StEth, rate) };
        ether + shares.expect("shares have a rate")
    }

    /// Lets time alone end the rescue, collects everything, and returns the status it ended in.
    fn finish(&mut self) -> Result<Status, TestCaseError> {
        self.now += 10_000;
        let at = self.at(Lido::Working(rate(common::RATE)));
        if self.rescue.stored_status() == Status::Open {
            prop_assert!(self.rescue.settle(at).is_ok(), "6: past the deadline it settles");
        }
        let calls = Asset::ALL.map(Call::Release).into_iter();
        let refunds: Vec<_> = self.rescue.positions().map(|(id, _)| Call::Refund(id)).collect();
        for call in calls.chain(refunds) {
            let lido = at.lido;
            self.play(&(call, 10_000, lido))?;
        }
        self.check_dust()?;
        Ok(self.rescue.stored_status())
    }

    /// 6: what is left of an asset after all claims is less than a unit for each position.
    fn check_dust(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.rescue.stored_status() != Status::Open, "6");
        for asset in Asset::ALL {
            let positions = self.rescue.positions().filter(|(id, _)| id.asset == asset).count() as u128;
            let dust = self.held[asset];
            prop_assert!(dust == 0 || dust < positions, "6: {dust} {asset} left of {positions} positions");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config { cases: 2_000, failure_persistence: None, ..Config::default() })]

    /// 1, 2, 3, 5, 6, 7 and 13, after every call of a random walk and after its end.
    #[test]
    fn walks_keep_every_promise(terms in all_terms(), walk in walks()) {
        let mut onlooker = Onlooker::new(terms);
        for step in &walk {
            onlooker.play(step)?;
        }
        onlooker.finish()?;
    }

    /// 4: within one tier and asset, all are drawn at the pot's ratio, to within one unit.
    #[test]
    fn equal_pledges_are_treated_equally(terms in all_terms(), pledges in pledges(), lido in lidos()) {
        let Some(onlooker) = settled(&terms, &pledges, lido) else { return Ok(()) };
        let at = onlooker.at(lido);
        for (id, position) in onlooker.rescue.positions() {
            let pot = onlooker.rescue.pot(at, id.tier, id.asset);
            let drawn = onlooker.rescue.statement(at, id).drawn.get();
            // drawn - 1 < amount * pot.drawn / pot.total <= drawn, without a division.
            let (exact, whole) = (position.amount.get() * pot.drawn.get(), pot.total.get());
            prop_assert!(exact <= drawn * whole && drawn * whole < exact + whole, "4: {drawn} of {position:?} in {pot:?}");
        }
    }

    /// 9: the same pledges in any order settle the same, and are refunded the same in any order.
    #[test]
    fn the_order_of_pledges_and_claims_does_not_matter(
        terms in all_terms(),
        (pledges, shuffled) in pledges().prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        lido in lidos(),
    ) {
        let (one, other) = (settled(&terms, &pledges, lido), settled(&terms, &shuffled, lido));
        prop_assert_eq!(one.is_some(), other.is_some());
        let (Some(mut one), Some(mut other)) = (one, other) else { return Ok(()) };
        let at = Moment { time: one.now, lido: Lido::Working(rate(common::RATE)) };
        prop_assert_eq!(one.rescue.settlement(at), other.rescue.settlement(at));
        let ids: Vec<_> = one.rescue.positions().map(|(id, _)| id).collect();
        let refunds: Vec<_> = ids.iter().map(|&id| one.rescue.refund(at, id)).collect();
        let mut backwards: Vec<_> = ids.iter().rev().map(|&id| other.rescue.refund(at, id)).collect();
        backwards.reverse();
        prop_assert_eq!(refunds, backwards);
    }

    /// 11: with every stETH call reverting, ETH and wstETH still go where they should.
    #[test]
    fn other_assets_move_while_steth_is_broken(terms in all_terms(), pledges in pledges(), lido in lidos()) {
        let Some(mut onlooker) = settled(&terms, &pledges, lido) else { return Ok(()) };
        onlooker.now += 1_000;
        let at = onlooker.at(Lido::Broken);
        for asset in [Asset::Eth, Asset::WstEth] {
            let due = onlooker.rescue.deliverable(at, asset);
            let release = onlooker.rescue.release(at, asset).map(|payment| payment.amount);
            prop_assert!(due.is_zero() || release == Ok(due), "11: {release:?} of {due}");
        }
        let ids: Vec<_> = onlooker.rescue.positions().map(|(id, _)| id).collect();
        for id in ids.into_iter().filter(|id| id.asset != Asset::StEth) {
            let owed = onlooker.rescue.refundable(at, id);
            let refund = onlooker.rescue.refund(at, id).map(|payment| payment.amount);
            prop_assert!(owed.is_zero() || refund == Ok(owed), "11: {refund:?} of {owed}");
        }
    }
}

fn pledges() -> impl Strategy<Value = Vec<(PositionId, Units)>> {
    prop::collection::vec((ids(), amounts()), 1..20)
}

/// The rescue after these pledges and the deadline, if it could settle and did not fail.
fn settled(terms: &Terms, pledges: &[(PositionId, Units)], lido: Lido) -> Option<Onlooker> {
    let mut onlooker = Onlooker::new(terms.clone());
    for &(id, amount) in pledges {
        // A pledge of nothing, or of stETH that does not move, is no pledge.
        let _ = onlooker.call(onlooker.at(lido), &Call::Pledge(id, amount));
    }
    onlooker.now = terms.deadline + 1;
    let status = onlooker.rescue.settle(onlooker.at(lido)).ok()?;
    (status == Status::Settled).then_some(onlooker)
}

/// The random walks are worth something only if they go everywhere.
#[test]
fn walks_reach_every_status() {
    let mut runner = TestRunner::deterministic();
    let mut ended = std::collections::HashMap::<_, u32>::new();
    for _ in 0..500 {
        let (terms, walk) = (all_terms(), walks()).new_tree(&mut runner).unwrap().current();
        let mut onlooker = Onlooker::new(terms);
        walk.iter().for_each(|step| onlooker.play(step).unwrap());
        *ended.entry(onlooker.finish().unwrap()).or_default() += 1;
    }
    for status in [Status::Released, Status::Failed, Status::Cancelled] {
        assert!(ended.get(&status).is_some_and(|&count| count > 25), "{status}: {ended:?}");
    }
}
