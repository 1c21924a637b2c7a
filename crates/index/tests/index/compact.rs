//! The index of a compact on a local chain is what the contract says, also after a reorganization.

use alloy::{
    primitives::{Address, U256, keccak256},
    providers::{DynProvider, Provider as _, ext::AnvilApi as _},
    rpc::types::anvil::ReorgOptions,
};
use eyre::Result;
use levee::{
    Blueprint, Contract, Edition,
    bindings::WstETH,
    compact::{CodeStore, CompactClient, proposal},
    model::{Bps, CompactOperation as O, CompactTerms, Terms, Tier, Units, Wei},
};
use levee_index::{Difference, Indexer, Node, Store, differences_from_views};

use crate::{
    chain::compact_terms,
    environment::{CHAIN, ETHER, Environment},
    postgres::Server,
    stores::{assert_is_fresh, catch_up, sqlite},
};

const DAY: u64 = 86_400;

fn units(whole: u128) -> Units {
    Units::new(whole * ETHER)
}

/// A compact of Alice, Bob and the guardian.
struct World {
    environment: Environment,
    compact: CompactClient<DynProvider>,
}

impl World {
    async fn start() -> Result<Self> {
        let environment = Environment::start().await?;
        let (wsteth, guardian) = (environment.wsteth, environment.guardian());
        let terms = CompactTerms { wsteth, guardian, ..compact_terms(1) };
        let blueprint = Blueprint::compact(&terms);
        blueprint.deploy(&environment.outbox(environment.alice())).await?;
        let provider = environment.provider.clone();
        let compact = CompactClient::open(provider, CHAIN, blueprint.address()).await?;
        environment.wrap(200 * ETHER).await?;
        let token = WstETH::new(wsteth, &environment.provider);
        for member in [environment.bob(), guardian] {
            token.transfer(member, U256::from(50 * ETHER)).send().await?.get_receipt().await?;
        }
        Ok(Self { environment, compact })
    }

    async fn call(&self, from: Address, operation: &O) -> Result<()> {
        self.compact.call(operation, None)?.execute(&self.environment.outbox(from)).await?;
        Ok(())
    }

    async fn pass(&self, seconds: u64) -> Result<()> {
        self.environment.warp(self.environment.time().await? + seconds).await
    }

    fn members(&self) -> [(Address, u128); 3] {
        [(self.environment.alice(), 60), (self.environment.bob(), 30), (self.environment.guardian(), 10)]
    }

    /// Everyone joins; a premium is paid; the guardian gives notice.
    async fn join(&self) -> Result<()> {
        for (member, amount) in self.members() {
            let outbox = self.environment.outbox(member);
            self.compact.approval(units(2 * amount)).execute(&outbox).await?;
            self.call(member, &O::Commit { amount: units(amount) }).await?;
        }
        self.call(self.environment.guardian(), &O::TakeBack { recipient: self.environment.guardian() })
            .await?;
        self.call(self.environment.guardian(), &O::Commit { amount: units(10) }).await?;
        self.pass(5 * DAY).await?;
        for (member, _) in self.members() {
            self.call(self.environment.alice(), &O::Activate { member }).await?;
        }
        self.call(self.environment.alice(), &O::PayPremium { amount: units(7) }).await?;
        self.call(self.environment.bob(), &O::Claim { member: self.environment.bob() }).await?;
        self.call(self.environment.guardian(), &O::Notice { amount: units(4) }).await
    }

    /// A call is proposed for a rescue, passes and gives; the guardian leaves.
    async fn give(&self) -> Result<()> {
        let (alice, bob) = (self.environment.alice(), self.environment.bob());
        // Votes are of the second before a proposal.
        self.pass(60).await?;
        let terms = self.rescue().await?;
        Blueprint::escrow(&terms)?.deploy(&self.environment.outbox(alice)).await?;
        for call in CodeStore::of(Edition::LATEST).missing(&self.environment.provider).await? {
            call.execute(&self.environment.outbox(alice)).await?;
        }
        let proposal = proposal(terms, Edition::LATEST, 0, Bps::new(5_000))?;
        self.call(bob, &O::NameApprover { approver: alice }).await?;
        self.call(alice, &O::Propose { member: bob, proposal }).await?;
        self.call(bob, &O::Approve { call: 0, member: bob }).await?;
        self.call(bob, &O::Withdraw { call: 0 }).await?;
        for member in [bob, alice] {
            self.call(alice, &O::Approve { call: 0, member }).await?;
        }
        let members = self.members().map(|(member, _)| member).to_vec();
        self.call(alice, &O::Fulfill { call: 0, members }).await?;
        self.pass(3 * DAY).await?;
        self.call(self.environment.guardian(), &O::Leave { recipient: bob }).await
    }

    async fn rescue(&self) -> Result<Terms> {
        let now = self.environment.time().await?;
        let tier = Tier { threshold: Bps::ONE, draw_order: 0, rate: Bps::ZERO };
        Ok(Terms {
            deadline: now + 10 * DAY,
            latest_deadline: now + 20 * DAY,
            tiers: vec![tier],
            target: Wei::new(100 * ETHER),
            objection_period: 86_400,
            exit_window: 86_400,
            ..self.environment.terms().await?
        })
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

async fn is_what_the_compact_says(store: Store) -> Result<()> {
    let world = World::start().await?;
    assert_eq!(
        world.compact.terms().escrow_code_hash,
        keccak256(Edition::LATEST.creation_code(Contract::PledgeEscrow))
    );
    let mut indexer = Indexer::new(world.node(), store.clone(), CHAIN, 0);
    world.join().await?;
    catch_up(&mut indexer).await;
    assert_eq!(world.found_in_views(&store).await?, []);
    world.give().await?;
    catch_up(&mut indexer).await;
    let compact = world.compact.address();
    assert_eq!(given(&store, compact).await?, [units(5), units(15), units(30)]);
    // The second drops the call that gave.
    for depth in [1, 4] {
        catch_up(&mut indexer).await;
        assert_eq!(world.found_in_views(&store).await?, []);
        assert_is_fresh(&store, world.node(), CHAIN).await;
        let options = ReorgOptions { depth, tx_block_pairs: Vec::new() };
        world.environment.provider.anvil_reorg(options).await?;
    }
    catch_up(&mut indexer).await;
    assert_eq!(world.found_in_views(&store).await?, []);
    assert_is_fresh(&store, world.node(), CHAIN).await;
    let read = world.compact.read(None).await?;
    let indexed = store.compact(CHAIN, compact).await?.expect("it is indexed");
    assert_eq!(indexed.entries, read.entries);
    assert_eq!(given(&store, compact).await?, []);
    assert_eq!(indexed.block.number, world.environment.provider.get_block_number().await?);
    Ok(())
}

/// What members gave to the only call, the least first.
async fn given(store: &Store, compact: Address) -> Result<Vec<Units>> {
    let indexed = store.compact(CHAIN, compact).await?.expect("it is indexed");
    let given = indexed.compact.given(0).expect("there was a call");
    let mut given: Vec<_> = given.values().copied().collect();
    given.sort_unstable();
    Ok(given)
}

#[tokio::test]
async fn a_file_is_what_the_compact_says() -> Result<()> {
    let directory = tempfile::tempdir()?;
    is_what_the_compact_says(sqlite(&directory, "index.db").await).await
}

#[tokio::test]
async fn postgres_is_what_the_compact_says() -> Result<()> {
    let server = Server::start();
    let store = server.open().await;
    is_what_the_compact_says(store.clone()).await?;
    store.close().await;
    Ok(())
}
