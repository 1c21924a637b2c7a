//! An escrow's views, decoded into the types of the model.

use levee_model::{
    Amendment, Asset, Goal, PledgingView, PositionView, PotView, RescueView, ShareRate, terms::MAX_TIERS,
};

use crate::{bindings::PledgeEscrow, convert, error::Error, terms};

/// Whether an escrow can say this: so that whoever divides by a target, or looks up a pot's tier, need not doubt.
fn is_possible(view: &RescueView) -> bool {
    let terms = &view.terms;
    let counts = [view.kept, view.delivered, view.held];
    let in_bounds = |count: u8| count <= terms.tranches;
    !terms.target.is_zero()
        && (1..=MAX_TIERS).contains(&terms.tiers.len())
        && terms.tranches > 0
        && view.pots.iter().all(|pot| pot.tier < terms.tier_count())
        && in_bounds(view.due)
        && counts.iter().all(|count| Asset::ALL.into_iter().all(|asset| in_bounds(count[asset])))
}

impl TryFrom<PledgeEscrow::RescueView> for RescueView {
    type Error = Error;

    fn try_from(page: PledgeEscrow::RescueView) -> Result<Self, Error> {
        let pots = page.pots.iter().map(PotView::try_from).collect::<Result<_, _>>()?;
        let coverage = Some(convert::wei(page.coverage)?).filter(|_| page.rateReadable);
        let view = Self {
            status: convert::status(page.status)?,
            end_reason: convert::end_reason(page.endReason)?,
            created_block: page.createdBlock.to(),
            terms: terms::decode(&page.terms)?,
            amendment: amendment(&page.amendment)?,
            pots,
            rate: share_rate(&page),
            coverage,
            threshold_met: convert::bps(page.thresholdMetBps),
            drawn: convert::wei(page.drawn)?,
            objected: convert::wei(page.objected)?,
            settled_at: convert::moment(page.settledAt),
            cancelled_at: convert::moment(page.cancelledAt),
            lapsed_at: convert::moment(page.lapsedAt),
            final_at: convert::moment(page.finalAt),
            due: page.due,
            kept: convert::per_asset(page.kept),
            delivered: convert::per_asset(page.delivered),
            held: convert::per_asset(page.held),
            returns_by_calendar: page.returnsByCalendar,
            next_tranche_at: convert::moment(page.nextTrancheAt),
        };
        if is_possible(&view) { Ok(view) } else { Err(Error::Malformed { what: "a rescue" }) }
    }
}

impl TryFrom<PledgeEscrow::PledgingView> for PledgingView {
    type Error = Error;

    fn try_from(view: PledgeEscrow::PledgingView) -> Result<Self, Error> {
        Ok(Self {
            status: convert::status(view.status)?,
            target: convert::wei(view.target)?,
            deadline: view.deadline.to(),
            amendment: amendment(&view.amendment)?,
        })
    }
}

fn share_rate(page: &PledgeEscrow::RescueView) -> ShareRate {
    match convert::rate(page.rate) {
        Some(rate) => ShareRate::Known(rate),
        None if page.rateReadable => ShareRate::NotNeeded,
        None => ShareRate::Unreadable,
    }
}

fn amendment(raw: &PledgeEscrow::Amendment) -> Result<Option<Amendment>, Error> {
    let Some(effective_at) = convert::moment(raw.effectiveAt) else { return Ok(None) };
    let goal =
        Goal { target: convert::wei(raw.target)?, deadline: raw.deadline.to(), terms_hash: raw.termsHash };
    Ok(Some(Amendment { goal, effective_at }))
}

impl TryFrom<&PledgeEscrow::PotView> for PotView {
    type Error = Error;

    fn try_from(pot: &PledgeEscrow::PotView) -> Result<Self, Error> {
        Ok(Self {
            tier: pot.tier,
            asset: convert::asset(pot.asset)?,
            total: convert::units(pot.total),
            drawn: convert::units(pot.drawn),
            delivered: convert::units(pot.delivered),
        })
    }
}

impl TryFrom<&PledgeEscrow::PositionView> for PositionView {
    type Error = Error;

    fn try_from(position: &PledgeEscrow::PositionView) -> Result<Self, Error> {
        Ok(Self {
            tier: position.tier,
            asset: convert::asset(position.asset)?,
            amount: convert::units(position.amount),
            refunded: convert::units(position.refunded),
            refundable: convert::units(position.refundable),
            weight: convert::wei(position.weight)?,
            objected: position.objected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::U256;

    /// The least that an escrow can say.
    fn page() -> PledgeEscrow::RescueView {
        let tier = PledgeEscrow::Tier { thresholdBps: 10_000, ..PledgeEscrow::Tier::default() };
        let target = U256::from(1_000_000_000);
        let terms = PledgeEscrow::Terms { target, tiers: vec![tier], tranches: 2, ..Default::default() };
        PledgeEscrow::RescueView { terms, ..Default::default() }
    }

    #[test]
    fn what_no_escrow_says_is_refused_instead_of_shown() {
        assert!(RescueView::try_from(page()).is_ok());
        let with = |change: fn(&mut PledgeEscrow::RescueView)| {
            let mut page = page();
            change(&mut page);
            RescueView::try_from(page)
        };
        let cases = [
            with(|page| page.terms.target = U256::ZERO),
            with(|page| page.terms.tiers.clear()),
            with(|page| page.terms.tiers = vec![page.terms.tiers[0].clone(); 9]),
            with(|page| page.terms.tranches = 0),
            with(|page| page.pots = vec![PledgeEscrow::PotView { tier: 1, ..Default::default() }]),
            with(|page| page.due = 3),
            with(|page| page.kept[1] = 3),
            with(|page| page.delivered[2] = 3),
            with(|page| page.held[0] = 3),
        ];
        for case in cases {
            assert_eq!(case, Err(Error::Malformed { what: "a rescue" }));
        }
    }
}
