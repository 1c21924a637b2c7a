//! docs/cli.md is what `--help` says of the command and of every verb.

use std::fs;

use crate::support::{levee, root, run};

const INTRODUCTION: &str = "\
# The `levee` command

What `--help` says of the command and of every verb. Written by `make docs`: change the help, not this page.
";

/// The help of `verbs`. Without a terminal and without `COLUMNS` it is 100 columns wide, wherever it is made.
fn help(verbs: &[String]) -> String {
    let directory = tempfile::tempdir().expect("a directory for the test");
    run(&mut levee(directory.path()), &format!("{} --help", verbs.join(" "))).ok()
}

/// The verbs that a help lists, without `help` itself.
fn verbs_in(help: &str) -> Vec<&str> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs = listed.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let names = verbs.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    names.filter(|name| *name != "help").collect()
}

/// Appends the section of `verbs`, and those of the verbs below them.
fn describe(verbs: &[String], page: &mut String) {
    let help = help(verbs);
    if !verbs.is_empty() {
        page.push_str(&format!("\n## levee {}\n", verbs.join(" ")));
    }
    page.push_str(&format!("\n```text\n{}\n```\n", help.trim_end()));
    for verb in verbs_in(&help) {
        describe(&[verbs, &[verb.to_owned()]].concat(), page);
    }
}

#[test]
fn the_page_of_the_command_is_its_help() {
    let mut page = INTRODUCTION.to_owned();
    describe(&[], &mut page);
    let path = root().join("docs/cli.md");
    if std::env::var_os("LEVEE_WRITE_DOCS").is_some() {
        fs::write(&path, &page).expect("docs can be written to");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/cli.md is not what `--help` says: run `make docs`");
}

#[test]
fn every_verb_is_found() {
    let verbs = [
        "terms",
        "address",
        "deploy",
        "declare",
        "declarations",
        "pledge",
        "settle",
        "release",
        "refund",
        "exit",
        "collect",
        "object",
        "cancel",
        "lapse",
        "expire",
        "guardian",
        "bonus",
        "recover",
        "claim",
        "status",
        "positions",
        "rehearse",
        "completions",
        "man",
    ];
    assert_eq!(verbs_in(&help(&[])), verbs);
    assert_eq!(verbs_in(&help(&["guardian".into()])), ["decline", "amend"]);
    assert_eq!(verbs_in(&help(&["bonus".into()])), ["add", "enlist", "claim", "take-back"]);
}
