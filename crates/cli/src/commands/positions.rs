//! `levee positions`: what an account has in a rescue.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::PositionView;
use levee_model::Rate;
use serde_json::{Value, json};

use crate::{
    address, amount,
    connection::{NetworkArgs, RescueArgs},
    output::Output,
    table,
};

/// Whose positions.
#[derive(Debug, Args)]
#[command(after_help = "\
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
        let (connection, escrow) = self.rescue.open(&self.network).await?;
        let page = connection.page(&escrow).await?;
        let positions = escrow.positions(self.pledger).await?;
        let json = json!({
            "rescue": page.address.to_string(),
            "pledger": self.pledger.to_string(),
            "positions": positions.iter().map(to_json).collect::<Value>(),
        });
        output.result(&to_text(self.pledger, &positions, page.rate()), &json)
    }
}

fn to_text(pledger: Address, positions: &[PositionView], rate: Option<Rate>) -> String {
    if positions.is_empty() {
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
    let rows: Vec<_> = positions.iter().map(row).collect();
    table::render(["tier", "pledged", "refunded", "refundable now", "drawn value", "objected"], &rows)
}

fn to_json(position: &PositionView) -> Value {
    json!({
        "tier": position.tier,
        "asset": position.asset,
        "unit": amount::unit_name(position.asset),
        "amount": position.amount,
        "refunded": position.refunded,
        "refundable": position.refundable,
        "drawnValueWei": position.weight,
        "objected": position.objected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::{Asset, Units, Wei};

    fn position() -> PositionView {
        PositionView {
            tier: 2,
            asset: Asset::StEth,
            amount: Units::new(10u128.pow(18)),
            refunded: Units::ZERO,
            refundable: Units::new(1),
            weight: Wei::new(10u128.pow(18)),
            objected: true,
        }
    }

    #[test]
    fn positions_are_a_table() {
        let expected = "\
tier  pledged                     refunded  refundable now  drawn value  objected
2     1000000000000000000 shares  0 stETH   1 shares        1 ETH        yes
";
        assert_eq!(to_text(Address::ZERO, &[position()], None), expected);
        let none = to_text(Address::ZERO, &[], None);
        assert_eq!(none, format!("{} has nothing in this rescue\n", Address::ZERO));
    }

    #[test]
    fn json_is_exact() {
        let json = to_json(&position());
        assert_eq!((&json["amount"], &json["unit"]), (&json!("1000000000000000000"), &json!("stETH shares")));
    }
}
