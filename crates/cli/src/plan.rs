//! What a command is to do, before it is done: its steps, what they may cost, and how that is shown.

use alloy::{primitives::Address, providers::DynProvider};
use levee::{BonusRefusal, Call, Error, Escrow, Prepared, RecoveryRefusal, Refusal, Transaction};
use levee_model::{PositionId, Wei, json::Account};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    escape,
    signing::{Signer, about},
    table,
};

/// What a transaction does, in words, whoever sends it and by whatever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    /// As [`Step::name`].
    pub(crate) name: String,
    /// As [`Step::headline`].
    pub(crate) headline: String,
    /// As [`Step::facts`].
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Summary {
    pub(crate) fn new(
        name: impl Into<String>,
        headline: impl Into<String>,
        facts: Vec<(&'static str, String)>,
    ) -> Self {
        Self { name: name.into(), headline: headline.into(), facts }
    }

    /// The step that does it by `call`.
    pub(crate) fn by(self, call: Call<DynProvider>) -> Step {
        Step::new(self.name, self.headline, call).facts(self.facts)
    }
}

/// One transaction and what it does.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its name in the journal, by which a repeated command recognizes it: no two steps of a command have the same.
    pub(crate) name: String,
    /// Its effect, as a sentence without a full stop.
    pub(crate) headline: String,
    /// What to send.
    pub(crate) call: Call<DynProvider>,
    /// Details that the user should know before confirming.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What makes it superfluous; none if nothing does.
    pub(crate) unless: Option<Meanwhile>,
}

/// What anybody may do between the plan and the transaction, which is then no longer needed.
#[derive(Debug)]
pub(crate) enum Meanwhile {
    /// Create the contract at this address. Nothing else can be there.
    Created(Address),
    /// Enlist this position of the rescue.
    Enlisted(Box<Escrow<DynProvider>>, PositionId),
    /// Move on what the receiver holds.
    Pushed,
    /// Make the payment.
    Paid,
}

impl Meanwhile {
    /// Whether the chain tells so before the steps ahead are sent. What is enlisted then is not what they add.
    pub(crate) const fn is_told_ahead(&self) -> bool {
        matches!(self, Self::Created(_) | Self::Pushed | Self::Paid)
    }
}

/// Whether a payment was refused because there is nothing left to pay.
pub(crate) const fn says_nothing_left(error: &Error) -> bool {
    matches!(
        error,
        Error::Refused(Refusal::NothingToReturn { .. } | Refusal::NothingOwed { .. })
            | Error::RecoveryRefused(RecoveryRefusal::NothingToClaim { .. })
            | Error::BonusRefused(BonusRefusal::NothingToClaim { .. })
    )
}

/// Whether an error is of one payment alone, so that the others can be made.
pub(crate) const fn is_of_payment(error: &Error) -> bool {
    says_nothing_left(error)
        || matches!(
            error,
            Error::FailedInBlock { .. }
                | Error::Refused(Refusal::PaymentFailed { .. })
                | Error::RecoveryRefused(RecoveryRefusal::PaymentFailed { .. })
                | Error::BonusRefused(BonusRefusal::PaymentFailed { .. })
        )
}

/// A step that is to be sent, and what it may cost.
pub(crate) struct Needed<'a> {
    pub(crate) step: &'a Step,
    pub(crate) limit: Limit,
}

/// What a transaction may cost.
pub(crate) enum Limit {
    /// No more than was simulated and shown.
    Shown(Prepared),
    /// It could not be simulated before those that it depends on were sent: no more for a unit of gas than this one.
    PriceOf(Prepared),
}

/// What was simulated and shown, added up.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    gas: u64,
    pub(crate) most: Wei,
    likely: Wei,
    /// How many of the transactions.
    count: usize,
}

