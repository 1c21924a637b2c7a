//! The figures in the documentation are the measured ones.

use std::{collections::BTreeMap, fs, path::PathBuf};

/// A file of the repository.
fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the gas table: a figure and its gas.
fn table(page: &str) -> BTreeMap<String, u64> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let gas = cells[2].replace(',', "").parse().unwrap_or_else(|_| panic!("no figure in `{row}`"));
        (cells[1].trim_matches('`').to_owned(), gas)
    })
    .collect()
}

/// The lines of the snapshot that are not repeated with 10,000 pledgers.
fn snapshot(text: &str) -> BTreeMap<String, u64> {
    let figures = text.lines().filter_map(|line| line.split_once(' '));
    figures
        .filter(|(name, _)| !name.ends_with("_10000"))
        .map(|(name, gas)| {
            (name.to_owned(), gas.parse().unwrap_or_else(|_| panic!("no figure in `{name} {gas}`")))
        })
        .collect()
}

#[test]
fn the_gas_table_is_the_snapshot() {
    assert_eq!(table(&read("docs/performance.md")), snapshot(&read("tests/snapshots/gas.txt")));
}
