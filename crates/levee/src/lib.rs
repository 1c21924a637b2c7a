#![doc = include_str!("../README.md")]

pub mod aragon;
pub mod bindings;
pub mod blueprint;
pub mod board;
pub mod bonus;
pub mod call;
pub mod clock;
pub mod compact;
mod convert;
pub mod decode;
pub mod deploy;
pub mod edition;
pub mod error;
pub mod escrow;
pub mod event;
pub mod governor;
pub mod history;
mod immutables;
pub mod json;
mod lens;
pub mod lido;
pub mod movement;
pub mod multicall;
pub mod network;
pub mod operation;
pub mod outbox;
pub mod pools;
pub mod proof;
pub mod provider;
pub mod receiver;
pub mod recovery;
mod redacted;
mod refusal;
pub mod router;
mod rpc;
pub mod safe;
pub mod scan;
mod signature;
pub mod signer;
pub mod simulation;
pub mod snapshot;
pub mod statement;
pub mod terms;
#[cfg(feature = "text")]
pub mod text;
pub mod verification;
mod view;

pub use alloy;
pub use blueprint::{Blueprint, Contract};
pub use board::{
    Board, BoardError, BoardEvent, Declaration, Declared, PreparedDeclaration, SignedDeclaration, Stage,
};
pub use bonus::{BonusEvent, BonusPool};
pub use call::{Call, Executed};
pub use deploy::Deployment;
pub use edition::Edition;
pub use error::Error;
pub use escrow::{Allowance, Escrow};
pub use event::Event;
pub use governor::{Governor, GovernorKind, Proposal};
pub use history::{Entry, History};
pub use levee_model as model;
pub use levee_model::{
    BonusRefusal, BonusShare, BonusView, Earnings, PledgingView, PositionView, PotView, RecoveryRefusal,
    RecoveryView, Refusal, Refused, RescueEvent, RescueView, ShareRate, display,
};
pub use movement::{Movement, MovementKind};
pub use network::{NETWORKS, Network};
pub use operation::{Contracts, Transaction};
pub use outbox::{Confirmations, FeeOptions, Intent, Journal, MemoryJournal, Outbox, Prepared, Purpose};
pub use pools::PoolBooks;
pub use receiver::{Receiver, ReceiverCall, ReceiverError, ReceiverEvent, ReceiverPlan, ReceiverState};
pub use recovery::{RecoveryEvent, RecoveryPool};
pub use redacted::{RedactedError, RedactedUrl, redact};
pub use router::{Permit, Router, RouterError, Tokens};
pub use safe::{SafeCall, SafeOperation, SafeProposal, SafeState, SafeTransaction, SafeVersion, SafeWallet};
pub use scan::ScanStore;
pub use signer::{AccountSigner, SignerError};
pub use simulation::{Simulated, accepts_ether, simulate_all};
pub use snapshot::{AccountPosition, AccountView, Block, PositionBonus, Query, Snapshot, TokenView};
pub use statement::{EscrowStatement, Statement};
pub use terms::{CREATE2_DEPLOYER, SALT};
pub use verification::Verification;
