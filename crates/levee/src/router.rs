//! The router into escrows: pledges from WETH, with a permit, and enlisted for a bonus, in one transaction.

use std::borrow::Cow;

use alloy::{
    dyn_abi::TypedData,
    eips::BlockId,
    primitives::{Address, B256, U256},
    providers::Provider,
    sol_types::{Eip712Domain, SolCall, SolInterface},
};
use levee_model::{Amount, Asset, Timestamp, Wei};
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    bindings::{PledgeRouter::PledgeRouterErrors, StETH, WETH},
    blueprint::Blueprint,
    call::Call,
    convert, error,
    escrow::Allowance,
    rpc,
    signer::{AccountSigner, sign_typed_data},
    snapshot::AccountView,
};

pub use crate::bindings::PledgeRouter::Permit;

/// The versions in the domains of wstETH's and stETH's permits.
const PERMIT_VERSIONS: [&str; 2] = ["1", "2"];

/// What the owner of a token signs, by EIP-2612.
mod message {
    alloy::sol! {
        #[derive(serde::Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tokens {
    /// Wrapped ether.
    #[serde(with = "levee_model::json::AccountOrNone")]
    pub weth: Address,
    /// Lido's stETH.
    #[serde(with = "levee_model::json::AccountOrNone")]
    pub steth: Address,
    /// The wstETH that wraps it.
    #[serde(with = "levee_model::json::AccountOrNone")]
    pub wsteth: Address,
}

/// A client of the router of some tokens, whether it was created yet or not: see [`blueprint`](Self::blueprint).
#[derive(Debug, Clone)]
pub struct Router<P> {
    provider: P,
    chain_id: u64,
    blueprint: Blueprint,
    address: Address,
    tokens: Tokens,
}

/// An error of the router, one variant for each, under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum RouterError {
    /// ETH was sent by anyone but the WETH contract.
    #[error("`{sender}` sent ETH to the router, which accepts ETH only from WETH")]
    NotWETH {
        /// Who sent it.
        #[serde(with = "levee_model::json::Account")]
        sender: Address,
    },
    /// The pledger is the router or one of its tokens, which could never take a pledge back.
    #[error("`{account}` cannot be a pledger: it could never receive a refund")]
    InvalidAccount {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
    },
    /// The escrow did not take exactly what was pledged: then it is none.
    #[error("`{escrow}` did not accept the {asset} as an escrow would")]
    NotTaken {
        /// What was named as an escrow.
        #[serde(with = "levee_model::json::Account")]
        escrow: Address,
        /// What it should have taken.
        asset: Asset,
    },
    /// A token reported a failure without a reason.
    #[error("the token `{token}` refused the call without a reason")]
    SafeERC20FailedOperation {
        /// The token.
        #[serde(with = "levee_model::json::Account")]
        token: Address,
    },
}

