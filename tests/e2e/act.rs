//! Acting from the browser: the page of `levee serve` plans what the commands plan, and a wallet of the browser sends it.

use alloy::{
    primitives::{Address, Bytes, U256, bytes},
    providers::{Provider as _, ext::AnvilApi as _},
    rpc::types::TransactionRequest,
    sol_types::SolCall as _,
};
use levee::bindings::{StETH, WstETH};
use serde_json::{Value, json};

use crate::{
    browser::Person,
    pages::sound,
    serve::Server,
    support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, World, words},
};

const CONTINUE: &str = "Continue in the wallet";
const DONE: &str = "All of it is done.";

/// An open rescue in an index that is served.
async fn served(options: &str) -> (World, Server) {
    let world = World::with_rescue().await;
    world.levee("index --store index.db --once").ok();
    let server = Server::start(&world, &format!("--store index.db {options}"));
    (world, server)
}

fn page_of(world: &World, server: &Server) -> String {
    format!("{}/rescue/{}/act", server.url, world.rescue())
}

/// Somebody at the page, who has chosen the wallet.
fn visitor(world: &World, server: &Server, account: usize) -> Person {
    let mut person = Person::with_wallet(world, &page_of(world, server), account, &json!({}));
    person.does(json!({ "goto": true }));
    person.does(json!({ "press": "Test wallet" }));
    person.sees(&format!("Connected to Test wallet as {}.", world.address(account)));
    person
}

/// The same, who has the plan of a pledge into tier 0 in front of him.
fn with_plan(world: &World, server: &Server, account: usize, amount: &str, unit: &str) -> Person {
    let mut person = visitor(world, server, account);
    plans(&mut person, amount, unit);
    person
}

/// Fills in the form of a pledge into tier 0, and sees the plan.
fn plans(person: &mut Person, amount: &str, unit: &str) {
    person.does(json!({ "fill": { "Amount": amount } }));
    person.does(json!({ "choose": { "Unit": unit, "Tier": "0" } }));
    person.does(json!({ "press": "Show the plan" }));
    person.sees(CONTINUE);
}

/// Makes all stETH worth so much; it is 1000 shares, and 1200 ETH at first.
async fn rebase(world: &World, ethers: u128) {
    let token = StETH::new(world.steth, &world.chain);
    let sent = token.setTotalPooledEther(U256::from(ethers * ETHER)).send().await;
    sent.expect("the model takes it").get_receipt().await.expect("it is mined");
}

/// The calls that a command would hand out, as the page has them.
fn calls(world: &World, account: usize, line: &str) -> Vec<Value> {
    let sender = world.address(account);
    let planned = world.levee(&format!("{line} --terms rescue.toml --calldata --as {sender} --json")).json();
    let steps = planned["steps"].as_array().expect("a list").iter();
    let call = |step: &Value| {
        let value: u128 = step["valueWei"].as_str().expect("a number").parse().expect("a number");
        json!({ "to": step["to"], "value": format!("{value:#x}"), "data": step["data"] })
    };
    steps.map(call).collect()
}

#[tokio::test]
async fn a_visitor_pledges_ether_with_his_own_wallet() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, ANN, "5", "ETH");
    let shown = words(&person.reads());
    let rescue = world.rescue();
    for part in [
        format!("Pledge 5 ETH to the rescue {rescue}"),
        "5000000000000000000 wei".into(),
        format!("pledger {}", world.address(ANN)),
        "0: a grant, used only if coverage reaches 50 %".into(),
        format!("levee pledge 5 ETH --tier 0 --rescue {rescue} --chain 31337"),
        "it does not find a server that lies".into(),
    ] {
        assert!(shown.contains(&part), "{part}: {shown}");
    }
    // The very calls of the command.
    let plan = person.does(json!({ "plan": null }));
    assert_eq!(plan, json!(calls(&world, ANN, "pledge 5 ETH --tier 0")));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(person.asked_to(), ["eth_sendTransaction"]);
    assert_eq!(world.positions(ANN)[0]["amount"], (5 * ETHER).to_string());
    assert_eq!(world.status()["coverageWei"], (5 * ETHER).to_string());
    // Whoever loads the page again pledges nothing twice.
    let address = person.does(json!({ "address": true }));
    assert_eq!(address, format!("{}?account={}", page_of(&world, &server), world.address(ANN)));
    person.does(json!({ "reload": true }));
    person.sees("Connected to Test wallet");
    assert!(!person.reads().contains("The plan"));
}

