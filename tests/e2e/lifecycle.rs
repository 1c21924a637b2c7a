//! Rescues from their terms to the last wei, through the binary alone, and what the chain has of them.

use alloy::{
    primitives::{Bytes, U256, bytes},
    providers::{Provider, ext::AnvilApi},
};
use serde_json::{Value, json};

use crate::support::{
    ANN, ANYONE, BEN, BENEFICIARY, CAT, DAY, ETHER, GUARDIAN, HOUR, START, World, events, hash, levee, names,
    run, words,
};

/// Half an ETH, stETH share or wstETH.
const HALF: u128 = ETHER / 2;
/// The draw of Cat's 50 wstETH in [`World::pledge_all`]: its group of 60 ETH is to cover 29.
const LOAN_DRAWN: u128 = 50 * ETHER * 29 / 60;

/// The calls that the page says are possible.
fn next(page: &Value) -> Vec<&str> {
    let calls = page["nextCalls"].as_array().expect("a list").iter();
    calls.map(|call| call["command"].as_str().expect("a command")).collect()
}

/// A position as `levee positions --json` has it.
fn position(tier: u8, asset: &str, [amount, refunded, refundable, weight]: [u128; 4]) -> Value {
    let unit = match asset {
        "ETH" => "wei",
        "stETH" => "stETH shares",
        _ => "units of 10^-18 wstETH",
    };
    json!({
        "tier": tier, "asset": asset, "unit": unit, "amount": amount.to_string(), "refunded": refunded.to_string(),
        "refundable": refundable.to_string(), "drawnValueWei": weight.to_string(), "objected": false,
        "recoveredDueWei": Value::Null, "bonus": Value::Null,
    })
}

#[tokio::test]
async fn terms_are_written_checked_and_shown() {
    let world = World::start().await;
    let offline = |line: &str| run(&mut levee(world.directory()), line);
    let wrote = "wrote `new.toml`: fill it in, then `levee terms check new.toml`\n";
    assert_eq!(offline("terms new new.toml").ok(), wrote);
    offline("terms check new.toml").assert_refused(
        "new.toml: beneficiary is the zero address",
        "name the address that the draw goes to",
    );
    offline("terms new new.toml").assert_refused("`new.toml` exists already", "name another file");

    let address = world.rescue();
    let warnings = "\
warning: whoever locks 20 ETH to 40 ETH for 2 days can stop the rescue by its veto of 40 % of the draw
warning: the deadline 2100-01-11T00:00:00Z is more than five years away
";
    let checked = offline("terms check rescue.toml");
    assert_eq!(checked.stderr, warnings);
    assert_eq!(
        checked.ok(),
        format!("the terms are valid; the rescue will be at {address} on chain 31337\n")
    );
    assert_eq!(offline("address rescue.toml").ok(), format!("{address}\n"));
    let (steth, wsteth) = (world.steth, world.wsteth);
    let (beneficiary, guardian) = (world.address(BENEFICIARY), world.address(GUARDIAN));
    let terms_hash = hash("What was agreed.\n");
    let expected = format!(
        "\
address           {address} on chain 31337
contracts         edition v1
beneficiary       {beneficiary}
guardian          {guardian}
stETH             {steth}
wstETH            {wsteth}
target            100 ETH (100000000000000000000 wei)
deadline          2100-01-11T00:00:00Z
latest deadline   2100-01-21T00:00:00Z
objection period  1 day
veto              40 %
tranches          2, 1 day apart
release window    7 days
exit window       2 days
terms hash
  {terms_hash}
hash origin       Keccak-256 of the bytes of `terms.md`

tiers
tier  threshold  order  kind
0     50 %       0      grant
1     50 %       1      loan at 3.8 % a year
2     100 %      0      grant
"
    );
    assert_eq!(offline("terms show rescue.toml").ok(), expected);
    let shown = offline("terms show rescue.toml --json").json();
    assert_eq!(shown["address"], address.to_string());
    assert_eq!(shown["targetWei"], "100000000000000000000");
    assert_eq!(shown["deadlineUnix"], START + 10 * DAY);
    assert_eq!(shown["latestDeadlineUnix"], START + 20 * DAY);
    assert_eq!(shown["tiers"][1], json!({ "thresholdBps": 5_000, "drawOrder": 1, "rateBps": 380 }));
    assert_eq!(shown["termsHash"], terms_hash);
}

