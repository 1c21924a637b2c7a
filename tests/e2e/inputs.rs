//! What goes in means one thing, and what comes out cannot move a terminal's cursor.

use std::fs;

use serde_json::{Value, json};

use crate::support::{DAY, START, World, levee, root, run, words};

const NO_NODE: &str = "no node given";

#[tokio::test]
async fn an_empty_variable_is_one_that_is_not_set() {
    let world = World::with_rescue().await;
    let status = "status --terms rescue.toml --json";
    let mut command = levee(world.directory());
    command.env("LEVEE_RPC_URL", "").env("ETH_RPC_URL", world.endpoint()).env("LEVEE_RESCUE", "");
    assert_eq!(run(&mut command, status).json()["rescue"], json!(world.rescue().to_string()));

    let mut command = levee(world.directory());
    command.env("LEVEE_RPC_URL", "").env("ETH_RPC_URL", "");
    run(&mut command, "status --terms rescue.toml")
        .assert_refused(NO_NODE, "use `--rpc-url URL` or the variable LEVEE_RPC_URL, or write a levee.toml");

    let mut command = world.command();
    command.env("LEVEE_PRIVATE_KEY", "");
    run(&mut command, "settle --terms rescue.toml --yes").assert_refused(
        "no account to sign with",
        "use `--browser`, `--account NAME` (Foundry's keystores), `--keystore PATH` or the variable LEVEE_PRIVATE_KEY",
    );
}

#[tokio::test]
async fn what_is_wrong_in_a_variable_is_told_with_its_name() {
    let world = World::with_rescue().await;
    let mut command = world.command();
    run(command.env("LEVEE_RESCUE", "0x12"), "status").assert_refused(
        "LEVEE_RESCUE: `0x12` is not an address",
        "an address is `0x` and 40 hexadecimal digits",
    );
}

/// Nothing listens at port 9 of this machine.
const NO_PROXY: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn this_machine_is_never_reached_through_a_proxy() {
    let world = World::with_rescue().await;
    let proxies = ["http_proxy", "HTTP_PROXY", "all_proxy"].map(|name| (name, NO_PROXY));
    let mut command = world.command();
    run(command.envs(proxies), "status --terms rescue.toml").ok();

    let mut command = levee(&root());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(proxies);
    let shown = run(&mut command, "rehearse scenarios/lapse.toml").ok();
    assert!(shown.trim_end().ends_with("expectations hold."), "{shown}");
}

#[tokio::test]
async fn times_need_no_quotes_and_other_values_are_told_in_words() {
    let world = World::start().await;
    let terms = world.terms().replace("\"2100-01-11T00:00:00Z\"", "2100-01-11T00:00:00Z");
    world.write("dates.toml", &terms);
    let shown = world.levee("terms show dates.toml --json").json();
    assert_eq!(shown["deadlineUnix"], START + 10 * DAY);

    let explained = "`levee terms new` writes a file with every key explained";
    let duration = "write whole numbers and units from seconds to weeks, the longest first, as in `3 days`, `12h` or `1 day 6 hours`";
    for (find, replace, message, hint) in [
        (
            "\"100 ETH\"",
            "100",
            "bad.toml:6: target is the number `100`, and must be text in quotes",
            explained,
        ),
        (
            "tranches = 2",
            "tranches = \"2\"",
            "bad.toml:11: tranches is the text `2`, and must be a whole number from 0 to 255, without quotes",
            explained,
        ),
        (
            "release_window = \"7 days\"",
            "release_window = \"1,440 hours\"",
            "bad.toml:13: release_window: `1,440 hours` is not a duration",
            duration,
        ),
    ] {
        world.write_terms("bad.toml", find, replace);
        world.levee("terms check bad.toml").assert_refused(message, hint);
    }
}

#[test]
fn a_file_is_read_up_to_a_limit() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    fs::write(directory.path().join("large.toml"), vec![b'#'; (1 << 20) + 1]).expect("it can be written");
    for line in ["terms check large.toml", "rehearse large.toml"] {
        run(&mut levee(directory.path()), line)
            .assert_refused("`large.toml` is larger than 1 MiB, the maximum", "check the path");
    }
}

/// What a terminal would obey, as it comes out.
const FORGED: &str = "\\u001b[2K\\u001b[1A\\u001b[32mok\\u001b[0m \\u202egnp.exe";
const SHOWN: &str = "\\u{1b}[2K\\u{1b}[1A\\u{1b}[32mok\\u{1b}[0m \\u{202e}gnp.exe";

#[tokio::test]
async fn what_a_file_says_is_shown_and_not_obeyed() {
    let world = World::start().await;
    world.write_terms("forged.toml", "terms.md", FORGED);
    let missing = world.levee("terms check forged.toml");
    assert!(missing.stderr.starts_with(&format!("error: `{SHOWN}` cannot be read: ")), "{}", missing.stderr);

    let name: Value = serde_json::from_str(&format!("\"{FORGED}\"")).expect("it is JSON");
    world.write(name.as_str().expect("a text"), "What was agreed.");
    let shown = world.levee("terms show forged.toml").ok();
    assert!(words(&shown).contains(&format!("Keccak-256 of the bytes of `{SHOWN}` ")), "{shown}");
    let json = world.levee("terms show forged.toml --json");
    assert!(json.stdout.contains(FORGED), "{}", json.stdout);
    assert_eq!(json.json()["document"], name);
}
