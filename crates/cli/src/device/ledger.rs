//! A Ledger with its Ethereum app, which is spoken to as the app's documentation says. Nothing is taken for granted of what
//! answers: alloy's client ends the program when a device answers too little.

use std::{iter, sync::Arc};

use alloy::{
    consensus::SignableTransaction,
    dyn_abi::TypedData,
    network::TxSigner,
    primitives::{Address, B256, ChainId, Signature},
    signers::{self, Signer, UnsupportedSignerOperation},
};
use async_trait::async_trait;
use coins_ledger::{
    common::{APDUAnswer, APDUCommand, APDUData},
    errors::LedgerError,
    transports::{Ledger, LedgerAsync, native::NativeTransportError},
};
use eyre::Result;
use futures_util::lock::Mutex;
use levee::{AccountSigner, SignerError};

use super::{HARDENED, HdPath, require_usb, unusable};
use crate::{account::Hand, output::Output};

const LEDGER: &str = "Ledger";

/// What the app is asked for.
#[derive(Debug, Clone, Copy)]
enum Instruction {
    Address = 0x02,
    SignTransaction = 0x04,
    SignTypedData = 0x0c,
}

/// The account at `path` of the connected Ledger, or the account number `index`, as Ledger's own program counts.
pub(crate) async fn ledger(path: Option<HdPath>, index: u32, output: Output) -> Result<Hand> {
    let path = path.unwrap_or_else(|| HdPath(vec![HARDENED | 44, HARDENED | 60, HARDENED | index, 0, 0]));
    require_usb(LEDGER)?;
    let opened = LedgerDevice::open(&path, output).await;
    Ok(Arc::new(opened.map_err(|fault| unusable(LEDGER, &path, fault.refusal(), fault.reason()))?))
}

/// A Ledger.
#[derive(Debug)]
struct LedgerDevice {
    transport: Mutex<Ledger>,
    path: Vec<u8>,
    address: Address,
    output: Output,
}

/// Why the device did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// The person who holds it can mend it.
    Refused(SignerError),
    /// Anything else.
    Unexpected(String),
}

impl Fault {
    const fn refusal(&self) -> Option<SignerError> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::Unexpected(_) => None,
        }
    }

    fn reason(self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Unexpected(reason) => reason,
        }
    }
}

impl From<Fault> for signers::Error {
    fn from(fault: Fault) -> Self {
        fault.refusal().map_or_else(|| Self::message(fault.reason()), Self::other)
    }
}

impl LedgerDevice {
    async fn open(path: &HdPath, output: Output) -> Result<Self, Fault> {
        let transport = Mutex::new(Ledger::init().await.map_err(|error| fault(&error))?);
        let mut device = Self { transport, path: encoded(path), address: Address::ZERO, output };
        let answer = device.asked(Instruction::Address, &[]).await?;
        device.address = address_in(&answer).ok_or_else(|| malformed("an address"))?;
        Ok(device)
    }

    /// What the device answers about its path and `data`, which go to it in pieces.
    async fn asked(&self, instruction: Instruction, data: &[u8]) -> Result<Vec<u8>, Fault> {
        let data = [&self.path[..], data].concat();
        let transport = self.transport.lock().await;
        let mut answer = Vec::new();
        for (piece, is_first) in data.chunks(piece_length(data.len())).zip((0..).map(|number| number == 0)) {
            let command = APDUCommand {
                cla: 0xe0,
                ins: instruction as u8,
                p1: if is_first { 0x00 } else { 0x80 },
                p2: 0x00,
                data: APDUData::new(piece),
                response_len: None,
            };
            answer = answered(transport.exchange(&command).await)?;
        }
        Ok(answer)
    }

    /// The signature of `digest`, which is that of what `data` means to the device.
    async fn sign(&self, instruction: Instruction, data: &[u8], digest: B256) -> signers::Result<Signature> {
        self.output.ask("confirm on the Ledger");
        let answer = self.asked(instruction, data).await?;
        Ok(signature_in(&answer, self.address, digest).ok_or_else(|| malformed("a signature"))?)
    }
}

