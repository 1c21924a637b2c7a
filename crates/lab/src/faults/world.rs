//! The chain of a run: an anvil with rescues in which Ann has something to do.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, B256, Bytes, U256, hex, keccak256},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use eyre::{Result, WrapErr, ensure};
use levee::CREATE2_DEPLOYER;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    node::{Node, number},
    plan::Popup,
    process::Victim,
    wallet::Wallet,
};
use crate::{
    lido::{StETH, WstETH, init_code},
    proxy::ask,
};

/// No chain that the command knows, because it makes exceptions for anvil's usual one.
pub(super) const CHAIN: u64 = 7357;

/// More blocks than a reorganization replaces.
const DEPTH: u64 = 66;

/// How many states of blocks anvil keeps in memory: all of them. By default, it writes old ones to disk and reads them back without
/// the code of contracts, so that there is no contract any more after a reorganization to such a block.
const HISTORY: &str = "100000";

const ETHER: u128 = 10u128.pow(18);
const GWEI: u128 = 10u128.pow(9);

/// A rescue's terms. Names in capitals are filled in.
const TERMS: &str = r#"chain = 7357
beneficiary = "0x000000000000000000000000000000000000beef"
guardian = "GUARDIAN"
steth = "WHOLE"
wsteth = "WRAPPED"
target = "TARGET ETH"
deadline = "2100-01-11T00:00:00Z"
latest_deadline = "2100-01-21T00:00:00Z"
objection_period = "1 second"
veto = "40 %"
tranches = 1
tranche_interval = "1 day"
release_window = "7 days"
exit_window = "2 days"
terms_hash = "0x5555555555555555555555555555555555555555555555555555555555555555"

[[tier]]
threshold = "50 %"
order = 0
rate = "0 %"

[[tier]]
threshold = "50 %"
order = 1
rate = "3.8 %"

[[tier]]
threshold = "100 %"
order = 0
rate = "0 %"
"#;

/// The chain behind all nodes, asked without a fault.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    url: String,
    ann: PrivateKeySigner,
    /// The receipt of a transaction that is none of the commands'.
    other: Arc<Value>,
}

/// A chain with an open, a failed and a settled rescue, and the command in a directory of its own.
#[derive(Debug)]
pub(super) struct World {
    _anvil: AnvilInstance,
    levee: PathBuf,
    directory: TempDir,
    keys: [PrivateKeySigner; 2],
    /// What everything is read from that a verdict needs.
    pub(super) chain: Chain,
    snapshot: Value,
    /// The node of the first process, that of the second, and one that works.
    pub(super) nodes: [Node; 3],
    /// Of the open, the failed and the settled rescue.
    pub(super) rescues: [Address; 3],
}

/// The files of terms, in the order of [`World::rescues`], and their targets in ETH.
pub(super) const RESCUES: [(&str, u32); 3] =
    [("open.toml", 1_000), ("failed.toml", 900), ("settled.toml", 100)];

impl World {
    /// Starts anvil, and brings the rescues into their states with the command `levee`.
    pub(super) fn start(levee: &Path) -> Result<Self> {
        let anvil = anvil()?;
        // Anvil's own keys are public, so the command refuses them here.
        let keys = ["Ann", "guardian"].map(|name| {
            PrivateKeySigner::from_bytes(&keccak256(format!("the fault campaign's {name}")))
                .expect("a hash is a key")
        });
        let mut chain = Chain { url: anvil.endpoint(), ann: keys[0].clone(), other: Arc::default() };
        for key in &keys {
            let wealth = U256::from(10_000 * ETHER);
            chain.call("anvil_setBalance", json!([key.address(), wealth]));
        }
        let (tokens, other) = chain.deploy_lido(anvil.addresses()[0]);
        chain.other = Arc::new(other);
        let nodes = std::array::from_fn(|_| Node::start(&chain));
        let directory = TempDir::new()?;
        for (name, target) in RESCUES {
            let terms = TERMS
                .replace("GUARDIAN", &keys[1].address().to_string())
                .replace("WHOLE", &tokens[0].to_string())
                .replace("WRAPPED", &tokens[1].to_string())
                .replace("TARGET", &target.to_string());
            fs::write(directory.path().join(name), terms)?;
        }
        let mut world = Self {
            levee: levee.to_owned(),
            directory,
            keys,
            nodes,
            snapshot: Value::Null,
            rescues: [Address::ZERO; 3],
            _anvil: anvil,
            chain,
        };
        world.prepare()?;
        world.snapshot = world.chain.call("evm_snapshot", json!([]));
        Ok(world)
    }

