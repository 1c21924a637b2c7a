//! Everyone who has something in a rescue: what is due to them, and which calls would succeed for them.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use serde::Serialize;

use crate::{
    asset::{Asset, PerAsset},
    books::PositionId,
    lido::Moment,
    models::Models,
    operation::Operation,
    units::{Units, Wei},
    view::{PositionView, RescueView},
};

/// A pledger with a position, or to whom something is owed from an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PledgerView {
    /// The account.
    #[serde(with = "crate::json::Account")]
    pub pledger: Address,
    /// Its positions, by tier and asset.
    pub positions: Vec<PledgerPosition>,
    /// What exits and declines could not pay, in each asset's own unit.
    pub owed: PerAsset<Units>,
    /// What it may do now, or anyone for it: each of these calls would succeed if the asset can be moved and the recipient takes it.
    pub calls: Vec<Operation>,
}

/// A position, with what the pools have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PledgerPosition {
    /// What its view says.
    #[serde(flatten)]
    pub view: PositionView,
    /// What a claim of recovered funds would pay now.
    #[serde(rename = "recoveredDueWei")]
    pub recovered_due: Wei,
    /// What a claim of the bonus would pay now.
    #[serde(rename = "bonusDueWei")]
    pub bonus_due: Wei,
}

impl Models {
    /// Everyone who has something in the rescue, by address.
    pub fn pledgers(&self, at: Moment) -> Vec<PledgerView> {
        self.pledgers_among(at, self.accounts())
    }

    /// What these accounts have in the rescue, in this order.
    pub fn pledgers_among(
        &self,
        at: Moment,
        accounts: impl IntoIterator<Item = Address>,
    ) -> Vec<PledgerView> {
        let (view, decided) = (self.rescue.view(at), self.after_bonus_decision(at));
        accounts.into_iter().map(|pledger| self.pledger(at, &view, decided.as_ref(), pledger)).collect()
    }

    /// The accounts that have something in the rescue, by address.
    pub fn accounts(&self) -> BTreeSet<Address> {
        let with_position = self.rescue.positions().map(|(id, _)| id.pledger);
        let owed = self.rescue.all_owed().map(|(pledger, ..)| pledger);
        with_position.chain(owed).collect()
    }

    /// The models as the first claim of the bonus would leave them; none if it cannot be decided now, or there is none.
    fn after_bonus_decision(&self, at: Moment) -> Option<Self> {
        if self.bonus.total().is_zero() {
            return None;
        }
        let mut after = self.clone();
        after.bonus.decided(&mut after.rescue, at).is_ok().then_some(after)
    }

    fn pledger(
        &self,
        at: Moment,
        view: &RescueView,
        decided: Option<&Self>,
        pledger: Address,
    ) -> PledgerView {
        let position = |view: PositionView| {
            let id = PositionId { pledger, tier: view.tier, asset: view.asset };
            let recovered_due = self.recovery.claimable(&self.rescue, id);
            let bonus_due = decided.map_or(Wei::ZERO, |after| after.bonus.due(&after.rescue, id));
            PledgerPosition { view, recovered_due, bonus_due }
        };
        let positions: Vec<_> = self.rescue.position_views(at, pledger).into_iter().map(position).collect();
        let owed = self.rescue.owed_of(pledger);
        let has_window = self.rescue.pending_amendment(at.time).is_some();
        let of_positions = positions.iter().flat_map(|position| position.calls(pledger, view, has_window));
        let collect = |asset| Operation::Collect { pledger, asset };
        let of_debts = Asset::ALL.into_iter().filter(|asset| !owed[*asset].is_zero()).map(collect);
        let calls = of_positions.chain(of_debts).collect();
        PledgerView { pledger, positions, owed, calls }
    }
}

impl PledgerPosition {
    /// The calls that have something to do for the position of `pledger` in a rescue, while an amendment is pending or not.
    fn calls(&self, pledger: Address, rescue: &RescueView, has_window: bool) -> Vec<Operation> {
        let PositionView { tier, asset, refundable, .. } = self.view;
        let id = PositionId { pledger, tier, asset };
        let calls = [
            (has_window, Operation::Exit { tier, asset, to: pledger }),
            (self.may_object(rescue), Operation::Object { tier, asset }),
            (!refundable.is_zero(), Operation::Refund(id)),
            (!self.recovered_due.is_zero(), Operation::Claim(id)),
            (!self.bonus_due.is_zero(), Operation::ClaimBonus(id)),
        ];
        calls.into_iter().filter_map(|(is_possible, call)| is_possible.then_some(call)).collect()
    }

    fn may_object(&self, rescue: &RescueView) -> bool {
        let has_veto = rescue.terms.veto.get() != 0;
        has_veto && rescue.can_be_stopped() && !self.view.objected && !self.view.weight.is_zero()
    }
}
