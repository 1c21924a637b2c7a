//! A transaction of a Safe with what its owners have signed, as a file.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, Bytes, Signature},
    sol_types::Eip712Domain,
};
use serde::{Deserialize, Serialize};

use super::{
    domain,
    message::Safe,
    signatures::{self, Approval},
    transaction::SafeTransaction,
    version::SafeVersion,
    wallet::SafeState,
};
use crate::{
    error::Error,
    signer::{AccountSigner, sign_typed_data},
};

/// A transaction of a Safe, and the owners' signatures of it. Whatever is read from a file has a hash and signatures that fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "File", into = "File")]
pub struct SafeProposal {
    /// The chain.
    pub chain: u64,
    /// The Safe.
    pub safe: Address,
    /// The version of its contract.
    pub version: SafeVersion,
    /// Its owners when the transaction was proposed.
    pub owners: Vec<Address>,
    /// How many of them had to approve.
    pub threshold: u64,
    /// What it is to do.
    pub transaction: SafeTransaction,
    /// Which of them have signed; none of these approvals is on chain.
    signatures: BTreeMap<Address, Approval>,
}

/// How it is written.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SafeProposal"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    /// Id of the chain.
    chain: u64,
    /// The Safe.
    #[serde(with = "levee_model::json::Account")]
    safe: Address,
    /// The version of its contract.
    version: String,
    /// The owners when the transaction was proposed.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<levee_model::json::Account>"))]
    owners: Vec<Address>,
    /// How many of them had to approve.
    threshold: u64,
    /// What the Safe is to do.
    transaction: SafeTransaction,
    /// What the owners sign, by EIP-712.
    #[serde(with = "levee_model::json::Hash")]
    safe_tx_hash: B256,
    /// What they have signed.
    signatures: Vec<OwnerSignature>,
}

/// The signature of one owner.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct OwnerSignature {
    /// The owner.
    #[serde(with = "levee_model::json::Account")]
    owner: Address,
    /// In the bytes that the Safe would take if it were the only one.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    signature: Bytes,
}

impl From<SafeProposal> for File {
    fn from(proposal: SafeProposal) -> Self {
        let alone = |(owner, approval): (&Address, &Approval)| OwnerSignature {
            owner: *owner,
            signature: signatures::encode(&BTreeMap::from([(*owner, approval.clone())])),
        };
        Self {
            safe_tx_hash: proposal.hash(),
            signatures: proposal.signatures.iter().map(alone).collect(),
            chain: proposal.chain,
            safe: proposal.safe,
            version: proposal.version.to_string(),
            owners: proposal.owners,
            threshold: proposal.threshold,
            transaction: proposal.transaction,
        }
    }
}

impl TryFrom<File> for SafeProposal {
    type Error = String;

    fn try_from(file: File) -> Result<Self, String> {
        let File { chain, safe, version, owners, threshold, transaction, safe_tx_hash, signatures } = file;
        let version = version.parse().map_err(|error| format!("its version is `{version}`: {error}"))?;
        let signed = BTreeMap::new();
        let mut proposal = Self { chain, safe, version, owners, threshold, transaction, signatures: signed };
        let hash = proposal.hash();
        if hash != safe_tx_hash {
            return Err(format!(
                "its hash is `{safe_tx_hash}`, but what it says has the hash `{hash}`, so that one of them was changed"
            ));
        }
        for OwnerSignature { owner, signature } in signatures {
            match Approval::read(&signature, hash) {
                Some((signer, approval)) if signer == owner => {
                    proposal.signatures.insert(owner, approval);
                }
                _ => {
                    return Err(format!(
                        "the signature of `{owner}` is not by it, or not of this transaction"
                    ));
                }
            }
        }
        Ok(proposal)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for SafeProposal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        File::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        File::json_schema(generator)
    }
}

impl SafeProposal {
    /// Of a transaction that nobody has signed.
    pub fn new(chain: u64, safe: &SafeState, transaction: SafeTransaction) -> Self {
        Self {
            chain,
            safe: safe.address,
            version: safe.version,
            owners: safe.owners.clone(),
            threshold: safe.threshold,
            transaction,
            signatures: BTreeMap::new(),
        }
    }

