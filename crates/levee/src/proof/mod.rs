//! Proves a rescue from its address, against the hash of a block.
//!
//! A view of a contract is the word of whoever runs the node. What a contract *stores* can be proven: the header of a block
//! commits to the state of all accounts, and a node shows by `eth_getProof` (EIP-1186) the way from that root to an account,
//! and from the account to a word of its storage. Who knows the hash of the block needs to trust nobody about the rest.
//!
//! | file | question |
//! |---|---|
//! | `evidence` | what does a node say and show of a rescue at a block? |
//! | `check` | what follows from that? |
//! | `compact` | the same of a compact |
//! | `trie` | does a proof lead from the account, or the word, to the root? |
//! | `layout` | where do the contracts store what, and how is it packed? |
//! | `tokens` | where do tokens keep the balance of an account? |
//! | `error` | what did not fit? |
//!
//! [`Question::ask`] collects [`Evidence`] from a node, and [`Evidence::check`] judges it without any network, so that evidence
//! in a file is judged as on the day it was collected. From the proven words the model computes all that the contracts' views
//! say, and the views of the node must say the same.

mod check;
mod compact;
mod error;
mod evidence;
mod layout;
mod tokens;
mod trie;

use alloy::primitives::{Address, B256, Bytes};
use levee_model::{Amount, Asset, Rate, Wei};
use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;

pub use compact::{CompactEvidence, CompactQuestion, VerifiedCompact};
pub use error::ProofError;

/// What is to be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The escrow of the rescue.
    pub rescue: Address,
    /// An account whose positions are to be proven too.
    pub account: Option<Address>,
    /// The hash of the block; otherwise, it is the latest block by the word of the node.
    pub block_hash: Option<B256>,
    /// The chain that the node must be on.
    pub chain: Option<u64>,
}

/// What a node says and shows of a rescue at one block. Nothing of it is to be believed before it is
/// [checked](Evidence::check).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// The block's header, with the hash that the node gives it.
    pub header: alloy::rpc::types::Header,
    /// What the contracts' views say, as `IRescueLens.Reading`.
    pub views: Bytes,
    /// The same with the escrow as the account, which is asked for if there are tokens, to hear what they say it has.
    pub tokens: Option<Bytes>,
    /// The accounts of the escrow, its pools and its tokens, and words of their storage (EIP-1186).
    pub proofs: Vec<alloy::rpc::types::EIP1186AccountProofResponse>,
}

/// What evidence proves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The rescue at the end of the block, by its proven words alone, except for what is [`unproven`](Self::unproven). Of an
    /// account, it has the positions and what is owed, and no balances.
    pub snapshot: Snapshot,
    /// The hash of the block: of the header to whose state root all proofs lead.
    pub block_hash: B256,
    /// What the escrow has of each asset that the rescue accepts and whose balance is proven. It may be more than the books
    /// say: anyone can send more.
    pub balances: Vec<Amount>,
    /// The tokens of which it is proven to have less than its books say, so that not everybody can be paid.
    pub shortfalls: Vec<Shortfall>,
    /// The accounts that are proven, and each word that the above follows from.
    pub accounts: Vec<ProvenAccount>,
    /// What cannot be proven.
    pub unproven: Vec<Unproven>,
}

/// A token of which the escrow has less than its books say: the token has taken some, or never moved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Shortfall {
    /// What the escrow has.
    pub held: Amount,
    /// The least that it must have by its books: all pledges while the rescue is open, and then what the beneficiary is still
    /// to get.
    pub booked: Amount,
}

/// A proven account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProvenAccount {
    /// What it is in the rescue.
    pub role: Role,
    /// The address.
    #[serde(with = "levee_model::json::Account")]
    pub address: Address,
    /// Its ETH.
    #[serde(rename = "balanceWei")]
    pub balance: Wei,
    /// The hash of its code; none if it has no code, so that no contract was created there.
    #[cfg_attr(feature = "schema", schemars(with = "Option<levee_model::json::Hash>"))]
    pub code_hash: Option<B256>,
    /// Words of its storage.
    pub words: Vec<ProvenWord>,
}

/// What an account is in a rescue, or a compact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// The escrow.
    Escrow,
    /// The pool for what is recovered.
    RecoveryPool,
    /// The pool of the bonus.
    BonusPool,
    /// The compact.
    Compact,
    /// Lido's stETH, by the terms.
    #[serde(rename = "stETH")]
    StEth,
    /// Lido's wstETH, by the terms.
    #[serde(rename = "wstETH")]
    WstEth,
}

/// A proven word of storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProvenWord {
    /// What is stored there, by its name in the contract's source: `_pots[3]`. A word of a struct or a list has a number.
    pub name: String,
    /// Where: the slot.
    #[serde(with = "levee_model::json::Hash")]
    pub slot: B256,
    /// What is stored there; zero if nothing ever was.
    #[cfg_attr(feature = "schema", schemars(with = "levee_model::json::Hash"))]
    pub value: B256,
}

/// What no proof shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Unproven {
    /// That the block is one of the chain, and will remain one. Who knows its hash from elsewhere needs no proof of it.
    Block,
    /// That the chain has this ID: blocks do not name it.
    ChainId {
        /// What the node says.
        chain: u64,
    },
    /// What the beneficiary does with what it gets.
    Beneficiary {
        /// Its address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// The rate at which an open rescue values shares, and so its coverage and the threshold that is met; past the
    /// deadline, so the whole outcome of settling now.
    ShareRate {
        /// What the node says that Lido says.
        #[serde(rename = "rateWeiPer1e27Shares")]
        rate: Option<Rate>,
    },
    /// That a token does as it should: Lido's governance can change the code of stETH, and of a token that is not Lido's
    /// nothing is known.
    Token {
        /// Which one.
        asset: Asset,
        /// Whether it is Lido's on this chain.
        is_lidos: bool,
    },
    /// That nobody else has something pending in a compact, or premiums to claim, and nothing active: who has something active cannot be
    /// left out.
    OtherMembers,
    /// What the contract has of a token: it is not known where this token keeps balances.
    Balance {
        /// Which one.
        asset: Asset,
    },
}
