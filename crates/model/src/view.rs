//! What the next call would find: past the deadline, the result of settling now; if the rate cannot be
//! read, so that settling now would be refused, the stored state.

use std::borrow::Cow;

use alloy_primitives::Address;
use serde::Serialize;

use crate::{
    amendment::{Amendment, Goal},
    asset::{Asset, PerAsset},
    books::{Position, PositionId, Pot},
    lido::Moment,
    prorata,
    rescue::Rescue,
    schedule::Timestamp,
    settlement::Settlement,
    state::State,
    status::{EndReason, Status},
    terms::Terms,
    units::{Bps, Rate, Units, Wei},
};

/// What is known about the share rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ShareRate {
    /// No pot holds shares, so the rate is not needed.
    NotNeeded,
    /// Read now, or recorded when the rescue was decided.
    Known(Rate),
    /// Some pot holds shares, but the rate cannot be read, or was not read before the rescue was ended.
    Unreadable,
}

impl ShareRate {
    /// The rate, if it is needed and known.
    pub const fn known(self) -> Option<Rate> {
        match self {
            Self::Known(rate) => Some(rate),
            Self::NotNeeded | Self::Unreadable => None,
        }
    }
}

/// One pot: all pledges of one asset into one tier. Amounts are in the asset's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PotView {
    /// Index of the tier.
    pub tier: u8,
    /// Its asset.
    #[serde(flatten, with = "crate::json::AssetAndUnit")]
    pub asset: Asset,
    /// Amount pledged; frozen at settlement.
    pub total: Units,
    /// Part of it drawn at settlement.
    pub drawn: Units,
    /// Part of that delivered to the beneficiary, rounded down.
    pub delivered: Units,
}

impl PotView {
    /// The part that is not drawn; everything until the rescue is settled.
    pub fn undrawn(&self) -> Units {
        self.total - self.drawn
    }
}

/// One position: one pledger's part of one pot. Amounts are in the asset's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PositionView {
    /// Index of the tier.
    pub tier: u8,
    /// Its asset.
    #[serde(flatten, with = "crate::json::AssetAndUnit")]
    pub asset: Asset,
    /// Amount pledged.
    pub amount: Units,
    /// Part of it already refunded.
    pub refunded: Units,
    /// What a refund would pay now, rounded down. Zero while open.
    pub refundable: Units,
    /// Its drawn value at the settlement rate, rounded down: its weight in an objection.
    #[serde(rename = "drawnValueWei")]
    pub weight: Wei,
    /// Whether it has objected.
    pub objected: bool,
}

/// A position in full. Once the rescue is decided, amount = drawn + held + refunded + refundable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Statement {
    /// What its view says.
    #[serde(flatten)]
    pub view: PositionView,
    /// What does not come back: the beneficiary's part, plus less than one unit of dust. Zero while open.
    pub drawn: Units,
    /// What a veto stopped and comes back later, at the times at which it would have fallen due.
    pub held: Units,
}

impl Statement {
    /// What comes back in the end, whether it is refunded yet or not. Zero while open.
    pub fn comes_back(&self) -> Units {
        self.held + self.view.refunded + self.view.refundable
    }
}

