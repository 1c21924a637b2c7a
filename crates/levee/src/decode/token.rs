//! The calls of tokens, and the tokens that are known.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};

use super::{
    call::{RawCall, Read},
    sentence::{Quantity, Sentence, Unit, Value},
};
use crate::{
    bindings::{StETH, WETH, WstETH},
    network::Network,
};

mod raw {
    alloy::sol! {
        /// What only some tokens have.
        interface Wrapped {
            function withdraw(uint256 amount) external;
        }
    }
}
use raw::Wrapped;

/// Tokens by their addresses, with the unit of their amounts.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(BTreeMap<Address, Unit>);

impl Known {
    /// Lido's tokens and WETH on a chain.
    pub(super) fn on(chain: u64) -> Self {
        let mut known = Self::default();
        let Some(network) = Network::of(chain) else { return known };
        if let Some((steth, wsteth)) = network.lido() {
            known.add_lido(steth, wsteth);
        }
        let weth = Some(network.tokens.weth).filter(|weth| !weth.is_zero());
        known.0.extend(weth.map(|weth| (weth, Unit::Weth)));
        known
    }

    /// Adds the tokens of a rescue.
    pub(super) fn add_lido(&mut self, steth: Address, wsteth: Address) {
        self.0.insert(steth, Unit::StEth);
        self.0.insert(wsteth, Unit::WstEth);
    }

    /// Whether it is one of them.
    pub(super) fn has(&self, token: Address) -> bool {
        self.0.contains_key(&token)
    }

    fn unit_of(&self, token: Option<Address>) -> Option<Unit> {
        self.0.get(&token?).copied()
    }
}

/// The calls that all tokens have, and Lido's own.
pub(super) fn read(call: &RawCall, known: &Known) -> Read<Sentence> {
    let Some(selector) = call.selector() else { return Ok(None) };
    let unit = known.unit_of(call.to);
    let amount = |number: U256| call.of_token(number, unit);
    Ok(Some(match selector {
        StETH::approveCall::SELECTOR => {
            let StETH::approveCall { spender, amount: number } = call.arguments()?;
            allow("approve", "approve", spender, amount(number))
        }
        StETH::increaseAllowanceCall::SELECTOR => {
            let StETH::increaseAllowanceCall { spender, added } = call.arguments()?;
            allow("increaseAllowance", "approve in addition", spender, amount(added))
        }
        StETH::decreaseAllowanceCall::SELECTOR => {
            let StETH::decreaseAllowanceCall { spender, subtracted } = call.arguments()?;
            allow("decreaseAllowance", "no longer approve", spender, amount(subtracted))
        }
        StETH::permitCall::SELECTOR => {
            let StETH::permitCall { owner, spender, value, deadline, .. } = call.arguments()?;
            allow("permit", "permit", spender, amount(value)).then("from", "owner", owner).then(
                "until second",
                "deadline",
                deadline,
            )
        }
        StETH::transferCall::SELECTOR => {
            let StETH::transferCall { to, amount: number } = call.arguments()?;
            transfer("transfer", amount(number), to)
        }
        StETH::transferFromCall::SELECTOR => {
            let StETH::transferFromCall { from, to, amount: number } = call.arguments()?;
            transfer("transferFrom", amount(number), to).then("from", "owner", from)
        }
        _ => return wrapped(call, selector, unit),
    }))
}

/// The calls that turn one asset into another, and those in shares.
fn wrapped(call: &RawCall, selector: [u8; 4], unit: Option<Unit>) -> Read<Sentence> {
    let token = || Value::Account(call.to);
    let shares = |number: U256| {
        // Only stETH has shares that are known here.
        let unit = if unit == Some(Unit::StEth) { Some(Unit::Shares) } else { None };
        call.of_token(number, unit)
    };
    Ok(Some(match selector {
        StETH::transferSharesCall::SELECTOR => {
            let StETH::transferSharesCall { to, shares: number } = call.arguments()?;
            transfer("transferShares", shares(number), to).words("in shares")
        }
        StETH::transferSharesFromCall::SELECTOR => {
            let StETH::transferSharesFromCall { from, to, shares: number } = call.arguments()?;
            transfer("transferSharesFrom", shares(number), to).words("in shares").then("from", "owner", from)
        }
        StETH::submitCall::SELECTOR => {
            let StETH::submitCall { referral } = call.arguments()?;
            Sentence::new("stake", "stake").paying("amount", call.value).then("in", "token", token()).maybe(
                "referred by",
                "referral",
                (!referral.is_zero()).then_some(referral),
            )
        }
        WETH::depositCall::SELECTOR => {
            call.arguments::<WETH::depositCall>()?;
            Sentence::new("deposit", "deposit").paying("amount", call.value).then("in", "token", token())
        }
        Wrapped::withdrawCall::SELECTOR => {
            let Wrapped::withdrawCall { amount } = call.arguments()?;
            exchange("withdraw", "withdraw", call.of_token(amount, unit), token())
        }
        WstETH::wrapCall::SELECTOR => {
            let WstETH::wrapCall { stETHAmount } = call.arguments()?;
            let unit = if unit == Some(Unit::WstEth) { Unit::StEth } else { Unit::Unnamed };
            exchange("wrap", "wrap", Quantity::new(stETHAmount, unit), token())
        }
        WstETH::unwrapCall::SELECTOR => {
            let WstETH::unwrapCall { units } = call.arguments()?;
            exchange("unwrap", "unwrap", call.of_token(units, unit), token())
        }
        _ => return Ok(None),
    }))
}

fn allow(kind: &'static str, verb: &'static str, spender: Address, amount: Quantity) -> Sentence {
    Sentence::new(kind, verb).with("spender", spender).then("to spend", "amount", amount)
}

fn transfer(kind: &'static str, amount: Quantity, to: Address) -> Sentence {
    Sentence::new(kind, "transfer").with("amount", amount).then("to", "recipient", to)
}

fn exchange(kind: &'static str, verb: &'static str, amount: Quantity, token: Value) -> Sentence {
    Sentence::new(kind, verb).with("amount", amount).then("in", "token", token)
}
