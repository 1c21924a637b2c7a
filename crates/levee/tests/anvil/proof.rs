//! Rescues proven from their address, and nodes that lie about them.

use crate::{
    environment::{CHAIN, ETHER, Environment, pledge},
    snapshot::largest_rescue,
};
use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
};
use eyre::{OptionExt as _, Result};
use levee::{
    AccountView, Blueprint, Contract, Error, Escrow, Query, Snapshot,
    bindings::{StETH, WstETH},
    model::{Amount, Asset, EndReason, Goal, Operation as O, PositionId, Shares, Status, Terms, Units, Wei},
    proof::{Evidence, Question, Role, Shortfall, Unproven, Verified},
    provider,
};
use levee_lab::{
    proxy::{OwnCode, Proxy, Reply},
    source,
};

const ETH_ONLY: [&str; 5] =
    ["eth_getBlockByNumber", "eth_call", "eth_getProof", "eth_getProof", "eth_getProof"];

fn question(rescue: Address, account: Option<Address>) -> Question {
    Question { rescue, account, block_hash: None, chain: Some(CHAIN) }
}

/// What is proven of a rescue and of an account in it, through a proxy, which counts the requests.
async fn prove(env: &Environment, rescue: Address, account: Address) -> Result<(Verified, Vec<String>)> {
    let proxy = Proxy::start(&env.endpoint(), OwnCode::Runs);
    let node = provider::read_only(&proxy.url().parse()?)?;
    let question = question(rescue, Some(account));
    let evidence = question.ask(&node).await?;
    // Evidence is the same in a file.
    let read: Evidence = serde_json::from_str(&serde_json::to_string(&evidence)?)?;
    assert_eq!(read, evidence);
    Ok((read.check(&question)?, proxy.methods()))
}

/// Asserts that all that is proven is what the views say, and what the chain says of balances.
async fn assert_proven(
    env: &Environment,
    escrow: &Escrow<DynProvider>,
    pledger: Address,
) -> Result<Verified> {
    let rescue = escrow.address();
    let (proven, _) = prove(env, rescue, pledger).await?;
    let mut said = Query::of(rescue).account(pledger).read(&env.provider, None).await?;
    let AccountView { positions, owed, .. } = said.account;
    said.account = AccountView { positions, owed, ..AccountView::default() };
    assert_eq!(proven.snapshot, said);
    let header = env.provider.get_block(BlockId::latest()).await?.ok_or_eyre("a block")?.header;
    assert_eq!((proven.block_hash, said.block.number), (header.hash, header.number));
    let wei = env.provider.get_balance(rescue).await?;
    let shares = StETH::new(env.steth, &env.provider).sharesOf(rescue).call().await?;
    let units = WstETH::new(env.wsteth, &env.provider).balanceOf(rescue).call().await?;
    let balances = [
        Amount::Eth(Wei::new(wei.to())),
        Amount::StEth(Shares::new(shares.to())),
        Amount::WstEth(Units::new(units.to())),
    ];
    assert_eq!(proven.balances, balances);
    Ok(proven)
}

/// Makes calls as Alice, one after the other.
async fn by_alice(env: &Environment, escrow: &Escrow<DynProvider>, calls: &[O]) -> Result<()> {
    for &call in calls {
        escrow.call(call)?.execute(&env.outbox(env.alice())).await?;
    }
    Ok(())
}

fn id(pledger: Address, tier: u8, asset: Asset) -> PositionId {
    PositionId { pledger, tier, asset }
}