impl Cost {
    pub(crate) fn of(needed: &[Needed<'_>]) -> Self {
        let none = Self { gas: 0, most: Wei::ZERO, likely: Wei::ZERO, count: 0 };
        needed.iter().filter_map(|needed| needed.shown()).fold(none, |sum, shown| Self {
            gas: sum.gas.saturating_add(shown.gas()),
            most: saturating_sum(sum.most, shown.cost_limit()),
            likely: saturating_sum(sum.likely, shown.likely_fee()),
            count: sum.count + 1,
        })
    }
}

/// Amounts by the word of a node, which may be absurd.
pub(crate) fn saturating_sum(one: Wei, other: Wei) -> Wei {
    Wei::new(one.get().saturating_add(other.get()))
}

impl Needed<'_> {
    pub(crate) const fn shown(&self) -> Option<&Prepared> {
        match &self.limit {
            Limit::Shown(shown) => Some(shown),
            Limit::PriceOf(_) => None,
        }
    }
}

impl Step {
    /// The step `name`, without facts.
    pub(crate) fn new(name: impl Into<String>, headline: String, call: Call<DynProvider>) -> Self {
        Self { name: name.into(), headline, call, facts: Vec::new(), unless: None }
    }

    /// The same with more details.
    pub(crate) fn facts(mut self, facts: Vec<(&'static str, String)>) -> Self {
        self.facts.extend(facts);
        self
    }

    /// What is sent.
    pub(crate) fn planned(&self) -> PlannedStep {
        PlannedStep { summary: self.headline.clone(), transaction: self.call.transaction().clone() }
    }

    /// The same, which is superfluous if somebody does this first.
    pub(crate) fn unless(self, meanwhile: Meanwhile) -> Self {
        Self { unless: Some(meanwhile), ..self }
    }
}

impl Signer {
    /// The plan for a program.
    pub(crate) fn plan_json(&self, needed: &[Needed<'_>]) -> Plan {
        let Cost { gas, most: fee_limit, likely: likely_fee, count: simulated } = Cost::of(needed);
        let (account, chain, steps) =
            (self.from, self.outbox.chain(), needed.iter().map(|needed| needed.step.planned()).collect());
        let continues = self.would_continue;
        Plan { account, chain, steps, simulated, gas, fee_limit, likely_fee, continues }
    }

    /// The plan for the eye.
    pub(crate) fn plan(&self, needed: &[Needed<'_>]) -> String {
        let Cost { gas, most, likely, count } = Cost::of(needed);
        let of = match (count, needed.len()) {
            (_, 1) => String::new(),
            (count, all) if count == all => format!(", for all {all} transactions"),
            _ => ", for the first transaction".into(),
        };
        let signing = [
            ("signs", format!("{} on chain {}", self.from, self.outbox.chain())),
            ("gas", format!("{gas}, at most {}, likely {}{of}", about(most), about(likely))),
        ];
        let mut text = String::new();
        for (number, Needed { step, .. }) in needed.iter().enumerate() {
            let is_last = number + 1 == needed.len();
            let signing = signing.iter().filter(|_| is_last);
            let facts: Vec<_> = step.facts.iter().chain(signing).cloned().collect();
            text.push_str(&format!("{}\n{}", escape::line(&step.headline), table::facts_below(&facts)));
        }
        text
    }
}

/// The result of every command that changes something, with `--dry-run`: what it would send.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    /// Who would sign.
    #[serde(with = "Account")]
    account: Address,
    chain: u64,
    /// The transactions, in their order.
    steps: Vec<PlannedStep>,
    /// How many of them were simulated, from the first on: all, or only the first where the node cannot simulate several.
    simulated: usize,
    /// What those need.
    gas: u64,
    /// The most that they could cost, with what a rollup takes for their data.
    #[serde(rename = "feeLimitWei")]
    fee_limit: Wei,
    /// What their gas would cost in the next block.
    #[serde(rename = "likelyFeeWei")]
    likely_fee: Wei,
    /// The number of an earlier run of the same command, which would be finished or reported first; none if there is none.
    continues: Option<i64>,
}

/// A transaction that would be sent.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlannedStep {
    summary: String,
    #[serde(flatten)]
    transaction: Transaction,
}
