//! Levee's escrow beside the two contracts of OpenZeppelin that do the nearest thing.
//!
//! Each raises ETH from pledgers toward a goal and pays one beneficiary or refunds everyone. They do less: no tiers, no
//! tranches, no stETH, and `RefundEscrow` lets its owner decide. Each takes the same pledges on a chain of its own, with
//! the same clock; the figures are gas of whole transactions, added up where a step takes several.

use crate::{
    chain::{Chain, Failure},
    escrow::{self, EscrowError},
    walk::address_of,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::{SolCall, SolValue},
};
use levee::bindings::PledgeEscrow;
use levee_model::{Asset, Bps, Terms, Tier, Wei};
use serde::Deserialize;

sol! {
    interface RefundEscrow {
        function deposit(address refundee) external payable;
        function close() external;
        function enableRefunds() external;
        function beneficiaryWithdraw() external;
        function withdraw(address payee) external;
    }

    interface RefundableCrowdsale {
        function buyTokens(address beneficiary) external payable;
        function finalize() external;
        function claimRefund(address refundee) external;
    }

    interface Token {
        function transfer(address to, uint256 amount) external returns (bool);
    }
}

/// How many pledge, the measured one among them.
const PLEDGERS: [u64; 3] = [1, 100, 1_000];

const START: u64 = 1_800_000_000;
const DEADLINE: u64 = START + 86_400;

/// What each pledge is of, in wei.
const PLEDGE: u128 = 2_123_456_789_012_345_678;

/// Creation code of the contracts that are compared with, by name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Peers {
    refund_escrow: Bytes,
    peer_crowdsale: Bytes,
    peer_token: Bytes,
}

/// What one contract costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Costs {
    create: u64,
    first_pledge: u64,
    next_pledge: u64,
    release: u64,
    fail: u64,
    refund: u64,
}

/// Measures all three, and renders a table in Markdown: a row for each step and number of pledgers.
///
/// # Errors
/// When a call fails, all of which have to go through.
pub fn table(peers: &Peers) -> Result<String, EscrowError> {
    let mut text = String::from(
        "| pledgers | step (gas, Osaka) | Levee | RefundEscrow 4.9.6 | RefundableCrowdsale 2.3.0 |\n|---|---|---|---|---|\n",
    );
    for pledgers in PLEDGERS {
        let levee = costs(pledgers, Levee::create)?;
        let refund_escrow = costs(pledgers, |chain, _| OwnedEscrow::create(chain, peers))?;
        let crowdsale = costs(pledgers, |chain, goal| Crowdsale::create(chain, peers, goal))?;
        let of = |step: fn(&Costs) -> u64| [&levee, &refund_escrow, &crowdsale].map(step);
        for (step, [levee, refund_escrow, crowdsale]) in [
            ("create", of(|costs| costs.create)),
            ("first pledge", of(|costs| costs.first_pledge)),
            ("next pledge", of(|costs| costs.next_pledge)),
            ("release", of(|costs| costs.release)),
            ("end it as failed", of(|costs| costs.fail)),
            ("refund", of(|costs| costs.refund)),
        ] {
            text += &format!("| {pledgers} | {step} | {levee} | {refund_escrow} | {crowdsale} |\n");
        }
    }
    Ok(text)
}

/// A contract that raises ETH.
trait Raise: Sized {
    fn pledge(&self, chain: &mut Chain, pledger: Address, amount: U256) -> Result<u64, Failure>;
    /// After the deadline, with the goal reached: all calls until the beneficiary has the ETH.
    fn release(&self, chain: &mut Chain) -> Result<u64, Failure>;
    /// After the deadline, with the goal missed: the call that makes refunds possible.
    fn fail(&self, chain: &mut Chain) -> Result<u64, Failure>;
    fn refund(&self, chain: &mut Chain, pledger: Address) -> Result<u64, Failure>;
}

