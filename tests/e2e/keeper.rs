//! `levee keeper` against a chain: it does what is due once, alone or among others, whatever ends it.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use alloy::{
    consensus::Transaction as _,
    eips::BlockId,
    network::TransactionBuilder as _,
    primitives::{Address, B256, U256},
    providers::{Provider as _, ext::AnvilApi as _},
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use levee::{
    CREATE2_DEPLOYER, SALT,
    bindings::PledgeEscrow,
    model::{Status, Terms},
    terms::init_code,
    text::terms::TermsFile,
};
use levee_lab::proxy::{Proxy, Reply};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{
    ANN, ANYONE, BENEFICIARY, CAT, DAY, ETHER, GUARDIAN, HOUR, World, levee, project_file, words,
};

/// The account of the keeper, and of those beside it.
const KEEPERS: [usize; 3] = [6, 7, 8];
const ONCE: &str = "keeper --store index.db --once --dev 6";

fn once(world: &World) -> Value {
    world.levee(&format!("{ONCE} --json")).json()
}

/// Operation and outcome of each duty of a round.
fn outcomes(round: &Value) -> Vec<(&str, &str)> {
    fn text<'a>(duty: &'a Value, key: &str) -> &'a str {
        duty[key].as_str().expect("text")
    }
    let duties = round["duties"].as_array().expect("a list").iter();
    duties.map(|duty| (text(duty, "operation"), text(duty, "outcome"))).collect()
}

/// A keeper of one of anvil's accounts that goes on, with a journal and an index of its own.
fn start(world: &World, account: usize, url: &str, options: &str) -> Child {
    let mut command: Command = levee(world.directory());
    command.env("LEVEE_RPC_URL", url);
    let line = format!(
        "keeper --json --log json --every 1 --dev {account} --store {account}.db --journal {account}-journal.db {options}"
    );
    command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("levee runs")
}

/// The values in the lines of one of its outputs.
fn values(output: impl std::io::Read) -> impl Iterator<Item = Value> {
    BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
}

/// The first event of its log that `is_it`; what it logs after that is drained.
pub(crate) fn logged(child: &mut Child, is_it: impl Fn(&Value) -> bool) -> Value {
    let mut events = values(child.stderr.take().expect("it is piped"));
    let found = events.by_ref().find(|event| is_it(event)).expect("it says so before it ends");
    thread::spawn(move || events.for_each(drop));
    found
}

pub(crate) fn ended(mut child: Child) -> Option<i32> {
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it is there");
    child.wait().expect("it ends").code()
}

/// How many transactions have failed, to one contract or to any.
async fn failed(world: &World, to: Option<Address>) -> usize {
    let latest = world.chain.get_block_number().await.expect("anvil answers");
    let mut failed = 0;
    for number in 0..=latest {
        let receipts = world.chain.get_block_receipts(number.into()).await.expect("anvil answers");
        let is_one = |receipt: &&TransactionReceipt| !receipt.status() && (to.is_none() || receipt.to == to);
        failed += receipts.expect("the block").iter().filter(is_one).count();
    }
    failed
}

