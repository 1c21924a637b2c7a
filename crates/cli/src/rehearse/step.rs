//! The steps of a scenario: what can be done.

use levee::Stage;
use levee_model::{Asset, Operation, Route, Timestamp, Wei};

use super::{cast, compact::Deed, lido::LidoChange, when::When};
use crate::amount::Amount;

/// One step of a scenario.
#[derive(Debug)]
pub(crate) struct Step {
    /// When; none if it follows directly on the step before.
    pub(crate) when: Option<When>,
    /// Its name in the file.
    pub(crate) kind: &'static str,
    pub(crate) action: Action,
    /// The error with which it must fail; none if it must succeed.
    pub(crate) fails: Option<String>,
    pub(crate) note: Option<String>,
    /// Where it is in the file.
    pub(crate) place: String,
}

/// What a step does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Pledge {
        who: String,
        tier: u8,
        amount: Amount,
        route: Route,
        knows: Knows,
    },
    /// One call, as it stands in the scenario.
    Call {
        by: String,
        operation: Operation,
    },
    /// Of each asset of which something is due.
    ReleaseAll,
    Refund(Positions),
    Exit(Positions),
    Object(Positions),
    Decline {
        by: String,
        positions: Positions,
    },
    Collect(Collect),
    /// Without a deadline, the one in force stays.
    Amend {
        by: String,
        target: Wei,
        deadline: Option<Timestamp>,
    },
    /// A deposit into the recovery pool. Without `by`, the money comes from outside the scenario.
    Recover {
        by: Option<String>,
        amount: Wei,
    },
    /// Of what was recovered.
    Claim(Positions),
    Enlist(Positions),
    ClaimBonus(Positions),
    /// For everyone who has something in the bonus pool.
    TakeBackAll,
    Declare(Declare),
    /// Of the compact.
    Compact(Deed),
    Lido(LidoChange),
    /// `who` refuses ETH from now on, like a contract that cannot receive it.
    Refuse {
        who: String,
    },
    /// Only time passes.
    Wait,
}

/// The positions of a step: all that match.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Positions {
    pub(crate) who: Option<String>,
    pub(crate) tier: Option<u8>,
    pub(crate) asset: Option<Asset>,
}

/// What exits and declines could not pay `who`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Collect {
    pub(crate) who: String,
    /// None for each asset that is owed.
    pub(crate) asset: Option<Asset>,
    /// None for `who`, for whom anyone calls.
    pub(crate) to: Option<String>,
}

/// The amendment that the sender of a pledge knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knows {
    /// The one proposed last.
    Latest,
    /// None: the pledge was decided before there was one.
    Nothing,
}

/// A declaration by `who` of an intended pledge.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declare {
    pub(crate) who: String,
    /// Who submits the signed declaration; none if `who` makes it itself.
    pub(crate) by: Option<String>,
    pub(crate) stage: Stage,
    pub(crate) tier: u8,
    /// None if unknown.
    pub(crate) amount: Option<Wei>,
    /// None for the deadline in force.
    pub(crate) expiry: Option<When>,
    pub(crate) link: String,
}

/// A sponsor takes back its own contribution: in an exit window nobody else may.
pub(crate) fn take_back(name: &str) -> Operation {
    Operation::TakeBack { sponsor: cast::address(name) }
}
