//! The contracts around the escrow.

use crate::environment::{CHAIN, ETHER, Environment, pledge};
use alloy::{
    primitives::{Address, U256, Uint},
    providers::{Provider, ext::AnvilApi},
    signers::local::PrivateKeySigner,
};
use eyre::{OptionExt as _, Result};
use levee::{
    Allowance, Blueprint, Board, BoardError, BonusEvent, BonusPool, BonusRefusal, Contract, Declaration,
    Deployment, Error, Event, Receiver, RecoveryEvent, RecoveryPool, RecoveryRefusal, RescueEvent, Stage,
    bindings::{DebtRepayer, PledgeBoard, StETH, StakedEtherUnwinder},
    model::{
        Amount, Asset, BonusDecision, Enlistment, Operation as O, Pledge, PositionId, Route, Shares, Status,
        UnitSeconds, Units, Wei, WeiSeconds,
    },
};

fn wei(ether: u128) -> Wei {
    Wei::new(ether * ETHER)
}

#[tokio::test]
async fn each_contract_is_created_once() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?.address();
    let blueprints = [
        Blueprint::recovery_pool(escrow),
        Blueprint::bonus_pool(escrow),
        Blueprint::board(),
        Blueprint::router(env.bob(), env.steth, env.wsteth),
    ];
    for blueprint in blueprints {
        let (contract, address) = (blueprint.contract(), blueprint.address());
        assert_eq!(blueprint.verify(&env.provider).await, Err(Error::NoCode { contract, address }));
        let first = blueprint.deploy(&env.outbox(env.alice())).await?;
        assert!(matches!(first, Deployment::Created { .. }), "{first:?}");
        let block = env.provider.get_block_number().await?;
        let again = blueprint.deploy(&env.outbox(env.bob())).await?;
        assert_eq!(again, Deployment::Already { address });
        assert_eq!(env.provider.get_block_number().await?, block);
    }
    let wrong = Blueprint::board().prepare(&env.provider, 1, env.alice()).await.err();
    assert_eq!(wrong, Some(Error::WrongChain { expected: 1, actual: CHAIN }));
    Ok(())
}

#[tokio::test]
async fn recovery_is_refused_in_the_pools_words() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let pool = RecoveryPool::of(&escrow);
    let created = pool.blueprint().deploy(&env.outbox(env.alice())).await?;
    let Deployment::Created { executed, .. } = created else { panic!("{created:?}") };
    let event = RecoveryEvent::Created { escrow: escrow.address() };
    assert_eq!(executed.events, [Event::Recovery(event)]);
    let not_final = Err(Error::from(RecoveryRefusal::NotFinal { status: Status::Open }));
    assert_eq!(escrow.call(O::Recover(wei(1)))?.simulate(env.alice()).await, not_final);
    let id = PositionId { pledger: env.alice(), tier: 0, asset: Asset::Eth };
    assert_eq!(escrow.call(O::Claim(id))?.simulate(env.bob()).await, not_final);
    let view = pool.recovery().await?;
    assert_eq!((view.accrued_at, view.rate, view.received()), (None, None, Wei::ZERO));
    assert_eq!(pool.earnings(id).await?.due(), Wei::ZERO);
    // The escrow's errors pass through.
    let unknown = pool.earnings(PositionId { tier: 7, ..id }).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no tier 7: the rescue has 2, counted from 0");
    Ok(())
}

