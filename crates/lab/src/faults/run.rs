//! One run: attempts behind nodes that fail, then repetitions on one that works, then the verdict.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io, process,
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
};

use eyre::{Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    node::Faults,
    plan::{Command, Event, Nodes, Plan, Second, Sends},
    process::{Ran, Victim},
    verdict::verdict,
    wallet::Wallet,
    world::{RESCUES, World},
};

/// How often a command is repeated on a node that works: each time it may learn that a transaction was in vain.
const ROUNDS: usize = 6;

/// After so many blocks, nothing that came before them is undone: the chain says that it is final.
const FINALITY: u64 = 70;

/// Seconds that an attempt waits for a node that fails; longer if it has to wait for another process.
const PATIENCE: [u8; 2] = [1, 5];

/// What a process says when it has to wait for another one.
const WAITS: &str = "another command is sending from ";

/// A run so far.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) world: &'a World,
    pub(super) plan: &'a Plan,
    /// What came before it.
    pub(super) since: u64,
    /// The commands that were run.
    pub(super) begun: BTreeSet<Command>,
    /// Those that said that they succeeded.
    told: BTreeSet<Command>,
    /// All processes, in the order of their ends.
    pub(super) processes: Vec<Ran>,
    /// Every transaction that was ever sent to a node, in hex.
    pub(super) sent: Vec<String>,
    /// What signs, if the command does not.
    pub(super) wallet: Option<Wallet>,
    /// How often each command was given up by its owner.
    pub(super) forgotten: BTreeMap<Command, usize>,
    /// What was seen to be wrong while it was played.
    pub(super) wrong: Vec<String>,
    journal: TempDir,
}

/// A process that begins later.
type Later = Arc<Mutex<Option<JoinHandle<io::Result<Ran>>>>>;

/// What came of a run.
#[derive(Debug)]
pub(super) struct Played {
    /// How many processes there were.
    pub(super) processes: u64,
    /// What is wrong, if anything is, and what led to it.
    pub(super) wrong: Option<String>,
}

/// Plays a plan.
pub(super) fn play(world: &mut World, plan: &Plan) -> Result<Played> {
    let since = world.reset();
    let mut run = Run {
        world,
        plan,
        since,
        begun: BTreeSet::from([plan.command]),
        told: BTreeSet::new(),
        processes: Vec::new(),
        sent: Vec::new(),
        wallet: plan.wallet.as_ref().map(|popups| world.wallet(popups)),
        forgotten: BTreeMap::new(),
        wrong: Vec::new(),
        journal: world.journal()?,
    };
    run.attempt()?;
    run.repeat()?;
    run.replay();
    world.chain.require_contracts()?;
    let tell = |wrong| run.processes.iter().fold(wrong, |text, ran| format!("{text}\n  {ran}"));
    let wrong = verdict(&run)?.map(tell);
    Ok(Played { processes: run.processes.len() as u64, wrong })
}

