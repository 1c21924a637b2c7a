//! Do the escrow, its log and the model say the same? They must, to the last wei; if not, something is broken here.

mod pools;

use std::fmt::Debug;

use alloy::primitives::Address;
use eyre::{Result, ensure};
use levee::{BoardEvent, BonusEvent, Declaration, Error, Event, PositionView, RecoveryEvent, RescueView};
use levee_model::{
    Asset, Bps, EndReason, Goal, Lido, Moment, Payment, PerAsset, PositionId, Rate, Rescue, Status,
    Timestamp, Units, Wei,
};

use super::{
    cast::{self, Cast},
    sides::{Contracts, Models},
};

/// The name of an error: of its variant, which has the name that the contract gives it.
pub(crate) fn name(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The name of why a call was refused on the chain. A token has its own words for it.
pub(crate) fn refusal_name(error: &Error) -> String {
    match error {
        Error::Refused(refusal) => name(refusal),
        Error::RecoveryRefused(refusal) => name(refusal),
        Error::BonusRefused(refusal) => name(refusal),
        Error::BoardRefused(refusal) => name(refusal),
        Error::RouterRefused(refusal) => name(refusal),
        Error::TokenRefused { .. } | Error::UnknownRevert { .. } => "TokenFailed".to_owned(),
        other => name(other),
    }
}

/// Checks that a call came out alike: the same payment, or the same reason.
pub(crate) fn outcomes(
    chain: &Result<Vec<Event>, Error>,
    model: &Result<Option<Payment>, String>,
) -> Result<()> {
    match (chain, model) {
        (Ok(events), Ok(payment)) => {
            let owed = events.iter().any(|event| matches!(event, Event::Owed { .. }));
            let paid = events.iter().find_map(|event| payment_of(event, *payment)).filter(|_| !owed);
            ensure!(paid == *payment, "the escrow paid {paid:?} and the model {payment:?}");
        }
        (Err(error), Err(refusal)) => {
            let error = refusal_name(error);
            ensure!(error == *refusal, "the escrow refused with {error} and the model with {refusal}");
        }
        (chain, model) => eyre::bail!("the escrow said {chain:?} and the model {model:?}"),
    }
    Ok(())
}

/// What an event says was paid. `Released` and `Declined` leave the recipient to the rules.
fn payment_of(event: &Event, expected: Option<Payment>) -> Option<Payment> {
    let beneficiary = || expected.map(|payment| payment.to);
    match *event {
        Event::Released { asset, amount, .. } => Some(Payment { to: beneficiary()?, asset, amount }),
        Event::Declined { position, amount } => {
            Some(Payment { to: position.pledger, asset: position.asset, amount })
        }
        Event::Exited { position, recipient, amount } | Event::Refunded { position, recipient, amount } => {
            Some(Payment { to: recipient, asset: position.asset, amount })
        }
        Event::Collected { asset, recipient, amount, .. } => Some(Payment { to: recipient, asset, amount }),
        Event::Recovery(RecoveryEvent::Claimed { recipient, amount, .. })
        | Event::Bonus(
            BonusEvent::Claimed { recipient, amount, .. } | BonusEvent::Returned { recipient, amount, .. },
        ) => Some(Payment { to: recipient, asset: Asset::Eth, amount: Units::new(amount.get()) }),
        _ => None,
    }
}

/// Checks that the board announced what was declared, as of now.
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

/// What the escrow's views and the model both say of a rescue.
#[derive(Debug, PartialEq)]
struct Facts {
    status: Status,
    end_reason: Option<EndReason>,
    goal: Goal,
    latest_amendment: Timestamp,
    pots: Vec<(u8, Asset, Units, Units)>,
    coverage: Option<Wei>,
    settlement: Option<(Bps, Wei, Option<Rate>)>,
    objected: Wei,
    cancelled_at: Option<Timestamp>,
    lapsed_at: Option<Timestamp>,
    final_at: Option<Timestamp>,
    due: u8,
    kept: PerAsset<u8>,
    delivered: PerAsset<u8>,
    held: PerAsset<u8>,
    returns_by_calendar: bool,
}

impl Facts {
    fn of_view(view: &RescueView) -> Self {
        let decided = !matches!(view.status, Status::Open | Status::Failed);
        let rate = match view.rate {
            levee::ShareRate::Known(rate) => Some(rate),
            _ => None,
        };
        Self {
            status: view.status,
            end_reason: view.end_reason,
            goal: Goal::from(&view.terms),
            latest_amendment: view.latest_amendment(),
            pots: view.pots.iter().map(|pot| (pot.tier, pot.asset, pot.total, pot.drawn)).collect(),
            coverage: view.coverage,
            settlement: decided.then_some((view.threshold_met, view.drawn, rate)),
            objected: view.objected,
            cancelled_at: view.cancelled_at,
            lapsed_at: view.lapsed_at,
            final_at: view.final_at,
            due: view.due,
            kept: view.kept,
            delivered: view.delivered,
            held: view.held,
            returns_by_calendar: view.returns_by_calendar,
        }
    }

    fn of_model(rescue: &Rescue, at: Moment) -> Self {
        let settlement = rescue.settlement(at);
        let all = (0..rescue.terms().tier_count()).flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
        let pots = all.map(|(tier, asset)| (tier, asset, rescue.pot(at, tier, asset)));
        Self {
            status: rescue.status(at),
            end_reason: rescue.end_reason(at),
            goal: rescue.goal(at.time),
            latest_amendment: rescue.latest_amendment(),
            pots: pots
                .filter(|(.., pot)| !pot.total.is_zero())
                .map(|(tier, asset, pot)| (tier, asset, pot.total, pot.drawn))
                .collect(),
            coverage: rescue.coverage(valued_by(rescue, at)).ok(),
            settlement: settlement.map(|settled| (settled.threshold, settled.drawn_value, settled.rate)),
            objected: rescue.objected(),
            cancelled_at: rescue.cancelled_at(),
            lapsed_at: rescue.lapsed_at(),
            final_at: rescue.final_at(),
            due: rescue.due(at),
            kept: rescue.kept(at),
            delivered: rescue.delivered(),
            held: rescue.held(at),
            returns_by_calendar: rescue.returns_by_calendar(),
        }
    }
}

/// What values the pots: while open what can be read now, then what was recorded. Where the rescue was ended without a
/// reading there is nothing.
fn valued_by(rescue: &Rescue, at: Moment) -> Lido {
    match rescue.end_reason(at) {
        Some(EndReason::NoThresholdMet) => rescue.recorded_rate(at).map_or(Lido::Broken, Lido::Working),
        Some(EndReason::EndedByGuardian | EndReason::RateUnreadable) => Lido::Broken,
        _ => at.lido,
    }
}

fn positions_of_model(rescue: &Rescue, at: Moment, name: &str) -> Vec<PositionView> {
    let view = |(id, _): (PositionId, _)| PositionView::of_model(id, &rescue.statement(at, id));
    rescue.positions_of(cast::address(name)).map(view).collect()
}

fn owed_by_model(rescue: &Rescue, name: &str) -> PerAsset<Units> {
    PerAsset::from_fn(|asset| rescue.owed(cast::address(name), asset))
}

/// Checks that the views say what the models say, of the rescue, of everyone's positions and of what is owed, and of the
/// two pools.
pub(crate) async fn with_models(
    contracts: &Contracts,
    models: &Models,
    at: Moment,
    cast: &Cast,
) -> Result<()> {
    let (escrow, rescue) = (&contracts.escrow, &models.rescue);
    same("the escrow", &Facts::of_view(&escrow.rescue().await?), "the model", &Facts::of_model(rescue, at))?;
    for name in cast.names() {
        let seen = escrow.positions(cast::address(name)).await?;
        same("the escrow", &seen, "the model", &positions_of_model(rescue, at, name))?;
        let owed = escrow.owed(cast::address(name)).await?;
        same("the escrow", &owed, "the model", &owed_by_model(rescue, name))?;
    }
    pools::recovery_with_model(contracts, models, at).await?;
    pools::bonus_with_model(contracts, models, cast).await
}

/// Checks that the escrow's views say what can be rebuilt from its log alone, and the pools' logs what the models say.
pub(crate) async fn with_log(contracts: &Contracts, models: &Models, at: Moment, cast: &Cast) -> Result<()> {
    let escrow = &contracts.escrow;
    let history = escrow.history().await?;
    same("the escrow", &escrow.rescue().await?, "its log", &history.rescue(at)?)?;
    for name in cast.names() {
        let account = cast::address(name);
        same("the escrow", &escrow.positions(account).await?, "its log", &history.positions(account, at))?;
        same("the escrow", &escrow.owed(account).await?, "its log", &history.owed(account))?;
    }
    pools::logs_with_models(contracts, models, at, cast).await
}

fn same<T: PartialEq + Debug>(one: &str, left: &T, other: &str, right: &T) -> Result<()> {
    ensure!(left == right, "{one} and {other} disagree:\n  {one}: {left:?}\n  {other}: {right:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee::EscrowError;
    use levee_model::Refusal;

    #[test]
    fn both_sides_name_a_refusal_alike() {
        let model = Refusal::WrongStatus { status: Status::Open };
        let chain = Error::Refused(EscrowError::WrongStatus { status: Status::Open });
        assert_eq!((name(&model), refusal_name(&chain)), ("WrongStatus".into(), "WrongStatus".into()));
        assert_eq!(
            refusal_name(&Error::TokenRefused { reason: "CONTRACT_IS_STOPPED".into() }),
            "TokenFailed"
        );
        assert_eq!(name(&Refusal::TokenFailed { asset: Asset::StEth }), "TokenFailed");
    }

    #[test]
    fn outcomes_that_differ_are_noticed() {
        let released = Event::Released { asset: Asset::Eth, tranches: 1, amount: Units::new(5) };
        let payment =
            |amount| Payment { to: cast::address("b"), asset: Asset::Eth, amount: Units::new(amount) };
        assert!(outcomes(&Ok(vec![released.clone()]), &Ok(Some(payment(5)))).is_ok());
        assert!(outcomes(&Ok(vec![released.clone()]), &Ok(Some(payment(4)))).is_err());
        assert!(outcomes(&Ok(vec![]), &Ok(Some(payment(5)))).is_err());
        assert!(outcomes(&Ok(vec![released]), &Err("ZeroAmount".into())).is_err());
        let other = Err(Error::Refused(EscrowError::NoVeto));
        assert!(outcomes(&other, &Err("NoVeto".into())).is_ok());
        assert!(outcomes(&other, &Err("ZeroAmount".into())).is_err());
    }

    #[test]
    fn what_is_owed_is_not_paid_until_it_is_collected() {
        let to = cast::address("a");
        let position = PositionId { pledger: to, tier: 0, asset: Asset::StEth };
        let (asset, amount) = (Asset::StEth, Units::new(5));
        let exited = Event::Exited { position, recipient: to, amount };
        let owed = Event::Owed { pledger: to, asset, amount };
        let paid = Some(Payment { to, asset, amount });
        assert!(outcomes(&Ok(vec![exited.clone()]), &Ok(paid)).is_ok());
        assert!(outcomes(&Ok(vec![exited.clone(), owed.clone()]), &Ok(None)).is_ok());
        assert!(outcomes(&Ok(vec![exited.clone()]), &Ok(None)).is_err());
        assert!(outcomes(&Ok(vec![exited, owed]), &Ok(paid)).is_err());
        let collected = Event::Collected { pledger: to, asset, recipient: to, amount };
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