#[tokio::test]
async fn a_visitor_pledges_tokens_after_an_exact_approval() {
    let (world, server) = served("").await;
    // What no log says, the wallet's node does: how many shares 10 stETH are, and what these are worth.
    let token = StETH::new(world.steth, &world.chain);
    let shares = token.getSharesByPooledEth(U256::from(10 * ETHER)).call().await.expect("it answers");
    let worth = token.getPooledEthByShares(shares).call().await.expect("it answers");
    let mut person = with_plan(&world, &server, BEN, "10", "stETH");
    let shown = words(&person.reads());
    let rescue = world.rescue();
    for part in [
        format!("Pledge 10 stETH ({shares} shares) to the rescue {rescue}"),
        format!("levee pledge 10 stETH --tier 0 --approve --rescue {rescue}"),
    ] {
        assert!(shown.contains(&part), "{part}: {shown}");
    }
    let plan = person.does(json!({ "plan": null }));
    assert_eq!(plan, json!(calls(&world, BEN, "pledge 10 stETH --tier 0 --approve")));
    let approval = StETH::approveCall { spender: world.rescue(), amount: worth }.abi_encode();
    assert_eq!(plan[0]["data"], json!(Bytes::from(approval)));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(person.asked_to(), ["eth_sendTransaction", "eth_sendTransaction"]);
    assert_eq!(world.positions(BEN)[0]["amount"], shares.to_string());
    let left = token.allowance(world.address(BEN), world.rescue()).call().await.expect("it answers");
    assert_eq!(left, U256::ZERO);

    // Whoever enters shares is told what they are worth.
    let query =
        format!("account={}&do=pledge&amendment=0&amount=7&unit=shares&tier=0&worth=8", world.address(BEN));
    let shown = server.get(&format!("/rescue/{rescue}/act?{query}")).await.text;
    let told = format!("Pledge 0.000000000000000008 stETH (7 shares) to the rescue {rescue}");
    assert!(shown.contains(&told), "{shown}");

    let mut person = with_plan(&world, &server, CAT, "7.5", "wstETH");
    let plan = person.does(json!({ "plan": null }));
    assert_eq!(plan, json!(calls(&world, CAT, "pledge 7.5 wstETH --tier 0 --approve")));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(world.positions(CAT)[0]["amount"], (15 * ETHER / 2).to_string());
    let token = WstETH::new(world.wsteth, &world.chain);
    let left = token.allowance(world.address(CAT), world.rescue()).call().await.expect("it answers");
    assert_eq!(left, U256::ZERO);
}

#[tokio::test]
async fn what_is_rejected_in_the_wallet_was_not_sent() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, ANN, "5", "ETH");
    let before = world.mark().await;
    person.wallet(json!({ "answers": "rejects" }));
    person.goes_on();
    person.sees("You rejected it in the wallet. Nothing was sent.");
    assert_eq!(world.mark().await, before);
    person.wallet(json!({ "answers": "sends" }));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(world.positions(ANN)[0]["amount"], (5 * ETHER).to_string());
}

/// Nothing on the page goes on with the plan, and it was sent once.
fn has_ended(person: &mut Person) {
    assert!(!person.reads().contains(CONTINUE));
    assert_eq!(person.asked_to(), ["eth_sendTransaction"]);
    person.does(json!({ "reload": true }));
    person.sees("Connected to Test wallet");
    assert!(!person.reads().contains("The plan"));
}

