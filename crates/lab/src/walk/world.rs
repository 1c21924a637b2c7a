//! The chain of a walk, and what a walk changes on it besides the escrow: the clock, the share rate, a broken stETH.

use alloy::primitives::{Address, Bytes, U256, bytes};
use levee::bindings::{StETH, WstETH};
use levee_model::{Lido as Condition, Moment, Rate, Timestamp, units::RATE_UNIT};

use super::{
    cast::{Scene, address_of},
    holdings::Holdings,
};
use crate::{
    chain::{Chain, Failure},
    lido::Lido,
};

/// What each pledger starts with, of each asset: more than any walk pledges.
pub(super) const PURSE: u128 = 10u128.pow(24);

/// Reverts, whatever it is asked, with [`BROKEN_DATA`].
const BROKEN_CODE: Bytes = bytes!("63b40ce2005f526004601cfd");

/// What no contract here reverts with, so that nothing else is taken for a broken stETH.
pub(super) const BROKEN_DATA: Bytes = bytes!("b40ce200");

/// A chain with Lido's tokens on it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) chain: Chain,
    pub(super) lido: Lido,
    steth_code: Bytes,
    rate: Rate,
    broken: bool,
}

impl World {
    /// The world at the start of a walk. There are as many shares as make the pooled ether the rate.
    pub(super) fn new(scene: &Scene) -> Result<Self, Failure> {
        let mut chain = Chain::new();
        chain.set_time(scene.start);
        let lido = Lido::deploy(&mut chain, bank(), U256::from(RATE_UNIT), U256::from(scene.rate.get()))?;
        let steth_code = chain.code(lido.steth);
        Ok(Self { chain, lido, steth_code, rate: scene.rate, broken: false })
    }

    /// Gives `pledger` a purse of each asset, and allowances to `escrow` for all of it.
    pub(super) fn fill_purse(&mut self, pledger: Address, escrow: Address) -> Result<(), Failure> {
        let (chain, Lido { steth, wsteth }) = (&mut self.chain, self.lido);
        let purse = U256::from(PURSE);
        chain.set_balance(pledger, purse);
        let shares = purse * U256::from(2);
        chain.send(bank(), steth, &StETH::transferSharesCall { to: pledger, shares })?;
        for spender in [wsteth, escrow] {
            chain.send(pledger, steth, &StETH::approveCall { spender, amount: U256::MAX })?;
        }
        let worth = chain.read(steth, &StETH::getPooledEthBySharesCall { shares: purse })?;
        chain.send(pledger, wsteth, &WstETH::wrapCall { stETHAmount: worth })?;
        // wstETH uses up even the largest allowance, but not in one walk.
        chain.send(pledger, wsteth, &WstETH::approveCall { spender: escrow, units: U256::MAX })?;
        Ok(())
    }

    /// Changes the share rate.
    pub(super) fn rebase(&mut self, rate: Rate) -> Result<(), Failure> {
        self.rate = rate;
        let call = StETH::setTotalPooledEtherCall { wei_: U256::from(rate.get()) };
        self.with_working_steth(|chain, lido| chain.send(bank(), lido.steth, &call).map(drop))
    }

    /// Breaks stETH, or repairs it. wstETH moves all the time.
    pub(super) fn set_broken(&mut self, broken: bool) {
        self.broken = broken;
        let code = if broken { BROKEN_CODE } else { self.steth_code.clone() };
        self.chain.set_code(self.lido.steth, code);
    }

    /// What `accounts` hold, whether stETH is broken or not.
    pub(super) fn holdings(&mut self, accounts: &[Address]) -> Result<Holdings, Failure> {
        self.with_working_steth(|chain, lido| Holdings::read(chain, lido, accounts))
    }

    /// What the model needs to know of `time`.
    pub(super) const fn moment(&self, time: Timestamp) -> Moment {
        let lido = if self.broken { Condition::Broken } else { Condition::Working(self.rate) };
        Moment { time, lido }
    }

    /// Does something that needs stETH, which may be broken: its storage is whole.
    pub(super) fn with_working_steth<T>(&mut self, act: impl FnOnce(&mut Chain, Lido) -> T) -> T {
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
        let mut world = World::new(&Scene::of(&walks[0])).unwrap();
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
