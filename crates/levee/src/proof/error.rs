//! What did not fit.

use alloy::primitives::{Address, B256};
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use super::Role;
use crate::error::{LONGEST_VALUE, start_of};

/// Why evidence proves nothing: whoever gave it lies, or has changed it, or serves a chain whose blocks are built in another
/// way.
#[derive(Debug, Clone, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum ProofError {
    /// The node does not have the block.
    #[error("the node has no block with the hash `{hash}`")]
    NoBlock {
        /// The hash.
        #[serde(with = "levee_model::json::Hash")]
        hash: B256,
    },
    /// The header is that of another block.
    #[error("the header of block {number} has the hash `{computed}`, not `{expected}`")]
    HeaderDiffers {
        /// The block's number, by the header.
        number: u64,
        /// The hash that it should have.
        #[serde(with = "levee_model::json::Hash")]
        expected: B256,
        /// The hash that it has.
        #[serde(with = "levee_model::json::Hash")]
        computed: B256,
    },
    /// What is said of an account does not lead to the state root.
    #[error("what is said of the account `{address}` is not in the state of the block")]
    AccountDiffers {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// What is said of a word of storage does not lead to the root of the account's storage.
    #[error("what is said of slot `{slot}` is not in the storage of `{address}`")]
    SlotDiffers {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
        /// The slot.
        #[serde(with = "levee_model::json::Hash")]
        slot: B256,
    },
    /// There is no proof of an account.
    #[error("there is no proof of the account `{address}`")]
    AccountMissing {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// There is no proof of a word of storage.
    #[error("there is no proof of slot `{slot}` of `{address}`")]
    SlotMissing {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
        /// The slot.
        #[serde(with = "levee_model::json::Hash")]
        slot: B256,
    },
    /// The contract's code is not what the views are said to come from.
    #[error("the code at `{address}` has the hash `{proven}`, and not `{claimed}`, which the node says")]
    CodeDiffers {
        /// The contract.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
        /// What the node says.
        #[serde(with = "levee_model::json::Hash")]
        claimed: B256,
        /// What is proven; zero if there is no code.
        #[serde(with = "levee_model::json::Hash")]
        proven: B256,
    },
    /// No contract of Levee can store this.
    #[error("the storage that is said to be that of `{address}` is none that its code could have written")]
    Impossible {
        /// What the contract is.
        role: Role,
        /// The contract.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// What a view says does not follow from the storage.
    #[error(
        "the node says that `{field}` is {}, but its proofs show {}",
        start_of(claimed, LONGEST_VALUE),
        start_of(proven, LONGEST_VALUE)
    )]
    ViewDiffers {
        /// Where, in the JSON of a snapshot.
        field: String,
        /// What the view says.
        claimed: String,
        /// What follows from the storage.
        proven: String,
    },
}
