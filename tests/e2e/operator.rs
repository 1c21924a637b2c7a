//! What an operator needs around a rescue: the networks, a checkup, and what to publish.

use alloy::{
    primitives::{Address, B256, hex},
    providers::ext::AnvilApi as _,
};
use levee::Blueprint;
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, CAT, DAY, World, levee, root, run};

/// What `levee doctor` says of a subject: the states and the findings.
fn about<'a>(checkup: &'a Value, subject: &str) -> Vec<(&'a str, &'a str)> {
    let checks = checkup["checks"].as_array().expect("a list").iter();
    let text = |check: &'a Value, key: &str| check[key].as_str().expect("text");
    let of_subject = checks.filter(|check| check["subject"] == subject);
    of_subject.map(|check| (text(check, "state"), text(check, "finding"))).collect()
}

#[test]
fn the_networks_are_listed_without_a_node() {
    let networks = run(&mut levee(&root()), "networks --json").json();
    let networks = networks["networks"].as_array().expect("a list");
    let chains: Vec<_> = networks.iter().map(|network| network["chain"].as_u64()).collect();
    assert_eq!(chains, [Some(1), Some(560_048), Some(11_155_111), Some(31_337)]);
    assert_eq!(networks[0]["steth"], "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84");
    assert_eq!(networks[1]["withdrawalQueue"], "0xfe56573178f1bcdf53F01A6E9977670dcBBD9186");
    assert_eq!((&networks[1]["weth"], &networks[3]["explorer"]), (&Value::Null, &Value::Null));
    for network in networks {
        let token = |name: &str| {
            network[name].as_str().map_or(Address::ZERO, |text| text.parse().expect("an address"))
        };
        let router = Blueprint::router(token("weth"), token("steth"), token("wsteth")).address();
        assert_eq!(network["router"], router.to_string());
        assert_eq!(network["board"], Blueprint::board().address().to_string());
    }
    let text = run(&mut levee(&root()), "networks").ok();
    let is_narrow = |line: &str| line.chars().count() <= 80 || line.trim_start().starts_with("https://");
    assert!(text.lines().all(is_narrow), "{text}");
    assert!(text.contains("https://docs.lido.fi/deployed-contracts/hoodi/"), "{text}");
}

#[tokio::test]
async fn a_new_rescue_comes_with_what_to_publish() {
    let world = World::start().await;
    let address = world.rescue();
    let deploy = format!("deploy rescue.toml --verification input.json --dev {ANYONE} --yes");
    let text = world.levee(&deploy).ok();
    assert!(text.contains(&format!("levee verify {address} --terms rescue.toml")), "{text}");
    assert!(text.contains("v0.8.37+commit.f401782d") && text.contains("input.json"), "{text}");
    let input = world.json_file("input.json");
    assert_eq!(input["settings"]["viaIR"], true);
    let source = input["sources"]["contracts/PledgeEscrow.sol"]["content"].as_str().expect("text");
    assert_eq!(source, crate::support::project_file("contracts/PledgeEscrow.sol"));

    world.levee(&deploy).ok();
    world.write("input.json", "another");
    world.levee(&deploy).assert_refused("`input.json` exists already", "name another file");
    let again = world.levee(&format!("{} --json", deploy.replace("input", "again"))).json();
    let publish = &again["publish"];
    assert_eq!((&publish["terms"], &publish["document"]), (&json!("rescue.toml"), &json!("terms.md")));
    let verification = &publish["verification"];
    assert_eq!(verification["contract"], "contracts/PledgeEscrow.sol:PledgeEscrow");
    let arguments = verification["constructorArguments"].as_str().expect("text");
    let arguments = hex::decode(arguments).expect("hexadecimal digits");
    let artifact: Value =
        serde_json::from_str(&crate::support::project_file("crates/levee/artifacts/PledgeEscrow.json"))
            .expect("it is JSON");
    let code = hex::decode(artifact["bytecode"].as_str().expect("code")).expect("hexadecimal digits");
    let salt: B256 = world.levee("address rescue.toml --json").json()["salt"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a hash");
    let created = levee::CREATE2_DEPLOYER.create2_from_code(salt, [code, arguments].concat());
    assert_eq!(created, address);
}

#[tokio::test]
async fn a_checkup_says_what_works() {
    let world = World::with_rescue().await;
    let (rescue, cat) = (world.rescue(), world.address(CAT));
    let checkup = world.levee(&format!("doctor --terms rescue.toml --dev {CAT} --json")).json();
    let states: Vec<_> =
        checkup["checks"].as_array().expect("a list").iter().map(|check| &check["state"]).collect();
    assert!(states.iter().all(|state| **state == "ok"), "{checkup}");
    assert_eq!(about(&checkup, "rescue"), [("ok", &*format!("{rescue} is genuine: edition v1, Open"))]);
    let tokens = format!(
        "{cat} has 0 stETH, of which the rescue may take 0, 100 wstETH, of which the rescue may take 0"
    );
    assert_eq!(about(&checkup, "tokens"), [("ok", &*tokens)]);
    assert_eq!(about(&checkup, "journal").len(), 1);
    let node = about(&checkup, "node");
    assert!(node[0].1.contains("anvil") && node[0].1.contains("chain 31337"), "{node:?}");

    // Somebody waits for a transaction, and a rescue is none.
    world.chain.anvil_set_auto_mine(false).await.expect("anvil takes it");
    let line = format!("pledge 1 ETH --tier 0 --terms rescue.toml --dev {ANN} --yes --timeout 1");
    assert_eq!(world.levee(&line).code, Some(2));
    let ran = world.levee(&format!("doctor --rescue {cat} --dev {ANN}"));
    assert_eq!((ran.code, ran.stderr.lines().next()), (Some(1), Some("error: 1 of 9 checks failed")));
    let checkup = world.levee(&format!("doctor --dev {ANN} --json")).json();
    let (journal, account) = (about(&checkup, "journal")[0], about(&checkup, "account")[0]);
    assert!(journal.0 == "warning" && journal.1.ends_with("journal.db, 1 unfinished"), "{journal:?}");
    assert_eq!(account, ("warning", &*format!("{} has 10000 ETH and 1 pending", world.address(ANN))));
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);

    // Nobody is asked for a key, and not every way to sign tells the account without it.
    let told = |options: &str| {
        let checkup = world.levee(&format!("doctor {options} --json")).json();
        about(&checkup, "account")[0].1.to_owned()
    };
    assert_eq!(told("--interactive"), "which one it is cannot be told without its password or its device");
    assert_eq!(told(""), "none is given");
    let ran = world.levee("doctor --keystore none.json --json");
    assert_eq!(ran.code, Some(1));
    let checkup = serde_json::from_str(&ran.stdout).expect("it is JSON");
    assert_eq!(about(&checkup, "account"), [("failed", "there is no keystore at `none.json`")]);
}

