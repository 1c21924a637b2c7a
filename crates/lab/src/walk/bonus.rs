//! What the views of a bonus pool say.

use alloy::primitives::{Address, U256};
use levee::{BonusShare, BonusView, PoolBooks, bindings::BonusPool as Abi};
use levee_model::{Enlistment, Models, PositionId, UnitSeconds, Units, Wei};
use std::collections::BTreeMap;

use super::{bytecode::BytecodeError, cast::Cast, views};
use crate::chain::Chain;

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
    pub fn of_model(Models { rescue, bonus, .. }: &Models, cast: &Cast) -> Self {
        let of = |(id, enlistment)| (id, (enlistment, bonus.share(rescue, id)));
        let sponsors = cast.addresses().map(|sponsor| (sponsor, bonus.contribution_of(sponsor)));
        Self {
            view: bonus.view(),
            positions: bonus.enlistments().map(of).collect(),
            contributions: sponsors.collect(),
        }
    }
}

/// What the views of the pool at `pool` say. What the events have told must be the same.
pub(super) fn checked(
    chain: &mut Chain,
    pool: Address,
    books: &PoolBooks,
    cast: &Cast,
) -> Result<Bonus, BytecodeError> {
    let view = BonusView::try_from(chain.read(pool, &Abi::bonusCall {})?)?;
    views::compare("bonus", &books.bonus, &view)?;
    let positions = books.enlistments.keys().map(|&id| Ok((id, checked_position(chain, pool, books, id)?)));
    let positions = positions.collect::<Result<_, BytecodeError>>()?;
    let mut contributions = BTreeMap::new();
    for sponsor in cast.addresses() {
        let added = wei(chain.read(pool, &Abi::contributionOfCall { sponsor })?)?;
        let told = books.contributions.get(&sponsor).copied().unwrap_or_default();
        views::compare(&format!("contribution of {sponsor}"), &told, &added)?;
        contributions.insert(sponsor, added);
    }
    Ok(Bonus { view, positions, contributions })
}

fn checked_position(
    chain: &mut Chain,
    pool: Address,
    books: &PoolBooks,
    id: PositionId,
) -> Result<(Enlistment, BonusShare), BytecodeError> {
    let PositionId { pledger, tier, asset } = id;
    let asset = asset as u8;
    let raw = chain.read(pool, &Abi::enlistedCall { pledger, tier, asset })?;
    let enlistment = Enlistment {
        departures: raw.departures.to(),
        enlisted: Units::new(raw.amount.to()),
        unit_seconds: UnitSeconds::new(U256::from(raw.unitSeconds)),
    };
    views::compare(&format!("enlisted of {id:?}"), &books.enlistments[&id], &enlistment)?;
    let raw = chain.read(pool, &Abi::shareOfCall { pledger, tier, asset })?;
    let share = BonusShare { share: wei(raw.share)?, claimed: raw.claimed };
    let told = books.bonus_claimed.get(&id).copied();
    views::compare(&format!("claimed by {id:?}"), &told, &Some(share.share).filter(|_| share.claimed))?;
    Ok((enlistment, share))
}

fn wei(amount: U256) -> Result<Wei, BytecodeError> {
    amount.try_into().map(Wei::new).map_err(|_| BytecodeError::TooMuch(amount))
}
