//! A scenario to start from: of terms that nobody has pledged under yet, or of all that has happened in a rescue.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::Address;
use eyre::Result;
use levee::{BonusEvent, Entry, Event, History, RecoveryEvent, RescueEvent};
use levee_model::{
    Amount, Asset, Creation, EndReason, Lido, Moment, PositionId, Rate, Rescue, Status, Terms, Timestamp,
    Units, Wei,
};
use serde::Serialize;

use super::{
    cast::{self, BENEFICIARY, GUARDIAN},
    scenario::{CHAIN, Scenario},
};
use crate::{amount, document::Document, error::UserError, percent, terms::TermsFile, time};

/// How long before its deadline the rehearsal of mere terms begins.
const LEAD: u64 = 7 * 24 * 60 * 60;
/// Who makes the pledges of such a rehearsal.
const PLEDGER: &str = "a first pledger";

/// A scenario as it is written.
#[derive(Debug, Serialize)]
pub(super) struct Draft {
    title: String,
    about: String,
    start: String,
    share_rate: String,
    tier_names: Vec<String>,
    terms: TermsDraft,
    contributor: Vec<ContributorDraft>,
    step: Vec<StepDraft>,
    expect: ExpectDraft,
}

#[derive(Debug, Serialize)]
struct TermsDraft {
    chain: u64,
    edition: &'static str,
    beneficiary: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    guardian: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steth: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wsteth: Option<&'static str>,
    target: String,
    deadline: String,
    latest_deadline: String,
    objection_period: String,
    veto: String,
    tranches: u8,
    tranche_interval: String,
    release_window: String,
    exit_window: String,
    terms_hash: String,
    tier: Vec<TierDraft>,
}

#[derive(Debug, Serialize)]
struct TierDraft {
    threshold: String,
    order: u8,
    rate: String,
}

#[derive(Debug, Serialize)]
struct ContributorDraft {
    name: String,
    holds: Vec<String>,
}

/// A step; which keys it has depends on `do`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
struct StepDraft {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(rename = "do")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<String>,
}

#[derive(Debug, Serialize)]
struct ExpectDraft {
    status: String,
    threshold: String,
    target: String,
    pledged: String,
    drawn: String,
}

impl Draft {
    /// Under these terms, one pledger covers everything, tier by tier, and what is drawn is delivered.
    pub(super) fn of_terms(file: &TermsFile) -> Result<Self> {
        let start = file.terms.deadline.checked_sub(LEAD).filter(|start| *start > LEAD).ok_or_else(|| {
            UserError::new(format!(
                "the deadline {} is too early for a rehearsal",
                time::time(file.terms.deadline)
            ))
            .hint("choose a later one")
        })?;
        file.check(start)?;
        let mut rescue =
            Rescue::open(file.address()?, file.terms.clone(), Creation { block: 0, time: start })
                .map_err(levee::Refusal::from)
                .map_err(levee::Error::from)?;
        let now = Moment { time: start, lido: Lido::Working(Rate::PAR) };
        let pledger = cast::address(PLEDGER);
        let mut steps = vec![];
        // The least that meets each threshold, into the first tier that has it.
        while let Some(reach) = rescue.reaches(now).map_err(levee::Error::from)?.first().copied() {
            let tiers = (0u8..).zip(&file.terms.tiers);
            let tier = tiers.into_iter().find(|(_, tier)| tier.threshold == reach.threshold);
            let id = PositionId {
                pledger,
                tier: tier.map_or(reach.tier, |(number, _)| number),
                asset: Asset::Eth,
            };
            let amount = reach.amount.units();
            rescue.pledge(now, id, 0, amount).map_err(levee::Error::from)?;
            steps.push(pledge(PLEDGER.to_owned(), id.tier, amount.of(Asset::Eth)));
        }
        let holds =
            BTreeMap::from([((PLEDGER.to_owned(), Asset::Eth), rescue.view(now).pledged(Asset::Eth))]);
        let about = "Written by `levee rehearse --from`: one pledger covers everything. Change it into what is to be rehearsed.";
        let title = format!("A rehearsal of {}", file.path.display());
        Self::finished(
            (title, about.to_owned()),
            (start, Rate::PAR),
            file.edition.name(),
            holds,
            steps,
            rescue,
            now,
        )
    }

