//! One effect or none also through a wallet that sends by itself and tells only the hash.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::{
    consensus::Transaction as _,
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
};
use eyre::Result;
use futures_util::future::BoxFuture;
use levee::{
    Confirmations, Error, Escrow, Outbox,
    model::Units,
    outbox::{Handover, Intent, IntentState, Journal, Signed, SignedState, Unsent, Wallet},
};

use super::{
    environment::{CHAIN, Environment},
    outbox::{draft, pledge, pledged},
};

const UNSHOWN: &str = "the node shows no such transaction";
const USED: &str =
    "its nonce was used since, by a transaction that the node does not show or that does something else";

/// What a wallet does with what it is asked to send.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Sends it, and tells the hash.
    Sends,
    /// Sends it, and says nothing any more.
    Vanishes,
    /// Does not send it yet, and says nothing any more.
    Waits,
    /// Says no.
    Declines,
    /// Sends another value.
    Changes,
    /// Sends it at twice the price, with its own nonce, and says nothing any more.
    Renumbers,
}

/// A wallet whose account the node signs for.
#[derive(Debug)]
struct Fake {
    account: Address,
    node: DynProvider,
    way: Mutex<Way>,
    /// What it was asked, and whether it was told what the node knows.
    asked: Mutex<Vec<Handover>>,
    told: Mutex<Vec<Signed>>,
}

impl Fake {
    fn of(env: &Environment, account: Address) -> Arc<Self> {
        let node = env.provider.clone();
        let (asked, told) = (Mutex::default(), Mutex::default());
        Arc::new(Self { account, node, way: Mutex::new(Way::Sends), asked, told })
    }

    fn set(&self, way: Way) {
        *self.way.lock().expect("no test panics with it") = way;
    }

    async fn answer(&self, request: TransactionRequest) -> Result<B256, Unsent> {
        let way = *self.way.lock().expect("no test panics with it");
        let gone = || Unsent::Unknown("it is gone".into());
        let request = match way {
            Way::Sends | Way::Vanishes => request,
            Way::Waits => return Err(gone()),
            Way::Declines => return Err(Unsent::Declined("no".into())),
            Way::Changes => request.value(U256::from(1)),
            Way::Renumbers => {
                let twice = request.max_fee_per_gas.map(|price| 2 * price);
                TransactionRequest { nonce: None, max_fee_per_gas: twice, ..request }
            }
        };
        let sent: B256 =
            self.node.raw_request("eth_sendTransaction".into(), [request]).await.expect("anvil signs");
        match way {
            Way::Vanishes | Way::Renumbers => Err(gone()),
            _ => Ok(sent),
        }
    }
}

impl Wallet for Fake {
    fn account(&self) -> Address {
        self.account
    }

    fn send<'a>(&'a self, handover: &'a Handover, _: &'a str) -> BoxFuture<'a, Result<B256, Unsent>> {
        self.asked.lock().expect("no test panics with it").push(handover.clone());
        Box::pin(self.answer(handover.request.clone()))
    }

    fn sent(&self, _handover: &Handover, signed: &Signed) {
        self.told.lock().expect("no test panics with it").push(signed.clone());
    }
}

/// A rescue, and Bob with such a wallet.
struct Scene {
    env: Environment,
    escrow: Escrow<DynProvider>,
    wallet: Arc<Fake>,
    outbox: Outbox<DynProvider>,
    intent: Intent,
}

impl Scene {
    async fn start() -> Result<Self> {
        let env = Environment::start().await?;
        let (escrow, bob) = (env.escrow().await?, env.bob());
        let wallet = Fake::of(&env, bob);
        let outbox = Outbox::through(env.provider.clone(), CHAIN, wallet.clone());
        let outbox = outbox.waiting(Confirmations::default(), Duration::from_secs(30));
        let intent = outbox.journal().begin(&draft(bob, "pledge", None), &["pledge".into()]).await?;
        Ok(Self { env, escrow, wallet, outbox, intent })
    }

