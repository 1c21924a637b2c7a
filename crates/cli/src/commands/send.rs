//! `levee send`: transactions that were signed elsewhere.

use std::path::PathBuf;

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::Decodable2718,
    hex,
    primitives::Address,
    providers::{DynProvider, Provider},
};
use clap::Args;
use eyre::Result;
use levee::{
    Contract, Error, Intent, Journal, Outbox, Purpose,
    error::{LONGEST_VALUE, start_of},
    json,
    outbox::{Draft, Fees},
};
use levee_model::Wei;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::journal::finish;
use crate::{
    amount,
    connection::NetworkArgs,
    error::UserError,
    file,
    journal::SqliteJournal,
    output::Output,
    signing::{JournalArgs, WaitingArgs, about},
    table, transaction,
};

/// Arguments of `levee send`.
#[derive(Debug, Args)]
#[command(after_help = "\
What `--unsigned FILE` of another command wrote is signed offline; this sends what the signer returns: hexadecimal digits, one \
transaction a line, or the JSON of `eth_signTransaction`. They are sent in their order, each after the one before it is in a block. \
Send the same file again if the command was interrupted: nothing is sent twice.

Example:
  levee send signed.txt --rpc-url https://node.example")]
pub(crate) struct SendArgs {
    /// File with the signed transactions.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Send without asking.
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    journal: JournalArgs,

    #[command(flatten)]
    waiting: WaitingArgs,
}

/// Transactions of one account for one chain.
#[derive(Debug)]
struct Batch {
    account: Address,
    chain: u64,
    transactions: Vec<TxEnvelope>,
}

impl SendArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let batch = self.read()?;
        let connection = self.network.connect_on(batch.chain).await?;
        let journal = self.journal.open().await?;
        let _turn = journal.turn(batch.chain, batch.account, output).await?;
        let outbox = Outbox::watching(connection.provider.clone(), batch.chain, batch.account)
            .with_journal(journal)
            .waiting(self.waiting.confirmations(), self.waiting.limit(connection.nodes.patience()));
        let intent = match earlier(&outbox, &batch).await? {
            Some(intent) => intent,
            None => self.begin(&outbox, &batch, output).await?,
        };
        finish(&outbox, &intent, output).await.map(drop)
    }

    fn read(&self) -> Result<Batch> {
        let refused = |reason: String| Error::InvalidFile { what: "a file of signed transactions", reason };
        let text = file::text(&self.file)?;
        Ok(Batch::parse(&text).map_err(refused)?)
    }

    /// Shows and records what is to be sent.
    async fn begin(
        &self,
        outbox: &Outbox<DynProvider, SqliteJournal>,
        batch: &Batch,
        output: Output,
    ) -> Result<Intent> {
        for transaction in &batch.transactions {
            require_unused(outbox.provider(), batch.account, transaction).await?;
        }
        transaction::confirm(&batch.plan(), self.yes, output).await?;
        let intent = outbox.journal().begin(&batch.draft(), &batch.steps()).await?;
        for (step, transaction) in batch.steps().iter().zip(&batch.transactions) {
            let contracts = contracts(outbox.provider(), transaction).await?;
            outbox.adopt(&intent, step, transaction, &contracts).await?;
        }
        Ok(intent)
    }
}

/// The record of the same transactions, if they were sent before.
async fn earlier(
    outbox: &Outbox<DynProvider, SqliteJournal>,
    batch: &Batch,
) -> Result<Option<Intent>, Error> {
    let draft = batch.draft();
    for intent in outbox.journal().intents().await?.into_iter().filter(|intent| intent.draft.is_same(&draft))
    {
        if outbox.journal().transactions(intent.id).await?.len() == batch.transactions.len() {
            return Ok(Some(intent));
        }
    }
    Ok(None)
}

/// Refuses a transaction that can never be included, because its nonce was used by another.
async fn require_unused(provider: &DynProvider, account: Address, transaction: &TxEnvelope) -> Result<()> {
    let (nonce, hash) = (transaction.nonce(), *transaction.tx_hash());
    let used = provider.get_transaction_count(account).await.map_err(Error::from)?;
    let is_known = provider.get_transaction_by_hash(hash).await.map_err(Error::from)?.is_some();
    if nonce >= used || is_known {
        return Ok(());
    }
    Err(UserError::new(format!(
        "transaction `{hash}` can never be included: `{account}` has used its nonce {nonce} for another"
    ))
    .hint(format!("sign it again with nonce {used}, if it is still wanted"))
    .into())
}

/// The contract that is called, if it is Levee's: its events tell what was done.
async fn contracts(provider: &DynProvider, transaction: &TxEnvelope) -> Result<Vec<Address>, Error> {
    let Some(to) = transaction.to() else { return Ok(Vec::new()) };
    let code = provider.get_code_at(to).await?;
    Ok(Contract::ALL.iter().any(|contract| contract.is_code(&code)).then_some(to).into_iter().collect())
}

impl Batch {
    fn parse(text: &str) -> Result<Self, String> {
        let words = match json::parse(text) {
            Ok(file) => in_json(&file)
                .ok_or("its JSON has no `raw` or `rawTransaction`, or more than a signer answers")?,
            Err(_) => text.split_whitespace().map(str::to_owned).collect(),
        };
        let signed = words.iter().map(|word| signed(word)).collect::<Result<Vec<_>, _>>()?;
        let Some((account, chain, _)) = signed.first().cloned() else { return Err("it is empty".into()) };
        if signed.iter().any(|(other, on, _)| (*other, *on) != (account, chain)) {
            return Err("its transactions are of several accounts or chains".into());
        }
        Ok(Self { account, chain, transactions: signed.into_iter().map(|(.., signed)| signed).collect() })
    }

