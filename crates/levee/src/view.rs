//! An escrow's views, decoded into the types of the model.

use levee_model::{
    Amendment, Asset, Goal, PledgingView, PositionView, PotView, RescueView, ShareRate, terms::MAX_TIERS,
};

use crate::{bindings::PledgeEscrow, convert, error::Error, terms};

/// Whether an escrow can say this: so that whoever divides by a target, or looks up a pot's tier, need not doubt.
fn is_possible(view: &RescueView) -> bool {
    let terms = &view.terms;
    let counts = [view.kept, view.delivered, view.held];
    let in_bounds = |count: u8| count <= terms.tranches;
    !terms.target.is_zero()
        && (1..=MAX_TIERS).contains(&terms.tiers.len())
        && terms.tranches > 0
        && view.pots.iter().all(|pot| pot.tier < terms.tier_count())
        && in_bounds(view.due)
        && counts.iter().all(|count| Asset::ALL.into_iter().all(|asset| in_bounds(count[asset])))
}

impl TryFrom<PledgeEscrow::RescueView> for RescueView {
    type Error = Error;

    fn try_from(page: PledgeEscrow::RescueView) -> Result<Self, Error> {
        let pots = page.pots.iter().map(PotView::try_from).collect::<Result<_, _>>()?;
        let coverage = Some(convert::wei(page.coverage)?).filter(|_| page.rateReadable);
        let view = Self {
            status: convert::status(page.status)?,
            end_reason: convert::end_reason(page.endReason)?,
            created_block: page.createdBlock.to(),
            terms: terms::decode(&page.terms)?,
            amendment: amendment(&page.amendment)?,
            pots,
            rate: share_rate(&page),
            coverage,
            threshold_met: convert::bps(page.thresholdMetBps),
            drawn: convert::wei(page.drawn)?,
            objected: convert::wei(page.objected)?,
            settled_at: convert::moment(page.settledAt),
            cancelled_at: convert::moment(page.cancelledAt),
            lapsed_at: convert::moment(page.lapsedAt),
            final_at: convert::moment(page.finalAt),
            due: page.due,
            kept: convert::per_asset(page.kept),
            delivered: convert::per_asset(page.delivered),
            held: convert::per_asset(page.held),
            returns_by_calendar: page.returnsByCalendar,
            next_tranche_at: convert::moment(page.nextTrancheAt),
        };
        if is_possible(&view) { Ok(view) } else { Err(Error::Malformed { what: "a rescue" }) }
    }
}

impl TryFrom<PledgeEscrow::PledgingView> for PledgingView {
    type Error = Error;

    fn try_from(view: PledgeEscrow::PledgingView) -> Result<Self, Error> {
        Ok(Self {
            status: convert::status(view.status)?,
            target: convert::wei(view.target)?,
            deadline: view.deadline.to(),
            amendment: amendment(&view.amendment)?,
        })
    }
}

fn share_rate(page: &PledgeEscrow::RescueView) -> ShareRate {
    match convert::rate(page.rate) {
        Some(rate) => ShareRate::Known(rate),
        None if page.rateReadable => ShareRate::NotNeeded,
        None => ShareRate::Unreadable,
    }
}

fn amendment(raw: &PledgeEscrow::Amendment) -> Result<Option<Amendment>, Error> {
    let Some(effective_at) = convert::moment(raw.effectiveAt) else { return Ok(None) };
    let goal =
        Goal { target: convert::wei(raw.target)?, deadline: raw.deadline.to(), terms_hash: raw.termsHash };
    Ok(Some(Amendment { goal, effective_at }))
}

impl TryFrom<&PledgeEscrow::PotView> for PotView {
    type Error = Error;

    fn try_from(pot: &PledgeEscrow::PotView) -> Result<Self, Error> {
        Ok(Self {
            tier: pot.tier,
            asset: convert::asset(pot.asset)?,
            total: convert::units(pot.total),
            drawn: convert::units(pot.drawn),
            delivered: convert::units(pot.delivered),
        })
    }
}

impl TryFrom<&PledgeEscrow::PositionView> for PositionView {
    type Error = Error;

