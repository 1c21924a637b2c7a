//! A rescue read in one request.

use crate::environment::{CHAIN, ETHER, Environment, pledge};
use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
};
use eyre::{OptionExt as _, Result};
use levee::{
    AccountPosition, AccountView, Blueprint, BonusPool, Contract, Error, Escrow, Event, History, Query,
    RecoveryPool, Snapshot, TokenView,
    model::{Amount, Asset, Bps, Operation as O, PositionId, Shares, Terms, Tier, Units, Wei},
    provider,
};
use levee_lab::proxy::{self, OwnCode, Proxy, Reply};

const ONE: Wei = Wei::new(ETHER);

/// Reads through a proxy, and asserts that it took one request.
async fn in_one_request(env: &Environment, query: Query) -> Result<Snapshot> {
    let proxy = Proxy::start(&env.endpoint(), OwnCode::Runs);
    let snapshot = query.read(&provider::read_only(&proxy.url().parse()?)?, Some(CHAIN)).await?;
    assert_eq!(proxy.methods(), ["eth_call"]);
    Ok(snapshot)
}

/// Eight tiers, no two alike in anything but the threshold of the last two.
pub(crate) fn eight_tiers() -> Vec<Tier> {
    let tier = |i: u8| Tier {
        threshold: Bps::new((1_111 * (u16::from(i) + 3)).min(10_000)),
        draw_order: 40 + i,
        rate: Bps::new(300 + u16::from(i)),
    };
    (0..8).map(tier).collect()
}

/// A rescue of eight tiers with pledges of Alice's into all pots, each enlisted for a bonus.
pub(crate) async fn largest_rescue(env: &Environment) -> Result<Escrow<DynProvider>> {
    let alice = env.alice();
    let terms = Terms { tiers: eight_tiers(), ..env.terms().await? };
    let address = Blueprint::escrow(&terms)?.deploy(&env.outbox(alice)).await?.address();
    let escrow = Escrow::open(env.provider.clone(), CHAIN, address).await?;
    let bonus = BonusPool::of(&escrow);
    bonus.blueprint().deploy(&env.outbox(alice)).await?;
    RecoveryPool::of(&escrow).blueprint().deploy(&env.outbox(alice)).await?;
    env.approve(&escrow, Asset::StEth, Units::new(10 * ETHER)).await?;
    env.wrap(10 * ETHER).await?;
    env.approve(&escrow, Asset::WstEth, Units::new(10 * ETHER)).await?;
    for tier in 0..8 {
        escrow.call(pledge(alice, tier, 0, Amount::Eth(ONE)))?.execute(&env.outbox(alice)).await?;
        escrow
            .call(pledge(alice, tier, 0, Amount::StEth(Shares::new(ETHER))))?
            .execute(&env.outbox(alice))
            .await?;
        escrow
            .call(pledge(alice, tier, 0, Amount::WstEth(Units::new(ETHER))))?
            .execute(&env.outbox(alice))
            .await?;
        for asset in Asset::ALL {
            escrow
                .call(O::Enlist(PositionId { pledger: alice, tier, asset }))?
                .execute(&env.outbox(alice))
                .await?;
        }
    }
    Ok(escrow)
}

#[tokio::test]
async fn the_largest_rescue_is_one_request() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = largest_rescue(&env).await?;
    let alice = env.alice();
    let snapshot = in_one_request(&env, Query::of(escrow.address()).account(alice)).await?;
    assert_eq!((snapshot.chain, &snapshot.contracts), (CHAIN, escrow.contracts()));
    assert_eq!(&snapshot.original, escrow.original_terms());
    assert_eq!(snapshot.rescue, escrow.rescue().await?);
    assert_eq!(snapshot.recovery, Some(RecoveryPool::of(&escrow).recovery().await?));
    assert_eq!(snapshot.bonus, Some(BonusPool::of(&escrow).bonus().await?));
    assert_eq!(snapshot.account.positions.len(), 24);
    let positions: Vec<_> = snapshot.account.positions.iter().map(|line| line.position).collect();
    assert_eq!(positions, escrow.positions(alice).await?);
    for AccountPosition { position, earnings, bonus } in snapshot.account.positions {
        let id = PositionId { pledger: alice, tier: position.tier, asset: position.asset };
        assert_eq!(earnings, Some(RecoveryPool::of(&escrow).earnings(id).await?));
        let bonus = bonus.ok_or_eyre("there is a pool")?;
        assert_eq!(bonus.share, BonusPool::of(&escrow).share_of(id).await?);
        assert_eq!(bonus.enlistment, BonusPool::of(&escrow).enlisted(id).await?);
        assert_eq!((bonus.enlistment.enlisted, bonus.is_current), (Units::new(ETHER), true));
    }
    Ok(())
}

