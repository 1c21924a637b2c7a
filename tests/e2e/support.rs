//! What every theme needs: a local chain with the models of Lido's tokens, a directory, and the binary run in both.
//!
//! The chain's clock starts at [`START`] and moves a second with each block, so that every page can be told exactly.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use alloy::{
    eips::BlockId,
    network::{Ethereum, EthereumWallet},
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, B256, U256, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder, ext::AnvilApi},
    signers::local::PrivateKeySigner,
};
use levee::bindings::{PledgeEscrow, StETH, WstETH};
use serde_json::Value;

#[path = "schema.rs"]
mod schema;

pub(crate) const LEVEE: &str = env!("CARGO_BIN_EXE_levee");
/// 2100-01-01T00:00:00Z: no clock that the tests run under comes near.
pub(crate) const START: u64 = 4_102_444_800;
pub(crate) const DAY: u64 = 86_400;
pub(crate) const HOUR: u64 = 3_600;
pub(crate) const ETHER: u128 = 10u128.pow(18);

/// Anvil's account that has no part in the rescue: it pays for what anyone may call.
pub(crate) const ANYONE: usize = 0;
/// Has ETH.
pub(crate) const ANN: usize = 1;
/// Has 100 shares of stETH too.
pub(crate) const BEN: usize = 2;
/// Has 100 wstETH too.
pub(crate) const CAT: usize = 3;
pub(crate) const GUARDIAN: usize = 4;
pub(crate) const BENEFICIARY: usize = 5;

/// The terms of most rescues here: 100 ETH, two tranches, a veto. Names in capitals are filled in.
const TERMS: &str = r#"chain = 31337
beneficiary = "BENEFICIARY"
guardian = "GUARDIAN"
steth = "WHOLE"
wsteth = "WRAPPED"
target = "100 ETH"
deadline = "2100-01-11T00:00:00Z"
latest_deadline = "2100-01-21T00:00:00Z"
objection_period = "1 day"
veto = "40 %"
tranches = 2
tranche_interval = "1 day"
release_window = "7 days"
exit_window = "2 days"
document = "terms.md"

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

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| {
            let text = String::from_utf8(bytes).expect("levee writes text");
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
            text
        };
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ran {
    /// What went to stdout, of a run that must have succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The result, of a run with `--json` that must have succeeded.
    pub(crate) fn json(self) -> Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Asserts that it was refused as something that the caller can fix, with nothing on stdout.
    pub(crate) fn assert_refused(&self, message: &str, hint: &str) {
        assert_eq!(self.stderr, format!("error: {message}\n\nhint: {hint}\n"));
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""));
    }
}

