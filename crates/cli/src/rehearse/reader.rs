//! What every part of a scenario is read with: the file, and the names in it.

use levee_model::Rate;

use super::cast::Cast;
use crate::{amount, document::Document, error::UserError};

/// The context for reading the parts of a scenario.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) document: &'a Document,
    pub(crate) cast: &'a Cast,
    pub(crate) tier_names: &'a [String],
}

impl Reader<'_> {
    /// The number of the tier with this name.
    pub(crate) fn tier(&self, name: &str) -> Result<u8, UserError> {
        let by_name = self.tier_names.iter().position(|known| known == name);
        let by_number = || name.parse().ok().filter(|&number: &usize| number < self.tier_names.len());
        by_name.or_else(by_number).and_then(|number| u8::try_from(number).ok()).ok_or_else(|| {
            UserError::new(format!("no tier is named `{name}`"))
                .hint(format!("the tiers are {}", self.tier_names.join(", ")))
        })
    }
}

/// Reads the value of one share, `1.2 ETH`.
pub(crate) fn parse_rate(text: &str) -> Result<Rate, UserError> {
    let wei = amount::parse_eth(text)?;
    let rate = wei.get().checked_mul(10u128.pow(9)).and_then(Rate::new);
    rate.ok_or_else(|| {
        UserError::new(format!("`{text}` is not a share rate"))
            .hint("write the value of one share, as in `1.2 ETH`")
    })
}
