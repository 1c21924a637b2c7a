//! The file format of a walk. Amounts are decimal strings, times are Unix seconds, stETH is in shares.

use alloy::primitives::{Address, B256};
use levee_model::{
    Asset, Goal, Operation, Pledge, PositionId, Rate, RecoveryRefusal, Refusal, Refused, Route as Way,
    Status, Tier, Timestamp, Units, Wei,
};
use serde::{Deserialize, Serialize};

use super::cast::{GUARDIAN, address_of, anyone};

/// Reads a file of walks.
///
/// # Errors
/// What of it is not a walk.
pub fn read(json: &str) -> Result<Vec<Walk>, serde_json::Error> {
    serde_json::from_str(json)
}

/// One walk: a rescue from its creation through many calls, with what each of them did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Walk {
    /// What the walk was made from; its name.
    pub seed: u64,
    /// When the rescue was created.
    pub start: Timestamp,
    /// The share rate at the start.
    pub rate: Rate,
    /// The terms, as far as they matter to the rules.
    pub terms: WalkTerms,
    /// The calls, by rising time.
    pub steps: Vec<Step>,
    /// The books after the last of them.
    #[serde(rename = "final")]
    pub books: Books,
}

/// The terms of a walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WalkTerms {
    /// See [`levee_model::Terms`].
    pub target: Wei,
    /// See [`levee_model::Terms`].
    pub deadline: Timestamp,
    /// See [`levee_model::Terms`].
    pub latest_deadline: Timestamp,
    /// See [`levee_model::Terms`].
    pub tiers: Vec<Tier>,
    /// See [`levee_model::Terms`].
    pub objection_period: u32,
    /// See [`levee_model::Terms`].
    pub veto_bps: u16,
    /// See [`levee_model::Terms`].
    pub tranches: u8,
    /// See [`levee_model::Terms`].
    pub tranche_interval: u32,
    /// See [`levee_model::Terms`].
    pub release_window: u32,
    /// See [`levee_model::Terms`].
    pub exit_window: u32,
    /// Whether there is a guardian.
    pub guardian: bool,
    /// Whether the rescue takes ETH only; all three assets else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub eth_only: bool,
}

