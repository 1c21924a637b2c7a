//! Transactions of a Safe, on the code of every version that is known.

use alloy::{
    network::TransactionBuilder as _,
    primitives::{Address, U256, keccak256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol_types::{SolCall, SolValue as _},
};
use levee::{Contract, Outbox, SafeProposal, SafeTransaction, SafeWallet, Transaction, safe::Batch};
use levee_model::Wei;
use serde_json::{Value, json};

use crate::{
    safes::{MULTI_SEND, Safes, V1_1_1, V1_3_0, V1_4_1, V1_5_0, Version},
    support::{
        ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, Ran, World, levee, names, project_file, run, words,
    },
};

const VERSIONS: [&Version; 4] = [&V1_1_1, &V1_3_0, &V1_4_1, &V1_5_0];
/// What a pledge of ETH by a Safe may cost, of two owners of three.
const PLEDGE_GAS: u64 = 135_000;

impl World {
    /// A Safe of Ann, Ben and Cat, of whom two must approve, with 100 ETH.
    async fn safe(&self, version: &Version) -> Address {
        let safes = Safes::deploy(self, version).await;
        let safe = safes.create(self, &[ANN, BEN, CAT].map(|account| self.address(account)), 2).await;
        self.endow(safe).await;
        safe
    }

    async fn endow(&self, account: Address) {
        self.chain.anvil_set_balance(account, U256::from(100 * ETHER)).await.expect("anvil gives");
    }

    /// Writes what the words of `line` would send as `safe` to the file `batch.json`.
    fn batch(&self, safe: Address, line: &str) {
        let line = format!("{line} --terms rescue.toml --dry-run --from {safe} --json");
        let plan = self.levee(&line).json();
        let step = |step: &Value| Transaction {
            contract: Contract::PledgeEscrow,
            to: step["to"].as_str().and_then(|text| text.parse().ok()).expect("an address"),
            value: Wei::new(step["valueWei"].as_str().and_then(|text| text.parse().ok()).expect("a number")),
            input: serde_json::from_value(step["data"].clone()).expect("bytes"),
        };
        let steps: Vec<_> = plan["steps"].as_array().expect("a list").iter().map(step).collect();
        let batch = Batch::new(31337, safe, 0, "", &steps);
        self.write("batch.json", &serde_json::to_string(&batch).expect("it is JSON"));
    }

    fn propose(&self, safe: Address, line: &str) -> Value {
        self.batch(safe, line);
        self.forget("tx.json");
        self.levee("safe propose batch.json tx.json --json").json()
    }

    fn forget(&self, name: &str) {
        // It may not be there.
        drop(std::fs::remove_file(self.directory().join(name)));
    }

    fn owner_signs(&self, account: usize, file: &str) -> Value {
        self.levee(&format!("safe sign {file} --dev {account} --json")).json()
    }

    fn try_to_execute(&self, account: usize, files: &str) -> Ran {
        self.levee(&format!("safe execute {files} --dev {account} --yes --json"))
    }

    /// Signed by Ben, and executed by Cat, who is an owner, too.
    fn safe_does(&self, safe: Address, line: &str) -> Value {
        self.propose(safe, line);
        self.owner_signs(BEN, "tx.json");
        self.try_to_execute(CAT, "tx.json").json()
    }

    fn positions_of(&self, account: Address) -> Value {
        self.levee(&format!("positions {account} --terms rescue.toml --json")).json()["positions"].take()
    }

    async fn gas(&self, result: &Value) -> u64 {
        let hash = result["transactions"][0]["transaction"].as_str().and_then(|text| text.parse().ok());
        let receipt = self.chain.get_transaction_receipt(hash.expect("a hash")).await.expect("anvil answers");
        receipt.expect("it is mined").gas_used
    }
}

/// Asserts that it was refused, whatever it had shown before, with the error of this kind.
fn refused(ran: &Ran, kind: &str) {
    let found: Value = serde_json::from_str(&ran.stderr).unwrap_or_else(|_| panic!("{}", ran.stderr));
    assert_eq!((ran.code, found["error"]["kind"].as_str()), (Some(1), Some(kind)), "{}", ran.stderr);
}

#[tokio::test]
async fn the_code_is_what_safe_publishes() {
    let world = World::start().await;
    for version in VERSIONS {
        let safes = Safes::deploy(&world, version).await;
        let published = version.published(if ["1.1.1", "1.3.0"].contains(&version.number) {
            "gnosis_safe"
        } else {
            "safe"
        });
        let code = world.chain.get_code_at(safes.singleton).await.expect("anvil answers");
        assert_eq!(published["codeHash"], keccak256(code).to_string(), "{}", version.number);
        if version.number != "1.1.1" {
            let code = version.code(MULTI_SEND, "deployedBytecode");
            let published = version.published("multi_send_call_only");
            assert_eq!(published["codeHash"], keccak256(code).to_string(), "{}", version.number);
        }
    }
}

#[tokio::test]
async fn a_safe_of_every_version_pledges_ether_within_its_gas() {
    for version in VERSIONS {
        let world = World::with_rescue().await;
        let safe = world.safe(version).await;
        let shown = world.propose(safe, "pledge 41 ETH --tier 0");
        assert_eq!((&shown["missing"], &shown["warnings"]), (&json!(2), &json!([])));
        assert_eq!(shown["proposal"]["version"], version.number);
        let signed = world.owner_signs(BEN, "tx.json");
        assert_eq!(signed["missing"], 1);
        // The signature is in the file, and two files are merged.
        std::fs::copy(world.directory().join("tx.json"), world.directory().join("ben.json"))
            .expect("it is there");
        let both = world.owner_signs(ANN, "tx.json");
        let offline = world.levee("safe show ben.json tx.json --offline --json").json();
        for shown in [&both, &offline] {
            assert_eq!(
                (&shown["missing"], shown["approvals"].as_array().map(Vec::len)),
                (&json!(0), Some(2))
            );
        }
        let executed = world.try_to_execute(ANYONE, "ben.json tx.json").json();
        assert_eq!(names(&executed), ["Pledged"], "{}", version.number);
        let positions = world.positions_of(safe);
        assert_eq!(positions[0]["amount"], (41 * ETHER).to_string());
        let gas = world.gas(&executed).await;
        assert!(gas <= PLEDGE_GAS, "version {}: {gas} gas", version.number);
    }
}

#[tokio::test]
async fn an_owner_who_executes_need_not_sign() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_4_1).await;
    world.propose(safe, "pledge 41 ETH --tier 0");
    refused(&world.try_to_execute(CAT, "tx.json"), "SafeApprovalsMissing");
    world.owner_signs(BEN, "tx.json");
    refused(&world.try_to_execute(ANYONE, "tx.json"), "SafeApprovalsMissing");
    refused(&world.try_to_execute(BEN, "tx.json"), "SafeApprovalsMissing");
    assert_eq!(names(&world.try_to_execute(CAT, "tx.json").json()), ["Pledged"]);
    // The same command again tells what was done.
    let again = world.levee("safe sign tx.json --dev 1 --json");
    refused(&again, "SafeNonceUsed");
    refused(&world.try_to_execute(ANYONE, "tx.json"), "SafeNonceUsed");
}

