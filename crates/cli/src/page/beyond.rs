//! How much of a recovery exceeds what was drawn plus interest, and who gets it.

use std::collections::BTreeMap;

use levee::{PotView, RecoveryView};
use levee_model::{Bps, Wei, books::value_down, prorata};

use super::Page;
use crate::amount;

/// The active tiers of one draw order.
#[derive(Debug)]
struct Group {
    order: u8,
    rate: Bps,
    tiers: Vec<u8>,
}

impl Page {
    /// A warning about a deposit that exceeds everything to be repaid: the lowest draw order that paid
    /// takes the excess, even beyond what it gave. `repaid` is what the recovery pool has already
    /// distributed, if there is one.
    pub(crate) fn beyond_the_draw(&self, repaid: Option<&RecoveryView>, deposit: Wei) -> Option<String> {
        let groups = self.groups_that_paid();
        let last = groups.first()?;
        let owed: Wei =
            groups.iter().map(|group| self.owed_to(group, group.order == last.order, repaid)).sum();
        let beyond = deposit.checked_sub(owed).filter(|beyond| !beyond.is_zero())?;
        let value = value_down(self.pots_of(last).map(|pot| pot.total.of(pot.asset)), self.rate());
        let [beyond, owed, value] = [beyond, owed, value].map(amount::eth);
        let tiers = last.tiers.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        Some(format!(
            "{beyond} of the deposit exceeds the {owed} still owed on the draw plus interest: it goes to \
             draw order {}, where the pledges into tiers {tiers}, worth {value} in total, share it, however \
             little they gave",
            last.order
        ))
    }

    /// In ascending draw order, the groups of which something was delivered.
    fn groups_that_paid(&self) -> Vec<Group> {
        let mut groups: BTreeMap<u8, Group> = BTreeMap::new();
        for (index, tier) in (0u8..).zip(&self.view.terms.tiers) {
            if tier.threshold <= self.view.threshold_met {
                let (order, rate) = (tier.draw_order, tier.rate);
                let group = groups.entry(order).or_insert_with(|| Group { order, rate, tiers: Vec::new() });
                group.tiers.push(index);
            }
        }
        groups.into_values().filter(|group| !self.paid_by(group).is_zero()).collect()
    }

    fn pots_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a PotView> {
        self.view.pots.iter().filter(|pot| group.tiers.contains(&pot.tier))
    }

    fn paid_by(&self, group: &Group) -> Wei {
        value_down(self.pots_of(group).map(|pot| pot.delivered.of(pot.asset)), self.rate())
    }

    /// The amount that a group gave, plus interest, less repayments. The pool keeps no debt for the last group, which
    /// takes the remainder: its interest is computed here on everything it gave, which errs on the high side.
    fn owed_to(&self, group: &Group, is_last: bool, repaid: Option<&RecoveryView>) -> Wei {
        let seconds = self.view.final_at.map_or(0, |at| self.now.saturating_sub(at));
        let paid = self.paid_by(group);
        let whole = paid + prorata::interest_down(paid, group.rate, seconds);
        let begun = repaid.filter(|repaid| repaid.accrued_at.is_some());
        let found = begun.and_then(|repaid| repaid.groups.iter().find(|found| found.order == group.order));
        match found {
            Some(found) if is_last => whole.checked_sub(found.received).unwrap_or(Wei::ZERO),
            Some(found) => found.principal + found.interest,
            None => whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{ether, settled};
    use levee_model::{RecoveryGroup, Units};

    /// All delivered: 40 ETH and 24 shares worth 30 ETH of draw order 0, and 30 ETH as a loan at 3.8 %, a year ago.
    fn released() -> Page {
        let mut page = settled();
        for pot in &mut page.view.pots {
            pot.delivered = pot.drawn;
        }
        page.view.final_at = Some(page.now - 365 * 86_400);
        page
    }

    fn wei(amount: u128) -> Wei {
        Wei::new(ether(amount))
    }

    #[test]
    fn a_deposit_of_more_than_was_drawn_with_its_interest_is_warned_of() {
        let page = released();
        // 70 + 30 * 1.038
        let owed = Wei::new(ether(101) + ether(14) / 100);
        assert_eq!(page.beyond_the_draw(None, owed), None);
        let warning = "1 ETH of the deposit exceeds the 101.14 ETH still owed on the draw plus interest: it goes to draw order 0, where the pledges into tiers 0, 2, worth 70 ETH in total, share it, however little they gave";
        assert_eq!(page.beyond_the_draw(None, owed + wei(1)).unwrap(), warning);
    }

    #[test]
    fn what_was_repaid_is_not_owed_again() {
        let page = released();
        let group = |order, principal, received| RecoveryGroup {
            order,
            rate: Bps::ZERO,
            value: wei(70),
            principal: wei(principal),
            interest: Wei::ZERO,
            received: wei(received),
        };
        let groups = vec![group(1, 10, 21), group(0, 0, 0)];
        let repaid = RecoveryView { accrued_at: Some(1), rate: None, groups };
        assert_eq!(page.beyond_the_draw(Some(&repaid), wei(80)), None);
        assert!(page.beyond_the_draw(Some(&repaid), Wei::new(ether(80) + 1)).is_some());
        let groups = vec![group(1, 0, 31), group(0, 0, 75)];
        let repaid = RecoveryView { accrued_at: Some(1), rate: None, groups };
        assert!(page.beyond_the_draw(Some(&repaid), Wei::new(1)).unwrap().contains("exceeds the 0 ETH"));
    }

    #[test]
    fn a_wei_alone_in_the_lowest_order_takes_all_above_the_loans() {
        let mut page = released();
        page.view.pots.remove(2);
        let pot = &mut page.view.pots[0];
        (pot.total, pot.drawn, pot.delivered) = (Units::new(1), Units::new(1), Units::new(1));
        let warning = page.beyond_the_draw(None, wei(500)).unwrap();
        assert!(warning.contains("tiers 0, 2, worth 0.000000000000000001 ETH in total"), "{warning}");
    }
}
