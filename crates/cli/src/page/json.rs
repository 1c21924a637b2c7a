//! The page for programs: amounts are decimal strings and every name carries its unit.

use levee::PotView;
use levee_model::{Asset, PerAsset, Threshold, Tier};
use serde_json::{Value, json};

use super::{Page, next::Call};

impl Page {
    /// The page as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let view = &self.view;
        let terms = &view.terms;
        json!({
            "rescue": self.address.to_string(),
            "chain": self.chain,
            "blockTimeUnix": self.now,
            "status": view.status,
            "endReason": view.end_reason.map(|reason| reason.to_string()),
            "createdBlock": view.created_block,
            "beneficiary": terms.beneficiary.to_string(),
            "guardian": terms.guardian.to_string(),
            "stETH": terms.steth.to_string(),
            "wstETH": terms.wsteth.to_string(),
            "targetWei": terms.target,
            "deadlineUnix": terms.deadline,
            "latestDeadlineUnix": terms.latest_deadline,
            "termsHash": terms.terms_hash,
            "coverageWei": view.coverage,
            "thresholdMetBps": view.threshold_met,
            "thresholds": self.thresholds_json(),
            "rateWeiPer1e27Shares": self.rate(),
            "tiers": terms.tiers.iter().map(tier).collect::<Value>(),
            "pots": view.pots.iter().map(pot).collect::<Value>(),
            "releaseWindowSeconds": terms.release_window,
            "exitWindowSeconds": terms.exit_window,
            "drawnWei": view.drawn,
            "objectedWei": view.objected,
            "vetoBps": terms.veto,
            "settledAtUnix": view.settled_at,
            "cancelledAtUnix": view.cancelled_at,
            "lapsedAtUnix": view.lapsed_at,
            "finalAtUnix": view.final_at,
            "amendment": self.amendment_json(),
            "tranches": self.tranches_json(),
            "recoveryPool": self.around.recovery.as_ref().map(super::around::recovery_json),
            "bonusPool": self.around.bonus.as_ref().map(super::around::bonus_json),
            "nextCalls": self.next_calls().iter().map(call).collect::<Value>(),
        })
    }

    fn thresholds_json(&self) -> Value {
        let one = |threshold: Threshold| {
            json!({
                "thresholdBps": threshold.threshold,
                "coverageWei": threshold.coverage,
                "requiredWei": threshold.required,
                "met": threshold.is_met(),
            })
        };
        self.view.thresholds().into_iter().map(one).collect()
    }

    fn amendment_json(&self) -> Value {
        let one = |amendment: levee_model::Amendment| {
            json!({
                "targetWei": amendment.goal.target,
                "deadlineUnix": amendment.goal.deadline,
                "termsHash": amendment.goal.terms_hash,
                "inForceFromUnix": amendment.effective_at,
                "pending": self.pending().is_some(),
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
            "due": self.view.due,
            "kept": per_asset(self.view.kept),
            "delivered": per_asset(self.view.delivered),
            "held": per_asset(self.view.held),
            "returnsByCalendar": self.view.returns_by_calendar,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::settled;

    #[test]
    fn amounts_are_exact_and_name_their_unit() {
        let page = settled().to_json();
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
