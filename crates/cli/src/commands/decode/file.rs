//! Files with calls or transactions, whoever wrote them.

use std::path::Path;

use alloy::{
    consensus::{SignableTransaction, Transaction as _, TypedTransaction},
    primitives::{Address, B256, Bytes, U256},
};
use eyre::Result;
use levee::{
    GovernorKind, Proposal, SafeCall, SafeProposal, aragon,
    decode::RawCall,
    error::{LONGEST_VALUE, brief, start_of},
    json,
    model::{Wei, json::Account},
    safe::Batch,
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;

use super::source::{self, Content, Source, counted};
use crate::{
    commands::{safe::show::of_transaction, send},
    error::UserError,
    file as text_file,
};

/// What commands print of calls that others make.
#[derive(Debug, Deserialize)]
struct Handed {
    #[serde(with = "Account")]
    account: Address,
    chain: u64,
    steps: Vec<Step>,
}

/// What was made of the calls for a governor, besides the lists.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proposed {
    #[serde(with = "Account")]
    governor: Address,
    proposal_id: Option<U256>,
    description_hash: B256,
    propose: Bytes,
    #[serde(flatten)]
    lists: Proposal,
}

/// What was made of the calls for a vote.
#[derive(Debug, Deserialize)]
struct Scripted {
    script: Bytes,
}

/// A call, and what else is said of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Step {
    #[serde(rename = "summary")]
    _summary: Option<IgnoredAny>,
    #[serde(rename = "contract")]
    _contract: Option<IgnoredAny>,
    #[serde(with = "Account")]
    to: Address,
    value_wei: Wei,
    data: Bytes,
}

/// Transactions for a signer that is offline.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsigned {
    #[serde(with = "Account")]
    account: Address,
    chain: u64,
    transactions: Vec<UnsignedTransaction>,
}

/// A transaction with everything but its signature.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UnsignedTransaction {
    #[serde(rename = "summary")]
    _summary: Option<IgnoredAny>,
    #[serde(rename = "contract")]
    _contract: Option<IgnoredAny>,
    #[serde(rename = "currentPriceWei")]
    _current_price_wei: Option<IgnoredAny>,
    #[serde(with = "Account")]
    to: Address,
    value_wei: Wei,
    data: Bytes,
    nonce: u64,
    gas_limit: u64,
    max_fee_per_gas_wei: Wei,
    priority_fee_per_gas_wei: Option<Wei>,
    unsigned: Bytes,
    signing_hash: B256,
}

/// Reads a file of one kind.
type Read = fn(Value, &Path) -> Result<Source>;

/// The kinds of files, each with a key by which it is recognized, and the value of it if others have the key, too. Every kind refuses
/// the keys of the others, so that no file is two things.
const KINDS: [(&str, Option<&str>, Read); 8] = [
    ("createdAt", None, batch),
    ("safeTxHash", None, safe),
    ("form", Some("calls"), calls),
    ("form", Some("safeBatch"), of_batch),
    ("form", Some("proposal"), proposal),
    ("form", Some("aragonScript"), script),
    ("steps", None, plan),
    ("transactions", None, unsigned),
];

/// The keys of what commands print of calls, whatever is made of these.
const HANDED: [&str; 4] = ["account", "chain", "steps", "simulated"];
/// The same if others make the calls.
const MADE: [&str; 2] = ["simulatedAtUnix", "form"];

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Source> {
    let text = text_file::text(path)?;
    if !text.trim_start().starts_with(['{', '[', '"']) {
        return of_words(&text, path);
    }
    let value = json::parse(&text).map_err(|error| {
        let (path, error) = (path.display(), brief(&error));
        UserError::new(format!("`{path}` is not JSON that everyone reads alike: {error}"))
            .hint("ask whoever has sent it for another")
    })?;
    if let Some(raw) = send::in_json(&value) {
        return source::of_signed(&raw);
    }
    let is_of = |key: &str, form: Option<&str>| {
        value.get(key).is_some_and(|value| form.is_none() || value.as_str() == form)
    };
    let kind = KINDS.iter().find(|(key, form, _)| is_of(key, *form));
    let Some((.., read)) = kind else { return Err(not_known(path).into()) };
    read(value, path)
}

/// What speaks against what was read, besides what it does.
pub(super) fn warnings(content: &Content) -> Vec<String> {
    match content {
        Content::Safe(proposal) => of_transaction(proposal),
        _ => Vec::new(),
    }
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
        UserError::new(format!("`{}` is not {what}: {}", path.display(), brief(&error)))
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
    let gas = proposal.transaction.gas_fields().map(|(field, value)| format!(", {field} {value}"));
    let name = format!("transaction {} of a Safe{}", proposal.transaction.nonce, gas.collect::<String>());
    let (chain, sender) = (Some(proposal.chain), Some(proposal.safe));
    Ok(Source { name, chain, sender, content: Content::Safe(Box::new(proposal)) })
}

