//! Receivers by command: on Aave's own bytecode, and on the model of Lido's withdrawal queue.

use std::sync::LazyLock;

use alloy::{
    network::TransactionBuilder as _,
    primitives::{Address, Bytes, U256, bytes},
    providers::{Provider as _, ext::AnvilApi as _},
    rpc::types::TransactionRequest,
    sol,
    sol_types::{SolCall as _, SolValue as _},
};
use levee::bindings::{StETH, WstETH};
use serde_json::{Value, json};

use crate::{
    aave::{Aave, ask, send},
    readme::shell_blocks,
    solidity::compile,
    support::{
        ANN, ANYONE, BEN, BENEFICIARY, CAT, DAY, ETHER, GUARDIAN, Ran, World, events, names, project_file,
    },
};

sol! {
    interface Queue {
        function finalize(uint256 lastId, uint256 maxShareRate) external payable;
        function pauseFor(uint256 duration) external;
        function getWithdrawalRequests(address owner) external view returns (uint256[] memory);
    }
}

/// The code that creates the queue.
static QUEUE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut contracts = compile("tests/lido/WithdrawalQueue.sol");
    contracts.remove("WithdrawalQueue").expect("it is there").creation
});

/// Code that refuses everything.
const REFUSES: Bytes = bytes!("60006000fd");
/// An account that nobody has.
const REFUSER: Address = Address::repeat_byte(0x77);
const LENT: u128 = 5_000 * ETHER;

/// A market in which Ben owes 700 ETH against 1,000 USD, and the arguments of a repayer of that.
async fn with_debt(world: &World) -> (Aave, String) {
    let market = Aave::start(&world.chain, world.address(ANYONE)).await;
    market.lend(world.address(ANN), LENT).await;
    market.borrow(world.address(BEN), 700 * ETHER, 1_000 * ETHER).await;
    let [debtor, rest] = [BEN, CAT].map(|account| world.address(account));
    let (pool, weth) = (market.pool, market.weth);
    (market, format!("--pool {pool} --debtor {debtor} --rest {rest} --weth {weth}"))
}

impl World {
    async fn queue(&self) -> Address {
        let code = [QUEUE.to_vec(), self.wsteth.abi_encode()].concat();
        let sent = self.chain.send_transaction(TransactionRequest::default().with_deploy_code(code)).await;
        let receipt = sent.expect("it is taken").get_receipt().await.expect("it is mined");
        receipt.contract_address.expect("a contract")
    }

    async fn pay(&self, to: Address, wei: u128) {
        send(&self.chain, self.address(GUARDIAN), to, wei, Vec::new()).await;
    }

    fn create_receiver(&self, line: &str) -> Ran {
        self.levee(&format!("receiver new {line} --dev {ANYONE} --yes"))
    }

    /// Creates a receiver, and tells where it is.
    fn created(&self, line: &str) -> Address {
        let created = self.create_receiver(&format!("{line} --json")).json();
        assert_eq!(created["created"], true, "{created}");
        created["address"].as_str().expect("text").parse().expect("an address")
    }

    fn receiver(&self, at: Address) -> Value {
        self.levee(&format!("receiver status {at} --json")).json()
    }

    fn push(&self, at: Address) -> Value {
        self.levee(&format!("receiver push {at} --dev {ANYONE} --yes --json")).json()
    }

    /// From now on, the account refuses ETH.
    async fn refuse(&self, account: Address) {
        self.chain.anvil_set_code(account, REFUSES).await.expect("anvil takes it");
    }
}

fn wei(value: &Value) -> u128 {
    value.as_str().expect("text").parse().expect("a number")
}

fn calls(shown: &Value) -> Vec<&str> {
    let calls = shown["calls"].as_array().expect("a list").iter();
    calls.map(|call| call["call"].as_str().expect("text")).collect()
}

fn is_narrow(text: &str) -> bool {
    text.lines().all(|line| line.chars().count() <= 80)
}

