//! Who gets the bonus? Sponsors add it while the rescue is open. A pledge whose condition was not met gets a share, in
//! proportion to its value and the time it was locked; the sponsors get back the rest.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    asset::Asset,
    books::{Position, PositionId},
    display::{ether, utc},
    lido::Moment,
    prorata,
    refusal::Refusal,
    rescue::{Payment, Rescue},
    schedule::{self, Timestamp},
    status::{EndReason, Status},
    stored::StoredBonus,
    terms::{MAX_TIERS, Terms},
    units::{Bps, Rate, UnitSeconds, Units, Wei, WeiSeconds},
    view::RescueView,
};

/// The final split of the bonus between pledgers and sponsors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BonusDecision {
    /// The total at the time of the decision.
    #[serde(rename = "bonusWei")]
    pub bonus: Wei,
    /// The pledgers' part; the sponsors share the rest in proportion to what they added.
    #[serde(rename = "pledgersPartWei")]
    pub pledgers: Wei,
    /// The value-time of everything that was enlisted, of which each position has its part.
    #[serde(rename = "valueWeiSeconds")]
    pub value: WeiSeconds,
    /// The rate at which shares are valued, as recorded by the rescue.
    #[serde(rename = "rateWeiPer1e27Shares")]
    pub rate: Option<Rate>,
}

/// The books of a bonus pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BonusView {
    /// The bonus: everything added, less what sponsors withdrew before it was decided.
    #[serde(rename = "totalWei")]
    pub total: Wei,
    /// The final split; none until a call decides it after the rescue has ended.
    pub decision: Option<BonusDecision>,
}

/// Who owns a bonus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "owner", content = "pledgersPartWei")]
pub enum BonusOwner {
    /// Unknown, because the rescue is open.
    Open,
    /// The sponsors own all of it, whether or not it has been decided.
    Sponsors,
    /// Pledgers whose condition was not met own a part: how much, once it is decided.
    Shared(Option<Wei>),
}

impl BonusView {
    /// Who owns the bonus: as decided, or as the state of the rescue implies until then.
    pub fn owner(&self, rescue: &RescueView) -> BonusOwner {
        match self.decision {
            Some(decision) if decision.pledgers.is_zero() => BonusOwner::Sponsors,
            Some(decision) => BonusOwner::Shared(Some(decision.pledgers)),
            None if rescue.status == Status::Open => BonusOwner::Open,
            None if rescue.end_reason == Some(EndReason::EndedByGuardian) => BonusOwner::Sponsors,
            // In a failed rescue no threshold was met.
            None if rescue.threshold_met == Bps::ONE => BonusOwner::Sponsors,
            None => BonusOwner::Shared(None),
        }
    }
}

/// A position's share of the bonus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BonusShare {
    /// The amount, rounded down; zero until the bonus is decided.
    #[serde(rename = "shareWei")]
    pub share: Wei,
    /// Whether it has been claimed.
    pub claimed: bool,
}

/// The part of a position that counts for the bonus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Enlistment {
    /// The position's departures when it was last enlisted. Once there are more, the enlistment is outdated and earns
    /// nothing.
    pub departures: u32,
    /// The enlisted amount.
    pub enlisted: Units,
    /// The enlisted amount times the time for which it is locked; at most [`UnitSeconds::MAX_POSITION`].
    pub unit_seconds: UnitSeconds,
}

impl Enlistment {
    /// Whether something counts that has left: after so many departures, the next update strikes it.
    pub fn is_outdated(self, departures: u32) -> bool {
        self.departures != departures && !self.unit_seconds.is_zero()
    }

    /// The same without what has left since.
    fn struck(self, departures: u32) -> Self {
        if self.departures == departures { self } else { Self { departures, ..Self::default() } }
    }

    /// Its value by time, if it is of `asset`.
    pub(crate) fn value_down(self, asset: Asset, rate: Option<Rate>) -> WeiSeconds {
        if asset.is_shares() {
            value_down(UnitSeconds::ZERO, self.unit_seconds, rate)
        } else {
            value_down(self.unit_seconds, UnitSeconds::ZERO, None)
        }
    }

