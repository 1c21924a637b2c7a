//! The documents whose hashes are among the terms of rescues, as far as they say what a target is the net of.

use std::path::PathBuf;

use clap::Args;
use eyre::Result;
use levee::{History, text::Hole};
use levee_pages::Holes;

use crate::error::UserError;

/// The documents.
#[derive(Debug, Args)]
pub(crate) struct DocumentArgs {
    /// Document whose hash is among the terms, to show what it says that the target is the net of, as docs/pages.md describes; may be
    /// repeated.
    #[arg(long, value_name = "FILE")]
    document: Vec<PathBuf>,
}

impl DocumentArgs {
    /// What they say, by their hashes.
    ///
    /// # Errors
    /// If one cannot be read, or says nothing of it.
    pub(crate) fn holes(&self) -> Result<Holes> {
        let mut holes = Holes::new();
        for path in &self.document {
            let (hash, hole) = Hole::of_file(path)?;
            let hole = hole.ok_or_else(|| {
                UserError::new(format!("`{}` does not say what the target is the net of", path.display()))
                    .hint("a document says it in a block that begins with ```hole; its hash must be that of the terms")
            })?;
            holes.insert(hash, hole);
        }
        Ok(holes)
    }

    /// The same, each of which must be a document of this rescue.
    pub(crate) fn holes_of(&self, history: &History) -> Result<Holes> {
        let holes = self.holes()?;
        let named: Vec<_> = history.goals().map(|goal| goal.terms_hash).collect();
        match holes.keys().find(|hash| !named.contains(hash)) {
            None => Ok(holes),
            Some(hash) => Err(UserError::new(format!(
                "no terms of the rescue name the document with the hash `{hash}`"
            ))
            .hint("give the document as it was published, unchanged to the byte")
            .into()),
        }
    }
}
