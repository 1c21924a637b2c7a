//! Meanings for the eye.

use alloy::primitives::U256;
use levee::decode::{Meaning, Quantity, Value};

use super::Decoded;
use crate::{
    commands::{compact, terms},
    table,
};

/// How far a call is indented in the one that it is in.
const STEP: usize = 2;
/// How many bytes of data are shown.
const LONGEST: usize = 256;

impl Decoded {
    pub(super) fn text(&self) -> String {
        let mut facts = vec![("source", self.source.clone())];
        facts.extend(self.chain.map(|chain| ("chain", chain.to_string())));
        facts.extend(self.sender.map(|sender| ("sender", sender.to_string())));
        facts.extend(self.claimed_sender.map(|account| ("claimed sender", account.to_string())));
        let mut text = format!("{}\n", table::facts(&facts));
        lines(&self.calls, 0, &mut text);
        if self.expected > 0 {
            text.push_str("\nAll of it is as expected.\n");
        }
        text
    }
}

/// Appends calls, and those in them.
pub(crate) fn lines(calls: &[Meaning], indent: usize, text: &mut String) {
    for call in calls {
        let line = format!("{:indent$}{}", "", call.sentence);
        text.push_str(&table::hanging(&line, indent + 2 * STEP));
        text.push_str(&table::indented_facts(&facts(call), indent + 2 * STEP));
        lines(&call.calls, indent + STEP, text);
    }
}

/// The data of a call, if it is short enough to be looked at; its hash is in the words.
fn data(call: &Meaning) -> String {
    match call.data.len() {
        0..=LONGEST => call.data.to_string(),
        length => format!("{length} bytes, which `--json` shows"),
    }
}

/// What the words of a call do not say, or only in larger units.
fn facts(call: &Meaning) -> Vec<(&'static str, String)> {
    let exact = call.sentence.values().filter_map(|(name, value)| match value {
        Value::Quantity(Quantity { number: Some(number), unit }) if *number != U256::MAX => {
            Some((name, format!("{number} {}", unit.smallest()?)))
        }
        _ => None,
    });
    let mut facts: Vec<_> = exact.collect();
    if call.has_unknown() && call.calls.is_empty() {
        facts.push(("data", data(call)));
    }
    facts.extend(call.notes.iter().map(|note| ("note", note.clone())));
    facts.extend(call.terms.iter().flat_map(|terms| terms::all_facts(terms)));
    facts.extend(call.compact_terms.iter().flat_map(|terms| compact::terms::facts(terms)));
    facts
}
