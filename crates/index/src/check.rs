//! Whether an index is right: compared with another one of the same blocks, and with what the contracts say.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use alloy::{
    eips::BlockId,
    primitives::{Address, hex},
    providers::Provider,
};
use futures_util::TryStreamExt as _;
use levee::{History, Query, Snapshot, compact, model::PositionId};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    contract::Verdict,
    error::IndexError,
    indexer::Cursor,
    store::{Columns, Store, Table, Value},
};

/// Something on which the index and what it is compared with do not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Difference {
    /// What it is about: a row of a table, or a value of a rescue.
    pub what: String,
    /// What the index has; none if it lacks it.
    pub index: Option<String>,
    /// What it should have; none if it should not have it.
    pub chain: Option<String>,
}

/// Compares the rows of an index with those of another index of the same blocks, and tells `found` of each difference.
///
/// # Errors
/// [`IndexError::StoreFailed`].
pub async fn differences(
    index: &Store,
    fresh: &Store,
    chain: u64,
    mut found: impl FnMut(Difference),
) -> Result<(), IndexError> {
    for table in Table::ALL {
        let (mut left, mut right) = (index.reader().await?, fresh.reader().await?);
        let (mut left, mut right) = (table.rows(&mut left, chain), table.rows(&mut right, chain));
        let (mut ours, mut theirs) = (left.try_next().await?, right.try_next().await?);
        loop {
            let order = match (&ours, &theirs) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(ours), Some(theirs)) => key(table, ours).cmp(key(table, theirs)),
            };
            let our = if order.is_le() { ours.take() } else { None };
            let their = if order.is_ge() { theirs.take() } else { None };
            ours = if our.is_some() { left.try_next().await? } else { ours };
            theirs = if their.is_some() { right.try_next().await? } else { theirs };
            if our != their {
                found(of_rows(table, our.as_ref(), their.as_ref()));
            }
        }
    }
    Ok(())
}

fn key(table: Table, row: &Columns) -> &[(String, Value)] {
    &row[..table.key()]
}

fn of_rows(table: Table, index: Option<&Columns>, chain: Option<&Columns>) -> Difference {
    let places = index.or(chain).map(|row| text(key(table, row))).unwrap_or_default();
    let differing = |row: &Columns, other: Option<&Columns>| {
        let is_other = |column: &&(String, Value)| other.is_none_or(|other| !other.contains(column));
        text(&row.iter().skip(table.key()).filter(is_other).cloned().collect::<Vec<_>>())
    };
    Difference {
        what: format!("{} {places}", table.name()),
        index: index.map(|row| differing(row, chain)),
        chain: chain.map(|row| differing(row, index)),
    }
}

fn text(columns: &[(String, Value)]) -> String {
    let column = |(name, value): &(String, Value)| match value {
        Value::Number(number) => format!("{name}={}", number.cast_unsigned()),
        Value::Bytes(bytes) => format!("{name}={}", hex::encode_prefixed(bytes)),
        Value::Text(text) => format!("{name}={text}"),
    };
    columns.iter().map(column).collect::<Vec<_>>().join(" ")
}

/// Compares all rescues and compacts of an index with the views of their contracts at the cursor's block, to the wei, and tells `found` of
/// each difference. The node must still have the state of that block.
///
/// # Errors
/// Any [`IndexError`] but those of opening a store.
pub async fn differences_from_views(
    index: &Store,
    provider: &impl Provider,
    chain: u64,
    mut found: impl FnMut(Difference),
) -> Result<(), IndexError> {
    let Some(cursor) = index.cursor(chain).await? else { return Ok(()) };
    let rescues = index.rescues(chain).await?;
    for rescue in rescues.into_iter().filter(|rescue| rescue.verdict == Verdict::Genuine) {
        let history = match index.history(chain, rescue.address).await {
            Ok(Some(history)) => history,
            Ok(None) => continue,
            Err(error @ IndexError::HistoryBroken { .. }) => {
                let what = format!("rescue {}: logs", rescue.address);
                found(Difference { what, index: Some(error.to_string()), chain: None });
                continue;
            }
            Err(error) => return Err(error),
        };
        let views = Views { provider, block: BlockId::hash(cursor.hash), history };
        views.compare(&mut found).await?;
        views.compare_rows(index, &mut found).await?;
    }
    for compact in index.compacts(chain).await?.into_iter().filter(|one| one.verdict == Verdict::Genuine) {
        compare_compact(index, provider, (chain, cursor), compact.address, &mut found).await?;
    }
    Ok(())
}

