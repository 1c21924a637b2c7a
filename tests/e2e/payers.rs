//! Plans that somebody else sends: a Safe, a DAO, a cold account.

use std::{collections::BTreeMap, fs, sync::LazyLock};

use alloy::{
    consensus::{SignableTransaction, TypedTransaction},
    eips::Encodable2718,
    hex,
    network::{TransactionBuilder, TxSignerSync},
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{SolCall, SolConstructor},
};
use serde_json::Value;

use crate::{
    solidity::{self, Code},
    support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, HOUR, START, World, names, project_file, words},
};

const UNISWAP: &str = "node_modules/@uniswap/governance/build";
const OPENZEPPELIN: &str = "node_modules/@openzeppelin/contracts/build/contracts";

sol! {
    contract Token {
        constructor(bool inSeconds);
    }
    contract Dao {
        constructor(address token, address timelock);
        function hashProposal(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash) returns (uint256);
        function latestProposalId() returns (uint256);
        function castVote(uint256 id, uint8 support);
        function queue(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash);
        function execute(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash);
    }
    contract NumberedDao {
        constructor(address token);
    }
    contract TimelockController {
        constructor(uint256 delay, address[] proposers, address[] executors, address admin);
        function grantRole(bytes32 role, address account);
    }
    contract Uni {
        constructor(address account, address minter, uint256 mintingAllowedAfter);
        function delegate(address delegatee);
    }
    contract GovernorAlpha {
        constructor(address timelock, address uni);
        function proposalCount() returns (uint256);
        function castVote(uint256 id, bool support);
        function queue(uint256 id);
        function execute(uint256 id);
    }
    contract Timelock {
        constructor(address admin, uint256 delay);
    }
}

static DAOS: LazyLock<BTreeMap<String, Code>> = LazyLock::new(|| solidity::compile("tests/e2e/dao/Dao.sol"));

/// The creation code in an artifact of a package.
fn artifact(path: &str) -> Bytes {
    let artifact: Value = serde_json::from_str(&project_file(path)).expect("it is JSON");
    let code = artifact["bytecode"].as_str().expect("code");
    hex::decode(code).expect("hexadecimal digits").into()
}

fn account(value: &Value) -> Address {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no address"))
}

fn data(value: &Value) -> Bytes {
    hex::decode(value.as_str().expect("text")).expect("hexadecimal digits").into()
}

/// A number that JSON has as decimal or hexadecimal text.
fn number(value: &Value) -> U256 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

/// A list of the same.
fn all<T>(values: &Value, one: fn(&Value) -> T) -> Vec<T> {
    values.as_array().expect("a list").iter().map(one).collect()
}

impl World {
    async fn create(&self, code: &Bytes, constructor: impl SolConstructor) -> Address {
        let code = [code.as_ref(), &constructor.abi_encode()].concat();
        let sent = self.chain.send_transaction(TransactionRequest::default().with_deploy_code(code)).await;
        let receipt = sent.expect("it can be created").get_receipt().await.expect("it is mined");
        receipt.contract_address.expect("it was created")
    }

    async fn send(&self, to: Address, call: &impl SolCall) {
        self.send_data(to, call.abi_encode().into()).await;
    }

    async fn send_data(&self, to: Address, data: Bytes) {
        let request = TransactionRequest::default().with_to(to).with_input(data);
        let sent = self.chain.send_transaction(request).await.expect("it is taken");
        assert!(sent.get_receipt().await.expect("it is mined").status());
    }

