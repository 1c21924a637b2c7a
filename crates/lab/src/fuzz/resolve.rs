//! What does a throw mean here and now? The step that it makes of the state of the walk.
//!
//! The clock goes to an edge of time or beside it, a call prefers a position that it has a use for, and which calls are
//! likely depends on how far the rescue is: so every call is refused often, and accepted often enough to matter.

use alloy::primitives::U256;
use levee_model::{
    Asset, Lido, Moment, PositionId, Rescue, Status, Tier, Timestamp, Units, Wei, schedule,
    terms::MIN_TARGET,
    units::{RATE_UNIT, Rate},
};

use super::{scenes::PEOPLE, throws::Throw};
use crate::walk::{Op, Route, SIGNER, Via, address_of, model::Model};

/// The most that one step moves, so that no purse is ever empty.
const MOST: u128 = 7 * 10u128.pow(21);

/// The calls and changes of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pledge,
    Settle,
    Release,
    Refund,
    Exit,
    Decline,
    Amend,
    Cancel,
    Object,
    Lapse,
    Expire,
    Recover,
    Claim,
    Collect,
    Add,
    Enlist,
    Bonus,
    TakeBack,
    Rebase,
    Break,
}

/// How likely each is, of 256.
type Odds = [(u8, Kind); 20];

const OPEN: Odds = [
    (78, Kind::Pledge),
    (10, Kind::Settle),
    (2, Kind::Release),
    (4, Kind::Refund),
    (18, Kind::Exit),
    (12, Kind::Decline),
    (19, Kind::Amend),
    (1, Kind::Cancel),
    (3, Kind::Object),
    (2, Kind::Lapse),
    (2, Kind::Expire),
    (3, Kind::Recover),
    (3, Kind::Claim),
    (16, Kind::Collect),
    (16, Kind::Add),
    (26, Kind::Enlist),
    (10, Kind::Bonus),
    (6, Kind::TakeBack),
    (16, Kind::Rebase),
    (9, Kind::Break),
];

const LATE: Odds = [
    (16, Kind::Pledge),
    (38, Kind::Settle),
    (28, Kind::Release),
    (30, Kind::Refund),
    (8, Kind::Exit),
    (8, Kind::Decline),
    (6, Kind::Amend),
    (8, Kind::Cancel),
    (16, Kind::Object),
    (6, Kind::Lapse),
    (18, Kind::Expire),
    (4, Kind::Recover),
    (4, Kind::Claim),
    (12, Kind::Collect),
    (4, Kind::Add),
    (8, Kind::Enlist),
    (18, Kind::Bonus),
    (8, Kind::TakeBack),
    (9, Kind::Rebase),
    (7, Kind::Break),
];

const SETTLED: Odds = [
    (5, Kind::Pledge),
    (4, Kind::Settle),
    (66, Kind::Release),
    (50, Kind::Refund),
    (3, Kind::Exit),
    (3, Kind::Decline),
    (3, Kind::Amend),
    (10, Kind::Cancel),
    (36, Kind::Object),
    (10, Kind::Lapse),
    (3, Kind::Expire),
    (5, Kind::Recover),
    (5, Kind::Claim),
    (8, Kind::Collect),
    (3, Kind::Add),
    (5, Kind::Enlist),
    (18, Kind::Bonus),
    (6, Kind::TakeBack),
    (7, Kind::Rebase),
    (6, Kind::Break),
];

const OVER: Odds = [
    (4, Kind::Pledge),
    (3, Kind::Settle),
    (6, Kind::Release),
    (44, Kind::Refund),
    (3, Kind::Exit),
    (3, Kind::Decline),
    (3, Kind::Amend),
    (3, Kind::Cancel),
    (3, Kind::Object),
    (3, Kind::Lapse),
    (3, Kind::Expire),
    (42, Kind::Recover),
    (64, Kind::Claim),
    (8, Kind::Collect),
    (3, Kind::Add),
    (6, Kind::Enlist),
    (30, Kind::Bonus),
    (12, Kind::TakeBack),
    (7, Kind::Rebase),
    (6, Kind::Break),
];

