//! `levee what-if`, `solve`, `lint` and `rehearse --from`: on a live rescue, what they say is what the contracts then do.

use serde_json::{Value, json};

use crate::{
    readme::{bash, shell_blocks},
    support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, HOUR, Ran, World, project_file, root, words},
};

fn ether(amount: u128) -> Value {
    json!((amount * ETHER).to_string())
}

/// The pots of an outcome, as [`World::pots`] has them.
fn pots(outcome: &Value) -> Vec<(u8, u8, u128, u128)> {
    let asset = |name: &Value| ["ETH", "stETH", "wstETH"].iter().position(|known| name == known);
    let number = |value: &Value| value.as_str().and_then(|text| text.parse().ok()).expect("a number");
    let pots = outcome["pots"].as_array().expect("a list").iter();
    pots.map(|pot| {
        let (tier, asset) = (pot["tier"].as_u64().expect("a tier"), asset(&pot["asset"]).expect("an asset"));
        (tier as u8, asset as u8, number(&pot["total"]), number(&pot["drawn"]))
    })
    .collect()
}

impl World {
    /// Runs arguments that have spaces.
    fn with(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command();
        command.env("ANVIL", std::env::var("ANVIL").expect("ANVIL is set"));
        command.args(arguments).output().expect("levee runs").into()
    }
}

#[tokio::test]
async fn what_is_said_to_come_of_a_rescue_comes_of_it() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let outcome = world.levee("what-if --terms rescue.toml --json").json();
    let before = &outcome["before"];
    assert_eq!((&outcome["from"], &outcome["after"]), (&json!("rescue"), &Value::Null));
    assert_eq!((&before["status"], &before["thresholdMetBps"]), (&json!("Settled"), &json!(10_000)));
    assert_eq!(
        [&before["coverageWei"], &before["surplusWei"], &before["drawnWei"], &before["uncoveredWei"]],
        [&ether(131), &ether(31), &ether(100), &ether(0)]
    );
    let position = |who: usize| {
        let pledger = world.address(who).to_string();
        let all = before["positions"].as_array().expect("a list");
        all.iter().find(|one| one["pledger"] == pledger).expect("it has pledged")["comesBack"].clone()
    };
    assert_eq!([position(ANN), position(BEN)], [ether(0), ether(0)]);
    world.warp(10 * DAY + HOUR).await;
    world.by(ANYONE, "settle");
    let settled: Vec<_> = world
        .pots()
        .await
        .into_iter()
        .map(|(tier, asset, total, drawn, _)| (tier, asset, total, drawn))
        .collect();
    assert_eq!(pots(before), settled);
    world.by(ANYONE, &format!("refund --pledger {}", world.address(CAT)));
    assert_eq!(world.positions(CAT)[0]["refunded"], position(CAT));
    let decided = world.levee("what-if --terms rescue.toml --json").json();
    assert_eq!(pots(&decided["before"]), settled);
    let ran = world.levee(&format!("what-if --terms rescue.toml --without {}", world.address(ANN)));
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.starts_with("error: pledging is closed: the rescue is Settled, "), "{}", ran.stderr);
}

#[tokio::test]
async fn what_is_supposed_now_can_be_looked_at_after_the_deadline() {
    let world = World::with_rescue().await;
    let line = "what-if --terms rescue.toml --json --at 2100-02-01T00:00:00Z --add";
    let line: Vec<_> = line.split(' ').chain(["60 ETH tier 0"]).collect();
    let outcome = world.with(&line).json();
    assert_eq!(
        [&outcome["before"]["status"], &outcome["after"]["status"]],
        [&json!("Failed"), &json!("Settled")]
    );
    assert_eq!(outcome["after"]["drawnWei"], ether(60));
}

#[tokio::test]
async fn suppositions_are_made_in_order_and_change_nothing() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let mark = world.mark().await;
    let ann = world.address(ANN).to_string();
    let after = |options: &[&str]| {
        let ran = world.with(&[&["what-if", "--terms", "rescue.toml", "--json"], options].concat());
        let result = ran.json();
        let suppositions = result["suppositions"].as_array().expect("a list");
        assert_eq!(suppositions.len(), options.len() / 2);
        let after = &result["after"];
        [after["thresholdMetBps"].clone(), after["coverageWei"].clone(), after["drawnWei"].clone()]
    };
    // Without Ann, 60 of tiers 0 and 1 reach 50 %, and 90 with Ben not 100 %.
    assert_eq!(after(&["--without", &ann]), [json!(5_000), ether(90), ether(60)]);
    assert_eq!(
        after(&["--without", &ann, "--add", "10 ETH tier 2"]),
        [json!(10_000), ether(100), ether(100)]
    );
    assert_eq!(
        after(&["--add", "10 ETH tier 2", "--without", &ann]),
        [json!(10_000), ether(100), ether(100)]
    );
    let from_ann = format!("10 ETH tier 2 from {ann}");
    assert_eq!(after(&["--add", &from_ann, "--without", &ann]), [json!(5_000), ether(90), ether(60)]);
    let set = format!("{ann} = 81 ETH");
    assert_eq!(after(&["--set", &set, "--target", "171 ETH"]), [json!(10_000), ether(171), ether(171)]);
    // 75 shares at 1.14.
    let lower = [json!(10_000), json!((1_265 * ETHER / 10).to_string()), ether(100)];
    assert_eq!(after(&["--share-rate", "-5%"]), lower);
    // 12 stETH are 10 shares before the change, and are worth 11.4 ETH then.
    let more = [json!(10_000), json!((1_379 * ETHER / 10).to_string()), ether(100)];
    assert_eq!(after(&["--add", "12 stETH tier 0", "--share-rate", "-5%"]), more);
    assert_eq!(world.mark().await, mark);
}