/// The whole rescue. Past the deadline, the result of settling now. See [`crate::outlook`] for what follows
/// from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RescueView {
    /// The status.
    pub status: Status,
    /// Why it failed (or would fail now), or what first cancelled it.
    pub end_reason: Option<EndReason>,
    /// The block in which the escrow was created, where its logs begin.
    pub created_block: u64,
    /// The terms, with the target, deadline and terms hash in force now.
    pub terms: Terms,
    /// The latest amendment, pending or in force. One that was pending when the rescue ended is dropped.
    pub amendment: Option<Amendment>,
    /// Every pot that is not empty, by tier and asset.
    pub pots: Vec<PotView>,
    /// The rate: while open, the current one; after that, the recorded one.
    #[serde(rename = "rateWeiPer1e27Shares")]
    pub rate: ShareRate,
    /// Value of all pots at that rate; none while the rate cannot be read.
    #[serde(rename = "coverageWei")]
    pub coverage: Option<Wei>,
    /// The highest tier threshold that is met; after settlement, the chosen one; zero for none.
    #[serde(rename = "thresholdMetBps")]
    pub threshold_met: Bps,
    /// The value drawn, at the settlement rate; never more than the target.
    #[serde(rename = "drawnWei")]
    pub drawn: Wei,
    /// The drawn value that has objected.
    #[serde(rename = "objectedWei")]
    pub objected: Wei,
    /// When a call settled it.
    #[serde(rename = "settledAtUnix")]
    pub settled_at: Option<Timestamp>,
    /// When it was cancelled, by the guardian, a veto or a lapse.
    #[serde(rename = "cancelledAtUnix")]
    pub cancelled_at: Option<Timestamp>,
    /// When what was due but not collected was given up.
    #[serde(rename = "lapsedAtUnix")]
    pub lapsed_at: Option<Timestamp>,
    /// When `Released` or `Cancelled` became final; none for a failed rescue, which is final at once.
    #[serde(rename = "finalAtUnix")]
    pub final_at: Option<Timestamp>,
    /// Tranches due by the clock.
    pub due: u8,
    /// Tranches that the beneficiary keeps, by asset; 0 where nothing was drawn.
    pub kept: PerAsset<u8>,
    /// Tranches delivered, by asset.
    pub delivered: PerAsset<u8>,
    /// Tranches that do not go back, or not yet, by asset: those kept, and those that a veto stopped and
    /// whose time has not come.
    pub held: PerAsset<u8>,
    /// Whether what a veto stopped goes back tranche by tranche, at the times at which it would have fallen due.
    pub returns_by_calendar: bool,
    /// When the next tranche falls due or, after a veto, goes back; none if there is none.
    #[serde(rename = "nextTrancheAtUnix")]
    pub next_tranche_at: Option<Timestamp>,
}

/// What a pledge made now would meet, as stored: past the deadline, the status is still open until a call
/// settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PledgingView {
    /// The stored status.
    pub status: Status,
    /// The target in force.
    #[serde(rename = "targetWei")]
    pub target: Wei,
    /// The deadline in force.
    #[serde(rename = "deadlineUnix")]
    pub deadline: Timestamp,
    /// The latest amendment, pending or in force.
    pub amendment: Option<Amendment>,
}

fn with_amount<'a>(
    positions: impl Iterator<Item = (&'a PositionId, &'a Position)>,
) -> impl Iterator<Item = (PositionId, Position)> {
    positions.map(|(&id, &position)| (id, position)).filter(|(_, position)| !position.amount.is_zero())
}

impl Rescue {
    /// The rescue, as the next call would find it.
    pub fn view(&self, at: Moment) -> RescueView {
        let state = self.found(at);
        let rate = state.share_rate(at.lido);
        RescueView {
            status: state.status(),
            end_reason: state.end_reason(),
            created_block: self.created_block,
            terms: self.terms_at(at.time),
            amendment: self.state.amendment(),
            pots: self.pot_views(&state),
            rate,
            coverage: state.coverage_down(&self.terms, rate),
            threshold_met: state.threshold_met(&self.terms, at.time, rate),
            drawn: state.settlement.map_or(Wei::ZERO, |settlement| settlement.drawn_value),
            objected: state.objected,
            settled_at: self.state.settlement.map(|settlement| settlement.settled_at),
            cancelled_at: state.cancelled_at,
            lapsed_at: state.lapsed_at,
            final_at: state.final_at,
            due: state.due(&self.terms, at.time),
            kept: state.kept,
            delivered: state.delivered,
            held: state.held(&self.terms, at.time),
            returns_by_calendar: state.returns_by_calendar,
            next_tranche_at: state.next_tranche_at(&self.terms, at.time),
        }
    }

    fn pot_views(&self, state: &State) -> Vec<PotView> {
        let all = (0..self.terms.tier_count()).flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
        let view = |(tier, asset)| {
            let Pot { total, drawn } = state.pots.get(tier, asset);
            let delivered = prorata::tranches_down(drawn, state.delivered[asset], self.terms.tranches);
            PotView { tier, asset, total, drawn, delivered }
        };
        all.map(view).filter(|pot| !pot.total.is_zero()).collect()
    }

