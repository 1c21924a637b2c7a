//! The pages of `levee serve` about a rehearsal, while it plays.

use std::{future, net::SocketAddr, num::NonZeroU32, time::Duration};

use alloy::providers::DynProvider;
use eyre::Result;
use levee_index::{Indexer, Node, Step, Store};
use levee_pages::Holes;
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::sleep};

use super::scenario::CHAIN;
use crate::{
    error,
    serve::{Server, Settings},
    service::vitals::listen,
};

/// How often to look for new blocks.
const LOOK: Duration = Duration::from_millis(250);
/// How often the pages look for another block of the index.
const EVERY: Duration = Duration::from_millis(500);
/// Requests a second of one client: whoever watches is alone with it.
const RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);

/// A site, and the index of the chain behind it. Both end when it is dropped.
pub(super) struct Live {
    /// Where it is, without a slash at its end.
    pub(super) url: String,
    tasks: [JoinHandle<()>; 2],
    /// Where the index is.
    _directory: TempDir,
}

impl Live {
    /// Serves what happens on the chain of a provider, whose node wallets are offered.
    pub(super) async fn start(
        provider: DynProvider,
        node: String,
        address: SocketAddr,
        holes: Holes,
    ) -> Result<Self> {
        let listener = listen(address).await?;
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("index.db").display().to_string();
        let store = Store::open(&path).await?;
        let mut indexer = Indexer::new(Node::new(provider.clone()), store, CHAIN, 0);
        while !matches!(indexer.step().await?, Step::UpToDate(_)) {}
        let read = Store::open_to_read(&path).await?;
        let settings = Settings {
            every: EVERY,
            rate: RATE,
            proxies: Vec::new(),
            // The chain has the time of the scenario.
            stale: u64::MAX,
            wallet_node: Some(node),
            node: Some(provider),
            holes,
        };
        let server = Server::open(read, CHAIN, listener, settings).await?;
        let url = format!("http://{}", server.address()?);
        let tasks = [tokio::spawn(follow(indexer)), tokio::spawn(server.run(future::pending()))];
        Ok(Self { url, tasks, _directory: directory })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Carries on the index. Between two endings, the chain goes back, which it undoes.
async fn follow(mut indexer: Indexer<Node<DynProvider>>) {
    loop {
        match indexer.step().await {
            Ok(Step::Indexed(_) | Step::Undone { .. } | Step::Overtaken) => {}
            Ok(Step::UpToDate(_) | Step::Changed) => sleep(LOOK).await,
            Err(error) => {
                tracing::warn!(target: "service", error = error::in_a_line(&error.into()), "it is tried again");
                sleep(LOOK).await;
            }
        }
    }
}
