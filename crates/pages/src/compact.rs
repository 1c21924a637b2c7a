//! The page of a compact: who is committed, who is leaving and when, and what each call asks of whom.

use std::{cmp::Reverse, collections::BTreeMap};

use levee::{
    Entry,
    alloy::primitives::Address,
    compact::{CompactHistory, escrow_edition, premiums},
    text::{address::short, event, percent::percent, time::duration},
};
use levee_model::{
    Asset, Units,
    compact::{CallState, CallView, CompactView, MemberView, MemberWindows, Standing, Window},
};
use maud::{Markup, html};

use crate::{
    Place, document_of_file,
    html::{account, counted, facts, table, time, time_from, transaction, units},
    site,
};

/// How many members, calls and events are listed at most: anyone can make more of each where a compact is open.
const MEMBERS: usize = 200;
const CALLS: usize = 30;
const EVENTS: usize = 100;

/// Everything that the page of a compact tells.
#[derive(Debug)]
pub struct CompactPage<'a> {
    history: &'a CompactHistory,
    view: CompactView,
    place: Place<'a>,
}

/// A member with what it has.
type Member = (Address, MemberView, MemberWindows);

impl<'a> CompactPage<'a> {
    /// The page of a compact at the block of its history.
    pub fn new(history: &'a CompactHistory, place: Place<'a>) -> Self {
        let mut view = history.compact.view(history.block.time);
        // The largest first.
        view.members.sort_by_key(|(account, member, _)| {
            (Reverse((member.standing.active, member.pending)), *account)
        });
        Self { history, view, place }
    }

    /// The whole document.
    pub fn document(&self) -> String {
        let title = format!("Compact {}", short(self.address()));
        match self.place {
            Place::File => document_of_file(&title, &self.header(), &self.sections()),
            Place::Site { .. } => site::Frame::new(&title, None, self.header()).document(&self.sections()),
        }
    }

    fn address(&self) -> Address {
        self.history.compact.address()
    }

    fn header(&self) -> Markup {
        let CompactHistory { chain, block, .. } = self.history;
        html! {
            h1 { "Compact " span.address { (self.address().to_string()) } }
            p.meta {
                "Chain " (chain) ", at the end of block " (block.number) ", " (time(block.time))
                @if let Place::Site { age } = self.place { " (" (age) ")" }
                ". Every figure follows from the logs up to there."
            }
        }
    }

    fn sections(&self) -> Markup {
        html! {
            (self.headline())
            (self.members())
            (self.calls())
            (self.premiums())
            (self.terms())
            (self.timeline())
            (self.check())
        }
    }

