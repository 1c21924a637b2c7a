//! The router into escrows: pledges from WETH, with a permit, and enlisted for a bonus, in one transaction.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256, keccak256},
    providers::Provider,
    signers::Signer,
    sol_types::{SolCall, SolInterface, SolStruct},
};
use levee_model::{Amount, Asset, Shares, Timestamp, Units, Wei};
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    bindings::{
        PledgeRouter::{self as Raw, PledgeRouterErrors},
        StETH, WETH,
    },
    blueprint::{Blueprint, Contract},
    call::Call,
    convert,
    edition::Edition,
    error,
    escrow::Allowance,
    rpc,
};

pub use crate::bindings::PledgeRouter::Permit;

/// What the owner of a token signs, by EIP-2612.
mod message {
    alloy::sol! {
        struct Permit {
            address owner;
            address spender;
            uint256 value;
            uint256 nonce;
            uint256 deadline;
        }
    }
}

/// The tokens of one router; zero for one that there is none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Wrapped ether.
    pub weth: Address,
    /// Lido's stETH.
    pub steth: Address,
    /// The wstETH that wraps it.
    pub wsteth: Address,
}

/// A client of the router of some tokens, whether it was created yet or not: see [`blueprint`](Self::blueprint).
#[derive(Debug, Clone)]
pub struct Router<P> {
    provider: P,
    blueprint: Blueprint,
    address: Address,
    tokens: Tokens,
}

/// Into which escrow, whose, and into which tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// The rescue's escrow. A contract that is none keeps the pledge.
    pub escrow: Address,
    /// Whose pledge it is.
    pub pledger: Address,
    /// The tier, counted from 0.
    pub tier: u8,
    /// The amendment that the sender was shown; see
    /// [`RescueView::latest_amendment`](crate::RescueView::latest_amendment).
    pub amendment: Timestamp,
    /// The edition of the escrow, which tells where its bonus pool is.
    pub edition: Edition,
    /// Whether to enlist the position at the escrow's bonus pool, which must have been created.
    pub enlist: bool,
}

impl Destination {
    /// The pool's address follows from the escrow's, so no false one can be named.
    fn bonus_pool(&self) -> Address {
        let pool = || Blueprint::bonus_pool(self.escrow).in_edition(self.edition).address();
        if self.enlist { pool() } else { Address::ZERO }
    }

    fn encode(&self) -> Raw::Destination {
        Raw::Destination {
            escrow: self.escrow,
            pledger: self.pledger,
            tier: self.tier,
            amendment: self.amendment,
            bonusPool: self.bonus_pool(),
        }
    }
}

/// What pays for a pledge through the router; see [`Router::permit`].
#[derive(Debug, Clone)]
pub enum Funding {
    /// ETH that is sent with the call: for who wants it enlisted in the same transaction. A router without WETH refuses
    /// it.
    Eth(Wei),
    /// The sender's WETH, which the router unwraps; see [`Router::weth_approval`].
    Weth(Wei),
    /// Shares of the sender's stETH, and its permit.
    StEth(Shares, Permit),
    /// The sender's wstETH, and its permit.
    WstEth(Units, Permit),
}

/// An error of the router, one variant for each, under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum RouterError {
    /// ETH was sent by anyone but the WETH contract.
    #[error("`{sender}` sent ETH to the router, which accepts ETH only from WETH")]
    NotWETH {
        /// Who sent it.
        #[serde(serialize_with = "levee_model::facts::account")]
        sender: Address,
    },
    /// The pledger is the router or one of its tokens, which could never take a pledge back.
    #[error("`{account}` cannot be a pledger: it could never receive a refund")]
    InvalidAccount {
        /// The account.
        #[serde(serialize_with = "levee_model::facts::account")]
        account: Address,
    },
    /// The escrow did not take exactly what was pledged: then it is none.
    #[error("`{escrow}` did not accept the {asset} as an escrow would")]
    NotTaken {
        /// What was named as an escrow.
        #[serde(serialize_with = "levee_model::facts::account")]
        escrow: Address,
        /// What it should have taken.
        asset: Asset,
    },
    /// A token reported a failure without a reason.
    #[error("the token `{token}` refused the call without a reason")]
    SafeERC20FailedOperation {
        /// The token.
        #[serde(serialize_with = "levee_model::facts::account")]
        token: Address,
    },
}

impl<P: Provider + Clone> Router<P> {
    /// The router of these tokens.
    pub fn new(provider: P, tokens: Tokens) -> Self {
        let blueprint = Blueprint::router(tokens.weth, tokens.steth, tokens.wsteth);
        Self { provider, address: blueprint.address(), blueprint, tokens }
    }

    /// Where it is, or will be.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// To create it with, or to find out whether it is there.
    pub const fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Its tokens.
    pub const fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// Pledges what `funding` gives, and enlists it if `to` says so.
    pub fn pledge(&self, to: Destination, funding: Funding) -> Call<P> {
        let (destination, to) = (to, to.encode());
        let call = |input: Vec<u8>, value| self.call(destination, input, value);
        match funding {
            Funding::Eth(wei) => call(Raw::pledgeETHCall { to }.abi_encode(), wei),
            Funding::Weth(wei) => {
                let amount = U256::from(wei.get());
                call(Raw::pledgeWETHCall { to, amount }.abi_encode(), Wei::ZERO)
            }
            Funding::StEth(shares, permit) => {
                let shares = U256::from(shares.get());
                call(Raw::pledgeStETHWithPermitCall { to, shares, permit }.abi_encode(), Wei::ZERO)
            }
            Funding::WstEth(units, permit) => {
                let amount = U256::from(units.get());
                call(Raw::pledgeWstETHWithPermitCall { to, amount, permit }.abi_encode(), Wei::ZERO)
            }
        }
    }

