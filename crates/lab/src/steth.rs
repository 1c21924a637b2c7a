//! Replays a recording of the real Lido contracts (`tests/vectors/steth.json`) against the test model of them.
//!
//! The model is as good as this check: every call of the recording must succeed or fail alike, for the same reason,
//! return the same values, and leave the same totals, balances and allowances, to the wei.

use crate::{
    chain::{Chain, Failure, Receipt},
    lido::{Lido, StETH, WstETH},
};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

/// The amount of the paused calls, in wei, shares or units.
const PROBE: U256 = U256::from_limbs([1_000, 0, 0, 0]);

/// A recording: the state it starts from, calls with their outcome, and calls made while stETH was stopped.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    start: State,
    steps: Vec<Step>,
    paused: BTreeMap<String, Outcome>,
}

/// What a successful replay covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Steps replayed.
    pub steps: usize,
    /// Calls made while stETH was stopped.
    pub paused_calls: usize,
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The model and the recording do not agree.
    #[error("{place}: {what}: expected {expected}, found {found}")]
    Differs {
        /// The step or the paused call.
        place: String,
        /// What was compared.
        what: String,
        /// What the recording says.
        expected: String,
        /// What the model did.
        found: String,
    },
    /// The recording names an account that it does not list.
    #[error("the recording has no account {0}")]
    NoAccount(usize),
    /// The recording holds a paused call that is not known here.
    #[error("the recording has an unknown paused call `{0}`")]
    UnknownCall(String),
    /// The paused calls need an account with some stETH and some wstETH.
    #[error("no account holds both stETH and wstETH when stETH is stopped")]
    NoHolder,
    /// A call failed that has to succeed: deploying the model, or reading from it.
    #[error("the model does not work: {0}")]
    Model(#[from] Failure),
}

#[derive(Clone, Debug, Deserialize)]
struct Step {
    #[serde(flatten)]
    op: Op,
    #[serde(flatten)]
    outcome: Outcome,
    after: State,
}

