//! What becomes of a plan that is sent elsewhere: calls, a Safe's batch, a governor's proposal, the script of a vote, or unsigned
//! transactions.

use std::path::Path;

use alloy::primitives::{Address, B256, Bytes, U256};
use eyre::{Result, WrapErr};
use levee::{Governor, Proposal, Transaction, aragon, safe::Batch, simulate_all};
use levee_model::{
    Wei,
    json::{Account, Hash},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    amount,
    error::UserError,
    escape, file, json,
    payer::{Form, Payer},
    plan::{Meanwhile, Needed, PlannedStep, Step},
    signing::Signer,
    table, time, unsigned,
};

/// The result of every command that changes something, if the plan is sent elsewhere: the calls, and what was made of them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Handed {
    /// Who sends.
    #[serde(with = "Account")]
    account: Address,
    chain: u64,
    /// The calls, in their order.
    steps: Vec<PlannedStep>,
    /// How many of them were simulated, from the first on: all, or only the first where the node cannot simulate several.
    simulated: usize,
    /// The time that they were simulated at; null for the next block.
    #[serde(rename = "simulatedAtUnix")]
    at: Option<u64>,
    #[serde(flatten)]
    made: Made,
}

/// What was made of the calls.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "form", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Made {
    /// Nothing else.
    Calls,
    /// A file for a Safe's Transaction Builder.
    SafeBatch {
        file: String,
        /// How many calls are in the file, with those that were there before.
        calls: usize,
        checksum: String,
    },
    /// A proposal.
    Proposal {
        #[serde(with = "Account")]
        governor: Address,
        /// Null if the governor gives it a number only when it is made.
        #[schemars(with = "Option<String>")]
        proposal_id: Option<U256>,
        #[serde(with = "Hash")]
        description_hash: B256,
        /// The data of the call of the governor that proposes it.
        #[schemars(with = "String")]
        propose: Bytes,
        #[serde(flatten)]
        proposal: Proposal,
        /// When and by whom it can be executed, for the eye.
        #[serde(skip)]
        executable: String,
    },
    /// The script of a vote.
    AragonScript {
        #[schemars(with = "String")]
        script: Bytes,
    },
}

impl Signer {
    /// Ends the command with calls that a contract makes: simulates them as that contract, and writes them.
    pub(crate) async fn hand_out(&self, payer: &Payer, steps: &[Step]) -> Result<()> {
        require_lasting(&payer.form, steps)?;
        self.require_ether(steps.iter(), Wei::ZERO).await?;
        let calls: Vec<_> = steps.iter().map(|step| &step.call).collect();
        let simulated = simulate_all(&self.provider, self.from, &calls, payer.at).await;
        let simulated = match payer.at {
            Some(at) => simulated.wrap_err_with(|| format!("the calls would fail at {}", time::time(at)))?,
            None => simulated?,
        };
        let made = self.made(&payer.form, steps)?;
        let handed = Handed {
            account: self.from,
            chain: self.outbox.chain(),
            steps: steps.iter().map(Step::planned).collect(),
            simulated,
            at: payer.at,
            made,
        };
        self.output.result(&handed.text(steps), &handed)
    }

    fn made(&self, form: &Form, steps: &[Step]) -> Result<Made> {
        let transactions: Vec<_> = steps.iter().map(|step| step.call.transaction().clone()).collect();
        let summary = steps.iter().map(|step| step.headline.as_str()).collect::<Vec<_>>().join("; ");
        Ok(match form {
            Form::SafeBatch { file, append } => {
                let batch = Batch::new(self.outbox.chain(), self.from, now(), &summary, &transactions);
                safe_batch(file, *append, batch, self.from)?
            }
            Form::Proposal { governor, description, proposer } => {
                let description = description.as_deref().unwrap_or(&summary);
                proposal(governor, &Proposal::new(&transactions, description, *proposer))
            }
            Form::AragonScript => Made::AragonScript { script: aragon::script(self.from, &transactions) },
            Form::Calldata | Form::DryRun | Form::Unsigned(_) => Made::Calls,
        })
    }

