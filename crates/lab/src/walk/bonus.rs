//! The bonus pool of a walk: what its views say, and its bytecode.

use alloy::{
    primitives::{Address, Log, U256},
    sol_types::SolValue,
};
use levee::{Blueprint, BonusEvent, BonusShare, BonusView, bindings::BonusPool as Abi};
use levee_model::{
    BonusBooks, BonusDecision, Enlistment, PositionId, Rate, Rescue, UnitSeconds, Units, Wei, WeiSeconds,
};
use std::collections::BTreeMap;

use super::{
    bytecode::BytecodeError,
    cast::{Cast, address_of, anyone},
    format::Op,
    views,
};
use crate::chain::{Chain, Failure, Receipt};

/// What the views of a bonus pool say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bonus {
    /// The books.
    pub view: BonusView,
    /// What counts of each position that was enlisted, and what it gets.
    pub positions: BTreeMap<PositionId, (Enlistment, BonusShare)>,
    /// What each sponsor has added and not taken back.
    pub contributions: BTreeMap<Address, Wei>,
}

impl Bonus {
    /// What the model says of everyone in `cast`.
    pub fn of_model(pool: &BonusBooks, rescue: &Rescue, cast: &Cast) -> Self {
        let of = |(id, enlistment)| (id, (enlistment, pool.share(rescue, id)));
        let sponsors = cast.addresses().map(|sponsor| (sponsor, pool.contribution_of(sponsor)));
        Self {
            view: pool.view(),
            positions: pool.enlistments().map(of).collect(),
            contributions: sponsors.collect(),
        }
    }
}

/// The deployed pool, and what its events have told.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) address: Address,
    total: Wei,
    decision: Option<BonusDecision>,
    enlisted: BTreeMap<PositionId, Enlistment>,
    claimed: BTreeMap<PositionId, Wei>,
    contributions: BTreeMap<Address, Wei>,
}

impl Pool {
    pub(super) fn create(chain: &mut Chain, init_code: &[u8], escrow: Address) -> Result<Self, Failure> {
        let salt = Blueprint::bonus_pool(escrow).salt();
        let (address, _) = chain.deploy_create2(salt, &[init_code, &escrow.abi_encode()].concat())?;
        Ok(Self {
            address,
            total: Wei::ZERO,
            decision: None,
            enlisted: BTreeMap::new(),
            claimed: BTreeMap::new(),
            contributions: BTreeMap::new(),
        })
    }

    /// Makes a call, from whom a walk means.
    pub(super) fn call(&self, chain: &mut Chain, op: &Op) -> Result<Receipt, Failure> {
        let pool = self.address;
        match op {
            Op::Add { who, amount, payer } => {
                let payer = address_of(payer.as_ref().unwrap_or(who));
                let call = Abi::addCall { sponsor: address_of(who) };
                chain.send_value(payer, pool, U256::from(amount.get()), &call)
            }
            Op::Enlist { who, tier, asset } => {
                let call = Abi::enlistCall { pledger: address_of(who), tier: *tier, asset: *asset as u8 };
                chain.send(anyone(), pool, &call)
            }
            Op::Bonus { who, tier, asset, to: None } => {
                let call = Abi::claimCall { pledger: address_of(who), tier: *tier, asset: *asset as u8 };
                chain.send(anyone(), pool, &call)
            }
            Op::Bonus { who, tier, asset, to: Some(to) } => {
                let call = Abi::claimToCall { tier: *tier, asset: *asset as u8, recipient: address_of(to) };
                chain.send(address_of(who), pool, &call)
            }
            Op::TakeBack { who, to: Some(to), .. } => {
                chain.send(address_of(who), pool, &Abi::takeBackToCall { recipient: address_of(to) })
            }
            Op::TakeBack { who, own, to: None } => {
                let sponsor = address_of(who);
                let caller = if *own { sponsor } else { anyone() };
                chain.send(caller, pool, &Abi::takeBackCall { sponsor })
            }
            _ => unreachable!("{op:?} is no call of the bonus pool"),
        }
    }

