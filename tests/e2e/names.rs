//! Names of ENS instead of addresses, over a stand-in for its universal resolver.

use std::sync::LazyLock;

use alloy::{
    ens::{UNIVERSAL_RESOLVER_ADDRESS, dns_encode},
    network::TransactionBuilder as _,
    primitives::{Address, Bytes},
    providers::{Provider as _, ext::AnvilApi as _},
    rpc::types::TransactionRequest,
    sol,
    sol_types::{SolCall as _, SolValue as _},
};
use levee_lab::proxy::{OwnCode, Proxy, Reply};
use serde_json::{Value, json};

use crate::{
    solidity::compile,
    support::{ANN, BEN, CAT, ETHER, World},
};

sol! {
    function set(bytes name, address account, string gateway);
}

/// The code of Names.sol.
static CODE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut contracts = compile("tests/e2e/names/Names.sol");
    contracts.remove("Names").expect("it is there").deployed
});

impl World {
    /// With a rescue, and with names.
    async fn with_names() -> Self {
        let world = Self::with_rescue().await;
        world.set_resolver(CODE.clone()).await;
        world.name("rescue.eth", world.rescue()).await;
        world.name("treasury.eth", world.address(CAT)).await;
        world
    }

    async fn set_resolver(&self, code: Bytes) {
        self.chain.anvil_set_code(UNIVERSAL_RESOLVER_ADDRESS, code).await.expect("anvil takes it");
    }

    async fn name(&self, name: &str, account: Address) {
        self.name_by(name, account, "").await;
    }

    /// A name for which the server at `gateway` is asked.
    async fn name_by(&self, name: &str, account: Address, gateway: &str) {
        let set = setCall { name: dns_encode(name).into(), account, gateway: gateway.into() };
        let request = TransactionRequest::default().with_to(UNIVERSAL_RESOLVER_ADDRESS);
        let sent = self.chain.send_transaction(request.with_input(set.abi_encode())).await;
        let receipt = sent.expect("it is taken").get_receipt().await.expect("it is mined");
        assert!(receipt.status());
    }
}

#[tokio::test]
async fn a_name_means_the_same_as_its_address() {
    let world = World::with_names().await;
    let cat = world.address(CAT);
    let ran = world.try_by(ANN, "pledge 5 ETH --tier 0 --for Treasury.ETH --id a");
    assert_eq!(ran.ok(), format!("locked 5 ETH for {cat} in tier 0\n"));
    // The same work, whichever way it is written.
    let ran = world.try_by(ANN, &format!("pledge 5 ETH --tier 0 --for {cat} --id a"));
    assert!(ran.stderr.contains("it is done; nothing was sent again"), "{}", ran.stderr);
    ran.ok();
    assert_eq!(world.positions(CAT)[0]["amount"], (5 * ETHER).to_string());

    let [by_name, by_address] = ["rescue.eth".to_owned(), world.rescue().to_string()]
        .map(|rescue| world.levee(&format!("status --rescue {rescue}")).ok());
    assert_eq!(by_name, by_address);
    let plan = "pledge 1 ETH --tier 0 --rescue rescue.eth --dry-run --from treasury.eth --json";
    assert_eq!(world.levee(plan).json()["account"], cat.to_string());
}

#[tokio::test]
async fn a_compact_has_a_name_too() {
    let world = World::with_compact().await;
    world.set_resolver(CODE.clone()).await;
    let status = world.levee("compact status compact.toml --json").json();
    let compact: Address = status["address"].as_str().expect("text").parse().expect("an address");
    world.name("compact.eth", compact).await;
    let ran = world.levee("compact status Compact.eth");
    assert_eq!(ran.stderr, format!("compact.eth stands for {compact}\n"));
    assert_eq!(ran.ok(), world.levee("compact status compact.toml").ok());
    world
        .levee("compact status other.eth")
        .assert_refused("`other.eth` has no address", "check the name, or give the address");
}

#[tokio::test]
async fn what_a_name_stands_for_is_always_shown_before_anything_is_signed() {
    let world = World::with_names().await;
    let cat = world.address(CAT);
    let line = "pledge 1 ETH --tier 0 --for TREASURY.eth --terms rescue.toml --dev 1";
    // Nobody is there to confirm it.
    for options in ["", "--quiet"] {
        let ran = world.levee(&format!("{line} {options}"));
        assert!(ran.stderr.starts_with(&format!("treasury.eth stands for {cat}\n")), "{}", ran.stderr);
        assert_eq!(ran.code, Some(1));
    }
    let ran = world.levee(&format!("{line} --yes --json"));
    let names = json!({ "names": [{ "name": "treasury.eth", "address": cat.to_string() }] });
    assert_eq!(serde_json::from_str::<Value>(&ran.stderr).expect("one document"), names);
    assert_eq!(ran.json()["transactions"][0]["events"][0]["pledger"], cat.to_string());
}

