//! What only a node knows: a transaction that was sent, whether the contracts are Levee's, and how many shares an amount of stETH is.

use std::collections::BTreeSet;

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::Encodable2718,
    primitives::{Address, B256, keccak256},
    providers::{DynProvider, Provider},
};
use eyre::Result;
use levee::{
    Contract, Error, Escrow,
    decode::{Decoder, Expectation, Meaning, Value},
};

use super::{
    DecodeArgs, Decoded,
    source::{Content, Source},
};
use crate::{connection::Connection, error::UserError};

impl DecodeArgs {
    /// Decodes with what a node knows.
    pub(super) async fn online(
        &self,
        source: Source,
        expectation: Expectation,
    ) -> Result<(Decoded, Expectation)> {
        let connection = match self.chain_of(&source)? {
            Some(chain) => self.network.connect_on(chain).await?,
            None => self.network.connect(None).await?,
        };
        let mut warnings = Vec::new();
        let source = match source.content {
            Content::Sent(hash) => sent(&connection, hash, &mut warnings).await?,
            _ => source,
        };
        let chain = Some(connection.chain);
        let named = accounts(&source.content.read(&Decoder::default())?);
        let rescues = rescues(&connection, &named, &mut warnings).await?;
        check_contracts(&connection, &named, &mut warnings).await?;
        let mut decoder = Decoder::on(connection.chain);
        for terms in rescues.iter().map(Escrow::original_terms).filter(|terms| !terms.steth.is_zero()) {
            decoder = decoder.with_lido(terms.steth, terms.wsteth);
        }
        let expectation = in_shares(expectation, rescues.first()).await?;
        let mut decoded = self.decode(&decoder, source, chain)?;
        decoded.warnings.extend(warnings);
        Ok((decoded, expectation))
    }
}

/// A transaction that a node has, whose hash and signature are checked.
async fn sent(connection: &Connection, hash: B256, warnings: &mut Vec<String>) -> Result<Source> {
    let provider = &connection.provider;
    let transaction = provider.get_transaction_by_hash(hash).await.map_err(Error::from)?;
    let transaction = transaction.ok_or_else(|| {
        UserError::new(format!("chain {} has no transaction `{hash}`", connection.chain))
            .hint("check the hash and the chain; with `--to`, 32 bytes are the data of a call")
    })?;
    let envelope: TxEnvelope = transaction.inner.into_inner();
    let forged = Error::Malformed { what: "a transaction" };
    if keccak256(envelope.encoded_2718()) != hash {
        return Err(forged.into());
    }
    let from = envelope.signature().recover_address_from_prehash(&envelope.signature_hash());
    let from = from.map_err(|_| forged)?;
    let receipt = provider.get_transaction_receipt(hash).await.map_err(Error::from)?;
    match receipt.map(|receipt| receipt.status()) {
        None => warnings.push("the transaction is in no block yet".into()),
        Some(false) => warnings.push("the transaction failed, so nothing of this was done".into()),
        Some(true) => {}
    }
    Ok(Source {
        name: format!("transaction {hash} of {from}, nonce {}", envelope.nonce()),
        chain: Some(connection.chain),
        sender: None,
        content: Content::Transactions(vec![(Some(from), envelope.into())]),
    })
}

/// The accounts that calls name, each with what the call takes it for; what they create is not there yet.
fn accounts(calls: &[Meaning]) -> BTreeSet<(Address, &'static str)> {
    let mut all = BTreeSet::new();
    let mut created = Vec::new();
    collect(calls, &mut all, &mut created);
    all.retain(|(account, _)| !created.contains(account));
    all
}

fn collect(calls: &[Meaning], all: &mut BTreeSet<(Address, &'static str)>, created: &mut Vec<Address>) {
    for call in calls {
        for (name, value) in call.sentence.values() {
            match (name, value) {
                ("address", Value::Account(Some(account))) => created.push(*account),
                (name, Value::Account(Some(account))) => {
                    all.insert((*account, name));
                }
                _ => {}
            }
        }
        collect(&call.calls, all, created);
    }
}

/// The rescues among the accounts.
async fn rescues(
    connection: &Connection,
    accounts: &BTreeSet<(Address, &'static str)>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Escrow<DynProvider>>> {
    let mut rescues = Vec::new();
    for (account, _) in accounts.iter().filter(|(_, name)| *name == "rescue") {
        match Escrow::open(connection.provider.clone(), connection.chain, *account).await {
            Ok(rescue) => rescues.push(rescue),
            Err(error) if error.is_users() => warnings.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rescues)
}

/// Warns of what is called like a contract of Levee, and is none.
async fn check_contracts(
    connection: &Connection,
    accounts: &BTreeSet<(Address, &'static str)>,
    warnings: &mut Vec<String>,
) -> Result<()> {
    for (account, name) in accounts {
        let contracts: &[Contract] = match *name {
            "pool" => &[Contract::RecoveryPool, Contract::BonusPool],
            "router" => &[Contract::PledgeRouter],
            "board" => &[Contract::PledgeBoard],
            "receiver" => &[Contract::DebtRepayer, Contract::StakedEtherUnwinder],
            _ => continue,
        };
        let code = connection.provider.get_code_at(*account).await.map_err(Error::from)?;
        if !contracts.iter().any(|contract| contract.is_code(&code)) {
            warnings.push(format!("`{account}` is called as a {name}, but has no code of Levee's"));
        }
    }
    Ok(())
}

/// What is expected, with amounts of stETH in shares at today's rate.
async fn in_shares(
    mut expectation: Expectation,
    rescue: Option<&Escrow<DynProvider>>,
) -> Result<Expectation> {
    let Some(rescue) = rescue.filter(|rescue| !rescue.original_terms().steth.is_zero()) else {
        return Ok(expectation);
    };
    for amount in expectation.amounts_of_steth() {
        expectation = expectation.knowing(amount, rescue.steth_shares(amount).await?);
    }
    Ok(expectation)
}
