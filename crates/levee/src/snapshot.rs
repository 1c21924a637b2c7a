//! A whole rescue at one block: verified, and read in one request.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
    providers::Provider,
    sol_types::{SolCall, SolValue},
};
use levee_model::{
    Amount, Asset, BonusShare, BonusView, Earnings, Enlistment, Lido, Moment, PerAsset, PositionView,
    RecoveryView, RescueView, Shares, Terms, Timestamp, UnitSeconds, Units, Wei,
};
use serde::Serialize;

use crate::{
    bindings::{
        BonusPool, PledgeEscrow, RecoveryPool,
        RescueLens::{self, AccountReading, PoolReading, PoolShares, Reading, TokenReading},
    },
    blueprint::{Blueprint, Contract},
    convert,
    edition::Edition,
    error::Error,
    immutables,
    lens::{self, is_code},
    network,
    operation::Contracts,
    terms,
};

/// A rescue at the end of one block. The escrow is verified: its address follows from its code and its
/// original terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Snapshot {
    /// The chain id.
    pub chain: u64,
    /// The block.
    pub block: Block,
    /// The escrow's address, and those of its pools.
    pub contracts: Contracts,
    /// The edition that they belong to.
    pub edition: Edition,
    /// The original terms, to which the escrow's address commits.
    pub original: Terms,
    /// The rescue as the next call would find it.
    pub rescue: RescueView,
    /// The waterfall of the recovery pool; none if the pool was not created.
    pub recovery: Option<RecoveryView>,
    /// The books of the bonus pool; none if the pool was not created.
    pub bonus: Option<BonusView>,
    /// The requested account's data; empty if none was requested.
    pub account: AccountView,
}

/// One block of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// The hash of the parent block, which together with the number identifies the block.
    #[serde(with = "levee_model::json::Hash")]
    pub parent_hash: B256,
    /// Its time, in Unix seconds.
    #[serde(rename = "timeUnix")]
    pub time: Timestamp,
}

/// What an account has in a rescue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountView {
    /// Its positions that were ever pledged and not taken out, by tier and asset.
    pub positions: Vec<AccountPosition>,
    /// What exits and declines could not pay it.
    pub owed: PerAsset<Units>,
    /// Its ETH.
    #[serde(rename = "balanceWei")]
    pub balance: Wei,
    /// Its shares of stETH; none if there is no stETH, or it does not answer.
    #[serde(rename = "stETHShares")]
    pub steth_shares: Option<Shares>,
    /// Its stETH, in stETH.
    #[serde(rename = "stETH")]
    pub steth: TokenView,
    /// Its wstETH.
    #[serde(rename = "wstETH")]
    pub wsteth: TokenView,
    /// Its WETH, if requested.
    #[serde(rename = "WETH")]
    pub weth: TokenView,
}

impl AccountView {
    /// What it has of an asset; none if its token does not answer.
    pub fn balance_of(&self, asset: Asset) -> Option<Amount> {
        match asset {
            Asset::Eth => Some(Amount::Eth(self.balance)),
            Asset::StEth => self.steth_shares.map(Amount::StEth),
            Asset::WstEth => {
                self.wsteth.balance.map(|balance| Amount::WstEth(Units::new(balance.saturating_to())))
            }
        }
    }
}

/// An account's balance and allowances of a token, in the token's unit. None if the token does not answer,
/// or was not asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// Its balance.
    #[serde(with = "levee_model::json::NumberOrNone")]
    pub balance: Option<U256>,
    /// The allowance of the escrow.
    #[serde(with = "levee_model::json::NumberOrNone")]
    pub escrow_allowance: Option<U256>,
    /// The allowance of the requested router.
    #[serde(with = "levee_model::json::NumberOrNone")]
    pub router_allowance: Option<U256>,
}

impl TokenView {
    /// Whether the escrow may take so much. A token that does not answer allows nothing.
    pub fn lets_escrow_take(&self, amount: U256) -> bool {
        self.escrow_allowance.unwrap_or_default() >= amount
    }

    /// Whether the router may take so much.
    pub fn lets_router_take(&self, amount: U256) -> bool {
        self.router_allowance.unwrap_or_default() >= amount
    }
}

/// A position, and what the pools hold for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountPosition {
    /// The position.
    #[serde(flatten)]
    pub position: PositionView,
    /// What it has earned of recoveries; none without a recovery pool.
    pub earnings: Option<Earnings>,
    /// What it has in the bonus pool; none without one.
    pub bonus: Option<PositionBonus>,
}

/// What a bonus pool has for a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PositionBonus {
    /// Its share of the bonus.
    #[serde(flatten)]
    pub share: BonusShare,
    /// Its enlistment, as last written.
    #[serde(flatten)]
    pub enlistment: Enlistment,
    /// Whether it was not taken out since then; what left in between no longer counts.
    #[serde(rename = "upToDate")]
    pub is_current: bool,
}

impl AccountView {
    /// What it has in one of its positions; none if there never was one.
    pub fn in_position(&self, tier: u8, asset: Asset) -> Option<Units> {
        let is_meant = |line: &&AccountPosition| (line.position.tier, line.position.asset) == (tier, asset);
        self.positions.iter().find(is_meant).map(|line| line.position.amount)
    }
}

