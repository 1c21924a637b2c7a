//! The chain of a walk, and what a walk changes on it besides the escrow: the clock, the share rate, a broken stETH.

use alloy::primitives::{Address, Bytes, U256, bytes};
use levee::bindings::{StETH, WstETH};
use levee_model::{Lido as Condition, Moment, Rate, Timestamp, units::RATE_UNIT};

use super::{cast::address_of, holdings::Holdings};
use crate::{
    chain::{Chain, Failure},
    lido::Lido,
};

/// What each pledger starts with, of each asset: more than any walk pledges.
pub(crate) const PURSE: u128 = 10u128.pow(24);

/// Reverts, whatever it is asked, with [`BROKEN_DATA`].
const BROKEN_CODE: Bytes = bytes!("63b40ce2005f526004601cfd");

/// What no contract here reverts with, so that nothing else is taken for a broken stETH.
pub(crate) const BROKEN_DATA: Bytes = bytes!("b40ce200");

/// A chain with Lido's tokens on it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) lido: Lido,
    steth_code: Bytes,
    rate: Rate,
    broken: bool,
}

impl World {
    /// The world at the start of a walk. There are as many shares as make the pooled ether the rate.
    pub(crate) fn new(start: Timestamp, rate: Rate) -> Result<Self, Failure> {
        let mut chain = Chain::new();
        chain.set_time(start);
        let lido = Lido::deploy(&mut chain, bank(), U256::from(RATE_UNIT), U256::from(rate.get()))?;
        let steth_code = chain.code(lido.steth);
        Ok(Self { chain, lido, steth_code, rate, broken: false })
    }

    /// Gives `pledger` a purse of each asset, and allowances to `escrow` for all of it.
    pub(crate) fn fill_purse(&mut self, pledger: Address, escrow: Address) -> Result<(), Failure> {
        let (chain, Lido { steth, wsteth }) = (&mut self.chain, self.lido);
        let purse = U256::from(PURSE);
        chain.set_balance(pledger, purse);
        let shares = purse * U256::from(2);
        chain.send(bank(), steth, &StETH::transferSharesCall { to: pledger, shares })?;
        chain.send(pledger, steth, &StETH::approveCall { spender: wsteth, amount: U256::MAX })?;
        let worth = chain.read(steth, &StETH::getPooledEthBySharesCall { shares: purse })?;
        chain.send(pledger, wsteth, &WstETH::wrapCall { stETHAmount: worth })?;
        self.allow(pledger, escrow)
    }

    /// Gives `spender` allowances for all that `owner` has.
    pub(crate) fn allow(&mut self, owner: Address, spender: Address) -> Result<(), Failure> {
        let approve = StETH::approveCall { spender, amount: U256::MAX };
        self.with_working_steth(|chain, lido| chain.send(owner, lido.steth, &approve).map(drop))?;
        // wstETH uses up even the largest allowance, but not in one walk.
        let approve = WstETH::approveCall { spender, units: U256::MAX };
        self.chain.send(owner, self.lido.wsteth, &approve).map(drop)
    }

    /// Changes the share rate.
    pub(crate) fn rebase(&mut self, rate: Rate) -> Result<(), Failure> {
        self.rate = rate;
        let call = StETH::setTotalPooledEtherCall { wei_: U256::from(rate.get()) };
        self.with_working_steth(|chain, lido| chain.send(bank(), lido.steth, &call).map(drop))
    }

    /// Breaks stETH, or repairs it. wstETH moves all the time.
    pub(crate) fn set_broken(&mut self, broken: bool) {
        self.broken = broken;
        let code = if broken { BROKEN_CODE } else { self.steth_code.clone() };
        self.chain.set_code(self.lido.steth, code);
    }

    /// What `accounts` hold, whether stETH is broken or not.
    pub(crate) fn holdings(&mut self, accounts: &[Address]) -> Result<Holdings, Failure> {
        self.with_working_steth(|chain, lido| Holdings::read(chain, lido, accounts))
    }

    /// What the model needs to know of `time`.
    pub(crate) const fn moment(&self, time: Timestamp) -> Moment {
        let lido = if self.broken { Condition::Broken } else { Condition::Working(self.rate) };
        Moment { time, lido }
    }

    /// Does something that needs stETH, which may be broken: its storage is whole.
    pub(crate) fn with_working_steth<T>(&mut self, act: impl FnOnce(&mut Chain, Lido) -> T) -> T {
        let broken = self.broken;
        self.set_broken(false);
        let done = act(&mut self.chain, self.lido);
        self.set_broken(broken);
        done
    }
}

/// Holds all shares at first.
fn bank() -> Address {
    address_of("bank")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::read;

    #[test]
    fn a_broken_steth_reverts_and_comes_back_with_its_storage() {
        let walks = read(include_str!("../../../../tests/vectors/rescue.json")).unwrap();
        let mut world = World::new(walks[0].start, walks[0].rate).unwrap();
        let (pledger, escrow) = (address_of("pledger"), address_of("escrow"));
        world.fill_purse(pledger, escrow).unwrap();
        let whole = world.holdings(&[pledger]).unwrap();
        world.set_broken(true);
        let call = StETH::sharesOfCall { account: pledger };
        let failure = world.chain.read(world.lido.steth, &call);
        assert!(matches!(failure, Err(Failure::Revert(data)) if data == BROKEN_DATA));
        assert_eq!(world.holdings(&[pledger]).unwrap(), whole);
        assert!(world.chain.read(world.lido.steth, &call).is_err(), "a read repairs it");
        world.set_broken(false);
        assert!(world.chain.read(world.lido.steth, &call).unwrap() >= U256::from(PURSE));
    }
}
