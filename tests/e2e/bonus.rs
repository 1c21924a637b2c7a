//! The bonus: for pledges whose condition was not met, by value and time locked; the rest goes back to the
//! sponsors.

use alloy::{primitives::U256, providers::Provider};
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, START, World, events, names, words};

/// The calls that the page says are possible.
fn next(page: &Value) -> Vec<&str> {
    let calls = page["nextCalls"].as_array().expect("a list").iter();
    calls.map(|call| call["command"].as_str().expect("a command")).collect()
}

impl World {
    /// What of `amount` counts by the only enlistment of a result: it, by the time that is left to the deadline.
    pub(crate) async fn unit_seconds(&self, result: &Value, amount: u128) -> U256 {
        let sent = result["transactions"].as_array().expect("a list").last().expect("one");
        let block = self.chain.get_block_by_number(sent["block"].as_u64().expect("a block").into()).await;
        let time = block.expect("anvil answers").expect("it is there").header.timestamp;
        let counted = U256::from(amount) * U256::from(START + 10 * DAY - time);
        let enlisted: Vec<_> =
            events(result).into_iter().filter(|event| event["event"] == "Enlisted").collect();
        let [event] = enlisted[..] else { panic!("{enlisted:?}") };
        assert_eq!(
            (&event["amount"], &event["unitSeconds"]),
            (&json!(amount.to_string()), &json!(counted.to_string()))
        );
        counted
    }
}

#[tokio::test]
async fn the_bonus_of_a_failed_rescue_is_shared_by_what_was_pledged_and_for_how_long() {
    let world = World::with_rescue().await;
    let added = world.by(ANYONE, "bonus add 2 ETH");
    assert_eq!(names(&added), ["BonusPoolCreated", "BonusAdded"]);
    let guardian = world.address(GUARDIAN);
    let added = world.by(CAT, &format!("bonus add 1 ETH --sponsor {guardian}"));
    let event =
        json!({ "event": "BonusAdded", "sponsor": guardian.to_string(), "amountWei": ETHER.to_string() });
    assert_eq!(events(&added), [&event]);
    let pool = world.levee("address rescue.toml --of bonus-pool").ok();
    let line =
        format!(" bonus 3 ETH, for pledges whose condition is not met, by value and time locked, in {pool}");
    let line = words(&line);
    assert!(words(&world.page()).contains(&line), "{}", world.page());

    // Ann's 20 ETH count for ten days, Ben's 30 in stETH for five.
    let pledged = world.by(ANN, "pledge 20 ETH --tier 0");
    assert_eq!(names(&pledged), ["Pledged", "Enlisted"]);
    let anns = world.unit_seconds(&pledged, 20 * ETHER).await;
    world.warp(5 * DAY).await;
    let pledged = world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    assert_eq!(names(&pledged), ["Pledged", "Enlisted"]);
    let bens = world.unit_seconds(&pledged, 25 * ETHER).await * U256::from(12) / U256::from(10);
    let all = anns + bens;
    let part = |value: U256| (U256::from(3 * ETHER) * value / all).to::<u128>();

    // Until the exit window's time after the deadline what has left can be struck.
    world.warp(10 * DAY + 1).await;
    assert_eq!(next(&world.status()), ["refund", "bonus enlist"]);
    let early =
        "the bonus can be decided only after 2100-01-13T00:00:00Z, and it is now 2100-01-11T00:00:02Z";
    let wait = "wait until then; meanwhile, `levee bonus enlist` removes positions that have left the rescue";
    world.assert_refused(&format!("bonus claim --terms rescue.toml --dev {ANN} --yes"), early, wait).await;
    world.warp(12 * DAY + 1).await;
    assert_eq!(next(&world.status()), ["refund", "bonus claim", "bonus take-back"]);
    let ann = world.holds(world.address(ANN)).await;
    let claimed = world.by(ANYONE, &format!("bonus claim --pledger {}", world.address(ANN)));
    assert_eq!(names(&claimed), ["Failed", "BonusDecided", "BonusClaimed"]);
    let decided = events(&claimed)[1];
    assert_eq!(
        (&decided["pledgersPartWei"], &decided["valueWeiSeconds"]),
        (&json!((3 * ETHER).to_string()), &json!(all.to_string()))
    );
    assert_eq!(world.gained(ANN, ann).await, [part(anns), 0, 0]);
    assert!(part(anns) > part(bens));
    let cat = world.holds(world.address(CAT)).await;
    let positions = world.levee(&format!("positions {} --terms rescue.toml", world.address(BEN))).ok();
    assert!(positions.ends_with(" ETH for the stETH in tier 2: `levee bonus claim`\n"), "{positions}");
    let claimed = world.by(BEN, &format!("bonus claim --to {}", world.address(CAT)));
    assert_eq!(names(&claimed), ["BonusClaimed"]);
    assert_eq!(world.gained(CAT, cat).await, [part(bens), 0, 0]);
    let bonus = &world.status()["bonusPool"];
    assert_eq!(
        (&bonus["decided"], &bonus["pledgersPartWei"]),
        (&json!(true), &json!((3 * ETHER).to_string()))
    );
}