    fn headline(&self) -> Markup {
        let Standing { active, noticed } = self.view.all;
        let terms = self.history.compact.terms();
        let pending: Units = self.view.members.iter().map(|(_, member, _)| member.pending).sum();
        html! {
            section #committed {
                h2 { "What stands ready" }
                @if escrow_edition(terms).is_none() {
                    p { strong { "Its calls pay into contracts that are not Levee's escrows and could keep the money: commit nothing to it." } }
                }
                (facts([
                    ("Committed and active", wsteth(active)),
                    ("Of it under notice", wsteth(noticed)),
                    ("Pending, not bound yet", wsteth(pending)),
                    ("A call takes at most", html! { (percent(terms.max_call)) ", if " (percent(terms.quorum)) " of everything active approves it" }),
                    ("Another call may give", self.free()),
                ]))
            }
        }
    }

    /// When the next call may begin to give.
    fn free(&self) -> Markup {
        let spacing = self.history.compact.terms().spacing();
        match self.view.started {
            Some(started) => {
                let from = started.started_at.saturating_add(spacing).saturating_add(1);
                html! { "from " (self.time_from(from)) ", since call " (started.call) " gave" }
            }
            None => html! { "at any time: none has given yet" },
        }
    }

    fn members(&self) -> Markup {
        let members = &self.view.members;
        let rows: Vec<_> = members.iter().take(MEMBERS).map(|member| self.member(member)).collect();
        let header = ["Member", "Active", "Under notice", "Pending", "Given", "Premiums due"];
        html! {
            section #members {
                h2 { "Members" }
                @if rows.is_empty() { p { "Nobody has committed anything yet." } }
                @else { (table("What each has, the largest first", header, &rows)) }
                @if members.len() > MEMBERS { p { (counted(members.len() - MEMBERS, "smaller member")) " not listed." } }
            }
        }
    }

    fn member(&self, (account, view, windows): &Member) -> [Markup; 6] {
        let now = self.history.block.time;
        let when = |window: Option<Window>, [can, could, instead]: [&str; 3]| match window {
            Some(Window { until, .. }) if until < now => {
                html! { " " span.dim { (could) " until " (time(until)) ": " (instead) } }
            }
            Some(Window { from, until }) => {
                html! { " " span.dim { (can) " from " (time(from)) " to " (time(until)) } }
            }
            None => html! {},
        };
        let leaving = ["may leave", "could leave", "give notice again, or take it back"];
        let activation = ["can be activated", "could be activated", "commit it again, or take it back"];
        let approver = (!view.approver.is_zero()).then_some(view.approver);
        [
            html! {
                (self.account(*account))
                @if let Some(approver) = approver { " " span.dim { "approves through " (self.account(approver)) } }
            },
            wsteth(view.standing.active),
            html! { (wsteth(view.standing.noticed)) (when(windows.leaving, leaving)) },
            html! { (wsteth(view.pending)) (when(windows.activation, activation)) },
            wsteth(self.given(*account)),
            wsteth(view.earned),
        ]
    }

    /// What a member gave to all calls.
    fn given(&self, member: Address) -> Units {
        let of_call = |call| self.history.compact.given(call).and_then(|given| given.get(&member)).copied();
        (0..self.history.compact.call_count()).filter_map(of_call).sum()
    }

    fn calls(&self) -> Markup {
        let calls: Vec<_> = (0..).zip(&self.view.calls).collect();
        html! {
            section #calls {
                h2 { "Calls" }
                @if calls.is_empty() { p { "Nothing was called for yet." } }
                @for (number, (view, state)) in calls.iter().rev().take(CALLS) { (self.call(*number, view, *state)) }
                @if calls.len() > CALLS { p { (counted(calls.len() - CALLS, "earlier call")) " not listed." } }
            }
        }
    }

    fn call(&self, number: u64, view: &CallView, state: CallState) -> Markup {
        let given: Units =
            self.history.compact.given(number).map(|given| given.values().copied().sum()).unwrap_or_default();
        html! {
            h3 id={ "call-" (number) } { "Call " (number) }
            (facts([
                ("State", self.state(state)),
                ("Rescue", self.rescue(view.escrow)),
                ("Takes", html! { (percent(view.bps)) " of what each member had active, to tier " (view.tier) }),
                ("Proposed", time(view.proposed_at)),
                ("Approvals", html! { (wsteth(view.approvals)) "; " (wsteth(view.required)) " are needed" }),
                ("Given", wsteth(given)),
            ]))
            (self.shares(number))
        }
    }

    fn state(&self, state: CallState) -> Markup {
        match state {
            CallState::Voting { until } => html! { "can be approved until " (self.time_from(until)) },
            CallState::Passed { window } if window.from > window.until => {
                html! { "passed, but another call is too near: it cannot give any more" }
            }
            CallState::Passed { window: Window { from, until } } => {
                html! { "passed, can give from " (self.time_from(from)) " to " (self.time_from(until)) }
            }
            CallState::Over => html! { "over" },
        }
    }

    /// What each of the listed members gave or would give, and whether it approves.
    fn shares(&self, call: u64) -> Markup {
        let compact = &self.history.compact;
        let none = BTreeMap::new();
        let given = compact.given(call).unwrap_or(&none);
        let row = |(account, ..): &Member| {
            let (approves, _) = compact.vote_of(call, *account);
            let gave = given.get(account).copied().unwrap_or_default();
            let would = compact.share(call, *account).unwrap_or_default();
            let is_listed = approves || !gave.is_zero() || !would.is_zero();
            let approves = html! { (if approves { "yes" } else { "no" }) };
            is_listed.then(|| [self.account(*account), approves, wsteth(gave), wsteth(would)])
        };
        let rows: Vec<_> = self.view.members.iter().take(MEMBERS).filter_map(row).collect();
        if rows.is_empty() {
            return html! {};
        }
        table("Members in this call", ["Member", "Approves", "Gave", "Would give now"], &rows)
    }

    /// A rescue, with a link to its page where there is one.
    fn rescue(&self, rescue: Address) -> Markup {
        match self.place {
            Place::Site { .. } => {
                html! { a.address.whole-address href=(site::path(rescue)) { (rescue.to_string()) } }
            }
            Place::File => self.account(rescue),
        }
    }

    fn premiums(&self) -> Markup {
        let events = self.history.entries.iter().filter_map(|entry| entry.event.of_compact());
        let (paid, claimed) = premiums(events);
        let due: Units = self.view.members.iter().map(|(_, member, _)| member.earned).sum();
        html! {
            section #premiums {
                h2 { "Premiums" }
                (facts([("Paid to those who stand ready", wsteth(paid)), ("Claimed", wsteth(claimed)), ("Due", wsteth(due))]))
            }
        }
    }

    fn terms(&self) -> Markup {
        let terms = self.history.compact.terms();
        let days = |seconds: u32| html! { (duration(seconds.into())) };
        let or_none = |address: Address| {
            if address.is_zero() {
                html! { "none" }
            } else {
                self.account(address)
            }
        };
        let rows = [
            ("Admitter", or_none(terms.admitter)),
            ("Voting", days(terms.voting_period)),
            ("Fulfillment", days(terms.fulfill_period)),
            (
                "Notice",
                html! { (days(terms.notice_period)) ", then " (days(terms.leave_window)) " to leave" },
            ),
            ("Seasoning", days(terms.seasoning)),
            ("Between calls", html! { (duration(terms.spacing())) }),
            ("A rescue needs a threshold of", html! { (percent(terms.min_threshold)) " or more" }),
            ("And interest of", html! { (percent(terms.min_rate)) " a year or more" }),
            ("And objections for", html! { (days(terms.min_objection_period)) " or more" }),
            ("And a veto of", html! { "at most " (percent(terms.max_veto)) }),
            ("And exits for", html! { (days(terms.min_exit_window)) " or more" }),
            ("And an end within", days(terms.max_lock)),
            (
                "And as its guardian",
                html! { (or_none(terms.guardian)) @if !terms.guardian.is_zero() { " or none" } },
            ),
            ("Document", html! { code.hash { (terms.terms_hash.to_string()) } }),
        ];
        html! { section #terms { h2 { "Terms, which never change" } (facts(rows)) } }
    }

    fn timeline(&self) -> Markup {
        let entries = &self.history.entries;
        let row = |entry: &Entry| {
            [
                time(entry.time),
                html! { (event::to_text(&entry.event, None)) },
                html! { (entry.block) },
                transaction(entry.transaction, "transaction", self.history.chain),
            ]
        };
        let rows: Vec<_> = entries.iter().rev().take(EVENTS).map(row).collect();
        html! {
            section #timeline {
                h2 { "What happened" }
                (table("Events, the latest first", ["Time", "What", "Block", "Where"], &rows))
                @if entries.len() > EVENTS { p { (counted(entries.len() - EVENTS, "earlier event")) " not listed." } }
            }
        }
    }

    fn check(&self) -> Markup {
        let (address, chain) = (self.address(), self.history.chain);
        let command =
            format!("levee compact status {address} --chain {chain} --rpc-url https://node.example");
        html! {
            section #check {
                h2 { "Check it yourself" }
                p { "This command proves the compact by its address, and compares every figure with what the contract says at a node that you trust:" }
                pre tabindex="0" { code { (command) } }
            }
        }
    }

    fn account(&self, address: Address) -> Markup {
        account(address, None, self.history.chain)
    }

    fn time_from(&self, at: u64) -> Markup {
        time_from(at, self.history.block.time)
    }
}

fn wsteth(amount: Units) -> Markup {
    units(amount, Asset::WstEth, None)
}
