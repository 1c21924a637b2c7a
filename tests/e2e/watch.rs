//! `levee watch` against a chain: it tells what there is to tell once, to everyone, whatever ends it and whoever does not listen.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _, pipe},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use alloy::{primitives::hex, providers::ext::AnvilApi as _, rpc::types::anvil::ReorgOptions};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::{
    keeper::{ended, get, logged},
    readme::shell_blocks,
    support::{ANN, ANYONE, DAY, GUARDIAN, HOUR, Ran, World, levee, project_file, run, words},
};

/// What a watch in these tests shares: what is told as soon as it is in a block.
const WATCH: &str = "watch --store index.db --state watch.db --confirmations 1";

/// One request to a webhook.
#[derive(Debug)]
struct Post {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Post {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        assert!(line.starts_with("POST /hook"), "{line}");
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header");
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().expect("a length")];
        reader.read_exact(&mut body).expect("the body");
        Some(Self { path, headers, body: String::from_utf8(body).expect("it is text") })
    }

    fn notice(&self) -> Value {
        serde_json::from_str(&self.body).expect("it is JSON")
    }
}

/// A server that is told. What it answers to each request is a status, or nothing, which keeps the request waiting.
struct Hook {
    url: String,
    posts: Receiver<Post>,
}

impl Hook {
    fn answering(mut answer: impl FnMut(&Post) -> Option<u16> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (tell, posts): (Sender<Post>, _) = channel();
        thread::spawn(move || {
            let mut waiting = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a client");
                let Some(post) = Post::read(&stream) else { continue };
                let status = answer(&post);
                if tell.send(post).is_err() {
                    return;
                }
                match status {
                    Some(status) => write!(
                        stream,
                        "HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                    .expect("it listens"),
                    None => waiting.push(stream),
                }
            }
        });
        Self { url, posts }
    }

    fn accepting() -> Self {
        Self::answering(|_| Some(200))
    }

    /// The next notice of a kind; those before it are dropped.
    fn next(&self, kind: &str) -> Value {
        let mut notices = self.posts.iter().map(|post| post.notice());
        notices.find(|notice| notice["kind"] == kind).expect("it goes on")
    }

    /// What has come since the last time.
    fn kinds(&self) -> Vec<String> {
        self.posts.try_iter().map(|post| kind(&post.notice())).collect()
    }
}

fn kind(notice: &Value) -> String {
    notice["kind"].as_str().expect("a name").to_owned()
}

