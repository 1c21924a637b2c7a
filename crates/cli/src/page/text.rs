//! The page as text.

use std::fmt::Write;

use levee::{display::decimal, text::status};
use levee_model::{Amendment, Asset, Bps, Status, Threshold, Tier, Timestamp, TrancheState, Wei};

use super::Page;
use crate::{amount, event, percent, table, time};

impl Page {
    /// The page as text; `clock` is the time of this machine.
    pub(crate) fn to_text(&self, clock: Timestamp) -> String {
        let mut text = table::facts(&self.facts(clock));
        let sections = [("tiers", self.tiers()), ("tranches", self.tranches()), ("next", self.next())];
        for (title, section) in sections {
            if !section.is_empty() {
                // Writing to a string cannot fail.
                let _ok = write!(text, "\n{title}\n{section}");
            }
        }
        text
    }

    pub(crate) fn facts(&self, clock: Timestamp) -> Vec<(&'static str, String)> {
        let view = &self.view;
        let terms = &view.terms;
        let guardian = if terms.guardian.is_zero() { "none".into() } else { terms.guardian.to_string() };
        let mut facts = vec![
            ("rescue", format!("{} on chain {}", self.address, self.chain)),
            ("block", self.block(clock)),
            ("status", self.status()),
            ("beneficiary", terms.beneficiary.to_string()),
            ("guardian", guardian),
            ("tokens", self.tokens()),
            ("target", amount::eth(terms.target)),
            ("coverage", self.coverage()),
        ];
        if view.settled_at.is_none() {
            facts.extend(self.thresholds().into_iter().map(|line| ("threshold", line)));
        }
        if let Some(rate) = self.rate() {
            // A rate is wei per 10^27 shares: a billionth of it is wei per 10^18, what one wstETH is worth.
            facts.push(("share rate", format!("1 wstETH = {} stETH", decimal(rate.get() / 10u128.pow(9)))));
        }
        facts.push(("deadline", time::time_from(terms.deadline, self.now)));
        if view.is_stuck(self.now) {
            let limit = time::time_from(view.settleable_until(), self.now);
            facts.push(("can expire", format!("after {limit}")));
        }
        if view.status == Status::Open && terms.latest_deadline > terms.deadline {
            facts.push(("at latest", format!("{}, by amendments", time::time(terms.latest_deadline))));
        }
        facts.extend(self.amendment());
        facts.extend(self.windows());
        facts.extend(self.after_settlement());
        facts.extend(self.pools());
        facts.push(("terms hash", terms.terms_hash.to_string()));
        facts.push((
            "created",
            format!("in block {}, with edition {} of the contracts", view.created_block, self.edition),
        ));
        facts
    }

    /// The block and its age by the clock of this machine, unless the chain's clock is ahead.
    fn block(&self, clock: Timestamp) -> String {
        let time = if clock < self.now { time::time(self.now) } else { time::time_from(self.now, clock) };
        format!("{}, {time}", self.block)
    }

    fn tokens(&self) -> String {
        let terms = &self.view.terms;
        match terms.accepts(Asset::StEth) {
            true => format!("ETH, stETH {} and wstETH {}", terms.steth, terms.wsteth),
            false => "ETH only".into(),
        }
    }

    /// The time windows for pledgers and the beneficiary, and the effect of objections.
    fn windows(&self) -> Vec<(&'static str, String)> {
        let terms = &self.view.terms;
        let [objection, exit, release] = [terms.objection_period, terms.exit_window, terms.release_window]
            .map(|seconds| time::duration(seconds.into()));
        let veto = match terms.veto {
            Bps::ZERO => "none".into(),
            veto => format!(
                "objections of {} of the draw stop tranches that are not yet due",
                percent::percent(veto)
            ),
        };
        let lapse = match self.view.collectable_until() {
            Some(last) => {
                format!("after {}, for what is not delivered", time::time_from(last, self.now))
            }
            None => format!("{release} after the last tranche is due, for what is not delivered"),
        };
        vec![
            ("veto", veto),
            ("objections", format!("{objection} before the first tranche, and until the last is due")),
            ("exit window", format!("{exit} before an amendment takes effect")),
            ("lapse", lapse),
        ]
    }

    fn status(&self) -> String {
        let status = self.view.status;
        if self.view.is_stuck(self.now) {
            return format!(
                "{}: the value of stETH shares cannot be read",
                status::text(&self.view, self.now)
            );
        }
        match status {
            Status::Settled if self.view.settled_at.is_none() => {
                format!("{status}, as soon as a call records it")
            }
            Status::Cancelled if self.view.final_at.is_none() => {
                format!("{}; what was due can still be delivered", self.status_and_reason())
            }
            Status::Released | Status::Cancelled => format!("{}, final", self.status_and_reason()),
            _ => self.status_and_reason(),
        }
    }

