//! Whether the chain has what it should, asked of the chain itself, and whether everybody was told so.

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::eip2718::Decodable2718,
    primitives::{Address, B256, hex},
    sol_types::SolEvent,
};
use eyre::Result;
use levee::{
    bindings::{BonusPool, PledgeBoard, PledgeEscrow},
    outbox::{MAX_FEE, MAX_FEE_PER_GAS},
    text::amount::parse_eth,
};
use serde_json::{Value, json};

use super::{
    plan::{Answers, Command, Popup, What},
    process::Ran,
    run::Run,
    wallet::Wallet,
    world::CHAIN,
};

/// What a command leaves on the chain once for each time that it is done.
struct Effect {
    signature: B256,
    /// Which rescue tells it; none if it is told by another contract.
    rescue: Option<usize>,
    /// The tier that it begins with, by which it is told from those of other commands.
    tier: Option<u8>,
}

impl Command {
    /// Its words, and of which rescue it is.
    pub(super) const fn words(self) -> (&'static str, usize) {
        match self {
            Self::PledgeEther => ("pledge 5 ETH --tier 0 --no-enlist", 0),
            Self::PledgeAndEnlist => ("pledge 7 ETH --tier 1", 0),
            Self::PledgeToken => ("pledge 4 stETH --tier 2 --approve --no-enlist", 0),
            Self::Refund => ("refund", 1),
            Self::Release => ("release ETH", 2),
            Self::Declare => ("declare proposed 6 ETH --tier 1 --expiry 2100-01-01T00:00:00Z", 0),
        }
    }

    /// How the journal names what it does.
    pub(super) const fn purpose(self) -> &'static str {
        match self {
            Self::PledgeEther => "pledge amount=5 ETH ",
            Self::PledgeAndEnlist => "pledge amount=7 ETH ",
            Self::PledgeToken => "pledge amount=4 stETH ",
            Self::Refund => "refund",
            Self::Release => "release",
            Self::Declare => "declare",
        }
    }

    fn effects(self) -> Vec<Effect> {
        let pledged = |tier| Effect {
            signature: PledgeEscrow::Pledged::SIGNATURE_HASH,
            rescue: Some(0),
            tier: Some(tier),
        };
        let one = |signature, rescue| vec![Effect { signature, rescue, tier: None }];
        match self {
            Self::PledgeEther => vec![pledged(0)],
            Self::PledgeAndEnlist => {
                let signature = BonusPool::Enlisted::SIGNATURE_HASH;
                vec![pledged(1), Effect { signature, rescue: None, tier: Some(1) }]
            }
            Self::PledgeToken => vec![pledged(2)],
            Self::Refund => one(PledgeEscrow::Refunded::SIGNATURE_HASH, Some(1)),
            Self::Release => one(PledgeEscrow::Released::SIGNATURE_HASH, Some(2)),
            Self::Declare => one(PledgeBoard::Declared::SIGNATURE_HASH, None),
        }
    }
}

/// What is wrong, if anything is.
pub(super) fn verdict(run: &Run<'_>) -> Result<Option<String>> {
    let intents = run.intents()?;
    let by_wallet = run.wallet.iter().flat_map(Wallet::wrong).collect();
    let findings = [
        run.wrong.clone(),
        by_wallet,
        effects(run),
        exits(run),
        records(run, &intents),
        signatures(run, &intents),
    ]
    .concat();
    Ok((!findings.is_empty()).then(|| findings.join("; ")))
}

/// Each command has had its effects once. What its owner gave up may have had those that came before the step that was given up.
fn effects(run: &Run<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for command in &run.begun {
        for effect in command.effects() {
            let events = run.world.chain.events(effect.signature, run.since + 1);
            let count = events.iter().filter(|event| effect.is_told_by(event, run)).count();
            let given_up = run.forgotten.get(command).copied().unwrap_or_default();
            if !(1..=1 + given_up).contains(&count) {
                wrong.push(format!("{command:?} had its effect {count} times"));
            }
        }
    }
    wrong
}

impl Effect {
    fn is_told_by(&self, event: &Value, run: &Run<'_>) -> bool {
        let teller = event["address"].as_str().and_then(|text| text.parse::<Address>().ok());
        let data = event["data"].as_str().and_then(|text| hex::decode(text).ok()).unwrap_or_default();
        self.rescue.is_none_or(|rescue| teller == Some(run.world.rescues[rescue]))
            && self.tier.is_none_or(|tier| data.get(31) == Some(&tier))
    }
}

