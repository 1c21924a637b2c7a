//! One escrow: its calls and its views.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256, Uint},
    providers::Provider,
    sol_types::SolCall,
};
use levee_model::{Asset, Goal, Shares, Status, Terms, Units, Wei};

use crate::{
    bindings::{PledgeEscrow, StETH, WstETH},
    blueprint::Contract,
    call::Call,
    convert,
    error::Error,
    history::{self, History},
    provider::check_chain,
    rpc, terms,
    view::{PositionView, RescueView},
};

/// A client of the escrow at one address.
#[derive(Debug, Clone)]
pub struct Escrow<P> {
    provider: P,
    address: Address,
    steth: Address,
    wsteth: Address,
}

impl<P: Provider + Clone> Escrow<P> {
    /// Opens the escrow at `address` on the chain `chain_id`, after checking that both are what they should be.
    ///
    /// # Errors
    /// [`Error::WrongChain`], [`Error::NoCode`], [`Error::NotLevee`], [`Error::Rpc`].
    pub async fn open(provider: P, chain_id: u64, address: Address) -> Result<Self, Error> {
        check_chain(&provider, chain_id).await?;
        Contract::PledgeEscrow.verify(&provider, address).await?;
        let raw = rpc::read(&provider, address, &PledgeEscrow::termsCall {}, BlockId::latest()).await?;
        Ok(Self { provider, address, steth: raw.stETH, wsteth: raw.wstETH })
    }

    /// Where it is.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The provider that it is reached through.
    pub const fn provider(&self) -> &P {
        &self.provider
    }

    // ---------------------------------------------------------------------------------------------- views

    /// The rescue as the next call would find it.
    ///
    /// # Errors
    /// [`Error::Rpc`], [`Error::Malformed`].
    pub async fn rescue(&self) -> Result<RescueView, Error> {
        self.rescue_at(BlockId::latest()).await
    }

    /// The same at the end of a block.
    ///
    /// # Errors
    /// As [`rescue`](Self::rescue).
    pub async fn rescue_at(&self, block: BlockId) -> Result<RescueView, Error> {
        self.read(&PledgeEscrow::rescueCall {}, block).await?.try_into()
    }

    /// The positions of `pledger` that were ever pledged and not taken out, by tier and asset.
    ///
    /// # Errors
    /// As [`rescue`](Self::rescue).
    pub async fn positions(&self, pledger: Address) -> Result<Vec<PositionView>, Error> {
        self.positions_at(pledger, BlockId::latest()).await
    }

    /// The same at the end of a block.
    ///
    /// # Errors
    /// As [`rescue`](Self::rescue).
    pub async fn positions_at(&self, pledger: Address, block: BlockId) -> Result<Vec<PositionView>, Error> {
        let list = self.read(&PledgeEscrow::positionsCall { pledger }, block).await?;
        list.iter().map(PositionView::try_from).collect()
    }

    /// The status as the next call would find it.
    ///
    /// # Errors
    /// As [`rescue`](Self::rescue).
    pub async fn status(&self) -> Result<Status, Error> {
        convert::status(self.read(&PledgeEscrow::statusCall {}, BlockId::latest()).await?)
    }

    /// The terms, with the target, deadline and terms hash in force now.
    ///
    /// # Errors
    /// As [`rescue`](Self::rescue).
    pub async fn terms(&self) -> Result<Terms, Error> {
        terms::decode(&self.read(&PledgeEscrow::termsCall {}, BlockId::latest()).await?)
    }

    /// The state rebuilt from the escrow's logs alone, from block `from_block`, which must not be after its creation.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`], [`Error::Rpc`], [`Error::Malformed`].
    pub async fn history(&self, from_block: u64) -> Result<History, Error> {
        History::of(self.address, &history::fetch(&self.provider, self.address, from_block).await?)
    }

    // ---------------------------------------------------------------------------------------------- pledging

    /// Pledges ETH into `tier`, in the name of `pledger`.
    pub fn pledge_eth(&self, pledger: Address, tier: u8, amount: Wei) -> Call<P> {
        let call = PledgeEscrow::pledgeETHCall { pledger, tier };
        self.call(&call).paying(amount)
    }

    /// Pledges shares of the sender's stETH; see [`steth_shares`](Self::steth_shares) and [`approval`](Self::approval).
    pub fn pledge_steth(&self, pledger: Address, tier: u8, shares: Shares) -> Call<P> {
        self.call(&PledgeEscrow::pledgeStETHCall { pledger, tier, shares: U256::from(shares.get()) })
    }

    /// Pledges the sender's wstETH, in its own unit; see [`approval`](Self::approval).
    pub fn pledge_wsteth(&self, pledger: Address, tier: u8, amount: Units) -> Call<P> {
        self.call(&PledgeEscrow::pledgeWstETHCall { pledger, tier, amount: U256::from(amount.get()) })
    }

    /// The shares that an amount of stETH is, rounded down: what to pledge for it.
    ///
    /// # Errors
    /// [`Error::NoSuchAsset`] when the rescue is in ETH only, [`Error::TokenRefused`], [`Error::Rpc`].
    pub async fn steth_shares(&self, amount: Wei) -> Result<Shares, Error> {
        let call = StETH::getSharesByPooledEthCall { ethAmount: U256::from(amount.get()) };
        let shares = self.read_token(Asset::StEth, &call).await?;
        convert::narrow(shares, "an amount of shares").map(Shares::new)
    }

