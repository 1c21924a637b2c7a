//! The state of a rescue, as text and as JSON.

mod beyond;
mod json;
mod next;
mod satellites;
mod text;

pub(crate) use json::RescueJson;
pub(crate) use satellites::Satellites;
pub(crate) use text::{back_by_calendar, kind};

use alloy::primitives::Address;
use levee::{Edition, History, RescueView, Snapshot};
use levee_model::{Amendment, Asset, Models, PerAsset, Rate, Units};

use crate::amount;

/// A rescue at one block.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its address.
    pub(crate) address: Address,
    /// The chain ID.
    pub(crate) chain: u64,
    /// The block's number.
    pub(crate) block: u64,
    /// The block's time, in Unix seconds.
    pub(crate) now: u64,
    /// The edition of its contracts.
    pub(crate) edition: Edition,
    /// Its state.
    pub(crate) view: RescueView,
    /// Its satellite pools.
    pub(crate) satellites: Satellites,
}

impl Page {
    /// The page of a snapshot.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self {
            address: snapshot.contracts.escrow,
            chain: snapshot.chain,
            block: snapshot.block.number,
            now: snapshot.block.time,
            edition: snapshot.edition,
            view: snapshot.rescue.clone(),
            satellites: Satellites::of(snapshot),
        }
    }

    /// The page of a history, by its models: from logs alone.
    pub(crate) fn of_history(history: &History, models: &Models, edition: Edition) -> Self {
        Self {
            address: history.address,
            chain: history.chain,
            block: history.block.number,
            now: history.block.time,
            edition,
            view: history.rescue.view(history.moment()),
            satellites: Satellites::of_history(history, models, edition),
        }
    }

    /// The share rate, if it is needed and known.
    pub(crate) fn rate(&self) -> Option<Rate> {
        self.view.rate.known()
    }

    /// The pending amendment, before which pledgers may exit.
    pub(crate) fn pending(&self) -> Option<Amendment> {
        self.view.pending_amendment(self.now)
    }

    /// The amounts of the tranches after `from` up to `to`, rounded as they are delivered: `1 ETH, 2 wstETH`.
    pub(crate) fn tranches_text(&self, from: PerAsset<u8>, to: PerAsset<u8>) -> String {
        amount::tranches(&self.view, from, to)
    }

    /// The amounts pledged, by asset, without empty ones.
    pub(crate) fn pledged(&self) -> impl Iterator<Item = (Asset, Units)> {
        let total = |asset| (asset, self.view.pledged(asset));
        Asset::ALL.into_iter().map(total).filter(|(_, total)| !total.is_zero())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use levee::{BonusView, PotView, ShareRate};
    use levee_model::{Bps, EndReason, Status, Terms, Tier, Wei};

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
        Page {
            address: Address::repeat_byte(0xe5),
            chain: 1,
            block: 99,
            now: NOW,
            edition: Edition::V1,
            view,
            satellites: Satellites::default(),
        }
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

    impl Page {
        /// The same with a bonus pool.
        pub(crate) fn with_bonus(mut self, view: BonusView) -> Self {
            let address = Address::repeat_byte(0xb0);
            self.satellites.bonus = Some(satellites::Pool { address, view });
            self
        }
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
        assert_eq!((page.view.held_back(), settled().view.held_back()), (3, 0));
        assert_eq!(page.view.calendar(), Some((NOW + 6 * DAY, NOW + 20 * DAY)));
        let back = page.tranches_text(page.view.kept, page.view.held);
        assert_eq!(back, "52.5 ETH, 22.5 stETH (18000000000000000000 shares)");
        assert_eq!(page.tranches_text(page.view.kept, page.view.kept), "nothing");
    }
}
