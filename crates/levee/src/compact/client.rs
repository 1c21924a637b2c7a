//! A compact on a chain: proven genuine, read, and called.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256, keccak256},
    providers::Provider,
    rpc::types::Filter,
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use levee_model::{
    Compact, CompactEvent, CompactOperation, CompactTerms, Inconsistent, Units, Wei,
    compact::{CompactBooks, Standing, Started},
};
use serde::Serialize;

use crate::{
    bindings::{Compact as Raw, WstETH},
    blueprint::{Blueprint, Contract},
    call::Call,
    convert,
    edition::Edition,
    error::Error,
    history::{self, Entry},
    network,
    operation::Transaction,
    rpc,
    scan::{Begin, Search},
    snapshot::Block,
};

use super::{code_store::CodeStore, decode_call, decode_member, decode_terms, encode};

/// The compact at an address, which has been proven to be one.
#[derive(Debug, Clone)]
pub struct CompactClient<P> {
    provider: P,
    chain: u64,
    address: Address,
    terms: CompactTerms,
    edition: Edition,
}

/// The wstETH of an account. What exceeds 128 bits is that much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactFunds {
    /// What it has.
    pub balance: Units,
    /// What of that the compact may take.
    pub allowance: Units,
}

/// A compact at the end of a block, from all its events.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompactHistory {
    /// The chain.
    pub chain: u64,
    /// The block.
    pub block: Block,
    /// The events, in order.
    pub entries: Vec<Entry>,
    /// What they add up to.
    #[serde(skip)]
    pub compact: Compact,
}

/// All premiums that were paid by events of a compact, and those that were claimed.
pub fn premiums<'a>(events: impl IntoIterator<Item = &'a CompactEvent>) -> (Units, Units) {
    let (mut paid, mut claimed) = (Units::ZERO, Units::ZERO);
    for event in events {
        match *event {
            CompactEvent::PremiumPaid { amount, .. } => paid += amount,
            CompactEvent::PremiumClaimed { amount, .. } => claimed += amount,
            _ => {}
        }
    }
    (paid, claimed)
}

/// The edition of Levee's escrows that the calls of a compact pay into; none if they pay into other contracts, which could keep the money.
pub fn escrow_edition(terms: &CompactTerms) -> Option<Edition> {
    let is_of = |edition: &&Edition| {
        terms.escrow_code_hash == keccak256(edition.creation_code(Contract::PledgeEscrow))
    };
    Edition::ALL.iter().find(is_of).copied()
}

impl<P: Provider + Clone> CompactClient<P> {
    /// Opens the compact at `address` on the chain `chain`, which `provider` must be on: its address must follow from its code and the
    /// terms that it reports.
    ///
    /// # Errors
    /// [`Error::NoCode`], [`Error::NotLevee`], [`Error::Counterfeit`], [`Error::Rpc`].
    pub async fn open(provider: P, chain: u64, address: Address) -> Result<Self, Error> {
        let contract = Contract::Compact;
        let code = provider.get_code_at(address).await?;
        if code.is_empty() {
            return Err(Error::NoCode { contract, address });
        }
        if !contract.is_code(&code) {
            return Err(Error::NotLevee { contract, address });
        }
        let terms = rpc::read(&provider, address, &Raw::termsCall {}, BlockId::latest()).await?;
        let terms = decode_terms(&terms);
        let found = Blueprint::compact(&terms).edition_at(address);
        let edition = found.ok_or(Error::Counterfeit { contract, address })?;
        Ok(Self { provider, chain, address, terms, edition })
    }

    /// Its address.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// What reads the chain.
    pub const fn provider(&self) -> &P {
        &self.provider
    }

    /// The chain.
    pub const fn chain(&self) -> u64 {
        self.chain
    }

    /// Its terms, to which its address commits.
    pub const fn terms(&self) -> &CompactTerms {
        &self.terms
    }

    /// Checks that its token can be Lido's.
    ///
    /// # Errors
    /// [`Error::NotLidos`].
    pub fn check_token(&self) -> Result<(), Error> {
        network::check_wsteth(self.chain, self.terms.wsteth)
    }

