//! TOML documents that people write: what is wrong is told with file, line and key.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::error::UserError;

/// The text of a TOML document and where it came from.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, UserError> {
        let text = std::fs::read_to_string(path).map_err(|error| cannot_read(path, &error))?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// Takes a text as if it had been read from `path`.
    #[cfg(test)]
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// A path that the document names, which is meant relative to the document.
    pub(crate) fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Where it came from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The document as a `T`; unknown keys are refused where `T` denies them.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, UserError> {
        toml::from_str(&self.text).map_err(|error| {
            let place = self.place(error.span().map_or(0, |span| span.start));
            let message = error.message().trim_end_matches('\n').replace('\n', ", ");
            UserError::new(message)
                .within(place)
                .hint("`levee terms new` writes a file with every key explained")
        })
    }

    /// What `parse` reads from the value of `key`.
    pub(crate) fn field<T>(
        &self,
        key: &str,
        value: &Spanned<String>,
        parse: impl FnOnce(&str) -> Result<T, UserError>,
    ) -> Result<T, UserError> {
        parse(value.get_ref())
            .map_err(|error| error.within(format!("{}: {key}", self.place(value.span().start))))
    }

    /// `terms.toml:3`, the line that has the byte at `offset`.
    pub(crate) fn place(&self, offset: usize) -> String {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        format!("{}:{}", self.path.display(), before.matches('\n').count() + 1)
    }
}

/// The refusal to go on without a file.
pub(crate) fn cannot_read(path: &Path, error: &std::io::Error) -> UserError {
    UserError::new(format!("`{}` cannot be read: {error}", path.display())).hint("check the path")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pot {
        target: Spanned<String>,
    }

    fn refusal(text: &str) -> String {
        let document = Document::new("dir/pot.toml", text);
        let pot = document.parse::<Pot>();
        let target = pot.and_then(|pot| document.field("target", &pot.target, amount::parse_eth));
        target.unwrap_err().to_string()
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        assert_eq!(refusal("\ntarget = \"5\""), "dir/pot.toml:2: target: `5` has no unit");
        assert_eq!(
            refusal("target = \"5 ETH\"\n\nrpc = 1"),
            "dir/pot.toml:3: unknown field `rpc`, expected `target`"
        );
        assert_eq!(refusal(""), "dir/pot.toml:1: missing field `target`");
        assert!(refusal("# pot\ntarget = 5").starts_with("dir/pot.toml:2: invalid type: integer `5`"));
    }

    #[test]
    fn paths_are_relative_to_the_document() {
        assert_eq!(Document::new("dir/pot.toml", "").resolve("terms.md"), Path::new("dir/terms.md"));
        assert_eq!(Document::new("pot.toml", "").resolve("/terms.md"), Path::new("/terms.md"));
    }
}
