//! Where the contracts of a rescue store what, and how it is packed: the twin of `contracts/EscrowBooks.sol`, both pools and
//! `contracts/types/`. A test on a chain compares every value with what the contracts say.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256, keccak256};
use levee_model::{
    Amendment, Asset, BonusDecision, BonusView, Bps, Enlistment, Goal, PerAsset, Position, PositionId, Pot,
    Pots, Rate, RecoveryGroup, Settlement, Status, StoredBonus, StoredRecovery, StoredRescue, Terms,
    Timestamp, UnitSeconds, Units, Wei, WeiSeconds, settlement::Group, terms::MAX_TIERS,
};

use super::trie::Account;
use crate::{convert, error::Error};

/// Pots, and positions of one pledger.
const POTS: usize = MAX_TIERS * Asset::ALL.len();

/// A word of storage, by its name in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) slot: B256,
}

/// The words of a variable, or of an entry of a mapping, that has several: named with their numbers.
fn words(name: &str, first: B256, count: u64) -> impl Iterator<Item = Place> {
    (0..count).map(move |word| Place { name: format!("{name}[{word}]"), slot: after(first, word) })
}

fn one(name: &str, slot: B256) -> Place {
    Place { name: name.to_owned(), slot }
}

/// A variable's slot.
pub(super) fn slot(number: u64) -> B256 {
    B256::from(U256::from(number))
}

/// So many words after another.
fn after(slot: B256, words: u64) -> B256 {
    U256::from_be_bytes(slot.0).wrapping_add(U256::from(words)).into()
}

/// The entry of a mapping.
pub(super) fn entry(key: B256, mapping: B256) -> B256 {
    keccak256([key, mapping].concat())
}

fn entry_of_number(key: u64, mapping: B256) -> B256 {
    entry(slot(key), mapping)
}

/// The number of a pot, or of a position among those of its pledger.
fn number(tier: u8, asset: Asset) -> u64 {
    u64::from(tier) * Asset::ALL.len() as u64 + asset as u64
}

/// The pots of a rescue, which are also the positions that an account may have: those of tokens only if it accepts them.
fn ids(terms: &Terms) -> impl Iterator<Item = (u8, Asset)> + '_ {
    let assets = || Asset::ALL.into_iter().filter(|&asset| terms.accepts(asset));
    (0..terms.tier_count()).flat_map(move |tier| assets().map(move |asset| (tier, asset)))
}

/// The positions that an account may have, with their numbers.
fn positions_of(account: Option<Address>, terms: &Terms) -> impl Iterator<Item = (PositionId, u64)> + '_ {
    let of = |pledger| {
        ids(terms).map(move |(tier, asset)| (PositionId { pledger, tier, asset }, number(tier, asset)))
    };
    account.into_iter().flat_map(of)
}

/// The fields of a word, from its lowest bits on, as Solidity packs them.
struct Fields(U256);

impl Fields {
    /// The next field, of so many bits, which the caller's type has room for.
    fn next<T>(&mut self, bits: usize) -> T
    where
        T: std::fmt::Debug,
        U256: alloy::primitives::ruint::UintTryTo<T>,
    {
        let field = self.0 & ((U256::ONE << bits) - U256::ONE);
        self.0 >>= bits;
        field.to()
    }

    fn wei(&mut self, bits: usize) -> Wei {
        Wei::new(self.next(bits))
    }

    fn units(&mut self) -> Units {
        Units::new(self.next(104))
    }

    /// 0 means none.
    fn rate(&mut self) -> Option<Rate> {
        Rate::new(self.next(96))
    }

    /// Seconds in 40 bits; 0 means never.
    fn time(&mut self) -> Option<Timestamp> {
        Some(self.next(40)).filter(|&time| time != 0)
    }

    fn counts(&mut self) -> PerAsset<u8> {
        PerAsset::from_fn(|_| self.next(8))
    }
}

/// `PledgeEscrow`.
pub(super) mod escrow {
    use super::*;

    const CORE: u64 = 0;
    const RECORD: u64 = 1;
    const TIMELINE: u64 = 3;
    const TERMS_HASH: u64 = 4;
    const AMENDED: u64 = 5;
    const FIRST_POT: u64 = 7;
    const POSITIONS: u64 = 31;
    const OWED: u64 = 32;

