//! Levee's contracts: what each is created from, its address, and whether the code there is genuine.

use std::{fmt, sync::LazyLock};

use alloy::{
    primitives::{Address, B256, Bytes, b256, keccak256},
    providers::Provider,
    sol_types::SolConstructor,
};
use levee_model::Terms;
use serde::Deserialize;

use crate::{
    bindings::{
        BonusPool, DebtRepayer, PledgeBoard, PledgeEscrow, PledgeRouter, RecoveryPool, StakedEtherUnwinder,
    },
    error::Error,
    terms::{self, CREATE2_DEPLOYER},
};

/// A contract of Levee, by its name in Solidity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contract {
    /// The escrow of one rescue.
    PledgeEscrow,
    /// Distributes what is recovered after one rescue.
    RecoveryPool,
    /// Holds the bonus of one rescue.
    BonusPool,
    /// The chain's board of declarations.
    PledgeBoard,
    /// The chain's router into escrows, one for each choice of tokens.
    PledgeRouter,
    /// A receiver that repays a debt.
    DebtRepayer,
    /// A receiver that turns stETH into ETH.
    StakedEtherUnwinder,
}

impl Contract {
    /// The salt with which each of them is created: the keccak256 of `levee.PledgeEscrow.v1`, and so on,
    /// with its name in Solidity. An address commits to it.
    pub const fn salt(self) -> B256 {
        match self {
            Self::PledgeEscrow => terms::SALT,
            Self::RecoveryPool => b256!("23989035c96399c34468f518bbfb8c6de7ad5400c48747c363e3a3a888cd829b"),
            Self::BonusPool => b256!("7f94f3209edaf7b9967aae51fea2f4004e1310cac095380d49acdee42b51b38b"),
            Self::PledgeBoard => b256!("37c5969db9e5df57f1fd038ab3e127432560bc3dc903fce35d45f65cc2c5e3dc"),
            Self::PledgeRouter => b256!("359bf1abd11779439376c35c2f188956b52042c127e0fc599252e297a783c6ee"),
            Self::DebtRepayer => b256!("c114d1c0d5156c82a590b0be24fea0c210b75b1cceda936ec3a2066bfa9d3030"),
            Self::StakedEtherUnwinder => {
                b256!("5f175ef37f5bc44c42cf2721f2a53e03628042005864c7c263fca90d7d23a786")
            }
        }
    }

    /// Whether `code` is its runtime code, whatever it was created with. This alone proves nothing: anyone
    /// can put this code over forged books. The address is the proof, see [`Blueprint`].
    pub fn is_code(self, code: &[u8]) -> bool {
        let (deployed, immutables) = self.runtime();
        masked(code, immutables).is_some_and(|masked| masked == deployed)
    }

    /// Checks that the code at `address` is its code, like [`is_code`](Self::is_code).
    pub(crate) fn check_code(self, address: Address, code: &[u8]) -> Result<(), Error> {
        if code.is_empty() {
            Err(Error::NoCode { contract: self, address })
        } else if self.is_code(code) {
            Ok(())
        } else {
            Err(Error::NotLevee { contract: self, address })
        }
    }

    /// The hash of its runtime code if it was created with these immutables, in the order of declaration.
    pub(crate) fn code_hash(self, immutables: &[B256]) -> B256 {
        let (code, places) = self.runtime();
        debug_assert_eq!(places.len(), immutables.len(), "the immutables of {self:?}");
        let mut code = code.to_vec();
        for (ranges, value) in places.iter().zip(immutables) {
            for &(start, length) in ranges {
                code[start..start + length].copy_from_slice(value.as_slice());
            }
        }
        keccak256(code)
    }

    /// The runtime code with zeros for immutables, and the places of each immutable.
    fn runtime(self) -> (&'static [u8], &'static [Immutable]) {
        macro_rules! of {
            ($contract:ident) => {{
                static IMMUTABLES: LazyLock<Vec<Immutable>> = LazyLock::new(|| {
                    immutables(include_str!(concat!("../artifacts/", stringify!($contract), ".json")))
                });
                (&$contract::DEPLOYED_BYTECODE, &IMMUTABLES)
            }};
        }
        match self {
            Self::PledgeEscrow => of!(PledgeEscrow),
            Self::RecoveryPool => of!(RecoveryPool),
            Self::BonusPool => of!(BonusPool),
            Self::PledgeBoard => of!(PledgeBoard),
            Self::PledgeRouter => of!(PledgeRouter),
            Self::DebtRepayer => of!(DebtRepayer),
            Self::StakedEtherUnwinder => of!(StakedEtherUnwinder),
        }
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PledgeEscrow => "escrow",
            Self::RecoveryPool => "recovery pool",
            Self::BonusPool => "bonus pool",
            Self::PledgeBoard => "board",
            Self::PledgeRouter => "router",
            Self::DebtRepayer => "debt repayer",
            Self::StakedEtherUnwinder => "unwinder of staked ether",
        })
    }
}

