//! Signatures that come from elsewhere: read in every form in use, and checked as contracts check them.

use alloy::{
    primitives::{Address, B256, Bytes, Signature, normalize_v},
    providers::Provider,
    sol_types::SolValue,
};

use crate::{error::Error, rpc};

/// The end of a signature by a wallet that may yet have to be created (ERC-6492).
const WRAPPED: [u8; 32] = [
    0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64,
    0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92, 0x64, 0x92,
];

/// The signature of a key: `r`, `s` and a `v` of 0 or 1, 27 or 28, or with the chain ID (EIP-155); or 64 bytes (EIP-2098). A high
/// `s`, which contracts refuse, becomes the low one that signs the same. None for anything else.
pub(crate) fn of_key(bytes: &[u8]) -> Option<Signature> {
    let signature = match bytes.len() {
        64 => Signature::from_erc2098(bytes),
        65..=72 => {
            let (r_and_s, v) = bytes.split_at(64);
            let v = v.iter().fold(0, |v, byte| (v << 8) | u64::from(*byte));
            Signature::from_bytes_and_parity(r_and_s, normalize_v(v)?)
        }
        _ => return None,
    };
    Some(signature.normalized_s())
}

/// A signature of an account in a form that contracts accept, if it is by the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// By the account's key.
    Key(Bytes),
    /// Only the account's contract can tell whether it is (EIP-1271).
    Wallet(Bytes),
}

/// Brings a signature of `digest` by `account` into the form that contracts accept.
///
/// # Errors
/// [`Error::NoWallet`] if the signature is by a wallet that was not created yet (ERC-6492); [`Error::Rpc`].
pub(crate) async fn form(
    provider: &impl Provider,
    account: Address,
    digest: B256,
    signature: Bytes,
) -> Result<Form, Error> {
    if let Some(own) = of_key(&signature).filter(|own| is_by(own, account, digest)) {
        return Ok(Form::Key(own.as_bytes().into()));
    }
    match unwrapped(&signature) {
        None => Ok(Form::Wallet(signature)),
        Some(inner) if rpc::has_code(provider, account).await? => Ok(Form::Wallet(inner)),
        Some(_) => Err(Error::NoWallet { account }),
    }
}

/// Whether `signature` is by the key of `account`.
pub(crate) fn is_by(signature: &Signature, account: Address, digest: B256) -> bool {
    signature.recover_address_from_prehash(&digest).is_ok_and(|signer| signer == account)
}

/// The signature inside one by ERC-6492, which has the call that creates the wallet before it.
fn unwrapped(signature: &[u8]) -> Option<Bytes> {
    let wrapped = signature.strip_suffix(&WRAPPED)?;
    let (_factory, _call, inner) = <(Address, Bytes, Bytes)>::abi_decode_params(wrapped).ok()?;
    Some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        primitives::{U256, address, b256, bytes, hex},
        signers::{SignerSync, local::PrivateKeySigner},
    };

    /// The order of the curve's group: `s` and this less `s` sign the same.
    const ORDER: U256 =
        U256::from_be_bytes(hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    const DIGEST: B256 = b256!("81b2272e67ebb8a421a4e5aa7acbedc031503a5c7b1a970539ff9783c2326263");

    /// Every form in which the same signature is in use.
    fn forms(signature: &Signature) -> Vec<Vec<u8>> {
        let (r, s, odd) = (signature.r(), signature.s(), signature.v());
        let bytes = |s: U256, v: &[u8]| [&r.to_be_bytes::<32>()[..], &s.to_be_bytes::<32>(), v].concat();
        let mut compact = bytes(s, &[]);
        compact[32] |= u8::from(odd) << 7;
        let mut forms = vec![compact];
        for (s, parity) in [(s, u8::from(odd)), (ORDER - s, u8::from(!odd))] {
            // EIP-155 on chains 1, 109 and 31337: v is twice the ID, 35 and the parity.
            let of_anvil = (62_709 + u16::from(parity)).to_be_bytes();
            let with_chain = [[37 + parity], [253 + parity]];
            forms.extend([[parity], [27 + parity]].iter().chain(&with_chain).map(|v| bytes(s, v)));
            forms.push(bytes(s, &of_anvil));
        }
        forms
    }

    #[test]
    fn a_signature_is_read_in_every_form_in_use() {
        let key = PrivateKeySigner::random();
        for number in 0..20u8 {
            let signature = key.sign_hash_sync(&B256::repeat_byte(number)).unwrap();
            for form in forms(&signature) {
                assert_eq!(of_key(&form), Some(signature), "{}", hex::encode(form));
            }
        }
        let all = [[5; 32], [6; 32]].concat();
        for v in [&[2][..], &[26], &[29], &[34], &[1, 0, 0, 0, 0, 0, 0, 0, 27]] {
            assert_eq!(of_key(&[&all, v].concat()), None, "{v:?}");
        }
        assert_eq!(of_key(&all[..63]), None);
        assert_eq!(of_key(&[]), None);
    }

    /// Signed by another program, with a `v` of 0.
    #[test]
    fn a_signature_with_a_v_of_zero_is_by_its_account() {
        let signature = bytes!(
            "60cd2dcafe1d4d40c9b7f5625d1dc7023634d9a10820b9a6ffa187a79c3b717054b92894584dd9d678ea8fe120ca52ad7fb2f20daaa2edc0ecb9fb958bedb78400"
        );
        let account = address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
        let read = of_key(&signature).unwrap();
        assert!(is_by(&read, account, DIGEST));
        assert!(!is_by(&read, account, B256::ZERO));
        assert_eq!(read.as_bytes()[64], 27);
    }

    #[test]
    fn a_signature_is_unwrapped() {
        let inner = bytes!("0102");
        let wrapped = (Address::repeat_byte(1), bytes!("03"), inner.clone()).abi_encode_params();
        assert_eq!(unwrapped(&[&wrapped[..], &WRAPPED].concat()), Some(inner));
        assert_eq!(unwrapped(&wrapped), None);
        assert_eq!(unwrapped(&[&[1; 32][..], &WRAPPED].concat()), None);
        assert_eq!(unwrapped(&WRAPPED[1..]), None);
    }
}
