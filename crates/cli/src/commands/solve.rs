//! `levee solve`: the least that meets a threshold, and whose withdrawal would break one.

use clap::Args;
use eyre::Result;
use levee_model::{Asset, Bps, Pivotal, Reach, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    amount,
    output::Output,
    percent,
    prospect::{
        roster::Roster,
        subject::{NotCounted, Source, Subject, SubjectArgs},
        wish::{Supposed, Wishes, opening},
    },
    table,
};

/// Arguments of `levee solve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shows the smallest further pledge, in each tier that counts, that meets each threshold above the one met now: exact to the last unit, at \
the share rate of now. Then it shows everyone whose withdrawal alone would lower the threshold that is met, the smallest first. The \
suppositions of `levee what-if` are made before. Nothing is sent, and no account is needed.

Examples:
  levee solve --rescue 0x… --rpc-url https://node.example
  levee solve --terms rescue.toml --offers offers.toml --without Mantle
  levee solve --scenario scenario.toml --json")]
pub(crate) struct SolveArgs {
    #[command(flatten)]
    wishes: Wishes,

    #[command(flatten)]
    subject: SubjectArgs,
}

/// The result of `levee solve`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Solution {
    #[serde(flatten)]
    source: Source,
    /// What was said and does not count.
    not_counted: Vec<NotCounted>,
    /// In their order.
    suppositions: Vec<Supposed>,
    /// When it is looked at.
    at_unix: Timestamp,
    /// The highest threshold met if it were decided with what is pledged.
    threshold_met_bps: Bps,
    /// The least further pledges, each for itself.
    least: Vec<Reach>,
    /// Those whose withdrawal alone would lower the threshold met, the smallest first.
    pivotal: Vec<PivotalJson>,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
struct PivotalJson {
    /// Null where accounts have no names.
    name: Option<String>,
    #[serde(flatten)]
    pivotal: Pivotal,
}

impl SolveArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let mut subject = self.subject.read(self.wishes.first_rate()).await?;
        let suppositions = self.wishes.apply(&mut subject)?;
        let solution = Solution::of(&subject, suppositions)?;
        output.result(&solution.to_text(&subject), &solution)
    }
}

impl Solution {
    fn of(subject: &Subject, suppositions: Vec<Supposed>) -> Result<Self, levee::Error> {
        let Subject { source, rescue, now, roster, uncounted, .. } = subject;
        let named = |pivotal: Pivotal| PivotalJson { name: roster.only_name_of(pivotal.pledger), pivotal };
        Ok(Self {
            source: source.clone(),
            not_counted: uncounted.clone(),
            suppositions,
            at_unix: now.time,
            least: rescue.reaches(*now)?,
            pivotal: rescue.pivotal(*now)?.into_iter().map(named).collect(),
            threshold_met_bps: rescue.outcome(*now).view.threshold_met,
        })
    }

    fn to_text(&self, subject: &Subject) -> String {
        let mut facts = opening(subject, &self.suppositions);
        facts.push(("threshold met", threshold_text(self.threshold_met_bps)));
        let (least, pivotal) = (self.least_text(&subject.roster), self.pivotal_text(&subject.roster));
        format!("{}\n{least}\n{pivotal}", table::facts(&facts))
    }

    /// One row for each threshold and tier; in stETH it is as many shares as in wstETH.
    fn least_text(&self, roster: &Roster) -> String {
        let in_eth = |reach: &&Reach| reach.amount.asset() == Asset::Eth;
        let row = |reach: &Reach| {
            let of = |asset| {
                let same = |other: &&Reach| (other.threshold, other.tier) == (reach.threshold, reach.tier);
                let found = self.least.iter().filter(same).find(|other| other.amount.asset() == asset);
                found.map_or_else(|| "-".to_owned(), |found| found.amount.to_string())
            };
            [
                percent::percent(reach.threshold),
                roster.tier_text(reach.tier),
                of(Asset::Eth),
                of(Asset::WstEth),
            ]
        };
        let rows: Vec<_> = self.least.iter().filter(in_eth).map(row).collect();
        match rows.is_empty() {
            true => "no pledge meets a higher threshold\n".to_owned(),
            false => format!("The smallest further pledge that meets each threshold\n{}", self.table(rows)),
        }
    }

    /// A rescue in ETH only has no column for wstETH.
    fn table(&self, rows: Vec<[String; 4]>) -> String {
        if self.least.iter().any(|reach| reach.amount.asset() == Asset::WstEth) {
            return table::render(["threshold", "in tier", "ETH", "or wstETH"], &rows);
        }
        let rows: Vec<_> = rows.into_iter().map(|[threshold, tier, eth, _]| [threshold, tier, eth]).collect();
        table::render(["threshold", "in tier", "ETH"], &rows)
    }

    fn pivotal_text(&self, roster: &Roster) -> String {
        if self.threshold_met_bps == Bps::ZERO {
            return "no threshold is met, so no withdrawal can lower it\n".to_owned();
        }
        if self.pivotal.is_empty() {
            return "no pledger's withdrawal alone would lower the threshold that is met\n".to_owned();
        }
        let row = |one: &PivotalJson| {
            let Pivotal { pledger, value, without } = one.pivotal;
            [roster.name_of(pledger), amount::eth(value), threshold_text(without)]
        };
        let rows: Vec<_> = self.pivotal.iter().map(row).collect();
        format!(
            "Whose withdrawal alone would lower it, the smallest first\n{}",
            table::render(["who", "pledged, worth", "would be met"], &rows)
        )
    }
}

fn threshold_text(threshold: Bps) -> String {
    match threshold {
        Bps::ZERO => "none".to_owned(),
        threshold => percent::percent(threshold),
    }
}