#[tokio::test]
async fn a_rescue_is_created_once_and_again_nothing_is_sent() {
    let world = World::start().await;
    let address = world.rescue();
    assert!(world.chain.get_code_at(address).await.expect("anvil answers").is_empty());
    let created = world.deploy();
    assert_eq!(created["address"], address.to_string());
    assert_eq!(created["created"], true);
    assert_eq!(names(&created), ["RescueCreated"]);

    let before = world.mark().await;
    let again = world.levee(&format!("deploy rescue.toml --dev {ANYONE} --yes"));
    let exists = format!("the rescue already exists at {address}; nothing was created\n");
    assert!(again.ok().starts_with(&exists));
    let second = world.deploy();
    assert_eq!((&second["created"], &second["transactions"]), (&json!(false), &json!([])));
    assert_eq!(second["address"], address.to_string());
    assert_eq!(world.mark().await, before);

    let page = world.status();
    assert_eq!(page["rescue"], address.to_string());
    assert_eq!((&page["status"], &page["chain"]), (&json!("Open"), &json!(31337)));
    assert_eq!(page["termsHash"], hash("What was agreed.\n"));
    assert_eq!(world.levee(&format!("status --rescue {address} --json")).json(), page);
}

#[tokio::test]
async fn pledges_of_every_asset_are_locked_and_shown() {
    let world = World::with_rescue().await;
    let (ann, ben, cat) = (world.address(ANN), world.address(BEN), world.address(CAT));
    let held = [world.holds(ann).await, world.holds(ben).await, world.holds(cat).await];

    let pledged = world.by(ANN, "pledge 41 ETH --tier 0");
    let spent = held[0][0] - world.holds(ann).await[0];
    assert_eq!(spent, 41 * ETHER + world.fees(&pledged).await);
    let event = json!({
        "event": "Pledged", "pledger": ann.to_string(), "tier": 0, "asset": "ETH", "unit": "wei",
        "amount": "41000000000000000000",
    });
    assert_eq!(events(&pledged), [&event]);

    let text = world.try_by(BEN, "pledge 30 stETH --tier 2 --approve").ok();
    assert_eq!(text, format!("locked 30 stETH (25000000000000000000 shares) for {ben} in tier 2\n"));
    assert_eq!(world.holds(ben).await[1], held[1][1] - 25 * ETHER);
    let approved = world.by(CAT, "pledge 50 wstETH --tier 1 --approve");
    let blocks = approved["transactions"].as_array().expect("a list").iter().map(|sent| &sent["block"]);
    assert_eq!(blocks.collect::<Vec<_>>(), [11, 12]);
    assert_eq!(world.holds(cat).await[2], held[2][2] - 50 * ETHER);
    world.by(ANYONE, &format!("pledge 7wei --tier 1 --for {ben}"));

    assert_eq!(world.holds(world.rescue()).await, [41 * ETHER + 7, 25 * ETHER, 50 * ETHER]);
    let pots = [(0, 0, 41 * ETHER), (1, 0, 7), (1, 2, 50 * ETHER), (2, 1, 25 * ETHER)];
    assert_eq!(world.pots().await, pots.map(|(tier, asset, total)| (tier, asset, total, 0, 0)));
    assert_eq!(world.positions(ANN), json!([position(0, "ETH", [41 * ETHER, 0, 0, 0])]));
    let bens = json!([position(1, "ETH", [7, 0, 0, 0]), position(2, "stETH", [25 * ETHER, 0, 0, 0])]);
    assert_eq!(world.positions(BEN), bens);
    assert_eq!(world.positions(GUARDIAN), json!([]));
    let table = "\
tier  pledged                   refunded  refundable now  drawn value  objected
1     0.000000000000000007 ETH  0 ETH     0 ETH           0 ETH        no
2     30 stETH                  0 stETH   0 stETH         0 ETH        no
";
    assert_eq!(world.levee(&format!("positions {ben} --terms rescue.toml")).ok(), table);
}

/// A page's block as text. The clock of the chain is ahead, so that no age is shown.
fn block(page: &Value) -> String {
    let time = page["blockTimeUnix"].as_i64().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    format!("{}, {}", page["block"], time.expect("a time"))
}

