//! `levee status`: the state of a rescue.

use clap::Args;
use eyre::Result;

use crate::{
    connection::{NetworkArgs, RescueArgs},
    output::Output,
    page::Page,
    time,
};

/// The rescue.
#[derive(Debug, Args)]
#[command(after_help = "\
Shows the rescue as the next call would find it: after the deadline, the result of settling now. No account \
is needed.

Examples:
  levee status --terms rescue.toml --rpc-url https://node.example
  levee status --rescue 0x… --json")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    rescue: RescueArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

impl StatusArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let (_, snapshot) = self.rescue.read(&self.network, None).await?;
        let page = Page::of(&snapshot);
        output.result(&page.to_text(time::clock()), &page.to_json())
    }
}
