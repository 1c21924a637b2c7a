//! What became of a rescue, from a node's logs and from an index, in all forms; and who has something in it.

use alloy::{primitives::U256, sol_types::SolEvent as _};
use levee::bindings::RecoveryPool;
use serde_json::{Value, json};

use crate::support::{ANN, ANYONE, BEN, CAT, DAY, ETHER, GUARDIAN, World};

/// What is drawn of Cat's 50 wstETH, whose group of 60 ETH covers 29.
const CATS_DRAW: u128 = 50 * ETHER * 29 / 60;
/// The value of that, at 1.2 ETH a share.
const PRINCIPAL: u128 = 29 * ETHER - 1;

impl World {
    /// Ann has declared more than the 41 ETH that are drawn, Ben's 25 shares are drawn, and of Cat's 50 wstETH a part. All is delivered and
    /// refunded, 30 ETH were recovered, and Cat has claimed.
    pub(crate) async fn with_an_end(&self) {
        let link = "=HYPERLINK(\"https://a.example\")";
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
        let mut declare = self.command();
        declare.args(line).args(["--terms", "rescue.toml", "--dev", "1", "--yes"]);
        assert!(declare.output().expect("levee runs").status.success());
        self.released().await;
        let cat = self.address(CAT);
        self.by(ANYONE, &format!("refund --pledger {cat}"));
        self.by(GUARDIAN, "recover 30 ETH");
        self.by(ANYONE, &format!("claim --pledger {cat}"));
    }

    fn statement(&self, options: &str) -> Value {
        self.levee(&format!("statement --terms rescue.toml --json {options}")).json()
    }
}

fn number(value: &Value) -> u128 {
    value.as_str().expect("a number").parse().expect("digits")
}

/// The rows of a document without commas in its cells, by the names of its columns.
fn rows(csv: &str) -> Vec<Vec<(String, String)>> {
    let mut lines = csv.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    lines.map(|cells| header.iter().cloned().zip(cells).collect()).collect()
}

fn cell<'a>(row: &'a [(String, String)], column: &str) -> &'a str {
    &row.iter().find(|(name, _)| name == column).expect("the column is there").1
}

#[tokio::test]
async fn every_wei_and_share_of_a_rescue_is_accounted_for() {
    let world = World::with_rescue().await;
    world.with_an_end().await;
    let statement = world.statement("");
    let back = 50 * ETHER - CATS_DRAW;
    let parts = |pledged: u128, delivered: u128, refunded: u128| {
        json!({
            "pledged": pledged.to_string(), "returned": "0", "owed": "0", "locked": "0", "delivered": delivered.to_string(),
            "reserved": "0", "held": "0", "refunded": refunded.to_string(), "refundable": "0", "dust": "0",
        })
    };
    let expected = [
        ("ETH", "wei", parts(41 * ETHER, 41 * ETHER, 0)),
        ("stETH", "stETH shares", parts(25 * ETHER, 25 * ETHER, 0)),
        ("wstETH", "units of 10^-18 wstETH", parts(50 * ETHER, CATS_DRAW, back)),
    ];
    for ((asset, unit, mut parts), found) in
        expected.into_iter().zip(statement["assets"].as_array().expect("a list"))
    {
        (parts["asset"], parts["unit"]) = (json!(asset), json!(unit));
        assert_eq!(found, &parts);
    }
    assert_eq!(statement["rateWeiPer1e27Shares"], "1200000000000000000000000000");
    let cat = world.address(CAT).to_string();
    let of_cat = |list: &str| {
        let mut found =
            statement[list].as_array().expect("a list").iter().filter(|one| one["pledger"] == *cat);
        found.next().expect("there is one").clone()
    };
    let position = of_cat("positions");
    assert_eq!((number(&position["drawn"]), number(&position["refunded"])), (CATS_DRAW, back));
    // Cat is alone in its draw order, which is repaid first.
    let (payments, group) = (of_cat("poolPayments"), &statement["recovery"]["groups"][1]);
    let interest = number(&group["interestWei"]);
    assert!(interest > 0);
    assert_eq!((&group["drawOrder"], number(&group["principalWei"])), (&json!(1), PRINCIPAL));
    let earned = ["earnedWei", "claimedWei", "interestWei"].map(|name| number(&payments[name]));
    assert_eq!(earned, [PRINCIPAL + interest, PRINCIPAL + interest, interest]);
    let recovery = &statement["recovery"];
    let recovery = ["totalWei", "claimedWei", "claimableWei", "dustWei"].map(|name| number(&recovery[name]));
    let rest = 30 * ETHER - PRINCIPAL - interest;
    let due = rest * 41 / 71 + rest * 30 / 71;
    assert_eq!(recovery, [30 * ETHER, PRINCIPAL + interest, due, rest - due]);
    // Each line has its transaction.
    let movements = statement["movements"].as_array().expect("a list");
    let names: Vec<_> = movements.iter().map(|line| line["event"].as_str().expect("a name")).collect();
    let expected = [
        "Declared",
        "Pledged",
        "Pledged",
        "Pledged",
        "Settled",
        "Released",
        "Released",
        "Released",
        "Refunded",
        "Recovered",
        "Repaid",
        "Repaid",
        "Claimed",
    ];
    assert_eq!(names, expected);
    let hash = movements[0]["transaction"].as_str().and_then(|text| text.parse().ok()).expect("a hash");
    let receipt = alloy::providers::Provider::get_transaction_receipt(&world.chain, hash).await;
    assert_eq!(
        receipt.expect("anvil answers").expect("it is there").block_number,
        movements[0]["block"].as_u64()
    );
}

