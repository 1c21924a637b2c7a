//! Which of the duties a keeper does now: whose turn it is, and what may be paid.
//!
//! Several keepers know nothing of each other. Each has its turn at a duty a few blocks after it fell due, by a hash, so that they
//! rarely have the same one. Whoever comes later finds the duty done.

use std::collections::BTreeMap;

use alloy::primitives::{Address, keccak256};
use levee::Purpose;
use levee_model::{
    Duty, Operation, PositionId, Timestamp, Wei,
    compact::{CompactDuty, CompactTask},
    json::Account,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::report::Outcome;
use crate::service::Now;

/// The longest pause between two attempts at the same duty, in blocks: half an hour on Ethereum.
const LONGEST_PAUSE: u64 = 150;

/// A duty to a rescue or a compact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Task {
    Rescue {
        /// The rescue.
        #[serde(with = "Account")]
        rescue: Address,
        #[serde(flatten)]
        duty: Duty,
    },
    Compact {
        /// The compact.
        #[serde(with = "Account")]
        compact: Address,
        #[serde(flatten)]
        duty: CompactDuty,
    },
}

/// A task in the words of the journal, which are the same in every run as long as it is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) task: Task,
    pub(crate) purpose: Purpose,
    /// Since when it is due, or when this keeper first saw it, if the rules do not tell.
    pub(crate) since: Timestamp,
}

/// What is known of a task that is due.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: Now,
    /// How often it was tried, and the block before which it is not tried again.
    attempts: u32,
    not_before: u64,
    /// How often it was paid for in vain. If somebody else was faster, the duty is gone; otherwise it is made to cost.
    reverts: u32,
    /// Whether this keeper has done it.
    is_done: bool,
}

/// The duties that are due, as this keeper has seen them.
#[derive(Debug)]
pub(crate) struct Agenda {
    keeper: Address,
    /// How many blocks the turns are spread over.
    spread: u64,
    seen: BTreeMap<(Address, String), Seen>,
}

impl Agenda {
    /// For the keeper with this account. A spread of 1 leaves no time between turns.
    pub(crate) const fn new(keeper: Address, spread: u64) -> Self {
        Self { keeper, spread, seen: BTreeMap::new() }
    }

    /// Takes note of all that is due at a block, and forgets what is not any more. Returns that whose turn has come, the longest due
    /// first.
    pub(crate) fn at(&mut self, now: Now, tasks: impl IntoIterator<Item = Task>) -> Vec<Due> {
        let before = std::mem::take(&mut self.seen);
        let mut ready = Vec::new();
        for task in tasks {
            let key = task.key();
            let new = Seen { first: now, attempts: 0, not_before: now.block, reverts: 0, is_done: false };
            // If it was done in a block that the index has seen, it is due anew.
            let is_same = |seen: &Seen| !(seen.is_done && now.block >= seen.not_before);
            let seen = before.get(&key).copied().filter(is_same).unwrap_or(new);
            let due = Due::of(task, seen.first.time);
            let turn = seen.first.block.saturating_add(self.turn(&key));
            if now.block >= turn.max(seen.not_before) {
                ready.push(due);
            }
            self.seen.insert(key, seen);
        }
        // Anyone can make many payouts, which must not keep a rescue waiting.
        ready.sort_by_key(|due| (due.is_payout(), due.since));
        ready
    }

    /// Takes note of an attempt: the next follows after a pause that doubles, and not before the index has seen `block`. What waits
    /// for a price or for ETH is looked at again in the next block.
    pub(crate) fn tried(&mut self, task: &Task, block: u64, outcome: &Outcome) {
        let Some(seen) = self.seen.get_mut(&task.key()) else { return };
        let pause = match outcome {
            Outcome::TooDear { .. } | Outcome::Unfunded { .. } => 1,
            Outcome::Reverted { .. } => {
                seen.reverts = seen.reverts.saturating_add(1);
                LONGEST_PAUSE.saturating_mul(doubled(seen.reverts))
            }
            _ => {
                let pause = doubled(seen.attempts).min(LONGEST_PAUSE);
                seen.attempts = seen.attempts.saturating_add(1);
                pause
            }
        };
        seen.is_done |= matches!(outcome, Outcome::Done(_));
        seen.not_before = block.saturating_add(pause);
    }

