//! What must always be true, on random terms, rates and sequences of calls. Numbers are those of the list of properties
//! in the rules.
//!
//! Given enough runs the walks meet every status, every call accepted and refused, rates below and above one, dust and
//! amounts near the target, and stETH paused and broken; `walks_reach_every_status` holds them to it.

mod common;

use alloy_primitives::{Address, B256};
use common::{BENEFICIARY, CREATED, ESCROW, GUARDIAN, id, rate};
use levee_model::{
    Amount, Asset, Bps, Departure, Duty, EndReason, Goal, Lido, Moment, Operation, Payment, PerAsset,
    PositionId, Pot, Refusal, Rescue, Shares, Status, Terms, Tier, Timestamp, Units, Wei, prorata,
};
use proptest::{
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use std::collections::{BTreeSet, HashMap};

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
    Collect(Address, Asset),
    Amend(u8, u16),
    Cancel,
    Object(PositionId),
    /// An exit or an objection with one of the positions that there are.
    ExitOfAny(Index),
    ObjectWithAny(Index),
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
        1 => ids().prop_map(|id| Call::Collect(id.pledger, id.asset)),
        1 => (any::<u8>(), any::<u16>()).prop_map(|(target, deadline)| Call::Amend(target, deadline)),
        1 => prop_oneof![3 => Just(Call::Lapse), 1 => Just(Call::Cancel)],
        1 => ids().prop_map(Call::Object),
        1 => any::<Index>().prop_map(Call::ExitOfAny),
        6 => any::<Index>().prop_map(Call::ObjectWithAny),
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
    let schedule = (1..50u32, 1..6u8, 1..50u32, select(vec![0u16, 1, 3_300, 9_999]));
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

/// A rescue, and what an onlooker knows of it who counts every payment, every objection and every exit window.
struct Onlooker {
    rescue: Rescue,
    now: Timestamp,
    held: PerAsset<u128>,
    objectors: BTreeSet<PositionId>,
    /// Value that has objected.
    objected: Wei,
    /// When the exit window opened last ends.
    window_ends: Timestamp,
    /// When the guardian stopped or freed something last.
    guardian_at: Option<Timestamp>,
}

impl Onlooker {
    fn new(terms: Terms) -> Self {
        let rescue = Rescue::open(ESCROW, terms, CREATED).expect("the terms are allowed");
        Self {
            rescue,
            now: 0,
            held: PerAsset::default(),
            objectors: BTreeSet::new(),
            objected: Wei::ZERO,
            window_ends: 0,
            guardian_at: None,
        }
    }

    fn at(&self, lido: Lido) -> Moment {
        Moment { time: self.now, lido }
    }

    /// Makes one call and checks what every call must leave true.
    fn play(&mut self, (call, seconds, lido): &Step) -> Result<(), TestCaseError> {
        self.now += u64::from(*seconds);
        let at = self.at(*lido);
        let call = &self.resolve(call);
        let before = self.rescue.clone();
        let legal = self.is_legal(at, call);
        let outcome = self.call(at, call);
        if let Some(legal) = legal {
            prop_assert_eq!(outcome.is_ok(), legal, "2, 15: {:?} at {:?}: {:?}", call, at, outcome);
        }
        match outcome {
            Ok(payment) => {
                self.check_accepted(&before, call, payment)?;
                self.check_guardian(call)?;
                self.check_veto(call)?;
            }
            Err(_) => {
                prop_assert_eq!(format!("{before:?}"), format!("{:?}", self.rescue), "refused and changed")
            }
        }
        self.check_solvency(at)
    }

    /// Chooses the position of a call that is made with any.
    fn resolve(&self, call: &Call) -> Call {
        let ids: Vec<_> = self.rescue.positions().map(|(id, _)| id).collect();
        let any =
            |index: Index| if ids.is_empty() { id(pledger(0), 0, Asset::Eth) } else { *index.get(&ids) };
        match *call {
            Call::ExitOfAny(index) => Call::Exit(any(index)),
            Call::ObjectWithAny(index) => Call::Object(any(index)),
            _ => call.clone(),
        }
    }

    /// 2 and 15: whether the rules allow an exit or an objection; none for other calls.
    fn is_legal(&self, at: Moment, call: &Call) -> Option<bool> {
        match *call {
            Call::Exit(id) => {
                let holds = !self.rescue.position(id).amount.is_zero();
                Some(self.rescue.stored_status() == Status::Open && at.time < self.window_ends && holds)
            }
            Call::Object(id) => {
                let stoppable = self.rescue.status(at) == Status::Settled && self.has_undue(at);
                let veto = self.rescue.terms().veto.get();
                Some(veto > 0 && stoppable && !self.objectors.contains(&id) && !self.weight(at, id).is_zero())
            }
            _ => None,
        }
    }

    /// Whether the last tranche is not yet due.
    fn has_undue(&self, at: Moment) -> bool {
        let Terms { objection_period, tranches, tranche_interval, .. } = *self.rescue.terms();
        let rest = u64::from(tranches - 1) * u64::from(tranche_interval);
        self.rescue
            .settlement(at)
            .is_some_and(|settlement| at.time < settlement.settled_at + u64::from(objection_period) + rest)
    }

    /// Draw and value of a draw order, by the rules from the pots.
    fn draw_of(&self, at: Moment, order: u8) -> (Wei, Wei) {
        let mut need = self.rescue.goal(at.time).target;
        for earlier in 0..order {
            need = need - self.value_of_order(at, earlier, |pot| pot.total).min(need);
        }
        let value = self.value_of_order(at, order, |pot| pot.total);
        (value.min(need), value)
    }

    /// Drawn value of a position: what it counts in an objection.
    fn weight(&self, at: Moment, id: PositionId) -> Wei {
        let settlement = self.rescue.settlement(at).expect("it has settled");
        let (draw, whole) = self.draw_of(at, self.rescue.terms().tiers[usize::from(id.tier)].draw_order);
        let value = prorata::value_down(self.rescue.position(id).amount.of(id.asset), settlement.rate);
        match value {
            Some(value) if settlement.is_active(id.tier) && !whole.is_zero() => {
                prorata::drawn_value_down(value, draw, whole)
            }
            _ => Wei::ZERO,
        }
    }

    /// 8: what the guardian stops is the same of each asset, and it changes nothing for a beneficiary of what is due.
    fn check_guardian(&mut self, call: &Call) -> Result<(), TestCaseError> {
        match call {
            Call::Amend(..) => self.window_ends = self.now + u64::from(self.rescue.terms().exit_window),
            Call::Cancel => self.guardian_at = Some(self.now),
            _ => return Ok(()),
        }
        let at = self.at(Lido::Broken);
        if self.rescue.end_reason(at) == Some(EndReason::StoppedByGuardian) {
            let kept = self.rescue.kept(at);
            let stopped = |asset| self.is_asset_drawn(at, asset) && kept[asset] != self.rescue.due(at);
            prop_assert!(!Asset::ALL.into_iter().any(stopped), "8: {kept:?}");
        }
        Ok(())
    }

    /// 15: objections cancel if and only if their weight has reached the veto's share of what was drawn.
    fn check_veto(&mut self, call: &Call) -> Result<(), TestCaseError> {
        let at = self.at(Lido::Broken);
        if self.rescue.settlement(at).is_none() {
            return Ok(());
        }
        if let Call::Object(id) = *call {
            self.objected += self.weight(at, id);
            self.objectors.insert(id);
        }
        let drawn: Wei = (0..TIERS).map(|order| self.draw_of(at, order).0).sum();
        let veto = self.rescue.terms().veto;
        let reached = veto.get() > 0 && self.objected >= prorata::required_up(drawn, veto);
        prop_assert_eq!(self.rescue.end_reason(at) == Some(EndReason::Vetoed), reached, "15");
        self.check_block(at)
    }

    /// 15: in the block that settles nobody takes back any of what was drawn, but by the guardian.
    fn check_block(&self, at: Moment) -> Result<(), TestCaseError> {
        let settlement = self.rescue.settlement(at).expect("it has settled");
        if settlement.settled_at != self.now || self.guardian_at == Some(self.now) {
            return Ok(());
        }
        for (id, position) in self.rescue.positions().filter(|(id, _)| settlement.is_active(id.tier)) {
            let pot = self.rescue.pot(at, id.tier, id.asset);
            let undrawn = prorata::entitled_down(position.amount, pot.total, pot.drawn);
            prop_assert!(position.refunded <= undrawn, "15: {} of {undrawn}", position.refunded);
        }
        Ok(())
    }

    fn call(&mut self, at: Moment, call: &Call) -> Result<Option<Payment>, Refusal> {
        let rescue = &mut self.rescue;
        match *call {
            Call::Pledge(id, amount) => {
                rescue.pledge(at, id, rescue.latest_amendment(), amount)?;
                self.held[id.asset] += amount.get();
                Ok(None)
            }
            Call::Collect(pledger, asset) => rescue.collect(at, pledger, asset).map(Some),
            Call::Settle => rescue.settle(at).map(|_| None),
            Call::Release(asset) => rescue.release(at, asset).map(Some),
            Call::Refund(id) => rescue.refund(at, id).map(Some),
            Call::Exit(id) => rescue.exit(at, id, id.pledger).map(Departure::payment),
            Call::Decline(id) => rescue.decline(at, GUARDIAN, id).map(Departure::payment),
            Call::Amend(target, later) => {
                let target = Wei::new(1_000_000_000 + u128::from(target) * 10_000_000);
                let deadline = at.time + u64::from(later % 1_000);
                rescue.amend(at, GUARDIAN, Goal { target, deadline, terms_hash: B256::ZERO }).map(|_| None)
            }
            Call::Cancel => rescue.cancel(at, GUARDIAN).map(|()| None),
            Call::Object(id) => rescue.object(at, id).map(|()| None),
            Call::ExitOfAny(_) | Call::ObjectWithAny(_) => unreachable!("{call:?} is resolved"),
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
                Call::Collect(pledger, _) => pledger,
                _ => return Err(TestCaseError::fail(format!("{call:?} paid"))),
            };
            prop_assert_eq!(to, expected);
            prop_assert!(amount.get() <= self.held[asset], "1: {} paid of {}", amount, self.held[asset]);
            self.held[asset] -= amount.get();
        }
        for (id, position) in before.positions() {
            let shrinks = matches!(*call, Call::Exit(left) | Call::Decline(left) if left == id);
            let left = if shrinks { Units::ZERO } else { position.amount };
            let now = self.rescue.position(id).amount;
            prop_assert!(
                if shrinks { now == left } else { now >= left },
                "2: {call:?} leaves {now} of {left}"
            );
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
                    _ => {
                        let statement = self.rescue.statement(at, id);
                        statement.view.refundable.get() + statement.held.get()
                    }
                };
            }
            owed += self.owed(asset);
            owed += self.undelivered(at, asset);
            prop_assert!(owed <= self.held[asset], "1: {owed} {asset} owed, {} held", self.held[asset]);
        }
        Ok(())
    }

    /// What exits and declines could not pay.
    fn owed(&self, asset: Asset) -> u128 {
        let owed = self.rescue.all_owed().filter(|&(_, of, _)| of == asset);
        owed.map(|(_, _, amount)| amount.get()).sum()
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

    fn is_asset_drawn(&self, at: Moment, asset: Asset) -> bool {
        (0..TIERS).any(|tier| !self.rescue.pot(at, tier, asset).drawn.is_zero())
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
        let (mut ether, mut shares) = (Wei::ZERO, Shares::ZERO);
        for (tier, asset) in tiers.flat_map(|tier| Asset::ALL.map(|asset| (tier, asset))) {
            let (of_ether, of_shares) = part(self.rescue.pot(at, tier, asset)).of(asset).wei_and_shares();
            ether += of_ether;
            shares += of_shares;
        }
        let shares =
            if shares.is_zero() { Some(Wei::ZERO) } else { prorata::value_down(Amount::StEth(shares), rate) };
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
        let owed: Vec<_> =
            self.rescue.all_owed().map(|(pledger, asset, _)| Call::Collect(pledger, asset)).collect();
        for call in calls.chain(refunds).chain(owed) {
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
            prop_assert_eq!(self.owed(asset), 0, "6: owed {}", asset);
            prop_assert!(dust == 0 || dust < positions, "6: {dust} {asset} left of {positions} positions");
        }
        Ok(())
    }
}

