//! Who signs, at what price, and under which record: the options of every command that sends, and what they open.

use std::{path::PathBuf, time::Duration};

use alloy::{primitives::Address, providers::DynProvider};
use clap::Args;
use eyre::Result;
use levee::{
    Confirmations, Executed, FeeOptions, Intent, Journal, Outbox, Purpose,
    outbox::{Draft, IntentState},
};
use levee_model::Wei;

use crate::{
    account::{AccountArgs, Hand},
    amount::{self, Amount},
    connection::{Connection, NetworkArgs},
    error::UserError,
    journal::{SqliteJournal, Turn},
    output::Output,
    payer::{Payer, PayerArgs},
    progress, time, transaction,
};

/// How long a block and finality take on Ethereum, at most as a rule.
pub(crate) const BLOCK: Duration = Duration::from_secs(15);
const FINALITY: Duration = Duration::from_secs(30 * 60);

/// The signer, and what it may send.
#[derive(Debug, Args)]
pub(crate) struct SigningArgs {
    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    account: AccountArgs,

    /// Send without asking.
    #[arg(long, conflicts_with = "form", help_heading = "Account (or the variable LEVEE_PRIVATE_KEY)")]
    yes: bool,

    #[command(flatten)]
    payer: PayerArgs,

    #[command(flatten)]
    sending: SendingArgs,
}

/// How a transaction is priced, recorded and waited for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sending")]
struct SendingArgs {
    /// Key of your own, such as an invoice number: whatever was done under it is never done again.
    #[arg(long, value_name = "KEY")]
    id: Option<String>,

    /// Send again what an earlier run of the same command has not finished, instead of finishing that.
    #[arg(long, conflicts_with = "id")]
    again: bool,

    #[command(flatten)]
    journal: JournalArgs,

    #[command(flatten)]
    waiting: WaitingArgs,

    /// Most to pay for a unit of gas, as in `30 gwei`; default: what the node asks, up to 300 gwei and 0.5 ETH for each
    /// transaction.
    #[arg(long, value_name = "PRICE", value_parser = parse_price)]
    max_fee: Option<Wei>,

    /// Tip for a unit of gas, as in `1 gwei`; default: what others pay, up to 2 gwei or twice the base fee, and never more than 30 gwei.
    #[arg(long, value_name = "PRICE", value_parser = parse_price)]
    priority_fee: Option<Wei>,

    /// Gas limit; default: a quarter more than the simulation needs.
    #[arg(long, value_name = "GAS")]
    gas_limit: Option<u64>,

    /// Nonce of the first transaction; default: the account's next.
    #[arg(long, value_name = "N")]
    nonce: Option<u64>,

    /// Send transactions of the type before EIP-1559.
    #[arg(long, conflicts_with = "priority_fee")]
    legacy: bool,
}

/// Where the journal is.
#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    /// File in which everything that is signed is recorded; default: the variable LEVEE_JOURNAL, or `levee/journal.db` in
    /// the directory for programs' state.
    #[arg(long, value_name = "PATH")]
    journal: Option<PathBuf>,
}

/// When a transaction counts as included.
#[derive(Debug, Args)]
pub(crate) struct WaitingArgs {
    /// Wait until the transaction is this many blocks deep, its own included.
    #[arg(long, value_name = "N", default_value_t = 1)]
    confirmations: u64,

    /// Wait until the transaction's block is finalized.
    #[arg(long, conflicts_with = "confirmations")]
    finalized: bool,
}