#[tokio::test]
async fn what_the_wallet_may_have_sent_is_not_sent_again() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, ANN, "5", "ETH");
    // It was sent, but the wallet says something else.
    person.wallet(json!({ "answers": "loses" }));
    person.goes_on();
    person.sees(
        "The wallet may have sent call 1: look there before you make another plan. It said: Internal error",
    );
    has_ended(&mut person);
    assert_eq!(world.positions(ANN)[0]["amount"], (5 * ETHER).to_string());
}

#[tokio::test]
async fn a_call_that_was_sent_is_only_looked_for() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, ANN, "5", "ETH");
    // An error says nothing about the call.
    person.wallet(json!({ "receipts": ["fail", "fail"] }));
    person.goes_on();
    person.sees("Its receipt is asked for again, since the wallet said: Too many requests");
    person.sees(DONE);
    assert_eq!(person.asked_to(), ["eth_sendTransaction"]);
    assert_eq!(world.positions(ANN)[0]["amount"], (5 * ETHER).to_string());

    plans(&mut person, "2", "ETH");
    person.does(json!({ "hurry": true }));
    for receipts in ["lack", "fail"] {
        person.wallet(json!({ "receipts": receipts }));
        person.goes_on();
        person.sees("is in no block yet. Continue looks for it again; nothing is sent twice.");
    }
    person.wallet(json!({ "receipts": "come" }));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(person.asked_to(), ["eth_sendTransaction"; 2]);
    assert_eq!(world.positions(ANN)[0]["amount"], (7 * ETHER).to_string());
}

#[tokio::test]
async fn a_call_whose_place_another_transaction_took_is_not_sent_again() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, ANN, "5", "ETH");
    person.does(json!({ "hurry": true }));
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops mining");
    person.goes_on();
    person.sees("is in no block yet. Continue looks for it again; nothing is sent twice.");
    world.chain.anvil_drop_all_transactions().await.expect("anvil drops it");
    world.chain.anvil_set_auto_mine(true).await.expect("anvil mines again");
    let ann = world.address(ANN);
    let other = TransactionRequest::default().from(ann).to(ann);
    let other = world.chain.send_transaction(other).await.expect("anvil takes it");
    other.get_receipt().await.expect("it is mined");
    person.goes_on();
    person.sees("look in the wallet what became of it before you make another plan.");
    has_ended(&mut person);
    assert_eq!(world.positions(ANN), json!([]));
}

#[tokio::test]
async fn a_call_that_failed_in_its_block_may_be_sent_again() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, ANN, "5", "ETH");
    // With too little gas.
    person.wallet(json!({ "answers": ["starves", "sends"] }));
    person.goes_on();
    person.sees("failed in its block: nothing of it was done. Continue tries it again.");
    assert_eq!(world.positions(ANN), json!([]));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(person.asked_to(), ["eth_sendTransaction"; 2]);
    assert_eq!(world.positions(ANN)[0]["amount"], (5 * ETHER).to_string());
}

#[tokio::test]
async fn no_other_wallet_takes_over_what_is_left_of_a_plan() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, CAT, "7.5", "wstETH");
    person.wallet(json!({ "answers": "waits" }));
    person.goes_on();
    person.sees("Confirm it in the wallet.");
    // It says that it is the wallet that was chosen.
    person.does(json!({ "intrude": "Other wallet" }));
    person.does(json!({ "press": "Other wallet" }));
    person.sees("A call is being sent. Choose another wallet when that is done.");
    person.does(json!({ "release": true }));
    person.sees(DONE);
    // The other one was asked for nothing at all.
    assert_eq!(person.asked_to(), ["eth_sendTransaction"; 2]);
    assert_eq!(world.positions(CAT)[0]["amount"], (15 * ETHER / 2).to_string());
}