#[tokio::test]
async fn an_open_rescue_has_its_page() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let (rescue, beneficiary) = (world.rescue(), world.address(BENEFICIARY));
    let (guardian, terms_hash) = (world.address(GUARDIAN), hash("What was agreed.\n"));
    let status = world.status();
    let (created, block, steth, wsteth) =
        (&status["createdBlock"], block(&status), world.steth, world.wsteth);
    let expected = format!(
        "\
rescue       {rescue} on chain 31337
block        {block}
status       Open
beneficiary  {beneficiary}
guardian     {guardian}
tokens       ETH, stETH {steth} and wstETH
             {wsteth}
target       100 ETH
coverage     [####################] 131 ETH, 131 % of the target
threshold    [####################] 50 % met: has 101 ETH, needs 50 ETH
threshold    [####################] 100 % met: has 131 ETH, needs 100 ETH
share rate   1 wstETH = 1.2 stETH
deadline     2100-01-11T00:00:00Z (in 9 days 23 hours)
at latest    2100-01-21T00:00:00Z, by amendments
veto         objections of 40 % of the draw stop tranches that are not yet due
objections   1 day before the first tranche, and until the last is due
exit window  2 days before an amendment takes effect
lapse        7 days after the last tranche is due, for what is not delivered
terms hash   {terms_hash}
created      in block {created}, with edition v1 of the contracts

tiers
tier  threshold  order  kind                  pledged    drawn     delivered
0     50 %       0      grant                 41 ETH     0 ETH     0 ETH
1     50 %       1      loan at 3.8 % a year  50 wstETH  0 wstETH  0 wstETH
2     100 %      0      grant                 30 stETH   0 stETH   0 stETH

tranches
2, the first 1 day after settlement, 1 day apart

next
call                          who       effect
levee pledge AMOUNT --tier N  anyone    locks a pledge
levee bonus add AMOUNT        anyone    adds to the bonus
levee settle                  anyone    fixes the draw: the target is covered
levee guardian decline        guardian  returns a whole pledge
levee guardian amend          guardian  proposes a new target, deadline or
                                        document
levee cancel                  guardian  ends the rescue; everything goes back
"
    );
    assert_eq!(world.page(), expected);
    let page = world.status();
    assert_eq!(page["coverageWei"], "131000000000000000000");
    assert_eq!(page["rateWeiPer1e27Shares"], "1200000000000000000000000000");
    let half = json!({
        "thresholdBps": 5_000, "coverageWei": "101000000000000000000", "requiredWei": "50000000000000000000",
        "met": true,
    });
    assert_eq!(page["thresholds"][0], half);
    assert_eq!(page["drawnWei"], "0");
    assert_eq!(page["settledAtUnix"], Value::Null);
}

#[tokio::test]
async fn a_rescue_that_is_covered_delivers_every_asset_to_the_wei() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let beneficiary = world.holds(world.address(BENEFICIARY)).await;
    world.warp(2 * DAY).await;
    let settled = world.by(ANYONE, "settle");
    let event = json!({
        "event": "Settled", "thresholdBps": 10_000, "rateWeiPer1e27Shares": "1200000000000000000000000000",
        "targetWei": "100000000000000000000", "drawnWei": "100000000000000000000",
        "settledAtUnix": START + 2 * DAY + 1,
        "draws": [
            { "tier": 0, "asset": "ETH", "unit": "wei", "amount": "41000000000000000000" },
            { "tier": 1, "asset": "wstETH", "unit": "units of 10^-18 wstETH", "amount": LOAN_DRAWN.to_string() },
            { "tier": 2, "asset": "stETH", "unit": "stETH shares", "amount": "25000000000000000000" },
        ],
    });
    assert_eq!(events(&settled), [&event]);

    world.warp(3 * DAY + 1).await;
    for asset in ["ETH", "stETH", "wstETH"] {
        assert_eq!(names(&world.by(ANYONE, &format!("release {asset}"))), ["Released"]);
    }
    let first = [41 * HALF, 25 * HALF, LOAN_DRAWN / 2];
    assert_eq!(world.gained(BENEFICIARY, beneficiary).await, first);
    let shown = [
        "tier 1 threshold 50 % order 1 kind loan at 3.8 % a year pledged 50 wstETH drawn 24.166666666666666666 wstETH \
         delivered 12.083333333333333333 wstETH",
        "tier 2 threshold 100 % order 0 kind grant pledged 30 stETH drawn 30 stETH delivered 15 stETH",
        "1 2100-01-04T00:00:01Z (3 seconds ago) delivered delivered delivered",
    ];
    let page = world.page();
    for line in shown {
        assert!(words(&page).contains(line), "{line}: {page}");
    }

    // Cat's loan is drawn in part, and what is not needed goes back at once, to Cat, whoever asks.
    let cat = world.holds(world.address(CAT)).await;
    world.by(ANYONE, &format!("refund --pledger {}", world.address(CAT)));
    assert_eq!(world.gained(CAT, cat).await, [0, 0, 50 * ETHER - LOAN_DRAWN]);

    world.warp(4 * DAY + 1).await;
    world.by(ANYONE, "release ETH");
    world.by(ANYONE, "release stETH");
    assert_eq!(names(&world.by(ANYONE, "release wstETH")), ["Released", "Finalized"]);
    assert_eq!(world.gained(BENEFICIARY, beneficiary).await, [41 * ETHER, 25 * ETHER, LOAN_DRAWN]);
    assert_eq!(world.holds(world.rescue()).await, [0, 0, 0]);
    let all = |tier, asset, total| (tier, asset, total, total, total);
    let loan = (1, 2, 50 * ETHER, LOAN_DRAWN, LOAN_DRAWN);
    assert_eq!(world.pots().await, [all(0, 0, 41 * ETHER), loan, all(2, 1, 25 * ETHER)]);
    let page = world.status();
    assert_eq!((&page["status"], &page["finalAtUnix"]), (&json!("Released"), &json!(START + 4 * DAY + 4)));
    assert_eq!(page["tranches"]["delivered"], json!({ "ETH": 2, "stETH": 2, "wstETH": 2 }));
    assert!(world.page().contains("\nstatus       Released, final\n"), "{}", world.page());
}

#[tokio::test]
async fn a_rescue_that_fails_gives_everything_back() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 49.999999999999999999 ETH --tier 0");
    world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    // The next block is at the deadline, the one after it behind it.
    world.warp(10 * DAY - 1).await;
    world.try_by(ANYONE, "settle").assert_refused(
        "the pledges cover 79.999999999999999999 ETH of 100 ETH; before the deadline, only a fully covered rescue can settle",
        "after the deadline, the rescue settles at the highest threshold met, or fails",
    );
    world.warp(10 * DAY + 1).await;
    let page = world.status();
    assert_eq!((&page["status"], next(&page)), (&json!("Failed"), vec!["refund"]));

    // The first call settles: here, the refund.
    let (ann, ben) = (world.holds(world.address(ANN)).await, world.holds(world.address(BEN)).await);
    let refunded = world.by(ANYONE, &format!("refund --pledger {}", world.address(ANN)));
    assert_eq!(names(&refunded), ["Failed", "Refunded"]);
    assert_eq!(events(&refunded)[0]["reason"], "NoThresholdMet");
    assert_eq!(world.gained(ANN, ann).await, [50 * ETHER - 1, 0, 0]);
    let heir = world.address(CAT);
    let cat = world.holds(heir).await;
    world.by(BEN, &format!("refund --to {heir}"));
    assert_eq!(world.gained(CAT, cat).await, [0, 25 * ETHER, 0]);
    assert_eq!(world.holds(world.address(BEN)).await[1], ben[1]);
    assert_eq!(world.holds(world.rescue()).await, [0, 0, 0]);
    let whole = 50 * ETHER - 1;
    assert_eq!(world.positions(ANN), json!([position(0, "ETH", [whole, whole, 0, 0])]));
}

