//! Several processes on one store.

use levee::model::{Asset, PositionId, Units};
use levee_index::{IndexError, Indexer, Step, Store};

use crate::{
    chain::{self, CHAIN, Chain, announcement, pledged, terms},
    postgres::Server,
    stores::{assert_is_fresh, catch_up, sqlite},
};

/// A thousand blocks with a pledge each.
fn chain() -> Chain {
    let (chain, terms) = (Chain::default(), terms(1));
    let address = chain::address(&terms);
    chain.mine([announcement(address, &terms)]);
    for number in 0..1_000_u128 {
        let pledger = alloy::primitives::Address::with_last_byte((number % 7) as u8 + 1);
        let id = PositionId { pledger, tier: 0, asset: Asset::Eth };
        chain.mine([pledged(address, id, Units::new(number + 1))]);
    }
    chain
}

/// Steps until everything is read, and counts how often it wrote, and how often another came first.
async fn follow(store: Store, chain: Chain) -> (usize, usize) {
    let mut indexer = Indexer::new(chain, store, CHAIN, 0);
    let (mut written, mut overtaken) = (0, 0);
    loop {
        match indexer.step().await.expect("it can be indexed") {
            Step::Indexed(_) => written += 1,
            Step::Overtaken => overtaken += 1,
            Step::UpToDate(_) => return (written, overtaken),
            step => panic!("{step:?}"),
        }
        tokio::task::yield_now().await;
    }
}

async fn race(stores: [Store; 2]) {
    let chain = chain();
    let [one, other] = stores.clone().map(|store| tokio::spawn(follow(store, chain.clone())));
    let (one, other) = (one.await.expect("it does not panic"), other.await.expect("it does not panic"));
    assert!(one.0 + other.0 > 1, "there were batches to race for: {one:?} {other:?}");
    assert_is_fresh(&stores[0], chain.clone(), CHAIN).await;
    assert_is_fresh(&stores[1], chain, CHAIN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_on_one_file_write_each_row_once() {
    let directory = tempfile::tempdir().unwrap();
    race([sqlite(&directory, "index.db").await, sqlite(&directory, "index.db").await]).await;
}

#[test]
fn two_writers_on_one_postgres_write_each_row_once() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        // Both create the tables, if they are not there.
        let (one, other) = tokio::join!(server.open(), server.open());
        race([one.clone(), other.clone()]).await;
        one.close().await;
        other.close().await;
    });
}

#[tokio::test]
async fn who_was_overtaken_goes_on_from_where_the_other_is() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(&directory, "index.db").await;
    let chain = chain();
    let [mut one, mut other] = [(); 2].map(|()| Indexer::new(chain.clone(), store.clone(), CHAIN, 0));
    for _ in 0..3 {
        assert!(matches!(one.step().await.unwrap(), Step::Indexed(_)));
        assert!(matches!(other.step().await.unwrap(), Step::Indexed(_)));
    }
    catch_up(&mut one).await;
    catch_up(&mut other).await;
    assert_is_fresh(&store, chain, CHAIN).await;
}

#[tokio::test]
async fn a_store_of_a_later_release_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.db");
    sqlite(&directory, "index.db").await.close().await;
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("INSERT INTO schema_versions (version) VALUES (2)").execute(&pool).await.unwrap();
    pool.close().await;
    let location = path.display().to_string();
    let error = Store::open(&location).await.unwrap_err();
    assert_eq!(error, IndexError::NewerSchema { location, found: 3, known: 2 });
    assert!(error.is_users());
}

#[tokio::test]
async fn one_store_holds_several_chains() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(&directory, "index.db").await;
    let (chain, other) = (chain(), Chain::default());
    (0..90).for_each(|_| other.mine([]));
    catch_up(&mut Indexer::new(chain.clone(), store.clone(), CHAIN, 0)).await;
    let mut indexer = Indexer::new(other.clone(), store.clone(), CHAIN + 1, 0);
    catch_up(&mut indexer).await;
    other.drop_latest(20);
    let terms = terms(2);
    other.mine([announcement(chain::address(&terms), &terms)]);
    (0..30).for_each(|_| other.mine([]));
    catch_up(&mut indexer).await;
    assert_is_fresh(&store, chain, CHAIN).await;
    assert_is_fresh(&store, other, CHAIN + 1).await;
}
