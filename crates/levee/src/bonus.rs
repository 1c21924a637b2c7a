//! The bonus pool of one escrow: its calls, its views, its events and its refusals.

use std::fmt;

use alloy::{
    eips::BlockId,
    primitives::{Address, Log},
    providers::Provider,
    sol_types::{SolCall, SolEventInterface, SolInterface},
};
use levee_model::{PositionId, Rate, Status, Timestamp, Wei};
use thiserror::Error;

use crate::{
    bindings::BonusPool::{self as Raw, BonusPoolErrors, BonusPoolEvents},
    blueprint::{Blueprint, Contract},
    call::Call,
    convert,
    display::{ether, utc},
    error,
    escrow::Escrow,
    rpc,
};

/// A client of the bonus pool of one escrow, whether it was created yet or not: see [`blueprint`](Self::blueprint).
#[derive(Debug, Clone)]
pub struct BonusPool<P> {
    provider: P,
    blueprint: Blueprint,
    address: Address,
    escrow: Address,
}

/// Whose the bonus is. Decided once, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BonusFor {
    /// The rescue is open, or nobody has asked since it ended.
    Undecided,
    /// The rescue failed: pledgers share it.
    Pledgers,
    /// Everyone takes back what they added.
    Sponsors,
}

/// The books of a bonus pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BonusView {
    /// Whose the bonus is.
    pub whose: BonusFor,
    /// What was added and not taken back; what pledgers claim is part of it.
    pub total: Wei,
    /// The rate that values the pledges, if the bonus is theirs and they have shares.
    pub rate: Option<Rate>,
    /// The value of all pledges at that rate; zero unless the bonus is theirs.
    pub value: Wei,
}

/// What a position gets of the bonus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BonusShare {
    /// How much, rounded down; zero unless it is decided and the pledgers'.
    pub share: Wei,
    /// Whether it has had it.
    pub claimed: bool,
}

/// An event of a bonus pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BonusEvent {
    /// The pool was created.
    Created {
        /// The escrow that it serves.
        escrow: Address,
    },
    /// Something was added, whoever paid it.
    Added {
        /// Whose contribution it is.
        sponsor: Address,
        /// How much.
        amount: Wei,
    },
    /// It was decided whose the bonus is.
    Decided {
        /// Whose.
        whose: BonusFor,
        /// The rate that values the pledges, if it is theirs and they have shares.
        rate: Option<Rate>,
        /// The value of all pledges at that rate; zero unless it is theirs.
        value: Wei,
    },
    /// A position was paid its share.
    Claimed {
        /// Whose and what.
        position: PositionId,
        /// Where it went.
        recipient: Address,
        /// How much.
        amount: Wei,
    },
    /// A contribution went back.
    Returned {
        /// Whose it was.
        sponsor: Address,
        /// Where it went.
        recipient: Address,
        /// How much.
        amount: Wei,
    },
}

/// An error of the bonus pool, one variant for each, under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BonusError {
    /// By add: the rescue is not open or its deadline has passed.
    #[error("nothing can be added: the rescue is {status}, its deadline is {} and it is {}", utc(*.deadline), utc(*.time))]
    AddingClosed {
        /// The stored status.
        status: Status,
        /// The deadline in force.
        deadline: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// Nothing is added.
    #[error("a bonus of nothing is refused")]
    ZeroAmount,
    /// The sponsor or the recipient is zero or the pool.
    #[error("`{account}` can neither sponsor nor receive")]
    InvalidAccount {
        /// The account.
        account: Address,
    },
    /// By claim when the bonus is the sponsors', and by taking back when it is the pledgers'.
    #[error("the bonus belongs to the {whose}")]
    WrongOutcome {
        /// Whose it is.
        whose: BonusFor,
    },
    /// A share was paid before, or is worth no wei.
    #[error("there is no bonus to claim for the {} of `{}` in tier {}", .id.asset, .id.pledger, .id.tier)]
    NothingToClaim {
        /// The position.
        id: PositionId,
    },
    /// A sponsor has nothing in the pool.
    #[error("`{sponsor}` has nothing in the bonus pool")]
    NothingToTakeBack {
        /// The sponsor.
        sponsor: Address,
    },
    /// The share rate cannot be read, and it is too early to do without it.
    #[error("stETH does not say what its shares are worth; the bonus waits for it up to {}, and it is {}", utc(*.limit), utc(*.time))]
    RateUnreadable {
        /// The last second of waiting.
        limit: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// The rate was not read, and too little gas is left for that to prove anything.
    #[error("{left} gas is not enough, {required} gas is needed")]
    GasTooLow {
        /// What was left.
        left: u64,
        /// What must be.
        required: u64,
    },
    /// The recipient does not take the ETH.
    #[error("`{recipient}` could not be paid {}", ether(*.amount))]
    PaymentFailed {
        /// Who was to be paid.
        recipient: Address,
        /// How much.
        amount: Wei,
    },
}

impl BonusFor {
    fn from_number(number: u8) -> Result<Self, error::Error> {
        match number {
            0 => Ok(Self::Undecided),
            1 => Ok(Self::Pledgers),
            2 => Ok(Self::Sponsors),
            _ => Err(error::Error::Malformed { what: "an owner of a bonus" }),
        }
    }
}

impl fmt::Display for BonusFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undecided => "undecided",
            Self::Pledgers => "pledgers",
            Self::Sponsors => "sponsors",
        })
    }
}

impl<P: Provider + Clone> BonusPool<P> {
    /// The pool of `escrow`.
    pub fn of(escrow: &Escrow<P>) -> Self {
        let blueprint = Blueprint::bonus_pool(escrow.address());
        let (provider, address) = (escrow.provider().clone(), blueprint.address());
        Self { provider, address, blueprint, escrow: escrow.address() }
    }

