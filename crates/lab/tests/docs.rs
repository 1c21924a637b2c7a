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

/// What stands between backticks.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}

/// The text of every Solidity file below a folder of the repository.
fn solidity(folder: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut text = String::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sol") {
                text +=
                    &fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
        }
    }
    text
}

#[test]
fn what_shows_each_property_exists() {
    let page = read("docs/properties.md");
    let tests = solidity("tests");
    let names: Vec<_> =
        quoted(&page).filter(|name| name.starts_with("invariant_") || name.starts_with("check_")).collect();
    let named = names.iter().filter(|name| !name.contains('<')).collect::<Vec<_>>();
    assert!(named.len() > 20, "only {} names", named.len());
    for name in named {
        assert!(tests.contains(&format!("function {name}(")), "no test is named `{name}`");
    }
    // And every proof and campaign is there.
    for kind in ["invariant_", "check_"] {
        for declared in tests.split("function ").skip(1).filter(|text| text.starts_with(kind)) {
            let name = declared.split('(').next().unwrap_or_default();
            assert!(names.contains(&name), "`{name}` is not in docs/properties.md");
        }
    }
}
