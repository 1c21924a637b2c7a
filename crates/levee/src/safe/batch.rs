//! A batch of calls as a file of Safe's Transaction Builder, which the Safe's owners import, sign and send as one transaction.
//!
//! The format and its checksum are those of the app `tx-builder` in Safe's repository `safe-react-apps`, version 1.18.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{SafeCall, method, transaction::decimal};
use crate::{error::Error, json, operation::Transaction};

/// The version of the format, and of the app that the file is like one of.
const FORMAT: &str = "1.0";
const BUILDER: &str = "1.18.0";
/// What a file is not, in errors.
const WHAT: &str = "a batch of Safe's Transaction Builder";

/// Calls that a Safe makes in one transaction, in their order: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    /// The version of the format: `1.0`.
    pub version: String,
    /// The chain, in decimal digits.
    pub chain_id: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: u64,
    /// What it is for.
    pub meta: Meta,
    /// The calls.
    pub transactions: Vec<BatchCall>,
}

/// What a batch is for, and whose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Meta {
    /// A name, which the checksum leaves out.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// The version of the app.
    pub tx_builder_version: Option<String>,
    /// The Safe that it was made for; the app writes an empty text if it knows none.
    pub created_from_safe_address: Option<String>,
    /// The owner that made it; like the Safe.
    pub created_from_owner_address: Option<String>,
    /// The checksum of everything but itself and the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// One call of a batch. The app writes either its data, or its method with the values of the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchCall {
    /// The contract to be called.
    pub to: String,
    /// The wei to be sent with the call, in decimal digits.
    pub value: String,
    /// The call's data; none if the method gives it, which an empty text says, too.
    #[serde(default, deserialize_with = "data")]
    pub data: Option<Bytes>,
    /// The method as in an ABI, with `name`, `inputs` and `payable`; none if the data says everything.
    #[serde(default)]
    pub contract_method: Option<Value>,
    /// The values of the method's inputs by their names, each as text.
    #[serde(default)]
    pub contract_inputs_values: Option<Map<String, Value>>,
}

impl Batch {
    /// The calls `transactions` for `safe` on the chain `chain`, made at `created_at` (in milliseconds since 1970), with its checksum.
    /// `description` says what they do.
    pub fn new(
        chain: u64,
        safe: Address,
        created_at: u64,
        description: &str,
        transactions: &[Transaction],
    ) -> Self {
        let call = |Transaction { to, value, input, .. }: &Transaction| BatchCall {
            to: to.to_string(),
            value: value.get().to_string(),
            data: Some(input.clone()),
            contract_method: None,
            contract_inputs_values: None,
        };
        let meta = Meta {
            name: Some("Levee".into()),
            description: Some(description.into()),
            tx_builder_version: Some(BUILDER.into()),
            created_from_safe_address: Some(safe.to_string()),
            created_from_owner_address: Some(String::new()),
            checksum: None,
        };
        let transactions = transactions.iter().map(call).collect();
        let (version, chain_id) = (FORMAT.into(), chain.to_string());
        Self { version, chain_id, created_at, meta, transactions }.sealed()
    }