/// Compares what the logs of a compact add up to with its views, and every vote.
async fn compare_compact(
    index: &Store,
    provider: &impl Provider,
    (chain, cursor): (u64, Cursor),
    address: Address,
    found: &mut impl FnMut(Difference),
) -> Result<(), IndexError> {
    let what = |of: &str| format!("compact {address}: {of}");
    let compact = match index.compact(chain, address).await {
        Ok(Some(history)) => history.compact,
        Ok(None) => return Ok(()),
        Err(error @ IndexError::CompactBroken { .. }) => {
            found(Difference { what: what("logs"), index: Some(error.to_string()), chain: None });
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let (ours, block) = (compact.books(), BlockId::hash(cursor.hash));
    let theirs = compact::books(provider, address, ours.members.keys().copied(), block).await?;
    same(&what("books"), &ours, &theirs, found);
    for (call, &member) in
        (0..compact.call_count()).flat_map(|call| ours.members.keys().map(move |it| (call, it)))
    {
        let vote = compact::vote(provider, address, (call, member), block).await?;
        same(
            &what(&format!("vote of {member} on call {call}")),
            &compact.vote_of(call, member),
            &vote,
            found,
        );
    }
    Ok(())
}

/// Tells of the fields that differ, or of the values if they have none.
fn same<T: Serialize>(what: &str, index: &T, chain: &T, found: &mut impl FnMut(Difference)) {
    let json = |value: &T| serde_json::to_value(value).unwrap_or_default();
    let (index, chain) = (json(index), json(chain));
    let tell = |what: String, index: Option<&Json>, chain: Option<&Json>| Difference {
        what,
        index: index.map(Json::to_string),
        chain: chain.map(Json::to_string),
    };
    match (&index, &chain) {
        _ if index == chain => {}
        (Json::Object(ours), Json::Object(theirs)) => {
            let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
            let differing = names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name));
            differing.for_each(|name| {
                found(tell(format!("{what}, {name}"), ours.get(name), theirs.get(name)));
            });
        }
        _ => found(tell(what.into(), Some(&index), Some(&chain))),
    }
}

/// One rescue at one block, to be compared with its views.
struct Views<'a, P> {
    provider: &'a P,
    block: BlockId,
    history: History,
}

impl<P: Provider> Views<'_, P> {
    async fn compare(&self, found: &mut impl FnMut(Difference)) -> Result<(), IndexError> {
        let snapshot = self.read(Address::ZERO).await?;
        let at = snapshot.moment();
        self.same("rescue", &self.history.rescue.view(at), &snapshot.rescue, found);
        let bonus = snapshot.bonus.unwrap_or_default();
        self.same("bonus", &self.history.pools.bonus, &bonus, found);
        let groups = snapshot.recovery.iter().flat_map(|view| &view.groups);
        for group in groups {
            let received = self.history.pools.received.get(&group.order).copied().unwrap_or_default();
            self.same(&format!("received by draw order {}", group.order), &received, &group.received, found);
        }
        let pledgers: BTreeSet<_> = self.history.rescue.known_positions().map(|id| id.pledger).collect();
        for pledger in pledgers {
            self.compare_account(pledger, found).await?;
        }
        Ok(())
    }

    async fn compare_account(
        &self,
        pledger: Address,
        found: &mut impl FnMut(Difference),
    ) -> Result<(), IndexError> {
        let snapshot = self.read(pledger).await?;
        let (at, account) = (snapshot.moment(), &snapshot.account);
        let views: Vec<_> = account.positions.iter().map(|line| line.position).collect();
        self.same(
            &format!("positions of {pledger}"),
            &self.history.rescue.position_views(at, pledger),
            &views,
            found,
        );
        self.same(&format!("owed to {pledger}"), &self.history.rescue.owed_of(pledger), &account.owed, found);
        for line in &account.positions {
            let id = PositionId { pledger, tier: line.position.tier, asset: line.position.asset };
            let what = |of: &str| format!("{of} by {pledger} in tier {} {}", id.tier, id.asset);
            if let Some(earnings) = line.earnings {
                let claimed = self.history.pools.claimed.get(&id).copied().unwrap_or_default();
                self.same(&what("claimed"), &claimed, &earnings.claimed, found);
            }
            if let Some(bonus) = line.bonus {
                let enlisted = self.history.pools.enlistments.get(&id).copied().unwrap_or_default();
                self.same(&what("enlisted"), &enlisted, &bonus.enlistment, found);
            }
        }
        Ok(())
    }

    /// The rows of positions are those of the rescue, no more and no fewer.
    async fn compare_rows(
        &self,
        index: &Store,
        found: &mut impl FnMut(Difference),
    ) -> Result<(), IndexError> {
        let rows = index.positions(self.history.chain, self.history.address).await?;
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.id, row.position)).collect();
        let rescue = &self.history.rescue;
        let folded: BTreeMap<_, _> = rescue.known_positions().map(|id| (id, rescue.position(id))).collect();
        let ids: BTreeSet<_> = folded.keys().chain(rows.keys()).collect();
        for id in ids {
            let what = format!("row of {} in tier {} {}", id.pledger, id.tier, id.asset);
            self.same(&what, &rows.get(id), &folded.get(id), found);
        }
        Ok(())
    }

    async fn read(&self, account: Address) -> Result<Snapshot, IndexError> {
        let query = Query::of(self.history.address).account(account);
        Ok(query.read_at(self.provider, Some(self.history.chain), self.block).await?)
    }

    fn same<T: Serialize>(&self, what: &str, index: &T, chain: &T, found: &mut impl FnMut(Difference)) {
        same(&format!("rescue {}: {what}", self.history.address), index, chain, found);
    }
}
