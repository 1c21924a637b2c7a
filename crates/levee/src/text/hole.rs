//! What a target is the net of: a gross loss less what was frozen, recovered or kept back, as the document says whose hash is among
//! the terms.
//!
//! A document of Markdown says it in a fenced block, and one of TOML in its table `hole`:
//!
//! ````text
//! ```hole
//! gross = "163183 ETH"
//!
//! [[less]]
//! what = "frozen on Arbitrum"
//! amount = "30766 ETH"
//! source = "https://forum.example/t/1"
//! ```
//! ````

use std::{ops::Range, path::Path};

use alloy::primitives::{B256, keccak256};
use levee_model::Wei;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{Document, TextError, amount, file};

/// The language of the block of a document that is no TOML.
const LANGUAGE: &str = "hole";

/// How many items are read: a list that nobody can read explains nothing.
const MOST_ITEMS: usize = 50;

/// A gross loss, and what is taken off it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hole {
    /// The whole loss.
    #[serde(rename = "grossWei")]
    pub gross: Wei,
    /// What is taken off, in the order of the document.
    pub less: Vec<Item>,
    /// What is left.
    #[serde(rename = "netWei")]
    pub net: Wei,
}

/// Something that is taken off a loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Item {
    /// What it is; the words of whoever wrote the document.
    pub what: String,
    /// How much.
    #[serde(rename = "amountWei")]
    pub amount: Wei,
    /// Where that is said, usually a link; empty if nowhere.
    pub source: String,
}

/// The keys of a hole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoleToml {
    gross: Spanned<String>,
    #[serde(default)]
    less: Vec<ItemToml>,
}

/// One `[[less]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemToml {
    what: String,
    amount: Spanned<String>,
    #[serde(default)]
    source: String,
}

/// All that matters here of a document of TOML.
#[derive(Debug, Deserialize)]
struct WithHole {
    hole: Option<HoleToml>,
}

impl HoleToml {
    /// What it says, in a document.
    ///
    /// # Errors
    /// If an amount is not one of ETH, or more is taken off than there is.
    pub fn read(&self, document: &Document) -> Result<Hole, TextError> {
        if self.less.len() > MOST_ITEMS {
            return Err(TextError::new(format!("{} items are more than {MOST_ITEMS}", self.less.len()))
                .within(document.path().display())
                .hint("sum up the small ones"));
        }
        let gross = document.field("gross", &self.gross, amount::parse_eth)?;
        let (mut net, mut less) = (gross, Vec::new());
        for ItemToml { what, amount, source } in &self.less {
            let place = document.place(amount.span().start);
            let amount = document.field("amount", amount, amount::parse_eth)?;
            net = net.checked_sub(amount).ok_or_else(|| {
                TextError::new("more is taken off than the gross loss")
                    .within(place)
                    .hint("correct an amount")
            })?;
            less.push(Item { what: what.clone(), amount, source: source.clone() });
        }
        Ok(Hole { gross, less, net })
    }
}

impl Hole {
    /// What the document at `path` says, and its hash; none if it says nothing of it.
    ///
    /// # Errors
    /// If the document cannot be read, or what it says is not whole.
    pub fn of_file(path: &Path) -> Result<(B256, Option<Self>), TextError> {
        let bytes = file::document(path)?;
        let hash = keccak256(&bytes);
        // A document may be of any kind, and then says nothing of it here.
        let said = String::from_utf8(bytes).ok().map(|text| Self::of_text(path, text));
        Ok((hash, said.transpose()?.flatten()))
    }

    fn of_text(path: &Path, text: String) -> Result<Option<Self>, TextError> {
        if path.extension().is_some_and(|extension| extension == "toml") {
            let document = Document::new(path, text);
            let WithHole { hole } = document.parse().map_err(explained)?;
            return hole.map(|hole| hole.read(&document)).transpose();
        }
        let Some(block) = block(path, &text)? else { return Ok(None) };
        let document = Document::new(path, block);
        document.parse::<HoleToml>().map_err(explained)?.read(&document).map(Some)
    }
}

fn explained(error: TextError) -> TextError {
    error.hint(
        "a hole has the keys `gross` and `[[less]]`, and each `[[less]]` has `what`, `amount` and `source`",
    )
}

