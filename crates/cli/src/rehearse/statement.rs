//! What became of every wei and share: by contributor, by tier, and by asset against real balances.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use eyre::{Result, ensure};
use levee::{
    Entry, EscrowStatement, PotView, RescueEvent, history,
    statement::{self, AssetStatement, Parts, PositionStatement},
};
use levee_model::{Amount as Booked, Asset, Bps, EndReason, Models, Rate, Status, Units, Wei, prorata};
use serde::Serialize;

use super::{
    cast::{self, BENEFICIARY},
    compact::{Agreement, MemberLine},
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
    /// The members of the compact; empty if there is none.
    pub(crate) members: Vec<MemberLine>,
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

/// All of one asset: what the escrow has is the sum of owed, locked, reserved, held, refundable and dust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sum {
    pub(crate) asset: Asset,
    #[serde(flatten)]
    pub(crate) parts: Parts,
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
        let booked = EscrowStatement::of(escrow, &stage.models.rescue, stage.moment(), &entries)?;
        let (lines, debts) = (lines(stage, &booked), debts(stage, &booked).await?);
        let mut sums = Vec::new();
        for AssetStatement { asset, parts } in booked.assets {
            let balance = stage.tokens.balance(&stage.chain, escrow, asset).await?;
            sums.push(Sum { asset, parts, balance }.checked()?);
            let beneficiary = stage.tokens.balance(&stage.chain, cast::address(BENEFICIARY), asset).await?;
            ensure!(
                stage.models.rescue.terms().beneficiary != cast::address(BENEFICIARY)
                    || beneficiary == parts.delivered,
                "the beneficiary has {beneficiary} of {asset}, but {} were delivered",
                parts.delivered
            );
        }
        check_wallets(stage, scenario, (&lines, &debts), &entries).await?;
        let rate = view.rate.known().unwrap_or_else(|| stage.tokens.rate());
        Ok(Self {
            recovery: Recovery::of(stage, &lines).await?,
            bonus: Bonus::of(stage, &lines).await?,
            declared: Declared::read(stage, rate).await?,
            members: stage.agreement.iter().flat_map(|agreement| agreement.lines(&stage.cast)).collect(),
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

/// One line for every position that there ever was, by contributor.
fn lines(stage: &Stage, booked: &EscrowStatement) -> Vec<Line> {
    let lines = stage.cast.names().flat_map(|who| {
        let account = cast::address(who);
        let own = booked.positions.iter().filter(move |position| position.id.pledger == account);
        own.map(move |position| Line::of(who, position, &stage.models))
    });
    lines.collect()
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

/// One debt for every pledger and asset that ever had one; the view says how much of it is left.
async fn debts(stage: &Stage, booked: &EscrowStatement) -> Result<Vec<Debt>> {
    let mut debts = Vec::new();
    for who in stage.cast.names() {
        let account = cast::address(who);
        let left = stage.contracts.escrow.owed(account).await?;
        for debt in booked.debts.iter().filter(|debt| debt.pledger == account) {
            let statement::Debt { asset, owed, collected, .. } = *debt;
            let found = left[asset];
            ensure!(owed == found, "{found} of {asset} are owed to {who}, and by the log {owed}");
            debts.push(Debt { who: who.to_owned(), asset, owed, collected });
        }
    }
    Ok(debts)
}

impl Line {
    fn of(who: &str, position: &PositionStatement, models: &Models) -> Self {
        let PositionStatement { id, pledged, returned, owed, locked, drawn, held, refunded, refundable } =
            *position;
        let Models { rescue, recovery, bonus } = models;
        Self {
            who: who.to_owned(),
            tier: id.tier,
            asset: id.asset,
            pledged,
            returned: returned + owed,
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

impl Sum {
    /// The same, if the escrow has what it must have.
    fn checked(self) -> Result<Self> {
        let (asset, balance, expected) = (self.asset, self.balance, self.parts.in_escrow());
        ensure!(balance == expected, "the escrow has {balance} of {asset}, not {expected}");
        Ok(self)
    }
}

/// Checks that each contributor holds what it had, less what it pledged, plus what came back.
async fn check_wallets(
    stage: &Stage,
    scenario: &Scenario,
    (lines, debts): (&[Line], &[Debt]),
    entries: &[Entry],
) -> Result<()> {
    let at_start = super::lido::Tokens::at(scenario.rate);
    let flows = stage.agreement.as_ref().map(Agreement::flows).unwrap_or_default();
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
                Asset::StEth => (Units::ZERO, Units::ZERO),
                Asset::WstEth => {
                    let flow = flows.get(&account).copied().unwrap_or_default();
                    (flow.got, flow.paid)
                }
            };
            let pledged: Units = own().map(|line| line.pledged).sum();
            // What could not be paid at once was counted as returned.
            let own = debts.iter().filter(|debt| debt.who == contributor.name && debt.asset == asset);
            let late: Units = own.map(|debt| debt.owed + debt.collected).sum();
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

    #[test]
    fn the_escrow_must_have_what_it_owes() {
        let units = Units::new;
        let parts = Parts {
            pledged: units(100),
            returned: units(10),
            owed: units(3),
            delivered: units(40),
            reserved: units(16),
            held: units(4),
            refunded: units(15),
            refundable: units(10),
            dust: units(2),
            ..Parts::default()
        };
        let sum = |balance| Sum { asset: Asset::Eth, parts, balance: units(balance) }.checked();
        assert!(sum(35).is_ok());
        let message = sum(34).unwrap_err().to_string();
        assert_eq!(message, "the escrow has 34 units of ETH, not 35 units");
    }
}