/// An account that can sign on a chain, with what an earlier run of the same command has done already.
#[derive(Debug)]
pub(crate) struct Signer {
    /// Reads and broadcasts.
    pub(crate) provider: DynProvider,
    /// The account.
    pub(crate) from: Address,
    /// Signs what is no transaction: permits. None in a dry run for an account that was not opened.
    hand: Option<Hand>,
    /// Signs, records and sends transactions.
    pub(crate) outbox: Outbox<DynProvider, SqliteJournal>,
    /// What the command is to do.
    pub(crate) draft: Draft,
    /// The record of an earlier run of the same command, which this one continues.
    pub(crate) intent: Option<Intent>,
    /// The number of an earlier run that the command continues, or would continue if this were not a dry run.
    pub(crate) would_continue: Option<i64>,
    /// The steps of that run that are done, each with its outcome.
    pub(crate) done: Vec<(String, Executed)>,
    /// The account's ETH, if it was read already.
    pub(crate) balance: Option<Wei>,
    /// Whether it took a while to get here, so that what was read before may be old.
    pub(crate) has_waited: bool,
    /// Whether to send without asking.
    pub(crate) confirmed: bool,
    /// What becomes of the plan instead of being sent.
    pub(crate) payer: Option<Payer>,
    /// Where to report.
    pub(crate) output: Output,
    _turn: Option<Turn>,
}

/// What became of opening an account for a purpose.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It can sign what is left to do.
    Ready(Box<Signer>),
    /// An earlier run of the same command has done all of it, with these outcomes; to be closed when they are reported.
    Done(Box<Signer>, Vec<Executed>),
}

impl Opened {
    /// The signer; none if nothing is left to do, which is reported.
    pub(crate) async fn or_report(self, output: Output) -> Result<Option<Signer>> {
        match self {
            Self::Ready(signer) => Ok(Some(*signer)),
            Self::Done(signer, executed) => {
                let (text, json) = transaction::summary(&executed, None);
                output.result(&text, &json)?;
                signer.close().await?;
                Ok(None)
            }
        }
    }
}

impl JournalArgs {
    /// Opens the journal.
    pub(crate) async fn open(&self) -> Result<SqliteJournal> {
        SqliteJournal::open(self.journal.as_deref()).await
    }
}

impl WaitingArgs {
    /// How deep a transaction must be.
    pub(crate) const fn confirmations(&self) -> Confirmations {
        if self.finalized { Confirmations::Finalized } else { Confirmations::Blocks(self.confirmations) }
    }

    /// How long to wait for that, where inclusion may take `patience`.
    pub(crate) fn limit(&self, patience: Duration) -> Duration {
        let depth = if self.finalized { FINALITY } else { BLOCK.saturating_mul(self.depth()) };
        patience.saturating_add(depth)
    }

