//! The rules of a rescue, as pure functions of its calls: no clock, no network, no randomness.
//!
//! This crate is the reference that the escrow's bytecode is compared with, wei by wei, and what the `levee` command
//! predicts results with. One file answers one question; read them in this order:
//!
//! | file | question |
//! |---|---|
//! | [`units`] | what is an amount of? |
//! | [`prorata`] | how much, and rounded which way? |
//! | [`terms`] | what was fixed when the escrow was created? |
//! | [`status`] | which way can a rescue go? |
//! | [`schedule`] | when is a tranche due? |
//! | [`books`] | who pledged what? |
//! | [`settlement`] | who is drawn, and how far? |
//! | [`rescue`] | what does a call do, and when is it refused? |
//! | [`view`] | what would the next call find? |
//! | [`outlook`] | what follows from that: who may call what, and when? |
//! | [`event`] | what happened, and what does it add up to? |
//! | [`refusal`] | why was a call refused? |
//! | [`display`] | how are amounts and times written? |
//! | [`recovery`] | who gets what is recovered later? |
//! | [`bonus`] | who gets the bonus? |
//!
//! ```
//! use alloy_primitives::{Address, B256};
//! use levee_model::{Asset, Creation, Bps, Lido, Moment, PositionId, Rescue, Status, Terms, Tier, Units, Wei};
//!
//! let tier = Tier { threshold: Bps::ONE, draw_order: 0, rate: Bps::ZERO };
//! let terms = Terms {
//!     beneficiary: Address::repeat_byte(1),
//!     guardian: Address::ZERO,
//!     steth: Address::ZERO,
//!     wsteth: Address::ZERO,
//!     target: Wei::new(1_000_000_000),
//!     deadline: 1_000,
//!     latest_deadline: 1_000,
//!     tiers: vec![tier],
//!     objection_period: 10,
//!     veto: Bps::ZERO,
//!     tranches: 1,
//!     tranche_interval: 0,
//!     release_window: 60,
//!     exit_window: 60,
//!     terms_hash: B256::ZERO,
//! };
//! let mut rescue = Rescue::open(Address::repeat_byte(9), terms, Creation { block: 1, time: 0 })?;
//! let at = Moment { time: 10, lido: Lido::Broken };
//! let id = PositionId { pledger: Address::repeat_byte(2), tier: 0, asset: Asset::Eth };
//! rescue.pledge(at, id, rescue.latest_amendment(), Units::new(1_500_000_000))?;
//! assert_eq!(rescue.settle(at)?, Status::Settled);
//! let later = Moment { time: 20, ..at };
//! assert_eq!(rescue.release(later, Asset::Eth)?.amount, Units::new(1_000_000_000));
//! assert_eq!(rescue.refund(at, id)?.amount, Units::new(500_000_000));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod amendment;
pub mod asset;
pub mod bonus;
pub mod books;
pub mod display;
pub mod event;
pub mod lido;
pub mod outlook;
pub mod prorata;
pub mod recovery;
pub mod refusal;
pub mod rescue;
pub mod schedule;
pub mod settlement;
mod state;
pub mod status;
pub mod terms;
pub mod units;
pub mod view;

pub use amendment::{Amendment, Goal};
pub use asset::{Asset, PerAsset};
pub use bonus::{BonusDecision, BonusOwner, BonusPool, BonusRefusal, BonusShare, BonusView, Enlistment};
pub use books::{Position, PositionId, Pot, Pots};
pub use event::{Inconsistent, RescueEvent};
pub use lido::{Creation, Lido, Moment};
pub use outlook::{Threshold, TrancheState};
pub use recovery::{Earnings, RecoveryGroup, RecoveryPool, RecoveryRefusal, RecoveryView};
pub use refusal::{Refusal, Refused};
pub use rescue::{Departure, Payment, Rescue};
pub use schedule::Timestamp;
pub use settlement::{Group, Settlement};
pub use status::{EndReason, Status};
pub use terms::{Terms, TermsError, Tier};
pub use units::{Bps, Rate, Shares, UnitSeconds, Units, Wei, WeiSeconds};
pub use view::{PledgingView, PositionView, PotView, RescueView, ShareRate, Statement};
