//! `levee rehearse`: plays a rescue from a file on a temporary chain, and compares the outcome with what the file
//! expects.
//!
//! | file | question |
//! |---|---|
//! | [`format`] | what keys does a scenario have? |
//! | [`reader`], [`when`], [`keys`], [`expect`], [`scenario`] | how are they read? |
//! | [`step`] | what can be done? |
//! | [`cast`] | who plays? |
//! | [`anvil`], [`chain`], [`lido`] | on what chain? |
//! | [`plan`] | which calls make up a step? |
//! | [`stage`], [`contracts`] | how are they made, on the chain and on the models? |
//! | [`compact`] | what is called before there is a rescue, and for it? |
//! | [`agree`] | do the contracts, their logs and the models say the same? |
//! | [`statement`], [`pools`], [`declared`] | what became of every wei, and of every declaration? |
//! | [`report`], [`pages`] | how is it reported? |
//! | [`live`] | how is it watched? |
//! | [`draft`] | what is a scenario to start from? |

mod agree;
mod anvil;
pub(crate) mod cast;
mod chain;
pub(crate) mod compact;
mod contracts;
mod declared;
mod draft;
mod expect;
pub(crate) mod format;
mod keys;
pub(crate) mod lido;
mod live;
mod pages;
mod plan;
mod pools;
pub(crate) mod reader;
mod report;
pub(crate) mod scenario;
mod stage;
mod statement;
pub(crate) mod step;
mod when;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::node_bindings::AnvilInstance;
use clap::Args;
use eyre::Result;
use levee::{RedactedUrl, provider};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::OnceCell;

use self::{
    chain::Chain,
    draft::Draft,
    live::Live,
    report::{Kept, Played},
    scenario::{Ending, Scenario},
    stage::{Scene, Stage},
    statement::Statement,
    step::Step,
};
use crate::{
    address,
    connection::NetworkArgs,
    document::Document,
    error::UserError,
    escape, file,
    history::HistoryArgs,
    interruption::interruption,
    output::{self, Output},
    terms::TermsFile,
};

/// How long before its first step a scenario's chain begins.
const PROLOGUE: u64 = 3_600;

#[derive(Debug, Args)]
#[command(
    after_help = "The chain is run by anvil: the program named by the variable ANVIL, or `anvil` on PATH, or node_modules/.bin/anvil.

With `--from`, a scenario is written that can be changed and then rehearsed: from terms, with pledges that cover everything; or from a \
rescue, with all that has happened in it. Either ends with what anyone can call after that. What cannot be carried over is said in \
the scenario.

Examples:
  levee rehearse scenarios/article-2026-04-24.toml
  levee rehearse scenarios/article-2026-04-24.toml --serve 127.0.0.1:8080 --pause 3 --keep
  levee rehearse --from rescue.toml --write scenario.toml
  levee rehearse --from 0x… --rpc-url https://node.example --write scenario.toml"
)]
pub(crate) struct RehearseArgs {
    /// Scenario (TOML); https://github.com/levee/levee/tree/main/scenarios explains its keys.
    #[arg(value_name = "SCENARIO", required_unless_present = "from")]
    scenario: Option<PathBuf>,

    /// Write a scenario to start from: of this terms file, or of the rescue at this address.
    #[arg(long, value_name = "FILE_OR_ADDRESS", conflicts_with_all = ["scenario", "ending", "keep", "report"])]
    from: Option<String>,

    /// Write it to this file, which must not exist yet; default: stdout.
    #[arg(long, value_name = "FILE", requires = "from")]
    write: Option<PathBuf>,

    /// Play only this ending.
    #[arg(long, value_name = "NAME")]
    ending: Option<String>,

    /// Keep the chain running after the last ending, until Ctrl-C.
    #[arg(long)]
    keep: bool,

    /// Also write a page about the rescue after each ending, as HTML; with several endings, to `FILE-1` and so on, before its extension.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Serve pages about the rescue while it plays, as `levee serve` does, such as at `127.0.0.1:8080`.
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "from")]
    serve: Option<SocketAddr>,

    /// Seconds to wait after each step, for whoever watches.
    #[arg(long, value_name = "SECONDS", default_value = "0", conflicts_with = "from", value_parser = clap::value_parser!(u64).range(..=600))]
    pause: u64,

    /// With `--from`, read this index, and ask no node: a file of SQLite, or the URL of a PostgreSQL database.
    #[arg(
        long,
        value_name = "PATH_OR_URL",
        conflicts_with = "rpc_url",
        requires = "from",
        help_heading = "Index"
    )]
    store: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,
}

