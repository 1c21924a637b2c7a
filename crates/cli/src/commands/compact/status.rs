//! `levee compact status`: who is committed, who is leaving, and where each call stands.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Edition, compact::CompactHistory, snapshot::Block};
use levee_model::{
    Amount, CompactTerms, Units,
    compact::{CallState, CallView, MemberView, MemberWindows, Standing, Started, Window},
    json::Account,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{WhichArgs, terms};
use crate::{connection::NetworkArgs, output::Output, percent, table, time};

/// Arguments of `levee compact status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Everything follows from the logs of the compact. What they add up to for each member and each call is checked against what the contract \
says; who approved which call is the node's word: use `--quorum` to have others confirm it.

Examples:
  levee compact status compact.toml --rpc-url https://node.example
  levee compact status 0x… --json")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

/// The result of `levee compact status`. Amounts are in units of wstETH, of which 10^18 are one.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompactStatus {
    #[serde(with = "Account")]
    address: Address,
    chain: u64,
    /// The block at whose end it is.
    block: Block,
    edition: Edition,
    terms: CompactTerms,
    /// What all members have active, and what of it is under notice.
    all: Standing,
    members: Vec<Member>,
    calls: Vec<CallJson>,
    /// The last call that gave anything; null if none has.
    last_started: Option<Started>,
}

/// A member.
#[derive(Debug, Serialize, JsonSchema)]
struct Member {
    #[serde(with = "Account")]
    member: Address,
    #[serde(flatten)]
    view: MemberView,
    /// When it may activate what is pending, and leave with what is under notice.
    #[serde(flatten)]
    windows: MemberWindows,
}

/// A call.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CallJson {
    /// Its number.
    call: u64,
    #[serde(flatten)]
    view: CallView,
    #[serde(flatten)]
    state: CallState,
    /// What each member has given to it, or would give now.
    shares: Vec<Share>,
}

/// A member's part in a call.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Share {
    #[serde(with = "Account")]
    member: Address,
    approves: bool,
    given_units: Units,
    /// What it would give now, whether the call has passed or not.
    would_give_units: Units,
}

impl StatusArgs {
    /// Runs the command.
    pub(super) async fn run(self, output: Output) -> Result<()> {
        let (_, client) = self.which.open(&self.network).await?;
        let doubts = [client.check_token(), client.check_escrows()];
        let doubts: Vec<_> =
            doubts.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
        output.warn(&doubts);
        let history = client.read(self.which.from_block).await?;
        let status = CompactStatus::of(&history, client.edition());
        output.result(&status.to_text(), &status)
    }
}