#[tokio::test]
async fn a_history_adds_up_to_what_the_contracts_say() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = largest_rescue(&env).await?;
    let snapshot = Query::of(escrow.address()).account(env.alice()).read(&env.provider, None).await?;
    let history = History::read(&env.provider, &snapshot).await?;
    assert_eq!((history.chain, history.block, history.address), (CHAIN, snapshot.block, escrow.address()));
    assert_eq!(history.rescue.view(history.moment()), snapshot.rescue);
    assert_eq!(Some(history.pools.bonus), snapshot.bonus);
    // Its creation, the pools', and for each of 24 pots a pledge and its enlistment.
    assert_eq!(history.entries.len(), 3 + 2 * 24);

    for omitted in [3, 4, 30] {
        let asked = env.endpoint();
        let proxy = Proxy::replying(&env.endpoint(), move |request| {
            if request["method"] != "eth_getLogs" {
                return Reply::Node;
            }
            let mut logs = proxy::ask(&asked, request)["result"].take();
            logs.as_array_mut().expect("they are logs").remove(omitted);
            Reply::Result(logs)
        });
        let provider = provider::read_only(&proxy.url().parse()?)?;
        let differs = Error::HistoryDiffers { rescue: escrow.address(), block: snapshot.block.number };
        let is_enlistment = matches!(history.entries[omitted].event, Event::Bonus(_));
        match History::read(&provider, &snapshot).await {
            // It changes only what one position has.
            Ok(read) => assert!(is_enlistment && read.pools != history.pools),
            Err(error) => assert_eq!((error, is_enlistment), (differs, false)),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_snapshot_is_of_one_block() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let before = env.provider.get_block(BlockId::latest()).await?.ok_or_eyre("a block")?.header;
    escrow.call(pledge(env.bob(), 0, 0, Amount::Eth(ONE)))?.execute(&env.outbox(env.bob())).await?;
    env.warp(before.timestamp + 100).await?;

    let query = Query::of(escrow.address()).account(env.bob());
    let latest = in_one_request(&env, query).await?;
    assert_eq!((latest.block.number, latest.block.time), (before.number + 2, before.timestamp + 100));
    assert_eq!(latest.account.positions.len(), 1);
    let earlier = query.read_at(&env.provider, None, BlockId::number(before.number)).await?;
    assert_eq!((earlier.block.number, earlier.block.time), (before.number, before.timestamp));
    assert_eq!(earlier.block.parent_hash, before.parent_hash);
    assert_eq!((earlier.account.positions.len(), earlier.rescue.pots.len()), (0, 0));
    Ok(())
}

#[tokio::test]
async fn an_account_is_read_with_its_tokens() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let router = env.router().await?;
    let (alice, weth) = (env.alice(), router.tokens().weth);
    env.approve(&escrow, Asset::StEth, Units::new(25 * ETHER)).await?;
    let query = Query::of(escrow.address()).account(alice).through(router.address(), weth);
    let before = in_one_request(&env, query).await?.account;
    router.weth_approval(&before, ONE).ok_or_eyre("needed")?.execute(&env.outbox(alice)).await?;

    let account = in_one_request(&env, query).await?.account;
    let number = |ether: u128| Some(U256::from(ether * ETHER));
    let token = |balance, escrow_allowance, router_allowance| TokenView {
        balance: number(balance),
        escrow_allowance: number(escrow_allowance),
        router_allowance: number(router_allowance),
    };
    let balance = Wei::new(env.provider.get_balance(alice).await?.to());
    let expected = AccountView {
        balance,
        steth_shares: Some(Shares::new(1_000 * ETHER)),
        steth: token(1_200, 30, 0),
        wsteth: token(0, 0, 0),
        weth: token(0, 0, 1),
        ..AccountView::default()
    };
    assert_eq!(account, expected);
    assert!(router.weth_approval(&account, ONE).is_none());
    assert!(router.weth_approval(&account, ONE + Wei::new(1)).is_some());

    // A token that reverts leaves a gap, and everything else readable.
    env.provider.anvil_set_code(env.steth, Bytes::from_static(&[0x5f, 0x5f, 0xfd])).await?;
    let account = in_one_request(&env, query).await?.account;
    let gap = TokenView::default();
    assert_eq!(account, AccountView { steth_shares: None, steth: gap, ..expected });
    Ok(())
}

#[tokio::test]
async fn what_is_no_rescue_is_told_the_same_with_and_without_the_lens() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?.address();
    let contract = Contract::PledgeEscrow;
    for own_code in [OwnCode::Runs, OwnCode::IsRefused, OwnCode::Returns("0x")] {
        let proxy = Proxy::start(&env.endpoint(), own_code);
        let node = provider::read_only(&proxy.url().parse()?)?;
        let read = async |address: Address, chain| {
            let query = Query::of(address).account(env.alice());
            query.read(&node, chain).await
        };
        assert_eq!(read(escrow, Some(1)).await, Err(Error::WrongChain { expected: 1, actual: CHAIN }));
        assert_eq!(read(escrow, None).await?.chain, CHAIN);
        let address = env.bob();
        assert_eq!(read(address, None).await, Err(Error::NoCode { contract, address }));
        let address = env.steth;
        assert_eq!(read(address, None).await, Err(Error::NotLevee { contract, address }));
        // A word of zeros to every question, which makes the lens revert.
        let address = Address::repeat_byte(9);
        env.provider.anvil_set_code(address, Bytes::from_static(&[0x60, 0x20, 0x5f, 0xf3])).await?;
        assert_eq!(read(address, None).await, Err(Error::NotLevee { contract, address }));
    }
    Ok(())
}