    /// How many are due.
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }

    /// How many blocks after it was seen this keeper's turn comes.
    fn turn(&self, (rescue, words): &(Address, String)) -> u64 {
        let hash = keccak256([self.keeper.as_slice(), rescue.as_slice(), words.as_bytes()].concat());
        let (number, _) = hash.split_at(8);
        number.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte)) % self.spread.max(1)
    }
}

/// 2 to this power.
fn doubled(times: u32) -> u64 {
    1u64.checked_shl(times).unwrap_or(u64::MAX)
}

impl Task {
    /// The contract that is called, or whose pool is.
    pub(crate) const fn contract(&self) -> Address {
        match self {
            Self::Rescue { rescue, .. } => *rescue,
            Self::Compact { compact, .. } => *compact,
        }
    }

    /// Since when it is due, if the rules tell.
    const fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Rescue { duty, .. } => duty.since,
            Self::Compact { duty, .. } => Some(duty.since),
        }
    }

    fn words(&self, since: Option<Timestamp>) -> Purpose {
        match self {
            Self::Rescue { duty, .. } => words(duty.operation, since),
            Self::Compact { duty, .. } => words_of_compact(&duty.task).with_some("due", since),
        }
    }

    fn key(&self) -> (Address, String) {
        (self.contract(), self.words(self.since()).to_string())
    }

    /// Whether it is for one account, of which anyone can make many.
    const fn is_payout(&self) -> bool {
        match self {
            Self::Rescue { duty, .. } => matches!(
                duty.operation,
                Operation::Refund(_) | Operation::Collect { .. } | Operation::Claim(_)
            ),
            Self::Compact { duty, .. } => matches!(duty.task, CompactTask::Activate { .. }),
        }
    }
}

impl Due {
    /// Whether it is for one account.
    pub(crate) const fn is_payout(&self) -> bool {
        self.task.is_payout()
    }

    /// The task as it was first seen at `first`.
    pub(crate) fn of(task: Task, first: Timestamp) -> Self {
        let since = task.since().unwrap_or(first);
        Self { purpose: task.words(Some(since)), task, since }
    }
}

/// The words for a duty to a compact. The first of the members stands for all that give at once: what is left after them is another duty.
fn words_of_compact(task: &CompactTask) -> Purpose {
    match task {
        CompactTask::Fulfill { call, members } => {
            let purpose = Purpose::new(format!("{KEEPER}fulfill")).with("call", call);
            purpose.with_some("first", members.first())
        }
        CompactTask::Activate { member } => Purpose::new(format!("{KEEPER}activate")).with("member", member),
    }
}

/// The words that stand for a duty, in which nothing changes until it is done.
fn words(operation: Operation, since: Option<Timestamp>) -> Purpose {
    let of = |name: &str| Purpose::new(format!("{KEEPER}{name}"));
    let of_position = |name: &str, PositionId { pledger, tier, asset }: PositionId| {
        of(name).with("pledger", pledger).with("tier", tier).with("asset", asset)
    };
    let purpose = match operation {
        Operation::Settle => of("settle"),
        Operation::Expire => of("expire"),
        Operation::Lapse => of("lapse"),
        Operation::Release(asset) => of("release").with("asset", asset),
        Operation::Refund(id) => of_position("refund", id),
        Operation::Claim(id) => of_position("claim", id),
        Operation::Enlist(id) => of_position("strike", id),
        Operation::Collect { pledger, asset } => of("collect").with("pledger", pledger).with("asset", asset),
        // Not what anyone may do for others.
        other => of(&format!("{other:?}")),
    };
    purpose.with_some("due", since)
}

/// What the purposes of keepers begin with, so that no other command takes their intents for its own.
pub(crate) const KEEPER: &str = "keeper ";

