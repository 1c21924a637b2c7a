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
    decode::{Decoder, Expectation, Meaning},
    model::json::AccountOrNone,
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
with the sentences that it prints itself. A pledge of stETH is one of shares: amounts of stETH are converted with `--rpc-url`, at today's rate.

Examples:
  levee decode --file batch.json
  levee decode 0x… --to 0x… --value '100 ETH' --from 0x…
  levee decode --file batch.json --expect 'pledge 100 ETH to tier 0 of 0x…'")]
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
    value: Option<levee::model::Wei>,

    /// Account that makes the calls, if they do not say it themselves, such as a Safe or the timelock of a governor.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    from: Option<Address>,

    /// What a call is to do, in the words in which it is printed; once for each call.
    #[arg(long, value_name = "SENTENCE")]
    expect: Vec<String>,

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
    /// Who makes the calls, unless they say it themselves; null if that is not known.
    #[serde(serialize_with = "sender")]
    #[schemars(with = "AccountOrNone")]
    sender: Option<Address>,
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
        let sender = match (source.sender, self.from) {
            (Some(one), Some(other)) if one != other => {
                return Err(UserError::new(format!(
                    "the calls are made by `{one}`, but `--from` says `{other}`"
                ))
                .hint("leave `--from` out")
                .into());
            }
            (one, other) => one.or(other),
        };
        let decoder = sender.into_iter().fold(decoder.clone(), Decoder::paid_by);
        let calls = source.content.read(&decoder)?;
        let mut warnings = file::warnings(&source.content);
        if calls.iter().any(Meaning::has_unknown) {
            warnings.push("some of this is unknown: it can do anything that its sender can".into());
        }
        Ok(Decoded { source: source.name, chain, sender, calls, expected: self.expect.len(), warnings })
    }
}