    async fn ask<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer = self.chain.call(request).await.expect("it answers");
        C::abi_decode_returns(&answer).expect("it is what it should be")
    }

    async fn mine(&self, blocks: u64) {
        self.chain.anvil_mine(Some(blocks), None).await.expect("anvil mines");
    }

    /// Makes the calls of a result as the contract that is to send them.
    async fn make_calls(&self, sender: Address, calls: &Value) {
        self.chain.anvil_impersonate_account(sender).await.expect("anvil does");
        let price = self.chain.get_gas_price().await.expect("a price");
        for call in calls.as_array().expect("a list") {
            let value = number(if call["valueWei"].is_null() { &call["value"] } else { &call["valueWei"] });
            let fee = U256::from(price * 1_000_000);
            let balance = self.chain.get_balance(sender).await.expect("a balance");
            self.chain.anvil_set_balance(sender, balance + fee).await.expect("anvil gives");
            let request = TransactionRequest::default()
                .with_from(sender)
                .with_to(account(&call["to"]))
                .with_value(value)
                .with_gas_limit(1_000_000)
                .with_input(data(&call["data"]));
            let sent: B256 =
                self.chain.raw_request("eth_sendTransaction".into(), [request]).await.expect("it is taken");
            self.mine(1).await;
            let receipt = self.chain.get_transaction_receipt(sent).await.expect("anvil answers");
            assert!(receipt.expect("it was mined").status());
        }
    }

    /// A contract with wei and shares, which stands for any that makes calls.
    async fn contract(&self) -> Address {
        let contract = Address::from([0x5a; 20]);
        self.chain.anvil_set_code(contract, Bytes::from_static(&[0])).await.expect("anvil does");
        self.chain.anvil_set_balance(contract, U256::from(50 * ETHER)).await.expect("anvil does");
        let steth = levee::bindings::StETH::new(self.steth, &self.chain);
        let sent = steth.transferShares(contract, U256::from(50 * ETHER)).send().await.expect("it is taken");
        sent.get_receipt().await.expect("it is mined");
        contract
    }

    /// What is booked for an account in a tier and an asset.
    fn booked(&self, account: Address) -> Vec<(u64, String, String)> {
        let line = format!("positions {account} --terms rescue.toml --json");
        let positions = self.levee(&line).json()["positions"].take();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let one = |position: &Value| {
            (position["tier"].as_u64().expect("a tier"), text(&position["asset"]), text(&position["amount"]))
        };
        positions.as_array().expect("a list").iter().map(one).collect()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.directory().join(name)).expect("it was written")
    }

    pub(crate) fn json_file(&self, name: &str) -> Value {
        serde_json::from_str(&self.file(name)).expect("it is JSON")
    }
}

#[tokio::test]
async fn a_contract_sends_the_calls_that_were_printed_for_it() {
    let world = World::with_rescue().await;
    let contract = world.contract().await;
    let (mark, line) = (world.mark().await, format!("--terms rescue.toml --as {contract} --calldata"));
    let calls = world.levee(&format!("pledge 5 ETH --tier 0 {line} --json")).json();
    assert_eq!(account(&calls["account"]), contract);
    assert_eq!((calls["form"].as_str(), calls["simulated"].as_u64()), (Some("calls"), Some(1)));
    assert_eq!(calls["steps"][0]["valueWei"], (5 * ETHER).to_string());
    let text = world.levee(&format!("pledge 5 ETH --tier 0 {line}")).ok();
    let text = words(&text);
    assert!(
        text.contains(&format!("to {} value 5 ETH (5000000000000000000 wei) data 0x", world.rescue())),
        "{text}"
    );
    assert!(
        text.ends_with(&format!("sender {contract} on chain 31337 simulated in the next block")),
        "{text}"
    );
    assert_eq!(world.mark().await, mark);

    let two = world.levee(&format!("pledge 12 stETH --tier 2 --approve {line} --json")).json();
    assert_eq!(two["simulated"], 2);
    world.make_calls(contract, &calls["steps"]).await;
    world.make_calls(contract, &two["steps"]).await;
    let ether = (0, "ETH".into(), (5 * ETHER).to_string());
    let shares = (2, "stETH".into(), (10 * ETHER).to_string());
    assert_eq!(world.booked(contract), [ether, shares]);
}

