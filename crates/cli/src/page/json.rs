//! The page as JSON.

use levee::PotView;
use levee_model::{Amendment, Status, Threshold};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Page,
    next::Call,
    satellites::{BonusJson, RecoveryJson},
};
use crate::{
    amount,
    json::{Account, AssetName, ByAsset, Hash, Number, TierJson, end_reason},
};

/// The result of `levee status`: a rescue as the next call would find it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RescueJson {
    rescue: Account,
    chain: u64,
    block: u64,
    block_time_unix: u64,
    #[schemars(with = "String")]
    status: Status,
    /// Why it ended, if it did.
    end_reason: Option<String>,
    created_block: u64,
    /// The edition of its contracts.
    edition: &'static str,
    beneficiary: Account,
    guardian: Option<Account>,
    #[serde(rename = "stETH")]
    steth: Option<Account>,
    #[serde(rename = "wstETH")]
    wsteth: Option<Account>,
    /// In force, after all amendments; so are deadline and hash.
    target_wei: Number,
    deadline_unix: u64,
    latest_deadline_unix: u64,
    terms_hash: Hash,
    /// Null while shares cannot be valued.
    coverage_wei: Option<Number>,
    threshold_met_bps: u16,
    thresholds: Vec<ThresholdJson>,
    #[serde(rename = "rateWeiPer1e27Shares")]
    rate: Option<Number>,
    tiers: Vec<TierJson>,
    pots: Vec<PotJson>,
    release_window_seconds: u32,
    exit_window_seconds: u32,
    drawn_wei: Number,
    objected_wei: Number,
    veto_bps: u16,
    settled_at_unix: Option<u64>,
    cancelled_at_unix: Option<u64>,
    lapsed_at_unix: Option<u64>,
    final_at_unix: Option<u64>,
    /// The latest amendment.
    amendment: Option<AmendmentJson>,
    tranches: TranchesJson,
    recovery_pool: Option<RecoveryJson>,
    bonus_pool: Option<BonusJson>,
    /// What can be called now.
    next_calls: Vec<CallJson>,
}

/// A threshold in the terms and the coverage that counts toward it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ThresholdJson {
    threshold_bps: u16,
    coverage_wei: Number,
    required_wei: Number,
    met: bool,
}

impl From<Threshold> for ThresholdJson {
    fn from(threshold: Threshold) -> Self {
        Self {
            threshold_bps: threshold.threshold.get(),
            coverage_wei: threshold.coverage.into(),
            required_wei: threshold.required.into(),
            met: threshold.is_met(),
        }
    }
}

/// All pledges of one asset into one tier.
#[derive(Debug, Serialize, JsonSchema)]
struct PotJson {
    tier: u8,
    asset: AssetName,
    unit: String,
    total: Number,
    drawn: Number,
    delivered: Number,
}

impl From<&PotView> for PotJson {
    fn from(pot: &PotView) -> Self {
        Self {
            tier: pot.tier,
            asset: pot.asset.into(),
            unit: amount::unit_name(pot.asset).to_owned(),
            total: pot.total.into(),
            drawn: pot.drawn.into(),
            delivered: pot.delivered.into(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AmendmentJson {
    target_wei: Number,
    deadline_unix: u64,
    terms_hash: Hash,
    in_force_from_unix: u64,
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
    kept: ByAsset<u8>,
    delivered: ByAsset<u8>,
    held: ByAsset<u8>,
    /// Whether a veto stopped what is held.
    returns_by_calendar: bool,
    next_at_unix: Option<u64>,
}

/// A call that would not be refused.
#[derive(Debug, Serialize, JsonSchema)]
struct CallJson {
    /// The arguments to `levee`.
    command: String,
    /// `anyone`, `pledgers`, `sponsors` or `guardian`.
    who: String,
    effect: String,
}

impl From<Call> for CallJson {
    fn from(call: Call) -> Self {
        Self { command: call.command, who: call.who.to_owned(), effect: call.effect.to_owned() }
    }
}

impl Page {
    /// The page as JSON.
    pub(crate) fn to_json(&self) -> RescueJson {
        let view = &self.view;
        let terms = &view.terms;
        let thresholds = view.thresholds();
        RescueJson {
            rescue: self.address.into(),
            chain: self.chain,
            block: self.block,
            block_time_unix: self.now,
            status: view.status,
            end_reason: view.end_reason.map(|reason| end_reason(reason).to_owned()),
            created_block: view.created_block,
            edition: self.edition.name(),
            beneficiary: terms.beneficiary.into(),
            guardian: Account::or_none(terms.guardian),
            steth: Account::or_none(terms.steth),
            wsteth: Account::or_none(terms.wsteth),
            target_wei: terms.target.into(),
            deadline_unix: terms.deadline,
            latest_deadline_unix: terms.latest_deadline,
            terms_hash: terms.terms_hash.into(),
            coverage_wei: view.coverage.map(Number::from),
            threshold_met_bps: view.threshold_met.get(),
            thresholds: thresholds.into_iter().map(ThresholdJson::from).collect(),
            rate: self.rate().map(Number::from),
            tiers: terms.tiers.iter().map(TierJson::from).collect(),
            pots: view.pots.iter().map(PotJson::from).collect(),
            release_window_seconds: terms.release_window,
            exit_window_seconds: terms.exit_window,
            drawn_wei: view.drawn.into(),
            objected_wei: view.objected.into(),
            veto_bps: terms.veto.get(),
            settled_at_unix: view.settled_at,
            cancelled_at_unix: view.cancelled_at,
            lapsed_at_unix: view.lapsed_at,
            final_at_unix: view.final_at,
            amendment: view.amendment.map(|amendment| self.amendment_json(amendment)),
            tranches: self.tranches_json(),
            recovery_pool: self.satellites.recovery.as_ref().map(RecoveryJson::from),
            bonus_pool: self.satellites.bonus.as_ref().map(BonusJson::from),
            next_calls: self.next_calls().into_iter().map(CallJson::from).collect(),
        }
    }

    fn amendment_json(&self, amendment: Amendment) -> AmendmentJson {
        AmendmentJson {
            target_wei: amendment.goal.target.into(),
            deadline_unix: amendment.goal.deadline,
            terms_hash: amendment.goal.terms_hash.into(),
            in_force_from_unix: amendment.effective_at,
            pending: self.pending().is_some(),
        }
    }

    fn tranches_json(&self) -> TranchesJson {
        let (view, terms) = (&self.view, &self.view.terms);
        TranchesJson {
            count: terms.tranches,
            objection_period_seconds: terms.objection_period,
            interval_seconds: terms.tranche_interval,
            due: view.due,
            kept: view.kept.into(),
            delivered: view.delivered.into(),
            held: view.held.into(),
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
