//! `levee watch`: tells people in time what happens in rescues, and what is about to.

use std::{
    collections::BTreeSet,
    env,
    net::SocketAddr,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Confirmations, notice::Interest, text::file};

use crate::{
    address,
    config::{Config, WatchSettings},
    connection::{Connection, NetworkArgs},
    environment::variable,
    error::UserError,
    interruption::interruption,
    output::Output,
    service::{self, lookout::Lookout, vitals::parse_listen, watched::Detail},
    store::StoreArgs,
    time,
    trace::LogFormat,
    watch::{
        Watcher,
        channel::{Channel, Webhook},
        files::Mirror,
        memory::Memory,
        metrics::Metrics,
        outlet::Outlet,
    },
};

/// How long before a date it is told, in seconds, unless it is said otherwise: three days, a day, six hours and an hour.
const LEADS: [u32; 4] = [3 * 86_400, 86_400, 6 * 3_600, 3_600];

/// How deep a block must be, unless it is said otherwise: deeper than what is dropped while all is well with a chain.
const CONFIRMATIONS: u64 = 3;

/// Arguments of `levee watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Tells of amendments and their exit windows, thresholds, deadlines, objections, what a guardian does, tranches, and the end of rescues, \
and of calls of compacts; with `--for`, also what accounts are owed. Stands on the index, which it carries on itself, and needs no account. Goes on until it is \
interrupted. Each notice is a line on standard output, and goes to each channel at least once, with an ID that stays the same.

Examples:
  levee watch --rescue 0x… --rpc-url https://node.example
  levee watch --for 0x… --webhook https://hooks.example/T0 --ics dates.ics --listen 127.0.0.1:9465 --log json
  levee watch --once --command ./tell")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    what: WhatArgs,

    #[command(flatten)]
    channels: ChannelArgs,

    #[command(flatten)]
    service: ServiceArgs,

    #[command(flatten)]
    store: StoreArgs,

    /// Block where a new index begins; default: the first that can have logs of Levee's contracts.
    #[arg(long, value_name = "NUMBER", help_heading = "Index")]
    from_block: Option<u64>,

    #[command(flatten)]
    network: NetworkArgs,
}

/// What is told.
#[derive(Debug, Args)]
struct WhatArgs {
    /// Watch this rescue; may be repeated; default: all genuine rescues and compacts of the chain, unless one is named.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    rescue: Vec<Address>,

    /// Watch this compact; may be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    compact: Vec<Address>,

    /// Tell also what this account is owed, and what becomes of its positions; may be repeated.
    #[arg(long = "for", value_name = "ADDRESS", value_parser = address::parse)]
    accounts: Vec<Address>,

    /// How long before a date to tell of it, as in `6 hours`; may be repeated; default: 3 days, 1 day, 6 hours and 1 hour.
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    lead: Vec<u32>,

    /// Tell what happened once its block is this many blocks deep, its own included; default: 3.
    #[arg(long, value_name = "N")]
    confirmations: Option<NonZeroU64>,

    /// Tell what happened once its block is finalized.
    #[arg(long, conflicts_with = "confirmations")]
    finalized: bool,

    /// Tell what there is now, and end.
    #[arg(long)]
    once: bool,
}

/// Who is told, beside standard output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Channels")]
struct ChannelArgs {
    /// Post each notice as JSON to this address; may be repeated. It is signed with the variable LEVEE_WEBHOOK_SECRET, if that is set.
    /// An address with a token belongs in levee.toml, as a variable, since other users can see arguments.
    #[arg(long, value_name = "URL")]
    webhook: Vec<String>,

    /// Run this program for each notice, with its JSON on standard input and in variables LEVEE_NOTICE_…; may be repeated.
    #[arg(long, value_name = "PROGRAM")]
    command: Vec<PathBuf>,

    /// Keep all coming dates in this file, as a calendar.
    #[arg(long, value_name = "FILE")]
    ics: Option<PathBuf>,

    /// Keep the latest notices in this file, as an Atom feed.
    #[arg(long, value_name = "FILE")]
    atom: Option<PathBuf>,

    /// File in which is kept what was told; default: the variable LEVEE_WATCH, or `levee/watch.db` in the directory for programs'
    /// state.
    #[arg(long, value_name = "PATH")]
    state: Option<PathBuf>,
}

/// How it goes on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
struct ServiceArgs {
    /// Seconds between two looks at the chain; default: 4.
    #[arg(long, value_name = "SECONDS")]
    every: Option<NonZeroU64>,

    /// Serve `/metrics` for Prometheus, and `/health`, at this address, such as `127.0.0.1:9465`.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_listen, conflicts_with = "once")]
    listen: Option<SocketAddr>,

    /// How to log on stderr.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log: LogFormat,
}