/// What one contract is created from. Its address commits to exactly that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blueprint {
    contract: Contract,
    init_code: Bytes,
}

impl Blueprint {
    /// The escrow with these terms.
    ///
    /// # Errors
    /// [`Error::Unencodable`] if a deadline exceeds what the contract can hold.
    pub fn escrow(terms: &Terms) -> Result<Self, Error> {
        Ok(Self { contract: Contract::PledgeEscrow, init_code: terms::init_code(terms)? })
    }

    /// The recovery pool of the escrow at `escrow`, which must exist when it is created.
    pub fn recovery_pool(escrow: Address) -> Self {
        let arguments = RecoveryPool::constructorCall { escrow_: escrow }.abi_encode();
        Self::new(Contract::RecoveryPool, &RecoveryPool::BYTECODE, &arguments)
    }

    /// The bonus pool of the escrow at `escrow`.
    pub fn bonus_pool(escrow: Address) -> Self {
        let arguments = BonusPool::constructorCall { escrow_: escrow }.abi_encode();
        Self::new(Contract::BonusPool, &BonusPool::BYTECODE, &arguments)
    }

    /// The board: the same address on every chain.
    pub fn board() -> Self {
        Self::new(Contract::PledgeBoard, &PledgeBoard::BYTECODE, &[])
    }

    /// The router of these tokens; zero for a token that does not exist.
    pub fn router(weth: Address, steth: Address, wsteth: Address) -> Self {
        let call = PledgeRouter::constructorCall { weth_: weth, stETH_: steth, wstETH_: wsteth };
        Self::new(Contract::PledgeRouter, &PledgeRouter::BYTECODE, &call.abi_encode())
    }

    /// The receiver that repays what `debtor` owes `pool` in `weth`, and sends anything above it to `rest`.
    pub fn debt_repayer(pool: Address, weth: Address, debtor: Address, rest: Address) -> Self {
        let call = DebtRepayer::constructorCall { pool_: pool, weth_: weth, debtor_: debtor, rest_: rest };
        Self::new(Contract::DebtRepayer, &DebtRepayer::BYTECODE, &call.abi_encode())
    }

    /// The receiver that turns stETH into ETH through `withdrawal_queue`, and forwards it to `recipient`.
    pub fn staked_ether_unwinder(withdrawal_queue: Address, recipient: Address) -> Self {
        let call = StakedEtherUnwinder::constructorCall {
            withdrawalQueue_: withdrawal_queue,
            recipient_: recipient,
        };
        Self::new(Contract::StakedEtherUnwinder, &StakedEtherUnwinder::BYTECODE, &call.abi_encode())
    }

    fn new(contract: Contract, code: &[u8], arguments: &[u8]) -> Self {
        Self { contract, init_code: [code, arguments].concat().into() }
    }

    /// Which contract it is.
    pub const fn contract(&self) -> Contract {
        self.contract
    }

    /// The code that creates it: the constructor's bytecode and its arguments.
    pub const fn init_code(&self) -> &Bytes {
        &self.init_code
    }

    /// Its address, now or once created, on every chain that has the [`CREATE2_DEPLOYER`]. Needs no network
    /// and trusts nobody.
    pub fn address(&self) -> Address {
        CREATE2_DEPLOYER.create2_from_code(self.contract.salt(), &self.init_code)
    }

    /// Checks that it exists. Nothing else can be at its address, which follows from its code and what it
    /// was created with.
    ///
    /// # Errors
    /// [`Error::NoCode`]; [`Error::NotLevee`], on a chain that computes addresses differently;
    /// [`Error::Rpc`].
    pub async fn verify(&self, provider: &impl Provider) -> Result<(), Error> {
        let address = self.address();
        self.contract.check_code(address, &provider.get_code_at(address).await?)
    }