#[tokio::test]
async fn the_last_block_before_the_deadline_promises_nothing() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 60 ETH --tier 0");
    // The page is of the deadline's block, and the next one settles by threshold.
    world.warp(10 * DAY).await;
    let settled = world.try_by(ANYONE, "settle");
    let plan = " result at the highest threshold met once the deadline has passed, or the rescue fails ";
    assert!(words(&settled.stderr).contains(plan), "{}", settled.stderr);
    assert_eq!(settled.ok(), "settled at a threshold of 50 %: 60 ETH of 100 ETH is drawn\n");
}

#[tokio::test]
async fn pledgers_may_leave_before_an_amendment() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.write("new.md", "What is agreed now.\n");
    world.warp(DAY).await;
    let amended = world.by(GUARDIAN, "guardian amend --target 80ETH --document new.md");
    let proposed = json!({
        "event": "AmendmentProposed", "targetWei": "80000000000000000000", "deadlineUnix": START + 10 * DAY,
        "termsHash": hash("What is agreed now.\n"), "inForceFromUnix": START + 3 * DAY + 1,
    });
    assert_eq!(events(&amended), [&proposed]);
    let page = world.status();
    assert_eq!(page["targetWei"], "100000000000000000000");
    let amendment = &page["amendment"];
    assert_eq!(
        (&amendment["targetWei"], &amendment["pending"]),
        (&json!("80000000000000000000"), &json!(true))
    );
    // Everything is covered, and yet nobody is drawn by terms that are about to change.
    world.try_by(ANYONE, "settle").assert_refused(
        "an amendment is pending until 2100-01-04T00:00:01Z, and it is now 2100-01-02T00:00:02Z",
        "wait until it takes effect: nothing settles before then, and only one amendment can be pending",
    );
    let calls = ["pledge AMOUNT --tier N", "bonus add AMOUNT", "exit", "guardian decline", "cancel"];
    assert_eq!(next(&page), calls);

    let (ben, cat) = (world.holds(world.address(BEN)).await, world.holds(world.address(CAT)).await);
    assert_eq!(names(&world.by(CAT, "exit")), ["Exited"]);
    assert_eq!(world.gained(CAT, [0, cat[1], cat[2]]).await[1..], [0, 50 * ETHER]);
    world.by(BEN, &format!("exit --to {}", world.address(CAT)));
    assert_eq!(world.holds(world.address(BEN)).await[1], ben[1]);
    assert_eq!(world.holds(world.address(CAT)).await[1], cat[1] + 25 * ETHER);

    world.warp(3 * DAY + 1).await;
    let late = world.try_by(ANN, "exit");
    late.assert_refused(
        "no amendment is pending at 2100-01-04T00:00:02Z, so no pledge can exit",
        "a pledge is locked; after settlement, `levee refund` returns what was not drawn",
    );
    let page = world.status();
    assert_eq!(
        (&page["targetWei"], &page["amendment"]["pending"]),
        (&json!("80000000000000000000"), &json!(false))
    );
    assert_eq!(page["termsHash"], hash("What is agreed now.\n"));
    // 41 of 80 ETH is enough for 50 %, and not for 100 %.
    world.warp(10 * DAY + 1).await;
    let settled = world.by(ANYONE, "settle");
    assert_eq!(events(&settled)[0]["thresholdBps"], 5_000);
    assert_eq!(world.pots().await, [(0, 0, 41 * ETHER, 41 * ETHER, 0)]);
}