    fn prepare(&mut self) -> Result<()> {
        for (rescue, (name, _)) in RESCUES.iter().enumerate() {
            self.rescues[rescue] = self.read(&format!("address {name}"))?.parse()?;
            self.set_up(1, &format!("deploy {name}"))?;
        }
        self.set_up(1, "bonus add 1 ETH --terms open.toml")?;
        self.set_up(0, "pledge 3 ETH --tier 0 --terms failed.toml")?;
        self.set_up(1, "cancel --terms failed.toml")?;
        self.set_up(0, "pledge 100 ETH --tier 0 --terms settled.toml")?;
        self.set_up(1, "settle --terms settled.toml")
    }

    /// Back to how it was when it started, but for the clock; the number of the block that it then had.
    pub(super) fn reset(&mut self) -> u64 {
        self.nodes.iter().for_each(Node::work);
        self.chain.call("evm_setAutomine", json!([true]));
        let reverted = self.chain.call("evm_revert", json!([self.snapshot]));
        assert_eq!(reverted, json!(true), "anvil has lost its snapshot");
        self.snapshot = self.chain.call("evm_snapshot", json!([]));
        let height = self.chain.height();
        self.chain.catch_up();
        self.chain.mine(DEPTH);
        self.nodes.iter().for_each(|node| drop(node.sent()));
        height
    }

    /// A directory for one run's journal.
    pub(super) fn journal(&self) -> Result<TempDir> {
        Ok(TempDir::new_in(self.directory.path())?)
    }

    /// The command with these words, for Ann, with a journal, without nodes.
    pub(super) fn command(&self, line: &str, journal: &TempDir) -> Command {
        self.of(0, line, &journal.path().join("journal.db"))
    }

    /// A wallet with Ann's account.
    pub(super) fn wallet(&self, popups: &[Popup]) -> Wallet {
        Wallet::new(self.chain.clone(), self.keys[0].clone(), popups)
    }

    fn of(&self, key: usize, line: &str, journal: &Path) -> Command {
        let mut command = Command::new(&self.levee);
        command.env_clear().env("HOME", self.directory.path()).current_dir(self.directory.path());
        command.env("LEVEE_PRIVATE_KEY", hex::encode_prefixed(self.keys[key].to_bytes()));
        command.env("LEVEE_JOURNAL", journal).args(line.split_whitespace());
        command
    }

    fn set_up(&self, key: usize, line: &str) -> Result<()> {
        let line = format!("{line} --yes --rpc-url {}", self.chain.url);
        let ran =
            Victim::default().run(self.of(key, &line, &self.directory.path().join("before.db")), |_| {})?;
        ensure!(ran.succeeded(), "the world cannot be set up: {ran}");
        Ok(())
    }

