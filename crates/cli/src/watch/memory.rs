//! What was told, and what is still to be delivered to whom, in SQLite: it survives crashes of the program and of the machine.
//!
//! What is new is written in one transaction, with a row for each channel that is to have it. A channel that has accepted it loses its
//! row. So whatever ends the command, each notice is delivered to each channel, and at worst once more.

use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    path::Path,
    sync::Arc,
};

use alloy::primitives::Address;
use eyre::Result;
use levee::notice::{News, Notice, Told};
use sqlx::{
    Row as _, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use crate::{error::UserError, state::StateFile};

/// Where it is.
const FILE: StateFile =
    StateFile { what: "the file", name: "watch.db", option: "--state", variable: "LEVEE_WATCH" };

/// How many of the latest notices are kept, beside those that are to be delivered.
const KEPT: i64 = 1_000;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS chains (
    chain INTEGER PRIMARY KEY,
    looked INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS scopes (
    chain INTEGER NOT NULL,
    rescue TEXT NOT NULL,
    account TEXT NOT NULL,
    through INTEGER NOT NULL,
    PRIMARY KEY (chain, rescue, account)
) STRICT;
CREATE TABLE IF NOT EXISTS told (
    chain INTEGER NOT NULL,
    rescue TEXT NOT NULL,
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (chain, rescue, account, key)
) STRICT;
CREATE TABLE IF NOT EXISTS notices (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    chain INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    notice TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pending (
    channel TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES notices (seq),
    PRIMARY KEY (channel, seq)
) STRICT;
";

/// The memory of one chain's notices, which one process has at a time. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pool: SqlitePool,
    chain: u64,
    _turn: Arc<File>,
}

/// About what facts are compared: a rescue, and an account if they concern one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) rescue: Address,
    pub(crate) account: Option<Address>,
}

/// What is kept of a scope.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The block up to which all events were compared, for good; none before the first look.
    pub(crate) through: Option<u64>,
    pub(crate) told: BTreeMap<String, Told>,
}

/// A notice that a channel has not accepted yet.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Its place in the order of all notices.
    pub(crate) seq: i64,
    pub(crate) notice: Notice,
}

impl Scope {
    fn account(&self) -> String {
        self.account.map(|account| account.to_string()).unwrap_or_default()
    }
}

impl Memory {
    /// Opens the file at `path`, or where the variable LEVEE_WATCH says, or in the user's state directory.
    pub(crate) async fn open(path: Option<&Path>, chain: u64) -> Result<Self> {
        let path = FILE.at(path)?;
        let turn = Arc::new(turn(&path, chain)?);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        let failed = |error| FILE.failed(&path, error);
        let pool = pool.map_err(failed)?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await.map_err(failed)?;
        Ok(Self { pool, chain, _turn: turn })
    }

