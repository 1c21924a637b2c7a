use std::slice;

use alloy::{
    consensus::{TxEip7702, TxLegacy},
    eips::eip7702::Authorization,
    primitives::{Address, B256, Bytes, U256, hex, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::SolCall,
};
use levee_model::{
    Amount, Asset, Bps, CompactOperation as C, Goal, Operation as O, Pledge, PositionId, Route, Shares,
    Terms, Units, Wei,
};
use proptest::prelude::*;

use super::*;
use crate::{
    aragon,
    bindings::{PledgeBoard, StETH, StakedEtherUnwinder, WETH, WstETH},
    compact::CodeStore,
    edition::Edition,
    error::Error,
    governor::{GovernorKind, Proposal, raw as gov},
    operation::{Contracts, Transaction},
    router::Permit,
    safe::{SafeCall, SafeOperation, SafeTransaction, raw::Wallet},
    terms::tests::terms,
};

const E: Address = Address::repeat_byte(0x11);
const POOL: Address = Address::repeat_byte(0x22);
const BONUS: Address = Address::repeat_byte(0x33);
const ROUTER: Address = Address::repeat_byte(0x44);
const ANN: Address = Address::repeat_byte(0x55);
const BEN: Address = Address::repeat_byte(0x66);
const STETH: Address = Address::repeat_byte(0x77);
const WSTETH: Address = Address::repeat_byte(0x88);
const OTHER: Address = Address::repeat_byte(0x99);
const COMPACT: Address = Address::repeat_byte(0xaa);

const CONTRACTS: Contracts = Contracts { escrow: E, recovery: POOL, bonus: BONUS, router: Some(ROUTER) };
const ETHER: u128 = 10u128.pow(18);

fn decoder() -> Decoder {
    Decoder::default().with_lido(STETH, WSTETH).with_compact(COMPACT)
}

fn raw(to: Address, value: u128, data: Vec<u8>) -> RawCall {
    RawCall::new(Some(ANN), to, U256::from(value), data.into())
}

fn of(transaction: Transaction) -> RawCall {
    raw(transaction.to, transaction.value.get(), transaction.input.to_vec())
}

fn operation(operation: O) -> RawCall {
    of(CONTRACTS.transaction(operation).unwrap())
}

fn pledge(amount: Amount, pledger: Address, amendment: u64, route: Route) -> Pledge {
    Pledge { pledger, tier: 2, amount, amendment, route }
}

/// A call of the compact, for whose proposals the code is on the chain.
fn compact(operation: &C) -> RawCall {
    let data = crate::compact::encode(operation, &CodeStore::of(Edition::LATEST).addresses()).unwrap();
    raw(COMPACT, 0, data.to_vec())
}

/// Without a node, only the address tells a compact from a token or a pool that has a function of the same name.
#[test]
fn what_a_compact_shares_with_other_contracts_is_noted() {
    let withdraw = C::Withdraw { call: 3 };
    let unsure = Decoder::default().read(compact(&withdraw));
    assert_eq!(unsure.sentence.to_string(), format!("withdraw 3 units of {COMPACT} in {COMPACT}"));
    let note = format!(
        "if {COMPACT} is a compact, it does something else: withdraw the approval of call 3 of the compact {COMPACT}"
    );
    assert_eq!(unsure.notes, [note]);
    assert_eq!(decoder().read(compact(&withdraw)).notes, [""; 0]);
    let weth = raw(STETH, 0, compact(&withdraw).data.to_vec());
    assert_eq!(decoder().read(weth).notes, [""; 0], "it is known to be a token");
}

/// Whoever proposes code of their own could have members pay into it.
#[test]
fn a_proposal_with_other_code_is_unknown() {
    let proposal = crate::compact::proposal(terms(), Edition::LATEST, 1, Bps::new(2_500)).unwrap();
    let data = crate::compact::encode(&C::Propose { member: ANN, proposal }, &[OTHER]).unwrap();
    let meaning = decoder().read(raw(COMPACT, 0, data.to_vec()));
    assert_eq!(meaning.notes, ["it is a proposal whose code is not that of Levee's escrows"]);
    assert!(meaning.has_unknown());
}

#[test]
fn the_creation_of_a_compact_shows_its_terms() {
    let terms = crate::compact::tests::terms();
    let blueprint = Blueprint::compact(&terms);
    let data = [blueprint.salt().as_slice(), &blueprint.init_code()].concat();
    let meaning = decoder().read(raw(CREATE2_DEPLOYER, 0, data));
    assert_eq!(meaning.sentence.to_string(), format!("create the compact at {}", blueprint.address()));
    assert_eq!(meaning.compact_terms.as_deref(), Some(&terms));
    assert_eq!(meaning.terms, None);
}

fn permit() -> Permit {
    Permit { value: U256::from(9), deadline: U256::from(10), v: 27, r: B256::ZERO, s: B256::ZERO }
}

fn words(call: RawCall) -> String {
    decoder().read(call).sentence.to_string()
}

/// Calls whose words say everything that is in them.
fn told() -> Vec<(RawCall, String)> {
    let half = Amount::Eth(Wei::new(ETHER / 2));
    let shares = Amount::StEth(Shares::new(7));
    let wsteth = Amount::WstEth(Units::new(3 * ETHER));
    let ann = PositionId { pledger: ANN, tier: 5, asset: Asset::WstEth };
    let (tier, asset, to) = (5, Asset::StEth, BEN);
    let direct = |amount| operation(O::Pledge(pledge(amount, BEN, 0, Route::Direct)));
    let goal =
        Goal { target: Wei::new(2 * ETHER), deadline: 1_785_542_400, terms_hash: B256::repeat_byte(1) };
    let declaration = PledgeBoard::Declaration {
        escrow: E,
        stage: 1,
        tier: 2,
        amount: U256::from(ETHER),
        expiry: "1785542400".parse().unwrap(),
        link: "https://x.example/ \"a\" to tier 3".into(),
    };
    let wei = U256::from(ETHER);
    let proposal = crate::compact::proposal(terms(), Edition::LATEST, 1, Bps::new(2_500)).unwrap();
    vec![
        (direct(half), format!("pledge 0.5 ETH to tier 2 of {E} for {BEN}")),
        (direct(shares), format!("pledge 7 shares to tier 2 of {E} for {BEN}")),
        (direct(wsteth), format!("pledge 3 wstETH to tier 2 of {E} for {BEN}")),
        (
            operation(O::Pledge(pledge(half, ANN, 1_785_542_400, Route::Direct))),
            format!("pledge 0.5 ETH to tier 2 of {E} knowing the amendment of 2026-08-01T00:00:00Z"),
        ),
        (
            operation(O::Pledge(pledge(half, ANN, 0, Route::Router { enlist: true }))),
            format!(
                "pledge 0.5 ETH to tier 2 of {E} through the router {ROUTER} enlisted in the pool {BONUS}"
            ),
        ),
        (
            operation(O::Pledge(pledge(half, BEN, 0, Route::Weth { enlist: false }))),
            format!("pledge 0.5 WETH to tier 2 of {E} for {BEN} through the router {ROUTER}"),
        ),
        (
            operation(O::Pledge(pledge(shares, ANN, 0, Route::Router { enlist: false }))),
            format!("pledge 7 shares to tier 2 of {E} through the router {ROUTER}"),
        ),
        (
            operation(O::Pledge(pledge(wsteth, ANN, 0, Route::Router { enlist: false }))),
            format!("pledge 3 wstETH to tier 2 of {E} through the router {ROUTER}"),
        ),
        (operation(O::Settle), format!("settle {E}")),
        (operation(O::Expire), format!("expire {E}")),
        (operation(O::Lapse), format!("lapse {E}")),
        (operation(O::Cancel), format!("cancel {E}")),
        (operation(O::Release(Asset::WstEth)), format!("release wstETH of {E}")),
        (operation(O::Refund(ann)), format!("refund wstETH in tier 5 of {E} for {ANN}")),
        (operation(O::RefundTo { tier, asset, to }), format!("refund stETH in tier 5 of {E} to {BEN}")),
        (operation(O::Exit { tier, asset, to }), format!("exit with stETH in tier 5 of {E} to {BEN}")),
        (operation(O::Decline(ann)), format!("decline wstETH in tier 5 of {E} for {ANN}")),
        (operation(O::Object { tier, asset }), format!("object with stETH in tier 5 of {E}")),
        (operation(O::Collect { pledger: ANN, asset }), format!("collect stETH of {E} for {ANN}")),
        (operation(O::CollectTo { asset, to }), format!("collect stETH of {E} to {BEN}")),
        (
            operation(O::Amend(goal)),
            format!(
                "amend {E} to a target of 2 ETH a deadline of 2026-08-01T00:00:00Z and the terms hash {}",
                B256::repeat_byte(1)
            ),
        ),
        (operation(O::Recover(Wei::new(ETHER))), format!("recover 1 ETH into the pool {POOL}")),
        (operation(O::Claim(ann)), format!("claim for wstETH in tier 5 from the pool {POOL} for {ANN}")),
        (
            operation(O::ClaimTo { tier, asset, to }),
            format!("claim for stETH in tier 5 from the pool {POOL} to {BEN}"),
        ),
        (
            operation(O::ClaimBonus(ann)),
            format!("claim for wstETH in tier 5 from the pool {BONUS} for {ANN}"),
        ),
        (
            operation(O::ClaimBonusTo { tier, asset, to }),
            format!("claim for stETH in tier 5 from the pool {BONUS} to {BEN}"),
        ),
        (
            operation(O::AddBonus { sponsor: ANN, amount: Wei::new(1) }),
            format!("add 0.000000000000000001 ETH to the bonus in {BONUS}"),
        ),
        (
            operation(O::AddBonus { sponsor: BEN, amount: Wei::new(1) }),
            format!("add 0.000000000000000001 ETH to the bonus in {BONUS} for {BEN}"),
        ),
        (operation(O::Enlist(ann)), format!("enlist wstETH in tier 5 in the pool {BONUS} for {ANN}")),
        (operation(O::TakeBack { sponsor: ANN }), format!("take back the bonus in {BONUS} for {ANN}")),
        (operation(O::TakeBackTo { to }), format!("take back the bonus in {BONUS} to {BEN}")),
        (
            raw(OTHER, 0, PledgeBoard::declareCall { declaration }.abi_encode()),
            format!(
                "declare as Proposed a pledge of 1 ETH to tier 2 of {E} until 2026-08-01T00:00:00Z with the link \
                 \"https://x.example/ \\\"a\\\" to tier 3\" on the board {OTHER}"
            ),
        ),
        (
            raw(
                OTHER,
                0,
                StakedEtherUnwinder::claimCall {
                    requestIds: vec![U256::from(1), U256::from(2)],
                    hints: vec![],
                }
                .abi_encode(),
            ),
            format!("claim the withdrawals [1,2] with the hints [] of {OTHER}"),
        ),
        (
            raw(OTHER, 0, StakedEtherUnwinder::requestCall {}.abi_encode()),
            format!("request the withdrawals of {OTHER}"),
        ),
        (
            raw(STETH, 0, StETH::approveCall { spender: E, amount: wei }.abi_encode()),
            format!("approve {E} to spend 1 stETH"),
        ),
        (
            raw(WSTETH, 0, WstETH::approveCall { spender: E, units: U256::MAX }.abi_encode()),
            format!("approve {E} to spend unlimited wstETH"),
        ),
        (
            raw(OTHER, 0, WstETH::approveCall { spender: E, units: wei }.abi_encode()),
            format!("approve {E} to spend 1000000000000000000 units of {OTHER}"),
        ),
        (
            raw(OTHER, 0, StETH::transferCall { to: BEN, amount: wei }.abi_encode()),
            format!("transfer 1000000000000000000 units of {OTHER} to {BEN}"),
        ),
        (
            raw(STETH, 0, StETH::transferFromCall { from: ANN, to: BEN, amount: wei }.abi_encode()),
            format!("transfer 1 stETH to {BEN} from {ANN}"),
        ),
        (
            raw(STETH, 0, StETH::transferSharesCall { to: BEN, shares: wei }.abi_encode()),
            format!("transfer 1000000000000000000 shares to {BEN} in shares"),
        ),
        (
            raw(WSTETH, 0, WstETH::wrapCall { stETHAmount: wei }.abi_encode()),
            format!("wrap 1 stETH in {WSTETH}"),
        ),
        (
            raw(WSTETH, 0, WstETH::unwrapCall { units: wei }.abi_encode()),
            format!("unwrap 1 wstETH in {WSTETH}"),
        ),
        (raw(OTHER, ETHER, WETH::depositCall {}.abi_encode()), format!("deposit 1 ETH in {OTHER}")),
        (compact(&C::Admit { account: BEN }), format!("admit {BEN} to the compact {COMPACT}")),
        (
            compact(&C::Commit { amount: Units::new(ETHER) }),
            format!("commit 1 wstETH to the compact {COMPACT}"),
        ),
        (
            compact(&C::TakeBack { recipient: BEN }),
            format!("take back what is pending in the compact {COMPACT} to {BEN}"),
        ),
        (
            compact(&C::Activate { member: ANN }),
            format!("activate what is pending in the compact {COMPACT} for {ANN}"),
        ),
        (
            compact(&C::Notice { amount: Units::new(ETHER / 4) }),
            format!("put 0.25 wstETH under notice in the compact {COMPACT}"),
        ),
        (
            compact(&C::Leave { recipient: BEN }),
            format!("leave with what is under notice in the compact {COMPACT} to {BEN}"),
        ),
        (
            compact(&C::NameApprover { approver: BEN }),
            format!("name {BEN} to propose and approve in the compact {COMPACT}"),
        ),
        (
            compact(&C::NameApprover { approver: Address::ZERO }),
            format!("name nobody to propose and approve in the compact {COMPACT}"),
        ),
        (
            compact(&C::Propose { member: BEN, proposal: proposal.clone() }),
            format!(
                "propose a call for 2500 basis points to tier 1 of {} in the compact {COMPACT} for {BEN}",
                proposal.escrow
            ),
        ),
        (compact(&C::Approve { call: 3, member: ANN }), format!("approve call 3 of the compact {COMPACT}")),
        (
            compact(&C::Approve { call: 3, member: BEN }),
            format!("approve call 3 of the compact {COMPACT} for {BEN}"),
        ),
        (
            compact(&C::Withdraw { call: 3 }),
            format!("withdraw the approval of call 3 of the compact {COMPACT}"),
        ),
        (
            compact(&C::Fulfill { call: 3, members: vec![ANN, BEN] }),
            format!("fulfill call 3 of the compact {COMPACT} for [{ANN},{BEN}]"),
        ),
        (
            compact(&C::PayPremium { amount: Units::new(9) }),
            format!("pay a premium of 0.000000000000000009 wstETH into the compact {COMPACT}"),
        ),
        (
            compact(&C::Claim { member: BEN }),
            format!("claim the premiums of the compact {COMPACT} for {BEN}"),
        ),
        (raw(BEN, 1, Vec::new()), format!("send 0.000000000000000001 ETH to {BEN}")),
        (raw(E, 3, hex!("11da60b4").to_vec()), format!("settle {E} sending 0.000000000000000003 ETH")),
        (
            raw(OTHER, 3, hex!("deadbeef01").to_vec()),
            format!(
                "call {OTHER} with unknown data of {} sending 0.000000000000000003 ETH",
                keccak256(hex!("deadbeef01"))
            ),
        ),
        (
            raw(OTHER, 0, Wallet::approveHashCall { hashToApprove: B256::repeat_byte(5) }.abi_encode()),
            format!("approve the transaction {} of the Safe {OTHER}", B256::repeat_byte(5)),
        ),
        (
            raw(OTHER, 0, new_vote(true, false)),
            format!("start a vote in {OTHER} casting a vote: yes executing it once decided: no"),
        ),
        (
            raw(OTHER, 0, gov::Governor::castVoteCall { proposalId: wei, support: 1 }.abi_encode()),
            format!("vote for on proposal 1000000000000000000 of the governor {OTHER}"),
        ),
    ]
}

/// A vote about nothing.
fn new_vote(cast: bool, execute: bool) -> Vec<u8> {
    aragon::raw::newVote_1Call {
        script: aragon::script(ANN, []),
        metadata: String::new(),
        castVote: cast,
        executesIfDecided: execute,
    }
    .abi_encode()
}

fn expects(sentences: &[String], calls: &[Meaning]) -> Result<(), Error> {
    Expectation::new(sentences.to_vec()).check(calls)
}

#[test]
fn each_call_is_told_in_words() {
    for (call, sentence) in told() {
        assert_eq!(words(call), sentence);
    }
}

#[test]
fn what_is_printed_is_what_can_be_expected() {
    for (call, sentence) in told() {
        let meaning = decoder().read(call);
        assert_eq!(expects(slice::from_ref(&sentence), &[meaning]), Ok(()), "{sentence}");
    }
}

/// Another value of the same kind.
fn changed(value: &Value) -> Value {
    match value.clone() {
        Value::Quantity(Quantity { number: Some(number), unit }) => {
            Quantity::new(number.wrapping_add(U256::from(1)), unit).into()
        }
        Value::Quantity(Quantity { number: None, unit }) => Quantity::new(U256::ZERO, unit).into(),
        Value::Account(account) => Address::from_word(keccak256(account.unwrap_or_default())).into(),
        Value::Accounts(accounts) => [accounts, vec![Address::ZERO]].concat().into(),
        Value::Asset(asset) => if asset == Asset::Eth { Asset::StEth } else { Asset::Eth }.into(),
        Value::Small(number) => (number + 1).into(),
        Value::Time(time) => (time + 1).into(),
        Value::Number(number) => (number + U256::from(1)).into(),
        Value::Numbers(numbers) => [numbers, vec![U256::from(1)]].concat().into(),
        Value::Hash(hash) => keccak256(hash).into(),
        Value::Selector(selector) => keccak256(selector).into(),
        Value::Name(_) => "other".into(),
        Value::Text(text) => format!("{text}.").into(),
    }
}

#[test]
fn whatever_is_changed_is_named() {
    for (call, sentence) in told() {
        let meaning = decoder().read(call);
        let pieces = &meaning.sentence.pieces;
        for (index, piece) in pieces.iter().enumerate() {
            let sentence::Piece::Value(name, value) = piece else { continue };
            let mut other = meaning.sentence.clone();
            other.pieces[index] = sentence::Piece::Value(name, changed(value));
            let error = expects(&[other.to_string()], slice::from_ref(&meaning)).unwrap_err();
            let expected = Error::NotAsExpected {
                call: 1,
                part: name,
                expected: changed(value).to_string(),
                found: value.to_string(),
                meaning: sentence.clone(),
            };
            assert_eq!(error, expected);
        }
    }
}

#[test]
fn a_sentence_says_no_less_and_no_more_than_the_call() {
    let call =
        decoder().read(operation(O::Pledge(pledge(Amount::Eth(Wei::new(ETHER)), BEN, 0, Route::Direct))));
    let part = |sentence: String| match expects(&[sentence], slice::from_ref(&call)).unwrap_err() {
        Error::NotAsExpected { part, expected, found, .. } => (part, expected, found),
        other => panic!("{other}"),
    };
    let (sentence, nothing) = (format!("pledge 1 ETH to tier 2 of {E}"), String::new);
    assert_eq!(part(sentence.clone()), ("pledger", nothing(), format!("for {BEN}")));
    assert_eq!(
        part(format!("{sentence} for {BEN} to me")),
        ("pledger", format!("{BEN} to me"), BEN.to_string())
    );
    assert_eq!(part(format!("decline ETH in tier 2 of {E} for {BEN}")).0, "call");
    let own =
        decoder().read(operation(O::Pledge(pledge(Amount::Eth(Wei::new(ETHER)), ANN, 0, Route::Direct))));
    assert_eq!(expects(slice::from_ref(&sentence), slice::from_ref(&own)), Ok(()));
    let settle = decoder().read(operation(O::Settle));
    let error = expects(&[format!("settle {E} sending 1 wei")], &[settle]).unwrap_err();
    let Error::NotAsExpected { part: "rescue", .. } = error else { panic!("{error}") };
}

/// A text of a declaration or a proposal can have pages, and a refusal is one line.
#[test]
fn a_long_value_is_cut_in_what_is_told_and_whole_in_the_facts() {
    let long = "1".repeat(5_000);
    let settle = decoder().read(operation(O::Settle));
    let error = expects(&[format!("settle {long}")], slice::from_ref(&settle)).unwrap_err();
    let message = format!(
        "call 1 differs in its rescue: expected `{}…`, but found `{E}`; it is `settle {E}`",
        &long[..80]
    );
    assert_eq!(error.to_string(), message);
    assert!(matches!(error, Error::NotAsExpected { expected, .. } if expected == long));
    let missing = expects(&[format!("settle {E}"), long.clone()], &[settle]).unwrap_err();
    assert_eq!(missing.to_string(), format!("there is no call for `{}…`", &long[..320]));
}

#[test]
fn amounts_are_compared_by_value() {
    let call =
        decoder().read(operation(O::Pledge(pledge(Amount::Eth(Wei::new(ETHER / 2)), ANN, 0, Route::Direct))));
    for amount in ["0.50 ETH", "500000000 gwei", "500000000000000000 wei", "0.5 ether", "0.5 eth,"] {
        assert_eq!(
            expects(&[format!("Pledge {amount} to tier 2 of {E}")], slice::from_ref(&call)),
            Ok(()),
            "{amount}"
        );
    }
    for amount in ["0.5 WETH", "0.5 stETH", "0.5", "0.500000000000000001 ETH", "all ETH"] {
        expects(&[format!("pledge {amount} to tier 2 of {E}")], slice::from_ref(&call)).unwrap_err();
    }
}

#[test]
fn no_other_unit_is_read_as_that_of_a_call() {
    let steth = StETH::approveCall { spender: E, amount: U256::from(5 * ETHER) }.abi_encode();
    let call = decoder().read(raw(STETH, 0, steth));
    for (unit, is_it) in [("stETH", true), ("stWETH", false), ("WETH", false), ("ETH", false)] {
        let sentence = format!("approve {E} to spend 5.0 {unit}");
        assert_eq!(expects(&[sentence], slice::from_ref(&call)).is_ok(), is_it, "{unit}");
    }
    let weth =
        operation(O::Pledge(pledge(Amount::Eth(Wei::new(5 * ETHER)), ANN, 0, Route::Weth { enlist: false })));
    for (unit, is_it) in [("WETH", true), ("ETH", false), ("stWETH", false), ("wstWETH", false)] {
        let sentence = format!("pledge 5.0 {unit} to tier 2 of {E} through the router {ROUTER}");
        assert_eq!(expects(&[sentence], &[decoder().read(weth.clone())]).is_ok(), is_it, "{unit}");
    }
}

#[test]
fn an_amount_of_steth_needs_to_be_known_in_shares() {
    let call =
        decoder().read(operation(O::Pledge(pledge(Amount::StEth(Shares::new(7)), ANN, 0, Route::Direct))));
    let expectation = Expectation::new(vec![format!("pledge 2500 stETH to tier 2 of {E}")]);
    let amount = Wei::new(2_500 * ETHER);
    assert_eq!(expectation.amounts_of_steth(), [amount]);
    let calls = slice::from_ref(&call);
    let Err(Error::NotAsExpected { part: "amount", .. }) = expectation.check(calls) else {
        panic!("accepted")
    };
    assert_eq!(expectation.clone().knowing(amount, Shares::new(7)).check(calls), Ok(()));
    expectation.knowing(amount, Shares::new(8)).check(calls).unwrap_err();
}

#[test]
fn tokens_are_known_by_their_address_on_their_chain() {
    let network = crate::network::Network::of(1).unwrap();
    let approve = |token, chain| {
        let data = StETH::approveCall { spender: E, amount: U256::from(ETHER) }.abi_encode();
        Decoder::on(chain).read(raw(token, 0, data)).sentence.to_string()
    };
    let tokens = network.tokens;
    for (token, name) in [(tokens.steth, "stETH"), (tokens.wsteth, "wstETH"), (tokens.weth, "WETH")] {
        assert_eq!(approve(token, 1), format!("approve {E} to spend 1 {name}"));
        assert_eq!(approve(token, 5), format!("approve {E} to spend {ETHER} units of {token}"));
    }
}

#[test]
fn each_call_must_be_expected_and_no_other() {
    let approve =
        decoder().read(raw(STETH, 0, StETH::approveCall { spender: E, amount: U256::from(1) }.abi_encode()));
    let settle = decoder().read(operation(O::Settle));
    let said = |meaning: &Meaning| meaning.sentence.to_string();
    let both = [approve.clone(), settle.clone()];
    assert_eq!(expects(&[said(&approve), said(&settle)], &both), Ok(()));
    let extra = |call, meaning| Err(Error::UnexpectedCall { call, found: said(meaning) });
    assert_eq!(expects(&[said(&settle)], &both), extra(1, &approve));
    assert_eq!(expects(&[said(&approve)], &both), extra(2, &settle));
    let missing = Error::MissingCall { expected: said(&settle) };
    assert_eq!(expects(&[said(&approve), said(&settle)], slice::from_ref(&approve)), Err(missing));
    let Err(Error::NotAsExpected { call: 1, part: "call", .. }) =
        expects(&[said(&settle), said(&approve)], &both)
    else {
        panic!("their order does not matter")
    };
}

#[test]
fn what_an_encoder_would_not_write_is_unknown() {
    let good = operation(O::Refund(PositionId { pledger: ANN, tier: 5, asset: Asset::Eth }));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut data = good.data.to_vec();
        change(&mut data);
        decoder().read(RawCall { data: data.into(), ..good.clone() })
    };
    let note = |meaning: Meaning| {
        assert_eq!(meaning.sentence.kind(), "unknown");
        assert!(meaning.has_unknown());
        meaning.notes.concat()
    };
    let signature = "refund(address,uint8,uint8)";
    assert_eq!(
        note(with(&|data| data.extend([0, 0]))),
        format!("{signature} is followed by 2 bytes that it does not have")
    );
    let broken = format!("its data is not how {signature} is encoded");
    assert_eq!(note(with(&|data| data[4] = 1)), broken);
    assert_eq!(note(with(&|data| data.truncate(99))), broken);
    assert_eq!(note(with(&|data| data[99] = 3)), "there is no asset 3");
    assert_eq!(note(with(&|data| data.truncate(3))), "no function has so little data");
    assert_eq!(
        note(with(&|data| data[0] ^= 1)),
        "the function 0xae37dee2 is not known".replace(
            "0xae37dee2",
            &format!(
                "{}",
                Bytes::copy_from_slice(&[good.data[0] ^ 1, good.data[1], good.data[2], good.data[3]])
            )
        )
    );
}

