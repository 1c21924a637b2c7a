//! Gateways of names: servers that a resolver wants to be asked (CCIP-Read, ERC-3668). Whatever they answer is checked by the
//! resolver's contract. Which server that is is the word of a stranger's contract, so only those are asked that the user named.

use std::{net::IpAddr, sync::OnceLock, time::Duration};

use alloy::{
    primitives::Bytes,
    providers::{
        CcipReadClient, CcipReadConfig, CcipReadGateway, CcipReadGatewayError, CcipReadRequest,
        HttpCcipReadGateway,
    },
    transports::http::reqwest::{Client, Url, redirect::Policy},
};
use async_trait::async_trait;
use eyre::{Result, WrapErr as _};

/// How long a gateway may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer.
const LONGEST_ANSWER: usize = 64 << 10;

/// The gateways that may be asked.
#[derive(Debug)]
pub(crate) struct Gateway {
    hosts: Vec<String>,
    http: HttpCcipReadGateway,
    trouble: OnceLock<Trouble>,
}

/// Why a gateway told nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The user did not name this server.
    NotAllowed(String),
    /// It did not answer, or not as it should.
    Failed(String),
}

/// A client that follows resolvers to these hosts only.
pub(crate) fn client(hosts: &[String]) -> Result<CcipReadClient<Gateway>> {
    let hosts: Vec<_> = hosts.iter().map(|host| host.to_lowercase()).collect();
    // A server must not send the request on to another one.
    let builder = Client::builder().redirect(Policy::none()).timeout(TIMEOUT);
    // A proxy of the environment cannot reach this machine's own ports.
    let builder = if hosts.iter().any(|host| is_this_machine(host)) { builder.no_proxy() } else { builder };
    let http = builder.build().wrap_err("no connection to a gateway can be made")?;
    let gateway = Gateway { hosts, http: HttpCcipReadGateway::new(http), trouble: OnceLock::new() };
    let config = CcipReadConfig { max_response_size: LONGEST_ANSWER, ..CcipReadConfig::default() };
    Ok(CcipReadClient::new(gateway).with_config(config))
}

impl Gateway {
    /// What the first question that was not answered failed for.
    pub(crate) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.get()
    }

    /// Whether the user named the server of a template, in which nothing is filled in yet.
    fn is_allowed(&self, template: &str) -> bool {
        let Ok(url) = Url::parse(template) else { return false };
        let host = host(&url);
        let is_private = url.scheme() == "https" || url.scheme() == "http" && is_this_machine(&host);
        is_private && self.hosts.contains(&host)
    }
}

#[async_trait]
impl CcipReadGateway for Gateway {
    async fn request(
        &self,
        request: &CcipReadRequest,
        max_response_size: usize,
    ) -> Result<Bytes, CcipReadGatewayError> {
        let urls = request.urls.iter().filter(|template| self.is_allowed(template)).cloned().collect();
        let allowed = CcipReadRequest { urls, ..request.clone() };
        if allowed.urls.is_empty() {
            self.trouble.get_or_init(|| Trouble::NotAllowed(first_host(&request.urls)));
            return Err(CcipReadGatewayError::new("this gateway is not to be asked"));
        }
        let answer = self.http.request(&allowed, max_response_size).await;
        answer.inspect_err(|error| {
            self.trouble.get_or_init(|| Trouble::Failed(error.to_string()));
        })
    }
}

/// The server that a resolver would rather have asked, for a person.
fn first_host(templates: &[String]) -> String {
    let template = templates.first().map(String::as_str).unwrap_or_default();
    Url::parse(template).map_or_else(|_| template.to_owned(), |url| host(&url))
}

/// Name and port of a server, as its user gives them.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_that_were_named_are_asked_and_safely() {
        let hosts = ["Gateway.example", "other.example:8443", "127.0.0.1:9", "10.0.0.1"].map(String::from);
        let client = client(&hosts).unwrap();
        let is_allowed = |url| client.gateway().is_allowed(url);
        for url in [
            "https://gateway.example/{sender}/{data}.json",
            "https://gateway.example:443/",
            "https://other.example:8443/{data}",
            "http://127.0.0.1:9/{data}",
            "https://10.0.0.1/",
        ] {
            assert!(is_allowed(url), "{url}");
        }
        for url in [
            "http://gateway.example/",
            "https://gateway.example:8443/",
            "https://gateway.example.evil.example/",
            "https://gateway.example@evil.example/",
            "https://{data}.gateway.example/",
            "https://gateway.example{data}/",
            "http://127.0.0.1:10/",
            "http://10.0.0.1/",
            "ftp://gateway.example/",
            "data:gateway.example",
            "",
        ] {
            assert!(!is_allowed(url), "{url}");
        }
    }
}
