//! The files that other programs read: a calendar and a feed. Each is replaced as a whole, when it changes.

use std::path::PathBuf;

use crate::{error::UserError, file};

/// A file, and what was last written to it.
#[derive(Debug)]
pub(crate) struct Mirror {
    path: PathBuf,
    written: Option<String>,
}

impl Mirror {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, written: None }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Writes the text, unless it stands there already.
    pub(crate) fn write(&mut self, text: String) -> Result<(), UserError> {
        if self.written.as_ref() != Some(&text) {
            file::replace(&self.path, &text)?;
            self.written = Some(text);
        }
        Ok(())
    }
}
