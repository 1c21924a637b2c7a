//! What is decoded, recognized by its content.

use alloy::{
    consensus::{SignableTransaction, Transaction as _, TxEnvelope, TypedTransaction},
    eips::Decodable2718,
    hex,
    primitives::{Address, B256, Bytes, U256},
};
use eyre::Result;
use levee::{
    SafeProposal,
    decode::{self, Decoder, Meaning, RawCall},
};

use crate::{commands::send, error::UserError};

/// Something to be decoded.
#[derive(Debug)]
pub(super) struct Source {
    /// What it is, in words.
    pub(super) name: String,
    /// Its chain, if it names one.
    pub(super) chain: Option<u64>,
    /// Who makes its calls by its own words, which prove nothing; see [`Content::sender`].
    pub(super) sender: Option<Address>,
    pub(super) content: Content,
}

/// What is in it.
#[derive(Debug)]
pub(super) enum Content {
    /// Calls, one after the other.
    Calls(Vec<RawCall>),
    /// The script of an Aragon vote.
    Script(Bytes),
    /// A transaction of a Safe.
    Safe(Box<SafeProposal>),
    /// Transactions, with their senders if they are signed. All are of one account and one chain.
    Transactions(Vec<(Option<Address>, TypedTransaction)>),
    /// A transaction that a node has.
    Sent(B256),
}

impl Content {
    /// Who makes its calls, as a signature or the hash that a Safe's owners sign proves.
    pub(super) fn sender(&self) -> Option<Address> {
        match self {
            Self::Safe(proposal) => Some(proposal.safe),
            Self::Transactions(transactions) => transactions.first()?.0,
            _ => None,
        }
    }

    /// The only chain on which what is signed is valid.
    pub(super) fn chain(&self) -> Option<u64> {
        match self {
            Self::Safe(proposal) => proposal.version.is_since_1_3().then_some(proposal.chain),
            Self::Transactions(transactions) => transactions.first()?.1.chain_id(),
            _ => None,
        }
    }

    /// The most that its gas and blobs cost whoever sends it; none if it says nothing of that.
    pub(super) fn gas_cost(&self) -> Option<U256> {
        match self {
            Self::Transactions(transactions) => {
                Some(transactions.iter().map(|(_, transaction)| decode::gas_cost(transaction)).sum())
            }
            _ => None,
        }
    }

    /// What it does. A transaction must have been read from a node before.
    pub(super) fn read(&self, decoder: &Decoder) -> Vec<Meaning> {
        match self {
            Self::Calls(calls) => calls.iter().map(|call| decoder.read(call.clone())).collect(),
            Self::Script(script) => decoder.read_script(script).into_iter().collect(),
            Self::Safe(proposal) => decoder.read_safe(proposal),
            Self::Transactions(transactions) => transactions
                .iter()
                .flat_map(|(from, transaction)| decoder.read_transaction(*from, transaction))
                .collect(),
            Self::Sent(_) => Vec::new(),
        }
    }
}

/// Recognizes what is in hexadecimal digits. With an account that it is sent to, it is the data of a call.
pub(super) fn of_digits(text: &str, to: Option<Address>, value: Option<U256>) -> Result<Source> {
    let digits = text.trim();
    let bytes: Bytes = hex::decode(digits)
        .map_err(|_| {
            UserError::new("what is to be decoded is not in hexadecimal digits")
                .hint("give data, a transaction or its hash, or name a file with `--file`")
        })?
        .into();
    if to.is_some() {
        return Ok(of_call(RawCall { from: None, to, value, data: bytes }));
    }
    if is_signed(&bytes) {
        return of_signed(&[digits.to_owned()]);
    }
    if let Some(transaction) = unsigned(&bytes) {
        return Ok(of_unsigned(None, vec![transaction]));
    }
    Ok(match <[u8; 32]>::try_from(&bytes[..]) {
        Ok(hash) => Source {
            name: format!("transaction {}", B256::from(hash)),
            chain: None,
            sender: None,
            content: Content::Sent(hash.into()),
        },
        Err(_) if Decoder::default().read_script(&bytes).is_some() => Source {
            name: "script of a vote".into(),
            chain: None,
            sender: None,
            content: Content::Script(bytes),
        },
        Err(_) => of_call(RawCall { data: bytes, ..RawCall::default() }),
    })
}

fn of_call(call: RawCall) -> Source {
    Source { name: "data of a call".into(), chain: None, sender: None, content: Content::Calls(vec![call]) }
}

fn is_signed(bytes: &Bytes) -> bool {
    let mut rest = &bytes[..];
    TxEnvelope::decode_2718(&mut rest).is_ok() && rest.is_empty()
}

/// The signed transactions of one account for one chain.
pub(super) fn of_signed(words: &[String]) -> Result<Source> {
    let refused = |reason| levee::Error::InvalidFile { what: "a file of signed transactions", reason };
    let signed =
        words.iter().map(|word| send::signed(word)).collect::<Result<Vec<_>, _>>().map_err(refused)?;
    let first = signed.first().map(|(from, chain, _)| (*from, *chain));
    if signed.iter().any(|(from, chain, _)| Some((*from, *chain)) != first) {
        return Err(refused("its transactions are of several accounts or chains".into()).into());
    }
    let transactions: Vec<_> =
        signed.into_iter().map(|(from, _, transaction)| (Some(from), transaction.into())).collect();
    Ok(Source {
        name: counted(transactions.len(), "signed transaction"),
        chain: first.map(|(_, chain)| chain),
        sender: None,
        content: Content::Transactions(transactions),
    })
}

/// A transaction in the encoding that is signed; none if it is anything else.
pub(super) fn unsigned(bytes: &Bytes) -> Option<TypedTransaction> {
    let mut rest = &bytes[..];
    let transaction = TypedTransaction::decode_unsigned(&mut rest).ok().filter(|_| rest.is_empty())?;
    (transaction.encoded_for_signing() == bytes[..]).then_some(transaction)
}

/// Transactions that are yet to be signed, by `account` as their file claims.
pub(super) fn of_unsigned(account: Option<Address>, transactions: Vec<TypedTransaction>) -> Source {
    let chain = transactions.first().and_then(|transaction| transaction.chain_id());
    Source {
        name: on_chain(counted(transactions.len(), "unsigned transaction"), chain),
        chain,
        sender: account,
        content: Content::Transactions(
            transactions.into_iter().map(|transaction| (None, transaction)).collect(),
        ),
    }
}

/// What transactions are called if they are for this chain (EIP-155), or for any.
pub(super) fn on_chain(name: String, chain: Option<u64>) -> String {
    match chain {
        Some(_) => name,
        None => format!("{name}, valid on any chain"),
    }
}

/// `1 call`, `2 calls`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
