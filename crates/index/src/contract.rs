use std::fmt;

use alloy::{
    primitives::{Address, B256, Keccak256, keccak256},
    rpc::types::Log,
};
use levee::{
    Blueprint, Edition, Event, NETWORKS, compact,
    model::{CompactEvent, RescueEvent, Terms},
    network,
    operation::Contracts,
};
use serde::Serialize;
use strum::{EnumString, IntoStaticStr};

/// What a contract is that the index follows, or has found to be a counterfeit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Kind {
    /// The escrow of a rescue.
    Rescue,
    /// A rescue's recovery pool, created yet or not.
    RecoveryPool,
    /// A rescue's bonus pool, created yet or not.
    BonusPool,
    /// The chain's board of declarations.
    Board,
    /// A compact.
    Compact,
}

/// Why a contract that announced a rescue or a compact is none, or none to rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Counterfeit {
    /// Its announcement cannot be read.
    UnreadableTerms,
    /// Its address does not follow from the code of any edition and the terms that it announced.
    OtherAddress,
    /// It holds tokens that are not Lido's.
    ForeignTokens,
    /// It is a compact whose calls pay into contracts that are not Levee's escrows, and could keep the money.
    ForeignEscrows,
}

impl fmt::Display for Counterfeit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnreadableTerms => "the terms that it announced cannot be read",
            Self::OtherAddress => {
                "its address does not follow from Levee's code and the terms that it announced"
            }
            Self::ForeignTokens => "its tokens are not Lido's",
            Self::ForeignEscrows => "its calls pay into contracts that are not Levee's escrows",
        })
    }
}

/// Whether a contract is what it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// Its address commits to Levee's code.
    Genuine,
    /// It is none of Levee's; none of its other logs are kept.
    Counterfeit(Counterfeit),
}

/// A contract that the index knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    /// Where it is.
    #[serde(with = "levee_model::json::Account")]
    pub address: Address,
    /// What it is.
    pub kind: Kind,
    /// The rescue that it belongs to, which may be itself; zero for the board and for compacts.
    #[serde(with = "levee_model::json::AccountOrNone")]
    pub rescue: Address,
    /// The block in which the rescue or the compact was announced; 0 for the board.
    pub block: u64,
    /// Whether it is genuine.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Contract {
    /// The board, whose address is the same on every chain.
    pub(crate) fn board() -> Self {
        let address = Blueprint::board().address();
        Self { address, kind: Kind::Board, rescue: Address::ZERO, block: 0, verdict: Verdict::Genuine }
    }

    /// Whether a log announces a rescue or a compact.
    pub(crate) fn is_announced(log: &Log) -> bool {
        log.topic0().is_some_and(|topic| [Event::CREATION, Event::COMPACT_CREATION].contains(topic))
    }

    /// What a log announces: a rescue, with its pools, or a compact; or a counterfeit.
    pub(crate) fn announced(chain: u64, block: u64, log: &Log) -> Vec<Self> {
        match log.topic0() {
            Some(&Event::COMPACT_CREATION) => vec![Self::announced_compact(chain, block, log)],
            _ => Self::announced_rescue(chain, block, log),
        }
    }

    fn announced_compact(chain: u64, block: u64, log: &Log) -> Self {
        let verdict = proven_compact(chain, log).map_or_else(Verdict::Counterfeit, |()| Verdict::Genuine);
        Self { address: log.address(), kind: Kind::Compact, rescue: Address::ZERO, block, verdict }
    }

    /// The rescue that a log announces, and its pools; or a counterfeit.
    ///
    /// Nothing is read from the chain: an address that follows from the code of an edition and the announced terms can only
    /// hold that code, created with these terms.
    fn announced_rescue(chain: u64, block: u64, log: &Log) -> Vec<Self> {
        let rescue = log.address();
        let contract = |kind, address| Self { address, kind, rescue, block, verdict: Verdict::Genuine };
        match proven(chain, log) {
            Ok(Contracts { escrow, recovery, bonus, .. }) => vec![
                contract(Kind::Rescue, escrow),
                contract(Kind::RecoveryPool, recovery),
                contract(Kind::BonusPool, bonus),
            ],
            Err(reason) => {
                vec![Self { verdict: Verdict::Counterfeit(reason), ..contract(Kind::Rescue, rescue) }]
            }
        }
    }
}

fn proven(chain: u64, log: &Log) -> Result<Contracts, Counterfeit> {
    let terms = announced_terms(log).ok_or(Counterfeit::UnreadableTerms)?;
    let escrow = Blueprint::escrow(&terms).map_err(|_| Counterfeit::UnreadableTerms)?;
    let edition = escrow.edition_at(log.address()).ok_or(Counterfeit::OtherAddress)?;
    network::check_tokens(chain, &terms).map_err(|_| Counterfeit::ForeignTokens)?;
    Ok(Contracts::of(log.address(), edition))
}

fn proven_compact(chain: u64, log: &Log) -> Result<(), Counterfeit> {
    let event = Event::decode(&log.inner);
    let Ok(Event::Compact(CompactEvent::Created { terms })) = event else {
        return Err(Counterfeit::UnreadableTerms);
    };
    Blueprint::compact(&terms).edition_at(log.address()).ok_or(Counterfeit::OtherAddress)?;
    network::check_wsteth(chain, terms.wsteth).map_err(|_| Counterfeit::ForeignTokens)?;
    compact::escrow_edition(&terms).map(drop).ok_or(Counterfeit::ForeignEscrows)
}

fn announced_terms(log: &Log) -> Option<Terms> {
    match Event::decode(&log.inner) {
        Ok(Event::Rescue(RescueEvent::Created { terms })) => Some(terms),
        _ => None,
    }
}

/// A hash of all that decides which logs are kept, and which contracts are genuine. An index that was made by another one may lack
/// logs.
pub(crate) fn rules() -> B256 {
    let mut hasher = Keccak256::new();
    Event::signatures().for_each(|signature| hasher.update(signature));
    hasher.update(Contract::board().address);
    for edition in Edition::ALL {
        for contract in [
            levee::Contract::PledgeEscrow,
            levee::Contract::RecoveryPool,
            levee::Contract::BonusPool,
            levee::Contract::Compact,
        ] {
            hasher.update(keccak256(edition.creation_code(contract)));
            hasher.update(edition.salt(contract));
        }
    }
    for network in NETWORKS {
        hasher.update(network.chain.to_be_bytes());
        hasher.update(network.tokens.steth);
        hasher.update(network.tokens.wsteth);
    }
    hasher.finalize()
}