/// One call; `from` sends it. Amounts are in the unit that the field names.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Op {
    Submit {
        from: usize,
        wei: U256,
    },
    Rebase {
        total_pooled_ether: U256,
        total_shares: U256,
    },
    Convert {
        shares: U256,
        pooled_eth: U256,
        #[serde(rename = "stETH")]
        steth: U256,
        shares_back: U256,
    },
    Transfer {
        from: usize,
        to: usize,
        #[serde(rename = "stETH")]
        steth: U256,
    },
    TransferShares {
        from: usize,
        to: usize,
        shares: U256,
    },
    TransferFrom {
        from: usize,
        owner: usize,
        to: usize,
        #[serde(rename = "stETH")]
        steth: U256,
        allowance_after: U256,
    },
    TransferSharesFrom {
        from: usize,
        owner: usize,
        to: usize,
        shares: U256,
        allowance_after: U256,
    },
    Approve {
        from: usize,
        to: usize,
        #[serde(rename = "stETH")]
        steth: U256,
        allowance_after: U256,
    },
    Wrap {
        from: usize,
        #[serde(rename = "stETH")]
        steth: U256,
    },
    Unwrap {
        from: usize,
        #[serde(rename = "wstETH")]
        wsteth: U256,
    },
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Outcome {
    ok: bool,
    /// The text of the revert.
    reason: Option<String>,
    /// The returned value, where the recording has it.
    returned: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    total_pooled_ether: U256,
    total_shares: U256,
    /// The last one is the wstETH contract.
    accounts: Vec<Holdings>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Holdings {
    shares: U256,
    #[serde(rename = "stETH")]
    steth: U256,
    /// None for the wstETH contract.
    #[serde(rename = "wstETH")]
    wsteth: Option<U256>,
}

/// Replays `recording` on a fresh chain; the first difference ends it.
pub fn replay(recording: &Recording) -> Result<Summary, ReplayError> {
    let mut replay = Replay::new(&recording.start)?;
    replay.expect_state("start", &recording.start)?;
    for (index, step) in recording.steps.iter().enumerate() {
        let place = format!("step {index} ({:?})", step.op);
        let found = replay.run(&place, &step.op)?;
        expect(&place, "outcome", &step.outcome, &found)?;
        replay.expect_allowance(&place, &step.op)?;
        replay.expect_state(&place, &step.after)?;
    }
    replay.expect_paused(&recording.paused)?;
    Ok(Summary { steps: recording.steps.len(), paused_calls: recording.paused.len() })
}

/// The model on a chain, and the recording's accounts on it.
struct Replay {
    chain: Chain,
    lido: Lido,
    accounts: Vec<Address>,
}

impl Replay {
    fn new(start: &State) -> Result<Self, ReplayError> {
        let mut chain = Chain::new();
        // The recording's starting shares belong to none of its accounts.
        let deployer = Address::repeat_byte(0xde);
        let lido = Lido::deploy(&mut chain, deployer, start.total_shares, start.total_pooled_ether)?;
        let mut accounts: Vec<Address> =
            (0xa0..).map(Address::repeat_byte).take(start.accounts.len()).collect();
        if let Some(last) = accounts.last_mut() {
            *last = lido.wsteth;
        }
        for &account in &accounts {
            let call = StETH::approveCall { spender: lido.wsteth, amount: U256::MAX };
            chain.send(account, lido.steth, &call)?;
        }
        Ok(Self { chain, lido, accounts })
    }

    /// Makes one call of the recording. What a rebase or a conversion is about is compared at once.
    fn run(&mut self, place: &str, op: &Op) -> Result<Outcome, ReplayError> {
        let Lido { steth, wsteth } = self.lido;
        match *op {
            Op::Submit { from, wei } => self.submit(from, wei),
            Op::Rebase { total_pooled_ether, total_shares } => {
                self.rebase(place, total_pooled_ether, total_shares)
            }
            Op::Convert { shares, pooled_eth, steth, shares_back } => {
                self.convert(place, (shares, pooled_eth), (steth, shares_back))
            }
            Op::Transfer { from, to, steth: amount } => {
                let to = self.account(to)?;
                self.send(from, steth, &StETH::transferCall { to, amount })
            }
            Op::TransferShares { from, to, shares } => {
                let to = self.account(to)?;
                self.send(from, steth, &StETH::transferSharesCall { to, shares })
            }
            Op::TransferFrom { from, owner, to, steth: amount, .. } => {
                let (owner, to) = (self.account(owner)?, self.account(to)?);
                self.send(from, steth, &StETH::transferFromCall { from: owner, to, amount })
            }
            Op::TransferSharesFrom { from, owner, to, shares, .. } => {
                let (owner, to) = (self.account(owner)?, self.account(to)?);
                self.send(from, steth, &StETH::transferSharesFromCall { from: owner, to, shares })
            }
            Op::Approve { from, to, steth: amount, .. } => {
                let spender = self.account(to)?;
                self.send(from, steth, &StETH::approveCall { spender, amount })
            }
            Op::Wrap { from, steth: amount } => {
                self.send(from, wsteth, &WstETH::wrapCall { stETHAmount: amount })
            }
            Op::Unwrap { from, wsteth: units } => self.send(from, wsteth, &WstETH::unwrapCall { units }),
        }
    }

    /// Sets the pooled ether; a rebase of the recording never mints shares.
    fn rebase(&mut self, place: &str, pooled_ether: U256, shares: U256) -> Result<Outcome, ReplayError> {
        let steth = self.lido.steth;
        let rebased =
            self.chain.send(Address::ZERO, steth, &StETH::setTotalPooledEtherCall { wei_: pooled_ether });
        expect(place, "total shares", &shares, &self.chain.read(steth, &StETH::getTotalSharesCall {})?)?;
        Ok(Outcome::without_value(rebased))
    }

    /// Compares (shares, wei they stand for) and (stETH, shares it stands for).
    fn convert(
        &mut self,
        place: &str,
        (shares, pooled_eth): (U256, U256),
        (amount, shares_back): (U256, U256),
    ) -> Result<Outcome, ReplayError> {
        let steth = self.lido.steth;
        let to_eth = self.chain.read(steth, &StETH::getPooledEthBySharesCall { shares })?;
        expect(place, "pooled ether by shares", &pooled_eth, &to_eth)?;
        let to_shares = self.chain.read(steth, &StETH::getSharesByPooledEthCall { ethAmount: amount })?;
        expect(place, "shares by pooled ether", &shares_back, &to_shares)?;
        Ok(Outcome { ok: true, reason: None, returned: None })
    }

    /// Submits from an account that gets the ETH for it; the recording does not say what it returned.
    fn submit(&mut self, from: usize, wei: U256) -> Result<Outcome, ReplayError> {
        let from = self.account(from)?;
        self.chain.set_balance(from, wei);
        let call = StETH::submitCall { referral: Address::ZERO };
        Ok(Outcome::without_value(self.chain.send_value(from, self.lido.steth, wei, &call)))
    }

    fn send<C>(&mut self, from: usize, to: Address, call: &C) -> Result<Outcome, ReplayError>
    where
        C: SolCall<Return: Display>,
    {
        let from = self.account(from)?;
        Ok(Outcome::of(self.chain.send(from, to, call).and_then(|receipt| receipt.decode::<C>())))
    }

    fn account(&self, index: usize) -> Result<Address, ReplayError> {
        self.accounts.get(index).copied().ok_or(ReplayError::NoAccount(index))
    }

    /// Compares the allowance that the call used or set, if it is of that kind.
    fn expect_allowance(&mut self, place: &str, op: &Op) -> Result<(), ReplayError> {
        let (owner, spender, expected) = match *op {
            Op::Approve { from, to, allowance_after, .. } => (from, to, allowance_after),
            Op::TransferFrom { from, owner, allowance_after, .. }
            | Op::TransferSharesFrom { from, owner, allowance_after, .. } => (owner, from, allowance_after),
            _ => return Ok(()),
        };
        let call = StETH::allowanceCall { owner: self.account(owner)?, spender: self.account(spender)? };
        let found = self.chain.read(self.lido.steth, &call)?;
        expect(place, "allowance", &expected, &found)
    }

    fn expect_state(&mut self, place: &str, expected: &State) -> Result<(), ReplayError> {
        let steth = self.lido.steth;
        let pooled_ether = self.chain.read(steth, &StETH::getTotalPooledEtherCall {})?;
        expect(place, "total pooled ether", &expected.total_pooled_ether, &pooled_ether)?;
        let shares = self.chain.read(steth, &StETH::getTotalSharesCall {})?;
        expect(place, "total shares", &expected.total_shares, &shares)?;
        for (index, expected) in expected.accounts.iter().enumerate() {
            let account = self.account(index)?;
            expect(place, &format!("account {index}"), expected, &self.holdings(account)?)?;
        }
        Ok(())
    }

    fn holdings(&mut self, account: Address) -> Result<Holdings, Failure> {
        let Lido { steth, wsteth } = self.lido;
        let is_wrapper = account == wsteth;
        Ok(Holdings {
            shares: self.chain.read(steth, &StETH::sharesOfCall { account })?,
            steth: self.chain.read(steth, &StETH::balanceOfCall { account })?,
            wsteth: if is_wrapper {
                None
            } else {
                Some(self.chain.read(wsteth, &WstETH::balanceOfCall { account })?)
            },
        })
    }

    /// Stops stETH, then makes each of the recorded calls with a small amount that would go through otherwise.
    fn expect_paused(&mut self, calls: &BTreeMap<String, Outcome>) -> Result<(), ReplayError> {
        let holder = self.holder_of_both()?;
        self.chain.send(Address::ZERO, self.lido.steth, &StETH::stopCall {})?;
        for (name, expected) in calls {
            let found = self.call_by_name(name, holder)?;
            expect(&format!("paused call {name}"), "outcome", expected, &found)?;
        }
        Ok(())
    }

    /// `name` is `token.function`, as in the recording.
    fn call_by_name(&mut self, name: &str, from: usize) -> Result<Outcome, ReplayError> {
        let Lido { steth, wsteth } = self.lido;
        let other = self.account((from + 1) % self.accounts.len())?;
        match name {
            "stETH.transfer" => self.send(from, steth, &StETH::transferCall { to: other, amount: PROBE }),
            "stETH.transferShares" => {
                self.send(from, steth, &StETH::transferSharesCall { to: other, shares: PROBE })
            }
            "stETH.approve" => self.send(from, steth, &StETH::approveCall { spender: other, amount: PROBE }),
            "wstETH.transfer" => self.send(from, wsteth, &WstETH::transferCall { to: other, units: PROBE }),
            "wstETH.wrap" => self.send(from, wsteth, &WstETH::wrapCall { stETHAmount: PROBE }),
            "wstETH.unwrap" => self.send(from, wsteth, &WstETH::unwrapCall { units: PROBE }),
            _ => Err(ReplayError::UnknownCall(name.to_owned())),
        }
    }

    /// An account that can afford every paused call, so that only the stop can refuse it.
    fn holder_of_both(&mut self) -> Result<usize, ReplayError> {
        let enough = PROBE * U256::from(10);
        for index in 0..self.accounts.len() {
            let holdings = self.holdings(self.accounts[index])?;
            if holdings.steth >= enough && holdings.wsteth >= Some(enough) {
                return Ok(index);
            }
        }
        Err(ReplayError::NoHolder)
    }
}

impl Outcome {
    fn of<T: Display>(result: Result<T, Failure>) -> Self {
        match result {
            Ok(value) => Self { ok: true, reason: None, returned: Some(value.to_string()) },
            Err(failure) => {
                let reason = failure.reason().unwrap_or_else(|| failure.to_string());
                Self { ok: false, reason: Some(reason), returned: None }
            }
        }
    }

    fn without_value(result: Result<Receipt, Failure>) -> Self {
        Self { returned: None, ..Self::of(result.map(|_| "")) }
    }
}

fn expect<T: PartialEq + Display>(
    place: &str,
    what: &str,
    expected: &T,
    found: &T,
) -> Result<(), ReplayError> {
    if expected == found {
        return Ok(());
    }
    Err(ReplayError::Differs {
        place: place.to_owned(),
        what: what.to_owned(),
        expected: expected.to_string(),
        found: found.to_string(),
    })
}

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ok, &self.reason, &self.returned) {
            (true, _, Some(value)) => write!(f, "success returning {value}"),
            (true, _, None) => write!(f, "success"),
            (false, reason, _) => write!(f, "failure with `{}`", reason.as_deref().unwrap_or_default()),
        }
    }
}

impl Display for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shares, {} stETH", self.shares, self.steth)?;
        self.wsteth.map_or(Ok(()), |units| write!(f, ", {units} wstETH"))
    }
}
