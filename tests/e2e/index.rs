//! `levee index` against a chain: it goes on where it was, whatever ended it, and says where it is wrong.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use alloy::{
    primitives::B256,
    providers::{Provider as _, ext::AnvilApi as _},
};
use levee_lab::proxy::{Proxy, Reply, ask};
use serde_json::{Value, json};

use crate::support::{ANN, BEN, World, words};

/// How often the test kills the command; `make kill-index` sets the variable.
const KILLS: &str = "LEVEE_KILLS";

/// A chain that is long enough for several batches, with pledges in it.
async fn world() -> World {
    let world = World::with_rescue().await;
    for account in [ANN, BEN] {
        world.chain.anvil_mine(Some(40), None).await.expect("anvil mines");
        world.by(account, "pledge 1 ETH --tier 0");
    }
    world.chain.anvil_mine(Some(300), None).await.expect("anvil mines");
    world
}

/// Starts to follow, with a line of JSON for each step.
fn start(world: &World, options: &[&str]) -> Child {
    let mut command: Command = world.command();
    command.args(["index", "--json", "--store", "index.db"]).args(options);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it can be started")
}

/// The next step that it tells.
fn next(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Value {
    let line = lines.next().expect("there is a next step").expect("it can be read");
    serde_json::from_str(&line).expect("it is JSON")
}

fn check(world: &World) -> Value {
    world.levee("index check --store index.db --json").json()
}

#[tokio::test]
async fn an_index_agrees_with_the_chain_and_a_change_is_found() {
    let world = world().await;
    let ran = world.levee("index --store index.db --once");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    assert!(
        ran.stderr.contains("new logs") && ran.stderr.contains("up to date with block "),
        "{}",
        ran.stderr
    );
    let checked = check(&world);
    assert_eq!(checked["differences"], Value::Array(vec![]));
    let number = checked["block"]["number"].as_u64().expect("it is a number");
    let agreed = format!("the index agrees with the chain up to block {number}\n");
    assert_eq!(world.levee("index check --store index.db").ok(), agreed);

    sqlx::any::install_default_drivers();
    let path = world.directory().join("index.db");
    let rows = sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.expect("it opens");
    let change =
        sqlx::query("UPDATE positions SET objected = 1").execute(&rows).await.expect("it is written");
    assert_eq!(change.rows_affected(), 2);
    rows.close().await;
    let ran = world.levee("index check --store index.db");
    assert_eq!(ran.code, Some(1));
    // Both rows differ from those of a new index, and from what the rescue's logs add up to.
    assert_eq!(ran.stdout.matches("objected=1\n  chain: objected=0\n").count(), 2, "{}", ran.stdout);
    let row = |account| {
        let pledger = world.address(account);
        format!(": row of {pledger} in tier 0 ETH, objected\n  index: true\n  chain: false\n")
    };
    assert_eq!([ANN, BEN].map(|pledger| ran.stdout.matches(&row(pledger)).count()), [1, 1], "{}", ran.stdout);
    let error = "error: the index differs from the chain in 4 places\n";
    assert!(ran.stderr.starts_with(error), "{}", ran.stderr);
}

#[tokio::test]
async fn whatever_ends_it_nothing_is_lost_or_doubled() {
    let world = world().await;
    let kills: usize = env::var(KILLS).map_or(5, |kills| kills.parse().expect("it is a number"));
    for kill in 0..kills {
        let mut child = start(&world, &["--once"]);
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        // Before the first step is told, or during the next one, further in each time.
        // There are fewer if it had come far before.
        lines.by_ref().take(kill % 3).for_each(drop);
        (0..kill % 40 * 20_000).for_each(|_| std::hint::spin_loop());
        child.kill().expect("it can be killed");
        child.wait().expect("it has ended");
        if kill % 5 == 4 {
            // From the first block again.
            for file in ["index.db", "index.db-wal", "index.db-shm"] {
                drop(fs::remove_file(world.directory().join(file)));
            }
        }
    }
    world.levee("index --store index.db --once").ok();
    assert_eq!(check(&world)["differences"], Value::Array(vec![]));
}

#[tokio::test]
async fn it_follows_until_it_is_asked_to_end() {
    let world = world().await;
    let mut child = start(&world, &[]);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let head = world.chain.get_block_number().await.expect("anvil answers");
    while next(&mut lines)["cursor"]["number"] != head {}
    assert_eq!(next(&mut lines)["step"], "upToDate");
    world.by(ANN, "pledge 2 ETH --tier 0");
    let step = next(&mut lines);
    assert_eq!((&step["step"], &step["logs"]), (&"indexed".into(), &1.into()));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is there");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(check(&world)["differences"], Value::Array(vec![]));
}

#[tokio::test]
async fn an_index_that_moves_on_is_not_checked() {
    let world = world().await;
    let once = ["index", "--store", "index.db", "--once"];
    world.levee(&once.join(" ")).ok();
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let mut other = world.command();
    other.args(once).stderr(Stdio::null());
    let mut meanwhile = Some(other);
    let proxy = Proxy::replying(&world.endpoint(), move |request| {
        if request["method"] == "eth_call"
            && let Some(mut other) = meanwhile.take()
        {
            assert!(other.status().expect("levee runs").success());
        }
        Reply::Node
    });
    world.levee(&format!("index check --store index.db --rpc-url {}", proxy.url())).assert_refused(
        "another process carried on the index while it was checked",
        "stop `levee index` before you check what it writes",
    );
    assert_eq!(check(&world)["differences"], Value::Array(vec![]));
}

#[tokio::test]
async fn an_index_that_is_ahead_of_its_node_is_not_called_up_to_date() {
    let world = world().await;
    world.levee("index --store index.db --once").ok();
    let number = world.chain.get_block_number().await.expect("anvil answers");
    let proxy = Proxy::replying(&world.endpoint(), |request| match request["method"].as_str() {
        Some("eth_blockNumber") => Reply::Result(json!("0x7")),
        _ => Reply::Node,
    });
    world.levee(&format!("index --store index.db --once --rpc-url {}", proxy.url())).assert_refused(
        &format!("the node is only at block 7, but the index in `index.db` is at block {number}"),
        "ask another node; if a local chain was started again, choose another store with `--store`",
    );
}

#[tokio::test]
async fn blocks_that_a_node_has_lost_are_undone_once_it_has_others() {
    let world = world().await;
    let mut child = start(&world, &[]);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    while next(&mut lines)["step"] != "upToDate" {}
    let number = world.chain.get_block_number().await.expect("anvil answers");
    world.chain.anvil_rollback(Some(5)).await.expect("anvil drops blocks");
    let step = next(&mut lines);
    assert_eq!(
        (&step["step"], &step["cursor"]["number"], &step["head"]),
        (&"upToDate".into(), &number.into(), &(number - 5).into())
    );
    world.by(ANN, "pledge 2 ETH --tier 0");
    let step = next(&mut lines);
    assert_eq!((&step["step"], &step["to"]["number"]), (&"undone".into(), &(number - 5).into()));
    let step = next(&mut lines);
    assert_eq!((&step["step"], &step["logs"]), (&"indexed".into(), &1.into()));
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
    assert_eq!(check(&world)["differences"], Value::Array(vec![]));
}

/// A node one of whose latest blocks does not follow from the one before it.
async fn incoherent(world: &World) -> Proxy {
    let number = world.chain.get_block_number().await.expect("anvil answers") - 3;
    let asked = json!([format!("{number:#x}"), false]);
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": asked });
    let mut block = ask(&world.endpoint(), &request)["result"].take();
    block["parentHash"] = json!(B256::repeat_byte(7));
    Proxy::replying(&world.endpoint(), move |request| {
        let is_asked = request["method"] == "eth_getBlockByNumber" && request["params"][0] == asked[0];
        if is_asked { Reply::Result(block.clone()) } else { Reply::Node }
    })
}

#[tokio::test]
async fn blocks_that_do_not_fit_together_are_not_read_for_ever() {
    let world = world().await;
    let proxy = incoherent(&world).await;
    let options = format!("--timeout 1 --rpc-url {}", proxy.url());
    let ran = world.levee(&format!("index --store index.db --once --json {options}"));
    let error: Value = serde_json::from_str(&ran.stderr).expect("it is JSON");
    let steps: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let reached =
        steps.iter().rev().find_map(|step| step["cursor"]["number"].as_u64()).expect("a first batch");
    assert_eq!(
        (ran.code, &error["error"]["kind"], &error["error"]["facts"]["number"]),
        (Some(2), &"Incoherent".into(), &(reached + 1).into())
    );
    assert_eq!(error["error"]["hint"], "ask another node, with `--rpc-url`");

    // Whoever follows is told, and goes on.
    let mut follow = world.command();
    follow.args(["index", "--store", "index.db"]).args(options.split_whitespace());
    let mut child = follow.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it can be started");
    let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    // It may get nearer to them, by shorter steps.
    let is_told = |line: &String| {
        line.starts_with("warning: the node's blocks from ") && line.contains(" on did not fit together for ")
    };
    let told = lines.filter(is_told).take(2).count();
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
    assert_eq!(told, 2);

    world.levee("index --store index.db --once").ok();
    let ran = world.levee(&format!("index check --store index.db {options}"));
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("error: the node's blocks from "), "{}", ran.stderr);
}