    /// What is read of the escrow, and of an account in it.
    pub(in crate::proof) fn places(terms: &Terms, account: Option<Address>) -> Vec<Place> {
        let mut places = vec![one("_core", slot(CORE)), one("_timeline", slot(TIMELINE))];
        places.extend(words("_record", slot(RECORD), 2));
        places.push(one("_termsHash", slot(TERMS_HASH)));
        places.extend(words("_amended", slot(AMENDED), 2));
        places.extend(ids(terms).map(|(tier, asset)| pot(number(tier, asset))));
        if let Some(account) = account {
            places.extend(ids(terms).map(|(tier, asset)| position(account, number(tier, asset))));
            places.extend(Asset::ALL.map(|asset| owed(account, asset)));
        }
        places
    }

    fn pot(number: u64) -> Place {
        one(&format!("_pots[{number}]"), slot(FIRST_POT + number))
    }

    fn position(pledger: Address, number: u64) -> Place {
        let first = entry(pledger.into_word(), slot(POSITIONS));
        one(&format!("_positions[{pledger}][{number}]"), after(first, number))
    }

    fn owed(pledger: Address, asset: Asset) -> Place {
        let mapping = entry(pledger.into_word(), slot(OWED));
        one(&format!("_owed[{pledger}][{}]", asset as u8), entry_of_number(asset as u64, mapping))
    }

    /// The rescue that these words are of.
    pub(in crate::proof) fn read(
        storage: &Account,
        terms: &Terms,
        account: Option<Address>,
    ) -> Result<StoredRescue, Error> {
        let core = Core::read(Fields(storage.word(slot(CORE))?))?;
        let mut timeline = Fields(storage.word(slot(TIMELINE))?);
        let rate = Fields(storage.word(slot(RECORD))?).rate();
        let terms_hash = storage.word(slot(TERMS_HASH))?.into();
        let is_failed = core.status == Status::Failed;
        Ok(StoredRescue {
            status: core.status,
            end_reason: core.end_reason,
            goal: Goal { target: core.target, deadline: core.deadline, terms_hash },
            amendment: amendment(storage, core.effective_at)?,
            failed_rate: rate.filter(|_| is_failed),
            settlement: settlement(storage, terms, core.active_tiers)?,
            kept: core.kept,
            delivered: core.delivered,
            returns_by_calendar: core.returns_by_calendar,
            created_block: timeline.next(40),
            cancelled_at: timeline.time(),
            lapsed_at: timeline.time(),
            final_at: timeline.time(),
            objected: timeline.wei(96),
            pots: pots(storage, terms)?,
            positions: positions(storage, terms, account)?,
            owed: all_owed(storage, account)?,
        })
    }

    struct Core {
        status: Status,
        end_reason: Option<levee_model::EndReason>,
        deadline: Timestamp,
        target: Wei,
        effective_at: Option<Timestamp>,
        active_tiers: u8,
        kept: PerAsset<u8>,
        delivered: PerAsset<u8>,
        returns_by_calendar: bool,
    }

    impl Core {
        fn read(mut word: Fields) -> Result<Self, Error> {
            Ok(Self {
                status: convert::status(word.next(8))?,
                end_reason: convert::end_reason(word.next(8))?,
                deadline: word.next(40),
                target: word.wei(96),
                effective_at: word.time(),
                active_tiers: word.next(8),
                kept: word.counts(),
                delivered: word.counts(),
                returns_by_calendar: word.next::<u8>(8) != 0,
            })
        }
    }

    fn amendment(storage: &Account, effective_at: Option<Timestamp>) -> Result<Option<Amendment>, Error> {
        let Some(effective_at) = effective_at else { return Ok(None) };
        let mut word = Fields(storage.word(slot(AMENDED))?);
        let (target, deadline) = (word.wei(96), word.next(40));
        let terms_hash = storage.word(slot(AMENDED + 1))?.into();
        Ok(Some(Amendment { goal: Goal { target, deadline, terms_hash }, effective_at }))
    }

    /// Only a settled rescue has active tiers.
    fn settlement(storage: &Account, terms: &Terms, active_tiers: u8) -> Result<Option<Settlement>, Error> {
        let Some(last) = active_tiers.checked_sub(1).and_then(|last| terms.tier(last)) else {
            return Ok(None);
        };
        let mut first = Fields(storage.word(slot(RECORD))?);
        let mut second = Fields(storage.word(slot(RECORD + 1))?);
        Ok(Some(Settlement {
            rate: first.rate(),
            settled_at: first.next(40),
            marginal: Group { order: first.next(8), value: second.wei(120), draw: second.wei(96) },
            drawn_value: first.wei(96),
            threshold: last.threshold,
            active_tiers,
        }))
    }

