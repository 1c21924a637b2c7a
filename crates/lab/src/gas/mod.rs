//! What calls of the escrow and of what is around it cost, and whether that depends on how many have pledged.
//!
//! [`measure`] makes real transactions on one fixed rescue; [`snapshot`] compares the figures with those that are
//! checked in, and with the limits.

mod fixture;
pub mod peers;
mod satellites;
pub mod snapshot;

use crate::escrow::EscrowError;
use fixture::Fixture;
use std::fmt;

/// What the names of figures end with that were measured among 10,000 pledgers.
pub const MANY_SUFFIX: &str = "_10000";

const FEW: usize = 10;
const MANY: usize = 10_000;

/// One number: gas of a whole transaction, 21,000 and calldata included; of `code_size`, bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much.
    pub amount: u64,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.amount)
    }
}

/// Measures everything twice, among few pledgers and among many: the same on every machine.
///
/// # Errors
/// When a call of the fixture fails, all of which have to go through.
pub fn measure() -> Result<Vec<Figure>, EscrowError> {
    let mut figures = Fixture::full()?.creation();
    figures.extend(among(FEW)?);
    let marked = |Figure { name, amount }| Figure { name: format!("{name}{MANY_SUFFIX}"), amount };
    figures.extend(among(MANY)?.into_iter().map(marked));
    figures.extend(satellites::creations()?);
    Ok(figures)
}

/// Every figure that the number of pledgers could change.
fn among(others: usize) -> Result<Vec<Figure>, EscrowError> {
    let mut figures = Fixture::full()?.costs(others)?;
    figures.extend(Fixture::full()?.amended_costs(others)?);
    figures.extend(Fixture::full()?.collections(others)?);
    figures.extend(satellites::costs(others)?);
    Ok(figures)
}
