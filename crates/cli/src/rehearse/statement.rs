//! What became of every wei and share: by contributor, by tier, and by asset against real balances.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use eyre::{Result, ensure};
use levee::{Entry, PotView, RescueEvent, RescueView, history};
use levee_model::{
    Amount as Booked, Asset, Bps, EndReason, Models, PositionId, Rate, Status, Units, Wei, prorata,
};
use serde::Serialize;

use super::{
    cast::{self, BENEFICIARY},
    declared::Declared,
    pools::{Bonus, Recovery},
    scenario::Scenario,
    stage::Stage,
};
use crate::amount::Amount;

/// The end of a rehearsal, in numbers.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) status: Status,
    /// Why it failed, or what first cancelled it.
    pub(crate) end_reason: Option<EndReason>,
    /// The highest threshold that was met; at settlement the chosen one.
    pub(crate) threshold_met: Bps,
    pub(crate) target: Wei,
    /// Value of all pots, at the settlement rate once settled, before that at the rate now.
    pub(crate) pledged: Wei,
    /// The value drawn, at the settlement rate.
    pub(crate) drawn: Wei,
    /// The value of shares: at settlement, or now if the rescue has not settled.
    pub(crate) rate: Rate,
    pub(crate) tier_names: Vec<String>,
    /// The draw order of each tier.
    pub(crate) draw_orders: Vec<u8>,
    pub(crate) pots: Vec<PotView>,
    pub(crate) lines: Vec<Line>,
    pub(crate) debts: Vec<Debt>,
    pub(crate) sums: Vec<Sum>,
    pub(crate) recovery: Recovery,
    pub(crate) bonus: Bonus,
    pub(crate) declared: Vec<Declared>,
}

/// One pledger's position. pledged = returned + locked + drawn + held + refunded + refundable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) who: String,
    pub(crate) tier: u8,
    pub(crate) asset: Asset,
    /// All that was ever pledged.
    pub(crate) pledged: Units,
    /// Left the books whole before settlement, by exit or decline, whether it could be paid or is owed.
    pub(crate) returned: Units,
    /// Still locked, while the rescue is open.
    pub(crate) locked: Units,
    /// What is not returned: the beneficiary's part, and less than one unit of dust.
    pub(crate) drawn: Units,
    /// What a veto stopped, which goes back later, by the calendar.
    pub(crate) held: Units,
    pub(crate) refunded: Units,
    /// What a refund would pay now.
    pub(crate) refundable: Units,
    /// What it has earned, in ETH, of what was recovered later, claimed or not.
    #[serde(rename = "earnedWei")]
    pub(crate) earned: Wei,
    /// The part that has been claimed.
    #[serde(rename = "claimedWei")]
    pub(crate) claimed: Wei,
    /// The bonus that it received, in ETH.
    #[serde(rename = "bonusWei")]
    pub(crate) bonus: Wei,
}

/// An amount that an exit or a decline could not pay immediately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Debt {
    pub(crate) who: String,
    pub(crate) asset: Asset,
    /// The part that is still to be collected.
    pub(crate) owed: Units,
    pub(crate) collected: Units,
}

/// All of one asset. pledged = returned + owed + locked + delivered + reserved + held + refunded + refundable + dust,
/// and what the escrow has is the sum of owed, locked, reserved, held, refundable and dust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    pub(crate) asset: Asset,
    pub(crate) pledged: Units,
    /// Paid back after it left the books before settlement.
    pub(crate) returned: Units,
    /// Left the books too, and waits to be collected.
    pub(crate) owed: Units,
    pub(crate) locked: Units,
    /// What the beneficiary has received.
    pub(crate) delivered: Units,
    /// What it has yet to receive.
    pub(crate) reserved: Units,
    /// What a veto stopped and goes back later.
    pub(crate) held: Units,
    pub(crate) refunded: Units,
    pub(crate) refundable: Units,
    /// What rounding leaves in the escrow permanently.
    pub(crate) dust: Units,
    /// The escrow's actual balance.
    pub(crate) balance: Units,
}

