//! The nodes that a provider is connected to, and which of them a request is put to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    network::Ethereum,
    primitives::U64,
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{
        client::RpcClient,
        json_rpc::{Id, Request, RequestPacket, ResponsePacket},
    },
    transports::{TransportError, TransportFut, TransportResult},
};
use futures_util::future::join_all;
use levee_model::Timestamp;
use serde::Deserialize;
use tokio::task::JoinSet;
use tower::Service;

use super::{
    PATIENCE,
    attempt::Attempt,
    node::Node,
    request::{self, SEND},
};
use crate::{
    clock,
    error::Error,
    redacted::{RedactedUrl, redact},
};

/// The ID of anvil's chain, whose clock is whatever its user sets.
pub const LOCAL_CHAIN: u64 = 31337;

/// How old a node's latest block may be, by this machine's clock.
const OLDEST: u64 = 300;

/// How far its time may be ahead of this machine's clock, which may be wrong.
const FARTHEST: u64 = 24 * 60 * 60;

/// How much older than another node's latest block it may be: five blocks of Ethereum.
const LARGEST_LAG: u64 = 60;

/// How long a node may take to tell its latest block, when others are compared with it.
const COMPARISON_TIMEOUT: Duration = Duration::from_secs(5);

/// One or several nodes of one chain, which are used as one. They are not contacted before the first request.
///
/// A request that a node fails to answer is put to the next, and then, after a pause, to all of them again, until patience
/// is over. Errors that another try cannot change are reported at once; so is an address at which nothing ever answered.
/// Transactions are sent to all nodes. A node that has no pending block is asked about the latest.
///
/// Clones, and the providers made here, share their connections.
#[derive(Debug, Clone)]
pub struct Nodes {
    pub(super) list: Arc<[Node]>,
    /// The one that answered last, which is asked first.
    preferred: Arc<AtomicUsize>,
    patience: Duration,
    pub(super) quorum: usize,
}

/// The latest block of a node.
#[derive(Debug, Deserialize)]
struct Head {
    number: U64,
    timestamp: U64,
}

impl Head {
    fn time(&self) -> Timestamp {
        self.timestamp.to()
    }
}

impl Nodes {
    /// The nodes at these addresses; a request goes to the first of them that answers. An address that is given twice is one
    /// node, which cannot agree with itself.
    ///
    /// # Errors
    /// [`Error::TooFewNodes`] if there are none; [`Error::Unreachable`] if the machine cannot connect to anything.
    pub fn new(urls: impl IntoIterator<Item = RedactedUrl>) -> Result<Self, Error> {
        let mut distinct = Vec::new();
        for url in urls {
            if !distinct.contains(&url) {
                distinct.push(url);
            }
        }
        let list: Arc<[Node]> = distinct.into_iter().map(Node::new).collect::<Result<_, _>>()?;
        Self { list, preferred: Arc::default(), patience: PATIENCE, quorum: 1 }.with_quorum(1)
    }

    /// The same nodes, where an unanswered request is repeated for so long, instead of [`PATIENCE`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same nodes, of which `quorum` must give the same answer to a question about a block, a balance, code, a nonce, a
    /// receipt, logs or the chain, or to a call. The latest block is then the latest that all of these nodes have. What a
    /// transaction needs (gas, fees) and the pending block are asked of one node.
    ///
    /// # Errors
    /// [`Error::TooFewNodes`].
    pub fn with_quorum(self, quorum: usize) -> Result<Self, Error> {
        let nodes = self.list.len();
        if nodes < quorum { Err(Error::TooFewNodes { quorum, nodes }) } else { Ok(Self { quorum, ..self }) }
    }

    /// How long an unanswered request is repeated.
    pub const fn patience(&self) -> Duration {
        self.patience
    }

    /// How many must give the same answer.
    pub const fn quorum(&self) -> usize {
        self.quorum
    }

    /// A provider that only reads.
    pub fn read_only(&self) -> DynProvider {
        ProviderBuilder::<_, _, Ethereum>::default().connect_client(self.client()).erased()
    }

