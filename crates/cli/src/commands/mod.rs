//! One file for each command: its arguments and its `run`.

pub(crate) mod address;
pub(crate) mod bonus;
pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod collect;
pub(crate) mod declarations;
pub(crate) mod declare;
pub(crate) mod deploy;
pub(crate) mod exit;
pub(crate) mod expire;
pub(crate) mod guardian;
pub(crate) mod journal;
pub(crate) mod lapse;
pub(crate) mod object;
pub(crate) mod pledge;
pub(crate) mod positions;
pub(crate) mod recover;
pub(crate) mod refund;
pub(crate) mod release;
pub(crate) mod safe;
pub(crate) mod send;
pub(crate) mod settle;
pub(crate) mod shell;
pub(crate) mod status;
pub(crate) mod terms;
pub(crate) mod verify;