/// One call, or one change of the world around the rescue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub t: Timestamp,
    /// What.
    #[serde(flatten)]
    pub op: Op,
    /// Whether the call went through; none for a change of the world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// What it paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pays: Vec<Pay>,
    /// The stored status after it; none for a change of the world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Op {
    /// The share rate changes.
    Rebase {
        /// The new rate.
        rate: Rate,
    },
    /// Every stETH call reverts from now on, or does no more. wstETH moves all the time.
    Break {
        /// Which of the two.
        broken: bool,
    },
    /// A pledge for `who`.
    Pledge {
        /// The pledger.
        who: String,
        /// Into which tier.
        tier: u8,
        /// Of which asset.
        asset: Asset,
        /// How much, in the asset's own unit.
        amount: Units,
        /// Who pays it, if not the pledger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payer: Option<String>,
        /// Which amendment it names, if not that of its moment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        names: Option<Timestamp>,
        /// How it goes through the router, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<Via>,
    },
    /// Anyone settles.
    Settle,
    /// Anyone releases.
    Release {
        /// Which asset.
        asset: Asset,
    },
    /// Anyone has a position refunded; its pledger, if `to` is named.
    Refund {
        /// The pledger.
        who: String,
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
        /// Who gets it, if not the pledger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A pledger leaves.
    Exit {
        /// The pledger.
        who: String,
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
        /// Who gets it, if not the pledger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// The guardian declines a position.
    Decline {
        /// The pledger.
        who: String,
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
    },
    /// Anyone has a pledger paid what is owed of an asset; the pledger itself, if `to` is named.
    Collect {
        /// The pledger.
        who: String,
        /// The asset.
        asset: Asset,
        /// Who gets it, if not the pledger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// The guardian proposes an amendment.
    Amend {
        /// The new target.
        target: Wei,
        /// The new deadline.
        deadline: Timestamp,
    },
    /// The guardian cancels, or somebody tries to.
    Cancel {
        /// Who, if not the guardian.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// A pledger objects.
    Object {
        /// The pledger.
        who: String,
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
    },
    /// Anyone ends what was not collected.
    Lapse,
    /// Anyone ends a rescue that cannot be valued.
    Expire,
    /// A deposit into the recovery pool.
    Recover {
        /// How much.
        amount: Wei,
    },
    /// Anyone has a position's share of what was recovered paid out; its pledger, if `to` is named.
    Claim {
        /// The pledger.
        who: String,
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
        /// Who gets it, if not the pledger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A contribution of `who` to the bonus.
    Add {
        /// The sponsor.
        who: String,
        /// How much.
        amount: Wei,
        /// Who pays it, if not the sponsor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payer: Option<String>,
    },
    /// Anyone updates how much of a position counts for the bonus.
    Enlist {
        /// The pledger.
        who: String,
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
    },
    /// Anyone has a position's part of the bonus paid out; its pledger, if `to` is named.
    Bonus {
        /// The pledger.
        who: String,
        /// The tier.
        tier: u8,
        /// The asset.
        asset: Asset,
        /// Who gets it, if not the pledger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Anyone has a sponsor paid what goes back to it; the sponsor itself, if `own` or if `to` is named.
    TakeBack {
        /// The sponsor.
        who: String,
        /// Whether the sponsor calls.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        own: bool,
        /// Who gets it, if not the sponsor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
}

/// How a pledge goes through the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Via {
    /// How the router gets it from who pays.
    pub route: Route,
    /// Whether the position is enlisted for the bonus in the same transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enlist: bool,
}

/// How the router gets a pledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Route {
    /// ETH is sent; of a token the router has an allowance.
    Plain,
    /// The router unwraps WETH.
    Wrapped,
    /// With a permit of [`SIGNER`](super::SIGNER).
    Permit,
    /// With one that somebody has used before, to be in the way.
    UsedPermit,
    /// With one for another amount than was signed, which gives no allowance.
    FalsePermit,
}

impl Route {
    /// Whether a permit comes with the pledge.
    pub const fn has_permit(self) -> bool {
        matches!(self, Self::Permit | Self::UsedPermit | Self::FalsePermit)
    }
}

impl Via {
    /// The way of a pledge that goes through the router like this; straight to the escrow if it does not.
    fn way(via: Option<Self>) -> Way {
        match via {
            None => Way::Direct,
            Some(Self { route: Route::Wrapped, enlist }) => Way::Weth { enlist },
            Some(Self { enlist, .. }) => Way::Router { enlist },
        }
    }
}

fn id(who: &str, tier: u8, asset: Asset) -> PositionId {
    PositionId { pledger: address_of(who), tier, asset }
}

impl Op {
    /// Whether it is a call, and no change of the world.
    pub const fn is_call(&self) -> bool {
        !matches!(self, Self::Rebase { .. } | Self::Break { .. })
    }

    /// Who makes the call, and which; none for a change of the world. A pledge that names no amendment names `latest`.
    pub fn call(&self, latest: Timestamp) -> Option<(Address, Operation)> {
        use Operation as O;
        let (guardian, anyone) = (address_of(GUARDIAN), anyone());
        Some(match *self {
            Self::Rebase { .. } | Self::Break { .. } => return None,
            Self::Pledge { ref who, tier, asset, amount, names, via, .. } => {
                let (pledger, amount, amendment) =
                    (address_of(who), amount.of(asset), names.unwrap_or(latest));
                let pledge = Pledge { pledger, tier, amount, amendment, route: Via::way(via) };
                (address_of(self.payer().unwrap_or(who)), O::Pledge(pledge))
            }
            Self::Settle => (anyone, O::Settle),
            Self::Release { asset } => (anyone, O::Release(asset)),
            Self::Refund { ref who, tier, asset, to: None } => (anyone, O::Refund(id(who, tier, asset))),
            Self::Refund { ref who, tier, asset, to: Some(ref to) } => {
                (address_of(who), O::RefundTo { tier, asset, to: address_of(to) })
            }
            Self::Exit { ref who, tier, asset, ref to } => {
                let to = address_of(to.as_ref().unwrap_or(who));
                (address_of(who), O::Exit { tier, asset, to })
            }
            Self::Decline { ref who, tier, asset } => (guardian, O::Decline(id(who, tier, asset))),
            Self::Collect { ref who, asset, to: None } => {
                (anyone, O::Collect { pledger: address_of(who), asset })
            }
            Self::Collect { ref who, asset, to: Some(ref to) } => {
                (address_of(who), O::CollectTo { asset, to: address_of(to) })
            }
            Self::Amend { target, deadline } => {
                (guardian, O::Amend(Goal { target, deadline, terms_hash: B256::ZERO }))
            }
            Self::Cancel { ref by } => (by.as_deref().map_or(guardian, address_of), O::Cancel),
            Self::Object { ref who, tier, asset } => (address_of(who), O::Object { tier, asset }),
            Self::Lapse => (anyone, O::Lapse),
            Self::Expire => (anyone, O::Expire),
            Self::Recover { amount } => (anyone, O::Recover(amount)),
            Self::Claim { ref who, tier, asset, to: None } => (anyone, O::Claim(id(who, tier, asset))),
            Self::Claim { ref who, tier, asset, to: Some(ref to) } => {
                (address_of(who), O::ClaimTo { tier, asset, to: address_of(to) })
            }
            Self::Add { ref who, amount, .. } => {
                let sponsor = address_of(who);
                (self.payer().map_or(sponsor, address_of), O::AddBonus { sponsor, amount })
            }
            Self::Enlist { ref who, tier, asset } => (anyone, O::Enlist(id(who, tier, asset))),
            Self::Bonus { ref who, tier, asset, to: None } => (anyone, O::ClaimBonus(id(who, tier, asset))),
            Self::Bonus { ref who, tier, asset, to: Some(ref to) } => {
                (address_of(who), O::ClaimBonusTo { tier, asset, to: address_of(to) })
            }
            Self::TakeBack { ref who, own, to: None } => {
                let sponsor = address_of(who);
                (if own { sponsor } else { anyone }, O::TakeBack { sponsor })
            }
            Self::TakeBack { ref who, to: Some(ref to), .. } => {
                (address_of(who), O::TakeBackTo { to: address_of(to) })
            }
        })
    }

    /// Whether it is a call of the recovery pool.
    pub const fn is_of_pool(&self) -> bool {
        matches!(self, Self::Recover { .. } | Self::Claim { .. })
    }

    /// Whether it is a call of the bonus pool.
    pub const fn is_of_bonus(&self) -> bool {
        matches!(self, Self::Add { .. } | Self::Enlist { .. } | Self::Bonus { .. } | Self::TakeBack { .. })
    }

    /// How it goes through the router, if it does.
    pub const fn via(&self) -> Option<Via> {
        match self {
            Self::Pledge { via, .. } => *via,
            _ => None,
        }
    }

    /// The pledger or the sponsor it names.
    pub fn who(&self) -> Option<&str> {
        match self {
            Self::Pledge { who, .. }
            | Self::Refund { who, .. }
            | Self::Exit { who, .. }
            | Self::Decline { who, .. }
            | Self::Collect { who, .. }
            | Self::Object { who, .. }
            | Self::Claim { who, .. }
            | Self::Add { who, .. }
            | Self::Enlist { who, .. }
            | Self::Bonus { who, .. }
            | Self::TakeBack { who, .. } => Some(who),
            _ => None,
        }
    }

    /// Who pays instead of the pledger or the sponsor.
    pub fn payer(&self) -> Option<&str> {
        match self {
            Self::Pledge { payer, .. } | Self::Add { payer, .. } => payer.as_deref(),
            _ => None,
        }
    }

    /// Who is paid instead of the pledger.
    pub fn recipient(&self) -> Option<&str> {
        match self {
            Self::Refund { to, .. }
            | Self::Exit { to, .. }
            | Self::Collect { to, .. }
            | Self::Claim { to, .. }
            | Self::Bonus { to, .. }
            | Self::TakeBack { to, .. } => to.as_deref(),
            _ => None,
        }
    }

    /// Everyone it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [self.who(), self.payer(), self.recipient()].into_iter().flatten()
    }
}

/// Why a call is refused, as a hint to which of several reasons comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// No pledging now, or, of an amendment, another is pending.
    #[serde(rename = "closed")]
    Closed,
    /// Of settling: an amendment is pending.
    #[serde(rename = "pending")]
    Pending,
    /// Not in this status.
    #[serde(rename = "status")]
    Status,
    /// An amount of zero.
    #[serde(rename = "zero")]
    Zero,
    /// stETH reverts.
    #[serde(rename = "stETH")]
    StEth,
    /// The caller is not the guardian.
    #[serde(rename = "guardian")]
    Guardian,
    /// The amendment is out of bounds.
    #[serde(rename = "amendment")]
    Amendment,
    /// Not enough is covered.
    #[serde(rename = "coverage")]
    Coverage,
    /// No amendment is pending.
    #[serde(rename = "no exit")]
    NoExit,
    /// Nothing in the position.
    #[serde(rename = "nothing")]
    Nothing,
    /// No tranche to deliver.
    #[serde(rename = "nothing due")]
    NothingDue,
    /// Everything is due already.
    #[serde(rename = "late")]
    Late,
    /// Objected before, or nothing drawn.
    #[serde(rename = "objection")]
    Objection,
    /// Too early to lapse.
    #[serde(rename = "early")]
    Early,
    /// The rate can be read.
    #[serde(rename = "readable")]
    Readable,
    /// Nothing was drawn of anybody: of the recovery pool.
    #[serde(rename = "nobody was drawn")]
    NobodyWasDrawn,
}

impl Why {
    /// The word for a refusal of `op`; none for reasons that no walk meets, or that have more than one.
    pub fn of(refused: Refused, op: &Op) -> Option<Self> {
        match refused {
            Refused::ByRescue(refusal) => Self::by_rescue(refusal, op),
            Refused::ByRecovery(refusal) => Self::by_pool(refusal),
            // The recorded walks know no bonus.
            Refused::ByBonus(_) => None,
        }
    }

    fn by_rescue(refusal: Refusal, op: &Op) -> Option<Self> {
        Some(match refusal {
            Refusal::AmendmentPending { .. } if *op == Op::Settle => Self::Pending,
            Refusal::PledgingClosed { .. } | Refusal::AmendmentPending { .. } => Self::Closed,
            Refusal::WrongStatus { .. } | Refusal::NoVeto => Self::Status,
            // To expire too early counts as the wrong status, to lapse too early does not.
            Refusal::TooEarly { .. } if *op == Op::Expire => Self::Status,
            Refusal::TooEarly { .. } => Self::Early,
            Refusal::ZeroAmount => Self::Zero,
            Refusal::TokenFailed { .. } | Refusal::PaymentFailed { .. } | Refusal::RateUnreadable => {
                Self::StEth
            }
            Refusal::NotGuardian { .. } => Self::Guardian,
            Refusal::AmendmentTooLate { .. }
            | Refusal::AmendedDeadlineTooEarly { .. }
            | Refusal::AmendedDeadlineTooLate { .. }
            | Refusal::Terms(_) => Self::Amendment,
            Refusal::CoverageTooLow { .. } => Self::Coverage,
            Refusal::NoExitWindow { .. } => Self::NoExit,
            Refusal::NothingToReturn { .. } | Refusal::NothingOwed { .. } => Self::Nothing,
            Refusal::NothingDue { .. } => Self::NothingDue,
            Refusal::NothingToStop { .. } => Self::Late,
            Refusal::AlreadyObjected { .. } | Refusal::NothingDrawn { .. } => Self::Objection,
            Refusal::RateReadable { .. } | Refusal::RateNotNeeded => Self::Readable,
            Refusal::UnknownTier { .. }
            | Refusal::AssetNotAccepted { .. }
            | Refusal::AmountTooLarge { .. }
            | Refusal::AmendmentDiffers { .. }
            | Refusal::GasTooLow { .. }
            | Refusal::InvalidAccount { .. } => return None,
        })
    }

    const fn by_pool(refusal: RecoveryRefusal) -> Option<Self> {
        Some(match refusal {
            RecoveryRefusal::NotFinal { .. } => Self::Status,
            RecoveryRefusal::ZeroAmount => Self::Zero,
            RecoveryRefusal::NothingDelivered => Self::NobodyWasDrawn,
            RecoveryRefusal::NothingToClaim { .. } => Self::Nothing,
            RecoveryRefusal::NotDrawn { .. }
            | RecoveryRefusal::AmountTooLarge { .. }
            | RecoveryRefusal::InvalidAccount { .. }
            | RecoveryRefusal::PaymentFailed { .. }
            | RecoveryRefusal::ByRescue(_) => return None,
        })
    }
}

/// What a call paid: to whom, in what, how much in the asset's own unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pay(pub String, pub Asset, pub Units);

/// The books after a walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Books {
    /// The stored status.
    pub status: Status,
    /// The target in force.
    pub target: Wei,
    /// The deadline in force.
    pub deadline: Timestamp,
    /// The threshold chosen at settlement.
    pub active_threshold_bps: Option<u16>,
    /// The rate recorded at settlement; in the file 0 if the rescue settled without one.
    #[serde(with = "recorded_rate")]
    pub settlement_rate: Option<Option<Rate>>,
    /// The pots that hold something, by tier and asset.
    pub pots: Vec<PotBook>,
    /// The positions that hold something, by pledger, tier and asset.
    pub positions: Vec<PositionBook>,
    /// What exits and declines could not pay, by pledger and asset.
    pub owed: Vec<OwedBook>,
    /// What the beneficiary received.
    pub beneficiary: Balances,
}

/// One pot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PotBook {
    /// The tier.
    pub tier: u8,
    /// The asset.
    pub asset: Asset,
    /// Pledged in all.
    pub total: Units,
    /// Drawn of that.
    pub drawn: Units,
}