/// The steps that a throw makes after `now`: one, or stETH breaking or working again first, so that a rescue may expire,
/// something be owed, or be collected.
pub(super) fn steps(model: &Model, now: Timestamp, throw: Throw) -> Vec<(Timestamp, Op)> {
    let scene = Here { model, rescue: model.rescue(), now: time(model, now, throw), throw };
    let kind = scene.kind_of_use();
    if kind == Kind::Expire && scene.is_aimed() && scene.rescue.stored_status() == Status::Open {
        return scene.expiry();
    }
    let now = scene.due_time(kind);
    let scene = Here { now, ..scene };
    let op = scene.op(kind);
    scene.lido_for(&op).map(|broken| (now, Op::Break { broken })).into_iter().chain([(now, op)]).collect()
}

/// The state that a throw is read in.
#[derive(Debug, Clone, Copy)]
struct Here<'a> {
    model: &'a Model,
    rescue: &'a Rescue,
    now: Timestamp,
    throw: Throw,
}

/// Where the clock goes: mostly nowhere, else a little, or a part of the way to an edge, or to the edge or beside it.
fn time(model: &Model, now: Timestamp, Throw { wait, when, .. }: Throw) -> Timestamp {
    let rescue = model.rescue();
    let edges = edges(rescue, now);
    let next = edges.first().copied().unwrap_or(now);
    let is_open = rescue.stored_status() == Status::Open;
    match wait {
        0..180 => now,
        180..220 => now + Timestamp::from(when % 4),
        // Interest takes years.
        220..240 if edges.is_empty() => now + 86_400 * 3 * Timestamp::from(when),
        220..240 => now + (next - now) * Timestamp::from(when) / 256,
        // An open rescue is to see some pledges first.
        240..253 if is_open => now,
        _ => beside(now, edges.get(usize::from(when / 3) % edges.len().max(1)).copied(), when),
    }
}

/// At an edge, or a second before or after, but never back.
fn beside(now: Timestamp, edge: Option<Timestamp>, when: u8) -> Timestamp {
    let edge = edge.unwrap_or(now);
    match when % 3 {
        0 => edge,
        1 => edge + 1,
        _ => edge.saturating_sub(1),
    }
    .max(now)
}

/// The edges of time that are still ahead, the nearest first.
fn edges(rescue: &Rescue, now: Timestamp) -> Vec<Timestamp> {
    let terms = rescue.terms();
    let release_window = Timestamp::from(terms.release_window);
    let mut edges = Vec::new();
    if rescue.stored_status() == Status::Open {
        let deadline = rescue.goal(now).deadline;
        let last_notice = deadline.saturating_sub(terms.exit_window.into());
        let amended = rescue.pending_amendment(now).map(|amendment| amendment.effective_at);
        edges.extend([deadline, last_notice, deadline + release_window, terms.deadline]);
        edges.extend(amended);
        // Sponsors leave in the first half of an exit window.
        edges.extend(amended.map(|effective_at| effective_at - Timestamp::from(terms.exit_window / 2)));
    } else if let Some(limit) = collectable_until(rescue, now) {
        edges.extend(next_tranche(rescue, now));
        edges.push(limit);
    }
    if rescue.stored_status() != Status::Open {
        edges.push(bonus_limit(rescue, now));
    }
    edges.retain(|&edge| edge >= now);
    edges.sort_unstable();
    edges
}

/// The last second at which the bonus of pledgers cannot be decided.
fn bonus_limit(rescue: &Rescue, now: Timestamp) -> Timestamp {
    rescue.goal(now).deadline + Timestamp::from(rescue.terms().exit_window)
}

/// When settlement was stored.
fn settled_at(rescue: &Rescue, model_time: Timestamp) -> Option<Timestamp> {
    let at = Moment { time: model_time, lido: Lido::Broken };
    let settlement = rescue.settlement(at).filter(|_| rescue.stored_status() != Status::Open)?;
    Some(settlement.settled_at)
}

