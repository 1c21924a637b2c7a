//! The contracts on the chain, and the transactions of calls.

use alloy::{primitives::Address, providers::DynProvider};
use eyre::{Result, eyre};
use levee::{
    Allowance, Blueprint, Board, BonusPool, Declaration, Edition, Error, Escrow, Permit, RecoveryPool,
    Router, SignedDeclaration, Transaction,
};
use levee_model::{Creation, Models, Operation, Pledge, Route, Terms, Timestamp};

use super::{
    cast::{self, ANYONE},
    chain::Chain,
    scenario::CHAIN,
};

/// A call of the escrow or of a contract around it.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    /// One that the models know.
    Operation(Operation),
    Declare(Declaration),
    /// Signed, and submitted by someone else.
    DeclareFor(SignedDeclaration),
}

/// The escrow and what is around it.
#[derive(Debug, Clone)]
pub(crate) struct Contracts {
    pub(crate) escrow: Escrow<DynProvider>,
    pub(crate) recovery: RecoveryPool<DynProvider>,
    pub(crate) bonus: BonusPool<DynProvider>,
    pub(crate) board: Board<DynProvider>,
    pub(crate) router: Router<DynProvider>,
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
        let router = Router::new(provider.clone(), CHAIN, tokens);
        let contracts = Self {
            recovery: RecoveryPool::of(&escrow),
            bonus: BonusPool::of(&escrow),
            board: Board::new(provider.clone(), CHAIN),
            escrow: escrow.through(router.address()),
            router,
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

    /// The transaction of a call, at `now` by `caller`.
    pub(crate) async fn transaction(
        &self,
        call: &Move,
        now: Timestamp,
        caller: &str,
    ) -> Result<Transaction, Error> {
        let contracts = self.escrow.contracts();
        Ok(match call {
            Move::Operation(Operation::Pledge(pledge)) => {
                contracts.pledge(*pledge, self.permit(pledge, now, caller).await?)?
            }
            Move::Operation(operation) => contracts.transaction(*operation)?,
            Move::Declare(declaration) => self.board.declare(declaration)?.transaction().clone(),
            Move::DeclareFor(signed) => self.board.declare_for(signed)?.transaction().clone(),
        })
    }

    /// The permit that `owner` signs, for this second, for a pledge of a token through the router: a rehearsal gives the
    /// router no allowances.
    async fn permit(&self, pledge: &Pledge, now: Timestamp, owner: &str) -> Result<Option<Permit>, Error> {
        if !matches!(pledge.route, Route::Router { .. }) {
            return Ok(None);
        }
        self.router.permit(&cast::signer(owner), pledge.amount, Allowance::Exact, now).await
    }

    /// Their models. The board's declarations move nothing, and the router only brings pledges.
    pub(crate) fn models(&self, terms: &Terms, created: Creation) -> Result<Models> {
        let levee::Contracts { escrow, recovery, bonus, .. } = *self.escrow.contracts();
        Ok(Models::open([escrow, recovery, bonus], terms.clone(), created)?)
    }

    /// Where all of them are.
    pub(crate) fn addresses(&self) -> [Address; 4] {
        [self.escrow.address(), self.recovery.address(), self.bonus.address(), self.board.address()]
    }
}
