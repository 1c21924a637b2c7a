//! Compiles the contracts from source, with the settings of foundry.toml, and compares code on a chain with the result.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, Bytes};
use eyre::{Result, WrapErr as _, bail, ensure, eyre};
use foundry_compilers::{
    ConfigurableArtifacts, Project, ProjectBuilder, ProjectPathsConfig,
    artifacts::{
        BytecodeHash, DeployedBytecode, EvmVersion, Settings, SettingsMetadata, StandardJsonCompilerInput,
        output_selection::OutputSelection, remappings::Remapping,
    },
    solc::{Solc, SolcCompiler, SolcLanguage, SolcSettings},
};
use levee::{Contract, Edition};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::proxy;

/// How a contract is compiled.
#[derive(Debug, Clone, Copy)]
pub struct Pipeline {
    via_ir: bool,
    runs: usize,
}

/// What is deployed: foundry.toml's profile `ir`.
pub const DEPLOYED: Pipeline = Pipeline { via_ir: true, runs: 200 };
/// The edition for tests: the same, but optimized for size.
pub const TEST_EDITION: Pipeline = Pipeline { via_ir: true, runs: 1 };
/// What tests use: foundry.toml's default profile.
pub const TESTS: Pipeline = Pipeline { via_ir: false, runs: 10_000 };

/// The contracts of a rescue, and their sources.
const SOURCES: [(Contract, &str); 3] = [
    (Contract::PledgeEscrow, "contracts/PledgeEscrow.sol"),
    (Contract::RecoveryPool, "contracts/satellites/RecoveryPool.sol"),
    (Contract::BonusPool, "contracts/satellites/BonusPool.sol"),
];

/// Code as an artifact has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Built {
    bytecode: Bytes,
    deployed_bytecode: Bytes,
    immutable_references: Vec<Vec<(usize, usize)>>,
}

/// Code on a chain that a source compiles to.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Which contract it is.
    pub contract: Contract,
    /// Its source.
    pub source: &'static str,
    /// Its immutables, in the order of declaration.
    pub immutables: Vec<Bytes>,
}

/// Compiles the contracts of a rescue, and finds the one whose code is at `address`, by the node at `url` (http).
///
/// The code that creates it is also compared with that of the latest edition, from which addresses are computed.
///
/// # Errors
/// If it is none of them, or the sources do not compile to the latest edition.
pub fn verify(url: &str, address: Address) -> Result<Found> {
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_getCode", "params": [address, "latest"] });
    let code: Bytes = serde_json::from_value(proxy::ask(url, &request)["result"].take())
        .wrap_err("the node gives no code")?;
    ensure!(!code.is_empty(), "there is no code at `{address}`");
    for (contract, source) in SOURCES {
        let built: Built = serde_json::from_value(compile(DEPLOYED, source, &format!("{contract:?}"))?)?;
        ensure!(
            built.bytecode == *Edition::LATEST.creation_code(contract),
            "{source} does not compile to the {contract} of the edition {}",
            Edition::LATEST
        );
        if let Some(immutables) = built.immutables_of(&code) {
            return Ok(Found { contract, source, immutables });
        }
    }
    bail!("the code at `{address}` is not what the sources compile to")
}

impl Built {
    /// The immutables in `code`, if it is this code apart from them, and each has one value in all of its places.
    fn immutables_of(&self, code: &[u8]) -> Option<Vec<Bytes>> {
        let mut masked = code.to_vec();
        let mut immutables = Vec::new();
        for places in &self.immutable_references {
            let mut values = Vec::new();
            for &(start, length) in places {
                let place = masked.get_mut(start..start + length)?;
                values.push(Bytes::copy_from_slice(place));
                place.fill(0);
            }
            values.dedup();
            let [value] = <[Bytes; 1]>::try_from(values).ok()?;
            immutables.push(value);
        }
        (masked == self.deployed_bytecode).then_some(immutables)
    }
}

/// The contract compiled now, in the shape of an artifact.
///
/// # Errors
/// If it does not compile, or the compiler is not installed.
pub fn compile(pipeline: Pipeline, source: &str, name: &str) -> Result<Value> {
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
///
/// # Errors
/// If its sources cannot be read, or the compiler is not installed.
pub fn input(pipeline: Pipeline, source: &str) -> Result<StandardJsonCompilerInput> {
    let source = root().join(source);
    Ok(project(pipeline, &source)?.standard_json_input(&source)?)
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

/// Of one file, and what it imports.
fn project(pipeline: Pipeline, source: &Path) -> Result<Project<SolcCompiler>> {
    let root = root();
    let remappings = remappings(&root)?;
    let paths = ProjectPathsConfig::builder()
        .root(&root)
        .sources(source)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_found_apart_from_its_immutables_which_have_one_value_each() {
        let built = Built {
            bytecode: Bytes::new(),
            deployed_bytecode: Bytes::from_static(&[1, 0, 2, 0, 3]),
            immutable_references: vec![vec![(1, 1), (3, 1)]],
        };
        let seven = vec![Bytes::from_static(&[7])];
        assert_eq!(built.immutables_of(&[1, 7, 2, 7, 3]), Some(seven));
        for other in [&[1, 7, 2, 8, 3][..], &[1, 7, 2, 7, 4], &[1, 7, 2]] {
            assert_eq!(built.immutables_of(other), None, "{other:?}");
        }
    }
}
