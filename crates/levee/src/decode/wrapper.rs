//! Calls that make or prepare other calls: of Safes, Aragon's organizations, timelocks and governors.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::SolCall,
};

use super::{
    call::{RawCall, Read, Unreadable},
    sentence::{Quantity, Sentence, Unit, Value},
};
use crate::{
    aragon::{self, raw as Aragon},
    bindings::Multicall3,
    governor::{
        self,
        raw::{Bravo, Governor, Timelock as T},
    },
    multicall::MULTICALL3,
    safe::{
        self, SafeCall, SafeOperation, SafeTransaction,
        raw::{MultiSend, Wallet},
    },
};

/// A call with others in it.
#[derive(Debug)]
pub(super) struct Opened {
    /// What it does itself; none if it only makes the calls.
    pub(super) sentence: Option<Sentence>,
    /// What is to be known besides.
    pub(super) notes: Vec<String>,
    /// What is in it.
    pub(super) inner: Vec<Inner>,
}

/// What is in a call: another, which is read in turn, or what is known already.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) call: RawCall,
    pub(super) sentence: Option<Sentence>,
    /// The code that a Safe runs as its own to make it.
    pub(super) through: Option<Address>,
}

impl From<RawCall> for Inner {
    fn from(call: RawCall) -> Self {
        Self { call, sentence: None, through: None }
    }
}

impl Inner {
    /// The same, made by `account` if what it is in does not say by whom.
    pub(super) fn made_by(mut self, account: Option<Address>) -> Self {
        self.call.from = self.call.from.or(account);
        self
    }
}

impl Opened {
    fn new(sentence: Sentence, calls: impl IntoIterator<Item = RawCall>) -> Self {
        let inner = calls.into_iter().map(Inner::from).collect();
        Self { sentence: Some(sentence), notes: Vec::new(), inner }
    }