    /// Ends the command with its plan, of which unsigned transactions are made if they are asked for.
    pub(crate) async fn stop(&self, payer: &Payer, needed: &[Needed<'_>]) -> Result<()> {
        if let Form::Unsigned(path) = &payer.form {
            let transactions = unsigned::transactions(self, needed).await?;
            file::create(path, &json::document(&transactions)?)?;
            let (count, file) = (transactions.count(), path.display());
            let written =
                format!("{count} unsigned, in {file}: sign it elsewhere, and send it with `levee send`");
            return self.output.result(&format!("{}\n{written}\n", self.plan(needed)), &transactions);
        }
        self.output.result(&self.plan(needed), &self.plan_json(needed))
    }
}

/// Refuses calls for a vote that anybody could make fail meanwhile, by creating a contract first.
fn require_lasting(form: &Form, steps: &[Step]) -> Result<(), UserError> {
    let creates = |step: &&Step| matches!(step.unless, Some(Meanwhile::Created(_)));
    match steps.iter().find(creates) {
        Some(step) if form.is_vote() && steps.len() > 1 => Err(UserError::new(format!(
            "a vote must not create what its other calls need, because they all fail if somebody is faster: {}",
            step.headline
        ))
        .hint("create it first, from any account: `--calldata` prints that call")),
        _ => Ok(()),
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    time::clock().saturating_mul(1_000)
}

/// Writes a new file, or adds to the batch in it.
fn safe_batch(path: &Path, append: bool, batch: Batch, safe: Address) -> Result<Made> {
    let batch = if append {
        let before = read_batch(path)?;
        require_same(path, &before, &batch, safe)?;
        let all = before.followed_by(batch);
        file::replace(path, &json::document(&all)?)?;
        all
    } else {
        file::create(path, &json::document(&batch)?)?;
        batch
    };
    let (calls, checksum) = (batch.transactions.len(), batch.meta.checksum.unwrap_or_default());
    Ok(Made::SafeBatch { file: path.display().to_string(), calls, checksum })
}

/// Reads a batch.
fn read_batch(path: &Path) -> Result<Batch> {
    let text = file::text(path).map_err(|error| error.hint("leave `--append` out to write a new batch"))?;
    Ok(Batch::parse(&text)?)
}

fn require_same(path: &Path, before: &Batch, batch: &Batch, safe: Address) -> Result<(), UserError> {
    let of = |batch: &Batch| match batch.safe() {
        Some(safe) => format!("the Safe `{safe}` on chain {}", batch.chain_id),
        None => format!("no Safe in particular, on chain {}", batch.chain_id),
    };
    if (before.chain(), before.safe()) == (batch.chain(), Some(safe)) {
        return Ok(());
    }
    Err(UserError::new(format!("`{}` is for {}, not for {}", path.display(), of(before), of(batch)))
        .hint("write another file"))
}

fn proposal(governor: &Governor, proposal: &Proposal) -> Made {
    Made::Proposal {
        governor: governor.address,
        proposal_id: governor.id(proposal),
        description_hash: proposal.description_hash(),
        propose: proposal.call(governor.kind),
        proposal: proposal.clone(),
        executable: executable(governor),
    }
}

impl Handed {
    fn text(&self, steps: &[Step]) -> String {
        let mut text = String::new();
        for step in steps {
            let facts = [calls(step.call.transaction()), step.facts.clone()].concat();
            text.push_str(&format!("{}\n{}", escape::line(&step.headline), table::facts_below(&facts)));
        }
        let mut facts = self.sender_facts();
        facts.extend(self.made.facts());
        format!("{text}{}\n{}", self.made.title(), table::facts_below(&facts))
    }

    fn sender_facts(&self) -> Vec<(&'static str, String)> {
        let count = match (self.simulated, self.steps.len()) {
            (_, 1) => String::new(),
            (simulated, all) if simulated == all => format!("all {all} calls, "),
            _ => "only the first call, because the node cannot simulate several, ".into(),
        };
        let when = self.at.map_or("in the next block".into(), |at| format!("as at {}", time::time(at)));
        vec![
            ("sender", format!("{} on chain {}", self.account, self.chain)),
            ("simulated", format!("{count}{when}")),
        ]
    }
}

/// A call as a wallet asks for it.
fn calls(Transaction { to, value, input, .. }: &Transaction) -> Vec<(&'static str, String)> {
    let value = amount::eth_and_wei(*value);
    vec![("to", to.to_string()), ("value", value), ("data", input.to_string())]
}

impl Made {
    const fn title(&self) -> &'static str {
        match self {
            Self::Calls => "Calls to be sent elsewhere",
            Self::SafeBatch { .. } => "Batch for a Safe",
            Self::Proposal { .. } => "Proposal",
            Self::AragonScript { .. } => "Script of a vote",
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Calls => Vec::new(),
            Self::SafeBatch { file, calls, checksum } => vec![
                ("file", file.clone()),
                ("calls", calls.to_string()),
                ("checksum", checksum.clone()),
                (
                    "next",
                    format!("import it in the Transaction Builder of this Safe on this chain, which only warns of another one; or `levee safe propose {file} TRANSACTION`"),
                ),
            ],
            Self::Proposal { governor, proposal_id, description_hash, propose, proposal, executable } => {
                let number = proposal_id.map_or("given when it is proposed".into(), |number| number.to_string());
                vec![
                    ("governor", governor.to_string()),
                    ("number", number),
                    ("description", proposal.description.clone()),
                    ("its hash", description_hash.to_string()),
                    ("proposer", proposal.proposer().map_or("anybody".into(), |proposer| format!("only {proposer}"))),
                    ("executable", executable.clone()),
                    ("propose by", format!("calling {governor} with {propose}")),
                ]
            }
            Self::AragonScript { script } => vec![
                ("script", script.to_string()),
                (
                    "next",
                    "forward it as the organization does, such as by its token manager to `newVote` of its Voting; Easy Track accepts no script: use a multisig there".into(),
                ),
            ],
        }
    }
}

fn executable(governor: &Governor) -> String {
    let takes = time::duration(governor.duration);
    let by = match governor.timelock {
        Some(timelock) => format!("by its timelock {timelock}"),
        None => "by the governor itself".into(),
    };
    format!("{takes} after it is proposed, at the earliest, {by}, which must hold the money by then")
}