    /// All that has happened in a rescue, and then nothing but what anyone can call.
    pub(super) fn of_history(history: History) -> Result<Self> {
        let edition = history.edition()?.name();
        let recorded = history.rescue.settlement(history.moment()).and_then(|settlement| settlement.rate);
        let rate = recorded.or(history.rate).unwrap_or(Rate::PAR);
        let mut replay = Replay::default();
        history.entries.iter().for_each(|entry| replay.add(entry));
        let start = history.entries.first().map_or(0, |entry| entry.time);
        let title = format!(
            "The rescue {} on chain {}, up to block {}",
            history.address, history.chain, history.block.number
        );
        let about = replay.about(recorded.or(history.rate));
        let now = Moment { time: history.block.time, lido: Lido::Working(rate) };
        Self::finished(
            (title, about),
            (start, rate),
            edition,
            replay.holds,
            replay.steps,
            Arc::unwrap_or_clone(history.rescue),
            now,
        )
    }

    /// Adds what anyone can call from now on, and what is to be expected of it.
    fn finished(
        (title, about): (String, String),
        (start, rate): (Timestamp, Rate),
        edition: &'static str,
        holds: BTreeMap<(String, Asset), Units>,
        mut step: Vec<StepDraft>,
        rescue: Rescue,
        now: Moment,
    ) -> Result<Self> {
        let terms = rescue.terms().clone();
        let mut onward = Onward { rescue, now, steps: Vec::new() };
        onward.play().map_err(levee::Error::from)?;
        let Onward { rescue, now, steps } = onward;
        step.extend(steps);
        let mut contributor: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for ((name, asset), units) in holds {
            contributor.entry(name).or_default().push(units.of(asset).to_string());
        }
        let contributor =
            contributor.into_iter().map(|(name, holds)| ContributorDraft { name, holds }).collect();
        let expect = ExpectDraft::of(&rescue, now);
        Ok(Self {
            title,
            about,
            start: time::time(start),
            share_rate: amount::per_share(rate),
            tier_names: tier_names(&terms),
            terms: TermsDraft::of(&terms, edition),
            contributor,
            step,
            expect,
        })
    }

    /// The text of the file, which `levee rehearse` accepts.
    pub(super) fn to_toml(&self) -> Result<String> {
        let text = toml::to_string(self)?;
        Scenario::read(&Document::new("scenario.toml", text.as_str()))?;
        Ok(text)
    }
}

impl TermsDraft {
    /// The accounts are those of rehearsals.
    fn of(terms: &Terms, edition: &'static str) -> Self {
        let duration = |seconds: u32| time::duration(seconds.into());
        let takes_shares = terms.accepts(Asset::StEth);
        let tier = |tier: &levee_model::Tier| TierDraft {
            threshold: percent::percent(tier.threshold),
            order: tier.draw_order,
            rate: percent::percent(tier.rate),
        };
        Self {
            chain: CHAIN,
            edition,
            beneficiary: BENEFICIARY,
            guardian: (!terms.guardian.is_zero()).then_some(GUARDIAN),
            steth: takes_shares.then_some("stETH"),
            wsteth: takes_shares.then_some("wstETH"),
            target: amount::eth(terms.target),
            deadline: time::time(terms.deadline),
            latest_deadline: time::time(terms.latest_deadline),
            objection_period: duration(terms.objection_period),
            veto: percent::percent(terms.veto),
            tranches: terms.tranches,
            tranche_interval: duration(terms.tranche_interval),
            release_window: duration(terms.release_window),
            exit_window: duration(terms.exit_window),
            terms_hash: terms.terms_hash.to_string(),
            tier: terms.tiers.iter().map(tier).collect(),
        }
    }
}

/// `grant 0`: each is unique.
fn tier_names(terms: &Terms) -> Vec<String> {
    let kind = |tier: &levee_model::Tier| if tier.rate.get() == 0 { "grant" } else { "loan" };
    terms.tiers.iter().enumerate().map(|(number, tier)| format!("{} {number}", kind(tier))).collect()
}

impl ExpectDraft {
    fn of(rescue: &Rescue, now: Moment) -> Self {
        let view = rescue.view(now);
        Self {
            status: view.status.to_string(),
            threshold: percent::percent(view.threshold_met),
            target: amount::eth(view.terms.target),
            pledged: amount::eth(view.coverage.unwrap_or(Wei::ZERO)),
            drawn: amount::eth(view.drawn),
        }
    }
}

fn pledge(who: String, tier: u8, amount: Amount) -> StepDraft {
    let (tier, amount) = (Some(tier), Some(amount.to_string()));
    StepDraft { kind: "pledge", who: Some(who), tier, amount, ..StepDraft::default() }
}

