//! What is to be covered, how that changed, and what it is the net of.

use std::collections::BTreeMap;

use levee::{
    Entry, Event, RescueEvent,
    alloy::primitives::B256,
    display::ether,
    text::hole::{Hole, Item},
};
use levee_model::{Amendment, Goal, Wei};
use maud::{Markup, html};

use crate::{
    RescuePage, chart,
    html::{counted, eth, foreign_link, foreign_text, table, time, transaction},
};

/// What documents say, by their hashes.
pub type Holes = BTreeMap<B256, Hole>;

/// How many amendments are listed, the latest ones.
const LISTED: usize = 20;

impl RescuePage<'_> {
    /// The amount to cover when the rescue was created, and each amendment of it. What it is the net of is in no log: it is in the documents
    /// whose hashes are among the terms.
    pub(crate) fn hole(&self) -> Markup {
        let mut rows: Vec<_> = self.original().into_iter().collect();
        rows.extend(self.amendments());
        let (first, left_out) = (rows.len().min(1), rows.len().saturating_sub(LISTED + 1));
        rows.drain(first..first + left_out);
        html! {
            section #hole {
                h2 { "The amount to cover" }
                (table("The amount to cover, since the beginning", ["Said", "Amount to cover", "Deadline", "In force", "Where"], &rows))
                @if left_out > 0 { p { (counted(left_out, "earlier amendment")) " not listed." } }
                @let told: Vec<_> = self.goals().iter().filter_map(|(hash, targets)| self.waterfall(*hash, targets)).collect();
                @for waterfall in &told { (waterfall) }
                @if told.is_empty() {
                    p.note {
                        "This is the net amount. The contract records neither the gross loss nor what was taken off it, such as frozen or recovered funds: "
                        "they are in the document, whose hash is below."
                    }
                }
            }
        }
    }

    /// What was to be covered by the original terms and by each amendment, by the document, in their order.
    fn goals(&self) -> BTreeMap<B256, Vec<Wei>> {
        let mut goals = BTreeMap::<_, Vec<_>>::new();
        for Goal { terms_hash, target, .. } in self.history.goals() {
            goals.entry(terms_hash).or_default().push(target);
        }
        goals
    }

    /// From the gross loss to what is left to cover, as a document says, beside the targets that name it; nothing without it.
    fn waterfall(&self, hash: B256, targets: &[Wei]) -> Option<Markup> {
        let hole = self.holes.get(&hash)?;
        let mut left = hole.gross;
        let taken = hole.less.iter().map(|item| {
            let before = left;
            // A document that takes off more than there is was refused.
            left = left.checked_sub(item.amount).unwrap_or_default();
            self.taken(item, (left, before), hole.gross)
        });
        let whole = |label: &str, amount: Wei| {
            let title = format!("{label}: {}", ether(amount));
            [html! { (label) }, eth(amount), chart::part(Wei::ZERO, amount, hole.gross, &title), html! {}]
        };
        let mut rows = vec![whole("Gross loss", hole.gross)];
        rows.extend(taken);
        rows.push(whole("Left to cover", hole.net));
        Some(html! {
            h3 { "What it is the net of" }
            (table("From the gross loss to what is left to cover", ["What", "Amount", "Of the loss", "Source"], &rows))
            p.note {
                "So says the document " code.hash { (hash.to_string()) } ", whose hash is among the terms. Nobody else vouches for it."
                @if !targets.contains(&hole.net) { " " strong { "No target is that amount." } }
                @else if self.was_amended(hole.net) { " The target was amended since." }
            }
        })
    }

    /// Whether a target was in force and is not any more. The last one that was proposed may be pending, or the rescue ended before.
    fn was_amended(&self, target: Wei) -> bool {
        let mut targets: Vec<_> = self.history.goals().map(|goal| goal.target).collect();
        let is_in_force = self.view.amendment.is_some_and(|latest| latest.in_force(self.now()));
        if targets.len() > 1 && !is_in_force {
            targets.pop();
        }
        targets.contains(&target) && targets.last() != Some(&target)
    }

    fn taken(&self, item: &Item, (left, before): (Wei, Wei), scale: Wei) -> [Markup; 4] {
        let Item { what, amount, source } = item;
        let title = format!("less {}", ether(*amount));
        let link = if source.is_empty() {
            html! { "none given" }
        } else {
            foreign_link(source)
        };
        [html! { "− " (foreign_text(what)) }, eth(*amount), chart::part(left, before, scale, &title), link]
    }

    fn original(&self) -> Option<[Markup; 5]> {
        let created = self.history.entries.iter().find_map(|entry| match &entry.event {
            Event::Rescue(RescueEvent::Created { terms }) => Some((entry, terms)),
            _ => None,
        });
        let (entry, terms) = created?;
        Some(self.amount(entry, terms.target, terms.deadline, html! { "from the beginning" }))
    }

    fn amendments(&self) -> impl Iterator<Item = [Markup; 5]> {
        let proposed = self.history.entries.iter().filter_map(|entry| match entry.event {
            Event::Rescue(RescueEvent::AmendmentProposed { amendment }) => Some((entry, amendment)),
            _ => None,
        });
        proposed.map(|(entry, amendment)| {
            let Amendment { goal, effective_at } = amendment;
            let since = html! { "from " (time(effective_at)) ", if still open then" };
            self.amount(entry, goal.target, goal.deadline, since)
        })
    }

    fn amount(&self, entry: &Entry, target: Wei, deadline: u64, in_force: Markup) -> [Markup; 5] {
        let place = transaction(entry.transaction, "transaction", self.history.chain);
        [time(entry.time), eth(target), time(deadline), in_force, place]
    }
}
