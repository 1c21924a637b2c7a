//! The published editions of the contracts. Refunds never expire, so an edition that was published stays here for good.
//!
//! To publish another: freeze the artifacts of the one before in a directory of its own, add a variant to [`Edition`], and
//! follow the compiler. An edition whose calls, events or errors differ gets bindings of its own besides.

use std::{fmt, sync::LazyLock};

use alloy::primitives::{B256, Bytes, b256, keccak256};
use serde::{Deserialize, Serialize};

use crate::{blueprint::Contract, terms};

/// A published edition of the contracts. Which one a rescue belongs to follows from its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "&'static str")]
#[non_exhaustive]
pub enum Edition {
    /// The first.
    V1,
    /// For tests only: the first edition's sources, compiled to other code and created with other salts.
    #[cfg(feature = "test-edition")]
    Test,
}

impl Edition {
    /// All of them, the latest first.
    pub const ALL: &'static [Self] = &[
        Self::V1,
        #[cfg(feature = "test-edition")]
        Self::Test,
    ];

    /// The one that new rescues are created with.
    pub const LATEST: Self = Self::ALL[0];

    /// Its name, as in the salts and in terms files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            #[cfg(feature = "test-edition")]
            Self::Test => "test",
        }
    }

    /// The edition with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|edition| edition.name() == name)
    }

    /// The salt with which a contract is created: the keccak256 of `levee.PledgeEscrow.v1`, and so on, with the contract's
    /// name in Solidity and the edition's. An address commits to it.
    pub fn salt(self, contract: Contract) -> B256 {
        match self {
            Self::V1 => match contract {
                Contract::PledgeEscrow => terms::SALT,
                Contract::RecoveryPool => {
                    b256!("23989035c96399c34468f518bbfb8c6de7ad5400c48747c363e3a3a888cd829b")
                }
                Contract::BonusPool => {
                    b256!("7f94f3209edaf7b9967aae51fea2f4004e1310cac095380d49acdee42b51b38b")
                }
                Contract::PledgeBoard => {
                    b256!("37c5969db9e5df57f1fd038ab3e127432560bc3dc903fce35d45f65cc2c5e3dc")
                }
                Contract::PledgeRouter => {
                    b256!("359bf1abd11779439376c35c2f188956b52042c127e0fc599252e297a783c6ee")
                }
                Contract::DebtRepayer => {
                    b256!("c114d1c0d5156c82a590b0be24fea0c210b75b1cceda936ec3a2066bfa9d3030")
                }
                Contract::StakedEtherUnwinder => {
                    b256!("5f175ef37f5bc44c42cf2721f2a53e03628042005864c7c263fca90d7d23a786")
                }
                Contract::Compact => {
                    b256!("bdf66652711ad923f8062dd149c2686b25bea190143116901cf5d2afaa2b3e48")
                }
            },
            #[cfg(feature = "test-edition")]
            Self::Test => keccak256(format!("levee.{contract:?}.test")),
        }
    }

    /// The code that creates a contract, without the constructor's arguments.
    pub fn creation_code(self, contract: Contract) -> &'static Bytes {
        &self.code(contract).creation
    }

    /// The interface of a contract, as the JSON of an ABI.
    pub fn abi(self, contract: Contract) -> &'static serde_json::Value {
        &self.code(contract).abi
    }

    /// The code of a contract.
    pub(crate) fn code(self, contract: Contract) -> &'static Code {
        match self {
            Self::V1 => codes!("../artifacts/", contract),
            #[cfg(feature = "test-edition")]
            Self::Test => codes!("../artifacts/test-edition/", contract),
        }
    }
}

impl From<Edition> for &'static str {
    fn from(edition: Edition) -> Self {
        edition.name()
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The code of one contract.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Code {
    /// The interface. The edition for tests has none of its own.
    #[serde(default)]
    abi: serde_json::Value,
    /// The code that creates it, without the constructor's arguments.
    #[serde(rename = "bytecode")]
    creation: Bytes,
    /// The code that it has once created, with zeros for its immutables.
    #[serde(rename = "deployedBytecode")]
    runtime: Bytes,
    /// The places of each immutable in it, start and length, in the order of declaration.
    immutable_references: Vec<Vec<(usize, usize)>>,
}

impl Code {
    /// Reads a checked-in artifact.
    pub(crate) fn read(artifact: &str) -> Self {
        serde_json::from_str(artifact).expect("a checked-in artifact has code and immutable references")
    }

    /// Whether `code` is this one, whatever it was created with.
    pub(crate) fn is(&self, code: &[u8]) -> bool {
        let mut masked = code.to_vec();
        for &(start, length) in self.immutable_references.iter().flatten() {
            let Some(place) = masked.get_mut(start..start + length) else { return false };
            place.fill(0);
        }
        masked == self.runtime
    }

    /// Its hash, if it was created with these immutables, in the order of declaration.
    pub(crate) fn hash(&self, immutables: &[B256]) -> B256 {
        keccak256(self.created_with(immutables))
    }

    /// The same itself.
    pub(crate) fn created_with(&self, immutables: &[B256]) -> Vec<u8> {
        debug_assert_eq!(self.immutable_references.len(), immutables.len());
        let mut code = self.runtime.to_vec();
        for (places, value) in self.immutable_references.iter().zip(immutables) {
            for &(start, length) in places {
                code[start..start + length].copy_from_slice(value.as_slice());
            }
        }
        code
    }
}

/// The code of a contract by the artifacts in a directory, each parsed when it is first needed.
macro_rules! codes {
    ($directory:literal, $contract:expr) => {
        codes!(
            $directory, $contract, PledgeEscrow, RecoveryPool, BonusPool, PledgeBoard, PledgeRouter, DebtRepayer,
            StakedEtherUnwinder, Compact
        )
    };
    ($directory:literal, $contract:expr, $($name:ident),*) => {
        match $contract {
            $(Contract::$name => {
                static CODE: LazyLock<Code> =
                    LazyLock::new(|| Code::read(include_str!(concat!($directory, stringify!($name), ".json"))));
                &CODE
            })*
        }
    };
}
use codes;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_other_code() {
        let [recovery, bonus] = [Contract::RecoveryPool, Contract::BonusPool].map(|c| Edition::V1.code(c));
        let (start, length) = recovery.immutable_references[0][0];
        let mut created = recovery.runtime.to_vec();
        created[start..start + length].fill(7);
        assert!(recovery.is(&created));
        assert!(!bonus.is(&created));
        created[start + length] ^= 1;
        assert!(!recovery.is(&created));
        assert!(!recovery.is(&recovery.runtime[..start]));
    }
}
