//! What was fixed when the escrow was created, and which terms are allowed?

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    asset::Asset,
    display::{ether, utc},
    schedule::Timestamp,
    units::{Bps, Wei},
};

/// The most tiers.
pub const MAX_TIERS: usize = 8;
/// The most tranches.
pub const MAX_TRANCHES: u8 = 64;
/// The smallest target.
pub const MIN_TARGET: Wei = Wei::new(1_000_000_000);
/// The largest target: 96 bits.
pub const MAX_TARGET: Wei = Wei::new((1 << 96) - 1);

/// A kind of pledge: under which condition, in which order, and as a grant or a loan its pledges are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tier {
    /// The coverage below which this tier is not drawn, as a share of the target; 1 to 10,000.
    #[serde(rename = "thresholdBps")]
    pub threshold: Bps,
    /// Groups are drawn in ascending order; tiers with the same order form one group.
    pub draw_order: u8,
    /// Zero for a grant; otherwise simple yearly interest on what was drawn. Tiers of one order have one rate.
    #[serde(rename = "rateBps")]
    pub rate: Bps,
}

/// What is fixed when an escrow is created. Only target, deadline and terms hash can be amended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    /// The only address a draw can go to; not zero.
    #[serde(with = "crate::json::Account")]
    pub beneficiary: Address,
    /// May decline, amend and cancel, within bounds; zero for none.
    #[serde(with = "crate::json::AccountOrNone")]
    pub guardian: Address,
    /// Lido's stETH; zero, together with `wsteth`, for a rescue in ETH only.
    #[serde(rename = "stETH", with = "crate::json::AccountOrNone")]
    pub steth: Address,
    /// The wstETH that wraps this stETH.
    #[serde(rename = "wstETH", with = "crate::json::AccountOrNone")]
    pub wsteth: Address,
    /// The shortfall to cover; [`MIN_TARGET`] to [`MAX_TARGET`].
    #[serde(rename = "targetWei")]
    pub target: Wei,
    /// Last second at which a pledge is accepted.
    #[serde(rename = "deadlineUnix")]
    pub deadline: Timestamp,
    /// No amendment can move the deadline beyond it; not before `deadline`.
    #[serde(rename = "latestDeadlineUnix")]
    pub latest_deadline: Timestamp,
    /// 1 to 8 tiers by rising threshold; the last one's is 100 %.
    pub tiers: Vec<Tier>,
    /// Seconds from settlement to the first tranche. Not zero: nothing is ever due in the block that settles.
    #[serde(rename = "objectionPeriodSeconds")]
    pub objection_period: u32,
    /// Share of the drawn value whose objections cancel the rest, below 100 %: weights are rounded down, and all of it
    /// could not be reached. Zero for no veto.
    #[serde(rename = "vetoBps")]
    pub veto: Bps,
    /// Number of equal tranches, 1 to 64.
    pub tranches: u8,
    /// Seconds between two tranches. Not zero if there are several.
    #[serde(rename = "trancheIntervalSeconds")]
    pub tranche_interval: u32,
    /// Seconds that a due tranche may stay undelivered, after the last is due, before anyone may end the rescue; also
    /// how long after the deadline an unreadable rate may hold up settlement. Not zero.
    #[serde(rename = "releaseWindowSeconds")]
    pub release_window: u32,
    /// Seconds of notice that an amendment needs, during which anyone may leave. Not zero.
    #[serde(rename = "exitWindowSeconds")]
    pub exit_window: u32,
    /// Hash of the human-readable document.
    #[serde(with = "crate::json::Hash")]
    pub terms_hash: B256,
}

