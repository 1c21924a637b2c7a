//! What calls mean: from the bytes that are signed to sentences with exact values, and back.
//!
//! A [`Decoder`] reads a [`RawCall`] and the calls in it: of Levee's contracts, of tokens, and of what makes calls for others, such as
//! Safes, Aragon's Agent, timelocks and governors. It asks nobody, so it knows a function by its selector alone: whether the account is
//! the contract that it seems to be, only a chain can say. Whatever it does not know wholly, it says to be unknown.
//!
//! ```
//! use levee::decode::{Decoder, RawCall};
//! use levee::alloy::primitives::{Address, U256};
//!
//! let call = RawCall::new(None, Address::repeat_byte(7), U256::from(10).pow(U256::from(18)), Default::default());
//! let meaning = Decoder::default().read(call);
//! assert_eq!(meaning.sentence.to_string(), "send 1 ETH to 0x0707070707070707070707070707070707070707");
//! ```

mod call;
mod compact;
#[cfg(feature = "text")]
mod expect;
mod rescue;
mod sentence;
#[cfg(test)]
#[cfg(feature = "text")]
mod tests;
mod token;
mod transaction;
mod wrapper;

pub use call::RawCall;
#[cfg(feature = "text")]
pub use expect::Expectation;
pub use sentence::{Quantity, Sentence, Unit, Value};
pub use transaction::gas_cost;

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::SolValue as _,
};
use levee_model::{CompactTerms, Terms};
use serde::Serialize;

use crate::{
    bindings::Compact as CompactBinding,
    blueprint::{Blueprint, Contract},
    compact::decode_terms,
    safe::SafeProposal,
    terms::{self, CREATE2_DEPLOYER},
};
use call::Unreadable;
use token::Known;
use wrapper::{Inner, Opened};

/// How many calls may be in each other. What is deeper is not opened.
const DEPTH: usize = 16;

/// Reads calls.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    known: Known,
    payer: Option<Address>,
    /// Who makes the calls of governors.
    executors: BTreeMap<Address, Address>,
    compacts: BTreeSet<Address>,
}

/// What a call means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Meaning {
    /// What it does.
    #[serde(flatten)]
    pub sentence: Sentence,
    /// Who makes it; none if that is not known.
    #[serde(serialize_with = "account")]
    #[cfg_attr(feature = "schema", schemars(with = "levee_model::json::AccountOrNone"))]
    pub from: Option<Address>,
    /// The account that is called; none if it is not named, or a contract is created.
    #[serde(serialize_with = "account")]
    #[cfg_attr(feature = "schema", schemars(with = "levee_model::json::AccountOrNone"))]
    pub to: Option<Address>,
    /// The wei that are sent with it; none if that is not known.
    #[serde(rename = "valueWei", with = "levee_model::json::NumberOrNone")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub value: Option<U256>,
    /// Its data.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub data: Bytes,
    /// The code that a Safe runs as its own to make the call, at the address of Safe's MultiSendCallOnly; none if it needs none.
    #[serde(serialize_with = "account")]
    #[cfg_attr(feature = "schema", schemars(with = "levee_model::json::AccountOrNone"))]
    pub through: Option<Address>,
    /// What else there is to know about it, such as why it cannot be read.
    pub notes: Vec<String>,
    /// The terms of the rescue that it creates; none if it creates none.
    pub terms: Option<Box<Terms>>,
    /// The terms of the compact that it creates; none if it creates none.
    pub compact_terms: Option<Box<CompactTerms>>,
    /// Whether it only makes the calls in it, so that nothing is to be expected of itself.
    pub transparent: bool,
    /// The calls in it, in their order.
    pub calls: Vec<Meaning>,
}

fn account<S: serde::Serializer>(account: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
    levee_model::json::AccountOrNone::serialize(&account.unwrap_or_default(), serializer)
}

impl Decoder {
    /// A decoder that knows Lido's tokens and WETH on this chain.
    pub fn on(chain: u64) -> Self {
        Self { known: Known::on(chain), ..Self::default() }
    }

    /// The same, knowing stETH and wstETH at these addresses as well.
    #[must_use]
    pub fn with_lido(mut self, steth: Address, wsteth: Address) -> Self {
        self.known.add_lido(steth, wsteth);
        self
    }

    /// The same for calls that `payer` makes, if they do not say who does. It must be certain: what `payer` pledges for itself is told
    /// without saying for whom. Calls in calls are not its own.
    #[must_use]
    pub fn paid_by(self, payer: Address) -> Self {
        Self { payer: Some(payer), ..self }
    }

