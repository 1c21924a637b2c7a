//! What was recovered and who is still owed what, and the bonus for pledges that are not used.

use levee::text::percent::percent;
use levee_model::{BonusOwner, RecoveryGroup};
use maud::{Markup, html};

use crate::{
    RescuePage,
    html::{eth, table},
};

impl RescuePage<'_> {
    pub(crate) fn recovery(&self) -> Markup {
        let recovery = self.basis.models.recovery.view(&self.basis.models.rescue, self.now());
        if recovery.accrued_at.is_none() {
            return html! {};
        }
        let groups: Vec<_> = recovery.groups.iter().filter(|group| group.takes_part()).collect();
        let rows: Vec<_> =
            groups.iter().map(|group| repaid(group, group.order == groups[groups.len() - 1].order)).collect();
        let header =
            ["Draw order", "Interest a year", "Received", "Principal still owed", "Interest still owed"];
        html! {
            section #recovery {
                h2 { "Recovered, and who is owed what" }
                p { (eth(recovery.received())) " was recovered. The last that were drawn are repaid first, loans with interest." }
                (table("Repayment by draw order, first in line first", header, &rows))
            }
        }
    }

    pub(crate) fn bonus(&self) -> Markup {
        let bonus = self.history.pools.bonus;
        if bonus.total.is_zero() {
            return html! {};
        }
        html! {
            section #bonus {
                h2 { "Bonus" }
                p {
                    (eth(bonus.total)) " is for pledges whose condition is not met. "
                    @match bonus.owner(&self.view) {
                        BonusOwner::Open => "Whose it is follows from how the rescue ends.",
                        BonusOwner::Sponsors => "It goes back to the sponsors.",
                        BonusOwner::Shared(None) => "Pledgers whose condition was not met get a part, yet to be decided.",
                        BonusOwner::Shared(Some(part)) => { "Pledgers get " (eth(part)) ", the sponsors the rest." }
                    }
                }
            }
        }
    }
}

/// The last in line takes whatever is left, so nothing is owed to it.
fn repaid(group: &RecoveryGroup, is_last: bool) -> [Markup; 5] {
    let owed = |amount| {
        if is_last {
            html! { "takes what is left" }
        } else {
            eth(amount)
        }
    };
    [
        html! { (group.order) },
        html! { (percent(group.rate)) },
        eth(group.received),
        owed(group.principal),
        owed(group.interest),
    ]
}
