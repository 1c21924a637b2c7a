//! Declarations before the money, whoever submits them, and how much of them was locked.

use alloy::{
    primitives::{Address, address, bytes},
    providers::{Provider as _, ext::AnvilApi},
};
use levee_lab::proxy::{Proxy, Reply};
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, Ran, START, World, events, names, run};

const LATER: &str = "--expiry 2100-01-09T00:00:00Z";
/// A contract wallet.
const WALLET: Address = address!("00000000000000000000000000000000000a11e7");

impl World {
    /// Signs as one of anvil's accounts, and leaves the result in a file.
    fn sign(&self, account: usize, words: &str, file: &str) -> Value {
        let line = format!("declare {words} --sign --terms rescue.toml --dev {account}");
        let printed = self.levee(&line).ok();
        self.write(file, &printed);
        serde_json::from_str(&printed).expect("it is JSON")
    }

    /// Brings a file as somebody else.
    fn bring(&self, file: &str) -> Value {
        self.levee(&format!("declare --signed {file} --dev {ANYONE} --yes --json")).json()
    }

    fn declarations(&self) -> Value {
        self.levee("declarations --terms rescue.toml --json").json()
    }

    /// Who has declared and locked how much, and how much is missing.
    fn declared(&self) -> Vec<[Value; 4]> {
        let shown = self.declarations();
        let lines = shown["declarations"].as_array().expect("a list").iter();
        let names = ["contributor", "amountWei", "lockedWei", "notYetLockedWei"];
        lines.map(|line| names.map(|name| line[name].clone())).collect()
    }
}

fn wei(ether: u128) -> Value {
    json!((ether * ETHER).to_string())
}

#[tokio::test]
async fn declarations_are_shown_against_what_was_locked() {
    let world = World::start().await;
    let (ann, ben, rescue) = (world.address(ANN), world.address(BEN), world.rescue());
    let none = format!("there are no declarations for the rescue {rescue}\n");
    assert_eq!(world.levee("declarations --terms rescue.toml").ok(), none);
    // The rescue need not exist yet, and neither need the board.
    let ran = world
        .try_by(ANN, &format!("declare proposed 60 ETH --tier 0 {LATER} --link https://forum.example/1"));
    assert!(ran.stderr.starts_with("Create the board at 0x"), "{}", ran.stderr);
    let shown = format!("{ann} declared: Proposed, 60 ETH into tier 0, valid until 2100-01-09T00:00:00Z\n");
    assert_eq!(ran.ok(), shown);
    world.by(BEN, &format!("declare expressed unknown --tier 2 {LATER}"));
    // By contributor and tier.
    let bens = [json!(ben.to_string()), Value::Null, wei(0), Value::Null];
    assert_eq!(world.declared(), [bens, [json!(ann.to_string()), wei(60), wei(0), wei(60)]]);

    world.deploy();
    world.by(ANN, "pledge 41 ETH --tier 0");
    world.by(ANN, "pledge 5 ETH --tier 1");
    world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    // What is said later replaces what was said before.
    let again = world.by(ANN, &format!("declare approved 50 ETH --tier 0 {LATER}"));
    let made_at = events(&again)[0]["madeAtUnix"].clone();
    let expected = json!({
        "event": "Declared", "contributor": ann.to_string(), "rescue": rescue.to_string(), "stage": "Approved",
        "tier": 0, "amountWei": "50000000000000000000", "expiryUnix": START + 8 * DAY, "madeAtUnix": made_at,
        "link": "", "digest": null,
    });
    assert_eq!(events(&again), [&expected]);
    let table = world.levee(&format!("declarations --rescue {rescue} --contributor {ann}")).ok();
    let expected = format!(
        "\
contributor     {ann}
tier            0
stage           Approved
declared        50 ETH
locked          41 ETH
not yet locked  9 ETH
valid until     2100-01-09T00:00:00Z
link            -

not yet locked, in total: 9 ETH
"
    );
    assert_eq!(table, expected);
    assert_eq!(world.declared()[0], [json!(ben.to_string()), Value::Null, wei(30), Value::Null]);

    // What is withdrawn or expired does not stand.
    world.by(BEN, "declare withdrawn --tier 2");
    assert_eq!(world.declared().len(), 1);
    let nothing = world.try_by(CAT, "declare withdrawn --tier 2");
    let cat = world.address(CAT);
    let warning = format!("warning: no declaration of `{cat}` stands in tier 2, so this withdraws only");
    assert!(nothing.code == Some(0) && nothing.stderr.contains(&warning), "{}", nothing.stderr);
    world.warp(8 * DAY).await;
    assert_eq!(world.declarations()["notYetLockedWei"], wei(9));
    world.warp(8 * DAY + 1).await;
    assert_eq!(world.declared(), [[Value::Null, Value::Null, Value::Null, Value::Null]; 0]);
}

