//! What an event says of money: how much moved, or is to move, of whom and where to.

use alloy::primitives::Address;
use levee_model::{Amount, Asset, PositionId, RescueEvent, Terms, Units, Wei};
use serde::Serialize;
use strum::IntoStaticStr;

use crate::{
    board::BoardEvent, bonus::BonusEvent, event::Event, recovery::RecoveryEvent, statement::PositionStatement,
};

/// One line of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// What happened.
    pub kind: MovementKind,
    /// Whose it is: a pledger, a sponsor, whoever declared or deposited; none if it is of all pledgers of a pot or a draw order.
    pub account: Option<Address>,
    /// The tier; none if it is of several, or of none.
    pub tier: Option<u8>,
    /// The draw order that was repaid.
    pub draw_order: Option<u8>,
    /// How much; none for a declaration without an amount.
    pub amount: Option<Amount>,
    /// Who was paid; none if nobody was.
    pub recipient: Option<Address>,
}

/// What a movement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, Serialize)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum MovementKind {
    /// A declaration on the board, which moves nothing.
    Declared,
    /// A pledge was locked.
    Pledged,
    /// A pledger left during an exit window.
    Exited,
    /// The guardian returned a position.
    Declined,
    /// The exit or decline before could not pay.
    Owed,
    /// What was owed was paid.
    Collected,
    /// What settlement drew of a pot, which is then the beneficiary's to receive; or what of that is drawn of a position.
    Drawn,
    /// The beneficiary was paid.
    Delivered,
    /// A part of a position went back.
    Refunded,
    /// Funds that were recovered later were deposited.
    Recovered,
    /// The interest in what a draw order was repaid.
    Interest,
    /// The principal in it.
    Principal,
    /// What was left for the lowest draw order.
    Rest,
    /// A pledger was paid its part of what was recovered.
    Claimed,
    /// A sponsor added to the bonus.
    BonusAdded,
    /// A pledger was paid its share of the bonus.
    BonusClaimed,
    /// A sponsor got back its contribution, or what was left of it.
    BonusReturned,
}

impl MovementKind {
    /// Whether the account paid (`Some(true)`) or was paid (`Some(false)`); none if neither.
    pub const fn is_paid_in(self) -> Option<bool> {
        match self {
            Self::Pledged | Self::Recovered | Self::BonusAdded => Some(true),
            Self::Exited
            | Self::Declined
            | Self::Collected
            | Self::Delivered
            | Self::Refunded
            | Self::Claimed
            | Self::BonusClaimed
            | Self::BonusReturned => Some(false),
            Self::Declared | Self::Owed | Self::Drawn | Self::Interest | Self::Principal | Self::Rest => None,
        }
    }
}

impl Movement {
    /// What an event of a rescue with these terms, of its pools or of the board says of money; empty if nothing. After an exit or a
    /// decline that could not pay, another event says that it is owed.
    pub fn all_of(event: &Event, terms: &Terms) -> Vec<Self> {
        match event {
            Event::Rescue(event) => of_rescue(event, terms),
            Event::Recovery(event) => of_recovery(event),
            Event::Bonus(event) => of_bonus(event).into_iter().collect(),
            Event::Board(BoardEvent::Declared(declared)) => {
                let declaration = &declared.declaration;
                let amount = declaration.amount.map(Amount::Eth);
                vec![Self {
                    account: Some(declared.contributor),
                    tier: Some(declaration.tier),
                    amount,
                    ..Self::new(MovementKind::Declared, Amount::Eth(Wei::ZERO))
                }]
            }
            Event::Board(BoardEvent::Revoked { .. }) | Event::Receiver(_) | Event::Compact(_) => Vec::new(),
        }
    }

    /// What goes to the beneficiary of a position, by its statement; none if that is nothing.
    pub fn drawn_of(position: &PositionStatement) -> Option<Self> {
        let amount = position.drawn.of(position.id.asset);
        (!position.drawn.is_zero()).then(|| Self::of_position(MovementKind::Drawn, position.id, amount, None))
    }

    const fn new(kind: MovementKind, amount: Amount) -> Self {
        Self { kind, account: None, tier: None, draw_order: None, amount: Some(amount), recipient: None }
    }