#[tokio::test]
async fn a_rescue_of_24_pots_is_proven_through_its_life() -> Result<()> {
    let env = Environment::start().await?;
    let (alice, escrow) = (env.alice(), largest_rescue(&env).await?);
    by_alice(&env, &escrow, &[O::AddBonus { sponsor: alice, amount: Wei::new(ETHER) }]).await?;
    let proven = assert_proven(&env, &escrow, alice).await?.snapshot;
    assert_eq!((proven.rescue.pots.len(), proven.account.positions.len()), (24, 24));

    // Nearly all is drawn of a lower target; Alice leaves one position before.
    let now = env.time().await?;
    let terms = escrow.original_terms();
    let goal =
        Goal { target: Wei::new(24 * ETHER), deadline: now + 80_000, terms_hash: B256::repeat_byte(9) };
    escrow.call(O::Amend(goal))?.execute(&env.outbox(env.guardian())).await?;
    let pending = assert_proven(&env, &escrow, alice).await?.snapshot.rescue;
    assert_eq!(
        (pending.terms.target, pending.amendment.map(|amendment| amendment.goal)),
        (terms.target, Some(goal))
    );
    by_alice(&env, &escrow, &[O::Exit { tier: 3, asset: Asset::Eth, to: alice }]).await?;
    assert_eq!(assert_proven(&env, &escrow, alice).await?.snapshot.account.positions.len(), 23);

    env.warp(now + 4_000).await?;
    let in_force = assert_proven(&env, &escrow, alice).await?.snapshot.rescue;
    assert_eq!((in_force.terms.target, in_force.terms.deadline), (goal.target, goal.deadline));
    by_alice(&env, &escrow, &[O::Settle, O::Object { tier: 0, asset: Asset::StEth }]).await?;
    let settled = assert_proven(&env, &escrow, alice).await?;
    assert_eq!(
        (settled.snapshot.rescue.status, settled.snapshot.rescue.drawn),
        (Status::Settled, goal.target)
    );
    assert!(!settled.unproven.iter().any(|what| matches!(what, Unproven::ShareRate { .. })));

    env.warp(env.time().await? + 3_700).await?;
    by_alice(&env, &escrow, &[O::Release(Asset::Eth), O::Refund(id(alice, 7, Asset::StEth))]).await?;
    let released = assert_proven(&env, &escrow, alice).await?.snapshot.rescue;
    assert_eq!((released.delivered[Asset::Eth], released.delivered[Asset::StEth]), (1, 0));

    env.warp(env.time().await? + 3_700).await?;
    by_alice(&env, &escrow, &Asset::ALL.map(O::Release)).await?;
    assert_eq!(assert_proven(&env, &escrow, alice).await?.snapshot.rescue.status, Status::Released);
    by_alice(&env, &escrow, &[O::Recover(Wei::new(ETHER))]).await?;
    env.warp(env.time().await? + 10_000_000).await?;
    let owing = assert_proven(&env, &escrow, alice).await?.snapshot.recovery.ok_or_eyre("it is created")?;
    assert!(owing.groups.iter().any(|group| !group.interest.is_zero() && !group.received.is_zero()));
    let claim = O::Claim(id(alice, 7, Asset::StEth));
    by_alice(&env, &escrow, &[claim, O::TakeBack { sponsor: alice }]).await?;
    let proven = assert_proven(&env, &escrow, alice).await?.snapshot;
    assert_eq!(
        proven.bonus.and_then(|bonus| bonus.decision).map(|decision| decision.pledgers),
        Some(Wei::ZERO)
    );
    let claimed = proven.account.positions.iter().filter_map(|line| line.earnings).map(|paid| paid.claimed);
    assert!(claimed.sum::<Wei>() > Wei::ZERO);
    Ok(())
}

/// The rescue fails, so that pledgers share the bonus, and one position is refunded.
#[tokio::test]
async fn a_rescue_that_fails_is_proven() -> Result<()> {
    let env = Environment::start().await?;
    let (alice, escrow) = (env.alice(), largest_rescue(&env).await?);
    by_alice(&env, &escrow, &[O::AddBonus { sponsor: alice, amount: Wei::new(ETHER) }]).await?;
    let terms = escrow.original_terms();
    env.warp(terms.deadline + 1).await?;
    // Nobody has settled it: the views settle it by Lido's rate, which no proof shows.
    let late = assert_proven(&env, &escrow, alice).await?;
    assert_eq!(late.snapshot.rescue.status, Status::Failed);
    assert!(late.unproven.iter().any(|what| matches!(what, Unproven::ShareRate { .. })));
    by_alice(&env, &escrow, &[O::Settle, O::Refund(id(alice, 2, Asset::WstEth))]).await?;
    env.warp(terms.deadline + u64::from(terms.exit_window) + 1).await?;
    by_alice(&env, &escrow, &[O::ClaimBonus(id(alice, 2, Asset::WstEth))]).await?;
    let proven = assert_proven(&env, &escrow, alice).await?;
    let Snapshot { rescue, bonus, account, .. } = &proven.snapshot;
    assert_eq!(rescue.end_reason, Some(EndReason::NoThresholdMet));
    let decision = bonus.as_ref().and_then(|bonus| bonus.decision).ok_or_eyre("it is decided")?;
    assert!(decision.pledgers > Wei::ZERO);
    let claimed = account.positions.iter().filter(|line| line.bonus.is_some_and(|bonus| bonus.share.claimed));
    assert_eq!(claimed.map(|line| line.position.tier).collect::<Vec<_>>(), [2]);
    assert!(!proven.unproven.iter().any(|what| matches!(what, Unproven::ShareRate { .. })));
    Ok(())
}

