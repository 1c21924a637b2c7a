//! The two sides on which every call is made: the contracts on the chain, and their models.

use std::collections::BTreeSet;

use alloy::{primitives::Address, providers::DynProvider};
use eyre::{Result, eyre};
use levee::{
    Allowance, Blueprint, Board, BonusPool, Call, Destination, Edition, Escrow, Funding, RecoveryPool, Router,
};
use levee_model::{
    Amount, Creation, Departure, Moment, Payment, PositionId, Refusal, Refused, Rescue, Terms, Timestamp, Wei,
};

use super::{
    action::With,
    cast::{self, ANYONE},
    chain::Chain,
    moves::{Move, Pledge},
    scenario::CHAIN,
};

/// The escrow and what is around it.
#[derive(Debug, Clone)]
pub(crate) struct Contracts {
    pub(crate) escrow: Escrow<DynProvider>,
    pub(crate) recovery: RecoveryPool<DynProvider>,
    pub(crate) bonus: BonusPool<DynProvider>,
    pub(crate) board: Board<DynProvider>,
    pub(crate) router: Router<DynProvider>,
}

/// The models of those that have one: the board's declarations move nothing, and the router only brings pledges.
#[derive(Debug, Clone)]
pub(crate) struct Models {
    pub(crate) rescue: Rescue,
    pub(crate) recovery: levee_model::RecoveryBooks,
    pub(crate) bonus: levee_model::BonusBooks,
    /// Every position that there ever was.
    known: BTreeSet<PositionId>,
}

impl Contracts {
    /// Creates all of them.
    pub(crate) async fn create(
        chain: &Chain,
        time: Timestamp,
        terms: &Terms,
        edition: Edition,
    ) -> Result<Self> {
        let (provider, from) = (chain.provider(), cast::address(ANYONE));
        let blueprint = Blueprint::escrow(terms)?.in_edition(edition);
        let create = blueprint.prepare(provider, CHAIN, from).await?;
        let create = create.ok_or_else(|| eyre!("the escrow exists already"))?;
        chain.must(time, create.request(from), "creating the escrow").await?;
        let escrow = Escrow::open(provider.clone(), CHAIN, blueprint.address()).await?;
        let [steth, wsteth] = cast::tokens();
        let tokens = levee::Tokens { weth: cast::weth(), steth, wsteth };
        let contracts = Self {
            recovery: RecoveryPool::of(&escrow),
            bonus: BonusPool::of(&escrow),
            board: Board::new(provider.clone(), CHAIN),
            router: Router::new(provider.clone(), tokens),
            escrow,
        };
        for blueprint in contracts.around() {
            let create = blueprint.prepare(provider, CHAIN, from).await?;
            let create = create.ok_or_else(|| eyre!("the {} exists already", blueprint.contract()))?;
            chain.must(time, create.request(from), &format!("creating the {}", blueprint.contract())).await?;
        }
        Ok(contracts)
    }

    fn around(&self) -> [&Blueprint; 4] {
        [self.recovery.blueprint(), self.bonus.blueprint(), self.board.blueprint(), self.router.blueprint()]
    }

    /// The call on the chain, at `now` by `caller`.
    pub(crate) async fn prepare(
        &self,
        call: &Move,
        now: Timestamp,
        caller: &str,
    ) -> Result<Call<DynProvider>> {
        Ok(match call {
            Move::Pledge(pledge) if pledge.with == With::Permit => {
                self.permitted(pledge, now, caller).await?
            }
            Move::Pledge(pledge) => self.pledge(pledge),
            Move::Settle => self.escrow.settle(),
            Move::Expire => self.escrow.expire(),
            Move::Lapse => self.escrow.lapse(),
            Move::Release(asset) => self.escrow.release(*asset),
            Move::Refund(id) => self.escrow.refund(id.pledger, id.tier, id.asset),
            Move::Exit(id) => self.escrow.exit(id.tier, id.asset, id.pledger),
            Move::Object(id) => self.escrow.object(id.tier, id.asset),
            Move::Decline(id) => self.escrow.decline(id.pledger, id.tier, id.asset),
            Move::Collect { pledger, asset, to: None } => self.escrow.collect(*pledger, *asset),
            Move::Collect { asset, to: Some(to), .. } => self.escrow.collect_to(*asset, *to),
            Move::Cancel => self.escrow.cancel(),
            Move::Amend(goal) => self.escrow.amend(*goal)?,
            Move::Recover(amount) => self.recovery.recover(*amount),
            Move::Claim(id) => self.recovery.claim(*id),
            Move::AddBonus(amount) => self.bonus.add(cast::address(caller), *amount),
            Move::Enlist(id) => self.bonus.enlist(*id),
            Move::ClaimBonus(id) => self.bonus.claim(*id),
            Move::TakeBack(sponsor) => self.bonus.take_back(*sponsor),
            Move::Declare(declaration) => self.board.declare(declaration)?,
            Move::DeclareFor(signed) => self.board.declare_for(signed)?,
        })
    }

    fn pledge(&self, pledge: &Pledge) -> Call<DynProvider> {
        let Pledge { id: PositionId { pledger, tier, asset }, amount, with, amendment } = *pledge;
        match (amount.of(asset), with) {
            (Amount::Eth(wei), With::Weth) => {
                self.router.pledge(self.destination(pledge), Funding::Weth(wei))
            }
            (Amount::Eth(wei), With::Router) => {
                self.router.pledge(self.destination(pledge), Funding::Eth(wei))
            }
            (amount, _) => self.escrow.pledge(pledger, tier, amendment, amount),
        }
    }