    fn status_and_reason(&self) -> String {
        let status = self.view.status;
        self.view.end_reason.map_or_else(|| status.to_string(), |reason| format!("{status}: {reason}"))
    }

    fn coverage(&self) -> String {
        match self.view.coverage {
            None => "unknown: the value of stETH shares cannot be read".into(),
            Some(coverage) => {
                let target = self.view.terms.target;
                let (bar, share) = (bar(coverage, target), percent::of_down(coverage, target));
                format!("{bar} {}, {share} of the target", amount::eth(coverage))
            }
        }
    }

    fn thresholds(&self) -> Vec<String> {
        let line = |threshold: Threshold| {
            let met = match self.view.is_overtaken(threshold) {
                true => "below the one that is met",
                false if threshold.is_met() => "met",
                false => "not met",
            };
            let (has, needs) = (amount::eth(threshold.coverage), amount::eth(threshold.required));
            let bar = bar(threshold.coverage, threshold.required);
            format!("{bar} {} {met}: has {has}, needs {needs}", percent::percent(threshold.threshold))
        };
        self.view.thresholds().into_iter().map(line).collect()
    }

    /// The pending amendment and the time to exit, or since when the terms are amended.
    fn amendment(&self) -> Vec<(&'static str, String)> {
        let Some(Amendment { goal, effective_at }) = self.view.amendment else { return Vec::new() };
        let at = time::time_from(effective_at, self.now);
        if self.pending().is_none() {
            return vec![("amended", format!("since {at}; the terms shown here are those in force"))];
        }
        let (target, deadline) = (amount::eth(goal.target), time::time(goal.deadline));
        vec![
            ("amendment", format!("target {target}, deadline {deadline}, document {}", goal.terms_hash)),
            ("effective", format!("{at}; until then, pledgers can withdraw with `levee exit`")),
        ]
    }

    fn after_settlement(&self) -> Vec<(&'static str, String)> {
        let view = &self.view;
        let mut facts = Vec::new();
        if !matches!(view.status, Status::Open | Status::Failed) {
            facts.push(("drawn", format!("{} at settlement", amount::eth(view.drawn))));
            facts.extend(self.objected().map(|line| ("objected", line)));
        }
        facts.extend(view.settled_at.map(|at| {
            let threshold = percent::percent(view.threshold_met);
            ("settled", format!("{} at a threshold of {threshold}", time::time(at)))
        }));
        let times = [("cancelled", view.cancelled_at), ("lapsed", view.lapsed_at), ("final", view.final_at)];
        for (name, at) in times {
            facts.extend(at.map(|at| (name, time::time(at))));
        }
        facts.extend(self.held().map(|line| ("held", line)));
        facts
    }

    /// The amounts that a veto stopped, and when they go back.
    fn held(&self) -> Option<String> {
        let (first, last) = self.view.calendar().filter(|_| self.view.held_back() > 0)?;
        let held = self.tranches_text(self.view.kept, self.view.held);
        Some(format!("{held}; {}", back_by_calendar(self.view.held_back(), first, last)))
    }

    fn objected(&self) -> Option<String> {
        let view = &self.view;
        if view.terms.veto.get() == 0 || view.drawn.is_zero() {
            return None;
        }
        let (share, veto) = (percent::of_down(view.objected, view.drawn), percent::percent(view.terms.veto));
        Some(format!("{}, {share} of the draw; {veto} stops the rest", amount::eth(view.objected)))
    }

    pub(crate) fn tiers(&self) -> String {
        let mut rows = Vec::new();
        for (index, tier) in (0u8..).zip(&self.view.terms.tiers) {
            let pots: Vec<_> = self.view.pots.iter().filter(|pot| pot.tier == index).collect();
            if pots.is_empty() {
                rows.push(self.tier_row(index, tier, ["-".into(), "-".into(), "-".into()]));
            }
            for pot in pots {
                let shown = |units| amount::worth(units, pot.asset, self.rate());
                rows.push(self.tier_row(index, tier, [pot.total, pot.drawn, pot.delivered].map(shown)));
            }
        }
        table::render(["tier", "threshold", "order", "kind", "pledged", "drawn", "delivered"], &rows)
    }

    fn tier_row(&self, index: u8, tier: &Tier, [pledged, drawn, delivered]: [String; 3]) -> [String; 7] {
        let (threshold, order) = (percent::percent(tier.threshold), tier.draw_order.to_string());
        [index.to_string(), threshold, order, kind(tier), pledged, drawn, delivered]
    }

