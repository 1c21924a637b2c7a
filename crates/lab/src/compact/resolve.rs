//! What does a throw mean here and now? The steps that it makes of the state of the walk.
//!
//! A call that is meant to go through looks for someone for whom it can, waits for its time, and becomes a call that leads
//! there if there is nobody. Any other takes whatever the dice say. So every call is refused often, and accepted often.

use levee_model::{
    Asset, Bps, Compact, Rate, Rescue, Status, Tier, Timestamp, Units, Wei,
    compact::{CallState, MIN_PERIOD, Window},
    prorata,
    units::{RATE_UNIT, Shares},
};

use super::{
    format::{Forgery, Op},
    model::Model,
    replay::Subject,
    scene::{COMPACT, NOBODY, OUTSIDER, PEOPLE},
    throws::Throw,
};
use crate::walk::{self, WSTETH, WalkTerms, address_of};

/// The most that one step moves, so that no purse is ever empty.
const MOST: u128 = 3 * 10u128.pow(21);
/// The most rescues of a walk: more only take time.
const RESCUES: usize = 6;

/// The calls, and changes of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Commit,
    TakeBack,
    Activate,
    Notice,
    Leave,
    Name,
    Admit,
    Propose,
    Approve,
    Withdraw,
    Fulfill,
    Premium,
    Claim,
    Rescue,
    Outside,
    Lido,
}

/// How likely each is, of 256.
const ODDS: [(u8, Kind); 16] = [
    (24, Kind::Commit),
    (12, Kind::TakeBack),
    (26, Kind::Activate),
    (20, Kind::Notice),
    (20, Kind::Leave),
    (10, Kind::Name),
    (10, Kind::Admit),
    (22, Kind::Propose),
    (30, Kind::Approve),
    (12, Kind::Withdraw),
    (26, Kind::Fulfill),
    (10, Kind::Premium),
    (12, Kind::Claim),
    (4, Kind::Rescue),
    (14, Kind::Outside),
    (4, Kind::Lido),
];

/// The steps that a throw makes after `now`: one, or those that lead to it too.
pub(super) fn steps(model: &Model, now: Timestamp, throw: Throw) -> Vec<(Timestamp, Op)> {
    let here = Here { model, now: time(model, now, throw), throw };
    let kind = here.kind();
    if here.is_aimed() {
        return here.aimed(kind);
    }
    vec![(here.now, here.any(kind))]
}

