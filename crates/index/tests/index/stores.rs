//! Stores for tests, and whether two are alike.

use std::path::Path;

use levee_index::{Difference, Indexer, Source, Step, Store, differences};
use tempfile::TempDir;

/// A new store in a file of its own.
pub(crate) async fn sqlite(directory: &TempDir, name: &str) -> Store {
    open(&directory.path().join(name)).await
}

async fn open(path: &Path) -> Store {
    Store::open(path.to_str().expect("the path is text")).await.expect("it can be opened")
}

/// Steps until there is nothing more to read.
pub(crate) async fn catch_up<S: Source>(indexer: &mut Indexer<S>) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        let step = indexer.step().await.expect("it can be indexed");
        let is_last = matches!(step, Step::UpToDate(_));
        steps.push(step);
        if is_last {
            return steps;
        }
    }
}

/// Asserts that a store is, row by row, what a new one of the same chain is.
pub(crate) async fn assert_is_fresh<S: Source>(store: &Store, source: S, chain: u64) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let fresh = sqlite(&directory, "fresh.db").await;
    catch_up(&mut Indexer::new(source, fresh.clone(), chain, 0)).await;
    assert_alike(store, &fresh, chain).await;
}

/// Asserts that two stores have the same rows of a chain.
pub(crate) async fn assert_alike(store: &Store, other: &Store, chain: u64) {
    assert_eq!(found(store, other, chain).await, []);
    assert_eq!(store.cursor(chain).await, other.cursor(chain).await);
    assert_eq!(store.headers(chain).await, other.headers(chain).await);
}

/// The differences of two stores.
pub(crate) async fn found(store: &Store, other: &Store, chain: u64) -> Vec<Difference> {
    let mut found = Vec::new();
    differences(store, other, chain, |difference| found.push(difference)).await.expect("both can be read");
    found
}
