//! A walk on the deployed bytecode.

use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U40, bytes},
    sol_types::{SolCall, SolEventInterface, SolInterface},
};
use levee::bindings::{
    PledgeEscrow::{self, PledgeEscrowErrors, PledgeEscrowEvents},
    StETH, WstETH,
};
use levee_model::{Asset, Rate, Status, Tier, Timestamp, Units, Wei};
use thiserror::Error;

use super::{
    cast::{BENEFICIARY, Cast, GUARDIAN, address_of},
    format::{Balances, Books, Op, Pay, PositionBook, PotBook, Walk, WalkTerms, Why},
    holdings::Holdings,
    replay::{Outcome, Subject},
};
use crate::{
    chain::{Chain, Failure, Receipt},
    escrow,
    lido::Lido,
};

/// All shares there are, so that the pooled ether is the rate.
const TOTAL_SHARES: u128 = levee_model::units::RATE_UNIT;

/// What each pledger starts with, of each asset: more than any walk pledges.
const PURSE: u128 = 10u128.pow(24);

/// Reverts, whatever it is asked, with [`BROKEN_DATA`].
const BROKEN_CODE: Bytes = bytes!("63b40ce2005f526004601cfd");

/// What no contract here reverts with, so that nothing else is taken for a broken stETH.
const BROKEN_DATA: Bytes = bytes!("b40ce200");

/// An escrow on a chain of its own, with Lido's tokens and everyone who takes part.
#[derive(Debug)]
pub struct Bytecode {
    chain: Chain,
    lido: Lido,
    steth_code: Bytes,
    escrow: Address,
    cast: Cast,
    accounts: Vec<Address>,
    holdings: Holdings,
    last_accepted: Timestamp,
}