    /// Checks that no node is behind, of which `number` and `time` are the latest block, as just read: nothing should be
    /// signed on the word of one that is. Its latest block is older than five minutes by this machine's clock, or a minute
    /// older than another's. Those that are left out do not count. The local chain 31337 may have any time.
    ///
    /// # Errors
    /// [`Error::NodeBehind`]; [`Error::FutureBlock`] if the block is more than a day ahead of this machine's clock.
    pub async fn check_current(&self, chain: u64, number: u64, time: Timestamp) -> Result<(), Error> {
        if chain == LOCAL_CHAIN {
            return Ok(());
        }
        self.check_latest(chain, number, time)?;
        let (read, now) = (Head { number: U64::from(number), timestamp: U64::from(time) }, clock::now());
        let mut heads = match self.list.len() {
            1 => Vec::new(),
            _ => self.heads(|node| !node.is_left_out()).await,
        };
        heads.push((self.first(), read));
        for (place, head) in &heads {
            self.list[*place]
                .check_age(head, now.saturating_sub(OLDEST), now, || "this machine's clock".into())?;
        }
        let Some((newest, first)) = heads.iter().max_by_key(|(_, head)| head.timestamp) else {
            return Ok(());
        };
        let than = || format!("the latest block of {}", self.list[*newest].url);
        heads.iter().try_for_each(|(place, head)| {
            self.list[*place].check_age(head, first.time().saturating_sub(LARGEST_LAG), first.time(), than)
        })
    }

    /// Leaves out the nodes that are behind, until this is called again, and puts requests first to the node with the latest block: one that
    /// stands still answers too, but not with what is so now. A node is behind as [`check_current`](Self::check_current) has it. One whose
    /// block is more than a minute ahead of this machine's clock is left out too, since any node can say that it has one. None is left out on
    /// the local chain 31337, or if fewer than the quorum would remain.
    ///
    /// For services, which go on while another node stands still.
    pub async fn leave_out_late(&self, chain: u64) {
        if self.list.len() == 1 {
            return;
        }
        let now = clock::now();
        let heads = self.heads(|_| true).await;
        let is_possible =
            |head: &Head| chain == LOCAL_CHAIN || head.time() <= now.saturating_add(LARGEST_LAG);
        let newest =
            heads.iter().map(|(_, head)| head).filter(|head| is_possible(head)).map(Head::time).max();
        // A node cannot make others late by a time that has not come.
        let oldest = newest.unwrap_or_default().min(now).saturating_sub(LARGEST_LAG);
        let is_late = |head: &Head| chain != LOCAL_CHAIN && (head.time() < oldest || !is_possible(head));
        let late: Vec<_> = heads.iter().filter(|(_, head)| is_late(head)).map(|(place, _)| *place).collect();
        self.leave_out(&late);
        let left = heads.iter().filter(|(place, _)| !self.list[*place].is_left_out());
        if let Some((best, _)) = left.max_by_key(|(_, head)| head.number) {
            self.preferred.store(*best, Relaxed);
        }
    }

    /// Leaves out these nodes and no others, or none if too few would remain.
    fn leave_out(&self, places: &[usize]) {
        let has_enough = self.list.len() >= self.quorum.saturating_add(places.len());
        let is_out = |place: usize| has_enough && places.contains(&place);
        // First whoever comes back, so that there is always one to ask.
        for turn in [false, true] {
            let nodes = self.list.iter().enumerate().filter(|(place, _)| is_out(*place) == turn);
            nodes.for_each(|(_, node)| node.set_left_out(turn));
        }
    }

    /// Checks by this machine's clock that a latest block, as just read, is no old one.
    ///
    /// # Errors
    /// As [`check_current`](Self::check_current), of one node.
    pub fn check_latest(&self, chain: u64, number: u64, time: Timestamp) -> Result<(), Error> {
        if chain == LOCAL_CHAIN {
            return Ok(());
        }
        let now = clock::now();
        if time > now.saturating_add(FARTHEST) {
            return Err(Error::FutureBlock { block: number, seconds: time.saturating_sub(now) });
        }
        let head = Head { number: U64::from(number), timestamp: U64::from(time) };
        self.list[self.first()]
            .check_age(&head, now.saturating_sub(OLDEST), now, || "this machine's clock".into())
    }

    /// The place of the node that is asked first.
    fn first(&self) -> usize {
        self.preferred.load(Relaxed) % self.list.len()
    }

