//! Who takes part in a walk: names there, addresses in a rescue.

use alloy::primitives::{Address, keccak256};
use std::collections::BTreeMap;

use super::format::Walk;

/// The name of the beneficiary.
pub const BENEFICIARY: &str = "beneficiary";
/// The name of the guardian.
pub const GUARDIAN: &str = "guardian";
/// The name of the escrow, where a subject can choose its address.
pub const ESCROW: &str = "escrow";
/// The name of the token stETH, likewise.
pub const STETH: &str = "stETH";
/// The name of the token wstETH, likewise.
pub const WSTETH: &str = "wstETH";

/// The address of a name: the last 20 bytes of its hash.
pub fn address_of(name: &str) -> Address {
    Address::from_word(keccak256(name))
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
