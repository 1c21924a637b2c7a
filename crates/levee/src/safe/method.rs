//! The data of a call that is written as a method and the values of its inputs.
//!
//! Safe's app encodes these by libraries that take more than Solidity's compiler writes, and sends no data at all where they fail. So what
//! could mean anything else to them is refused here.

use alloy::{
    dyn_abi::{DynSolType, DynSolValue},
    primitives::{Bytes, keccak256},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::batch::address;
use crate::json;

/// The longest type of an input, in characters. It bounds how deep types are in each other, too.
const LONGEST_TYPE: usize = 256;
/// The largest number that JavaScript reads exactly.
const LARGEST_EXACT: u64 = (1 << 53) - 1;

/// A method as in an ABI, as far as its data depends on it.
#[derive(Debug, Deserialize)]
struct Method {
    name: String,
    #[serde(default)]
    inputs: Vec<Input>,
}

/// An input of a method, or a member of a tuple.
#[derive(Debug, Deserialize)]
struct Input {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    components: Vec<Self>,
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
    if !is_identifier(&name) || matches!(name.as_str(), "receive" | "fallback") {
        return Err(format!("the method cannot have the name `{name}`"));
    }
    require_names(&inputs)?;
    let names: Vec<_> = inputs.iter().map(Input::type_name).collect();
    let types = inputs.iter().zip(&names).map(|(input, name)| input.resolve(name));
    let types = types.collect::<Result<Vec<_>, _>>()?;
    let selector = &keccak256(format!("{name}({})", names.join(",")))[..4];
    let arguments = inputs.iter().zip(&types).map(|(input, kind)| value(input, kind, values));
    let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
    Ok([selector, &DynSolValue::Tuple(arguments).abi_encode_params()].concat().into())
}

/// A name in Solidity.
fn is_identifier(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    !text.is_empty() && text.chars().all(is_part) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Refuses inputs whose values cannot be told apart by their names.
fn require_names(inputs: &[Input]) -> Result<(), String> {
    for (index, Input { name, components, .. }) in inputs.iter().enumerate() {
        if !is_identifier(name) {
            return Err(format!("one has `{name}` for a name"));
        }
        if inputs[..index].iter().any(|other| other.name == *name) {
            return Err(format!("two have the name `{name}`"));
        }
        require_names(components)?;
    }
    Ok(())
}

impl Input {
    /// Its type as in a signature.
    fn type_name(&self) -> String {
        match self.kind.strip_prefix("tuple") {
            Some(suffix) => {
                let members: Vec<_> = self.components.iter().map(Self::type_name).collect();
                format!("({}){suffix}", members.join(","))
            }
            None => self.kind.clone(),
        }
    }

    /// Whether it, and all in it, have members if they are tuples, and only then.
    fn is_whole(&self) -> bool {
        self.kind.starts_with("tuple") != self.components.is_empty()
            && !self.kind.contains('(')
            && self.components.iter().all(Self::is_whole)
    }

    /// Its type, of which `name` must be the one spelling that a signature has.
    fn resolve(&self, name: &str) -> Result<DynSolType, String> {
        if name.len() > LONGEST_TYPE {
            return Err(format!("`{}` has a type of more than {LONGEST_TYPE} characters", self.name));
        }
        let kind = DynSolType::parse(name).ok().filter(|_| self.is_whole());
        // A tuple of one is written with a comma there.
        let kind = kind.filter(|kind| kind.sol_type_name().replace(",)", ")") == name);
        kind.ok_or_else(|| format!("`{}` has the unknown type `{}`", self.name, self.kind))
    }
}

/// The value of one input. The app keeps it as text; lists and tuples are JSON in it.
fn value(input: &Input, kind: &DynSolType, values: &Map<String, Value>) -> Result<DynSolValue, String> {
    let name = &input.name;
    let given = values.get(name).ok_or_else(|| format!("`{name}` has no value"))?;
    let text = given.as_str().ok_or_else(|| format!("`{name}` has a value that is no text"))?;
    let value = match kind {
        // The app takes quotes of other shapes for those of JSON.
        DynSolType::Array(_) | DynSolType::FixedArray(..) | DynSolType::Tuple(_) | DynSolType::Bool => {
            json::parse(text).ok().filter(|_| text.is_ascii())
        }
        _ => Some(text.into()),
    };
    let value = value.filter(|value| is_plain(kind, value));
    value
        .and_then(|value| kind.coerce_json(&value).ok())
        .ok_or_else(|| format!("`{name}` is `{text}`, which is no {}", input.kind))
}

/// Whether a value is written as every library reads it.
fn is_plain(kind: &DynSolType, value: &Value) -> bool {
    match (kind, value) {
        (DynSolType::Bool, Value::Bool(_)) => true,
        (DynSolType::Int(_) | DynSolType::Uint(_), Value::Number(number)) => {
            number.as_i64().is_some_and(|number| number.unsigned_abs() <= LARGEST_EXACT)
        }
        (DynSolType::Int(_), Value::String(text)) => is_decimal(text.strip_prefix('-').unwrap_or(text)),
        (DynSolType::Uint(_), Value::String(text)) => is_decimal(text) || has_digits(text),
        (DynSolType::Address, Value::String(text)) => has_digits(text) && address(text).is_some(),
        (DynSolType::Bytes, Value::String(text)) => text == "0x" || has_digits(text),
        (DynSolType::FixedBytes(size), Value::String(text)) => has_digits(text) && text.len() == 2 + 2 * size,
        (DynSolType::String, Value::String(text)) => text.trim() == text,
        (DynSolType::Array(kind), Value::Array(values)) => values.iter().all(|value| is_plain(kind, value)),
        (DynSolType::FixedArray(kind, size), Value::Array(values)) => {
            values.len() == *size && values.iter().all(|value| is_plain(kind, value))
        }
        (DynSolType::Tuple(kinds), Value::Array(values)) => {
            kinds.len() == values.len() && kinds.iter().zip(values).all(|(kind, value)| is_plain(kind, value))
        }
        _ => false,
    }
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether it is in hexadecimal digits, of which there are some.
fn has_digits(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}