#[tokio::test]
async fn what_an_address_says_of_shares_is_asked_of_the_node_again() {
    let (world, server) = served("").await;
    let mut person = visitor(&world, &server, BEN);
    let of = format!("{}?account={}&do=pledge&amendment=0", page_of(&world, &server), world.address(BEN));
    for (planted, line) in [
        (
            "amount=1000&unit=shares&tier=0&worth=50000000000000000000",
            "pledge 1000 shares --tier 0 --approve",
        ),
        // Far more shares than that, for an approval that somebody gave before.
        (
            "amount=10&unit=stETH&tier=0&shares=50000000000000000000&worth=10000000000000000000",
            "pledge 10 stETH --tier 0 --approve",
        ),
    ] {
        person.does(json!({ "goto": format!("{of}&{planted}") }));
        person.sees(CONTINUE);
        let plan = person.does(json!({ "plan": null }));
        assert_eq!(plan, json!(calls(&world, BEN, line)));
    }
    // What was read before is out of date when the page is loaded again.
    rebase(&world, 1_320).await;
    person.does(json!({ "reload": true }));
    person.sees(CONTINUE);
    let plan = person.does(json!({ "plan": null }));
    assert_eq!(plan, json!(calls(&world, BEN, "pledge 10 stETH --tier 0 --approve")));
    assert_eq!(person.asked_to(), [""; 0]);
}

#[tokio::test]
async fn a_rebase_in_the_middle_of_a_plan_needs_another_plan() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, BEN, "12", "stETH");
    person.wallet(json!({ "answers": ["sends", "rejects"] }));
    person.goes_on();
    person.sees("You rejected call 2 of 2 in the wallet: it was not sent. Call 1 is done.");
    // The shares are worth more than is allowed now.
    rebase(&world, 1_500).await;
    person.goes_on();
    person.sees("Call 2 would fail now, so the wallet was not asked:");
    person.sees("Call 1 is done. Plan again what is left: the rescue may have moved on.");
    person.wallet(json!({ "answers": "sends" }));
    plans(&mut person, "12", "stETH");
    person.goes_on();
    person.sees(DONE);
    assert_eq!(person.asked_to(), ["eth_sendTransaction"; 4]);
    assert_eq!(world.positions(BEN)[0]["amount"], (8 * ETHER).to_string());
    let token = StETH::new(world.steth, &world.chain);
    let left = token.allowance(world.address(BEN), world.rescue()).call().await.expect("it answers");
    assert_eq!(left, U256::ZERO);
}

#[tokio::test]
async fn what_is_done_stays_done_when_a_later_call_is_rejected() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, CAT, "7.5", "wstETH");
    person.wallet(json!({ "answers": ["rejects", "sends", "rejects"] }));
    person.goes_on();
    person.sees("You rejected call 1 of 2 in the wallet. Nothing was sent.");
    person.goes_on();
    person.sees("You rejected call 2 of 2 in the wallet: it was not sent. Call 1 is done.");
    let token = WstETH::new(world.wsteth, &world.chain);
    let allowed = token.allowance(world.address(CAT), world.rescue()).call().await.expect("it answers");
    assert_eq!(allowed, U256::from(15 * ETHER / 2));
    // What is left is sent, and nothing else.
    person.wallet(json!({ "answers": "sends" }));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(person.asked_to(), ["eth_sendTransaction"; 4]);
    assert_eq!(world.positions(CAT)[0]["amount"], (15 * ETHER / 2).to_string());
}

#[tokio::test]
async fn a_call_that_would_fail_now_is_not_asked_of_the_wallet() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, ANN, "5", "ETH");
    // The plan is made under no amendment.
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    person.goes_on();
    person.sees("Call 1 would fail now, so the wallet was not asked:");
    person.sees("Make the plan again: the rescue may have moved on.");
    assert_eq!(person.asked_to(), [""; 0]);
}

#[tokio::test]
async fn a_page_connects_by_itself_only_to_a_wallet_that_offers_its_account() {
    let (world, server) = served("").await;
    let mut person = visitor(&world, &server, ANN);
    person.wallet(json!({ "locked": true }));
    person.does(json!({ "reload": true }));
    person.sees("Choose a wallet, or enter an account.");
    // It was asked once, when its button was pressed.
    let asked = person.does(json!({ "asked": true }));
    let asked = asked.as_array().expect("a list").iter();
    assert_eq!(asked.filter(|what| *what == "eth_requestAccounts").count(), 1);
    person.does(json!({ "press": "Test wallet" }));
    person.sees("Connected to Test wallet");
}