/// A watch that goes on.
fn start(world: &World, options: &str) -> Child {
    let mut command = world.command();
    command.args(format!("{WATCH} --json --log json --every 1 {options}").split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("levee runs")
}

/// One that has looked once, so that whatever comes is new.
fn started(world: &World, options: &str) -> Child {
    world.levee(&format!("{WATCH} --once {options}")).ok();
    let mut child = start(world, options);
    logged(&mut child, |event| event["message"] == "started");
    child
}

/// The notices that a run with `--json` wrote.
fn notices(ran: Ran) -> Vec<Value> {
    ran.ok().lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

fn once(world: &World, options: &str) -> Vec<String> {
    notices(world.levee(&format!("{WATCH} --once --json {options}"))).iter().map(kind).collect()
}

#[tokio::test]
async fn an_amendment_reaches_a_webhook_once() {
    let world = World::with_rescue().await;
    let hook = Hook::accepting();
    let mut command = world.command();
    command.env("LEVEE_WEBHOOK_SECRET", "a secret");
    let options = format!("--webhook {}", hook.url);
    run(&mut command, &format!("{WATCH} --once {options}")).ok();
    assert_eq!(hook.kinds(), ["created"], "what can still be acted on");
    let child = start(&world, &options);
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let post = hook.posts.recv().expect("it is told");
    let notice = post.notice();
    assert_eq!(kind(&notice), "amendmentProposed");
    assert_eq!(notice["rescue"], world.rescue().to_string());
    assert_eq!(post.headers["levee-notice"], notice["id"].as_str().expect("text"));
    let text = notice["text"].as_str().expect("text");
    assert!(text.starts_with("Target 80 ETH instead of 100 ETH, effective 2100-01-03T"), "{text}");
    let until = notice["untilUnix"].as_u64().expect("a time") - notice["atUnix"].as_u64().expect("a time");
    assert_eq!(until, 2 * DAY, "the exit window");
    // This run has no secret, so it signs nothing.
    assert!(!post.headers.contains_key("levee-signature"), "{post:?}");
    assert_eq!(ended(child), Some(0));

    world.by(ANN, "pledge 50 ETH --tier 0 --accept-amended");
    let mut command = world.command();
    command.env("LEVEE_WEBHOOK_SECRET", "a secret");
    run(&mut command, &format!("{WATCH} --once {options}")).ok();
    let post = hook.posts.recv().expect("it is told");
    let mac = Hmac::<Sha256>::new_from_slice(b"a secret").expect("a key").chain_update(&post.body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    assert_eq!(post.headers["levee-signature"], signature);
    assert_eq!(kind(&post.notice()), "thresholdReached");
    assert_eq!(hook.kinds(), [""; 0], "nothing is told twice");
}

#[tokio::test]
async fn what_was_accepted_and_not_recorded_is_told_again_by_the_same_id() {
    let world = World::with_rescue().await;
    once(&world, "");
    let silent = Hook::answering(|_| None);
    let url = silent.url.clone();
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let mut child = start(&world, &format!("--webhook {url}"));
    let told = silent.next("amendmentProposed");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    // The same address, which is the same channel, and now answers.
    let mut child = start(&world, &format!("--webhook {url}"));
    assert_eq!(silent.next("amendmentProposed")["id"], told["id"]);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[tokio::test]
async fn a_webhook_that_is_down_is_told_later_and_holds_up_nobody() {
    let world = World::with_rescue().await;
    let mut failures = 3;
    let down =
        Hook::answering(move |post| match post.notice()["kind"] == "amendmentProposed" && failures > 0 {
            true => {
                failures -= 1;
                Some([503, 429, 408][failures])
            }
            false => Some(204),
        });
    let well = Hook::accepting();
    let options = format!("--webhook {} --webhook {} --listen 127.0.0.1:0", down.url, well.url);
    world.levee(&format!("{WATCH} --once {}", options.replace("--listen 127.0.0.1:0", ""))).ok();
    let mut child = start(&world, &options);
    let address = logged(&mut child, |event| event["message"] == "serving metrics")["address"].clone();
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let told = well.next("amendmentProposed");
    for _ in 0..4 {
        assert_eq!(down.next("amendmentProposed")["id"], told["id"]);
    }
    world.by(ANN, "pledge 50 ETH --tier 0 --accept-amended");
    down.next("thresholdReached");
    well.next("thresholdReached");
    let address = address.as_str().expect("an address");
    assert_eq!(get(address, "/health").0, "HTTP/1.1 200 OK");
    let (_, metrics) = get(address, "/metrics");
    for start in [
        "levee_watch_rescues 1",
        "levee_watch_last_round ",
        "levee_watch_notices_failed_total{channel=\"http://127.0.0.1:",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(start)), "{start}: {metrics}");
    }
    assert!(!metrics.contains("/hook"), "the path of an address may be secret: {metrics}");
    assert!(
        metrics
            .lines()
            .any(|line| line.starts_with("levee_watch_notices_failed_total") && line.ends_with(" 3")),
        "{metrics}"
    );
    assert_eq!(ended(child), Some(0));
}

#[tokio::test]
async fn once_says_by_its_exit_code_what_happened() {
    let world = World::with_rescue().await;
    let refusing = Hook::answering(|_| Some(404));
    let ran = world.levee(&format!("{WATCH} --once --webhook {}", refusing.url));
    let shown = "error: a notice was refused: it answers 404 Not Found\n\nhint: check the channel; it is tried again when you run this again\n";
    assert!(ran.code == Some(1) && ran.stderr.ends_with(shown), "{}", ran.stderr);
    assert!(!ran.stderr.contains("/hook"), "{}", ran.stderr);
    // Refused or not, the others have it, and it stays to be told.
    assert!(ran.stdout.contains("Rescue created"), "{}", ran.stdout);
    assert_eq!(refusing.kinds(), ["created"]);
    let moved = Hook::answering(|_| Some(302));
    let ran = world.levee(&format!("{WATCH} --once --webhook {}", moved.url));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "a channel begins with what comes");
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let ran = world.levee(&format!("{WATCH} --once --webhook {}", moved.url));
    assert!(ran.stderr.contains("it answers 302 Found, and redirects are not followed"), "{}", ran.stderr);
    assert_eq!((ran.code, moved.kinds()), (Some(1), vec!["amendmentProposed".to_owned()]));
    let ran = world.levee(&format!("{WATCH} --once --webhook http://127.0.0.1:1/hook"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    world.by(ANN, "pledge 50 ETH --tier 0 --accept-amended");
    let ran = world.levee(&format!("{WATCH} --once --webhook http://127.0.0.1:1/hook"));
    assert!(ran.stderr.contains("a notice was not delivered: "), "{}", ran.stderr);
    assert_eq!(ran.code, Some(2));
    let other = "0x7777777777777777777777777777777777777777";
    let ran = world.levee(&format!("{WATCH} --once --rescue {other}"));
    let refused = format!("error: the index of chain 31337 has no rescue or compact `{other}`\n");
    assert!(ran.code == Some(1) && ran.stderr.contains(&refused), "{}", ran.stderr);
    world.levee(&format!("{WATCH} --once --webhook ws://127.0.0.1:1/hook")).assert_refused(
        "the address of a webhook is not a web address",
        "give one that begins with `https://`",
    );
}

#[tokio::test]
async fn a_reader_that_stalls_keeps_no_other_channel_waiting() {
    let world = World::with_rescue().await;
    let hook = Hook::accepting();
    once(&world, &format!("--webhook {}", hook.url));
    let (reader, mut writer) = pipe().expect("a pipe");
    // All that a pipe holds.
    writer.write_all(&[b' '; 65_536]).expect("it is empty");
    let mut command = world.command();
    command.args(format!("{WATCH} --every 1 --webhook {}", hook.url).split(' '));
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn().expect("levee runs");
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    hook.next("amendmentProposed");
    world.by(ANN, "pledge 50 ETH --tier 0 --accept-amended");
    hook.next("thresholdReached");
    drop(reader);
    assert_eq!(ended(child), Some(0));
    // Nobody read it, so it is still to be told.
    assert_eq!(once(&world, ""), ["amendmentProposed", "thresholdReached"]);
}

#[tokio::test]
async fn what_waits_for_a_webhook_is_told_to_the_one_with_its_new_token() {
    let world = World::with_rescue().await;
    let hook = Hook::answering(|post| Some(if post.path.ends_with("new") { 200 } else { 401 }));
    let ran = world.levee(&format!("{WATCH} --once --webhook {}?token=old", hook.url));
    assert_eq!((ran.code, hook.kinds()), (Some(1), vec!["created".to_owned()]));
    // While it is left out, it waits, and that is said.
    let ran = world.levee(&format!("{WATCH} --once"));
    assert!(ran.stderr.contains("notices wait for a channel that is not there any more"), "{}", ran.stderr);
    let ran = world.levee(&format!("{WATCH} --once --webhook {}?token=new", hook.url));
    assert_eq!((ran.code, hook.kinds()), (Some(0), vec!["created".to_owned()]));
    assert_eq!(world.levee(&format!("{WATCH} --once --webhook {}?token=new", hook.url)).code, Some(0));
    assert_eq!(hook.kinds(), Vec::<String>::new());
}

#[tokio::test]
async fn a_node_that_lost_its_blocks_is_not_well() {
    let world = World::with_rescue().await;
    let before = world.chain.anvil_snapshot().await.expect("anvil remembers");
    world.chain.anvil_mine(Some(9), None).await.expect("anvil mines");
    once(&world, "");
    assert!(world.chain.anvil_revert(before).await.expect("anvil goes back"));
    let ran = world.levee(&format!("{WATCH} --once"));
    assert!(ran.stderr.contains("the node stands still or lost its blocks"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(2));
}

#[tokio::test]
async fn files_that_cannot_be_kept_are_refused_before_anything_is_told() {
    let world = World::with_rescue().await;
    world
        .levee(&format!("{WATCH} --once --ics one --atom one"))
        .assert_refused("`one` cannot be a calendar and a feed", "name two files with `--ics` and `--atom`");
    world.levee(&format!("{WATCH} --once --atom nowhere/feed.xml")).assert_refused(
        "`nowhere/feed.xml` cannot be written: its directory does not exist",
        "create the directory, or name another one",
    );
    for command in ["./tell --loudly", "tell-nobody", "./nowhere/tell"] {
        let mut watch = world.command();
        watch.args(WATCH.split(' ')).args(["--once", "--command", command]);
        Ran::from(watch.output().expect("levee runs")).assert_refused(
            &format!("there is no program `{command}`"),
            "name a program alone: it gets no arguments, and a script can give it some",
        );
    }
    world.write("garbage.db", "this is no database, although it is long enough for the header of one");
    for path in ["garbage.db", "nowhere/watch.db"] {
        let ran = world.levee(&format!("watch --once --store index.db --state {path}"));
        assert!(ran.stderr.starts_with("error: the file `"), "{}", ran.stderr);
        assert!(ran.stderr.contains("` cannot be used: "), "{}", ran.stderr);
        assert_eq!(ran.code, Some(1));
    }
    assert!(!world.directory().join("nowhere").exists());
    assert_eq!(once(&world, ""), ["created"]);
}

/// A program that keeps what it is given.
fn program(world: &World, name: &str, ending: &str) -> PathBuf {
    let path = world.directory().join(name);
    let script = format!(
        "#!/bin/sh\ncat >> given\necho >> given\necho \"$#\" >> arguments\nenv >> variables\n{ending}\n"
    );
    fs::write(&path, script).expect("the directory can be written to");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is the test's own");
    path
}

#[tokio::test]
async fn a_program_gets_a_notice_on_its_input_and_no_arguments() {
    let world = World::with_rescue().await;
    // A name that a shell would take for a command.
    let path = program(&world, "$(touch owned);tell", "");
    let mut command = world.command();
    command.env("LEVEE_WEBHOOK_SECRET", "a secret").env("ETH_PASSWORD", "a secret, too");
    command.env("TELL_TOKEN", "what the program needs").args(WATCH.split(' '));
    let ran = Ran::from(command.arg("--once").arg("--command").arg(&path).output().expect("levee runs"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let file = |name: &str| fs::read_to_string(world.directory().join(name)).expect("it was run");
    let given: Value = serde_json::from_str(&file("given")).expect("one notice");
    assert_eq!(kind(&given), "created");
    assert_eq!(file("arguments"), "0\n");
    let variables = file("variables");
    for (name, key) in [("ID", "id"), ("KIND", "kind"), ("TITLE", "title"), ("RESCUE", "rescue")] {
        let line = format!("LEVEE_NOTICE_{name}={}", given[key].as_str().expect("text"));
        assert!(variables.lines().any(|one| one == line), "{line}: {variables}");
    }
    assert!(!variables.contains("a secret"), "{variables}");
    assert!(!variables.contains("LEVEE_RPC_URL"), "{variables}");
    assert!(variables.contains("TELL_TOKEN=what the program needs\n"), "{variables}");
    assert!(!world.directory().join("owned").exists());

    program(&world, "fails", "exit 3");
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    assert_eq!(once(&world, ""), ["amendmentProposed"]);
    world.levee(&format!("{WATCH} --once --command ./fails")).ok();
    world.by(ANN, "pledge 50 ETH --tier 0 --accept-amended");
    let ran = world.levee(&format!("{WATCH} --once --command ./fails"));
    assert!(
        ran.stderr.contains("a notice was not delivered: it ended with exit status: 3"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.code, Some(2));
}

#[tokio::test]
async fn a_calendar_and_a_feed_are_kept_up_to_date() {
    let world = World::with_rescue().await;
    let options = "--ics dates.ics --atom notices.xml";
    once(&world, options);
    let file = |name: &str| fs::read_to_string(world.directory().join(name)).expect("it is written");
    let rescue = world.rescue();
    let unfolded = |name: &str| file(name).replace("\r\n ", "");
    let calendar = unfolded("dates.ics");
    assert!(calendar.contains(&format!("UID:deadline-0-31337-{rescue}@levee\r\n")), "{calendar}");
    assert!(
        calendar.contains("DTSTART:21000111T000000Z\r\n") && calendar.contains("SEQUENCE:0\r\n"),
        "{calendar}"
    );
    world.by(GUARDIAN, "guardian amend --deadline 2100-01-15T00:00:00Z");
    once(&world, options);
    let calendar = unfolded("dates.ics");
    assert!(calendar.contains(&format!("UID:exit-window-1-31337-{rescue}@levee\r\n")), "{calendar}");
    assert!(
        calendar.contains("DTSTART:21000111T000000Z\r\n") && calendar.contains("SEQUENCE:1\r\n"),
        "{calendar}"
    );
    world.warp(2 * DAY + HOUR).await;
    once(&world, options);
    let calendar = unfolded("dates.ics");
    // Moved under its name; the window is over.
    assert!(calendar.contains(&format!("UID:deadline-0-31337-{rescue}@levee\r\n")), "{calendar}");
    assert!(
        calendar.contains("DTSTART:21000115T000000Z\r\n") && !calendar.contains("exit-window"),
        "{calendar}"
    );
    let feed = file("notices.xml");
    let place =
        |kind: &str| feed.find(&format!("term=\"{kind}\"")).unwrap_or_else(|| panic!("no {kind}: {feed}"));
    assert!(
        place("amendmentInForce") < place("amendmentProposed")
            && place("amendmentProposed") < place("created")
    );
    assert_eq!(
        fs::read_dir(world.directory())
            .expect("it is there")
            .filter(|entry| {
                entry
                    .as_ref()
                    .expect("an entry")
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "new")
            })
            .count(),
        0
    );
    let ran = world.levee(&format!("{WATCH} --once --ics none/dates.ics"));
    assert!(
        ran.code == Some(1) && ran.stderr.contains("`none/dates.ics` cannot be written"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn an_account_is_told_what_it_is_owed() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 1 ETH --tier 0");
    let options = format!("--for {}", world.address(ANN));
    assert_eq!(once(&world, &options), ["created"]);
    world.warp(11 * DAY).await;
    // By the rules it has failed, although nobody has settled it yet.
    assert_eq!(once(&world, &options), ["deadlinePassed", "refundable"]);
    world.by(ANYONE, "settle");
    assert_eq!(once(&world, &options), ["failed"]);
    world.by(ANN, "refund");
    let told = notices(world.levee(&format!("{WATCH} --once --json {options}")));
    assert_eq!(told.iter().map(kind).collect::<Vec<_>>(), ["paid"]);
    assert_eq!(told[0]["account"], world.address(ANN).to_string());
    // Who is added is not told what was before.
    assert_eq!(once(&world, &format!("{options} --for {}", world.address(ANYONE))), [""; 0]);
}

#[tokio::test]
async fn what_the_chain_drops_is_taken_back() {
    let world = World::with_rescue().await;
    let hook = Hook::accepting();
    let child = started(&world, &format!("--webhook {}", hook.url));
    world.by(GUARDIAN, "guardian amend --target 80ETH");
    let told = hook.next("amendmentProposed");
    // anvil mines the dropped transactions again only if they are given.
    let options = ReorgOptions { depth: 1, tx_block_pairs: Vec::new() };
    world.chain.anvil_reorg(options).await.expect("anvil drops a block");
    let back = hook.next("takenBack");
    assert_eq!((&back["corrects"], &back["rescue"]), (&told["id"], &told["rescue"]));
    assert_eq!(ended(child), Some(0));
}

#[tokio::test]
async fn two_watches_do_not_share_a_file() {
    let world = World::with_rescue().await;
    let child = started(&world, "");
    let ran = world.levee(&format!("{WATCH} --once"));
    let path = world.directory().canonicalize().expect("it is there").join("watch.db");
    ran.assert_refused(
        &format!("another `levee watch` of chain 31337 uses `{}`", path.display()),
        "end it, or give this one a file of its own with `--state PATH`",
    );
    assert_eq!(ended(child), Some(0));
}

#[tokio::test]
async fn what_a_file_says_of_services_holds_unless_arguments_say_otherwise() {
    let world = World::with_rescue().await;
    let hook = Hook::accepting();
    let file = |watch: &str| {
        let keeper = "[keeper]\nmax-fee = \"1 wei\"\nrise = \"1 day\"\nrefund = true\n";
        world.write("levee.toml", &format!("{keeper}[watch]\n{watch}"));
    };
    let chosen = |line: &str| {
        let mut command = world.command();
        command.env("LEVEE_CONFIG", "levee.toml").env("HOOK", &hook.url);
        run(&mut command, line)
    };
    file("webhook = [\"${HOOK}\"]\nconfirmations = 1\nics = \"dates.ics\"\n");
    let path = world.directory().canonicalize().expect("it exists").join("levee.toml");
    world.levee("watch --once --store index.db --state watch.db").assert_refused(
        &format!(
            "`{}` has a section `[watch]`, but a file that was only found does not say what a service does",
            path.display()
        ),
        "name the file in LEVEE_CONFIG, or put it into your directory for configuration",
    );
    chosen("watch --once --store index.db --state watch.db").ok();
    assert_eq!(hook.kinds(), ["created"]);
    assert!(world.directory().join("dates.ics").exists());
    world.warp(11 * DAY).await;
    let round = chosen("keeper --store index.db --once --dev 6 --json").json();
    assert_eq!(
        (&round["duties"][0]["outcome"], &round["duties"][0]["capWei"]),
        (&"tooDear".into(), &"1".into())
    );
    let round = chosen("keeper --store index.db --once --dev 6 --json --max-fee 3gwei").json();
    assert_eq!(round["duties"][0]["outcome"], "done");
    for (line, message) in [
        ("webhook-secret = \"x\"", "unknown field `webhook-secret`"),
        ("lead = [\"3\"]", "`3` is not a duration"),
        ("rescue = [\"0x12\"]", "`0x12` is not an address"),
    ] {
        file(line);
        let ran = chosen("watch --once --store index.db --state watch.db");
        assert!(ran.code == Some(1) && ran.stderr.contains(message), "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: docs/configuration.md describes every key"), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn the_unit_for_systemd_starts_a_watch() {
    let [unit, keeper] =
        ["watch", "keeper"].map(|name| project_file(&format!("deploy/levee-{name}.service")));
    let values = |unit: &str, key: &str| -> Vec<String> {
        let lines = unit.lines().filter_map(|line| line.split_once('='));
        lines.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
    };
    // What protects the machine from it is what protects it from a keeper.
    let hardening = |unit: &str| -> Vec<String> {
        let lines = unit.lines().skip_while(|line| !line.starts_with("DynamicUser")).map(str::to_owned);
        lines.take_while(|line| !line.is_empty()).collect()
    };
    assert_eq!(hardening(&unit), hardening(&keeper));
    let world = World::with_rescue().await;
    let directory = world.directory().display().to_string();
    world.write("watch.toml", "[watch]\nconfirmations = 1\n");
    let line = values(&unit, "ExecStart")[0].replace(":9465", ":0");
    let line = line.strip_prefix("/usr/local/bin/levee ").expect("the command");
    let mut child = world.command();
    child.env("XDG_STATE_HOME", &directory).env("LEVEE_CONFIG", "watch.toml").args(line.split(' '));
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("levee runs");
    logged(&mut child, |event| event["message"] == "started");
    let told = BufReader::new(child.stdout.take().expect("it is piped")).lines().next();
    let told: Value = serde_json::from_str(&told.expect("a line").expect("it is text")).expect("it is JSON");
    assert_eq!(kind(&told), "created");
    assert_eq!(ended(child), Some(0));
    assert!(world.directory().join("levee/watch.db").exists(), "the state is where the unit says");
}

#[tokio::test]
async fn the_page_says_what_it_does() {
    let page = project_file("docs/watch.md");
    let [commands] = shell_blocks(&page)[..] else { panic!("there are other blocks") };
    let world = World::with_rescue().await;
    let hook = Hook::accepting();
    for line in commands.lines() {
        let line = line.strip_prefix("levee ").expect("a command");
        let line = line.replace("0xRESCUE", &world.rescue().to_string());
        let line = line.replace("0xACCOUNT", &world.address(ANN).to_string());
        let line = line.replace("https://hooks.example/T0", &hook.url);
        let mut command = levee(world.directory());
        command.env("LEVEE_RPC_URL", world.endpoint());
        run(&mut command, &format!("{line} --store index.db --confirmations 1")).ok();
    }
    // Each channel begins with what comes after it was added.
    assert_eq!(hook.kinds(), [""; 0]);
    let text = words(&page);
    for variable in ["ID", "KIND", "CHAIN", "RESCUE", "ACCOUNT", "AT", "UNTIL", "TITLE", "TEXT", "CORRECTS"] {
        assert!(text.contains(&format!("`{variable}`")), "{variable}");
    }
    let schema: Value =
        serde_json::from_str(&project_file("docs/schema/watch-line.json")).expect("it is JSON");
    let kinds = schema["$defs"]["NoticeKind"]["oneOf"].as_array().expect("a list").iter();
    for kind in kinds.map(|kind| kind["const"].as_str().expect("text")) {
        assert!(text.contains(&format!("`{kind}`")), "{kind}");
    }
}
