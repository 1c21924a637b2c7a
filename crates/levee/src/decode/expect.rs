//! Whether calls mean what somebody expects, in the words in which they are printed.
//!
//! A sentence is expected as a whole: whatever it leaves out, and whatever it says besides, is a difference.

use std::collections::BTreeMap;

use alloy::primitives::U256;
use levee_model::{Shares, Wei};

use super::{
    Meaning,
    sentence::{Piece, Quantity, Sentence, Unit, Value},
};
use crate::{
    error::Error,
    text::{amount::WrittenAmount, time},
};

/// What is expected: a sentence for each call, in their order.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    sentences: Vec<String>,
    shares: BTreeMap<Wei, Shares>,
}

/// Where a call and a sentence about it differ.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    part: &'static str,
    expected: String,
    found: String,
}

/// The part that differs if it is another kind of call.
const CALL: &str = "call";
/// The part that differs if the sentence goes on where the call ends.
const REST: &str = "rest";

impl Expectation {
    /// Expects these sentences, each as a call is [printed](Sentence).
    pub fn new(sentences: Vec<String>) -> Self {
        Self { sentences, shares: BTreeMap::new() }
    }

    /// The amounts of stETH in the sentences. Calls have shares instead, and only the token knows how many shares an amount is.
    pub fn amounts_of_steth(&self) -> Vec<Wei> {
        let pairs = self.sentences.iter().flat_map(|sentence| {
            let words = words(sentence);
            words.windows(2).map(|pair| pair.join(" ")).collect::<Vec<_>>()
        });
        let amounts = pairs.filter_map(|pair| match WrittenAmount::parse(&pair) {
            Ok(WrittenAmount::StEth(wei)) => Some(wei),
            _ => None,
        });
        amounts.collect()
    }

    /// The same, knowing that an amount of stETH is so many shares.
    #[must_use]
    pub fn knowing(mut self, amount: Wei, shares: Shares) -> Self {
        self.shares.insert(amount, shares);
        self
    }

