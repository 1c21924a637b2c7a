//! What the chain drops, the index drops: afterward it is what an index would be that never saw it.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, Log as Emitted},
    rpc::types::Log,
};
use levee::{
    Blueprint, Error,
    model::{Asset, CompactTerms, PositionId, Units},
};
use levee_index::{
    Added, Counterfeit, Cursor, Header, IndexError, Indexer, Kind, Source, Step, Store, Tip, Verdict,
};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use tempfile::TempDir;

use crate::{
    chain::{
        self, CHAIN, Chain, FINALITY, announcement, announcement_of_compact, committed, compact_terms,
        declined, pledged, terms,
    },
    postgres::Server,
    stores::{assert_is_fresh, catch_up, found, sqlite},
};

/// What happens in one block.
#[derive(Debug, Clone)]
enum Happening {
    Nothing,
    Announce(u8),
    /// A contract elsewhere announces the same rescue.
    Imitate(u8),
    /// Rescue, pledger, amount; ignored if there is no such rescue yet.
    Pledge(u8, u8, u64),
    /// Rescue, pledger; ignored if the position is empty.
    Decline(u8, u8),
    /// A compact is created, by its number.
    Found(u8),
    /// Compact, member, amount; ignored if there is no such compact yet.
    Commit(u8, u8, u64),
}

/// Where the numbers of compacts begin: those of rescues are lower.
const COMPACTS: u8 = 0x80;

/// Some blocks, and then fewer, and others instead, and so on.
#[derive(Debug, Clone)]
struct Turn {
    dropped: usize,
    blocks: Vec<Vec<Happening>>,
}

/// What the contracts hold after each block, so that only what can happen happens.
type Held = BTreeMap<(u8, u8), u128>;

struct Writer {
    chain: Chain,
    /// After each block, which rescues exist and what they hold.
    states: Vec<(Vec<u8>, Held)>,
}

impl Writer {
    fn new() -> Self {
        let chain = Chain::default();
        chain.mine([]);
        Self { chain, states: vec![(Vec::new(), Held::new())] }
    }

    fn play(&mut self, turn: &Turn) {
        let dropped = turn.dropped.min(self.chain.not_final());
        self.chain.drop_latest(dropped);
        self.states.truncate(self.states.len() - dropped);
        for happenings in &turn.blocks {
            let (mut exist, mut held) = self.states.last().cloned().expect("the first block stays");
            let logs: Vec<_> =
                happenings.iter().filter_map(|happening| log(happening, &mut exist, &mut held)).collect();
            self.chain.mine(logs);
            self.states.push((exist, held));
        }
    }
}

fn id(pledger: u8) -> PositionId {
    PositionId { pledger: Address::repeat_byte(pledger), tier: 0, asset: Asset::Eth }
}

fn log(happening: &Happening, exist: &mut Vec<u8>, held: &mut Held) -> Option<Emitted> {
    match *happening {
        Happening::Nothing => None,
        Happening::Announce(number) => {
            let terms = terms(number);
            let is_new = !exist.contains(&number);
            exist.extend(is_new.then_some(number));
            is_new.then(|| announcement(chain::address(&terms), &terms))
        }
        Happening::Imitate(number) => Some(announcement(Address::repeat_byte(0xf0 + number), &terms(number))),
        Happening::Pledge(number, pledger, amount) => {
            let amount = u128::from(amount);
            exist.contains(&number).then(|| {
                *held.entry((number, pledger)).or_default() += amount;
                pledged(chain::address(&terms(number)), id(pledger), Units::new(amount))
            })
        }
        Happening::Decline(number, pledger) => held
            .remove(&(number, pledger))
            .map(|amount| declined(chain::address(&terms(number)), id(pledger), Units::new(amount))),
        Happening::Found(number) => {
            let is_new = !exist.contains(&number);
            exist.extend(is_new.then_some(number));
            is_new.then(|| announcement_of_compact(compact(number), &compact_terms(number)))
        }
        Happening::Commit(number, member, amount) => {
            let amount = u128::from(amount);
            exist.contains(&number).then(|| {
                *held.entry((number, member)).or_default() += amount;
                committed(compact(number), Address::repeat_byte(member), Units::new(amount))
            })
        }
    }
}

