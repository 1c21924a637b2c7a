//! What is new among facts, compared with what was told.

use std::collections::{BTreeMap, BTreeSet};

use levee_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Basis, Content, Fact, Notice, NoticeKind as Kind};

/// How often a state is told without a pause.
const RESTLESS: u32 = 6;

/// The shortest pause between two notices of a state that was told more often, in seconds.
const PAUSE: u64 = 3_600;

/// What was told of a fact, to be kept until [`News::forgotten`] says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The key of the fact.
    pub key: String,
    /// The notice that told it last; none if it was known before anybody wanted to know.
    pub notice: Option<Notice>,
    /// How often something was told of it: each notice has an ID of its own.
    pub times: u32,
    /// How it stood then.
    pub stood: Stood,
}

/// How a fact stood when it was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stood {
    /// It happened.
    Happened,
    /// The chain dropped its block.
    Dropped,
    /// Its date was told.
    Reminded,
    /// It had come so far.
    At(u64),
}

/// How far the chain can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// The latest block whose events are told.
    pub deep: u64,
    /// The latest block that the chain does not drop any more.
    pub finalized: u64,
    /// The block up to which all events were compared before, for good; none at the first look.
    pub through: Option<u64>,
}

/// What there is to tell, and to keep of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// In the order of the facts; what is taken back comes first.
    pub notices: Vec<Notice>,
    /// To be kept in the place of what was kept with the same keys.
    pub told: Vec<Told>,
    /// Keys of which nothing needs to be kept any more.
    pub forgotten: Vec<String>,
    /// The block up to which all events were compared, for good.
    pub through: u64,
}

/// Compares the facts that there are at `now`, about all or about one account, with what was told of them. Events must be all of the
/// history's, states only those of blocks that are told.
///
/// A state that was told six times is told at most once an hour from then on, if it is another one by then.
///
/// At the first look, events are only told if there is still something to do about them. An event in a block that is not told yet is none,
/// but takes nothing back.
pub fn news(facts: &[Fact], told: &BTreeMap<String, Told>, now: Timestamp, depth: Depth) -> News {
    let teller = Teller { told, now, depth };
    let settled = depth.deep.min(depth.finalized);
    let mut news = News { through: depth.through.unwrap_or_default().max(settled), ..News::default() };
    let happened: BTreeSet<&str> =
        facts.iter().filter(|fact| fact.is_event()).map(|fact| fact.key.as_str()).collect();
    let gone = |one: &&Told| one.stood == Stood::Happened && !happened.contains(one.key.as_str());
    for dropped in told.values().filter(gone) {
        news.take_back(dropped, now);
    }
    for fact in facts {
        match fact.basis {
            Basis::Event { block } => teller.event(&mut news, fact, block),
            Basis::Date => teller.date(&mut news, fact),
            Basis::State { step, tells_fall } => teller.state(&mut news, fact, step, tells_fall),
        }
    }
    news
}

impl Fact {
    const fn is_event(&self) -> bool {
        matches!(self.basis, Basis::Event { .. })
    }
}

struct Teller<'a> {
    told: &'a BTreeMap<String, Told>,
    now: Timestamp,
    depth: Depth,
}

impl Teller<'_> {
    fn event(&self, news: &mut News, fact: &Fact, block: u64) {
        let before = self.told.get(&fact.key);
        let is_new = match before.map(|told| told.stood) {
            Some(Stood::Dropped) => true,
            Some(_) => false,
            None => self.depth.through.is_none_or(|through| block > through),
        };
        if is_new && block <= self.depth.deep {
            let is_late =
                self.depth.through.is_none() && fact.content.until.is_none_or(|until| until <= self.now);
            news.tell(fact, before, Stood::Happened, !is_late);
        }
        // What is final is never compared again.
        if block <= news.through && (is_new || before.is_some()) {
            news.forget(&fact.key);
        }
    }

    fn date(&self, news: &mut News, fact: &Fact) {
        if !self.told.contains_key(&fact.key) {
            // What has long been so at the first look is no news.
            let is_late = self.depth.through.is_none() && fact.content.until.is_none();
            news.tell(fact, None, Stood::Reminded, !is_late);
        }
    }

    fn state(&self, news: &mut News, fact: &Fact, step: u64, tells_fall: bool) {
        let before = self.told.get(&fact.key);
        let last = match before.map(|told| told.stood) {
            Some(Stood::At(last)) => last,
            _ => 0,
        };
        // Money that goes in and out again and again would bury everything else: what is so after the pause is told then.
        if step != last && !before.is_some_and(|told| told.is_restless(self.now)) {
            news.tell(fact, before, Stood::At(step), step > last || tells_fall);
        }
    }
}

impl Told {
    /// Whether it was told so often, and so lately, that it can wait.
    fn is_restless(&self, now: Timestamp) -> bool {
        let latest = self.notice.as_ref().map_or(0, |notice| notice.content.at);
        self.times >= RESTLESS && now < latest.saturating_add(PAUSE)
    }
}

impl News {
    /// Whether there is nothing to tell, and nothing to change in what is kept.
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty() && self.told.is_empty() && self.forgotten.is_empty()
    }

    /// Keeps how a fact stands, and tells it if it is worth that.
    fn tell(&mut self, fact: &Fact, before: Option<&Told>, stood: Stood, is_told: bool) {
        let times = before.map_or(0, |told| told.times);
        let notice = is_told.then(|| {
            let id = if times == 0 { fact.key.clone() } else { format!("{}-{times}", fact.key) };
            Notice { id, content: fact.content.clone(), corrects: None }
        });
        self.notices.extend(notice.clone());
        let notice = notice.or_else(|| before?.notice.clone());
        let (key, times) = (fact.key.clone(), times + u32::from(is_told));
        self.told.push(Told { key, notice, times, stood });
    }

    fn take_back(&mut self, dropped: &Told, now: Timestamp) {
        let Some(before) = &dropped.notice else {
            self.forget(&dropped.key);
            return;
        };
        let content = Content {
            kind: Kind::TakenBack,
            at: now,
            until: None,
            title: format!("Taken back: {}", before.content.title),
            text: "The chain dropped the block in which this happened. If it happens again, it is told anew."
                .into(),
            ..before.content.clone()
        };
        let (id, corrects) = (format!("{}-back", before.id), Some(before.id.clone()));
        self.notices.push(Notice { id, content, corrects });
        self.told.push(Told { stood: Stood::Dropped, ..dropped.clone() });
    }

    fn forget(&mut self, key: &str) {
        self.told.retain(|told| told.key != key);
        self.forgotten.push(key.to_owned());
    }
}