    /// Compares the sentences with calls, and with the calls in them.
    ///
    /// # Errors
    /// [`Error::NotAsExpected`] names the first part that differs, [`Error::UnexpectedCall`] a call that no sentence is about, and
    /// [`Error::MissingCall`] a sentence that is about no call.
    pub fn check(&self, calls: &[Meaning]) -> Result<(), Error> {
        let mut all = Vec::new();
        for call in calls {
            call.collect_effects(&mut all);
        }
        for number in 0..all.len().max(self.sentences.len()) {
            match (all.get(number), self.sentences.get(number)) {
                (Some(call), Some(sentence)) => self.compare(call, sentence, number, all.len())?,
                (Some(call), None) => return Err(unexpected(number, &call.sentence)),
                (None, Some(sentence)) => return Err(Error::MissingCall { expected: sentence.clone() }),
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn compare(&self, call: &Meaning, sentence: &str, number: usize, calls: usize) -> Result<(), Error> {
        match self.difference(&call.sentence, sentence) {
            None => Ok(()),
            Some(Difference { part: CALL, .. }) if calls > self.sentences.len() => {
                Err(unexpected(number, &call.sentence))
            }
            Some(Difference { part, expected, found }) => {
                let meaning = call.sentence.to_string();
                Err(Error::NotAsExpected { call: number + 1, part, expected, found, meaning })
            }
        }
    }

    /// The first difference of a call from a sentence about it.
    fn difference(&self, call: &Sentence, sentence: &str) -> Option<Difference> {
        let words = words(sentence);
        let mut rest = &words[..];
        for (index, piece) in call.pieces.iter().enumerate() {
            let left = &call.pieces[index + 1..];
            match piece {
                Piece::Words(fixed) => match strip(rest, fixed) {
                    Some(stripped) => rest = stripped,
                    None => return Some(other_words(index, fixed, left, rest)),
                },
                Piece::Value(name, value) => {
                    let (given, after) = rest.split_at(length_of_value(left, rest));
                    let given = given.join(" ");
                    if !self.is(value, &given) {
                        return Some(Difference { part: name, expected: given, found: value.to_string() });
                    }
                    rest = after;
                }
            }
        }
        (!rest.is_empty()).then(|| Difference { part: REST, expected: rest.join(" "), found: String::new() })
    }

    /// Whether a value is what is given.
    fn is(&self, value: &Value, given: &str) -> bool {
        match value {
            Value::Text(_) => given == value.to_string(),
            _ if given.eq_ignore_ascii_case(&value.to_string()) => true,
            Value::Quantity(Quantity { number: Some(number), unit }) => {
                self.quantity_is(*number, *unit, given)
            }
            Value::Time(expected) => time::parse_time(given).is_ok_and(|time| time == *expected),
            _ => false,
        }
    }

    fn quantity_is(&self, number: U256, unit: Unit, given: &str) -> bool {
        // WETH is no asset of a rescue, but is written as ETH is.
        let in_eth = match unit {
            Unit::Weth => given.strip_suffix("WETH").map(|number| format!("{number}ETH")),
            _ => Some(given.to_owned()),
        };
        let Some(in_eth) = in_eth else { return false };
        let given = match (WrittenAmount::parse(&in_eth), unit) {
            (Ok(WrittenAmount::Eth(wei)), Unit::Eth | Unit::Weth) => wei.get(),
            (Ok(WrittenAmount::StEth(wei)), Unit::StEth) => wei.get(),
            (Ok(WrittenAmount::StEth(wei)), Unit::Shares) => match self.shares.get(&wei) {
                Some(shares) => shares.get(),
                None => return false,
            },
            (Ok(WrittenAmount::Shares(shares)), Unit::Shares) => shares.get(),
            (Ok(WrittenAmount::WstEth(units)), Unit::WstEth) => units.get(),
            _ => return false,
        };
        number == U256::from(given)
    }
}

fn unexpected(number: usize, found: &Sentence) -> Error {
    Error::UnexpectedCall { call: number + 1, found: found.to_string() }
}

/// Another word than expected, in a sentence of which `left` is left after the `fixed` words.
fn other_words(index: usize, fixed: &str, left: &[Piece], rest: &[String]) -> Difference {
    let found = match left.first() {
        Some(Piece::Value(_, value)) => format!("{fixed} {value}"),
        _ => fixed.to_owned(),
    };
    let part = match left.first() {
        _ if index == 0 => CALL,
        Some(Piece::Value(name, _)) => name,
        _ => CALL,
    };
    Difference { part, expected: rest.join(" "), found }
}

/// What follows after `fixed` words; none if there are others.
fn strip<'a>(words: &'a [String], fixed: &str) -> Option<&'a [String]> {
    let mut words = words;
    for word in fixed.split(' ') {
        let (first, rest) = words.split_first()?;
        if !first.eq_ignore_ascii_case(word) {
            return None;
        }
        words = rest;
    }
    Some(words)
}

/// How many words belong to a value: those before the next fixed words, or all.
fn length_of_value(left: &[Piece], words: &[String]) -> usize {
    let Some(Piece::Words(next)) = left.first() else { return words.len() };
    (0..words.len()).find(|&at| strip(&words[at..], next).is_some()).unwrap_or(words.len())
}

/// The words of a sentence, without commas after them. A text in quotes is one word.
fn words(sentence: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = sentence.trim_start();
    while !rest.is_empty() {
        let (word, after) = rest.split_at(length_of_word(rest));
        let word = if word.starts_with('"') { word } else { word.trim_end_matches(',') };
        words.extend((!word.is_empty()).then(|| word.to_owned()));
        rest = after.trim_start();
    }
    words
}

fn length_of_word(text: &str) -> usize {
    let is_end: fn(char) -> bool = char::is_whitespace;
    if !text.starts_with('"') {
        return text.find(is_end).unwrap_or(text.len());
    }
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return at + 1,
            _ => escaped = character == '\\' && !escaped,
        }
    }
    text.len()
}
