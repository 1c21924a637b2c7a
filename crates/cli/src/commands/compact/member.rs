//! What members do with what they have, and anyone for them.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::Purpose;
use levee_model::{Amount, CompactOperation, Units, compact::MemberView};

use super::{
    act::{Common, Deed, Opened, wsteth},
    terms,
};
use crate::{address, plan::Step, time};

/// Arguments of `levee compact admit`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  levee compact admit 0x… 0x… --account admitter")]
pub(crate) struct Admit {
    #[command(flatten)]
    common: Common,

    /// The account that may commit from then on; nothing takes that back.
    #[arg(value_name = "MEMBER", value_parser = address::parse)]
    member: Address,
}

/// Arguments of `levee compact commit`.
#[derive(Debug, Args)]
#[command(after_help = "\
The amount is pending, together with what was pending before, and all of it seasons anew. Until it is activated, you may take it back \
at any time.

Example:
  levee compact commit compact.toml 25 wstETH --approve --account treasury")]
pub(crate) struct Commit {
    #[command(flatten)]
    common: Common,

    /// How much, as in `25 wstETH`; with 0, what is pending only seasons anew.
    #[arg(value_name = "AMOUNT", num_args = 1..=2, required = true, allow_negative_numbers = true)]
    amount: Vec<String>,

    /// First allow the compact to take the amount, in a separate transaction.
    #[arg(long)]
    approve: bool,
}

/// Arguments of `levee compact take-back`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  levee compact take-back compact.toml --account treasury")]
pub(crate) struct TakeBack {
    #[command(flatten)]
    common: Common,

    /// Account that gets it; default: the account that signs.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,
}

/// Arguments of `levee compact activate`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  levee compact activate compact.toml --member 0x… --account anyone")]
pub(crate) struct Activate {
    #[command(flatten)]
    common: Common,

    /// Whose; default: the account that signs.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    member: Option<Address>,
}

/// Arguments of `levee compact notice`.
#[derive(Debug, Args)]
#[command(after_help = "\
What is under notice neither votes nor earns, but can still be called until you leave. The amount replaces what was under notice, and \
the notice period begins anew; `0 wstETH` takes the notice back.

Example:
  levee compact notice compact.toml 25 wstETH --account treasury")]
pub(crate) struct Notice {
    #[command(flatten)]
    common: Common,

    /// How much, as in `25 wstETH`.
    #[arg(value_name = "AMOUNT", num_args = 1..=2, required = true, allow_negative_numbers = true)]
    amount: Vec<String>,
}

/// Arguments of `levee compact leave`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  levee compact leave compact.toml --account treasury")]
pub(crate) struct Leave {
    #[command(flatten)]
    common: Common,

    /// Account that gets it; default: the account that signs.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,
}

/// Arguments of `levee compact approver`.
#[derive(Debug, Args)]
#[command(after_help = "\
The approver can propose and approve for you, and nothing else: it can move nothing, and cannot withdraw an approval.

Examples:
  levee compact approver compact.toml 0x… --account treasury
  levee compact approver compact.toml --none --account treasury")]
pub(crate) struct NameApprover {
    #[command(flatten)]
    common: Common,

    /// The approver.
    #[arg(value_name = "APPROVER", value_parser = address::parse, required_unless_present = "none")]
    approver: Option<Address>,

    /// Nobody, instead of an approver.
    #[arg(long, conflicts_with = "approver")]
    none: bool,
}

/// Arguments of `levee compact premium`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  levee compact premium compact.toml 3 wstETH --approve --account protocol"
)]
pub(crate) struct Premium {
    #[command(flatten)]
    common: Common,

    /// How much, as in `3 wstETH`.
    #[arg(value_name = "AMOUNT", num_args = 1..=2, required = true, allow_negative_numbers = true)]
    amount: Vec<String>,

    /// First allow the compact to take the amount, in a separate transaction.
    #[arg(long)]
    approve: bool,
}

/// Arguments of `levee compact claim`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  levee compact claim compact.toml --member 0x… --account anyone")]
pub(crate) struct Claim {
    #[command(flatten)]
    common: Common,

    /// Whose premiums; default: the account that signs.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    member: Option<Address>,
}

fn shown(units: Units) -> String {
    Amount::WstEth(units).to_string()
}

impl Opened {
    fn member(&self, account: Address) -> MemberView {
        self.history.compact.member_view(account)
    }

    fn own(&self) -> MemberView {
        self.member(self.account())
    }
}

impl Deed for Admit {
    fn common(&self) -> &Common {
        &self.common
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact admit").with("member", self.member))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let operation = CompactOperation::Admit { account: self.member };
        Ok(vec![compact.step("admit", format!("Let {} commit, for good", self.member), &operation)?])
    }
}

