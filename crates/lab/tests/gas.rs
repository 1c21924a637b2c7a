//! What calls cost, against the figures that are checked in and the limits.

use eyre::{Result, WrapErr};
use levee_lab::gas::{
    self, Figure,
    snapshot::{self, Fault},
};
use std::fs;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/snapshots/gas.txt");

#[test]
fn the_snapshot_is_what_calls_cost() -> Result<()> {
    let recorded = fs::read_to_string(SNAPSHOT).wrap_err(SNAPSHOT)?;
    let measured = gas::measure()?;
    assert_eq!(snapshot::render(&measured), recorded);
    assert_eq!(snapshot::violations(&measured), []);
    Ok(())
}

#[test]
fn every_difference_is_named() -> Result<()> {
    let recorded = snapshot::parse("same 1\nchanged 2\ngone 3\n")?;
    let measured = snapshot::parse("same 1\nchanged 4\nnew 5\n")?;
    let faults = snapshot::differences(&measured, &recorded);
    let texts: Vec<_> = faults.iter().map(Fault::to_string).collect();
    let expected = [
        "changed: measured 4, but 2 in the snapshot",
        "new: not in the snapshot",
        "gone: in the snapshot, but not measured",
    ];
    assert_eq!(texts, expected);
    assert_eq!(snapshot::differences(&recorded, &recorded), []);
    Ok(())
}

#[test]
fn a_figure_above_its_limit_or_that_grows_is_named() -> Result<()> {
    let measured = snapshot::parse(
        "refund_eth 46501\nsettle_full 300000\nsettle_full_10000 300001\nrelease_asset_fresh 999999\n",
    )?;
    let texts: Vec<_> = snapshot::violations(&measured).iter().map(Fault::to_string).collect();
    let expected = [
        "refund_eth: 46501 is above the limit of 46500",
        "settle_full_10000: 300001 is above the limit of 300000",
        "settle_full: 300000 among few pledgers, but 300001 among many",
    ];
    assert_eq!(texts, expected);
    Ok(())
}

#[test]
fn a_snapshot_is_names_and_numbers() -> Result<()> {
    let figures =
        vec![Figure { name: "a".to_owned(), amount: 1 }, Figure { name: "b".to_owned(), amount: 20 }];
    assert_eq!(snapshot::render(&figures), "a 1\nb 20\n");
    assert_eq!(snapshot::parse("a 1\nb 20\n")?, figures);
    let error = snapshot::parse("a 1\nb 2 gas\n").unwrap_err();
    assert_eq!(error.to_string(), "line 2 of the snapshot is not a name and a number: `b 2 gas`");
    Ok(())
}