    /// The approval that `owner` must give before it can pledge `amount` of `asset`; `None` when none is needed.
    ///
    /// Of wstETH it is exactly the amount. Allowances of stETH are in stETH, of which the same shares become more with
    /// every rebase, so it is a hundredth more than they are worth now; what is left over can only be pledged by its
    /// owner.
    ///
    /// # Errors
    /// [`Error::NoSuchAsset`] when the rescue is in ETH only, [`Error::Rpc`].
    pub async fn approval(
        &self,
        owner: Address,
        asset: Asset,
        amount: Units,
    ) -> Result<Option<Call<P>>, Error> {
        match asset {
            Asset::Eth => Ok(None),
            Asset::StEth => self.steth_approval(owner, amount).await,
            Asset::WstEth => self.wsteth_approval(owner, amount).await,
        }
    }

    async fn steth_approval(&self, owner: Address, shares: Units) -> Result<Option<Call<P>>, Error> {
        let spender = self.address;
        let worth = StETH::getPooledEthBySharesCall { shares: U256::from(shares.get()) };
        let needed = self.read_token(Asset::StEth, &worth).await?;
        let allowed = self.read_token(Asset::StEth, &StETH::allowanceCall { owner, spender }).await?;
        if allowed >= needed {
            return Ok(None);
        }
        let amount = with_room(needed);
        self.token_call(Asset::StEth, &StETH::approveCall { spender, amount }).map(Some)
    }

    async fn wsteth_approval(&self, owner: Address, amount: Units) -> Result<Option<Call<P>>, Error> {
        let (spender, units) = (self.address, U256::from(amount.get()));
        let allowed = self.read_token(Asset::WstEth, &WstETH::allowanceCall { owner, spender }).await?;
        if allowed >= units {
            return Ok(None);
        }
        self.token_call(Asset::WstEth, &WstETH::approveCall { spender, units }).map(Some)
    }

    /// Takes the sender's position out, whole, to `recipient`, while an amendment is pending.
    pub fn exit(&self, tier: u8, asset: Asset, recipient: Address) -> Call<P> {
        self.call(&PledgeEscrow::exitCall { tier, asset: asset as u8, recipient })
    }

    // ---------------------------------------------------------------------------------------------- for anyone

    /// Decides the rescue.
    pub fn settle(&self) -> Call<P> {
        self.call(&PledgeEscrow::settleCall {})
    }

    /// Fails a rescue whose shares cannot be valued.
    pub fn expire(&self) -> Call<P> {
        self.call(&PledgeEscrow::expireCall {})
    }

    /// Delivers to the beneficiary what is due of one asset.
    pub fn release(&self, asset: Asset) -> Call<P> {
        self.call(&PledgeEscrow::releaseCall { asset: asset as u8 })
    }

    /// Returns to `pledger` what its position is owed.
    pub fn refund(&self, pledger: Address, tier: u8, asset: Asset) -> Call<P> {
        self.call(&PledgeEscrow::refundCall { pledger, tier, asset: asset as u8 })
    }

    /// Returns to `recipient` what the sender's position is owed.
    pub fn refund_to(&self, tier: u8, asset: Asset, recipient: Address) -> Call<P> {
        self.call(&PledgeEscrow::refundToCall { tier, asset: asset as u8, recipient })
    }

    /// Objects with the sender's position.
    pub fn object(&self, tier: u8, asset: Asset) -> Call<P> {
        self.call(&PledgeEscrow::objectCall { tier, asset: asset as u8 })
    }

    /// Ends what was due and not collected in time.
    pub fn lapse(&self) -> Call<P> {
        self.call(&PledgeEscrow::lapseCall {})
    }

    // ---------------------------------------------------------------------------------------------- for the guardian

    /// Returns a position, whole, to its pledger.
    pub fn decline(&self, pledger: Address, tier: u8, asset: Asset) -> Call<P> {
        self.call(&PledgeEscrow::declineCall { pledger, tier, asset: asset as u8 })
    }

    /// Proposes a new target, deadline and terms hash.
    ///
    /// # Errors
    /// [`Error::Unencodable`] when the deadline is beyond 40 bits.
    pub fn amend(&self, goal: Goal) -> Result<Call<P>, Error> {
        let deadline = Uint::try_from(goal.deadline).map_err(|_| Error::Unencodable { what: "deadline" })?;
        let target = U256::from(goal.target.get());
        Ok(self.call(&PledgeEscrow::amendCall { target, deadline, termsHash: goal.terms_hash }))
    }

    /// Ends an open rescue, or stops what is not yet due of a settled one.
    pub fn cancel(&self) -> Call<P> {
        self.call(&PledgeEscrow::cancelCall {})
    }

    // ---------------------------------------------------------------------------------------------- internal

    fn call(&self, call: &impl SolCall) -> Call<P> {
        Call::new(self.provider.clone(), Contract::PledgeEscrow, self.address, call)
    }

    fn token_call(&self, asset: Asset, call: &impl SolCall) -> Result<Call<P>, Error> {
        Ok(rpc::token_call(&self.provider, self.token(asset)?, call))
    }

    async fn read<C: SolCall>(&self, call: &C, block: BlockId) -> Result<C::Return, Error> {
        rpc::read(&self.provider, self.address, call, block).await
    }

    async fn read_token<C: SolCall>(&self, asset: Asset, call: &C) -> Result<C::Return, Error> {
        rpc::read(&self.provider, self.token(asset)?, call, BlockId::latest()).await
    }

    fn token(&self, asset: Asset) -> Result<Address, Error> {
        let address = match asset {
            Asset::Eth => Address::ZERO,
            Asset::StEth => self.steth,
            Asset::WstEth => self.wsteth,
        };
        if address.is_zero() { Err(Error::NoSuchAsset { asset }) } else { Ok(address) }
    }
}

/// An allowance of stETH for shares that are worth `needed` now: a hundredth more, as every rebase makes them worth more.
pub(crate) fn with_room(needed: U256) -> U256 {
    needed + needed / U256::from(100) + U256::from(1)
}
