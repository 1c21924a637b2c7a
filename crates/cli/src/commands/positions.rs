//! `levee positions`: an account's positions in a rescue.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{
    AccountPosition, AccountView, BonusPool, BonusShare, BonusView, Earnings, Error, Escrow, PositionBonus,
    PositionView, Snapshot,
};
use levee_model::{Asset, BonusOwner, PerAsset, Rate, Status, Timestamp, Units, Wei, json::Account};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    address, amount,
    commands::bonus::sponsors_part,
    connection::{Connection, NetworkArgs, RescueArgs},
    output::Output,
    page::Page,
    table, time,
};

/// The account.
#[derive(Debug, Args)]
#[command(after_help = "\
Below the table: amounts owed from exits and declines, recovered funds, the account's share of the bonus, and \
what it has added to the bonus.

stETH is booked in shares: the table shows their current value, `--json` the number of shares.

Example:
  levee positions 0x… --terms rescue.toml --rpc-url https://node.example")]
pub(crate) struct PositionsArgs {
    /// The account.
    #[arg(value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Address,

    #[command(flatten)]
    rescue: RescueArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

impl PositionsArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let (connection, snapshot) = self.rescue.read(&self.network, Some(self.pledger)).await?;
        let sponsored = match snapshot.bonus {
            None => None,
            Some(_) => Some(sponsored(&connection, &snapshot, self.pledger).await?),
        };
        let text = text_of(&snapshot, self.pledger, &Page::of(&snapshot), sponsored);
        output.result(&text, &Positions::of(&snapshot, self.pledger, sponsored))
    }
}

/// What the account has added to the bonus and not taken back.
async fn sponsored(connection: &Connection, snapshot: &Snapshot, account: Address) -> Result<Wei, Error> {
    let escrow = Escrow::of(connection.provider.clone(), snapshot);
    BonusPool::of(&escrow).at(snapshot.block.number).contribution_of(account).await
}

/// What the account `pledger` has, in a snapshot of it, and what it has `sponsored`, if that is known.
pub(crate) fn text_of(snapshot: &Snapshot, pledger: Address, page: &Page, sponsored: Option<Wei>) -> String {
    // Until the rescue is decided, something can still be added to an empty bonus.
    let bonus = page.bonus_books().filter(|bonus| !bonus.total.is_zero() || page.view.status == Status::Open);
    let AccountView { positions, owed, .. } = &snapshot.account;
    let sponsored = bonus.zip(sponsored).and_then(|(bonus, added)| sponsored_to_text(page, &bonus, added));
    let bonus = bonus.map(|bonus| Ending::of(page, &bonus));
    to_text((pledger, positions), *owed, page.rate(), bonus, sponsored)
}

/// What becomes of what a sponsor added to the bonus; none if it has nothing in it.
fn sponsored_to_text(page: &Page, bonus: &BonusView, added: Wei) -> Option<String> {
    let (owner, of_bonus) = (bonus.owner(&page.view), format!("{} of the bonus", amount::eth(added)));
    let text = match (sponsors_part(owner, added, bonus), owner) {
        (Some(part), _) => format!("{of_bonus}: `levee bonus take-back` returns {}", amount::eth(part)),
        (None, BonusOwner::Open) if page.view.sponsors_may_leave(page.now) => {
            format!("{of_bonus}: `levee bonus take-back` returns it now")
        }
        (None, BonusOwner::Open) => format!("{of_bonus}, for pledges whose condition is not met"),
        (None, _) => {
            let after = time::time(page.view.enlistable_until());
            format!("{of_bonus}: `levee bonus take-back` returns what is not the pledgers' after {after}")
        }
    };
    (!added.is_zero()).then_some(text)
}

/// Who owns the bonus, and the last second at which it cannot be decided.
#[derive(Debug, Clone, Copy)]
struct Ending {
    whose: BonusOwner,
    undecided_until: Timestamp,
}

impl Ending {
    fn of(page: &Page, bonus: &BonusView) -> Self {
        let view = &page.view;
        Self { whose: bonus.owner(view), undecided_until: view.enlistable_until() }
    }
}

/// What the pools hold for a position, and the command that pays it.
fn pool_facts(line: &AccountPosition, ending: Option<Ending>) -> Vec<(&'static str, String)> {
    let PositionView { tier, asset, amount, .. } = line.position;
    let recovered = line.earnings.map(Earnings::due).filter(|due| !due.is_zero());
    let recovered = recovered.map(|due| {
        ("recovered", format!("{} for the {asset} in tier {tier}: `levee claim`", amount::eth(due)))
    });
    let bonus = line.bonus.as_ref().zip(ending).and_then(|(bonus, ending)| {
        let text = match ending.whose {
            BonusOwner::Open => Some(bonus_to_text(bonus, tier, asset, amount)),
            _ => bonus_of_the_end(bonus, ending, &format!("for the {asset} in tier {tier}")),
        };
        text.map(|text| ("bonus", text))
    });
    recovered.into_iter().chain(bonus).collect()
}

