//! `levee receiver push`: move on what a receiver holds.

use clap::Args;
use eyre::Result;
use levee::{Purpose, ReceiverPlan};

use super::{Found, WhichArgs};
use crate::{
    output::Output,
    plan::{Meanwhile, Step},
    signing::{Signer, SigningArgs},
    transaction,
};

/// Arguments of `levee receiver push`.
#[derive(Debug, Args)]
#[command(after_help = "\
A debt repayer repays, and forwards other tokens. An unwinder claims what Lido has finalized, forwards ETH, and requests the \
withdrawal of stETH and wstETH. Anyone may call, and gets nothing from it. What fails now, as while a pool is paused, is left out \
and told. If there is nothing to do, nothing is sent.

Example:
  levee receiver push 0x… --account anyone")]
pub(crate) struct PushArgs {
    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    signing: SigningArgs,
}

impl PushArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let connection = self.signing.network().connect(None).await?;
        let receiver = self.which.find(&connection).await?;
        connection.current_block().await?;
        let purpose = Purpose::new("receiver push").with("receiver", self.which.receiver);
        let opened = self.signing.signer(&connection, None, purpose, output).await?;
        let Some(signer) = opened.or_report(output).await? else { return Ok(()) };
        // Read after whatever an earlier run has sent.
        let found = self.which.read(&connection, receiver).await?;
        let plan = receiver.plan(&signer.provider, found.address, &found.state, signer.from).await?;
        output.warn(&held_up(&found, &plan));
        if plan.calls.is_empty() && signer.done.is_empty() {
            let text = format!("nothing of {} can be pushed now; nothing was sent\n", found.address);
            output.result(&text, &transaction::summary(&[], None).1)?;
            return signer.close().await;
        }
        signer.run(&steps(&found, &plan, &signer), None).await
    }
}

/// One step for each call. They are numbered on from those of an earlier run, so that no two have the same name.
fn steps(found: &Found, plan: &ReceiverPlan, signer: &Signer) -> Vec<Step> {
    let step = |(number, call)| {
        let (name, headline) = (format!("push {number}"), found.headline(call));
        let to_send = found.receiver.call(&signer.provider, found.address, call);
        Step::new(name, headline, to_send).facts(found.facts(call)).unless(Meanwhile::Pushed)
    };
    (signer.done.len() + 1..).zip(&plan.calls).map(step).collect()
}

/// What is left out, and why.
fn held_up(found: &Found, plan: &ReceiverPlan) -> Vec<String> {
    let why = plan.held_up.iter();
    why.map(|held_up| format!("this fails now: {}: {}", found.headline(&held_up.call), held_up.reason))
        .collect()
}