    /// Checks that its calls pay into Levee's escrows only: whoever founds a compact may name any other code, which could keep the money.
    ///
    /// # Errors
    /// [`Error::ForeignEscrows`].
    pub fn check_escrows(&self) -> Result<(), Error> {
        match escrow_edition(&self.terms) {
            Some(_) => Ok(()),
            None => {
                Err(Error::ForeignEscrows { compact: self.address, code_hash: self.terms.escrow_code_hash })
            }
        }
    }

    /// The edition of the contracts that it belongs to.
    pub const fn edition(&self) -> Edition {
        self.edition
    }

    /// The transaction that makes a call, which may change the escrow `escrow` too. A commitment and a premium need an allowance for [the
    /// compact](Self::address); a proposal needs the [code of its escrows](CodeStore) to be on the chain.
    ///
    /// # Errors
    /// [`Error::Unencodable`] if a deadline of a proposed rescue exceeds what the contract can hold.
    pub fn call(&self, operation: &CompactOperation, escrow: Option<Address>) -> Result<Call<P>, Error> {
        let code = match operation {
            CompactOperation::Propose { .. } => CodeStore::of(self.edition).addresses(),
            _ => Vec::new(),
        };
        let input = encode(operation, &code)?;
        let (contract, to, value) = (Contract::Compact, self.address, Wei::ZERO);
        let events_of = [Some(self.address), escrow].into_iter().flatten().collect();
        let call = Call::of(self.provider.clone(), Transaction { contract, to, value, input }, events_of);
        Ok(if changes_weight(operation) { call.needing(WEIGHT_GAS) } else { call })
    }

    /// The allowance of wstETH that a commitment or a premium needs.
    pub fn approval(&self, amount: Units) -> Call<P> {
        let call = WstETH::approveCall { spender: self.address, units: U256::from(amount.get()) };
        rpc::token_call(&self.provider, self.terms.wsteth, &call)
    }

    /// What `owner` has of wstETH, and what of it the compact may take.
    ///
    /// # Errors
    /// [`Error::Rpc`], [`Error::Malformed`].
    pub async fn funds(&self, owner: Address) -> Result<CompactFunds, Error> {
        let (at, wsteth) = (BlockId::latest(), self.terms.wsteth);
        let allowance = WstETH::allowanceCall { owner, spender: self.address };
        let [balance, allowance] = [
            rpc::read(&self.provider, wsteth, &WstETH::balanceOfCall { account: owner }, at).await?,
            rpc::read(&self.provider, wsteth, &allowance, at).await?,
        ]
        .map(|units| Units::new(units.saturating_to()));
        Ok(CompactFunds { balance, allowance })
    }

    /// The compact at the end of the latest block, from its logs. All [that is stored](CompactBooks) must be what its views say there; what
    /// changes none of it, such as an approval that was withdrawn, is the node's word. The scan begins at `from_block`, or where there
    /// can be logs of Levee's contracts.
    ///
    /// # Errors
    /// [`Error::CompactBeginsEarlier`] if it was created before `from_block`; [`Error::BrokenCompact`] and
    /// [`Error::CompactHistoryDiffers`] if the logs are not whole; [`Error::Rpc`]; [`Error::Malformed`].
    pub async fn read(&self, from_block: Option<u64>) -> Result<CompactHistory, Error> {
        let block = latest(&self.provider).await?;
        let filter = Filter::new().address(self.address);
        let search = Search { filter, begin: Begin::of(self.chain, from_block) };
        let entries = history::entries(&search.logs(&self.provider, block.number).await?)?;
        let compact = self.fold(&entries, from_block)?;
        if self.agrees(&compact, block.number).await? {
            return Ok(CompactHistory { chain: self.chain, block, entries, compact });
        }
        Err(Error::CompactHistoryDiffers { compact: self.address, block: block.number })
    }

    fn fold(&self, entries: &[Entry], from_block: Option<u64>) -> Result<Compact, Error> {
        let compact = self.address;
        fold(compact, entries).map_err(|error| match (error, from_block) {
            (Error::BrokenCompact { source, .. }, Some(block)) if *source == Inconsistent::NoCreation => {
                Error::CompactBeginsEarlier { compact, block }
            }
            (error, _) => error,
        })
    }

