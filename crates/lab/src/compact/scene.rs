//! What both sides of a walk begin with, and what they make of its steps.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use levee::{Contract, Edition, compact};
use levee_model::{
    Asset, Bps, CompactEvent, CompactOperation, CompactRefused, CompactTerms, Operation, Payment, Rate,
    Refused, Terms, Tier, Timestamp, Wei,
    compact::{MIN_PERIOD, Proposal},
};

use super::format::{CompactWalkTerms, Forgery, Op, Policy, Walk};
use crate::walk::{GUARDIAN, STETH, WSTETH, WalkTerms, address_of, terms};

/// Those who take part.
pub const PEOPLE: [&str; 7] = ["alice", "bob", "carol", "dao", "erin", "frank", "guest"];
/// Who admits members, where that is needed.
pub const ADMITTER: &str = "admitter";
/// Who pays premiums, and pledges into rescues without being a member.
pub const OUTSIDER: &str = "outsider";

/// The name of the compact, as a recipient.
pub(super) const COMPACT: &str = "compact";
/// The name of the zero address, as a recipient.
pub(super) const NOBODY: &str = "nobody";

/// What a walk begins with.
#[derive(Debug, Clone)]
pub struct Scene {
    /// When the compact is created.
    pub start: Timestamp,
    /// Its terms.
    pub terms: CompactWalkTerms,
    /// The init code of the compact, without the arguments of its constructor.
    pub build: Bytes,
}

impl Scene {
    /// That of a recorded walk.
    pub fn of(walk: &Walk) -> Self {
        let build = levee::bindings::Compact::BYTECODE.clone();
        Self { start: walk.start, terms: walk.terms.clone(), build }
    }
}

/// Where the contracts are.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// The compact.
    pub compact: Address,
    /// Lido's stETH.
    pub steth: Address,
    /// The wstETH that wraps it.
    pub wsteth: Address,
}

impl Places {
    /// The account of a name.
    fn account(self, name: &str) -> Address {
        match name {
            COMPACT => self.compact,
            WSTETH => self.wsteth,
            NOBODY => Address::ZERO,
            _ => address_of(name),
        }
    }
}

impl Default for Places {
    fn default() -> Self {
        Self { compact: address_of(COMPACT), steth: address_of(STETH), wsteth: address_of(WSTETH) }
    }
}

/// The terms of the compact of a walk.
pub fn compact_terms(walk: &CompactWalkTerms, wsteth: Address) -> CompactTerms {
    let Policy { admitter, guardian, min_threshold_bps, min_rate_bps, max_veto_bps, max_lock } = walk.policy;
    let account = |is_there: bool, name| if is_there { address_of(name) } else { Address::ZERO };
    CompactTerms {
        wsteth,
        escrow_code_hash: keccak256(Edition::LATEST.creation_code(Contract::PledgeEscrow)),
        admitter: account(admitter, ADMITTER),
        guardian: account(guardian, GUARDIAN),
        terms_hash: B256::ZERO,
        quorum: Bps::new(walk.quorum_bps),
        max_call: Bps::new(walk.max_call_bps),
        voting_period: walk.voting_period,
        fulfill_period: walk.fulfill_period,
        notice_period: walk.notice_period,
        leave_window: walk.leave_window,
        seasoning: walk.seasoning,
        min_threshold: Bps::new(min_threshold_bps),
        min_rate: Bps::new(min_rate_bps),
        min_objection_period: MIN_PERIOD,
        min_exit_window: MIN_PERIOD,
        max_veto: Bps::new(max_veto_bps),
        max_lock,
    }
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The compact made a call.
    Made(Vec<CompactEvent>),
    /// The compact, or the escrow that it pledges into, refused one.
    Refused(CompactRefused),
    /// A rescue made a call.
    Paid(Vec<Payment>),
    /// A rescue refused one.
    RescueRefused(Refused),
    /// The world changed.
    Changed,
}

/// What a step is, once names are addresses.
#[derive(Debug)]
pub(super) enum Act {
    /// A rescue with these terms is created.
    Create(Terms),
    /// A call of a rescue.
    OfRescue(usize, Address, Operation),
    /// A call of the compact; of a proposal with a new rescue, that is created first.
    OfCompact(Option<Terms>, Address, CompactOperation),
    /// A change of stETH.
    OfLido(crate::walk::Op),
    /// There is no such rescue.
    Nothing,
}

/// What is known of the rescues of a walk: terms by the order of creation, and those of calls.
pub(super) trait Known {
    fn places(&self) -> Places;
    fn rescue_count(&self) -> usize;
    fn terms_of(&self, rescue: usize) -> Option<&Terms>;
    fn latest_amendment(&self, rescue: usize) -> Timestamp;
    fn rescue_of(&self, call: u64) -> Option<usize>;

    fn act(&self, time: Timestamp, op: &Op) -> Act {
        match op {
            Op::Rescue { terms } => Act::Create(self.rescue_terms(terms)),
            Op::Close { call } => match self.rescue_of(*call) {
                Some(rescue) => Act::OfRescue(rescue, address_of(GUARDIAN), Operation::Cancel),
                None => Act::Nothing,
            },
            Op::Outside { rescue, call } if self.terms_of(*rescue).is_some() => {
                match call.call(self.latest_amendment(*rescue)) {
                    Some((caller, operation)) => Act::OfRescue(*rescue, caller, operation),
                    None => Act::OfLido(call.clone()),
                }
            }
            Op::Outside { .. } => Act::Nothing,
            Op::Propose { who, by, bps, room, rescue, tier, forged } => {
                let fresh = room.map(|room| self.fresh_terms(time, room));
                let index = rescue.unwrap_or_default();
                let Some(mut terms) = fresh.clone().or_else(|| self.terms_of(index).cloned()) else {
                    return Act::Nothing;
                };
                if *forged == Some(Forgery::Terms) {
                    terms.terms_hash = B256::repeat_byte(0xff);
                }
                let mut proposal =
                    compact::proposal(terms, Edition::LATEST, *tier, *bps).expect("the times of a walk fit");
                if *forged == Some(Forgery::Code) {
                    proposal.code_hash = keccak256(Edition::LATEST.creation_code(Contract::RecoveryPool));
                    proposal.escrow = escrow_by(Contract::RecoveryPool, &proposal);
                }
                let propose = CompactOperation::Propose { member: address_of(who), proposal };
                Act::OfCompact(fresh, address_of(by.as_ref().unwrap_or(who)), propose)
            }
            _ => {
                let (caller, operation) = call(self.places(), op);
                Act::OfCompact(None, caller, operation)
            }
        }
    }

