//! A node in front of the chain, on which what a plan says happens to the requests of one process.

use std::sync::{Arc, Mutex};

use alloy::primitives::{B256, hex, keccak256};
use serde_json::{Value, json};

use super::{
    plan::{At, Event, Lie, Price, Receipt, What},
    process::Victim,
    wallet::Wallet,
    world::{CHAIN, Chain},
};
use crate::proxy::{Proxy, Reply};

/// A node with an address of its own, which works unless it was told what should happen.
#[derive(Debug)]
pub(super) struct Node {
    proxy: Proxy,
    faults: Arc<Mutex<Option<Faults>>>,
}

/// What happens to the requests of one process, and what has happened so far.
pub(super) struct Faults {
    chain: Chain,
    events: Vec<Event>,
    /// Whether the chain grows while the process waits.
    pub(super) grows: bool,
    /// What is killed.
    pub(super) victim: Victim,
    /// What sends too.
    pub(super) wallet: Option<Wallet>,
    /// What is done while a request waits for its answer.
    pub(super) meanwhile: Option<(At, Box<dyn FnOnce() + Send>)>,
    seen: Vec<String>,
    lies: Vec<Lie>,
    /// Those that are told in the next answer alone.
    once: Vec<Lie>,
    late: Vec<Value>,
    sent: Vec<Value>,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults")
            .field("events", &self.events)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// In front of the chain.
    pub(super) fn start(chain: &Chain) -> Self {
        let faults = Arc::new(Mutex::new(None::<Faults>));
        let told = Arc::clone(&faults);
        let proxy = Proxy::replying(chain.url(), move |request| {
            let mut faults = told.lock().expect("no thread panicked");
            faults.as_mut().map_or(Reply::Node, |faults| faults.reply(request))
        });
        Self { proxy, faults }
    }

    /// Where it is reached.
    pub(super) fn url(&self) -> &str {
        self.proxy.url()
    }

    /// From now on, this happens to what is asked of it.
    pub(super) fn fail(&self, faults: Faults) {
        *self.faults.lock().expect("no thread panicked") = Some(faults);
    }

    /// From now on, it works. The chain has what was late.
    pub(super) fn work(&self) {
        if let Some(mut faults) = self.faults.lock().expect("no thread panicked").take() {
            faults.deliver_late();
        }
    }

    /// The transactions that were sent to it since the last time, in hex.
    pub(super) fn sent(&self) -> Vec<String> {
        let requests = self.proxy.requests();
        let sent = requests.iter().filter(|request| request["method"] == "eth_sendRawTransaction");
        sent.filter_map(|request| request["params"][0].as_str().map(str::to_owned)).collect()
    }
}

