//! The tables of the index. SQLite and PostgreSQL get the same statements, and give the same rows in the same order.

mod read;
mod schema;
mod write;

use std::{cmp::Ordering, error::Error as StdError, path::Path, sync::Arc, time::Duration};

use alloy::primitives::{Address, B256};
use levee::{
    RedactedError,
    model::{Asset, Position, PositionId, Units},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use sqlx::{
    Any, AnyConnection, AnyPool, Connection as _, Executor as _, Row, Transaction,
    any::{AnyPoolOptions, AnyRow},
};
use url::Url;

use crate::{error::IndexError, indexer::Cursor};

pub(crate) use read::{Columns, Table, Value, contracts, fold, rules};
pub use read::{LogPlace, Look};
pub(crate) use write::Writer;

/// How many connections one store has at most: one writes, the others read beside it.
const CONNECTIONS: u32 = 4;

/// How long to wait for a connection, or for another process to finish its write.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a URL may begin with.
const SCHEMES: [&str; 3] = ["postgres", "postgresql", "sqlite"];

/// What is left as it is in the path of a URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// Settings of each connection to PostgreSQL: a machine that dies in the middle of a write must not keep the others waiting.
const TIMEOUTS: &str = "SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '60s'";

/// Settings of each connection to SQLite. A power failure may undo the last batches, which are then read again; the cache holds the
/// inner pages of a million positions.
const PRAGMAS: &str = "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -32768;";

/// Settings of each connection to SQLite that only reads.
const READ_PRAGMAS: &str = "PRAGMA busy_timeout = 60000";

/// The tables of an index. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    backend: Backend,
    location: Arc<str>,
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// Begins a transaction that writes: SQLite must not find out later that another one came first.
    const fn begin_writing(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Begins a transaction whose reads are all of one moment.
    const fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// A position as the index holds it: whose it is, and what the events add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PositionRow {
    /// The rescue.
    #[serde(with = "levee_model::json::Account")]
    pub rescue: Address,
    /// Pledger, tier and asset.
    #[serde(flatten)]
    pub id: PositionId,
    /// What it holds, in the asset's own unit.
    #[serde(flatten)]
    pub position: Position,
}

impl Store {
    /// Opens the store at `location`, and creates it if there is none: `postgres://…` for a database of PostgreSQL, otherwise the
    /// path of a file for SQLite, which may be written as `sqlite://PATH`, in a directory that is there.
    ///
    /// # Errors
    /// [`IndexError::StoreUnusable`]; [`IndexError::StoreUnreachable`]; [`IndexError::NewerSchema`].
    pub async fn open(location: &str) -> Result<Self, IndexError> {
        let place = Place::of(location, Access::Write)?;
        let store = place.connect().await?;
        let found = store.migrate().await.map_err(|error| place.failed(error))?;
        place.check_schema(found)?;
        Ok(store)
    }

    /// Opens the store at `location` only to read it, which needs no right to write.
    ///
    /// # Errors
    /// [`IndexError::NoIndex`], [`IndexError::StoreUnusable`], [`IndexError::StoreUnreachable`];
    /// [`IndexError::NewerSchema`], [`IndexError::OlderSchema`].
    pub async fn open_to_read(location: &str) -> Result<Self, IndexError> {
        let place = Place::of(location, Access::Read)?;
        if place.backend == Backend::Sqlite && !Path::new(&place.shown).exists() {
            return Err(IndexError::NoIndex { location: place.shown });
        }
        let store = place.connect().await?;
        let found = store.schema_version().await.map_err(|error| place.failed(error))?;
        place.check_schema(found)?;
        Ok(store)
    }

    /// Where it is, without secrets: the path of the file, or the host and the name of the database.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Waits until all connections are closed. A store that is only dropped is as whole.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self, statement: &'static str) -> Result<Transaction<'static, Any>, IndexError> {
        self.pool.begin_with(statement).await.map_err(IndexError::failed)
    }

    /// All that follows is of one moment, until it is dropped.
    pub(crate) async fn reader(&self) -> Result<Transaction<'static, Any>, IndexError> {
        self.begin(self.backend.begin_reading()).await
    }

    /// The same, if the index is where it is expected to be; none if another process wrote to it.
    pub(crate) async fn reader_at(
        &self,
        chain: u64,
        at: Option<Cursor>,
    ) -> Result<Option<Transaction<'static, Any>>, IndexError> {
        let mut reader = self.reader().await?;
        let found = read::cursor(&mut reader, chain).await?;
        Ok((found == at).then_some(reader))
    }

    /// All that follows is written at once, or not at all.
    pub(crate) async fn writer(&self, chain: u64) -> Result<Writer, IndexError> {
        Ok(Writer::new(self.begin(self.backend.begin_writing()).await?, chain))
    }
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Where a store is.
struct Place {
    backend: Backend,
    access: Access,
    url: String,
    /// The file of SQLite, or the host of PostgreSQL: a URL has a password.
    shown: String,
}

