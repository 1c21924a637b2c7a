//! Who gets what is recovered later? Last drawn, first repaid.
//!
//! The groups out of which something was really paid stand in a queue by falling draw order. A deposit gives the first
//! of them the interest due, then its principal, then goes on to the next; the last of them takes all the rest. Inside
//! a group, a position has its part by value, at the settlement rate.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    books::{self, PositionId},
    display::ether,
    prorata,
    refusal::Refusal,
    rescue::{Payment, Rescue},
    schedule::Timestamp,
    settlement::Settlement,
    status::Status,
    stored::StoredRecovery,
    terms::Terms,
    units::{Bps, Rate, Wei},
};

/// The most that one group can receive: 96 bits, more than there is ether.
pub const MAX_RECEIVED: Wei = Wei::new((1 << 96) - 1);

/// Why a call of the recovery pool was refused. A refused call changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum RecoveryRefusal {
    /// The rescue is not final, or it failed: nothing was paid that could be recovered.
    #[error("the rescue is {status}: recovery begins once a rescue that delivered something is final")]
    NotFinal {
        /// The stored status.
        status: Status,
    },
    /// By recover: a deposit of nothing.
    #[error("the amount of a deposit must not be zero")]
    ZeroAmount,
    /// By recover: the rescue ended with nothing delivered.
    #[error("the rescue delivered nothing, so there is no one to repay")]
    NothingDelivered,
    /// By recover: more than a group can receive.
    #[error("the amount {} exceeds the {} that a draw order can still receive", ether(*.amount), ether(*.limit))]
    AmountTooLarge {
        /// What the group would have got.
        #[serde(rename = "amountWei")]
        amount: Wei,
        /// What it still takes.
        #[serde(rename = "limitWei")]
        limit: Wei,
    },
    /// By claim: nothing was paid out of the tier's group, or the tier was not active.
    #[error("nothing was paid out of tier {tier}, so nothing is repaid to it")]
    NotDrawn {
        /// The tier.
        tier: u8,
    },
    /// By claim: everything that the position has earned is already paid.
    #[error("the {} position of `{}` in tier {} has nothing to claim", .id.asset, .id.pledger, .id.tier)]
    NothingToClaim {
        /// The position.
        #[serde(flatten)]
        id: PositionId,
    },
    /// By claim: the recipient, or the pledger where none is named, is zero or the pool itself.
    #[error("`{account}` cannot be a recipient")]
    InvalidAccount {
        /// The account.
        #[serde(with = "crate::json::Account")]
        account: Address,
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
    /// By claim: the rescue knows no such tier.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    ByRescue(#[from] Refusal),
}

/// The tiers of one draw order, in the queue of repayment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryGroup {
    /// Their draw order.
    #[serde(rename = "drawOrder")]
    pub order: u8,
    /// Their simple yearly interest; zero for grants.
    #[serde(rename = "rateBps")]
    pub rate: Bps,
    /// Value, at the settlement rate, of all that was pledged into the active ones of them: what a position's value is
    /// a part of. Zero if nothing was paid out of them; the group then takes no part.
    #[serde(rename = "valueWei")]
    pub value: Wei,
    /// What is still to be repaid before the next group. Of the last group always zero: it takes whatever is left.
    #[serde(rename = "principalWei")]
    pub principal: Wei,
    /// Interest that was added and is not yet paid. Of the last group always zero.
    #[serde(rename = "interestWei")]
    pub interest: Wei,
    /// All that the group has received.
    #[serde(rename = "receivedWei")]
    pub received: Wei,
}

impl RecoveryGroup {
    const fn new(order: u8, rate: Bps) -> Self {
        Self { order, rate, value: Wei::ZERO, principal: Wei::ZERO, interest: Wei::ZERO, received: Wei::ZERO }
    }

    /// Whether something was paid out of it.
    pub fn takes_part(&self) -> bool {
        !self.value.is_zero()
    }

