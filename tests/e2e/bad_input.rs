//! Mistakes: each is shown in one sentence with what to do about it, and nothing is sent.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
};

use alloy::{
    primitives::{U256, address, bytes},
    providers::ext::AnvilApi,
};

use serde_json::{Value, json};

use crate::{
    accounts::{KEYSTORE, PASSWORD, install_keystore},
    support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, Ran, World, levee, run},
};

/// What the arguments of a command on the rescue end with.
const BY_ANN: &str = "--terms rescue.toml --dev 1 --yes";

impl World {
    /// Asserts that `line` is refused, and that nothing was sent.
    pub(crate) async fn assert_refused(&self, line: &str, message: &str, hint: &str) {
        self.assert_command_refused(&mut self.command(), line, message, hint).await;
    }

    /// The same, of a command with variables of its own.
    async fn assert_command_refused(&self, command: &mut Command, line: &str, message: &str, hint: &str) {
        let before = self.mark().await;
        run(command, line).assert_refused(message, hint);
        assert_eq!(self.mark().await, before, "{line}");
    }
}

#[tokio::test]
async fn amounts_have_a_unit_and_its_decimals() {
    let world = World::with_rescue().await;
    let no_rounding = "round it yourself: Levee does not round amounts";
    let digits = "write digits with at most one decimal point and nothing else, as in `1.5 ETH`";
    let cases = [
        (
            "5 USDC",
            "`USDC` is not a known unit",
            "write an amount in ETH (or `ether`), `gwei`, `wei`, stETH, `shares` (of stETH) or wstETH",
        ),
        (
            "5",
            "`5` has no unit",
            "add a unit, as in `5 ETH`; units are ETH (or `ether`), `gwei`, `wei`, stETH, `shares` (of stETH) or wstETH",
        ),
        (
            "0.0000000000000000001 ETH",
            "`0.0000000000000000001 ETH` has more than 18 decimal places",
            no_rounding,
        ),
        ("1.5 wei", "`1.5 wei` is not a whole number", "wei and shares cannot be divided"),
        ("1,5 ETH", "`1,5 ETH` is not an amount", digits),
        ("-1 ETH", "`-1 ETH` is not an amount", digits),
        ("0 ETH", "`0 ETH` is zero", "pledge more than zero"),
        (
            "1 wei 5",
            "unexpected value '5' for '<AMOUNT>...' found; no more were expected",
            "see `levee help`, or add `--help` to any command",
        ),
    ];
    for (amount, message, hint) in cases {
        world.assert_refused(&format!("pledge {amount} --tier 0 {BY_ANN}"), message, hint).await;
    }
}

