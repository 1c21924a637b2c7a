//! The bonus pool of one escrow: its views, its events and its refusals.

use alloy::{
    eips::BlockId,
    primitives::{Address, Log, U256},
    providers::Provider,
    sol_types::{SolCall, SolEventInterface, SolInterface},
};
use levee_model::{
    BonusDecision, BonusRefusal, BonusShare, BonusView, Enlistment, PositionId, UnitSeconds, Units, Wei,
    WeiSeconds,
};
use serde::Serialize;

use crate::{
    bindings::BonusPool::{self as Raw, BonusPoolErrors, BonusPoolEvents},
    blueprint::Blueprint,
    convert, error,
    escrow::Escrow,
    rpc,
};

/// A client of the bonus pool of one escrow, whether it was created yet or not: see [`blueprint`](Self::blueprint).
#[derive(Debug, Clone)]
pub struct BonusPool<P> {
    escrow: Escrow<P>,
    blueprint: Blueprint,
    block: BlockId,
}

/// An event of a bonus pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event")]
pub enum BonusEvent {
    /// The pool was created.
    #[serde(rename = "BonusPoolCreated")]
    Created {
        /// The escrow that it serves.
        #[serde(rename = "rescue", with = "levee_model::json::Account")]
        escrow: Address,
    },
    /// Something was added, whoever paid it.
    #[serde(rename = "BonusAdded")]
    Added {
        /// Whose contribution it is.
        #[serde(with = "levee_model::json::Account")]
        sponsor: Address,
        /// How much.
        #[serde(rename = "amountWei")]
        amount: Wei,
    },
    /// What counts of a position was brought up to date.
    Enlisted {
        /// Whose and what.
        #[serde(flatten, with = "levee_model::json::PositionAndUnit")]
        position: PositionId,
        /// What counts of it now.
        #[serde(flatten, with = "levee_model::json::EnlistedAmount")]
        enlistment: Enlistment,
    },
    /// It was decided whose the bonus is.
    #[serde(rename = "BonusDecided")]
    Decided(BonusDecision),
    /// A position was paid its share.
    #[serde(rename = "BonusClaimed")]
    Claimed {
        /// Whose and what.
        #[serde(flatten)]
        position: PositionId,
        /// Where it went.
        #[serde(with = "levee_model::json::Account")]
        recipient: Address,
        /// How much.
        #[serde(rename = "amountWei")]
        amount: Wei,
    },
    /// A contribution, or what was left of it, went back.
    #[serde(rename = "BonusReturned")]
    Returned {
        /// Whose it was.
        #[serde(with = "levee_model::json::Account")]
        sponsor: Address,
        /// Where it went.
        #[serde(with = "levee_model::json::Account")]
        recipient: Address,
        /// How much.
        #[serde(rename = "amountWei")]
        amount: Wei,
    },
}

impl<P: Provider + Clone> BonusPool<P> {
    /// The pool of `escrow`, which [makes its calls](Escrow::call).
    pub fn of(escrow: &Escrow<P>) -> Self {
        let blueprint = Blueprint::bonus_pool(escrow.address()).in_edition(escrow.edition());
        Self { escrow: escrow.clone(), blueprint, block: BlockId::latest() }
    }

    /// The same pool, read at the end of a block instead of the latest.
    #[must_use]
    pub fn at(self, block: impl Into<BlockId>) -> Self {
        Self { block: block.into(), ..self }
    }

    /// Where it is, or will be.
    pub const fn address(&self) -> Address {
        self.escrow.contracts().bonus
    }

    /// To create it with, or to find out whether it is there.
    pub const fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// The books.
    ///
    /// # Errors
    /// [`Error::Rpc`](error::Error::Rpc), [`Error::Malformed`](error::Error::Malformed), also where there is no pool.
    pub async fn bonus(&self) -> Result<BonusView, error::Error> {
        self.read(&Raw::bonusCall {}).await?.try_into()
    }

