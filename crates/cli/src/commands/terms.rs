//! `levee terms`: write, check and show terms. Needs no network, but can look at what the terms name.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::{Args, Subcommand};
use eyre::Result;
use levee_model::{Terms, Tier};
use serde_json::json;

use crate::{
    amount,
    connection::{Connection, NetworkArgs},
    escape, file,
    json::{TermsChecked, TermsShown},
    output::{self, Output},
    page, percent, table,
    terms::{self, TermsFile},
    time, warnings,
};

/// Time that a new terms file gives pledgers, from the day it is written.
const TEMPLATE_DAYS: i64 = 30;

/// Subcommands of `levee terms`.
#[derive(Debug, Subcommand)]
pub(crate) enum TermsCommand {
    /// Write a template for a terms file, with every key explained
    #[command(after_help = "Example:\n  levee terms new rescue.toml")]
    New(NewArgs),
    /// Check whether a rescue with these terms can be created now
    #[command(after_help = "\
Needs no node, and asks none unless `--rpc-url` is given. Then what only the chain can tell is checked too: the tokens, everything else \
that creating the rescue depends on, whether the beneficiary accepts ETH, and, if it is one of Levee's receivers, whether that does \
what it should.

Examples:
  levee terms check rescue.toml
  levee terms check rescue.toml --rpc-url https://node.example")]
    Check(Box<CheckArgs>),
    /// Show the terms, the address of the rescue, and the origin of the terms hash
    #[command(after_help = "Example:\n  levee terms show rescue.toml --json")]
    Show(FileArgs),
}

/// Arguments of `levee terms new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// File to write, which must not exist; default: stdout.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Arguments of `levee terms check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Terms file (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    network: NetworkArgs,
}

/// Arguments of `levee terms show`.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// Terms file (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl TermsCommand {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::New(args) => args.run(output),
            Self::Check(args) => args.run(output).await,
            Self::Show(args) => args.show(output),
        }
    }
}

impl NewArgs {
    fn run(self, output: Output) -> Result<()> {
        let today = jiff::Timestamp::now().as_second() / DAY * DAY;
        let text = terms::template(u64::try_from(today + TEMPLATE_DAYS * DAY)?);
        match self.file {
            Some(path) => {
                file::create(&path, &text)?;
                let shown = escape::line(&path.display().to_string());
                output.result(
                    &format!("wrote `{shown}`: fill it in, then `levee terms check {shown}`\n"),
                    &json!({ "file": path }),
                )
            }
            None if output.is_json() => output.result("", &json!({ "toml": text })),
            None => output::write_stdout(&text),
        }
    }
}

const DAY: i64 = 24 * 60 * 60;

impl CheckArgs {
    async fn run(self, output: Output) -> Result<()> {
        let file = TermsFile::read(&self.file)?;
        let connection = self.connection(&file).await?;
        let now = match &connection {
            Some(connection) => connection.latest_block().await?.1,
            None => time::clock(),
        };
        file.check(now)?;
        let mut warnings = warnings::of_file(&file, now);
        if let Some(connection) = connection {
            // Whoever creates it, it is refused for the same reasons.
            drop(file.escrow()?.prepare(&connection.provider, file.chain, Address::ZERO).await?);
            warnings.extend(warnings::of_chain(&file, &connection.provider).await?);
        }
        output.warn(&warnings);
        let address = file.address()?;
        let text = format!("the terms are valid; the rescue will be at {address} on chain {}\n", file.chain);
        output.result(&text, &TermsChecked { valid: true, chain: file.chain, address, warnings })
    }
}

impl CheckArgs {
    async fn connection(&self, file: &TermsFile) -> Result<Option<Connection>> {
        Ok(match self.network.names_node() {
            true => Some(self.network.connect(Some(file)).await?),
            false => None,
        })
    }
}

impl FileArgs {
    fn show(self, output: Output) -> Result<()> {
        let file = TermsFile::read(&self.file)?;
        let address = file.address()?;
        let shown = shown(&file, address);
        output.warn(&shown.warnings);
        output.result(&to_text(&file, address), &shown)
    }
}

fn to_text(file: &TermsFile, address: Address) -> String {
    let mut all = vec![
        ("address", format!("{address} on chain {}", file.chain)),
        ("contracts", format!("edition {}", file.edition)),
    ];
    all.extend(facts(&file.terms));
    all.push(("hash origin", hash_rule(file)));
    format!("{}\ntiers\n{}", table::facts(&all), tiers(&file.terms))
}