/// What to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[must_use]
pub struct Query {
    #[serde(with = "levee_model::json::Account")]
    escrow: Address,
    #[serde(with = "levee_model::json::AccountOrNone")]
    account: Address,
    #[serde(with = "levee_model::json::AccountOrNone")]
    router: Address,
    #[serde(with = "levee_model::json::AccountOrNone")]
    weth: Address,
}

impl Query {
    /// The rescue of the escrow at `escrow`, with the pools around it.
    pub const fn of(escrow: Address) -> Self {
        Self { escrow, account: Address::ZERO, router: Address::ZERO, weth: Address::ZERO }
    }

    /// Also reads what `account` has.
    pub const fn account(mut self, account: Address) -> Self {
        self.account = account;
        self
    }

    /// Also reads the account's WETH, and the allowances of the chain's router.
    pub const fn through(mut self, router: Address, weth: Address) -> Self {
        (self.router, self.weth) = (router, weth);
        self
    }

    /// Reads the rescue at the end of the latest block, on the chain `chain_id` if one is given.
    ///
    /// This takes one request if the node runs code sent with a call, and several otherwise; another one for a rescue of an
    /// edition before the latest, whose pools are elsewhere.
    ///
    /// # Errors
    /// Like [`Escrow::open`](crate::Escrow::open); [`Error::Malformed`].
    pub async fn read(&self, provider: &impl Provider, chain_id: Option<u64>) -> Result<Snapshot, Error> {
        self.read_at(provider, chain_id, BlockId::latest()).await
    }

    /// The same at the end of a block.
    ///
    /// # Errors
    /// Like [`read`](Self::read).
    pub async fn read_at(
        &self,
        provider: &impl Provider,
        chain_id: Option<u64>,
        block: BlockId,
    ) -> Result<Snapshot, Error> {
        let (reading, identity) = self.reading(provider, chain_id, block).await?;
        Snapshot::new(identity, &reading)
    }

    /// What the views say, and which rescue it is.
    pub(crate) async fn reading(
        &self,
        provider: &impl Provider,
        chain_id: Option<u64>,
        block: BlockId,
    ) -> Result<(Reading, Identity), Error> {
        let mut edition = Edition::LATEST;
        loop {
            let contracts = Contracts::of(self.escrow, edition);
            let reading = lens::read(provider, &self.encode(contracts), block).await?;
            let identity = Identity::of(self.escrow, chain_id, &reading)?;
            // Anyone can create the latest edition's pools for an earlier escrow: they mean nothing.
            if identity.edition == edition {
                return Ok((reading, identity));
            }
            edition = identity.edition;
        }
    }

    fn encode(&self, Contracts { escrow, recovery, bonus, .. }: Contracts) -> RescueLens::Query {
        let Self { account, router, weth, .. } = *self;
        RescueLens::Query { escrow, recoveryPool: recovery, bonusPool: bonus, account, router, weth }
    }
}

/// Which rescue a reading is of: the escrow's address follows from its code and its original terms.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) chain: u64,
    pub(crate) contracts: Contracts,
    pub(crate) edition: Edition,
    pub(crate) original: Terms,
}

impl Identity {
    /// Which rescue `reading` says that the escrow at `escrow` is, on the chain `chain_id` if one is given.
    pub(crate) fn of(escrow: Address, chain_id: Option<u64>, reading: &Reading) -> Result<Self, Error> {
        let chain = checked_chain(reading, chain_id)?;
        let (edition, original) = proven(escrow, reading)?;
        Ok(Self { chain, contracts: Contracts::of(escrow, edition), edition, original })
    }
}

impl Snapshot {
    /// The moment of its block, as the rules see it.
    pub fn moment(&self) -> Moment {
        let lido = self.rescue.rate.known().map_or(Lido::Broken, Lido::Working);
        Moment { time: self.block.time, lido }
    }

    /// What a reading says of a rescue.
    pub(crate) fn new(identity: Identity, reading: &Reading) -> Result<Self, Error> {
        let Identity { chain, contracts, edition, original } = identity;
        network::check_tokens(chain, &original)?;
        let block = Block {
            number: convert::narrow(reading.blockNumber, "a block")?,
            parent_hash: reading.parentHash,
            time: convert::time(reading.blockTime)?,
        };
        let rescue = decode::<PledgeEscrow::rescueCall>(&reading.rescue)?.try_into()?;
        let Contracts { escrow, recovery, bonus, .. } = contracts;
        let recovery = pool::<RecoveryPool::recoveryCall>(
            (Contract::RecoveryPool, recovery, edition),
            &immutables::of_recovery_pool(escrow, &original),
            &reading.recoveryPool,
        )?;
        let bonus = pool::<BonusPool::bonusCall>(
            (Contract::BonusPool, bonus, edition),
            &immutables::of_bonus_pool(escrow, &original),
            &reading.bonusPool,
        )?;
        let recovery = recovery.map(RecoveryView::try_from).transpose()?;
        let bonus = bonus.map(BonusView::try_from).transpose()?;
        let account = AccountView::of(&reading.account, recovery.is_some(), bonus.is_some())?;
        Ok(Self { chain, block, contracts, edition, original, rescue, recovery, bonus, account })
    }
}

