//! Where the index is kept.

use std::fs;

use clap::Args;
use eyre::Result;
use levee_index::Store;

use crate::{environment::variable, error::UserError, state::state_directory};

/// Environment variable with the place of the store.
const VARIABLE: &str = "LEVEE_INDEX";

/// Where the index is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Index")]
pub(crate) struct StoreArgs {
    /// File of SQLite, or URL of a PostgreSQL database; default: the variable LEVEE_INDEX, then a file in the user's state
    /// directory. A URL with a password belongs in the variable, since other users can see arguments.
    #[arg(long, value_name = "PATH_OR_URL")]
    store: Option<String>,
}

impl StoreArgs {
    /// Opens it to write, and creates it if there is none.
    pub(crate) async fn open(&self) -> Result<Store> {
        Ok(Store::open(&self.location()?).await?)
    }

    /// Opens it to read.
    pub(crate) async fn open_to_read(&self) -> Result<Store> {
        Ok(Store::open_to_read(&self.location()?).await?)
    }

    fn location(&self) -> Result<String, UserError> {
        if let Some(location) = self.store.clone().or_else(in_environment) {
            return Ok(location);
        }
        let hint = "choose one with `--store` or the variable LEVEE_INDEX";
        let directory = state_directory().ok_or_else(|| {
            UserError::new("there is no place for the index: no home directory is set").hint(hint)
        })?;
        fs::create_dir_all(&directory).map_err(|error| {
            UserError::new(format!("the index cannot be kept in `{}`: {error}", directory.display()))
                .hint(hint)
        })?;
        Ok(directory.join("index.db").display().to_string())
    }
}

/// The place that the environment names.
pub(crate) fn in_environment() -> Option<String> {
    variable(VARIABLE)
}
