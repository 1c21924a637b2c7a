//! What an amendment changes, in words.

use levee_model::{Amendment, Goal, Timestamp};

use super::time::time_from;
use crate::display::{ether, utc};

/// How `new` differs from `old`, each with both values: `target 80 ETH instead of 100 ETH`.
pub fn differences(old: Goal, new: Goal) -> Vec<String> {
    let named = |name: &str, [old, new]: [String; 2]| format!("{name} {new} instead of {old}");
    let mut differences = Vec::new();
    if old.target != new.target {
        differences.push(named("target", [old.target, new.target].map(ether)));
    }
    if old.deadline != new.deadline {
        differences.push(named("deadline", [old.deadline, new.deadline].map(utc)));
    }
    if old.terms_hash != new.terms_hash {
        differences.push(named("document", [old.terms_hash, new.terms_hash].map(|hash| hash.to_string())));
    }
    differences
}

/// What a pending amendment changes, and until when pledgers may leave, seen from `now`.
pub fn pending(in_force: Goal, amendment: Amendment, now: Timestamp) -> String {
    let (changes, at) = (changes(in_force, amendment), time_from(amendment.effective_at, now));
    format!("{changes}, effective {at}; until then, `levee exit` withdraws a pledge")
}

/// The same in words that stay true when the amendment is in force.
pub fn dated(in_force: Goal, amendment: Amendment) -> String {
    let (changes, at) = (changes(in_force, amendment), utc(amendment.effective_at));
    format!("{changes}, effective {at}; before that, `levee exit` withdraws a pledge")
}

fn changes(in_force: Goal, amendment: Amendment) -> String {
    let changes = Some(differences(in_force, amendment.goal)).filter(|changes| !changes.is_empty());
    changes.map_or_else(|| "nothing changes".into(), |changes| changes.join(", "))
}
