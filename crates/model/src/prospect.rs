//! What would come of a rescue, as it is or with changes that are only supposed?

use alloy_primitives::Address;
use serde::Serialize;

use crate::{
    amendment::Goal,
    asset::Asset,
    books::PositionId,
    lido::{Lido, Moment},
    refusal::Refusal,
    rescue::Rescue,
    schedule::Timestamp,
    status::Status,
    terms::{self, TermsError},
    units::{Rate, Units, Wei},
    view::{PotView, RescueView, Statement},
};

/// A change of an open rescue that nobody makes, to see what would come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "change", rename_all_fields = "camelCase")]
pub enum Change {
    /// A pledger has pledged nothing.
    Without {
        /// The pledger.
        #[serde(with = "crate::json::Account")]
        pledger: Address,
    },
    /// A further pledge is made.
    Pledge {
        /// The position that it adds to.
        #[serde(flatten, with = "crate::json::PositionAndUnit")]
        position: PositionId,
        /// How much.
        amount: Units,
    },
    /// A position has another amount; zero for none.
    Amount {
        /// The position.
        #[serde(flatten, with = "crate::json::PositionAndUnit")]
        position: PositionId,
        /// All that it has.
        amount: Units,
    },
    /// The target is another, at once and for good: also if an amendment is pending.
    Target {
        /// The target.
        #[serde(rename = "targetWei")]
        target: Wei,
    },
}

/// What comes of a rescue if nothing but time passes until it is decided. If it is decided already, what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// When it is looked at: just after the deadline, unless the rescue is decided earlier, or it is later already.
    pub at: Moment,
    /// The rescue then. It is still open only if its shares cannot be valued.
    pub view: RescueView,
    /// Every position with an amount, by pledger, tier and asset.
    pub positions: Vec<(PositionId, Statement)>,
}

impl Outcome {
    /// What is pledged beyond the target; none while shares cannot be valued.
    pub fn surplus(&self) -> Option<Wei> {
        let target = self.view.terms.target;
        self.view.coverage.map(|coverage| coverage.checked_sub(target).unwrap_or(Wei::ZERO))
    }

    /// What the draw leaves of the target.
    pub fn uncovered(&self) -> Wei {
        self.view.terms.target.checked_sub(self.view.drawn).unwrap_or(Wei::ZERO)
    }

    /// The pot of a tier and an asset; empty if nothing was pledged.
    pub fn pot(&self, tier: u8, asset: Asset) -> PotView {
        let nothing = Units::ZERO;
        let empty = PotView { tier, asset, total: nothing, drawn: nothing, delivered: nothing };
        self.view.pot(tier, asset).unwrap_or(empty)
    }
}

impl Rescue {
    /// When the result is fixed if it depends on time alone: just after the deadline in force then, or now if that has passed or
    /// the rescue is decided.
    pub fn decided_by(&self, now: Timestamp) -> Timestamp {
        match self.stored_status() {
            Status::Open => now.max(self.final_goal().deadline.saturating_add(1)),
            _ => now,
        }
    }

    /// The goal once every amendment is in force, as it is before the deadline.
    fn final_goal(&self) -> Goal {
        self.goal(Timestamp::MAX)
    }

    /// What comes of it if it is decided with what is pledged at `now`, at the rate of `now`.
    pub fn outcome(&self, now: Moment) -> Outcome {
        let at = Moment { time: self.decided_by(now.time), ..now };
        let positions = self.positions().map(|(id, _)| (id, self.statement(at, id))).collect();
        Outcome { at, view: self.view(at), positions }
    }

    /// Changes an open rescue as no call can. Whether stETH is paused does not matter, nor which amendment a pledger knows of;
    /// all other rules of a pledge do.
    ///
    /// # Errors
    /// `PledgingClosed`; for a pledge `ZeroAmount`, `AssetNotAccepted`, `InvalidAccount`, `UnknownTier`, `AmountTooLarge`; for a
    /// target `Terms`. It is then unchanged.
    pub fn suppose(&mut self, now: Timestamp, change: Change) -> Result<(), Refusal> {
        self.require_pledging(now)?;
        match change {
            Change::Without { pledger } => {
                let positions: Vec<_> = self.positions_of(pledger).map(|(id, _)| id).collect();
                positions.into_iter().try_for_each(|id| self.strike(id).map(drop))
            }
            Change::Pledge { position, amount } => self.suppose_pledge(now, position, amount),
            Change::Amount { position, amount } => {
                let mut changed = self.clone();
                if !self.position(position).amount.is_zero() {
                    changed.strike(position)?;
                }
                if !amount.is_zero() {
                    changed.suppose_pledge(now, position, amount)?;
                }
                *self = changed;
                Ok(())
            }
            Change::Target { target } => {
                if !terms::target_in_bounds(target) {
                    return Err(TermsError::TargetOutOfBounds { target }.into());
                }
                self.state.suppose_target(target);
                Ok(())
            }
        }
    }

    fn suppose_pledge(&mut self, now: Timestamp, id: PositionId, amount: Units) -> Result<(), Refusal> {
        // Of the state of stETH, a pledge needs only that it moves.
        let moving = Moment { time: now, lido: Lido::Working(Rate::PAR) };
        self.pledge(moving, id, self.latest_amendment(), amount)
    }
}
