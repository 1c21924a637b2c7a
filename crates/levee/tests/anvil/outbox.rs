//! One effect or none, whatever is cut off.

use alloy::{
    consensus::Transaction as _,
    primitives::{Address, B256, U256, address, hex},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::{TransactionRequest, anvil::ReorgOptions},
};
use eyre::Result;
use levee::{
    Allowance, Board, Call, Confirmations, Error, Escrow, FeeOptions, Outbox, Prepared, Purpose,
    RedactedError,
    model::{Amount, Asset, Operation, Pledge, PositionId, Route, Shares, Units, Wei},
    outbox::{
        Draft, Handover, Intent, IntentState, Journal, MAX_FEE_PER_GAS, MemoryJournal, Signed, SignedState,
    },
    provider::Nodes,
};
use levee_lab::proxy::{self, Proxy, Reply};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::environment::{CHAIN, Environment};

const SHORT: Duration = Duration::from_millis(50);

fn wei(amount: u128) -> Wei {
    Wei::new(amount)
}

pub(crate) fn pledge(escrow: &Escrow<DynProvider>, pledger: Address, amount: u128) -> Call<DynProvider> {
    let pledge =
        Pledge { pledger, tier: 0, amount: Amount::Eth(wei(amount)), amendment: 0, route: Route::Direct };
    escrow.call(Operation::Pledge(pledge)).expect("a pledge without a router")
}

pub(crate) fn draft(account: Address, purpose: &str, key: Option<&str>) -> Draft {
    let key = key.map(str::to_owned);
    Draft { chain: CHAIN, account, rescue: None, purpose: Purpose::new(purpose), key }
}

pub(crate) async fn pledged(escrow: &Escrow<DynProvider>, pledger: Address) -> Result<Units> {
    Ok(escrow.position(PositionId { pledger, tier: 0, asset: Asset::Eth }).await?.amount)
}

/// Bob's outbox, which waits for blocks as good as not, and a pledge that it sent.
async fn sent_unseen(
    env: &Environment,
    escrow: &Escrow<DynProvider>,
    amount: u128,
) -> Result<(Outbox<DynProvider>, Intent, Signed)> {
    let bob = env.bob();
    let outbox = env.outbox(bob).waiting(Confirmations::default(), SHORT);
    let intent = outbox.journal().begin(&draft(bob, "pledge", None), &[]).await?;
    let prepared = outbox.prepare(&pledge(escrow, bob, amount)).await?;
    let signed = outbox.send(&intent, "pledge", &prepared).await?;
    Ok((outbox, intent, signed))
}

#[tokio::test]
async fn an_intent_is_resumed_with_the_same_bytes() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    env.provider.anvil_set_auto_mine(false).await?;
    let (outbox, intent, signed) = sent_unseen(&env, &escrow, 7).await?;
    let waiting = Error::NotMined { transaction: signed.hash, waited: SHORT };
    assert_eq!(outbox.resume(&intent).await, Err(waiting));

    // The node loses it.
    env.provider.anvil_drop_transaction(signed.hash).await?;
    env.provider.anvil_set_auto_mine(true).await?;
    let outbox = outbox.waiting(Confirmations::default(), Duration::from_secs(30));
    let resumed = outbox.resume(&intent).await?;
    let again = outbox.resume(&intent).await?;
    assert_eq!(resumed, again);
    let [(step, executed)] = &resumed[..] else { panic!("{resumed:?}") };
    assert_eq!((step.as_str(), executed.transaction, executed.events.len()), ("pledge", signed.hash, 1));
    assert_eq!(pledged(&escrow, bob).await?, Units::new(7));
    let states: Vec<_> =
        outbox.journal().transactions(intent.id).await?.iter().map(|one| one.state).collect();
    assert_eq!(states, [SignedState::Included]);
    Ok(())
}

#[tokio::test]
async fn what_is_recorded_is_what_the_chain_includes() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    let (outbox, _, signed) = sent_unseen(&env, &escrow, 7).await?;
    let executed = outbox.confirm(&signed).await?;
    let found = env.provider.get_transaction_by_hash(signed.hash).await?.expect("it is included");
    assert_eq!((executed.transaction, found.inner.tx_hash()), (signed.hash, &signed.hash));
    assert_eq!((found.nonce(), found.inner.chain_id()), (signed.nonce, Some(CHAIN)));
    let limit = u128::from(found.gas_limit()) * found.max_fee_per_gas();
    assert_eq!(signed.fee_limit, wei(limit));
    let cost = U256::from(executed.gas_used) * U256::from(found.effective_gas_price.unwrap_or_default());
    assert!(cost <= U256::from(limit));
    assert_eq!(pledged(&escrow, bob).await?, Units::new(7));
    Ok(())
}

