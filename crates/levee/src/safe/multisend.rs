//! Several calls in one transaction of a Safe, by code of Safe's that makes calls and nothing else.

use alloy::{
    primitives::{Address, B256, Bytes, U256, address, b256, keccak256},
    providers::Provider,
    sol_types::SolCall,
};
use levee_model::Wei;
use serde::Serialize;

use super::{raw::MultiSend, version::SafeVersion};
use crate::{blueprint::Contract, call::Call, error::Error, operation::Transaction};

/// A call that a Safe makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SafeCall {
    /// The account to be called.
    #[serde(with = "levee_model::json::Account")]
    pub to: Address,
    /// The wei to be sent with the call.
    #[serde(rename = "valueWei", with = "levee_model::json::Number")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub value: U256,
    /// The call's data.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub data: Bytes,
}

impl From<&Transaction> for SafeCall {
    fn from(transaction: &Transaction) -> Self {
        let Transaction { to, value, input, .. } = transaction;
        Self { to: *to, value: U256::from(value.get()), data: input.clone() }
    }
}

impl SafeCall {
    /// The call by itself, to be simulated as the Safe. Its refusal is read as that of any contract of Levee.
    pub fn with<P: Provider + Clone>(&self, provider: &P) -> Call<P> {
        let Self { to, value, data: input } = self.clone();
        let value = Wei::new(value.saturating_to());
        let transaction = Transaction { contract: Contract::PledgeRouter, to, value, input };
        Call::of(provider.clone(), transaction, Vec::new())
    }
}

/// Where Safe has put its code that makes calls only, and the hash of this code.
struct CallOnly {
    version: SafeVersion,
    address: Address,
    code_hash: B256,
}

/// `MultiSendCallOnly` by `@safe-global/safe-deployments` 1.37.56, src/assets/v1.x.x/multi_send_call_only.json; of 1.3.0, "canonical" and
/// "eip155". Its other code makes delegate calls too, and is not used.
const CALL_ONLY: [CallOnly; 4] = [
    CallOnly {
        version: SafeVersion::new(3, 0),
        address: address!("40A2aCCbd92BCA938b02010E17A5b8929b49130D"),
        code_hash: b256!("a9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad"),
    },
    CallOnly {
        version: SafeVersion::new(3, 0),
        address: address!("A1dabEF33b3B82c7814B6D82A79e50F4AC44102B"),
        code_hash: b256!("a9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad"),
    },
    CallOnly {
        version: SafeVersion::new(4, 1),
        address: address!("9641d764fc13c8B624c04430C7356C1C7C8102e2"),
        code_hash: b256!("ecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939"),
    },
    CallOnly {
        version: SafeVersion::new(5, 0),
        address: address!("A83c336B20401Af773B6219BA5027174338D1836"),
        code_hash: b256!("cdbdcec38d2f1c7d961b0029ff8416b7e86e9974d6f0e9c9580c7d17fcfb6663"),
    },
];

/// The bytes of a call before its data: the operation, the account, the value and the length.
const HEAD: usize = 1 + 20 + 32 + 32;

/// Whether Safe's code that makes calls only is at this address, on the chains where it is.
pub fn is_call_only(address: Address) -> bool {
    CALL_ONLY.iter().any(|code| code.address == address)
}

/// The code for a Safe of `version` on this chain: that of its own version, or that of another. It keeps nothing, so any Safe can run it.
pub(super) async fn find(provider: &impl Provider, version: SafeVersion) -> Result<Address, Error> {
    let mut codes: Vec<_> = CALL_ONLY.iter().collect();
    codes.sort_by_key(|code| code.version != version.max(SafeVersion::new(3, 0)));
    for code in codes {
        if is_there(provider, code).await? {
            return Ok(code.address);
        }
    }
    Err(Error::NoMultiSend)
}