impl Place {
    fn of(location: &str, access: Access) -> Result<Self, IndexError> {
        let scheme = location.split_once("://").map(|(scheme, _)| scheme);
        if location.is_empty() || scheme.is_some_and(|scheme| !SCHEMES.contains(&scheme)) {
            // What comes after the scheme may have a password.
            let location = scheme.map_or_else(String::new, |scheme| format!("{scheme}://…"));
            let source =
                RedactedError::new("it is neither a path nor a URL with `postgres://` or `sqlite://`");
            return Err(IndexError::StoreUnusable { location, source });
        }
        if location.starts_with("postgres://") || location.starts_with("postgresql://") {
            let url = Url::parse(location).ok();
            let shown = url
                .as_ref()
                .map(|url| format!("postgres://{}{}", url.host_str().unwrap_or_default(), url.path()));
            let shown = shown.unwrap_or_else(|| "postgres://…".into());
            return Ok(Self { backend: Backend::Postgres, access, url: location.into(), shown });
        }
        let path = location.strip_prefix("sqlite://").unwrap_or(location);
        let mode = match access {
            Access::Read => "ro",
            Access::Write => "rwc",
        };
        let url = format!("sqlite://{}?mode={mode}", utf8_percent_encode(path, PATH));
        Ok(Self { backend: Backend::Sqlite, access, url, shown: path.into() })
    }

    async fn connect(&self) -> Result<Store, IndexError> {
        sqlx::any::install_default_drivers();
        let settings = self.settings();
        // A pool tries again for as long as it waits for a connection, but what is wrong at first is mostly wrong for good.
        let mut first = AnyConnection::connect(&self.url).await.map_err(|error| self.failed(error))?;
        prepare(&mut first, settings).await.map_err(|error| self.failed(error))?;
        first.close().await.map_err(|error| self.failed(error))?;
        let options = AnyPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
        let options = options.after_connect(move |connection, _| Box::pin(prepare(connection, settings)));
        let pool = options.connect(&self.url).await.map_err(|error| self.failed(error))?;
        Ok(Store { pool, backend: self.backend, location: self.shown.as_str().into() })
    }

    const fn settings(&self) -> &'static str {
        match (self.backend, self.access) {
            (Backend::Sqlite, Access::Write) => PRAGMAS,
            (Backend::Sqlite, Access::Read) => READ_PRAGMAS,
            (Backend::Postgres, _) => TIMEOUTS,
        }
    }

    fn check_schema(&self, found: u64) -> Result<(), IndexError> {
        let (location, known) = (self.shown.clone(), schema::VERSION);
        match found.cmp(&known) {
            Ordering::Less => Err(IndexError::OlderSchema { location, found, known }),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(IndexError::NewerSchema { location, found, known }),
        }
    }

    /// What went wrong while it was opened.
    fn failed(&self, error: sqlx::Error) -> IndexError {
        if IndexError::is_missing_table(&error) {
            return IndexError::NoIndex { location: self.shown.clone() };
        }
        if !IndexError::may_pass(&error) {
            return self.unusable(error);
        }
        IndexError::StoreUnreachable { location: self.shown.clone(), source: RedactedError::new(error) }
    }

    fn unusable(&self, error: impl Into<Box<dyn StdError + Send + Sync>>) -> IndexError {
        IndexError::StoreUnusable { location: self.shown.clone(), source: RedactedError::new(error) }
    }
}