/// A scenario that was written.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Drafted {
    /// The file that it was written to; null for none.
    file: Option<PathBuf>,
    /// The text; null if it is in the file.
    toml: Option<String>,
}

impl RehearseArgs {
    /// Plays a scenario, or writes one.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match (&self.scenario, &self.from) {
            (Some(scenario), _) => self.play(scenario, output).await,
            (None, Some(from)) => {
                let text = draft_of(from, self.store, self.network).await?.to_toml()?;
                written(text, self.write, output)
            }
            (None, None) => unreachable!("clap requires one of them"),
        }
    }

    /// The chain has ended when this returns, whatever the result.
    async fn play(&self, scenario: &Path, output: Output) -> Result<()> {
        let scenario = Scenario::read(&Document::read(scenario)?)?;
        let endings = self.endings(&scenario)?;
        self.report.as_deref().map_or(Ok(()), file::require_directory_of)?;
        let mut interrupted = Box::pin(interruption()?);
        let anvil = anvil::start(scenario.begin().saturating_sub(PROLOGUE))?;
        let rehearsal = Rehearsal {
            scenario: &scenario,
            output,
            keep: self.keep,
            report: self.report.as_deref(),
            pause: Duration::from_secs(self.pause),
        };
        let live = OnceCell::new();
        let done = tokio::select! {
            done = rehearsal.play(&anvil, &endings, self.serve.map(|address| (address, &live))) => done?,
            () = &mut interrupted => return Err(UserError::new("interrupted; the chain was stopped").into()),
        };
        if self.keep {
            interrupted.await;
        }
        done
    }

    fn endings<'a>(&self, scenario: &'a Scenario) -> Result<Vec<&'a Ending>, UserError> {
        let Some(name) = &self.ending else { return Ok(scenario.endings.iter().collect()) };
        let found: Vec<_> =
            scenario.endings.iter().filter(|ending| ending.name.as_ref() == Some(name)).collect();
        if found.is_empty() {
            let names = scenario.endings.iter().filter_map(|ending| ending.name.as_deref());
            let names = names.collect::<Vec<_>>().join("; ");
            let hint = if names.is_empty() {
                "it has no endings with names: leave `--ending` out".into()
            } else {
                format!("its endings are: {names}")
            };
            return Err(UserError::new(format!("the scenario has no ending named `{name}`")).hint(hint));
        }
        Ok(found)
    }
}

/// Of a rescue on a chain if it is an address, otherwise of a file of terms.
async fn draft_of(from: &str, store: Option<String>, network: NetworkArgs) -> Result<Draft> {
    if !from.starts_with("0x") {
        return Draft::of_terms(&TermsFile::read(Path::new(from))?);
    }
    let history = HistoryArgs::of(address::parse(from)?, store, network);
    Draft::of_history(history.read().await?)
}

fn written(text: String, file: Option<PathBuf>, output: Output) -> Result<()> {
    let Some(path) = file else {
        return output.result(&text.clone(), &Drafted { file: None, toml: Some(text) });
    };
    file::create(&path, &text)?;
    let shown = escape::line(&path.display().to_string());
    let told = format!("wrote `{shown}`: change it, then `levee rehearse {shown}`\n");
    output.result(&told, &Drafted { file: Some(path), toml: None })
}

struct Rehearsal<'a> {
    scenario: &'a Scenario,
    output: Output,
    keep: bool,
    report: Option<&'a Path>,
    /// After each step.
    pause: Duration,
}

/// Where the pages are to be served, and what serves them once it does.
type Watched<'a> = Option<(SocketAddr, &'a OnceCell<Live>)>;

