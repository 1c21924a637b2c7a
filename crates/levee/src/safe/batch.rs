//! A batch of calls as a file of Safe's Transaction Builder, which the Safe's owners import, sign and send as one transaction.
//!
//! The format and its checksum are those of the app `tx-builder` in Safe's repository `safe-react-apps`, version 1.18.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{SafeCall, method};
use crate::{error::Error, operation::Transaction};

/// The version of the format, and of the app that the file is like one of.
const FORMAT: &str = "1.0";
const BUILDER: &str = "1.18.0";
/// What a file is not, in errors.
const WHAT: &str = "a batch of Safe's Transaction Builder";

/// Calls that a Safe makes in one transaction, in their order: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
#[serde(rename_all = "camelCase", default)]
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
#[serde(rename_all = "camelCase")]
pub struct BatchCall {
    /// The contract to be called.
    pub to: String,
    /// The wei to be sent with the call, in decimal digits.
    pub value: String,
    /// The call's data; none if the method gives it.
    #[serde(default)]
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
    /// [`Error::InvalidFile`] if it has another format or a checksum that does not fit: it was changed since it was made.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |reason: String| Error::InvalidFile { what: WHAT, reason };
        let file: Value = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        let batch: Self = serde_json::from_value(file.clone()).map_err(|error| refused(error.to_string()))?;
        if batch.version != FORMAT {
            return Err(refused(format!("its version is `{}`, not `{FORMAT}`", batch.version)));
        }
        if batch.chain().is_none() {
            return Err(refused(format!("its chain is `{}`, which is no number", batch.chain_id)));
        }
        let fits = |checksum: &String| *checksum == checksum_of(&file).to_string();
        if !batch.meta.checksum.as_ref().is_none_or(fits) {
            return Err(refused("it was changed after its checksum was made".into()));
        }
        Ok(batch)
    }

    /// The chain that it is for; none if that is no number.
    pub fn chain(&self) -> Option<u64> {
        self.chain_id.parse().ok()
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
        let wei = U256::from_str_radix(value, 10).ok();
        let value = wei.ok_or_else(|| format!("sends `{value}`, which is not a number of wei"))?;
        let data = match (data, contract_method) {
            (Some(data), _) => data.clone(),
            (None, None) => Bytes::new(),
            (None, Some(method)) => {
                let values = contract_inputs_values.clone().unwrap_or_default();
                method::encode(method, &values).map_err(|reason| {
                    format!("has no data, only a method with its inputs, of which {reason}")
                })?
            }
        };
        Ok(SafeCall { to: account, value, data })
    }
}

/// An address, whose checksum must fit if it has one.
fn address(text: &str) -> Option<Address> {
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
    use crate::blueprint::Contract;
    use levee_model::Wei;
    use serde_json::json;

    fn transaction() -> Transaction {
        let input = Bytes::from_static(&[0x8c, 0x45]);
        Transaction { contract: Contract::PledgeEscrow, to: [0xab; 20].into(), value: Wei::new(5), input }
    }

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
            "this is not a batch of Safe's Transaction Builder: it was changed after its checksum was made"
        );
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
        let only = format!("{start} has no data, only a method with its inputs, of which");
        assert_eq!(refused(&batch), format!("{only} `to` has no value"));
        let inputs = json!({ "to": "0x12", "amounts": "[]", "pair": "[true,7]" });
        batch.transactions[0].contract_inputs_values = inputs.as_object().cloned();
        assert_eq!(refused(&batch), format!("{only} `to` is `0x12`, which is no address"));
        batch.transactions[0].value = "five".into();
        assert_eq!(refused(&batch), format!("{start} sends `five`, which is not a number of wei"));
        batch.transactions[0].to = "0x12".into();
        assert_eq!(refused(&batch), format!("{start} is of `0x12`, which is not an address"));
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
