//! The networks that Levee knows: Lido's tokens, WETH, and where its own contracts are.
//!
//! Terms can name any contracts that look like Lido's, and an escrow's address commits to those just as well. So the tokens of
//! terms are compared with what is known here.

use alloy::primitives::{Address, address};
use levee_model::Terms;
use serde::{Serialize, Serializer};

use crate::{blueprint::Blueprint, error::Error, provider::LOCAL_CHAIN, router::Tokens};

/// A network, with the contracts on it that a rescue meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Its common name.
    pub name: &'static str,
    /// Its chain ID.
    pub chain: u64,
    /// Lido's tokens and WETH; zero for one that there is none of, or that is not known.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// Lido's withdrawal queue; zero if there is none.
    #[serde(with = "levee_model::json::AccountOrNone")]
    pub withdrawal_queue: Address,
    /// The explorer that people use; none for a local chain.
    pub explorer: Option<&'static str>,
    /// Where these addresses are published.
    #[serde(serialize_with = "listed")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub sources: &'static [&'static str],
    /// What there is to know before it is used.
    pub remark: Option<&'static str>,
}

const UNISWAP: &str = "https://docs.uniswap.org/contracts/v3/reference/deployments/ethereum-deployments";

/// The networks.
pub const NETWORKS: [Network; 4] = [
    Network {
        name: "mainnet",
        chain: 1,
        tokens: Tokens {
            weth: address!("C02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
            steth: address!("ae7ab96520DE3A18E5e111B5EaAb095312D7fE84"),
            wsteth: address!("7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0"),
        },
        withdrawal_queue: address!("889edC2eDab5f40e902b864aD4d7AdE8E412F9B1"),
        explorer: Some("https://etherscan.io"),
        sources: &["https://docs.lido.fi/deployed-contracts/", UNISWAP],
        remark: None,
    },
    Network {
        name: "hoodi",
        chain: 560_048,
        tokens: Tokens {
            weth: Address::ZERO,
            steth: address!("3508A952176b3c15387C97BE809eaffB1982176a"),
            wsteth: address!("7E99eE3C66636DE415D2d7C880938F2f40f94De4"),
        },
        withdrawal_queue: address!("fe56573178f1bcdf53F01A6E9977670dcBBD9186"),
        explorer: Some("https://hoodi.etherscan.io"),
        sources: &["https://docs.lido.fi/deployed-contracts/hoodi/"],
        remark: Some("there is no WETH that everybody uses"),
    },
    Network {
        name: "sepolia",
        chain: 11_155_111,
        tokens: Tokens {
            weth: address!("fFf9976782d46CC05630D1f6eBAb18b2324d6B14"),
            steth: address!("3e3FE7dBc6B4C189E7128855dD526361c49b40Af"),
            wsteth: address!("B82381A3fBD3FaFA77B3a7bE693342618240067b"),
        },
        withdrawal_queue: address!("1583C7b3f4C3B008720E6BcE5726336b0aB25fdd"),
        explorer: Some("https://sepolia.etherscan.io"),
        sources: &["https://docs.lido.fi/deployed-contracts/sepolia/", UNISWAP],
        remark: Some("Lido has given it up: rehearse on Hoodi"),
    },
    Network {
        name: "local",
        chain: LOCAL_CHAIN,
        tokens: Tokens { weth: Address::ZERO, steth: Address::ZERO, wsteth: Address::ZERO },
        withdrawal_queue: Address::ZERO,
        explorer: None,
        sources: &[],
        remark: Some("the terms name its tokens, which may be any; their router is elsewhere"),
    },
];

impl Network {
    /// The network with a chain ID, if it is known.
    pub fn of(chain: u64) -> Option<&'static Self> {
        NETWORKS.iter().find(|network| network.chain == chain)
    }

    /// Where the router of its tokens is, or will be.
    pub fn router(&self) -> Address {
        let Tokens { weth, steth, wsteth } = self.tokens;
        Blueprint::router(weth, steth, wsteth).address()
    }

    /// Lido's stETH and wstETH on it; none if there are none.
    pub fn lido(&self) -> Option<(Address, Address)> {
        let Tokens { steth, wsteth, .. } = self.tokens;
        (!steth.is_zero()).then_some((steth, wsteth))
    }

    /// Whether a token is Lido's stETH or wstETH on it.
    pub(crate) fn has(&self, token: Address) -> bool {
        self.lido().is_some_and(|(steth, wsteth)| token == steth || token == wsteth)
    }
}

/// Checks that the tokens of terms are Lido's, where they have any and Lido's are known.
///
/// # Errors
/// [`Error::ForeignTokens`].
pub fn check_tokens(chain: u64, terms: &Terms) -> Result<(), Error> {
    let (steth, wsteth) = (terms.steth, terms.wsteth);
    let is_ether_only = steth.is_zero() && wsteth.is_zero();
    if is_ether_only || can_be_lidos(chain, steth, wsteth) {
        return Ok(());
    }
    Err(Error::ForeignTokens { chain, steth, wsteth })
}

/// Checks that the one token of a compact can be Lido's on `chain`, by the same rule.
///
/// # Errors
/// [`Error::NotLidos`].
pub fn check_wsteth(chain: u64, wsteth: Address) -> Result<(), Error> {
    let is_possible = match Network::of(chain).and_then(Network::lido) {
        Some((_, lidos)) => lidos == wsteth,
        None => chain == LOCAL_CHAIN || !NETWORKS.iter().any(|other| other.has(wsteth)),
    };
    if is_possible { Ok(()) } else { Err(Error::NotLidos { wsteth, chain }) }
}

/// Whether the tokens are those of the chain, where Lido's are known there; elsewhere, whether they are no other network's, whose
/// addresses may hold anything here. A local chain may be a copy of any network.
fn can_be_lidos(chain: u64, steth: Address, wsteth: Address) -> bool {
    let is_elsewhere = || NETWORKS.iter().any(|other| other.has(steth) || other.has(wsteth));
    match Network::of(chain).and_then(Network::lido) {
        Some(known) => known == (steth, wsteth),
        None => chain == LOCAL_CHAIN || !is_elsewhere(),
    }
}

fn listed<S: Serializer>(texts: &&[&str], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(*texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_lidos_on_that_chain() {
        for Network { chain, tokens: Tokens { steth, wsteth, .. }, .. } in &NETWORKS[..3] {
            let chains = [1, 560_048, 11_155_111, 10, LOCAL_CHAIN].into_iter();
            let on: Vec<_> = chains.filter(|chain| can_be_lidos(*chain, *steth, *wsteth)).collect();
            assert_eq!(on, [*chain, LOCAL_CHAIN]);
            assert!(!can_be_lidos(*chain, *wsteth, *steth));
            assert!(!can_be_lidos(10, *steth, Address::repeat_byte(1)));
            assert!(!can_be_lidos(10, Address::repeat_byte(1), *wsteth));
        }
        assert!(can_be_lidos(10, Address::repeat_byte(1), Address::repeat_byte(2)), "nothing is known there");
    }

    #[test]
    fn networks_are_told_apart() {
        for (place, network) in NETWORKS.iter().enumerate() {
            assert_eq!(Network::of(network.chain), Some(network));
            let others = || NETWORKS.iter().skip(place + 1);
            assert!(others().all(|other| (other.name, other.router()) != (network.name, network.router())));
        }
        assert_eq!(Network::of(10), None);
    }
}
