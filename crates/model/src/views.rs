//! What would the next call find? Past the deadline that is what settling now would give; where settling now would be
//! refused, because the rate cannot be read, it is the stored state.

use std::borrow::Cow;

use alloy_primitives::Address;

use crate::{
    amendment::{Amendment, Goal},
    asset::{Asset, PerAsset},
    books::{Position, PositionId, Pot},
    lido::{Lido, Moment},
    refusal::Refusal,
    rescue::Rescue,
    schedule::Timestamp,
    settlement::{self, Settlement},
    state::State,
    status::{FailReason, Status},
    terms::Terms,
    units::{Units, Wei},
};

/// One position, as its pledger sees it. Once the rescue is decided, pledged = drawn + refunded + owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// What was pledged.
    pub pledged: Units,
    /// What does not come back: the beneficiary's part, and less than one unit of dust. Zero while open.
    pub drawn: Units,
    /// What was refunded.
    pub refunded: Units,
    /// What a refund would pay now. Zero while open.
    pub owed: Units,
    /// Its drawn value at the settlement rate: what it counts in an objection.
    pub weight: Wei,
    /// Whether it has objected.
    pub objected: bool,
}

impl Rescue {
    /// The state as a call at `at` would find it.
    fn found(&self, at: Moment) -> Cow<'_, State> {
        if !self.state.is_late(at.time) {
            return Cow::Borrowed(&self.state);
        }
        let mut settled = self.state.clone();
        match settled.settle(&self.terms, at) {
            Ok(()) => Cow::Owned(settled),
            Err(_) => Cow::Borrowed(&self.state),
        }
    }

    /// The terms as created; see [`goal`](Self::goal) for what an amendment changed.
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

    /// Why it failed, as the next call would find it; none of a rescue that did not.
    pub fn fail_reason(&self, at: Moment) -> Option<FailReason> {
        self.found(at).fail_reason()
    }

    /// Target, deadline and terms hash in force at `now`.
    pub fn goal(&self, now: Timestamp) -> Goal {
        self.state.goal(now)
    }

    /// The amendment that pledgers may still leave before.
    pub fn pending_amendment(&self, now: Timestamp) -> Option<Amendment> {
        self.state.pending(now)
    }

    /// What settlement recorded, or would record now past the deadline; none while open or when failed.
    pub fn settlement(&self, at: Moment) -> Option<Settlement> {
        self.found(at).settlement
    }

    /// Value of all pots: at the settlement rate once settled, before that at the rate now.
    ///
    /// # Errors
    /// `RateUnreadable` when some pot holds shares whose rate is needed now and cannot be read.
    pub fn coverage(&self, lido: Lido) -> Result<Wei, Refusal> {
        self.coverage_up_to(self.terms.tier_count(), lido)
    }

    /// The same of the first `tiers` tiers only: what a threshold is compared with.
    ///
    /// # Errors
    /// As [`coverage`](Self::coverage).
    pub fn coverage_up_to(&self, tiers: u8, lido: Lido) -> Result<Wei, Refusal> {
        let pots = &self.state.pots;
        let rate = match self.state.settlement {
            Some(settlement) => settlement.rate,
            None => settlement::rate_of(pots, lido)?,
        };
        Ok(settlement::coverage_down(pots, tiers, rate))
    }

    /// A pot, as the next call would find it.
    pub fn pot(&self, at: Moment, tier: u8, asset: Asset) -> Pot {
        self.found(at).pots.get(tier, asset)
    }

    /// Tranches due by the clock; 0 unless settled.
    pub fn due(&self, at: Moment) -> u8 {
        self.found(at).due(&self.terms, at.time)
    }

    /// Tranches that the beneficiary gets of each asset at most; 0 where nothing was drawn.
    pub fn kept(&self, at: Moment) -> PerAsset<u8> {
        self.found(at).kept
    }

    /// Tranches delivered of each asset.
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

    /// When the rescue was cancelled, or lapsed without having been cancelled.
    pub const fn cancelled_at(&self) -> Option<Timestamp> {
        self.state.cancelled_at
    }

    /// When it became final, so that nothing more goes to the beneficiary; never of a failed rescue.
    pub const fn final_at(&self) -> Option<Timestamp> {
        self.state.final_at
    }

    /// A position as it is booked; empty when there is none.
    pub fn position(&self, id: PositionId) -> Position {
        self.positions.get(&id).copied().unwrap_or_default()
    }

    /// All positions that hold or held something, by pledger, tier and asset.
    pub fn positions(&self) -> impl Iterator<Item = (PositionId, Position)> + '_ {
        self.positions.iter().map(|(&id, &position)| (id, position))
    }

    /// The positions of one pledger, by tier and asset.
    pub fn positions_of(&self, pledger: Address) -> impl Iterator<Item = (PositionId, Position)> + '_ {
        let first = PositionId { pledger, tier: 0, asset: Asset::Eth };
        let last = PositionId { pledger, tier: u8::MAX, asset: Asset::WstEth };
        self.positions.range(first..=last).map(|(&id, &position)| (id, position))
    }

    /// What a refund of a position would pay now.
    pub fn refundable(&self, at: Moment, id: PositionId) -> Units {
        self.found(at).owed_down(&self.terms, id, self.position(id))
    }

    /// A position, as the next call would find it.
    pub fn statement(&self, at: Moment, id: PositionId) -> Statement {
        let state = self.found(at);
        let position = self.position(id);
        let owed = state.owed_down(&self.terms, id, position);
        let drawn = match state.status() {
            Status::Open => Units::ZERO,
            _ => position.amount - position.refunded - owed,
        };
        Statement {
            pledged: position.amount,
            drawn,
            refunded: position.refunded,
            owed,
            weight: self.weight_in(&state, id, position),
            objected: position.objected,
        }
    }

    fn weight_in(&self, state: &State, id: PositionId, position: Position) -> Wei {
        let of = |settlement: Settlement| {
            settlement.drawn_value_down(&self.terms.tiers, id.tier, id.asset, position.amount)
        };
        state.settlement.map_or(Wei::ZERO, of)
    }
}