/// What a gas may cost, which rises while a duty is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cap {
    /// At first.
    pub(crate) early: Wei,
    /// In the end.
    pub(crate) late: Wei,
    /// Seconds from the one to the other.
    pub(crate) over: u64,
}

impl Cap {
    /// For a duty that fell due at `since`: rises in a straight line, rounded down.
    pub(crate) fn at(&self, since: Timestamp, now: Timestamp) -> Wei {
        let elapsed = now.saturating_sub(since).min(self.over);
        let (early, late) = (self.early.get(), self.late.get());
        // Both are prices for a unit of gas, far below 2^64 wei, and so is the time.
        let rise = late.saturating_sub(early).saturating_mul(elapsed.into());
        Wei::new(
            early.saturating_add(rise.checked_div(self.over.into()).unwrap_or(late.saturating_sub(early))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee::Executed;
    use levee_model::{Asset, PositionId};

    const RESCUE: Address = Address::repeat_byte(7);

    fn task(since: Option<u64>) -> Task {
        let duty = Duty { operation: Operation::Release(Asset::Eth), since, until: None };
        Task::Rescue { rescue: RESCUE, duty }
    }

    fn now(block: u64) -> Now {
        Now { block, time: 1_000 + 12 * block }
    }

    #[test]
    fn the_cap_rises_in_a_straight_line_and_then_stays() {
        let cap = Cap { early: Wei::new(10), late: Wei::new(40), over: 100 };
        let prices = [0, 500, 501, 533, 550, 600, 9_999].map(|time| cap.at(500, time).get());
        assert_eq!(prices, [10, 10, 10, 19, 25, 40, 40]);
        let at_once = Cap { over: 0, ..cap };
        assert_eq!([499, 500].map(|time| at_once.at(500, time).get()), [40, 40]);
        let flat = Cap { early: Wei::new(40), ..cap };
        assert_eq!(flat.at(500, 550), Wei::new(40));
    }

    #[test]
    fn each_keeper_has_its_turn_within_the_spread() {
        let mut turns: Vec<u64> = Vec::new();
        for byte in 0..200 {
            let mut agenda = Agenda::new(Address::repeat_byte(byte), 8);
            let turn = (0..8).find(|block| !agenda.at(now(*block), [task(Some(5))]).is_empty());
            turns.push(turn.expect("its turn comes"));
            // Seen later, it is counted from then.
            let mut late = Agenda::new(Address::repeat_byte(byte), 8);
            let first = (100..108).find(|block| !late.at(now(*block), [task(Some(5))]).is_empty());
            assert_eq!(first, turn.map(|turn| turn + 100));
        }
        for turn in 0..8 {
            let count = turns.iter().filter(|one| **one == turn).count();
            assert!((10..45).contains(&count), "{count} of 200 have turn {turn}");
        }
        let mut alone = Agenda::new(Address::ZERO, 1);
        assert_eq!(alone.at(now(3), [task(Some(5))]).len(), 1);
    }

    #[test]
    fn a_turn_depends_on_the_duty_too() {
        let agenda = Agenda::new(Address::ZERO, 1 << 60);
        let turn = |rescue, since| agenda.turn(&(rescue, words(Operation::Settle, Some(since)).to_string()));
        let turns = [turn(RESCUE, 1), turn(RESCUE, 2), turn(Address::ZERO, 1)];
        assert!(turns[0] != turns[1] && turns[0] != turns[2] && turns[1] != turns[2], "{turns:?}");
    }

    #[test]
    fn what_was_tried_is_tried_again_after_longer_and_longer_pauses() {
        let mut agenda = Agenda::new(Address::ZERO, 1);
        let mut tried = Vec::new();
        for block in 0..400 {
            for due in agenda.at(now(block), [task(Some(5))]) {
                tried.push(block);
                agenda.tried(&due.task, block, &Outcome::DoneBefore);
            }
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31, 63, 127, 255]);
        // Done, it is forgotten; the next one has a turn of its own.
        assert_eq!((agenda.at(now(400), []), agenda.len()), (vec![], 0));
        assert_eq!(agenda.at(now(401), [task(Some(6))]).len(), 1);
    }

    /// The blocks, of the first 2,000, in which a task is tried that always has the same outcome.
    fn attempts(outcome: &Outcome) -> Vec<u64> {
        let mut agenda = Agenda::new(Address::ZERO, 1);
        let is_tried = |&block: &u64| {
            let ready = agenda.at(now(block), [task(Some(5))]);
            ready.iter().for_each(|due| agenda.tried(&due.task, block, outcome));
            !ready.is_empty()
        };
        (0..2_000).filter(is_tried).collect()
    }

    #[test]
    fn what_was_paid_for_in_vain_is_tried_ever_more_rarely() {
        let reverted = Outcome::Reverted { transaction: Default::default() };
        assert_eq!(attempts(&reverted), [0, 300, 900]);
        let dear = Outcome::TooDear { price: Wei::new(2), cap: Wei::new(1) };
        assert_eq!(attempts(&dear).len(), 2_000);
    }

    #[test]
    fn what_was_done_and_is_due_again_is_due_anew() {
        let mut agenda = Agenda::new(Address::ZERO, 1);
        let id = PositionId { pledger: RESCUE, tier: 2, asset: Asset::StEth };
        let refund = Task::Rescue { rescue: RESCUE, duty: Duty::at_any_time(Operation::Refund(id)) };
        let first = agenda.at(now(1), [refund.clone()]).remove(0);
        let done = Executed { transaction: Default::default(), block: 3, gas_used: 0, events: Vec::new() };
        agenda.tried(&first.task, 3, &Outcome::Done(done));
        // The index has not seen the block yet.
        assert_eq!(agenda.at(now(2), [refund.clone()]), []);
        let again = agenda.at(now(4), [refund]).remove(0);
        assert_ne!(again.purpose, first.purpose);
    }

    #[test]
    fn what_is_left_of_a_fulfillment_is_another_duty_and_activations_come_last() {
        let [ann, ben] = [1, 2].map(Address::repeat_byte);
        let compact =
            |task| Task::Compact { compact: RESCUE, duty: CompactDuty { task, since: 7, until: 9 } };
        let gives =
            |members: &[Address]| compact(CompactTask::Fulfill { call: 3, members: members.to_vec() });
        let mut agenda = Agenda::new(Address::ZERO, 1);
        let activation = compact(CompactTask::Activate { member: ben });
        let ready = agenda.at(now(1), [activation, gives(&[ann, ben])]);
        let words: Vec<_> = ready.iter().map(|due| due.purpose.to_string()).collect();
        let first = format!("keeper fulfill call=3 first={ann} due=7");
        assert_eq!(words, [first, format!("keeper activate member={ben} due=7")]);
        let rest = agenda.at(now(2), [gives(&[ben])]).remove(0);
        assert_eq!(rest.purpose.to_string(), format!("keeper fulfill call=3 first={ben} due=7"));
    }

    #[test]
    fn the_longest_due_comes_first_and_what_has_no_time_is_due_since_it_was_seen() {
        let mut agenda = Agenda::new(Address::ZERO, 1);
        let id = PositionId { pledger: RESCUE, tier: 2, asset: Asset::StEth };
        let refund = Task::Rescue { rescue: RESCUE, duty: Duty::at_any_time(Operation::Refund(id)) };
        agenda.at(now(1), [refund.clone()]);
        let ready = agenda.at(now(2), [task(Some(1_020)), refund, task(Some(7))]);
        let words: Vec<_> = ready.iter().map(|due| due.purpose.to_string()).collect();
        assert_eq!(
            words,
            [
                "keeper release asset=ETH due=7".to_owned(),
                "keeper release asset=ETH due=1020".to_owned(),
                // However long it has been due.
                format!("keeper refund pledger={RESCUE} tier=2 asset=stETH due=1012"),
            ]
        );
    }
}