#[tokio::test]
async fn everything_is_read_as_it_was_at_a_block() -> Result<()> {
    let env = Environment::start().await?;
    let (escrow, bob) = (env.escrow().await?, env.bob());
    let (bonus, recovery) = (BonusPool::of(&escrow), RecoveryPool::of(&escrow));
    let board = Board::new(env.provider.clone(), CHAIN);
    for blueprint in [bonus.blueprint(), board.blueprint()] {
        blueprint.deploy(&env.outbox(bob)).await?;
    }
    let block = env.provider.get_block_number().await?;

    recovery.blueprint().deploy(&env.outbox(bob)).await?;
    let id = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
    let declaration = declaration(escrow.address(), env.time().await? + 100);
    let digest = board.digest(bob, &declaration, 1)?;
    for call in [
        escrow.call(pledge(bob, 0, 0, Amount::Eth(wei(1))))?,
        escrow.call(O::AddBonus { sponsor: bob, amount: wei(3) })?,
        escrow.call(O::Enlist(id))?,
        board.declare(&declaration)?,
        board.revoke(digest),
    ] {
        call.execute(&env.outbox(bob)).await?;
    }
    env.warp(escrow.terms().await?.deadline + 1).await?;
    escrow.call(O::Settle)?.execute(&env.outbox(bob)).await?;

    let now = escrow.rescue().await?;
    assert_eq!((now.status, now.pots.len(), escrow.status().await?), (Status::Failed, 1, Status::Failed));
    let past = escrow.clone().at(block);
    let view = past.rescue().await?;
    assert_eq!((view.status, view.pots.len(), past.status().await?), (Status::Open, 0, Status::Open));
    assert_eq!(
        (escrow.pledging().await?.status, past.pledging().await?.status),
        (Status::Failed, Status::Open)
    );
    assert_eq!((escrow.positions(bob).await?.len(), past.positions(bob).await?.len()), (1, 0));
    let amounts = [escrow.position(id).await?.amount, past.position(id).await?.amount];
    assert_eq!(amounts, [Units::new(ETHER), Units::ZERO]);
    let histories = [escrow.history().await?, past.history().await?];
    assert_eq!(
        histories.map(|rescue| (rescue.stored_status(), rescue.positions().count())),
        [(Status::Failed, 1), (Status::Open, 0)]
    );

    let past = bonus.clone().at(block);
    assert_eq!([bonus.bonus().await?.total, past.bonus().await?.total], [wei(3), Wei::ZERO]);
    assert_eq!([bonus.contribution_of(bob).await?, past.contribution_of(bob).await?], [wei(3), Wei::ZERO]);
    let enlisted = [bonus.enlisted(id).await?.enlisted, past.enlisted(id).await?.enlisted];
    assert_eq!(enlisted, [Units::new(ETHER), Units::ZERO]);
    assert!(recovery.recovery().await.is_ok() && recovery.at(block).recovery().await.is_err());
    let past = board.clone().at(block);
    assert_eq!((board.is_spent(bob, digest).await?, past.is_spent(bob, digest).await?), (true, false));
    let declared =
        [board.declarations(escrow.address(), None).await?, past.declarations(escrow.address(), None).await?];
    assert_eq!(declared.map(|list| list.len()), [1, 0]);
    Ok(())
}

#[tokio::test]
async fn a_bonus_is_enlisted_with_the_pledge_and_decided_after_the_exit_window() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob) = (env.alice(), env.bob());
    let pool = BonusPool::of(&escrow);
    pool.blueprint().deploy(&env.outbox(alice)).await?;
    let router = env.router().await?;
    escrow.call(O::AddBonus { sponsor: bob, amount: wei(3) })?.execute(&env.outbox(alice)).await?;
    assert_eq!(pool.contribution_of(bob).await?, wei(3));
    let (tier, amount, route) = (0, Amount::Eth(wei(1)), Route::Router { enlist: true });
    let pledge = Pledge { pledger: bob, tier, amount, amendment: 0, route };
    let id = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
    assert!(!pool.has_all_of(id).await?, "there is nothing of it");
    let pledged =
        escrow.clone().through(router.address()).pledge(pledge, None)?.execute(&env.outbox(alice)).await?;
    let deadline = escrow.terms().await?.deadline;
    let unit_seconds = U256::from(ETHER) * U256::from(deadline - env.time().await?);
    let enlistment = Enlistment {
        departures: 0,
        enlisted: Units::new(ETHER),
        unit_seconds: UnitSeconds::new(unit_seconds),
    };
    let enlisted = Event::Bonus(BonusEvent::Enlisted { position: id, enlistment });
    assert_eq!(
        pledged.events,
        [Event::Rescue(RescueEvent::Pledged { position: id, amount: Units::new(ETHER) }), enlisted]
    );
    assert_eq!(pool.enlisted(id).await?, enlistment);
    let again = escrow.call(O::Enlist(id))?.simulate(alice).await;
    assert_eq!(again, Err(BonusRefusal::NothingToEnlist { id }.into()));
    assert!(pool.has_all_of(id).await?);
    let open = escrow.call(O::ClaimBonus(id))?.simulate(bob).await.unwrap_err();
    assert!(open.to_string().starts_with("the pledges cover 1 ETH of 100 ETH"), "{open}");

    let limit = deadline + 1_800;
    env.warp(limit - 1).await?;
    let early = escrow.call(O::ClaimBonus(id))?.simulate(bob).await.unwrap_err();
    assert!(
        matches!(early, Error::BonusRefused(BonusRefusal::TooEarly { limit: l, .. }) if l == limit),
        "{early}"
    );
    env.warp(limit + 1).await?;
    let claimed = escrow.call(O::ClaimBonus(id))?.execute(&env.outbox(alice)).await?;
    let [Event::Rescue(RescueEvent::Failed { .. }), Event::Bonus(ref decided), Event::Bonus(ref paid)] =
        claimed.events[..]
    else {
        panic!("{:?}", claimed.events)
    };
    let value = WeiSeconds::new(unit_seconds);
    let decision = BonusDecision { bonus: wei(3), pledgers: wei(3), value, rate: None };
    assert_eq!(decided, &BonusEvent::Decided(decision));
    assert_eq!(paid, &BonusEvent::Claimed { position: id, recipient: bob, amount: wei(3) });
    let view = pool.bonus().await?;
    assert_eq!((view.total, view.decision), (wei(3), Some(decision)));
    let share = pool.share_of(id).await?;
    assert_eq!((share.share, share.claimed), (wei(3), true));
    let nothing = escrow.call(O::TakeBack { sponsor: bob })?.simulate(bob).await;
    assert_eq!(nothing, Err(BonusRefusal::NothingToTakeBack { sponsor: bob }.into()));
    Ok(())
}

