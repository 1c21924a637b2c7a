//! The route of a pledge into a rescue: directly, or through the chain's router.

use alloy::{
    primitives::{Address, U256},
    providers::DynProvider,
    sol_types::SolCall,
};
use clap::Args;
use eyre::Result;
use levee::{
    AccountView, Allowance, Call, Network, Query, Router, Tokens,
    bindings::{StETH, WstETH},
    display::decimal,
};
use levee_model::{Asset, Route, Wei};

use crate::{
    address,
    amount::{self, Amount},
    environment,
    error::UserError,
    plan::Step,
    pledging::Pledge,
    transaction::Session,
};

/// How long a permit can be used: as long as a transaction may wait.
const PERMIT_LIFETIME: u64 = 60 * 60;

/// A route into a rescue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By a call of the escrow.
    Direct,
    /// Through the router, with a permit that the account signs.
    Permit,
    /// Through the router, which unwraps WETH.
    FromWeth,
}

impl Way {
    /// Its name, except for the usual one.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Direct => None,
            Self::Permit => Some("permit"),
            Self::FromWeth => Some("WETH"),
        }
    }
}

/// Options for a pledge through the router.
#[derive(Debug, Args)]
pub(crate) struct RouteArgs {
    /// Sign a permit for the stETH or wstETH instead of sending an approval, and pledge in one transaction.
    #[arg(long, conflicts_with = "approve")]
    permit: bool,

    /// Address of WETH, from which the router's address follows; default: the variable LEVEE_WETH, or the known WETH on
    /// Ethereum and Sepolia.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pub(crate) weth: Option<Address>,
}

impl RouteArgs {
    /// Reads an amount, which may be in WETH: then it is pledged as the same amount of ETH.
    pub(crate) fn parse(&self, text: &str) -> Result<(Amount, Way), UserError> {
        let without = text.len().checked_sub("WETH".len()).and_then(|at| text.split_at_checked(at));
        let wrapped = without.filter(|(_, unit)| unit.eq_ignore_ascii_case("WETH"));
        if let Some((number, _)) = wrapped {
            if self.permit {
                return Err(UserError::new("WETH does not support permits")
                    .hint("use `--approve`, which allows the router to take it first"));
            }
            return Ok((Amount::parse(&format!("{number}ETH"))?, Way::FromWeth));
        }
        match (Amount::parse(text)?, self.permit) {
            (Amount::Eth(_), true) => Err(UserError::new("ETH needs no permit").hint("leave `--permit` out")),
            (amount, true) => Ok((amount, Way::Permit)),
            (amount, false) => Ok((amount, Way::Direct)),
        }
    }
}

impl Session {
    /// The pledge by a call of the escrow, after any approval it needs.
    pub(crate) async fn direct(
        &self,
        pledge: &Pledge,
        account: &AccountView,
        may_approve: bool,
    ) -> Result<Vec<Step>> {
        let Pledge { amount, booked, .. } = *pledge;
        let call = self.escrow.pledge(self.by(Route::Direct, pledge), None)?;
        let mut steps = Vec::new();
        // The pledge follows in the next transaction and uses up the allowance.
        if let Some(approval) = self.escrow.approval(account, booked, Allowance::Exact).await? {
            let what = approved(&approval, amount.asset());
            steps.push(self.approval(approval, ("rescue", &what), &amount.to_string(), may_approve)?);
        }
        steps.push(self.pledge(pledge, &amount.to_string(), call));
        Ok(steps)
    }

    /// The pledge in one transaction, with a permit signed now.
    pub(crate) async fn with_permit(&self, pledge: &Pledge, weth: Option<Address>) -> Result<Vec<Step>> {
        // A permit needs a router, but no WETH.
        let router = self.router(self.weth(weth)?.unwrap_or_default());
        let (hand, deadline) = (self.signer.hand()?, self.page.now.saturating_add(PERMIT_LIFETIME));
        let permit = router.permit(hand, pledge.booked, Allowance::Exact, deadline).await?;
        if let Some(permit) = &permit {
            router.try_permit(self.signer.from, pledge.booked, permit).await?;
        }
        let routed = self.by(Route::Router { enlist: pledge.enlists }, pledge);
        let call = self.escrow.clone().through(router.address()).pledge(routed, permit)?;
        let mut steps = Vec::new();
        steps.extend(self.signer.creation(router.blueprint()).await?);
        let mut step = self.pledge(pledge, &pledge.amount.to_string(), call);
        step.facts.push(("permit", format!("for the router {}", router.address())));
        steps.push(step);
        Ok(steps)
    }