/// Processes end as they should, and whoever was told of a transaction was told the truth.
fn exits(run: &Run<'_>) -> Vec<String> {
    let kills = |what| matches!(what, What::KilledBefore | What::KilledAfter);
    let by_wallet = |popup: &Popup| popup.answers == Answers::Nothing;
    let may_be_killed =
        run.plan.events().any(|event| kills(event.what)) || run.plan.wallet.iter().flatten().any(by_wallet);
    let altered: Vec<_> = run.wallet.iter().flat_map(Wallet::altered).map(|hash| json!(hash)).collect();
    let mut wrong = Vec::new();
    for ran in &run.processes {
        if !ran.code.map_or(may_be_killed, |code| (0..=2).contains(&code)) {
            wrong.push(format!("a process ended with {:?}", ran.code));
        }
        let told = ran.json();
        for sent in told["transactions"].as_array().into_iter().flatten() {
            if ran.succeeded() && !run.world.chain.has(&sent["transaction"]) {
                wrong.push(format!("{} was told of, but is in no block", sent["transaction"]));
            }
            if ran.succeeded() && altered.contains(&sent["transaction"]) {
                wrong.push(format!(
                    "{} was told of, but is not what the wallet was asked for",
                    sent["transaction"]
                ));
            }
        }
    }
    wrong
}

/// What the journal says is so, and nothing that it has can still have an effect.
fn records(run: &Run<'_>, intents: &[Value]) -> Vec<String> {
    let chain = &run.world.chain;
    let mut wrong = Vec::new();
    for intent in intents.iter().filter(|intent| intent["state"] != "forgotten") {
        let (number, state) = (&intent["intent"], intent["state"].as_str().unwrap_or_default());
        let sent = || intent["transactions"].as_array().into_iter().flatten();
        let last = intent["plan"].as_array().and_then(|plan| plan.last());
        let done =
            sent().filter(|sent| Some(&sent["step"]) == last && chain.has(&sent["transaction"])).count();
        let is_so = match state {
            "done" => done == 1,
            "failed" => done == 0,
            // Recorded, and killed before it signed.
            _ => sent().count() == 0 && intent["handedOver"] == json!([]),
        };
        if !is_so {
            wrong.push(format!("intent {number} is {state}, and its last step is done {done} times"));
        }
        let is_open = |sent: &&Value| sent["nonce"].as_u64() >= Some(chain.nonce());
        wrong.extend(
            sent().filter(is_open).map(|sent| format!("{} can still be included", sent["transaction"])),
        );
    }
    wrong
}

/// Nothing was sent before it was recorded, nor signed for another chain or above what may be paid.
fn signatures(run: &Run<'_>, intents: &[Value]) -> Vec<String> {
    let recorded: Vec<_> = intents
        .iter()
        .flat_map(|intent| intent["transactions"].as_array().into_iter().flatten())
        .filter_map(|sent| sent["raw"].as_str())
        .collect();
    let mut wrong = Vec::new();
    for raw in run.sent.iter().map(String::as_str).chain(recorded.iter().copied()) {
        if !recorded.contains(&raw) {
            wrong.push(format!("{raw} was sent, but is not in the journal"));
        }
        match signed(raw) {
            // A wallet may raise the price of what it was asked for.
            Some(transaction) if run.wallet.is_none() => {
                wrong.extend(beyond(&transaction, shown(run, &transaction)));
            }
            Some(_) => {}
            None => wrong.push(format!("{raw} is no transaction")),
        }
    }
    let requests: Vec<_> = run.wallet.iter().flat_map(Wallet::requests).collect();
    wrong.extend(requests.iter().filter_map(|raw| signed(raw)).flat_map(|asked| beyond(&asked, None)));
    wrong.sort();
    wrong.dedup();
    wrong
}

fn signed(raw: &str) -> Option<TxEnvelope> {
    TxEnvelope::decode_2718(&mut &hex::decode(raw).ok()?[..]).ok()
}

/// What a transaction allows that it must not.
fn beyond(transaction: &TxEnvelope, shown: Option<u128>) -> Vec<String> {
    let (hash, price) = (transaction.tx_hash(), transaction.max_fee_per_gas());
    let fee = u128::from(transaction.gas_limit()).saturating_mul(price);
    let mut wrong = Vec::new();
    if transaction.chain_id() != Some(CHAIN) {
        wrong.push(format!("{hash} is for chain {:?}", transaction.chain_id()));
    }
    if price > MAX_FEE_PER_GAS.get() || fee > MAX_FEE.get() {
        wrong.push(format!("{hash} can cost {fee} wei at {price} wei a gas"));
    }
    if shown.is_some_and(|shown| fee > shown) {
        wrong.push(format!("{hash} can cost {fee} wei, but {shown:?} were shown"));
    }
    wrong
}

/// The most that the process which sent a transaction first had shown for it; none if it did not say so.
fn shown(run: &Run<'_>, transaction: &TxEnvelope) -> Option<u128> {
    let sent = format!("sent {}", transaction.tx_hash());
    run.processes.iter().find_map(|ran: &Ran| {
        let first = ran.stderr.lines().find(|line| line.starts_with("sent "))?;
        let gas = ran.stderr.lines().find(|line| line.trim_start().starts_with("gas "))?;
        let most = gas.split("at most ").nth(1)?.split(',').next()?;
        (first == sent).then(|| parse_eth(most).ok()).flatten().map(|most| most.get())
    })
}
