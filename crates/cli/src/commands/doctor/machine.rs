//! What is on this machine: the command, its configuration, the journal.

use eyre::Result;
use levee::{Edition, outbox::IntentState};

use super::Checkup;
use crate::{config::Config, journal::SqliteJournal, signing::JournalArgs};

pub(super) async fn look(checkup: &mut Checkup, journal: &JournalArgs) {
    let version = env!("CARGO_PKG_VERSION");
    checkup.ok("version", format!("levee {version}, contracts of edition {}", Edition::LATEST));
    checkup.found("configuration", configuration());
    match unfinished(journal).await {
        Ok((path, 0)) => checkup.ok("journal", format!("{path}, nothing unfinished")),
        Ok((path, count)) => checkup.warn(
            "journal",
            format!("{path}, {count} unfinished"),
            "`levee journal list` shows them, and `levee journal resume` finishes one",
        ),
        Err(report) => checkup.fail("journal", &report),
    }
}

fn configuration() -> Result<String> {
    let config = Config::get()?;
    let Some(path) = config.path() else { return Ok("no levee.toml".into()) };
    let services = config.services()?.into_iter().map(|name| format!(", says what `levee {name}` does"));
    Ok(format!("{}{}", path.display(), services.collect::<String>()))
}

/// Where the journal is, and how many of its intents are not finished.
async fn unfinished(journal: &JournalArgs) -> Result<(String, usize)> {
    let journal: SqliteJournal = journal.open().await?;
    let intents = journal.intents().await?;
    let count = intents.iter().filter(|intent| intent.state == IntentState::Unfinished).count();
    Ok((journal.path().display().to_string(), count))
}