    fn pots(storage: &Account, terms: &Terms) -> Result<Pots, Error> {
        let mut pots = [Pot::default(); POTS];
        for (tier, asset) in ids(terms) {
            let number = number(tier, asset);
            let mut word = Fields(storage.word(pot(number).slot)?);
            pots[number as usize] = Pot { total: word.units(), drawn: word.units() };
        }
        Ok(Pots::new(pots))
    }

    fn positions(
        storage: &Account,
        terms: &Terms,
        account: Option<Address>,
    ) -> Result<BTreeMap<PositionId, Position>, Error> {
        let read = |(id, number): (PositionId, u64)| -> Result<_, Error> {
            let word = storage.word(position(id.pledger, number).slot)?;
            Ok((id, unpacked(Fields(word))))
        };
        positions_of(account, terms).map(read).collect()
    }

    fn unpacked(mut word: Fields) -> Position {
        let (amount, refunded) = (word.units(), word.units());
        let objected = word.next::<u8>(1) != 0;
        // Nothing is between the objection, in bit 208, and the count, from bit 232 on.
        let departures = word.next::<u64>(23 + 24) >> 23;
        Position { amount, refunded, objected, departures: departures as u32 }
    }

    fn all_owed(
        storage: &Account,
        account: Option<Address>,
    ) -> Result<BTreeMap<(Address, Asset), Units>, Error> {
        let read = |(pledger, asset)| -> Result<_, Error> {
            let mut word = Fields(storage.word(owed(pledger, asset).slot)?);
            Ok(((pledger, asset), word.units()))
        };
        let all = account.into_iter().flat_map(|pledger| Asset::ALL.map(|asset| (pledger, asset)));
        all.map(read).collect()
    }
}

/// `RecoveryPool`.
pub(super) mod recovery_pool {
    use super::*;

    const LEDGER: u64 = 0;
    const GROUPS: u64 = 1;
    const CLAIMED: u64 = 2;

    /// What is read of the pool, and of an account in it.
    pub(in crate::proof) fn places(terms: &Terms, account: Option<Address>) -> Vec<Place> {
        let mut places = vec![one("_ledger", slot(LEDGER))];
        for (order, _) in groups(terms) {
            places.extend(words(&format!("_groups[{order}]"), group(order), 2));
        }
        if let Some(account) = account {
            places.extend(ids(terms).map(|(tier, asset)| claimed(account, number(tier, asset))));
        }
        places
    }

    /// Draw orders and their rates, in the order of repayment. Tiers of one order have one rate.
    fn groups(terms: &Terms) -> impl Iterator<Item = (u8, Bps)> {
        let orders: BTreeMap<_, _> = terms.tiers.iter().map(|tier| (tier.draw_order, tier.rate)).collect();
        orders.into_iter().rev()
    }

    fn group(order: u8) -> B256 {
        entry_of_number(order.into(), slot(GROUPS))
    }

    fn claimed(pledger: Address, number: u64) -> Place {
        let mapping = entry(pledger.into_word(), slot(CLAIMED));
        one(&format!("_claimed[{pledger}][{number}]"), entry_of_number(number, mapping))
    }

    /// The pool that these words are of.
    pub(in crate::proof) fn read(
        storage: &Account,
        terms: &Terms,
        account: Option<Address>,
    ) -> Result<StoredRecovery, Error> {
        let mut ledger = Fields(storage.word(slot(LEDGER))?);
        let _orders_and_their_count: u128 = ledger.next(64 + 8);
        let claimed = |(id, number): (PositionId, u64)| -> Result<_, Error> {
            Ok((id, convert::wei(storage.word(claimed(id.pledger, number).slot)?)?))
        };
        Ok(StoredRecovery {
            accrued_at: ledger.time(),
            groups: groups(terms)
                .map(|(order, rate)| read_group(storage, order, rate))
                .collect::<Result<_, _>>()?,
            claimed: positions_of(account, terms).map(claimed).collect::<Result<_, _>>()?,
        })
    }

    fn read_group(storage: &Account, order: u8, rate: Bps) -> Result<RecoveryGroup, Error> {
        let mut first = Fields(storage.word(group(order))?);
        let mut second = Fields(storage.word(after(group(order), 1))?);
        let (value, received) = (first.wei(112), first.wei(96));
        let (principal, interest) = (second.wei(96), second.wei(128));
        Ok(RecoveryGroup { order, rate, value, principal, interest, received })
    }
}

/// `BonusPool`.
pub(super) mod bonus_pool {
    use super::*;

    const DECISION: u64 = 0;
    const TOTAL: u64 = 2;
    const ADDED: u64 = 3;
    const ENLISTMENTS: u64 = 28;
    const CLAIMED: u64 = 29;

