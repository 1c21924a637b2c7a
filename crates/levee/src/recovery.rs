//! The recovery pool of one escrow: its views, its events and its refusals.

use alloy::{
    eips::BlockId,
    primitives::{Address, Log},
    providers::Provider,
    sol_types::{SolCall, SolEventInterface, SolInterface},
};
use levee_model::{Earnings, PositionId, RecoveryGroup, RecoveryRefusal, RecoveryView, Timestamp, Wei};
use serde::Serialize;

use crate::{
    bindings::RecoveryPool::{self as Raw, RecoveryPoolErrors, RecoveryPoolEvents},
    blueprint::Blueprint,
    convert, error,
    escrow::Escrow,
    rpc,
};

/// A client of the recovery pool of one escrow, whether it was created yet or not: see [`blueprint`](Self::blueprint).
#[derive(Debug, Clone)]
pub struct RecoveryPool<P> {
    provider: P,
    blueprint: Blueprint,
    address: Address,
    block: BlockId,
}

/// An event of a recovery pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all_fields = "camelCase")]
pub enum RecoveryEvent {
    /// The pool was created.
    #[serde(rename = "RecoveryPoolCreated")]
    Created {
        /// The escrow that it serves.
        #[serde(rename = "rescue", with = "levee_model::json::Account")]
        escrow: Address,
    },
    /// A deposit.
    Recovered {
        /// Who paid.
        #[serde(with = "levee_model::json::Account")]
        payer: Address,
        /// How much.
        #[serde(rename = "amountWei")]
        amount: Wei,
        /// When.
        #[serde(rename = "recoveredAtUnix")]
        recovered_at: Timestamp,
    },
    /// What a group got of the deposit before.
    Repaid {
        /// Its draw order.
        draw_order: u8,
        /// Interest.
        #[serde(rename = "interestWei")]
        interest: Wei,
        /// Principal.
        #[serde(rename = "principalWei")]
        principal: Wei,
        /// All the rest, which only the lowest group gets.
        #[serde(rename = "restWei")]
        rest: Wei,
    },
    /// A position was paid what it had earned.
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
}

impl<P: Provider + Clone> RecoveryPool<P> {
    /// The pool of `escrow`, which [makes its calls](Escrow::call).
    pub fn of(escrow: &Escrow<P>) -> Self {
        let blueprint = Blueprint::recovery_pool(escrow.address()).in_edition(escrow.edition());
        let (provider, address) = (escrow.provider().clone(), escrow.contracts().recovery);
        Self { provider, address, blueprint, block: BlockId::latest() }
    }

    /// The same pool, read at the end of a block instead of the latest.
    #[must_use]
    pub fn at(self, block: impl Into<BlockId>) -> Self {
        Self { block: block.into(), ..self }
    }

    /// Where it is, or will be.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// To create it with, or to find out whether it is there.
    pub const fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// The waterfall as a deposit would find it now.
    ///
    /// # Errors
    /// [`Error::Rpc`](error::Error::Rpc), [`Error::Malformed`](error::Error::Malformed), also where there is no pool.
    pub async fn recovery(&self) -> Result<RecoveryView, error::Error> {
        self.read(&Raw::recoveryCall {}).await?.try_into()
    }

    /// What a position has earned and had.
    ///
    /// # Errors
    /// As [`recovery`](Self::recovery); [`Refusal::UnknownTier`](levee_model::Refusal::UnknownTier).
    pub async fn earnings(&self, id: PositionId) -> Result<Earnings, error::Error> {
        let PositionId { pledger, tier, asset } = id;
        self.read(&Raw::earningsCall { pledger, tier, asset: asset as u8 }).await?.try_into()
    }

    async fn read<C: SolCall>(&self, call: &C) -> Result<C::Return, error::Error> {
        rpc::read(&self.provider, self.address, call, self.block).await
    }
}

impl TryFrom<Raw::recoveryReturn> for RecoveryView {
    type Error = error::Error;

    fn try_from(view: Raw::recoveryReturn) -> Result<Self, error::Error> {
        let groups: Vec<RecoveryGroup> = view.groups.iter().map(group).collect::<Result<_, _>>()?;
        // A pool received no more ETH than there is; `received` adds it up.
        let fits = groups.iter().try_fold(0u128, |sum, group| sum.checked_add(group.received.get()));
        fits.ok_or(error::Error::Malformed { what: "a waterfall" })?;
        Ok(Self { accrued_at: convert::moment(view.accruedAt), rate: convert::rate(view.rate), groups })
    }
}

impl TryFrom<Raw::earningsReturn> for Earnings {
    type Error = error::Error;

    fn try_from(view: Raw::earningsReturn) -> Result<Self, error::Error> {
        let (earned, claimed) = (convert::wei(view.earned)?, convert::wei(view.claimed)?);
        // What was claimed was earned before; `due` takes it off.
        let is_possible = claimed <= earned;
        is_possible.then_some(Self { earned, claimed }).ok_or(error::Error::Malformed { what: "earnings" })
    }
}