    /// Adds the interest on the outstanding principal for `seconds`.
    fn accrue(&mut self, seconds: u64) {
        self.interest += prorata::interest_down(self.principal, self.rate, seconds);
    }

    /// Pays the interest due out of `amount`, then the principal, and returns the remainder.
    fn repay(&mut self, amount: Wei) -> Result<Wei, RecoveryRefusal> {
        let interest = self.interest.min(amount);
        let principal = self.principal.min(amount - interest);
        self.interest = self.interest - interest;
        self.principal = self.principal - principal;
        self.receive(interest + principal)?;
        Ok(amount - interest - principal)
    }

    fn receive(&mut self, amount: Wei) -> Result<(), RecoveryRefusal> {
        let limit = MAX_RECEIVED - self.received;
        if amount > limit {
            return Err(RecoveryRefusal::AmountTooLarge { amount, limit });
        }
        self.received += amount;
        Ok(())
    }
}

/// The waterfall as a deposit would find it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryView {
    /// When interest was last added; none before the first deposit, while all amounts are zero.
    #[serde(rename = "accruedAtUnix")]
    pub accrued_at: Option<Timestamp>,
    /// The settlement rate; none when no pot held shares, and before the first deposit.
    #[serde(rename = "rateWeiPer1e27Shares")]
    pub rate: Option<Rate>,
    /// By falling draw order, which is the order of repayment.
    pub groups: Vec<RecoveryGroup>,
}

impl RecoveryView {
    /// All that was deposited.
    pub fn received(&self) -> Wei {
        self.groups.iter().map(|group| group.received).sum()
    }
}

/// The total that a position has earned, and how much of it has been paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Earnings {
    /// The total, rounded down.
    #[serde(rename = "earnedWei")]
    pub earned: Wei,
    /// The part that has been paid.
    #[serde(rename = "claimedWei")]
    pub claimed: Wei,
}

impl Earnings {
    /// What a claim would pay now.
    pub fn due(self) -> Wei {
        self.earned - self.claimed
    }
}

/// The queue of repayment.
#[derive(Debug, Clone)]
struct Waterfall {
    /// By falling draw order.
    groups: Vec<RecoveryGroup>,
    /// When interest was last added; none before the first deposit.
    accrued_at: Option<Timestamp>,
}

impl Waterfall {
    fn new(terms: &Terms) -> Self {
        // Tiers of one order have one rate.
        let orders: BTreeMap<_, _> = terms.tiers.iter().map(|tier| (tier.draw_order, tier.rate)).collect();
        let groups = orders.into_iter().rev().map(|(order, rate)| RecoveryGroup::new(order, rate));
        Self { groups: groups.collect(), accrued_at: None }
    }

    /// Finds out what was paid, once: a final rescue changes no more.
    fn open(&mut self, rescue: &Rescue, final_at: Timestamp) -> Result<(), RecoveryRefusal> {
        if self.accrued_at.is_some() {
            return Ok(());
        }
        let settlement = rescue.state.settlement.ok_or(RecoveryRefusal::NothingDelivered)?;
        for group in &mut self.groups {
            let (value, paid) = values_down(rescue, settlement, group.order);
            if !paid.is_zero() {
                (group.value, group.principal) = (value, paid);
            }
        }
        let last = self.last().ok_or(RecoveryRefusal::NothingDelivered)?;
        last.principal = Wei::ZERO;
        self.accrued_at = Some(final_at);
        Ok(())
    }

    /// The lowest draw order that takes part.
    fn last(&mut self) -> Option<&mut RecoveryGroup> {
        self.groups.iter_mut().rfind(|group| group.takes_part())
    }

    /// Adds the interest since the last time.
    fn accrue(&mut self, now: Timestamp) {
        let Some(accrued_at) = self.accrued_at else { return };
        self.accrued_at = Some(now);
        let seconds = now.saturating_sub(accrued_at);
        self.groups.iter_mut().for_each(|group| group.accrue(seconds));
    }

