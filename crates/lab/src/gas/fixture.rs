//! One rescue, from its creation to its releases, with every pot in use.
//!
//! [`Fixture`] is what measurements share; the calls of the escrow itself are measured here, those around it in
//! [`super::satellites`].

use super::Figure;
use crate::{
    chain::{Chain, Failure},
    escrow::{self, EscrowError},
    lido::{Lido, StETH, WstETH},
    walk::address_of,
};
use alloy::primitives::{Address, B256, Bytes, U256, bytes};
use levee::{Contracts, Edition};
use levee_model::{
    Asset, Bps, Goal, Operation, Pledge, PositionId, Route, Terms, Tier, Units, Wei, units::RATE_UNIT,
};

const START: u64 = 1_800_000_000;
const DAY: u32 = 86_400;
pub(super) const DEADLINE: u64 = START + 14 * DAY as u64;
pub(super) const EXIT_WINDOW: u32 = 3 * DAY;
pub(super) const SETTLED_AT: u64 = DEADLINE + 1;
const LATEST_DEADLINE: u64 = DEADLINE + 30 * DAY as u64;

/// Code that refuses everything.
const REVERTS: Bytes = bytes!("5f5ffd");

/// The tiers of a rescue, and what it needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Threshold, draw order and rate of each tier, in basis points.
    pub(super) tiers: &'static [(u16, u8, u16)],
    /// In wei.
    pub(super) target: u128,
}

/// The most tiers there can be, in four groups. Its target is below the value of all pots, above that of the first three
/// groups: all tiers are active, the last group is drawn in part.
const FULL: Shape = Shape {
    tiers: &[
        (1_000, 0, 0),
        (2_500, 0, 0),
        (4_000, 1, 0),
        (5_000, 1, 0),
        (6_000, 2, 200),
        (7_500, 2, 200),
        (9_000, 3, 500),
        (10_000, 3, 500),
    ],
    target: 2_765_432_109_876_543_210_987,
};

/// Wei per 10^27 shares.
const RATE: u128 = 1_234_567_890_123_456_789_012_345_678;

const TRANCHES: u8 = 4;
const OBJECTION_PERIOD: u32 = 2 * DAY;

/// What each pot holds before the measured pledger comes, by asset: the same whether few have pledged or many.
const POTS: [u128; 3] =
    [123_456_789_012_345_678_901, 98_765_432_109_876_543_211, 111_222_333_444_555_666_777];

pub(super) const FIRST_PLEDGE: u128 = 2_123_456_789_012_345_678;
const NEXT_PLEDGE: u128 = 1_987_654_321_098_765_432;

/// More than anyone here pledges.
const PURSE: u128 = 10u128.pow(22);

/// The rescue, created and open.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) chain: Chain,
    pub(super) lido: Lido,
    pub(super) contracts: Contracts,
    shape: Shape,
    create_gas: u64,
    /// What pledges name.
    amendment: u64,
}

impl Fixture {
    /// A rescue that can be settled in full.
    pub(super) fn full() -> Result<Self, EscrowError> {
        Self::new(FULL)
    }

    pub(super) fn new(shape: Shape) -> Result<Self, EscrowError> {
        let mut chain = Chain::new();
        chain.set_time(START);
        let lido = Lido::deploy(&mut chain, bank(), U256::from(RATE_UNIT), U256::from(RATE))?;
        let (escrow, receipt) = escrow::create(&mut chain, &terms(shape, lido))?;
        let contracts = Contracts::of(escrow, Edition::LATEST);
        Ok(Self { chain, lido, contracts, shape, create_gas: receipt.gas_used, amendment: 0 })
    }

    /// Gas of the creation, and bytes of the code.
    pub(super) fn creation(&mut self) -> Vec<Figure> {
        let code_size = self.chain.code(self.contracts.escrow).len() as u64;
        vec![figure("create", self.create_gas), figure("code_size", code_size)]
    }

    /// Gas of each call of the rescue's life, in which `others` pledge before the one who is measured.
    pub(super) fn costs(mut self, others: usize) -> Result<Vec<Figure>, Failure> {
        self.fill_purse(payer())?;
        self.fill_pots(others)?;
        self.fill_purse(pledger())?;
        let mut figures = vec![
            figure("pledge_eth_new", self.pledge_own(Asset::Eth, FIRST_PLEDGE)?),
            figure("pledge_eth_next", self.pledge_own(Asset::Eth, NEXT_PLEDGE)?),
            figure("pledge_wsteth_new", self.pledge_own(Asset::WstEth, FIRST_PLEDGE)?),
            figure("pledge_steth_new", self.pledge_own(Asset::StEth, FIRST_PLEDGE)?),
        ];
        self.chain.set_time(SETTLED_AT);
        figures.push(figure("settle_full", self.make(anyone(), Operation::Settle)?));
        let refund = Operation::Refund(self.position(Asset::Eth));
        figures.push(figure("refund_eth", self.make(anyone(), refund)?));
        figures.extend(self.releases()?);
        Ok(figures)
    }