#[tokio::test]
async fn every_change_of_a_rescue_can_be_sent_by_a_contract() {
    let world = World::with_rescue().await;
    let contract = world.contract().await;
    let calls = |line: &str| {
        world.levee(&format!("{line} --terms rescue.toml --as {contract} --calldata --json")).json()["steps"]
            .take()
    };
    world.make_calls(contract, &calls("pledge 45 ETH --tier 0")).await;
    world.by(ANN, "pledge 60 ETH --tier 0");
    world.make_calls(contract, &calls("declare approved 1 ETH --tier 0 --expiry 2100-01-05T00:00:00Z")).await;
    world.warp(11 * DAY).await;
    world.make_calls(contract, &calls("settle")).await;
    world.make_calls(contract, &calls("object")).await;
    world.make_calls(contract, &calls("refund --to 0x00000000000000000000000000000000000f0e0d")).await;
    // 100 of 105 ETH are drawn, so that the 45 get 45 × 5 / 105 back, of which the draw is rounded up.
    let back = 45 * ETHER - (45 * ETHER * 100).div_ceil(105);
    let got = world
        .chain
        .get_balance("0x00000000000000000000000000000000000f0e0d".parse().expect("an address"))
        .await;
    assert_eq!(got.expect("a balance"), U256::from(back));
    // It objected with 45 of 105, more than the veto of 40 %.
    assert_eq!(world.status()["status"], "Cancelled");
}

#[tokio::test]
async fn what_would_fail_is_refused_for_the_contract_too() {
    let world = World::with_rescue().await;
    let contract = world.contract().await;
    let line = format!("--terms rescue.toml --as {contract} --calldata");
    let ran = world.levee(&format!("pledge 51 ETH --tier 0 {line}"));
    assert!(ran.stderr.contains("it has 50 ETH, but the amount alone is 51 ETH"), "{}", ran.stderr);
    let ran = world.levee(&format!("pledge 5 ETH --tier 0 {line} --at 2100-01-11T00:00:01Z --json"));
    let error: Value = serde_json::from_str(&ran.stderr).expect("it is JSON");
    assert_eq!((ran.code, error["error"]["kind"].as_str()), (Some(1), Some("PledgingClosed")), "{error}");
    assert_eq!(error["error"]["message"], "the calls would fail at 2100-01-11T00:00:01Z");
    world.levee(&format!("pledge 5 ETH --tier 0 {line} --at 2100-01-11T00:00:00Z --json")).json();
    world
        .levee(&format!(
            "pledge 12 stETH --tier 0 --permit --weth 0x000000000000000000000000000000000000dEaD {line}"
        ))
        .assert_refused(
            &format!("the plan needs a signature of `{contract}`, and nothing is signed here"),
            "use `--approve` instead of a permit; or leave `--dry-run` out: the command asks before it sends",
        );
    let cold = world.address(CAT);
    let batch = format!("settle --terms rescue.toml --as {cold} --safe-batch batch.json");
    world.levee(&batch).assert_refused(
        &format!("there is no contract at `{cold}`, so it makes no calls"),
        "check the address and the chain, or use `--unsigned FILE` for an account with a key",
    );
    world.levee(&format!("settle --terms rescue.toml --as {contract} --unsigned x.json")).assert_refused(
        &format!("`{contract}` is a contract, which signs no transaction"),
        "use `--safe-batch FILE` for a Safe, `--governor ADDRESS` for a DAO, or `--calldata`",
    );
    let rescue = world.rescue();
    world.levee(&format!("settle --terms rescue.toml --governor {rescue}")).assert_refused(
        &format!("there is no governor at `{rescue}`, neither OpenZeppelin's nor Bravo"),
        "check the address and the chain; for a DAO of another kind, `--calldata` prints the calls for whatever it votes with",
    );
}

#[tokio::test]
async fn a_batch_holds_the_calls_of_several_commands() {
    let world = World::with_rescue().await;
    let safe = world.contract().await;
    let line = format!("--terms rescue.toml --as {safe} --safe-batch batch.json");
    let first = world.levee(&format!("pledge 12 stETH --tier 2 --approve {line} --json")).json();
    assert_eq!((first["calls"].as_u64(), first["form"].as_str()), (Some(2), Some("safeBatch")));
    let (alone, again) = (world.file("batch.json"), format!("pledge 5 ETH --tier 0 {line}"));
    world.levee(&again).assert_refused("`batch.json` exists already", "name another file");
    assert_eq!(world.file("batch.json"), alone);
    let both = world.levee(&format!("{again} --append --json")).json();
    let batch = world.json_file("batch.json");
    assert_eq!((both["calls"].as_u64(), &both["checksum"]), (Some(3), &batch["meta"]["checksum"]));
    assert_eq!((&batch["version"], &batch["chainId"]), (&"1.0".into(), &"31337".into()));
    assert_eq!(account(&batch["meta"]["createdFromSafeAddress"]), safe);
    world.make_calls(safe, &batch["transactions"]).await;
    assert_eq!(world.booked(safe).len(), 2);

    let changed = world.file("batch.json").replacen("\"value\": \"0\"", "\"value\": \"1\"", 1);
    world.write("batch.json", &changed);
    let ran = world.levee(&format!("{again} --append"));
    ran.assert_refused(
        "this is not a batch of Safe's Transaction Builder: its checksum does not fit what it says",
        "check the path, or ask whoever has sent it for another",
    );
}

