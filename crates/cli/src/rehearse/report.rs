//! The report of a rehearsal, in words and as JSON.

use levee_model::{Asset, Rate, Status, Units, Wei};
use serde_json::{Value, json};

use super::{
    agree,
    cast::{self, Cast},
    chain,
    compact::MemberLine,
    declared::Declared,
    expect::Check,
    lido,
    pools::{Bonus, Group, Recovery, Sponsor},
    scenario::Scenario,
    stage::Scene,
    statement::{Debt, Line, Statement, Sum},
};
use crate::{amount, escape, event, percent, table, time};

/// An ending that was played.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) name: Option<String>,
    pub(crate) scenes: Vec<Scene>,
    pub(crate) statement: Statement,
    pub(crate) checks: Vec<Check>,
}

/// The URL of the chain, for those who continue with it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) rpc_url: String,
    pub(crate) escrow: String,
}

/// What comes before the first step: the story, and announcements that are not pledges.
pub(crate) fn opening(scenario: &Scenario) -> String {
    let mut text = format!("{}\n\n{}\n", escape::line(&scenario.title), scenario.about);
    let target = amount::eth(scenario.terms.target);
    text.push_str(&format!(
        "\nShortfall: {target}. Pledges are accepted until {}.\n",
        time::time(scenario.terms.deadline)
    ));
    if !scenario.offers.is_empty() {
        let row = |offer: &super::format::Offer| {
            let amount = offer.amount.clone().unwrap_or_else(|| "no amount".into());
            [offer.name.clone(), offer.stage.clone(), amount, offer.why.clone()]
        };
        let rows: Vec<_> = scenario.offers.iter().map(row).collect();
        text.push_str("\nAnnounced but not locked (shown, not counted)\n");
        text.push_str(&table::render(["who", "stage", "of", "why not locked"], &rows));
    }
    text
}

/// The headline above the steps of an ending.
pub(crate) fn heading(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("\nEnding: {}\n", escape::line(name)))
}

/// One line of the timeline, and the note below it.
pub(crate) fn scene(scene: &Scene, cast: &Cast, rate: Option<Rate>) -> String {
    let width = cast.names().map(|name| name.chars().count()).max().unwrap_or_default();
    let who = scene.who.as_deref().unwrap_or("-");
    let result = cast.with_names(&result(scene, rate));
    let line = format!("{}  {who:width$}  {:11}  {result}", time::time(scene.time), scene.step);
    let note = scene.note.as_ref().map_or_else(String::new, |note| {
        let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
        table::hanging(&format!("{:22}# {note}", ""), 24)
    });
    format!("{}{note}", table::hanging(&line, 22))
}

fn result(scene: &Scene, rate: Option<Rate>) -> String {
    if let Some(error) = &scene.refusal {
        return format!("refused, as expected: {}: {error}", agree::kind(error));
    }
    let effects = scene.events.iter().map(|event| event::to_text(event, rate));
    scene.summary.iter().cloned().chain(effects).collect::<Vec<_>>().join("; ")
}

/// The final statement, and the expectations.
pub(crate) fn ending(played: &Played) -> String {
    let statement = &played.statement;
    let mut facts = vec![
        ("status", status(statement)),
        ("threshold met", percent::percent(statement.threshold_met)),
        ("target", amount::eth(statement.target)),
        (
            "pledged",
            format!(
                "{}, {} of the target",
                amount::eth(statement.pledged),
                percent::of_down(statement.pledged, statement.target)
            ),
        ),
        ("drawn", amount::eth(statement.drawn)),
        ("uncovered", amount::eth(statement.uncovered())),
    ];
    if statement.sums.iter().any(|sum| sum.asset == Asset::StEth) {
        let worth = lido::worth_of_share(statement.rate);
        facts.push(("stETH below", format!("is the value of shares at {worth} each, the final rate")));
    }
    let facts = table::facts(&facts);
    let parts = [
        facts,
        lines(statement),
        debts(statement),
        came_back(statement),
        waterfall(statement),
        bonus(&statement.bonus),
        declared(statement),
        members(statement),
        sums(statement),
        checks(&played.checks),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).map(|part| format!("\n{part}")).collect()
}

