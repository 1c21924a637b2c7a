//! The state of the escrow, apart from its positions: a flat record, so that a call can be tried on a copy.

use crate::{
    amendment::{Amendment, Goal},
    asset::{Asset, PerAsset},
    books::{Position, PositionId, Pots},
    lido::{Lido, Moment},
    prorata,
    refusal::Refusal,
    schedule::{self, Timestamp},
    settlement::{self, Settlement},
    status::{EndReason, Life, Status},
    stored::StoredRescue,
    terms::{Terms, Tier},
    units::{Bps, Rate, Units, Wei},
    view::ShareRate,
};

/// Everything but the terms and the positions.
#[derive(Debug, Clone)]
pub(crate) struct State {
    life: Life,
    end_reason: Option<EndReason>,
    /// The rate that a failed rescue recorded; none if it had no shares, or its guardian ended it.
    failed_rate: Option<Rate>,
    goal: Goal,
    amendment: Option<Amendment>,
    pub(crate) pots: Pots,
    pub(crate) settlement: Option<Settlement>,
    /// The maximum number of tranches of each asset that the beneficiary gets; 0 where nothing was drawn.
    pub(crate) kept: PerAsset<u8>,
    /// Tranches delivered, by asset.
    pub(crate) delivered: PerAsset<u8>,
    /// Drawn value that has objected.
    pub(crate) objected: Wei,
    /// Whether what was stopped goes back tranche by tranche, at the times at which it would have fallen due.
    pub(crate) returns_by_calendar: bool,
    pub(crate) cancelled_at: Option<Timestamp>,
    pub(crate) lapsed_at: Option<Timestamp>,
    pub(crate) final_at: Option<Timestamp>,
}

impl From<StoredRescue> for State {
    fn from(stored: StoredRescue) -> Self {
        Self {
            life: Life::at(stored.status),
            end_reason: stored.end_reason,
            failed_rate: stored.failed_rate,
            goal: stored.goal,
            amendment: stored.amendment,
            pots: stored.pots,
            settlement: stored.settlement,
            kept: stored.kept,
            delivered: stored.delivered,
            objected: stored.objected,
            returns_by_calendar: stored.returns_by_calendar,
            cancelled_at: stored.cancelled_at,
            lapsed_at: stored.lapsed_at,
            final_at: stored.final_at,
        }
    }
}

impl State {
    pub(crate) fn open(terms: &Terms) -> Self {
        Self {
            life: Life::default(),
            end_reason: None,
            failed_rate: None,
            goal: Goal::from(terms),
            amendment: None,
            pots: Pots::default(),
            settlement: None,
            kept: PerAsset::default(),
            delivered: PerAsset::default(),
            objected: Wei::ZERO,
            returns_by_calendar: false,
            cancelled_at: None,
            lapsed_at: None,
            final_at: None,
        }
    }

    pub(crate) const fn status(&self) -> Status {
        self.life.status()
    }

    /// The goal in force at `now`: an amendment takes effect by itself.
    pub(crate) fn goal(&self, now: Timestamp) -> Goal {
        self.amendment
            .filter(|amendment| amendment.in_force(now))
            .map_or(self.goal, |amendment| amendment.goal)
    }

    /// The amendment that is not yet in force at `now`.
    pub(crate) fn pending(&self, now: Timestamp) -> Option<Amendment> {
        self.amendment.filter(|amendment| !amendment.in_force(now))
    }

    /// The latest amendment, pending or in force.
    pub(crate) const fn amendment(&self) -> Option<Amendment> {
        self.amendment
    }

    /// When the latest amendment takes or took effect; 0 for none.
    pub(crate) fn latest_amendment(&self) -> Timestamp {
        Amendment::latest(self.amendment)
    }

    /// Another target, whatever was proposed.
    pub(crate) fn suppose_target(&mut self, target: Wei) {
        self.goal.target = target;
        if let Some(amendment) = &mut self.amendment {
            amendment.goal.target = target;
        }
    }

    pub(crate) fn propose(&mut self, amendment: Amendment, now: Timestamp) {
        self.goal = self.goal(now);
        self.amendment = Some(amendment);
    }

