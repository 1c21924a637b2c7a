//! The events of a transaction as JSON, each under its name in the contract.

use alloy::primitives::Address;
use levee::{BoardEvent, BonusEvent, Declaration, Declared, Event, RecoveryEvent, RescueEvent};
use levee_model::{Asset, BonusDecision, Enlistment, PositionId, Units, Wei};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    amount,
    json::{Account, AssetName, Hash, Number, TermsJson, end_reason},
};

/// A position: pledger, tier and asset.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Position {
    pledger: Account,
    tier: u8,
    asset: AssetName,
    unit: String,
}

impl From<&PositionId> for Position {
    fn from(id: &PositionId) -> Self {
        let unit = amount::unit_name(id.asset).to_owned();
        Self { pledger: id.pledger.into(), tier: id.tier, asset: id.asset.into(), unit }
    }
}

/// An amount of an asset, in the asset's own unit.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Amount {
    asset: AssetName,
    unit: String,
    amount: Number,
}

fn amount_of(asset: Asset, units: Units) -> Amount {
    Amount { asset: asset.into(), unit: amount::unit_name(asset).to_owned(), amount: units.into() }
}

/// The draw from a pot.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Draw {
    tier: u8,
    #[serde(flatten)]
    drawn: Amount,
}

/// ETH that a pool paid for a position in any asset.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Paid {
    pledger: Account,
    tier: u8,
    asset: AssetName,
    recipient: Account,
    amount_wei: Number,
}

fn paid(id: &PositionId, recipient: Address, amount: Wei) -> Paid {
    let PositionId { pledger, tier, asset } = *id;
    Paid {
        pledger: pledger.into(),
        tier,
        asset: asset.into(),
        recipient: recipient.into(),
        amount_wei: amount.into(),
    }
}

/// A declaration on the board.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeclarationJson {
    contributor: Account,
    rescue: Account,
    stage: String,
    tier: u8,
    amount_wei: Option<Number>,
    expiry_unix: u64,
    made_at_unix: u64,
    link: String,
    /// The digest that was signed; null if the contributor sent the transaction itself.
    digest: Option<Hash>,
}

impl From<&Declared> for DeclarationJson {
    fn from(declared: &Declared) -> Self {
        let Declaration { escrow, stage, tier, amount, expiry, link } = &declared.declaration;
        Self {
            contributor: declared.contributor.into(),
            rescue: (*escrow).into(),
            stage: stage.to_string(),
            tier: *tier,
            amount_wei: amount.map(Number::from),
            expiry_unix: *expiry,
            made_at_unix: declared.made_at,
            link: link.clone(),
            digest: declared.digest.map(Hash::from),
        }
    }
}

/// An event of an escrow or of a contract around it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all_fields = "camelCase")]
pub(crate) enum EventJson {
    RescueCreated {
        terms: TermsJson,
    },
    Pledged {
        #[serde(flatten)]
        position: Position,
        amount: Number,
    },
    Exited {
        #[serde(flatten)]
        position: Position,
        recipient: Account,
        amount: Number,
    },
    Declined {
        #[serde(flatten)]
        position: Position,
        amount: Number,
    },
    Owed {
        pledger: Account,
        #[serde(flatten)]
        owed: Amount,
    },
    Collected {
        pledger: Account,
        recipient: Account,
        #[serde(flatten)]
        paid: Amount,
    },
    Refunded {
        #[serde(flatten)]
        position: Position,
        recipient: Account,
        amount: Number,
    },
    AmendmentProposed {
        target_wei: Number,
        deadline_unix: u64,
        terms_hash: Hash,
        in_force_from_unix: u64,
    },
    Settled {
        threshold_bps: u16,
        #[serde(rename = "rateWeiPer1e27Shares")]
        rate: Option<Number>,
        target_wei: Number,
        drawn_wei: Number,
        settled_at_unix: u64,
        draws: Vec<Draw>,
    },
    Failed {
        reason: String,
        #[serde(rename = "rateWeiPer1e27Shares")]
        rate: Option<Number>,
        failed_at_unix: u64,
    },
    Released {
        tranches: u8,
        #[serde(flatten)]
        delivered: Amount,
    },
    Objected {
        #[serde(flatten)]
        position: Position,
        weight_wei: Number,
    },
    Cancelled {
        reason: String,
        /// The maximum number of tranches that the beneficiary gets.
        kept: u8,
        cancelled_at_unix: u64,
    },
    HoldLifted {
        lifted_at_unix: u64,
    },
    Lapsed {
        lapsed_at_unix: u64,
    },
    Finalized {
        final_at_unix: u64,
    },
    RecoveryPoolCreated {
        rescue: Account,
    },
    Recovered {
        payer: Account,
        amount_wei: Number,
        recovered_at_unix: u64,
    },
    Repaid {
        draw_order: u8,
        interest_wei: Number,
        principal_wei: Number,
        rest_wei: Number,
    },
    Claimed(Paid),
    BonusPoolCreated {
        rescue: Account,
    },
    BonusAdded {
        sponsor: Account,
        amount_wei: Number,
    },
    Enlisted {
        #[serde(flatten)]
        position: Position,
        amount: Number,
        departures: u32,
        unit_seconds: Number,
    },
    BonusDecided {
        bonus_wei: Number,
        pledgers_part_wei: Number,
        #[serde(rename = "rateWeiPer1e27Shares")]
        rate: Option<Number>,
        value_wei_seconds: Number,
    },
    BonusClaimed(Paid),
    BonusReturned {
        sponsor: Account,
        recipient: Account,
        amount_wei: Number,
    },
    Declared(DeclarationJson),
    Revoked {
        contributor: Account,
        digest: Hash,
    },
}

