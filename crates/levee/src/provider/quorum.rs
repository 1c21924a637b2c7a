//! Answers that several nodes must agree on.

use alloy::{
    primitives::U64,
    rpc::json_rpc::{Id, Request, RequestPacket, ResponsePacket, ResponsePayload},
    transports::{RpcError, TransportErrorKind, TransportResult},
};
use serde_json::Value;

use super::{
    nodes::Nodes,
    request::{self, at_block, names},
};
use crate::{error::Error, redacted::redact};

/// Methods whose answers decide about money.
const DECIDING: [&str; 10] = [
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_getBalance",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
];

/// What must agree of an answer with many fields. Programs differ in what else they tell.
const FIELDS: [&str; 20] = [
    "address",
    "baseFeePerGas",
    "blockHash",
    "blockNumber",
    "contractAddress",
    "data",
    "effectiveGasPrice",
    "gasLimit",
    "gasUsed",
    "hash",
    "logIndex",
    "logs",
    "number",
    "parentHash",
    "removed",
    "status",
    "timestamp",
    "topics",
    "transactionHash",
    "transactionIndex",
];

/// How much of an answer is shown where two differ, and how much before that.
const EXCERPT: [usize; 2] = [60, 8];

impl Nodes {
    /// Nodes need not agree on the pending block, and never do for long.
    pub(super) fn needs_agreement(&self, request: &RequestPacket) -> bool {
        self.quorum > 1 && DECIDING.contains(&request::method(request)) && !names(request, "pending")
    }

    /// The answer that as many nodes give as must agree. What one of them does not have yet, none has.
    pub(super) async fn agreed(&self, request: RequestPacket) -> TransportResult<ResponsePacket> {
        let request = match &request {
            RequestPacket::Single(single) if single.method() == "eth_blockNumber" => {
                return request::answer(single, &self.latest_of_all(single.meta().id.clone()).await?);
            }
            // Nodes are often a block apart: the latest block that all of them have is the same one for each.
            RequestPacket::Single(single) if request::is_about_latest(&request) => {
                let latest = self.latest_of_all(single.meta().id.clone()).await?;
                at_block(&request, "latest", &format!("{latest:#x}"))?
            }
            _ => request,
        };
        let mut answers = self.ask(&request, self.quorum).await?;
        let gists: Vec<_> = answers.iter().map(|(_, answer)| gist(answer)).collect();
        if let Some(none) = gists.iter().position(Value::is_null) {
            return Ok(answers.swap_remove(none).1);
        }
        match gists.iter().position(|gist| *gist != gists[0]) {
            None => Ok(answers.swap_remove(0).1),
            Some(other) => {
                let [one, other] = [0, other].map(|index| (answers[index].0, gists[index].to_string()));
                Err(TransportErrorKind::custom(self.disagreement(&request, one, other)))
            }
        }
    }

    /// The number of the latest block that as many nodes have as must agree.
    async fn latest_of_all(&self, id: Id) -> TransportResult<U64> {
        let request = Request::new("eth_blockNumber", id, ()).serialize().map_err(RpcError::ser_err)?;
        let mut lowest = U64::MAX;
        for (_, answer) in self.ask(&request.into(), self.quorum).await? {
            let number = match answer.first_payload() {
                Some(ResponsePayload::Success(number)) => serde_json::from_str(number.get()),
                Some(ResponsePayload::Failure(error)) => return Err(RpcError::ErrorResp(error.clone())),
                None => return Err(RpcError::NullResp),
            };
            lowest = lowest.min(number.map_err(|error| RpcError::deser_err(error, "the number of a block"))?);
        }
        Ok(lowest)
    }

    fn disagreement(&self, request: &RequestPacket, one: (usize, String), other: (usize, String)) -> Error {
        let shared = one.1.chars().zip(other.1.chars()).take_while(|(a, b)| a == b).count();
        let said = |(node, gist): &(usize, String)| {
            format!("{} says {}", self.list[*node].url, excerpt(gist, shared))
        };
        Error::Disagreement {
            method: request::method(request).to_owned(),
            answers: redact(&format!("{}, and {}", said(&one), said(&other))),
        }
    }
}

/// What must agree of an answer.
fn gist(answer: &ResponsePacket) -> Value {
    match answer.first_payload() {
        Some(ResponsePayload::Success(result)) => {
            serde_json::from_str(result.get()).map_or(Value::Null, essence)
        }
        // Programs word their errors differently.
        Some(ResponsePayload::Failure(error)) => {
            let revert = error.as_revert_data().map_or_else(String::new, |data| data.to_string());
            Value::String(format!("error {revert}"))
        }
        None => Value::Null,
    }
}

fn essence(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        Value::Array(values) => values.into_iter().map(essence).collect(),
        Value::Object(fields) => {
            let is_essential = |name: &str, value: &Value| {
                FIELDS.contains(&name) && !matches!(value, Value::Null | Value::Bool(false))
            };
            let fields = fields.into_iter().filter(|(name, value)| is_essential(name, value));
            fields.map(|(name, value)| (name, essence(value))).collect()
        }
        value => value,
    }
}

/// The part of a text after the first `shared` characters.
fn excerpt(text: &str, shared: usize) -> String {
    let [length, before] = EXCERPT;
    let start = shared.saturating_sub(before);
    let part: String = text.chars().skip(start).take(length).collect();
    let ellipsis = |is_cut| if is_cut { "…" } else { "" };
    format!("`{}{part}{}`", ellipsis(start > 0), ellipsis(text.chars().count() > start + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn gist_of(key: &str, value: Value) -> Value {
        let answer = json!({ "jsonrpc": "2.0", "id": 1, key: value });
        gist(&serde_json::from_value(answer).unwrap())
    }

    #[test]
    fn nodes_may_differ_in_what_else_they_tell() {
        let receipt = |extra: Value| {
            let mut receipt = json!({
                "status": "0x1", "blockHash": "0xAB", "logs": [{ "address": "0xcd", "topics": [], "data": "0x" }],
            });
            receipt.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            gist_of("result", receipt)
        };
        let plain = receipt(json!({}));
        assert_eq!(plain, receipt(json!({ "blockHash": "0xab", "l1Fee": "0x5", "contractAddress": null })));
        assert_ne!(plain, receipt(json!({ "status": "0x0" })));
        assert_ne!(plain, receipt(json!({ "logs": [] })));
    }

    #[test]
    fn errors_agree_if_they_have_the_same_data() {
        let error = |message: &str, data: Value| {
            gist_of("error", json!({ "code": 3, "message": message, "data": data }))
        };
        assert_eq!(error("execution reverted", json!("0x12")), error("VM reverted!", json!("0x12")));
        assert_ne!(error("execution reverted", json!("0x12")), error("execution reverted", json!("0x34")));
        assert_ne!(error("execution reverted", json!(null)), gist_of("result", json!("0x")));
    }

    #[test]
    fn what_differs_is_shown() {
        assert_eq!(excerpt("\"0x12\"", 5), "`\"0x12\"`");
        let text = format!("\"0x{}7{}\"", "0".repeat(80), "0".repeat(80));
        assert_eq!(excerpt(&text, 83), format!("`…{}7{}…`", "0".repeat(8), "0".repeat(51)));
    }
}
