//! Accounts whose keys are in the key management service of AWS or Google Cloud.

use std::{error::Error, fmt, sync::Arc};

use alloy::{
    consensus::SignableTransaction,
    network::TxSigner,
    primitives::{Address, Signature},
    signers::{self, Signer},
};
use async_trait::async_trait;
use eyre::Result;
use levee::AccountSigner;

use crate::{account::Hand, environment::variable, error::UserError};

/// A key in a service. Its signature is checked by the library, as any other.
#[derive(Debug)]
struct ServiceKey<S>(S);

#[async_trait]
impl<S: TxSigner<Signature> + Send + Sync> TxSigner<Signature> for ServiceKey<S> {
    fn address(&self) -> Address {
        self.0.address()
    }

    async fn sign_transaction(
        &self,
        transaction: &mut dyn SignableTransaction<Signature>,
    ) -> signers::Result<Signature> {
        self.0.sign_transaction(transaction).await
    }
}

impl<S: TxSigner<Signature> + Signer + fmt::Debug + Send + Sync> AccountSigner for ServiceKey<S> {
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)> {
        Some(&self.0)
    }
}

/// The key that the variable AWS_KMS_KEY_ID names, with AWS's own variables and files for credentials.
#[cfg(feature = "aws")]
pub(crate) async fn aws() -> Result<Hand> {
    use alloy::signers::aws::{
        AwsSigner,
        aws_config::{self, BehaviorVersion},
        aws_sdk_kms::Client,
    };

    let key = required("AWS_KMS_KEY_ID")?;
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    let signer = AwsSigner::new(client, key, None).await;
    Ok(Arc::new(ServiceKey(signer.map_err(|error| unusable("AWS KMS", error))?)))
}

/// The key that the variables GCP_… name, with Google Cloud's own variables and files for credentials.
#[cfg(feature = "gcp")]
pub(crate) async fn gcp() -> Result<Hand> {
    use alloy::signers::gcp::{
        GcpKeyRingRef, GcpSigner, KeySpecifier,
        gcloud_sdk::{
            GoogleApi, google::cloud::kms::v1::key_management_service_client::KeyManagementServiceClient,
        },
    };

    const NAME: &str = "Google Cloud KMS";
    let [project, location, ring, key, version] =
        ["GCP_PROJECT_ID", "GCP_LOCATION", "GCP_KEY_RING", "GCP_KEY_NAME", "GCP_KEY_VERSION"].map(required);
    let ring = GcpKeyRingRef::new(&project?, &location?, &ring?);
    let (key, version) = (key?, version?);
    let version = version.parse().map_err(|_| {
        UserError::new("GCP_KEY_VERSION is not a number")
            .hint("it is the number of the key's version, such as `1`")
    })?;
    let key = KeySpecifier::new(ring, &key, version);
    let url = "https://cloudkms.googleapis.com";
    let client = GoogleApi::from_function(KeyManagementServiceClient::new, url, None).await;
    let signer = GcpSigner::new(client.map_err(|error| unusable(NAME, error))?, key, None).await;
    Ok(Arc::new(ServiceKey(signer.map_err(|error| unusable(NAME, error))?)))
}

fn required(name: &str) -> Result<String, UserError> {
    let missing = || UserError::new(format!("the variable {name} is not set")).hint("set it, as for `cast`");
    variable(name).ok_or_else(missing)
}

fn unusable(service: &str, error: impl Error + Send + Sync + 'static) -> eyre::Report {
    let (reason, hint) =
        (levee::RedactedError::new(error), "check the variables, the credentials and the key's permissions");
    UserError::new(format!("the key in {service} cannot be used: {reason:#}")).hint(hint).into()
}
