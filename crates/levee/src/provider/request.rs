//! What a request says, and the same request about another block.

use alloy::{
    primitives::{B256, Bytes, keccak256},
    rpc::json_rpc::{Request, RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest},
    transports::{RpcError, TransportResult},
};
use serde::Serialize;
use serde_json::{Value, value::to_raw_value};

/// The method that sends a transaction. Its bytes are the same each time, so sending it again has no second effect.
pub(super) const SEND: &str = "eth_sendRawTransaction";

/// Methods whose answer is never null: a node that answers so is not ready.
const NEVER_NULL: [&str; 12] = [
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getCode",
    "eth_getLogs",
    "eth_getTransactionCount",
    "eth_maxPriorityFeePerGas",
    SEND,
];

/// The method of a request; of a batch, the first.
pub(super) fn method(request: &RequestPacket) -> &str {
    request.method_names().next().unwrap_or("nothing")
}

/// Whether a method may be called again after an answer was lost.
pub(super) fn is_repeatable(method: &str) -> bool {
    let is_read = ["eth_", "net_", "web3_"].iter().any(|prefix| method.starts_with(prefix));
    method == SEND || is_read && !method.contains("send")
}

/// Whether a request is about the block `tag`.
pub(super) fn names(request: &RequestPacket, tag: &str) -> bool {
    let quoted = format!("\"{tag}\"");
    request.requests().iter().any(|request| request.serialized().get().contains(&quoted))
}

/// Whether a request is about the latest block, which a call need not name.
pub(super) fn is_about_latest(request: &RequestPacket) -> bool {
    let is_unsaid = |request| is_call_without_block(request, &params(request).unwrap_or_default());
    names(request, "latest") || request.requests().iter().any(is_unsaid)
}

fn is_call_without_block(request: &SerializedRequest, params: &Value) -> bool {
    request.method() == "eth_call" && params.as_array().is_some_and(|params| params.len() == 1)
}

/// Whether null is no answer to a request.
pub(super) fn is_never_null(request: &RequestPacket) -> bool {
    let method = method(request);
    NEVER_NULL.contains(&method) || method == "eth_getBlockByNumber" && names(request, "latest")
}

/// The same request about the block `to` instead of `from`.
pub(super) fn at_block(request: &RequestPacket, from: &str, to: &str) -> TransportResult<RequestPacket> {
    let one = |request| single_at_block(request, from, to).map_err(RpcError::ser_err);
    Ok(match request {
        RequestPacket::Single(request) => RequestPacket::Single(one(request)?),
        RequestPacket::Batch(requests) => {
            RequestPacket::Batch(requests.iter().map(one).collect::<Result<_, _>>()?)
        }
    })
}

fn single_at_block(
    request: &SerializedRequest,
    from: &str,
    to: &str,
) -> serde_json::Result<SerializedRequest> {
    let mut params = params(request)?;
    replace(&mut params, from, to);
    if is_call_without_block(request, &params) {
        params = [params[0].take(), to.into()].into_iter().collect();
    }
    Request { meta: request.meta().clone(), params }.serialize()
}

fn params(request: &SerializedRequest) -> serde_json::Result<Value> {
    let mut whole: Value = serde_json::from_str(request.serialized().get())?;
    Ok(whole["params"].take())
}

/// Replaces a text wherever it is the whole of a value. No parameter but a block can be a tag.
fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, from, to)),
        Value::Object(values) => values.values_mut().for_each(|value| replace(value, from, to)),
        _ => (),
    }
}

/// The hash of the transaction that a request sends.
pub(super) fn transaction_hash(request: &RequestPacket) -> Option<B256> {
    let request = request.as_single().filter(|request| request.method() == SEND)?;
    let raw: Bytes = params(request).ok()?[0].as_str()?.parse().ok()?;
    Some(keccak256(raw))
}

/// A successful answer to a request, as a node would give it.
pub(super) fn answer(
    request: &SerializedRequest,
    result: &impl Serialize,
) -> TransportResult<ResponsePacket> {
    let payload = ResponsePayload::Success(to_raw_value(result).map_err(RpcError::ser_err)?);
    Ok(ResponsePacket::Single(Response { id: request.id().clone(), payload }))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use alloy::rpc::json_rpc::Id;
    use serde_json::json;

    /// A request of this method with these parameters.
    pub(in crate::provider) fn request(method: &'static str, params: Value) -> RequestPacket {
        Request::new(method, Id::Number(7), params).serialize().unwrap().into()
    }

    #[test]
    fn a_tag_is_replaced_wherever_a_request_names_it() {
        let to = "0xe5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5";
        let logs = |to: &str| json!([{ "fromBlock": "0x1", "toBlock": to }]);
        for (method, params, expected) in [
            ("eth_call", json!([{ "to": to }, "latest"]), json!([{ "to": to }, "0x10"])),
            ("eth_getLogs", logs("latest"), logs("0x10")),
            ("eth_call", json!([to, "pending"]), json!([to, "pending"])),
        ] {
            let asked = request(method, params.clone());
            assert_eq!(names(&asked, "latest"), params != expected);
            let replaced = at_block(&asked, "latest", "0x10").unwrap();
            let sent: Value = serde_json::from_str(replaced.as_single().unwrap().serialized().get()).unwrap();
            assert_eq!(sent, json!({ "method": method, "params": expected, "id": 7, "jsonrpc": "2.0" }));
        }
    }

    #[test]
    fn a_call_without_a_block_is_about_the_latest() {
        let asked = request("eth_call", json!([{ "data": "0x" }]));
        assert!(is_about_latest(&asked) && is_about_latest(&request("eth_getCode", json!(["0x", "latest"]))));
        assert!(!is_about_latest(&request("eth_call", json!([{ "data": "0x" }, "0x10"]))));
        assert!(!is_about_latest(&request("eth_chainId", json!([]))));
        let pinned = at_block(&asked, "latest", "0x10").unwrap();
        assert_eq!(params(pinned.as_single().unwrap()).unwrap(), json!([{ "data": "0x" }, "0x10"]));
    }

    #[test]
    fn a_transaction_is_known_by_its_hash_before_it_is_sent() {
        let hash = transaction_hash(&request(SEND, json!(["0x02c0"])));
        assert_eq!(hash, Some(keccak256([0x02, 0xc0])));
        assert_eq!(transaction_hash(&request("eth_call", json!(["0x02c0"]))), None);
        assert_eq!(transaction_hash(&request(SEND, json!([]))), None);
    }

    #[test]
    fn null_is_an_answer_to_some_requests() {
        assert!(is_never_null(&request("eth_call", json!([]))));
        assert!(is_never_null(&request("eth_getBlockByNumber", json!(["latest", false]))));
        assert!(!is_never_null(&request("eth_getBlockByNumber", json!(["0x10", false]))));
        assert!(!is_never_null(&request("eth_getTransactionReceipt", json!([B256::ZERO]))));
        assert!(!is_never_null(&request("anvil_setCode", json!([]))));
    }
}