    /// Where it is, or will be.
    pub const fn address(&self) -> Address {
        self.address
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
        let view = self.read(&Raw::bonusCall {}).await?;
        Ok(BonusView {
            whose: BonusFor::from_number(view._0)?,
            total: convert::wei(view._1)?,
            rate: convert::rate(view._2),
            value: convert::wei(view._3)?,
        })
    }

    /// What a position gets of the bonus.
    ///
    /// # Errors
    /// As [`bonus`](Self::bonus); [`EscrowError::UnknownTier`](crate::EscrowError::UnknownTier).
    pub async fn share_of(&self, id: PositionId) -> Result<BonusShare, error::Error> {
        let PositionId { pledger, tier, asset } = id;
        let view = self.read(&Raw::shareOfCall { pledger, tier, asset: asset as u8 }).await?;
        Ok(BonusShare { share: convert::wei(view.share)?, claimed: view.claimed })
    }

    /// What a sponsor has in the pool; zero once it has taken it back.
    ///
    /// # Errors
    /// As [`bonus`](Self::bonus).
    pub async fn contribution_of(&self, sponsor: Address) -> Result<Wei, error::Error> {
        convert::wei(self.read(&Raw::contributionOfCall { sponsor }).await?)
    }

    /// Adds ETH as the contribution of `sponsor`.
    pub fn add(&self, sponsor: Address, amount: Wei) -> Call<P> {
        self.call(&Raw::addCall { sponsor }).paying(amount)
    }

    /// Pays the pledger of a position its share, once.
    pub fn claim(&self, id: PositionId) -> Call<P> {
        let PositionId { pledger, tier, asset } = id;
        self.call(&Raw::claimCall { pledger, tier, asset: asset as u8 })
    }

    /// Pays `recipient` the share of a position of the sender's. The pledger of `id` must be the sender.
    pub fn claim_to(&self, id: PositionId, recipient: Address) -> Call<P> {
        let PositionId { tier, asset, .. } = id;
        self.call(&Raw::claimToCall { tier, asset: asset as u8, recipient })
    }

    /// Returns to `sponsor` all that it added. While an amendment is pending only the sponsor itself may call.
    pub fn take_back(&self, sponsor: Address) -> Call<P> {
        self.call(&Raw::takeBackCall { sponsor })
    }

    /// Returns to `recipient` all that the sender added.
    pub fn take_back_to(&self, recipient: Address) -> Call<P> {
        self.call(&Raw::takeBackToCall { recipient })
    }

    /// A call may settle the escrow first, whose events come before the pool's.
    fn call(&self, call: &impl SolCall) -> Call<P> {
        Call::new(self.provider.clone(), Contract::BonusPool, self.address, call)
            .telling(vec![self.escrow, self.address])
    }

    async fn read<C: SolCall>(&self, call: &C) -> Result<C::Return, error::Error> {
        rpc::read(&self.provider, self.address, call, BlockId::latest()).await
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
            BonusPoolEvents::BonusDecided(e) => Self::Decided {
                whose: BonusFor::from_number(e.whose)?,
                rate: convert::rate(e.rate),
                value: convert::wei(e.value)?,
            },
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

impl BonusError {
    /// Reads revert data; `None` when it is no error of the pool.
    pub fn decode(data: &[u8]) -> Option<Self> {
        Self::of(BonusPoolErrors::abi_decode_validate(data).ok()?).ok()
    }

    fn of(raw: BonusPoolErrors) -> Result<Self, error::Error> {
        Ok(match raw {
            BonusPoolErrors::AddingClosed(e) => Self::AddingClosed {
                status: convert::status(e.status)?,
                deadline: convert::time(e.deadline)?,
                time: convert::time(e.time)?,
            },
            BonusPoolErrors::ZeroAmount(_) => Self::ZeroAmount,
            BonusPoolErrors::InvalidAccount(e) => Self::InvalidAccount { account: e.account },
            BonusPoolErrors::WrongOutcome(e) => Self::WrongOutcome { whose: BonusFor::from_number(e.whose)? },
            BonusPoolErrors::NothingToClaim(e) => {
                Self::NothingToClaim { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
            }
            BonusPoolErrors::NothingToTakeBack(e) => Self::NothingToTakeBack { sponsor: e.sponsor },
            BonusPoolErrors::RateUnreadable(e) => {
                Self::RateUnreadable { limit: convert::time(e.limit)?, time: convert::time(e.time)? }
            }
            BonusPoolErrors::GasTooLow(e) => Self::GasTooLow {
                left: convert::narrow(e.left, "gas")?,
                required: convert::narrow(e.required, "gas")?,
            },
            BonusPoolErrors::PaymentFailed(e) => {
                Self::PaymentFailed { recipient: e.recipient, amount: convert::wei(e.amount)? }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::every_error_has_its_variant;

    #[test]
    fn every_error_of_the_pool_has_its_variant() {
        every_error_has_its_variant(include_str!("../artifacts/BonusPool.json"), 9, BonusError::decode);
    }

    #[test]
    fn an_error_is_one_sentence_with_values() {
        let error = BonusError::RateUnreadable { limit: 1_785_542_400, time: 1_785_542_399 };
        let text = "stETH does not say what its shares are worth; the bonus waits for it up to 2026-08-01T00:00:00Z, \
                    and it is 2026-07-31T23:59:59Z";
        assert_eq!(error.to_string(), text);
        let whose = BonusFor::Sponsors;
        assert_eq!(BonusError::WrongOutcome { whose }.to_string(), "the bonus belongs to the sponsors");
    }
}