#[tokio::test]
async fn what_came_before_the_pool_is_enlisted_and_what_has_left_is_struck() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 20 ETH --tier 0");
    world.by(CAT, "bonus add 1 ETH");
    let (ann, rescue) = (world.address(ANN), world.rescue());
    assert_eq!(names(&world.by(ANN, "pledge 5 ETH --tier 0 --no-enlist")), ["Pledged"]);
    let positions = world.levee(&format!("positions {ann} --rescue {rescue}")).ok();
    let enlist = " bonus the ETH in tier 0 does not fully count: run `levee bonus enlist` while the rescue accepts pledges";
    assert!(words(&positions).ends_with(enlist), "{positions}");
    let enlisted = world.by(ANYONE, &format!("bonus enlist --pledger {ann}"));
    world.unit_seconds(&enlisted, 25 * ETHER).await;
    let line = format!("bonus enlist --pledger {ann} --terms rescue.toml --dev {ANYONE} --yes");
    let nothing = format!("`{ann}` has nothing to enlist");
    let counts = "all its pledges already count, or the rescue no longer accepts pledges";
    world.assert_refused(&line, &nothing, counts).await;

    world.by(GUARDIAN, &format!("guardian decline {ann}"));
    let shown = world.levee(&line).ok();
    assert_eq!(shown, format!("removed the ETH of {ann} in tier 0 from the bonus, because it has left\n"));
    world.assert_refused(&line, &nothing, counts).await;
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
    // A bonus that is decided stays on the page, whoever has had it.
    let line = " bonus 3 ETH, going back to the sponsors, in 0x";
    assert!(words(&world.page()).contains(line), "{}", world.page());
    let hint = "name the sponsor with `--sponsor`";
    let line = format!("bonus take-back --sponsor {anyone} --terms rescue.toml --dev {ANN} --yes");
    world
        .assert_refused(&line, &format!("`{anyone}` has nothing left to take back from the bonus pool"), hint)
        .await;
    let guardian = world.address(GUARDIAN);
    world.by(ANN, &format!("bonus take-back --sponsor {guardian}"));
    let line = format!("bonus claim --terms rescue.toml --dev {ANN} --yes");
    let take_back = "sponsors take it back with `levee bonus take-back`";
    world.assert_refused(&line, "the whole bonus goes back to the sponsors", take_back).await;
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
    let open = "the rescue is Open, so the bonus is not decided yet";
    world.assert_refused(&line, open, "`levee status` shows when the rescue is decided").await;
    let before = world.holds(cat).await;
    let returned = world.by(CAT, "bonus take-back");
    assert_eq!(names(&returned), ["BonusReturned"]);
    assert_eq!(world.holds(cat).await[0], before[0] + 2 * ETHER - world.fees(&returned).await);
}

#[tokio::test]
async fn sponsors_stay_in_the_second_half_of_an_exit_window() {
    let world = World::with_rescue().await;
    world.by(CAT, "bonus add 2 ETH");
    world.warp(DAY).await;
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    // In force two days after the block of the amendment, which came a second after the first day.
    world.warp(2 * DAY + 1).await;
    assert!(!next(&world.status()).contains(&"bonus take-back"));
    let line = format!("bonus take-back --terms rescue.toml --dev {CAT} --yes");
    let over = "sponsors could leave only before 2100-01-03T00:00:01Z, in the first half of the exit window";
    let later =
        "what is not the pledgers' goes back once the rescue is decided, or earlier before another amendment";
    world.assert_refused(&line, over, later).await;
}

