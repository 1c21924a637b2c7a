use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    primitives::{Address, B256, Bytes, Log as Inner, LogData},
    rpc::types::Log,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use levee::{
    Block, Entry, Error, Event, History,
    compact::CompactHistory,
    model::{Position, PositionId, Rescue, RescueEvent},
};
use sqlx::{
    AnyConnection, Column as _, Row as _, ValueRef as _,
    any::{AnyRow, AnyTypeInfoKind},
};

use super::{PositionRow, Store, Writer, address, amount, asset, blob, damaged, hash, narrow, unsigned};
use crate::{
    books::Folded,
    contract::{Contract, Counterfeit, Kind, Verdict},
    error::IndexError,
    indexer::Cursor,
    source::Header,
};

const LOGS_OF_A_CONTRACT: &str =
    "SELECT * FROM logs WHERE chain = $1 AND address = $2 ORDER BY block, log_index";

impl Store {
    /// How far the index of a chain has come; none if it has not begun.
    ///
    /// # Errors
    /// [`IndexError::StoreFailed`], [`IndexError::StoreDamaged`].
    pub async fn cursor(&self, chain: u64) -> Result<Option<Cursor>, IndexError> {
        cursor(&mut *self.reader().await?, chain).await
    }

    /// All contracts that the index of a chain knows, by address.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn contracts(&self, chain: u64) -> Result<Vec<Contract>, IndexError> {
        contracts(&mut *self.reader().await?, chain).await
    }

    /// The rescues of a chain, in the order of their blocks; the counterfeits too, which are told by their verdict.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn rescues(&self, chain: u64) -> Result<Vec<Contract>, IndexError> {
        let mut contracts = self.contracts(chain).await?;
        contracts.retain(|contract| contract.kind == Kind::Rescue);
        contracts.sort_by_key(|contract| (contract.block, contract.address));
        Ok(contracts)
    }

    /// The compacts of a chain, in the order of their blocks; the counterfeits too, which are told by their verdict.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn compacts(&self, chain: u64) -> Result<Vec<Contract>, IndexError> {
        let mut contracts = self.contracts(chain).await?;
        contracts.retain(|contract| contract.kind == Kind::Compact);
        contracts.sort_by_key(|contract| (contract.block, contract.address));
        Ok(contracts)
    }

    /// Everything that happened in a compact up to the cursor's block; none if the index has no genuine compact there.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor); [`IndexError::CompactBroken`].
    pub async fn compact(&self, chain: u64, compact: Address) -> Result<Option<CompactHistory>, IndexError> {
        let mut reader = self.reader().await?;
        match cursor(&mut reader, chain).await? {
            Some(cursor) => compact_history(&mut reader, chain, cursor, compact).await,
            None => Ok(None),
        }
    }

    /// The same where the cursor is expected to be; none also if it is elsewhere by now.
    ///
    /// # Errors
    /// Like [`compact`](Self::compact).
    pub async fn compact_at(
        &self,
        chain: u64,
        at: Cursor,
        compact: Address,
    ) -> Result<Option<CompactHistory>, IndexError> {
        match self.reader_at(chain, Some(at)).await? {
            Some(mut reader) => compact_history(&mut reader, chain, at, compact).await,
            None => Ok(None),
        }
    }

    /// The chains of which there is an index.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn chains(&self) -> Result<Vec<u64>, IndexError> {
        let select = sqlx::query("SELECT chain FROM cursors ORDER BY chain");
        let rows = select.fetch_all(&self.pool).await.map_err(IndexError::failed)?;
        rows.iter().map(|row| unsigned(row, "chain")).collect()
    }

    /// Everything that happened in a rescue and its pools up to the cursor's block; none if the index has no genuine rescue there.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor); [`IndexError::HistoryBroken`].
    pub async fn history(&self, chain: u64, rescue: Address) -> Result<Option<History>, IndexError> {
        let mut reader = self.reader().await?;
        match cursor(&mut reader, chain).await? {
            Some(cursor) => history(&mut reader, chain, cursor, rescue).await,
            None => Ok(None),
        }
    }

    /// The same where the cursor is expected to be; none also if it is elsewhere by now.
    ///
    /// # Errors
    /// Like [`history`](Self::history).
    pub async fn history_at(
        &self,
        chain: u64,
        at: Cursor,
        rescue: Address,
    ) -> Result<Option<History>, IndexError> {
        match self.reader_at(chain, Some(at)).await? {
            Some(mut reader) => history(&mut reader, chain, at, rescue).await,
            None => Ok(None),
        }
    }

    /// Where the index of a chain is, and what has changed since it was at `since`; none if it is still there, or has not begun.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn look(&self, chain: u64, since: Option<Cursor>) -> Result<Option<Look>, IndexError> {
        let mut reader = self.reader().await?;
        let Some(cursor) = cursor(&mut reader, chain).await?.filter(|found| Some(*found) != since) else {
            return Ok(None);
        };
        let block = block(&mut reader, chain, cursor).await?;
        let contracts = contracts(&mut reader, chain).await?;
        let changed = match since {
            Some(since) if follows(&mut reader, chain, since).await? => {
                Some(changed_above(&mut reader, chain, since.number).await?)
            }
            _ => None,
        };
        let has_declarations =
            changed.as_ref().is_some_and(|changed| changed.contains(&Contract::board().address));
        let declared = match since.filter(|_| has_declarations) {
            Some(since) => declared_above(&mut reader, chain, since.number).await?,
            None => BTreeSet::new(),
        };
        Ok(Some(Look { cursor, block, contracts, changed, declared }))
    }

    /// The declarations for a rescue above a block, in the order of the chain, where the cursor is expected to be; none if it is elsewhere by
    /// now. Anyone can declare for anything, so only those of one rescue are read.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn declarations_at(
        &self,
        chain: u64,
        at: Cursor,
        rescue: Address,
        above: Option<u64>,
    ) -> Result<Option<Vec<Entry>>, IndexError> {
        let Some(mut reader) = self.reader_at(chain, Some(at)).await? else { return Ok(None) };
        let select = sqlx::query(
            "SELECT * FROM logs WHERE chain = $1 AND address = $2 AND block > $3 AND substr(topics, 65, 32) = $4
             ORDER BY block, log_index",
        );
        // Block 0 has no logs.
        let select = select.bind(chain.cast_signed()).bind(Contract::board().address.to_vec());
        let select = select.bind(above.unwrap_or_default().cast_signed()).bind(rescue.into_word().to_vec());
        let rows = select.fetch(&mut *reader);
        rows.map(|row| entry(&row.map_err(IndexError::failed)?)).try_collect().await.map(Some)
    }

    /// All declarations on the board, in the order of the chain.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn declarations(&self, chain: u64) -> Result<Vec<Entry>, IndexError> {
        let select = sqlx::query(LOGS_OF_A_CONTRACT).bind(chain.cast_signed());
        let select = select.bind(Contract::board().address.to_vec());
        let rows = select.fetch(&self.pool);
        rows.map(|row| entry(&row.map_err(IndexError::failed)?)).try_collect().await
    }

    /// What the events of a rescue add up to.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor); [`IndexError::HistoryBroken`].
    pub async fn rescue(&self, chain: u64, rescue: Address) -> Result<Rescue, IndexError> {
        fold(&mut *self.reader().await?, chain, rescue).await?.whole(rescue)
    }

    /// Where the latest log of a contract is; none if there is none. The hash of a block stands for all blocks before it, so where two
    /// of these are the same, the logs are.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn latest_log(&self, chain: u64, contract: Address) -> Result<Option<LogPlace>, IndexError> {
        let select = sqlx::query(
            "SELECT * FROM logs WHERE chain = $1 AND address = $2
             ORDER BY block DESC, log_index DESC LIMIT 1",
        );
        let select = select.bind(chain.cast_signed()).bind(contract.to_vec());
        let row = select.fetch_optional(&self.pool).await.map_err(IndexError::failed)?;
        let place = |row: AnyRow| {
            Ok(LogPlace { block_hash: hash(&row, "block_hash")?, log_index: unsigned(&row, "log_index")? })
        };
        row.map(place).transpose()
    }

    /// The positions in a rescue, by pledger, tier and asset.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn positions(&self, chain: u64, rescue: Address) -> Result<Vec<PositionRow>, IndexError> {
        let select = sqlx::query(
            "SELECT * FROM positions WHERE chain = $1 AND rescue = $2 ORDER BY pledger, tier, asset",
        );
        let rows = select.bind(chain.cast_signed()).bind(rescue.to_vec()).fetch(&self.pool);
        rows.map(|row| position(&row.map_err(IndexError::failed)?)).try_collect().await
    }

    /// The headers of the blocks that are not final yet, and of the cursor's, the latest first.
    ///
    /// # Errors
    /// Like [`cursor`](Self::cursor).
    pub async fn headers(&self, chain: u64) -> Result<Vec<Header>, IndexError> {
        let select = sqlx::query("SELECT * FROM headers WHERE chain = $1 ORDER BY number DESC");
        let rows =
            select.bind(chain.cast_signed()).fetch_all(&self.pool).await.map_err(IndexError::failed)?;
        rows.iter().map(header).collect()
    }
}

