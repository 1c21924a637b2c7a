//! The calls of a compact as data.

use alloy_primitives::{Address, B256};

use super::{event::CompactEvent, refusal::CompactRefused, state::Compact};
use crate::{
    lido::Moment,
    rescue::Rescue,
    terms::Terms,
    units::{Bps, Units},
};

/// What a call is proposed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The original terms of the rescue.
    pub terms: Terms,
    /// Keccak256 of the creation code that is stored as data.
    pub code_hash: B256,
    /// The address that follows from that code and these terms.
    pub escrow: Address,
    /// The tier, from 0.
    pub tier: u8,
    /// What it takes of what each member has active.
    pub bps: Bps,
}

/// A call of a compact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompactOperation {
    /// The admitter lets an account commit.
    Admit {
        /// The account.
        account: Address,
    },
    /// Commits so much more.
    Commit {
        /// How much; with 0, what is pending only seasons anew.
        amount: Units,
    },
    /// Takes back what is pending.
    TakeBack {
        /// Who gets it.
        recipient: Address,
    },
    /// Anyone activates what is pending of a member.
    Activate {
        /// The member.
        member: Address,
    },
    /// Puts so much under notice, instead of what was.
    Notice {
        /// How much.
        amount: Units,
    },
    /// Leaves with what is under notice.
    Leave {
        /// Who gets it.
        recipient: Address,
    },
    /// Names who proposes and approves in the caller's stead.
    NameApprover {
        /// The approver; zero for none.
        approver: Address,
    },
    /// Proposes a call.
    Propose {
        /// For whom.
        member: Address,
        /// What for.
        proposal: Proposal,
    },
    /// Approves a call.
    Approve {
        /// Its number.
        call: u64,
        /// For whom.
        member: Address,
    },
    /// Withdraws the caller's approval.
    Withdraw {
        /// The number of the call.
        call: u64,
    },
    /// Anyone has members' shares pledged.
    Fulfill {
        /// The number of the call.
        call: u64,
        /// The members.
        members: Vec<Address>,
    },
    /// Pays a premium.
    PayPremium {
        /// How much.
        amount: Units,
    },
    /// Anyone has a member paid what it has earned.
    Claim {
        /// The member.
        member: Address,
    },
}

impl Compact {
    /// The escrow of the rescue that a call is about, if it is about one.
    pub fn escrow_of(&self, operation: &CompactOperation) -> Option<Address> {
        match operation {
            CompactOperation::Propose { proposal, .. } => Some(proposal.escrow),
            CompactOperation::Fulfill { call, .. } => Some(self.call(*call)?.record.escrow),
            _ => None,
        }
    }

    /// Makes a call, and returns its events, in order. `rescue` is the one in the escrow that the call
    /// [is about](Self::escrow_of), if there is one: what is fulfilled is pledged into it.
    ///
    /// # Errors
    /// Why it is refused. Nothing has changed then.
    pub fn play(
        &mut self,
        at: Moment,
        caller: Address,
        operation: &CompactOperation,
        rescue: Option<&mut Rescue>,
    ) -> Result<Vec<CompactEvent>, CompactRefused> {
        use CompactOperation as O;
        let time = at.time;
        let events = match *operation {
            O::Admit { account } => vec![self.admit(caller, account)?],
            O::Commit { amount } => vec![self.commit(time, caller, amount)?],
            O::TakeBack { recipient } => vec![self.take_back(caller, recipient)?],
            O::Activate { member } => vec![self.activate(time, member)?],
            O::Notice { amount } => vec![self.notice(time, caller, amount)?],
            O::Leave { recipient } => vec![self.leave(time, caller, recipient)?],
            O::NameApprover { approver } => vec![CompactEvent::ApproverNamed { member: caller, approver }],
            O::Propose { member, ref proposal } => {
                vec![self.propose(at, caller, member, proposal, rescue.as_deref())?]
            }
            O::Approve { call, member } => self.approve(time, caller, call, member)?,
            O::Withdraw { call } => vec![self.withdraw(time, caller, call)?],
            O::Fulfill { call, ref members } => self.fulfill(at, call, members, rescue)?,
            O::PayPremium { amount } => vec![self.pay_premium(caller, amount)?],
            O::Claim { member } => vec![self.claim(member)?],
        };
        for event in &events {
            self.apply(event).expect("a call makes events that follow");
        }
        Ok(events)
    }
}
