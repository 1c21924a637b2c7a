//! Accounts on devices: a Ledger with its Ethereum app, or a Trezor.

use std::{error::Error, fmt, sync::Arc};

use alloy::{
    consensus::SignableTransaction,
    dyn_abi::TypedData,
    network::TxSigner,
    primitives::{Address, B256, ChainId, Signature},
    signers::{
        self, Signer,
        ledger::{
            self, LedgerError, LedgerSigner,
            coins_ledger::{
                common::{APDUCommand, APDUData},
                errors::LedgerError as TransportError,
                transports::{Ledger, LedgerAsync, native::NativeTransportError},
            },
        },
        trezor::{self, TrezorError, TrezorSigner},
    },
};
use async_trait::async_trait;
use eyre::Result;
use futures_util::lock::Mutex;
use levee::{AccountSigner, SignerError};
use trezor_client::{Error as ClientError, protos::failure::FailureType};

use crate::{account::Hand, error::UserError, output::Output};

const LEDGER: &str = "Ledger";
const TREZOR: &str = "Trezor";
/// The most steps that a Ledger accepts in a path.
const MAX_STEPS: usize = 10;
/// Numbers of steps are below this; a hardened step has this added.
const HARDENED: u32 = 1 << 31;

/// Where in a device's seed an account is, such as `m/44'/60'/0'/0/0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HdPath(String);

impl HdPath {
    /// Reads a path. The signers' crates take what they do not understand for another path, or end the program.
    pub(crate) fn parse(text: &str) -> Result<Self, UserError> {
        let steps = text.strip_prefix("m/").unwrap_or_default().split('/').map(step);
        match steps.collect::<Option<Vec<_>>>() {
            Some(steps) if steps.len() <= MAX_STEPS => Ok(Self(format!("m/{}", steps.join("/")))),
            _ => Err(UserError::new(format!("`{text}` is not a derivation path"))
                .hint("write it as in `m/44'/60'/0'/0/0`")),
        }
    }
}

impl fmt::Display for HdPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A step as the signers' crates read it.
fn step(text: &str) -> Option<String> {
    let hardened = text.strip_suffix(['\'', 'h', 'H']);
    let digits = hardened.unwrap_or(text);
    let number: u32 = digits.parse().ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    (number < HARDENED).then(|| format!("{number}{}", if hardened.is_some() { "'" } else { "" }))
}

/// The account at `path` of the connected Ledger, or the account number `index`, as Ledger's own program counts.
pub(crate) async fn ledger(path: Option<HdPath>, index: u32, output: Output) -> Result<Hand> {
    let path = path.unwrap_or_else(|| HdPath(format!("m/44'/60'/{index}'/0/0")));
    require_usb(LEDGER)?;
    let opened = LedgerDevice::open(&path, output).await;
    Ok(Arc::new(opened.map_err(|error| unusable(LEDGER, &path, ledger_refusal(&error), error))?))
}

/// The account at `path` of the connected Trezor, or the account number `index`, as Trezor's own program counts.
pub(crate) async fn trezor(path: Option<HdPath>, index: u32, output: Output) -> Result<Hand> {
    let path = path.unwrap_or_else(|| HdPath(format!("m/44'/60'/0'/0/{index}")));
    require_usb(TREZOR)?;
    let opened = TrezorSigner::new(trezor::HDPath::Other(path.to_string()), None).await;
    let signer = opened.map_err(|error| unusable(TREZOR, &path, trezor_refusal(&error), error))?;
    Ok(Arc::new(TrezorDevice { signer, output }))
}

/// The signers' crates end the program on a machine without USB.
fn require_usb(signer: &'static str) -> Result<(), levee::Error> {
    rusb::Context::new().map(drop).map_err(|_| SignerError::SignerNotFound { signer }.into())
}

/// What it means that a device does not tell its address.
fn unusable(signer: &str, path: &HdPath, refusal: Option<SignerError>, error: impl Error) -> eyre::Report {
    match refusal {
        Some(refusal) => levee::Error::from(refusal).into(),
        None => UserError::new(format!("the {signer} has no account for the path `{path}`: {error}"))
            .hint("check `--hd-path`, and whether the device's software is current")
            .into(),
    }
}