/// All calls of a batch are made in one transaction, so the later ones meet what the earlier ones left.
#[tokio::test]
async fn what_is_in_a_batch_already_is_simulated_first() {
    let world = World::with_rescue().await;
    let safe = world.contract().await;
    let line = format!("--terms rescue.toml --as {safe} --safe-batch batch.json --json");
    // It has 60 stETH and 50 ETH: enough for each, and not for both.
    world.levee(&format!("pledge 40 stETH --tier 2 --approve {line}")).json();
    world.levee(&format!("pledge 30 ETH --tier 0 {line} --append")).json();
    let before = world.file("batch.json");
    for (pledge, kind) in
        [("40 stETH --tier 2 --approve", "TokenRefused"), ("30 ETH --tier 0", "InsufficientFunds")]
    {
        let ran = world.levee(&format!("pledge {pledge} {line} --append"));
        let error: Value = serde_json::from_str(&ran.stderr).expect("it is JSON");
        assert_eq!((ran.code, error["error"]["kind"].as_str()), (Some(1), Some(kind)), "{error}");
    }
    assert_eq!(world.file("batch.json"), before);
    let more = world.levee(&format!("pledge 20 ETH --tier 0 {line} --append")).json();
    assert_eq!((more["simulated"].as_u64(), more["calls"].as_u64()), (Some(1), Some(4)));
}

/// A DAO whose only voter is the account that sends from the tests.
struct Voted {
    dao: Address,
    payer: Address,
}

impl World {
    /// OpenZeppelin's governor with its timelock of a day.
    async fn dao(&self) -> Voted {
        let token = self.create(&DAOS["Token"].creation, Token::constructorCall { inSeconds: false }).await;
        let timelock = TimelockController::constructorCall {
            delay: U256::from(DAY),
            proposers: Vec::new(),
            executors: vec![Address::ZERO],
            admin: self.address(ANYONE),
        };
        let timelock =
            self.create(&artifact(&format!("{OPENZEPPELIN}/TimelockController.json")), timelock).await;
        let dao = self.create(&DAOS["Dao"].creation, Dao::constructorCall { token, timelock }).await;
        let role = keccak256("PROPOSER_ROLE");
        self.send(timelock, &TimelockController::grantRoleCall { role, account: dao }).await;
        Voted { dao, payer: timelock }
    }

    /// Proposes what a result says, votes for it as number `id`, and lets `blocks` go by.
    async fn vote(&self, dao: Address, result: &Value, id: U256, blocks: u64) {
        self.send_data(dao, data(&result["propose"])).await;
        self.mine(12).await;
        self.send(dao, &Dao::castVoteCall { id, support: 1 }).await;
        self.mine(blocks).await;
    }
}