    /// Asks the wallet for a pledge of 7 wei.
    async fn ask(&self, way: Way) -> Result<Signed, Error> {
        self.wallet.set(way);
        let call = pledge(&self.escrow, self.env.bob(), 7);
        let prepared = self.outbox.prepare(&call).await?;
        self.outbox.send(&self.intent, "pledge", &prepared).await
    }

    /// What the wallet was asked for.
    fn asked(&self, number: usize) -> Handover {
        self.wallet.asked.lock().expect("no test panics with it")[number].clone()
    }

    fn silent(&self, nonce: u64, reason: &str) -> Error {
        Error::WalletSilent { intent: self.intent.id, nonce, reason: reason.into() }
    }

    async fn nonce(&self) -> Result<u64> {
        Ok(self.env.provider.get_transaction_count(self.env.bob()).await?)
    }

    /// Bob pays somebody from elsewhere.
    async fn pays_elsewhere(&self) -> Result<()> {
        let (from, to) = (self.env.bob(), self.env.alice());
        let payment = TransactionRequest::default().from(from).to(to).value(U256::from(1));
        self.env.provider.send_transaction(payment).await?.get_receipt().await?;
        Ok(())
    }

    async fn handovers(&self) -> Result<usize> {
        Ok(self.outbox.journal().handovers(self.intent.id).await?.len())
    }

    /// What the intent comes to: the hash of each transaction that succeeded, and what Bob has pledged.
    async fn comes_to(&self) -> Result<(Vec<B256>, Units)> {
        let done = self.outbox.resume(&self.intent).await?;
        let hashes = done.iter().map(|(_, executed)| executed.transaction).collect();
        Ok((hashes, pledged(&self.escrow, self.env.bob()).await?))
    }
}

#[tokio::test]
async fn what_a_wallet_sent_is_followed_by_the_bytes_of_the_node() -> Result<()> {
    let scene = Scene::start().await?;
    let nonce = scene.nonce().await?;
    let signed = scene.ask(Way::Sends).await?;
    let executed = scene.outbox.confirm(&signed).await?;
    assert_eq!((executed.transaction, executed.events.len(), signed.nonce), (signed.hash, 1, nonce));
    assert_eq!(scene.comes_to().await?, (vec![signed.hash], Units::new(7)));
    assert_eq!(scene.handovers().await?, 0);
    assert_eq!(*scene.wallet.told.lock().expect("no test panics with it"), std::slice::from_ref(&signed));
    // The bytes are the transaction: the node takes them for the one that it knows.
    let found = scene.env.provider.get_transaction_by_hash(signed.hash).await?.expect("it is included");
    let limit = u128::from(found.gas_limit()) * found.max_fee_per_gas();
    assert_eq!(signed.fee_limit, levee::model::Wei::new(limit));
    let known = scene.env.provider.send_raw_transaction(&signed.raw).await.unwrap_err();
    assert!(known.to_string().contains("already imported") || known.to_string().contains("nonce too low"));
    Ok(())
}

#[tokio::test]
async fn the_wallet_is_asked_under_a_record() -> Result<()> {
    let scene = Scene::start().await?;
    let nonce = scene.nonce().await?;
    let silent = scene.ask(Way::Waits).await.unwrap_err();
    assert_eq!(silent, scene.silent(nonce, "it is gone"));
    let recorded = scene.outbox.journal().handovers(scene.intent.id).await?;
    assert_eq!(recorded, *scene.wallet.asked.lock().expect("no test panics with it"));
    let [handover] = &recorded[..] else { panic!("{recorded:?}") };
    let request = &handover.request;
    assert_eq!((request.from, request.chain_id), (Some(scene.env.bob()), Some(CHAIN)));
    assert_eq!((request.value, handover.nonce(), handover.transaction), (Some(U256::from(7)), nonce, None));
    // Nothing was sent, and the wallet may still hold it.
    assert_eq!(scene.outbox.recall(&scene.intent).await?.as_ref(), Some(handover));
    assert_eq!(scene.comes_to().await?, (vec![], Units::ZERO));
    Ok(())
}

