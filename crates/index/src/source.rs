use std::future::Future;

use alloy::{
    eips::BlockId,
    primitives::B256,
    providers::Provider,
    rpc::types::{Filter, Log},
    transports::TransportError,
};
use levee::{
    Error, Event,
    model::Timestamp,
    scan::{self, Window},
};
use serde::Serialize;

/// How far behind the head a block is taken for final where the node does not tell which are.
const FINAL_BELOW: u64 = 64;

/// The header of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Header {
    /// Its number.
    pub number: u64,
    /// Its hash.
    #[serde(with = "levee_model::json::Hash")]
    pub hash: B256,
    /// The hash of the block before.
    #[serde(with = "levee_model::json::Hash")]
    pub parent: B256,
    /// Its time, in Unix seconds.
    #[serde(rename = "timeUnix")]
    pub time: Timestamp,
}

/// How far a chain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Number of the latest block.
    pub head: u64,
    /// Number of the latest block that the chain does not drop any more.
    pub finalized: u64,
}

/// Where logs come from. Both kinds of logs are those of Levee's events on any address, in order, with all of their places.
pub trait Source: Send + Sync {
    /// How far the chain has come.
    ///
    /// # Errors
    /// Any of the client's.
    fn tip(&self) -> impl Future<Output = Result<Tip, Error>> + Send;

    /// The header of the block with a number; none if there is no such block.
    ///
    /// # Errors
    /// Any of the client's.
    fn header(&self, number: u64) -> impl Future<Output = Result<Option<Header>, Error>> + Send;

    /// The logs of final blocks, from `first` to `last`.
    ///
    /// # Errors
    /// Any of the client's.
    fn logs(&self, first: u64, last: u64) -> impl Future<Output = Result<Vec<Log>, Error>> + Send;

    /// The logs of the very block with this header, whether the chain still has it or not.
    ///
    /// # Errors
    /// Any of the client's, also if the block is not known any more.
    fn logs_of(&self, header: &Header) -> impl Future<Output = Result<Vec<Log>, Error>> + Send;
}

/// A node.
#[derive(Debug)]
pub struct Node<P> {
    provider: P,
    filter: Filter,
    window: Window,
}

impl<P: Provider> Node<P> {
    /// The chain that `provider` reaches.
    pub fn new(provider: P) -> Self {
        let filter = Filter::new().event_signature(Event::signatures().collect::<Vec<_>>());
        Self { provider, filter, window: Window::default() }
    }
}

impl<P: Provider> Source for Node<P> {
    async fn tip(&self) -> Result<Tip, Error> {
        let head = self.provider.get_block_number().await?;
        let finalized = match self.provider.get_block(BlockId::finalized()).await {
            Ok(Some(block)) => block.header.number,
            Err(error) if !is_unknown_tag(&error) => return Err(error.into()),
            // Some chains know no finality.
            Ok(None) | Err(_) => head.saturating_sub(FINAL_BELOW),
        };
        // Behind one URL, one node may be ahead of the other.
        Ok(Tip { head, finalized: finalized.min(head) })
    }

    async fn header(&self, number: u64) -> Result<Option<Header>, Error> {
        let block = self.provider.get_block_by_number(number.into()).await?;
        let header = block.map(|block| block.header);
        if header.as_ref().is_some_and(|header| header.number != number) {
            return Err(Error::Malformed { what: "a block" });
        }
        Ok(header.map(|header| Header {
            number,
            hash: header.hash,
            parent: header.parent_hash,
            time: header.timestamp,
        }))
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<Log>, Error> {
        scan::logs_in(&self.provider, &self.filter, (first, last), &self.window).await
    }

    async fn logs_of(&self, header: &Header) -> Result<Vec<Log>, Error> {
        let mut logs = scan::logs_of_block(&self.provider, &self.filter, header.hash).await?;
        if logs.iter().any(|log| log.block_number != Some(header.number)) {
            return Err(Error::Malformed { what: "a log" });
        }
        logs.iter_mut().for_each(|log| log.block_timestamp = Some(header.time));
        Ok(logs)
    }
}

/// Whether a node refuses `finalized` because there is no such block, or because it does not know the word. Any other error says nothing
/// about the chain.
fn is_unknown_tag(error: &TransportError) -> bool {
    /// The method or its parameters are not known; there is no such block (by the Engine API's and by Erigon's code).
    const CODES: [i64; 4] = [-32601, -32602, -39001, -32001];
    const WORDS: [&str; 4] = ["finalized", "unknown block", "block not found", "invalid"];
    error.as_error_resp().is_some_and(|payload| {
        let message = payload.message.to_lowercase();
        CODES.contains(&payload.code) || WORDS.iter().any(|words| message.contains(words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::rpc::json_rpc::ErrorPayload;

    #[test]
    fn an_error_is_no_lack_of_finality() {
        for (code, message, is_unknown) in [
            (-39001, "Unknown block", true),
            (-32000, "finalized block not found", true),
            (-32602, "invalid argument 0: hex string without 0x prefix", true),
            (-32601, "the method does not exist", true),
            (-32000, "block not found: finalized", true),
            (-32005, "daily request count exceeded", false),
            (-32603, "database failure", false),
            (-32000, "missing trie node", false),
        ] {
            let payload = ErrorPayload { code, message: message.into(), data: None };
            assert_eq!(is_unknown_tag(&TransportError::ErrorResp(payload)), is_unknown, "{message}");
        }
        assert!(!is_unknown_tag(&TransportError::NullResp));
    }
}