#[tokio::test]
async fn what_was_signed_anyone_can_bring_once() {
    let world = World::with_rescue().await;
    let ben = world.address(BEN).to_string();
    let before = world.mark().await;
    let signed =
        world.sign(BEN, &format!("approved 7 ETH --tier 1 {LATER} --link https://vote.example"), "x.json");
    assert_eq!(world.mark().await, before);
    assert_eq!((&signed["contributor"], &signed["stage"]), (&json!(ben), &json!("Approved")));
    let brought = world.bring("x.json");
    assert_eq!(names(&brought), ["Declared"]);
    let event = events(&brought)[0];
    assert_eq!((&event["contributor"], &event["digest"]), (&json!(ben), &signed["digest"]));
    assert_eq!(event["link"], "https://vote.example");
    assert_eq!(world.declared(), [[json!(ben), wei(7), wei(0), wei(7)]]);

    let bring = |file: &str| format!("declare --signed {file} --dev {ANYONE} --yes");
    let digest = signed["digest"].as_str().expect("a digest");
    let spent = format!("the declaration `{digest}` of `{ben}` was already submitted or revoked");
    let stands = "`levee declarations` lists the valid ones; sign a new one";
    world.assert_refused(&bring("x.json"), &spent, stands).await;
    // What is revoked is never declared.
    let signed = world.sign(BEN, &format!("approved 8 ETH --tier 1 {LATER}"), "y.json");
    let digest = signed["digest"].as_str().expect("a digest");
    let shown = world.levee(&format!("declare --revoke {digest} --dev {BEN} --yes")).ok();
    assert_eq!(shown, format!("revoked the declaration {digest} of {ben}\n"));
    let spent = format!("the declaration `{digest}` of `{ben}` was already submitted or revoked");
    world.assert_refused(&bring("y.json"), &spent, stands).await;
}

#[tokio::test]
async fn a_declaration_that_was_signed_for_a_rescue_to_come_needs_its_terms() {
    let world = World::start().await;
    world.sign(BEN, &format!("approved 7 ETH --tier 1 {LATER}"), "x.json");
    let bring = format!("declare --signed x.json --dev {ANYONE} --yes");
    let none = format!("there is no escrow at `{}`: the account has no code on this chain", world.rescue());
    let create = "check the address and the chain, or create the rescue with `levee deploy`";
    world.assert_refused(&bring, &none, create).await;
    assert_eq!(names(&world.levee(&format!("{bring} --terms rescue.toml --json")).json()), ["Declared"]);
}

#[tokio::test]
async fn a_contract_wallet_declares_by_what_it_accepts() {
    let world = World::with_rescue().await;
    // Answers 0x1626ba7e, whatever it is asked: any signature is good for it.
    let code = bytes!("631626ba7e60e01b60005260206000f3");
    world.chain.anvil_set_code(WALLET, code).await.expect("anvil takes code");
    world.sign(CAT, &format!("approved 9 ETH --tier 0 {LATER} --for {WALLET}"), "wallet.json");
    assert_eq!(names(&world.bring("wallet.json")), ["Declared"]);
    assert_eq!(world.declared(), [[json!(WALLET.to_string()), wei(9), wei(0), wei(9)]]);
}

const SIGNS: &str = "the contributor must sign it for this chain, and it must not be changed afterwards";

