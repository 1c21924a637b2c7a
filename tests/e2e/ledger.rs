//! Accounts on a Ledger. The command, its client and libusb are the real ones, from the APDUs down to the calls of the kernel; the
//! kernel's side and the device are [`usb`](crate::usb) and [`Ledger`].

use std::sync::{Arc, Mutex};

use alloy::{
    primitives::{B256, U256, hex, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
};
use serde_json::json;

use crate::{
    prompt::Person,
    support::{ANYONE, CAT, ETHER, Ran, World, events, names, run},
    usb::{Plugged, REPORT, asked, command, nonce, refused},
};

/// The vendor, and a Nano S Plus with the Ethereum app open.
const IDS: (u16, u16) = (0x2c97, 0x5011);
/// Before each part of an APDU: the channel, the tag of an APDU, the part's number.
const HEADER: usize = 5;
/// The accounts on the device, of anvil's.
const FIRST: usize = 6;
const SECOND: usize = 7;

/// What the person at the device does, or what the device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Confirming,
    Rejecting,
    Locked,
    AnotherApp,
    WithoutBlindSigning,
    /// Signs with another key.
    WithAnotherSeed,
    /// Answers an instruction with these bytes.
    Counterfeit(u8, &'static [u8]),
    /// Answers with a report of so many bytes.
    Short(usize),
}

/// What the app answers to an APDU, before the status.
type Answer = Result<Vec<u8>, u16>;

/// A device with the Ethereum app, as its documentation describes it, that has the keys of two accounts.
struct Ledger {
    keys: Vec<(Vec<u8>, PrivateKeySigner)>,
    state: Arc<Mutex<State>>,
    /// What has arrived of a transaction.
    pieces: Vec<u8>,
}

impl Ledger {
    /// Plugs it in. What the person does can be changed.
    fn plug_in(world: &World) -> Arc<Mutex<State>> {
        let state = Arc::new(Mutex::new(State::Confirming));
        let key = |account| PrivateKeySigner::from_bytes(&world.key(account)).expect("a key");
        let keys = vec![(path(0, 0), key(FIRST)), (path(1, 0), key(SECOND))];
        let device = Self { keys, state: state.clone(), pieces: Vec::new() };
        Plugged::into(world, IDS, |usb| device.serve(usb));
        state
    }

    fn serve(mut self, mut usb: Plugged) {
        loop {
            let command = read_apdu(&mut usb);
            let mut answer = match (self.state(), self.answer(&command)) {
                (State::Counterfeit(instruction, bytes), _) if instruction == command[1] => bytes.to_vec(),
                (_, Ok(data)) => [&data[..], &[0x90, 0x00]].concat(),
                (_, Err(status)) => status.to_be_bytes().to_vec(),
            };
            let length = u16::try_from(answer.len()).expect("a short answer");
            answer.splice(0..0, length.to_be_bytes());
            for (part, number) in answer.chunks(REPORT - HEADER).zip(0u16..) {
                let mut report = [&[1, 1, 5][..], &number.to_be_bytes(), part].concat();
                report.resize(if let State::Short(length) = self.state() { length } else { REPORT }, 0);
                usb.write(&report);
            }
        }
    }

    fn state(&self) -> State {
        *self.state.lock().expect("no test has failed")
    }

    fn answer(&mut self, command: &[u8]) -> Answer {
        match self.state() {
            State::Locked => return Err(0x5515),
            State::AnotherApp => return Err(0x6e00),
            _ => {}
        }
        let [class, instruction, p1, p2, length, data @ ..] = command else { panic!("{command:02x?}") };
        assert_eq!((*class, *p2, usize::from(*length)), (0xe0, 0, data.len()));
        match (instruction, p1) {
            (0x02, 0) => self.address(data),
            (0x04, 0) => {
                self.pieces = data.to_vec();
                self.transaction()
            }
            (0x04, 0x80) => {
                self.pieces.extend(data);
                self.transaction()
            }
            (0x0c, 0) => self.typed_data(data),
            _ => Err(0x6d00),
        }
    }

    /// The key at the path before the rest.
    fn key<'a>(&self, data: &'a [u8]) -> Result<(&PrivateKeySigner, &'a [u8]), u16> {
        let (path, rest) = data.split_at(1 + 4 * usize::from(data[0]));
        let found = self.keys.iter().find(|(of, _)| of == path);
        Ok((&found.ok_or(0x6a15_u16)?.1, rest))
    }

    fn address(&self, data: &[u8]) -> Answer {
        let (key, _) = self.key(data)?;
        let (public, address) = (key.public_key(), key.address().to_checksum(None));
        Ok([&[65, 4][..], public.as_slice(), &[40], &address.as_bytes()[2..]].concat())
    }

    fn transaction(&self) -> Answer {
        let (key, encoded) = self.key(&self.pieces)?;
        let (is_typed, list) = match encoded[0] {
            2 => (true, &encoded[1..]),
            _ => (false, encoded),
        };
        let (payload, is_whole) = payload(list);
        if !is_whole {
            return Ok(Vec::new());
        }
        let (r_and_s, parity) = self.signed(key, keccak256(encoded))?;
        // The last byte of the EIP-155 number.
        let v = if is_typed { 0 } else { 35 + 2 * number(items(payload)[6]) } + u64::from(parity);
        Ok([&[v as u8][..], &r_and_s].concat())
    }

    fn typed_data(&self, data: &[u8]) -> Answer {
        let (key, hashes) = self.key(data)?;
        assert_eq!(hashes.len(), 64, "of the domain, and of the message");
        let (r_and_s, parity) = self.signed(key, keccak256([&[0x19, 0x01], hashes].concat()))?;
        Ok([&[27 + u8::from(parity)][..], &r_and_s].concat())
    }

    /// Asks the person, and signs.
    fn signed(&self, key: &PrivateKeySigner, digest: B256) -> Result<(Vec<u8>, bool), u16> {
        let digest = match self.state() {
            State::Rejecting => return Err(0x6985),
            State::WithoutBlindSigning => return Err(0x6a80),
            State::WithAnotherSeed => keccak256(digest),
            _ => digest,
        };
        let signature = key.sign_hash_sync(&digest).expect("a key signs");
        Ok((signature.as_bytes()[..64].to_vec(), signature.v()))
    }
}

