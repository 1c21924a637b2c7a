//! The escrow: created once, used in all ways, refusing with its facts.

use crate::environment::{CHAIN, ETHER, Environment, pledge};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, bytes},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    transports::http::reqwest,
};
use eyre::Result;
use levee::{
    AccountView, Allowance, Blueprint, CREATE2_DEPLOYER, Confirmations, Contract, Deployment, Error, Escrow,
    Event, RedactedError, Refusal, RescueEvent, ShareRate,
    bindings::{PledgeEscrow, StETH, WstETH},
    model::{
        Amount, Asset, Bps, EndReason, Goal, Operation as O, PerAsset, PositionId, Rate, Shares, Status,
        Terms, TermsError, Tier, Units, Wei,
    },
    outbox::Journal,
    provider::{self, Nodes},
};
use std::{error::Error as StdError, iter, time::Duration};

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
    let blueprint = Blueprint::escrow(&terms)?;
    let address = blueprint.address();
    let missing = Error::NoCode { contract: Contract::PledgeEscrow, address };
    assert_eq!(blueprint.verify(&env.provider).await, Err(missing));

    let first = blueprint.deploy(&env.outbox(env.alice())).await?;
    let Deployment::Created { address: created, executed } = first else { panic!("{first:?}") };
    assert_eq!(created, address);
    assert_eq!(executed.events, [Event::Rescue(RescueEvent::Created { terms: terms.clone() })]);
    let block = env.provider.get_block_number().await?;

    let again = blueprint.deploy(&env.outbox(env.bob())).await?;
    assert_eq!(again, Deployment::Already { address });
    assert_eq!(env.provider.get_block_number().await?, block);
    let escrow = Escrow::open(env.provider.clone(), CHAIN, address).await?;
    assert_eq!(escrow.terms().await?, terms);
    assert_eq!((escrow.original_terms(), escrow.created_block().await?), (&terms, executed.block));
    env.assert_books_from_logs(&escrow).await
}

#[tokio::test]
async fn a_deployment_that_cannot_succeed_is_refused_before_anything_is_sent() -> Result<()> {
    let env = Environment::start().await?;
    let (terms, time) = (env.terms().await?, env.time().await?);
    let env = &env;
    let try_with = |terms: Terms| async move {
        let blueprint = Blueprint::escrow(&terms).expect("it can be encoded");
        blueprint.deploy(&env.outbox(env.alice())).await.unwrap_err()
    };

    let wrong_chain = Blueprint::escrow(&terms)?.deploy(&env.outbox_on(1, env.alice())).await;
    assert_eq!(wrong_chain, Err(Error::WrongChain { expected: 1, actual: CHAIN }));
    let nobody = env.bob();
    assert_eq!(
        try_with(Terms { wsteth: nobody, ..terms.clone() }).await,
        Error::NoToken { asset: Asset::WstEth, address: nobody }
    );
    let mismatch = Refusal::Terms(TermsError::TokensMismatch { steth: env.wsteth, wsteth: env.steth });
    assert_eq!(
        try_with(Terms { steth: env.wsteth, wsteth: env.steth, ..terms.clone() }).await,
        Error::Refused(mismatch)
    );
    let half = Tier { threshold: Bps::new(5_000), ..terms.tiers[0] };
    assert_eq!(
        try_with(Terms { tiers: vec![half], ..terms.clone() }).await,
        Error::Refused(Refusal::Terms(TermsError::LastThresholdNotFull { threshold: Bps::new(5_000) }))
    );
    let passed = try_with(Terms { deadline: time - 1, ..terms.clone() }).await;
    let is_passed = |e: &Error| matches!(e, Error::Refused(Refusal::Terms(TermsError::DeadlinePassed { deadline, .. })) if *deadline == time - 1);
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
    assert_eq!(open(escrow.address()).await.unwrap_err(), not_levee);
    assert!(!contract.is_code(&code[..code.len() - 1]));
    assert!(!contract.is_code(&[&code[..], &[0]].concat()));
    Ok(())
}

