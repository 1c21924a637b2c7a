//! `levee collect`: pay what exits and declines could not.

use alloy::primitives::Address;
use clap::Args;
use eyre::{Report, Result};
use levee::{Error, Purpose, Refusal};
use levee_model::{Amount, Asset, Operation, PerAsset, Rate, Units};

use crate::{
    address, amount,
    error::UserError,
    output::Output,
    page::Page,
    payouts::AllArgs,
    plan::{Step, Summary},
    position::require_own,
    transaction::{ChangeArgs, Session},
};

/// Arguments of `levee collect`.
#[derive(Debug, Args)]
#[command(after_help = "\
A pledger who exits or is declined leaves the books at once. What cannot be paid at that time, for example \
while stETH is paused, is owed. It can be collected in any status, never expires, and collecting it never \
settles the rescue. Anyone may collect for a pledger, who receives the payment. Only the pledger may send it \
elsewhere.

Examples:
  levee collect --terms rescue.toml --account treasury
  levee collect stETH --pledger 0x… --rescue 0x… --account anyone
  levee collect ETH --to 0x… --rescue 0x… --account treasury
  levee collect --all --rescue 0x… --account anyone")]
pub(crate) struct CollectArgs {
    /// Asset to collect: ETH, stETH or wstETH; default: every asset that is owed.
    #[arg(value_name = "ASSET", value_parser = amount::parse_asset)]
    asset: Option<Asset>,

    /// The pledger to whom it is owed; default: the signer.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Option<Address>,

    /// Recipient, if not the pledger; only for what is owed to the signer.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,

    #[command(flatten)]
    everyone: AllArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

impl CollectArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = Purpose::new("collect")
            .with_some("asset", self.asset)
            .with_some("pledger", self.pledger)
            .with_some("to", self.to)
            .with_some("all", self.everyone.all.then_some(true));
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        if self.everyone.all {
            let is_meant = |call: &Operation| matches!(call, Operation::Collect { asset, .. } if self.asset.is_none_or(|only| only == *asset));
            return self.everyone.pay(&session, "collect", is_meant, output).await;
        }
        let pledger = self.pledger.unwrap_or(session.signer.from);
        require_own(self.to, pledger, session.signer.from, "money")?;
        let owed = session.escrow.owed(pledger).await?;
        let steps = self.chosen(owed).map(|asset| self.step(&session, pledger, asset, owed[asset]));
        let steps: Vec<_> = steps.collect::<Result<_, _>>()?;
        if steps.is_empty() {
            return Err(nothing_owed(pledger, self.asset).into());
        }
        session.run_all(&steps).await.map_err(|error| remains_owed(session.page.rate(), error))
    }

    /// The selected assets that are owed.
    fn chosen(&self, owed: PerAsset<Units>) -> impl Iterator<Item = Asset> + use<> {
        let only = self.asset;
        let is_meant = move |asset: &Asset| only.is_none_or(|only| only == *asset) && !owed[*asset].is_zero();
        Asset::ALL.into_iter().filter(is_meant)
    }

    fn step(&self, session: &Session, pledger: Address, asset: Asset, owed: Units) -> Result<Step, Error> {
        let collect =
            self.to.map_or(Operation::Collect { pledger, asset }, |to| Operation::CollectTo { asset, to });
        let summary = summary(&session.page, owed.of(asset), (pledger, self.to.unwrap_or(pledger)));
        Ok(summary.by(session.escrow.call(collect)?))
    }
}

/// What the collection of what is owed does.
pub(crate) fn summary(page: &Page, owed: Amount, (pledger, recipient): (Address, Address)) -> Summary {
    let asset = owed.asset();
    let headline = format!("Collect the {asset} that the rescue {} owes", page.address);
    let facts = vec![
        ("amount", amount::units_exact(owed.units(), asset, page.rate())),
        ("owed to", pledger.to_string()),
        ("recipient", recipient.to_string()),
    ];
    Summary::new(format!("collect {asset}"), headline, facts)
}

/// Adds what shares are worth to an error that knows only their number.
fn remains_owed(rate: Option<Rate>, error: Report) -> Report {
    match (error.downcast_ref(), rate) {
        (Some(Error::Refused(Refusal::PaymentFailed { asset: Asset::StEth, amount, .. })), Some(_)) => {
            let worth = amount::worth(*amount, Asset::StEth, rate);
            let message = format!("{worth} remains owed: {error}");
            error.wrap_err(UserError::new(message))
        }
        _ => error,
    }
}

fn nothing_owed(pledger: Address, asset: Option<Asset>) -> UserError {
    let what = asset.map_or_else(|| "nothing".to_owned(), |asset| format!("no {asset}"));
    UserError::new(format!("{what} from exits or declines is owed to `{pledger}`"))
        .hint("`levee positions ADDRESS` shows what is owed to an account; `levee refund` returns what was not drawn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_remain_owed_are_told_with_their_value() {
        let (recipient, rate) = (Address::ZERO, Rate::new(1_250_000_000_000_000_000_000_000_000));
        let told = |asset, rate| {
            let amount = Units::new(4 * 10u128.pow(18));
            let refusal = Refusal::PaymentFailed { recipient, asset, amount };
            remains_owed(rate, Error::from(refusal).into()).to_string()
        };
        let shares = format!("4000000000000000000 shares could not be paid to `{recipient}`");
        assert_eq!(told(Asset::StEth, rate), format!("5 stETH remains owed: {shares}"));
        assert_eq!(told(Asset::StEth, None), shares);
        assert_eq!(told(Asset::Eth, rate), format!("4 ETH could not be paid to `{recipient}`"));
        let refusal = Refusal::PaymentFailed { recipient, asset: Asset::StEth, amount: Units::new(1) };
        let json = crate::error::to_json(&remains_owed(rate, Error::from(refusal).into()));
        let json = serde_json::to_value(json).unwrap();
        assert_eq!(
            (&json["error"]["kind"], &json["error"]["causes"]),
            (&"PaymentFailed".into(), &serde_json::json!([]))
        );
    }

    #[test]
    fn what_is_not_owed_is_named() {
        let zero = Address::ZERO;
        let text = |asset| nothing_owed(zero, asset).to_string();
        assert_eq!(text(None), format!("nothing from exits or declines is owed to `{zero}`"));
        assert_eq!(text(Some(Asset::StEth)), format!("no stETH from exits or declines is owed to `{zero}`"));
    }
}
