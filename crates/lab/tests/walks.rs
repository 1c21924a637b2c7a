//! The recorded walks on the bytecode, and the command that replays them on the model too.

use eyre::{Result, WrapErr};
use levee::Edition;
use levee_lab::walk::{
    Builds, Mismatch, Op, ReplayError, Scene, Step, Subject, Tally, Walk, bytecode::Bytecode, model::Model,
    read, replay, replay_all, replay_on,
};
use levee_model::Units;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/rescue.json");

fn walks() -> Result<Vec<Walk>> {
    Ok(read(&fs::read_to_string(FILE).wrap_err(FILE)?)?)
}

#[test]
fn the_bytecode_agrees_with_every_step_of_every_walk() -> Result<()> {
    let expected = Tally { walks: 160, accepted: 3_656, refused: 6_857, world: 727 };
    assert_eq!(replay_all::<Bytecode>(&walks()?)?, expected);
    Ok(())
}

/// Other editions than the latest, which the test above replays on.
#[test]
fn every_earlier_edition_agrees_with_every_step_of_every_walk() -> Result<()> {
    for edition in &Edition::ALL[1..] {
        let builds = Builds::of(*edition);
        assert_ne!(builds.escrow, Builds::default().escrow);
        let mut tallies = Vec::new();
        for walk in &walks()? {
            tallies.push(replay_on::<Bytecode>(walk, &Scene { builds: builds.clone(), ..Scene::of(walk) })?);
        }
        let tally: Tally = tallies.into_iter().sum();
        assert_eq!(tally, Tally { walks: 160, accepted: 3_656, refused: 6_857, world: 727 });
    }
    assert_eq!(Edition::ALL.len(), 2);
    Ok(())
}

/// The replay compares what calls paid and the final books; here, what the pool's views say in between.
#[test]
fn the_pools_views_say_what_the_model_says_after_every_step() -> Result<()> {
    let recovered = |walk: &Walk| walk.steps.iter().any(|step| is_deposit(step) && step.ok == Some(true));
    let walks: Vec<_> = walks()?.into_iter().filter(recovered).collect();
    for walk in &walks {
        let scene = Scene::of(walk);
        let (mut model, mut bytecode) = (Model::start(&scene)?, Bytecode::start(&scene)?);
        for (index, Step { t, op, .. }) in walk.steps.iter().enumerate() {
            let place = format!("walk {}, step {index}", walk.seed);
            assert_eq!(model.play(*t, op)?, bytecode.play(*t, op)?, "{place}");
            assert_eq!(model.recovery(*t)?, bytecode.recovery(*t)?, "{place}");
        }
    }
    assert_eq!(walks.len(), 44);
    Ok(())
}

const fn is_deposit(step: &Step) -> bool {
    matches!(step.op, Op::Recover { .. })
}

#[test]
fn a_unit_more_in_a_payment_is_noticed_at_its_step() -> Result<()> {
    let mut kinds = Vec::new();
    for mut walk in walks()?.into_iter().take(40) {
        let Some(index) = first_payment(&walk) else { continue };
        walk.steps[index].pays[0].2 += Units::new(1);
        kinds.push(walk.steps[index].pays[0].1);
        match replay::<Bytecode>(&walk) {
            Err(ReplayError::Mismatch(Mismatch { step, .. })) => assert_eq!(step, Some(index)),
            other => eyre::bail!("not noticed: {other:?}"),
        }
    }
    for asset in levee_model::Asset::ALL {
        assert!(kinds.contains(&asset), "no payment of {asset} was changed");
    }
    Ok(())
}

#[test]
fn other_final_books_are_noticed() -> Result<()> {
    let mut walk = walks()?.swap_remove(0);
    walk.books.beneficiary.wsteth += Units::new(1);
    match replay::<Bytecode>(&walk) {
        Err(ReplayError::Mismatch(Mismatch { step, .. })) => assert_eq!(step, None),
        other => eyre::bail!("not noticed: {other:?}"),
    }
    Ok(())
}

#[test]
fn the_command_counts_what_agrees() -> Result<()> {
    let output = replay_command("agree", &walks()?[..2])?;
    let text = String::from_utf8(output.stdout)?;
    assert_eq!(text, "replayed 2 walks, 140 steps: model and bytecode agree\n");
    assert_eq!(output.status.code(), Some(0));
    Ok(())
}

#[test]
fn the_command_fails_at_a_difference_and_says_where() -> Result<()> {
    let mut walks = walks()?;
    walks.truncate(2);
    let index = first_payment(&walks[1]).ok_or_else(|| eyre::eyre!("no payment"))?;
    walks[1].steps[index].pays.clear();
    let output = replay_command("differ", &walks)?;
    let text = String::from_utf8(output.stderr)?;
    assert!(text.starts_with(&format!("error: model: walk 2, step {index}: expected Seen")), "{text}");
    assert!(
        text.contains("pays: []") && text.contains("found Seen") && text.contains("pays: [Pay("),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

/// The first step that pays.
fn first_payment(walk: &Walk) -> Option<usize> {
    walk.steps.iter().position(|step: &Step| !step.pays.is_empty())
}

fn replay_command(name: &str, walks: &[Walk]) -> Result<Output> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
    fs::write(&file, serde_json::to_string(walks)?)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_levee-lab"));
    Ok(command.arg("replay").arg(file).output()?)
}
