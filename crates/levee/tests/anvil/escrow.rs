//! The escrow: created once, used in all ways, refusing with its facts.

use crate::environment::{CHAIN, ETHER, Environment};
use alloy::{
    primitives::{B256, Bytes, U256, bytes},
    providers::{Provider, ext::AnvilApi},
};
use eyre::Result;
use levee::{
    Blueprint, Contract, Deployment, Error, Escrow, EscrowError, Event, FailReason, ShareRate,
    bindings::{StETH, WstETH},
    deploy,
    model::{Asset, Bps, Goal, PerAsset, PositionId, Rate, Shares, Status, Terms, Tier, Units, Wei},
    provider,
};
use std::time::Duration;

fn wei(ether: u128) -> Wei {
    Wei::new(ether * ETHER)
}

fn units(whole: u128) -> Units {
    Units::new(whole * ETHER)
}

#[tokio::test]
async fn an_escrow_is_created_once() -> Result<()> {
    let env = Environment::start().await?;
    let terms = env.terms().await?;
    let address = Blueprint::escrow(&terms)?.address();
    assert_eq!(
        Contract::PledgeEscrow.verify(&env.provider, address).await,
        Err(Error::NoCode { contract: Contract::PledgeEscrow, address })
    );

    let first = deploy(&env.provider, CHAIN, &terms, env.alice()).await?;
    let Deployment::Created { address: created, executed } = first else { panic!("{first:?}") };
    assert_eq!(created, address);
    assert_eq!(executed.events, [Event::RescueCreated { terms: terms.clone() }]);
    let block = env.provider.get_block_number().await?;

    assert_eq!(deploy(&env.provider, CHAIN, &terms, env.bob()).await?, Deployment::Already { address });
    assert_eq!(env.provider.get_block_number().await?, block);
    let escrow = Escrow::open(env.provider.clone(), CHAIN, address).await?;
    assert_eq!(escrow.terms().await?, terms);
    env.assert_books_from_logs(&escrow).await
}

#[tokio::test]
async fn a_deployment_that_cannot_succeed_is_refused_before_anything_is_sent() -> Result<()> {
    let env = Environment::start().await?;
    let (terms, time) = (env.terms().await?, env.time().await?);
    let env = &env;
    let try_with =
        |terms: Terms| async move { deploy(&env.provider, CHAIN, &terms, env.alice()).await.unwrap_err() };

    let wrong_chain = deploy(&env.provider, 1, &terms, env.alice()).await;
    assert_eq!(wrong_chain, Err(Error::WrongChain { expected: 1, actual: CHAIN }));
    let nobody = env.bob();
    assert_eq!(
        try_with(Terms { wsteth: nobody, ..terms.clone() }).await,
        Error::NoToken { asset: Asset::WstEth, address: nobody }
    );
    let mismatch = EscrowError::TokensMismatch { steth: env.wsteth, wsteth: env.steth };
    assert_eq!(
        try_with(Terms { steth: env.wsteth, wsteth: env.steth, ..terms.clone() }).await,
        Error::Refused(mismatch)
    );
    let half = Tier { threshold: Bps::new(5_000), ..terms.tiers[0] };
    assert_eq!(
        try_with(Terms { tiers: vec![half], ..terms.clone() }).await,
        Error::Refused(EscrowError::LastThresholdNotFull { threshold: Bps::new(5_000) })
    );
    let passed = try_with(Terms { deadline: time - 1, ..terms.clone() }).await;
    let is_passed = |e: &Error| matches!(e, Error::Refused(EscrowError::DeadlinePassed { deadline, .. }) if *deadline == time - 1);
    assert!(is_passed(&passed), "{passed}");
    env.provider.anvil_set_code(levee::CREATE2_DEPLOYER, Bytes::new()).await?;
    assert_eq!(try_with(terms).await, Error::NoDeployer);
    assert_eq!(env.provider.get_transaction_count(env.alice()).await?, 2, "only the tokens were deployed");
    Ok(())
}

