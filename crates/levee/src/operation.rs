//! Operations on the chain: which transaction makes one, and what came of it, in the words of the rules.
//!
//! The transaction of an operation is the same whoever sends it: a key, a multisig, or an EVM in the same process.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use levee_model::{
    Amount, Asset, Goal, Operation, Payment, Pledge, PositionId, Refusal, Refused, RescueEvent, Route, Wei,
};
use serde::{Serialize, Serializer};

use crate::{
    bindings::{BonusPool as B, PledgeEscrow as E, PledgeRouter as R, RecoveryPool as P, StETH},
    blueprint::{Blueprint, Contract},
    bonus::BonusEvent,
    edition::Edition,
    error::Error,
    event::Event,
    recovery::RecoveryEvent,
    router::Permit,
    terms::seconds,
};

/// What to call, with which data and how much ETH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transaction {
    /// The kind of contract, whose errors and events it may cause.
    pub contract: Contract,
    /// The contract to be called.
    #[serde(with = "levee_model::json::Account")]
    pub to: Address,
    /// The ETH to be sent with the call.
    #[serde(rename = "valueWei")]
    pub value: Wei,
    /// The call's data, in hexadecimal digits.
    #[serde(rename = "data")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub input: Bytes,
}

/// Where the contracts are that operations of one rescue call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Contracts {
    /// The escrow.
    #[serde(with = "levee_model::json::Account")]
    pub escrow: Address,
    /// Its recovery pool.
    #[serde(rename = "recoveryPool", with = "levee_model::json::Account")]
    pub recovery: Address,
    /// Its bonus pool.
    #[serde(rename = "bonusPool", with = "levee_model::json::Account")]
    pub bonus: Address,
    /// The router, for pledges through it.
    #[serde(serialize_with = "router")]
    #[cfg_attr(feature = "schema", schemars(with = "levee_model::json::AccountOrNone"))]
    pub router: Option<Address>,
}

fn router<S: Serializer>(router: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
    levee_model::json::AccountOrNone::serialize(&router.unwrap_or_default(), serializer)
}

impl Transaction {
    pub(crate) fn new(contract: Contract, to: Address, value: Wei, call: &impl SolCall) -> Self {
        Self { contract, to, value, input: call.abi_encode().into() }
    }

    /// The transaction as `from` would send it, without nonce and gas.
    pub fn request(&self, from: Address) -> TransactionRequest {
        TransactionRequest::default()
            .with_from(from)
            .with_to(self.to)
            .with_value(U256::from(self.value.get()))
            .with_input(self.input.clone())
    }
}

impl Contracts {
    /// The escrow at `escrow` and its pools, whose addresses follow from it and its edition; no router.
    pub fn of(escrow: Address, edition: Edition) -> Self {
        let pool = |blueprint: Blueprint| blueprint.in_edition(edition).address();
        let (recovery, bonus) = (Blueprint::recovery_pool(escrow), Blueprint::bonus_pool(escrow));
        Self { escrow, recovery: pool(recovery), bonus: pool(bonus), router: None }
    }

    /// The same with a router.
    #[must_use]
    pub const fn through(self, router: Address) -> Self {
        Self { router: Some(router), ..self }
    }

