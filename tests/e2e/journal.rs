//! Cut off at any point and repeated, a command has one effect or none.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
};

use alloy::{
    consensus::Transaction as _,
    primitives::B256,
    providers::{Provider as _, ext::AnvilApi as _},
};
use levee_lab::proxy::{Proxy, Reply};
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, BEN, ETHER, GUARDIAN, Ran, World, names, run, words};

const PLEDGE: &str = "pledge 5 ETH --tier 0";

/// What Ann has in tier 0, in wei.
fn pledged(world: &World) -> Value {
    world.positions(ANN)[0]["amount"].clone()
}

fn intents(world: &World) -> Value {
    world.levee("journal list --json").json()["intents"].take()
}

/// A command of Ann's that is under way, and its first line on stderr that contains `until`.
fn started(world: &World, line: &str, until: &str) -> (Child, String) {
    let mut command = world.command();
    let line = format!("{line} --dev {ANN} --yes");
    command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("levee runs");
    let lines = BufReader::new(child.stderr.as_mut().expect("it is piped")).lines();
    let found = lines.map(|line| line.expect("levee writes text")).find(|line| line.contains(until));
    (child, found.expect("levee says so"))
}

/// Ann's pledge, killed as soon as it is sent into a chain that makes no blocks; its transaction.
async fn killed_after_sending(world: &World) -> B256 {
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops");
    let (mut child, line) = started(world, &format!("{PLEDGE} --terms rescue.toml"), "sent ");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    line.trim_start_matches("sent ").parse().expect("a hash")
}

async fn mine_again(world: &World) {
    world.chain.anvil_set_auto_mine(true).await.expect("anvil goes on");
}

