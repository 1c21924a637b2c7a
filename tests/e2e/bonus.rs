//! The bonus: the pledgers' if the rescue fails, else the sponsors' again.

use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, World, events, names};

#[tokio::test]
async fn the_bonus_of_a_failed_rescue_is_shared_by_what_was_pledged() {
    let world = World::with_rescue().await;
    let added = world.by(ANYONE, "bonus add 2 ETH");
    assert_eq!(names(&added), ["BonusPoolCreated", "BonusAdded"]);
    let guardian = world.address(GUARDIAN);
    let added = world.by(CAT, &format!("bonus add 1 ETH --sponsor {guardian}"));
    let event =
        json!({ "event": "BonusAdded", "sponsor": guardian.to_string(), "amountWei": ETHER.to_string() });
    assert_eq!(events(&added), [&event]);
    let pool = world.levee("address rescue.toml --of bonus-pool").ok();
    let line = format!("\nbonus        3 ETH, the pledgers' if the rescue fails, in {pool}");
    assert!(world.page().contains(&line), "{}", world.page());

    world.by(ANN, "pledge 20 ETH --tier 0");
    world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    world.warp(10 * DAY + 1).await;
    let page = world.status();
    let calls = page["nextCalls"].as_array().expect("a list").iter().map(|call| &call["command"]);
    assert_eq!(calls.collect::<Vec<_>>(), ["refund", "bonus claim"]);
    let ann = world.holds(world.address(ANN)).await;
    let line =
        format!("bonus claim --pledger {} --terms rescue.toml --dev {ANYONE} --yes", world.address(ANN));
    let told = world.levee(&line);
    assert!(told.stderr.contains("  amount     1.2 ETH (1200000000000000000 wei)\n"), "{}", told.stderr);
    let lines = [
        "the rescue failed: no threshold was met; everything goes back".to_owned(),
        "decided: the bonus belongs to the pledgers".to_owned(),
        format!("paid 1.2 ETH of bonus ETH for the ETH of {0} in tier 0, to {0}", world.address(ANN)),
    ];
    assert_eq!(told.ok().lines().collect::<Vec<_>>(), lines);
    assert_eq!(world.gained(ANN, ann).await, [ETHER * 12 / 10, 0, 0]);
    let cat = world.holds(world.address(CAT)).await;
    let claimed = world.by(BEN, &format!("bonus claim --to {}", world.address(CAT)));
    assert_eq!(names(&claimed), ["BonusClaimed"]);
    assert_eq!(world.gained(CAT, cat).await, [ETHER * 18 / 10, 0, 0]);
    let bonus = &world.status()["bonusPool"];
    assert_eq!((&bonus["whose"], &bonus["valueWei"]), (&json!("pledgers"), &json!((50 * ETHER).to_string())));
}

#[tokio::test]
async fn the_bonus_of_a_settled_rescue_goes_back() {
    let world = World::with_rescue().await;
    world.by(ANYONE, "bonus add 2 ETH");
    world.by(GUARDIAN, "bonus add 1 ETH");
    world.pledge_all();
    world.by(ANYONE, "settle");
    let anyone = world.address(ANYONE);
    let cat = world.holds(world.address(CAT)).await;
    let returned = world.by(ANYONE, &format!("bonus take-back --to {}", world.address(CAT)));
    assert_eq!(names(&returned), ["BonusDecided", "BonusReturned"]);
    assert_eq!(world.gained(CAT, cat).await, [2 * ETHER, 0, 0]);
    // Ann added nothing, and Guardian's is there: what is taken back is no part of the bonus any more.
    let line = "\nbonus        1 ETH, the sponsors' again, in 0x";
    assert!(world.page().contains(line), "{}", world.page());
    let hint = "name the sponsor with `--sponsor`";
    let line = format!("bonus take-back --sponsor {anyone} --terms rescue.toml --dev {ANN} --yes");
    world.assert_refused(&line, &format!("`{anyone}` has nothing in the bonus pool"), hint).await;
    let guardian = world.address(GUARDIAN);
    world.by(ANN, &format!("bonus take-back --sponsor {guardian}"));
    assert!(!world.page().contains("\nbonus"), "{}", world.page());
    let add = "`levee bonus add AMOUNT` adds one, while the rescue is open";
    world.assert_refused(&line, "this rescue has no bonus", add).await;
}