    /// The transaction of an operation. For a token, the router needs an allowance; see also [`pledge`](Self::pledge).
    ///
    /// # Errors
    /// [`Error::Unencodable`] if a new deadline exceeds 40 bits; [`Error::NoRouter`] for a pledge through a router that is
    /// not given.
    pub fn transaction(&self, operation: Operation) -> Result<Transaction, Error> {
        use Operation as O;
        Ok(match operation {
            O::Pledge(pledge) => self.pledge(pledge, None)?,
            O::Settle => self.escrow(&E::settleCall {}),
            O::Expire => self.escrow(&E::expireCall {}),
            O::Lapse => self.escrow(&E::lapseCall {}),
            O::Release(asset) => self.escrow(&E::releaseCall { asset: asset as u8 }),
            O::Refund(PositionId { pledger, tier, asset }) => {
                self.escrow(&E::refundCall { pledger, tier, asset: asset as u8 })
            }
            O::RefundTo { tier, asset, to: recipient } => {
                self.escrow(&E::refundToCall { tier, asset: asset as u8, recipient })
            }
            O::Exit { tier, asset, to: recipient } => {
                self.escrow(&E::exitCall { tier, asset: asset as u8, recipient })
            }
            O::Decline(PositionId { pledger, tier, asset }) => {
                self.escrow(&E::declineCall { pledger, tier, asset: asset as u8 })
            }
            O::Object { tier, asset } => self.escrow(&E::objectCall { tier, asset: asset as u8 }),
            O::Collect { pledger, asset } => self.escrow(&E::collectCall { pledger, asset: asset as u8 }),
            O::CollectTo { asset, to: recipient } => {
                self.escrow(&E::collectToCall { asset: asset as u8, recipient })
            }
            O::Amend(Goal { target, deadline, terms_hash }) => {
                let (target, deadline) = (U256::from(target.get()), seconds(deadline, "deadline")?);
                self.escrow(&E::amendCall { target, deadline, termsHash: terms_hash })
            }
            O::Cancel => self.escrow(&E::cancelCall {}),
            O::Recover(amount) => self.recovery(amount, &P::recoverCall {}),
            O::Claim(PositionId { pledger, tier, asset }) => {
                self.recovery(Wei::ZERO, &P::claimCall { pledger, tier, asset: asset as u8 })
            }
            O::ClaimTo { tier, asset, to: recipient } => {
                self.recovery(Wei::ZERO, &P::claimToCall { tier, asset: asset as u8, recipient })
            }
            O::AddBonus { sponsor, amount } => self.bonus(amount, &B::addCall { sponsor }),
            O::Enlist(PositionId { pledger, tier, asset }) => {
                self.bonus(Wei::ZERO, &B::enlistCall { pledger, tier, asset: asset as u8 })
            }
            O::ClaimBonus(PositionId { pledger, tier, asset }) => {
                self.bonus(Wei::ZERO, &B::claimCall { pledger, tier, asset: asset as u8 })
            }
            O::ClaimBonusTo { tier, asset, to: recipient } => {
                self.bonus(Wei::ZERO, &B::claimToCall { tier, asset: asset as u8, recipient })
            }
            O::TakeBack { sponsor } => self.bonus(Wei::ZERO, &B::takeBackCall { sponsor }),
            O::TakeBackTo { to: recipient } => self.bonus(Wei::ZERO, &B::takeBackToCall { recipient }),
        })
    }

    /// The approval with which the escrow may take so many units of a token, of stETH in stETH and not in shares: see
    /// [`Escrow::approval`](crate::Escrow::approval).
    pub fn allowance(&self, token: Address, units: U256) -> Transaction {
        let approve = StETH::approveCall { spender: self.escrow, amount: units };
        Transaction::new(Contract::PledgeEscrow, token, Wei::ZERO, &approve)
    }

    /// The transaction of a pledge. With a permit of the sender's for its token, the router needs no allowance.
    ///
    /// # Errors
    /// [`Error::NoRouter`].
    pub fn pledge(&self, pledge: Pledge, permit: Option<Permit>) -> Result<Transaction, Error> {
        match pledge.route {
            Route::Direct => Ok(self.directly(pledge)),
            Route::Router { .. } | Route::Weth { .. } => self.routed(pledge, permit),
        }
    }

    fn directly(&self, pledge: Pledge) -> Transaction {
        let Pledge { pledger, tier, amendment, .. } = pledge;
        let amount = number(pledge.amount);
        match pledge.amount {
            Amount::Eth(wei) => {
                Transaction { value: wei, ..self.escrow(&E::pledgeETHCall { pledger, tier, amendment }) }
            }
            Amount::StEth(_) => self.escrow(&E::pledgeStETHCall { pledger, tier, amendment, shares: amount }),
            Amount::WstEth(_) => self.escrow(&E::pledgeWstETHCall { pledger, tier, amendment, amount }),
        }
    }

