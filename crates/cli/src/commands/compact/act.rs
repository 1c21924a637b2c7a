//! How a call of a compact is prepared, shown and sent.

use alloy::{primitives::Address, providers::DynProvider};
use clap::Args;
use eyre::{Report, Result};
use levee::{
    Purpose,
    compact::{CompactClient, CompactHistory},
};
use levee_model::{Amount, CompactOperation, Units};

use super::WhichArgs;
use crate::{
    amount,
    error::UserError,
    output::Output,
    plan::Step,
    signing::{Signer, SigningArgs},
    time,
};

/// The options that every call of a compact has.
#[derive(Debug, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(super) which: WhichArgs,

    #[command(flatten)]
    pub(super) signing: SigningArgs,
}

/// A command that calls a compact.
pub(super) trait Deed {
    /// The compact, and who signs.
    fn common(&self) -> &Common;

    /// Whether it only takes out of a compact, or out of a call: then it is possible whatever the terms are.
    fn is_way_out(&self) -> bool {
        false
    }

    /// What it is to do, by which a repeated command is recognized.
    fn purpose(&self) -> Result<Purpose>;

    /// The steps that do it.
    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>>;

    /// An error of one of the steps, in the terms of the command.
    fn explained(&self, error: Report) -> Report {
        error
    }
}

/// A compact in its current state, with an account that can sign.
pub(super) struct Opened {
    pub(super) client: CompactClient<DynProvider>,
    pub(super) history: CompactHistory,
    pub(super) signer: Signer,
}

/// Opens the compact first, then the account, so that a wrong address is reported before a password is asked for.
pub(super) async fn run(deed: impl Deed, output: Output) -> Result<()> {
    let Common { which, signing } = deed.common();
    let (connection, client) = which.open(signing.network()).await?;
    if !deed.is_way_out() {
        client.check_token()?;
        client.check_escrows()?;
    }
    connection.current_block().await?;
    let purpose = deed.purpose()?.with("compact", client.address());
    let opened = signing.signer(&connection, None, purpose, output).await?;
    let Some(signer) = opened.or_report(output).await? else { return Ok(()) };
    // After whatever an earlier run has sent, and after a wallet or a person who took their time.
    let history = client.read(which.from_block).await?;
    let opened = Opened { client, history, signer };
    let steps = deed.steps(&opened).await?;
    opened.signer.run(&steps, None).await.map_err(|error| deed.explained(error))
}

impl Opened {
    /// Who signs.
    pub(super) const fn account(&self) -> Address {
        self.signer.from
    }

    /// The time of the block that it was read at.
    pub(super) const fn now(&self) -> u64 {
        self.history.block.time
    }

    /// The step that makes a call of the compact.
    pub(super) fn step(
        &self,
        name: impl Into<String>,
        headline: String,
        operation: &CompactOperation,
    ) -> Result<Step> {
        let escrow = self.history.compact.escrow_of(operation);
        let call = self.client.call(operation, escrow)?;
        Ok(Step::new(name, headline, call).facts(vec![("compact", self.client.address().to_string())]))
    }

    /// Until when no call should pass: another one gives, and before the spacing between the two is over, the fulfillment of one that passes
    /// now would be. A call of the number `call` does not wait for itself.
    pub(super) fn too_soon(&self, call: Option<u64>) -> Option<(&'static str, String)> {
        let terms = self.client.terms();
        let started = self.history.compact.started().filter(|started| Some(started.call) != call)?;
        let free = started.started_at.saturating_add(terms.spacing()).saturating_add(1);
        let safe = free.saturating_sub(terms.fulfill_period.into());
        let text = format!(
            "call {} gives until then: one that passes before {} is over before it can give",
            started.call,
            time::time_from(safe, self.now())
        );
        (self.now() < safe).then_some(("too soon", text))
    }

    /// What must come before wstETH is taken from the account: nothing, or with `may_approve` an allowance.
    pub(super) async fn approval(&self, amount: Units, may_approve: bool) -> Result<Option<Step>> {
        let (account, shown) = (self.account(), Amount::WstEth(amount));
        let funds = self.client.funds(account).await?;
        if funds.balance < amount {
            let message = format!("`{account}` has {}, less than {shown}", Amount::WstEth(funds.balance));
            return Err(UserError::new(message).hint("send it some, or choose less").into());
        }
        if funds.allowance >= amount {
            return Ok(None);
        }
        let compact = self.client.address();
        if !may_approve {
            let message = format!(
                "the compact may take {} of the wstETH of `{account}`, less than {shown}",
                Amount::WstEth(funds.allowance)
            );
            return Err(UserError::new(message).hint("add `--approve` to send an approval first").into());
        }
        let headline = format!("Allow the compact {compact} to take {shown}");
        let facts = vec![("token", self.client.terms().wsteth.to_string())];
        Ok(Some(Step::new("approve", headline, self.client.approval(amount)).facts(facts)))
    }
}

/// Reads an amount of wstETH, the one asset of a compact.
pub(super) fn wsteth(words: &[String]) -> Result<Units, UserError> {
    match amount::Amount::parse(&words.join(" "))? {
        amount::Amount::WstEth(units) => Ok(units),
        other => Err(UserError::new(format!("a compact holds wstETH, and no {}", other.asset()))
            .hint("write the amount as in `25 wstETH`")),
    }
}
