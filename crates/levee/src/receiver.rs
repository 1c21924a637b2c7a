//! What is a beneficiary? Levee's receivers are told by their code, and proven by their address.

use alloy::{primitives::Address, providers::Provider, sol_types::SolCall};

use crate::{
    bindings::{DebtRepayer, StakedEtherUnwinder},
    blueprint::{Blueprint, Contract},
    error::Error,
    rpc,
};

/// A receiver, with what it was created with: what it does with a release is fixed by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// Repays a debt in WETH, and sends on what is above it.
    DebtRepayer {
        /// The lending pool.
        pool: Address,
        /// The WETH that it lends.
        weth: Address,
        /// Whose debt is repaid.
        debtor: Address,
        /// Who gets what is above it.
        rest: Address,
    },
    /// Turns stETH and wstETH into ETH through Lido's withdrawal queue, and forwards it.
    StakedEtherUnwinder {
        /// Lido's withdrawal queue.
        withdrawal_queue: Address,
        /// Who gets the ETH.
        recipient: Address,
    },
}

impl Receiver {
    /// The receiver at `address`; `None` when the code there, if there is any, is no receiver's.
    ///
    /// # Errors
    /// [`Error::Counterfeit`] when it has a receiver's code and its address does not follow from that and what it was
    /// created with: then it was not created through the deployer, and may do anything. [`Error::Rpc`].
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
        let is_proven = receiver.blueprint().address() == address;
        if is_proven { Ok(Some(receiver)) } else { Err(Error::Counterfeit { contract, address }) }
    }

    /// What it is created from.
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

/// What was created stays as it is, so it does not matter in which blocks its parts are read.
async fn read<C: SolCall>(provider: &impl Provider, at: Address, call: &C) -> Result<C::Return, Error> {
    rpc::read(provider, at, call, alloy::eips::BlockId::latest()).await
}
