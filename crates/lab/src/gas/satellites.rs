//! The contracts around an escrow: recovery, bonus, router and board.

use super::{
    Figure,
    fixture::{DEADLINE, EXIT_WINDOW, FIRST_PLEDGE, Fixture, SETTLED_AT, Shape, figure, payer, pledger},
};
use crate::{
    chain::{Chain, Failure},
    escrow::EscrowError,
    lido::{StETH, WstETH},
    walk::{address_of, signer},
};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::{SolCall, SolValue},
};
use levee::{
    Blueprint,
    bindings::{
        BonusPool, PledgeBoard, PledgeEscrow, PledgeRouter,
        RecoveryPool::{self, claimCall, recoverCall},
        WrappedEther,
    },
};
use levee_model::Asset;

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
    let escrow = fixture.escrow;
    let lido = fixture.lido;
    let mut create = |name: &str, blueprint: Blueprint| -> Result<Figure, Failure> {
        let (_, receipt) = fixture.chain.deploy_create2(blueprint.salt(), blueprint.init_code())?;
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
    let pool = deploy(&mut fixture.chain, &Blueprint::recovery_pool(fixture.escrow))?;
    fixture.chain.set_time(SETTLED_AT);
    send(&mut fixture.chain, fixture.escrow, &PledgeEscrow::settleCall {})?;
    fixture.releases()?;
    let claim = claimCall { pledger: pledger(), tier: fixture.last_tier(), asset: Asset::Eth as u8 };
    let chain = &mut fixture.chain;
    let deposit = |chain: &mut Chain, amount: u128| -> Result<u64, Failure> {
        chain.set_time(chain.time() + 30 * DAY);
        chain.set_balance(payer(), U256::from(amount));
        Ok(chain.send_value(payer(), pool, U256::from(amount), &recoverCall {})?.gas_used)
    };
    let first = deposit(chain, LOAN / 3)?;
    let claim_new = send(chain, pool, &claim)?;
    let next = deposit(chain, ALL)?;
    let claim_next = send(chain, pool, &claim)?;
    let (orders, received) = groups(chain, pool)?;
    debug_assert!(orders == [2, 1, 0] && received.iter().all(|wei| !wei.is_zero()), "each group received");
    Ok(vec![
        figure("recover_first", first),
        figure("recover", next),
        figure("claim_new", claim_new),
        figure("claim_next", claim_next),
    ])
}

/// The draw orders of a waterfall, and what each has received.
fn groups(chain: &mut Chain, pool: Address) -> Result<(Vec<u8>, Vec<U256>), Failure> {
    let page = chain.read(pool, &RecoveryPool::recoveryCall {})?;
    Ok(page.groups.iter().map(|group| (group.drawOrder, group.received)).unzip())
}

/// A rescue that failed with a bonus for it.
fn bonus(others: usize) -> Result<Vec<Figure>, EscrowError> {
    let mut fixture = pledged(SHORT, others)?;
    let pool = deploy(&mut fixture.chain, &Blueprint::bonus_pool(fixture.escrow))?;
    let (pledger, tier) = (pledger(), fixture.last_tier());
    let assets = [Asset::Eth, Asset::StEth].map(|asset| asset as u8);
    let enlist = assets.map(|asset| BonusPool::enlistCall { pledger, tier, asset });
    let claims = assets.map(|asset| BonusPool::claimCall { pledger, tier, asset });
    let enlist_new = send(&mut fixture.chain, pool, &enlist[0])?;
    send(&mut fixture.chain, pool, &enlist[1])?;
    fixture.pledge_own(Asset::Eth, FIRST_PLEDGE)?;
    let chain = &mut fixture.chain;
    let enlist_next = send(chain, pool, &enlist[0])?;
    let amount = U256::from(FIRST_PLEDGE);
    chain.set_balance(payer(), amount);
    let add = BonusPool::addCall { sponsor: payer() };
    let add = chain.send_value(payer(), pool, amount, &add)?.gas_used;
    chain.set_time(SETTLED_AT);
    send(chain, fixture.escrow, &PledgeEscrow::settleCall {})?;
    chain.set_time(DEADLINE + u64::from(EXIT_WINDOW) + 1);
    Ok(vec![
        figure("enlist_new", enlist_new),
        figure("enlist_next", enlist_next),
        figure("bonus_add", add),
        figure("bonus_claim_first", send(chain, pool, &claims[0])?),
        figure("bonus_claim", send(chain, pool, &claims[1])?),
    ])
}

