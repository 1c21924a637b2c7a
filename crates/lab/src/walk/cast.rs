//! Who takes part in a walk: names there, addresses in a rescue.

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    signers::local::PrivateKeySigner,
};
use levee::{Contract, Edition};
use levee_model::{Bps, Payment, Rate, Terms, Timestamp};
use std::{collections::BTreeMap, sync::LazyLock};

use super::format::{Pay, Walk, WalkTerms};

/// The name of the beneficiary.
pub const BENEFICIARY: &str = "beneficiary";
/// The name of the guardian.
pub const GUARDIAN: &str = "guardian";
/// The name of the escrow, where a subject can choose its address.
pub const ESCROW: &str = "escrow";
/// The name of the recovery pool, likewise.
pub const POOL: &str = "pool";
/// The name of the bonus pool, likewise.
pub const BONUS: &str = "bonus";
/// The name of who signs permits, and gives the router no other allowance.
pub const SIGNER: &str = "signer";
/// The name of the token stETH, likewise.
pub const STETH: &str = "stETH";
/// The name of the token wstETH, likewise.
pub const WSTETH: &str = "wstETH";

/// The address of a name: the last 20 bytes of its hash; of [`SIGNER`], that of its key.
pub fn address_of(name: &str) -> Address {
    static SIGNERS: LazyLock<Address> = LazyLock::new(|| signer().address());
    if name == SIGNER { *SIGNERS } else { Address::from_word(keccak256(name)) }
}

/// The key of [`SIGNER`], which is public.
pub(crate) fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256("levee lab signer")).expect("a hash is a key")
}

/// Who makes the calls that anyone can make.
pub(super) fn anyone() -> Address {
    address_of("anyone")
}

/// What a walk begins with.
#[derive(Debug, Clone)]
pub struct Scene {
    /// When the rescue is created.
    pub start: Timestamp,
    /// The share rate.
    pub rate: Rate,
    /// The terms of the rescue.
    pub terms: WalkTerms,
    /// Who takes part.
    pub cast: Cast,
    /// What is deployed.
    pub builds: Builds,
}

/// Init code of the contracts, without the arguments of their constructors; by default of the latest edition.
#[derive(Debug, Clone)]
pub struct Builds {
    /// Of the escrow.
    pub escrow: Bytes,
    /// Of the recovery pool.
    pub pool: Bytes,
    /// Of the bonus pool.
    pub bonus: Bytes,
}

impl Builds {
    /// Those of a published edition.
    pub fn of(edition: Edition) -> Self {
        let code = |contract| edition.creation_code(contract).clone();
        Self {
            escrow: code(Contract::PledgeEscrow),
            pool: code(Contract::RecoveryPool),
            bonus: code(Contract::BonusPool),
        }
    }
}

impl Default for Builds {
    fn default() -> Self {
        Self::of(Edition::LATEST)
    }
}

impl Scene {
    /// That of a recorded walk.
    pub fn of(walk: &Walk) -> Self {
        let names = walk.steps.iter().flat_map(|step| step.op.names());
        Self {
            start: walk.start,
            rate: walk.rate,
            terms: walk.terms.clone(),
            cast: Cast::new(names),
            builds: Builds::default(),
        }
    }
}

/// The terms of a walk with the parties of its [`Cast`], and with these tokens if it takes any.
pub fn terms(walk: &WalkTerms, steth: Address, wsteth: Address) -> Terms {
    let token = |address| if walk.eth_only { Address::ZERO } else { address };
    Terms {
        beneficiary: address_of(BENEFICIARY),
        guardian: if walk.guardian { address_of(GUARDIAN) } else { Address::ZERO },
        steth: token(steth),
        wsteth: token(wsteth),
        target: walk.target,
        deadline: walk.deadline,
        latest_deadline: walk.latest_deadline,
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

/// Everyone who pledges, pays or is paid in a walk.
#[derive(Debug, Clone)]
pub struct Cast(BTreeMap<Address, String>);

impl Cast {
    /// These people and the beneficiary.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().chain([BENEFICIARY]);
        Self(names.map(|name| (address_of(name), name.to_owned())).collect())
    }

    /// The name of an address; the address itself when it has none.
    pub fn name(&self, address: Address) -> String {
        self.0.get(&address).cloned().unwrap_or_else(|| address.to_string())
    }

    /// Payments, with names.
    pub fn pays(&self, payments: &[Payment]) -> Vec<Pay> {
        let pay = |&Payment { to, asset, amount }: &Payment| Pay(self.name(to), asset, amount);
        payments.iter().map(pay).collect()
    }

    /// Everyone's address.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.0.keys().copied()
    }

    /// All names, by their own order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.values().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}
