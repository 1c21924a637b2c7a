//! `levee rehearse`: every scenario of the project, and what happens when something is not as it should be.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use alloy::transports::http::reqwest;
use serde_json::Value;

use crate::support::words;

const LEVEE: &str = env!("CARGO_BIN_EXE_levee");

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn rehearse(scenario: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(LEVEE);
    command.arg("rehearse").arg(scenario).args(arguments).output().expect("levee runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is text")
}

/// The address at which anvil runs, without the scheme.
fn chain(stderr: &str) -> String {
    let line = stderr.lines().find_map(|line| line.strip_prefix("anvil is running at http://"));
    line.unwrap_or_else(|| panic!("no address in: {stderr}")).to_owned()
}

fn assert_gone(chain: &str) {
    assert!(TcpStream::connect(chain).is_err(), "something still listens at {chain}");
}

/// A scenario of the project with `find` replaced everywhere, in a directory of its own.
fn changed(name: &str, find: &str, replace: &str) -> (tempfile::TempDir, PathBuf) {
    let text = fs::read_to_string(scenarios().join(name)).expect("the scenario is there");
    assert!(text.contains(find), "{name} has no `{find}`");
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join(name);
    fs::write(&path, text.replace(find, replace)).expect("the directory can be written to");
    (directory, path)
}

