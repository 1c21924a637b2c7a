//! What is to be covered, and how that changed.

use levee::{Entry, Event, RescueEvent};
use levee_model::{Amendment, Wei};
use maud::{Markup, html};

use crate::{
    RescuePage,
    html::{counted, eth, table, time, transaction},
};

/// How many amendments are listed, the latest ones.
const LISTED: usize = 20;

impl RescuePage<'_> {
    /// The amount to cover when the rescue was created, and each amendment of it. What it is the net of is in no log: it is in the document
    /// whose hash is among the terms.
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
                p.note {
                    "This is the net amount. The contract records neither the gross loss nor what was taken off it, such as frozen or recovered funds: "
                    "they are in the document, whose hash is below."
                }
            }
        }
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