#[tokio::test]
async fn what_a_silent_wallet_has_sent_is_found() -> Result<()> {
    let scene = Scene::start().await?;
    scene.ask(Way::Vanishes).await.unwrap_err();
    assert_eq!(scene.handovers().await?, 1);
    let (found, units) = scene.comes_to().await?;
    assert_eq!((found.len(), units, scene.handovers().await?), (1, Units::new(7), 0));
    // Also with a nonce of its own choice, between others.
    let scene = Scene::start().await?;
    let nonce = scene.nonce().await?;
    scene.pays_elsewhere().await?;
    scene.wallet.set(Way::Renumbers);
    let prepared = scene.outbox.prepare(&pledge(&scene.escrow, scene.env.bob(), 7)).await?;
    let Scene { env, outbox, wallet, intent, escrow } = scene;
    let outbox = outbox.with_nonce(nonce);
    outbox.send(&intent, "pledge", &prepared).await.unwrap_err();
    assert_eq!(wallet.asked.lock().expect("no test panics with it")[0].nonce(), nonce);
    let done = outbox.resume(&intent).await?;
    assert_eq!((done.len(), pledged(&escrow, env.bob()).await?), (1, Units::new(7)));
    let [signed] = &outbox.journal().transactions(intent.id).await?[..] else { panic!("one is recorded") };
    assert_eq!((signed.nonce, signed.state), (nonce + 1, SignedState::Included));
    // The wallet is told what was found, so that its owner learns what it has changed.
    let told = wallet.told.lock().expect("no test panics with it");
    assert_eq!(told.iter().map(|told| told.hash).collect::<Vec<_>>(), [signed.hash]);
    Ok(())
}

#[tokio::test]
async fn nothing_is_asked_or_signed_while_a_wallet_may_send_what_it_holds() -> Result<()> {
    let scene = Scene::start().await?;
    let nonce = scene.nonce().await?;
    scene.ask(Way::Waits).await.unwrap_err();
    let unknown = scene.silent(nonce, UNSHOWN);
    assert_eq!(scene.ask(Way::Sends).await, Err(unknown.clone()));
    let other = scene.outbox.journal().begin(&draft(scene.env.bob(), "settle", None), &[]).await?;
    let prepared = scene.outbox.prepare(&pledge(&scene.escrow, scene.env.bob(), 9)).await?;
    assert_eq!(scene.outbox.send(&other, "pledge", &prepared).await, Err(unknown.clone()));
    // Not by a key of the account either.
    let Scene { env, escrow, wallet, outbox, intent } = scene;
    let keyed = env.outbox(env.bob());
    let same = keyed.journal().begin(&intent.draft, &intent.plan).await?;
    keyed.journal().hand_over(&outbox.journal().handovers(intent.id).await?[0]).await?;
    assert_eq!((same.id, keyed.send(&same, "pledge", &prepared).await), (intent.id, Err(unknown)));
    assert_eq!(wallet.asked.lock().expect("no test panics with it").len(), 1);
    assert_eq!(pledged(&escrow, env.bob()).await?, Units::ZERO);

    // Its owner gives it up.
    outbox.journal().close(intent.id, IntentState::Forgotten).await?;
    wallet.set(Way::Sends);
    let signed = outbox.send(&other, "pledge", &prepared).await?;
    // A node may answer before it has made the block.
    outbox.confirm(&signed).await?;
    assert_eq!((signed.nonce, pledged(&escrow, env.bob()).await?), (nonce, Units::new(9)));
    Ok(())
}

#[tokio::test]
async fn a_wallet_that_says_no_leaves_nothing() -> Result<()> {
    let scene = Scene::start().await?;
    let declined = scene.ask(Way::Declines).await.unwrap_err();
    assert_eq!(declined, Error::WalletDeclined { reason: "no".into() });
    assert!(declined.is_users());
    assert_eq!((scene.handovers().await?, scene.outbox.recall(&scene.intent).await?), (0, None));
    Ok(())
}