/// Every call that anyone may make, and that moves the rescue on or pays a pledger.
fn open_to_anyone() -> Vec<Operation> {
    let each = |pledger| Asset::ALL.map(|asset| Operation::Collect { pledger, asset });
    let positions = |pledger| {
        (0..TIERS).flat_map(move |tier| Asset::ALL.map(|asset| Operation::Refund(id(pledger, tier, asset))))
    };
    let pledgers = || (0..PLEDGERS).map(pledger);
    let once = [Operation::Settle, Operation::Expire, Operation::Lapse].into_iter();
    let releases = Asset::ALL.map(Operation::Release).into_iter();
    once.chain(releases).chain(pledgers().flat_map(each)).chain(pledgers().flat_map(positions)).collect()
}

fn accepts(rescue: &Rescue, at: Moment, operation: Operation) -> bool {
    let mut rescue = rescue.clone();
    match operation {
        Operation::Settle => rescue.settle(at).is_ok(),
        Operation::Expire => rescue.expire(at).is_ok(),
        Operation::Lapse => rescue.lapse(at).is_ok(),
        Operation::Release(asset) => rescue.release(at, asset).is_ok(),
        Operation::Refund(id) => rescue.refund(at, id).is_ok(),
        Operation::Collect { pledger, asset } => rescue.collect(at, pledger, asset).is_ok(),
        _ => unreachable!("{operation:?} is not open to anyone"),
    }
}

