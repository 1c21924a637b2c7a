//! One escrow: its calls and its views.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
    providers::Provider,
    sol_types::SolCall,
};
use levee_model::{
    Amount, Asset, Operation, PerAsset, Pledge, PledgingView, Position, PositionId, PositionView, Rescue,
    RescueView, Shares, Status, Terms, Units, Wei,
};
use serde::Serialize;

use crate::{
    bindings::{PledgeEscrow, StETH, WstETH},
    call::Call,
    convert,
    edition::Edition,
    error::Error,
    history,
    operation::{Contracts, Transaction},
    router::Permit,
    rpc,
    snapshot::{AccountView, Query, Snapshot},
    terms,
};

/// A client of the escrow at one address, which was verified.
#[derive(Debug, Clone)]
pub struct Escrow<P> {
    provider: P,
    contracts: Contracts,
    edition: Edition,
    original: Terms,
    block: BlockId,
}

/// How much stETH an approval or a permit allows. stETH deducts the value of the shares in the block of the
/// pledge, rounded down, from an allowance. That value is higher after a rebase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Allowance {
    /// The current value of the shares, to the wei: for a pledge that is sent as soon as the approval is
    /// mined. It uses up the allowance, which is 4,800 gas cheaper. If stETH has rebased in between (which
    /// it does once a day), or others' deposits have rounded the value up by a wei, simulation refuses the
    /// pledge before it is sent, and [`Escrow::approval`] gives the new amount.
    Exact,
    /// One percent more: for a pledge that others send, or that waits for signatures or a timelock. Only
    /// the owner can pledge what is left over.
    WithRoom,
}

impl Allowance {
    /// For shares with a current value of `needed`.
    pub(crate) fn of(self, needed: U256) -> U256 {
        match self {
            Self::Exact => needed,
            Self::WithRoom => needed + needed / U256::from(100) + U256::from(1),
        }
    }
}

impl<P: Provider + Clone> Escrow<P> {
    /// Opens the escrow at `address` on the chain `chain_id`, after checking both: the address must follow
    /// from the escrow's code and its original terms. The tokens must be Lido's, where [they are
    /// known](crate::network).
    ///
    /// # Errors
    /// [`Error::WrongChain`], [`Error::NoCode`], [`Error::NotLevee`], [`Error::Counterfeit`],
    /// [`Error::ForeignTokens`], [`Error::Rpc`].
    pub async fn open(provider: P, chain_id: u64, address: Address) -> Result<Self, Error> {
        let snapshot = Query::of(address).read(&provider, Some(chain_id)).await?;
        Ok(Self::of(provider, &snapshot))
    }

    /// The escrow of a snapshot, which has verified it.
    pub fn of(provider: P, snapshot: &Snapshot) -> Self {
        let Snapshot { contracts, edition, ref original, .. } = *snapshot;
        Self { provider, contracts, edition, original: original.clone(), block: BlockId::latest() }
    }

    /// The same escrow, with pledges through the router at `router`.
    #[must_use]
    pub fn through(self, router: Address) -> Self {
        Self { contracts: self.contracts.through(router), ..self }
    }

    /// The same escrow, read at the end of a block instead of the latest.
    #[must_use]
    pub fn at(self, block: impl Into<BlockId>) -> Self {
        Self { block: block.into(), ..self }
    }

    /// Its address.
    pub const fn address(&self) -> Address {
        self.contracts.escrow
    }

    /// Where it and the contracts around it are.
    pub const fn contracts(&self) -> &Contracts {
        &self.contracts
    }

    /// The edition of the contracts that it belongs to, with its pools.
    pub const fn edition(&self) -> Edition {
        self.edition
    }

    /// The provider through which it is reached.
    pub const fn provider(&self) -> &P {
        &self.provider
    }

    /// The original terms, to which its address commits.
    pub const fn original_terms(&self) -> &Terms {
        &self.original
    }

    // ---------------------------------------------------------------------------------------------- views

    /// The rescue as the next call would find it.
    ///
    /// # Errors
    /// [`Error::Rpc`], [`Error::Malformed`].
    pub async fn rescue(&self) -> Result<RescueView, Error> {
        self.read(&PledgeEscrow::rescueCall {}).await?.try_into()
    }

    /// The positions of `pledger` that were ever pledged and not taken out, by tier and asset.
    ///
    /// # Errors
    /// Like [`rescue`](Self::rescue).
    pub async fn positions(&self, pledger: Address) -> Result<Vec<PositionView>, Error> {
        let list = self.read(&PledgeEscrow::positionsCall { pledger }).await?;
        list.iter().map(PositionView::try_from).collect()
    }

    /// A position as booked, with how often it was taken out; empty if there never was one.
    ///
    /// # Errors
    /// Like [`rescue`](Self::rescue); [`Error::Refused`] if there is no such tier.
    pub async fn position(&self, id: PositionId) -> Result<Position, Error> {
        let PositionId { pledger, tier, asset } = id;
        let call = PledgeEscrow::positionCall { pledger, tier, asset: asset as u8 };
        let raw = self.read(&call).await?;
        Ok(Position {
            amount: convert::units(raw._0),
            refunded: convert::units(raw._1),
            objected: raw._2,
            departures: raw._3.to(),
        })
    }

    /// What exits and declines could not pay `pledger`, and can be [collected](Operation::Collect).
    ///
    /// # Errors
    /// Like [`rescue`](Self::rescue).
    pub async fn owed(&self, pledger: Address) -> Result<PerAsset<Units>, Error> {
        let owed = self.read(&PledgeEscrow::owedCall { pledger }).await?;
        Ok(convert::per_asset(owed.map(convert::units)))
    }