    fn routed(&self, pledge: Pledge, permit: Option<Permit>) -> Result<Transaction, Error> {
        let (to, amount) = (self.destination(pledge), number(pledge.amount));
        match (pledge.amount, permit) {
            (Amount::Eth(wei), _) if !matches!(pledge.route, Route::Weth { .. }) => {
                self.router(wei, &R::pledgeETHCall { to })
            }
            (Amount::Eth(_), _) => self.router(Wei::ZERO, &R::pledgeWETHCall { to, amount }),
            (Amount::StEth(_), None) => self.router(Wei::ZERO, &R::pledgeStETHCall { to, shares: amount }),
            (Amount::StEth(_), Some(permit)) => {
                self.router(Wei::ZERO, &R::pledgeStETHWithPermitCall { to, shares: amount, permit })
            }
            (Amount::WstEth(_), None) => self.router(Wei::ZERO, &R::pledgeWstETHCall { to, amount }),
            (Amount::WstEth(_), Some(permit)) => {
                self.router(Wei::ZERO, &R::pledgeWstETHWithPermitCall { to, amount, permit })
            }
        }
    }

    fn destination(&self, pledge: Pledge) -> R::Destination {
        let Pledge { pledger, tier, amendment, route, .. } = pledge;
        let enlists = matches!(route, Route::Router { enlist: true } | Route::Weth { enlist: true });
        let bonus_pool = if enlists { self.bonus } else { Address::ZERO };
        R::Destination { escrow: self.escrow, pledger, tier, amendment, bonusPool: bonus_pool }
    }

    fn escrow(&self, call: &impl SolCall) -> Transaction {
        Transaction::new(Contract::PledgeEscrow, self.escrow, Wei::ZERO, call)
    }

    fn recovery(&self, value: Wei, call: &impl SolCall) -> Transaction {
        Transaction::new(Contract::RecoveryPool, self.recovery, value, call)
    }

    fn bonus(&self, value: Wei, call: &impl SolCall) -> Transaction {
        Transaction::new(Contract::BonusPool, self.bonus, value, call)
    }

    fn router(&self, value: Wei, call: &impl SolCall) -> Result<Transaction, Error> {
        let to = self.router.ok_or(Error::NoRouter)?;
        Ok(Transaction::new(Contract::PledgeRouter, to, value, call))
    }
}

/// An amount as the contracts count it.
fn number(amount: Amount) -> U256 {
    U256::from(amount.units().get())
}

/// The payments that the events of a call tell of; a call makes one at most. `Released` leaves its recipient, the
/// `beneficiary`, to the rules.
pub fn payments(events: &[Event], beneficiary: Address) -> Vec<Payment> {
    let mut payments = Vec::new();
    for event in events {
        match event {
            // What the event before it says has left the books, and not the escrow.
            Event::Rescue(RescueEvent::Owed { .. }) => drop(payments.pop()),
            event => payments.extend(payment(event, beneficiary)),
        }
    }
    payments
}

fn payment(event: &Event, beneficiary: Address) -> Option<Payment> {
    use RescueEvent as E;
    let (to, asset, amount) = match *event {
        Event::Rescue(E::Released { asset, amount, .. }) => (beneficiary, asset, amount),
        Event::Rescue(E::Declined { position, amount }) => (position.pledger, position.asset, amount),
        Event::Rescue(
            E::Exited { position, recipient, amount } | E::Refunded { position, recipient, amount },
        ) => (recipient, position.asset, amount),
        Event::Rescue(E::Collected { asset, recipient, amount, .. }) => (recipient, asset, amount),
        Event::Recovery(RecoveryEvent::Claimed { recipient, amount, .. })
        | Event::Bonus(
            BonusEvent::Claimed { recipient, amount, .. } | BonusEvent::Returned { recipient, amount, .. },
        ) => (recipient, Asset::Eth, Amount::Eth(amount).units()),
        _ => return None,
    };
    Some(Payment { to, asset, amount })
}

/// The rule by which an operation was refused; none if it failed by no rule.
pub fn refused(operation: Operation, error: &Error) -> Option<Refused> {
    match operation {
        Operation::Pledge(pledge) if error.is_of_token() => {
            Some(Refusal::TokenFailed { asset: pledge.amount.asset() }.into())
        }
        _ => error.refused(),
    }
}

