//! Paying everyone at once: whatever ends it, nobody is paid twice, and one who cannot be paid does not stop the others.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use alloy::{
    network::TransactionBuilder as _,
    primitives::{Address, U256, address, bytes, hex, keccak256},
    providers::{Provider as _, ext::AnvilApi as _},
    rpc::types::TransactionRequest,
};
use levee::bindings::PledgeEscrow;
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, World, events, names};

/// A contract that takes no ETH.
const REFUSES: Address = address!("00000000000000000000000000000000000be5e5");
const MULTICALL3: &str = "0xcA11bde05977b3631167028862bE2a173976CA11";
/// What created it on every chain that has it, signed by an account without a key that anyone knows.
const CREATION: &str = include_str!("multicall3.hex");

/// An account that nobody has a key of.
fn pledger(number: u64) -> Address {
    Address::from_word(keccak256(number.to_be_bytes()))
}

impl World {
    /// With Multicall3, as on other chains.
    async fn with_multicall3(self) -> Self {
        let author = address!("05f32b3cc3888453ff71b01135b34ff8e41263f2");
        let send = TransactionRequest::default().with_to(author).with_value(U256::from(ETHER));
        self.chain
            .send_transaction(send)
            .await
            .expect("it is taken")
            .get_receipt()
            .await
            .expect("it is mined");
        let creation = hex::decode(CREATION.trim()).expect("hexadecimal digits");
        let sent = self.chain.send_raw_transaction(&creation).await.expect("it is taken");
        assert!(sent.get_receipt().await.expect("it is mined").status());
        self
    }

    /// Pledges wei into tier 0, in the name of somebody else.
    async fn pledge_for(&self, pledger: Address, wei: u128) {
        let escrow = PledgeEscrow::new(self.rescue(), &self.chain);
        let pledge = escrow.pledgeETH(pledger, 0, 0).value(U256::from(wei));
        assert!(pledge.send().await.expect("it is taken").get_receipt().await.expect("it is mined").status());
    }

    async fn wei_of(&self, account: Address) -> u128 {
        self.chain.get_balance(account).await.expect("anvil answers").to()
    }

    /// The command that pays everyone as nobody in particular.
    fn all(&self, line: &str) -> Command {
        let mut command = self.command();
        command.args(line.split(' ')).args(["--all", "--terms", "rescue.toml", "--dev", "0", "--yes"]);
        command
    }

    /// Pays everyone.
    fn pay_all(&self, line: &str) -> Value {
        self.by(ANYONE, &format!("{line} --all"))
    }
}

/// How many events of this name there are in each transaction.
fn counts(result: &Value, name: &str) -> Vec<usize> {
    let sent = result["transactions"].as_array().expect("a list").iter();
    let count = |sent: &Value| {
        let events = sent["events"].as_array().expect("a list").iter();
        events.filter(|event| event["event"] == name).count()
    };
    sent.map(count).collect()
}