/// Creation code of anyone's that writes `slots` and leaves `code`, as long as it fits 16 bits.
fn counterfeit(slots: &[(u8, B256)], code: &[u8]) -> Bytes {
    let mut head = Vec::new();
    for (slot, word) in slots {
        // PUSH32 word, PUSH1 slot, SSTORE.
        head.extend([&[0x7f], word.as_slice(), &[0x60, *slot, 0x55]].concat());
    }
    let [length, offset] = [code.len(), head.len() + 14].map(|number| (number as u16).to_be_bytes());
    // PUSH2 length, DUP1, PUSH2 offset, PUSH0, CODECOPY, PUSH0, RETURN.
    head.extend(
        [&[0x61], &length[..], &[0x80, 0x61], &offset[..], &[0x5f, 0x39, 0x5f, 0xf3, 0, 0, 0]].concat(),
    );
    [&head, code].concat().into()
}

#[tokio::test]
async fn a_counterfeit_is_refused_whatever_its_books_say() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    env.pledge_all(&escrow).await?;
    let contract = Contract::PledgeEscrow;
    let code = env.provider.get_code_at(escrow.address()).await?;
    let mut books = Vec::new();
    for slot in 0..=40 {
        let word = env.provider.get_storage_at(escrow.address(), U256::from(slot)).await?;
        books.push((slot, B256::from(word)));
    }
    for slots in [&books[..], &[]] {
        let creation = TransactionRequest::default().with_deploy_code(counterfeit(slots, &code));
        let receipt =
            env.provider.send_transaction(creation.with_from(env.bob())).await?.get_receipt().await?;
        let address = receipt.contract_address.expect("it was created");
        assert_eq!(env.provider.get_code_at(address).await?, code, "it looks the same");
        let refused = Escrow::open(env.provider.clone(), CHAIN, address).await.unwrap_err();
        assert_eq!(refused, Error::Counterfeit { contract, address });
        assert!(refused.is_users() && refused.to_string().contains("send nothing to it"), "{refused}");
    }
    // The artifact itself, with zeros for all terms.
    env.provider.anvil_set_code(env.bob(), PledgeEscrow::DEPLOYED_BYTECODE.clone()).await?;
    let refused = Escrow::open(env.provider.clone(), CHAIN, env.bob()).await.unwrap_err();
    assert_eq!(refused, Error::Counterfeit { contract, address: env.bob() });
    Ok(())
}

#[tokio::test]
async fn on_ethereum_the_tokens_are_lidos_or_none() -> Result<()> {
    let env = Environment::on_chain(1).await?;
    let terms = env.terms().await?;
    let foreign = Error::ForeignTokens { chain: 1, steth: env.steth, wsteth: env.wsteth };
    let blueprint = Blueprint::escrow(&terms)?;
    assert_eq!(blueprint.deploy(&env.outbox_on(1, env.alice())).await, Err(foreign.clone()));
    // It can be created without this crate, and then proves itself.
    let input = [blueprint.salt().as_slice(), &blueprint.init_code()].concat();
    let creation = TransactionRequest::default().with_from(env.alice()).with_to(CREATE2_DEPLOYER);
    env.provider.send_transaction(creation.with_input(input)).await?.get_receipt().await?;
    blueprint.verify(&env.provider).await?;
    let opened = Escrow::open(env.provider.clone(), 1, blueprint.address()).await;
    assert_eq!(opened.unwrap_err(), foreign);
    let ether_only = Terms { steth: Address::ZERO, wsteth: Address::ZERO, ..terms };
    let created = Blueprint::escrow(&ether_only)?.deploy(&env.outbox_on(1, env.alice())).await?;
    Escrow::open(env.provider.clone(), 1, created.address()).await?;
    Ok(())
}