#[tokio::test]
async fn an_index_says_the_same_without_a_node() {
    let world = World::with_rescue().await;
    world.with_an_end().await;
    world.levee("index --store index.db --once").ok();
    let by_index = world.statement("--store index.db");
    assert_eq!(by_index, world.statement(""));
    let declared = &by_index["movements"][0];
    assert_eq!(
        (&declared["event"], &declared["amountWei"]),
        (&json!("Declared"), &json!((50 * ETHER).to_string()))
    );

    // For accountants, without what a spreadsheet would take for a formula.
    let csv = world.levee("statement --terms rescue.toml --store index.db --csv").ok();
    assert!(csv.contains(",\"'=HYPERLINK(\"\"https://a.example\"\")\"\n"), "{csv}");
    let rows = rows(&csv);
    let (ann, cat) = (world.address(ANN).to_string(), world.address(CAT).to_string());
    let refunded = rows.iter().find(|row| cell(row, "movement") == "refunded").expect("there is one");
    let cells =
        ["direction", "account", "tier", "asset", "unit", "amount", "decimal", "value_wei", "recipient"];
    let value = (50 * ETHER - CATS_DRAW) * 12 / 10;
    assert_eq!(
        cells.map(|name| cell(refunded, name)),
        [
            "received",
            &cat,
            "1",
            "wstETH",
            "units of 10^-18 wstETH",
            "25833333333333333334",
            "25.833333333333333334",
            &value.to_string(),
            &cat
        ]
    );
    let drawn: Vec<_> = rows.iter().filter(|row| cell(row, "movement") == "drawn").collect();
    let drawn: Vec<_> =
        drawn.iter().map(|row| (cell(row, "tier"), cell(row, "asset"), cell(row, "amount"))).collect();
    let [eth, shares, units] = [41 * ETHER, 25 * ETHER, CATS_DRAW].map(|number| number.to_string());
    assert_eq!(drawn, [("0", "ETH", &*eth), ("1", "wstETH", &*units), ("2", "stETH", &*shares)]);
    // What is of one contributor.
    let csv = world.levee(&format!("statement --terms rescue.toml --store index.db --csv --for {ann}")).ok();
    let own: Vec<_> = self::rows(&csv).iter().map(|row| cell(row, "movement").to_owned()).collect();
    assert_eq!(own, ["declared", "pledged", "drawn"]);
    let csv = world.levee(&format!("statement --terms rescue.toml --store index.db --csv --for {cat}")).ok();
    let own = self::rows(&csv);
    let drawn = own.iter().find(|row| cell(row, "movement") == "drawn").expect("there is one");
    let cells = ["direction", "account", "tier", "asset", "amount"].map(|name| cell(drawn, name));
    assert_eq!(cells, ["", &cat, "1", "wstETH", "24166666666666666666"]);

    let text = world.levee(&format!("statement --terms rescue.toml --store index.db --for {cat}")).ok();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let words = crate::support::words(&text);
    let identity = "wstETH in tier 1 50 wstETH pledged = 24.166666666666666666 wstETH drawn + 25.833333333333333334 wstETH refunded";
    assert!(words.contains(identity) && words.contains("Reconciled to the unit"), "{text}");
    let markdown = world.levee("statement --terms rescue.toml --store index.db --markdown").ok();
    assert!(
        markdown.starts_with(&format!("# Statement of the rescue `{}`\n\n", world.rescue())),
        "{markdown}"
    );
    assert!(markdown.contains("| all | ETH | 41 ETH pledged = 41 ETH delivered |\n"), "{markdown}");
}

