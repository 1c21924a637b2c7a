//! Files with calls or transactions, whoever wrote them.

use std::path::Path;

use alloy::{
    consensus::{Transaction as _, TypedTransaction},
    primitives::{Address, Bytes, U256},
};
use eyre::Result;
use levee::{
    Proposal, SafeCall, SafeProposal,
    decode::RawCall,
    model::{Wei, json::Account},
    safe::Batch,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::source::{self, Content, Source, Wrapper, counted};
use crate::{commands::send, error::UserError, file as text_file};

/// What commands print or write for others: plans, calls, and what was made of them.
#[derive(Debug, Deserialize)]
struct Handed {
    #[serde(with = "Account")]
    account: Address,
    chain: u64,
    steps: Vec<Step>,
    governor: Option<Address>,
    propose: Option<Bytes>,
    script: Option<Bytes>,
}

/// A call, or a transaction with everything but its signature.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    #[serde(with = "Account")]
    to: Address,
    value_wei: Wei,
    data: Bytes,
    unsigned: Option<Bytes>,
}

/// Transactions for a signer that is offline.
#[derive(Debug, Deserialize)]
struct Unsigned {
    #[serde(with = "Account")]
    account: Address,
    chain: u64,
    transactions: Vec<Step>,
}

/// Reads a file of one kind.
type Read = fn(Value, &Path) -> Result<Source>;

/// The kinds of files, each with a key by which it is recognized: that of the first that fits.
const KINDS: [(&str, Read); 5] = [
    ("createdAt", batch),
    ("safeTxHash", safe),
    ("steps", handed),
    ("account", unsigned),
    ("targets", proposal),
];

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Source> {
    let text = text_file::text(path)?;
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        return of_words(&text, path);
    };
    if let Some(raw) = send::in_json(&value) {
        return source::of_signed(&raw);
    }
    // A proposal that is made of steps has the keys of the other, and everything handed out has an account.
    let kind = KINDS.iter().find(|(key, _)| value.get(key).is_some());
    let Some((_, read)) = kind else { return Err(not_known(path).into()) };
    read(value, path)
}

/// One text of digits, or signed transactions, one a line.
fn of_words(text: &str, path: &Path) -> Result<Source> {
    let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    match &words[..] {
        [] => Err(not_known(path).into()),
        [word] => source::of_digits(word, None, None).map_err(|_| not_known(path).into()),
        words => source::of_signed(words),
    }
}

fn not_known(path: &Path) -> UserError {
    UserError::new(format!("`{}` has no calls or transactions in a form that is known", path.display()))
        .hint("`levee decode --help` lists what can be decoded")
}

fn parse<T: DeserializeOwned>(value: Value, path: &Path, what: &str) -> Result<T, UserError> {
    serde_json::from_value(value).map_err(|error| {
        UserError::new(format!("`{}` is not {what}: {error}", path.display()))
            .hint("ask whoever has sent it for another")
    })
}

fn batch(value: Value, _: &Path) -> Result<Source> {
    let batch = Batch::parse(&value.to_string())?;
    let calls = batch.calls()?;
    let sender = batch.safe();
    let calls: Vec<_> =
        calls.into_iter().map(|SafeCall { to, value, data }| RawCall::new(None, to, value, data)).collect();
    let name = format!("batch of {} for a Safe", counted(calls.len(), "call"));
    Ok(Source { name, chain: batch.chain(), sender, content: Content::Calls(calls) })
}

fn safe(value: Value, path: &Path) -> Result<Source> {
    let proposal: SafeProposal = parse(value, path, "a transaction of a Safe")?;
    let name = format!("transaction {} of a Safe", proposal.transaction.nonce);
    let (chain, sender) = (Some(proposal.chain), Some(proposal.safe));
    Ok(Source { name, chain, sender, content: Content::Safe(Box::new(proposal)) })
}

fn handed(value: Value, path: &Path) -> Result<Source> {
    let Handed { account, chain, steps, governor, propose, script } =
        parse(value.clone(), path, "a file of calls")?;
    let calls: Vec<_> = steps.into_iter().map(Step::call).collect();
    let count = counted(calls.len(), "call");
    let (name, content) = match (governor.zip(propose), script) {
        (Some((governor, data)), None) => {
            require_parts(value, path, &calls)?;
            let by = Wrapper::Proposal(RawCall::new(None, governor, U256::ZERO, data));
            (format!("proposal of {count}"), Content::Wrapped { calls, by })
        }
        (None, Some(script)) => {
            (format!("script of {count}"), Content::Wrapped { calls, by: Wrapper::Script(script) })
        }
        (None, None) => (count, Content::Calls(calls)),
        (Some(_), Some(_)) => return Err(not_known(path).into()),
    };
    Ok(Source { name, chain: Some(chain), sender: Some(account), content })
}

/// Refuses a proposal whose lists are not those of its steps.
fn require_parts(value: Value, path: &Path, calls: &[RawCall]) -> Result<(), UserError> {
    let proposal: Proposal = parse(value, path, "a proposal")?;
    let listed = calls_of(proposal, path)?;
    match calls == listed {
        true => Ok(()),
        false => Err(UserError::new(format!(
            "`{}` contradicts itself: its steps are not the calls in its lists",
            path.display()
        ))
        .hint("do not use it; write it again")),
    }
}

fn proposal(value: Value, path: &Path) -> Result<Source> {
    let proposal: Proposal = parse(value, path, "a proposal")?;
    let calls = calls_of(proposal, path)?;
    let name = format!("lists of {}", counted(calls.len(), "call"));
    Ok(Source { name, chain: None, sender: None, content: Content::Calls(calls) })
}

fn calls_of(proposal: Proposal, path: &Path) -> Result<Vec<RawCall>, UserError> {
    let Proposal { targets, values, calldatas, .. } = proposal;
    if targets.len() != values.len() || targets.len() != calldatas.len() {
        return Err(UserError::new(format!("the lists in `{}` have different lengths", path.display()))
            .hint("write it again"));
    }
    let calls = targets.into_iter().zip(values).zip(calldatas);
    Ok(calls.map(|((to, value), data)| RawCall::new(None, to, value, data)).collect())
}

fn unsigned(value: Value, path: &Path) -> Result<Source> {
    let Unsigned { account, chain, transactions } = parse(value, path, "a file of unsigned transactions")?;
    let transactions = transactions.into_iter().map(|step| step.transaction(chain, path));
    let transactions = transactions.collect::<Result<Vec<_>, _>>()?;
    Ok(source::of_unsigned(Some(account), transactions))
}

impl Step {
    /// The call; who makes it, the file only claims.
    fn call(self) -> RawCall {
        RawCall::new(None, self.to, U256::from(self.value_wei.get()), self.data)
    }

    /// What is to be signed, which must be what the file says of it.
    fn transaction(self, chain: u64, path: &Path) -> Result<TypedTransaction, UserError> {
        let Self { to, value_wei, data, unsigned } = self;
        let transaction = unsigned.as_ref().and_then(source::unsigned);
        let said = (Some(to), U256::from(value_wei.get()), &data, Some(chain));
        transaction
            .filter(|signed| (signed.to(), signed.value(), signed.input(), signed.chain_id()) == said)
            .ok_or_else(|| {
                UserError::new(format!(
                    "`{}` contradicts itself: what is to be signed is not what it says of it",
                    path.display()
                ))
                .hint("do not sign it; write it again")
            })
    }
}