#[tokio::test]
async fn transactions_in_flight_have_nonces_in_a_row() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    env.provider.anvil_set_auto_mine(false).await?;
    let (outbox, intent, first) = sent_unseen(&env, &escrow, 1).await?;
    let prepared = outbox.prepare(&pledge(&escrow, bob, 2)).await?;
    let second = outbox.send(&intent, "second", &prepared).await?;
    assert_eq!(second.nonce, first.nonce + 1);
    // Another outbox with the same journal follows them too, also where the node has lost them.
    env.provider.anvil_drop_transaction(second.hash).await?;
    env.provider.anvil_drop_transaction(first.hash).await?;
    let known = env.provider.get_transaction_count(bob).await?;
    assert_eq!(known, first.nonce);
    let journal = MemoryJournal::default();
    let other = journal.begin(&draft(bob, "pledge", None), &[]).await?;
    for signed in [&first, &second] {
        journal.record(&Signed { intent: other.id, ..signed.clone() }).await?;
    }
    let outbox = env.outbox(bob).with_journal(journal);
    let third = outbox.send(&other, "third", &prepared).await?;
    assert_eq!(third.nonce, second.nonce + 1);
    Ok(())
}

/// What is signed for a nonce behind a gap would have its effect when others have filled the gap.
#[tokio::test]
async fn no_nonce_is_signed_behind_what_was_not_sent_from_here() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    env.provider.anvil_set_auto_mine(false).await?;
    let (_, _, elsewhere) = sent_unseen(&env, &escrow, 7).await?;
    let outbox = env.outbox(bob).waiting(Confirmations::default(), Duration::from_secs(30));
    let intent = outbox.journal().begin(&draft(bob, "pledge", None), &["pledge".into()]).await?;
    let prepared = outbox.prepare(&pledge(&escrow, bob, 9)).await?;
    let (nonce, waiting) = (elsewhere.nonce, elsewhere.nonce + 1);
    let foreign = Error::ForeignPending { account: bob, nonce, waiting };
    assert_eq!(outbox.send(&intent, "pledge", &prepared).await, Err(foreign));
    assert_eq!(outbox.journal().transactions(intent.id).await?, []);
    // Once it is in a block, its nonce is certain.
    env.provider.anvil_mine(Some(1), None).await?;
    assert_eq!(outbox.send(&intent, "pledge", &prepared).await?.nonce, waiting);
    Ok(())
}

#[tokio::test]
async fn what_was_signed_for_a_step_is_not_signed_anew() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    let (outbox, intent, signed) = sent_unseen(&env, &escrow, 7).await?;
    let prepared = outbox.prepare(&pledge(&escrow, bob, 7)).await?;
    assert_eq!(outbox.send(&intent, "pledge", &prepared).await?, signed);
    outbox.confirm(&signed).await?;
    assert_eq!(outbox.send(&intent, "pledge", &prepared).await?.hash, signed.hash);
    assert_eq!(pledged(&escrow, bob).await?, Units::new(7));
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_replaced_by_one_that_pays_more() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    env.provider.anvil_set_auto_mine(false).await?;
    let (outbox, intent, signed) = sent_unseen(&env, &escrow, 7).await?;
    let prepared = outbox.prepare_replacement(&signed).await?;
    let higher = outbox.replace(&intent, &signed, &prepared).await?;
    assert_eq!((higher.nonce, &higher.step), (signed.nonce, &signed.step));
    assert!(higher.fee_limit > signed.fee_limit);
    // What is waited for is the latest.
    let waiting = Error::NotMined { transaction: higher.hash, waited: SHORT };
    assert_eq!(outbox.resume(&intent).await, Err(waiting));
    env.provider.anvil_mine(Some(1), None).await?;
    // Whichever is asked for, the one that was included is found.
    let outbox = outbox.waiting(Confirmations::default(), Duration::from_secs(30));
    let done = outbox.resume(&intent).await?;
    assert_eq!(done.iter().map(|(_, executed)| executed.transaction).collect::<Vec<_>>(), [higher.hash]);
    assert_eq!(pledged(&escrow, bob).await?, Units::new(7));
    assert_eq!(outbox.settle_pending(&intent).await?, None);
    let states: Vec<_> =
        outbox.journal().transactions(intent.id).await?.iter().map(|one| one.state).collect();
    assert_eq!(states, [SignedState::Replaced, SignedState::Included]);
    Ok(())
}

