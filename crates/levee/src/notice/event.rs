//! What happened: the events that people want to be told.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use levee_model::{Amendment, EndReason, Goal, Moment, PositionId, PositionView, Wei, schedule};

use super::{About, Content, Fact, Interest, NoticeKind as Kind, Steps, sentence};
use crate::{
    BonusEvent, Entry, Event, History, RecoveryEvent, RescueEvent,
    display::{ether, utc},
    text::{amendment, percent},
};

/// Everything in a history that is worth telling, in the order of the chain. What anyone can bring about again and again, at no more than
/// the price of a transaction, is not: that is told by [`standing`](super::standing), in steps.
///
/// The key of an event stands for its block's number and time, its transaction, its place in that, and all that it says: whatever a
/// reorganization changes of these makes another one.
pub fn events(history: &History, at: Moment, interest: &Interest) -> Vec<Fact> {
    let mut reader = Reader { history, about: About::of(history), at, interest, claimed: Steps::new() };
    let (mut facts, mut seen) = (Vec::new(), BTreeMap::<B256, u32>::new());
    let mut in_force = Goal::from(history.rescue.terms());
    for entry in history.entries.iter() {
        let place = seen.entry(entry.transaction).or_default();
        *place += 1;
        let told = reader.contents(entry, in_force);
        facts.extend(told.into_iter().map(|content| reader.about.happened(entry, *place, content)));
        if let Event::Rescue(RescueEvent::AmendmentProposed { amendment }) = &entry.event {
            // Nothing is proposed while an amendment is pending, so the next one finds this one in force.
            in_force = amendment.goal;
        }
    }
    facts
}

struct Reader<'a> {
    history: &'a History,
    about: About,
    at: Moment,
    interest: &'a Interest,
    /// Payments of recovered funds, for positions of accounts of interest.
    claimed: Steps<PositionId>,
}

