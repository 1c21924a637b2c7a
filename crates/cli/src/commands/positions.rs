//! `levee positions`: what an account has in a rescue.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{AccountPosition, AccountView, BonusShare, Earnings, PositionBonus, PositionView};
use levee_model::{Asset, PerAsset, Rate, Units};
use serde_json::{Value, json};

use crate::{
    address, amount,
    connection::{NetworkArgs, RescueArgs},
    output::Output,
    page::Page,
    table,
};

/// Whose positions.
#[derive(Debug, Args)]
#[command(after_help = "\
Below the table: what exits and declines could not pay, what was recovered, and what of the bonus is the account's.

stETH is booked in shares: the table shows what they are worth now, `--json` the shares.

Example:
  levee positions 0x… --terms rescue.toml --rpc-url https://node.example")]
pub(crate) struct PositionsArgs {
    /// Whose positions.
    #[arg(value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Address,

    #[command(flatten)]
    rescue: RescueArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

impl PositionsArgs {
    /// Shows them.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let (_, snapshot) = self.rescue.read(&self.network, Some(self.pledger)).await?;
        let rate = Page::of(&snapshot).rate();
        let AccountView { positions, owed, .. } = snapshot.account;
        let json = json!({
            "rescue": snapshot.escrow.to_string(),
            "pledger": self.pledger.to_string(),
            "positions": positions.iter().map(to_json).collect::<Value>(),
            "owed": { "ETH": owed[Asset::Eth], "stETH": owed[Asset::StEth], "wstETH": owed[Asset::WstEth] },
        });
        output.result(&to_text(self.pledger, &positions, owed, rate), &json)
    }
}

/// What the pools have for a position, and what to call.
fn around(line: &AccountPosition) -> Vec<(&'static str, String)> {
    let PositionView { tier, asset, amount, .. } = line.position;
    let recovered = line.earnings.map(Earnings::due).filter(|due| !due.is_zero());
    let recovered = recovered.map(|due| {
        ("recovered", format!("{} for the {asset} in tier {tier}: `levee claim`", amount::eth(due)))
    });
    let bonus = line.bonus.as_ref().map(|bonus| ("bonus", bonus_to_text(bonus, tier, asset, amount)));
    recovered.into_iter().chain(bonus).collect()
}

fn bonus_to_text(bonus: &PositionBonus, tier: u8, asset: Asset, amount: Units) -> String {
    let BonusShare { share, claimed } = bonus.share;
    let shown = amount::eth(share);
    let what = if claimed {
        return format!("{shown} for the {asset} in tier {tier}, paid");
    } else if !share.is_zero() {
        return format!("{shown} for the {asset} in tier {tier}: `levee bonus claim`");
    } else if bonus.is_current && bonus.enlistment.enlisted == amount {
        "counts, if its condition is not met"
    } else {
        "does not count in full: `levee bonus enlist`, while the rescue takes pledges"
    };
    format!("the {asset} in tier {tier} {what}")
}

fn to_text(pledger: Address, lines: &[AccountPosition], owed: PerAsset<Units>, rate: Option<Rate>) -> String {
    let mut around: Vec<_> = lines.iter().flat_map(around).collect();
    for asset in Asset::ALL.into_iter().filter(|asset| !owed[*asset].is_zero()) {
        let owed = amount::units(owed[asset], asset, rate);
        around.push(("owed", format!("{owed}, which an exit or a decline could not pay: `levee collect`")));
    }
    let table = table(pledger, lines, rate);
    if around.is_empty() { table } else { format!("{table}\n{}", table::facts(&around)) }
}

fn table(pledger: Address, lines: &[AccountPosition], rate: Option<Rate>) -> String {
    if lines.is_empty() {
        return format!("{pledger} has nothing in this rescue\n");
    }
    let row = |position: &PositionView| {
        let shown = |units| amount::worth(units, position.asset, rate);
        let [pledged, refunded, refundable] =
            [position.amount, position.refunded, position.refundable].map(shown);
        let objected = if position.objected { "yes" } else { "no" };
        [
            position.tier.to_string(),
            pledged,
            refunded,
            refundable,
            amount::eth(position.weight),
            objected.into(),
        ]
    };
    let rows: Vec<_> = lines.iter().map(|line| row(&line.position)).collect();
    table::render(["tier", "pledged", "refunded", "refundable now", "drawn value", "objected"], &rows)
}

