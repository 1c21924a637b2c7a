//! What a write to the command's journal costs, on the disk of this project.

use std::time::Instant;

use alloy::primitives::{Address, B256, Bytes};
use levee::{
    Journal, Purpose,
    outbox::{Draft, IntentState, Signed, SignedState},
    provider::LOCAL_CHAIN,
};
use levee_model::Wei;

use crate::{Times, journal::SqliteJournal, row, support::root};

const INTENTS: u64 = 500;

pub(crate) async fn measure() {
    let directory = tempfile::tempdir_in(root().join("target")).expect("the disk has room");
    let journal = SqliteJournal::open(Some(&directory.path().join("journal.db"))).await.expect("it opens");
    let mut taken = Vec::new();
    for number in 0..INTENTS {
        let purpose = Purpose::new("pledge").with("number", number);
        let (chain, account) = (LOCAL_CHAIN, Address::ZERO);
        let draft = Draft { chain, account, rescue: None, purpose, key: None };
        let start = Instant::now();
        let intent = journal.begin(&draft, &["pledge".to_owned()]).await.expect("it is written");
        taken.push(start.elapsed());
        let signed = Signed {
            intent: intent.id,
            step: "pledge".into(),
            hash: B256::from(alloy::primitives::U256::from(number)),
            nonce: number,
            fee_limit: Wei::ZERO,
            contracts: vec![Address::ZERO],
            raw: Bytes::from(vec![0; 200]),
            signed_at: 0,
            state: SignedState::Pending,
        };
        let start = Instant::now();
        journal.record(&signed).await.expect("it is written");
        taken.push(start.elapsed());
        let start = Instant::now();
        journal.mark(signed.hash, SignedState::Included).await.expect("it is written");
        taken.push(start.elapsed());
        let start = Instant::now();
        journal.close(intent.id, IntentState::Done).await.expect("it is written");
        taken.push(start.elapsed());
    }
    taken.sort_unstable();
    row("a write", &Times(taken));
}
