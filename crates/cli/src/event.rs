//! What happened, in words and as JSON, from the events of a transaction.

use levee::Event;
use levee_model::{PositionId, Rate, Units};
use serde_json::{Value, json};

use crate::{amount, percent, time};

/// An event as a sentence without a full stop. `rate` is for what stETH shares are worth, where it is known.
pub(crate) fn to_text(event: &Event, rate: Option<Rate>) -> String {
    let shown = |id: &PositionId, units: Units| amount::units(units, id.asset, rate);
    match event {
        Event::RescueCreated { terms } => {
            let (target, deadline) = (amount::eth(terms.target), time::time(terms.deadline));
            format!("created a rescue of {target}, open for pledges up to {deadline}")
        }
        Event::Pledged { position, amount } => {
            format!("locked {} of {} in tier {}", shown(position, *amount), position.pledger, position.tier)
        }
        Event::Exited { position, recipient, amount } => {
            format!("took {} of {} out, to {recipient}", shown(position, *amount), position.pledger)
        }
        Event::Declined { position, amount } => {
            format!("declined {}, returned to {}", shown(position, *amount), position.pledger)
        }
        Event::Refunded { position, recipient, amount } => {
            format!("returned {} of {} to {recipient}", shown(position, *amount), position.pledger)
        }
        Event::AmendmentProposed { amendment } => {
            let (target, deadline) =
                (amount::eth(amendment.goal.target), time::time(amendment.goal.deadline));
            let from = time::time(amendment.in_force_from);
            format!("proposed a target of {target} and a deadline of {deadline}, in force from {from}")
        }
        Event::Settled { threshold, target, drawn, .. } => {
            let (drawn, target) = (amount::eth(*drawn), amount::eth(*target));
            format!(
                "settled at a threshold of {}: {drawn} of {target} is drawn",
                percent::percent(*threshold)
            )
        }
        Event::Failed { reason, .. } => format!("the rescue failed: {reason}; everything goes back"),
        Event::Released { asset, tranches, amount } => {
            let shown = amount::units(*amount, *asset, rate);
            format!("delivered {shown} to the beneficiary, {} of {asset} in all", tranches_text(*tranches))
        }
        Event::Objected { position, weight } => {
            format!("{} objected with {}", position.pledger, amount::eth(*weight))
        }
        Event::Cancelled { kept, .. } => {
            format!("stopped what is not yet due: the beneficiary keeps at most {}", tranches_text(*kept))
        }
        Event::Lapsed { .. } => "stopped what was due and not collected".into(),
        Event::Finalized { .. } => "nothing more goes to the beneficiary".into(),
    }
}

/// `1 tranche`, `2 tranches`.
pub(crate) fn tranches_text(count: u8) -> String {
    format!("{count} tranche{}", if count == 1 { "" } else { "s" })
}

/// An event as JSON, under its name in the contract; amounts are in the asset's own unit.
pub(crate) fn to_json(event: &Event) -> Value {
    match event {
        Event::RescueCreated { terms } => json!({ "event": "RescueCreated", "terms": terms }),
        Event::Pledged { position, amount } => of_position("Pledged", position, json!({ "amount": amount })),
        Event::Exited { position, recipient, amount } => {
            of_position("Exited", position, json!({ "recipient": recipient.to_string(), "amount": amount }))
        }
        Event::Declined { position, amount } => {
            of_position("Declined", position, json!({ "amount": amount }))
        }
        Event::Refunded { position, recipient, amount } => {
            of_position("Refunded", position, json!({ "recipient": recipient.to_string(), "amount": amount }))
        }
        Event::AmendmentProposed { amendment } => json!({
            "event": "AmendmentProposed",
            "targetWei": amendment.goal.target,
            "deadlineUnix": amendment.goal.deadline,
            "termsHash": amendment.goal.terms_hash,
            "inForceFromUnix": amendment.in_force_from,
        }),
        Event::Settled { threshold, rate, target, drawn, settled_at, draws } => json!({
            "event": "Settled",
            "thresholdBps": threshold,
            "rateWeiPer1e27Shares": rate,
            "targetWei": target,
            "drawnWei": drawn,
            "settledAtUnix": settled_at,
            "draws": draws,
        }),
        Event::Failed { reason, failed_at } => {
            json!({ "event": "Failed", "reason": reason.to_string(), "failedAtUnix": failed_at })
        }
        Event::Released { asset, tranches, amount } => json!({
            "event": "Released",
            "asset": asset,
            "unit": amount::unit_name(*asset),
            "tranches": tranches,
            "amount": amount,
        }),
        Event::Objected { position, weight } => {
            of_position("Objected", position, json!({ "weightWei": weight }))
        }
        Event::Cancelled { kept, cancelled_at } => {
            json!({ "event": "Cancelled", "kept": kept, "cancelledAtUnix": cancelled_at })
        }
        Event::Lapsed { lapsed_at } => json!({ "event": "Lapsed", "lapsedAtUnix": lapsed_at }),
        Event::Finalized { final_at } => json!({ "event": "Finalized", "finalAtUnix": final_at }),
    }
}

fn of_position(name: &str, id: &PositionId, mut facts: Value) -> Value {
    facts["event"] = name.into();
    facts["pledger"] = id.pledger.to_string().into();
    facts["tier"] = id.tier.into();
    facts["asset"] = json!(id.asset);
    facts["unit"] = amount::unit_name(id.asset).into();
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::Address;
    use levee_model::Asset;

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!([0, 1, 2].map(tranches_text), ["0 tranches", "1 tranche", "2 tranches"]);
    }

    #[test]
    fn a_pledge_reads_in_its_own_unit() {
        let position = PositionId { pledger: Address::ZERO, tier: 2, asset: Asset::StEth };
        let event = Event::Pledged { position, amount: Units::new(10u128.pow(18)) };
        let rate = Rate::new(1_200_000_000_000_000_000_000_000_000);
        let zero = Address::ZERO;
        assert_eq!(
            to_text(&event, rate),
            format!("locked 1.2 stETH (1000000000000000000 shares) of {zero} in tier 2")
        );
        let expected = json!({
            "event": "Pledged", "pledger": zero.to_string(), "tier": 2, "asset": "stETH", "unit": "stETH shares",
            "amount": "1000000000000000000",
        });
        assert_eq!(to_json(&event), expected);
    }
}
