//! `levee decode`: what calls, files and transactions do, and whether that is what is expected.

mod chain;
mod file;
mod source;
pub(super) mod text;

use std::path::PathBuf;

use alloy::primitives::{Address, U256};
use clap::Args;
use eyre::Result;
use levee::{
    decode::{Decoder, Expectation, Meaning, Quantity, Unit},
    model::{Wei, json::AccountOrNone},
};
use schemars::JsonSchema;
use serde::Serialize;

use self::source::{Content, Source};
use crate::{address, amount, cli::block_on, connection::NetworkArgs, error::UserError, output::Output};

/// Arguments of `levee decode`.
#[derive(Debug, Args)]
#[command(after_help = "\
It reads the data of a call, a transaction that is signed or still unsigned, the script of an Aragon vote, the hash of a transaction that \
was sent, and files: batches of Safe's Transaction Builder, what `levee safe propose` writes, calls, proposals, scripts and unsigned \
transactions of other commands, and what `levee send` takes. Calls in calls are opened. What is not known is said to be unknown.

It asks no node, unless `--rpc-url` is given or a hash. With a node, it also checks that what is called is Levee's.

With `--expect`, once for each call and in their order, it fails if a call does anything else, or if there is another call. It compares \
with the sentences that it prints itself. It must be certain for which chain it is: name it with `--chain` or a node, unless what is \
signed is for one chain only. A pledge of stETH is one of shares: amounts of stETH are converted with `--rpc-url`, at today's rate.

Whose pledge it is is left out only if the account that pays is certain: by `--from`, by a signature, or by a Safe's transaction. A file's \
word for it proves nothing.

Examples:
  levee decode --file batch.json
  levee decode 0x… --to 0x… --value '100 ETH' --from 0x…
  levee decode --file batch.json --from 0x… --chain mainnet --expect 'pledge 100 ETH to tier 0 of 0x…'")]
pub(crate) struct DecodeArgs {
    /// Data of a call, signed or unsigned transaction, script of a vote, or hash of a transaction, in hexadecimal digits.
    #[arg(value_name = "HEX", required_unless_present = "file", conflicts_with = "file")]
    data: Option<String>,

    /// File with calls or transactions.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Account that the data is sent to.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse, requires = "data")]
    to: Option<Address>,

    /// ETH that is sent with the data.
    #[arg(long, value_name = "AMOUNT", value_parser = amount::parse_eth, requires = "to")]
    value: Option<Wei>,

    /// Account that you know to make the calls, such as your Safe; refused if they are signed, or made for, another.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    from: Option<Address>,

    /// What a call is to do, in the words in which it is printed; once for each call.
    #[arg(long, value_name = "SENTENCE")]
    expect: Vec<String>,

    /// The most that the gas of all transactions may cost, in ETH.
    #[arg(long, value_name = "AMOUNT", value_parser = amount::parse_eth, requires = "expect")]
    max_cost: Option<Wei>,

    #[command(flatten)]
    network: NetworkArgs,
}

/// The result of `levee decode`, and what is known of where it comes from.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Decoded {
    /// What was decoded, in words.
    source: String,
    /// Its chain; null if it names none.
    chain: Option<u64>,
    /// Who makes the calls, by `--from`, a signature or the hash of a Safe's transaction; null if that is not certain.
    #[serde(serialize_with = "sender")]
    #[schemars(with = "AccountOrNone")]
    sender: Option<Address>,
    /// Who makes the calls by the word of a file, which proves nothing; null if it names nobody, or the sender is certain.
    #[serde(serialize_with = "sender")]
    #[schemars(with = "AccountOrNone")]
    claimed_sender: Option<Address>,
    /// What it does, call by call.
    calls: Vec<Meaning>,
    /// How many sentences were expected, all of which the calls fulfill.
    expected: usize,
    /// What speaks against relying on it.
    warnings: Vec<String>,
}

fn sender<S: serde::Serializer>(sender: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
    AccountOrNone::serialize(&sender.unwrap_or_default(), serializer)
}

