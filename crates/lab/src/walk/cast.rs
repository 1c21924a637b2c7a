//! Who takes part in a walk: names there, addresses in a rescue.

use alloy::primitives::{Address, B256, keccak256};
use levee_model::{Bps, Terms};
use std::collections::BTreeMap;

use super::format::{Walk, WalkTerms};

/// The name of the beneficiary.
pub const BENEFICIARY: &str = "beneficiary";
/// The name of the guardian.
pub const GUARDIAN: &str = "guardian";
/// The name of the escrow, where a subject can choose its address.
pub const ESCROW: &str = "escrow";
/// The name of the recovery pool, likewise.
pub const POOL: &str = "pool";
/// The name of the token stETH, likewise.
pub const STETH: &str = "stETH";
/// The name of the token wstETH, likewise.
pub const WSTETH: &str = "wstETH";

/// The address of a name: the last 20 bytes of its hash.
pub fn address_of(name: &str) -> Address {
    Address::from_word(keccak256(name))
}

/// The terms of a walk with the parties of its [`Cast`], and with these tokens.
pub fn terms(walk: &WalkTerms, steth: Address, wsteth: Address) -> Terms {
    Terms {
        beneficiary: address_of(BENEFICIARY),
        guardian: if walk.guardian { address_of(GUARDIAN) } else { Address::ZERO },
        steth,
        wsteth,
        target: walk.target,
        deadline: walk.deadline,
        tiers: walk.tiers.clone(),
        objection_period: walk.objection_period,
        veto: Bps::new(walk.veto_bps),
        tranches: walk.tranches,
        tranche_interval: walk.tranche_interval,
        release_window: walk.release_window,
        exit_window: walk.exit_window,
        terms_hash: B256::ZERO,
    }
}

/// The pledgers of a walk and its beneficiary.
#[derive(Debug, Clone)]
pub struct Cast(BTreeMap<Address, String>);

impl Cast {
    /// Everyone whom a step of the walk names.
    pub fn of(walk: &Walk) -> Self {
        let pledgers = walk.steps.iter().filter_map(|step| step.op.who());
        let named = pledgers.chain([BENEFICIARY]).map(|name| (address_of(name), name.to_owned()));
        Self(named.collect())
    }

    /// The name of an address; the address itself when it has none.
    pub fn name(&self, address: Address) -> String {
        self.0.get(&address).cloned().unwrap_or_else(|| address.to_string())
    }

    /// All names, by their own order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.values().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}
