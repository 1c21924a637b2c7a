//! The model of Lido against the recording of the real one.

use eyre::{Result, WrapErr};
use levee_lab::steth::{Recording, Summary, replay};
use serde_json::{Value, json};
use std::fs;

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/steth.json");

#[test]
fn model_agrees_with_the_recording() -> Result<()> {
    let recording: Recording = serde_json::from_value(recording()?)?;
    assert_eq!(replay(&recording)?, Summary { steps: 420, paused_calls: 6 });
    Ok(())
}

#[test]
fn any_other_expectation_is_noticed() -> Result<()> {
    let changes = [
        ("/start/accounts/1/shares", json!("1"), "start: account 1"),
        ("/steps/0/after/accounts/1/stETH", json!("11130775881628981913"), "step 0 (Submit"),
        ("/steps/10/reason", json!("BALANCE_EXCEEDED"), "found failure with `ALLOWANCE_EXCEEDED`"),
        ("/steps/11/ok", json!(true), "found failure with `ERC20: burn amount exceeds balance`"),
        ("/steps/12/totalShares", json!("1"), "total shares: expected 1, found 1716887277504958094697"),
        ("/steps/19/pooledEth", json!("6455782308554817518"), "found 6455782308554817519"),
        ("/steps/19/sharesBack", json!("4191755283820872131"), "found 4191755283820872130"),
        ("/steps/27/after/accounts/2/wstETH", json!("607086167808147305"), "607086167808147306 wstETH"),
        ("/steps/37/allowanceAfter", json!("5"), "allowance: expected 5, found 1000000000000000000"),
        ("/steps/40/returned", json!("false"), "found success returning true"),
        ("/steps/419/after/totalPooledEther", json!("7"), "total pooled ether: expected 7"),
        ("/paused/stETH.approve/ok", json!(false), "paused call stETH.approve: outcome"),
    ];
    for (pointer, value, message) in changes {
        let error = replay_with(pointer, value)?;
        assert!(error.contains(message), "{pointer}: {error}");
    }
    Ok(())
}

/// The error of a replay of the recording with `value` at `pointer`.
fn replay_with(pointer: &str, value: Value) -> Result<String> {
    let mut changed = recording()?;
    *changed.pointer_mut(pointer).ok_or_else(|| eyre::eyre!("nothing at {pointer}"))? = value;
    let recording: Recording = serde_json::from_value(changed)?;
    match replay(&recording) {
        Ok(summary) => eyre::bail!("{pointer}: not noticed, {summary:?}"),
        Err(error) => Ok(error.to_string()),
    }
}

fn recording() -> Result<Value> {
    let text = fs::read_to_string(RECORDING).wrap_err(RECORDING)?;
    Ok(serde_json::from_str(&text)?)
}