#[tokio::test]
async fn a_command_that_was_killed_goes_on_with_its_transaction() {
    let world = World::with_rescue().await;
    let transaction = killed_after_sending(&world).await;
    // The node has lost it, so that only the journal knows it.
    world.chain.anvil_drop_transaction(transaction).await.expect("anvil drops it");
    mine_again(&world).await;
    let dry_run = format!("{PLEDGE} --terms rescue.toml --dev {ANN} --dry-run");
    let planned = world.levee(&dry_run);
    let told = "there is an earlier run of this command, intent 2: without `--dry-run`, it is finished first";
    assert!(planned.stderr.contains(told), "{}", planned.stderr);
    assert_eq!(world.levee(&format!("{dry_run} --json")).json()["continues"], 2);
    let result = world.by(ANN, PLEDGE);
    assert_eq!(world.levee(&format!("{dry_run} --json")).json()["continues"], Value::Null);
    assert_eq!(result["transactions"][0]["transaction"], json!(transaction));
    assert_eq!((names(&result), pledged(&world)), (vec!["Pledged"], json!((5 * ETHER).to_string())));
    assert_eq!(intents(&world)[0]["state"], "done");

    // Repeated after its success, it is another pledge.
    world.by(ANN, PLEDGE);
    assert_eq!(pledged(&world), json!((10 * ETHER).to_string()));
    assert_eq!(intents(&world)[0]["transactions"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_command_that_was_killed_after_its_success_reports_it() {
    let world = World::with_rescue().await;
    let transaction = killed_after_sending(&world).await;
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    let ran = world.try_by(ANN, PLEDGE);
    assert!(ran.stderr.contains("this continues record 2 of "), "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was sent again"), "{}", ran.stderr);
    assert!(ran.ok().starts_with("locked 5 ETH "), "what was done is told");
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    assert_eq!(intents(&world)[0]["transactions"][0]["transaction"], json!(transaction));
}

#[tokio::test]
async fn a_rescue_that_an_earlier_run_has_created_is_reported_as_created() {
    let world = World::start().await;
    world.write("rescue.toml", &world.terms());
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops");
    let (mut child, _) = started(&world, "deploy rescue.toml", "sent ");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    // Somebody else learns that it is there, and leaves the record alone.
    let deploy = |who| world.levee(&format!("deploy rescue.toml --dev {who} --yes --json")).json();
    assert_eq!(deploy(BEN)["created"], false);
    assert_eq!(intents(&world)[0]["state"], "unfinished");
    let listed = world.levee("journal list").ok();
    let [header, first, ..] = listed.lines().collect::<Vec<_>>()[..] else { panic!("{listed}") };
    assert_eq!(
        header.split_whitespace().collect::<Vec<_>>(),
        ["record", "recorded", "state", "account", "what"]
    );
    let ann = world.address(ANN).to_string();
    let account = format!("{}…{}", &ann[..6], &ann[38..]);
    assert!(first.contains(&format!("unfinished  {account}  deploy, ")), "{listed}");
    let rescue = world.rescue().to_string();
    let what = format!("deploy, {}…{} on chain 31337", &rescue[..6], &rescue[38..]);
    assert!(words(&listed).contains(&what), "{listed}");
    assert_eq!(deploy(ANN)["created"], true);
    assert_eq!(intents(&world)[0]["state"], "done");
    assert_eq!(deploy(ANN)["created"], false);
}

#[tokio::test]
async fn what_nobody_was_told_is_not_done() {
    let world = World::with_rescue().await;
    killed_after_sending(&world).await;
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let mut resume = world.command();
    let resumed = resume.args(["journal", "resume", "2"]).stdout(full).stderr(Stdio::null()).status();
    assert_eq!(resumed.expect("levee runs").code(), Some(2));
    assert_eq!(intents(&world)[0]["state"], "unfinished");
    // Another command that comes between does not make it done either.
    world.by(ANN, "pledge 1 ETH --tier 1");
    assert_eq!(intents(&world)[1]["state"], "unfinished");
    assert!(world.try_by(ANN, PLEDGE).ok().starts_with("locked 5 ETH "));
    assert_eq!(
        (&intents(&world)[1]["state"], pledged(&world)),
        (&json!("done"), json!((5 * ETHER).to_string()))
    );
}

#[tokio::test]
async fn what_was_done_under_a_key_and_undone_for_good_is_done_again() {
    let world = World::with_rescue().await;
    let keyed = format!("{PLEDGE} --id invoice-7");
    let before = world.chain.anvil_snapshot().await.expect("anvil remembers");
    world.by(ANN, &keyed);
    assert!(world.chain.anvil_revert(before).await.expect("anvil goes back"));
    pledge_elsewhere(&world);
    world.chain.anvil_mine(Some(70), None).await.expect("anvil mines");
    let ran = world.try_by(ANN, &keyed);
    assert!(
        ran.code == Some(2) && ran.stderr.contains(" has no effect: another transaction of "),
        "{}",
        ran.stderr
    );
    world.by(ANN, &keyed);
    assert_eq!(pledged(&world), json!((6 * ETHER).to_string()));
    world.by(ANN, &keyed);
    assert_eq!(pledged(&world), json!((6 * ETHER).to_string()));
}

#[tokio::test]
async fn what_a_key_was_used_for_is_never_done_again() {
    let world = World::with_rescue().await;
    let first = world.by(ANN, &format!("{PLEDGE} --id invoice-7"));
    let again = world.by(ANN, &format!("{PLEDGE} --id invoice-7"));
    assert_eq!(first, again);
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    world.try_by(ANN, "pledge 6 ETH --tier 0 --id invoice-7").assert_refused(
        "the key `invoice-7` belongs to another intent: pledge amount=5 ETH tier=0",
        "use another `--id`; `levee journal list` shows what each was for",
    );
    world.try_by(BEN, &format!("{PLEDGE} --id invoice-7")).assert_refused(
        "the key `invoice-7` belongs to another intent: pledge amount=5 ETH tier=0",
        "use another `--id`; `levee journal list` shows what each was for",
    );
    world.by(ANN, &format!("{PLEDGE} --id invoice-8"));
    assert_eq!(pledged(&world), json!((10 * ETHER).to_string()));
}

#[tokio::test]
async fn another_command_waits_until_what_is_under_way_is_decided() {
    let world = World::with_rescue().await;
    let transaction = killed_after_sending(&world).await;
    let other = "pledge 6 ETH --tier 0";
    let refused = format!(
        "transaction `{transaction}` of an earlier command is not known to be in a block: record 2, pledge amount=5 ETH tier=0"
    );
    let hint = "finish it with `levee journal resume 2`, or raise its price with `levee journal bump 2`; `levee journal forget 2` gives \
                it up";
    world.try_by(ANN, other).assert_refused(&refused, hint);
    // Others are free to send, and reading needs no turn.
    world.chain.anvil_drop_transaction(transaction).await.expect("anvil drops it");
    mine_again(&world).await;
    world.by(BEN, "pledge 1 ETH --tier 0");
    world.try_by(ANN, other).assert_refused(&refused, hint);

    // Given up, its nonce is free.
    let nonce = intents(&world)[1]["transactions"][0]["nonce"].clone();
    assert_eq!(world.levee("journal forget 2 --json").json()["state"], "forgotten");
    world.by(ANN, other);
    assert_eq!(pledged(&world), json!((6 * ETHER).to_string()));
    assert_eq!(intents(&world)[0]["transactions"][0]["nonce"], nonce);
    world.levee("journal resume 2").assert_refused(
        "record 2 was forgotten, so nothing of it is sent again",
        "`levee journal show 2` shows what was signed",
    );
    let again = world.levee("journal forget 2");
    assert!(
        again.stderr.starts_with("error: record 2 is forgotten, so there is nothing to forget"),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn what_was_forgotten_and_is_signed_again_is_one_transaction() {
    let world = World::with_rescue().await;
    let transaction = killed_after_sending(&world).await;
    world.levee("journal forget 2").ok();
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    // It was included in spite of that, so this is a second one, with another nonce.
    world.by(ANN, PLEDGE);
    assert_eq!(pledged(&world), json!((10 * ETHER).to_string()));

    // Lost for good, it is signed again to the letter.
    let world = World::with_rescue().await;
    let lost = killed_after_sending(&world).await;
    assert_eq!(lost, transaction);
    world.levee("journal forget 2").ok();
    world.chain.anvil_drop_transaction(lost).await.expect("anvil drops it");
    mine_again(&world).await;
    assert_eq!(world.by(ANN, PLEDGE)["transactions"][0]["transaction"], json!(lost));
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    assert_eq!(intents(&world)[1]["transactions"], json!([]));
}

#[tokio::test]
async fn a_record_is_finished_without_a_key() {
    let world = World::with_rescue().await;
    let transaction = killed_after_sending(&world).await;
    world.chain.anvil_drop_transaction(transaction).await.expect("anvil drops it");
    mine_again(&world).await;
    let result = world.levee("journal resume 2 --json").json();
    assert_eq!(result["transactions"][0]["transaction"], json!(transaction));
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    let shown = world.levee("journal show 2 --json").json();
    assert_eq!((&shown["state"], &shown["transactions"][0]["state"]), (&json!("done"), &json!("included")));
    assert_eq!(world.levee("journal resume 2 --json").json(), result);
    world
        .levee("journal show 7")
        .assert_refused("the journal has no record 7", "`levee journal list` shows them");
}

#[tokio::test]
async fn a_stuck_transaction_is_replaced_by_one_that_pays_more() {
    let world = World::with_rescue().await;
    let transaction = killed_after_sending(&world).await;
    let line = |account: usize| format!("journal bump 2 --dev {account} --yes --json");
    for option in ["--id", "--again", "--nonce"] {
        let value = if option == "--again" { "" } else { "7" };
        world.levee(&format!("journal bump 2 --dev {ANN} {option} {value}")).assert_refused(
            &format!("`levee journal bump` takes no `{option}`: it replaces a transaction of the record by the same one"),
            "leave it out",
        );
    }
    let other = world.levee(&line(BEN));
    assert_eq!(other.code, Some(1), "{}", other.stderr);
    let (bump, sent) = started(&world, "journal bump 2", "sent ");
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let ran = bump.wait_with_output().expect("it ends");
    assert!(ran.status.success() && ran.stdout.starts_with(b"locked 5 ETH "), "{ran:?}");
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    let states: Vec<_> = intents(&world)[0]["transactions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["transaction"].clone(), one["state"].clone()))
        .collect();
    assert_eq!(states[0], (json!(transaction), json!("replaced")));
    assert_eq!(states[1], (json!(sent.trim_start_matches("sent ")), json!("included")));
    let late = world.levee(&line(ANN));
    assert!(late.stderr.contains("record 2 has no transaction that waits to be included"), "{}", late.stderr);
}

#[tokio::test]
async fn two_commands_of_one_account_take_turns() {
    let world = World::with_rescue().await;
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops");
    let (mut first, _) = started(&world, &format!("{PLEDGE} --terms rescue.toml"), "sent ");
    let (second, _) =
        started(&world, "pledge 7 ETH --tier 2 --terms rescue.toml", "another command is sending from ");
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    assert!(first.wait().expect("it ends").success());
    assert!(second.wait_with_output().expect("it ends").status.success());
    let states: Vec<_> =
        intents(&world).as_array().expect("a list").iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["done", "done", "done"]);
    let amounts: Vec<_> = [0, 1].map(|position| world.positions(ANN)[position]["amount"].clone()).into();
    assert_eq!(amounts, [json!((5 * ETHER).to_string()), json!((7 * ETHER).to_string())]);
}

#[tokio::test]
async fn the_same_command_at_once_is_one_command() {
    let world = World::with_rescue().await;
    let line = format!("{PLEDGE} --terms rescue.toml");
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops");
    let (mut first, _) = started(&world, &line, "sent ");
    let (second, _) = started(&world, &line, "another command is sending from ");
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    assert!(first.wait().expect("it ends").success());
    let second = second.wait_with_output().expect("it ends");
    assert!(second.status.success() && second.stdout.starts_with(b"locked 5 ETH "), "{second:?}");
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn the_same_command_at_once_is_one_command_also_before_anything_is_signed() {
    let world = World::with_rescue().await;
    let line = format!("{PLEDGE} --terms rescue.toml --dev {ANN} --yes");
    let mut command = world.command();
    command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (begun, second) = mpsc::channel();
    // The first command has its turn when it asks for this, and goes on once the second one waits.
    let proxy = Proxy::replying(&world.endpoint(), move |request| {
        if request["method"] == "eth_estimateGas" {
            let mut child = command.spawn().expect("levee runs");
            let mut lines = BufReader::new(child.stderr.as_mut().expect("it is piped")).lines();
            lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("another command is sending")));
            begun.send(child).expect("it is waited for");
        }
        Reply::Node
    });
    world.levee(&format!("{line} --rpc-url {}", proxy.url())).ok();
    let second = second.recv().expect("it was begun").wait_with_output().expect("it ends");
    assert!(second.status.success() && second.stdout.starts_with(b"locked 5 ETH "), "{second:?}");
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn what_somebody_else_has_done_meanwhile_is_not_needed() {
    let world = World::with_rescue().await;
    world.by(ANYONE, "bonus add 1 ETH");
    killed_after_sending(&world).await;
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    // Anybody may enlist a pledge, so that the pledger's own attempt has nothing left to do.
    world.by(ANYONE, &format!("bonus enlist --pledger {}", world.address(ANN)));
    let ran = world.try_by(ANN, PLEDGE);
    assert!(ran.stderr.contains("somebody else has done this in the meantime"), "{}", ran.stderr);
    assert!(ran.ok().starts_with("locked 5 ETH "));
    assert_eq!(
        (pledged(&world), intents(&world)[0]["state"].clone()),
        (json!((5 * ETHER).to_string()), json!("done"))
    );
}

#[tokio::test]
async fn a_plan_that_was_cut_off_goes_on_where_it_stopped() {
    let world = World::with_rescue().await;
    world.by(ANYONE, "bonus add 1 ETH");
    // The pledge is included, its enlistment is not: the process ends before.
    let transaction = killed_after_sending(&world).await;
    mine_again(&world).await;
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let result = world.by(ANN, PLEDGE);
    assert_eq!(names(&result), ["Pledged", "Enlisted"]);
    assert_eq!(result["transactions"][0]["transaction"], json!(transaction));
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

/// Ann's account pledges 1 ETH from another machine.
fn pledge_elsewhere(world: &World) {
    let mut elsewhere = world.command();
    elsewhere.env("LEVEE_JOURNAL", world.directory().join("elsewhere.db"));
    run(&mut elsewhere, &format!("pledge 1 ETH --tier 0 --terms rescue.toml --dev {ANN} --yes")).ok();
}

#[tokio::test]
async fn a_nonce_that_was_used_elsewhere_is_an_outcome() {
    let world = World::with_rescue().await;
    let transaction = killed_after_sending(&world).await;
    world.chain.anvil_drop_transaction(transaction).await.expect("anvil drops it");
    mine_again(&world).await;
    pledge_elsewhere(&world);
    world.chain.anvil_mine(Some(70), None).await.expect("anvil mines");
    // Also a node that tells no transaction by its nonce shows it, in its block.
    let proxy = Proxy::replying(&world.endpoint(), |request| {
        if request["method"] == "eth_getTransactionBySenderAndNonce" {
            Reply::Error(-32601, "the method does not exist")
        } else {
            Reply::Node
        }
    });
    let ran = world.try_by(ANN, &format!("{PLEDGE} --json --rpc-url {}", proxy.url()));
    let asked = proxy.methods();
    assert!(asked.contains(&"eth_getTransactionBySenderAndNonce".to_owned()), "{asked:?}");
    let error: Value = serde_json::from_str(&ran.stderr).expect("an error as JSON");
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        (&error["error"]["kind"], &error["error"]["facts"]["transaction"]),
        (&json!("NonceUsed"), &json!(transaction))
    );
    assert_eq!(intents(&world)[0]["state"], "failed");
    world.levee("journal resume 2").assert_refused(
        "no transaction of record 2 can have an effect",
        "run its command again, which signs it anew",
    );
    // It is known not to have had an effect, so the same command begins anew.
    world.by(ANN, PLEDGE);
    assert_eq!(pledged(&world), json!((6 * ETHER).to_string()));
    let states: Vec<_> =
        intents(&world).as_array().expect("a list").iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["done", "failed", "done"]);
}

#[tokio::test]
async fn the_fee_that_is_shown_is_the_most_that_is_paid() {
    let world = World::with_rescue().await;
    let ran = world.try_by(ANN, PLEDGE);
    let shown = ran
        .stderr
        .lines()
        .find(|line| line.trim_start().starts_with("gas"))
        .expect("the plan shows it")
        .to_owned();
    let most = shown.split("at most ").nth(1).and_then(|rest| rest.split(',').next()).expect("the most");
    let most = levee::text::amount::parse_eth(most).expect("an amount").get();
    let transaction = &intents(&world)[0]["transactions"][0];
    let limit: u128 =
        transaction["feeLimitWei"].as_str().and_then(|text| text.parse().ok()).expect("a number");
    // It is shown to a millionth of an ETH, rounded up.
    assert_eq!(limit.div_ceil(10u128.pow(12)) * 10u128.pow(12), most, "{shown}");
    let hash: B256 = transaction["transaction"].as_str().and_then(|text| text.parse().ok()).expect("a hash");
    let receipt =
        world.chain.get_transaction_receipt(hash).await.expect("anvil answers").expect("it is mined");
    let paid = u128::from(receipt.gas_used) * receipt.effective_gas_price;
    assert!(paid <= limit, "{paid} of {limit}");
}

#[tokio::test]
async fn a_fee_above_the_limit_is_paid_only_if_it_is_named() {
    let world = World::with_rescue().await;
    world.chain.anvil_set_next_block_base_fee_per_gas(400_000_000_000).await.expect("anvil takes it");
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let before = world.mark().await;
    let ran = world.try_by(ANN, &format!("{PLEDGE} --json"));
    let error: Value = serde_json::from_str(&ran.stderr).expect("an error as JSON");
    assert_eq!((ran.code, &error["error"]["kind"]), (Some(1), &json!("GasPriceAboveLimit")));
    assert_eq!(error["error"]["facts"]["limitWei"], "300000000000");
    assert_eq!(world.mark().await, before);
    world.by(ANN, &format!("{PLEDGE} --max-fee 500gwei --priority-fee 1gwei"));
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    // A price alone does not lift the limit of the whole fee; with the gas, all is the caller's.
    let fee = "cancel --max-fee 20000gwei --priority-fee 1gwei";
    let refused = world.try_by(GUARDIAN, fee);
    assert!(refused.stderr.contains("above the limit of 0.5 ETH"), "{}", refused.stderr);
    world.by(GUARDIAN, &format!("{fee} --gas-limit 200000"));
}

#[tokio::test]
async fn transactions_of_the_old_type_are_sent_on_request() {
    let world = World::with_rescue().await;
    let result = world.by(ANN, &format!("{PLEDGE} --legacy"));
    let hash: B256 =
        result["transactions"][0]["transaction"].as_str().and_then(|text| text.parse().ok()).expect("a hash");
    let receipt =
        world.chain.get_transaction_receipt(hash).await.expect("anvil answers").expect("it is mined");
    assert_eq!(receipt.transaction_type() as u8, 0);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_sends_nothing() {
    let world = World::with_rescue().await;
    let before = world.mark().await;
    world.write("not-a-directory", "");
    let ran = world.try_by(ANN, &format!("{PLEDGE} --journal not-a-directory/journal.db"));
    assert!(
        ran.stderr.starts_with("error: the journal `not-a-directory/journal.db` cannot be used: "),
        "{}",
        ran.stderr
    );
    world.write("not-a-database", "0123456789abcdef0123456789abcdef");
    let ran = world.try_by(ANN, &format!("{PLEDGE} --journal not-a-database"));
    assert!(ran.stderr.contains("/not-a-database` cannot be used: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("file is not a database"), "{}", ran.stderr);
    assert_eq!((ran.code, world.mark().await), (Some(1), before));
}

/// Ann's pledge through a proxy, which replies to `method` with what `reply` says the first time, and passes on the rest.
fn pledged_through(world: &World, method: &'static str, reply: Reply, options: &str) -> (Proxy, Ran) {
    let mut reply = Some(reply);
    let proxy = Proxy::replying(&world.endpoint(), move |request| {
        if request["method"] == method { reply.take().unwrap_or(Reply::Node) } else { Reply::Node }
    });
    let ran = world.try_by(ANN, &format!("{PLEDGE} --rpc-url {} {options}", proxy.url()));
    (proxy, ran)
}

#[tokio::test]
async fn whatever_becomes_of_an_answer_the_pledge_is_made_once() {
    let world = World::with_rescue().await;
    let replies: [fn() -> Reply; 8] = [
        || Reply::Lost,
        || Reply::Cut,
        || Reply::Status(502, "", "bad gateway"),
        || Reply::Status(429, "retry-after: 0\n", ""),
        || Reply::Error(-32005, "limit exceeded"),
        || Reply::Error(-32000, "already known"),
        || Reply::Result(json!(B256::repeat_byte(7))),
        || Reply::OtherId(json!(B256::repeat_byte(7))),
    ];
    for (number, reply) in replies.iter().enumerate() {
        let (_proxy, ran) = pledged_through(&world, "eth_sendRawTransaction", reply(), "--timeout 60");
        ran.ok();
        let whole = 5 * ETHER * (number as u128 + 1);
        assert_eq!(pledged(&world), json!(whole.to_string()), "after reply {number}");
    }
}

#[tokio::test]
async fn answers_that_fail_while_it_waits_are_asked_again() {
    let world = World::with_rescue().await;
    let replies: [fn() -> Reply; 5] = [
        || Reply::Lost,
        || Reply::Status(503, "", ""),
        || Reply::Error(-32000, "transaction indexing is in progress"),
        || Reply::Result(Value::Null),
        || Reply::Result(json!("garbage")),
    ];
    for (number, reply) in replies.iter().enumerate() {
        let (_proxy, ran) = pledged_through(&world, "eth_getTransactionReceipt", reply(), "--timeout 60");
        ran.ok();
        let whole = 5 * ETHER * (number as u128 + 1);
        assert_eq!(pledged(&world), json!(whole.to_string()), "after reply {number}");
    }
}

#[tokio::test]
async fn a_transaction_that_is_not_seen_in_time_is_named_and_followed() {
    let world = World::with_rescue().await;
    let proxy = Proxy::replying(&world.endpoint(), |request| {
        if request["method"] == "eth_getTransactionReceipt" {
            Reply::Result(Value::Null)
        } else {
            Reply::Node
        }
    });
    let ran = world.try_by(ANN, &format!("{PLEDGE} --json --timeout 1 --rpc-url {}", proxy.url()));
    let error: Value = serde_json::from_str(&ran.stderr).expect("an error as JSON");
    assert_eq!((ran.code, &error["error"]["kind"]), (Some(2), &json!("NotMined")));
    let transaction = error["error"]["facts"]["transaction"].clone();
    assert_eq!(world.by(ANN, PLEDGE)["transactions"][0]["transaction"], transaction);
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn a_node_that_lies_gets_no_signature_that_costs_money() {
    let world = World::with_rescue().await;
    // For another chain: the chain is that of the terms, and asked for no more.
    let proxy = Proxy::replying(&world.endpoint(), |request| {
        if request["method"] == "eth_chainId" { Reply::Result(json!("0x1")) } else { Reply::Node }
    });
    let result = world.by(ANN, &format!("{PLEDGE} --rpc-url {}", proxy.url()));
    let hash: B256 =
        result["transactions"][0]["transaction"].as_str().and_then(|text| text.parse().ok()).expect("a hash");
    let sent = world.chain.get_transaction_by_hash(hash).await.expect("anvil answers").expect("it is there");
    assert_eq!(sent.inner.chain_id(), Some(31337));

    // At an absurd price: nothing is signed.
    let before = world.mark().await;
    let absurd = format!("0x{}", "f".repeat(32));
    let fees = json!({ "oldestBlock": "0x1", "baseFeePerGas": [absurd, absurd], "gasUsedRatio": [0.5], "reward": [[absurd]] });
    let (_proxy, ran) = pledged_through(&world, "eth_feeHistory", Reply::Result(fees), "--json");
    let error: Value = serde_json::from_str(&ran.stderr).expect("an error as JSON");
    assert_eq!((ran.code, &error["error"]["kind"]), (Some(1), &json!("GasPriceAboveLimit")));
    assert_eq!(world.mark().await, before);

    // For more gas than any transaction can have: nothing either.
    let much = Reply::Result(json!("0xffffffffffffff"));
    let (_proxy, ran) = pledged_through(&world, "eth_estimateGas", much, "--json");
    let error: Value = serde_json::from_str(&ran.stderr).expect("an error as JSON");
    assert_eq!((ran.code, &error["error"]["kind"]), (Some(1), &json!("GasAboveLimit")));
    assert_eq!(world.mark().await, before);
}

#[tokio::test]
async fn a_dry_run_shows_the_plan_and_needs_no_key() {
    let world = World::with_rescue().await;
    let before = world.mark().await;
    let line = format!("{PLEDGE} --terms rescue.toml --dry-run --from {}", world.address(ANN));
    let plan = world.levee(&format!("{line} --json")).json();
    let step = json!({
        "summary": format!("Pledge 5 ETH to the rescue {}", world.rescue()),
        "to": world.rescue().to_string(),
        "valueWei": (5 * ETHER).to_string(),
    });
    let planned = &plan["steps"][0];
    for key in ["summary", "to", "valueWei"] {
        assert_eq!(planned[key], step[key]);
    }
    assert_eq!((&plan["account"], &plan["chain"]), (&json!(world.address(ANN).to_string()), &json!(31337)));
    let shown = world.levee(&line).ok();
    assert!(shown.starts_with("Pledge 5 ETH to the rescue 0x") && shown.contains(" at most "), "{shown}");
    assert_eq!((world.mark().await, intents(&world)[0]["purpose"].clone()), (before, json!("deploy")));

    // What is shown is what is sent.
    let result = world.by(ANN, PLEDGE);
    let hash: B256 =
        result["transactions"][0]["transaction"].as_str().and_then(|text| text.parse().ok()).expect("a hash");
    let sent = world.chain.get_transaction_by_hash(hash).await.expect("anvil answers").expect("it is there");
    assert_eq!(planned["data"], json!(sent.inner.input().to_string()));

    let from = "pledge 5 stETH --tier 0 --permit --terms rescue.toml --dry-run --weth 0x000000000000000000000000000000000000dEaD";
    world.levee(&format!("{from} --from {}", world.address(BEN))).assert_refused(
        &format!("the plan needs a signature of `{}`, and nothing is signed here", world.address(BEN)),
        "use `--approve` instead of a permit; or leave `--dry-run` out: the command asks before it sends",
    );
}

#[tokio::test]
async fn a_plan_of_several_transactions_is_simulated_together_where_the_node_can() {
    let world = World::with_rescue().await;
    let before = world.mark().await;
    let line = format!(
        "pledge 30 stETH --tier 1 --approve --terms rescue.toml --dry-run --from {}",
        world.address(BEN)
    );
    let plan = world.levee(&format!("{line} --json")).json();
    let fee = |plan: &Value| -> u128 {
        plan["feeLimitWei"].as_str().and_then(|text| text.parse().ok()).expect("a number")
    };
    assert_eq!((plan["steps"].as_array().map(Vec::len), &plan["simulated"]), (Some(2), &json!(2)));
    let shown = words(&world.levee(&line).ok());
    assert!(shown.ends_with(", for all 2 transactions"), "{shown}");

    let proxy = Proxy::replying(&world.endpoint(), |request| match request["method"].as_str() {
        Some("eth_simulateV1") => Reply::Error(-32601, "the method eth_simulateV1 does not exist"),
        _ => Reply::Node,
    });
    let first = world.levee(&format!("{line} --json --rpc-url {}", proxy.url())).json();
    assert_eq!((first["steps"].as_array().map(Vec::len), &first["simulated"]), (Some(2), &json!(1)));
    assert!(fee(&first) < fee(&plan), "{first} {plan}");
    let shown = words(&world.levee(&format!("{line} --rpc-url {}", proxy.url())).ok());
    assert!(shown.ends_with(", for the first transaction"), "{shown}");
    assert_eq!(world.mark().await, before);

    // What both have cost at most is what was shown.
    let result = world.by(BEN, "pledge 30 stETH --tier 1 --approve");
    let all = intents(&world)[0]["transactions"].clone();
    let limits =
        all.as_array().expect("a list").iter().map(|one| {
            one["feeLimitWei"].as_str().and_then(|text| text.parse::<u128>().ok()).expect("a number")
        });
    assert_eq!(result["transactions"].as_array().map(Vec::len), Some(2));
    assert!(limits.sum::<u128>() <= fee(&plan), "{all} {plan}");
}