/// Plays a raise that reaches its goal and one that misses it.
fn costs<R: Raise>(
    pledgers: u64,
    create: impl Fn(&mut Chain, U256) -> Result<(R, u64), EscrowError>,
) -> Result<Costs, EscrowError> {
    let measured = address_of("pledger");
    // The measured pledger pledges twice.
    let goal = U256::from(PLEDGE) * U256::from(pledgers + 1);
    let raise = |goal| -> Result<_, EscrowError> {
        let mut chain = Chain::new();
        chain.set_time(START);
        let (raise, create) = create(&mut chain, goal)?;
        for other in 1..pledgers {
            pledge(&raise, &mut chain, address_of(&format!("other {other}")))?;
        }
        let first_pledge = pledge(&raise, &mut chain, measured)?;
        let next_pledge = pledge(&raise, &mut chain, measured)?;
        chain.set_time(DEADLINE + 1);
        Ok((chain, raise, create, first_pledge, next_pledge))
    };
    let (mut chain, reached, create, first_pledge, next_pledge) = raise(goal)?;
    let release = reached.release(&mut chain)?;
    let (mut chain, missed, ..) = raise(goal + U256::from(1))?;
    let fail = missed.fail(&mut chain)?;
    let refund = missed.refund(&mut chain, measured)?;
    Ok(Costs { create, first_pledge, next_pledge, release, fail, refund })
}

fn pledge(raise: &impl Raise, chain: &mut Chain, pledger: Address) -> Result<u64, Failure> {
    let amount = U256::from(PLEDGE);
    raise.pledge(chain, pledger, amount)
}

/// One tier, ETH only, one tranche that is due as soon as can be: a second after settlement.
struct Levee(Address);

impl Levee {
    fn create(chain: &mut Chain, goal: U256) -> Result<(Self, u64), EscrowError> {
        let terms = Terms {
            beneficiary: beneficiary(),
            guardian: Address::ZERO,
            steth: Address::ZERO,
            wsteth: Address::ZERO,
            target: Wei::new(goal.to()),
            deadline: DEADLINE,
            latest_deadline: DEADLINE,
            tiers: vec![Tier { threshold: Bps::new(10_000), draw_order: 0, rate: Bps::new(0) }],
            objection_period: 1,
            veto: Bps::new(0),
            tranches: 1,
            tranche_interval: 0,
            release_window: 86_400,
            exit_window: 86_400,
            terms_hash: B256::ZERO,
        };
        let (address, receipt) = escrow::create(chain, &terms)?;
        Ok((Self(address), receipt.gas_used))
    }
}

impl Raise for Levee {
    fn pledge(&self, chain: &mut Chain, pledger: Address, amount: U256) -> Result<u64, Failure> {
        send(chain, pledger, self.0, amount, &PledgeEscrow::pledgeETHCall { pledger, tier: 0, amendment: 0 })
    }

    fn release(&self, chain: &mut Chain) -> Result<u64, Failure> {
        let settle = call(chain, owner(), self.0, &PledgeEscrow::settleCall {})?;
        chain.set_time(chain.time() + 1);
        let release = PledgeEscrow::releaseCall { asset: Asset::Eth as u8 };
        Ok(settle + call(chain, owner(), self.0, &release)?)
    }

    fn fail(&self, chain: &mut Chain) -> Result<u64, Failure> {
        call(chain, owner(), self.0, &PledgeEscrow::settleCall {})
    }

    fn refund(&self, chain: &mut Chain, pledger: Address) -> Result<u64, Failure> {
        let refund = PledgeEscrow::refundCall { pledger, tier: 0, asset: Asset::Eth as u8 };
        call(chain, owner(), self.0, &refund)
    }
}

/// OpenZeppelin's escrow: its owner pays in for pledgers, and decides.
struct OwnedEscrow(Address);