#[tokio::test]
async fn a_wallet_on_another_chain_switches_or_learns_the_chain() {
    let (world, server) = served("--wallet-rpc-url https://public.example/rpc").await;
    for wraps in [false, true] {
        let mut person = with_plan(&world, &server, ANN, "5", "ETH");
        person.wallet(json!({ "chain": 1, "knows": [1], "wraps": wraps }));
        person.goes_on();
        person.sees(DONE);
        let added = json!({
            "chainId": "0x7a69",
            "chainName": "Chain 31337",
            "nativeCurrency": { "name": "Ether", "symbol": "ETH", "decimals": 18 },
            "rpcUrls": ["https://public.example/rpc"],
        });
        assert_eq!(person.does(json!({ "added": null })), added);
    }
    // Without a node to name, it is for the visitor to add it.
    let silent = Server::start(&world, "--store index.db");
    let mut person = with_plan(&world, &silent, ANN, "5", "ETH");
    person.wallet(json!({ "chain": 1, "knows": [1], "wraps": true }));
    person.goes_on();
    person.sees("The wallet does not switch to chain 31337: Unrecognized chain 31337");
    assert_eq!(person.asked_to(), [""; 0]);
    person.wallet(json!({ "knows": [1, 31337] }));
    person.goes_on();
    person.sees(DONE);
}

#[tokio::test]
async fn a_wallet_whose_node_has_other_code_there_is_asked_for_nothing() {
    let (world, server) = served("").await;
    let mut person = with_plan(&world, &server, ANN, "5", "ETH");
    for code in ["0x", "0x6001"] {
        person.wallet(json!({ "code": code }));
        person.goes_on();
        let told = format!("At {}, the wallet's node has other code than the rescue's.", world.rescue());
        person.sees(&told);
    }
    person.wallet(json!({ "code": null, "account": world.address(BEN).to_string() }));
    person.goes_on();
    let (ann, ben) = (world.address(ANN), world.address(BEN));
    person.sees(&format!("The wallet offers {ben}. Choose {ann} in it, and continue."));
    assert_eq!(person.asked_to(), [""; 0]);
}

#[tokio::test]
async fn what_announces_itself_as_a_wallet_can_show_nothing_but_a_name_and_a_picture() {
    let (world, server) = served("").await;
    let svg = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>";
    for (icon, shown) in [
        ("https://evil.example/x.png", Value::Null),
        ("javascript:alert(1)", Value::Null),
        ("data:text/html,<script>alert(1)</script>", Value::Null),
        (svg, json!(svg)),
    ] {
        let name = format!("<img src=x onerror=alert(1)>\u{202e}\n{}", "x".repeat(1_000));
        let info = json!({ "name": name, "icon": icon });
        let mut person = Person::with_wallet(&world, &page_of(&world, &server), ANN, &info);
        person.does(json!({ "goto": true }));
        person.sees("<img src=x onerror=alert(1)>");
        let expected = format!("<img src=x onerror=alert(1)>  {}", "x".repeat(10));
        let offers = person.does(json!({ "offers": null }));
        let text = offers[0][0].as_str().expect("a text");
        assert_eq!(words(text), words(&expected));
        assert_eq!((&offers[0][1], &offers[0][2]), (&shown, &json!(usize::from(!shown.is_null()))));
        assert_eq!(person.asked_to(), [""; 0], "{icon}");
    }
}

