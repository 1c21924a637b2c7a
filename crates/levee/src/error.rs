//! What can go wrong, with the facts that it turned on.

use std::{error::Error as StdError, time::Duration};

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{Revert, SolError},
    transports::{RpcError, TransportError, http::reqwest},
};
use levee_model::{Asset, BonusRefusal, Inconsistent, RecoveryRefusal, Refusal, Refused};
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    blueprint::Contract,
    board::BoardError,
    bonus, recovery,
    redacted::{RedactedUrl, redact},
    refusal,
    router::RouterError,
};

/// Everything that a call of this crate can fail with.
#[derive(Debug, Clone, PartialEq, Eq, Error, IntoStaticStr)]
pub enum Error {
    /// The escrow refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    Refused(#[from] Refusal),
    /// The recovery pool refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    RecoveryRefused(RecoveryRefusal),
    /// The bonus pool refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    BonusRefused(BonusRefusal),
    /// The board refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    BoardRefused(#[from] BoardError),
    /// The router refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    RouterRefused(#[from] RouterError),
    /// A token refused the call, in its own words.
    #[error("a token refused the call: {reason}")]
    TokenRefused {
        /// What the token says.
        reason: String,
    },
    /// A contract reverted with data that is no error of the escrow and no text.
    #[error(
        "the call reverted without a reason that is known (data `{data}`); a token that it calls may be broken"
    )]
    UnknownRevert {
        /// The data, which may be empty.
        data: Bytes,
    },
    /// The sender cannot pay for the value or the gas.
    #[error("`{account}` has not enough ETH for the transaction: {message}")]
    InsufficientFunds {
        /// The sender.
        account: Address,
        /// What the node says.
        message: String,
    },
    /// The node is on another chain.
    #[error("the node is on chain {actual}, not on chain {expected}")]
    WrongChain {
        /// The chain that was asked for.
        expected: u64,
        /// The chain of the node.
        actual: u64,
    },
    /// There is no contract at the address.
    #[error("there is no {contract} at `{address}`: the account has no code on this chain")]
    NoCode {
        /// What should be there.
        contract: Contract,
        /// The address.
        address: Address,
    },
    /// The contract at the address is another one.
    #[error("the code at `{address}` is not a Levee {contract}'s")]
    NotLevee {
        /// What should be there.
        contract: Contract,
        /// The address.
        address: Address,
    },
    /// The contract at the address has the code of one of Levee's, and was not created as they are: its address does not
    /// follow from that code and what it says that it was created with. Its books may be anything.
    #[error(
        "`{address}` is a counterfeit: it looks like a Levee {contract}, but its address does not follow from that code and its terms; do not pay into it, and take the address from the rescue's terms"
    )]
    Counterfeit {
        /// What it looks like.
        contract: Contract,
        /// The address.
        address: Address,
    },
    /// The chain lacks the contract that all others are created through.
    #[error("the CREATE2 deployer `{}` does not exist on this chain", crate::terms::CREATE2_DEPLOYER)]
    NoDeployer,
    /// There is no contract at a token's address.
    #[error("there is no {asset} at `{address}`: the account has no code on this chain")]
    NoToken {
        /// Which token it should be.
        asset: Asset,
        /// The address.
        address: Address,
    },
    /// The tokens of the terms are not Lido's. An address proves which terms a rescue has, and not that they are good ones.
    #[error(
        "stETH `{steth}` and wstETH `{wsteth}` are not Lido's on chain {chain}; do not pledge to a rescue that names them"
    )]
    ForeignTokens {
        /// The chain.
        chain: u64,
        /// What the terms have for stETH.
        steth: Address,
        /// What the terms have for wstETH.
        wsteth: Address,
    },
    /// The rescue is in ETH only, so it has no such token.
    #[error("this rescue is in ETH only and has no {asset}")]
    NoSuchAsset {
        /// The asset asked for.
        asset: Asset,
    },
    /// A term, or a part of a declaration, is beyond what the contract can hold.
    #[error("the {what} is beyond what the contract can hold")]
    Unencodable {
        /// Which.
        what: &'static str,
    },
    /// Code that was to create a Levee escrow does not.
    #[error("the code does not create a Levee escrow")]
    NotInitCode,
    /// The account does not sign.
    #[error("the account does not sign: {message}")]
    NotSigned {
        /// What went wrong.
        message: String,
    },
    /// The address of a node is not one.
    #[error("the RPC URL is not valid: {reason}")]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// No node answers at the address.
    #[error("no answer from the RPC node at {url}: {message}")]
    Unreachable {
        /// Where it should be.
        url: RedactedUrl,
        /// What went wrong.
        message: String,
    },
    /// A request to the node failed.
    #[error("the RPC request failed: {message}")]
    Rpc {
        /// What went wrong, without keys.
        message: String,
    },
    /// The transaction was sent and did not get into a block in time. It still may.
    #[error("transaction `{transaction}` is not in a block after {} s; it still may get there", waited.as_secs())]
    NotMined {
        /// Its hash.
        transaction: B256,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The transaction failed in its block, though it would have succeeded just before.
    #[error("transaction `{transaction}` failed in its block: something changed after it was simulated")]
    FailedInBlock {
        /// Its hash.
        transaction: B256,
    },
    /// A transaction that should have created a contract left other code, or none, at its address.
    #[error("transaction `{transaction}` did not create the {contract} at `{address}`")]
    NotCreated {
        /// What it should have created.
        contract: Contract,
        /// Its hash.
        transaction: B256,
        /// Where it should be.
        address: Address,
    },
    /// Data from the chain that no Levee contract writes.
    #[error("the node returned something that is not {what} of a Levee contract")]
    Malformed {
        /// What it should be.
        what: &'static str,
    },
    /// The logs do not add up to a rescue: some are missing, or not of one escrow.
    #[error("the logs are not a rescue's whole history: {0}")]
    BrokenHistory(#[from] Inconsistent),
}

impl Error {
    /// The name of the error, which stays whatever its message says: of a refusal that of the contract's error.
    pub fn kind(&self) -> &'static str {
        self.into()
    }

    /// Whether its user can mend it: a wrong input, a wrong chain, a call that the rules refuse. Otherwise the network
    /// or the node failed, or something is not as it should be.
    pub const fn is_users(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::RecoveryRefused(_)
            | Self::BonusRefused(_)
            | Self::BoardRefused(_)
            | Self::RouterRefused(_)
            | Self::TokenRefused { .. }
            | Self::InsufficientFunds { .. }
            | Self::WrongChain { .. }
            | Self::NoCode { .. }
            | Self::NotLevee { .. }
            | Self::Counterfeit { .. }
            | Self::NoDeployer
            | Self::NoToken { .. }
            | Self::NoSuchAsset { .. }
            | Self::ForeignTokens { .. }
            | Self::Unencodable { .. }
            | Self::NotInitCode
            | Self::InvalidUrl { .. } => true,
            Self::UnknownRevert { .. }
            | Self::NotSigned { .. }
            | Self::Unreachable { .. }
            | Self::Rpc { .. }
            | Self::NotMined { .. }
            | Self::FailedInBlock { .. }
            | Self::NotCreated { .. }
            | Self::Malformed { .. }
            | Self::BrokenHistory(_) => false,
        }
    }

    /// By which rule an escrow or one of its pools refused the call; none when it failed otherwise.
    pub fn refused(&self) -> Option<Refused> {
        match *self {
            Self::Refused(refusal) => Some(refusal.into()),
            Self::RecoveryRefused(refusal) => Some(refusal.into()),
            Self::BonusRefused(refusal) => Some(refusal.into()),
            _ => None,
        }
    }

    /// What the revert data of a call of the escrow means.
    pub fn from_revert(data: &[u8]) -> Self {
        Self::from_revert_of(Contract::PledgeEscrow, data)
    }

    /// What the revert data of a call of `contract` means. What is none of its errors may be the escrow's or the bonus
    /// pool's, which pass through the contracts around them.
    pub fn from_revert_of(contract: Contract, data: &[u8]) -> Self {
        let own = match contract {
            // Receivers are not called by this crate.
            Contract::PledgeEscrow | Contract::DebtRepayer | Contract::StakedEtherUnwinder => None,
            Contract::RecoveryPool => recovery::decode_refusal(data).map(Self::from),
            Contract::BonusPool => bonus::decode_refusal(data).map(Self::from),
            Contract::PledgeBoard => BoardError::decode(data).map(Self::from),
            Contract::PledgeRouter => RouterError::decode(data).map(Self::from),
        };
        // The router passes on what the escrow says, and then the bonus pool.
        let of_escrow = || refusal::decode(data).map(Self::from);
        let of_bonus = || bonus::decode_refusal(data).map(Self::from);
        if let Some(refusal) = own.or_else(of_escrow).or_else(of_bonus) {
            return refusal;
        }
        match Revert::abi_decode_validate(data) {
            Ok(revert) => Self::TokenRefused { reason: revert.reason },
            Err(_) => Self::UnknownRevert { data: data.to_vec().into() },
        }
    }

    /// What a failed request means. `contract` is what was called, and `sender` who would pay for it.
    pub(crate) fn from_transport(error: &TransportError, contract: Contract, sender: Address) -> Self {
        let RpcError::ErrorResp(payload) = error else {
            return Self::unreachable(error).unwrap_or_else(|| Self::Rpc { message: message_of(error) });
        };
        if let Some(data) = payload.as_revert_data() {
            return Self::from_revert_of(contract, &data);
        }
        let message = payload.message.to_lowercase();
        if message.contains("insufficient funds") {
            return Self::InsufficientFunds { account: sender, message: redact(&payload.message) };
        }
        if message.contains("revert") {
            return Self::UnknownRevert { data: Bytes::new() };
        }
        Self::Rpc { message: redact(&payload.message) }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::ByRescue(refusal) => Self::Refused(refusal),
            Refused::ByRecovery(refusal) => Self::RecoveryRefused(refusal),
            Refused::ByBonus(refusal) => Self::BonusRefused(refusal),
        }
    }
}

