//! A watch tells people in time what happens in rescues, and what is about to.

pub(crate) mod channel;
pub(crate) mod files;
pub(crate) mod memory;
pub(crate) mod metrics;
pub(crate) mod outlet;

use std::{borrow::Cow, future::Future, iter, sync::Arc, time::Duration};

use alloy::primitives::Address;
use eyre::{Result, eyre};
use levee::{
    Confirmations, Entry, Error, History,
    compact::{self, CompactHistory},
    notice::{self, Calendar, Depth, Fact, Interest, News, news},
};
use levee_index::Cursor;
use tokio::time;

use self::{
    channel::{Failure, PROGRAM_TIMEOUT},
    files::Mirror,
    memory::{Memory, Scope},
    metrics::Metrics,
    outlet::Outlet,
};
use crate::{
    connection::Connection,
    error::UserError,
    service::{
        Now, Service,
        lookout::{Lookout, Sight},
        vitals::Vitals,
    },
};

/// How long what is being delivered is waited for when the watch is asked to end: as long as a channel may take.
const GRACE: Duration = PROGRAM_TIMEOUT.saturating_add(Duration::from_secs(2));

/// How many notices a feed has.
const FEED_LENGTH: u32 = 100;

/// A watch of rescues.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) connection: Connection,
    pub(crate) lookout: Lookout,
    pub(crate) interest: Interest,
    pub(crate) confirmations: Confirmations,
    pub(crate) memory: Memory,
    pub(crate) outlets: Vec<Arc<Outlet>>,
    pub(crate) calendar: Option<Mirror>,
    pub(crate) feed: Option<Mirror>,
    pub(crate) metrics: Metrics,
    /// Why a file could not be written in the last round.
    pub(crate) troubled: Option<UserError>,
    /// How often to look for new blocks.
    pub(crate) every: Duration,
    /// Where the index was when everything was looked at.
    pub(crate) looked: Option<Cursor>,
}

/// At what a round looks: the latest block, what of it is told, and the block of the look before.
#[derive(Debug, Clone, Copy)]
struct Look {
    now: Now,
    depth: Depth,
    before: Option<u64>,
}

/// What there is to tell of one rescue, by what is deep enough, and its dates.
struct Seen {
    facts: Vec<Fact>,
    calendar: Option<Calendar>,
}

impl Service for Watcher {
    async fn turn(&mut self, stop: &mut (impl Future<Output = ()> + Unpin)) -> Option<Result<Duration>> {
        let (connection, lookout) = (&self.connection, &mut self.lookout);
        let sight = tokio::select! {
            biased;
            () = &mut *stop => return None,
            // Nodes that all stand still would keep everything from their users.
            sight = async { connection.prefer_latest().await?; lookout.look().await } => sight,
        };
        let every = self.every;
        Some(match sight {
            Ok(Sight::At(now)) => self.round(now).await.map(|()| every),
            Ok(Sight::Behind) => Ok(Duration::ZERO),
            Ok(Sight::Nothing) => Ok(every),
            Err(report) => Err(report),
        })
    }

    fn vitals(&self) -> &Vitals {
        &self.lookout.vitals
    }
}

impl Watcher {
    /// Looks once, and delivers what there is, each once.
    ///
    /// # Errors
    /// Also if the nodes do not answer, or a notice was not delivered.
    pub(crate) async fn once(mut self) -> Result<()> {
        self.connection.prefer_latest().await?;
        let now = self.lookout.caught_up(self.every).await?;
        self.round(now).await?;
        self.inherit().await?;
        let passes = futures_util::future::join_all(self.outlets.iter().map(|outlet| outlet.pass(0))).await;
        self.memory.close().await;
        if let Some(error) = self.troubled {
            return Err(error.into());
        }
        if let Some(rescue) = self.lookout.broken().next() {
            return Err(eyre!("the logs of the rescue `{rescue}` cannot be told of; see above"));
        }
        let mut refused = None;
        for pass in passes {
            match pass? {
                Some(Failure::MayPass(reason)) => {
                    return Err(eyre!("a notice was not delivered: {reason}; run it again later"));
                }
                Some(Failure::Refused(reason)) => refused = Some(reason),
                None => {}
            }
        }
        refused.map_or(Ok(()), |reason| {
            let error = UserError::new(format!("a notice was refused: {reason}"));
            Err(error.hint("check the channel; it is tried again when you run this again").into())
        })
    }

