//! What a receiver holds, and how it stands with what it serves.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
    providers::Provider,
    sol_types::SolCall,
};
use levee_model::Wei;
use serde::Serialize;

use super::{
    Receiver,
    lending::Debtor,
    queue::{QueueState, QueueTokens},
};
use crate::{
    bindings::{StETH, WETH, WstETH},
    convert,
    error::Error,
    network::Network,
    rpc,
};

/// What a receiver holds, and how it stands with what it serves, at one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReceiverState {
    /// The number of the block.
    pub block: u64,
    /// Its ETH.
    #[serde(rename = "balanceWei")]
    pub balance: Wei,
    /// Its tokens that were asked for, in that order, after those that it serves.
    pub tokens: Vec<HeldToken>,
    /// Of a repayer, the debtor; null if the pool does not tell the debt.
    pub debtor: Option<Debtor>,
    /// Of an unwinder, Lido's withdrawal queue.
    pub queue: Option<Unwinding>,
}

/// A token that a receiver may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeldToken {
    /// The token.
    #[serde(with = "levee_model::json::Account")]
    pub token: Address,
    /// WETH, stETH or wstETH; null for another.
    pub name: Option<&'static str>,
    /// How much of it, in its own unit.
    #[serde(with = "levee_model::json::Number")]
    pub balance: U256,
    /// Whether sending all of it would move anything: stETH moves in shares, and less than one cannot.
    pub movable: bool,
}

/// What an unwinder has in Lido's withdrawal queue, and could put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unwinding {
    /// The stETH that it holds, and that its wstETH unwraps to, at least, in wei.
    #[serde(rename = "requestableWei")]
    pub requestable: Wei,
    /// The queue.
    #[serde(flatten)]
    pub queue: QueueState,
}

impl Receiver {
    /// What the receiver at `at` holds and serves, at the end of block `number`. Of a repayer, which forwards any token, WETH,
    /// Lido's tokens on the chain `chain` and `tokens` are looked at.
    ///
    /// # Errors
    /// [`Error::NotToken`]; [`Error::Rpc`]; [`Error::Malformed`] if the queue is none, or an amount more than there can be.
    pub async fn state(
        &self,
        provider: &impl Provider,
        chain: u64,
        at: Address,
        tokens: &[Address],
        number: u64,
    ) -> Result<ReceiverState, Error> {
        let block = BlockId::number(number);
        let asked = Asked { provider, at, block };
        let balance = convert::wei(provider.get_balance(at).block_id(block).await?)?;
        match *self {
            Self::DebtRepayer { pool, weth, debtor, .. } => {
                let tokens = asked.tokens(&forwarded(chain, weth, tokens)).await?;
                let debtor = Debtor::read(provider, pool, weth, debtor, block).await?;
                Ok(ReceiverState { block: number, balance, tokens, debtor, queue: None })
            }
            Self::StakedEtherUnwinder { withdrawal_queue, .. } => {
                let (tokens, unwinding) = asked.unwinding(withdrawal_queue).await?;
                Ok(ReceiverState { block: number, balance, tokens, debtor: None, queue: Some(unwinding) })
            }
        }
    }
}

impl ReceiverState {
    /// How much it holds of the token with this name; zero if it was not asked for.
    pub fn balance_of(&self, name: &str) -> U256 {
        let named = self.tokens.iter().find(|held| held.name == Some(name));
        named.map_or(U256::ZERO, |held| held.balance)
    }
}

/// The tokens of a repayer, each once, by their names: WETH, which it does not forward, and those that it does.
fn forwarded(chain: u64, weth: Address, others: &[Address]) -> Vec<(Address, Option<&'static str>)> {
    let lido = Network::of(chain).and_then(Network::lido);
    let lido =
        lido.into_iter().flat_map(|(steth, wsteth)| [(steth, Some("stETH")), (wsteth, Some("wstETH"))]);
    let mut all = vec![(weth, Some("WETH"))];
    for (token, name) in lido.chain(others.iter().map(|token| (*token, None))) {
        if all.iter().all(|(known, _)| *known != token) {
            all.push((token, name));
        }
    }
    all
}

/// A receiver, at one block.
struct Asked<'a, P> {
    provider: &'a P,
    at: Address,
    block: BlockId,
}

impl<P: Provider> Asked<'_, P> {
    async fn tokens(&self, tokens: &[(Address, Option<&'static str>)]) -> Result<Vec<HeldToken>, Error> {
        let mut all = Vec::with_capacity(tokens.len());
        for (token, name) in tokens {
            let balance = WETH::balanceOfCall { owner: self.at };
            let balance = rpc::read_if_known_at(self.provider, *token, &balance, self.block).await?;
            let balance = balance.ok_or(Error::NotToken { address: *token })?;
            let shares = StETH::getSharesByPooledEthCall { ethAmount: balance };
            let shares = rpc::read_if_known_at(self.provider, *token, &shares, self.block).await?;
            let movable = !shares.unwrap_or(balance).is_zero();
            all.push(HeldToken { token: *token, name: *name, balance, movable });
        }
        Ok(all)
    }

    async fn unwinding(&self, queue: Address) -> Result<(Vec<HeldToken>, Unwinding), Error> {
        let tokens = QueueTokens::read(self.provider, queue, self.block).await?;
        let QueueTokens { steth, wsteth } = tokens.ok_or(Error::Malformed { what: "the tokens" })?;
        let held = self.tokens(&[(steth, Some("stETH")), (wsteth, Some("wstETH"))]).await?;
        let unwrapped = WstETH::getStETHByWstETHCall { units: held[1].balance };
        let unwrapped = self.read(wsteth, &unwrapped).await?;
        let unwinding = Unwinding {
            requestable: requestable(held[0].balance, unwrapped)?,
            queue: QueueState::read(self.provider, queue, self.at, self.block).await?,
        };
        Ok((held, unwinding))
    }

    async fn read<C: SolCall>(&self, contract: Address, call: &C) -> Result<C::Return, Error> {
        rpc::read(self.provider, contract, call, self.block).await
    }
}

/// The stETH there is once wstETH worth `unwrapped` is unwrapped, at least: what is unwrapped is rounded down to shares, and their
/// worth to wei.
fn requestable(steth: U256, unwrapped: U256) -> Result<Wei, Error> {
    let rounding = U256::from(2);
    convert::wei(steth.saturating_add(unwrapped.saturating_sub(rounding)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_looked_at_once() {
        let [weth, own] = [1, 2].map(Address::repeat_byte);
        let (steth, wsteth) = Network::of(1).and_then(Network::lido).unwrap();
        let expected = [(weth, Some("WETH")), (steth, Some("stETH")), (wsteth, Some("wstETH")), (own, None)];
        assert_eq!(forwarded(1, weth, &[own, weth, steth, own]), expected);
        assert_eq!(forwarded(10, weth, &[steth]), [(weth, Some("WETH")), (steth, None)]);
    }

    #[test]
    fn what_unwrapping_may_lose_is_not_counted_on() {
        let sum = |steth, unwrapped| requestable(U256::from(steth), U256::from(unwrapped)).unwrap().get();
        assert_eq!([sum(5, 0), sum(5, 2), sum(5, 10), sum(0, 1)], [5, 5, 13, 0]);
    }
}