#[tokio::test]
async fn a_dao_pledges_by_a_vote_and_its_timelock() {
    let world = World::with_rescue().await;
    let Voted { dao, payer } = world.dao().await;
    let line = format!("pledge 5 ETH --tier 0 --terms rescue.toml --governor {dao} --json");
    let poor = world.levee(&line);
    assert!(poor.stderr.contains("\"kind\": \"InsufficientFunds\""), "{}", poor.stderr);
    world.chain.anvil_set_balance(payer, U256::from(5 * ETHER)).await.expect("anvil gives");
    let proposer = world.address(ANYONE);
    let made = world.levee(&format!("{line} --proposer {proposer}")).json();
    let targets = all(&made["targets"], account);
    let values = all(&made["values"], number);
    let calldatas = all(&made["calldatas"], data);
    assert_eq!(
        (account(&made["account"]), &targets, &values),
        (payer, &vec![world.rescue()], &vec![U256::from(5 * ETHER)])
    );
    let description = made["description"].as_str().expect("text");
    assert!(
        description.ends_with(&format!("#proposer={}", proposer.to_string().to_lowercase())),
        "{description}"
    );
    let pledge = format!("pledge 5 ETH to tier 0 of {} for {payer}", world.rescue());
    world.assert_decoded(&made, &dao, &pledge);
    // A node tells that the timelock makes the call, so that the pledge is its own.
    let (propose, to, url) = (made["propose"].as_str().expect("data"), dao.to_string(), world.endpoint());
    let own = format!("pledge 5 ETH to tier 0 of {}", world.rescue());
    let proposed = format!("propose to the governor {dao}");
    let told = [propose, "--to", &to, "--rpc-url", &url, "--expect", &proposed, "--expect"];
    let told = world.decode(&[&told[..], &[&own]].concat()).ok();
    let only = format!("note only {proposer} can propose it");
    assert!(words(&told).contains(&only), "{told}");
    let hash = keccak256(description);
    let ask = Dao::hashProposalCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        descriptionHash: hash,
    };
    let id = world.ask(dao, &ask).await;
    assert_eq!(
        (number(&made["proposalId"]), made["descriptionHash"].as_str()),
        (id, Some(&*hash.to_string()))
    );

    world.vote(dao, &made, id, 300).await;
    let queue = Dao::queueCall {
        targets: targets.clone(),
        values: values.clone(),
        calldatas: calldatas.clone(),
        descriptionHash: hash,
    };
    world.send(dao, &queue).await;
    world.warp(2 * DAY).await;
    world.send(dao, &Dao::executeCall { targets, values, calldatas, descriptionHash: hash }).await;
    assert_eq!(world.booked(payer), [(0, "ETH".into(), (5 * ETHER).to_string())]);
}

impl World {
    /// A governor that counts in seconds, and pays itself.
    async fn numbered_dao(&self) -> Address {
        let token = self.create(&DAOS["Token"].creation, Token::constructorCall { inSeconds: true }).await;
        let dao = self.create(&DAOS["NumberedDao"].creation, NumberedDao::constructorCall { token }).await;
        self.chain.anvil_set_balance(dao, U256::from(5 * ETHER)).await.expect("anvil gives");
        dao
    }
}

#[tokio::test]
async fn a_vote_that_ends_too_late_is_refused() {
    let world = World::with_rescue().await;
    let dao = world.numbered_dao().await;
    let line = format!("pledge 5 ETH --tier 0 --terms rescue.toml --governor {dao} --json");
    // The vote takes 3,610 seconds, and pledges are taken until ten days after the start.
    world.warp(10 * DAY - 3_610).await;
    assert_eq!(world.levee(&line).json()["simulatedAtUnix"], START + 10 * DAY);
    world.warp(10 * DAY - 3_609).await;
    let late = world.levee(&line);
    assert!(late.stderr.contains("\"kind\": \"PledgingClosed\"") && late.code == Some(1), "{}", late.stderr);
    let other = world.address(ANN);
    world.levee(&format!("settle --terms rescue.toml --governor {dao} --as {other}")).assert_refused(
        &format!("the governor `{dao}` sends from `{dao}`, not from `{other}`"),
        "leave `--as` out",
    );
}

#[tokio::test]
async fn a_governor_without_a_timelock_pays_itself_and_numbers_in_a_row() {
    let world = World::with_rescue().await;
    let dao = world.numbered_dao().await;
    let made =
        world.levee(&format!("pledge 5 ETH --tier 0 --terms rescue.toml --governor {dao} --json")).json();
    assert_eq!((account(&made["account"]), &made["proposalId"]), (dao, &Value::Null));
    world.send_data(dao, data(&made["propose"])).await;
    let id = world.ask(dao, &Dao::latestProposalIdCall {}).await;
    world.warp(HOUR).await;
    world.send(dao, &Dao::castVoteCall { id, support: 1 }).await;
    world.warp(3 * HOUR).await;
    let execute = Dao::executeCall {
        targets: all(&made["targets"], account),
        values: all(&made["values"], number),
        calldatas: all(&made["calldatas"], data),
        descriptionHash: keccak256(made["description"].as_str().expect("text")),
    };
    world.send(dao, &execute).await;
    assert_eq!(world.booked(dao), [(0, "ETH".into(), (5 * ETHER).to_string())]);
}

