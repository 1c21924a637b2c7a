//! Checks that the escrow, its log and the model agree to the last wei. If they do not, there is a bug in Levee.

mod pools;

use std::fmt::Debug;

use alloy::{primitives::Address, providers::DynProvider};
use eyre::{Result, ensure};
use levee::{BoardEvent, BonusEvent, Declaration, Error, Escrow, Event, RecoveryEvent, RescueEvent};
use levee_model::{Asset, Moment, Payment, Refusal, Refused, Rescue, Timestamp, Units};

use super::{
    cast::{self, Cast},
    sides::{Contracts, Models},
};

/// The name of the error with which a call was refused on the chain; tokens have their own errors.
pub(crate) fn kind(error: &Error) -> &'static str {
    if is_tokens(error) { "TokenFailed" } else { error.kind() }
}

/// Whether a token refused the call, with its own message or none.
const fn is_tokens(error: &Error) -> bool {
    matches!(error, Error::TokenRefused { .. } | Error::UnknownRevert { .. })
}

/// Whether a call on the chain was refused by the same rule as in the model, with the same values.
fn is_refused_alike(error: &Error, refused: Refused) -> bool {
    match refused {
        Refused::ByRescue(Refusal::TokenFailed { .. }) => is_tokens(error),
        refused => error.refused() == Some(refused),
    }
}

/// Checks that a call had the same outcome on both sides: the same payment, or the same refusal.
pub(crate) fn outcomes(
    chain: &Result<Vec<Event>, Error>,
    model: &Result<Option<Payment>, Refused>,
) -> Result<()> {
    match (chain, model) {
        (Ok(events), Ok(payment)) => {
            let owed = events.iter().any(|event| matches!(event, Event::Rescue(RescueEvent::Owed { .. })));
            let paid = events.iter().find_map(|event| payment_of(event, *payment)).filter(|_| !owed);
            ensure!(paid == *payment, "the escrow paid {paid:?}, but the model {payment:?}");
        }
        (Err(error), Err(refusal)) => {
            let alike = is_refused_alike(error, *refusal);
            ensure!(alike, "the escrow refused with {error:?}, but the model with {refusal:?}");
        }
        (chain, model) => eyre::bail!("the escrow returned {chain:?}, but the model {model:?}"),
    }
    Ok(())
}

/// The payment that an event reports.
fn payment_of(event: &Event, expected: Option<Payment>) -> Option<Payment> {
    match *event {
        Event::Rescue(ref event) => payment_of_rescue(event, expected),
        Event::Recovery(RecoveryEvent::Claimed { recipient, amount, .. })
        | Event::Bonus(
            BonusEvent::Claimed { recipient, amount, .. } | BonusEvent::Returned { recipient, amount, .. },
        ) => Some(Payment { to: recipient, asset: Asset::Eth, amount: Units::new(amount.get()) }),
        _ => None,
    }
}

/// `Released` and `Declined` leave the recipient to the rules.
fn payment_of_rescue(event: &RescueEvent, expected: Option<Payment>) -> Option<Payment> {
    use RescueEvent as E;
    let beneficiary = || expected.map(|payment| payment.to);
    match *event {
        E::Released { asset, amount, .. } => Some(Payment { to: beneficiary()?, asset, amount }),
        E::Declined { position, amount } => {
            Some(Payment { to: position.pledger, asset: position.asset, amount })
        }
        E::Exited { position, recipient, amount } | E::Refunded { position, recipient, amount } => {
            Some(Payment { to: recipient, asset: position.asset, amount })
        }
        E::Collected { asset, recipient, amount, .. } => Some(Payment { to: recipient, asset, amount }),
        _ => None,
    }
}

/// Checks that the board announced exactly the declaration that was made.
pub(crate) fn announced(
    events: &[Event],
    contributor: Address,
    declaration: &Declaration,
    now: Timestamp,
) -> Result<()> {
    let [Event::Board(BoardEvent::Declared(declared))] = events else {
        eyre::bail!("the board announced {events:?}");
    };
    let told = (declared.contributor, &declared.declaration, declared.made_at);
    same("the board", &told, "the scenario", &(contributor, declaration, now))
}

/// Compares the views with the models: the rescue, everyone's positions and debts, and the two pools.
pub(crate) async fn with_models(
    contracts: &Contracts,
    models: &Models,
    at: Moment,
    cast: &Cast,
) -> Result<()> {
    let (escrow, rescue) = (&contracts.escrow, &models.rescue);
    views(escrow, "the model", rescue, at, cast).await?;
    pools::recovery_with_model(contracts, models, at).await?;
    pools::bonus_with_model(contracts, models, cast).await
}

/// Compares the escrow's views with its log, and the pools' logs with the models.
pub(crate) async fn with_log(contracts: &Contracts, models: &Models, at: Moment, cast: &Cast) -> Result<()> {
    let escrow = &contracts.escrow;
    views(escrow, "its log", &escrow.history().await?, at, cast).await?;
    pools::logs_with_models(contracts, models, at, cast).await
}

/// Compares the escrow's views with `rescue`, as computed by `other`.
async fn views(
    escrow: &Escrow<DynProvider>,
    other: &str,
    rescue: &Rescue,
    at: Moment,
    cast: &Cast,
) -> Result<()> {
    same("the escrow", &escrow.rescue().await?, other, &rescue.view(at))?;
    for account in cast.names().map(cast::address) {
        let positions = escrow.positions(account).await?;
        same("the escrow", &positions, other, &rescue.position_views(at, account))?;
        same("the escrow", &escrow.owed(account).await?, other, &rescue.owed_of(account))?;
    }
    Ok(())
}

