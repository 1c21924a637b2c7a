//! Amounts as the command reads and shows them.

pub(crate) use levee::{
    display::ether as eth,
    text::amount::{WrittenAmount as Amount, *},
};
