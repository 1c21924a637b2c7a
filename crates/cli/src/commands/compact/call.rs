//! Calls for a rescue: proposed, approved, fulfilled.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::Args;
use eyre::{Report, Result};
use levee::{
    Error, Purpose, Refusal,
    compact::{CodeStore, proposal},
};
use levee_model::{
    Amount, Bps, CompactOperation, Tier, Units,
    compact::{CallView, Proposal},
};

use super::act::{Common, Deed, Opened};
use crate::{address, error::UserError, page, percent, plan::Step, terms::TermsFile, time};

/// Members whose shares are pledged in one transaction: a new position takes at most 190,000 gas, and a transaction has 16,777,216.
const BATCH: usize = 80;

/// Arguments of `levee compact propose`.
#[derive(Debug, Args)]
#[command(after_help = "\
The rescue must exist, and keep within what the compact requires of rescues. The code of its escrow must be on the chain as data; if it \
is not, it is stored first, once for the chain.

Example:
  levee compact propose compact.toml --terms rescue.toml --tier 2 --part 25% --account treasury")]
pub(crate) struct Propose {
    #[command(flatten)]
    common: Common,

    /// File of the terms that the rescue was created with (TOML).
    #[arg(long, value_name = "FILE")]
    terms: PathBuf,

    /// Tier of the rescue that is paid into, counted from 0.
    #[arg(long, value_name = "N")]
    tier: u8,

    /// What the call takes of what each member has active, as in `25 %`.
    #[arg(long, value_name = "PERCENT", value_parser = percent::parse)]
    part: Bps,

    /// For this member, which has named the account that signs as its approver; default: the account that signs.
    #[arg(long = "for", value_name = "MEMBER", value_parser = address::parse)]
    member: Option<Address>,
}

/// Arguments of `levee compact approve`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  levee compact approve compact.toml 3 --account treasury")]
pub(crate) struct Approve {
    #[command(flatten)]
    common: Common,

    /// Number of the call, as `levee compact status` shows it.
    #[arg(value_name = "CALL")]
    call: u64,

    /// For this member, which has named the account that signs as its approver; default: the account that signs.
    #[arg(long = "for", value_name = "MEMBER", value_parser = address::parse)]
    member: Option<Address>,
}

/// Arguments of `levee compact withdraw`.
#[derive(Debug, Args)]
#[command(after_help = "\
An approver can give the approval again: name another one first, with `levee compact approver`.

Example:
  levee compact withdraw compact.toml 3 --account treasury")]
pub(crate) struct Withdraw {
    #[command(flatten)]
    common: Common,

    /// Number of the call, as `levee compact status` shows it.
    #[arg(value_name = "CALL")]
    call: u64,
}

/// Arguments of `levee compact fulfill`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each member's share is pledged in its own name. Members that gave already, or have nothing to give, are passed over.

Example:
  levee compact fulfill compact.toml 3 --account anyone")]
pub(crate) struct Fulfill {
    #[command(flatten)]
    common: Common,

    /// Number of the call, as `levee compact status` shows it.
    #[arg(value_name = "CALL")]
    call: u64,

    /// Only this member's share; may be repeated; default: everyone's.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    member: Vec<Address>,
}

fn shown(units: Units) -> String {
    Amount::WstEth(units).to_string()
}

impl Opened {
    fn call_view(&self, call: u64) -> Result<CallView, UserError> {
        self.history.compact.call_view(call).ok_or_else(|| {
            let last = self.history.compact.call_count().checked_sub(1);
            let why = last.map_or_else(
                || "none has been proposed yet".into(),
                |last| format!("the last one proposed is call {last}"),
            );
            UserError::new(format!("there is no call {call}: {why}"))
                .hint("`levee compact status` shows them")
        })
    }

    /// What a call is for.
    fn about(&self, call: &CallView) -> Vec<(&'static str, String)> {
        let (approvals, required) = (shown(call.approvals), shown(call.required));
        vec![
            ("rescue", call.escrow.to_string()),
            ("tier", call.tier.to_string()),
            ("takes", format!("{} of what each member had active", percent::percent(call.bps))),
            ("approvals", format!("{approvals}; {required} are needed")),
        ]
    }

    /// What each of the members would give to a call now; only those that give something.
    fn shares(&self, call: u64, members: &[Address]) -> Vec<(Address, Units)> {
        let compact = &self.history.compact;
        let all = compact.view(self.now()).members.into_iter().map(|(account, ..)| account);
        let chosen = all.filter(|account| members.is_empty() || members.contains(account));
        let shares = chosen.map(|account| (account, compact.share(call, account).unwrap_or_default()));
        shares.filter(|(_, share)| !share.is_zero()).collect()
    }
}

impl Deed for Propose {
    fn common(&self) -> &Common {
        &self.common
    }

    fn purpose(&self) -> Result<Purpose> {
        let part = percent::percent(self.part);
        let purpose = Purpose::new("compact propose").with("terms", self.terms.display());
        Ok(purpose.with("tier", self.tier).with("part", part).with_some("member", self.member))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let file = TermsFile::read(&self.terms)?;
        if file.edition != compact.client.edition() {
            let (of, is) = (file.edition, compact.client.edition());
            let message =
                format!("the rescue is of edition {of}, but the compact pays into escrows of edition {is}");
            return Err(UserError::new(message).hint("a new edition needs a new compact").into());
        }
        let member = self.member.unwrap_or(compact.account());
        let proposal = proposal(file.terms, file.edition, self.tier, self.part)?;
        let mut facts = self.facts(compact, &proposal);
        facts.extend(compact.too_soon(None));
        let headline = format!("Propose a call for the rescue {}", proposal.escrow);
        let step = compact.step("propose", headline, &CompactOperation::Propose { member, proposal })?;
        let missing = CodeStore::of(compact.client.edition()).missing(&compact.signer.provider).await?;
        let stored = (1..).zip(missing).map(|(number, call)| {
            let headline = format!("Store part {number} of the escrow's code, once for this chain");
            Step::new(format!("store {number}"), headline, call)
        });
        Ok(stored.chain([step.facts(facts)]).collect())
    }
}

