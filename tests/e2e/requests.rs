//! How often the command asks the node, and that it needs no node that runs code which it is sent.

use alloy::primitives::U256;
use levee::bindings::StETH;
use levee_lab::proxy::{OwnCode, Proxy};

use crate::support::{ANN, ANYONE, BEN, CAT, World};

/// A rescue with pledges of all assets, and with both pools.
async fn with_everything() -> World {
    let world = World::with_rescue().await;
    world.by(ANYONE, "bonus add 1 ETH");
    world.pledge_all();
    world
}

/// What a read of the rescue says through a proxy, and what it asked for.
fn read(world: &World, proxy: &Proxy, line: &str) -> (String, Vec<String>) {
    let line = format!("{line} --terms rescue.toml --json --rpc-url {}", proxy.url());
    (world.levee(&line).ok(), proxy.methods())
}

#[tokio::test]
async fn a_page_is_one_request() {
    let world = with_everything().await;
    let proxy = Proxy::start(&world.endpoint(), OwnCode::Runs);
    assert_eq!(read(&world, &proxy, "status").1, ["eth_call"]);
    for account in [ANN, BEN, CAT, ANYONE] {
        let line = format!("positions {}", world.address(account));
        // Also what it has added to the bonus.
        assert_eq!(read(&world, &proxy, &line).1, ["eth_call"; 2]);
    }
}

#[tokio::test]
async fn a_node_that_does_not_run_the_code_is_asked_plainly() {
    let world = with_everything().await;
    let pages = || {
        let positions = [ANN, BEN, CAT].map(|account| format!("positions {}", world.address(account)));
        [String::from("status")].into_iter().chain(positions)
    };
    let direct = Proxy::start(&world.endpoint(), OwnCode::Runs);
    let expected: Vec<_> = pages().map(|page| read(&world, &direct, &page).0).collect();
    let answers = [OwnCode::IsRefused, OwnCode::Returns("0x"), OwnCode::Returns("0x6080604052")];
    for own_code in answers {
        let proxy = Proxy::start(&world.endpoint(), own_code);
        for (page, expected) in pages().zip(&expected) {
            let (page, asked) = read(&world, &proxy, &page);
            assert_eq!(&page, expected, "{own_code:?}");
            assert!(asked.len() > 5, "{asked:?}");
        }
    }
}

/// The requests of a transaction: the first one of a command also asks for the nonce, that of the next block and that after what
/// waits for one.
const FIRST: [&str; 7] = [
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_getTransactionCount",
    "eth_getTransactionCount",
    "eth_sendRawTransaction",
    "eth_getTransactionReceipt",
    "eth_getBlockByNumber",
];
const NEXT: [&str; 5] = [FIRST[0], FIRST[1], FIRST[4], FIRST[5], FIRST[6]];

/// What a pledge asked for.
fn pledge(world: &World, proxy: &Proxy, line: &str, account: usize) -> Vec<String> {
    let line = format!("pledge {line} --terms rescue.toml --dev {account} --yes --rpc-url {}", proxy.url());
    world.levee(&line).ok();
    proxy.methods()
}

#[tokio::test]
async fn a_pledge_of_ether_is_eight_requests() {
    let world = World::with_rescue().await;
    let proxy = Proxy::start(&world.endpoint(), OwnCode::Runs);
    // The page, with the account.
    assert_eq!(pledge(&world, &proxy, "1 ETH --tier 0", ANN), [&["eth_call"], &FIRST[..]].concat());
}

#[tokio::test]
async fn a_pledge_of_a_token_reads_balance_and_allowance_at_once() {
    let world = World::with_rescue().await;
    let proxy = Proxy::start(&world.endpoint(), OwnCode::Runs);
    let calls = |count: usize| vec!["eth_call"; count];
    // The first transaction is simulated alone and then with the second.
    let two = || [&FIRST[..2], &["eth_simulateV1"], &FIRST[2..], &NEXT[..]].concat();
    // The page, with the account.
    let wrapped = pledge(&world, &proxy, "1 wstETH --tier 1 --approve", CAT);
    assert_eq!(wrapped, [calls(1), two()].concat());
    // Also the amount in shares, and what they are worth.
    let approved = pledge(&world, &proxy, "1 stETH --tier 1 --approve", BEN);
    assert_eq!(approved, [calls(3), two()].concat());
    let steth = StETH::new(world.steth, &world.chain);
    let approval = steth.approve(world.rescue(), U256::MAX).from(world.address(BEN));
    approval.send().await.expect("stETH takes it").get_receipt().await.expect("it is mined");
    let allowed = pledge(&world, &proxy, "1 stETH --tier 1", BEN);
    assert_eq!(allowed, [calls(3), FIRST.into()].concat());
}
