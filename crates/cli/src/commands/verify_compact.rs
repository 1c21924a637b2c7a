//! `levee verify` of a compact: all that it has stored, of every member and every call.

use std::path::Path;

use alloy::{
    primitives::{Address, B256},
    providers::Provider as _,
};
use eyre::{Report, Result};
use levee::{
    Contract, Error,
    compact::escrow_edition,
    network,
    proof::{CompactEvidence, CompactQuestion, ProvenAccount, Unproven, VerifiedCompact},
    text::CompactFile,
};
use levee_model::{Amount, Units, json::Hash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    compact::status::CompactStatus,
    verify::{Anchor, VerifyArgs, name_of, terms_differ, what_is_not_proven},
};
use crate::{error::UserError, event, file, output::Output, table};

/// Evidence in a file, and what it is to prove.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bundle {
    format: Format,
    compact: Address,
    evidence: CompactEvidence,
}

#[derive(Debug, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "levee-compact-proof-v1")]
    V1,
}

/// Only what a file says that it is.
#[derive(Deserialize)]
struct Claimed {
    format: String,
}

/// The result of `levee verify` of a compact: all that it has stored is proven, except for what is listed in `notProven`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompactVerification<'a> {
    /// The block at the end of which all of this is proven.
    #[serde(with = "Hash")]
    block_hash: B256,
    /// Who says that the block is one of the chain.
    anchor: Anchor,
    /// The compact, as in the result of `levee compact status`.
    #[serde(flatten)]
    compact: CompactStatus,
    /// What it has of wstETH; null if that is not proven.
    balance_units: Option<Units>,
    /// What it must have by its books: all that is active, pending and earned.
    booked_units: Units,
    /// The accounts and the words of storage that everything follows from.
    proven: &'a [ProvenAccount],
    not_proven: &'a [Unproven],
}

/// Whether what is to be verified is a compact: by the file with the evidence, the file of terms, or the code at the address.
pub(super) async fn is_meant(args: &VerifyArgs) -> Result<bool> {
    if let Some(path) = &args.from_bundle {
        let claimed: Option<Claimed> = serde_json::from_slice(&file::document(path)?).ok();
        return Ok(claimed.is_some_and(|claimed| claimed.format == "levee-compact-proof-v1"));
    }
    if let Some(path) = &args.terms {
        return Ok(CompactFile::read(path).is_ok());
    }
    let node = args.network.node(None)?;
    let code = node.provider.get_code_at(args.rescue).await.map_err(Error::from)?;
    Ok(Contract::Compact.is_code(&code))
}

/// Runs the command.
pub(super) async fn run(args: &VerifyArgs, output: Output) -> Result<()> {
    if args.account.is_some() {
        return Err(UserError::new("a compact is proven with all of its members")
            .hint("leave `--account` out")
            .into());
    }
    let terms = args.terms.as_deref().map(CompactFile::read).transpose()?;
    let (bundle, verified, anchor) = match &args.from_bundle {
        Some(path) => read(args, path, terms.as_ref())?,
        None => ask(args, terms.as_ref()).await?,
    };
    if let Some(terms) = &terms {
        terms_differ("compact", &terms.path, &terms.terms, verified.history.compact.terms())?;
    }
    if let Some(path) = &args.bundle {
        file::create(path, &serde_json::to_string(&bundle)?)?;
    }
    output.warn(&warnings(&verified));
    output.result(&to_text(&verified, anchor), &to_json(&verified, anchor))
}

async fn ask(args: &VerifyArgs, terms: Option<&CompactFile>) -> Result<(Bundle, VerifiedCompact, Anchor)> {
    let connection = match terms {
        Some(terms) => args.network.connect_to(terms.chain, &terms.path, "the terms").await?,
        None => args.network.connect(None).await?,
    };
    let question = question(args, Some(connection.chain));
    let is_current = async |chain, number, time| match args.block_hash {
        Some(_) => Ok(()),
        None => connection.nodes.check_current(chain, number, time).await,
    };
    let evidence = question.ask_if(&connection.provider, None, is_current).await?;
    let verified = evidence.check(&question)?;
    let anchor = Anchor::of(args.block_hash, connection.nodes.quorum());
    Ok((Bundle { format: Format::V1, compact: args.rescue, evidence }, verified, anchor))
}