    /// The same, knowing that `executor`, such as a timelock, makes the calls of the proposals of `governor`, which do not say so.
    #[must_use]
    pub fn executed_by(mut self, governor: Address, executor: Address) -> Self {
        self.executors.insert(governor, executor);
        self
    }

    /// The same, knowing that this is a compact, so that what is called on it is not taken for a call of another contract.
    #[must_use]
    pub fn with_compact(mut self, compact: Address) -> Self {
        self.compacts.insert(compact);
        self
    }

    /// What a call means.
    pub fn read(&self, call: RawCall) -> Meaning {
        self.read_call(RawCall { from: call.from.or(self.payer), ..call }, DEPTH)
    }

    /// What the script of an Aragon vote does; none if it is no script.
    pub fn read_script(&self, script: &Bytes) -> Option<Meaning> {
        let call = RawCall { data: script.clone(), ..RawCall::default() };
        wrapper::script(self.payer, script).map(|opened| self.opened(call, opened, DEPTH))
    }

    /// What a Safe does by its owners' transaction.
    pub fn read_safe(&self, proposal: &SafeProposal) -> Vec<Meaning> {
        let inner = wrapper::of_safe(Some(proposal.safe), &proposal.transaction);
        inner.into_iter().map(|inner| self.read_at(inner, DEPTH)).collect()
    }

    fn read_at(&self, Inner { call, sentence, through }: Inner, depth: usize) -> Meaning {
        let meaning = match sentence {
            Some(sentence) => Meaning::new(call, sentence),
            None => self.read_call(call, depth),
        };
        Meaning { through, ..meaning }
    }

    fn read_call(&self, call: RawCall, depth: usize) -> Meaning {
        match self.open(&call) {
            Ok(Some(opened)) => self.opened(call, opened, depth),
            Ok(None) => self.single(call),
            Err(unreadable) => Meaning::unknown(call, unreadable.0),
        }
    }

    /// A call with others in it; none if it is no such call.
    fn open(&self, call: &RawCall) -> Result<Option<Opened>, Unreadable> {
        let readers =
            [wrapper::safes, wrapper::aragon, wrapper::timelocks, wrapper::governors, wrapper::multicalls];
        for read in readers {
            if let Some(opened) = read(call)? {
                return Ok(Some(opened));
            }
        }
        Ok(None)
    }

    fn opened(&self, call: RawCall, Opened { sentence, notes, inner }: Opened, depth: usize) -> Meaning {
        let Some(depth) = depth.checked_sub(1) else {
            return Meaning::unknown(call, format!("there are more than {DEPTH} calls in each other"));
        };
        let transparent = sentence.is_none();
        let sentence = sentence.unwrap_or_else(|| all_of(&call, inner.len()));
        let executor = call.to.and_then(|governor| self.executors.get(&governor).copied());
        let calls = inner.into_iter().map(|inner| self.read_at(inner.made_by(executor), depth)).collect();
        Meaning { notes, calls, transparent, ..Meaning::new(call, sentence) }
    }

    /// A call without others in it.
    fn single(&self, call: RawCall) -> Meaning {
        if call.data.is_empty() {
            let sentence = Sentence::new("send", "send").paying("amount", call.value);
            return Meaning::new(call.clone(), sentence.then("to", "recipient", call.target()));
        }
        if call.to == Some(CREATE2_DEPLOYER) {
            return creation(call);
        }
        match self.sentence(&call) {
            Ok(Some(sentence)) => {
                let notes = self.doubts(&call);
                Meaning { notes, ..Meaning::new(call, sentence) }
            }
            Ok(None) => {
                let note = call.selector().map_or("no function has so little data".into(), |selector| {
                    format!("the function {} is not known", Bytes::copy_from_slice(&selector))
                });
                Meaning::unknown(call, note)
            }
            Err(Unreadable(reason)) => Meaning::unknown(call, reason),
        }
    }

    /// What a call could mean besides, for all that is known of the account that is called.
    fn doubts(&self, call: &RawCall) -> Vec<String> {
        let is_known = call.to.is_some_and(|to| self.compacts.contains(&to) || self.known.has(to));
        if is_known { Vec::new() } else { compact::if_compact(call).into_iter().collect() }
    }

    fn sentence(&self, call: &RawCall) -> Result<Option<Sentence>, Unreadable> {
        if call.to.is_some_and(|to| self.compacts.contains(&to)) {
            return compact::read(call);
        }
        for read in [rescue::escrow, rescue::pools, rescue::router, rescue::board, rescue::receivers] {
            if let Some(sentence) = read(call)? {
                return Ok(Some(sentence));
            }
        }
        match token::read(call, &self.known)? {
            Some(sentence) => Ok(Some(sentence)),
            None => compact::read(call),
        }
    }
}