#[tokio::test]
async fn a_debtor_with_collateral_is_refused_unless_it_is_locked() {
    let world = World::start().await;
    let (market, repayer) = with_debt(&world).await;
    let ben = world.address(BEN);
    let message = format!(
        "the debtor `{ben}` has collateral, which the pool values at 142.85 % of its debts: a repayment could free it"
    );
    let hint = "choose a debtor whose collateral is worthless or locked for good; if this one's is, add `--collateral-is-locked`";
    let before = world.mark().await;
    world.create_receiver(&format!("repayer {repayer}")).assert_refused(&message, hint);
    assert_eq!(world.mark().await, before);

    let told = world.create_receiver(&format!("repayer {repayer} --collateral-is-locked")).ok();
    let address = world.levee(&format!("receiver new repayer {repayer} --address-only")).ok();
    let address = address.trim_end();
    assert!(told.starts_with(&format!("created the debt repayer at {address}\n")), "{told}");
    assert!(told.ends_with(&format!("\nwrite into the terms\n  beneficiary = \"{address}\"\n")), "{told}");
    let again = world.create_receiver(&format!("repayer {repayer} --collateral-is-locked --json")).json();
    assert_eq!((&again["created"], &again["transactions"]), (&json!(false), &json!([])));
    assert_eq!((&again["address"], &again["warnings"]), (&json!(address), &json!([message])));

    // What is worthless frees nothing.
    market.ruin_usd(world.address(ANYONE)).await;
    let again = world.create_receiver(&format!("repayer {repayer} --json")).json();
    assert_eq!(again["warnings"], json!([]));
}

#[tokio::test]
async fn what_a_repayer_cannot_serve_is_refused() {
    let world = World::start().await;
    let (market, repayer) = with_debt(&world).await;
    market.ruin_usd(world.address(ANYONE)).await;
    let [ann, ben, cat] = [ANN, BEN, CAT].map(|account| world.address(account).to_string());
    let refused = |find: &str, replace: &str, message: &str, hint: &str| {
        let line = format!("repayer {}", repayer.replace(find, replace));
        world.create_receiver(&line).assert_refused(message, hint);
    };
    let usable = "name an account that somebody controls";
    let pool = market.pool.to_string();
    let own = "a contract that the receiver deals with, which could not use what goes to it";
    refused(&cat, &pool, &format!("the account for the rest `{pool}` is {own}"), usable);
    let burn = "0x000000000000000000000000000000000000dEaD";
    refused(&cat, burn, &format!("the account for the rest `{burn}` is a burn address"), usable);
    let itself = format!(
        "the debtor `{ben}` is also the account for the rest: it could pay its debt down, and have the release"
    );
    let treasury =
        "name the account that covers what the debt does not take, such as the protocol's treasury";
    refused(&cat, &ben, &itself, treasury);
    let none = format!("at `{ann}` is no pool with Aave v3's interface that lends WETH `{}`", market.weth);
    refused(&pool, &ann, &none, "check `--pool`, `--weth` and the chain");
    // Whoever owes nothing is served all the same: its debt may be yet to come.
    let warned = world.create_receiver(&format!("repayer {}", repayer.replace(&ben, &ann))).stderr;
    assert!(warned.contains(&format!("the debtor `{ann}` has collateral")), "{warned}");
    let owner = world.address(GUARDIAN).to_string();
    let created = world.create_receiver(&format!("repayer {} --json", repayer.replace(&ben, &owner))).json();
    let warning = created["warnings"][0].as_str().expect("text");
    assert!(warning.starts_with(&format!("the debtor `{owner}` owes nothing at the variable rate now")));
}

