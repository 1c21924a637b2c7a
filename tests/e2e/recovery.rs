//! What is recovered after a rescue, from the deposit to the last wei.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, U256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
};
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, World, events, names, words};

/// The value of Cat's 50 wstETH that was delivered: its group of 60 ETH covered 29, and what was drawn is rounded down.
const PRINCIPAL: u128 = 29 * ETHER - 1;

impl World {
    /// Everything is settled, delivered and final.
    pub(crate) async fn released(&self) {
        self.pledge_all();
        self.warp(2 * DAY).await;
        self.by(ANYONE, "settle");
        self.warp(5 * DAY).await;
        for asset in ["ETH", "stETH", "wstETH"] {
            self.by(ANYONE, &format!("release {asset}"));
        }
    }

    fn pool(&self) -> Address {
        let shown = self.levee("address rescue.toml --of recovery-pool").ok();
        shown.trim_end().parse().expect("an address")
    }
}

/// Simple interest of 3.8 % a year on the principal from the end of the rescue to the deposit.
fn interest(page: &Value, recovered: &Value) -> u128 {
    let at = recovered["recoveredAtUnix"].as_u64().expect("a time");
    let seconds = at - page["finalAtUnix"].as_u64().expect("a time");
    PRINCIPAL * 380 * u128::from(seconds) / (10_000 * 365 * 86_400)
}

#[tokio::test]
async fn what_is_recovered_repays_the_loan_first_and_then_the_grants() {
    let world = World::with_rescue().await;
    world.released().await;
    let too_much = world.levee(&format!("recover 101 ETH --terms rescue.toml --dev {GUARDIAN}"));
    let warning = "it goes to draw order 0, where the pledges into tiers 0, 2, worth 71 ETH in total, share it, however little \
                   they gave\n";
    assert!(too_much.stderr.contains(warning), "{}", too_much.stderr);
    let deposited = world.by(GUARDIAN, "recover 30 ETH");
    assert_eq!(names(&deposited), ["RecoveryPoolCreated", "Recovered", "Repaid", "Repaid"]);
    let happened = events(&deposited);
    assert_eq!(happened[1]["payer"], world.address(GUARDIAN).to_string());
    let interest = interest(&world.status(), happened[1]);
    assert!(interest > 0);
    let rest = 30 * ETHER - PRINCIPAL - interest;
    let repaid = |order: u8, [interest, principal, rest]: [u128; 3]| {
        json!({
            "event": "Repaid", "drawOrder": order, "interestWei": interest.to_string(),
            "principalWei": principal.to_string(), "restWei": rest.to_string(),
        })
    };
    assert_eq!(happened[2], &repaid(1, [interest, PRINCIPAL, 0]));
    assert_eq!(happened[3], &repaid(0, [0, 0, rest]));

    // Cat is alone in its draw order, and gets it, whoever asks.
    let cat = world.holds(world.address(CAT)).await;
    let claimed = world.by(ANYONE, &format!("claim --pledger {}", world.address(CAT)));
    let event = json!({
        "event": "Claimed", "pledger": world.address(CAT).to_string(), "tier": 1, "asset": "wstETH",
        "recipient": world.address(CAT).to_string(), "amountWei": (PRINCIPAL + interest).to_string(),
    });
    assert_eq!(events(&claimed), [&event]);
    assert_eq!(world.gained(CAT, cat).await, [PRINCIPAL + interest, 0, 0]);
    // Ann's 41 ETH and Ben's 30 ETH of stETH share the rest; Ben's goes where Ben says.
    let ann = world.holds(world.address(ANN)).await;
    world.by(ANYONE, &format!("claim --pledger {}", world.address(ANN)));
    assert_eq!(world.gained(ANN, ann).await, [rest * 41 / 71, 0, 0]);
    let cat = world.holds(world.address(CAT)).await;
    let shown = world.try_by(BEN, &format!("claim --to {}", world.address(CAT))).ok();
    assert_eq!(world.gained(CAT, cat).await, [rest * 30 / 71, 0, 0]);
    assert!(shown.starts_with("paid 0."), "{shown}");
    // Less than one wei a position stays.
    assert!(world.holds(world.pool()).await[0] < 3);
}