impl<P: Provider + Clone> Router<P> {
    /// The router of these tokens on the chain `chain_id`, which `provider` must be on.
    pub fn new(provider: P, chain_id: u64, tokens: Tokens) -> Self {
        let blueprint = Blueprint::router(tokens.weth, tokens.steth, tokens.wsteth);
        Self { provider, chain_id, address: blueprint.address(), blueprint, tokens }
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

    /// The approval of WETH that `owner`, an account of a snapshot [through](crate::Query::through) this router, must give
    /// before it can pledge `amount`; `None` when none is needed.
    pub fn weth_approval(&self, owner: &AccountView, amount: Wei) -> Option<Call<P>> {
        let (spender, amount) = (self.address, U256::from(amount.get()));
        let approve = WETH::approveCall { spender, amount };
        let is_needed = !owner.weth.lets_router_take(amount);
        is_needed.then(|| rpc::token_call(&self.provider, self.tokens.weth, &approve))
    }

    /// Signs the permit that lets the router take `amount`, up to and including `deadline`; none for ETH, which needs none.
    /// For wstETH it is for exactly the amount. `allowance` says when a permit of stETH will be used: one that does not suffice then
    /// fails in its block.
    ///
    /// # Errors
    /// [`Error::NoTypedData`](error::Error::NoTypedData), [`Error::NotSigned`](error::Error::NotSigned),
    /// [`Error::SignerRefused`](error::Error::SignerRefused), [`Error::NotOwnSignature`](error::Error::NotOwnSignature);
    /// [`Error::Rpc`](error::Error::Rpc), [`Error::Malformed`](error::Error::Malformed).
    pub async fn permit(
        &self,
        owner: &dyn AccountSigner,
        amount: Amount,
        allowance: Allowance,
        deadline: Timestamp,
    ) -> Result<Option<Permit>, error::Error> {
        let Tokens { steth, wsteth, .. } = self.tokens;
        let (token, value) = match amount {
            Amount::Eth(_) => return Ok(None),
            Amount::StEth(shares) => {
                let worth = StETH::getPooledEthBySharesCall { shares: U256::from(shares.get()) };
                (steth, allowance.of(self.read(steth, &worth).await?))
            }
            Amount::WstEth(units) => (wsteth, U256::from(units.get())),
        };
        self.sign(owner, token, value, deadline).await.map(Some)
    }

    /// Signs a permit of `token`.
    async fn sign(
        &self,
        owner: &dyn AccountSigner,
        token: Address,
        value: U256,
        deadline: Timestamp,
    ) -> Result<Permit, error::Error> {
        let (holder, spender, deadline) = (owner.address(), self.address, U256::from(deadline));
        let nonce = self.read(token, &StETH::noncesCall { owner: holder }).await?;
        let message = message::Permit { owner: holder, spender, value, nonce, deadline };
        let data = TypedData::from_struct(&message, Some(self.domain(token).await?));
        let signature = sign_typed_data(owner, &data).await?;
        let v = 27 + u8::from(signature.v());
        Ok(Permit { value, deadline, v, r: signature.r().into(), s: signature.s().into() })
    }

    /// The EIP-712 domain of a token. Only stETH tells its version, and by another function than EIP-5267's; but each token
    /// tells the hash.
    async fn domain(&self, token: Address) -> Result<Eip712Domain, error::Error> {
        let name = self.read(token, &StETH::nameCall {}).await?;
        let separator: B256 = self.read(token, &StETH::DOMAIN_SEPARATORCall {}).await?;
        let domain = |version: &'static str| {
            let (name, chain) = (Cow::Owned(name.clone()), U256::from(self.chain_id));
            Eip712Domain::new(Some(name), Some(version.into()), Some(chain), Some(token), None)
        };
        let domain = PERMIT_VERSIONS.into_iter().map(domain).find(|domain| domain.separator() == separator);
        domain.ok_or(error::Error::Malformed { what: "the EIP-712 domain" })
    }

    /// Tries a permit of `owner` for an amount like `amount`, which stETH refuses from an account that has code (EIP-7702) unless
    /// that code accepts it. Sends nothing.
    ///
    /// # Errors
    /// [`Error::PermitRefused`](error::Error::PermitRefused); [`Error::Rpc`](error::Error::Rpc).
    pub async fn try_permit(
        &self,
        owner: Address,
        amount: Amount,
        permit: &Permit,
    ) -> Result<(), error::Error> {
        let Permit { value, deadline, v, r, s } = *permit;
        let token = match amount {
            Amount::Eth(_) => return Ok(()),
            Amount::StEth(_) => self.tokens.steth,
            Amount::WstEth(_) => self.tokens.wsteth,
        };
        let call = StETH::permitCall { owner, spender: self.address, value, deadline, v, r, s };
        let tried = rpc::token_call(&self.provider, token, &call).simulate(self.address).await;
        match tried {
            Ok(_) => Ok(()),
            Err(error) if error.is_unanswered() => Err(error),
            Err(error) => Err(error::Error::PermitRefused { account: owner, reason: error.to_string() }),
        }
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
    use crate::{
        bindings::PledgeRouter as Raw,
        convert::tests::{case, every_error_is_decoded},
    };

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
