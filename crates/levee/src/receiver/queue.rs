//! Lido's withdrawal queue, as an unwinder of staked ether meets it.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
    providers::Provider,
    sol_types::SolCall,
};
use levee_model::Wei;
use serde::Serialize;

use crate::{convert, error::Error, rpc};
use raw::Queue;

pub(super) mod raw {
    alloy::sol! {
        /// What Levee reads of the queue (Lido core v3.0.2).
        interface Queue {
            struct Status {
                uint256 amountOfStETH;
                uint256 amountOfShares;
                address owner;
                uint256 timestamp;
                bool isFinalized;
                bool isClaimed;
            }

            error ResumedExpected();

            function STETH() external view returns (address);
            function WSTETH() external view returns (address);
            function MIN_STETH_WITHDRAWAL_AMOUNT() external view returns (uint256);
            function MAX_STETH_WITHDRAWAL_AMOUNT() external view returns (uint256);
            function isPaused() external view returns (bool);
            function isBunkerModeActive() external view returns (bool);
            function getLastCheckpointIndex() external view returns (uint256);
            function getWithdrawalRequests(address owner) external view returns (uint256[] memory);
            function getWithdrawalStatus(uint256[] ids) external view returns (Status[] memory);
            function findCheckpointHints(uint256[] ids, uint256 first, uint256 last) external view returns (uint256[] memory);
            function getClaimableEther(uint256[] ids, uint256[] hints) external view returns (uint256[] memory);
        }
    }
}

/// So many requests are asked about at once. Anyone can add requests of any owner, and nodes bound the gas of a call.
const AT_ONCE: usize = 500;

/// The tokens that a queue withdraws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueTokens {
    /// stETH.
    pub steth: Address,
    /// The wstETH that wraps it.
    pub wsteth: Address,
}

/// What an owner has in Lido's withdrawal queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct QueueState {
    /// Whether requests are refused for now. What is finalized can be claimed all the same.
    pub paused: bool,
    /// Whether Lido finalizes later than usual, because of great losses.
    pub bunker_mode: bool,
    /// The least stETH of a request, in wei.
    #[serde(rename = "leastRequestWei")]
    pub least: Wei,
    /// The most stETH of a request, in wei.
    #[serde(rename = "mostRequestWei")]
    pub most: Wei,
    /// The requests that are not claimed, by their IDs.
    pub requests: Vec<WithdrawalRequest>,
}

/// A request to Lido that is not claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WithdrawalRequest {
    /// Its number.
    #[serde(with = "levee_model::json::Number")]
    pub id: U256,
    /// The stETH that was requested, in wei.
    #[serde(rename = "amountWei")]
    pub amount: Wei,
    /// What it pays; null as long as it is not finalized.
    pub finalized: Option<Finalized>,
}

/// What a finalized request pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finalized {
    /// The ETH that it pays: less than was requested after a loss.
    #[serde(rename = "claimableWei")]
    pub claimable: Wei,
    /// The checkpoint of its finalization, which a claim names.
    #[serde(with = "levee_model::json::Number")]
    pub hint: U256,
}

impl QueueTokens {
    /// What the queue at `queue` withdraws; `None` if there is no such queue.
    ///
    /// # Errors
    /// [`Error::Rpc`].
    pub async fn read(
        provider: &impl Provider,
        queue: Address,
        block: BlockId,
    ) -> Result<Option<Self>, Error> {
        let steth = rpc::read_if_known_at(provider, queue, &Queue::STETHCall {}, block).await?;
        let wsteth = rpc::read_if_known_at(provider, queue, &Queue::WSTETHCall {}, block).await?;
        Ok(steth.zip(wsteth).map(|(steth, wsteth)| Self { steth, wsteth }))
    }
}