fn next_tranche(rescue: &Rescue, now: Timestamp) -> Option<Timestamp> {
    let (terms, settled_at) = (rescue.terms(), settled_at(rescue, now)?);
    let due = schedule::due(terms, settled_at, now);
    let waits = Timestamp::from(due) * Timestamp::from(terms.tranche_interval);
    (due < terms.tranches).then(|| schedule::first_due(terms, settled_at) + waits)
}

/// The last second before a rescue that is not over can lapse.
fn collectable_until(rescue: &Rescue, now: Timestamp) -> Option<Timestamp> {
    let settled_at = settled_at(rescue, now).filter(|_| rescue.final_at().is_none())?;
    let since = rescue.cancelled_at().unwrap_or_else(|| schedule::last_due(rescue.terms(), settled_at));
    Some(since + Timestamp::from(rescue.terms().release_window))
}

impl Here<'_> {
    fn is_open(&self) -> bool {
        self.rescue.stored_status() == Status::Open
    }

    fn is_past_deadline(&self) -> bool {
        self.now > self.rescue.goal(self.now).deadline
    }

    /// A call that is meant to go through, and cannot, is instead one that leads there: something must be owed to be
    /// collected, and added and enlisted to be claimed.
    fn kind_of_use(&self) -> Kind {
        let kind = self.kind();
        let has_use = || !self.useful(kind).is_empty();
        let pool = self.model.bonus_pool();
        match kind {
            Kind::Collect if self.is_aimed() && !has_use() => Kind::Decline,
            Kind::Bonus if self.is_aimed() && self.is_taking_pledges() => {
                if pool.total().is_zero() {
                    Kind::Add
                } else {
                    Kind::Enlist
                }
            }
            Kind::Bonus if self.is_aimed() && !has_use() && pool.decision().is_some() => Kind::TakeBack,
            Kind::Bonus if self.is_aimed() && (!has_use() || pool.total().is_zero()) => Kind::Refund,
            _ => kind,
        }
    }

    fn is_taking_pledges(&self) -> bool {
        self.is_open() && !self.is_past_deadline()
    }

    /// Whether stETH is to break or to work again first: half of the exits and declines of stETH meet one that is broken, and
    /// half of what is then owed is collected once it works.
    fn lido_for(&self, op: &Op) -> Option<bool> {
        let wanted = match op {
            Op::Exit { asset: Asset::StEth, .. } | Op::Decline { asset: Asset::StEth, .. } => true,
            Op::Collect { asset: Asset::StEth, .. } => false,
            _ => return None,
        };
        let is_meant = self.is_aimed() && self.throw.size.is_multiple_of(2);
        (is_meant && wanted != self.model.is_broken()).then_some(wanted)
    }

    fn kind(&self) -> Kind {
        let is_open = self.is_open();
        let is_over = self.rescue.final_at().is_some() || self.rescue.stored_status() == Status::Failed;
        let odds = match () {
            () if is_open && self.is_past_deadline() => LATE,
            () if is_open => OPEN,
            () if is_over => OVER,
            () => SETTLED,
        };
        let mut left = u16::from(self.throw.call);
        for (weight, kind) in odds {
            match left.checked_sub(weight.into()) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        Kind::Pledge
    }

    /// Whether the call is meant to go through.
    const fn is_aimed(&self) -> bool {
        self.throw.aim < 176
    }

    /// A lapse and a release wait for their time now and then, and so does a claim of the bonus. Some pledge in the last
    /// second.
    fn due_time(&self, kind: Kind) -> Timestamp {
        let edge = match kind {
            Kind::Lapse if self.throw.aim < 100 => collectable_until(self.rescue, self.now),
            Kind::Release if self.throw.aim < 70 => next_tranche(self.rescue, self.now),
            Kind::Bonus | Kind::TakeBack if self.throw.aim < 160 && self.is_past_deadline() => {
                Some(bonus_limit(self.rescue, self.now))
            }
            Kind::Pledge if self.throw.aim == 0 && self.is_open() => {
                return self.rescue.goal(self.now).deadline.max(self.now);
            }
            _ => None,
        };
        edge.map_or(self.now, |edge| beside(self.now, Some(edge), self.throw.when))
    }

    /// An open rescue whose shares cannot be valued for too long.
    fn expiry(&self) -> Vec<(Timestamp, Op)> {
        let limit = self.rescue.goal(self.now).deadline + Timestamp::from(self.rescue.terms().release_window);
        let expiry = (beside(self.now, Some(limit), self.throw.when.saturating_sub(1)), Op::Expire);
        if self.model.is_broken() {
            return vec![expiry];
        }
        vec![(self.now, Op::Break { broken: true }), expiry]
    }

    fn op(&self, kind: Kind) -> Op {
        let (who, id) = self.position(kind);
        let PositionId { tier, asset, .. } = id;
        let other = || Some(self.other()).filter(|_| self.throw.other < 64);
        match kind {
            Kind::Pledge => self.pledge(who, id),
            Kind::Settle => Op::Settle,
            Kind::Release => Op::Release { asset },
            Kind::Refund => Op::Refund { who, tier, asset, to: other() },
            Kind::Exit => Op::Exit { who, tier, asset, to: other() },
            Kind::Decline => Op::Decline { who, tier, asset },
            Kind::Amend => self.amendment(),
            Kind::Cancel => Op::Cancel { by: Some(self.other()).filter(|_| !self.is_aimed()) },
            Kind::Object => Op::Object { who, tier, asset },
            Kind::Lapse => Op::Lapse,
            Kind::Expire => Op::Expire,
            Kind::Recover => Op::Recover { amount: self.recovery() },
            Kind::Claim => Op::Claim { who, tier, asset, to: other() },
            Kind::Collect => Op::Collect { who, asset, to: other() },
            Kind::Add => Op::Add { who: self.sponsor(), amount: self.recovery(), payer: other() },
            Kind::Enlist => Op::Enlist { who, tier, asset },
            Kind::Bonus => Op::Bonus { who, tier, asset, to: other() },
            Kind::TakeBack => Op::TakeBack { who: self.sponsor(), own: self.throw.kind < 128, to: other() },
            Kind::Break if self.model.is_broken() || self.throw.aim < 96 => {
                Op::Break { broken: !self.model.is_broken() }
            }
            Kind::Rebase | Kind::Break => Op::Rebase { rate: self.rebased() },
        }
    }

    /// A pledge, at times through the router, and at times one that names an amendment that its sender knows of.
    fn pledge(&self, who: String, id: PositionId) -> Op {
        let PositionId { tier, asset, .. } = id;
        let via = self.via(asset);
        let by_permit = via
            .is_some_and(|via| !matches!(via.route, Route::Plain | Route::Wrapped))
            .then(|| SIGNER.to_owned());
        let payer = by_permit.or_else(|| Some(self.other()).filter(|_| self.throw.other < 64));
        // The router has no more than was ever paid with.
        let amount = if via.is_some() { self.amount(id).min(Units::new(MOST)) } else { self.amount(id) };
        Op::Pledge { who, tier, asset, amount, payer, names: self.named(), via }
    }

    /// None, the latest one, one that there is not, or one that was there before.
    fn named(&self) -> Option<Timestamp> {
        let latest = self.rescue.latest_amendment();
        match self.throw.names {
            0..232 => None,
            232..240 => Some(latest),
            240..248 => Some(0),
            248..252 => Some(latest + 1),
            _ => Some(self.now),
        }
    }

    /// One pledge in three goes through the router, and half of these are enlisted there.
    fn via(&self, asset: Asset) -> Option<Via> {
        let route = match self.throw.route {
            0..80 if asset == Asset::Eth => {
                [Route::Plain, Route::Wrapped][usize::from(self.throw.route / 2 % 2)]
            }
            0..30 => Route::Plain,
            30..52 => Route::Permit,
            52..68 => Route::UsedPermit,
            68..80 => Route::FalsePermit,
            _ => return None,
        };
        Some(Via { route, enlist: self.throw.route.is_multiple_of(2) })
    }

    /// Whoever has added something, if the call is aimed, and else anybody.
    fn sponsor(&self) -> String {
        let Throw { who, .. } = self.throw;
        let has_added = |name: &&str| !self.model.bonus_pool().contribution_of(address_of(name)).is_zero();
        let sponsors: Vec<_> = PEOPLE.into_iter().filter(has_added).collect();
        let chosen = sponsors.get(usize::from(who) % sponsors.len().max(1)).filter(|_| self.is_aimed());
        (*chosen.unwrap_or(&PEOPLE[usize::from(who) % PEOPLE.len()])).to_owned()
    }

    /// Who pays or is paid instead.
    fn other(&self) -> String {
        PEOPLE[usize::from(self.throw.other) % PEOPLE.len()].to_owned()
    }

    /// A position that the call has a use for, if it is aimed and there is one.
    fn position(&self, kind: Kind) -> (String, PositionId) {
        let useful = self.useful(kind);
        let names = |id: &PositionId| PEOPLE.into_iter().find(|name| address_of(name) == id.pledger);
        let chosen = useful.get(usize::from(self.throw.who) % useful.len().max(1));
        match chosen.filter(|_| self.is_aimed()).and_then(|id| Some((names(id)?, *id))) {
            Some((name, id)) => (name.to_owned(), id),
            None => self.any_position(),
        }
    }

    /// The positions that the call has a use for; to collect, whatever has the pledger and the asset of what is owed.
    fn useful(&self, kind: Kind) -> Vec<PositionId> {
        if kind == Kind::Collect {
            let owed = self.rescue.all_owed();
            return owed.map(|(pledger, asset, _)| PositionId { pledger, tier: 0, asset }).collect();
        }
        self.rescue.positions().map(|(id, _)| id).filter(|&id| self.is_of_use(kind, id)).collect()
    }

    fn is_of_use(&self, kind: Kind, id: PositionId) -> bool {
        let at = self.model.moment(self.now);
        match kind {
            Kind::Exit | Kind::Decline => true,
            Kind::Enlist => {
                self.model.bonus_pool().enlistment(id).enlisted != self.rescue.position(id).amount
            }
            Kind::Bonus => self.may_claim_bonus(id),
            Kind::Refund => !self.rescue.refundable(at, id).is_zero(),
            Kind::Object => {
                let statement = self.rescue.statement(at, id);
                !statement.view.weight.is_zero() && !statement.view.objected
            }
            Kind::Claim => !self.model.pool().claimable(self.rescue, id).is_zero(),
            _ => false,
        }
    }

    /// What is enlisted of it earns something, as far as that is decided.
    fn may_claim_bonus(&self, id: PositionId) -> bool {
        let pool = self.model.bonus_pool();
        let is_enlisted = !pool.enlistment(id).unit_seconds.is_zero();
        let earns = pool.decision().is_none() || !pool.share_of(self.rescue, id).is_zero();
        is_enlisted && earns && !pool.has_claimed(id)
    }

    /// Any position there could be, and sometimes one in a tier that there is not.
    fn any_position(&self) -> (String, PositionId) {
        let Throw { who, tier, asset, .. } = self.throw;
        // The last of the people never pledges.
        let name = PEOPLE[usize::from(who) % (PEOPLE.len() - 1)];
        let count = self.rescue.terms().tier_count();
        let tier = if tier < 250 { tier % count } else { count };
        let asset = Asset::ALL[usize::from(asset) % Asset::ALL.len()];
        (name.to_owned(), PositionId { pledger: address_of(name), tier, asset })
    }

    /// Nothing, dust, a part of the target, what is just missing for the tier's threshold, anything, or too much.
    fn amount(&self, id: PositionId) -> Units {
        let size = u128::from(self.throw.size);
        let amount = match self.throw.kind % 16 {
            0 => size % 3,
            1 => 1 + size % 1_000,
            2..8 => self.part_of_target(),
            8..13 => (self.missing(id) + size % 3).saturating_sub(1),
            13..15 => size,
            _ if id.asset.is_shares() && size.is_multiple_of(4) => {
                return Units::new(Units::MAX_POT.get() + 1);
            }
            _ => self.part_of_target(),
        };
        Units::new(amount.min(MOST))
    }

    fn part_of_target(&self) -> u128 {
        self.rescue.goal(self.now).target.get() * u128::from(self.throw.size % 6_000) / 10_000
    }

    /// What of the asset would meet the threshold of the position's tier.
    fn missing(&self, id: PositionId) -> u128 {
        let Some(Tier { threshold, .. }) = self.rescue.terms().tier(id.tier) else { return 1 };
        // As if stETH worked, whether it does or not.
        let at = Moment { time: self.now, lido: Lido::Working(self.model.rate()) };
        let thresholds = self.rescue.view(at).thresholds();
        let own = thresholds.into_iter().find(|own| own.threshold == threshold);
        let missing = own.and_then(|own| own.required.checked_sub(own.coverage)).unwrap_or(Wei::ZERO).get();
        if id.asset.is_shares() { shares_up(missing, self.model.rate()) } else { missing }
    }

    /// A target out of bounds, at the edge of what is covered, or anywhere; a deadline too early, as early as can be, later,
    /// as late as can be, or too late.
    fn amendment(&self) -> Op {
        let Throw { kind, size, when, .. } = self.throw;
        let goal = self.rescue.goal(self.now);
        let coverage = self.rescue.view(self.model.moment(self.now)).coverage;
        let covered = coverage.unwrap_or(goal.target).get();
        let target = match kind % 8 {
            0 => MIN_TARGET.get() - 1,
            1 => covered,
            2 => covered + 1,
            _ => goal.target.get() * u128::from(1_000 + size % 15_000) / 10_000,
        };
        let exit_window = Timestamp::from(self.rescue.terms().exit_window);
        let effective_at = self.now + exit_window;
        let latest = self.rescue.terms().latest_deadline;
        let deadline = match size % 8 {
            0 => effective_at + Timestamp::from(when % 2),
            1 | 2 => goal.deadline.max(effective_at + 1),
            3 => latest + Timestamp::from(when % 2),
            4 => effective_at + 1 + exit_window * Timestamp::from(when) / 32,
            _ => (effective_at + 1 + exit_window * Timestamp::from(when) / 32).min(latest),
        };
        Op::Amend { target: Wei::new(target.min(MOST)), deadline }
    }

    /// Nothing, dust, just what some group is still owed, or a part of the target.
    fn recovery(&self) -> Wei {
        let size = u128::from(self.throw.size);
        let groups = self.model.pool().groups(self.now);
        let owed = groups.iter().map(|group| group.interest + group.principal).find(|owed| !owed.is_zero());
        let amount = match (self.throw.kind % 8, owed) {
            (0, _) => size % 3,
            (1, _) => 1 + size % 1_000,
            (2, Some(owed)) => (owed.get() + size % 3).saturating_sub(1),
            (3, Some(owed)) => owed.get() * u128::from(self.throw.tier) / 256,
            _ => self.part_of_target(),
        };
        Wei::new(amount.min(MOST))
    }

    /// A wei more or less, a slashing, or an ordinary rise.
    fn rebased(&self) -> Rate {
        let rate = self.model.rate().get();
        let size = u128::from(self.throw.size);
        let rate = match self.throw.kind % 8 {
            0 => rate - 1,
            1 => rate + 1,
            2 | 3 => rate / 10_000 * (10_000 - size % 5_000),
            _ => rate / 10_000 * (10_000 + size % 300),
        };
        Rate::new(rate.clamp(RATE_UNIT / 1_000, Rate::MAX.get())).expect("a rate in bounds")
    }
}

/// As many shares as are worth `wei`, rounded up.
fn shares_up(wei: u128, rate: Rate) -> u128 {
    let product = U256::from(wei) * U256::from(RATE_UNIT);
    product.div_ceil(U256::from(rate.get())).saturating_to()
}