#[tokio::test]
async fn the_guardian_declines_a_pledge_whole() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let before = world.holds(world.address(ANN)).await;
    let declined = world.by(GUARDIAN, &format!("guardian decline {}", world.address(ANN)));
    assert_eq!(names(&declined), ["Declined"]);
    assert_eq!(world.gained(ANN, before).await, [41 * ETHER, 0, 0]);
    assert_eq!(world.positions(ANN), json!([]));
    assert_eq!(world.status()["coverageWei"], "90000000000000000000");
    assert_eq!(world.holds(world.rescue()).await, [0, 25 * ETHER, 50 * ETHER]);
}

#[tokio::test]
async fn objections_that_reach_the_veto_stop_the_rest() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.by(ANYONE, "settle");
    world.warp(DAY + HOUR).await;
    world.by(ANYONE, "release ETH");

    // 29 of 100 ETH drawn is not yet 40 %; with 30 more it is.
    assert_eq!(names(&world.by(CAT, "object")), ["Objected"]);
    let page = world.status();
    assert_eq!((&page["status"], &page["objectedWei"]), (&json!("Settled"), &json!("29000000000000000000")));
    let objected = world.try_by(BEN, "object");
    let plan = [
        "stops at 40 ETH, which is 40 % of the draw: this objection stops the rescue permanently",
        "beneficiary keeps 1 tranche of 2: 20.5 ETH, 15 stETH (12500000000000000000 shares), 12.083333333333333333 wstETH",
        "pledgers get back 20.5 ETH, 15 stETH (12500000000000000000 shares), 12.083333333333333333 wstETH",
        "goes back 1 tranche goes back at 2100-01-03T00:00:",
    ];
    for line in plan {
        assert!(words(&objected.stderr).contains(line), "{line}: {}", objected.stderr);
    }
    let calendar = "; the rest goes back when it would have fallen due\n";
    assert!(objected.ok().ends_with(calendar));

    let page = world.status();
    assert_eq!((&page["status"], &page["finalAtUnix"]), (&json!("Cancelled"), &Value::Null));
    assert_eq!(page["endReason"], "Vetoed");
    let tranches = &page["tranches"];
    assert_eq!(tranches["kept"], json!({ "ETH": 1, "stETH": 1, "wstETH": 1 }));
    assert_eq!(tranches["held"], json!({ "ETH": 2, "stETH": 2, "wstETH": 2 }));
    assert_eq!(next(&page), ["release stETH", "release wstETH", "cancel", "refund"]);
    let held = " held 20.5 ETH, 15 stETH (12500000000000000000 shares), 12.083333333333333333 wstETH; 1 tranche goes back \
                at 2100-01-03T00:00:";
    assert!(words(&world.page()).contains(held), "{}", world.page());
    world.by(ANYONE, "release stETH");
    assert_eq!(names(&world.by(ANYONE, "release wstETH")), ["Released", "Finalized"]);
    // It goes back to everybody when it would have been paid out, and not before.
    let held = world.try_by(ANN, "refund");
    let shown = format!(
        "error: nothing more can be refunded to `{}` now: the next part goes back at 2100-01-03T",
        world.address(ANN)
    );
    assert!(held.stderr.starts_with(&shown), "{}", held.stderr);
    assert_eq!(held.code, Some(1));
    world.warp(2 * DAY + HOUR).await;
    let ann = world.holds(world.address(ANN)).await;
    world.by(ANYONE, &format!("refund --pledger {}", world.address(ANN)));
    assert_eq!(world.gained(ANN, ann).await, [41 * HALF, 0, 0]);
    world.by(BEN, "refund");
    world.by(CAT, "refund");
    assert_eq!(world.holds(world.rescue()).await, [0, 0, 0]);
    assert_eq!(world.holds(world.address(BEN)).await[1], 175 * HALF);
    assert_eq!(world.holds(world.address(CAT)).await[2], 100 * ETHER - LOAN_DRAWN / 2);
}

