//! Levee's contracts: what each is created from, its address, and whether it exists.

use std::fmt;

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::Provider,
    sol_types::{SolConstructor, SolType},
};
use levee_model::{CompactTerms, Terms};
use serde::Serialize;

use crate::{
    bindings::{BonusPool, Compact, DebtRepayer, PledgeRouter, RecoveryPool, StakedEtherUnwinder},
    compact,
    edition::Edition,
    error::Error,
    terms::{self, CREATE2_DEPLOYER},
};

/// A contract of Levee, by its name in Solidity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// A standing agreement to rescue.
    Compact,
}

impl Contract {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::PledgeEscrow,
        Self::RecoveryPool,
        Self::BonusPool,
        Self::PledgeBoard,
        Self::PledgeRouter,
        Self::DebtRepayer,
        Self::StakedEtherUnwinder,
        Self::Compact,
    ];

    /// Its name in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PledgeEscrow => "escrow",
            Self::RecoveryPool => "recovery pool",
            Self::BonusPool => "bonus pool",
            Self::PledgeBoard => "board",
            Self::PledgeRouter => "router",
            Self::DebtRepayer => "debt repayer",
            Self::StakedEtherUnwinder => "unwinder of staked ether",
            Self::Compact => "compact",
        }
    }

    /// Whether `code` is its runtime code in some edition, whatever it was created with. This alone proves nothing: anyone
    /// can put this code over forged books. The address is the proof, see [`Blueprint`].
    pub fn is_code(self, code: &[u8]) -> bool {
        Edition::ALL.iter().any(|edition| edition.code(self).is(code))
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one contract is created from. Its address commits to exactly that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Blueprint {
    edition: Edition,
    contract: Contract,
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    arguments: Bytes,
}

impl Blueprint {
    /// The escrow with these terms.
    ///
    /// # Errors
    /// [`Error::Unencodable`] if a deadline exceeds what the contract can hold.
    pub fn escrow(terms: &Terms) -> Result<Self, Error> {
        Ok(Self::new(Contract::PledgeEscrow, terms::encode_arguments(terms)?))
    }

    /// The recovery pool of the escrow at `escrow`, which must exist when it is created.
    pub fn recovery_pool(escrow: Address) -> Self {
        let arguments = RecoveryPool::constructorCall { escrow_: escrow }.abi_encode();
        Self::new(Contract::RecoveryPool, arguments)
    }

    /// The bonus pool of the escrow at `escrow`.
    pub fn bonus_pool(escrow: Address) -> Self {
        let arguments = BonusPool::constructorCall { escrow_: escrow }.abi_encode();
        Self::new(Contract::BonusPool, arguments)
    }

    /// The board: the same address on every chain.
    pub fn board() -> Self {
        Self::new(Contract::PledgeBoard, Vec::new())
    }

    /// The router of these tokens; zero for a token that does not exist.
    pub fn router(weth: Address, steth: Address, wsteth: Address) -> Self {
        let call = PledgeRouter::constructorCall { weth_: weth, stETH_: steth, wstETH_: wsteth };
        Self::new(Contract::PledgeRouter, call.abi_encode())
    }

    /// The receiver that repays what `debtor` owes `pool` in `weth`, and sends anything above it to `rest`.
    pub fn debt_repayer(pool: Address, weth: Address, debtor: Address, rest: Address) -> Self {
        let call = DebtRepayer::constructorCall { pool_: pool, weth_: weth, debtor_: debtor, rest_: rest };
        Self::new(Contract::DebtRepayer, call.abi_encode())
    }

    /// The receiver that turns stETH into ETH through `withdrawal_queue`, and forwards it to `recipient`.
    pub fn staked_ether_unwinder(withdrawal_queue: Address, recipient: Address) -> Self {
        let call = StakedEtherUnwinder::constructorCall {
            withdrawalQueue_: withdrawal_queue,
            recipient_: recipient,
        };
        Self::new(Contract::StakedEtherUnwinder, call.abi_encode())
    }

    /// The compact with these terms.
    pub fn compact(terms: &CompactTerms) -> Self {
        let arguments = Compact::constructorCall { terms_: compact::encode_terms(terms) }.abi_encode();
        Self::new(Contract::Compact, arguments)
    }

    /// The contract that this code and this salt create at an address of its own; none if it is not Levee's, or its arguments are not
    /// encoded as [`init_code`](Self::init_code) does.
    pub fn from_init_code(salt: B256, code: &[u8]) -> Option<Self> {
        let candidates =
            Edition::ALL.iter().flat_map(|edition| Contract::ALL.map(|contract| (*edition, contract)));
        candidates.filter(|(edition, contract)| edition.salt(*contract) == salt).find_map(
            |(edition, contract)| {
                let arguments = code.strip_prefix(&edition.creation_code(contract)[..])?;
                is_canonical(contract, arguments).then(|| Self {
                    edition,
                    contract,
                    arguments: arguments.to_vec().into(),
                })
            },
        )
    }

    /// Of the latest edition.
    fn new(contract: Contract, arguments: Vec<u8>) -> Self {
        Self { edition: Edition::LATEST, contract, arguments: arguments.into() }
    }

    /// The same contract of another edition than the latest: of the one whose rescue it belongs to.
    #[must_use]
    pub fn in_edition(self, edition: Edition) -> Self {
        Self { edition, ..self }
    }

    /// The edition in which this contract has an address: which proves what is there, since the address commits to its code and
    /// its arguments.
    pub fn edition_at(&self, address: Address) -> Option<Edition> {
        let is_there = |edition: &Edition| self.clone().in_edition(*edition).address() == address;
        Edition::ALL.iter().copied().find(is_there)
    }

    /// The edition that it is of.
    pub const fn edition(&self) -> Edition {
        self.edition
    }

    /// Which contract it is.
    pub const fn contract(&self) -> Contract {
        self.contract
    }

    /// The constructor's arguments, encoded.
    pub(crate) const fn arguments(&self) -> &Bytes {
        &self.arguments
    }

    /// The code that creates it: the constructor's bytecode and its arguments.
    pub fn init_code(&self) -> Bytes {
        [&self.edition.creation_code(self.contract)[..], &self.arguments].concat().into()
    }

    /// The salt that it is created with.
    pub fn salt(&self) -> B256 {
        self.edition.salt(self.contract)
    }

    /// Its address, now or once created, on every chain that has the [`CREATE2_DEPLOYER`]. Needs no network
    /// and trusts nobody.
    pub fn address(&self) -> Address {
        CREATE2_DEPLOYER.create2_from_code(self.salt(), self.init_code())
    }

    /// Checks that it exists. Nothing else can be at its address, which follows from its code and what it
    /// was created with.
    ///
    /// # Errors
    /// [`Error::NoCode`]; [`Error::NotLevee`], on a chain that computes addresses differently;
    /// [`Error::Rpc`].
    pub async fn verify(&self, provider: &impl Provider) -> Result<(), Error> {
        let (contract, address) = (self.contract, self.address());
        let code = provider.get_code_at(address).await?;
        if code.is_empty() {
            Err(Error::NoCode { contract, address })
        } else if self.edition.code(contract).is(&code) {
            Ok(())
        } else {
            Err(Error::NotLevee { contract, address })
        }
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

/// Whether these are arguments of a contract's constructor, as its address commits to them.
fn is_canonical(contract: Contract, arguments: &[u8]) -> bool {
    fn words<C: SolConstructor>(arguments: &[u8]) -> bool {
        let decoded = <C::Parameters<'_>>::abi_decode_params_validate(arguments);
        decoded.is_ok_and(|decoded| C::new(decoded).abi_encode() == arguments)
    }
    match contract {
        Contract::PledgeEscrow => terms::from_arguments(arguments).is_ok(),
        Contract::RecoveryPool => words::<RecoveryPool::constructorCall>(arguments),
        Contract::BonusPool => words::<BonusPool::constructorCall>(arguments),
        Contract::PledgeBoard => arguments.is_empty(),
        Contract::PledgeRouter => words::<PledgeRouter::constructorCall>(arguments),
        Contract::DebtRepayer => words::<DebtRepayer::constructorCall>(arguments),
        Contract::StakedEtherUnwinder => words::<StakedEtherUnwinder::constructorCall>(arguments),
        Contract::Compact => words::<Compact::constructorCall>(arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{address, keccak256};

    /// Changing these moves every published contract: nothing new appears at the old address.
    #[test]
    fn a_blueprint_is_data() {
        let board = serde_json::to_value(Blueprint::board()).unwrap();
        let expected = serde_json::json!({ "edition": "v1", "contract": "PledgeBoard", "arguments": "0x" });
        assert_eq!(board, expected);
    }

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
            ("Compact", Blueprint::compact(&compact::tests::terms())),
        ];
        for (name, blueprint) in &published {
            assert_eq!(blueprint.salt(), keccak256(format!("levee.{name}.v1")), "{name}");
        }
        let addresses = [
            address!("D2a60717A64036bc93a6d332D8520f0F44729435"),
            address!("B2FfbF02DaF924a0fe65dc03ACedeAe8d4638113"),
            address!("eeCD55A08334e9817A223021Fa299aD251bbFC04"),
            address!("6fF2e3A711AFF7c901dD7745714D8dEc1dF67159"),
            address!("A7FAecCa9DF82767c528e991637c4720EFFE14Ed"),
            address!("221C36a0bd613eEFB817C34c9E2e29883b7fd3C7"),
            address!("283313A6D82E441c2357c265d1B4a97fF956E847"),
            address!("6549d675c90870E94a1Ec64D4F2cb0ffA553332b"),
        ];
        for (name, blueprint) in &published {
            let read = |code: &[u8]| Blueprint::from_init_code(blueprint.salt(), code);
            let code = blueprint.init_code();
            assert_eq!(read(&code).as_ref(), Some(blueprint), "{name}");
            assert_eq!(read(&[&code[..], &[0]].concat()), None, "{name}");
            assert_eq!(Blueprint::from_init_code(B256::ZERO, &code), None, "{name}");
        }
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
}