/// Where a compact is.
fn compact(number: u8) -> Address {
    Blueprint::compact(&compact_terms(number)).address()
}

/// Whether the members of a compact have pending what they should.
async fn assert_members(store: &Store, number: u8, held: &Held) {
    let history = store.compact(CHAIN, compact(number)).await.expect("it can be read").expect("it is there");
    let members = history.compact.books().members;
    let pending = members.iter().map(|(member, view)| (*member, view.pending)).collect::<Vec<_>>();
    let expected = held.iter().filter(|((other, _), _)| *other == number);
    let expected = expected.map(|(&(_, member), &amount)| (Address::repeat_byte(member), Units::new(amount)));
    assert_eq!(pending, expected.collect::<Vec<_>>());
}

fn happening() -> impl Strategy<Value = Happening> {
    let (rescue, pledger, compact) = (0..3u8, 0..4u8, COMPACTS..COMPACTS + 2);
    prop_oneof![
        2 => Just(Happening::Nothing),
        1 => rescue.clone().prop_map(Happening::Announce),
        1 => rescue.clone().prop_map(Happening::Imitate),
        6 => (rescue.clone(), pledger.clone(), 1..u64::MAX).prop_map(|(r, p, a)| Happening::Pledge(r, p, a)),
        2 => (rescue, pledger.clone()).prop_map(|(r, p)| Happening::Decline(r, p)),
        1 => compact.clone().prop_map(Happening::Found),
        3 => (compact, pledger, 1..u64::MAX).prop_map(|(c, m, a)| Happening::Commit(c, m, a)),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    // A chain that only got shorter looks like a node that is behind.
    let blocks = prop::collection::vec(prop::collection::vec(happening(), 0..4), 1..100);
    (0..FINALITY as usize, blocks).prop_map(|(dropped, blocks)| Turn { dropped, blocks })
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    prop::collection::vec(turn(), 1..5)
}

/// Plays the turns, and compares the store with a new one after each.
async fn play(store: Store, turns: &[Turn]) {
    let mut writer = Writer::new();
    let mut indexer = Indexer::new(writer.chain.clone(), store.clone(), CHAIN, 0);
    for turn in turns {
        writer.play(turn);
        catch_up(&mut indexer).await;
        assert_is_fresh(&store, writer.chain.clone(), CHAIN).await;
        let (exist, held) = writer.states.last().expect("the first block stays");
        for number in exist {
            if *number >= COMPACTS {
                assert_members(&store, *number, held).await;
                continue;
            }
            let rows = store.positions(CHAIN, chain::address(&terms(*number))).await.expect("it can be read");
            let rows = rows.iter().map(|row| (row.id, row.position.amount)).filter(|(_, a)| !a.is_zero());
            let expected = held.iter().filter(|((rescue, _), _)| rescue == number);
            let expected = expected.map(|(&(_, pledger), &amount)| (id(pledger), Units::new(amount)));
            assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}

fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().expect("it can be started").block_on(test);
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn undone_blocks_leave_no_trace(turns in turns()) {
        block_on(async {
            let directory = tempfile::tempdir().unwrap();
            play(sqlite(&directory, "index.db").await, &turns).await;
        });
    }
}

#[test]
fn undone_blocks_leave_no_trace_on_postgres() {
    let server = Server::start();
    let mut runner = TestRunner::deterministic();
    let turns = prop::collection::vec(turn(), 5).new_tree(&mut runner).unwrap().current();
    block_on(async {
        let store = server.open().await;
        play(store.clone(), &turns).await;
        store.close().await;
    });
}

#[tokio::test]
async fn what_was_final_and_is_dropped_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(&directory, "index.db").await;
    let chain = Chain::default();
    (0..200).for_each(|_| chain.mine([]));
    let mut indexer = Indexer::new(chain.clone(), store.clone(), CHAIN, 0);
    catch_up(&mut indexer).await;
    let before = store.headers(CHAIN).await.unwrap();
    let lowest = *before.last().unwrap();
    assert_eq!((before.len(), lowest.number), (65, 135));
    chain.drop_latest(66);
    let terms = terms(0);
    (0..70).for_each(|_| chain.mine([announcement(chain::address(&terms), &terms)]));
    let error = indexer.step().await.unwrap_err();
    let IndexError::FinalBlockChanged { location, number, indexed, found } = error else { panic!("{error}") };
    assert_eq!(location, directory.path().join("index.db").display().to_string());
    assert_eq!((number, indexed), (135, lowest.hash));
    assert_ne!(found, indexed);
    assert_eq!(store.headers(CHAIN).await.unwrap(), before, "nothing was changed");
}

/// Whoever keeps what the logs of a contract add up to need only look at the place of the latest.
#[tokio::test]
async fn the_latest_log_is_elsewhere_if_any_before_it_is_another() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(&directory, "index.db").await;
    let (chain, terms) = (Chain::default(), terms(0));
    let rescue = chain::address(&terms);
    let mut indexer = Indexer::new(chain.clone(), store.clone(), CHAIN, 0);
    let mut places = Vec::new();
    chain.mine([]);
    for amount in [5, 6] {
        chain.mine([announcement(rescue, &terms), pledged(rescue, id(1), Units::new(amount))]);
        chain.mine([pledged(rescue, id(2), Units::new(7))]);
        chain.mine([]);
        catch_up(&mut indexer).await;
        let place = store.latest_log(CHAIN, rescue).await.unwrap().unwrap();
        let headers = store.headers(CHAIN).await.unwrap();
        assert_eq!((place.block_hash, place.log_index), (headers[1].hash, 0));
        places.push(place);
        chain.drop_latest(3);
    }
    assert_ne!(places[0], places[1]);
    assert_eq!(store.latest_log(CHAIN, Address::ZERO).await, Ok(None));
}

