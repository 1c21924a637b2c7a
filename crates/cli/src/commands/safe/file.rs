//! Transactions of a Safe in files.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use levee::SafeProposal;

use crate::{error::UserError, file};

/// The transaction of several files, with the signatures of all of them.
pub(super) fn merged(paths: &[PathBuf]) -> Result<SafeProposal, UserError> {
    let mut all = paths.iter().map(|path| read(path).map(|proposal| (path, proposal)));
    let (first, mut proposal) = all
        .next()
        .ok_or_else(|| UserError::new("no file given").hint("name the file of a transaction"))??;
    for other in all {
        let (path, other) = other?;
        proposal.merge(other).map_err(|error| {
            let (first, path) = (first.display(), path.display());
            UserError::new(format!("`{first}` and `{path}` do not belong together: {error}"))
                .hint("give only files of the same transaction")
        })?;
    }
    Ok(proposal)
}

/// The transaction of a file.
pub(super) fn read(path: &Path) -> Result<SafeProposal, UserError> {
    serde_json::from_str(&file::text(path)?).map_err(|error| {
        UserError::new(format!("`{}` is not a transaction of a Safe: {error}", path.display())).hint(
            "`levee safe propose` writes one; if it was changed on its way, ask whoever has sent it for another",
        )
    })
}

/// Writes a file that does not exist yet.
pub(super) fn create(path: &Path, proposal: &SafeProposal) -> Result<(), UserError> {
    let file = File::options().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text(proposal).as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            UserError::new(format!("there is a file `{}` already", path.display()))
                .hint("name another: it may have signatures")
        }
        _ => unwritable(path, &error),
    })
}

/// Writes a file again, wholly or not at all.
pub(super) fn replace(path: &Path, proposal: &SafeProposal) -> Result<(), UserError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let written = fs::write(&name, text(proposal)).and_then(|()| fs::rename(&name, path));
    written.map_err(|error| unwritable(path, &error))
}

fn text(proposal: &SafeProposal) -> String {
    // Texts and numbers are always written.
    format!("{}\n", serde_json::to_string_pretty(proposal).unwrap_or_default())
}

fn unwritable(path: &Path, error: &io::Error) -> UserError {
    UserError::new(format!("`{}` cannot be written: {error}", path.display())).hint("check the path")
}