    /// What a position gets of the bonus.
    ///
    /// # Errors
    /// As [`bonus`](Self::bonus); [`Refusal::UnknownTier`](levee_model::Refusal::UnknownTier).
    pub async fn share_of(&self, id: PositionId) -> Result<BonusShare, error::Error> {
        let PositionId { pledger, tier, asset } = id;
        let view = self.read(&Raw::shareOfCall { pledger, tier, asset: asset as u8 }).await?;
        Ok(BonusShare { share: convert::wei(view.share)?, claimed: view.claimed })
    }

    /// What counts of a position, as it was written last: out of date if the escrow counts more departures of the
    /// [position](Escrow::position).
    ///
    /// # Errors
    /// As [`bonus`](Self::bonus).
    pub async fn enlisted(&self, id: PositionId) -> Result<Enlistment, error::Error> {
        let PositionId { pledger, tier, asset } = id;
        let view = self.read(&Raw::enlistedCall { pledger, tier, asset: asset as u8 }).await?;
        Ok(enlistment(view.departures.to(), convert::units(view.amount), view.unitSeconds))
    }

    /// Whether all of a position counts, and there is something of it.
    ///
    /// # Errors
    /// As [`bonus`](Self::bonus).
    pub async fn has_all_of(&self, id: PositionId) -> Result<bool, error::Error> {
        let position = self.escrow.clone().at(self.block).position(id).await?;
        let enlistment = self.enlisted(id).await?;
        Ok(!position.amount.is_zero()
            && (position.amount, position.departures) == (enlistment.enlisted, enlistment.departures))
    }

    /// What a sponsor has added and not taken back.
    ///
    /// # Errors
    /// As [`bonus`](Self::bonus).
    pub async fn contribution_of(&self, sponsor: Address) -> Result<Wei, error::Error> {
        convert::wei(self.read(&Raw::contributionOfCall { sponsor }).await?)
    }

    async fn read<C: SolCall>(&self, call: &C) -> Result<C::Return, error::Error> {
        rpc::read(self.escrow.provider(), self.address(), call, self.block).await
    }
}

impl TryFrom<Raw::bonusReturn> for BonusView {
    type Error = error::Error;

    fn try_from(view: Raw::bonusReturn) -> Result<Self, error::Error> {
        let decision = BonusDecision {
            bonus: convert::wei(view.total)?,
            pledgers: convert::wei(view.pledgersPart)?,
            rate: convert::rate(view.rate),
            value: WeiSeconds::new(view.value),
        };
        Ok(Self { total: decision.bonus, decision: view.decided.then_some(decision) })
    }
}

impl BonusEvent {
    /// Reads a log of a bonus pool.
    ///
    /// # Errors
    /// [`Error::Malformed`](error::Error::Malformed) when it is no event of a bonus pool.
    pub fn decode(log: &Log) -> Result<Self, error::Error> {
        let malformed = error::Error::Malformed { what: "an event" };
        let raw = BonusPoolEvents::decode_log(log).map_err(|_| malformed)?;
        Ok(match raw.data {
            BonusPoolEvents::BonusPoolCreated(e) => Self::Created { escrow: e.escrow },
            BonusPoolEvents::BonusAdded(e) => {
                Self::Added { sponsor: e.sponsor, amount: convert::wei(e.amount)? }
            }
            BonusPoolEvents::Enlisted(e) => Self::Enlisted {
                position: convert::position(e.pledger, e.tier, e.asset)?,
                enlistment: enlistment(e.departures.to(), convert::units(e.amount), e.unitSeconds),
            },
            BonusPoolEvents::BonusDecided(e) => Self::Decided(BonusDecision {
                bonus: convert::wei(e.bonus)?,
                pledgers: convert::wei(e.pledgersPart)?,
                rate: convert::rate(e.rate),
                value: WeiSeconds::new(e.value),
            }),
            BonusPoolEvents::BonusClaimed(e) => Self::Claimed {
                position: convert::position(e.pledger, e.tier, e.asset)?,
                recipient: e.recipient,
                amount: convert::wei(e.amount)?,
            },
            BonusPoolEvents::BonusReturned(e) => {
                Self::Returned { sponsor: e.sponsor, recipient: e.recipient, amount: convert::wei(e.amount)? }
            }
        })
    }
}

