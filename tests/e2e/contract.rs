//! What scripts rely on: the two channels, JSON, exit codes.

use std::{
    io,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, LEVEE, Ran, World, levee, run};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_version_needs_nothing() {
    let output = Command::new(LEVEE).arg("--version").env_clear().output().expect("levee runs");
    let expected = concat!("levee ", env!("CARGO_PKG_VERSION"), "\n");
    let ran = Ran::from(output);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), expected, ""));
}

#[tokio::test]
async fn the_result_goes_to_stdout_and_the_rest_to_stderr() {
    let world = World::with_rescue().await;
    let (rescue, ann) = (world.rescue(), world.address(ANN));
    let ran = world.try_by(ANN, "pledge 1 ETH --tier 0");
    assert_eq!((ran.code, ran.stdout), (Some(0), format!("locked 1 ETH for {ann} in tier 0\n")));
    let (plan, sent) = ran.stderr.split_once("\nsent 0x").expect("it tells what was sent");
    let shown = [
        format!("Pledge 1 ETH to the rescue {rescue}\n"),
        "  exactly      1000000000000000000 wei\n".to_owned(),
        "  tier         0: a grant, used only if coverage reaches 50 %\n".to_owned(),
        format!("  signs        {ann} on chain 31337\n"),
    ];
    for line in shown {
        assert!(plan.contains(&line), "{line}: {plan}");
    }
    assert_eq!((sent.len(), sent.lines().count()), (65, 1), "{sent}");
    assert_eq!(world.levee("status --terms rescue.toml").stderr, "");
}

#[tokio::test]
async fn with_json_every_channel_is_json_or_empty() {
    let world = World::with_rescue().await;
    let ran = world.try_by(ANN, "pledge 1 ETH --tier 0 --json");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let sent = &parsed(&ran.stdout)["transactions"][0];
    assert_eq!((&sent["events"][0]["amount"], &sent["block"]), (&json!("1000000000000000000"), &json!(8)));

    for line in ["status --terms rescue.toml", "terms show rescue.toml", "address rescue.toml", "terms new"] {
        let ran = world.levee(&format!("{line} --json"));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}");
        assert!(parsed(&ran.stdout).is_object(), "{line}");
    }
    let covered = json!({ "coverageWei": "1000000000000000000", "requiredWei": "100000000000000000000" });
    let refused = [
        (
            world.try_by(ANYONE, "settle --json"),
            ("CoverageTooLow", covered),
            "the pledges cover 1 ETH of 100 ETH; before the deadline, only a fully covered rescue can settle",
        ),
        (world.levee("setle --json"), ("UserError", Value::Null), "unrecognized subcommand 'setle'"),
        (world.levee("status --json"), ("UserError", Value::Null), "no rescue given"),
        (world.try_by(ANN, "pledge 1 --tier 0 --json"), ("UserError", Value::Null), "`1` has no unit"),
    ];
    for (ran, (kind, facts), message) in refused {
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{message}");
        let error = &parsed(&ran.stderr)["error"];
        assert_eq!((&error["message"], &error["code"]), (&json!(message), &json!(1)));
        assert_eq!((&error["kind"], &error["facts"]), (&json!(kind), &facts));
        assert!(error["hint"].is_string(), "{error}");
    }
}

#[test]
fn a_reader_who_has_gone_away_is_no_failure() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    for line in ["terms new", "--help", "terms new --json"] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut command = levee(directory.path());
        command.args(line.split(' ')).stdout(Stdio::from(writer));
        let ran = Ran::from(command.output().expect("levee runs"));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn nothing_to_do_shows_the_help_and_is_a_mistake() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let asked = run(&mut levee(directory.path()), "--help");
    assert_eq!((asked.code, asked.stderr.as_str()), (Some(0), ""));
    for (line, help) in
        [("", asked.stdout), ("terms", run(&mut levee(directory.path()), "terms --help").ok())]
    {
        let ran = run(&mut levee(directory.path()), line);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr), (Some(1), "", help), "levee {line}");
    }
    let shown = run(&mut levee(directory.path()), "--json");
    assert_eq!(parsed(&shown.stderr)["error"]["message"], "no command given");
    let help = run(&mut levee(directory.path()), "pledge --help");
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.starts_with("Lock a pledge\n"), "{}", help.stdout);
}

#[tokio::test]
async fn quiet_leaves_the_result_and_verbose_tells_of_the_node() {
    let world = World::with_rescue().await;
    let ann = world.address(ANN);
    let ran = world.try_by(ANN, "pledge 1 ETH --tier 0 --quiet");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.stdout, format!("locked 1 ETH for {ann} in tier 0\n"));

    let page = world.page();
    let mut command = levee(world.directory());
    command.env("LEVEE_RPC_URL", format!("{}/?key=SECRET", world.endpoint()));
    let ran = run(&mut command, "-vv status --terms rescue.toml");
    assert_eq!((ran.code, ran.stdout), (Some(0), page));
    assert!(ran.stderr.contains("sending request"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("SECRET"), "{}", ran.stderr);
    let twice = world.levee("status --terms rescue.toml --quiet --verbose");
    assert_eq!((twice.code, twice.stdout.as_str()), (Some(1), ""));
}

#[test]
fn shells_and_manuals_are_served() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    for (shell, word) in [("bash", "_levee()"), ("zsh", "#compdef levee"), ("fish", "complete -c levee")] {
        let script = run(&mut levee(directory.path()), &format!("completions {shell}")).ok();
        assert!(script.contains(word) && script.contains("positions"), "{shell}: {script}");
    }
    let page = run(&mut levee(directory.path()), "man").ok();
    assert!(page.contains(".TH levee 1"), "{page}");
    run(&mut levee(directory.path()), "man pages").ok();
    for name in ["levee.1", "levee-pledge.1", "levee-guardian-amend.1"] {
        assert!(directory.path().join("pages").join(name).is_file(), "{name}");
    }
}