impl Faults {
    /// What happens to the requests of a process that is not killed, and has none beside it.
    pub(super) fn new(chain: Chain, events: &[Event]) -> Self {
        Self {
            chain,
            events: events.to_vec(),
            grows: false,
            victim: Victim::default(),
            wallet: None,
            meanwhile: None,
            seen: Vec::new(),
            lies: Vec::new(),
            once: Vec::new(),
            late: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn reply(&mut self, request: &Value) -> Reply {
        self.deliver_late();
        let method = request["method"].as_str().unwrap_or_default().to_owned();
        if self.grows && method == "eth_getTransactionReceipt" {
            self.chain.mine(1);
        }
        self.seen.push(method.clone());
        if let Some((_, meanwhile)) = self.meanwhile.take_if(|(at, _)| is_now(&self.seen, *at)) {
            meanwhile();
        }
        if method == "eth_sendRawTransaction" {
            self.sent.push(request["params"][0].clone());
        }
        let (now, later): (Vec<_>, _) = self.events.iter().partition(|event| is_now(&self.seen, event.at));
        self.events = later;
        let told = now.into_iter().filter_map(|event| self.happen(event.what, request)).last();
        let once = std::mem::take(&mut self.once);
        told.unwrap_or_else(|| self.answer(request, &once))
    }

    /// Lets it happen; the reply, if it is not the node's.
    fn happen(&mut self, what: What, request: &Value) -> Option<Reply> {
        Some(match what {
            What::Cut => Reply::Cut,
            What::Lost => Reply::Lost,
            What::Silence => Reply::Silence,
            What::Late => {
                self.late.push(request.clone());
                Reply::Silence
            }
            What::Twice => {
                self.chain.ask(request);
                Reply::Node
            }
            What::Status(429) => Reply::Status(429, "retry-after: 0\n", ""),
            What::Status(status) => Reply::Status(status, "", "<html>"),
            What::Garbage => Reply::Status(200, "", "<html>"),
            What::OtherId => Reply::OtherId(json!("0x1")),
            What::Refused(words) => {
                let (code, message) = words.error();
                Reply::Error(code, message)
            }
            What::Swallowed => Reply::Result(hash_of(&request["params"][0])),
            What::KilledBefore => {
                self.victim.kill();
                Reply::Cut
            }
            What::KilledAfter => {
                self.chain.ask(request);
                self.victim.kill();
                Reply::Cut
            }
            What::Reorganized { depth, returns } => {
                let by_wallet = self.wallet.iter().flat_map(Wallet::raws);
                let sent: Vec<_> = self.sent.iter().cloned().chain(by_wallet).collect();
                self.chain.reorganize(depth, if returns { &sent } else { &[] });
                return None;
            }
            What::Rival => {
                self.chain.send_as_ann();
                return None;
            }
            What::Lie(lie) => {
                self.lies.push(lie);
                return None;
            }
            What::LieOnce(lie) => {
                self.once.push(lie);
                return None;
            }
        })
    }

    fn answer(&self, request: &Value, once: &[Lie]) -> Reply {
        let method = request["method"].as_str().unwrap_or_default();
        let lies: Vec<_> = self.lies.iter().chain(once).filter(|lie| lie.is_about(method)).collect();
        if lies.is_empty() {
            return Reply::Node;
        }
        let mut answer = self.chain.ask(request);
        if !answer["error"].is_null() {
            return Reply::Node;
        }
        let mut result = answer["result"].take();
        lies.iter().for_each(|lie| lie.tell(&self.chain, request, &mut result));
        Reply::Result(result)
    }

    /// The node now has what was sent to it earlier.
    fn deliver_late(&mut self) {
        self.late.drain(..).for_each(|request| drop(self.chain.ask(&request)));
    }
}

/// Whether the last request that was seen is the one at `at`.
fn is_now(seen: &[String], At(method, nth): At) -> bool {
    let fits = |seen: &&String| method.is(seen);
    seen.last().is_some_and(|last| fits(&last)) && seen.iter().filter(fits).count() == usize::from(nth)
}

/// The hash of a raw transaction in hex, as a node tells it; null of anything else.
fn hash_of(raw: &Value) -> Value {
    raw.as_str().and_then(|raw| hex::decode(raw).ok()).map_or(Value::Null, |raw| json!(keccak256(raw)))
}

impl Lie {
    /// Makes the node's answer a lie.
    fn tell(self, chain: &Chain, request: &Value, result: &mut Value) {
        match self {
            Self::Chain => {
                let word = |chain: u64| format!("{chain:064x}");
                let text = result.as_str().unwrap_or_default();
                *result = match request["method"].as_str() {
                    Some("eth_chainId") => json!("0x1"),
                    _ => json!(text.replace(&word(CHAIN), &word(1))),
                };
            }
            Self::Price(price) => price.tell(result),
            Self::Gas => *result = json!("0xffffffffffffff"),
            Self::Nonce(by) => {
                let count = number(result).saturating_add_signed(by.into());
                *result = json!(format!("{count:#x}"));
            }
            Self::Waiting(more) if request["params"][1] == "pending" => {
                let count = number(result).saturating_add(more.into());
                *result = json!(format!("{count:#x}"));
            }
            Self::Waiting(_) => {}
            Self::Receipt(receipt) => receipt.tell(chain, &request["params"][0], result),
            Self::Block if result.is_object() => result["hash"] = json!(B256::repeat_byte(7)),
            Self::Block => {}
            Self::NoTransaction | Self::NoBlock => *result = Value::Null,
            Self::AnotherTransaction => {
                let mut other = chain.another_transaction();
                match request["method"].as_str() {
                    Some("eth_getTransactionByHash") => other["hash"] = request["params"][0].clone(),
                    _ => {
                        (other["from"], other["nonce"]) =
                            (request["params"][0].clone(), request["params"][1].clone())
                    }
                }
                *result = other;
            }
        }
    }
}

impl Price {
    fn tell(self, result: &mut Value) {
        let price = json!(match self {
            Self::Free => "0x1",
            Self::High => "0x37e11d6000", // 240 gwei
            Self::Absurd => "0xffffffffffffffffffffffff",
        });
        if !result.is_object() {
            *result = price;
            return;
        }
        for list in ["baseFeePerGas", "reward"] {
            for one in result[list].as_array_mut().into_iter().flatten() {
                *one = if list == "reward" { json!([price]) } else { price.clone() };
            }
        }
    }
}

impl Receipt {
    fn tell(self, chain: &Chain, hash: &Value, result: &mut Value) {
        let mut other = chain.receipt_of_another();
        match self {
            Self::None => *result = Value::Null,
            Self::OfAnother => *result = other,
            Self::InNoBlock => {
                other["transactionHash"] = hash.clone();
                (other["blockHash"], other["blockNumber"]) = (Value::Null, Value::Null);
                *result = other;
            }
            Self::OnOtherBranch => {
                (other["transactionHash"], other["blockHash"]) = (hash.clone(), json!(B256::repeat_byte(7)));
                *result = other;
            }
            Self::Failed if !result.is_null() => result["status"] = json!("0x0"),
            Self::Failed => {}
            Self::Forged => {
                other["transactionHash"] = hash.clone();
                *result = other;
            }
        }
    }
}

/// A quantity, as nodes write it.
pub(super) fn number(quantity: &Value) -> u64 {
    let digits = quantity.as_str().unwrap_or_default().trim_start_matches("0x");
    u64::from_str_radix(digits, 16).unwrap_or_default()
}
