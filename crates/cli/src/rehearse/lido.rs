//! The model of Lido's two tokens, and WETH: deployed, and changed as the scenario says.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    rpc::types::TransactionRequest,
    sol_types::{SolCall, SolConstructor},
};
use eyre::{Result, bail, ensure};
use levee::bindings::{StETH, WETH, WrappedEther, WstETH};
use levee_model::{Amount, Asset, Lido, Rate, Shares, Timestamp, Units, Wei, prorata, units::RATE_UNIT};

use super::{
    cast::{self, LIDO},
    chain::{Chain, REVERTING},
};
use crate::amount::{self, Amount as WrittenAmount};

/// stETH and wstETH, and their state.
///
/// There are as many shares as a rate counts, so that the pooled ether is the rate.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    rate: Rate,
    paused: bool,
    /// stETH's own code, while it is broken.
    replaced: Option<Bytes>,
}

/// A change in the state of stETH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LidoChange {
    /// The value of its shares changes.
    Rebase(Rate),
    /// It cannot be transferred, but its rate can be read.
    Pause,
    /// It can be transferred again.
    Resume,
    /// Every call to it reverts.
    Break,
    /// It works as before it broke.
    Repair,
}

impl LidoChange {
    /// The change in words.
    pub(crate) fn summary(self) -> String {
        match self {
            Self::Rebase(rate) => format!("one stETH share is worth {}", worth_of_share(rate)),
            Self::Pause => "stETH cannot be transferred; its rate can be read".into(),
            Self::Resume => "stETH can be transferred again".into(),
            Self::Break => "every call to stETH reverts".into(),
            Self::Repair => "stETH works again".into(),
        }
    }
}

/// An amount of stETH in shares, rounded down, as stETH itself computes it.
fn shares_down(amount: Wei, rate: Rate) -> Shares {
    let shares = U256::from(amount.get()) * U256::from(RATE_UNIT) / U256::from(rate.get());
    Shares::new(shares.saturating_to())
}

/// The value of one share (10^18 of its smallest unit): `1.2 ETH`.
pub(crate) fn worth_of_share(rate: Rate) -> String {
    amount::eth(prorata::shares_value_down(Shares::new(10u128.pow(18)), rate))
}

/// A call of one of the tokens by `from`.
fn call(from: Address, token: Address, call: &impl SolCall) -> TransactionRequest {
    TransactionRequest::default().with_from(from).with_to(token).with_input(call.abi_encode())
}

impl Tokens {
    /// Deploys them, at the addresses that [`cast::tokens`] and [`cast::weth`] say. All shares are [`LIDO`]'s.
    pub(crate) async fn deploy(chain: &Chain, time: Timestamp, rate: Rate) -> Result<Self> {
        let from = cast::address(LIDO);
        let [steth, _] = cast::tokens();
        let arguments = StETH::constructorCall {
            totalShares: U256::from(RATE_UNIT),
            totalPooledEther: U256::from(rate.get()),
        };
        let of_steth = [&StETH::BYTECODE[..], &arguments.abi_encode()].concat();
        let of_wsteth =
            [&WstETH::BYTECODE[..], &WstETH::constructorCall { stETH_: steth }.abi_encode()].concat();
        let of_weth = WrappedEther::BYTECODE.to_vec();
        for (code, what) in [(of_steth, "stETH"), (of_wsteth, "wstETH"), (of_weth, "WETH")] {
            let request = TransactionRequest::default().with_from(from).with_deploy_code(code);
            chain.must(time, request, &format!("deploying {what}")).await?;
        }
        Ok(Self::at(rate))
    }

    /// Both, working, at a rate.
    pub(crate) const fn at(rate: Rate) -> Self {
        Self { rate, paused: false, replaced: None }
    }

    /// What calls find.
    pub(crate) const fn condition(&self) -> Lido {
        match (&self.replaced, self.paused) {
            (Some(_), _) => Lido::Broken,
            (None, true) => Lido::Paused(self.rate),
            (None, false) => Lido::Working(self.rate),
        }
    }

    /// The rate, known here even while it cannot be read.
    pub(crate) const fn rate(&self) -> Rate {
        self.rate
    }

    /// An amount as the books would hold it now.
    pub(crate) fn booked(&self, amount: WrittenAmount) -> Amount {
        match amount {
            WrittenAmount::Eth(wei) => Amount::Eth(wei),
            WrittenAmount::StEth(wei) => Amount::StEth(shares_down(wei, self.rate)),
            WrittenAmount::Shares(shares) => Amount::StEth(shares),
            WrittenAmount::WstEth(units) => Amount::WstEth(units),
        }
    }