impl OwnedEscrow {
    fn create(chain: &mut Chain, peers: &Peers) -> Result<(Self, u64), EscrowError> {
        let (address, gas) = deploy(chain, &peers.refund_escrow, &beneficiary().abi_encode())?;
        Ok((Self(address), gas))
    }
}

impl Raise for OwnedEscrow {
    fn pledge(&self, chain: &mut Chain, pledger: Address, amount: U256) -> Result<u64, Failure> {
        send(chain, owner(), self.0, amount, &RefundEscrow::depositCall { refundee: pledger })
    }

    fn release(&self, chain: &mut Chain) -> Result<u64, Failure> {
        let close = call(chain, owner(), self.0, &RefundEscrow::closeCall {})?;
        Ok(close + call(chain, owner(), self.0, &RefundEscrow::beneficiaryWithdrawCall {})?)
    }

    fn fail(&self, chain: &mut Chain) -> Result<u64, Failure> {
        call(chain, owner(), self.0, &RefundEscrow::enableRefundsCall {})
    }

    fn refund(&self, chain: &mut Chain, pledger: Address) -> Result<u64, Failure> {
        call(chain, owner(), self.0, &RefundEscrow::withdrawCall { payee: pledger })
    }
}

/// OpenZeppelin's crowdsale: pledgers get a token for what they pay, and keep it when they are refunded.
struct Crowdsale(Address);

impl Crowdsale {
    /// The creation of the token is not counted.
    fn create(chain: &mut Chain, peers: &Peers, goal: U256) -> Result<(Self, u64), EscrowError> {
        let supply = goal * U256::from(2);
        let (token, _) = deploy(chain, &peers.peer_token, &supply.abi_encode())?;
        let times = (U256::from(START), U256::from(DEADLINE));
        let arguments = (goal, times.0, times.1, beneficiary(), token).abi_encode();
        let (address, gas) = deploy(chain, &peers.peer_crowdsale, &arguments)?;
        call(chain, owner(), token, &Token::transferCall { to: address, amount: supply })?;
        Ok((Self(address), gas))
    }
}

impl Raise for Crowdsale {
    fn pledge(&self, chain: &mut Chain, pledger: Address, amount: U256) -> Result<u64, Failure> {
        send(chain, pledger, self.0, amount, &RefundableCrowdsale::buyTokensCall { beneficiary: pledger })
    }

    fn release(&self, chain: &mut Chain) -> Result<u64, Failure> {
        call(chain, owner(), self.0, &RefundableCrowdsale::finalizeCall {})
    }

    fn fail(&self, chain: &mut Chain) -> Result<u64, Failure> {
        call(chain, owner(), self.0, &RefundableCrowdsale::finalizeCall {})
    }

    fn refund(&self, chain: &mut Chain, pledger: Address) -> Result<u64, Failure> {
        call(chain, owner(), self.0, &RefundableCrowdsale::claimRefundCall { refundee: pledger })
    }
}

fn deploy(chain: &mut Chain, code: &Bytes, arguments: &[u8]) -> Result<(Address, u64), Failure> {
    let init_code: Bytes = [code, arguments].concat().into();
    let (address, receipt) = chain.deploy(owner(), init_code)?;
    Ok((address, receipt.gas_used))
}

fn call<C: SolCall>(chain: &mut Chain, from: Address, to: Address, call: &C) -> Result<u64, Failure> {
    send(chain, from, to, U256::ZERO, call)
}

/// A call with ETH that its sender has just for it.
fn send<C: SolCall>(
    chain: &mut Chain,
    from: Address,
    to: Address,
    amount: U256,
    call: &C,
) -> Result<u64, Failure> {
    chain.set_balance(from, amount);
    Ok(chain.send_value(from, to, amount, call)?.gas_used)
}

/// Owns what has an owner, and makes the calls that anyone can.
fn owner() -> Address {
    address_of("owner")
}

fn beneficiary() -> Address {
    address_of("beneficiary")
}
