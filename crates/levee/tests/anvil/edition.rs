//! Rescues of an edition before the latest: the address decides, and everything about them works as it did.

use crate::environment::{CHAIN, ETHER, Environment};
use alloy::{
    primitives::Address,
    providers::{Provider, ext::AnvilApi},
};
use eyre::Result;
use levee::{
    Blueprint, BonusPool, Contract, Deployment, Edition, Error, Escrow, Event, Query, RecoveryPool,
    RescueEvent,
    model::{Asset, Operation as O, PositionId, Status, Terms, Units, Wei},
    provider,
};
use levee_lab::proxy::{OwnCode, Proxy};

fn wei(ether: u128) -> Wei {
    Wei::new(ether * ETHER)
}

/// The escrow of these terms in another edition than the latest.
async fn create_earlier(env: &Environment, terms: &Terms) -> Result<Address> {
    let blueprint = Blueprint::escrow(terms)?.in_edition(Edition::Test);
    let deployed = blueprint.deploy(&env.outbox(env.alice())).await?;
    assert!(matches!(deployed, Deployment::Created { .. }), "{deployed:?}");
    Ok(deployed.address())
}

#[tokio::test]
async fn an_address_decides_which_edition_a_rescue_belongs_to() -> Result<()> {
    let env = Environment::start().await?;
    let latest = env.escrow().await?;
    let terms = env.terms().await?;
    let earlier = create_earlier(&env, &terms).await?;
    let earlier = Escrow::open(env.provider.clone(), CHAIN, earlier).await?;
    assert_eq!((latest.edition(), earlier.edition()), (Edition::V1, Edition::Test));
    let [one, other] = [&latest, &earlier].map(|escrow| BonusPool::of(escrow).blueprint().edition());
    assert_eq!((one, other), (Edition::V1, Edition::Test));

    // Its code, at the address that the same terms have in the other edition.
    let terms = Terms { exit_window: 1_801, ..terms };
    let code = env.provider.get_code_at(create_earlier(&env, &terms).await?).await?;
    let elsewhere = Blueprint::escrow(&terms)?.address();
    env.provider.anvil_set_code(elsewhere, code).await?;
    let counterfeit = Error::Counterfeit { contract: Contract::PledgeEscrow, address: elsewhere };
    assert_eq!(Escrow::open(env.provider.clone(), CHAIN, elsewhere).await.err(), Some(counterfeit));
    Ok(())
}

#[tokio::test]
async fn a_rescue_of_an_earlier_edition_is_pledged_to_read_and_refunded() -> Result<()> {
    let env = Environment::start().await?;
    let (alice, bob) = (env.alice(), env.bob());
    let escrow =
        Escrow::open(env.provider.clone(), CHAIN, create_earlier(&env, &env.terms().await?).await?).await?;
    let (recovery, bonus) = (RecoveryPool::of(&escrow), BonusPool::of(&escrow));
    for blueprint in [recovery.blueprint(), bonus.blueprint()] {
        let deployed = blueprint.deploy(&env.outbox(alice)).await?;
        assert!(matches!(deployed, Deployment::Created { .. }), "{deployed:?}");
    }
    // Pools of the latest edition, which anyone can create for it, change nothing.
    for blueprint in [Blueprint::recovery_pool(escrow.address()), Blueprint::bonus_pool(escrow.address())] {
        blueprint.deploy(&env.outbox(bob)).await?;
    }
    escrow.call(O::AddBonus { sponsor: bob, amount: wei(3) })?.execute(&env.outbox(bob)).await?;
    env.pledge_all(&escrow).await?;
    let id = PositionId { pledger: bob, tier: 0, asset: Asset::Eth };
    escrow.call(O::Enlist(id))?.execute(&env.outbox(alice)).await?;

    let snapshot = Query::of(escrow.address()).account(bob).read(&env.provider, Some(CHAIN)).await?;
    assert_eq!((snapshot.edition, snapshot.rescue.status), (Edition::Test, Status::Open));
    assert_eq!(snapshot.rescue.coverage, Some(wei(130)));
    assert_eq!(snapshot.bonus.map(|bonus| bonus.total), Some(wei(3)));
    assert!(snapshot.recovery.is_some());
    let [position] = &snapshot.account.positions[..] else { panic!("{:?}", snapshot.account) };
    assert_eq!(position.position.amount, Units::new(40 * ETHER));
    assert!(position.bonus.is_some_and(|bonus| bonus.enlistment.enlisted == Units::new(40 * ETHER)));

    let proxy = Proxy::start(&env.endpoint(), OwnCode::Runs);
    let node = provider::read_only(&proxy.url().parse()?)?;
    let read = async |chain| Query::of(escrow.address()).read(&node, Some(chain)).await;
    assert_eq!(read(1).await, Err(Error::WrongChain { expected: 1, actual: CHAIN }));
    assert_eq!(proxy.methods(), ["eth_call"], "nothing is read twice on another chain");
    assert_eq!(read(CHAIN).await?.edition, Edition::Test);
    assert_eq!(proxy.methods(), ["eth_call"; 2]);

    escrow.call(O::Settle)?.execute(&env.outbox(bob)).await?;
    // 100 ETH of 130 ETH are drawn, of each pot rounded down.
    let refunded = escrow.call(O::Refund(id))?.execute(&env.outbox(alice)).await?;
    let amount = Units::new(40 * ETHER - 40 * ETHER * 100 / 130);
    let event = RescueEvent::Refunded { position: id, recipient: bob, amount };
    assert_eq!(refunded.events, [Event::Rescue(event)]);
    env.assert_books_from_logs(&escrow).await
}
