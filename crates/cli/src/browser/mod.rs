//! A wallet in a browser, through one page that this command serves on loopback. It signs with whatever the person has: an
//! extension, a phone or a device behind it, or a browser that is a wallet itself.

mod server;

use std::sync::Arc;

use alloy::{
    consensus::SignableTransaction,
    dyn_abi::TypedData,
    network::TxSigner,
    primitives::{Address, B256, ChainId, Signature, hex},
    rpc::types::TransactionRequest,
    signers::{self, Signer},
};
use async_trait::async_trait;
use eyre::{Result, WrapErr};
use futures_util::future::BoxFuture;
use levee::{
    AccountSigner, SignerError,
    outbox::{Handover, Signed, Unsent, Wallet},
};
use levee_model::Wei;
use serde_json::{Value, json};

use crate::{
    amount,
    error::UserError,
    output::{self, Output},
    signing::about,
};
use server::{Answer, Request, Server};

/// What it is called in messages.
const NAME: &str = "wallet";

/// The wallet of a browser that has opened the page.
#[derive(Debug)]
pub(crate) struct BrowserWallet {
    server: Server,
    account: Address,
    chain: u64,
    output: Output,
}

impl BrowserWallet {
    /// Serves the page and waits until a wallet is connected: with the account `expected`, if there is one.
    pub(crate) async fn connect(chain: u64, expected: Option<Address>, output: Output) -> Result<Self> {
        let server = Server::start(expected).await.wrap_err("the page for the wallet cannot be served")?;
        // Also with `--json` or `--quiet`: nothing goes on without it.
        output::write_stderr(&format!("open {} in the browser that has your wallet\n", server.address()));
        let account = server.account().await.ok_or_else(|| {
            UserError::new("no wallet was connected in time; nothing was signed")
                .hint("run the command again, and open the address in the browser that has your wallet")
        })?;
        output.note(&format!("the wallet signs as {account}"));
        Ok(Self { server, account, chain, output })
    }

    fn request(&self, title: String, method: &'static str, params: Value) -> Request {
        let facts = vec![("account", self.account.to_string()), ("chain", self.chain.to_string())];
        Request { title, facts, account: self.account, chain: format!("{:#x}", self.chain), method, params }
    }

    fn for_transaction(&self, handover: &Handover, title: &str) -> Request {
        let asked = &handover.request;
        let mut request = self.request(title.to_owned(), "eth_sendTransaction", json!([parameters(asked)]));
        let to = asked.to.and_then(|to| to.to().copied()).unwrap_or_default();
        let value = Wei::new(asked.value.unwrap_or_default().saturating_to());
        let price = asked.max_fee_per_gas.or(asked.gas_price).unwrap_or_default();
        request.facts.extend([
            ("to", to.to_string()),
            ("value", amount::eth(value)),
            ("gas", format!("at most {}: {} at {price} wei each", about(handover.fee_limit()), gas(asked))),
            ("nonce", handover.nonce().to_string()),
            ("data", asked.input.input().cloned().unwrap_or_default().to_string()),
        ]);
        request
    }

    fn for_typed_data(&self, data: &TypedData) -> serde_json::Result<Request> {
        let text = serde_json::to_string(data)?;
        let title = format!("Sign: {}", data.primary_type);
        let mut request = self.request(title, "eth_signTypedData_v4", json!([self.account, text]));
        let contract = data.domain.verifying_contract.map(|contract| ("for", contract.to_string()));
        request.facts.extend(contract);
        request.facts.push(("message", serde_json::to_string_pretty(&data.message)?));
        Ok(request)
    }

    fn for_message(&self, message: &[u8]) -> Request {
        let params = json!([hex::encode_prefixed(message), self.account]);
        let mut request = self.request("Sign a message".into(), "personal_sign", params);
        request.facts.push(("message", String::from_utf8_lossy(message).into_owned()));
        request
    }

    /// A signature, which has no effect by itself: so it does not matter whether the wallet makes one in spite of what it says.
    async fn signature(&self, request: Request) -> signers::Result<Signature> {
        match self.server.ask(request).await {
            Answer::Result(Value::String(signature)) => {
                let bytes = hex::decode(&signature).map_err(signers::Error::other)?;
                Ok(Signature::from_raw(&bytes)?)
            }
            Answer::Result(other) => {
                Err(signers::Error::message(format!("the wallet answered `{other}`, which is no signature")))
            }
            Answer::Declined(_) => Err(signers::Error::other(SignerError::RejectedBySigner { signer: NAME })),
            Answer::Unknown(reason) => Err(signers::Error::message(reason)),
        }
    }
}