/// A Ledger.
#[derive(Debug)]
struct LedgerDevice {
    signer: LedgerSigner,
    transport: Arc<Mutex<Ledger>>,
    output: Output,
}

impl LedgerDevice {
    async fn open(path: &HdPath, output: Output) -> Result<Self, LedgerError> {
        let transport = Arc::new(Mutex::new(Ledger::init().await?));
        require_ready(&transport).await?;
        let path = ledger::HDPath::Other(path.to_string());
        let signer = LedgerSigner::new_with_transport(path, None, transport.clone()).await?;
        Ok(Self { signer, transport, output })
    }

    /// What the device is asked to do, or why it is not done.
    async fn asked<T>(&self, request: impl Future<Output = signers::Result<T>>) -> signers::Result<T> {
        self.output.note("confirm on the Ledger");
        let error = match request.await {
            Err(signers::Error::Other(error)) => error,
            done => return done,
        };
        let refusal = match error.downcast_ref() {
            // Of a status that the client does not know, it says nothing.
            Some(LedgerError::UnexpectedNullResponse) => {
                require_ready(&self.transport).await.err().as_ref().and_then(ledger_refusal)
            }
            Some(error) => ledger_refusal(error),
            None => None,
        };
        Err(refusal.map_or(signers::Error::Other(error), signers::Error::other))
    }
}

/// Asks the Ethereum app for its settings.
async fn require_ready(transport: &Mutex<Ledger>) -> Result<(), LedgerError> {
    let (cla, ins, data) = (0xe0, 0x06, APDUData::new(&[]));
    let command = APDUCommand { cla, ins, p1: 0, p2: 0, data, response_len: None };
    let answer = transport.lock().await.exchange(&command).await?;
    match answer.retcode() {
        0x9000 => Ok(()),
        other => Err(TransportError::UnknownAPDUCode(other).into()),
    }
}

/// What the Ledger's error means, if the person who holds it can mend it.
fn ledger_refusal(error: &LedgerError) -> Option<SignerError> {
    let LedgerError::LedgerError(error) = error else { return None };
    match error {
        TransportError::BadRetcode(status) => ledger_status(*status as u16),
        TransportError::UnknownAPDUCode(status) => ledger_status(*status),
        TransportError::NativeTransportError(NativeTransportError::DeviceNotFound) => {
            Some(SignerError::SignerNotFound { signer: LEDGER })
        }
        TransportError::NativeTransportError(_) | TransportError::BackendGone => {
            Some(SignerError::SignerNotOpened { signer: LEDGER })
        }
        TransportError::ResponseTooShort(_) => None,
    }
}

/// What a status of the device or of its Ethereum app means.
const fn ledger_status(status: u16) -> Option<SignerError> {
    let signer = LEDGER;
    match status {
        0x5515 | 0x6804 => Some(SignerError::SignerLocked { signer }),
        0x5501 | 0x6982 | 0x6985 | 0x6986 => Some(SignerError::RejectedBySigner { signer }),
        0x6511 | 0x6d00 | 0x6d02 | 0x6e00 | 0x6e01 => Some(SignerError::WrongApp { signer }),
        0x6a80 => Some(SignerError::BlindSigningDisabled { signer }),
        _ => None,
    }
}

#[async_trait]
impl TxSigner<Signature> for LedgerDevice {
    fn address(&self) -> Address {
        Signer::address(&self.signer)
    }

    async fn sign_transaction(
        &self,
        transaction: &mut dyn SignableTransaction<Signature>,
    ) -> signers::Result<Signature> {
        self.asked(self.signer.sign_transaction(transaction)).await
    }
}

#[async_trait]
impl Signer for LedgerDevice {
    async fn sign_hash(&self, hash: &B256) -> signers::Result<Signature> {
        self.signer.sign_hash(hash).await
    }

    async fn sign_message(&self, message: &[u8]) -> signers::Result<Signature> {
        self.asked(self.signer.sign_message(message)).await
    }

    async fn sign_dynamic_typed_data(&self, data: &TypedData) -> signers::Result<Signature> {
        self.asked(self.signer.sign_dynamic_typed_data(data)).await
    }

    fn address(&self) -> Address {
        Signer::address(&self.signer)
    }

    fn chain_id(&self) -> Option<ChainId> {
        self.signer.chain_id()
    }

    fn set_chain_id(&mut self, chain: Option<ChainId>) {
        self.signer.set_chain_id(chain);
    }
}