    /// The positions of `pledger`, by tier and asset, as the next call would find them.
    pub fn position_views(&self, at: Moment, pledger: Address) -> Vec<PositionView> {
        let state = self.found(at);
        let positions = self.positions_of(pledger);
        positions.map(|(id, position)| self.view_in(&state, id, position, at.time)).collect()
    }

    /// What a pledge made at `now` would meet.
    pub fn pledging_view(&self, now: Timestamp) -> PledgingView {
        let Goal { target, deadline, .. } = self.goal(now);
        PledgingView { status: self.stored_status(), target, deadline, amendment: self.state.amendment() }
    }

    /// The state as a call at `at` would find it.
    pub(crate) fn found(&self, at: Moment) -> Cow<'_, State> {
        if !self.state.is_late(at.time) {
            return Cow::Borrowed(&self.state);
        }
        let mut settled = self.state.clone();
        match settled.settle(&self.terms, at) {
            Ok(()) => Cow::Owned(settled),
            Err(_) => Cow::Borrowed(&self.state),
        }
    }

    /// The terms with the goal in force at `now`.
    pub fn terms_at(&self, now: Timestamp) -> Terms {
        let Goal { target, deadline, terms_hash } = self.goal(now);
        Terms { target, deadline, terms_hash, ..self.terms.clone() }
    }

    /// The original terms; see [`goal`](Self::goal) for what an amendment changed.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The status that the last call stored.
    pub const fn stored_status(&self) -> Status {
        self.state.status()
    }

    /// The status as the next call would find it.
    pub fn status(&self, at: Moment) -> Status {
        self.found(at).status()
    }

    /// Why it failed or what first cancelled it, as the next call would find it; none otherwise.
    pub fn end_reason(&self, at: Moment) -> Option<EndReason> {
        self.found(at).end_reason()
    }

    /// The rate recorded when the rescue was decided, as the next call would find it; none while it is
    /// open, if no pot held shares, and if the guardian ended it. [`Rate::PAR`] if it failed because the
    /// rate could not be read.
    pub fn recorded_rate(&self, at: Moment) -> Option<Rate> {
        self.found(at).recorded_rate()
    }

    /// Target, deadline and terms hash in force at `now`.
    pub fn goal(&self, now: Timestamp) -> Goal {
        self.state.goal(now)
    }

    /// The pending amendment, before which pledgers may leave.
    pub fn pending_amendment(&self, now: Timestamp) -> Option<Amendment> {
        self.state.pending(now)
    }

    /// When the latest amendment takes or took effect, which a pledge must name. 0 for none, and if it was
    /// pending when the rescue failed.
    pub fn latest_amendment(&self) -> Timestamp {
        self.state.latest_amendment()
    }

    /// What settlement recorded, or past the deadline would record now; none while open or if failed.
    pub fn settlement(&self, at: Moment) -> Option<Settlement> {
        self.found(at).settlement
    }

    /// A pot, as the next call would find it.
    pub fn pot(&self, at: Moment, tier: u8, asset: Asset) -> Pot {
        self.found(at).pots.get(tier, asset)
    }

    /// Tranches due by the clock; 0 unless settled.
    pub fn due(&self, at: Moment) -> u8 {
        self.found(at).due(&self.terms, at.time)
    }

    /// The maximum number of tranches of each asset that the beneficiary gets; 0 where nothing was drawn.
    pub fn kept(&self, at: Moment) -> PerAsset<u8> {
        self.found(at).kept
    }

    /// Tranches that do not go back, or not yet, by asset: those kept and, after a veto, those not yet due.
    pub fn held(&self, at: Moment) -> PerAsset<u8> {
        self.found(at).held(&self.terms, at.time)
    }

    /// Whether what a veto stopped goes back tranche by tranche, at the times at which it would have fallen due.
    pub const fn returns_by_calendar(&self) -> bool {
        self.state.returns_by_calendar
    }

    /// Tranches delivered, by asset.
    pub const fn delivered(&self) -> PerAsset<u8> {
        self.state.delivered
    }

    /// What a release of `asset` would pay now, in its own unit.
    pub fn deliverable(&self, at: Moment, asset: Asset) -> Units {
        let state = self.found(at);
        let of = |count| state.tranches_down(&self.terms, asset, count);
        of(state.deliverable(&self.terms, asset, at.time)) - of(state.delivered[asset])
    }

    /// What was delivered of `asset`, in its own unit.
    pub fn delivered_amount(&self, asset: Asset) -> Units {
        self.state.tranches_down(&self.terms, asset, self.state.delivered[asset])
    }

    /// Drawn value that has objected.
    pub const fn objected(&self) -> Wei {
        self.state.objected
    }

    /// When the rescue was cancelled, for whatever reason.
    pub const fn cancelled_at(&self) -> Option<Timestamp> {
        self.state.cancelled_at
    }

    /// When what was due but not delivered was given up.
    pub const fn lapsed_at(&self) -> Option<Timestamp> {
        self.state.lapsed_at
    }

    /// What exits and declines could not pay, and a collection would.
    pub fn owed(&self, pledger: Address, asset: Asset) -> Units {
        self.owed.get(&(pledger, asset)).copied().unwrap_or_default()
    }

    /// The same, by asset.
    pub fn owed_of(&self, pledger: Address) -> PerAsset<Units> {
        PerAsset::from_fn(|asset| self.owed(pledger, asset))
    }

    /// Everything owed, by pledger and asset.
    pub fn all_owed(&self) -> impl Iterator<Item = (Address, Asset, Units)> + '_ {
        self.owed.iter().map(|(&(pledger, asset), &amount)| (pledger, asset, amount))
    }

    /// When it became final, so that nothing more goes to the beneficiary; never for a failed rescue.
    pub const fn final_at(&self) -> Option<Timestamp> {
        self.state.final_at
    }

    /// A position as booked; empty if there is none.
    pub fn position(&self, id: PositionId) -> Position {
        self.positions.get(&id).copied().unwrap_or_default()
    }

    /// All positions with an amount, by pledger, tier and asset.
    pub fn positions(&self) -> impl Iterator<Item = (PositionId, Position)> + '_ {
        with_amount(self.positions.iter())
    }

    /// Every position that there ever was, also one that was taken out.
    pub fn known_positions(&self) -> impl Iterator<Item = PositionId> + '_ {
        self.positions.keys().copied()
    }

    /// The positions of one pledger, by tier and asset.
    pub fn positions_of(&self, pledger: Address) -> impl Iterator<Item = (PositionId, Position)> + '_ {
        let first = PositionId { pledger, tier: 0, asset: Asset::Eth };
        let last = PositionId { pledger, tier: u8::MAX, asset: Asset::WstEth };
        with_amount(self.positions.range(first..=last))
    }

    /// What a refund of a position would pay now.
    pub fn refundable(&self, at: Moment, id: PositionId) -> Units {
        self.found(at).refundable_down(&self.terms, id, self.position(id), at.time)
    }

    /// A position, as the next call would find it.
    pub fn statement(&self, at: Moment, id: PositionId) -> Statement {
        let state = self.found(at);
        let view = self.view_in(&state, id, self.position(id), at.time);
        let in_the_end = state.entitled_down(&self.terms, id, view.amount, state.kept[id.asset]);
        let (drawn, held) = match state.status() {
            Status::Open => (Units::ZERO, Units::ZERO),
            // What is kept is part of what is held, so no less comes back in the end than by now.
            _ => (view.amount - in_the_end, in_the_end - view.refunded - view.refundable),
        };
        Statement { view, drawn, held }
    }

    fn view_in(&self, state: &State, id: PositionId, position: Position, now: Timestamp) -> PositionView {
        PositionView {
            tier: id.tier,
            asset: id.asset,
            amount: position.amount,
            refunded: position.refunded,
            refundable: state.refundable_down(&self.terms, id, position, now),
            weight: self.weight_in(state, id, position),
            objected: position.objected,
        }
    }

    pub(crate) fn weight_in(&self, state: &State, id: PositionId, position: Position) -> Wei {
        let of = |settlement: Settlement| {
            settlement.drawn_value_down(&self.terms.tiers, id.tier, id.asset, position.amount)
        };
        state.settlement.map_or(Wei::ZERO, of)
    }
}
