//! The events of a transaction as sentences.

use alloy::primitives::Address;
use levee_model::{Amount, BonusDecision, CompactEvent, EndReason, Enlistment, PositionId, Rate, Units, Wei};

use super::{
    amount::{self, WrittenAmount},
    percent,
};
use crate::{
    BoardEvent, BonusEvent, Declaration, Event, ReceiverEvent, RecoveryEvent, RescueEvent,
    display::{ether, utc},
};

/// An event as a sentence without a full stop. `rate` values stETH shares, if it is known.
pub fn to_text(event: &Event, rate: Option<Rate>) -> String {
    match event {
        Event::Rescue(event) => rescue_to_text(event, rate),
        Event::Recovery(event) => recovery_to_text(event),
        Event::Bonus(event) => bonus_to_text(event),
        Event::Board(event) => board_to_text(event),
        Event::Receiver(event) => receiver_to_text(event),
        Event::Compact(event) => compact_to_text(event),
    }
}

fn compact_to_text(event: &CompactEvent) -> String {
    use CompactEvent as E;
    let shown = |units: Units| Amount::WstEth(units).to_string();
    match *event {
        E::Created { .. } => "created a compact".into(),
        E::Admitted { account } => format!("admitted {account}, which may commit now"),
        E::Committed { member, amount, .. } => {
            format!("committed {} of {member}; everything pending seasons from now on", shown(amount))
        }
        E::TakenBack { member, recipient, amount } => {
            format!("paid {} that was pending of {member} to {recipient}", shown(amount))
        }
        E::Activated { member, amount, .. } => format!("activated {} of {member}", shown(amount)),
        E::Noticed { member, amount: Units::ZERO, .. } => format!("took back the notice of {member}"),
        E::Noticed { member, amount, .. } => format!("put {} of {member} under notice", shown(amount)),
        E::Left { member, recipient, amount, .. } => {
            format!("paid {} that was under notice of {member} to {recipient}", shown(amount))
        }
        E::ApproverNamed { member, approver: Address::ZERO } => {
            format!("named nobody to propose and approve for {member}")
        }
        E::ApproverNamed { member, approver } => {
            format!("named {approver} to propose and approve for {member}")
        }
        E::PremiumPaid { payer, amount, .. } => format!("paid a premium of {} from {payer}", shown(amount)),
        E::PremiumClaimed { member, amount } => format!("paid {} of premiums to {member}", shown(amount)),
        _ => call_to_text(event),
    }
}

/// The events of calls.
fn call_to_text(event: &CompactEvent) -> String {
    use CompactEvent as E;
    let shown = |units: Units| Amount::WstEth(units).to_string();
    match *event {
        E::Proposed { call, member, record } => format!(
            "proposed call {call} for {member}: {} of everything active, to tier {} of the rescue {}",
            percent::percent(record.bps),
            record.tier,
            record.escrow
        ),
        E::Approved { call, member, weight } => {
            format!("approved call {call} with {} of {member}", shown(weight))
        }
        E::ApprovalWithdrawn { call, member, weight } => {
            format!("withdrew the approval of call {call} with {} of {member}", shown(weight))
        }
        E::Passed { call, .. } => format!("call {call} has passed"),
        E::CallStarted(started) => format!("call {} gives for the first time", started.call),
        E::Given(gift) => format!("pledged {} of {} for call {}", shown(gift.amount), gift.member, gift.call),
        _ => unreachable!("it is told above"),
    }
}

