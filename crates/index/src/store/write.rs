use std::collections::BTreeMap;

use alloy::{primitives::Address, rpc::types::Log};
use levee::{
    Error,
    model::{Position, PositionId},
};
use sqlx::{Any, AssertSqlSafe, Transaction, any::AnyArguments, query::Query};

use super::units;
use crate::{
    contract::{self, Contract, Verdict},
    error::IndexError,
    indexer::Cursor,
    source::Header,
};

/// How many rows one statement inserts at most.
const ROWS: usize = 100;

/// One transaction on the rows of one chain. Dropped before it is committed, it leaves no trace.
pub(crate) struct Writer {
    pub(super) transaction: Transaction<'static, Any>,
    pub(super) chain: u64,
}

type Statement<'q> = Query<'q, Any, AnyArguments>;

/// An insertion of any number of rows.
struct Insert {
    /// Table and columns.
    into: &'static str,
    columns: usize,
    /// What to do about a row that is there; empty for an error.
    conflict: &'static str,
}

const HEADERS: Insert =
    Insert { into: "headers (chain, number, hash, parent, time)", columns: 5, conflict: "" };
const CONTRACTS: Insert =
    Insert { into: "contracts (chain, address, kind, rescue, block, counterfeit)", columns: 6, conflict: "" };
const LOGS: Insert = Insert {
    into: "logs (chain, address, block, log_index, block_hash, time, transaction_hash, topics, data)",
    columns: 9,
    conflict: "",
};
const POSITIONS: Insert = Insert {
    into: "positions (chain, rescue, pledger, tier, asset, amount, refunded, objected, departures)",
    columns: 9,
    conflict: "ON CONFLICT (chain, rescue, pledger, tier, asset) DO UPDATE SET amount = excluded.amount,
        refunded = excluded.refunded, objected = excluded.objected, departures = excluded.departures",
};

impl Insert {
    fn statement(&self, rows: usize) -> String {
        let row = |row: usize| {
            let values = (1..=self.columns).map(|column| format!("${}", row * self.columns + column));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        };
        let values = (0..rows).map(row).collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {} VALUES {values} {}", self.into, self.conflict)
    }
}

impl Writer {
    pub(super) const fn new(transaction: Transaction<'static, Any>, chain: u64) -> Self {
        Self { transaction, chain }
    }

    /// Moves the cursor from where it is expected to be. If it is elsewhere, because another writer came first, nothing may be
    /// written.
    ///
    /// The row stays locked until the end of the transaction, so that one writer at a time gets beyond this.
    pub(crate) async fn advance(&mut self, from: Option<Cursor>, to: Cursor) -> Result<bool, IndexError> {
        let statement = match from {
            Some(from) => sqlx::query(
                "UPDATE cursors SET number = $2, hash = $3, finalized = $4
                 WHERE chain = $1 AND number = $5 AND hash = $6",
            )
            .bind(self.chain.cast_signed())
            .bind(to.number.cast_signed())
            .bind(to.hash.to_vec())
            .bind(to.finalized.cast_signed())
            .bind(from.number.cast_signed())
            .bind(from.hash.to_vec()),
            None => sqlx::query(
                "INSERT INTO cursors (chain, number, hash, finalized, first, rules)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            )
            .bind(self.chain.cast_signed())
            .bind(to.number.cast_signed())
            .bind(to.hash.to_vec())
            .bind(to.finalized.cast_signed())
            .bind(to.first.cast_signed())
            .bind(contract::rules().to_vec()),
        };
        let done = statement.execute(&mut *self.transaction).await.map_err(IndexError::failed)?;
        Ok(done.rows_affected() == 1)
    }

    /// Adds headers.
    pub(crate) async fn add_headers(&mut self, headers: &[Header]) -> Result<(), IndexError> {
        let chain = self.chain.cast_signed();
        let bind = |statement: Statement<'static>, header: &Header| {
            let statement = statement.bind(chain).bind(header.number.cast_signed());
            let statement = statement.bind(header.hash.to_vec()).bind(header.parent.to_vec());
            Ok(statement.bind(header.time.cast_signed()))
        };
        self.insert(&HEADERS, headers, bind).await
    }

