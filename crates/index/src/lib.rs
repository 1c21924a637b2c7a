#![doc = include_str!("../README.md")]

mod books;
mod check;
mod contract;
mod error;
mod indexer;
mod source;
mod store;

pub use check::{Difference, differences, differences_from_views};
pub use contract::{Contract, Counterfeit, Kind, Verdict};
pub use error::IndexError;
pub use indexer::{Added, Cursor, Indexer, Progress, Step};
pub use source::{Header, Node, Source, Tip};
pub use store::{LogPlace, Look, PositionRow, Store};