#[tokio::test]
async fn a_refund_of_everyone_goes_on_where_it_was_killed_and_passes_over_who_cannot_be_paid() {
    let world = World::with_rescue().await.with_multicall3().await;
    world.chain.anvil_set_code(REFUSES, bytes!("5f5ffd")).await.expect("anvil takes code");
    let pledged = |number: u64| ETHER + u128::from(number);
    for number in 0..31 {
        world.pledge_for(pledger(number), pledged(number)).await;
    }
    world.pledge_for(REFUSES, 5).await;
    world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    world.warp(12 * DAY).await;
    let ben = world.holds(world.address(BEN)).await;

    // Killed when the first of four transactions is on its way, and in no block.
    world.chain.anvil_set_auto_mine(false).await.expect("anvil takes it");
    let mut killed = world.all("refund --batch 8").stderr(Stdio::piped()).spawn().expect("levee runs");
    let mut lines = BufReader::new(killed.stderr.take().expect("it is piped")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.starts_with("sent 0x"))));
    killed.kill().expect("it runs");
    killed.wait().expect("it has ended");
    assert_eq!(world.wei_of(pledger(0)).await, 0);
    world.chain.anvil_set_auto_mine(true).await.expect("anvil takes it");
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");

    let result = world.pay_all("refund --batch 8");
    assert_eq!(counts(&result, "Refunded"), [8; 4]);
    for number in 0..31 {
        assert_eq!(world.wei_of(pledger(number)).await, pledged(number), "{number}");
    }
    assert_eq!(world.gained(BEN, ben).await, [0, 25 * ETHER, 0]);
    assert_eq!((world.wei_of(REFUSES).await, world.wei_of(world.rescue()).await), (0, 5));
    let left = &result["notPaid"].as_array().expect("a list")[..];
    assert_eq!(left.len(), 1);
    assert_eq!((&left[0]["operation"], &left[0]["pledger"]), (&json!("Refund"), &json!(REFUSES.to_string())));
    let reason = format!("0.000000000000000005 ETH could not be paid to `{REFUSES}`");
    assert_eq!(left[0]["reason"], reason);

    // Nothing is left but what cannot be paid.
    let (before, ran) = (world.mark().await, world.try_by(ANYONE, "refund --all"));
    let warning = format!("warning: the ETH of {REFUSES} in tier 0 is not paid: {reason}\n");
    assert_eq!((ran.code, ran.stderr), (Some(0), warning));
    assert_eq!(ran.stdout, "`levee refund` has nothing to pay to anyone now; nothing was sent\n");
    assert_eq!(world.mark().await, before);
    world.chain.anvil_set_code(REFUSES, bytes!("")).await.expect("anvil takes code");
    assert_eq!(names(&world.pay_all("refund")), ["Refunded"]);
    assert_eq!(world.wei_of(REFUSES).await, 5);
}

/// Contracts that take ETH in a simulation of theirs alone, and not when it comes to it.
#[tokio::test]
async fn who_cannot_be_paid_only_when_it_is_sent_stops_nobody_else() {
    // Only as long as the first of the others has none, who is paid before it.
    let first = (0..3).map(pledger).min().expect("there are some");
    let fickle = [&hex!("73")[..], &first[..], &hex!("3115601d575f5ffd5b00")].concat();
    // Only if gas costs nothing; otherwise it burns all that there is.
    let burner = hex!("3a15600657fe5b00").to_vec();
    for code in [fickle, burner] {
        for has_multicall in [true, false] {
            let world = World::with_rescue().await;
            let world = if has_multicall { world.with_multicall3().await } else { world };
            // By its address, it would come first.
            let hostile = Address::with_last_byte(0xfe);
            world.chain.anvil_set_code(hostile, code.clone().into()).await.expect("anvil takes code");
            for number in 0..3 {
                world.pledge_for(pledger(number), 7).await;
            }
            world.pledge_for(hostile, 5).await;
            world.warp(12 * DAY).await;
            let result = world.pay_all("refund");
            let refunded: usize = counts(&result, "Refunded").into_iter().sum();
            assert_eq!(refunded, 3);
            for number in 0..3 {
                assert_eq!(world.wei_of(pledger(number)).await, 7);
            }
            let left = &result["notPaid"][0];
            assert_eq!(
                (&left["pledger"], &left["reason"]),
                (&json!(hostile.to_string()), &json!("it failed in its transaction"))
            );
        }
    }
}

#[tokio::test]
async fn without_multicall3_each_payment_is_a_transaction() {
    let world = World::with_rescue().await;
    for number in 0..3 {
        world.pledge_for(pledger(number), 7).await;
    }
    world.warp(12 * DAY).await;
    world.levee("index --store index.db --once").ok();
    // Somebody was paid since the index was made.
    world.by(ANYONE, &format!("refund --pledger {}", pledger(1)));
    let result = world.pay_all("refund --store index.db");
    assert_eq!(counts(&result, "Refunded"), [1, 1]);
    for number in 0..3 {
        assert_eq!(world.wei_of(pledger(number)).await, 7);
    }
}

