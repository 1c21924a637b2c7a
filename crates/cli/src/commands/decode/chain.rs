//! What only a node knows: a transaction that was sent, whether the contracts are Levee's, and how many shares an amount of stETH is.

use std::collections::BTreeSet;

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::Encodable2718,
    primitives::{Address, B256, Bytes, keccak256},
    providers::{DynProvider, Provider},
};
use eyre::Result;
use levee::{
    Contract, Error, Escrow, Governor,
    compact::CompactClient,
    decode::{Decoder, Expectation, Meaning, Value},
    multicall, safe,
};

use super::{
    DecodeArgs, Decoded,
    source::{self, Content, Source},
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
        let mut doubts = Vec::new();
        let source = match source.content {
            Content::Sent(hash) => sent(&connection, hash, &mut doubts).await?,
            _ => source,
        };
        let chain = Some(connection.chain);
        let named = accounts(&source.content.read(&Decoder::default()));
        let rescues = rescues(&connection, &named, &mut doubts).await?;
        let compacts = compacts(&connection, &named, &mut doubts).await?;
        check_contracts(&connection, &named, &compacts, &mut doubts).await?;
        self.require_sure(&doubts)?;
        let mut decoder = Decoder::on(connection.chain);
        let of_lido = one_with_steth(&rescues);
        if let Some(terms) = of_lido.map(Escrow::original_terms) {
            decoder = decoder.with_lido(terms.steth, terms.wsteth);
        }
        for (governor, timelock) in timelocks(&connection, &named).await? {
            decoder = decoder.executed_by(governor, timelock);
        }
        let decoder = compacts.into_iter().fold(decoder, Decoder::with_compact);
        let expectation = in_shares(expectation, of_lido).await?;
        let mut decoded = self.decode(&decoder, source, chain)?;
        decoded.warnings.extend(doubts);
        Ok((decoded, expectation))
    }

    /// Refuses what is not certain to do what is expected; without an expectation, it is warned of.
    fn require_sure(&self, doubts: &[String]) -> Result<(), UserError> {
        match doubts.first() {
            Some(doubt) if !self.expect.is_empty() => Err(UserError::new(doubt.clone()).hint(
                "do not rely on it before you know why; without `--expect`, `levee decode` shows all calls",
            )),
            _ => Ok(()),
        }
    }
}