    /// Gives `to` shares of stETH or units of wstETH, and lets `spender` take them.
    pub(crate) async fn give(
        &self,
        chain: &Chain,
        time: Timestamp,
        to: Address,
        amount: Amount,
        spender: Address,
    ) -> Result<()> {
        for request in self.giving(to, amount, spender) {
            chain.must(time, request, &format!("giving {}", amount.asset())).await?;
        }
        Ok(())
    }

    fn giving(&self, to: Address, given: Amount, spender: Address) -> Vec<TransactionRequest> {
        let [steth, wsteth] = cast::tokens();
        let (from, amount) = (cast::address(LIDO), U256::from(given.units().get()));
        match given {
            // It is no token, and not Lido's to give.
            Amount::Eth(_) => Vec::new(),
            Amount::StEth(_) => vec![
                call(from, steth, &StETH::transferSharesCall { to, shares: amount }),
                call(to, steth, &StETH::approveCall { spender, amount: U256::MAX }),
            ],
            Amount::WstEth(_) => vec![
                call(from, steth, &StETH::approveCall { spender: wsteth, amount: U256::MAX }),
                call(from, wsteth, &WstETH::wrapCall { stETHAmount: self.worth_up(amount) }),
                call(from, wsteth, &WstETH::transferCall { to, units: amount }),
                call(to, wsteth, &WstETH::approveCall { spender, units: U256::MAX }),
            ],
        }
    }

    /// Turns some of `owner`'s ETH into WETH, and lets `spender` take it.
    pub(crate) async fn wrap(
        chain: &Chain,
        time: Timestamp,
        owner: Address,
        amount: Wei,
        spender: Address,
    ) -> Result<()> {
        let (weth, amount) = (cast::weth(), U256::from(amount.get()));
        let deposit = call(owner, weth, &WETH::depositCall {}).with_value(amount);
        chain.must(time, deposit, "wrapping ETH").await?;
        chain.must(time, call(owner, weth, &WETH::approveCall { spender, amount }), "approving WETH").await
    }

    /// The stETH that is worth so many shares or a little more.
    fn worth_up(&self, shares: U256) -> U256 {
        (shares * U256::from(self.rate.get())).div_ceil(U256::from(RATE_UNIT))
    }

    /// Changes their state.
    pub(crate) async fn change(&mut self, chain: &Chain, time: Timestamp, change: LidoChange) -> Result<()> {
        let [steth, _] = cast::tokens();
        let from = cast::address(LIDO);
        match change {
            LidoChange::Rebase(rate) => {
                let wei_ = U256::from(rate.get());
                let request = call(from, steth, &StETH::setTotalPooledEtherCall { wei_ });
                chain.must(time, request, "a rebase").await?;
                self.rate = rate;
            }
            LidoChange::Pause => {
                chain.must(time, call(from, steth, &StETH::stopCall {}), "a pause").await?;
                self.paused = true;
            }
            LidoChange::Resume => {
                chain.must(time, call(from, steth, &StETH::resumeCall {}), "the end of a pause").await?;
                self.paused = false;
            }
            LidoChange::Break => {
                ensure!(self.replaced.is_none(), "stETH is already broken");
                self.replaced = Some(chain.replace_code(steth, REVERTING).await?);
            }
            LidoChange::Repair => match self.replaced.take() {
                Some(code) => drop(chain.replace_code(steth, code).await?),
                None => bail!("stETH is not broken"),
            },
        }
        Ok(())
    }

    /// What `account` has of an asset; WETH is ETH. stETH is asked with its own code even while it is broken.
    pub(crate) async fn balance(&self, chain: &Chain, account: Address, asset: Asset) -> Result<Units> {
        let [steth, wsteth] = cast::tokens();
        let number = match asset {
            Asset::Eth => {
                let wrapped = chain.read(cast::weth(), &WETH::balanceOfCall { owner: account }, None).await?;
                chain.balance(account).await? + wrapped
            }
            Asset::StEth => {
                let call = StETH::sharesOfCall { account };
                chain.read(steth, &call, self.replaced.clone()).await?
            }
            Asset::WstEth => chain.read(wsteth, &WstETH::balanceOfCall { account }, None).await?,
        };
        Ok(Units::new(number.saturating_to()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_an_amount_round_down() {
        let rate = Rate::new(1_200_000_000_000_000_000_000_000_000).unwrap();
        let ether = 10u128.pow(18);
        assert_eq!(shares_down(Wei::new(2_500 * ether), rate), Shares::new(2_083_333_333_333_333_333_333));
        assert_eq!(
            shares_down(Wei::new(u128::MAX), rate).get(),
            283_568_639_100_782_052_886_145_506_193_140_176_212
        );
    }
}
