//! What calls, files and transactions do, in words, and compared with what is expected.

use std::{fs, process::Command, str::FromStr};

use alloy::{
    consensus::{SignableTransaction, TxLegacy},
    eips::Encodable2718,
    hex,
    network::TxSignerSync,
    primitives::{Address, Bytes, U256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use levee::{
    SafeCall,
    bindings::PledgeEscrow,
    safe::{Batch, SafeTransaction},
};
use serde_json::{Value, json};

use crate::support::{ANN, BEN, ETHER, LEVEE, Ran, World, project_file, words};

/// MultiSendCallOnly 1.4.1.
const CALL_ONLY: &str = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2";

alloy::sol! {
    interface Wallet {
        function execTransaction(
            address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice,
            address gasToken, address refundReceiver, bytes signatures
        ) external payable returns (bool success);
    }
}

/// The data by which a Safe executes a transaction.
fn exec_transaction(transaction: &SafeTransaction) -> String {
    let call = Wallet::execTransactionCall {
        to: transaction.to,
        value: transaction.value,
        data: transaction.data.clone(),
        operation: transaction.operation.into(),
        safeTxGas: U256::ZERO,
        baseGas: U256::ZERO,
        gasPrice: U256::ZERO,
        gasToken: Address::ZERO,
        refundReceiver: Address::ZERO,
        signatures: Bytes::new(),
    };
    hex::encode_prefixed(call.abi_encode())
}

impl World {
    /// Runs `levee decode` with these arguments, each as it is, and no node but what they name.
    pub(crate) fn decode(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(LEVEE);
        command.env_clear().env("HOME", self.directory()).current_dir(self.directory());
        command.arg("decode").args(arguments).output().expect("levee runs").into()
    }

    /// A contract with ETH and stETH, which stands for a Safe.
    async fn treasury(&self) -> Address {
        let treasury = Address::repeat_byte(0x5a);
        self.chain.anvil_set_code(treasury, Bytes::from_static(&[0])).await.expect("anvil does");
        self.chain.anvil_set_balance(treasury, U256::from(50 * ETHER)).await.expect("anvil does");
        let steth = levee::bindings::StETH::new(self.steth, &self.chain);
        let sent = steth.transferShares(treasury, U256::from(50 * ETHER)).send().await.expect("it is taken");
        sent.get_receipt().await.expect("it is mined");
        treasury
    }

    /// What is proposed is one call by what it is printed as, as a file and as the data that proposes it.
    pub(crate) fn assert_decoded(&self, proposal: &Value, governor: &Address, call: &str) {
        self.write("handed.json", &proposal.to_string());
        let (to, data) = (governor.to_string(), proposal["propose"].as_str().expect("data"));
        let payer = proposal["account"].as_str().expect("an address");
        for source in
            [vec!["--file", "handed.json"], vec![data, "--to", &to, "--value", "0 wei", "--from", payer]]
        {
            let printed = sentences(&self.decode(&[&source[..], &["--json"]].concat()).json()["calls"]);
            assert_eq!(printed.last().map(String::as_str), Some(call), "{printed:?}");
            let expecting = |printed: &[String]| {
                let expected: Vec<_> =
                    printed.iter().flat_map(|sentence| ["--expect", sentence.as_str()]).collect();
                self.decode(&[&source[..], &["--chain", "31337"], &expected].concat())
            };
            expecting(&printed).ok();
            let other: Vec<_> = printed.iter().map(|sentence| sentence.replace("tier 0", "tier 1")).collect();
            assert_ne!(other, printed);
            assert_eq!(expecting(&other).code, Some(1));
            assert_eq!(expecting(&printed[..printed.len() - 1]).code, Some(1));
        }
    }

    fn read(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.directory().join(name)).expect("it was written");
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// Writes what a command prints to `handed.json`.
    fn hand_out(&self, line: &str) {
        let handed = self.levee(line).json();
        self.write("handed.json", &handed.to_string());
    }
}

/// The sentences of calls, and of those in them.
fn sentences(calls: &Value) -> Vec<String> {
    let calls = calls.as_array().expect("a list");
    let one = |call: &Value| {
        let own = call["sentence"].as_str().expect("text").to_owned();
        [vec![own], sentences(&call["calls"])].concat()
    };
    calls.iter().flat_map(one).collect()
}

fn error(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    serde_json::from_str::<Value>(&ran.stderr).expect("it is JSON")["error"].take()
}

#[tokio::test]
async fn a_batch_is_what_it_is_expected_to_be_to_the_wei() {
    let world = World::with_rescue().await;
    let (treasury, rescue) = (world.treasury().await, world.rescue());
    let line = format!("--terms rescue.toml --as {treasury} --safe-batch batch.json --json");
    world.levee(&format!("pledge 12 stETH --tier 2 --approve {line}")).json();
    world.levee(&format!("pledge 5 ETH --tier 0 {line} --append")).json();
    let steth = world.steth;
    let [approve, shares, pledge] = [
        format!("approve {rescue} to spend 12000000000000000000 units of {steth}"),
        format!("pledge 10000000000000000000 shares to tier 2 of {rescue}"),
        format!("pledge 5 ETH to tier 0 of {rescue}"),
    ];
    let payer = treasury.to_string();
    let file = ["--file", "batch.json", "--chain", "31337", "--from", &payer];
    let decoded = world.decode(&[&file[..], &["--json"]].concat()).json();
    assert_eq!(sentences(&decoded["calls"]), [approve.clone(), shares.clone(), pledge.clone()]);
    assert_eq!((&decoded["chain"], &decoded["sender"]), (&json!(31337), &json!(treasury.to_string())));
    assert_eq!(
        decoded["calls"][2]["values"]["amount"],
        json!({ "number": (5 * ETHER).to_string(), "unit": "wei" })
    );

    let expecting = |sentences: &[&str], more: &[&str]| {
        let expected = sentences.iter().flat_map(|sentence| ["--expect", sentence]);
        world.decode(&[&file[..], &expected.collect::<Vec<_>>(), more].concat())
    };
    let shown = expecting(&[&approve, &shares, &pledge], &[]).ok();
    assert!(shown.ends_with("\nAll of it is as expected.\n"), "{shown}");
    assert!(words(&shown).contains(&format!("{pledge} amount 5000000000000000000 wei")), "{shown}");

    let short = pledge.replace("5 ETH", "5.05 ETH");
    let found = error(&expecting(&[&approve, &shares, &short], &["--json"]));
    assert_eq!(found["kind"], "NotAsExpected");
    assert_eq!((&found["facts"]["part"], &found["facts"]["call"]), (&json!("amount"), &json!(3)));
    expecting(&[&approve, &shares, &short], &[]).assert_refused(
        &format!("call 3 differs in its amount: expected `5.05 ETH`, but found `5 ETH`; it is `{pledge}`"),
        "do not sign it before you know why; without `--expect`, `levee decode` shows all calls",
    );
    expecting(&[&shares, &pledge], &[]).assert_refused(
        &format!("call 1 was not expected: it is `{approve}`"),
        "do not sign it before you know why; without `--expect`, `levee decode` shows all calls",
    );
    let more = expecting(&[&approve, &shares, &pledge, "settle it"], &["--json"]);
    assert_eq!(error(&more)["kind"], "MissingCall");

    // A node knows the tokens of the rescue, and how many shares an amount is.
    let url = world.endpoint();
    let approve = format!("approve {rescue} to spend 12 stETH");
    let amount = format!("pledge 12 stETH to tier 2 of {rescue}");
    expecting(&[&approve, &amount, &pledge], &["--rpc-url", &url]).ok();
    let less = amount.replace("12 stETH", "11.999999999999999998 stETH");
    let found = error(&expecting(&[&approve, &less, &pledge], &["--rpc-url", &url, "--json"]));
    assert_eq!(found["facts"]["found"], "10000000000000000000 shares");
}

#[tokio::test]
async fn what_commands_hand_out_is_decoded_and_what_contradicts_itself_is_refused() {
    let world = World::with_rescue().await;
    let (treasury, rescue) = (world.treasury().await, world.rescue());
    let pledge = format!("pledge 5 ETH to tier 0 of {rescue}");
    world.hand_out(&format!("pledge 5 ETH --tier 0 --terms rescue.toml --as {treasury} --calldata --json"));
    let payer = treasury.to_string();
    let handed = ["--file", "handed.json", "--expect", &pledge];
    world.decode(&[&handed[..], &["--chain", "31337", "--from", &payer]].concat()).ok();
    // The file's word for the account that pays, and for the chain, proves nothing.
    world.decode(&[&handed[..], &["--chain", "31337"]].concat()).assert_refused(
        &format!("call 1 differs in its pledger: expected ``, but found `for {payer}`; it is `{pledge} for {payer}`"),
        "if that is who you mean, add it to the expectation, or name the sender that you are sure of with `--from`",
    );
    world.decode(&handed).assert_refused(
        "it is not certain for which chain this is",
        "name the chain that you mean with `--chain CHAIN`, or a node with `--rpc-url URL`",
    );
    let stranger = Address::repeat_byte(0xaa);
    world.decode(&["--file", "handed.json", "--from", &stranger.to_string()]).assert_refused(
        &format!("the file is for calls by `{treasury}`, but `--from` says `{stranger}`"),
        "do not sign it before you know why; without `--from`, `levee decode` shows all calls",
    );
    let shown = world.decode(&["--file", "handed.json", "--json"]).json();
    assert_eq!((&shown["sender"], &shown["claimedSender"]), (&Value::Null, &json!(payer)));

    world.hand_out(&format!("pledge 5 ETH --tier 0 --terms rescue.toml --aragon {treasury} --json"));
    let by_agent = format!("execute by the Agent {treasury}");
    let chain = ["--chain", "31337"];
    let agents = [&chain[..], &["--expect", &by_agent, "--expect", &pledge]].concat();
    world.decode(&[&["--file", "handed.json"], &agents[..]].concat()).ok();
    let mut handed = world.read("handed.json");
    let script = handed["script"].as_str().expect("text").to_owned();
    let of_script = [&[script.as_str()], &agents[..]].concat();
    world.decode(&of_script).ok();
    world.decode(&[&of_script[..], &["--max-cost", "1 ETH"]].concat()).assert_refused(
        "what is decoded is no transaction, so it does not say what its gas costs",
        "leave `--max-cost` out, and give it for the transaction that is sent in the end",
    );
    handed["steps"][0]["valueWei"] = json!("1");
    world.write("handed.json", &handed.to_string());
    world.decode(&["--file", "handed.json"]).assert_refused(
        &format!(
            "`handed.json` contradicts itself: its script is not the one by which `{treasury}` makes its steps"
        ),
        "do not use it; write it again",
    );

    let cold = world.address(ANN);
    world.levee(&format!("pledge 5 ETH --tier 0 --terms rescue.toml --as {cold} --unsigned x.json")).ok();
    let from = cold.to_string();
    let expected = ["--file", "x.json", "--from", &from, "--expect", &pledge];
    world.decode(&expected).ok();
    let most = world.read("x.json")["transactions"][0].take();
    let fee: u128 = most["maxFeePerGasWei"].as_str().and_then(|wei| wei.parse().ok()).expect("a number");
    let most = fee * u128::from(most["gasLimit"].as_u64().expect("a number"));
    let at_most = |wei: u128| world.decode(&[&expected[..], &["--max-cost", &format!("{wei} wei")]].concat());
    at_most(most).ok();
    let decimal = |wei: u128| format!("{} ETH", levee::model::display::decimal(wei));
    at_most(most - 1).assert_refused(
        &format!("its gas can cost {}, more than the {} of `--max-cost`", decimal(most), decimal(most - 1)),
        "do not sign it before you know why; whoever wrote it has chosen the price",
    );
    assert_eq!(
        error(&world.decode(&["--file", "x.json", "--json", "--expect", &pledge]))["facts"]["part"],
        "pledger"
    );
    let mut unsigned = world.read("x.json");
    unsigned["transactions"][0]["valueWei"] = json!((6 * ETHER).to_string());
    world.write("y.json", &unsigned.to_string());
    world.decode(&["--file", "y.json"]).assert_refused(
        "`y.json` contradicts itself: what is to be signed is not what it says of it",
        "do not sign it; write it again",
    );

    let digits = unsigned["transactions"][0]["unsigned"].as_str().expect("text").to_owned();
    let bytes = hex::decode(&digits).expect("digits");
    let mut typed =
        alloy::consensus::TypedTransaction::decode_unsigned(&mut &bytes[..]).expect("a transaction");
    let signer = PrivateKeySigner::from_bytes(&world.key(ANN)).expect("a key");
    let signature = signer.sign_transaction_sync(&mut typed).expect("it signs");
    let signed = hex::encode_prefixed(typed.clone().into_envelope(signature).encoded_2718());
    let other = PrivateKeySigner::from_bytes(&world.key(BEN)).expect("a key");
    let signature = other.sign_transaction_sync(&mut typed).expect("it signs");
    let of_other = hex::encode_prefixed(typed.into_envelope(signature).encoded_2718());
    world.write("signed.txt", &format!("{signed}\n{of_other}\n"));
    let several = error(&world.decode(&["--file", "signed.txt", "--json"]));
    assert_eq!(several["kind"], "InvalidFile");
    assert_eq!(several["facts"]["reason"], "its transactions are of several accounts or chains");
    assert_eq!(several["hint"], "check the path, or ask whoever has sent it for another");
    let unsigned = format!("{pledge} for {cold}");
    world.decode(&[&digits, "--expect", &unsigned]).ok();
    world.decode(&[&signed, "--expect", &pledge]).ok();
    world.decode(&[&signed, "--from", &payer]).assert_refused(
        &format!("the calls are made by `{cold}`, but `--from` says `{payer}`"),
        "do not sign it before you know why; without `--from`, `levee decode` shows all calls",
    );
    let shown = words(&world.decode(&[&signed]).ok());
    assert!(shown.contains(&format!("chain 31337 sender {cold}")), "{shown}");
    let hash = world.levee_send(&signed).await;
    world.decode(&[&hash, "--rpc-url", &world.endpoint(), "--expect", &pledge]).ok();
    let shown = words(&world.decode(&[&hash, "--rpc-url", &world.endpoint()]).ok());
    assert!(
        shown.starts_with(&format!("source transaction {hash} of {cold}, nonce 0 chain 31337")),
        "{shown}"
    );
}

impl World {
    /// Sends a signed transaction, and returns its hash.
    async fn levee_send(&self, signed: &str) -> String {
        let raw = hex::decode(signed).expect("digits");
        let sent = self.chain.send_raw_transaction(&raw).await.expect("it is taken");
        sent.get_receipt().await.expect("it is mined").transaction_hash.to_string()
    }
}

#[tokio::test]
async fn a_node_tells_what_is_no_rescue_and_what_failed() {
    let world = World::with_rescue().await;
    let other = Address::repeat_byte(0x77);
    let settle = PledgeEscrow::settleCall {}.abi_encode();
    let data = hex::encode_prefixed(&settle);
    let url = world.endpoint();
    let other_text = other.to_string();
    let arguments = [data.as_str(), "--to", &other_text, "--rpc-url", &url];
    let ran = world.decode(&arguments);
    let warning =
        format!("warning: there is no escrow at `{other}`: the account has no code on this chain\n");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), warning.as_str()));
    let expected = format!("settle {other}");
    let refused = |arguments: &[&str], settled: &str, error: &str| {
        world.decode(&[arguments, &["--expect", settled]].concat()).assert_refused(
            error,
            "do not rely on it before you know why; without `--expect`, `levee decode` shows all calls",
        );
    };
    refused(
        &arguments,
        &expected,
        &format!("there is no escrow at `{other}`: the account has no code on this chain"),
    );
    // Nothing can be settled yet.
    let request =
        TransactionRequest::default().to(world.rescue()).input(Bytes::from(settle).into()).gas_limit(200_000);
    let sent = world.chain.send_transaction(request.clone()).await.expect("it is taken");
    let hash = sent.get_receipt().await.expect("it is mined").transaction_hash.to_string();
    let ran = world.decode(&[&hash, "--rpc-url", &url]);
    assert_eq!(ran.stderr, "warning: the transaction failed, so nothing of this was done\n");
    let settled = format!("settle {}", world.rescue());
    refused(&[&hash, "--rpc-url", &url], &settled, "the transaction failed, so nothing of this was done");
    world.decode(&[&data, "--to", &world.rescue().to_string(), "--rpc-url", &url, "--expect", &settled]).ok();
    world.chain.anvil_set_auto_mine(false).await.expect("anvil stops");
    let sent = world.chain.send_transaction(request).await.expect("it is taken");
    let hash = sent.tx_hash().to_string();
    refused(&[&hash, "--rpc-url", &url], &settled, "the transaction is in no block yet");
    let nothing = format!("0x{}", "07".repeat(32));
    world.decode(&[&nothing, "--rpc-url", &url]).assert_refused(
        &format!("chain 31337 has no transaction `{nothing}`"),
        "check the hash and the chain; with `--to`, 32 bytes are the data of a call",
    );
    world.decode(&[&nothing]).assert_refused(
        "no node given",
        "use `--rpc-url URL` or the variable LEVEE_RPC_URL, or write a levee.toml",
    );
}

