//! The data of a call that is written as a method and the values of its inputs.

use alloy::{
    dyn_abi::{DynSolValue, Specifier},
    json_abi::Param,
    primitives::{Bytes, keccak256},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A method as in an ABI, as far as its data depends on it.
#[derive(Debug, Deserialize)]
struct Method {
    name: String,
    #[serde(default)]
    inputs: Vec<Param>,
}

/// The data that calls `method` with these values. The error says which input is wrong.
pub(super) fn encode(method: &Value, values: &Map<String, Value>) -> Result<Bytes, String> {
    let method =
        Method::deserialize(method).map_err(|error| format!("the method cannot be read: {error}"))?;
    let Method { name, inputs } = method;
    // To the app, these are names of what runs without any data.
    if inputs.is_empty() && matches!(name.as_str(), "receive" | "fallback") {
        return Ok(Bytes::new());
    }
    let types: Vec<_> = inputs.iter().map(|input| input.selector_type()).collect();
    let selector = &keccak256(format!("{name}({})", types.join(",")))[..4];
    let arguments = inputs.iter().map(|input| value(input, values)).collect::<Result<Vec<_>, _>>()?;
    Ok([selector, &DynSolValue::Tuple(arguments).abi_encode_params()].concat().into())
}

/// The value of one input. The app keeps it as text; lists and tuples are JSON in it.
fn value(input: &Param, values: &Map<String, Value>) -> Result<DynSolValue, String> {
    let Param { name, ty, .. } = input;
    let given = values.get(name).ok_or_else(|| format!("`{name}` has no value"))?;
    let kind = input.resolve().map_err(|_| format!("`{name}` has the unknown type `{ty}`"))?;
    let is_listed = ty.ends_with(']') || ty.starts_with("tuple");
    let parsed = given.as_str().filter(|_| is_listed).and_then(|text| serde_json::from_str(text).ok());
    kind.coerce_json(parsed.as_ref().unwrap_or(given)).map_err(|_| {
        let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
        format!("`{name}` is `{given}`, which is no {ty}")
    })
}
