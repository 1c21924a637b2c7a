//! What every part of a scenario is read with: the file, and the names in it.

use super::cast::Cast;
use crate::{document::Document, error::UserError};

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