/// What anyone can call from now on: settle, refund and release.
#[derive(Debug)]
struct Onward {
    rescue: Rescue,
    now: Moment,
    steps: Vec<StepDraft>,
}

impl Onward {
    fn play(&mut self) -> Result<(), levee::Refusal> {
        if self.rescue.stored_status() == Status::Open {
            let view = self.rescue.view(self.now);
            if !view.can_settle_early(self.now.time) {
                self.go_to(self.rescue.decided_by(self.now.time));
            }
            self.rescue.settle(self.now)?;
            self.step("settle");
        }
        self.refund();
        let view = self.rescue.view(self.now);
        let last = view
            .due_at(view.terms.tranches)
            .filter(|_| view.status == Status::Settled || view.held_back() > 0);
        if let Some(last) = last {
            self.go_to(last.max(self.now.time));
        }
        self.release()?;
        self.refund();
        Ok(())
    }

    fn go_to(&mut self, time: Timestamp) {
        self.now.time = time;
    }

    fn step(&mut self, kind: &'static str) {
        let at = Some(time::time(self.now.time));
        self.steps.push(StepDraft { at, kind, ..StepDraft::default() });
    }

    /// Everything that can be refunded.
    fn refund(&mut self) {
        let ids: Vec<PositionId> = self.rescue.positions().map(|(id, _)| id).collect();
        // In order, since refunds depend on nothing but the position.
        let paid = ids.into_iter().filter(|id| self.rescue.refund(self.now, *id).is_ok()).count();
        if paid > 0 {
            self.step("refund");
        }
    }

    /// Everything that is due.
    fn release(&mut self) -> Result<(), levee::Refusal> {
        let due = |asset: &Asset| !self.rescue.deliverable(self.now, *asset).is_zero();
        let due: Vec<Asset> = Asset::ALL.into_iter().filter(due).collect();
        if due.is_empty() {
            return Ok(());
        }
        self.step("release");
        due.into_iter().try_for_each(|asset| self.rescue.release(self.now, asset).map(drop))
    }
}

/// What happened, as steps.
#[derive(Debug, Default)]
struct Replay {
    steps: Vec<StepDraft>,
    holds: BTreeMap<(String, Asset), Units>,
    /// Whether a payment went to somebody else.
    is_redirected: bool,
    /// Whether somebody could not be paid in ETH, or in wstETH.
    is_unpaid: bool,
}

impl Replay {
    fn add(&mut self, entry: &Entry) {
        let step = match &entry.event {
            Event::Rescue(event) => self.of_rescue(event),
            Event::Recovery(event) => self.of_recovery(event),
            Event::Bonus(event) => self.of_bonus(event),
            Event::Board(_) | Event::Receiver(_) | Event::Compact(_) => None,
        };
        let Some(step) = step else { return };
        let at = Some(time::time(entry.time));
        let of_steth = |kind| StepDraft { at: at.clone(), kind, ..StepDraft::default() };
        let step = StepDraft { at: at.clone(), ..step };
        match step.kind {
            // It expired because the rate could not be read.
            "expire" => self.steps.extend([of_steth("break"), step, of_steth("repair")]),
            _ => self.steps.push(step),
        }
    }

    fn of_rescue(&mut self, event: &RescueEvent) -> Option<StepDraft> {
        use RescueEvent as E;
        Some(match *event {
            E::Pledged { position, amount } => {
                self.hold(position.pledger, position.asset, amount);
                pledge(position.pledger.to_string(), position.tier, amount.of(position.asset))
            }
            E::Exited { position, recipient, .. } => self.paid("exit", position, recipient),
            E::Declined { position, .. } => of_position("decline", position),
            E::Refunded { position, recipient, .. } => self.paid("refund", position, recipient),
            E::Objected { position, .. } => of_position("object", position),
            E::Owed { asset, .. } => return self.owed(asset),
            E::Collected { pledger, asset, recipient, .. } => {
                self.is_redirected |= recipient != pledger;
                if asset != Asset::StEth {
                    return None;
                }
                let (who, asset) = (Some(pledger.to_string()), Some(asset.to_string()));
                StepDraft { kind: "collect", who, asset, ..StepDraft::default() }
            }
            E::AmendmentProposed { amendment } => StepDraft {
                kind: "amend",
                target: Some(amount::eth(amendment.goal.target)),
                deadline: Some(time::time(amendment.goal.deadline)),
                ..StepDraft::default()
            },
            E::Released { asset, .. } => {
                StepDraft { kind: "release", asset: Some(asset.to_string()), ..StepDraft::default() }
            }
            _ => return of_decision(event),
        })
    }

