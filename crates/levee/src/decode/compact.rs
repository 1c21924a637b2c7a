//! The calls of compacts.

use alloy::{
    primitives::{Address, U256},
    sol_types::{SolCall, SolValue},
};

use super::{
    call::{RawCall, Read, Unreadable},
    sentence::{Quantity, Sentence, Unit},
};
use crate::{
    bindings::{Compact as C, PledgeEscrow},
    blueprint::Blueprint,
    compact::CodeStore,
    edition::Edition,
    terms,
};

/// What the functions that other contracts have too would do in a compact: only its address tells.
pub(super) fn if_compact(call: &RawCall) -> Option<String> {
    let is_shared = matches!(call.selector(), Some(C::takeBackToCall::SELECTOR | C::withdrawCall::SELECTOR));
    let sentence = is_shared.then(|| read(call).ok().flatten()).flatten()?;
    Some(format!("if {} is a compact, it does something else: {sentence}", call.target()))
}

/// The calls of a compact.
pub(super) fn read(call: &RawCall) -> Read<Sentence> {
    let Some(selector) = call.selector() else { return Ok(None) };
    let of = |sentence: Sentence, words| sentence.then(words, "compact", call.target());
    Ok(Some(match selector {
        C::admitCall::SELECTOR => {
            let C::admitCall { account } = call.arguments()?;
            of(Sentence::new("admit", "admit").with("account", account), "to the compact")
        }
        C::commitCall::SELECTOR => {
            let C::commitCall { amount } = call.arguments()?;
            of(Sentence::new("commit", "commit").with("amount", wsteth(amount)), "to the compact")
        }
        C::takeBackToCall::SELECTOR => {
            let C::takeBackToCall { recipient } = call.arguments()?;
            let sentence = Sentence::new("takeBackPending", "take back what is pending");
            of(sentence, "in the compact").then("to", "recipient", recipient)
        }
        C::activateCall::SELECTOR => {
            let C::activateCall { account } = call.arguments()?;
            let sentence = Sentence::new("activate", "activate what is pending");
            of(sentence, "in the compact").then("for", "member", account)
        }
        C::noticeCall::SELECTOR => {
            let C::noticeCall { amount } = call.arguments()?;
            of(Sentence::new("notice", "put").with("amount", wsteth(amount)), "under notice in the compact")
        }
        C::leaveToCall::SELECTOR => {
            let C::leaveToCall { recipient } = call.arguments()?;
            let sentence = Sentence::new("leave", "leave with what is under notice");
            of(sentence, "in the compact").then("to", "recipient", recipient)
        }
        C::nameApproverCall::SELECTOR => {
            let C::nameApproverCall { approver } = call.arguments()?;
            let sentence = match approver.is_zero() {
                true => Sentence::new("nameNoApprover", "name nobody"),
                false => Sentence::new("nameApprover", "name").with("approver", approver),
            };
            of(sentence, "to propose and approve in the compact")
        }
        C::payPremiumCall::SELECTOR => {
            let C::payPremiumCall { amount } = call.arguments()?;
            of(
                Sentence::new("payPremium", "pay a premium of").with("amount", wsteth(amount)),
                "into the compact",
            )
        }
        C::claimCall::SELECTOR => {
            let C::claimCall { account } = call.arguments()?;
            of(Sentence::new("claimPremiums", "claim the premiums"), "of the compact")
                .then("for", "member", account)
        }
        _ => return of_calls(call, selector),
    }))
}

/// Those that are about a call for a rescue.
fn of_calls(call: &RawCall, selector: [u8; 4]) -> Read<Sentence> {
    let numbered = |kind, verb, number: U256| {
        Sentence::new(kind, verb).with("call", number).then("of the compact", "compact", call.target())
    };
    Ok(Some(match selector {
        C::proposeCall::SELECTOR => proposed(call)?,
        C::approveCall::SELECTOR => {
            let C::approveCall { number, account } = call.arguments()?;
            let sentence = numbered("approveCall", "approve call", number);
            sentence.maybe("for", "member", call.unless_from(account))
        }
        C::withdrawCall::SELECTOR => {
            let C::withdrawCall { number } = call.arguments()?;
            numbered("withdrawApproval", "withdraw the approval of call", number)
        }
        C::fulfillCall::SELECTOR => {
            let C::fulfillCall { number, members } = call.arguments()?;
            numbered("fulfill", "fulfill call", number).then("for", "members", members)
        }
        _ => return Ok(None),
    }))
}

fn proposed(call: &RawCall) -> Result<Sentence, Unreadable> {
    let C::proposeCall { account, rescue, code, tier, bps } = call.arguments()?;
    let rescue = rescue_of(&rescue, &code)?;
    let sentence = Sentence::new("proposeCall", "propose a call for")
        .with("basisPoints", U256::from(bps))
        .then("basis points to tier", "tier", tier)
        .then("of", "rescue", rescue);
    let sentence = sentence.then("in the compact", "compact", call.target());
    Ok(sentence.maybe("for", "member", call.unless_from(account)))
}

/// The rescue that follows from its terms and the contracts that hold its code.
fn rescue_of(rescue: &C::Terms, code: &[Address]) -> Result<Address, Unreadable> {
    let unreadable = |what: &str| Unreadable(format!("it is a proposal whose {what}"));
    let edition = Edition::ALL.iter().find(|edition| CodeStore::of(**edition).addresses() == code);
    let edition = edition.ok_or_else(|| unreadable("code is not that of Levee's escrows"))?;
    // The same struct, of which each contract's bindings have their own type.
    let same = PledgeEscrow::Terms::abi_decode(&rescue.abi_encode()).ok();
    let terms = same.and_then(|terms| terms::decode(&terms).ok());
    let blueprint = terms.and_then(|terms| Blueprint::escrow(&terms).ok());
    let blueprint = blueprint.ok_or_else(|| unreadable("terms cannot be those of a rescue"))?;
    Ok(blueprint.in_edition(*edition).address())
}

fn wsteth(number: U256) -> Quantity {
    Quantity::new(number, Unit::WstEth)
}
