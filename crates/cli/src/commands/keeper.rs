//! `levee keeper`: does what is due for rescues and compacts, and what anyone may do.

use std::{net::SocketAddr, num::NonZeroU64, time::Duration};

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::outbox::MAX_FEE_PER_GAS;
use levee_model::Wei;

use crate::{
    account::{AccountArgs, Hand},
    address,
    config::{Config, KeeperSettings},
    connection::{Connection, NetworkArgs},
    error::UserError,
    interruption::interruption,
    keeper::{
        self, Keeper,
        agenda::{Agenda, Cap},
        metrics::Metrics,
        payouts::Payouts,
        report::Round,
        sender::{Sender, Stop},
    },
    output::Output,
    service::{self, lookout::Lookout, vitals::parse_listen},
    signing::{JournalArgs, WaitingArgs, parse_price},
    store::StoreArgs,
    time,
    trace::LogFormat,
};

/// What holds where neither arguments nor levee.toml say otherwise: how long prices rise, in seconds, for how many duties the balance
/// should be enough, over how many blocks turns are spread, and how long what was sent is waited for, in seconds.
const RISE: u32 = 6 * 3_600;
const RESERVE: u64 = 10;
const SPREAD: u64 = 8;
const GRACE: u64 = 45;

/// Arguments of `levee keeper`.
#[derive(Debug, Args)]
#[command(after_help = "\
Settles, releases, lapses and expires rescues when it is time, and has the members of compacts give to calls that have passed; it pays \
pledgers and activates commitments if told so. All of it is what anyone may do. Stands on \
the index, which it carries on itself. Any number of keepers may run, of whomever: whoever comes later finds the duty done. Goes on until \
it is interrupted; with `--json`, each duty that was tried is one line.

Examples:
  levee keeper --account keeper --password-file password --rpc-url https://node.example
  levee keeper --dry-run --as 0x… --rpc-url https://node.example
  levee keeper --refund --collect --listen 127.0.0.1:9464 --log json")]
pub(crate) struct KeeperArgs {
    #[command(flatten)]
    what: WhatArgs,

    #[command(flatten)]
    price: PriceArgs,

    #[command(flatten)]
    service: ServiceArgs,

    #[command(flatten)]
    store: StoreArgs,

    /// Block where a new index begins; default: the first that can have logs of Levee's contracts.
    #[arg(long, value_name = "NUMBER", help_heading = "Index")]
    from_block: Option<u64>,

    #[command(flatten)]
    account: AccountArgs,

    #[command(flatten)]
    journal: JournalArgs,

    #[command(flatten)]
    waiting: WaitingArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

/// What is done, for which rescues.
#[derive(Debug, Args)]
struct WhatArgs {
    /// Look after this rescue; may be repeated; default: all genuine rescues and compacts of the chain, unless one is named.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    rescue: Vec<Address>,

    /// Look after this compact; may be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    compact: Vec<Address>,

    /// Pay refunds to pledgers, too.
    #[arg(long)]
    refund: bool,

    /// Pay what exits and declines could not pay, too.
    #[arg(long)]
    collect: bool,

    /// Pay pledgers their shares of recovered funds, too.
    #[arg(long)]
    claim: bool,

    /// Strike from the bonus what has left a rescue, too, so that others get its part.
    #[arg(long)]
    strike: bool,

    /// Pay only this pledger; may be repeated; default: all.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Vec<Address>,

    /// Activate what members of compacts have pending and has seasoned, too.
    #[arg(long)]
    activate: bool,

    /// Activate only for this member; may be repeated; default: all.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    member: Vec<Address>,

    /// Do what is due now, and end.
    #[arg(long)]
    once: bool,

    /// Show what is due now and would be sent, and end.
    #[arg(long, conflicts_with = "once")]
    dry_run: bool,

    /// Account that would send, for a dry run.
    #[arg(long = "as", value_name = "ADDRESS", value_parser = address::parse, requires = "dry_run", conflicts_with = "hand")]
    sender: Option<Address>,
}

/// What it may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Price")]
struct PriceArgs {
    /// Most to pay for a unit of gas when a duty falls due, as in `30 gwei`; default: 300 gwei.
    #[arg(long, value_name = "PRICE", value_parser = parse_price)]
    max_fee: Option<Wei>,

    /// Most to pay for a unit of gas for a duty that has been due for a while, up to 300 gwei; default: what `--max-fee` says.
    #[arg(long, value_name = "PRICE", value_parser = parse_price, requires = "max_fee")]
    max_fee_late: Option<Wei>,

    /// How long after a duty fell due that is, as in `6 hours`, which is the default; the price rises in a straight line until then.
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    rise: Option<u32>,

    /// Warn when the account has not enough for this many of the dearest duties at the highest price; default: 10.
    #[arg(long, value_name = "N")]
    reserve: Option<u64>,
}

/// How it goes on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
struct ServiceArgs {
    /// Blocks over which the turns of keepers are spread; 1 if no other keeper runs; default: 8.
    #[arg(long, value_name = "BLOCKS")]
    spread: Option<NonZeroU64>,

    /// Seconds between two looks at the chain; default: 4.
    #[arg(long, value_name = "SECONDS")]
    every: Option<NonZeroU64>,

    /// Seconds to wait for what was sent after the keeper was asked to end; then it stays in the journal; default: 45.
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u64>,

    /// Serve `/metrics` for Prometheus, and `/health`, at this address, such as `127.0.0.1:9464`.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_listen, conflicts_with_all = ["once", "dry_run"])]
    listen: Option<SocketAddr>,

