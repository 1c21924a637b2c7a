//! A rescue on one page, for people and for programs.

mod around;
mod json;
mod next;
mod text;
mod thresholds;

pub(crate) use around::{Around, whose};
pub(crate) use text::footing;

use alloy::primitives::Address;
use levee::{RescueView, ShareRate};
use levee_model::Rate;

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
    /// The pools around it; none for verbs that have no use for them.
    pub(crate) around: Around,
}

impl Page {
    /// The share rate, where it is needed and known.
    pub(crate) fn rate(&self) -> Option<Rate> {
        match self.view.rate {
            ShareRate::Known(rate) => Some(rate),
            ShareRate::NotNeeded | ShareRate::Unreadable => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use levee::PotView;
    use levee_model::{Asset, Bps, PerAsset, Status, Terms, Tier, Units, Wei};

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
            fail_reason: None,
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
            final_at: None,
            due: 0,
            kept: PerAsset::default(),
            delivered: PerAsset::default(),
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
        page.view.next_tranche_at = Some(NOW + 6 * DAY);
        page
    }
}
