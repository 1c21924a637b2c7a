//! Nodes that lie about a rescue: each lie is a change of something that would be told, or that a proof consists of.

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, FixedBytes, U256, hex},
    providers::Provider,
    sol_types::{SolCall, SolType, SolValue},
};
use eyre::{OptionExt as _, Result};
use levee::{
    BonusView, Error, PositionView, RecoveryView, RescueView,
    bindings::{
        BonusPool, PledgeEscrow, RecoveryPool,
        RescueLens::{PoolShares, Reading},
    },
    model::{Operation as O, Wei},
    proof::{Question, Verified},
    provider, terms,
};
use levee_lab::proxy::{self, Proxy, Reply};
use serde_json::{Value, json};

use crate::{
    environment::{CHAIN, ETHER, Environment},
    snapshot::largest_rescue,
};

/// Lies told to the command, of which each must be found out.
const LIES: u64 = 200;

/// What a lie is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    HeaderField,
    BlockHash,
    OtherBlock,
    Balance,
    Nonce,
    CodeHash,
    StorageRoot,
    Word,
    WordOfAnother,
    ProofNode,
    WordProofNode,
    ShortProof,
    CodeInView,
    TermsInView,
    RescueInView,
    PoolInView,
    PositionInView,
    SharesInView,
    TokensWord,
}

const KINDS: [Kind; 19] = [
    Kind::HeaderField,
    Kind::BlockHash,
    Kind::OtherBlock,
    Kind::Balance,
    Kind::Nonce,
    Kind::CodeHash,
    Kind::StorageRoot,
    Kind::Word,
    Kind::WordOfAnother,
    Kind::ProofNode,
    Kind::WordProofNode,
    Kind::ShortProof,
    Kind::CodeInView,
    Kind::TermsInView,
    Kind::RescueInView,
    Kind::PoolInView,
    Kind::PositionInView,
    Kind::SharesInView,
    Kind::TokensWord,
];

impl Kind {
    /// Whether it is told of what proves an account.
    const fn is_of_a_proof(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Balance
                | Nonce
                | CodeHash
                | StorageRoot
                | Word
                | WordOfAnother
                | ProofNode
                | WordProofNode
                | ShortProof
        )
    }
}

/// Everything that is in the hash of a header.
const HEADER: [&str; 15] = [
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "mixHash",
    "baseFeePerGas",
    "withdrawalsRoot",
    "parentBeaconBlockRoot",
];

/// Numbers by a seed (SplitMix64).
#[derive(Debug, Clone)]
struct Seed(u64);

impl Seed {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A lie, before it is told.
#[derive(Debug, Clone)]
struct Lie {
    kind: Kind,
    seed: Seed,
    /// The account whose proof is false.
    about: Address,
    /// Answers to calls that were passed so far.
    calls: usize,
}

impl Lie {
    fn new(number: u64, accounts: &[Address]) -> Self {
        let mut seed = Seed(number);
        let about = *seed.of(accounts);
        Self { kind: KINDS[number as usize % KINDS.len()], seed, about, calls: 0 }
    }