#[tokio::test]
async fn an_amended_escrow_still_proves_itself() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let original = escrow.original_terms().clone();
    let goal = Goal { target: wei(70), deadline: original.deadline + 60, terms_hash: B256::ZERO };
    escrow.call(O::Amend(goal))?.execute(&env.outbox(env.guardian())).await?;
    env.warp(escrow.pledging().await?.latest_amendment()).await?;
    let again = Escrow::open(env.provider.clone(), CHAIN, escrow.address()).await?;
    assert_eq!(again.original_terms(), &original);
    assert_eq!(again.terms().await?.target, wei(70));
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

    let executed = escrow.call(O::Settle)?.execute(&env.outbox(bob)).await?;
    let [Event::Rescue(RescueEvent::Settled { threshold, drawn, ref draws, settled_at, .. })] =
        executed.events[..]
    else {
        panic!("{:?}", executed.events)
    };
    let drawn_of = |total: u128| Units::new(total * ETHER * 100 / 130);
    let none = Units::ZERO;
    assert_eq!((threshold, drawn), (Bps::ONE, wei(100)));
    assert_eq!(draws[..], [drawn_of(40), none, none, none, drawn_of(25), drawn_of(50)]);
    env.assert_books_from_logs(&escrow).await?;

    env.warp(settled_at + 3_600).await?;
    let released = escrow.call(O::Release(Asset::WstEth))?.execute(&env.outbox(bob)).await?;
    let half = Units::new(drawn_of(50).get() / 2);
    assert_eq!(
        released.events,
        [Event::Rescue(RescueEvent::Released { asset: Asset::WstEth, tranches: 1, amount: half })]
    );
    env.assert_books_from_logs(&escrow).await?;
    assert_eq!(
        escrow.call(O::Release(Asset::WstEth))?.simulate(bob).await,
        Err(Refusal::NothingDue { asset: Asset::WstEth, due: 1, delivered: 1 }.into())
    );

    env.warp(settled_at + 7_200).await?;
    for asset in Asset::ALL {
        escrow.call(O::Release(asset))?.execute(&env.outbox(bob)).await?;
        env.assert_books_from_logs(&escrow).await?;
    }
    assert_eq!(escrow.status().await?, Status::Released);
    let position = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
    let back = Units::new(40 * ETHER - drawn_of(40).get());
    let refunded = escrow.call(O::Refund(position))?.execute(&env.outbox(alice)).await?;
    assert_eq!(
        refunded.events,
        [Event::Rescue(RescueEvent::Refunded { position, recipient: bob, amount: back })]
    );
    escrow.call(O::RefundTo { tier: 1, asset: Asset::StEth, to: bob })?.execute(&env.outbox(alice)).await?;
    let wrapped = PositionId { pledger: alice, tier: 1, asset: Asset::WstEth };
    escrow.call(O::Refund(wrapped))?.execute(&env.outbox(bob)).await?;
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
        escrow.call(O::Refund(position))?.execute(&env.outbox(alice)).await,
        Err(Refusal::NothingToReturn { id: position }.into())
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
    escrow.call(O::Amend(goal))?.execute(&env.outbox(guardian)).await?;
    env.assert_books_from_logs(&escrow).await?;
    let amendment = escrow.rescue().await?.amendment.expect("an amendment is pending");
    assert_eq!(amendment.goal, goal);
    let pending = escrow.call(O::Amend(goal))?.simulate(guardian).await.unwrap_err();
    let effective_at = amendment.effective_at;
    assert!(
        matches!(pending, Error::Refused(Refusal::AmendmentPending { effective_at: at, .. }) if at == effective_at)
    );

    let exited =
        escrow.call(O::Exit { tier: 1, asset: Asset::StEth, to: bob })?.execute(&env.outbox(alice)).await?;
    let position = PositionId { pledger: alice, tier: 1, asset: Asset::StEth };
    assert_eq!(
        exited.events,
        [Event::Rescue(RescueEvent::Exited { position, recipient: bob, amount: units(25) })]
    );
    env.assert_books_from_logs(&escrow).await?;
    env.warp(effective_at).await?;
    env.assert_books_from_logs(&escrow).await?;
    assert_eq!(
        escrow.terms().await?,
        Terms { target: wei(200), deadline: goal.deadline, terms_hash: goal.terms_hash, ..terms }
    );

    escrow.call(O::Amend(Goal { target: wei(300), ..goal }))?.execute(&env.outbox(guardian)).await?;
    let position = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
    let declined = escrow.call(O::Decline(position))?.execute(&env.outbox(guardian)).await?;
    assert_eq!(declined.events, [Event::Rescue(RescueEvent::Declined { position, amount: units(40) })]);
    let cancelled = escrow.call(O::Cancel)?.execute(&env.outbox(guardian)).await?;
    let failed_at = env.time().await?;
    let reason = EndReason::EndedByGuardian;
    assert_eq!(cancelled.events, [Event::Rescue(RescueEvent::Failed { reason, rate: None, failed_at })]);
    env.assert_books_from_logs(&escrow).await?;
    env.warp(effective_at + 86_400 * 2).await?;
    env.assert_books_from_logs(&escrow).await?;
    assert_eq!(escrow.rescue().await?.terms.target, wei(200), "what was pending has died");
    let wrapped = PositionId { pledger: alice, tier: 1, asset: Asset::WstEth };
    escrow.call(O::Refund(wrapped))?.execute(&env.outbox(bob)).await?;
    env.assert_books_from_logs(&escrow).await
}

