//! What is reached over the network: each node, the chain, an account, a rescue.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
    providers::{DynProvider, Provider},
    rpc::types::simulate::{SimBlock, SimulatePayload},
};
use eyre::Result;
use levee::{
    Blueprint, CREATE2_DEPLOYER, Contract, Error, Network, Snapshot, TokenView,
    bindings::StETH,
    model::{Asset, Wei},
    provider::LOCAL_CHAIN,
};

use super::{Checkup, DoctorArgs};
use crate::{
    account, amount,
    connection::{Connection, Node},
    error::UserError,
    time,
};

const ANOTHER_NODE: &str = "use another node for that";

pub(super) async fn look(checkup: &mut Checkup, args: &DoctorArgs) {
    let nodes = match args.network.one_by_one() {
        Ok(nodes) => nodes,
        Err(report) => return checkup.fail("node", &report),
    };
    let mut working = None;
    for (url, node) in nodes {
        if let Some(connection) = look_at_node(checkup, url.to_string(), node).await {
            working.get_or_insert(connection);
        }
    }
    let Some(connection) = working else { return };
    look_at_chain(checkup, &connection).await;
    let keystore = args.account.require_keystore();
    let account = args.account.likely().or_else(|| account::expected().ok().flatten());
    match account {
        Some(account) => look_at_account(checkup, &connection, account).await,
        None if keystore.is_err() => {}
        None if args.account.is_named() => checkup.warn(
            "account",
            "which one it is cannot be told without its password or its device",
            "set the variable ETH_FROM to its address",
        ),
        None => checkup.warn(
            "account",
            "none is given",
            "use `--account NAME` (Foundry's keystores), `--keystore PATH` or the variable ETH_FROM",
        ),
    }
    if let Err(error) = keystore {
        checkup.fail("account", &error.into());
    }
    if args.rescue.is_given() {
        match args.rescue.read(&args.network, account).await {
            Ok((_, snapshot)) => look_at_rescue(checkup, &snapshot, account),
            Err(report) => checkup.fail("rescue", &report),
        }
    }
}

/// A node by itself; none if it does not work.
async fn look_at_node(checkup: &mut Checkup, name: String, node: Node) -> Option<Connection> {
    let connection = match node.connect().await {
        Ok(connection) => connection,
        Err(report) => {
            checkup.fail("node", &report.wrap_err(name));
            return None;
        }
    };
    let version = connection.provider.get_client_version().await.unwrap_or_else(|_| "unknown program".into());
    match connection.current_block().await {
        Ok((number, time)) => {
            let age = age(connection.chain, time);
            checkup.ok("node", format!("{name}: {version}, chain {}, block {number}{age}", connection.chain));
        }
        Err(report) => checkup.fail("node", &report.wrap_err(name)),
    }
    look_at_methods(checkup, &connection.provider).await;
    Some(connection)
}

/// How old a block is by this machine's clock. That of a local chain may have any time.
fn age(chain: u64, block: u64) -> String {
    let now = time::clock();
    match chain {
        LOCAL_CHAIN => String::new(),
        _ if block > now => format!(", {} ahead of this machine's clock", time::duration(block - now)),
        _ => format!(", {} old by this machine's clock", time::duration(now.saturating_sub(block))),
    }
}

/// What not every node offers, and not every command needs.
async fn look_at_methods(checkup: &mut Checkup, provider: &DynProvider) {
    let payload =
        SimulatePayload { block_state_calls: vec![SimBlock::default()], ..SimulatePayload::default() };
    let offered = [
        (
            provider.simulate(&payload).await.is_ok(),
            "eth_simulateV1",
            "plans of several transactions are shown without all fees",
        ),
        (
            provider.get_proof(CREATE2_DEPLOYER, Vec::new()).await.is_ok(),
            "eth_getProof",
            "`levee verify` needs it",
        ),
        (
            matches!(provider.get_block(BlockId::finalized()).await, Ok(Some(_))),
            "finalized blocks",
            "`--finalized` needs them",
        ),
    ];
    for (_, what, why) in offered.iter().filter(|(is_offered, ..)| !is_offered) {
        checkup.warn("node", format!("it does not offer {what}: {why}"), ANOTHER_NODE);
    }
    if offered.iter().all(|(is_offered, ..)| *is_offered) {
        checkup.ok("methods", offered.map(|(_, what, _)| what).join(", "));
    }
}

