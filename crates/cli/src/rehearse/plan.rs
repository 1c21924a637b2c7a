//! The calls that make up a step, and their callers.

use eyre::Result;
use levee::Declaration;
use levee_model::{Asset, BonusRefusal, Goal, Models, Operation, Pledge, PositionId};

use super::{
    cast::{self, ANYONE},
    contracts::Move,
    stage::Stage,
    step::{Action, Collect, Declare, Knows, Positions, Step, take_back},
};
use crate::error::UserError;

/// Moves and their callers.
type Moves = Vec<(String, Move)>;

impl Stage {
    /// The calls that make up a step, and their callers.
    pub(super) async fn moves(&self, step: &Step) -> Result<Moves> {
        match &step.action {
            Action::Call { by, operation } => Ok(one(by, *operation)),
            Action::Pledge { who, tier, amount, route, knows } => {
                let amendment = match knows {
                    Knows::Latest => self.models.rescue.latest_amendment(),
                    Knows::Nothing => 0,
                };
                let (pledger, tier, route, amount) =
                    (cast::address(who), *tier, *route, self.tokens.booked(*amount));
                Ok(one(who, Operation::Pledge(Pledge { pledger, tier, amount, amendment, route })))
            }
            Action::Amend { by, target, deadline } => {
                let goal = self.models.rescue.goal(self.now);
                let deadline = deadline.unwrap_or(goal.deadline);
                Ok(one(by, Operation::Amend(Goal { target: *target, deadline, ..goal })))
            }
            Action::ReleaseAll => self.releases(step),
            Action::Refund(positions) => self.refunds(step, positions),
            Action::Exit(positions) => self.own(step, positions, |id| Operation::Exit {
                tier: id.tier,
                asset: id.asset,
                to: id.pledger,
            }),
            Action::Object(positions) => {
                self.own(step, positions, |id| Operation::Object { tier: id.tier, asset: id.asset })
            }
            Action::Decline { by, positions } => {
                let calls = self.own(step, positions, Operation::Decline)?;
                Ok(calls.into_iter().map(|(_, call)| (by.clone(), call)).collect())
            }
            Action::Collect(collect) => self.collections(step, collect),
            Action::Recover { by, amount } => {
                Ok(one(by.as_deref().unwrap_or(ANYONE), Operation::Recover(*amount)))
            }
            Action::Claim(positions) => self.claims(step, positions),
            Action::Enlist(positions) => self.enlistments(step, positions),
            Action::ClaimBonus(positions) => self.bonus_claims(step, positions),
            Action::TakeBackAll => self.returns(step),
            Action::Declare(declare) => self.declare(step, declare).await,
            Action::Compact(_) | Action::Lido(_) | Action::Refuse { .. } | Action::Wait => Ok(Moves::new()),
        }
    }

    /// One claim for each selected position with unpaid earnings.
    fn claims(&self, step: &Step, positions: &Positions) -> Result<Moves> {
        let Models { rescue, recovery, .. } = &self.models;
        let due = |id| step.fails.is_some() || !recovery.claimable(rescue, id).is_zero();
        self.for_anyone(step, positions, due, Operation::Claim)
    }

    /// One enlistment for each selected position that is not up to date.
    fn enlistments(&self, step: &Step, positions: &Positions) -> Result<Moves> {
        let Models { rescue, bonus, .. } = &self.models;
        let due = |id| step.fails.is_some() || bonus.clone().enlist(rescue, self.moment(), id).is_ok();
        self.for_anyone(step, positions, due, Operation::Enlist)
    }

    /// One bonus claim for each selected position with something to claim, if the bonus is decided or can
    /// be.
    fn bonus_claims(&self, step: &Step, positions: &Positions) -> Result<Moves> {
        let due = |id| {
            let Models { mut rescue, mut bonus, .. } = self.models.clone();
            let tried = bonus.claim(&mut rescue, self.moment(), id);
            step.fails.is_some() || !matches!(tried, Err(BonusRefusal::NothingToClaim { .. }))
        };
        self.for_anyone(step, positions, due, Operation::ClaimBonus)
    }

    /// One return for each sponsor with something in the bonus pool, called by the sponsor.
    fn returns(&self, step: &Step) -> Result<Moves> {
        let left = |name: &&str| !self.models.bonus.contribution_of(cast::address(name)).is_zero();
        let calls = self.cast.names().filter(left).flat_map(|name| one(name, take_back(name)));
        some(step, calls.collect(), "no one has anything in the bonus pool")
    }

