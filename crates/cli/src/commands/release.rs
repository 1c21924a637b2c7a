//! `levee release`: deliver what is due to the beneficiary.

use clap::Args;
use eyre::{Report, Result};
use levee::{Error, Purpose, Refusal};
use levee_model::{Asset, Operation};

use crate::{
    amount, error::UserError, output::Output, page::Page, plan::Step, time, transaction::ChangeArgs,
};

/// Arguments of `levee release`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each asset is delivered by a separate call, so that a paused token does not hold back the others. Anyone may \
call.

Example:
  levee release ETH --terms rescue.toml --account anyone")]
pub(crate) struct ReleaseArgs {
    /// Asset to deliver: ETH, stETH or wstETH.
    #[arg(value_name = "ASSET", value_parser = amount::parse_asset)]
    asset: Asset,

    #[command(flatten)]
    change: ChangeArgs,
}

impl ReleaseArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = Purpose::new("release").with("asset", self.asset);
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let (asset, page) = (self.asset, &session.page);
        let due = page.view.due_by(session.next_time().await?);
        if !page.view.terms.accepts(asset) {
            return Err(Error::NoSuchAsset { asset }.into());
        }
        let headline = format!("Deliver the {asset} that is due from the rescue {}", page.address);
        let call = session.escrow.call(Operation::Release(asset))?;
        let step = Step::new("release", headline, call).facts(facts(page, asset, due));
        session.run(step).await.map_err(|error| refused_by_the_beneficiary(page, error))
    }
}

/// What a release delivers once so many tranches are `due`.
fn facts(page: &Page, asset: Asset, due: u8) -> Vec<(&'static str, String)> {
    let view = &page.view;
    let (due, delivered) = (due.min(view.kept[asset]), view.delivered[asset]);
    let amount = view.tranches_between(asset, delivered, due);
    vec![
        ("amount", amount::units_exact(amount, asset, page.rate())),
        ("beneficiary", view.terms.beneficiary.to_string()),
        ("tranches", format!("{due} of {} due, {delivered} already delivered", view.terms.tranches)),
    ]
}

/// Explains a payment that the beneficiary does not accept: a release has no other recipient.
fn refused_by_the_beneficiary(page: &Page, error: Report) -> Report {
    match error.downcast_ref() {
        Some(Error::Refused(Refusal::PaymentFailed { recipient, asset, .. })) => {
            let back = page.view.collectable_until().map_or_else(String::new, |last| {
                format!("; what is not delivered until {} can go back to the pledgers", time::time(last))
            });
            UserError::new(format!("the beneficiary `{recipient}` does not accept {asset}"))
                .hint(format!(
                    "only the beneficiary can change that, because there is no other recipient{back}"
                ))
                .into()
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::settled;
    use levee_model::Units;

    #[test]
    fn what_is_delivered_is_said_exactly() {
        // A quarter of 40 and 30 ETH, and of 24 shares at 1.25.
        let amount = |asset| facts(&settled(), asset, 1)[0].1.clone();
        assert_eq!(amount(Asset::Eth), "17.5 ETH (17500000000000000000 wei)");
        assert_eq!(amount(Asset::StEth), "7.5 stETH (6000000000000000000 shares)");
        let mut late = settled();
        late.view.delivered[Asset::Eth] = 1;
        assert_eq!(facts(&late, Asset::Eth, 3)[0].1, "35 ETH (35000000000000000000 wei)");
        late.view.kept[Asset::Eth] = 2;
        let told = facts(&late, Asset::Eth, 3);
        assert_eq!(
            (&*told[0].1, &*told[2].1),
            ("17.5 ETH (17500000000000000000 wei)", "2 of 4 due, 1 already delivered")
        );
        // The second is due ten days after settlement, in six days.
        let next = late.view.next_tranche_at.unwrap();
        assert_eq!([next - 1, next].map(|now| late.view.due_by(now)), [1, 2]);
    }

    #[test]
    fn a_beneficiary_that_refuses_is_told_of_with_what_becomes_of_it() {
        let recipient = settled().view.terms.beneficiary;
        let (asset, amount) = (Asset::Eth, Units::new(5));
        let refusal = Error::from(Refusal::PaymentFailed { recipient, asset, amount });
        let text = crate::error::to_text(&refused_by_the_beneficiary(&settled(), refusal.into()));
        let expected = format!(
            "error: the beneficiary `{recipient}` does not accept ETH\n\nhint: only the beneficiary can change that, because there is no other recipient; what is not delivered until 2026-09-20T00:00:00Z can go back to the pledgers\n"
        );
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), expected);
    }
}