    /// The block of the latest complete look; none before the first.
    pub(crate) async fn looked(&self) -> Result<Option<u64>> {
        let select = sqlx::query("SELECT looked FROM chains WHERE chain = $1").bind(self.chain.cast_signed());
        let row = select.fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get::<i64, _>("looked")).transpose()?.map(i64::cast_unsigned))
    }

    /// Takes note that all was looked at up to a block.
    pub(crate) async fn set_looked(&self, block: u64) -> Result<()> {
        let insert = sqlx::query("INSERT OR REPLACE INTO chains (chain, looked) VALUES ($1, $2)");
        insert.bind(self.chain.cast_signed()).bind(block.cast_signed()).execute(&self.pool).await?;
        Ok(())
    }

    /// The scopes of which something is kept.
    pub(crate) async fn scopes(&self) -> Result<Vec<Scope>> {
        let select =
            sqlx::query("SELECT rescue, account FROM scopes WHERE chain = $1 ORDER BY rescue, account");
        let rows = select.bind(self.chain.cast_signed()).fetch_all(&self.pool).await?;
        rows.iter().map(scope).collect()
    }

    /// What is kept of a scope.
    pub(crate) async fn kept(&self, scope: Scope) -> Result<Kept> {
        let select = "SELECT through FROM scopes WHERE chain = $1 AND rescue = $2 AND account = $3";
        let row = self.of(sqlx::query(select), scope).fetch_optional(&self.pool).await?;
        let through = row.map(|row| row.try_get::<i64, _>("through")).transpose()?.map(i64::cast_unsigned);
        let select = "SELECT told FROM told WHERE chain = $1 AND rescue = $2 AND account = $3";
        let select = self.of(sqlx::query(select), scope);
        let mut told = BTreeMap::new();
        for row in select.fetch_all(&self.pool).await? {
            let one: Told = serde_json::from_str(row.try_get("told")?)?;
            told.insert(one.key.clone(), one);
        }
        Ok(Kept { through, told })
    }

    /// Keeps what is new in a scope, to be delivered to all channels, at once or not at all.
    pub(crate) async fn keep(&self, scope: Scope, news: &News, channels: &[String]) -> Result<()> {
        let mut writer = self.pool.begin().await?;
        let insert =
            "INSERT OR REPLACE INTO scopes (chain, rescue, account, through) VALUES ($1, $2, $3, $4)";
        let insert = self.of(sqlx::query(insert), scope).bind(news.through.cast_signed());
        insert.execute(&mut *writer).await?;
        for key in &news.forgotten {
            let delete = "DELETE FROM told WHERE chain = $1 AND rescue = $2 AND account = $3 AND key = $4";
            self.of(sqlx::query(delete), scope).bind(key).execute(&mut *writer).await?;
        }
        for told in &news.told {
            let insert =
                "INSERT OR REPLACE INTO told (chain, rescue, account, key, told) VALUES ($1, $2, $3, $4, $5)";
            let insert = self.of(sqlx::query(insert), scope).bind(&told.key);
            insert.bind(serde_json::to_string(told)?).execute(&mut *writer).await?;
        }
        for notice in &news.notices {
            self.add(&mut writer, notice, channels).await?;
        }
        Ok(writer.commit().await?)
    }

    fn of<'q>(&self, query: Query<'q>, scope: Scope) -> Query<'q> {
        query.bind(self.chain.cast_signed()).bind(scope.rescue.to_string()).bind(scope.account())
    }

    async fn add(
        &self,
        writer: &mut Transaction<'static, Sqlite>,
        notice: &Notice,
        channels: &[String],
    ) -> Result<()> {
        let insert = "INSERT OR IGNORE INTO notices (chain, id, notice) VALUES ($1, $2, $3) RETURNING seq";
        let insert = sqlx::query(insert).bind(self.chain.cast_signed()).bind(&notice.id);
        let row = insert.bind(serde_json::to_string(notice)?).fetch_optional(&mut **writer).await?;
        // An ID stands for what it says: who has it already needs it no second time.
        let Some(row) = row else { return Ok(()) };
        let seq: i64 = row.try_get("seq")?;
        for channel in channels {
            let insert = sqlx::query("INSERT INTO pending (channel, seq) VALUES ($1, $2)");
            insert.bind(channel).bind(seq).execute(&mut **writer).await?;
        }
        let delete = "DELETE FROM notices WHERE seq <= $1 AND seq NOT IN (SELECT seq FROM pending)";
        sqlx::query(delete).bind(seq - KEPT).execute(&mut **writer).await?;
        Ok(())
    }

    /// The first notices after a place that a channel has not accepted.
    pub(crate) async fn pending(&self, channel: &str, after: i64) -> Result<Vec<Pending>> {
        let select = "SELECT seq, notice FROM pending JOIN notices USING (seq)
            WHERE channel = $1 AND chain = $2 AND seq > $3 ORDER BY seq LIMIT 100";
        let select = sqlx::query(select).bind(channel).bind(self.chain.cast_signed()).bind(after);
        let pending = |row: &SqliteRow| {
            Ok(Pending { seq: row.try_get("seq")?, notice: serde_json::from_str(row.try_get("notice")?)? })
        };
        select.fetch_all(&self.pool).await?.iter().map(pending).collect()
    }

    /// The channels for which something waits.
    pub(crate) async fn waiting(&self) -> Result<Vec<String>> {
        let select =
            "SELECT DISTINCT channel FROM pending JOIN notices USING (seq) WHERE chain = $1 ORDER BY channel";
        let rows = sqlx::query(select).bind(self.chain.cast_signed()).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("channel")?)).collect()
    }

    /// Lets channels have what waits for one that is gone, whose place they take.
    pub(crate) async fn inherit(&self, gone: &str, heirs: &[&str]) -> Result<()> {
        let mut writer = self.pool.begin().await?;
        let chain = self.chain.cast_signed();
        for heir in heirs {
            let insert = "INSERT OR IGNORE INTO pending (channel, seq)
                SELECT $1, seq FROM pending JOIN notices USING (seq) WHERE channel = $2 AND chain = $3";
            sqlx::query(insert).bind(*heir).bind(gone).bind(chain).execute(&mut *writer).await?;
        }
        let delete = "DELETE FROM pending
            WHERE channel = $1 AND seq IN (SELECT seq FROM notices WHERE chain = $2)";
        sqlx::query(delete).bind(gone).bind(chain).execute(&mut *writer).await?;
        Ok(writer.commit().await?)
    }

    /// Takes note that a channel has accepted a notice.
    pub(crate) async fn accepted(&self, channel: &str, seq: i64) -> Result<()> {
        let delete = sqlx::query("DELETE FROM pending WHERE channel = $1 AND seq = $2");
        delete.bind(channel).bind(seq).execute(&self.pool).await?;
        Ok(())
    }

    /// The latest notices, the latest first.
    pub(crate) async fn latest(&self, count: u32) -> Result<Vec<Notice>> {
        let select = sqlx::query("SELECT notice FROM notices WHERE chain = $1 ORDER BY seq DESC LIMIT $2");
        let rows = select.bind(self.chain.cast_signed()).bind(count).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(serde_json::from_str(row.try_get("notice")?)?)).collect()
    }

    /// Whether nothing more can be written.
    pub(crate) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    /// Waits until all is written.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