    /// A declaration, by its contributor or signed by it and submitted by someone else.
    async fn declare(&self, step: &Step, declare: &Declare) -> Result<Moves> {
        let deadline = self.models.rescue.goal(self.now).deadline;
        let expiry = declare.expiry.map_or(Ok(deadline), |when| self.time_of(when));
        let declaration = Declaration {
            escrow: self.contracts.escrow.address(),
            stage: declare.stage,
            tier: declare.tier,
            amount: declare.amount,
            expiry: expiry.map_err(|error| error.within(&step.place))?,
            link: declare.link.clone(),
        };
        let Some(by) = &declare.by else {
            return Ok(vec![(declare.who.clone(), Move::Declare(declaration))]);
        };
        let (signer, contributor) = (cast::signer(&declare.who), cast::address(&declare.who));
        let signed = self.contracts.board.sign(&signer, contributor, declaration, self.now).await?;
        Ok(vec![(by.clone(), Move::DeclareFor(signed))])
    }

    /// One collection for each selected asset that is owed, by anyone, or by the pledger to another
    /// recipient.
    fn collections(&self, step: &Step, collect: &Collect) -> Result<Moves> {
        let Collect { who, asset, to } = collect;
        let (pledger, to) = (cast::address(who), to.as_deref().map(cast::address));
        let caller = if to.is_some() { who } else { ANYONE };
        let owed = |of: Asset| !self.models.rescue.owed(pledger, of).is_zero();
        let meant = Asset::ALL.into_iter().filter(|of| asset.map_or_else(|| owed(*of), |asset| asset == *of));
        let collect = |asset| match to {
            Some(to) => Operation::CollectTo { asset, to },
            None => Operation::Collect { pledger, asset },
        };
        let calls = meant.flat_map(|asset| one(caller, collect(asset)));
        some(step, calls.collect(), "nothing is owed")
    }

    /// One release for each asset of which something is due.
    fn releases(&self, step: &Step) -> Result<Moves> {
        let due = |asset: &Asset| !self.models.rescue.deliverable(self.moment(), *asset).is_zero();
        let release = |asset| one(ANYONE, Operation::Release(asset));
        some(step, Asset::ALL.into_iter().filter(due).flat_map(release).collect(), "nothing is due")
    }

    /// One refund for each selected position with something to refund.
    fn refunds(&self, step: &Step, positions: &Positions) -> Result<Moves> {
        let rescue = &self.models.rescue;
        let due = |id| step.fails.is_some() || !rescue.refundable(self.moment(), id).is_zero();
        self.for_anyone(step, positions, due, Operation::Refund)
    }

    /// One call by [`ANYONE`] for each selected position for which it is `due`.
    fn for_anyone(
        &self,
        step: &Step,
        positions: &Positions,
        due: impl Fn(PositionId) -> bool,
        call: impl Fn(PositionId) -> Operation,
    ) -> Result<Moves> {
        let calls = self.positions(positions, due).flat_map(|id| one(ANYONE, call(id)));
        some(step, calls.collect(), "there is no position to which it applies")
    }

    /// One call for each selected position, made by its pledger.
    fn own(
        &self,
        step: &Step,
        positions: &Positions,
        call: impl Fn(PositionId) -> Operation,
    ) -> Result<Moves> {
        let calls = self.positions(positions, |_| true);
        let calls = calls.flat_map(|id| one(&self.cast.name_of(id.pledger), call(id)));
        some(step, calls.collect(), "there is no such position")
    }

    /// The selected positions. One that is named in full need not exist.
    fn positions<'a>(
        &'a self,
        positions: &'a Positions,
        fits: impl Fn(PositionId) -> bool + 'a,
    ) -> Box<dyn Iterator<Item = PositionId> + 'a> {
        let who = positions.who.as_deref().map(cast::address);
        if let (Some(pledger), Some(tier), Some(asset)) = (who, positions.tier, positions.asset) {
            return Box::new(std::iter::once(PositionId { pledger, tier, asset }));
        }
        let meant = move |id: &PositionId| {
            who.is_none_or(|who| who == id.pledger)
                && positions.tier.is_none_or(|tier| tier == id.tier)
                && positions.asset.is_none_or(|asset| asset == id.asset)
        };
        // In the order of the scenario's contributors, which is more meaningful than that of their
        // addresses.
        let all =
            self.cast.contributors().flat_map(|name| self.models.rescue.positions_of(cast::address(name)));
        Box::new(all.map(|(id, _)| id).filter(meant).filter(move |id| fits(*id)))
    }
}

/// One call.
fn one(caller: &str, operation: Operation) -> Moves {
    vec![(caller.to_owned(), Move::Operation(operation))]
}

/// A step must consist of at least one call; otherwise it does not mean what its author thinks.
fn some(step: &Step, moves: Moves, nothing: &str) -> Result<Moves> {
    if moves.is_empty() {
        return Err(UserError::new(nothing)
            .within(&step.place)
            .hint("the step would do nothing: remove it")
            .into());
    }
    Ok(moves)
}
