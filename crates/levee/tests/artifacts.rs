//! The artifacts that are checked in are what the contracts compile to, byte by byte.
//!
//! They are checked in so that `cargo build` needs no compiler of Solidity.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use eyre::{Result, ensure};
use levee::verification::COMPILER;
use levee_lab::source::{DEPLOYED, TEST_EDITION, TESTS, compile, input};
use serde_json::Value;

#[test]
fn the_escrow_is_what_its_sources_compile_to() -> Result<()> {
    check_editions("contracts/PledgeEscrow.sol", "PledgeEscrow")
}

/// What the escrow is compiled from is what an explorer is given to compile, by the same compiler.
#[test]
fn explorers_are_given_what_the_escrow_is_compiled_from() -> Result<()> {
    let given = serde_json::to_string_pretty(&input(DEPLOYED, "contracts/PledgeEscrow.sol")?)? + "\n";
    if std::env::var_os("LEVEE_WRITE_ARTIFACTS").is_some() {
        std::fs::write(path("PledgeEscrow.input"), &given)?;
    }
    let committed = std::fs::read_to_string(path("PledgeEscrow.input"))?;
    ensure!(committed == given, "artifacts/PledgeEscrow.input.json is stale: run `make artifacts`");
    let version = std::process::Command::new(root().join("tools/solc")).arg("--version").output()?.stdout;
    let version = String::from_utf8(version)?;
    ensure!(version.contains(&format!("Version: {}.", COMPILER.trim_start_matches('v'))), "{version}");
    Ok(())
}

#[test]
fn the_pools_of_an_escrow_are_what_their_sources_compile_to() -> Result<()> {
    check_editions("contracts/satellites/RecoveryPool.sol", "RecoveryPool")?;
    check_editions("contracts/satellites/BonusPool.sol", "BonusPool")
}

#[test]
fn the_board_and_the_router_are_what_their_sources_compile_to() -> Result<()> {
    check_editions("contracts/satellites/PledgeBoard.sol", "PledgeBoard")?;
    check_editions("contracts/satellites/PledgeRouter.sol", "PledgeRouter")
}

#[test]
fn the_receivers_are_what_their_sources_compile_to() -> Result<()> {
    check_editions("contracts/receivers/DebtRepayer.sol", "DebtRepayer")?;
    check_editions("contracts/receivers/StakedEtherUnwinder.sol", "StakedEtherUnwinder")
}

#[test]
fn the_lens_is_what_its_source_compiles_to() -> Result<()> {
    check(&compile(DEPLOYED, "contracts/lens/RescueLens.sol", "RescueLens")?, "RescueLens")
}

#[test]
fn the_compact_is_what_its_source_compiles_to() -> Result<()> {
    check_editions("contracts/Compact.sol", "Compact")
}

#[test]
fn the_models_of_lido_are_what_their_sources_compile_to() -> Result<()> {
    check(&compile(TESTS, "tests/lido/StETH.sol", "StETH")?, "StETH")?;
    check(&compile(TESTS, "tests/lido/WstETH.sol", "WstETH")?, "WstETH")
}

#[test]
fn the_weth_of_local_chains_is_what_its_source_compiles_to() -> Result<()> {
    check(&compile(TESTS, "tests/util/WrappedEther.sol", "WrappedEther")?, "WrappedEther")
}

/// Checks a contract of the latest edition, and of the one for tests, which differs from it only in code and salts.
fn check_editions(source: &str, name: &str) -> Result<()> {
    check(&compile(DEPLOYED, source, name)?, name)?;
    let mut built = compile(TEST_EDITION, source, name)?;
    built.as_object_mut().map(|artifact| artifact.remove("abi"));
    let name = format!("test-edition/{name}");
    if std::env::var_os("LEVEE_WRITE_ARTIFACTS").is_some() {
        std::fs::write(path(&name), format!("{}\n", serde_json::to_string_pretty(&built)?))?;
    }
    check(&built, &name)
}

fn check(built: &Value, name: &str) -> Result<()> {
    let committed: BTreeMap<String, Value> = serde_json::from_str(&std::fs::read_to_string(path(name))?)?;
    for (key, value) in committed {
        let stale = "is not what the source compiles to: run `make artifacts`";
        ensure!(built.get(&key) == Some(&value), "`{key}` of artifacts/{name}.json {stale}");
    }
    Ok(())
}

fn path(name: &str) -> PathBuf {
    root().join(format!("crates/levee/artifacts/{name}.json"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate is in crates/").to_owned()
}