/// Where the clock goes: mostly nowhere or a second, else to an edge of time or beside it.
fn time(model: &Model, now: Timestamp, Throw { wait, when, .. }: Throw) -> Timestamp {
    let edges = edges(model, now);
    match wait {
        0..130 => now,
        130..226 => now + 1 + Timestamp::from(when % 3),
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
fn edges(model: &Model, now: Timestamp) -> Vec<Timestamp> {
    let view = model.compact().view(now);
    let windows = view.members.iter().flat_map(|(_, _, windows)| [windows.activation, windows.leaving]);
    let mut edges: Vec<_> = windows.flatten().flat_map(|Window { from, until }| [from, until]).collect();
    edges.extend(view.calls.iter().flat_map(|(_, state)| match *state {
        CallState::Voting { until } => vec![until],
        CallState::Passed { window } => vec![window.from, window.until],
        CallState::Over => Vec::new(),
    }));
    for models in model.rescues() {
        let goal = models.rescue.goal(now);
        edges.push(goal.deadline);
        edges.extend(models.rescue.pending_amendment(now).map(|amendment| amendment.effective_at));
    }
    edges.retain(|&edge| edge >= now);
    edges.sort_unstable();
    edges
}

/// The state that a throw is read in.
#[derive(Debug, Clone, Copy)]
struct Here<'a> {
    model: &'a Model,
    now: Timestamp,
    throw: Throw,
}

impl Here<'_> {
    fn compact(&self) -> &Compact {
        self.model.compact()
    }

    /// Whether the call is meant to go through.
    const fn is_aimed(&self) -> bool {
        self.throw.aim < 150
    }

    fn kind(&self) -> Kind {
        let mut left = u16::from(self.throw.kind);
        for (weight, kind) in ODDS {
            match left.checked_sub(weight.into()) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        Kind::Commit
    }

    // ---- meant to go through

    fn aimed(&self, kind: Kind) -> Vec<(Timestamp, Op)> {
        let step = match kind {
            Kind::Activate => self.activation(),
            Kind::TakeBack => self
                .someone(|who| !self.compact().member_view(who).pending.is_zero())
                .map(|who| (self.now, Op::TakeBack { who, to: self.recipient() })),
            Kind::Notice => self.someone(|who| !self.compact().standing(who).active.is_zero()).map(|who| {
                let active = self.compact().standing(address_of(&who)).active;
                (self.now, Op::Notice { who, amount: self.part_of(active) })
            }),
            Kind::Leave => self.leaving(),
            Kind::Admit => self
                .someone(|who| !self.compact().member_view(who).admitted)
                .map(|who| (self.now, Op::Admit { who, by: None })),
            Kind::Propose => self.proposal(),
            Kind::Approve => self.approval(),
            Kind::Withdraw => self.withdrawal(),
            Kind::Fulfill => self.fulfillment(),
            Kind::Premium => Some((self.now, Op::Premium { amount: self.amount() })),
            Kind::Claim => self
                .someone(|who| !self.compact().earned(who).is_zero())
                .map(|who| (self.now, Op::Claim { who })),
            Kind::Rescue => self.room_for_rescues().then(|| (self.now, self.rescue(true))),
            Kind::Outside => self.outside(),
            Kind::Commit => self
                .someone(|who| self.compact().member_view(who).admitted)
                .map(|who| (self.now, Op::Commit { who, amount: Units::new(1) + self.amount() })),
            Kind::Name | Kind::Lido => Some((self.now, self.any(kind))),
        };
        match (step, leads_to(kind)) {
            (Some(step), _) => vec![step],
            (None, Some(before)) => self.aimed(before),
            (None, None) => vec![(self.now, self.any(kind))],
        }
    }

    /// What seasons is activated in its time, at an edge of it or beside.
    fn activation(&self) -> Option<(Timestamp, Op)> {
        let who = self.someone(|who| {
            let window = self.compact().windows(who).activation;
            window.is_some_and(|window| self.now <= window.until)
        })?;
        let window = self.compact().windows(address_of(&who)).activation?;
        Some((self.within(window), Op::Activate { who }))
    }

    fn leaving(&self) -> Option<(Timestamp, Op)> {
        let who = self.someone(|who| {
            let window = self.compact().windows(who).leaving;
            window.is_some_and(|window| self.now <= window.until)
        })?;
        let window = self.compact().windows(address_of(&who)).leaving?;
        Some((self.within(window), Op::Leave { who, to: self.recipient() }))
    }

    /// For a rescue that takes pledges for long enough; if there is none, a new one.
    fn proposal(&self) -> Option<(Timestamp, Op)> {
        let after = |who| self.compact().standing_at(who, self.now - 1).weight();
        let who = self.someone(|who| !after(who).is_zero())?;
        let bps = Bps::new(1 + (self.throw.size % u64::from(self.compact().terms().max_call.get())) as u16);
        let terms = self.compact().terms();
        let required =
            self.now + Timestamp::from(terms.voting_period) + Timestamp::from(terms.fulfill_period);
        let is_open = |&index: &usize| {
            let rescue = &self.model.rescues()[index].rescue;
            rescue.stored_status() == Status::Open && rescue.goal(self.now).deadline >= required
        };
        let open: Vec<_> = (0..self.model.rescues().len()).filter(is_open).collect();
        let by = self.approver(&who);
        match open.get(usize::from(self.throw.which) % open.len().max(1)) {
            Some(&index) => {
                let tiers = self.model.rescues()[index].rescue.terms().tier_count();
                let tier = self.throw.twist % tiers;
                let propose =
                    Op::Propose { who, by, bps, room: None, rescue: Some(index), tier, forged: None };
                Some((self.now, propose))
            }
            None if self.room_for_rescues() => Some((self.now, self.rescue(true))),
            None => Some((self.now, self.any(Kind::Propose))),
        }
    }

    fn approval(&self) -> Option<(Timestamp, Op)> {
        let is_voting = |state: CallState| matches!(state, CallState::Voting { .. });
        let call = self.some_call(is_voting)?;
        let proposed_at = self.compact().call_view(call)?.proposed_at;
        let may = |who| {
            let weight = self.compact().standing_at(who, proposed_at - 1).weight();
            !weight.is_zero() && !self.compact().vote_of(call, who).0
        };
        let who = self.someone(may)?;
        let by = self.approver(&who);
        Some((self.now, Op::Approve { who, by, call }))
    }

    fn withdrawal(&self) -> Option<(Timestamp, Op)> {
        let call = self.some_call(|state| matches!(state, CallState::Voting { .. }))?;
        let who = self.someone(|who| self.compact().vote_of(call, who).0)?;
        Some((self.now, Op::Withdraw { who, call }))
    }

    fn fulfillment(&self) -> Option<(Timestamp, Op)> {
        let can_give = |state: CallState| match state {
            CallState::Passed { window } => window.from <= window.until,
            _ => false,
        };
        let call = self.some_call(can_give)?;
        let has_share = |who| self.compact().share(call, who).is_some_and(|share| !share.is_zero());
        let who = self.someone(has_share)?;
        let others = self.others();
        let CallState::Passed { window } = self.states().nth(usize::try_from(call).ok()?)? else {
            return None;
        };
        Some((self.within(window), Op::Fulfill { who, others, call }))
    }

    /// Somebody pledges, or time goes on for a rescue: what may happen between passing and fulfilling.
    fn outside(&self) -> Option<(Timestamp, Op)> {
        let count = self.model.rescues().len();
        let rescue = usize::from(self.throw.which).checked_rem(count)?;
        let models = &self.model.rescues()[rescue];
        let call = self.of_rescue(&models.rescue);
        Some((self.now, Op::Outside { rescue, call }))
    }

    fn of_rescue(&self, rescue: &Rescue) -> walk::Op {
        use walk::Op as O;
        let (asset, tier) = (Asset::WstEth, self.throw.twist % rescue.terms().tier_count());
        let who = self.anybody();
        let goal = rescue.goal(self.now);
        match self.throw.other % 10 {
            0..3 => {
                let asset = if self.throw.other % 2 == 0 { Asset::Eth } else { asset };
                let amount = Units::new(goal.target.get() * u128::from(self.throw.size % 110) / 100);
                let (payer, amount) = (Some(OUTSIDER.to_owned()), amount.min(Units::new(MOST)));
                O::Pledge { who, tier, asset, amount, payer, names: None, via: None }
            }
            3 => O::Settle,
            4 => O::Refund { who, tier, asset, to: None },
            5 => O::Decline { who, tier, asset },
            6 | 7 => {
                let exit_window = Timestamp::from(rescue.terms().exit_window);
                let deadline = goal.deadline.max(self.now + exit_window + 1) + self.throw.size % 1_000;
                let target = goal.target.get() * u128::from(50 + self.throw.size % 100) / 100;
                O::Amend { target: Wei::new(target), deadline: deadline.min(rescue.terms().latest_deadline) }
            }
            8 => O::Exit { who, tier, asset, to: None },
            _ if self.throw.size.is_multiple_of(4) => O::Cancel { by: None },
            _ => O::Release { asset },
        }
    }

    // ---- anything

    fn any(&self, kind: Kind) -> Op {
        let (who, call) = (self.anybody(), self.any_call());
        let by = (self.throw.twist < 128).then(|| self.other());
        match kind {
            Kind::Commit => Op::Commit { who, amount: self.any_amount() },
            Kind::TakeBack => Op::TakeBack { who, to: self.any_recipient() },
            Kind::Activate => Op::Activate { who },
            Kind::Notice => Op::Notice { who, amount: self.any_amount() },
            Kind::Leave => Op::Leave { who, to: self.any_recipient() },
            Kind::Name => Op::Name { who, approver: by },
            Kind::Admit => Op::Admit { who, by },
            Kind::Propose => self.any_proposal(who, by),
            Kind::Approve => Op::Approve { who, by, call },
            Kind::Withdraw => Op::Withdraw { who, call },
            Kind::Fulfill => Op::Fulfill { who, others: self.others(), call },
            Kind::Premium => Op::Premium { amount: self.any_amount() },
            Kind::Claim => Op::Claim { who },
            Kind::Rescue if self.room_for_rescues() => self.rescue(false),
            Kind::Outside | Kind::Rescue => match self.outside() {
                Some((_, op)) => op,
                None => self.rescue(false),
            },
            Kind::Lido => Op::Outside { rescue: 0, call: self.lido() },
        }
    }

    /// Of a rescue that may be outside the policy, or is not there at all.
    fn any_proposal(&self, who: String, by: Option<String>) -> Op {
        let Throw { twist, size, which, .. } = self.throw;
        let most = self.compact().terms().max_call.get();
        let bps =
            Bps::new([0, 1, most, most.saturating_add(1), (size % 10_001) as u16][usize::from(which % 5)]);
        let forged = match twist % 16 {
            0 => Some(Forgery::Code),
            1 => Some(Forgery::Terms),
            _ => None,
        };
        let all = self.compact().all().at(self.now.saturating_sub(1));
        let asked = prorata::shares_value_down(Shares::new(all.called_down(bps).get()), self.model.rate());
        // Just enough, a wei too little, or anything.
        let room = asked.get().saturating_sub(u128::from(size % 2)).max(10u128.pow(9));
        let is_new = twist.is_multiple_of(4) && self.room_for_rescues();
        let rescue = usize::from(which).checked_rem(self.model.rescues().len());
        let room = (is_new || rescue.is_none()).then(|| Wei::new(room));
        let rescue = rescue.filter(|_| room.is_none());
        Op::Propose { who, by, bps, room, rescue, tier: twist / 16 % 4, forged }
    }

    /// Of every shape; aimed, within the compact's policy, and such that a call just fits, or fits by far.
    fn rescue(&self, is_aimed: bool) -> Op {
        let Throw { size, twist, other, .. } = self.throw;
        let terms = self.compact().terms();
        let days = |most: u32| MIN_PERIOD * (1 + (size / 7 % u64::from(most)) as u32);
        let calls = Timestamp::from(terms.voting_period) + Timestamp::from(terms.fulfill_period);
        let deadline = if is_aimed {
            self.now + calls + Timestamp::from(days(9))
        } else {
            self.now + calls + size % 3 - 1
        };
        let asked = prorata::shares_value_down(
            Shares::new(self.compact().all().now().active.get()),
            self.model.rate(),
        );
        let target = asked.get() * u128::from(1 + size % 40) / 10;
        let threshold = terms.min_threshold.max(Bps::new(5_000));
        let lowest = if is_aimed { threshold } else { Bps::new(1 + twist as u16 * 39) };
        let rate = if is_aimed { terms.min_rate } else { Bps::new(size as u16 % 500) };
        let tier = |threshold, draw_order| Tier { threshold, draw_order, rate };
        let veto = if is_aimed { terms.max_veto.get().min(3_300) } else { (size % 10_000) as u16 };
        Op::Rescue {
            terms: WalkTerms {
                target: Wei::new(target.clamp(10u128.pow(12), 10u128.pow(27))),
                deadline,
                latest_deadline: deadline + Timestamp::from(days(5)),
                tiers: vec![tier(lowest, 0), tier(Bps::ONE, other % 2)],
                objection_period: if is_aimed { MIN_PERIOD } else { MIN_PERIOD - 1 + u32::from(twist) },
                veto_bps: veto,
                tranches: 1 + other % 4,
                tranche_interval: MIN_PERIOD,
                release_window: MIN_PERIOD,
                exit_window: if is_aimed { MIN_PERIOD } else { MIN_PERIOD - 1 + u32::from(other) },
                guardian: if is_aimed { !terms.guardian.is_zero() } else { twist.is_multiple_of(2) },
                eth_only: !is_aimed && twist % 8 == 7,
            },
        }
    }

    /// A stETH that breaks or works again, or another rate.
    fn lido(&self) -> walk::Op {
        let size = u128::from(self.throw.size);
        if self.model.is_broken() || self.throw.twist % 4 == 0 {
            return walk::Op::Break { broken: !self.model.is_broken() };
        }
        let rate = self.model.rate().get() / 1_000 * (900 + size % 201) + size % 3;
        let rate = rate.clamp(RATE_UNIT / 2, RATE_UNIT * 4);
        walk::Op::Rebase { rate: Rate::new(rate).unwrap_or(Rate::PAR) }
    }

    // ---- small things

    fn room_for_rescues(&self) -> bool {
        self.model.rescues().len() < RESCUES
    }

    /// Someone for whom it holds, by the dice.
    fn someone(&self, holds: impl Fn(alloy::primitives::Address) -> bool) -> Option<String> {
        let known: Vec<_> = PEOPLE.into_iter().filter(|name| holds(address_of(name))).collect();
        let chosen = known.get(usize::from(self.throw.who) % known.len().max(1))?;
        Some((*chosen).to_owned())
    }

    fn anybody(&self) -> String {
        PEOPLE[usize::from(self.throw.who) % PEOPLE.len()].to_owned()
    }

    fn other(&self) -> String {
        PEOPLE[usize::from(self.throw.other) % PEOPLE.len()].to_owned()
    }

    /// Who else is on a list, in whatever order, and maybe twice.
    fn others(&self) -> Vec<String> {
        let count = usize::from(self.throw.twist % 8);
        (0..count)
            .map(|index| PEOPLE[(usize::from(self.throw.other) + index) % PEOPLE.len()].to_owned())
            .collect()
    }

    fn recipient(&self) -> Option<String> {
        (self.throw.twist < 64).then(|| self.other())
    }

    /// Somebody else, or one that may receive nothing.
    fn any_recipient(&self) -> Option<String> {
        match self.throw.twist % 8 {
            0..4 => None,
            4..6 => Some(self.other()),
            _ => Some([NOBODY, COMPACT, WSTETH][usize::from(self.throw.other) % 3].to_owned()),
        }
    }

    /// The approver of a member, if it has one, half of the time.
    fn approver(&self, who: &str) -> Option<String> {
        let approver = self.compact().member_view(address_of(who)).approver;
        let name = PEOPLE.into_iter().find(|name| address_of(name) == approver)?;
        self.throw.twist.is_multiple_of(2).then(|| name.to_owned())
    }

    fn states(&self) -> impl Iterator<Item = CallState> {
        self.compact().view(self.now).calls.into_iter().map(|(_, state)| state)
    }

    /// A call in such a state, the latest the most often.
    fn some_call(&self, is_such: impl Fn(CallState) -> bool) -> Option<u64> {
        let calls: Vec<_> = (0..).zip(self.states()).filter(|&(_, state)| is_such(state)).collect();
        let back = usize::from(self.throw.which / 128) % calls.len().max(1);
        calls.get(calls.len().checked_sub(1 + back)?).map(|&(call, _)| call)
    }

    /// Any call, and sometimes one that there is not.
    fn any_call(&self) -> u64 {
        u64::from(self.throw.which) % (self.compact().call_count() + 1)
    }

    /// Now if that is within the window, else at an edge of it or beside.
    fn within(&self, Window { from, until }: Window) -> Timestamp {
        if (from..=until).contains(&self.now) && !self.throw.when.is_multiple_of(8) {
            return self.now;
        }
        let edge = if self.throw.when < 200 { from } else { until };
        // Mostly not before.
        beside(
            self.now,
            Some(edge),
            if self.throw.twist < 220 { self.throw.when % 2 * u8::from(edge == from) } else { 2 },
        )
    }

    fn amount(&self) -> Units {
        let Throw { size, twist, .. } = self.throw;
        let size = u128::from(size);
        Units::new(
            match twist % 8 {
                0 => 1 + size % 3,
                1 => 1 + size % 10_000,
                _ => size * 150,
            }
            .min(MOST),
        )
    }

    /// Nothing, too much for the books, or an amount.
    fn any_amount(&self) -> Units {
        match self.throw.size % 8 {
            0 => Units::ZERO,
            1 => Compact::MAX_UNITS + Units::new(1 + u128::from(self.throw.twist % 2)),
            _ => self.amount(),
        }
    }

    /// Nothing of it, a unit, a part, or all.
    fn part_of(&self, amount: Units) -> Units {
        let Throw { size, twist, .. } = self.throw;
        match twist % 6 {
            0 => Units::ZERO,
            1 => amount.min(Units::new(1)),
            2 => amount,
            _ => Units::new(amount.get() / 256 * u128::from(size % 257)),
        }
    }
}

/// The call that must come before, if nobody can make this one.
const fn leads_to(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::TakeBack | Kind::Activate => Some(Kind::Commit),
        Kind::Notice | Kind::Propose | Kind::Premium => Some(Kind::Activate),
        Kind::Leave => Some(Kind::Notice),
        Kind::Approve => Some(Kind::Propose),
        Kind::Withdraw | Kind::Fulfill => Some(Kind::Approve),
        Kind::Claim => Some(Kind::Premium),
        Kind::Outside => Some(Kind::Rescue),
        Kind::Commit => Some(Kind::Admit),
        Kind::Admit | Kind::Name | Kind::Rescue | Kind::Lido => None,
    }
}
