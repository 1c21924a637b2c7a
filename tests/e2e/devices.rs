//! Accounts on a Trezor. The client is the real one: it finds a device by UDP where the vendor's emulator would be, which is
//! [`Trezor`].

use std::{
    collections::HashMap,
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxLegacy},
    primitives::{Address, Bytes, Signature, TxKind, U256},
    signers::{SignerSync, local::PrivateKeySigner},
};
use serde_json::json;
use trezor_client::{
    TrezorMessage,
    protos::{
        ButtonRequest, EthereumAddress, EthereumGetAddress, EthereumSignTx, EthereumSignTxEIP1559,
        EthereumTxAck, EthereumTxRequest, Failure, Features, MessageType, PinMatrixRequest,
        failure::FailureType,
    },
    transport::{
        ProtoMessage,
        error::Error,
        protocol::{Link, Protocol, ProtocolV1},
    },
};

use crate::{
    support::{ANYONE, CAT, ETHER, Ran, World, names, run},
    usb::{asked, command, nonce, refused},
};

/// Where the client looks for the emulator.
const ADDRESS: &str = "127.0.0.1:21324";
const HARDENED: u32 = 1 << 31;
/// The most of a transaction's data that goes in a message.
const CHUNK: usize = 1_024;
/// The accounts on the device, of anvil's.
const FIRST: usize = 6;
const SECOND: usize = 7;

/// What the person at the device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Will {
    Confirm,
    Reject,
    LeaveLocked,
}

/// A device that has the keys of two accounts.
struct Trezor {
    protocol: ProtocolV1<Wire>,
    keys: HashMap<Vec<u32>, PrivateKeySigner>,
    will: Arc<Mutex<Will>>,
}

/// The chunks of one client after the other.
struct Wire {
    socket: UdpSocket,
    client: Option<SocketAddr>,
}

impl Link for Wire {
    fn write_chunk(&mut self, chunk: Vec<u8>) -> Result<(), Error> {
        let client = self.client.ok_or(Error::DeviceDisconnected)?;
        self.socket.send_to(&chunk, client)?;
        Ok(())
    }

    fn read_chunk(&mut self) -> Result<Vec<u8>, Error> {
        let mut chunk = [0; 64];
        loop {
            let (length, client) = self.socket.recv_from(&mut chunk)?;
            if &chunk[..length] == b"PINGPING" {
                self.socket.send_to(b"PONGPONG", client)?;
            } else {
                self.client = Some(client);
                return Ok(chunk[..length].to_vec());
            }
        }
    }
}

impl Trezor {
    /// Switches it on for the rest of the test's process. What the person does can be changed.
    fn plug_in(world: &World) -> Arc<Mutex<Will>> {
        let socket = UdpSocket::bind(ADDRESS).expect("nothing else is where the emulator would be");
        let key = |account| PrivateKeySigner::from_bytes(&world.key(account)).expect("a key");
        let path = |index| vec![HARDENED + 44, HARDENED + 60, HARDENED, 0, index];
        let keys = [FIRST, SECOND].into_iter().zip(0..).map(|(account, index)| (path(index), key(account)));
        let will = Arc::new(Mutex::new(Will::Confirm));
        let protocol = ProtocolV1 { link: Wire { socket, client: None } };
        let device = Self { protocol, keys: keys.collect(), will: will.clone() };
        thread::spawn(move || device.serve());
        will
    }

    fn serve(mut self) {
        loop {
            let asked = self.protocol.read().expect("the client keeps to the protocol");
            self.answer(asked);
        }
    }

    fn answer(&mut self, asked: ProtoMessage) {
        use MessageType::*;
        match asked.message_type() {
            MessageType_Initialize => self.say(&features()),
            MessageType_EthereumGetAddress => self.tell_address(&content(asked)),
            MessageType_EthereumSignTx => self.sign_legacy(&content(asked)),
            MessageType_EthereumSignTxEIP1559 => self.sign_eip1559(&content(asked)),
            other => panic!("the client asks for {other:?}"),
        }
    }

    fn say<M: TrezorMessage>(&mut self, message: &M) {
        let bytes = message.write_to_bytes().expect("it can be written");
        self.protocol.write(ProtoMessage::new(M::MESSAGE_TYPE, bytes)).expect("the client listens");
    }

    fn fail(&mut self, code: FailureType, message: &str) {
        let mut failure = Failure::new();
        failure.set_code(code);
        failure.set_message(message.to_owned());
        self.say(&failure);
    }

