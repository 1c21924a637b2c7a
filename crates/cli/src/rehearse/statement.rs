//! What became of every wei and share: by contributor, by tier, and by asset against real balances.

use std::collections::BTreeMap;

use eyre::{Result, ensure};
use levee::{Entry, Event, PotView, RescueView, ShareRate, history};
use levee_model::{Asset, Bps, PositionId, Rate, Shares, Status, Units, Wei, prorata};
use serde::Serialize;

use super::{
    cast::{self, BENEFICIARY},
    pools::{Bonus, Recovery},
    said::Said,
    scenario::Scenario,
    sides::Models,
    stage::{Stage, units_of},
};
use crate::amount::Amount;

/// The end of a rehearsal, in numbers.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) status: Status,
    /// The highest threshold that was met; at settlement the chosen one.
    pub(crate) threshold_met: Bps,
    pub(crate) target: Wei,
    /// Value of all pots, at the settlement rate once settled, before that at the rate now.
    pub(crate) pledged: Wei,
    /// The value drawn, at the settlement rate.
    pub(crate) drawn: Wei,
    /// What shares are worth: at settlement, else now.
    pub(crate) rate: Rate,
    pub(crate) tier_names: Vec<String>,
    /// The draw order of each tier.
    pub(crate) draw_orders: Vec<u8>,
    pub(crate) pots: Vec<PotView>,
    pub(crate) lines: Vec<Line>,
    pub(crate) sums: Vec<Sum>,
    pub(crate) recovery: Recovery,
    pub(crate) bonus: Bonus,
    pub(crate) said: Vec<Said>,
}

/// One pledger's position. pledged = returned + locked + drawn + refunded + owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) who: String,
    pub(crate) tier: u8,
    pub(crate) asset: Asset,
    /// All that was ever pledged.
    pub(crate) pledged: Units,
    /// Went back whole before settlement: by exit or decline.
    pub(crate) returned: Units,
    /// Still locked, while the rescue is open.
    pub(crate) locked: Units,
    /// What does not come back: the beneficiary's part, and less than one unit of dust.
    pub(crate) drawn: Units,
    pub(crate) refunded: Units,
    /// What a refund would pay now.
    pub(crate) owed: Units,
    /// What it has earned, in ETH, of what was recovered later, claimed or not.
    #[serde(rename = "earnedWei")]
    pub(crate) earned: Wei,
    /// What of that was claimed.
    #[serde(rename = "claimedWei")]
    pub(crate) claimed: Wei,
    /// What it had of the bonus, in ETH.
    #[serde(rename = "bonusWei")]
    pub(crate) bonus: Wei,
}

/// All of one asset. pledged = returned + locked + delivered + reserved + refunded + owed + dust, and what the escrow
/// has is the sum of locked, reserved, owed and dust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    pub(crate) asset: Asset,
    pub(crate) pledged: Units,
    pub(crate) returned: Units,
    pub(crate) locked: Units,
    /// What the beneficiary has received.
    pub(crate) delivered: Units,
    /// What it is still to receive.
    pub(crate) reserved: Units,
    pub(crate) refunded: Units,
    pub(crate) owed: Units,
    /// What rounding leaves in the escrow for ever.
    pub(crate) dust: Units,
    /// What the escrow really has.
    pub(crate) balance: Units,
}

impl Statement {
    /// Adds everything up, from the log and the views, and holds it against the real balances of the escrow, the
    /// beneficiary and the contributors.
    pub(crate) async fn of(stage: &Stage, scenario: &Scenario) -> Result<Self> {
        let escrow = stage.contracts.escrow.address();
        let view = stage.contracts.escrow.rescue().await?;
        let entries = history::fetch(stage.chain.provider(), escrow, 0).await?;
        let lines = lines(stage, &view, &entries).await?;
        let mut sums = Vec::new();
        for asset in Asset::ALL {
            let balance = stage.tokens.balance(&stage.chain, escrow, asset).await?;
            let sum = Sum::of(asset, &view, &lines, &entries, balance)?;
            let beneficiary = stage.tokens.balance(&stage.chain, cast::address(BENEFICIARY), asset).await?;
            ensure!(
                stage.models.rescue.terms().beneficiary != cast::address(BENEFICIARY)
                    || beneficiary == sum.delivered,
                "the beneficiary has {beneficiary} of {asset}, and {} were delivered",
                sum.delivered
            );
            sums.extend((!sum.pledged.is_zero()).then_some(sum));
        }
        check_wallets(stage, scenario, &lines).await?;
        let rate = match view.rate {
            ShareRate::Known(rate) => rate,
            _ => stage.tokens.rate(),
        };
        Ok(Self {
            recovery: Recovery::of(stage, &lines).await?,
            bonus: Bonus::of(stage, &lines).await?,
            said: Said::read(stage, rate).await?,
            status: view.status,
            threshold_met: view.threshold_met,
            target: view.terms.target,
            pledged: view.coverage.unwrap_or(Wei::ZERO),
            drawn: view.drawn,
            rate,
            tier_names: scenario.tier_names.clone(),
            draw_orders: scenario.terms.tiers.iter().map(|tier| tier.draw_order).collect(),
            pots: view.pots,
            lines,
            sums,
        })
    }