    fn share_out(&mut self, amount: Wei) -> Result<(), RecoveryRefusal> {
        let rest = self.groups.iter_mut().try_fold(amount, |left, group| group.repay(left))?;
        self.last().map_or(Ok(()), |last| last.receive(rest))
    }
}

/// Values at the settlement rate of the active tiers of one draw order: of all that was pledged into them, and of what
/// was paid out of them to the beneficiary.
fn values_down(rescue: &Rescue, settlement: Settlement, order: u8) -> (Wei, Wei) {
    let Rescue { state, terms, .. } = rescue;
    let tiers = || terms.group(settlement.active_tiers, order);
    let paid = |tier, asset| {
        prorata::tranches_down(state.pots.get(tier, asset).drawn, state.delivered[asset], terms.tranches)
    };
    let rate = settlement.rate;
    (state.pots.value_down(tiers(), rate), books::value_down(books::amounts(tiers(), paid), rate))
}

/// The recovery pool of one rescue, whose calls take that rescue as an argument. Block times fit in 40 bits and never
/// decrease.
#[derive(Debug, Clone)]
pub struct RecoveryBooks {
    address: Address,
    waterfall: Waterfall,
    claimed: BTreeMap<PositionId, Wei>,
}

impl RecoveryBooks {
    /// The pool at `address` of the rescue with these terms.
    pub fn new(address: Address, terms: &Terms) -> Self {
        Self { address, waterfall: Waterfall::new(terms), claimed: BTreeMap::new() }
    }

    /// The pool at `address` that stores this.
    pub(crate) fn stored(address: Address, stored: StoredRecovery) -> Self {
        let StoredRecovery { accrued_at, groups, claimed } = stored;
        Self { address, waterfall: Waterfall { groups, accrued_at }, claimed }
    }

    /// Shares out a deposit at once. Anyone may call.
    ///
    /// # Errors
    /// `NotFinal`, `ZeroAmount`, `NothingDelivered`, `AmountTooLarge`.
    pub fn recover(&mut self, rescue: &Rescue, now: Timestamp, amount: Wei) -> Result<(), RecoveryRefusal> {
        let final_at = require_final(rescue)?;
        if amount.is_zero() {
            return Err(RecoveryRefusal::ZeroAmount);
        }
        let mut waterfall = self.waterfall.clone();
        waterfall.open(rescue, final_at)?;
        waterfall.accrue(now);
        waterfall.share_out(amount)?;
        self.waterfall = waterfall;
        Ok(())
    }

    /// Pays everything that a position has earned and not yet received, to its pledger. Anyone may call.
    ///
    /// # Errors
    /// `InvalidAccount`, `UnknownTier`, `NotFinal`, `NotDrawn`, `NothingToClaim`.
    pub fn claim(&mut self, rescue: &Rescue, id: PositionId) -> Result<Payment, RecoveryRefusal> {
        self.claim_to(rescue, id, id.pledger)
    }

    /// As [`claim`](Self::claim), called by the pledger, to `recipient`.
    ///
    /// # Errors
    /// Those of [`claim`](Self::claim).
    pub fn claim_to(
        &mut self,
        rescue: &Rescue,
        id: PositionId,
        recipient: Address,
    ) -> Result<Payment, RecoveryRefusal> {
        if recipient.is_zero() || recipient == self.address {
            return Err(RecoveryRefusal::InvalidAccount { account: recipient });
        }
        rescue.require_tier(id.tier)?;
        require_final(rescue)?;
        if self.waterfall.accrued_at.is_some() && self.group_of(rescue, id.tier).is_none() {
            return Err(RecoveryRefusal::NotDrawn { tier: id.tier });
        }
        let amount = self.claimable(rescue, id);
        if amount.is_zero() {
            return Err(RecoveryRefusal::NothingToClaim { id });
        }
        *self.claimed.entry(id).or_default() += amount;
        Ok(Payment::ether(recipient, amount))
    }

