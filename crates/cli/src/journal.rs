//! The journal of what this machine has signed, in SQLite: it survives crashes of the program and of the machine.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use alloy::primitives::{Address, B256, Bytes};
use eyre::Result;
use levee::{
    Error, Intent, Journal, Purpose, RedactedError, clock,
    outbox::{Draft, Handover, IntentState, Signed, SignedState},
    scan::{Part, ScanStore},
};
use levee_model::Wei;
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use crate::{error::UserError, output::Output, state::StateFile};

/// Where it is.
const FILE: StateFile =
    StateFile { what: "the journal", name: "journal.db", option: "--journal", variable: "LEVEE_JOURNAL" };

/// How often to look whether another command has finished.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS intents (
    id INTEGER PRIMARY KEY,
    key TEXT UNIQUE,
    chain INTEGER NOT NULL,
    account TEXT NOT NULL,
    rescue TEXT,
    purpose TEXT NOT NULL,
    plan TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS transactions (
    hash TEXT PRIMARY KEY,
    intent INTEGER NOT NULL REFERENCES intents (id),
    step TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    fee_limit_wei TEXT NOT NULL,
    contracts TEXT NOT NULL,
    raw BLOB NOT NULL,
    signed_at INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS handovers (
    intent INTEGER NOT NULL REFERENCES intents (id),
    step TEXT NOT NULL,
    request TEXT NOT NULL,
    contracts TEXT NOT NULL,
    handed_at INTEGER NOT NULL,
    hash TEXT,
    UNIQUE (intent, step, request)
) STRICT;
CREATE TABLE IF NOT EXISTS names (
    chain INTEGER NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    resolved_at INTEGER NOT NULL,
    PRIMARY KEY (chain, name)
) STRICT;
CREATE TABLE IF NOT EXISTS scans (
    chain INTEGER NOT NULL,
    scan TEXT NOT NULL,
    first INTEGER NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (chain, scan, first)
) STRICT;
CREATE INDEX IF NOT EXISTS transactions_of_an_intent ON transactions (intent);
";

/// The journal.
#[derive(Debug, Clone)]
pub(crate) struct SqliteJournal {
    pool: SqlitePool,
    path: PathBuf,
}

/// The right to send from one account on one chain, which one process has at a time. It ends with the process.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Whether another process had it first.
    pub(crate) has_waited: bool,
    _file: File,
}

