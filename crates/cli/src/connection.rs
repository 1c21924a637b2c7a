//! The node, the chain and the rescue that a command uses.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::{
    eips::BlockId,
    primitives::Address,
    providers::{DynProvider, Provider},
};
use clap::Args;
use eyre::{Result, eyre};
use levee::{Query, RedactedUrl, Snapshot, provider::Nodes};

use crate::{
    address,
    config::{self, Config, Endpoint},
    environment::{self, variable},
    error::UserError,
    names::NameArgs,
    terms::TermsFile,
};

/// The network options.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// URL of an Ethereum node (http, https, ws or wss), or path of its IPC socket; repeat it for nodes that take over
    /// when one fails; or the name of a chain in levee.toml, or of an RPC endpoint in foundry.toml; default: the variable
    /// LEVEE_RPC_URL or ETH_RPC_URL, with commas between several, then levee.toml.
    #[arg(long, value_name = "URL")]
    rpc_url: Vec<String>,

    /// Number of nodes that must give the same answer to whatever decides about money; default: what levee.toml
    /// says of them, or 1.
    #[arg(long, value_name = "N")]
    quorum: Option<NonZeroUsize>,

    /// Seconds to keep repeating a request that the nodes do not answer.
    #[arg(long, value_name = "SECONDS", default_value = "180")]
    timeout: NonZeroU64,

    /// Chain that the node must be on: its ID, such as `1`, or its name, such as `mainnet`.
    #[arg(long, value_name = "CHAIN", value_parser = config::parse_chain)]
    chain: Option<u64>,

    #[command(flatten)]
    pub(crate) names: NameArgs,
}

/// Nodes that have not been contacted yet.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) nodes: Nodes,
    pub(crate) provider: DynProvider,
    /// ID that its chain must have.
    pub(crate) expected: Option<u64>,
}

/// Nodes and their chain.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// The nodes.
    pub(crate) nodes: Nodes,
    /// Reads and broadcasts.
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

    /// Whether the arguments name a node.
    pub(crate) const fn names_node(&self) -> bool {
        !self.rpc_url.is_empty()
    }

    /// The chain that the arguments name.
    pub(crate) const fn chain(&self) -> Option<u64> {
        self.chain
    }

    /// Connects to the chain `chain`.
    pub(crate) async fn connect_on(&self, chain: u64) -> Result<Connection> {
        match self.chain {
            Some(other) if other != chain => {
                Err(levee::Error::WrongChain { expected: chain, actual: other }.into())
            }
            _ => self.expecting(Some(chain))?.connect().await,
        }
    }

    /// The nodes, which are not contacted yet.
    pub(crate) fn node(&self, terms: Option<&TermsFile>) -> Result<Node> {
        self.expecting(self.expected(terms)?)
    }

    /// The chain of the terms, or else what `--chain` says.
    pub(crate) fn expected(&self, terms: Option<&TermsFile>) -> Result<Option<u64>> {
        match terms {
            Some(terms) => self.chain_of(terms.chain, &terms.path, "the terms").map(Some),
            None => Ok(self.chain),
        }
    }

    fn node_of(&self, chain: u64, path: &Path, what: &str) -> Result<Node> {
        self.expecting(Some(self.chain_of(chain, path, what)?))
    }

    /// The chain that a file names, unless `--chain` says another.
    fn chain_of(&self, chain: u64, path: &Path, what: &str) -> Result<u64> {
        match self.chain {
            Some(other) if other != chain => {
                let path = path.display();
                Err(UserError::new(format!("`{path}` is for chain {chain}, but `--chain` says {other}"))
                    .hint(format!("leave `--chain` out, or use {what} for that chain"))
                    .into())
            }
            _ => Ok(chain),
        }
    }

    /// Each node by itself, with its URL.
    pub(crate) fn one_by_one(&self) -> Result<Vec<(RedactedUrl, Node)>> {
        let Endpoint { urls, chain, .. } = self.endpoint(self.chain)?;
        let one = |url: &String| {
            let (url, expected) = (url.parse::<RedactedUrl>()?, self.chain.or(chain));
            Ok((url.clone(), self.opened([url], 1, expected)?))
        };
        urls.iter().map(one).collect()
    }

    fn expecting(&self, expected: Option<u64>) -> Result<Node> {
        let Endpoint { urls, chain, quorum } = self.endpoint(expected)?;
        let urls = urls.iter().map(|url| url.parse()).collect::<Result<Vec<RedactedUrl>, _>>()?;
        let quorum = self.quorum.or(quorum).map_or(1, NonZeroUsize::get);
        self.opened(urls, quorum, expected.or(chain))
    }

    fn opened(
        &self,
        urls: impl IntoIterator<Item = RedactedUrl>,
        quorum: usize,
        expected: Option<u64>,
    ) -> Result<Node> {
        let patience = Duration::from_secs(self.timeout.get());
        let nodes = Nodes::new(urls)?.with_patience(patience).with_quorum(quorum)?;
        Ok(Node { provider: nodes.read_only(), nodes, expected })
    }

    /// The nodes that are given, or those of the configuration.
    fn endpoint(&self, chain: Option<u64>) -> Result<Endpoint, UserError> {
        let given = self.given();
        if given.is_empty() {
            let configured = Config::get()?.endpoint(chain)?.filter(|endpoint| !endpoint.urls.is_empty());
            return configured.ok_or_else(|| {
                UserError::new("no node given")
                    .hint("use `--rpc-url URL` or the variable LEVEE_RPC_URL, or write a levee.toml")
            });
        }
        let mut all = Endpoint::default();
        for name in &given {
            let Endpoint { urls, chain, quorum } = Endpoint::parse(name)?;
            if let (Some(one), Some(other)) = (all.chain, chain)
                && one != other
            {
                return Err(UserError::new(format!("these nodes are of chain {one} and of chain {other}"))
                    .hint("give nodes of one chain only"));
            }
            all.urls.extend(urls);
            (all.chain, all.quorum) = (all.chain.or(chain), all.quorum.max(quorum));
        }
        Ok(all)
    }

    /// What the arguments name, or else the environment.
    fn given(&self) -> Vec<String> {
        if !self.rpc_url.is_empty() {
            return self.rpc_url.clone();
        }
        let listed = variable("LEVEE_RPC_URL").or_else(|| variable("ETH_RPC_URL")).unwrap_or_default();
        let listed = listed.split(',').map(str::trim).filter(|url| !url.is_empty());
        listed.map(str::to_owned).collect()
    }
}