    /// How to log on stderr.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log: LogFormat,
}

impl KeeperArgs {
    /// Runs the command.
    pub(crate) async fn run(mut self, output: Output) -> Result<()> {
        self.add(Config::get()?.keeper()?);
        let cap = self.price.cap()?;
        let connection = self.network.connect(None).await?;
        if self.what.dry_run {
            let from = self.what.sender.or_else(|| self.account.likely()).unwrap_or_default();
            let lookout = self.lookout(&connection).await?;
            let payouts = self.what.payouts();
            return told(keeper::plan(lookout, &payouts, &connection, from, self.every()).await?, output);
        }
        // Only now, so that it still ends at once while it asks for a password.
        let hand = self.hand(&connection, output).await?;
        let mut keeper = self.keeper(&connection, hand, cap, output).await?;
        if self.what.once {
            return told(keeper.once().await?, output);
        }
        let stop = interruption()?;
        if let Some(address) = self.service.listen {
            let figures = keeper.metrics.registry(&keeper.lookout.vitals);
            let address = keeper.lookout.vitals.serve(address, figures).await?;
            tracing::info!(target: "keeper", %address, "serving metrics");
        }
        let (store, account) = (keeper.lookout.store.clone(), keeper.sender.account());
        tracing::info!(target: "keeper", %account, chain = connection.chain, "started");
        let ended = service::run(&mut keeper, self.every(), stop).await;
        store.close().await;
        tracing::info!(target: "keeper", "ended");
        ended
    }

    /// Takes from levee.toml what the arguments do not say.
    fn add(&mut self, file: KeeperSettings) {
        let Self { what, price, service, .. } = self;
        if what.rescue.is_empty() && what.compact.is_empty() {
            (what.rescue, what.compact) = (file.rescue, file.compact);
        }
        if what.member.is_empty() {
            what.member = file.member;
        }
        what.activate |= file.activate;
        if what.pledger.is_empty() {
            what.pledger = file.pledger;
        }
        what.refund |= file.refund;
        what.collect |= file.collect;
        what.claim |= file.claim;
        what.strike |= file.strike;
        // Both prices belong together.
        if price.max_fee.is_none() {
            (price.max_fee, price.max_fee_late) = (file.max_fee, file.max_fee_late);
        }
        price.rise = price.rise.or(file.rise);
        price.reserve = price.reserve.or(file.reserve);
        service.spread = service.spread.or(file.spread);
        service.every = service.every.or(file.every);
        service.grace = service.grace.or(file.grace);
        service.listen = service.listen.or(file.listen);
    }

    async fn lookout(&self, connection: &Connection) -> Result<Lookout> {
        let detail = self.what.payouts().detail();
        let wanted = [&self.what.rescue[..], &self.what.compact].concat();
        Lookout::open(connection, &self.store, self.from_block, &wanted, detail).await
    }

    /// What signs, with nobody there to ask.
    async fn hand(&self, connection: &Connection, output: Output) -> Result<Hand> {
        if self.account.is_in_browser() {
            return Err(UserError::new("a keeper sends by itself, and a wallet in a browser asks each time")
                .hint("use a keystore with `--password-file`, or a key in a service")
                .into());
        }
        self.account.hand(connection.chain, output).await
    }

    async fn keeper(&self, connection: &Connection, hand: Hand, cap: Cap, output: Output) -> Result<Keeper> {
        let spread = if self.what.once { 1 } else { self.service.spread.map_or(SPREAD, NonZeroU64::get) };
        let agenda = Agenda::new(hand.address(), spread);
        let sender = Sender {
            connection: connection.clone(),
            hand,
            journal: self.journal.open().await?,
            cap,
            confirmations: self.waiting.confirmations(),
            patience: self.waiting.limit(connection.nodes.patience()),
            stop: Stop::default(),
            output,
        };
        Ok(Keeper {
            lookout: self.lookout(connection).await?,
            payouts: self.what.payouts(),
            metrics: Metrics::default(),
            agenda,
            sender,
            output,
            every: self.every(),
            grace: Duration::from_secs(self.service.grace.unwrap_or(GRACE)),
            reserve: self.price.reserve.unwrap_or(RESERVE),
            tells_each: !self.what.once,
            has_pending: true,
            balance: None,
        })
    }

    fn every(&self) -> Duration {
        Duration::from_secs(self.service.every.map_or(service::EVERY, NonZeroU64::get))
    }
}

impl WhatArgs {
    fn payouts(&self) -> Payouts {
        let [pledgers, members] =
            [&self.pledger, &self.member].map(|accounts| accounts.iter().copied().collect());
        let Self { refund, collect, claim, strike, activate, .. } = *self;
        Payouts { refund, collect, claim, strike, pledgers, activate, members }
    }
}

impl PriceArgs {
    fn cap(&self) -> Result<Cap, UserError> {
        let early = self.max_fee.unwrap_or(MAX_FEE_PER_GAS);
        let late = self.max_fee_late.unwrap_or(early);
        if late > MAX_FEE_PER_GAS {
            return Err(UserError::new(format!("{late} for a unit of gas is more than is ever paid"))
                .hint("choose a price of up to 300 gwei"));
        }
        if late < early {
            return Err(UserError::new("`--max-fee-late` is below `--max-fee`, but the price only rises")
                .hint("leave it out, or choose a higher one"));
        }
        Ok(Cap { early, late, over: self.rise.unwrap_or(RISE).into() })
    }
}

/// The result of a single round.
fn told(round: Round, output: Output) -> Result<()> {
    output.result(&round.text(), &round)
}
