//! What stands in levee.toml and foundry.toml.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{ANN, ETHER, Ran, World, levee, project_file, run};

impl World {
    /// Runs the command in a directory below the files, without a node in the environment.
    fn configured(&self, line: &str) -> Ran {
        let below = self.directory().join("below");
        fs::create_dir_all(&below).expect("the directory can be written to");
        run(levee(self.directory()).current_dir(below), line)
    }
}

#[tokio::test]
async fn nodes_and_chains_have_names() {
    let world = World::with_rescue().await;
    let (endpoint, rescue) = (world.endpoint(), world.rescue());
    let here = format!("[chains.here]\nid = 31337\nrpc-url = \"{endpoint}\"\n");
    let by_terms = "status --terms ../rescue.toml";
    let by_address = format!("status --rescue {rescue}");

    // The terms name the chain, and the file its nodes.
    world.write("levee.toml", &here);
    let shown = world.configured(by_terms).ok();
    assert!(shown.contains(&rescue.to_string()), "{shown}");
    // An address names no chain.
    world.configured(&by_address).assert_refused(
        "no node given",
        "use `--rpc-url URL` or the variable LEVEE_RPC_URL, or write a levee.toml",
    );
    for line in [" --chain here", " --chain 31337", " --rpc-url here"] {
        assert_eq!(world.configured(&format!("{by_address}{line}")).ok(), shown, "{line}");
    }
    world
        .configured(&format!("{by_address} --chain there"))
        .assert_refused("no chain is known as `there`", "give its ID, such as `1`, or name it in levee.toml");

    world.write("levee.toml", &format!("chain = \"here\"\n{here}"));
    assert_eq!(world.configured(&by_address).ok(), shown);

    world.write("foundry.toml", &format!("[rpc_endpoints]\nlocal = \"{endpoint}\"\n"));
    assert_eq!(world.configured(&format!("{by_address} --rpc-url local")).ok(), shown);
    world.configured(&format!("{by_address} --rpc-url other")).assert_refused(
        "the node is given by neither a URL nor a name in levee.toml or foundry.toml",
        "give the URL of a node, such as `https://node.example`",
    );
}

#[tokio::test]
async fn a_node_must_be_on_the_chain_that_the_file_says() {
    let world = World::with_rescue().await;
    let (endpoint, rescue) = (world.endpoint(), world.rescue());
    world.write("levee.toml", &format!("[chains.main]\nid = 1\nrpc-url = [\"{endpoint}\"]\nquorum = 2\n"));
    let line = format!("status --rescue {rescue} --rpc-url main");
    let ran = world.configured(&line);
    assert!(
        ran.stderr.starts_with("error: 2 nodes must agree, but the number of nodes given is 1\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.code, Some(1));
    let ran = world.configured(&format!("{line} --quorum 1"));
    assert!(ran.stderr.starts_with("error: the node is on chain 31337, not on chain 1\n"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
}

#[tokio::test]
async fn a_file_that_is_not_needed_is_not_read() {
    let world = World::with_rescue().await;
    world.write("levee.toml", "chain = \n");
    let status = "status --terms rescue.toml";
    let shown = world.levee(status).ok();
    let named = format!("{status} --chain 31337 --rpc-url {}", world.endpoint());
    assert_eq!(world.levee(&named).ok(), shown);
    // The common name of another chain.
    let ran = world.levee("status --rescue 0x0000000000000000000000000000000000000001 --chain sepolia");
    assert!(ran.stderr.starts_with("error: the node is on chain 31337, not on"), "{}", ran.stderr);
    for line in [status.to_owned(), format!("{status} --rpc-url here"), format!("{status} --chain here")] {
        let ran = run(levee(world.directory()).current_dir(world.directory()), &line);
        assert!(ran.stderr.contains("levee.toml:1: "), "{}", ran.stderr);
        assert_eq!(ran.code, Some(1), "{line}");
    }
}

#[tokio::test]
async fn the_usual_account_is_the_one_of_a_file_that_was_chosen() {
    let world = World::with_rescue().await;
    let keystores = world.directory().join(".foundry/keystores");
    fs::create_dir_all(&keystores).expect("the directory can be written to");
    // Ann's key.
    let keystore = project_file("tests/keystores/iv-15-bytes.json");
    fs::write(keystores.join("treasury"), keystore).expect("the directory can be written to");
    world.write("levee.toml", "account = \"treasury\"\n");
    let pledge = |variables: &[(&str, &str)]| {
        let mut command = world.command();
        command.env("LEVEE_PASSWORD", "pw").envs(variables.iter().copied());
        run(&mut command, "pledge 1 ETH --tier 0 --terms rescue.toml --yes")
    };
    let path = world.directory().canonicalize().expect("it exists").join("levee.toml");
    pledge(&[]).assert_refused(
        &format!(
            "`{}` names the account `treasury`, but a file that was only found does not choose who signs",
            path.display()
        ),
        "use `--account NAME`, or name the file in LEVEE_CONFIG",
    );
    let chosen = ("LEVEE_CONFIG", "levee.toml");
    pledge(&[chosen, ("ETH_KEYSTORE_ACCOUNT", "other")]).assert_refused(
        &format!(
            "there is no keystore at `{}`",
            world.directory().join(".foundry/keystores/other").display()
        ),
        "`cast wallet list` shows the names of your keystores",
    );
    pledge(&[chosen]).ok();
    assert_eq!(world.positions(ANN)[0]["amount"], ETHER.to_string());
}

#[tokio::test]
async fn a_file_that_others_can_write_decides_nothing() {
    let world = World::with_rescue().await;
    world.write("levee.toml", &format!("[chains.here]\nid = 31337\nrpc-url = \"{}\"\n", world.endpoint()));
    let path = world.directory().join("levee.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("the file is the test's own");
    let path = path.canonicalize().expect("it exists");
    world.configured("status --terms ../rescue.toml").assert_refused(
        &format!("`{}` is another user's, or anybody can write it, so it is not used", path.display()),
        "remove it, or make it your own and protect it with `chmod o-w`",
    );
}