#[tokio::test]
async fn the_router_passes_on_what_escrow_and_pool_refuse() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob) = (env.alice(), env.bob());
    let escrow = escrow.through(env.router().await?.address());
    let (tier, amount, route) = (0, Amount::Eth(wei(1)), Route::Router { enlist: false });
    let pledge = Pledge { pledger: bob, tier, amount, amendment: 7, route };
    let differs = levee::Refusal::AmendmentDiffers { named: 7, latest: 0 };
    assert_eq!(escrow.pledge(pledge, None)?.simulate(alice).await, Err(differs.into()));
    let beyond = Pledge { amendment: u64::MAX, ..pledge };
    let refused = escrow.pledge(beyond, None)?.simulate(alice).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(levee::Refusal::AmendmentDiffers { .. })), "{refused}");
    let to_token = Pledge { pledger: env.steth, amendment: 0, ..pledge };
    let account = levee::RouterError::InvalidAccount { account: env.steth };
    assert_eq!(escrow.pledge(to_token, None)?.simulate(alice).await, Err(account.into()));
    Ok(())
}

#[tokio::test]
async fn a_receiver_proves_itself_or_is_unknown() -> Result<()> {
    let env = Environment::start().await?;
    let (alice, bob) = (env.alice(), env.bob());
    assert_eq!(Receiver::at(&env.provider, bob).await?, None);
    assert_eq!(Receiver::at(&env.provider, env.steth).await?, None);
    // Its constructor asks the queue for its tokens: the code alone is set here, as if it had.
    let unwinder = Blueprint::staked_ether_unwinder(bob, alice).address();
    let code = StakedEtherUnwinder::DEPLOYED_BYTECODE.clone();
    env.provider.anvil_set_code(unwinder, code).await?;
    // It says zero for both: not what it would be at this address.
    let contract = Contract::StakedEtherUnwinder;
    let counterfeit = Error::Counterfeit { contract, address: unwinder };
    assert_eq!(Receiver::at(&env.provider, unwinder).await, Err(counterfeit));
    let none = Address::ZERO;
    let genuine = Receiver::StakedEtherUnwinder { withdrawal_queue: none, recipient: none };
    let address = genuine.blueprint().address();
    env.provider.anvil_set_code(address, StakedEtherUnwinder::DEPLOYED_BYTECODE.clone()).await?;
    assert_eq!(Receiver::at(&env.provider, address).await?, Some(genuine));
    let repayer = Receiver::DebtRepayer { pool: none, weth: none, debtor: none, rest: none };
    let address = repayer.blueprint().address();
    env.provider.anvil_set_code(address, DebtRepayer::DEPLOYED_BYTECODE.clone()).await?;
    assert_eq!(Receiver::at(&env.provider, address).await?, Some(repayer));
    Ok(())
}

