//! The in-process chain: gas as on a receipt, failures without a trace, a clock of its own.

use alloy::{
    primitives::{Address, B256, Bytes, U256, bytes, keccak256},
    sol_types::SolEvent,
};
use eyre::Result;
use levee::CREATE2_DEPLOYER;
use levee_lab::{
    chain::{Chain, Failure},
    lido::{Lido, StETH, WstETH},
};

const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const SPOT: Address = Address::repeat_byte(0xc0);

/// Stores the calldata's first word at slot 0.
const STORE: Bytes = bytes!("5f355f5500");

/// Returns the block's time.
const TIME: Bytes = bytes!("425f5260205ff3");

/// Transient slot 0 goes up by one; returns what it was before.
const COUNT_TRANSIENT: Bytes = bytes!("5f5c806001015f5d5f5260205ff3");

#[test]
fn transfer_costs_21000_and_moves_the_value() -> Result<()> {
    let mut chain = Chain::new();
    chain.set_balance(ALICE, U256::from(10));
    let receipt = chain.call(ALICE, BOB, U256::from(7), Bytes::new())?;
    assert_eq!(receipt.gas_used, 21_000);
    assert_eq!(chain.balance(ALICE), U256::from(3));
    assert_eq!(chain.balance(BOB), U256::from(7));
    Ok(())
}

#[test]
fn value_beyond_the_balance_is_invalid() {
    let mut chain = Chain::new();
    let failure = chain.call(ALICE, BOB, U256::from(1), Bytes::new());
    assert!(matches!(failure, Err(Failure::Invalid(_))), "{failure:?}");
    assert_eq!(chain.balance(BOB), U256::ZERO);
}

#[test]
fn every_call_starts_cold_and_counts_calldata_and_refunds() -> Result<()> {
    let mut chain = Chain::new();
    chain.set_code(SPOT, STORE);
    let word = |byte: u8| Bytes::from(B256::with_last_byte(byte).to_vec());
    // PUSH0, CALLDATALOAD, PUSH0; the SSTORE is counted below.
    let opcodes = 2 + 3 + 2;
    let (zeros, one) = (32 * 4, 31 * 4 + 16);

    let set = chain.call(ALICE, SPOT, U256::ZERO, word(1))?;
    assert_eq!(set.gas_used, 21_000 + one + opcodes + 2_100 + 20_000);
    let change = chain.call(ALICE, SPOT, U256::ZERO, word(2))?;
    assert_eq!(change.gas_used, 21_000 + one + opcodes + 2_100 + 2_900);
    let clear = chain.call(ALICE, SPOT, U256::ZERO, word(0))?;
    assert_eq!(clear.gas_used, 21_000 + zeros + opcodes + 2_100 + 2_900 - 4_800);
    Ok(())
}

#[test]
fn transient_storage_ends_with_the_call() -> Result<()> {
    let mut chain = Chain::new();
    chain.set_code(SPOT, COUNT_TRANSIENT);
    for _ in 0..2 {
        let receipt = chain.call(ALICE, SPOT, U256::ZERO, Bytes::new())?;
        assert_eq!(U256::from_be_slice(&receipt.output), U256::ZERO);
    }
    Ok(())
}

#[test]
fn time_is_what_was_set() -> Result<()> {
    let mut chain = Chain::new();
    chain.set_code(SPOT, TIME);
    for time in [1_800_000_000_u64, 5] {
        chain.set_time(time);
        let receipt = chain.call(ALICE, SPOT, U256::ZERO, Bytes::new())?;
        assert_eq!((chain.time(), U256::from_be_slice(&receipt.output)), (time, U256::from(time)));
    }
    Ok(())
}

#[test]
fn code_and_balance_do_not_disturb_each_other() {
    let mut chain = Chain::new();
    chain.set_balance(SPOT, U256::from(5));
    chain.set_code(SPOT, TIME);
    assert_eq!(chain.balance(SPOT), U256::from(5));
    chain.set_balance(SPOT, U256::from(6));
    assert_eq!(chain.code(SPOT), TIME);
    assert_eq!(chain.code(BOB), Bytes::new());
}

