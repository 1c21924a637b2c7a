//! What is so now: thresholds, objections, what was recovered, and what accounts are owed.

use alloy::primitives::Address;
use levee_model::{Asset, Moment, PledgerPosition, PledgerView, RescueView, Threshold, Units, Wei, prorata};

use super::{About, Basis, Content, Fact, Interest, NoticeKind as Kind, hundredths};
use crate::{
    Error, History,
    display::{ether, utc},
    text::{amount, percent},
};

/// How many steps there are to a veto.
const QUARTERS: u128 = 4;

/// What holds at a moment, whether anything of it was told or not. Everything that could be told of is there, as long as it can change.
///
/// # Errors
/// [`Error::NotReconciled`] if what the events of the pools report is not what the rules give.
pub fn standing(history: &History, at: Moment, interest: &Interest) -> Result<Vec<Fact>, Error> {
    let view = history.rescue.view(at);
    let observer = Observer { about: About::of(history), at, view: &view };
    let mut facts = observer.thresholds();
    facts.extend(observer.objections());
    facts.extend(observer.recovered(history.pools.received.values().copied()));
    if !interest.accounts.is_empty() {
        let accounts = history.models()?.pledgers_among(at, interest.accounts.iter().copied());
        facts.extend(accounts.iter().flat_map(|account| observer.owed(account)));
        facts.extend(accounts.iter().filter_map(|account| observer.may_leave(account)));
    }
    Ok(facts)
}

struct Observer<'a> {
    about: About,
    at: Moment,
    view: &'a RescueView,
}

