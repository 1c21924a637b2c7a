//! A rescue to test with: three tiers in two groups, both tokens, four tranches, a veto, a guardian.

#![allow(dead_code, reason = "each test binary uses a part")]

use alloy_primitives::{Address, B256};
use levee_model::{
    Asset, Bps, Creation, Lido, Moment, PositionId, Rate, Rescue, Terms, Tier, Timestamp, Units, Wei,
};

pub(crate) const ESCROW: Address = Address::repeat_byte(0xe5);
pub(crate) const BENEFICIARY: Address = Address::repeat_byte(0xbe);
pub(crate) const GUARDIAN: Address = Address::repeat_byte(0x6a);
pub(crate) const ALICE: Address = Address::repeat_byte(0xa1);
pub(crate) const BOB: Address = Address::repeat_byte(0xb0);

pub(crate) const CREATED: Creation = Creation { block: 1, time: 0 };

/// 1.2 wei a share.
pub(crate) const RATE: u128 = 1_200_000_000_000_000_000_000_000_000;
pub(crate) const TARGET: u128 = 1_000_000_000_000;
pub(crate) const DEADLINE: Timestamp = 1_000;
pub(crate) const LATEST_DEADLINE: Timestamp = 1_500;
/// What a pledge names while no amendment was proposed.
pub(crate) const UNAMENDED: Timestamp = 0;

pub(crate) fn tier(threshold: u16, draw_order: u8, rate: u16) -> Tier {
    Tier { threshold: Bps::new(threshold), draw_order, rate: Bps::new(rate) }
}

pub(crate) fn terms() -> Terms {
    Terms {
        beneficiary: BENEFICIARY,
        guardian: GUARDIAN,
        steth: Address::repeat_byte(0x51),
        wsteth: Address::repeat_byte(0x52),
        target: Wei::new(TARGET),
        deadline: DEADLINE,
        latest_deadline: LATEST_DEADLINE,
        tiers: vec![tier(2_500, 0, 0), tier(7_500, 1, 400), tier(10_000, 0, 0)],
        objection_period: 100,
        veto: Bps::new(3_300),
        tranches: 4,
        tranche_interval: 10,
        release_window: 50,
        exit_window: 200,
        terms_hash: B256::ZERO,
    }
}

pub(crate) fn rescue() -> Rescue {
    Rescue::open(ESCROW, terms(), CREATED).expect("the terms are allowed")
}

pub(crate) fn rate(number: u128) -> Rate {
    Rate::new(number).expect("the rate is within bounds")
}

pub(crate) fn at(time: Timestamp) -> Moment {
    Moment { time, lido: Lido::Working(rate(RATE)) }
}

pub(crate) fn broken(time: Timestamp) -> Moment {
    Moment { time, lido: Lido::Broken }
}

pub(crate) fn id(pledger: Address, tier: u8, asset: Asset) -> PositionId {
    PositionId { pledger, tier, asset }
}

pub(crate) fn units(number: u128) -> Units {
    Units::new(number)
}