/// A transaction that a node has, whose hash and signature are checked.
async fn sent(connection: &Connection, hash: B256, doubts: &mut Vec<String>) -> Result<Source> {
    let provider = &connection.provider;
    let transaction = provider.get_transaction_by_hash(hash).await.map_err(Error::from)?;
    let transaction = transaction.ok_or_else(|| {
        UserError::new(format!("chain {} has no transaction `{hash}`", connection.chain))
            .hint("check the hash and the chain; with `--to`, 32 bytes are the data of a call")
    })?;
    let envelope: TxEnvelope = transaction.inner.into_inner();
    let forged = Error::Malformed { what: "a transaction" };
    let chain = envelope.chain_id();
    if keccak256(envelope.encoded_2718()) != hash || chain.is_some_and(|chain| chain != connection.chain) {
        return Err(forged.into());
    }
    let from = envelope.signature().recover_address_from_prehash(&envelope.signature_hash());
    let from = from.map_err(|_| forged)?;
    let receipt = provider.get_transaction_receipt(hash).await.map_err(Error::from)?;
    match receipt.map(|receipt| receipt.status()) {
        None => doubts.push("the transaction is in no block yet".into()),
        Some(false) => doubts.push("the transaction failed, so nothing of this was done".into()),
        Some(true) => {}
    }
    Ok(Source {
        name: source::on_chain(format!("transaction {hash} of {from}, nonce {}", envelope.nonce()), chain),
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
        all.extend(call.through.map(|code| (code, "multiSend")));
        collect(&call.calls, all, created);
    }
}

/// The rescues among the accounts.
async fn rescues(
    connection: &Connection,
    accounts: &BTreeSet<(Address, &'static str)>,
    doubts: &mut Vec<String>,
) -> Result<Vec<Escrow<DynProvider>>> {
    let mut rescues = Vec::new();
    for (account, _) in accounts.iter().filter(|(_, name)| *name == "rescue") {
        match Escrow::open(connection.provider.clone(), connection.chain, *account).await {
            Ok(rescue) => rescues.push(rescue),
            Err(error) if error.is_users() => doubts.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rescues)
}

/// The compacts among the accounts: what is called like one, or like a token or a pool with a function of the same name.
async fn compacts(
    connection: &Connection,
    accounts: &BTreeSet<(Address, &'static str)>,
    doubts: &mut Vec<String>,
) -> Result<BTreeSet<Address>> {
    let mut compacts = BTreeSet::new();
    for (account, name) in accounts {
        let is_compact = match *name {
            "compact" => true,
            "token" | "pool" => Contract::Compact.is_code(&code_of(connection, *account).await?),
            _ => continue,
        };
        if !is_compact {
            continue;
        }
        match CompactClient::open(connection.provider.clone(), connection.chain, *account).await {
            Ok(client) => {
                let sound = client.check_token().and_then(|()| client.check_escrows());
                doubts.extend(sound.err().map(|error| error.to_string()));
                compacts.insert(*account);
            }
            Err(error) if error.is_users() => doubts.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(compacts)
}

async fn code_of(connection: &Connection, account: Address) -> Result<Bytes, Error> {
    Ok(connection.provider.get_code_at(account).await?)
}

/// The governors among the accounts, each with its timelock, if it has one.
async fn timelocks(
    connection: &Connection,
    accounts: &BTreeSet<(Address, &'static str)>,
) -> Result<Vec<(Address, Address)>> {
    let mut all = Vec::new();
    for (account, _) in accounts.iter().filter(|(_, name)| *name == "governor") {
        let timelock = Governor::timelock_of(&connection.provider, *account).await?;
        all.extend(timelock.map(|timelock| (*account, timelock)));
    }
    Ok(all)
}

/// Finds what is called like a contract of Levee or Safe, and is none.
async fn check_contracts(
    connection: &Connection,
    accounts: &BTreeSet<(Address, &'static str)>,
    compacts: &BTreeSet<Address>,
    doubts: &mut Vec<String>,
) -> Result<()> {
    for (account, name) in accounts.iter().filter(|(account, _)| !compacts.contains(account)) {
        let contracts: &[Contract] = match *name {
            "pool" => &[Contract::RecoveryPool, Contract::BonusPool],
            "router" => &[Contract::PledgeRouter],
            "board" => &[Contract::PledgeBoard],
            "multiSend" => {
                doubts.extend(foreign_code(connection, *account).await?);
                continue;
            }
            "multicall" if multicall::exists(&connection.provider).await? => continue,
            "multicall" => {
                doubts.push(format!("`{account}` has not the code of Multicall3"));
                continue;
            }
            "receiver" => &[Contract::DebtRepayer, Contract::StakedEtherUnwinder],
            _ => continue,
        };
        let code = code_of(connection, *account).await?;
        if !contracts.iter().any(|contract| contract.is_code(&code)) {
            doubts.push(format!("`{account}` is called as a {name}, but has no code of Levee's"));
        }
    }
    Ok(())
}

/// Why the code at an address of MultiSendCallOnly is not Safe's; none if it is.
async fn foreign_code(connection: &Connection, account: Address) -> Result<Option<String>> {
    match safe::verify_call_only(&connection.provider, account).await {
        Ok(()) => Ok(None),
        Err(error) if error.is_users() => Ok(Some(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// A rescue that takes stETH. None if they take different tokens: whose amounts are meant, and at whose rate, cannot be told then.
fn one_with_steth(rescues: &[Escrow<DynProvider>]) -> Option<&Escrow<DynProvider>> {
    let tokens = rescues.iter().map(|rescue| (rescue.original_terms().steth, rescue.original_terms().wsteth));
    rescues.get(the_only_lido(&tokens.collect::<Vec<_>>())?)
}

/// The first place of the only stETH and wstETH among those of rescues; zeros stand for none.
fn the_only_lido(tokens: &[(Address, Address)]) -> Option<usize> {
    let first = tokens.iter().position(|(steth, _)| !steth.is_zero())?;
    let is_same = |pair: &(Address, Address)| pair.0.is_zero() || *pair == tokens[first];
    tokens.iter().all(is_same).then_some(first)
}

/// What is expected, with amounts of stETH in shares at today's rate.
async fn in_shares(
    mut expectation: Expectation,
    rescue: Option<&Escrow<DynProvider>>,
) -> Result<Expectation> {
    let Some(rescue) = rescue else { return Ok(expectation) };
    for amount in expectation.amounts_of_steth() {
        expectation = expectation.knowing(amount, rescue.steth_shares(amount).await?);
    }
    Ok(expectation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_steth_are_of_one_token() {
        let [none, lido, other] =
            [0, 1, 2].map(|byte| (Address::repeat_byte(byte), Address::repeat_byte(byte)));
        assert_eq!(the_only_lido(&[none, lido, lido]), Some(1));
        assert_eq!(the_only_lido(&[lido, none]), Some(0));
        assert_eq!(the_only_lido(&[lido, other]), None);
        assert_eq!(the_only_lido(&[none]), None);
    }
}