    pub(crate) fn tranches(&self) -> String {
        let view = &self.view;
        let terms = &view.terms;
        if view.settled_at.is_none() {
            if matches!(view.status, Status::Failed) {
                return String::new();
            }
            let first = time::duration(terms.objection_period.into());
            let interval = match terms.tranches {
                1 => String::new(),
                _ => format!(", {} apart", time::duration(terms.tranche_interval.into())),
            };
            return format!("{}, the first {first} after settlement{interval}\n", terms.tranches);
        }
        let rows = (1..=terms.tranches).map(|number| self.tranche_row(number));
        if terms.accepts(Asset::StEth) {
            return table::render(["tranche", "due", "ETH", "stETH", "wstETH"], &rows.collect::<Vec<_>>());
        }
        let rows: Vec<_> = rows.map(|[number, due, eth, ..]| [number, due, eth]).collect();
        table::render(["tranche", "due", "ETH"], &rows)
    }

    fn tranche_row(&self, number: u8) -> [String; 5] {
        let due = self.view.due_at(number).map_or_else(String::new, |due| time::time_from(due, self.now));
        let state = |asset| tranche_state(self.view.tranche_state(number, asset)).to_owned();
        let [eth, steth, wsteth] = Asset::ALL.map(state);
        [number.to_string(), due, eth, steth, wsteth]
    }

    fn next(&self) -> String {
        let row = |call: super::next::Call| {
            [format!("levee {}", call.command), call.who.to_owned(), call.effect.to_owned()]
        };
        let rows: Vec<_> = self.next_calls().into_iter().map(row).collect();
        if rows.is_empty() { String::new() } else { table::render(["call", "who", "effect"], &rows) }
    }
}

fn bar(part: Wei, whole: Wei) -> String {
    table::bar(percent::bps_down(part, whole))
}

const fn tranche_state(state: Option<TrancheState>) -> &'static str {
    match state {
        None => "-",
        Some(TrancheState::Delivered) => "delivered",
        Some(TrancheState::Due) => "due",
        Some(TrancheState::ToCome) => "not due",
        Some(TrancheState::GoesBack) => "goes back",
        Some(TrancheState::Stopped) => "stopped",
    }
}

/// When tranches that a veto stops go back: at the times at which they would have fallen due.
pub(crate) fn back_by_calendar(count: u8, first: Timestamp, last: Timestamp) -> String {
    let (tranches, first) = (event::tranches_text(count), time::time(first));
    match count {
        1 => format!("{tranches} goes back at {first}"),
        _ => format!("{tranches} go back one by one, from {first} to {}", time::time(last)),
    }
}

/// `grant`, or `loan at 3.8 %`.
pub(crate) fn kind(tier: &Tier) -> String {
    match tier.rate.get() {
        0 => "grant".into(),
        _ => format!("loan at {} a year", percent::percent(tier.rate)),
    }
}

#[cfg(test)]
mod tests {
    use crate::page::tests::{NOW, open, settled, vetoed};
    use alloy::primitives::Address;
    use levee::ShareRate;
    use levee_model::{Amendment, Goal, Wei};

