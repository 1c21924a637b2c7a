//! The recovery pool of a walk: what its views say, and its bytecode.

use alloy::{
    primitives::{Address, B256, Log, U256, b256},
    sol_types::{SolEventInterface, SolValue},
};
use levee::bindings::RecoveryPool::{self as Abi, GroupView, RecoveryPoolEvents};
use levee_model::{Asset, Bps, PositionId, Rate, RecoveryGroup, RecoveryPool, Rescue, Timestamp, Wei};
use std::collections::BTreeMap;

use super::{bytecode::BytecodeError, views};
use crate::chain::{Chain, Failure, Receipt};

/// The salt that every pool is created with: keccak256("levee.RecoveryPool.v1").
const SALT: B256 = b256!("23989035c96399c34468f518bbfb8c6de7ad5400c48747c363e3a3a888cd829b");

/// What the views of a recovery pool say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// When interest was last added; none before the first deposit.
    pub accrued_at: Option<Timestamp>,
    /// The rate that values positions in shares; none when no pot held any.
    pub rate: Option<Rate>,
    /// By falling draw order, with the interest up to now.
    pub groups: Vec<RecoveryGroup>,
    /// What each position has earned in all, and what of that was paid.
    pub earnings: BTreeMap<PositionId, (Wei, Wei)>,
}

impl Recovery {
    /// What the model says at `now`.
    pub fn of_model(pool: &RecoveryPool, rescue: &Rescue, now: Timestamp) -> Self {
        let earnings =
            rescue.positions().map(|(id, _)| (id, (pool.earned_down(rescue, id), pool.claimed(id))));
        Self {
            accrued_at: pool.accrued_at(),
            rate: pool.rate(rescue),
            groups: pool.groups(now),
            earnings: earnings.collect(),
        }
    }
}

/// The deployed pool, and what its events have told.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) address: Address,
    received: BTreeMap<u8, Wei>,
    claimed: BTreeMap<PositionId, Wei>,
}

impl Pool {
    pub(super) fn create(chain: &mut Chain, escrow: Address) -> Result<Self, Failure> {
        let init_code = [&Abi::BYTECODE[..], &escrow.abi_encode()].concat();
        let (address, _) = chain.deploy_create2(SALT, &init_code)?;
        Ok(Self { address, received: BTreeMap::new(), claimed: BTreeMap::new() })
    }

    pub(super) fn recover(&self, chain: &mut Chain, payer: Address, amount: Wei) -> Result<Receipt, Failure> {
        chain.send_value(payer, self.address, U256::from(amount.get()), &Abi::recoverCall {})
    }

    /// By the pledger to a recipient, or by anyone else.
    pub(super) fn claim(
        &self,
        chain: &mut Chain,
        anyone: Address,
        id: PositionId,
        recipient: Option<Address>,
    ) -> Result<Receipt, Failure> {
        let PositionId { pledger, tier, asset } = id;
        let asset = asset as u8;
        match recipient {
            None => chain.send(anyone, self.address, &Abi::claimCall { pledger, tier, asset }),
            Some(recipient) => {
                chain.send(pledger, self.address, &Abi::claimToCall { tier, asset, recipient })
            }
        }
    }

    /// Takes note of an event. Returns what it says was moved: from whom, to whom, how many wei.
    pub(super) fn follow(&mut self, log: &Log) -> Result<Option<(Address, Address, Wei)>, BytecodeError> {
        let pool = self.address;
        Ok(match RecoveryPoolEvents::decode_log(log).map_err(Failure::from)?.data {
            RecoveryPoolEvents::Recovered(event) => Some((event.payer, pool, wei(event.amount)?)),
            RecoveryPoolEvents::Repaid(event) => {
                let amounts = wei(event.interest)? + wei(event.principal)? + wei(event.rest)?;
                *self.received.entry(event.drawOrder).or_default() += amounts;
                None
            }
            RecoveryPoolEvents::Claimed(event) => {
                let asset = Asset::ALL[usize::from(event.asset)];
                let id = PositionId { pledger: event.pledger, tier: event.tier, asset };
                let amount = wei(event.amount)?;
                *self.claimed.entry(id).or_default() += amount;
                Some((pool, event.recipient, amount))
            }
            RecoveryPoolEvents::RecoveryPoolCreated(_) => None,
        })
    }

    /// What its views say of the pool and of `positions`. What the events have told must be the same.
    pub(super) fn checked_view(
        &self,
        chain: &mut Chain,
        positions: impl Iterator<Item = PositionId>,
    ) -> Result<Recovery, BytecodeError> {
        let page = chain.read(self.address, &Abi::recoveryCall {})?;
        let groups = page.groups.iter().map(group).collect::<Result<Vec<_>, _>>()?;
        for group in &groups {
            let told = self.received.get(&group.order).copied().unwrap_or_default();
            views::compare(&format!("received by order {}", group.order), &told, &group.received)?;
        }
        let earnings = positions.map(|id| Ok((id, self.checked_earnings(chain, id)?)));
        Ok(Recovery {
            accrued_at: Some(page.accruedAt.to()).filter(|&time| time != 0),
            rate: Rate::new(page.rate.to()),
            groups,
            earnings: earnings.collect::<Result<_, BytecodeError>>()?,
        })
    }

    fn checked_earnings(&self, chain: &mut Chain, id: PositionId) -> Result<(Wei, Wei), BytecodeError> {
        let call = Abi::earningsCall { pledger: id.pledger, tier: id.tier, asset: id.asset as u8 };
        let earnings = chain.read(self.address, &call)?;
        let (earned, claimed) = (wei(earnings.earned)?, wei(earnings.claimed)?);
        views::compare(&format!("claimed by {id:?}"), &self.claimed(id), &claimed)?;
        Ok((earned, claimed))
    }

    /// What a position has claimed, by the events.
    pub(super) fn claimed(&self, id: PositionId) -> Wei {
        self.claimed.get(&id).copied().unwrap_or_default()
    }
}

fn group(view: &GroupView) -> Result<RecoveryGroup, BytecodeError> {
    Ok(RecoveryGroup {
        order: view.drawOrder,
        rate: Bps::new(view.rateBps),
        value: wei(view.value)?,
        principal: wei(view.principal)?,
        interest: wei(view.interest)?,
        received: wei(view.received)?,
    })
}

fn wei(number: U256) -> Result<Wei, BytecodeError> {
    number.try_into().map(Wei::new).map_err(|_| BytecodeError::TooMuch(number))
}