#[tokio::test]
async fn an_index_is_enough_and_a_rate_must_be_said() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.levee("index --store index.db --once").ok();
    let mut offline = crate::support::levee(world.directory());
    let words = ["what-if", "--store", "index.db", "--terms", "rescue.toml", "--json"];
    let ran: Ran = offline.args(words).output().expect("levee runs").into();
    let outcome = ran.json();
    assert_eq!(
        (&outcome["before"]["status"], &outcome["before"]["coverageWei"]),
        (&json!("Open"), &Value::Null)
    );
    let mut offline = crate::support::levee(world.directory());
    let ran: Ran = offline.args(words).args(["--share-rate", "1.2 ETH"]).output().expect("levee runs").into();
    assert_eq!(ran.json()["before"]["coverageWei"], ether(131));
    let mut offline = crate::support::levee(world.directory());
    let ran: Ran = offline.args(words).args(["--share-rate", "-5%"]).output().expect("levee runs").into();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("it is not known what a share of stETH is worth"), "{}", ran.stderr);
}

#[tokio::test]
async fn the_least_pledge_meets_the_threshold_on_the_chain_and_one_wei_less_does_not() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 41 ETH --tier 0");
    let solution = world.levee("solve --terms rescue.toml --json").json();
    assert_eq!((&solution["thresholdMetBps"], &solution["pivotal"]), (&json!(0), &json!([])));
    let least = |tier: u64, threshold: u64| {
        let all = solution["least"].as_array().expect("a list").iter();
        let mut in_eth = all.filter(|one| one["asset"] == "ETH");
        in_eth.find(|one| one["tier"] == tier && one["thresholdBps"] == threshold).expect("it is there")["amount"].clone()
    };
    assert_eq!([least(0, 5_000), least(1, 5_000), least(2, 10_000)], [ether(9), ether(9), ether(59)]);
    let is_met = || world.status()["thresholds"][0]["met"].clone();
    world.by(BEN, &format!("pledge {}wei --tier 1", 9 * ETHER - 1));
    assert_eq!(is_met(), json!(false));
    world.by(BEN, "pledge 1wei --tier 1");
    assert_eq!(is_met(), json!(true));
    let solution = world.levee("solve --terms rescue.toml --json").json();
    let pivotal: Vec<_> = solution["pivotal"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["pledger"].clone(), one["valueWei"].clone(), one["thresholdWithoutBps"].clone()))
        .collect();
    let [ann, ben] = [ANN, BEN].map(|who| json!(world.address(who).to_string()));
    assert_eq!(pivotal, [(ben, ether(9), json!(0)), (ann, ether(41), json!(0))]);
    let text = world.levee("solve --terms rescue.toml").ok();
    assert!(text.contains("\nthreshold met  50 %\n"), "{text}");
}

