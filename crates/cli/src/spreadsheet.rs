//! CSV that a spreadsheet reads as it is meant: no text in it is taken for a formula.

use eyre::{Result, WrapErr};
use serde::Serialize;

use crate::escape;

/// A document with a header, which is the names of the fields of a row.
pub(crate) fn document(rows: impl IntoIterator<Item = impl Serialize>) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).wrap_err("a row cannot be written")?;
    }
    let bytes = writer.into_inner().wrap_err("the rows cannot be written")?;
    String::from_utf8(bytes).wrap_err("the rows are not text")
}

/// A text from elsewhere as a cell. With a quote before it, a spreadsheet takes it for a text; see
/// <https://owasp.org/www-community/attacks/CSV_Injection>. In half of the world, spreadsheets begin a cell after a semicolon, whatever this file
/// has between its cells.
pub(crate) fn foreign(text: &str) -> String {
    const BEGIN_FORMULAS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    const BEGIN_CELLS: [char; 6] = [',', ';', '|', ':', '"', '\''];
    let (mut cell, mut is_begin) = (String::new(), true);
    for character in escape::line(text).chars() {
        if is_begin && BEGIN_FORMULAS.contains(&character) {
            cell.push('\'');
        }
        cell.push(character);
        is_begin = BEGIN_CELLS.contains(&character) || is_begin && character.is_whitespace();
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Row {
        a: u8,
        b: String,
    }

    #[test]
    fn a_cell_is_never_a_formula_or_several() {
        let texts = [
            "=1+1",
            " =1",
            "+1",
            "-1",
            "@sum",
            "＝1",
            "a,\"b\"",
            "a\nb\r\u{1b}",
            "https://a.example/=1",
            ";=1+1",
            "a; \"=1|@b",
        ];
        let cells = [
            "'=1+1",
            " '=1",
            "'+1",
            "'-1",
            "'@sum",
            "'＝1",
            "a,\"b\"",
            "a\\nb\\r\\u{1b}",
            "https://a.example/=1",
            ";'=1+1",
            "a; \"'=1|'@b",
        ];
        assert_eq!(texts.map(foreign), cells);
        let rows = [Row { a: 1, b: foreign("x,\"y\"\n") }, Row { a: 2, b: String::new() }];
        assert_eq!(document(rows).unwrap(), "a,b\n1,\"x,\"\"y\"\"\\n\"\n2,\n");
    }
}
