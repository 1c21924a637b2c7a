//! A wallet in a real browser signs through the command's page. The wallet is the test's own, and lets anvil sign.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use alloy::{consensus::Transaction as _, primitives::B256, providers::Provider as _};
use serde_json::{Value, json};

use crate::support::{ANN, BEN, ETHER, Ran, World, root};

const PLEDGE: &str = "pledge 5 ETH --tier 0";
// Its board must be created first.
const DECLARATION: &str = "declare proposed 6 ETH --tier 1 --expiry 2100-01-02T00:00:00Z";
const CONTINUE: &str = "Continue in the wallet";
const ENDED: &str = "The command has ended";

/// Has the browser unpacked once, so that no test waits for that.
pub(crate) fn unpack() {
    static UNPACKED: OnceLock<()> = OnceLock::new();
    UNPACKED.get_or_init(|| {
        let unpacked = node("chromium.mjs").status().expect("node runs");
        assert!(unpacked.success(), "the browser does not unpack, it needs `npm ci`");
    });
}

pub(crate) fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(root().join("tests/e2e/browser").join(script));
    command
}

/// The command, waiting for a wallet at its page.
struct Signing {
    child: Child,
    stderr: BufReader<ChildStderr>,
    url: String,
}

impl Signing {
    /// Starts the words of `line` with `--browser`.
    fn start(world: &World, line: &str) -> Self {
        Self::by(world.command(), line)
    }

    fn by(mut command: Command, line: &str) -> Self {
        command.args(line.split_whitespace()).arg("--browser");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("levee runs");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut said = String::new();
        let url = loop {
            let start = said.len();
            assert_ne!(stderr.read_line(&mut said).expect("levee writes text"), 0, "{said}");
            let words: Vec<_> = said[start..].split_whitespace().collect();
            if let ["open", url, "in", "the", "browser", ..] = words[..] {
                break url.to_owned();
            }
        };
        Self { child, stderr, url }
    }

    /// Ann's, for the rescue of `rescue.toml`, without a question at the terminal.
    fn of_ann(world: &World, line: &str) -> Self {
        Self::start(world, &format!("{line} --terms rescue.toml --yes"))
    }

    fn end(mut self) -> Ran {
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).expect("levee writes text");
        let mut output = self.child.wait_with_output().expect("it ends");
        output.stderr = stderr.into_bytes();
        output.into()
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

/// A person with a browser, and with a wallet in it.
pub(crate) struct Person {
    child: Child,
    /// None when there are no more, which closes the browser.
    steps: Option<ChildStdin>,
    results: BufReader<ChildStdout>,
}

impl Drop for Person {
    fn drop(&mut self) {
        drop(self.steps.take());
        self.child.wait().expect("the browser ends");
    }
}

impl Person {
    /// Who will open the page of `signing`.
    fn at(world: &World, signing: &Signing) -> Self {
        Self::with_wallet(world, &signing.url, ANN, &json!({}))
    }