#[tokio::test]
async fn what_is_no_name_or_has_no_address_is_refused() {
    let world = World::with_names().await;
    world.name("nobody.eth", Address::ZERO).await;
    let positions = |name: &str| world.levee(&format!("positions {name} --terms rescue.toml"));
    for name in ["nobody.eth", "unknown.eth"] {
        positions(name)
            .assert_refused(&format!("`{name}` has no address"), "check the name, or give the address");
    }
    // The second letter is Cyrillic.
    let ran = positions("v\u{430}ult.eth");
    assert!(ran.stderr.starts_with("error: `v\u{430}ult.eth` is not a valid ENS name: "), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
    world.set_resolver(Bytes::new()).await;
    positions("treasury.eth").assert_refused(
        "there is no ENS on chain 31337, so `treasury.eth` stands for nothing there",
        "give the address: what a name stands for on one chain may be another's on the next",
    );
}

#[tokio::test]
async fn another_answer_is_not_taken_silently() {
    let world = World::with_names().await;
    let [cat, ben] = [CAT, BEN].map(|account| world.address(account));
    let positions =
        |options: &str| world.levee(&format!("positions treasury.eth --terms rescue.toml {options}"));
    let first = positions("").ok();
    world.name("treasury.eth", ben).await;
    let mark = world.mark().await;
    for line in ["positions treasury.eth", "pledge 1 ETH --tier 0 --for treasury.eth --dev 1 --yes"] {
        let ran = world.levee(&format!("{line} --terms rescue.toml"));
        let begin = format!("error: `treasury.eth` stood for `{cat}` at ");
        let end = format!(
            "Z, and now stands for `{ben}`\n\nhint: ask its owner by another way; `--accept-changed-name` accepts the new address\n"
        );
        assert!(ran.stderr.starts_with(&begin) && ran.stderr.ends_with(&end), "{}", ran.stderr);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    }
    assert_eq!(world.mark().await, mark, "nothing was sent");
    assert_ne!(positions("--accept-changed-name").ok(), first);
    // From now on it is the one that is expected.
    positions("").ok();
    world.name("treasury.eth", cat).await;
    assert_eq!(positions("").code, Some(1));
    assert_eq!(positions("--accept-changed-name").ok(), first);
}

#[tokio::test]
async fn a_gateway_is_asked_only_if_it_was_named_and_its_answer_is_checked() {
    let world = World::with_names().await;
    let cat = world.address(CAT);
    let answering = |account: Address| {
        let body = json!({ "data": Bytes::from(account.abi_encode()) }).to_string();
        let body: &'static str = body.leak();
        Proxy::replying("", move |_| Reply::Status(200, "", body))
    };
    let (honest, lying) = (answering(cat), answering(world.address(BEN)));
    let broken = Proxy::replying("", |_| Reply::Cut);
    for (name, gateway) in [("outside.eth", &honest), ("lied.eth", &lying), ("broken.eth", &broken)] {
        world.name_by(name, cat, &format!("{}/", gateway.url())).await;
    }
    let positions = |name: &str, host: &str| {
        let allowed = if host.is_empty() { String::new() } else { format!(" --ens-gateway {host}") };
        world.levee(&format!("positions {name} --terms rescue.toml{allowed}"))
    };
    let [host, liar, silent] =
        [&honest, &lying, &broken].map(|gateway| gateway.url().trim_start_matches("http://"));
    for allowed in ["", "gateway.example"] {
        positions("outside.eth", allowed).assert_refused(
            &format!("the address of `outside.eth` is not on the chain: its resolver wants `{host}` to be asked for it"),
            &format!("if you trust the name's owner with that, add `--ens-gateway {host}`; or give the address"),
        );
    }
    assert!(honest.requests().is_empty());
    let by_address = positions(&cat.to_string(), "").ok();
    assert_eq!(positions("outside.eth", host).ok(), by_address);
    assert_eq!(honest.requests()[0]["sender"], UNIVERSAL_RESOLVER_ADDRESS.to_string().to_lowercase());
    let ran = positions("lied.eth", liar);
    assert!(ran.stderr.starts_with("error: `lied.eth` cannot be resolved: "), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    let ran = positions("broken.eth", silent);
    assert!(
        ran.stderr.starts_with("error: the gateway for `broken.eth` does not answer\n"),
        "{}",
        ran.stderr
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
}

#[tokio::test]
async fn a_name_is_asked_for_once() {
    let world = World::with_names().await;
    let proxy = Proxy::start(&world.endpoint(), OwnCode::Runs);
    let line = "declarations --contributor treasury.eth --contributor TREASURY.eth --terms rescue.toml";
    world.levee(&format!("{line} --rpc-url {}", proxy.url())).ok();
    let to_names = |request: &Value| {
        let to = request["params"][0]["to"].as_str().unwrap_or_default();
        to.eq_ignore_ascii_case(&UNIVERSAL_RESOLVER_ADDRESS.to_string())
    };
    assert_eq!(proxy.requests().iter().filter(|request| to_names(request)).count(), 1);
}