impl Wallet for BrowserWallet {
    fn account(&self) -> Address {
        self.account
    }

    fn send<'a>(&'a self, handover: &'a Handover, title: &'a str) -> BoxFuture<'a, Result<B256, Unsent>> {
        Box::pin(async move {
            self.output.ask("confirm the transaction in the page, and then in the wallet");
            match self.server.ask(self.for_transaction(handover, title)).await {
                Answer::Result(hash) => serde_json::from_value(hash.clone())
                    .map_err(|_| Unsent::Unknown(format!("the wallet answered `{hash}`, which is no hash"))),
                Answer::Declined(reason) => Err(Unsent::Declined(reason)),
                Answer::Unknown(reason) => Err(Unsent::Unknown(reason)),
            }
        })
    }

    fn sent(&self, handover: &Handover, signed: &Signed) {
        if signed.nonce != handover.nonce() {
            let (chosen, asked) = (signed.nonce, handover.nonce());
            self.output.warn(&[format!("the wallet chose the nonce {chosen} instead of {asked}")]);
        }
        if signed.fee_limit > handover.fee_limit() {
            let (most, shown) = (about(signed.fee_limit), about(handover.fee_limit()));
            self.output
                .warn(&[format!("the wallet raised the most that the gas can cost from {shown} to {most}")]);
        }
    }
}

#[async_trait]
impl Signer for BrowserWallet {
    async fn sign_hash(&self, _hash: &B256) -> signers::Result<Signature> {
        Err(signers::Error::UnsupportedOperation(signers::UnsupportedSignerOperation::SignHash))
    }

    async fn sign_message(&self, message: &[u8]) -> signers::Result<Signature> {
        self.signature(self.for_message(message)).await
    }

    async fn sign_dynamic_typed_data(&self, data: &TypedData) -> signers::Result<Signature> {
        self.output.ask("confirm the signature in the page, and then in the wallet");
        self.signature(self.for_typed_data(data).map_err(signers::Error::other)?).await
    }

    fn address(&self) -> Address {
        self.account
    }

    fn chain_id(&self) -> Option<ChainId> {
        Some(self.chain)
    }

    fn set_chain_id(&mut self, chain: Option<ChainId>) {
        self.chain = chain.unwrap_or(self.chain);
    }
}

#[async_trait]
impl TxSigner<Signature> for BrowserWallet {
    fn address(&self) -> Address {
        self.account
    }

    /// A wallet of a browser hands out no signed transactions: see [`Wallet`].
    async fn sign_transaction(
        &self,
        _transaction: &mut dyn SignableTransaction<Signature>,
    ) -> signers::Result<Signature> {
        Err(signers::Error::message("the wallet sends transactions itself"))
    }
}

impl AccountSigner for BrowserWallet {
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)> {
        Some(self)
    }

    fn wallet(self: Arc<Self>) -> Option<Arc<dyn Wallet>> {
        Some(self)
    }
}

fn gas(request: &TransactionRequest) -> u64 {
    request.gas.unwrap_or_default()
}

/// The parameters of `eth_sendTransaction`, as wallets know them.
fn parameters(request: &TransactionRequest) -> Value {
    let hex = |number: u128| format!("{number:#x}");
    let mut parameters = json!({
        "from": request.from,
        "to": request.to,
        "value": request.value.unwrap_or_default(),
        "data": request.input.input().cloned().unwrap_or_default(),
        "gas": hex(gas(request).into()),
        "nonce": hex(request.nonce.unwrap_or_default().into()),
        "chainId": hex(request.chain_id.unwrap_or_default().into()),
    });
    let prices = [
        ("maxFeePerGas", request.max_fee_per_gas),
        ("maxPriorityFeePerGas", request.max_priority_fee_per_gas),
        ("gasPrice", request.gas_price),
    ];
    for (name, price) in prices {
        if let Some(price) = price {
            parameters[name] = hex(price).into();
        }
    }
    parameters
}