/// Nothing of a call can be changed without changing the words, or without its becoming unknown.
#[test]
fn every_bit_is_in_the_words() {
    for (call, sentence) in told() {
        for index in 0..call.data.len() * 8 {
            let mut data = call.data.to_vec();
            data[index / 8] ^= 1 << (index % 8);
            let meaning = decoder().read(RawCall { data: data.into(), ..call.clone() });
            assert_ne!(meaning.sentence.to_string(), sentence, "bit {index}");
        }
    }
}

/// A pledge and the approval that it needs.
fn two_calls() -> Vec<SafeCall> {
    let pledge = of(CONTRACTS
        .transaction(O::Pledge(pledge(Amount::StEth(Shares::new(7)), ANN, 0, Route::Direct)))
        .unwrap());
    let approve = StETH::approveCall { spender: E, amount: U256::from(8) }.abi_encode();
    vec![
        SafeCall { to: STETH, value: U256::ZERO, data: approve.into() },
        SafeCall { to: E, value: U256::ZERO, data: pledge.data },
    ]
}

fn transactions() -> Vec<Transaction> {
    let transaction = |SafeCall { to, data, .. }: SafeCall| Transaction {
        contract: Contract::PledgeEscrow,
        to,
        value: Wei::ZERO,
        input: data,
    };
    two_calls().into_iter().map(transaction).collect()
}

