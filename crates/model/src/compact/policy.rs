//! Which rescues may be called for?

use super::{operation::Proposal, refusal::CompactRefusal, state::Compact};
use crate::{
    lido::Moment,
    prorata,
    rescue::Rescue,
    schedule::Timestamp,
    status::Status,
    terms::{Terms, Tier},
    units::{Shares, Units, Wei},
    view::PledgingView,
};

impl Compact {
    /// What the original terms of the rescue must be: none of what is asked here can be amended.
    pub(super) fn require_terms(
        &self,
        time: Timestamp,
        rescue: &Terms,
        tier: u8,
    ) -> Result<(), CompactRefusal> {
        use CompactRefusal as R;
        let policy = &self.terms;
        if rescue.wsteth != policy.wsteth {
            return Err(R::OtherToken { wsteth: rescue.wsteth, expected: policy.wsteth });
        }
        if !rescue.guardian.is_zero() && rescue.guardian != policy.guardian {
            return Err(R::ForeignGuardian { guardian: rescue.guardian, expected: policy.guardian });
        }
        if rescue.veto.get() == 0 || rescue.veto > policy.max_veto {
            return Err(R::VetoOutsidePolicy { veto: rescue.veto, maximum: policy.max_veto });
        }
        let (objection_period, minimum) = (rescue.objection_period, policy.min_objection_period);
        if objection_period < minimum {
            return Err(R::ObjectionPeriodBelowPolicy { objection_period, minimum });
        }
        let (exit_window, minimum) = (rescue.exit_window, policy.min_exit_window);
        if exit_window < minimum {
            return Err(R::ExitWindowBelowPolicy { exit_window, minimum });
        }
        let (until, limit) = (locked_until(rescue), time + u64::from(policy.max_lock));
        if until > limit {
            return Err(R::LockTooLong { until, limit });
        }
        self.require_tier(rescue, tier)
    }

    fn require_tier(&self, rescue: &Terms, tier: u8) -> Result<(), CompactRefusal> {
        use CompactRefusal as R;
        let unknown = R::UnknownTier { tier, count: rescue.tier_count() };
        let Tier { threshold, rate, .. } = rescue.tier(tier).ok_or(unknown)?;
        if threshold < self.terms.min_threshold {
            return Err(R::ThresholdBelowPolicy { threshold, minimum: self.terms.min_threshold });
        }
        if rate < self.terms.min_rate {
            return Err(R::RateBelowPolicy { rate, minimum: self.terms.min_rate });
        }
        Ok(())
    }

    /// The rescue as it stands takes pledges until the call can no longer be fulfilled, and misses what is asked.
    pub(super) fn require_rescue(
        &self,
        at: Moment,
        rescue: &Rescue,
        proposal: &Proposal,
        active: super::Standing,
    ) -> Result<(), CompactRefusal> {
        let found = rescue.pledging_view(at.time);
        self.require_deadline(at.time, found)?;
        let rate = at.lido.rate().ok_or(CompactRefusal::RateUnreadable)?;
        let coverage = rescue.view(at).coverage.ok_or(CompactRefusal::RateUnreadable)?;
        let missing = lower_target(found, at.time).checked_sub(coverage).unwrap_or(Wei::ZERO);
        let value = value_down(active.called_down(proposal.bps), rate);
        if missing < value { Err(CompactRefusal::CallTooLarge { value, missing }) } else { Ok(()) }
    }

    fn require_deadline(&self, time: Timestamp, found: PledgingView) -> Result<(), CompactRefusal> {
        let PledgingView { status, deadline, amendment, .. } = found;
        if status != Status::Open || time > deadline {
            return Err(CompactRefusal::NotPledging { status, deadline, time });
        }
        let pending = amendment.filter(|amendment| !amendment.in_force(time));
        let deadline = pending.map_or(deadline, |amendment| amendment.goal.deadline);
        let required = time + u64::from(self.terms.voting_period) + u64::from(self.terms.fulfill_period);
        if deadline < required {
            Err(CompactRefusal::DeadlineTooEarly { deadline, required })
        } else {
            Ok(())
        }
    }
}

/// The latest second at which a rescue may still hold money: after the latest deadline, an unreadable rate can delay
/// settlement by one release window, and what is not collected its end by another.
fn locked_until(rescue: &Terms) -> Timestamp {
    let intervals = u64::from(rescue.tranches.saturating_sub(1)) * u64::from(rescue.tranche_interval);
    let windows = 2 * u64::from(rescue.release_window);
    rescue.latest_deadline.saturating_add(u64::from(rescue.objection_period) + intervals + windows)
}

/// The target in force, or that of a pending amendment, whichever is lower.
fn lower_target(found: PledgingView, time: Timestamp) -> Wei {
    let pending = found.amendment.filter(|amendment| !amendment.in_force(time));
    pending.map_or(found.target, |amendment| found.target.min(amendment.goal.target))
}

fn value_down(asked: Units, rate: crate::units::Rate) -> Wei {
    prorata::shares_value_down(Shares::new(asked.get()), rate)
}
