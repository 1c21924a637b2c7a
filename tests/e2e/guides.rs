//! The guides do what they say: each of their commands is run as it is written, but for the names of accounts.

use crate::{
    readme::shell_blocks,
    support::{
        ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, HOUR, Ran, World, levee, project_file, run, words,
    },
};

/// The commands that ask before they send.
const READS: [&str; 13] = [
    "terms",
    "check",
    "show",
    "doctor",
    "verify",
    "status",
    "declarations",
    "positions",
    "pledgers",
    "statement",
    "abi",
    "rehearse",
    "decode",
];

impl World {
    /// Runs the commands of a block. Accounts are anvil's, and nobody is there to answer.
    fn follow(&self, block: &str) -> Vec<Ran> {
        block.lines().map(|line| self.follow_line(line)).collect()
    }

    fn follow_line(&self, line: &str) -> Ran {
        let line = line.strip_prefix("levee ").unwrap_or_else(|| panic!("`{line}` is no command"));
        let accounts = [("operator", ANYONE), ("guardian", GUARDIAN), ("treasury", ANN)];
        let mut line = accounts.iter().fold(line.to_owned(), |line, (name, account)| {
            line.replace(&format!("--account {name}"), &format!("--dev {account}"))
        });
        let addresses = [
            ("0xRESCUE", self.rescue()),
            ("0xPLEDGER", self.address(BEN)),
            ("0xTREASURY", self.address(ANN)),
        ];
        for (name, address) in addresses {
            line = line.replace(name, &address.to_string());
        }
        let verb = line.strip_prefix("compact ").unwrap_or(&line);
        if !READS.iter().any(|read| verb.starts_with(read)) {
            line.push_str(" --yes");
        }
        self.levee(&line)
    }

    /// The same, where all succeed; returns what they wrote.
    pub(crate) fn done(&self, block: &str) -> String {
        self.follow(block).into_iter().map(Ran::ok).collect()
    }
}

#[tokio::test]
async fn an_operator_gets_from_terms_to_a_recovery() {
    let guide = project_file("docs/guides/operator.md");
    let [new, check, create, verify, watch, guard, settle, cancel, recover] = shell_blocks(&guide)[..] else {
        panic!("there are other blocks")
    };
    let elsewhere = tempfile::tempdir().expect("a directory");
    run(&mut levee(elsewhere.path()), new.trim_end().trim_start_matches("levee ")).ok();

    let world = World::start().await;
    assert!(world.done(check).contains("the terms are valid; the rescue will be at 0x"));
    assert!(world.done(create).contains(&format!("levee verify {} --terms rescue.toml", world.rescue())));
    world.done(verify);
    world.pledge_all();
    world.done(watch);
    let guarded = world.done(guard);
    assert!(guarded.contains("90 ETH"), "{guarded}");
    // Ben is out, and the amendment takes effect: 101 of 90 ETH.
    assert_eq!(world.positions(BEN).as_array().map(Vec::len), Some(0));
    world.warp(2 * DAY + HOUR).await;
    let [at_once, eth, wsteth] = &settle.lines().collect::<Vec<_>>()[..] else { panic!("{settle}") };
    assert!(world.done(at_once).starts_with("settled at a threshold of "));
    world.warp(3 * DAY + 2 * HOUR).await;
    assert!(world.done(eth).contains("to the beneficiary: 1 tranche of ETH in total"));
    assert!(world.done(wsteth).contains("to the beneficiary: 1 tranche of wstETH in total"));
    assert!(world.done(cancel).contains("stopped"));
    let recovered = world.done(&recover.replace("0xPLEDGER", &world.address(CAT).to_string()));
    assert!(recovered.contains("paid ") && recovered.contains("of recovered funds"), "{recovered}");
}

#[tokio::test]
async fn a_statement_is_as_shown_and_everyone_is_paid() {
    let page = project_file("docs/statement.md");
    let [read, pay] = shell_blocks(&page)[..] else { panic!("there are other blocks") };
    let world = World::with_rescue().await;
    world.with_an_end().await;
    let mut rest = words(&world.done(read));
    let shown =
        page.split("```text\n").nth(1).and_then(|after| after.split("```").next()).expect("a statement");
    let parts: Vec<_> = shown.split('…').map(words).filter(|part| !part.is_empty()).collect();
    assert!(parts.len() > 3, "{parts:?}");
    for part in parts {
        let start = rest.find(&part).unwrap_or_else(|| panic!("the statement does not go on with: {part}"));
        rest = rest.split_off(start + part.len());
    }
    let paid = world.done(pay);
    assert!(
        paid.starts_with("`levee refund` has nothing to pay to anyone now; nothing was sent\npaid "),
        "{paid}"
    );
}

#[tokio::test]
async fn a_contributor_gets_from_a_check_to_a_refund() {
    let guide = project_file("docs/guides/contributor.md");
    let [check, declare, pledge, exit, again, object, refund] = shell_blocks(&guide)[..] else {
        panic!("there are other blocks")
    };
    let world = World::with_rescue().await;
    world.done(check);
    assert!(world.done(declare).contains(" declared: Approved, 40 ETH into tier 0"));
    assert!(world.done(pledge).contains("40 ETH"));
    world.by(GUARDIAN, "guardian amend --target 90ETH");
    assert!(world.done(exit).contains("40 ETH"));
    assert_eq!(world.positions(ANN).as_array().map(Vec::len), Some(0));
    world.warp(2 * DAY + HOUR).await;
    world.done(again);
    world.by(CAT, "pledge 50 wstETH --tier 1 --approve --accept-amended");
    world.by(ANYONE, "settle");
    world.done(object);
    world.warp(4 * DAY + HOUR).await;
    let before = world.holds(world.address(ANN)).await[0];
    world.done(refund);
    assert!(world.holds(world.address(ANN)).await[0] > before);
    assert_eq!(world.positions(ANN)[0]["amount"], (40 * ETHER).to_string());
}

#[tokio::test]
async fn a_script_repeats_a_pledge_without_a_second_one() {
    let guide = project_file("docs/guides/developer.md");
    let [abi, script] = shell_blocks(&guide)[..] else { panic!("there are other blocks") };
    let world = World::with_rescue().await;
    world.done(abi);
    let [status, first, second] =
        <[Ran; 3]>::try_from(world.follow(script)).unwrap_or_else(|_| panic!("{script}"));
    assert_eq!(status.json()["status"], "Open");
    assert_eq!(first.json(), second.json());
    assert_eq!(world.pots().await, [(0, 0, ETHER, 0, 0)]);
}
