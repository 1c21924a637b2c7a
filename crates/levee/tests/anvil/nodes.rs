//! Nodes that fail, lag or lie, and what a provider makes of them.

use std::{
    iter,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use crate::environment::{CHAIN, ETHER, Environment, pledge};
use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    node_bindings::Anvil,
    primitives::{Address, Bytes, U256, keccak256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    transports::TransportError,
};
use eyre::{Result, WrapErr as _};
use levee::{
    Error, RedactedUrl,
    model::{Amount, Wei},
    provider::{self, LOCAL_CHAIN, Nodes},
};
use levee_lab::proxy::{Proxy, Reply};
use serde_json::{Value, json};
use tokio::{sync::mpsc::unbounded_channel, time::timeout};

/// Long enough for some pauses.
const PATIENCE: Duration = Duration::from_secs(60);

fn nodes(urls: &[&str]) -> Result<Nodes> {
    let urls: Vec<RedactedUrl> = urls.iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
    Ok(Nodes::new(urls)?.with_patience(PATIENCE))
}

/// A proxy that replies with `first`, and then lets the node answer.
fn once(node: &str, first: Reply) -> Proxy {
    let mut replies = iter::once(first);
    Proxy::replying(node, move |_| replies.next().unwrap_or(Reply::Node))
}

/// A proxy that replies to each request of `method` alike.
fn always(node: &str, method: &'static str, reply: Reply) -> Proxy {
    Proxy::replying(
        node,
        move |request| if request["method"] == method { reply.clone() } else { Reply::Node },
    )
}

fn reason(error: TransportError) -> Error {
    error.into()
}

#[tokio::test]
async fn a_fault_that_passes_costs_one_more_request() -> Result<()> {
    let env = Environment::start().await?;
    for fault in [
        Reply::Status(429, "retry-after: 0\n", "slow down"),
        Reply::Status(429, "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\n", ""),
        Reply::Status(429, "", r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32097,"message":"no"}}"#),
        Reply::Status(408, "", ""),
        Reply::Status(500, "", ""),
        Reply::Status(502, "", "<html>Bad Gateway</html>"),
        Reply::Status(503, "", ""),
        Reply::Status(504, "", ""),
        Reply::Status(200, "", "<html>Welcome</html>"),
        Reply::Status(200, "", ""),
        Reply::Error(-32005, "limit exceeded"),
        Reply::Error(-32000, "transaction indexing is in progress"),
        Reply::OtherId(json!("0x1")),
        Reply::Result(Value::Null),
        Reply::Cut,
        Reply::Lost,
    ] {
        let proxy = once(&env.endpoint(), fault.clone());
        let chain = nodes(&[proxy.url()])?.read_only().get_chain_id().await;
        assert_eq!((chain.map_err(reason), proxy.methods().len()), (Ok(CHAIN), 2), "{fault:?}");
    }
    // Mined once, although nobody was told.
    let proxy = once(&env.endpoint(), Reply::Lost);
    assert!(nodes(&[proxy.url()])?.read_only().anvil_mine(Some(1), None).await.is_err());
    assert_eq!(proxy.methods().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_fault_that_stays_is_told_at_once() -> Result<()> {
    let env = Environment::start().await?;
    for fault in [
        Reply::Error(3, "execution reverted"),
        Reply::Error(-32000, "insufficient funds for gas * price + value"),
        Reply::Error(-32601, "the method eth_chainId does not exist"),
        Reply::Error(-32602, "invalid params"),
        Reply::Status(401, "", "no key"),
        Reply::Status(500, "", r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"no"}}"#),
    ] {
        let proxy = once(&env.endpoint(), fault.clone());
        let failed = nodes(&[proxy.url()])?.read_only().get_chain_id().await;
        assert!(failed.is_err(), "{fault:?}");
        assert_eq!(proxy.methods(), ["eth_chainId"], "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn patience_ends() -> Result<()> {
    let env = Environment::start().await?;
    let proxy = always(&env.endpoint(), "eth_chainId", Reply::Silence);
    let url = format!("{}/some-secret", proxy.url());
    assert_eq!(
        nodes(&[&env.endpoint()])?.with_patience(Duration::MAX).read_only().get_chain_id().await?,
        CHAIN
    );
    let hurried = nodes(&[&url])?.with_patience(Duration::from_millis(300)).read_only();
    let error = reason(hurried.get_chain_id().await.unwrap_err());
    let Error::NoAnswer { method, nodes: asked, requests, waited, .. } = &error else { panic!("{error}") };
    assert_eq!((method.as_str(), asked, *requests), ("eth_chainId", &format!("{}/…", proxy.url()), 1));
    assert!(*waited >= Duration::from_millis(300), "{waited:?}");
    assert!(
        error.to_string().ends_with("the last reason: no answer within 0.3 s") || *requests == 1,
        "{error}"
    );
    assert!(!error.is_users());

    // There is no use in waiting for less than a node asks for.
    for wait in [
        "retry-after: 3600\n",
        "retry-after: 18446744073709551615\n",
        "retry-after: Fri, 01 Jan 2100 00:00:00 GMT\n",
    ] {
        let proxy = always(&env.endpoint(), "eth_chainId", Reply::Status(429, wait, ""));
        let error = reason(nodes(&[proxy.url()])?.read_only().get_chain_id().await.unwrap_err());
        assert!(matches!(error, Error::NoAnswer { requests: 1, .. }), "{error}");
        assert_eq!(proxy.methods(), ["eth_chainId"]);
    }
    Ok(())
}

#[tokio::test]
async fn another_node_takes_over() -> Result<()> {
    let env = Environment::start().await?;
    for fault in [Reply::Status(503, "", ""), Reply::Cut, Reply::Status(403, "", "no key")] {
        let broken = Proxy::replying(&env.endpoint(), move |_| fault.clone());
        let whole = Proxy::replying(&env.endpoint(), |_| Reply::Node);
        let provider = nodes(&["http://127.0.0.1:1", broken.url(), whole.url()])?.read_only();
        assert_eq!(provider.get_chain_id().await?, CHAIN);
        assert_eq!((broken.methods().len(), whole.methods().len()), (1, 1));
        // The node that answered is asked first from then on.
        provider.get_balance(env.bob()).await?;
        assert_eq!((broken.methods().len(), whole.methods().len()), (0, 1));
    }
    let error = reason(
        nodes(&["http://127.0.0.1:1", "http://127.0.0.1:2"])?.read_only().get_chain_id().await.unwrap_err(),
    );
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(Nodes::new([]).unwrap_err(), Error::TooFewNodes { quorum: 1, nodes: 0 });
    Ok(())
}

/// A transaction of Bob's, signed and not sent.
async fn raw(env: &Environment) -> Result<Bytes> {
    let fees = env.provider.estimate_eip1559_fees().await?;
    let request = TransactionRequest::default()
        .from(env.bob())
        .to(env.alice())
        .value(U256::from(1))
        .gas_limit(21_000)
        .max_fee_per_gas(fees.max_fee_per_gas)
        .max_priority_fee_per_gas(fees.max_priority_fee_per_gas)
        .nonce(env.provider.get_transaction_count(env.bob()).await?)
        .with_chain_id(CHAIN);
    // The node has the keys.
    Ok(nodes(&[&env.endpoint()])?.read_only().sign_transaction(request).await?)
}

#[tokio::test]
async fn a_transaction_goes_to_all_nodes_and_one_is_enough() -> Result<()> {
    let env = Environment::start().await?;
    for refusal in [Reply::Error(-32000, "transaction underpriced"), Reply::Cut, Reply::Node] {
        let (tell, mut told) = unbounded_channel();
        let one = Proxy::replying(&env.endpoint(), move |request| {
            if request["method"] != "eth_sendRawTransaction" {
                return Reply::Node;
            }
            // Nobody listens to a repetition.
            let _ = tell.send(());
            refusal.clone()
        });
        let other = Proxy::replying(&env.endpoint(), |_| Reply::Node);
        let sent =
            nodes(&[one.url(), other.url()])?.read_only().send_raw_transaction(&raw(&env).await?).await?;
        sent.get_receipt().await?;
        // The other may accept it, and include it, before this one is told.
        timeout(Duration::from_secs(30), told.recv()).await?.expect("it was told the transaction");
    }
    let refusing =
        || always(&env.endpoint(), "eth_sendRawTransaction", Reply::Error(-32000, "transaction underpriced"));
    let (one, other) = (refusing(), refusing());
    let failed = nodes(&[one.url(), other.url()])?.read_only().send_raw_transaction(&raw(&env).await?).await;
    assert!(failed.unwrap_err().to_string().contains("underpriced"));
    assert_eq!((one.methods().len(), other.methods().len()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_transaction_whose_answer_was_lost_is_sent_once() -> Result<()> {
    let env = Environment::start().await?;
    env.provider.anvil_set_auto_mine(false).await?;
    let proxy = once(&env.endpoint(), Reply::Lost);
    let raw = raw(&env).await?;
    let sent = nodes(&[proxy.url()])?.read_only().send_raw_transaction(&raw).await?;
    assert_eq!(*sent.tx_hash(), keccak256(&raw));
    let sent: Vec<_> = proxy.requests().iter().map(|request| request["params"].clone()).collect();
    assert_eq!(sent, [sent[0].clone(), sent[0].clone()]);
    Ok(())
}

#[tokio::test]
async fn a_node_without_a_pending_block_is_asked_about_the_latest() -> Result<()> {
    let env = Environment::start().await?;
    let escrow = env.escrow().await?;
    let proxy = Proxy::replying(&env.endpoint(), |request| {
        let is_pending =
            request["params"].as_array().is_some_and(|params| params.iter().any(|one| one == "pending"));
        if is_pending { Reply::Error(-32602, "unsupported block tag: pending") } else { Reply::Node }
    });
    let provider = nodes(&[proxy.url()])?.read_only();
    let escrow = levee::Escrow::open(provider.clone(), CHAIN, escrow.address()).await?;
    proxy.requests();
    let pledge = escrow.call(pledge(env.bob(), 0, 0, Amount::Eth(Wei::new(ETHER))))?;
    let gas = pledge.simulate(env.bob()).await?;
    assert_eq!(pledge.simulate(env.bob()).await?, gas);
    let blocks: Vec<_> = proxy.requests().iter().map(|request| request["params"][1].clone()).collect();
    assert_eq!(blocks, ["pending", "latest", "latest"]);
    assert_eq!(provider.get_transaction_count(env.bob()).pending().await?, 0);
    Ok(())
}

/// What two nodes that must agree make of a question; both stand before the same chain.
async fn agreed<T>(
    one: &Proxy,
    other: &Proxy,
    ask: impl AsyncFnOnce(DynProvider) -> Result<T, TransportError>,
) -> Result<T, Error> {
    let nodes = nodes(&[one.url(), other.url()]).expect("two URLs").with_quorum(2)?;
    ask(nodes.read_only()).await.map_err(reason)
}

#[tokio::test]
async fn nodes_that_must_agree_are_asked_about_a_block_that_both_have() -> Result<()> {
    let env = Environment::start().await?;
    let (one, late) = (
        Proxy::replying(&env.endpoint(), |_| Reply::Node),
        always(&env.endpoint(), "eth_blockNumber", Reply::Result(json!("0x1"))),
    );
    let balance = async |provider: DynProvider| provider.get_balance(env.bob()).await;
    let expected = env.provider.get_balance(env.bob()).block_id(BlockId::number(1)).await?;
    assert_eq!(agreed(&one, &late, balance).await?, expected);
    for requests in [one.requests(), late.requests()] {
        let params: Vec<_> = requests.iter().map(|request| &request["params"]).collect();
        assert_eq!(params.len(), 2, "the number of the block, and the balance at it");
        assert_eq!(params[1][1], "0x1");
    }
    let number = async |provider: DynProvider| provider.get_block_number().await;
    assert_eq!(agreed(&one, &late, number).await?, 1);
    Ok(())
}

#[tokio::test]
async fn nodes_that_disagree_are_named() -> Result<()> {
    let env = Environment::start().await?;
    let honest = Proxy::replying(&env.endpoint(), |_| Reply::Node);
    let liar = always(&env.endpoint(), "eth_getBalance", Reply::Result(json!("0x7")));
    let balance = async |provider: DynProvider| provider.get_balance(Address::repeat_byte(9)).await;
    let said = format!("{} says `\"0x0\"`, and {} says `\"0x7\"`", honest.url(), liar.url());
    let expected = Error::Disagreement { method: "eth_getBalance".into(), answers: said };
    assert_eq!(agreed(&honest, &liar, balance).await, Err(expected));

    let liar = always(&env.endpoint(), "eth_chainId", Reply::Result(json!("0x1")));
    let chain = async |provider: DynProvider| provider.get_chain_id().await;
    assert!(matches!(agreed(&honest, &liar, chain).await, Err(Error::Disagreement { .. })));
    // What only one of them has yet, none has.
    let hash = *env.provider.send_raw_transaction(&raw(&env).await?).await?.tx_hash();
    let receipt = async |provider: DynProvider| provider.get_transaction_receipt(hash).await;
    assert!(agreed(&honest, &liar, receipt).await?.is_some());
    let late = always(&env.endpoint(), "eth_getTransactionReceipt", Reply::Result(Value::Null));
    assert!(agreed(&honest, &late, receipt).await?.is_none());

    let too_few = nodes(&[honest.url()])?.with_quorum(2);
    assert_eq!(too_few.unwrap_err(), Error::TooFewNodes { quorum: 2, nodes: 1 });
    // One node, however it is written, agrees with nobody.
    let twice = nodes(&["http://node.example", "HTTP://Node.Example:80/"])?.with_quorum(2);
    assert_eq!(twice.unwrap_err(), Error::TooFewNodes { quorum: 2, nodes: 1 });
    assert!(nodes(&["http://node.example/a", "http://node.example/b"])?.with_quorum(2).is_ok());
    Ok(())
}

#[tokio::test]
async fn a_node_that_is_behind_is_named() -> Result<()> {
    let env = Environment::start().await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let with_head = |number: u64, time: u64| {
        let head = json!({ "number": format!("{number:#x}"), "timestamp": format!("{time:#x}") });
        always(&env.endpoint(), "eth_getBlockByNumber", Reply::Result(head))
    };
    let alone = nodes(&[&env.endpoint()])?;
    assert_eq!(alone.check_current(1, 5, now).await, Ok(()));
    assert_eq!(alone.check_current(LOCAL_CHAIN, 5, 0).await, Ok(()));
    let error = alone.check_current(1, 5, now - 1_000).await.unwrap_err();
    let Error::NodeBehind { url, block: 5, seconds: 1_000.., than } = &error else { panic!("{error}") };
    assert_eq!((url.to_string(), than.as_str()), (env.endpoint(), "this machine's clock"));

    let newest = with_head(105, now);
    for (time, is_behind) in [(now - 61, true), (now - 12, false)] {
        let late = with_head(100, time);
        let both = nodes(&[newest.url(), late.url(), "http://127.0.0.1:1"])?;
        let than = format!("the latest block of {}", newest.url());
        let behind = Error::NodeBehind { url: late.url().parse()?, block: 100, seconds: 61, than };
        assert_eq!(both.check_current(1, 105, now).await, if is_behind { Err(behind) } else { Ok(()) });
    }
    Ok(())
}

#[tokio::test]
async fn a_node_that_is_behind_is_left_out_until_it_has_caught_up() -> Result<()> {
    let env = Environment::start().await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let with_heads = |heads: Arc<Mutex<[u64; 2]>>| {
        Proxy::replying(&env.endpoint(), move |request| {
            let [number, time] = heads.lock().expect("it is whole").map(|value| format!("{value:#x}"));
            match request["method"].as_str() {
                _ if time == "0x0" => Reply::Status(502, "", ""),
                Some("eth_getBlockByNumber") => Reply::Result(json!({ "number": number, "timestamp": time })),
                _ => Reply::Result(json!(number)),
            }
        })
    };
    let with_head = |number: u64, time: u64| with_heads(Arc::new(Mutex::new([number, time])));
    let [moving, failing] = [[100, now - 500], [105, now]].map(|head| Arc::new(Mutex::new(head)));
    let [late, newest] = [&moving, &failing].map(|heads| with_heads(heads.clone()));
    let liar = with_head(200, now + 3_600);
    let all = nodes(&[late.url(), liar.url(), newest.url(), "http://127.0.0.1:1"])?;
    assert_eq!(all.read_only().get_block_number().await?, 100);
    let error = all.check_current(1, 105, now).await.unwrap_err();
    assert!(matches!(error, Error::NodeBehind { block: 100, .. }), "{error}");

    all.leave_out_late(1).await;
    assert_eq!(all.read_only().get_block_number().await?, 105);
    assert_eq!(all.check_current(1, 105, now).await, Ok(()));
    // It answers in nobody's place.
    let asked = || [&late, &liar].map(Proxy::methods).concat();
    drop(asked());
    *failing.lock().expect("it is whole") = [0, 0];
    let hasty = all.clone().with_patience(Duration::from_millis(300));
    assert!(hasty.read_only().get_block_number().await.is_err());
    assert_eq!(asked(), [""; 0]);
    *moving.lock().expect("it is whole") = [106, now];
    all.leave_out_late(1).await;
    assert_eq!(all.read_only().get_block_number().await?, 106);
    assert_eq!(all.check_current(1, 106, now).await, Ok(()));

    // A local chain has any time.
    all.leave_out_late(LOCAL_CHAIN).await;
    assert_eq!(all.read_only().get_block_number().await?, 200);
    assert_eq!(all.check_latest(1, 105, now - 200), Ok(()));
    let error = all.check_latest(1, 105, now - 1_000).unwrap_err();
    assert!(matches!(error, Error::NodeBehind { block: 105, .. }), "{error}");
    Ok(())
}

#[tokio::test]
async fn as_many_nodes_remain_as_must_agree() -> Result<()> {
    let env = Environment::start().await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let with_head = |number: u64, time: u64| {
        let head = json!({ "number": format!("{number:#x}"), "timestamp": format!("{time:#x}") });
        always(&env.endpoint(), "eth_getBlockByNumber", Reply::Result(head))
    };
    let (late, newest, other) = (with_head(100, now - 61), with_head(105, now), with_head(105, now));
    let two = nodes(&[late.url(), newest.url()])?.with_quorum(2)?;
    two.leave_out_late(1).await;
    let error = two.check_current(1, 105, now).await.unwrap_err();
    assert!(matches!(error, Error::NodeBehind { block: 100, seconds: 61, .. }), "{error}");
    let three = nodes(&[late.url(), newest.url(), other.url()])?.with_quorum(2)?;
    three.leave_out_late(1).await;
    assert_eq!(three.check_current(1, 105, now).await, Ok(()));
    Ok(())
}

#[tokio::test]
async fn what_a_node_repeats_of_a_key_is_not_told() -> Result<()> {
    let env = Environment::start().await?;
    for fault in [
        Reply::Error(-32000, "no project path-key of user-key, told query-key"),
        Reply::Status(403, "", "no project path-key of user-key, told query-key"),
        Reply::Status(200, "", "no project path-key of user-key, told query-key"),
    ] {
        let proxy = Proxy::replying(&env.endpoint(), move |_| fault.clone());
        let url =
            format!("{}/v3/path-key?key=query-key", proxy.url().replace("http://", "http://user-key:x@"));
        let hurried = nodes(&[&url])?.with_patience(Duration::from_millis(300));
        let error = reason(hurried.read_only().get_chain_id().await.unwrap_err());
        let shown = format!("{error} {error:#} {error:?} {}", serde_json::to_string(&error)?);
        assert!(shown.contains("no project … of …, told …") && !shown.contains("-key"), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn nodes_are_reached_by_websocket_and_ipc_too() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let socket = directory.path().join("anvil.ipc");
    let program = std::env::var("ANVIL").wrap_err("ANVIL, which .cargo/config.toml sets, is missing")?;
    let anvil = Anvil::at(&program).arg("--ipc").arg(socket.display().to_string()).try_spawn()?;
    let socket = socket.display().to_string();
    for url in [anvil.ws_endpoint(), socket.clone(), format!("file://{socket}")] {
        let provider = provider::read_only(&url.parse()?)?;
        assert_eq!(provider.get_chain_id().await?, CHAIN, "{url}");
        assert_eq!(provider.get_block_number().await?, 0, "{url}");
    }
    for nowhere in ["ws://127.0.0.1:1", "/nowhere/at.ipc"] {
        let error = reason(provider::read_only(&nowhere.parse()?)?.get_chain_id().await.unwrap_err());
        let Error::Unreachable { url, .. } = &error else { panic!("{error}") };
        assert_eq!(url.to_string(), nowhere);
    }
    Ok(())
}