    /// Compares everything with what was told, keeps what is new for all channels, and brings the files up to date.
    async fn round(&mut self, now: Now) -> Result<()> {
        let at = self.lookout.watched.at();
        if at.is_some() && self.looked == at {
            return Ok(());
        }
        let calendars = self.tell_news(now).await?;
        self.outlets.iter().for_each(|outlet| outlet.wake());
        self.metrics.round();
        self.looked = at;
        self.mirror(&calendars, now).await
    }

    async fn tell_news(&mut self, now: Now) -> Result<Vec<Calendar>> {
        let depth = self.depth(now);
        let look = Look { now, depth, before: self.memory.looked().await? };
        let (mut calendars, mut untold) = (Vec::new(), Vec::new());
        for history in self.lookout.watched.histories() {
            let seen = self.seen(history, now, depth.deep).map(|seen| {
                calendars.extend(seen.calendar);
                seen.facts
            });
            untold.extend(self.tell_of(history.address, &history.entries, seen, look).await?);
        }
        for history in self.lookout.watched.compact_histories() {
            let seen = self.seen_of_compact(history, now, depth.deep);
            untold.extend(self.tell_of(history.compact.address(), &history.entries, seen, look).await?);
        }
        for scope in self.memory.scopes().await? {
            if self.lookout.watched.lacks(scope.rescue) {
                self.compare(scope, &[], now, depth).await?;
            }
        }
        self.memory.set_looked(depth.deep).await?;
        self.lookout.set_untold(untold);
        Ok(calendars)
    }

    /// The same of a compact.
    fn seen_of_compact(&self, history: &CompactHistory, now: Now, deep: u64) -> Result<Vec<Fact>, Error> {
        let mut facts = notice::events_of_compact(history, &self.interest);
        let cut;
        let told = match up_to(&history.entries, deep) {
            Cow::Borrowed(_) => history,
            Cow::Owned(entries) if entries.is_empty() => return Ok(facts),
            Cow::Owned(entries) => {
                let compact = compact::fold(history.compact.address(), &entries)?;
                cut = CompactHistory { chain: history.chain, block: history.block, entries, compact };
                &cut
            }
        };
        facts.extend(notice::standing_of_compact(told, now.time, &self.interest));
        Ok(facts)
    }

    /// Keeps what is new of a rescue or a compact, for all and for each account. Returns it if it cannot be told of, which does not keep the
    /// others waiting.
    async fn tell_of(
        &self,
        contract: Address,
        entries: &[Entry],
        seen: Result<Vec<Fact>, Error>,
        Look { now, depth, before }: Look,
    ) -> Result<Option<Address>> {
        let facts = match seen {
            Ok(facts) => facts,
            Err(error) => {
                tracing::error!(target: "watch", %contract, %error, "it cannot be told of");
                return Ok(Some(contract));
            }
        };
        // What was created since the last look is told from its beginning.
        let created = entries.first().map_or(0, |entry| entry.block);
        let through = before.filter(|before| created > *before);
        for account in iter::once(None).chain(self.interest.accounts.iter().copied().map(Some)) {
            let scope = Scope { rescue: contract, account };
            self.compare(scope, &facts, now, Depth { through, ..depth }).await?;
        }
        Ok(None)
    }

    /// How deep a block must be.
    fn depth(&self, now: Now) -> Depth {
        let finalized = self.lookout.watched.at().map_or(0, |cursor| cursor.finalized);
        let deep = match self.confirmations {
            // Its own block is the first.
            Confirmations::Blocks(count) => now.block.saturating_sub(count.saturating_sub(1)),
            Confirmations::Finalized => finalized,
        };
        Depth { deep, finalized, through: None }
    }

