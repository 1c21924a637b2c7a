//! Logs: the events of an escrow, decoded into those of the model. The events of the contracts around it
//! are next to their calls.

use alloy::{
    primitives::{B256, Log},
    sol_types::{SolEvent, SolEventInterface},
};
use levee_model::{Amendment, CompactEvent, EndReason, Goal, RescueEvent};
use serde::Serialize;

use crate::{
    bindings::{
        BonusPool::BonusPoolEvents,
        Compact::{self, CompactEvents},
        PledgeBoard::{EIP712DomainChanged, PledgeBoardEvents},
        PledgeEscrow::{self, PledgeEscrowEvents as Raw},
        RecoveryPool::RecoveryPoolEvents,
    },
    board::{BoardEvent, Declared},
    bonus::BonusEvent,
    compact, convert,
    error::Error,
    receiver::ReceiverEvent,
    recovery::RecoveryEvent,
    terms,
};

/// An event of an escrow or of a contract around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Event {
    /// Of an escrow.
    Rescue(RescueEvent),
    /// Of a recovery pool.
    Recovery(RecoveryEvent),
    /// Of a bonus pool.
    Bonus(BonusEvent),
    /// Of the board.
    Board(BoardEvent),
    /// Of a receiver.
    Receiver(ReceiverEvent),
    /// Of a compact.
    Compact(CompactEvent),
}

impl Event {
    /// The first topic of the event with which a rescue begins.
    pub const CREATION: B256 = PledgeEscrow::RescueCreated::SIGNATURE_HASH;

    /// The first topic of the event with which a compact begins.
    pub const COMPACT_CREATION: B256 = Compact::CompactCreated::SIGNATURE_HASH;

    /// The first topics of all events of escrows, their pools, the board and compacts, to look for on any address.
    pub fn signatures() -> impl Iterator<Item = B256> {
        let of_pools = RecoveryPoolEvents::SELECTORS.iter().chain(BonusPoolEvents::SELECTORS);
        let of_board = PledgeBoardEvents::SELECTORS.iter();
        // Anyone's, and never emitted by the board.
        let of_board = of_board.filter(|&&topic| topic != EIP712DomainChanged::SIGNATURE_HASH);
        let of_rescues = Raw::SELECTORS.iter().chain(of_pools).chain(of_board);
        of_rescues.chain(CompactEvents::SELECTORS).copied().map(B256::new)
    }

    /// Reads a log of an escrow or of a contract around it.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not one of their events.
    pub fn decode(log: &Log) -> Result<Self, Error> {
        match Raw::decode_log(log) {
            Ok(raw) => decode(raw.data).map(Self::Rescue),
            Err(_) => RecoveryEvent::decode(log)
                .map(Self::Recovery)
                .or_else(|_| BonusEvent::decode(log).map(Self::Bonus))
                .or_else(|_| BoardEvent::decode(log).map(Self::Board))
                .or_else(|_| ReceiverEvent::decode(log).map(Self::Receiver))
                .or_else(|_| compact::decode_event(log).map(Self::Compact)),
        }
    }

    /// What was declared, if the event says so.
    pub const fn declared(&self) -> Option<&Declared> {
        match self {
            Self::Board(BoardEvent::Declared(declared)) => Some(declared),
            _ => None,
        }
    }

    /// The event, if it is a compact's.
    pub const fn of_compact(&self) -> Option<&CompactEvent> {
        match self {
            Self::Compact(event) => Some(event),
            _ => None,
        }
    }

    /// The event, if it is an escrow's.
    pub const fn of_rescue(&self) -> Option<&RescueEvent> {
        match self {
            Self::Rescue(event) => Some(event),
            _ => None,
        }
    }
}

fn decode(raw: Raw) -> Result<RescueEvent, Error> {
    match raw {
        Raw::RescueCreated(event) => Ok(RescueEvent::Created { terms: terms::decode(&event.terms)? }),
        Raw::Pledged(event) => Ok(RescueEvent::Pledged {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            amount: convert::units(event.amount),
        }),
        Raw::AmendmentProposed(event) => decode_amendment(&event),
        Raw::Settled(event) => decode_settlement(&event),
        Raw::Failed(event) => Ok(RescueEvent::Failed {
            reason: reason(event.reason)?,
            rate: convert::rate(event.rate),
            failed_at: event.failedAt.to(),
        }),
        Raw::Released(event) => Ok(RescueEvent::Released {
            asset: convert::asset(event.asset)?,
            tranches: event.tranches,
            amount: convert::units(event.amount),
        }),
        Raw::Objected(event) => Ok(RescueEvent::Objected {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            weight: convert::wei(event.weight)?,
        }),
        stopped => decode_stop(stopped),
    }
}

