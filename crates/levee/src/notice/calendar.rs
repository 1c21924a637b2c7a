//! The dates of a rescue, and the reminders of them.

use levee_model::{Amendment, Asset, Goal, Moment, PerAsset, RescueView, Status, Timestamp};
use strum::IntoStaticStr;

use super::{About, Basis, Fact, Interest, NoticeKind as Kind, sentence};
use crate::{
    Event, History, RescueEvent,
    display::utc,
    text::{amendment, amount, time},
};

/// What happens at a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum DateKind {
    /// The exit window of an amendment closes: from this second on it is in force.
    ExitWindow,
    /// The last second at which a pledge is accepted.
    Deadline,
    /// The objection period ends: from this second on something is due.
    ObjectionPeriod,
    /// A tranche falls due.
    Tranche,
    /// A tranche that a veto stopped goes back.
    Return,
    /// The last second at which what is due cannot lapse.
    ReleaseWindow,
}

impl DateKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether its second is the last one before something changes, and not the first one after.
    const fn is_last_second(self) -> bool {
        matches!(self, Self::Deadline | Self::ReleaseWindow)
    }

    /// What is told some time before it; nothing if there is nothing to do before.
    const fn before(self) -> Option<(Kind, &'static str)> {
        match self {
            Self::ExitWindow => Some((Kind::ExitWindowCloses, "Exit window closes")),
            Self::Deadline => Some((Kind::DeadlineNear, "Deadline is near")),
            Self::ObjectionPeriod => Some((Kind::ObjectionPeriodEnds, "Objection period ends")),
            Self::ReleaseWindow => Some((Kind::ReleaseWindowCloses, "Release window closes")),
            Self::Tranche | Self::Return => None,
        }
    }
}

/// A date of a rescue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Date {
    /// What happens then.
    pub kind: DateKind,
    /// Tells it from the others of its kind, whatever its time is: the number of the amendment or of the tranche, or 0.
    pub number: usize,
    /// The second.
    pub at: Timestamp,
    /// Since when it is known.
    pub since: Timestamp,
    /// In a few words.
    pub title: String,
    /// As a sentence.
    pub text: String,
}

/// The dates of a rescue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The chain ID.
    pub chain: u64,
    /// Its address.
    pub rescue: alloy::primitives::Address,
    /// How often something happened, or came into force, that can move dates.
    pub revision: u32,
    /// When it last did.
    pub revised_at: Timestamp,
    /// The dates, past ones too, each kind in order.
    pub dates: Vec<Date>,
}

impl Date {
    /// Whether it is there at `now`.
    pub const fn is_over(&self, now: Timestamp) -> bool {
        if self.kind.is_last_second() { now > self.at } else { now >= self.at }
    }

    /// What is told when it is there; nothing if another date says it.
    fn after(&self) -> Option<(Kind, &str)> {
        match self.kind {
            DateKind::ExitWindow => Some((Kind::AmendmentInForce, "Amendment in force")),
            DateKind::Deadline => Some((Kind::DeadlinePassed, "Deadline has passed")),
            DateKind::Tranche => Some((Kind::TrancheDue, &self.title)),
            DateKind::Return => Some((Kind::TrancheReturns, &self.title)),
            DateKind::ReleaseWindow => Some((Kind::ReleaseWindowClosed, "Release window has closed")),
            DateKind::ObjectionPeriod => None,
        }
    }
}

/// The dates of a rescue, as they follow from what happened and the clock.
pub fn calendar(history: &History, at: Moment) -> Calendar {
    let moves = |event: &Event| {
        matches!(
            event,
            Event::Rescue(
                RescueEvent::Created { .. }
                    | RescueEvent::AmendmentProposed { .. }
                    | RescueEvent::Settled { .. }
                    | RescueEvent::Failed { .. }
                    | RescueEvent::Cancelled { .. }
                    | RescueEvent::HoldLifted { .. }
                    | RescueEvent::Released { .. }
                    | RescueEvent::Lapsed { .. }
            )
        )
    };
    let planner = Planner { history, view: history.rescue.view(at), now: at.time };
    let exit_windows = planner.exit_windows();
    let events = history.entries.iter().filter(|entry| moves(&entry.event)).map(|entry| entry.time);
    // An amendment moves the deadline when it comes into force, and no event says so.
    let amended = exit_windows.iter().filter(|date| date.is_over(at.time)).map(|date| date.at);
    let revisions: Vec<Timestamp> = events.chain(amended).collect();
    let dates = exit_windows.into_iter().chain(planner.deadline());
    let dates = dates.chain(planner.objection_period()).chain(planner.tranches());
    Calendar {
        chain: history.chain,
        rescue: history.address,
        // The creation is the first, and changes nothing.
        revision: u32::try_from(revisions.len().saturating_sub(1)).unwrap_or(u32::MAX),
        revised_at: revisions.into_iter().max().unwrap_or_default(),
        dates: dates.chain(planner.release_window()).collect(),
    }
}

struct Planner<'a> {
    history: &'a History,
    view: RescueView,
    now: Timestamp,
}