    /// The latest blocks of those of these nodes that answer, with the places of the nodes.
    async fn heads(&self, which: impl Fn(&Node) -> bool) -> Vec<(usize, Head)> {
        let asked = self.list.iter().enumerate().filter(|(_, node)| which(node));
        let heads = asked.map(async |(place, node)| Some((place, node.head().await?)));
        join_all(heads).await.into_iter().flatten().collect()
    }

    fn client(&self) -> RpcClient {
        // alloy polls a chain of this machine more often.
        RpcClient::new(self.clone(), self.list.iter().all(|node| node.url.is_loopback()))
    }

    async fn answer(self, request: RequestPacket) -> TransportResult<ResponsePacket> {
        match request::method(&request) {
            SEND if self.list.len() > 1 => self.broadcast(&request).await,
            _ if self.needs_agreement(&request) => self.agreed(request).await,
            _ => Ok(self.ask(&request, 1).await?.remove(0).1),
        }
    }

    /// Answers of as many nodes as are wanted, with the numbers of the nodes.
    pub(super) async fn ask(
        &self,
        request: &RequestPacket,
        wanted: usize,
    ) -> TransportResult<Vec<(usize, ResponsePacket)>> {
        let mut attempt = self.attempt(request);
        let mut answers = Vec::new();
        while answers.len() < wanted {
            let nodes = attempt.next(wanted - answers.len()).await?;
            let limit = attempt.limit();
            let asked = nodes.into_iter().map(async |node| (node, self.list[node].ask(request, limit).await));
            for (node, answer) in join_all(asked).await {
                match answer {
                    Ok(answer) => {
                        attempt.answered(node);
                        answers.push((node, answer));
                    }
                    Err(error) => attempt.failed(node, error),
                }
            }
        }
        self.preferred.store(answers[0].0, Relaxed);
        Ok(answers)
    }

    /// Sends a transaction to all nodes. The first that accepts it is enough: the others are still being told. It is
    /// refused if one refuses it and none accepts it.
    async fn broadcast(&self, request: &RequestPacket) -> TransportResult<ResponsePacket> {
        let mut attempt = self.attempt(request);
        loop {
            let mut sent = JoinSet::new();
            for node in attempt.next(self.list.len()).await? {
                sent.spawn(self.clone().send(node, request.clone(), attempt.limit()));
            }
            let mut refused = None;
            while let Some(told) = sent.join_next().await {
                match told.expect("no node panics") {
                    (_, Ok(answer)) if answer.is_success() => {
                        sent.detach_all();
                        return Ok(answer);
                    }
                    (_, Ok(answer)) => refused = Some(answer),
                    (node, Err(error)) => attempt.failed(node, error),
                }
            }
            if let Some(refused) = refused {
                return Ok(refused);
            }
        }
    }

    async fn send(
        self,
        node: usize,
        request: RequestPacket,
        limit: Duration,
    ) -> (usize, TransportResult<ResponsePacket>) {
        let answer = self.list[node].ask(&request, limit).await;
        let refusal = answer.as_ref().map_or_else(
            |error| Some(error.to_string()),
            |answer| answer.first_error_message().map(str::to_owned),
        );
        if let Some(refusal) = refusal {
            tracing::debug!(node = %self.list[node].url, reason = redact(&refusal), "did not take the transaction");
        }
        (node, answer)
    }

    fn attempt<'a>(&'a self, request: &'a RequestPacket) -> Attempt<'a> {
        Attempt::new(&self.list, self.first(), request::method(request), self.patience)
    }
}

impl Node {
    /// Its latest block, if it tells it in a short time.
    async fn head(&self) -> Option<Head> {
        let request =
            Request::new("eth_getBlockByNumber", Id::Number(0), ("latest", false)).serialize().ok()?;
        let answer = self.ask(&request.into(), COMPARISON_TIMEOUT).await.ok()?;
        serde_json::from_str(answer.first_payload()?.as_success()?.get()).ok()
    }

    /// Refuses a latest block before `oldest`; it is compared with a clock that shows `now`.
    fn check_age(
        &self,
        head: &Head,
        oldest: Timestamp,
        now: Timestamp,
        than: impl Fn() -> String,
    ) -> Result<(), Error> {
        let time = head.time();
        if time >= oldest {
            return Ok(());
        }
        Err(Error::NodeBehind {
            url: self.url.clone(),
            block: head.number.to(),
            seconds: now - time,
            than: than(),
        })
    }
}

impl Service<RequestPacket> for Nodes {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}
