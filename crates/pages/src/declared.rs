//! What was said, against what is locked.

use levee::board::{Compared, standing};
use levee_model::Wei;
use maud::{Markup, html};

use crate::{
    RescuePage,
    html::{counted, eth_or_unknown, foreign_link, table, time},
};

/// How many declarations are listed: anyone can make any number.
const LISTED: usize = 15;

impl RescuePage<'_> {
    /// What stands on the board, with what the same account has locked in that tier; what is missing most, first.
    pub(crate) fn compared(&self) -> Vec<Compared> {
        let standing = standing(self.declarations.unwrap_or_default(), self.now());
        let compare = |declared: levee::Declared| {
            let positions = self.history.rescue.position_views(self.moment(), declared.contributor);
            Compared::of(declared, &positions, self.view.rate.known())
        };
        let mut compared: Vec<_> = standing.into_iter().map(compare).collect();
        compared.sort_by_key(|one| std::cmp::Reverse(one.missing()));
        compared
    }

    pub(crate) fn said(&self) -> Markup {
        let compared = self.compared();
        if compared.is_empty() {
            return html! {};
        }
        let rows: Vec<_> = compared.iter().take(LISTED).map(|one| self.declaration(one)).collect();
        let header = ["Contributor", "Tier", "Stage", "Said", "Locked", "Not locked", "Valid until", "Link"];
        html! {
            section #said {
                h2 { "Said against locked" }
                p.note { "Anyone can declare anything, and link to anything. Rely only on contributors that you know." }
                (table("Declarations that stand, and what their contributors have locked", header, &rows))
                @if compared.len() > LISTED { p { (counted(compared.len() - LISTED, "further declaration")) " not listed." } }
            }
        }
    }

    fn declaration(&self, one: &Compared) -> [Markup; 8] {
        let declaration = &one.declared.declaration;
        let open = one.missing().is_none_or(|missing| missing > Wei::ZERO);
        [
            self.account(one.declared.contributor),
            html! { (declaration.tier) },
            html! { (declaration.stage.to_string()) },
            eth_or_unknown(declaration.amount),
            eth_or_unknown(one.locked),
            if open {
                eth_or_unknown(one.missing())
            } else {
                html! { "kept" }
            },
            time(declaration.expiry),
            foreign_link(&declaration.link),
        ]
    }
}