/// The words for calls that are made one after the other.
fn all_of(call: &RawCall, count: usize) -> Sentence {
    let calls = if count == 1 { "call by" } else { "calls by" };
    Sentence::new("calls", "make").with("count", U256::from(count)).then(calls, "by", call.target())
}

/// A call of the contract that creates others.
fn creation(call: RawCall) -> Meaning {
    let (salt, code) = call.data.split_at(call.data.len().min(32));
    let blueprint =
        (salt.len() == 32).then(|| Blueprint::from_init_code(B256::from_slice(salt), code)).flatten();
    let Some(blueprint) = blueprint else {
        return Meaning::unknown(call, "the code that it creates a contract from is not Levee's".into());
    };
    let (contract, address) = (blueprint.contract(), blueprint.address());
    let sentence = Sentence::new("create", "create the")
        .with("contract", contract.name())
        .then("at", "address", address);
    let terms = match contract {
        Contract::PledgeEscrow => terms::from_arguments(blueprint.arguments()).ok().map(Box::new),
        _ => None,
    };
    let compact_terms = match contract {
        Contract::Compact => terms_of_compact(blueprint.arguments()).map(Box::new),
        _ => None,
    };
    Meaning { notes: of_arguments(&blueprint), terms, compact_terms, ..Meaning::new(call, sentence) }
}

/// The terms in the arguments of a compact's constructor; none if they are not encoded as Levee does it.
fn terms_of_compact(arguments: &[u8]) -> Option<CompactTerms> {
    let (decoded,) = <(CompactBinding::CompactTerms,)>::abi_decode_params_validate(arguments).ok()?;
    let terms = decode_terms(&decoded);
    (Blueprint::compact(&terms).arguments() == arguments).then_some(terms)
}

/// The accounts that a contract is created with, which are all arguments but terms.
fn of_arguments(blueprint: &Blueprint) -> Vec<String> {
    let names: &[&str] = match blueprint.contract() {
        Contract::PledgeEscrow | Contract::PledgeBoard | Contract::Compact => &[],
        Contract::RecoveryPool | Contract::BonusPool => &["rescue"],
        Contract::PledgeRouter => &["WETH", "stETH", "wstETH"],
        Contract::DebtRepayer => &["lending pool", "WETH", "debtor", "account of the rest"],
        Contract::StakedEtherUnwinder => &["withdrawal queue", "recipient"],
    };
    let words = blueprint.arguments().chunks_exact(32).map(|word| Address::from_slice(&word[12..]));
    names.iter().zip(words).map(|(name, account)| format!("its {name} is {account}")).collect()
}

impl Meaning {
    fn new(call: RawCall, sentence: Sentence) -> Self {
        let sentence = sentence.sending(call.value);
        let RawCall { from, to, value, data } = call;
        Self {
            sentence,
            from,
            to,
            value,
            data,
            through: None,
            notes: Vec::new(),
            terms: None,
            compact_terms: None,
            transparent: false,
            calls: Vec::new(),
        }
    }

    /// A call of which it is only known that it is made.
    fn unknown(call: RawCall, note: String) -> Self {
        let sentence = Sentence::new("unknown", "call").with("contract", call.target()).then(
            "with unknown data of",
            "hash",
            keccak256(&call.data),
        );
        Self { notes: vec![note], ..Self::new(call, sentence) }
    }

    /// Whether it, or a call in it, can do what is not told: its data is not known, or it runs or adopts other code.
    pub fn has_unknown(&self) -> bool {
        self.has_kind(&["unknown", "runCode", "createUnknown", "delegate"])
    }

    /// Whether it, or a call in it, is for something that it only names, such as a transaction of a Safe by its hash or a proposal by
    /// its number.
    pub fn has_unshown(&self) -> bool {
        self.has_kind(&["approveHash", "queueProposal", "executeProposal", "vote"])
    }

    fn has_kind(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.sentence.kind()) || self.calls.iter().any(|call| call.has_kind(kinds))
    }

    /// Collects what is to be expected: it and the calls in it, but for those that only make others.
    #[cfg(feature = "text")]
    fn collect_effects<'a>(&'a self, all: &mut Vec<&'a Self>) {
        // ETH that is sent along is an effect.
        let is_effect = !self.transparent || self.value.is_some_and(|value| !value.is_zero());
        all.extend(is_effect.then_some(self));
        for call in &self.calls {
            call.collect_effects(all);
        }
    }
}
