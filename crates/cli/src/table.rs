//! Tables as plain text: columns aligned, two spaces apart.

use crate::escape;

/// Renders rows below a header; every row has as many cells as the header. Lines end in `\n`.
pub(crate) fn render<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| escape::line(cell))).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or_default()
    });
    let mut text = line(&header, &widths);
    for row in &rows {
        text.push_str(&line(&row.each_ref().map(String::as_str), &widths));
    }
    text
}

fn line(cells: &[&str], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, &width)| format!("{cell:width$}"));
    let line = padded.collect::<Vec<_>>().join("  ");
    format!("{}\n", line.trim_end())
}

/// Renders `name  value` lines with the values aligned, for facts that are no table.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    facts.iter().map(|(name, value)| format!("{name:width$}  {}\n", escape::line(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["0".to_owned(), "1.5 ETH".to_owned()], ["10".to_owned(), "…\n1".to_owned()]];
        assert_eq!(render(["tier", "pledged"], &rows), "tier  pledged\n0     1.5 ETH\n10    …\\n1\n");
    }

    #[test]
    fn facts_are_aligned() {
        assert_eq!(facts(&[("a", "1".to_owned()), ("long", "2\n3".to_owned())]), "a     1\nlong  2\\n3\n");
    }
}
