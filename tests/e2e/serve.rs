//! `levee serve`: what it tells is what the chain says, to programs, to readers without scripts and in tabs that follow the index.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use alloy::{
    eips::BlockNumberOrTag::Latest,
    primitives::Address,
    providers::{Provider as _, ext::AnvilApi as _},
    transports::http::reqwest,
};
use levee_lab::proxy::{Proxy, Reply};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    browser::{node, unpack},
    pages::sound,
    postgres,
    support::{ANN, ANYONE, BEN, CAT, ETHER, World, levee, project_file, words},
};

/// What a browser must not be allowed.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// A server, which is killed if a test fails before it ends.
pub(crate) struct Server {
    child: Child,
    /// Without the slash at its end.
    pub(crate) url: String,
    chain: Value,
}

/// What a request was answered.
pub(crate) struct Answer {
    pub(crate) code: u16,
    headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Server {
    pub(crate) fn start(world: &World, options: &str) -> Self {
        let mut command = levee(world.directory());
        command.args(["serve", "--listen", "127.0.0.1:0", "--every", "1", "--json"]);
        command.args(options.split_whitespace());
        Self::by(command)
    }

    fn by(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("levee runs");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("text");
        if line.is_empty() {
            let mut said = String::new();
            child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
            panic!("it does not serve: {said}");
        }
        let ready: Value = serde_json::from_str(&line).expect("it is JSON");
        let url = ready["url"].as_str().expect("an address").trim_end_matches('/').to_owned();
        Self { child, url, chain: ready["chain"].clone() }
    }

    fn of(&self, world: &World) -> String {
        format!("/rescue/{}", world.rescue())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[]).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("it answers");
        let (code, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.expect("a body");
        Answer { code, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// What is below `/api/v1`, held against the description of the interface.
    async fn api(&self, path: &str, operation: &str) -> Value {
        let answer = self.get(&format!("/api/v1{path}")).await;
        assert_eq!(answer.code, 200, "{path}: {}", answer.text);
        let value = answer.json();
        let described: Value = serde_json::from_str(&project_file("docs/openapi.json")).expect("it is JSON");
        let content =
            &described["paths"][operation]["get"]["responses"]["200"]["content"]["application/json"];
        let mut schema = content["schema"].clone();
        schema["components"] = described["components"].clone();
        let validator = jsonschema::validator_for(&schema).expect("it is a schema");
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(schema["$ref"].is_string() && errors.is_empty(), "{path}: {errors:?}");
        value
    }

    /// Asks it to end.
    fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is there");
        self.child.wait().expect("it ends").code()
    }
}

/// Compacts have pages, from the same index, and their rescues are one click away.
#[tokio::test]
async fn a_compact_has_a_page() {
    let world = World::with_members().await;
    world.deploy();
    world
        .levee(&format!(
            "compact propose compact.toml --terms rescue.toml --tier 2 --part 25% --dev {ANN} --yes"
        ))
        .ok();
    let status = world.levee("compact status compact.toml --json").json();
    let compact = status["address"].as_str().expect("text");
    world.levee("index --store index.db --once").ok();
    let server = Server::start(&world, "--store index.db");
    let list = server.get("/compacts").await;
    assert_eq!(list.code, 200);
    assert!(list.text.contains(&format!("href=\"/compact/{compact}\"")), "{}", list.text);
    let page = server.get(&format!("/compact/{compact}")).await;
    assert_eq!((page.code, page.headers["content-security-policy"].to_str().expect("text")), (200, POLICY));
    assert!(page.text.contains("can be approved until"), "{}", page.text);
    assert!(page.text.contains(&format!("href=\"{}\"", server.of(&world))), "{}", page.text);
    assert_eq!(server.get(&server.of(&world)).await.code, 200);
    let unknown = server.get(&format!("/compact/{}", world.rescue())).await;
    assert_eq!(unknown.code, 404);
    assert_eq!(server.get("/compact/0x1").await.code, 400);
    assert_eq!(server.get("/compacts?page=2").await.code, 404);
    // The same as a file, of the same index.
    let wrote = world.levee(&format!("report --compact {compact} --html compact.html --store index.db")).ok();
    assert!(wrote.starts_with(&format!("wrote a page about the compact {compact}, at block ")), "{wrote}");
    let file = std::fs::read_to_string(world.directory().join("compact.html")).expect("it was written");
    assert!(file.contains("can be approved until"), "{file}");
    assert_eq!(server.end(), Some(0));
}

impl Drop for Server {
    fn drop(&mut self) {
        // Mostly it has ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// The released rescue with a recovery, in an index.
async fn world() -> World {
    let world = World::with_rescue().await;
    world.with_an_end().await;
    world.levee("index --store index.db --once").ok();
    world
}

#[tokio::test]
async fn programs_are_told_what_the_commands_tell() {
    let world = world().await;
    let server = Server::start(&world, "--store index.db");
    assert_eq!(server.chain, 31_337);
    let (rescue, cat) = (world.rescue(), world.address(CAT));
    let of = format!("/rescue/{rescue}");
    // By the contracts' own word, at the same block.
    assert_eq!(server.api(&of, "/rescue/{rescue}").await, world.status());

    let rescues = server.api("/rescues", "/rescues").await;
    let listed = json!([{ "rescue": rescue.to_string(), "createdBlock": world.status()["createdBlock"], "counterfeit": null }]);
    assert_eq!((&rescues["rescues"], &rescues["pages"]), (&listed, &json!(1)));

    let mut told = server.api(&format!("{of}/pledgers"), "/rescue/{rescue}/pledgers").await;
    assert_eq!((&told["page"], &told["pages"]), (&json!(1), &json!(1)));
    // The largest first: Cat's 60 ETH, Ann's 41, Ben's 30.
    let order: Vec<_> =
        told["pledgers"].as_array().expect("a list").iter().map(|one| one["pledger"].clone()).collect();
    assert_eq!(order, [CAT, ANN, BEN].map(|account| json!(world.address(account).to_string())));
    let listed = world.levee("pledgers --terms rescue.toml --store index.db --json").json();
    let pledgers = told["pledgers"].as_array_mut().expect("a list");
    pledgers.sort_by_key(|one| one["pledger"].as_str().expect("an address").to_lowercase());
    assert_eq!(told["pledgers"], listed["pledgers"]);

    let said = server.api(&format!("{of}/declarations"), "/rescue/{rescue}/declarations").await;
    let listed = world.levee("declarations --terms rescue.toml --json").json();
    assert_eq!(said, of_page(&listed, &json!({ "chain": 31_337, "block": rescues["block"] })));

    let line = format!("statement --for {cat} --rescue {rescue} --store index.db");
    let path = format!("{of}/contributor/{cat}/statement");
    let statement = server.api(&path, "/rescue/{rescue}/contributor/{account}/statement").await;
    assert_eq!(statement, of_page(&world.levee(&format!("{line} --json")).json(), &json!({})));
    let csv = server.get(&format!("/api/v1{path}.csv")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.text, world.levee(&format!("{line} --csv")).ok());
    assert_eq!(server.get("/api/v1/openapi.json").await.text, project_file("docs/openapi.json"));

    // Whatever is told of the rescue names its block.
    let block = world.chain.get_block_by_number(Latest).await.expect("anvil answers").expect("a block");
    let expected =
        [block.header.number.to_string(), block.header.hash.to_string(), block.header.timestamp.to_string()];
    for path in
        ["/api/v1/rescues", &format!("/api/v1{path}.csv"), &format!("/rescue/{rescue}/badge.svg"), "/"]
    {
        let answer = server.get(path).await;
        let told = ["levee-block", "levee-block-hash", "levee-block-time"].map(|name| answer.header(name));
        assert_eq!(told, expected.each_ref().map(String::as_str), "{path}");
    }
}

#[tokio::test]
async fn a_node_says_what_shares_are_worth() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.levee("index --store index.db --once").ok();
    let path = format!("/api/v1/rescue/{}", world.rescue());
    let alone = Server::start(&world, "--store index.db");
    assert_eq!(alone.get(&path).await.json()["coverageWei"], Value::Null);

    let node = Proxy::replying(&world.endpoint(), |_| Reply::Node);
    let server = Server::start(&world, &format!("--store index.db --rpc-url {}", node.url()));
    let status = world.status();
    // 41 ETH, 25 shares of stETH at 1.2 ETH, and 50 wstETH, whose value in the books is 60 ETH.
    assert_eq!(status["coverageWei"], (131 * ETHER).to_string());
    for _ in 0..2 {
        assert_eq!(server.get(&path).await.json(), status);
    }
    let page = server.get(&server.of(&world)).await.text;
    assert!(page.contains("131 ETH"), "{page}");
    // For one block it is asked once.
    assert_eq!(node.methods(), ["eth_chainId", "eth_call"]);

    let elsewhere = world.levee(&format!("serve --store index.db --chain 1 --rpc-url {}", node.url()));
    assert_eq!(elsewhere.code, Some(1));
    let mainnet = Proxy::replying(&world.endpoint(), |_| Reply::Result(json!("0x1")));
    let line = format!("serve --store index.db --rpc-url {}", mainnet.url());
    world.levee(&line).assert_refused(
        "the node is on chain 1, not on chain 31337",
        "check `--rpc-url` and `--chain`, or the terms' `chain`; nothing was sent",
    );
}

#[tokio::test]
async fn pages_go_on_without_their_node() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.levee("index --store index.db --once").ok();
    let broken = Proxy::replying(&world.endpoint(), |request| match request["method"].as_str() {
        Some("eth_call") => Reply::Error(-32000, "header not found"),
        _ => Reply::Node,
    });
    let server = Server::start(&world, &format!("--store index.db --rpc-url {}", broken.url()));
    let told = server.get(&format!("/api/v1/rescue/{}", world.rescue())).await;
    assert_eq!((told.code, &told.json()["coverageWei"]), (200, &Value::Null));
}

/// The only page of what a command tells, with more keys.
fn of_page(whole: &Value, more: &Value) -> Value {
    let mut page = whole.clone();
    let keys = more.as_object().expect("an object").clone();
    let object = page.as_object_mut().expect("an object");
    object.extend(keys.into_iter().chain([("page".into(), json!(1)), ("pages".into(), json!(1))]));
    page
}

#[tokio::test]
async fn what_anyone_can_add_is_told_page_by_page_and_as_it_comes() {
    let world = World::with_rescue().await;
    let declare = |number: u32| {
        let mut command = world.command();
        command.args(["declare", "proposed", &format!("{number} ETH"), "--tier", "0", "--expiry"]);
        command.args([
            "2100-01-09T00:00:00Z",
            "--terms",
            "rescue.toml",
            "--dev",
            &number.to_string(),
            "--yes",
        ]);
        assert!(command.output().expect("levee runs").status.success());
    };
    declare(1);
    world.levee("index --store index.db --once").ok();
    let server = Server::start(&world, "--store index.db");
    let path = format!("/api/v1{}/declarations", server.of(&world));
    let amounts = async || {
        let told = server.get(&path).await.json();
        let of = |one: &Value| one["amountWei"].as_str().expect("an amount").to_owned();
        let mut amounts: Vec<_> = told["declarations"].as_array().expect("a list").iter().map(of).collect();
        amounts.sort();
        (amounts, told["notYetLockedWei"].clone())
    };
    assert_eq!(amounts().await, (vec![ETHER.to_string()], json!(ETHER.to_string())));
    // Nothing but a declaration is new, and it is there as if all had been read again.
    declare(2);
    world.levee("index --store index.db --once").ok();
    let expected = (vec![ETHER.to_string(), (2 * ETHER).to_string()], json!((3 * ETHER).to_string()));
    while amounts().await != expected {}
    let listed = world.levee("declarations --terms rescue.toml --json").json();
    let told = server.get(&path).await.json();
    assert_eq!(told["declarations"], listed["declarations"]);
    assert!(told["block"]["number"] == world.status()["block"] && told["pages"] == 1, "{told}");
    let beyond = server.get(&format!("{path}?page=2")).await;
    assert!(beyond.text.contains("there is no page 2: the declarations take 1 page"), "{}", beyond.text);
}

#[tokio::test]
async fn one_client_cannot_have_all_connections() {
    let world = world().await;
    let server = Server::start(&world, "--store index.db");
    let address = server.url.trim_start_matches("http://").to_owned();
    let connect = || TcpStream::connect(&address).expect("it is taken");
    let mut held: Vec<_> = (0..64).map(|_| connect()).collect();
    // One that is answered was counted, and so were those before it.
    let answered = |stream: &mut TcpStream| {
        let asked = stream.write_all(b"GET /health HTTP/1.1\r\nhost: levee\r\n\r\n");
        let mut byte = [0];
        asked.is_ok() && stream.read(&mut byte).is_ok_and(|count| count == 1)
    };
    assert!(answered(&mut held[63]));
    assert!(!answered(&mut connect()));
    drop(held);
    while !answered(&mut connect()) {}

    let by_proxy = Server::start(&world, "--store index.db --proxy 127.0.0.1");
    let address = by_proxy.url.trim_start_matches("http://").to_owned();
    let mut held: Vec<_> = (0..70).map(|_| TcpStream::connect(&address).expect("it is taken")).collect();
    assert!(answered(&mut held[69]));
}

#[tokio::test]
async fn it_says_where_it_serves() {
    let world = world().await;
    let mut command = levee(world.directory());
    command.args(["serve", "--store", "index.db", "--listen", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("levee runs");
    let mut line = String::new();
    let stderr = child.stderr.as_mut().expect("it is piped");
    BufReader::new(stderr).read_line(&mut line).expect("text");
    let url = line.split("url=\"").nth(1).and_then(|rest| rest.split('"').next());
    let url = url.unwrap_or_else(|| panic!("{line}"));
    assert!(line.contains("serving") && line.contains("chain=31337"), "{line}");
    assert_eq!(
        reqwest::get(format!("{}/health", url.trim_end_matches('/')))
            .await
            .expect("it answers")
            .status()
            .as_u16(),
        200
    );
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it is there");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    // No port at all is for lack of rights or of an address: for the user to mend.
    let refused = world.levee("serve --store index.db --listen 192.0.2.1:80");
    assert!(refused.code == Some(1) && refused.stderr.contains("choose another address with `--listen`"));
}

#[tokio::test]
async fn readers_see_it_without_scripts_and_on_a_phone() {
    let world = World::with_rescue().await;
    let hostile = "https://a.example/\"><script>alert(1)</script>";
    let mut declare = world.command();
    let words_of = ["--expiry", "2100-01-09T00:00:00Z", "--terms", "rescue.toml", "--dev", "2", "--yes"];
    declare.args(["declare", "approved", "50", "ETH", "--tier", "0", "--link", hostile]).args(words_of);
    assert!(declare.output().expect("levee runs").status.success());
    world.with_an_end().await;
    world.levee("index --store index.db --once").ok();
    let server = Server::start(&world, "--store index.db");
    let status = world.status();
    let of = server.of(&world);
    let seen = sound(format!("{}{of}", server.url));
    for (figure, value) in [("locked", "coverageWei"), ("target", "targetWei"), ("drawn", "drawnWei")] {
        assert_eq!(seen[figure], json!([status[value]]), "{figure}");
    }
    let text = words(seen["text"].as_str().expect("a text"));
    let block = format!("at the end of block {}", status["block"]);
    for shown in ["Released", &block, "(less than a minute old)", "100 ETH", "from the beginning"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }

    let list = sound(format!("{}/", server.url));
    let text = words(list["text"].as_str().expect("a text"));
    let rescue = world.rescue().to_string();
    assert!(
        text.contains("1 rescue, the latest first, and 0 counterfeits") && text.contains(&rescue),
        "{text}"
    );

    // Cat's page has each part of its pledge, to the wei.
    let cat = format!("{of}/contributor/{}", world.address(CAT));
    let shown = server.get(&cat).await.text;
    let line = format!("statement --for {} --terms rescue.toml --json", world.address(CAT));
    let position = world.levee(&line).json()["positions"][0].take();
    for part in ["pledged", "drawn", "refunded"] {
        let exact = format!("value=\"{}\"", position[part].as_str().expect("an amount"));
        assert!(position[part] != "0" && shown.contains(&exact), "{part}: {exact}");
    }
    sound(format!("{}{cat}", server.url));
    // Its commands hold.
    let check = server.get(&format!("{of}/check")).await.text;
    let verify = check.split("<code>").find(|code| code.starts_with("levee verify")).expect("a command");
    let verify = verify.split("</code>").next().unwrap_or_default().trim_start_matches("levee ");
    let ran = world.levee(&verify.replace("https://node.example", &world.endpoint()));
    assert!(ran.ok().contains(&rescue));
    sound(format!("{}{of}/check", server.url));

    for path in [&of, &format!("{of}/contributor/{}", world.address(BEN))] {
        let page = server.get(path).await.text;
        assert!(page.contains("a.example") && !page.contains("<script>alert"), "{path}");
        // What runs are files of the server alone.
        assert_eq!(page.matches("<script").count(), 1, "{path}");
    }
    // Programs follow it by its news and its dates.
    let page = server.get(&of).await.text;
    let block = status["block"].to_string();
    for (kind, place, part) in [
        ("application/atom+xml", "/feed.atom", "<title>Levee: rescues on chain 31337</title>"),
        ("text/calendar", "/dates.ics", "BEGIN:VCALENDAR"),
    ] {
        let link = format!("<link rel=\"alternate\" type=\"{kind}\"");
        assert!(page.contains(&link) && page.contains(&format!("href=\"{of}{place}\"")), "{place}");
        let feed = server.get(&format!("{of}{place}")).await;
        assert_eq!(
            (feed.code, feed.header("content-type")),
            (200, format!("{kind}; charset=utf-8").as_str())
        );
        assert_eq!(feed.header("levee-block"), block);
        assert!(feed.text.contains(part), "{}", feed.text);
    }
    let feed = server.get(&format!("{of}/feed.atom")).await.text;
    let kinds: Vec<_> =
        feed.split("<category term=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    // Three assets, in two tranches of which all were due.
    let expected =
        [&["released"; 3][..], &["trancheDue"; 2], &["objectionPeriodBegins", "settled", "created"]];
    assert_eq!(kinds, expected.concat());
    let times: Vec<_> = feed.split("<updated>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    assert!(times[1..].is_sorted_by(|one, next| one >= next) && times[0] == times[1], "{times:?}");
    let chart = server.get(&format!("{of}/chart.svg")).await;
    assert_eq!((chart.code, chart.header("content-type")), (200, "image/svg+xml"));
    assert_eq!(chart.header("access-control-allow-origin"), "*");
    let part = "in the end 131 % of the target; at the end of block ";
    assert!(chart.text.starts_with("<svg xmlns=") && chart.text.contains(part), "{}", chart.text);
    let badge = server.get(&format!("{of}/badge.svg")).await;
    assert_eq!((badge.code, badge.header("content-type")), (200, "image/svg+xml"));
    assert!(
        badge.text.contains("<title>pledged: 131 / 100 ETH (Released at the end of block"),
        "{}",
        badge.text
    );
}

#[tokio::test]
async fn every_answer_says_how_it_is_to_be_treated() {
    let world = world().await;
    let server = Server::start(&world, "--store index.db");
    let of = server.of(&world);
    let api = format!("/api/v1{of}");
    for path in ["/", &of, &api, "/nothing", "/api/v1/nothing", "/health", "/metrics", "/rescue/0x12"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let others = if path.starts_with("/api") { ["cross-origin", "*"] } else { ["same-origin", ""] };
        let told =
            ["cross-origin-resource-policy", "access-control-allow-origin"].map(|name| answer.header(name));
        assert_eq!(told, others, "{path}");
    }

    // The same content is not sent twice, compressed or not; what is compressed is another.
    for path in ["/", &of, &api] {
        let plain = server.get(path).await;
        let tag = plain.header("etag");
        assert!(tag.len() == 34 && plain.header("cache-control") == "no-cache", "{path}: {tag}");
        let again = server.ask("GET", path, &[("if-none-match", tag)]).await;
        assert_eq!((again.code, again.text.as_str(), again.header("etag")), (304, "", tag), "{path}");
        let gzip = server.ask("GET", path, &[("accept-encoding", "gzip")]).await;
        let packed = format!("{}-gzip\"", &tag[..33]);
        assert_eq!(
            (gzip.header("content-encoding"), gzip.header("etag")),
            ("gzip", packed.as_str()),
            "{path}"
        );
        assert!(gzip.header("vary").contains("accept-encoding"));
        let known = [("if-none-match", packed.as_str()), ("accept-encoding", "gzip")];
        assert_eq!(server.ask("GET", path, &known).await.code, 304, "{path}");
        assert_eq!(server.ask("GET", path, &[known[0]]).await.code, 200, "{path}");
        let head = server.ask("HEAD", path, &[]).await;
        assert_eq!((head.code, head.text.as_str(), head.header("etag")), (200, "", tag), "{path}");
    }
    let page = server.get("/").await.text;
    let sheet = page.split("stylesheet\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let sheet = server.get(sheet.expect("a stylesheet")).await;
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");

    let metrics = server.get("/metrics").await.text;
    for line in [
        "levee_serve_rescues 1",
        "levee_serve_requests_total{code=\"304\"} 6",
        "levee_serve_failures_total 0",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }
    let health = server.get("/health").await;
    assert_eq!((health.code, &health.json()["healthy"]), (200, &json!(true)));
}

#[tokio::test]
async fn what_cannot_be_told_is_said_in_the_words_of_the_commands() {
    let world = world().await;
    let server = Server::start(&world, "--store index.db");
    let (of, nobody) = (server.of(&world), world.address(9));
    let line = format!("report --rescue {nobody} --store index.db --html x.html --json");
    let refused: Value = serde_json::from_str(&world.levee(&line).stderr).expect("it is JSON");
    let problem = server.get(&format!("/api/v1/rescue/{nobody}")).await;
    assert_eq!((problem.code, problem.header("content-type")), (404, "application/problem+json"));
    assert_eq!(problem.json()["error"], refused["error"]);
    let page = server.get(&format!("/rescue/{nobody}")).await;
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(page.code == 404 && page.text.contains(&format!("<p>{message}</p>")), "{}", page.text);

    let statement = server.get(&format!("/api/v1{of}/contributor/{nobody}/statement")).await;
    let line = format!("statement --for {nobody} --rescue {} --store index.db --json", world.rescue());
    let refused: Value = serde_json::from_str(&world.levee(&line).stderr).expect("it is JSON");
    assert_eq!((statement.code, &statement.json()["error"]), (404, &refused["error"]));

    for (path, code, part) in [
        (format!("{of}?page=2"), 404, "there is no page 2: the contributors take 1 page"),
        ("/?page=2".into(), 404, "there is no page 2: the rescues take 1 page"),
        (format!("{of}?page=0"), 400, "the number of the page cannot be read"),
        (format!("{of}?page=99999999999999999999999"), 400, "the number of the page cannot be read"),
        ("/rescue/0x12".into(), 400, "`0x12` is not an address"),
        ("/rescue/%3Cscript%3E".into(), 400, "`&lt;script&gt;` is not an address"),
        ("/rescue/%ff".into(), 400, "the address of the page cannot be read"),
        ("/assets/../Cargo.toml".into(), 404, "there is nothing at `"),
        ("/%0d%0ax:y".into(), 404, "there is nothing at `/%0d%0ax:y`"),
    ] {
        let answer = server.get(&path).await;
        assert_eq!(answer.code, code, "{path}: {}", answer.text);
        assert!(
            answer.text.contains(part) && answer.header("cache-control") == "no-store",
            "{path}: {}",
            answer.text
        );
    }
    let posted = server.ask("POST", &of, &[]).await;
    assert!(posted.code == 405 && posted.text.contains("`POST` does nothing here"), "{}", posted.text);
    let body = reqwest::Client::new().get(format!("{}{of}", server.url)).body("x".repeat(100));
    assert_eq!(body.send().await.expect("it answers").status().as_u16(), 413);
    let huge = server.ask("GET", &of, &[("x-long", &"x".repeat(20_000))]).await;
    assert_eq!(huge.code, 431);

    world
        .levee("serve --store none.db")
        .assert_refused("there is no index in `none.db`", "check `--store`, or run `levee index` first");
    let taken = format!("serve --store index.db --listen {}", &server.url["http://".len()..]);
    let refused = world.levee(&taken);
    assert!(refused.code == Some(1) && refused.stderr.contains("choose another address with `--listen`"));
}

/// Changes the index behind its back.
async fn execute(world: &World, statement: &'static str) {
    sqlx::any::install_default_drivers();
    let path = world.directory().join("index.db");
    let rows = sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.expect("it opens");
    sqlx::raw_sql(statement).execute(&rows).await.expect("it is valid");
    rows.close().await;
}

#[tokio::test]
async fn counterfeits_and_rescues_that_do_not_add_up_are_shown_as_such() {
    let world = world().await;
    // As the index keeps what announced itself at an address that does not follow from its terms.
    let insert = "INSERT INTO contracts (chain, address, kind, rescue, block, counterfeit)
        VALUES (31337, x'f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0', 'rescue', x'f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0', 900, 'otherAddress')";
    execute(&world, insert).await;
    let server = Server::start(&world, "--store index.db");
    let false_one = Address::repeat_byte(0xf0);
    let list = server.get("/").await.text;
    assert!(list.contains("1 rescue, the latest first, and 1 counterfeit."), "{list}");
    let reason = "its address does not follow from Levee's code and the terms that it announced";
    assert!(list.contains(&format!("<strong>counterfeit</strong> of block 900: {reason}")), "{list}");
    assert!(!list.contains(&format!("/rescue/{false_one}")), "it has no page");
    let rescues = server.api("/rescues", "/rescues").await;
    // The last, though it is the latest: anyone can make many.
    let told = json!({ "rescue": false_one.to_string(), "createdBlock": 900, "counterfeit": "otherAddress" });
    assert_eq!(rescues["rescues"][1], told);
    let refused = server.get(&format!("/api/v1/rescue/{false_one}")).await;
    let message = format!("`{false_one}` is a counterfeit of a rescue: {reason}");
    assert_eq!((refused.code, &refused.json()["error"]["message"]), (404, &json!(message)));
    assert_eq!(server.end(), Some(0));
    for service in ["keeper --dev 0", "watch --state watch.db"] {
        let ran = world.levee(&format!("{service} --once --store index.db --rescue {false_one}"));
        let refused = format!("error: {message}\n\nhint: do not send anything to it\n");
        assert!(ran.code == Some(1) && ran.stderr.ends_with(&refused), "{service}: {}", ran.stderr);
    }

    // A node has left out the creation.
    execute(
        &world,
        "DELETE FROM logs WHERE block = (SELECT MIN(block) FROM contracts WHERE kind = 'bonusPool')",
    )
    .await;
    let server = Server::start(&world, "--store index.db");
    let broken = server.get(&format!("/api/v1{}", server.of(&world))).await;
    let error = &broken.json()["error"];
    assert_eq!((broken.code, &error["kind"], &error["code"]), (500, &json!("HistoryBroken"), &json!(2)));
    let list = server.get("/").await;
    let row = "not known: the logs of the rescue";
    assert!(
        list.code == 200 && list.text.contains(row) && list.text.contains("counterfeit"),
        "{}",
        list.text
    );
}

#[tokio::test]
async fn whoever_asks_too_often_is_asked_to_wait() {
    let world = world().await;
    let server = Server::start(&world, "--store index.db --rate 1 --proxy 127.0.0.1");
    let by = |client: &'static str| {
        let server = &server;
        async move { server.ask("GET", "/api/v1/rescues", &[("x-forwarded-for", client)]).await }
    };
    for _ in 0..5 {
        assert_eq!(by("192.0.2.1").await.code, 200);
    }
    // Until a second has passed, which it may have.
    let mut refused = by("192.0.2.1").await;
    while refused.code == 200 {
        refused = by("192.0.2.1").await;
    }
    assert_eq!((refused.code, refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.json()["error"]["message"], "there were too many requests from your address");
    assert_eq!(by("192.0.2.2").await.code, 200);
}

#[tokio::test]
async fn it_ends_when_asked_even_while_somebody_listens() {
    let world = world().await;
    let server = Server::start(&world, "--store index.db");
    let mut stream = reqwest::get(format!("{}/events", server.url)).await.expect("it answers");
    let first = stream.chunk().await.expect("it is read").expect("an event");
    let block = world.status()["block"].clone();
    let expected = format!("event: block\ndata: {{\"block\":{block},\"rescues\":null}}\n\n");
    assert_eq!(String::from_utf8_lossy(&first), expected);
    world.by(ANYONE, "recover 1 ETH");
    world.levee("index --store index.db --once").ok();
    let next = stream.chunk().await.expect("it is read").expect("an event");
    let block = world.status()["block"].clone();
    let expected =
        format!("event: block\ndata: {{\"block\":{block},\"rescues\":[\"{}\"]}}\n\n", world.rescue());
    assert_eq!(String::from_utf8_lossy(&next), expected);
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains("levee_serve_streams 1\n"), "{metrics}");
    assert_eq!(server.end(), Some(0));
    assert_eq!(stream.chunk().await.expect("it has ended"), None);
}

/// Tabs of one browser.
struct Tabs {
    child: Child,
    steps: Option<ChildStdin>,
    results: BufReader<ChildStdout>,
}

impl Tabs {
    fn at(server: &Server) -> Self {
        unpack();
        let mut command = node("tabs.mjs");
        let command = command.arg(&server.url).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("node runs");
        let results = BufReader::new(child.stdout.take().expect("it is piped"));
        let steps = child.stdin.take();
        Self { child, steps, results }
    }

    fn does(&mut self, step: Value) -> Value {
        writeln!(self.steps.as_mut().expect("the browser is open"), "{step}").expect("the browser is open");
        let mut line = String::new();
        self.results.read_line(&mut line).expect("text");
        let result: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {step}: {line}"));
        assert!(result.get("error").is_none(), "{step}: {result}");
        result
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        drop(self.steps.take());
        self.child.wait().expect("the browser ends");
    }
}

/// Waits until the server has so many streams open.
async fn until_streams(server: &Server, count: usize) {
    let line = format!("levee_serve_streams {count}");
    while !server.get("/metrics").await.text.lines().any(|one| one == line) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn eight_tabs_follow_the_index_by_one_stream_without_a_reload() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 5 ETH --tier 0");
    world.levee("index --store index.db --once").ok();
    let server = Server::start(&world, "--store index.db --rate 1000");
    let of = server.of(&world);
    let mut tabs = Tabs::at(&server);
    let contributor = format!("{of}/contributor/{}", world.address(ANN));
    let paths = [&[of.as_str(); 6][..], &["/", contributor.as_str()]].concat();
    tabs.does(json!({ "open": paths }));
    until_streams(&server, 1).await;
    tabs.does(json!({ "settle": contributor }));
    let place = tabs.does(json!({ "place": null }));
    assert_eq!(place, json!([contributor, 400]));

    world.by(ANN, "pledge 7 ETH --tier 0");
    world.levee("index --store index.db --once").ok();
    assert_eq!(tabs.does(json!({ "see": "12 ETH" })), 8);
    assert_eq!(tabs.does(json!({ "place": null })), place);
    until_streams(&server, 1).await;

    // Nobody looks: nothing is listened to, and nothing is fetched. Whoever looks again sees what is new.
    tabs.does(json!({ "hide": true }));
    until_streams(&server, 0).await;
    world.by(ANN, "pledge 8 ETH --tier 0");
    world.levee("index --store index.db --once").ok();
    tabs.does(json!({ "hide": false }));
    assert_eq!(tabs.does(json!({ "see": "20 ETH" })), 8);
    until_streams(&server, 1).await;
    assert_eq!(tabs.does(json!({ "told": null })), json!([]));
}

#[tokio::test]
async fn blocks_that_the_chain_drops_are_not_told_any_more() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 5 ETH --tier 0");
    world.levee("index --store index.db --once").ok();
    let before = world.chain.anvil_snapshot().await.expect("anvil keeps it");
    world.by(ANN, "pledge 7 ETH --tier 0");
    world.levee("index --store index.db --once").ok();
    let server = Server::start(&world, "--store index.db");
    let path = format!("/api/v1{}", server.of(&world));
    assert_eq!(server.get(&path).await.json()["coverageWei"], (12 * ETHER).to_string());
    assert!(world.chain.anvil_revert(before).await.expect("anvil goes back"));
    world.by(BEN, "pledge 1 ETH --tier 0");
    world.chain.anvil_mine(Some(3), None).await.expect("anvil mines");
    world.levee("index --store index.db --once").ok();
    let mut told = server.get(&path).await.json();
    while told["block"] != world.status()["block"] {
        told = server.get(&path).await.json();
    }
    assert_eq!(told, world.status());
    assert_eq!(told["coverageWei"], (6 * ETHER).to_string());
}

#[tokio::test]
async fn several_servers_read_one_database() {
    let world = World::with_rescue().await;
    world.with_an_end().await;
    let postgres = postgres::Server::start();
    let start = || {
        let mut command = levee(world.directory());
        command.env("LEVEE_INDEX", postgres.url()).args(["serve", "--listen", "127.0.0.1:0", "--json"]);
        Server::by(command)
    };
    let mut index = world.command();
    index.env("LEVEE_INDEX", postgres.url()).args(["index", "--once"]);
    assert!(index.output().expect("levee runs").status.success());
    let servers = [start(), start()];
    let path = format!("/api/v1{}", servers[0].of(&world));
    let answers = [servers[0].get(&path).await, servers[1].get(&path).await];
    assert_eq!(answers[0].json(), world.status());
    // What they tell is the same, and so is its tag.
    assert_eq!(answers[0].text, answers[1].text);
    assert_eq!(answers[0].header("etag"), answers[1].header("etag"));
    for server in servers {
        assert_eq!(server.end(), Some(0));
    }
}

#[tokio::test]
async fn the_unit_for_systemd_starts_a_server() {
    let unit = project_file("deploy/levee-serve.service");
    let values = |key: &str| -> Vec<String> {
        let lines = unit.lines().filter_map(|line| line.split_once('='));
        lines.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
    };
    for (key, value) in [
        ("Type", "exec"),
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("MemoryDenyWriteExecute", "yes"),
        ("CapabilityBoundingSet", ""),
        ("Restart", "on-failure"),
        ("EnvironmentFile", "/etc/levee/serve.env"),
    ] {
        assert_eq!(values(key), [value], "{key}");
    }
    let world = world().await;
    let line = values("ExecStart")[0].replace(":8080", ":0");
    let mut command = levee(world.directory());
    command.env("LEVEE_INDEX", world.directory().join("index.db"));
    command.args(line.strip_prefix("/usr/local/bin/levee ").expect("the command").split(' ')).arg("--json");
    let server = Server::by(command);
    assert_eq!(server.get("/health").await.code, 200);
    assert_eq!(server.end(), Some(0));
}

#[tokio::test]
async fn the_page_says_how_to_run_it() {
    let page = project_file("docs/serve.md");
    let [run, valued, ask] = crate::readme::shell_blocks(&page)[..] else { panic!("there are other blocks") };
    let world = world().await;
    let [index, serve] = run.lines().collect::<Vec<_>>()[..] else { panic!("{run}") };
    let index = index.split(" --rpc-url").next().expect("a command").trim_start_matches("levee ");
    world.levee(&format!("{index} --once")).ok();
    let started = |line: &str| {
        let mut command = levee(world.directory());
        let line = line.replace("https://node.example", &world.endpoint());
        command.args(line.trim().trim_start_matches("levee ").split(' '));
        command.args(["--listen", "127.0.0.1:0", "--json"]);
        Server::by(command)
    };
    assert_eq!(started(valued).get("/").await.code, 200);
    let server = started(serve);
    for line in ask.lines() {
        let path = line.strip_prefix("curl http://127.0.0.1:8080").expect("a request").split(' ').next();
        let path = path.unwrap_or_default().replace("0xRESCUE", &world.rescue().to_string());
        let answer = server.get(&path.replace("0xACCOUNT", &world.address(CAT).to_string())).await;
        assert_eq!(answer.code, 200, "{line}: {}", answer.text);
    }
    // What it says of the server's limits is what these are.
    for metric in
        page.lines().filter_map(|line| line.strip_prefix("| `levee_serve_")?.split(['`', '{']).next())
    {
        assert!(server.get("/metrics").await.text.contains(&format!("levee_serve_{metric}")), "{metric}");
    }
}
