//! Markdown in which a text from elsewhere stays a text.

use crate::escape;

/// A table.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
    let head = line(header.map(str::to_owned)) + &line([(); N].map(|()| "---".to_owned()));
    let text = rows.fold(head, |text, row| text + &line(row));
    text.trim_end().to_owned()
}

/// A text that may be from elsewhere, as nothing but text.
pub(crate) fn escaped(text: &str) -> String {
    const MARKS: &str = "\\`*_[]<>|#~!&";
    let escape = |c: char| if MARKS.contains(c) { format!("\\{c}") } else { c.to_string() };
    escape::line(text).chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        let text = "a|b <img src=x> [x](y) `c`\n# d \u{202e}";
        assert_eq!(escaped(text), "a\\|b \\<img src=x\\> \\[x\\](y) \\`c\\`\\\\n\\# d \\\\u{202e}");
        let rows = [["1".to_owned(), "2".to_owned()]];
        assert_eq!(table(["a", "b"], rows.into_iter()), "| a | b |\n| --- | --- |\n| 1 | 2 |");
    }
}
