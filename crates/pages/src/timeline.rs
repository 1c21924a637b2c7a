//! What happened, and what the guardian did.

use levee::{BonusEvent, Entry, Event, RecoveryEvent, RescueEvent, display::utc, text::event};
use levee_model::{Amount, EndReason, PerAsset, Status, Units, books};
use maud::{Markup, html};

use crate::{
    RescuePage,
    chart::{OverTime, Step},
    html::{counted, table, time, transaction},
};

/// How many entries a list has: some can be made by anyone, in any number.
const LISTED: usize = 30;

impl RescuePage<'_> {
    pub(crate) fn timeline(&self) -> Markup {
        let milestones: Vec<_> =
            self.history.entries.iter().filter(|entry| is_milestone(&entry.event)).collect();
        html! {
            section #timeline {
                h2 { "What happened" }
                (self.chart())
                (self.list("What happened to the rescue, latest first", &milestones))
                p.note { "Pledges and refunds are with their " a href="#contributors" { "contributors" } "." }
            }
        }
    }

    pub(crate) fn guardian(&self) -> Markup {
        if self.view.terms.guardian.is_zero() {
            return html! {};
        }
        let acts: Vec<_> = self.history.entries.iter().filter(|entry| is_guardians(&entry.event)).collect();
        html! {
            section #guardian {
                h2 { "What the guardian did" }
                @if acts.is_empty() { p { "Nothing. It can decline a pledge, propose changes that everyone can leave before, or stop the rescue; it can never take anything." } }
                @else { (self.list("Acts of the guardian, latest first", &acts)) }
            }
        }
    }

    fn list(&self, caption: &str, entries: &[&Entry]) -> Markup {
        let row = |entry: &&Entry| {
            let text = event::to_text(&entry.event, self.view.rate.known());
            [
                time(entry.time),
                html! { (text) },
                transaction(entry.transaction, "transaction", self.history.chain),
            ]
        };
        let rows: Vec<_> = entries.iter().rev().take(LISTED).map(row).collect();
        html! {
            (table(caption, ["Time", "Event", "Where"], &rows))
            @if entries.len() > LISTED { p { (counted(entries.len() - LISTED, "earlier entry")) " not listed." } }
        }
    }

    /// What was locked over time until the rescue was decided, by the rate of now; nothing while shares cannot be valued.
    fn chart(&self) -> Markup {
        let Some((chart, [first, until])) = self.over_time() else { return html! {} };
        html! {
            figure {
                (chart.in_page())
                figcaption { "Locked from " (time(first)) " to " (time(until)) "; the dashed line is the target. Shares count at one rate." }
            }
        }
    }

    /// The same as a picture for other pages, which says of which block it is.
    pub fn picture(&self) -> Option<String> {
        Some(self.over_time()?.0.alone().into_string())
    }

    /// With its first and last second; none while shares cannot be valued.
    fn over_time(&self) -> Option<(OverTime, [u64; 2])> {
        self.view.coverage?;
        let (steps, until) = self.steps();
        let (&(first, _), &(_, last)) = (steps.first()?, steps.last()?);
        let (target, block) = (self.view.terms.target, self.history.block.number);
        let share = levee::text::percent::of_down(last, target);
        let when = if self.view.status == Status::Open { "so far" } else { "in the end" };
        let title = format!(
            "Locked from {} to {}, {when} {share} of the target; at the end of block {block}",
            utc(first),
            utc(until)
        );
        Some((OverTime::new(&steps, until, target, title), [first, until]))
    }

    /// The value of all pledges after each change, and the time up to which they change.
    fn steps(&self) -> (Vec<Step>, u64) {
        let rate = self.view.rate.known();
        let mut held = PerAsset::<Units>::default();
        let (mut steps, mut decided) = (Vec::new(), None);
        for entry in self.history.entries.iter() {
            match entry.event.of_rescue() {
                Some(RescueEvent::Pledged { position, amount }) => held[position.asset] += *amount,
                Some(
                    RescueEvent::Exited { position, amount, .. } | RescueEvent::Declined { position, amount },
                ) => {
                    held[position.asset] = held[position.asset] - *amount;
                }
                Some(RescueEvent::Settled { .. } | RescueEvent::Failed { .. }) => decided = Some(entry.time),
                Some(RescueEvent::Created { .. }) => {}
                _ => continue,
            }
            let amounts = levee_model::Asset::ALL.map(|asset| -> Amount { held[asset].of(asset) });
            steps.push((entry.time, books::value_down(amounts.into_iter(), rate)));
        }
        (steps, decided.unwrap_or_else(|| self.view.terms.deadline.min(self.now())))
    }
}

/// What concerns the rescue as a whole.
const fn is_milestone(event: &Event) -> bool {
    match event {
        Event::Rescue(event) => matches!(
            event,
            RescueEvent::Created { .. }
                | RescueEvent::AmendmentProposed { .. }
                | RescueEvent::Settled { .. }
                | RescueEvent::Failed { .. }
                | RescueEvent::Released { .. }
                | RescueEvent::Cancelled { .. }
                | RescueEvent::HoldLifted { .. }
                | RescueEvent::Lapsed { .. }
                | RescueEvent::Finalized { .. }
        ),
        Event::Recovery(event) => matches!(event, RecoveryEvent::Recovered { .. }),
        Event::Bonus(event) => matches!(event, BonusEvent::Decided(_)),
        Event::Board(_) | Event::Receiver(_) | Event::Compact(_) => false,
    }
}

const fn is_guardians(event: &Event) -> bool {
    let Event::Rescue(event) = event else { return false };
    matches!(
        event,
        RescueEvent::Declined { .. }
            | RescueEvent::AmendmentProposed { .. }
            | RescueEvent::HoldLifted { .. }
            | RescueEvent::Failed { reason: EndReason::EndedByGuardian, .. }
            | RescueEvent::Cancelled { reason: EndReason::StoppedByGuardian, .. }
    )
}