/// The path as the app reads it.
fn encoded(path: &HdPath) -> Vec<u8> {
    let number = u8::try_from(path.0.len()).unwrap_or(u8::MAX);
    iter::once(number).chain(path.0.iter().flat_map(|step| step.to_be_bytes())).collect()
}

/// How long the pieces of `length` bytes are. The app takes a legacy transaction for complete, and for one of any chain, when all but
/// its last three bytes have arrived.
fn piece_length(length: usize) -> usize {
    (1..=usize::from(u8::MAX)).rev().find(|piece| length % piece != 3).unwrap_or(1)
}

/// What the device says after its status, if that is success.
fn answered(answer: Result<APDUAnswer, LedgerError>) -> Result<Vec<u8>, Fault> {
    let answer = answer.map_err(|error| fault(&error))?;
    answer.data().map(<[u8]>::to_vec).ok_or_else(|| of_status(answer.retcode()))
}

fn fault(error: &LedgerError) -> Fault {
    let signer = LEDGER;
    match error {
        LedgerError::BadRetcode(status) => of_status(*status as u16),
        LedgerError::UnknownAPDUCode(status) => of_status(*status),
        LedgerError::NativeTransportError(NativeTransportError::DeviceNotFound) => {
            Fault::Refused(SignerError::SignerNotFound { signer })
        }
        LedgerError::NativeTransportError(_) | LedgerError::BackendGone => {
            Fault::Refused(SignerError::SignerNotOpened { signer })
        }
        LedgerError::ResponseTooShort(_) => malformed("anything"),
    }
}

/// What a status of the device or of its Ethereum app means.
fn of_status(status: u16) -> Fault {
    let signer = LEDGER;
    Fault::Refused(match status {
        0x5515 | 0x6804 => SignerError::SignerLocked { signer },
        0x5501 | 0x6982 | 0x6985 | 0x6986 => SignerError::RejectedBySigner { signer },
        0x6511 | 0x6d00 | 0x6d02 | 0x6e00 | 0x6e01 => SignerError::WrongApp { signer },
        0x6a80 => SignerError::BlindSigningDisabled { signer },
        other => return Fault::Unexpected(format!("the device answered with the status {other:#06x}")),
    })
}

fn malformed(what: &str) -> Fault {
    Fault::Unexpected(format!("the device did not answer with {what}"))
}

/// The address in an answer, after the public key; both have their length before them.
fn address_in(answer: &[u8]) -> Option<Address> {
    let (_key, rest) = with_length(answer)?;
    let (address, _chain_code) = with_length(rest)?;
    str::from_utf8(address).ok()?.parse().ok()
}

fn with_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// The signature in an answer. Of its `v`, which of a legacy transaction holds the last byte of a number with the chain ID, nothing
/// is needed: the signature is by the account in one way, or in none.
fn signature_in(answer: &[u8], account: Address, digest: B256) -> Option<Signature> {
    let (_v, r_and_s) = answer.split_first().filter(|(_, rest)| rest.len() == 64)?;
    let [even, odd] = [false, true].map(|parity| Signature::from_bytes_and_parity(r_and_s, parity));
    let is_odd = odd.recover_address_from_prehash(&digest).is_ok_and(|signer| signer == account);
    Some(if is_odd { odd } else { even })
}

#[async_trait]
impl TxSigner<Signature> for LedgerDevice {
    fn address(&self) -> Address {
        self.address
    }

    async fn sign_transaction(
        &self,
        transaction: &mut dyn SignableTransaction<Signature>,
    ) -> signers::Result<Signature> {
        let (data, digest) = (transaction.encoded_for_signing(), transaction.signature_hash());
        self.sign(Instruction::SignTransaction, &data, digest).await
    }
}