/// Refuses a file that says more than its kind does.
fn require_keys(value: &Value, path: &Path, known: &[&[&str]]) -> Result<(), UserError> {
    let mut keys = value.as_object().into_iter().flat_map(|object| object.keys());
    match keys.find(|key| !known.concat().contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(UserError::new(format!(
            "`{}` has the key `{}`, which does not belong to what it is otherwise",
            path.display(),
            start_of(key, LONGEST_VALUE)
        ))
        .hint("ask whoever has sent it for another")),
    }
}

fn plan(value: Value, path: &Path) -> Result<Source> {
    require_keys(&value, path, &[&HANDED, &["gas", "feeLimitWei", "likelyFeeWei", "continues"]])?;
    listed(value, path)
}

fn calls(value: Value, path: &Path) -> Result<Source> {
    require_keys(&value, path, &[&HANDED, &MADE])?;
    listed(value, path)
}

fn of_batch(value: Value, path: &Path) -> Result<Source> {
    require_keys(&value, path, &[&HANDED, &MADE, &["file", "calls", "checksum"]])?;
    listed(value, path)
}

fn listed(value: Value, path: &Path) -> Result<Source> {
    let handed: Handed = parse(value, path, "a file of calls")?;
    let name = counted(handed.steps.len(), "call");
    Ok(handed.source(name, Content::Calls))
}

fn script(value: Value, path: &Path) -> Result<Source> {
    require_keys(&value, path, &[&HANDED, &MADE, &["script"]])?;
    let Scripted { script } = parse(value.clone(), path, "a script")?;
    let handed: Handed = parse(value, path, "a file of calls")?;
    let steps = handed.steps.iter().map(|step| SafeCall {
        to: step.to,
        value: U256::from(step.value_wei.get()),
        data: step.data.clone(),
    });
    if aragon::script(handed.account, steps) != script {
        let other = format!("its script is not the one by which `{}` makes its steps", handed.account);
        return Err(contradiction(path, &other).into());
    }
    let name = format!("script of {}", counted(handed.steps.len(), "call"));
    Ok(handed.source(name, |_| Content::Script(script)))
}

fn proposal(value: Value, path: &Path) -> Result<Source> {
    let own = ["governor", "proposalId", "descriptionHash", "propose"];
    let lists = ["targets", "values", "calldatas", "description"];
    require_keys(&value, path, &[&HANDED, &MADE, &own, &lists])?;
    let proposed: Proposed = parse(value.clone(), path, "a proposal")?;
    let handed: Handed = parse(value, path, "a file of calls")?;
    proposed.require_one(&handed.steps, path)?;
    let name = format!("proposal of {}", counted(handed.steps.len(), "call"));
    let call = RawCall::new(None, proposed.governor, U256::ZERO, proposed.propose);
    Ok(handed.source(name, |_| Content::Calls(vec![call])))
}

fn unsigned(value: Value, path: &Path) -> Result<Source> {
    let Unsigned { account, chain, transactions } = parse(value, path, "a file of unsigned transactions")?;
    let transactions = transactions.into_iter().map(|said| said.transaction(chain, path));
    let transactions = transactions.collect::<Result<Vec<_>, _>>()?;
    Ok(source::of_unsigned(Some(account), transactions))
}

fn contradiction(path: &Path, what: &str) -> UserError {
    UserError::new(format!("`{}` contradicts itself: {what}", path.display()))
        .hint("do not use it; write it again")
}

impl Handed {
    /// What is to be decoded, called `name`, by what its calls are a part of.
    fn source(self, name: String, content: impl FnOnce(Vec<RawCall>) -> Content) -> Source {
        let Self { account, chain, steps } = self;
        let calls = steps.into_iter().map(Step::call).collect();
        Source { name, chain: Some(chain), sender: Some(account), content: content(calls) }
    }
}

impl Proposed {
    /// Refuses a proposal that is another in one of the ways in which the file tells it.
    fn require_one(&self, steps: &[Step], path: &Path) -> Result<(), UserError> {
        let Self { proposal_id, description_hash, propose, lists, .. } = self;
        let mut kinds = [GovernorKind::OpenZeppelin, GovernorKind::Bravo].into_iter();
        let problem = if !has_steps(lists, steps) {
            "its steps are not the calls in its lists"
        } else if !kinds.any(|kind| lists.call(kind) == *propose) {
            "what proposes it is not for its lists and its description"
        } else if *description_hash != lists.description_hash() {
            "its description has another hash"
        } else if proposal_id.is_some_and(|number| number != lists.id()) {
            "it would get another number"
        } else {
            return Ok(());
        };
        Err(contradiction(path, problem))
    }
}

