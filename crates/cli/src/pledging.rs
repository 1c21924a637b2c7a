//! The transactions of a pledge by any route: its approval, the pledge itself, and the plan shown for them.

use alloy::{primitives::Address, providers::DynProvider};
use levee::Call;
use levee_model::{Terms, Tier, Units};

use crate::{
    amended,
    amount::{self, Amount},
    error::UserError,
    page::{self, Page},
    percent,
    plan::{Step, Summary},
    time,
    transaction::Session,
};

/// The step that pledges.
const PLEDGE: &str = "pledge";

/// A pledge to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pledge {
    pub(crate) pledger: Address,
    pub(crate) index: u8,
    pub(crate) tier: Tier,
    /// The amount as entered.
    pub(crate) amount: Amount,
    /// The amount in the unit in which it is booked.
    pub(crate) booked: levee_model::Amount,
    /// What the signer has in that position already.
    pub(crate) already: Option<Units>,
    /// Whether it will be enlisted for the bonus.
    pub(crate) enlists: bool,
}

impl Session {
    /// An approval for `spender` to take `what`, or an error without `--approve`. `amount` is the amount to pledge.
    pub(crate) fn approval(
        &self,
        call: Call<DynProvider>,
        (spender, what): (&str, &str),
        amount: &str,
        may_approve: bool,
    ) -> Result<Step, UserError> {
        if !may_approve {
            let from = self.signer.from;
            return Err(UserError::new(format!(
                "the {spender} is not yet allowed to take {amount} from `{from}`"
            ))
            .hint("add `--approve` to send an approval first"));
        }
        Ok(allowing(spender, what, call.to()).by(call))
    }

    /// The pledge itself, by `call`. `amount` is the amount as entered.
    pub(crate) fn pledge(&self, pledge: &Pledge, amount: &str, call: Call<DynProvider>) -> Step {
        pledge.summary(&self.page, self.escrow.original_terms(), amount).by(call)
    }

    /// Whether an earlier run of the same command has made the pledge.
    pub(crate) fn has_pledged(&self) -> bool {
        self.signer.has_done(PLEDGE)
    }
}

impl Pledge {
    /// What it does to the rescue of a page, which was created with these terms. `amount` is the amount as entered.
    pub(crate) fn summary(&self, page: &Page, created: &Terms, amount: &str) -> Summary {
        let terms = &page.view.terms;
        let mut facts = vec![
            ("exactly", exactly(self.booked)),
            ("tier", tier_text(self)),
            ("pledger", self.pledger.to_string()),
            ("beneficiary", terms.beneficiary.to_string()),
            ("target", amount::eth(terms.target)),
            ("deadline", time::time_from(terms.deadline, page.now)),
        ];
        if let Some(already) = self.already.filter(|already| !already.is_zero()) {
            let already = amount::units(already, self.booked.asset(), page.rate());
            facts.push(("already", format!("{already}, by earlier pledges")));
        }
        facts.extend(amended::facts(page, created));
        facts.extend(self.enlists.then(|| ("bonus", "counts from now on".into())));
        Summary::new(PLEDGE, format!("Pledge {amount} to the rescue {}", page.address), facts)
    }
}

/// What an approval for `spender` to take `what` of a token does.
pub(crate) fn allowing(spender: &str, what: &str, token: Address) -> Summary {
    let headline = format!("Allow the {spender} to take {what} from you");
    Summary::new("approve", headline, vec![("token", token.to_string())])
}

fn tier_text(pledge: &Pledge) -> String {
    let (kind, threshold) = (page::kind(&pledge.tier), percent::percent(pledge.tier.threshold));
    format!("{}: a {kind}, used only if coverage reaches {threshold}", pledge.index)
}

fn exactly(booked: levee_model::Amount) -> String {
    format!("{} {}", booked.units().get(), booked.asset().unit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_unit_is_said_in_full() {
        use levee_model::{Amount::*, Shares};
        assert_eq!(exactly(StEth(Shares::new(7))), "7 stETH shares");
        assert_eq!(exactly(WstEth(Units::new(7))), "7 units of 10^-18 wstETH");
    }
}
