//! The models of an escrow and its pools together: what does any of their calls do?

use alloy_primitives::Address;

use crate::{
    bonus::BonusBooks,
    books::PositionId,
    lido::{Creation, Moment},
    operation::{Operation, Pledge, Route},
    recovery::RecoveryBooks,
    refusal::{Refusal, Refused},
    rescue::{Payment, Rescue},
    terms::{Terms, TermsError},
};

/// A rescue, and the two pools that look at it.
#[derive(Debug, Clone)]
pub struct Models {
    /// The rescue.
    pub rescue: Rescue,
    /// Its recovery pool.
    pub recovery: RecoveryBooks,
    /// Its bonus pool.
    pub bonus: BonusBooks,
}

impl Models {
    /// Creates the rescue in the escrow at `escrow`, and the pools at `recovery` and `bonus`.
    ///
    /// # Errors
    /// The first rule that the terms violate.
    pub fn open(
        [escrow, recovery, bonus]: [Address; 3],
        terms: Terms,
        creation: Creation,
    ) -> Result<Self, TermsError> {
        let (recovery, bonus) = (RecoveryBooks::new(recovery, &terms), BonusBooks::new(bonus));
        Ok(Self { rescue: Rescue::open(escrow, terms, creation)?, recovery, bonus })
    }

    /// Makes a call as `caller`: what it pays, or why it is refused and has changed nothing.
    ///
    /// # Errors
    /// Those of the rescue's or the pool's own function for the call.
    pub fn play(
        &mut self,
        at: Moment,
        caller: Address,
        operation: Operation,
    ) -> Result<Option<Payment>, Refused> {
        use Operation as O;
        let Self { rescue, recovery, bonus } = self;
        let own = |tier, asset| PositionId { pledger: caller, tier, asset };
        Ok(match operation {
            O::Pledge(pledge) => nothing(self.pledge(at, pledge)?),
            O::Settle => nothing(rescue.settle(at)?),
            O::Expire => nothing(rescue.expire(at)?),
            O::Lapse => nothing(rescue.lapse(at)?),
            O::Release(asset) => Some(rescue.release(at, asset)?),
            O::Refund(id) => Some(rescue.refund(at, id)?),
            O::RefundTo { tier, asset, to } => Some(rescue.refund_to(at, own(tier, asset), to)?),
            O::Exit { tier, asset, to } => rescue.exit(at, own(tier, asset), to)?.payment(),
            O::Decline(id) => rescue.decline(at, caller, id)?.payment(),
            O::Object { tier, asset } => nothing(rescue.object(at, own(tier, asset))?),
            O::Collect { pledger, asset } => Some(rescue.collect(at, pledger, asset)?),
            O::CollectTo { asset, to } => Some(rescue.collect_to(at, caller, asset, to)?),
            O::Amend(goal) => nothing(rescue.amend(at, caller, goal)?),
            O::Cancel => nothing(rescue.cancel(at, caller)?),
            O::Recover(amount) => nothing(recovery.recover(rescue, at.time, amount)?),
            O::Claim(id) => Some(recovery.claim(rescue, id)?),
            O::ClaimTo { tier, asset, to } => Some(recovery.claim_to(rescue, own(tier, asset), to)?),
            O::AddBonus { sponsor, amount } => nothing(bonus.add(rescue, at, sponsor, amount)?),
            O::Enlist(id) => nothing(bonus.enlist(rescue, at, id)?),
            O::ClaimBonus(id) => Some(bonus.claim(rescue, at, id)?),
            O::ClaimBonusTo { tier, asset, to } => Some(bonus.claim_to(rescue, at, own(tier, asset), to)?),
            O::TakeBack { sponsor } => Some(bonus.take_back(rescue, at, caller, sponsor)?),
            O::TakeBackTo { to } => Some(bonus.take_back_to(rescue, at, caller, to)?),
        })
    }

    fn pledge(&mut self, at: Moment, pledge: Pledge) -> Result<(), Refused> {
        let Pledge { amount, amendment, route, .. } = pledge;
        let (id, amount) = (pledge.id(), amount.units());
        let (Route::Router { enlist } | Route::Weth { enlist }) = route else {
            return Ok(self.rescue.pledge(at, id, amendment, amount)?);
        };
        // The router has the asset before the escrow is asked.
        if !at.lido.moves(id.asset) {
            return Err(Refusal::TokenFailed { asset: id.asset }.into());
        }
        let mut rescue = self.rescue.clone();
        rescue.pledge(at, id, amendment, amount)?;
        if enlist {
            self.bonus.enlist(&rescue, at, id)?;
        }
        self.rescue = rescue;
        Ok(())
    }
}

/// What a call pays that pays nothing.
fn nothing<T>(_: T) -> Option<Payment> {
    None
}
