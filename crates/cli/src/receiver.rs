//! What speaks against a receiver as the beneficiary of a rescue: the checks of docs/receivers.md.

use alloy::{eips::BlockId, primitives::Address, providers::DynProvider};
use eyre::Result;
use levee::{
    Network, Receiver, accepts_ether,
    model::Terms,
    receiver::{Debtor, QueueTokens, Reserve, Valued},
};

use crate::{error::UserError, percent, warnings};

/// Something that speaks against a receiver: one sentence without a period.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) text: String,
    pub(crate) weight: Weight,
}

/// How much it weighs when the receiver is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It may be meant.
    Warning,
    /// It is fatal, unless somebody knows that the collateral is locked.
    UnlessLocked,
    /// It is fatal; this is what to do about it.
    Fatal(&'static str),
}

impl Finding {
    fn warning(text: String) -> Self {
        Self { text, weight: Weight::Warning }
    }

    fn fatal(text: String, hint: &'static str) -> Self {
        Self { text, weight: Weight::Fatal(hint) }
    }

    fn unless_locked(text: String) -> Self {
        Self { text, weight: Weight::UnlessLocked }
    }
}

/// Refuses what is fatal; `is_locked` is the user's word about the collateral. Returns the rest as warnings.
pub(crate) fn require_none(findings: Vec<Finding>, is_locked: bool) -> Result<Vec<String>, UserError> {
    let warning = |Finding { text, weight }| {
        match weight {
        Weight::Fatal(hint) => Err(UserError::new(text).hint(hint)),
        Weight::UnlessLocked if !is_locked => Err(UserError::new(text).hint(
            "choose a debtor whose collateral is worthless or locked for good; if this one's is, add `--collateral-is-locked`",
        )),
        Weight::UnlessLocked | Weight::Warning => Ok(text),
    }
    };
    findings.into_iter().map(warning).collect()
}

/// What speaks against `receiver`, existing or not, on the chain of `provider`, for a rescue with these terms, if they are known.
pub(crate) async fn findings(
    provider: &DynProvider,
    chain: u64,
    receiver: &Receiver,
    terms: Option<&Terms>,
) -> Result<Vec<Finding>> {
    match *receiver {
        Receiver::DebtRepayer { pool, weth, debtor, rest } => {
            of_repayer(provider, chain, (pool, weth), debtor, rest).await
        }
        Receiver::StakedEtherUnwinder { withdrawal_queue, recipient } => {
            let unwinder = receiver.blueprint().address();
            let found = of_unwinder(provider, chain, withdrawal_queue, recipient, terms).await?;
            if found.is_some() || accepts_ether(provider, unwinder, recipient).await? {
                return Ok(found.into_iter().collect());
            }
            Ok(vec![refuses_ether(recipient)])
        }
    }
}

async fn of_repayer(
    provider: &DynProvider,
    chain: u64,
    (pool, weth): (Address, Address),
    debtor: Address,
    rest: Address,
) -> Result<Vec<Finding>> {
    let block = BlockId::latest();
    let reserve = Reserve::read(provider, pool, weth, block).await?;
    let stands = Debtor::read(provider, pool, weth, debtor, block).await?;
    let Some((reserve, stands)) = reserve.zip(stands) else {
        return Ok(vec![no_pool(pool, weth)]);
    };
    let own = [pool, weth, reserve.a_token, reserve.variable_debt_token];
    Ok(of_rest(chain, rest, debtor, &own).into_iter().chain(of_debtor(debtor, &stands)).collect())
}

/// What speaks against an unwinder, but for a recipient that refuses ETH.
async fn of_unwinder(
    provider: &DynProvider,
    chain: u64,
    queue: Address,
    recipient: Address,
    terms: Option<&Terms>,
) -> Result<Option<Finding>> {
    let tokens = QueueTokens::read(provider, queue, BlockId::latest()).await?;
    let Some(tokens) = tokens else { return Ok(Some(no_queue(queue))) };
    let own = [queue, tokens.steth, tokens.wsteth];
    let unusable = of_account(chain, "recipient", recipient, &own);
    Ok(unusable.or_else(|| of_queue(Network::of(chain), queue, tokens, terms)))
}