    /// Who will open an address, with an account in a wallet that says more of itself than usual.
    pub(crate) fn with_wallet(world: &World, url: &str, account: usize, info: &Value) -> Self {
        unpack();
        let mut command = node("visit.mjs");
        let account = world.address(account).to_string();
        command.args([url, &world.endpoint(), &account, &info.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node runs");
        let results = BufReader::new(child.stdout.take().expect("it is piped"));
        let steps = child.stdin.take();
        Self { child, steps, results }
    }

    /// Who has connected the wallet.
    fn connected(world: &World, signing: &Signing) -> Self {
        let mut person = Self::at(world, signing);
        person.does(json!({ "goto": true }));
        person.does(json!({ "press": "Test wallet" }));
        person
    }

    /// Who has also seen what is to be signed.
    fn asked(world: &World, signing: &Signing) -> Self {
        let mut person = Self::connected(world, signing);
        person.sees(CONTINUE);
        person
    }

    /// Does one thing, and says what came of it.
    pub(crate) fn does(&mut self, step: Value) -> Value {
        let steps = self.steps.as_mut().expect("the browser is open");
        writeln!(steps, "{step}").expect("the browser is open");
        let mut line = String::new();
        self.results.read_line(&mut line).expect("text");
        let result: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {step}: {line}"));
        assert_eq!(result["error"], Value::Null, "{step}");
        result
    }

    pub(crate) fn sees(&mut self, text: &str) {
        self.does(json!({ "see": text }));
    }

    pub(crate) fn goes_on(&mut self) {
        self.does(json!({ "press": CONTINUE }));
    }

    /// How the wallet behaves from now on.
    pub(crate) fn wallet(&mut self, change: Value) {
        self.does(json!({ "wallet": change }));
    }

    pub(crate) fn reads(&mut self) -> String {
        self.does(json!({ "read": true })).as_str().expect("a text").to_owned()
    }

    /// What the wallet was asked that has an effect. What the browser complains about is among it, but for the end of the command.
    pub(crate) fn asked_to(&mut self) -> Vec<String> {
        let asked = self.does(json!({ "asked": true }));
        let asked: Vec<String> = serde_json::from_value(asked).expect("a list of texts");
        let harmless = [
            "eth_accounts",
            "eth_requestAccounts",
            "eth_chainId",
            "wallet_switchEthereumChain",
            "eth_call",
            "eth_getCode",
            "eth_getTransactionReceipt",
            "eth_getTransactionByHash",
            "eth_getTransactionCount",
        ];
        let is_harmless =
            |what: &str| harmless.contains(&what) || what.starts_with("console: Failed to load resource: ");
        asked.into_iter().filter(|what| !is_harmless(what)).collect()
    }
}

/// What Ann has in tier 0, in wei.
fn pledged(world: &World) -> Value {
    world.positions(ANN)[0]["amount"].clone()
}

/// The latest intent.
fn intent(world: &World) -> Value {
    world.levee("journal list --json").json()["intents"][0].take()
}

/// Ann's command, killed after the wallet was asked for `PLEDGE`, and the person in front of the wallet.
fn killed_after_asking(world: &World) -> Person {
    let signing = Signing::of_ann(world, PLEDGE);
    let mut person = Person::asked(world, &signing);
    person.wallet(json!({ "answers": "waits" }));
    person.goes_on();
    person.sees("Confirm the request in the wallet.");
    assert_eq!(person.asked_to(), ["eth_sendTransaction"]);
    signing.kill();
    person
}

#[tokio::test]
async fn a_pledge_is_made_through_a_wallet() {
    let world = World::with_rescue().await;
    let signing = Signing::of_ann(&world, PLEDGE);
    let mut person = Person::asked(&world, &signing);
    let page = person.reads();
    let rescue = world.rescue().to_string();
    for shown in [format!("Pledge 5 ETH to the rescue {rescue}"), world.address(ANN).to_string(), rescue] {
        assert!(page.contains(&shown), "{page}");
    }
    assert!(page.contains("31337") && page.contains("at most 0.00") && page.contains("\n0x"), "{page}");
    // The token is in no address that anybody sees or that goes anywhere.
    let address = person.does(json!({ "address": true }));
    assert_eq!(address, signing.url.split('#').next().expect("an address"));
    person.goes_on();
    person.sees(ENDED);
    assert!(signing.end().ok().starts_with("locked 5 ETH "));
    assert_eq!(person.asked_to(), ["eth_sendTransaction"]);
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    // What was sent is recorded like what was signed here, by the bytes of the node.
    let intent = intent(&world);
    assert_eq!((&intent["state"], &intent["handedOver"]), (&json!("done"), &json!([])));
    let transaction = &intent["transactions"][0];
    let hash: B256 = serde_json::from_value(transaction["transaction"].clone()).expect("a hash");
    let sent = world.chain.get_transaction_by_hash(hash).await.expect("anvil answers").expect("it is there");
    assert_eq!(transaction["nonce"], sent.nonce());
    let limit = u128::from(sent.gas_limit()) * sent.max_fee_per_gas();
    assert_eq!(transaction["feeLimitWei"], limit.to_string());
}

#[tokio::test]
async fn a_declaration_is_signed_through_a_wallet() {
    let world = World::start().await;
    let words = "declare approved 60 ETH --tier 0 --expiry 2100-01-09T00:00:00Z --sign --terms rescue.toml";
    let signing = Signing::start(&world, words);
    let mut person = Person::asked(&world, &signing);
    let page = person.reads();
    assert!(
        page.contains("Sign: Declaration") && page.contains(&world.rescue().to_string().to_lowercase()),
        "{page}"
    );
    person.goes_on();
    person.sees(ENDED);
    let signed = signing.end().ok();
    assert_eq!(person.asked_to(), ["eth_signTypedData_v4"]);
    world.write("signed.json", &signed);
    let brought = format!("declare --signed signed.json --terms rescue.toml --dev {BEN} --yes");
    let shown = world.levee(&brought).ok();
    assert!(shown.starts_with(&format!("{} declared: Approved, 60 ETH", world.address(ANN))), "{shown}");

    let signing = Signing::start(&world, words);
    let mut person = Person::asked(&world, &signing);
    person.wallet(json!({ "answers": "rejects" }));
    person.goes_on();
    let ran = signing.end();
    let told =
        "error: the request was rejected on the wallet\n\nhint: run the command again to be asked again\n";
    assert!((ran.code, ran.stdout.as_str()) == (Some(1), "") && ran.stderr.ends_with(told), "{}", ran.stderr);
}

#[tokio::test]
async fn what_is_rejected_was_not_sent() {
    let world = World::with_rescue().await;
    let before = world.mark().await;
    let hint = "run the command again to be asked again";
    let signing = Signing::of_ann(&world, PLEDGE);
    let mut person = Person::asked(&world, &signing);
    person.wallet(json!({ "answers": "rejects" }));
    person.goes_on();
    person.sees(ENDED);
    let ran = signing.end();
    let told = format!(
        "error: the wallet did not send the transaction: User rejected the request.\n\nhint: {hint}\n"
    );
    assert!(
        (ran.code, ran.stdout.as_str()) == (Some(1), "") && ran.stderr.ends_with(&told),
        "{}",
        ran.stderr
    );
    // Or in the page, so that the wallet is not even asked.
    let signing = Signing::of_ann(&world, PLEDGE);
    let mut person = Person::asked(&world, &signing);
    person.does(json!({ "press": "Decline" }));
    let ran = signing.end();
    assert!(
        ran.stderr.contains("did not send the transaction: it was declined in the page\n"),
        "{}",
        ran.stderr
    );
    assert_eq!((ran.code, person.asked_to()), (Some(1), vec![]));
    assert_eq!((world.mark().await, intent(&world)["handedOver"].clone()), (before, json!([])));
    world.by(ANN, PLEDGE);
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn the_wallet_signs_for_the_right_chain_only() {
    let world = World::with_rescue().await;
    let signing = Signing::of_ann(&world, PLEDGE);
    let mut person = Person::asked(&world, &signing);
    person.wallet(json!({ "chain": 1, "knows": [1] }));
    person.goes_on();
    person.sees("The wallet does not switch to chain 31337: Unrecognized chain 31337");
    assert_eq!(person.asked_to(), [""; 0]);
    // It can be mended in the wallet, which then switches.
    person.wallet(json!({ "knows": [1, 31337] }));
    person.goes_on();
    person.sees(ENDED);
    signing.end().ok();
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn a_wallet_that_announces_itself_later_does_not_take_the_place_of_the_chosen_one() {
    let world = World::with_rescue().await;
    let signing = Signing::of_ann(&world, PLEDGE);
    let mut person = Person::asked(&world, &signing);
    person.does(json!({ "intrude": "Other wallet" }));
    assert!(!person.reads().contains("Other wallet"));
    person.goes_on();
    person.sees(ENDED);
    signing.end().ok();
    assert_eq!(person.asked_to(), ["eth_sendTransaction"]);
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn the_account_that_was_named_signs_and_no_other() {
    let world = World::with_rescue().await;
    let (ann, ben) = (world.address(ANN).to_string(), world.address(BEN).to_string());
    let mut command = world.command();
    command.env("ETH_FROM", &ann);
    let signing = Signing::by(command, &format!("{PLEDGE} --terms rescue.toml --yes"));
    let mut person = Person::at(&world, &signing);
    person.wallet(json!({ "account": ben }));
    person.does(json!({ "goto": true }));
    person.sees(&format!("Choose the wallet that has the account {ann}."));
    person.does(json!({ "press": "Test wallet" }));
    person.sees(&format!("The wallet offers {ben}, but {ann} must sign."));
    person.wallet(json!({ "account": ann }));
    person.does(json!({ "press": "Test wallet" }));
    // Also if it is changed later.
    person.sees(CONTINUE);
    person.wallet(json!({ "account": ben }));
    person.goes_on();
    person.sees(&format!("The wallet offers {ben}. Choose {ann} in it, and continue."));
    assert_eq!(person.asked_to(), [""; 0]);
    person.wallet(json!({ "account": ann }));
    person.goes_on();
    person.sees(ENDED);
    signing.end().ok();
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn the_address_is_valid_once_and_for_its_own_page() {
    let world = World::with_rescue().await;
    let signing = Signing::of_ann(&world, PLEDGE);
    let (page, token) = signing.url.split_once('#').expect("a token");
    let mut stranger = Person::at(&world, &signing);
    let wrong = if token.ends_with('0') { "1" } else { "0" };
    for address in [page.to_owned(), format!("{page}#{}{wrong}", &token[..token.len() - 1])] {
        stranger.does(json!({ "goto": "about:blank" }));
        stranger.does(json!({ "goto": address }));
        stranger.sees("This page is not connected to the command.");
    }
    let mut person = Person::connected(&world, &signing);
    stranger.does(json!({ "goto": "about:blank" }));
    stranger.does(json!({ "goto": true }));
    stranger.sees("The address is valid once, and another page has opened it.");

    // A page of another origin: its requests do not pass, and what it could read says nothing.
    let open = json!({ "method": "POST", "headers": { "authorization": format!("Bearer {token}") } });
    stranger.does(json!({ "goto": page.replace("127.0.0.1", "localhost") }));
    assert_eq!(stranger.does(json!({ "fetch": ["/open", open] })), 421);
    stranger.does(json!({ "goto": "data:text/html,<main>elsewhere</main>" }));
    assert_eq!(stranger.does(json!({ "fetch": [format!("{page}open"), open] })), "blocked");

    // The page itself survives a reload.
    person.sees(CONTINUE);
    person.does(json!({ "reload": true }));
    person.does(json!({ "press": "Test wallet" }));
    person.goes_on();
    person.sees(ENDED);
    signing.end().ok();
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn while_the_wallet_may_hold_a_request_nothing_else_is_asked_or_signed() {
    let world = World::with_rescue().await;
    let mut person = killed_after_asking(&world);
    let handed_over = intent(&world)["handedOver"][0].take();
    assert_eq!(handed_over["transaction"], Value::Null);
    let nonce =
        handed_over["request"]["nonce"].as_str().expect("a number").trim_start_matches("0x").to_owned();
    let told = format!(
        "error: it is not known whether the wallet sent the transaction with nonce {nonce} of record 2: the node shows no such \
         transaction\n"
    );
    // Whatever signs, and whether it is the same command or another, under a key or not.
    for line in [PLEDGE, "pledge 1 ETH --tier 0", "pledge 5 ETH --tier 0 --id invoice-7"] {
        let refused = world.try_by(ANN, line);
        assert!(refused.stderr.contains(&told), "{line}: {}", refused.stderr);
        assert_eq!((refused.code, pledged(&world)), (Some(2), Value::Null), "{line}");
    }
    let resumed = world.levee("journal resume 2");
    assert!(resumed.stderr.contains(&told) && resumed.code == Some(2), "{}", resumed.stderr);

    // The request is confirmed at last: it is found, and is the only one.
    person.does(json!({ "release": true }));
    world.by(ANN, PLEDGE);
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
    let intent = intent(&world);
    assert_eq!((&intent["intent"], &intent["state"]), (&json!(2), &json!("done")));
    assert_eq!(intent["transactions"].as_array().map(Vec::len), Some(1));
    // The page, which nothing hears any more, has told the person.
    let sent = intent["transactions"][0]["transaction"].as_str().expect("a hash");
    person.sees(&format!("The command was gone when the wallet sent {sent}."));
}

#[tokio::test]
async fn cut_off_before_the_wallet_has_sent_the_repeated_command_finds_what_it_sent() {
    let world = World::with_rescue().await;
    let mut person = killed_after_asking(&world);
    let silent = world.levee("journal resume 2");
    assert!(
        silent
            .stderr
            .starts_with("error: it is not known whether the wallet sent the transaction with nonce ")
    );
    assert_eq!(silent.code, Some(2));
    person.does(json!({ "release": true }));
    let signing = Signing::of_ann(&world, PLEDGE);
    let mut again = Person::connected(&world, &signing);
    again.sees(ENDED);
    let ran = signing.end();
    assert!(ran.stderr.contains("it is done; nothing was sent again"), "{}", ran.stderr);
    assert!(ran.ok().starts_with("locked 5 ETH "));
    assert_eq!((again.asked_to(), pledged(&world)), (vec![], json!((5 * ETHER).to_string())));

    // No wallet is needed to find it.
    let mut person = killed_after_asking(&world);
    person.does(json!({ "release": true }));
    let resumed = world.levee("journal resume 3").ok();
    assert!(resumed.starts_with("locked 5 ETH "), "{resumed}");
    assert_eq!(intent(&world)["state"], "done");
    assert_eq!(pledged(&world), json!((10 * ETHER).to_string()));
}

#[tokio::test]
async fn what_is_resumed_is_reported_and_not_finished_while_the_wallet_holds_the_next_request() {
    let world = World::with_rescue().await;
    let signing = Signing::of_ann(&world, DECLARATION);
    let mut person = Person::asked(&world, &signing);
    person.goes_on();
    person.sees("Declare for the rescue");
    person.wallet(json!({ "answers": "waits" }));
    person.goes_on();
    person.sees("Confirm the request in the wallet.");
    signing.kill();
    let resumed = world.levee("journal resume 2 --json");
    let reported: Value = serde_json::from_str(&resumed.stdout).expect("a result as JSON");
    assert_eq!(reported["transactions"].as_array().map(Vec::len), Some(1));
    let error: Value = serde_json::from_str(&resumed.stderr).expect("an error as JSON");
    assert_eq!((resumed.code, &error["error"]["kind"]), (Some(2), &json!("WalletSilent")));
    assert_eq!(intent(&world)["state"], "unfinished");
}

#[tokio::test]
async fn what_a_wallet_may_hold_is_given_up_on_request() {
    let world = World::with_rescue().await;
    killed_after_asking(&world);
    let shown = world.levee("journal show 2").ok();
    assert!(shown.contains("handed to the wallet"), "{shown}");
    world.levee("journal forget 2").ok();
    world.by(ANN, PLEDGE);
    assert_eq!(pledged(&world), json!((5 * ETHER).to_string()));
}

#[tokio::test]
async fn what_the_wallet_sends_is_compared_with_what_it_was_asked() {
    let world = World::with_rescue().await;
    let signing = Signing::of_ann(&world, PLEDGE);
    let mut person = Person::asked(&world, &signing);
    person.wallet(json!({ "answers": "raises" }));
    person.goes_on();
    let ran = signing.end();
    assert!(
        ran.stderr.contains("warning: the wallet raised the most that the gas can cost from 0.00"),
        "{}",
        ran.stderr
    );
    ran.ok();

    let signing = Signing::of_ann(&world, &format!("{PLEDGE} --json"));
    let mut person = Person::asked(&world, &signing);
    person.wallet(json!({ "answers": "changes" }));
    person.goes_on();
    let ran = signing.end();
    let error: Value = serde_json::from_str(&ran.stderr).expect("an error as JSON");
    assert_eq!((ran.code, &error["error"]["kind"]), (Some(2), &json!("WalletChanged")));
    assert_eq!(error["error"]["facts"]["what"], "value");
    assert_eq!(intent(&world)["handedOver"][0]["transaction"], error["error"]["facts"]["transaction"]);
    assert_eq!(pledged(&world), json!((5 * ETHER + 1).to_string()));

    // An error that leaves open what was done is not taken for a no.
    let world = World::with_rescue().await;
    let signing = Signing::of_ann(&world, PLEDGE);
    let mut person = Person::asked(&world, &signing);
    person.wallet(json!({ "answers": "fails" }));
    person.goes_on();
    let ran = signing.end();
    assert!(ran.stderr.contains("error: it is not known whether the wallet sent"), "{}", ran.stderr);
    assert_eq!((ran.code, intent(&world)["handedOver"].as_array().map(Vec::len)), (Some(2), Some(1)));
}
