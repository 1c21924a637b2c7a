//! Contracts that look like a rescue and are none: anyone can make a contract return a rescue's code over books of its own.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, U256, keccak256},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use levee::{Contract, Error};

use crate::support::{ANN, World};

/// PUSH1, PUSH2, PUSH32 and what else init code takes to write storage and return code.
const PUSH1: u8 = 0x60;
const PUSH2: u8 = 0x61;
const PUSH32: u8 = 0x7f;
const SSTORE: u8 = 0x55;
/// DUP1.
const DUP: u8 = 0x80;
/// PUSH0 CODECOPY PUSH0 RETURN.
const RETURN_THE_REST: [u8; 4] = [0x5f, 0x39, 0x5f, 0xf3];

/// Init code that writes these slots, below 256, and returns `code`.
fn init_code(slots: &[(u8, U256)], code: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (slot, value) in slots {
        head.extend([&[PUSH32][..], &value.to_be_bytes::<32>(), &[PUSH1, *slot, SSTORE]].concat());
    }
    let bytes = |number: usize| u16::try_from(number).expect("it fits").to_be_bytes();
    let start = head.len() + 3 + 1 + 3 + RETURN_THE_REST.len();
    head.extend([&[PUSH2][..], &bytes(code.len()), &[DUP, PUSH2], &bytes(start), &RETURN_THE_REST].concat());
    [&head, code].concat()
}

impl World {
    /// The first slots of the rescue's storage that hold something.
    async fn slots(&self) -> Vec<(u8, U256)> {
        let mut slots = Vec::new();
        for slot in 0..=40u8 {
            let asked = self.chain.get_storage_at(self.rescue(), U256::from(slot)).await;
            slots.push((slot, asked.expect("anvil answers")));
        }
        slots.retain(|(_, value)| !value.is_zero());
        slots
    }

    /// A contract with the rescue's code and these slots.
    async fn counterfeit(&self, slots: &[(u8, U256)]) -> Address {
        let code = self.chain.get_code_at(self.rescue()).await.expect("anvil answers");
        let create = TransactionRequest::default().with_deploy_code(init_code(slots, &code));
        let sent = self.chain.send_transaction(create).await.expect("it can be created");
        let made = sent.get_receipt().await.expect("it is mined").contract_address.expect("it was created");
        let copied = self.chain.get_code_at(made).await.expect("anvil answers");
        assert_eq!(keccak256(copied), keccak256(code));
        made
    }
}

#[tokio::test]
async fn a_counterfeit_is_refused_whatever_its_books_say() {
    let world = World::with_rescue().await;
    world.by(ANN, "pledge 1 ETH --tier 0");
    let slots = world.slots().await;
    assert!(!slots.is_empty());
    for slots in [&slots[..], &[]] {
        let address = world.counterfeit(slots).await;
        let error = Error::Counterfeit { contract: Contract::PledgeEscrow, address };
        let by_ann = format!("--rescue {address} --dev {ANN} --yes");
        let before = world.mark().await;
        for line in [
            format!("status --rescue {address}"),
            format!("positions {} --rescue {address}", world.address(ANN)),
            format!("pledge 1 ETH --tier 0 {by_ann}"),
            format!("settle {by_ann}"),
            format!("refund {by_ann}"),
            format!("bonus add 1 ETH {by_ann}"),
        ] {
            let ran = world.levee(&line);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}");
            assert_eq!(ran.stderr, format!("error: {error}\n"), "{line}");
        }
        assert_eq!(world.mark().await, before);
    }
}