/// Whoever cannot use what it gets, `own` being contracts that the receiver deals with.
fn of_account(chain: u64, role: &str, account: Address, own: &[Address]) -> Option<Finding> {
    let what = if own.contains(&account) {
        Some("a contract that the receiver deals with, which could not use what goes to it")
    } else {
        warnings::nobodys(account).or_else(|| warnings::public_key(chain, account))
    };
    what.map(|what| {
        Finding::fatal(format!("the {role} `{account}` is {what}"), "name an account that somebody controls")
    })
}

fn of_rest(chain: u64, rest: Address, debtor: Address, own: &[Address]) -> Option<Finding> {
    if rest == debtor {
        return Some(Finding::fatal(
            format!(
                "the debtor `{debtor}` is also the account for the rest: it could pay its debt down, and have the release"
            ),
            "name the account that covers what the debt does not take, such as the protocol's treasury",
        ));
    }
    of_account(chain, "account for the rest", rest, own)
}

fn of_debtor(debtor: Address, stands: &Debtor) -> Vec<Finding> {
    let no_debt = stands.debt.is_zero().then(|| {
        Finding::warning(format!(
            "the debtor `{debtor}` owes nothing at the variable rate now, so that everything would go to the rest; a debt that the \
             pool has written off is a deficit of its reserve"
        ))
    });
    let collateral = match stands.valued {
        None => Some(Finding::unless_locked(format!(
            "the pool does not tell what collateral the debtor `{debtor}` has, which a repayment could free"
        ))),
        Some(Valued { collateral, .. }) if collateral.is_zero() => None,
        Some(valued) => Some(Finding::unless_locked(format!(
            "the debtor `{debtor}` has collateral{}: a repayment could free it",
            share_of_debts(&valued)
        ))),
    };
    collateral.into_iter().chain(no_debt).collect()
}

/// `, which the pool values at 85 % of its debts`; nothing without debts.
fn share_of_debts(valued: &Valued) -> String {
    let share = valued.collateral_bps_down().map(percent::of_bps);
    share.map_or_else(String::new, |share| format!(", which the pool values at {share} of its debts"))
}

fn of_queue(
    network: Option<&Network>,
    queue: Address,
    tokens: QueueTokens,
    terms: Option<&Terms>,
) -> Option<Finding> {
    let QueueTokens { steth, wsteth } = tokens;
    let known = network.map(|network| network.withdrawal_queue).filter(|known| !known.is_zero());
    if known.is_some_and(|known| known != queue) {
        let text = format!("the withdrawal queue `{queue}` is not Lido's on this chain");
        return Some(Finding::fatal(text, "leave `--withdrawal-queue` out, and check the chain"));
    }
    // Terms in ETH alone have no tokens to unwind.
    let named = terms.map(|terms| (terms.steth, terms.wsteth)).filter(|named| *named != Default::default());
    named.filter(|named| *named != (steth, wsteth)).map(|_| {
        Finding::fatal(
            format!(
                "the withdrawal queue takes stETH `{steth}` and wstETH `{wsteth}`, which are not those of the terms"
            ),
            "check `--withdrawal-queue`, and `steth` and `wsteth` in the terms",
        )
    })
}

fn no_pool(pool: Address, weth: Address) -> Finding {
    let text = format!("at `{pool}` is no pool with Aave v3's interface that lends WETH `{weth}`");
    Finding::fatal(text, "check `--pool`, `--weth` and the chain")
}

fn no_queue(queue: Address) -> Finding {
    let text = format!("at `{queue}` is no withdrawal queue of Lido's");
    Finding::fatal(text, "check `--withdrawal-queue` and the chain")
}