#[tokio::test]
async fn without_a_script_the_page_has_the_commands_and_the_batch() {
    let (world, server) = served("").await;
    let (ann, rescue) = (world.address(ANN), world.rescue());
    let query = format!("account={ann}&do=pledge&amendment=0&amount=5&unit=ETH&tier=0");
    let address = format!("{}?{query}", page_of(&world, &server));
    let seen = sound(address);
    let shown = words(seen["text"].as_str().expect("a text"));
    let command = format!(
        "levee pledge 5 ETH --tier 0 --rescue {rescue} --chain 31337 --rpc-url https://node.example --account NAME"
    );
    assert!(shown.contains(&command) && shown.contains("5000000000000000000 wei"), "{shown}");

    // A batch is for a contract, which need not be more than that here.
    let safe = Address::repeat_byte(0x5a);
    world.chain.anvil_set_code(safe, Bytes::from_static(&[0])).await.expect("anvil sets it");
    world.chain.anvil_set_balance(safe, U256::from(10 * ETHER)).await.expect("anvil sets it");
    let query = query.replace(&ann.to_string(), &safe.to_string());
    let batch = server.get(&format!("/rescue/{rescue}/act/batch.json?{query}")).await;
    assert_eq!(batch.header("content-disposition"), "attachment; filename=\"levee-batch.json\"");
    let line = format!("pledge 5 ETH --tier 0 --terms rescue.toml --safe-batch batch.json --as {safe}");
    world.levee(&line).ok();
    let file = std::fs::read_to_string(world.directory().join("batch.json")).expect("it was written");
    let file: Value = serde_json::from_str(&file).expect("it is JSON");
    let told = batch.json();
    for part in ["version", "chainId", "transactions"] {
        assert_eq!(told[part], file[part], "{part}");
    }
    // Its checksum is right: the command reads it.
    assert_eq!(told["meta"]["createdFromSafeAddress"], json!(safe.to_string()));
    world.write("served.json", &batch.text);
    let line =
        format!("pledge 1 ETH --tier 0 --terms rescue.toml --safe-batch served.json --append --as {safe}");
    assert!(words(&world.levee(&line).ok()).contains("calls 2"));

    // What only a node knows is not made up.
    let query = query.replace("unit=ETH", "unit=stETH");
    let shown = server.get(&format!("/rescue/{rescue}/act?{query}")).await.text;
    assert!(
        shown.contains("No log says how many shares 5 stETH is: the node") && !shown.contains("id=\"steps\"")
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_said_on_the_page() {
    let (world, server) = served("").await;
    let ann = world.address(ANN);
    let of = format!("/rescue/{}/act?account={ann}&do=", world.rescue());
    for (query, told) in [
        ("pledge&amendment=0&amount=0&unit=ETH&tier=0", "`0 ETH` is zero"),
        ("pledge&amendment=0&amount=1&unit=&tier=0", "`1` has no unit"),
        ("pledge&amendment=0&amount=-1&unit=ETH&tier=0", "`-1 ETH`"),
        ("pledge&amendment=0&amount=1&unit=ETH&tier=7", "there is no tier 7, only 0 to 2"),
        ("pledge&amendment=5&amount=1&unit=ETH&tier=0", "the terms have been amended since"),
        ("pledge&amendment=0&amount=1&unit=shares&tier=0&worth=x", "`x` is not an amount"),
        // Nobody is led to pledge more than the page says.
        (
            "pledge&amendment=0&amount=1&unit=stETH&tier=0&shares=9&worth=1000000000000000001",
            "the shares are worth 1.000000000000000001 stETH, more than 1 stETH",
        ),
        ("refund-0-ETH", "cannot do that now"),
        ("%3Cscript%3E", "cannot do that now"),
    ] {
        let shown = server.get(&format!("{of}{query}")).await;
        assert!(shown.code == 200 && shown.text.contains(told), "{query}: {}", shown.text);
        assert!(
            !shown.text.contains("id=\"steps\"") && shown.text.matches("<script").count() == 1,
            "{query}"
        );
    }
    let nobody = server.get(&format!("/rescue/{}/act?do=pledge&amendment=0", world.rescue())).await.text;
    assert!(nobody.contains("no account is named"), "{nobody}");
    let twice = server.get(&format!("/rescue/{}/act?account={ann}&account={ann}", world.rescue())).await;
    assert_eq!(twice.code, 400);
    let other = server.get(&format!("/rescue/{ann}/act")).await;
    assert_eq!(other.code, 404);
    for url in ["https://me:secret@node.example", "https://node.example/?key=secret", "ftp://x.example", "x"]
    {
        let refused = world.levee(&format!("serve --store index.db --wallet-rpc-url {url}"));
        assert!(refused.code == Some(1) && !refused.stderr.contains("me:secret"), "{}", refused.stderr);
    }
}

/// The rescue, served as it is now.
fn as_it_is(world: &World) -> Server {
    world.levee("index --store index.db --once").ok();
    Server::start(world, "--store index.db")
}

/// Somebody does what the page offers him by this name, which is what the command does by this line.
fn chooses(world: &World, server: &Server, account: usize, name: &str, line: &str) {
    let mut person = visitor(world, server, account);
    person.does(json!({ "follow": name }));
    person.sees(CONTINUE);
    let plan = person.does(json!({ "plan": null }));
    assert_eq!(plan, json!(calls(world, account, line)));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(person.asked_to(), ["eth_sendTransaction"]);
}

#[tokio::test]
async fn a_visitor_leaves_in_an_exit_window() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 5 ETH --tier 0");
    // The guardian proposes a later deadline: who disagrees can leave.
    world.by(GUARDIAN, "guardian amend --deadline 2100-01-15T00:00:00Z");
    let server = as_it_is(&world);
    let seen = sound(page_of(&world, &server));
    let shown = words(seen["text"].as_str().expect("a text"));
    let announced = "An amendment is pending Deadline from 2100-01-11 00:00:00 UTC to 2100-01-15 00:00:00 UTC It takes effect at ";
    assert!(shown.contains(announced), "{shown}");
    chooses(&world, &server, ANN, "Withdraw a whole pledge from the rescue", "exit");
    assert_eq!(world.status()["coverageWei"], "0");
}

#[tokio::test]
async fn a_visitor_objects() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.by(ANYONE, "settle");
    let server = as_it_is(&world);
    chooses(&world, &server, CAT, "Object to tranches that are not yet due in the rescue", "object");
    assert_eq!(world.positions(CAT)[0]["objected"], true);
    // What 29 of 100 ETH drawn is worth; the command tells it of the chain.
    assert_eq!(world.status()["objectedWei"], (29 * ETHER).to_string());
    // Nobody objects twice.
    let offered =
        as_it_is(&world).get(&format!("/rescue/{}/act?account={}", world.rescue(), world.address(CAT))).await;
    assert!(!offered.text.contains("Object to tranches"), "{}", offered.text);
}

