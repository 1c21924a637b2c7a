//! The recovery pool of a walk: what its views say, and its bytecode.

use alloy::{
    primitives::{Address, Log, U256},
    sol_types::SolValue,
};
use levee::{Blueprint, Earnings, RecoveryEvent, RecoveryView, bindings::RecoveryPool as Abi};
use levee_model::{PositionId, RecoveryBooks, Rescue, Timestamp, Wei};
use std::collections::BTreeMap;

use super::{bytecode::BytecodeError, views};
use crate::chain::{Chain, Failure, Receipt};

/// What the views of a recovery pool say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The waterfall now.
    pub waterfall: RecoveryView,
    /// What each position has earned and had.
    pub earnings: BTreeMap<PositionId, Earnings>,
}

impl Recovery {
    /// What the model says at `now`.
    pub fn of_model(pool: &RecoveryBooks, rescue: &Rescue, now: Timestamp) -> Self {
        Self {
            waterfall: pool.view(rescue, now),
            earnings: rescue.positions().map(|(id, _)| (id, pool.earnings(rescue, id))).collect(),
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
    pub(super) fn create(chain: &mut Chain, init_code: &[u8], escrow: Address) -> Result<Self, Failure> {
        let salt = Blueprint::recovery_pool(escrow).salt();
        let (address, _) = chain.deploy_create2(salt, &[init_code, &escrow.abi_encode()].concat())?;
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
        Ok(match RecoveryEvent::decode(log)? {
            RecoveryEvent::Created { .. } => None,
            RecoveryEvent::Recovered { payer, amount, .. } => Some((payer, self.address, amount)),
            RecoveryEvent::Repaid { draw_order, interest, principal, rest } => {
                *self.received.entry(draw_order).or_default() += interest + principal + rest;
                None
            }
            RecoveryEvent::Claimed { position, recipient, amount } => {
                *self.claimed.entry(position).or_default() += amount;
                Some((self.address, recipient, amount))
            }
        })
    }

    /// What its views say of the pool and of `positions`. What the events have told must be the same.
    pub(super) fn checked_view(
        &self,
        chain: &mut Chain,
        positions: impl Iterator<Item = PositionId>,
    ) -> Result<Recovery, BytecodeError> {
        let waterfall = RecoveryView::try_from(chain.read(self.address, &Abi::recoveryCall {})?)?;
        for group in &waterfall.groups {
            let told = self.received.get(&group.order).copied().unwrap_or_default();
            views::compare(&format!("received by order {}", group.order), &told, &group.received)?;
        }
        let earnings = positions.map(|id| Ok((id, self.checked_earnings(chain, id)?)));
        Ok(Recovery { waterfall, earnings: earnings.collect::<Result<_, BytecodeError>>()? })
    }

    fn checked_earnings(&self, chain: &mut Chain, id: PositionId) -> Result<Earnings, BytecodeError> {
        let call = Abi::earningsCall { pledger: id.pledger, tier: id.tier, asset: id.asset as u8 };
        let earnings = Earnings::try_from(chain.read(self.address, &call)?)?;
        views::compare(&format!("claimed by {id:?}"), &self.claimed(id), &earnings.claimed)?;
        Ok(earnings)
    }

    /// What a position has claimed, by the events.
    pub(super) fn claimed(&self, id: PositionId) -> Wei {
        self.claimed.get(&id).copied().unwrap_or_default()
    }
}
