//! The state of a compact.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256, U512};
use serde::Serialize;

use super::{
    standing::{Standing, Standings},
    terms::{CompactTerms, CompactTermsError},
};
use crate::{
    schedule::Timestamp,
    units::{Bps, Units},
};

/// Where the index of premiums begins.
const FIRST_INDEX: U256 = U256::ONE;

/// Bits behind the point of the index.
const INDEX_BITS: usize = 128;

/// One member.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    /// What is committed and not activated.
    pub(super) pending: Units,
    /// When the last commitment was made; none if nothing is pending.
    pub(super) committed_at: Option<Timestamp>,
    /// What is active, and what of it is under notice.
    pub(super) standings: Standings,
    /// When notice was given; none if nothing is under notice.
    pub(super) noticed_at: Option<Timestamp>,
    /// Zero for none.
    pub(super) approver: Address,
    /// Premiums accrued and not paid.
    pub(super) earned: Units,
    /// The index at the last accrual.
    pub(super) index: U256,
}

/// What a call asks for, as it was proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// The escrow of the rescue.
    #[serde(with = "crate::json::Account")]
    pub escrow: Address,
    /// The tier that is paid into.
    pub tier: u8,
    /// What it takes of what each member has active.
    pub bps: Bps,
    /// The latest amendment of the rescue, by when it comes into force; 0 for none.
    #[serde(rename = "amendmentUnix")]
    pub amendment: Timestamp,
    /// All that was active one second before.
    #[serde(rename = "activeUnits")]
    pub active: Units,
    /// When it was proposed.
    #[serde(rename = "proposedAtUnix")]
    pub proposed_at: Timestamp,
}

impl CallRecord {
    /// The second at whose end weights and amounts are taken: the one before the proposal, which no longer changes.
    pub const fn weighed_at(&self) -> Timestamp {
        // A block's time is never zero.
        self.proposed_at.saturating_sub(1)
    }
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) record: CallRecord,
    /// The weight that approves it.
    pub(super) approvals: Units,
    /// Who approves it.
    pub(super) approved: BTreeSet<Address>,
    pub(super) passed_at: Option<Timestamp>,
    /// Who gave, and how much.
    pub(super) given: BTreeMap<Address, Units>,
}

impl From<CallRecord> for Call {
    fn from(record: CallRecord) -> Self {
        let (approved, given) = (BTreeSet::new(), BTreeMap::new());
        Self { record, approvals: Units::ZERO, approved, passed_at: None, given }
    }
}

/// The last call that gave anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// Its number.
    pub call: u64,
    /// When it gave for the first time.
    #[serde(rename = "startedAtUnix")]
    pub started_at: Timestamp,
}

/// What one member gave to one call, as a pledge in its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Gift {
    /// The number of the call.
    pub call: u64,
    /// The member.
    #[serde(with = "crate::json::Account")]
    pub member: Address,
    /// How much.
    #[serde(rename = "amountUnits")]
    pub amount: Units,
    /// When.
    #[serde(rename = "givenAtUnix")]
    pub given_at: Timestamp,
}

/// One compact, from its creation on. Block times fit in 40 bits, are not zero, and never decrease.
#[derive(Debug, Clone)]
pub struct Compact {
    pub(super) address: Address,
    pub(super) terms: CompactTerms,
    pub(super) admitted: BTreeSet<Address>,
    pub(super) members: BTreeMap<Address, Member>,
    /// The sum of all members' standings.
    pub(super) all: Standings,
    /// Premiums per unit of weight, times 2^128, since the beginning. It never falls.
    pub(super) index: U256,
    pub(super) calls: Vec<Call>,
    pub(super) started: Option<Started>,
}

impl Compact {
    /// The most that a member, or all of them, can have: 104 bits.
    pub const MAX_UNITS: Units = Units::new((1 << 104) - 1);

    /// Creates the compact at `address`.
    ///
    /// # Errors
    /// The first rule that the terms violate.
    pub fn create(address: Address, terms: CompactTerms) -> Result<Self, CompactTermsError> {
        terms.check()?;
        Ok(Self {
            address,
            terms,
            admitted: BTreeSet::new(),
            members: BTreeMap::new(),
            all: Standings::default(),
            index: FIRST_INDEX,
            calls: Vec::new(),
            started: None,
        })
    }

    /// Where it is.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Its terms.
    pub const fn terms(&self) -> &CompactTerms {
        &self.terms
    }