impl AccountSigner for LedgerDevice {
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)> {
        Some(self)
    }
}

/// A Trezor. Its client signs no typed data.
#[derive(Debug)]
struct TrezorDevice {
    signer: TrezorSigner,
    output: Output,
}

#[async_trait]
impl TxSigner<Signature> for TrezorDevice {
    fn address(&self) -> Address {
        Signer::address(&self.signer)
    }

    async fn sign_transaction(
        &self,
        transaction: &mut dyn SignableTransaction<Signature>,
    ) -> signers::Result<Signature> {
        self.output.note("confirm on the Trezor");
        self.signer.sign_transaction(transaction).await.map_err(|error| {
            let refusal = match &error {
                signers::Error::Other(source) => source.downcast_ref().and_then(trezor_refusal),
                _ => None,
            };
            refusal.map_or(error, signers::Error::other)
        })
    }
}

impl AccountSigner for TrezorDevice {
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)> {
        None
    }
}

/// What the Trezor's error means, if the person who holds it can mend it.
fn trezor_refusal(error: &TrezorError) -> Option<SignerError> {
    let (signer, TrezorError::Client(error)) = (TREZOR, error) else { return None };
    match error {
        ClientError::NoDeviceFound => Some(SignerError::SignerNotFound { signer }),
        ClientError::DeviceNotUnique => Some(SignerError::SeveralSigners { signer }),
        ClientError::TransportConnect(_)
        | ClientError::TransportSendMessage(_)
        | ClientError::TransportReceiveMessage(_) => Some(SignerError::SignerNotOpened { signer }),
        // The client's answer to a request for a PIN.
        ClientError::UnsupportedNetwork => Some(SignerError::SignerLocked { signer }),
        ClientError::FailureResponse(failure) => match failure.code() {
            FailureType::Failure_ActionCancelled => Some(SignerError::RejectedBySigner { signer }),
            FailureType::Failure_PinExpected
            | FailureType::Failure_PinCancelled
            | FailureType::Failure_PinInvalid => Some(SignerError::SignerLocked { signer }),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_in_every_usual_notation() {
        let paths = [
            ("m/44'/60'/0'/0/0", "m/44'/60'/0'/0/0"),
            ("m/44h/60H/7'/0/12", "m/44'/60'/7'/0/12"),
            ("m/2147483647'", "m/2147483647'"),
            ("m/0/1/2/3/4/5/6/7/8/9", "m/0/1/2/3/4/5/6/7/8/9"),
        ];
        for (text, path) in paths {
            assert_eq!(HdPath::parse(text).unwrap().to_string(), path);
        }
    }

    #[test]
    fn what_is_no_path_is_never_taken_for_another_one() {
        let others = [
            "",
            "m",
            "m/",
            "44'/60'/0'/0/0",
            "/44'",
            "m//0",
            "m/44''",
            "m/'",
            "m/+1",
            "m/-1",
            "m/ 1",
            "m/x",
            "m/2147483648",
            "m/4294967296'",
            "m/0/",
            "m/0/1/2/3/4/5/6/7/8/9/10",
            "m/1h'",
        ];
        for text in others {
            let message = HdPath::parse(text).unwrap_err().to_string();
            assert_eq!(message, format!("`{text}` is not a derivation path"));
        }
    }

    #[test]
    fn a_status_of_the_ledger_has_a_name() {
        let signer = LEDGER;
        let names = [
            (0x5515, SignerError::SignerLocked { signer }),
            (0x6985, SignerError::RejectedBySigner { signer }),
            (0x6a80, SignerError::BlindSigningDisabled { signer }),
            (0x6e01, SignerError::WrongApp { signer }),
            (0x6d00, SignerError::WrongApp { signer }),
        ];
        for (status, error) in names {
            assert_eq!(ledger_status(status), Some(error));
            let unknown = LedgerError::LedgerError(TransportError::UnknownAPDUCode(status));
            assert_eq!(ledger_refusal(&unknown), Some(error));
        }
        assert_eq!(ledger_status(0x9000), None);
        let none = TransportError::NativeTransportError(NativeTransportError::DeviceNotFound);
        assert_eq!(ledger_refusal(&none.into()), Some(SignerError::SignerNotFound { signer }));
    }
}
