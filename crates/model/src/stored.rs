//! What the contracts store, from which their models are made at once, instead of call by call from the creation on.
//!
//! A model made so answers every question that depends on no other pledger. What no contract can store is refused, so
//! that the arithmetic of the rules holds for it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;

use crate::{
    amendment::{Amendment, Goal},
    asset::{Asset, PerAsset},
    bonus::{BonusBooks, BonusView, Enlistment},
    books::{Position, PositionId, Pots},
    recovery::{RecoveryBooks, RecoveryGroup},
    rescue::Rescue,
    schedule::{self, Timestamp},
    settlement::Settlement,
    state::State,
    status::{EndReason, Status},
    terms::Terms,
    units::{Rate, Units, Wei},
};

/// What an escrow stores, apart from its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRescue {
    /// The status.
    pub status: Status,
    /// Why it failed, or what first cancelled it.
    pub end_reason: Option<EndReason>,
    /// The goal before the latest amendment, if that is not in force yet; else the one in force.
    pub goal: Goal,
    /// The latest amendment.
    pub amendment: Option<Amendment>,
    /// The rate recorded when it failed; that of a settlement is in `settlement`.
    pub failed_rate: Option<Rate>,
    /// What settlement recorded, but for the draws.
    pub settlement: Option<Settlement>,
    /// Tranches that the beneficiary keeps.
    pub kept: PerAsset<u8>,
    /// Tranches delivered.
    pub delivered: PerAsset<u8>,
    /// Whether what was stopped goes back at the times at which it would have fallen due.
    pub returns_by_calendar: bool,
    /// Drawn value that has objected.
    pub objected: Wei,
    /// The block in which the escrow was created.
    pub created_block: u64,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// When what was due but not delivered was given up.
    pub lapsed_at: Option<Timestamp>,
    /// When it became final.
    pub final_at: Option<Timestamp>,
    /// The pots.
    pub pots: Pots,
    /// The positions that are known, which need not be all.
    pub positions: BTreeMap<PositionId, Position>,
    /// What is known to be owed from exits and declines.
    pub owed: BTreeMap<(Address, Asset), Units>,
}

impl StoredRescue {
    /// The rescue of the escrow at `escrow` with these original terms, at `now`; none if no escrow can store this.
    pub fn restored(self, escrow: Address, terms: Terms, now: Timestamp) -> Option<Rescue> {
        let is_possible = terms.check(0).is_ok() && self.targets_fit() && self.counts_fit(&terms, now);
        if !is_possible || !self.pots_fit(&terms) || !self.settlement_fits(&terms) {
            return None;
        }
        let (created_block, positions, owed) =
            (self.created_block, self.positions.clone(), self.owed.clone());
        let rescue = Rescue { escrow, terms, state: State::from(self), positions, owed, created_block };
        rescue.positions.iter().all(|(&id, &position)| fits(&rescue, id, position, now)).then_some(rescue)
    }

    fn counts_fit(&self, terms: &Terms, now: Timestamp) -> bool {
        let settled_at = self.settlement.map(|settlement| settlement.settled_at);
        let due = settled_at.map_or(0, |settled_at| schedule::due(terms, settled_at, now));
        // A veto keeps no more than is due.
        let most = if self.returns_by_calendar { due } else { terms.tranches };
        let fits = |asset| self.kept[asset] <= most && self.delivered[asset] <= terms.tranches;
        Asset::ALL.into_iter().all(fits)
    }

    fn targets_fit(&self) -> bool {
        let goals = [Some(self.goal), self.amendment.map(|amendment| amendment.goal)];
        goals.into_iter().flatten().all(|goal| !goal.target.is_zero())
    }

    fn pots_fit(&self, terms: &Terms) -> bool {
        let fits = |tier| {
            let pots = Asset::ALL.map(|asset| self.pots.get(tier, asset));
            pots.iter().all(|pot| pot.drawn <= pot.total && pot.total <= Units::MAX_POT)
        };
        (0..terms.tier_count()).all(fits)
    }