impl Observer<'_> {
    fn content(&self, kind: Kind, title: &str) -> Content {
        self.about.content(kind, self.at.time, title)
    }

    /// Whether each threshold is met, while pledges are accepted and shares can be valued.
    fn thresholds(&self) -> Vec<Fact> {
        if !self.view.is_pledging(self.at.time) {
            return Vec::new();
        }
        self.view.thresholds().into_iter().map(|threshold| self.threshold(threshold)).collect()
    }

    fn threshold(&self, threshold: Threshold) -> Fact {
        let (kind, is) = match threshold.is_met() {
            true => (Kind::ThresholdReached, "is reached"),
            false => (Kind::ThresholdLost, "is not reached any more"),
        };
        let share = percent::percent(threshold.threshold);
        let content = self.content(kind, &format!("Threshold of {share} {is}"));
        let (has, needs) = (ether(threshold.coverage), ether(threshold.required));
        let content = content.until(self.view.terms.deadline);
        let content =
            content.text(format!("The threshold of {share} {is}: it has {has}, and needs {needs}."));
        let key = self.about.key(&["threshold", &threshold.threshold.get().to_string()]);
        Fact { key, basis: Basis::State { step: threshold.is_met().into(), tells_fall: true }, content }
    }

    /// In quarters of what stops the rescue, since anyone with a pledge can object any number of times with little.
    fn objections(&self) -> Option<Fact> {
        let view = self.view;
        if !view.can_be_stopped()
            || view.terms.veto.get() == 0
            || view.objected.is_zero()
            || view.drawn.is_zero()
        {
            return None;
        }
        let veto = prorata::required_up(view.drawn, view.terms.veto);
        let quarters = view.objected.get().saturating_mul(QUARTERS) / veto.get().max(1);
        let (share, needed) =
            (percent::of_down(view.objected, view.drawn), percent::percent(view.terms.veto));
        let content = self.content(Kind::Objections, &format!("Objections of {share} of the draw"));
        let text =
            format!("{} has objected, {share} of the draw; {needed} stops the rest.", ether(view.objected));
        let content = Content { until: view.calendar().map(|(_, last)| last), ..content.text(text) };
        let step = u64::try_from(quarters).unwrap_or(u64::MAX).saturating_add(1);
        Some(Fact { key: self.about.key(&["objections"]), basis: rising(step), content })
    }

    /// In hundredths of the draw, since anyone can deposit little any number of times.
    fn recovered(&self, received: impl Iterator<Item = Wei>) -> Option<Fact> {
        let received: Wei = received.fold(Wei::ZERO, |sum, part| sum.checked_add(part).unwrap_or(sum));
        if received.is_zero() || self.view.drawn.is_zero() {
            return None;
        }
        let content = self.content(Kind::Recovered, "Funds were recovered");
        let share = percent::of_down(received, self.view.drawn);
        let content = content.text(format!(
            "In all, {} was recovered, {share} of the draw, and shared out: `levee claim` pays a pledger its part.",
            ether(received)
        ));
        let step = hundredths(received, self.view.drawn).saturating_add(1);
        Some(Fact { key: self.about.key(&["recovered"]), basis: rising(step), content })
    }

    /// What an account can be paid.
    fn owed(&self, account: &PledgerView) -> Vec<Fact> {
        let debts = Asset::ALL.into_iter().map(|asset| {
            let owed = amount::units(account.owed[asset], asset, self.view.rate.known());
            let text = format!("{owed} is owed to {}: `levee collect {asset}` pays it.", account.pledger);
            let due = !account.owed[asset].is_zero();
            self.due(account.pledger, Kind::Collectable, &asset.to_string(), due, text)
        });
        let positions = account.positions.iter().flat_map(|position| self.due_of(account.pledger, position));
        debts.chain(positions).collect()
    }

    fn due_of(&self, pledger: Address, position: &PledgerPosition) -> [Fact; 3] {
        let view = &position.view;
        let place = format!("{} {}", view.tier, view.asset);
        let of = format!("for the {} of {pledger} in tier {}", view.asset, view.tier);
        let refund = amount::units(view.refundable, view.asset, self.view.rate.known());
        let due = |kind, is_due, text| self.due(pledger, kind, &place, is_due, text);
        [
            due(
                Kind::Refundable,
                view.refundable != Units::ZERO,
                format!("{refund} can be returned {of}: `levee refund` pays it."),
            ),
            due(
                Kind::Claimable,
                !position.recovered_due.is_zero(),
                format!(
                    "{} of recovered funds can be claimed {of}: `levee claim` pays it.",
                    ether(position.recovered_due)
                ),
            ),
            due(
                Kind::BonusClaimable,
                !position.bonus_due.is_zero(),
                format!(
                    "{} of the bonus can be claimed {of}: `levee bonus claim` pays it.",
                    ether(position.bonus_due)
                ),
            ),
        ]
    }

    fn due(&self, account: Address, kind: Kind, place: &str, is_due: bool, text: String) -> Fact {
        let title = match kind {
            Kind::Collectable => "You are owed what could not be paid",
            Kind::Claimable => "You have a share of recovered funds",
            Kind::BonusClaimable => "You have a share of the bonus",
            _ => "You can be paid a refund",
        };
        let content = self.content(kind, title).account(account).text(text);
        let key = self.about.key(&["due", kind.name(), &account.to_string(), place]);
        Fact { key, basis: rising(is_due.into()), content }
    }

    /// Each exit window has its own step, since each is later than those before it.
    fn may_leave(&self, account: &PledgerView) -> Option<Fact> {
        let until = self.view.pending_amendment(self.at.time)?.effective_at;
        let rate = self.view.rate.known();
        let positions = account.positions.iter().map(|position| {
            let view = &position.view;
            format!("{} in tier {}", amount::units(view.amount, view.asset, rate), view.tier)
        });
        let positions: Vec<_> = positions.collect();
        if positions.is_empty() {
            return None;
        }
        let text = format!(
            "Until {}, {} can be withdrawn by {}: `levee exit`.",
            utc(until),
            positions.join(", "),
            account.pledger
        );
        let content = self.content(Kind::MayLeave, "You can leave").account(account.pledger);
        let key = self.about.key(&["leave", &account.pledger.to_string()]);
        Some(Fact { key, basis: rising(until), content: content.until(until).text(text) })
    }
}

const fn rising(step: u64) -> Basis {
    Basis::State { step, tells_fall: false }
}
