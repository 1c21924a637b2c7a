//! What follows from a view: who may call what, when tranches fall due, and what is still missing.

use serde::Serialize;

use crate::{
    amendment::Amendment,
    asset::Asset,
    books, prorata,
    schedule::{self, Timestamp},
    status::Status,
    units::{Bps, Units, Wei},
    view::{PledgingView, PotView, RescueView},
};

/// A threshold of the terms, and what decides whether it is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Threshold {
    /// The threshold.
    #[serde(rename = "thresholdBps")]
    pub threshold: Bps,
    /// Value of the tiers that it makes active.
    #[serde(rename = "coverageWei")]
    pub coverage: Wei,
    /// The coverage required.
    #[serde(rename = "requiredWei")]
    pub required: Wei,
}

impl Threshold {
    /// Whether it is met.
    pub fn is_met(self) -> bool {
        self.coverage >= self.required
    }

    /// How much coverage is missing; zero if it is met.
    pub fn missing(self) -> Wei {
        self.required.checked_sub(self.coverage).unwrap_or(Wei::ZERO)
    }

    /// How much coverage there is beyond what is required; zero if it is not met.
    pub fn beyond(self) -> Wei {
        self.coverage.checked_sub(self.required).unwrap_or(Wei::ZERO)
    }
}

/// The state of one tranche of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TrancheState {
    /// It was delivered to the beneficiary.
    Delivered,
    /// It belongs to the beneficiary, and can be released.
    Due,
    /// It is not yet due.
    ToCome,
    /// Objections stopped it; it goes back when it would have fallen due.
    GoesBack,
    /// It was stopped, and can be refunded or was.
    Stopped,
}

impl PledgingView {
    /// As [`RescueView::latest_amendment`].
    pub fn latest_amendment(&self) -> Timestamp {
        Amendment::latest(self.amendment)
    }
}

impl RescueView {
    /// The pot of a tier and an asset, if it is not empty.
    pub fn pot(&self, tier: u8, asset: Asset) -> Option<PotView> {
        self.pots.iter().find(|pot| pot.tier == tier && pot.asset == asset).copied()
    }

    /// What a pledge must name to meet these terms: the time at which the latest amendment takes or took
    /// effect; 0 for none.
    pub fn latest_amendment(&self) -> Timestamp {
        Amendment::latest(self.amendment)
    }

    /// The pending amendment, before which pledgers may leave.
    pub fn pending_amendment(&self, now: Timestamp) -> Option<Amendment> {
        let is_open = self.status == Status::Open;
        self.amendment.filter(|amendment| is_open && !amendment.in_force(now))
    }

    /// Whether a pledge is still accepted.
    pub fn is_pledging(&self, now: Timestamp) -> bool {
        self.status == Status::Open && now <= self.terms.deadline
    }