impl QueueState {
    /// What `owner` has in the queue at `queue`, at a block.
    ///
    /// # Errors
    /// [`Error::Rpc`], [`Error::Malformed`].
    pub async fn read(
        provider: &impl Provider,
        queue: Address,
        owner: Address,
        block: BlockId,
    ) -> Result<Self, Error> {
        let asked = Asked { provider, queue, block };
        let mut ids = asked.read(&Queue::getWithdrawalRequestsCall { owner }).await?;
        // The hints can be asked for in this order only.
        ids.sort_unstable();
        let mut requests = Vec::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            requests.extend(asked.requests(ids).await?);
        }
        Ok(Self {
            paused: asked.read(&Queue::isPausedCall {}).await?,
            bunker_mode: asked.read(&Queue::isBunkerModeActiveCall {}).await?,
            least: convert::wei(asked.read(&Queue::MIN_STETH_WITHDRAWAL_AMOUNTCall {}).await?)?,
            most: convert::wei(asked.read(&Queue::MAX_STETH_WITHDRAWAL_AMOUNTCall {}).await?)?,
            requests,
        })
    }

    /// The requests that can be claimed, each with what it pays.
    pub fn finalized(&self) -> impl Iterator<Item = (U256, Finalized)> + '_ {
        self.requests.iter().filter_map(|request| Some((request.id, request.finalized?)))
    }

    /// How many requests `held` of stETH makes: as many of the most as fit, and one for the rest if it is not too small.
    pub(super) fn requests_of(&self, held: Wei) -> u128 {
        let (held, most) = (held.get(), self.most.get());
        let Some(full) = held.checked_div(most) else { return 0 };
        full + u128::from(held % most >= self.least.get())
    }
}

/// The queue of an owner, at one block.
struct Asked<'a, P> {
    provider: &'a P,
    queue: Address,
    block: BlockId,
}

impl<P: Provider> Asked<'_, P> {
    /// The requests with these IDs, which ascend.
    async fn requests(&self, ids: &[U256]) -> Result<Vec<WithdrawalRequest>, Error> {
        let malformed = Error::Malformed { what: "a list of requests" };
        let statuses = self.read(&Queue::getWithdrawalStatusCall { ids: ids.to_vec() }).await?;
        if statuses.len() != ids.len() {
            return Err(malformed);
        }
        let known = || ids.iter().zip(&statuses);
        let ready: Vec<_> = known().filter(|(_, status)| status.isFinalized).map(|(id, _)| *id).collect();
        let payments = self.payments(&ready).await?;
        if payments.len() != ready.len() {
            return Err(malformed);
        }
        let mut payments = payments.into_iter();
        let request = |(id, status): (&U256, &Queue::Status)| {
            let finalized = if status.isFinalized { payments.next() } else { None };
            Ok(WithdrawalRequest { id: *id, amount: convert::wei(status.amountOfStETH)?, finalized })
        };
        known().map(request).collect()
    }

    /// What these finalized requests pay, whose IDs ascend.
    async fn payments(&self, ids: &[U256]) -> Result<Vec<Finalized>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, first) = (ids.to_vec(), U256::from(1));
        let last = self.read(&Queue::getLastCheckpointIndexCall {}).await?;
        let hints = self.read(&Queue::findCheckpointHintsCall { ids: ids.clone(), first, last }).await?;
        let pays = self.read(&Queue::getClaimableEtherCall { ids, hints: hints.clone() }).await?;
        let finalized = |(hint, pays)| Ok(Finalized { claimable: convert::wei(pays)?, hint });
        hints.into_iter().zip(pays).map(finalized).collect()
    }

    async fn read<C: SolCall>(&self, call: &C) -> Result<C::Return, Error> {
        rpc::read(self.provider, self.queue, call, self.block).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_split_as_the_unwinder_splits_it() {
        let state = |most: u128| QueueState {
            paused: false,
            bunker_mode: false,
            least: Wei::new(100),
            most: Wei::new(most),
            requests: Vec::new(),
        };
        let count = |held| state(1_000).requests_of(Wei::new(held));
        assert_eq!([0, 99, 100, 1_000, 1_099, 1_100, 2_000].map(count), [0, 0, 1, 1, 1, 2, 2]);
        assert_eq!(state(0).requests_of(Wei::new(5)), 0);
    }
}