/// What stops or ends a rescue that was settled.
fn decode_stop(raw: Raw) -> Result<RescueEvent, Error> {
    match raw {
        Raw::Cancelled(event) => Ok(RescueEvent::Cancelled {
            reason: reason(event.reason)?,
            kept: event.kept,
            cancelled_at: event.cancelledAt.to(),
        }),
        Raw::HoldLifted(event) => Ok(RescueEvent::HoldLifted { lifted_at: event.liftedAt.to() }),
        Raw::Lapsed(event) => Ok(RescueEvent::Lapsed { lapsed_at: event.lapsedAt.to() }),
        Raw::Finalized(event) => Ok(RescueEvent::Finalized { final_at: event.finalAt.to() }),
        returned => decode_return(returned),
    }
}

/// The ways in which a position goes back, at once or later.
fn decode_return(raw: Raw) -> Result<RescueEvent, Error> {
    match raw {
        Raw::Exited(event) => Ok(RescueEvent::Exited {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            recipient: event.recipient,
            amount: convert::units(event.amount),
        }),
        Raw::Declined(event) => Ok(RescueEvent::Declined {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            amount: convert::units(event.amount),
        }),
        Raw::Refunded(event) => Ok(RescueEvent::Refunded {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            recipient: event.recipient,
            amount: convert::units(event.amount),
        }),
        Raw::Owed(event) => Ok(RescueEvent::Owed {
            pledger: event.pledger,
            asset: convert::asset(event.asset)?,
            amount: convert::units(event.amount),
        }),
        Raw::Collected(event) => Ok(RescueEvent::Collected {
            pledger: event.pledger,
            asset: convert::asset(event.asset)?,
            recipient: event.recipient,
            amount: convert::units(event.amount),
        }),
        _ => Err(Error::Malformed { what: "an event" }),
    }
}

fn decode_amendment(event: &PledgeEscrow::AmendmentProposed) -> Result<RescueEvent, Error> {
    let goal = Goal {
        target: convert::wei(event.target)?,
        deadline: event.deadline.to(),
        terms_hash: event.termsHash,
    };
    Ok(RescueEvent::AmendmentProposed { amendment: Amendment { goal, effective_at: event.effectiveAt.to() } })
}

fn decode_settlement(event: &PledgeEscrow::Settled) -> Result<RescueEvent, Error> {
    Ok(RescueEvent::Settled {
        threshold: convert::bps(event.thresholdBps),
        rate: convert::rate(event.rate),
        target: convert::wei(event.target)?,
        drawn: convert::wei(event.drawn)?,
        settled_at: event.settledAt.to(),
        draws: event.draws.iter().copied().map(convert::units).collect(),
    })
}