/// `m/44'/60'/account'/0/index` as an APDU has it.
fn path(account: u32, index: u32) -> Vec<u8> {
    let steps = [44, 60, account].map(|step| step | 1 << 31).into_iter().chain([0, index]);
    [5].into_iter().chain(steps.flat_map(u32::to_be_bytes)).collect()
}

/// Puts an APDU together from its reports.
fn read_apdu(usb: &mut Plugged) -> Vec<u8> {
    let (mut apdu, mut length) = (Vec::new(), 0);
    for number in 0u16.. {
        let report = usb.read();
        assert_eq!(report[..HEADER], [&[1, 1, 5][..], &number.to_be_bytes()].concat());
        let mut part = &report[HEADER..];
        if number == 0 {
            length = usize::from(u16::from_be_bytes([part[0], part[1]]));
            part = &part[2..];
        }
        apdu.extend(part);
        if apdu.len() >= length {
            break;
        }
    }
    apdu.truncate(length);
    apdu
}

/// What is in a list (RLP), and whether all of it is.
fn payload(list: &[u8]) -> (&[u8], bool) {
    let (header, length) = match list[0] {
        short @ 0xc0..=0xf7 => (1, usize::from(short - 0xc0)),
        long => {
            let header = 1 + usize::from(long - 0xf7);
            match list.get(1..header) {
                Some(length) => (header, number(length) as usize),
                None => return (&[], false),
            }
        }
    };
    assert!(list.len() <= header + length, "more than a transaction");
    (&list[header..], list.len() == header + length)
}