    /// Settlement values the frozen pots, so its record follows from them.
    fn settlement_fits(&self, terms: &Terms) -> bool {
        let has_settled = !matches!(self.status, Status::Open | Status::Failed);
        let Some(Settlement { active_tiers, marginal, rate, .. }) = self.settlement else {
            return !has_settled;
        };
        let value = self.pots.value_down(terms.group(active_tiers, marginal.order), rate);
        has_settled
            && active_tiers <= terms.tier_count()
            && marginal.value == value
            && marginal.draw <= value
            && !value.is_zero()
    }
}

/// Whether a position is a part of its pot, and no more was refunded than it is entitled to.
fn fits(rescue: &Rescue, id: PositionId, position: Position, now: Timestamp) -> bool {
    let (state, terms) = (&rescue.state, &rescue.terms);
    id.tier < terms.tier_count()
        && position.amount <= state.pots.get(id.tier, id.asset).total
        && position.refunded
            <= state.entitled_down(terms, id, position.amount, state.held(terms, now)[id.asset])
}

/// What a recovery pool stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecovery {
    /// When interest was last added; none before the first deposit.
    pub accrued_at: Option<Timestamp>,
    /// The groups by falling draw order, with the interest up to then.
    pub groups: Vec<RecoveryGroup>,
    /// What is known to be claimed.
    pub claimed: BTreeMap<PositionId, Wei>,
}

impl StoredRecovery {
    /// The pool at `address` of a rescue; none if no pool of it can store this.
    pub fn restored(self, address: Address, rescue: &Rescue) -> Option<RecoveryBooks> {
        // Interest of all time is below 2^114, see `crate::prorata`.
        let most = Wei::new(1 << 114);
        let active = rescue.state.settlement.map_or(0, |settlement| settlement.active_tiers);
        let fits = |group: &RecoveryGroup| {
            let tiers = rescue.terms.group(active, group.order);
            let value = rescue.state.pots.value_down(tiers, rescue.state.recorded_rate());
            group.interest <= most && (group.value.is_zero() || group.value == value)
        };
        self.groups.iter().all(fits).then(|| RecoveryBooks::stored(address, self))
    }
}

/// What a bonus pool stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBonus {
    /// The total, and the final split.
    pub view: BonusView,
    /// The enlistments that are known.
    pub enlisted: BTreeMap<PositionId, Enlistment>,
    /// The positions that are known to have claimed.
    pub claimed: BTreeSet<PositionId>,
    /// The sponsors that are known, and what they added.
    pub added: BTreeMap<Address, Wei>,
}