#[tokio::test]
async fn terms_are_checked_on_their_chain_before_anyone_creates_the_rescue() {
    let world = World::start().await;
    let (steth, nobody) = (world.steth.to_string(), Address::repeat_byte(0xaa));
    world.write_terms("foreign.toml", &steth, &nobody.to_string());
    let check = |file: &str| world.levee(&format!("terms check {file} --rpc-url {}", world.endpoint()));
    check("rescue.toml").ok();
    world.levee("terms check foreign.toml").ok();
    let none = format!("there is no stETH at `{nobody}`: the account has no code on this chain");
    let hint = "check `steth` and `wsteth` in the terms, and the chain";
    check("foreign.toml").assert_refused(&none, hint);
    let deployed = world.levee(&format!("deploy foreign.toml --dev {ANYONE} --yes"));
    assert!(deployed.code == Some(1) && deployed.stderr.contains(&none), "{}", deployed.stderr);
    // The chain is ahead of this machine's clock, by which the deadline is yet to come.
    world.warp(10 * DAY + 1).await;
    let passed = "rescue.toml: the deadline 2100-01-11T00:00:00Z (1 second ago) has passed";
    check("rescue.toml").assert_refused(passed, "choose a time in the future");
    world.levee("terms check rescue.toml").ok();
}

#[tokio::test]
async fn a_checkup_without_a_node_says_so() {
    let world = World::with_rescue().await;
    let mut command = levee(world.directory());
    let ran = run(&mut command, "doctor --rpc-url http://127.0.0.1:9/SECRET --timeout 1 --json");
    assert_eq!(ran.code, Some(2));
    let checkup: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    let node = about(&checkup, "node");
    assert_eq!((node.len(), node[0].0), (1, "failed"));
    assert!(!ran.stdout.contains("SECRET") && !ran.stderr.contains("SECRET"), "{}", ran.stdout);
    let ran = run(&mut levee(world.directory()), "doctor --json");
    assert_eq!(ran.code, Some(1));
    let checkup: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    assert_eq!(about(&checkup, "node"), [("failed", "no node given")]);
}

#[tokio::test]
async fn a_permit_needs_no_weth() {
    let world = World::with_rescue().await;
    let ran = world.try_by(CAT, "pledge 30 wstETH --tier 2 --permit");
    assert_eq!(ran.ok(), format!("locked 30 wstETH for {} in tier 2\n", world.address(CAT)));
}

#[tokio::test]
async fn foundry_alone_creates_the_same_rescue() {
    let world = World::start().await;
    let shown = world.levee("terms show rescue.toml --json").ok();
    let file =
        tempfile::Builder::new().suffix(".json").tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    std::fs::write(file.path(), shown).expect("it can be written");
    let forge = || {
        let mut forge = std::process::Command::new("forge");
        forge.current_dir(root()).env("FOUNDRY_PROFILE", "check");
        forge.args(["script", "script/CreateRescue.s.sol", "--sig", "run(string)"]).arg(file.path());
        forge.args(["--rpc-url", &world.endpoint(), "--broadcast"]);
        forge.args(["--private-key", &world.key(ANYONE).to_string()]);
        let output = forge.output().expect("forge is missing: it needs `npm ci`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    forge();
    assert_eq!(world.status()["rescue"], world.rescue().to_string());
    let before = world.mark().await;
    forge();
    assert_eq!(world.mark().await, before, "it exists, so nothing is sent");
}
