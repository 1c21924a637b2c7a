//! What does the escrow know, besides its positions? A flat record, so that a call can be tried on a copy of it.

use crate::{
    amendment::{Amendment, Goal},
    asset::{Asset, PerAsset},
    books::{Position, PositionId, Pots},
    lido::Moment,
    prorata,
    refusal::Refusal,
    schedule::{self, Timestamp},
    settlement::{self, Settlement},
    status::{FailReason, Life, Status},
    terms::Terms,
    units::{Units, Wei},
};

/// Everything but the terms and the positions.
#[derive(Debug, Clone)]
pub(crate) struct State {
    life: Life,
    fail_reason: Option<FailReason>,
    goal: Goal,
    amendment: Option<Amendment>,
    pub(crate) pots: Pots,
    pub(crate) settlement: Option<Settlement>,
    /// Tranches that the beneficiary gets of each asset at most; 0 where nothing was drawn.
    pub(crate) kept: PerAsset<u8>,
    /// Tranches delivered of each asset.
    pub(crate) delivered: PerAsset<u8>,
    /// Drawn value that has objected.
    pub(crate) objected: Wei,
    pub(crate) cancelled_at: Option<Timestamp>,
    pub(crate) final_at: Option<Timestamp>,
}

impl State {
    pub(crate) fn open(terms: &Terms) -> Self {
        Self {
            life: Life::default(),
            fail_reason: None,
            goal: Goal::from(terms),
            amendment: None,
            pots: Pots::default(),
            settlement: None,
            kept: PerAsset::default(),
            delivered: PerAsset::default(),
            objected: Wei::ZERO,
            cancelled_at: None,
            final_at: None,
        }
    }

    pub(crate) const fn status(&self) -> Status {
        self.life.status()
    }

    /// The goal in force at `now`: an amendment comes into force by itself.
    pub(crate) fn goal(&self, now: Timestamp) -> Goal {
        self.amendment
            .filter(|amendment| amendment.in_force(now))
            .map_or(self.goal, |amendment| amendment.goal)
    }

    /// The amendment that is not yet in force at `now`.
    pub(crate) fn pending(&self, now: Timestamp) -> Option<Amendment> {
        self.amendment.filter(|amendment| !amendment.in_force(now))
    }

    pub(crate) fn propose(&mut self, amendment: Amendment, now: Timestamp) {
        self.goal = self.goal(now);
        self.amendment = Some(amendment);
    }

    /// Leaves `Open` for `next`: the goal in force stays, a pending amendment dies.
    fn close(&mut self, next: Status, now: Timestamp) {
        self.goal = self.goal(now);
        self.amendment = None;
        self.life.advance(next);
    }

    pub(crate) fn fail(&mut self, reason: FailReason, now: Timestamp) {
        self.close(Status::Failed, now);
        self.fail_reason = Some(reason);
    }

    /// Why the rescue failed; none of one that did not.
    pub(crate) const fn fail_reason(&self) -> Option<FailReason> {
        self.fail_reason
    }

    /// Whether a pledge is still accepted.
    pub(crate) fn is_pledging(&self, now: Timestamp) -> bool {
        self.status() == Status::Open && now <= self.goal(now).deadline
    }

    /// Whether the next call settles first.
    pub(crate) fn is_late(&self, now: Timestamp) -> bool {
        self.status() == Status::Open && now > self.goal(now).deadline
    }