#[tokio::test]
async fn foreign_code_is_told_from_no_code() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let contract = Contract::PledgeEscrow;
    let open = |address| Escrow::open(env.provider.clone(), CHAIN, address);
    assert_eq!(open(env.bob()).await.unwrap_err(), Error::NoCode { contract, address: env.bob() });
    assert_eq!(open(env.steth).await.unwrap_err(), Error::NotLevee { contract, address: env.steth });

    let code = env.provider.get_code_at(escrow.address()).await?;
    assert!(contract.is_code(&code));
    let mut changed = code.to_vec();
    changed[100] ^= 1;
    env.provider.anvil_set_code(escrow.address(), changed.into()).await?;
    let not_levee = Error::NotLevee { contract, address: escrow.address() };
    assert_eq!(Contract::PledgeEscrow.verify(&env.provider, escrow.address()).await, Err(not_levee));
    assert!(!contract.is_code(&code[..code.len() - 1]));
    assert!(!contract.is_code(&[&code[..], &[0]].concat()));
    Ok(())
}

#[tokio::test]
async fn pledges_of_all_assets_are_settled_released_and_refunded() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob) = (env.alice(), env.bob());
    env.pledge_all(&escrow).await?;
    env.assert_books_from_logs(&escrow).await?;
    let open = escrow.rescue().await?;
    assert_eq!((open.status, open.coverage, open.threshold_met), (Status::Open, Some(wei(130)), Bps::ONE));
    assert_eq!(open.rate, ShareRate::Known(Rate::new(12 * 10u128.pow(26)).expect("a rate")));

    let executed = escrow.settle().execute(bob).await?;
    let [Event::Settled { threshold, drawn, ref draws, settled_at, .. }] = executed.events[..] else {
        panic!("{:?}", executed.events)
    };
    let drawn_of = |total: u128| Units::new(total * ETHER * 100 / 130);
    let none = Units::ZERO;
    assert_eq!((threshold, drawn), (Bps::ONE, wei(100)));
    assert_eq!(draws[..], [drawn_of(40), none, none, none, drawn_of(25), drawn_of(50)]);
    env.assert_books_from_logs(&escrow).await?;

    env.warp(settled_at + 3_600).await?;
    let released = escrow.release(Asset::WstEth).execute(bob).await?;
    let half = Units::new(drawn_of(50).get() / 2);
    assert_eq!(released.events, [Event::Released { asset: Asset::WstEth, tranches: 1, amount: half }]);
    env.assert_books_from_logs(&escrow).await?;
    assert_eq!(
        escrow.release(Asset::WstEth).simulate(bob).await,
        Err(EscrowError::NothingDue { asset: Asset::WstEth, due: 1, delivered: 1 }.into())
    );

    env.warp(settled_at + 7_200).await?;
    for asset in Asset::ALL {
        escrow.release(asset).execute(bob).await?;
        env.assert_books_from_logs(&escrow).await?;
    }
    assert_eq!(escrow.status().await?, Status::Released);
    let position = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
    let back = Units::new(40 * ETHER - drawn_of(40).get());
    let refunded = escrow.refund(bob, 0, Asset::Eth).execute(alice).await?;
    assert_eq!(refunded.events, [Event::Refunded { position, recipient: bob, amount: back }]);
    escrow.refund_to(1, Asset::StEth, bob).execute(alice).await?;
    escrow.refund(alice, 1, Asset::WstEth).execute(bob).await?;
    env.assert_books_from_logs(&escrow).await?;
    assert_eq!(
        StETH::new(env.steth, &env.provider).sharesOf(bob).call().await?,
        U256::from(25 * ETHER - drawn_of(25).get())
    );
    assert_eq!(
        WstETH::new(env.wsteth, &env.provider).balanceOf(env.beneficiary()).call().await?,
        U256::from(drawn_of(50).get())
    );
    assert_eq!(
        escrow.refund(bob, 0, Asset::Eth).execute(alice).await,
        Err(EscrowError::NothingToReturn { id: position }.into())
    );
    Ok(())
}