/// A Safe runs MultiSendCallOnly as its own code, which only the chain can show to be Safe's.
#[tokio::test]
async fn code_that_a_safe_runs_is_checked() {
    let world = World::with_rescue().await;
    let (code, safe, url) =
        (Address::from_str(CALL_ONLY).expect("an address"), world.address(ANN), world.endpoint());
    let settle = SafeCall {
        to: world.rescue(),
        value: U256::ZERO,
        data: PledgeEscrow::settleCall {}.abi_encode().into(),
    };
    let transaction = SafeTransaction::calls_through(code, &[settle], 0);
    let data = exec_transaction(&transaction);
    let arguments = [data.as_str(), "--to", &safe.to_string(), "--rpc-url", &url];
    world.chain.anvil_set_code(code, Bytes::from_static(&[0])).await.expect("anvil does");
    let foreign = levee::Error::ForeignCode { to: code };
    assert_eq!(world.decode(&arguments).stderr, format!("warning: {foreign}\n"));
    let expected = [format!("execute by the Safe {safe}"), format!("settle {}", world.rescue())];
    let expected: Vec<_> = expected.iter().flat_map(|sentence| ["--expect", sentence.as_str()]).collect();
    let ran = world.decode(&[&arguments[..], &expected, &["--json"]].concat());
    assert_eq!(error(&ran)["message"], foreign.to_string());
}

