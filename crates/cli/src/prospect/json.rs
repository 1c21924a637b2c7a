//! Outcomes as JSON.

use alloy::primitives::Address;
use levee::PotView;
use levee_model::{
    Bps, EndReason, Outcome, PositionId, Rate, Statement, Status, Threshold, Timestamp, Units, Wei,
    json::Account,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::roster::Roster;

/// What comes of a rescue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutcomeJson {
    /// When the result is fixed, or is looked at if it is fixed already.
    at_unix: Timestamp,
    status: Status,
    end_reason: Option<EndReason>,
    target_wei: Wei,
    /// Null while shares cannot be valued.
    coverage_wei: Option<Wei>,
    /// What is pledged beyond the target; null while shares cannot be valued.
    surplus_wei: Option<Wei>,
    drawn_wei: Wei,
    /// What the draw leaves of the target.
    uncovered_wei: Wei,
    #[serde(rename = "rateWeiPer1e27Shares")]
    rate: Option<Rate>,
    threshold_met_bps: Bps,
    thresholds: Vec<ThresholdJson>,
    pots: Vec<PotView>,
    positions: Vec<ShareJson>,
}

/// A threshold, and by how much it is met or not.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ThresholdJson {
    #[serde(flatten)]
    threshold: Threshold,
    met: bool,
    missing_wei: Wei,
    beyond_wei: Wei,
}

/// What comes of a position; amounts are in the asset's own unit.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ShareJson {
    /// Null where accounts have no names.
    name: Option<String>,
    #[serde(with = "Account")]
    pledger: Address,
    #[serde(flatten)]
    statement: Statement,
    /// All that comes back in the end, refunded or not.
    comes_back: Units,
}

impl OutcomeJson {
    /// For everyone, or for one account.
    pub(crate) fn of(outcome: &Outcome, roster: &Roster, only: Option<Address>) -> Self {
        let view = &outcome.view;
        Self {
            at_unix: outcome.at.time,
            status: view.status,
            end_reason: view.end_reason,
            target_wei: view.terms.target,
            coverage_wei: view.coverage,
            surplus_wei: outcome.surplus(),
            drawn_wei: view.drawn,
            uncovered_wei: outcome.uncovered(),
            rate: view.rate.known(),
            threshold_met_bps: view.threshold_met,
            thresholds: view.thresholds().into_iter().map(ThresholdJson::from).collect(),
            pots: view.pots.clone(),
            positions: shares(outcome, only)
                .map(|(id, statement)| ShareJson::of(id, *statement, roster))
                .collect(),
        }
    }
}

/// The positions of everyone, or of one account.
pub(crate) fn shares(
    outcome: &Outcome,
    only: Option<Address>,
) -> impl Iterator<Item = (PositionId, &Statement)> {
    let all = outcome.positions.iter().map(|(id, statement)| (*id, statement));
    all.filter(move |(id, _)| only.is_none_or(|only| only == id.pledger))
}

impl From<Threshold> for ThresholdJson {
    fn from(threshold: Threshold) -> Self {
        let (missing_wei, beyond_wei) = (threshold.missing(), threshold.beyond());
        Self { threshold, met: threshold.is_met(), missing_wei, beyond_wei }
    }
}

impl ShareJson {
    fn of(id: PositionId, statement: Statement, roster: &Roster) -> Self {
        let (pledger, comes_back) = (id.pledger, statement.comes_back());
        Self { name: roster.only_name_of(pledger), pledger, statement, comes_back }
    }
}