#[tokio::test]
async fn terms_that_break_a_rule_are_told_with_their_place() {
    let world = World::start().await;
    let cases = [
        (
            "order = 1\nrate = \"3.8 %\"\n\n[[tier]]\nthreshold = \"100 %\"",
            "order = 1\nrate = \"3.8 %\"\n\n[[tier]]\nthreshold = \"40 %\"",
            "bad.toml: tier 2 has a threshold of 40 %, below the 50 % of the tier before",
            "sort the tiers by ascending threshold, each above 0 % and at most 100 %",
        ),
        (
            "\"100 %\"",
            "\"99.99 %\"",
            "bad.toml: the last tier has a threshold of 99.99 %",
            "the last tier's threshold must be `100 %`",
        ),
        (
            "rate = \"0 %\"",
            "rate = \"1 %\"",
            "bad.toml: tiers 0 and 2 have the same order but different rates",
            "tiers of one order are drawn together: give them one rate, or another order",
        ),
        (
            "target = \"100 ETH\"",
            "target = \"100\"",
            "bad.toml:6: target: `100` has no unit",
            "add a unit, as in `100 ETH`; units are ETH (or `ether`), `gwei`, `wei`, stETH, `shares` (of stETH) or wstETH",
        ),
        (
            "target = \"100 ETH\"",
            "target = \"100 stETH\"",
            "bad.toml:6: target: `100 stETH` is an amount of stETH, not of ETH",
            "write it in ETH, as in `68900 ETH`",
        ),
        (
            "veto = \"40 %\"",
            "vetto = \"40 %\"",
            "bad.toml:10: unknown field `vetto`, expected one of `chain`, `edition`, `beneficiary`, `guardian`, `steth`, `wsteth`, \
             `target`, `deadline`, `latest_deadline`, `objection_period`, `veto`, `tranches`, `tranche_interval`, \
             `release_window`, `exit_window`, `document`, `terms_hash`, `tier`",
            "`levee terms new` writes a file with every key explained",
        ),
        (
            "deadline = \"2100-01-11T00:00:00Z\"",
            "deadline = \"2100-01-11\"",
            "bad.toml:7: deadline: `2100-01-11` is not a time",
            "write date, time and offset, as in `2026-08-01T00:00:00Z`",
        ),
        (
            "document = \"terms.md\"",
            "document = \"none.md\"",
            "`none.md` cannot be read: No such file or directory (os error 2)",
            "check the path",
        ),
        (
            "document = \"terms.md\"",
            "",
            "bad.toml: neither of document and terms_hash are given",
            "give the document, as in `document = \"terms.md\"`, or its Keccak-256 as terms_hash",
        ),
    ];
    for (find, replace, message, hint) in cases {
        world.write_terms("bad.toml", find, replace);
        run(&mut levee(world.directory()), "terms check bad.toml").assert_refused(message, hint);
        world.assert_refused("deploy bad.toml --dev 1 --yes", message, hint).await;
    }
}