fn enlistment(departures: u32, enlisted: Units, unit_seconds: u128) -> Enlistment {
    Enlistment { departures, enlisted, unit_seconds: UnitSeconds::new(U256::from(unit_seconds)) }
}

/// Reads revert data; `None` when it is no error of a bonus pool.
pub(crate) fn decode_refusal(data: &[u8]) -> Option<BonusRefusal> {
    refusal(BonusPoolErrors::abi_decode_validate(data).ok()?).ok()
}

fn refusal(raw: BonusPoolErrors) -> Result<BonusRefusal, error::Error> {
    Ok(match raw {
        BonusPoolErrors::AddingClosed(e) => BonusRefusal::AddingClosed {
            status: convert::status(e.status)?,
            deadline: convert::time(e.deadline)?,
            time: convert::time(e.time)?,
        },
        BonusPoolErrors::ZeroAmount(_) => BonusRefusal::ZeroAmount,
        BonusPoolErrors::InvalidAccount(e) => BonusRefusal::InvalidAccount { account: e.account },
        BonusPoolErrors::NothingToEnlist(e) => {
            BonusRefusal::NothingToEnlist { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
        }
        BonusPoolErrors::AmountTooLarge(e) => BonusRefusal::AmountTooLarge {
            amount: UnitSeconds::new(e.amount),
            limit: UnitSeconds::new(e.limit),
        },
        BonusPoolErrors::TooEarly(e) => {
            BonusRefusal::TooEarly { limit: convert::time(e.limit)?, time: convert::time(e.time)? }
        }
        BonusPoolErrors::NothingToClaim(e) => {
            BonusRefusal::NothingToClaim { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
        }
        BonusPoolErrors::NothingToTakeBack(e) => BonusRefusal::NothingToTakeBack { sponsor: e.sponsor },
        BonusPoolErrors::PaymentFailed(e) => {
            BonusRefusal::PaymentFailed { recipient: e.recipient, amount: convert::wei(e.amount)? }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::{case, every_error_is_decoded};
    use levee_model::{Asset, Status};

    #[test]
    fn every_error_of_the_pool_keeps_its_facts() {
        use BonusRefusal as R;
        let n = U256::from::<u64>;
        let (pledger, tier, asset) = (Address::repeat_byte(1), n(3), Asset::WstEth as u8);
        let id = PositionId { pledger, tier: 3, asset: Asset::WstEth };
        let cases = [
            case(
                &Raw::AddingClosed { status: 3, deadline: n(5), time: n(6) },
                R::AddingClosed { status: Status::Failed, deadline: 5, time: 6 },
            ),
            case(&Raw::ZeroAmount {}, R::ZeroAmount),
            case(&Raw::InvalidAccount { account: pledger }, R::InvalidAccount { account: pledger }),
            case(&Raw::NothingToEnlist { pledger, tier, asset }, R::NothingToEnlist { id }),
            case(
                &Raw::AmountTooLarge { amount: n(6), limit: n(5) },
                R::AmountTooLarge { amount: UnitSeconds::new(n(6)), limit: UnitSeconds::new(n(5)) },
            ),
            case(&Raw::TooEarly { limit: n(5), time: n(6) }, R::TooEarly { limit: 5, time: 6 }),
            case(&Raw::NothingToClaim { pledger, tier, asset }, R::NothingToClaim { id }),
            case(&Raw::NothingToTakeBack { sponsor: pledger }, R::NothingToTakeBack { sponsor: pledger }),
            case(
                &Raw::PaymentFailed { recipient: pledger, amount: n(5) },
                R::PaymentFailed { recipient: pledger, amount: Wei::new(5) },
            ),
        ];
        every_error_is_decoded(include_str!("../artifacts/BonusPool.json"), &[], &cases, decode_refusal);
    }
}
