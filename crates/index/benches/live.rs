//! How long it takes to index pledges from a live anvil, and how much of that the node takes to answer. The last line is a figure and its
//! unit.

use std::{
    env,
    error::Error as StdError,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use alloy::{
    network::{Ethereum, TransactionBuilder as _},
    node_bindings::Anvil,
    primitives::{Address, Bytes, U256},
    providers::{DynProvider, Provider as _, ProviderBuilder, ext::AnvilApi as _},
    rpc::types::TransactionRequest,
    sol,
    sol_types::SolCall as _,
    transports::http::reqwest,
};
use levee::{
    Blueprint, CREATE2_DEPLOYER,
    model::{Bps, Terms, Tier, Wei},
};
use levee_index::{Indexer, Node, Source as _, Step, Store};
use levee_lab::source::{DEPLOYED, compile};

/// anvil's.
const CHAIN: u64 = 31_337;
/// Pledges in a transaction, and in a block: as many as the gas of a transaction allows (EIP-7825).
const IN_A_BLOCK: u64 = 250;
/// Where Ponder serves.
const PORT: &str = "42069";

sol! {
    function pledge(address escrow, uint256 first, uint256 count) external payable;
}

/// A rescue that accepts pledges.
fn terms(now: u64) -> Terms {
    Terms {
        beneficiary: Address::repeat_byte(1),
        guardian: Address::ZERO,
        steth: Address::ZERO,
        wsteth: Address::ZERO,
        target: Wei::new(1 << 94),
        deadline: now + 30 * 86_400,
        latest_deadline: now + 30 * 86_400,
        tiers: vec![Tier { threshold: Bps::new(10_000), draw_order: 0, rate: Bps::ZERO }],
        objection_period: 86_400,
        veto: Bps::ZERO,
        tranches: 1,
        tranche_interval: 0,
        release_window: 86_400,
        exit_window: 86_400,
        terms_hash: Default::default(),
    }
}

struct Chain {
    provider: DynProvider,
    from: Address,
}

impl Chain {
    async fn send(
        &self,
        to: Option<Address>,
        input: Bytes,
        value: u64,
    ) -> Result<Option<Address>, Box<dyn StdError>> {
        let request =
            TransactionRequest::default().from(self.from).input(input.into()).value(U256::from(value));
        let request = request.with_gas_limit(16_777_216);
        let request = if let Some(to) = to { request.with_to(to) } else { request.into_create() };
        let receipt = self.provider.send_transaction(request).await?.get_receipt().await?;
        if receipt.status() { Ok(receipt.contract_address) } else { Err("a transaction failed".into()) }
    }

    /// Creates a rescue, and fills it with pledges, each in the name of another.
    async fn fill(&self, events: u64) -> Result<Address, Box<dyn StdError>> {
        let now = self.provider.get_block(Default::default()).await?.ok_or("no block")?.header.timestamp;
        let escrow = Blueprint::escrow(&terms(now))?;
        let salt = escrow.edition().salt(escrow.contract());
        let creation = [salt.as_slice(), &escrow.init_code()].concat();
        self.send(Some(CREATE2_DEPLOYER), creation.into(), 0).await?;
        let crowd: Bytes = serde_json::from_value(
            compile(DEPLOYED, "crates/index/benches/Crowd.sol", "Crowd")?["bytecode"].take(),
        )?;
        let crowd = self.send(None, crowd, 0).await?.ok_or("it has no address")?;
        for first in (0..events).step_by(IN_A_BLOCK as usize) {
            let count = IN_A_BLOCK.min(events - first);
            let call =
                pledgeCall { escrow: escrow.address(), first: U256::from(first), count: U256::from(count) };
            self.send(Some(crowd), call.abi_encode().into(), 1_000 * count).await?;
        }
        Ok(escrow.address())
    }
}

#[expect(clippy::print_stdout, reason = "it is what a benchmark is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    let events = env::var("EVENTS").map_or(Ok(100_000), |events| events.parse())?;
    let anvil = Anvil::at(env::var("ANVIL")?).arg("--gas-limit").arg("30000000").try_spawn()?;
    let provider = ProviderBuilder::<_, _, Ethereum>::default().connect_http(anvil.endpoint_url()).erased();
    let chain = Chain { provider: provider.clone(), from: anvil.addresses()[0] };
    let escrow = chain.fill(events).await?;
    // All of it is final, as almost all of a chain's history is.
    provider.anvil_mine(Some(400), None).await?;
    let directory = tempfile::tempdir()?;
    let store = Store::open(&directory.path().join("index.db").display().to_string()).await?;
    let begun = Instant::now();
    let mut indexer = Indexer::new(Node::new(provider.clone()), store.clone(), CHAIN, 0);
    let mut added = 0;
    loop {
        match indexer.step().await? {
            Step::Indexed(step) => added += step.progress.logs,
            Step::UpToDate(_) => break,
            step => return Err(format!("{step:?}").into()),
        }
    }
    let took = begun.elapsed();
    assert_eq!(added, events + 1, "the rescue's creation, and a pledge of each");
    let asked = asking(&Node::new(provider)).await?;
    println!("{events} pledges in {} blocks", events.div_ceil(IN_A_BLOCK));
    println!(
        "{:.1} s by Ponder, until it answers",
        ponder(&anvil.endpoint(), escrow, events).await?.as_secs_f64()
    );
    println!("{:.1} s to ask the node for them once more, and do nothing with them", asked.as_secs_f64());
    println!("{:.1} s", took.as_secs_f64());
    Ok(())
}

/// How long a node takes to give the logs of all final blocks.
async fn asking(node: &Node<DynProvider>) -> Result<Duration, Box<dyn StdError>> {
    let begun = Instant::now();
    drop(node.logs(0, node.tip().await?.finalized).await?);
    Ok(begun.elapsed())
}

/// How long Ponder takes until it has the same logs and positions: its server then says that it is ready.
async fn ponder(node: &str, escrow: Address, events: u64) -> Result<Duration, Box<dyn StdError>> {
    let directory = env::var("PONDER")?;
    drop(fs::remove_dir_all(Path::new(&directory).join(".ponder")));
    let begun = Instant::now();
    let mut server = Command::new(Path::new(&directory).join("node_modules/.bin/ponder"))
        .args(["start", "--schema", "levee", "--port", PORT, "--log-level", "error"])
        .current_dir(&directory)
        .env("RPC_URL", node)
        .env("ESCROW", escrow.to_string())
        .env("PONDER_TELEMETRY_DISABLED", "true")
        .spawn()?;
    while get("ready").await.is_none() {
        if let Some(status) = server.try_wait()? {
            return Err(format!("ponder ended: {status}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begun.elapsed();
    let count = get("count").await;
    server.kill()?;
    server.wait()?;
    assert_eq!(count, Some(events.to_string()), "it has the same pledges");
    Ok(took)
}

/// What its server answers, if it does.
async fn get(path: &str) -> Option<String> {
    let answer = reqwest::get(format!("http://127.0.0.1:{PORT}/{path}")).await.ok()?;
    answer.error_for_status().ok()?.text().await.ok()
}