    fn will(&self) -> Will {
        *self.will.lock().expect("no test has failed")
    }

    fn tell_address(&mut self, asked: &EthereumGetAddress) {
        if self.will() == Will::LeaveLocked {
            return self.say(&PinMatrixRequest::new());
        }
        let Some(key) = self.keys.get(&asked.address_n) else {
            return self.fail(FailureType::Failure_DataError, "Forbidden key path");
        };
        let mut address = EthereumAddress::new();
        address.set_address(key.address().to_string());
        self.say(&address);
    }

    /// Asks the person at the device, and then for the rest of the data; none if the person rejects it.
    fn confirmed_data(&mut self, start: &[u8], length: u32) -> Option<Bytes> {
        self.say(&ButtonRequest::new());
        let pressed = self.protocol.read().expect("the client keeps to the protocol");
        assert_eq!(pressed.message_type(), MessageType::MessageType_ButtonAck);
        if self.will() == Will::Reject {
            self.fail(FailureType::Failure_ActionCancelled, "Action cancelled by user");
            return None;
        }
        let (mut data, length) = (start.to_vec(), length as usize);
        while data.len() < length {
            let mut request = EthereumTxRequest::new();
            request.set_data_length((length - data.len()).min(CHUNK) as u32);
            self.say(&request);
            let more: EthereumTxAck =
                content(self.protocol.read().expect("the client keeps to the protocol"));
            data.extend(more.data_chunk());
        }
        Some(data.into())
    }

    fn sign_legacy(&mut self, asked: &EthereumSignTx) {
        let Some(input) = self.confirmed_data(asked.data_initial_chunk(), asked.data_length()) else {
            return;
        };
        let transaction = TxLegacy {
            chain_id: Some(asked.chain_id()),
            nonce: number(asked.nonce()).to(),
            gas_price: number(asked.gas_price()).to(),
            gas_limit: number(asked.gas_limit()).to(),
            to: recipient(asked.to()),
            value: number(asked.value()),
            input,
        };
        let chain = u32::try_from(asked.chain_id()).expect("a small chain ID");
        self.sign(&asked.address_n, &transaction, 35 + 2 * chain);
    }

    fn sign_eip1559(&mut self, asked: &EthereumSignTxEIP1559) {
        let Some(input) = self.confirmed_data(asked.data_initial_chunk(), asked.data_length()) else {
            return;
        };
        let transaction = TxEip1559 {
            chain_id: asked.chain_id(),
            nonce: number(asked.nonce()).to(),
            max_fee_per_gas: number(asked.max_gas_fee()).to(),
            max_priority_fee_per_gas: number(asked.max_priority_fee()).to(),
            gas_limit: number(asked.gas_limit()).to(),
            to: recipient(asked.to()),
            value: number(asked.value()),
            access_list: Default::default(),
            input,
        };
        self.sign(&asked.address_n, &transaction, 0);
    }

    fn sign(&mut self, path: &[u32], transaction: &dyn SignableTransaction<Signature>, even: u32) {
        let key = &self.keys[path];
        let signature = key.sign_hash_sync(&transaction.signature_hash()).expect("a key signs");
        let mut answer = EthereumTxRequest::new();
        answer.set_signature_v(even + u32::from(signature.v()));
        answer.set_signature_r(signature.r().to_be_bytes_vec());
        answer.set_signature_s(signature.s().to_be_bytes_vec());
        self.say(&answer);
    }
}

fn features() -> Features {
    let mut features = Features::new();
    features.set_vendor("trezor.io".to_owned());
    features.set_major_version(2);
    features.set_minor_version(8);
    features.set_patch_version(0);
    features.set_initialized(true);
    features.set_session_id(vec![7; 32]);
    features
}

fn content<M: TrezorMessage>(message: ProtoMessage) -> M {
    assert_eq!(message.message_type(), M::MESSAGE_TYPE);
    message.into_message().expect("the client writes what it says")
}

fn number(bytes: &[u8]) -> U256 {
    U256::from_be_slice(bytes)
}

fn recipient(text: &str) -> TxKind {
    text.parse().map_or(TxKind::Create, TxKind::Call)
}