#[tokio::test]
async fn a_push_repays_the_debt_to_the_wei_and_then_the_rest() {
    let world = World::start().await;
    let (market, repayer) = with_debt(&world).await;
    let (ben, cat) = (world.address(BEN), world.address(CAT));
    market.ruin_usd(world.address(ANYONE)).await;
    let at = world.created(&format!("repayer {repayer}"));
    let shown = world.receiver(at);
    assert_eq!(
        (&shown["receiver"], &shown["debt"]["valued"]["collateral"]),
        (&json!("DebtRepayer"), &json!("0"))
    );
    assert_eq!((calls(&shown), &shown["heldUp"]), (vec![], &json!([])));
    assert_eq!(shown["debtor"], ben.to_string());

    world.pay(at, 300 * ETHER).await;
    let shown = world.receiver(at);
    assert_eq!((wei(&shown["balanceWei"]), calls(&shown)), (300 * ETHER, vec!["Repay"]));
    assert_eq!(wei(&shown["debt"]["debtWei"]), market.debt(ben).await);
    let pushed = world.push(at);
    let [repaid] = events(&pushed)[..] else { panic!("{pushed}") };
    let debt = wei(&repaid["debtWei"]);
    let expected = json!({
        "event": "DebtRepaid", "debtWei": debt.to_string(), "repaidWei": (300 * ETHER).to_string(), "restWei": "0",
    });
    assert_eq!(repaid, &expected);
    assert_eq!(market.debt(ben).await, debt - 300 * ETHER);
    let nothing = world.levee(&format!("receiver push {at} --dev {ANYONE} --yes"));
    assert_eq!(nothing.ok(), format!("nothing of {at} can be pushed now; nothing was sent\n"));

    // More than is owed: the rest is WETH of Cat's. So is stETH that was released.
    world.pay(at, 500 * ETHER).await;
    let shares = StETH::transferSharesCall { to: at, shares: U256::from(10 * ETHER) };
    send(&world.chain, ben, world.steth, 0, shares.abi_encode()).await;
    let [_, held, _] = world.holds(cat).await;
    let steth = world.steth;
    let pushed =
        world.levee(&format!("receiver push {at} --token {steth} --dev {ANYONE} --yes --json")).json();
    assert_eq!(names(&pushed), ["DebtRepaid", "TokenForwarded"]);
    let repaid = events(&pushed)[0];
    let (debt, rest) = (wei(&repaid["repaidWei"]), wei(&repaid["restWei"]));
    assert_eq!((wei(&repaid["debtWei"]), debt + rest), (debt, 500 * ETHER));
    assert_eq!((market.debt(ben).await, market.weth_of(cat).await), (0, rest));
    assert_eq!(world.holds(cat).await[1] - held, 10 * ETHER);
}