#[tokio::test]
async fn a_visitor_has_paid_what_could_not_be_paid_before() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let code = world.chain.get_code_at(world.steth).await.expect("anvil answers");
    // Reverts whatever it is asked.
    world.chain.anvil_set_code(world.steth, bytes!("5f5ffd")).await.expect("anvil takes code");
    world.try_by(BEN, "exit").ok();
    world.chain.anvil_set_code(world.steth, code).await.expect("anvil takes code");
    let [_, before, _] = world.holds(world.address(BEN)).await;
    let server = as_it_is(&world);
    chooses(&world, &server, BEN, "Collect the stETH that the rescue", "collect stETH");
    // 30 stETH, at 1.2 ETH a share.
    let [_, now, _] = world.holds(world.address(BEN)).await;
    assert_eq!(now - before, 25 * ETHER);
}

#[tokio::test]
async fn a_visitor_has_a_bonus_paid() {
    let world = World::with_rescue().await;
    world.by(ANYONE, "bonus add 2 ETH");
    let anns = world.by(ANN, "pledge 20 ETH --tier 0");
    let anns = world.unit_seconds(&anns, 20 * ETHER).await;
    let bens = world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    // 1.2 ETH a share.
    let bens = world.unit_seconds(&bens, 25 * ETHER).await * U256::from(12) / U256::from(10);
    world.warp(12 * DAY + 1).await;
    // No log says what Ben's shares are worth until the failure is recorded.
    world.by(ANYONE, "settle");
    let pool = world.levee("address rescue.toml --of bonus-pool").ok();
    let server = as_it_is(&world);
    chooses(&world, &server, BEN, "Claim the bonus for the stETH in tier 2", "bonus claim");
    let left = world.chain.get_balance(pool.trim_end().parse().expect("an address")).await;
    let bonus = U256::from(2 * ETHER);
    assert_eq!(left.expect("anvil answers"), bonus - bonus * bens / (anns + bens));
}