    /// The waterfall, with the interest up to `now`.
    pub fn view(&self, rescue: &Rescue, now: Timestamp) -> RecoveryView {
        RecoveryView { accrued_at: self.accrued_at(), rate: self.rate(rescue), groups: self.groups(now) }
    }

    /// What a position has earned, and how much of it has been paid.
    pub fn earnings(&self, rescue: &Rescue, id: PositionId) -> Earnings {
        Earnings { earned: self.earned_down(rescue, id), claimed: self.claimed(id) }
    }

    /// All groups by falling draw order, with the interest up to `now`. Before the first deposit all amounts are zero.
    pub fn groups(&self, now: Timestamp) -> Vec<RecoveryGroup> {
        let mut waterfall = self.waterfall.clone();
        waterfall.accrue(now);
        waterfall.groups
    }

    /// When interest was last added; none before the first deposit.
    pub const fn accrued_at(&self) -> Option<Timestamp> {
        self.waterfall.accrued_at
    }

    /// The rate that values positions in shares; none when no pot held any, and before the first deposit.
    pub fn rate(&self, rescue: &Rescue) -> Option<Rate> {
        self.waterfall.accrued_at.and(rescue.state.settlement)?.rate
    }

    /// The total that a position has earned: floor(received by its group * its value / value of the group).
    pub fn earned_down(&self, rescue: &Rescue, id: PositionId) -> Wei {
        let Some(group) = self.group_of(rescue, id.tier) else { return Wei::ZERO };
        // Without a rate there were no shares at settlement, so no position in shares has an amount.
        let value = prorata::value_down(rescue.position(id).amount.of(id.asset), self.rate(rescue));
        let value = value.unwrap_or(Wei::ZERO);
        prorata::earned_down(group.received, value, group.value)
    }

    /// The part of that which has been paid.
    pub fn claimed(&self, id: PositionId) -> Wei {
        self.claimed.get(&id).copied().unwrap_or_default()
    }

    /// What a claim of a position would pay now.
    pub fn claimable(&self, rescue: &Rescue, id: PositionId) -> Wei {
        self.earned_down(rescue, id) - self.claimed(id)
    }

    /// The group that takes part and that an active tier is in.
    fn group_of(&self, rescue: &Rescue, tier: u8) -> Option<&RecoveryGroup> {
        rescue.state.settlement.filter(|settlement| settlement.is_active(tier))?;
        let order = rescue.terms.tier(tier)?.draw_order;
        self.waterfall.groups.iter().find(|group| group.order == order && group.takes_part())
    }
}

/// What a position has earned if its draw order has `received` this of what was recovered, as its pool's logs say:
/// floor(received * its value / value of the group). Its part of some of that, such as the interest, is the same of that. Nothing unless
/// the rescue is final.
pub fn earned_of_down(rescue: &Rescue, id: PositionId, received: Wei) -> Wei {
    let settlement = rescue.state.settlement.filter(|settlement| settlement.is_active(id.tier));
    let (Some(settlement), Some(tier), Some(_)) = (settlement, rescue.terms.tier(id.tier), rescue.final_at())
    else {
        return Wei::ZERO;
    };
    let (group, paid) = values_down(rescue, settlement, tier.draw_order);
    // Without a rate there were no shares at settlement, so no position in shares has an amount.
    let value = prorata::value_down(rescue.position(id).amount.of(id.asset), settlement.rate);
    if paid.is_zero() { Wei::ZERO } else { prorata::earned_down(received, value.unwrap_or(Wei::ZERO), group) }
}

/// When the rescue became final; a failed one never does.
fn require_final(rescue: &Rescue) -> Result<Timestamp, RecoveryRefusal> {
    rescue.final_at().ok_or(RecoveryRefusal::NotFinal { status: rescue.stored_status() })
}