#[tokio::test]
async fn an_owner_signs_without_a_node() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_4_1).await;
    world.propose(safe, "pledge 41 ETH --tier 0");
    let offline = |account| {
        let mut command = levee(world.directory());
        run(&mut command, &format!("safe sign tx.json --offline --dev {account} --json"))
    };
    refused(&offline(ANYONE), "NotSafeOwner");
    let signed = offline(BEN).json();
    let ben = world.address(BEN).to_string();
    assert_eq!(signed["approvals"], json!([{ "owner": ben, "how": "signature" }]));
    assert_eq!((&signed["missing"], &signed["state"]), (&json!(1), &Value::Null));
    assert_eq!(names(&world.try_to_execute(CAT, "tx.json").json()), ["Pledged"]);
}

alloy::sol! {
    function enableModule(address module);
    function changeThreshold(uint256 threshold);
    function setGuard(address guard);
}

impl World {
    /// The Safe changes itself by a call of its own.
    fn safe_calls_itself(&self, safe: Address, call: &impl SolCall) {
        let call = Transaction {
            contract: Contract::PledgeEscrow,
            to: safe,
            value: Wei::ZERO,
            input: call.abi_encode().into(),
        };
        let batch = Batch::new(31337, safe, 0, "", &[call]);
        self.write("batch.json", &serde_json::to_string(&batch).expect("it is JSON"));
        self.forget("tx.json");
        self.levee("safe propose batch.json tx.json --json").json();
        self.levee("safe show tx.json --json").json();
        self.owner_signs(BEN, "tx.json");
        self.try_to_execute(CAT, "tx.json").json();
    }