#[tokio::test]
async fn what_does_not_add_up_is_no_statement() {
    let world = World::with_rescue().await;
    world.with_an_end().await;
    world.levee("index --store index.db --once").ok();
    sqlx::any::install_default_drivers();
    let path = world.directory().join("index.db");
    let rows = sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.expect("it opens");
    let delete = sqlx::query("DELETE FROM logs WHERE substr(topics, 1, 32) = $1 AND data <> $2");
    let signature = RecoveryPool::Repaid::SIGNATURE_HASH.to_vec();
    let deleted = delete.bind(signature).bind(Vec::new()).execute(&rows).await.expect("it is written");
    assert_eq!(deleted.rows_affected(), 2);
    rows.close().await;
    let ran = world.levee("statement --terms rescue.toml --store index.db --json");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    let error: Value = serde_json::from_str(&ran.stderr).expect("it is JSON");
    assert_eq!(error["error"]["kind"], "NotReconciled");
    let reason = error["error"]["facts"]["reason"].as_str().expect("text");
    assert!(
        reason.starts_with("by the events, draw order 1 was repaid 0 wei, and by the rules 29"),
        "{reason}"
    );

    let nobody = world.address(GUARDIAN + 2);
    let block = alloy::providers::Provider::get_block_number(&world.chain).await.expect("anvil answers");
    world.levee(&format!("statement --terms rescue.toml --for {nobody}")).assert_refused(
        &format!("`{nobody}` has no part in the rescue `{}` up to block {block}", world.rescue()),
        "`levee pledgers` lists everyone who has something in it",
    );
    world.levee("statement --terms rescue.toml --csv --markdown").assert_refused(
        "the argument '--csv' cannot be used with '--markdown'",
        "see `levee help`, or add `--help` to any command",
    );
}

#[tokio::test]
async fn a_statement_of_an_open_rescue_does_not_guess() {
    let world = World::with_rescue().await;
    world.by(BEN, "pledge 30 stETH --tier 2 --approve");
    world.levee("index --store index.db --once").ok();
    let by_node = world.statement("");
    assert_eq!(by_node["positions"][0]["locked"], (25 * ETHER).to_string());
    assert_eq!(by_node["rateWeiPer1e27Shares"], "1200000000000000000000000000");
    let by_index = world.levee("statement --terms rescue.toml --store index.db").ok();
    let words = crate::support::words(&by_index);
    let unknown = "share rate unknown: no log says it before the rescue is decided, so shares are not valued";
    assert!(words.contains(unknown), "{by_index}");
    assert!(
        words.contains("stETH 25000000000000000000 shares pledged = 25000000000000000000 shares locked"),
        "{by_index}"
    );
}

#[tokio::test]
async fn everyone_is_listed_with_what_is_due_and_what_may_be_done() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let listed = |options: &str| world.levee(&format!("pledgers --terms rescue.toml {options}"));
    let may = |options: &str| {
        let list = listed(&format!("--json {options}")).json()["pledgers"].take();
        let of = |account: usize| {
            let own = list
                .as_array()
                .expect("a list")
                .iter()
                .find(|one| one["pledger"] == world.address(account).to_string());
            let calls = own.expect("it is listed")["calls"].as_array().expect("a list").clone();
            calls
                .iter()
                .map(|call| call["operation"].as_str().expect("a name").to_owned())
                .collect::<Vec<_>>()
        };
        [ANN, BEN, CAT].map(of)
    };
    assert_eq!(may(""), [const { Vec::<String>::new() }; 3]);
    world.by(GUARDIAN, "guardian amend --target 90ETH");
    assert_eq!(may(""), [["Exit"]; 3]);
    world.warp(3 * DAY).await;
    world.by(ANYONE, "settle");
    assert_eq!(may(""), [vec!["Object"], vec!["Object"], vec!["Object", "Refund"]]);
    world.levee("index --store index.db --once").ok();
    assert_eq!(may("--store index.db"), may(""));
    let text = listed("").ok();
    let cat = crate::support::words(&text);
    // Of 60 ETH, 19 are drawn.
    let refundable = 50 * ETHER - 50 * ETHER * 19 / 60;
    let refundable = levee::display::decimal(refundable);
    let expected = format!(
        "{} pledged 50 wstETH into tier 1 refundable {refundable} wstETH from tier 1 may object, refund",
        world.address(CAT)
    );
    assert!(cat.contains(&expected), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let csv = listed("--csv").ok();
    let row = rows(&csv.replace("\"object, refund\"", "object+refund"));
    let row = row.iter().find(|row| cell(row, "tier") == "1").expect("there is one");
    assert_eq!(
        (cell(row, "pledged"), cell(row, "may")),
        (&*U256::from(50 * ETHER).to_string(), "object+refund")
    );
}