impl From<&Event> for EventJson {
    fn from(event: &Event) -> Self {
        match event {
            Event::Rescue(event) => event.into(),
            Event::Recovery(event) => of_recovery(event),
            Event::Bonus(event) => of_bonus(event),
            Event::Board(event) => of_board(event),
        }
    }
}

impl From<&RescueEvent> for EventJson {
    fn from(event: &RescueEvent) -> Self {
        match event {
            RescueEvent::Created { terms } => Self::RescueCreated { terms: terms.into() },
            RescueEvent::Pledged { position, amount } => {
                Self::Pledged { position: position.into(), amount: (*amount).into() }
            }
            RescueEvent::Exited { position, recipient, amount } => Self::Exited {
                position: position.into(),
                recipient: (*recipient).into(),
                amount: (*amount).into(),
            },
            RescueEvent::Declined { position, amount } => {
                Self::Declined { position: position.into(), amount: (*amount).into() }
            }
            RescueEvent::Owed { pledger, asset, amount } => {
                Self::Owed { pledger: (*pledger).into(), owed: amount_of(*asset, *amount) }
            }
            RescueEvent::Collected { pledger, asset, recipient, amount } => Self::Collected {
                pledger: (*pledger).into(),
                recipient: (*recipient).into(),
                paid: amount_of(*asset, *amount),
            },
            RescueEvent::Refunded { position, recipient, amount } => Self::Refunded {
                position: position.into(),
                recipient: (*recipient).into(),
                amount: (*amount).into(),
            },
            RescueEvent::AmendmentProposed { amendment } => Self::AmendmentProposed {
                target_wei: amendment.goal.target.into(),
                deadline_unix: amendment.goal.deadline,
                terms_hash: amendment.goal.terms_hash.into(),
                in_force_from_unix: amendment.effective_at,
            },
            RescueEvent::Objected { position, weight } => {
                Self::Objected { position: position.into(), weight_wei: (*weight).into() }
            }
            decision => of_decision(decision),
        }
    }
}

/// Events that change the status of a rescue or its number of kept tranches.
fn of_decision(event: &RescueEvent) -> EventJson {
    match event {
        RescueEvent::Settled { threshold, rate, target, drawn, settled_at, draws } => EventJson::Settled {
            threshold_bps: threshold.get(),
            rate: rate.map(Number::from),
            target_wei: (*target).into(),
            drawn_wei: (*drawn).into(),
            settled_at_unix: *settled_at,
            draws: of_draws(draws),
        },
        RescueEvent::Failed { reason, rate, failed_at } => EventJson::Failed {
            reason: end_reason(*reason).to_owned(),
            rate: rate.map(Number::from),
            failed_at_unix: *failed_at,
        },
        RescueEvent::Released { asset, tranches, amount } => {
            EventJson::Released { tranches: *tranches, delivered: amount_of(*asset, *amount) }
        }
        RescueEvent::Cancelled { reason, kept, cancelled_at } => EventJson::Cancelled {
            reason: end_reason(*reason).to_owned(),
            kept: *kept,
            cancelled_at_unix: *cancelled_at,
        },
        RescueEvent::HoldLifted { lifted_at } => EventJson::HoldLifted { lifted_at_unix: *lifted_at },
        RescueEvent::Lapsed { lapsed_at } => EventJson::Lapsed { lapsed_at_unix: *lapsed_at },
        RescueEvent::Finalized { final_at } => EventJson::Finalized { final_at_unix: *final_at },
        _ => unreachable!("{event:?} is not a decision"),
    }
}