impl StoredBonus {
    /// The pool at `address`; none if no pool can store this.
    pub fn restored(self, address: Address) -> Option<BonusBooks> {
        let is_shared = self.view.decision.filter(|decision| !decision.pledgers.is_zero());
        let fits = |(id, enlistment): (&PositionId, &Enlistment)| {
            is_shared.is_none_or(|decision| {
                !decision.value.is_zero() && enlistment.value_down(id.asset, decision.rate) <= decision.value
            })
        };
        self.enlisted.iter().all(fits).then(|| BonusBooks::stored(address, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bonus::BonusDecision,
        books::Pot,
        lido::{Lido, Moment},
        settlement::Group,
        terms::{MAX_TIERS, tests::terms},
        units::{Bps, UnitSeconds, WeiSeconds},
    };
    use alloy_primitives::U256;

    const PLEDGER: Address = Address::repeat_byte(1);
    const ID: PositionId = PositionId { pledger: PLEDGER, tier: 0, asset: Asset::Eth };
    /// After everything.
    const NOW: Timestamp = 1 << 39;

    /// One pot of 100 wei, of which 60 are drawn; one pledger has 50 of them, and got back 20.
    fn settled() -> StoredRescue {
        let terms = terms();
        let mut pots = [Pot::default(); MAX_TIERS * Asset::ALL.len()];
        pots[0] = Pot { total: Units::new(100), drawn: Units::new(60) };
        let order = terms.tiers[0].draw_order;
        let all = PerAsset::from_fn(|asset| if asset == Asset::Eth { terms.tranches } else { 0 });
        let position = Position { amount: Units::new(50), refunded: Units::new(20), ..Position::default() };
        StoredRescue {
            status: Status::Settled,
            end_reason: None,
            goal: Goal::from(&terms),
            amendment: None,
            failed_rate: None,
            settlement: Some(Settlement {
                settled_at: 1_000,
                rate: None,
                threshold: terms.tiers[0].threshold,
                active_tiers: 1,
                drawn_value: Wei::new(60),
                marginal: Group { order, value: Wei::new(100), draw: Wei::new(60) },
            }),
            kept: all,
            delivered: PerAsset::default(),
            returns_by_calendar: false,
            objected: Wei::ZERO,
            created_block: 1,
            cancelled_at: None,
            lapsed_at: None,
            final_at: None,
            pots: Pots::new(pots),
            positions: BTreeMap::from([(ID, position)]),
            owed: BTreeMap::new(),
        }
    }

    fn restored(stored: StoredRescue) -> Option<Rescue> {
        stored.restored(Address::repeat_byte(0xe5), terms(), NOW)
    }

    #[test]
    fn a_restored_rescue_answers_like_one_that_was_called() {
        let rescue = restored(settled()).unwrap();
        let at = Moment { time: NOW, lido: Lido::Broken };
        let view = &rescue.position_views(at, PLEDGER)[0];
        assert_eq!((view.refundable, view.weight), (Units::ZERO, Wei::new(30)));
        assert_eq!((rescue.view(at).drawn, rescue.view(at).due), (Wei::new(60), terms().tranches));
    }

    #[test]
    fn what_no_escrow_can_store_is_refused() {
        let with = |change: fn(&mut StoredRescue)| {
            let mut stored = settled();
            change(&mut stored);
            restored(stored)
        };
        let changes: [fn(&mut StoredRescue); 11] = [
            |stored| stored.goal.target = Wei::ZERO,
            |stored| stored.positions.get_mut(&ID).unwrap().refunded = Units::new(21),
            |stored| stored.positions.get_mut(&ID).unwrap().amount = Units::new(101),
            |stored| stored.kept[Asset::Eth] += 1,
            |stored| stored.delivered[Asset::StEth] = u8::MAX,
            |stored| stored.settlement.as_mut().unwrap().marginal.value = Wei::ZERO,
            |stored| stored.settlement.as_mut().unwrap().marginal.draw = Wei::new(101),
            |stored| stored.settlement.as_mut().unwrap().active_tiers = 9,
            |stored| stored.settlement = None,
            |stored| stored.status = Status::Open,
            |stored| {
                let pot = Pot { total: Units::new(1), drawn: Units::new(2) };
                stored.pots = Pots::new([pot; MAX_TIERS * Asset::ALL.len()]);
            },
        ];
        assert!(with(|_| ()).is_some());
        for (index, change) in changes.into_iter().enumerate() {
            assert!(with(change).is_none(), "change {index}");
        }
    }

    #[test]
    fn what_no_pool_can_store_is_refused() {
        let rescue = restored(settled()).unwrap();
        let address = Address::repeat_byte(0x90);
        let recovery = |value, interest| {
            let zero = Wei::ZERO;
            let order = terms().tiers[0].draw_order;
            let group =
                RecoveryGroup { order, rate: Bps::ZERO, value, interest, principal: zero, received: zero };
            let stored =
                StoredRecovery { accrued_at: Some(2_000), groups: vec![group], claimed: BTreeMap::new() };
            stored.restored(address, &rescue).is_some()
        };
        let most = Wei::new(u128::MAX);
        assert_eq!([recovery(Wei::new(100), Wei::ZERO), recovery(Wei::ZERO, Wei::ZERO)], [true; 2]);
        assert_eq!([recovery(Wei::new(1), Wei::ZERO), recovery(Wei::new(100), most)], [false; 2]);

        let bonus = |seconds: u64, value: u64| {
            let value = WeiSeconds::new(U256::from(value));
            let decision = BonusDecision { bonus: Wei::new(9), pledgers: Wei::new(1), value, rate: None };
            let unit_seconds = UnitSeconds::new(U256::from(seconds));
            let enlistment = Enlistment { unit_seconds, ..Enlistment::default() };
            let stored = StoredBonus {
                view: BonusView { total: Wei::new(9), decision: Some(decision) },
                enlisted: BTreeMap::from([(ID, enlistment)]),
                claimed: BTreeSet::new(),
                added: BTreeMap::new(),
            };
            stored.restored(address).is_some()
        };
        assert_eq!([bonus(5, 5), bonus(6, 5), bonus(0, 0)], [true, false, false]);
    }
}