    fn read(&self, line: &str) -> Result<String> {
        let output = self.of(0, line, &self.directory.path().join("before.db")).output();
        let output = output.wrap_err_with(|| format!("`{}` does not run", self.levee.display()))?;
        ensure!(output.status.success(), "`{line}` fails: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

fn anvil() -> Result<AnvilInstance> {
    let program = env::var("ANVIL").unwrap_or_else(|_| "anvil".into());
    let anvil =
        Anvil::at(&program).args(["--chain-id", &CHAIN.to_string(), "--prune-history", HISTORY]).try_spawn();
    anvil.wrap_err_with(|| format!("`{program}` does not run; `make setup` installs it"))
}

impl Chain {
    /// Where it is reached.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The whole answer to a request.
    pub(super) fn ask(&self, request: &Value) -> Value {
        ask(&self.url, request)
    }

    /// What it says, where it must say something.
    pub(super) fn call(&self, method: &str, params: Value) -> Value {
        let mut answer = self.try_call(method, params);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].take()
    }

    /// The same where it may refuse.
    pub(super) fn try_call(&self, method: &str, params: Value) -> Value {
        self.ask(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
    }

    /// Makes so many blocks, at once.
    pub(super) fn mine(&self, blocks: u64) {
        self.call("anvil_mine", json!([blocks, 0]));
    }

    /// Replaces the last `depth` blocks by others with only the transactions `raws`.
    pub(super) fn reorganize(&self, depth: u8, raws: &[Value]) {
        let first = self.height().saturating_sub(depth.into());
        let is_replaced = |raw: &&Value| {
            let hash = raw.as_str().and_then(|raw| hex::decode(raw).ok()).map(keccak256);
            let receipt = self.call("eth_getTransactionReceipt", json!([hash]));
            number(&receipt["blockNumber"]) > first
        };
        let mut back: Vec<_> = raws.iter().filter(is_replaced).map(|raw| json!([raw, 0])).collect();
        back.dedup();
        self.call("anvil_reorg", json!([depth, back]));
    }

    /// A transaction of Ann's that has nothing to do with the commands.
    pub(super) fn send_as_ann(&self) {
        let mut transaction = TxEip1559 {
            chain_id: CHAIN,
            nonce: self.count("pending"),
            gas_limit: 21_000,
            max_fee_per_gas: 10 * GWEI,
            max_priority_fee_per_gas: GWEI,
            to: self.ann.address().into(),
            ..TxEip1559::default()
        };
        let signature = self.ann.sign_transaction_sync(&mut transaction).expect("it has a key");
        let raw = hex::encode_prefixed(transaction.into_signed(signature).encoded_2718());
        self.try_call("eth_sendRawTransaction", json!([raw]));
        self.mine(1);
    }

    /// How many transactions Ann has sent, up to a block.
    fn count(&self, block: &str) -> u64 {
        number(&self.call("eth_getTransactionCount", json!([self.ann.address(), block])))
    }

    /// How many transactions Ann has sent.
    pub(super) fn nonce(&self) -> u64 {
        self.count("latest")
    }

    /// The number of the latest block.
    pub(super) fn height(&self) -> u64 {
        number(&self.call("eth_blockNumber", json!([])))
    }

    /// Whether a transaction is in a block, and succeeded.
    pub(super) fn has(&self, hash: &Value) -> bool {
        self.call("eth_getTransactionReceipt", json!([hash]))["status"] == "0x1"
    }

    /// What is told of a transaction that is none of the commands'.
    pub(super) fn receipt_of_another(&self) -> Value {
        Value::clone(&self.other)
    }

    /// A transaction that is none of the commands', nor Ann's.
    pub(super) fn another_transaction(&self) -> Value {
        self.call("eth_getTransactionByHash", json!([self.other["transactionHash"]]))
    }

    /// Fails if it has lost a contract that no transaction can remove: then it says nothing about the commands.
    pub(super) fn require_contracts(&self) -> Result<()> {
        let code = self.call("eth_getCode", json!([CREATE2_DEPLOYER, "latest"]));
        ensure!(code != json!("0x"), "anvil has lost its contracts");
        Ok(())
    }

    /// The events with this signature since the block `since`.
    pub(super) fn events(&self, signature: B256, since: u64) -> Vec<Value> {
        let filter =
            json!([{ "fromBlock": format!("{since:#x}"), "toBlock": "latest", "topics": [signature] }]);
        self.call("eth_getLogs", filter).as_array().cloned().unwrap_or_default()
    }

    /// Its clock shows no less than this machine's.
    fn catch_up(&self) {
        let latest = number(&self.call("eth_getBlockByNumber", json!(["latest", false]))["timestamp"]);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        self.call("evm_setTime", json!([now.max(latest + 1)]));
    }

    /// Creates both tokens, and gives Ann stETH. The tokens, and the receipt of that.
    fn deploy_lido(&self, deployer: Address) -> ([Address; 2], Value) {
        let ether = |amount: u128| U256::from(amount * ETHER);
        let steth = StETH::constructorCall { totalShares: ether(1_000), totalPooledEther: ether(1_200) };
        let steth = self.create(deployer, init_code(&StETH::BYTECODE, &steth));
        let wsteth =
            self.create(deployer, init_code(&WstETH::BYTECODE, &WstETH::constructorCall { stETH_: steth }));
        let gift = StETH::transferSharesCall { to: self.ann.address(), shares: ether(100) };
        let given =
            self.send(json!({ "from": deployer, "to": steth, "data": Bytes::from(gift.abi_encode()) }));
        ([steth, wsteth], given)
    }

    fn create(&self, deployer: Address, code: Bytes) -> Address {
        let created = self.send(json!({ "from": deployer, "data": code }));
        created["contractAddress"].as_str().and_then(|text| text.parse().ok()).expect("it is created")
    }

    fn send(&self, transaction: Value) -> Value {
        let hash = self.call("eth_sendTransaction", json!([transaction]));
        // It is answered before the block is made.
        self.mine(1);
        self.call("eth_getTransactionReceipt", json!([hash]))
    }
}