#[tokio::test]
async fn a_nonce_that_another_transaction_used_is_an_outcome_once_it_is_final() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    env.provider.anvil_set_auto_mine(false).await?;
    let (outbox, intent, signed) = sent_unseen(&env, &escrow, 7).await?;
    env.provider.anvil_drop_transaction(signed.hash).await?;
    env.provider.anvil_set_auto_mine(true).await?;
    let other = env.outbox(bob).execute(&pledge(&escrow, bob, 9)).await?;
    assert_ne!(other.transaction, signed.hash);

    // A block that can still be reorganized decides nothing.
    let (transaction, waited) = (signed.hash, Duration::from_secs(1));
    let waiting = outbox.waiting(Confirmations::default(), waited);
    assert_eq!(waiting.resume(&intent).await, Err(Error::NotMined { transaction, waited }));
    env.provider.anvil_mine(Some(70), None).await?;
    let used = Error::NonceUsed { account: bob, nonce: signed.nonce, transaction };
    assert_eq!(waiting.resume(&intent).await, Err(used));
    assert_eq!(waiting.journal().unfinished(CHAIN, bob).await?, []);
    let states: Vec<_> =
        waiting.journal().transactions(intent.id).await?.iter().map(|one| one.state).collect();
    assert_eq!(states, [SignedState::Replaced]);
    assert_eq!(pledged(&escrow, bob).await?, Units::new(9));
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_waited_for_until_it_is_deep_enough() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (outbox, intent, signed) = sent_unseen(&env, &escrow, 7).await?;
    let outbox = outbox.waiting(Confirmations::Blocks(3), SHORT);
    let waiting = Error::NotMined { transaction: signed.hash, waited: SHORT };
    assert_eq!(outbox.resume(&intent).await, Err(waiting.clone()));
    env.provider.anvil_mine(Some(2), None).await?;
    assert_eq!(outbox.resume(&intent).await?.len(), 1);
    let outbox = outbox.waiting(Confirmations::Finalized, SHORT);
    assert_eq!(outbox.resume(&intent).await, Err(waiting));
    env.provider.anvil_mine(Some(70), None).await?;
    assert_eq!(outbox.resume(&intent).await?.len(), 1);
    Ok(())
}

/// The node does not keep what a reorganization takes back.
#[tokio::test]
async fn what_a_reorganization_took_back_is_sent_again_before_what_follows() -> Result<()> {
    const FAR: u64 = 5;
    let env = Environment::on_chain(FAR).await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    let outbox = env.outbox(bob).waiting(Confirmations::Blocks(2), Duration::from_secs(30));
    let begin =
        async |what| outbox.journal().begin(&Draft { chain: FAR, ..draft(bob, what, None) }, &[]).await;
    let (first, second) = (begin("first").await?, begin("second").await?);
    let signed = outbox.send(&first, "pledge", &outbox.prepare(&pledge(&escrow, bob, 7)).await?).await?;
    env.provider.anvil_mine(Some(1), None).await?;
    outbox.confirm(&signed).await?;
    assert!(!outbox.is_undone(&first).await?);
    env.provider.anvil_reorg(ReorgOptions { depth: 2, tx_block_pairs: Vec::new() }).await?;
    assert!(outbox.is_undone(&first).await? && pledged(&escrow, bob).await? == Units::ZERO);

    let prepared = outbox.prepare(&pledge(&escrow, bob, 9)).await?;
    let behind = outbox.send(&second, "pledge", &prepared).await?;
    assert_eq!(behind.nonce, signed.nonce + 1);
    let outbox = outbox.waiting(Confirmations::Blocks(1), Duration::from_secs(30));
    outbox.resume(&second).await?;
    assert_eq!(pledged(&escrow, bob).await?, Units::new(16));
    assert!(!outbox.is_undone(&first).await?);
    Ok(())
}

