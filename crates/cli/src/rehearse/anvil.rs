//! A local chain that ends when it is dropped.

use std::path::{Path, PathBuf};

use alloy::node_bindings::{Anvil, AnvilInstance, NodeError};
use eyre::{Result, WrapErr};
use levee_model::Timestamp;

use super::scenario::CHAIN;
use crate::{environment::variable, error::UserError};

/// The variable that names the program.
const VARIABLE: &str = "ANVIL";
const PROGRAM: &str = "anvil";
/// Where the project's `npm ci` puts it, relative to the working directory.
const FROM_NPM: &str = "node_modules/.bin/anvil";

/// Starts a chain whose first block has the time `genesis`, where gas is free, any account can be
/// impersonated, and blocks are mined only on request.
pub(crate) fn start(genesis: Timestamp) -> Result<AnvilInstance> {
    let program = find(variable(VARIABLE).map(PathBuf::from), std::env::var_os("PATH"))?;
    let genesis = genesis.to_string();
    let free_gas = ["--gas-price", "0", "--block-base-fee-per-gas", "0"];
    let anvil = Anvil::at(&program)
        .host("127.0.0.1")
        .chain_id(CHAIN)
        .auto_impersonate()
        .args(free_gas)
        .arg("--no-mining")
        .args(["--timestamp", &genesis]);
    anvil.try_spawn().map_err(|error| explain(error, &program))
}

/// The program: the one that the variable names, or the one on PATH, or the one that npm installed.
fn find(named: Option<PathBuf>, path: Option<std::ffi::OsString>) -> Result<PathBuf, UserError> {
    if let Some(named) = named {
        return if named.is_file() {
            Ok(named)
        } else {
            Err(missing(&format!("at `{}`, where {VARIABLE} points", named.display())))
        };
    }
    let on_path = path.iter().flat_map(std::env::split_paths).map(|directory| directory.join(PROGRAM));
    let mut candidates = on_path.chain([PathBuf::from(FROM_NPM)]);
    candidates
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| missing(&format!("on PATH or at `{FROM_NPM}`")))
}

fn missing(place: &str) -> UserError {
    UserError::new(format!("a rehearsal needs Foundry's anvil, which was not found {place}"))
        .hint(format!("run `npm ci` in Levee's directory, install Foundry, or set {VARIABLE} to the program"))
}

fn explain(error: NodeError, program: &Path) -> eyre::Report {
    match error {
        NodeError::SpawnError(cause) => {
            UserError::new(format!("`{}` cannot be started: {cause}", program.display()))
                .hint(format!("set {VARIABLE} to Foundry's anvil"))
                .into()
        }
        other => Err::<(), _>(other)
            .wrap_err_with(|| format!("`{}` did not start a chain", program.display()))
            .expect_err("it is an error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_anvil_is_told_with_where_it_was_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        let named = directory.path().join("anvil");
        let message = find(Some(named.clone()), None).unwrap_err().to_string();
        let expected = format!("at `{}`, where ANVIL points", named.display());
        assert_eq!(message, format!("a rehearsal needs Foundry's anvil, which was not found {expected}"));
        let message = find(None, Some(directory.path().into())).unwrap_err().to_string();
        let expected = "on PATH or at `node_modules/.bin/anvil`";
        assert_eq!(message, format!("a rehearsal needs Foundry's anvil, which was not found {expected}"));
    }

    #[test]
    fn what_the_variable_names_comes_first_then_the_path() {
        let [named, on_path] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [program, other] = [&named, &on_path].map(|directory| directory.path().join(PROGRAM));
        std::fs::write(&program, "").unwrap();
        std::fs::write(&other, "").unwrap();
        let path = || Some(on_path.path().into());
        assert_eq!(find(Some(program.clone()), path()).unwrap(), program);
        assert_eq!(find(None, path()).unwrap(), other);
    }
}
