//! `levee pledge`: lock an amount into a tier.

use alloy::primitives::{Address, U256};
use clap::Args;
use eyre::Result;
use levee::{AccountView, Purpose, RescueView, ShareRate, bindings::StETH};
use levee_model::{Amount as Booked, Asset, PositionId, Rate, Status, Terms, Tier, units::RATE_UNIT};

use crate::{
    address, amended,
    amount::{self, Amount},
    error::UserError,
    output::Output,
    page::Page,
    pledging::Pledge,
    position,
    route::{RouteArgs, Way},
    transaction::{ChangeArgs, Session},
};

/// Arguments of `levee pledge`.
#[derive(Debug, Args)]
#[command(after_help = "\
A pledge is locked. You get all of it back if the rescue fails, if the tier's threshold is not met, if the \
guardian declines it, or if you exit while an amendment is pending. Otherwise you get back what is not \
drawn, after settlement.

A pledge names the latest amendment that you were shown: if the guardian proposes another one in the \
meantime, the pledge is refused. With `--terms`, the command also refuses a rescue whose target, deadline or \
document differs from the file, now or by a pending amendment, unless you add `--accept-amended`.

If the rescue has a bonus pool, the pledge is enlisted there and counts for the bonus from then on.

stETH is booked in shares, and you get back shares, whose value follows Lido's rate. WETH is unwrapped and \
pledged as ETH, and you get back ETH.

With `--permit`, stETH and wstETH need no prior approval: the account signs a permit, and the chain's router \
pledges in the same transaction. WETH also goes through the router, with an approval. If the router does not \
exist yet, it is created first.

Examples:
  levee pledge 5000 ETH --tier 0 --terms rescue.toml --account treasury
  levee pledge 2500 stETH --tier 2 --approve --rescue 0x… --account treasury
  levee pledge 30 wstETH --tier 2 --permit --rescue 0x… --account treasury
  levee pledge 10 WETH --tier 0 --approve --rescue 0x… --account treasury
  levee pledge 100000000000000000000 shares --tier 2 --for 0x… --rescue 0x… --account agent")]
pub(crate) struct PledgeArgs {
    /// Amount: `1.5 ETH`, `2500 stETH`, `30 wstETH`, `10 WETH`, `123 wei` or `100 shares` (of stETH).
    #[arg(value_name = "AMOUNT", num_args = 1..=2, required = true, allow_negative_numbers = true)]
    amount: Vec<String>,

    /// Tier to pledge into, counted from 0; `levee status` lists them.
    #[arg(long, value_name = "N", value_parser = position::parse_tier)]
    tier: u8,

    /// The pledger, who may object and exit and gets the refund; default: the signer.
    #[arg(long = "for", value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Option<Address>,

    /// First approve the rescue for the stETH or wstETH, or the router for the WETH, in a separate transaction.
    #[arg(long)]
    approve: bool,

    /// Pledge even if target, deadline or document differ from the terms file, now or by a pending amendment.
    #[arg(long)]
    accept_amended: bool,

    /// Do not enlist the pledge for the bonus, if there is one.
    #[arg(long)]
    no_enlist: bool,

    #[command(flatten)]
    route: RouteArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

impl PledgeArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let (amount, way) = self.route.parse(&self.amount.join(" "))?;
        let purpose = Purpose::new("pledge")
            .with("amount", amount)
            .with_some("by", way.name())
            .with("tier", self.tier)
            .with_some("for", self.pledger)
            .with_some("no-enlist", self.no_enlist.then_some(true));
        let Some(mut session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let tier = open_tier(&session.page.view, self.tier)?;
        if self.change.names_terms() && !self.accept_amended {
            amended::require_as_created(&session.page, session.escrow.original_terms())?;
        }
        let booked = session.booked(amount).await?;
        session.learn_rate(amount.asset()).await;
        let pledger = self.pledger.unwrap_or(session.signer.from);
        let enlists = !self.no_enlist && would_count(&session.page, session.escrow.original_terms());
        let account = &session.account;
        let already =
            account.in_position(self.tier, amount.asset()).filter(|_| pledger == session.signer.from);
        let pledge = Pledge { pledger, index: self.tier, tier, amount, booked, already, enlists };
        let mut steps = match way {
            _ if session.has_pledged() => Vec::new(),
            Way::Direct => {
                session.check_balance(account, booked)?;
                session.direct(&pledge, account, self.approve).await?
            }
            Way::Permit => {
                session.check_balance(account, booked)?;
                session.with_permit(&pledge, self.route.weth).await?
            }
            Way::FromWeth => session.unwrapping(&pledge, self.route.weth, self.approve).await?,
        };
        if way == Way::Direct && enlists {
            // The router enlists in the same transaction; the escrow knows no pool.
            steps.push(session.enlist(PositionId { pledger, tier: self.tier, asset: amount.asset() })?);
        }
        session.run_all(&steps).await
    }
}

