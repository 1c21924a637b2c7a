use std::io::ErrorKind;

use alloy::primitives::{Address, B256};
use levee::RedactedError;
use levee_model::Inconsistent;
use serde::{Serialize, Serializer};
use strum::IntoStaticStr;
use thiserror::Error;

/// Why the index could not be opened, read or carried on. Nothing of what was being written is kept.
#[derive(Debug, Clone, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum IndexError {
    /// The store cannot be opened.
    #[error("the store `{location}` cannot be opened: {source:#}")]
    StoreUnusable {
        /// Where it should be, without secrets.
        location: String,
        /// What went wrong.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// There is no index to read.
    #[error("there is no index in `{location}`")]
    NoIndex {
        /// Where it should be, without secrets.
        location: String,
    },
    /// The database does not answer.
    #[error("the store `{location}` does not answer: {source:#}")]
    StoreUnreachable {
        /// Where it should be, without secrets.
        location: String,
        /// What went wrong.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// The store was made by a later release.
    #[error("the store `{location}` has schema {found}, but this release knows schemas up to {known}")]
    NewerSchema {
        /// Where it is, without secrets.
        location: String,
        /// Its schema.
        found: u64,
        /// The latest that this release can read.
        known: u64,
    },
    /// The store was made by an earlier release, and is only read.
    #[error("the store `{location}` has schema {found}, but this release reads schema {known}")]
    OlderSchema {
        /// Where it is, without secrets.
        location: String,
        /// Its schema.
        found: u64,
        /// The one that this release can read.
        known: u64,
    },
    /// The index was made by a release that knew other contracts, so it may lack logs.
    #[error(
        "the index of chain {chain} in `{location}` was made by a release that knows other contracts, so it may lack logs"
    )]
    OtherRules {
        /// Where the store is, without secrets.
        location: String,
        /// The chain.
        chain: u64,
    },
    /// The store failed while it was read or written.
    #[error("the store failed: {source:#}")]
    StoreFailed {
        /// What went wrong.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// The store holds a value that the index never writes.
    #[error("the store holds {what} that the index has not written")]
    StoreDamaged {
        /// What cannot be read.
        what: &'static str,
    },
    /// The chain dropped a block that was final, or it is another chain with the same ID.
    #[error(
        "the store `{location}` has block {number} as final with the hash {indexed}, but the chain now has {found}"
    )]
    FinalBlockChanged {
        /// Where the store is, without secrets.
        location: String,
        /// Its number.
        number: u64,
        /// The hash in the index.
        #[serde(with = "levee_model::json::Hash")]
        indexed: B256,
        /// The hash on the chain.
        #[serde(with = "levee_model::json::Hash")]
        found: B256,
    },
    /// What was read did not fit together, however often it was read again.
    #[error("the node's blocks from {number} on did not fit together for {seconds} seconds")]
    Incoherent {
        /// The first block that could not be added.
        number: u64,
        /// How long it was tried.
        seconds: u64,
    },
    /// Logs are missing, or belong to another chain.
    #[error("the logs of the rescue `{rescue}` do not follow from each other in block {number}: {source}")]
    HistoryBroken {
        /// The rescue.
        #[serde(with = "levee_model::json::Account")]
        rescue: Address,
        /// The block of the log that does not follow.
        number: u64,
        /// What is wrong with it.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: Inconsistent,
    },
    /// Logs of a compact are missing, or belong to another chain.
    #[error("the logs of the compact `{compact}` do not follow from each other in block {number}: {source}")]
    CompactBroken {
        /// The compact.
        #[serde(with = "levee_model::json::Account")]
        compact: Address,
        /// The block of the log that does not follow.
        number: u64,
        /// What is wrong with it.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: Inconsistent,
    },
    /// An error of the client: the node failed, or answered with what cannot be.
    #[error("{0}")]
    #[serde(untagged)]
    Client(#[source] levee::Error),
}

impl IndexError {
    /// The name of the error, which is stable while its message may change.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Client(error) => error.kind(),
            other => other.into(),
        }
    }

    /// Whether the user can correct it. Otherwise the network, the node or the database failed, or there is a bug.
    pub const fn is_users(&self) -> bool {
        match self {
            Self::Client(error) => error.is_users(),
            Self::StoreUnusable { .. }
            | Self::NoIndex { .. }
            | Self::NewerSchema { .. }
            | Self::OlderSchema { .. }
            | Self::OtherRules { .. }
            | Self::FinalBlockChanged { .. } => true,
            Self::StoreUnreachable { .. }
            | Self::StoreFailed { .. }
            | Self::StoreDamaged { .. }
            | Self::Incoherent { .. }
            | Self::HistoryBroken { .. }
            | Self::CompactBroken { .. } => false,
        }
    }

    /// Whether what went wrong while a store was opened may pass by itself: it is not there yet, or not any more, or it is busy.
    ///
    /// See <https://www.postgresql.org/docs/current/errcodes-appendix.html> and <https://www.sqlite.org/rescode.html>.
    pub(crate) fn may_pass(error: &sqlx::Error) -> bool {
        const BUSY_SQLITE: [&str; 2] = ["5", "6"];
        match error {
            sqlx::Error::PoolTimedOut => true,
            // So TLS says that it does not trust the server's certificate.
            sqlx::Error::Io(error) => error.kind() != ErrorKind::InvalidData,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                let class = code.get(..2).filter(|_| code.len() == 5);
                class.is_some_and(|class| ["08", "53", "57"].contains(&class))
                    || BUSY_SQLITE.contains(&&*code)
            }),
            _ => false,
        }
    }

    /// Whether a table is missing, by the code of PostgreSQL or the message of SQLite, which has no code of its own for it.
    pub(crate) fn is_missing_table(error: &sqlx::Error) -> bool {
        error.as_database_error().is_some_and(|error| {
            error.code().is_some_and(|code| code == "42P01") || error.message().starts_with("no such table")
        })
    }

    pub(crate) fn failed(error: sqlx::Error) -> Self {
        Self::StoreFailed { source: RedactedError::new(error) }
    }
}

impl From<levee::Error> for IndexError {
    fn from(error: levee::Error) -> Self {
        Self::Client(error)
    }
}

fn text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}
