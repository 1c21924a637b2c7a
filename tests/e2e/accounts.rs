//! Where the signing key comes from.

use std::fs;

use alloy::{
    primitives::{Address, U256, address, hex},
    providers::{Provider, ProviderBuilder, ext::AnvilApi},
};
use serde_json::json;

use crate::support::{ANN, BEN, ETHER, World, anvil, levee, run};

/// Made by `cast wallet import` 1.7.1, of a key for these tests alone: public keys do not sign on every chain.
pub(crate) const KEYSTORE: &str = include_str!("keystore.json");
/// Of the second account of every anvil; its password is `pw`.
const PUBLIC_KEYSTORE: &str = include_str!("../keystores/iv-15-bytes.json");
/// Opens [`KEYSTORE`].
pub(crate) const PASSWORD: &str = "correct horse";
/// The account in [`KEYSTORE`].
pub(crate) const KEYSTORE_ADDRESS: Address = address!("4ab36E90b66ca57cB871057726dB3BFB35b450aF");

/// Puts the keystore where Foundry has it, under the name `me`.
pub(crate) fn install_keystore(home: &std::path::Path) {
    let keystores = home.join(".foundry/keystores");
    fs::create_dir_all(&keystores).expect("the home can be written to");
    fs::write(keystores.join("me"), KEYSTORE).expect("the home can be written to");
}

/// Gives an account that anvil does not know 10 ETH.
pub(crate) async fn fund(chain: &impl Provider, account: Address) {
    chain.anvil_set_balance(account, U256::from(10 * ETHER)).await.expect("anvil gives");
}

#[tokio::test]
async fn every_source_of_a_key_signs() {
    let world = World::with_rescue().await;
    install_keystore(world.directory());
    world.write("keystore.json", KEYSTORE);
    world.write("password", &format!("{PASSWORD}\n"));
    fund(&world.chain, KEYSTORE_ADDRESS).await;
    let ann = world.key(ANN).to_string();
    let bare = world.key(BEN).to_string().split_off(2);
    let none = ("LEVEE_NOTHING", "");
    let sources = [
        ("--keystore keystore.json --password-file password", none, KEYSTORE_ADDRESS),
        ("--account me --password-file password", none, KEYSTORE_ADDRESS),
        ("--account me", ("LEVEE_PASSWORD", PASSWORD), KEYSTORE_ADDRESS),
        ("", ("LEVEE_PRIVATE_KEY", ann.as_str()), world.address(ANN)),
        ("", ("LEVEE_PRIVATE_KEY", bare.as_str()), world.address(BEN)),
        ("--dev 2", none, world.address(BEN)),
        // What is said wins over what is in the environment.
        ("--dev 2", ("LEVEE_PRIVATE_KEY", ann.as_str()), world.address(BEN)),
    ];
    for (source, (variable, value), signer) in sources {
        let line = format!("pledge 1wei --tier 0 --terms rescue.toml --yes --json {source}");
        let result = run(world.command().env(variable, value), &line).json();
        let pledger = &result["transactions"][0]["events"][0]["pledger"];
        assert_eq!(pledger, &json!(signer.to_string()), "{source} {variable}");
    }
    let booked = [(KEYSTORE_ADDRESS, "3"), (world.address(ANN), "1"), (world.address(BEN), "3")];
    for (pledger, amount) in booked {
        let line = format!("positions {pledger} --terms rescue.toml --json");
        assert_eq!(world.levee(&line).json()["positions"][0]["amount"], amount);
    }
}

