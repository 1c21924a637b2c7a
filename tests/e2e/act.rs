//! Acting from the browser: the page of `levee serve` plans what the commands plan, and a wallet of the browser sends it.

use alloy::{
    primitives::{Address, Bytes, U256},
    providers::ext::AnvilApi as _,
    sol_types::SolCall as _,
};
use levee::bindings::{StETH, WstETH};
use serde_json::{Value, json};

use crate::{
    browser::Person,
    pages::sound,
    serve::Server,
    support::{ANN, BEN, CAT, ETHER, GUARDIAN, World, words},
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
    person.does(json!({ "fill": { "Amount": amount } }));
    person.does(json!({ "choose": { "Unit": unit, "Tier": "0" } }));
    person.does(json!({ "press": "Show the plan" }));
    person.sees(CONTINUE);
    person
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
}

#[tokio::test]
async fn a_visitor_pledges_tokens_after_an_exact_approval() {
    let (world, server) = served("").await;
    // What no log says, the wallet's node does: how many shares 10 stETH are, and what these are worth.
    let token = StETH::new(world.steth, &world.chain);
    let shares = token.getSharesByPooledEth(U256::from(10 * ETHER)).call().await.expect("it answers");
    let worth = token.getPooledEthByShares(shares).call().await.expect("it answers");
    let mut person = with_plan(&world, &server, BEN, "10", "stETH");
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
    // What else it says leaves open whether it sent it.
    person.wallet(json!({ "answers": "fails" }));
    person.goes_on();
    person.sees("The wallet may have sent it: look there before you try again. It said: Internal error");
    person.wallet(json!({ "answers": "sends" }));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(world.positions(ANN)[0]["amount"], (5 * ETHER).to_string());
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
        shown.contains("How many shares 5 stETH is is known to no log") && !shown.contains("id=\"steps\"")
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

#[tokio::test]
async fn an_account_is_offered_what_it_can_do_and_does_it() {
    let (world, server) = served("").await;
    world.by(ANN, "pledge 5 ETH --tier 0");
    // The guardian proposes a later deadline: who disagrees can leave.
    world.by(GUARDIAN, "guardian amend --deadline 2100-01-15T00:00:00Z");
    world.levee("index --store index.db --once").ok();
    let block = world.status()["block"].clone();
    while server.get("/api/v1/rescues").await.json()["block"]["number"] != block {}
    let mut person = visitor(&world, &server, ANN);
    person.does(json!({ "follow": "Withdraw a whole pledge from the rescue" }));
    person.sees(CONTINUE);
    let plan = person.does(json!({ "plan": null }));
    assert_eq!(plan, json!(calls(&world, ANN, "exit")));
    person.goes_on();
    person.sees(DONE);
    assert_eq!(world.status()["coverageWei"], "0");

    let world = World::with_rescue().await;
    world.released().await;
    world.by(GUARDIAN, "recover 30 ETH");
    world.levee("index --store index.db --once").ok();
    let server = Server::start(&world, "--store index.db");
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
