//! The index of a local chain, with Levee's own contracts on it, is what the contracts say.

use alloy::{
    network::TransactionBuilder as _,
    primitives::{Address, B256},
    providers::{DynProvider, Provider as _, ext::AnvilApi as _},
    rpc::types::{TransactionRequest, anvil::ReorgOptions},
};
use eyre::{OptionExt as _, Result};
use levee::{
    Blueprint, Board, BonusPool, Declaration, Deployment, Escrow, RecoveryPool, Stage,
    model::{Amount, Asset, Goal, Operation as O, PositionId, Terms, Wei},
};
use levee_index::{
    Counterfeit, Cursor, Difference, Indexer, Kind, Node, Step, Store, Verdict, differences_from_views,
};

use crate::{
    chain::announcement,
    environment::{CHAIN, ETHER, Environment, pledge},
    postgres::Server,
    stores::{assert_is_fresh, catch_up, sqlite},
};

fn wei(ether: u128) -> Wei {
    Wei::new(ether * ETHER)
}

/// A chain with two rescues and what is around them.
struct World {
    environment: Environment,
    escrows: [Escrow<DynProvider>; 2],
}

impl World {
    async fn start() -> Result<Self> {
        let environment = Environment::start().await?;
        let first = environment.terms().await?;
        let second = Terms { terms_hash: B256::repeat_byte(8), ..first.clone() };
        let mut escrows = Vec::new();
        for terms in [first, second] {
            let deployed =
                Blueprint::escrow(&terms)?.deploy(&environment.outbox(environment.alice())).await?;
            let provider = environment.provider.clone();
            escrows.push(Escrow::open(provider, CHAIN, deployed.address()).await?);
        }
        let escrows = escrows.try_into().expect("there are two terms");
        Ok(Self { environment, escrows })
    }

    async fn call(&self, from: Address, rescue: usize, call: O) -> Result<()> {
        self.escrows[rescue].call(call)?.execute(&self.environment.outbox(from)).await?;
        Ok(())
    }

    /// Pools and the board are created and used, and people pledge; one leaves, one is declined.
    async fn fill(&self) -> Result<()> {
        let (bob, guardian) = (self.environment.bob(), self.environment.guardian());
        let board = Board::new(self.environment.provider.clone(), CHAIN);
        let first = &self.escrows[0];
        let pools = [BonusPool::of(first).blueprint().clone(), RecoveryPool::of(first).blueprint().clone()];
        for blueprint in pools.iter().chain([board.blueprint()]) {
            let deployed = blueprint.deploy(&self.environment.outbox(bob)).await?;
            assert!(matches!(deployed, Deployment::Created { .. }), "{deployed:?}");
        }
        let (escrow, expiry) = (first.address(), self.environment.time().await? + 1_000);
        let link = "https://forum.example/1".into();
        let declaration =
            Declaration { escrow, stage: Stage::Expressed, tier: 0, amount: None, expiry, link };
        board.declare(&declaration)?.execute(&self.environment.outbox(bob)).await?;
        self.environment.pledge_all(first).await?;
        let id = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
        self.call(bob, 0, O::AddBonus { sponsor: bob, amount: wei(3) }).await?;
        self.call(bob, 0, O::Enlist(id)).await?;
        for pledger in [bob, guardian] {
            self.call(pledger, 1, pledge(pledger, 0, 0, Amount::Eth(wei(1)))).await?;
        }
        self.call(guardian, 1, O::Decline(id)).await?;
        let terms = self.escrows[1].terms().await?;
        let goal = Goal { target: wei(90), deadline: terms.deadline, terms_hash: terms.terms_hash };
        self.call(guardian, 1, O::Amend(goal)).await?;
        self.call(guardian, 1, O::Exit { tier: 0, asset: Asset::Eth, to: guardian }).await
    }

    /// The first rescue is settled, paid out, refunded and repaid; the second fails.
    async fn finish(&self) -> Result<()> {
        let (alice, bob) = (self.environment.alice(), self.environment.bob());
        self.call(alice, 0, O::Settle).await?;
        self.call(bob, 0, O::Object { tier: 0, asset: Asset::Eth }).await?;
        self.environment.warp(self.environment.time().await? + 8_000).await?;
        for asset in Asset::ALL {
            self.call(alice, 0, O::Release(asset)).await?;
        }
        let id = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
        self.call(alice, 0, O::Refund(id)).await?;
        self.call(alice, 0, O::Recover(wei(2))).await?;
        self.call(alice, 0, O::Claim(id)).await?;
        self.environment.warp(self.environment.time().await? + 86_400).await?;
        self.call(alice, 1, O::Settle).await
    }

    /// A contract that announces the first rescue as if it were its own.
    async fn counterfeit(&self) -> Result<Address> {
        let terms = self.escrows[0].original_terms();
        let announced = announcement(Address::ZERO, terms);
        let (topics, data) = (announced.topics(), &announced.data.data);
        let length = u16::try_from(data.len())?.to_be_bytes();
        // PUSH2 length PUSH2 start PUSH0 CODECOPY, PUSH32 each topic, PUSH2 length PUSH0 LOG3 STOP.
        let start = u16::try_from(3 + 3 + 2 + 3 * 33 + 3 + 3)?.to_be_bytes();
        let mut code = [&[0x61][..], &length, &[0x61], &start, &[0x5f, 0x39]].concat();
        topics.iter().rev().for_each(|topic| code.extend([&[0x7f][..], topic.as_slice()].concat()));
        code.extend([&[0x61][..], &length, &[0x5f, 0xa3, 0x00], data].concat());
        let create = TransactionRequest::default().with_deploy_code(code);
        let sent = self.environment.provider.send_transaction(create).await?;
        sent.get_receipt().await?.contract_address.ok_or_eyre("it is created")
    }