impl Propose {
    fn facts(&self, compact: &Opened, proposal: &Proposal) -> Vec<(&'static str, String)> {
        let standing = compact.history.compact.all().now();
        let terms = compact.client.terms();
        let kind = |tier: &Tier| format!("{}: a {}", self.tier, page::kind(tier));
        let tier =
            proposal.terms.tiers.get(usize::from(self.tier)).map_or_else(|| self.tier.to_string(), kind);
        let until = compact.now().saturating_add(terms.voting_period.into());
        vec![
            ("tier", tier),
            ("takes", format!("{} of what each member has active", percent::percent(self.part))),
            (
                "all together",
                format!("{} of {}", shown(standing.called_down(self.part)), shown(standing.active)),
            ),
            ("needs", format!("the approval of {} of everything active", percent::percent(terms.quorum))),
            ("voting", format!("until {}", time::time(until))),
        ]
    }
}

impl Deed for Approve {
    fn common(&self) -> &Common {
        &self.common
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact approve").with("call", self.call).with_some("member", self.member))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let member = self.member.unwrap_or(compact.account());
        let call = compact.call_view(self.call)?;
        let mut facts = compact.about(&call);
        let gives = compact.history.compact.share(self.call, member).unwrap_or_default();
        facts.push(("member", format!("{member}, which would give {}", shown(gives))));
        facts.extend(compact.too_soon(Some(self.call)));
        let operation = CompactOperation::Approve { call: self.call, member };
        let step = compact.step("approve call", format!("Approve call {}", self.call), &operation)?;
        Ok(vec![step.facts(facts)])
    }
}

impl Deed for Withdraw {
    fn common(&self) -> &Common {
        &self.common
    }

    fn is_way_out(&self) -> bool {
        true
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact withdraw").with("call", self.call))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let facts = compact.about(&compact.call_view(self.call)?);
        let headline = format!("Withdraw the approval of call {}", self.call);
        let step = compact.step("withdraw", headline, &CompactOperation::Withdraw { call: self.call })?;
        Ok(vec![step.facts(facts)])
    }
}

impl Deed for Fulfill {
    fn common(&self) -> &Common {
        &self.common
    }

    fn purpose(&self) -> Result<Purpose> {
        let purpose = Purpose::new("compact fulfill").with("call", self.call);
        Ok(self.member.iter().fold(purpose, |purpose, member| purpose.with("member", member)))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let call = compact.call_view(self.call)?;
        let shares = compact.shares(self.call, &self.member);
        if shares.is_empty() {
            return Err(UserError::new(format!("nobody has anything left to give to call {}", self.call))
                .hint("`levee compact status` shows who gave what")
                .into());
        }
        // Numbered on from what an earlier run has sent, so that no two steps have the same name.
        let first = compact.signer.done.len() + 1;
        (first..)
            .zip(shares.chunks(BATCH))
            .map(|(number, batch)| self.step(compact, &call, (number, batch)))
            .collect()
    }

    fn explained(&self, error: Report) -> Report {
        never_fulfilled(self.call, error)
    }
}

/// Explains the rescue's refusal of a pledge by terms that it does not have any more: a call names them for ever.
fn never_fulfilled(call: u64, error: Report) -> Report {
    match error.downcast_ref() {
        Some(Error::Refused(Refusal::AmendmentDiffers { .. })) => {
            let message = format!(
                "call {call} can never be fulfilled, because its rescue was amended after the call was proposed"
            );
            error.wrap_err(UserError::new(message).hint(
                "read the terms as amended with `levee status`; if they are acceptable, propose the call again",
            ))
        }
        _ => error,
    }
}

impl Fulfill {
    fn step(
        &self,
        compact: &Opened,
        call: &CallView,
        (number, batch): (usize, &[(Address, Units)]),
    ) -> Result<Step> {
        let members = batch.iter().map(|(member, _)| *member).collect();
        let mut facts = compact.about(call);
        facts.extend(batch.iter().map(|(member, share)| ("gives", format!("{member} {}", shown(*share)))));
        let headline = format!(
            "Pledge the shares of {} for call {}",
            crate::event::counted(batch.len(), "member"),
            self.call
        );
        let operation = CompactOperation::Fulfill { call: self.call, members };
        Ok(compact.step(format!("fulfill {number}"), headline, &operation)?.facts(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_for_a_rescue_that_was_amended_is_to_be_proposed_again() {
        let told = |refusal: Refusal| never_fulfilled(3, Error::from(refusal).into());
        let differs = told(Refusal::AmendmentDiffers { named: 0, latest: 1_785_542_400 });
        let never =
            "call 3 can never be fulfilled, because its rescue was amended after the call was proposed";
        assert_eq!(differs.to_string(), never);
        let again =
            "read the terms as amended with `levee status`; if they are acceptable, propose the call again";
        assert_eq!(crate::error::hint_for(&differs), Some(again));
        let unreadable = "the value of stETH shares cannot be read, so the rescue cannot settle now";
        assert_eq!(told(Refusal::RateUnreadable).to_string(), unreadable);
    }
}