/// In front of `node`, with `method` answered by `lie`, which is given the true result.
fn lying(node: String, method: &'static str, lie: impl Fn(&mut Value) + Send + 'static) -> Proxy {
    let asked = node.clone();
    Proxy::replying(&node, move |request| {
        let mut result = proxy::ask(&asked, request)["result"].take();
        match request["method"].as_str() {
            Some("eth_getTransactionReceipt") if result.is_object() => result["status"] = json!("0x0"),
            Some(asked) if asked == method => lie(&mut result),
            _ => return Reply::Node,
        }
        Reply::Result(result)
    })
}

/// In front of `node`, with the failure of `failed` told as that of `ours`, wherever its hash is written.
fn telling_the_failure_of(failed: B256, ours: B256, node: String) -> Proxy {
    let asked = node.clone();
    Proxy::replying(&node, move |request| {
        let mut request = request.clone();
        if request["method"] == "eth_getTransactionReceipt" {
            request["params"] = json!([failed]);
        }
        let result = proxy::ask(&asked, &request)["result"].take().to_string();
        let told = result.replace(&failed.to_string(), &ours.to_string());
        Reply::Result(serde_json::from_str(&told).expect("a hash is as long as another"))
    })
}

/// A transaction that has failed, by an account that has nothing to do with ours.
async fn failed_by_another(env: &Environment, escrow: Address) -> Result<B256> {
    // It takes ETH by a pledge only.
    let request =
        TransactionRequest::default().from(env.alice()).to(escrow).value(U256::ONE).gas_limit(100_000);
    let receipt = env.provider.send_transaction(request).await?.get_receipt().await?;
    assert!(!receipt.status());
    Ok(receipt.transaction_hash)
}

#[tokio::test]
async fn a_failure_counts_only_if_its_block_proves_it() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (_, intent, signed) = sent_unseen(&env, &escrow, 7).await?;
    let fails = |receipts: &mut Value| receipts[0]["status"] = json!("0x0");
    let root = |header: &mut Value| header["receiptsRoot"] = json!(B256::repeat_byte(7));
    let node = || env.endpoint();
    for liar in [
        lying(node(), "", |_| {}),
        lying(node(), "eth_getBlockReceipts", fails),
        lying(node(), "eth_getBlockReceipts", |receipts| *receipts = Value::Null),
        lying(node(), "eth_getBlockReceipts", |receipts| *receipts = json!([])),
        lying(node(), "eth_getBlockByNumber", root),
        lying(node(), "eth_getBlockByHash", |block| block["transactions"] = json!([])),
        telling_the_failure_of(failed_by_another(&env, escrow.address()).await?, signed.hash, node()),
    ] {
        let provider = Nodes::new([liar.url().parse()?])?.with_patience(SHORT).read_only();
        let outbox = Outbox::watching(provider, CHAIN, env.bob()).waiting(Confirmations::default(), SHORT);
        let (draft, step) = (&intent.draft, ["pledge".to_owned()]);
        let intent = outbox.journal().begin(draft, &step).await?;
        outbox.journal().record(&Signed { intent: intent.id, ..signed.clone() }).await?;
        let waiting = Error::NotMined { transaction: signed.hash, waited: SHORT };
        assert_eq!(outbox.resume(&intent).await, Err(waiting));
        let state = outbox.journal().transactions(intent.id).await?[0].state;
        assert_eq!(state, SignedState::Pending);
    }
    Ok(())
}

#[tokio::test]
async fn a_signature_is_for_the_pinned_chain_whatever_the_node_says() -> Result<()> {
    let env = Environment::on_chain(1).await?;
    let bob = env.bob();
    // The node is on chain 1; it could just as well say so of itself.
    let outbox = env.outbox_on(CHAIN, bob);
    let intent = outbox.journal().begin(&draft(bob, "revoke", None), &[]).await?;
    let call = Board::new(env.provider.clone(), CHAIN).revoke(B256::ZERO);
    let prepared = outbox.prepare(&call).await?;
    let Err(Error::NotAccepted { transaction, .. }) = outbox.send(&intent, "revoke", &prepared).await else {
        panic!("a signature for another chain is accepted");
    };
    let [signed] = &outbox.journal().transactions(intent.id).await?[..] else { panic!("it is recorded") };
    assert_eq!((signed.hash, signed.state), (transaction, SignedState::Pending));
    Ok(())
}