#[tokio::test]
async fn a_signed_declaration_that_is_not_good_is_refused_before_anything_is_sent() {
    let world = World::with_rescue().await;
    let signed = world.sign(BEN, &format!("approved 7 ETH --tier 1 {LATER}"), "x.json");
    let changed = |name: &str, value: Value| {
        let mut changed = signed.clone();
        changed[name] = value;
        world.write("changed.json", &changed.to_string());
    };
    let bring = format!("declare --signed changed.json --dev {ANYONE} --yes");
    let ben = world.address(BEN);

    // There is no board yet: everything is found out without it.
    changed("amountWei", json!("8000000000000000000"));
    let ran = world.levee(&bring);
    let shown = format!("` is not by `{ben}`\n\nhint: {SIGNS}\n");
    assert!(
        ran.stderr.starts_with("error: the signature of the declaration `0x") && ran.stderr.ends_with(&shown),
        "{}",
        ran.stderr
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    changed("chain", json!(1));
    let chain = "check `--rpc-url` and `--chain`, or the terms' `chain`; nothing was sent";
    world.assert_refused(&bring, "the node is on chain 31337, not on chain 1", chain).await;
    let leave = "leave `--chain` out, or use a declaration for that chain";
    let other = format!("declare --signed x.json --chain 1 --dev {ANYONE} --yes");
    world.assert_refused(&other, "`x.json` is for chain 31337, but `--chain` says 1", leave).await;
    let (rescue, cat) = (world.rescue(), world.address(CAT));
    let other = format!("declare --signed x.json --rescue {cat} --dev {ANYONE} --yes");
    let mismatch = format!("the declaration is for the rescue `{rescue}`, not for `{cat}`");
    let leave = "name the rescue that the contributor signed for, or leave `--rescue` and `--terms` out";
    world.assert_refused(&other, &mismatch, leave).await;
    changed("madeAtUnix", json!(START + DAY));
    let ran = world.levee(&bring);
    assert!(ran.stderr.starts_with("error: the declaration is dated 2100-01-02T00:00:00Z, but it is only "));
    changed("board", json!(ben.to_string()));
    let ran = world.levee(&bring);
    assert!(
        ran.stderr.starts_with(&format!("error: changed.json: the declaration is for the board `{ben}`\n"))
    );
    world.write("changed.json", "{}");
    let ran = world.levee(&bring);
    let shown = "error: `changed.json` is not a signed declaration: missing field `chain` at line 1 column 2\n\n\
                hint: `levee declare --sign` prints one\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), shown));
    let missing = "`none.json` cannot be read: No such file or directory (os error 2)";
    let line = format!("declare --signed none.json --dev {ANYONE} --yes");
    world.assert_refused(&line, missing, "check the path").await;
    world.warp(8 * DAY + 1).await;
    let line = format!("declare --signed x.json --dev {ANYONE} --yes");
    let expired = "the declaration expired at 2100-01-09T00:00:00Z, and it is now 2100-01-09T00:00:01Z";
    world.assert_refused(&line, expired, "make a new declaration with a later `--expiry`").await;
}

#[tokio::test]
async fn what_cannot_be_declared_is_told_before_anything_is_sent() {
    let world = World::with_rescue().await;
    let long = "x".repeat(257);
    let nobody = address!("00000000000000000000000000000000000000Aa");
    let wanted = "give it in ETH, as in `5000 ETH`; only `expressed` allows an unknown amount";
    let cases = [
        (
            format!("declare promised 1 ETH --tier 0 {LATER} --terms rescue.toml"),
            "`promised` is not a stage".to_owned(),
            "use expressed, proposed, approved or withdrawn",
        ),
        (
            format!("declare approved --tier 0 {LATER} --terms rescue.toml"),
            "a declaration that is approved needs an amount".to_owned(),
            wanted,
        ),
        (
            format!("declare proposed unknown --tier 0 {LATER} --terms rescue.toml"),
            "a declaration that is proposed needs an amount".to_owned(),
            wanted,
        ),
        (
            format!("declare approved 5 stETH --tier 0 {LATER} --terms rescue.toml"),
            "`5 stETH` is an amount of stETH, not of ETH".to_owned(),
            "write it in ETH, as in `68900 ETH`",
        ),
        (
            format!("declare approved 1 ETH --tier 3 {LATER} --terms rescue.toml"),
            "there is no tier 3, only 0 to 2".to_owned(),
            "`levee status` lists the tiers",
        ),
        (
            "declare approved 1 ETH --tier 0 --terms rescue.toml".to_owned(),
            "the declaration has no expiry".to_owned(),
            "add `--expiry TIME`, as in `--expiry 2026-08-01T00:00:00Z`",
        ),
        (
            "declare approved 1 ETH --tier 0 --expiry 2099-12-31T00:00:00Z --terms rescue.toml".to_owned(),
            "the declaration expired at 2099-12-31T00:00:00Z, and it is now 2100-01-01T00:00:07Z".to_owned(),
            "make a new declaration with a later `--expiry`",
        ),
        (
            format!("declare approved 1 ETH --tier 0 {LATER} --link {long} --terms rescue.toml"),
            "the link is 257 bytes long, more than the limit of 256".to_owned(),
            "use a shorter link",
        ),
        (
            format!("declare approved 1 ETH --tier 0 {LATER} --rescue {nobody}"),
            format!("there is no escrow at `{nobody}`: the account has no code on this chain"),
            "check the address and the chain, or create the rescue with `levee deploy`",
        ),
        (
            "declare --revoke 0x12".to_owned(),
            "`0x12` is not a hash".to_owned(),
            "a hash is `0x` and 64 hexadecimal digits",
        ),
    ];
    for (line, message, hint) in cases {
        world.assert_refused(&format!("{line} --dev {ANN} --yes"), &message, hint).await;
    }
    let ran = world.levee("declare --dev 1");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("the following required arguments were not provided"), "{}", ran.stderr);
}