fn lines(meaning: &Meaning) -> Vec<String> {
    let mut all = Vec::new();
    meaning.collect_effects(&mut all);
    all.iter().map(|meaning| meaning.sentence.to_string()).collect()
}

const APPROVE: &str =
    "approve 0x1111111111111111111111111111111111111111 to spend 0.000000000000000008 stETH";
const PLEDGE: &str = "pledge 7 shares to tier 2 of 0x1111111111111111111111111111111111111111";

/// The pledge where its sender is not known to be the pledger.
fn for_ann() -> String {
    format!("{PLEDGE} for {ANN}")
}

fn exec(transaction: SafeTransaction) -> RawCall {
    let SafeTransaction { to, value, data, operation, .. } = transaction;
    let call = Wallet::execTransactionCall {
        to,
        value,
        data,
        operation: operation.into(),
        safeTxGas: U256::ZERO,
        baseGas: U256::from(6),
        gasPrice: transaction.gas_price,
        gasToken: Address::ZERO,
        refundReceiver: transaction.refund_receiver,
        signatures: Bytes::new(),
    };
    raw(ANN, 0, call.abi_encode())
}

#[test]
fn the_calls_in_a_transaction_of_a_safe_are_its_own() {
    let multi_send = "40A2aCCbd92BCA938b02010E17A5b8929b49130D".parse().unwrap();
    let several = SafeTransaction::calls_through(multi_send, &two_calls(), 0);
    let executed = format!("execute by the Safe {ANN}");
    let meaning = decoder().read(exec(several.clone()));
    assert_eq!(lines(&meaning), [executed.as_str(), APPROVE, PLEDGE]);
    assert!(!meaning.has_unknown());
    let one = SafeTransaction::call(two_calls().remove(1), 0);
    assert_eq!(lines(&decoder().read(exec(one.clone()))), [executed.as_str(), PLEDGE]);
    let repaid = SafeTransaction { gas_price: U256::from(2), refund_receiver: BEN, ..one };
    let repayment = format!("repay gas at 0.000000000000000002 ETH each and 6 more to {BEN}");
    assert_eq!(lines(&decoder().read(exec(repaid))), [executed.as_str(), PLEDGE, &repayment]);
    let foreign = SafeTransaction { to: OTHER, ..several };
    let hash = keccak256(&foreign.data);
    let meaning = decoder().read(exec(foreign));
    let code = format!("run the code of {OTHER} as the Safe's own with the data {hash}");
    assert_eq!(lines(&meaning), [executed, code]);
    assert!(meaning.has_unknown());
}