    /// Safe's example of a guard, which lets the Safe run no other code as its own.
    async fn guard(&self, version: &Version) -> Address {
        let code = [version.code(GUARD, "bytecode").to_vec(), Address::ZERO.abi_encode()].concat();
        let sent = self.chain.send_transaction(TransactionRequest::default().with_deploy_code(code)).await;
        let receipt = sent.expect("it can be created").get_receipt().await.expect("it is mined");
        receipt.contract_address.expect("it was created")
    }
}

/// Safe's example of a guard, in its packages since 1.3.0.
const GUARD: &str = "examples/guards/DelegateCallTransactionGuard.sol/DelegateCallTransactionGuard";

#[tokio::test]
async fn what_a_guard_refuses_is_told_before_anyone_signs() {
    for version in &VERSIONS[1..] {
        let world = World::with_rescue().await;
        version.put_multi_send(&world).await;
        let (safe, guard) = (world.safe(version).await, world.guard(version).await);
        let shares = levee::bindings::StETH::new(world.steth, &world.chain);
        let moved = shares.transferShares(safe, U256::from(10 * ETHER)).send().await;
        moved.expect("the model takes it").get_receipt().await.expect("it is mined");
        world.safe_calls_itself(safe, &setGuardCall { guard });

        // Several calls are made by code that the Safe runs as its own.
        world.batch(safe, "pledge 12 stETH --tier 2 --approve");
        let ran = world.levee("safe propose batch.json tx.json --json");
        let error: Value = serde_json::from_str(&ran.stderr).expect("it is JSON");
        let facts = json!({ "guard": guard.to_string(), "reason": "This call is restricted" });
        assert_eq!((&error["error"]["kind"], &error["error"]["facts"]), (&json!("SafeGuardRefused"), &facts));
        assert_eq!(ran.code, Some(1));

        let shown = world.propose(safe, "pledge 41 ETH --tier 0");
        let warning = format!("the guard `{guard}` can refuse what the owners have approved");
        assert_eq!(shown["warnings"], json!([warning]), "{}", version.number);
        world.owner_signs(BEN, "tx.json");
        assert_eq!(names(&world.try_to_execute(CAT, "tx.json").json()), ["Pledged"]);
        // The reason of a call that fails is its own.
        world.batch(safe, "pledge 1 ETH --tier 0");
        world.warp(12 * DAY).await;
        refused(&world.levee("safe propose batch.json late.json --json"), "PledgingClosed");
    }
}

/// A module can pay without the owners, so they are told of it; and of a threshold that is no longer what it was.
#[tokio::test]
async fn what_changed_in_a_safe_is_told_before_anyone_signs() {
    for version in [&V1_1_1, &V1_4_1] {
        let world = World::with_rescue().await;
        let safe = world.safe(version).await;
        let module = world.address(GUARDIAN);
        world.safe_calls_itself(safe, &enableModuleCall { module });
        world.safe_calls_itself(safe, &changeThresholdCall { threshold: U256::ONE });
        let shown = world.propose(safe, "pledge 41 ETH --tier 0");
        let modules = format!(
            "modules can send what the Safe has without its owners: {module}; they can pay, too, with `--as MODULE`"
        );
        assert_eq!(
            (&shown["warnings"], &shown["missing"]),
            (&json!([modules]), &json!(1)),
            "{}",
            version.number
        );
    }
}

/// Whoever executes is cut off before it hears that the transaction is in a block.
#[tokio::test]
async fn an_execution_that_was_cut_off_is_finished_and_not_repeated() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_4_1).await;
    world.propose(safe, "pledge 41 ETH --tier 0");
    world.owner_signs(BEN, "tx.json");
    world.chain.anvil_set_auto_mine(false).await.expect("anvil takes it");
    let cut_off = world.levee(&format!("safe execute tx.json --dev {CAT} --yes --timeout 1"));
    assert_eq!(cut_off.code, Some(2), "{}", cut_off.stderr);
    world.chain.anvil_set_auto_mine(true).await.expect("anvil takes it");
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let before = world.mark().await;
    assert_eq!(names(&world.try_to_execute(CAT, "tx.json").json()), ["Pledged"]);
    assert_eq!(world.mark().await, before, "nothing is sent again");
    assert_eq!(world.positions_of(safe)[0]["amount"], (41 * ETHER).to_string());
}

