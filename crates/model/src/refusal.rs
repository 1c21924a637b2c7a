//! Why was a call refused? Each reason has the name of the escrow's error, and carries the facts that it turned on.

use alloy_primitives::Address;
use thiserror::Error;

use crate::{
    asset::Asset,
    books::PositionId,
    schedule::Timestamp,
    status::Status,
    units::{Rate, Units, Wei},
};

/// Why a call was refused. A refused call changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// By pledge, decline and amend: the rescue is not open, or its deadline has passed.
    #[error("the rescue is {status}, its deadline is {deadline} and it is {time}")]
    PledgingClosed {
        /// The stored status.
        status: Status,
        /// The deadline in force.
        deadline: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// The status does not allow the call.
    #[error("the rescue is {status}")]
    WrongStatus {
        /// The status that the call found.
        status: Status,
    },
    /// There is no such tier.
    #[error("there is no tier {tier}, only {count} from 0")]
    UnknownTier {
        /// The tier asked for.
        tier: u8,
        /// How many there are.
        count: u8,
    },
    /// The rescue is in ETH only.
    #[error("{asset} is not accepted")]
    AssetNotAccepted {
        /// The asset offered.
        asset: Asset,
    },
    /// A pledge of nothing.
    #[error("a pledge of nothing")]
    ZeroAmount,
    /// More than the books can hold.
    #[error("{amount} are more than the {limit} that the pot still takes")]
    AmountTooLarge {
        /// The amount offered.
        amount: Units,
        /// What its pot still takes.
        limit: Units,
    },
    /// The pledger or the recipient is zero or the escrow itself.
    #[error("{account} can neither pledge nor receive")]
    InvalidAccount {
        /// The account.
        account: Address,
    },
    /// By refund, exit and decline: the position has nothing that the call could return.
    #[error("nothing to return to {} of {} in tier {}", .id.pledger, .id.asset, .id.tier)]
    NothingToReturn {
        /// The position.
        id: PositionId,
    },
    /// By exit: no amendment is pending.
    #[error("no amendment is pending at {time}")]
    NoExitWindow {
        /// Block time.
        time: Timestamp,
    },
    /// By amend: an amendment is pending already.
    #[error("an amendment is pending until {in_force_from} and it is {time}")]
    AmendmentPending {
        /// When it comes into force.
        in_force_from: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// By amend: the exit window would end after the deadline in force.
    #[error("the exit window would end at {in_force_from}, after the deadline {deadline}")]
    AmendmentTooLate {
        /// When the amendment would come into force.
        in_force_from: Timestamp,
        /// The deadline in force.
        deadline: Timestamp,
    },
    /// By amend: the new deadline is not after the exit window.
    #[error("the new deadline {new_deadline} is not after the exit window's end {in_force_from}")]
    AmendedDeadlineTooEarly {
        /// The deadline proposed.
        new_deadline: Timestamp,
        /// When the amendment would come into force.
        in_force_from: Timestamp,
    },
    /// By amend: the new target is too small or too large.
    #[error("the target of {target} is out of bounds")]
    TargetOutOfBounds {
        /// The target proposed.
        target: Wei,
    },
    /// By settle up to the deadline: not everything is covered.
    #[error("a coverage of {coverage} is less than {required}")]
    CoverageTooLow {
        /// Value of all pots.
        coverage: Wei,
        /// The target.
        required: Wei,
    },
    /// The rescue would settle, some pot holds shares, and their rate cannot be read.
    #[error("the share rate cannot be read")]
    RateUnreadable,
    /// By expire: the rate can be read, or is not needed.
    #[error("the share rate can be read or is not needed")]
    RateReadable {
        /// The rate; none when it is not needed.
        rate: Option<Rate>,
    },
    /// The token itself refused the transfer.
    #[error("{asset} cannot be moved")]
    TokenFailed {
        /// The token.
        asset: Asset,
    },
    /// By release: every tranche of the asset that is due is delivered.
    #[error("{delivered} tranches of {asset} are delivered and {due} are due")]
    NothingDue {
        /// The asset.
        asset: Asset,
        /// Tranches due that the beneficiary keeps.
        due: u8,
        /// Tranches delivered.
        delivered: u8,
    },
    /// By cancel and object: every tranche is due already.
    #[error("{due} of {tranches} tranches are due")]
    NothingToStop {
        /// Tranches due.
        due: u8,
        /// Tranches in all.
        tranches: u8,
    },
    /// By object: the terms have no veto.
    #[error("the terms have no veto")]
    NoVeto,
    /// By object: the position has objected before.
    #[error("{} has objected with its {} in tier {} before", .id.pledger, .id.asset, .id.tier)]
    AlreadyObjected {
        /// The position.
        id: PositionId,
    },
    /// By object: nothing was drawn of the position.
    #[error("nothing of value was drawn of {} of {} in tier {}", .id.asset, .id.pledger, .id.tier)]
    NothingDrawn {
        /// The position.
        id: PositionId,
    },
    /// By lapse and expire: the time has not come.
    #[error("it is {time}, not later than {limit}")]
    TooEarly {
        /// The last second at which it is too early.
        limit: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// The caller is not the guardian.
    #[error("{caller} is not the guardian {guardian}")]
    NotGuardian {
        /// The caller.
        caller: Address,
        /// The guardian; zero for none.
        guardian: Address,
    },
}
