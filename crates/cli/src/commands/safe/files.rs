//! Transactions of a Safe in files.

use std::path::{Path, PathBuf};

use eyre::Result;
use levee::{SafeProposal, error::brief};

use crate::{
    connection::{Connection, NetworkArgs},
    error::UserError,
    file,
};

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

/// The transaction of several files, as [`merged`], and a node of its chain that is up to date.
pub(super) async fn opened(paths: &[PathBuf], network: &NetworkArgs) -> Result<(SafeProposal, Connection)> {
    let proposal = merged(paths)?;
    let connection = network.connect_to(proposal.chain, &paths[0], "a transaction").await?;
    connection.current_block().await?;
    Ok((proposal, connection))
}

/// The transaction of a file.
pub(super) fn read(path: &Path) -> Result<SafeProposal, UserError> {
    serde_json::from_str(&file::text(path)?).map_err(|error| {
        let message = format!("`{}` is not a transaction of a Safe: {}", path.display(), brief(&error));
        UserError::new(message).hint(
            "`levee safe propose` writes one; if it was changed on its way, ask whoever has sent it for another",
        )
    })
}