impl Reader<'_> {
    fn contents(&mut self, entry: &Entry, in_force: Goal) -> Vec<Content> {
        match &entry.event {
            Event::Rescue(event) => self.of_rescue(entry, event, in_force),
            Event::Recovery(RecoveryEvent::Claimed { position, amount, .. }) => {
                self.claimed(entry, *position, *amount)
            }
            Event::Bonus(BonusEvent::Claimed { position, .. }) => {
                self.of_position(entry, Kind::Paid, "Paid out", position.pledger)
            }
            Event::Bonus(BonusEvent::Decided(_)) => {
                vec![self.about.plain(entry, Kind::BonusDecided, "Bonus decided")]
            }
            Event::Recovery(_)
            | Event::Bonus(_)
            | Event::Board(_)
            | Event::Receiver(_)
            | Event::Compact(_) => Vec::new(),
        }
    }

    fn of_rescue(&self, entry: &Entry, event: &RescueEvent, in_force: Goal) -> Vec<Content> {
        let (kind, title) = match event {
            RescueEvent::Created { .. } => return vec![self.created(entry)],
            RescueEvent::AmendmentProposed { amendment } => {
                return vec![self.proposed(entry, *amendment, in_force)];
            }
            RescueEvent::Settled { settled_at, .. } => return self.settled(entry, *settled_at),
            RescueEvent::Failed { .. } => (Kind::Failed, "Rescue failed"),
            RescueEvent::Released { .. } => (Kind::Released, "Tranche released"),
            RescueEvent::Cancelled { reason: EndReason::Vetoed, .. } => {
                (Kind::Cancelled, "Rescue stopped by objections")
            }
            RescueEvent::Cancelled { .. } => (Kind::Cancelled, "Rescue stopped by its guardian"),
            RescueEvent::HoldLifted { .. } => (Kind::HoldLifted, "Guardian lifted the hold of the veto"),
            RescueEvent::Lapsed { .. } => (Kind::Lapsed, "Undelivered tranches lapsed"),
            _ => return self.of_pledger(entry, event),
        };
        vec![self.about.plain(entry, kind, title)]
    }

    /// There is something to do about it as long as its terms are those in force and pledges are accepted.
    fn created(&self, entry: &Entry) -> Content {
        let created = self.about.plain(entry, Kind::Created, "Rescue created");
        let view = self.history.rescue.view(self.at);
        let is_amended = view.amendment.is_some_and(|amendment| amendment.in_force(self.at.time));
        let is_as_created = view.is_pledging(self.at.time) && !is_amended;
        if is_as_created { created.until(view.terms.deadline) } else { created }
    }

    /// What concerns one pledger. A decline is told to all, too, since the guardian does it.
    fn of_pledger(&self, entry: &Entry, event: &RescueEvent) -> Vec<Content> {
        let (kind, title, pledger) = match event {
            RescueEvent::Declined { position, .. } => {
                let title = "Pledge declined by the guardian";
                let mut told = vec![self.about.plain(entry, Kind::Declined, title)];
                told.extend(self.of_position(entry, Kind::Declined, title, position.pledger));
                return told;
            }
            RescueEvent::Exited { position, .. } => (Kind::Left, "Pledge withdrawn", position.pledger),
            RescueEvent::Refunded { position, .. } => (Kind::Paid, "Refund paid", position.pledger),
            RescueEvent::Collected { pledger, .. } => (Kind::Paid, "Debt paid", *pledger),
            _ => return Vec::new(),
        };
        self.of_position(entry, kind, title, pledger)
    }

    /// A share of recovered funds that was paid, told in steps of what was drawn.
    fn claimed(&mut self, entry: &Entry, position: PositionId, amount: Wei) -> Vec<Content> {
        let paid = self.of_position(entry, Kind::Paid, "Paid out", position.pledger);
        if paid.is_empty() {
            return paid;
        }
        let views = self.history.rescue.position_views(self.at, position.pledger);
        let is_it = |view: &&PositionView| (view.tier, view.asset) == (position.tier, position.asset);
        let weight = views.iter().find(is_it).map_or(Wei::ZERO, |view| view.weight);
        if self.claimed.add(position, amount, weight) { paid } else { Vec::new() }
    }

    fn of_position(&self, entry: &Entry, kind: Kind, title: &str, pledger: Address) -> Vec<Content> {
        let is_wanted = self.interest.accounts.contains(&pledger);
        is_wanted.then(|| self.about.plain(entry, kind, title).account(pledger)).into_iter().collect()
    }

    fn proposed(&self, entry: &Entry, amendment: Amendment, in_force: Goal) -> Content {
        let content = self.about.plain(entry, Kind::AmendmentProposed, "Amendment proposed");
        let text = sentence(&amendment::pending(in_force, amendment, entry.time));
        content.until(amendment.effective_at).text(text)
    }

    fn settled(&self, entry: &Entry, settled_at: u64) -> Vec<Content> {
        let terms = self.history.rescue.terms();
        let mut told = vec![self.about.plain(entry, Kind::Settled, "Rescue settled")];
        if terms.veto.get() > 0 {
            let (until, veto) = (schedule::first_due(terms, settled_at), percent::percent(terms.veto));
            let text = format!(
                "Until {}, nothing is paid out; objections of {veto} of the draw stop tranches that are not yet due: `levee object`.",
                utc(until)
            );
            let content = self.about.plain(entry, Kind::ObjectionPeriodBegins, "Objection period begins");
            told.push(content.until(until).text(text));
        }
        told.extend(self.interest.accounts.iter().filter_map(|&account| self.drawn(entry, account)));
        told
    }

    /// What settlement drew of an account's positions, which stays as it is from then on; nothing if it has none.
    fn drawn(&self, entry: &Entry, account: Address) -> Option<Content> {
        let views = self.history.rescue.position_views(self.at, account);
        let parts: Vec<_> = views
            .iter()
            .map(|view| {
                let id = PositionId { pledger: account, tier: view.tier, asset: view.asset };
                format!("{} of the {} in tier {}", ether(view.weight), id.asset, id.tier)
            })
            .collect();
        let drawn: Wei = views.iter().map(|view| view.weight).sum();
        let title = if drawn.is_zero() { "Nothing of your pledge is drawn" } else { "Your pledge is drawn" };
        let content = self.about.plain(entry, Kind::Drawn, title).account(account);
        let text = format!("Drawn of {account}, by value at settlement: {}.", parts.join(", "));
        (!parts.is_empty()).then(|| content.text(text))
    }
}