/// `Cancelled: objections stopped it`.
fn status(statement: &Statement) -> String {
    let reason = statement.end_reason.map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{}{reason}", statement.status)
}

fn lines(statement: &Statement) -> String {
    let row = |line: &Line| {
        let shown = |units| shown(statement, line.asset, units);
        [
            line.who.clone(),
            statement.tier_name(line.tier).to_owned(),
            shown(line.pledged),
            shown(line.returned),
            shown(line.locked),
            shown(line.drawn),
            shown(line.held),
            shown(line.refunded),
            shown(line.refundable),
        ]
    };
    let rows: Vec<_> = statement.lines.iter().map(row).collect();
    let header =
        ["contributor", "tier", "pledged", "returned", "locked", "drawn", "held", "refunded", "refundable"];
    table::render(header, &rows)
}

/// What exits and declines could not pay at once; empty if nothing.
fn debts(statement: &Statement) -> String {
    let row = |debt: &Debt| {
        let shown = |units| shown(statement, debt.asset, units);
        [debt.who.clone(), shown(debt.owed), shown(debt.collected)]
    };
    let rows: Vec<_> = statement.debts.iter().map(row).collect();
    titled("Returned, but not paid immediately", ["contributor", "still owed", "collected"], &rows)
}

/// What each position received from the pools, in ETH; empty if nothing.
fn came_back(statement: &Statement) -> String {
    let got = |line: &&Line| !line.earned.is_zero() || !line.bonus.is_zero();
    let row = |line: &Line| {
        [
            line.who.clone(),
            statement.tier_name(line.tier).to_owned(),
            shown(statement, line.asset, line.drawn),
            eth(line.earned),
            eth(line.claimed),
            eth(line.bonus),
        ]
    };
    let rows: Vec<_> = statement.lines.iter().filter(got).map(row).collect();
    titled("Recoveries and bonuses", ["contributor", "tier", "drawn", "earned", "claimed", "bonus"], &rows)
}

/// Who is repaid in which order; empty if nothing was recovered.
fn waterfall(statement: &Statement) -> String {
    let Recovery { total, groups, .. } = &statement.recovery;
    if total.is_zero() {
        return String::new();
    }
    let row = |group: &Group| {
        [
            group.order.to_string(),
            statement.tiers_of(group.order),
            percent::percent(group.rate),
            eth(group.received),
            eth(group.interest),
            eth(group.principal),
        ]
    };
    let rows: Vec<_> = groups.iter().map(row).collect();
    let header = ["draw order", "tiers", "interest a year", "received", "interest due", "principal left"];
    titled(&format!("Recovered: {} (last drawn, first repaid)", amount::eth(*total)), header, &rows)
}

/// The outcome of the bonus; empty if there was none.
fn bonus(bonus: &Bonus) -> String {
    let row = |sponsor: &Sponsor| [sponsor.who.clone(), eth(sponsor.added), eth(sponsor.reclaimed)];
    let rows: Vec<_> = bonus.sponsors.iter().map(row).collect();
    let pledgers = bonus.pledgers.map_or_else(|| "not decided yet".to_owned(), amount::eth);
    let title = format!("Bonus: {}; the pledgers' part: {pledgers}", amount::eth(bonus.total));
    titled(&title, ["sponsor", "added", "taken back"], &rows)
}

