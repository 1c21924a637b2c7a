//! `levee what-if`: what would come of a rescue, as it is and otherwise.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::PotView;
use levee_model::{Asset, Outcome, PositionId, Rate, Statement, Status, Threshold, Wei};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    amount,
    output::Output,
    page, percent,
    prospect::{
        json::{OutcomeJson, shares},
        roster::Roster,
        subject::{NotCounted, Source, Subject, SubjectArgs},
        wish::{Supposed, Wishes, opening},
    },
    table, time,
};

/// Arguments of `levee what-if`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shows what comes of a rescue if nothing but time passes until it is decided: coverage, thresholds, the draw, and what everyone gets \
back. With suppositions, shows that before and after them; they are made in the order in which they are written. Nothing is sent, \
and no account is needed. https://github.com/levee/levee/blob/main/docs/what-if.md explains files of offers.

Examples:
  levee what-if --rescue 0x… --rpc-url https://node.example
  levee what-if --rescue 0x… --without 0x… --share-rate -5% --for 0x…
  levee what-if --terms rescue.toml --offers offers.toml --add '25000 ETH tier 0'
  levee what-if --scenario scenario.toml --set 'Mantle = 20000 ETH' --target '60000 ETH'")]
pub(crate) struct WhatIfArgs {
    #[command(flatten)]
    wishes: Wishes,

    /// Show only the pledges of this account, an address or a name of the file.
    #[arg(long = "for", value_name = "WHO")]
    only: Option<String>,

    #[command(flatten)]
    subject: SubjectArgs,
}

/// The result of `levee what-if`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhatIf {
    #[serde(flatten)]
    source: Source,
    /// What was said and does not count.
    not_counted: Vec<NotCounted>,
    /// In their order.
    suppositions: Vec<Supposed>,
    /// As it is.
    before: OutcomeJson,
    /// As it is supposed; null if nothing is.
    after: Option<OutcomeJson>,
}

impl WhatIfArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let mut subject = self.subject.read(self.wishes.first_rate()).await?;
        let before = subject.rescue.outcome(subject.now);
        let suppositions = self.wishes.apply(&mut subject)?;
        let after = (!suppositions.is_empty()).then(|| subject.rescue.outcome(subject.now));
        let only = self.only.as_deref().map(|who| subject.roster.find(who)).transpose()?;
        let comparison = Comparison { subject: &subject, suppositions: &suppositions, before, after, only };
        output.result(&comparison.to_text(), &comparison.to_json())
    }
}

/// A rescue as it is, and as it is supposed.
#[derive(Debug)]
struct Comparison<'a> {
    subject: &'a Subject,
    suppositions: &'a [Supposed],
    before: Outcome,
    /// None if nothing is supposed.
    after: Option<Outcome>,
    /// Whose pledges are shown; none for everyone's.
    only: Option<Address>,
}

impl Comparison<'_> {
    fn to_json(&self) -> WhatIf {
        let json = |outcome: &Outcome| OutcomeJson::of(outcome, &self.subject.roster, self.only);
        WhatIf {
            source: self.subject.source.clone(),
            not_counted: self.subject.uncounted.clone(),
            suppositions: self.suppositions.to_vec(),
            before: json(&self.before),
            after: self.after.as_ref().map(json),
        }
    }

    fn to_text(&self) -> String {
        let facts = opening(self.subject, self.suppositions);
        let [tiers, positions] = [self.tiers(), self.positions()];
        format!("{}\n{}\n{tiers}\n{positions}", table::facts(&facts), table::facts(&self.results()))
    }

    const fn roster(&self) -> &Roster {
        &self.subject.roster
    }

    /// The facts of both, those that differ one below the other.
    fn results(&self) -> Vec<(&'static str, String)> {
        let before = results(&self.before);
        let Some(after) = &self.after else { return before };
        let pairs = before.into_iter().zip(results(after));
        pairs
            .flat_map(|((name, before), (_, after))| {
                let differs = before != after;
                [Some((name, before)), differs.then_some((AFTER, after))].into_iter().flatten()
            })
            .collect()
    }

    /// The pots of both.
    fn tiers(&self) -> String {
        let terms = &self.before.view.terms;
        let all =
            (0..).zip(&terms.tiers).flat_map(|(number, tier)| Asset::ALL.map(|asset| (number, tier, asset)));
        let mut rows = Vec::new();
        for (number, tier, asset) in all {
            let row = |outcome: &Outcome| pot_row(outcome.pot(number, asset), rate_of(outcome));
            let empty = |outcome: &Outcome| outcome.pot(number, asset).total.is_zero();
            if empty(&self.before) && self.after.as_ref().is_none_or(empty) {
                continue;
            }
            let name = [self.roster().tier_text(number), page::kind(tier)];
            push_both(&mut rows, name, row(&self.before), self.after.as_ref().map(row));
        }
        let header = ["tier", "kind", "pledged", "drawn", "not drawn"];
        if rows.is_empty() { "nothing is pledged\n".to_owned() } else { table::render(header, &rows) }
    }

    /// The positions of both.
    fn positions(&self) -> String {
        let mut ids: Vec<PositionId> =
            self.sides().flat_map(|side| shares(side, self.only)).map(|(id, _)| id).collect();
        ids.sort_unstable_by_key(|id| (id.tier, id.asset, id.pledger));
        ids.dedup();
        let mut rows = Vec::new();
        for id in ids {
            let name = [self.roster().name_of(id.pledger), id.tier.to_string()];
            let row = |outcome: &Outcome| share_row(outcome, id);
            push_both(&mut rows, name, row(&self.before), self.after.as_ref().map(row));
        }
        if rows.is_empty() {
            return String::new();
        }
        table::render(["who", "tier", "pledged", "drawn", "comes back"], &rows)
    }

    fn sides(&self) -> impl Iterator<Item = &Outcome> {
        std::iter::once(&self.before).chain(&self.after)
    }
}

