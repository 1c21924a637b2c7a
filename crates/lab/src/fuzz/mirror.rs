//! What the escrow's views must say, by the model.

use alloy::primitives::Address;
use levee::{PositionView, PotView, RescueView, ShareRate};
use levee_model::{
    Asset, Bps, Goal, Moment, PositionId, Rescue, Settlement, Status, Terms, Timestamp, Wei, prorata,
    schedule,
};

/// The rescue at `at`; `created` are its terms with the tokens' real addresses.
pub(super) fn rescue(rescue: &Rescue, at: Moment, created: &Terms) -> RescueView {
    let found = rescue.settlement(at);
    let stored = found.filter(|_| rescue.stored_status() != Status::Open);
    let Goal { target, deadline, terms_hash } = rescue.goal(at.time);
    let terms = Terms { target, deadline, terms_hash, ..created.clone() };
    RescueView {
        status: rescue.status(at),
        fail_reason: rescue.fail_reason(at),
        amendment: rescue.pending_amendment(at.time),
        pots: pots(rescue, at),
        rate: rate(rescue, at, stored),
        coverage: rescue.coverage(at.lido).ok(),
        threshold_met: threshold_met(rescue, at, target),
        drawn: found.map_or(Wei::ZERO, |settlement| settlement.drawn_value),
        objected: rescue.objected(),
        settled_at: stored.map(|settlement| settlement.settled_at),
        cancelled_at: rescue.cancelled_at(),
        final_at: rescue.final_at(),
        due: rescue.due(at),
        kept: rescue.kept(at),
        delivered: rescue.delivered(),
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

/// As recorded, or now while none is.
fn rate(rescue: &Rescue, at: Moment, stored: Option<Settlement>) -> ShareRate {
    let holds_shares = || pots(rescue, at).iter().any(|pot| pot.asset.is_shares());
    match stored {
        Some(settlement) => settlement.rate.map_or(ShareRate::NotNeeded, ShareRate::Known),
        None if holds_shares() => at.lido.rate().map_or(ShareRate::Unreadable, ShareRate::Known),
        None => ShareRate::NotNeeded,
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

/// None once the rest was stopped, or all is due.
fn next_tranche_at(rescue: &Rescue, at: Moment) -> Option<Timestamp> {
    let settlement = rescue.settlement(at).filter(|_| rescue.status(at) == Status::Settled)?;
    let (terms, due) = (rescue.terms(), rescue.due(at));
    let waits = u64::from(due) * u64::from(terms.tranche_interval);
    (due < terms.tranches).then(|| schedule::first_due(terms, settlement.settled_at) + waits)
}
