//! Reads a rescue with one call that brings its own code, or with plain calls if a node refuses that.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, b256, keccak256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::{SolCall, SolConstructor, SolType, sol_data::FixedBytes},
    transports::{RpcError, TransportErrorKind},
};

use crate::{
    bindings::{
        BonusPool, PledgeEscrow, RecoveryPool,
        RescueLens::{self, AccountReading, PoolReading, PoolShares, Query, Reading, TokenReading},
        StETH, WETH,
    },
    blueprint::Contract,
    error::Error,
    rpc,
};

/// The first word of the lens's result: keccak256("levee.RescueLens.v1").
const READING: B256 = b256!("350fd1de54da8b55dbf7235f77d9e203179cb80084425d549eed3cf3355c7a1f");

/// What the contracts report at the end of a block, unverified.
pub(crate) async fn read(provider: &impl Provider, query: &Query, block: BlockId) -> Result<Reading, Error> {
    match at_once(provider, query, block).await? {
        Some(reading) => Ok(reading),
        None => Piecemeal::read(provider, query, block).await,
    }
}

/// Reads in one request; `None` if the node refuses the call, or answers with anything but a reading.
async fn at_once(provider: &impl Provider, query: &Query, block: BlockId) -> Result<Option<Reading>, Error> {
    let arguments = RescueLens::constructorCall { query: query.clone() }.abi_encode();
    let code = [&RescueLens::BYTECODE[..], &arguments].concat();
    match provider.call(TransactionRequest::default().with_input(code)).block(block).await {
        Ok(answer) => Ok(decode(&answer)),
        // There was no answer, so this is not a refusal.
        Err(error @ RpcError::Transport(TransportErrorKind::Custom(_))) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

fn decode(answer: &[u8]) -> Option<Reading> {
    let (magic, reading) = <(FixedBytes<32>, Reading)>::abi_decode_params_validate(answer).ok()?;
    (magic == READING).then_some(reading)
}

/// The same with plain calls, all at one block.
struct Piecemeal<'a, P> {
    provider: &'a P,
    query: &'a Query,
    block: BlockId,
}

impl<P: Provider> Piecemeal<'_, P> {
    async fn read(provider: &P, query: &Query, block: BlockId) -> Result<Reading, Error> {
        let found = provider.get_block(block).await?.ok_or(Error::Malformed { what: "a block" })?;
        // By its number: some URLs have several nodes behind them, whose latest blocks differ.
        let header = found.header;
        let this = Piecemeal { provider, query, block: BlockId::number(header.number) };
        let code = this.code(query.escrow).await?;
        let mut reading = Reading {
            chainId: U256::from(provider.get_chain_id().await?),
            blockNumber: U256::from(header.number),
            parentHash: header.parent_hash,
            blockTime: U256::from(header.timestamp),
            codeHash: keccak256(&code),
            ..Reading::default()
        };
        // Nothing that another contract answers means anything.
        if Contract::PledgeEscrow.is_code(&code) {
            this.add_answers(&mut reading).await?;
        }
        Ok(reading)
    }

    async fn add_answers(&self, reading: &mut Reading) -> Result<(), Error> {
        let Query { escrow, recoveryPool, bonusPool, account, .. } = *self.query;
        reading.originalTerms = self.ask(escrow, &PledgeEscrow::originalTermsCall {}).await?;
        reading.rescue = self.ask(escrow, &PledgeEscrow::rescueCall {}).await?;
        reading.recoveryPool = self.pool(recoveryPool, &RecoveryPool::recoveryCall {}).await?;
        reading.bonusPool = self.pool(bonusPool, &BonusPool::bonusCall {}).await?;
        let terms = PledgeEscrow::originalTermsCall::abi_decode_returns_validate(&reading.originalTerms);
        if let (false, Ok(terms)) = (account.is_zero(), terms) {
            reading.account = self.account(&terms, reading).await?;
        }
        Ok(())
    }

    async fn pool(&self, address: Address, books: &impl SolCall) -> Result<PoolReading, Error> {
        let code = self.code(address).await?;
        let books = if code.is_empty() { Bytes::new() } else { self.ask(address, books).await? };
        Ok(PoolReading { codeHash: keccak256(code), books })
    }

    async fn account(&self, terms: &PledgeEscrow::Terms, reading: &Reading) -> Result<AccountReading, Error> {
        let Query { escrow, account, weth, .. } = *self.query;
        let positions = self.ask(escrow, &PledgeEscrow::positionsCall { pledger: account }).await?;
        Ok(AccountReading {
            shares: self.shares(&positions, reading).await?,
            positions,
            owed: self.ask(escrow, &PledgeEscrow::owedCall { pledger: account }).await?,
            balance: self.provider.get_balance(account).block_id(self.block).await?,
            stETHShares: self.ask_token(terms.stETH, &StETH::sharesOfCall { account }).await?,
            stETH: self.token(terms.stETH).await?,
            wstETH: self.token(terms.wstETH).await?,
            weth: self.token(weth).await?,
        })
    }

    async fn shares(&self, positions: &[u8], reading: &Reading) -> Result<Vec<PoolShares>, Error> {
        let positions = PledgeEscrow::positionsCall::abi_decode_returns_validate(positions);
        let mut list = Vec::new();
        for position in positions.map_err(|_| Error::Malformed { what: "positions" })? {
            list.push(self.shares_of(position.tier, position.asset, reading).await?);
        }
        Ok(list)
    }

    async fn shares_of(&self, tier: u8, asset: u8, reading: &Reading) -> Result<PoolShares, Error> {
        let Query { escrow, recoveryPool, bonusPool, account: pledger, .. } = *self.query;
        let position = self.view(escrow, &PledgeEscrow::positionCall { pledger, tier, asset }).await?;
        let mut shares = PoolShares { departures: U256::from(position._3), ..Default::default() };
        if is_code(reading.recoveryPool.codeHash) {
            let call = RecoveryPool::earningsCall { pledger, tier, asset };
            let earnings = self.view(recoveryPool, &call).await?;
            (shares.earned, shares.claimed) = (earnings.earned, earnings.claimed);
        }
        if is_code(reading.bonusPool.codeHash) {
            let share = self.view(bonusPool, &BonusPool::shareOfCall { pledger, tier, asset }).await?;
            (shares.bonusShare, shares.bonusClaimed) = (share.share, share.claimed);
            let enlisted = self.view(bonusPool, &BonusPool::enlistedCall { pledger, tier, asset }).await?;
            shares.enlistedDepartures = U256::from(enlisted.departures);
            shares.enlistedAmount = U256::from(enlisted.amount);
            shares.unitSeconds = U256::from(enlisted.unitSeconds);
        }
        Ok(shares)
    }

    async fn token(&self, token: Address) -> Result<TokenReading, Error> {
        let Query { escrow, account: owner, router, .. } = *self.query;
        Ok(TokenReading {
            balance: self.ask_token(token, &WETH::balanceOfCall { owner }).await?,
            escrowAllowance: self.ask_token(token, &WETH::allowanceCall { owner, spender: escrow }).await?,
            routerAllowance: self.ask_token(token, &WETH::allowanceCall { owner, spender: router }).await?,
        })
    }

    async fn code(&self, address: Address) -> Result<Bytes, Error> {
        Ok(self.provider.get_code_at(address).block_id(self.block).await?)
    }

    async fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, Error> {
        rpc::read(self.provider, to, call, self.block).await
    }

    /// The result of a view; empty if it reverts.
    async fn ask(&self, to: Address, call: &impl SolCall) -> Result<Bytes, Error> {
        match rpc::ask(self.provider, to, call, self.block).await.map_err(Error::from) {
            Err(error) if error.is_unanswered() => Err(error),
            answer => Ok(answer.unwrap_or_default()),
        }
    }

    /// The same for a token, which may be broken in any way.
    async fn ask_token(&self, token: Address, call: &impl SolCall) -> Result<Bytes, Error> {
        if token.is_zero() {
            return Ok(Bytes::new());
        }
        match rpc::ask(self.provider, token, call, self.block).await {
            Err(error) if !error.is_error_resp() => Err(error.into()),
            answer => Ok(answer.unwrap_or_default()),
        }
    }
}

/// Whether it is the hash of any code. An unused account has hash zero, and one without code has the hash
/// of no bytes.
pub(crate) fn is_code(hash: B256) -> bool {
    !hash.is_zero() && hash != KECCAK256_EMPTY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_published_one() {
        assert_eq!(READING, keccak256("levee.RescueLens.v1"));
        assert_ne!(READING[0], 0xef, "no code begins so");
    }

    #[test]
    fn only_a_reading_is_taken_for_one() {
        let encoded =
            |magic: B256| <(FixedBytes<32>, Reading)>::abi_encode_params(&(magic, Reading::default()));
        assert_eq!(decode(&encoded(READING)), Some(Reading::default()));
        assert_eq!(decode(&encoded(B256::ZERO)), None);
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(READING.as_slice()), None);
    }
}
