//! Checks that the escrow, its log and the model agree to the last wei. If they do not, there is a bug in Levee.

mod pools;

use std::fmt::Debug;

use alloy::{primitives::Address, providers::DynProvider};
use eyre::{Result, ensure};
use levee::{BoardEvent, Declaration, Error, Escrow, Event, operation};
use levee_model::{Models, Moment, Operation, Payment, Refused, Rescue, Timestamp};

use super::{
    cast::{self, Cast},
    contracts::Contracts,
};

/// The name of the error with which a call was refused on the chain; tokens have their own errors.
pub(crate) fn kind(error: &Error) -> &'static str {
    if error.is_of_token() { "TokenFailed" } else { error.kind() }
}

/// Checks that a call had the same outcome on both sides: the same payment, or the same refusal with the same values.
pub(crate) fn outcomes(
    call: Operation,
    chain: &Result<Vec<Event>, Error>,
    model: Result<Option<Payment>, Refused>,
    beneficiary: Address,
) -> Result<()> {
    let payments = |events: &Vec<Event>| operation::payments(events, beneficiary);
    let found = chain.as_ref().map(payments).map_err(|error| operation::refused(call, error));
    let alike = found == model.map(Vec::from_iter).map_err(Some);
    ensure!(alike, "the chain returned {chain:?}, but the model {model:?}");
    Ok(())
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
    let announced = (declared.contributor, &declared.declaration, declared.made_at);
    same("the board", &announced, "the scenario", &(contributor, declaration, now))
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
    use levee::{BonusEvent, RecoveryEvent, RescueEvent};
    use levee_model::{Asset, Pledge, PositionId, Refusal, Route, Status, Units, Wei};

    fn is_alike(
        call: Operation,
        chain: Result<Vec<Event>, Error>,
        model: Result<Option<Payment>, Refused>,
    ) -> bool {
        outcomes(call, &chain, model, cast::address("b")).is_ok()
    }

    fn position() -> PositionId {
        PositionId { pledger: cast::address("a"), tier: 0, asset: Asset::StEth }
    }

    #[test]
    fn a_refusal_is_the_same_only_with_the_same_facts() {
        let open = Refusal::WrongStatus { status: Status::Open };
        let failed = Refusal::WrongStatus { status: Status::Failed };
        let settled = |model: Refusal| {
            is_alike(Operation::Settle, Err(Error::Refused(open)), Err(Refused::ByRescue(model)))
        };
        assert!(settled(open));
        assert!(!settled(failed));
        assert!(!settled(Refusal::ZeroAmount));
        assert!(!is_alike(Operation::Settle, Ok(vec![]), Err(open.into())));
        assert!(!is_alike(Operation::Settle, Err(Error::Refused(open)), Ok(None)));
    }

    #[test]
    fn a_token_has_words_of_its_own_for_a_pledge_that_it_refuses() {
        let (PositionId { pledger, tier, asset }, amendment, route) = (position(), 0, Route::Direct);
        let amount = Units::new(5).of(asset);
        let pledge = Operation::Pledge(Pledge { pledger, tier, amount, amendment, route });
        let stopped = || Err(Error::TokenRefused { reason: "CONTRACT_IS_STOPPED".into() });
        let failed = |asset| Err(Refusal::TokenFailed { asset }.into());
        assert!(is_alike(pledge, stopped(), failed(Asset::StEth)));
        assert!(!is_alike(pledge, stopped(), failed(Asset::WstEth)));
        assert!(!is_alike(pledge, stopped(), Err(Refusal::ZeroAmount.into())));
        assert!(!is_alike(Operation::Settle, stopped(), failed(Asset::StEth)));
        let wordless = Err(Error::UnknownRevert { data: vec![].into() });
        assert!(is_alike(pledge, wordless, failed(Asset::StEth)));
        assert!(!is_alike(pledge, Err(Error::Refused(Refusal::ZeroAmount)), failed(Asset::StEth)));
    }

    #[test]
    fn payments_that_differ_are_noticed() {
        let (asset, amount, tranches) = (Asset::Eth, Units::new(5), 1);
        let released = || Event::Rescue(RescueEvent::Released { asset, tranches, amount });
        let call = Operation::Release(asset);
        let paid = Payment { to: cast::address("b"), asset, amount };
        assert!(is_alike(call, Ok(vec![released()]), Ok(Some(paid))));
        assert!(!is_alike(call, Ok(vec![released()]), Ok(Some(Payment { amount: Units::new(4), ..paid }))));
        let other = Payment { to: cast::address("a"), ..paid };
        assert!(!is_alike(call, Ok(vec![released()]), Ok(Some(other))));
        assert!(!is_alike(call, Ok(vec![]), Ok(Some(paid))));
        assert!(!is_alike(call, Ok(vec![released()]), Ok(None)));
        assert!(!is_alike(call, Ok(vec![released(), released()]), Ok(Some(paid))));
    }

    #[test]
    fn what_is_owed_is_not_paid_until_it_is_collected() {
        let PositionId { pledger: to, tier, asset } = position();
        let (position, amount) = (position(), Units::new(5));
        let exited = Event::Rescue(RescueEvent::Exited { position, recipient: to, amount });
        let owed = Event::Rescue(RescueEvent::Owed { pledger: to, asset, amount });
        let collected = Event::Rescue(RescueEvent::Collected { pledger: to, asset, recipient: to, amount });
        let paid = || Ok(Some(Payment { to, asset, amount }));
        let exit = |events: &[&Event], model| {
            let events = events.iter().copied().cloned().collect();
            is_alike(Operation::Exit { tier, asset, to }, Ok(events), model)
        };
        assert!(exit(&[&exited], paid()));
        assert!(exit(&[&exited, &owed], Ok(None)));
        assert!(!exit(&[&exited], Ok(None)));
        assert!(!exit(&[&exited, &owed], paid()));
        let collect = Operation::Collect { pledger: to, asset };
        assert!(is_alike(collect, Ok(vec![collected.clone()]), paid()));
        assert!(!is_alike(collect, Ok(vec![collected]), Ok(None)));
    }

    #[test]
    fn what_a_pool_pays_is_compared_too() {
        let (position, recipient, amount) = (position(), cast::address("a"), Wei::new(5));
        let claimed = Event::Recovery(RecoveryEvent::Claimed { position, recipient, amount });
        let bonus = Event::Bonus(BonusEvent::Claimed { position, recipient, amount });
        let returned = Event::Bonus(BonusEvent::Returned { sponsor: recipient, recipient, amount });
        let payment =
            |amount| Ok(Some(Payment { to: recipient, asset: Asset::Eth, amount: Units::new(amount) }));
        for event in [claimed, bonus, returned] {
            assert!(is_alike(Operation::Claim(position), Ok(vec![event.clone()]), payment(5)));
            assert!(!is_alike(Operation::Claim(position), Ok(vec![event]), payment(6)));
        }
    }

    #[test]
    fn a_declaration_that_the_board_changed_is_noticed() {
        let (contributor, escrow) = (cast::address("a"), cast::address("e"));
        let (stage, tier, amount, expiry) = (levee::Stage::Approved, 0, Some(Wei::new(5)), 9);
        let made = Declaration { escrow, stage, tier, amount, expiry, link: "l".to_owned() };
        let events = |declaration: &Declaration| {
            let declaration = declaration.clone();
            let declared = levee::Declared { contributor, declaration, made_at: 7, digest: None };
            vec![Event::Board(BoardEvent::Declared(declared))]
        };
        assert!(announced(&events(&made), contributor, &made, 7).is_ok());
        assert!(announced(&events(&made), contributor, &made, 8).is_err());
        assert!(announced(&events(&made), escrow, &made, 7).is_err());
        let other = Declaration { amount: None, ..made.clone() };
        assert!(announced(&events(&other), contributor, &made, 7).is_err());
        assert!(announced(&[], contributor, &made, 7).is_err());
    }
}
