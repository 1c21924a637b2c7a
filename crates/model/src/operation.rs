//! The calls of an escrow and of its pools, as data.

use alloy_primitives::Address;
use serde::Serialize;

use crate::{
    amendment::Goal,
    asset::{Amount, Asset},
    books::PositionId,
    json,
    schedule::Timestamp,
    units::Wei,
};

/// A call of an escrow, of one of its pools or of the router, without its caller.
///
/// Where an operation names a tier and an asset only, the position is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "operation")]
pub enum Operation {
    /// Locks a pledge.
    Pledge(Pledge),
    /// Decides the rescue.
    Settle,
    /// Fails a rescue whose shares cannot be valued.
    Expire,
    /// Gives up what was due but not collected in time.
    Lapse,
    /// Delivers what is due of an asset to the beneficiary.
    Release(#[serde(with = "json::OneAsset")] Asset),
    /// Returns to its pledger what a position is owed.
    Refund(PositionId),
    /// Returns to `to` what the caller's position is owed.
    RefundTo {
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
        /// The recipient.
        #[serde(with = "json::Account")]
        to: Address,
    },
    /// Takes out the caller's whole position, to `to`.
    Exit {
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
        /// The recipient.
        #[serde(with = "json::Account")]
        to: Address,
    },
    /// Returns a whole position to its pledger. For the guardian.
    Decline(PositionId),
    /// Objects with the caller's position.
    Object {
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
    },
    /// Pays a pledger what exits and declines could not.
    Collect {
        /// The pledger.
        #[serde(with = "json::Account")]
        pledger: Address,
        /// The asset.
        asset: Asset,
    },
    /// Pays `to` what exits and declines could not pay the caller.
    CollectTo {
        /// The asset.
        asset: Asset,
        /// The recipient.
        #[serde(with = "json::Account")]
        to: Address,
    },
    /// Proposes a new goal. For the guardian.
    Amend(Goal),
    /// Ends an open rescue, stops what is not yet due of a settled one, or lifts the hold of a veto. For the guardian.
    Cancel,
    /// Deposits ETH into the recovery pool.
    Recover(#[serde(with = "json::OneWei")] Wei),
    /// Pays the pledger of a position what it has earned of what was recovered.
    Claim(PositionId),
    /// Pays `to` what the caller's position has earned of what was recovered.
    ClaimTo {
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
        /// The recipient.
        #[serde(with = "json::Account")]
        to: Address,
    },
    /// Adds to the bonus.
    AddBonus {
        /// Whose contribution it is.
        #[serde(with = "json::Account")]
        sponsor: Address,
        /// How much.
        #[serde(rename = "amountWei")]
        amount: Wei,
    },
    /// Brings what counts of a position for the bonus up to date.
    Enlist(PositionId),
    /// Pays the pledger of a position its share of the bonus.
    ClaimBonus(PositionId),
    /// Pays `to` the share of the bonus of the caller's position.
    ClaimBonusTo {
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
        /// The recipient.
        #[serde(with = "json::Account")]
        to: Address,
    },
    /// Returns to a sponsor what is left of its contribution.
    TakeBack {
        /// The sponsor.
        #[serde(with = "json::Account")]
        sponsor: Address,
    },
    /// Returns to `to` what is left of the caller's contribution.
    TakeBackTo {
        /// The recipient.
        #[serde(with = "json::Account")]
        to: Address,
    },
}

/// A pledge, for whose position anyone may pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pledge {
    /// Whose it is.
    #[serde(with = "json::Account")]
    pub pledger: Address,
    /// The tier.
    pub tier: u8,
    /// How much, and of which asset.
    #[serde(flatten)]
    pub amount: Amount,
    /// When the latest amendment that its sender knows of comes into force; 0 for none.
    #[serde(rename = "amendmentUnix", serialize_with = "json::TimeOrNone::serialize")]
    #[cfg_attr(feature = "schema", schemars(with = "json::TimeOrNone"))]
    pub amendment: Timestamp,
    /// How it gets to the escrow.
    #[serde(flatten)]
    pub route: Route,
}

impl Pledge {
    /// The position that it adds to.
    pub const fn id(&self) -> PositionId {
        PositionId { pledger: self.pledger, tier: self.tier, asset: self.amount.asset() }
    }
}

/// How a pledge gets to its escrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "route")]
pub enum Route {
    /// Its sender calls the escrow.
    Direct,
    /// Its sender calls the router, which takes the asset and passes it on.
    Router {
        /// Whether the router also enlists the position for the bonus; if it cannot, the whole call is refused.
        enlist: bool,
    },
    /// Its sender calls the router, which takes WETH and passes on the ETH.
    Weth {
        /// As for [`Router`](Self::Router).
        enlist: bool,
    },
}
