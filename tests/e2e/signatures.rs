//! Signatures by whoever holds an account: in every form in use, by contract wallets, and by accounts that have code.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, hex},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    sol,
    sol_types::{SolCall, SolValue},
};
use serde_json::{Value, json};

use crate::{
    safes::{Safes, V1_5_0},
    support::{ANYONE, BEN, CAT, ETHER, Ran, World, names},
};

const LATER: &str = "--expiry 2100-01-09T00:00:00Z";
const HALF: usize = 64;
/// The end of a signature that may create its wallet (ERC-6492).
const WRAPPED: [u8; 32] = hex!("6492649264926492649264926492649264926492649264926492649264926492");

sol! {
    function getMessageHashForSafe(address safe, bytes message) view returns (bytes32 hash);
}

/// What Safe's own code says that the owners sign.
async fn message_hash(world: &World, safes: &Safes, safe: Address, digest: B256) -> B256 {
    let call = getMessageHashForSafeCall { safe, message: digest.into() };
    let request = TransactionRequest::default().with_to(safes.handler).with_input(call.abi_encode());
    let answer = world.chain.call(request).await.expect("the handler answers");
    getMessageHashForSafeCall::abi_decode_returns(&answer).expect("a hash")
}

impl World {
    fn try_to_sign(&self, account: usize, words: &str) -> Ran {
        self.levee(&format!(
            "declare approved {words} --tier 0 {LATER} --sign --terms rescue.toml --dev {account}"
        ))
    }

    fn signed(&self, account: usize, words: &str) -> Value {
        self.try_to_sign(account, words).json()
    }

    fn try_to_submit(&self, signed: &Value) -> Ran {
        self.write("signed.json", &signed.to_string());
        self.levee(&format!("declare --signed signed.json --dev {ANYONE} --yes --json"))
    }

    fn submit(&self, signed: &Value) {
        assert_eq!(names(&self.try_to_submit(signed).json()), ["Declared"]);
    }
}