/// The pots from which something was drawn.
fn of_draws(draws: &[Units]) -> Vec<Draw> {
    let tiers = (0u8..).zip(draws.chunks(Asset::ALL.len()));
    let pots = tiers.flat_map(|(tier, draws)| {
        Asset::ALL.into_iter().zip(draws).map(move |(asset, drawn)| (tier, asset, *drawn))
    });
    let drawn = pots.filter(|(.., drawn)| !drawn.is_zero());
    drawn.map(|(tier, asset, drawn)| Draw { tier, drawn: amount_of(asset, drawn) }).collect()
}

fn of_recovery(event: &RecoveryEvent) -> EventJson {
    match event {
        RecoveryEvent::Created { escrow } => EventJson::RecoveryPoolCreated { rescue: (*escrow).into() },
        RecoveryEvent::Recovered { payer, amount, recovered_at } => EventJson::Recovered {
            payer: (*payer).into(),
            amount_wei: (*amount).into(),
            recovered_at_unix: *recovered_at,
        },
        RecoveryEvent::Repaid { draw_order, interest, principal, rest } => EventJson::Repaid {
            draw_order: *draw_order,
            interest_wei: (*interest).into(),
            principal_wei: (*principal).into(),
            rest_wei: (*rest).into(),
        },
        RecoveryEvent::Claimed { position, recipient, amount } => {
            EventJson::Claimed(paid(position, *recipient, *amount))
        }
    }
}

fn of_bonus(event: &BonusEvent) -> EventJson {
    match event {
        BonusEvent::Created { escrow } => EventJson::BonusPoolCreated { rescue: (*escrow).into() },
        BonusEvent::Added { sponsor, amount } => {
            EventJson::BonusAdded { sponsor: (*sponsor).into(), amount_wei: (*amount).into() }
        }
        BonusEvent::Enlisted { position, enlistment: Enlistment { departures, enlisted, unit_seconds } } => {
            EventJson::Enlisted {
                position: position.into(),
                amount: (*enlisted).into(),
                departures: *departures,
                unit_seconds: unit_seconds.get().into(),
            }
        }
        BonusEvent::Decided(BonusDecision { bonus, pledgers, rate, value }) => EventJson::BonusDecided {
            bonus_wei: (*bonus).into(),
            pledgers_part_wei: (*pledgers).into(),
            rate: rate.map(Number::from),
            value_wei_seconds: value.get().into(),
        },
        BonusEvent::Claimed { position, recipient, amount } => {
            EventJson::BonusClaimed(paid(position, *recipient, *amount))
        }
        BonusEvent::Returned { sponsor, recipient, amount } => EventJson::BonusReturned {
            sponsor: (*sponsor).into(),
            recipient: (*recipient).into(),
            amount_wei: (*amount).into(),
        },
    }
}

fn of_board(event: &BoardEvent) -> EventJson {
    match event {
        BoardEvent::Declared(declared) => EventJson::Declared(declared.into()),
        BoardEvent::Revoked { contributor, digest } => {
            EventJson::Revoked { contributor: (*contributor).into(), digest: (*digest).into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(event: &RescueEvent) -> serde_json::Value {
        serde_json::to_value(EventJson::from(event)).unwrap()
    }

    #[test]
    fn amounts_stand_beside_their_unit() {
        let pledger = Address::ZERO;
        let owed = RescueEvent::Owed { pledger, asset: Asset::Eth, amount: Units::new(10u128.pow(18)) };
        let expected = json!({
            "event": "Owed", "pledger": pledger.to_string(), "asset": "ETH", "unit": "wei",
            "amount": "1000000000000000000",
        });
        assert_eq!(value(&owed), expected);
        let position = PositionId { pledger, tier: 2, asset: Asset::StEth };
        let pledged = RescueEvent::Pledged { position, amount: Units::new(7) };
        let expected = json!({
            "event": "Pledged", "pledger": pledger.to_string(), "tier": 2, "asset": "stETH", "unit": "stETH shares",
            "amount": "7",
        });
        assert_eq!(value(&pledged), expected);
    }

    #[test]
    fn draws_name_their_pot() {
        let mut draws = vec![Units::ZERO; 6];
        draws[4] = Units::new(9);
        let expected = json!([{ "tier": 1, "asset": "stETH", "unit": "stETH shares", "amount": "9" }]);
        assert_eq!(serde_json::to_value(of_draws(&draws)).unwrap(), expected);
    }
}
