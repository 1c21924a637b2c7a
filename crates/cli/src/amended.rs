//! Differences between a rescue's terms, in force or pending, and its original terms.

use levee::text::amendment::{self, differences};
use levee_model::{Amendment, Goal, Terms};

use crate::{error::UserError, page::Page, time};

/// Refuses a rescue whose target, deadline or document differs from the original terms, or is about to: a
/// pledge based on these would meet others.
pub(crate) fn require_as_created(page: &Page, created: &Terms) -> Result<(), UserError> {
    let created = Goal::from(created);
    let now = differences(created, Goal::from(&page.view.terms));
    if !now.is_empty() {
        let message =
            format!("the rescue has been amended since the terms file was written: {}", now.join(", "));
        return Err(UserError::new(message).hint("add `--accept-amended` to pledge under the terms in force"));
    }
    let Some(Amendment { goal, effective_at }) = page.pending() else { return Ok(()) };
    let then = differences(created, goal);
    if then.is_empty() {
        return Ok(());
    }
    let at = time::time_from(effective_at, page.now);
    let message = format!("an amendment takes effect at {at}: {}", then.join(", "));
    Err(UserError::new(message).hint(
        "add `--accept-amended` to pledge; until the amendment takes effect, `levee exit` withdraws a pledge",
    ))
}

/// What a pledger should know about amendments.
pub(crate) fn facts(page: &Page, created: &Terms) -> Vec<(&'static str, String)> {
    let in_force = Goal::from(&page.view.terms);
    let amended = differences(Goal::from(created), in_force).join(", ");
    let amended = (!amended.is_empty()).then_some(("amended", amended));
    let pending = page.pending();
    let pending = pending.map(|amendment| ("pending", amendment::pending(in_force, amendment, page.now)));
    amended.into_iter().chain(pending).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{DAY, ether, open};
    use levee_model::Wei;

    /// An open rescue with an amendment to a target of 80 ETH and a deadline three days later, a day before it is in
    /// force.
    fn pending() -> (Page, Terms) {
        let mut page = open();
        let created = page.view.terms.clone();
        let goal = Goal {
            target: Wei::new(ether(80)),
            deadline: created.deadline + 3 * DAY,
            terms_hash: created.terms_hash,
        };
        page.view.amendment = Some(Amendment { goal, effective_at: page.now + DAY });
        (page, created)
    }

    const CHANGES: &str =
        "target 80 ETH instead of 100 ETH, deadline 2026-08-06T00:00:00Z instead of 2026-08-03T00:00:00Z";

    #[test]
    fn a_rescue_as_it_was_created_is_no_surprise() {
        let page = open();
        require_as_created(&page, &page.view.terms).unwrap();
        assert_eq!(facts(&page, &page.view.terms), []);
    }

    #[test]
    fn what_is_about_to_change_is_named() {
        let (page, created) = pending();
        let error = require_as_created(&page, &created).unwrap_err().to_string();
        let at = "2026-08-02T00:00:00Z (in 1 day)";
        assert_eq!(error, format!("an amendment takes effect at {at}: {CHANGES}"));
        let fact = format!("{CHANGES}, effective {at}; until then, `levee exit` withdraws a pledge");
        assert_eq!(facts(&page, &created), [("pending", fact)]);
    }

    #[test]
    fn what_was_changed_is_named() {
        let (mut page, created) = pending();
        page.now += DAY;
        let Goal { target, deadline, .. } = page.view.amendment.unwrap().goal;
        (page.view.terms.target, page.view.terms.deadline) = (target, deadline);
        let error = require_as_created(&page, &created).unwrap_err().to_string();
        assert_eq!(error, format!("the rescue has been amended since the terms file was written: {CHANGES}"));
        assert_eq!(facts(&page, &created), [("amended", CHANGES.to_owned())]);
    }
}