    /// The departure just before could not be paid. Only a paused stETH can be rehearsed.
    fn owed(&mut self, asset: Asset) -> Option<StepDraft> {
        if asset != Asset::StEth {
            self.is_unpaid = true;
            return None;
        }
        let departure = self.steps.pop()?;
        let pause = StepDraft { at: departure.at.clone(), kind: "pause", ..StepDraft::default() };
        self.steps.extend([pause, departure]);
        Some(StepDraft { kind: "resume", ..StepDraft::default() })
    }

    fn of_recovery(&mut self, event: &RecoveryEvent) -> Option<StepDraft> {
        match *event {
            RecoveryEvent::Recovered { amount, .. } => {
                let amount = Some(amount::eth(amount));
                Some(StepDraft { kind: "recover", amount, ..StepDraft::default() })
            }
            RecoveryEvent::Claimed { position, recipient, .. } => {
                Some(self.paid("claim", position, recipient))
            }
            RecoveryEvent::Created { .. } | RecoveryEvent::Repaid { .. } => None,
        }
    }

    fn of_bonus(&mut self, event: &BonusEvent) -> Option<StepDraft> {
        match *event {
            BonusEvent::Added { sponsor, amount } => {
                self.hold(sponsor, Asset::Eth, Amount::Eth(amount).units());
                let (who, amount) = (Some(sponsor.to_string()), Some(amount::eth(amount)));
                Some(StepDraft { kind: "bonus add", who, amount, ..StepDraft::default() })
            }
            BonusEvent::Enlisted { position, .. } => Some(of_position("bonus enlist", position)),
            BonusEvent::Claimed { position, recipient, .. } => {
                Some(self.paid("bonus claim", position, recipient))
            }
            BonusEvent::Returned { sponsor, recipient, .. } => {
                self.is_redirected |= recipient != sponsor;
                let who = Some(sponsor.to_string());
                Some(StepDraft { kind: "bonus take back", who, ..StepDraft::default() })
            }
            BonusEvent::Created { .. } | BonusEvent::Decided(_) => None,
        }
    }

    fn hold(&mut self, who: Address, asset: Asset, amount: Units) {
        *self.holds.entry((who.to_string(), asset)).or_default() += amount;
    }

    fn paid(&mut self, kind: &'static str, position: PositionId, recipient: Address) -> StepDraft {
        self.is_redirected |= recipient != position.pledger;
        of_position(kind, position)
    }

    /// What is not as it was.
    fn about(&self, rate: Option<Rate>) -> String {
        let rate = match rate {
            Some(_) => "the value of a share, which is that of the settlement or of now all the time",
            None => "the value of a share, which is not known and taken to be 1 ETH",
        };
        let mut changed = vec![
            "the accounts, which are those of rehearsals: pledgers have their addresses as names",
            rate,
            "the documents of amendments",
            "what was declared on the board",
            "who paid for a call that anyone may make",
        ];
        changed.extend(self.is_redirected.then_some("payments to somebody else than the pledger"));
        changed.extend(
            self.is_unpaid
                .then_some("what could not be paid in another asset than stETH: here it is paid at once"),
        );
        let changed = changed.join("; ");
        format!(
            "Written by `levee rehearse --from`: all that has happened, and then nothing but what anyone can call. Not carried over: {changed}."
        )
    }
}

fn of_position(kind: &'static str, PositionId { pledger, tier, asset }: PositionId) -> StepDraft {
    let (who, asset) = (Some(pledger.to_string()), Some(asset.to_string()));
    StepDraft { kind, who, tier: Some(tier), asset, ..StepDraft::default() }
}

/// Events that change the status, or what is held. A veto follows from the objections.
fn of_decision(event: &RescueEvent) -> Option<StepDraft> {
    use RescueEvent as E;
    let kind = match event {
        E::Settled { .. } | E::Failed { reason: EndReason::NoThresholdMet, .. } => "settle",
        E::Failed { reason: EndReason::EndedByGuardian, .. }
        | E::Cancelled { reason: EndReason::StoppedByGuardian, .. }
        | E::HoldLifted { .. } => "cancel",
        E::Failed { .. } => "expire",
        E::Lapsed { .. } => "lapse",
        _ => return None,
    };
    Some(StepDraft { kind, ..StepDraft::default() })
}