/// The chain of a reading, if it is the expected one.
fn checked_chain(reading: &Reading, expected: Option<u64>) -> Result<u64, Error> {
    let actual = convert::narrow(reading.chainId, "a chain id")?;
    match expected {
        Some(expected) if expected != actual => Err(Error::WrongChain { expected, actual }),
        _ => Ok(actual),
    }
}

/// The edition and the original terms of the escrow at `address`, if its address follows from them and its code: anyone can
/// put the same code over forged books, but not at that address.
fn proven(address: Address, reading: &Reading) -> Result<(Edition, Terms), Error> {
    let contract = Contract::PledgeEscrow;
    if !is_code(reading.codeHash) {
        return Err(Error::NoCode { contract, address });
    }
    let terms = decode::<PledgeEscrow::originalTermsCall>(&reading.originalTerms);
    let terms =
        terms.and_then(|terms| terms::decode(&terms)).map_err(|_| Error::NotLevee { contract, address })?;
    let immutables = immutables::of_escrow(&terms);
    let escrow = Blueprint::escrow(&terms)?;
    // Several editions may share their code, and differ in their salts.
    let has_its_code = |edition: &Edition| edition.code(contract).hash(&immutables) == reading.codeHash;
    if !Edition::ALL.iter().any(has_its_code) {
        return Err(Error::NotLevee { contract, address });
    }
    let edition = escrow.edition_at(address).filter(has_its_code);
    Ok((edition.ok_or(Error::Counterfeit { contract, address })?, terms))
}

/// The books of the pool at an address, if it was created with the code that holds these immutables. Nothing else can be
/// there, except on a chain that computes addresses differently.
fn pool<C: SolCall>(
    (contract, address, edition): (Contract, Address, Edition),
    immutables: &[B256],
    pool: &PoolReading,
) -> Result<Option<C::Return>, Error> {
    if !is_code(pool.codeHash) {
        return Ok(None);
    }
    if pool.codeHash != edition.code(contract).hash(immutables) {
        return Err(Error::NotLevee { contract, address });
    }
    decode::<C>(&pool.books).map(Some)
}

impl AccountView {
    /// What a reading says of an account.
    pub(crate) fn of(reading: &AccountReading, has_recovery: bool, has_bonus: bool) -> Result<Self, Error> {
        if reading.positions.is_empty() {
            return Ok(Self::default());
        }
        let positions = decode::<PledgeEscrow::positionsCall>(&reading.positions)?;
        if positions.len() != reading.shares.len() {
            return Err(Error::Malformed { what: "positions" });
        }
        let one = |(position, shares): (&PledgeEscrow::PositionView, &PoolShares)| -> Result<_, Error> {
            Ok(AccountPosition {
                position: PositionView::try_from(position)?,
                earnings: has_recovery.then(|| earnings(shares)).transpose()?,
                bonus: has_bonus.then(|| position_bonus(shares)).transpose()?,
            })
        };
        let owed = decode::<PledgeEscrow::owedCall>(&reading.owed)?;
        Ok(Self {
            positions: positions.iter().zip(&reading.shares).map(one).collect::<Result<_, _>>()?,
            owed: convert::per_asset(owed.map(convert::units)),
            balance: convert::wei(reading.balance)?,
            steth_shares: number(&reading.stETHShares)
                .and_then(|shares| shares.try_into().ok())
                .map(Shares::new),
            steth: token(&reading.stETH),
            wsteth: token(&reading.wstETH),
            weth: token(&reading.weth),
        })
    }
}

fn earnings(shares: &PoolShares) -> Result<Earnings, Error> {
    RecoveryPool::earningsReturn { earned: shares.earned, claimed: shares.claimed }.try_into()
}

fn position_bonus(shares: &PoolShares) -> Result<PositionBonus, Error> {
    let share = BonusShare { share: convert::wei(shares.bonusShare)?, claimed: shares.bonusClaimed };
    let enlistment = Enlistment {
        departures: convert::narrow(shares.enlistedDepartures, "an enlistment")?,
        enlisted: convert::narrow(shares.enlistedAmount, "an enlistment").map(Units::new)?,
        unit_seconds: UnitSeconds::new(shares.unitSeconds),
    };
    Ok(PositionBonus { share, enlistment, is_current: shares.departures == shares.enlistedDepartures })
}

fn token(reading: &TokenReading) -> TokenView {
    TokenView {
        balance: number(&reading.balance),
        escrow_allowance: number(&reading.escrowAllowance),
        router_allowance: number(&reading.routerAllowance),
    }
}

/// A token's answer, if it is a number.
fn number(answer: &[u8]) -> Option<U256> {
    U256::abi_decode_validate(answer).ok()
}

/// A verified contract's answer.
fn decode<C: SolCall>(answer: &[u8]) -> Result<C::Return, Error> {
    C::abi_decode_returns_validate(answer).map_err(|_| Error::Malformed { what: "an answer" })
}