impl Writer {
    /// The positions that logs above a block have changed.
    pub(crate) async fn positions_above(
        &mut self,
        number: u64,
    ) -> Result<BTreeSet<(Address, PositionId)>, IndexError> {
        let select = sqlx::query(
            "SELECT * FROM logs WHERE chain = $1 AND block > $2
             AND address IN (SELECT address FROM contracts WHERE chain = $1 AND address = rescue)",
        );
        let select = select.bind(self.chain.cast_signed()).bind(number.cast_signed());
        let rows = select.fetch(&mut *self.transaction);
        let changed = rows.map(|row| {
            let log = log(&row.map_err(IndexError::failed)?)?;
            let event = Event::decode(&log.inner)?;
            Ok(event.of_rescue().and_then(RescueEvent::position).map(|id| (log.address(), id)))
        });
        changed.try_filter_map(async |changed| Ok(changed)).try_collect().await
    }

    /// Writes again the positions that were changed, as they are by the logs that are left.
    pub(crate) async fn restore_positions(
        &mut self,
        changed: &BTreeSet<(Address, PositionId)>,
    ) -> Result<(), IndexError> {
        let mut positions = BTreeMap::new();
        let (mut of, mut folded) = (Address::ZERO, Folded::default());
        for &(address, id) in changed {
            if of != address {
                (of, folded) = (address, fold(&mut self.transaction, self.chain, address).await?);
            }
            positions.insert((address, id), folded.position(id));
        }
        self.put_positions(&positions).await
    }
}