impl DecodeArgs {
    /// Runs the command.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        let source = self.source()?;
        let is_online = self.network.names_node() || matches!(source.content, Content::Sent(_));
        if !is_online {
            self.require_chain(&source)?;
        }
        let expectation = Expectation::new(self.expect.clone());
        let (decoded, expectation) = match is_online {
            true => block_on(self.online(source, expectation))?,
            false => (self.offline(source)?, expectation),
        };
        if !self.expect.is_empty() {
            expectation.check(&decoded.calls)?;
        }
        output.warn(&decoded.warnings);
        output.result(&decoded.text(), &decoded)
    }

    fn source(&self) -> Result<Source> {
        match (&self.file, &self.data) {
            (Some(path), _) => file::read(path),
            (None, Some(data)) => {
                source::of_digits(data, self.to, self.value.map(|wei| U256::from(wei.get())))
            }
            // The arguments are required.
            (None, None) => {
                Err(UserError::new("nothing to decode").hint("give data, or `--file FILE`").into())
            }
        }
    }

    fn offline(&self, source: Source) -> Result<Decoded> {
        let chain = self.chain_of(&source)?;
        let decoder = chain.map(Decoder::on).unwrap_or_default();
        self.decode(&decoder, source, chain)
    }

    /// The chain that the source or the arguments name.
    fn chain_of(&self, source: &Source) -> Result<Option<u64>> {
        match (source.chain, self.network.chain()) {
            (Some(expected), Some(actual)) if expected != actual => {
                Err(levee::Error::WrongChain { expected: actual, actual: expected }.into())
            }
            (one, other) => Ok(one.or(other)),
        }
    }

    fn decode(&self, decoder: &Decoder, source: Source, chain: Option<u64>) -> Result<Decoded> {
        let sender = self.sender_of(&source)?;
        let claimed_sender = source.sender.filter(|_| sender.is_none());
        let decoder = sender.into_iter().fold(decoder.clone(), Decoder::paid_by);
        self.require_cost(&source.content)?;
        let calls = source.content.read(&decoder);
        let mut told = file::warnings(&source.content);
        told.extend(warnings(&calls));
        let (warnings, expected) = (told, self.expect.len());
        Ok(Decoded { source: source.name, chain, sender, claimed_sender, calls, expected, warnings })
    }

    /// Refuses transactions whose gas can cost more than it may.
    fn require_cost(&self, content: &Content) -> Result<(), UserError> {
        let Some(limit) = self.max_cost else { return Ok(()) };
        let cost = content.gas_cost().ok_or_else(|| {
            UserError::new("what is decoded is no transaction, so it does not say what its gas costs")
                .hint("leave `--max-cost` out, and give it for the transaction that is sent in the end")
        })?;
        if cost <= U256::from(limit.get()) {
            return Ok(());
        }
        let [cost, limit] =
            [cost, U256::from(limit.get())].map(|wei| Quantity::new(wei, Unit::Eth).to_string());
        Err(UserError::new(format!("its gas can cost {cost}, more than the {limit} of `--max-cost`"))
            .hint("do not sign it before you know why; whoever wrote it has chosen the price"))
    }

    /// Who makes the calls, if that is certain.
    fn sender_of(&self, source: &Source) -> Result<Option<Address>, UserError> {
        let proven = source.content.sender();
        match (proven.or(source.sender), self.from) {
            (Some(one), Some(other)) if one != other => {
                let says = if proven.is_some() { "the calls are made" } else { "the file is for calls" };
                Err(UserError::new(format!("{says} by `{one}`, but `--from` says `{other}`")).hint(
                    "do not sign it before you know why; without `--from`, `levee decode` shows all calls",
                ))
            }
            _ => Ok(proven.or(self.from)),
        }
    }

    /// Refuses to expect anything of calls that somebody can make on another chain, with other contracts.
    fn require_chain(&self, source: &Source) -> Result<(), UserError> {
        let chain = source.content.chain().or(self.network.chain());
        if self.expect.is_empty() || chain.is_some() {
            return Ok(());
        }
        Err(UserError::new("it is not certain for which chain this is")
            .hint("name the chain that you mean with `--chain CHAIN`, or a node with `--rpc-url URL`"))
    }
}

/// What speaks against relying on calls, whatever the chain says.
fn warnings(calls: &[Meaning]) -> Vec<String> {
    let unknown = "some of this is unknown: it can do anything that its sender can";
    let unshown = "some of this is for a transaction or a proposal that is only named: decode that, too";
    let applies = [
        (calls.iter().any(Meaning::has_unknown), unknown),
        (calls.iter().any(Meaning::has_unshown), unshown),
    ];
    applies.into_iter().filter(|(is_so, _)| *is_so).map(|(_, warning)| warning.to_owned()).collect()
}
