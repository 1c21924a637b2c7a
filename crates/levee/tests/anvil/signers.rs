//! What signs, and what it means when it does not.

use alloy::{
    consensus::SignableTransaction,
    network::TxSigner,
    primitives::{Address, Signature},
    providers::Provider,
    signers::{self, Signer, local::PrivateKeySigner},
};
use async_trait::async_trait;
use eyre::Result;
use levee::{
    AccountSigner, Allowance, Board, Declaration, Error, Journal, Outbox, Purpose, SignerError, Stage,
    model::{Amount, Units, Wei},
    outbox::Draft,
};

use super::environment::{CHAIN, Environment, pledge};

/// A device with a key.
#[derive(Debug)]
struct Device {
    key: PrivateKeySigner,
    /// The account that it says it has.
    account: Address,
    signs_typed_data: bool,
    refuses: Option<SignerError>,
}

impl Device {
    fn new() -> Self {
        let key = PrivateKeySigner::random();
        Self { account: key.address(), key, signs_typed_data: true, refuses: None }
    }
}

#[async_trait]
impl TxSigner<Signature> for Device {
    fn address(&self) -> Address {
        self.account
    }

    async fn sign_transaction(
        &self,
        transaction: &mut dyn SignableTransaction<Signature>,
    ) -> signers::Result<Signature> {
        match self.refuses {
            Some(refusal) => Err(signers::Error::other(refusal)),
            None => self.key.sign_transaction(transaction).await,
        }
    }
}

impl AccountSigner for Device {
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)> {
        self.signs_typed_data.then_some(&self.key)
    }
}

fn declaration() -> Declaration {
    let (escrow, link) = (Address::ZERO, String::new());
    Declaration { escrow, stage: Stage::Expressed, tier: 0, amount: None, expiry: u64::from(u32::MAX), link }
}

/// The error with which a pledge by the account of `device` ends, after which nothing must be recorded or sent.
async fn refused_transaction(env: &Environment, device: Device) -> Result<Error> {
    let (escrow, account) = (env.escrow().await?, device.account);
    let outbox = Outbox::new(env.provider.clone(), CHAIN, device);
    let key = env.bob();
    let call = escrow.call(pledge(key, 0, 0, Amount::Eth(Wei::new(1))))?;
    let prepared = env.outbox(key).prepare(&call).await?;
    let draft = Draft { chain: CHAIN, account, rescue: None, purpose: Purpose::new("pledge"), key: None };
    let intent = outbox.journal().begin(&draft, &["pledge".to_owned()]).await?;
    let refused = outbox.send(&intent, "pledge", &prepared).await.expect_err("it is not signed");
    assert_eq!(outbox.journal().transactions(intent.id).await?, []);
    assert_eq!(env.provider.get_transaction_count(account).await?, 0);
    Ok(refused)
}

#[tokio::test]
async fn a_device_that_signs_no_typed_data_is_asked_for_none() -> Result<()> {
    let env = Environment::start().await?;
    let router = env.router().await?;
    let device = Device { signs_typed_data: false, ..Device::new() };
    let none = Error::NoTypedData { account: device.account };
    let board = Board::new(env.provider.clone(), CHAIN);
    assert_eq!(board.sign(&device, device.account, declaration(), 1).await, Err(none.clone()));
    let amount = Amount::WstEth(Units::new(1));
    assert_eq!(router.permit(&device, amount, Allowance::Exact, 1).await, Err(none));
    Ok(())
}

#[tokio::test]
async fn the_signature_of_another_account_is_neither_recorded_nor_sent() -> Result<()> {
    let env = Environment::start().await?;
    let account = Address::repeat_byte(7);
    let device = || Device { account, ..Device::new() };
    let expected = Error::NotOwnSignature { account };
    let board = Board::new(env.provider.clone(), CHAIN);
    assert_eq!(board.sign(&device(), account, declaration(), 1).await, Err(expected.clone()));
    assert_eq!(refused_transaction(&env, device()).await?, expected);
    assert!(expected.is_users());
    Ok(())
}

#[tokio::test]
async fn what_a_person_refuses_is_told_as_that() -> Result<()> {
    let env = Environment::start().await?;
    let rejected = SignerError::RejectedBySigner { signer: "Ledger" };
    let device = Device { refuses: Some(rejected), ..Device::new() };
    let error = refused_transaction(&env, device).await?;
    assert_eq!(error, Error::SignerRefused(rejected));
    assert_eq!((error.kind(), error.is_users()), ("RejectedBySigner", true));
    assert_eq!(error.to_string(), "the request was rejected on the Ledger");
    Ok(())
}
