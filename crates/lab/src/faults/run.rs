//! One run: attempts behind nodes that fail, then repetitions on one that works, then the verdict.

use std::{
    collections::BTreeSet,
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
    plan::{Command, Event, Nodes, Plan, Second},
    process::{Ran, Victim},
    verdict::verdict,
    world::{RESCUES, World},
};

/// How often a command is repeated on a node that works: each time it may learn that a transaction was in vain.
const ROUNDS: usize = 6;

/// After so many blocks, nothing that came before them is undone: the chain says that it is final.
const FINALITY: u64 = 70;

/// Seconds that an attempt waits for a node that fails; longer if it has to wait for another process.
const PATIENCE: [u8; 2] = [1, 5];

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
        journal: world.journal()?,
    };
    run.attempt()?;
    run.repeat()?;
    run.replay();
    let tell = |wrong| run.processes.iter().fold(wrong, |text, ran| format!("{text}\n  {ran}"));
    let wrong = verdict(&run)?.map(tell);
    Ok(Played { processes: run.processes.len() as u64, wrong })
}

impl Run<'_> {
    /// What the journal has.
    pub(super) fn intents(&self) -> Result<Vec<Value>> {
        let ran = Victim::default().run(self.world.command("journal list --json", &self.journal), None)?;
        ensure!(ran.succeeded(), "the journal cannot be read: {ran}");
        Ok(ran.json()["intents"].as_array().cloned().unwrap_or_default())
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
        let ran = victim.run(first, None)?;
        let beside = beside.lock().expect("no thread panicked").take();
        let beside = beside.map(|beside| beside.join().expect("no thread panicked")).transpose()?;
        self.world.nodes.iter().for_each(|node| node.work());
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
        faults
    }

    /// What begins the second process, and returns when it ends or waits for the first.
    fn beginning(&self, second: &Second, beside: &Later) -> Box<dyn FnOnce() + Send> {
        let faults = self.faults(&second.events);
        let victim = faults.victim.clone();
        self.world.nodes[1].fail(faults);
        let command = self.faulty(second.command, 1, PATIENCE[0]);
        let beside = Arc::clone(beside);
        Box::new(move || {
            let (stops, stopped) = mpsc::channel();
            let running = thread::spawn(move || victim.run(command, Some(stops)));
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
        self.world.command(&line, &self.journal)
    }

    fn line(&self, command: Command) -> String {
        let (words, rescue) = command.words();
        let named = if self.plan.by_address {
            format!("--rescue {}", self.world.rescues[rescue])
        } else {
            format!("--terms {}", RESCUES[rescue].0)
        };
        let key = if self.plan.keyed { format!(" --id {command:?}") } else { String::new() };
        format!("{words} {named} --yes{key}")
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
        if self.plan.reorganizes() {
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
            if round > 0 {
                self.bump()?;
            }
            self.world.chain.mine(FINALITY);
        }
        let keyed = if self.plan.keyed { &self.begun & &self.told } else { BTreeSet::new() };
        keyed.into_iter().try_for_each(|command| self.repeat_once(command))
    }

    fn repeat_once(&mut self, command: Command) -> Result<()> {
        let line = format!("{} --json --timeout 10", self.line(command));
        let ran = self.working(&line)?;
        self.hear(command, ran);
        Ok(())
    }

    /// Runs a line on the node that works.
    fn working(&self, line: &str) -> Result<Ran> {
        let line = format!("{line} --rpc-url {}", self.world.nodes[2].url());
        Ok(Victim::default().run(self.world.command(&line, &self.journal), None)?)
    }

    /// What a reorganization took back is sent again.
    fn resume_what_is_gone(&mut self) -> Result<()> {
        let mut intents = self.intents()?;
        intents.reverse();
        for intent in intents.iter().filter(|intent| intent["state"] == "done") {
            let sent = intent["transactions"].as_array().into_iter().flatten();
            if sent
                .filter(|sent| sent["state"] == "included")
                .any(|sent| !self.world.chain.has(&sent["transaction"]))
            {
                let ran =
                    self.working(&format!("journal resume {} --timeout 10 --json", intent["intent"]))?;
                self.processes.push(ran);
            }
        }
        Ok(())
    }

    /// The account goes on elsewhere, up to what was signed for later because a node said so.
    fn fill_gaps(&self) -> Result<()> {
        let intents = self.intents()?;
        let sent =
            || intents.iter().flat_map(|intent| intent["transactions"].as_array().into_iter().flatten());
        let nonce = |sent: &Value| sent["nonce"].as_u64();
        let used: BTreeSet<_> = sent().filter_map(nonce).collect();
        let last = sent().filter(|sent| sent["state"] == "pending").filter_map(nonce).max();
        while last > Some(self.world.chain.nonce()) && !used.contains(&self.world.chain.nonce()) {
            self.world.chain.send_as_ann();
        }
        Ok(())
    }

    /// Replaces what pays too little to be included.
    fn bump(&mut self) -> Result<()> {
        for intent in self.intents()? {
            let mut sent = intent["transactions"].as_array().into_iter().flatten();
            if intent["state"] == "unfinished" && sent.any(|sent| sent["state"] == "pending") {
                let ran =
                    self.working(&format!("journal bump {} --yes --timeout 10 --json", intent["intent"]))?;
                self.processes.push(ran);
            }
        }
        Ok(())
    }

    /// Everybody who has seen a transaction sends it again.
    fn replay(&mut self) {
        self.sent = self.world.nodes.iter().flat_map(|node| node.sent()).collect();
        for raw in &self.sent {
            self.world.chain.try_call("eth_sendRawTransaction", json!([raw]));
        }
        self.world.chain.mine(1);
    }
}
