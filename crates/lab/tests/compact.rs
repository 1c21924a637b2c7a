//! The walks of a compact: the recorded ones, random ones, and every one that ever failed.

use eyre::{Result, WrapErr};
use levee_lab::{
    compact::{
        Campaign, Pay, Subject, Walk, agree, bytecode::Bytecode, model::Model, read, replay, replay_all,
    },
    fuzz::{self, Report},
    walk::{Mismatch, ReplayError, Tally},
};
use levee_model::Units;
use std::{
    fs,
    path::{Path, PathBuf},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/compact.json");
const EXPECTED: Tally = Tally { walks: 120, accepted: 4_665, refused: 4_757, world: 27 };

fn walks() -> Result<Vec<Walk>> {
    Ok(read(&fs::read_to_string(FILE).wrap_err(FILE)?)?)
}

#[test]
fn the_model_of_a_compact_agrees_with_every_step_of_every_walk() -> Result<()> {
    assert_eq!(replay_all::<Model>(&walks()?)?, EXPECTED);
    Ok(())
}

#[test]
fn the_bytecode_of_a_compact_agrees_with_every_step_of_every_walk() -> Result<()> {
    assert_eq!(replay_all::<Bytecode>(&walks()?)?, EXPECTED);
    Ok(())
}

#[test]
fn the_format_of_a_compacts_walks_loses_nothing_of_the_file() -> Result<()> {
    let mut file: serde_json::Value = serde_json::from_str(&fs::read_to_string(FILE)?)?;
    let mut read = serde_json::to_value(walks()?)?;
    assert_eq!(strip_nulls(&mut read), strip_nulls(&mut file), "a field is dropped or changed");
    assert!(read == file, "a field is dropped or changed");
    Ok(())
}

/// How many fields say nothing; they are removed.
fn strip_nulls(value: &mut serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(fields) => {
            let count = fields.len();
            fields.retain(|key, value| !value.is_null() || key == "passedAt");
            count - fields.len() + fields.values_mut().map(strip_nulls).sum::<usize>()
        }
        serde_json::Value::Array(values) => values.iter_mut().map(strip_nulls).sum(),
        _ => 0,
    }
}

/// Where a walk no longer is as the subject plays it.
fn mismatch<S: Subject>(walk: &Walk) -> Result<Option<usize>> {
    match replay::<S>(walk) {
        Err(ReplayError::Mismatch(Mismatch { step, .. })) => Ok(step),
        other => eyre::bail!("not noticed: {other:?}"),
    }
}

#[test]
fn a_unit_more_in_any_payment_of_a_compact_is_noticed_at_its_step() -> Result<()> {
    let mut changed = 0;
    for mut walk in walks()?.into_iter().take(20) {
        let Some(index) = walk.steps.iter().position(|step| !step.pays.is_empty()) else { continue };
        let (Pay::Into(_, amount, _) | Pay::To(_, amount)) = &mut walk.steps[index].pays[0];
        *amount += Units::new(1);
        assert_eq!(mismatch::<Model>(&walk)?, Some(index));
        assert_eq!(mismatch::<Bytecode>(&walk)?, Some(index));
        changed += 1;
    }
    assert!(changed > 10, "only {changed} walks pay");
    Ok(())
}

#[test]
fn every_kind_of_expectation_of_a_compact_is_compared() -> Result<()> {
    let walk = walks()?.swap_remove(0);
    let refused = walk.steps.iter().position(|step| step.ok == Some(false)).expect("some are refused");
    let changed = |change: &dyn Fn(&mut Walk)| {
        let mut walk = walk.clone();
        change(&mut walk);
        mismatch::<Model>(&walk)
    };
    assert_eq!(changed(&|walk| walk.steps[0].ok = Some(false))?, Some(0));
    assert_eq!(changed(&|walk| walk.steps[refused].ok = Some(true))?, Some(refused));
    assert_eq!(changed(&|walk| walk.steps[refused].why = Some("early".to_owned()))?, Some(refused));
    let one = Units::new(1);
    assert_eq!(changed(&|walk| walk.books.total += one)?, None);
    assert_eq!(changed(&|walk| walk.books.balance += one)?, None);
    assert_eq!(changed(&|walk| walk.books.members[0].claimed += one)?, None);
    assert_eq!(changed(&|walk| walk.books.calls[0].yes += one)?, None);
    assert_eq!(changed(&|walk| walk.books.calls[0].given.clear())?, None);
    Ok(())
}

/// Where a walk that fails is written, and stays.
fn regressions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/compact")
}

fn campaign(walks: u64, failures: PathBuf) -> Campaign {
    let build = levee::bindings::Compact::BYTECODE.clone();
    Campaign { seed: fuzz::fresh_seed(), walks, steps: 100, failures, build }
}

#[test]
fn model_and_bytecode_of_a_compact_agree_on_random_walks() -> Result<()> {
    let Report { walks, mix } = campaign(1_000, regressions()).run()?;
    assert_eq!(walks, 1_000);
    // A call that never goes through, or always, tests nothing; changes of the world always do.
    for (call, [accepted, refused]) in mix.percents().filter(|(call, _)| !call.starts_with('(')) {
        assert!(accepted >= 3, "{call} goes through in {accepted} % of its calls:\n{mix}");
        assert!(refused >= 3, "{call} is refused in {refused} % of its calls:\n{mix}");
    }
    Ok(())
}

#[test]
fn walks_of_a_compact_that_once_failed_agree() -> Result<()> {
    for entry in fs::read_dir(regressions()).wrap_err("tests/fuzz/compact")? {
        let file = entry?.path();
        let name = file.display().to_string();
        for walk in read(&fs::read_to_string(&file)?).wrap_err_with(|| name.clone())? {
            agree(&walk).wrap_err_with(|| name.clone())?;
            replay::<Model>(&walk).wrap_err_with(|| name.clone())?;
            replay::<Bytecode>(&walk).wrap_err_with(|| name.clone())?;
        }
    }
    Ok(())
}