/// Plays every scenario on an edition of the contracts.
fn play_every_scenario(edition: &str) {
    let mut played = 0;
    // A compact takes rescues of its own edition alone, and its terms name that one.
    let compacts = |name: &str| name == "compact-2026.toml" && edition != "v1";
    for entry in fs::read_dir(scenarios()).expect("the scenarios are there") {
        let name = entry.expect("it can be listed").file_name().into_string().expect("its name is text");
        if !name.ends_with(".toml") || compacts(&name) {
            continue;
        }
        let (_directory, path) = changed(&name, "[terms]\n", &format!("[terms]\nedition = \"{edition}\"\n"));
        let output = rehearse(&path, &[]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        assert!(stdout(&output).trim_end().ends_with("expectations hold."), "{name}");
        assert_gone(&chain(&stderr(&output)));
        played += 1;
    }
    assert_eq!(played, if edition == "v1" { 11 } else { 10 });
}

#[test]
fn every_scenario_comes_out_as_it_expects_and_leaves_nothing_running() {
    play_every_scenario("v1");
}

/// What its members have is compared with the chain, so a scenario that expects a unit more of one fails.
#[test]
fn a_compact_of_a_scenario_is_reconciled_and_expected_to_the_unit() {
    let output = rehearse(&scenarios().join("compact-2026.toml"), &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let result: Value = serde_json::from_slice(&output.stdout).expect("stdout is JSON");
    let members = result["endings"][0]["members"].as_array().expect("a list");
    let member = |name: &str| members.iter().find(|one| one["who"] == name).expect("it is a member");
    // Half of 30,000, and 49 % of what was left.
    assert_eq!(member("Mantle Treasury")["givenUnits"], "22350000000000000000000");
    assert_eq!(member("Golem Foundation + Factory")["givenUnits"], "0");
    let given = "given = \"22350 wstETH\"";
    let (_directory, path) =
        changed("compact-2026.toml", given, "given = \"22350.000000000000000001 wstETH\"");
    let output = rehearse(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "Mantle Treasury: given: expected 22350.000000000000000001 wstETH, found 22350 wstETH";
    assert!(words(&stderr(&output)).contains(expected), "{}", stderr(&output));
    // Before there is a rescue, nobody can pledge into it; nor is there a step for a compact without one.
    let (_directory, path) =
        changed("compact-2026.toml", "do = \"premium\"\nby = ", "do = \"pledge\"\ntier = 0\nwho = ");
    let output = rehearse(&path, &[]);
    let refused = "before the rescue is created, this is not possible";
    assert!(words(&stderr(&output)).contains(refused), "{}", stderr(&output));
    let (_directory, path) = changed("lapse.toml", "[expect]", "[[step]]\ndo = \"activate\"\n[expect]");
    let output = rehearse(&path, &[]);
    assert!(words(&stderr(&output)).contains("the scenario has no compact"), "{}", stderr(&output));
}

#[test]
fn every_scenario_comes_out_the_same_on_an_earlier_edition() {
    play_every_scenario("test");
}

#[test]
fn the_article_ends_as_its_worked_example_says() {
    let output = rehearse(&scenarios().join("article-2026-04-24.toml"), &["--json"]);
    let result: Value = serde_json::from_slice(&output.stdout).expect("stdout is JSON");
    assert_eq!(stderr(&output), "");
    let wei =
        |ending: usize, key: &str| result["endings"][ending][key].as_str().expect("an amount").to_owned();
    let ether = |number: u128| (number * 10u128.pow(18)).to_string();
    assert_eq!(
        [wei(0, "pledgedWei"), wei(0, "drawnWei"), wei(0, "uncoveredWei")],
        [43_500, 41_000, 27_900].map(ether)
    );
    assert_eq!(
        [wei(1, "pledgedWei"), wei(1, "drawnWei"), wei(1, "uncoveredWei")],
        [70_500, 68_900, 0].map(ether)
    );
    assert_eq!(
        [&result["endings"][0]["thresholdMetBps"], &result["endings"][1]["thresholdMetBps"]],
        [5_000, 10_000]
    );
    let offers = result["offers"].as_array().expect("a list");
    assert_eq!(offers.iter().map(|offer| &offer["amount"]).collect::<Vec<_>>(), [&Value::Null; 4]);
}

#[test]
fn what_is_recovered_after_the_article_repays_the_loan_before_the_grants() {
    let output = rehearse(&scenarios().join("article-2026-04-24.toml"), &["--json"]);
    let result: Value = serde_json::from_slice(&output.stdout).expect("stdout is JSON");
    let recovery = |ending: usize| &result["endings"][ending]["recovery"];
    let received = |ending: usize| {
        let groups = recovery(ending)["groups"].as_array().expect("a list").iter();
        groups.map(|group| (group["drawOrder"].clone(), amount(group, "receivedWei"))).collect::<Vec<_>>()
    };
    let tenths = |number: u128| number * 10u128.pow(17);
    assert_eq!(received(0), [(1.into(), tenths(200_000)), (0.into(), 0)]);
    assert_eq!(received(1), [(1.into(), tenths(294_792)), (0.into(), tenths(110_208))]);
    for (ending, dust) in [(0, 0), (1, 3)] {
        let claimed = total(&result["endings"][ending]["positions"], "ETH", "claimedWei")
            + total(&result["endings"][ending]["positions"], "stETH", "claimedWei");
        assert_eq!(amount(recovery(ending), "claimedWei"), claimed);
        assert_eq!(amount(recovery(ending), "totalWei"), claimed + dust);
        assert_eq!(amount(recovery(ending), "dustWei"), dust);
    }
}

#[test]
fn a_payout_that_is_one_wei_off_is_named() {
    let (_directory, path) =
        changed("article-2026-04-24.toml", "680.296296296296296296 ETH", "680.296296296296296297 ETH");
    let output = rehearse(&path, &["--ending", "the Aave DAO and KelpDAO complete it"]);
    assert_eq!(output.status.code(), Some(1));
    let unmet =
        "Lido Finance: claimed: expected 680.296296296296296297 ETH, found 680.296296296296296296 ETH";
    assert!(stdout(&output).contains(&format!("NOT MET  {unmet}\n")), "{}", stdout(&output));
}

#[test]
fn a_bonus_goes_to_the_pledgers_or_back_to_its_sponsor() {
    let output = rehearse(&scenarios().join("bonus.toml"), &["--json"]);
    let result: Value = serde_json::from_slice(&output.stdout).expect("stdout is JSON");
    let bonus = |ending: usize| &result["endings"][ending]["bonus"];
    let reclaimed = |ending: usize| amount(&bonus(ending)["sponsors"][0], "reclaimedWei");
    let ten = 10u128.pow(19);
    // By time 144 of 534: Ben's 12 ETH for 12 days, beside Ada's 30 for 13.
    let part = ten * 144 / 534;
    assert_eq!([0, 1, 2].map(|ending| amount(bonus(ending), "pledgersWei")), [ten, part, 0]);
    assert_eq!([amount(bonus(0), "paidWei"), reclaimed(0)], [ten - 1, 0]);
    assert_eq!([amount(bonus(1), "paidWei"), reclaimed(1)], [part, ten - part]);
    assert_eq!([amount(bonus(2), "paidWei"), reclaimed(2)], [0, ten]);
}

#[test]
fn what_stops_a_rescue_is_held_as_long_as_the_rescue_would_have_had_it() {
    let output = rehearse(&scenarios().join("flash-veto.toml"), &["--json"]);
    let result: Value = serde_json::from_slice(&output.stdout).expect("stdout is JSON");
    let ending = |index: usize| &result["endings"][index];
    let of = |index: usize, key: &str| total(&ending(index)["assets"], "ETH", key);
    let ether = |number: u128| number * 10u128.pow(18);
    for index in 0..3 {
        assert_eq!(ending(index)["endReason"], "Vetoed");
        assert_eq!(of(index, "delivered"), 0);
    }
    // By the calendar, in its middle, and once the guardian has lifted the hold.
    assert_eq!([0, 1, 2].map(|index| of(index, "held")), [0, 50, 0].map(ether));
    assert_eq!([0, 1, 2].map(|index| of(index, "refunded")), [100, 50, 100].map(ether));
}

#[test]
fn what_an_exit_could_not_pay_is_owed_until_it_is_collected() {
    let output = rehearse(&scenarios().join("paused-exit.toml"), &["--json"]);
    let result: Value = serde_json::from_slice(&output.stdout).expect("stdout is JSON");
    let debts = |ending: usize, key: &str| total(&result["endings"][ending]["debts"], "stETH", key);
    let owed = |ending: usize| total(&result["endings"][ending]["assets"], "stETH", "owed");
    let shares = |number: u128| number * 10u128.pow(18);
    // Ben's 24 shares and Dora's 8.
    assert_eq!([debts(0, "owed"), debts(0, "collected"), owed(0)], [0, shares(32), 0]);
    assert_eq!([debts(1, "owed"), debts(1, "collected"), owed(1)], [shares(32), 0, shares(32)]);
}

#[test]
fn a_pledge_that_knows_the_amendment_is_taken() {
    let (_directory, path) = changed(
        "amendment.toml",
        "amendment = \"none\"\nfails = \"AmendmentDiffers\"",
        "amendment = \"latest\"",
    );
    let output = rehearse(&path, &["--ending", "one leaves in time"]);
    // Dora's 5 ETH are in: 75 of 70 ETH are covered, where the story expects 70.
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("NOT MET  pledged: expected 70 ETH, found 75 ETH\n"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn wsteth_is_pledged_by_a_permit_as_steth_is() {
    let (_directory, path) = changed("bonus.toml", "12 stETH", "10 wstETH");
    let text = fs::read_to_string(&path).expect("it was written");
    fs::write(&path, text.replace("10000000000000000000 shares", "10 wstETH")).expect("it can be written");
    let output = rehearse(&path, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(words(&stdout(&output)).contains("locked 10 wstETH for Ben in tier 1"), "{}", stdout(&output));
}

#[test]
fn who_has_too_little_is_told_so() {
    let (_directory, path) = changed("bonus.toml", "holds = [\"31 ETH\"]", "holds = [\"9 ETH\"]");
    let output = rehearse(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    let place = format!("error: {}:63\n", path.display());
    assert!(message.contains(&place), "{message}");
    assert!(message.contains("the caller has less ETH than the call sends"), "{message}");
}

#[test]
fn declarations_are_compared_with_what_was_locked() {
    let path = scenarios().join("declarations.toml");
    let output = rehearse(&path, &[]);
    let text = stdout(&output);
    assert!(text.contains("Ben        grant  Approved   30 ETH     yes    20 ETH  10 ETH\n"), "{text}");
    assert!(text.contains("Dora       grant  Proposed   40 ETH     no     -       -\n"), "{text}");
    let result: Value = serde_json::from_slice(&rehearse(&path, &["--json"]).stdout).expect("stdout is JSON");
    let declarations = result["endings"][0]["declarations"].as_array().expect("a list");
    let ben = declarations.iter().find(|one| one["who"] == "Ben").expect("a declaration of Ben");
    assert_eq!(ben["link"], "https://example.org/ben");
    assert_eq!(amount(ben, "lockedWei"), 20 * 10u128.pow(18));
}

/// An amount of a JSON object.
fn amount(object: &Value, key: &str) -> u128 {
    object[key].as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {key} in {object}"))
}

/// The sum of `key` over all rows of `asset`.
fn total(rows: &Value, asset: &str, key: &str) -> u128 {
    let rows = rows.as_array().expect("a list").iter().filter(|row| row["asset"] == asset);
    rows.map(|row| amount(row, key)).sum()
}

#[test]
fn the_sums_of_the_json_agree_to_the_wei() {
    let output = rehearse(&scenarios().join("defi-united-2026.toml"), &["--json"]);
    let result: Value = serde_json::from_slice(&output.stdout).expect("stdout is JSON");
    for ending in result["endings"].as_array().expect("a list") {
        assert_eq!(ending["holds"], true);
        for asset in ["ETH", "stETH"] {
            let of_all = |key| total(&ending["assets"], asset, key);
            let parts = ["owed", "locked", "reserved", "held", "refundable", "dust"];
            let bound: u128 = parts.map(of_all).into_iter().sum();
            assert_eq!(of_all("balance"), bound);
            assert_eq!(
                of_all("pledged"),
                bound + of_all("returned") + of_all("delivered") + of_all("refunded")
            );
            assert_eq!(
                total(&ending["positions"], asset, "drawn"),
                of_all("delivered") + of_all("reserved") + of_all("dust")
            );
            // Nothing is owed here, so that all that left the books was paid.
            for key in ["pledged", "returned", "held", "refunded", "refundable"] {
                assert_eq!(total(&ending["positions"], asset, key), of_all(key), "{asset}: {key}");
            }
        }
    }
    let dust = |ending: usize| total(&result["endings"][ending]["assets"], "ETH", "dust");
    assert_eq!([dust(0), dust(1)], [0, 2]);
}

#[test]
fn an_expectation_that_does_not_hold_is_named_and_fails() {
    let (_directory, path) = changed("article-2026-04-24.toml", "\"27900 ETH\"", "\"27901 ETH\"");
    let output = rehearse(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let unmet = "uncovered: expected 27901 ETH, found 27900 ETH";
    assert!(stdout(&output).contains(&format!("NOT MET  {unmet}\n")), "{}", stdout(&output));
    let message = stderr(&output);
    assert!(message.contains("1 of the scenario's expectations failed"), "{message}");
    assert!(message.contains(&format!("the deadline passes at 43,500 of 68,900 ETH: {unmet}")), "{message}");
    assert_gone(&chain(&message));
}

#[test]
fn a_step_that_is_refused_stops_the_rehearsal_at_its_line() {
    let (_directory, path) = changed("veto.toml", "fails = \"AlreadyObjected\"", "");
    let output = rehearse(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    let expected =
        "veto.toml:87: object by Ben was refused with AlreadyObjected: Ben has already objected with its ETH";
    assert!(message.contains(expected), "{message}");
    assert_gone(&chain(&message));
}

#[test]
fn a_step_that_must_be_refused_and_is_not_fails_too() {
    let (_directory, path) = changed(
        "veto.toml",
        "who = \"Cleo\"\nnote = \"40 %",
        "who = \"Cleo\"\nfails = \"NoVeto\"\nnote = \"40 %",
    );
    let output = rehearse(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains("object by Cleo was accepted, not refused with NoVeto"), "{message}");
}

#[test]
fn one_ending_can_be_played_alone() {
    let path = scenarios().join("amendment.toml");
    let output = rehearse(&path, &["--ending", "one leaves in time"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output).matches("\nEnding: ").count(), 1);
    let output = rehearse(&path, &["--ending", "all leave"]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains("the scenario has no ending named `all leave`"), "{message}");
    assert!(message.contains("one leaves in time; one comes too late to leave"), "{message}");
}

#[test]
fn a_missing_anvil_is_told_with_what_to_do() {
    let path = scenarios().join("veto.toml");
    let mut command = Command::new(LEVEE);
    let output =
        command.arg("rehearse").arg(path).env("ANVIL", "/nowhere/anvil").output().expect("levee runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    assert_eq!(
        stderr(&output),
        "error: a rehearsal needs Foundry's anvil, which was not found at `/nowhere/anvil`, where ANVIL points\n\nhint: run `npm ci` in Levee's directory, install Foundry, or set ANVIL to the program\n"
    );
}

/// A rehearsal in the background, and where its chain is.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    chain: String,
}

fn start(scenario: &Path, arguments: &[&str]) -> Running {
    let mut command = Command::new(LEVEE);
    command.arg("rehearse").arg(scenario).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("levee runs");
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("it tells where the chain is");
    Running { chain: chain(&line), child, stderr }
}

impl Running {
    /// Sends a signal, as Ctrl-C does `INT`, and waits for the end: the exit code and the rest of stderr.
    fn signal(mut self, name: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        assert!(sent.success());
        let status = self.child.wait().expect("it ends");
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).expect("stderr is text");
        (status.code(), rest)
    }

    /// The line that begins with `start`, of those that a chain that is kept is told with.
    fn told(&mut self, start: &str) -> String {
        let stdout = self.child.stdout.as_mut().expect("stdout is piped");
        let line =
            BufReader::new(stdout).lines().find_map(|line| line.ok().filter(|line| line.starts_with(start)));
        line.unwrap_or_else(|| panic!("no line starts with `{start}`"))
    }
}

/// What a line prints that a shell runs.
fn in_a_shell(line: &str) -> Output {
    let binaries = Path::new(LEVEE).parent().expect("the binary is in a directory").display();
    let system = std::env::var("PATH").expect("PATH is set");
    let home = tempfile::tempdir().expect("a directory for the test");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .env("PATH", format!("{binaries}:{system}"))
        .env("LEVEE_JOURNAL", home.path().join("journal.db"))
        .output()
        .expect("this test needs sh")
}

/// veto.toml up to the first step that has `before`, expecting no more than a status.
fn stopped(before: &str, status: &str) -> (tempfile::TempDir, PathBuf) {
    let (directory, path) = changed("veto.toml", "threshold = \"100 %\"\npledged", "pledged");
    let text = fs::read_to_string(&path).expect("it was written");
    let (beginning, _) = text.split_once(before).expect("it has such a step");
    fs::write(&path, format!("{beginning}[expect]\nstatus = \"{status}\"\n")).expect("it can be written");
    (directory, path)
}

#[test]
fn an_interrupted_rehearsal_leaves_nothing_running() {
    let running = start(&scenarios().join("defi-united-2026.toml"), &[]);
    let chain = running.chain.clone();
    let (code, message) = running.signal("INT");
    assert_eq!(code, Some(1));
    assert!(message.ends_with("error: interrupted; the chain was stopped\n"), "{message}");
    assert_gone(&chain);
}

#[test]
fn a_chain_that_is_kept_can_be_used_until_the_terminal_is_closed() {
    // The scenario stops while pledges are still taken.
    let stop = stopped("[[step]]\ndo = \"settle\"", "Open");
    assert_kept_chain_is_used(&stop.1, "locked 0.1 ETH for 0x", "HUP");
}

#[test]
fn what_a_kept_chain_says_can_be_proven_by_its_latest_block() {
    let stop = stopped("[[step]]\ndo = \"settle\"", "Open");
    let mut running = start(&stop.1, &["--keep"]);
    let line = running.told("levee status --rescue ").replace("status --rescue", "verify");
    let output = in_a_shell(&line);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("\nheld by the escrow\n  ETH  100 ETH "), "{}", stdout(&output));
    assert_eq!(running.signal("INT").0, Some(0));
}

#[tokio::test]
async fn a_rehearsal_is_watched_in_a_browser_while_it_plays() {
    let stop = stopped("[[step]]\ndo = \"settle\"", "Open");
    let mut running = start(&stop.1, &["--serve", "127.0.0.1:0", "--pause", "1", "--keep"]);
    let lines = running.stderr.by_ref().lines().map_while(Result::ok);
    let url = lines.filter_map(|line| line.strip_prefix("watch it at ").map(str::to_owned)).next();
    let url = url.expect("it says where");
    let (site, rescue) = url.split_once("/rescue/").expect("the page of the rescue");
    let api = format!("{site}/api/v1/rescue/{rescue}");
    let coverage = async || {
        let answer = reqwest::get(&api).await.expect("it answers").json::<Value>().await;
        answer.expect("it is JSON")["coverageWei"].as_str().expect("a number").to_owned()
    };
    let mut seen = vec![coverage().await];
    while seen.last().is_some_and(|last| last != "100000000000000000000") {
        let now = coverage().await;
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    // Ada's 60 ETH, Ben's 30 and Cleo's 10, as they came: a second apart.
    let ether = |amount: u64| format!("{amount}000000000000000000");
    let all = ["0".into(), ether(60), ether(90), ether(100)];
    assert!(seen.len() > 1 && all.ends_with(&seen), "{seen:?}");
    let page = reqwest::get(&url).await.expect("it answers").text().await.expect("text");
    assert!(page.contains(rescue) && page.contains("100 ETH"), "{page}");
    // It goes on after the last step, until it is asked to end.
    let stdout = BufReader::new(running.child.stdout.as_mut().expect("it is piped"));
    assert!(stdout.lines().map_while(Result::ok).any(|line| line.starts_with("LEVEE_PRIVATE_KEY=")));
    assert_eq!(reqwest::get(&url).await.expect("it answers").status().as_u16(), 200);
    let (code, message) = running.signal("INT");
    assert_eq!((code, message.contains("error")), (Some(0), false), "{message}");
    assert!(reqwest::get(&url).await.is_err());
}

#[test]
fn what_a_kept_chain_still_owes_can_be_refunded_as_it_says() {
    // The second tranche after the veto has fallen due, and nobody has it back.
    let stop = stopped("[[step]]\ndo = \"refund\"\nnote = \"the second", "Cancelled");
    assert_kept_chain_is_used(&stop.1, "returned 15 ETH of 0x", "INT");
}

/// Keeps the chain of a scenario, runs the command that it is told with, which must do what it says, and ends it by a
/// signal, which leaves nothing running.
fn assert_kept_chain_is_used(scenario: &Path, done: &str, signal: &str) {
    let mut running = start(scenario, &["--keep"]);
    let chain = running.chain.clone();
    let output = in_a_shell(&running.told("LEVEE_PRIVATE_KEY="));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with(done), "{}", stdout(&output));
    let (code, message) = running.signal(signal);
    assert_eq!((code, message.contains("error")), (Some(0), false), "{message}");
    assert_gone(&chain);
}
