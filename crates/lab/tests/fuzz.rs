//! Random walks on the model and on the bytecode in lockstep, and every walk that ever failed.

use eyre::{Result, WrapErr, ensure};
use levee_lab::{
    fuzz::{self, Campaign, Report},
    walk::{Builds, bytecode::Bytecode, model::Model, read, replay},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where a walk that fails is written, and stays.
fn regressions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/regressions")
}

fn campaign(walks: u64, failures: PathBuf) -> Campaign {
    Campaign { seed: fuzz::fresh_seed(), walks, steps: 100, failures, builds: Builds::default() }
}

#[test]
fn model_and_bytecode_agree_on_random_walks() -> Result<()> {
    let Report { walks, mix } = campaign(2_000, regressions()).run()?;
    assert_eq!(walks, 2_000);
    assert!(mix.steps() >= 200_000 * 99 / 100, "only {} steps", mix.steps());
    // A call that never goes through, or always, tests nothing; changes of the world always do.
    for (call, [accepted, refused]) in mix.percents() {
        assert!(accepted >= 3, "{call} goes through in {accepted} % of its calls:\n{mix}");
        let is_world = call.starts_with('(');
        assert!(is_world || refused >= 3, "{call} is refused in {refused} % of its calls:\n{mix}");
    }
    assert_eq!(mix.percents().count(), 40, "a call is missing:\n{mix}");
    Ok(())
}

#[test]
fn walks_that_once_failed_agree() -> Result<()> {
    let mut files = 0;
    for entry in fs::read_dir(regressions()).wrap_err("tests/fuzz/regressions")? {
        let file = entry?.path();
        let name = file.display().to_string();
        for walk in read(&fs::read_to_string(&file)?).wrap_err_with(|| name.clone())? {
            fuzz::agree(&walk).wrap_err_with(|| name.clone())?;
            replay::<Model>(&walk).wrap_err_with(|| name.clone())?;
            replay::<Bytecode>(&walk).wrap_err_with(|| name.clone())?;
        }
        files += 1;
    }
    assert!(files >= 24, "only {files} files");
    Ok(())
}

#[test]
fn every_regression_is_explained() -> Result<()> {
    let readme = fs::read_to_string(regressions().join("../README.md"))?;
    for entry in fs::read_dir(regressions())? {
        let name = entry?.file_name().into_string().map_err(|name| eyre::eyre!("{name:?}"))?;
        ensure!(
            readme.contains(&format!("`{name}`")),
            "tests/fuzz/README.md does not say what {name} is for"
        );
    }
    Ok(())
}

#[test]
fn a_difference_is_found_shrunk_and_written() -> Result<()> {
    let failures = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz-failures");
    let builds = Builds { pool: not_a_pool(), ..Builds::default() };
    let campaign = Campaign { builds, seed: 3, ..campaign(20, failures) };
    let error = campaign.run().expect_err("a pool that takes nothing was not noticed");
    let fuzz::Failed::Found(finding) = error else { eyre::bail!("not written: {error}") };
    assert_eq!(finding.walk.steps.len(), 1, "{finding}");
    assert!(finding.walk.steps[0].op.is_of_pool(), "{finding}");
    assert!(finding.to_string().contains("by no rule"), "{finding}");
    let walks = read(&fs::read_to_string(&finding.file)?)?;
    assert_eq!(walks, [finding.walk]);
    assert!(fuzz::agree(&walks[0]).is_ok(), "it agrees on what is checked in");
    Ok(())
}

/// Creates a contract that refuses every call, without a word.
fn not_a_pool() -> alloy::primitives::Bytes {
    // Returns the code PUSH0 PUSH0 REVERT.
    alloy::primitives::bytes!("625f5ffd5f526003601df3")
}