impl Node {
    /// Connects, and checks the chain.
    pub(crate) async fn connect(self) -> Result<Connection> {
        let chain = self.provider.get_chain_id().await.map_err(levee::Error::from)?;
        match self.expected {
            Some(expected) if expected != chain => {
                Err(levee::Error::WrongChain { expected, actual: chain }.into())
            }
            _ => Ok(self.on(chain)),
        }
    }

    fn on(self, chain: u64) -> Connection {
        let Self { nodes, provider, .. } = self;
        Connection { nodes, provider, chain }
    }
}

impl Connection {
    /// Number and time of the latest block.
    pub(crate) async fn latest_block(&self) -> Result<(u64, u64)> {
        let block = self.provider.get_block(BlockId::latest()).await.map_err(levee::Error::from)?;
        let header = block.ok_or_else(|| eyre!("the node has no latest block"))?.header;
        Ok((header.number, header.timestamp))
    }

    /// Number and time of the latest block, on which something is to be signed: no node may be behind.
    pub(crate) async fn current_block(&self) -> Result<(u64, u64)> {
        let (number, time) = self.latest_block().await?;
        self.nodes.check_current(self.chain, number, time).await?;
        Ok((number, time))
    }

    /// Leaves out the nodes that are behind, and prefers the one with the latest block, which must not be an old one. For services: they go on
    /// while another node stands still.
    pub(crate) async fn prefer_latest(&self) -> Result<()> {
        self.nodes.leave_out_late(self.chain).await;
        let (number, time) = self.latest_block().await?;
        Ok(self.nodes.check_latest(self.chain, number, time)?)
    }

    /// Checks that a rescue that was just read is no old one: no node may be behind.
    pub(crate) async fn check_current(&self, snapshot: &Snapshot) -> Result<()> {
        let block = snapshot.block;
        Ok(self.nodes.check_current(self.chain, block.number, block.time).await?)
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
    /// The rescue at this address.
    pub(crate) const fn at(rescue: Address) -> Self {
        Self { rescue: Some(rescue), terms: None }
    }

    /// Whether there is one.
    pub(crate) fn is_given(&self) -> bool {
        self.rescue.is_some() || self.terms.is_some() || variable("LEVEE_RESCUE").is_some()
    }

    /// Whether an argument gives the address.
    pub(crate) const fn names_address(&self) -> bool {
        self.rescue.is_some()
    }

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