/// A table whose rows two stores of one chain have alike.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Table {
    Contracts,
    Logs,
    Positions,
}

/// Where a log is in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    /// The hash of its block.
    pub block_hash: B256,
    /// Its place among the logs of the block.
    pub log_index: u64,
}

/// Where the index of a chain is.
#[derive(Debug)]
pub struct Look {
    /// How far it has come.
    pub cursor: Cursor,
    /// The cursor's block.
    pub block: Block,
    /// All contracts that it knows, by address.
    pub contracts: Vec<Contract>,
    /// The contracts with new logs; none if it is not known what has changed, such as after the chain dropped blocks.
    pub changed: Option<BTreeSet<Address>>,
    /// What new declarations are for, if it is known what has changed: anything, since anyone can declare.
    pub declared: BTreeSet<Address>,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Number(i64),
    Bytes(Vec<u8>),
    Text(String),
}

/// The columns of a row, in order.
pub(crate) type Columns = Vec<(String, Value)>;

impl Table {
    pub(crate) const ALL: [Self; 3] = [Self::Contracts, Self::Logs, Self::Positions];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Contracts => "contracts",
            Self::Logs => "logs",
            Self::Positions => "positions",
        }
    }

    /// How many columns identify a row, the first ones.
    pub(crate) const fn key(self) -> usize {
        match self {
            Self::Contracts => 2,
            Self::Logs => 4,
            Self::Positions => 5,
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::Contracts => "SELECT * FROM contracts WHERE chain = $1 ORDER BY address",
            Self::Logs => "SELECT * FROM logs WHERE chain = $1 ORDER BY address, block, log_index",
            Self::Positions => {
                "SELECT * FROM positions WHERE chain = $1 ORDER BY rescue, pledger, tier, asset"
            }
        }
    }

    /// All rows, by their key.
    pub(crate) fn rows(
        self,
        connection: &mut AnyConnection,
        chain: u64,
    ) -> BoxStream<'_, Result<Columns, IndexError>> {
        let rows = sqlx::query(self.select()).bind(chain.cast_signed()).fetch(connection);
        rows.map(|row| columns(&row.map_err(IndexError::failed)?)).boxed()
    }
}