/// The items of a legacy transaction, none of which is a list.
fn items(mut payload: &[u8]) -> Vec<&[u8]> {
    let mut items = Vec::new();
    while let Some(first) = payload.first() {
        let (start, length) = match first {
            0..0x80 => (0, 1),
            short @ 0x80..=0xb7 => (1, usize::from(short - 0x80)),
            long => {
                let start = 1 + usize::from(long - 0xb7);
                (start, number(&payload[1..start]) as usize)
            }
        };
        let (item, rest) = payload[start..].split_at(length);
        items.push(item);
        payload = rest;
    }
    items
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Recordings of a device with the words `test` (eleven times) and `ball`, from the tests of MyCryptoHQ/wallets
/// (`src/implementations/deterministic/ledger.test.ts`).
#[test]
fn the_device_of_these_tests_answers_as_one_of_ledgers_did() {
    let key = "0xeaf2c50dfd10524651e7e459c1286f0c2404eb0f34ffd2a1eb14373db49fceb6";
    let keys = vec![(path(0, 0), key.parse().expect("a key"))];
    let state = Arc::new(Mutex::new(State::Confirming));
    let mut device = Ledger { keys, state, pieces: Vec::new() };
    let recorded = [
        (
            &hex!("e002000015058000002c8000003c800000000000000000000000")[..],
            &hex!(
                "4104b884d0c53b60fb8aafba20ca84870f20428082863f1d39a402c36c2de356cb0c6c0a582f54ee29911ca6f1823d34405623f4a7418db8ebb0203bc3acba08ba642863364435613363393845433930373342353446413039363939353742643538326538443837346266"
            )[..],
        ),
        (
            &hex!(
                "e004000041058000002c8000003c800000000000000000000000eb0685012a05f20082520894b2bb2b958afa2e96dab3f3ce7162b87daea39017872386f26fc1000080038080"
            ),
            &hex!(
                "2975b96c4423ea79037099e0f8a0fa7d8538f00c6aaddea26e151320aac65ae3bd5266d81476adedc28c5e769f8bf016de33bdaa49f341435df429e01fe5f9b16e"
            ),
        ),
        (
            &hex!(
                "e004000046058000002c8000003c80000000000000000000000002ef0306843b9aca008504a817c80082520894b2bb2b958afa2e96dab3f3ce7162b87daea39017872386f26fc1000080c0"
            ),
            &hex!(
                "01884850dc596eac6b74175d2c62deedd9295570808882b0cd9adf47e5ac8b3b3d68881b0ef002d48ef78374d6842ee4987a222a4726af47b5a0a4bcb8f38e2cf3"
            ),
        ),
    ];
    for (asked, answered) in recorded {
        assert_eq!(device.answer(asked), Ok(answered.to_vec()));
    }
}

const PLEDGE: &str = "pledge 1 ETH --tier 0 --terms rescue.toml --ledger --yes";
const DECLARE: &str =
    "declare approved 9 ETH --tier 0 --expiry 2100-01-09T00:00:00Z --terms rescue.toml --ledger";

/// Who pledged, by the events of a run.
fn pledger(ran: Ran) -> serde_json::Value {
    let result = ran.json();
    assert_eq!(names(&result), ["Pledged"]);
    events(&result)[0]["pledger"].clone()
}

#[tokio::test]
async fn a_ledger_signs_transactions_and_typed_data() {
    let world = World::start().await;
    let none = "connect and unlock it; on Linux, its vendor's udev rules must be installed";
    refused(&asked(&world, "deploy rescue.toml --ledger --yes"), "no Ledger was found", none);

    Ledger::plug_in(&world);
    let [first, second] = [FIRST, SECOND].map(|account| world.address(account));
    // A contract's creation is sent to the device in many pieces.
    let created = asked(&world, "deploy rescue.toml --ledger --yes");
    assert!(created.stderr.contains("confirm on the Ledger\n"), "{}", created.stderr);
    assert_eq!((created.code, nonce(&world, first).await), (Some(0), 1));
    assert_eq!(pledger(asked(&world, &format!("{PLEDGE} --json"))), json!(first.to_string()));
    let legacy = format!("{PLEDGE} --legacy --mnemonic-index 1 --json");
    assert_eq!(pledger(asked(&world, &legacy)), json!(second.to_string()));
    let by_path = format!("{PLEDGE} --hd-path m/44h/60h/1h/0/0 --json");
    assert_eq!(pledger(asked(&world, &by_path)), json!(second.to_string()));

    let signed = asked(&world, &format!("{DECLARE} --sign")).ok();
    world.write("signed.json", &signed);
    let brought = world.levee(&format!("declare --signed signed.json --dev {ANYONE} --yes --json")).json();
    assert_eq!(names(&brought), ["Declared"]);
    assert_eq!(events(&brought)[0]["contributor"], json!(first.to_string()));
    let wsteth = levee::bindings::WstETH::new(world.wsteth, &world.chain);
    let given = wsteth.transfer(first, U256::from(ETHER)).from(world.address(CAT)).send().await;
    given.expect("Cat has some").get_receipt().await.expect("it is mined");
    let weth = world.weth().await;
    let permit =
        format!("pledge 1 wstETH --tier 0 --permit --weth {weth} --terms rescue.toml --ledger --yes --json");
    assert_eq!(names(&asked(&world, &permit).json()), ["Pledged"]);
    assert_eq!(world.holds(world.rescue()).await, [3 * ETHER, 0, ETHER]);
}

#[tokio::test]
async fn what_a_ledger_does_not_sign_is_not_sent() {
    let world = World::with_rescue().await;
    let state = Ledger::plug_in(&world);
    let is_now = |new: State| *state.lock().expect("no test has failed") = new;
    let [first, second] = [FIRST, SECOND].map(|account| world.address(account));
    let again = "run the command again to be asked again";
    let check = "check `--hd-path`, and whether the device's software is current";
    let not_own = format!("the signature is not by `{first}`");
    let before = world.mark().await;
    for (now, line, message, hint) in [
        (State::Rejecting, PLEDGE, "the request was rejected on the Ledger", again),
        (State::Locked, PLEDGE, "the Ledger is locked", "unlock it, and run the command again"),
        (
            State::AnotherApp,
            PLEDGE,
            "the Ethereum app is not open on the Ledger",
            "open the app, and run the command again",
        ),
        (
            State::WithoutBlindSigning,
            PLEDGE,
            "the Ledger does not sign what it cannot show: blind signing is disabled",
            "enable it in the settings of the Ethereum app, and run the command again",
        ),
        (
            State::WithAnotherSeed,
            PLEDGE,
            &not_own,
            "check the account, and the passphrase of the device that holds it",
        ),
        (
            State::Confirming,
            &format!("{PLEDGE} --hd-path m/44'/0'/0'/0/0"),
            "the Ledger has no account for the path `m/44'/0'/0'/0/0`: the device answered with the status 0x6a15",
            check,
        ),
    ] {
        is_now(now);
        refused(&asked(&world, line), message, hint);
    }
    is_now(State::Rejecting);
    let declare = asked(&world, &format!("{DECLARE} --sign"));
    refused(&declare, "the request was rejected on the Ledger", again);
    is_now(State::Confirming);
    let meant = run(command(&world).env("ETH_FROM", second.to_string()), PLEDGE);
    meant.assert_refused(
        &format!("the account is `{first}`, but the variable ETH_FROM names `{second}`"),
        "sign with that account, or unset ETH_FROM",
    );
    assert_eq!(world.mark().await, before);
    asked(&world, PLEDGE).ok();
    assert_eq!(nonce(&world, first).await, 1);
}

/// What is no Ledger, but is taken for one, gets an error at most.
#[tokio::test]
async fn a_counterfeit_ledger_ends_no_command_early() {
    const NO_HEX: &[u8] = &[0; 109];
    const NO_SIGNATURE: &[u8] = &[0; 65];
    const LONG: &[u8] = &[7; 300];
    let world = World::with_rescue().await;
    let state = Ledger::plug_in(&world);
    let is_now = |new: State| *state.lock().expect("no test has failed") = new;
    let garbage: [&[u8]; 9] = [
        b"",
        &[0x90],
        &[0x90, 0x00],
        &[0x00, 0x90, 0x00],
        &[0xff, 0x90, 0x00],
        &[0x01, 0x02, 0x28, 0x90, 0x00],
        NO_HEX,
        NO_SIGNATURE,
        LONG,
    ];
    let sign = format!("{DECLARE} --sign");
    let before = world.mark().await;
    for (instruction, line) in [(0x02, PLEDGE), (0x04, PLEDGE), (0x0c, &sign)] {
        for bytes in garbage {
            is_now(State::Counterfeit(instruction, bytes));
            let ran = asked(&world, line);
            assert!(matches!(ran.code, Some(1 | 2)) && ran.stdout.is_empty(), "{bytes:?}: {ran:?}");
            assert!(ran.stderr.contains("error: the "), "{}", ran.stderr);
        }
    }
    for length in [0, 1, 4, 6, 20] {
        is_now(State::Short(length));
        let ran = asked(&world, PLEDGE);
        assert_eq!(ran.code, Some(1), "{length}: {ran:?}");
    }
    assert_eq!(world.mark().await, before);
}

#[tokio::test]
async fn a_person_is_told_to_confirm_whatever_the_form_of_the_result() {
    let world = World::with_rescue().await;
    Ledger::plug_in(&world);
    let ran = Person::at(command(&world), &format!("{PLEDGE} --json --quiet")).leaves();
    assert_eq!(ran.stderr, "confirm on the Ledger\n");
    assert_eq!(names(&ran.json()), ["Pledged"]);
    // Where nobody sits, stderr has nothing but an error.
    assert_eq!(asked(&world, &format!("{PLEDGE} --json --again")).stderr, "");
}