fn has_steps(lists: &Proposal, steps: &[Step]) -> bool {
    let Proposal { targets, values, calldatas, .. } = lists;
    targets.iter().eq(steps.iter().map(|step| &step.to))
        && values.iter().copied().eq(steps.iter().map(|step| U256::from(step.value_wei.get())))
        && calldatas.iter().eq(steps.iter().map(|step| &step.data))
}

impl Step {
    /// The call; who makes it, the file only claims.
    fn call(self) -> RawCall {
        RawCall::new(None, self.to, U256::from(self.value_wei.get()), self.data)
    }
}

impl UnsignedTransaction {
    /// What is to be signed, which must be what the file says of it.
    fn transaction(self, chain: u64, path: &Path) -> Result<TypedTransaction, UserError> {
        source::unsigned(&self.unsigned).filter(|signed| self.is_of(signed, chain)).ok_or_else(|| {
            UserError::new(format!(
                "`{}` contradicts itself: what is to be signed is not what it says of it",
                path.display()
            ))
            .hint("do not sign it; write it again")
        })
    }

    fn is_of(&self, signed: &TypedTransaction, chain: u64) -> bool {
        let call = (signed.to(), signed.value(), signed.input());
        let gas = (signed.gas_limit(), signed.max_fee_per_gas(), signed.max_priority_fee_per_gas());
        call == (Some(self.to), U256::from(self.value_wei.get()), &self.data)
            && gas
                == (
                    self.gas_limit,
                    self.max_fee_per_gas_wei.get(),
                    self.priority_fee_per_gas_wei.map(Wei::get),
                )
            && (signed.chain_id(), signed.nonce()) == (Some(chain), self.nonce)
            && signed.signature_hash() == self.signing_hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TO: Address = Address::repeat_byte(0x11);

    fn refused(text: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, text).unwrap();
        let error = super::read(&path).unwrap_err().to_string();
        error.replace(&path.display().to_string(), "file")
    }