impl Statement {
    /// Adds everything up from the log and the views, and compares it with the actual balances of the escrow, the
    /// beneficiary and the contributors.
    pub(crate) async fn of(stage: &Stage, scenario: &Scenario) -> Result<Self> {
        let escrow = stage.contracts.escrow.address();
        let view = stage.contracts.escrow.rescue().await?;
        let entries = history::fetch(stage.chain.provider(), escrow, 0).await?;
        let lines = lines(stage, &view, &entries).await?;
        let debts = debts(stage, &entries).await?;
        let mut sums = Vec::new();
        for asset in Asset::ALL {
            let balance = stage.tokens.balance(&stage.chain, escrow, asset).await?;
            let sum = Sum::of(asset, &view, &lines, &debts, &entries, balance)?;
            let beneficiary = stage.tokens.balance(&stage.chain, cast::address(BENEFICIARY), asset).await?;
            ensure!(
                stage.models.rescue.terms().beneficiary != cast::address(BENEFICIARY)
                    || beneficiary == sum.delivered,
                "the beneficiary has {beneficiary} of {asset}, but {} were delivered",
                sum.delivered
            );
            sums.extend((!sum.pledged.is_zero()).then_some(sum));
        }
        check_wallets(stage, scenario, &lines, &entries).await?;
        let rate = view.rate.known().unwrap_or_else(|| stage.tokens.rate());
        Ok(Self {
            recovery: Recovery::of(stage, &lines).await?,
            bonus: Bonus::of(stage, &lines).await?,
            declared: Declared::read(stage, rate).await?,
            status: view.status,
            end_reason: view.end_reason,
            threshold_met: view.threshold_met,
            target: view.terms.target,
            pledged: view.coverage.unwrap_or(Wei::ZERO),
            drawn: view.drawn,
            rate,
            tier_names: scenario.tier_names.clone(),
            draw_orders: scenario.terms.tiers.iter().map(|tier| tier.draw_order).collect(),
            pots: view.pots,
            lines,
            debts,
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
        match units.of(asset) {
            Booked::Eth(wei) => Amount::Eth(wei),
            Booked::StEth(shares) => Amount::StEth(prorata::shares_value_down(shares, self.rate)),
            Booked::WstEth(units) => Amount::WstEth(units),
        }
    }

    /// `units` of an asset, in the unit in which `like` is written.
    pub(crate) fn in_unit_of(&self, like: Amount, units: Units) -> Amount {
        match (like, units.of(Asset::StEth)) {
            (Amount::Shares(_), Booked::StEth(shares)) => Amount::Shares(shares),
            _ => self.in_stated_unit(like.asset(), units),
        }
    }
}

/// A position according to the log.
#[derive(Debug, Clone, Copy, Default)]
struct Flows {
    pledged: Units,
    returned: Units,
    refunded: Units,
}

fn flows(entries: &[Entry]) -> BTreeMap<PositionId, Flows> {
    let mut flows: BTreeMap<PositionId, Flows> = BTreeMap::new();
    for event in entries.iter().filter_map(|entry| entry.event.of_rescue()) {
        match *event {
            RescueEvent::Pledged { position, amount } => flows.entry(position).or_default().pledged += amount,
            RescueEvent::Exited { position, amount, .. } | RescueEvent::Declined { position, amount } => {
                flows.entry(position).or_default().returned += amount;
            }
            RescueEvent::Refunded { position, amount, .. } => {
                flows.entry(position).or_default().refunded += amount
            }
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
            let refundable = found.map_or(Units::ZERO, |position| position.refundable);
            let held = stage.models.rescue.statement(stage.moment(), *id).held;
            lines.push(Line::of(who, *id, *flows, (refundable, held), view.status, &stage.models));
        }
    }
    Ok(lines)
}

/// What was collected, by whom it was owed to, in what and where it went.
fn collections(entries: &[Entry]) -> impl Iterator<Item = (Address, Asset, Address, Units)> {
    entries.iter().filter_map(|entry| match *entry.event.of_rescue()? {
        RescueEvent::Collected { pledger, asset, recipient, amount } => {
            Some((pledger, asset, recipient, amount))
        }
        _ => None,
    })
}

/// What exits and declines could not pay a pledger in one asset, according to the log.
fn unpaid(entries: &[Entry], account: Address, of: Asset) -> Units {
    let amounts = entries.iter().filter_map(|entry| match *entry.event.of_rescue()? {
        RescueEvent::Owed { pledger, asset, amount } if (pledger, asset) == (account, of) => Some(amount),
        _ => None,
    });
    amounts.sum()
}

/// One debt for every pledger and asset that ever had one; the view says how much of it is left.
async fn debts(stage: &Stage, entries: &[Entry]) -> Result<Vec<Debt>> {
    let mut debts = Vec::new();
    for who in stage.cast.names() {
        let account = cast::address(who);
        let left = stage.contracts.escrow.owed(account).await?;
        for asset in Asset::ALL {
            let (unpaid, owed) = (unpaid(entries, account, asset), left[asset]);
            let own = collections(entries).filter(|(pledger, of, ..)| (*pledger, *of) == (account, asset));
            let collected: Units = own.map(|(.., amount)| amount).sum();
            ensure!(
                unpaid == owed + collected,
                "{unpaid} of {asset} were not paid to {who} immediately, but {collected} are collected and {owed} owed"
            );
            let debt = Debt { who: who.to_owned(), asset, owed, collected };
            debts.extend((!unpaid.is_zero()).then_some(debt));
        }
    }
    Ok(debts)
}

/// Everything that exits and declines could not pay and that is not collected.
fn owed(debts: &[Debt], asset: Asset) -> Units {
    debts.iter().filter(|debt| debt.asset == asset).map(|debt| debt.owed).sum()
}

impl Line {
    fn of(
        who: &str,
        id: PositionId,
        flows: Flows,
        (refundable, held): (Units, Units),
        status: Status,
        models: &Models,
    ) -> Self {
        let Flows { pledged, returned, refunded } = flows;
        let rest = pledged - returned - refunded - refundable - held;
        let (locked, drawn) = if status == Status::Open { (rest, Units::ZERO) } else { (Units::ZERO, rest) };
        let Models { rescue, recovery, bonus } = models;
        Self {
            who: who.to_owned(),
            tier: id.tier,
            asset: id.asset,
            pledged,
            returned,
            locked,
            drawn,
            held,
            refunded,
            refundable,
            earned: recovery.earned_down(rescue, id),
            claimed: recovery.claimed(id),
            bonus: bonus.paid(rescue, id),
        }
    }
}

/// What the beneficiary has received, according to the log.
fn delivered(entries: &[Entry], of: Asset) -> Units {
    let released = entries.iter().filter_map(|entry| match *entry.event.of_rescue()? {
        RescueEvent::Released { asset, amount, .. } if asset == of => Some(amount),
        _ => None,
    });
    released.sum()
}

impl Sum {
    fn of(
        asset: Asset,
        view: &RescueView,
        lines: &[Line],
        debts: &[Debt],
        entries: &[Entry],
        balance: Units,
    ) -> Result<Self> {
        let of_asset = || lines.iter().filter(|line| line.asset == asset);
        let sum = |part: fn(&Line) -> Units| of_asset().map(part).sum::<Units>();
        let (owed, delivered) = (owed(debts, asset), delivered(entries, asset));
        let bound = Self {
            asset,
            pledged: sum(|line| line.pledged),
            // What is owed is part of what left the books.
            returned: sum(|line| line.returned) - owed,
            owed,
            locked: sum(|line| line.locked),
            delivered,
            // A tranche is kept before it is delivered.
            reserved: view.tranches_down(asset, view.kept[asset]) - delivered,
            held: sum(|line| line.held),
            refunded: sum(|line| line.refunded),
            refundable: sum(|line| line.refundable),
            dust: Units::ZERO,
            balance,
        };
        let sum = Self { dust: bound.left_over()?, ..bound };
        sum.check(of_asset().count())?;
        Ok(sum)
    }

    /// What the escrow has beyond what it owes.
    fn left_over(&self) -> Result<Units> {
        let Self { asset, balance, .. } = *self;
        let bound = self.bound();
        let left = balance.checked_sub(bound);
        left.ok_or_else(|| eyre::eyre!("the escrow has {balance} of {asset}, but owes {bound}"))
    }

    /// The escrow's obligations.
    fn bound(&self) -> Units {
        self.owed + self.locked + self.reserved + self.held + self.refundable
    }

    fn check(&self, positions: usize) -> Result<()> {
        let Self { asset, pledged, returned, delivered, refunded, dust, .. } = *self;
        let parts = returned + delivered + refunded + self.bound() + dust;
        ensure!(pledged == parts, "{pledged} of {asset} were pledged, but the parts sum to {parts}");
        ensure!(
            dust.is_zero() || dust.get() < positions as u128,
            "{dust} of {asset} are left over, too much for {positions} positions"
        );
        Ok(())
    }
}

/// Checks that each contributor holds what it had, less what it pledged, plus what came back.
async fn check_wallets(stage: &Stage, scenario: &Scenario, lines: &[Line], entries: &[Entry]) -> Result<()> {
    let at_start = super::lido::Tokens::at(scenario.rate);
    for contributor in &scenario.contributors {
        for asset in Asset::ALL {
            let held = contributor.holds.iter().map(|held| at_start.booked(*held));
            let held: Units = held.filter(|held| held.asset() == asset).map(Booked::units).sum();
            let own = || lines.iter().filter(|line| line.who == contributor.name && line.asset == asset);
            let account = cast::address(&contributor.name);
            let back: Units = own().map(|line| line.returned + line.refunded).sum();
            let collected = collections(entries).filter(|(_, of, to, _)| (*of, *to) == (asset, account));
            let collected: Units = collected.map(|(.., amount)| amount).sum();
            let (from_pools, to_pools) = match asset {
                Asset::Eth => pool_flows(stage, &contributor.name, lines),
                Asset::StEth | Asset::WstEth => (Units::ZERO, Units::ZERO),
            };
            let pledged: Units = own().map(|line| line.pledged).sum();
            // What could not be paid at once was counted as returned.
            let late = unpaid(entries, account, asset);
            let expected = held + back + collected + from_pools - late - pledged - to_pools;
            let found = stage.tokens.balance(&stage.chain, account, asset).await?;
            ensure!(found == expected, "{} has {found} of {asset}, not {expected}", contributor.name);
        }
    }
    Ok(())
}

/// What an account received from the two pools, less what it paid into them.
fn pool_flows(stage: &Stage, who: &str, lines: &[Line]) -> (Units, Units) {
    let own = lines.iter().filter(|line| line.who == who);
    let paid: Wei = own.map(|line| line.claimed + line.bonus).sum();
    let put = |book: &BTreeMap<String, Wei>| book.get(who).copied().unwrap_or_default();
    let units = |wei| Booked::Eth(wei).units();
    (units(paid + put(&stage.reclaimed)), units(put(&stage.added) + put(&stage.recovered)))
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
            owed: units(3),
            locked: units(0),
            delivered: units(40),
            reserved: units(16),
            held: units(4),
            refunded: units(15),
            refundable: units(10),
            dust: units(2),
            balance: units(35),
        }
    }

    #[test]
    fn the_parts_must_be_the_whole() {
        assert!(sum().check(3).is_ok());
        let message = Sum { owed: Units::new(2), ..sum() }.check(3).unwrap_err().to_string();
        assert_eq!(message, "100 units of ETH were pledged, but the parts sum to 99 units");
    }

    #[test]
    fn dust_is_less_than_one_unit_a_position() {
        let message = sum().check(2).unwrap_err().to_string();
        assert_eq!(message, "2 units of ETH are left over, too much for 2 positions");
    }
}