/// The tier, if the rescue accepts pledges. Checked before an approval is sent in vain.
pub(crate) fn open_tier(view: &RescueView, tier: u8) -> Result<Tier, UserError> {
    if view.status != Status::Open {
        return Err(UserError::new(format!("the rescue is {} and does not accept pledges", view.status))
            .hint("`levee status` shows what can be called now"));
    }
    view.terms.tier(tier).ok_or_else(|| {
        UserError::new(format!(
            "there is no tier {tier}, only 0 to {}",
            view.terms.tier_count().saturating_sub(1)
        ))
        .hint("`levee status` lists the tiers")
    })
}

impl Session {
    /// The amount in the unit of the books. Of stETH, the shares that it is now, rounded down.
    async fn booked(&self, amount: Amount) -> Result<Booked> {
        if !self.page.view.terms.accepts(amount.asset()) {
            return Err(levee::Error::NoSuchAsset { asset: amount.asset() }.into());
        }
        let booked = match amount {
            Amount::Eth(wei) => Booked::Eth(wei),
            Amount::Shares(shares) => Booked::StEth(shares),
            Amount::StEth(wei) => Booked::StEth(self.escrow.steth_shares(wei).await?),
            Amount::WstEth(units) => Booked::WstEth(units),
        };
        require_some(amount, booked)?;
        Ok(booked)
    }

    /// A rescue without shares has no rate, but its first pledge of shares should also be shown in stETH: the
    /// rate is the token's then. It is for show only, so an unreadable one refuses nothing.
    async fn learn_rate(&mut self, asset: Asset) {
        let view = &mut self.page.view;
        if asset != Asset::StEth || view.rate != ShareRate::NotNeeded {
            return;
        }
        let steth = StETH::new(view.terms.steth, self.escrow.provider());
        let asked = steth.getPooledEthByShares(U256::from(RATE_UNIT)).call().await;
        if let Some(rate) = asked.ok().and_then(|wei| Rate::new(wei.saturating_to())) {
            view.rate = ShareRate::Known(rate);
        }
    }

    /// Checks the balance of a token, before an approval is sent in vain.
    fn check_balance(&self, account: &AccountView, amount: Booked) -> Result<()> {
        let (owner, asset, units) = (self.signer.from, amount.asset(), amount.units());
        // The simulation detects insufficient ETH.
        if asset == Asset::Eth {
            return Ok(());
        }
        let balance = account.balance_of(asset);
        let balance = balance.ok_or_else(|| eyre::eyre!("the balance of {asset} cannot be read"))?.units();
        if balance >= units {
            return Ok(());
        }
        let shown = |units| amount::units(units, asset, self.page.rate());
        Err(UserError::new(format!("`{owner}` has {}, less than {}", shown(balance), shown(units)))
            .hint("pledge less, or send the account what is missing")
            .into())
    }
}

/// Refuses an amount of nothing.
pub(crate) fn require_some(amount: Amount, booked: Booked) -> Result<(), UserError> {
    if booked.units().is_zero() {
        return Err(UserError::new(format!("`{amount}` is zero")).hint("pledge more than zero"));
    }
    Ok(())
}

/// Whether a pledge made now would count for a bonus.
pub(crate) fn would_count(page: &Page, created: &Terms) -> bool {
    let pending = page.pending().map(|amendment| amendment.goal.deadline);
    let counted_until = created.deadline.min(page.view.terms.deadline).min(pending.unwrap_or(u64::MAX));
    page.bonus_books().is_some() && page.now < counted_until
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::open;

    #[test]
    fn a_pledge_needs_an_open_rescue_and_a_tier() {
        let mut view = open().view;
        assert_eq!(open_tier(&view, 1).unwrap().draw_order, 1);
        assert_eq!(open_tier(&view, 3).unwrap_err().to_string(), "there is no tier 3, only 0 to 2");
        view.status = Status::Failed;
        let message = open_tier(&view, 1).unwrap_err().to_string();
        assert_eq!(message, "the rescue is Failed and does not accept pledges");
    }
}
