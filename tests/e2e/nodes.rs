//! Nodes that fail, lag or disagree, as the user meets them.

use levee_lab::proxy::{Proxy, Reply};
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, Ran, World, anvil, levee, run};

/// A proxy before the world's chain that replies so to one method.
fn replying(world: &World, method: &'static str, reply: Reply) -> Proxy {
    let choose = move |request: &Value| if request["method"] == method { reply.clone() } else { Reply::Node };
    Proxy::replying(&world.endpoint(), choose)
}

/// Runs a line with these nodes in the variable.
fn with_nodes(world: &World, urls: &str, line: &str) -> Ran {
    run(levee(world.directory()).env("LEVEE_RPC_URL", urls), line)
}

const STATUS: &str = "status --terms rescue.toml";

#[tokio::test]
async fn a_node_that_fails_once_is_asked_again() {
    let world = World::with_rescue().await;
    let page = world.page();
    for fault in [
        Reply::Status(429, "retry-after: 0\n", ""),
        Reply::Status(503, "", "<html>"),
        Reply::Error(-32005, "limit exceeded"),
        Reply::OtherId(json!("0x")),
        Reply::Result(Value::Null),
        Reply::Cut,
        Reply::Lost,
    ] {
        let mut replies = std::iter::once(fault.clone());
        let proxy = Proxy::replying(&world.endpoint(), move |_| replies.next().unwrap_or(Reply::Node));
        assert_eq!(with_nodes(&world, proxy.url(), STATUS).ok(), page, "{fault:?}");
        assert_eq!(proxy.methods(), ["eth_call"; 2], "{fault:?}");
    }
}

#[tokio::test]
async fn a_node_that_is_silent_is_given_up_in_time() {
    let world = World::with_rescue().await;
    let silent = replying(&world, "eth_call", Reply::Silence);
    let url = format!("{}/project-key", silent.url());
    let ran = with_nodes(&world, &url, "status --terms rescue.toml --timeout 1");
    let begin = format!("error: no answer to `eth_call` from {}/… (tries: 1, over 1.", silent.url());
    assert!(ran.stderr.starts_with(&begin), "{}", ran.stderr);
    let hint = "try again later, use another node, or give several with `--rpc-url`; `--timeout` sets how long to try";
    assert!(ran.stderr.ends_with(&format!("\n\nhint: {hint}\n")), "{}", ran.stderr);
    assert!(!ran.stderr.contains("project-key"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(2));
}

#[tokio::test]
async fn another_node_takes_over() {
    let world = World::with_rescue().await;
    let broken = Proxy::replying(&world.endpoint(), |_| Reply::Status(502, "", ""));
    let urls = format!("http://127.0.0.1:1, {} ,{},", broken.url(), world.endpoint());
    let pledged =
        with_nodes(&world, &urls, &format!("pledge 1 ETH --tier 0 --terms rescue.toml --dev {ANN} --yes"));
    assert_eq!(pledged.ok(), format!("locked 1 ETH for {} in tier 0\n", world.address(ANN)));
    let asked = broken.methods();
    assert_eq!(asked, ["eth_call", "eth_sendRawTransaction"], "reads go to the node that answered");

    let line = format!("{STATUS} --rpc-url http://127.0.0.1:1 --rpc-url {}", world.endpoint());
    assert_eq!(run(&mut levee(world.directory()), &line).ok(), world.page());
    let none = with_nodes(&world, "http://127.0.0.1:1,http://127.0.0.1:2", STATUS);
    assert!(
        none.stderr.starts_with("error: no answer from the RPC node at http://127.0.0.1:1: "),
        "{}",
        none.stderr
    );
    assert_eq!(none.code, Some(2));
}

#[tokio::test]
async fn nodes_that_must_agree_and_do_not_are_named() {
    let world = World::with_rescue().await;
    let honest = Proxy::replying(&world.endpoint(), |_| Reply::Node);
    let urls = |other: &Proxy| format!("{},{}", honest.url(), other.url());
    let late = replying(&world, "eth_blockNumber", Reply::Node);
    assert_eq!(with_nodes(&world, &urls(&late), &format!("{STATUS} --quorum 2")).ok(), world.page());
    assert_eq!(late.methods(), ["eth_blockNumber", "eth_call"]);

    let liar = replying(&world, "eth_call", Reply::Result(json!("0x0123")));
    let ran = with_nodes(&world, &urls(&liar), &format!("{STATUS} --quorum 2"));
    let begin = format!("error: the nodes disagree about `eth_call`: {} says `", honest.url());
    assert!(ran.stderr.starts_with(&begin), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("and {} says `\"0x0123\"`", liar.url())), "{}", ran.stderr);
    assert_eq!(ran.code, Some(2));
    with_nodes(&world, honest.url(), &format!("{STATUS} --quorum 2")).assert_refused(
        "2 nodes must agree, but the number of nodes given is 1",
        "give `--rpc-url` once for each node, or a smaller `--quorum`",
    );
}

#[tokio::test]
async fn nothing_is_signed_on_the_word_of_a_node_that_is_behind() {
    let world = World::start().await;
    let old = anvil(&["--timestamp", "1700000000", "--chain-id", "5"]);
    let proxy = Proxy::replying(&old.endpoint(), |_| Reply::Node);
    let terms = world.terms().replace("chain = 31337", "chain = 5");
    let without_tokens: String = terms
        .lines()
        .filter(|line| !line.contains("steth ="))
        .fold(String::new(), |text, line| text + line + "\n");
    world.write("old.toml", &without_tokens);
    let mut command = levee(world.directory());
    command.env("LEVEE_RPC_URL", proxy.url()).env("LEVEE_PRIVATE_KEY", world.key(ANYONE).to_string());
    let ran = run(&mut command, "deploy old.toml --yes");
    let begin = format!("error: the node at {} is behind: its latest block, 0, is ", proxy.url());
    assert!(ran.stderr.starts_with(&begin), "{}", ran.stderr);
    assert!(ran.stderr.contains("older than this machine's clock\n"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(2));
    assert!(!proxy.methods().iter().any(|method| method.starts_with("eth_send")));
}

#[tokio::test]
async fn sockets_of_this_machine_are_reached_without_a_proxy() {
    let world = World::with_rescue().await;
    let proxies =
        ["http_proxy", "HTTP_PROXY", "all_proxy", "ws_proxy"].map(|name| (name, "http://127.0.0.1:9"));
    let port = world.endpoint().rsplit(':').next().map(str::to_owned).expect("a port");
    for url in [
        format!("ws://127.0.0.1:{port}"),
        format!("ws://localhost:{port}"),
        format!("http://localhost:{port}"),
    ] {
        let mut command = levee(world.directory());
        command.env("LEVEE_RPC_URL", &url).envs(proxies);
        assert_eq!(run(&mut command, STATUS).ok(), world.page(), "{url}");
    }
}
