//! The page for programs: amounts are decimal strings and every name carries its unit.

use levee::PotView;
use levee_model::{Asset, PerAsset, Tier};
use serde_json::{Value, json};

use super::{Page, next::Call, thresholds::Threshold};

impl Page {
    /// The page as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let view = &self.view;
        let terms = &view.terms;
        json!({
            "rescue": self.address,
            "chain": self.chain,
            "blockTimeUnix": self.now,
            "status": view.status,
            "failReason": view.fail_reason.map(|reason| reason.to_string()),
            "beneficiary": terms.beneficiary,
            "guardian": terms.guardian,
            "stETH": terms.steth,
            "wstETH": terms.wsteth,
            "targetWei": terms.target,
            "deadlineUnix": terms.deadline,
            "termsHash": terms.terms_hash,
            "coverageWei": view.coverage,
            "thresholdMetBps": view.threshold_met,
            "thresholds": self.thresholds_json(),
            "rateWeiPer1e27Shares": self.rate(),
            "tiers": terms.tiers.iter().map(tier).collect::<Value>(),
            "pots": view.pots.iter().map(pot).collect::<Value>(),
            "drawnWei": view.drawn,
            "objectedWei": view.objected,
            "vetoBps": terms.veto,
            "settledAtUnix": view.settled_at,
            "cancelledAtUnix": view.cancelled_at,
            "finalAtUnix": view.final_at,
            "amendment": self.amendment_json(),
            "tranches": self.tranches_json(),
            "nextCalls": self.next_calls().iter().map(call).collect::<Value>(),
        })
    }

    fn thresholds_json(&self) -> Value {
        let found = super::thresholds::thresholds(&self.view, self.rate());
        let one = |threshold: Threshold| {
            json!({
                "thresholdBps": threshold.threshold,
                "coverageWei": threshold.coverage,
                "requiredWei": threshold.required,
                "met": threshold.is_met(),
            })
        };
        found.into_iter().map(one).collect()
    }

    fn amendment_json(&self) -> Value {
        let one = |amendment: levee_model::Amendment| {
            json!({
                "targetWei": amendment.goal.target,
                "deadlineUnix": amendment.goal.deadline,
                "termsHash": amendment.goal.terms_hash,
                "inForceFromUnix": amendment.in_force_from,
            })
        };
        self.view.amendment.map_or(Value::Null, one)
    }

    fn tranches_json(&self) -> Value {
        let terms = &self.view.terms;
        json!({
            "count": terms.tranches,
            "objectionPeriodSeconds": terms.objection_period,
            "intervalSeconds": terms.tranche_interval,
            "releaseWindowSeconds": terms.release_window,
            "due": self.view.due,
            "kept": per_asset(self.view.kept),
            "delivered": per_asset(self.view.delivered),
            "nextAtUnix": self.view.next_tranche_at,
        })
    }
}

fn per_asset(counts: PerAsset<u8>) -> Value {
    json!({ "ETH": counts[Asset::Eth], "stETH": counts[Asset::StEth], "wstETH": counts[Asset::WstEth] })
}

fn tier(tier: &Tier) -> Value {
    json!({ "thresholdBps": tier.threshold, "drawOrder": tier.draw_order, "rateBps": tier.rate })
}

fn pot(pot: &PotView) -> Value {
    json!({
        "tier": pot.tier,
        "asset": pot.asset,
        "unit": crate::amount::unit_name(pot.asset),
        "total": pot.total,
        "drawn": pot.drawn,
        "delivered": pot.delivered,
    })
}

fn call(call: &Call) -> Value {
    json!({ "command": call.command, "who": call.who, "effect": call.effect })
}