#[test]
fn the_calls_of_multicall3_are_its_own_and_may_fail_or_not() {
    use crate::{bindings::Multicall3 as M, multicall::MULTICALL3};
    let one = |(SafeCall { to: target, data, .. }, may_fail)| M::Call3 {
        target,
        allowFailure: may_fail,
        callData: data,
    };
    let data = |may_fail: [bool; 2]| {
        M::aggregate3Call { calls: two_calls().into_iter().zip(may_fail).map(one).collect() }.abi_encode()
    };
    let read = |may_fail| lines(&decoder().paid_by(ANN).read(raw(MULTICALL3, 0, data(may_fail))));
    let some = format!("make those that succeed by Multicall3 {MULTICALL3}");
    assert_eq!(read([true; 2]), [some, APPROVE.into(), for_ann()]);
    let all = format!("make all or none by Multicall3 {MULTICALL3}");
    assert_eq!(read([false; 2]), [all, APPROVE.into(), for_ann()]);
    for meaning in [
        decoder().read(raw(MULTICALL3, 0, data([true, false]))),
        decoder().read(raw(OTHER, 0, data([true; 2]))),
        decoder().read(raw(MULTICALL3, 0, [data([true; 2]), vec![0]].concat())),
    ] {
        assert!(meaning.has_unknown(), "{meaning:?}");
    }
}