/// What no walk speaks of.
#[derive(Debug, Error)]
pub enum BytecodeError {
    /// A read, or a change of the world around the escrow, failed.
    #[error(transparent)]
    World(#[from] Failure),
    /// A call was refused for a reason that has no word.
    #[error("no word for: {0}")]
    NoWord(Failure),
    /// An event of the escrow is not of its declaration.
    #[error("undecodable event: {0}")]
    Event(#[from] alloy::sol_types::Error),
    /// Balances did not move as the events say.
    #[error("{account} holds {found} of {asset}, and {expected} by the events")]
    Holdings {
        /// Who.
        account: String,
        /// Of what.
        asset: Asset,
        /// By the events.
        expected: U256,
        /// On the chain.
        found: U256,
    },
    /// The chain says a number that no rule allows.
    #[error("the escrow says {0}, which is out of bounds")]
    OutOfBounds(U256),
    /// The step belongs to a satellite.
    #[error("the core has no such call")]
    OutsideCore,
}

impl Subject for Bytecode {
    type Error = BytecodeError;

    fn start(walk: &Walk) -> Result<Self, BytecodeError> {
        let mut chain = Chain::new();
        chain.set_time(walk.start);
        let cast = Cast::of(walk);
        let bank = address_of("bank");
        let lido = Lido::deploy(&mut chain, bank, U256::from(TOTAL_SHARES), U256::from(walk.rate.get()))?;
        let (escrow, _) = escrow::create(&mut chain, terms(&walk.terms, lido))?;
        for pledger in cast.names().into_iter().filter(|&name| name != BENEFICIARY) {
            fill_purse(&mut chain, lido, bank, address_of(pledger), escrow)?;
        }
        let accounts: Vec<_> = cast.names().into_iter().map(address_of).chain([escrow]).collect();
        let steth_code = chain.code(lido.steth);
        let holdings = Holdings::read(&mut chain, lido, &accounts)?;
        Ok(Self { chain, lido, steth_code, escrow, cast, accounts, holdings, last_accepted: walk.start })
    }

    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, BytecodeError> {
        self.chain.set_time(time);
        match op {
            Op::Rebase { rate } => {
                self.rebase(*rate)?;
                Ok(Ok(Vec::new()))
            }
            Op::Break { broken } => {
                let code = if *broken { BROKEN_CODE } else { self.steth_code.clone() };
                self.chain.set_code(self.lido.steth, code);
                Ok(Ok(Vec::new()))
            }
            Op::Recover { .. } | Op::Claim { .. } => Err(BytecodeError::OutsideCore),
            _ => match self.call(op) {
                Ok(receipt) => {
                    self.last_accepted = time;
                    self.follow(&receipt).map(Ok)
                }
                Err(failure) => why(&failure, op).map(Err).ok_or(BytecodeError::NoWord(failure)),
            },
        }
    }

    fn stored_status(&mut self) -> Result<Status, BytecodeError> {
        // The view looks ahead, past the deadline. Not so at the time of the last call that went through: whatever
        // such a call finds when it looks ahead, it stores.
        self.chain.set_time(self.last_accepted);
        let status = self.chain.read(self.escrow, &PledgeEscrow::statusCall {})?;
        status_of(status)
    }

    fn books(&mut self, time: Timestamp) -> Result<Books, BytecodeError> {
        self.chain.set_time(time);
        let rescue = self.chain.read(self.escrow, &PledgeEscrow::rescueCall {})?;
        let settled = !rescue.settledAt.is_zero();
        Ok(Books {
            status: status_of(rescue.status)?,
            target: Wei::new(narrow(rescue.terms.target)?),
            deadline: rescue.terms.deadline.to(),
            active_threshold_bps: settled.then_some(rescue.thresholdMetBps),
            settlement_rate: Rate::new(rescue.rate.to()).filter(|_| settled),
            pots: rescue.pots.iter().map(pot_book).collect::<Result<_, _>>()?,
            positions: self.positions()?,
            beneficiary: Balances {
                eth: self.received(Asset::Eth)?,
                steth: self.received(Asset::StEth)?,
                wsteth: self.received(Asset::WstEth)?,
            },
        })
    }
}

impl Bytecode {
    /// Makes a call, from whom a walk means: the pledger, the guardian, or anyone.
    fn call(&mut self, op: &Op) -> Result<Receipt, Failure> {
        use PledgeEscrow as E;
        let (guardian, anyone) = (address_of(GUARDIAN), address_of("anyone"));
        match op {
            Op::Pledge { who, tier, asset, amount } => self.pledge(address_of(who), *tier, *asset, *amount),
            Op::Settle => self.send(anyone, &E::settleCall {}),
            Op::Release { asset } => self.send(anyone, &E::releaseCall { asset: *asset as u8 }),
            Op::Refund { who, tier, asset } => {
                let call = E::refundCall { pledger: address_of(who), tier: *tier, asset: *asset as u8 };
                self.send(anyone, &call)
            }
            Op::Exit { who, tier, asset } => {
                let call = E::exitCall { tier: *tier, asset: *asset as u8, recipient: address_of(who) };
                self.send(address_of(who), &call)
            }
            Op::Decline { who, tier, asset } => {
                let call = E::declineCall { pledger: address_of(who), tier: *tier, asset: *asset as u8 };
                self.send(guardian, &call)
            }
            Op::Amend { target, deadline } => {
                let (target, deadline) = (U256::from(target.get()), U40::from(*deadline));
                self.send(guardian, &E::amendCall { target, deadline, termsHash: B256::ZERO })
            }
            Op::Cancel => self.send(guardian, &E::cancelCall {}),
            Op::Object { who, tier, asset } => {
                self.send(address_of(who), &E::objectCall { tier: *tier, asset: *asset as u8 })
            }
            Op::Lapse => self.send(anyone, &E::lapseCall {}),
            Op::Expire => self.send(anyone, &E::expireCall {}),
            Op::Rebase { .. } | Op::Break { .. } | Op::Recover { .. } | Op::Claim { .. } => {
                unreachable!("{op:?} is no call of the escrow")
            }
        }
    }

    fn pledge(
        &mut self,
        pledger: Address,
        tier: u8,
        asset: Asset,
        amount: Units,
    ) -> Result<Receipt, Failure> {
        let amount = U256::from(amount.get());
        match asset {
            Asset::Eth => {
                let call = PledgeEscrow::pledgeETHCall { pledger, tier };
                self.chain.send_value(pledger, self.escrow, amount, &call)
            }
            Asset::StEth => {
                self.send(pledger, &PledgeEscrow::pledgeStETHCall { pledger, tier, shares: amount })
            }
            Asset::WstEth => self.send(pledger, &PledgeEscrow::pledgeWstETHCall { pledger, tier, amount }),
        }
    }

    fn send<C: SolCall>(&mut self, from: Address, call: &C) -> Result<Receipt, Failure> {
        self.chain.send(from, self.escrow, call)
    }

    fn rebase(&mut self, rate: Rate) -> Result<(), Failure> {
        let call = StETH::setTotalPooledEtherCall { wei_: U256::from(rate.get()) };
        self.with_working_steth(|chain, lido| chain.send(Address::ZERO, lido.steth, &call).map(drop))
    }

    /// Does something that needs stETH, which may be broken: its storage is whole.
    fn with_working_steth<T>(&mut self, act: impl FnOnce(&mut Chain, Lido) -> T) -> T {
        let code = self.chain.code(self.lido.steth);
        self.chain.set_code(self.lido.steth, self.steth_code.clone());
        let done = act(&mut self.chain, self.lido);
        self.chain.set_code(self.lido.steth, code);
        done
    }

    /// What a call paid, by its events. The balances of everyone must have moved by just what these say.
    fn follow(&mut self, receipt: &Receipt) -> Result<Vec<Pay>, BytecodeError> {
        let mut pays = Vec::new();
        for log in receipt.logs.iter().filter(|log| log.address == self.escrow) {
            let event = PledgeEscrowEvents::decode_log(log)?.data;
            let Some((from, to, asset, amount)) = self.movement(&event) else { continue };
            let (asset, amount) = (asset_of(asset)?, Units::new(amount));
            self.holdings.transfer(from, to, asset, amount);
            if from == self.escrow {
                pays.push(Pay(self.cast.name(to), asset, amount));
            }
        }
        self.expect_holdings()?;
        Ok(pays)
    }

    /// What an event says was moved: from whom, to whom, of which asset, how much.
    fn movement(&self, event: &PledgeEscrowEvents) -> Option<(Address, Address, u8, u128)> {
        use PledgeEscrowEvents as E;
        let escrow = self.escrow;
        match event {
            E::Pledged(event) => Some((event.pledger, escrow, event.asset, event.amount.to())),
            E::Exited(event) => Some((escrow, event.recipient, event.asset, event.amount.to())),
            E::Declined(event) => Some((escrow, event.pledger, event.asset, event.amount.to())),
            E::Refunded(event) => Some((escrow, event.recipient, event.asset, event.amount.to())),
            E::Released(event) => Some((escrow, address_of(BENEFICIARY), event.asset, event.amount.to())),
            _ => None,
        }
    }

    fn expect_holdings(&mut self) -> Result<(), BytecodeError> {
        let accounts = std::mem::take(&mut self.accounts);
        let found = self.with_working_steth(|chain, lido| Holdings::read(chain, lido, &accounts))?;
        self.accounts = accounts;
        let Some((account, asset, expected, found)) = self.holdings.difference(&found) else { return Ok(()) };
        Err(BytecodeError::Holdings { account: self.cast.name(account), asset, expected, found })
    }

    /// All of the beneficiary's: it started with nothing.
    fn received(&self, asset: Asset) -> Result<Units, BytecodeError> {
        narrow(self.holdings.of(address_of(BENEFICIARY), asset)).map(Units::new)
    }

    fn positions(&mut self) -> Result<Vec<PositionBook>, BytecodeError> {
        let mut books = Vec::new();
        for who in self.cast.names() {
            let call = PledgeEscrow::positionsCall { pledger: address_of(who) };
            for position in self.chain.read(self.escrow, &call)? {
                books.push(PositionBook {
                    who: who.to_owned(),
                    tier: position.tier,
                    asset: asset_of(position.asset)?,
                    amount: Units::new(position.amount.to()),
                    refunded: Units::new(position.refunded.to()),
                    recovered: None,
                });
            }
        }
        Ok(books)
    }
}

/// The escrow's terms of a walk, with the parties of its [`Cast`].
fn terms(walk: &WalkTerms, lido: Lido) -> PledgeEscrow::Terms {
    PledgeEscrow::Terms {
        beneficiary: address_of(BENEFICIARY),
        guardian: if walk.guardian { address_of(GUARDIAN) } else { Address::ZERO },
        stETH: lido.steth,
        wstETH: lido.wsteth,
        target: U256::from(walk.target.get()),
        deadline: U40::from(walk.deadline),
        tiers: walk.tiers.iter().map(tier).collect(),
        objectionPeriod: walk.objection_period,
        vetoBps: walk.veto_bps,
        tranches: walk.tranches,
        trancheInterval: walk.tranche_interval,
        releaseWindow: walk.release_window,
        exitWindow: walk.exit_window,
        termsHash: B256::ZERO,
    }
}

fn tier(tier: &Tier) -> PledgeEscrow::Tier {
    PledgeEscrow::Tier {
        thresholdBps: tier.threshold.get(),
        drawOrder: tier.draw_order,
        rateBps: tier.rate.get(),
    }
}

/// Gives `pledger` a purse of each asset, out of the `bank` that holds all shares, and allowances to `escrow` for all of
/// it.
fn fill_purse(
    chain: &mut Chain,
    lido: Lido,
    bank: Address,
    pledger: Address,
    escrow: Address,
) -> Result<(), Failure> {
    let Lido { steth, wsteth } = lido;
    let purse = U256::from(PURSE);
    chain.set_balance(pledger, purse);
    chain.send(bank, steth, &StETH::transferSharesCall { to: pledger, shares: purse * U256::from(2) })?;
    // One wei covers what the two roundings of a wrap lose.
    let worth = chain.read(steth, &StETH::getPooledEthBySharesCall { shares: purse })? + U256::ONE;
    for spender in [wsteth, escrow] {
        chain.send(pledger, steth, &StETH::approveCall { spender, amount: U256::MAX })?;
    }
    chain.send(pledger, wsteth, &WstETH::wrapCall { stETHAmount: worth })?;
    // wstETH uses up even the largest allowance, but not in one walk.
    chain.send(pledger, wsteth, &WstETH::approveCall { spender: escrow, units: U256::MAX })?;
    Ok(())
}

fn pot_book(pot: &PledgeEscrow::PotView) -> Result<PotBook, BytecodeError> {
    Ok(PotBook {
        tier: pot.tier,
        asset: asset_of(pot.asset)?,
        total: Units::new(pot.total.to()),
        drawn: Units::new(pot.drawn.to()),
    })
}

fn status_of(number: u8) -> Result<Status, BytecodeError> {
    Status::ALL.get(usize::from(number)).copied().ok_or(BytecodeError::OutOfBounds(U256::from(number)))
}

fn asset_of(number: u8) -> Result<Asset, BytecodeError> {
    Asset::ALL.get(usize::from(number)).copied().ok_or(BytecodeError::OutOfBounds(U256::from(number)))
}

fn narrow(number: U256) -> Result<u128, BytecodeError> {
    number.try_into().map_err(|_| BytecodeError::OutOfBounds(number))
}

/// The word for a failure; none for reasons that no walk meets.
fn why(failure: &Failure, op: &Op) -> Option<Why> {
    use PledgeEscrowErrors as E;
    let Failure::Revert(data) = failure else { return None };
    if *data == BROKEN_DATA {
        return Some(Why::StEth);
    }
    Some(match PledgeEscrowErrors::abi_decode(data).ok()? {
        E::PledgingClosed(_) | E::AmendmentPending(_) => Why::Closed,
        E::WrongStatus(_) | E::NoVeto(_) => Why::Status,
        // To expire too early counts as the wrong status, to lapse too early does not.
        E::TooEarly(_) if *op == Op::Expire => Why::Status,
        E::TooEarly(_) => Why::Early,
        E::ZeroAmount(_) => Why::Zero,
        E::RateUnreadable(_) => Why::StEth,
        E::NotGuardian(_) => Why::Guardian,
        E::AmendmentTooLate(_) | E::AmendedDeadlineTooEarly(_) | E::TargetOutOfBounds(_) => Why::Amendment,
        E::CoverageTooLow(_) => Why::Coverage,
        E::NoExitWindow(_) => Why::NoExit,
        E::NothingToReturn(_) => Why::Nothing,
        E::NothingDue(_) => Why::NothingDue,
        E::NothingToStop(_) => Why::Late,
        E::AlreadyObjected(_) | E::NothingDrawn(_) => Why::Objection,
        E::RateReadable(_) => Why::Readable,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::read;

    fn walk() -> Walk {
        let walks = read(include_str!("../../../../tests/vectors/rescue.json")).unwrap();
        walks.into_iter().next().unwrap()
    }

    #[test]
    fn a_balance_that_moves_without_an_event_is_noticed() {
        let walk = walk();
        let (first, next) = (&walk.steps[0], &walk.steps[1]);
        for account in [address_of(BENEFICIARY), address_of(first.op.who().unwrap())] {
            let mut subject = Bytecode::start(&walk).unwrap();
            assert_eq!(subject.play(first.t, &first.op).unwrap(), Ok(Vec::new()));
            let balance = subject.chain.balance(account);
            subject.chain.set_balance(account, balance + U256::ONE);
            let error = subject.play(next.t, &next.op).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "{} holds {} of ETH, and {balance} by the events",
                    subject.cast.name(account),
                    balance + U256::ONE
                )
            );
        }
    }

    #[test]
    fn a_broken_steth_reverts_and_comes_back_with_its_storage() {
        let mut subject = Bytecode::start(&walk()).unwrap();
        let call = StETH::sharesOfCall { account: address_of("frank") };
        let whole = subject.chain.read(subject.lido.steth, &call).unwrap();
        let mut turn = |broken| {
            subject.play(2_000_000_000, &Op::Break { broken }).unwrap().unwrap();
            subject.chain.read(subject.lido.steth, &call)
        };
        assert!(matches!(turn(true), Err(Failure::Revert(data)) if data == BROKEN_DATA));
        assert_eq!(turn(false).unwrap(), whole);
        assert!(!whole.is_zero());
    }
}