/// The code of GovernorAlpha with a voting period of 16 blocks, the only number that is changed: 40,320 blocks take anvil minutes.
fn briefly(code: &[u8]) -> Bytes {
    const PERIODS: [[u8; 3]; 2] = [[0x61, 0x9d, 0x80], [0x61, 0x00, 0x10]];
    let places: Vec<_> = (0..code.len()).filter(|place| code[*place..].starts_with(&PERIODS[0])).collect();
    let [place] = places[..] else { panic!("the period is there {} times", places.len()) };
    let mut code = code.to_vec();
    code[place..place + 3].copy_from_slice(&PERIODS[1]);
    code.into()
}

#[tokio::test]
async fn a_governor_of_compounds_kind_approves_and_pledges_in_one_proposal() {
    let world = World::with_rescue().await;
    let uniswap = |name: &str| artifact(&format!("{UNISWAP}/{name}.json"));
    let me = world.address(ANYONE);
    let uni = Uni::constructorCall { account: me, minter: me, mintingAllowedAfter: U256::from(u64::MAX) };
    let uni = world.create(&uniswap("Uni"), uni).await;
    let nonce = world.chain.get_transaction_count(me).await.expect("a nonce");
    let timelock = Timelock::constructorCall { admin: me.create(nonce + 1), delay: U256::from(2 * DAY) };
    let timelock = world.create(&uniswap("Timelock"), timelock).await;
    let dao = world
        .create(&briefly(&uniswap("GovernorAlpha")), GovernorAlpha::constructorCall { timelock, uni })
        .await;
    world.send(uni, &Uni::delegateCall { delegatee: me }).await;
    let steth = levee::bindings::StETH::new(world.steth, &world.chain);
    let sent = steth.transferShares(timelock, U256::from(10 * ETHER)).send().await.expect("it is taken");
    sent.get_receipt().await.expect("it is mined");

    let line = format!("pledge 12 stETH --tier 2 --approve --terms rescue.toml --governor {dao} --json");
    let made = world.levee(&line).json();
    assert_eq!(
        (account(&made["account"]), &made["proposalId"], made["simulated"].as_u64()),
        (timelock, &Value::Null, Some(2))
    );
    world.send_data(dao, data(&made["propose"])).await;
    let id = world.ask(dao, &GovernorAlpha::proposalCountCall {}).await;
    world.mine(2).await;
    world.send(dao, &GovernorAlpha::castVoteCall { id, support: true }).await;
    world.mine(17).await;
    world.send(dao, &GovernorAlpha::queueCall { id }).await;
    world.warp(3 * DAY).await;
    world.send(dao, &GovernorAlpha::executeCall { id }).await;
    assert_eq!(world.booked(timelock), [(2, "stETH".into(), (10 * ETHER).to_string())]);
}