#[tokio::test]
async fn an_owner_approves_on_chain() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_3_0).await;
    world.propose(safe, "pledge 41 ETH --tier 0");
    world.levee(&format!("safe sign tx.json --approve --dev {BEN} --yes")).ok();
    let shown = world.levee("safe show tx.json --json").json();
    let ben = world.address(BEN).to_string();
    assert_eq!(shown["approvals"], json!([{ "owner": ben, "how": "onChain" }]));
    assert_eq!(names(&world.try_to_execute(ANN, "tx.json").json()), ["Pledged"]);
}

#[tokio::test]
async fn several_calls_are_one_transaction() {
    let world = World::with_rescue().await;
    // That of 1.3.0 is for the versions before, too.
    for version in &VERSIONS[1..] {
        version.put_multi_send(&world).await;
    }
    for version in VERSIONS {
        let safe = world.safe(version).await;
        let shares = levee::bindings::StETH::new(world.steth, &world.chain);
        let moved =
            shares.transferShares(safe, U256::from(10 * ETHER)).send().await.expect("the model takes it");
        moved.get_receipt().await.expect("it is mined");
        let shown = world.propose(safe, "pledge 12 stETH --tier 2 --approve");
        assert_eq!(shown["calls"].as_array().map(Vec::len), Some(2), "{shown}");
        world.owner_signs(BEN, "tx.json");
        assert_eq!(names(&world.try_to_execute(CAT, "tx.json").json()), ["Pledged"]);
        assert_eq!(world.positions_of(safe)[0]["amount"], (10 * ETHER).to_string());

        let wrapped = levee::bindings::WstETH::new(world.wsteth, &world.chain);
        let moved = wrapped.transfer(safe, U256::from(ETHER)).from(world.address(CAT)).send().await;
        moved.expect("the model takes it").get_receipt().await.expect("it is mined");
        assert_eq!(names(&world.safe_does(safe, "pledge 1 wstETH --tier 1 --approve")), ["Pledged"]);
    }
}

#[tokio::test]
async fn a_safe_that_is_an_owner_approves_by_its_own_transaction() {
    let world = World::with_rescue().await;
    let safes = Safes::deploy(&world, &V1_4_1).await;
    let [ann, ben, cat] = [ANN, BEN, CAT].map(|account| world.address(account));
    let child = safes.create(&world, &[ann, ben], 2).await;
    let parent = safes.create(&world, &[child, cat], 2).await;
    world.endow(parent).await;
    world.propose(parent, "pledge 41 ETH --tier 0");
    world.levee(&format!("safe propose --approve tx.json approval.json --safe {child}")).ok();
    world.owner_signs(BEN, "approval.json");
    world.try_to_execute(ANN, "approval.json").json();
    assert_eq!(names(&world.try_to_execute(CAT, "tx.json").json()), ["Pledged"]);
}

#[tokio::test]
async fn an_owner_signs_for_a_safe_that_needs_no_other() {
    for version in [&V1_3_0, &V1_4_1, &V1_5_0] {
        let world = World::with_rescue().await;
        let safes = Safes::deploy(&world, version).await;
        let [ann, cat] = [ANN, CAT].map(|account| world.address(account));
        let child = safes.create(&world, &[ann], 1).await;
        let parent = safes.create(&world, &[child, cat], 2).await;
        world.endow(parent).await;
        world.propose(parent, "pledge 41 ETH --tier 0");
        refused(
            &world.levee(&format!("safe sign tx.json --for {child} --dev {BEN} --json")),
            "WalletRefuses",
        );
        world.levee(&format!("safe sign tx.json --for {child} --dev {ANN}")).ok();
        world.owner_signs(CAT, "tx.json");
        assert_eq!(names(&world.try_to_execute(ANYONE, "tx.json").json()), ["Pledged"], "{}", version.number);
    }
}

#[tokio::test]
async fn a_safe_lives_through_a_rescue() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_4_1).await;
    assert_eq!(names(&world.safe_does(safe, "pledge 41 ETH --tier 0")), ["Pledged"]);
    // Half of the target is missing, so that the rescue fails, and the Safe names another recipient.
    world.warp(11 * DAY).await;
    world.by(ANYONE, "settle");
    let receiver = Address::repeat_byte(0x77);
    let refunded = world.safe_does(safe, &format!("refund --to {receiver}"));
    assert_eq!(names(&refunded), ["Refunded"]);
    assert_eq!(world.holds(receiver).await[0], 41 * ETHER);
}