/// What the index of a chain was made by; none if it has not begun, or was made before this was kept.
pub(crate) async fn rules(connection: &mut AnyConnection, chain: u64) -> Result<Option<B256>, IndexError> {
    let select = sqlx::query("SELECT rules FROM cursors WHERE chain = $1 AND rules IS NOT NULL");
    let row =
        select.bind(chain.cast_signed()).fetch_optional(connection).await.map_err(IndexError::failed)?;
    row.map(|row| hash(&row, "rules")).transpose()
}

/// How far the index of a chain has come.
pub(super) async fn cursor(connection: &mut AnyConnection, chain: u64) -> Result<Option<Cursor>, IndexError> {
    let select = sqlx::query("SELECT * FROM cursors WHERE chain = $1").bind(chain.cast_signed());
    let row = select.fetch_optional(connection).await.map_err(IndexError::failed)?;
    let cursor = |row: AnyRow| {
        Ok(Cursor {
            first: unsigned(&row, "first")?,
            number: unsigned(&row, "number")?,
            hash: hash(&row, "hash")?,
            finalized: unsigned(&row, "finalized")?,
        })
    };
    row.map(cursor).transpose()
}

/// The cursor's block.
async fn block(connection: &mut AnyConnection, chain: u64, cursor: Cursor) -> Result<Block, IndexError> {
    let missing = IndexError::StoreDamaged { what: "a latest block" };
    let header = header_at(connection, chain, cursor.number).await?.ok_or(missing)?;
    let Header { number, parent, time, .. } = header;
    Ok(Block { number, parent_hash: parent, time })
}

async fn header_at(
    connection: &mut AnyConnection,
    chain: u64,
    number: u64,
) -> Result<Option<Header>, IndexError> {
    let select = sqlx::query("SELECT * FROM headers WHERE chain = $1 AND number = $2");
    let select = select.bind(chain.cast_signed()).bind(number.cast_signed());
    let row = select.fetch_optional(connection).await.map_err(IndexError::failed)?;
    row.as_ref().map(header).transpose()
}

/// Whether the block of an earlier cursor is surely still in the index: it was final then, or is still kept.
async fn follows(connection: &mut AnyConnection, chain: u64, earlier: Cursor) -> Result<bool, IndexError> {
    let kept = header_at(connection, chain, earlier.number).await?;
    Ok(earlier.number <= earlier.finalized || kept.is_some_and(|header| header.hash == earlier.hash))
}