/// A transaction without a chain (EIP-155) is valid on every one.
#[tokio::test]
async fn a_transaction_for_any_chain_is_said_to_be() {
    let world = World::start().await;
    let transaction =
        TxLegacy { to: Address::repeat_byte(7).into(), value: U256::from(1), ..TxLegacy::default() };
    let digits = hex::encode_prefixed(transaction.encoded_for_signing());
    let shown = words(&world.decode(&[&digits]).ok());
    assert!(shown.starts_with("source 1 unsigned transaction, valid on any chain send"), "{shown}");
    let expected = format!("send 1 wei to {}", Address::repeat_byte(7));
    world.decode(&[&digits, "--expect", &expected]).assert_refused(
        "it is not certain for which chain this is",
        "name the chain that you mean with `--chain CHAIN`, or a node with `--rpc-url URL`",
    );
    let of_chain = TxLegacy { chain_id: Some(1), ..transaction };
    let digits = hex::encode_prefixed(of_chain.encoded_for_signing());
    world.decode(&[&digits, "--expect", &expected]).ok();
}

#[tokio::test]
async fn what_is_unknown_is_said_to_be() {
    let world = World::start().await;
    let to = Address::repeat_byte(0x77).to_string();
    let ran = world.decode(&["0xdeadbeef", "--to", &to, "--value", "1 wei"]);
    assert_eq!(ran.stderr, "warning: some of this is unknown: it can do anything that its sender can\n");
    let expected = format!(
        "source data of a call call {to} with unknown data of \
         0xd4fd4e189132273036449fc9e11198c739161b4c0116a9a2dccdfa1c492006f1 sending 0.000000000000000001 ETH value 1 wei \
         data 0xdeadbeef note the function 0xdeadbeef is not known"
    );
    assert_eq!(words(&ran.stdout), expected);
    assert!(ran.stdout.lines().all(|line| line.len() <= 80), "{}", ran.stdout);
    let hint = "give data, a transaction or its hash, or name a file with `--file`";
    world.decode(&["pledge"]).assert_refused("what is to be decoded is not in hexadecimal digits", hint);
    world.write("nothing.json", "{\"a\": 1}");
    world.decode(&["--file", "nothing.json"]).assert_refused(
        "`nothing.json` has no calls or transactions in a form that is known",
        "`levee decode --help` lists what can be decoded",
    );
}