#[tokio::test]
async fn a_safe_objects() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_4_1).await;
    world.safe_does(safe, "pledge 41 ETH --tier 0");
    world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    world.by(CAT, "pledge 50 wstETH --tier 1 --approve");
    world.by(ANYONE, "settle");
    // All of its 41 ETH are drawn, of 100, and 40 % are a veto.
    assert_eq!(names(&world.safe_does(safe, "object"))[0], "Objected");
    assert_eq!(world.status()["status"], "Cancelled");
}

#[tokio::test]
async fn a_safe_claims_what_is_recovered_for_another_recipient() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_3_0).await;
    world.safe_does(safe, "pledge 41 ETH --tier 0");
    world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    world.by(CAT, "pledge 50 wstETH --tier 1 --approve");
    world.by(ANYONE, "settle");
    world.warp(4 * DAY).await;
    for asset in ["ETH", "stETH", "wstETH"] {
        world.by(ANYONE, &format!("release {asset}"));
    }
    world.by(GUARDIAN, "recover 90 ETH");
    let receiver = Address::repeat_byte(0x77);
    assert_eq!(names(&world.safe_does(safe, &format!("claim --to {receiver}"))), ["Claimed"]);
    assert!(world.holds(receiver).await[0] > 0);
}

#[tokio::test]
async fn a_safe_that_is_the_guardian_cancels() {
    let world = World::start().await;
    let safe = world.safe(&V1_5_0).await;
    let guardian = world.address(GUARDIAN).to_string();
    world.write("rescue.toml", &world.terms().replace(&guardian, &safe.to_string()));
    world.deploy();
    world.safe_does(safe, "cancel");
    assert_eq!(world.status()["status"], "Failed");
}

/// Before 1.3.0, the Safe goes on, and its transaction does not revert.
#[tokio::test]
async fn a_call_that_fails_in_its_block_is_a_failure() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_1_1).await;
    world.propose(safe, "pledge 41 ETH --tier 0");
    world.owner_signs(BEN, "tx.json");
    let text = std::fs::read_to_string(world.directory().join("tx.json")).expect("it is there");
    let proposal = serde_json::from_str(&text).expect("it is a transaction");
    let wallet = SafeWallet::open(world.chain.clone(), 31337, safe).await.expect("it is a Safe");
    let call = wallet.execution(&proposal, world.address(CAT)).await.expect("it would succeed");
    world.warp(12 * DAY).await;
    let key = PrivateKeySigner::from_bytes(&world.key(CAT)).expect("a key");
    let outbox = Outbox::new(world.chain.clone(), 31337, key);
    let failed = call.execute(&outbox).await.expect_err("its time is over");
    assert_eq!(failed.kind(), "FailedInBlock");
    refused(&world.try_to_execute(CAT, "tx.json"), "SafeNonceUsed");
}

#[tokio::test]
async fn a_safe_exits_before_an_amendment() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_5_0).await;
    world.safe_does(safe, "pledge 41 ETH --tier 0");
    let amend = "guardian amend --target 90ETH";
    world.by(GUARDIAN, amend);
    assert_eq!(names(&world.safe_does(safe, "exit")), ["Exited"]);
}