fn rescue_to_text(event: &RescueEvent, rate: Option<Rate>) -> String {
    let shown = |id: &PositionId, units: Units| amount::units(units, id.asset, rate);
    match event {
        RescueEvent::Created { terms } => {
            let (target, deadline) = (ether(terms.target), utc(terms.deadline));
            format!("created a rescue with a target of {target}, open for pledges until {deadline}")
        }
        RescueEvent::Pledged { position, amount } => {
            format!("locked {} for {} in tier {}", shown(position, *amount), position.pledger, position.tier)
        }
        RescueEvent::Exited { position, recipient, amount } => {
            format!(
                "withdrew {} of {}, to be paid to {recipient}",
                shown(position, *amount),
                position.pledger
            )
        }
        RescueEvent::Declined { position, amount } => {
            format!("declined {} of {}, to be paid back to it", shown(position, *amount), position.pledger)
        }
        RescueEvent::Owed { pledger, asset, amount } => {
            let shown = amount::units(*amount, *asset, rate);
            format!(
                "could not pay {shown}, which is now owed to {pledger}: `levee collect {asset}` pays it later"
            )
        }
        RescueEvent::Collected { pledger, asset, recipient, amount } => {
            format!("paid {} owed to {pledger} to {recipient}", amount::units(*amount, *asset, rate))
        }
        RescueEvent::Refunded { position, recipient, amount } => {
            format!("returned {} of {} to {recipient}", shown(position, *amount), position.pledger)
        }
        RescueEvent::AmendmentProposed { amendment } => {
            let (target, deadline) = (ether(amendment.goal.target), utc(amendment.goal.deadline));
            let from = utc(amendment.effective_at);
            format!("proposed a target of {target} and a deadline of {deadline}, effective {from}")
        }
        RescueEvent::Settled { threshold, target, drawn, .. } => {
            let (drawn, target) = (ether(*drawn), ether(*target));
            format!(
                "settled at a threshold of {}: {drawn} of {target} is drawn",
                percent::percent(*threshold)
            )
        }
        RescueEvent::Failed { reason, .. } => format!("the rescue failed: {reason}; everything goes back"),
        RescueEvent::Released { asset, tranches, amount } => {
            let shown = amount::units(*amount, *asset, rate);
            format!("delivered {shown} to the beneficiary: {} of {asset} in total", tranches_text(*tranches))
        }
        RescueEvent::Objected { position, weight } => {
            format!("{} objected with {}", position.pledger, ether(*weight))
        }
        RescueEvent::Cancelled { reason, kept, .. } => {
            let kept = tranches_text(*kept);
            let calendar = match reason {
                EndReason::Vetoed => "; the rest goes back when it would have fallen due",
                _ => "",
            };
            format!("stopped what was not yet due: the beneficiary gets at most {kept}{calendar}")
        }
        RescueEvent::HoldLifted { .. } => {
            "lifted the hold of the veto: what it stopped goes back at once".into()
        }
        RescueEvent::Lapsed { .. } => "stopped what was due but not delivered".into(),
        RescueEvent::Finalized { .. } => "nothing more goes to the beneficiary".into(),
    }
}

fn recovery_to_text(event: &RecoveryEvent) -> String {
    match event {
        RecoveryEvent::Created { escrow } => format!("created the recovery pool of {escrow}"),
        RecoveryEvent::Recovered { payer, amount, .. } => {
            format!("distributed {} from {payer}", ether(*amount))
        }
        RecoveryEvent::Repaid { draw_order, interest, principal, rest } => {
            let parts = [("interest", interest), ("principal", principal), ("rest", rest)];
            let paid = parts.into_iter().filter(|(_, amount)| !amount.is_zero());
            let parts = paid.map(|(name, paid)| format!("{} {name}", ether(*paid)));
            format!("repaid draw order {draw_order}: {}", parts.collect::<Vec<_>>().join(", "))
        }
        RecoveryEvent::Claimed { position, recipient, amount } => {
            paid_text("recovered funds", position, *recipient, *amount)
        }
    }
}

