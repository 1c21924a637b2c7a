//! Pledges in one transaction: from WETH, and with a permit.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, U256, hex},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use levee::bindings::WETH;
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, BEN, CAT, ETHER, World, events, names, project_file};

/// WETH9's own code, of a contract package of the lockfile.
const WETH9: &str = "node_modules/@aave/core-v3/artifacts/contracts/dependencies/weth/WETH9.sol/WETH9.json";

impl World {
    /// WETH, of which Ann has 20.
    pub(crate) async fn weth(&self) -> Address {
        let artifact: Value = serde_json::from_str(&project_file(WETH9)).expect("it is JSON");
        let code = hex::decode(artifact["bytecode"].as_str().expect("code")).expect("hexadecimal digits");
        let create = TransactionRequest::default().with_deploy_code(code);
        let sent = self.chain.send_transaction(create).await.expect("it can be created");
        let weth = sent.get_receipt().await.expect("it is mined").contract_address.expect("it was created");
        let contract = WETH::new(weth, &self.chain);
        let deposit = contract.deposit().from(self.address(ANN));
        let sent = deposit.value(U256::from(20 * ETHER)).send().await.expect("it takes ETH");
        sent.get_receipt().await.expect("it is mined");
        weth
    }
}

/// How many transactions a result has.
fn count(result: &Value) -> usize {
    result["transactions"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_permit_pledges_in_one_transaction() {
    let world = World::with_rescue().await;
    let weth = world.weth().await;
    let ran = world.try_by(CAT, &format!("pledge 30 wstETH --tier 2 --permit --weth {weth}"));
    assert!(ran.stderr.starts_with("Create the router at 0x"), "{}", ran.stderr);
    let cat = world.address(CAT);
    assert_eq!(ran.ok(), format!("locked 30 wstETH for {cat} in tier 2\n"));
    // The router is there now, so that the pledge is all.
    let second = world.by(CAT, &format!("pledge 20 wstETH --tier 2 --permit --weth {weth}"));
    assert_eq!((count(&second), names(&second)), (1, vec!["Pledged"]));
    assert_eq!(events(&second)[0]["pledger"], cat.to_string());
    let ben = world.address(BEN);
    let mut command = world.command();
    command.env("LEVEE_WETH", weth.to_string());
    let line =
        format!("pledge 30 stETH --tier 1 --permit --for {cat} --terms rescue.toml --dev {BEN} --yes --json");
    let third = crate::support::run(&mut command, &line).json();
    assert_eq!(count(&third), 1);
    let booked = json!({
        "event": "Pledged", "pledger": cat.to_string(), "tier": 1, "asset": "stETH", "unit": "stETH shares",
        "amount": (25 * ETHER).to_string(),
    });
    assert_eq!(events(&third), [&booked]);
    assert_eq!(world.holds(world.rescue()).await, [0, 25 * ETHER, 50 * ETHER]);
    assert_eq!(world.holds(ben).await[1], 75 * ETHER);
    assert_eq!(world.pots().await, [(1, 1, 25 * ETHER, 0, 0), (2, 2, 50 * ETHER, 0, 0)]);
}

#[tokio::test]
async fn the_router_enlists_in_the_same_transaction() {
    let world = World::with_rescue().await;
    let weth = world.weth().await;
    world.by(ANN, "bonus add 1 ETH");
    let ran = world.by(CAT, &format!("pledge 30 wstETH --tier 2 --permit --weth {weth}"));
    assert_eq!((count(&ran), names(&ran)), (2, vec!["Pledged", "Enlisted"]));
    let pledged = world.by(ANN, &format!("pledge 10 WETH --tier 0 --approve --weth {weth}"));
    assert_eq!((count(&pledged), names(&pledged)), (2, vec!["Pledged", "Enlisted"]));
    let line = format!("pledge 10 WETH --tier 0 --approve --no-enlist --weth {weth}");
    assert_eq!(names(&world.by(ANN, &line)), ["Pledged"]);
    assert_eq!(events(&pledged)[1]["amount"], (10 * ETHER).to_string());
}

#[tokio::test]
async fn weth_is_pledged_as_eth() {
    let world = World::with_rescue().await;
    let weth = world.weth().await;
    let ann = world.address(ANN);
    let line = format!("pledge 10 WETH --tier 0 --weth {weth}");
    let refused = format!("{line} --terms rescue.toml --dev {ANN} --yes");
    let approve = "add `--approve` to send an approval first";
    world
        .assert_refused(
            &refused,
            &format!("the router is not yet allowed to take 10 WETH from `{ann}`"),
            approve,
        )
        .await;

    let pledged = world.by(ANN, &format!("{line} --approve"));
    assert_eq!((count(&pledged), names(&pledged)), (3, vec!["Pledged"]));
    let event = json!({
        "event": "Pledged", "pledger": ann.to_string(), "tier": 0, "asset": "ETH", "unit": "wei",
        "amount": (10 * ETHER).to_string(),
    });
    assert_eq!(events(&pledged), [&event]);
    assert_eq!(world.holds(world.rescue()).await, [10 * ETHER, 0, 0]);
    let left = WETH::new(weth, &world.chain).balanceOf(ann).call().await.expect("a balance");
    assert_eq!(left, U256::from(10 * ETHER));
    let again = world.try_by(ANN, &format!("pledge 4 WETH --tier 0 --approve --weth {weth}"));
    assert!(again.stderr.contains("Allow the router to take 4 WETH from you\n"), "{}", again.stderr);
    assert!(!again.stderr.contains("Create"), "{}", again.stderr);
    assert_eq!(again.ok(), format!("locked 4 ETH for {ann} in tier 0\n"));
}

#[tokio::test]
async fn a_way_that_does_not_exist_is_told_before_anything_is_sent() {
    let world = World::with_rescue().await;
    let weth = world.weth().await;
    let (ann, ben, anyone) = (world.address(ANN), world.address(BEN), world.address(ANYONE));
    let less = "pledge less, or send the account what is missing";
    let check = "check `--weth`, the variable LEVEE_WETH, and the chain";
    let name = "name it with `--weth ADDRESS` or the variable LEVEE_WETH";
    let unknown = "the address of WETH on chain 31337 is not known".to_owned();
    let cases = [
        ("pledge 1 ETH --permit".to_owned(), "ETH needs no permit".to_owned(), "leave `--permit` out"),
        (
            format!("pledge 1 WETH --permit --weth {weth}"),
            "WETH does not support permits".to_owned(),
            "use `--approve`, which allows the router to take it first",
        ),
        ("pledge 1 WETH --approve".to_owned(), unknown.clone(), name),
        (format!("pledge 1 WETH --weth {anyone}"), format!("there is no WETH at `{anyone}`"), check),
        (
            format!("pledge 20.5 WETH --weth {weth}"),
            format!("`{ann}` has 20 WETH, less than 20.5 WETH"),
            less,
        ),
        (
            format!("pledge 1 stETH --permit --weth {weth}"),
            format!("`{ann}` has 0 stETH, less than 0.999999999999999999 stETH (833333333333333333 shares)"),
            less,
        ),
    ];
    for (line, message, hint) in cases {
        let line = format!("{line} --tier 0 --terms rescue.toml --dev {ANN} --yes");
        world.assert_refused(&line, &message, hint).await;
    }
    let line =
        format!("pledge 1 stETH --permit --weth {weth} --tier 3 --terms rescue.toml --dev {BEN} --yes");
    world.assert_refused(&line, "there is no tier 3, only 0 to 2", "`levee status` lists the tiers").await;
    assert_eq!(world.holds(ben).await[1], 100 * ETHER);
}
