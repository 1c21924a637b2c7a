//! The artifacts that are checked in are what the contracts compile to, byte by byte.
//!
//! They are checked in so that `cargo build` needs no compiler of Solidity. The settings here repeat foundry.toml's.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use eyre::{Result, WrapErr as _, ensure, eyre};
use foundry_compilers::{
    ConfigurableArtifacts, Project, ProjectBuilder, ProjectPathsConfig,
    artifacts::{
        BytecodeHash, DeployedBytecode, EvmVersion, Settings, SettingsMetadata, StandardJsonCompilerInput,
        output_selection::OutputSelection, remappings::Remapping,
    },
    solc::{Solc, SolcCompiler, SolcLanguage, SolcSettings},
};
use levee::verification::COMPILER;
use serde_json::{Value, json};

/// How a contract is compiled.
#[derive(Clone, Copy)]
struct Pipeline {
    via_ir: bool,
    runs: usize,
}

/// What is deployed: foundry.toml's profile `ir`.
const DEPLOYED: Pipeline = Pipeline { via_ir: true, runs: 200 };
/// The edition for tests: the same, but optimized for size.
const TEST_EDITION: Pipeline = Pipeline { via_ir: true, runs: 1 };
/// What tests use: foundry.toml's default profile.
const TESTS: Pipeline = Pipeline { via_ir: false, runs: 10_000 };

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

/// The contract compiled now, in the shape of an artifact.
fn compile(pipeline: Pipeline, source: &str, name: &str) -> Result<Value> {
    let output = solc()?.compile(&input(pipeline, source)?)?;
    ensure!(!output.has_error(), "{:?}", output.errors);
    let contract = output.contracts.get(Path::new(source)).and_then(|contracts| contracts.get(name));
    let contract = contract.ok_or_else(|| eyre!("{source} has no contract {name}"))?;
    let evm = contract.evm.as_ref();
    let code = evm.and_then(|evm| evm.bytecode.as_ref()?.object.as_bytes());
    let deployed = evm.and_then(|evm| evm.deployed_bytecode.as_ref());
    let runtime = deployed.and_then(|deployed| deployed.bytecode.as_ref()?.object.as_bytes());
    let (code, runtime) = code.zip(runtime).ok_or_else(|| eyre!("{name} has no linked bytecode"))?;
    Ok(json!({
        "contractName": name,
        "abi": contract.abi,
        "bytecode": code,
        "deployedBytecode": runtime,
        "immutableReferences": deployed.map(immutables).transpose()?,
    }))
}

/// What the compiler is given, without anything of this machine.
fn input(pipeline: Pipeline, source: &str) -> Result<StandardJsonCompilerInput> {
    Ok(project(pipeline)?.standard_json_input(&root().join(source))?)
}

/// Where each immutable is, in the order of declaration: by the ids of the syntax tree, which rise with the source.
fn immutables(deployed: &DeployedBytecode) -> Result<Vec<Vec<(u32, u32)>>> {
    let mut places = BTreeMap::new();
    for (id, offsets) in &deployed.immutable_references {
        let mut offsets: Vec<_> = offsets.iter().map(|at| (at.start, at.length)).collect();
        offsets.sort_unstable();
        places.insert(id.parse::<u64>()?, offsets);
    }
    Ok(places.into_values().collect())
}

fn project(pipeline: Pipeline) -> Result<Project<SolcCompiler>> {
    let root = root();
    let remappings = remappings(&root)?;
    let paths = ProjectPathsConfig::builder()
        .root(&root)
        .sources(root.join("contracts"))
        .lib(root.join("node_modules"))
        .remappings(remappings)
        .build_with_root::<SolcLanguage>(&root);
    Ok(ProjectBuilder::new(ConfigurableArtifacts::default())
        .paths(paths)
        .settings(settings(pipeline))
        .ephemeral()
        .no_artifacts()
        .offline()
        .build(SolcCompiler::Specific(solc()?))?)
}

fn solc() -> Result<Solc> {
    Solc::new(root().join("tools/solc")).wrap_err("tools/solc does not run: it needs node and `npm ci`")
}

fn remappings(root: &Path) -> Result<Vec<Remapping>> {
    for package in ["solady/src", "@openzeppelin/contracts"] {
        let path = root.join("node_modules").join(package);
        ensure!(path.is_dir(), "node_modules/{package} is missing: run `npm ci`");
    }
    let to =
        |name: &str, path: &str| Remapping { context: None, name: name.to_owned(), path: path.to_owned() };
    Ok(vec![
        to("solady/", "node_modules/solady/src/"),
        to("@openzeppelin/contracts/", "node_modules/@openzeppelin/contracts/"),
        to("levee/", "contracts/"),
    ])
}

fn settings(Pipeline { via_ir, runs }: Pipeline) -> SolcSettings {
    let mut settings = Settings::new(OutputSelection::default_output_selection());
    settings.optimizer.enabled = Some(true);
    settings.optimizer.runs = Some(runs);
    settings.via_ir = Some(via_ir);
    settings.evm_version = Some(EvmVersion::Prague);
    settings.metadata = Some(SettingsMetadata::new(BytecodeHash::None, false));
    SolcSettings { settings, ..SolcSettings::default() }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate is in crates/").to_owned()
}