impl WatchArgs {
    /// Runs the command.
    pub(crate) async fn run(mut self, output: Output) -> Result<()> {
        self.add(Config::get()?.watch()?)?;
        self.channels.require_files()?;
        let channels = self.channels.all(output)?;
        let connection = self.network.connect(None).await?;
        let mut watcher = self.watcher(&connection, channels).await?;
        if self.what.once {
            return watcher.once().await;
        }
        let stop = interruption()?;
        if let Some(address) = self.service.listen {
            let vitals = &watcher.lookout.vitals;
            let address = vitals.serve(address, watcher.metrics.registry(vitals)).await?;
            tracing::info!(target: "watch", %address, "serving metrics");
        }
        watcher.inherit().await?;
        tracing::info!(target: "watch", chain = connection.chain, "started");
        watcher.start();
        let ended = service::run(&mut watcher, self.every(), stop).await;
        watcher.stop().await;
        watcher.lookout.store.close().await;
        tracing::info!(target: "watch", "ended");
        ended
    }

    /// Takes from levee.toml what the arguments do not say.
    fn add(&mut self, file: WatchSettings) -> Result<()> {
        let Self { what, channels, service, .. } = self;
        if channels.webhook.is_empty() {
            channels.webhook = file.webhooks()?;
        }
        if what.confirmations.is_none() && !what.finalized {
            (what.confirmations, what.finalized) = (file.confirmations, file.finalized);
        }
        if what.rescue.is_empty() && what.compact.is_empty() {
            (what.rescue, what.compact) = (file.rescue, file.compact);
        }
        given_or(&mut what.accounts, file.r#for);
        given_or(&mut what.lead, file.lead);
        given_or(&mut channels.command, file.command);
        channels.ics = channels.ics.take().or(file.ics);
        channels.atom = channels.atom.take().or(file.atom);
        service.every = service.every.or(file.every);
        service.listen = service.listen.or(file.listen);
        Ok(())
    }

    async fn watcher(&self, connection: &Connection, channels: Vec<Channel>) -> Result<Watcher> {
        let memory = Memory::open(self.channels.state.as_deref(), connection.chain).await?;
        let detail = Detail::Events;
        let wanted = [&self.what.rescue[..], &self.what.compact].concat();
        let lookout = Lookout::open(connection, &self.store, self.from_block, &wanted, detail).await?;
        let metrics = Metrics::default();
        let outlet = |channel| Arc::new(Outlet::new(channel, memory.clone(), metrics.clone()));
        Ok(Watcher {
            connection: connection.clone(),
            lookout,
            interest: self.what.interest(),
            confirmations: self.what.confirmations(),
            outlets: channels.into_iter().map(outlet).collect(),
            calendar: self.channels.ics.clone().map(Mirror::new),
            feed: self.channels.atom.clone().map(Mirror::new),
            memory,
            metrics,
            troubled: None,
            every: self.every(),
            looked: None,
        })
    }

    fn every(&self) -> Duration {
        Duration::from_secs(self.service.every.map_or(service::EVERY, NonZeroU64::get))
    }
}

impl WhatArgs {
    fn interest(&self) -> Interest {
        let leads = if self.lead.is_empty() { LEADS.into() } else { self.lead.iter().copied().collect() };
        Interest { leads, accounts: self.accounts.iter().copied().collect::<BTreeSet<_>>() }
    }

    fn confirmations(&self) -> Confirmations {
        if self.finalized {
            return Confirmations::Finalized;
        }
        Confirmations::Blocks(self.confirmations.map_or(CONFIRMATIONS, NonZeroU64::get))
    }
}

impl ChannelArgs {
    /// Refuses files that cannot be kept, before anything is told.
    fn require_files(&self) -> Result<()> {
        let Self { ics, atom, .. } = self;
        if let (Some(ics), Some(_)) = (ics, atom.as_ref().filter(|atom| ics.as_ref() == Some(*atom))) {
            return Err(UserError::new(format!("`{}` cannot be a calendar and a feed", ics.display()))
                .hint("name two files with `--ics` and `--atom`")
                .into());
        }
        for path in [ics, atom].into_iter().flatten() {
            file::require_directory_of(path)?;
        }
        Ok(())
    }

    /// Each channel once, standard output first.
    fn all(&self, output: Output) -> Result<Vec<Channel>> {
        let mut channels = vec![Channel::Lines(output)];
        for url in &self.webhook {
            channels.push(Channel::Webhook(Webhook::new(url)?));
        }
        for path in &self.command {
            channels.push(Channel::Program(program(path)?));
        }
        let mut names = BTreeSet::new();
        channels.retain(|channel| names.insert(channel.name()));
        Ok(channels)
    }
}

/// The program at a path, or of that name in the directories for programs.
fn program(path: &Path) -> Result<PathBuf, UserError> {
    let directories = variable("PATH").unwrap_or_default();
    let is_name = path.components().count() == 1 && !path.has_root() && !path.starts_with(".");
    let is_there = path.is_file()
        || is_name && env::split_paths(&directories).any(|directory| directory.join(path).is_file());
    if is_there {
        return Ok(path.to_owned());
    }
    Err(UserError::new(format!("there is no program `{}`", path.display()))
        .hint("name a program alone: it gets no arguments, and a script can give it some"))
}

/// What the arguments give, or else what the file has.
fn given_or<T>(given: &mut Vec<T>, file: Vec<T>) {
    if given.is_empty() {
        *given = file;
    }
}
