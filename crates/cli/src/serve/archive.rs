//! What the server knows: everything of one chain at the block of the index's cursor, added up once and shared by all requests.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use alloy::{
    primitives::{Address, B256},
    providers::DynProvider,
};
use eyre::{Report, Result, eyre};
use levee::{
    Block, Declared, Edition, Entry, Event, History, RescueView, Statement,
    board::{BoardEvent, Compared, standing_among},
};
use levee_index::{Contract, Cursor, IndexError, Kind, Look, Store, Verdict};
use levee_model::{Rate, Rescue, Timestamp, Wei};
use levee_pages::{Basis, Said};
use tokio::{
    sync::{Mutex as AsyncMutex, broadcast, watch},
    task,
};

use super::{
    bodies::{At, Bodies},
    compacts,
    metrics::Metrics,
    rates::Rates,
};
use crate::{
    error::{self, UserError},
    history,
};

/// How many events and declarations are kept of all rescues together; a single rescue may have more.
const KEPT: usize = 300_000;
/// How often something is read again because the index has moved on meanwhile.
pub(super) const TRIES: usize = 3;
/// The longest pause between two looks at an index that cannot be read.
const LONGEST: Duration = Duration::from_secs(30);
/// How many pieces of news a listener may be behind.
const NEWS: usize = 16;

/// The index of one chain, and what was made of it.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) store: Store,
    pub(super) chain: u64,
    /// Says what shares are worth, if there is one.
    node: Option<DynProvider>,
    latest: watch::Sender<Arc<Issue>>,
    news: broadcast::Sender<News>,
    /// Held by whoever moves on to another block.
    turn: Arc<AsyncMutex<()>>,
    /// Held by whoever adds up a rescue for somebody who asks, so that they are added up one after the other, and none twice.
    pub(super) adding: Arc<AsyncMutex<()>>,
    pub(super) metrics: Metrics,
}

/// That the index is at another block, and which rescues have logs that were not there before; none if that is not known.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) block: u64,
    pub(super) rescues: Option<BTreeSet<Address>>,
}

/// Everything that is told of one block.
#[derive(Debug)]
pub(super) struct Issue {
    pub(super) cursor: Cursor,
    pub(super) block: Block,
    /// All that announced themselves as rescues, in their order.
    pub(super) rescues: Vec<Contract>,
    /// All that announced themselves as compacts, in their order.
    pub(super) compacts: Vec<Contract>,
    shelf: Mutex<Shelf>,
    rates: Rates,
    pub(super) bodies: Bodies,
}

/// What is new since an issue: the rescues with logs that are not in it, and what was declared for. Nothing is known after the chain dropped
/// blocks.
#[derive(Debug)]
struct Changes {
    rescues: BTreeSet<Address>,
    declared: BTreeSet<Address>,
}

/// A rescue, and what every page about it rests on.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) history: History,
    pub(super) basis: Arc<Basis>,
    pub(super) edition: Edition,
    pub(super) view: RescueView,
    /// What was declared for it, in the order of the chain.
    stated: Arc<Vec<Stated>>,
    board: OnceLock<Board>,
    statement: OnceLock<Result<Statement, levee::Error>>,
}

/// A declaration, and its place in the chain: half of an [`Entry`], because anyone can make any number.
#[derive(Debug, Clone)]
struct Stated {
    block: u64,
    time: Timestamp,
    transaction: B256,
    declared: Declared,
}

/// What stands of all that was declared.
#[derive(Debug)]
pub(super) struct Board {
    /// As its page tells it.
    pub(super) said: Said,
    /// The places of what stands, by contributor and tier.
    places: Vec<usize>,
    /// What of it is not locked, where both are known.
    pub(super) missing: Wei,
}

/// A rescue, or what is wrong with its logs.
type Known = Result<Arc<Told>, IndexError>;

/// The rescues that were asked for lately.
#[derive(Debug, Default)]
struct Shelf {
    known: BTreeMap<Address, (Known, u64)>,
    /// Counts what is asked for.
    clock: u64,
}

impl Archive {
    /// Opens what a store has of a chain.
    pub(super) async fn open(
        store: Store,
        chain: u64,
        node: Option<DynProvider>,
        metrics: Metrics,
    ) -> Result<Self> {
        let look = store.look(chain, None).await?.ok_or_else(empty)?;
        let first = Issue::new(look);
        metrics.at(&first);
        let (latest, news) = (watch::Sender::new(Arc::new(first)), broadcast::Sender::new(NEWS));
        let (turn, adding) = Default::default();
        Ok(Self { store, chain, node, latest, news, turn, adding, metrics })
    }