fn declaration(escrow: Address, expiry: u64) -> Declaration {
    let (amount, link) = (Some(wei(5)), "https://forum.example/1".to_owned());
    Declaration { escrow, stage: Stage::Approved, tier: 1, amount, expiry, link }
}

#[tokio::test]
async fn what_is_signed_here_is_what_the_board_checks() -> Result<()> {
    let env = Environment::start().await?;
    let board = Board::new(env.provider.clone(), CHAIN);
    board.blueprint().deploy(&env.outbox(env.alice())).await?;
    let key = PrivateKeySigner::random();
    let now = env.time().await?;
    let declared = declaration(Address::repeat_byte(7), now + 100);
    let signed = board.sign(&key, key.address(), declared.clone(), now).await?;
    let digest = board.digest(key.address(), &declared, now)?;
    let raw = PledgeBoard::Declaration {
        escrow: declared.escrow,
        stage: 2,
        tier: 1,
        amount: U256::from(5 * ETHER),
        expiry: Uint::from(now + 100),
        link: declared.link.clone(),
    };
    let theirs = PledgeBoard::new(board.address(), &env.provider);
    assert_eq!(theirs.digestOf(key.address(), raw, Uint::from(now)).call().await?, digest);
    assert_eq!(board.check(signed.clone(), now).await?, signed);
    assert!(!board.is_spent(key.address(), digest).await?);
    board.declare_for(&signed)?.execute(&env.outbox(env.bob())).await?;
    assert!(board.is_spent(key.address(), digest).await?);
    let [found] = &board.declarations(declared.escrow, None).await?[..] else { panic!("there is one") };
    assert_eq!((&found.declaration, found.digest), (&declared, Some(digest)));
    assert_eq!(board.declarations(env.bob(), None).await?, []);

    let contributor = env.bob();
    let digest = board.digest(contributor, &declared, now)?;
    let forged = levee::SignedDeclaration { contributor, ..signed };
    let invalid = Error::from(BoardError::SignatureInvalid { contributor, digest });
    assert_eq!(board.check(forged.clone(), now).await, Err(invalid.clone()));
    assert_eq!(board.declare_for(&forged)?.simulate(env.bob()).await, Err(invalid));
    // Another chain's board would not take it.
    let elsewhere = Board::new(env.provider.clone(), 1);
    assert_ne!(elsewhere.digest(contributor, &declared, now)?, digest);
    Ok(())
}

#[tokio::test]
async fn a_permit_that_was_used_before_does_not_stop_a_pledge() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let key = PrivateKeySigner::random();
    let router = env.router().await?;
    let steth = StETH::new(env.steth, &env.provider);
    steth.transferShares(key.address(), U256::from(10 * ETHER)).send().await?.get_receipt().await?;
    let deadline = env.time().await? + 3_600;
    let amount = Amount::StEth(Shares::new(5 * ETHER));
    let permit =
        router.permit(&key, amount, Allowance::WithRoom, deadline).await?.ok_or_eyre("of a token")?;
    // Five shares are worth 6 ETH; a hundredth more is room for a rebase.
    assert_eq!(permit.value, U256::from(6 * ETHER + 6 * ETHER / 100 + 1));
    let used = steth.permit(
        key.address(),
        router.address(),
        permit.value,
        permit.deadline,
        permit.v,
        permit.r,
        permit.s,
    );
    used.send().await?.get_receipt().await?;
    // The pledger has no ETH and pays nothing here: the call is only tried.
    let (pledger, escrow) = (key.address(), escrow.through(router.address()));
    let pledge = Pledge { pledger, tier: 1, amount, amendment: 0, route: Route::Router { enlist: false } };
    let gas = escrow.pledge(pledge, Some(permit))?.simulate(pledger).await?;
    assert!(gas < 300_000, "{gas}");
    let (stranger, amount) = (PrivateKeySigner::random(), Amount::WstEth(Units::new(1)));
    let permit = router.permit(&stranger, amount, Allowance::Exact, deadline).await?;
    let refused = escrow.pledge(Pledge { amount, ..pledge }, permit)?.simulate(pledger).await;
    let reason = "ERC20: transfer amount exceeds balance".to_owned();
    assert_eq!(refused, Err(Error::TokenRefused { reason }));
    Ok(())
}