/// Only a delegate call makes them the caller's own.
#[test]
fn calls_through_multi_send_are_its_own_unless_a_safe_runs_it() {
    let code: Address = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2".parse().unwrap();
    let several = SafeTransaction::calls_through(code, &two_calls(), 0);
    let data = several.data.clone();
    let by_multi_send = format!("execute by MultiSendCallOnly {code}");
    let own = [by_multi_send.clone(), APPROVE.into(), for_ann()];
    assert_eq!(lines(&decoder().paid_by(ANN).read(raw(code, 0, data.to_vec()))), own);
    let called = SafeTransaction { operation: SafeOperation::Call, ..several.clone() };
    let meaning = decoder().read(exec(called));
    assert_eq!(lines(&meaning)[1..], own);
    assert_eq!(meaning.calls[0].through, None);
    let meaning = decoder().read(exec(several.clone()));
    assert_eq!(meaning.calls.iter().map(|call| call.through).collect::<Vec<_>>(), [Some(code); 2]);
    let empty = SafeTransaction::calls_through(code, &[], 0);
    assert_eq!(decoder().read(exec(empty)).calls[0].sentence.kind(), "runCode");
    let bare = RawCall { data: data.clone(), ..RawCall::default() };
    let unnamed = "execute by MultiSendCallOnly an unnamed account".to_owned();
    assert_eq!(lines(&decoder().paid_by(ANN).read(bare.clone())), [unnamed, APPROVE.into(), for_ann()]);
    let meaning = decoder().read(RawCall { to: Some(OTHER), ..bare.clone() });
    assert_eq!(meaning.sentence.kind(), "unknown");
    let broken = RawCall { data: data[..data.len() - 32].to_vec().into(), ..bare };
    assert_eq!(decoder().read(broken).notes, ["its data is not a list of plain calls"]);
}