    /// The latest issue.
    pub(super) fn issue(&self) -> Arc<Issue> {
        self.latest.borrow().clone()
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Looks for another block again and again. A store that fails is asked again, and meanwhile the latest issue is told.
    pub(super) async fn follow(self: &Arc<Self>, every: Duration) {
        let mut pause = every;
        loop {
            tokio::time::sleep(pause).await;
            pause = match self.move_on().await {
                Ok(()) => every,
                Err(error) => {
                    let error = error::in_a_line(&error);
                    tracing::error!(target: "serve", error, "the index cannot be read");
                    self.metrics.failed();
                    LONGEST.min(pause * 2)
                }
            };
        }
    }

    /// Moves on to the block of the cursor, if it is another one. Rescues that are known are added up before anybody asks. Once it has begun, it
    /// does not end with whoever asked, so that nobody can have it done several times at once.
    pub(super) async fn move_on(self: &Arc<Self>) -> Result<()> {
        let (archive, turn) = (self.clone(), self.turn.clone().lock_owned().await);
        let moving = tokio::spawn(async move {
            let moved = archive.moved_on().await;
            drop(turn);
            moved
        });
        moving.await?
    }

    async fn moved_on(&self) -> Result<()> {
        for _ in 0..TRIES {
            let before = self.issue();
            let Some(look) = self.store.look(self.chain, Some(before.cursor)).await? else {
                self.metrics.well();
                return Ok(());
            };
            let changes = Changes::in_look(&look);
            let next = Issue::new(look);
            if self.prepare(&next, &before, changes.as_ref()).await? {
                self.publish(next, changes);
                return Ok(());
            }
        }
        // It catches up with the chain faster than it can be read; the next look tries again.
        self.metrics.well();
        Ok(())
    }

    /// Puts on the shelf what was on the one before. Whether the index is still where it was.
    async fn prepare(&self, next: &Issue, before: &Issue, changes: Option<&Changes>) -> Result<bool> {
        for (rescue, known) in before.known() {
            if !next.has(rescue) {
                continue;
            }
            let is_same = changes.is_some_and(|changes| !changes.rescues.contains(&rescue));
            let is_declared = changes.is_some_and(|changes| changes.declared.contains(&rescue));
            let known = match known {
                Ok(told) if is_same && is_declared => self.with_declarations(next, before, &told).await?,
                Ok(told) if is_same => Some(Ok(Arc::new(self.carried(next, &told).await))),
                Err(error) if is_same => Some(Err(error)),
                _ => self.read(next, rescue).await?,
            };
            let Some(known) = known else { return Ok(false) };
            next.put(rescue, known);
        }
        Ok(true)
    }

    /// A rescue of the issue before, for which nothing but declarations is new: anyone can make one in each block, so only these are read.
    /// None if the index has moved on.
    async fn with_declarations(&self, next: &Issue, before: &Issue, told: &Told) -> Result<Option<Known>> {
        let (rescue, above) = (told.history.address, Some(before.block.number));
        let new = self.store.declarations_at(self.chain, next.cursor, rescue, above).await?;
        let Some(new) = new else { return Ok(None) };
        Ok(Some(Ok(Arc::new(self.carried(next, told).await.with(new)))))
    }

    /// A rescue of the issue before, in which nothing has happened up to this one.
    async fn carried(&self, next: &Issue, told: &Told) -> Told {
        told.at(next.block, self.rate(next, &told.history.rescue).await)
    }

    /// What shares are worth to a rescue at the block of an issue, if that is known.
    async fn rate(&self, issue: &Issue, rescue: &Rescue) -> Option<Rate> {
        issue.rates.of(rescue, self.node.as_ref(), issue.cursor.hash).await
    }

    fn publish(&self, next: Issue, changes: Option<Changes>) {
        let news = News { block: next.block.number, rescues: changes.map(|changes| next.with_news(changes)) };
        self.metrics.at(&next);
        self.metrics.well();
        self.latest.send_replace(Arc::new(next));
        // An error says that nobody listens.
        drop(self.news.send(news));
    }

    /// A rescue at the block of the latest issue. If the index has moved on, so does the answer.
    pub(super) async fn told(self: &Arc<Self>, rescue: Address) -> Result<(Arc<Issue>, Arc<Told>)> {
        for _ in 0..TRIES {
            let issue = self.issue();
            if let Some(told) = self.told_in(&issue, rescue).await? {
                return Ok((issue, told));
            }
            self.move_on().await?;
        }
        Err(catching_up())
    }

    /// A rescue in an issue; none if the index has moved on. Once it is being added up, that does not end with whoever asked.
    pub(super) async fn told_in(
        self: &Arc<Self>,
        issue: &Arc<Issue>,
        rescue: Address,
    ) -> Result<Option<Arc<Told>>> {
        issue.check(self.chain, rescue)?;
        if let Some(known) = issue.get(rescue) {
            return Ok(Some(known?));
        }
        let adding = self.adding.clone().lock_owned().await;
        if let Some(known) = issue.get(rescue) {
            return Ok(Some(known?));
        }
        let (archive, issue) = (self.clone(), issue.clone());
        let added = tokio::spawn(async move {
            let known = archive.read(&issue, rescue).await?;
            known.iter().for_each(|known| issue.put(rescue, known.clone()));
            drop(adding);
            Ok::<_, Report>(known)
        });
        Ok(added.await??.transpose()?)
    }

    /// Reads a rescue at the block of an issue; none if the index has moved on.
    async fn read(&self, issue: &Issue, rescue: Address) -> Result<Option<Known>> {
        let mut history = match self.store.history_at(self.chain, issue.cursor, rescue).await {
            Ok(Some(history)) => history,
            Ok(None) => return Ok(None),
            Err(error @ (IndexError::HistoryBroken { .. } | IndexError::Client(_))) => {
                return Ok(Some(Err(error)));
            }
            Err(error) => return Err(error.into()),
        };
        let Some(entries) = self.store.declarations_at(self.chain, issue.cursor, rescue, None).await? else {
            return Ok(None);
        };
        history.rate = self.rate(issue, &history.rescue).await;
        let told = task::spawn_blocking(move || Told::of(history, entries)).await?;
        Ok(Some(told.map(Arc::new).map_err(IndexError::Client)))
    }
}

impl Changes {
    fn in_look(look: &Look) -> Option<Self> {
        let changed = look.changed.as_ref()?;
        let of_rescue = look.contracts.iter().filter(|contract| changed.contains(&contract.address));
        let rescues = of_rescue.map(|contract| contract.rescue).collect();
        Some(Self { rescues, declared: look.declared.clone() })
    }
}

impl Issue {
    fn new(look: Look) -> Self {
        let compacts = compacts::of_look(&look);
        let Look { cursor, block, contracts: mut rescues, .. } = look;
        rescues.retain(|contract| contract.kind == Kind::Rescue);
        sort(&mut rescues);
        let (shelf, rates, bodies) = Default::default();
        Self { cursor, block, rescues, compacts, shelf, rates, bodies }
    }