/// The commands of docs/decode.md, on the files that it names.
#[tokio::test]
async fn the_page_runs_as_written() {
    let world = World::with_rescue().await;
    let (treasury, rescue) = (world.treasury().await, world.rescue());
    let line = format!("--terms rescue.toml --as {treasury} --safe-batch batch.json");
    world.levee(&format!("pledge 12 stETH --tier 2 --approve {line}")).ok();
    let page = project_file("docs/decode.md");
    let block = page.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    assert!(block.contains("--from 0xSAFE"), "{block}");
    let addresses = [("0xRESCUE", rescue), ("0xSAFE", treasury), ("0xSTETH", world.steth)];
    let filled = addresses
        .iter()
        .fold(block.to_owned(), |text, (name, address)| text.replace(name, &address.to_string()));
    assert!(filled.contains("--expect"), "{filled}");
    let binaries = std::path::Path::new(LEVEE).parent().expect("a directory").display();
    let path = format!("{binaries}:{}", std::env::var("PATH").expect("PATH is set"));
    let mut bash = Command::new("bash");
    bash.env_clear().env("PATH", path).env("HOME", world.directory()).env("LEVEE_RPC_URL", world.endpoint());
    bash.env("CHAIN", "31337");
    let ran: Ran =
        bash.current_dir(world.directory()).args(["-euc", &filled]).output().expect("bash runs").into();
    assert_eq!(ran.ok().matches("All of it is as expected.").count(), 2);
}