    /// Whether it exists.
    ///
    /// # Errors
    /// [`Error::NotLevee`] if other code is at its address, [`Error::Rpc`].
    pub async fn exists(&self, provider: &impl Provider) -> Result<bool, Error> {
        match self.verify(provider).await {
            Ok(()) => Ok(true),
            Err(Error::NoCode { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Start and length of each place of one immutable in the runtime code.
type Immutable = Vec<(usize, usize)>;

/// `code` with zeros for all immutables; `None` if it is too short to hold them.
fn masked(code: &[u8], immutables: &[Immutable]) -> Option<Vec<u8>> {
    let mut masked = code.to_vec();
    for &(start, length) in immutables.iter().flatten() {
        masked.get_mut(start..start + length)?.fill(0);
    }
    Some(masked)
}

/// The places of the immutables in a checked-in artifact, in the order of declaration.
fn immutables(artifact: &str) -> Vec<Immutable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Artifact {
        immutable_references: Vec<Immutable>,
    }
    let artifact: Artifact =
        serde_json::from_str(artifact).expect("the checked-in artifact has immutable references");
    artifact.immutable_references
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::address;

    /// Changing these moves every published contract: nothing new appears at the old address.
    #[test]
    fn salts_and_addresses_are_the_published_ones() {
        let [a, b, c, d] = [1, 2, 3, 4].map(Address::repeat_byte);
        let published = [
            ("PledgeEscrow", Blueprint::escrow(&terms::tests::terms()).unwrap()),
            ("RecoveryPool", Blueprint::recovery_pool(a)),
            ("BonusPool", Blueprint::bonus_pool(a)),
            ("PledgeBoard", Blueprint::board()),
            ("PledgeRouter", Blueprint::router(a, b, c)),
            ("DebtRepayer", Blueprint::debt_repayer(a, b, c, d)),
            ("StakedEtherUnwinder", Blueprint::staked_ether_unwinder(a, b)),
        ];
        for (name, blueprint) in &published {
            assert_eq!(blueprint.contract().salt(), keccak256(format!("levee.{name}.v1")), "{name}");
        }
        let addresses = [
            address!("D2a60717A64036bc93a6d332D8520f0F44729435"),
            address!("B2FfbF02DaF924a0fe65dc03ACedeAe8d4638113"),
            address!("eeCD55A08334e9817A223021Fa299aD251bbFC04"),
            address!("6fF2e3A711AFF7c901dD7745714D8dEc1dF67159"),
            address!("A7FAecCa9DF82767c528e991637c4720EFFE14Ed"),
            address!("221C36a0bd613eEFB817C34c9E2e29883b7fd3C7"),
            address!("283313A6D82E441c2357c265d1B4a97fF956E847"),
        ];
        assert_eq!(published.map(|(_, blueprint)| blueprint.address()), addresses);
    }

    #[test]
    fn an_address_commits_to_the_contract_and_its_arguments() {
        let [one, other] = [1, 2].map(Address::repeat_byte);
        let zero = Address::ZERO;
        let addresses = [
            Blueprint::recovery_pool(one),
            Blueprint::recovery_pool(other),
            Blueprint::bonus_pool(one),
            Blueprint::board(),
            Blueprint::router(one, zero, zero),
            Blueprint::router(zero, one, zero),
            Blueprint::router(zero, zero, one),
            Blueprint::debt_repayer(one, zero, zero, zero),
            Blueprint::debt_repayer(zero, one, zero, zero),
            Blueprint::debt_repayer(zero, zero, one, zero),
            Blueprint::debt_repayer(zero, zero, zero, one),
            Blueprint::staked_ether_unwinder(one, zero),
            Blueprint::staked_ether_unwinder(zero, one),
        ]
        .map(|blueprint| blueprint.address());
        let distinct: std::collections::BTreeSet<_> = addresses.into_iter().collect();
        assert_eq!(distinct.len(), addresses.len());
    }

    #[test]
    fn code_is_told_from_other_code() {
        let (code, immutables) = Contract::RecoveryPool.runtime();
        let (start, length) = immutables[0][0];
        let mut created = code.to_vec();
        created[start..start + length].fill(7);
        assert!(Contract::RecoveryPool.is_code(&created));
        assert!(!Contract::BonusPool.is_code(&created));
        created[start + length] ^= 1;
        assert!(!Contract::RecoveryPool.is_code(&created));
        assert!(!Contract::RecoveryPool.is_code(&code[..start]));
    }
}