#[tokio::test]
async fn the_pool_is_on_the_page_and_takes_plain_transfers() {
    let world = World::with_rescue().await;
    world.released().await;
    assert_eq!(world.status()["recoveryPool"], Value::Null);
    let shown = world.try_by(ANYONE, "recover 5 ETH");
    let (pool, rescue) = (world.pool(), world.rescue());
    let plan = format!("Create the recovery pool at {pool}, which does not exist yet\n");
    assert!(shown.stderr.starts_with(&plan), "{}", shown.stderr);
    assert!(shown.stderr.contains("  amount   5 ETH (5000000000000000000 wei)\n"), "{}", shown.stderr);
    let (first, rest) = shown.stdout.split_once('\n').expect("lines");
    assert_eq!(first, format!("created the recovery pool of {rescue}"));
    assert!(
        rest.starts_with(&format!("distributed 5 ETH from {}\nrepaid draw order 1: ", world.address(ANYONE)))
    );

    let send = TransactionRequest::default().with_to(pool).with_value(U256::from(2 * ETHER));
    world.chain.send_transaction(send).await.expect("it is taken").get_receipt().await.expect("it is mined");
    let page = words(&world.page());
    let recovered = format!(" recovered 7 ETH, paid into the recovery pool {pool} ");
    assert!(page.contains(&recovered), "{page}");
    let page = world.status();
    let found = &page["recoveryPool"];
    assert_eq!(
        (&found["address"], &found["receivedWei"]),
        (&json!(pool.to_string()), &json!("7000000000000000000"))
    );
    assert_eq!((&found["groups"][0]["drawOrder"], &found["groups"][0]["rateBps"]), (&json!(1), &json!(380)));
    assert_eq!(found["groups"][1]["receivedWei"], "0");
    let calls = page["nextCalls"].as_array().expect("a list").iter().map(|call| &call["command"]);
    assert_eq!(calls.collect::<Vec<_>>(), ["refund", "recover AMOUNT", "claim"]);
    // It is there now, and is not created again.
    assert_eq!(names(&world.by(ANYONE, "recover 1wei")), ["Recovered", "Repaid"]);
}

#[tokio::test]
async fn what_cannot_be_recovered_or_claimed_is_told_before_anything_is_sent() {
    let world = World::with_rescue().await;
    let by = |line: &str| format!("{line} --terms rescue.toml --dev {ANN} --yes");
    let status = "`levee status` shows what can be called now";
    let begins = "recovery begins once a rescue that delivered something is final";
    let not_final = format!("the rescue is Open: {begins}");
    world.assert_refused(&by("recover 1 ETH"), &not_final, status).await;
    world.assert_refused(&by("claim"), &not_final, status).await;
    let eth = "write it in ETH, as in `68900 ETH`";
    world.assert_refused(&by("recover 1 stETH"), "`1 stETH` is an amount of stETH, not of ETH", eth).await;
    world.assert_refused(&by("recover 0 ETH"), "`0 ETH` is zero", "deposit more than zero").await;

    world.released().await;
    let none = "nothing has been recovered after this rescue yet";
    let recover = "anyone can distribute recovered funds with `levee recover AMOUNT`";
    world.assert_refused(&by("claim"), none, recover).await;
    // The amount and the gas are counted before a pool is created for nothing.
    world.chain.anvil_set_balance(world.address(ANN), U256::from(ETHER)).await.expect("anvil sets");
    let before = world.mark().await;
    let ran = world.levee(&by("recover 1 ETH"));
    let shown =
        format!("error: `{}` does not have enough ETH for the transaction: it has 1 ETH", world.address(ANN));
    assert!(ran.stderr.starts_with(&shown), "{}", ran.stderr);
    assert_eq!((ran.code, world.mark().await), (Some(1), before));
    world.by(ANYONE, "recover 1 ETH");
    let (ann, cat) = (world.address(ANN), world.address(CAT));
    let nothing = "its earnings are already claimed, or none of its pledges has been drawn and repaid yet";
    world.assert_refused(&by("claim"), &format!("`{ann}` has nothing to claim"), nothing).await;
    let own = "leave `--to` out, or sign with its account";
    let line = by(&format!("claim --pledger {cat} --to {ann}"));
    world.assert_refused(&line, &format!("only `{cat}` can send its money to another address"), own).await;
    let pool = world.pool();
    let key = "name an account that someone controls";
    let line = format!("claim --to {pool} --terms rescue.toml --dev {CAT} --yes");
    world.assert_refused(&line, &format!("`{pool}` cannot be a recipient"), key).await;
    let wrong = by(&format!("claim --pledger {cat} --tier 0"));
    world.assert_refused(&wrong, &format!("`{cat}` has nothing to claim"), nothing).await;
}

#[tokio::test]
async fn a_rescue_that_ended_with_nothing_delivered_has_nobody_to_repay() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.by(ANYONE, "settle");
    world.by(GUARDIAN, "cancel");
    world
        .assert_refused(
            &format!("recover 1 ETH --terms rescue.toml --dev {ANN} --yes"),
            "the rescue delivered nothing, so there is no one to repay",
            "nothing went to the beneficiary; `levee refund` returns what was pledged",
        )
        .await;
}