#[tokio::test]
async fn what_is_locked_is_no_offer_any_more() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 41 ETH --tier 0");
    let ann = world.address(ANN);
    let offer = |account| {
        format!("[[offer]]\nname = \"Ann\"\naccount = \"{account}\"\ntier = 0\namount = \"41 ETH\"\n")
    };
    world.write("offers.toml", &offer(ann));
    let line = format!("lint offers.toml --rescue {}", world.rescue());
    let ran = world.levee(&line);
    let expected = format!(
        "offers.toml:2: error: `{ann}` has 41 ETH locked in tier 0 why what is locked counts already, and is no offer any more \
         do leave out the part that is locked 1 error and 0 warnings in 1 file"
    );
    assert_eq!((ran.code, words(&ran.stdout)), (Some(1), expected));
    assert_eq!(ran.stderr, "error: 1 error was found\n\nhint: correct what is named above\n");
    world.write("offers.toml", &format!("rescue = \"{ann}\"\n{}", offer(world.address(BEN))));
    let other = world.levee("what-if --terms rescue.toml --offers offers.toml");
    assert_eq!(other.code, Some(1));
    let expected = format!(
        "error: the offers in `offers.toml` are for the rescue `{ann}`, but the terms in `rescue.toml` make"
    );
    assert!(other.stderr.starts_with(&expected), "{}", other.stderr);
    world.write("offers.toml", &offer(world.address(BEN)));
    let clean = world.levee(&format!("{line} --json")).json();
    assert_eq!((&clean["errors"], &clean["findings"]), (&json!(0), &json!([])));
    // Terms are held against a scenario; accounts of rehearsals stand for those of the rescue.
    world.levee("rehearse --from rescue.toml --write scenario.toml").ok();
    world.levee(&format!("lint scenario.toml --rescue {}", world.rescue())).ok();
    world.write_terms("other.toml", "\"100 ETH\"", "\"90 ETH\"");
    let ran = world.levee("lint scenario.toml --terms other.toml");
    assert_eq!(ran.code, Some(1));
    let written = std::fs::read_to_string(world.directory().join("scenario.toml")).expect("it was written");
    let line = written.lines().position(|line| line.starts_with("target = ")).expect("a target") + 1;
    assert!(
        ran.stdout.starts_with(&format!(
            "scenario.toml:{line}: error: target is 100 ETH (100000000000000000000 wei)\n"
        )),
        "{}",
        ran.stdout
    );
}

/// Plays a scenario that the binary wrote.
fn rehearse(world: &World, file: &str) -> String {
    let played = words(&world.with(&["rehearse", file]).ok());
    assert!(played.ends_with("expectations hold."), "{played}");
    played
}

#[tokio::test]
async fn a_rescue_that_happened_is_rehearsed_to_its_end() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.levee(&format!("rehearse --from {} --write open.toml", world.rescue())).ok();
    assert!(
        rehearse(&world, "open.toml")
            .contains("settled at a threshold of 100 %: 100 ETH of 100 ETH is drawn")
    );
    world.by(ANN, "bonus add 1 ETH");
    world.by(BEN, "bonus enlist");
    world.by(GUARDIAN, "guardian amend --target 90ETH");
    world.by(BEN, "exit");
    world.warp(2 * DAY + HOUR).await;
    world.by(ANYONE, "settle");
    world.by(CAT, "object");
    world.warp(3 * DAY + 2 * HOUR).await;
    world.levee(&format!("rehearse --from {} --write settled.toml", world.rescue())).ok();
    let written = std::fs::read_to_string(world.directory().join("settled.toml")).expect("it was written");
    for step in ["bonus add", "bonus enlist", "amend", "exit", "settle", "object"] {
        assert!(written.contains(&format!("do = \"{step}\"\n")), "{step}: {written}");
    }
    rehearse(&world, "settled.toml");
    let ran = world.levee("rehearse --from rescue.toml --write settled.toml");
    ran.assert_refused("`settled.toml` exists already", "name another file");
    let drafted = world.levee("rehearse --from rescue.toml --json").json();
    assert!(drafted["toml"].as_str().is_some_and(|text| text.contains("a first pledger")), "{drafted}");
}

/// The page with what its commands write, in a directory with the files that they name.
fn written(world: &World, page: &str) -> String {
    let mut blocks = page.split("```text\n$ ");
    let first = blocks.next().expect("it begins").to_owned();
    blocks.fold(first, |text, block| {
        let (shown, rest) = block.split_once("```").expect("it ends");
        let command = shown.lines().next().expect("a command");
        let ran = bash(world.directory(), "http://127.0.0.1:9", command);
        format!("{text}```text\n$ {command}\n{}```{rest}", ran.ok())
    })
}

/// docs/what-if.md shows what its commands write. `make docs` writes it too.
#[tokio::test]
async fn the_page_of_cli_docs_runs_as_written() {
    let world = World::start().await;
    let page = project_file("docs/what-if.md");
    let offers = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("offers");
    world.write("offers.toml", offers);
    std::os::unix::fs::symlink(root().join("scenarios"), world.directory().join("scenarios"))
        .expect("a link");
    let new = written(&world, &page);
    if std::env::var_os("LEVEE_WRITE_DOCS").is_some() {
        std::fs::write(root().join("docs/what-if.md"), &new).expect("docs can be written to");
    }
    assert_eq!(project_file("docs/what-if.md"), new, "run `make docs`");
    let [rehearse] = shell_blocks(&page)[..] else { panic!("there are other blocks") };
    let anvil = std::env::var("ANVIL").expect("ANVIL is set");
    let ran = bash(world.directory(), "http://127.0.0.1:9", &format!("export ANVIL={anvil}\n{rehearse}"));
    assert!(ran.ok().trim_end().ends_with("expectations hold."));
}
