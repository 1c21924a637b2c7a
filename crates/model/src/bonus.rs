//! Who gets the bonus? Sponsors add it while the rescue is open; if it fails, its pledgers share it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use thiserror::Error;

use crate::{
    books::PositionId,
    lido::Moment,
    prorata,
    refusal::Refusal,
    rescue::{Payment, Rescue},
    schedule::Timestamp,
    status::{FailReason, Status},
    units::{Rate, Wei},
};

/// Whose the bonus is, once and for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BonusFor {
    /// The rescue failed, and not by its guardian: the pledgers share it by the value of what they pledged.
    Pledgers {
        /// The rate that values their shares; none when they pledged none.
        rate: Option<Rate>,
        /// What all that was pledged is worth; not zero.
        value: Wei,
    },
    /// Everyone takes back what they added.
    Sponsors,
}

/// Why a call of the bonus pool was refused. A refused call changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BonusRefusal {
    /// By add: the rescue is not open or its deadline has passed.
    #[error("the rescue is {status}, its deadline is {deadline} and it is {time}")]
    AddingClosed {
        /// The status, as a call of the rescue would find it.
        status: Status,
        /// The deadline in force.
        deadline: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// By add: nothing is added.
    #[error("a contribution of nothing")]
    ZeroAmount,
    /// The sponsor or the recipient is zero or the pool itself.
    #[error("{account} can neither sponsor nor receive")]
    InvalidAccount {
        /// The account.
        account: Address,
    },
    /// By claim when the bonus is the sponsors', and by take back when it is the pledgers'.
    #[error("the bonus is for others: {whose:?}")]
    WrongOutcome {
        /// Whose it is.
        whose: BonusFor,
    },
    /// By claim: the share was paid before, or is worth no wei.
    #[error("nothing to claim for {} of {} in tier {}", .id.asset, .id.pledger, .id.tier)]
    NothingToClaim {
        /// The position.
        id: PositionId,
    },
    /// By take back: the sponsor has nothing in the pool.
    #[error("{sponsor} has nothing in the pool")]
    NothingToTakeBack {
        /// The sponsor.
        sponsor: Address,
    },
    /// Shares were pledged, their rate cannot be read, and it is too early to go without.
    #[error("the share rate cannot be read, and it is {time}, not later than {limit}")]
    RateUnreadable {
        /// The last second at which deciding waits for it.
        limit: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// The rescue is open and cannot be settled, or knows no such tier.
    #[error(transparent)]
    ByRescue(#[from] Refusal),
}

/// The bonus pool of one rescue, which its calls are shown. All contributions together fit 128 bits.
#[derive(Debug, Clone)]
pub struct BonusPool {
    address: Address,
    decision: Option<BonusFor>,
    total: Wei,
    added: BTreeMap<Address, Wei>,
    claimed: BTreeSet<PositionId>,
}

impl BonusPool {
    /// The pool at `address`.
    pub const fn new(address: Address) -> Self {
        Self { address, decision: None, total: Wei::ZERO, added: BTreeMap::new(), claimed: BTreeSet::new() }
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
        if !rescue.state.is_pledging(at.time) {
            let deadline = rescue.goal(at.time).deadline;
            return Err(BonusRefusal::AddingClosed {
                status: rescue.stored_status(),
                deadline,
                time: at.time,
            });
        }
        if amount.is_zero() {
            return Err(BonusRefusal::ZeroAmount);
        }
        self.require_account(sponsor)?;
        *self.added.entry(sponsor).or_default() += amount;
        self.total += amount;
        Ok(())
    }

    /// Pays a position's share, once, to its pledger. Anyone may call. The first call after the end decides whose the
    /// bonus is, and settles the rescue if nobody has.
    ///
    /// # Errors
    /// The rescue's refusal to settle, `RateUnreadable`, `WrongOutcome`, `UnknownTier`, `NothingToClaim`.
    pub fn claim(
        &mut self,
        rescue: &mut Rescue,
        at: Moment,
        id: PositionId,
    ) -> Result<Payment, BonusRefusal> {
        self.after_deciding(rescue, at, |pool, rescue, whose| {
            if whose == BonusFor::Sponsors {
                return Err(BonusRefusal::WrongOutcome { whose });
            }
            rescue.require_tier(id.tier)?;
            let share = pool.share_under(whose, rescue, id);
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
        self.require_account(recipient)?;
        self.claim(rescue, at, id).map(|payment| Payment { to: recipient, ..payment })
    }

    /// Returns to `sponsor` all that it added. Anyone may call. Decides as [`claim`](Self::claim) does, unless the sponsor
    /// itself leaves while an amendment is pending.
    ///
    /// # Errors
    /// The rescue's refusal to settle, `RateUnreadable`, `WrongOutcome`, `NothingToTakeBack`.
    pub fn take_back(
        &mut self,
        rescue: &mut Rescue,
        at: Moment,
        caller: Address,
        sponsor: Address,
    ) -> Result<Payment, BonusRefusal> {
        if caller == sponsor && rescue.pending_amendment(at.time).is_some() {
            return self.pay_back(sponsor);
        }
        self.after_deciding(rescue, at, |pool, _, whose| {
            if whose != BonusFor::Sponsors {
                return Err(BonusRefusal::WrongOutcome { whose });
            }
            pool.pay_back(sponsor)
        })
    }

    fn pay_back(&mut self, sponsor: Address) -> Result<Payment, BonusRefusal> {
        let amount = self.added.remove(&sponsor).ok_or(BonusRefusal::NothingToTakeBack { sponsor })?;
        self.total = self.total - amount;
        Ok(Payment::ether(sponsor, amount))
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
        self.require_account(recipient)?;
        self.take_back(rescue, at, sponsor, sponsor).map(|payment| Payment { to: recipient, ..payment })
    }

    /// Whose the bonus is; none until a call has decided it.
    pub const fn decision(&self) -> Option<BonusFor> {
        self.decision
    }

    /// What was added and not taken back; what pledgers claim is part of it.
    pub const fn total(&self) -> Wei {
        self.total
    }

    /// What a sponsor has in the pool.
    pub fn contribution_of(&self, sponsor: Address) -> Wei {
        self.added.get(&sponsor).copied().unwrap_or_default()
    }

    /// What a position gets of the bonus, had or not; nothing unless it is decided and the pledgers'.
    pub fn share_of(&self, rescue: &Rescue, id: PositionId) -> Wei {
        self.decision.map_or(Wei::ZERO, |whose| self.share_under(whose, rescue, id))
    }

    /// Whether a position has had its share.
    pub fn has_claimed(&self, id: PositionId) -> bool {
        self.claimed.contains(&id)
    }

    /// floor(total * value of the position / value of all). What was pledged is frozen once the rescue failed.
    fn share_under(&self, whose: BonusFor, rescue: &Rescue, id: PositionId) -> Wei {
        let BonusFor::Pledgers { rate, value } = whose else { return Wei::ZERO };
        // Without a rate nobody pledged shares, so no position in shares has an amount.
        let part = prorata::value_down(rescue.position(id).amount, id.asset, rate).unwrap_or(Wei::ZERO);
        prorata::earned_down(self.total, part, value)
    }

    /// Decides whose the bonus is, if nothing has; undone, like the call itself, when the call is refused.
    fn after_deciding(
        &mut self,
        rescue: &mut Rescue,
        at: Moment,
        call: impl FnOnce(&mut Self, &Rescue, BonusFor) -> Result<Payment, BonusRefusal>,
    ) -> Result<Payment, BonusRefusal> {
        if let Some(whose) = self.decision {
            return call(self, rescue, whose);
        }
        let before = rescue.state.clone();
        let result = decide(rescue, at).and_then(|whose| Ok((call(self, rescue, whose)?, whose)));
        match result {
            Ok((payment, whose)) => {
                self.decision = Some(whose);
                Ok(payment)
            }
            Err(refusal) => {
                rescue.state = before;
                Err(refusal)
            }
        }
    }

    fn require_account(&self, account: Address) -> Result<(), BonusRefusal> {
        if account.is_zero() || account == self.address {
            return Err(BonusRefusal::InvalidAccount { account });
        }
        Ok(())
    }
}

/// Whose the bonus is, of a rescue that is decided or can be settled now.
///
/// A guardian who ends a rescue does not make it the pledgers': one who has pledged could else end it for that. Nor is it
/// theirs when nothing of worth was pledged.
fn decide(rescue: &mut Rescue, at: Moment) -> Result<BonusFor, BonusRefusal> {
    match rescue.settle(at) {
        Ok(_) | Err(Refusal::WrongStatus { .. }) => {}
        Err(refusal) => return Err(refusal.into()),
    }
    match rescue.state.fail_reason() {
        Some(FailReason::NoThresholdMet | FailReason::RateUnreadable) => {}
        None | Some(FailReason::EndedByGuardian) => return Ok(BonusFor::Sponsors),
    }
    let rate = rate_for(rescue, at)?;
    let value = rescue.state.pots.value_down(0..rescue.terms.tier_count(), rate);
    Ok(if value.is_zero() { BonusFor::Sponsors } else { BonusFor::Pledgers { rate, value } })
}

/// The rate now, where one is needed; one to one if it stays unreadable for longer than a settlement would have waited.
fn rate_for(rescue: &Rescue, at: Moment) -> Result<Option<Rate>, BonusRefusal> {
    if !rescue.state.pots.hold_shares() {
        return Ok(None);
    }
    let limit = rescue.rate_awaited_until(at.time);
    match at.lido.rate() {
        Some(rate) => Ok(Some(rate)),
        None if at.time > limit => Ok(Some(Rate::PAR)),
        None => Err(BonusRefusal::RateUnreadable { limit, time: at.time }),
    }
}
