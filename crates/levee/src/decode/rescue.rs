//! The calls of Levee's contracts.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use levee_model::Asset;

use super::{
    call::{RawCall, Read, Unreadable},
    sentence::{Quantity, Sentence, Unit, Value},
};
use crate::{
    bindings::{
        BonusPool as B, DebtRepayer as D, PledgeBoard as Board, PledgeEscrow as E, PledgeRouter as R,
        RecoveryPool as P, StakedEtherUnwinder as U,
    },
    board::Stage,
    convert,
};

fn asset(number: u8) -> Result<Asset, Unreadable> {
    convert::asset(number).map_err(|_| Unreadable(format!("there is no asset {number}")))
}

fn ether(number: U256) -> Quantity {
    Quantity::new(number, Unit::Eth)
}

/// The calls of a rescue.
pub(super) fn escrow(call: &RawCall) -> Read<Sentence> {
    let Some(selector) = call.selector() else { return Ok(None) };
    Ok(Some(match selector {
        E::pledgeETHCall::SELECTOR => {
            let E::pledgeETHCall { pledger, tier, amendment } = call.arguments()?;
            let paid = Sentence::new("pledge", "pledge").paying("amount", call.value);
            pledged(paid, call, call.target(), tier, pledger, amendment)
        }
        E::pledgeStETHCall::SELECTOR => {
            let E::pledgeStETHCall { pledger, tier, amendment, shares } = call.arguments()?;
            pledged(pledge(shares, Unit::Shares), call, call.target(), tier, pledger, amendment)
        }
        E::pledgeWstETHCall::SELECTOR => {
            let E::pledgeWstETHCall { pledger, tier, amendment, amount } = call.arguments()?;
            pledged(pledge(amount, Unit::WstEth), call, call.target(), tier, pledger, amendment)
        }
        E::settleCall::SELECTOR => bare::<E::settleCall>(call, "settle", "settle")?,
        E::expireCall::SELECTOR => bare::<E::expireCall>(call, "expire", "expire")?,
        E::lapseCall::SELECTOR => bare::<E::lapseCall>(call, "lapse", "lapse")?,
        E::cancelCall::SELECTOR => bare::<E::cancelCall>(call, "cancel", "cancel")?,
        E::amendCall::SELECTOR => {
            let E::amendCall { target, deadline, termsHash } = call.arguments()?;
            Sentence::new("amend", "amend")
                .with("rescue", call.target())
                .then("to a target of", "target", ether(target))
                .then("a deadline of", "deadline", deadline.to::<u64>())
                .then("and the terms hash", "termsHash", termsHash)
        }
        _ => return of_positions(call, selector),
    }))
}

fn pledge(number: U256, unit: Unit) -> Sentence {
    Sentence::new("pledge", "pledge").with("amount", Quantity::new(number, unit))
}

/// What a pledge goes to, and for whom. The amendment that it knows is 0 for none.
fn pledged(
    sentence: Sentence,
    call: &RawCall,
    rescue: Value,
    tier: u8,
    pledger: Address,
    amendment: u64,
) -> Sentence {
    let amendment = (amendment != 0).then_some(amendment);
    sentence
        .then("to tier", "tier", tier)
        .then("of", "rescue", rescue)
        .maybe("for", "pledger", call.unless_from(pledger))
        .maybe("knowing the amendment of", "amendment", amendment)
}

/// A call without arguments.
fn bare<C: SolCall>(call: &RawCall, kind: &'static str, verb: &'static str) -> Result<Sentence, Unreadable> {
    call.arguments::<C>()?;
    Ok(Sentence::new(kind, verb).with(name_of(kind), call.target()))
}

/// What the contract is that is called without arguments.
fn name_of(kind: &str) -> &'static str {
    match kind {
        "repay" | "request" | "forward" => "receiver",
        _ => "rescue",
    }
}

