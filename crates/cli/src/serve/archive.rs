//! What the server knows: everything of one chain at the block of the index's cursor, added up once and shared by all requests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use alloy::primitives::Address;
use eyre::{Report, Result, eyre};
use levee::{Block, Declared, Edition, Entry, History, RescueView, Statement};
use levee_index::{Contract, Cursor, IndexError, Kind, Look, Store, Verdict};
use levee_pages::Basis;
use tokio::{
    sync::{Mutex as AsyncMutex, broadcast, watch},
    task,
};

use super::{bodies::Bodies, compacts, metrics::Metrics};
use crate::{
    error::{self, UserError},
    history,
};

/// How many events are kept of all rescues together; a single rescue may have more.
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
    latest: watch::Sender<Arc<Issue>>,
    news: broadcast::Sender<News>,
    /// Held by whoever moves on to another block.
    turn: AsyncMutex<()>,
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
    /// All that announced themselves as rescues, the latest first.
    pub(super) rescues: Vec<Contract>,
    /// All that announced themselves as compacts, the latest first.
    pub(super) compacts: Vec<Contract>,
    declarations: Arc<Declarations>,
    shelf: Mutex<Shelf>,
    /// Held by whoever adds up a rescue or a compact, so that none is added up twice.
    pub(super) adding: AsyncMutex<()>,
    pub(super) bodies: Bodies,
}

/// What was declared, by the rescue that it is for, in the order of the chain.
type Declarations = BTreeMap<Address, Arc<Vec<Entry>>>;

/// A rescue, and what every page about it rests on.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) history: History,
    pub(super) basis: Arc<Basis>,
    pub(super) edition: Edition,
    pub(super) view: RescueView,
    pub(super) entries: Arc<Vec<Entry>>,
    pub(super) declared: Vec<Declared>,
    statement: OnceLock<Result<Statement, levee::Error>>,
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
    pub(super) async fn open(store: Store, chain: u64, metrics: Metrics) -> Result<Self> {
        let look = store.look(chain, None).await?.ok_or_else(empty)?;
        let first = Issue::first(&store, chain, look).await?;
        metrics.at(&first);
        let (latest, news) = (watch::Sender::new(Arc::new(first)), broadcast::Sender::new(NEWS));
        Ok(Self { store, chain, latest, news, turn: AsyncMutex::default(), metrics })
    }

    /// The latest issue.
    pub(super) fn issue(&self) -> Arc<Issue> {
        self.latest.borrow().clone()
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Looks for another block again and again. A store that fails is asked again, and meanwhile the latest issue is told.
    pub(super) async fn follow(&self, every: Duration) {
        let mut pause = every;
        loop {
            tokio::time::sleep(pause).await;
            pause = match self.move_on().await {
                Ok(()) => every,
                Err(error) => {
                    let error = error::in_a_line(&error);
                    tracing::error!(target: "serve", error, "the index cannot be read");
                    self.metrics.failed(error);
                    LONGEST.min(pause * 2)
                }
            };
        }
    }

    /// Moves on to the block of the cursor, if it is another one. Rescues that are known are added up before anybody asks.
    pub(super) async fn move_on(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        for _ in 0..TRIES {
            let before = self.issue();
            let Some(look) = self.store.look(self.chain, Some(before.cursor)).await? else {
                self.metrics.well();
                return Ok(());
            };
            let changed = before.changed(&look);
            let next = Issue::next(&self.store, self.chain, look, &before, changed.as_ref()).await?;
            if self.prepare(&next, &before, changed.as_ref()).await? {
                self.publish(next, changed);
                return Ok(());
            }
        }
        // It catches up with the chain faster than it can be read; the next look tries again.
        self.metrics.well();
        Ok(())
    }

    /// Puts on the shelf what was on the one before. Whether the index is still where it was.
    async fn prepare(
        &self,
        next: &Issue,
        before: &Issue,
        changed: Option<&BTreeSet<Address>>,
    ) -> Result<bool> {
        for (rescue, known) in before.known() {
            let is_same = changed.is_some_and(|changed| !changed.contains(&rescue));
            let known = match known {
                Ok(told) if is_same => Ok(Arc::new(told.at(next.block))),
                Err(error) if is_same => Err(error),
                _ if !next.has(rescue) => continue,
                _ => match self.read(next, rescue).await? {
                    Some(known) => known,
                    None => return Ok(false),
                },
            };
            next.put(rescue, known);
        }
        Ok(true)
    }

    fn publish(&self, next: Issue, changed: Option<BTreeSet<Address>>) {
        let news = News { block: next.block.number, rescues: changed };
        self.metrics.at(&next);
        self.metrics.well();
        self.latest.send_replace(Arc::new(next));
        // An error says that nobody listens.
        drop(self.news.send(news));
    }

    /// A rescue at the block of the latest issue. If the index has moved on, so does the answer.
    pub(super) async fn told(&self, rescue: Address) -> Result<(Arc<Issue>, Arc<Told>)> {
        for _ in 0..TRIES {
            let issue = self.issue();
            if let Some(told) = self.told_in(&issue, rescue).await? {
                return Ok((issue, told));
            }
            self.move_on().await?;
        }
        Err(catching_up())
    }

    /// A rescue in an issue; none if the index has moved on.
    pub(super) async fn told_in(&self, issue: &Issue, rescue: Address) -> Result<Option<Arc<Told>>> {
        issue.check(self.chain, rescue)?;
        if let Some(known) = issue.get(rescue) {
            return Ok(Some(known?));
        }
        let _adding = issue.adding.lock().await;
        let known = match issue.get(rescue) {
            Some(known) => known,
            None => match self.read(issue, rescue).await? {
                Some(known) => known,
                None => return Ok(None),
            },
        };
        issue.put(rescue, known.clone());
        Ok(Some(known?))
    }

    /// Reads a rescue at the block of an issue; none if the index has moved on.
    async fn read(&self, issue: &Issue, rescue: Address) -> Result<Option<Known>> {
        let history = match self.store.history_at(self.chain, issue.cursor, rescue).await {
            Ok(Some(history)) => history,
            Ok(None) => return Ok(None),
            Err(error @ (IndexError::HistoryBroken { .. } | IndexError::Client(_))) => {
                return Ok(Some(Err(error)));
            }
            Err(error) => return Err(error.into()),
        };
        let entries = issue.declarations.get(&rescue).cloned().unwrap_or_default();
        let told = task::spawn_blocking(move || Told::of(history, entries)).await?;
        Ok(Some(told.map(Arc::new).map_err(IndexError::Client)))
    }
}