#[tokio::test]
async fn a_deadline_in_the_past_is_told_by_the_clock_and_by_the_chain() {
    let world = World::start().await;
    let hint = "choose a time in the future";
    world.write_terms("bad.toml", "2100-01-11T00:00:00Z", "2020-01-01T00:00:00Z");
    let ran = run(&mut levee(world.directory()), "terms check bad.toml");
    let shown = "error: bad.toml: the deadline 2020-01-01T00:00:00Z (";
    assert!(ran.stderr.starts_with(shown), "{}", ran.stderr);
    assert!(ran.stderr.ends_with(&format!(" ago) has passed\n\nhint: {hint}\n")), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    // It is 2100 on the chain.
    world.write_terms("bad.toml", "2100-01-11T00:00:00Z", "2099-12-31T23:00:00Z");
    run(&mut levee(world.directory()), "terms check bad.toml").ok();
    world
        .assert_refused(
            "deploy bad.toml --dev 1 --yes",
            "bad.toml: the deadline 2099-12-31T23:00:00Z (1 hour ago) has passed",
            hint,
        )
        .await;
}

#[tokio::test]
async fn addresses_are_checked_before_anything_else() {
    let world = World::with_rescue().await;
    let nobody = address!("00000000000000000000000000000000000000Aa");
    let (rescue, steth, ann) = (world.rescue(), world.steth, world.address(ANN));
    let cases = [
        (
            "pledge 1 ETH --tier 0 --dev 1 --yes --rescue 0x70997970c51812dc3A010C7d01b50e0d17dc79C8"
                .to_owned(),
            "`0x70997970c51812dc3A010C7d01b50e0d17dc79C8` fails its checksum: it may be mistyped".to_owned(),
            "compare every character with the source; with its checksum, this address is `0x70997970C51812dc3A010C7d01b50e0d17dc79C8`",
        ),
        (
            "refund --dev 1 --yes --rescue 0x7099".to_owned(),
            "`0x7099` is not an address".to_owned(),
            "an address is `0x` and 40 hexadecimal digits",
        ),
        (
            format!("pledge 1 ETH --tier 0 --dev 1 --yes --rescue {nobody}"),
            format!("there is no escrow at `{nobody}`: the account has no code on this chain"),
            "check the address and the chain, or create the rescue with `levee deploy`",
        ),
        (
            format!("pledge 1 ETH --tier 0 --dev 1 --yes --rescue {steth}"),
            format!("the contract at `{steth}` is not a Levee escrow"),
            "do not send anything there; `levee address` computes the right address from a terms file",
        ),
        (
            format!("settle {BY_ANN} --rescue {ann}"),
            format!("the terms in `rescue.toml` belong to `{rescue}`, not to the rescue `{ann}`"),
            "give the rescue once; check whether the file was changed after the rescue was created",
        ),
        (
            "settle --dev 1 --yes".to_owned(),
            "no rescue given".to_owned(),
            "use `--rescue ADDRESS`, the variable LEVEE_RESCUE, or `--terms FILE`",
        ),
    ];
    for (line, message, hint) in cases {
        world.assert_refused(&line, &message, hint).await;
    }
}

#[tokio::test]
async fn code_at_the_address_that_is_not_levees_is_never_used() {
    let world = World::start().await;
    let rescue = world.rescue();
    world.chain.anvil_set_code(rescue, bytes!("00")).await.expect("anvil takes code");
    let message = format!("the contract at `{rescue}` is not a Levee escrow");
    let hint = "do not send anything there; `levee address` computes the right address from a terms file";
    for line in ["deploy rescue.toml --dev 1 --yes".to_owned(), format!("pledge 1 ETH --tier 0 {BY_ANN}")] {
        world.assert_refused(&line, &message, hint).await;
    }
}

#[tokio::test]
async fn the_chain_must_be_the_one_that_the_terms_name() {
    let world = World::with_rescue().await;
    world.write_terms("other.toml", "chain = 31337", "chain = 1");
    let other = "the node is on chain 31337, not on chain 1";
    let hint = "check `--rpc-url` and `--chain`, or the terms' `chain`; nothing was sent";
    for line in [
        "deploy other.toml --dev 1 --yes".to_owned(),
        "pledge 1 ETH --tier 0 --terms other.toml --dev 1 --yes".to_owned(),
        format!("pledge 1 ETH --tier 0 --dev 1 --yes --rescue {} --chain 1", world.rescue()),
    ] {
        world.assert_refused(&line, other, hint).await;
    }
    world
        .assert_refused(
            &format!("settle {BY_ANN} --chain 1"),
            "`rescue.toml` is for chain 31337, but `--chain` says 1",
            "leave `--chain` out, or use the terms for that chain",
        )
        .await;
}

#[tokio::test]
async fn a_node_must_be_named_by_its_address() {
    let world = World::with_rescue().await;
    let line = format!("settle {BY_ANN}");
    let no_node =
        ("no node given", "use `--rpc-url URL` or the variable LEVEE_RPC_URL, or write a levee.toml");
    let nowhere = &mut levee(world.directory());
    world.assert_command_refused(nowhere, &line, no_node.0, no_node.1).await;
    let empty = &mut levee(world.directory());
    world.assert_command_refused(empty.env("LEVEE_RPC_URL", ""), &line, no_node.0, no_node.1).await;
    let hint = "check `--rpc-url` or the variable LEVEE_RPC_URL";
    let other = "the RPC URL is invalid: it must be an http, https, ws or wss URL, or the path of a socket";
    world.assert_refused(&format!("{line} --rpc-url ftp://node.example"), other, hint).await;
    let no_url = "the RPC URL is invalid: relative URL without a base";
    world.assert_refused(&format!("{line} --rpc-url node.example"), no_url, hint).await;
}

#[tokio::test]
async fn an_account_is_needed_and_must_open() {
    let world = World::with_rescue().await;
    install_keystore(world.directory());
    world.write("wrong", "wrong horse\n");
    world.write("garbage.json", "{}");
    let home = world.directory().display();
    let cases = [
        (
            "",
            "no account to sign with".to_owned(),
            "use `--browser`, `--account NAME` (Foundry's keystores), `--keystore PATH` or the variable LEVEE_PRIVATE_KEY",
        ),
        (
            "--account me --password-file wrong",
            format!("the password does not unlock the keystore `{home}/.foundry/keystores/me`"),
            "check the password and the account",
        ),
        (
            "--account you",
            format!("there is no keystore at `{home}/.foundry/keystores/you`"),
            "`cast wallet list` shows the names of your keystores",
        ),
        (
            "--account me",
            "the keystore needs a password, but there is no terminal to ask for it".to_owned(),
            "use `--password-file PATH` or the variable LEVEE_PASSWORD",
        ),
        (
            "--account me --password-file none",
            "the password: `none` cannot be read: No such file or directory (os error 2)".to_owned(),
            "check the path",
        ),
        ("--dev 10", "anvil has no well-known account 10".to_owned(), "`--dev` takes 0 to 9"),
    ];
    for (account, message, hint) in cases {
        let line = format!("pledge 1 ETH --tier 0 --terms rescue.toml --yes {account}");
        world.assert_refused(&line, &message, hint).await;
    }
    let garbage =
        world.levee("settle --terms rescue.toml --yes --keystore garbage.json --password-file wrong");
    assert_eq!((garbage.code, garbage.stdout.as_str()), (Some(1), ""));
    assert!(
        garbage.stderr.starts_with("error: the keystore `garbage.json` cannot be opened: "),
        "{}",
        garbage.stderr
    );
    let mut command = world.command();
    command.env("LEVEE_PRIVATE_KEY", "0x1234");
    world
        .assert_command_refused(
            &mut command,
            "settle --terms rescue.toml --yes",
            "LEVEE_PRIVATE_KEY does not contain a valid private key",
            "it must be 64 hexadecimal digits, with or without `0x`",
        )
        .await;
}

#[tokio::test]
async fn without_a_terminal_nothing_is_sent_unless_it_was_said_before() {
    let world = World::start().await;
    let refusal = "\nerror: there is no terminal to confirm in; nothing was sent\n\nhint: add `--yes` to send without asking\n";
    for line in ["deploy rescue.toml --dev 1", "pledge 1 ETH --tier 0 --terms rescue.toml --dev 1"] {
        let before = world.mark().await;
        let ran = world.levee(line);
        assert!(ran.stderr.ends_with(refusal), "{}", ran.stderr);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        assert_eq!(world.mark().await, before, "{line}");
        world.deploy();
    }
}

#[tokio::test]
async fn money_that_is_not_there_is_missed_before_anything_is_sent() {
    let world = World::with_rescue().await;
    let (ann, ben, cat) = (world.address(ANN), world.address(BEN), world.address(CAT));
    let approve = "add `--approve` to send an approval first";
    let less = "pledge less, or send the account what is missing";
    let cases = [
        (
            BEN,
            "pledge 30 stETH --tier 2",
            format!("the rescue is not yet allowed to take 30 stETH from `{ben}`"),
            approve,
        ),
        (
            CAT,
            "pledge 50 wstETH --tier 1",
            format!("the rescue is not yet allowed to take 50 wstETH from `{cat}`"),
            approve,
        ),
        (
            CAT,
            "pledge 100.000000000000000001 wstETH --tier 1 --approve",
            format!("`{cat}` has 100 wstETH, less than 100.000000000000000001 wstETH"),
            less,
        ),
        (
            BEN,
            "pledge 100000000000000000001 shares --tier 1 --approve",
            format!(
                "`{ben}` has 120 stETH (100000000000000000000 shares), \
                 less than 120.000000000000000001 stETH (100000000000000000001 shares)"
            ),
            less,
        ),
    ];
    for (account, line, message, hint) in cases {
        let line = format!("{line} --terms rescue.toml --dev {account} --yes");
        world.assert_refused(&line, &message, hint).await;
    }
    // Neither nothing nor the amount without the gas is enough.
    for balance in [0, ETHER] {
        world.chain.anvil_set_balance(ann, U256::from(balance)).await.expect("anvil sets");
        let before = world.mark().await;
        let ran = world.levee(&format!("pledge 1 ETH --tier 0 {BY_ANN}"));
        let shown = format!("error: `{ann}` does not have enough ETH for the transaction: ");
        assert!(ran.stderr.contains(&shown), "{}", ran.stderr);
        assert!(!ran.stderr.contains("signs"), "nobody is asked what cannot be done: {}", ran.stderr);
        let hint = "\n\nhint: send ETH to the account, which pays for the amount and for gas\n";
        assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        assert_eq!(world.mark().await, before);
    }
}

#[tokio::test]
async fn what_an_open_rescue_refuses_is_told_in_its_own_words() {
    let world = World::with_rescue().await;
    let guardian = world.address(GUARDIAN);
    let (ann, ben) = (world.address(ANN), world.address(BEN));
    world.by(ANN, "pledge 60 ETH --tier 0");
    let counted = "tiers are counted from 0, at most 7";
    let cases = [
        (
            ANN,
            "pledge 1 ETH --tier 3",
            "there is no tier 3, only 0 to 2".to_owned(),
            "`levee status` lists the tiers",
        ),
        (ANN, "pledge 1 ETH --tier x", "`x` is not a tier".to_owned(), counted),
        (ANN, "refund --tier 8", "`8` is not a tier".to_owned(), counted),
        (
            ANYONE,
            "settle",
            "the pledges cover 60 ETH of 100 ETH; before the deadline, only a fully covered rescue can settle".to_owned(),
            "after the deadline, the rescue settles at the highest threshold met, or fails",
        ),
        (
            ANN,
            "exit",
            "no amendment is pending at 2100-01-01T00:00:09Z, so no pledge can exit".to_owned(),
            "a pledge is locked; after settlement, `levee refund` returns what was not drawn",
        ),
        (
            ANN,
            "refund",
            "the rescue is open until 2100-01-11T00:00:00Z (in 9 days 23 hours), and pledges are locked until it is decided".to_owned(),
            "`levee status` shows whether an amendment is pending; if so, `levee exit` withdraws a pledge",
        ),
        (
            BEN,
            "object",
            "the rescue is open: nothing is drawn yet, so there is nothing to object to".to_owned(),
            "objections count from settlement until the last tranche is due",
        ),
        (
            BEN,
            "refund --to 0x00000000000000000000000000000000000000aa --pledger 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
            format!("only `{ann}` can send its refund to another address"),
            "leave `--to` out, or sign with its account",
        ),
        (
            ANN,
            "release ETH",
            "the rescue is Open, which does not allow this call".to_owned(),
            "`levee status` shows what can be called now",
        ),
        (
            ANN,
            "lapse",
            "the rescue is Open, which does not allow this call".to_owned(),
            "`levee status` shows what can be called now",
        ),
        (
            BEN,
            "cancel",
            format!("`{ben}` is not the guardian `{guardian}`"),
            "sign with the guardian's account",
        ),
        (
            BEN,
            "guardian amend --target 80ETH",
            format!("`{ben}` is not the guardian `{guardian}`"),
            "sign with the guardian's account",
        ),
        (
            BEN,
            "guardian decline 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
            format!("`{ben}` is not the guardian `{guardian}`"),
            "sign with the guardian's account",
        ),
        (
            ANYONE,
            "expire",
            "this is possible only after 2100-01-18T00:00:00Z, and it is now 2100-01-01T00:00:09Z".to_owned(),
            "wait until then; `levee status` shows what can be called now",
        ),
    ];
    for (account, line, message, hint) in cases {
        let line = format!("{line} --terms rescue.toml --dev {account} --yes");
        world.assert_refused(&line, &message, hint).await;
    }
}

#[tokio::test]
async fn what_comes_too_late_is_told_with_the_state_of_things() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 60 ETH --tier 0");
    let ann = world.address(ANN);
    let now = "`levee status` shows what can be called now";
    world.warp(9 * DAY).await;
    world
        .assert_refused(
            "guardian amend --target 80ETH --terms rescue.toml --dev 4 --yes",
            "the exit window would end at 2100-01-12T00:00:01Z, after the deadline 2100-01-11T00:00:00Z",
            "an amendment needs its whole exit window before the deadline",
        )
        .await;
    world.warp(10 * DAY + 1).await;
    let late = [
        (ANN, "pledge 1 ETH --tier 0", "the rescue is Settled and does not accept pledges".to_owned(), now),
        (
            GUARDIAN,
            "guardian amend --target 80ETH",
            "pledging is closed: the rescue is Open, its deadline is 2100-01-11T00:00:00Z, and it is now \
             2100-01-11T00:00:02Z"
                .to_owned(),
            now,
        ),
    ];
    for (account, line, message, hint) in late {
        let line = format!("{line} --terms rescue.toml --dev {account} --yes");
        world.assert_refused(&line, &message, hint).await;
    }
    world.by(ANYONE, "settle");
    let settled = [
        (ANYONE, "settle", "the rescue is Settled, which does not allow this call".to_owned(), now),
        (
            ANYONE,
            "release ETH",
            "no ETH is due: no tranche of it is due to the beneficiary".to_owned(),
            "`levee status` shows when the next tranche falls due, if there is one",
        ),
        (
            ANYONE,
            "release stETH",
            "no stETH is due: no tranche of it is due to the beneficiary".to_owned(),
            "`levee status` shows when the next tranche falls due, if there is one",
        ),
        (
            ANN,
            "refund",
            format!("nothing can be refunded to `{ann}`: all that it pledged was drawn"),
            "`levee positions ADDRESS` shows an account's pledges and refunds",
        ),
    ];
    for (account, line, message, hint) in settled {
        let line = format!("{line} --terms rescue.toml --dev {account} --yes");
        world.assert_refused(&line, &message, hint).await;
    }
    world.warp(13 * DAY).await;
    let due = "2 of 2 tranches are due, so there is nothing left to stop";
    for (account, line) in [(ANN, "object"), (GUARDIAN, "cancel")] {
        let line = format!("{line} --terms rescue.toml --dev {account} --yes");
        world.assert_refused(&line, due, now).await;
    }
}