    /// The pledge of unwrapped WETH, after any approval it needs.
    pub(crate) async fn unwrapping(
        &self,
        pledge: &Pledge,
        weth: Option<Address>,
        may_approve: bool,
    ) -> Result<Vec<Step>> {
        let weth = self.weth(weth)?.ok_or_else(|| {
            UserError::new(format!("the address of WETH on chain {} is not known", self.page.chain))
                .hint("name it with `--weth ADDRESS` or the variable LEVEE_WETH")
        })?;
        let (router, (wei, _)) = (self.router(weth), pledge.booked.wei_and_shares());
        let amount = weth_text(wei);
        let account = self.holdings(&router).await?;
        self.check_weth(&account, weth, wei)?;
        let mut steps = Vec::new();
        steps.extend(self.signer.creation(router.blueprint()).await?);
        if let Some(approval) = router.weth_approval(&account, wei) {
            steps.push(self.approval(approval, ("router", &amount), &amount, may_approve)?);
        }
        let routed = self.by(Route::Weth { enlist: pledge.enlists }, pledge);
        let call = self.escrow.clone().through(router.address()).pledge(routed, None)?;
        let mut step = self.pledge(pledge, &amount, call);
        step.facts.push(("through", format!("the router {}, which unwraps it", router.address())));
        steps.push(step);
        Ok(steps)
    }

    /// What the signer has now, with its WETH, and lets the rescue and the router take.
    async fn holdings(&self, router: &Router<DynProvider>) -> Result<AccountView> {
        let query = Query::of(self.escrow.address()).account(self.signer.from);
        let query = query.through(router.address(), router.tokens().weth);
        let snapshot = query.read(self.escrow.provider(), Some(self.page.chain)).await?;
        Ok(snapshot.account)
    }

    /// The pledge by a route, under the amendment that is shown.
    fn by(&self, route: Route, pledge: &Pledge) -> levee_model::Pledge {
        let Pledge { pledger, index: tier, booked: amount, .. } = *pledge;
        levee_model::Pledge { pledger, tier, amount, amendment: self.page.view.latest_amendment(), route }
    }

    /// The router of a WETH and the rescue's tokens.
    fn router(&self, weth: Address) -> Router<DynProvider> {
        let terms = &self.page.view.terms;
        let tokens = Tokens { weth, steth: terms.steth, wsteth: terms.wsteth };
        Router::new(self.escrow.provider().clone(), self.page.chain, tokens)
    }

    /// The WETH that is named, or that is known on the chain.
    fn weth(&self, named: Option<Address>) -> Result<Option<Address>, UserError> {
        let named =
            named.map_or_else(|| environment::parsed("LEVEE_WETH", address::parse), |weth| Ok(Some(weth)))?;
        let known = || Network::of(self.page.chain).map(|network| network.tokens.weth);
        Ok(named.or_else(known).filter(|weth| !weth.is_zero()))
    }

    /// Checks the balance of WETH, before an approval is sent in vain.
    fn check_weth(&self, account: &AccountView, weth: Address, needed: Wei) -> Result<(), UserError> {
        let owner = self.signer.from;
        let Some(balance) = account.weth.balance else {
            return Err(UserError::new(format!("there is no WETH at `{weth}`"))
                .hint("check `--weth`, the variable LEVEE_WETH, and the chain"));
        };
        if balance >= U256::from(needed.get()) {
            return Ok(());
        }
        let (has, needs) = (weth_text(Wei::new(balance.saturating_to())), weth_text(needed));
        Err(UserError::new(format!("`{owner}` has {has}, less than {needs}"))
            .hint("pledge less, or send the account what is missing"))
    }
}

/// The amount that an approval is for. Allowances of stETH are in stETH, not in shares.
fn approved(call: &Call<DynProvider>, asset: Asset) -> String {
    let number = match asset {
        Asset::StEth => StETH::approveCall::abi_decode(call.input()).map(|call| call.amount),
        _ => WstETH::approveCall::abi_decode(call.input()).map(|call| call.units),
    };
    let number = number.map(|number| number.saturating_to()).unwrap_or_default();
    allowance_text(asset, number)
}

/// An amount that an approval is for.
pub(crate) fn allowance_text(asset: Asset, number: u128) -> String {
    format!("{} {asset} ({number} units of 10^-18)", decimal(number))
}

/// `10 WETH`.
fn weth_text(amount: Wei) -> String {
    amount::eth(amount).replace("ETH", "WETH")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, permit: bool) -> Result<(Amount, Way), String> {
        RouteArgs { permit, weth: None }.parse(text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_unit_and_the_permit_choose_the_way() {
        let ether = Wei::new(10u128.pow(18));
        assert_eq!(parse("1 WETH", false), Ok((Amount::Eth(ether), Way::FromWeth)));
        assert_eq!(parse("1weth", false), Ok((Amount::Eth(ether), Way::FromWeth)));
        assert_eq!(parse("1 ETH", false), Ok((Amount::Eth(ether), Way::Direct)));
        assert_eq!(parse("1 stETH", true), Ok((Amount::StEth(ether), Way::Permit)));
        assert_eq!(parse("1 ETH", true), Err("ETH needs no permit".into()));
        assert_eq!(parse("1 WETH", true), Err("WETH does not support permits".into()));
        assert_eq!(parse("5", false), Err("`5` has no unit".into()));
    }
}