    /// How many blocks must follow that of the transaction.
    fn depth(&self) -> u32 {
        u32::try_from(self.confirmations.saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

impl SendingArgs {
    fn fees(&self) -> FeeOptions {
        FeeOptions {
            max_fee_per_gas: self.max_fee.map(Wei::get),
            priority_fee_per_gas: self.priority_fee.map(Wei::get),
            gas_limit: self.gas_limit,
            legacy: self.legacy,
        }
    }
}

impl SigningArgs {
    /// The network, for commands that read before they ask for an account.
    pub(crate) const fn network(&self) -> &NetworkArgs {
        &self.network
    }

    /// What signs for the account. May ask for a password, or for a wallet.
    pub(crate) async fn hand(&self, connection: &Connection, output: Output) -> Result<Hand> {
        self.hand_on(connection.chain, output).await
    }

    /// The same for a chain that nobody is asked about.
    pub(crate) async fn hand_on(&self, chain: u64, output: Output) -> Result<Hand> {
        self.account.hand(chain, output).await
    }

    /// The account that will sign, as far as it is known before it is opened.
    pub(crate) fn likely_account(&self) -> Option<Address> {
        let sender = self.payer.sender(self.account.is_named()).ok().flatten();
        sender.or_else(|| self.account.likely())
    }

    /// Whether the account has begun the same before, and not finished it.
    pub(crate) async fn has_begun(
        &self,
        connection: &Connection,
        rescue: Option<Address>,
        purpose: &Purpose,
    ) -> Result<bool> {
        let Some(account) = self.likely_account() else { return Ok(false) };
        let (chain, purpose) = (connection.chain, purpose.clone());
        let draft = Draft { chain, account, rescue, purpose, key: None };
        let unfinished = self.sending.journal.open().await?.unfinished(chain, account).await?;
        Ok(unfinished.iter().any(|intent| intent.draft.is_same(&draft)))
    }

    /// Whether the command is not to send.
    pub(crate) const fn is_handed_out(&self) -> bool {
        self.payer.is_given()
    }

    /// The option that is about a new transaction, if one was given.
    pub(crate) fn only_for_new(&self) -> Option<&'static str> {
        let SendingArgs { id, again, nonce, .. } = &self.sending;
        let options = [("--id", id.is_some()), ("--again", *again), ("--nonce", nonce.is_some())];
        options.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }

    /// Whether a wallet in a browser signs.
    pub(crate) const fn is_in_browser(&self) -> bool {
        self.account.is_in_browser()
    }

    /// Sends for the account of `hand`.
    pub(crate) fn outbox(
        &self,
        connection: &Connection,
        hand: Hand,
        journal: SqliteJournal,
    ) -> Outbox<DynProvider, SqliteJournal> {
        let (provider, chain) = (connection.provider.clone(), connection.chain);
        let outbox = match hand.clone().wallet() {
            Some(wallet) => Outbox::through(provider, chain, wallet),
            None => Outbox::new(provider, chain, hand),
        };
        self.configured(outbox, connection, journal)
    }

    /// The same with the options of the command.
    fn configured(
        &self,
        outbox: Outbox<DynProvider>,
        connection: &Connection,
        journal: SqliteJournal,
    ) -> Outbox<DynProvider, SqliteJournal> {
        let outbox = outbox.with_journal(journal).with_fees(self.sending.fees()).waiting(
            self.sending.waiting.confirmations(),
            self.sending.waiting.limit(connection.nodes.patience()),
        );
        match self.sending.nonce {
            Some(nonce) => outbox.with_nonce(nonce),
            None => outbox,
        }
    }

    /// The journal.
    pub(crate) const fn journal(&self) -> &JournalArgs {
        &self.sending.journal
    }

    /// Shows a plan, and asks whether to send it, unless `--yes` was given.
    pub(crate) async fn confirm(&self, plan: &str, output: Output) -> Result<()> {
        transaction::confirm(plan, self.yes, output).await
    }

    /// Opens the account for a purpose, after finishing what an earlier run of the same command has sent. May ask for a
    /// password.
    pub(crate) async fn signer(
        &self,
        connection: &Connection,
        rescue: Option<Address>,
        purpose: Purpose,
        output: Output,
    ) -> Result<Opened> {
        let chain = connection.chain;
        // Before anybody is asked: whatever another process finishes meanwhile may be the same command at once.
        let journal = self.sending.journal.open().await?;
        let finished = finished(&journal).await?;
        let payer = self.payer.open(connection, self.account.is_named()).await?;
        let (from, hand) = match payer.as_ref().and_then(|payer| payer.sender) {
            Some(from) => (from, None),
            None => {
                let hand = self.hand(connection, output).await?;
                (hand.address(), Some(hand))
            }
        };
        let draft = Draft { chain, account: from, rescue, purpose, key: self.sending.id.clone() };
        let turn = if payer.is_some() { None } else { Some(journal.turn(chain, from, output).await?) };
        let under_way = under_way(&journal, &draft, &finished).await?;
        let would_continue = match &draft.key {
            Some(key) => journal.with_key(key).await?.map(|intent| intent.id),
            None => under_way.filter(|_| !self.sending.again),
        };
        let outbox = match &hand {
            Some(hand) => self.outbox(connection, hand.clone(), journal),
            None => {
                let outbox = Outbox::watching(connection.provider.clone(), chain, from);
                self.configured(outbox, connection, journal)
            }
        };
        let signer = Signer {
            provider: connection.provider.clone(),
            from,
            hand,
            outbox,
            draft,
            intent: None,
            would_continue,
            done: Vec::new(),
            balance: None,
            has_waited: turn.as_ref().is_some_and(|turn| turn.has_waited),
            confirmed: self.yes,
            payer,
            output,
            _turn: turn,
        };
        if signer.payer.is_some() {
            signer.note_earlier_run();
            return Ok(Opened::Ready(Box::new(signer)));
        }
        signer.caught_up(under_way, self.sending.again).await
    }
}

impl Signer {
    /// What signs for the account, for a signature that is part of a transaction.
    pub(crate) fn hand(&self) -> Result<&Hand, UserError> {
        // A permit is worth what it permits, whether it is sent or not.
        self.hand.as_ref().filter(|_| self.payer.is_none()).ok_or_else(|| {
            UserError::new(format!("the plan needs a signature of `{}`, and nothing is signed here", self.from))
                .hint("use `--approve` instead of a permit; or leave `--dry-run` out: the command asks before it sends")
        })
    }

    /// Whether it can sign. It cannot in a dry run for an account that was not opened.
    pub(crate) const fn is_opened(&self) -> bool {
        self.hand.is_some()
    }

    fn note_earlier_run(&self) {
        if let Some(intent) = self.would_continue {
            self.output.note(&format!(
                "there is an earlier run of this command, intent {intent}: without `--dry-run`, it is finished first"
            ));
        }
    }

    /// Finishes the transactions of another run of the same command. `under_way` is one that had not finished when this began,
    /// and may have since.
    async fn caught_up(mut self, under_way: Option<i64>, again: bool) -> Result<Opened> {
        match self.earlier_run(under_way, again).await? {
            Some(intent) => {
                let began = time::time(intent.recorded_at);
                self.output.note(&format!(
                    "this continues record {} of {began}: {}",
                    intent.id, intent.draft.purpose
                ));
                let done = resume(&self.outbox, &intent, self.output).await?;
                // Whoever pays everyone plans anew each time it goes on, so no step that is known is the last.
                let is_open = intent.draft.purpose.names("all");
                if intent.state == IntentState::Done || !is_open && intent.is_done_by(&done) {
                    self.intent = Some(intent);
                    self.output.note("it is done; nothing was sent again");
                    let executed = done.into_iter().map(|(_, executed)| executed).collect();
                    return Ok(Opened::Done(Box::new(self), executed));
                }
                let is_signed = !self.outbox.journal().transactions(intent.id).await?.is_empty();
                self.intent = Some(intent);
                if !is_signed {
                    self.require_settled(again).await?;
                }
                (self.done, self.has_waited) = (done, true);
            }
            None => self.require_settled(again).await?,
        }
        self.outbox.require_answered().await?;
        Ok(Opened::Ready(Box::new(self)))
    }

    /// The intent that this command continues.
    async fn earlier_run(&self, under_way: Option<i64>, again: bool) -> Result<Option<Intent>> {
        let journal = self.outbox.journal();
        if let Some(key) = &self.draft.key
            && let Some(intent) = journal.with_key(key).await?
        {
            return Ok(Some(self.reopened(intent.if_of(&self.draft)?).await?));
        }
        if let Some(intent) = under_way.filter(|_| !again && self.draft.key.is_none()) {
            let intent = journal.intent(intent).await?;
            if matches!(intent.state, IntentState::Unfinished | IntentState::Done) {
                return Ok(Some(intent));
            }
        }
        if self.draft.key.is_none() && !again {
            for failed in failed_since_success(journal, &self.draft).await? {
                if self.outbox.revise(&failed).await? {
                    return Ok(Some(self.reopened(failed).await?));
                }
            }
        }
        Ok(None)
    }

    /// An intent that failed is tried again, unless it turns out that it has not; one that was forgotten is not.
    async fn reopened(&self, mut intent: Intent) -> Result<Intent> {
        match intent.state {
            IntentState::Forgotten => {
                let key = intent.draft.key.unwrap_or_default();
                return Err(UserError::new(format!(
                    "what was done with the key `{key}` was told to be forgotten"
                ))
                .hint("check the rescue, and use another key")
                .into());
            }
            IntentState::Failed => {
                self.outbox.journal().close(intent.id, IntentState::Unfinished).await?;
                intent.state = IntentState::Unfinished;
            }
            IntentState::Unfinished | IntentState::Done => {}
        }
        Ok(intent)
    }

    /// Refuses to begin an intent while a transaction of another one may have its effect: it might be a mistake to repeat it.
    async fn require_settled(&self, again: bool) -> Result<()> {
        for other in self.outbox.journal().unfinished(self.draft.chain, self.from).await? {
            if again && other.draft.is_same(&self.draft) {
                continue;
            }
            if let Some(pending) = self.outbox.settle_pending(&other).await? {
                let (id, purpose) = (other.id, &other.draft.purpose);
                return Err(UserError::new(format!(
                    "transaction `{pending}` of an earlier command is not known to be in a block: record {id}, {purpose}"
                ))
                .hint(format!(
                    "finish it with `levee journal resume {id}`, or raise its price with `levee journal bump {id}`; `levee journal forget {id}` gives it up"
                ))
                .into());
            }
        }
        Ok(())
    }
}

/// Finishes what was signed of an intent, and shows meanwhile what it waits for. Returns the steps that succeeded.
pub(crate) async fn resume(
    outbox: &Outbox<DynProvider, SqliteJournal>,
    intent: &Intent,
    output: Output,
) -> Result<Vec<(String, Executed)>, levee::Error> {
    let what = format!("record {}", intent.id);
    progress::during(outbox.resume(intent), &what, outbox.provider(), output).await
}

/// The intents of the same work that have failed since it was last done.
async fn failed_since_success(journal: &SqliteJournal, draft: &Draft) -> Result<Vec<Intent>> {
    let same = journal.intents().await?.into_iter().filter(|intent| intent.draft.is_same(draft));
    let since = same.take_while(|intent| intent.state != IntentState::Done);
    Ok(since.filter(|intent| intent.state == IntentState::Failed).collect())
}

/// The intents that have come to their end.
async fn finished(journal: &SqliteJournal) -> Result<Vec<i64>> {
    let is_finished = |intent: &Intent| intent.state != IntentState::Unfinished;
    Ok(journal.intents().await?.into_iter().filter(is_finished).map(|intent| intent.id).collect())
}

/// The latest intent of the same work that has been signed for, without those that were `finished` when this command began:
/// one that another process has begun since is the same command at once. With a key, only the key tells.
async fn under_way(journal: &SqliteJournal, draft: &Draft, finished: &[i64]) -> Result<Option<i64>> {
    let is_under_way = |intent: &&Intent| intent.draft.is_same(draft) && !finished.contains(&intent.id);
    for intent in journal.intents().await?.iter().filter(is_under_way) {
        let is_signed = !journal.transactions(intent.id).await?.is_empty();
        if is_signed || !journal.handovers(intent.id).await?.is_empty() {
            return Ok(Some(intent.id));
        }
    }
    Ok(None)
}

/// Reads the price of a unit of gas.
pub(crate) fn parse_price(text: &str) -> Result<Wei, UserError> {
    let hint = "write it as in `30 gwei`";
    match Amount::parse(text).map_err(|error| error.hint(hint))? {
        Amount::Eth(price) => Ok(price),
        _ => Err(UserError::new(format!("`{text}` is not a price of gas")).hint(hint)),
    }
}

/// An amount that includes a fee, rounded up to a millionth of an ETH, for the eye.
pub(crate) fn about(fee: Wei) -> String {
    const MILLIONTH: u128 = 10u128.pow(12);
    amount::eth(Wei::new(fee.get().div_ceil(MILLIONTH).saturating_mul(MILLIONTH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_is_rounded_up() {
        assert_eq!(about(Wei::new(7_270_521_994_701_798)), "0.007271 ETH");
        assert_eq!(about(Wei::ZERO), "0 ETH");
    }

    #[test]
    fn a_price_is_in_a_unit_of_ether() {
        assert_eq!(parse_price("30 gwei").unwrap(), Wei::new(30_000_000_000));
        assert_eq!(parse_price("1 wstETH").unwrap_err().to_string(), "`1 wstETH` is not a price of gas");
        assert_eq!(parse_price("30").unwrap_err().to_string(), "`30` has no unit");
    }
}