async fn prepare(connection: &mut AnyConnection, settings: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(settings)).await.map(drop)
}

// ------------------------------------------------------------------------------------------------- columns

/// Values as columns: numbers by their bits, since columns are signed; addresses, hashes and amounts as bytes, amounts with the
/// highest byte first, so that they sort as numbers on both databases.
fn units(amount: Units) -> Vec<u8> {
    amount.get().to_be_bytes().into()
}

fn blob(row: &AnyRow, column: &str) -> Result<Vec<u8>, IndexError> {
    row.try_get(column).map_err(IndexError::failed)
}

fn unsigned(row: &AnyRow, column: &str) -> Result<u64, IndexError> {
    row.try_get::<i64, _>(column).map(i64::cast_unsigned).map_err(IndexError::failed)
}

fn damaged<T, E>(value: Result<T, E>, what: &'static str) -> Result<T, IndexError> {
    value.map_err(|_| IndexError::StoreDamaged { what })
}

fn address(row: &AnyRow, column: &str) -> Result<Address, IndexError> {
    damaged(Address::try_from(blob(row, column)?.as_slice()), "an address")
}

fn hash(row: &AnyRow, column: &str) -> Result<B256, IndexError> {
    damaged(B256::try_from(blob(row, column)?.as_slice()), "a hash")
}

fn amount(row: &AnyRow, column: &str) -> Result<Units, IndexError> {
    let bytes = damaged(<[u8; 16]>::try_from(blob(row, column)?), "an amount")?;
    Ok(Units::new(u128::from_be_bytes(bytes)))
}

/// A number that is smaller than its column.
fn narrow<T: TryFrom<u64>>(row: &AnyRow, column: &str) -> Result<T, IndexError> {
    damaged(T::try_from(unsigned(row, column)?), "a number")
}

fn asset(row: &AnyRow) -> Result<Asset, IndexError> {
    let number: usize = narrow(row, "asset")?;
    Asset::ALL.get(number).copied().ok_or(IndexError::StoreDamaged { what: "an asset" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let place =
            Place::of("postgres://ann:secret@db.example:5432/levee?sslmode=require", Access::Read).unwrap();
        assert_eq!(place.shown, "postgres://db.example/levee");
        assert_eq!(place.backend, Backend::Postgres);
        for (location, shown) in [
            ("Postgres://ann:secret@db/levee", "Postgres://…"),
            ("mysql://ann:secret@db", "mysql://…"),
            ("", ""),
        ] {
            let error = Place::of(location, Access::Read).err().expect("it is refused").to_string();
            let message =
                "cannot be opened: it is neither a path nor a URL with `postgres://` or `sqlite://`";
            assert_eq!(error, format!("the store `{shown}` {message}"));
        }
    }

    #[test]
    fn a_path_may_have_any_characters() {
        for location in ["/tmp/a b/c?d#e.db", "sqlite:///tmp/a b/c?d#e.db"] {
            let place = Place::of(location, Access::Write).unwrap();
            assert_eq!(place.shown, "/tmp/a b/c?d#e.db");
            assert_eq!(place.url, "sqlite:///tmp/a%20b/c%3Fd%23e.db?mode=rwc");
        }
    }

    #[test]
    fn amounts_sort_as_numbers() {
        let amounts = [0, 255, 256, u128::from(u64::MAX) + 1, u128::MAX].map(Units::new);
        assert!(amounts.map(units).is_sorted());
        assert_eq!(units(Units::new(1)).len(), 16);
    }
}