#[tokio::test]
async fn the_guardian_lets_go_at_once_what_objections_stopped() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.by(ANYONE, "settle");
    assert_eq!(names(&world.by(ANN, "object")), ["Objected", "Cancelled", "Finalized"]);
    let ran = world.try_by(GUARDIAN, "cancel");
    let plan = "goes back at once 41 ETH, 30 stETH (25000000000000000000 shares), 24.166666666666666666 wstETH, to the pledgers, \
                instead of one by one until 2100-01-03T00:00:";
    assert!(words(&ran.stderr).contains(plan), "{}", ran.stderr);
    assert_eq!(ran.ok(), "lifted the hold of the veto: what it stopped goes back at once\n");
    let page = world.status();
    assert_eq!(page["tranches"]["held"], json!({ "ETH": 0, "stETH": 0, "wstETH": 0 }));
    for account in [ANN, BEN, CAT] {
        world.by(account, "refund");
    }
    assert_eq!(world.holds(world.rescue()).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_pledge_by_the_terms_of_the_file_meets_no_others() {
    let world = World::with_rescue().await;
    world.warp(DAY).await;
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let by_terms = format!("pledge 1 ETH --tier 2 --terms rescue.toml --dev {ANN} --yes");
    let pending =
        "an amendment takes effect at 2100-01-04T00:00:01Z (in 2 days): target 80 ETH instead of 100 ETH";
    let leave =
        "add `--accept-amended` to pledge; until the amendment takes effect, `levee exit` withdraws a pledge";
    world.assert_refused(&by_terms, pending, leave).await;
    let ran = world.levee(&format!("{by_terms} --accept-amended"));
    let shown = " pending target 80 ETH instead of 100 ETH, effective 2100-01-04T00:00:01Z (in 2 days); until then, `levee exit` \
                 withdraws a pledge ";
    assert!(words(&ran.stderr).contains(shown), "{}", ran.stderr);
    ran.ok();

    world.warp(4 * DAY).await;
    let amended =
        "the rescue has been amended since the terms file was written: target 80 ETH instead of 100 ETH";
    let accept = "add `--accept-amended` to pledge under the terms in force";
    world.assert_refused(&by_terms, amended, accept).await;
    // Whoever names the address alone has the terms from the page, and is shown what was amended.
    let ran = world.levee(&format!("pledge 1 ETH --tier 2 --rescue {} --dev {ANN} --yes", world.rescue()));
    let shown = "  target       80 ETH\n";
    assert!(ran.stderr.contains(shown), "{}", ran.stderr);
    assert!(ran.stderr.contains("  amended      target 80 ETH instead of 100 ETH\n"), "{}", ran.stderr);
    ran.ok();
    assert_eq!(world.pots().await, [(2, 0, 2 * ETHER, 0, 0)]);
}

#[tokio::test]
async fn what_an_exit_cannot_pay_is_collected_later() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.warp(DAY).await;
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let code = world.chain.get_code_at(world.steth).await.expect("anvil answers");
    // Reverts whatever it is asked.
    world.chain.anvil_set_code(world.steth, bytes!("5f5ffd")).await.expect("anvil takes code");
    let ben = world.address(BEN);
    let shown = world.try_by(BEN, "exit").ok();
    let owed = format!(
        "could not pay 25000000000000000000 shares, which is now owed to {ben}: `levee collect stETH` pays it later\n"
    );
    assert!(shown.contains(&owed), "{shown}");
    assert_eq!(world.positions(BEN), json!([]));
    let positions = world.levee(&format!("positions {ben} --terms rescue.toml --json")).json();
    assert_eq!(positions["owed"], json!({ "ETH": "0", "stETH": (25 * ETHER).to_string(), "wstETH": "0" }));
    let line = format!("collect --pledger {ben} --terms rescue.toml --dev {ANYONE} --yes");
    assert_eq!(world.levee(&line).code, Some(1));

    world.chain.anvil_set_code(world.steth, code).await.expect("anvil takes code");
    let page = world.levee(&format!("positions {ben} --terms rescue.toml")).ok();
    let waits = "from exits or declines: `levee collect` pays it";
    assert!(words(&page).ends_with(waits), "{page}");
    let held = world.holds(ben).await;
    assert_eq!(names(&world.by(ANYONE, &format!("collect stETH --pledger {ben}"))), ["Collected"]);
    assert_eq!(world.gained(BEN, held).await, [0, 25 * ETHER, 0]);
    world
        .assert_refused(
            &line,
            &format!("nothing from exits or declines is owed to `{ben}`"),
            "`levee positions ADDRESS` shows what is owed to an account; `levee refund` returns what was not drawn",
        )
        .await;
}