#[tokio::test]
async fn a_wallet_that_sends_something_else_is_told_on() -> Result<()> {
    let scene = Scene::start().await?;
    let changed = scene.ask(Way::Changes).await.unwrap_err();
    let Error::WalletChanged { transaction, what: "value" } = changed else { panic!("{changed}") };
    // The wallet told this hash, so it stays with the record: nothing else is sent instead.
    assert_eq!(scene.outbox.recall(&scene.intent).await, Err(changed.clone()));
    assert_eq!(scene.outbox.identify(&scene.intent, transaction).await, Err(changed));
    assert_eq!(scene.outbox.identify(&scene.intent, B256::ZERO).await, Ok(None));
    assert_eq!(scene.handovers().await?, 1);
    Ok(())
}

/// A wallet may choose another nonce when it sends at last.
#[tokio::test]
async fn a_nonce_that_was_used_elsewhere_does_not_end_the_request() -> Result<()> {
    let scene = Scene::start().await?;
    let nonce = scene.nonce().await?;
    scene.ask(Way::Waits).await.unwrap_err();
    scene.pays_elsewhere().await?;
    scene.env.provider.anvil_mine(Some(70), None).await?;
    assert_eq!(scene.comes_to().await?, (vec![], Units::ZERO));
    assert_eq!(scene.outbox.require_answered().await, Err(scene.silent(nonce, USED)));
    let late = TransactionRequest { nonce: None, ..scene.asked(0).request };
    let sent: B256 = scene.env.provider.raw_request("eth_sendTransaction".into(), [late]).await?;
    assert_eq!(scene.outbox.require_answered().await, Ok(()));
    assert_eq!(scene.comes_to().await?, (vec![sent], Units::new(7)));
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_named_that_is_not_found_by_itself() -> Result<()> {
    let scene = Scene::start().await?;
    scene.ask(Way::Waits).await.unwrap_err();
    let request = scene.asked(0).request;
    let sent: B256 = scene.env.provider.raw_request("eth_sendTransaction".into(), [request]).await?;
    let signed = scene.outbox.identify(&scene.intent, sent).await?.expect("the node knows it");
    assert_eq!((signed.hash, scene.handovers().await?), (sent, 0));
    assert_eq!(scene.comes_to().await?, (vec![sent], Units::new(7)));
    // An intent for which no wallet was asked has none.
    let other = scene.outbox.journal().begin(&draft(scene.env.bob(), "settle", None), &[]).await?;
    assert_eq!(scene.outbox.identify(&other, sent).await?, None);
    Ok(())
}

/// A wallet speeds a transaction up by the same call at a higher price, and nobody is told.
#[tokio::test]
async fn a_transaction_that_a_wallet_has_sped_up_is_followed() -> Result<()> {
    let scene = Scene::start().await?;
    let provider = &scene.env.provider;
    provider.anvil_set_auto_mine(false).await?;
    let signed = scene.ask(Way::Sends).await?;
    let mut request = scene.asked(0).request;
    request.max_fee_per_gas = request.max_fee_per_gas.map(|price| 2 * price);
    request.max_priority_fee_per_gas = request.max_priority_fee_per_gas.map(|tip| 2 * tip);
    let faster: B256 = provider.raw_request("eth_sendTransaction".into(), [request]).await?;
    assert_ne!(faster, signed.hash);
    provider.anvil_mine(Some(1), None).await?;
    let executed = scene.outbox.confirm(&signed).await?;
    assert_eq!(executed.transaction, faster);
    assert_eq!(scene.comes_to().await?, (vec![faster], Units::new(7)));
    let all = scene.outbox.journal().transactions(scene.intent.id).await?;
    let states: Vec<_> = all.iter().map(|one| (one.hash, one.state)).collect();
    assert_eq!(states, [(signed.hash, SignedState::Replaced), (faster, SignedState::Included)]);
    Ok(())
}
