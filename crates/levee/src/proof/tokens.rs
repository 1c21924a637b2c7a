//! Where Lido's tokens keep what an account has.
//!
//! Both keep balances in a mapping from the account. For Lido's own, its slot was read in the source of Lido core v3.0.2, of which
//! `contracts/0.4.24/StETH.sol` is the same in commit 372b02e of June 2026: `shares` is its first variable, and no contract
//! before it among the bases of `Lido` has one, because they use places of their own (`UnstructuredStorage`), as does stETH's
//! proxy. wstETH is no proxy, and `_balances` is the first variable of OpenZeppelin's ERC20, its first base.

use std::sync::LazyLock;

use alloy::primitives::{Address, B256};
use levee_model::{Asset, Terms};

use super::layout::{self, Place};
use crate::{edition::Code, network::Network};

/// The mapping of stETH's shares, and that of wstETH's balances, in Lido's contracts.
const LIDO: u64 = 0;

/// A token of a rescue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) asset: Asset,
    pub(super) address: Address,
    /// Whether it is Lido's own, by the chain.
    pub(super) is_lidos: bool,
    model: &'static Model,
    /// What the model of this token would be created with, if it is created with anything.
    immutable: Option<B256>,
}

/// The model of a token for local chains, of which the code is known.
#[derive(Debug)]
struct Model {
    code: Code,
    /// The mapping of shares or balances.
    mapping: u64,
}

static STETH: LazyLock<Model> =
    LazyLock::new(|| Model { code: Code::read(include_str!("../../artifacts/StETH.json")), mapping: 4 });
static WSTETH: LazyLock<Model> =
    LazyLock::new(|| Model { code: Code::read(include_str!("../../artifacts/WstETH.json")), mapping: 2 });

/// The tokens of a rescue with these terms; none if it accepts only ETH.
pub(super) fn of(terms: &Terms, chain: u64) -> Vec<Token> {
    if terms.steth.is_zero() {
        return Vec::new();
    }
    let is_lidos = |address| Network::of(chain).is_some_and(|network| network.has(address));
    let token = |asset, address, model, immutable| Token {
        asset,
        address,
        is_lidos: is_lidos(address),
        model,
        immutable,
    };
    vec![
        token(Asset::StEth, terms.steth, &*STETH, None),
        token(Asset::WstEth, terms.wsteth, &*WSTETH, Some(terms.steth.into_word())),
    ]
}

/// The wstETH of a compact; on a local chain, that of the model with this stETH.
pub(super) fn wsteth(address: Address, chain: u64, steth: Option<Address>) -> Token {
    let is_lidos = Network::of(chain).is_some_and(|network| network.has(address));
    let immutable = steth.map(|steth| steth.into_word());
    Token {
        asset: Asset::WstEth,
        address,
        is_lidos,
        model: &WSTETH,
        immutable: immutable.or(Some(B256::ZERO)),
    }
}

impl Token {
    /// Where the token keeps the balance of `holder`, if its code [is known](Self::is_known).
    pub(super) fn place(&self, holder: Address) -> Place {
        let (mapping, name) = match (self.is_lidos, self.asset) {
            (true, Asset::StEth) => (LIDO, "shares"),
            (true, _) => (LIDO, "_balances"),
            (false, Asset::StEth) => (self.model.mapping, "sharesOf"),
            (false, _) => (self.model.mapping, "balanceOf"),
        };
        let slot = layout::entry(holder.into_word(), layout::slot(mapping));
        Place { name: format!("{name}[{holder}]"), slot }
    }

    /// Whether the token with this code keeps balances there. Lido's stETH is behind a proxy, so that its code says nothing.
    pub(super) fn is_known(&self, code_hash: Option<B256>) -> bool {
        self.is_lidos || code_hash == Some(self.model.code.hash(self.immutable.as_slice()))
    }
}
