//! One call of the escrow, made on the chain and on the model alike.

use alloy::{primitives::Address, providers::DynProvider};
use eyre::Result;
use levee::{Call, Escrow};
use levee_model::{Asset, Goal, Moment, Payment, PositionId, Refusal, Rescue, Shares, Units, Wei};

/// A call of the escrow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Move {
    Pledge(PositionId, Units),
    Settle,
    Expire,
    Lapse,
    Release(Asset),
    Refund(PositionId),
    Exit(PositionId),
    Object(PositionId),
    Decline(PositionId),
    Cancel,
    Amend(Goal),
}

impl Move {
    /// The call on the chain.
    pub(crate) fn on_chain(self, escrow: &Escrow<DynProvider>) -> Result<Call<DynProvider>> {
        Ok(match self {
            Self::Pledge(PositionId { pledger, tier, asset }, amount) => match asset {
                Asset::Eth => escrow.pledge_eth(pledger, tier, Wei::new(amount.get())),
                Asset::StEth => escrow.pledge_steth(pledger, tier, Shares::new(amount.get())),
                Asset::WstEth => escrow.pledge_wsteth(pledger, tier, amount),
            },
            Self::Settle => escrow.settle(),
            Self::Expire => escrow.expire(),
            Self::Lapse => escrow.lapse(),
            Self::Release(asset) => escrow.release(asset),
            Self::Refund(id) => escrow.refund(id.pledger, id.tier, id.asset),
            Self::Exit(id) => escrow.exit(id.tier, id.asset, id.pledger),
            Self::Object(id) => escrow.object(id.tier, id.asset),
            Self::Decline(id) => escrow.decline(id.pledger, id.tier, id.asset),
            Self::Cancel => escrow.cancel(),
            Self::Amend(goal) => escrow.amend(goal)?,
        })
    }

    /// The call on the model, and what it pays.
    pub(crate) fn on_model(
        self,
        rescue: &mut Rescue,
        at: Moment,
        caller: Address,
    ) -> Result<Option<Payment>, Refusal> {
        let nothing = |()| None;
        match self {
            Self::Pledge(id, amount) => rescue.pledge(at, id, amount).map(nothing),
            Self::Settle => rescue.settle(at).map(|_| None),
            Self::Expire => rescue.expire(at).map(nothing),
            Self::Lapse => rescue.lapse(at).map(nothing),
            Self::Release(asset) => rescue.release(at, asset).map(Some),
            Self::Refund(id) => rescue.refund(at, id).map(Some),
            Self::Exit(id) => rescue.exit(at, id, id.pledger).map(Some),
            Self::Object(id) => rescue.object(at, id).map(nothing),
            Self::Decline(id) => rescue.decline(at, caller, id).map(Some),
            Self::Cancel => rescue.cancel(at, caller).map(nothing),
            Self::Amend(goal) => rescue.amend(at, caller, goal).map(|_| None),
        }
    }

    /// The verb, as a scenario has it.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Pledge(..) => "pledge",
            Self::Settle => "settle",
            Self::Expire => "expire",
            Self::Lapse => "lapse",
            Self::Release(_) => "release",
            Self::Refund(_) => "refund",
            Self::Exit(_) => "exit",
            Self::Object(_) => "object",
            Self::Decline(_) => "decline",
            Self::Cancel => "cancel",
            Self::Amend(_) => "amend",
        }
    }
}