impl SqliteJournal {
    /// Opens the journal at `path`, or where the variable LEVEE_JOURNAL says, or in the user's state directory.
    pub(crate) async fn open(path: Option<&Path>) -> Result<Self> {
        let path = FILE.at(path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let failed = |error| FILE.failed(&path, error);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(failed)?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await.map_err(failed)?;
        Ok(Self { pool, path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the account's turn, once no other process has it.
    pub(crate) async fn turn(&self, chain: u64, account: Address, output: Output) -> Result<Turn> {
        let mut path = self.path.clone().into_os_string();
        path.push(format!("-{chain}-{account}.lock"));
        let file = File::create(&path)?;
        let mut has_waited = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Turn { has_waited, _file: file }),
                Err(TryLockError::WouldBlock) => {
                    if !has_waited {
                        output.note(&format!("another command is sending from {account}; waiting for it"));
                        has_waited = true;
                    }
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }

    /// What a name of ENS stood for when it was last accepted, and since when that is known.
    pub(crate) async fn name(&self, chain: u64, name: &str) -> Result<Option<(Address, u64)>, Error> {
        let select = sqlx::query("SELECT * FROM names WHERE chain = $1 AND name = $2");
        let row = select.bind(chain.cast_signed()).bind(name).fetch_optional(&self.pool).await;
        let known = |row| Ok((parsed(&row, "address")?, unsigned(&row, "resolved_at")?));
        row.map_err(failed)?.map(known).transpose()
    }

    /// Remembers what a name stands for.
    pub(crate) async fn remember_name(&self, chain: u64, name: &str, address: Address) -> Result<(), Error> {
        let insert = sqlx::query(
            "INSERT OR REPLACE INTO names (chain, name, address, resolved_at) VALUES ($1, $2, $3, $4)",
        );
        let insert = insert.bind(chain.cast_signed()).bind(name).bind(address.to_string());
        insert.bind(clock::now().cast_signed()).execute(&self.pool).await.map_err(failed)?;
        Ok(())
    }

    /// Keeps nothing any more of what was read of a chain's logs.
    pub(crate) async fn forget_scans(&self, chain: u64) -> Result<(), Error> {
        let delete = sqlx::query("DELETE FROM scans WHERE chain = $1").bind(chain.cast_signed());
        delete.execute(&self.pool).await.map_err(failed)?;
        Ok(())
    }

    /// All intents, the newest first.
    pub(crate) async fn intents(&self) -> Result<Vec<Intent>, Error> {
        let rows = sqlx::query("SELECT * FROM intents ORDER BY id DESC").fetch_all(&self.pool).await;
        rows.map_err(failed)?.iter().map(intent).collect()
    }

    /// The intent with a number.
    pub(crate) async fn intent(&self, id: i64) -> Result<Intent> {
        let row =
            sqlx::query("SELECT * FROM intents WHERE id = $1").bind(id).fetch_optional(&self.pool).await;
        match row.map_err(failed)? {
            Some(row) => Ok(intent(&row)?),
            None => Err(UserError::new(format!("the journal has no record {id}"))
                .hint("`levee journal list` shows them")
                .into()),
        }
    }
}

impl Journal for SqliteJournal {
    async fn begin(&self, draft: &Draft, plan: &[String]) -> Result<Intent, Error> {
        if let Some(key) = &draft.key
            && let Some(intent) = self.with_key(key).await?
        {
            return intent.if_of(draft);
        }
        let mut intent = Intent::new(0, draft.clone(), plan.to_vec());
        let row = sqlx::query(
            "INSERT INTO intents (key, chain, account, rescue, purpose, plan, recorded_at, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        )
        .bind(&draft.key)
        .bind(draft.chain.cast_signed())
        .bind(draft.account.to_string())
        .bind(draft.rescue.map(|rescue| rescue.to_string()))
        .bind(draft.purpose.to_string())
        .bind(serde_json::Value::from(plan.to_vec()).to_string())
        .bind(intent.recorded_at.cast_signed())
        .bind(intent.state.to_string())
        .fetch_one(&self.pool)
        .await
        .map_err(failed)?;
        intent.id = row.try_get("id").map_err(failed)?;
        Ok(intent)
    }

    async fn unfinished(&self, chain: u64, account: Address) -> Result<Vec<Intent>, Error> {
        let rows =
            sqlx::query("SELECT * FROM intents WHERE chain = $1 AND account = $2 AND state = $3 ORDER BY id")
                .bind(chain.cast_signed())
                .bind(account.to_string())
                .bind(IntentState::Unfinished.to_string())
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        rows.iter().map(intent).collect()
    }

    async fn with_key(&self, key: &str) -> Result<Option<Intent>, Error> {
        let row =
            sqlx::query("SELECT * FROM intents WHERE key = $1").bind(key).fetch_optional(&self.pool).await;
        row.map_err(failed)?.as_ref().map(intent).transpose()
    }

    async fn transactions(&self, intent: i64) -> Result<Vec<Signed>, Error> {
        let rows = sqlx::query("SELECT * FROM transactions WHERE intent = $1 ORDER BY rowid")
            .bind(intent)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(signed).collect()
    }

    async fn followed(&self, chain: u64, account: Address) -> Result<Vec<Signed>, Error> {
        let rows = sqlx::query(
            "SELECT transactions.* FROM transactions JOIN intents ON intents.id = transactions.intent
             WHERE chain = $1 AND account = $2 AND intents.state <> $3",
        )
        .bind(chain.cast_signed())
        .bind(account.to_string())
        .bind(IntentState::Forgotten.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.iter().map(signed).collect()
    }

    async fn record(&self, signed: &Signed) -> Result<(), Error> {
        let owner =
            sqlx::query("SELECT * FROM intents WHERE id = (SELECT intent FROM transactions WHERE hash = $1)")
                .bind(signed.hash.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        if let Some(owner) = owner {
            intent(&owner)?.gives_up(signed.hash)?;
        }
        let mut write = self.pool.begin().await.map_err(failed)?;
        sqlx::query(
            "INSERT OR REPLACE INTO transactions (hash, intent, step, nonce, fee_limit_wei, contracts, raw, signed_at, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(signed.hash.to_string())
        .bind(signed.intent)
        .bind(&signed.step)
        .bind(signed.nonce.cast_signed())
        .bind(signed.fee_limit.get().to_string())
        .bind(written(&signed.contracts))
        .bind(signed.raw.to_vec())
        .bind(signed.signed_at.cast_signed())
        .bind(signed.state.to_string())
        .execute(&mut *write)
        .await
        .map_err(failed)?;
        let settle = sqlx::query("DELETE FROM handovers WHERE intent = $1 AND step = $2");
        settle.bind(signed.intent).bind(&signed.step).execute(&mut *write).await.map_err(failed)?;
        write.commit().await.map_err(failed)
    }

    async fn hand_over(&self, handover: &Handover) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO handovers (intent, step, request, contracts, handed_at, hash)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO UPDATE SET handed_at = excluded.handed_at, hash = excluded.hash",
        )
        .bind(handover.intent)
        .bind(&handover.step)
        .bind(serde_json::to_string(&handover.request).map_err(unwritten)?)
        .bind(written(&handover.contracts))
        .bind(handover.handed_at.cast_signed())
        .bind(handover.transaction.map(|transaction| transaction.to_string()))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn handovers(&self, intent: i64) -> Result<Vec<Handover>, Error> {
        let rows = sqlx::query("SELECT * FROM handovers WHERE intent = $1 ORDER BY rowid")
            .bind(intent)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(handed_over).collect()
    }

    async fn unanswered(&self, chain: u64, account: Address) -> Result<Vec<Handover>, Error> {
        let rows = sqlx::query(
            "SELECT handovers.* FROM handovers JOIN intents ON intents.id = handovers.intent
             WHERE chain = $1 AND account = $2 AND state = $3 ORDER BY handovers.rowid",
        )
        .bind(chain.cast_signed())
        .bind(account.to_string())
        .bind(IntentState::Unfinished.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.iter().map(handed_over).collect()
    }

    async fn take_back(&self, handover: &Handover) -> Result<(), Error> {
        let delete = sqlx::query("DELETE FROM handovers WHERE intent = $1 AND step = $2 AND request = $3");
        let request = serde_json::to_string(&handover.request).map_err(unwritten)?;
        delete
            .bind(handover.intent)
            .bind(&handover.step)
            .bind(request)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn mark(&self, hash: B256, state: SignedState) -> Result<(), Error> {
        let update = sqlx::query("UPDATE transactions SET state = $1 WHERE hash = $2");
        update.bind(state.to_string()).bind(hash.to_string()).execute(&self.pool).await.map_err(failed)?;
        Ok(())
    }

    async fn close(&self, intent: i64, state: IntentState) -> Result<(), Error> {
        let update = sqlx::query("UPDATE intents SET state = $1 WHERE id = $2");
        update.bind(state.to_string()).bind(intent).execute(&self.pool).await.map_err(failed)?;
        Ok(())
    }
}

impl ScanStore for SqliteJournal {
    async fn parts(&self, chain: u64, scan: &str) -> Result<Vec<Part>, Error> {
        let select = sqlx::query("SELECT part FROM scans WHERE chain = $1 AND scan = $2 ORDER BY first");
        let rows = select.bind(chain.cast_signed()).bind(scan).fetch_all(&self.pool).await.map_err(failed)?;
        let part = |row: &SqliteRow| {
            let part: String = row.try_get("part").map_err(failed)?;
            serde_json::from_str(&part).map_err(unwritten)
        };
        rows.iter().map(part).collect()
    }

    async fn keep(&self, chain: u64, scan: &str, part: &Part) -> Result<(), Error> {
        let insert =
            sqlx::query("INSERT OR REPLACE INTO scans (chain, scan, first, part) VALUES ($1, $2, $3, $4)");
        let insert = insert.bind(chain.cast_signed()).bind(scan).bind(part.first.cast_signed());
        let part = serde_json::to_string(part).map_err(unwritten)?;
        insert.bind(part).execute(&self.pool).await.map_err(failed)?;
        Ok(())
    }

    async fn forget(&self, chain: u64, scan: &str) -> Result<(), Error> {
        let delete = sqlx::query("DELETE FROM scans WHERE chain = $1 AND scan = $2");
        delete.bind(chain.cast_signed()).bind(scan).execute(&self.pool).await.map_err(failed)?;
        Ok(())
    }
}

fn failed(error: sqlx::Error) -> Error {
    Error::Journal { source: RedactedError::new(error) }
}

fn unwritten(error: serde_json::Error) -> Error {
    Error::Journal { source: RedactedError::new(error) }
}

/// Addresses in one column.
fn written(contracts: &[Address]) -> String {
    contracts.iter().map(Address::to_string).collect::<Vec<_>>().join(" ")
}

/// The addresses of a column.
fn contracts(row: &SqliteRow) -> Result<Vec<Address>, Error> {
    let contracts: String = row.try_get("contracts").map_err(failed)?;
    contracts.split_whitespace().map(parse).collect()
}

fn intent(row: &SqliteRow) -> Result<Intent, Error> {
    let rescue: Option<String> = row.try_get("rescue").map_err(failed)?;
    let plan: String = row.try_get("plan").map_err(failed)?;
    Ok(Intent {
        id: row.try_get("id").map_err(failed)?,
        draft: Draft {
            chain: unsigned(row, "chain")?,
            account: parsed(row, "account")?,
            rescue: rescue.map(|rescue| parse(&rescue)).transpose()?,
            purpose: Purpose::new(row.try_get::<String, _>("purpose").map_err(failed)?),
            key: row.try_get("key").map_err(failed)?,
        },
        plan: serde_json::from_str(&plan).map_err(unwritten)?,
        recorded_at: unsigned(row, "recorded_at")?,
        state: parsed(row, "state")?,
    })
}

fn signed(row: &SqliteRow) -> Result<Signed, Error> {
    Ok(Signed {
        intent: row.try_get("intent").map_err(failed)?,
        step: row.try_get("step").map_err(failed)?,
        hash: parsed(row, "hash")?,
        nonce: unsigned(row, "nonce")?,
        fee_limit: Wei::new(parsed(row, "fee_limit_wei")?),
        contracts: contracts(row)?,
        raw: Bytes::from(row.try_get::<Vec<u8>, _>("raw").map_err(failed)?),
        signed_at: unsigned(row, "signed_at")?,
        state: parsed(row, "state")?,
    })
}

fn handed_over(row: &SqliteRow) -> Result<Handover, Error> {
    let request: String = row.try_get("request").map_err(failed)?;
    let transaction: Option<String> = row.try_get("hash").map_err(failed)?;
    Ok(Handover {
        intent: row.try_get("intent").map_err(failed)?,
        step: row.try_get("step").map_err(failed)?,
        request: serde_json::from_str(&request).map_err(unwritten)?,
        contracts: contracts(row)?,
        handed_at: unsigned(row, "handed_at")?,
        transaction: transaction.map(|transaction| parse(&transaction)).transpose()?,
    })
}

/// SQLite's integers are signed; ours are stored by their bits.
fn unsigned(row: &SqliteRow, column: &str) -> Result<u64, Error> {
    row.try_get::<i64, _>(column).map(i64::cast_unsigned).map_err(failed)
}

fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &SqliteRow,
    column: &str,
) -> Result<T, Error> {
    parse(&row.try_get::<String, _>(column).map_err(failed)?)
}

fn parse<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| Error::Journal { source: RedactedError::new(error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{network::TransactionBuilder as _, primitives::U256, rpc::types::TransactionRequest};
    use levee::MemoryJournal;

    const ACCOUNT: Address = Address::repeat_byte(1);

    fn draft(purpose: &str, key: Option<&str>) -> Draft {
        let rescue = Some(Address::repeat_byte(2));
        Draft {
            chain: u64::MAX,
            account: ACCOUNT,
            rescue,
            purpose: Purpose::new(purpose),
            key: key.map(Into::into),
        }
    }

    fn signed(intent: i64, step: &str, byte: u8) -> Signed {
        Signed {
            intent,
            step: step.into(),
            hash: B256::repeat_byte(byte),
            nonce: u64::from(byte),
            fee_limit: Wei::new(u128::MAX),
            contracts: vec![ACCOUNT, Address::repeat_byte(byte)],
            raw: vec![byte; 300].into(),
            signed_at: 7,
            state: SignedState::Pending,
        }
    }

    fn handover(intent: i64, step: &str, nonce: u64) -> Handover {
        let request = TransactionRequest { nonce: Some(nonce), from: Some(ACCOUNT), ..Default::default() };
        Handover {
            intent,
            step: step.into(),
            request: request.with_value(U256::MAX).with_input(vec![7; 300]),
            contracts: vec![ACCOUNT],
            handed_at: nonce,
            transaction: None,
        }
    }

    /// What a journal says of everything, without the numbers and times that it gives itself.
    async fn told(journal: &impl Journal) -> Vec<String> {
        let plan = ["approve".to_owned(), "pledge".to_owned()];
        let first = journal.begin(&draft("pledge amount=5 ETH", Some("a")), &plan).await.unwrap();
        let second = journal.begin(&draft("pledge amount=5 ETH", None), &plan[1..]).await.unwrap();
        let third = journal.begin(&draft("settle", None), &plan[1..]).await.unwrap();
        assert_eq!(journal.begin(&draft("pledge amount=5 ETH", Some("a")), &plan).await.unwrap(), first);
        let mut told = vec![format!("{:?}", journal.begin(&draft("settle", Some("a")), &plan).await)];
        for (intent, step, byte) in [(&first, "approve", 3), (&first, "pledge", 4), (&second, "pledge", 5)] {
            journal.record(&signed(intent.id, step, byte)).await.unwrap();
        }
        told.extend(told_of_handovers(journal, &second).await);
        journal.mark(B256::repeat_byte(3), SignedState::Included).await.unwrap();
        journal.mark(B256::repeat_byte(5), SignedState::Replaced).await.unwrap();
        journal.close(third.id, IntentState::Done).await.unwrap();
        // Signed again to the letter, which only a forgotten intent gives up.
        told.push(format!("{:?}", journal.record(&signed(third.id, "again", 4)).await));
        journal.close(first.id, IntentState::Forgotten).await.unwrap();
        journal.record(&signed(second.id, "again", 4)).await.unwrap();
        told.push(journal.followed(u64::MAX, ACCOUNT).await.unwrap().len().to_string());
        for intent in journal.unfinished(u64::MAX, ACCOUNT).await.unwrap() {
            told.push(format!("{:?} {:?} {}", intent.draft, intent.plan, intent.state));
            let mut transactions = journal.transactions(intent.id).await.unwrap();
            transactions.iter_mut().for_each(|signed| signed.intent = 0);
            transactions.sort_by_key(|signed| signed.nonce);
            told.extend(transactions.iter().map(|signed| format!("{signed:?}")));
        }
        told.push(format!("{:?}", journal.unfinished(1, ACCOUNT).await));
        told.push(format!("{:?}", journal.with_key("b").await));
        assert_eq!(journal.with_key("a").await.unwrap().map(|intent| intent.draft), Some(first.draft));
        told
    }

    /// Asked twice for one step, of which the second is answered and the first taken back; and settled by what was signed for
    /// another.
    async fn told_of_handovers(journal: &impl Journal, intent: &Intent) -> Vec<String> {
        let (first, second) = (handover(intent.id, "claim", 8), handover(intent.id, "claim", 9));
        let settled = handover(intent.id, "pledge", 5);
        for handover in [&first, &second, &settled] {
            journal.hand_over(handover).await.unwrap();
        }
        let answered = Handover { transaction: Some(B256::repeat_byte(9)), ..second };
        journal.hand_over(&answered).await.unwrap();
        assert_eq!(journal.unanswered(u64::MAX, ACCOUNT).await.unwrap().len(), 3);
        assert_eq!(journal.unanswered(1, ACCOUNT).await.unwrap(), []);
        journal.close(intent.id, IntentState::Forgotten).await.unwrap();
        assert_eq!(journal.unanswered(u64::MAX, ACCOUNT).await.unwrap(), []);
        journal.close(intent.id, IntentState::Unfinished).await.unwrap();
        assert_eq!(journal.handovers(intent.id).await.unwrap(), [first.clone(), answered.clone(), settled]);
        journal.take_back(&first).await.unwrap();
        journal.record(&signed(intent.id, "pledge", 6)).await.unwrap();
        let left = journal.handovers(intent.id).await.unwrap();
        assert_eq!((left.as_slice(), journal.handovers(0).await.unwrap()), (&[answered][..], vec![]));
        left.iter().map(|handover| format!("{:?}", handover.request)).collect()
    }

    #[tokio::test]
    async fn it_says_what_a_journal_in_memory_says_also_after_it_was_closed() {
        let expected = told(&MemoryJournal::default()).await;
        assert_eq!(expected.len(), 10, "{expected:#?}");
        assert!(expected[2].contains("TransactionTaken"), "{expected:#?}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.db");
        let journal = SqliteJournal::open(Some(&path)).await.unwrap();
        assert_eq!(told(&journal).await, expected);
        let intents = journal.intents().await.unwrap();
        assert_eq!(intents.iter().map(|intent| intent.id).collect::<Vec<_>>(), [3, 2, 1]);
        drop(journal);
        let journal = SqliteJournal::open(Some(&path)).await.unwrap();
        assert_eq!(journal.intents().await.unwrap(), intents);
        assert_eq!(journal.transactions(2).await.unwrap().len(), 3);
    }
}