#[test]
fn the_script_of_a_vote_is_made_by_the_agent() {
    let script = aragon::script(ANN, two_calls());
    let by_agent = format!("execute by the Agent {ANN}");
    let expected = [by_agent.as_str(), APPROVE, &by_agent, PLEDGE];
    assert_eq!(lines(&decoder().read_script(&script).unwrap()), expected);
    let vote = aragon::raw::newVote_0Call { script: script.clone(), metadata: "Pledge\n".into() };
    let forward = aragon::raw::forwardCall { evmScript: aragon::script(OTHER, []) };
    let meaning = decoder().read(raw(OTHER, 0, vote.abi_encode()));
    assert_eq!(lines(&meaning)[..2], [format!("start a vote in {OTHER}"), by_agent.clone()]);
    assert_eq!(meaning.notes, ["its text, which none of its calls depends on: \"Pledge\\n\""]);
    assert_eq!(
        lines(&decoder().read(raw(OTHER, 0, forward.abi_encode()))),
        [format!("forward a script by {OTHER}")]
    );
    assert_eq!(
        decoder().read_script(&script).unwrap().sentence.to_string(),
        "make 2 calls by an unnamed account"
    );
    let one = aragon::script(ANN, two_calls().into_iter().take(1));
    assert_eq!(
        decoder().read_script(&one).unwrap().sentence.to_string(),
        "make 1 call by an unnamed account"
    );
    assert_eq!(decoder().read_script(&script[..script.len() - 1].to_vec().into()), None);
    // A function can have the same first bytes.
    assert_eq!(decoder().read(raw(OTHER, 0, script.to_vec())).sentence.kind(), "unknown");
}