/// The block in a text of Markdown, as whoever reads it sees it: not one within a comment or within another block. It has an empty line for each
/// one before it, so that errors name the right line.
fn block(path: &Path, text: &str) -> Result<Option<String>, TextError> {
    let is_hole = |(event, place): (Event<'_>, Range<usize>)| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
            (language.trim() == LANGUAGE).then_some(place)
        }
        _ => None,
    };
    let mut places = Parser::new(text).into_offset_iter().filter_map(is_hole);
    let Some(place) = places.next() else { return Ok(None) };
    let wrong =
        |what: &str, hint: &str| Err(TextError::new(what).within(path.display()).hint(hint.to_owned()));
    if places.next().is_some() {
        return wrong("there are several blocks of a hole", "leave the one that holds");
    }
    let before = text[..place.start].lines().count();
    let mut lines = text[place].lines().skip(1).collect::<Vec<_>>();
    // A fence that is not closed ends with the document.
    if !lines
        .pop()
        .is_some_and(|last| ["```", "~~~"].iter().any(|fence| last.trim_start().starts_with(fence)))
    {
        return wrong("the block of a hole is not closed", "end it with a line of ```");
    }
    Ok(Some(format!("{}{}\n", "\n".repeat(before + 1), lines.join("\n"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "gross = \"163183 ETH\"\n\n[[less]]\nwhat = \"frozen\"\namount = \"30766 ETH\"\nsource = \"https://a.example\"\n\n[[less]]\nwhat = \"kept\"\namount = \"43168.5 ETH\"\n";

    fn read(name: &str, text: impl Into<String>) -> Result<Option<Hole>, TextError> {
        Hole::of_text(Path::new(name), text.into())
    }

    #[test]
    fn a_document_says_what_its_target_is_the_net_of() {
        let ether = |text: &str| amount::parse_eth(text).unwrap();
        let expected = Hole {
            gross: ether("163183 ETH"),
            less: vec![
                Item {
                    what: "frozen".into(),
                    amount: ether("30766 ETH"),
                    source: "https://a.example".into(),
                },
                Item { what: "kept".into(), amount: ether("43168.5 ETH"), source: String::new() },
            ],
            net: ether("89248.5 ETH"),
        };
        let markdown = format!("# A rescue\n\n```hole\n{BLOCK}```\n\nMore.\n```sh\nls\n```\n");
        assert_eq!(read("rescue.md", markdown), Ok(Some(expected.clone())));
        let windows = format!("# A rescue\r\n```hole\r\n{}```\r\n", BLOCK.replace('\n', "\r\n"));
        assert_eq!(read("rescue.md", windows), Ok(Some(expected.clone())));
        let toml = format!("title = \"x\"\n\n[hole]\n{}", BLOCK.replace("[[less]]", "[[hole.less]]"));
        assert_eq!(read("scenario.toml", toml), Ok(Some(expected)));
        // What nobody sees as a block is none.
        let whole = format!("```hole\n{BLOCK}```\n");
        for hidden in [
            "# A rescue\n\n    ```hole\n".to_owned(),
            format!("<!--\n{whole}-->\n"),
            format!("````text\n{whole}````\n"),
            format!("~~~\n{whole}~~~\n"),
        ] {
            assert_eq!(read("rescue.md", hidden.as_str()), Ok(None), "{hidden}");
        }
        let example = "````text\n```hole\ngross = \"1 ETH\"\n```\n````\n\n";
        assert_eq!(
            read("rescue.md", format!("{example}{whole}")).unwrap().unwrap().gross,
            ether("163183 ETH")
        );
        assert_eq!(read("scenario.toml", "title = \"x\"\n"), Ok(None));
    }

    #[test]
    fn what_is_not_whole_is_refused_with_its_line() {
        let refused =
            |block: &str| read("a.md", format!("one\n\n```hole\n{block}```\n")).unwrap_err().to_string();
        assert_eq!(refused("gross = \"1\"\n"), "a.md:4: gross: `1` has no unit");
        assert_eq!(
            refused("gross = \"1 ETH\"\n[[less]]\nwhat = \"x\"\namount = \"2 ETH\"\n"),
            "a.md:7: more is taken off than the gross loss"
        );
        assert!(refused("gross = \"1 ETH\"\nnet = \"1 ETH\"\n").contains("unknown field `net`"));
        let several = read("a.md", "```hole\ngross = \"1 ETH\"\n```\n~~~hole\n~~~\n").unwrap_err();
        assert_eq!(several.to_string(), "a.md: there are several blocks of a hole");
        let open = read("a.md", "```hole\ngross = \"1 ETH\"\n").unwrap_err();
        assert_eq!(open.to_string(), "a.md: the block of a hole is not closed");
        let many = "[[less]]\nwhat = \"x\"\namount = \"0 ETH\"\n".repeat(51);
        assert_eq!(refused(&format!("gross = \"1 ETH\"\n{many}")), "a.md: 51 items are more than 50");
    }
}