#[tokio::test]
async fn refunds_and_recovered_funds_are_planned_as_the_commands_plan_them() {
    let world = World::with_rescue().await;
    world.released().await;
    world.by(GUARDIAN, "recover 30 ETH");
    let server = as_it_is(&world);
    for (account, name, line) in [(CAT, "refund-1-wstETH", "refund"), (CAT, "claim-1-wstETH", "claim")] {
        let of = format!("/rescue/{}/act?account={}&do={name}", world.rescue(), world.address(account));
        let shown = server.get(&of).await.text;
        for call in calls(&world, account, line) {
            let data = format!("data-data=\"{}\"", call["data"].as_str().expect("a text"));
            assert!(shown.contains(&data), "{name}: {shown}");
        }
    }
}

#[tokio::test]
async fn sliders_tell_what_the_command_tells() {
    let (world, server) = served("").await;
    world.by(ANN, "pledge 30 ETH --tier 0");
    world.by(BEN, "pledge 10 stETH --tier 0 --approve");
    world.levee("index --store index.db --once").ok();
    let block = world.status()["block"].clone();
    while server.get("/api/v1/rescues").await.json()["block"]["number"] != block {}
    let of = format!("/rescue/{}/what-if", world.rescue());
    // A quarter of the target of 100 ETH, and a share of stETH worth 1.25 ETH.
    let shown = server.get(&format!("{of}?tier0=25&tier1=0&tier2=0&rate=1250")).await.text;
    let command = format!(
        "levee what-if --rescue {} --chain 31337 --rpc-url https://node.example --share-rate '1.25 ETH' --add '25 ETH tier 0'",
        world.rescue()
    );
    assert!(shown.contains(&command.replace('\'', "&#39;")) || shown.contains(&command), "{shown}");
    let mut same = world.command();
    let line = format!("what-if --rescue {} --store index.db --json", world.rescue());
    same.args(line.split(' ')).args(["--share-rate", "1.25 ETH", "--add", "25 ETH tier 0"]);
    let told: Value = serde_json::from_slice(&same.output().expect("levee runs").stdout).expect("it is JSON");
    let coverage: u128 = told["after"]["coverageWei"].as_str().expect("a number").parse().expect("a number");
    // 30 and 25 ETH, and the shares at their rate.
    let shares: u128 =
        world.positions(BEN)[0]["amount"].as_str().expect("a number").parse().expect("a number");
    assert_eq!(coverage, 55 * ETHER + shares * 5 / 4);
    let exact = levee_model::display::decimal(coverage);
    assert!(shown.contains(&format!("{exact} ETH")), "{exact}: {shown}");
    assert!(shown.contains("As supposed") && shown.contains("25 ETH more"), "{shown}");
    sound(format!("{}{of}?tier0=25&rate=1250", server.url));

    let nothing = server.get(&of).await.text;
    assert!(!nothing.contains("As supposed") && nothing.contains("As it is"), "{nothing}");
    // What a slider cannot say is the most or the least that it can.
    let beyond = server.get(&format!("{of}?tier0=65535&rate=1")).await.text;
    assert!(beyond.contains("100 ETH more") && beyond.contains("is worth 0.5 ETH"), "{beyond}");
    assert_eq!(server.get(&format!("{of}?tier0=x")).await.code, 400);
}
