//! What a beneficiary is. Levee's receivers are recognized by their code, and proven by their address. What they hold is moved on by
//! calls that anyone can make.

mod event;
mod lending;
mod plan;
mod queue;
mod refusal;
mod state;

use alloy::{primitives::Address, providers::Provider, sol_types::SolCall};
use serde::Serialize;

use crate::{
    bindings::{DebtRepayer, StakedEtherUnwinder},
    blueprint::{Blueprint, Contract},
    edition::Edition,
    error::Error,
    rpc,
};

pub use event::ReceiverEvent;
pub use lending::{Debtor, Reserve, Valued};
pub use plan::{HeldUp, ReceiverCall, ReceiverPlan};
pub use queue::{Finalized, QueueState, QueueTokens, WithdrawalRequest};
pub use refusal::ReceiverError;
pub use state::{HeldToken, ReceiverState, Unwinding};

/// A receiver with its constructor arguments, which fix what it does with a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "receiver", rename_all_fields = "camelCase")]
pub enum Receiver {
    /// Repays a debt in WETH, and forwards anything above it.
    DebtRepayer {
        /// The lending pool.
        #[serde(with = "levee_model::json::Account")]
        pool: Address,
        /// The WETH that it lends.
        #[serde(with = "levee_model::json::Account")]
        weth: Address,
        /// The account whose debt is repaid.
        #[serde(with = "levee_model::json::Account")]
        debtor: Address,
        /// The account that gets anything above the debt.
        #[serde(with = "levee_model::json::Account")]
        rest: Address,
    },
    /// Turns stETH and wstETH into ETH through Lido's withdrawal queue, and forwards it.
    StakedEtherUnwinder {
        /// Lido's withdrawal queue.
        #[serde(with = "levee_model::json::Account")]
        withdrawal_queue: Address,
        /// The account that gets the ETH.
        #[serde(with = "levee_model::json::Account")]
        recipient: Address,
    },
}

impl Receiver {
    /// The receiver at `address`; `None` if there is no code, or it is not a receiver's.
    ///
    /// # Errors
    /// [`Error::Counterfeit`] if it has a receiver's code, but its address does not follow from that and
    /// its arguments: it was then not created through the deployer, and may do anything. [`Error::Rpc`].
    pub async fn at(provider: &impl Provider, address: Address) -> Result<Option<Self>, Error> {
        let code = provider.get_code_at(address).await?;
        let receivers = [Contract::DebtRepayer, Contract::StakedEtherUnwinder];
        let Some(contract) = receivers.into_iter().find(|contract| contract.is_code(&code)) else {
            return Ok(None);
        };
        let receiver = match contract {
            Contract::DebtRepayer => Self::repayer(provider, address).await?,
            _ => Self::unwinder(provider, address).await?,
        };
        let blueprint = receiver.blueprint();
        let is_of = |edition: &Edition| blueprint.clone().in_edition(*edition).address() == address;
        let is_proven = Edition::ALL.iter().any(is_of);
        if is_proven { Ok(Some(receiver)) } else { Err(Error::Counterfeit { contract, address }) }
    }

    /// What it is created from, in the latest edition.
    pub fn blueprint(&self) -> Blueprint {
        match *self {
            Self::DebtRepayer { pool, weth, debtor, rest } => {
                Blueprint::debt_repayer(pool, weth, debtor, rest)
            }
            Self::StakedEtherUnwinder { withdrawal_queue, recipient } => {
                Blueprint::staked_ether_unwinder(withdrawal_queue, recipient)
            }
        }
    }

    async fn repayer(provider: &impl Provider, at: Address) -> Result<Self, Error> {
        Ok(Self::DebtRepayer {
            pool: read(provider, at, &DebtRepayer::poolCall {}).await?,
            weth: read(provider, at, &DebtRepayer::wethCall {}).await?,
            debtor: read(provider, at, &DebtRepayer::debtorCall {}).await?,
            rest: read(provider, at, &DebtRepayer::restCall {}).await?,
        })
    }

    async fn unwinder(provider: &impl Provider, at: Address) -> Result<Self, Error> {
        Ok(Self::StakedEtherUnwinder {
            withdrawal_queue: read(provider, at, &StakedEtherUnwinder::withdrawalQueueCall {}).await?,
            recipient: read(provider, at, &StakedEtherUnwinder::recipientCall {}).await?,
        })
    }
}

/// What was created never changes, so its parts can be read in different blocks.
async fn read<C: SolCall>(provider: &impl Provider, at: Address, call: &C) -> Result<C::Return, Error> {
    rpc::read(provider, at, call, alloy::eips::BlockId::latest()).await
}