/// Whoever keeps what it has made of the index reads again only what has changed, and all of it if blocks may have been dropped.
#[tokio::test]
async fn a_look_tells_what_has_changed_since_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let (chain, store, [first, second]) = with_two_rescues(&directory).await;
    assert!(store.look(CHAIN, None).await.unwrap().is_none(), "nothing is indexed yet");
    let mut indexer = Indexer::new(chain.clone(), store.clone(), CHAIN, 0);
    catch_up(&mut indexer).await;
    let look = store.look(CHAIN, None).await.unwrap().unwrap();
    assert_eq!((look.block.number, look.changed), (chain.head(), None));
    assert_eq!(look.contracts, store.contracts(CHAIN).await.unwrap());
    assert!(store.look(CHAIN, Some(look.cursor)).await.unwrap().is_none(), "nothing has changed");
    let history = |at| store.history_at(CHAIN, at, first);
    assert_eq!(history(look.cursor).await.unwrap().unwrap().block, look.block);

    chain.mine([pledged(first, id(2), Units::new(5))]);
    catch_up(&mut indexer).await;
    assert!(history(look.cursor).await.unwrap().is_none(), "the index has moved on");
    let next = store.look(CHAIN, Some(look.cursor)).await.unwrap().unwrap();
    assert_eq!(next.changed, Some([first].into()));
    assert_eq!(history(next.cursor).await.unwrap().unwrap().entries.len(), 3);

    chain.drop_latest(1);
    chain.mine([pledged(second, id(2), Units::new(5))]);
    chain.mine([]);
    catch_up(&mut indexer).await;
    let undone = store.look(CHAIN, Some(next.cursor)).await.unwrap().unwrap();
    assert_eq!(undone.changed, None, "the block before was dropped");
    let since = store.look(CHAIN, Some(look.cursor)).await.unwrap().unwrap();
    assert_eq!(since.changed, Some([second].into()), "the one before that was not");

    // So far on that headers of that time are not kept any more.
    (0..200).for_each(|_| chain.mine([]));
    catch_up(&mut indexer).await;
    let forgotten = store.look(CHAIN, Some(look.cursor)).await.unwrap().unwrap();
    assert_eq!(forgotten.changed, None, "it was not final then, and is not kept");
    let of_final = Cursor { finalized: look.cursor.number, ..look.cursor };
    assert_eq!(store.look(CHAIN, Some(of_final)).await.unwrap().unwrap().changed, Some([second].into()));
}