/// The rule that the terms break, by the name of the constructor's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum TermsError {
    /// The beneficiary is the zero address.
    #[error("the beneficiary is the zero address")]
    BeneficiaryZero,
    /// Only one of stETH and wstETH is set, or wstETH does not wrap this stETH.
    #[error("wstETH `{wsteth}` does not wrap stETH `{steth}`; set both, or neither")]
    TokensMismatch {
        /// stETH.
        #[serde(rename = "stETH", with = "crate::json::AccountOrNone")]
        steth: Address,
        /// wstETH.
        #[serde(rename = "wstETH", with = "crate::json::AccountOrNone")]
        wsteth: Address,
    },
    /// The target is too small or too large.
    #[error("the target {} is not between {} and {}", ether(*.target), ether(MIN_TARGET), ether(MAX_TARGET))]
    TargetOutOfBounds {
        /// The target.
        #[serde(rename = "targetWei")]
        target: Wei,
    },
    /// The deadline is not after the creation.
    #[error("the deadline {} has passed: it is now {}", utc(*.deadline), utc(*.time))]
    DeadlinePassed {
        /// The deadline.
        #[serde(rename = "deadlineUnix")]
        deadline: Timestamp,
        /// When the escrow would be created.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// The latest deadline is before the deadline.
    #[error("the latest deadline {} is before the deadline {}", utc(*.latest_deadline), utc(*.deadline))]
    LatestDeadlineTooEarly {
        /// The latest deadline.
        #[serde(rename = "latestDeadlineUnix")]
        latest_deadline: Timestamp,
        /// The deadline.
        #[serde(rename = "deadlineUnix")]
        deadline: Timestamp,
    },
    /// No tier, or too many.
    #[error("the number of tiers, {count}, is not between 1 and {MAX_TIERS}")]
    TierCountOutOfBounds {
        /// How many.
        count: usize,
    },
    /// A tier's threshold is zero, above 100 %, or below the one of the tier before.
    #[error("tier {tier} has a threshold of {threshold}, which is not between {previous} and {}", Bps::ONE)]
    ThresholdOutOfOrder {
        /// Index of the tier.
        tier: usize,
        /// Its threshold.
        #[serde(rename = "thresholdBps")]
        threshold: Bps,
        /// The lowest threshold allowed.
        #[serde(rename = "previousBps")]
        previous: Bps,
    },
    /// The last tier's threshold is not 100 %.
    #[error("the last tier has a threshold of {threshold}, not {}", Bps::ONE)]
    LastThresholdNotFull {
        /// Its threshold.
        #[serde(rename = "thresholdBps")]
        threshold: Bps,
    },
    /// Two tiers have one draw order and two rates.
    #[error("tiers {other} and {tier} have the same draw order but different rates")]
    RatesDiffer {
        /// Index of the later tier.
        tier: usize,
        /// Index of the earlier tier.
        #[serde(rename = "otherTier")]
        other: usize,
    },
    /// The veto is 100 % or more.
    #[error("a veto of {veto} is not less than {}", Bps::ONE)]
    VetoOutOfBounds {
        /// The veto.
        #[serde(rename = "vetoBps")]
        veto: Bps,
    },
    /// The objection period is zero.
    #[error("the objection period must not be zero, so that nothing is due in the block that settles")]
    ObjectionPeriodZero,
    /// No tranche, or too many.
    #[error("the number of tranches, {tranches}, is not between 1 and {MAX_TRANCHES}")]
    TranchesOutOfBounds {
        /// How many.
        tranches: u8,
    },
    /// Several tranches have no time between them.
    #[error("the interval between {tranches} tranches must not be zero")]
    TrancheIntervalZero {
        /// How many.
        tranches: u8,
    },
    /// The release window or the exit window is zero.
    #[error("the release window ({release_window} s) and the exit window ({exit_window} s) must not be zero")]
    WindowZero {
        /// The release window.
        #[serde(rename = "releaseWindowSeconds")]
        release_window: u32,
        /// The exit window.
        #[serde(rename = "exitWindowSeconds")]
        exit_window: u32,
    },
}

impl Terms {
    /// Finds the first rule that these terms break, if they are to be created at `time`.
    pub fn check(&self, time: Timestamp) -> Result<(), TermsError> {
        if self.beneficiary.is_zero() {
            return Err(TermsError::BeneficiaryZero);
        }
        if self.steth.is_zero() != self.wsteth.is_zero() {
            return Err(TermsError::TokensMismatch { steth: self.steth, wsteth: self.wsteth });
        }
        if !target_in_bounds(self.target) {
            return Err(TermsError::TargetOutOfBounds { target: self.target });
        }
        if self.deadline <= time {
            return Err(TermsError::DeadlinePassed { deadline: self.deadline, time });
        }
        let Self { latest_deadline, deadline, .. } = *self;
        if latest_deadline < deadline {
            return Err(TermsError::LatestDeadlineTooEarly { latest_deadline, deadline });
        }
        self.check_tiers()?;
        self.check_release()
    }