fn bonus_to_text(event: &BonusEvent) -> String {
    match event {
        BonusEvent::Created { escrow } => format!("created the bonus pool of {escrow}"),
        BonusEvent::Added { sponsor, amount } => {
            format!("added {} from {sponsor} to the bonus", ether(*amount))
        }
        BonusEvent::Enlisted { position, enlistment } => enlisted_text(position, enlistment),
        BonusEvent::Decided(BonusDecision { bonus, pledgers, .. }) => {
            let (bonus, pledgers) = (ether(*bonus), ether(*pledgers));
            format!("decided the bonus of {bonus}: {pledgers} goes to pledgers, the rest back to sponsors")
        }
        BonusEvent::Claimed { position, recipient, amount } => {
            paid_text("bonus", position, *recipient, *amount)
        }
        BonusEvent::Returned { sponsor, recipient, amount } => {
            format!("returned {} of {sponsor} to {recipient}", ether(*amount))
        }
    }
}

/// The change in what counts for the bonus.
fn enlisted_text(id: &PositionId, enlistment: &Enlistment) -> String {
    let (pledger, asset, tier) = (id.pledger, id.asset, id.tier);
    if enlistment.enlisted.is_zero() {
        return format!(
            "removed the {asset} of {pledger} in tier {tier} from the bonus, because it has left"
        );
    }
    let enlisted = amount::units(enlistment.enlisted, asset, None);
    format!("enlisted {enlisted} of {pledger} in tier {tier} for the bonus")
}

/// A payment from a pool for a position.
fn paid_text(what: &str, id: &PositionId, recipient: Address, amount: Wei) -> String {
    let (pledger, paid) = (id.pledger, ether(amount));
    format!("paid {paid} of {what} for the {} of {pledger} in tier {} to {recipient}", id.asset, id.tier)
}

fn board_to_text(event: &BoardEvent) -> String {
    match event {
        BoardEvent::Declared(declared) => {
            let Declaration { stage, tier, amount, expiry, .. } = &declared.declaration;
            let amount = amount.map_or_else(|| "an unknown amount".into(), ether);
            let (who, expiry) = (declared.contributor, utc(*expiry));
            format!("{who} declared: {stage}, {amount} into tier {tier}, valid until {expiry}")
        }
        BoardEvent::Revoked { contributor, digest } => {
            format!("revoked the declaration {digest} of {contributor}")
        }
    }
}

fn receiver_to_text(event: &ReceiverEvent) -> String {
    match event {
        ReceiverEvent::DebtRepaid { debt, repaid, rest } => {
            let [debt, repaid] = [debt, repaid].map(|amount| ether(*amount));
            let above = if rest.is_zero() {
                String::new()
            } else {
                format!("; {} above it went to the rest", ether(*rest))
            };
            format!("repaid {repaid} of a debt of {debt}{above}")
        }
        ReceiverEvent::TokenForwarded { token, amount } => format!("sent {amount} of {token} to the rest"),
        ReceiverEvent::WithdrawalRequested { amount, requests } => {
            let plural = if *requests == 1 { "" } else { "s" };
            let amount = WrittenAmount::StEth(*amount);
            format!("requested the withdrawal of {amount} in {requests} request{plural}")
        }
        ReceiverEvent::EtherForwarded { amount } => format!("sent {} to the recipient", ether(*amount)),
    }
}

/// `1 tranche`, `2 tranches`.
pub fn tranches_text(count: u8) -> String {
    counted(count.into(), "tranche")
}