#[tokio::test]
async fn an_account_without_the_amount_is_told_what_it_has_and_needs() {
    let world = World::with_rescue().await;
    let ran = world.try_by(ANN, "pledge 30000 ETH --tier 0");
    let ann = world.address(ANN);
    let message = format!("error: `{ann}` does not have enough ETH for the transaction: it has ");
    assert!(ran.code == Some(1) && ran.stderr.starts_with(&message), "{}", ran.stderr);
    assert!(ran.stderr.contains(" ETH, but the amount alone is 30000 ETH\n"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_rescue_in_eth_only_delivers_nothing_else() {
    let world = World::start().await;
    let is_of_lido = |line: &&str| line.starts_with("steth") || line.starts_with("wsteth");
    let terms: Vec<_> = world.terms().lines().filter(|line| !is_of_lido(line)).map(str::to_owned).collect();
    world.write("rescue.toml", &terms.join("\n"));
    world.deploy();
    world
        .assert_refused(
            &format!("release stETH {BY_ANN}"),
            "this rescue accepts only ETH, not stETH",
            "use ETH",
        )
        .await;
}

#[tokio::test]
async fn without_a_veto_nobody_objects() {
    let world = World::start().await;
    world.write_terms("rescue.toml", "veto = \"40 %\"", "veto = \"0 %\"");
    world.deploy();
    world.by(ANN, "pledge 100 ETH --tier 0");
    world.by(ANYONE, "settle");
    world
        .assert_refused(
            &format!("object {BY_ANN}"),
            "the terms have no veto",
            "only a guardian can stop what is not yet due, with `levee cancel`",
        )
        .await;
}

/// Answers the question for the chain's id, and dies at the next.
fn dying_node() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("somebody asks");
        answer_chain_id(&stream);
    });
    url
}

