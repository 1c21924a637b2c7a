//! One call of the escrow or of a contract around it.

use alloy::primitives::Address;
use levee::{Contract, Declaration, SignedDeclaration};
use levee_model::{Asset, Goal, PositionId, Timestamp, Units, Wei};

use super::action::With;

/// A pledge, and the amendment that its sender knows of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pledge {
    pub(crate) id: PositionId,
    pub(crate) amount: Units,
    pub(crate) with: With,
    /// When that amendment comes into force; 0 for none.
    pub(crate) amendment: Timestamp,
}

/// A call.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    Pledge(Pledge),
    Settle,
    Expire,
    Lapse,
    Release(Asset),
    Refund(PositionId),
    Exit(PositionId),
    Object(PositionId),
    Decline(PositionId),
    /// To the pledger, or by the pledger to another recipient.
    Collect {
        pledger: Address,
        asset: Asset,
        to: Option<Address>,
    },
    Cancel,
    Amend(Goal),
    Recover(Wei),
    Claim(PositionId),
    AddBonus(Wei),
    Enlist(PositionId),
    ClaimBonus(PositionId),
    TakeBack(Address),
    Declare(Declaration),
    /// Signed, and submitted by someone else.
    DeclareFor(SignedDeclaration),
}

impl Move {
    /// The name of the step in a scenario.
    pub(crate) const fn verb(&self) -> &'static str {
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
            Self::Collect { .. } => "collect",
            Self::Cancel => "cancel",
            Self::Amend(_) => "amend",
            Self::Recover(_) => "recover",
            Self::Claim(_) => "claim",
            Self::AddBonus(_) => "bonus add",
            Self::Enlist(_) => "bonus enlist",
            Self::ClaimBonus(_) => "bonus claim",
            Self::TakeBack(_) => "bonus take back",
            Self::Declare(_) | Self::DeclareFor(_) => "declare",
        }
    }

    /// The contract whose errors refuse it.
    pub(crate) const fn contract(&self) -> Contract {
        match self {
            Self::Pledge(pledge) if pledge.with.is_routed() => Contract::PledgeRouter,
            Self::Recover(_) | Self::Claim(_) => Contract::RecoveryPool,
            Self::AddBonus(_) | Self::Enlist(_) | Self::ClaimBonus(_) | Self::TakeBack(_) => {
                Contract::BonusPool
            }
            Self::Declare(_) | Self::DeclareFor(_) => Contract::PledgeBoard,
            _ => Contract::PledgeEscrow,
        }
    }
}