    /// Adds contracts.
    pub(crate) async fn add_contracts(&mut self, contracts: &[Contract]) -> Result<(), IndexError> {
        let chain = self.chain.cast_signed();
        let bind = |statement: Statement<'static>, contract: &Contract| {
            let counterfeit: &'static str = match contract.verdict {
                Verdict::Genuine => "",
                Verdict::Counterfeit(reason) => reason.into(),
            };
            let kind: &'static str = contract.kind.into();
            let statement = statement.bind(chain).bind(contract.address.to_vec()).bind(kind);
            let statement = statement.bind(contract.rescue.to_vec()).bind(contract.block.cast_signed());
            Ok(statement.bind(counterfeit))
        };
        self.insert(&CONTRACTS, contracts, bind).await
    }

    /// Adds logs.
    pub(crate) async fn add_logs(&mut self, logs: &[Log]) -> Result<(), IndexError> {
        let chain = self.chain.cast_signed();
        self.insert(&LOGS, logs, |statement, log| {
            let placed = || Some((log.block_number?, log.log_index?, log.block_timestamp?));
            let (number, index, time) = placed().ok_or(Error::Malformed { what: "a log" })?;
            let hashes = || Some((log.block_hash?, log.transaction_hash?));
            let (block, transaction) = hashes().ok_or(Error::Malformed { what: "a log" })?;
            let topics: Vec<u8> = log.topics().iter().flatten().copied().collect();
            let statement = statement.bind(chain).bind(log.address().to_vec()).bind(number.cast_signed());
            let statement = statement.bind(index.cast_signed()).bind(block.to_vec()).bind(time.cast_signed());
            Ok(statement.bind(transaction.to_vec()).bind(topics).bind(log.data().data.to_vec()))
        })
        .await
    }

    /// Writes positions, and removes those that never were.
    pub(crate) async fn put_positions(
        &mut self,
        positions: &BTreeMap<(Address, PositionId), Position>,
    ) -> Result<(), IndexError> {
        let chain = self.chain.cast_signed();
        // Nothing can be pledged into a position and leave no trace in it.
        let (known, unknown): (Vec<_>, Vec<_>) =
            positions.iter().partition(|&(_, &position)| position != Position::default());
        for ((rescue, id), _) in unknown {
            let delete = sqlx::query(
                "DELETE FROM positions
                 WHERE chain = $1 AND rescue = $2 AND pledger = $3 AND tier = $4 AND asset = $5",
            );
            let delete = delete.bind(chain).bind(rescue.to_vec()).bind(id.pledger.to_vec());
            let delete = delete.bind(i64::from(id.tier)).bind(id.asset as i64);
            delete.execute(&mut *self.transaction).await.map_err(IndexError::failed)?;
        }
        self.insert(&POSITIONS, &known, |statement, ((rescue, id), position)| {
            let statement = statement.bind(chain).bind(rescue.to_vec()).bind(id.pledger.to_vec());
            let statement = statement.bind(i64::from(id.tier)).bind(id.asset as i64);
            let statement = statement.bind(units(position.amount)).bind(units(position.refunded));
            Ok(statement.bind(i64::from(position.objected)).bind(i64::from(position.departures)))
        })
        .await
    }

    /// Removes all that was written of the blocks above `number`, except positions of rescues that stay.
    pub(crate) async fn remove_above(&mut self, number: u64) -> Result<(), IndexError> {
        for delete in [
            "DELETE FROM logs WHERE chain = $1 AND block > $2
             AND address IN (SELECT address FROM contracts WHERE chain = $1)",
            "DELETE FROM positions WHERE chain = $1
             AND rescue IN (SELECT address FROM contracts WHERE chain = $1 AND block > $2)",
            "DELETE FROM contracts WHERE chain = $1 AND block > $2",
            "DELETE FROM headers WHERE chain = $1 AND number > $2",
        ] {
            self.remove(delete, number).await?;
        }
        Ok(())
    }

    /// Removes the headers below `number`, which is final.
    pub(crate) async fn remove_headers_below(&mut self, number: u64) -> Result<(), IndexError> {
        self.remove("DELETE FROM headers WHERE chain = $1 AND number < $2", number).await
    }

    /// Makes everything since the begin durable and visible to others.
    pub(crate) async fn commit(self) -> Result<(), IndexError> {
        self.transaction.commit().await.map_err(IndexError::failed)
    }

    async fn remove(&mut self, delete: &'static str, number: u64) -> Result<(), IndexError> {
        let delete = sqlx::query(delete).bind(self.chain.cast_signed()).bind(number.cast_signed());
        delete.execute(&mut *self.transaction).await.map_err(IndexError::failed)?;
        Ok(())
    }

    async fn insert<T>(
        &mut self,
        into: &Insert,
        rows: &[T],
        bind: impl Fn(Statement<'static>, &T) -> Result<Statement<'static>, IndexError>,
    ) -> Result<(), IndexError> {
        for rows in rows.chunks(ROWS) {
            let statement = sqlx::query(AssertSqlSafe(into.statement(rows.len())));
            let statement = rows.iter().try_fold(statement, &bind)?;
            statement.execute(&mut *self.transaction).await.map_err(IndexError::failed)?;
        }
        Ok(())
    }
}
