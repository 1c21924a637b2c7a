//! A wallet in a browser, and the person in front of it: it signs and sends by itself, and not always what it was asked for.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    mem,
    sync::{Arc, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};

use alloy::{
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{B256, hex, keccak256},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use serde_json::{Value, json};

use super::{
    plan::{Answers, Changes, Popup, Sends},
    process::Victim,
    world::Chain,
};
use crate::proxy::{json_of, post};

/// How the command says where its page is.
const OPEN: &str = "open http://";

/// A wallet with one account.
#[derive(Debug, Clone)]
pub(super) struct Wallet(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    chain: Chain,
    key: PrivateKeySigner,
    /// What it does with the next requests.
    habits: VecDeque<Popup>,
    asked: Vec<Asked>,
    pages: Vec<JoinHandle<()>>,
    /// What a command did that it must not.
    wrong: Vec<String>,
}

/// A request, and what came of it so far.
#[derive(Debug)]
struct Asked {
    request: TransactionRequest,
    popup: Popup,
    /// Whether its person has yet to decide.
    is_open: bool,
    /// What it signs instead of the request.
    transaction: Option<TransactionRequest>,
    /// What it has signed, in hex.
    raws: Vec<String>,
    /// Whether the chain has got it.
    is_sent: bool,
}

impl Wallet {
    /// With the account of `key`.
    pub(super) fn new(chain: Chain, key: PrivateKeySigner, popups: &[Popup]) -> Self {
        let (habits, asked) = (popups.iter().copied().collect(), Vec::new());
        Self(Arc::new(Mutex::new(Inner { chain, key, habits, asked, pages: Vec::new(), wrong: Vec::new() })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no thread panicked")
    }

    /// Opens the page, if that is what a process asks for in a line.
    pub(super) fn hear(&self, line: &str, victim: &Victim) {
        let Some(address) = line.strip_prefix(OPEN).and_then(|line| line.split(' ').next()) else { return };
        let (wallet, address, victim) = (self.clone(), address.to_owned(), victim.clone());
        let page = thread::spawn(move || {
            // The connection ends with the process; a refusal would leave it waiting.
            if let Err(error) = wallet.serve(&address, &victim)
                && error.kind() == ErrorKind::Other
            {
                wallet.inner().wrong.push(format!("the page for the wallet refuses: {error}"));
                victim.kill();
            }
        });
        self.inner().pages.push(page);
    }

    /// Serves a process through its page until that ends.
    fn serve(&self, address: &str, victim: &Victim) -> io::Result<()> {
        let (host, token) = address.split_once("/#").unwrap_or((address, ""));
        let opened = ask_page(host, token, "open", &json!({}))?;
        let session = opened["session"].as_str().unwrap_or_default();
        self.confirm(Sends::AtTheNextPage);
        let account = self.inner().key.address();
        ask_page(host, session, "account", &json!({ "account": account }))?;
        loop {
            let next = ask_page(host, session, "next", &json!({}))?;
            let asked = &next["request"];
            if asked.is_null() {
                continue;
            }
            ask_page(host, session, "begin", &json!({ "id": asked["id"] }))?;
            let answer = self.inner().asked(&asked["params"][0]);
            let Some(mut answer) = answer else {
                victim.kill();
                return Ok(());
            };
            answer["id"] = asked["id"].clone();
            ask_page(host, session, "answer", &answer)?;
        }
    }

    /// Waits until the pages of processes that have ended are closed.
    pub(super) fn close_pages(&self) {
        let pages = mem::take(&mut self.inner().pages);
        pages.into_iter().for_each(|page| page.join().expect("no thread panicked"));
    }

    /// Its person confirms what is to be confirmed now.
    pub(super) fn confirm(&self, now: Sends) {
        let mut inner = self.inner();
        for number in 0..inner.asked.len() {
            if inner.asked[number].is_open && inner.asked[number].popup.sends == now {
                inner.send(number);
            }
        }
    }

    /// From now on, it does what it is asked.
    pub(super) fn obey(&self) {
        self.inner().habits.clear();
    }

    /// Its person declines what is still open.
    pub(super) fn decline(&self) {
        self.inner().asked.iter_mut().for_each(|asked| asked.is_open = false);
    }

    /// It brings what it has sent into a block: sends it again, and at a higher price where that does not help.
    pub(super) fn push(&self) {
        let mut inner = self.inner();
        for number in 0..inner.asked.len() {
            if !inner.asked[number].is_sent || inner.hash(number, true).is_some() {
                continue;
            }
            for raw in &inner.asked[number].raws {
                inner.broadcast(raw);
            }
            inner.chain.mine(1);
            if inner.hash(number, true).is_none() {
                inner.raise(number);
                inner.chain.mine(1);
            }
        }
    }

    /// The hash of what it has sent for a request, if it has sent anything, and whether that is what it was asked for.
    pub(super) fn sent(&self, request: &Value) -> Option<(B256, bool)> {
        let request = read(request);
        let inner = self.inner();
        let number = (0..inner.asked.len()).rfind(|number| {
            let asked = &inner.asked[*number];
            asked.is_sent && asked.request.nonce == request.nonce && is_same_call(&asked.request, &request)
        })?;
        let is_as_asked = inner.asked[number].popup.changes != Changes::Call;
        inner.hash(number, true).or_else(|| inner.hash(number, false)).map(|hash| (hash, is_as_asked))
    }

    /// What it has sent, in hex.
    pub(super) fn raws(&self) -> Vec<Value> {
        let inner = self.inner();
        inner
            .asked
            .iter()
            .filter(|asked| asked.is_sent)
            .flat_map(|asked| &asked.raws)
            .map(|raw| json!(raw))
            .collect()
    }

    /// The nonces of what it has sent.
    pub(super) fn nonces(&self) -> Vec<u64> {
        let inner = self.inner();
        let sent = inner.asked.iter().filter(|asked| asked.is_sent);
        sent.filter_map(|asked| asked.transaction.as_ref()?.nonce).collect()
    }

    /// What it has signed, sent or not, in hex.
    pub(super) fn signed(&self) -> Vec<String> {
        self.inner().asked.iter().flat_map(|asked| asked.raws.clone()).collect()
    }

    /// What it has sent other than it was asked.
    pub(super) fn altered(&self) -> Vec<B256> {
        let inner = self.inner();
        let altered = inner.asked.iter().filter(|asked| asked.popup.changes == Changes::Call);
        altered.flat_map(|asked| &asked.raws).map(|raw| hash_of(raw)).collect()
    }

    /// The transactions that it was asked for, as if it had signed them so, in hex.
    pub(super) fn requests(&self) -> Vec<String> {
        let inner = self.inner();
        inner.asked.iter().map(|asked| inner.sign(asked.request.clone())).collect()
    }

    /// What a command did that it must not.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.inner().wrong.clone()
    }
}

impl Inner {
    /// Takes a request. What the page hears; none if that is nothing.
    fn asked(&mut self, request: &Value) -> Option<Value> {
        let request = read(request);
        let is_asked_again = |asked: &Asked| asked.is_open && is_same_call(&asked.request, &request);
        if self.asked.iter().any(is_asked_again) {
            self.wrong
                .push(format!("the wallet still holds the request that it is asked for again: {request:?}"));
        }
        let obeys = Popup { sends: Sends::AtOnce, answers: Answers::Hash, changes: Changes::Nothing };
        let popup = self.habits.pop_front().unwrap_or(obeys);
        let number = self.asked.len();
        let is_open = popup.answers != Answers::No;
        self.asked.push(Asked {
            request,
            popup,
            is_open,
            transaction: None,
            raws: Vec::new(),
            is_sent: false,
        });
        if popup.sends == Sends::AtOnce {
            self.send(number);
        } else if popup.answers == Answers::Hash {
            self.sign_once(number);
        }
        match popup.answers {
            Answers::Hash => Some(json!({ "result": hash_of(&self.asked[number].raws[0]) })),
            Answers::Error => Some(json!({ "unknown": "the wallet has failed" })),
            Answers::No => Some(json!({ "declined": "its person says no" })),
            Answers::Nothing => None,
        }
    }

    /// Sends what it was asked for, with its changes.
    fn send(&mut self, number: usize) {
        self.sign_once(number);
        let raw = self.asked[number].raws[0].clone();
        self.asked[number].is_open = false;
        self.asked[number].is_sent = self.broadcast(&raw);
        if self.asked[number].popup.changes == Changes::Price {
            self.raise(number);
        }
    }

    fn sign_once(&mut self, number: usize) {
        let Asked { request, popup, raws, .. } = &self.asked[number];
        if !raws.is_empty() {
            return;
        }
        let mut transaction = request.clone();
        match popup.changes {
            Changes::Nonce => {
                self.chain.send_as_ann();
                transaction.nonce = Some(self.chain.nonce());
            }
            Changes::Call => transaction.to = Some(self.key.address().into()),
            Changes::Nothing | Changes::Price => {}
        }
        let raw = self.sign(transaction.clone());
        self.asked[number].transaction = Some(transaction);
        self.asked[number].raws.push(raw);
    }

    /// Sends the same for a higher price.
    fn raise(&mut self, number: usize) {
        const HIGH: u128 = 20_000_000_000;
        let Some(mut transaction) = self.asked[number].transaction.clone() else { return };
        let raised = |price: u128| HIGH.max(2 * price);
        transaction.max_fee_per_gas = transaction.max_fee_per_gas.map(raised);
        transaction.max_priority_fee_per_gas = transaction.max_priority_fee_per_gas.map(raised);
        transaction.gas_price = transaction.gas_price.map(raised);
        let raw = self.sign(transaction);
        if self.broadcast(&raw) {
            self.asked[number].raws.push(raw);
        }
    }

    fn sign(&self, request: TransactionRequest) -> String {
        let mut transaction = request.build_typed_tx().expect("a command asks for whole transactions");
        let signature = self.key.sign_transaction_sync(&mut transaction).expect("it has a key");
        hex::encode_prefixed(transaction.into_envelope(signature).encoded_2718())
    }

    /// Whether the chain takes it.
    fn broadcast(&self, raw: &str) -> bool {
        self.chain.try_call("eth_sendRawTransaction", json!([raw]))["error"].is_null()
    }

    /// The hash of what was sent for a request: of what succeeded in a block, or else of the latest.
    fn hash(&self, number: usize, in_block: bool) -> Option<B256> {
        let mut hashes = self.asked[number].raws.iter().rev().map(|raw| hash_of(raw));
        hashes.find(|hash| !in_block || self.chain.has(&json!(hash)))
    }
}

/// What the page is told by the command. What it is refused is an error of no other kind.
fn ask_page(host: &str, key: &str, path: &str, body: &Value) -> io::Result<Value> {
    let headers = format!("origin: http://{host}\nauthorization: Bearer {key}\n");
    let answer = post(host, &format!("/{path}"), &headers, body.to_string().as_bytes())?;
    let told = json_of(&answer).map_err(|_| ErrorKind::ConnectionAborted)?;
    if answer.starts_with(b"HTTP/1.1 200") { Ok(told) } else { Err(io::Error::other(told.to_string())) }
}

fn read(request: &Value) -> TransactionRequest {
    serde_json::from_value(request.clone()).expect("a command asks for a transaction")
}

/// Whether they do the same, whatever their nonces and prices.
fn is_same_call(one: &TransactionRequest, other: &TransactionRequest) -> bool {
    let call = |request: &TransactionRequest| {
        (request.to, request.value.unwrap_or_default(), request.input.input().cloned().unwrap_or_default())
    };
    call(one) == call(other)
}

fn hash_of(raw: &str) -> B256 {
    keccak256(hex::decode(raw).expect("it is in hex"))
}
