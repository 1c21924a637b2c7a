#![doc = include_str!("../README.md")]

pub mod bindings;
pub mod blueprint;
pub mod board;
pub mod bonus;
pub mod call;
mod convert;
pub mod deploy;
pub mod display;
pub mod error;
pub mod escrow;
pub mod event;
pub mod history;
pub mod provider;
pub mod recovery;
mod redacted;
mod refusal;
pub mod router;
mod rpc;
pub mod terms;
pub mod view;

pub use blueprint::{Blueprint, Contract};
pub use board::{Board, BoardError, BoardEvent, Declaration, Declared, SignedDeclaration, Stage};
pub use bonus::{BonusError, BonusEvent, BonusFor, BonusPool, BonusShare, BonusView};
pub use call::{Call, Executed, Sent};
pub use deploy::{Deployment, deploy};
pub use error::Error;
pub use escrow::Escrow;
pub use event::{Event, FailReason};
pub use history::{Entry, History};
pub use levee_model as model;
pub use recovery::{Earnings, RecoveryError, RecoveryEvent, RecoveryPool, RecoveryView};
pub use redacted::RedactedUrl;
pub use refusal::EscrowError;
pub use router::{Destination, Permit, Router, RouterError, Tokens};
pub use terms::{CREATE2_DEPLOYER, SALT};
pub use view::{PositionView, PotView, RescueView, ShareRate};