/// A rescue in ETH only, without pools, in which Bob has pledged.
async fn ether_rescue(env: &Environment) -> Result<Escrow<DynProvider>> {
    let terms = Terms { steth: Address::ZERO, wsteth: Address::ZERO, ..env.terms().await? };
    let address = Blueprint::escrow(&terms)?.deploy(&env.outbox(env.bob())).await?.address();
    let escrow = Escrow::open(env.provider.clone(), CHAIN, address).await?;
    let amount = Amount::Eth(Wei::new(ETHER));
    escrow.call(pledge(env.bob(), 1, 0, amount))?.execute(&env.outbox(env.bob())).await?;
    Ok(escrow)
}

#[tokio::test]
async fn a_proof_takes_five_requests_and_eight_with_tokens() -> Result<()> {
    let env = Environment::start().await?;
    let plain = ether_rescue(&env).await?.address();
    let (proven, asked) = prove(&env, plain, env.bob()).await?;
    assert_eq!(asked, ETH_ONLY);
    assert_eq!(proven.balances, [Amount::Eth(Wei::new(ETHER))]);
    let created = proven.accounts.iter().map(|account| (account.role, account.code_hash.is_some()));
    let expected = [(Role::Escrow, true), (Role::RecoveryPool, false), (Role::BonusPool, false)];
    assert_eq!(created.collect::<Vec<_>>(), expected);
    let beneficiary = Unproven::Beneficiary { address: env.beneficiary() };
    assert_eq!(proven.unproven, [Unproven::Block, Unproven::ChainId { chain: CHAIN }, beneficiary]);

    let largest = largest_rescue(&env).await?.address();
    let (proven, mut asked) = prove(&env, largest, env.alice()).await?;
    asked.sort_unstable();
    let expected = [&["eth_call"; 2][..], &["eth_getBlockByNumber"], &["eth_getProof"; 5]].concat();
    assert_eq!(asked, expected);
    let words: Vec<_> = proven.accounts.iter().map(|account| account.words.len()).collect();
    // The escrow: 7 words, 24 pots, 24 positions and 3 debts. Each position has a word more in one pool, and two in the other.
    assert_eq!(words, [7 + 24 + 24 + 3, 1 + 2 * 8 + 24, 3 + 1 + 2 * 24, 1, 1]);
    Ok(())
}