/// What stands before the second of two values.
const AFTER: &str = "  then";

/// The same facts for every outcome of a rescue, in the same order.
pub(crate) fn results(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let view = &outcome.view;
    let target = view.terms.target;
    let unknown = || "unknown: the value of stETH shares is not known".to_owned();
    let coverage = view.coverage.map_or_else(unknown, |coverage| {
        format!(
            "{} {}, {} of the target",
            bar(coverage, target),
            amount::eth(coverage),
            percent::of_down(coverage, target)
        )
    });
    let mut facts = vec![
        ("result", result(outcome)),
        ("at", time::time(outcome.at.time)),
        ("target", amount::eth(target)),
        ("coverage", coverage),
    ];
    facts.extend(view.thresholds().into_iter().map(|threshold| ("threshold", threshold_text(threshold))));
    facts.extend([
        ("drawn", amount::eth(view.drawn)),
        ("uncovered", amount::eth(outcome.uncovered())),
        ("surplus", outcome.surplus().map_or_else(unknown, amount::eth)),
    ]);
    facts
}

fn result(outcome: &Outcome) -> String {
    let view = &outcome.view;
    match (view.status, view.end_reason) {
        (Status::Open, _) => {
            "unknown: it cannot be settled while the value of stETH shares is not known".to_owned()
        }
        (status, Some(reason)) => format!("{status}: {reason}"),
        (status, None) => format!("{status} at a threshold of {}", percent::percent(view.threshold_met)),
    }
}

fn threshold_text(threshold: Threshold) -> String {
    let (name, required) = (percent::percent(threshold.threshold), amount::eth(threshold.required));
    let bar = bar(threshold.coverage, threshold.required);
    match threshold.is_met() {
        true => format!("{bar} {name} met: {} beyond {required}", amount::eth(threshold.beyond())),
        false => format!("{bar} {name} not met: {} short of {required}", amount::eth(threshold.missing())),
    }
}

fn bar(part: Wei, whole: Wei) -> String {
    table::bar(percent::bps_down(part, whole))
}

/// The rate at which an outcome's shares are shown.
const fn rate_of(outcome: &Outcome) -> Option<Rate> {
    outcome.view.rate.known()
}

fn pot_row(pot: PotView, rate: Option<Rate>) -> [String; 3] {
    [pot.total, pot.drawn, pot.undrawn()].map(|units| amount::worth(units, pot.asset, rate))
}

fn share_row(outcome: &Outcome, id: PositionId) -> [String; 3] {
    let found = outcome.positions.iter().find(|(found, _)| *found == id);
    let none = || ["-", "-", "-"].map(str::to_owned);
    found.map_or_else(none, |(_, statement): &(_, Statement)| {
        let parts = [statement.view.amount, statement.drawn, statement.comes_back()];
        parts.map(|units| amount::worth(units, id.asset, rate_of(outcome)))
    })
}

/// Adds a row, and another one below it if that differs.
fn push_both(
    rows: &mut Vec<[String; 5]>,
    name: [String; 2],
    before: [String; 3],
    after: Option<[String; 3]>,
) {
    let row = |[first, second]: [String; 2], [third, fourth, fifth]: [String; 3]| {
        [first, second, third, fourth, fifth]
    };
    let after = after.filter(|after| *after != before);
    rows.push(row(name, before));
    rows.extend(after.map(|after| row([AFTER.to_owned(), String::new()], after)));
}