/// The contracts that have logs above a block.
async fn changed_above(
    connection: &mut AnyConnection,
    chain: u64,
    number: u64,
) -> Result<BTreeSet<Address>, IndexError> {
    // By contract, because that is how logs are sorted.
    let select = sqlx::query(
        "SELECT address FROM contracts WHERE chain = $1 AND EXISTS (
             SELECT 1 FROM logs WHERE logs.chain = contracts.chain AND logs.address = contracts.address AND logs.block > $2
         )",
    );
    let select = select.bind(chain.cast_signed()).bind(number.cast_signed());
    let rows = select.fetch_all(connection).await.map_err(IndexError::failed)?;
    rows.iter().map(|row| address(row, "address")).collect()
}

/// What declarations above a block are for. Whatever else the board logs has fewer topics.
async fn declared_above(
    connection: &mut AnyConnection,
    chain: u64,
    number: u64,
) -> Result<BTreeSet<Address>, IndexError> {
    let select = sqlx::query(
        "SELECT DISTINCT substr(topics, 65, 32) AS subject FROM logs
         WHERE chain = $1 AND address = $2 AND block > $3 AND length(topics) = 96",
    );
    let select = select.bind(chain.cast_signed()).bind(Contract::board().address.to_vec());
    let rows = select.bind(number.cast_signed()).fetch_all(connection).await.map_err(IndexError::failed)?;
    rows.iter().map(|row| Ok(Address::from_word(hash(row, "subject")?))).collect()
}

/// Everything that happened in a rescue and its pools up to the cursor's block.
async fn history(
    connection: &mut AnyConnection,
    chain: u64,
    cursor: Cursor,
    rescue: Address,
) -> Result<Option<History>, IndexError> {
    let entries = entries(connection, chain, rescue).await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let block = block(connection, chain, cursor).await?;
    let history = History::of(chain, block, rescue, entries);
    if matches!(history, Err(Error::BrokenHistory(_))) {
        // Told with its place.
        fold(connection, chain, rescue).await?.whole(rescue)?;
    }
    Ok(Some(history?))
}

/// Everything that happened in a compact up to the cursor's block.
async fn compact_history(
    connection: &mut AnyConnection,
    chain: u64,
    cursor: Cursor,
    address: Address,
) -> Result<Option<CompactHistory>, IndexError> {
    let select = sqlx::query(
        "SELECT * FROM logs WHERE chain = $1
         AND address IN (SELECT address FROM contracts WHERE chain = $1 AND address = $2 AND kind = 'compact')
         ORDER BY block, log_index",
    );
    let rows = select.bind(chain.cast_signed()).bind(address.to_vec()).fetch(&mut *connection);
    let entries: Vec<_> = rows.map(|row| entry(&row.map_err(IndexError::failed)?)).try_collect().await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let mut folded = Folded::default();
    entries.iter().try_for_each(|entry| folded.add(address, entry).map(drop))?;
    let compact = folded.whole_compact(address)?;
    let block = block(connection, chain, cursor).await?;
    Ok(Some(CompactHistory { chain, block, entries, compact }))
}

/// All contracts that the index of a chain knows, by address.
pub(crate) async fn contracts(
    connection: &mut AnyConnection,
    chain: u64,
) -> Result<Vec<Contract>, IndexError> {
    let select = sqlx::query("SELECT * FROM contracts WHERE chain = $1 ORDER BY address");
    let rows = select.bind(chain.cast_signed()).fetch_all(connection).await.map_err(IndexError::failed)?;
    rows.iter().map(contract).collect()
}

/// All events of a rescue and its pools, in the order of the chain.
async fn entries(
    connection: &mut AnyConnection,
    chain: u64,
    rescue: Address,
) -> Result<Vec<Entry>, IndexError> {
    let select = sqlx::query(
        "SELECT * FROM logs WHERE chain = $1
         AND address IN (SELECT address FROM contracts WHERE chain = $1 AND rescue = $2)
         ORDER BY block, log_index",
    );
    let rows = select.bind(chain.cast_signed()).bind(rescue.to_vec()).fetch(connection);
    rows.map(|row| entry(&row.map_err(IndexError::failed)?)).try_collect().await
}