    /// The same with all of `amount` enlisted; the newly enlisted part counts for `seconds`.
    fn extended(self, amount: Units, seconds: Timestamp) -> Result<Self, BonusRefusal> {
        // An amount shrinks only by a departure, after which nothing is enlisted.
        let added = prorata::locked(amount - self.enlisted, seconds);
        let limit = UnitSeconds::MAX_POSITION - self.unit_seconds;
        if added > limit {
            return Err(BonusRefusal::AmountTooLarge { amount: added, limit });
        }
        Ok(Self { enlisted: amount, unit_seconds: self.unit_seconds + added, ..self })
    }
}

/// Why a call of the bonus pool was refused. A refused call changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum BonusRefusal {
    /// By add: the rescue is not open or its deadline has passed.
    #[error("the bonus is closed: the rescue is {status}, its deadline is {}, and it is now {}", utc(*.deadline), utc(*.time))]
    AddingClosed {
        /// The stored status.
        status: Status,
        /// The deadline in force.
        #[serde(rename = "deadlineUnix")]
        deadline: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By add: nothing is added.
    #[error("the amount of a bonus must not be zero")]
    ZeroAmount,
    /// The sponsor or the recipient is zero, the pool itself, the escrow or one of its tokens.
    #[error("`{account}` cannot be a sponsor or a recipient")]
    InvalidAccount {
        /// The account.
        #[serde(with = "crate::json::Account")]
        account: Address,
    },
    /// By enlist: nothing would change, because the whole position is enlisted or enlisting has ended.
    #[error("the {} position of `{}` in tier {} has nothing to enlist", .id.asset, .id.pledger, .id.tier)]
    NothingToEnlist {
        /// The position.
        #[serde(flatten)]
        id: PositionId,
    },
    /// By enlist: more than the books can count for one position.
    #[error("the amount {amount} exceeds the {limit} that the position can still enlist")]
    AmountTooLarge {
        /// What would be added.
        #[serde(rename = "amountUnitSeconds")]
        amount: UnitSeconds,
        /// What the position still takes.
        #[serde(rename = "limitUnitSeconds")]
        limit: UnitSeconds,
    },
    /// By claim and take back: pledgers own a part of the bonus, and positions may still be updated.
    #[error("the bonus can be decided only after {}, and it is now {}", utc(*.limit), utc(*.time))]
    TooEarly {
        /// The last second at which it is too early.
        #[serde(rename = "limitUnix")]
        limit: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By claim: the condition was met, nothing was enlisted, or the share was paid before or is worth no wei.
    #[error("the {} position of `{}` in tier {} has no bonus to claim", .id.asset, .id.pledger, .id.tier)]
    NothingToClaim {
        /// The position.
        #[serde(flatten)]
        id: PositionId,
    },
    /// By take back: the sponsor added nothing, took it back before, or its part of what is left is worth no wei.
    #[error("`{sponsor}` has nothing left to take back from the bonus pool")]
    NothingToTakeBack {
        /// The sponsor.
        #[serde(with = "crate::json::Account")]
        sponsor: Address,
    },
    /// The recipient does not take the ETH.
    #[error("{} could not be paid to `{recipient}`", ether(*.amount))]
    PaymentFailed {
        /// Who was to be paid.
        #[serde(with = "crate::json::Account")]
        recipient: Address,
        /// How much.
        #[serde(rename = "amountWei")]
        amount: Wei,
    },
    /// The rescue is open and cannot be settled, or has no such tier.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    ByRescue(#[from] Refusal),
}

/// The bonus pool of one rescue, whose calls take that rescue as an argument. All contributions together fit in 128
/// bits.
#[derive(Debug, Clone)]
pub struct BonusBooks {
    address: Address,
    decision: Option<BonusDecision>,
    total: Wei,
    added: BTreeMap<Address, Wei>,
    enlisted: BTreeMap<PositionId, Enlistment>,
    /// The total of all positions in a pot, by tier and asset.
    unit_seconds: [[UnitSeconds; Asset::ALL.len()]; MAX_TIERS],
    claimed: BTreeSet<PositionId>,
}

impl BonusBooks {
    /// The pool at `address`.
    pub const fn new(address: Address) -> Self {
        Self {
            address,
            decision: None,
            total: Wei::ZERO,
            added: BTreeMap::new(),
            enlisted: BTreeMap::new(),
            unit_seconds: [[UnitSeconds::ZERO; Asset::ALL.len()]; MAX_TIERS],
            claimed: BTreeSet::new(),
        }
    }

    /// The pool at `address` that stores this. The totals of the pots, which matter only until the decision, are those of the
    /// enlistments that are known.
    pub(crate) fn stored(address: Address, stored: StoredBonus) -> Self {
        let StoredBonus { view: BonusView { total, decision }, enlisted, claimed, added } = stored;
        let mut books = Self { total, decision, claimed, added, ..Self::new(address) };
        for (id, enlistment) in &enlisted {
            if let Some(pots) = books.unit_seconds.get_mut(usize::from(id.tier)) {
                pots[id.asset as usize] += enlistment.unit_seconds;
            }
        }
        books.enlisted = enlisted;
        books
    }

    /// Adds to the bonus, as the contribution of `sponsor`. Anyone may pay for anyone.
    ///
    /// # Errors
    /// `AddingClosed`, `ZeroAmount`, `InvalidAccount`.
    pub fn add(
        &mut self,
        rescue: &Rescue,
        at: Moment,
        sponsor: Address,
        amount: Wei,
    ) -> Result<(), BonusRefusal> {
        let time = at.time;
        if !rescue.state.is_pledging(time) {
            let deadline = rescue.goal(time).deadline;
            return Err(BonusRefusal::AddingClosed { status: rescue.stored_status(), deadline, time });
        }
        if amount.is_zero() {
            return Err(BonusRefusal::ZeroAmount);
        }
        self.require_account(rescue, sponsor)?;
        *self.added.entry(sponsor).or_default() += amount;
        self.total += amount;
        Ok(())
    }

    /// Updates the enlistment of a position: strikes what has left the rescue since it was enlisted and, while the
    /// rescue takes pledges, enlists the whole position from now on. Anyone may call, until the bonus is decided.
    ///
    /// # Errors
    /// `UnknownTier`, `AmountTooLarge`, `NothingToEnlist`.
    pub fn enlist(&mut self, rescue: &Rescue, at: Moment, id: PositionId) -> Result<(), BonusRefusal> {
        rescue.require_tier(id.tier)?;
        let before = self.enlistment(id);
        let Position { amount, departures, .. } = rescue.position(id);
        let mut after = before.struck(departures);
        // Beyond the count's bound a departure would not be noticed.
        if rescue.state.is_pledging(at.time) && departures < Position::MAX_DEPARTURES {
            after = after.extended(amount, counted_until(rescue, at.time).saturating_sub(at.time))?;
        }
        if after == before || self.decision.is_some() {
            return Err(BonusRefusal::NothingToEnlist { id });
        }
        let pot = &mut self.unit_seconds[usize::from(id.tier)][id.asset as usize];
        // What a position has is part of its pot.
        *pot = *pot - before.unit_seconds + after.unit_seconds;
        self.enlisted.insert(id, after);
        Ok(())
    }

    /// Pays a position's share, once, to its pledger. Anyone may call. The first call after the end decides the bonus,
    /// and settles the rescue if that has not been done.
    ///
    /// # Errors
    /// The rescue's refusal to settle, `TooEarly`, `UnknownTier`, `NothingToClaim`.
    pub fn claim(
        &mut self,
        rescue: &mut Rescue,
        at: Moment,
        id: PositionId,
    ) -> Result<Payment, BonusRefusal> {
        self.after_deciding(rescue, at, |pool, rescue, decision| {
            rescue.require_tier(id.tier)?;
            let share = pool.share_under(decision, rescue, id);
            if share.is_zero() || !pool.claimed.insert(id) {
                return Err(BonusRefusal::NothingToClaim { id });
            }
            Ok(Payment::ether(id.pledger, share))
        })
    }

    /// As [`claim`](Self::claim), called by the pledger, to `recipient`.
    ///
    /// # Errors
    /// `InvalidAccount`, and those of [`claim`](Self::claim).
    pub fn claim_to(
        &mut self,
        rescue: &mut Rescue,
        at: Moment,
        id: PositionId,
        recipient: Address,
    ) -> Result<Payment, BonusRefusal> {
        self.require_account(rescue, recipient)?;
        self.claim(rescue, at, id).map(|payment| Payment { to: recipient, ..payment })
    }

    /// Returns to `sponsor`, once, its part of the sponsors' remainder. Anyone may call. Decides the bonus as
    /// [`claim`](Self::claim) does. While an amendment is pending, the sponsor itself may withdraw its whole
    /// contribution, but only in the first half of the exit window, so that pledgers see it and can still exit.
    ///
    /// # Errors
    /// The rescue's refusal to settle, `TooEarly`, `NothingToTakeBack`.
    pub fn take_back(
        &mut self,
        rescue: &mut Rescue,
        at: Moment,
        caller: Address,
        sponsor: Address,
    ) -> Result<Payment, BonusRefusal> {
        if caller == sponsor && may_leave(rescue, at.time) {
            let added = self.added.remove(&sponsor).ok_or(BonusRefusal::NothingToTakeBack { sponsor })?;
            // What a sponsor added is part of the total.
            self.total = self.total - added;
            return Ok(Payment::ether(sponsor, added));
        }
        self.after_deciding(rescue, at, |pool, _, BonusDecision { bonus, pledgers, .. }| {
            let added = pool.contribution_of(sponsor);
            // The pledgers' part is rounded down from the bonus.
            let left = bonus - pledgers;
            let amount = if added.is_zero() { added } else { prorata::left_down(added, left, bonus) };
            if amount.is_zero() {
                return Err(BonusRefusal::NothingToTakeBack { sponsor });
            }
            pool.added.remove(&sponsor);
            Ok(Payment::ether(sponsor, amount))
        })
    }

    /// As [`take_back`](Self::take_back), called by the sponsor, to `recipient`.
    ///
    /// # Errors
    /// `InvalidAccount`, and those of [`take_back`](Self::take_back).
    pub fn take_back_to(
        &mut self,
        rescue: &mut Rescue,
        at: Moment,
        sponsor: Address,
        recipient: Address,
    ) -> Result<Payment, BonusRefusal> {
        self.require_account(rescue, recipient)?;
        self.take_back(rescue, at, sponsor, sponsor).map(|payment| Payment { to: recipient, ..payment })
    }

    /// Decides the bonus, as the first claim does, and settles the rescue if that has not been done; returns the split.
    ///
    /// # Errors
    /// The rescue's refusal to settle, `TooEarly`. The pool and the rescue must not be used after that.
    pub fn decided(&mut self, rescue: &mut Rescue, at: Moment) -> Result<BonusDecision, BonusRefusal> {
        let decision = self.decision.map_or_else(|| self.decide(rescue, at), Ok)?;
        self.decision = Some(decision);
        Ok(decision)
    }

    /// The books.
    pub const fn view(&self) -> BonusView {
        BonusView { total: self.total, decision: self.decision }
    }

    /// A position's share, and whether it has been claimed.
    pub fn share(&self, rescue: &Rescue, id: PositionId) -> BonusShare {
        BonusShare { share: self.share_of(rescue, id), claimed: self.has_claimed(id) }
    }

    /// The final split; none until a call has decided it.
    pub const fn decision(&self) -> Option<BonusDecision> {
        self.decision
    }

    /// The bonus: everything added, less what sponsors withdrew before it was decided.
    pub const fn total(&self) -> Wei {
        self.total
    }

    /// What a sponsor added and has not taken back.
    pub fn contribution_of(&self, sponsor: Address) -> Wei {
        self.added.get(&sponsor).copied().unwrap_or_default()
    }

    /// The enlistment of a position, even if it is outdated.
    pub fn enlistment(&self, id: PositionId) -> Enlistment {
        self.enlisted.get(&id).copied().unwrap_or_default()
    }

    /// The enlistment of each position that was ever enlisted, by pledger, tier and asset.
    pub fn enlistments(&self) -> impl Iterator<Item = (PositionId, Enlistment)> + '_ {
        self.enlisted.iter().map(|(&id, &enlistment)| (id, enlistment))
    }

    /// The total enlistment of all positions in a pot.
    ///
    /// # Panics
    /// When no rescue has such a tier.
    pub fn unit_seconds(&self, tier: u8, asset: Asset) -> UnitSeconds {
        self.unit_seconds[usize::from(tier)][asset as usize]
    }

    /// A position's share of the bonus, claimed or not; zero until it is decided.
    pub fn share_of(&self, rescue: &Rescue, id: PositionId) -> Wei {
        self.decision.map_or(Wei::ZERO, |decision| self.share_under(decision, rescue, id))
    }

    /// What a claim of a position would pay; zero until the bonus is decided.
    pub fn due(&self, rescue: &Rescue, id: PositionId) -> Wei {
        if self.has_claimed(id) { Wei::ZERO } else { self.share_of(rescue, id) }
    }

    /// Whether a position's share has been claimed.
    pub fn has_claimed(&self, id: PositionId) -> bool {
        self.claimed.contains(&id)
    }

    /// What a position had of the bonus.
    pub fn paid(&self, rescue: &Rescue, id: PositionId) -> Wei {
        if self.has_claimed(id) { self.share_of(rescue, id) } else { Wei::ZERO }
    }

    /// floor(bonus * value of the position by time / value of all), if its condition was not met. What an outdated
    /// position would have got stays in the pool.
    fn share_under(&self, decision: BonusDecision, rescue: &Rescue, id: PositionId) -> Wei {
        let enlistment = self.enlistment(id);
        let departures = enlistment.departures;
        let current = departures == rescue.position(id).departures && departures < Position::MAX_DEPARTURES;
        if decision.pledgers.is_zero() || id.tier < first_inactive(rescue) || !current {
            return Wei::ZERO;
        }
        let value = enlistment.value_down(id.asset, decision.rate);
        prorata::bonus_down(decision.bonus, value, decision.value)
    }

    /// Value by time of what is enlisted into `tiers`: that of ETH + floor(that of shares * rate / 10^27).
    fn value_down(&self, tiers: std::ops::Range<u8>, rate: Option<Rate>) -> WeiSeconds {
        let of = |asset| tiers.clone().map(|tier| self.unit_seconds(tier, asset)).sum::<UnitSeconds>();
        value_down(of(Asset::Eth), of(Asset::StEth) + of(Asset::WstEth), rate)
    }

    /// Decides the bonus if that has not been done; undone, like the call itself, when the call is refused.
    fn after_deciding(
        &mut self,
        rescue: &mut Rescue,
        at: Moment,
        call: impl FnOnce(&mut Self, &Rescue, BonusDecision) -> Result<Payment, BonusRefusal>,
    ) -> Result<Payment, BonusRefusal> {
        if let Some(decision) = self.decision {
            return call(self, rescue, decision);
        }
        let before = rescue.state.clone();
        let result =
            self.decide(rescue, at).and_then(|decision| Ok((call(self, rescue, decision)?, decision)));
        match result {
            Ok((payment, decision)) => {
                self.decision = Some(decision);
                Ok(payment)
            }
            Err(refusal) => {
                rescue.state = before;
                Err(refusal)
            }
        }
    }

    /// The split of the bonus of a rescue that is decided or can be settled now.
    /// If the guardian ends the rescue, pledgers get nothing: otherwise a guardian who has pledged could end it for the
    /// bonus. Where pledgers own a part, positions that have left can be struck for the length of an exit window first.
    fn decide(&self, rescue: &mut Rescue, at: Moment) -> Result<BonusDecision, BonusRefusal> {
        match rescue.settle(at) {
            Ok(_) | Err(Refusal::WrongStatus { .. }) => {}
            Err(refusal) => return Err(refusal.into()),
        }
        let (rate, count) = (rescue.state.recorded_rate(), rescue.terms.tier_count());
        let value = self.value_down(0..count, rate);
        let unmet = self.value_down(first_inactive(rescue)..count, rate);
        let decision = BonusDecision { bonus: self.total, pledgers: Wei::ZERO, value, rate };
        if unmet.is_zero() || rescue.state.end_reason() == Some(EndReason::EndedByGuardian) {
            return Ok(decision);
        }
        let limit = schedule::enlistable_until(&rescue.terms, rescue.goal(at.time).deadline);
        if at.time <= limit {
            return Err(BonusRefusal::TooEarly { limit, time: at.time });
        }
        Ok(BonusDecision { pledgers: prorata::bonus_down(self.total, unmet, value), ..decision })
    }

    fn require_account(&self, rescue: &Rescue, account: Address) -> Result<(), BonusRefusal> {
        let Terms { steth, wsteth, .. } = rescue.terms;
        if [Address::ZERO, self.address, rescue.escrow, steth, wsteth].contains(&account) {
            return Err(BonusRefusal::InvalidAccount { account });
        }
        Ok(())
    }
}