    /// Leaves `Open` for `next`: the goal in force stays, and a pending amendment is dropped.
    fn close(&mut self, next: Status, now: Timestamp) {
        self.amendment = self.amendment.filter(|amendment| amendment.in_force(now));
        self.life.advance(next);
    }

    /// Fails an open rescue, and records the rate at which pledges are valued.
    pub(crate) fn fail(&mut self, reason: EndReason, rate: Option<Rate>, now: Timestamp) {
        self.close(Status::Failed, now);
        self.end_reason = Some(reason);
        self.failed_rate = rate;
    }

    /// Why the rescue failed, or what first cancelled it; none otherwise.
    pub(crate) const fn end_reason(&self) -> Option<EndReason> {
        self.end_reason
    }

    /// The rate recorded when the rescue was decided; none if no pot held shares, or the guardian ended it.
    pub(crate) fn recorded_rate(&self) -> Option<Rate> {
        self.settlement.map_or(self.failed_rate, |settlement| settlement.rate)
    }

    /// While open, the rate now; after that the recorded rate, if it says what shares were worth.
    pub(crate) fn share_rate(&self, lido: Lido) -> ShareRate {
        if !self.pots.hold_shares() {
            return ShareRate::NotNeeded;
        }
        let rate = match self.end_reason.filter(|_| self.settlement.is_none()) {
            None => self.settlement.map_or(lido.rate(), |settlement| settlement.rate),
            Some(EndReason::NoThresholdMet) => self.failed_rate,
            // It was ended without a rate.
            Some(_) => None,
        };
        rate.map_or(ShareRate::Unreadable, ShareRate::Known)
    }

    /// Value of all pots; none while the rate cannot be read.
    pub(crate) fn coverage_down(&self, terms: &Terms, rate: ShareRate) -> Option<Wei> {
        (rate != ShareRate::Unreadable)
            .then(|| settlement::coverage_down(&self.pots, terms.tier_count(), rate.known()))
    }

    /// While open, the highest threshold met now; after that, the one that settlement chose; zero for none.
    pub(crate) fn threshold_met(&self, terms: &Terms, now: Timestamp, rate: ShareRate) -> Bps {
        if self.status() != Status::Open || rate == ShareRate::Unreadable {
            return self.settlement.map_or(Bps::ZERO, |settlement| settlement.threshold);
        }
        let active = settlement::active_tiers(&self.pots, terms, self.goal(now).target, rate.known());
        active.checked_sub(1).and_then(|last| terms.tier(last)).map_or(Bps::ZERO, |tier| tier.threshold)
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
        // Nobody is drawn on terms that are about to change. None is pending past the deadline.
        if let Some(Amendment { effective_at, .. }) = self.pending(at.time) {
            return Err(Refusal::AmendmentPending { effective_at, time: at.time });
        }
        let Goal { target, deadline, .. } = self.goal(at.time);
        let active_tiers = settlement::active_tiers(&self.pots, terms, target, rate);
        if at.time <= deadline && active_tiers < terms.tier_count() {
            let coverage = settlement::coverage_down(&self.pots, terms.tier_count(), rate);
            return Err(Refusal::CoverageTooLow { coverage, required: target });
        }
        match active_tiers.checked_sub(1).and_then(|last| terms.tier(last)) {
            None => self.fail(EndReason::NoThresholdMet, rate, at.time),
            Some(Tier { threshold, .. }) => {
                let (drawn_value, marginal) =
                    settlement::draw(&mut self.pots, &terms.tiers, active_tiers, target, rate);
                let settled_at = at.time;
                let settlement =
                    Settlement { settled_at, rate, threshold, active_tiers, drawn_value, marginal };
                self.record(settlement, terms.tranches);
            }
        }
        Ok(())
    }