fn intents(world: &World, journal: &str) -> Vec<Value> {
    let listed = world.levee(&format!("journal list --json --journal {journal}")).json();
    listed["intents"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn what_is_due_is_done_once() {
    let world = World::with_rescue().await;
    let block = world.chain.get_block_number().await.expect("anvil answers");
    assert_eq!(world.levee(ONCE).ok(), format!("nothing is due for 1 rescue at block {block}\n"));
    world.pledge_all();
    // Covered: 71 ETH of the first order, and 29 of the loan.
    let mark = world.mark().await;
    let dry_run = "keeper --store index.db --dry-run --json --as 0x000000000000000000000000000000000000dEaD";
    let planned = world.levee(dry_run).json();
    assert_eq!(outcomes(&planned), [("Settle", "planned")]);
    assert_eq!(planned["duties"][0]["sinceUnix"], Value::Null);
    assert_eq!(world.mark().await, mark, "a dry run sends nothing");
    assert_eq!(outcomes(&once(&world)), [("Settle", "done")]);
    assert_eq!(outcomes(&once(&world)), []);

    world.warp(DAY + HOUR).await;
    let before = world.holds(world.address(BENEFICIARY)).await;
    let round = once(&world);
    assert_eq!(outcomes(&round), [("Release", "done"); 3]);
    let assets: Vec<_> =
        round["duties"].as_array().expect("a list").iter().map(|duty| &duty["asset"]).collect();
    assert_eq!(assets, ["ETH", "stETH", "wstETH"]);
    let until = round["duties"][0]["untilUnix"].as_u64().expect("a time");
    let since = round["duties"][0]["sinceUnix"].as_u64().expect("a time");
    // The second tranche falls due a day later, and can be collected for a week.
    assert_eq!(until - since, 8 * DAY);
    let gained = world.gained(BENEFICIARY, before).await;
    // Half of 41 ETH, of 25 shares (30 stETH), and of 50 wstETH * 29 / 60, rounded down.
    assert_eq!(gained, [41 * ETHER / 2, 25 * ETHER / 2, 50 * ETHER * 29 / 60 / 2]);
    assert_eq!(outcomes(&once(&world)), []);
    assert_eq!(failed(&world, None).await, 0);
}

#[tokio::test]
async fn a_rescue_that_is_not_there_is_an_error_where_there_is_no_second_look() {
    let world = World::with_rescue().await;
    let other = Address::repeat_byte(0x77);
    for mode in ["--dry-run --as 0x000000000000000000000000000000000000dEaD", "--once --dev 0"] {
        let ran = world.levee(&format!("keeper --store index.db {mode} --rescue {other}"));
        let refused = format!("error: the index of chain 31337 has no rescue or compact `{other}`\n");
        assert!(ran.code == Some(1) && ran.stderr.contains(&refused), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn pledgers_are_paid_only_if_it_is_asked_for() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 1 ETH --tier 0");
    world.by(CAT, "pledge 1 wstETH --tier 1 --approve");
    world.warp(11 * DAY).await;
    let others = format!("{ONCE} --json --refund --pledger {}", world.address(CAT));
    let round = world.levee(&others).json();
    assert_eq!(outcomes(&round), [("Settle", "done"), ("Refund", "done")]);
    assert_eq!(round["duties"][1]["pledger"], world.address(CAT).to_string());
    assert_eq!(outcomes(&once(&world)), []);
    let round = world.levee(&format!("{ONCE} --json --refund --collect --claim")).json();
    assert_eq!(outcomes(&round), [("Refund", "done")]);
    assert_eq!(round["duties"][0]["pledger"], world.address(ANN).to_string());
}

/// Counts down from 16,384 whenever it is paid, which takes more than 400,000 gas.
const WASTEFUL: [u8; 13] = [0x61, 0x40, 0x00, 0x5b, 0x60, 0x01, 0x90, 0x03, 0x80, 0x60, 0x03, 0x57, 0x00];

#[tokio::test]
async fn a_pledger_that_wastes_gas_is_not_paid_by_others() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 1 ETH --tier 0");
    world.warp(11 * DAY).await;
    assert_eq!(outcomes(&once(&world)), [("Settle", "done")]);
    world.chain.anvil_set_code(world.address(ANN), WASTEFUL.into()).await.expect("anvil sets it");
    let round = world.levee(&format!("{ONCE} --json --refund")).json();
    assert_eq!(outcomes(&round), [("Refund", "refused")]);
    let reason = round["duties"][0]["reason"].as_str().expect("text");
    assert!(reason.contains("300000"), "{reason}");
    assert!(words(&project_file("docs/keeper.md")).contains("no payment to a pledger more than 300,000"));
}

#[tokio::test]
async fn shares_of_what_was_recovered_are_paid() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.by(ANYONE, "settle");
    world.warp(2 * DAY + HOUR).await;
    assert_eq!(outcomes(&once(&world)), [("Release", "done"); 3]);
    world.by(ANYONE, "recover 30 ETH");
    let claims = format!("{ONCE} --json --claim");
    let before = world.holds(world.address(CAT)).await;
    let round = world.levee(&claims).json();
    // The loan was drawn last, and gets its 29 ETH and the interest back first; the rest is for those before.
    assert_eq!(outcomes(&round), [("Claim", "done"); 3]);
    let gained = world.gained(CAT, before).await[0];
    assert!((29 * ETHER..30 * ETHER).contains(&gained), "{gained}");
    assert_eq!(outcomes(&world.levee(&claims).json()), []);
}

#[tokio::test]
async fn what_has_left_is_struck_from_the_bonus() {
    let world = World::with_rescue().await;
    world.by(ANYONE, "bonus add 2 ETH");
    world.by(ANN, "pledge 20 ETH --tier 0");
    world.by(CAT, "pledge 5 wstETH --tier 1 --approve");
    let strikes = format!("{ONCE} --json --strike");
    assert_eq!(outcomes(&world.levee(&strikes).json()), []);
    world.by(GUARDIAN, &format!("guardian decline {}", world.address(ANN)));
    assert_eq!(outcomes(&once(&world)), []);
    let round = world.levee(&strikes).json();
    assert_eq!(outcomes(&round), [("Enlist", "done")]);
    assert_eq!(round["duties"][0]["pledger"], world.address(ANN).to_string());
    assert_eq!(outcomes(&world.levee(&strikes).json()), []);

    // So all of it is for Cat, who stayed.
    world.warp(12 * DAY + 1).await;
    let before = world.holds(world.address(CAT)).await;
    world.by(ANYONE, &format!("bonus claim --pledger {}", world.address(CAT)));
    assert_eq!(world.gained(CAT, before).await, [2 * ETHER, 0, 0]);
    assert_eq!(outcomes(&world.levee(&strikes).json()), []);
}

#[tokio::test]
async fn what_is_too_dear_waits_and_its_price_rises() {
    let world = World::with_rescue().await;
    world.warp(11 * DAY).await;
    let mark = world.mark().await;
    let late = "--max-fee 1wei --max-fee-late 100gwei";
    let round = world.levee(&format!("{ONCE} --json --max-fee 1wei")).json();
    assert_eq!(outcomes(&round), [("Settle", "tooDear")]);
    assert_eq!(round["duties"][0]["capWei"], "1");
    // A day of 40,000: far below a gwei.
    let round = world.levee(&format!("{ONCE} --json {late} --rise 40000days")).json();
    assert_eq!(outcomes(&round), [("Settle", "tooDear")]);
    assert_eq!(world.mark().await, mark);
    // The deadline was at 10 days.
    let round = world.levee(&format!("{ONCE} --json {late} --rise 1day")).json();
    assert_eq!(outcomes(&round), [("Settle", "done")]);
    world.levee(&format!("{ONCE} --max-fee 301gwei")).assert_refused(
        "301000000000 wei for a unit of gas is more than is ever paid",
        "choose a price of up to 300 gwei",
    );
    world.levee(&format!("{ONCE} --max-fee 3gwei --max-fee-late 2gwei")).assert_refused(
        "`--max-fee-late` is below `--max-fee`, but the price only rises",
        "leave it out, or choose a higher one",
    );
}

#[tokio::test]
async fn a_node_that_names_a_high_tip_does_not_get_it() {
    let world = World::with_rescue().await;
    world.warp(11 * DAY).await;
    let gwei = |count: u128| format!("{:#x}", count * 10u128.pow(9));
    let history = json!({
        "oldestBlock": "0x1", "baseFeePerGas": [gwei(3), gwei(3)], "gasUsedRatio": [0.5], "reward": [[gwei(290)]],
    });
    let proxy = Proxy::replying(&world.endpoint(), move |request| match request["method"].as_str() {
        Some("eth_feeHistory") => Reply::Result(history.clone()),
        _ => Reply::Node,
    });
    let ran = world.levee(&format!("{ONCE} --json --log json --rpc-url {}", proxy.url()));
    let is_told = values(ran.stderr.as_bytes()).any(|event| {
        event["message"] == "the node names a higher tip than is paid"
            && [&event["named"], &event["paid"]] == ["290 gwei", "6 gwei"]
    });
    assert!(is_told, "{}", ran.stderr);
    assert_eq!(outcomes(&ran.json()), [("Settle", "done")]);
    let latest =
        world.chain.get_block(BlockId::latest()).full().await.expect("anvil answers").expect("a block");
    let tips: Vec<_> = latest.transactions.txns().map(|sent| sent.max_priority_fee_per_gas()).collect();
    assert_eq!(tips, [Some(6 * 10u128.pow(9))]);
}

#[tokio::test]
async fn an_account_that_cannot_pay_sends_nothing() {
    let world = World::with_rescue().await;
    world.warp(11 * DAY).await;
    let account = world.address(KEEPERS[0]);
    world.chain.anvil_set_balance(account, U256::from(7)).await.expect("anvil sets it");
    let ran = world.levee(&format!("{ONCE} --json"));
    assert!(ran.stderr.contains("the balance is low"), "{}", ran.stderr);
    let round = ran.json();
    assert_eq!(outcomes(&round), [("Settle", "unfunded")]);
    assert_eq!(round["duties"][0]["balanceWei"], "7");
    assert_eq!(world.chain.get_transaction_count(account).await.expect("anvil answers"), 0);
}

/// Starts a keeper on a chain that makes no blocks, and waits until it has sent; the transaction.
async fn sent_into_the_void(world: &World, options: &str) -> (Child, B256) {
    world.warp(11 * DAY).await;
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops");
    let mut child = start(world, KEEPERS[0], &world.endpoint(), &format!("--spread 1 {options}"));
    let event = logged(&mut child, |event| event["message"] == "sent");
    let transaction = event["transaction"].as_str().and_then(|text| text.parse().ok()).expect("a hash");
    (child, transaction)
}

#[tokio::test]
async fn what_a_killed_keeper_has_begun_comes_first() {
    let world = World::with_rescue().await;
    let (mut child, transaction) = sent_into_the_void(&world, "").await;
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    // The node has lost it, so that only the journal knows it.
    world.chain.anvil_drop_transaction(transaction).await.expect("anvil drops it");
    world.chain.anvil_set_auto_mine(true).await.expect("anvil goes on");
    let again = "keeper --store 6.db --journal 6-journal.db --once --dev 6 --json";
    assert_eq!(outcomes(&world.levee(again).json()), [], "it was done by what was begun");
    let [intent] = &intents(&world, "6-journal.db")[..] else { panic!("one intent") };
    assert_eq!(
        (&intent["state"], &intent["transactions"][0]["transaction"]),
        (&json!("done"), &json!(transaction))
    );
    assert_eq!(world.status()["status"], "Failed");
    assert_eq!(world.chain.get_transaction_count(world.address(KEEPERS[0])).await.expect("anvil answers"), 1);
}

#[tokio::test]
async fn what_is_in_no_block_when_it_ends_stays_in_the_journal() {
    let world = World::with_rescue().await;
    let (child, transaction) = sent_into_the_void(&world, "--grace 1").await;
    assert_eq!(ended(child), Some(0));
    assert_eq!(intents(&world, "6-journal.db")[0]["state"], "unfinished");
    world.chain.anvil_set_auto_mine(true).await.expect("anvil goes on");
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    world.levee("keeper --store 6.db --journal 6-journal.db --once --dev 6").ok();
    let [intent] = &intents(&world, "6-journal.db")[..] else { panic!("one intent") };
    assert_eq!(
        (&intent["state"], &intent["transactions"][0]["transaction"]),
        (&json!("done"), &json!(transaction))
    );
}

#[tokio::test]
async fn asked_to_end_it_waits_for_what_it_has_sent() {
    let world = World::with_rescue().await;
    let (mut child, _) = sent_into_the_void(&world, "--grace 60").await;
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it is there");
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let done = values(child.stdout.take().expect("it is piped")).next().expect("it tells what it did");
    assert_eq!(done["outcome"], "done");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(intents(&world, "6-journal.db")[0]["state"], "done");
}

#[tokio::test]
async fn it_goes_on_when_nodes_fail_and_says_so() {
    let world = World::with_rescue().await;
    let fails = Arc::new(AtomicBool::new(false));
    let (switch, endpoint) = (Arc::clone(&fails), world.endpoint());
    let proxy = Proxy::replying(&endpoint, move |_| match switch.load(Ordering::Relaxed) {
        true => Reply::Status(503, "", "down"),
        false => Reply::Node,
    });
    let mut child = start(&world, KEEPERS[0], proxy.url(), "--spread 1 --timeout 1 --listen 127.0.0.1:0");
    let mut events = values(child.stderr.take().expect("it is piped"));
    let mut until = |message: &str| {
        events
            .by_ref()
            .find(|event| event["message"] == message)
            .unwrap_or_else(|| panic!("it says {message}"))
    };
    let address = until("serving metrics")["address"].as_str().expect("an address").to_owned();
    until("started");
    fails.store(true, Ordering::Relaxed);
    let error = until("it is tried again")["error"].as_str().expect("text").to_owned();
    assert!(error.starts_with("no answer to `eth_"), "{error}");
    let (_, health) = get(&address, "/health");
    let health: Value = serde_json::from_str(&health).expect("it is JSON");
    assert!(
        health["error"].as_str().is_some_and(|error| error.starts_with("no answer to `eth_")),
        "{health}"
    );
    world.warp(11 * DAY).await;
    fails.store(false, Ordering::Relaxed);
    let done = values(child.stdout.take().expect("it is piped")).next().expect("it does its duty");
    assert_eq!((&done["operation"], &done["outcome"]), (&json!("Settle"), &json!("done")));
    let (status, health) = get(&address, "/health");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let health: Value = serde_json::from_str(&health).expect("it is JSON");
    assert_eq!((&health["healthy"], &health["error"]), (&json!(true), &Value::Null));
    let (status, metrics) = get(&address, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    for line in ["levee_keeper_rescues 1", "levee_keeper_duties_total{outcome=\"done\"} 1"] {
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }
    assert!(!metrics.contains("levee_keeper_failures_total 0"), "{metrics}");
    assert_eq!(ended(child), Some(0));
}

/// The status line and the body of what is served.
pub(crate) fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

/// Three keepers that know nothing of each other, and eight rescues that must be settled from the same block on.
#[tokio::test]
async fn keepers_rarely_get_in_each_others_way() {
    const RESCUES: usize = 8;
    let world = World::with_rescue().await;
    let mut rescues: Vec<Address> = vec![world.rescue()];
    for number in 1..RESCUES {
        let target = format!("target = \"{} ETH\"", 100 + number);
        world.write_terms("other.toml", "target = \"100 ETH\"", &target);
        world.levee(&format!("deploy other.toml --dev {ANYONE} --yes")).ok();
        rescues.push(world.levee("address other.toml").ok().trim_end().parse().expect("an address"));
    }
    world.warp(11 * DAY).await;
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops");
    world.chain.anvil_set_interval_mining(1).await.expect("anvil takes an interval");
    let (tell, told) = mpsc::channel();
    let mut keepers = Vec::new();
    for account in KEEPERS {
        let mut child = start(&world, account, &world.endpoint(), "--spread 16");
        let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let tell = tell.clone();
        thread::spawn(move || values(stdout).for_each(|line| drop(tell.send((account, line)))));
        thread::spawn(move || values(stderr).for_each(drop));
        keepers.push(child);
    }
    let mut done: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    while done.len() < RESCUES {
        let (account, line) = told.recv().expect("they go on");
        if line["outcome"] == "done" {
            done.entry(line["rescue"].as_str().expect("text").to_owned()).or_default().push(account);
        }
    }
    for child in keepers {
        assert_eq!(ended(child), Some(0));
    }
    assert!(done.values().all(|by| by.len() == 1), "each is done once: {done:?}");
    for rescue in rescues {
        let stored = PledgeEscrow::new(rescue, &world.chain).pledging().call().await.expect("it is a rescue");
        assert_eq!(stored.status, Status::Failed as u8);
        let lost = failed(&world, Some(rescue)).await;
        assert!(lost <= 1, "{lost} transactions to {rescue} failed");
    }
}

/// The memory of a process that is in use, in kilobytes.
fn resident(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hundred_rescues_fit_in_sixty_megabytes() {
    let world = World::start().await;
    let file = TermsFile::read(&world.directory().join("rescue.toml")).expect("they are terms");
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops");
    let nonce = world.chain.get_transaction_count(world.address(ANYONE)).await.expect("anvil answers");
    for number in 0..100 {
        let terms = Terms { terms_hash: B256::with_last_byte(number), ..file.terms.clone() };
        let input = [SALT.as_slice(), &init_code(&terms).expect("it can be encoded")].concat();
        let create = TransactionRequest::default().with_to(CREATE2_DEPLOYER).with_input(input);
        let create = create.with_gas_limit(5_500_000).with_nonce(nonce + u64::from(number));
        // Full blocks raise the price.
        let create = create.with_max_fee_per_gas(ETHER / 10_000_000).with_max_priority_fee_per_gas(1);
        drop(world.chain.send_transaction(create).await.expect("anvil takes it"));
    }
    while world.chain.get_transaction_count(world.address(ANYONE)).await.expect("anvil answers") < nonce + 100
    {
        world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    }
    world.chain.anvil_set_auto_mine(true).await.expect("anvil goes on");
    let mut child = start(&world, KEEPERS[0], &world.endpoint(), "--spread 1 --listen 127.0.0.1:0");
    let event = logged(&mut child, |event| event["message"] == "serving metrics");
    let address = event["address"].as_str().expect("an address").to_owned();
    while !get(&address, "/metrics").1.contains("levee_keeper_rescues 100\n") {
        std::hint::spin_loop();
    }
    let used = resident(&child);
    println!("{used} kB");
    assert!(used < 60_000, "{used} kB");
    assert_eq!(ended(child), Some(0));
}

#[tokio::test]
async fn the_unit_for_systemd_starts_a_keeper() {
    let unit = project_file("deploy/levee-keeper.service");
    let values = |key: &str| -> Vec<String> {
        let lines = unit.lines().filter_map(|line| line.split_once('='));
        lines.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
    };
    for (key, value) in [
        ("Type", "exec"),
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("MemoryDenyWriteExecute", "yes"),
        ("CapabilityBoundingSet", ""),
        ("Restart", "on-failure"),
    ] {
        assert_eq!(values(key), [value], "{key}");
    }
    let stop: u64 = values("TimeoutStopSec")[0].parse().expect("seconds");
    assert!(stop > 45, "shorter than `--grace`");
    let credentials: Vec<String> =
        values("LoadCredential").iter().filter_map(|one| Some(one.split_once(':')?.0.to_owned())).collect();
    assert_eq!(credentials, ["keystore", "password"]);

    let world = World::with_rescue().await;
    let directory = world.directory().display().to_string();
    fs::copy(crate::support::root().join("tests/e2e/keystore.json"), world.directory().join("keystore"))
        .expect("it is copied");
    world.write("password", crate::accounts::PASSWORD);
    let line = values("ExecStart")[0].replace("${CREDENTIALS_DIRECTORY}", &directory).replace(":9464", ":0");
    let line = line.strip_prefix("/usr/local/bin/levee ").expect("the command");
    let mut child = world.command();
    child.env("XDG_STATE_HOME", &directory).args(line.split(' '));
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("levee runs");
    let started = logged(&mut child, |event| event["message"] == "started");
    assert_eq!(started["account"], crate::accounts::KEYSTORE_ADDRESS.to_string());
    assert_eq!(ended(child), Some(0));
    assert!(world.directory().join("levee/journal.db").exists(), "the state is where the unit says");
}

#[tokio::test]
async fn the_page_says_what_it_does() {
    let page = project_file("docs/keeper.md");
    let [commands] = crate::readme::shell_blocks(&page)[..] else { panic!("there are other blocks") };
    let [plan, once] = commands.lines().collect::<Vec<_>>()[..] else { panic!("{commands}") };
    let world = World::with_rescue().await;
    world.warp(11 * DAY).await;
    let keeper = world.address(KEEPERS[0]).to_string();
    let line = |line: &str| {
        let line = line.strip_prefix("levee ").expect("a command").replace("0xKEEPER", &keeper);
        world.levee(&line.replace("--account keeper", "--dev 6")).ok()
    };
    assert!(line(plan).contains("settle, due since 2100-01-11T00:00:01Z: would need "));
    assert!(line(once).contains("settle, due since 2100-01-11T00:00:01Z: done in block "));
    let text = words(&page);
    assert!(text.contains("No duty may need more than 1,200,000 gas"));
    world.levee("keeper --browser").assert_refused(
        "a keeper sends by itself, and a wallet in a browser asks each time",
        "use a keystore with `--password-file`, or a key in a service",
    );
}