    /// Gas of pledges of ETH that name an amendment, while it is pending and once it is in force.
    pub(super) fn amended_costs(mut self, others: usize) -> Result<Vec<Figure>, Failure> {
        self.fill_purse(payer())?;
        self.fill_pots(others)?;
        self.fill_purse(pledger())?;
        let (target, terms_hash) = (Wei::new(self.shape.target - 1), B256::repeat_byte(0xa3));
        let goal = Goal { target, deadline: LATEST_DEADLINE, terms_hash };
        self.make(guardian(), Operation::Amend(goal))?;
        self.amendment = START + u64::from(EXIT_WINDOW);
        let mut figures = self.eth_pledges(self.last_tier(), "pending")?;
        self.chain.set_time(self.amendment);
        figures.extend(self.eth_pledges(0, "amended")?);
        Ok(figures)
    }

    fn eth_pledges(&mut self, tier: u8, when: &str) -> Result<Vec<Figure>, Failure> {
        let mut pledge = |name: &str, amount| -> Result<Figure, Failure> {
            let gas = self.pledge(pledger(), pledger(), tier, Asset::Eth, amount)?;
            Ok(figure(&format!("pledge_eth_{name}_{when}"), gas))
        };
        Ok(vec![pledge("new", FIRST_PLEDGE)?, pledge("next", NEXT_PLEDGE)?])
    }

    /// Gas of collecting what a decline could not pay, by somebody else: ETH that the pledger refused, and stETH while it was
    /// broken.
    pub(super) fn collections(mut self, others: usize) -> Result<Vec<Figure>, Failure> {
        self.fill_purse(payer())?;
        self.fill_pots(others)?;
        self.fill_purse(pledger())?;
        let mut figures = Vec::new();
        let tokens =
            [(Asset::Eth, pledger(), "collect_eth"), (Asset::StEth, self.lido.steth, "collect_steth")];
        for (asset, breaks, name) in tokens {
            self.pledge_own(asset, FIRST_PLEDGE)?;
            let code = self.chain.code(breaks);
            self.chain.set_code(breaks, REVERTS);
            self.make(guardian(), Operation::Decline(self.position(asset)))?;
            self.chain.set_code(breaks, code);
            let collect = Operation::Collect { pledger: pledger(), asset };
            figures.push(figure(name, self.make(anyone(), collect)?));
        }
        Ok(figures)
    }

    /// Gas of a release of the dearest asset, to a beneficiary without and with some of it. Each tranche of the three
    /// assets is released when it falls due: the first finds a beneficiary without any, the last ends the rescue.
    pub(super) fn releases(&mut self) -> Result<[Figure; 2], Failure> {
        let fresh = self.release_tranche(0)?;
        let mut held = 0;
        for tranche in 1..TRANCHES {
            held = held.max(self.release_tranche(tranche)?);
        }
        Ok([figure("release_asset_fresh", fresh), figure("release_asset", held)])
    }

    /// Gas of the dearest of three releases. Tranches count from 0.
    fn release_tranche(&mut self, tranche: u8) -> Result<u64, Failure> {
        self.chain.set_time(SETTLED_AT + u64::from(OBJECTION_PERIOD + u32::from(tranche) * DAY));
        let mut dearest = 0;
        for asset in Asset::ALL {
            dearest = dearest.max(self.make(anyone(), Operation::Release(asset))?);
        }
        Ok(dearest)
    }

    /// The tier of the measured pledges: of the group that is drawn in part.
    pub(super) fn last_tier(&self) -> u8 {
        self.shape.tiers.len() as u8 - 1
    }

    /// Fills each pot up to [`POTS`], by so many pledgers, each of whom pledges at least once; someone else pays.
    pub(super) fn fill_pots(&mut self, others: usize) -> Result<(), Failure> {
        let tiers = 0..=self.last_tier();
        let pots: Vec<_> = tiers.flat_map(|tier| Asset::ALL.map(|asset| (tier, asset))).collect();
        let pledges = others.max(pots.len());
        for (pot, &(tier, asset)) in pots.iter().enumerate() {
            let rounds = (pledges - pot).div_ceil(pots.len());
            for round in 0..rounds {
                let pledger = other((round * pots.len() + pot) % others);
                let amount = part(POTS[asset as usize], round as u128, rounds as u128);
                self.pledge(payer(), pledger, tier, asset, amount)?;
            }
        }
        Ok(())
    }

    pub(super) fn pledge_own(&mut self, asset: Asset, amount: u128) -> Result<u64, Failure> {
        self.pledge(pledger(), pledger(), self.last_tier(), asset, amount)
    }

    fn pledge(
        &mut self,
        from: Address,
        pledger: Address,
        tier: u8,
        asset: Asset,
        amount: u128,
    ) -> Result<u64, Failure> {
        let (amount, amendment) = (Units::new(amount).of(asset), self.amendment);
        let pledge = Pledge { pledger, tier, amount, amendment, route: Route::Direct };
        self.make(from, Operation::Pledge(pledge))
    }

    /// Gas of a call.
    pub(super) fn make(&mut self, from: Address, operation: Operation) -> Result<u64, Failure> {
        let transaction = self.contracts.transaction(operation).expect("the deadline fits 40 bits");
        Ok(self.chain.execute(from, &transaction)?.gas_used)
    }