#[tokio::test]
async fn a_node_that_is_behind_undoes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(&directory, "index.db").await;
    let chain = Chain::default();
    (0..20).for_each(|_| chain.mine([]));
    let mut indexer = Indexer::new(chain.clone(), store.clone(), CHAIN, 0);
    catch_up(&mut indexer).await;
    let cursor = store.cursor(CHAIN).await.unwrap();
    chain.drop_latest(5);
    assert!(matches!(indexer.step().await.unwrap(), Step::UpToDate(_)));
    assert_eq!(store.cursor(CHAIN).await.unwrap(), cursor);
}

#[tokio::test]
async fn counterfeits_are_kept_as_such_and_add_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(&directory, "index.db").await;
    let (chain, imitation) = (Chain::default(), Address::repeat_byte(0xf0));
    let (genuine, mut unreadable) = (terms(1), announcement(Address::repeat_byte(0xf1), &terms(1)));
    unreadable.data = alloy::primitives::LogData::new_unchecked(unreadable.topics().to_vec(), vec![1].into());
    chain.mine([announcement(imitation, &genuine), pledged(imitation, id(1), Units::new(5)), unreadable]);
    let address = chain::address(&genuine);
    // Before it exists, nothing at its address counts.
    chain.mine([announcement(address, &genuine), pledged(address, id(1), Units::new(7))]);
    catch_up(&mut Indexer::new(chain, store.clone(), CHAIN, 0)).await;
    let rescues = store.rescues(CHAIN).await.unwrap();
    let verdicts: Vec<_> = rescues.iter().map(|rescue| (rescue.address, rescue.verdict)).collect();
    let false_one = |reason| Verdict::Counterfeit(reason);
    assert_eq!(
        verdicts,
        [
            (imitation, false_one(Counterfeit::OtherAddress)),
            (Address::repeat_byte(0xf1), false_one(Counterfeit::UnreadableTerms)),
            (address, Verdict::Genuine),
        ]
    );
    assert!(store.history(CHAIN, imitation).await.unwrap().is_none());
    assert_eq!(store.positions(CHAIN, imitation).await.unwrap(), []);
    assert_eq!(store.history(CHAIN, address).await.unwrap().unwrap().entries.len(), 2);
    let kinds: Vec<_> = store.contracts(CHAIN).await.unwrap().iter().map(|contract| contract.kind).collect();
    let count = |kind| kinds.iter().filter(|other| **other == kind).count();
    let all = [Kind::Rescue, Kind::RecoveryPool, Kind::BonusPool, Kind::Board];
    assert_eq!(all.map(count), [3, 1, 1, 1]);
}