fn same<T: PartialEq + Debug>(one: &str, left: &T, other: &str, right: &T) -> Result<()> {
    ensure!(left == right, "{one} and {other} disagree:\n  {one}: {left:?}\n  {other}: {right:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::{PositionId, Status, Wei};

    #[test]
    fn a_refusal_is_the_same_only_with_the_same_facts() {
        let refused = |refusal: Refusal| Err(Refused::ByRescue(refusal));
        let status = |status| Refusal::WrongStatus { status };
        let chain = Err(Error::Refused(status(Status::Open)));
        assert!(outcomes(&chain, &refused(status(Status::Open))).is_ok());
        assert!(outcomes(&chain, &refused(status(Status::Failed))).is_err());
        let token = Err(Error::TokenRefused { reason: "CONTRACT_IS_STOPPED".into() });
        assert!(outcomes(&token, &refused(Refusal::TokenFailed { asset: Asset::StEth })).is_ok());
        assert!(outcomes(&token, &refused(status(Status::Open))).is_err());
        assert!(outcomes(&chain, &refused(Refusal::TokenFailed { asset: Asset::StEth })).is_err());
    }

    #[test]
    fn outcomes_that_differ_are_noticed() {
        let released =
            Event::Rescue(RescueEvent::Released { asset: Asset::Eth, tranches: 1, amount: Units::new(5) });
        let payment =
            |amount| Payment { to: cast::address("b"), asset: Asset::Eth, amount: Units::new(amount) };
        assert!(outcomes(&Ok(vec![released.clone()]), &Ok(Some(payment(5)))).is_ok());
        assert!(outcomes(&Ok(vec![released.clone()]), &Ok(Some(payment(4)))).is_err());
        assert!(outcomes(&Ok(vec![]), &Ok(Some(payment(5)))).is_err());
        assert!(outcomes(&Ok(vec![released]), &Err(Refusal::ZeroAmount.into())).is_err());
        let other = Err(Error::Refused(Refusal::NoVeto));
        assert!(outcomes(&other, &Err(Refusal::NoVeto.into())).is_ok());
        assert!(outcomes(&other, &Err(Refusal::ZeroAmount.into())).is_err());
    }

    #[test]
    fn what_is_owed_is_not_paid_until_it_is_collected() {
        let to = cast::address("a");
        let position = PositionId { pledger: to, tier: 0, asset: Asset::StEth };
        let (asset, amount) = (Asset::StEth, Units::new(5));
        let exited = Event::Rescue(RescueEvent::Exited { position, recipient: to, amount });
        let owed = Event::Rescue(RescueEvent::Owed { pledger: to, asset, amount });
        let paid = Some(Payment { to, asset, amount });
        assert!(outcomes(&Ok(vec![exited.clone()]), &Ok(paid)).is_ok());
        assert!(outcomes(&Ok(vec![exited.clone(), owed.clone()]), &Ok(None)).is_ok());
        assert!(outcomes(&Ok(vec![exited.clone()]), &Ok(None)).is_err());
        assert!(outcomes(&Ok(vec![exited, owed]), &Ok(paid)).is_err());
        let collected = Event::Rescue(RescueEvent::Collected { pledger: to, asset, recipient: to, amount });
        assert!(outcomes(&Ok(vec![collected.clone()]), &Ok(paid)).is_ok());
        assert!(outcomes(&Ok(vec![collected]), &Ok(None)).is_err());
    }

    #[test]
    fn what_a_pool_pays_is_compared_too() {
        let to = cast::address("a");
        let position = PositionId { pledger: to, tier: 0, asset: Asset::StEth };
        let amount = Wei::new(5);
        let claimed = Event::Recovery(RecoveryEvent::Claimed { position, recipient: to, amount });
        let bonus = Event::Bonus(BonusEvent::Claimed { position, recipient: to, amount });
        let returned = Event::Bonus(BonusEvent::Returned { sponsor: to, recipient: to, amount });
        let payment = |amount| Payment { to, asset: Asset::Eth, amount: Units::new(amount) };
        for event in [claimed, bonus, returned] {
            assert!(outcomes(&Ok(vec![event.clone()]), &Ok(Some(payment(5)))).is_ok());
            assert!(outcomes(&Ok(vec![event]), &Ok(Some(payment(6)))).is_err());
        }
    }

    #[test]
    fn a_declaration_that_the_board_changed_is_noticed() {
        let (contributor, escrow) = (cast::address("a"), cast::address("e"));
        let (stage, tier, amount, expiry) = (levee::Stage::Approved, 0, Some(Wei::new(5)), 9);
        let said = Declaration { escrow, stage, tier, amount, expiry, link: "l".to_owned() };
        let told = |declaration: &Declaration| {
            let declaration = declaration.clone();
            let declared = levee::Declared { contributor, declaration, made_at: 7, digest: None };
            vec![Event::Board(BoardEvent::Declared(declared))]
        };
        assert!(announced(&told(&said), contributor, &said, 7).is_ok());
        assert!(announced(&told(&said), contributor, &said, 8).is_err());
        assert!(announced(&told(&said), escrow, &said, 7).is_err());
        let other = Declaration { amount: None, ..said.clone() };
        assert!(announced(&told(&other), contributor, &said, 7).is_err());
        assert!(announced(&[], contributor, &said, 7).is_err());
    }
}