    fn domain(&self) -> Eip712Domain {
        domain(self.version.is_since_1_3().then_some(self.chain), self.safe)
    }

    /// What hardware wallets show as the domain hash.
    pub fn domain_hash(&self) -> B256 {
        self.domain().separator()
    }

    /// The hash that the owners approve, which Safe calls `safeTxHash`.
    pub fn hash(&self) -> B256 {
        self.transaction.hash(&self.domain())
    }

    /// Whether the nonce is used up even if the call fails: always before version 1.3.0, and since then if `safeTxGas` or `gasPrice` is not 0.
    pub fn fails_for_good(&self) -> bool {
        let SafeTransaction { safe_tx_gas, gas_price, .. } = self.transaction;
        !self.version.is_since_1_3() || !safe_tx_gas.is_zero() || !gas_price.is_zero()
    }

    /// The owners that have signed, each with its signature.
    pub const fn signatures(&self) -> &BTreeMap<Address, Approval> {
        &self.signatures
    }

    /// Adds the signature of the signer's account as an owner. Nobody is asked whether it is one.
    ///
    /// # Errors
    /// [`Error::NoTypedData`], [`Error::NotSigned`], [`Error::SignerRefused`], [`Error::NotOwnSignature`].
    pub async fn sign(&mut self, signer: &dyn AccountSigner) -> Result<(), Error> {
        let signature = sign_typed_data(signer, &self.transaction.typed_data(self.domain())).await?;
        self.insert(signer.address(), Approval::Key(signature));
        Ok(())
    }

    /// What the signer's account signs for a contract among the owners, `wallet` being that contract if it is a Safe.
    pub(super) async fn signature_for(
        &self,
        signer: &dyn AccountSigner,
        wallet: Option<&Safe>,
    ) -> Result<Signature, Error> {
        let Some(safe) = wallet else {
            return sign_typed_data(signer, &self.transaction.typed_data(self.domain())).await;
        };
        safe.require_one_signature(self.contract_message())?;
        sign_typed_data(signer, &safe.message(self.contract_message())).await
    }

    pub(super) fn insert(&mut self, owner: Address, approval: Approval) {
        self.signatures.insert(owner, approval);
    }

    /// What a contract among the owners is asked about: the hash since version 1.5.0, what is hashed before.
    pub(super) fn contract_message(&self) -> Bytes {
        if self.version.is_since_1_5() {
            return self.hash().into();
        }
        let message = self.transaction.message_hash();
        [&[0x19, 0x01], &self.domain_hash()[..], &message[..]].concat().into()
    }

