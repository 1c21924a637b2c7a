//! The pages are true: the README shows real output, the tutorial runs as written, and links and make targets exist.

use std::{collections::BTreeSet, path::Path, process::Command};

use alloy::providers::{ProviderBuilder, ext::AnvilApi};
use serde_json::json;

use crate::{
    accounts::{KEYSTORE_ADDRESS, PASSWORD, fund, install_keystore},
    support::{ETHER, LEVEE, Ran, anvil, project_file, root, words},
};

/// A date in the tutorial, replaced so that this test outlives it.
const DEADLINE: &str = "2027-12-31T00:00:00Z";
/// The pages outside of docs/.
const PAGES: [&str; 7] = [
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "scenarios/README.md",
    "tests/adversary/README.md",
    "tests/invariant/README.md",
];

#[test]
fn the_readme_shows_real_output() {
    let readme = project_file("README.md");
    let shown = readme.split("```text\n$ levee ").nth(1).expect("the README shows a command at work");
    let (command, output) =
        shown.split("```").next().unwrap_or_default().split_once('\n').expect("some output");
    let mut levee = Command::new(LEVEE);
    let ran: Ran = levee.args(command.split(' ')).current_dir(root()).output().expect("levee runs").into();
    let mut rest = words(&ran.ok());
    let parts = output.split('…').map(words).filter(|part| !part.is_empty()).collect::<Vec<_>>();
    assert!(parts.len() > 3, "{parts:?}");
    for part in parts {
        let start =
            rest.find(&part).unwrap_or_else(|| panic!("`levee {command}` does not go on with: {part}"));
        rest = rest.split_off(start + part.len());
    }
}

