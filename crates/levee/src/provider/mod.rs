//! Connections to one or several nodes, all made in the same way.
//!
//! | file | question |
//! |---|---|
//! | `nodes` | which nodes is a request put to? |
//! | `attempt` | when is it put to them again, and when no more? |
//! | `transient` | is an error worth another try? |
//! | `quorum` | do the nodes agree? |
//! | `node`, `http` | how does one node answer? |
//! | `request` | what does a request say? |
//!
//! They only read and broadcast: an [outbox](crate::outbox) signs.

mod attempt;
mod http;
mod node;
mod nodes;
mod quorum;
mod request;
mod transient;

use std::time::Duration;

use alloy::providers::{DynProvider, Provider};

use crate::{error::Error, redacted::RedactedUrl};

pub use nodes::{LOCAL_CHAIN, Nodes};
pub(crate) use transient::has_transaction;

/// How long a node may take to answer one request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request is repeated, unless [`Nodes::with_patience`] says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A provider that only reads. It does not contact the node yet. [`Nodes`] has the choices: several nodes, how long to
/// try, and how many must agree.
///
/// # Errors
/// [`Error::Unreachable`] if the machine cannot connect to anything.
pub fn read_only(url: &RedactedUrl) -> Result<DynProvider, Error> {
    Ok(Nodes::new([url.clone()])?.read_only())
}

/// Checks that a provider is on the chain `expected`.
///
/// # Errors
/// [`Error::WrongChain`], [`Error::Rpc`].
pub async fn check_chain(provider: &impl Provider, expected: u64) -> Result<(), Error> {
    let actual = provider.get_chain_id().await?;
    if actual == expected { Ok(()) } else { Err(Error::WrongChain { expected, actual }) }
}
