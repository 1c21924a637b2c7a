//! `levee recover`: distribute what was recovered after a rescue.

use clap::Args;
use eyre::Result;
use levee::{Error, Purpose, RecoveryPool, RecoveryRefusal, RescueView};
use levee_model::Operation;

use crate::{amount, error::UserError, output::Output, plan::Step, transaction::ChangeArgs};

/// Arguments of `levee recover`.
#[derive(Debug, Args)]
#[command(after_help = "\
For funds recovered once a rescue is final, from the exploiter, courts, insurance or repayments. They go to \
those whose pledges were drawn, last drawn first: interest, then principal, then the next draw order. The \
first drawn get the rest, even beyond what they gave; you are warned if a deposit exceeds the draw plus \
interest. Anyone may deposit, and no one can take a deposit back. The first deposit creates the pool.

Once the pool exists, anyone can also deposit by sending ETH to its address, which `levee status` shows.

Example:
  levee recover 1200 ETH --terms rescue.toml --account trustee")]
pub(crate) struct RecoverArgs {
    /// Amount in ETH: `1.5 ETH` or `123 wei`.
    #[arg(value_name = "AMOUNT", num_args = 1..=2, required = true, allow_negative_numbers = true)]
    amount: Vec<String>,

    #[command(flatten)]
    change: ChangeArgs,
}

impl RecoverArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let amount = amount::parse_some_eth(&self.amount.join(" "), "deposit")?;
        let purpose = Purpose::new("recover").with("amount", amount::eth(amount));
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        require_delivered(&session.page.view)?;
        let pool = RecoveryPool::of(&session.escrow);
        let creation = session.signer.creation(pool.blueprint()).await?;
        let repaid = session.page.recovery_books();
        output.warn(&Vec::from_iter(session.page.beyond_the_draw(repaid, amount)));
        let mut steps = Vec::from_iter(creation);
        steps.push(
            Step::new(
                "recover",
                format!("Distribute funds recovered after the rescue {}", session.page.address),
                session.escrow.call(Operation::Recover(amount))?,
            )
            .facts(vec![
                ("amount", amount::eth_and_wei(amount)),
                ("pool", pool.address().to_string()),
                ("goes to", "those whose pledges were drawn, last drawn first".into()),
                ("final", "it cannot be taken back".into()),
            ]),
        );
        session.run_all(&steps).await
    }
}

/// Checked before a pool is created in vain.
fn require_delivered(view: &RescueView) -> Result<(), Error> {
    require_final(view)?;
    if view.pots.iter().all(|pot| pot.delivered.is_zero()) {
        return Err(RecoveryRefusal::NothingDelivered.into());
    }
    Ok(())
}

/// Recovery begins once a rescue is final.
pub(crate) fn require_final(view: &RescueView) -> Result<(), Error> {
    match view.final_at {
        Some(_) => Ok(()),
        None => Err(RecoveryRefusal::NotFinal { status: view.status }.into()),
    }
}

/// The error for a rescue without recovered funds.
pub(crate) fn nothing_recovered() -> UserError {
    UserError::new("nothing has been recovered after this rescue yet")
        .hint("anyone can distribute recovered funds with `levee recover AMOUNT`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::settled;

    #[test]
    fn recovery_needs_a_final_rescue_that_delivered_something() {
        let mut view = settled().view;
        let text = |view: &RescueView| require_delivered(view).unwrap_err().to_string();
        let not_final =
            "the rescue is Settled: recovery begins once a rescue that delivered something is final";
        assert_eq!(text(&view), not_final);
        view.final_at = Some(1);
        assert_eq!(text(&view), "the rescue delivered nothing, so there is no one to repay");
        view.pots[1].delivered = view.pots[1].drawn;
        require_delivered(&view).unwrap();
    }
}