#[tokio::test]
async fn fees_are_limited_whatever_the_node_says() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    env.provider.anvil_set_next_block_base_fee_per_gas(400_000_000_000u128).await?;
    env.provider.anvil_mine(Some(1), None).await?;
    let call = pledge(&escrow, bob, 7);
    let outbox = env.outbox(bob);
    let refused = outbox.prepare(&call).await.unwrap_err();
    assert!(matches!(refused, Error::GasPriceAboveLimit { limit: MAX_FEE_PER_GAS, .. }), "{refused}");
    assert!(refused.to_string().ends_with(" gwei now, above the limit of 300 gwei"), "{refused}");
    let options = FeeOptions { max_fee_per_gas: Some(500_000_000_000), ..FeeOptions::default() };
    let outbox = outbox.with_fees(options);
    assert_eq!(outbox.prepare(&call).await?.fees().max_fee_per_gas, 500_000_000_000);
    outbox.execute(&call).await?;
    assert_eq!(pledged(&escrow, bob).await?, Units::new(7));
    Ok(())
}

/// A journal that cannot be written.
#[derive(Debug, Default)]
struct Full {
    journal: MemoryJournal,
    is_full: AtomicBool,
}

impl Journal for Full {
    async fn begin(&self, draft: &Draft, plan: &[String]) -> Result<Intent, Error> {
        self.journal.begin(draft, plan).await
    }
    async fn unfinished(&self, chain: u64, account: Address) -> Result<Vec<Intent>, Error> {
        self.journal.unfinished(chain, account).await
    }
    async fn with_key(&self, key: &str) -> Result<Option<Intent>, Error> {
        self.journal.with_key(key).await
    }
    async fn transactions(&self, intent: i64) -> Result<Vec<Signed>, Error> {
        self.journal.transactions(intent).await
    }
    async fn followed(&self, chain: u64, account: Address) -> Result<Vec<Signed>, Error> {
        self.journal.followed(chain, account).await
    }
    async fn record(&self, signed: &Signed) -> Result<(), Error> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(Error::Journal { source: RedactedError::new("the disk is full") });
        }
        self.journal.record(signed).await
    }
    async fn hand_over(&self, handover: &Handover) -> Result<(), Error> {
        self.journal.hand_over(handover).await
    }
    async fn handovers(&self, intent: i64) -> Result<Vec<Handover>, Error> {
        self.journal.handovers(intent).await
    }
    async fn unanswered(&self, chain: u64, account: Address) -> Result<Vec<Handover>, Error> {
        self.journal.unanswered(chain, account).await
    }
    async fn take_back(&self, handover: &Handover) -> Result<(), Error> {
        self.journal.take_back(handover).await
    }
    async fn mark(&self, hash: B256, state: SignedState) -> Result<(), Error> {
        self.journal.mark(hash, state).await
    }
    async fn close(&self, intent: i64, state: IntentState) -> Result<(), Error> {
        self.journal.close(intent, state).await
    }
}

#[tokio::test]
async fn nothing_is_broadcast_that_is_not_recorded() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    let outbox = env.outbox(bob).with_journal(Full::default());
    outbox.journal().is_full.store(true, Ordering::Relaxed);
    let before = env.provider.get_transaction_count(bob).await?;
    let failed = outbox.execute(&pledge(&escrow, bob, 7)).await.unwrap_err();
    assert_eq!(failed.to_string(), "the journal cannot be used: the disk is full");
    assert_eq!(env.provider.get_transaction_count(bob).await?, before);
    assert_eq!(pledged(&escrow, bob).await?, Units::ZERO);
    // The nonce that was not used is used by the next transaction.
    outbox.journal().is_full.store(false, Ordering::Relaxed);
    outbox.execute(&pledge(&escrow, bob, 7)).await?;
    assert_eq!(env.provider.get_transaction_count(bob).await?, before + 1);
    Ok(())
}

