//! What would come of a rescue: what `levee what-if` and `levee solve` look at.
//!
//! | file | question |
//! |---|---|
//! | [`offers`] | what was offered, according to a file? |
//! | [`subject`] | which rescue, and when? |
//! | [`roster`] | who is called what? |
//! | [`wish`] | what is supposed to be otherwise? |
//! | [`json`] | what does an outcome look like as JSON? |

pub(crate) mod json;
pub(crate) mod offers;
pub(crate) mod roster;
pub(crate) mod subject;
pub(crate) mod wish;
