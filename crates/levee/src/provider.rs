//! Connections to a node, all made in the same way.
//!
//! Signing providers ask the node for every nonce instead of counting themselves: a counter that runs ahead
//! after a refused transaction leaves a gap, and what is sent after it waits forever.

use std::time::Duration;

use alloy::{
    network::{Ethereum, EthereumWallet},
    providers::{DynProvider, Provider, ProviderBuilder},
    transports::http::reqwest::Client,
};

use crate::{
    error::Error,
    redacted::{RedactedError, RedactedUrl},
};

/// How long a node may take to answer one request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A provider that only reads. It does not contact the node yet.
///
/// # Errors
/// [`Error::Unreachable`] if the machine cannot connect to anything.
pub fn read_only(url: &RedactedUrl) -> Result<DynProvider, Error> {
    let builder = ProviderBuilder::<_, _, Ethereum>::default();
    Ok(builder.connect_reqwest(client(url)?, url.secret().clone()).erased())
}

/// A provider that signs with `wallet`, only for the chain `chain_id`: nodes on another chain refuse these
/// signatures. It does not contact the node yet.
///
/// # Errors
/// Like [`read_only`].
pub fn signing(
    url: &RedactedUrl,
    chain_id: u64,
    wallet: impl Into<EthereumWallet>,
) -> Result<DynProvider, Error> {
    let builder = ProviderBuilder::<_, _, Ethereum>::default()
        .with_gas_estimation()
        .with_simple_nonce_management()
        .with_chain_id(chain_id)
        .wallet(wallet.into());
    Ok(builder.connect_reqwest(client(url)?, url.secret().clone()).erased())
}

/// Checks that a provider is on the chain `expected`.
///
/// # Errors
/// [`Error::WrongChain`], [`Error::Rpc`].
pub async fn check_chain(provider: &impl Provider, expected: u64) -> Result<(), Error> {
    let actual = provider.get_chain_id().await?;
    if actual == expected { Ok(()) } else { Err(Error::WrongChain { expected, actual }) }
}

fn client(url: &RedactedUrl) -> Result<Client, Error> {
    let builder = Client::builder().timeout(REQUEST_TIMEOUT);
    // A proxy of the environment cannot reach this machine's own ports.
    let builder = if url.is_loopback() { builder.no_proxy() } else { builder };
    let built = builder.build();
    built.map_err(|error| Error::Unreachable { url: url.clone(), source: RedactedError::new(error) })
}
