//! The JSON of results that are the command's own. The others are made of the library's types, by the convention of
//! [`levee_model::json`]. docs/schema/ is generated from all of them.

use std::path::Path;

use alloy::primitives::{Address, B256};
use eyre::Result;
use levee::Edition;
use levee_model::{
    Terms,
    json::{Account, Hash},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What is written to a file for other programs, and read again.
pub(crate) fn document(content: &impl Serialize) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(content)?))
}

/// The result of `levee terms show`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TermsShown<'a> {
    /// Address of the rescue, existing or not.
    #[serde(with = "Account")]
    pub(crate) address: Address,
    pub(crate) chain: u64,
    /// The edition of the contracts.
    pub(crate) edition: Edition,
    #[serde(flatten)]
    pub(crate) terms: &'a Terms,
    /// The document whose Keccak-256 is the terms hash, if the file names one.
    pub(crate) document: Option<&'a Path>,
    /// Why the terms are not valid; empty if they are, whether their deadline has passed or not.
    pub(crate) warnings: Vec<String>,
}

/// The result of `levee terms check`: if the terms are not valid, it is an error.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TermsChecked {
    pub(crate) valid: bool,
    pub(crate) chain: u64,
    #[serde(with = "Account")]
    pub(crate) address: Address,
    /// Warnings for pledgers.
    pub(crate) warnings: Vec<String>,
}

/// The result of `levee address`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Addresses {
    /// Address of the rescue, existing or not.
    #[serde(with = "Account")]
    pub(crate) address: Address,
    /// The contract that creates all of them.
    #[serde(with = "Account")]
    pub(crate) deployer: Address,
    /// The salt of the rescue's CREATE2 address.
    #[serde(with = "Hash")]
    pub(crate) salt: B256,
    #[serde(with = "Account")]
    pub(crate) recovery_pool: Address,
    #[serde(with = "Account")]
    pub(crate) bonus_pool: Address,
    #[serde(with = "Account")]
    pub(crate) board: Address,
    /// Why the terms are not valid, so that nothing can ever be there; empty if they are.
    pub(crate) warnings: Vec<String>,
}

/// An error, on stderr.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorJson {
    pub(crate) error: ErrorFacts,
}

/// What went wrong. `facts` has the values that caused the error, by name, or is null; amounts are in the asset's own unit if
/// the key has none.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorFacts {
    #[serde(flatten)]
    #[schemars(with = "Cause")]
    pub(crate) cause: Value,
    /// One sentence.
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    /// The exit code.
    pub(crate) code: u8,
    /// Advice on what to do about it.
    pub(crate) hint: Option<String>,
}

/// The kind of an error, which is a stable name whatever the message says, and its facts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Cause {
    /// An error of the client. A contract's refusal has the name of the contract's error.
    Client(levee::Error),
    /// An error of the index.
    Index(levee_index::IndexError),
    /// Any other.
    Command(CommandError),
}

/// Errors that have no kind of their own.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "facts")]
pub(crate) enum CommandError {
    /// The user can correct it.
    UserError,
    /// The network failed, or there is a bug.
    InternalError,
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use schemars::{Schema, generate::SchemaSettings};

    use super::*;
    use crate::{
        commands::journal::{Record, Records},
        commands::{
            compact::{deploy::CompactDeployed, status::CompactStatus, terms::CompactShown},
            declarations::Declarations,
            decode::Decoded,
            deploy::Deployed,
            doctor::Checkup,
            index::Checked,
            lint::Linted,
            networks::Networks,
            pledgers::Pledgers,
            positions::Positions,
            receiver::{new::NewReceiver, status::ReceiverShown},
            report::{ReportJson, Reported, ReportedCompact},
            safe::show::SafeShown,
            serve::Serving,
            solve::Solution,
            statement::StatementJson,
            verify::Verification,
            verify_compact::CompactVerification,
            what_if::WhatIf,
        },
        declaration::SignedFile,
        handed::Handed,
        keeper::report::{Handled as Kept, Round},
        names::NamesJson,
        page::RescueJson,
        payouts::Payouts,
        plan::Plan,
        rehearse::Drafted,
        transaction::Transactions,
        unsigned::Unsigned,
    };

    fn schema<T: JsonSchema>() -> Schema {
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
    }

    /// Written by `make docs`, which sets the variable.
    #[test]
    fn the_schemas_are_those_of_the_types() {
        let all = [
            ("address", schema::<Addresses>()),
            ("declarations", schema::<Declarations<'_>>()),
            ("decode", schema::<Decoded>()),
            ("deploy", schema::<Deployed<'_>>()),
            ("doctor", schema::<Checkup>()),
            ("error", schema::<ErrorJson>()),
            ("index", schema::<levee_index::Step>()),
            ("index-check", schema::<Checked>()),
            ("calls", schema::<Handed>()),
            ("journal-list", schema::<Records>()),
            ("journal-show", schema::<Record>()),
            ("lint", schema::<Linted>()),
            ("keeper", schema::<Round>()),
            ("keeper-line", schema::<Kept>()),
            ("names", schema::<NamesJson<'_>>()),
            ("networks", schema::<Networks>()),
            ("plan", schema::<Plan>()),
            ("payouts", schema::<Payouts>()),
            ("pledgers", schema::<Pledgers<'_>>()),
            ("positions", schema::<Positions<'_>>()),
            ("rehearse-from", schema::<Drafted>()),
            ("compact-check", schema::<CompactShown>()),
            ("compact-deploy", schema::<CompactDeployed>()),
            ("compact-status", schema::<CompactStatus>()),
            ("receiver-new", schema::<NewReceiver<'_>>()),
            ("receiver-status", schema::<ReceiverShown>()),
            ("report", schema::<Reported<'_>>()),
            ("report-compact", schema::<ReportedCompact<'_>>()),
            ("report-json", schema::<ReportJson<'_>>()),
            ("safe", schema::<SafeShown<'_>>()),
            ("serve", schema::<Serving>()),
            ("signed-declaration", schema::<SignedFile>()),
            ("statement", schema::<StatementJson<'_>>()),
            ("solve", schema::<Solution>()),
            ("status", schema::<RescueJson<'_>>()),
            ("terms-check", schema::<TermsChecked>()),
            ("terms-show", schema::<TermsShown<'_>>()),
            ("transactions", schema::<Transactions>()),
            ("unsigned", schema::<Unsigned>()),
            ("verify", schema::<Verification<'_>>()),
            ("verify-compact", schema::<CompactVerification<'_>>()),
            ("watch-line", schema::<levee::notice::Notice>()),
            ("what-if", schema::<WhatIf>()),
        ];
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
        for (name, schema) in &all {
            let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
            let path = directory.join(format!("{name}.json"));
            if std::env::var_os("LEVEE_WRITE_DOCS").is_some() {
                fs::create_dir_all(&directory).unwrap();
                fs::write(&path, &text).unwrap();
            }
            let written = fs::read_to_string(&path).unwrap_or_default();
            assert!(written == text, "{} is not the schema of its type: run `make docs`", path.display());
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), all.len());
    }
}