#[async_trait]
impl Signer for LedgerDevice {
    async fn sign_hash(&self, _hash: &B256) -> signers::Result<Signature> {
        Err(signers::Error::UnsupportedOperation(UnsupportedSignerOperation::SignHash))
    }

    async fn sign_dynamic_typed_data(&self, data: &TypedData) -> signers::Result<Signature> {
        let hashes = [data.domain.separator(), data.hash_struct()?].concat();
        self.sign(Instruction::SignTypedData, &hashes, data.eip712_signing_hash()?).await
    }

    fn address(&self) -> Address {
        self.address
    }

    fn chain_id(&self) -> Option<ChainId> {
        None
    }

    fn set_chain_id(&mut self, _chain: Option<ChainId>) {}
}

impl AccountSigner for LedgerDevice {
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        primitives::{address, hex, keccak256},
        signers::{SignerSync, local::PrivateKeySigner},
    };

    #[test]
    fn a_status_has_a_name() {
        let signer = LEDGER;
        let names = [
            (0x5515, SignerError::SignerLocked { signer }),
            (0x6985, SignerError::RejectedBySigner { signer }),
            (0x6a80, SignerError::BlindSigningDisabled { signer }),
            (0x6e01, SignerError::WrongApp { signer }),
            (0x6d00, SignerError::WrongApp { signer }),
        ];
        for (status, error) in names {
            assert_eq!(of_status(status), Fault::Refused(error));
            assert_eq!(fault(&LedgerError::UnknownAPDUCode(status)), Fault::Refused(error));
        }
        let unknown = Fault::Unexpected("the device answered with the status 0x6f00".to_owned());
        assert_eq!(of_status(0x6f00), unknown);
        let none = NativeTransportError::DeviceNotFound.into();
        assert_eq!(fault(&none), Fault::Refused(SignerError::SignerNotFound { signer }));
    }

    #[test]
    fn a_path_is_encoded_as_the_app_reads_it() {
        let path = HdPath::parse("m/44'/60'/0'/0/1").unwrap();
        assert_eq!(encoded(&path), hex!("05 8000002c 8000003c 80000000 00000000 00000001"));
    }

    #[test]
    fn no_piece_ends_three_bytes_before_the_end() {
        for length in 21..5_000 {
            let piece = piece_length(length);
            assert!((1..=255).contains(&piece) && length % piece != 3, "{length}: {piece}");
        }
    }

    /// An answer of a device, without its status, as recorded in the tests of MyCrypto's wallets.
    const ADDRESS: [u8; 107] = hex!(
        "4104b884d0c53b60fb8aafba20ca84870f20428082863f1d39a402c36c2de356cb0c6c0a582f54ee29911ca6f1823d34405623f4a7418db8ebb0203bc3acba08ba642863364435613363393845433930373342353446413039363939353742643538326538443837346266"
    );

    #[test]
    fn an_address_is_read_and_less_is_none() {
        assert_eq!(address_in(&ADDRESS), Some(address!("c6D5a3c98EC9073B54FA0969957Bd582e8D874bf")));
        for length in 0..ADDRESS.len() {
            assert_eq!(address_in(&ADDRESS[..length]), None, "{length}");
        }
        assert_eq!(address_in(&[0xff; 300]), None);
        assert_eq!(address_in(&[0; 2]), None);
    }

    #[test]
    fn a_signature_is_read_whatever_its_v() {
        let key = PrivateKeySigner::random();
        for number in 0..20u8 {
            let digest = keccak256([number]);
            let signature = key.sign_hash_sync(&digest).unwrap();
            for v in [0, 1, 2, 27, 28, 0xf4, 0xf5] {
                let answer = [&[v][..], &signature.as_bytes()[..64]].concat();
                assert_eq!(signature_in(&answer, key.address(), digest), Some(signature));
                for length in 0..answer.len() {
                    assert_eq!(signature_in(&answer[..length], key.address(), digest), None);
                }
            }
        }
        assert_eq!(signature_in(&[7; 66], key.address(), B256::ZERO), None);
    }
}
