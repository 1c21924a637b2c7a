//! A compact: a standing agreement to rescue. Members lock wstETH before there is a shortfall, a quorum decides once,
//! and everyone gives the same part.
//!
//! [`Compact`] is the state. A [call](CompactOperation) finds out what the rules say about it, and either is refused or
//! makes [events](CompactEvent); only events change the state, the same ones that the contract emits. So the state that
//! is rebuilt from logs is kept by the code that plays calls, and the two cannot differ.
//!
//! All amounts are in units of wstETH, each of them one share.

mod calls;
mod duty;
mod event;
mod operation;
mod policy;
mod refusal;
mod standing;
mod state;
mod stored;
mod terms;
mod view;

pub use duty::{CompactDuty, CompactTask};
pub use event::CompactEvent;
pub use operation::{CompactOperation, Proposal};
pub use refusal::{CompactRefusal, CompactRefused};
pub use standing::{Standing, Standings};
pub use state::{CallRecord, Compact, Gift, Started};
pub use stored::{StoredCall, StoredMember};
pub use terms::{CompactTerms, CompactTermsError, MIN_PERIOD, MIN_QUORUM};
pub use view::{CallState, CallView, CompactBooks, CompactView, MemberView, MemberWindows, Window};