    /// Adds the signatures of the same transaction from another file.
    ///
    /// # Errors
    /// [`Error::OtherSafeTransaction`] if it is of another.
    pub fn merge(&mut self, other: Self) -> Result<(), Error> {
        let (hash, other_hash) = (self.hash(), other.hash());
        if hash != other_hash {
            return Err(Error::OtherSafeTransaction { hash, other: other_hash });
        }
        self.signatures.extend(other.signatures);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature;
    use serde_json::{Value, json};

    /// What safe-eth-py says, see `tools/python/safe-vectors`.
    fn vectors() -> Vec<Value> {
        serde_json::from_str(include_str!("../../../../tests/vectors/safe.json")).unwrap()
    }

    /// The file of a vector, with the signature of each owner.
    fn file(vector: &Value) -> Value {
        let signatures: Bytes = serde_json::from_value(vector["signatures"].clone()).unwrap();
        let hash: B256 = serde_json::from_value(vector["safeTxHash"].clone()).unwrap();
        let signed = signatures.chunks(65).map(|bytes| {
            let owner = signature::of_key(bytes).unwrap().recover_address_from_prehash(&hash).unwrap();
            json!({ "owner": owner, "signature": Bytes::copy_from_slice(bytes) })
        });
        let signed: Vec<_> = signed.collect();
        let fields = ["chain", "safe", "version", "transaction", "safeTxHash", "owners"];
        let mut file: Value =
            fields.iter().map(|field| ((*field).to_owned(), vector[*field].clone())).collect();
        file["threshold"] = json!(2);
        file["signatures"] = json!(signed);
        file
    }

    fn read(file: &Value) -> Result<SafeProposal, String> {
        serde_json::from_value(file.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn hashes_and_signatures_are_those_of_another_program() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 20);
        for vector in vectors {
            let proposal = read(&file(&vector)).unwrap();
            assert_eq!(proposal.domain_hash().to_string(), vector["domainHash"]);
            assert_eq!(proposal.transaction.message_hash().to_string(), vector["messageHash"]);
            assert_eq!(proposal.hash().to_string(), vector["safeTxHash"]);
            assert_eq!(proposal.signatures().len(), 3);
            assert_eq!(signatures::encode(proposal.signatures()).to_string(), vector["signatures"]);
            // What is written is what was read.
            assert_eq!(read(&serde_json::to_value(&proposal).unwrap()), Ok(proposal));
        }
    }

    #[test]
    fn a_file_that_was_changed_is_refused() {
        let vector = vectors().remove(15);
        let good = file(&vector);
        let message = |change: &dyn Fn(&mut Value)| {
            let mut file = good.clone();
            change(&mut file);
            read(&file).unwrap_err()
        };
        let other = json!(Address::repeat_byte(7));
        for field in ["to", "gasToken", "refundReceiver"] {
            let error = message(&|file| file["transaction"][field] = other.clone());
            assert!(error.starts_with("its hash is `0x"), "{field}: {error}");
        }
        for field in ["value", "safeTxGas", "baseGas", "gasPrice"] {
            let error = message(&|file| file["transaction"][field] = json!("7"));
            assert!(error.starts_with("its hash is `0x"), "{field}: {error}");
        }
        let changes: [&dyn Fn(&mut Value); 6] = [
            &|file| file["transaction"]["data"] = json!("0x07"),
            &|file| file["transaction"]["nonce"] = json!(7),
            &|file| file["chain"] = json!(7),
            &|file| file["safe"] = other.clone(),
            &|file| file["safeTxHash"] = json!(B256::ZERO),
            &|file| file["version"] = json!("1.2.0"),
        ];
        for change in changes {
            assert!(message(change).starts_with("its hash is `0x"), "{}", message(change));
        }
        let error = message(&|file| file["version"] = json!("1.6.0"));
        assert_eq!(error, "its version is `1.6.0`: it is not a version of Safe from 1.1.1 to 1.5.0");
        let owner = vector["owners"][0].as_str().unwrap();
        let taken = message(&|file| file["signatures"][0]["owner"] = json!(owner));
        assert_eq!(taken, format!("the signature of `{owner}` is not by it, or not of this transaction"));
        assert!(
            message(&|file| file["transaction"]["operation"] = json!(2)).contains("`2` is not an operation")
        );
        assert!(message(&|file| file["more"] = json!(2)).contains("unknown field `more`"));
    }

    #[test]
    fn a_contract_is_asked_for_the_hash_only_since_1_5() {
        for vector in vectors() {
            let proposal = read(&file(&vector)).unwrap();
            let message = proposal.contract_message();
            let hash = proposal.hash();
            if vector["version"] == "1.5.0" {
                assert_eq!(message, Bytes::from(hash));
            } else {
                assert_eq!((message.len(), alloy::primitives::keccak256(message)), (66, hash));
            }
        }
    }

    #[test]
    fn signatures_of_one_transaction_are_merged() {
        let vectors = vectors();
        let split = |at: usize| {
            let mut file = file(&vectors[0]);
            let signed = file["signatures"].as_array_mut().unwrap();
            *signed = vec![signed[at].clone()];
            read(&file).unwrap()
        };
        let mut merged = split(0);
        merged.merge(split(2)).unwrap();
        assert_eq!(merged.signatures().len(), 2);
        let other = read(&file(&vectors[1])).unwrap();
        let (hash, other_hash) = (merged.hash(), other.hash());
        assert_eq!(merged.merge(other), Err(Error::OtherSafeTransaction { hash, other: other_hash }));
    }
}