/// In front of the chain, a node that gives logs of at most 100 blocks at a time, so many times.
fn that_ends_after(world: &World, mut answers: usize) -> Proxy {
    Proxy::replying(&world.endpoint(), move |request| {
        if request["method"] != "eth_getLogs" {
            return Reply::Node;
        }
        let (from, to) = blocks_of(request);
        match answers {
            _ if to - from >= 100 => Reply::Error(-32005, "the range is too large"),
            0 => Reply::Cut,
            _ => {
                answers -= 1;
                Reply::Node
            }
        }
    })
}

/// The first and the last block that a request for logs is about.
fn blocks_of(request: &Value) -> (u64, u64) {
    let filter = &request["params"][0];
    let [from, to] = ["fromBlock", "toBlock"].map(|name| filter[name].as_str().expect("a number"));
    let number = |hex: &str| u64::from_str_radix(hex.trim_start_matches("0x"), 16).expect("a number");
    (number(from), number(to))
}

/// The lowest block that was asked for logs of.
fn lowest(proxy: &Proxy) -> Option<u64> {
    let requests = proxy.requests();
    requests.iter().filter(|request| request["method"] == "eth_getLogs").map(|one| blocks_of(one).0).min()
}

#[tokio::test]
async fn a_scan_that_was_cut_off_goes_on_from_there() {
    let world = World::start().await;
    world.by(ANN, &format!("declare proposed 60 ETH --tier 0 {LATER}"));
    world.chain.anvil_mine(Some(1_000), None).await.expect("anvil mines");
    world.by(BEN, &format!("declare proposed 40 ETH --tier 2 {LATER}"));
    world.chain.anvil_mine(Some(1_000), None).await.expect("anvil mines");
    let through = |proxy: &Proxy, options: &str| {
        let line = format!("declarations --terms rescue.toml --timeout 1 --rpc-url {}", proxy.url());
        world.levee(&format!("{line} {options} --json"))
    };
    let all = |ran: Ran| {
        let amounts = ran.json()["declarations"].as_array().expect("a list").clone();
        assert_eq!(amounts.iter().map(|line| &line["amountWei"]).collect::<Vec<_>>(), [&wei(40), &wei(60)]);
    };

    let cut = that_ends_after(&world, 3);
    assert_eq!(through(&cut, "").code, Some(2));
    assert_eq!(lowest(&cut), Some(0));
    let next = that_ends_after(&world, usize::MAX);
    all(through(&next, ""));
    // It had three answers, of 50 to 100 blocks each, whatever was halved.
    let begin = lowest(&next).expect("there was more to read");
    assert!((3 * 50..=300).contains(&begin), "{begin}");
    // What is not finalized is read again; anvil's finalized block is 64 before its latest.
    all(through(&next, ""));
    let latest = world.chain.get_block_number().await.expect("anvil answers");
    assert!(lowest(&next).is_some_and(|block| (latest - 64..=latest).contains(&block)));
    all(through(&next, "--rescan"));
    assert_eq!(lowest(&next), Some(0));

    // Another chain with the same ID is read from its first block.
    let other = World::start().await;
    other.by(CAT, &format!("declare proposed 5 ETH --tier 1 {LATER}"));
    other.chain.anvil_mine(Some(3_000), None).await.expect("anvil mines");
    let ran = world.levee(&format!("declarations --terms rescue.toml --rpc-url {} --json", other.endpoint()));
    let found = ran.json();
    assert_eq!(found["declarations"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["declarations"][0]["amountWei"], wei(5));
}

#[tokio::test]
async fn a_scan_needs_no_place_to_write_to() {
    let world = World::start().await;
    world.by(ANN, &format!("declare proposed 60 ETH --tier 0 {LATER}"));
    world.write("file", "");
    let mut command = world.command();
    let ran = run(command.env("LEVEE_JOURNAL", "file/journal.db"), "declarations --terms rescue.toml");
    assert!(
        ran.stderr
            .starts_with("the next run reads the same blocks again, because the journal `file/journal.db`"),
        "{}",
        ran.stderr
    );
    assert!(ran.ok().contains("60 ETH"));
}