    /// The rescues of this issue that something is new about: anyone can declare for anything else, and that is nobody's news.
    fn with_news(&self, changes: Changes) -> BTreeSet<Address> {
        let all = changes.rescues.into_iter().chain(changes.declared);
        all.filter(|subject| self.has(*subject)).collect()
    }

    /// Refuses what is no genuine rescue.
    fn check(&self, chain: u64, rescue: Address) -> Result<(), UserError> {
        history::require_genuine(&self.rescues, rescue, || history::unknown(chain, rescue))
    }

    /// The block that everything is true at.
    pub(super) const fn at(&self) -> At {
        At { number: self.block.number, hash: self.cursor.hash, time: self.block.time }
    }

    fn has(&self, rescue: Address) -> bool {
        self.rescues.iter().any(|one| one.address == rescue && one.verdict == Verdict::Genuine)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, rescue: Address) -> Option<Known> {
        self.shelf().get(rescue)
    }

    fn put(&self, rescue: Address, known: Known) {
        self.shelf().put(rescue, known);
    }

    /// All that is on the shelf, what was asked for last at the end.
    fn known(&self) -> Vec<(Address, Known)> {
        let mut known: Vec<_> =
            self.shelf().known.iter().map(|(rescue, (known, at))| (*at, *rescue, known.clone())).collect();
        known.sort_by_key(|(at, ..)| *at);
        known.into_iter().map(|(_, rescue, known)| (rescue, known)).collect()
    }
}

impl Shelf {
    fn get(&mut self, rescue: Address) -> Option<Known> {
        self.clock += 1;
        let (known, at) = self.known.get_mut(&rescue)?;
        *at = self.clock;
        Some(known.clone())
    }

