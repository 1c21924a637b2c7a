//! A Trezor, by the client of alloy.

use std::{io, net::UdpSocket, sync::Arc, time::Duration};

use alloy::{
    consensus::SignableTransaction,
    network::TxSigner,
    primitives::{Address, Signature},
    signers::{
        self, Signer,
        trezor::{HDPath, TrezorError, TrezorSigner},
    },
};
use async_trait::async_trait;
use eyre::Result;
use levee::{AccountSigner, SignerError};
use trezor_client::{Error as ClientError, protos::failure::FailureType};

use super::{HARDENED, HdPath, require_usb, unusable};
use crate::{account::Hand, error::UserError, output::Output};

const TREZOR: &str = "Trezor";
/// Where the client looks for the vendor's emulator.
const EMULATOR: &str = "127.0.0.1:21324";
/// How long an emulator, which is on this machine, may take to say that it is one.
const PATIENCE: Duration = Duration::from_secs(2);

/// The account at `path` of the connected Trezor, or the account number `index`, as Trezor's own program counts.
pub(crate) async fn trezor(path: Option<HdPath>, index: u32, output: Output) -> Result<Hand> {
    let path = path.unwrap_or_else(|| HdPath(vec![HARDENED | 44, HARDENED | 60, HARDENED, 0, index]));
    require_usb(TREZOR)?;
    require_talkative()?;
    let opened = TrezorSigner::new(HDPath::Other(path.to_string()), None).await;
    let signer = opened.map_err(|error| unusable(TREZOR, &path, refusal(&error), error))?;
    Ok(Arc::new(TrezorDevice { signer, output }))
}

/// The client waits for ever for an answer of what is where the emulator would be.
fn require_talkative() -> Result<(), UserError> {
    match ping() {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Err(UserError::new(format!(
                "a program listens at UDP {EMULATOR}, where the Trezor's emulator would, and does not answer"
            ))
            .hint("stop that program, and run the command again"))
        }
        // Whether it is an emulator or nothing is there, the client finds out.
        _ => Ok(()),
    }
}

fn ping() -> io::Result<usize> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(EMULATOR)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(b"PINGPING")?;
    socket.recv(&mut [0; 64])
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
        self.output.ask("confirm on the Trezor");
        self.signer.sign_transaction(transaction).await.map_err(|error| {
            let refusal = match &error {
                signers::Error::Other(source) => source.downcast_ref().and_then(refusal),
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
fn refusal(error: &TrezorError) -> Option<SignerError> {
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