impl Error {
    /// Whether a token refused the call, in words of its own or in none.
    pub const fn is_of_token(&self) -> bool {
        matches!(self, Self::TokenRefused { .. } | Self::UnknownRevert { .. })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use alloy::primitives::{B256, keccak256};
    use levee_model::Units;

    /// Some call with ETH.
    pub(crate) fn transaction() -> Transaction {
        let input = Bytes::from_static(&[0x8c, 0x45]);
        Transaction { contract: Contract::PledgeEscrow, to: [0xab; 20].into(), value: Wei::new(5), input }
    }

    const CONTRACTS: Contracts = Contracts {
        escrow: Address::repeat_byte(1),
        recovery: Address::repeat_byte(2),
        bonus: Address::repeat_byte(3),
        router: Some(ROUTER),
    };
    const ROUTER: Address = Address::repeat_byte(4);
    const TO: Address = Address::repeat_byte(9);

    fn id(asset: Asset) -> PositionId {
        PositionId { pledger: Address::repeat_byte(8), tier: 5, asset }
    }

    fn pledge(asset: Asset, route: Route) -> Pledge {
        let PositionId { pledger, tier, .. } = id(asset);
        Pledge { pledger, tier, amount: Units::new(7).of(asset), amendment: 6, route }
    }

    /// The contract that a transaction calls, the wei that it sends, and its data.
    fn is(transaction: &Transaction, to: Address, value: u128, signature: &str, arguments: &[B256]) {
        let words = arguments.iter().flatten().copied();
        let input: Vec<u8> = keccak256(signature)[..4].iter().copied().chain(words).collect();
        let found = (transaction.to, transaction.value.get(), transaction.input.to_vec());
        assert_eq!(found, (to, value, input), "{signature}");
    }

    fn word(number: u64) -> B256 {
        U256::from(number).into()
    }

    #[test]
    fn operations_are_calls_with_their_facts_in_the_order_of_the_interfaces() {
        use Operation as O;
        let Contracts { escrow, recovery, bonus, .. } = CONTRACTS;
        let (tier, asset, to, id) = (5, Asset::WstEth, TO, id(Asset::WstEth));
        let (pledger, amount) = (id.pledger, Wei::new(7));
        let goal = Goal { target: Wei::new(3), deadline: 4, terms_hash: B256::repeat_byte(5) };
        let whole = [pledger.into_word(), word(5), word(2)];
        let own = [word(5), word(2), TO.into_word()];
        let cases: [(O, Address, u128, &str, &[B256]); 22] = [
            (O::Settle, escrow, 0, "settle()", &[]),
            (O::Expire, escrow, 0, "expire()", &[]),
            (O::Lapse, escrow, 0, "lapse()", &[]),
            (O::Release(asset), escrow, 0, "release(uint8)", &[word(2)]),
            (O::Refund(id), escrow, 0, "refund(address,uint8,uint8)", &whole),
            (O::RefundTo { tier, asset, to }, escrow, 0, "refundTo(uint8,uint8,address)", &own),
            (O::Exit { tier, asset, to }, escrow, 0, "exit(uint8,uint8,address)", &own),
            (O::Decline(id), escrow, 0, "decline(address,uint8,uint8)", &whole),
            (O::Object { tier, asset }, escrow, 0, "object(uint8,uint8)", &own[..2]),
            (O::Collect { pledger, asset }, escrow, 0, "collect(address,uint8)", &[whole[0], word(2)]),
            (O::CollectTo { asset, to }, escrow, 0, "collectTo(uint8,address)", &own[1..]),
            (
                O::Amend(goal),
                escrow,
                0,
                "amend(uint256,uint40,bytes32)",
                &[word(3), word(4), goal.terms_hash],
            ),
            (O::Cancel, escrow, 0, "cancel()", &[]),
            (O::Recover(amount), recovery, 7, "recover()", &[]),
            (O::Claim(id), recovery, 0, "claim(address,uint8,uint8)", &whole),
            (O::ClaimTo { tier, asset, to }, recovery, 0, "claimTo(uint8,uint8,address)", &own),
            (O::AddBonus { sponsor: to, amount }, bonus, 7, "add(address)", &own[2..]),
            (O::Enlist(id), bonus, 0, "enlist(address,uint8,uint8)", &whole),
            (O::ClaimBonus(id), bonus, 0, "claim(address,uint8,uint8)", &whole),
            (O::ClaimBonusTo { tier, asset, to }, bonus, 0, "claimTo(uint8,uint8,address)", &own),
            (O::TakeBack { sponsor: to }, bonus, 0, "takeBack(address)", &own[2..]),
            (O::TakeBackTo { to }, bonus, 0, "takeBackTo(address)", &own[2..]),
        ];
        for (operation, to, value, signature, arguments) in cases {
            is(&CONTRACTS.transaction(operation).unwrap(), to, value, signature, arguments);
        }
    }

    #[test]
    fn a_pledge_sends_ether_or_names_an_amount_of_a_token() {
        let (Contracts { escrow, .. }, router) = (CONTRACTS, ROUTER);
        let check = |asset, route, to, value, signature: &str, arguments: &[B256]| {
            let transaction = CONTRACTS.transaction(Operation::Pledge(pledge(asset, route))).unwrap();
            is(&transaction, to, value, signature, arguments);
        };
        let named = [id(Asset::Eth).pledger.into_word(), word(5), word(6), word(7)];
        check(Asset::Eth, Route::Direct, escrow, 7, "pledgeETH(address,uint8,uint64)", &named[..3]);
        check(Asset::StEth, Route::Direct, escrow, 0, "pledgeStETH(address,uint8,uint64,uint256)", &named);
        check(Asset::WstEth, Route::Direct, escrow, 0, "pledgeWstETH(address,uint8,uint64,uint256)", &named);
        let destination =
            |bonus: Address| [escrow.into_word(), named[0], word(5), word(6), bonus.into_word(), word(7)];
        let (enlisted, plain) = (destination(CONTRACTS.bonus), destination(Address::ZERO));
        let to = "(address,address,uint8,uint64,address)";
        let signature = |name: &str, amount: &str| format!("{name}({to}{amount})");
        let (routed, weth) = (Route::Router { enlist: true }, Route::Weth { enlist: true });
        check(Asset::Eth, routed, router, 7, &signature("pledgeETH", ""), &enlisted[..5]);
        check(Asset::Eth, weth, router, 0, &signature("pledgeWETH", ",uint256"), &enlisted);
        let routed = Route::Router { enlist: false };
        check(Asset::StEth, routed, router, 0, &signature("pledgeStETH", ",uint256"), &plain);
        check(Asset::WstEth, routed, router, 0, &signature("pledgeWstETH", ",uint256"), &plain);
    }

    #[test]
    fn a_permit_comes_with_a_pledge_of_a_token() {
        let permit = Permit { value: U256::from(1), deadline: U256::from(2), v: 3, r: word(4), s: word(5) };
        let signed = "(uint256,uint256,uint8,bytes32,bytes32)";
        for (asset, name) in
            [(Asset::StEth, "pledgeStETHWithPermit"), (Asset::WstEth, "pledgeWstETHWithPermit")]
        {
            let pledge = pledge(asset, Route::Router { enlist: true });
            let transaction = CONTRACTS.pledge(pledge, Some(permit.clone())).unwrap();
            let signature = format!("{name}((address,address,uint8,uint64,address),uint256,{signed})");
            assert_eq!(transaction.input[..4], keccak256(signature)[..4], "{name}");
            let permit: Vec<u8> = (1..=5).flat_map(word).collect();
            assert!(transaction.input.ends_with(&permit), "{name}");
            assert_eq!((transaction.to, transaction.value), (ROUTER, Wei::ZERO));
        }
    }

    #[test]
    fn nothing_is_sent_to_a_router_that_is_not_given() {
        let contracts = Contracts { router: None, ..CONTRACTS };
        for asset in Asset::ALL {
            for route in [Route::Router { enlist: true }, Route::Weth { enlist: false }] {
                assert_eq!(contracts.pledge(pledge(asset, route), None), Err(Error::NoRouter));
            }
            assert!(contracts.pledge(pledge(asset, Route::Direct), None).is_ok());
        }
    }

    #[test]
    fn a_deadline_beyond_forty_bits_is_refused() {
        let goal = Goal { target: Wei::new(3), deadline: 1 << 40, terms_hash: B256::ZERO };
        let error = CONTRACTS.transaction(Operation::Amend(goal)).unwrap_err();
        assert_eq!(error, Error::Unencodable { what: "deadline" });
    }
}