fn answer_chain_id(mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).expect("a request") > 2 {
        let lower = line.to_ascii_lowercase();
        length =
            lower.strip_prefix("content-length:").map_or(length, |n| n.trim().parse().expect("a number"));
        line.clear();
    }
    reader.read_exact(&mut vec![0; length]).expect("a body");
    let body = r#"{"jsonrpc":"2.0","id":0,"result":"0x7a69"}"#;
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    write!(stream, "{head}connection: close\r\n\r\n{body}").expect("somebody listens");
}

#[tokio::test]
async fn a_node_that_cannot_be_reached_or_dies_is_the_networks_fault() {
    let world = World::start().await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/v3/SECRET?key=SECRET", listener.local_addr().expect("it has an address"))
    };
    let shown = closed.replace("/v3/SECRET?key=SECRET", "/…");
    let ran = world.levee(&format!("deploy rescue.toml --dev 1 --yes --rpc-url {closed}"));
    let shown = format!("error: no answer from the RPC node at {shown}: ");
    assert!(ran.stderr.starts_with(&shown), "{}", ran.stderr);
    assert!(
        ran.stderr.ends_with("\n\nhint: check `--rpc-url` or the variable LEVEE_RPC_URL\n"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("SECRET"), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    let ran = world.levee(&format!("status --terms rescue.toml --json --rpc-url {closed}"));
    let error: Value = serde_json::from_str(&ran.stderr).expect("stderr is JSON");
    assert_eq!((ran.code, &error["error"]["code"]), (Some(2), &json!(2)));

    let dying = dying_node();
    let ran = world.levee(&format!("deploy rescue.toml --dev 1 --yes --timeout 1 --rpc-url {dying}/SECRET"));
    assert!(ran.stderr.starts_with("error: no answer to `"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("` from {dying}/… (tries: ")), "{}", ran.stderr);
    assert!(!ran.stderr.contains("SECRET"), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
}

/// Asserts that no channel has any of `secrets`, with or without `0x`.
fn assert_discreet(ran: &Ran, secrets: &[&str]) {
    let shown = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
    for secret in secrets {
        assert!(!shown.contains(&secret.trim_start_matches("0x").to_lowercase()), "{secret} is in: {shown}");
    }
}

#[tokio::test]
async fn secrets_are_in_no_output() {
    let world = World::with_rescue().await;
    install_keystore(world.directory());
    let key = world.key(ANN).to_string();
    let at = world.endpoint().replace("http://", "http://user:apisecret@");
    let url = format!("{at}/?key=apisecret");
    let secrets = [key.as_str(), "apisecret", PASSWORD];
    let dying = format!("{}/apisecret", dying_node());
    let with_key = |line: &str, url: &str| {
        let mut command = world.command();
        command.env("LEVEE_PRIVATE_KEY", &key).env("LEVEE_PASSWORD", PASSWORD).env("LEVEE_RPC_URL", url);
        run(&mut command, line)
    };
    let done = with_key("pledge 1 ETH --tier 0 --terms rescue.toml --yes", &url);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_discreet(&done, &secrets);
    let lines = [
        ("settle --terms rescue.toml --yes", url.as_str()),
        ("settle --terms rescue.toml", &url),
        ("settle --terms rescue.toml --yes --account me", &url),
        ("pledge --help", &url),
        ("status --terms rescue.toml", &url),
        ("status --terms rescue.toml --json --chain 1", &url),
        ("status --terms rescue.toml --timeout 1", &dying),
        ("status --terms rescue.toml", "http://user:apisecret@127.0.0.1:1/apisecret"),
        ("status --terms rescue.toml", "http://apisecret:port/"),
        ("status --terms rescue.toml", "apisecret"),
        ("status --terms rescue.toml", &format!("{}/v3/apisecret", world.endpoint())),
    ];
    for (line, url) in lines {
        let ran = with_key(line, url);
        assert_discreet(&ran, &secrets);
        assert_discreet(&with_key(&format!("{line} --json"), url), &secrets);
    }
    // A key in the wrong place is not repeated either.
    let broken = format!("{key}00");
    let mut command = world.command();
    let ran = run(command.env("LEVEE_PRIVATE_KEY", &broken), "settle --terms rescue.toml --yes");
    assert_eq!(ran.code, Some(1));
    assert_discreet(&ran, &secrets);
    fs::write(world.directory().join("broken.json"), KEYSTORE.replace("\"mac\"", "\"mak\""))
        .expect("it can be written");
    let ran = with_key("settle --terms rescue.toml --yes --keystore broken.json", &url);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_discreet(&ran, &secrets);
}