    /// What is read of the pool, and of an account in it.
    pub(in crate::proof) fn places(terms: &Terms, account: Option<Address>) -> Vec<Place> {
        let mut places: Vec<_> = words("_decision", slot(DECISION), 2).collect();
        places.push(one("_total", slot(TOTAL)));
        if let Some(account) = account {
            places.push(added(account));
            for (tier, asset) in ids(terms) {
                let number = number(tier, asset);
                places.extend([enlistment(account, number), claimed(account, number)]);
            }
        }
        places
    }

    fn added(sponsor: Address) -> Place {
        one(&format!("_added[{sponsor}]"), entry(sponsor.into_word(), slot(ADDED)))
    }

    fn enlistment(pledger: Address, number: u64) -> Place {
        let mapping = entry(pledger.into_word(), slot(ENLISTMENTS));
        one(&format!("_enlistments[{pledger}][{number}]"), entry_of_number(number, mapping))
    }

    fn claimed(pledger: Address, number: u64) -> Place {
        let mapping = entry(pledger.into_word(), slot(CLAIMED));
        one(&format!("_claimed[{pledger}][{number}]"), entry_of_number(number, mapping))
    }

    /// The pool that these words are of.
    pub(in crate::proof) fn read(
        storage: &Account,
        terms: &Terms,
        account: Option<Address>,
    ) -> Result<StoredBonus, Error> {
        let mut stored = StoredBonus {
            view: view(storage)?,
            enlisted: BTreeMap::new(),
            claimed: BTreeSet::new(),
            added: BTreeMap::new(),
        };
        if let Some(sponsor) = account {
            stored.added.insert(sponsor, convert::wei(storage.word(added(sponsor).slot)?)?);
        }
        for (id, number) in positions_of(account, terms) {
            let word = storage.word(enlistment(id.pledger, number).slot)?;
            stored.enlisted.insert(id, unpacked(Fields(word)));
            if !storage.word(claimed(id.pledger, number).slot)?.is_zero() {
                stored.claimed.insert(id);
            }
        }
        Ok(stored)
    }

    fn view(storage: &Account) -> Result<BonusView, Error> {
        let mut word = Fields(storage.word(slot(DECISION))?);
        let total = convert::wei(storage.word(slot(TOTAL))?)?;
        let (is_decided, _first_unmet) = (word.next::<u8>(8) != 0, word.next::<u8>(8));
        let decision = BonusDecision {
            bonus: total,
            rate: word.rate(),
            pledgers: word.wei(128),
            value: WeiSeconds::new(storage.word(slot(DECISION + 1))?),
        };
        Ok(BonusView { total, decision: is_decided.then_some(decision) })
    }

    fn unpacked(mut word: Fields) -> Enlistment {
        let unit_seconds = UnitSeconds::new(U256::from(word.next::<u128>(128)));
        Enlistment { unit_seconds, enlisted: word.units(), departures: word.next(24) }
    }
}

/// `Compact`, the twin of `contracts/CompactBooks.sol`.
pub(super) mod compact {
    use levee_model::compact::{CallRecord, Standing, Started, StoredCall, StoredMember};

    use super::*;

    const ADMITTED: u64 = 0;
    const MEMBERS: u64 = 1;
    const ALL: u64 = 2;
    const INDEX: u64 = 3;
    const CALLS: u64 = 4;
    const VOTES: u64 = 5;
    const START: u64 = 6;

    /// How many words a call has, and in which of a member's its history is.
    const WORDS_OF_CALL: u64 = 2;
    const HISTORY: u64 = 3;

    /// What is read first. Where the rest is follows from it.
    pub(in crate::proof) fn places(members: &[Address]) -> Vec<Place> {
        let mut places = vec![
            one("_all.length", slot(ALL)),
            one("_index", slot(INDEX)),
            one("_calls.length", slot(CALLS)),
            one("_start", slot(START)),
        ];
        for member in members {
            places.push(one(&format!("_admitted[{member}]"), entry(member.into_word(), slot(ADMITTED))));
            places.extend(words(&format!("_members[{member}]"), of_member(*member), HISTORY + 1));
        }
        places
    }

    /// What is read after it: the latest of each history, each call, and each vote.
    pub(in crate::proof) fn later_places(
        members: &[Address],
        calls: u64,
        word: impl Fn(B256) -> Result<U256, Error>,
    ) -> Result<Vec<Place>, Error> {
        let mut places = Vec::new();
        places.extend(latest("_all", slot(ALL), word(slot(ALL))?));
        for member in members {
            let history = after(of_member(*member), HISTORY);
            places.extend(latest(&format!("_members[{member}].history"), history, word(history)?));
        }
        for call in 0..calls {
            places.extend(words(&format!("_calls[{call}]"), of_call(call), WORDS_OF_CALL));
            let vote = |member: &Address| one(&format!("_votes[{call}][{member}]"), of_vote(call, *member));
            places.extend(members.iter().map(vote));
        }
        Ok(places)
    }

