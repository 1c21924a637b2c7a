//! A compact on a chain: proven genuine, read, and called.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256, keccak256},
    providers::Provider,
    rpc::types::Filter,
};
use levee_model::{Compact, CompactEvent, CompactOperation, CompactTerms, Inconsistent, Units, Wei};
use serde::Serialize;

use crate::{
    bindings::{Compact as Raw, WstETH},
    blueprint::{Blueprint, Contract},
    call::Call,
    convert,
    edition::Edition,
    error::Error,
    event::Event,
    history::{self, Entry},
    network::Network,
    operation::Transaction,
    rpc,
    scan::{Begin, Search},
    snapshot::Block,
};

use super::{code_store::CodeStore, decode_terms, encode};

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

    /// The chain.
    pub const fn chain(&self) -> u64 {
        self.chain
    }

    /// Its terms, to which its address commits.
    pub const fn terms(&self) -> &CompactTerms {
        &self.terms
    }

    /// Checks that its token is Lido's, where that is known.
    ///
    /// # Errors
    /// [`Error::NotLidos`].
    pub fn check_token(&self) -> Result<(), Error> {
        let (chain, wsteth) = (self.chain, self.terms.wsteth);
        match Network::of(chain).and_then(Network::lido) {
            Some((_, lidos)) if lidos != wsteth => Err(Error::NotLidos { wsteth, chain }),
            _ => Ok(()),
        }
    }

    /// Checks that its calls pay into Levee's escrows only: whoever founds a compact may name any other code, which could keep the money.
    ///
    /// # Errors
    /// [`Error::ForeignEscrows`].
    pub fn check_escrows(&self) -> Result<(), Error> {
        let is_known = |edition: &Edition| {
            self.terms.escrow_code_hash == keccak256(edition.creation_code(Contract::PledgeEscrow))
        };
        match Edition::ALL.iter().any(is_known) {
            true => Ok(()),
            false => {
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
        Ok(Call::of(self.provider.clone(), Transaction { contract, to, value, input }, events_of))
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

    /// The compact at the end of the latest block, from its logs. Its sums, the number of its calls and the last that gave must be what its
    /// views say there; what changes none of these, such as an approval, is the node's word. The scan begins at `from_block`,
    /// or where there can be logs of Levee's contracts.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`] and [`Error::CompactHistoryDiffers`] if the logs are not whole; [`Error::Rpc`]; [`Error::Malformed`].
    pub async fn read(&self, from_block: Option<u64>) -> Result<CompactHistory, Error> {
        let block = latest(&self.provider).await?;
        let filter = Filter::new().address(self.address);
        let search = Search { filter, begin: Begin::of(self.chain, from_block) };
        let entries = history::entries(&search.logs(&self.provider, block.number).await?)?;
        let compact = fold(self.address, &entries)?;
        if self.agrees(&compact, block.number).await? {
            return Ok(CompactHistory { chain: self.chain, block, entries, compact });
        }
        Err(Error::CompactHistoryDiffers { compact: self.address, block: block.number })
    }

    /// Whether the sums, the number of calls and the last start are what the contract says.
    async fn agrees(&self, compact: &Compact, block: u64) -> Result<bool, Error> {
        let at = BlockId::number(block);
        let all = rpc::read(&self.provider, self.address, &Raw::allCall {}, at).await?;
        let count = rpc::read(&self.provider, self.address, &Raw::callCountCall {}, at).await?;
        let last = rpc::read(&self.provider, self.address, &Raw::lastStartedCall {}, at).await?;
        let sums = compact.all().now();
        let started = compact.started().map(|started| started.started_at);
        Ok(convert::units(all.active) == sums.active
            && convert::units(all.weight) == sums.weight()
            && all.index == compact.index()
            && count == U256::from(compact.call_count())
            && convert::moment(last.startedAt) == started)
    }
}

/// The compact at `address`, from all its events in order, starting with its creation.
///
/// # Errors
/// [`Error::BrokenHistory`].
pub fn fold(address: Address, entries: &[Entry]) -> Result<Compact, Error> {
    let mut events = entries.iter().filter_map(|entry| of_compact(&entry.event));
    let mut compact = Compact::created(address, events.next().ok_or(Inconsistent::NoCreation)?)?;
    events.try_for_each(|event| compact.apply(event))?;
    Ok(compact)
}

const fn of_compact(event: &Event) -> Option<&CompactEvent> {
    match event {
        Event::Compact(event) => Some(event),
        _ => None,
    }
}

async fn latest(provider: &impl Provider) -> Result<Block, Error> {
    let header =
        provider.get_block(BlockId::latest()).await?.ok_or(Error::Malformed { what: "a block" })?.header;
    Ok(Block { number: header.number, parent_hash: header.parent_hash, time: header.timestamp })
}