    /// The same with the calls of `other` after its own, and a checksum that fits.
    #[must_use]
    pub fn followed_by(mut self, other: Self) -> Self {
        let descriptions = [self.meta.description.take(), other.meta.description];
        let descriptions: Vec<_> =
            descriptions.into_iter().flatten().filter(|text| !text.is_empty()).collect();
        self.meta.description = Some(descriptions.join("; "));
        self.transactions.extend(other.transactions);
        self.created_at = other.created_at;
        self.sealed()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] if it has another format, anything that the format does not know or that is there twice, a chain that is no
    /// number, or a checksum that does not fit: it was changed since it was made.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |reason: String| Error::InvalidFile { what: WHAT, reason };
        let file = json::parse(text).map_err(|error| refused(error.to_string()))?;
        let batch: Self = serde_json::from_value(file.clone()).map_err(|error| refused(error.to_string()))?;
        if batch.version != FORMAT {
            return Err(refused(format!("its version is `{}`, not `{FORMAT}`", batch.version)));
        }
        if batch.chain().is_none() {
            return Err(refused(format!("its chain is `{}`, which is not a number", batch.chain_id)));
        }
        let fits = |checksum: &String| *checksum == checksum_of(&file).to_string();
        if !batch.meta.checksum.as_ref().is_none_or(fits) {
            return Err(refused("its checksum does not fit what it says".into()));
        }
        Ok(batch)
    }

    /// The chain that it is for; none if that is no number.
    pub fn chain(&self) -> Option<u64> {
        self.chain_id.parse().ok().filter(|chain: &u64| chain.to_string() == self.chain_id)
    }

    /// The Safe that it was made for; none if it names none.
    pub fn safe(&self) -> Option<Address> {
        self.meta.created_from_safe_address.as_ref()?.parse().ok()
    }

    /// Its calls, with the data of those that only name a method.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] if a call has no account, no number of wei, or a method whose inputs cannot be encoded.
    pub fn calls(&self) -> Result<Vec<SafeCall>, Error> {
        let numbered = self.transactions.iter().enumerate();
        let refused = |index: usize, reason| Error::InvalidFile {
            what: WHAT,
            reason: format!("its call {} {reason}", index + 1),
        };
        numbered.map(|(index, call)| call.call().map_err(|reason| refused(index, reason))).collect()
    }

    fn sealed(mut self) -> Self {
        self.meta.checksum = None;
        let file = serde_json::to_value(&self).unwrap_or_default();
        self.meta.checksum = Some(checksum_of(&file).to_string());
        self
    }
}

impl BatchCall {
    fn call(&self) -> Result<SafeCall, String> {
        let Self { to, value, data, contract_method, contract_inputs_values } = self;
        let account = address(to).ok_or_else(|| format!("is of `{to}`, which is not an address"))?;
        let wei = decimal::parse(value);
        let value = wei.ok_or_else(|| format!("sends `{value}`, which is not a number of wei"))?;
        let values = contract_inputs_values.as_ref();
        let encoded = contract_method.as_ref().map(|method| encoded(method, values)).transpose()?;
        let data = match (data, encoded) {
            (Some(data), Some(encoded)) if *data != encoded => {
                return Err("has data that is not what its method gives".into());
            }
            (Some(data), _) => data.clone(),
            (None, encoded) => encoded.unwrap_or_default(),
        };
        Ok(SafeCall { to: account, value, data })
    }
}

fn encoded(method: &Value, values: Option<&Map<String, Value>>) -> Result<Bytes, String> {
    method::encode(method, values.unwrap_or(&Map::new()))
        .map_err(|reason| format!("names a method with inputs, of which {reason}"))
}

/// Data as the app takes it: only with `0x`, and an empty text for none.
fn data<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    let refused = |text: &String| D::Error::custom(format!("`{text}` is not data in hexadecimal digits"));
    let bytes = |text: String| {
        let bytes = text.starts_with("0x").then(|| text.parse().ok()).flatten();
        bytes.ok_or_else(|| refused(&text))
    };
    text.map(bytes).transpose()
}

/// An address, whose checksum must fit if it has one.
pub(super) fn address(text: &str) -> Option<Address> {
    levee_model::json::Account::deserialize(Value::from(text)).ok()
}

/// The checksum of a file, whatever it has as one.
fn checksum_of(file: &Value) -> B256 {
    let mut file = file.clone();
    if let Some(meta) = file.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("checksum");
        meta.insert("name".into(), Value::Null);
    }
    keccak256(serialized(&file))
}