    /// The approval of WETH that `owner` must give before it can pledge `amount`; `None` when none is needed.
    ///
    /// # Errors
    /// [`Error::Rpc`](error::Error::Rpc), [`Error::Malformed`](error::Error::Malformed).
    pub async fn weth_approval(&self, owner: Address, amount: Wei) -> Result<Option<Call<P>>, error::Error> {
        let (spender, amount) = (self.address, U256::from(amount.get()));
        let allowed = self.read(self.tokens.weth, &WETH::allowanceCall { owner, spender }).await?;
        let approve = WETH::approveCall { spender, amount };
        Ok((allowed < amount).then(|| rpc::token_call(&self.provider, self.tokens.weth, &approve)))
    }

    /// Signs the permit that lets the router take `amount`, up to and including `deadline`; ETH needs none. For wstETH it
    /// is for exactly the amount. `allowance` says when a permit of stETH will be used: one that does not suffice then
    /// fails in its block.
    ///
    /// # Errors
    /// [`Error::NotSigned`](error::Error::NotSigned), [`Error::Rpc`](error::Error::Rpc),
    /// [`Error::Malformed`](error::Error::Malformed).
    pub async fn permit(
        &self,
        owner: &impl Signer,
        amount: Amount,
        allowance: Allowance,
        deadline: Timestamp,
    ) -> Result<Funding, error::Error> {
        let Tokens { steth, wsteth, .. } = self.tokens;
        Ok(match amount {
            Amount::Eth(wei) => Funding::Eth(wei),
            Amount::StEth(shares) => {
                let worth = StETH::getPooledEthBySharesCall { shares: U256::from(shares.get()) };
                let value = allowance.of(self.read(steth, &worth).await?);
                Funding::StEth(shares, self.sign(owner, steth, value, deadline).await?)
            }
            Amount::WstEth(units) => {
                let value = U256::from(units.get());
                Funding::WstEth(units, self.sign(owner, wsteth, value, deadline).await?)
            }
        })
    }

    /// Signs a permit of `token`: both tokens have the same nonces and domains.
    async fn sign(
        &self,
        owner: &impl Signer,
        token: Address,
        value: U256,
        deadline: Timestamp,
    ) -> Result<Permit, error::Error> {
        let (holder, spender, deadline) = (owner.address(), self.address, U256::from(deadline));
        let nonce = self.read(token, &StETH::noncesCall { owner: holder }).await?;
        let domain: B256 = self.read(token, &StETH::DOMAIN_SEPARATORCall {}).await?;
        let message = message::Permit { owner: holder, spender, value, nonce, deadline };
        // EIP-712: the token says its domain itself.
        let bytes = [&[0x19, 0x01], domain.as_slice(), message.eip712_hash_struct().as_slice()].concat();
        let signature = rpc::sign(owner, keccak256(bytes)).await?;
        let v = 27 + u8::from(signature.v());
        Ok(Permit { value, deadline, v, r: signature.r().into(), s: signature.s().into() })
    }

    /// The relevant events are those of the escrow and its bonus pool.
    fn call(&self, to: Destination, input: Vec<u8>, value: Wei) -> Call<P> {
        Call::raw(self.provider.clone(), Contract::PledgeRouter, self.address, value, input.into())
            .with_events_of(vec![to.escrow, to.bonus_pool()])
    }

    async fn read<C: SolCall>(&self, token: Address, call: &C) -> Result<C::Return, error::Error> {
        rpc::read(&self.provider, token, call, BlockId::latest()).await
    }
}

impl RouterError {
    /// Reads revert data; `None` when it is no error of the router.
    pub fn decode(data: &[u8]) -> Option<Self> {
        Some(match PledgeRouterErrors::abi_decode_validate(data).ok()? {
            PledgeRouterErrors::NotWETH(e) => Self::NotWETH { sender: e.sender },
            PledgeRouterErrors::InvalidAccount(e) => Self::InvalidAccount { account: e.account },
            PledgeRouterErrors::NotTaken(e) => {
                Self::NotTaken { escrow: e.escrow, asset: convert::asset(e.asset).ok()? }
            }
            PledgeRouterErrors::SafeERC20FailedOperation(e) => {
                Self::SafeERC20FailedOperation { token: e.token }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::{case, every_error_is_decoded};

    #[test]
    fn every_error_of_the_router_keeps_its_facts() {
        use RouterError as E;
        let account = Address::repeat_byte(1);
        let cases = [
            case(&Raw::NotWETH { sender: account }, E::NotWETH { sender: account }),
            case(&Raw::InvalidAccount { account }, E::InvalidAccount { account }),
            case(
                &Raw::NotTaken { escrow: account, asset: 2 },
                E::NotTaken { escrow: account, asset: Asset::WstEth },
            ),
            case(
                &Raw::SafeERC20FailedOperation { token: account },
                E::SafeERC20FailedOperation { token: account },
            ),
        ];
        every_error_is_decoded(
            include_str!("../artifacts/PledgeRouter.json"),
            &[],
            &cases,
            RouterError::decode,
        );
    }
}
