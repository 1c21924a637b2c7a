//! How the owners of a Safe approve a hash, in the bytes that a Safe checks.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes, Signature, U256, eip191_hash_message};

use crate::signature;

/// The bytes of each approval, before those that say more than fits.
const HEAD: usize = 65;
/// What Safe adds to the `v` of a signature over the hash as a message for people.
const OF_MESSAGE: u8 = 4;

/// How one owner approves a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// By the signature of its key.
    Key(Signature),
    /// By the signature of its key over the hash as a message for people (`eth_sign`).
    Message(Signature),
    /// By what the owner, a contract, accepts as its signature (EIP-1271).
    Contract(Bytes),
    /// By a call of its own: the owner has approved the hash on chain, or is the sender.
    OnChain,
}

impl Approval {
    /// Reads a single approval of `hash`, with its owner; none if it is none, or if it says that the chain knows it.
    pub fn read(bytes: &[u8], hash: B256) -> Option<(Address, Self)> {
        let (head, tail) = bytes.split_at_checked(HEAD)?;
        match head[64] {
            0 => {
                let content = contract_signature(U256::from_be_slice(&head[32..64]), tail)?;
                // Twelve bytes come before an address in its word.
                let owner = head.starts_with(&[0; 12]).then(|| Address::from_slice(&head[12..32]))?;
                Some((owner, Self::Contract(content)))
            }
            27 | 28 if tail.is_empty() => by_key(head, hash, Self::Key),
            v @ (31 | 32) if tail.is_empty() => {
                let head = [&head[..64], &[v - OF_MESSAGE]].concat();
                by_key(&head, eip191_hash_message(hash), Self::Message)
            }
            _ => None,
        }
    }

    /// The bytes in its place among the approvals, `tail` being where its other bytes are.
    fn head(&self, owner: Address, tail: usize) -> Vec<u8> {
        let (owner, v) = match self {
            Self::Key(signature) => return signature.as_bytes().to_vec(),
            Self::Message(signature) => {
                let mut bytes = signature.as_bytes();
                bytes[64] += OF_MESSAGE;
                return bytes.to_vec();
            }
            Self::Contract(_) => (owner.into_word(), 0),
            Self::OnChain => (owner.into_word(), 1),
        };
        let tail = if v == 0 { U256::from(tail) } else { U256::ZERO };
        [&owner[..], &tail.to_be_bytes::<32>(), &[v]].concat()
    }

    /// The bytes after all heads.
    fn tail(&self) -> Vec<u8> {
        match self {
            Self::Contract(content) => [&U256::from(content.len()).to_be_bytes::<32>()[..], content].concat(),
            _ => Vec::new(),
        }
    }
}

fn by_key(bytes: &[u8], hash: B256, form: fn(Signature) -> Approval) -> Option<(Address, Approval)> {
    let signature = signature::of_key(bytes)?;
    let owner = signature.recover_address_from_prehash(&hash).ok()?;
    Some((owner, form(signature)))
}

/// The content of a contract's signature, which has its length before it, right after the head.
fn contract_signature(position: U256, tail: &[u8]) -> Option<Bytes> {
    let (length, content) = tail.split_at_checked(32)?;
    let is_whole = position == U256::from(HEAD) && U256::from_be_slice(length) == U256::from(content.len());
    is_whole.then(|| Bytes::copy_from_slice(content))
}

/// The bytes of all approvals, by rising owners, as a Safe asks for them. It checks no more of them than it needs, so there should be no
/// more.
pub(super) fn encode(approvals: &BTreeMap<Address, Approval>) -> Bytes {
    let (mut heads, mut tails) = (Vec::new(), Vec::new());
    let start = approvals.len() * HEAD;
    for (owner, approval) in approvals {
        heads.extend(approval.head(*owner, start + tails.len()));
        tails.extend(approval.tail());
    }
    [heads, tails].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        primitives::hex,
        signers::{SignerSync, local::PrivateKeySigner},
    };

    const HASH: B256 = B256::repeat_byte(0x5a);

    fn key(byte: u8) -> PrivateKeySigner {
        PrivateKeySigner::from_slice(&[byte; 32]).unwrap()
    }

    fn alone(owner: Address, approval: &Approval) -> Bytes {
        encode(&BTreeMap::from([(owner, approval.clone())]))
    }

    #[test]
    fn an_approval_alone_is_read_as_it_was_written() {
        let owner = key(1).address();
        let by_key = Approval::Key(key(1).sign_hash_sync(&HASH).unwrap());
        let as_message = Approval::Message(key(1).sign_message_sync(HASH.as_slice()).unwrap());
        let of_contract = [Bytes::new(), vec![7; 65].into(), vec![8; 130].into()].map(Approval::Contract);
        for approval in [by_key, as_message].iter().chain(&of_contract) {
            assert_eq!(Approval::read(&alone(owner, approval), HASH), Some((owner, approval.clone())));
        }
        assert_eq!(Approval::read(&alone(owner, &Approval::OnChain), HASH), None);
        // The key of another hash is another key.
        let other = Approval::Key(key(1).sign_hash_sync(&B256::ZERO).unwrap());
        assert_ne!(Approval::read(&alone(owner, &other), HASH).map(|(owner, _)| owner), Some(owner));
    }

    #[test]
    fn what_a_safe_would_not_read_alone_is_not_read() {
        let contract = alone(Address::repeat_byte(9), &Approval::Contract(vec![1, 2, 3].into()));
        let signed = alone(Address::ZERO, &Approval::Key(key(1).sign_hash_sync(&HASH).unwrap()));
        let with = |bytes: &Bytes, position: usize, byte: u8| {
            let mut bytes = bytes.to_vec();
            bytes[position] = byte;
            Approval::read(&bytes, HASH)
        };
        assert!(with(&contract, 64, 0).is_some());
        assert_eq!(with(&contract, 63, 66), None, "another place");
        assert_eq!(with(&contract, HEAD + 31, 4), None, "another length");
        assert_eq!(with(&contract, 0, 1), None, "no address");
        for v in [0, 1, 2, 26, 29, 30, 33, 255] {
            assert_eq!(with(&signed, 64, v), None, "{v}");
        }
        assert_eq!(Approval::read(&[&signed[..], &[0]].concat(), HASH), None);
        assert_eq!(Approval::read(&signed[..64], HASH), None);
    }

    /// By Safe's documentation of signatures: heads of 65 bytes by rising owner, then the tails with their lengths.
    #[test]
    fn approvals_are_in_the_order_of_their_owners_with_their_tails_behind() {
        let [low, middle, high] = [0x11, 0x22, 0x33].map(Address::repeat_byte);
        let approvals = BTreeMap::from([
            (high, Approval::Contract(hex!("abcd").into())),
            (low, Approval::Contract(hex!("ef").into())),
            (middle, Approval::OnChain),
        ]);
        let word = |number: u64| U256::from(number).to_be_bytes::<32>();
        let expected = [
            &low.into_word()[..],
            &word(195),
            &[0],
            &middle.into_word()[..],
            &word(0),
            &[1],
            &high.into_word()[..],
            &word(195 + 33),
            &[0],
            &word(1),
            &hex!("ef"),
            &word(2),
            &hex!("abcd"),
        ]
        .concat();
        assert_eq!(encode(&approvals), Bytes::from(expected));
        let message = Approval::Message(key(1).sign_message_sync(HASH.as_slice()).unwrap());
        assert!(matches!(alone(low, &message)[64], 31 | 32));
    }
}