/// The text that the app hashes: an object is the list of its keys, in their order, and its values.
fn serialized(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(serialized).collect::<Vec<_>>().join(",")),
        Value::Object(object) => {
            let mut keys: Vec<_> = object.keys().collect();
            keys.sort();
            let values: String = keys.iter().map(|key| format!("{},", serialized(&object[*key]))).collect();
            format!("{{{}{values}}}", Value::from_iter(keys.iter().map(|key| key.as_str())))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::tests::transaction;
    use alloy::primitives::U256;
    use serde_json::json;

    fn batch() -> Batch {
        Batch::new(1, [7; 20].into(), 1_700_000_000_000, "Settle", &[transaction()])
    }

    #[test]
    fn the_text_that_is_hashed_is_that_of_the_app() {
        let value = json!({ "b": [1, { "a": null }], "a": "x\"y" });
        assert_eq!(serialized(&value), r#"{["a","b"]"x\"y",[1,{["a"]null,}],}"#);
    }

    /// By the app's own function, run in Node on this file with viem's keccak256.
    #[test]
    fn the_checksum_is_that_of_the_app() {
        let file = json!({
            "version": "1.0", "chainId": "1", "createdAt": 1_700_000_000_000_u64,
            "meta": { "name": "Transactions Batch", "description": "", "txBuilderVersion": "1.18.0",
                "createdFromSafeAddress": "0x0707070707070707070707070707070707070707", "createdFromOwnerAddress": "" },
            "transactions": [{ "to": "0xabababababababababababababababababababab", "value": "5", "data": "0x8c45",
                "contractMethod": null, "contractInputsValues": null }],
        });
        assert_eq!(
            checksum_of(&file).to_string(),
            "0x13b9d13b92e78634f5b7772e26baf7475bd113753b691059979226c0344a6c65"
        );
    }

    #[test]
    fn a_file_is_read_back() {
        let text = serde_json::to_string(&batch()).unwrap();
        let read = Batch::parse(&text).unwrap();
        assert_eq!((read.chain(), read.safe()), (Some(1), Some([7; 20].into())));
        assert_eq!(read, batch());
    }

    #[test]
    fn a_changed_file_is_refused_but_for_its_name() {
        let mut changed = batch();
        changed.meta.name = Some("another".into());
        assert_eq!(Batch::parse(&serde_json::to_string(&changed).unwrap()).unwrap(), changed);
        changed.transactions[0].value = "6".into();
        let error = Batch::parse(&serde_json::to_string(&changed).unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this is not a batch of Safe's Transaction Builder: its checksum does not fit what it says"
        );
    }

    #[test]
    fn an_error_quotes_only_the_start_of_what_is_long() {
        let long = "k".repeat(100_000);
        let mut file = serde_json::to_value(batch()).unwrap();
        file[&long] = json!(1);
        let start =
            format!("this is not a batch of Safe's Transaction Builder: unknown field `{}…", &long[..305]);
        assert_eq!(Batch::parse(&file.to_string()).unwrap_err().to_string(), start);
    }

    #[test]
    fn a_method_and_its_inputs_are_as_good_as_data() {
        let mut batch = batch();
        let call = &mut batch.transactions[0];
        call.data = None;
        call.contract_method = Some(json!({ "name": "f", "payable": false, "inputs": [
            { "name": "to", "type": "address", "internalType": "address" },
            { "name": "amounts", "type": "uint256[]" },
            { "name": "pair", "type": "tuple", "components": [{ "name": "a", "type": "bool" }, { "name": "b", "type": "uint8" }] },
        ] }));
        let inputs = json!({ "to": transaction().to.to_string(), "amounts": "[\"340282366920938463463374607431768211456\", 1]", "pair": "[true, 7]" });
        call.contract_inputs_values = inputs.as_object().cloned();
        alloy::sol! { function f(address to, uint256[] amounts, (bool, uint8) pair); }
        let amounts = vec![U256::from(1) << 128, U256::from(1)];
        let expected = fCall { to: transaction().to, amounts, pair: (true, 7) };
        let data = alloy::sol_types::SolCall::abi_encode(&expected).into();
        assert_eq!(batch.calls().unwrap(), [SafeCall { to: transaction().to, value: U256::from(5), data }]);
        let refused = |batch: &Batch| batch.calls().unwrap_err().to_string();
        batch.transactions[0].contract_inputs_values =
            json!({ "amounts": "[]", "pair": "[true,7]" }).as_object().cloned();
        let start = "this is not a batch of Safe's Transaction Builder: its call 1";
        let only = format!("{start} names a method with inputs, of which");
        assert_eq!(refused(&batch), format!("{only} `to` has no value"));
        let inputs = json!({ "to": "0x12", "amounts": "[]", "pair": "[true,7]" });
        batch.transactions[0].contract_inputs_values = inputs.as_object().cloned();
        assert_eq!(refused(&batch), format!("{only} `to` is `0x12`, which is no address"));
        batch.transactions[0].value = "five".into();
        assert_eq!(refused(&batch), format!("{start} sends `five`, which is not a number of wei"));
        batch.transactions[0].to = "0x12".into();
        assert_eq!(refused(&batch), format!("{start} is of `0x12`, which is not an address"));
    }

    /// A call of `f` with one input.
    fn encoded(name: &str, kind: &str, value: &Value) -> Result<Bytes, String> {
        method_of(json!([{ "name": name, "type": kind }]), json!({ name: value }))
    }

    fn method_of(inputs: Value, values: Value) -> Result<Bytes, String> {
        let mut batch = batch();
        let call = &mut batch.transactions[0];
        call.data = None;
        call.contract_method = Some(json!({ "name": "f", "inputs": inputs }));
        call.contract_inputs_values = values.as_object().cloned();
        let mut calls = batch.calls().map_err(|error| error.to_string())?;
        Ok(calls.remove(0).data)
    }

    #[test]
    fn a_value_is_taken_only_as_every_library_reads_it() {
        let taken = [
            ("uint256", json!("115"), 115),
            ("uint8", json!("0x73"), 115),
            ("bool", json!("true"), 1),
            ("int8", json!("7"), 7),
        ];
        for (kind, value, number) in taken {
            let data = encoded("a", kind, &value).unwrap();
            assert_eq!(U256::from_be_slice(&data[4..]), U256::from(number), "{kind}");
        }
        let refused = [
            ("uint256", json!("1 gwei")),
            ("uint256", json!("0b11")),
            ("uint256", json!("0o11")),
            ("uint256", json!("5_000")),
            ("uint256", json!("")),
            ("uint256", json!(" 1")),
            ("int8", json!("0x07")),
            ("uint256[]", json!("[9007199254740993]")),
            ("uint256[]", json!("[1.0]")),
            ("bool", json!("1")),
            ("bool[]", json!("[\"false\"]")),
            ("bytes", json!("00")),
            ("bytes2", json!("0x00")),
            ("address", json!("0xfb6916095ca1df60bB79Ce92cE3Ea74c37c5d359")),
            ("string", json!(" a")),
        ];
        for (kind, value) in refused {
            let error = encoded("a", kind, &value).unwrap_err();
            assert!(error.contains("names a method with inputs, of which `a` is"), "{kind} {value}: {error}");
        }
        assert!(encoded("a", "bool", &json!(true)).unwrap_err().ends_with("`a` has a value that is no text"));
    }

    #[test]
    fn a_method_is_taken_only_as_solidity_names_it() {
        for (name, reason) in [("", "one has `` for a name"), ("a b", "one has `a b` for a name")] {
            assert!(encoded(name, "uint8", &json!("1")).unwrap_err().ends_with(reason));
        }
        let twice = json!([{ "name": "a", "type": "uint8" }, { "name": "a", "type": "uint8" }]);
        assert!(method_of(twice, json!({ "a": "1" })).unwrap_err().ends_with("two have the name `a`"));
        for kind in ["uint", "(uint8,bool)", "tuple", "uint8 ", "uint8[01]"] {
            let error = encoded("a", kind, &json!("1")).unwrap_err();
            assert!(error.ends_with(&format!("`a` has the unknown type `{kind}`")), "{kind}: {error}");
        }
        for name in ["receive", "fallback", "f(address)", ""] {
            let mut batch = batch();
            batch.transactions[0].contract_method =
                Some(json!({ "name": name, "inputs": [{ "name": "a", "type": "uint8" }] }));
            let error = batch.calls().unwrap_err().to_string();
            assert!(error.ends_with(&format!("the method cannot have the name `{name}`")), "{error}");
        }
    }

    #[test]
    fn a_type_is_opened_only_as_deep_as_it_is_short() {
        let deep = |depth| format!("uint8{}", "[]".repeat(depth));
        let list = format!("{}{}", "[".repeat(125), "]".repeat(125));
        encoded("a", &deep(125), &json!(list)).unwrap();
        let long = "`a` has a type of more than 256 characters";
        for depth in [126, 100_000] {
            assert!(encoded("a", &deep(depth), &json!("[]")).unwrap_err().ends_with(long));
        }
        let fixed = format!("uint8{}", "[1]".repeat(100_000));
        assert!(encoded("a", &fixed, &json!("[]")).unwrap_err().ends_with(long));
    }

    #[test]
    fn data_and_a_method_must_agree() {
        let read = |data: Value| {
            let call = json!({ "to": transaction().to.to_string(), "value": "0", "data": data,
                "contractMethod": { "name": "f", "inputs": [] }, "contractInputsValues": {} });
            let call: BatchCall = serde_json::from_value(call).map_err(|error| error.to_string())?;
            Ok::<_, String>(call.call()?.data)
        };
        let selector = Bytes::copy_from_slice(&keccak256("f()")[..4]);
        for data in [json!(null), json!(""), json!(selector)] {
            assert_eq!(read(data), Ok(selector.clone()));
        }
        for data in ["0x", "0x8c45"] {
            assert_eq!(read(json!(data)), Err("has data that is not what its method gives".into()));
        }
        assert_eq!(read(json!("8c45")), Err("`8c45` is not data in hexadecimal digits".into()));
    }

    #[test]
    fn a_file_says_nothing_else_and_nothing_twice() {
        let good = batch();
        let reason = |change: &dyn Fn(&mut Value)| {
            let mut file = serde_json::to_value(&good).unwrap();
            change(&mut file);
            file["meta"]["checksum"] = Value::from(checksum_of(&file).to_string());
            Batch::parse(&file.to_string()).unwrap_err().to_string()
        };
        assert!(reason(&|file| file["raw"] = json!("0x")).contains("unknown field `raw`"));
        assert!(reason(&|file| file["meta"]["raw"] = json!("0x")).contains("unknown field `raw`"));
        assert!(reason(&|file| file["transactions"][0]["raw"] = json!("0x")).contains("unknown field `raw`"));
        for chain in ["0x89", "+1", "01", ""] {
            let error = reason(&|file| file["chainId"] = json!(chain));
            assert!(error.ends_with(&format!("its chain is `{chain}`, which is not a number")), "{error}");
        }
        let text =
            serde_json::to_string(&good).unwrap().replace("\"chainId\"", "\"chainId\":\"5\",\"chainId\"");
        let error = Batch::parse(&text).unwrap_err().to_string();
        assert!(error.contains("the key `chainId` is there twice"), "{error}");
        let mut sends = good.clone();
        for value in ["", "5_000", "0x5", "05"] {
            sends.transactions[0].value = value.into();
            let error = sends.calls().unwrap_err().to_string();
            assert!(error.ends_with(&format!("sends `{value}`, which is not a number of wei")), "{error}");
        }
    }

    #[test]
    fn a_batch_grows_at_its_end() {
        let more = Batch::new(1, [7; 20].into(), 9, "Release", &[transaction()]);
        let all = batch().followed_by(more);
        assert_eq!((all.transactions.len(), all.created_at), (2, 9));
        assert_eq!(all.meta.description.as_deref(), Some("Settle; Release"));
        assert_eq!(Batch::parse(&serde_json::to_string(&all).unwrap()).unwrap(), all);
    }
}