/// New positions in one transaction, without an allowance.
fn router(others: usize) -> Result<Vec<Figure>, EscrowError> {
    let mut fixture = pledged(THREE_ORDERS, others)?;
    let lido = fixture.lido;
    let (weth, _) = fixture.chain.deploy(address_of("anyone"), WrappedEther::BYTECODE.clone())?;
    let router = deploy(&mut fixture.chain, &Blueprint::router(weth, lido.steth, lido.wsteth))?;
    let payer = signer();
    fixture.fill_tokens(payer.address())?;
    let bonus_pool = deploy(&mut fixture.chain, &Blueprint::bonus_pool(fixture.escrow))?;
    let amount = U256::from(FIRST_PLEDGE);
    let to = PledgeRouter::Destination {
        escrow: fixture.escrow,
        pledger: payer.address(),
        tier: fixture.last_tier(),
        amendment: 0,
        bonusPool: Address::ZERO,
    };
    let chain = &mut fixture.chain;
    let wsteth = PledgeRouter::pledgeWstETHWithPermitCall {
        to: to.clone(),
        amount,
        permit: permit(chain, &payer, lido.wsteth, router, amount)?,
    };
    let worth = chain.read(lido.steth, &StETH::getPooledEthBySharesCall { shares: amount })?;
    let steth = PledgeRouter::pledgeStETHWithPermitCall {
        to: to.clone(),
        shares: amount,
        permit: permit(chain, &payer, lido.steth, router, worth)?,
    };
    let enlisted =
        PledgeRouter::pledgeETHCall { to: PledgeRouter::Destination { bonusPool: bonus_pool, ..to } };
    chain.set_balance(payer.address(), amount);
    Ok(vec![
        figure(
            "router_eth_enlist_new",
            chain.send_value(payer.address(), router, amount, &enlisted)?.gas_used,
        ),
        figure("router_wsteth_permit_new", chain.send(payer.address(), router, &wsteth)?.gas_used),
        figure("router_steth_permit_new", chain.send(payer.address(), router, &steth)?.gas_used),
    ])
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
        signature: sign(&contributor, digest).as_bytes().to_vec().into(),
    };
    let brought = send(&mut chain, board, &brought)?;
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
    Ok(chain.deploy_create2(blueprint.salt(), blueprint.init_code())?.0)
}

/// A call of someone who has no part in the rescue.
fn send<C: SolCall>(chain: &mut Chain, to: Address, call: &C) -> Result<u64, Failure> {
    Ok(chain.send(address_of("anyone"), to, call)?.gas_used)
}

fn sign(signer: &PrivateKeySigner, digest: B256) -> alloy::primitives::Signature {
    signer.sign_hash_sync(&digest).expect("a local key signs")
}

/// An EIP-2612 permit for `spender`, the owner's first, of a token whose domain is as the model's `DOMAIN_SEPARATOR`.
fn permit(
    chain: &mut Chain,
    owner: &PrivateKeySigner,
    token: Address,
    spender: Address,
    value: U256,
) -> Result<PledgeRouter::Permit, Failure> {
    let domain = chain.read(token, &WstETH::DOMAIN_SEPARATORCall {})?;
    let deadline = U256::from(chain.time() + DAY);
    let kind =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    let message = (kind, owner.address(), spender, value, U256::ZERO, deadline).abi_encode();
    let digest = keccak256([&[0x19, 0x01], domain.as_slice(), keccak256(message).as_slice()].concat());
    let signature = sign(owner, digest);
    Ok(PledgeRouter::Permit {
        value,
        deadline,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    })
}