#[tokio::test]
async fn a_bonus_that_its_sponsors_took_back_promises_nothing() {
    let world = World::with_rescue().await;
    world.by(CAT, "bonus add 2 ETH");
    world.by(ANN, "pledge 20 ETH --tier 0");
    let positions =
        |account| world.levee(&format!("positions {} --terms rescue.toml", world.address(account)));
    let cat = world.address(CAT);
    let sponsored = "sponsored 2 ETH of the bonus, for pledges whose condition is not met\n";
    assert!(words(&positions(CAT).stdout).contains(&words(sponsored)), "{}", positions(CAT).stdout);
    let json = world.levee(&format!("positions {cat} --terms rescue.toml --json")).json();
    assert_eq!(json["sponsoredWei"], (2 * ETHER).to_string());

    world.warp(DAY).await;
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let sponsored = "sponsored 2 ETH of the bonus: `levee bonus take-back` returns it now\n";
    assert!(words(&positions(CAT).stdout).contains(&words(sponsored)), "{}", positions(CAT).stdout);
    world.by(CAT, "bonus take-back");
    assert_eq!(positions(CAT).ok(), format!("{cat} has nothing in this rescue\n"));
    world.warp(10 * DAY + 1).await;
    assert!(!positions(ANN).ok().contains("bonus"), "{}", positions(ANN).stdout);
    let empty = "the bonus of this rescue is empty: its sponsors have taken back what they added";
    let nothing = "nothing can be added to it any more, and no pledge has a share of it";
    let line = format!("bonus claim --terms rescue.toml --dev {ANN} --yes");
    world.assert_refused(&line, empty, nothing).await;
}

#[tokio::test]
async fn what_a_bonus_does_not_allow_is_told_before_anything_is_sent() {
    let world = World::with_rescue().await;
    assert_eq!(world.status()["bonusPool"], Value::Null);
    let by = |line: &str| format!("{line} --terms rescue.toml --dev {ANN} --yes");
    let (ann, ben) = (world.address(ANN), world.address(BEN));
    let nobody = "this rescue has no bonus";
    let add = "`levee bonus add AMOUNT` adds one while the rescue is open";
    world.assert_refused(&by("bonus claim"), nobody, add).await;
    world.assert_refused(&by("bonus take-back"), nobody, add).await;
    world.assert_refused(&by("bonus add 0 ETH"), "`0 ETH` is zero", "add more than zero").await;
    let eth = "write it in ETH, as in `68900 ETH`";
    world
        .assert_refused(&by("bonus add 5 wstETH"), "`5 wstETH` is an amount of wstETH, not of ETH", eth)
        .await;
    let zero = "0x0000000000000000000000000000000000000000";
    let key = "name an account that someone controls";
    let line = by(&format!("bonus add 1 ETH --sponsor {zero}"));
    world.assert_refused(&line, &format!("`{zero}` cannot be a sponsor or a recipient"), key).await;

    world.by(ANN, "bonus add 1 ETH");
    let open = "the rescue is Open, so the bonus is not decided yet";
    let status = "`levee status` shows when the rescue is decided";
    world.assert_refused(&by("bonus claim"), open, status).await;
    world.assert_refused(&by("bonus take-back"), open, status).await;
    let own = "leave `--to` out, or sign with its account";
    let line = by(&format!("bonus take-back --sponsor {ben} --to {ann}"));
    world
        .assert_refused(&line, &format!("only `{ben}` can send its contribution to another address"), own)
        .await;

    world.by(BEN, "pledge 1 ETH --tier 0");
    world.warp(10 * DAY + 1).await;
    let closed = "the bonus is closed: the rescue is Failed, its deadline is 2100-01-11T00:00:00Z, and it is now \
                  2100-01-11T00:00:01Z";
    let while_open = "a bonus can be added only while the rescue is open";
    world.assert_refused(&by("bonus add 1 ETH"), closed, while_open).await;
    // That is the time of the next block.
    let early =
        "the bonus can be decided only after 2100-01-13T00:00:00Z, and it is now 2100-01-11T00:00:02Z";
    let wait = "wait until then; meanwhile, `levee bonus enlist` removes positions that have left the rescue";
    world.assert_refused(&by("bonus claim"), early, wait).await;
    world.assert_refused(&by("bonus take-back"), early, wait).await;
    world.warp(12 * DAY).await;
    let none = "its shares are already claimed, its conditions were met, or nothing was enlisted";
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
            "the whole bonus goes back to the sponsors",
            "sponsors take it back with `levee bonus take-back`",
        )
        .await;
    assert_eq!(names(&world.by(CAT, "bonus take-back")), ["BonusDecided", "BonusReturned"]);
}
