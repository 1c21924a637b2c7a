//! The page as JSON.

use alloy::primitives::{Address, B256};
use levee::{Edition, PotView};
use levee_model::{
    Amendment, Bps, EndReason, PerAsset, Rate, Status, Threshold, Tier, Timestamp, Wei,
    json::{Account, AccountOrNone, Hash},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Page,
    next::Call,
    satellites::{BonusJson, RecoveryJson},
};

/// The result of `levee status`: a rescue as the next call would find it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RescueJson<'a> {
    #[serde(with = "Account")]
    rescue: Address,
    chain: u64,
    block: u64,
    block_time_unix: Timestamp,
    status: Status,
    /// Why it ended, if it did.
    end_reason: Option<EndReason>,
    created_block: u64,
    /// The edition of its contracts.
    edition: Edition,
    #[serde(with = "Account")]
    beneficiary: Address,
    #[serde(with = "AccountOrNone")]
    guardian: Address,
    #[serde(rename = "stETH", with = "AccountOrNone")]
    steth: Address,
    #[serde(rename = "wstETH", with = "AccountOrNone")]
    wsteth: Address,
    /// In force, after all amendments; so are deadline and hash.
    target_wei: Wei,
    deadline_unix: Timestamp,
    latest_deadline_unix: Timestamp,
    #[serde(with = "Hash")]
    terms_hash: B256,
    /// Null while shares cannot be valued.
    coverage_wei: Option<Wei>,
    threshold_met_bps: Bps,
    thresholds: Vec<ThresholdJson>,
    #[serde(rename = "rateWeiPer1e27Shares")]
    rate: Option<Rate>,
    tiers: &'a [Tier],
    pots: &'a [PotView],
    release_window_seconds: u32,
    exit_window_seconds: u32,
    drawn_wei: Wei,
    objected_wei: Wei,
    veto_bps: Bps,
    settled_at_unix: Option<Timestamp>,
    cancelled_at_unix: Option<Timestamp>,
    lapsed_at_unix: Option<Timestamp>,
    final_at_unix: Option<Timestamp>,
    /// The latest amendment.
    amendment: Option<AmendmentJson>,
    tranches: TranchesJson,
    recovery_pool: Option<RecoveryJson<'a>>,
    bonus_pool: Option<BonusJson>,
    /// What can be called now.
    next_calls: Vec<Call>,
}

/// A threshold, and whether it is met.
#[derive(Debug, Serialize, JsonSchema)]
struct ThresholdJson {
    #[serde(flatten)]
    threshold: Threshold,
    met: bool,
}

/// An amendment, and whether it is pending.
#[derive(Debug, Serialize, JsonSchema)]
struct AmendmentJson {
    #[serde(flatten)]
    amendment: Amendment,
    pending: bool,
}

/// The tranches. `due`, `kept`, `delivered` and `held` are numbers of tranches.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TranchesJson {
    count: u8,
    objection_period_seconds: u32,
    interval_seconds: u32,
    due: u8,
    kept: PerAsset<u8>,
    delivered: PerAsset<u8>,
    held: PerAsset<u8>,
    /// Whether a veto stopped what is held.
    returns_by_calendar: bool,
    next_at_unix: Option<Timestamp>,
}

impl Page {
    /// The page as JSON.
    pub(crate) fn to_json(&self) -> RescueJson<'_> {
        let view = &self.view;
        let terms = &view.terms;
        let met = |threshold: Threshold| ThresholdJson { threshold, met: threshold.is_met() };
        let pending = self.pending().is_some();
        RescueJson {
            rescue: self.address,
            chain: self.chain,
            block: self.block,
            block_time_unix: self.now,
            status: view.status,
            end_reason: view.end_reason,
            created_block: view.created_block,
            edition: self.edition,
            beneficiary: terms.beneficiary,
            guardian: terms.guardian,
            steth: terms.steth,
            wsteth: terms.wsteth,
            target_wei: terms.target,
            deadline_unix: terms.deadline,
            latest_deadline_unix: terms.latest_deadline,
            terms_hash: terms.terms_hash,
            coverage_wei: view.coverage,
            threshold_met_bps: view.threshold_met,
            thresholds: view.thresholds().into_iter().map(met).collect(),
            rate: self.rate(),
            tiers: &terms.tiers,
            pots: &view.pots,
            release_window_seconds: terms.release_window,
            exit_window_seconds: terms.exit_window,
            drawn_wei: view.drawn,
            objected_wei: view.objected,
            veto_bps: terms.veto,
            settled_at_unix: view.settled_at,
            cancelled_at_unix: view.cancelled_at,
            lapsed_at_unix: view.lapsed_at,
            final_at_unix: view.final_at,
            amendment: view.amendment.map(|amendment| AmendmentJson { amendment, pending }),
            tranches: self.tranches_json(),
            recovery_pool: self.satellites.recovery.as_ref().map(RecoveryJson::from),
            bonus_pool: self.satellites.bonus.as_ref().map(BonusJson::from),
            next_calls: self.next_calls(),
        }
    }

    fn tranches_json(&self) -> TranchesJson {
        let (view, terms) = (&self.view, &self.view.terms);
        TranchesJson {
            count: terms.tranches,
            objection_period_seconds: terms.objection_period,
            interval_seconds: terms.tranche_interval,
            due: view.due,
            kept: view.kept,
            delivered: view.delivered,
            held: view.held,
            returns_by_calendar: view.returns_by_calendar,
            next_at_unix: view.next_tranche_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::page::tests::settled;
    use serde_json::{Value, json};

    #[test]
    fn amounts_are_exact_and_name_their_unit() {
        let page = serde_json::to_value(settled().to_json()).unwrap();
        assert_eq!(page["status"], "Settled");
        assert_eq!(page["targetWei"], "100000000000000000000");
        assert_eq!(page["rateWeiPer1e27Shares"], "1250000000000000000000000000");
        let pot = json!({
            "tier": 2, "asset": "stETH", "unit": "stETH shares", "total": "24000000000000000000",
            "drawn": "24000000000000000000", "delivered": "0",
        });
        assert_eq!(page["pots"][2], pot);
        let first = json!({
            "thresholdBps": 5_000, "coverageWei": "100000000000000000000", "requiredWei": "50000000000000000000",
            "met": true,
        });
        assert_eq!(page["thresholds"][0], first);
        assert_eq!(page["tranches"]["kept"], json!({ "ETH": 4, "stETH": 4, "wstETH": 0 }));
        assert_eq!(page["tranches"]["held"], page["tranches"]["kept"]);
        assert_eq!((&page["amendment"], &page["createdBlock"]), (&Value::Null, &json!(7)));
    }
}