    fn check_tiers(&self) -> Result<(), TermsError> {
        if !(1..=MAX_TIERS).contains(&self.tiers.len()) {
            return Err(TermsError::TierCountOutOfBounds { count: self.tiers.len() });
        }
        let mut previous = Bps::new(1);
        for (index, tier) in self.tiers.iter().enumerate() {
            let threshold = tier.threshold;
            if !(previous..=Bps::ONE).contains(&threshold) {
                return Err(TermsError::ThresholdOutOfOrder { tier: index, threshold, previous });
            }
            previous = threshold;
            self.check_rate(index)?;
        }
        if previous != Bps::ONE {
            return Err(TermsError::LastThresholdNotFull { threshold: previous });
        }
        Ok(())
    }

    /// Tiers with the same draw order form one group, drawn and repaid together, so they must have the same rate.
    fn check_rate(&self, index: usize) -> Result<(), TermsError> {
        let tier = self.tiers[index];
        let differs = |other: &Tier| other.draw_order == tier.draw_order && other.rate != tier.rate;
        match self.tiers[..index].iter().position(differs) {
            Some(other) => Err(TermsError::RatesDiffer { tier: index, other }),
            None => Ok(()),
        }
    }

    fn check_release(&self) -> Result<(), TermsError> {
        if self.objection_period == 0 {
            return Err(TermsError::ObjectionPeriodZero);
        }
        if self.veto >= Bps::ONE {
            return Err(TermsError::VetoOutOfBounds { veto: self.veto });
        }
        if !(1..=MAX_TRANCHES).contains(&self.tranches) {
            return Err(TermsError::TranchesOutOfBounds { tranches: self.tranches });
        }
        if self.tranches > 1 && self.tranche_interval == 0 {
            return Err(TermsError::TrancheIntervalZero { tranches: self.tranches });
        }
        if self.release_window == 0 || self.exit_window == 0 {
            let Self { release_window, exit_window, .. } = *self;
            return Err(TermsError::WindowZero { release_window, exit_window });
        }
        Ok(())
    }

    /// Number of tiers.
    pub fn tier_count(&self) -> u8 {
        // At most MAX_TIERS by `check`.
        self.tiers.len() as u8
    }

    /// A tier by its index; `None` when there is no such tier.
    pub fn tier(&self, tier: u8) -> Option<Tier> {
        self.tiers.get(usize::from(tier)).copied()
    }

    /// Those of the first `active` tiers that are drawn in `order`.
    pub(crate) fn group(&self, active: u8, order: u8) -> impl Iterator<Item = u8> + '_ {
        (0..active).filter(move |&tier| self.tier(tier).is_some_and(|tier| tier.draw_order == order))
    }

    /// Whether the rescue takes `asset`.
    pub fn accepts(&self, asset: Asset) -> bool {
        !asset.is_shares() || !self.steth.is_zero()
    }
}