/// The contents of ```` ```sh ```` blocks.
pub(crate) fn shell_blocks(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

/// The commands as a script that stops at the first failure; nobody is there to answer, so what asks gets `--yes`.
fn script(commands: &str) -> String {
    const ASKING: [&str; 8] = [
        "levee deploy",
        "levee declare ",
        "levee bonus",
        "levee pledge",
        "levee settle",
        "levee release",
        "levee recover",
        "levee claim",
    ];
    let asks = |line: &str| ASKING.iter().any(|verb| line.starts_with(verb));
    let answered = |line: &str| if asks(line) { format!("{line} --yes\n") } else { format!("{line}\n") };
    format!("set -eu\n{}", commands.lines().map(answered).collect::<String>())
}

pub(crate) fn bash(home: &Path, url: &str, commands: &str) -> Ran {
    let binaries = Path::new(LEVEE).parent().expect("the binary is in a directory").display();
    let system = std::env::var("PATH").expect("PATH is set");
    let mut command = Command::new("bash");
    command.env_clear().env("PATH", format!("{binaries}:{system}")).env("HOME", home).current_dir(home);
    command.env("LEVEE_RPC_URL", url).env("LEVEE_PASSWORD", PASSWORD);
    command.args(["-c", &script(commands)]).output().expect("this test needs bash").into()
}

#[tokio::test]
async fn the_tutorial_runs_as_written() {
    let tutorial = project_file("docs/tutorial.md");
    let blocks = shell_blocks(&tutorial);
    assert!(blocks[0].starts_with("cargo build"), "{}", blocks[0]);
    assert!(blocks[1].starts_with("cat > rescue.toml"), "{}", blocks[1]);

    let anvil = anvil(&["--chain-id", "560048"]);
    let chain = ProviderBuilder::new().connect_http(anvil.endpoint_url());
    let home = tempfile::tempdir().expect("a directory for the test");
    install_keystore(home.path());
    fund(&chain, KEYSTORE_ADDRESS).await;
    let run = |commands: &str| bash(home.path(), &anvil.endpoint(), commands);
    let [_, terms, pledge, before, settle, after] = blocks[..] else { panic!("{} blocks", blocks.len()) };
    let commands = [terms, pledge, before, settle].concat();
    assert!(commands.contains(DEADLINE), "{commands}");
    let in_a_month = jiff::Timestamp::now().round(jiff::Unit::Second).expect("a time")
        + jiff::SignedDuration::from_hours(720);
    let shown = run(&commands.replace(DEADLINE, &in_a_month.to_string())).ok();
    assert!(shown.contains("the terms are valid; the rescue will be at 0x"), "{shown}");
    assert!(shown.contains(" declared: Approved, 0.01 ETH into tier 0, valid until "), "{shown}");
    assert!(shown.contains("\nnot yet locked, in total: 0 ETH\n"), "{shown}");
    assert!(shown.contains("\nadded 0.001 ETH from 0x"), "{shown}");
    assert!(shown.contains("settled at a threshold of 100 %: 0.02 ETH of 0.02 ETH is drawn"), "{shown}");

    let page = || run("levee status --terms rescue.toml --json").json();
    assert_eq!(page()["status"], "Settled");
    assert_eq!(page()["drawnWei"], (ETHER / 50).to_string());
    assert_eq!(page()["tranches"]["due"], 0);

    chain.anvil_increase_time(3_600).await.expect("anvil takes a time");
    chain.anvil_mine(Some(1), None).await.expect("anvil mines");
    let release = tutorial.split('`').find(|code| code.starts_with("levee release")).expect("it releases");
    let shown = run(release).ok();
    assert!(shown.contains("delivered 0.02 ETH to the beneficiary: 1 tranche of ETH in total"), "{shown}");
    assert_eq!(page()["status"], "Released");
    assert_eq!(page()["tranches"]["delivered"], json!({ "ETH": 1, "stETH": 0, "wstETH": 0 }));

    let shown = run(after).ok();
    assert!(shown.contains("repaid draw order 0: 0.005 ETH rest\n"), "{shown}");
    // Both tiers are of one draw order, and their pledges alike.
    assert_eq!(shown.matches("paid 0.0025 ETH of recovered funds").count(), 2, "{shown}");
    assert!(shown.contains("\nreturned 0.001 ETH of 0x"), "{shown}");
    assert_eq!(page()["recoveryPool"]["receivedWei"], (ETHER / 200).to_string());
}

/// All pages, by their path from the root.
fn pages() -> Vec<String> {
    let docs = ["docs", "docs/guides"].into_iter().flat_map(|directory| {
        let docs = std::fs::read_dir(root().join(directory)).expect("docs is there");
        let docs = docs.map(|entry| entry.expect("it can be listed").file_name());
        docs.map(move |name| format!("{directory}/{}", name.to_str().expect("names are text")))
    });
    PAGES.map(str::to_owned).into_iter().chain(docs.filter(|path| path.ends_with(".md"))).collect()
}

/// Where the links of a page point.
fn links(page: &str) -> Vec<&str> {
    page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchor that a heading gets on the forge.
fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .collect::<String>();
    kept.trim().replace(' ', "-")
}

fn has_anchor(page: &str, wanted: &str) -> bool {
    let headings = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    headings.map(anchor).any(|anchor| anchor == wanted)
}

/// What is wrong with a link, if anything is.
fn broken(page: &str, link: &str) -> Option<String> {
    let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
    let directory = Path::new(page).parent().unwrap_or(Path::new(""));
    let target = if path.is_empty() { page.into() } else { directory.join(path) };
    if !root().join(&target).exists() {
        return Some(format!("{page}: there is no {}", target.display()));
    }
    let found = wanted.is_empty() || has_anchor(&project_file(&target.display().to_string()), wanted);
    (!found).then(|| format!("{page}: {} has no heading #{wanted}", target.display()))
}

#[test]
fn every_relative_link_points_to_something() {
    let mut problems = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = project_file(&page);
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            seen += 1;
            problems.extend(broken(&page, link));
        }
    }
    assert!(seen > 10, "only {seen} links were found");
    assert_eq!(problems, [""; 0]);
}

/// The targets that a page's code calls `make` with.
fn make_targets(page: &str) -> BTreeSet<&str> {
    let code = page.split('`').skip(1).step_by(2).flat_map(str::lines);
    let called = code.filter_map(|line| line.trim_start().strip_prefix("make "));
    called.filter_map(|words| words.split_whitespace().next()).collect()
}

#[test]
fn every_make_command_is_a_target() {
    let makefile = project_file("Makefile");
    let mut seen = 0;
    for page in pages() {
        for target in make_targets(&project_file(&page)) {
            seen += 1;
            assert!(makefile.contains(&format!("\n{target}:")), "{page}: make has no target `{target}`");
        }
    }
    assert!(seen > 10, "only {seen} commands were found");
}