#[tokio::test]
async fn debts_recoveries_and_bonuses_are_paid_to_everyone() {
    let world = World::with_rescue().await.with_multicall3().await;
    world.by(GUARDIAN, "bonus add 3 ETH");
    // What is declined and cannot be paid is owed, to two of them.
    let other = Address::repeat_byte(0x77);
    for account in [REFUSES, other] {
        world.chain.anvil_set_code(account, bytes!("5f5ffd")).await.expect("anvil takes code");
        world.pledge_for(account, 9).await;
        world.by(GUARDIAN, &format!("guardian decline {account}"));
        world.chain.anvil_set_code(account, bytes!("")).await.expect("anvil takes code");
    }
    let collected = world.pay_all("collect");
    assert_eq!(counts(&collected, "Collected"), [2]);
    assert_eq!([world.wei_of(REFUSES).await, world.wei_of(other).await], [9, 9]);

    // Tier 0 is drawn whole; the condition of tier 2 is not met, and its pledge gets the bonus.
    world.by(ANN, "pledge 41 ETH --tier 0");
    world.by(CAT, "pledge 10 wstETH --tier 1 --approve");
    world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    world.warp(12 * DAY + 1).await;
    world.by(ANYONE, "settle");
    world.warp(15 * DAY).await;
    let before = world.holds(world.address(BEN)).await;
    let claimed = world.pay_all("bonus claim");
    assert_eq!(counts(&claimed, "BonusClaimed"), [1]);
    let share: u128 =
        events(&claimed).last().expect("one")["amountWei"].as_str().expect("wei").parse().expect("wei");
    assert_eq!(world.gained(BEN, before).await, [share, 0, 0]);
    for asset in ["ETH", "wstETH"] {
        world.by(ANYONE, &format!("release {asset}"));
    }
    let recovered = world.by(GUARDIAN, "recover 20 ETH");
    let (ann, cat) = (world.holds(world.address(ANN)).await, world.holds(world.address(CAT)).await);
    let claimed = world.pay_all("claim");
    assert_eq!(counts(&claimed, "Claimed"), [2]);
    // Both are alone in their draw orders.
    let repaid = events(&recovered).into_iter().filter(|event| event["event"] == "Repaid");
    let wei = |value: &Value| value.as_str().expect("wei").parse::<u128>().expect("wei");
    let parts =
        |event: &Value| wei(&event["interestWei"]) + wei(&event["principalWei"]) + wei(&event["restWei"]);
    let [loan, grant] = repaid.map(parts).collect::<Vec<_>>()[..] else { panic!("{recovered}") };
    assert_eq!([world.gained(CAT, cat).await[0], world.gained(ANN, ann).await[0]], [loan, grant]);
    assert_eq!(loan + grant, 20 * ETHER);
}

#[tokio::test]
async fn a_batch_for_others_to_send_is_read_again() {
    let world = World::with_rescue().await.with_multicall3().await;
    for number in 0..3 {
        world.pledge_for(pledger(number), 7).await;
    }
    world.warp(12 * DAY).await;
    let sender = world.address(ANN);
    let line = format!("refund --all --terms rescue.toml --as {sender} --calldata --json");
    let steps = world.levee(&line).json()["steps"].take();
    assert_eq!((steps.as_array().map(Vec::len), &steps[0]["to"]), (Some(1), &json!(MULTICALL3)));
    let data = steps[0]["data"].as_str().expect("data");
    let read = world.levee(&format!("decode {data} --to {MULTICALL3}")).ok();
    let rescue = world.rescue();
    assert!(read.contains(&format!("\nmake those that succeed by Multicall3 {MULTICALL3}\n")), "{read}");
    for number in 0..3 {
        let line = format!("refund ETH in tier 0 of {rescue} for {}\n", pledger(number));
        assert!(crate::support::words(&read).contains(line.trim_end()), "{read}");
    }
}