    fn good(value: &Value) -> Source {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, value.to_string()).unwrap();
        super::read(&path).unwrap()
    }

    /// Calls as `--calldata` prints them.
    fn calls() -> Value {
        json!({ "account": Address::repeat_byte(0x55), "chain": 1, "simulated": 1, "simulatedAtUnix": null, "form": "calls",
            "steps": [{ "summary": "Settle", "contract": "pledgeEscrow", "to": TO, "valueWei": "5", "data": "0x11da60b4" }] })
    }

    /// A proposal as `--governor` prints it.
    fn proposal() -> Value {
        let lists = Proposal {
            targets: vec![TO],
            values: vec![U256::from(5)],
            calldatas: vec![Bytes::from_static(&[0x11, 0xda, 0x60, 0xb4])],
            description: "Settle".into(),
        };
        let mut file = calls();
        let own = json!({ "form": "proposal", "governor": Address::repeat_byte(0x66), "proposalId": lists.id(),
            "descriptionHash": lists.description_hash(), "propose": lists.call(GovernorKind::OpenZeppelin) });
        let lists = serde_json::to_value(lists).unwrap();
        for part in [own, lists] {
            file.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        file
    }

    #[test]
    fn a_file_with_the_keys_of_two_kinds_is_refused() {
        assert_eq!(good(&calls()).name, "1 call");
        for key in ["transactions", "targets", "raw", "script", "propose", "more"] {
            let mut file = calls();
            file[key] = json!([]);
            let message =
                format!("`file` has the key `{key}`, which does not belong to what it is otherwise");
            assert_eq!(refused(&file.to_string()), message);
        }
        let mut file = calls();
        file["createdAt"] = json!(1);
        assert!(refused(&file.to_string()).contains("unknown field `account`"));
        let mut file = calls();
        file["steps"][0]["unsigned"] = json!("0x02");
        assert!(refused(&file.to_string()).contains("unknown field `unsigned`"));
        let long = "k".repeat(100_000);
        let mut file = calls();
        file[&long] = json!(1);
        let message =
            format!("`file` has the key `{}…`, which does not belong to what it is otherwise", &long[..80]);
        assert_eq!(refused(&file.to_string()), message);
        let mut file = calls();
        file["steps"][0][&long] = json!(1);
        assert_eq!(
            refused(&file.to_string()),
            format!("`file` is not a file of calls: unknown field `{}…", &long[..305])
        );
        let twice = calls().to_string().replacen("\"chain\":1", "\"chain\":1,\"chain\":2", 1);
        let message = refused(&twice);
        let start = "`file` is not JSON that everyone reads alike: the key `chain` is there twice";
        assert!(message.starts_with(start), "{message}");
    }

    #[test]
    fn a_proposal_is_one_in_all_that_is_said_of_it() {
        assert_eq!(good(&proposal()).name, "proposal of 1 call");
        let other = json!(B256::repeat_byte(1));
        let lists = "its steps are not the calls in its lists";
        let proposing = "what proposes it is not for its lists and its description";
        let changes: [(&str, Value, &str); 7] = [
            ("targets", json!([Address::ZERO]), lists),
            ("values", json!(["0x6"]), lists),
            ("calldatas", json!([]), lists),
            ("description", json!("Evil"), proposing),
            ("propose", json!("0xdeadbeef"), proposing),
            ("descriptionHash", other.clone(), "its description has another hash"),
            ("proposalId", json!("0x1"), "it would get another number"),
        ];
        for (key, value, reason) in changes {
            let mut file = proposal();
            file[key] = value;
            assert_eq!(refused(&file.to_string()), format!("`file` contradicts itself: {reason}"), "{key}");
        }
        for key in ["governor", "propose", "targets", "description", "descriptionHash"] {
            let mut file = proposal();
            file.as_object_mut().unwrap().remove(key);
            assert!(refused(&file.to_string()).contains(&format!("missing field `{key}`")), "{key}");
        }
    }

    #[test]
    fn a_script_makes_the_steps_by_the_agent_and_nothing_else() {
        let agent = Address::repeat_byte(0x55);
        let settle =
            SafeCall { to: TO, value: U256::from(5), data: Bytes::from_static(&[0x11, 0xda, 0x60, 0xb4]) };
        let mut file = calls();
        file["form"] = json!("aragonScript");
        let mut with = |script: Bytes| {
            file["script"] = json!(script);
            file.clone()
        };
        let script = aragon::script(agent, [settle.clone()]);
        assert_eq!(good(&with(script.clone())).name, "script of 1 call");
        let beside = [&agent[..], &[0; 4]].concat();
        let others = [
            // A call that is not the Agent's, one by another Agent, one more, and none.
            [&script[..], &beside].concat().into(),
            aragon::script(TO, [settle.clone()]),
            aragon::script(agent, [settle.clone(), settle.clone()]),
            aragon::script(agent, []),
            aragon::script(agent, [SafeCall { value: U256::ZERO, ..settle }]),
        ];
        let message = format!(
            "`file` contradicts itself: its script is not the one by which `{agent}` makes its steps"
        );
        for other in others {
            assert_eq!(refused(&with(other).to_string()), message);
        }
    }

    #[test]
    fn an_unsigned_transaction_is_what_is_said_of_it() {
        let transaction = alloy::consensus::TxEip1559 {
            chain_id: 1,
            nonce: 9,
            gas_limit: 60_000,
            max_fee_per_gas: 8,
            max_priority_fee_per_gas: 7,
            to: TO.into(),
            value: U256::from(5),
            ..Default::default()
        };
        let file = json!({ "account": TO, "chain": 1, "transactions": [{ "to": TO, "valueWei": "5", "data": "0x",
            "nonce": 9, "gasLimit": 60_000, "maxFeePerGasWei": "8", "priorityFeePerGasWei": "7", "currentPriceWei": "6",
            "unsigned": Bytes::from(transaction.encoded_for_signing()), "signingHash": transaction.signature_hash() }] });
        assert_eq!(good(&file).name, "1 unsigned transaction");
        let changes = [
            ("nonce", json!(8)),
            ("gasLimit", json!(60_001)),
            ("maxFeePerGasWei", json!("9")),
            ("priorityFeePerGasWei", json!(null)),
            ("signingHash", json!(B256::ZERO)),
            ("to", json!(Address::ZERO)),
            ("valueWei", json!("6")),
            ("data", json!("0x00")),
        ];
        let message = "`file` contradicts itself: what is to be signed is not what it says of it";
        for (key, value) in changes {
            let mut changed = file.clone();
            changed["transactions"][0][key] = value;
            assert_eq!(refused(&changed.to_string()), message, "{key}");
        }
        let mut changed = file;
        changed["chain"] = json!(2);
        assert_eq!(refused(&changed.to_string()), message);
    }
}