    /// A pledge of stETH or wstETH through the router, with a permit that `owner` signs for this second.
    async fn permitted(&self, pledge: &Pledge, now: Timestamp, owner: &str) -> Result<Call<DynProvider>> {
        let (signer, amount) = (cast::signer(owner), pledge.amount.of(pledge.id.asset));
        let funding = self.router.permit(&signer, amount, Allowance::Exact, now).await?;
        Ok(self.router.pledge(self.destination(pledge), funding))
    }

    /// The router enlists what it brings: every rehearsal has a bonus pool.
    fn destination(&self, pledge: &Pledge) -> Destination {
        let Pledge { id: PositionId { pledger, tier, .. }, amendment, .. } = *pledge;
        let (escrow, edition) = (self.escrow.address(), self.escrow.edition());
        Destination { escrow, edition, pledger, tier, amendment, enlist: true }
    }

    /// Where all of them are.
    pub(crate) fn addresses(&self) -> [Address; 4] {
        [self.escrow.address(), self.recovery.address(), self.bonus.address(), self.board.address()]
    }
}

impl Models {
    /// The models of new contracts.
    pub(crate) fn new(contracts: &Contracts, terms: &Terms, created: Creation) -> Result<Self> {
        Ok(Self {
            rescue: Rescue::open(contracts.escrow.address(), terms.clone(), created)?,
            recovery: levee_model::RecoveryBooks::new(contracts.recovery.address(), terms),
            bonus: levee_model::BonusBooks::new(contracts.bonus.address()),
            known: BTreeSet::new(),
        })
    }

    /// Makes a call: what it pays, or why it is refused; none for a call that has no model.
    pub(crate) fn make(
        &mut self,
        call: &Move,
        at: Moment,
        caller: Address,
    ) -> Option<Result<Option<Payment>, Refused>> {
        Some(match call {
            Move::Pledge(pledge) => self.pledge(pledge, at).map(|()| None),
            Move::Enlist(id) => {
                self.bonus.enlist(&self.rescue, at, *id).map(|()| None).map_err(Refused::from)
            }
            Move::Recover(amount) => {
                self.recovery.recover(&self.rescue, at.time, *amount).map(|()| None).map_err(Refused::from)
            }
            Move::Claim(id) => self.recovery.claim(&self.rescue, *id).map(Some).map_err(Refused::from),
            Move::AddBonus(amount) => {
                self.bonus.add(&self.rescue, at, caller, *amount).map(|()| None).map_err(Refused::from)
            }
            Move::ClaimBonus(id) => {
                self.bonus.claim(&mut self.rescue, at, *id).map(Some).map_err(Refused::from)
            }
            Move::TakeBack(sponsor) => {
                self.bonus.take_back(&mut self.rescue, at, caller, *sponsor).map(Some).map_err(Refused::from)
            }
            _ => self.make_on_rescue(call, at, caller)?.map_err(Refused::from),
        })
    }

    /// Every position that there ever was, also one that was taken out.
    pub(crate) fn known(&self) -> impl Iterator<Item = PositionId> + '_ {
        self.known.iter().copied()
    }

    /// Through the router a pledge is enlisted, or refused as a whole.
    fn pledge(&mut self, pledge: &Pledge, at: Moment) -> Result<(), Refused> {
        let Pledge { id, amount, with, amendment } = *pledge;
        let mut rescue = self.rescue.clone();
        rescue.pledge(at, id, amendment, amount)?;
        if with.is_routed() {
            self.bonus.enlist(&rescue, at, id)?;
        }
        self.rescue = rescue;
        self.known.insert(id);
        Ok(())
    }

    /// What a position had of the bonus.
    pub(crate) fn bonus_paid(&self, id: PositionId) -> Wei {
        if self.bonus.has_claimed(id) { self.bonus.share_of(&self.rescue, id) } else { Wei::ZERO }
    }

    fn make_on_rescue(
        &mut self,
        call: &Move,
        at: Moment,
        caller: Address,
    ) -> Option<Result<Option<Payment>, Refusal>> {
        let rescue = &mut self.rescue;
        let nothing = |()| None;
        Some(match call {
            Move::Settle => rescue.settle(at).map(|_| None),
            Move::Expire => rescue.expire(at).map(nothing),
            Move::Lapse => rescue.lapse(at).map(nothing),
            Move::Release(asset) => rescue.release(at, *asset).map(Some),
            Move::Refund(id) => rescue.refund(at, *id).map(Some),
            Move::Exit(id) => rescue.exit(at, *id, id.pledger).map(Departure::payment),
            Move::Object(id) => rescue.object(at, *id).map(nothing),
            Move::Decline(id) => rescue.decline(at, caller, *id).map(Departure::payment),
            Move::Collect { pledger, asset, to: None } => rescue.collect(at, *pledger, *asset).map(Some),
            Move::Collect { asset, to: Some(to), .. } => rescue.collect_to(at, caller, *asset, *to).map(Some),
            Move::Cancel => rescue.cancel(at, caller).map(nothing),
            Move::Amend(goal) => rescue.amend(at, caller, *goal).map(|_| None),
            _ => return None,
        })
    }
}