/// All terms but the tiers.
fn facts(terms: &Terms) -> Vec<(&'static str, String)> {
    let or_none = |address: Address| if address.is_zero() { "none".into() } else { address.to_string() };
    let duration = |seconds: u32| time::duration(seconds.into());
    vec![
        ("beneficiary", terms.beneficiary.to_string()),
        ("guardian", or_none(terms.guardian)),
        ("stETH", or_none(terms.steth)),
        ("wstETH", or_none(terms.wsteth)),
        ("target", amount::eth_and_wei(terms.target)),
        ("deadline", time::time(terms.deadline)),
        ("latest deadline", time::time(terms.latest_deadline)),
        ("objection period", duration(terms.objection_period)),
        ("veto", if terms.veto.get() == 0 { "none".into() } else { percent::percent(terms.veto) }),
        ("tranches", tranches(terms)),
        ("release window", duration(terms.release_window)),
        ("exit window", duration(terms.exit_window)),
        ("terms hash", terms.terms_hash.to_string()),
    ]
}

/// All terms, including the tiers, to review before the rescue is created.
pub(crate) fn all_facts(terms: &Terms) -> Vec<(&'static str, String)> {
    let tier = |(index, tier): (usize, &Tier)| {
        let (threshold, order) = (percent::percent(tier.threshold), tier.draw_order);
        (
            "tier",
            format!(
                "{index}: a {}, used if coverage reaches {threshold}, draw order {order}",
                page::kind(tier)
            ),
        )
    };
    facts(terms).into_iter().chain(terms.tiers.iter().enumerate().map(tier)).collect()
}

fn tranches(terms: &Terms) -> String {
    match terms.tranches {
        1 => "1".into(),
        count => format!("{count}, {} apart", time::duration(terms.tranche_interval.into())),
    }
}

/// The origin of the terms hash, so that anyone can recompute it.
fn hash_rule(file: &TermsFile) -> String {
    match &file.document {
        Some(path) => format!("Keccak-256 of the bytes of `{}`", path.display()),
        None => "given in the terms file".into(),
    }
}

fn tiers(terms: &Terms) -> String {
    let row = |(index, tier): (usize, &Tier)| {
        let (threshold, order) = (percent::percent(tier.threshold), tier.draw_order.to_string());
        [index.to_string(), threshold, order, page::kind(tier)]
    };
    let rows: Vec<_> = terms.tiers.iter().enumerate().map(row).collect();
    table::render(["tier", "threshold", "order", "kind"], &rows)
}

fn shown(file: &TermsFile, address: Address) -> TermsShown<'_> {
    let TermsFile { chain, edition, terms, document, .. } = file;
    let (document, warnings) = (document.as_deref(), warnings::refusal(file));
    TermsShown { address, chain: *chain, edition: *edition, terms, document, warnings }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{document::Document, error::UserError};

    pub(crate) const NOW: u64 = 1_785_542_400;

    /// The template, filled in.
    pub(crate) fn text() -> String {
        terms::filled_template(NOW + 86_400)
    }

    pub(crate) fn parse(text: &str) -> Result<TermsFile, UserError> {
        TermsFile::parse(&Document::new("rescue.toml", text))
    }

    #[test]
    fn terms_are_shown_in_full() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rescue.toml");
        std::fs::write(&path, text()).unwrap();
        let file = TermsFile::read(&path).unwrap();
        let address = file.address().unwrap();
        let text = to_text(&file, address);
        assert!(text.starts_with(&format!("address           {address} on chain 1\n")), "{text}");
        assert!(text.contains("target            68900 ETH (68900000000000000000000 wei)\n"), "{text}");
        assert!(text.contains("tranches          4, 7 days apart\n"), "{text}");
        assert!(
            text.ends_with("1     50 %       1      loan at 3.8 % a year\n2     100 %      0      grant\n"),
            "{text}"
        );
        let json = serde_json::to_value(shown(&file, address)).unwrap();
        assert_eq!(json["targetWei"], "68900000000000000000000");
        assert_eq!(json["latestDeadlineUnix"], NOW + 86_400);
        assert_eq!(json["tiers"][1]["rateBps"], 380);
        let loan =
            ("tier", "1: a loan at 3.8 % a year, used if coverage reaches 50 %, draw order 1".to_owned());
        assert!(all_facts(&file.terms).contains(&loan));
    }
}