    fn indexer(&self, store: &Store) -> Indexer<Node<DynProvider>> {
        Indexer::new(self.node(), store.clone(), CHAIN, 0)
    }

    fn node(&self) -> Node<DynProvider> {
        Node::new(self.environment.provider.clone())
    }

    async fn found_in_views(&self, store: &Store) -> Result<Vec<Difference>> {
        let mut found = Vec::new();
        differences_from_views(store, &self.environment.provider, CHAIN, |difference| found.push(difference))
            .await?;
        Ok(found)
    }
}

async fn is_what_the_contracts_say(store: Store) -> Result<()> {
    let world = World::start().await?;
    let mut indexer = world.indexer(&store);
    catch_up(&mut indexer).await;
    let begun = store.cursor(CHAIN).await?;
    world.fill().await?;
    let counterfeit = world.counterfeit().await?;
    catch_up(&mut indexer).await;
    assert_eq!(world.found_in_views(&store).await?, []);
    declarations_are_found_by_what_they_are_for(&store, &world, begun).await?;
    world.finish().await?;
    catch_up(&mut indexer).await;
    assert_eq!(world.found_in_views(&store).await?, []);
    assert_is_fresh(&store, world.node(), CHAIN).await;

    let rescues = store.rescues(CHAIN).await?;
    let told: Vec<_> = rescues.iter().map(|rescue| (rescue.address, rescue.verdict)).collect();
    let [first, second] = world.escrows.each_ref().map(Escrow::address);
    let verdict = Verdict::Counterfeit(Counterfeit::OtherAddress);
    assert_eq!(told, [(first, Verdict::Genuine), (second, Verdict::Genuine), (counterfeit, verdict)]);
    assert_eq!(store.declarations(CHAIN).await?.len(), 1);
    let history = store.history(CHAIN, first).await?.ok_or_eyre("it is known")?;
    let of_pools = history.entries.iter().filter(|entry| entry.event.of_rescue().is_none()).count();
    // Two creations, the bonus and its enlistment, the recovery with what it repaid, and the claim.
    assert_eq!(of_pools, 7);
    let contracts = store.contracts(CHAIN).await?;
    assert_eq!(contracts.iter().filter(|contract| contract.kind == Kind::RecoveryPool).count(), 2);
    Ok(())
}

/// Bob's declaration is for the first rescue, and the only one since the index was begun.
async fn declarations_are_found_by_what_they_are_for(
    store: &Store,
    world: &World,
    begun: Option<Cursor>,
) -> Result<()> {
    let [first, second] = world.escrows.each_ref().map(Escrow::address);
    let look = store.look(CHAIN, begun).await?.ok_or_eyre("it has moved on")?;
    assert_eq!(look.declared, [first].into());
    let at = look.cursor;
    assert!(store.look(CHAIN, None).await?.is_some_and(|look| look.declared.is_empty()));
    let all = store.declarations(CHAIN).await?;
    let found = async |rescue, above| store.declarations_at(CHAIN, at, rescue, above).await;
    assert_eq!(found(first, None).await?, Some(all.clone()));
    assert_eq!(found(first, Some(all[0].block - 1)).await?, Some(all.clone()));
    assert_eq!(found(first, Some(all[0].block)).await?, Some(Vec::new()));
    assert_eq!(found(second, None).await?, Some(Vec::new()));
    let elsewhere = Cursor { number: at.number + 1, ..at };
    assert_eq!(store.declarations_at(CHAIN, elsewhere, first, None).await?, None);
    Ok(())
}

async fn a_reorganization_leaves_no_trace(store: Store) -> Result<()> {
    let world = World::start().await?;
    let mut indexer = world.indexer(&store);
    world.environment.provider.anvil_mine(Some(70), None).await?;
    world.fill().await?;
    for depth in [1, 3, 7, 20, 60] {
        catch_up(&mut indexer).await;
        let before = store.cursor(CHAIN).await?.ok_or_eyre("it has begun")?;
        let options = ReorgOptions { depth, tx_block_pairs: Vec::new() };
        world.environment.provider.anvil_reorg(options).await?;
        let steps = catch_up(&mut indexer).await;
        let undone = steps.iter().find_map(|step| match step {
            Step::Undone { from, to } => Some((*from, to.number)),
            _ => None,
        });
        assert_eq!(undone, Some((before, before.number - depth)));
        assert_is_fresh(&store, world.node(), CHAIN).await;
        assert_eq!(world.found_in_views(&store).await?, []);
        // Something happens again on what is left.
        let bob = world.environment.bob();
        let call = world.call(bob, 0, pledge(bob, 0, 0, Amount::Eth(wei(1)))).await;
        assert!(call.is_ok() || depth == 60, "{call:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_is_what_the_contracts_say() -> Result<()> {
    let directory = tempfile::tempdir()?;
    is_what_the_contracts_say(sqlite(&directory, "index.db").await).await
}

#[tokio::test]
async fn a_reorganization_leaves_no_trace_in_a_file() -> Result<()> {
    let directory = tempfile::tempdir()?;
    a_reorganization_leaves_no_trace(sqlite(&directory, "index.db").await).await
}

#[tokio::test]
async fn postgres_is_what_the_contracts_say() -> Result<()> {
    let server = Server::start();
    let store = server.open().await;
    is_what_the_contracts_say(store.clone()).await?;
    store.close().await;
    Ok(())
}

#[tokio::test]
async fn a_reorganization_leaves_no_trace_in_postgres() -> Result<()> {
    let server = Server::start();
    let store = server.open().await;
    a_reorganization_leaves_no_trace(store.clone()).await?;
    store.close().await;
    Ok(())
}