#[tokio::test]
async fn objections_cancel_and_what_is_not_collected_lapses() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob) = (env.alice(), env.bob());
    env.pledge_all(&escrow).await?;
    escrow.call(O::Settle)?.execute(&env.outbox(bob)).await?;
    let settled_at = env.time().await?;
    env.warp(settled_at + 3_600).await?;
    escrow.call(O::Object { tier: 1, asset: Asset::StEth })?.execute(&env.outbox(alice)).await?;
    env.assert_books_from_logs(&escrow).await?;
    let position = PositionId { pledger: alice, tier: 1, asset: Asset::StEth };
    assert_eq!(
        escrow.call(O::Object { tier: 1, asset: Asset::StEth })?.simulate(alice).await,
        Err(Refusal::AlreadyObjected { id: position }.into())
    );
    let executed =
        escrow.call(O::Object { tier: 1, asset: Asset::WstEth })?.execute(&env.outbox(alice)).await?;
    let cancelled_at = env.time().await?;
    let reason = EndReason::Vetoed;
    assert_eq!(
        executed.events[1..],
        [Event::Rescue(RescueEvent::Cancelled { reason, kept: 1, cancelled_at })]
    );
    env.assert_books_from_logs(&escrow).await?;

    escrow.call(O::Release(Asset::Eth))?.execute(&env.outbox(bob)).await?;
    env.assert_books_from_logs(&escrow).await?;
    let limit = cancelled_at + 7_200;
    let early = escrow.call(O::Lapse)?.simulate(bob).await.unwrap_err();
    assert!(matches!(early, Error::Refused(Refusal::TooEarly { limit: l, .. }) if l == limit), "{early}");
    env.warp(limit + 1).await?;
    let lapsed = escrow.call(O::Lapse)?.execute(&env.outbox(bob)).await?;
    let lapsed_at = env.time().await?;
    assert_eq!(
        lapsed.events,
        [
            Event::Rescue(RescueEvent::Lapsed { lapsed_at }),
            Event::Rescue(RescueEvent::Finalized { final_at: lapsed_at })
        ]
    );
    env.assert_books_from_logs(&escrow).await?;
    let page = escrow.rescue().await?;
    assert_eq!((page.status, page.end_reason), (Status::Cancelled, Some(EndReason::Vetoed)));
    assert_eq!((page.cancelled_at, page.lapsed_at), (Some(cancelled_at), Some(lapsed_at)));
    assert_eq!(page.kept, PerAsset::from_fn(|asset| u8::from(asset == Asset::Eth)));
    Ok(())
}