/// The binary with no variables but a home, and nobody at the keyboard.
pub(crate) fn levee(home: &Path) -> Command {
    let mut command = Command::new(LEVEE);
    command.env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

/// The words of a text: its layout does not count.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs it with the words of `line`.
pub(crate) fn run(command: &mut Command, line: &str) -> Ran {
    let words: Vec<_> = line.split_whitespace().collect();
    let ran = command.args(&words).output().expect("levee runs").into();
    schema::check(&words, &ran);
    ran
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the project.
pub(crate) fn project_file(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Starts a chain, which ends with the instance.
pub(crate) fn anvil(arguments: &[&str]) -> AnvilInstance {
    let program = std::env::var("ANVIL").expect("ANVIL, which .cargo/config.toml sets, is missing");
    let spawned = Anvil::at(&program).args(arguments).try_spawn();
    spawned.unwrap_or_else(|error| panic!("{program} does not run, it needs `npm ci`: {error}"))
}

/// A chain, and a directory with the terms of a rescue in `rescue.toml`.
pub(crate) struct World {
    anvil: AnvilInstance,
    directory: tempfile::TempDir,
    /// Signs for all of anvil's accounts; knows nothing of the binary.
    pub(crate) chain: DynProvider,
    /// The model of stETH: 1.2 ETH a share.
    pub(crate) steth: Address,
    /// The model of wstETH.
    pub(crate) wsteth: Address,
}

impl World {
    /// With tokens in the right hands, and terms that nobody has deployed.
    pub(crate) async fn start() -> Self {
        let anvil = anvil(&["--timestamp", &START.to_string()]);
        let keys = anvil.keys().iter().cloned().map(PrivateKeySigner::from);
        let mut wallet = EthereumWallet::default();
        keys.for_each(|key| wallet.register_signer(key));
        wallet.set_default_signer(anvil.addresses()[ANYONE]).expect("anvil has this account");
        let builder = ProviderBuilder::<_, _, Ethereum>::default();
        let filled = builder.with_gas_estimation().with_simple_nonce_management().fetch_chain_id();
        let chain = filled.wallet(wallet).connect_http(anvil.endpoint_url()).erased();
        chain.anvil_set_block_timestamp_interval(1).await.expect("anvil takes an interval");
        let (steth, wsteth) = deploy_lido(&chain).await;
        let directory = tempfile::tempdir().expect("a directory for the test");
        let world = Self { anvil, directory, chain, steth, wsteth };
        world.share_out().await;
        world.write("terms.md", "What was agreed.\n");
        world.write("rescue.toml", &world.terms());
        world
    }

    /// With the rescue of `rescue.toml` created.
    pub(crate) async fn with_rescue() -> Self {
        let world = Self::start().await;
        world.deploy();
        world
    }

    async fn share_out(&self) {
        let hundred = U256::from(100 * ETHER);
        let steth = StETH::new(self.steth, &self.chain);
        let wsteth = WstETH::new(self.wsteth, &self.chain);
        let in_steth = U256::from(120 * ETHER);
        for sent in [
            steth.transferShares(self.address(BEN), hundred).send().await,
            steth.approve(self.wsteth, in_steth).send().await,
            wsteth.wrap(in_steth).send().await,
            wsteth.transfer(self.address(CAT), hundred).send().await,
        ] {
            sent.expect("the models take it").get_receipt().await.expect("it is mined");
        }
    }

    /// The file of terms, filled in.
    pub(crate) fn terms(&self) -> String {
        TERMS
            .replace("BENEFICIARY", &self.address(BENEFICIARY).to_string())
            .replace("GUARDIAN", &self.address(GUARDIAN).to_string())
            .replace("WHOLE", &self.steth.to_string())
            .replace("WRAPPED", &self.wsteth.to_string())
    }

    /// The address of one of anvil's accounts.
    pub(crate) fn address(&self, account: usize) -> Address {
        self.anvil.addresses()[account]
    }

    /// The private key of one of anvil's accounts.
    pub(crate) fn key(&self, account: usize) -> B256 {
        B256::from_slice(&self.anvil.keys()[account].to_bytes())
    }

    /// Where the chain is reached.
    pub(crate) fn endpoint(&self) -> String {
        self.anvil.endpoint()
    }

    /// The directory that the binary runs in, which is its home too.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file there.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.directory().join(name), text).expect("the directory can be written to");
    }

    /// Writes the terms with `find` replaced, under another name.
    pub(crate) fn write_terms(&self, name: &str, find: &str, replace: &str) {
        let terms = self.terms();
        assert!(terms.contains(find), "the terms have no `{find}`");
        self.write(name, &terms.replacen(find, replace, 1));
    }

    /// The binary, which knows where the chain is.
    pub(crate) fn command(&self) -> Command {
        let mut command = levee(self.directory());
        command.env("LEVEE_RPC_URL", self.endpoint());
        command
    }

    /// Runs the words of `line`.
    pub(crate) fn levee(&self, line: &str) -> Ran {
        run(&mut self.command(), line)
    }

    /// Creates the rescue, paid by nobody in particular.
    pub(crate) fn deploy(&self) -> Value {
        self.levee(&format!("deploy rescue.toml --dev {ANYONE} --yes --json")).json()
    }

    /// Tries to do something to the rescue as one of anvil's accounts.
    pub(crate) fn try_by(&self, account: usize, line: &str) -> Ran {
        self.levee(&format!("{line} --terms rescue.toml --dev {account} --yes"))
    }

    /// Does something to the rescue as one of anvil's accounts.
    pub(crate) fn by(&self, account: usize, line: &str) -> Value {
        self.try_by(account, &format!("{line} --json")).json()
    }

    /// Ann 41 ETH into tier 0, Ben 30 stETH into tier 2, Cat 50 wstETH, worth 60 ETH, as a loan into tier 1.
    pub(crate) fn pledge_all(&self) {
        self.by(ANN, "pledge 41 ETH --tier 0");
        self.by(BEN, "pledge 30 stETH --tier 2 --approve");
        self.by(CAT, "pledge 50 wstETH --tier 1 --approve");
    }

    /// The rescue's page as JSON.
    pub(crate) fn status(&self) -> Value {
        self.levee("status --terms rescue.toml --json").json()
    }

    /// The rescue's page as text.
    pub(crate) fn page(&self) -> String {
        self.levee("status --terms rescue.toml").ok()
    }

    /// What an account has in the rescue, as JSON.
    pub(crate) fn positions(&self, account: usize) -> Value {
        let line = format!("positions {} --terms rescue.toml --json", self.address(account));
        self.levee(&line).json()["positions"].take()
    }

    /// Where the rescue of `rescue.toml` is.
    pub(crate) fn rescue(&self) -> Address {
        self.levee("address rescue.toml").ok().trim_end().parse().expect("an address")
    }

    /// Mines a block `seconds` after [`START`].
    pub(crate) async fn warp(&self, seconds: u64) {
        self.chain.anvil_set_next_block_timestamp(START + seconds).await.expect("the time is ahead");
        self.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    }

    /// What an account holds: wei, shares of stETH and units of wstETH. Asked of the chain, not of the binary.
    pub(crate) async fn holds(&self, account: Address) -> [u128; 3] {
        let wei = self.chain.get_balance(account).await;
        let shares = StETH::new(self.steth, &self.chain).sharesOf(account).call().await;
        let units = WstETH::new(self.wsteth, &self.chain).balanceOf(account).call().await;
        let held = [wei.expect("a balance"), shares.expect("shares"), units.expect("units")];
        held.map(|number| number.to())
    }

    /// What an account gained since it held `before`, which was no more.
    pub(crate) async fn gained(&self, account: usize, before: [u128; 3]) -> [u128; 3] {
        let now = self.holds(self.address(account)).await;
        std::array::from_fn(|asset| now[asset] - before[asset])
    }

    /// The pots by the contract's own word: tier, asset, total, drawn, delivered.
    pub(crate) async fn pots(&self) -> Vec<(u8, u8, u128, u128, u128)> {
        let escrow = PledgeEscrow::new(self.rescue(), &self.chain);
        let page = escrow.rescue().call().await.expect("it is a rescue");
        let pots = page.pots.iter();
        pots.map(|pot| (pot.tier, pot.asset, pot.total.to(), pot.drawn.to(), pot.delivered.to())).collect()
    }

    /// What the transactions of a result cost in wei.
    pub(crate) async fn fees(&self, result: &Value) -> u128 {
        let mut fees = 0;
        for sent in result["transactions"].as_array().expect("a list") {
            let hash = sent["transaction"].as_str().and_then(|text| text.parse().ok()).expect("a hash");
            let receipt = self.chain.get_transaction_receipt(hash).await.expect("anvil answers");
            let receipt = receipt.expect("it was mined");
            fees += u128::from(receipt.gas_used) * receipt.effective_gas_price;
        }
        fees
    }

    /// Changes with everything that is sent: the latest block and every account's nonce.
    pub(crate) async fn mark(&self) -> (B256, Vec<u64>) {
        let block = self.chain.get_block(BlockId::latest()).await.expect("anvil answers");
        let mut nonces = Vec::new();
        for account in self.anvil.addresses() {
            nonces.push(self.chain.get_transaction_count(*account).await.expect("anvil answers"));
        }
        (block.expect("there is a latest block").header.hash, nonces)
    }
}

async fn deploy_lido(chain: &DynProvider) -> (Address, Address) {
    let ether = |amount: u128| U256::from(amount * ETHER);
    let steth = StETH::deploy(chain, ether(1_000), ether(1_200)).await.expect("stETH can be created");
    let wsteth = WstETH::deploy(chain, *steth.address()).await.expect("wstETH can be created");
    (*steth.address(), *wsteth.address())
}

/// Keccak-256 of a text, as terms hashes are shown.
pub(crate) fn hash(text: &str) -> String {
    keccak256(text).to_string()
}

/// The events of a result's transactions, in order.
pub(crate) fn events(result: &Value) -> Vec<&Value> {
    let transactions = result["transactions"].as_array().expect("a list").iter();
    transactions.flat_map(|sent| sent["events"].as_array().expect("a list")).collect()
}

/// The names of these events.
pub(crate) fn names(result: &Value) -> Vec<&str> {
    events(result).iter().map(|event| event["event"].as_str().expect("a name")).collect()
}