fn group(group: &Raw::GroupView) -> Result<RecoveryGroup, error::Error> {
    Ok(RecoveryGroup {
        order: group.drawOrder,
        rate: convert::bps(group.rateBps),
        value: convert::wei(group.value)?,
        principal: convert::wei(group.principal)?,
        interest: convert::wei(group.interest)?,
        received: convert::wei(group.received)?,
    })
}

impl RecoveryEvent {
    /// Reads a log of a recovery pool.
    ///
    /// # Errors
    /// [`Error::Malformed`](error::Error::Malformed) when it is no event of a recovery pool.
    pub fn decode(log: &Log) -> Result<Self, error::Error> {
        let malformed = error::Error::Malformed { what: "an event" };
        let raw = RecoveryPoolEvents::decode_log(log).map_err(|_| malformed)?;
        Ok(match raw.data {
            RecoveryPoolEvents::RecoveryPoolCreated(e) => Self::Created { escrow: e.escrow },
            RecoveryPoolEvents::Recovered(e) => Self::Recovered {
                payer: e.payer,
                amount: convert::wei(e.amount)?,
                recovered_at: e.recoveredAt.to(),
            },
            RecoveryPoolEvents::Repaid(e) => Self::Repaid {
                draw_order: e.drawOrder,
                interest: convert::wei(e.interest)?,
                principal: convert::wei(e.principal)?,
                rest: convert::wei(e.rest)?,
            },
            RecoveryPoolEvents::Claimed(e) => Self::Claimed {
                position: convert::position(e.pledger, e.tier, e.asset)?,
                recipient: e.recipient,
                amount: convert::wei(e.amount)?,
            },
        })
    }
}

/// Reads revert data; `None` when it is no error of a recovery pool.
pub(crate) fn decode_refusal(data: &[u8]) -> Option<RecoveryRefusal> {
    refusal(RecoveryPoolErrors::abi_decode_validate(data).ok()?).ok()
}

fn refusal(raw: RecoveryPoolErrors) -> Result<RecoveryRefusal, error::Error> {
    Ok(match raw {
        RecoveryPoolErrors::NotFinal(e) => RecoveryRefusal::NotFinal { status: convert::status(e.status)? },
        RecoveryPoolErrors::ZeroAmount(_) => RecoveryRefusal::ZeroAmount,
        RecoveryPoolErrors::NothingDelivered(_) => RecoveryRefusal::NothingDelivered,
        RecoveryPoolErrors::AmountTooLarge(e) => {
            RecoveryRefusal::AmountTooLarge { amount: convert::wei(e.amount)?, limit: convert::wei(e.limit)? }
        }
        RecoveryPoolErrors::NotDrawn(e) => {
            RecoveryRefusal::NotDrawn { tier: convert::narrow(e.tier, "a tier")? }
        }
        RecoveryPoolErrors::NothingToClaim(e) => {
            RecoveryRefusal::NothingToClaim { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
        }
        RecoveryPoolErrors::InvalidAccount(e) => RecoveryRefusal::InvalidAccount { account: e.account },
        RecoveryPoolErrors::PaymentFailed(e) => {
            RecoveryRefusal::PaymentFailed { recipient: e.recipient, amount: convert::wei(e.amount)? }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::{case, every_error_is_decoded};
    use alloy::primitives::U256;
    use levee_model::{Asset, Status};

    #[test]
    fn every_error_of_the_pool_keeps_its_facts() {
        use RecoveryRefusal as R;
        let n = U256::from::<u64>;
        let (pledger, tier, asset) = (Address::repeat_byte(1), n(3), Asset::WstEth as u8);
        let id = PositionId { pledger, tier: 3, asset: Asset::WstEth };
        let cases = [
            case(&Raw::NotFinal { status: 1 }, R::NotFinal { status: Status::Settled }),
            case(&Raw::ZeroAmount {}, R::ZeroAmount),
            case(&Raw::NothingDelivered {}, R::NothingDelivered),
            case(
                &Raw::AmountTooLarge { amount: n(6), limit: n(5) },
                R::AmountTooLarge { amount: Wei::new(6), limit: Wei::new(5) },
            ),
            case(&Raw::NotDrawn { tier }, R::NotDrawn { tier: 3 }),
            case(&Raw::NothingToClaim { pledger, tier, asset }, R::NothingToClaim { id }),
            case(&Raw::InvalidAccount { account: pledger }, R::InvalidAccount { account: pledger }),
            case(
                &Raw::PaymentFailed { recipient: pledger, amount: n(5) },
                R::PaymentFailed { recipient: pledger, amount: Wei::new(5) },
            ),
        ];
        every_error_is_decoded(include_str!("../artifacts/RecoveryPool.json"), &[], &cases, decode_refusal);
    }

    #[test]
    fn earnings_that_no_pool_states_are_refused() {
        let [less, more] = [1, 2].map(U256::from);
        let earnings = |earned, claimed| Earnings::try_from(Raw::earningsReturn { earned, claimed });
        assert_eq!(earnings(more, less).map(Earnings::due), Ok(Wei::new(1)));
        assert_eq!(earnings(less, more), Err(error::Error::Malformed { what: "earnings" }));
    }
}
