//! What the guardian has proposed to change, while everyone can still leave before it.

use levee_model::{Amendment, Goal, RescueView, Timestamp};
use maud::{Markup, html};

use crate::html::{eth, facts, time, time_from};

/// The amendment that is pending at `now`, if there is one: what it changes, from when on, and until when pledgers can leave.
pub(crate) fn pending(view: &RescueView, now: Timestamp) -> Markup {
    let Some(Amendment { goal, effective_at }) = view.pending_amendment(now) else { return html! {} };
    let changes = changes(Goal::from(&view.terms), goal);
    html! {
        section #amendment {
            div.warning {
                h2 { "An amendment is pending" }
                @if changes.is_empty() { p { "It changes nothing." } } @else { (facts(changes)) }
                p {
                    "It takes effect at " (time_from(effective_at, now)) ". Until then, every pledger can leave with the whole pledge; whoever stays "
                    "is bound by the new terms."
                }
            }
        }
    }
}

/// Each term that differs, as it is and as it is to be.
fn changes(old: Goal, new: Goal) -> Vec<(&'static str, Markup)> {
    let hash = |goal: Goal| html! { code.hash { (goal.terms_hash.to_string()) } };
    let all = [
        ("Target", old.target != new.target, [eth(old.target), eth(new.target)]),
        ("Deadline", old.deadline != new.deadline, [old.deadline, new.deadline].map(time)),
        ("Document", old.terms_hash != new.terms_hash, [old, new].map(hash)),
    ];
    let differing = all.into_iter().filter(|(_, differs, _)| *differs);
    differing.map(|(name, _, [old, new])| (name, html! { "from " (old) " to " (new) })).collect()
}