#[tokio::test]
async fn a_compact_is_proven_by_its_address_its_token_and_its_escrows() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(&directory, "index.db").await;
    let (chain, imitation) = (Chain::default(), Address::repeat_byte(0xf0));
    let foreign_escrows =
        CompactTerms { escrow_code_hash: alloy::primitives::B256::repeat_byte(9), ..compact_terms(1) };
    let (_, mainnet) = levee::Network::of(1).and_then(levee::Network::lido).unwrap();
    let foreign_token = CompactTerms { wsteth: mainnet, ..compact_terms(1) };
    let of_terms = |terms: &CompactTerms| Blueprint::compact(terms).address();
    let [no_escrows, no_token] = [&foreign_escrows, &foreign_token].map(of_terms);
    let member = Address::repeat_byte(1);
    chain.mine([
        announcement_of_compact(imitation, &compact_terms(1)),
        committed(imitation, member, Units::new(5)),
        announcement_of_compact(no_escrows, &foreign_escrows),
        committed(no_escrows, member, Units::new(5)),
    ]);
    chain.mine([announcement_of_compact(no_token, &foreign_token)]);
    chain.mine([
        announcement_of_compact(compact(1), &compact_terms(1)),
        committed(compact(1), member, Units::new(7)),
    ]);
    catch_up(&mut Indexer::new(chain, store.clone(), CHAIN, 0)).await;
    let compacts = store.compacts(CHAIN).await.unwrap();
    let verdicts: BTreeMap<_, _> = compacts.iter().map(|one| (one.address, one.verdict)).collect();
    let expected = [
        (imitation, Verdict::Counterfeit(Counterfeit::OtherAddress)),
        (no_escrows, Verdict::Counterfeit(Counterfeit::ForeignEscrows)),
        (no_token, Verdict::Counterfeit(Counterfeit::ForeignTokens)),
        (compact(1), Verdict::Genuine),
    ];
    assert_eq!(verdicts, expected.into());
    for address in [imitation, no_escrows] {
        assert!(store.compact(CHAIN, address).await.unwrap().is_none(), "its logs are not kept");
    }
    assert_eq!(store.compact(CHAIN, compact(1)).await.unwrap().unwrap().entries.len(), 2);
    assert_eq!(store.rescues(CHAIN).await.unwrap(), []);
    assert!(store.history(CHAIN, compact(1)).await.unwrap().is_none(), "it is no rescue");
}

#[tokio::test]
async fn a_compact_whose_logs_do_not_follow_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(&directory, "index.db").await;
    let (chain, member) = (Chain::default(), Address::repeat_byte(1));
    chain.mine([announcement_of_compact(compact(1), &compact_terms(1))]);
    chain.mine([
        announcement_of_compact(compact(1), &compact_terms(1)),
        committed(compact(1), member, Units::new(7)),
    ]);
    let mut indexer = Indexer::new(chain.clone(), store.clone(), CHAIN, 0);
    assert_eq!(indexer.step().await.unwrap(), Step::Changed, "they are read a second time");
    let Step::Indexed(Added { broken, .. }) = indexer.step().await.unwrap() else { panic!() };
    let expected = format!(
        "the logs of the compact `{}` do not follow from each other in block 1: a second creation does not follow from what came before",
        compact(1)
    );
    assert_eq!(broken.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    assert_eq!(store.compact(CHAIN, compact(1)).await.unwrap_err(), broken[0]);
    chain.drop_latest(1);
    (0..2).for_each(|_| chain.mine([committed(compact(1), member, Units::new(7))]));
    catch_up(&mut indexer).await;
    assert_eq!(store.compact(CHAIN, compact(1)).await.unwrap().unwrap().entries.len(), 3);
}

/// The rescue, after 100 blocks, in a store of its own; and another rescue beside it.
async fn with_two_rescues(directory: &TempDir) -> (Chain, Store, [Address; 2]) {
    let (chain, store) = (Chain::default(), sqlite(directory, "index.db").await);
    let rescues = [terms(1), terms(2)].map(|terms| (chain::address(&terms), terms));
    chain.mine(rescues.iter().map(|(address, terms)| announcement(*address, terms)));
    (0..100).for_each(|_| chain.mine([]));
    let addresses = rescues.map(|(address, _)| address);
    chain.mine(addresses.map(|address| pledged(address, id(1), Units::new(7))));
    (chain, store, addresses)
}

async fn amounts(store: &Store, rescue: Address) -> Vec<u128> {
    let rows = store.positions(CHAIN, rescue).await.expect("it can be read");
    rows.iter().map(|row| row.position.amount.get()).collect()
}