/// Whether a position counts for the bonus of an open rescue.
fn bonus_to_text(bonus: &PositionBonus, tier: u8, asset: Asset, amount: Units) -> String {
    let counts = if bonus.is_current && bonus.enlistment.enlisted == amount {
        "counts if its condition is not met"
    } else {
        "does not fully count: run `levee bonus enlist` while the rescue accepts pledges"
    };
    format!("the {asset} in tier {tier} {counts}")
}

/// A position's share of the bonus of a rescue that is decided; none if it has no share.
fn bonus_of_the_end(bonus: &PositionBonus, ending: Ending, of: &str) -> Option<String> {
    let BonusShare { share, claimed } = bonus.share;
    let counts = bonus.is_current && !bonus.enlistment.unit_seconds.is_zero();
    match ending.whose {
        _ if claimed => Some(format!("{} {of}, paid", amount::eth(share))),
        BonusOwner::Shared(Some(_)) if !share.is_zero() => {
            Some(format!("{} {of}: `levee bonus claim`", amount::eth(share)))
        }
        BonusOwner::Shared(None) if counts => Some(format!(
            "a share {of}: `levee bonus claim` pays it after {}",
            time::time(ending.undecided_until)
        )),
        _ => None,
    }
}

fn to_text(
    (pledger, lines): (Address, &[AccountPosition]),
    owed: PerAsset<Units>,
    rate: Option<Rate>,
    bonus: Option<Ending>,
    sponsored: Option<String>,
) -> String {
    let mut facts_below: Vec<_> = lines.iter().flat_map(|line| pool_facts(line, bonus)).collect();
    for asset in Asset::ALL.into_iter().filter(|asset| !owed[*asset].is_zero()) {
        let owed = amount::units(owed[asset], asset, rate);
        facts_below.push(("owed", format!("{owed} from exits or declines: `levee collect` pays it")));
    }
    facts_below.extend(sponsored.map(|sponsored| ("sponsored", sponsored)));
    let table = match (lines, facts_below.as_slice()) {
        ([], []) => format!("{pledger} has nothing in this rescue\n"),
        ([], _) => format!("{pledger} has no pledge in this rescue\n"),
        _ => table(lines, rate),
    };
    if facts_below.is_empty() { table } else { format!("{table}\n{}", table::facts(&facts_below)) }
}

fn table(lines: &[AccountPosition], rate: Option<Rate>) -> String {
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

/// The result of `levee positions`: an account's positions in a rescue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Positions<'a> {
    #[serde(with = "Account")]
    rescue: Address,
    #[serde(with = "Account")]
    pledger: Address,
    positions: Vec<PositionJson<'a>>,
    /// Amounts from exits and declines that could not be paid, each in the asset's own unit.
    owed: PerAsset<Units>,
    /// What it has added to the bonus and not taken back; null without a bonus pool, and in what is proven.
    sponsored_wei: Option<Wei>,
}

impl<'a> Positions<'a> {
    /// What the account `pledger` has, in a snapshot of it.
    pub(crate) fn of(snapshot: &'a Snapshot, pledger: Address, sponsored_wei: Option<Wei>) -> Self {
        let AccountView { positions, owed, .. } = &snapshot.account;
        let positions = positions.iter().map(PositionJson::from).collect();
        Self { rescue: snapshot.contracts.escrow, pledger, positions, owed: *owed, sponsored_wei }
    }
}

/// The account's position in one pot; amounts are in the asset's own unit.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PositionJson<'a> {
    #[serde(flatten)]
    position: &'a PositionView,
    /// Recovered funds that can be claimed; null without a recovery pool.
    recovered_due_wei: Option<Wei>,
    /// Null without a bonus pool.
    bonus: Option<&'a PositionBonus>,
}