/// One position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionBook {
    /// The pledger.
    pub who: String,
    /// The tier.
    pub tier: u8,
    /// The asset.
    pub asset: Asset,
    /// Pledged.
    pub amount: Units,
    /// Refunded of that.
    pub refunded: Units,
    /// Taken out of the recovery pool.
    pub recovered: Wei,
}

/// What is owed to one pledger of one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwedBook {
    /// The pledger.
    pub who: String,
    /// The asset.
    pub asset: Asset,
    /// How much.
    pub amount: Units,
}

/// An amount of each asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balances {
    /// In wei.
    #[serde(rename = "ETH")]
    pub eth: Units,
    /// In shares.
    #[serde(rename = "stETH")]
    pub steth: Units,
    /// In its own units.
    #[serde(rename = "wstETH")]
    pub wsteth: Units,
}

/// A rate of 0 where a rescue settled without one.
mod recorded_rate {
    use levee_model::Rate;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        rate: &Option<Option<Rate>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        rate.map(|rate| rate.map_or(0, Rate::get).to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<Rate>>, D::Error> {
        match Option::<String>::deserialize(deserializer)?.as_deref() {
            None => Ok(None),
            Some("0") => Ok(Some(None)),
            Some(text) => text.parse().map(|rate| Some(Some(rate))).map_err(de::Error::custom),
        }
    }
}