/// The time until which a position enlisted now counts: the earliest of the original, the current and a pending
/// deadline.
fn counted_until(rescue: &Rescue, now: Timestamp) -> Timestamp {
    let pending = rescue.pending_amendment(now).map(|amendment| amendment.goal.deadline);
    let earliest = rescue.terms.deadline.min(rescue.goal(now).deadline);
    pending.map_or(earliest, |deadline| deadline.min(earliest))
}

/// Whether sponsors may leave before an amendment.
fn may_leave(rescue: &Rescue, now: Timestamp) -> bool {
    let pending = rescue.pending_amendment(now);
    pending.is_some_and(|amendment| amendment.is_in_first_half(rescue.terms.exit_window, now))
}

/// The first tier whose condition was not met: in a failed rescue, the first of all.
fn first_inactive(rescue: &Rescue) -> u8 {
    rescue.state.settlement.map_or(0, |settlement| settlement.active_tiers)
}

/// Value by time of ETH and shares. Without a rate, shares count nothing: none were in the books when the rescue was
/// decided, and those enlisted have left.
fn value_down(ether: UnitSeconds, shares: UnitSeconds, rate: Option<Rate>) -> WeiSeconds {
    let shares = rate.map_or(WeiSeconds::ZERO, |rate| prorata::locked_value_down(shares, rate));
    WeiSeconds::new(ether.get()) + shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lido::{Creation, Lido},
        terms::tests::terms,
    };

    /// Too many departures to make them one by one.
    #[test]
    fn a_position_beyond_the_count_of_departures_earns_nothing() {
        let escrow = Address::repeat_byte(0xe5);
        let mut rescue = Rescue::open(escrow, terms(), Creation { block: 1, time: 0 }).unwrap();
        let mut pool = BonusBooks::new(Address::repeat_byte(0x90));
        let at = |time| Moment { time, lido: Lido::Broken };
        let [counted, saturated] = [1, 2].map(|byte| {
            let id = PositionId { pledger: Address::repeat_byte(byte), tier: 0, asset: Asset::Eth };
            rescue.pledge(at(0), id, 0, Units::new(1)).unwrap();
            id
        });
        pool.add(&rescue, at(0), counted.pledger, Wei::new(100)).unwrap();
        for (id, departures) in [(counted, (1 << 24) - 2), (saturated, Position::MAX_DEPARTURES)] {
            pool.enlist(&rescue, at(0), id).unwrap();
            rescue.positions.get_mut(&id).unwrap().departures = departures;
            pool.enlist(&rescue, at(1), id).unwrap();
        }
        assert_eq!(pool.unit_seconds(0, Asset::Eth), UnitSeconds::new(alloy_primitives::U256::from(999)));
        let again = pool.enlist(&rescue, at(1), saturated);
        assert_eq!(again, Err(BonusRefusal::NothingToEnlist { id: saturated }));
        assert_eq!(pool.claim(&mut rescue, at(1_201), counted).unwrap().amount, Units::new(100));
        let claim = pool.claim(&mut rescue, at(1_201), saturated);
        assert_eq!(claim, Err(BonusRefusal::NothingToClaim { id: saturated }));
    }
}