    /// Takes note of an event of a call that `payer` paid for. Returns what it says was moved: from whom, to whom, how many
    /// wei.
    pub(super) fn follow(
        &mut self,
        payer: Option<Address>,
        log: &Log,
    ) -> Result<Option<(Address, Address, Wei)>, BytecodeError> {
        Ok(match BonusEvent::decode(log)? {
            BonusEvent::Created { .. } => None,
            BonusEvent::Added { sponsor, amount } => {
                *self.contributions.entry(sponsor).or_default() += amount;
                self.total += amount;
                Some((payer.unwrap_or(sponsor), self.address, amount))
            }
            BonusEvent::Enlisted { position, enlistment } => {
                self.enlisted.insert(position, enlistment);
                None
            }
            BonusEvent::Decided(decision) => {
                self.decision = Some(decision);
                None
            }
            BonusEvent::Claimed { position, recipient, amount } => {
                *self.claimed.entry(position).or_default() += amount;
                Some((self.address, recipient, amount))
            }
            BonusEvent::Returned { sponsor, recipient, amount } => {
                let added = self.contributions.remove(&sponsor).unwrap_or_default();
                if self.decision.is_none() {
                    // What a sponsor added is part of the total.
                    self.total = self.total - added;
                }
                Some((self.address, recipient, amount))
            }
        })
    }

    /// What its views say. What the events have told must be the same.
    pub(super) fn checked_view(&self, chain: &mut Chain, cast: &Cast) -> Result<Bonus, BytecodeError> {
        let view = self.view(chain)?;
        views::compare("bonus", &BonusView { total: self.total, decision: self.decision }, &view)?;
        let positions = self.enlisted.keys().map(|&id| Ok((id, self.checked_position(chain, id)?)));
        let positions = positions.collect::<Result<_, BytecodeError>>()?;
        let mut contributions = BTreeMap::new();
        for sponsor in cast.addresses() {
            let added = wei(chain.read(self.address, &Abi::contributionOfCall { sponsor })?)?;
            let told = self.contributions.get(&sponsor).copied().unwrap_or_default();
            views::compare(&format!("contribution of {sponsor}"), &told, &added)?;
            contributions.insert(sponsor, added);
        }
        Ok(Bonus { view, positions, contributions })
    }

    fn view(&self, chain: &mut Chain) -> Result<BonusView, BytecodeError> {
        let raw = chain.read(self.address, &Abi::bonusCall {})?;
        let decision = BonusDecision {
            bonus: wei(raw.total)?,
            pledgers: wei(raw.pledgersPart)?,
            value: WeiSeconds::new(raw.value),
            rate: Rate::new(raw.rate.to()),
        };
        Ok(BonusView { total: decision.bonus, decision: raw.decided.then_some(decision) })
    }

    fn checked_position(
        &self,
        chain: &mut Chain,
        id: PositionId,
    ) -> Result<(Enlistment, BonusShare), BytecodeError> {
        let PositionId { pledger, tier, asset } = id;
        let asset = asset as u8;
        let raw = chain.read(self.address, &Abi::enlistedCall { pledger, tier, asset })?;
        let enlistment = Enlistment {
            departures: raw.departures.to(),
            enlisted: Units::new(raw.amount.to()),
            unit_seconds: UnitSeconds::new(U256::from(raw.unitSeconds)),
        };
        views::compare(&format!("enlisted of {id:?}"), &self.enlisted[&id], &enlistment)?;
        let raw = chain.read(self.address, &Abi::shareOfCall { pledger, tier, asset })?;
        let share = BonusShare { share: wei(raw.share)?, claimed: raw.claimed };
        let told = self.claimed.get(&id).copied();
        views::compare(&format!("claimed by {id:?}"), &told, &Some(share.share).filter(|_| share.claimed))?;
        Ok((enlistment, share))
    }
}

fn wei(amount: U256) -> Result<Wei, BytecodeError> {
    amount.try_into().map(Wei::new).map_err(|_| BytecodeError::TooMuch(amount))
}