#[tokio::test]
async fn the_guardian_ends_an_open_rescue() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let cancelled = world.by(GUARDIAN, "cancel");
    assert_eq!(names(&cancelled), ["Failed"]);
    assert_eq!(events(&cancelled)[0]["reason"], "EndedByGuardian");
    let before = world.holds(world.address(ANN)).await;
    world.by(ANYONE, &format!("refund --pledger {}", world.address(ANN)));
    assert_eq!(world.gained(ANN, before).await, [41 * ETHER, 0, 0]);
    assert!(world.page().contains("\nstatus       Failed: the guardian ended it\n"), "{}", world.page());
    assert_eq!(world.status()["endReason"], "EndedByGuardian");
}

#[tokio::test]
async fn the_guardian_stops_what_is_not_yet_due() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.by(ANYONE, "settle");
    let cancelled = world.by(GUARDIAN, "cancel");
    assert_eq!(names(&cancelled), ["Cancelled", "Finalized"]);
    assert_eq!(events(&cancelled)[0]["kept"], 0);
    world.try_by(ANYONE, "release ETH").assert_refused(
        "no ETH is due: no tranche of it is due to the beneficiary",
        "`levee status` shows when the next tranche falls due, if there is one",
    );
    for account in [ANN, BEN, CAT] {
        world.by(account, "refund");
    }
    assert_eq!(world.holds(world.rescue()).await, [0, 0, 0]);
}

