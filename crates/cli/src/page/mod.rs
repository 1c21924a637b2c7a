//! A rescue on one page, for people and for programs.

mod around;
mod beyond;
mod json;
mod next;
mod text;
mod thresholds;

pub(crate) use around::{Around, Whose, decidable_after, whose};
pub(crate) use text::{back_by_calendar, footing};

use alloy::primitives::Address;
use levee::{RescueView, ShareRate, Snapshot};
use levee_model::{Amendment, Asset, PerAsset, Rate, Status, Timestamp, Units, prorata};

use crate::amount;

/// A rescue as it stood in one block.
#[derive(Debug)]
pub(crate) struct Page {
    /// Where it is.
    pub(crate) address: Address,
    /// On which chain.
    pub(crate) chain: u64,
    /// The block's time, in Unix seconds.
    pub(crate) now: u64,
    /// What it says of itself.
    pub(crate) view: RescueView,
    /// The pools around it.
    pub(crate) around: Around,
}

impl Page {
    /// The page of a snapshot.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self {
            address: snapshot.escrow,
            chain: snapshot.chain,
            now: snapshot.block.time,
            view: snapshot.rescue.clone(),
            around: Around::of(snapshot),
        }
    }

    /// The share rate, where it is needed and known.
    pub(crate) fn rate(&self) -> Option<Rate> {
        match self.view.rate {
            ShareRate::Known(rate) => Some(rate),
            ShareRate::NotNeeded | ShareRate::Unreadable => None,
        }
    }

    /// The amendment that is proposed and not yet in force, before which pledgers may leave.
    pub(crate) fn pending(&self) -> Option<Amendment> {
        let is_open = self.view.status == Status::Open;
        self.view.amendment.filter(|amendment| is_open && !amendment.in_force(self.now))
    }

    /// Tranches that a veto stopped and whose time has not come.
    pub(crate) fn held_back(&self) -> u8 {
        // No more are due than there are.
        if self.view.returns_by_calendar { self.view.terms.tranches - self.view.due } else { 0 }
    }

    /// When the tranches that are not yet due are paid out, or go back after a veto: the first, and the last.
    pub(crate) fn calendar(&self) -> Option<(Timestamp, Timestamp)> {
        let (terms, first) = (&self.view.terms, self.view.next_tranche_at?);
        let further = terms.tranches.saturating_sub(self.view.due).saturating_sub(1);
        Some((first, first.saturating_add(u64::from(further) * u64::from(terms.tranche_interval))))
    }

    /// What the tranches after `from` up to `to` are of each asset, rounded as they are delivered: `1 ETH, 2 wstETH`.
    pub(crate) fn tranches_text(&self, from: PerAsset<u8>, to: PerAsset<u8>) -> String {
        let shown = |asset| {
            let part = self.part_of(asset, from[asset], to[asset]);
            (!part.is_zero()).then(|| amount::units(part, asset, self.rate()))
        };
        let parts: Vec<_> = Asset::ALL.into_iter().filter_map(shown).collect();
        if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
    }

    /// What is pledged, by asset, as far as there is anything.
    pub(crate) fn pledged(&self) -> impl Iterator<Item = (Asset, Units)> {
        let total = |asset| {
            self.view.pots.iter().filter(|pot| pot.asset == asset).map(|pot| pot.total).sum::<Units>()
        };
        Asset::ALL.into_iter().map(move |asset| (asset, total(asset))).filter(|(_, total)| !total.is_zero())
    }

    /// What the tranches after `from` up to `to` are of one asset; nothing if there are none.
    pub(crate) fn part_of(&self, asset: Asset, from: u8, to: u8) -> Units {
        self.drawn_of(asset, to).checked_sub(self.drawn_of(asset, from)).unwrap_or_default()
    }

    /// What so many tranches of an asset are, rounded down pot by pot, as the escrow delivers them.
    fn drawn_of(&self, asset: Asset, count: u8) -> Units {
        let pots = self.view.pots.iter().filter(|pot| pot.asset == asset);
        pots.map(|pot| prorata::tranches_down(pot.drawn, count, self.view.terms.tranches)).sum()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use levee::PotView;
    use levee_model::{Bps, EndReason, Terms, Tier, Wei};

    pub(crate) const NOW: u64 = 1_785_542_400;
    pub(crate) const DAY: u64 = 86_400;

    pub(crate) fn ether(amount: u128) -> u128 {
        amount * 10u128.pow(18)
    }

    pub(crate) fn tier(threshold: u16, draw_order: u8, rate: u16) -> Tier {
        Tier { threshold: Bps::new(threshold), draw_order, rate: Bps::new(rate) }
    }

    pub(crate) fn pot(tier: u8, asset: Asset, total: u128) -> PotView {
        let total = Units::new(total);
        PotView { tier, asset, total, drawn: Units::ZERO, delivered: Units::ZERO }
    }

    /// An open rescue of 100 ETH with 40 ETH and, at a rate of 1.25, 30 stETH; two days before its deadline.
    pub(crate) fn open() -> Page {
        let terms = Terms {
            beneficiary: Address::repeat_byte(0xbe),
            guardian: Address::ZERO,
            steth: Address::repeat_byte(0x51),
            wsteth: Address::repeat_byte(0x52),
            target: Wei::new(ether(100)),
            deadline: NOW + 2 * DAY,
            latest_deadline: NOW + 9 * DAY,
            tiers: vec![tier(5_000, 0, 0), tier(5_000, 1, 380), tier(10_000, 0, 0)],
            objection_period: 3 * 86_400,
            veto: Bps::new(3_300),
            tranches: 4,
            tranche_interval: 7 * 86_400,
            release_window: 30 * 86_400,
            exit_window: 86_400,
            terms_hash: [7; 32].into(),
        };
        let view = RescueView {
            status: Status::Open,
            end_reason: None,
            created_block: 7,
            terms,
            amendment: None,
            pots: vec![pot(0, Asset::Eth, ether(40)), pot(2, Asset::StEth, ether(24))],
            rate: ShareRate::Known(Rate::new(1_250_000_000_000_000_000_000_000_000).unwrap()),
            coverage: Some(Wei::new(ether(70))),
            threshold_met: Bps::ZERO,
            drawn: Wei::ZERO,
            objected: Wei::ZERO,
            settled_at: None,
            cancelled_at: None,
            lapsed_at: None,
            final_at: None,
            due: 0,
            kept: PerAsset::default(),
            delivered: PerAsset::default(),
            held: PerAsset::default(),
            returns_by_calendar: false,
            next_tranche_at: None,
        };
        Page { address: Address::repeat_byte(0xe5), chain: 1, now: NOW, view, around: Around::default() }
    }

    /// The rescue with a pledge of 60 ETH more as a loan, settled four days ago: one of four tranches is due.
    pub(crate) fn settled() -> Page {
        let mut page = open();
        let drawn =
            |tier, asset, total, drawn| PotView { drawn: Units::new(drawn), ..pot(tier, asset, total) };
        page.view.pots = vec![
            drawn(0, Asset::Eth, ether(40), ether(40)),
            drawn(1, Asset::Eth, ether(60), ether(30)),
            drawn(2, Asset::StEth, ether(24), ether(24)),
        ];
        page.view.status = Status::Settled;
        page.view.coverage = Some(Wei::new(ether(130)));
        page.view.threshold_met = Bps::ONE;
        page.view.drawn = Wei::new(ether(100));
        page.view.objected = Wei::new(ether(10));
        page.view.settled_at = Some(NOW - 4 * DAY);
        page.view.due = 1;
        page.view.kept = PerAsset::from_fn(|asset| if asset == Asset::WstEth { 0 } else { 4 });
        page.view.held = page.view.kept;
        page.view.next_tranche_at = Some(NOW + 6 * DAY);
        page
    }

    /// The same after objections reached the veto, with one of four tranches due.
    pub(crate) fn vetoed() -> Page {
        let mut page = settled();
        page.view.status = Status::Cancelled;
        page.view.end_reason = Some(EndReason::Vetoed);
        page.view.objected = Wei::new(ether(40));
        page.view.cancelled_at = Some(NOW);
        page.view.returns_by_calendar = true;
        page.view.kept = PerAsset::from_fn(|asset| u8::from(asset != Asset::WstEth));
        page
    }

    #[test]
    fn an_amendment_is_pending_until_it_is_in_force() {
        let mut page = open();
        let amendment = Amendment { goal: levee_model::Goal::from(&page.view.terms), effective_at: NOW + 1 };
        page.view.amendment = Some(amendment);
        assert_eq!(page.pending(), Some(amendment));
        page.now += 1;
        assert_eq!(page.pending(), None);
    }

    #[test]
    fn what_a_veto_stopped_has_amounts_and_times() {
        let page = vetoed();
        assert_eq!((page.held_back(), settled().held_back()), (3, 0));
        assert_eq!(page.calendar(), Some((NOW + 6 * DAY, NOW + 20 * DAY)));
        let back = page.tranches_text(page.view.kept, page.view.held);
        assert_eq!(back, "52.5 ETH, 22.5 stETH (18000000000000000000 shares)");
        assert_eq!(page.tranches_text(page.view.kept, page.view.kept), "nothing");
    }
}