/// What passes through a pool is the escrow's refusal.
impl From<RecoveryRefusal> for Error {
    fn from(refusal: RecoveryRefusal) -> Self {
        Refused::from(refusal).into()
    }
}

impl From<BonusRefusal> for Error {
    fn from(refusal: BonusRefusal) -> Self {
        Refused::from(refusal).into()
    }
}

impl Error {
    /// That there was no answer, if there was none.
    fn unreachable(error: &TransportError) -> Option<Self> {
        let error = error.as_transport_err()?.source()?.downcast_ref::<reqwest::Error>()?;
        let url = error.url().filter(|_| error.is_request() || error.is_timeout())?;
        Some(Self::Unreachable { url: RedactedUrl::new(url.clone()), message: message_of(error) })
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::from_transport(&error, Contract::PledgeEscrow, Address::ZERO)
    }
}

/// An error and its sources as one text, without keys.
pub(crate) fn message_of(error: &(dyn StdError + 'static)) -> String {
    let mut parts = vec![redact(&error.to_string())];
    let mut source = error.source();
    while let Some(error) = source {
        let part = redact(&error.to_string());
        // Wrappers often repeat what they wrap.
        if !parts.iter().any(|earlier| earlier.contains(&part)) {
            parts.push(part);
        }
        source = error.source();
    }
    parts.join(": ")
}