    /// What the draw leaves of the target.
    pub(crate) fn uncovered(&self) -> Wei {
        self.target.checked_sub(self.drawn).unwrap_or(Wei::ZERO)
    }

    /// The name of a tier.
    pub(crate) fn tier_name(&self, tier: u8) -> &str {
        self.tier_names.get(usize::from(tier)).map_or("", String::as_str)
    }

    /// The names of all tiers of a draw order.
    pub(crate) fn tiers_of(&self, order: u8) -> String {
        let of_order = |(_, at): &(&String, &u8)| **at == order;
        let names = self.tier_names.iter().zip(&self.draw_orders).filter(of_order);
        names.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// `units` of an asset as people read them: of stETH, what the shares are worth.
    pub(crate) fn in_stated_unit(&self, asset: Asset, units: Units) -> Amount {
        let like = match asset {
            Asset::Eth => Amount::Eth(Wei::ZERO),
            Asset::StEth => Amount::StEth(Wei::ZERO),
            Asset::WstEth => Amount::WstEth(Units::ZERO),
        };
        self.in_unit_of(like, units)
    }

    /// `units` of an asset, in the unit in which `like` is written.
    pub(crate) fn in_unit_of(&self, like: Amount, units: Units) -> Amount {
        match like {
            Amount::Eth(_) => Amount::Eth(Wei::new(units.get())),
            Amount::StEth(_) => {
                Amount::StEth(prorata::shares_value_down(Shares::new(units.get()), self.rate))
            }
            Amount::Shares(_) => Amount::Shares(Shares::new(units.get())),
            Amount::WstEth(_) => Amount::WstEth(units),
        }
    }
}

/// What the log says of a position.
#[derive(Debug, Clone, Copy, Default)]
struct Flows {
    pledged: Units,
    returned: Units,
    refunded: Units,
}

fn flows(entries: &[Entry]) -> BTreeMap<PositionId, Flows> {
    let mut flows: BTreeMap<PositionId, Flows> = BTreeMap::new();
    for Entry { event, .. } in entries {
        match *event {
            Event::Pledged { position, amount } => flows.entry(position).or_default().pledged += amount,
            Event::Exited { position, amount, .. } | Event::Declined { position, amount } => {
                flows.entry(position).or_default().returned += amount;
            }
            Event::Refunded { position, amount, .. } => flows.entry(position).or_default().refunded += amount,
            _ => {}
        }
    }
    flows
}

/// One line for every position that there ever was, by contributor.
async fn lines(stage: &Stage, view: &RescueView, entries: &[Entry]) -> Result<Vec<Line>> {
    let flows = flows(entries);
    let mut lines = Vec::new();
    for who in stage.cast.names() {
        let account = cast::address(who);
        let positions = stage.contracts.escrow.positions(account).await?;
        for (id, flows) in flows.iter().filter(|(id, _)| id.pledger == account) {
            let found =
                positions.iter().find(|position| position.tier == id.tier && position.asset == id.asset);
            let owed = found.map_or(Units::ZERO, |position| position.refundable);
            lines.push(Line::of(who, *id, *flows, owed, view.status, &stage.models));
        }
    }
    Ok(lines)
}

impl Line {
    fn of(who: &str, id: PositionId, flows: Flows, owed: Units, status: Status, models: &Models) -> Self {
        let Flows { pledged, returned, refunded } = flows;
        let rest = pledged - returned - refunded - owed;
        let (locked, drawn) = if status == Status::Open { (rest, Units::ZERO) } else { (Units::ZERO, rest) };
        let Models { rescue, recovery, .. } = models;
        Self {
            who: who.to_owned(),
            tier: id.tier,
            asset: id.asset,
            pledged,
            returned,
            locked,
            drawn,
            refunded,
            owed,
            earned: recovery.earned_down(rescue, id),
            claimed: recovery.claimed(id),
            bonus: models.bonus_paid(id),
        }
    }
}

impl Sum {
    fn of(
        asset: Asset,
        view: &RescueView,
        lines: &[Line],
        entries: &[Entry],
        balance: Units,
    ) -> Result<Self> {
        let of_asset = || lines.iter().filter(|line| line.asset == asset);
        let sum = |part: fn(&Line) -> Units| of_asset().map(part).sum::<Units>();
        let released = entries.iter().filter_map(|entry| match entry.event {
            Event::Released { asset: released, amount, .. } if released == asset => Some(amount),
            _ => None,
        });
        let delivered: Units = released.sum();
        let kept = |pot: &PotView| prorata::tranches_down(pot.drawn, view.kept[asset], view.terms.tranches);
        let kept: Units = view.pots.iter().filter(|pot| pot.asset == asset).map(kept).sum();
        let (locked, owed) = (sum(|line| line.locked), sum(|line| line.owed));
        let reserved = kept - delivered;
        let bound = locked + reserved + owed;
        let dust = balance.checked_sub(bound);
        let dust = dust.ok_or_else(|| eyre::eyre!("the escrow has {balance} of {asset} and owes {bound}"))?;
        let sum = Self {
            asset,
            pledged: sum(|line| line.pledged),
            returned: sum(|line| line.returned),
            locked,
            delivered,
            reserved,
            refunded: sum(|line| line.refunded),
            owed,
            dust,
            balance,
        };
        sum.check(of_asset().count())?;
        Ok(sum)
    }