/// Checks that a chain has Safe's code that makes calls only at `address`.
///
/// # Errors
/// [`Error::ForeignCode`] if it has other code there, or none; or that of the node.
pub async fn verify(provider: &impl Provider, address: Address) -> Result<(), Error> {
    match CALL_ONLY.iter().find(|code| code.address == address) {
        Some(code) if is_there(provider, code).await? => Ok(()),
        _ => Err(Error::ForeignCode { to: address }),
    }
}

async fn is_there(provider: &impl Provider, code: &CallOnly) -> Result<bool, Error> {
    Ok(keccak256(provider.get_code_at(code.address).await?) == code.code_hash)
}

/// The data that makes the calls, one after the other.
pub(super) fn encode(calls: &[SafeCall]) -> Bytes {
    let mut transactions = Vec::new();
    for SafeCall { to, value, data } in calls {
        transactions.push(0);
        transactions.extend(to);
        transactions.extend(value.to_be_bytes::<32>());
        transactions.extend(U256::from(data.len()).to_be_bytes::<32>());
        transactions.extend(data);
    }
    MultiSend::multiSendCall { transactions: transactions.into() }.abi_encode().into()
}

/// The calls that the data makes; none if it is not exactly what [`encode`] gives for some. To call the zero address means the Safe
/// itself in some versions, so that it means nothing here.
pub(crate) fn decode(data: &Bytes) -> Option<Vec<SafeCall>> {
    let transactions = MultiSend::multiSendCall::abi_decode_validate(data).ok()?.transactions;
    let mut rest = &transactions[..];
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let (head, tail) = rest.split_at_checked(HEAD)?;
        let (to, value) = (Address::from_slice(&head[1..21]), U256::from_be_slice(&head[21..53]));
        let length = usize::try_from(U256::from_be_slice(&head[53..])).ok()?;
        let (data, next) = tail.split_at_checked(length)?;
        if head[0] != 0 || to.is_zero() {
            return None;
        }
        calls.push(SafeCall { to, value, data: Bytes::copy_from_slice(data) });
        rest = next;
    }
    (encode(&calls) == *data).then_some(calls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::hex;

    fn call(byte: u8, value: u64, data: &[u8]) -> SafeCall {
        SafeCall { to: Address::repeat_byte(byte), value: U256::from(value), data: data.to_vec().into() }
    }

    /// By the layout in Safe's source: `operation, to, value, data length, data`, packed.
    #[test]
    fn calls_are_packed_one_after_the_other() {
        let packed = [
            &hex!("00")[..],
            &[0x11; 20],
            &[0; 31],
            &[7],
            &[0; 31],
            &[3],
            &hex!("aabbcc"),
            &hex!("00"),
            &[0x22; 20],
            &[0; 64],
        ]
        .concat();
        let calls = [call(0x11, 7, &hex!("aabbcc")), call(0x22, 0, &[])];
        let encoded = MultiSend::multiSendCall { transactions: packed.into() }.abi_encode();
        assert_eq!(encoded[..4], hex!("8d80ff0a"));
        assert_eq!(super::encode(&calls), Bytes::from(encoded.clone()));
        assert_eq!(decode(&encoded.into()), Some(calls.to_vec()));
    }

    #[test]
    fn what_is_not_only_calls_is_not_read() {
        let good = encode(&[call(1, 0, &[9])]);
        let with = |position: usize, byte: u8| {
            let mut data = good.to_vec();
            data[position] = byte;
            decode(&data.into())
        };
        // The selector, the offset and the length come first.
        let start = 4 + 32 + 32;
        assert!(with(start, 0).is_some());
        assert_eq!(with(start, 1), None, "a delegate call");
        assert_eq!(with(start + HEAD - 1, 2), None, "more data than there is");
        assert_eq!(with(start + HEAD - 1, 0), None, "a head without its end");
        assert_eq!(with(good.len() - 1, 1), None, "something in the padding");
        assert_eq!(decode(&[&good[..], &[0]].concat().into()), None, "something after the end");
        assert_eq!(decode(&encode(&[call(0, 0, &[9])])), None, "the Safe itself, in some versions");
        assert_eq!(decode(&Bytes::new()), None);
    }
}