/// One test, since there is one place for the device.
#[tokio::test]
async fn a_trezor_signs_transactions_and_nothing_else() {
    let world = World::start().await;
    let none = "connect and unlock it; on Linux, its vendor's udev rules must be installed";
    refused(&asked(&world, "deploy rescue.toml --trezor --yes"), "no Trezor was found", none);

    let silent = UdpSocket::bind(ADDRESS).expect("nothing else is where the emulator would be");
    refused(
        &asked(&world, "deploy rescue.toml --trezor --yes"),
        "a program listens at UDP 127.0.0.1:21324, where the Trezor's emulator would, and does not answer",
        "stop that program, and run the command again",
    );
    drop(silent);

    let will = Trezor::plug_in(&world);
    let does = |new: Will| *will.lock().expect("no test has failed") = new;
    let [first, second] = [FIRST, SECOND].map(|account| world.address(account));
    // A contract's creation is sent to the device in many pieces.
    let created = asked(&world, "deploy rescue.toml --trezor --yes");
    assert!(created.stderr.contains("confirm on the Trezor\n"), "{}", created.stderr);
    assert_eq!((created.code, nonce(&world, first).await), (Some(0), 1));
    let pledged = |ran: Ran| {
        let result = ran.json();
        assert_eq!(names(&result), ["Pledged"]);
        result["transactions"][0]["events"][0]["pledger"].clone()
    };
    let pledge = "pledge 1 ETH --tier 0 --terms rescue.toml --trezor";
    assert_eq!(pledged(asked(&world, &format!("{pledge} --yes --json"))), json!(first.to_string()));
    let legacy = format!("{pledge} --legacy --mnemonic-index 1 --yes --json");
    assert_eq!(pledged(asked(&world, &legacy)), json!(second.to_string()));
    let by_path = format!("{pledge} --hd-path m/44h/60h/0h/0/1 --yes --json");
    assert_eq!(pledged(asked(&world, &by_path)), json!(second.to_string()));

    does(Will::Reject);
    let line = format!("{pledge} --yes --id invoice-7");
    let ran = asked(&world, &line);
    refused(&ran, "the request was rejected on the Trezor", "run the command again to be asked again");
    assert_eq!(nonce(&world, first).await, 2);
    let recorded = asked(&world, "journal list --unfinished --json").json();
    assert_eq!(recorded["intents"][0]["transactions"], json!([]));
    does(Will::Confirm);
    asked(&world, &line).ok();
    asked(&world, &line).ok();
    assert_eq!((nonce(&world, first).await, world.holds(world.rescue()).await[0]), (3, 4 * ETHER));

    does(Will::LeaveLocked);
    let locked = asked(&world, &format!("{pledge} --yes"));
    locked.assert_refused("the Trezor is locked", "unlock it, and run the command again");
    does(Will::Confirm);
    let foreign = asked(&world, &format!("{pledge} --hd-path m/44'/0'/0'/0/0 --yes"));
    foreign.assert_refused(
        "the Trezor has no account for the path `m/44'/0'/0'/0/0`: failure received: code=Failure_DataError message=\"Forbidden key path\"",
        "check `--hd-path`, and whether the device's software is current",
    );
    let meant = run(command(&world).env("ETH_FROM", second.to_string()), &format!("{pledge} --yes"));
    meant.assert_refused(
        &format!("the account is `{first}`, but the variable ETH_FROM names `{second}`"),
        "sign with that account, or unset ETH_FROM",
    );

    transactions_only(&world, first).await;
}

/// What takes typed data is refused before anything is paid, and done by a transaction instead.
async fn transactions_only(world: &World, first: Address) {
    let before = nonce(world, first).await;
    let none = format!("the device of `{first}` signs transactions only, and no declarations or permits");
    let instead = "pledge or sign with `--approve` instead, and declare without `--sign`";
    let declare =
        "declare expressed unknown --tier 0 --expiry 2100-01-09T00:00:00Z --terms rescue.toml --trezor";
    refused(&asked(world, &format!("{declare} --sign")), &none, instead);
    let wsteth = levee::bindings::WstETH::new(world.wsteth, &world.chain);
    let given = wsteth.transfer(first, U256::from(ETHER)).from(world.address(CAT)).send().await;
    given.expect("Cat has some").get_receipt().await.expect("it is mined");
    let weth = world.address(ANYONE); // where it is does not matter for wstETH
    let permit =
        format!("pledge 1 wstETH --tier 0 --permit --weth {weth} --terms rescue.toml --trezor --yes");
    refused(&asked(world, &permit), &none, instead);
    assert_eq!(nonce(world, first).await, before);
    let declared = asked(world, &format!("{declare} --yes --json")).json();
    assert_eq!(names(&declared), ["Declared"]);
    let approved = "pledge 1 wstETH --tier 0 --approve --terms rescue.toml --trezor --yes --json";
    assert_eq!(names(&asked(world, approved).json()), ["Pledged"]);
}
