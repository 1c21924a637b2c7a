//! Why an escrow refused: its custom errors, decoded into the model's refusals.

use alloy::{primitives::U256, sol_types::SolInterface};
use levee_model::{
    Bps, Refusal, TermsError, Units, Wei,
    terms::{MAX_TARGET, MAX_TIERS, MAX_TRANCHES, MIN_TARGET},
};

use crate::{
    bindings::PledgeEscrow::PledgeEscrowErrors as Raw,
    convert::{self, narrow},
    error::Error,
};

/// Reads revert data; `None` when it is no error of an escrow under these rules.
pub(crate) fn decode(data: &[u8]) -> Option<Refusal> {
    let raw = Raw::abi_decode_validate(data).ok()?;
    of_terms(&raw).map(Refusal::Terms).or_else(|_| of_calls(&raw)).ok()
}

/// The errors of the constructor, most of them of `amend` too.
fn of_terms(raw: &Raw) -> Result<TermsError, Error> {
    Ok(match raw {
        Raw::BeneficiaryZero(_) => TermsError::BeneficiaryZero,
        Raw::TokensMismatch(e) => TermsError::TokensMismatch { steth: e.stETH, wsteth: e.wstETH },
        Raw::TargetOutOfBounds(e) if [e.minimum, e.maximum] == [MIN_TARGET, MAX_TARGET].map(number) => {
            TermsError::TargetOutOfBounds { target: convert::wei(e.target)? }
        }
        Raw::DeadlinePassed(e) => {
            TermsError::DeadlinePassed { deadline: convert::time(e.deadline)?, time: convert::time(e.time)? }
        }
        Raw::TierCountOutOfBounds(e) if e.limit == U256::from(MAX_TIERS) => {
            TermsError::TierCountOutOfBounds { count: count(e.count)? }
        }
        Raw::ThresholdOutOfOrder(e) => TermsError::ThresholdOutOfOrder {
            tier: count(e.tier)?,
            threshold: bps(e.thresholdBps)?,
            previous: bps(e.previousBps)?,
        },
        Raw::LastThresholdNotFull(e) => TermsError::LastThresholdNotFull { threshold: bps(e.thresholdBps)? },
        Raw::RatesDiffer(e) => TermsError::RatesDiffer { tier: count(e.tier)?, other: count(e.otherTier)? },
        Raw::LatestDeadlineTooEarly(e) => TermsError::LatestDeadlineTooEarly {
            latest_deadline: convert::time(e.latestDeadline)?,
            deadline: convert::time(e.deadline)?,
        },
        Raw::ObjectionPeriodZero(_) => TermsError::ObjectionPeriodZero,
        Raw::TrancheIntervalZero(e) => TermsError::TrancheIntervalZero { tranches: count(e.tranches)? },
        Raw::VetoOutOfBounds(e) => TermsError::VetoOutOfBounds { veto: bps(e.vetoBps)? },
        Raw::TranchesOutOfBounds(e) if e.limit == U256::from(MAX_TRANCHES) => {
            TermsError::TranchesOutOfBounds { tranches: count(e.tranches)? }
        }
        Raw::WindowZero(e) => TermsError::WindowZero {
            release_window: count(e.releaseWindow)?,
            exit_window: count(e.exitWindow)?,
        },
        _ => return Err(Error::Malformed { what: "an error of terms" }),
    })
}

