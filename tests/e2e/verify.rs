//! A rescue proven from its address, and what the command says when a node or a file lies.

use std::fs;

use alloy::{
    primitives::U256,
    providers::{Provider, ext::AnvilApi as _},
};
use levee_lab::proxy::{self, OwnCode, Proxy, Reply};
use serde_json::{Value, json};

use crate::{
    readme::{bash, shell_blocks},
    support::{ANN, ANYONE, BEN, CAT, ETHER, GUARDIAN, Ran, World, project_file},
};

/// A rescue with pledges of all assets and a bonus pool.
async fn with_pledges() -> World {
    let world = World::with_rescue().await;
    world.by(ANYONE, "bonus add 1 ETH");
    world.pledge_all();
    world
}

fn verify(world: &World, options: &str) -> Ran {
    world.levee(&format!("verify {} {options}", world.rescue()))
}

fn verified(world: &World, options: &str) -> Value {
    verify(world, &format!("{options} --json")).json()
}

#[tokio::test]
async fn what_is_proven_is_what_the_views_say() {
    let world = with_pledges().await;
    let cat = world.address(CAT);
    let proven = verified(&world, &format!("--account {cat}"));
    assert_eq!(proven["rescue"], world.status());
    let line = format!("positions {cat} --terms rescue.toml --json");
    let mut told = world.levee(&line).json();
    // What it sponsored is not proven, so it is not told.
    assert_eq!(told["sponsoredWei"].take(), "0");
    assert_eq!(proven["account"], told);
    let amount = |asset: &str, unit: &str, amount: u128| json!({ "asset": asset, "unit": unit, "amount": amount.to_string() });
    let balances = json!([
        amount("ETH", "wei", 41 * ETHER),
        amount("stETH", "stETH shares", 25 * ETHER),
        amount("wstETH", "units of 10^-18 wstETH", 50 * ETHER),
    ]);
    assert_eq!(proven["balances"], balances);
    let latest = world.chain.get_block(alloy::eips::BlockId::latest()).await.expect("anvil answers");
    assert_eq!(proven["blockHash"], latest.expect("a block").header.hash.to_string());
    assert_eq!(proven["anchor"], json!({ "by": "node" }));
    let proofs = proven["proven"].as_array().expect("a list");
    let roles: Vec<_> = proofs.iter().map(|account| account["role"].as_str().expect("a name")).collect();
    assert_eq!(roles, ["escrow", "recoveryPool", "bonusPool", "stETH", "wstETH"]);
    assert_eq!((&proofs[1]["codeHash"], &proofs[1]["words"]), (&Value::Null, &json!([])));
    let words = proofs[0]["words"].as_array().expect("a list");
    let pot = words.iter().find(|word| word["name"] == "_pots[0]").expect("it is proven");
    let [slot, value] = [7, 41 * ETHER].map(|number| format!("{number:#066x}"));
    assert_eq!((&pot["slot"], &pot["value"]), (&json!(slot), &json!(value)));
    let what = proven["notProven"].as_array().expect("a list").iter().map(|one| one["what"].as_str());
    let expected = ["block", "chainId", "beneficiary", "shareRate", "token", "token"];
    assert_eq!(what.collect::<Option<Vec<_>>>().expect("names"), expected);
}

#[tokio::test]
async fn the_page_fits_the_terminal_and_says_what_is_not_proven() {
    let world = with_pledges().await;
    let shown = verify(&world, &format!("--account {}", world.address(BEN))).ok();
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    let page = world.page();
    let page: Vec<_> = page.lines().filter(|line| !line.starts_with("block ")).collect();
    assert!(page.iter().all(|line| shown.contains(line)), "{shown}");
    for line in [
        "held by the escrow\n  ETH     41 ETH (41000000000000000000 wei)\n  stETH   30 stETH (25000000000000000000 shares)\n",
        "recovery pool  0x",
        ": not created\n",
        "\nnot proven\n  block        that it is of the chain, and the latest: this is the word of one\n",
        "  share rate   what Lido says that shares are worth, or that it does not say:\n",
    ] {
        assert!(shown.contains(line), "{line}\nis not in\n{shown}");
    }
}

