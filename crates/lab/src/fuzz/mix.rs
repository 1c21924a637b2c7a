//! Which calls were played, and how often they went through.

use std::{collections::BTreeMap, fmt};

use crate::walk::{Op, Outcome, Route, Via};

/// Calls by name: how many went through, how many were refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mix(BTreeMap<String, Count>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    accepted: u64,
    refused: u64,
}

impl Mix {
    /// Counts a step.
    pub fn add(&mut self, op: &Op, outcome: &Outcome) {
        self.count(name(op), outcome.is_ok());
    }

    /// Counts a call by its name.
    pub(crate) fn count(&mut self, name: String, is_accepted: bool) {
        let count = self.0.entry(name).or_default();
        if is_accepted {
            count.accepted += 1;
        } else {
            count.refused += 1;
        }
    }

    /// Counts what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            let sum = self.0.entry(name.clone()).or_default();
            sum.accepted += count.accepted;
            sum.refused += count.refused;
        }
    }

    /// All steps.
    pub fn steps(&self) -> u64 {
        self.0.values().map(|count| count.accepted + count.refused).sum()
    }

    /// Each name, and how many percent of its calls went through and were refused, rounded down.
    pub fn percents(&self) -> impl Iterator<Item = (&str, [u64; 2])> {
        let percents = |&Count { accepted, refused }: &Count| {
            [accepted, refused].map(|part| 100 * part / (accepted + refused).max(1))
        };
        self.0.iter().map(move |(name, count)| (name.as_str(), percents(count)))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<22} {:>10} {:>10} {:>4}", "call", "accepted", "refused", "%")?;
        for ((name, count), (_, [percent, _])) in self.0.iter().zip(self.percents()) {
            writeln!(f, "{name:<22} {:>10} {:>10} {percent:>4}", count.accepted, count.refused)?;
        }
        Ok(())
    }
}

/// The name of a pledge through the router.
fn router_name(Via { route, enlist }: Via) -> String {
    let route = match route {
        Route::Plain => "plain",
        Route::Wrapped => "WETH",
        // One that allows nothing is the other side of this.
        Route::Permit | Route::FalsePermit => "permit",
        Route::UsedPermit => "used permit",
    };
    format!("router {route}{}", if enlist { ", enlist" } else { "" })
}

/// The name of a call as the contract has it, or of a change of the world.
fn name(op: &Op) -> String {
    if let Some(via) = op.via() {
        return router_name(via);
    }
    if matches!(op, Op::Pledge { names: Some(_), .. }) {
        return "pledge, named".to_owned();
    }
    let other = if op.payer().is_some() {
        " for other"
    } else if op.recipient().is_some() {
        " to other"
    } else {
        ""
    };
    let name = match op {
        Op::Rebase { .. } => "(rebase)",
        Op::Break { .. } => "(break)",
        Op::Pledge { .. } => "pledge",
        Op::Settle => "settle",
        Op::Release { .. } => "release",
        Op::Refund { .. } => "refund",
        Op::Exit { .. } => "exit",
        Op::Decline { .. } => "decline",
        Op::Amend { .. } => "amend",
        Op::Cancel { .. } => "cancel",
        Op::Object { .. } => "object",
        Op::Lapse => "lapse",
        Op::Expire => "expire",
        Op::Recover { .. } => "recover",
        Op::Claim { .. } => "claim",
        Op::Collect { .. } => "collect",
        Op::Add { .. } => "bonus add",
        Op::Enlist { .. } => "enlist",
        Op::Bonus { .. } => "bonus claim",
        Op::TakeBack { own: true, to: None, .. } => "take back, own",
        Op::TakeBack { .. } => "take back",
    };
    let asset = match op {
        Op::Pledge { asset, .. } if other.is_empty() => format!(" {asset}"),
        _ => String::new(),
    };
    format!("{name}{asset}{other}")
}