#[tokio::test]
async fn a_rescue_whose_logs_do_not_follow_holds_up_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let (chain, store, [broken, whole]) = with_two_rescues(&directory).await;
    let mut indexer = Indexer::new(chain.clone(), store.clone(), CHAIN, 0);
    catch_up(&mut indexer).await;
    let more = |address| pledged(address, id(1), Units::new(1));
    chain.mine([declined(broken, id(1), Units::new(8)), more(broken), more(whole)]);
    let before = store.cursor(CHAIN).await.unwrap();
    assert_eq!(indexer.step().await.unwrap(), Step::Changed, "they are read a second time");
    assert_eq!(store.cursor(CHAIN).await.unwrap(), before, "nothing is written");
    let Step::Indexed(Added { progress, broken: found }) = indexer.step().await.unwrap() else { panic!() };
    let [error] = &found[..] else { panic!("{found:?}") };
    let expected = format!("the logs of the rescue `{broken}` do not follow from each other in block 102: ");
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert_eq!((error.kind(), error.is_users(), progress.logs), ("HistoryBroken", false, 3));

    // What follows is not told of again, and adds up to nothing.
    chain.mine([more(broken), more(whole)]);
    let steps = catch_up(&mut indexer).await;
    assert!(matches!(&steps[0], Step::Indexed(added) if added.broken.is_empty()), "{steps:?}");
    assert_eq!((amounts(&store, broken).await, amounts(&store, whole).await), (vec![7], vec![9]));
    assert_eq!(store.rescue(CHAIN, broken).await.unwrap_err(), *error);
    assert_eq!(store.history(CHAIN, broken).await.unwrap_err(), *error);
    assert!(store.history(CHAIN, whole).await.is_ok());

    // The chain drops what does not follow.
    chain.drop_latest(2);
    (0..3).for_each(|_| chain.mine([more(broken)]));
    catch_up(&mut indexer).await;
    assert_eq!((amounts(&store, broken).await, amounts(&store, whole).await), (vec![10], vec![7]));
    assert!(store.rescue(CHAIN, broken).await.is_ok());
    assert_is_fresh(&store, chain, CHAIN).await;
}

/// A chain behind several nodes, of which one that is far behind answers every request that names no hash that it does not know.
struct Behind {
    chain: Chain,
    lag: u64,
}

impl Source for Behind {
    async fn tip(&self) -> Result<Tip, Error> {
        self.chain.tip().await
    }

    async fn header(&self, number: u64) -> Result<Option<Header>, Error> {
        self.chain.header(number).await
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<Log>, Error> {
        let head = self.chain.head() - self.lag;
        if first > head { Ok(Vec::new()) } else { self.chain.logs(first, last.min(head)).await }
    }

    async fn logs_of(&self, header: &Header) -> Result<Vec<Log>, Error> {
        self.chain.logs_of(header).await
    }
}

#[tokio::test]
async fn a_node_far_behind_the_others_hides_no_logs() {
    let directory = tempfile::tempdir().unwrap();
    let (chain, store, [one, other]) = with_two_rescues(&directory).await;
    for number in 0..1_000 {
        chain.mine([one, other].map(|address| pledged(address, id(2), Units::new(number + 1))));
    }
    // As far as a node may be behind: further than what is final, by 256 blocks.
    let behind = Behind { chain: chain.clone(), lag: FINALITY + 256 };
    catch_up(&mut Indexer::new(behind, store.clone(), CHAIN, 0)).await;
    assert_is_fresh(&store, chain, CHAIN).await;
}

#[tokio::test]
async fn an_index_of_other_contracts_is_not_carried_on() {
    let directory = tempfile::tempdir().unwrap();
    let (chain, store, _) = with_two_rescues(&directory).await;
    catch_up(&mut Indexer::new(chain.clone(), store.clone(), CHAIN, 0)).await;
    let rows = rows(&directory, "index.db").await;
    for change in ["UPDATE cursors SET rules = zeroblob(32)", "UPDATE cursors SET rules = NULL"] {
        assert_eq!(sqlx::query(change).execute(&rows).await.unwrap().rows_affected(), 1);
        chain.mine([]);
        let error = Indexer::new(chain.clone(), store.clone(), CHAIN, 0).step().await.unwrap_err();
        assert_eq!((error.kind(), error.is_users()), ("OtherRules", true));
    }
}

/// The tables of a store, past the store.
async fn rows(directory: &TempDir, name: &str) -> sqlx::AnyPool {
    let url = format!("sqlite://{}/{name}", directory.path().display());
    sqlx::AnyPool::connect(&url).await.expect("it opens")
}

#[tokio::test]
async fn a_store_is_read_only_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.db");
    let location = path.to_str().unwrap();
    let error = Store::open_to_read(location).await.unwrap_err();
    assert_eq!((error.kind(), error.is_users(), path.exists()), ("NoIndex", true, false));
    let (chain, store, [rescue, _]) = with_two_rescues(&directory).await;
    catch_up(&mut Indexer::new(chain, store.clone(), CHAIN, 0)).await;
    let reader = Store::open_to_read(location).await.unwrap();
    assert_eq!(amounts(&reader, rescue).await, [7]);
    let rows = rows(&directory, "index.db").await;
    sqlx::query("DELETE FROM schema_versions WHERE version = 1").execute(&rows).await.unwrap();
    let error = Store::open_to_read(location).await.unwrap_err();
    let expected = format!("the store `{location}` has schema 1, but this release reads schema 2");
    assert_eq!((error.to_string(), error.is_users()), (expected, true));
}

