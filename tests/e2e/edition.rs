//! Rescues of an edition before the latest: everything about them works as it did when theirs was the latest.

use serde_json::json;

use crate::support::{ANN, ANYONE, CAT, ETHER, World, events, levee, run};

/// The terms of a rescue of the test edition.
async fn earlier() -> World {
    let world = World::start().await;
    world.write_terms("rescue.toml", "chain = 31337", "chain = 31337\nedition = \"test\"");
    world
}

#[tokio::test]
async fn a_terms_file_names_the_edition_and_the_address_commits_to_it() {
    let world = earlier().await;
    world.write("latest.toml", &world.terms());
    let offline = |line: &str| run(&mut levee(world.directory()), line);
    assert_ne!(offline("address rescue.toml").ok(), offline("address latest.toml").ok());
    assert_eq!(offline("terms show rescue.toml --json").json()["edition"], "test");
    assert_eq!(offline("terms show latest.toml --json").json()["edition"], "v1");
    let warning = "edition test of the contracts is not the latest, which is v1";
    let warnings = offline("terms check rescue.toml --json").json()["warnings"].clone();
    assert!(warnings.as_array().is_some_and(|all| all.contains(&json!(warning))), "{warnings}");
    world.write_terms("rescue.toml", "chain = 31337", "chain = 31337\nedition = \"v9\"");
    offline("address rescue.toml").assert_refused(
        "rescue.toml:2: edition: there is no edition `v9` of the contracts",
        "this version of Levee knows v1, test",
    );
}

#[tokio::test]
async fn a_rescue_of_an_earlier_edition_is_used_as_any_other() {
    let world = earlier().await;
    let deployed = world.deploy();
    let rescue = world.rescue().to_string();
    assert_eq!((&deployed["address"], &deployed["created"]), (&json!(rescue), &json!(true)));
    world.by(ANYONE, "bonus add 3 ETH");
    world.pledge_all();
    let status = world.levee(&format!("status --rescue {rescue} --json")).json();
    assert_eq!((&status["edition"], &status["status"]), (&json!("test"), &json!("Open")));
    assert_eq!(status["bonusPool"]["totalWei"], (3 * ETHER).to_string());
    assert_eq!(world.positions(ANN)[0]["amount"], (41 * ETHER).to_string());
    assert_eq!(world.positions(ANN)[0]["bonus"]["enlisted"], (41 * ETHER).to_string());

    world.by(ANYONE, "settle");
    let held = world.holds(world.address(CAT)).await;
    let refunded = world.by(ANYONE, &format!("refund --pledger {}", world.address(CAT)));
    // Of 131 ETH, 71 come first in the draw order, so 29 of Cat's 60 are drawn, rounded down.
    let amount = 50 * ETHER - 50 * ETHER * 29 / 60;
    assert_eq!(events(&refunded)[0]["amount"], amount.to_string());
    assert_eq!(world.gained(CAT, held).await, [0, 0, amount]);
}