/// An event of an end always has a reason.
fn reason(number: u8) -> Result<EndReason, Error> {
    convert::end_reason(number)?.ok_or(Error::Malformed { what: "an event" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Declaration, Declared, Entry, Executed, SignedDeclaration, Stage};
    use alloy::primitives::{Address, U256, address};
    use levee_model::{
        Asset, BonusDecision, Enlistment, PositionId, Rate, UnitSeconds, Units, Wei, WeiSeconds,
    };
    use serde_json::{Value, json};

    const PLEDGER: Address = address!("ae7ab96520DE3A18E5e111B5EaAb095312D7fE84");
    const RECIPIENT: Address = address!("7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0");
    const POSITION: PositionId = PositionId { pledger: PLEDGER, tier: 3, asset: Asset::StEth };

    fn value(event: impl Serialize) -> Value {
        serde_json::to_value(event).unwrap()
    }

    fn hash(byte: u8) -> String {
        B256::repeat_byte(byte).to_string()
    }

    #[test]
    fn events_of_a_recovery_pool_are_amounts_in_wei() {
        use RecoveryEvent as E;
        let [one, two, three] = [1, 2, 3].map(Wei::new);
        let cases = [
            (
                E::Created { escrow: PLEDGER },
                json!({ "event": "RecoveryPoolCreated", "rescue": PLEDGER.to_string() }),
            ),
            (
                E::Recovered { payer: PLEDGER, amount: one, recovered_at: 2 },
                json!({
                    "event": "Recovered", "payer": PLEDGER.to_string(), "amountWei": "1", "recoveredAtUnix": 2,
                }),
            ),
            (
                E::Repaid { draw_order: 4, interest: one, principal: two, rest: three },
                json!({
                    "event": "Repaid", "drawOrder": 4, "interestWei": "1", "principalWei": "2", "restWei": "3",
                }),
            ),
            (
                E::Claimed { position: POSITION, recipient: RECIPIENT, amount: one },
                json!({
                    "event": "Claimed", "pledger": PLEDGER.to_string(), "tier": 3, "asset": "stETH",
                    "recipient": RECIPIENT.to_string(), "amountWei": "1",
                }),
            ),
        ];
        for (event, expected) in cases {
            assert_eq!(value(Event::Recovery(event)), expected);
        }
    }

    #[test]
    fn events_of_a_bonus_pool_name_it() {
        use BonusEvent as E;
        let (sponsor, recipient, amount) = (PLEDGER, RECIPIENT, Wei::new(1));
        let unit_seconds = UnitSeconds::new(U256::from(7));
        let enlistment = Enlistment { departures: 5, enlisted: Units::new(6), unit_seconds };
        let (bonus, pledgers, value_seconds) = (Wei::new(1), Wei::new(2), WeiSeconds::new(U256::from(3)));
        let decision = BonusDecision { bonus, pledgers, value: value_seconds, rate: Rate::new(4) };
        let cases = [
            (
                E::Created { escrow: PLEDGER },
                json!({ "event": "BonusPoolCreated", "rescue": PLEDGER.to_string() }),
            ),
            (
                E::Added { sponsor, amount },
                json!({ "event": "BonusAdded", "sponsor": sponsor.to_string(), "amountWei": "1" }),
            ),
            (
                E::Enlisted { position: POSITION, enlistment },
                json!({
                    "event": "Enlisted", "pledger": PLEDGER.to_string(), "tier": 3, "asset": "stETH",
                    "unit": "stETH shares", "amount": "6", "departures": 5, "unitSeconds": "7",
                }),
            ),
            (
                E::Decided(decision),
                json!({
                    "event": "BonusDecided", "bonusWei": "1", "pledgersPartWei": "2", "valueWeiSeconds": "3",
                    "rateWeiPer1e27Shares": "4",
                }),
            ),
            (
                E::Claimed { position: POSITION, recipient, amount },
                json!({
                    "event": "BonusClaimed", "pledger": PLEDGER.to_string(), "tier": 3, "asset": "stETH",
                    "recipient": recipient.to_string(), "amountWei": "1",
                }),
            ),
            (
                E::Returned { sponsor, recipient, amount },
                json!({
                    "event": "BonusReturned", "sponsor": sponsor.to_string(), "recipient": recipient.to_string(),
                    "amountWei": "1",
                }),
            ),
        ];
        for (event, expected) in cases {
            assert_eq!(value(Event::Bonus(event)), expected);
        }
    }

    fn declaration() -> Declaration {
        let (stage, amount, link) = (Stage::Proposed, Some(Wei::new(5)), "https://forum.example/1".into());
        Declaration { escrow: RECIPIENT, stage, tier: 2, amount, expiry: 6, link }
    }

    #[test]
    fn events_of_the_board_are_declarations() {
        let digest = Some(B256::repeat_byte(8));
        let mut declared = Declared { contributor: PLEDGER, declaration: declaration(), made_at: 7, digest };
        let mut expected = json!({
            "event": "Declared", "contributor": PLEDGER.to_string(), "rescue": RECIPIENT.to_string(),
            "stage": "Proposed", "tier": 2, "amountWei": "5", "expiryUnix": 6, "madeAtUnix": 7,
            "link": "https://forum.example/1", "digest": hash(8),
        });
        let written = |declared: &Declared| value(Event::Board(BoardEvent::Declared(declared.clone())));
        assert_eq!(written(&declared), expected);
        (declared.digest, declared.declaration.amount) = (None, None);
        (expected["digest"], expected["amountWei"]) = (Value::Null, Value::Null);
        assert_eq!(written(&declared), expected);
        let revoked = BoardEvent::Revoked { contributor: PLEDGER, digest: B256::repeat_byte(8) };
        let expected = json!({ "event": "Revoked", "contributor": PLEDGER.to_string(), "digest": hash(8) });
        assert_eq!(value(Event::Board(revoked)), expected);
    }

    #[test]
    fn a_signed_declaration_can_be_read_again() {
        let signature = vec![9; 65].into();
        let signed =
            SignedDeclaration { contributor: PLEDGER, declaration: declaration(), made_at: 7, signature };
        let json = value(&signed);
        let expected = json!({
            "contributor": PLEDGER.to_string(), "rescue": RECIPIENT.to_string(), "stage": "Proposed", "tier": 2,
            "amountWei": "5", "expiryUnix": 6, "madeAtUnix": 7, "link": "https://forum.example/1",
            "signature": format!("0x{}", "09".repeat(65)),
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<SignedDeclaration>(json).unwrap(), signed);
    }

    #[test]
    fn an_event_of_the_history_has_its_place() {
        let event = Event::Rescue(RescueEvent::Lapsed { lapsed_at: 5 });
        let transaction = B256::repeat_byte(7);
        let executed = Executed { transaction, block: 3, gas_used: 21_000, events: vec![event.clone()] };
        let lapsed = json!({ "event": "Lapsed", "lapsedAtUnix": 5 });
        let expected = json!({ "transaction": hash(7), "block": 3, "gasUsed": 21_000, "events": [lapsed] });
        assert_eq!(value(executed), expected);
        let expected = json!({
            "block": 3, "timeUnix": 4, "transaction": hash(7), "event": "Lapsed", "lapsedAtUnix": 5,
        });
        assert_eq!(value(Entry { block: 3, time: 4, transaction, event }), expected);
    }
}
