//! The page of the rescue after an ending.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use eyre::Result;
use levee::{History, Query};
use levee_pages::{Holes, RescuePage};

use super::{cast, stage::Stage};
use crate::file;

/// Writes the page of the rescue as it is on the stage now, with what the scenario says: names, and what the target is the net of.
pub(crate) async fn write(stage: &Stage, holes: &Holes, path: &Path) -> Result<()> {
    let contracts = &stage.contracts;
    let (escrow, provider) = (contracts.escrow.address(), stage.chain.provider());
    let snapshot = Query::of(escrow).read(provider, None).await?;
    let history = History::read(provider, &snapshot).await?;
    let declared = contracts.board.declarations(escrow, None).await?;
    let names: BTreeMap<_, _> =
        stage.cast.names().map(|name| (cast::address(name), name.to_owned())).collect();
    let page = RescuePage::new(&history, Some(&declared), &names)?.with_holes(holes);
    Ok(file::replace(path, &page.document(1))?)
}

/// Where the page of an ending goes: to `path`, or where there are several endings to `rescue-1.html` and so on beside it.
pub(crate) fn path_of(path: &Path, ending: usize, endings: usize) -> PathBuf {
    if endings == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map_or_else(String::new, |kind| format!(".{}", kind.to_string_lossy()));
    path.with_file_name(format!("{stem}-{}{extension}", ending + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_has_a_file() {
        let of =
            |path: &str, ending, endings| path_of(Path::new(path), ending, endings).display().to_string();
        assert_eq!(of("out/a.html", 0, 1), "out/a.html");
        assert_eq!([of("out/a.html", 0, 2), of("a", 1, 2)], ["out/a-1.html", "a-2"]);
    }
}
