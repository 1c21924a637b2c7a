//! Random calls of the board, against a reference that knows its rules alone: what is refused and why, what is logged, and
//! which signed messages are spent.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol,
    sol_types::{Eip712Domain, SolStruct, eip712_domain},
};
use levee::{
    Blueprint, BoardError, BoardEvent, Declaration, Declared, Stage,
    bindings::PledgeBoard::{self, declareCall, declareForCall, isSpentCall, revokeCall},
    board::{MAX_AMOUNT, MAX_LINK},
};
use levee_lab::chain::{CHAIN_ID, Chain, Failure, Receipt};
use levee_model::{Timestamp, Wei};
use proptest::prelude::*;
use std::collections::BTreeSet;

const START: Timestamp = 1_800_000_000;

mod message {
    super::sol! {
        struct Declaration {
            address contributor;
            address escrow;
            uint8 stage;
            uint8 tier;
            uint256 amount;
            uint40 expiry;
            uint40 madeAt;
            string link;
        }
    }
}

/// What a call does.
#[derive(Debug, Clone)]
enum Op {
    /// The contributor declares itself.
    Declare(Declaration),
    /// Somebody brings what the contributor signed, or somebody else in its name.
    Bring { declaration: Declaration, made_at: Timestamp, signed_by: usize },
    /// The contributor revokes the message.
    Revoke { declaration: Declaration, made_at: Timestamp },
}

#[derive(Debug, Clone)]
struct Step {
    time: Timestamp,
    contributor: usize,
    op: Op,
}

/// What the board should know: which messages of whom are spent.
#[derive(Debug, Default)]
struct Reference(BTreeSet<(Address, B256)>);

impl Reference {
    fn play(&mut self, board: Address, step: &Step) -> Result<BoardEvent, BoardError> {
        let contributor = signer(step.contributor).address();
        match &step.op {
            Op::Declare(declaration) => {
                check(declaration, step.time)?;
                Ok(declared(contributor, declaration, step.time, None))
            }
            Op::Bring { declaration, made_at, signed_by } => {
                check(declaration, step.time)?;
                if *made_at > step.time {
                    return Err(BoardError::MadeInTheFuture { made_at: *made_at, time: step.time });
                }
                let digest = digest(board, contributor, declaration, *made_at);
                if self.0.contains(&(contributor, digest)) {
                    return Err(BoardError::DigestSpent { contributor, digest });
                }
                if *signed_by != step.contributor {
                    return Err(BoardError::SignatureInvalid { contributor, digest });
                }
                self.0.insert((contributor, digest));
                Ok(declared(contributor, declaration, *made_at, Some(digest)))
            }
            Op::Revoke { declaration, made_at } => {
                let digest = digest(board, contributor, declaration, *made_at);
                if !self.0.insert((contributor, digest)) {
                    return Err(BoardError::DigestSpent { contributor, digest });
                }
                Ok(BoardEvent::Revoked { contributor, digest })
            }
        }
    }
}

/// What a declaration must be: not expired, an amount within bounds by its stage, a short link.
fn check(declaration: &Declaration, time: Timestamp) -> Result<(), BoardError> {
    let Declaration { stage, amount, expiry, ref link, .. } = *declaration;
    if expiry < time {
        return Err(BoardError::DeclarationExpired { expiry, time });
    }
    let minimum = match stage {
        Stage::Expressed | Stage::Withdrawn => Wei::ZERO,
        Stage::Proposed | Stage::Approved => Wei::new(1),
    };
    let amount = amount.unwrap_or_default();
    if !(minimum..=MAX_AMOUNT).contains(&amount) {
        return Err(BoardError::AmountOutOfBounds { amount, minimum, maximum: MAX_AMOUNT });
    }
    if link.len() > MAX_LINK {
        return Err(BoardError::LinkTooLong { length: link.len() as u64, limit: MAX_LINK as u64 });
    }
    Ok(())
}

fn declared(
    contributor: Address,
    declaration: &Declaration,
    made_at: Timestamp,
    digest: Option<B256>,
) -> BoardEvent {
    BoardEvent::Declared(Declared { contributor, declaration: declaration.clone(), made_at, digest })
}

fn digest(board: Address, contributor: Address, declaration: &Declaration, made_at: Timestamp) -> B256 {
    let raw = encode(declaration);
    let domain: Eip712Domain = eip712_domain! {
        name: "Levee PledgeBoard",
        version: "1",
        chain_id: CHAIN_ID,
        verifying_contract: board,
    };
    let message = message::Declaration {
        contributor,
        escrow: raw.escrow,
        stage: raw.stage,
        tier: raw.tier,
        amount: raw.amount,
        expiry: raw.expiry,
        madeAt: made_at.try_into().expect("40 bits"),
        link: raw.link,
    };
    message.eip712_signing_hash(&domain)
}