/// The calls of a rescue that are about one position, or one asset.
fn of_positions(call: &RawCall, selector: [u8; 4]) -> Read<Sentence> {
    Ok(Some(match selector {
        E::releaseCall::SELECTOR => {
            let E::releaseCall { asset: number } = call.arguments()?;
            Sentence::new("release", "release").with("asset", asset(number)?).then(
                "of",
                "rescue",
                call.target(),
            )
        }
        E::refundCall::SELECTOR => {
            let E::refundCall { pledger, tier, asset: number } = call.arguments()?;
            position("refund", "refund", number, tier)?
                .then("of", "rescue", call.target())
                .then("for", "pledger", pledger)
        }
        E::refundToCall::SELECTOR => {
            let E::refundToCall { tier, asset: number, recipient } = call.arguments()?;
            position("refundTo", "refund", number, tier)?.then("of", "rescue", call.target()).then(
                "to",
                "recipient",
                recipient,
            )
        }
        E::exitCall::SELECTOR => {
            let E::exitCall { tier, asset: number, recipient } = call.arguments()?;
            position("exit", "exit with", number, tier)?.then("of", "rescue", call.target()).then(
                "to",
                "recipient",
                recipient,
            )
        }
        E::declineCall::SELECTOR => {
            let E::declineCall { pledger, tier, asset: number } = call.arguments()?;
            position("decline", "decline", number, tier)?
                .then("of", "rescue", call.target())
                .then("for", "pledger", pledger)
        }
        E::objectCall::SELECTOR => {
            let E::objectCall { tier, asset: number } = call.arguments()?;
            position("object", "object with", number, tier)?.then("of", "rescue", call.target())
        }
        E::collectCall::SELECTOR => {
            let E::collectCall { pledger, asset: number } = call.arguments()?;
            collect("collect", call, number)?.then("for", "pledger", pledger)
        }
        E::collectToCall::SELECTOR => {
            let E::collectToCall { asset: number, recipient } = call.arguments()?;
            collect("collectTo", call, number)?.then("to", "recipient", recipient)
        }
        _ => return Ok(None),
    }))
}

/// What is done with what a position has of an asset in a tier.
fn position(kind: &'static str, verb: &'static str, number: u8, tier: u8) -> Result<Sentence, Unreadable> {
    Ok(Sentence::new(kind, verb).with("asset", asset(number)?).then("in tier", "tier", tier))
}

fn collect(kind: &'static str, call: &RawCall, number: u8) -> Result<Sentence, Unreadable> {
    Ok(Sentence::new(kind, "collect").with("asset", asset(number)?).then("of", "rescue", call.target()))
}

/// The calls of a rescue's pools. What the recovery pool and the bonus pool have in common is called in the same way, and their
/// addresses tell them apart.
pub(super) fn pools(call: &RawCall) -> Read<Sentence> {
    let Some(selector) = call.selector() else { return Ok(None) };
    let (pool, value) = (call.target(), call.value);
    Ok(Some(match selector {
        P::recoverCall::SELECTOR => {
            call.arguments::<P::recoverCall>()?;
            Sentence::new("recover", "recover").paying("amount", value).then("into the pool", "pool", pool)
        }
        P::claimCall::SELECTOR => {
            let P::claimCall { pledger, tier, asset: number } = call.arguments()?;
            position("claim", "claim for", number, tier)?
                .then("from the pool", "pool", pool)
                .then("for", "pledger", pledger)
        }
        P::claimToCall::SELECTOR => {
            let P::claimToCall { tier, asset: number, recipient } = call.arguments()?;
            position("claimTo", "claim for", number, tier)?.then("from the pool", "pool", pool).then(
                "to",
                "recipient",
                recipient,
            )
        }
        B::enlistCall::SELECTOR => {
            let B::enlistCall { pledger, tier, asset: number } = call.arguments()?;
            position("enlist", "enlist", number, tier)?
                .then("in the pool", "pool", pool)
                .then("for", "pledger", pledger)
        }
        B::addCall::SELECTOR => {
            let B::addCall { sponsor } = call.arguments()?;
            Sentence::new("addBonus", "add")
                .paying("amount", value)
                .then("to the bonus in", "pool", pool)
                .maybe("for", "sponsor", call.unless_from(sponsor))
        }
        B::takeBackCall::SELECTOR => {
            let B::takeBackCall { sponsor } = call.arguments()?;
            Sentence::new("takeBack", "take back the bonus in")
                .with("pool", pool)
                .then("for", "sponsor", sponsor)
        }
        B::takeBackToCall::SELECTOR => {
            let B::takeBackToCall { recipient } = call.arguments()?;
            Sentence::new("takeBackTo", "take back the bonus in").with("pool", pool).then(
                "to",
                "recipient",
                recipient,
            )
        }
        _ => return Ok(None),
    }))
}