    #[test]
    fn an_open_rescue_on_its_page() {
        let [rescue, beneficiary, steth, wsteth] = [0xe5, 0xbe, 0x51, 0x52].map(Address::repeat_byte);
        let expected = format!(
            "\
rescue       {rescue} on chain 1
block        99, 2026-08-01T00:00:00Z (12 seconds ago)
status       Open
beneficiary  {beneficiary}
guardian     none
tokens       ETH, stETH {steth} and wstETH
             {wsteth}
target       100 ETH
coverage     [##############......] 70 ETH, 70 % of the target
threshold    [################....] 50 % not met: has 40 ETH, needs 50 ETH
threshold    [##############......] 100 % not met: has 70 ETH, needs 100 ETH
share rate   1 wstETH = 1.25 stETH
deadline     2026-08-03T00:00:00Z (in 2 days)
at latest    2026-08-10T00:00:00Z, by amendments
veto         objections of 33 % of the draw stop tranches that are not yet due
objections   3 days before the first tranche, and until the last is due
exit window  1 day before an amendment takes effect
lapse        30 days after the last tranche is due, for what is not delivered
terms hash   0x0707070707070707070707070707070707070707070707070707070707070707
created      in block 7, with edition v1 of the contracts

tiers
tier  threshold  order  kind                  pledged   drawn    delivered
0     50 %       0      grant                 40 ETH    0 ETH    0 ETH
1     50 %       1      loan at 3.8 % a year  -         -        -
2     100 %      0      grant                 30 stETH  0 stETH  0 stETH

tranches
4, the first 3 days after settlement, 7 days apart

next
call                          who     effect
levee pledge AMOUNT --tier N  anyone  locks a pledge
levee bonus add AMOUNT        anyone  adds to the bonus
"
        );
        assert_eq!(open().to_text(NOW + 12), expected);
    }

    #[test]
    fn a_settled_rescue_shows_its_tranches_by_asset() {
        let text = settled().to_text(NOW + 12);
        let expected = "\
tranches
tranche  due                                ETH      stETH    wstETH
1        2026-07-31T00:00:00Z (1 day ago)   due      due      -
2        2026-08-07T00:00:00Z (in 6 days)   not due  not due  -
3        2026-08-14T00:00:00Z (in 13 days)  not due  not due  -
4        2026-08-21T00:00:00Z (in 20 days)  not due  not due  -
";
        assert!(text.contains(expected), "{text}");
        let lapse = "\nlapse        after 2026-09-20T00:00:00Z (in 50 days), for what is not delivered\n";
        assert!(text.contains(lapse), "{text}");
        assert!(text.contains("\nobjected     10 ETH, 10 % of the draw; 33 % stops the rest\n"), "{text}");
        assert!(!text.contains("\nthreshold"), "{text}");
        assert!(text.contains("\nsettled      2026-07-28T00:00:00Z at a threshold of 100 %\n"), "{text}");
    }

    #[test]
    fn a_rescue_in_eth_only_has_no_other_columns() {
        let mut page = settled();
        (page.view.terms.steth, page.view.terms.wsteth) = (Address::ZERO, Address::ZERO);
        let tranches = "tranche  due                                ETH\n\
                        1        2026-07-31T00:00:00Z (1 day ago)   due\n";
        assert!(page.tranches().starts_with(tranches), "{}", page.tranches());
    }

    #[test]
    fn what_cannot_be_valued_is_said_and_not_guessed() {
        let mut page = open();
        page.view.rate = ShareRate::Unreadable;
        page.view.coverage = None;
        page.now = page.view.terms.deadline + 1;
        let text = page.to_text(NOW + 12);
        let stuck = "status       Past its deadline: the value of stETH shares cannot be read\n";
        assert!(text.contains(stuck), "{text}");
        assert!(text.contains("coverage     unknown: the value of stETH shares cannot be read\n"), "{text}");
        let expires = "\ncan expire   after 2026-09-02T00:00:00Z (in 29 days 23 hours)\n";
        assert!(text.contains(expires), "{text}");
        assert!(!text.contains("\nthreshold"), "{text}");
        assert!(text.contains("24000000000000000000"), "{text}");
    }

    #[test]
    fn a_pending_amendment_is_shown_with_its_time() {
        let mut page = open();
        let goal = Goal { target: Wei::new(5 * 10u128.pow(18)), ..Goal::from(&page.view.terms) };
        page.view.amendment = Some(Amendment { goal, effective_at: page.now + 86_400 });
        let text = page.to_text(NOW + 12);
        assert!(
            text.contains(
                "amendment    target 5 ETH, deadline 2026-08-03T00:00:00Z, document\n             0x0707"
            ),
            "{text}"
        );
        let leave = "\neffective    2026-08-02T00:00:00Z (in 1 day); until then, pledgers can withdraw\n             with `levee exit`\n";
        assert!(text.contains(leave), "{text}");
        page.now += 86_401;
        let text = page.to_text(NOW + 12);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let since =
            "amended since 2026-08-02T00:00:00Z (1 second ago); the terms shown here are those in force";
        assert!(words.contains(since), "{text}");
    }

    #[test]
    fn what_a_veto_stopped_is_held_and_goes_back_by_the_calendar() {
        let text = vetoed().to_text(NOW + 12);
        let held = "\nheld         52.5 ETH, 22.5 stETH (18000000000000000000 shares); 3 tranches go\n             \
                    back one by one, from 2026-08-07T00:00:00Z to 2026-08-21T00:00:00Z\n";
        assert!(text.contains(held), "{text}");
        let status = "\nstatus       Cancelled: objections stopped it; what was due can still be\n             delivered\n";
        assert!(text.contains(status), "{text}");
        assert!(
            text.contains("\n2        2026-08-07T00:00:00Z (in 6 days)   goes back  goes back  -\n"),
            "{text}"
        );
        let mut lifted = vetoed();
        lifted.view.returns_by_calendar = false;
        lifted.view.held = lifted.view.kept;
        let text = lifted.to_text(NOW + 12);
        assert!(!text.contains("\nheld"), "{text}");
        assert!(
            text.contains("\n2        2026-08-07T00:00:00Z (in 6 days)   stopped  stopped  -\n"),
            "{text}"
        );
    }
}