#[tokio::test]
async fn an_amended_rescue_is_left_declined_and_ended() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob, guardian) = (env.alice(), env.bob(), env.guardian());
    env.pledge_all(&escrow).await?;
    let terms = escrow.terms().await?;
    let goal = Goal { target: wei(200), deadline: terms.deadline + 60, terms_hash: B256::repeat_byte(8) };
    escrow.amend(goal)?.execute(guardian).await?;
    env.assert_books_from_logs(&escrow).await?;
    let amendment = escrow.rescue().await?.amendment.expect("an amendment is pending");
    assert_eq!(amendment.goal, goal);
    let pending = escrow.amend(goal)?.simulate(guardian).await.unwrap_err();
    let effective_at = amendment.in_force_from;
    assert!(
        matches!(pending, Error::Refused(EscrowError::AmendmentPending { effective_at: at, .. }) if at == effective_at)
    );

    let exited = escrow.exit(1, Asset::StEth, bob).execute(alice).await?;
    let position = PositionId { pledger: alice, tier: 1, asset: Asset::StEth };
    assert_eq!(exited.events, [Event::Exited { position, recipient: bob, amount: units(25) }]);
    env.assert_books_from_logs(&escrow).await?;
    env.warp(effective_at).await?;
    env.assert_books_from_logs(&escrow).await?;
    assert_eq!(
        escrow.terms().await?,
        Terms { target: wei(200), deadline: goal.deadline, terms_hash: goal.terms_hash, ..terms }
    );

    escrow.amend(Goal { target: wei(300), ..goal })?.execute(guardian).await?;
    let declined = escrow.decline(bob, 0, Asset::Eth).execute(guardian).await?;
    let position = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
    assert_eq!(declined.events, [Event::Declined { position, amount: units(40) }]);
    let cancelled = escrow.cancel().execute(guardian).await?;
    let failed_at = env.time().await?;
    assert_eq!(cancelled.events, [Event::Failed { reason: FailReason::EndedByGuardian, failed_at }]);
    env.assert_books_from_logs(&escrow).await?;
    env.warp(effective_at + 86_400 * 2).await?;
    env.assert_books_from_logs(&escrow).await?;
    assert_eq!(escrow.rescue().await?.terms.target, wei(200), "what was pending has died");
    escrow.refund(alice, 1, Asset::WstEth).execute(bob).await?;
    env.assert_books_from_logs(&escrow).await
}

#[tokio::test]
async fn objections_cancel_and_what_is_not_collected_lapses() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob) = (env.alice(), env.bob());
    env.pledge_all(&escrow).await?;
    escrow.settle().execute(bob).await?;
    let settled_at = env.time().await?;
    env.warp(settled_at + 3_600).await?;
    escrow.object(1, Asset::StEth).execute(alice).await?;
    env.assert_books_from_logs(&escrow).await?;
    let position = PositionId { pledger: alice, tier: 1, asset: Asset::StEth };
    assert_eq!(
        escrow.object(1, Asset::StEth).simulate(alice).await,
        Err(EscrowError::AlreadyObjected { id: position }.into())
    );
    let executed = escrow.object(1, Asset::WstEth).execute(alice).await?;
    let cancelled_at = env.time().await?;
    assert_eq!(executed.events[1..], [Event::Cancelled { kept: 1, cancelled_at }]);
    env.assert_books_from_logs(&escrow).await?;

    escrow.release(Asset::Eth).execute(bob).await?;
    env.assert_books_from_logs(&escrow).await?;
    let limit = cancelled_at + 7_200;
    let early = escrow.lapse().simulate(bob).await.unwrap_err();
    assert!(matches!(early, Error::Refused(EscrowError::TooEarly { limit: l, .. }) if l == limit), "{early}");
    env.warp(limit + 1).await?;
    let lapsed = escrow.lapse().execute(bob).await?;
    let lapsed_at = env.time().await?;
    assert_eq!(lapsed.events, [Event::Lapsed { lapsed_at }, Event::Finalized { final_at: lapsed_at }]);
    env.assert_books_from_logs(&escrow).await?;
    let page = escrow.rescue().await?;
    assert_eq!((page.status, page.cancelled_at), (Status::Cancelled, Some(cancelled_at)));
    assert_eq!(page.kept, PerAsset::from_fn(|asset| u8::from(asset == Asset::Eth)));
    Ok(())
}

#[tokio::test]
async fn past_the_deadline_the_logs_foresee_what_settling_gives() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    env.pledge_all(&escrow).await?;
    let deadline = escrow.terms().await?.deadline;
    env.warp(deadline + 1).await?;
    env.assert_books_from_logs(&escrow).await?;
    let page = escrow.rescue().await?;
    assert_eq!((page.status, page.drawn, page.settled_at), (Status::Settled, wei(100), None));

    let steth = StETH::new(env.steth, &env.provider);
    steth.setTotalPooledEther(U256::from(12 * ETHER)).send().await?.get_receipt().await?;
    env.assert_books_from_logs(&escrow).await?;
    let page = escrow.rescue().await?;
    assert_eq!((page.status, page.fail_reason), (Status::Failed, Some(FailReason::NoThresholdMet)));
    Ok(())
}