/// The calls of the router, each a pledge.
pub(super) fn router(call: &RawCall) -> Read<Sentence> {
    let Some(selector) = call.selector() else { return Ok(None) };
    let (start, to, permit) = match selector {
        R::pledgeETHCall::SELECTOR => {
            let R::pledgeETHCall { to } = call.arguments()?;
            (Sentence::new("pledge", "pledge").paying("amount", call.value), to, None)
        }
        R::pledgeWETHCall::SELECTOR => {
            let R::pledgeWETHCall { to, amount } = call.arguments()?;
            (pledge(amount, Unit::Weth), to, None)
        }
        R::pledgeStETHCall::SELECTOR => {
            let R::pledgeStETHCall { to, shares } = call.arguments()?;
            (pledge(shares, Unit::Shares), to, None)
        }
        R::pledgeWstETHCall::SELECTOR => {
            let R::pledgeWstETHCall { to, amount } = call.arguments()?;
            (pledge(amount, Unit::WstEth), to, None)
        }
        R::pledgeStETHWithPermitCall::SELECTOR => {
            let R::pledgeStETHWithPermitCall { to, shares, permit } = call.arguments()?;
            (pledge(shares, Unit::Shares), to, Some((permit, Unit::StEth)))
        }
        R::pledgeWstETHWithPermitCall::SELECTOR => {
            let R::pledgeWstETHWithPermitCall { to, amount, permit } = call.arguments()?;
            (pledge(amount, Unit::WstEth), to, Some((permit, Unit::WstEth)))
        }
        _ => return Ok(None),
    };
    Ok(Some(routed(start, call, &to, permit.as_ref())))
}

/// A pledge through the router.
fn routed(
    sentence: Sentence,
    call: &RawCall,
    to: &R::Destination,
    permit: Option<&(R::Permit, Unit)>,
) -> Sentence {
    let bonus = (!to.bonusPool.is_zero()).then_some(to.bonusPool);
    let sentence = pledged(sentence, call, to.escrow.into(), to.tier, to.pledger, to.amendment)
        .then("through the router", "router", call.target())
        .maybe("enlisted in the pool", "pool", bonus);
    match permit {
        Some((permit, unit)) => sentence
            .then("with a permit of", "permit", Quantity::new(permit.value, *unit))
            .then("that ends at", "permitDeadline", Value::Number(permit.deadline)),
        None => sentence,
    }
}

/// The calls of the board of declarations.
pub(super) fn board(call: &RawCall) -> Read<Sentence> {
    let Some(selector) = call.selector() else { return Ok(None) };
    Ok(Some(match selector {
        Board::declareCall::SELECTOR => {
            let Board::declareCall { declaration } = call.arguments()?;
            declared(call, &declaration)?
        }
        Board::declareForCall::SELECTOR => {
            let Board::declareForCall { contributor, declaration, madeAt, .. } = call.arguments()?;
            declared(call, &declaration)?.then("for", "contributor", contributor).then(
                "who signed it at",
                "madeAt",
                madeAt.to::<u64>(),
            )
        }
        Board::revokeCall::SELECTOR => {
            let Board::revokeCall { digest } = call.arguments()?;
            Sentence::new("revoke", "revoke the declaration").with("digest", digest).then(
                "on the board",
                "board",
                call.target(),
            )
        }
        _ => return Ok(None),
    }))
}

fn declared(call: &RawCall, declaration: &Board::Declaration) -> Result<Sentence, Unreadable> {
    let Board::Declaration { escrow, stage, tier, amount, expiry, link } = declaration;
    let stage = Stage::ALL.get(usize::from(*stage));
    let stage: &str =
        stage.ok_or_else(|| Unreadable(format!("there is no stage {}", declaration.stage)))?.into();
    // Zero stands for an amount that is not known.
    let amount = Quantity { number: Some(*amount).filter(|amount| !amount.is_zero()), unit: Unit::Eth };
    Ok(Sentence::new("declare", "declare as")
        .with("stage", stage)
        .then("a pledge of", "amount", amount)
        .then("to tier", "tier", *tier)
        .then("of", "rescue", *escrow)
        .then("until", "expiry", expiry.to::<u64>())
        .then("with the link", "link", link.clone())
        .then("on the board", "board", call.target()))
}

/// The calls of the receivers.
pub(super) fn receivers(call: &RawCall) -> Read<Sentence> {
    let Some(selector) = call.selector() else { return Ok(None) };
    Ok(Some(match selector {
        D::repayCall::SELECTOR => bare::<D::repayCall>(call, "repay", "repay the debt by")?,
        D::forwardCall::SELECTOR => {
            let D::forwardCall { token } = call.arguments()?;
            Sentence::new("forwardToken", "forward the token").with("token", token).then(
                "of",
                "receiver",
                call.target(),
            )
        }
        U::requestCall::SELECTOR => bare::<U::requestCall>(call, "request", "request the withdrawals of")?,
        U::forwardCall::SELECTOR => bare::<U::forwardCall>(call, "forward", "forward the ETH of")?,
        U::claimCall::SELECTOR => {
            let U::claimCall { requestIds, hints } = call.arguments()?;
            Sentence::new("claimWithdrawals", "claim the withdrawals")
                .with("requests", requestIds)
                .then("with the hints", "hints", hints)
                .then("of", "receiver", call.target())
        }
        _ => return Ok(None),
    }))
}