#[tokio::test]
async fn what_is_not_collected_in_time_goes_back() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.warp(DAY).await;
    world.by(ANYONE, "settle");
    // Due not in the latest block, but in the next one.
    world.warp(2 * DAY).await;
    let released = world.try_by(ANYONE, "release wstETH");
    let planned = words(&released.stderr);
    assert!(planned.contains(" tranches 1 of 2 due, 0 already delivered "), "{planned}");
    released.ok();
    // The last tranche is due two days after settlement, and may be collected for seven.
    let last = 10 * DAY + 1;
    world.warp(last - 1).await;
    world.try_by(ANYONE, "lapse").assert_refused(
        "this is possible only after 2100-01-11T00:00:01Z, and it is now 2100-01-11T00:00:01Z",
        "wait until then; `levee status` shows what can be called now",
    );
    world.warp(last + 1).await;
    assert_eq!(names(&world.by(ANYONE, "lapse")), ["Lapsed", "Finalized"]);
    let page = world.status();
    assert_eq!((&page["status"], next(&page)), (&json!("Cancelled"), vec!["refund", "recover AMOUNT"]));
    assert_eq!(page["tranches"]["kept"], json!({ "ETH": 0, "stETH": 0, "wstETH": 1 }));
    world.try_by(ANYONE, "release wstETH").assert_refused(
        "no wstETH is due: the one tranche of it due to the beneficiary is delivered already",
        "`levee status` shows when the next tranche falls due, if there is one",
    );
    let ann = world.holds(world.address(ANN)).await;
    world.by(ANYONE, &format!("refund --pledger {}", world.address(ANN)));
    assert_eq!(world.gained(ANN, ann).await, [41 * ETHER, 0, 0]);
    world.by(BEN, "refund");
    world.by(CAT, "refund");
    assert_eq!(world.holds(world.address(BEN)).await[1], 100 * ETHER);
    assert_eq!(world.holds(world.rescue()).await, [0, 0, 0]);
}

#[tokio::test]
async fn a_rescue_that_cannot_be_valued_expires() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let code = world.chain.get_code_at(world.steth).await.expect("anvil answers");
    // Reverts whatever it is asked.
    let broken: Bytes = bytes!("5f5ffd");
    world.chain.anvil_set_code(world.steth, broken).await.expect("anvil takes code");
    world.warp(10 * DAY + 1).await;
    world.try_by(ANYONE, "settle").assert_refused(
        "the value of stETH shares cannot be read, so the rescue cannot settle now",
        "try again later; once the release window has passed, `levee expire` returns everything",
    );
    let page = world.status();
    assert_eq!((&page["status"], &page["coverageWei"], next(&page)), (&json!("Open"), &Value::Null, vec![]));
    world.warp(17 * DAY + 1).await;
    assert_eq!(next(&world.status()), ["expire"]);
    let gas = world.chain.anvil_set_block_gas_limit(1_000_000).await;
    gas.expect("anvil takes a limit");
    let starved = world.try_by(ANYONE, "expire").stderr;
    assert!(starved.contains(" gas is left, but 1025873 is required\n"), "{starved}");
    assert!(
        starved.ends_with("\nhint: use another node: this one allows a call too little gas\n"),
        "{starved}"
    );
    world.chain.anvil_set_block_gas_limit(30_000_000).await.expect("anvil takes a limit");
    let expired = world.by(ANYONE, "expire");
    assert_eq!(
        (names(&expired), &events(&expired)[0]["failedAtUnix"]),
        (vec!["Failed"], &json!(START + 17 * DAY + 2))
    );

    let before = world.chain.get_balance(world.address(ANN)).await.expect("a balance");
    world.by(ANYONE, &format!("refund --pledger {}", world.address(ANN)));
    assert_eq!(
        world.chain.get_balance(world.address(ANN)).await.expect("a balance") - before,
        U256::from(41 * ETHER)
    );
    world.by(CAT, "refund");
    world.chain.anvil_set_code(world.steth, code).await.expect("anvil takes code");
    world.by(BEN, "refund");
    assert_eq!(world.holds(world.rescue()).await, [0, 0, 0]);
}