fn refuses_ether(recipient: Address) -> Finding {
    let text = format!("the recipient `{recipient}` does not accept ETH, so that nothing could be claimed");
    Finding::fatal(text, "name an account that accepts ETH from anyone")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::DEV_CHAIN;
    use alloy::primitives::{U256, address};
    use levee::model::Wei;

    const DEBTOR: Address = Address::repeat_byte(0x11);
    const KNOWN: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");

    fn stands(debt: u128, valued: Option<(u64, u64)>) -> Debtor {
        let valued = valued.map(|(collateral, debts)| Valued {
            collateral: U256::from(collateral),
            debts: U256::from(debts),
        });
        Debtor { debt: Wei::new(debt), valued }
    }

    #[test]
    fn collateral_is_fatal_unless_it_is_locked() {
        let found = |debt, valued| of_debtor(DEBTOR, &stands(debt, valued));
        assert_eq!(found(1, Some((0, 7))), []);
        let text = format!(
            "the debtor `{DEBTOR}` has collateral, which the pool values at 142.85 % of its debts: a repayment could free it"
        );
        let all = found(1, Some((1_000, 700)));
        assert_eq!(all, [Finding::unless_locked(text.clone())]);
        let refused = require_none(all, false).unwrap_err();
        assert_eq!(refused.to_string(), text);
        assert_eq!(require_none(found(1, Some((1_000, 700))), true).unwrap(), [text]);
        let unknown = "the pool does not tell what collateral the debtor";
        assert!(require_none(found(1, None), false).unwrap_err().to_string().starts_with(unknown));
    }

    #[test]
    fn who_owes_nothing_is_warned_of() {
        let all = of_debtor(DEBTOR, &stands(0, Some((0, 0))));
        let warned = require_none(all, false).unwrap();
        assert!(warned[0].contains("owes nothing at the variable rate now"), "{warned:?}");
        // Without debts, nothing measures the collateral; but it can be borrowed against.
        let all = of_debtor(DEBTOR, &stands(0, Some((5, 0))));
        let text = format!("the debtor `{DEBTOR}` has collateral: a repayment could free it");
        assert_eq!(all[0], Finding::unless_locked(text));
    }

    #[test]
    fn the_rest_goes_to_somebody_who_can_use_it() {
        let [rest, pool] = [3, 4].map(Address::repeat_byte);
        let fatal = |chain, rest| of_rest(chain, rest, DEBTOR, &[pool]).map(|finding| finding.text);
        assert_eq!(fatal(1, rest), None);
        assert_eq!(fatal(DEV_CHAIN, KNOWN), None);
        let public = format!(
            "the account for the rest `{KNOWN}` is an account of development nodes, whose key is public"
        );
        assert_eq!(fatal(1, KNOWN), Some(public));
        let starts = |rest, text: &str| fatal(1, rest).is_some_and(|found| found.contains(text));
        assert!(starts(pool, "is a contract that the receiver deals with"));
        assert!(starts(Address::with_last_byte(9), "is a precompile"));
        assert!(starts(Address::repeat_byte(0xff), "is a burn address"));
        assert!(starts(DEBTOR, "is also the account for the rest"));
    }

    #[test]
    fn a_queue_is_lidos_and_that_of_the_terms() {
        let mainnet = Network::of(1).unwrap();
        let (steth, wsteth) = mainnet.lido().unwrap();
        let tokens = QueueTokens { steth, wsteth };
        let found = |network, queue| of_queue(network, queue, tokens, None).map(|finding| finding.text);
        assert_eq!(found(Some(mainnet), mainnet.withdrawal_queue), None);
        assert_eq!(found(None, DEBTOR), None);
        let foreign = format!("the withdrawal queue `{DEBTOR}` is not Lido's on this chain");
        assert_eq!(found(Some(mainnet), DEBTOR), Some(foreign));
        let mut terms =
            crate::commands::terms::tests::parse(&crate::commands::terms::tests::text()).unwrap().terms;
        assert_eq!(of_queue(None, DEBTOR, tokens, Some(&terms)), None);
        terms.wsteth = DEBTOR;
        let found = of_queue(None, DEBTOR, tokens, Some(&terms)).unwrap();
        assert!(found.text.ends_with("which are not those of the terms"), "{}", found.text);
        (terms.steth, terms.wsteth) = Default::default();
        assert_eq!(of_queue(None, DEBTOR, tokens, Some(&terms)), None);
    }
}