/// The right to tell of a chain by this file, which ends with the process.
fn turn(path: &Path, chain: u64) -> Result<File> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(format!("-{chain}.lock"));
    let file = File::create(lock)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(UserError::new(format!("another `levee watch` of chain {chain} uses `{}`", path.display()))
                .hint("end it, or give this one a file of its own with `--state PATH`")
                .into())
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn scope(row: &SqliteRow) -> Result<Scope> {
    let account: String = row.try_get("account")?;
    let account = (!account.is_empty()).then(|| account.parse()).transpose()?;
    Ok(Scope { rescue: row.try_get::<String, _>("rescue")?.parse()?, account })
}

#[cfg(test)]
mod tests {
    use levee::notice::{Content, NoticeKind, Stood};

    use super::*;

    const SCOPE: Scope = Scope { rescue: Address::repeat_byte(7), account: None };

    fn told(key: &str) -> Told {
        let content = Content {
            kind: NoticeKind::Settled,
            chain: 1,
            rescue: SCOPE.rescue,
            account: Some(Address::repeat_byte(8)),
            at: 5,
            until: None,
            transaction: None,
            title: "a title".into(),
            text: "a text".into(),
        };
        let notice = Notice { id: key.into(), content, corrects: None };
        Told { key: key.into(), notice: Some(notice), times: 1, stood: Stood::Happened }
    }

    fn news(keys: &[&str], forgotten: &[&str]) -> News {
        let told: Vec<_> = keys.iter().map(|key| told(key)).collect();
        let notices = told.iter().filter_map(|told| told.notice.clone()).collect();
        News { notices, told, forgotten: forgotten.iter().map(|key| (*key).to_owned()).collect(), through: 9 }
    }

    async fn pending(memory: &Memory, channel: &str) -> Vec<String> {
        let pending = memory.pending(channel, 0).await.unwrap();
        pending.into_iter().map(|one| one.notice.id).collect()
    }

    #[tokio::test]
    async fn what_is_kept_survives_and_each_channel_has_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("watch.db");
        let memory = Memory::open(Some(&path), 1).await.unwrap();
        assert_eq!((memory.looked().await.unwrap(), memory.kept(SCOPE).await.unwrap().through), (None, None));
        let channels = ["a", "b"].map(String::from);
        memory.keep(SCOPE, &news(&["x", "y"], &[]), &channels).await.unwrap();
        memory.set_looked(12).await.unwrap();
        let first = memory.pending("a", 0).await.unwrap()[0].seq;
        memory.accepted("a", first).await.unwrap();
        assert!(Memory::open(Some(&path), 1).await.is_err(), "another has it");
        drop(memory);

        let memory = Memory::open(Some(&path), 1).await.unwrap();
        assert_eq!(
            (pending(&memory, "a").await, pending(&memory, "b").await),
            (vec!["y".into()], vec!["x".into(), "y".into()])
        );
        let kept = memory.kept(SCOPE).await.unwrap();
        assert_eq!((kept.through, memory.looked().await.unwrap()), (Some(9), Some(12)));
        assert_eq!(kept.told.into_values().collect::<Vec<_>>(), [told("x"), told("y")]);
        // An ID that is there already is no news, and what is final is forgotten.
        memory.keep(SCOPE, &news(&["y"], &["x"]), &channels).await.unwrap();
        assert_eq!(pending(&memory, "a").await, ["y"]);
        assert_eq!(memory.kept(SCOPE).await.unwrap().told.into_keys().collect::<Vec<_>>(), ["y"]);
        assert_eq!(memory.scopes().await.unwrap(), [SCOPE]);
        // What waits for a channel that is gone can be had by those in its place, on this chain alone.
        assert_eq!(memory.waiting().await.unwrap(), ["a", "b"]);
        memory.inherit("b", &["a", "c"]).await.unwrap();
        assert_eq!(memory.waiting().await.unwrap(), ["a", "c"]);
        assert_eq!(
            (pending(&memory, "a").await, pending(&memory, "c").await),
            (vec!["x".into(), "y".into()], vec!["x".into(), "y".into()])
        );
        // Another chain has nothing of it.
        let other = Memory::open(Some(&path), 2).await.unwrap();
        assert_eq!((other.looked().await.unwrap(), pending(&other, "c").await.len()), (None, 0));
        assert_eq!((other.scopes().await.unwrap(), other.latest(9).await.unwrap()), (vec![], vec![]));
        let latest: Vec<_> = memory.latest(1).await.unwrap().into_iter().map(|notice| notice.id).collect();
        assert_eq!(latest, ["y"]);
    }
}