#[tokio::test]
async fn what_a_veto_stops_is_held_until_its_time_or_the_guardian_lifts_it() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob) = (env.alice(), env.bob());
    env.pledge_all(&escrow).await?;
    escrow.call(O::Settle)?.execute(&env.outbox(bob)).await?;
    let settled_at = env.time().await?;
    escrow.call(O::Object { tier: 1, asset: Asset::WstEth })?.execute(&env.outbox(alice)).await?;
    let page = escrow.rescue().await?;
    assert_eq!((page.end_reason, page.returns_by_calendar), (Some(EndReason::Vetoed), true));
    let all = |count: u8| PerAsset::from_fn(|_| count);
    assert_eq!((page.kept, page.held, page.next_tranche_at), (all(0), all(2), Some(settled_at + 3_600)));
    env.assert_books_from_logs(&escrow).await?;
    env.warp(settled_at + 3_600).await?;
    let page = escrow.rescue().await?;
    assert_eq!((page.held, page.next_tranche_at), (all(1), Some(settled_at + 7_200)));
    env.assert_books_from_logs(&escrow).await?;

    let lifted = escrow.call(O::Cancel)?.execute(&env.outbox(env.guardian())).await?;
    assert_eq!(lifted.events, [Event::Rescue(RescueEvent::HoldLifted { lifted_at: env.time().await? })]);
    let page = escrow.rescue().await?;
    assert_eq!((page.held, page.returns_by_calendar, page.next_tranche_at), (all(0), false, None));
    assert_eq!((page.end_reason, page.due), (Some(EndReason::Vetoed), 1));
    env.assert_books_from_logs(&escrow).await
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
    assert_eq!((page.status, page.end_reason), (Status::Failed, Some(EndReason::NoThresholdMet)));
    // Once it is decided, the rate stays the one that decided it.
    let failed = escrow.call(O::Settle)?.execute(&env.outbox(env.bob())).await?;
    let [Event::Rescue(RescueEvent::Failed { rate, .. })] = failed.events[..] else {
        panic!("{:?}", failed.events)
    };
    assert_eq!(rate, Rate::new(12 * 10u128.pow(24)));
    steth.setTotalPooledEther(U256::from(1_200 * ETHER)).send().await?.get_receipt().await?;
    env.assert_books_from_logs(&escrow).await?;
    assert_eq!(escrow.rescue().await?.rate, ShareRate::Known(rate.expect("a rate")));
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
    assert_eq!(escrow.call(O::Settle)?.simulate(env.bob()).await, Err(Refusal::RateUnreadable.into()));

    env.warp(deadline + 7_201).await?;
    escrow.call(O::Expire)?.execute(&env.outbox(env.bob())).await?;
    assert_eq!(escrow.rescue().await?.end_reason, Some(EndReason::RateUnreadable));
    env.assert_books_from_logs(&escrow).await?;
    env.provider.anvil_set_code(env.steth, code).await?;
    env.assert_books_from_logs(&escrow).await
}

