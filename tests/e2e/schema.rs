//! What is written with `--json` is what docs/schema/ says.

use serde_json::Value;

use super::{Ran, project_file};

/// The schema of the result of a command.
fn of_result(words: &[&str]) -> Option<&'static str> {
    if words[0] == "decode" {
        return Some("decode");
    }
    if words[0] == "keeper" {
        // Without these, each line is a document.
        return ["--once", "--dry-run"].iter().any(|one| words.contains(one)).then_some("keeper");
    }
    if words.contains(&"--dry-run") {
        return Some("plan");
    }
    if ["--calldata", "--safe-batch", "--governor", "--aragon"].iter().any(|form| words.contains(form)) {
        return Some("calls");
    }
    if words.contains(&"--unsigned") {
        return Some("unsigned");
    }
    Some(match words {
        ["safe", "propose" | "show" | "sign", options @ ..]
            if !options.contains(&"--approve") || words[1] == "propose" =>
        {
            "safe"
        }
        ["address", ..] => "address",
        ["deploy", ..] => "deploy",
        ["doctor", ..] => "doctor",
        ["networks", ..] => "networks",
        ["declarations", ..] => "declarations",
        ["index", "check", ..] => "index-check",
        ["journal", "list", ..] => "journal-list",
        ["journal", "show" | "forget", ..] => "journal-show",
        ["positions", ..] => "positions",
        ["compact", "check" | "show", ..] => "compact-check",
        ["compact", "deploy", ..] => "compact-deploy",
        ["compact", "status", ..] => "compact-status",
        ["compact", "new", ..] => return None,
        ["receiver", "new", ..] => "receiver-new",
        ["receiver", "status", ..] => "receiver-status",
        ["report", options @ ..] if options.contains(&"--compact") => "report-compact",
        ["report", options @ ..] if options.contains(&"--html") => "report",
        ["report", ..] => "report-json",
        ["lint", ..] => "lint",
        ["rehearse", options @ ..] if options.contains(&"--from") => "rehearse-from",
        ["solve", ..] => "solve",
        ["status", ..] => "status",
        ["verify", ..] => "verify",
        ["what-if", ..] => "what-if",
        ["terms", "check", ..] => "terms-check",
        ["terms", "show", ..] => "terms-show",
        ["declare", options @ ..] if options.contains(&"--sign") => "signed-declaration",
        // Each line is a document.
        ["index" | "serve" | "watch", ..] => return None,
        ["abi" | "terms" | "rehearse" | "completions" | "man", ..] => return None,
        ["claim" | "collect" | "refund" | "bonus", ..] if words.contains(&"--all") => "payouts",
        ["pledgers", ..] => "pledgers",
        ["statement", ..] => "statement",
        _ => "transactions",
    })
}

/// Holds what a run with `--json` wrote against its schema.
pub(crate) fn check(words: &[&str], ran: &Ran) {
    if !words.contains(&"--json") || words.contains(&"--help") {
        return;
    }
    let (name, text) = match ran.code {
        Some(0) => (of_result(words), &ran.stdout),
        _ => (Some("error"), &ran.stderr),
    };
    // A pipe that nobody reads has nothing.
    let Some(name) = name.filter(|_| !text.is_empty()) else { return };
    let written: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let name = match name {
        "verify" if written.get("lastStarted").is_some() => "verify-compact",
        name => name,
    };
    let schema: Value =
        serde_json::from_str(&project_file(&format!("docs/schema/{name}.json"))).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let errors: Vec<_> =
        validator.iter_errors(&written).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(
        errors.is_empty(),
        "{} is not as docs/schema/{name}.json says: {errors:#?}\n{text}",
        words.join(" ")
    );
}

#[test]
fn a_result_of_another_shape_is_noticed() {
    let ran = Ran { code: Some(0), stdout: "{\"valid\": \"yes\"}".into(), stderr: String::new() };
    let noticed = std::panic::catch_unwind(|| check(&["terms", "check", "x.toml", "--json"], &ran));
    assert!(noticed.is_err());
}
