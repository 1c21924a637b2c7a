//! A compact by command, from its terms to a rescue that its members pay into.

use alloy::{
    primitives::{Address, B256, U256, utils::format_ether},
    providers::Provider as _,
    rpc::types::Filter,
};
use levee::{Blueprint, CREATE2_DEPLOYER, bindings::WstETH, text::CompactFile};
use levee_lab::proxy::{Proxy, Reply};
use levee_model::CompactTerms;
use serde_json::{Value, json};

use crate::{
    aave::send,
    readme::shell_blocks,
    support::{
        ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, HOUR, Ran, World, levee, project_file, run, words,
    },
};

/// What the members have, of which Cat commits a part only.
const TERMS: &str = r#"chain = 31337
wsteth = "WRAPPED"
admitter = "ADMITTER"
guardian = "GUARDIAN"
quorum = "60 %"
max_call = "50 %"
voting_period = "1 day"
fulfill_period = "1 day"
notice_period = "3 days"
leave_window = "2 days"
seasoning = "5 days"
min_threshold = "100 %"
min_rate = "0 %"
min_objection_period = "1 day"
min_exit_window = "1 day"
max_veto = "50 %"
max_lock = "60 days"
document = "terms.md"
"#;

impl World {
    /// With the compact created, and 40, 30 and 30 wstETH in the hands of Ann, Ben and Cat.
    pub(crate) async fn with_compact() -> Self {
        let world = Self::start().await;
        world.fund_members().await;
        let terms = world.compact_terms().replace("ADMITTER", &world.address(ANYONE).to_string());
        world.write("compact.toml", &terms);
        let created = world.levee(&format!("compact deploy compact.toml --dev {ANYONE} --yes --json")).json();
        assert_eq!(created["created"], true, "{created}");
        world
    }

    fn compact_terms(&self) -> String {
        let terms = TERMS.replace("WRAPPED", &self.wsteth.to_string());
        terms.replace("GUARDIAN", &self.address(GUARDIAN).to_string())
    }

    async fn fund_members(&self) {
        let wsteth = WstETH::new(self.wsteth, &self.chain);
        for (member, amount) in [(ANN, 40), (BEN, 30)] {
            let call = wsteth.transfer(self.address(member), U256::from(amount * ETHER));
            let sent = call.from(self.address(CAT)).send().await.expect("Cat has it");
            sent.get_receipt().await.expect("it is mined");
        }
    }

    fn try_compact(&self, account: usize, act: &str, rest: &str) -> Ran {
        self.levee(&format!("compact {act} compact.toml {rest} --dev {account} --yes"))
    }

    fn compact(&self, account: usize, act: &str, rest: &str) -> String {
        self.try_compact(account, act, rest).ok()
    }

    fn compact_status(&self) -> Value {
        self.levee("compact status compact.toml --json").json()
    }

    /// All three admitted, with 40, 30 and 20 wstETH active, six days after the start.
    pub(crate) async fn with_members() -> Self {
        let world = Self::with_compact().await;
        for (member, amount) in [(ANN, 40), (BEN, 30), (CAT, 20)] {
            world.compact(ANYONE, "admit", &world.address(member).to_string());
            world.compact(member, "commit", &format!("{amount} wstETH --approve"));
        }
        world.warp(6 * DAY).await;
        for member in [ANN, BEN] {
            world.compact(member, "activate", "");
        }
        world.compact(ANYONE, "activate", &format!("--member {}", world.address(CAT)));
        world
    }
}

fn kind(ran: &Ran) -> String {
    serde_json::from_str::<Value>(&ran.stderr).expect("it is JSON")["error"]["kind"]
        .as_str()
        .expect("text")
        .to_owned()
}

fn units(tenths: u128) -> String {
    (tenths * ETHER / 10).to_string()
}