    /// Whether this is the answer to be falsified.
    fn is_about(&mut self, request: &Value) -> bool {
        use Kind::*;
        match request["method"].as_str() {
            Some("eth_getBlockByNumber" | "eth_getBlockByHash") => {
                matches!(self.kind, HeaderField | BlockHash | OtherBlock)
            }
            Some("eth_getProof") => {
                let address: Address =
                    serde_json::from_value(request["params"][0].clone()).expect("the node answers so");
                self.kind.is_of_a_proof() && address == self.about
            }
            Some("eth_call") => {
                self.calls += 1;
                match self.kind {
                    TokensWord => self.calls == 2,
                    CodeInView | TermsInView | RescueInView | PoolInView | PositionInView | SharesInView => {
                        self.calls == 1
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// The false answer, and what was changed.
    fn tell(&mut self, answer: &mut Value) {
        match self.kind {
            Kind::HeaderField => self.flip(&mut answer[HEADER[self.seed.clone().below(HEADER.len())]]),
            Kind::BlockHash => self.flip(&mut answer["hash"]),
            Kind::OtherBlock => unreachable!("another block is asked for"),
            Kind::Balance => self.flip(&mut answer["balance"]),
            Kind::Nonce => self.flip(&mut answer["nonce"]),
            Kind::CodeHash => self.flip(&mut answer["codeHash"]),
            Kind::StorageRoot => self.flip(&mut answer["storageHash"]),
            Kind::Word => {
                let word = self.word(answer);
                self.flip(&mut word["value"]);
            }
            Kind::WordOfAnother => self.exchange(answer),
            Kind::ProofNode => self.flip_node(&mut answer["accountProof"]),
            Kind::WordProofNode => {
                let proof = &mut self.proven_word(answer)["proof"];
                self.flip_node(proof);
            }
            Kind::ShortProof => {
                drop(answer["accountProof"].as_array_mut().expect("the node answers so").pop())
            }
            _ => self.tell_view(answer),
        }
    }

    fn word<'a>(&mut self, answer: &'a mut Value) -> &'a mut Value {
        let words = answer["storageProof"].as_array_mut().expect("the node answers so");
        let number = self.seed.below(words.len());
        &mut words[number]
    }

    /// A word whose proof has a node.
    fn proven_word<'a>(&mut self, answer: &'a mut Value) -> &'a mut Value {
        let words = answer["storageProof"].as_array_mut().expect("the node answers so");
        let mut proven: Vec<_> = words
            .iter_mut()
            .filter(|word| !word["proof"].as_array().expect("the node answers so").is_empty())
            .collect();
        let number = self.seed.below(proven.len());
        proven.swap_remove(number)
    }

    /// Gives what is proven of one word out as another.
    fn exchange(&mut self, answer: &mut Value) {
        let other = U256::from(self.seed.below(1 << 30) + 1_000);
        self.word(answer)["key"] = json!(FixedBytes::<32>::from(other));
    }

    /// Changes a digit of a number or of bytes.
    fn flip(&mut self, value: &mut Value) {
        let text = value.as_str().expect("the node answers so").trim_start_matches("0x");
        if text.len() < 64 {
            // A quantity has no leading zeros.
            let number = U256::from_str_radix(text, 16).expect("the node answers so")
                ^ (U256::ONE << self.seed.below(24));
            *value = if text.len() == 40 {
                json!(Address::from_word(number.into()))
            } else {
                json!(format!("{number:#x}"))
            };
            return;
        }
        let mut bytes = hex::decode(text).expect("the node answers so");
        let place = self.seed.below(bytes.len());
        bytes[place] ^= 1 << self.seed.below(8);
        *value = json!(hex::encode_prefixed(bytes));
    }

    fn flip_node(&mut self, proof: &mut Value) {
        let nodes = proof.as_array_mut().expect("the node answers so");
        let number = self.seed.below(nodes.len());
        self.flip(&mut nodes[number]);
    }

    fn tell_view(&mut self, answer: &mut Value) {
        type Answer = (FixedBytes<32>, Reading);
        type AnswerType = (alloy::sol_types::sol_data::FixedBytes<32>, Reading);
        let bytes: Bytes = serde_json::from_value(answer.clone()).expect("the node answers so");
        let (magic, mut reading): Answer =
            AnswerType::abi_decode_params(&bytes).expect("the node answers so");
        self.falsify(&mut reading);
        *answer = json!(Bytes::from(AnswerType::abi_encode_params(&(magic, reading))));
    }

    fn falsify(&mut self, reading: &mut Reading) {
        match self.kind {
            Kind::CodeInView => self.flip_code(reading),
            Kind::TermsInView => self.flip_until(&mut reading.originalTerms, |bytes| {
                let terms = PledgeEscrow::originalTermsCall::abi_decode_returns_validate(bytes).ok()?;
                terms::decode(&terms).ok()
            }),
            Kind::RescueInView => self.flip_until(&mut reading.rescue, |bytes| {
                RescueView::try_from(PledgeEscrow::rescueCall::abi_decode_returns_validate(bytes).ok()?).ok()
            }),
            Kind::PoolInView => self.flip_pool(reading),
            Kind::PositionInView => self.flip_until(&mut reading.account.positions, |bytes| {
                let positions = PledgeEscrow::positionsCall::abi_decode_returns_validate(bytes).ok()?;
                let position = |position| PositionView::try_from(position).ok();
                positions.iter().map(position).collect::<Option<Vec<_>>>()
            }),
            Kind::SharesInView => self.raise_shares(reading),
            Kind::TokensWord if self.seed.below(2) == 0 => self.flip_number(&mut reading.account.stETHShares),
            Kind::TokensWord => self.flip_number(&mut reading.account.wstETH.balance),
            _ => unreachable!("it is no view"),
        }
    }

    fn flip_code(&mut self, reading: &mut Reading) {
        let Reading { codeHash, recoveryPool, bonusPool, .. } = reading;
        let hashes = [codeHash, &mut recoveryPool.codeHash, &mut bonusPool.codeHash];
        let number = self.seed.below(hashes.len());
        for (_, hash) in hashes.into_iter().enumerate().filter(|(index, _)| *index == number) {
            hash.0[self.seed.below(32)] ^= 1;
        }
    }

    fn flip_pool(&mut self, reading: &mut Reading) {
        if self.seed.below(2) == 0 {
            return self.flip_until(&mut reading.recoveryPool.books, |bytes| {
                let books = RecoveryPool::recoveryCall::abi_decode_returns_validate(bytes).ok()?;
                RecoveryView::try_from(books).ok()
            });
        }
        self.flip_until(&mut reading.bonusPool.books, |bytes| {
            BonusView::try_from(BonusPool::bonusCall::abi_decode_returns_validate(bytes).ok()?).ok()
        });
    }

    fn raise_shares(&mut self, reading: &mut Reading) {
        let place = self.seed.below(reading.account.shares.len());
        let PoolShares { earned, claimed, enlistedAmount, unitSeconds, enlistedDepartures, .. } =
            &mut reading.account.shares[place];
        let numbers = [earned, claimed, enlistedAmount, unitSeconds, enlistedDepartures];
        let which = self.seed.below(numbers.len());
        for (_, number) in numbers.into_iter().enumerate().filter(|(index, _)| *index == which) {
            *number += U256::from(1 + self.seed.below(1_000));
        }
    }

    fn flip_number(&mut self, number: &mut Bytes) {
        let changed =
            U256::abi_decode(number).expect("the node answers so") ^ (U256::ONE << self.seed.below(90));
        *number = changed.abi_encode().into();
    }

    /// Changes a bit so that something else is said: some fields mean nothing.
    fn flip_until<T: PartialEq>(&mut self, bytes: &mut Bytes, meaning: impl Fn(&[u8]) -> Option<T>) {
        let truth = meaning(bytes);
        assert!(truth.is_some());
        loop {
            let mut changed = bytes.to_vec();
            let place = self.seed.below(changed.len());
            changed[place] ^= 1 << self.seed.below(8);
            if meaning(&changed) != truth {
                *bytes = changed.into();
                return;
            }
        }
    }
}

/// A node that tells one lie.
fn liar(node: String, mut lie: Lie, other: Value) -> Proxy {
    Proxy::replying(&node.clone(), move |request| {
        if !lie.is_about(request) {
            return Reply::Node;
        }
        if lie.kind == Kind::OtherBlock {
            return Reply::Result(other.clone());
        }
        let mut answer = proxy::ask(&node, request)["result"].take();
        lie.tell(&mut answer);
        Reply::Result(answer)
    })
}

/// A refusal that says what did not fit; an answer that is missing says nothing.
fn says_what_did_not_fit(error: &Error) -> bool {
    matches!(
        error,
        Error::Unproven(_)
            | Error::NotLevee { .. }
            | Error::Counterfeit { .. }
            | Error::NoCode { .. }
            | Error::Malformed { .. }
    )
}

/// Tells the lies with these numbers, and asserts that each is found out.
async fn all_are_found_out(
    env: &Environment,
    question: Question,
    lies: impl Iterator<Item = u64>,
) -> Result<()> {
    let truth = question.ask(&env.provider).await?.check(&question)?;
    let accounts: Vec<_> = truth.accounts.iter().map(|account| account.address).collect();
    let before = truth.snapshot.block.number - 1;
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": [format!("{before:#x}"), false],
    });
    let other = proxy::ask(&env.endpoint(), &request)["result"].take();
    for number in lies {
        let lie = Lie::new(number, &accounts);
        // Another block is a lie only to who knows which one is meant.
        let block_hash = (lie.kind == Kind::OtherBlock).then_some(truth.block_hash);
        let question = Question { block_hash, ..question };
        let what = format!("lie {number}: {lie:?}");
        let proxy = liar(env.endpoint(), lie, other.clone());
        let node = provider::read_only(&proxy.url().parse()?)?;
        let found: Result<Verified, Error> = match question.ask(&node).await {
            Ok(evidence) => evidence.check(&question),
            Err(error) => Err(error),
        };
        match found {
            Err(error) => assert!(says_what_did_not_fit(&error), "{what}: {error}"),
            Ok(_) => panic!("{what}: it was believed"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_lie_of_a_node_is_found_out() -> Result<()> {
    let env = Environment::start().await?;
    let (alice, escrow) = (env.alice(), largest_rescue(&env).await?);
    let question =
        Question { rescue: escrow.address(), account: Some(alice), block_hash: None, chain: Some(CHAIN) };
    let by_alice = async |call| -> Result<()> {
        escrow.call(call)?.execute(&env.outbox(alice)).await?;
        Ok(())
    };
    by_alice(O::AddBonus { sponsor: alice, amount: Wei::new(ETHER) }).await?;
    all_are_found_out(&env, question, 0..LIES / 2).await?;
    let terms = escrow.original_terms();
    env.warp(terms.deadline + u64::from(terms.exit_window) + 1).await?;
    by_alice(O::Settle).await?;
    let first = levee::model::PositionId { pledger: alice, tier: 0, asset: levee::model::Asset::Eth };
    by_alice(O::Refund(first)).await?;
    by_alice(O::ClaimBonus(first)).await?;
    all_are_found_out(&env, question, LIES / 2..LIES).await?;
    let latest = env.provider.get_block(BlockId::latest()).await?.ok_or_eyre("a block")?;
    assert_eq!(question.ask(&env.provider).await?.header.hash, latest.header.hash);
    Ok(())
}
