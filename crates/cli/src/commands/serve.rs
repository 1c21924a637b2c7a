//! `levee serve`: pages about all rescues of an index.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use alloy::providers::DynProvider;
use clap::Args;
use eyre::Result;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::{
    connection::NetworkArgs,
    documents::DocumentArgs,
    error::UserError,
    history,
    interruption::interruption,
    output::Output,
    serve::{Server, Settings},
    service::vitals::{listen, parse_listen},
    store::StoreArgs,
    trace::LogFormat,
};

/// How long a node is asked what shares are worth.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to serve, and where.
#[derive(Debug, Args)]
#[command(after_help = "\
Serves a page about each rescue of an index, what each contributor has in it, and the same as JSON, for anyone to read. It only reads, and \
has no key. What stETH is worth before a rescue is decided is in no log: with `--rpc-url`, a node says it, and that is all it is asked. \
Pages need no script; with it, they follow the index. Carry on the index with `levee index`, in another \
process. Goes on until it is interrupted. Serve it to others through a proxy that ends TLS.

Examples:
  levee serve --store index.db
  levee serve --store postgres://reader@db.example/levee --listen 0.0.0.0:8080 --proxy 10.0.0.1 --log json")]
pub(crate) struct ServeArgs {
    /// Address to serve at.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_listen, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Address of a proxy, whose `X-Forwarded-For` is believed; may be repeated. Without it, all that come through a proxy share one rate.
    #[arg(long, value_name = "IP")]
    proxy: Vec<IpAddr>,

    /// Requests a second that one client may make on average, and five times as many at once.
    #[arg(long, value_name = "N", default_value = "50")]
    rate: NonZeroU32,

    /// Seconds between two looks at the index.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = clap::value_parser!(u64).range(1..=30))]
    every: u64,

    /// Age of the latest block, in seconds, from which on `/health` says that something is wrong.
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    stale: u64,

    /// Public node to offer to the wallets of visitors that do not know the chain; everybody sees it.
    #[arg(long, value_name = "URL", value_parser = public_node)]
    wallet_rpc_url: Option<String>,

    #[command(flatten)]
    documents: DocumentArgs,

    /// How to log on stderr.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log: LogFormat,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

/// What `levee serve --json` writes when it is ready, as one line.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Serving {
    /// Where.
    url: String,
    /// Of which chain.
    chain: u64,
}

impl ServeArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let holes = self.documents.holes()?;
        // Not before files are read: one that never ends is ended by the signal itself.
        let stop = interruption()?;
        let store = self.store.open_to_read().await?;
        let chain = history::chain_of(&store, self.network.chain()).await?;
        let node = self.node(chain).await?;
        let listener = listen(self.listen).await?;
        let (rate, proxies, stale) = (self.rate, self.proxy, self.stale);
        let (every, wallet_node) = (Duration::from_secs(self.every), self.wallet_rpc_url);
        let settings = Settings { every, rate, proxies, stale, wallet_node, node, holes };
        let server = Server::open(store, chain, listener, settings).await?;
        let url = format!("http://{}/", server.address()?);
        tracing::info!(target: "serve", url, chain, "serving");
        if output.is_json() {
            output.event("", &Serving { url, chain })?;
        }
        server.run(stop).await;
        tracing::info!(target: "serve", "ended");
        Ok(())
    }

    /// The node that is named, if there is one. It is not waited for long: pages go on without it.
    async fn node(&self, chain: u64) -> Result<Option<DynProvider>> {
        if !self.network.names_node() {
            return Ok(None);
        }
        let connection = self.network.connect_on(chain).await?;
        Ok(Some(connection.nodes.with_patience(PATIENCE).read_only()))
    }
}

/// A URL that everybody may see.
fn public_node(text: &str) -> Result<String, UserError> {
    let refused = |why: &str| UserError::new(format!("the node for wallets {why}"));
    let url: Url =
        text.parse().map_err(|_| refused("is no URL").hint("write it as in `https://node.example`"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused("is not of the web").hint("write it as in `https://node.example`"));
    }
    let has_secret = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    if has_secret {
        return Err(refused("has a user, a password or a key in it, and every visitor would see it")
            .hint("name a public node"));
    }
    Ok(url.into())
}
