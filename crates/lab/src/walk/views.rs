//! What the escrow's views say, and whether its events have told the same.

use alloy::primitives::Address;
use levee::{PledgingView, PositionView, RescueView, bindings::PledgeEscrow};
use levee_model::{Asset, Moment, PerAsset, Rescue, Units};
use std::fmt;

use super::bytecode::BytecodeError;
use crate::chain::Chain;

/// The rescue as the next call would find it.
pub(super) fn rescue(chain: &mut Chain, escrow: Address) -> Result<RescueView, BytecodeError> {
    Ok(chain.read(escrow, &PledgeEscrow::rescueCall {})?.try_into()?)
}

/// The positions of `pledger`.
pub(super) fn positions(
    chain: &mut Chain,
    escrow: Address,
    pledger: Address,
) -> Result<Vec<PositionView>, BytecodeError> {
    let raw = chain.read(escrow, &PledgeEscrow::positionsCall { pledger })?;
    Ok(raw.iter().map(PositionView::try_from).collect::<Result<_, _>>()?)
}

/// Refuses views of what `whose` are owed that are not what `history` says.
pub(super) fn check_owed(
    chain: &mut Chain,
    escrow: Address,
    history: &Rescue,
    whose: &[Address],
) -> Result<(), BytecodeError> {
    for &pledger in whose {
        let view = owed(chain, escrow, pledger)?;
        compare(&format!("owed to {pledger}"), &history.owed_of(pledger), &view)?;
    }
    Ok(())
}

/// What `pledger` is owed.
pub(super) fn owed(
    chain: &mut Chain,
    escrow: Address,
    pledger: Address,
) -> Result<PerAsset<Units>, BytecodeError> {
    let raw = chain.read(escrow, &PledgeEscrow::owedCall { pledger })?;
    Ok(PerAsset::from_fn(|asset: Asset| Units::new(raw[asset as usize].to())))
}

/// The view of the rescue, after checking that it, what a pledge would meet, and those of the positions of `whose`, are what
/// `history` says.
pub(super) fn checked(
    chain: &mut Chain,
    escrow: Address,
    history: &Rescue,
    at: Moment,
    whose: &[Address],
) -> Result<RescueView, BytecodeError> {
    let view = rescue(chain, escrow)?;
    compare("rescue", &history.view(at), &view)?;
    let raw = chain.read(escrow, &PledgeEscrow::pledgingCall {})?;
    compare("pledging", &history.pledging_view(at.time), &PledgingView::try_from(raw)?)?;
    for &pledger in whose {
        let told = history.position_views(at, pledger);
        compare(&format!("positions of {pledger}"), &told, &positions(chain, escrow, pledger)?)?;
    }
    Ok(view)
}

/// Refuses a view that is not as the events have told.
pub(crate) fn compare<T: PartialEq + fmt::Debug>(
    what: &str,
    told: &T,
    view: &T,
) -> Result<(), BytecodeError> {
    if told == view {
        return Ok(());
    }
    Err(BytecodeError::View { what: what.to_owned(), told: format!("{told:?}"), view: format!("{view:?}") })
}
