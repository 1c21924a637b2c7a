//! Many pledges of one account, with nonces in a row: through the library, beside a loop of `cast send`, and beside transactions
//! that the same anvil signs itself.

use std::time::{Duration, Instant};

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use levee::{Escrow, Journal, Outbox, Purpose, outbox::Draft, provider::LOCAL_CHAIN};
use levee_model::{Amount, Asset, Operation, Pledge, PositionId, Route, Units, Wei};

use crate::{
    cast, print,
    support::{ANN, BEN, CAT, World},
    time,
};

const PLEDGES: u64 = 1_000;
/// Of `cast send`, which is slow.
const SENDS: u64 = 50;
/// How many requests are under way at once.
const AT_ONCE: usize = 16;
const GAS: u64 = 100_000;

pub(crate) async fn measure(world: &World) {
    let provider = world.chain.clone().erased();
    let escrow = Escrow::open(provider.clone(), LOCAL_CHAIN, world.rescue()).await.expect("it is there");
    let sent = one_by_one(world);
    // An anvil that mines each transaction as it comes leaves one in its queue for good if the one before it is mined while it arrives.
    provider.anvil_set_auto_mine(false).await.expect("anvil obeys");
    let unsigned = unsigned(&provider, &escrow, world.address(CAT)).await;
    let key = PrivateKeySigner::from_bytes(&world.key(ANN)).expect("a key");
    let ours = through_the_library(&provider, &escrow, key).await;
    for (what, rate) in
        [("cast send, in a loop", sent), ("unsigned, signed by anvil", unsigned), ("the library", ours)]
    {
        print(&format!("{what:26} {rate:>6} pledges per second"));
    }
    print(&format!(
        "the library: {} times cast send, {} % of unsigned ones",
        ours / sent,
        100 * ours / unsigned
    ));
}

fn one_by_one(world: &World) -> u64 {
    let (key, ben, rescue) = (world.key(BEN), world.address(BEN), world.rescue());
    let line =
        format!("send {rescue} pledgeETH(address,uint8,uint64) {ben} 0 0 --value 1 --private-key {key}");
    let taken: Duration = (0..SENDS).map(|_| time(cast(world, &line))).sum();
    rate(SENDS, taken)
}

async fn unsigned(provider: &DynProvider, escrow: &Escrow<DynProvider>, account: Address) -> u64 {
    let call = pledge(account);
    let call = escrow.call(call).expect("a pledge without a router");
    let request = TransactionRequest::default()
        .with_from(account)
        .with_to(call.to())
        .with_value(U256::from(1))
        .with_input(call.input().clone())
        .with_gas_limit(GAS)
        .with_max_fee_per_gas(100_000_000_000)
        .with_max_priority_fee_per_gas(1);
    let first = provider.get_transaction_count(account).await.expect("anvil answers");
    let sends = (first..first + PLEDGES).map(|nonce| {
        let request = request.clone().with_nonce(nonce);
        async move { provider.raw_request::<_, B256>("eth_sendTransaction".into(), [request]).await }
    });
    let start = Instant::now();
    let sent: Vec<_> = stream::iter(sends).buffered(AT_ONCE).try_collect().await.expect("anvil takes them");
    included(provider, account, first).await;
    assert_eq!(sent.len() as u64, PLEDGES);
    rate(PLEDGES, start.elapsed())
}

async fn through_the_library(
    provider: &DynProvider,
    escrow: &Escrow<DynProvider>,
    key: PrivateKeySigner,
) -> u64 {
    let account = key.address();
    let outbox = Outbox::new(provider.clone(), LOCAL_CHAIN, key);
    let call = escrow.call(pledge(account)).expect("a pledge without a router");
    let position = PositionId { pledger: account, tier: 0, asset: Asset::Eth };
    let amount = async || escrow.position(position).await.expect("anvil answers").amount;
    let (before, first) =
        (amount().await, provider.get_transaction_count(account).await.expect("anvil answers"));
    let start = Instant::now();
    let prepared = outbox.prepare(&call).await.expect("the rescue is open");
    let sends = (0..PLEDGES).map(|number| {
        let (outbox, prepared) = (&outbox, &prepared);
        let purpose = Purpose::new("pledge").with("number", number);
        async move {
            let draft = Draft { chain: LOCAL_CHAIN, account, rescue: None, purpose, key: None };
            let intent = outbox.journal().begin(&draft, &["pledge".to_owned()]).await?;
            outbox.send(&intent, "pledge", prepared).await
        }
    });
    let sent: Vec<_> = stream::iter(sends).buffered(AT_ONCE).try_collect().await.expect("anvil takes them");
    included(provider, account, first).await;
    let taken = start.elapsed();
    assert_eq!(sent.len() as u64, PLEDGES);
    assert_eq!(amount().await, before + Units::new(PLEDGES.into()));
    rate(PLEDGES, taken)
}

fn pledge(pledger: Address) -> Operation {
    let amount = Amount::Eth(Wei::new(1));
    Operation::Pledge(Pledge { pledger, tier: 0, amount, amendment: 0, route: Route::Direct })
}

/// Puts all pledges of an account into blocks.
async fn included(provider: &DynProvider, account: Address, first: u64) {
    while provider.get_transaction_count(account).await.expect("anvil answers") < first + PLEDGES {
        provider.evm_mine(None).await.expect("anvil mines");
    }
}

/// How many a second.
fn rate(count: u64, taken: Duration) -> u64 {
    let micros = u64::try_from(taken.as_micros()).expect("less than an age");
    count * 1_000_000 / micros
}