    fn of_position(kind: MovementKind, id: PositionId, amount: Amount, recipient: Option<Address>) -> Self {
        Self { account: Some(id.pledger), tier: Some(id.tier), recipient, ..Self::new(kind, amount) }
    }

    fn of_account(kind: MovementKind, account: Address, amount: Amount, recipient: Option<Address>) -> Self {
        Self { account: Some(account), recipient, ..Self::new(kind, amount) }
    }
}

fn of_rescue(event: &RescueEvent, terms: &Terms) -> Vec<Movement> {
    use MovementKind as K;
    let position = |kind, id: PositionId, amount: Units, recipient| {
        Movement::of_position(kind, id, amount.of(id.asset), recipient)
    };
    let movement = match *event {
        RescueEvent::Pledged { position: id, amount } => position(K::Pledged, id, amount, None),
        RescueEvent::Exited { position: id, recipient, amount } => {
            position(K::Exited, id, amount, Some(recipient))
        }
        RescueEvent::Declined { position: id, amount } => position(K::Declined, id, amount, Some(id.pledger)),
        RescueEvent::Refunded { position: id, recipient, amount } => {
            position(K::Refunded, id, amount, Some(recipient))
        }
        RescueEvent::Owed { pledger, asset, amount } => {
            Movement::of_account(K::Owed, pledger, amount.of(asset), None)
        }
        RescueEvent::Collected { pledger, asset, recipient, amount } => {
            Movement::of_account(K::Collected, pledger, amount.of(asset), Some(recipient))
        }
        RescueEvent::Released { asset, amount, .. } => {
            let recipient = Some(terms.beneficiary);
            Movement { recipient, ..Movement::new(K::Delivered, amount.of(asset)) }
        }
        RescueEvent::Settled { ref draws, .. } => return drawn(draws),
        _ => return Vec::new(),
    };
    vec![movement]
}

/// What was drawn of each pot, tier by tier and by asset within a tier.
fn drawn(draws: &[Units]) -> Vec<Movement> {
    let pots = (0..).flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
    let drawn = pots.zip(draws).filter(|(_, amount)| !amount.is_zero());
    let movement = |((tier, asset), amount): ((u8, Asset), &Units)| Movement {
        tier: Some(tier),
        ..Movement::new(MovementKind::Drawn, amount.of(asset))
    };
    drawn.map(movement).collect()
}

fn of_recovery(event: &RecoveryEvent) -> Vec<Movement> {
    use MovementKind as K;
    match *event {
        RecoveryEvent::Created { .. } => Vec::new(),
        RecoveryEvent::Recovered { payer, amount, .. } => {
            vec![Movement::of_account(K::Recovered, payer, Amount::Eth(amount), None)]
        }
        RecoveryEvent::Repaid { draw_order, interest, principal, rest } => {
            let parts = [(K::Interest, interest), (K::Principal, principal), (K::Rest, rest)];
            let parts = parts.into_iter().filter(|(_, amount)| !amount.is_zero());
            let draw_order = Some(draw_order);
            parts
                .map(|(kind, amount)| Movement { draw_order, ..Movement::new(kind, Amount::Eth(amount)) })
                .collect()
        }
        RecoveryEvent::Claimed { position, recipient, amount } => {
            vec![Movement::of_position(K::Claimed, position, Amount::Eth(amount), Some(recipient))]
        }
    }
}

fn of_bonus(event: &BonusEvent) -> Option<Movement> {
    use MovementKind as K;
    match *event {
        BonusEvent::Added { sponsor, amount } => {
            Some(Movement::of_account(K::BonusAdded, sponsor, Amount::Eth(amount), None))
        }
        BonusEvent::Claimed { position, recipient, amount } => {
            Some(Movement::of_position(K::BonusClaimed, position, Amount::Eth(amount), Some(recipient)))
        }
        BonusEvent::Returned { sponsor, recipient, amount } => {
            Some(Movement::of_account(K::BonusReturned, sponsor, Amount::Eth(amount), Some(recipient)))
        }
        BonusEvent::Created { .. } | BonusEvent::Enlisted { .. } | BonusEvent::Decided(_) => None,
    }
}