#[test]
fn who_may_only_read_a_postgres_can() {
    let server = Server::start();
    block_on(async {
        let store = server.open().await;
        server.query("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader").await;
        let url = server.url_as("reader");
        assert_eq!(Store::open_to_read(&url).await.unwrap().chains().await.unwrap(), [0; 0]);
        let error = Store::open(&url).await.unwrap_err();
        assert_eq!((error.kind(), error.is_users()), ("StoreUnusable", true), "{error}");
        let error = Store::open(&server.url_as("nobody")).await.unwrap_err();
        assert_eq!((error.kind(), error.is_users()), ("StoreUnusable", true), "{error}");
        store.close().await;
    });
    let url = server.url();
    drop(server);
    let error = tokio::runtime::Runtime::new().unwrap().block_on(Store::open(&url)).unwrap_err();
    assert_eq!((error.kind(), error.is_users()), ("StoreUnreachable", false), "{error}");
}

#[tokio::test]
async fn a_row_that_is_wrong_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let (chain, terms) = (Chain::default(), terms(1));
    let address = chain::address(&terms);
    chain.mine([announcement(address, &terms)]);
    chain.mine([pledged(address, id(1), Units::new(7)), pledged(address, id(2), Units::new(8))]);
    let mut stores = Vec::new();
    for name in ["index.db", "fresh.db"] {
        stores.push(sqlite(&directory, name).await);
        catch_up(&mut Indexer::new(chain.clone(), stores[stores.len() - 1].clone(), CHAIN, 0)).await;
    }
    assert_eq!(found(&stores[0], &stores[1], CHAIN).await, []);
    let rows = rows(&directory, "index.db").await;
    for change in [
        "DELETE FROM logs WHERE block = 1 AND log_index = 1",
        "UPDATE positions SET objected = 1 WHERE pledger = x'0101010101010101010101010101010101010101'",
        "UPDATE positions SET pledger = x'0303030303030303030303030303030303030303'
         WHERE pledger = x'0202020202020202020202020202020202020202'",
    ] {
        assert_eq!(sqlx::query(change).execute(&rows).await.unwrap().rows_affected(), 1);
    }
    let found = found(&stores[0], &stores[1], CHAIN).await;
    assert_eq!(found.len(), 4, "{found:#?}");
    let log =
        format!("logs chain={CHAIN} address={} block=1 log_index=1", address.to_string().to_lowercase());
    assert_eq!((&found[0].what, &found[0].index), (&log, &None));
    let position = |pledger: &str| {
        let rescue = address.to_string().to_lowercase();
        format!("positions chain={CHAIN} rescue={rescue} pledger=0x{} tier=0 asset=0", pledger.repeat(20))
    };
    let texts =
        |found: &levee_index::Difference| (found.what.clone(), found.index.clone(), found.chain.clone());
    let objected = |is: u8| Some(format!("objected={is}"));
    let whole = Some(format!("amount=0x{:032x} refunded=0x{:032x} objected=0 departures=0", 8, 0));
    assert_eq!(texts(&found[1]), (position("01"), objected(1), objected(0)));
    assert_eq!(texts(&found[2]), (position("02"), None, whole.clone()));
    assert_eq!(texts(&found[3]), (position("03"), whole, None));
}