/// What was declared, compared with what was locked; empty if nothing was declared.
fn declared(statement: &Statement) -> String {
    let row = |line: &Declared| {
        let amount = line.amount.map_or_else(|| "no amount".into(), amount::eth);
        let stands = if line.stands { "yes" } else { "no" };
        [
            line.who.clone(),
            statement.tier_name(line.tier).to_owned(),
            line.stage.clone(),
            amount,
            stands.to_owned(),
            eth(line.locked),
            eth(line.missing()),
        ]
    };
    let rows: Vec<_> = statement.declared.iter().map(row).collect();
    titled(
        "Declared on the board",
        ["who", "tier", "stage", "declared", "valid", "locked", "not yet locked"],
        &rows,
    )
}

/// What became of the compact; empty if there is none.
fn members(statement: &Statement) -> String {
    let row = |line: &MemberLine| {
        let MemberLine { who, view, given, premiums } = line;
        let amounts = [view.standing.active, view.standing.noticed, view.pending, *given, *premiums];
        let [active, noticed, pending, given, premiums] =
            amounts.map(|units| shown(statement, Asset::WstEth, units));
        [who.clone(), active, noticed, pending, given, premiums]
    };
    let rows: Vec<_> = statement.members.iter().map(row).collect();
    let header = ["member", "active", "under notice", "pending", "given", "premiums"];
    titled("Members of the compact", header, &rows)
}

/// A table under a title; empty without rows.
fn titled<const N: usize>(title: &str, header: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() { String::new() } else { format!("{title}\n{}", table::render(header, rows)) }
}

fn sums(statement: &Statement) -> String {
    let row = |sum: &Sum| {
        let shown = |units| shown(statement, sum.asset, units);
        [
            sum.asset.to_string(),
            shown(sum.parts.pledged),
            shown(sum.parts.returned),
            shown(sum.parts.owed),
            shown(sum.parts.locked),
            shown(sum.parts.delivered),
            shown(sum.parts.reserved),
            shown(sum.parts.held),
            shown(sum.parts.refunded),
            shown(sum.parts.refundable),
            sum.parts.dust.to_string(),
            shown(sum.balance),
        ]
    };
    let rows: Vec<_> = statement.sums.iter().map(row).collect();
    let header = [
        "asset",
        "pledged",
        "= returned",
        "+ owed",
        "+ locked",
        "+ delivered",
        "+ reserved",
        "+ held",
        "+ refunded",
        "+ refundable",
        "+ dust",
        "escrow has",
    ];
    let compact = if statement.members.is_empty() { "" } else { "the compact, " };
    let reconciled = format!(
        "Reconciled to the wei with the balances of the escrow, {compact}both pools, the beneficiary and every contributor;\nthe contracts' views, their logs and the models agree.\n"
    );
    format!("{}{reconciled}", table::render(header, &rows))
}

/// Amounts of stETH are shown by their value; the exact shares are in the JSON.
fn shown(statement: &Statement, asset: Asset, units: Units) -> String {
    match units.is_zero() {
        true => "-".to_owned(),
        false => statement.in_stated_unit(asset, units).to_string(),
    }
}

fn eth(amount: Wei) -> String {
    if amount.is_zero() { "-".to_owned() } else { amount::eth(amount) }
}

fn checks(checks: &[Check]) -> String {
    let failed: Vec<_> = checks.iter().filter(|check| !check.holds).collect();
    if failed.is_empty() {
        return format!("All {} expectations hold.\n", checks.len());
    }
    let lines = failed.iter().map(|check| format!("NOT MET  {}\n", unmet(check)));
    lines.collect()
}

/// `drawn: expected 1 ETH, found 2 ETH`.
pub(crate) fn unmet(check: &Check) -> String {
    format!("{}: expected {}, found {}", check.what, check.expected, check.found)
}