    /// What there is to tell: all events, so that what is not deep yet takes nothing back, and what follows from those that are.
    fn seen(&self, history: &History, now: Now, deep: u64) -> Result<Seen, Error> {
        let watched = &self.lookout.watched;
        let moment = |history: &History| watched.moment(&history.rescue, now.time);
        let mut facts = notice::events(history, moment(history), &self.interest);
        let cut;
        let told = match up_to(&history.entries, deep) {
            Cow::Borrowed(_) => history,
            Cow::Owned(entries) if entries.is_empty() => return Ok(Seen { facts, calendar: None }),
            Cow::Owned(entries) => {
                cut = History::of(history.chain, history.block, history.address, entries)?;
                &cut
            }
        };
        let at = moment(told);
        let calendar = notice::calendar(told, at);
        facts.extend(notice::reminders(&calendar, now.time, &self.interest));
        facts.extend(notice::standing(told, at, &self.interest)?);
        Ok(Seen { facts, calendar: Some(calendar) })
    }

    /// Keeps what is new in a scope.
    async fn compare(&self, scope: Scope, facts: &[Fact], now: Now, depth: Depth) -> Result<()> {
        let facts: Vec<Fact> =
            facts.iter().filter(|fact| fact.content.account == scope.account).cloned().collect();
        let kept = self.memory.kept(scope).await?;
        let through = kept.through.or(depth.through);
        let news: News = news(&facts, &kept.told, now.time, Depth { through, ..depth });
        if news.is_empty() && kept.through.is_some() {
            return Ok(());
        }
        let channels: Vec<String> = self.outlets.iter().map(|outlet| outlet.name().to_owned()).collect();
        self.memory.keep(scope, &news, &channels).await
    }

    /// Brings the files up to date. One that cannot be written is tried again at the next block.
    async fn mirror(&mut self, calendars: &[Calendar], now: Now) -> Result<()> {
        self.troubled = None;
        if let Some(file) = &mut self.calendar {
            let text = levee_pages::calendar(calendars, now.time);
            self.troubled = mirrored(file, text, &self.metrics);
        }
        if let Some(file) = &mut self.feed {
            let notices = self.memory.latest(FEED_LENGTH).await?;
            let trouble = mirrored(file, levee_pages::feed(self.lookout.chain, &notices), &self.metrics);
            self.troubled = self.troubled.take().or(trouble);
        }
        Ok(())
    }

    /// Lets the channels that there are have what waits for one that is gone, if they take its place.
    ///
    /// # Errors
    /// If the file fails.
    pub(crate) async fn inherit(&self) -> Result<()> {
        let names: Vec<&str> = self.outlets.iter().map(|outlet| outlet.name()).collect();
        for gone in self.memory.waiting().await?.iter().filter(|name| !names.contains(&name.as_str())) {
            let heirs: Vec<&str> = self
                .outlets
                .iter()
                .filter(|outlet| outlet.replaces(gone))
                .map(|outlet| outlet.name())
                .collect();
            if heirs.is_empty() {
                tracing::warn!(target: "watch", channel = gone, "notices wait for a channel that is not there any more");
            } else {
                self.memory.inherit(gone, &heirs).await?;
            }
        }
        Ok(())
    }

    /// Lets each channel deliver by itself, as long as the runtime lives.
    pub(crate) fn start(&self) {
        for outlet in &self.outlets {
            let outlet = Arc::clone(outlet);
            tokio::spawn(async move { outlet.run().await });
        }
    }

    /// Waits for what is being delivered, so that it is not delivered again, and lets nothing more be delivered.
    pub(crate) async fn stop(&self) {
        let resting = self.outlets.iter().map(|outlet| time::timeout(GRACE, outlet.rest()));
        let _guards = futures_util::future::join_all(resting).await;
        self.memory.close().await;
    }
}

/// The entries up to a block: copies, unless it is all of them.
fn up_to(entries: &[Entry], deep: u64) -> Cow<'_, [Entry]> {
    let is_deep = |entry: &&Entry| entry.block <= deep;
    if entries.iter().all(|entry| is_deep(&entry)) {
        return Cow::Borrowed(entries);
    }
    Cow::Owned(entries.iter().filter(is_deep).cloned().collect())
}

/// Writes a file; what went wrong, which is also told at once.
fn mirrored(file: &mut Mirror, text: String, metrics: &Metrics) -> Option<UserError> {
    let error = file.write(text).err()?;
    tracing::error!(target: "watch", %error, "a file is not up to date");
    metrics.failed(&file.name());
    Some(error)
}
