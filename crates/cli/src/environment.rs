//! Environment variables. An empty one counts as unset.

use std::env;

use crate::error::UserError;

/// The value of a variable.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What `parse` reads from a variable.
pub(crate) fn parsed<T>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, UserError>,
) -> Result<Option<T>, UserError> {
    variable(name).map(|value| parse(&value).map_err(|error| error.within(name))).transpose()
}