    /// Decides an open rescue: `Settled`, or past the deadline perhaps `Failed`.
    pub(crate) fn settle(&mut self, terms: &Terms, at: Moment) -> Result<(), Refusal> {
        let rate = settlement::rate_of(&self.pots, at.lido)?;
        let Goal { target, deadline, .. } = self.goal(at.time);
        let active_tiers = settlement::active_tiers(&self.pots, terms, target, rate);
        if at.time <= deadline && active_tiers < terms.tier_count() {
            let coverage = settlement::coverage_down(&self.pots, terms.tier_count(), rate);
            return Err(Refusal::CoverageTooLow { coverage, required: target });
        }
        let Some(last) = active_tiers.checked_sub(1).and_then(|tier| terms.tier(tier)) else {
            self.fail(FailReason::NoThresholdMet, at.time);
            return Ok(());
        };
        let (drawn_value, marginal) =
            settlement::draw(&mut self.pots, &terms.tiers, active_tiers, target, rate);
        self.close(Status::Settled, at.time);
        self.settlement = Some(Settlement {
            settled_at: at.time,
            rate,
            threshold: last.threshold,
            active_tiers,
            drawn_value,
            marginal,
        });
        self.kept = PerAsset::from_fn(|asset| if self.is_drawn(asset) { terms.tranches } else { 0 });
        Ok(())
    }

    fn is_drawn(&self, asset: Asset) -> bool {
        self.tiers().any(|tier| !self.pots.get(tier, asset).drawn.is_zero())
    }

    /// The active tiers; none unless settled.
    fn tiers(&self) -> std::ops::Range<u8> {
        0..self.settlement.map_or(0, |settlement| settlement.active_tiers)
    }

    /// Tranches due by the clock; 0 unless settled.
    pub(crate) fn due(&self, terms: &Terms, now: Timestamp) -> u8 {
        self.settlement.map_or(0, |settlement| schedule::due(terms, settlement.settled_at, now))
    }

    /// Tranches of `asset` that the beneficiary could have by now.
    pub(crate) fn deliverable(&self, terms: &Terms, asset: Asset, now: Timestamp) -> u8 {
        self.due(terms, now).min(self.kept[asset])
    }

    /// What `count` tranches of `asset` are: the sum of floor(drawn * count / N) over its pots.
    pub(crate) fn tranches_down(&self, terms: &Terms, asset: Asset, count: u8) -> Units {
        let of_pot = |tier| prorata::tranches_down(self.pots.get(tier, asset).drawn, count, terms.tranches);
        self.tiers().map(of_pot).sum()
    }

    /// What a position gets back in all; nothing while the rescue is open.
    pub(crate) fn entitled_down(&self, terms: &Terms, id: PositionId, amount: Units) -> Units {
        match (self.status(), &self.settlement) {
            (Status::Open, _) => Units::ZERO,
            (_, Some(settlement)) if settlement.is_active(id.tier) && !amount.is_zero() => {
                let pot = self.pots.get(id.tier, id.asset);
                let reserved = prorata::tranches_down(pot.drawn, self.kept[id.asset], terms.tranches);
                prorata::entitled_down(amount, pot.total, reserved)
            }
            _ => amount,
        }
    }

    /// What a position would be paid by a refund.
    pub(crate) fn owed_down(&self, terms: &Terms, id: PositionId, position: Position) -> Units {
        let entitled = self.entitled_down(terms, id, position.amount);
        // Entitlement only grows: `kept` only shrinks.
        if entitled.is_zero() { Units::ZERO } else { entitled - position.refunded }
    }

    /// Stops what is not among the `due` tranches.
    pub(crate) fn cancel(&mut self, due: u8, now: Timestamp) {
        self.stop(PerAsset::from_fn(|asset| self.kept[asset].min(due)), now);
    }

    /// Stops what is due and not collected.
    pub(crate) fn lapse(&mut self, now: Timestamp) {
        self.stop(self.delivered, now);
    }

    fn stop(&mut self, kept: PerAsset<u8>, now: Timestamp) {
        self.kept = kept;
        // A lapse after a cancellation keeps the earlier time.
        self.cancelled_at.get_or_insert(now);
        if self.status() == Status::Settled {
            self.life.advance(Status::Cancelled);
        }
        self.finalize_if_delivered(now);
    }

    /// A rescue is final once every asset is delivered as far as the beneficiary keeps it.
    pub(crate) fn finalize_if_delivered(&mut self, now: Timestamp) {
        if self.kept != self.delivered {
            return;
        }
        self.final_at = Some(now);
        if self.status() == Status::Settled {
            self.life.advance(Status::Released);
        }
    }
}
