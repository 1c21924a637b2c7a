//! What becomes of a plan that is sent elsewhere: calls, a Safe's batch, a governor's proposal, the script of a vote, or unsigned
//! transactions.

use std::path::Path;

use alloy::primitives::{Address, B256, Bytes, U256};
use eyre::{Result, WrapErr};
use levee::{
    Governor, Proposal, SafeCall, Simulated, Transaction, aragon, outbox::MAX_GAS, safe::Batch, simulate_all,
};
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
    plan::{Meanwhile, Needed, PlannedStep, Step, saturating_sum},
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
    /// How many of them were simulated, from the first on: all, or where the node cannot simulate several, only the first, and none of
    /// those that are added to a batch.
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
        let before = self.batch_before(&payer.form)?;
        let earlier = before.as_ref().map(Batch::calls).transpose()?.unwrap_or_default();
        let Simulated { calls, gas } = self.simulate_after(&earlier, steps, payer.at).await?;
        if !matches!(payer.form, Form::Calldata) {
            require_gas(&gas)?;
        }
        let simulated = calls.saturating_sub(earlier.len());
        let made = self.made(&payer.form, steps, before)?;
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

    /// The batch in the file to which the calls are added; none if they are added to nothing.
    fn batch_before(&self, form: &Form) -> Result<Option<Batch>> {
        let Form::SafeBatch { file, append: true } = form else { return Ok(None) };
        let before = read_batch(file)?;
        require_same(file, &before, self.outbox.chain(), self.from)?;
        Ok(Some(before))
    }

    /// Simulates the calls of a plan after those that are in the same transaction before.
    async fn simulate_after(
        &self,
        earlier: &[SafeCall],
        steps: &[Step],
        at: Option<u64>,
    ) -> Result<Simulated> {
        let sent = earlier.iter().map(|call| Wei::new(call.value.saturating_to()));
        self.require_ether(steps.iter(), sent.fold(Wei::ZERO, saturating_sum)).await?;
        let earlier: Vec<_> = earlier.iter().map(|call| call.with(&self.provider)).collect();
        let calls: Vec<_> = earlier.iter().chain(steps.iter().map(|step| &step.call)).collect();
        let simulated = simulate_all(&self.provider, self.from, &calls, at).await;
        match at {
            Some(at) => simulated.wrap_err_with(|| format!("the calls would fail at {}", time::time(at))),
            None => Ok(simulated?),
        }
    }

    fn made(&self, form: &Form, steps: &[Step], before: Option<Batch>) -> Result<Made> {
        let transactions: Vec<_> = steps.iter().map(|step| step.call.transaction().clone()).collect();
        let summary = steps.iter().map(|step| step.headline.as_str()).collect::<Vec<_>>().join("; ");
        Ok(match form {
            Form::SafeBatch { file, .. } => {
                let batch = Batch::new(self.outbox.chain(), self.from, now(), &summary, &transactions);
                safe_batch(file, before, batch)?
            }
            Form::Proposal { governor, description, proposer } => {
                let description = description.as_deref().unwrap_or(&summary);
                proposal(governor, &Proposal::new(&transactions, description, *proposer))
            }
            Form::AragonScript => {
                let calls = transactions.iter().map(SafeCall::from);
                Made::AragonScript { script: aragon::script(self.from, calls) }
            }
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
fn safe_batch(path: &Path, before: Option<Batch>, batch: Batch) -> Result<Made> {
    let batch = if let Some(before) = before {
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

fn require_same(path: &Path, before: &Batch, chain: u64, safe: Address) -> Result<(), UserError> {
    let of = |safe: Option<Address>, chain: &str| match safe {
        Some(safe) => format!("the Safe `{safe}` on chain {chain}"),
        None => format!("no Safe in particular, on chain {chain}"),
    };
    if (before.chain(), before.safe()) == (Some(chain), Some(safe)) {
        return Ok(());
    }
    let (theirs, ours) = (of(before.safe(), &before.chain_id), of(Some(safe), &chain.to_string()));
    Err(UserError::new(format!("`{}` is for {theirs}, not for {ours}", path.display()))
        .hint("write another file"))
}

/// Refuses calls that need more gas than a transaction can use, by what each needs as one of its own. That is no less than what it
/// needs among others: the 21,000 of a transaction are more than what a contract adds to a call.
fn require_gas(gas: &[u64]) -> Result<(), UserError> {
    let sums: Vec<_> = gas
        .iter()
        .scan(0, |sum, gas| {
            *sum += gas;
            Some(*sum)
        })
        .collect();
    let fitting = sums.iter().filter(|sum| **sum <= MAX_GAS).count();
    match sums.last() {
        Some(all) if *all > MAX_GAS => Err(UserError::new(format!(
            "the {} calls need about {all} gas, but a transaction can use only {MAX_GAS} (EIP-7825): the first {fitting} fit",
            gas.len()
        ))
        .hint("`--calldata` prints the calls, to be made in several transactions")),
        _ => Ok(()),
    }
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
            (0, _) => {
                "none of these calls, because the node cannot simulate several; the first of the batch, "
                    .into()
            }
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
