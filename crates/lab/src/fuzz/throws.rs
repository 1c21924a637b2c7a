//! A throw of dice for each step. What a throw means is read in the light of the state: see [`super::resolve`].

use proptest::{
    collection::vec,
    option,
    prelude::*,
    strategy::{BoxedStrategy, Strategy},
};

/// Numbers for one step. Smaller numbers mean simpler steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Throw {
    /// How the clock moves.
    pub(super) wait: u8,
    /// Where to.
    pub(super) when: u8,
    /// Which call.
    pub(super) call: u8,
    /// Whether its position is one for which the call has a use.
    pub(super) aim: u8,
    /// Whose.
    pub(super) who: u8,
    /// Who pays or is paid instead.
    pub(super) other: u8,
    /// In which tier.
    pub(super) tier: u8,
    /// Of which asset.
    pub(super) asset: u8,
    /// What kind of amount.
    pub(super) kind: u8,
    /// How much of it.
    pub(super) size: u64,
    /// Whether a pledge goes through the router, and how.
    pub(super) route: u8,
    /// Which amendment it names.
    pub(super) names: u8,
}

/// So many throws; each shrinks to no step at all first.
pub(super) fn throws(count: usize) -> BoxedStrategy<Vec<Option<Throw>>> {
    vec(option::weighted(0.999, throw()), count).boxed()
}

fn throw() -> impl Strategy<Value = Throw> {
    (any::<[u8; 11]>(), any::<u64>()).prop_map(
        |([wait, when, call, aim, who, other, tier, asset, kind, route, names], size)| Throw {
            wait,
            when,
            call,
            aim,
            who,
            other,
            tier,
            asset,
            kind,
            size,
            route,
            names,
        },
    )
}