fn of_calls(raw: &Raw) -> Result<Refusal, Error> {
    Ok(match raw {
        Raw::NotGuardian(e) => Refusal::NotGuardian { caller: e.caller, guardian: e.guardian },
        Raw::PledgingClosed(e) => Refusal::PledgingClosed {
            status: convert::status(e.status)?,
            deadline: convert::time(e.deadline)?,
            time: convert::time(e.time)?,
        },
        Raw::WrongStatus(e) => Refusal::WrongStatus { status: convert::status(e.status)? },
        Raw::UnknownTier(e) => Refusal::UnknownTier { tier: count(e.tier)?, count: count(e.count)? },
        Raw::AssetNotAccepted(e) => Refusal::AssetNotAccepted { asset: convert::asset(e.asset)? },
        Raw::ZeroAmount(_) => Refusal::ZeroAmount,
        Raw::AmountTooLarge(e) => {
            Refusal::AmountTooLarge {
                // Too large is too large, also beyond what fits.
                amount: Units::new(e.amount.saturating_to()),
                limit: Units::new(narrow(e.limit, "an amount")?),
            }
        }
        Raw::InvalidAccount(e) => Refusal::InvalidAccount { account: e.account },
        Raw::NothingToReturn(e) => {
            Refusal::NothingToReturn { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
        }
        Raw::NothingOwed(e) => Refusal::NothingOwed { pledger: e.pledger, asset: convert::asset(e.asset)? },
        Raw::AlreadyObjected(e) => {
            Refusal::AlreadyObjected { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
        }
        Raw::NothingDrawn(e) => {
            Refusal::NothingDrawn { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
        }
        Raw::RateUnreadable(_) => Refusal::RateUnreadable,
        Raw::RateReadable(e) => {
            Refusal::RateReadable { rate: convert::rate(e.rate).ok_or(Error::Malformed { what: "a rate" })? }
        }
        Raw::RateNotNeeded(_) => Refusal::RateNotNeeded,
        Raw::GasTooLow(e) => Refusal::GasTooLow { left: count(e.left)?, required: count(e.required)? },
        Raw::NoVeto(_) => Refusal::NoVeto,
        Raw::PaymentFailed(e) => Refusal::PaymentFailed {
            recipient: e.recipient,
            asset: convert::asset(e.asset)?,
            amount: convert::units(e.amount),
        },
        _ => return of_time(raw),
    })
}

/// The errors that turn on a time, or on what is due by it.
fn of_time(raw: &Raw) -> Result<Refusal, Error> {
    Ok(match raw {
        Raw::NoExitWindow(e) => Refusal::NoExitWindow {
            effective_at: convert::time(e.effectiveAt)?,
            time: convert::time(e.time)?,
        },
        Raw::AmendmentDiffers(e) => {
            Refusal::AmendmentDiffers { named: convert::time(e.named)?, latest: convert::time(e.latest)? }
        }
        Raw::AmendmentPending(e) => Refusal::AmendmentPending {
            effective_at: convert::time(e.effectiveAt)?,
            time: convert::time(e.time)?,
        },
        Raw::AmendmentTooLate(e) => Refusal::AmendmentTooLate {
            effective_at: convert::time(e.effectiveAt)?,
            deadline: convert::time(e.deadline)?,
        },
        Raw::AmendedDeadlineTooEarly(e) => Refusal::AmendedDeadlineTooEarly {
            new_deadline: convert::time(e.newDeadline)?,
            effective_at: convert::time(e.effectiveAt)?,
        },
        Raw::AmendedDeadlineTooLate(e) => Refusal::AmendedDeadlineTooLate {
            new_deadline: convert::time(e.newDeadline)?,
            latest_deadline: convert::time(e.latestDeadline)?,
        },
        Raw::CoverageTooLow(e) => Refusal::CoverageTooLow {
            coverage: convert::wei(e.coverage)?,
            required: convert::wei(e.required)?,
        },
        Raw::NothingDue(e) => Refusal::NothingDue {
            asset: convert::asset(e.asset)?,
            due: count(e.due)?,
            delivered: count(e.delivered)?,
        },
        Raw::NothingToStop(e) => Refusal::NothingToStop { due: count(e.due)?, tranches: count(e.tranches)? },
        Raw::TooEarly(e) => {
            Refusal::TooEarly { limit: convert::time(e.limit)?, time: convert::time(e.time)? }
        }
        _ => return Err(Error::Malformed { what: "an error" }),
    })
}

fn number(wei: Wei) -> U256 {
    U256::from(wei.get())
}

fn count<T: TryFrom<U256>>(number: U256) -> Result<T, Error> {
    narrow(number, "a count")
}

fn bps(number: U256) -> Result<Bps, Error> {
    narrow(number, "basis points").map(Bps::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bindings::PledgeEscrow as E,
        convert::tests::{Case, case, every_error_is_decoded},
    };
    use alloy::primitives::{Address, B256, Uint, hex};
    use alloy::sol_types::SolError;
    use levee_model::{Asset, PositionId, Rate, Status};

    const WHO: Address = Address::repeat_byte(1);
    const OTHER: Address = Address::repeat_byte(2);
    const ID: PositionId = PositionId { pledger: WHO, tier: 3, asset: Asset::WstEth };

    fn n(number: u128) -> U256 {
        U256::from(number)
    }

    fn terms() -> Vec<Case<Refusal>> {
        use TermsError as T;
        let cases = [
            case(&E::BeneficiaryZero {}, T::BeneficiaryZero),
            case(
                &E::TokensMismatch { stETH: WHO, wstETH: OTHER },
                T::TokensMismatch { steth: WHO, wsteth: OTHER },
            ),
            case(
                &E::TargetOutOfBounds {
                    target: n(5),
                    minimum: number(MIN_TARGET),
                    maximum: number(MAX_TARGET),
                },
                T::TargetOutOfBounds { target: Wei::new(5) },
            ),
            case(
                &E::DeadlinePassed { deadline: n(5), time: n(6) },
                T::DeadlinePassed { deadline: 5, time: 6 },
            ),
            case(&E::TierCountOutOfBounds { count: n(9), limit: n(8) }, T::TierCountOutOfBounds { count: 9 }),
            case(
                &E::ThresholdOutOfOrder { tier: n(1), thresholdBps: n(2), previousBps: n(3) },
                T::ThresholdOutOfOrder { tier: 1, threshold: Bps::new(2), previous: Bps::new(3) },
            ),
            case(
                &E::LastThresholdNotFull { thresholdBps: n(7) },
                T::LastThresholdNotFull { threshold: Bps::new(7) },
            ),
            case(&E::RatesDiffer { tier: n(4), otherTier: n(2) }, T::RatesDiffer { tier: 4, other: 2 }),
            case(
                &E::LatestDeadlineTooEarly { latestDeadline: n(5), deadline: n(6) },
                T::LatestDeadlineTooEarly { latest_deadline: 5, deadline: 6 },
            ),
            case(&E::ObjectionPeriodZero {}, T::ObjectionPeriodZero),
            case(&E::VetoOutOfBounds { vetoBps: n(7) }, T::VetoOutOfBounds { veto: Bps::new(7) }),
            case(
                &E::TranchesOutOfBounds { tranches: n(65), limit: n(64) },
                T::TranchesOutOfBounds { tranches: 65 },
            ),
            case(&E::TrancheIntervalZero { tranches: n(7) }, T::TrancheIntervalZero { tranches: 7 }),
            case(
                &E::WindowZero { releaseWindow: n(5), exitWindow: n(6) },
                T::WindowZero { release_window: 5, exit_window: 6 },
            ),
        ];
        cases.map(|(data, error)| (data, Refusal::Terms(error))).into()
    }

    fn calls() -> Vec<Case<Refusal>> {
        use Refusal as R;
        let (pledger, tier, asset) = (WHO, n(3), Asset::WstEth as u8);
        vec![
            case(
                &E::NotGuardian { caller: WHO, guardian: OTHER },
                R::NotGuardian { caller: WHO, guardian: OTHER },
            ),
            case(
                &E::PledgingClosed { status: 3, deadline: n(5), time: n(6) },
                R::PledgingClosed { status: Status::Failed, deadline: 5, time: 6 },
            ),
            case(&E::WrongStatus { status: 4 }, R::WrongStatus { status: Status::Cancelled }),
            case(&E::UnknownTier { tier: n(5), count: n(3) }, R::UnknownTier { tier: 5, count: 3 }),
            case(&E::AssetNotAccepted { asset: 1 }, R::AssetNotAccepted { asset: Asset::StEth }),
            case(&E::ZeroAmount {}, R::ZeroAmount),
            case(
                &E::AmountTooLarge { amount: n(6), limit: n(5) },
                R::AmountTooLarge { amount: Units::new(6), limit: Units::new(5) },
            ),
            case(&E::InvalidAccount { account: WHO }, R::InvalidAccount { account: WHO }),
            case(&E::NothingToReturn { pledger, tier, asset }, R::NothingToReturn { id: ID }),
            case(&E::NothingOwed { pledger, asset }, R::NothingOwed { pledger, asset: Asset::WstEth }),
            case(&E::AlreadyObjected { pledger, tier, asset }, R::AlreadyObjected { id: ID }),
            case(&E::NothingDrawn { pledger, tier, asset }, R::NothingDrawn { id: ID }),
            case(&E::RateUnreadable {}, R::RateUnreadable),
            case(
                &E::RateReadable { rate: Uint::from(5) },
                R::RateReadable { rate: Rate::new(5).expect("a rate") },
            ),
            case(&E::RateNotNeeded {}, R::RateNotNeeded),
            case(&E::GasTooLow { left: n(5), required: n(6) }, R::GasTooLow { left: 5, required: 6 }),
            case(&E::NoVeto {}, R::NoVeto),
            case(
                &E::PaymentFailed { recipient: WHO, asset, amount: Uint::from(5) },
                R::PaymentFailed { recipient: WHO, asset: Asset::WstEth, amount: Units::new(5) },
            ),
        ]
    }

    fn times() -> Vec<Case<Refusal>> {
        use Refusal as R;
        vec![
            case(
                &E::NoExitWindow { effectiveAt: n(5), time: n(6) },
                R::NoExitWindow { effective_at: 5, time: 6 },
            ),
            case(
                &E::AmendmentDiffers { named: n(5), latest: n(6) },
                R::AmendmentDiffers { named: 5, latest: 6 },
            ),
            case(
                &E::AmendmentPending { effectiveAt: n(5), time: n(6) },
                R::AmendmentPending { effective_at: 5, time: 6 },
            ),
            case(
                &E::AmendmentTooLate { effectiveAt: n(5), deadline: n(6) },
                R::AmendmentTooLate { effective_at: 5, deadline: 6 },
            ),
            case(
                &E::AmendedDeadlineTooEarly { newDeadline: n(5), effectiveAt: n(6) },
                R::AmendedDeadlineTooEarly { new_deadline: 5, effective_at: 6 },
            ),
            case(
                &E::AmendedDeadlineTooLate { newDeadline: n(5), latestDeadline: n(6) },
                R::AmendedDeadlineTooLate { new_deadline: 5, latest_deadline: 6 },
            ),
            case(
                &E::CoverageTooLow { coverage: n(5), required: n(6) },
                R::CoverageTooLow { coverage: Wei::new(5), required: Wei::new(6) },
            ),
            case(
                &E::NothingDue { asset: 1, due: n(5), delivered: n(6) },
                R::NothingDue { asset: Asset::StEth, due: 5, delivered: 6 },
            ),
            case(&E::NothingToStop { due: n(5), tranches: n(6) }, R::NothingToStop { due: 5, tranches: 6 }),
            case(&E::TooEarly { limit: n(5), time: n(6) }, R::TooEarly { limit: 5, time: 6 }),
        ]
    }

    #[test]
    fn every_error_of_the_escrow_keeps_its_facts() {
        let cases = [terms(), calls(), times()].concat();
        every_error_is_decoded(include_str!("../artifacts/PledgeEscrow.json"), &[], &cases, decode);
    }

    #[test]
    fn an_amount_beyond_128_bits_is_still_too_large() {
        let error = E::AmountTooLarge { amount: U256::MAX, limit: n(5) };
        let (amount, limit) = (Units::new(u128::MAX), Units::new(5));
        assert_eq!(decode(&error.abi_encode()), Some(Refusal::AmountTooLarge { amount, limit }));
    }

    #[test]
    fn other_data_is_no_error_of_the_escrow() {
        let unknown_asset = E::AssetNotAccepted { asset: 3 }.abi_encode();
        let other_bounds = E::TierCountOutOfBounds { count: n(9), limit: n(7) }.abi_encode();
        let text = hex!("08c379a0");
        let cases =
            [&[][..], &text, &unknown_asset, &other_bounds, &E::NoVeto::SELECTOR[..3], &B256::ZERO[..]];
        for data in cases {
            assert_eq!(decode(data), None);
        }
    }
}