#[tokio::test]
async fn terms_of_a_compact_are_checked_and_give_its_address() {
    let world = World::start().await;
    world.levee("compact new mine.toml").ok();
    let text = std::fs::read_to_string(world.directory().join("mine.toml")).expect("it was written");
    assert_eq!(world.levee("compact new").ok(), text);
    world.write("compact.md", "What was agreed.\n");
    let told = world.levee("compact check mine.toml").ok();
    assert!(told.starts_with("the terms are valid; the compact will be at 0x"), "{told}");
    world.write("half.toml", &text.replace("quorum = \"60 %\"", "quorum = \"50 %\""));
    let ran = world.levee("compact check half.toml");
    ran.assert_refused(
        "half.toml: the quorum of 50 % is out of bounds",
        "choose 50.01 % to 100 %; with half or less, two calls could pass against each other",
    );
    world.write("more.toml", &text.replace("quorum = \"60 %\"", "quorum = \"100.01 %\""));
    world.levee("compact check more.toml").assert_refused(
        "more.toml: the quorum of 100.01 % is out of bounds",
        "choose 50.01 % to 100 %; with half or less, two calls could pass against each other",
    );
    let ran = world.levee("compact show more.toml");
    let invalid = "warning: these terms are not valid: more.toml: the quorum of 100.01 % is out of bounds\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), invalid));
    let shown = world.levee("compact show mine.toml --json").json();
    assert_eq!(shown["terms"]["quorumBps"], 6_000);
    assert!(told.contains(shown["address"].as_str().expect("text")), "{told}");
    let text = world.levee("compact show mine.toml").ok();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[tokio::test]
async fn members_commit_season_earn_and_leave() {
    let world = World::with_compact().await;
    let [ann, ben, cat] = [ANN, BEN, CAT].map(|account| world.address(account));
    let refused = world.try_compact(ANN, "admit", &format!("{ann} --json"));
    assert_eq!((refused.code, kind(&refused)), (Some(1), "NotAdmitter".to_owned()));
    let admitted = world.compact(ANYONE, "admit", &ann.to_string());
    assert_eq!(admitted, format!("admitted {ann}, which may commit now\n"));
    for member in [ben, cat] {
        world.compact(ANYONE, "admit", &member.to_string());
    }
    world.try_compact(ANN, "commit", "40 wstETH").assert_refused(
        &format!("the compact may take 0 wstETH of the wstETH of `{ann}`, less than 40 wstETH"),
        "add `--approve` to send an approval first",
    );
    world.try_compact(ANN, "commit", "41 wstETH --approve").assert_refused(
        &format!("`{ann}` has 40 wstETH, less than 41 wstETH"),
        "send it some, or choose less",
    );
    world
        .try_compact(ANN, "commit", "1 ETH")
        .assert_refused("a compact holds wstETH, and no ETH", "write the amount as in `25 wstETH`");
    let told = world.compact(ANN, "commit", "40 wstETH --approve");
    assert_eq!(told, format!("committed 40 wstETH of {ann}; everything pending seasons from now on\n"));
    world.compact(BEN, "commit", "30 wstETH --approve");
    world.compact(BEN, "take-back", "");
    assert_eq!(world.holds(ben).await[2], 30 * ETHER);
    world.compact(BEN, "commit", "30 wstETH --approve --again");
    world.compact(CAT, "commit", "20 wstETH --approve");
    let early = world.try_compact(ANN, "activate", "--json");
    assert_eq!(kind(&early), "StillSeasoning");
    let status = world.compact_status();
    assert_eq!(status["all"], json!({ "activeUnits": "0", "noticedUnits": "0" }));
    world.warp(6 * DAY).await;
    for member in [ann, ben, cat] {
        world.compact(ANYONE, "activate", &format!("--member {member}"));
    }
    // The index is floor(9 * 2^128 / 90), and Ann's part floor(40 * index / 2^128), in units.
    world.compact(CAT, "premium", "9 wstETH --approve");
    let whole = U256::from(1) << 128;
    let index = U256::from(9 * ETHER) * whole / U256::from(90 * ETHER);
    let due: U256 = U256::from(40 * ETHER) * index / whole;
    let told = world.compact(ANYONE, "claim", &format!("--member {ann}"));
    assert_eq!(told, format!("paid {} wstETH of premiums to {ann}\n", format_ether(due)));
    assert_eq!(world.holds(ann).await[2], due.to::<u128>());
    world.compact(CAT, "notice", "15 wstETH");
    let early = world.try_compact(CAT, "leave", "--json");
    assert_eq!(kind(&early), "NoticeRunning");
    let status = world.compact_status();
    assert_eq!(status["all"], json!({ "activeUnits": units(900), "noticedUnits": units(150) }));
    world.warp(10 * DAY).await;
    let told = world.compact(CAT, "leave", &format!("--to {ben}"));
    assert_eq!(told, format!("paid 15 wstETH that was under notice of {cat} to {ben}\n"));
    assert_eq!(world.holds(ben).await[2], 15 * ETHER);
    let text = world.levee("compact status compact.toml").ok();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[tokio::test]
async fn a_call_that_passes_pledges_every_members_part() {
    let world = World::with_members().await;
    let [ann, ben, cat] = [ANN, BEN, CAT].map(|account| world.address(account));
    world.deploy();
    let escrow = world.rescue();
    let propose = "--terms rescue.toml --tier 2 --part 25%";
    let foreign = world.try_compact(ANN, "propose", &format!("{propose} --for {ben} --json"));
    assert_eq!(kind(&foreign), "NotApprover");
    let small = world.try_compact(ANN, "propose", "--terms rescue.toml --tier 0 --part 25% --json");
    assert_eq!(kind(&small), "ThresholdBelowPolicy");
    let told = world.compact(BEN, "approver", &ann.to_string());
    assert_eq!(told, format!("named {ann} to propose and approve for {ben}\n"));
    let told = world.compact(ANN, "approver", "--none");
    assert_eq!(told, format!("named nobody to propose and approve for {ann}\n"));
    let told = world.compact(ANN, "propose", propose);
    let proposed =
        format!("proposed call 0 for {ann}: 25 % of everything active, to tier 2 of the rescue {escrow}\n");
    assert_eq!(told, proposed);
    assert_eq!(world.compact(ANN, "approve", "0"), format!("approved call 0 with 40 wstETH of {ann}\n"));
    world.compact(ANN, "withdraw", "0");
    world.compact(ANN, "approve", "0 --again");
    let early = world.try_compact(ANYONE, "fulfill", "0 --json");
    assert_eq!(kind(&early), "CallNotPassed");
    let told = world.compact(ANN, "approve", &format!("0 --for {ben}"));
    assert_eq!(told, format!("approved call 0 with 30 wstETH of {ben}\ncall 0 has passed\n"));
    // A notice afterward does not free from what was called.
    world.compact(CAT, "notice", "20 wstETH");
    let call = &world.compact_status()["calls"][0];
    let shares = json!([
        { "member": ann.to_string(), "approves": true, "givenUnits": "0", "wouldGiveUnits": units(100) },
        { "member": ben.to_string(), "approves": true, "givenUnits": "0", "wouldGiveUnits": units(75) },
        { "member": cat.to_string(), "approves": false, "givenUnits": "0", "wouldGiveUnits": units(50) },
    ]);
    let by_member = |shares: &Value| {
        let mut shares = shares.as_array().expect("a list").clone();
        shares.sort_by_key(|share| share["member"].to_string());
        shares
    };
    assert_eq!(by_member(&call["shares"]), by_member(&shares));
    assert_eq!((&call["state"], &call["requiredUnits"]), (&json!("Passed"), &json!(units(540))));
    world.compact(ANYONE, "fulfill", &format!("0 --member {cat}"));
    let told = world.compact(ANYONE, "fulfill", "0");
    assert!(told.contains(&format!("pledged 10 wstETH of {ann} for call 0")), "{told}");
    let pots = world.pots().await;
    assert_eq!(pots, [(2, 2, 225 * ETHER / 10, 0, 0)]);
    assert_eq!(world.positions(CAT)[0]["amount"], units(50));
    world.try_compact(ANYONE, "fulfill", "0 --again").assert_refused(
        "nobody has anything left to give to call 0",
        "`levee compact status` shows who gave what",
    );
    world.try_compact(ANN, "approve", "7").assert_refused(
        "there is no call 7: the last one proposed is call 0",
        "`levee compact status` shows them",
    );
    let another = "--terms rescue.toml --tier 2 --part 5% --dry-run";
    let plan = words(&world.levee(&format!("compact propose compact.toml {another} --dev {ANN}")).ok());
    let warning = "too soon call 0 gives until then: one that passes before 2100-01-12T";
    assert!(plan.contains(warning), "{plan}");
    let text = world.levee("compact status compact.toml").ok();
    assert!(text.contains("given        22.5 wstETH"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

/// Operation and outcome of each duty of a keeper that looks once.
fn kept(world: &World, options: &str) -> Vec<(String, String)> {
    let round = world.levee(&format!("keeper --store index.db --once --dev 6 --json {options}")).json();
    let text = |duty: &Value, key: &str| duty[key].as_str().expect("text").to_owned();
    let duties = round["duties"].as_array().expect("a list").iter();
    duties.map(|duty| (text(duty, "operation"), text(duty, "outcome"))).collect()
}

#[tokio::test]
async fn a_keeper_activates_if_it_is_told_so_and_fulfills_once() {
    let world = World::with_compact().await;
    let [ann, ben, cat] = [ANN, BEN, CAT].map(|account| world.address(account));
    for (member, amount) in [(ANN, 40), (BEN, 30), (CAT, 20)] {
        world.compact(ANYONE, "admit", &world.address(member).to_string());
        world.compact(member, "commit", &format!("{amount} wstETH --approve"));
    }
    let done = |operation: &str| (operation.to_owned(), "done".to_owned());
    assert_eq!(kept(&world, "--activate"), [], "nothing has seasoned");
    world.warp(6 * DAY).await;
    assert_eq!(kept(&world, ""), []);
    assert_eq!(kept(&world, &format!("--activate --member {cat}")), [done("Activate")]);
    assert_eq!(kept(&world, "--activate"), [done("Activate"), done("Activate")]);
    assert_eq!(world.compact_status()["all"]["activeUnits"], units(900));
    world.deploy();
    world.compact(ANN, "propose", "--terms rescue.toml --tier 2 --part 25%");
    world.compact(ANN, "approve", "0");
    assert_eq!(kept(&world, ""), [], "it has not passed");
    world.compact(BEN, "approve", "0");
    let plan =
        world.levee("keeper --store index.db --dry-run --as 0x000000000000000000000000000000000000dEaD").ok();
    let planned = words(&plan);
    assert!(planned.contains("fulfillment of call 0 for 3 members, due since"), "{plan}");
    let rescue = world.rescue();
    assert_eq!(kept(&world, &format!("--rescue {rescue}")), [], "it looks after the rescue only");
    assert_eq!(kept(&world, ""), [done("Fulfill")]);
    assert_eq!(world.pots().await, [(2, 2, 225 * ETHER / 10, 0, 0)]);
    assert_eq!(kept(&world, ""), []);
    let given = |member: Address| {
        let shares = world.compact_status()["calls"][0]["shares"].as_array().expect("a list").clone();
        let share =
            shares.into_iter().find(|share| share["member"] == member.to_string()).expect("it is there");
        share["givenUnits"].as_str().expect("text").to_owned()
    };
    assert_eq!([ann, ben, cat].map(given), [units(100), units(75), units(50)]);
}

#[tokio::test]
async fn people_are_told_of_a_compact() {
    let world = World::with_members().await;
    let ann = world.address(ANN);
    let watch = || {
        let ran = world.levee(&format!(
            "watch --store index.db --state watch.db --confirmations 1 --once --json --for {ann}"
        ));
        let kind = |line: &str| {
            let notice: Value = serde_json::from_str(line).expect("it is JSON");
            notice["kind"].as_str().expect("text").to_owned()
        };
        ran.ok().lines().map(kind).collect::<Vec<_>>()
    };
    watch();
    world.deploy();
    world.compact(CAT, "premium", "9 wstETH --approve");
    world.compact(ANN, "propose", "--terms rescue.toml --tier 2 --part 25%");
    world.compact(ANN, "approve", "0");
    let told = watch();
    for kind in ["callProposed", "callApproved", "premiumDue", "created"] {
        assert!(told.iter().any(|one| one == kind), "{kind}: {told:?}");
    }
    world.compact(BEN, "approve", "0");
    world.compact(ANYONE, "fulfill", "0");
    let told = watch();
    for kind in ["callPassed", "callGives", "given"] {
        assert!(told.iter().any(|one| one == kind), "{kind}: {told:?}");
    }
    assert_eq!(watch(), [""; 0], "nothing is told twice");
}

/// Against the hash of a block, with a premium, a notice, an approver, a call that gives and one that is voted on.
#[tokio::test]
async fn a_compact_is_proven_word_by_word() {
    let world = World::with_members().await;
    world.deploy();
    world.compact(CAT, "premium", "9 wstETH --approve");
    world.compact(BEN, "approver", &world.address(ANN).to_string());
    world.compact(ANN, "propose", "--terms rescue.toml --tier 2 --part 25%");
    world.compact(ANN, "approve", "0");
    world.compact(ANN, "approve", &format!("0 --for {}", world.address(BEN)));
    world.compact(ANYONE, "fulfill", &format!("0 --member {}", world.address(CAT)));
    world.compact(CAT, "notice", "3 wstETH");
    world.compact(ANN, "propose", "--terms rescue.toml --tier 2 --part 5%");
    world.compact(BEN, "approve", "1");
    let status = world.compact_status();
    let compact = status["address"].as_str().expect("text");
    let verified = world.levee(&format!("verify {compact} --json --bundle proof.json")).json();
    for key in ["terms", "all", "members", "calls", "lastStarted", "address"] {
        assert_eq!(verified[key], status[key], "{key}");
    }
    // 90 less the 5 that Cat gave, and nearly all of the premium.
    assert_eq!(verified["balanceUnits"], units(940));
    let [compact_words, token_words] =
        [0, 1].map(|at| verified["proven"][at]["words"].as_array().expect("a list").len());
    // Five of all; for each of three members five and a history; two for each call, and three votes.
    assert_eq!((compact_words, token_words), (5 + 3 * 6 + 2 * (2 + 3), 1));
    let text = world.levee(&format!("verify {compact} --terms compact.toml")).ok();
    assert!(text.contains("not proven") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    // Offline, and refused as soon as a digit of it is another.
    let hash = verified["blockHash"].as_str().expect("text");
    let offline =
        world.levee(&format!("verify {compact} --from-bundle proof.json --block-hash {hash} --json")).json();
    assert_eq!((&offline["members"], &offline["anchor"]["by"]), (&status["members"], &json!("caller")));
    let bundle = std::fs::read_to_string(world.directory().join("proof.json")).expect("it was written");
    let mut bundle: Value = serde_json::from_str(&bundle).expect("it is JSON");
    // The last log, an approval, is left out.
    bundle["evidence"]["logs"].as_array_mut().expect("a list").pop();
    world.write("forged.json", &bundle.to_string());
    let forged = world.levee(&format!("verify {compact} --from-bundle forged.json"));
    assert!(forged.stderr.contains("`forged.json` proves nothing"), "{}", forged.stderr);
    assert_eq!(forged.code, Some(1));
    let other = CompactFile::read(&world.directory().join("compact.toml")).expect("it is valid").path;
    let text = std::fs::read_to_string(&other)
        .expect("it is there")
        .replace("max_lock = \"60 days\"", "max_lock = \"61 days\"");
    world.write("other.toml", &text);
    let ran = world.levee(&format!("verify {compact} --terms other.toml"));
    let differs =
        "the terms of the compact are not those in `other.toml`: `maxLockSeconds` is 5184000, not 5270400";
    assert!(words(&ran.stderr).contains(differs), "{}", ran.stderr);
}

#[tokio::test]
async fn an_index_has_compacts_too() {
    let world = World::with_members().await;
    world.compact(CAT, "notice", "5 wstETH");
    let ran = world.levee("index --store index.db --once");
    assert!(ran.stderr.contains("0 rescues and 1 compact"), "{}", ran.stderr);
    let checked = world.levee("index check --store index.db --json").json();
    assert_eq!(checked["differences"], json!([]));
}

#[tokio::test]
async fn a_compact_is_used_as_its_page_says() {
    let page = project_file("docs/compact.md");
    let [join, activate, call, notice, leave] = shell_blocks(&page)[..] else {
        panic!("there are other blocks")
    };
    let world = World::with_rescue().await;
    world.fund_members().await;
    world.write("compact.toml", &world.compact_terms().replace("admitter = \"ADMITTER\"\n", ""));
    let joined = world.done(join);
    assert!(joined.contains("can be activated from 2100-01-06T"), "{joined}");
    world.warp(6 * DAY).await;
    world.done(activate);
    // Who proposes had weight one second before.
    world.warp(6 * DAY + HOUR).await;
    let called = world.done(call);
    assert!(called.contains(&format!("pledged 10 wstETH of {} for call 0", world.address(ANN))), "{called}");
    world.done(notice);
    world.warp(10 * DAY).await;
    world.done(leave);
    assert_eq!(world.holds(world.address(ANN)).await[2], 30 * ETHER);
}

#[tokio::test]
async fn a_compact_is_founded_as_the_guide_says() {
    let guide = project_file("docs/guides/founder.md");
    let [new, create, watch] = shell_blocks(&guide)[..] else { panic!("there are other blocks") };
    let elsewhere = tempfile::tempdir().expect("a directory");
    run(&mut levee(elsewhere.path()), new.trim_end().trim_start_matches("levee ")).ok();
    let world = World::start().await;
    world.write("compact.toml", &world.compact_terms().replace("admitter = \"ADMITTER\"\n", ""));
    let created = world.done(create);
    assert!(created.contains("the compact is at 0x"), "{created}");
    assert!(world.done(watch).contains("nobody has committed anything yet"));
}

/// A genuine compact whose founder has named other code than that of Levee's escrows, which may keep the money.
#[tokio::test]
async fn a_compact_that_pays_into_foreign_contracts_takes_no_money() {
    let world = World::with_compact().await;
    let file = CompactFile::read(&world.directory().join("compact.toml")).expect("it is valid");
    let code_hash = B256::repeat_byte(0xee);
    let terms = CompactTerms { escrow_code_hash: code_hash, admitter: Address::ZERO, ..file.terms };
    let blueprint = Blueprint::compact(&terms);
    let input = [blueprint.salt().as_slice(), &blueprint.init_code()].concat();
    send(&world.chain, world.address(ANYONE), CREATE2_DEPLOYER, 0, input).await;
    let (compact, ann) = (blueprint.address(), world.address(ANN));
    let by_ann = |act: &str| world.levee(&format!("compact {act} --dev {ANN} --yes"));
    by_ann(&format!("commit {compact} 40 wstETH --approve")).assert_refused(
        &format!(
            "the compact `{compact}` pays into contracts with the code `{code_hash}`, which are not Levee's escrows; commit nothing to it"
        ),
        "what you have in it can be taken back, or put under notice and taken out, with `levee compact take-back`, `notice` and `leave`",
    );
    assert_eq!(world.holds(ann).await[2], 40 * ETHER);
    let ran = world.levee(&format!("compact status {compact}"));
    assert!(ran.stderr.contains("which are not Levee's escrows"), "{}", ran.stderr);
    ran.ok();
    let keeper = format!("keeper --store index.db --once --dev {ANYONE} --compact {compact}");
    let ran = world.levee(&keeper);
    let foreign = format!(
        "error: `{compact}` is a counterfeit of a compact: its calls pay into contracts that are not Levee's escrows"
    );
    assert!(ran.stderr.contains(&foreign), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
    // Who has something in it gets out.
    let ran = by_ann(&format!("take-back {compact} --json"));
    assert_eq!(kind(&ran), "NothingPending");
}

#[tokio::test]
async fn a_compact_is_told_by_its_whole_history_or_not_at_all() {
    let world = World::with_members().await;
    let compact = world.compact_status()["address"].as_str().expect("text").to_owned();
    let latest = world.chain.get_block_number().await.expect("anvil answers");
    let ran = world.levee(&format!("compact status compact.toml --from-block {latest}"));
    ran.assert_refused(
        &format!(
            "the compact `{compact}` was created before block {latest}, and its logs are needed from there on"
        ),
        "leave `--from-block` out, or name an earlier block",
    );
    // A name of an approver changes no sum, but the node must not leave it out.
    let before = latest + 1;
    world.compact(ANN, "approver", &world.address(BEN).to_string());
    let filter = Filter::new().address(compact.parse::<Address>().expect("an address"));
    let logs =
        world.chain.get_logs(&filter.from_block(0).to_block(before - 1)).await.expect("anvil has them");
    let logs = serde_json::to_value(logs).expect("they are JSON");
    let proxy = Proxy::replying(&world.endpoint(), move |request| match request["method"].as_str() {
        Some("eth_getLogs") => Reply::Result(logs.clone()),
        _ => Reply::Node,
    });
    let ran = world.levee(&format!("compact status compact.toml --json --rpc-url {}", proxy.url()));
    assert_eq!((ran.code, kind(&ran)), (Some(2), "CompactHistoryDiffers".to_owned()));
    // The document is part of the terms.
    world.write("terms.md", "Something else was agreed.\n");
    let ran = world.levee("compact status compact.toml");
    assert!(ran.stderr.contains("which follows from `compact.toml`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("a value in the file or its document differs"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
}

#[tokio::test]
async fn what_is_no_compact_is_refused() {
    let world = World::with_rescue().await;
    let rescue = world.rescue();
    world.levee(&format!("compact status {rescue}")).assert_refused(
        &format!("the contract at `{rescue}` is not a Levee compact"),
        "do not send anything there; `levee compact show` computes the right address from a file of terms",
    );
    let nobody = Address::repeat_byte(0xaa);
    world.levee(&format!("compact status {nobody}")).assert_refused(
        &format!("there is no compact at `{nobody}`: the account has no code on this chain"),
        "check the address and the chain, or create the compact with `levee compact deploy`",
    );
}