    fn draft(&self) -> Draft {
        let hashes: Vec<_> = self.transactions.iter().map(|signed| signed.tx_hash().to_string()).collect();
        let purpose = Purpose::new("send").with("transactions", hashes.join(","));
        Draft { chain: self.chain, account: self.account, rescue: None, purpose, key: None }
    }

    fn steps(&self) -> Vec<String> {
        (1..=self.transactions.len()).map(|number| format!("transaction {number}")).collect()
    }

    fn plan(&self) -> String {
        let mut text = String::new();
        for (transaction, step) in self.transactions.iter().zip(self.steps()) {
            let to = transaction.to().map_or("creates a contract".into(), |to| to.to_string());
            let facts = [
                ("hash", transaction.tx_hash().to_string()),
                (
                    "signed by",
                    format!("{} for chain {}, nonce {}", self.account, self.chain, transaction.nonce()),
                ),
                ("to", to),
                ("value", amount::eth_and_wei(Wei::new(transaction.value().saturating_to()))),
                ("data", transaction.input().to_string()),
                ("gas", format!("at most {}", about(Fees::signed_in(transaction).limit()))),
            ];
            text.push_str(&format!("Send {step}\n{}", table::facts_below(&facts)));
        }
        text
    }
}

/// The raw transactions in what a wallet or node answers.
pub(super) fn in_json(file: &Value) -> Option<Vec<String>> {
    match file {
        Value::String(raw) => Some(vec![raw.clone()]),
        Value::Array(items) => Some(items.iter().map(in_json).collect::<Option<Vec<_>>>()?.concat()),
        Value::Object(_) => Answer::deserialize(file).ok().map(|answer| vec![answer.raw]),
        _ => None,
    }
}

/// What geth's `eth_signTransaction` and web3.js answer, and nothing else: a file with more in it could be meant for another reader.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    #[serde(alias = "rawTransaction")]
    raw: String,
    #[serde(rename = "tx")]
    _tx: Option<IgnoredAny>,
    #[serde(rename = "messageHash")]
    _message_hash: Option<IgnoredAny>,
    #[serde(rename = "transactionHash")]
    _transaction_hash: Option<IgnoredAny>,
    #[serde(rename = "r")]
    _r: Option<IgnoredAny>,
    #[serde(rename = "s")]
    _s: Option<IgnoredAny>,
    #[serde(rename = "v")]
    _v: Option<IgnoredAny>,
}

/// Reads a signed transaction: its account, its chain, and itself.
pub(super) fn signed(word: &str) -> Result<(Address, u64, TxEnvelope), String> {
    let raw = hex::decode(word)
        .map_err(|_| format!("`{}` is not in hexadecimal digits", start_of(word, LONGEST_VALUE)))?;
    let mut rest = raw.as_slice();
    let transaction = TxEnvelope::decode_2718(&mut rest)
        .ok()
        .filter(|_| rest.is_empty())
        .ok_or_else(|| format!("`{}` is no signed transaction", start_of(word, LONGEST_VALUE)))?;
    let account = transaction.signature().recover_address_from_prehash(&transaction.signature_hash());
    let account =
        account.map_err(|_| format!("`{}` has no valid signature", start_of(word, LONGEST_VALUE)))?;
    let chain = transaction.chain_id().ok_or_else(|| {
        format!(
            "transaction `{}` names no chain (EIP-155), so that it could be sent on another",
            transaction.tx_hash()
        )
    })?;
    Ok((account, chain, transaction))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of EIP-155.
    const RAW: &str = "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";

    #[test]
    fn a_signed_transaction_is_read_from_digits_and_from_json() {
        let batch = Batch::parse(&format!("{RAW}\n")).unwrap();
        assert_eq!(batch.account.to_string(), "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F");
        assert_eq!((batch.chain, batch.transactions[0].nonce()), (1, 9));
        for json in
            [format!("\"{RAW}\""), format!("{{\"raw\":\"{RAW}\",\"tx\":{{}}}}"), format!("[\"{RAW}\"]")]
        {
            assert_eq!(Batch::parse(&json).unwrap().draft(), batch.draft());
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        let refused = |text: &str| Batch::parse(text).unwrap_err();
        assert_eq!(refused(" "), "it is empty");
        assert_eq!(
            refused("{\"tx\":1}"),
            "its JSON has no `raw` or `rawTransaction`, or more than a signer answers"
        );
        assert_eq!(refused(&format!("{{\"raw\":\"{RAW}\",\"steps\":[]}}")), refused("{\"tx\":1}"));
        assert_eq!(
            refused(&format!("{{\"raw\":\"{RAW}\",\"rawTransaction\":\"{RAW}\"}}")),
            refused("{\"tx\":1}")
        );
        assert_eq!(refused("0xzz"), "`0xzz` is not in hexadecimal digits");
        assert_eq!(refused("0x02"), "`0x02` is no signed transaction");
        assert_eq!(refused(&format!("{RAW}00")), format!("`{}…` is no signed transaction", &RAW[..80]));
    }
}