/// How to continue with the chain after the last ending.
pub(crate) fn kept(kept: &Kept, scenario: &Scenario, last: Option<&Played>) -> String {
    let Kept { rpc_url, escrow } = kept;
    let rows: Vec<_> =
        scenario.cast.names().map(|name| [name.to_owned(), cast::address(name).to_string()]).collect();
    let who = scenario.cast.contributors().next().unwrap_or(cast::ANYONE);
    let gas = amount::eth(chain::FOR_GAS);
    format!(
        "\nThe chain keeps running at {rpc_url} until you press Ctrl-C. Its ID is 31337, and every account has {gas} for gas.\n\n{}\nlevee status --rescue {escrow} --rpc-url {rpc_url}\nlevee positions {} --rescue {escrow} \
        --rpc-url {rpc_url}\n{}",
        table::render(["name", "account"], &rows),
        cast::address(who),
        last.and_then(|last| sample(kept, scenario, &last.statement)).unwrap_or_default(),
    )
}

/// A call that succeeds on the chain in its final state, with the signing key.
fn sample(kept: &Kept, scenario: &Scenario, statement: &Statement) -> Option<String> {
    let Kept { rpc_url, escrow } = kept;
    let owed = statement.lines.iter().find(|line| !line.refundable.is_zero());
    let (who, call) = match owed {
        Some(line) => (line.who.as_str(), format!("refund --tier {} --asset {}", line.tier, line.asset)),
        None if statement.status == Status::Open => {
            (scenario.cast.contributors().next()?, "pledge 0.1ETH --tier 0".to_owned())
        }
        None => return None,
    };
    let key = cast::key(who);
    Some(format!(
        "\n# All keys are public: each is the Keccak-256 of `levee rehearse: ` and the name. For \
        {who}:\nLEVEE_PRIVATE_KEY={key} levee {call} --rescue {escrow} --rpc-url {rpc_url} --yes\n"
    ))
}

/// The whole rehearsal as JSON. Amounts are decimal strings in the asset's own unit.
pub(crate) fn to_json(
    scenario: &Scenario,
    common: &[Scene],
    endings: &[Played],
    kept: Option<&Kept>,
) -> Value {
    let contributor = |contributor: &super::scenario::Contributor| {
        json!({
            "name": contributor.name,
            "account": cast::address(&contributor.name).to_string(),
            "holds": contributor.holds.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "stage": contributor.stage,
            "note": contributor.note,
            "source": contributor.source,
        })
    };
    json!({
        "title": scenario.title,
        "about": scenario.about,
        "sources": scenario.sources,
        "terms": scenario.terms,
        "tierNames": scenario.tier_names,
        "contributors": scenario.contributors.iter().map(contributor).collect::<Value>(),
        "offers": scenario.offers,
        "timeline": common.iter().map(scene_json).collect::<Value>(),
        "endings": endings.iter().map(ending_json).collect::<Value>(),
        "chain": kept.map(|kept| json!({ "rpcUrl": kept.rpc_url, "escrow": kept.escrow })),
    })
}

fn scene_json(scene: &Scene) -> Value {
    json!({
        "timeUnix": scene.time,
        "who": scene.who,
        "do": scene.step,
        "summary": scene.summary,
        "events": scene.events,
        "refusedWith": scene.refusal.as_ref().map(agree::kind),
        "note": scene.note,
    })
}

fn ending_json(played: &Played) -> Value {
    let statement = &played.statement;
    json!({
        "name": played.name,
        "timeline": played.scenes.iter().map(scene_json).collect::<Value>(),
        "status": statement.status,
        "endReason": statement.end_reason,
        "thresholdMetBps": statement.threshold_met,
        "targetWei": statement.target,
        "pledgedWei": statement.pledged,
        "drawnWei": statement.drawn,
        "uncoveredWei": statement.uncovered(),
        "rateWeiPer1e27Shares": statement.rate,
        "positions": statement.lines,
        "debts": statement.debts,
        "assets": statement.sums,
        "recovery": statement.recovery,
        "bonus": statement.bonus,
        "declarations": statement.declared,
        "members": statement.members,
        "expectations": played.checks,
        "holds": played.checks.iter().all(|check| check.holds),
    })
}