    /// Adds a rescue, and drops those that nobody has asked for the longest.
    fn put(&mut self, rescue: Address, known: Known) {
        self.clock += 1;
        self.known.insert(rescue, (known, self.clock));
        while self.known.len() > 1 && self.events() > KEPT {
            let oldest = self.known.iter().min_by_key(|(_, (_, at))| *at).map(|(rescue, _)| *rescue);
            oldest.and_then(|oldest| self.known.remove(&oldest));
        }
    }

    fn events(&self) -> usize {
        let told = self.known.values().filter_map(|(known, _)| known.as_ref().ok());
        told.map(|told| told.history.entries.len() + told.stated.len()).sum()
    }
}

impl Stated {
    fn of(entry: Entry) -> Option<Self> {
        let Entry { block, time, transaction, event } = entry;
        let Event::Board(BoardEvent::Declared(declared)) = event else { return None };
        Some(Self { block, time, transaction, declared })
    }

    fn entry(&self) -> Entry {
        let Self { block, time, transaction, declared } = self.clone();
        Entry { block, time, transaction, event: Event::Board(BoardEvent::Declared(declared)) }
    }
}

/// Puts the latest first, and counterfeits last: anyone can make any number of these.
pub(super) fn sort(contracts: &mut [Contract]) {
    let is_counterfeit = |contract: &Contract| contract.verdict != Verdict::Genuine;
    contracts.sort_by_key(|contract| (is_counterfeit(contract), Reverse(contract.block), contract.address));
}

impl Told {
    fn of(history: History, entries: Vec<Entry>) -> Result<Self, levee::Error> {
        let stated = entries.into_iter().filter_map(Stated::of).collect();
        let (basis, edition) = (Arc::new(Basis::of(&history)?), history.edition()?);
        Ok(Self::new(history, basis, edition, Arc::new(stated)))
    }

    /// The same at a later block, if nothing has happened up to there.
    fn at(&self, block: Block, rate: Option<Rate>) -> Self {
        let history = History { block, rate, ..self.history.clone() };
        Self::new(history, self.basis.clone(), self.edition, self.stated.clone())
    }

    /// The same with more declarations.
    fn with(self, new: Vec<Entry>) -> Self {
        let new = new.into_iter().filter_map(Stated::of);
        Self { stated: Arc::new(self.stated.iter().cloned().chain(new).collect()), ..self }
    }

    fn new(history: History, basis: Arc<Basis>, edition: Edition, stated: Arc<Vec<Stated>>) -> Self {
        let view = history.rescue.view(history.moment());
        let (board, statement) = Default::default();
        Self { history, basis, edition, view, stated, board, statement }
    }

    /// The statement of the whole rescue, made when it is first asked for.
    pub(super) fn statement(&self) -> Result<&Statement, levee::Error> {
        self.statement.get_or_init(|| Statement::of(&self.history)).as_ref().map_err(Clone::clone)
    }

    /// What stands on the board, looked through when it is first asked for.
    pub(super) fn board(&self) -> &Board {
        self.board.get_or_init(|| {
            let now = self.history.block.time;
            let declared = self.stated.iter().map(|stated| &stated.declared).enumerate();
            let made = declared.filter(|(_, declared)| declared.made_at <= now);
            let standing = standing_among(made, |(_, declared)| *declared, now);
            let places = standing.iter().map(|(place, _)| *place).collect();
            let mut missing = Wei::ZERO;
            let compared = standing.iter().map(|(_, declared)| self.compared(declared));
            let said = compared.inspect(|one| missing += one.missing().unwrap_or_default()).collect();
            Board { said, places, missing }
        })
    }

    fn compared(&self, declared: &Declared) -> Compared {
        Compared::in_history(declared.clone(), &self.history, self.view.rate.known())
    }

    /// What an account declared, in the order of the chain.
    pub(super) fn declared_by(&self, account: Address) -> Vec<Entry> {
        let own = self.stated.iter().filter(|stated| stated.declared.contributor == account);
        own.map(Stated::entry).collect()
    }

    /// How many declarations stand.
    pub(super) fn standing(&self) -> usize {
        self.board().places.len()
    }

    /// The declarations that stand from a place on, compared with what is locked.
    pub(super) fn standing_from(&self, first: usize, count: usize) -> Vec<Compared> {
        let places = self.board().places.iter().skip(first).take(count);
        let stated = places.filter_map(|place| self.stated.get(*place));
        stated.map(|stated| self.compared(&stated.declared)).collect()
    }
}

fn empty() -> UserError {
    UserError::new("the index is empty").hint("run `levee index` first")
}

pub(super) fn catching_up() -> Report {
    eyre!("the index moves on faster than the rescue can be read")
}
