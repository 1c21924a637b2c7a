//! `levee address`: where a rescue, or a contract around it, is or will be.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use eyre::Result;
use levee::{Blueprint, CREATE2_DEPLOYER};

use crate::{json::Addresses, output::Output, terms::TermsFile, warnings};

/// Arguments of `levee address`.
#[derive(Debug, Args)]
#[command(after_help = "\
The address commits to the escrow's code and to every term, and is the same on every chain: if there is a \
contract at this address, it has Levee's code and these terms. You need not trust or ask anyone. The \
addresses of the pools commit to the escrow's address and to their code.

ETH sent to a pool before it is created is lost: `levee recover` and `levee bonus add` create it first.

Examples:
  levee address rescue.toml
  levee address rescue.toml --of recovery-pool")]
pub(crate) struct AddressArgs {
    /// Terms file (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The contract whose address to compute; `--json` prints all of them.
    #[arg(long, value_name = "CONTRACT", value_enum, default_value_t = Of::Rescue)]
    of: Of,
}

/// The escrow of a rescue, or a contract around it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    Rescue,
    RecoveryPool,
    BonusPool,
    Board,
}

impl AddressArgs {
    /// Runs the command.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        let file = TermsFile::read(&self.file)?;
        let (escrow, warnings) = (file.escrow()?, warnings::refusal(&file));
        let rescue = escrow.address();
        let [recovery, bonus] = [Blueprint::recovery_pool(rescue), Blueprint::bonus_pool(rescue)]
            .map(|blueprint| blueprint.in_edition(escrow.edition()).address());
        // One board of a chain serves the rescues of all editions.
        let board = Blueprint::board().address();
        let address = match self.of {
            Of::Rescue => rescue,
            Of::RecoveryPool => recovery,
            Of::BonusPool => bonus,
            Of::Board => board,
        };
        let addresses = Addresses {
            address: rescue,
            deployer: CREATE2_DEPLOYER,
            salt: escrow.salt(),
            recovery_pool: recovery,
            bonus_pool: bonus,
            board,
            warnings,
        };
        output.warn(&addresses.warnings);
        output.result(&format!("{address}\n"), &addresses)
    }
}
