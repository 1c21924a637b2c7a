//! `levee deploy`: create a rescue, unless it already exists.

use std::path::{Path, PathBuf};

use alloy::{primitives::Address, providers::DynProvider};
use clap::Args;
use eyre::Result;
use levee::{Blueprint, Call, Executed, Purpose, Verification};
use levee_model::json::Account;
use schemars::JsonSchema;
use serde::Serialize;

use super::terms::all_facts;
use crate::{
    error::UserError,
    escape, file,
    output::Output,
    plan::{Meanwhile, Step},
    signing::{Opened, SigningArgs},
    table,
    terms::TermsFile,
    transaction::{self, Transactions},
    warnings,
};

/// Arguments of `levee deploy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Anyone may create a rescue; its creator gets no rights in it. Running the command again changes nothing.

Example:
  levee deploy rescue.toml --account treasury --rpc-url https://node.example")]
pub(crate) struct DeployArgs {
    /// Terms file (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Also write what explorers verify the contract from: the compiler's standard JSON input.
    #[arg(long, value_name = "FILE")]
    verification: Option<PathBuf>,

    #[command(flatten)]
    signing: SigningArgs,
}

impl DeployArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let file = TermsFile::read(&self.file)?;
        let blueprint = file.escrow()?;
        let address = blueprint.address();
        let publication = Publication::of(&file, &blueprint, self.verification.as_deref())?;
        let connection = self.signing.network().connect(Some(&file)).await?;
        let (purpose, exists) = (Purpose::new("deploy"), blueprint.exists(&connection.provider).await?);
        if !exists {
            let (_, now) = connection.current_block().await?;
            file.check(now)?;
            output.warn(&warnings::of_file(&file, now));
            output.warn(&warnings::of_chain(&file, &connection.provider).await?);
        } else if !self.signing.has_begun(&connection, Some(address), &purpose).await? {
            return publication.report(output, address, &[]);
        }
        let report = async |executed: &[Executed]| {
            blueprint.verify(&connection.provider).await?;
            publication.report(output, address, executed)
        };
        let opened = self.signing.signer(&connection, Some(address), purpose, output).await?;
        let signer = match opened {
            Opened::Ready(signer) => signer,
            Opened::Done(signer, executed) => {
                report(&executed).await?;
                return signer.close().await;
            }
        };
        let prepared = blueprint.prepare(&signer.provider, file.chain, signer.from).await?;
        let Some(call) = prepared else {
            publication.report(output, address, &[])?;
            return signer.close().await;
        };
        signer.execute(&[step(call, &file, address)], report).await
    }
}

/// The result of `levee deploy`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deployed<'a> {
    /// Address of the rescue.
    #[serde(with = "Account")]
    address: Address,
    /// Whether this command created it; otherwise it already existed.
    created: bool,
    #[serde(flatten)]
    sent: Transactions,
    /// What to publish beside the address.
    publish: &'a Publication,
}

/// What to publish beside the address of a rescue, so that anyone can check it.
#[derive(Debug, Serialize, JsonSchema)]
struct Publication {
    /// The terms.
    terms: PathBuf,
    /// The document whose Keccak-256 is the terms hash, if the terms name one.
    document: Option<PathBuf>,
    /// The command that checks the rescue against the terms.
    check: String,
    /// What explorers verify the contract from; null if it was not asked for.
    verification: Option<VerificationFile>,
}

/// A file for explorers, and what they ask for beside it.
#[derive(Debug, Serialize, JsonSchema)]
struct VerificationFile {
    file: PathBuf,
    #[serde(flatten)]
    verification: Verification,
}

impl Publication {
    /// What there is to publish. Writes what explorers need to `path`.
    fn of(file: &TermsFile, blueprint: &Blueprint, path: Option<&Path>) -> Result<Self> {
        let TermsFile { path: terms, document, .. } = file.clone();
        let check = format!("levee verify {} --terms {}", blueprint.address(), terms.display());
        let verification = path.map(|path| VerificationFile::write(path, blueprint)).transpose()?;
        Ok(Self { terms, document, check, verification })
    }

    /// Reports that the rescue is there. If nothing was `executed`, somebody else has created it, or an earlier run.
    fn report(&self, output: Output, address: Address, executed: &[Executed]) -> Result<()> {
        let created = !executed.is_empty();
        let (events, sent) = transaction::summary(executed, None);
        let headline = if created {
            format!("{events}the rescue is at {address}")
        } else {
            format!("the rescue already exists at {address}; nothing was created")
        };
        let facts = table::facts_below(&self.facts(address));
        // In one line, to be copied.
        let text = format!(
            "{headline}\n\npublish\n{facts}\nanyone checks it with\n  {}\n",
            escape::line(&self.check)
        );
        output.result(&text, &Deployed { address, created, sent, publish: self })
    }

    fn facts(&self, address: Address) -> Vec<(&'static str, String)> {
        let mut facts = vec![("address", address.to_string()), ("terms", self.terms.display().to_string())];
        facts.extend(self.document.iter().map(|path| ("document", path.display().to_string())));
        if let Some(VerificationFile { file, verification }) = &self.verification {
            let Verification { compiler, contract, constructor_arguments, .. } = verification;
            facts.extend([
                ("for explorers", format!("{}, as standard JSON input", file.display())),
                ("compiler", (*compiler).to_owned()),
                ("contract", (*contract).to_owned()),
                ("arguments", constructor_arguments.to_string()),
            ]);
        }
        facts
    }
}

impl VerificationFile {
    /// Writes it, before anything is sent.
    fn write(path: &Path, blueprint: &Blueprint) -> Result<Self, UserError> {
        let verification = blueprint.verification().ok_or_else(|| {
            UserError::new(format!("the sources of edition {} are not kept here", blueprint.edition()))
                .hint("leave `--verification` out")
        })?;
        file::create_or_same(path, verification.input)?;
        Ok(Self { file: path.to_owned(), verification })
    }
}

fn step(call: Call<DynProvider>, file: &TermsFile, address: Address) -> Step {
    let headline = format!("Create the rescue of `{}` at {address}", file.path.display());
    Step::new("deploy", headline, call).facts(all_facts(&file.terms)).unless(Meanwhile::Created(address))
}