fn encode(declaration: &Declaration) -> PledgeBoard::Declaration {
    PledgeBoard::Declaration {
        escrow: declaration.escrow,
        stage: declaration.stage as u8,
        tier: declaration.tier,
        amount: U256::from(declaration.amount.unwrap_or_default().get()),
        expiry: declaration.expiry.try_into().expect("40 bits"),
        link: declaration.link.clone(),
    }
}

fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256([index as u8])).expect("a hash is a key")
}

fn call(chain: &mut Chain, board: Address, step: &Step) -> Result<Receipt, Failure> {
    let contributor = signer(step.contributor).address();
    let anyone = Address::repeat_byte(1);
    match &step.op {
        Op::Declare(declaration) => {
            chain.send(contributor, board, &declareCall { declaration: encode(declaration) })
        }
        Op::Bring { declaration, made_at, signed_by } => {
            let digest = digest(board, contributor, declaration, *made_at);
            let signature = signer(*signed_by).sign_hash_sync(&digest).expect("a local key signs");
            let call = declareForCall {
                contributor,
                declaration: encode(declaration),
                madeAt: (*made_at).try_into().expect("40 bits"),
                signature: Bytes::from(signature.as_bytes()),
            };
            chain.send(anyone, board, &call)
        }
        Op::Revoke { declaration, made_at } => {
            let digest = digest(board, contributor, declaration, *made_at);
            chain.send(contributor, board, &revokeCall { digest })
        }
    }
}

/// Few different ones, so that many are brought again.
fn declarations() -> impl Strategy<Value = Declaration> {
    let stages = prop::sample::select(&Stage::ALL[..]);
    let most = MAX_AMOUNT.get();
    let amounts = prop::sample::select(vec![0, 0, 1, 1, 10u128.pow(18), most, most + 1]);
    let links = prop::sample::select(vec![0, 47, MAX_LINK, MAX_LINK + 1]);
    (stages, 0..2u8, amounts, 0..4u64, links).prop_map(|(stage, tier, amount, expiry, link)| Declaration {
        escrow: Address::repeat_byte(0xe5),
        stage,
        tier,
        amount: Some(Wei::new(amount)).filter(|amount| !amount.is_zero()),
        expiry: START + 3 * expiry,
        link: "x".repeat(link),
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let op = (declarations(), 0..4u8, 0..12u64, 0..12usize);
    let step = (0..2u64, 0..2usize, op).prop_map(|(wait, contributor, (declaration, kind, made, other))| {
        let made_at = START + made / 2;
        let op = match kind {
            0 => Op::Declare(declaration),
            1 => Op::Revoke { declaration, made_at },
            // One signature in six is somebody else's.
            _ => {
                let signed_by = if other < 2 { 1 - contributor } else { contributor };
                Op::Bring { declaration, made_at, signed_by }
            }
        };
        (wait, contributor, op)
    });
    prop::collection::vec(step, 60).prop_map(|steps| {
        let mut time = START;
        steps
            .into_iter()
            .map(|(wait, contributor, op)| {
                time = (time + wait).min(START + 10);
                Step { time, contributor, op }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_board_logs_and_refuses_as_the_reference_does(steps in steps()) {
        let mut chain = Chain::new();
        chain.set_time(START);
        let blueprint = Blueprint::board();
        let (board, _) =
            chain.deploy_create2(blueprint.salt(), &blueprint.init_code()).expect("a board");
        let mut reference = Reference::default();
        for step in &steps {
            chain.set_time(step.time);
            let found = match call(&mut chain, board, step) {
                Ok(receipt) => {
                    prop_assert_eq!(receipt.logs.len(), 1);
                    Ok(BoardEvent::decode(&receipt.logs[0]).expect("an event of the board"))
                }
                Err(Failure::Revert(data)) => Err(BoardError::decode(&data).expect("an error of the board")),
                Err(other) => panic!("{other}"),
            };
            prop_assert_eq!(reference.play(board, step), found);
            if let Op::Bring { declaration, made_at, .. } | Op::Revoke { declaration, made_at } = &step.op {
                let contributor = signer(step.contributor).address();
                let digest = digest(board, contributor, declaration, *made_at);
                let spent = chain.read(board, &isSpentCall { contributor, digest }).expect("a view");
                prop_assert_eq!(spent, reference.0.contains(&(contributor, digest)));
            }
        }
    }
}
