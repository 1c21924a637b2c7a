//! One request on its way to an answer: again and again, with growing pauses, until patience is over.

use std::time::Duration;

use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep_until};

use super::{
    REQUEST_TIMEOUT,
    node::Node,
    transient::{self, Verdict},
};
use crate::{
    error::Error,
    redacted::{RedactedError, redact},
};

/// The shortest and the longest pause before a node is asked again, without the jitter, which at most doubles them.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// The longest delay that a node can ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(86_400);

/// A request, and what came of it so far.
pub(super) struct Attempt<'a> {
    nodes: &'a [Node],
    method: &'a str,
    started: Instant,
    patience: Duration,
    /// Of each node, in the order in which they are asked.
    turns: Vec<Turn>,
    requests: u32,
    /// The last error that may pass.
    last: Option<TransportError>,
    /// The first error that stays.
    refusal: Option<TransportError>,
}

/// When a node may be asked.
struct Turn {
    node: usize,
    /// None if it need not, or cannot, be asked again.
    ready: Option<Instant>,
    pauses: ExponentialBackoff,
}

impl<'a> Attempt<'a> {
    /// Of a request that goes to the node number `first` first.
    pub(super) fn new(nodes: &'a [Node], first: usize, method: &'a str, patience: Duration) -> Self {
        let started = Instant::now();
        let [shortest, longest] = PAUSES;
        let pauses = ExponentialBuilder::default()
            .with_min_delay(shortest)
            .with_max_delay(longest)
            .without_max_times()
            .with_jitter();
        let turn = |node| Turn { node, ready: Some(started), pauses: pauses.build() };
        let all = (0..nodes.len()).map(|offset| (first + offset) % nodes.len());
        let turns = all.filter(|node| !nodes[*node].is_left_out()).map(turn).collect();
        Self { nodes, method, started, patience, turns, requests: 0, last: None, refusal: None }
    }

    /// The nodes to ask now, at most `wanted`; waits until there is one.
    pub(super) async fn next(&mut self, wanted: usize) -> Result<Vec<usize>, TransportError> {
        loop {
            let now = Instant::now();
            let ready = self.turns.iter().filter(|turn| turn.ready.is_some_and(|ready| ready <= now));
            let ready: Vec<_> = ready.take(wanted).map(|turn| turn.node).collect();
            if !ready.is_empty() {
                self.requests += ready.len() as u32;
                return Ok(ready);
            }
            match self.turns.iter().filter_map(|turn| turn.ready).min() {
                // A try that has no time left would only hide the reason of the one before.
                Some(next) if next + PAUSES[0] - self.started < self.patience => sleep_until(next).await,
                Some(_) => return Err(self.no_answer()),
                None => return Err(self.refusal.take().unwrap_or(RpcError::NullResp)),
            }
        }
    }

    /// How long a node may take now.
    pub(super) fn limit(&self) -> Duration {
        REQUEST_TIMEOUT.min(self.patience.saturating_sub(self.started.elapsed()))
    }

    /// The node number `node` answered.
    pub(super) fn answered(&mut self, node: usize) {
        self.turn(node).ready = None;
    }

    /// The node number `node` failed to answer.
    pub(super) fn failed(&mut self, node: usize, error: TransportError) {
        let nodes = self.nodes;
        let reason = redact(&error.to_string());
        tracing::debug!(node = %nodes[node].url, method = self.method, reason, "no answer");
        let is_absent = nodes[node].is_absent(&error);
        match transient::verdict(self.method, &error) {
            Verdict::Transient(after) if !is_absent => {
                let turn = self.turn(node);
                let pause = turn.pauses.next().unwrap_or(PAUSES[1]);
                turn.ready = Some(Instant::now() + pause.max(after.unwrap_or_default()).min(LONGEST_DELAY));
                self.last = Some(error);
            }
            _ => {
                self.turn(node).ready = None;
                self.refusal.get_or_insert(if is_absent { nodes[node].absent(error) } else { error });
            }
        }
    }

    fn turn(&mut self, node: usize) -> &mut Turn {
        let turn = self.turns.iter_mut().find(|turn| turn.node == node);
        turn.expect("every node that is asked has a turn")
    }

    fn no_answer(&mut self) -> TransportError {
        let nodes: Vec<_> = self.turns.iter().map(|turn| self.nodes[turn.node].url.to_string()).collect();
        TransportErrorKind::custom(Error::NoAnswer {
            method: self.method.to_owned(),
            nodes: nodes.join(", "),
            requests: self.requests,
            waited: self.started.elapsed(),
            source: RedactedError::new(self.last.take().unwrap_or(RpcError::NullResp)),
        })
    }
}