/// Asserts that it ended with a refusal, after whatever it had shown.
fn refused(ran: &Ran, message: &str, hint: &str) {
    let end = format!("error: {message}\n\nhint: {hint}\n");
    assert!(ran.stderr.ends_with(&end), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
}

fn bytes(signed: &Value) -> Vec<u8> {
    hex::decode(signed["signature"].as_str().expect("text")).expect("hexadecimal digits")
}

#[tokio::test]
async fn a_signature_is_submitted_in_every_form_in_use() {
    // The order of the curve's group: `s` and this less `s` sign the same, with the other parity.
    const ORDER: U256 =
        U256::from_be_bytes(hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    type Form = fn(&[u8], u8) -> Vec<u8>;
    let forms: [Form; 5] = [
        |half, parity| [half, &[parity]].concat(),
        |half, parity| [half, &[37 + parity]].concat(),
        // 2 · 31337 + 35
        |half, parity| [half, &(62_709 + u16::from(parity)).to_be_bytes()].concat(),
        |half, parity| {
            let high = ORDER - U256::from_be_slice(&half[32..]);
            [&half[..32], &high.to_be_bytes::<32>(), &[28 - parity]].concat()
        },
        |half, parity| {
            let mut compact = half.to_vec();
            compact[32] |= parity << 7;
            compact
        },
    ];
    let world = World::with_rescue().await;
    for (number, form) in forms.into_iter().enumerate() {
        let mut signed = world.signed(BEN, &format!("{} ETH", number + 1));
        let written = bytes(&signed);
        let other = form(&written[..HALF], written[HALF] - 27);
        assert_ne!(other, written);
        signed["signature"] = json!(hex::encode_prefixed(other));
        world.submit(&signed);
    }
    // What is no signature of Ben's in any form is refused before anything is sent.
    let mut signed = world.signed(BEN, "9 ETH");
    let before = world.mark().await;
    for wrong in ["0x".to_owned(), hex::encode_prefixed([7; 64]), hex::encode_prefixed([7; 65])] {
        signed["signature"] = json!(wrong);
        let ran = world.try_to_submit(&signed);
        assert!(ran.stderr.contains("\"kind\": \"SignatureInvalid\""), "{}", ran.stderr);
    }
    assert_eq!(world.mark().await, before);
}

#[tokio::test]
async fn a_safe_is_asked_when_its_owner_signs() {
    let world = World::with_rescue().await;
    let safes = Safes::deploy(&world, &V1_5_0).await;
    let safe = safes.create(&world, &[world.address(CAT)], 1).await;
    let shown = world.try_to_sign(CAT, &format!("9 ETH --for {safe}"));
    let signed: Value = serde_json::from_str(&shown.stdout).expect("it is JSON");
    let digest = signed["digest"].as_str().expect("text").parse().expect("a hash");
    let message = message_hash(&world, &safes, safe, digest).await;
    assert!(shown.stderr.contains(&format!("Safe message  {message}\n")), "{}", shown.stderr);
    assert_eq!(signed["contributor"], safe.to_string());
    world.submit(&signed);

    // Before the wallet existed, it would have signed with the call that creates it in front.
    let mut early = world.signed(CAT, &format!("8 ETH --for {safe}"));
    let inner = Bytes::from(bytes(&early));
    let wrapped = (safes.factory, Bytes::from([1, 2, 3]), inner).abi_encode_params();
    early["signature"] = json!(hex::encode_prefixed([&wrapped[..], &WRAPPED].concat()));
    world.submit(&early);
    let nowhere = Address::repeat_byte(7);
    early["contributor"] = json!(nowhere.to_string());
    let ran = world.try_to_submit(&early);
    assert!(ran.stderr.contains("\"kind\": \"NoWallet\""), "{}", ran.stderr);

    let [ben, cat] = [BEN, CAT].map(|account| world.address(account));
    let instead = "sign with an account that the wallet accepts by itself, or let the wallet declare by a transaction of its own, which `--as WALLET --calldata` prints";
    let stranger = format!("the wallet `{safe}` does not accept the signature of `{ben}`");
    refused(&world.try_to_sign(BEN, &format!("9 ETH --for {safe}")), &stranger, instead);
    // A contract that knows nothing of signatures.
    let token = format!("the wallet `{}` does not accept the signature of `{cat}`", world.steth);
    refused(&world.try_to_sign(CAT, &format!("9 ETH --for {}", world.steth)), &token, instead);
    let none = format!("there is no contract wallet at `{nowhere}`");
    let check = "check the address and the chain, or create the wallet first";
    refused(&world.try_to_sign(CAT, &format!("9 ETH --for {nowhere}")), &none, check);
}

/// Answers 0x1626ba7e, whatever it is asked.
const ACCEPTS: [u8; 16] = hex!("631626ba7e60e01b60005260206000f3");

/// The board asks a wallet by a call that may change nothing, and goes on with what gas is left to it. Whether there is a board yet
/// makes no difference.
#[tokio::test]
async fn a_wallet_is_asked_as_the_board_asks_it() {
    let world = World::with_rescue().await;
    let wallet = Address::repeat_byte(0xa1);
    let becomes = async |code: Vec<u8>| {
        world.chain.anvil_set_code(wallet, code.into()).await.expect("anvil takes code");
    };
    let [without_end, that_writes] =
        [hex!("5b600056").to_vec(), [&hex!("6001600055")[..], &ACCEPTS].concat()];
    let account = world.address(CAT);
    let message = format!("the wallet `{wallet}` does not accept the signature of `{account}`");
    let instead = "sign with an account that the wallet accepts by itself, or let the wallet declare by a transaction of its own, which `--as WALLET --calldata` prints";
    for has_board in [false, true] {
        let amount = format!("{} ETH --for {wallet}", 8 + u8::from(has_board));
        // Accepts what the board asks, which has to be the caller, and jumps over a stop.
        let board = levee::Blueprint::board().address();
        let of_board = [&hex!("3373")[..], board.as_slice(), &hex!("14601b57005b"), &ACCEPTS].concat();
        becomes(of_board.clone()).await;
        let signed = world.signed(CAT, &amount);
        let before = world.mark().await;
        for code in [&without_end, &that_writes] {
            becomes(code.clone()).await;
            refused(&world.try_to_sign(CAT, &amount), &message, instead);
            let ran = world.try_to_submit(&signed);
            assert!(ran.stderr.contains("\"kind\": \"SignatureInvalid\""), "{}", ran.stderr);
            assert_eq!(ran.code, Some(1));
        }
        assert_eq!(world.mark().await, before);
        becomes(of_board).await;
        world.submit(&signed);
        let again = world.try_to_submit(&signed);
        assert!(again.stderr.contains("\"kind\": \"DigestSpent\""), "{}", again.stderr);
    }
}

#[tokio::test]
async fn a_safe_of_several_owners_declares_by_a_transaction() {
    let world = World::with_rescue().await;
    let safes = Safes::deploy(&world, &V1_5_0).await;
    let safe = safes.create(&world, &[BEN, CAT].map(|account| world.address(account)), 2).await;
    let ran = world.try_to_sign(CAT, &format!("9 ETH --for {safe}"));
    let start = format!("error: the Safe `{safe}` needs the signatures of 2 owners for its message `0x");
    let hint = "hint: let the Safe declare by a transaction of its own: `--as SAFE --safe-batch FILE`, instead of `--for SAFE --sign`, writes it\n";
    assert!(ran.stderr.contains(&start) && ran.stderr.ends_with(hint), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));

    // The board is there, so that its transaction is the only one.
    world.submit(&world.signed(BEN, "1 ETH"));
    let line =
        format!("declare approved 9 ETH --tier 0 {LATER} --terms rescue.toml --dry-run --from {safe} --json");
    let plan = world.levee(&line).json();
    let step = &plan["steps"][0];
    let (to, data) = (step["to"].as_str().expect("text"), step["data"].as_str().expect("text"));
    let request = TransactionRequest::default()
        .with_from(safe)
        .with_to(to.parse().expect("an address"))
        .with_input(hex::decode(data).expect("hexadecimal digits"));
    // The plan itself asks for none: here the Safe pays for the transaction that would be its owners'.
    world.chain.anvil_set_balance(safe, U256::from(ETHER)).await.expect("anvil gives");
    world.chain.anvil_impersonate_account(safe).await.expect("anvil does");
    let sent: B256 =
        world.chain.raw_request("eth_sendTransaction".into(), [request]).await.expect("the board takes it");
    world.chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let receipt =
        world.chain.get_transaction_receipt(sent).await.expect("anvil answers").expect("it is mined");
    assert!(receipt.status());
}

/// stETH asks the code of an account, if it has any, and wstETH its key; the board accepts either.
#[tokio::test]
async fn a_permit_of_an_account_with_code_is_tried_before_anything_is_paid() {
    let world = World::with_rescue().await;
    for account in [BEN, CAT] {
        // EIP-7702: the token's code knows nothing of signatures.
        let code = [&hex!("ef0100")[..], world.steth.as_slice()].concat();
        world.chain.anvil_set_code(world.address(account), code.into()).await.expect("anvil takes code");
    }
    let weth = format!("--weth {}", world.weth().await);
    let before = world.mark().await;
    let ran = world.try_by(BEN, &format!("pledge 30 stETH --tier 2 --permit {weth}"));
    let message = format!(
        "the token does not accept a permit of `{}`: the token refused the call: INVALID_SIGNATURE",
        world.address(BEN)
    );
    refused(&ran, &message, "use `--approve` instead of `--permit`");
    assert_eq!(world.mark().await, before);
    assert_eq!(names(&world.by(BEN, "pledge 30 stETH --tier 2 --approve")), ["Pledged"]);
    assert_eq!(names(&world.by(CAT, &format!("pledge 30 wstETH --tier 2 --permit {weth}"))), ["Pledged"]);
    world.submit(&world.signed(BEN, "1 ETH"));
}
