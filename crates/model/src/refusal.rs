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
    /// By pledge: another amendment was proposed since the one that the pledge names.
    #[error("the pledge names the amendment of {named}, and the latest is that of {latest}")]
    AmendmentDiffers {
        /// When the amendment that the pledge names comes into force; 0 for none.
        named: Timestamp,
        /// When the latest one does or did; 0 for none.
        latest: Timestamp,
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
    /// The pledger or the recipient is zero, the escrow itself, or one of its tokens.
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
    /// By collect: nothing is owed.
    #[error("no {asset} is owed to {pledger}")]
    NothingOwed {
        /// The pledger.
        pledger: Address,
        /// The asset.
        asset: Asset,
    },
    /// By exit: no amendment is pending.
    #[error("no amendment is pending at {time}")]
    NoExitWindow {
        /// Block time.
        time: Timestamp,
    },
    /// By amend, and by settle up to the deadline: an amendment is pending.
    #[error("an amendment is pending until {effective_at} and it is {time}")]
    AmendmentPending {
        /// When it comes into force.
        effective_at: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// By amend: the exit window would end after the deadline in force.
    #[error("the exit window would end at {effective_at}, after the deadline {deadline}")]
    AmendmentTooLate {
        /// When the amendment would come into force.
        effective_at: Timestamp,
        /// The deadline in force.
        deadline: Timestamp,
    },
    /// By amend: the new deadline is not after the exit window.
    #[error("the new deadline {new_deadline} is not after the exit window's end {effective_at}")]
    AmendedDeadlineTooEarly {
        /// The deadline proposed.
        new_deadline: Timestamp,
        /// When the amendment would come into force.
        effective_at: Timestamp,
    },
    /// By amend: the new deadline is later than the terms allow.
    #[error("the new deadline {new_deadline} is after the latest deadline {latest_deadline}")]
    AmendedDeadlineTooLate {
        /// The deadline proposed.
        new_deadline: Timestamp,
        /// The latest that the terms allow.
        latest_deadline: Timestamp,
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
    /// By expire: the rate can be read, so that the rescue can be settled.
    #[error("the share rate can be read: {rate}")]
    RateReadable {
        /// The rate.
        rate: Rate,
    },
    /// By expire: no pot holds shares, so that the rescue can be settled without a rate.
    #[error("no shares are pledged, so that no rate is needed")]
    RateNotNeeded,
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
