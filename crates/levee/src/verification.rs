//! What an explorer needs to show the source of a rescue's escrow, and to compile it itself.

use alloy::primitives::Bytes;
use serde::Serialize;

use crate::{
    blueprint::{Blueprint, Contract},
    edition::Edition,
};

/// The compiler of the contracts, as explorers list its versions.
pub const COMPILER: &str = "v0.8.37+commit.f401782d";

/// What is entered where an explorer verifies a contract from "Solidity (Standard-Json-Input)".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// The [`COMPILER`].
    pub compiler: &'static str,
    /// The contract's name, with the path of its source.
    pub contract: &'static str,
    /// The constructor's arguments, encoded.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub constructor_arguments: Bytes,
    /// The file: the compiler's standard JSON input, with all sources and settings.
    #[serde(skip)]
    pub input: &'static str,
}

impl Blueprint {
    /// What an explorer needs for an escrow, in an edition of which the sources are kept; none for the contracts around it.
    pub fn verification(&self) -> Option<Verification> {
        (self.contract() == Contract::PledgeEscrow && self.edition() == Edition::V1).then(|| Verification {
            compiler: COMPILER,
            contract: "contracts/PledgeEscrow.sol:PledgeEscrow",
            constructor_arguments: self.arguments().clone(),
            input: include_str!("../artifacts/PledgeEscrow.input.json"),
        })
    }
}