    fn of_member(member: Address) -> B256 {
        entry(member.into_word(), slot(MEMBERS))
    }

    fn of_call(call: u64) -> B256 {
        after(keccak256(slot(CALLS)), call.saturating_mul(WORDS_OF_CALL))
    }

    fn of_vote(call: u64, member: Address) -> B256 {
        entry(member.into_word(), entry_of_number(call, slot(VOTES)))
    }

    /// The last word of a list; none if it is empty.
    fn last(list: B256, length: U256) -> Option<B256> {
        let before = length.checked_sub(U256::ONE)?;
        Some(U256::from_be_bytes(keccak256(list).0).wrapping_add(before).into())
    }

    fn latest(name: &str, list: B256, length: U256) -> Option<Place> {
        Some(one(&format!("{name}[{}]", length.checked_sub(U256::ONE)?), last(list, length)?))
    }

    /// The latest standing of a history.
    fn standing(account: &Account, list: B256) -> Result<Option<Standing>, Error> {
        let Some(slot) = last(list, account.word(list)?) else { return Ok(Some(Standing::default())) };
        let mut fields = Fields(account.word(slot)?);
        let _since: u64 = fields.next(48);
        let (active, weight) = (fields.units(), fields.units());
        Ok(active.checked_sub(weight).map(|noticed| Standing { active, noticed }))
    }

    /// What all members have together; none if it cannot be.
    pub(in crate::proof) fn all(account: &Account) -> Result<Option<Standing>, Error> {
        standing(account, slot(ALL))
    }

    pub(in crate::proof) fn index(account: &Account) -> Result<U256, Error> {
        Ok(account.word(slot(INDEX))?)
    }

    pub(in crate::proof) fn call_count(account: &Account) -> Result<u64, Error> {
        convert::narrow(account.word(slot(CALLS))?, "a number of calls")
    }

    pub(in crate::proof) fn started(account: &Account) -> Result<Option<Started>, Error> {
        let mut fields = Fields(account.word(slot(START))?);
        let started_at = fields.time();
        let call = convert::narrow(fields.0, "a call")?;
        Ok(started_at.map(|started_at| Started { call, started_at }))
    }

    /// A member; none if it cannot be.
    pub(in crate::proof) fn member(
        account: &Account,
        member: Address,
    ) -> Result<Option<StoredMember>, Error> {
        let first = of_member(member);
        let word = |number| account.word(after(first, number));
        let (mut pending, mut named) = (Fields(word(0)?), Fields(word(2)?));
        let Some(standing) = standing(account, after(first, HISTORY))? else { return Ok(None) };
        Ok(Some(StoredMember {
            admitted: !account.word(entry(member.into_word(), slot(ADMITTED)))?.is_zero(),
            pending: pending.units(),
            committed_at: pending.time(),
            earned: pending.units(),
            index: word(1)?,
            approver: Address::from_word(B256::from(named.next::<U256>(160))),
            noticed_at: named.time(),
            standing,
            has_left: named.time().is_some(),
        }))
    }

    pub(in crate::proof) fn call(account: &Account, call: u64) -> Result<StoredCall, Error> {
        let word = |number| account.word(after(of_call(call), number));
        let (mut first, mut second) = (Fields(word(0)?), Fields(word(1)?));
        let escrow = Address::from_word(B256::from(first.next::<U256>(160)));
        let proposed_at = first.time().unwrap_or_default();
        let (bps, tier, passed_after) = (Bps::new(first.next(16)), first.next(8), first.next(32));
        let (active, approvals) = (second.units(), second.units());
        let amendment = second.time().unwrap_or_default();
        let record = CallRecord { escrow, tier, bps, amendment, active, proposed_at };
        Ok(StoredCall { record, approvals, passed_after })
    }

    /// Whether a member approves a call, and whether it has given.
    pub(in crate::proof) fn vote(
        account: &Account,
        call: u64,
        member: Address,
    ) -> Result<(bool, bool), Error> {
        let mut fields = Fields(account.word(of_vote(call, member))?);
        let [approved, given]: [u8; 2] = [fields.next(8), fields.next(8)];
        Ok((approved != 0, given != 0))
    }
}