#[tokio::test]
async fn a_key_is_of_one_intent() -> Result<()> {
    let env = Environment::start().await?;
    let journal = MemoryJournal::default();
    let bob = env.bob();
    let first = journal.begin(&draft(bob, "pledge amount=5", Some("salary")), &[]).await?;
    assert_eq!(journal.begin(&draft(bob, "pledge amount=5", Some("salary")), &[]).await?, first);
    let other = journal.begin(&draft(bob, "pledge amount=6", Some("salary")), &[]).await;
    let taken = Error::KeyTaken { key: "salary".into(), purpose: "pledge amount=5".into() };
    assert_eq!(other, Err(taken));
    // Without a key, the same purpose is another intent each time.
    let second = journal.begin(&draft(bob, "pledge amount=5", None), &[]).await?;
    let third = journal.begin(&draft(bob, "pledge amount=5", None), &[]).await?;
    assert_ne!(second.id, third.id);
    Ok(())
}

#[tokio::test]
async fn what_follows_is_simulated_after_what_comes_first() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, alice) = (env.escrow().await?, env.alice());
    let outbox = env.outbox(alice);
    let shares = Amount::StEth(Shares::new(10u128.pow(18)));
    let approval = env.approval(&escrow, shares, Allowance::Exact).await?.expect("an approval is needed");
    let pledge = escrow.call(super::environment::pledge(alice, 0, 0, shares))?;

    let first = outbox.prepare(&approval).await?;
    let after = outbox.prepare_after((&approval, &first), &[&pledge]).await?.expect("anvil simulates");
    let [Ok(second)] = after.as_slice() else { panic!("{after:?}") };
    assert_eq!(second.fees().max_fee_per_gas, first.fees().max_fee_per_gas);
    // Without the approval it cannot be made, and what was simulated has changed nothing.
    assert!(matches!(outbox.prepare(&pledge).await, Err(Error::TokenRefused { .. })));

    let more = escrow.call(super::environment::pledge(
        alice,
        0,
        0,
        Amount::StEth(Shares::new(2 * 10u128.pow(18))),
    ))?;
    let after = outbox.prepare_after((&approval, &first), &[&more]).await?.expect("anvil simulates");
    assert!(matches!(after.as_slice(), [Err(Error::TokenRefused { .. })]), "{after:?}");

    // What is sent is within what was shown.
    approval.execute(&outbox).await?;
    let sent = outbox.prepare(&pledge).await?.within(second)?;
    assert!(sent.fees().limit() <= second.fees().limit());
    let little = Prepared::clone(&first);
    let needs = sent.gas();
    let limit = little.fees().gas_limit;
    assert_eq!(sent.within(&little).unwrap_err(), Error::GasLimitTooLow { limit, gas: needs });
    Ok(())
}

/// Code that answers 1,000 to every call.
const ORACLE: [u8; 9] = hex!("6103e85f5260205ff3");

#[tokio::test]
async fn what_a_rollup_takes_for_data_is_part_of_what_is_shown() -> Result<()> {
    let op_stack = address!("420000000000000000000000000000000000000F");
    let scroll = address!("5300000000000000000000000000000000000002");
    // OP Mainnet, Scroll, a chain that nobody knows, and Gnosis, which has no such fee.
    let chains =
        [(10, op_stack, false), (534_352, scroll, false), (987_654_321, scroll, true), (100, op_stack, true)];
    for (chain, oracle, is_free_without) in chains {
        let env = Environment::on_chain(chain).await?;
        let outbox = env.outbox_on(chain, env.bob());
        let call = Board::new(env.provider.clone(), chain).revoke(B256::ZERO);
        let without = outbox.prepare(&call).await.map(|prepared| prepared.data_fee_limit());
        let untold = Error::DataFeeUnknown { chain };
        assert_eq!(without, if is_free_without { Ok(Wei::ZERO) } else { Err(untold) }, "{chain}");

        env.provider.anvil_set_code(oracle, ORACLE.into()).await?;
        let prepared = outbox.prepare(&call).await?;
        // For the data, and on OP Stack chains for the operator: twice 1,000 each.
        let fee = if chain == 100 {
            0
        } else if oracle == op_stack {
            4_000
        } else {
            2_000
        };
        assert_eq!(prepared.data_fee_limit(), wei(fee), "{chain}");
        assert_eq!(prepared.cost_limit(), prepared.fees().limit() + wei(fee));
    }
    Ok(())
}