impl Run<'_> {
    /// What the journal has.
    pub(super) fn intents(&self) -> Result<Vec<Value>> {
        let ran = self.plain("journal list --json")?;
        ensure!(ran.succeeded(), "the journal cannot be read: {ran}");
        Ok(ran.json()["intents"].as_array().cloned().unwrap_or_default())
    }

    /// Runs a line without a node.
    fn plain(&self, line: &str) -> Result<Ran> {
        Ok(Victim::default().run(self.world.command(line, &self.journal), |_| {})?)
    }

    /// What the journal has of an intent by now.
    fn intent(&self, intent: &Value) -> Result<Value> {
        let now = self.intents()?.into_iter().find(|now| now["intent"] == intent["intent"]);
        Ok(now.unwrap_or_default())
    }

    fn attempt(&mut self) -> Result<()> {
        self.world.chain.call("evm_setAutomine", json!([self.plan.mines]));
        let mut second = self.plan.second.as_ref();
        for events in &self.plan.attempts {
            if self.is_done(self.plan.command) {
                break;
            }
            self.attempt_once(events, second.take())?;
        }
        Ok(())
    }

    /// Whether to run it again would be to do it again.
    fn is_done(&self, command: Command) -> bool {
        self.told.contains(&command) && !self.plan.keyed
    }

    fn attempt_once(&mut self, events: &[Event], second: Option<&Second>) -> Result<()> {
        let mut faults = self.faults(events);
        let victim = faults.victim.clone();
        let beside = Later::default();
        if let Some(second) = second {
            faults.meanwhile = Some((second.at, self.beginning(second, &beside)));
        }
        let patience = PATIENCE[usize::from(second.is_some())];
        let first = self.faulty(self.plan.command, 0, patience);
        self.world.nodes[0].fail(faults);
        let ran = victim.run(first, self.hearing(&victim))?;
        let beside = beside.lock().expect("no thread panicked").take();
        let beside = beside.map(|beside| beside.join().expect("no thread panicked")).transpose()?;
        self.world.nodes.iter().for_each(|node| node.work());
        if let Some(wallet) = &self.wallet {
            wallet.close_pages();
            wallet.confirm(Sends::Afterwards);
        }
        self.hear(self.plan.command, ran);
        if let Some((second, ran)) = second.zip(beside) {
            self.begun.insert(second.command);
            self.hear(second.command, ran);
        }
        Ok(())
    }

    fn faults(&self, events: &[Event]) -> Faults {
        let mut faults = Faults::new(self.world.chain.clone(), events);
        faults.grows = self.plan.confirmations > 1;
        faults.wallet = self.wallet.clone();
        faults
    }

    /// What a process says: where the page for the wallet is, if it has one.
    fn hearing(&self, victim: &Victim) -> impl FnMut(&str) + Send + use<> {
        let (wallet, victim) = (self.wallet.clone(), victim.clone());
        move |line: &str| wallet.iter().for_each(|wallet| wallet.hear(line, &victim))
    }

    /// What begins the second process, and returns when it ends or waits for the first.
    fn beginning(&self, second: &Second, beside: &Later) -> Box<dyn FnOnce() + Send> {
        let faults = self.faults(&second.events);
        let victim = faults.victim.clone();
        self.world.nodes[1].fail(faults);
        let command = self.faulty(second.command, 1, PATIENCE[0]);
        let (beside, mut hears) = (Arc::clone(beside), self.hearing(&victim));
        Box::new(move || {
            let (stops, stopped) = mpsc::channel();
            let hears = move |line: &str| {
                hears(line);
                if line.starts_with(WAITS) {
                    // Nobody listens any more if it waits a second time.
                    let _ = stops.send(());
                }
            };
            let running = thread::spawn(move || victim.run(command, hears));
            *beside.lock().expect("no thread panicked") = Some(running);
            // The sender is gone when it has ended.
            let _ = stopped.recv();
        })
    }

    /// A command on nodes of which number `node` is faulty.
    fn faulty(&self, command: Command, node: usize, patience: u8) -> process::Command {
        let mut line = self.line(command);
        let urls = match self.plan.nodes {
            Nodes::Faulty => vec![node],
            Nodes::Both | Nodes::Agreeing => vec![node, 2],
        };
        for node in urls {
            let _ = write!(line, " --rpc-url {}", self.world.nodes[node].url());
        }
        if self.plan.nodes == Nodes::Agreeing {
            line.push_str(" --quorum 2");
        }
        let _ = write!(line, " --timeout {patience} --confirmations {}", self.plan.confirmations);
        self.command(&line)
    }

    /// The command with these words. With a wallet, it has no key.
    fn command(&self, line: &str) -> process::Command {
        let mut command = self.world.command(line, &self.journal);
        if self.wallet.is_some() {
            command.env_remove("LEVEE_PRIVATE_KEY");
        }
        command
    }

    fn line(&self, command: Command) -> String {
        let (words, rescue) = command.words();
        let named = if self.plan.by_address {
            format!("--rescue {}", self.world.rescues[rescue])
        } else {
            format!("--terms {}", RESCUES[rescue].0)
        };
        // What was given up has used up its key.
        let given_up = self.forgotten.get(&command).copied().unwrap_or_default();
        let key = if self.plan.keyed { format!(" --id {command:?}{given_up}") } else { String::new() };
        let hand = if self.wallet.is_some() { " --browser" } else { "" };
        format!("{words} {named} --yes{key}{hand}")
    }

    fn hear(&mut self, command: Command, ran: Ran) {
        if ran.succeeded() {
            self.told.insert(command);
        }
        self.processes.push(ran);
    }

    /// Repeats what did not succeed, as its user would, and what has a key once more.
    fn repeat(&mut self) -> Result<()> {
        let chain = &self.world.chain;
        chain.call("evm_setAutomine", json!([true]));
        chain.mine(1);
        self.wallet.iter().for_each(Wallet::obey);
        if self.plan.reorganizes() {
            self.fill_gaps()?;
            self.resume_what_is_gone()?;
        }
        for round in 0..ROUNDS {
            if self.begun.is_subset(&self.told) {
                break;
            }
            self.fill_gaps()?;
            for command in &self.begun - &self.told {
                self.repeat_once(command)?;
            }
            self.settle_wallet()?;
            if round > 0 && self.wallet.is_none() {
                self.bump()?;
            }
            self.world.chain.mine(FINALITY);
        }
        let keyed = if self.plan.keyed { &self.begun & &self.told } else { BTreeSet::new() };
        keyed.into_iter().try_for_each(|command| self.repeat_once(command))
    }

    fn repeat_once(&mut self, command: Command) -> Result<()> {
        let patience = if self.wallet.is_some() { 3 } else { 10 };
        let line = format!("{} --json --timeout {patience}", self.line(command));
        let ran = self.working(&line)?;
        self.hear(command, ran);
        Ok(())
    }

    /// Runs a line on the node that works.
    fn working(&self, line: &str) -> Result<Ran> {
        let line = format!("{line} --rpc-url {}", self.world.nodes[2].url());
        let victim = Victim::default();
        let ran = victim.run(self.command(&line), self.hearing(&victim))?;
        self.wallet.iter().for_each(Wallet::close_pages);
        Ok(ran)
    }

    /// What the owner does about one record, and whether it succeeds. If that finishes the record, its command is not repeated.
    fn act(&mut self, line: &str, intent: &Value) -> Result<bool> {
        let ran = self.working(&format!("{line} --timeout 10 --json"))?;
        let has_succeeded = ran.succeeded();
        if has_succeeded && self.intent(intent)?["state"] == "done" {
            let done = commands_of(intent, &self.begun);
            self.told.extend(done);
        }
        self.processes.push(ran);
        Ok(has_succeeded)
    }

    /// The person at the wallet decides about what is open, and tells the journal what came of it.
    fn settle_wallet(&mut self) -> Result<()> {
        let Some(wallet) = self.wallet.clone() else { return Ok(()) };
        wallet.confirm(Sends::Late);
        wallet.decline();
        self.fill_gaps()?;
        wallet.push();
        for intent in self.intents()?.iter().filter(|intent| waits_for_wallet(intent)) {
            self.name(&wallet, intent)?;
            if waits_for_wallet(&self.intent(intent)?) {
                self.forget(intent)?;
            }
        }
        Ok(())
    }

    /// Names what the wallet has sent of an intent.
    fn name(&mut self, wallet: &Wallet, intent: &Value) -> Result<()> {
        for handover in list(&intent["handedOver"]) {
            let Some((hash, is_as_asked)) = wallet.sent(&handover["request"]) else { continue };
            let hash = json!(hash);
            let text = hash.as_str().unwrap_or_default();
            self.act(&format!("journal resume {} --transaction {text}", intent["intent"]), intent)?;
            let now = self.intent(intent)?;
            let is_followed = list(&now["transactions"]).any(|sent| sent["transaction"] == hash);
            if is_followed != is_as_asked && self.world.chain.has(&hash) {
                let is_so = if is_followed { "is followed" } else { "is not followed" };
                self.wrong.push(format!("the wallet sent {hash}, which was named and {is_so}"));
            }
        }
        Ok(())
    }

    /// Gives up an intent of which the wallet has sent nothing, and never will.
    fn forget(&mut self, intent: &Value) -> Result<()> {
        let ran = self.plain(&format!("journal forget {} --json", intent["intent"]))?;
        ensure!(ran.succeeded(), "a record cannot be forgotten: {ran}");
        self.processes.push(ran);
        for command in commands_of(intent, &self.begun) {
            *self.forgotten.entry(command).or_default() += 1;
        }
        Ok(())
    }

    /// What a reorganization took back is sent again.
    fn resume_what_is_gone(&mut self) -> Result<()> {
        let mut intents = self.intents()?;
        intents.reverse();
        for intent in intents.iter().filter(|intent| intent["state"] == "done") {
            let mut included = list(&intent["transactions"]).filter(|sent| sent["state"] == "included");
            if included.any(|sent| !self.world.chain.has(&sent["transaction"])) {
                self.resume(intent)?;
            }
        }
        Ok(())
    }

    /// Repeated until it succeeds, with finality between: a foreign transaction with the nonce counts only when it is final.
    fn resume(&mut self, intent: &Value) -> Result<()> {
        let line = format!("journal resume {}", intent["intent"]);
        for _ in 0..ROUNDS {
            if self.act(&line, intent)? {
                break;
            }
            self.world.chain.mine(FINALITY);
        }
        Ok(())
    }

    /// The account goes on elsewhere, up to what was signed for later: because a node said so, or by the wallet.
    fn fill_gaps(&mut self) -> Result<()> {
        let intents = self.intents()?;
        let sent = || intents.iter().flat_map(|intent| list(&intent["transactions"]));
        let nonce = |sent: &Value| sent["nonce"].as_u64();
        let by_wallet: Vec<_> = self.wallet.iter().flat_map(Wallet::nonces).collect();
        let used: BTreeSet<_> = sent().filter_map(nonce).chain(by_wallet.iter().copied()).collect();
        let is_open = |sent: &&Value| match sent["state"].as_str() {
            Some("pending") => true,
            // A reorganization may have taken it back, with what came before it.
            Some("included") => !self.world.chain.has(&sent["transaction"]),
            _ => false,
        };
        let open = sent().filter(is_open).filter_map(nonce);
        let last = open.chain(by_wallet).max().unwrap_or_default();
        loop {
            let next = self.world.chain.nonce();
            if next >= last || used.contains(&next) {
                return Ok(());
            }
            if self.wallet.is_none() && !self.plan.explains_a_gap() {
                self.wrong.push(format!("nonce {last} was signed when the account's next was {next}"));
            }
            self.world.chain.send_as_ann();
        }
    }

    /// Replaces what pays too little to be included.
    fn bump(&mut self) -> Result<()> {
        for intent in self.intents()? {
            let mut sent = list(&intent["transactions"]);
            if intent["state"] == "unfinished" && sent.any(|sent| sent["state"] == "pending") {
                self.act(&format!("journal bump {} --yes", intent["intent"]), &intent)?;
            }
        }
        Ok(())
    }

    /// Everybody who has seen a transaction sends it again.
    fn replay(&mut self) {
        self.sent = self.world.nodes.iter().flat_map(|node| node.sent()).collect();
        let by_wallet: Vec<_> = self.wallet.iter().flat_map(Wallet::signed).collect();
        for raw in self.sent.iter().chain(&by_wallet) {
            self.world.chain.try_call("eth_sendRawTransaction", json!([raw]));
        }
        self.world.chain.mine(1);
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Whether a wallet was asked for something of it, and it is not known what came of that.
fn waits_for_wallet(intent: &Value) -> bool {
    intent["state"] == "unfinished" && list(&intent["handedOver"]).next().is_some()
}

/// Those of the commands that an intent is of.
fn commands_of(intent: &Value, commands: &BTreeSet<Command>) -> Vec<Command> {
    let purpose = intent["purpose"].as_str().unwrap_or_default();
    commands.iter().copied().filter(|command| purpose.starts_with(command.purpose())).collect()
}