    fn record(&mut self, settlement: Settlement, tranches: u8) {
        self.close(Status::Settled, settlement.settled_at);
        self.settlement = Some(settlement);
        self.kept = PerAsset::from_fn(|asset| if self.is_drawn(asset) { tranches } else { 0 });
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

    /// When the next tranche falls due, or goes back by the calendar; none once all are due, or if the rest
    /// went back at once.
    pub(crate) fn next_tranche_at(&self, terms: &Terms, now: Timestamp) -> Option<Timestamp> {
        let goes_on = self.status() == Status::Settled || self.returns_by_calendar;
        let settlement = self.settlement.filter(|_| goes_on)?;
        let due = schedule::due(terms, settlement.settled_at, now);
        (due < terms.tranches).then(|| schedule::due_at(terms, settlement.settled_at, due + 1))
    }

    /// Tranches of `asset` that may have been delivered by now.
    pub(crate) fn deliverable(&self, terms: &Terms, asset: Asset, now: Timestamp) -> u8 {
        self.due(terms, now).min(self.kept[asset])
    }

    /// The amount of `count` tranches of `asset`: the sum of floor(drawn * count / N) over its pots.
    pub(crate) fn tranches_down(&self, terms: &Terms, asset: Asset, count: u8) -> Units {
        let of_pot = |tier| prorata::tranches_down(self.pots.get(tier, asset).drawn, count, terms.tranches);
        self.tiers().map(of_pot).sum()
    }

    /// Tranches that do not go back, or not yet, by asset: those kept and, after a veto, those not yet due.
    /// Meaningless where nothing was drawn.
    pub(crate) fn held(&self, terms: &Terms, now: Timestamp) -> PerAsset<u8> {
        let stopped = if self.returns_by_calendar { terms.tranches - self.due(terms, now) } else { 0 };
        // At most all tranches: a veto keeps what is due then, and no less is due now.
        PerAsset::from_fn(|asset| self.kept[asset] + stopped)
    }

    /// What a position gets back in total if `held` tranches do not go back; nothing while the rescue is
    /// open.
    pub(crate) fn entitled_down(&self, terms: &Terms, id: PositionId, amount: Units, reserved: u8) -> Units {
        match (self.status(), &self.settlement) {
            (Status::Open, _) => Units::ZERO,
            (_, Some(settlement)) if settlement.is_active(id.tier) && !amount.is_zero() => {
                let pot = self.pots.get(id.tier, id.asset);
                let reserved = prorata::tranches_down(pot.drawn, reserved, terms.tranches);
                prorata::entitled_down(amount, pot.total, reserved)
            }
            _ => amount,
        }
    }

    /// What a position would be paid by a refund.
    pub(crate) fn refundable_down(
        &self,
        terms: &Terms,
        id: PositionId,
        position: Position,
        now: Timestamp,
    ) -> Units {
        let held = self.held(terms, now)[id.asset];
        let entitled = self.entitled_down(terms, id, position.amount, held);
        // Entitlement only grows, because what is held only shrinks.
        if entitled.is_zero() { Units::ZERO } else { entitled - position.refunded }
    }

    /// The guardian stops everything beyond the `due` tranches; it goes back at once.
    pub(crate) fn cancel(&mut self, due: u8, now: Timestamp) {
        self.stop(EndReason::StoppedByGuardian, self.kept_of(due), now);
        self.finalize_if_delivered(now);
    }

    /// Objections stop the same tranches, which go back when they would have fallen due.
    pub(crate) fn veto(&mut self, due: u8, now: Timestamp) {
        self.returns_by_calendar = true;
        self.stop(EndReason::Vetoed, self.kept_of(due), now);
        self.finalize_if_delivered(now);
    }

    /// Lifts the hold of a veto: what it stopped goes back at once.
    pub(crate) const fn lift_hold(&mut self) {
        self.returns_by_calendar = false;
    }

    /// Gives up what is due but not collected.
    pub(crate) fn lapse(&mut self, now: Timestamp) {
        self.stop_undelivered(now);
        self.finalize_if_delivered(now);
    }

    pub(crate) fn stop_undelivered(&mut self, now: Timestamp) {
        self.lapsed_at = Some(now);
        self.stop(EndReason::Lapsed, self.delivered, now);
    }

    /// At most `due` tranches of each asset.
    pub(crate) fn kept_of(&self, due: u8) -> PerAsset<u8> {
        PerAsset::from_fn(|asset| self.kept[asset].min(due))
    }

    /// The beneficiary keeps no more than `kept`.
    pub(crate) fn stop(&mut self, reason: EndReason, kept: PerAsset<u8>, now: Timestamp) {
        self.kept = kept;
        // A lapse after a cancellation leaves that cancellation's reason and time.
        if self.status() == Status::Settled {
            self.life.advance(Status::Cancelled);
            self.end_reason = Some(reason);
            self.cancelled_at = Some(now);
        }
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