/// What the events of a rescue or a compact add up to.
pub(crate) async fn fold(
    connection: &mut AnyConnection,
    chain: u64,
    address: Address,
) -> Result<Folded, IndexError> {
    let select = sqlx::query(LOGS_OF_A_CONTRACT).bind(chain.cast_signed()).bind(address.to_vec());
    let mut rows = select.fetch(connection);
    let mut folded = Folded::default();
    while let Some(row) = rows.try_next().await.map_err(IndexError::failed)? {
        folded.add(address, &entry(&row)?)?;
    }
    Ok(folded)
}

// --------------------------------------------------------------------------------------------------- rows

fn columns(row: &AnyRow) -> Result<Columns, IndexError> {
    let value = |place: usize| match row.try_get_raw(place)?.type_info().kind() {
        AnyTypeInfoKind::Blob => row.try_get(place).map(Value::Bytes),
        AnyTypeInfoKind::Text => row.try_get(place).map(Value::Text),
        _ => row.try_get(place).map(Value::Number),
    };
    let columns = row.columns().iter().map(|column| {
        let value = value(column.ordinal()).map_err(IndexError::failed)?;
        Ok((column.name().to_owned(), value))
    });
    columns.collect()
}

fn contract(row: &AnyRow) -> Result<Contract, IndexError> {
    let text = |column| row.try_get::<String, _>(column).map_err(IndexError::failed);
    let counterfeit = text("counterfeit")?;
    let verdict = match counterfeit.as_str() {
        "" => Verdict::Genuine,
        reason => Verdict::Counterfeit(damaged(reason.parse::<Counterfeit>(), "a verdict")?),
    };
    Ok(Contract {
        address: address(row, "address")?,
        kind: damaged(text("kind")?.parse(), "a kind of contract")?,
        rescue: address(row, "rescue")?,
        block: unsigned(row, "block")?,
        verdict,
    })
}

fn header(row: &AnyRow) -> Result<Header, IndexError> {
    Ok(Header {
        number: unsigned(row, "number")?,
        hash: hash(row, "hash")?,
        parent: hash(row, "parent")?,
        time: unsigned(row, "time")?,
    })
}

fn position(row: &AnyRow) -> Result<PositionRow, IndexError> {
    let id = PositionId { pledger: address(row, "pledger")?, tier: narrow(row, "tier")?, asset: asset(row)? };
    let position = Position {
        amount: amount(row, "amount")?,
        refunded: amount(row, "refunded")?,
        objected: unsigned(row, "objected")? != 0,
        departures: narrow(row, "departures")?,
    };
    Ok(PositionRow { rescue: address(row, "rescue")?, id, position })
}

fn log(row: &AnyRow) -> Result<Log, IndexError> {
    let topics = blob(row, "topics")?.chunks(32).map(B256::try_from).collect::<Result<Vec<_>, _>>();
    let topics = damaged(topics, "topics")?;
    let data = LogData::new(topics, Bytes::from(blob(row, "data")?));
    let data = data.ok_or(IndexError::StoreDamaged { what: "topics" })?;
    Ok(Log {
        inner: Inner { address: address(row, "address")?, data },
        block_hash: Some(hash(row, "block_hash")?),
        block_number: Some(unsigned(row, "block")?),
        block_timestamp: Some(unsigned(row, "time")?),
        transaction_hash: Some(hash(row, "transaction_hash")?),
        log_index: Some(unsigned(row, "log_index")?),
        ..Log::default()
    })
}

fn entry(row: &AnyRow) -> Result<Entry, IndexError> {
    Ok(Entry::try_from(&log(row)?)?)
}