#[tokio::test]
async fn refusals_carry_their_facts() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob) = (env.alice(), env.bob());
    let outbox = &env.outbox(bob);
    let refused = |call: levee::Call<_>| async move { call.execute(outbox).await.unwrap_err() };

    let tier = refused(escrow.call(pledge(bob, 2, 0, Amount::Eth(wei(1))))?).await;
    assert_eq!(tier, Refusal::UnknownTier { tier: 2, count: 2 }.into());
    let guardian = env.guardian();
    assert_eq!(refused(escrow.call(O::Cancel)?).await, Refusal::NotGuardian { caller: bob, guardian }.into());
    escrow.call(pledge(bob, 0, 0, Amount::Eth(wei(7))))?.execute(&env.outbox(bob)).await?;
    let coverage = Refusal::CoverageTooLow { coverage: wei(7), required: wei(100) };
    assert_eq!(refused(escrow.call(O::Settle)?).await, coverage.into());
    assert!(refused(escrow.call(O::Settle)?).await.is_users());
    let poor = refused(escrow.call(pledge(bob, 0, 0, Amount::Eth(wei(1_000_000))))?).await;
    assert!(matches!(poor, Error::InsufficientFunds { account, .. } if account == bob), "{poor}");

    let unapproved =
        escrow.call(pledge(alice, 1, 0, Amount::StEth(Shares::new(1_000))))?.simulate(alice).await;
    assert_eq!(unapproved, Err(Error::TokenRefused { reason: "ALLOWANCE_EXCEEDED".to_owned() }));
    assert_eq!(escrow.steth_shares(Wei::new(1_200)).await?, Shares::new(1_000));
    let account = AccountView::default();
    assert!(escrow.approval(&account, Amount::Eth(wei(1)), Allowance::Exact).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn an_approval_is_exact_or_outlasts_rebases_of_a_hundredth() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, steth) = (env.alice(), StETH::new(env.steth, &env.provider));
    let spender = escrow.address();
    let rebase = |wei: u128| steth.setTotalPooledEther(U256::from(wei));
    let approve = |allowance| env.approval(&escrow, units(25).of(Asset::StEth), allowance);
    let pledge = escrow.call(pledge(alice, 1, 0, Amount::StEth(Shares::new(25 * ETHER))))?;

    env.approve(&escrow, Asset::StEth, units(25)).await?;
    assert_eq!(steth.allowance(alice, spender).call().await?, U256::from(30 * ETHER));
    // One wei a share more makes 25 wei more of them than were approved.
    rebase(1_200 * ETHER + 1_000).send().await?.get_receipt().await?;
    let reason = "ALLOWANCE_EXCEEDED".to_owned();
    assert_eq!(pledge.simulate(alice).await, Err(Error::TokenRefused { reason }));
    approve(Allowance::Exact).await?.expect("it is too little").execute(&env.outbox(alice)).await?;
    assert_eq!(steth.allowance(alice, spender).call().await?, U256::from(30 * ETHER + 25));
    pledge.execute(&env.outbox(alice)).await?;
    assert_eq!(steth.allowance(alice, spender).call().await?, U256::ZERO, "used up");

    rebase(1_200 * ETHER).send().await?.get_receipt().await?;
    approve(Allowance::WithRoom).await?.expect("none is left").execute(&env.outbox(alice)).await?;
    assert_eq!(steth.allowance(alice, spender).call().await?, U256::from(30 * ETHER + 30 * ETHER / 100 + 1));
    rebase(1_213 * ETHER).send().await?.get_receipt().await?;
    assert!(approve(Allowance::Exact).await?.is_some());
    rebase(1_212 * ETHER).send().await?.get_receipt().await?;
    assert!(approve(Allowance::Exact).await?.is_none());
    pledge.execute(&env.outbox(alice)).await?;
    Ok(())
}

#[tokio::test]
async fn a_pledge_names_the_amendment_that_its_sender_was_shown() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (bob, guardian) = (env.bob(), env.guardian());
    assert_eq!(escrow.pledging().await?.latest_amendment(), 0);
    let old = escrow.call(pledge(bob, 0, 0, Amount::Eth(wei(1))))?;
    old.simulate(bob).await?;
    let goal = Goal { target: wei(50), ..Goal::from(escrow.original_terms()) };
    let goal = Goal { deadline: goal.deadline + 60, ..goal };
    escrow.call(O::Amend(goal))?.execute(&env.outbox(guardian)).await?;
    let shown = escrow.pledging().await?;
    let effective_at = shown.latest_amendment();
    assert_eq!(effective_at, env.time().await? + 1_800);
    assert_eq!(escrow.rescue().await?.latest_amendment(), effective_at);
    assert_eq!(
        (shown.status, shown.target, shown.amendment.map(|a| a.goal)),
        (Status::Open, wei(100), Some(goal))
    );
    let differs = Refusal::AmendmentDiffers { named: 0, latest: effective_at };
    assert_eq!(old.simulate(bob).await, Err(differs.into()));
    escrow.call(pledge(bob, 0, effective_at, Amount::Eth(wei(1))))?.execute(&env.outbox(bob)).await?;
    env.warp(effective_at).await?;
    assert_eq!(escrow.pledging().await?.target, wei(50));
    escrow.call(pledge(bob, 0, effective_at, Amount::Eth(wei(1))))?.execute(&env.outbox(bob)).await?;
    env.assert_books_from_logs(&escrow).await
}

