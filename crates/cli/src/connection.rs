//! The node, the chain and the rescue that a command uses.

use std::path::{Path, PathBuf};

use alloy::{
    eips::BlockId,
    primitives::Address,
    providers::{DynProvider, Provider},
};
use clap::Args;
use eyre::{Result, eyre};
use levee::{Query, RedactedUrl, Snapshot, provider};

use crate::{
    address,
    environment::{self, variable},
    error::UserError,
    terms::TermsFile,
};

/// The network options.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// URL of an Ethereum node (JSON-RPC over HTTP); default: the variable LEVEE_RPC_URL or ETH_RPC_URL.
    #[arg(long, value_name = "URL")]
    rpc_url: Option<String>,

    /// Chain ID that the node must have, such as `1` for Ethereum.
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
}

/// A node that has not been contacted yet.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    url: RedactedUrl,
    provider: DynProvider,
    /// ID that its chain must have.
    expected: Option<u64>,
}

/// A node and its chain.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Its URL.
    pub(crate) url: RedactedUrl,
    /// Reads only.
    pub(crate) provider: DynProvider,
    /// ID of its chain.
    pub(crate) chain: u64,
}

impl NetworkArgs {
    /// Connects, and checks the chain against `--chain` and the terms.
    pub(crate) async fn connect(&self, terms: Option<&TermsFile>) -> Result<Connection> {
        self.node(terms)?.connect().await
    }

    /// Connects to the chain that the file at `path` names; `what` describes its content for the error.
    pub(crate) async fn connect_to(&self, chain: u64, path: &Path, what: &str) -> Result<Connection> {
        self.node_of(chain, path, what)?.connect().await
    }

    fn node(&self, terms: Option<&TermsFile>) -> Result<Node> {
        match terms {
            Some(terms) => self.node_of(terms.chain, &terms.path, "the terms"),
            None => self.expecting(self.chain),
        }
    }

    fn node_of(&self, chain: u64, path: &Path, what: &str) -> Result<Node> {
        match self.chain {
            Some(other) if other != chain => {
                let path = path.display();
                Err(UserError::new(format!("`{path}` is for chain {chain}, but `--chain` says {other}"))
                    .hint(format!("leave `--chain` out, or use {what} for that chain"))
                    .into())
            }
            _ => self.expecting(Some(chain)),
        }
    }

    fn expecting(&self, expected: Option<u64>) -> Result<Node> {
        let url = self.url()?;
        Ok(Node { provider: provider::read_only(&url)?, url, expected })
    }

    fn url(&self) -> Result<RedactedUrl> {
        let url =
            self.rpc_url.clone().or_else(|| variable("LEVEE_RPC_URL")).or_else(|| variable("ETH_RPC_URL"));
        let url = url.ok_or_else(|| {
            UserError::new("no node given").hint("use `--rpc-url URL` or the variable LEVEE_RPC_URL")
        })?;
        Ok(url.parse()?)
    }
}

impl Node {
    async fn connect(self) -> Result<Connection> {
        let chain = self.provider.get_chain_id().await.map_err(levee::Error::from)?;
        match self.expected {
            Some(expected) if expected != chain => {
                Err(levee::Error::WrongChain { expected, actual: chain }.into())
            }
            _ => Ok(self.on(chain)),
        }
    }

    fn on(self, chain: u64) -> Connection {
        let Self { url, provider, .. } = self;
        Connection { url, provider, chain }
    }
}

impl Connection {
    /// Number and time of the latest block.
    pub(crate) async fn latest_block(&self) -> Result<(u64, u64)> {
        let block = self.provider.get_block(BlockId::latest()).await.map_err(levee::Error::from)?;
        let header = block.ok_or_else(|| eyre!("the node has no latest block"))?.header;
        Ok((header.number, header.timestamp))
    }
}

/// The rescue: its address, or the terms from which its address follows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rescue")]
pub(crate) struct RescueArgs {
    /// Address of the rescue; default: the variable LEVEE_RESCUE.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    rescue: Option<Address>,

    /// Terms file with which the rescue was created; its address follows from the terms.
    #[arg(long, value_name = "FILE")]
    pub(crate) terms: Option<PathBuf>,
}

/// The address of a rescue, and its terms if they were given.
#[derive(Debug)]
pub(crate) struct Named {
    /// Its address.
    pub(crate) address: Address,
    /// The original terms. The address commits to them, so only the presence of Levee's code remains to be
    /// checked.
    pub(crate) terms: Option<TermsFile>,
}

impl RescueArgs {
    /// Computes the address, without a network.
    pub(crate) fn named(&self) -> Result<Named> {
        let rescue = match self.rescue {
            Some(rescue) => Some(rescue),
            None => environment::parsed("LEVEE_RESCUE", address::parse)?,
        };
        let Some(path) = &self.terms else {
            let address = rescue.ok_or_else(|| {
                UserError::new("no rescue given")
                    .hint("use `--rescue ADDRESS`, the variable LEVEE_RESCUE, or `--terms FILE`")
            })?;
            return Ok(Named { address, terms: None });
        };
        let terms = TermsFile::read(path)?;
        let address = terms.address()?;
        match rescue {
            Some(other) if other != address => Err(UserError::new(format!(
                "the terms in `{}` belong to `{address}`, not to the rescue `{other}`",
                path.display()
            ))
            .hint("give the rescue once; check whether the file was changed after the rescue was created")
            .into()),
            _ => Ok(Named { address, terms: Some(terms) }),
        }
    }

    /// Reads the rescue at the latest block, and an account's positions in it, if one is given.
    pub(crate) async fn read(
        &self,
        network: &NetworkArgs,
        account: Option<Address>,
    ) -> Result<(Connection, Snapshot)> {
        let named = self.named()?;
        let node = network.node(named.terms.as_ref())?;
        let query = Query::of(named.address).account(account.unwrap_or_default());
        let snapshot = query.read(&node.provider, node.expected).await?;
        Ok((node.on(snapshot.chain), snapshot))
    }
}