#[tokio::test]
async fn a_rescue_whose_rate_cannot_be_read_expires() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    env.pledge_all(&escrow).await?;
    let deadline = escrow.terms().await?.deadline;
    let code = env.provider.get_code_at(env.steth).await?;
    // INVALID: every call fails.
    env.provider.anvil_set_code(env.steth, bytes!("fe")).await?;
    env.warp(deadline + 1).await?;
    env.assert_books_from_logs(&escrow).await?;
    let page = escrow.rescue().await?;
    assert_eq!((page.status, page.rate, page.coverage), (Status::Open, ShareRate::Unreadable, None));
    assert_eq!(escrow.settle().simulate(env.bob()).await, Err(EscrowError::RateUnreadable.into()));

    env.warp(deadline + 7_201).await?;
    escrow.expire().execute(env.bob()).await?;
    assert_eq!(escrow.rescue().await?.fail_reason, Some(FailReason::RateUnreadable));
    env.assert_books_from_logs(&escrow).await?;
    env.provider.anvil_set_code(env.steth, code).await?;
    env.assert_books_from_logs(&escrow).await
}

#[tokio::test]
async fn refusals_carry_their_facts() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob) = (env.alice(), env.bob());
    let refused = |call: levee::Call<_>| async move { call.execute(bob).await.unwrap_err() };

    let tier = refused(escrow.pledge_eth(bob, 2, wei(1))).await;
    assert_eq!(tier, EscrowError::UnknownTier { tier: 2, count: 2 }.into());
    let guardian = env.guardian();
    assert_eq!(refused(escrow.cancel()).await, EscrowError::NotGuardian { caller: bob, guardian }.into());
    escrow.pledge_eth(bob, 0, wei(7)).execute(bob).await?;
    let coverage = EscrowError::CoverageTooLow { coverage: wei(7), required: wei(100) };
    assert_eq!(refused(escrow.settle()).await, coverage.into());
    assert!(refused(escrow.settle()).await.is_users());
    let poor = refused(escrow.pledge_eth(bob, 0, wei(1_000_000))).await;
    assert!(matches!(poor, Error::InsufficientFunds { account, .. } if account == bob), "{poor}");

    let unapproved = escrow.pledge_steth(alice, 1, Shares::new(1_000)).simulate(alice).await;
    assert_eq!(unapproved, Err(Error::TokenRefused { reason: "ALLOWANCE_EXCEEDED".to_owned() }));
    assert_eq!(escrow.steth_shares(Wei::new(1_200)).await?, Shares::new(1_000));
    assert!(escrow.approval(bob, Asset::Eth, units(1)).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn an_approval_of_steth_outlasts_rebases_of_a_hundredth() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, steth) = (env.alice(), StETH::new(env.steth, &env.provider));
    env.approve(&escrow, Asset::StEth, units(25)).await?;
    let allowed = steth.allowance(alice, escrow.address()).call().await?;
    assert_eq!(allowed, U256::from(30 * ETHER + 30 * ETHER / 100 + 1));
    let rebase = |ether: u128| steth.setTotalPooledEther(U256::from(ether * ETHER));
    rebase(1_213).send().await?.get_receipt().await?;
    assert!(escrow.approval(alice, Asset::StEth, units(25)).await?.is_some());
    rebase(1_212).send().await?.get_receipt().await?;
    escrow.pledge_steth(alice, 1, Shares::new(25 * ETHER)).execute(alice).await?;
    Ok(())
}

#[tokio::test]
async fn a_transaction_may_wait_or_fail_in_its_block() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let deadline = escrow.terms().await?.deadline;
    env.provider.anvil_set_auto_mine(false).await?;
    let sent = escrow.pledge_eth(env.bob(), 0, wei(1)).send(env.bob()).await?;
    let (transaction, waited) = (sent.transaction(), Duration::from_millis(50));
    assert_eq!(sent.wait(waited).await, Err(Error::NotMined { transaction, waited }));
    env.warp(deadline + 1).await?;
    assert_eq!(sent.wait(Duration::from_secs(10)).await, Err(Error::FailedInBlock { transaction }));
    Ok(())
}

#[tokio::test]
async fn a_node_that_is_not_there_is_named_without_its_key() -> Result<()> {
    let env = Environment::start().await?;
    let url = format!("{}/?key=SECRET", env.endpoint()).parse()?;
    assert_eq!(
        provider::read_only(&url, Some(1)).await.err(),
        Some(Error::WrongChain { expected: 1, actual: CHAIN })
    );
    drop(env);
    let error = provider::read_only(&url, Some(1)).await.expect_err("no node is left");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(!error.is_users());
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("http://localhost:") && !shown.contains("SECRET"), "{shown}");
    Ok(())
}