impl Planner<'_> {
    /// What the guardian proposed, and when.
    fn amendments(&self) -> impl Iterator<Item = (Amendment, Timestamp)> {
        self.history.entries.iter().filter_map(|entry| match &entry.event {
            Event::Rescue(RescueEvent::AmendmentProposed { amendment }) => Some((*amendment, entry.time)),
            _ => None,
        })
    }

    fn exit_windows(&self) -> Vec<Date> {
        let mut in_force = Goal::from(self.history.rescue.terms());
        let mut windows = Vec::new();
        for (amendment, since) in self.amendments() {
            let text = sentence(&amendment::dated(in_force, amendment));
            let (number, at) = (windows.len() + 1, amendment.effective_at);
            let (kind, title) = (DateKind::ExitWindow, "Exit window closes".into());
            windows.push((amendment, Date { kind, number, at, since, title, text }));
            // Nothing is proposed while an amendment is pending, so the next one finds this one in force.
            in_force = amendment.goal;
        }
        // One that was pending when the rescue ended never comes into force.
        if windows.last().is_some_and(|(last, _)| self.view.amendment != Some(*last)) {
            windows.pop();
        }
        windows.into_iter().map(|(_, date)| date).collect()
    }

    /// While no call has settled the rescue.
    fn deadline(&self) -> Option<Date> {
        if self.history.rescue.stored_status() != Status::Open {
            return None;
        }
        let (at, since) = (self.view.terms.deadline, self.deadline_since());
        let text =
            format!("Pledges are accepted until {}; after that, anyone can settle: `levee settle`.", utc(at));
        let (kind, title) = (DateKind::Deadline, "Deadline for pledges".into());
        Some(Date { kind, number: 0, at, since, title, text })
    }

    /// Since when the deadline in force is known.
    fn deadline_since(&self) -> Timestamp {
        let created = self.history.entries.first().map_or(0, |entry| entry.time);
        let mut known = (self.history.rescue.terms().deadline, created);
        for (amendment, proposed_at) in self.amendments().filter(|(one, _)| one.in_force(self.now)) {
            if amendment.goal.deadline != known.0 {
                known = (amendment.goal.deadline, proposed_at);
            }
        }
        known.1
    }

    fn objection_period(&self) -> Option<Date> {
        if self.view.status != Status::Settled {
            return None;
        }
        let (at, since) = (self.view.due_at(1)?, self.view.settled_at?);
        let text = format!(
            "From {} on, the first tranche belongs to the beneficiary: {}. What is due cannot be stopped any more.",
            utc(at),
            self.amounts(1)
        );
        let (kind, title) = (DateKind::ObjectionPeriod, "Objection period ends".into());
        Some(Date { kind, number: 0, at, since, title, text })
    }

    fn tranches(&self) -> Vec<Date> {
        let Some(since) = self.view.settled_at else { return Vec::new() };
        let kept = Asset::ALL.map(|asset| self.view.kept[asset]).into_iter().max().unwrap_or_default();
        let count = self.view.terms.tranches;
        let date = |tranche| {
            let at = self.view.due_at(tranche)?;
            let name = format!("Tranche {tranche} of {count}");
            let what = format!("{name}, {}", self.amounts(tranche));
            let (kind, title, text) = if tranche <= kept {
                let text = format!("{what}, is due to the beneficiary: `levee release` delivers it.");
                (DateKind::Tranche, format!("{name} is due"), text)
            } else if self.view.returns_by_calendar {
                let text =
                    format!("{what}, was stopped by objections and goes back: `levee refund` returns it.");
                (DateKind::Return, format!("{name} goes back"), text)
            } else {
                return None;
            };
            Some(Date { kind, number: tranche.into(), at, since, title, text })
        };
        (1..=count).filter_map(date).collect()
    }

    fn release_window(&self) -> Option<Date> {
        let at = self.view.collectable_until()?;
        let since = self.view.cancelled_at.or(self.view.settled_at)?;
        let text = format!(
            "What is due and not delivered by {} can be sent back by anyone: `levee release` delivers it.",
            utc(at)
        );
        let (kind, title) = (DateKind::ReleaseWindow, "Release window closes".into());
        Some(Date { kind, number: 0, at, since, title, text })
    }

    /// What a tranche is, in each asset.
    fn amounts(&self, tranche: u8) -> String {
        let [from, to] = [tranche.saturating_sub(1), tranche].map(|count| PerAsset::from_fn(|_| count));
        amount::tranches(&self.view, from, to)
    }
}

/// The reminders that hold at `now`: for each date, that of the shortest lead that has begun, or that the date is there. A lead that was
/// over when the date became known is no reminder of it.
pub fn reminders(calendar: &Calendar, now: Timestamp, interest: &Interest) -> Vec<Fact> {
    let about = About { chain: calendar.chain, rescue: calendar.rescue };
    let reminder = |date: &Date| {
        if date.is_over(now) { over(about, date) } else { near(about, date, now, interest) }
    };
    calendar.dates.iter().filter_map(reminder).collect()
}

fn over(about: About, date: &Date) -> Option<Fact> {
    let (kind, title) = date.after()?;
    Some(fact(about, date, "over", about.content(kind, date.at, title).text(date.text.clone())))
}

fn near(about: About, date: &Date, now: Timestamp, interest: &Interest) -> Option<Fact> {
    let (kind, title) = date.kind.before()?;
    let begins = |lead: &u32| date.at.saturating_sub((*lead).into());
    let lead = interest.leads.iter().find(|lead| begins(lead) <= now && begins(lead) > date.since)?;
    let title = format!("{title} in {}", time::duration((*lead).into()));
    let content = about.content(kind, begins(lead), &title).until(date.at).text(date.text.clone());
    Some(fact(about, date, &lead.to_string(), content))
}

fn fact(about: About, date: &Date, lead: &str, content: super::Content) -> Fact {
    let (number, at) = (date.number.to_string(), date.at.to_string());
    let key = about.key(&["date", date.kind.name(), &number, &at, lead]);
    Fact { key, basis: Basis::Date, content }
}