    /// How many calls were ever proposed.
    pub fn call_count(&self) -> u64 {
        self.calls.len() as u64
    }

    /// The last call that gave anything; none if none has.
    pub const fn started(&self) -> Option<Started> {
        self.started
    }

    /// What an account has active now.
    pub fn standing(&self, account: Address) -> Standing {
        self.member(account).map(|member| member.standings.now()).unwrap_or_default()
    }

    /// What an account had active at the end of the second `time`.
    pub fn standing_at(&self, account: Address, time: Timestamp) -> Standing {
        self.member(account).map(|member| member.standings.at(time)).unwrap_or_default()
    }

    /// What all members have active, with its history.
    pub const fn all(&self) -> &Standings {
        &self.all
    }

    /// Premiums per unit of weight, times 2^128.
    pub const fn index(&self) -> U256 {
        self.index
    }

    /// What an account has earned and not received, rounded down at each accrual.
    pub fn earned(&self, account: Address) -> Units {
        let Some(member) = self.member(account) else { return Units::ZERO };
        // The index never falls.
        let gained = self.index - member.index;
        earned_since(member.earned, member.standings.now().weight(), gained)
    }

    /// What a member gives to a call: min(active now, floor(active one second before the proposal * bps / 10,000)), once.
    /// None if there is no such call.
    pub fn share(&self, call: u64, member: Address) -> Option<Units> {
        let call = self.call(call)?;
        if call.given.contains_key(&member) {
            return Some(Units::ZERO);
        }
        let before = self.standing_at(member, call.record.weighed_at());
        Some(before.called_down(call.record.bps).min(self.standing(member).active))
    }

    /// What all members gave to a call, by member; none if there is no such call.
    pub fn given(&self, call: u64) -> Option<&BTreeMap<Address, Units>> {
        Some(&self.call(call)?.given)
    }

    /// Whether an account approves a call, and whether it has given to it.
    pub fn vote_of(&self, call: u64, account: Address) -> (bool, bool) {
        let vote = |call: &Call| (call.approved.contains(&account), call.given.contains_key(&account));
        self.call(call).map(vote).unwrap_or_default()
    }

    /// A member's weight in a call: what it had one second before the proposal.
    pub(super) fn weight_for(&self, call: u64, member: Address) -> Option<Units> {
        let time = self.call(call)?.record.weighed_at();
        Some(self.standing_at(member, time).weight())
    }

    pub(super) fn call(&self, number: u64) -> Option<&Call> {
        self.calls.get(usize::try_from(number).ok()?)
    }

    pub(super) fn member(&self, account: Address) -> Option<&Member> {
        self.members.get(&account)
    }

    pub(super) fn member_mut(&mut self, account: Address) -> &mut Member {
        self.members.entry(account).or_default()
    }

    /// How much more the books hold beside `amount`.
    pub(super) fn room(amount: Units) -> Units {
        Self::MAX_UNITS - amount
    }
}

/// What a premium adds to the index: floor(amount * 2^128 / weight). The weight is not zero.
pub(super) fn index_down(amount: Units, weight: Units) -> U256 {
    // 104 and 128 bits.
    (U256::from(amount.get()) << INDEX_BITS) / U256::from(weight.get())
}

/// What a member has earned that had `earned` when the index was less by `gained`.
pub(super) fn earned_since(earned: Units, weight: Units, gained: U256) -> Units {
    // Both are parts of the premiums paid: this saturates only by logs or words that are no compact's.
    Units::new(earned.get().saturating_add(earned_down(weight, gained).get()))
}

/// What a weight has earned since the index was less by `gained`: floor(weight * gained / 2^128). It is a part of the
/// premiums paid, so it has no more than 104 bits.
fn earned_down(weight: Units, gained: U256) -> Units {
    let product = U512::from(weight.get()) * U512::from(gained);
    Units::new((product >> INDEX_BITS).saturating_to())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premiums_round_down_and_the_largest_products_fit() {
        let third = index_down(Units::new(10), Units::new(3));
        assert_eq!(earned_down(Units::new(1), third), Units::new(3));
        assert_eq!(earned_down(Units::new(3), third), Units::new(9));
        let most = index_down(Compact::MAX_UNITS, Units::new(1));
        assert_eq!(earned_down(Units::new(1), most), Compact::MAX_UNITS);
        assert_eq!(
            earned_down(Compact::MAX_UNITS, index_down(Compact::MAX_UNITS, Compact::MAX_UNITS)).get(),
            Compact::MAX_UNITS.get()
        );
    }
}
