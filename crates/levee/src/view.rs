//! What an escrow's views say, with units: the rescue and its positions as the next call would find them.

use levee_model::{
    Amendment, Asset, Bps, EndReason, Goal, PerAsset, PositionId, Rate, Statement, Status, Terms, Timestamp,
    Units, Wei, terms::MAX_TIERS,
};

use crate::{bindings::PledgeEscrow, convert, error::Error, terms};

/// What is known of the share rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareRate {
    /// No pot holds shares, so Lido is not asked.
    NotNeeded,
    /// Read now, or recorded when the rescue was decided.
    Known(Rate),
    /// Some pot holds shares, and stETH does not say what they are worth, or nobody asked before the rescue was ended.
    Unreadable,
}

/// One pot: all pledges of one asset into one tier. Amounts are in the asset's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PotView {
    /// Index of the tier.
    pub tier: u8,
    /// Its asset.
    pub asset: Asset,
    /// Pledged; frozen at settlement.
    pub total: Units,
    /// Of that, drawn by settlement.
    pub drawn: Units,
    /// Of that, delivered to the beneficiary, rounded down.
    pub delivered: Units,
}

/// One position: what one pledger has in one pot. Amounts are in the asset's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionView {
    /// Index of the tier.
    pub tier: u8,
    /// Its asset.
    pub asset: Asset,
    /// Pledged.
    pub amount: Units,
    /// Of that, already taken back.
    pub refunded: Units,
    /// What a refund would pay now, rounded down.
    pub refundable: Units,
    /// Its drawn value at the settlement rate, rounded down: what it counts in an objection.
    pub weight: Wei,
    /// Whether it has objected.
    pub objected: bool,
}

/// The whole rescue. Past the deadline it is what settling now would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueView {
    /// The status.
    pub status: Status,
    /// Why it failed, or would now, or what first cancelled it.
    pub end_reason: Option<EndReason>,
    /// The block in which the escrow was created: its logs begin there.
    pub created_block: u64,
    /// The terms, with the target, deadline and terms hash in force now.
    pub terms: Terms,
    /// The amendment proposed last, pending or in force. One that was pending when the rescue failed is forgotten.
    pub amendment: Option<Amendment>,
    /// Every pot that holds something, by tier and asset.
    pub pots: Vec<PotView>,
    /// The rate: while open the one now, then as recorded.
    pub rate: ShareRate,
    /// Value of all pots at that rate; none while the rate cannot be read.
    pub coverage: Option<Wei>,
    /// The highest tier threshold that is met; at settlement, the chosen one; zero for none.
    pub threshold_met: Bps,
    /// The value drawn, at the settlement rate; never more than the target.
    pub drawn: Wei,
    /// The drawn value that has objected.
    pub objected: Wei,
    /// When a call settled it.
    pub settled_at: Option<Timestamp>,
    /// When it was cancelled, by the guardian, a veto or a lapse.
    pub cancelled_at: Option<Timestamp>,
    /// When what was due and not collected was given up.
    pub lapsed_at: Option<Timestamp>,
    /// When `Released` or `Cancelled` became final; none of a failed rescue, which is final at once.
    pub final_at: Option<Timestamp>,
    /// Tranches due by the clock.
    pub due: u8,
    /// Tranches that the beneficiary keeps of each asset; 0 where nothing was drawn.
    pub kept: PerAsset<u8>,
    /// Tranches delivered of each asset.
    pub delivered: PerAsset<u8>,
    /// Tranches of each asset that do not go back yet: those kept, and those that a veto stopped and whose time has not
    /// come.
    pub held: PerAsset<u8>,
    /// Whether what a veto stopped goes back tranche by tranche, at the times at which it would have fallen due.
    pub returns_by_calendar: bool,
    /// When the next tranche falls due, or goes back after a veto; none when none will.
    pub next_tranche_at: Option<Timestamp>,
}

impl RescueView {
    /// The pot of a tier and an asset, if it holds something.
    pub fn pot(&self, tier: u8, asset: Asset) -> Option<PotView> {
        self.pots.iter().find(|pot| pot.tier == tier && pot.asset == asset).copied()
    }

    /// What a pledge has to name, if it is to meet these terms: when the amendment proposed last comes or came into force;
    /// 0 for none.
    pub fn latest_amendment(&self) -> Timestamp {
        latest(self.amendment)
    }

    /// Whether an escrow can say this: so that whoever divides by a target, or looks up a pot's tier, need not doubt.
    fn is_possible(&self) -> bool {
        let tiers = self.terms.tier_count();
        let counts = [self.kept, self.delivered, self.held];
        let in_bounds = |count: u8| count <= self.terms.tranches;
        !self.terms.target.is_zero()
            && (1..=MAX_TIERS).contains(&self.terms.tiers.len())
            && self.terms.tranches > 0
            && self.pots.iter().all(|pot| pot.tier < tiers)
            && in_bounds(self.due)
            && counts.iter().all(|count| Asset::ALL.into_iter().all(|asset| in_bounds(count[asset])))
    }
}

/// What a pledge made now would meet, as it is stored: past the deadline still open, until a call settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PledgingView {
    /// The stored status.
    pub status: Status,
    /// The target in force.
    pub target: Wei,
    /// The deadline in force.
    pub deadline: Timestamp,
    /// The amendment proposed last, pending or in force.
    pub amendment: Option<Amendment>,
}

impl PledgingView {
    /// As [`RescueView::latest_amendment`].
    pub fn latest_amendment(&self) -> Timestamp {
        latest(self.amendment)
    }
}

fn latest(amendment: Option<Amendment>) -> Timestamp {
    amendment.map_or(0, |amendment| amendment.effective_at)
}

impl PositionView {
    /// What the escrow's view must say of a position by the model's statement of it.
    pub const fn of_model(id: PositionId, statement: &Statement) -> Self {
        Self {
            tier: id.tier,
            asset: id.asset,
            amount: statement.pledged,
            refunded: statement.refunded,
            refundable: statement.refundable,
            weight: statement.weight,
            objected: statement.objected,
        }
    }
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
        if view.is_possible() { Ok(view) } else { Err(Error::Malformed { what: "a rescue" }) }
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