impl<'a> From<&'a AccountPosition> for PositionJson<'a> {
    fn from(AccountPosition { position, earnings, bonus }: &'a AccountPosition) -> Self {
        Self { position, recovered_due_wei: earnings.map(Earnings::due), bonus: bonus.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{DAY, ether, open, settled};
    use alloy::primitives::U256;
    use levee_model::{Amendment, BonusDecision, Enlistment, Goal, UnitSeconds, WeiSeconds};
    use serde_json::{Value, json};

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

    const fn ending(whose: BonusOwner) -> Ending {
        Ending { whose, undecided_until: 1_785_542_400 }
    }

    const TABLE: &str = "\
tier  pledged              refunded  refundable now  drawn value  objected
2     1000000000000000000  0 stETH   1 shares        1 ETH        yes
      shares
";

    #[test]
    fn positions_are_a_table() {
        let none_owed = PerAsset::default();
        assert_eq!(to_text((Address::ZERO, &[line()]), none_owed, None, None, None), TABLE);
        let none = |sponsored| to_text((Address::ZERO, &[]), none_owed, None, None, sponsored);
        assert_eq!(none(None), format!("{} has nothing in this rescue\n", Address::ZERO));
        let sponsored =
            format!("{} has no pledge in this rescue\n\nsponsored  5 ETH of the bonus\n", Address::ZERO);
        assert_eq!(none(Some("5 ETH of the bonus".into())), sponsored);
    }

    #[test]
    fn a_sponsor_is_told_what_it_has_back() {
        let books = |decision| BonusView { total: Wei::new(ether(4)), decision };
        let told = |page: &Page, decision| sponsored_to_text(page, &books(decision), Wei::new(ether(2)));
        let (mut page, of) = (open(), "2 ETH of the bonus");
        assert_eq!(told(&page, None).unwrap(), format!("{of}, for pledges whose condition is not met"));
        assert_eq!(sponsored_to_text(&page, &books(None), Wei::ZERO), None);
        let goal = Goal::from(&page.view.terms);
        page.view.amendment = Some(Amendment { goal, effective_at: page.now + DAY });
        assert_eq!(told(&page, None).unwrap(), format!("{of}: `levee bonus take-back` returns it now"));
        let all = format!("{of}: `levee bonus take-back` returns 2 ETH");
        assert_eq!(told(&settled(), None).unwrap(), all);
        page.view.status = Status::Failed;
        let later = "returns what is not the pledgers' after 2026-08-04T00:00:00Z";
        assert_eq!(told(&page, None).unwrap(), format!("{of}: `levee bonus take-back` {later}"));
        let pledgers = Wei::new(ether(1));
        let decision =
            BonusDecision { bonus: Wei::new(ether(4)), pledgers, rate: None, value: WeiSeconds::default() };
        // Half of the 3 ETH that are left of 4.
        let part = format!("{of}: `levee bonus take-back` returns 1.5 ETH");
        assert_eq!(told(&page, Some(decision)).unwrap(), part);
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
bonus      the stETH in tier 2 counts if its condition is not met
owed       1 ETH from exits or declines: `levee collect` pays it
"
        );
        let ending = Some(ending(BonusOwner::Open));
        assert_eq!(to_text((Address::ZERO, &[line]), owed, None, ending, None), expected);
    }

    #[test]
    fn a_bonus_says_what_to_call() {
        let seconds = UnitSeconds::new(U256::from(9));
        let bonus = |share: u128, claimed, enlisted: u128| PositionBonus {
            share: BonusShare { share: Wei::new(share), claimed },
            enlistment: Enlistment { enlisted: Units::new(enlisted), unit_seconds: seconds, departures: 0 },
            is_current: true,
        };
        let enlist = "the ETH in tier 1 does not fully count: run `levee bonus enlist` while the rescue accepts pledges";
        assert_eq!(bonus_to_text(&bonus(0, false, 4), 1, Asset::Eth, Units::new(5)), enlist);
        let end = |bonus: PositionBonus, whose| bonus_of_the_end(&bonus, ending(whose), "of x");
        let (ether, decided) = (10u128.pow(18), BonusOwner::Shared(Some(Wei::new(1))));
        assert_eq!(end(bonus(ether, true, 5), decided).unwrap(), "1 ETH of x, paid");
        assert_eq!(end(bonus(ether, false, 5), decided).unwrap(), "1 ETH of x: `levee bonus claim`");
        assert_eq!(end(bonus(0, false, 5), decided), None);
        let later = "a share of x: `levee bonus claim` pays it after 2026-08-01T00:00:00Z";
        assert_eq!(end(bonus(0, false, 5), BonusOwner::Shared(None)).unwrap(), later);
        assert_eq!(end(bonus(0, false, 5), BonusOwner::Sponsors), None);
        let left = PositionBonus { is_current: false, ..bonus(0, false, 5) };
        assert_eq!(end(left, BonusOwner::Shared(None)), None);
    }

    #[test]
    fn json_is_exact() {
        let json = serde_json::to_value(PositionJson::from(&line())).unwrap();
        assert_eq!((&json["amount"], &json["unit"]), (&json!("1000000000000000000"), &json!("stETH shares")));
        assert_eq!((&json["recoveredDueWei"], &json["bonus"]), (&Value::Null, &Value::Null));
    }
}
