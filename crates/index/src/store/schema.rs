//! The schema, and how an older one becomes the latest.

use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::{Backend, Store};

/// The statements that lead from each schema to the next. Published ones are never changed.
///
/// The keys are the order in which rows are written and read: the logs of a contract lie together, in the order of the chain.
const MIGRATIONS: [&str; 2] = [
    "
CREATE TABLE cursors (
    chain INTEGER NOT NULL PRIMARY KEY,
    first INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    finalized INTEGER NOT NULL
) STRICT;
CREATE TABLE headers (
    chain INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    parent BLOB NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (chain, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE contracts (
    chain INTEGER NOT NULL,
    address BLOB NOT NULL,
    kind TEXT NOT NULL,
    rescue BLOB NOT NULL,
    block INTEGER NOT NULL,
    counterfeit TEXT NOT NULL,
    PRIMARY KEY (chain, address)
) STRICT, WITHOUT ROWID;
CREATE TABLE logs (
    chain INTEGER NOT NULL,
    address BLOB NOT NULL,
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    block_hash BLOB NOT NULL,
    time INTEGER NOT NULL,
    transaction_hash BLOB NOT NULL,
    topics BLOB NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (chain, address, block, log_index)
) STRICT, WITHOUT ROWID;
CREATE TABLE positions (
    chain INTEGER NOT NULL,
    rescue BLOB NOT NULL,
    pledger BLOB NOT NULL,
    tier INTEGER NOT NULL,
    asset INTEGER NOT NULL,
    amount BLOB NOT NULL,
    refunded BLOB NOT NULL,
    objected INTEGER NOT NULL,
    departures INTEGER NOT NULL,
    PRIMARY KEY (chain, rescue, pledger, tier, asset)
) STRICT, WITHOUT ROWID;
",
    "
ALTER TABLE cursors ADD COLUMN rules BLOB;
",
];

/// The latest schema.
pub(super) const VERSION: u64 = MIGRATIONS.len() as u64;

/// Keeps two processes that open a new database from creating its tables at the same time. The number is the index's own.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(5499842061325301)";

const VERSIONS: &str =
    "CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER NOT NULL PRIMARY KEY) STRICT";

impl Backend {
    /// A statement in the words of the database.
    fn dialect(self, sql: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(match self {
            Self::Sqlite => sql.to_owned(),
            Self::Postgres => sql
                .replace(" STRICT, WITHOUT ROWID", "")
                .replace(" STRICT", "")
                .replace("INTEGER", "BIGINT")
                .replace("BLOB", "BYTEA"),
        })
    }
}

impl Store {
    /// The version of the schema.
    pub(super) async fn schema_version(&self) -> Result<u64, sqlx::Error> {
        applied(&mut *self.pool.acquire().await?).await
    }

    /// Brings the schema up to date, unless it is later than the latest, and returns its version.
    pub(super) async fn migrate(&self) -> Result<u64, sqlx::Error> {
        let mut write = self.pool.begin_with(self.backend.begin_writing()).await?;
        if self.backend == Backend::Postgres {
            sqlx::raw_sql(POSTGRES_LOCK).execute(&mut *write).await?;
        }
        sqlx::raw_sql(self.backend.dialect(VERSIONS)).execute(&mut *write).await?;
        let found = applied(&mut write).await?;
        for (version, migration) in (0..).zip(MIGRATIONS).filter(|&(version, _)| version >= found) {
            sqlx::raw_sql(self.backend.dialect(migration)).execute(&mut *write).await?;
            let insert = sqlx::query("INSERT INTO schema_versions (version) VALUES ($1)");
            insert.bind(version.cast_signed()).execute(&mut *write).await?;
        }
        write.commit().await?;
        Ok(found.max(VERSION))
    }
}

async fn applied(connection: &mut AnyConnection) -> Result<u64, sqlx::Error> {
    let row = sqlx::query("SELECT COUNT(*) AS applied FROM schema_versions").fetch_one(connection).await?;
    row.try_get::<i64, _>("applied").map(i64::cast_unsigned)
}