    fn check(&self, positions: usize) -> Result<()> {
        let Self { asset, pledged, returned, locked, delivered, reserved, refunded, owed, dust, .. } = *self;
        let parts = returned + locked + delivered + reserved + refunded + owed + dust;
        ensure!(pledged == parts, "{pledged} of {asset} were pledged, and the parts sum to {parts}");
        ensure!(
            dust.is_zero() || dust.get() < positions as u128,
            "{dust} of {asset} are left over, too much for {positions} positions"
        );
        Ok(())
    }
}

/// Each contributor has what it had, less what it pledged, with what came back.
async fn check_wallets(stage: &Stage, scenario: &Scenario, lines: &[Line]) -> Result<()> {
    let at_start = super::lido::Tokens::at(scenario.rate);
    for contributor in &scenario.contributors {
        for asset in Asset::ALL {
            let held = contributor.holds.iter().map(|held| units_of(*held, &at_start));
            let held: Units = held.filter(|(of, _)| *of == asset).map(|(_, units)| units).sum();
            let own = || lines.iter().filter(|line| line.who == contributor.name && line.asset == asset);
            let back: Units = own().map(|line| line.returned + line.refunded).sum();
            let (from_pools, to_pools) = match asset {
                Asset::Eth => pool_flows(stage, &contributor.name, lines),
                Asset::StEth | Asset::WstEth => (Units::ZERO, Units::ZERO),
            };
            let pledged: Units = own().map(|line| line.pledged).sum();
            let expected = held + back + from_pools - pledged - to_pools;
            let account = cast::address(&contributor.name);
            let found = stage.tokens.balance(&stage.chain, account, asset).await?;
            ensure!(found == expected, "{} has {found} of {asset}, not {expected}", contributor.name);
        }
    }
    Ok(())
}

/// What came to somebody out of the two pools, and what it put into them.
fn pool_flows(stage: &Stage, who: &str, lines: &[Line]) -> (Units, Units) {
    let own = lines.iter().filter(|line| line.who == who);
    let paid: Wei = own.map(|line| line.claimed + line.bonus).sum();
    let put = |book: &BTreeMap<String, Wei>| book.get(who).copied().unwrap_or_default();
    let reclaimed = put(&stage.added) - stage.models.bonus.contribution_of(cast::address(who));
    let units = |wei: Wei| Units::new(wei.get());
    (units(paid + reclaimed), units(put(&stage.added) + put(&stage.recovered)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum() -> Sum {
        let units = Units::new;
        Sum {
            asset: Asset::Eth,
            pledged: units(100),
            returned: units(10),
            locked: units(0),
            delivered: units(40),
            reserved: units(20),
            refunded: units(15),
            owed: units(13),
            dust: units(2),
            balance: units(35),
        }
    }

    #[test]
    fn the_parts_must_be_the_whole() {
        assert!(sum().check(3).is_ok());
        let message = Sum { owed: Units::new(12), ..sum() }.check(3).unwrap_err().to_string();
        assert_eq!(message, "100 units of ETH were pledged, and the parts sum to 99 units");
    }

    #[test]
    fn dust_is_less_than_one_unit_a_position() {
        let message = sum().check(2).unwrap_err().to_string();
        assert_eq!(message, "2 units of ETH are left over, too much for 2 positions");
    }
}
