//! Accounts and words of storage, by the way from the root of a trie.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256},
    rpc::types::EIP1186AccountProofResponse,
};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount, nodes::TrieNode, proof::verify_proof};

use super::ProofError;
use crate::lens::is_code;

/// The length of a hashed key.
const KEY_NIBBLES: usize = 64;

/// An account that is in the state of a block, or is proven to be absent from it, with some words of its storage.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) address: Address,
    pub(super) balance: U256,
    /// None if there is no code.
    pub(super) code_hash: Option<B256>,
    words: BTreeMap<B256, U256>,
}

impl Account {
    /// Checks what is said of an account, and each word of its storage.
    pub(super) fn check(root: B256, said: &EIP1186AccountProofResponse) -> Result<Self, ProofError> {
        let address = said.address;
        // What does not exist has nothing. Nodes write that in two ways.
        let or = |hash: B256, nothing| if hash.is_zero() { nothing } else { hash };
        let storage_root = or(said.storage_hash, EMPTY_ROOT_HASH);
        let code_hash = or(said.code_hash, KECCAK256_EMPTY);
        let account = TrieAccount::new(said.nonce, said.balance, storage_root, code_hash);
        let leaf = (account != TrieAccount::default()).then(|| alloy_rlp::encode(account));
        if !is_proven(root, keccak256(address), leaf, &said.account_proof) {
            return Err(ProofError::AccountDiffers { address });
        }
        let word = |said: &alloy::rpc::types::EIP1186StorageProof| {
            let slot = said.key.as_b256();
            let is = |leaf| is_proven(storage_root, keccak256(slot), leaf, &said.proof);
            let leaf = alloy_rlp::encode(said.value);
            // Ethereum has no leaf for a word that is zero again, but anvil keeps it.
            let is_proven = is(Some(leaf)) || said.value.is_zero() && is(None);
            is_proven.then_some((slot, said.value)).ok_or(ProofError::SlotDiffers { address, slot })
        };
        let words = said.storage_proof.iter().map(word).collect::<Result<_, _>>()?;
        Ok(Self {
            address,
            balance: said.balance,
            code_hash: Some(code_hash).filter(|&hash| is_code(hash)),
            words,
        })
    }

    /// The same with the words of another proof of it, at the same root.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.words.extend(other.words);
        self
    }

    /// A word of its storage.
    pub(super) fn word(&self, slot: B256) -> Result<U256, ProofError> {
        self.words.get(&slot).copied().ok_or(ProofError::SlotMissing { address: self.address, slot })
    }
}

/// Whether the trie with this root has this leaf at the hashed key, or has none there.
fn is_proven(root: B256, key: B256, leaf: Option<Vec<u8>>, proof: &[Bytes]) -> bool {
    is_short(proof) && verify_proof(root, Nibbles::unpack(key), leaf, proof).is_ok()
}

/// Whether the way along these nodes is no longer than a key: what a longer one proves is not defined, and it ends the program.
fn is_short(proof: &[Bytes]) -> bool {
    let length = |node: &Bytes| match TrieNode::decode(&mut &node[..]) {
        Ok(TrieNode::Branch(_)) => 1,
        Ok(TrieNode::Extension(node)) => node.key.len(),
        Ok(TrieNode::Leaf(node)) => node.key.len(),
        // What is no node proves nothing.
        Ok(TrieNode::EmptyRoot) | Err(_) => 0,
    };
    proof.iter().map(length).sum::<usize>() <= KEY_NIBBLES
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_rlp::Encodable;
    use alloy_trie::nodes::{ExtensionNode, LeafNode, RlpNode};

    #[test]
    fn a_way_that_is_longer_than_a_key_proves_nothing() {
        let key = keccak256(Address::repeat_byte(7));
        let nibbles = Nibbles::unpack(key);
        let leaf = alloy_rlp::encode(LeafNode::new(nibbles, vec![1; 40]));
        let next = RlpNode::word_rlp(&keccak256(&leaf));
        for length in [62, 64] {
            let mut first = Vec::new();
            ExtensionNode::new(nibbles.slice(..length), next.clone()).encode(&mut first);
            let root = keccak256(&first);
            let proof = [first.into(), leaf.clone().into()];
            assert!(!is_proven(root, key, None, &proof));
            assert!(!is_proven(root, key, Some(vec![1; 40]), &proof));
        }
    }
}