impl Deed for Commit {
    fn common(&self) -> &Common {
        &self.common
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact commit").with("amount", shown(wsteth(&self.amount)?)))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let amount = wsteth(&self.amount)?;
        let (terms, pending) = (compact.client.terms(), compact.own().pending);
        let from = compact.now().saturating_add(terms.seasoning.into());
        let until = from.saturating_add(terms.leave_window.into());
        let mut facts = vec![
            ("pending", format!("{}, with {} that is pending already", shown(amount), shown(pending))),
            ("activation", format!("from {} to {}", time::time(from), time::time(until))),
        ];
        facts.extend(terms::facts(terms));
        let operation = CompactOperation::Commit { amount };
        let headline = format!("Commit {} to the compact", shown(amount));
        let step = compact.step("commit", headline, &operation)?.facts(facts);
        let approval = compact.approval(amount, self.approve).await?;
        Ok(approval.into_iter().chain([step]).collect())
    }
}

impl Deed for TakeBack {
    fn common(&self) -> &Common {
        &self.common
    }

    fn is_way_out(&self) -> bool {
        true
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact take-back").with_some("to", self.to))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let recipient = self.to.unwrap_or(compact.account());
        let headline = format!("Take back {} that is pending", shown(compact.own().pending));
        let step = compact.step("take back", headline, &CompactOperation::TakeBack { recipient })?;
        Ok(vec![step.facts(vec![("recipient", recipient.to_string())])])
    }
}

impl Deed for Activate {
    fn common(&self) -> &Common {
        &self.common
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact activate").with_some("member", self.member))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let member = self.member.unwrap_or(compact.account());
        let headline = format!("Activate {} of {member}", shown(compact.member(member).pending));
        Ok(vec![compact.step("activate", headline, &CompactOperation::Activate { member })?])
    }
}

impl Deed for Notice {
    fn common(&self) -> &Common {
        &self.common
    }

    fn is_way_out(&self) -> bool {
        true
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact notice").with("amount", shown(wsteth(&self.amount)?)))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let amount = wsteth(&self.amount)?;
        let (terms, own) = (compact.client.terms(), compact.own());
        let from = compact.now().saturating_add(terms.notice_period.into());
        let until = from.saturating_add(terms.leave_window.into());
        let mut facts = vec![
            ("active", shown(own.standing.active)),
            ("under notice", format!("{} until now, which this replaces", shown(own.standing.noticed))),
        ];
        let headline = match amount {
            Units::ZERO => "Take the notice back".to_owned(),
            amount => {
                facts.push(("leaving", format!("from {} to {}", time::time(from), time::time(until))));
                format!("Put {} under notice", shown(amount))
            }
        };
        let operation = CompactOperation::Notice { amount };
        Ok(vec![compact.step("notice", headline, &operation)?.facts(facts)])
    }
}

impl Deed for Leave {
    fn common(&self) -> &Common {
        &self.common
    }

    fn is_way_out(&self) -> bool {
        true
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact leave").with_some("to", self.to))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let recipient = self.to.unwrap_or(compact.account());
        let headline = format!("Leave with {}", shown(compact.own().standing.noticed));
        let step = compact.step("leave", headline, &CompactOperation::Leave { recipient })?;
        Ok(vec![step.facts(vec![("recipient", recipient.to_string())])])
    }
}

impl Deed for NameApprover {
    fn common(&self) -> &Common {
        &self.common
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact approver").with("approver", self.approver.unwrap_or_default()))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let (approver, member) = (self.approver.unwrap_or_default(), compact.account());
        let headline = match approver.is_zero() {
            true => format!("Let nobody propose and approve for {member}"),
            false => format!("Let {approver} propose and approve for {member}"),
        };
        Ok(vec![compact.step("approver", headline, &CompactOperation::NameApprover { approver })?])
    }
}

impl Deed for Premium {
    fn common(&self) -> &Common {
        &self.common
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact premium").with("amount", shown(wsteth(&self.amount)?)))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let amount = wsteth(&self.amount)?;
        let all = compact.history.compact.all().now();
        let headline = format!("Pay a premium of {}", shown(amount));
        let operation = CompactOperation::PayPremium { amount };
        let facts = vec![("shared by", format!("{} that has weight now", shown(all.weight())))];
        let step = compact.step("premium", headline, &operation)?.facts(facts);
        let approval = compact.approval(amount, self.approve).await?;
        Ok(approval.into_iter().chain([step]).collect())
    }
}

impl Deed for Claim {
    fn common(&self) -> &Common {
        &self.common
    }

    fn is_way_out(&self) -> bool {
        true
    }

    fn purpose(&self) -> Result<Purpose> {
        Ok(Purpose::new("compact claim").with_some("member", self.member))
    }

    async fn steps(&self, compact: &Opened) -> Result<Vec<Step>> {
        let member = self.member.unwrap_or(compact.account());
        let headline = format!("Pay {member} {} of premiums", shown(compact.member(member).earned));
        Ok(vec![compact.step("claim", headline, &CompactOperation::Claim { member })?])
    }
}
