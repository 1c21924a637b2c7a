//! The contracts around an escrow: recovery, bonus, router and board.

use super::{
    Figure,
    fixture::{
        DEADLINE, EXIT_WINDOW, FIRST_PLEDGE, Fixture, SETTLED_AT, Shape, anyone, figure, payer, pledger,
    },
};
use crate::{
    chain::{Chain, Failure},
    escrow::EscrowError,
    lido::StETH,
    walk::{address_of, sign_permit, signer},
};
use alloy::{
    primitives::{Address, U256},
    signers::SignerSync,
};
use levee::{
    Blueprint, Transaction,
    bindings::{PledgeBoard, RecoveryPool, WrappedEther},
};
use levee_model::{Asset, Operation, Pledge, Route, Units, Wei};

const DAY: u64 = 86_400;

/// Three draw orders, the later two loans; the last is drawn in part.
const THREE_ORDERS: Shape = Shape {
    tiers: &[(5_000, 0, 0), (10_000, 1, 500), (10_000, 2, 1_000)],
    target: 987_654_321_098_765_432_109,
};

/// The same tiers, of which no threshold is met.
const SHORT: Shape = Shape { target: 9_876_543_210_987_654_321_098, ..THREE_ORDERS };

/// Enough for the whole loan of the last order, with interest, and for all that is missing.
const LOAN: u128 = 432_109_876_543_210_987_654;
const ALL: u128 = 876_543_210_987_654_321_098;

/// Creations, which nobody's pledge can change.
pub(super) fn creations() -> Result<Vec<Figure>, EscrowError> {
    let mut fixture = Fixture::new(THREE_ORDERS)?;
    let escrow = fixture.contracts.escrow;
    let lido = fixture.lido;
    let mut create = |name: &str, blueprint: Blueprint| -> Result<Figure, Failure> {
        let (_, receipt) = fixture.chain.deploy_create2(blueprint.salt(), &blueprint.init_code())?;
        Ok(figure(name, receipt.gas_used))
    };
    Ok(vec![
        create("recovery_create", Blueprint::recovery_pool(escrow))?,
        create("bonus_create", Blueprint::bonus_pool(escrow))?,
        create("board_create", Blueprint::board())?,
        create("router_create", Blueprint::router(Address::ZERO, lido.steth, lido.wsteth))?,
    ])
}

/// Gas of each call, with so many others who pledge before the one who is measured.
pub(super) fn costs(others: usize) -> Result<Vec<Figure>, EscrowError> {
    let mut figures = recovery(others)?;
    figures.extend(bonus(others)?);
    figures.extend(router(others)?);
    figures.extend(board()?);
    Ok(figures)
}

/// A rescue that was paid out; a deposit long after it, which reads the escrow, and those that follow.
fn recovery(others: usize) -> Result<Vec<Figure>, EscrowError> {
    let mut fixture = pledged(THREE_ORDERS, others)?;
    let pool = deploy(&mut fixture.chain, &Blueprint::recovery_pool(fixture.contracts.escrow))?;
    fixture.chain.set_time(SETTLED_AT);
    fixture.make(anyone(), Operation::Settle)?;
    fixture.releases()?;
    let claim = Operation::Claim(fixture.position(Asset::Eth));
    let first = deposit(&mut fixture, LOAN / 3)?;
    let claim_new = fixture.make(anyone(), claim)?;
    let next = deposit(&mut fixture, ALL)?;
    let claim_next = fixture.make(anyone(), claim)?;
    let (orders, received) = groups(&mut fixture.chain, pool)?;
    debug_assert!(orders == [2, 1, 0] && received.iter().all(|wei| !wei.is_zero()), "each group received");
    Ok(vec![
        figure("recover_first", first),
        figure("recover", next),
        figure("claim_new", claim_new),
        figure("claim_next", claim_next),
    ])
}

/// Gas of a deposit a month after the call before it.
fn deposit(fixture: &mut Fixture, amount: u128) -> Result<u64, Failure> {
    fixture.chain.set_time(fixture.chain.time() + 30 * DAY);
    fixture.chain.set_balance(payer(), U256::from(amount));
    fixture.make(payer(), Operation::Recover(Wei::new(amount)))
}

/// The draw orders of a waterfall, and what each has received.
fn groups(chain: &mut Chain, pool: Address) -> Result<(Vec<u8>, Vec<U256>), Failure> {
    let page = chain.read(pool, &RecoveryPool::recoveryCall {})?;
    Ok(page.groups.iter().map(|group| (group.drawOrder, group.received)).unzip())
}

/// A rescue that failed with a bonus for it.
fn bonus(others: usize) -> Result<Vec<Figure>, EscrowError> {
    let mut fixture = pledged(SHORT, others)?;
    deploy(&mut fixture.chain, &Blueprint::bonus_pool(fixture.contracts.escrow))?;
    let positions = [Asset::Eth, Asset::StEth].map(|asset| fixture.position(asset));
    let (enlist, claims) = (positions.map(Operation::Enlist), positions.map(Operation::ClaimBonus));
    let enlist_new = fixture.make(anyone(), enlist[0])?;
    fixture.make(anyone(), enlist[1])?;
    fixture.pledge_own(Asset::Eth, FIRST_PLEDGE)?;
    let enlist_next = fixture.make(anyone(), enlist[0])?;
    fixture.chain.set_balance(payer(), U256::from(FIRST_PLEDGE));
    let add = Operation::AddBonus { sponsor: payer(), amount: Wei::new(FIRST_PLEDGE) };
    let add = fixture.make(payer(), add)?;
    fixture.chain.set_time(SETTLED_AT);
    fixture.make(anyone(), Operation::Settle)?;
    fixture.chain.set_time(DEADLINE + u64::from(EXIT_WINDOW) + 1);
    Ok(vec![
        figure("enlist_new", enlist_new),
        figure("enlist_next", enlist_next),
        figure("bonus_add", add),
        figure("bonus_claim_first", fixture.make(anyone(), claims[0])?),
        figure("bonus_claim", fixture.make(anyone(), claims[1])?),
    ])
}