fn to_json(line: &AccountPosition) -> Value {
    let position = &line.position;
    json!({
        "tier": position.tier,
        "asset": position.asset,
        "unit": amount::unit_name(position.asset),
        "amount": position.amount,
        "refunded": position.refunded,
        "refundable": position.refundable,
        "drawnValueWei": position.weight,
        "objected": position.objected,
        "recoveredDueWei": line.earnings.map(Earnings::due),
        "bonus": line.bonus.as_ref().map(bonus_to_json),
    })
}

fn bonus_to_json(bonus: &PositionBonus) -> Value {
    let PositionBonus { share, enlistment, is_current } = bonus;
    json!({
        "shareWei": share.share,
        "claimed": share.claimed,
        "enlisted": enlistment.enlisted,
        "unitSeconds": enlistment.unit_seconds.get().to_string(),
        "upToDate": is_current,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::{Enlistment, Wei};

    fn line() -> AccountPosition {
        let position = PositionView {
            tier: 2,
            asset: Asset::StEth,
            amount: Units::new(10u128.pow(18)),
            refunded: Units::ZERO,
            refundable: Units::new(1),
            weight: Wei::new(10u128.pow(18)),
            objected: true,
        };
        AccountPosition { position, earnings: None, bonus: None }
    }

    const TABLE: &str = "\
tier  pledged                     refunded  refundable now  drawn value  objected
2     1000000000000000000 shares  0 stETH   1 shares        1 ETH        yes
";

    #[test]
    fn positions_are_a_table() {
        let none_owed = PerAsset::default();
        assert_eq!(to_text(Address::ZERO, &[line()], none_owed, None), TABLE);
        let none = to_text(Address::ZERO, &[], none_owed, None);
        assert_eq!(none, format!("{} has nothing in this rescue\n", Address::ZERO));
    }

    #[test]
    fn what_waits_elsewhere_is_below_the_table() {
        let mut owed = PerAsset::default();
        owed[Asset::Eth] = Units::new(10u128.pow(18));
        let enlistment = Enlistment { enlisted: Units::new(10u128.pow(18)), ..Enlistment::default() };
        let share = BonusShare { share: Wei::ZERO, claimed: false };
        let bonus = Some(PositionBonus { share, enlistment, is_current: true });
        let earnings = Some(Earnings { earned: Wei::new(10u128.pow(18)), claimed: Wei::ZERO });
        let line = AccountPosition { earnings, bonus, ..line() };
        let expected = format!(
            "\
{TABLE}
recovered  1 ETH for the stETH in tier 2: `levee claim`
bonus      the stETH in tier 2 counts, if its condition is not met
owed       1 ETH, which an exit or a decline could not pay: `levee collect`
"
        );
        assert_eq!(to_text(Address::ZERO, &[line], owed, None), expected);
    }

    #[test]
    fn a_bonus_says_what_to_call() {
        let text = |share: u128, claimed, is_current| {
            let share = BonusShare { share: Wei::new(share), claimed };
            let bonus = PositionBonus { share, enlistment: Enlistment::default(), is_current };
            bonus_to_text(&bonus, 1, Asset::Eth, Units::new(5))
        };
        let ether = 10u128.pow(18);
        assert_eq!(text(ether, true, true), "1 ETH for the ETH in tier 1, paid");
        assert_eq!(text(ether, false, true), "1 ETH for the ETH in tier 1: `levee bonus claim`");
        let enlist =
            "the ETH in tier 1 does not count in full: `levee bonus enlist`, while the rescue takes pledges";
        assert_eq!([text(0, false, true), text(0, false, false)], [enlist; 2]);
    }

    #[test]
    fn json_is_exact() {
        let json = to_json(&line());
        assert_eq!((&json["amount"], &json["unit"]), (&json!("1000000000000000000"), &json!("stETH shares")));
        assert_eq!((&json["recoveredDueWei"], &json["bonus"]), (&Value::Null, &Value::Null));
    }
}
