//! TOML documents that people write: errors name the file, line and key.

use std::path::{Path, PathBuf};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::{Spanned, value::Datetime};

use super::{TextError, file};

/// The text of a TOML document and where it came from.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, TextError> {
        Ok(Self { path: path.to_owned(), text: file::text(path)? })
    }

    /// Treats a text as if it had been read from `path`.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// A path in the document, which is relative to the document.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Where it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The document as a `T`; unknown keys are refused where `T` denies them.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, TextError> {
        toml::from_str(&self.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let message = error.message().trim_end_matches('\n').replace('\n', ", ");
            let in_words = wrong_type(&message).map(|words| format!("{} {words}", self.key_at(offset)));
            TextError::new(in_words.unwrap_or(message))
                .within(self.place(offset))
                .hint("`levee terms new` writes a file with every key explained")
        })
    }

    /// What `parse` reads from the value of `key`.
    pub fn field<T>(
        &self,
        key: &str,
        value: &Spanned<impl AsRef<str>>,
        parse: impl FnOnce(&str) -> Result<T, TextError>,
    ) -> Result<T, TextError> {
        parse(value.get_ref().as_ref())
            .map_err(|error| error.within(format!("{}: {key}", self.place(value.span().start))))
    }

    /// `terms.toml:3`, the line with the byte at `offset`.
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path.display(), self.line(offset))
    }

    /// The line with the byte at `offset`, counted from 1.
    pub fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        before.matches('\n').count() + 1
    }

    /// The first line on which `key` is given a value, counted from 1; none if there is none.
    pub fn line_of_key(&self, key: &str) -> Option<usize> {
        let gives = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
        self.text.lines().position(gives).map(|index| index + 1)
    }

    /// The key whose value begins at `offset`: what is before the last `=` of the line, or in the brackets of a header.
    fn key_at(&self, offset: usize) -> &str {
        let (before, after) = self.text.split_at_checked(offset).unwrap_or((&self.text, ""));
        let line = before.rsplit('\n').next().unwrap_or_default();
        let key = line.rsplit(['{', ',']).find_map(|part| Some(part.split_once('=')?.0.trim()));
        key.unwrap_or_else(|| after.lines().next().unwrap_or_default().trim_matches(['[', ']']))
    }
}

/// A type error of serde, in words.
fn wrong_type(message: &str) -> Option<String> {
    let text = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = text.split_once(", expected ")?;
    let (kind, value) = found.split_once(' ').unwrap_or((found, ""));
    let found = match kind {
        "integer" | "floating" => format!("the number {}", value.trim_start_matches("point ")),
        "string" => format!("the text `{}`", value.trim_matches('"')),
        "boolean" => value.to_owned(),
        "sequence" => "a list".to_owned(),
        _ => "a table".to_owned(),
    };
    let as_list = format!("a list, as in `[{value}]`");
    let expected = match expected {
        "a string" | "a borrowed string" | "path string" => "text in quotes",
        "a boolean" => "`true` or `false`, without quotes",
        "u8" => "a whole number from 0 to 255, without quotes",
        "u64" => "a whole number, without quotes",
        "a nonzero u64" | "a nonzero usize" => "a whole number above 0, without quotes",
        "a sequence" if kind == "string" => &as_list,
        "a sequence" => "a list: `[[name]]` begins each of its tables",
        _ if expected.starts_with("struct ") => "a table",
        other => other,
    };
    Some(format!("is {found}, and must be {expected}"))
}

/// A time as written: in quotes, or as a TOML date-time.
#[derive(Debug)]
pub struct TimeText(String);

impl AsRef<str> for TimeText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for TimeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = TimeText;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a time, as in `2026-08-01T00:00:00Z`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TimeText, E> {
        Ok(TimeText(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TimeText, A::Error> {
        Datetime::deserialize(MapAccessDeserializer::new(map)).map(|time| TimeText(time.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::amount;
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
    }

    #[test]
    fn a_value_of_another_type_is_told_in_words_with_its_key() {
        #[derive(Debug, Deserialize)]
        struct All {
            _time: TimeText,
            _count: u8,
            _pot: Vec<Pot>,
        }
        let refusal = |text: &str| Document::new("a.toml", text).parse::<All>().unwrap_err().to_string();
        let text = |time: &str, count: &str, pot: &str| format!("_time = {time}\n_count = {count}\n{pot}\n");
        let (time, pot) = ("2026-08-01T00:00:00Z", "[[_pot]]\ntarget = \"5 ETH\"");
        Document::new("a.toml", text(time, "4", pot)).parse::<All>().unwrap();
        let cases = [
            (
                text("5", "4", pot),
                "1: _time is the number `5`, and must be a time, as in `2026-08-01T00:00:00Z`",
            ),
            (
                text(time, "\"4\"", pot),
                "2: _count is the text `4`, and must be a whole number from 0 to 255, without quotes",
            ),
            (
                text(time, "300", pot),
                "2: _count is the number `300`, and must be a whole number from 0 to 255, without quotes",
            ),
            (
                text(time, "4", "[[_pot]]\ntarget = 5.5"),
                "4: target is the number `5.5`, and must be text in quotes",
            ),
            (
                text(time, "4", "_pot = [{ target = true }]"),
                "3: target is `true`, and must be text in quotes",
            ),
            (
                text(time, "4", "[_pot]\ntarget = \"\""),
                "3: _pot is a table, and must be a list: `[[name]]` begins each of its tables",
            ),
            (
                text(time, "4", "_pot = \"5 ETH\""),
                "3: _pot is the text `5 ETH`, and must be a list, as in `[\"5 ETH\"]`",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(refusal(&text), format!("a.toml:{message}"));
        }
    }

    #[test]
    fn a_time_needs_no_quotes() {
        #[derive(Debug, Deserialize)]
        struct Time {
            at: Spanned<TimeText>,
        }
        for text in ["2026-08-01T00:00:00Z", "\"2026-08-01T00:00:00Z\""] {
            let document = Document::new("a.toml", format!("at = {text}"));
            let time: Time = document.parse().unwrap();
            assert_eq!(document.field("at", &time.at, crate::text::time::parse_time).unwrap(), 1_785_542_400);
        }
        let document = Document::new("a.toml", "at = 2026-08-01");
        let time: Time = document.parse().unwrap();
        let message = document.field("at", &time.at, crate::text::time::parse_time).unwrap_err().to_string();
        assert_eq!(message, "a.toml:1: at: `2026-08-01` is not a time");
    }

    #[test]
    fn paths_are_relative_to_the_document() {
        assert_eq!(Document::new("dir/pot.toml", "").resolve("terms.md"), Path::new("dir/terms.md"));
        assert_eq!(Document::new("pot.toml", "").resolve("/terms.md"), Path::new("/terms.md"));
    }
}