impl Rehearsal<'_> {
    /// Plays everything and reports it. The inner result says whether all expectations hold, the outer one
    /// whether it could be played.
    async fn play(
        &self,
        anvil: &AnvilInstance,
        endings: &[&Ending],
        watched: Watched<'_>,
    ) -> Result<Result<()>> {
        let rpc_url = anvil.endpoint();
        let url: RedactedUrl = rpc_url.parse()?;
        let chain = Chain::new(provider::read_only(&url)?);
        self.output.note(&format!("anvil is running at {rpc_url}"));
        let (mut stage, mut common) = Stage::set(chain, self.scenario).await?;
        let escrow = stage.contracts.escrow.address().to_string();
        self.output.note(&format!(
            "deployed the tokens, all balances, the escrow {escrow} and its satellite contracts"
        ));
        if let Some((address, live)) = watched {
            let start = Live::start(
                stage.chain.provider().clone(),
                anvil.endpoint(),
                address,
                self.scenario.holes.clone(),
            );
            let url = &live.get_or_try_init(|| start).await?.url;
            self.output.note(&format!("watch it at {url}/rescue/{escrow}"));
        }
        self.tell(&report::opening(self.scenario))?;
        self.tell("\n")?;
        for scene in &common {
            self.tell(&report::scene(scene, &stage.cast, None))?;
        }
        common.extend(self.play_steps(&mut stage, &self.scenario.steps).await?);
        let played = self.play_endings(&stage, endings).await?;
        if self.keep {
            stage.chain.open_to_others(&stage.cast).await?;
        }
        let kept = self.keep.then_some(Kept { rpc_url, escrow });
        let text =
            kept.as_ref().map_or_else(String::new, |kept| report::kept(kept, self.scenario, played.last()));
        self.output.result(&text, &report::to_json(self.scenario, &common, &played, kept.as_ref()))?;
        Ok(verdict(&played))
    }

    async fn play_endings(&self, stage: &Stage, endings: &[&Ending]) -> Result<Vec<Played>> {
        let mut played = Vec::new();
        for (index, ending) in endings.iter().enumerate() {
            let before = stage.chain.snapshot().await?;
            let page = self.report.map(|path| pages::path_of(path, index, endings.len()));
            played.push(self.play_ending(stage.clone(), ending, page.as_deref()).await?);
            // The last one stays, for `--keep`.
            if index + 1 < endings.len() {
                stage.chain.revert(before).await?;
            }
        }
        Ok(played)
    }

    async fn play_ending(&self, mut stage: Stage, ending: &Ending, page: Option<&Path>) -> Result<Played> {
        self.tell(&report::heading(ending.name.as_deref()))?;
        let scenes = self.play_steps(&mut stage, &ending.steps).await?;
        agree::with_log(&stage.contracts, &stage.models, stage.moment(), &stage.cast).await?;
        if let Some(agreement) = &stage.agreement {
            agreement.reconcile(&stage.chain, &stage.tokens).await?;
        }
        let statement = Statement::of(&stage, self.scenario).await?;
        let checks = ending.expect.check(&statement);
        let played = Played { name: ending.name.clone(), scenes, statement, checks };
        self.tell(&report::ending(&played))?;
        if let Some(page) = page {
            pages::write(&stage, &self.scenario.holes, page).await?;
            self.output.note(&format!("the page about this ending is {}", page.display()));
        }
        Ok(played)
    }

    async fn play_steps(&self, stage: &mut Stage, steps: &[Step]) -> Result<Vec<Scene>> {
        let mut scenes = Vec::new();
        for step in steps {
            for scene in stage.play(step).await? {
                self.tell(&report::scene(&scene, &stage.cast, Some(stage.tokens.rate())))?;
                scenes.push(scene);
            }
            tokio::time::sleep(self.pause).await;
        }
        Ok(scenes)
    }

    /// Reports a part of the result as it happens. JSON is printed as a whole at the end.
    fn tell(&self, text: &str) -> Result<()> {
        if self.output.is_json() { Ok(()) } else { output::write_stdout(text) }
    }
}

/// Fails if an expectation does not hold, naming each one that does not.
fn verdict(played: &[Played]) -> Result<()> {
    let mut unmet = Vec::new();
    for ending in played {
        let name = ending.name.as_ref().map_or_else(String::new, |name| format!("{name}: "));
        let failed = ending.checks.iter().filter(|check| !check.holds);
        unmet.extend(failed.map(|check| format!("{name}{}", report::unmet(check))));
    }
    if unmet.is_empty() {
        return Ok(());
    }
    let message = format!("{} of the scenario's expectations failed: {}", unmet.len(), unmet.join("; "));
    Err(UserError::new(message)
        .hint("the contracts, their logs and the models agree, but the scenario expects otherwise")
        .into())
}
