//! Tables and facts as plain text, within the width of the terminal.
//!
//! In a table that is too wide, cells are wrapped at words. If that would break a word, such as an amount or an
//! address, each record becomes a block of facts instead.

use std::sync::OnceLock;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use textwrap::{Options, WordSplitter, core::display_width};

use crate::escape;

/// The width if it is unknown, as in a file or a pipe.
const USUAL_WIDTH: usize = 80;
/// Between two columns.
const GAP: usize = 2;

static WIDTH: OnceLock<usize> = OnceLock::new();

/// Uses the width of the terminal, if stdout is one, for everything that is rendered from now on.
pub(crate) fn fit_terminal() {
    if let Some((terminal_size::Width(columns), _)) = terminal_size::terminal_size_of(std::io::stdout()) {
        WIDTH.get_or_init(|| columns.into());
    }
}

fn width() -> usize {
    *WIDTH.get().unwrap_or(&USUAL_WIDTH)
}

/// Renders rows below a header; every row has as many cells as the header. Lines end in `\n`.
pub(crate) fn render<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| escape::line(cell))).collect();
    let widest = |measure: fn(&str) -> usize| -> [usize; N] {
        std::array::from_fn(|column| {
            let cells = rows.iter().map(|row| row[column].as_str()).chain([header[column]]);
            cells.map(measure).max().unwrap_or_default()
        })
    };
    let fits = |columns: &[usize; N]| columns.iter().sum::<usize>() + GAP * (N - 1) <= width();
    let least = widest(longest_word);
    if fits(&widest(display_width)) {
        upright(header, &rows, None)
    } else if fits(&least) {
        upright(header, &rows, Some(least))
    } else {
        sideways(header, &rows)
    }
}

/// In columns, with cells wrapped if every column can have its minimum width.
fn upright<const N: usize>(header: [&str; N], rows: &[[String; N]], least: Option<[usize; N]>) -> String {
    let columns = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header).add_rows(rows);
    if least.is_some() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns(width()));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let gap = if index == 0 { 0 } else { GAP };
        column.set_padding((columns(gap), 0));
        if let Some(least) = least {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(columns(least[index] + gap))));
        }
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// With each record as a block of facts.
fn sideways<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let block = |row: &[String; N]| facts(&header.into_iter().zip(row.iter().cloned()).collect::<Vec<_>>());
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// Renders `name  value` lines with aligned values.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    indented_facts(facts, 0)
}

/// The same, indented.
pub(crate) fn facts_below(facts: &[(&str, String)]) -> String {
    indented_facts(facts, GAP)
}

/// The same, so far indented.
pub(crate) fn indented_facts(facts: &[(&str, String)], indent: usize) -> String {
    let longest = facts.iter().map(|(name, _)| display_width(name)).max().unwrap_or_default();
    facts
        .iter()
        .map(|(name, value)| fact(name, &escape::line(value), indent, indent + longest + GAP))
        .collect()
}

/// One fact, whose value begins at `column`, or below its name if a word would be broken otherwise.
fn fact(name: &str, value: &str, indent: usize, column: usize) -> String {
    let name = format!("{:indent$}{name}", "");
    if column + longest_word(value) > width() {
        return format!("{name}\n{}", wrapped(value, indent + GAP, indent + GAP));
    }
    let value = wrapped(value, column, column);
    format!("{}\n", format!("{name:column$}{}", value.get(column..).unwrap_or_default()).trim_end())
}

/// A line that is wrapped, from `column` on, if it is too long.
pub(crate) fn hanging(line: &str, column: usize) -> String {
    wrapped(&escape::line(line), 0, column)
}

/// Wrapped at spaces only: what is copied must stay whole.
fn wrapped(text: &str, first: usize, rest: usize) -> String {
    let [first, rest] = [first, rest].map(|column| " ".repeat(column));
    let options = Options::new(width()).break_words(false).word_splitter(WordSplitter::NoHyphenation);
    format!("{}\n", textwrap::fill(text, options.initial_indent(&first).subsequent_indent(&rest)))
}

fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(display_width).max().unwrap_or_default()
}

/// A bar of twenty steps that shows `bps` basis points; it is full only at 100 %.
pub(crate) fn bar(bps: u128) -> String {
    const STEPS: usize = 20;
    let full = usize::try_from(bps * STEPS as u128 / 10_000).map_or(STEPS, |full| full.min(STEPS));
    format!("[{}{}]", "#".repeat(full), ".".repeat(STEPS - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings<const N: usize>(cells: [&str; N]) -> [String; N] {
        cells.map(str::to_owned)
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [strings(["0", "1.5 ETH"]), strings(["10", "…\n1"])];
        assert_eq!(render(["tier", "pledged"], &rows), "tier  pledged\n0     1.5 ETH\n10    …\\n1\n");
    }

    #[test]
    fn a_wide_table_wraps_its_cells_at_words() {
        let sentence = "makes a pledge count for the bonus from now on, for as long as it is locked";
        let table = render(["call", "who", "effect"], &[strings(["levee bonus enlist", "anyone", sentence])]);
        let expected = "\
call                who     effect
levee bonus enlist  anyone  makes a pledge count for the bonus from now on, for
                            as long as it is locked
";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_table_whose_words_would_break_turns_sideways() {
        let account = "0x00000000000000000000000000000000000000Be";
        let row = strings([account, "1000000000000000000 shares", "1.000000000000000001 wstETH"]);
        let table = render(["account", "pledged", "drawn"], &[row.clone(), row]);
        let record = format!(
            "account  {account}\npledged  1000000000000000000 shares\ndrawn    1.000000000000000001 wstETH\n"
        );
        assert_eq!(table, format!("{record}\n{record}"));
    }

    #[test]
    fn facts_are_aligned() {
        assert_eq!(facts(&[("a", "1".to_owned()), ("long", "2\n3".to_owned())]), "a     1\nlong  2\\n3\n");
        assert_eq!(facts_below(&[("a", "1".to_owned()), ("b", String::new())]), "  a  1\n  b\n");
    }

    #[test]
    fn a_long_fact_goes_on_below_itself_and_its_words_stay_whole() {
        let hash = format!("0x{}", "07".repeat(32));
        let rendered = facts(&[("objection period", format!("{hash} of x")), ("to", "word ".repeat(15))]);
        let expected = format!(
            "objection period\n  {hash} of x\nto                {}\n{:18}{}\n",
            "word ".repeat(12).trim_end(),
            "",
            "word word word"
        );
        assert_eq!(rendered, expected);
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let word = "0123456789012345678";
        for count in 1..12 {
            let text = [word; 12][..count].join(" ");
            let table = render(["one", "two", "three"], &[[text.clone(), text.clone(), text.clone()]]);
            let all = format!("{table}{}{}", facts_below(&[("name", text.clone())]), hanging(&text, 22));
            assert!(all.lines().all(|line| display_width(line) <= USUAL_WIDTH), "{all}");
        }
    }

    #[test]
    fn a_bar_is_full_only_when_all_is_there() {
        let bars = [0, 499, 500, 9_999, 10_000, 25_000].map(|bps| bar(bps).matches('#').count());
        assert_eq!(bars, [0, 0, 1, 19, 20, 20]);
    }
}
