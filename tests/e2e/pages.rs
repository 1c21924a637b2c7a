//! `levee report`: a page about a real rescue, read in a real browser.

use std::{ffi::OsStr, path::Path, process::Command};

use serde_json::{Value, json};

use crate::{
    browser::{node, unpack},
    readme::shell_blocks,
    support::{ANN, BEN, CAT, DAY, ETHER, GUARDIAN, World, project_file, root, words},
};

/// What a reader without scripts sees on the page, on a phone and at a desk, in light and in dark.
fn read(page: &OsStr) -> Vec<Value> {
    unpack();
    let mut command: Command = node("page.mjs");
    // For whoever wants to look at it.
    command.arg(page).args(std::env::var_os("LEVEE_PICTURES"));
    let output = command.output().expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

/// A page that reads the same for everyone, asks for nothing, fits a phone and has no barrier.
pub(crate) fn sound(page: impl AsRef<OsStr>) -> Value {
    let readings = read(page.as_ref());
    assert_eq!(readings.len(), 4);
    for reading in &readings {
        let place = format!("{} {}", reading["width"], reading["colorScheme"]);
        assert_eq!((&reading["overflow"], &reading["told"]), (&json!(0), &json!([])), "{place}");
        assert_eq!(reading["violations"], json!([]), "{place}");
        for figure in ["locked", "target", "drawn"] {
            assert_eq!(reading[figure], readings[0][figure], "{place}");
        }
    }
    readings[3].clone()
}

fn wei(number: u128) -> Value {
    json!([number.to_string()])
}

#[tokio::test]
async fn a_page_shows_what_the_chain_says() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let link = "javascript:alert(1)";
    world.by(ANN, &format!("declare approved 60 ETH --tier 0 --expiry 2100-01-09T00:00:00Z --link {link}"));
    let forum = "https://forum.example/t/1";
    world.by(BEN, &format!("declare proposed 7 ETH --tier 1 --expiry 2100-01-09T00:00:00Z --link {forum}"));
    let block = project_file("docs/pages.md");
    let [command] = shell_blocks(&block)[..] else { panic!("there are other blocks") };
    let command = command.replace("0xRESCUE", &world.rescue().to_string());
    let told = world.levee(command.trim_end().trim_start_matches("levee ")).ok();
    assert!(
        told.starts_with(&format!("wrote page 1 of 1 about the rescue {}, at block ", world.rescue())),
        "{told}"
    );

    let page = world.directory().join("rescue.html");
    let seen = sound(page);
    // By the contract's own word: 41 ETH, 30 stETH and 50 shares at 1.2.
    let status = world.status();
    assert_eq!(seen["locked"], json!([status["coverageWei"]]));
    assert_eq!((&seen["target"], &seen["drawn"]), (&wei(100 * ETHER), &json!([])));
    let text = words(seen["text"].as_str().expect("a text"));
    for shown in
        ["Open", "Grants 41 ETH", "Loans 60 ETH", "Approved 19 ETH", "Proposed 7 ETH", "javascript:alert(1)"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let links = seen["links"].as_array().expect("a list");
    let away: Vec<_> =
        links.iter().filter(|link| !link[0].as_str().is_some_and(|to| to.starts_with('#'))).collect();
    assert_eq!(away, [&json!([forum, "noopener noreferrer nofollow"])]);

    // Its own commands hold.
    let address = world.rescue().to_string();
    let at = text.find("levee verify ").expect("it says how to check it");
    let verify = text[at..].split(" Compare").next().expect("a command");
    let verify = verify.trim_start_matches("levee ").replace("https://node.example", &world.endpoint());
    assert!(verify.contains(&address) && world.levee(&verify).ok().contains(&address));
}

#[tokio::test]
async fn a_pending_amendment_is_announced_before_anything_else() {
    let world = World::with_rescue().await;
    world.write("new.md", "What is agreed now.\n");
    world.by(GUARDIAN, "guardian amend --target 80ETH --document new.md");
    world.levee(&format!("report --rescue {} --html rescue.html", world.rescue())).ok();
    let seen = sound(world.directory().join("rescue.html"));
    let text = words(seen["text"].as_str().expect("a text"));
    let announced = text.find("An amendment is pending Target from 100 ETH to 80 ETH Document from 0x");
    assert!(announced.is_some() && announced < text.find("Pledges are accepted until"), "{text}");
    assert!(text.contains("every pledger can leave with the whole pledge"), "{text}");
}

#[tokio::test]
async fn a_page_from_the_index_needs_no_node() {
    let world = World::with_rescue().await;
    world.pledge_all();
    world.by(
        GUARDIAN,
        "guardian decline 0xBEN --tier 2".replace("0xBEN", &world.address(BEN).to_string()).as_str(),
    );
    world.by(ANN, "settle");
    world.warp(2 * DAY).await;
    world.by(CAT, "release ETH");
    world.levee("index --store index.db --once").ok();
    let mut offline = crate::support::levee(world.directory());
    let line = format!("report --rescue {} --store index.db --html rescue.html --json", world.rescue());
    let written = crate::support::run(&mut offline, &line).json();
    assert_eq!(
        (&written["page"], &written["pages"], &written["html"]),
        (&json!(1), &json!(1), &json!("rescue.html"))
    );
    let seen = sound(world.directory().join("rescue.html"));
    let status = world.status();
    assert_eq!(
        (&seen["locked"], &seen["drawn"]),
        (&json!([status["coverageWei"]]), &json!([status["drawnWei"]]))
    );
    let text = words(seen["text"].as_str().expect("a text"));
    for shown in ["Settled", "declined 30 stETH", "20.5 ETH paid", "20.5 ETH not yet due", "transaction"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let line = format!("report --rescue {} --store index.db --html rescue.html --page 2", world.rescue());
    crate::support::run(&mut crate::support::levee(world.directory()), &line).assert_refused(
        "there is no page 2: the contributors take 1 page",
        "choose one of these with `--page`",
    );
}

#[tokio::test]
async fn a_report_tells_what_the_target_is_the_net_of_by_its_document_alone() {
    let world = World::start().await;
    let item = "[[less]]\nwhat = \"frozen\"\namount = \"30 ETH\"\nsource = \"https://forum.example/t/1\"\n";
    let document = |gross: u32| format!("# A rescue\n\n```hole\ngross = \"{gross} ETH\"\n{item}```\n");
    world.write("terms.md", &document(131));
    let warned = world.levee("terms check rescue.toml --json").json();
    let warned = warned["warnings"].as_array().expect("a list");
    let expected = json!("by the document, 101 ETH is left to cover, and the target is 100 ETH");
    assert!(warned.contains(&expected), "{warned:?}");
    world.write("terms.md", &document(130));
    let warned = world.levee("terms check rescue.toml --json").json();
    assert!(!warned.to_string().contains("left to cover"), "{warned}");
    world.deploy();
    let report = format!("report --rescue {} --document terms.md", world.rescue());
    world.levee(&format!("{report} --html rescue.html")).ok();
    let seen = sound(world.directory().join("rescue.html"));
    let text = words(seen["text"].as_str().expect("a text"));
    let told = "Gross loss 130 ETH − frozen 30 ETH forum.example Left to cover 100 ETH";
    assert!(text.contains(told), "{text}");
    let told = world.levee(&format!("{report} --json")).json();
    assert_eq!(told["hole"]["less"][0]["amountWei"], (30 * ETHER).to_string());
    assert_eq!(told["hole"]["netWei"], told["targetWei"]);
    let markdown = world.levee(&format!("{report} --markdown")).ok();
    assert!(markdown.contains("| less frozen | 30 ETH | https://forum.example/t/1 |\n"), "{markdown}");

    world.write("terms.md", &document(131));
    let ran = world.levee(&format!("{report} --json"));
    let refused = "no terms of the rescue name the document with the hash `0x";
    assert!(ran.code == Some(1) && ran.stderr.contains(refused), "{}", ran.stderr);
    world.write("terms.md", "What was agreed.\n");
    world.levee(&format!("{report} --markdown")).assert_refused(
        "`terms.md` does not say what the target is the net of",
        "a document says it in a block that begins with ```hole; its hash must be that of the terms",
    );
}

#[test]
fn a_rehearsal_leaves_a_page_for_each_ending() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = crate::support::levee(directory.path());
    command.env("ANVIL", std::env::var("ANVIL").expect("it is set"));
    let scenario = crate::support::root().join("scenarios/article-2026-04-24.toml");
    command.arg("rehearse").arg(scenario).args(["--report", "rescue.html"]);
    let output = command.output().expect("levee runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stderr = String::from_utf8(output.stderr).expect("it is text");
    assert!(stderr.contains("the page about this ending is rescue-1.html\n"), "{stderr}");
    // 63 % is covered in the first ending, and everything in the second.
    let seen = sound(directory.path().join("rescue-1.html"));
    assert_eq!((&seen["target"], &seen["drawn"]), (&wei(68_900 * ETHER), &wei(41_000 * ETHER)));
    let text = words(seen["text"].as_str().expect("a text"));
    assert!(text.contains("Mantle") && text.contains("30,000 ETH"), "{text}");
    assert_eq!(sound(directory.path().join("rescue-2.html"))["target"], wei(68_900 * ETHER));
    the_picture_is_of(&directory.path().join("rescue-1.html"));
}

/// The README's picture, which `make docs` draws, is of this page as far as its size tells: letters are drawn a little otherwise on other machines.
fn the_picture_is_of(page: &Path) {
    let (drawn, kept) = (page.with_extension("png"), root().join("docs/images/rescue.png"));
    let ran = node("picture.mjs").args([page, &drawn]).status().expect("node runs");
    assert!(ran.success());
    let [drawn, before] = [&drawn, &kept].map(|path| std::fs::read(path).unwrap_or_default());
    if std::env::var_os("LEVEE_WRITE_DOCS").is_some() && size(&drawn) != size(&before) {
        std::fs::write(&kept, &drawn).expect("it can be written");
    }
    let kept = std::fs::read(&kept).unwrap_or_default();
    assert_eq!(size(&kept), size(&drawn), "the page has changed: run `make docs`");
    assert!(kept.len() < 200_000, "{}", kept.len());
}

/// The width and the height of a picture in PNG; none if it is none.
fn size(png: &[u8]) -> Option<[u32; 2]> {
    let of = |place: usize| Some(u32::from_be_bytes(png.get(place..place + 4)?.try_into().ok()?));
    let is_png = png.starts_with(b"\x89PNG\r\n");
    is_png.then_some([of(16)?, of(20)?])
}

#[tokio::test]
async fn a_report_for_a_forum_and_for_a_program_tells_the_same() {
    let world = World::with_rescue().await;
    let link = "[x](javascript:alert(1))|";
    let line = [
        "declare",
        "approved",
        "50",
        "ETH",
        "--tier",
        "0",
        "--expiry",
        "2100-01-09T00:00:00Z",
        "--link",
        link,
    ];
    let mut declare = world.command();
    declare.args(line).args(["--terms", "rescue.toml", "--dev", "1", "--yes"]);
    assert!(declare.output().expect("levee runs").status.success());
    world.pledge_all();
    let report = format!("report --rescue {}", world.rescue());
    let told = world.levee(&format!("{report} --json")).json();
    let status = world.status();
    for (key, value) in status.as_object().expect("an object") {
        assert_eq!(&told[key], value, "{key}");
    }
    assert_eq!(told["declared"], world.levee("declarations --terms rescue.toml --json").json());
    let order: Vec<_> =
        told["pledgers"].as_array().expect("a list").iter().map(|one| &one["pledger"]).collect();
    assert_eq!(order, [CAT, ANN, BEN].map(|account| json!(world.address(account).to_string())).each_ref());

    let markdown = world.levee(&format!("{report} --markdown")).ok();
    for part in [
        format!("# Rescue `{}`\n", world.rescue()),
        "| target | 100 ETH |\n".into(),
        "| 50 ETH | 41 ETH | 9 ETH |".into(),
        "| \\[x\\](javascript:alert(1))\\| |".into(),
        format!("| `{}` | pledged: 41 ETH into tier 0 |", world.address(ANN)),
        format!("levee verify {} --chain 31337 ", world.rescue()),
    ] {
        assert!(markdown.contains(&part), "{part}: {markdown}");
    }
    world.levee(&report).assert_refused(
        "the report needs a form",
        "give one of `--html FILE`, `--markdown`, `--csv` and `--json`",
    );
    // The contributors, as they are listed elsewhere by address: Cat's 60 ETH, Ann's 41, Ben's 30.
    let table = world.levee(&format!("{report} --csv")).ok();
    let listed = world.levee(&format!("{} --csv", report.replace("report", "pledgers"))).ok();
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[1..].sort();
        lines
    };
    assert_eq!(sorted(&table), sorted(&listed));
    let first: Vec<_> = table.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let order: Vec<_> = [CAT, ANN, BEN].map(|account| world.address(account).to_string()).into();
    assert_eq!(first, order);
}
