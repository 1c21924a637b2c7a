#![doc = include_str!("../README.md")]

pub mod amendment;
pub mod asset;
pub mod bonus;
pub mod books;
pub mod display;
pub mod event;
pub mod facts;
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
pub use asset::{Amount, Asset, PerAsset};
pub use bonus::{BonusBooks, BonusDecision, BonusOwner, BonusRefusal, BonusShare, BonusView, Enlistment};
pub use books::{Position, PositionId, Pot, Pots};
pub use event::{Inconsistent, RescueEvent};
pub use lido::{Creation, Lido, Moment};
pub use outlook::{Threshold, TrancheState};
pub use recovery::{Earnings, RecoveryBooks, RecoveryGroup, RecoveryRefusal, RecoveryView};
pub use refusal::{Refusal, Refused};
pub use rescue::{Departure, Payment, Rescue};
pub use schedule::Timestamp;
pub use settlement::{Group, Settlement};
pub use status::{EndReason, Status};
pub use terms::{Terms, TermsError, Tier};
pub use units::{Bps, Rate, Shares, UnitSeconds, Units, Wei, WeiSeconds};
pub use view::{PledgingView, PositionView, PotView, RescueView, ShareRate, Statement};