#[test]
fn create2_lands_at_the_computed_address_once() -> Result<()> {
    let mut chain = Chain::new();
    // Copies the seven bytes after itself, the code of TIME, and returns them.
    let init_code = [bytes!("60078060095f395ff3").as_ref(), TIME.as_ref()].concat();
    let salt = keccak256("levee");
    let (deployed, _) = chain.deploy_create2(salt, &init_code)?;
    assert_eq!(deployed, CREATE2_DEPLOYER.create2_from_code(salt, &init_code));
    assert_eq!(chain.code(deployed), TIME);
    let again = chain.deploy_create2(salt, &init_code);
    assert!(matches!(&again, Err(Failure::Revert(data)) if data.is_empty()), "{again:?}");
    Ok(())
}

#[test]
fn logs_come_back_in_order() -> Result<()> {
    let (mut chain, lido) = with_lido()?;
    let call = StETH::transferSharesCall { to: BOB, shares: U256::from(3) };
    let receipt = chain.send(ALICE, lido.steth, &call)?;
    assert_eq!(receipt.decode::<StETH::transferSharesCall>()?, U256::from(4));
    let [transfer, shares] = &receipt.logs[..] else { eyre::bail!("{:?}", receipt.logs) };
    assert_eq!(
        StETH::Transfer::decode_log(transfer)?.data,
        StETH::Transfer { from: ALICE, to: BOB, value: U256::from(4) }
    );
    assert_eq!(
        StETH::TransferShares::decode_log(shares)?.data,
        StETH::TransferShares { from: ALICE, to: BOB, sharesValue: U256::from(3) }
    );
    Ok(())
}

#[test]
fn read_drops_what_it_changed() -> Result<()> {
    let (mut chain, lido) = with_lido()?;
    chain.read(lido.steth, &StETH::setTotalPooledEtherCall { wei_: U256::from(9) })?;
    assert_eq!(chain.read(lido.steth, &StETH::getTotalPooledEtherCall {})?, U256::from(1_500));
    Ok(())
}

#[test]
fn revert_changes_nothing_and_keeps_its_reason() -> Result<()> {
    let (mut chain, lido) = with_lido()?;
    chain.set_balance(BOB, U256::from(5));
    // wstETH passes the ETH on to stETH, which is stopped.
    chain.send(BOB, lido.steth, &StETH::stopCall {})?;
    let Err(failure) = chain.call(BOB, lido.wsteth, U256::from(5), Bytes::new()) else {
        eyre::bail!("the call went through");
    };
    assert_eq!(failure.reason().as_deref(), Some("STAKING_PAUSED"));
    assert_eq!(failure.to_string(), "reverted: STAKING_PAUSED");
    assert_eq!(chain.balance(BOB), U256::from(5));
    Ok(())
}

#[test]
fn contract_may_send() -> Result<()> {
    let (mut chain, lido) = with_lido()?;
    chain.set_balance(lido.wsteth, U256::from(3));
    let submit = StETH::submitCall { referral: Address::ZERO };
    chain.send_value(lido.wsteth, lido.steth, U256::from(3), &submit)?;
    assert_eq!(chain.read(lido.steth, &StETH::sharesOfCall { account: lido.wsteth })?, U256::from(2));
    assert_eq!(chain.read(lido.wsteth, &WstETH::stETHCall {})?, lido.steth);
    Ok(())
}

/// A chain with the model of Lido: 1,000 shares of Alice's stand for 1,500 wei.
fn with_lido() -> Result<(Chain, Lido)> {
    let mut chain = Chain::new();
    let lido = Lido::deploy(&mut chain, ALICE, U256::from(1_000), U256::from(1_500))?;
    Ok((chain, lido))
}