#[tokio::test]
async fn the_variables_of_cast_count_last() {
    let world = World::with_rescue().await;
    install_keystore(world.directory());
    world.write("keystore.json", KEYSTORE);
    world.write("password", &format!("{PASSWORD}\n"));
    world.write("wrong", "wrong horse");
    fund(&world.chain, KEYSTORE_ADDRESS).await;
    let (ann, ben, me) = (world.address(ANN), world.address(BEN), KEYSTORE_ADDRESS);
    let key = world.key(ANN).to_string();
    let (path, name) = (("ETH_KEYSTORE", "keystore.json"), ("ETH_KEYSTORE_ACCOUNT", "me"));
    let (file, wrong) = (("ETH_PASSWORD", "password"), ("ETH_PASSWORD", "wrong"));
    let [levees, own] = [("LEVEE_PRIVATE_KEY", key.as_str()), ("LEVEE_PASSWORD", PASSWORD)];
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Variables<'_>, Address); 8] = [
        ("", &[path, file], me),
        ("", &[name, file], me),
        // The path wins over the name.
        ("", &[path, ("ETH_KEYSTORE_ACCOUNT", "nobody"), file], me),
        ("", &[name, own, wrong], me),
        ("--password-file password", &[name, wrong], me),
        ("", &[levees, name, file], ann),
        ("--account me", &[levees, file], me),
        ("--dev 2", &[levees, name], ben),
    ];
    for (options, variables, signer) in cases {
        let line = format!("pledge 1wei --tier 0 --terms rescue.toml --dry-run --json {options}");
        let plan = run(world.command().envs(variables.iter().copied()), &line);
        assert_eq!(plan.json()["account"], signer.to_string(), "{options} {variables:?}");
    }
    // A password instead of a path is not repeated.
    let mut command = world.command();
    command.envs([path, ("ETH_PASSWORD", PASSWORD)]);
    run(&mut command, "pledge 1wei --tier 0 --terms rescue.toml --yes").assert_refused(
        "the file that ETH_PASSWORD names cannot be read",
        "it must be the path of a file with the keystore's password, as for `cast`",
    );
}

#[tokio::test]
async fn the_account_that_is_meant_must_sign() {
    let world = World::with_rescue().await;
    let [ann, ben] = [ANN, BEN].map(|account| world.address(account));
    let meant = |line: &str| {
        let line = format!("pledge 1wei --tier 0 --terms rescue.toml {line}");
        run(world.command().env("ETH_FROM", ann.to_string()), &line)
    };
    let other = format!("the account is `{ben}`, but the variable ETH_FROM names `{ann}`");
    let hint = "sign with that account, or unset ETH_FROM";
    let before = world.mark().await;
    meant("--dev 2 --yes").assert_refused(&other, hint);
    meant("--dev 2 --dry-run").assert_refused(&other, hint);
    // A dry run needs no key.
    assert_eq!(meant("--dry-run --json").json()["account"], ann.to_string());
    assert_eq!(meant(&format!("--dry-run --from {ben} --json")).json()["account"], ben.to_string());
    assert_eq!(world.mark().await, before);
    meant("--dev 1 --yes").ok();
}

#[tokio::test]
async fn public_keys_sign_on_a_local_chain_only() {
    let anvil = anvil(&["--chain-id", "560048"]);
    let url = anvil.endpoint();
    let directory = tempfile::tempdir().expect("a directory for the test");
    let terms = "\
chain = 560048
beneficiary = \"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\"
target = \"1 ETH\"
deadline = \"2100-01-01T00:00:00Z\"
latest_deadline = \"2100-01-01T00:00:00Z\"
objection_period = \"1 day\"
veto = \"0 %\"
tranches = 1
tranche_interval = \"0 s\"
release_window = \"30 days\"
exit_window = \"3 days\"
terms_hash = \"0x0000000000000000000000000000000000000000000000000000000000000000\"
[[tier]]
threshold = \"100 %\"
order = 0
rate = \"0 %\"
";
    fs::write(directory.path().join("rescue.toml"), terms).expect("the directory can be written to");
    let keystores = directory.path().join(".foundry/keystores");
    fs::create_dir_all(&keystores).expect("the directory can be written to");
    fs::write(keystores.join("me"), PUBLIC_KEYSTORE).expect("the directory can be written to");
    let (key, account) = (hex::encode(anvil.keys()[1].to_bytes()), anvil.addresses()[1]);
    let sources = [
        ("--dev 1", "LEVEE_NOTHING", ""),
        ("", "LEVEE_PRIVATE_KEY", key.as_str()),
        ("--keystore .foundry/keystores/me", "LEVEE_PASSWORD", "pw"),
        ("--account me", "LEVEE_PASSWORD", "pw"),
    ];
    for (source, variable, value) in sources {
        let line = format!("deploy rescue.toml {source} --yes --rpc-url {url}");
        let ran = run(levee(directory.path()).env(variable, value), &line);
        let refused = format!(
            "error: the key of `{account}` is public, so it does not sign on chain 560048\n\nhint: sign with a key of your own; public keys are for a local anvil with chain ID 31337\n"
        );
        assert!(ran.stderr.ends_with(&refused), "{source} {variable}: {}", ran.stderr);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    }
    let chain = ProviderBuilder::new().connect_http(anvil.endpoint_url());
    assert_eq!(chain.get_block_number().await.expect("anvil answers"), 0);
}