#[tokio::test]
async fn what_a_pool_does_not_take_now_is_told_and_holds_up_nothing_else() {
    let world = World::start().await;
    let (market, repayer) = with_debt(&world).await;
    market.ruin_usd(world.address(ANYONE)).await;
    let at = world.created(&format!("repayer {repayer}"));
    world.pay(at, ETHER).await;
    let wsteth = WstETH::transferCall { to: at, units: U256::from(7) };
    send(&world.chain, world.address(CAT), world.wsteth, 0, wsteth.abi_encode()).await;
    market.pause_weth(world.address(ANYONE), true).await;
    let tokens = format!("--token {}", world.wsteth);
    let shown = world.levee(&format!("receiver status {at} {tokens} --json")).json();
    assert_eq!(calls(&shown), ["ForwardToken"]);
    let reason = shown["heldUp"][0]["reason"].as_str().expect("text");
    assert!(reason.starts_with("the pool takes nothing now of the 1 ETH that is offered to it"), "{reason}");
    assert!(reason.ends_with("; it says `29`"), "{reason}");
    let text = world.levee(&format!("receiver status {at} {tokens}")).ok();
    assert!(is_narrow(&text), "{text}");
    assert!(text.contains(&format!("\nnext: levee receiver push {at}\n")), "{text}");
    let ran = world.levee(&format!("receiver push {at} {tokens} --dev {ANYONE} --yes"));
    assert!(
        ran.stderr.contains("this fails now: Repay as much of the debt as the pool takes"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.ok(), format!("sent 7 of {} to the rest\n", world.wsteth));
    let ran = world.levee(&format!("receiver push {at} --dev {ANYONE} --yes"));
    assert_eq!(ran.ok(), format!("nothing of {at} can be pushed now; nothing was sent\n"));
    market.pause_weth(world.address(ANYONE), false).await;
    assert_eq!(wei(&events(&world.push(at))[0]["repaidWei"]), ETHER);
}

#[tokio::test]
async fn a_rescue_pays_an_unwinder_and_its_recipient_gets_ether() {
    let world = World::start().await;
    let queue = world.queue().await;
    let cat = world.address(CAT);
    let unwinder = format!("unwinder --recipient {cat} --withdrawal-queue {queue} --terms rescue.toml");
    let at = world.created(&unwinder);
    world.write_terms("rescue.toml", &world.address(BENEFICIARY).to_string(), &at.to_string());
    let deployed = world.levee(&format!("deploy rescue.toml --dev {ANYONE} --yes"));
    assert!(!deployed.stderr.contains("the beneficiary"), "{}", deployed.stderr);
    world.by(ANN, "pledge 50 ETH --tier 0");
    world.by(BEN, "pledge 60 stETH --tier 0 --approve");
    world.warp(DAY).await;
    world.by(ANYONE, "settle");
    world.warp(4 * DAY).await;
    world.by(ANYONE, "release ETH");
    world.by(ANYONE, "release stETH");

    // 110 ETH are pledged, 100 drawn, and all of it delivered.
    let shown = world.receiver(at);
    let (ether, steth) = (wei(&shown["balanceWei"]), wei(&shown["queue"]["requestableWei"]));
    assert!((ether + steth).abs_diff(100 * ETHER) < 10, "{ether} {steth}");
    assert_eq!(calls(&shown), ["Forward", "Request"]);
    let [before, ..] = world.holds(cat).await;
    let pushed = world.push(at);
    let forwarded = json!({ "event": "EtherForwarded", "amountWei": ether.to_string() });
    let requested = json!({ "event": "WithdrawalRequested", "amountWei": steth.to_string(), "requests": 1 });
    assert_eq!(events(&pushed), [&forwarded, &requested]);
    assert_eq!(world.holds(cat).await[0] - before, ether);

    let shown = world.receiver(at);
    let request = json!({ "id": "1", "amountWei": steth.to_string(), "finalized": null });
    assert_eq!((&shown["queue"]["requests"], calls(&shown)), (&json!([request]), vec![]));
    let finalize = Queue::finalizeCall { lastId: U256::from(1), maxShareRate: U256::MAX >> 128 };
    send(&world.chain, world.address(ANYONE), queue, steth, finalize.abi_encode()).await;
    let shown = world.receiver(at);
    let finalized = json!({ "claimableWei": steth.to_string(), "hint": "1" });
    assert_eq!((&shown["queue"]["requests"][0]["finalized"], calls(&shown)), (&finalized, vec!["Claim"]));
    let text = world.levee(&format!("receiver status {at}")).ok();
    assert!(is_narrow(&text) && text.contains("finalized  1 request for "), "{text}");
    let pushed = world.push(at);
    let claimed = json!({ "event": "EtherForwarded", "amountWei": steth.to_string() });
    assert_eq!(events(&pushed), [&claimed]);
    assert_eq!(world.holds(cat).await[0] - before, ether + steth);
    assert_eq!(world.receiver(at)["queue"]["requests"], json!([]));
}

#[tokio::test]
async fn a_large_release_is_requested_and_claimed_in_several_calls() {
    let world = World::start().await;
    let queue = world.queue().await;
    let cat = world.address(CAT);
    let at = world.created(&format!("unwinder --recipient {cat} --withdrawal-queue {queue}"));
    let whale = world.address(BENEFICIARY);
    let plenty = U256::from(200_000 * ETHER);
    world.chain.anvil_set_balance(whale, plenty).await.expect("anvil sets");
    let submit = StETH::submitCall { referral: Address::ZERO }.abi_encode();
    send(&world.chain, whale, world.steth, 40_500 * ETHER, submit).await;
    let transfer = StETH::transferCall { to: at, amount: U256::from(40_500 * ETHER) };
    send(&world.chain, whale, world.steth, 0, transfer.abi_encode()).await;
    let wsteth = WstETH::transferCall { to: at, units: U256::from(10 * ETHER) };
    send(&world.chain, cat, world.wsteth, 0, wsteth.abi_encode()).await;

    assert_eq!(calls(&world.receiver(at)), ["Request", "Request"]);
    let pushed = world.push(at);
    let requests: Vec<_> = events(&pushed).iter().map(|event| event["requests"].as_u64()).collect();
    assert_eq!(requests, [Some(32), Some(9)]);
    let asked: u128 = events(&pushed).iter().map(|event| wei(&event["amountWei"])).sum();
    // 10 wstETH stand for 12 stETH; submitting raised neither.
    assert!((40_512 * ETHER).abs_diff(asked) < 50, "{asked}");
    let is_small = |sent: &Value| sent["gasUsed"].as_u64().is_some_and(|gas| gas < 4_000_000);
    assert!(pushed["transactions"].as_array().expect("a list").iter().all(is_small), "{pushed}");

    // Dust of many small requests of others: all are claimed, a hundred at a time.
    let small = vec![U256::from(100); 80];
    let approve = StETH::approveCall { spender: queue, amount: U256::MAX }.abi_encode();
    send(&world.chain, world.address(BEN), world.steth, 0, approve).await;
    sol! { function requestWithdrawals(uint256[] amounts, address owner) external; }
    let gift = requestWithdrawalsCall { amounts: small, owner: at }.abi_encode();
    send(&world.chain, world.address(BEN), queue, 0, gift).await;
    let ids = ask(&world.chain, queue, &Queue::getWithdrawalRequestsCall { owner: at }).await;
    assert_eq!(ids.len(), 121);
    let finalize = Queue::finalizeCall { lastId: U256::from(121), maxShareRate: U256::MAX >> 128 };
    send(&world.chain, whale, queue, asked + 8_000, finalize.abi_encode()).await;
    let shown = world.receiver(at);
    let claimed: Vec<_> = shown["calls"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|call| call["requestIds"].as_array().map(Vec::len))
        .collect();
    assert_eq!(claimed, [Some(100), Some(21)]);
    let [before, ..] = world.holds(cat).await;
    let pushed = world.push(at);
    assert_eq!(names(&pushed), ["EtherForwarded", "EtherForwarded"]);
    assert_eq!(world.holds(cat).await[0] - before, asked + 8_000);
}

/// What takes several transactions of its own may be more than one transaction of a Safe can do.
#[tokio::test]
async fn a_batch_of_more_gas_than_a_transaction_has_is_refused() {
    let world = World::start().await;
    let queue = world.queue().await;
    let at =
        world.created(&format!("unwinder --recipient {} --withdrawal-queue {queue}", world.address(CAT)));
    let (whale, safe) = (world.address(BENEFICIARY), REFUSER);
    world.refuse(safe).await;
    let release = async |ether: u128| {
        world.chain.anvil_set_balance(whale, U256::from((ether + 1) * ETHER)).await.expect("anvil sets");
        let submit = StETH::submitCall { referral: Address::ZERO }.abi_encode();
        send(&world.chain, whale, world.steth, ether * ETHER, submit).await;
        let transfer = StETH::transferCall { to: at, amount: U256::from(ether * ETHER) };
        send(&world.chain, whale, world.steth, 0, transfer.abi_encode()).await;
    };
    // Each call requests 32,000 stETH.
    release(64_000).await;
    let line = format!("receiver push {at} --as {safe} --safe-batch");
    assert_eq!(world.levee(&format!("{line} some.json --json")).json()["calls"], 2);
    release(96_000).await;
    let ran = world.levee(&format!("{line} all.json"));
    assert!(ran.stderr.starts_with("error: the 5 calls need about "), "{}", ran.stderr);
    let end = " gas, but a transaction can use only 16777216 (EIP-7825): the first 3 fit\n\nhint: `--calldata` prints the calls, to be made in several transactions\n";
    assert!(ran.stderr.ends_with(end), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
    assert!(!world.directory().join("all.json").exists());
    let calls = world.levee(&format!("receiver push {at} --as {safe} --calldata --json")).json();
    assert_eq!(calls["steps"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn what_an_unwinder_cannot_serve_is_refused() {
    let world = World::start().await;
    let (queue, refuser) = (world.queue().await, REFUSER);
    world.refuse(refuser).await;
    let cat = world.address(CAT);
    let create = |recipient: Address, queue: Address, rest: &str| {
        world.create_receiver(&format!("unwinder --recipient {recipient} --withdrawal-queue {queue} {rest}"))
    };
    let refuses = format!("the recipient `{refuser}` does not accept ETH, so that nothing could be claimed");
    create(refuser, queue, "").assert_refused(&refuses, "name an account that accepts ETH from anyone");
    let own = format!(
        "the recipient `{queue}` is a contract that the receiver deals with, which could not use what goes to it"
    );
    create(queue, queue, "").assert_refused(&own, "name an account that somebody controls");
    let none = format!("at `{cat}` is no withdrawal queue of Lido's");
    create(cat, cat, "").assert_refused(&none, "check `--withdrawal-queue` and the chain");
    let missing = world.create_receiver(&format!("unwinder --recipient {cat}"));
    let hint = "name it with `--withdrawal-queue ADDRESS`, or a known network with `--chain`";
    missing.assert_refused("no withdrawal queue of Lido's is known on this network", hint);
    let other = world.address(ANN).to_string();
    world.write_terms("other.toml", &world.wsteth.to_string(), &other);
    let (steth, wsteth) = (world.steth, world.wsteth);
    let foreign = format!(
        "the withdrawal queue takes stETH `{steth}` and wstETH `{wsteth}`, which are not those of the terms"
    );
    let hint = "check `--withdrawal-queue`, and `steth` and `wsteth` in the terms";
    create(cat, queue, "--terms other.toml").assert_refused(&foreign, hint);
    let known = "unwinder --recipient 0x5fE4d4155D3F6cB9eD1B10Bf7F4a2a8Cb1A4bE0F";
    let known = known.to_lowercase();
    let address = world.levee(&format!("receiver new {known} --address-only --chain mainnet")).ok();
    let queue: Address = "0x889edC2eDab5f40e902b864aD4d7AdE8E412F9B1".parse().expect("an address");
    let recipient = known.rsplit(' ').next().expect("a word").parse().expect("an address");
    let expected = levee::Blueprint::staked_ether_unwinder(queue, recipient).address();
    assert_eq!(address, format!("{expected}\n"));
}

#[tokio::test]
async fn a_paused_queue_and_a_recipient_that_refuses_hold_up_only_themselves() {
    let world = World::start().await;
    let queue = world.queue().await;
    let recipient = REFUSER;
    let at = world.created(&format!("unwinder --recipient {recipient} --withdrawal-queue {queue}"));
    world.refuse(recipient).await;
    world.pay(at, 5).await;
    let shares = StETH::transferSharesCall { to: at, shares: U256::from(1_000) };
    send(&world.chain, world.address(BEN), world.steth, 0, shares.abi_encode()).await;
    let pause = Queue::pauseForCall { duration: U256::from(1_000) };
    send(&world.chain, world.address(ANYONE), queue, 0, pause.abi_encode()).await;
    let shown = world.receiver(at);
    assert_eq!((calls(&shown), &shown["queue"]["paused"]), (vec![], &json!(true)));
    let reasons: Vec<_> =
        shown["heldUp"].as_array().expect("a list").iter().map(|held| held["reason"].clone()).collect();
    let refuses = format!("the recipient `{recipient}` does not accept 0.000000000000000005 ETH");
    assert_eq!(reasons, [json!(refuses), json!("Lido's withdrawal queue is paused")]);
    let expected = format!(
        "\
unwinder   {at}
queue      {queue}
recipient  {recipient}
holds      0.000000000000000005 ETH (5 wei)
           0.0000000000000012 stETH
waiting    nothing
finalized  nothing
paused     the queue takes no requests now; what is finalized can be claimed

nothing can be pushed now

held up
  Send all ETH to {recipient}: the recipient
    `{recipient}` does not accept
    0.000000000000000005 ETH
  Request the withdrawal of stETH, in up to 32 requests: Lido's withdrawal queue
    is paused
"
    );
    assert_eq!(world.levee(&format!("receiver status {at}")).ok(), expected);
    world.warp(2_000).await;
    assert_eq!(names(&world.push(at)), ["WithdrawalRequested"]);
    world.chain.anvil_set_code(recipient, Bytes::new()).await.expect("anvil takes it");
    assert_eq!(names(&world.push(at)), ["EtherForwarded"]);
    assert_eq!(world.holds(recipient).await[0], 5);
}

#[tokio::test]
async fn a_push_that_was_cut_off_is_continued() {
    let world = World::start().await;
    let queue = world.queue().await;
    let at =
        world.created(&format!("unwinder --recipient {} --withdrawal-queue {queue}", world.address(CAT)));
    world.pay(at, 5).await;
    world.chain.anvil_set_auto_mine(false).await.expect("anvil takes it");
    let push = format!("receiver push {at} --dev {ANYONE} --yes --json");
    assert_eq!(world.levee(&format!("{push} --timeout 1")).code, Some(2));
    // It waits for its block, and leaves nothing for others.
    let other = world.levee(&format!("receiver push {at} --dev {GUARDIAN} --yes"));
    assert_eq!((other.stderr.as_str(), other.code), ("", Some(0)));
    assert!(other.stdout.starts_with("nothing of "), "{}", other.stdout);
    world.chain.anvil_set_auto_mine(true).await.expect("anvil takes it");
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    assert_eq!(names(&world.levee(&push).json()), ["EtherForwarded"]);
    assert_eq!(names(&world.levee(&push).json()), [""; 0]);
}

#[tokio::test]
async fn a_push_can_be_planned_for_others() {
    let world = World::start().await;
    let queue = world.queue().await;
    let (ann, cat) = (world.address(ANN), world.address(CAT));
    let at = world.created(&format!("unwinder --recipient {cat} --withdrawal-queue {queue}"));
    world.pay(at, 5).await;
    let plan = world.levee(&format!("receiver push {at} --as {ann} --dry-run --json")).json();
    assert_eq!(plan["steps"][0]["summary"], format!("Send all ETH to {cat}"));
    assert_eq!(plan["steps"][0]["to"], at.to_string());
    let handed = world.levee(&format!("receiver push {at} --as {ann} --calldata --json")).json();
    assert_eq!(handed["steps"][0]["contract"], "StakedEtherUnwinder", "{handed}");
    let nobody = world.levee(&format!("receiver status {cat}"));
    let hint = "check the address and the chain, or create it with `levee receiver new`";
    nobody.assert_refused(&format!("there is no receiver at `{cat}`"), hint);
    let none = world.levee(&format!("receiver status {at} --token {cat}"));
    none.assert_refused("an unwinder of staked ether forwards no token", "leave `--token` out");
}

#[tokio::test]
async fn a_beneficiary_that_refuses_ether_is_warned_of() {
    let world = World::start().await;
    let refuser = REFUSER;
    world.refuse(refuser).await;
    world.write_terms("refused.toml", &world.address(BENEFICIARY).to_string(), &refuser.to_string());
    let warning = format!(
        "the beneficiary `{refuser}` does not accept ETH now: what it still refuses when the \
                           release_window has passed goes back to the pledgers"
    );
    let check = |line: &str| world.levee(&format!("terms check refused.toml {line}"));
    assert!(!check("").stderr.contains("does not accept ETH"));
    let rpc = format!("--rpc-url {}", world.endpoint());
    assert!(check(&rpc).stderr.contains(&format!("warning: {warning}\n")), "{}", check(&rpc).stderr);
    let warnings = check(&format!("{rpc} --json")).json()["warnings"].take();
    assert!(warnings.as_array().expect("a list").contains(&json!(warning)), "{warnings}");
    let accepted = world.levee(&format!("terms check rescue.toml {rpc}")).stderr;
    assert!(!accepted.contains("the beneficiary"), "{accepted}");
    let deployed = world.levee(&format!("deploy refused.toml --dev {ANYONE} --yes"));
    assert!(deployed.stderr.contains(&format!("warning: {warning}\n")), "{}", deployed.stderr);
    deployed.ok();
}

#[tokio::test]
async fn a_beneficiary_that_is_a_receiver_is_checked_like_one() {
    let world = World::start().await;
    let (_, repayer) = with_debt(&world).await;
    let at = world.created(&format!("repayer {repayer} --collateral-is-locked"));
    world.write_terms("repaid.toml", &world.address(BENEFICIARY).to_string(), &at.to_string());
    let deployed = world.levee(&format!("deploy repaid.toml --dev {ANYONE} --yes"));
    let warning = format!("warning: the debtor `{}` has collateral", world.address(BEN));
    assert!(deployed.stderr.contains(&warning), "{}", deployed.stderr);
    deployed.ok();
}

#[tokio::test]
async fn the_page_about_receivers_runs_as_written() {
    let world = World::start().await;
    let (market, _) = with_debt(&world).await;
    let queue = world.queue().await;
    market.ruin_usd(world.address(ANYONE)).await;
    let page = project_file("docs/receivers.md");
    let lines = shell_blocks(&page).into_iter().flat_map(str::lines);
    let commands: Vec<_> = lines.filter_map(|line| line.trim().strip_prefix("levee ")).collect();
    assert_eq!(commands.len(), 6, "{commands:?}");
    let mut receiver = String::new();
    for command in commands {
        let word = |word: &str| match word {
            "POOL" => market.pool.to_string(),
            "DEBTOR" => world.address(BEN).to_string(),
            "REST" | "RECIPIENT" => world.address(CAT).to_string(),
            "NODE" => world.endpoint(),
            "RECEIVER" => receiver.clone(),
            "--account" => "--yes --dev".into(),
            "treasury" | "anyone" => ANYONE.to_string(),
            // What is known of a network, and of none here.
            "repayer" => format!("repayer --weth {}", market.weth),
            "unwinder" => format!("unwinder --withdrawal-queue {queue}"),
            other => other.to_owned(),
        };
        let line = command.split(' ').map(word).collect::<Vec<_>>().join(" ");
        let shown = world.levee(&line).ok();
        if let Some((_, beneficiary)) = shown.split_once("beneficiary = \"") {
            receiver = beneficiary.split('"').next().expect("an address").to_owned();
            world.write(
                "rescue.toml",
                &world.terms().replace(&world.address(BENEFICIARY).to_string(), &receiver),
            );
        }
        if command.starts_with("deploy") {
            world.pay(receiver.parse().expect("an address"), 5).await;
        }
    }
    assert_eq!(world.holds(receiver.parse().expect("an address")).await[0], 0);
}