/// A method with its inputs, as the Transaction Builder writes calls that were made in its form.
#[tokio::test]
async fn a_call_without_data_is_encoded() {
    let world = World::start().await;
    let rescue = Address::repeat_byte(0x11);
    let mut batch = Batch::new(1, Address::repeat_byte(0x22), 0, "", &[]);
    batch.meta.checksum = None;
    batch.transactions.push(
        serde_json::from_value(json!({
            "to": rescue.to_string(), "value": "0", "data": null,
            "contractMethod": { "name": "release", "payable": false, "inputs": [{ "name": "asset", "type": "uint8" }] },
            "contractInputsValues": { "asset": "1" },
        }))
        .expect("it is a call"),
    );
    world.write("batch.json", &serde_json::to_string(&batch).expect("it is JSON"));
    let expected = format!("release stETH of {rescue}");
    world.decode(&["--file", "batch.json", "--chain", "1", "--expect", &expected]).ok();
    world.decode(&["--file", "batch.json", "--chain", "5", "--expect", &expected]).assert_refused(
        "the node is on chain 1, not on chain 5",
        "check `--rpc-url` and `--chain`, or the terms' `chain`; nothing was sent",
    );
    batch.chain_id = "one".into();
    world.write("batch.json", &serde_json::to_string(&batch).expect("it is JSON"));
    let ran = world.decode(&["--file", "batch.json", "--chain", "1"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("its chain is `one`, which is not a number"), "{}", ran.stderr);
}