/// Whoever proposes a transaction chooses what the Safe pays for its gas, and to whom.
#[tokio::test]
async fn what_a_safe_pays_for_gas_is_told() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_4_1).await;
    world.propose(safe, "pledge 41 ETH --tier 0");
    let text = std::fs::read_to_string(world.directory().join("tx.json")).expect("it is there");
    let proposal: SafeProposal = serde_json::from_str(&text).expect("it is a transaction");
    let wallet = SafeWallet::open(world.chain.clone(), 31337, safe).await.expect("it is a Safe");
    let [token, receiver] = [0x70, 0x71].map(Address::repeat_byte);
    let transaction = SafeTransaction {
        safe_tx_gas: U256::from(60_000),
        base_gas: U256::from(50_000),
        gas_price: U256::from(7),
        gas_token: token,
        refund_receiver: receiver,
        ..proposal.transaction
    };
    let dear = SafeProposal::new(31337, wallet.state(), transaction);
    world.write("dear.json", &serde_json::to_string(&dear).expect("it is JSON"));
    let shown = world.levee("safe show dear.json --offline");
    let pays = format!(
        "warning: the Safe repays the gas, at a price of 7 for each, in the token `{token}` to `{receiver}`\n"
    );
    let used_up =
        "warning: if its call fails, its nonce is used up all the same: safeTxGas or gasPrice is not 0\n";
    assert_eq!(shown.stderr, format!("{pays}{used_up}"));
    let fields = format!(
        "safeTxGas 60000 baseGas 50000 gasPrice 7 gasToken {token} refundReceiver {receiver} domain hash"
    );
    let shown = words(&shown.ok());
    assert!(shown.contains(&fields), "{shown}");
    let decoded = world.decode(&["--file", "dear.json"]);
    assert_eq!(decoded.stderr, format!("{pays}{used_up}"));
    let name = format!(
        "source transaction 0 of a Safe, safeTxGas 60000, baseGas 50000, gasPrice 7, gasToken {token}, refundReceiver {receiver} chain"
    );
    let repays = format!("repay gas at 7 units of {token} each and 50000 more to {receiver}");
    let decoded = words(&decoded.ok());
    assert!(decoded.starts_with(&name) && decoded.contains(&repays), "{decoded}");
}

#[tokio::test]
async fn what_is_not_the_transaction_is_refused() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_4_1).await;
    world.propose(safe, "pledge 41 ETH --tier 0");
    refused(&world.levee(&format!("safe sign tx.json --dev {GUARDIAN} --json")), "NotSafeOwner");
    let good = std::fs::read_to_string(world.directory().join("tx.json")).expect("it is there");
    let file: Value = serde_json::from_str(&good).expect("it is JSON");
    let mut changed = file.clone();
    changed["transaction"]["value"] = json!("1");
    world.write("changed.json", &changed.to_string());
    let ran = world.levee(&format!("safe sign changed.json --dev {BEN}"));
    assert!(ran.stderr.contains("so that one of them was changed"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));

    // There is a file already, and another transaction with this nonce is queued.
    assert_eq!(world.levee("safe propose batch.json tx.json").code, Some(1));
    let queued = world.levee("safe propose batch.json other.json --queued tx.json --nonce 0");
    assert!(queued.stderr.contains("`tx.json` has nonce 0, too"), "{}", queued.stderr);
    let after = world.levee("safe propose batch.json other.json --queued tx.json --json").json();
    assert_eq!(after["proposal"]["transaction"]["nonce"], 1);
    world.owner_signs(BEN, "other.json");
    refused(&world.try_to_execute(CAT, "other.json"), "SafeNonceAhead");
    let ran = world.levee("safe show tx.json other.json --offline");
    assert!(ran.stderr.contains("do not belong together"), "{}", ran.stderr);

    // No Safe, and another chain.
    let nowhere =
        world.levee(&format!("safe propose batch.json no.json --safe {} --json", world.address(BEN)));
    assert!(nowhere.stderr.contains("was made for"), "{}", nowhere.stderr);
    let ran = world.levee("safe show tx.json --chain 1");
    assert!(ran.stderr.contains("is for chain 31337, but `--chain` says 1"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_call_that_fails_is_told_by_its_reason_before_anyone_signs() {
    for version in VERSIONS {
        let world = World::with_rescue().await;
        let safe = world.safe(version).await;
        world.batch(safe, "pledge 41 ETH --tier 0");
        world.warp(12 * DAY).await;
        refused(&world.levee("safe propose batch.json tx.json --json"), "PledgingClosed");
    }
}

#[tokio::test]
async fn the_page_about_safes_runs_as_written() {
    let world = World::with_rescue().await;
    let safe = world.safe(&V1_4_1).await;
    let page = project_file("docs/safes.md");
    let commands = page.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let (plan, rest) = commands.split_once('\n').expect("several commands");
    let (pledge, written) = plan.split_once(" --terms ").expect("the rescue");
    assert_eq!(written, "rescue.toml --as SAFE --safe-batch batch.json");
    world.batch(safe, pledge.strip_prefix("levee ").expect("a command"));
    for command in rest.lines() {
        let line = command.strip_prefix("levee ").expect("a command");
        let line = line.replace("--account ben", &format!("--dev {BEN}"));
        world.levee(&line.replace("--account cat", &format!("--dev {CAT} --yes"))).ok();
    }
    assert_eq!(world.positions_of(safe)[0]["amount"], (41 * ETHER).to_string());
}