    fn try_from(position: &PledgeEscrow::PositionView) -> Result<Self, Error> {
        Ok(Self {
            tier: position.tier,
            asset: convert::asset(position.asset)?,
            amount: convert::units(position.amount),
            refunded: convert::units(position.refunded),
            refundable: convert::units(position.refundable),
            weight: convert::wei(position.weight)?,
            objected: position.objected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AccountPosition, AccountView, Block, Contract, Contracts, Deployment, Edition, Executed, PoolBooks,
        PositionBonus, Receiver, Snapshot, TokenView, Tokens, Transaction, outbox::Fees,
    };
    use alloy::primitives::{Address, B256, Bytes, U256, address};
    use levee_model::{
        Asset, BonusShare, BonusView, Earnings, Enlistment, PositionId, Shares, UnitSeconds, Units, Wei,
    };
    use serde_json::json;

    /// The least that an escrow can say.
    fn page() -> PledgeEscrow::RescueView {
        let tier = PledgeEscrow::Tier { thresholdBps: 10_000, ..PledgeEscrow::Tier::default() };
        let target = U256::from(1_000_000_000);
        let terms = PledgeEscrow::Terms { target, tiers: vec![tier], tranches: 2, ..Default::default() };
        PledgeEscrow::RescueView { terms, ..Default::default() }
    }

    #[test]
    fn what_no_escrow_says_is_refused_instead_of_shown() {
        assert!(RescueView::try_from(page()).is_ok());
        let with = |change: fn(&mut PledgeEscrow::RescueView)| {
            let mut page = page();
            change(&mut page);
            RescueView::try_from(page)
        };
        let cases = [
            with(|page| page.terms.target = U256::ZERO),
            with(|page| page.terms.tiers.clear()),
            with(|page| page.terms.tiers = vec![page.terms.tiers[0].clone(); 9]),
            with(|page| page.terms.tranches = 0),
            with(|page| page.pots = vec![PledgeEscrow::PotView { tier: 1, ..Default::default() }]),
            with(|page| page.due = 3),
            with(|page| page.kept[1] = 3),
            with(|page| page.delivered[2] = 3),
            with(|page| page.held[0] = 3),
        ];
        for case in cases {
            assert_eq!(case, Err(Error::Malformed { what: "a rescue" }));
        }
    }

    #[test]
    fn a_snapshot_is_its_block_and_all_that_was_read() {
        let of = |number: u64| Some(U256::from(number));
        let position = PositionView {
            tier: 1,
            asset: Asset::Eth,
            amount: Units::new(2),
            refunded: Units::new(3),
            refundable: Units::new(4),
            weight: Wei::new(5),
            objected: false,
        };
        let enlistment = Enlistment {
            departures: 6,
            enlisted: Units::new(7),
            unit_seconds: UnitSeconds::new(U256::from(8)),
        };
        let share = BonusShare { share: Wei::new(9), claimed: true };
        let bonus = Some(PositionBonus { share, enlistment, is_current: true });
        let earnings = Some(Earnings { earned: Wei::new(10), claimed: Wei::new(11) });
        let token = TokenView { balance: of(12), escrow_allowance: of(13), router_allowance: None };
        let account = AccountView {
            positions: vec![AccountPosition { position, earnings, bonus }],
            balance: Wei::new(14),
            steth_shares: Some(Shares::new(15)),
            steth: token,
            ..AccountView::default()
        };
        let rescue = RescueView::try_from(page()).unwrap();
        let original = rescue.terms.clone();
        let block = Block { number: 16, parent_hash: B256::repeat_byte(17), time: 18 };
        let [escrow, recovery] = [20, 21].map(Address::repeat_byte);
        let bonus_pool = address!("ae7ab96520DE3A18E5e111B5EaAb095312D7fE84");
        let contracts = Contracts { escrow, recovery, bonus: bonus_pool, router: None };
        let snapshot = Snapshot {
            chain: 19,
            block,
            contracts,
            edition: Edition::V1,
            original,
            rescue,
            recovery: None,
            bonus: None,
            account,
        };
        let json = serde_json::to_value(&snapshot).unwrap();
        let none = json!({ "balance": null, "escrowAllowance": null, "routerAllowance": null });
        let expected = json!({
            "chain": 19,
            "block": { "number": 16, "parentHash": B256::repeat_byte(17).to_string(), "timeUnix": 18 },
            "contracts": {
                "escrow": escrow.to_string(), "recoveryPool": recovery.to_string(),
                "bonusPool": bonus_pool.to_string(), "router": null,
            },
            "edition": "v1", "original": snapshot.original,
            "rescue": snapshot.rescue, "recovery": null, "bonus": null,
            "account": {
                "positions": [{
                    "tier": 1, "asset": "ETH", "unit": "wei", "amount": "2", "refunded": "3", "refundable": "4",
                    "drawnValueWei": "5", "objected": false,
                    "earnings": { "earnedWei": "10", "claimedWei": "11" },
                    "bonus": {
                        "departures": 6, "enlisted": "7", "unitSeconds": "8", "shareWei": "9", "claimed": true,
                        "upToDate": true,
                    },
                }],
                "owed": { "ETH": "0", "stETH": "0", "wstETH": "0" },
                "balanceWei": "14", "stETHShares": "15",
                "stETH": { "balance": "12", "escrowAllowance": "13", "routerAllowance": null },
                "wstETH": none, "WETH": none,
            },
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_transaction_and_where_it_leads() {
        let [to, other] = [1, 2].map(Address::repeat_byte);
        let (contract, value, input) = (Contract::BonusPool, Wei::new(3), Bytes::from([4, 5]));
        let transaction = Transaction { contract, to, value, input };
        let expected =
            json!({ "contract": "BonusPool", "to": to.to_string(), "valueWei": "3", "data": "0x0405" });
        assert_eq!(serde_json::to_value(transaction).unwrap(), expected);
        let already = Deployment::Already { address: to };
        let expected = json!({ "deployment": "Already", "address": to.to_string() });
        assert_eq!(serde_json::to_value(already).unwrap(), expected);
        let transaction = B256::repeat_byte(6);
        let executed = Executed { transaction, block: 7, gas_used: 8, events: Vec::new() };
        let expected = json!({
            "deployment": "Created", "address": to.to_string(), "transaction": transaction.to_string(), "block": 7,
            "gasUsed": 8, "events": [],
        });
        let created = Deployment::Created { address: to, executed };
        assert_eq!(serde_json::to_value(created).unwrap(), expected);
        let tokens = Tokens { weth: to, steth: Address::ZERO, wsteth: other };
        let expected = json!({ "weth": to.to_string(), "steth": null, "wsteth": other.to_string() });
        assert_eq!(serde_json::to_value(tokens).unwrap(), expected);
        let unwinder = Receiver::StakedEtherUnwinder { withdrawal_queue: to, recipient: other };
        let expected = json!({
            "receiver": "StakedEtherUnwinder", "withdrawalQueue": to.to_string(), "recipient": other.to_string(),
        });
        assert_eq!(serde_json::to_value(unwinder).unwrap(), expected);
    }

    #[test]
    fn fees_are_numbers_of_wei() {
        let fees = Fees { gas_limit: 1, max_fee_per_gas: 2, priority_fee_per_gas: None, current_price: 3 };
        let expected = json!({
            "gasLimit": 1, "maxFeePerGasWei": "2", "priorityFeePerGasWei": null, "currentPriceWei": "3",
        });
        assert_eq!(serde_json::to_value(fees).unwrap(), expected);
    }

    #[test]
    fn the_books_of_the_pools_are_lists_by_position() {
        let (sponsor, pledger) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let id = PositionId { pledger, tier: 3, asset: Asset::StEth };
        let enlistment = Enlistment { departures: 4, enlisted: Units::new(5), ..Enlistment::default() };
        let books = PoolBooks {
            received: [(6, Wei::new(7))].into(),
            claimed: [(id, Wei::new(8))].into(),
            bonus: BonusView { total: Wei::new(9), decision: None },
            contributions: [(sponsor, Wei::new(10))].into(),
            enlistments: [(id, enlistment)].into(),
            bonus_claimed: [(id, Wei::new(11))].into(),
        };
        let paid = |amount: &str| json!([{ "pledger": pledger.to_string(), "tier": 3, "asset": "stETH", "amountWei": amount }]);
        let expected = json!({
            "receivedWei": { "6": "7" },
            "claimed": paid("8"),
            "bonus": { "totalWei": "9", "decision": null },
            "contributionsWei": { sponsor.to_string(): "10" },
            "enlistments": [{
                "pledger": pledger.to_string(), "tier": 3, "asset": "stETH", "unit": "stETH shares", "amount": "5",
                "departures": 4, "unitSeconds": "0",
            }],
            "bonusClaimed": paid("11"),
        });
        assert_eq!(serde_json::to_value(books).unwrap(), expected);
    }
}