    fn noting(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// Calls one after the other, and nothing else.
    fn only(from: Option<Address>, calls: Vec<SafeCall>) -> Self {
        let call = |SafeCall { to, value, data }| RawCall::new(from, to, value, data).into();
        Self { sentence: None, notes: Vec::new(), inner: calls.into_iter().map(call).collect() }
    }
}

/// What a Safe does by a transaction of its own, or of its owners.
pub(super) fn of_safe(safe: Option<Address>, transaction: &SafeTransaction) -> Vec<Inner> {
    let SafeTransaction { to, value, data, operation, .. } = transaction;
    let call = RawCall::new(safe, *to, *value, data.clone());
    let mut inner = match (operation, transaction.calls()) {
        (SafeOperation::Call, _) => vec![call.into()],
        (SafeOperation::DelegateCall, Ok(calls)) if !calls.is_empty() => through(*to, safe, calls),
        // Without calls, nothing would be left to say that code is run.
        (SafeOperation::DelegateCall, _) => {
            let sentence = Sentence::new("runCode", "run the code of").with("code", *to).then(
                "as the Safe's own with the data",
                "data",
                keccak256(data),
            );
            vec![Inner { sentence: Some(sentence.sending(Some(*value))), ..call.into() }]
        }
    };
    inner.extend(repayment(safe, transaction));
    inner
}

/// Calls that a Safe makes by code that it runs as its own.
fn through(code: Address, safe: Option<Address>, calls: Vec<SafeCall>) -> Vec<Inner> {
    let inner = Opened::only(safe, calls).inner.into_iter();
    inner.map(|inner| Inner { through: Some(code), ..inner }).collect()
}

/// What a Safe pays to whoever executes its transaction, or to another.
fn repayment(safe: Option<Address>, transaction: &SafeTransaction) -> Option<Inner> {
    let SafeTransaction { gas_price, gas_token, base_gas, refund_receiver, .. } = transaction;
    if gas_price.is_zero() {
        return None;
    }
    let unit = if gas_token.is_zero() { Unit::Eth } else { Unit::Token(*gas_token) };
    let sentence = Sentence::new("repayGas", "repay gas at")
        .with("price", Quantity::new(*gas_price, unit))
        .then("each and", "baseGas", *base_gas)
        .then("more to", "receiver", (!refund_receiver.is_zero()).then_some(*refund_receiver));
    let call = RawCall { from: safe, to: safe, value: Some(U256::ZERO), data: Bytes::new() };
    Some(Inner { sentence: Some(sentence), ..call.into() })
}

/// The calls of Safes, and those by code of theirs that makes calls.
pub(super) fn safes(call: &RawCall) -> Read<Opened> {
    let Some(selector) = call.selector() else { return Ok(None) };
    Ok(Some(match selector {
        Wallet::execTransactionCall::SELECTOR => {
            let sentence =
                Sentence::new("execTransaction", "execute by the Safe").with("safe", call.target());
            let transaction = safe_transaction(call.arguments()?)?;
            // With it, the inner call may fail and the transaction be used up.
            let gas = Some(transaction.safe_tx_gas).filter(|gas| !gas.is_zero());
            let sentence = sentence.maybe("with the safeTxGas", "safeTxGas", gas);
            Opened { sentence: Some(sentence), notes: Vec::new(), inner: of_safe(call.to, &transaction) }
        }
        Wallet::approveHashCall::SELECTOR => {
            let Wallet::approveHashCall { hashToApprove: hash } = call.arguments()?;
            let sentence = Sentence::new("approveHash", "approve the transaction").with("hash", hash);
            Opened::new(sentence.then("of the Safe", "safe", call.target()), [])
        }
        MultiSend::multiSendCall::SELECTOR if call.to.is_none_or(safe::is_call_only) => {
            let calls = safe::decode_calls(&call.data)
                .ok_or_else(|| Unreadable("its data is not a list of plain calls".into()))?;
            // Whoever calls it, and does not run it as its own, has it make the calls.
            let sentence =
                Sentence::new("multiSend", "execute by MultiSendCallOnly").with("multiSend", call.target());
            Opened { sentence: Some(sentence), ..Opened::only(call.to, calls) }
        }
        _ => return Ok(None),
    }))
}

/// The calls by Multicall3, which makes them itself.
pub(super) fn multicalls(call: &RawCall) -> Read<Opened> {
    if call.selector() != Some(Multicall3::aggregate3Call::SELECTOR)
        || call.to.is_some_and(|to| to != MULTICALL3)
    {
        return Ok(None);
    }
    let Multicall3::aggregate3Call { calls } = call.arguments()?;
    let may_fail = calls.iter().filter(|call| call.allowFailure).count();
    let words = match may_fail {
        0 => "make all or none by Multicall3",
        _ if may_fail == calls.len() => "make those that succeed by Multicall3",
        _ => return Err(Unreadable("some of its calls must succeed, and others need not".into())),
    };
    let inner =
        calls.into_iter().map(|call| SafeCall { to: call.target, value: U256::ZERO, data: call.callData });
    let sentence = Sentence::new("multicall", words).with("multicall", call.target());
    Ok(Some(Opened { sentence: Some(sentence), ..Opened::only(call.to, inner.collect()) }))
}

/// A Safe's transaction without its nonce, which the call does not name.
fn safe_transaction(call: Wallet::execTransactionCall) -> Result<SafeTransaction, Unreadable> {
    Ok(SafeTransaction {
        to: call.to,
        value: call.value,
        data: call.data,
        operation: call.operation.try_into().map_err(Unreadable)?,
        safe_tx_gas: call.safeTxGas,
        base_gas: call.baseGas,
        gas_price: call.gasPrice,
        gas_token: call.gasToken,
        refund_receiver: call.refundReceiver,
        nonce: 0,
    })
}

/// The calls of Aragon's Agent, and of what runs scripts.
pub(super) fn aragon(call: &RawCall) -> Read<Opened> {
    let Some(selector) = call.selector() else { return Ok(None) };
    Ok(Some(match selector {
        Aragon::executeCall::SELECTOR => {
            let Aragon::executeCall { target, ethValue, data } = call.arguments()?;
            let sentence = Sentence::new("agentExecute", "execute by the Agent").with("agent", call.target());
            Opened::new(sentence, [RawCall::new(call.to, target, ethValue, data)])
        }
        Aragon::forwardCall::SELECTOR => {
            let Aragon::forwardCall { evmScript } = call.arguments()?;
            scripted("forward", "forward a script by", call, &evmScript)?
        }
        Aragon::newVote_0Call::SELECTOR => {
            let Aragon::newVote_0Call { script, metadata } = call.arguments()?;
            scripted("newVote", "start a vote in", call, &script)?.noting(described(&metadata))
        }
        Aragon::newVote_1Call::SELECTOR => {
            let Aragon::newVote_1Call { script, metadata, castVote, executesIfDecided } = call.arguments()?;
            let vote = scripted("newVote", "start a vote in", call, &script)?.noting(described(&metadata));
            let flagged = |sentence| with_flags(sentence, castVote, executesIfDecided);
            Opened { sentence: vote.sentence.map(flagged), ..vote }
        }
        _ => return Ok(None),
    }))
}

/// The calls of a script by itself, which only becomes one where it is run.
pub(super) fn script(runner: Option<Address>, script: &Bytes) -> Option<Opened> {
    aragon::calls_of(script).map(|calls| Opened::only(runner, calls))
}

/// A new vote, and what its caller does with it at once.
fn with_flags(sentence: Sentence, casts_vote: bool, executes_if_decided: bool) -> Sentence {
    let yes_or_no = |is_so| if is_so { "yes" } else { "no" };
    sentence.then("casting a vote:", "castVote", yes_or_no(casts_vote)).then(
        "executing it once decided:",
        "executesIfDecided",
        yes_or_no(executes_if_decided),
    )
}

fn scripted(
    kind: &'static str,
    verb: &'static str,
    call: &RawCall,
    script: &Bytes,
) -> Result<Opened, Unreadable> {
    let sentence = Sentence::new(kind, verb).with("contract", call.target());
    Ok(Opened { sentence: Some(sentence), ..Opened::only(call.to, calls_of(script)?) })
}

fn calls_of(script: &Bytes) -> Result<Vec<SafeCall>, Unreadable> {
    aragon::calls_of(script).ok_or_else(|| Unreadable("its script is not a list of calls".into()))
}

fn described(text: &str) -> String {
    format!("its text, which none of its calls depends on: {}", Value::Text(text.into()))
}

/// The calls of OpenZeppelin's and Compound's timelocks.
pub(super) fn timelocks(call: &RawCall) -> Read<Opened> {
    let Some(selector) = call.selector() else { return Ok(None) };
    Ok(Some(match selector {
        T::scheduleCall::SELECTOR => {
            let T::scheduleCall { target, value, data, predecessor, salt, delay } = call.arguments()?;
            let inner = RawCall::new(call.to, target, value, data);
            Opened::new(marked(scheduled(call, delay), predecessor, salt), [inner])
        }
        T::scheduleBatchCall::SELECTOR => {
            let T::scheduleBatchCall { targets, values, payloads, predecessor, salt, delay } =
                call.arguments()?;
            let inner = all(call.to, targets, values, payloads)?;
            Opened::new(marked(scheduled(call, delay), predecessor, salt), inner)
        }
        T::executeCall::SELECTOR => {
            let T::executeCall { target, value, payload, predecessor, salt } = call.arguments()?;
            let inner = RawCall::new(call.to, target, value, payload);
            Opened::new(
                marked(timelock("execute", "execute by the timelock", call), predecessor, salt),
                [inner],
            )
        }
        T::executeBatchCall::SELECTOR => {
            let T::executeBatchCall { targets, values, payloads, predecessor, salt } = call.arguments()?;
            let inner = all(call.to, targets, values, payloads)?;
            Opened::new(
                marked(timelock("execute", "execute by the timelock", call), predecessor, salt),
                inner,
            )
        }
        T::queueTransactionCall::SELECTOR => {
            let T::queueTransactionCall { target, value, signature, data, eta } = call.arguments()?;
            let inner = signed(call.to, target, value, &signature, data);
            Opened::new(
                timelock("queue", "queue in the timelock", call).then("for second", "eta", eta),
                [inner],
            )
        }
        T::executeTransactionCall::SELECTOR => {
            let T::executeTransactionCall { target, value, signature, data, eta } = call.arguments()?;
            let inner = signed(call.to, target, value, &signature, data);
            let sentence = timelock("execute", "execute by the timelock", call);
            Opened::new(sentence.then("for second", "eta", eta), [inner])
        }
        _ => return Ok(None),
    }))
}

fn timelock(kind: &'static str, verb: &'static str, call: &RawCall) -> Sentence {
    Sentence::new(kind, verb).with("timelock", call.target())
}

fn scheduled(call: &RawCall, delay: U256) -> Sentence {
    timelock("schedule", "schedule in the timelock", call).then("in", "delay", delay).words("seconds")
}

/// What tells an operation of a timelock from others: zero for nothing.
fn marked(sentence: Sentence, predecessor: B256, salt: B256) -> Sentence {
    let some = |hash: B256| (!hash.is_zero()).then_some(hash);
    sentence.maybe("after the operation", "predecessor", some(predecessor)).maybe(
        "with the salt",
        "salt",
        some(salt),
    )
}

/// The calls of OpenZeppelin's and Compound's governors. Who makes those of a proposal, the governor or its timelock, is not in them.
pub(super) fn governors(call: &RawCall) -> Read<Opened> {
    let Some(selector) = call.selector() else { return Ok(None) };
    Ok(Some(match selector {
        Governor::proposeCall::SELECTOR => {
            let Governor::proposeCall { targets, values, calldatas, description } = call.arguments()?;
            proposed(call, all(None, targets, values, calldatas)?, &description)
        }
        Bravo::proposeCall::SELECTOR => {
            let Bravo::proposeCall { targets, values, signatures, calldatas, description } =
                call.arguments()?;
            require_same_length(targets.len(), signatures.len())?;
            let calls = all(None, targets, values, calldatas)?.into_iter().zip(&signatures);
            let calls = calls.map(|(call, signature)| call.with_signature(signature)).collect();
            proposed(call, calls, &description)
        }
        Governor::queueCall::SELECTOR => {
            let Governor::queueCall { targets, values, calldatas, descriptionHash } = call.arguments()?;
            let inner = all(None, targets, values, calldatas)?;
            Opened::new(decided("queue", "queue in the governor", call, descriptionHash), inner)
        }
        Governor::executeCall::SELECTOR => {
            let Governor::executeCall { targets, values, calldatas, descriptionHash } = call.arguments()?;
            let inner = all(None, targets, values, calldatas)?;
            Opened::new(decided("execute", "execute by the governor", call, descriptionHash), inner)
        }
        _ => return by_number(call, selector),
    }))
}

fn proposed(call: &RawCall, calls: Vec<RawCall>, description: &str) -> Opened {
    let sentence = Sentence::new("propose", "propose to the governor").with("governor", call.target());
    let opened = Opened::new(sentence, calls).noting(described(description));
    match governor::proposer_of(description) {
        Some(proposer) => opened.noting(format!("only {proposer} can propose it")),
        None => opened,
    }
}

fn decided(kind: &'static str, verb: &'static str, call: &RawCall, hash: B256) -> Sentence {
    Sentence::new(kind, verb).with("governor", call.target()).then(
        "the proposal with the description hash",
        "descriptionHash",
        hash,
    )
}

/// The calls that name a proposal by its number only.
fn by_number(call: &RawCall, selector: [u8; 4]) -> Read<Opened> {
    let sentence = match selector {
        Bravo::queueCall::SELECTOR => {
            let Bravo::queueCall { proposalId } = call.arguments()?;
            Sentence::new("queueProposal", "queue proposal").with("proposal", proposalId)
        }
        Bravo::executeCall::SELECTOR => {
            let Bravo::executeCall { proposalId } = call.arguments()?;
            Sentence::new("executeProposal", "execute proposal").with("proposal", proposalId)
        }
        Governor::castVoteCall::SELECTOR => {
            let Governor::castVoteCall { proposalId, support } = call.arguments()?;
            let choice = ["against", "for", "abstain"].get(usize::from(support)).copied();
            let choice = choice.ok_or_else(|| Unreadable(format!("there is no choice {support}")))?;
            Sentence::new("vote", "vote").with("choice", choice).then("on proposal", "proposal", proposalId)
        }
        _ => return Ok(None),
    };
    Ok(Some(Opened::new(sentence.then("of the governor", "governor", call.target()), [])))
}

/// Calls from the lists of their parts.
fn all(
    from: Option<Address>,
    targets: Vec<Address>,
    values: Vec<U256>,
    calldatas: Vec<Bytes>,
) -> Result<Vec<RawCall>, Unreadable> {
    require_same_length(targets.len(), values.len())?;
    require_same_length(targets.len(), calldatas.len())?;
    let calls = targets.into_iter().zip(values).zip(calldatas);
    Ok(calls.map(|((to, value), data)| RawCall::new(from, to, value, data)).collect())
}

fn require_same_length(one: usize, other: usize) -> Result<(), Unreadable> {
    match one == other {
        true => Ok(()),
        false => Err(Unreadable("its lists of accounts, values and data have different lengths".into())),
    }
}

/// A call of Compound's timelock, whose data may lack its selector.
fn signed(from: Option<Address>, to: Address, value: U256, signature: &str, data: Bytes) -> RawCall {
    RawCall::new(from, to, value, data).with_signature(signature)
}

impl RawCall {
    /// The same, with the selector of a function before its data; an empty signature adds nothing.
    fn with_signature(self, signature: &str) -> Self {
        if signature.is_empty() {
            return self;
        }
        let selector = &keccak256(signature)[..4];
        Self { data: [selector, &self.data].concat().into(), ..self }
    }
}