/// A number and a noun that takes an `s`: `1 page`, `2 pages`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::Asset;

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!([0, 1, 2].map(tranches_text), ["0 tranches", "1 tranche", "2 tranches"]);
    }

    #[test]
    fn what_leaves_may_be_owed_and_says_how_to_collect_it() {
        let (pledger, asset, amount) = (Address::ZERO, Asset::Eth, Units::new(10u128.pow(18)));
        let position = PositionId { pledger, tier: 0, asset };
        let declined = Event::Rescue(RescueEvent::Declined { position, amount });
        assert_eq!(to_text(&declined, None), format!("declined 1 ETH of {pledger}, to be paid back to it"));
        let recipient = Address::repeat_byte(1);
        let exited = Event::Rescue(RescueEvent::Exited { position, recipient, amount });
        let text = format!("withdrew 1 ETH of {pledger}, to be paid to {recipient}");
        assert_eq!(to_text(&exited, None), text);
        let event = Event::Rescue(RescueEvent::Owed { pledger, asset, amount });
        let text =
            format!("could not pay 1 ETH, which is now owed to {pledger}: `levee collect ETH` pays it later");
        assert_eq!(to_text(&event, None), text);
    }

    #[test]
    fn only_a_veto_sends_back_by_the_calendar() {
        let text =
            |reason| rescue_to_text(&RescueEvent::Cancelled { reason, kept: 1, cancelled_at: 5 }, None);
        let stopped = "stopped what was not yet due: the beneficiary gets at most 1 tranche";
        assert_eq!(text(EndReason::StoppedByGuardian), stopped);
        let calendar = "; the rest goes back when it would have fallen due";
        assert_eq!(text(EndReason::Vetoed), format!("{stopped}{calendar}"));
    }

    #[test]
    fn an_enlistment_of_nothing_is_a_strike() {
        let position = PositionId { pledger: Address::ZERO, tier: 1, asset: Asset::WstEth };
        let text = |enlisted| {
            let enlistment = Enlistment { enlisted: Units::new(enlisted), ..Enlistment::default() };
            to_text(&Event::Bonus(BonusEvent::Enlisted { position, enlistment }), None)
        };
        let zero = Address::ZERO;
        assert_eq!(text(10u128.pow(18)), format!("enlisted 1 wstETH of {zero} in tier 1 for the bonus"));
        assert_eq!(
            text(0),
            format!("removed the wstETH of {zero} in tier 1 from the bonus, because it has left")
        );
    }

    #[test]
    fn a_repayment_names_only_what_was_paid() {
        let (interest, principal, rest) = (Wei::new(10u128.pow(18)), Wei::new(10u128.pow(19)), Wei::ZERO);
        let event = Event::Recovery(RecoveryEvent::Repaid { draw_order: 3, interest, principal, rest });
        let text = "repaid draw order 3: 1 ETH interest, 10 ETH principal";
        assert_eq!(to_text(&event, None), text);
    }

    #[test]
    fn what_receivers_do_is_told() {
        let ether = |number: u128| Wei::new(number * 10u128.pow(18));
        let text = |event| to_text(&Event::Receiver(event), None);
        let repaid =
            |rest| text(ReceiverEvent::DebtRepaid { debt: ether(7), repaid: ether(7), rest: Wei::new(rest) });
        assert_eq!(repaid(0), "repaid 7 ETH of a debt of 7 ETH");
        let above = "repaid 7 ETH of a debt of 7 ETH; 2 ETH above it went to the rest";
        assert_eq!(repaid(2 * 10u128.pow(18)), above);
        let requested =
            |requests| text(ReceiverEvent::WithdrawalRequested { amount: ether(1_500), requests });
        assert_eq!(requested(1), "requested the withdrawal of 1500 stETH in 1 request");
        assert_eq!(requested(2), "requested the withdrawal of 1500 stETH in 2 requests");
        assert_eq!(text(ReceiverEvent::EtherForwarded { amount: ether(3) }), "sent 3 ETH to the recipient");
    }

    #[test]
    fn a_pledge_reads_in_its_own_unit() {
        let position = PositionId { pledger: Address::ZERO, tier: 2, asset: Asset::StEth };
        let event = Event::Rescue(RescueEvent::Pledged { position, amount: Units::new(10u128.pow(18)) });
        let rate = Rate::new(1_200_000_000_000_000_000_000_000_000);
        let zero = Address::ZERO;
        assert_eq!(
            to_text(&event, rate),
            format!("locked 1.2 stETH (1000000000000000000 shares) for {zero} in tier 2")
        );
    }
}
