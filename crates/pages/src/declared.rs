//! What was said, against what is locked.

use levee::{
    Declared, History, Stage,
    board::{Compared, standing},
};
use levee_model::Wei;
use maud::{Markup, html};

use crate::{
    RescuePage,
    html::{counted, eth_or_unknown, foreign_link, table, time},
};

/// How many declarations are listed: anyone can make any number.
const LISTED: usize = 15;

/// What stands on the board for a rescue, beside what its contributors have locked: as much as a page tells, however much there is.
#[derive(Debug, Clone)]
pub struct Said {
    /// Those of which most is not locked.
    listed: Vec<Compared>,
    count: usize,
    /// What is not locked, where that is known, by the stages that say something.
    missing: [(Stage, Wei); 3],
}

impl Said {
    /// What stands of these declarations at the block of a history.
    pub fn of(history: &History, declared: &[Declared]) -> Self {
        let rate = history.rescue.view(history.moment()).rate.known();
        let standing = standing(declared, history.block.time).into_iter();
        standing.map(|declared| Compared::in_history(declared, history, rate)).collect()
    }

    /// What is said in each stage and not locked, the furthest first.
    pub(crate) fn missing(&self) -> impl Iterator<Item = (Stage, Wei)> {
        self.missing.into_iter().filter(|(_, missing)| !missing.is_zero())
    }

    fn add(&mut self, one: Compared) {
        self.count += 1;
        let stage = one.declared.declaration.stage;
        let sums = self.missing.iter_mut().filter(|(of, _)| *of == stage);
        sums.for_each(|(_, sum)| *sum += one.missing().unwrap_or_default());
        let place = self.listed.partition_point(|other| other.missing() >= one.missing());
        if place < LISTED {
            self.listed.insert(place, one);
            self.listed.truncate(LISTED);
        }
    }
}

impl FromIterator<Compared> for Said {
    fn from_iter<I: IntoIterator<Item = Compared>>(all: I) -> Self {
        let missing = [Stage::Approved, Stage::Proposed, Stage::Expressed].map(|stage| (stage, Wei::ZERO));
        let mut said = Self { listed: Vec::new(), count: 0, missing };
        all.into_iter().for_each(|one| said.add(one));
        said
    }
}

impl RescuePage<'_> {
    pub(crate) fn said(&self) -> Markup {
        let Some(said) = self.said.as_ref().filter(|said| said.count > 0) else { return html! {} };
        let rows: Vec<_> = said.listed.iter().map(|one| self.declaration(one)).collect();
        let header = ["Contributor", "Tier", "Stage", "Said", "Locked", "Not locked", "Valid until", "Link"];
        html! {
            section #said {
                h2 { "Said against locked" }
                p.note { "Anyone can declare anything, and link to anything. Rely only on contributors that you know." }
                (table("Declarations that stand, and what their contributors have locked", header, &rows))
                @if said.count > LISTED { p { (counted(said.count - LISTED, "further declaration")) " not listed." } }
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