impl CompactStatus {
    /// A compact of this edition.
    pub(crate) fn of(history: &CompactHistory, edition: Edition) -> Self {
        let view = history.compact.view(history.block.time);
        let members: Vec<_> = view
            .members
            .into_iter()
            .map(|(member, view, windows)| Member { member, view, windows })
            .collect();
        let calls = (0..).zip(view.calls).map(|(call, (view, state))| {
            let shares = members.iter().map(|member| Share::of(history, call, member.member)).collect();
            CallJson { call, view, state, shares }
        });
        Self {
            address: history.compact.address(),
            chain: history.chain,
            block: history.block,
            edition,
            terms: history.compact.terms().clone(),
            all: view.all,
            calls: calls.collect(),
            members,
            last_started: view.started,
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let mut facts = vec![
            ("compact", format!("{} on chain {}", self.address, self.chain)),
            ("block", format!("{}, of {}", self.block.number, time::time(self.block.time))),
            ("active", shown(self.all.active)),
            ("under notice", shown(self.all.noticed)),
        ];
        facts.extend(terms::facts(&self.terms));
        let parts = [table::facts(&facts), self.members_text(), self.calls_text()];
        parts.join("\n")
    }

    fn members_text(&self) -> String {
        if self.members.is_empty() {
            return "nobody has committed anything yet\n".into();
        }
        let of = |member: &Member| {
            format!("{}\n{}", member.member, table::facts_below(&member.facts(self.block.time)))
        };
        format!("Members\n{}", self.members.iter().map(of).collect::<String>())
    }

    fn calls_text(&self) -> String {
        if self.calls.is_empty() {
            return "nothing was called for yet\n".into();
        }
        let of = |call: &CallJson| {
            let name = format!("call {}", call.call);
            format!("{name}\n{}", table::facts_below(&call.facts(self.block.time)))
        };
        format!("Calls\n{}", self.calls.iter().map(of).collect::<String>())
    }
}

impl Member {
    fn facts(&self, now: u64) -> Vec<(&'static str, String)> {
        let Self { view, windows, .. } = self;
        let leaving = windows.leaving.map(|window| leaving(window, now));
        let activation = windows.activation.map(|window| activation(window, now));
        let amounts = [
            ("active", view.standing.active, None),
            ("under notice", view.standing.noticed, leaving),
            ("pending", view.pending, activation),
            ("premiums due", view.earned, None),
        ];
        let mut facts: Vec<_> = amounts
            .into_iter()
            .filter(|(_, units, _)| !units.is_zero())
            .map(|(name, units, when)| {
                let when = when.map_or_else(String::new, |when| format!(", {when}"));
                (name, format!("{}{when}", shown(units)))
            })
            .collect();
        if !view.approver.is_zero() {
            facts.push(("approver", view.approver.to_string()));
        }
        if facts.is_empty() {
            facts.push(("active", "nothing".into()));
        }
        facts
    }
}

impl CallJson {
    fn facts(&self, now: u64) -> Vec<(&'static str, String)> {
        let Self { view, state, shares, .. } = self;
        let state = match *state {
            CallState::Voting { until } => format!("can be approved until {}", time::time_from(until, now)),
            CallState::Passed { window } if window.from > window.until => {
                "passed, but another call is too near: it cannot give any more".into()
            }
            CallState::Passed { window } => format!("passed, can be fulfilled {}", span(window, now)),
            CallState::Over => "over".into(),
        };
        let (given, approvals) = (total(shares.iter().map(|share| share.given_units)), shown(view.approvals));
        let mut facts = vec![
            ("state", state),
            ("rescue", view.escrow.to_string()),
            (
                "takes",
                format!(
                    "{} of what each member had active, to tier {}",
                    percent::percent(view.bps),
                    view.tier
                ),
            ),
            ("approvals", format!("{approvals}; {} are needed", shown(view.required))),
            ("given", shown(given)),
        ];
        let approving = shares.iter().filter(|share| share.approves);
        facts.extend(approving.map(|share| ("approved by", share.member.to_string())));
        let giving = shares.iter().filter(|share| !share.would_give_units.is_zero());
        facts.extend(
            giving.map(|share| ("would give", format!("{} {}", share.member, shown(share.would_give_units)))),
        );
        facts
    }
}

impl Share {
    fn of(history: &CompactHistory, call: u64, member: Address) -> Self {
        let none = BTreeMap::new();
        let compact = &history.compact;
        let given = compact.given(call).unwrap_or(&none).get(&member).copied().unwrap_or_default();
        let (approves, _) = compact.vote_of(call, member);
        let would_give_units = compact.share(call, member).unwrap_or_default();
        Self { member, approves, given_units: given, would_give_units }
    }
}

fn total(units: impl Iterator<Item = Units>) -> Units {
    units.fold(Units::ZERO, |sum, units| sum + units)
}

/// When a member may leave, or what to do once it is too late.
fn leaving(window: Window, now: u64) -> String {
    match window.until < now {
        true => format!(
            "could leave until {}: give notice again, or take it back",
            time::time_from(window.until, now)
        ),
        false => format!("may leave {}", span(window, now)),
    }
}

/// The same for activating what is pending.
fn activation(window: Window, now: u64) -> String {
    match window.until < now {
        true => format!(
            "could be activated until {}: commit it again, or take it back",
            time::time_from(window.until, now)
        ),
        false => format!("can be activated {}", span(window, now)),
    }
}

fn span(window: Window, now: u64) -> String {
    format!("from {} to {}", time::time_from(window.from, now), time::time_from(window.until, now))
}

fn shown(units: Units) -> String {
    Amount::WstEth(units).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_has_passed_is_told_with_what_to_do() {
        let window = Window { from: 1_785_542_400, until: 1_785_628_800 };
        let span = "from 2026-08-01T00:00:00Z (1 day ago) to 2026-08-02T00:00:00Z (now)";
        assert_eq!(leaving(window, window.until), format!("may leave {span}"));
        assert_eq!(activation(window, window.until), format!("can be activated {span}"));
        let until = "until 2026-08-02T00:00:00Z (1 second ago)";
        let late = window.until + 1;
        assert_eq!(leaving(window, late), format!("could leave {until}: give notice again, or take it back"));
        let again = format!("could be activated {until}: commit it again, or take it back");
        assert_eq!(activation(window, late), again);
    }
}
