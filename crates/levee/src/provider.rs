//! Connections to a node, made in one way.
//!
//! Signing providers ask the node for every nonce instead of counting on their own: a counter that runs ahead after a
//! refused transaction leaves a gap, and what is sent after it waits for ever.

use std::time::Duration;

use alloy::{
    network::{Ethereum, EthereumWallet},
    providers::{DynProvider, Provider, ProviderBuilder},
    transports::{TransportError, http::reqwest::Client},
};

use crate::{
    error::{Error, message_of},
    redacted::RedactedUrl,
};

/// How long a node may take to answer one request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A provider that only reads, on the chain `chain_id` if one is given.
///
/// # Errors
/// [`Error::Unreachable`] when no node answers, [`Error::WrongChain`].
pub async fn read_only(url: &RedactedUrl, chain_id: Option<u64>) -> Result<DynProvider, Error> {
    let builder = ProviderBuilder::<_, _, Ethereum>::default();
    checked(builder.connect_reqwest(client(url)?, url.secret().clone()).erased(), url, chain_id).await
}

/// A provider that signs with `wallet`, on the chain `chain_id` if one is given.
///
/// # Errors
/// As [`read_only`].
pub async fn signing(
    url: &RedactedUrl,
    chain_id: Option<u64>,
    wallet: impl Into<EthereumWallet>,
) -> Result<DynProvider, Error> {
    let builder = ProviderBuilder::<_, _, Ethereum>::default()
        .with_gas_estimation()
        .with_simple_nonce_management()
        .fetch_chain_id()
        .wallet(wallet.into());
    checked(builder.connect_reqwest(client(url)?, url.secret().clone()).erased(), url, chain_id).await
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
    built.map_err(|error| Error::Unreachable { url: url.clone(), message: message_of(&error) })
}

async fn checked(
    provider: DynProvider,
    url: &RedactedUrl,
    chain_id: Option<u64>,
) -> Result<DynProvider, Error> {
    let unreachable =
        |error: TransportError| Error::Unreachable { url: url.clone(), message: message_of(&error) };
    let actual = provider.get_chain_id().await.map_err(unreachable)?;
    match chain_id {
        Some(expected) if actual != expected => Err(Error::WrongChain { expected, actual }),
        _ => Ok(provider),
    }
}