    async fn agrees(&self, compact: &Compact, block: u64) -> Result<bool, Error> {
        let expected = compact.books();
        let members = expected.members.keys().copied();
        Ok(books(&self.provider, self.address, members, BlockId::number(block)).await? == expected)
    }
}

/// The gas for a call that writes the weights of a member and of all at a new second; in the second of another one it needs less, and a
/// simulation may see that second. More than the dearest of them takes, by docs/performance.md.
const WEIGHT_GAS: u64 = 130_000;

/// Whether a call of one member changes weights.
const fn changes_weight(operation: &CompactOperation) -> bool {
    matches!(
        operation,
        CompactOperation::Activate { .. } | CompactOperation::Notice { .. } | CompactOperation::Leave { .. }
    )
}

/// How many views are asked for at a time.
const AT_ONCE: usize = 8;

/// What a compact says at the end of a block that it has stored, of these members.
///
/// # Errors
/// [`Error::Rpc`], [`Error::Malformed`].
pub async fn books(
    provider: &impl Provider,
    compact: Address,
    members: impl IntoIterator<Item = Address>,
    block: BlockId,
) -> Result<CompactBooks, Error> {
    let all = rpc::read(provider, compact, &Raw::allCall {}, block).await?;
    let count = rpc::read(provider, compact, &Raw::callCountCall {}, block).await?;
    let last = rpc::read(provider, compact, &Raw::lastStartedCall {}, block).await?;
    let count: u64 = convert::narrow(count, "a number of calls")?;
    let call = async |number: u64| {
        let call = Raw::callAtCall { number: U256::from(number) };
        rpc::read(provider, compact, &call, block).await.map(|view| decode_call(&view))
    };
    let member = async |account: Address| {
        let view = rpc::read(provider, compact, &Raw::memberOfCall { account }, block).await?;
        Ok::<_, Error>((account, decode_member(&view)))
    };
    let active = convert::units(all.active);
    let noticed = active.checked_sub(convert::units(all.weight)).ok_or(Error::Malformed { what: "sums" })?;
    Ok(CompactBooks {
        all: Standing { active, noticed },
        index: all.index,
        members: stream::iter(members).map(member).buffered(AT_ONCE).try_collect().await?,
        calls: stream::iter(0..count).map(call).buffered(AT_ONCE).try_collect().await?,
        started: convert::moment(last.startedAt)
            .map(|started_at| Ok::<_, Error>(Started { call: narrow_call(last.call)?, started_at }))
            .transpose()?,
    })
}

/// What a compact says at the end of a block of an account's vote on a call: whether it approves it, and whether it has given.
///
/// # Errors
/// [`Error::Rpc`], [`Error::Malformed`].
pub async fn vote(
    provider: &impl Provider,
    compact: Address,
    (call, account): (u64, Address),
    block: BlockId,
) -> Result<(bool, bool), Error> {
    let read = Raw::voteOfCall { number: U256::from(call), account };
    let vote = rpc::read(provider, compact, &read, block).await?;
    Ok((vote.approved, vote.given))
}

fn narrow_call(call: U256) -> Result<u64, Error> {
    convert::narrow(call, "a call")
}

/// The compact at `address`, from all its events in order, starting with its creation.
///
/// # Errors
/// [`Error::BrokenCompact`].
pub fn fold(address: Address, entries: &[Entry]) -> Result<Compact, Error> {
    let folded = || {
        let mut events = entries.iter().filter_map(|entry| entry.event.of_compact());
        let mut compact = Compact::created(address, events.next().ok_or(Inconsistent::NoCreation)?)?;
        events.try_for_each(|event| compact.apply(event))?;
        Ok(compact)
    };
    folded().map_err(|source| Error::BrokenCompact { compact: address, source: Box::new(source) })
}

async fn latest(provider: &impl Provider) -> Result<Block, Error> {
    let header =
        provider.get_block(BlockId::latest()).await?.ok_or(Error::Malformed { what: "a block" })?.header;
    Ok(Block { number: header.number, parent_hash: header.parent_hash, time: header.timestamp })
}
