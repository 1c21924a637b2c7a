//! Programs in other languages, by the interface that the command prints.

use std::{env, path::Path, process::Command};

use levee::{Contract, Edition};
use serde_json::Value;

use crate::support::{ANN, ETHER, LEVEE, Ran, World, levee, project_file, root, run};

/// Runs an example against the world's rescue, as Ann.
fn example(world: &World, program: &Path, file: &str) -> Ran {
    let binaries = Path::new(LEVEE).parent().expect("the binary is in a directory").display();
    let path = env::var("PATH").expect("PATH is set");
    let mut command = Command::new(program);
    command
        .current_dir(root())
        .env("PATH", format!("{binaries}:{path}"))
        .env("LEVEE_RPC_URL", world.endpoint());
    command.env("LEVEE_PRIVATE_KEY", world.key(ANN).to_string());
    let arguments = [file, &world.rescue().to_string(), "0", &(3 * ETHER).to_string()].map(str::to_owned);
    let ran = command.args(arguments).output();
    ran.unwrap_or_else(|error| {
        panic!("{} is missing (`make lint` and `npm ci` install it): {error}", program.display())
    })
    .into()
}

#[tokio::test]
async fn examples_in_other_languages_pledge() {
    let programs = [
        (root().join(".tools/venv/bin/python"), "examples/pledge.py"),
        ("node".into(), "examples/pledge.mjs"),
    ];
    for (program, file) in programs {
        let world = World::with_rescue().await;
        let told = format!("pledged {} wei; the position has {} wei\n", 3 * ETHER, 3 * ETHER);
        assert_eq!(example(&world, &program, file).ok(), told, "{file}");
        assert_eq!(world.pots().await, [(0, 0, 3 * ETHER, 0, 0)]);
    }
}

#[test]
fn the_interface_is_that_of_the_artifact() {
    let printed = |name: &str| -> Value {
        serde_json::from_str(&run(&mut levee(&root()), &format!("abi {name}")).ok()).expect("it is JSON")
    };
    let names =
        ["escrow", "recovery-pool", "bonus-pool", "board", "router", "debt-repayer", "staked-ether-unwinder"];
    for (contract, name) in Contract::ALL.into_iter().zip(names) {
        let artifact: Value =
            serde_json::from_str(&project_file(&format!("crates/levee/artifacts/{contract:?}.json")))
                .expect("it is JSON");
        assert_eq!(printed(name), artifact["abi"], "{name}");
        assert_eq!(*Edition::LATEST.abi(contract), artifact["abi"]);
    }
}