    /// The measured pledger's position of `asset`.
    pub(super) fn position(&self, asset: Asset) -> PositionId {
        PositionId { pledger: pledger(), tier: self.last_tier(), asset }
    }

    /// Gives `account` each asset, and allowances to the escrow that no pledge uses up.
    pub(super) fn fill_purse(&mut self, account: Address) -> Result<(), Failure> {
        self.fill_tokens(account)?;
        let (purse, Lido { steth, wsteth }) = (U256::from(PURSE), self.lido);
        let (spender, chain) = (self.contracts.escrow, &mut self.chain);
        chain.set_balance(account, purse);
        chain.send(account, steth, &StETH::approveCall { spender, amount: purse })?;
        chain.send(account, wsteth, &WstETH::approveCall { spender, units: purse })?;
        Ok(())
    }

    /// Gives `account` stETH and wstETH.
    pub(super) fn fill_tokens(&mut self, account: Address) -> Result<(), Failure> {
        let (purse, Lido { steth, wsteth }) = (U256::from(PURSE), self.lido);
        let chain = &mut self.chain;
        let shares = purse * U256::from(2);
        chain.send(bank(), steth, &StETH::transferSharesCall { to: account, shares })?;
        chain.send(account, steth, &StETH::approveCall { spender: wsteth, amount: purse })?;
        chain.send(account, wsteth, &WstETH::wrapCall { stETHAmount: purse })?;
        Ok(())
    }
}

pub(super) fn figure(name: &str, amount: u64) -> Figure {
    Figure { name: name.to_owned(), amount }
}

/// Part `index` of `parts` that add up to `whole`, all of nearly the same size.
fn part(whole: u128, index: u128, parts: u128) -> u128 {
    whole * (index + 1) / parts - whole * index / parts
}

fn terms(shape: Shape, lido: Lido) -> Terms {
    let tier = |&(threshold, draw_order, rate)| Tier {
        threshold: Bps::new(threshold),
        draw_order,
        rate: Bps::new(rate),
    };
    Terms {
        beneficiary: address_of("beneficiary"),
        guardian: guardian(),
        steth: lido.steth,
        wsteth: lido.wsteth,
        target: Wei::new(shape.target),
        deadline: DEADLINE,
        latest_deadline: LATEST_DEADLINE,
        tiers: shape.tiers.iter().map(tier).collect(),
        objection_period: OBJECTION_PERIOD,
        veto: Bps::new(2_000),
        tranches: TRANCHES,
        tranche_interval: DAY,
        release_window: 30 * DAY,
        exit_window: EXIT_WINDOW,
        terms_hash: B256::repeat_byte(0x5a),
    }
}

/// One of those who pledge before.
fn other(index: usize) -> Address {
    address_of(&format!("other {index}"))
}

/// Someone who has no part in the rescue.
pub(super) fn anyone() -> Address {
    address_of("anyone")
}

/// Proposes, and declines.
fn guardian() -> Address {
    address_of("guardian")
}

/// Holds all shares at first.
fn bank() -> Address {
    address_of("bank")
}

/// Whose calls are measured.
pub(super) fn pledger() -> Address {
    address_of("pledger")
}

/// Pays the pledges of all others.
pub(super) fn payer() -> Address {
    address_of("payer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee::bindings::PledgeEscrow;

    #[test]
    fn every_pot_is_drawn_the_last_group_in_part() {
        let mut fixture = Fixture::full().unwrap();
        fixture.fill_purse(payer()).unwrap();
        fixture.fill_pots(10).unwrap();
        fixture.chain.set_time(SETTLED_AT);
        let rescue = fixture.chain.read(fixture.contracts.escrow, &PledgeEscrow::rescueCall {}).unwrap();
        assert_eq!((rescue.thresholdMetBps, rescue.drawn), (10_000, U256::from(FULL.target)));
        assert_eq!(rescue.pots.len(), 24);
        for pot in rescue.pots {
            assert_eq!(pot.total.to::<u128>(), POTS[usize::from(pot.asset)]);
            let whole = FULL.tiers[usize::from(pot.tier)].1 < FULL.tiers[usize::from(fixture.last_tier())].1;
            assert_eq!(pot.drawn == pot.total, whole, "tier {}, asset {}", pot.tier, pot.asset);
            assert!(!pot.drawn.is_zero());
        }
    }

    #[test]
    fn each_of_the_others_has_pledged() {
        for (others, each) in [(10, vec![3, 3, 3, 3, 2, 2, 2, 2, 2, 2]), (100, vec![1; 100])] {
            let mut fixture = Fixture::full().unwrap();
            fixture.fill_purse(payer()).unwrap();
            fixture.fill_pots(others).unwrap();
            let count = |index| {
                let call = PledgeEscrow::positionsCall { pledger: other(index) };
                fixture.chain.read(fixture.contracts.escrow, &call).unwrap().len()
            };
            assert_eq!((0..others).map(count).collect::<Vec<_>>(), each);
        }
    }
}