/// New positions in one transaction, without an allowance.
fn router(others: usize) -> Result<Vec<Figure>, EscrowError> {
    let mut fixture = pledged(THREE_ORDERS, others)?;
    let lido = fixture.lido;
    let (weth, _) = fixture.chain.deploy(anyone(), WrappedEther::BYTECODE.clone())?;
    let router = deploy(&mut fixture.chain, &Blueprint::router(weth, lido.steth, lido.wsteth))?;
    fixture.contracts.router = Some(router);
    deploy(&mut fixture.chain, &Blueprint::bonus_pool(fixture.contracts.escrow))?;
    let payer = signer().address();
    fixture.fill_tokens(payer)?;
    let amount = U256::from(FIRST_PLEDGE);
    let pledge = |asset, enlist| Pledge {
        pledger: payer,
        tier: fixture.last_tier(),
        amount: Units::new(FIRST_PLEDGE).of(asset),
        amendment: 0,
        route: Route::Router { enlist },
    };
    let (eth, steth) = (pledge(Asset::Eth, true), pledge(Asset::StEth, false));
    let wsteth = pledge(Asset::WstEth, false);
    let (contracts, chain) = (fixture.contracts, &mut fixture.chain);
    let deadline = U256::from(chain.time() + DAY);
    let of_wsteth = sign_permit(chain, lido.wsteth, router, amount, amount, deadline)?;
    let worth = chain.read(lido.steth, &StETH::getPooledEthBySharesCall { shares: amount })?;
    let of_steth = sign_permit(chain, lido.steth, router, worth, worth, deadline)?;
    chain.set_balance(payer, amount);
    Ok(vec![
        figure("router_eth_enlist_new", fixture.make(payer, Operation::Pledge(eth))?),
        figure(
            "router_wsteth_permit_new",
            gas(&mut fixture.chain, contracts.pledge(wsteth, Some(of_wsteth)))?,
        ),
        figure("router_steth_permit_new", gas(&mut fixture.chain, contracts.pledge(steth, Some(of_steth)))?),
    ])
}

/// Gas of a transaction of the signer's.
fn gas(chain: &mut Chain, transaction: Result<Transaction, levee::Error>) -> Result<u64, Failure> {
    let transaction = transaction.expect("a router is given");
    Ok(chain.execute(signer().address(), &transaction)?.gas_used)
}

/// A statement, by the contributor and by someone else.
fn board() -> Result<Vec<Figure>, EscrowError> {
    let mut chain = Chain::new();
    chain.set_time(SETTLED_AT);
    let board = deploy(&mut chain, &Blueprint::board())?;
    let contributor = signer();
    let declaration = PledgeBoard::Declaration {
        escrow: address_of("escrow"),
        stage: 2,
        tier: 2,
        amount: U256::from(FIRST_PLEDGE),
        expiry: (SETTLED_AT + 30 * DAY).try_into().expect("40 bits"),
        link: "https://governance.example.org/t/proposal/12345".to_owned(),
    };
    let by_itself = PledgeBoard::declareCall { declaration: declaration.clone() };
    let by_itself = chain.send(contributor.address(), board, &by_itself)?.gas_used;
    let made_at = SETTLED_AT.try_into().expect("40 bits");
    let digest = chain.read(
        board,
        &PledgeBoard::digestOfCall {
            contributor: contributor.address(),
            declaration: declaration.clone(),
            madeAt: made_at,
        },
    )?;
    let brought = PledgeBoard::declareForCall {
        contributor: contributor.address(),
        declaration,
        madeAt: made_at,
        signature: contributor.sign_hash_sync(&digest).expect("a local key signs").as_bytes().to_vec().into(),
    };
    let brought = chain.send(anyone(), board, &brought)?.gas_used;
    Ok(vec![figure("declare", by_itself), figure("declare_for", brought)])
}

/// A rescue with every pot in use, in which the measured pledger has new positions of ETH and stETH too.
fn pledged(shape: Shape, others: usize) -> Result<Fixture, EscrowError> {
    let mut fixture = Fixture::new(shape)?;
    fixture.fill_purse(payer())?;
    fixture.fill_pots(others)?;
    fixture.fill_purse(pledger())?;
    fixture.pledge_own(Asset::Eth, FIRST_PLEDGE)?;
    fixture.pledge_own(Asset::StEth, FIRST_PLEDGE)?;
    Ok(fixture)
}

fn deploy(chain: &mut Chain, blueprint: &Blueprint) -> Result<Address, Failure> {
    Ok(chain.deploy_create2(blueprint.salt(), &blueprint.init_code())?.0)
}