#[tokio::test]
async fn tokens_that_are_not_known_have_no_proven_balance() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?.address();
    // Code of another token, which answers alike.
    let code = env.provider.get_code_at(env.steth).await?;
    env.provider.anvil_set_code(env.steth, [&code[..], &[0]].concat().into()).await?;
    env.warp(env.time().await? + 1).await?;
    let (proven, _) = prove(&env, escrow, env.bob()).await?;
    assert_eq!(
        proven.balances.iter().map(|balance| balance.asset()).collect::<Vec<_>>(),
        [Asset::Eth, Asset::WstEth]
    );
    for what in [
        Unproven::Balance { asset: Asset::StEth },
        Unproven::Token { asset: Asset::StEth, is_lidos: false },
        Unproven::Token { asset: Asset::WstEth, is_lidos: false },
    ] {
        assert!(proven.unproven.contains(&what), "{what:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_token_that_took_from_the_escrow_is_named() -> Result<()> {
    let env = Environment::start().await?;
    let (alice, escrow) = (env.alice(), largest_rescue(&env).await?);
    let slot = assert_proven(&env, &escrow, alice).await?.accounts[3].words[0].slot;
    // What is short when the escrow has so many shares.
    let with = async |units: u128| -> Result<Vec<Shortfall>> {
        env.provider.anvil_set_storage_at(env.steth, slot.into(), U256::from(units).into()).await?;
        env.warp(env.time().await? + 1).await?;
        Ok(assert_proven(&env, &escrow, alice).await?.shortfalls)
    };
    let short = |units: u128| {
        let [held, booked] = [units - 1, units].map(|units| Amount::StEth(Shares::new(units)));
        Shortfall { held, booked }
    };
    let pledged = 8 * ETHER;
    assert_eq!((with(pledged).await?, with(pledged - 1).await?), (vec![], vec![short(pledged)]));

    let now = env.time().await?;
    let goal =
        Goal { target: Wei::new(24 * ETHER), deadline: now + 80_000, terms_hash: B256::repeat_byte(9) };
    escrow.call(O::Amend(goal))?.execute(&env.outbox(env.guardian())).await?;
    env.warp(now + 4_000).await?;
    by_alice(&env, &escrow, &[O::Settle]).await?;
    let settled = escrow.rescue().await?;
    let drawn = settled.tranches_down(Asset::StEth, settled.kept[Asset::StEth]).get();
    assert!(0 < drawn && drawn < pledged - 1);
    assert_eq!((with(drawn).await?, with(drawn - 1).await?), (vec![], vec![short(drawn)]));
    Ok(())
}

#[tokio::test]
async fn another_block_is_taken_when_the_state_of_one_is_gone() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = ether_rescue(&env).await?.address();
    let refusing = |times: usize| {
        let mut left = times;
        Proxy::replying(&env.endpoint(), move |request| {
            if request["method"] != "eth_getProof" || left == 0 {
                return Reply::Node;
            }
            left -= 1;
            Reply::Error(-32000, "missing trie node")
        })
    };
    let ask = async |proxy: &Proxy, block_hash| {
        let node = provider::read_only(&proxy.url().parse()?)?;
        Question { block_hash, ..question(escrow, None) }.ask(&node).await
    };
    let proxy = refusing(1);
    let evidence = ask(&proxy, None).await?;
    let blocks = proxy.methods().iter().filter(|method| *method == "eth_getBlockByNumber").count();
    assert_eq!(blocks, 2);
    assert!(matches!(ask(&refusing(9), None).await, Err(Error::Rpc { .. })));
    // Nothing is proven of a block that will not be accepted.
    let proxy = refusing(0);
    let node = provider::read_only(&proxy.url().parse()?)?;
    let header = &evidence.header.inner;
    let refused = Error::FutureBlock { block: header.number, seconds: 7 };
    let accept = async |chain, number, time| {
        assert_eq!((chain, number, time), (CHAIN, header.number, header.timestamp));
        Err(refused.clone())
    };
    assert_eq!(question(escrow, None).ask_if(&node, accept).await, Err(refused.clone()));
    assert_eq!(proxy.methods(), ETH_ONLY[..2]);
    // A given block is not exchanged for another.
    assert!(matches!(ask(&refusing(1), Some(evidence.header.hash)).await, Err(Error::Rpc { .. })));
    Ok(())
}

#[tokio::test]
async fn the_code_of_an_escrow_is_what_its_source_compiles_to() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = ether_rescue(&env).await?.address();
    let found = source::verify(&env.endpoint(), escrow)?;
    assert_eq!((found.contract, found.source), (Contract::PledgeEscrow, "contracts/PledgeEscrow.sol"));
    assert_eq!((found.immutables.len(), &found.immutables[0][12..]), (17, env.beneficiary().as_slice()));
    let nothing = source::verify(&env.endpoint(), env.bob()).unwrap_err();
    assert_eq!(nothing.to_string(), format!("there is no code at `{}`", env.bob()));
    Ok(())
}