#[tokio::test]
async fn it_is_said_who_vouches_for_the_block() {
    let world = with_pledges().await;
    let hash = verified(&world, "")["blockHash"].take();
    let hash = hash.as_str().expect("a hash");
    assert_eq!(verified(&world, &format!("--block-hash {hash}"))["anchor"], json!({ "by": "caller" }));
    let other = Proxy::start(&world.endpoint(), OwnCode::Runs);
    let two = |second: &str| format!("--rpc-url {} --rpc-url {second} --quorum 2", world.endpoint());
    assert_eq!(verified(&world, &two(other.url()))["anchor"], json!({ "by": "quorum", "nodes": 2 }));
    verify(&world, &two(&world.endpoint())).assert_refused(
        "2 nodes must agree, but the number of nodes given is 1",
        "give `--rpc-url` once for each node, or a smaller `--quorum`",
    );
    // Older blocks stay what they were.
    world.by(ANN, "pledge 1 ETH --tier 0");
    let pledged = |proven: &Value| proven["rescue"]["pots"][0]["total"].clone();
    let [before, now] =
        [format!("--block-hash {hash}"), String::new()].map(|options| verified(&world, &options));
    let amounts = [41, 42].map(|ether: u128| json!((ether * ETHER).to_string()));
    assert_eq!([pledged(&before), pledged(&now)], amounts);
    let unknown = format!("0x{}", "07".repeat(32));
    let ran = verify(&world, &format!("--block-hash {unknown}"));
    let message = format!("error: the node has no block with the hash `{unknown}`\n");
    assert_eq!((ran.code, ran.stderr.starts_with(&message)), (Some(2), true), "{}", ran.stderr);
}

#[tokio::test]
async fn a_bundle_is_checked_offline_by_anyone() {
    let world = with_pledges().await;
    let (ben, cat) = (world.address(BEN), world.address(CAT));
    let mut online = verified(&world, &format!("--account {ben} --bundle proof.json"));
    let dead = "--from-bundle proof.json";
    let offline = || {
        let mut command = world.command();
        command.env_remove("LEVEE_RPC_URL");
        let line = format!("verify {} {dead} --json", world.rescue());
        crate::support::run(&mut command, &line).json()
    };
    let mut again = offline();
    assert_eq!(again["anchor"].take(), json!({ "by": "bundle" }));
    assert_eq!(online["anchor"].take(), json!({ "by": "node" }));
    assert_eq!(again, online);
    // It is what it was, whatever happens to the rescue.
    world.by(GUARDIAN, "cancel");
    assert_eq!(offline()["rescue"]["status"], "Open");

    verify(&world, "--bundle proof.json").assert_refused("`proof.json` exists already", "name another file");
    verify(&world, &format!("{dead} --account {cat}")).assert_refused(
        &format!("`proof.json` has no positions of `{cat}`"),
        "leave `--account` out, or ask for a file that was written with it",
    );
    world.levee(&format!("verify {cat} {dead}")).assert_refused(
        &format!("`proof.json` is about the rescue `{}`", world.rescue()),
        "ask for that rescue, or for another file",
    );
    let nodeless =
        "`proof.json` is checked without a node, and only a node tells what `rescue.eth` stands for";
    world.levee(&format!("verify rescue.eth {dead}")).assert_refused(nodeless, "give the address");
    let tampered = fs::read_to_string(world.directory().join("proof.json")).expect("it is written");
    let shares = format!("{:#x}", 25 * ETHER);
    assert!(tampered.contains(&shares));
    world.write("tampered.json", &tampered.replace(&shares, "0x1"));
    let ran = verify(&world, "--from-bundle tampered.json");
    let message = "error: `tampered.json` proves nothing: what is said of slot `0x";
    assert_eq!((ran.code, ran.stderr.starts_with(message)), (Some(1), true), "{}", ran.stderr);
    let error: Value =
        serde_json::from_str(&verify(&world, "--from-bundle tampered.json --json").stderr).expect("JSON");
    assert_eq!((&error["error"]["kind"], &error["error"]["code"]), (&json!("SlotDiffers"), &json!(1)));
    let mut more: Value = serde_json::from_str(&tampered).expect("JSON");
    more["evidence"]["comment"] = json!("trust me");
    world.write("more.json", &more.to_string());
    let ran = verify(&world, "--from-bundle more.json");
    let message = "error: `more.json` is not a bundle of evidence: unknown field `comment`";
    assert_eq!((ran.code, ran.stderr.starts_with(message)), (Some(1), true), "{}", ran.stderr);
    world.write("other.json", "{}");
    let ran = verify(&world, "--from-bundle other.json");
    assert!(ran.stderr.starts_with("error: `other.json` is not a bundle of evidence: "), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
}

#[tokio::test]
async fn terms_are_compared_word_by_word() {
    let world = World::with_rescue().await;
    verify(&world, "--terms rescue.toml").ok();
    world.write_terms("other.toml", "100 ETH", "90 ETH");
    let differs = format!(
        "the terms of the rescue are not those in `other.toml`: `targetWei` is \"{}\", not \"{}\"",
        100 * ETHER,
        90 * ETHER
    );
    let hint = "pledge only to the rescue whose terms you have read: `levee address` computes its address";
    verify(&world, "--terms other.toml").assert_refused(&differs, hint);
}

#[tokio::test]
async fn a_node_that_lies_is_named_by_what_did_not_fit() {
    let world = with_pledges().await;
    let node = world.endpoint();
    let rescue = world.rescue();
    let liar = Proxy::replying(&world.endpoint(), move |request| {
        let is_escrow = request["params"][0] == json!(rescue.to_string().to_lowercase());
        if request["method"] != "eth_getProof" || !is_escrow {
            return Reply::Node;
        }
        let mut proof = proxy::ask(&node, request)["result"].take();
        proof["balance"] = json!("0x56bc75e2d63100000");
        Reply::Result(proof)
    });
    let ran = verify(&world, &format!("--rpc-url {}", liar.url()));
    let expected = format!(
        "error: what is said of the account `{rescue}` is not in the state of the block\n\nhint: do not rely on what gave \
         this answer: ask another node, and compare the block's hash with another source\n"
    );
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr), (Some(2), "", expected));
}