impl Issue {
    async fn first(store: &Store, chain: u64, look: Look) -> Result<Self, IndexError> {
        let declarations = declarations(store, chain, look.block).await?;
        Ok(Self::new(look, Arc::new(declarations)))
    }

    async fn next(
        store: &Store,
        chain: u64,
        look: Look,
        before: &Self,
        changed: Option<&BTreeSet<Address>>,
    ) -> Result<Self, IndexError> {
        match changed {
            Some(_) => Ok(Self::new(look, before.declarations.clone())),
            None => Self::first(store, chain, look).await,
        }
    }

    fn new(look: Look, declarations: Arc<Declarations>) -> Self {
        let compacts = compacts::of_look(&look);
        let Look { cursor, block, contracts: mut rescues, .. } = look;
        rescues.retain(|contract| contract.kind == Kind::Rescue);
        rescues.sort_by_key(|contract| (std::cmp::Reverse(contract.block), contract.address));
        let (shelf, adding, bodies) = Default::default();
        Self { cursor, block, rescues, compacts, declarations, shelf, adding, bodies }
    }

    /// The rescues with logs that are not in this issue; none if that is not known, or there are new declarations.
    fn changed(&self, look: &Look) -> Option<BTreeSet<Address>> {
        let changed = look.changed.as_ref()?;
        let has_board = |contract: &&Contract| contract.kind == Kind::Board;
        let board = look.contracts.iter().find(has_board).map(|board| board.address);
        if board.is_some_and(|board| changed.contains(&board)) {
            // A declaration may be for any of them.
            return None;
        }
        let of_rescue = look.contracts.iter().filter(|contract| changed.contains(&contract.address));
        Some(of_rescue.map(|contract| contract.rescue).collect())
    }

    /// Refuses what is no genuine rescue.
    fn check(&self, chain: u64, rescue: Address) -> Result<(), UserError> {
        let contract = self.rescues.iter().find(|contract| contract.address == rescue);
        match contract.map(|contract| contract.verdict) {
            Some(Verdict::Genuine) => Ok(()),
            Some(Verdict::Counterfeit(reason)) => {
                Err(UserError::new(format!("`{rescue}` is a counterfeit of a rescue: {reason}"))
                    .hint("do not send anything to it"))
            }
            None => Err(history::unknown(chain, rescue)),
        }
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
        told.map(|told| told.history.entries.len()).sum()
    }
}

impl Told {
    fn of(history: History, entries: Arc<Vec<Entry>>) -> Result<Self, levee::Error> {
        let (basis, edition) = (Arc::new(Basis::of(&history)?), history.edition()?);
        Ok(Self::new(history, basis, edition, entries))
    }

    /// The same at a later block, if nothing has happened up to there.
    fn at(&self, block: Block) -> Self {
        let history = History { block, ..self.history.clone() };
        Self::new(history, self.basis.clone(), self.edition, self.entries.clone())
    }

    fn new(history: History, basis: Arc<Basis>, edition: Edition, entries: Arc<Vec<Entry>>) -> Self {
        let view = history.rescue.view(history.moment());
        let declared = entries.iter().filter_map(|entry| entry.event.declared().cloned());
        let declared = declared.filter(|one| one.made_at <= history.block.time).collect();
        Self { history, basis, edition, view, entries, declared, statement: OnceLock::new() }
    }

    /// The statement of the whole rescue, made when it is first asked for.
    pub(super) fn statement(&self) -> Result<&Statement, levee::Error> {
        self.statement.get_or_init(|| Statement::of(&self.history)).as_ref().map_err(Clone::clone)
    }
}

/// All declarations up to a block.
async fn declarations(store: &Store, chain: u64, block: Block) -> Result<Declarations, IndexError> {
    let mut by_rescue: BTreeMap<Address, Vec<Entry>> = BTreeMap::new();
    for entry in store.declarations(chain).await? {
        if let Some(rescue) = history::subject_of(&entry).filter(|_| entry.block <= block.number) {
            by_rescue.entry(rescue).or_default().push(entry);
        }
    }
    Ok(by_rescue.into_iter().map(|(rescue, entries)| (rescue, Arc::new(entries))).collect())
}

fn empty() -> UserError {
    UserError::new("the index is empty").hint("run `levee index` first")
}

pub(super) fn catching_up() -> Report {
    eyre!("the index moves on faster than the rescue can be read")
}
