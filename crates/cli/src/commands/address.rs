//! `levee address`: where a rescue is or will be.

use std::path::PathBuf;

use clap::Args;
use eyre::Result;
use levee::{CREATE2_DEPLOYER, SALT};
use serde_json::json;

use crate::{output::Output, terms::TermsFile};

/// Whose address.
#[derive(Debug, Args)]
#[command(after_help = "\
The address commits to the escrow's code and to every term, and is the same on every chain: if Levee's code is there, \
it has these terms. Nobody has to be trusted or asked.

Example:
  levee address rescue.toml")]
pub(crate) struct AddressArgs {
    /// File of terms (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl AddressArgs {
    /// Computes and shows it.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        let address = TermsFile::read(&self.file)?.address()?;
        let json =
            json!({ "address": address.to_string(), "deployer": CREATE2_DEPLOYER.to_string(), "salt": SALT });
        output.result(&format!("{address}\n"), &json)
    }
}