#[tokio::test]
async fn sponsors_may_leave_before_an_amendment() {
    let world = World::with_rescue().await;
    world.by(CAT, "bonus add 2 ETH");
    world.warp(DAY).await;
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let page = world.status();
    let calls = page["nextCalls"].as_array().expect("a list").iter().map(|call| &call["command"]);
    assert!(calls.clone().any(|call| call == "bonus take-back"), "{page:#}");
    // Nobody does it for them.
    let cat = world.address(CAT);
    let line = format!("bonus take-back --sponsor {cat} --terms rescue.toml --dev {ANN} --yes");
    let open = "the rescue is Open, so it is not decided whose the bonus is";
    world.assert_refused(&line, open, "`levee status` shows when the rescue is decided").await;
    let before = world.holds(cat).await;
    let returned = world.by(CAT, "bonus take-back");
    assert_eq!(names(&returned), ["BonusReturned"]);
    assert_eq!(world.holds(cat).await[0], before[0] + 2 * ETHER - world.fees(&returned).await);
}

#[tokio::test]
async fn what_a_bonus_does_not_allow_is_told_before_anything_is_sent() {
    let world = World::with_rescue().await;
    assert_eq!(world.status()["bonusPool"], Value::Null);
    let by = |line: &str| format!("{line} --terms rescue.toml --dev {ANN} --yes");
    let (ann, ben) = (world.address(ANN), world.address(BEN));
    let nobody = "this rescue has no bonus";
    let add = "`levee bonus add AMOUNT` adds one, while the rescue is open";
    world.assert_refused(&by("bonus claim"), nobody, add).await;
    world.assert_refused(&by("bonus take-back"), nobody, add).await;
    world.assert_refused(&by("bonus add 0 ETH"), "`0 ETH` is nothing", "add more than nothing").await;
    let eth = "write it in ETH, as in `68900 ETH`";
    world
        .assert_refused(&by("bonus add 5 wstETH"), "`5 wstETH` is an amount of wstETH, not of ETH", eth)
        .await;
    let zero = "0x0000000000000000000000000000000000000000";
    let key = "name an account that somebody holds the key of";
    let line = by(&format!("bonus add 1 ETH --sponsor {zero}"));
    world.assert_refused(&line, &format!("`{zero}` can neither sponsor nor receive"), key).await;

    world.by(ANN, "bonus add 1 ETH");
    let open = "the rescue is Open, so it is not decided whose the bonus is";
    let status = "`levee status` shows when the rescue is decided";
    world.assert_refused(&by("bonus claim"), open, status).await;
    world.assert_refused(&by("bonus take-back"), open, status).await;
    let own = "leave `--to` out, or sign with its account";
    let line = by(&format!("bonus take-back --sponsor {ben} --to {ann}"));
    world
        .assert_refused(&line, &format!("only `{ben}` itself may send its contribution elsewhere"), own)
        .await;

    world.by(BEN, "pledge 1 ETH --tier 0");
    world.warp(10 * DAY + 1).await;
    let closed = "nothing can be added: the rescue is Failed, its deadline is 2100-01-11T00:00:00Z and it is \
                  2100-01-11T00:00:01Z";
    let while_open = "a bonus is added while the rescue is open";
    world.assert_refused(&by("bonus add 1 ETH"), closed, while_open).await;
    let ways = "pledgers claim it with `levee bonus claim`, sponsors with `levee bonus take-back`";
    world.assert_refused(&by("bonus take-back"), "the bonus belongs to the pledgers", ways).await;
    let none = "it was claimed before, or nothing that it pledged was in the rescue at its end";
    world.assert_refused(&by("bonus claim"), &format!("`{ann}` has no bonus to claim"), none).await;
    world.by(BEN, "bonus claim");
    let line = by(&format!("bonus claim --pledger {ben}"));
    world.assert_refused(&line, &format!("`{ben}` has no bonus to claim"), none).await;
}

#[tokio::test]
async fn a_bonus_for_a_rescue_that_its_guardian_ended_is_the_sponsors() {
    let world = World::with_rescue().await;
    world.by(CAT, "bonus add 1 ETH");
    world.by(ANN, "pledge 1 ETH --tier 0");
    world.by(GUARDIAN, "cancel");
    world
        .assert_refused(
            &format!("bonus claim --terms rescue.toml --dev {ANN} --yes"),
            "the bonus belongs to the sponsors",
            "pledgers claim it with `levee bonus claim`, sponsors with `levee bonus take-back`",
        )
        .await;
    assert_eq!(names(&world.by(CAT, "bonus take-back")), ["BonusDecided", "BonusReturned"]);
}
