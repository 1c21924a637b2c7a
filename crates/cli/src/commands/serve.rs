//! `levee serve`: pages about all rescues of an index.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use clap::Args;
use eyre::Result;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::{
    config,
    documents::DocumentArgs,
    error::UserError,
    history,
    interruption::interruption,
    output::Output,
    serve::{Server, Settings},
    service::vitals::listen,
    store::StoreArgs,
    trace::LogFormat,
};

/// What to serve, and where.
#[derive(Debug, Args)]
#[command(after_help = "\
Serves a page about each rescue of an index, what each contributor has in it, and the same as JSON, for anyone to read. It only reads: it \
asks no node, and has no key. Pages need no script; with it, they follow the index. Carry on the index with `levee index`, in another \
process. Goes on until it is interrupted. Serve it to others through a proxy that ends TLS.

Examples:
  levee serve --store index.db
  levee serve --store postgres://reader@db.example/levee --listen 0.0.0.0:8080 --proxy 10.0.0.1 --log json")]
pub(crate) struct ServeArgs {
    /// Address to serve at.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Chain to serve, if the index is of several.
    #[arg(long, value_name = "CHAIN", value_parser = config::parse_chain)]
    chain: Option<u64>,

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
        let stop = interruption()?;
        let holes = self.documents.holes()?;
        let store = self.store.open_to_read().await?;
        let chain = history::chain_of(&store, self.chain).await?;
        let listener = listen(self.listen).await?;
        let (rate, proxies, stale) = (self.rate, self.proxy, self.stale);
        let (every, wallet_node) = (Duration::from_secs(self.every), self.wallet_rpc_url);
        let settings = Settings { every, rate, proxies, stale, wallet_node, holes };
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