#[test]
fn proposals_and_timelocks_are_opened() {
    let proposal = Proposal::new(&transactions(), "Help", None);
    let for_ann = for_ann();
    for kind in [GovernorKind::OpenZeppelin, GovernorKind::Bravo] {
        let call = raw(OTHER, 0, proposal.call(kind).to_vec());
        let proposed = format!("propose to the governor {OTHER}");
        // The proposer is not who makes the calls.
        let decoder = decoder().paid_by(ANN);
        assert_eq!(lines(&decoder.read(call.clone())), [proposed.as_str(), APPROVE, &for_ann]);
        let lines_if =
            |governor, executor| lines(&decoder.clone().executed_by(governor, executor).read(call.clone()));
        assert_eq!(lines_if(OTHER, ANN), [proposed.as_str(), APPROVE, PLEDGE]);
        assert_eq!(lines_if(OTHER, BEN), [proposed.as_str(), APPROVE, &for_ann]);
        assert_eq!(lines_if(BEN, ANN), [proposed.as_str(), APPROVE, &for_ann]);
    }
    let Proposal { targets, values, calldatas: payloads, .. } = proposal;
    let (hash, zero) = (B256::repeat_byte(4), B256::ZERO);
    let execute = gov::Governor::executeCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: payloads.clone(),
        descriptionHash: hash,
    };
    let executed = format!("execute by the governor {OTHER} the proposal with the description hash {hash}");
    assert_eq!(lines(&decoder().read(raw(OTHER, 0, execute.abi_encode())))[0], executed);
    let batch = gov::Timelock::scheduleBatchCall {
        targets,
        values: values.clone(),
        payloads,
        predecessor: zero,
        salt: hash,
        delay: U256::from(60),
    };
    let scheduled = format!("schedule in the timelock {ANN} in 60 seconds with the salt {hash}");
    assert_eq!(
        lines(&decoder().read(raw(ANN, 0, batch.abi_encode()))),
        [scheduled.as_str(), APPROVE, PLEDGE]
    );
    let uneven = gov::Timelock::scheduleBatchCall { values: values[1..].to_vec(), ..batch };
    let note = "its lists of accounts, values and data have different lengths";
    assert_eq!(decoder().read(raw(ANN, 0, uneven.abi_encode())).notes, [note]);
}

#[test]
fn a_signature_stands_for_a_selector() {
    let queue = gov::Timelock::queueTransactionCall {
        target: E,
        value: U256::ZERO,
        signature: "release(uint8)".into(),
        data: U256::from(1).to_be_bytes_vec().into(),
        eta: U256::from(99),
    };
    let expected = [format!("queue in the timelock {OTHER} for second 99"), format!("release stETH of {E}")];
    assert_eq!(lines(&decoder().read(raw(OTHER, 0, queue.abi_encode()))), expected);
}