#[tokio::test]
async fn what_is_wrong_with_a_store_is_said() {
    let world = World::with_rescue().await;
    let refused = world.levee("index check --store index.db");
    refused.assert_refused("there is no index in `index.db`", "check `--store`, or run `levee index` first");
    let number = world.chain.get_block_number().await.expect("anvil answers");
    world.chain.anvil_mine(Some(70), None).await.expect("anvil mines");
    // On anvil, a block is final when there are 64 after it.
    let refused = world.levee(&format!("index --store index.db --once --from-block {}", number + 7));
    let final_one = number + 6;
    refused.assert_refused(
        &format!("block {} is not final yet: the latest final one is {final_one}", number + 7),
        "begin there or before",
    );
    world.levee("index --store index.db --once --from-block 1").ok();
    let refused = world.levee("index --store index.db --once --from-block 2");
    refused.assert_refused(
        "the index in `index.db` begins at block 1, not at block 2",
        "leave `--from-block` out, or choose another store with `--store`",
    );
    world.write("garbage.db", "this is no database, although it is long enough for the header of one");
    let ran = world.levee("index --store garbage.db --once");
    assert!(ran.stderr.starts_with("error: the store `garbage.db` cannot be opened: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("file is not a database"), "{}", ran.stderr);
    world.write("file", "");
    let ran = world.levee("index --store file/index.db --once --json");
    let error: Value = serde_json::from_str(&ran.stderr).expect("it is JSON");
    assert_eq!((ran.code, &error["error"]["kind"]), (Some(1), &"StoreUnusable".into()));
    let secret = world.levee("index --store postgres://ann:secret@127.0.0.1:1/levee --once");
    assert_eq!(secret.code, Some(2));
    assert!(!words(&secret.stderr).contains("secret"), "{}", secret.stderr);
    assert!(secret.stderr.contains("postgres://127.0.0.1/levee"), "{}", secret.stderr);
}