#[tokio::test]
async fn a_vote_creates_nothing_that_its_other_calls_need() {
    let world = World::with_rescue().await;
    let Voted { dao, payer } = world.dao().await;
    world.chain.anvil_set_balance(payer, U256::from(5 * ETHER)).await.expect("anvil gives");
    let line = format!(
        "declare approved 1 ETH --tier 0 --expiry 2100-01-05T00:00:00Z --terms rescue.toml --governor {dao}"
    );
    let ran = world.levee(&line);
    let start = "error: a vote must not create what its other calls need, because they all fail if somebody is faster: Create the board";
    assert!(ran.stderr.starts_with(start), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
    let safe = world.contract().await;
    let calls = format!(
        "declare approved 1 ETH --tier 0 --expiry 2100-01-05T00:00:00Z --terms rescue.toml --as {safe} --safe-batch b.json --json"
    );
    assert_eq!(world.levee(&calls).json()["calls"], 2);
}

#[tokio::test]
async fn an_aragon_agent_pays_in_the_script_of_a_vote() {
    sol! {
        function execute(address target, uint256 ethValue, bytes data);
    }
    let world = World::with_rescue().await;
    let agent = world.contract().await;
    let made =
        world.levee(&format!("pledge 5 ETH --tier 0 --terms rescue.toml --aragon {agent} --json")).json();
    let script = data(&made["script"]);
    assert_eq!((&script[..4], &script[4..24]), (&[0, 0, 0, 1][..], agent.as_slice()));
    let call = executeCall::abi_decode(&script[28..]).expect("a call of the agent");
    assert_eq!((call.target, call.ethValue), (world.rescue(), U256::from(5 * ETHER)));
    assert_eq!(call.data, data(&made["steps"][0]["data"]));
}

/// Signs as a device would that has only the file.
fn sign_offline(key: B256, transaction: &Value) -> String {
    let unsigned = data(&transaction["unsigned"]);
    let mut typed = TypedTransaction::Eip1559(
        alloy::rlp::Decodable::decode(&mut &unsigned[1..]).expect("a list of fields after its type"),
    );
    assert_eq!(typed.signature_hash().to_string(), transaction["signingHash"].as_str().expect("text"));
    let signer = PrivateKeySigner::from_bytes(&key).expect("a key");
    let signature = signer.sign_transaction_sync(&mut typed).expect("it signs");
    let envelope: alloy::consensus::TxEnvelope = typed.into_signed(signature).into();
    hex::encode_prefixed(envelope.encoded_2718())
}

#[tokio::test]
async fn a_cold_account_signs_offline_and_its_transactions_are_sent_once() {
    let world = World::with_rescue().await;
    let cold = world.address(BEN);
    let line = format!(
        "pledge 30 stETH --tier 2 --approve --terms rescue.toml --as {cold} --unsigned x.json --json"
    );
    let printed = world.levee(&line).json();
    let file = world.json_file("x.json");
    assert_eq!(printed, file);
    let transactions = file["transactions"].as_array().expect("a list");
    assert_eq!(transactions.iter().map(|one| one["nonce"].as_u64()).collect::<Vec<_>>(), [Some(0), Some(1)]);
    let signed: Vec<_> = transactions.iter().map(|one| sign_offline(world.key(BEN), one)).collect();
    world.write("signed.txt", &signed.join("\n"));
    let sent = world.levee("send signed.txt --yes --json").json();
    // And the approval, whose event is the token's.
    assert_eq!(names(&sent), ["Pledged"]);
    let (mark, again) = (world.mark().await, world.levee("send signed.txt --yes --json").json());
    assert_eq!((again, world.mark().await), (sent, mark));
    assert_eq!(world.booked(cold), [(2, "stETH".into(), (25 * ETHER).to_string())]);
}

#[tokio::test]
async fn a_nonce_that_was_used_is_noticed_before_anything_is_recorded() {
    let world = World::with_rescue().await;
    let line =
        format!("pledge 1 ETH --tier 0 --terms rescue.toml --as {} --unsigned x.json", world.address(ANN));
    world.levee(&line).ok();
    world.write("signed.txt", &sign_offline(world.key(ANN), &world.json_file("x.json")["transactions"][0]));
    world.by(ANN, "pledge 2 ETH --tier 0");
    let ran = world.levee("send signed.txt --yes");
    assert!(ran.stderr.contains("can never be included: ") && ran.code == Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.ends_with("hint: sign it again with nonce 1, if it is still wanted\n"),
        "{}",
        ran.stderr
    );
    assert!(!world.levee("journal list").ok().contains("send"));
}

#[tokio::test]
async fn what_is_no_signed_transaction_is_not_sent() {
    let world = World::start().await;
    world.write("signed.txt", "0x02");
    world.levee("send signed.txt --yes").assert_refused(
        "this is not a file of signed transactions: `0x02` is no signed transaction",
        "check the path, or ask whoever has sent it for another",
    );
    fs::write(world.directory().join("signed.txt"), [0xff]).expect("it is written");
    world
        .levee("send signed.txt --yes")
        .assert_refused("`signed.txt` is not valid UTF-8", "save it as UTF-8, or check the path");
}