#[tokio::test]
async fn what_could_not_be_paid_is_owed_and_collected() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let (alice, bob, guardian) = (env.alice(), env.bob(), env.guardian());
    env.pledge_all(&escrow).await?;
    let goal = Goal { target: wei(200), ..Goal::from(escrow.original_terms()) };
    escrow.call(O::Amend(goal))?.execute(&env.outbox(guardian)).await?;
    let code = env.provider.get_code_at(env.steth).await?;
    env.provider.anvil_set_code(env.steth, bytes!("fe")).await?;
    let exited =
        escrow.call(O::Exit { tier: 1, asset: Asset::StEth, to: bob })?.execute(&env.outbox(alice)).await?;
    let position = PositionId { pledger: alice, tier: 1, asset: Asset::StEth };
    let (amount, asset) = (units(25), Asset::StEth);
    let exit = Event::Rescue(RescueEvent::Exited { position, recipient: bob, amount });
    assert_eq!(exited.events, [exit, Event::Rescue(RescueEvent::Owed { pledger: alice, asset, amount })]);
    let expected = PerAsset::from_fn(|a| if a == asset { amount } else { Units::ZERO });
    assert_eq!(escrow.owed(alice).await?, expected);
    assert_eq!(escrow.position(position).await?.departures, 1);
    let broken = escrow.call(O::Collect { pledger: alice, asset })?.simulate(bob).await;
    assert_eq!(broken, Err(Refusal::PaymentFailed { recipient: alice, asset, amount }.into()));

    env.provider.anvil_set_code(env.steth, code).await?;
    env.assert_books_from_logs(&escrow).await?;
    let collected = escrow.call(O::CollectTo { asset, to: bob })?.execute(&env.outbox(alice)).await?;
    assert_eq!(
        collected.events,
        [Event::Rescue(RescueEvent::Collected { pledger: alice, asset, recipient: bob, amount })]
    );
    let nothing = escrow.call(O::Collect { pledger: alice, asset })?.simulate(bob).await;
    assert_eq!(nothing, Err(Refusal::NothingOwed { pledger: alice, asset }.into()));
    env.assert_books_from_logs(&escrow).await
}

#[tokio::test]
async fn a_transaction_may_wait_or_fail_in_its_block() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let deadline = escrow.terms().await?.deadline;
    env.provider.anvil_set_auto_mine(false).await?;
    let waited = Duration::from_millis(50);
    let outbox = env.outbox(env.bob()).waiting(Confirmations::default(), waited);
    let pledge = escrow.call(pledge(env.bob(), 0, 0, Amount::Eth(wei(1))))?;
    let Err(Error::NotMined { transaction, .. }) = pledge.execute(&outbox).await else { panic!("no block") };
    env.warp(deadline + 1).await?;
    let [intent] = &outbox.journal().unfinished(CHAIN, env.bob()).await?[..] else { panic!("one intent") };
    assert_eq!(outbox.resume(intent).await, Err(Error::FailedInBlock { transaction }));
    assert_eq!(outbox.journal().unfinished(CHAIN, env.bob()).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_node_that_is_not_there_is_named_without_its_key() -> Result<()> {
    let env = Environment::start().await?;
    let url = format!("{}/?key=SECRET", env.endpoint()).parse()?;
    let node = Nodes::new([url])?.with_patience(Duration::from_secs(2)).read_only();
    let wrong = provider::check_chain(&node, 1).await;
    assert_eq!(wrong, Err(Error::WrongChain { expected: 1, actual: CHAIN }));
    drop(env);
    let error = provider::check_chain(&node, 1).await.expect_err("no node is left");
    // It may come back, because it was there.
    assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
    assert!(!error.is_users());
    let chain: Vec<&dyn StdError> =
        iter::successors(Some(&error as &dyn StdError), |&error| error.source()).collect();
    let shown: String = chain.iter().map(|error| format!("{error} {error:?} {error:#?}\n")).collect();
    assert!(shown.contains("http://localhost:") && !shown.contains("SECRET"), "{shown}");
    let secrets = chain.iter().filter_map(|error| error.downcast_ref()).map(RedactedError::secret);
    assert!(secrets.filter(|error| error.is::<reqwest::Error>()).count() > 0, "{shown}");
    Ok(())
}
