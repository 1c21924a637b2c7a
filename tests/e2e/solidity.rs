//! Contracts that only the tests need, compiled by the compiler of the lockfile.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

use alloy::{hex, primitives::Bytes};
use serde_json::{Value, json};

use crate::support::{project_file, root};

/// The code of a contract.
pub(crate) struct Code {
    /// What creates it.
    pub(crate) creation: Bytes,
    /// What is at its address then.
    pub(crate) deployed: Bytes,
}

/// The contracts in a file of the project, by their names. It may import from npm packages.
pub(crate) fn compile(path: &str) -> BTreeMap<String, Code> {
    let mut sources = BTreeMap::new();
    add(path, &mut sources);
    let contents: Value =
        sources.iter().map(|(name, content)| (name.clone(), json!({ "content": content }))).collect();
    let outputs = json!({ path: { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } });
    let settings = json!({ "optimizer": { "enabled": true }, "outputSelection": outputs });
    let output = solc(&json!({ "language": "Solidity", "sources": contents, "settings": settings }));
    let contracts = output["contracts"][path].as_object().unwrap_or_else(|| panic!("{output}"));
    let bytes = |contract: &Value, which| {
        let digits = contract["evm"][which]["object"].as_str().expect("code");
        hex::decode(digits).expect("hexadecimal digits").into()
    };
    let code = |contract: &Value| Code {
        creation: bytes(contract, "bytecode"),
        deployed: bytes(contract, "deployedBytecode"),
    };
    contracts.iter().map(|(name, contract)| (name.clone(), code(contract))).collect()
}

/// Adds a file and what it imports.
fn add(path: &str, sources: &mut BTreeMap<String, String>) {
    if sources.contains_key(path) {
        return;
    }
    let is_own = root().join(path).exists();
    let content = project_file(&if is_own { path.to_owned() } else { in_package(path) });
    let imported: Vec<_> = imports(&content).map(|import| resolve(path, import)).collect();
    sources.insert(path.to_owned(), content);
    imported.iter().for_each(|import| add(import, sources));
}

/// Where a file of an npm package is, by the remappings of foundry.toml.
fn in_package(path: &str) -> String {
    match path.strip_prefix("solady/") {
        Some(rest) => format!("node_modules/solady/src/{rest}"),
        None => format!("node_modules/{path}"),
    }
}

/// The paths after `import … from`, and of `import` alone.
fn imports(content: &str) -> impl Iterator<Item = &str> {
    let statements = content.split("import ").skip(1).filter_map(|rest| rest.split(';').next());
    statements.filter_map(|statement| statement.split('"').nth(1)).filter(|path| path.ends_with(".sol"))
}

/// What an import in the file `of` means.
fn resolve(of: &str, import: &str) -> String {
    if !import.starts_with('.') {
        return import.to_owned();
    }
    let joined = Path::new(of).parent().expect("a file is in a directory").join(import);
    let mut path = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path.to_str().expect("it is text").to_owned()
}

fn solc(input: &Value) -> Value {
    let mut solc = Command::new(root().join("tools/solc"));
    let solc = solc.arg("--standard-json").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut solc = solc.expect("the compiler needs node and `npm ci`");
    let mut stdin = solc.stdin.take().expect("it is piped");
    stdin.write_all(input.to_string().as_bytes()).expect("the compiler reads");
    drop(stdin);
    let output = solc.wait_with_output().expect("the compiler ends");
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}