async fn look_at_chain(checkup: &mut Checkup, connection: &Connection) {
    let (provider, chain) = (&connection.provider, connection.chain);
    let network = Network::of(chain);
    match network {
        Some(network) => checkup.ok("network", format!("{}, chain {chain}", network.name)),
        None => checkup.warn(
            "network",
            format!("chain {chain}"),
            "check the tokens in its terms yourself: Lido's are not known there",
        ),
    }
    checkup.found("contracts", contracts(provider, network).await);
    if let Some((steth, _)) = network.and_then(Network::lido) {
        checkup.found("Lido", rate(provider, steth).await);
    }
}

/// What belongs to no rescue, and whether it is there.
async fn contracts(provider: &DynProvider, network: Option<&Network>) -> Result<String> {
    let deployer = provider.get_code_at(CREATE2_DEPLOYER).await.map_err(Error::from)?;
    if deployer.is_empty() {
        return Err(Error::NoDeployer.into());
    }
    let mut all = vec![Blueprint::board()];
    all.extend(network.map(|network| {
        let tokens = network.tokens;
        Blueprint::router(tokens.weth, tokens.steth, tokens.wsteth)
    }));
    let mut found = vec!["the deployer".to_owned()];
    for blueprint in all {
        let contract: Contract = blueprint.contract();
        let is_missing = !blueprint.exists(provider).await?;
        let state = if is_missing { " (not created yet: a command that needs it creates it)" } else { "" };
        found.push(format!("the {contract}{state}"));
    }
    Ok(found.join(", "))
}

/// The worth of a share of stETH.
async fn rate(provider: &DynProvider, steth: Address) -> Result<String> {
    let share = U256::from(10).pow(U256::from(18));
    let worth = StETH::new(steth, provider).getPooledEthByShares(share).call().await.map_err(|_| {
        UserError::new(format!("stETH `{steth}` does not tell what a share is worth"))
            .hint("pledges of stETH and wstETH may fail until it does")
    })?;
    Ok(format!("a share of stETH is worth {}", amount::eth(Wei::new(worth.saturating_to()))))
}

async fn look_at_account(checkup: &mut Checkup, connection: &Connection, account: Address) {
    match holdings(&connection.provider, account).await {
        Ok((Wei::ZERO, _)) => {
            checkup.warn("account", format!("{account} has 0 ETH"), "send it some, to pay for gas");
        }
        Ok((balance, 0)) => checkup.ok("account", format!("{account} has {}", amount::eth(balance))),
        Ok((balance, pending)) => checkup.warn(
            "account",
            format!("{account} has {} and {pending} pending", amount::eth(balance)),
            "wait for what is pending, or raise its price with `levee journal bump`",
        ),
        Err(report) => checkup.fail("account", &report),
    }
}

/// The account's ETH, and how many of its transactions wait to be included.
async fn holdings(provider: &DynProvider, account: Address) -> Result<(Wei, u64)> {
    let balance = provider.get_balance(account).await.map_err(Error::from)?;
    let mined = provider.get_transaction_count(account).await.map_err(Error::from)?;
    let all = provider.get_transaction_count(account).pending().await.unwrap_or(mined);
    Ok((Wei::new(balance.saturating_to()), all.saturating_sub(mined)))
}

/// A rescue that was read, and so is genuine, with Lido's tokens where these are known.
fn look_at_rescue(checkup: &mut Checkup, snapshot: &Snapshot, account: Option<Address>) {
    let (address, status) = (snapshot.contracts.escrow, snapshot.rescue.status);
    checkup.ok("rescue", format!("{address} is genuine: edition {}, {status}", snapshot.edition));
    let Some(account) = account else { return };
    let tokens = [(Asset::StEth, snapshot.account.steth), (Asset::WstEth, snapshot.account.wsteth)];
    let holdings: Vec<_> = tokens.iter().filter_map(|(asset, token)| holding(*asset, token)).collect();
    if !holdings.is_empty() {
        checkup.ok("tokens", format!("{account} has {}", holdings.join(", ")));
    }
}

/// `5 wstETH, of which the rescue may take 2`.
fn holding(asset: Asset, token: &TokenView) -> Option<String> {
    let number = |number: U256| levee::display::decimal(number.saturating_to());
    let (balance, allowance) = (number(token.balance?), number(token.escrow_allowance?));
    Some(format!("{balance} {asset}, of which the rescue may take {allowance}"))
}