    /// Whether it is past its deadline but still open, because its shares cannot be valued.
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        self.status == Status::Open && now > self.terms.deadline
    }

    /// Whether everything is covered and no amendment is pending, so that it can settle before its
    /// deadline.
    pub fn can_settle_early(&self, now: Timestamp) -> bool {
        let is_covered = self.coverage.is_some_and(|coverage| coverage >= self.terms.target);
        self.is_pledging(now) && is_covered && self.pending_amendment(now).is_none()
    }

    /// Whether a stuck rescue has been stuck long enough to expire.
    pub fn can_expire(&self, now: Timestamp) -> bool {
        self.is_stuck(now) && now > self.settleable_until()
    }

    /// The last second at which a stuck rescue cannot expire.
    pub fn settleable_until(&self) -> Timestamp {
        schedule::settleable_until(&self.terms, self.terms.deadline)
    }

    /// Whether something is not yet due, and can be stopped.
    pub fn can_be_stopped(&self) -> bool {
        self.status == Status::Settled && self.due < self.terms.tranches
    }

    /// The distinct thresholds of the terms, ascending. Empty while shares cannot be valued.
    pub fn thresholds(&self) -> Vec<Threshold> {
        if self.coverage.is_none() {
            return Vec::new();
        }
        let mut distinct: Vec<Bps> = self.terms.tiers.iter().map(|tier| tier.threshold).collect();
        distinct.dedup();
        let look = |threshold| Threshold {
            threshold,
            coverage: self.coverage_of(threshold),
            required: prorata::required_up(self.terms.target, threshold),
        };
        distinct.into_iter().map(look).collect()
    }

    /// Whether the pledges of a threshold count although it is not met by itself: because a higher one is met, with theirs.
    pub fn is_overtaken(&self, threshold: Threshold) -> bool {
        !threshold.is_met() && threshold.threshold < self.threshold_met
    }

    /// Value of the pots of all tiers up to `threshold`.
    fn coverage_of(&self, threshold: Bps) -> Wei {
        let is_active =
            |pot: &&PotView| self.terms.tier(pot.tier).is_some_and(|tier| tier.threshold <= threshold);
        let amounts = self.pots.iter().filter(is_active).map(|pot| pot.total.of(pot.asset));
        books::value_down(amounts, self.rate.known())
    }

    /// Whether a release of `asset` would deliver a tranche.
    pub fn can_release(&self, asset: Asset) -> bool {
        self.delivered[asset] < self.due.min(self.kept[asset])
    }

    /// Whether the beneficiary has yet to receive something.
    fn is_undelivered(&self) -> bool {
        Asset::ALL.into_iter().any(|asset| self.delivered[asset] < self.kept[asset])
    }

    /// The last second at which nothing can lapse; none if nothing ever can.
    pub fn collectable_until(&self) -> Option<Timestamp> {
        let settled_at = self.settled_at.filter(|_| self.is_undelivered())?;
        Some(schedule::collectable_until(&self.terms, settled_at, self.cancelled_at))
    }

    /// Whether what the beneficiary did not collect can lapse.
    pub fn can_lapse(&self, now: Timestamp) -> bool {
        self.collectable_until().is_some_and(|until| now > until)
    }

    /// Whether sponsors may withdraw their contributions to a bonus before an amendment.
    pub fn sponsors_may_leave(&self, now: Timestamp) -> bool {
        let pending = self.pending_amendment(now);
        pending.is_some_and(|amendment| amendment.is_in_first_half(self.terms.exit_window, now))
    }

    /// The last second at which a shared bonus cannot be decided, so that positions can still be brought up
    /// to date.
    pub fn enlistable_until(&self) -> Timestamp {
        schedule::enlistable_until(&self.terms, self.terms.deadline)
    }

    /// Tranches that a veto stopped and whose time has not come, the same for every asset.
    pub fn held_back(&self) -> u8 {
        self.held[Asset::Eth].saturating_sub(self.kept[Asset::Eth])
    }

    /// Tranches due at `now`, which may be later than this view; 0 until a call has settled the rescue.
    pub fn due_by(&self, now: Timestamp) -> u8 {
        self.settled_at.map_or(0, |settled_at| schedule::due(&self.terms, settled_at, now))
    }

    /// When a tranche, counted from 1, falls due; none until a call has settled the rescue.
    pub fn due_at(&self, tranche: u8) -> Option<Timestamp> {
        self.settled_at.map(|settled_at| schedule::due_at(&self.terms, settled_at, tranche))
    }

    /// When the tranches not yet due are paid out or, after a veto, go back: the first and the last.
    pub fn calendar(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.next_tranche_at?;
        let further = self.terms.tranches.saturating_sub(self.due).saturating_sub(1);
        Some((first, schedule::later(&self.terms, first, further)))
    }

    /// The state of a tranche of `asset`, counted from 1; none if nothing of it was drawn.
    pub fn tranche_state(&self, tranche: u8, asset: Asset) -> Option<TrancheState> {
        if !self.pots.iter().any(|pot| pot.asset == asset && !pot.drawn.is_zero()) {
            return None;
        }
        let is_due = tranche <= self.due;
        Some(if tranche <= self.delivered[asset] {
            TrancheState::Delivered
        } else if tranche > self.kept[asset] {
            if self.returns_by_calendar && !is_due { TrancheState::GoesBack } else { TrancheState::Stopped }
        } else if is_due {
            TrancheState::Due
        } else {
            TrancheState::ToCome
        })
    }

    /// What is pledged of an asset.
    pub fn pledged(&self, asset: Asset) -> Units {
        self.pots.iter().filter(|pot| pot.asset == asset).map(|pot| pot.total).sum()
    }

    /// What the tranches of an asset after `from` up to `to` are, rounded down pot by pot, as they are delivered; nothing if
    /// there are none.
    pub fn tranches_between(&self, asset: Asset, from: u8, to: u8) -> Units {
        let [from, to] = [from, to].map(|count| self.tranches_down(asset, count));
        to.checked_sub(from).unwrap_or(Units::ZERO)
    }

    /// The amount of some tranches of an asset.
    pub fn tranches_down(&self, asset: Asset, count: u8) -> Units {
        let pots = self.pots.iter().filter(|pot| pot.asset == asset);
        pots.map(|pot| prorata::tranches_down(pot.drawn, count, self.terms.tranches)).sum()
    }
}