const fn question(args: &VerifyArgs, chain: Option<u64>) -> CompactQuestion {
    CompactQuestion { compact: args.rescue, block_hash: args.block_hash, chain }
}

fn read(
    args: &VerifyArgs,
    path: &Path,
    terms: Option<&CompactFile>,
) -> Result<(Bundle, VerifiedCompact, Anchor)> {
    let shown = path.display();
    let bundle: Bundle = serde_json::from_slice(&file::document(path)?).map_err(|error| {
        UserError::new(format!("`{shown}` is not a bundle of evidence: {error}"))
            .hint("`levee verify --bundle FILE` writes one")
    })?;
    if bundle.compact != args.rescue {
        return Err(UserError::new(format!("`{shown}` is about the compact `{}`", bundle.compact))
            .hint("ask for that compact, or for another file")
            .into());
    }
    let chain = args.network.expected(None)?.or(terms.map(|terms| terms.chain));
    let verified = bundle.evidence.check(&question(args, chain)).map_err(|error| {
        let nothing = UserError::new(format!("`{shown}` proves nothing: {error}"))
            .hint("do not rely on it; ask whoever gave it to you for another");
        Report::new(error).wrap_err(nothing)
    })?;
    let anchor = if args.block_hash.is_some() { Anchor::Caller } else { Anchor::Bundle };
    Ok((bundle, verified, anchor))
}

fn warnings(verified: &VerifiedCompact) -> Vec<String> {
    let VerifiedCompact { history, balance, booked, .. } = verified;
    let (terms, compact) = (history.compact.terms(), history.compact.address());
    let shown = |units: Units| Amount::WstEth(units).to_string();
    let short = balance.filter(|balance| balance < booked).map(|balance| {
        let (has, needs) = (shown(balance), shown(*booked));
        format!("the compact has {has}, but its books need {needs}: not everybody can be paid")
    });
    let token = network::check_wsteth(history.chain, terms.wsteth).err().map(|error| error.to_string());
    let foreign = escrow_edition(terms)
        .is_none()
        .then(|| Error::ForeignEscrows { compact, code_hash: terms.escrow_code_hash }.to_string());
    [short, token, foreign].into_iter().flatten().collect()
}

fn to_json(verified: &VerifiedCompact, anchor: Anchor) -> CompactVerification<'_> {
    let VerifiedCompact { history, edition, block_hash, balance, booked, accounts, unproven, .. } = verified;
    CompactVerification {
        block_hash: *block_hash,
        anchor,
        compact: CompactStatus::of(history, *edition),
        balance_units: *balance,
        booked_units: *booked,
        proven: accounts,
        not_proven: unproven,
    }
}

fn to_text(verified: &VerifiedCompact, anchor: Anchor) -> String {
    let mut text = CompactStatus::of(&verified.history, verified.edition).to_text();
    let shown = |units: Units| Amount::WstEth(units).to_string();
    let held = verified.balance.map_or_else(|| "not proven".into(), shown);
    let held = [("wstETH", held), ("books need", shown(verified.booked))];
    text.push_str(&format!("\nheld by the compact\n{}", table::facts_below(&held)));
    let fact = |account: &ProvenAccount| {
        let what = format!("code, balance and {} of storage", event::counted(account.words.len(), "word"));
        (name_of(account.role), format!("{}: {what}", account.address))
    };
    let block = ("block", format!("hash {}", verified.block_hash));
    let proven: Vec<_> = [block].into_iter().chain(verified.accounts.iter().map(fact)).collect();
    text.push_str(&format!("\nproven\n{}", table::facts_below(&proven)));
    let unproven: Vec<_> = verified.unproven.iter().map(|what| what_is_not_proven(what, anchor)).collect();
    text.push_str(&format!("\nnot proven\n{}", table::facts_below(&unproven)));
    text
}