    fn rescue_terms(&self, walk: &WalkTerms) -> Terms {
        let Places { steth, wsteth, .. } = self.places();
        Terms { terms_hash: number(self.rescue_count()), ..terms(walk, steth, wsteth) }
    }

    /// A rescue with one tier, of which `room` is missing.
    fn fresh_terms(&self, time: Timestamp, room: Wei) -> Terms {
        const DAY: u32 = 86_400;
        let deadline = time + 300 * u64::from(DAY);
        self.rescue_terms(&WalkTerms {
            target: room,
            deadline,
            latest_deadline: deadline,
            tiers: vec![Tier { threshold: Bps::ONE, draw_order: 0, rate: Bps::ZERO }],
            objection_period: DAY,
            veto_bps: 3_300,
            tranches: 4,
            tranche_interval: DAY,
            release_window: 30 * DAY,
            exit_window: DAY,
            guardian: true,
            eth_only: false,
        })
    }
}

/// Tells rescues with the same terms apart.
fn number(count: usize) -> B256 {
    B256::from(U256::from(count))
}

/// Where the escrow would be if its code were that of another contract.
fn escrow_by(contract: Contract, proposal: &Proposal) -> Address {
    let escrow = levee::terms::init_code(&proposal.terms).expect("the times of a walk fit");
    let arguments = &escrow[Edition::LATEST.creation_code(Contract::PledgeEscrow).len()..];
    let code = [&Edition::LATEST.creation_code(contract)[..], arguments].concat();
    levee::CREATE2_DEPLOYER.create2_from_code(levee::SALT, code)
}

/// Who makes a call of the compact that is no proposal, and which.
fn call(places: Places, op: &Op) -> (Address, CompactOperation) {
    use CompactOperation as O;
    let other = |name: &Option<String>, who: &str| places.account(name.as_deref().unwrap_or(who));
    let outsider = address_of(OUTSIDER);
    match *op {
        Op::Admit { ref who, ref by } => (other(by, ADMITTER), O::Admit { account: address_of(who) }),
        Op::Commit { ref who, amount } => (address_of(who), O::Commit { amount }),
        Op::TakeBack { ref who, ref to } => (address_of(who), O::TakeBack { recipient: other(to, who) }),
        Op::Activate { ref who } => (outsider, O::Activate { member: address_of(who) }),
        Op::Notice { ref who, amount } => (address_of(who), O::Notice { amount }),
        Op::Leave { ref who, ref to } => (address_of(who), O::Leave { recipient: other(to, who) }),
        Op::Name { ref who, ref approver } => {
            let approver = approver.as_deref().map(address_of).unwrap_or_default();
            (address_of(who), O::NameApprover { approver })
        }
        Op::Approve { ref who, ref by, call } => {
            (other(by, who), O::Approve { call, member: address_of(who) })
        }
        Op::Withdraw { ref who, call } => (address_of(who), O::Withdraw { call }),
        Op::Fulfill { ref who, ref others, call } => {
            let members = [who].into_iter().chain(others).map(|name| address_of(name)).collect();
            (outsider, O::Fulfill { call, members })
        }
        Op::Premium { amount } => (outsider, O::PayPremium { amount }),
        Op::Claim { ref who } => (outsider, O::Claim { member: address_of(who) }),
        Op::Rescue { .. } | Op::Outside { .. } | Op::Close { .. } | Op::Propose { .. } => {
            unreachable!("{op:?} is read elsewhere")
        }
    }
}

/// Everyone whose balance may move.
pub(super) fn people() -> impl Iterator<Item = &'static str> {
    PEOPLE.into_iter().chain([ADMITTER, OUTSIDER, GUARDIAN])
}

/// The name of an account in a walk; the account itself if it has none.
pub(super) fn name(account: Address) -> String {
    let known = people().find(|name| address_of(name) == account);
    known.map_or_else(|| account.to_string(), str::to_owned)
}

/// The rate at which walks begin: one wei a share.
pub(super) const RATE: Rate = Rate::PAR;

/// What moves into and out of the compact by an event: from whom, to whom, how much.
pub(super) fn movement(
    compact: Address,
    event: &CompactEvent,
    escrow: impl FnOnce(u64) -> Address,
) -> Option<(Address, Address, levee_model::Units)> {
    use CompactEvent as E;
    Some(match *event {
        E::Committed { member, amount, .. } => (member, compact, amount),
        E::PremiumPaid { payer, amount, .. } => (payer, compact, amount),
        E::TakenBack { recipient, amount, .. } | E::Left { recipient, amount, .. } => {
            (compact, recipient, amount)
        }
        E::PremiumClaimed { member, amount } => (compact, member, amount),
        E::Given(gift) => (compact, escrow(gift.call), gift.amount),
        _ => return None,
    })
}

/// The asset of every compact.
pub(super) const ASSET: Asset = Asset::WstEth;