#[tokio::test]
async fn a_proof_of_a_rescue_with_tokens_is_nine_requests() {
    let world = with_pledges().await;
    let proxy = Proxy::start(&world.endpoint(), OwnCode::Runs);
    verify(&world, &format!("--account {} --rpc-url {}", world.address(ANN), proxy.url())).ok();
    // The first says whether the address is a rescue's or a compact's.
    assert_eq!(proxy.methods().len(), 9);
}

#[tokio::test]
async fn nothing_is_proven_at_a_block_that_is_not_the_latest_by_the_clock() {
    let world = World::with_rescue().await;
    // The local chain may have any time.
    world.chain.anvil_set_chain_id(5).await.expect("anvil takes it");
    let proxy = Proxy::start(&world.endpoint(), OwnCode::Runs);
    let ran = verify(&world, &format!("--rpc-url {} --json", proxy.url()));
    let error: Value = serde_json::from_str(&ran.stderr).expect("JSON");
    assert_eq!((&error["error"]["kind"], ran.code), (&json!("FutureBlock"), Some(2)));
    assert_eq!(proxy.methods(), ["eth_getCode", "eth_getBlockByNumber", "eth_call"]);
}

#[tokio::test]
async fn a_token_that_took_from_the_escrow_is_warned_of() {
    let world = with_pledges().await;
    let steth = &verified(&world, "")["proven"][3];
    let [address, slot] = [&steth["address"], &steth["words"][0]["slot"]]
        .map(|value| value.as_str().expect("a text").to_owned());
    let set = world.chain.anvil_set_storage_at(
        address.parse().expect("an address"),
        slot.parse().expect("a slot"),
        U256::from(24 * ETHER).into(),
    );
    set.await.expect("anvil takes it");
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let shares = |amount: u128| json!({ "asset": "stETH", "unit": "stETH shares", "amount": (amount * ETHER).to_string() });
    let short = json!([{ "held": shares(24), "booked": shares(25) }]);
    assert_eq!(verified(&world, "")["shortfalls"], short);
    let ran = verify(&world, "");
    let warning = "warning: the escrow has 28.8 stETH (24000000000000000000 shares), but its books need 30 stETH (25000000000000000000 shares): not everybody can be paid\n";
    assert_eq!(ran.stderr, warning);
    let unknown = "  stETH        that it does as it should, now or later: it is not the token that";
    assert!(ran.ok().contains(unknown));
}

#[tokio::test]
async fn the_page_about_proofs_runs_as_written() {
    let world = with_pledges().await;
    let page = project_file("docs/verify.md");
    let commands = shell_blocks(&page).concat();
    assert!(commands.contains("--from-bundle"), "{commands}");
    let shown = bash(world.directory(), &world.endpoint(), &commands).ok();
    assert_eq!(shown.matches("\nnot proven\n").count(), 3, "{shown}");
}