/// What is due is what is accepted, and not before its time.
fn check_duties(rescue: &Rescue, at: Moment) -> Result<(), TestCaseError> {
    let due: Vec<_> = rescue.duties(at).into_iter().chain(rescue.payouts(at)).collect();
    let accepted: Vec<_> =
        open_to_anyone().into_iter().filter(|&operation| accepts(rescue, at, operation)).collect();
    prop_assert_eq!(due.len(), accepted.len(), "{:?}: {:?}, accepted {:?}", at, due, accepted);
    for Duty { operation, since, .. } in due {
        prop_assert!(accepted.contains(&operation), "{operation:?} is refused at {at:?}");
        let Some(since) = since else { continue };
        prop_assert!(since <= at.time, "{operation:?} since {since}");
        let before = Moment { time: since - 1, ..at };
        // A rescue that is covered settles before its deadline too.
        let is_early = operation == Operation::Settle;
        prop_assert!(is_early || !accepts(rescue, before, operation), "{operation:?} before {since}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 150, failure_persistence: None, ..Config::default() })]

    /// After every call of a random walk, now and later.
    #[test]
    fn what_is_due_is_what_the_rules_accept(
        terms in all_terms(), walk in walks(), later in 1..1_500u32, lido in lidos(),
    ) {
        let mut onlooker = Onlooker::new(terms);
        for step in &walk {
            onlooker.play(step)?;
            check_duties(&onlooker.rescue, onlooker.at(step.2))?;
            let time = onlooker.now + u64::from(later);
            check_duties(&onlooker.rescue, Moment { time, lido })?;
        }
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

    /// 8: whoever leaves in the exit window is not bound by the amendment, and gets all back, whatever stETH does.
    #[test]
    fn no_amendment_binds_whoever_leaves(
        terms in all_terms(), pledges in pledges(), (lido, later) in (lidos(), lidos()), target in any::<u8>(),
    ) {
        let mut onlooker = pledged(&terms, &pledges, lido);
        onlooker.play(&(Call::Amend(target, 999), 1, lido))?;
        prop_assert_eq!(onlooker.rescue.latest_amendment(), 1 + u64::from(terms.exit_window));
        let leaving: Vec<_> = onlooker.rescue.positions().collect();
        for &(id, position) in &leaving {
            let (held, owed) = (onlooker.held[id.asset], onlooker.rescue.owed(id.pledger, id.asset));
            onlooker.play(&(Call::Exit(id), 0, later))?;
            let paid = held - onlooker.held[id.asset];
            let owes = onlooker.rescue.owed(id.pledger, id.asset) - owed;
            prop_assert_eq!(paid + owes.get(), position.amount.get(), "8");
        }
        onlooker.finish()?;
        prop_assert_eq!(Asset::ALL.map(|asset| onlooker.held[asset]), [0; 3], "8");
    }

    /// 15: whatever is borrowed for it, nobody settles a rescue and takes back any of what was drawn in one block.
    #[test]
    fn no_block_settles_and_takes_back(
        terms in all_terms(), pledges in pledges(), (lido, late) in (lidos(), any::<bool>()),
        (id, calls) in (ids(), prop::collection::vec(calls(), 0..20)),
    ) {
        let mut onlooker = pledged(&terms, &pledges, lido);
        let wait = if late { terms.deadline as u32 + 1 } else { 1 };
        let borrowed = Units::new(100_000_000_000);
        onlooker.play(&(Call::Pledge(PositionId { asset: Asset::Eth, ..id }, borrowed), wait * u32::from(!late), lido))?;
        onlooker.play(&(Call::Settle, wait * u32::from(late), lido))?;
        for call in calls.into_iter().filter(|call| !matches!(call, Call::Cancel)) {
            onlooker.play(&(call, 0, lido))?;
        }
        let ids: Vec<_> = onlooker.rescue.positions().map(|(id, _)| id).collect();
        for call in ids.iter().map(|&id| Call::Object(id)).chain(ids.iter().map(|&id| Call::Refund(id))) {
            onlooker.play(&(call, 0, lido))?;
        }
        onlooker.finish()?;
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

/// The rescue after these pledges.
fn pledged(terms: &Terms, pledges: &[(PositionId, Units)], lido: Lido) -> Onlooker {
    let mut onlooker = Onlooker::new(terms.clone());
    for &(id, amount) in pledges {
        // A pledge of nothing, or of stETH that does not move, is no pledge.
        let _ = onlooker.call(onlooker.at(lido), &Call::Pledge(id, amount));
    }
    onlooker
}

/// The rescue after these pledges and the deadline, if it could settle and did not fail.
fn settled(terms: &Terms, pledges: &[(PositionId, Units)], lido: Lido) -> Option<Onlooker> {
    let mut onlooker = pledged(terms, pledges, lido);
    onlooker.now = terms.deadline + 1;
    let status = onlooker.rescue.settle(onlooker.at(lido)).ok()?;
    (status == Status::Settled).then_some(onlooker)
}

/// The random walks are worth something only if they go everywhere, and end for every reason.
#[test]
fn walks_reach_every_status() {
    let mut runner = TestRunner::deterministic();
    let mut ended = HashMap::<_, u32>::new();
    let mut freed = 0;
    for _ in 0..1_000 {
        let (terms, walk) = (all_terms(), walks()).new_tree(&mut runner).unwrap().current();
        let mut onlooker = Onlooker::new(terms);
        walk.iter().for_each(|step| onlooker.play(step).unwrap());
        let status = onlooker.finish().unwrap();
        let reason = onlooker.rescue.end_reason(onlooker.at(Lido::Broken));
        freed += u32::from(reason == Some(EndReason::Vetoed) && !onlooker.rescue.returns_by_calendar());
        *ended.entry((status, reason)).or_default() += 1;
    }
    for end in ENDS {
        assert!(ended.get(&end).is_some_and(|&count| count > 3), "{end:?}: {ended:?}");
    }
    assert!(freed > 0, "the guardian never freed what a veto held");
}

/// Every way in which a rescue can end.
const ENDS: [(Status, Option<EndReason>); 7] = [
    (Status::Released, None),
    (Status::Failed, Some(EndReason::NoThresholdMet)),
    (Status::Failed, Some(EndReason::EndedByGuardian)),
    (Status::Failed, Some(EndReason::RateUnreadable)),
    (Status::Cancelled, Some(EndReason::StoppedByGuardian)),
    (Status::Cancelled, Some(EndReason::Vetoed)),
    (Status::Cancelled, Some(EndReason::Lapsed)),
];