    /// What a pledge made now would meet: it must name the amendment that this shows.
    ///
    /// # Errors
    /// Like [`rescue`](Self::rescue).
    pub async fn pledging(&self) -> Result<PledgingView, Error> {
        self.read(&PledgeEscrow::pledgingCall {}).await?.try_into()
    }

    /// The block in which it was created, where its logs begin.
    ///
    /// # Errors
    /// Like [`rescue`](Self::rescue).
    pub async fn created_block(&self) -> Result<u64, Error> {
        Ok(self.read(&PledgeEscrow::recordCall {}).await?.createdBlock.to())
    }

    /// The status as the next call would find it.
    ///
    /// # Errors
    /// Like [`rescue`](Self::rescue).
    pub async fn status(&self) -> Result<Status, Error> {
        convert::status(self.read(&PledgeEscrow::statusCall {}).await?)
    }

    /// The terms, with the target, deadline and terms hash in force now.
    ///
    /// # Errors
    /// Like [`rescue`](Self::rescue).
    pub async fn terms(&self) -> Result<Terms, Error> {
        terms::decode(&self.read(&PledgeEscrow::termsCall {}).await?)
    }

    /// The state rebuilt from the escrow's logs alone, starting with the block that created it.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`], [`Error::Rpc`], [`Error::Malformed`].
    pub async fn history(&self) -> Result<Rescue, Error> {
        let first = self.created_block().await?;
        let entries = history::fetch_at(&self.provider, self.address(), first, self.block).await?;
        history::fold(self.address(), &entries)
    }

    // ---------------------------------------------------------------------------------------------- calls

    /// An operation of the escrow, of one of its pools, or through the [router](Self::through). A pledge names the
    /// amendment that its sender was shown: see [`RescueView::latest_amendment`]. Of a token, see
    /// [`approval`](Self::approval), and for an amount of stETH, [`steth_shares`](Self::steth_shares).
    ///
    /// # Errors
    /// Like [`Contracts::transaction`].
    pub fn call(&self, operation: Operation) -> Result<Call<P>, Error> {
        Ok(self.prepared(self.contracts.transaction(operation)?))
    }

    /// A pledge, through the router with a [permit](crate::Router::permit) of the sender's.
    ///
    /// # Errors
    /// Like [`Contracts::pledge`].
    pub fn pledge(&self, pledge: Pledge, permit: Option<Permit>) -> Result<Call<P>, Error> {
        Ok(self.prepared(self.contracts.pledge(pledge, permit)?))
    }

    /// An amount of stETH in shares, rounded down: what to pledge for it.
    ///
    /// # Errors
    /// [`Error::NoSuchAsset`] if the rescue is ETH-only, [`Error::TokenRefused`], [`Error::Rpc`].
    pub async fn steth_shares(&self, amount: Wei) -> Result<Shares, Error> {
        let call = StETH::getSharesByPooledEthCall { ethAmount: U256::from(amount.get()) };
        let shares = self.read_token(Asset::StEth, &call).await?;
        convert::narrow(shares, "an amount of shares").map(Shares::new)
    }

    /// The approval that `owner`, an account of a snapshot, must give before it can pledge `amount`; `None` if none is
    /// needed.
    ///
    /// For wstETH it is exactly the amount. Allowances of stETH are in stETH, and every rebase raises the
    /// value of the same shares, so `allowance` says when the pledge will follow.
    ///
    /// # Errors
    /// [`Error::NoSuchAsset`] if the rescue is ETH-only, [`Error::Rpc`].
    pub async fn approval(
        &self,
        owner: &AccountView,
        amount: Amount,
        allowance: Allowance,
    ) -> Result<Option<Call<P>>, Error> {
        let spender = self.address();
        match amount {
            Amount::Eth(_) => Ok(None),
            Amount::StEth(shares) => {
                let worth = StETH::getPooledEthBySharesCall { shares: U256::from(shares.get()) };
                let needed = self.read_token(Asset::StEth, &worth).await?;
                let approve = StETH::approveCall { spender, amount: allowance.of(needed) };
                let call = self.token_call(Asset::StEth, &approve)?;
                Ok((!owner.steth.lets_escrow_take(needed)).then_some(call))
            }
            Amount::WstEth(units) => {
                let units = U256::from(units.get());
                let call = self.token_call(Asset::WstEth, &WstETH::approveCall { spender, units })?;
                Ok((!owner.wsteth.lets_escrow_take(units)).then_some(call))
            }
        }
    }

    // ---------------------------------------------------------------------------------------------- internal

    /// A pool may settle the escrow first, and the router calls both.
    fn prepared(&self, transaction: Transaction) -> Call<P> {
        let Contracts { escrow, recovery, bonus, .. } = self.contracts;
        Call::of(self.provider.clone(), transaction, vec![escrow, recovery, bonus])
    }

    fn token_call(&self, asset: Asset, call: &impl SolCall) -> Result<Call<P>, Error> {
        Ok(rpc::token_call(&self.provider, self.token(asset)?, call))
    }

    async fn read<C: SolCall>(&self, call: &C) -> Result<C::Return, Error> {
        rpc::read(&self.provider, self.address(), call, self.block).await
    }

    async fn read_token<C: SolCall>(&self, asset: Asset, call: &C) -> Result<C::Return, Error> {
        rpc::read(&self.provider, self.token(asset)?, call, self.block).await
    }

    fn token(&self, asset: Asset) -> Result<Address, Error> {
        let address = match asset {
            Asset::Eth => Address::ZERO,
            Asset::StEth => self.original.steth,
            Asset::WstEth => self.original.wsteth,
        };
        if address.is_zero() { Err(Error::NoSuchAsset { asset }) } else { Ok(address) }
    }
}
