//! Who has pledged what, under which condition, what became of it, and what each can do next.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use levee::{
    Entry, Event, RescueEvent,
    alloy::primitives::{Address, B256},
    text::time::duration,
};
use levee_model::{
    Asset, Models, Operation, PledgerPosition, PledgerView, PositionId, Rate, Statement, Status, Timestamp,
    Wei, prorata,
};
use maud::{Markup, html};

use crate::{
    CONTRIBUTORS_ON_A_PAGE, Place, RescuePage,
    html::{counted, eth, table, time, transaction, units},
    money::condition,
    site,
};

/// How many transactions of a position are linked, the latest ones.
const LINKED: usize = 3;

/// What happened to a position.
#[derive(Debug, Default)]
struct Story {
    since: Option<Timestamp>,
    /// What was done, and by which transaction, in the order of the chain.
    acts: Vec<(&'static str, B256)>,
}

/// Who has something in the rescue, by the value of what they pledged, the most first. Where shares cannot be valued, they count one wei each.
pub(crate) fn ranking(models: &Models, rate: Option<Rate>) -> Vec<Address> {
    let rate = rate.or(Some(Rate::PAR));
    let mut values: BTreeMap<Address, Wei> =
        models.accounts().into_iter().map(|account| (account, Wei::ZERO)).collect();
    for (id, position) in models.rescue.positions() {
        let value = prorata::value_down(position.amount.of(id.asset), rate).unwrap_or_default();
        *values.entry(id.pledger).or_default() += value;
    }
    let mut ranked: Vec<_> = values.into_iter().collect();
    ranked.sort_by_key(|&(_, value)| Reverse(value));
    ranked.into_iter().map(|(account, _)| account).collect()
}

impl RescuePage<'_> {
    pub(crate) fn contributor_table(&self, page: usize) -> Markup {
        let first = page.saturating_sub(1).saturating_mul(CONTRIBUTORS_ON_A_PAGE);
        let listed = self.basis.models.pledgers_among(self.moment(), self.basis.listed(page));
        let rows = self.rows(&listed);
        let header = ["Contributor", "Pledged", "Condition", "Became", "Since", "Next"];
        html! {
            section #contributors {
                h2 { "Contributors" }
                p.note { (self.which(first, listed.len())) }
                @if !rows.is_empty() { (table("Contributors, the largest first", header, &rows)) }
                @if self.is_served() { (site::turner(page, self.pages(), "#contributors", "Pages of contributors")) }
            }
        }
    }

    fn which(&self, first: usize, listed: usize) -> String {
        let count = self.basis.ranking.len();
        let all = counted(count, "contributor");
        match self.pages() {
            _ if count == 0 => "Nobody has pledged anything.".into(),
            _ if listed == 0 => format!("{all}, none of them on this page."),
            1 => format!("{all}, the largest first."),
            pages => {
                let these =
                    format!("{all}, the largest first. These are {} to {}", first + 1, first + listed);
                match self.place {
                    Place::Site { .. } => format!("{these}."),
                    Place::File => {
                        format!("{these}; `levee report --page N` makes the other pages, of {pages}.")
                    }
                }
            }
        }
    }

    fn rows(&self, listed: &[PledgerView]) -> Vec<[Markup; 6]> {
        let accounts: BTreeSet<Address> = listed.iter().map(|pledger| pledger.pledger).collect();
        let stories = stories(&self.history.entries, &accounts);
        let mut rows = Vec::new();
        for pledger in listed {
            for position in &pledger.positions {
                let view = position.view;
                let id = PositionId { pledger: pledger.pledger, tier: view.tier, asset: view.asset };
                rows.push(self.position(id, position, &pledger.calls, stories.get(&id)));
            }
            rows.extend(self.owed(pledger));
        }
        rows
    }

    fn position(
        &self,
        id: PositionId,
        position: &PledgerPosition,
        calls: &[Operation],
        story: Option<&Story>,
    ) -> [Markup; 6] {
        let tier = self.view.terms.tier(id.tier).map(condition).unwrap_or_default();
        let statement = self.history.rescue.statement(self.moment(), id);
        [
            self.contributor(id.pledger),
            units(position.view.amount, id.asset, self.view.rate.known()),
            html! { "Tier " (id.tier) ": " (tier) },
            self.became(id.asset, &statement, position),
            self.since(story),
            self.next(id, position, calls),
        ]
    }

    /// A contributor: where there is a page about it, linked to that.
    fn contributor(&self, account: Address) -> Markup {
        match self.place {
            Place::File => self.account(account),
            Place::Site { .. } => site::contributor(self.history.address, account),
        }
    }

    /// What became of it: once the rescue is decided, these add up to what was pledged.
    fn became(&self, asset: Asset, statement: &Statement, position: &PledgerPosition) -> Markup {
        let Statement { view, drawn, held } = *statement;
        if self.view.status == Status::Open {
            return html! { span.state.locked { "locked" } };
        }
        let parts =
            [("drawn", drawn), ("held", held), ("refunded", view.refunded), ("to refund", view.refundable)];
        html! {
            ul {
                @for (name, part) in parts.into_iter().filter(|(_, part)| !part.is_zero()) {
                    li { (units(part, asset, self.view.rate.known())) " " (name) }
                }
                @if position.view.objected { li { "objected" } }
            }
        }
    }

    fn since(&self, story: Option<&Story>) -> Markup {
        let Some(Story { since: Some(since), acts }) = story else { return html! {} };
        let age = duration(self.now().saturating_sub(*since) / 60 * 60);
        html! {
            (time(*since)) " " span.dim { "(" (age) ")" }
            @for (act, hash) in &acts[acts.len().saturating_sub(LINKED)..] {
                " " (transaction(*hash, act, self.history.chain))
            }
        }
    }

    /// What the contributor, or anyone for it, can do now.
    fn next(&self, id: PositionId, position: &PledgerPosition, calls: &[Operation]) -> Markup {
        let acts: Vec<_> = calls.iter().filter_map(|call| self.act(id, position, *call)).collect();
        match (acts.is_empty(), self.view.status) {
            (false, _) => html! { ul { @for act in acts { li { (act) } } } },
            (true, Status::Open) if self.view.is_stuck(self.now()) => {
                html! { "depends on the value of stETH: " code { "levee status" } }
            }
            (true, Status::Open) => html! { "wait for settlement" },
            (true, _) => html! { "nothing" },
        }
    }

    fn act(&self, id: PositionId, position: &PledgerPosition, call: Operation) -> Option<Markup> {
        let (this, pot) = (id, (id.tier, id.asset));
        match call {
            Operation::Exit { tier, asset, .. } if (tier, asset) == pot => {
                Some(html! { "leave: " code { "levee exit" } })
            }
            Operation::Object { tier, asset } if (tier, asset) == pot => {
                Some(html! { "object: " code { "levee object" } })
            }
            Operation::Refund(id) if id == this => {
                let refund = units(position.view.refundable, id.asset, self.view.rate.known());
                Some(html! { "take back " (refund) ": " code { "levee refund" } })
            }
            Operation::Claim(id) if id == this => {
                Some(html! { "claim " (eth(position.recovered_due)) " recovered: " code { "levee claim" } })
            }
            Operation::ClaimBonus(id) if id == this => {
                Some(html! { "claim " (eth(position.bonus_due)) " of bonus: " code { "levee bonus claim" } })
            }
            _ => None,
        }
    }

    /// What an exit or a decline could not pay.
    fn owed(&self, pledger: &PledgerView) -> Vec<[Markup; 6]> {
        let debts = Asset::ALL.into_iter().filter(|asset| !pledger.owed[*asset].is_zero());
        let row = |asset| {
            let owed = units(pledger.owed[asset], asset, self.view.rate.known());
            let next = html! { "collect: " code { "levee collect " (asset.to_string()) } };
            [self.contributor(pledger.pledger), owed, html! { "left" }, html! { "owed" }, html! {}, next]
        };
        debts.map(row).collect()
    }
}

/// What happened to the positions of some accounts. What left and came back begins again.
fn stories(entries: &[Entry], accounts: &BTreeSet<Address>) -> BTreeMap<PositionId, Story> {
    let mut stories: BTreeMap<PositionId, Story> = BTreeMap::new();
    for entry in entries {
        let Event::Rescue(event) = &entry.event else { continue };
        let Some(id) = event.position().filter(|id| accounts.contains(&id.pledger)) else { continue };
        let story = stories.entry(id).or_default();
        let act = match event {
            RescueEvent::Pledged { .. } => "pledged",
            RescueEvent::Refunded { .. } => "refunded",
            RescueEvent::Objected { .. } => "objected",
            _ => {
                *story = Story::default();
                continue;
            }
        };
        story.since = story.since.or(Some(entry.time));
        story.acts.push((act, entry.transaction));
    }
    stories
}