/// Whether a target is large enough to be divided and small enough to be booked.
pub(crate) fn target_in_bounds(target: Wei) -> bool {
    (MIN_TARGET..=MAX_TARGET).contains(&target)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Terms with two groups, three tiers, both tokens, a guardian and a veto.
    pub(crate) fn terms() -> Terms {
        let tier = |threshold, draw_order, rate| Tier {
            threshold: Bps::new(threshold),
            draw_order,
            rate: Bps::new(rate),
        };
        Terms {
            beneficiary: Address::repeat_byte(0xbe),
            guardian: Address::repeat_byte(0x6a),
            steth: Address::repeat_byte(0x51),
            wsteth: Address::repeat_byte(0x52),
            target: Wei::new(1_000_000_000_000),
            deadline: 1_000,
            latest_deadline: 2_000,
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

    #[test]
    fn the_example_and_both_ends_of_each_bound_are_allowed() {
        assert_eq!(terms().check(999), Ok(()));
        let smallest = Terms {
            target: MIN_TARGET,
            latest_deadline: 1_000,
            objection_period: 1,
            veto: Bps::ZERO,
            tranches: 1,
            tranche_interval: 0,
            ..terms()
        };
        assert_eq!(smallest.check(0), Ok(()));
        let largest = Terms { target: MAX_TARGET, tranches: 64, veto: Bps::new(9_999), ..terms() };
        assert_eq!(largest.check(0), Ok(()));
        let ether_only = Terms { steth: Address::ZERO, wsteth: Address::ZERO, ..terms() };
        assert_eq!(ether_only.check(0), Ok(()));
        assert!(ether_only.accepts(Asset::Eth) && !ether_only.accepts(Asset::WstEth));
    }

    #[test]
    fn each_rule_is_named_with_its_values() {
        use TermsError::*;
        let steth = Address::repeat_byte(0x51);
        let cases = [
            (Terms { beneficiary: Address::ZERO, ..terms() }, BeneficiaryZero),
            (Terms { wsteth: Address::ZERO, ..terms() }, TokensMismatch { steth, wsteth: Address::ZERO }),
            (
                Terms { target: Wei::new(999_999_999), ..terms() },
                TargetOutOfBounds { target: Wei::new(999_999_999) },
            ),
            (Terms { target: Wei::new(1 << 96), ..terms() }, TargetOutOfBounds { target: Wei::new(1 << 96) }),
            (Terms { deadline: 7, ..terms() }, DeadlinePassed { deadline: 7, time: 7 }),
            (
                Terms { latest_deadline: 999, ..terms() },
                LatestDeadlineTooEarly { latest_deadline: 999, deadline: 1_000 },
            ),
            (Terms { objection_period: 0, ..terms() }, ObjectionPeriodZero),
            (Terms { veto: Bps::ONE, ..terms() }, VetoOutOfBounds { veto: Bps::ONE }),
            (Terms { tranche_interval: 0, ..terms() }, TrancheIntervalZero { tranches: 4 }),
            (Terms { tranches: 0, ..terms() }, TranchesOutOfBounds { tranches: 0 }),
            (Terms { tranches: 65, ..terms() }, TranchesOutOfBounds { tranches: 65 }),
            (Terms { release_window: 0, ..terms() }, WindowZero { release_window: 0, exit_window: 200 }),
            (Terms { exit_window: 0, ..terms() }, WindowZero { release_window: 50, exit_window: 0 }),
        ];
        for (terms, error) in cases {
            assert_eq!(terms.check(7), Err(error));
        }
    }

    #[test]
    fn each_rule_of_tiers_is_named_with_its_values() {
        use TermsError::*;
        let with = |change: fn(&mut Vec<Tier>)| {
            let mut terms = terms();
            change(&mut terms.tiers);
            terms.check(0).unwrap_err()
        };
        let out_of_order = |tier, threshold, previous| ThresholdOutOfOrder {
            tier,
            threshold: Bps::new(threshold),
            previous: Bps::new(previous),
        };
        assert_eq!(with(|tiers| tiers.clear()), TierCountOutOfBounds { count: 0 });
        assert_eq!(with(|tiers| *tiers = vec![tiers[2]; 9]), TierCountOutOfBounds { count: 9 });
        assert_eq!(with(|tiers| tiers[0].threshold = Bps::ZERO), out_of_order(0, 0, 1));
        assert_eq!(with(|tiers| tiers[1].threshold = Bps::new(2_499)), out_of_order(1, 2_499, 2_500));
        assert_eq!(with(|tiers| tiers[2].threshold = Bps::new(10_001)), out_of_order(2, 10_001, 7_500));
        assert_eq!(with(|tiers| tiers.truncate(2)), LastThresholdNotFull { threshold: Bps::new(7_500) });
        assert_eq!(with(|tiers| tiers[2].rate = Bps::new(1)), RatesDiffer { tier: 2, other: 0 });
    }
}
