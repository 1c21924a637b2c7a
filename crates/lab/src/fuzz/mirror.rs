//! What the escrow's views must say, by the model.

use crate::chain::BLOCK;
use alloy::primitives::Address;
use levee::{PositionView, PotView, RescueView, ShareRate};
use levee_model::{
    Amendment, Asset, Bps, EndReason, Goal, Lido, Moment, PositionId, Rescue, Status, Terms, Timestamp, Wei,
    prorata, schedule,
};

/// The rescue at `at`; `created` are its terms with the tokens' real addresses.
pub(super) fn rescue(rescue: &Rescue, at: Moment, created: &Terms) -> RescueView {
    let found = rescue.settlement(at);
    let stored = found.filter(|_| rescue.stored_status() != Status::Open);
    let Goal { target, deadline, terms_hash } = rescue.goal(at.time);
    let terms = Terms { target, deadline, terms_hash, ..created.clone() };
    let rate = rate(rescue, at);
    RescueView {
        status: rescue.status(at),
        end_reason: rescue.end_reason(at),
        created_block: BLOCK,
        amendment: amendment(rescue, at.time),
        pots: pots(rescue, at),
        rate,
        coverage: rescue.coverage(lido_of(rate)).ok(),
        threshold_met: threshold_met(rescue, at, target),
        drawn: found.map_or(Wei::ZERO, |settlement| settlement.drawn_value),
        objected: rescue.objected(),
        settled_at: stored.map(|settlement| settlement.settled_at),
        cancelled_at: rescue.cancelled_at(),
        lapsed_at: rescue.lapsed_at(),
        final_at: rescue.final_at(),
        due: rescue.due(at),
        kept: rescue.kept(at),
        delivered: rescue.delivered(),
        held: rescue.held(at),
        returns_by_calendar: rescue.returns_by_calendar(),
        next_tranche_at: next_tranche_at(rescue, at),
        terms,
    }
}

/// The positions of one pledger at `at`.
pub(super) fn positions(rescue: &Rescue, at: Moment, pledger: Address) -> Vec<PositionView> {
    let view = |(id, _): (PositionId, _)| PositionView::of_model(id, &rescue.statement(at, id));
    rescue.positions_of(pledger).map(view).collect()
}

fn pots(rescue: &Rescue, at: Moment) -> Vec<PotView> {
    let tiers = 0..rescue.terms().tier_count();
    let all = tiers.flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
    let view = |(tier, asset)| {
        let pot = rescue.pot(at, tier, asset);
        let delivered = prorata::tranches_down(pot.drawn, rescue.delivered()[asset], rescue.terms().tranches);
        PotView { tier, asset, total: pot.total, drawn: pot.drawn, delivered }
    };
    all.map(view).filter(|pot| !pot.total.is_zero()).collect()
}

/// The one proposed last, unless it died with the rescue.
fn amendment(rescue: &Rescue, now: Timestamp) -> Option<Amendment> {
    let effective_at = rescue.latest_amendment();
    let in_force = Amendment { goal: rescue.goal(now), effective_at };
    rescue.pending_amendment(now).or_else(|| (effective_at != 0).then_some(in_force))
}

/// Now while open, then as recorded, where that tells what shares were worth.
fn rate(rescue: &Rescue, at: Moment) -> ShareRate {
    if !pots(rescue, at).iter().any(|pot| pot.asset.is_shares()) {
        return ShareRate::NotNeeded;
    }
    let rate = match (rescue.stored_status(), rescue.end_reason(at)) {
        (Status::Open, _) => at.lido.rate(),
        // Nobody asked what shares are worth, or nobody could say.
        (Status::Failed, Some(EndReason::EndedByGuardian | EndReason::RateUnreadable)) => None,
        _ => rescue.recorded_rate(at),
    };
    rate.map_or(ShareRate::Unreadable, ShareRate::Known)
}

/// The condition of stETH in which it has this rate.
const fn lido_of(rate: ShareRate) -> Lido {
    match rate {
        ShareRate::Known(rate) => Lido::Working(rate),
        ShareRate::NotNeeded | ShareRate::Unreadable => Lido::Broken,
    }
}

/// While open, of the tiers that are covered now; then, of those that settlement chose.
fn threshold_met(rescue: &Rescue, at: Moment, target: Wei) -> Bps {
    if rescue.status(at) != Status::Open {
        return rescue.settlement(at).map_or(Bps::ZERO, |settlement| settlement.threshold);
    }
    let thresholds = rescue.terms().tiers.iter().map(|tier| tier.threshold);
    let met = |&(count, threshold): &(u8, Bps)| {
        let coverage = rescue.coverage_up_to(count, at.lido);
        coverage.is_ok_and(|coverage| coverage >= prorata::required_up(target, threshold))
    };
    (1u8..).zip(thresholds).filter(met).last().map_or(Bps::ZERO, |(_, threshold)| threshold)
}

/// None once all is due, or the rest was stopped and does not go back by the calendar.
fn next_tranche_at(rescue: &Rescue, at: Moment) -> Option<Timestamp> {
    let goes_on = rescue.status(at) == Status::Settled || rescue.returns_by_calendar();
    let settlement = rescue.settlement(at).filter(|_| goes_on)?;
    let (terms, due) = (rescue.terms(), rescue.due(at));
    let waits = u64::from(due) * u64::from(terms.tranche_interval);
    (due < terms.tranches).then(|| schedule::first_due(terms, settlement.settled_at) + waits)
}