#[test]
fn the_creation_of_a_rescue_tells_its_address_and_its_terms() {
    let blueprint = Blueprint::escrow(&terms()).unwrap();
    let data = [blueprint.salt().as_slice(), &blueprint.init_code()].concat();
    let meaning = decoder().read(raw(CREATE2_DEPLOYER, 0, data.clone()));
    assert_eq!(meaning.sentence.to_string(), format!("create the escrow at {}", blueprint.address()));
    assert_eq!(meaning.terms.as_deref(), Some(&terms()) as Option<&Terms>);
    let pool = Blueprint::recovery_pool(E);
    let call = raw(CREATE2_DEPLOYER, 0, [pool.salt().as_slice(), &pool.init_code()].concat());
    assert_eq!(decoder().read(call).notes, [format!("its rescue is {E}")]);
    for foreign in [&data[1..], &data[..40], &data[..5]] {
        let meaning = decoder().read(raw(CREATE2_DEPLOYER, 0, foreign.to_vec()));
        assert_eq!(meaning.sentence.kind(), "unknown");
    }
}

#[test]
fn a_transaction_tells_what_it_creates_and_whose_code_it_sets() {
    let signer = PrivateKeySigner::from_slice(&[1; 32]).unwrap();
    let authorization = Authorization { chain_id: U256::from(1), address: OTHER, nonce: 0 };
    let signature = signer.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let authorization_list = vec![authorization.into_signed(signature)];
    let transaction = TxEip7702 { to: BEN, value: U256::from(1), authorization_list, ..Default::default() };
    let all = |meanings: Vec<Meaning>| meanings.iter().flat_map(lines).collect::<Vec<_>>();
    let meanings = decoder().read_transaction(Some(ANN), &transaction);
    assert!(meanings[0].has_unknown());
    let delegation = format!("give the account {} the code of {OTHER}", signer.address());
    assert_eq!(all(meanings), [delegation, format!("send 0.000000000000000001 ETH to {BEN}")]);
    let create = TxLegacy { input: Bytes::from_static(&[1]), ..Default::default() };
    let meanings = decoder().read_transaction(Some(ANN), &create);
    assert!(meanings[0].has_unknown());
    assert_eq!(all(meanings), [format!("create a contract from code of {}", keccak256([1]))]);
}

#[test]
fn what_is_only_named_is_warned_of() {
    let hash = B256::repeat_byte(5);
    let id = U256::from(7);
    let named = [
        Wallet::approveHashCall { hashToApprove: hash }.abi_encode(),
        gov::Bravo::queueCall { proposalId: id }.abi_encode(),
        gov::Bravo::executeCall { proposalId: id }.abi_encode(),
        gov::Governor::castVoteCall { proposalId: id, support: 1 }.abi_encode(),
    ];
    for data in named {
        let call = raw(OTHER, 0, data);
        assert!(decoder().read(call.clone()).has_unshown());
        let inner = SafeCall { to: OTHER, value: U256::ZERO, data: call.data };
        assert!(decoder().read(exec(SafeTransaction::call(inner, 0))).has_unshown());
    }
    assert!(!decoder().read(operation(O::Settle)).has_unshown());
}

#[test]
fn what_is_nested_too_deep_is_not_opened() {
    let mut call = raw(E, 0, hex!("11da60b4").to_vec());
    let agent = |call: RawCall| aragon::raw::executeCall {
        target: call.to.unwrap(),
        ethValue: U256::ZERO,
        data: call.data,
    };
    for _ in 0..DEPTH {
        call = raw(ANN, 0, agent(call).abi_encode());
    }
    assert!(!decoder().read(call.clone()).has_unknown());
    assert!(decoder().read(raw(ANN, 0, agent(call).abi_encode())).has_unknown());
}

#[test]
fn a_permit_is_told_without_its_signature() {
    let transaction = CONTRACTS.pledge(
        pledge(Amount::StEth(Shares::new(7)), ANN, 0, Route::Router { enlist: false }),
        Some(permit()),
    );
    let expected = format!(
        "{PLEDGE} through the router {ROUTER} with a permit of 0.000000000000000009 stETH that ends at 10"
    );
    assert_eq!(words(of(transaction.unwrap())), expected);
}

/// Data to be mutated: every kind of call, and those with others in them.
fn seeds() -> Vec<Bytes> {
    let proposal = Proposal::new(&transactions(), "Help", None);
    let nested = exec(SafeTransaction::calls_through(ANN, &two_calls(), 0)).data;
    let all = told().into_iter().map(|(call, _)| call.data);
    all.chain([
        nested,
        proposal.call(GovernorKind::OpenZeppelin),
        proposal.call(GovernorKind::Bravo),
        aragon::script(ANN, two_calls()),
    ])
    .collect()
}

proptest! {
    #[test]
    fn no_data_makes_the_decoder_fail(
        seed in 0..1_000_usize, cuts in any::<(prop::sample::Index, prop::sample::Index)>(), changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..8),
    ) {
        let seeds = seeds();
        let mut data = seeds[seed % seeds.len()].to_vec();
        data.push(0);
        for (place, byte) in changes {
            let place = place.index(data.len());
            data[place] = byte;
        }
        data.truncate(cuts.0.index(data.len() + 1));
        let data = Bytes::from(data);
        let meaning = decoder().read(RawCall { data: data.clone(), ..RawCall::default() });
        let sentences = lines(&meaning);
        prop_assert_eq!(expects(&sentences, &[meaning]), Ok(()));
        if let Some(script) = decoder().read_script(&data) {
            prop_assert_eq!(expects(&lines(&script), slice::from_ref(&script)), Ok(()));
        }
    }
}
