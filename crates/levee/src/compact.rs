//! A compact's calls, events and refusals, between the contract's form and the model's.

use alloy::{
    primitives::{Address, Bytes, Log, U256, keccak256},
    sol_types::{SolCall, SolEventInterface, SolInterface, SolValue},
};
use levee_model::{
    CompactEvent, CompactOperation, CompactRefusal, CompactRefused, CompactTerms, Terms, Units,
    compact::{
        CallRecord, CallView, CompactTermsError, Gift, MIN_PERIOD, MIN_QUORUM, MemberView, Proposal,
        Standing, Started,
    },
};

use crate::{
    bindings::Compact::{self as Raw, CompactErrors, CompactEvents},
    convert::{self, narrow},
    edition::Edition,
    error::Error,
    refusal, terms,
};

mod client;
mod code_store;

pub use client::{CompactClient, CompactFunds, CompactHistory, books, escrow_edition, fold, premiums, vote};
pub use code_store::CodeStore;

/// The most code that one contract may have as data, behind a byte that stops (EIP-170).
const CHUNK: usize = 24_575;

/// The code of the contracts that hold `code` as data, in order, as `propose` reads it.
pub fn code_chunks(code: &[u8]) -> impl Iterator<Item = Bytes> {
    code.chunks(CHUNK).map(|part| [&[0][..], part].concat().into())
}

/// The proposal of a rescue with these terms in an escrow of an edition.
///
/// # Errors
/// [`Error::Unencodable`] if a deadline exceeds what the contract can hold.
pub fn proposal(rescue: Terms, edition: Edition, tier: u8, bps: levee_model::Bps) -> Result<Proposal, Error> {
    let blueprint = crate::Blueprint::escrow(&rescue)?.in_edition(edition);
    let code_hash = keccak256(edition.creation_code(crate::Contract::PledgeEscrow));
    Ok(Proposal { terms: rescue, code_hash, escrow: blueprint.address(), tier, bps })
}

/// The data of a call. `code` are the contracts that hold the escrow's creation code, for a proposal.
///
/// # Errors
/// [`Error::Unencodable`] if a deadline of a proposed rescue exceeds what the contract can hold.
pub fn encode(operation: &CompactOperation, code: &[Address]) -> Result<Bytes, Error> {
    use CompactOperation as O;
    let number = |units: Units| U256::from(units.get());
    let data = match *operation {
        O::Admit { account } => Raw::admitCall { account }.abi_encode(),
        O::Commit { amount } => Raw::commitCall { amount: number(amount) }.abi_encode(),
        O::TakeBack { recipient } => Raw::takeBackToCall { recipient }.abi_encode(),
        O::Activate { member } => Raw::activateCall { account: member }.abi_encode(),
        O::Notice { amount } => Raw::noticeCall { amount: number(amount) }.abi_encode(),
        O::Leave { recipient } => Raw::leaveToCall { recipient }.abi_encode(),
        O::NameApprover { approver } => Raw::nameApproverCall { approver }.abi_encode(),
        O::Propose { member, ref proposal } => return encode_proposal(member, proposal, code),
        O::Approve { call, member } => {
            Raw::approveCall { number: U256::from(call), account: member }.abi_encode()
        }
        O::Withdraw { call } => Raw::withdrawCall { number: U256::from(call) }.abi_encode(),
        O::Fulfill { call, ref members } => {
            Raw::fulfillCall { number: U256::from(call), members: members.clone() }.abi_encode()
        }
        O::PayPremium { amount } => Raw::payPremiumCall { amount: number(amount) }.abi_encode(),
        O::Claim { member } => Raw::claimCall { account: member }.abi_encode(),
    };
    Ok(data.into())
}

fn encode_proposal(member: Address, proposal: &Proposal, code: &[Address]) -> Result<Bytes, Error> {
    // The same struct, of which each contract's bindings have their own type.
    let terms = terms::encode(&proposal.terms)?.abi_encode();
    let rescue = Raw::Terms::abi_decode(&terms).map_err(|_| Error::Malformed { what: "terms" })?;
    let (tier, bps, code) = (proposal.tier, proposal.bps.get(), code.to_vec());
    Ok(Raw::proposeCall { account: member, rescue, code, tier, bps }.abi_encode().into())
}

/// Terms of a compact as the contract takes them.
pub fn encode_terms(terms: &CompactTerms) -> Raw::CompactTerms {
    Raw::CompactTerms {
        wstETH: terms.wsteth,
        escrowCodeHash: terms.escrow_code_hash,
        admitter: terms.admitter,
        guardian: terms.guardian,
        termsHash: terms.terms_hash,
        quorumBps: terms.quorum.get(),
        maxCallBps: terms.max_call.get(),
        votingPeriod: terms.voting_period,
        fulfillPeriod: terms.fulfill_period,
        noticePeriod: terms.notice_period,
        leaveWindow: terms.leave_window,
        seasoning: terms.seasoning,
        minThresholdBps: terms.min_threshold.get(),
        minRateBps: terms.min_rate.get(),
        minObjectionPeriod: terms.min_objection_period,
        minExitWindow: terms.min_exit_window,
        maxVetoBps: terms.max_veto.get(),
        maxLock: terms.max_lock,
    }
}

/// Terms of a compact as the contract gives them.
pub fn decode_terms(terms: &Raw::CompactTerms) -> CompactTerms {
    CompactTerms {
        wsteth: terms.wstETH,
        escrow_code_hash: terms.escrowCodeHash,
        admitter: terms.admitter,
        guardian: terms.guardian,
        terms_hash: terms.termsHash,
        quorum: convert::bps(terms.quorumBps),
        max_call: convert::bps(terms.maxCallBps),
        voting_period: terms.votingPeriod,
        fulfill_period: terms.fulfillPeriod,
        notice_period: terms.noticePeriod,
        leave_window: terms.leaveWindow,
        seasoning: terms.seasoning,
        min_threshold: convert::bps(terms.minThresholdBps),
        min_rate: convert::bps(terms.minRateBps),
        min_objection_period: terms.minObjectionPeriod,
        min_exit_window: terms.minExitWindow,
        max_veto: convert::bps(terms.maxVetoBps),
        max_lock: terms.maxLock,
    }
}

/// A member as the contract shows it.
pub fn decode_member(view: &Raw::MemberView) -> MemberView {
    let (active, noticed) = (convert::units(view.active), convert::units(view.noticed));
    MemberView {
        admitted: view.admitted,
        approver: view.approver,
        pending: convert::units(view.pending),
        committed_at: convert::moment(view.committedAt),
        standing: Standing { active, noticed },
        noticed_at: convert::moment(view.noticedAt),
        earned: convert::units(view.earned),
    }
}

/// A call as the contract shows it.
pub fn decode_call(view: &Raw::CallView) -> CallView {
    CallView {
        escrow: view.escrow,
        tier: view.tier,
        bps: convert::bps(view.bps),
        proposed_at: view.proposedAt.to(),
        amendment: view.amendment.to(),
        active: convert::units(view.active),
        required: convert::units(view.required),
        approvals: convert::units(view.approvals),
        passed_at: convert::moment(view.passedAt),
    }
}

/// Reads a log of a compact.
///
/// # Errors
/// [`Error::Malformed`] when it is no event of a compact.
pub fn decode_event(log: &Log) -> Result<CompactEvent, Error> {
    use CompactEvent as E;
    let malformed = Error::Malformed { what: "an event" };
    let raw = CompactEvents::decode_log(log).map_err(|_| malformed)?;
    let units = convert::units;
    Ok(match raw.data {
        CompactEvents::CompactCreated(e) => E::Created { terms: decode_terms(&e.terms) },
        CompactEvents::Admitted(e) => E::Admitted { account: e.account },
        CompactEvents::Committed(e) => {
            E::Committed { member: e.member, amount: units(e.amount), committed_at: e.committedAt.to() }
        }
        CompactEvents::TakenBack(e) => {
            E::TakenBack { member: e.member, recipient: e.recipient, amount: units(e.amount) }
        }
        CompactEvents::Activated(e) => {
            E::Activated { member: e.member, amount: units(e.amount), activated_at: e.activatedAt.to() }
        }
        CompactEvents::Noticed(e) => {
            E::Noticed { member: e.member, amount: units(e.amount), noticed_at: e.noticedAt.to() }
        }
        CompactEvents::Left(e) => E::Left {
            member: e.member,
            recipient: e.recipient,
            amount: units(e.amount),
            left_at: e.leftAt.to(),
        },
        CompactEvents::ApproverNamed(e) => E::ApproverNamed { member: e.member, approver: e.approver },
        CompactEvents::PremiumPaid(e) => {
            E::PremiumPaid { payer: e.payer, amount: units(e.amount), weight: units(e.weight) }
        }
        CompactEvents::PremiumClaimed(e) => E::PremiumClaimed { member: e.member, amount: units(e.amount) },
        of_call => return decode_event_of_call(of_call),
    })
}

fn decode_event_of_call(raw: CompactEvents) -> Result<CompactEvent, Error> {
    use CompactEvent as E;
    let number = |call: U256| narrow(call, "a call");
    Ok(match raw {
        CompactEvents::Proposed(e) => {
            let record = CallRecord {
                escrow: e.escrow,
                tier: e.tier,
                bps: convert::bps(e.bps),
                amendment: e.amendment.to(),
                active: convert::units(e.active),
                proposed_at: e.proposedAt.to(),
            };
            E::Proposed { call: number(e.call)?, member: e.member, record }
        }
        CompactEvents::Approved(e) => {
            E::Approved { call: number(e.call)?, member: e.member, weight: convert::units(e.weight) }
        }
        CompactEvents::ApprovalWithdrawn(e) => {
            E::ApprovalWithdrawn { call: number(e.call)?, member: e.member, weight: convert::units(e.weight) }
        }
        CompactEvents::Passed(e) => E::Passed { call: number(e.call)?, passed_at: e.passedAt.to() },
        CompactEvents::CallStarted(e) => {
            E::CallStarted(Started { call: number(e.call)?, started_at: e.startedAt.to() })
        }
        CompactEvents::Given(e) => E::Given(Gift {
            call: number(e.call)?,
            member: e.member,
            amount: convert::units(e.amount),
            given_at: e.givenAt.to(),
        }),
        _ => return Err(Error::Malformed { what: "an event" }),
    })
}

/// Reads the revert data of a call; `None` when no rule of a compact, nor in a fulfillment of an escrow, says so.
pub fn decode_refusal(operation: &CompactOperation, data: &[u8]) -> Option<CompactRefused> {
    let own = || own_refusal(data).map(CompactRefused::ByCompact);
    if matches!(operation, CompactOperation::Fulfill { .. }) {
        // Only an escrow knows amounts that are too large here.
        return refusal::decode(data).map(CompactRefused::ByRescue).or_else(own);
    }
    own()
}

/// Reads the revert data of a call as an error of a compact itself.
pub(crate) fn own_refusal(data: &[u8]) -> Option<CompactRefusal> {
    let raw = CompactErrors::abi_decode_validate(data).ok()?;
    of_terms(&raw).map(CompactRefusal::Terms).or_else(|_| of_members(&raw)).ok()
}

fn of_terms(raw: &CompactErrors) -> Result<CompactTermsError, Error> {
    use CompactErrors as Raw;
    use CompactTermsError as E;
    let is_day = |minimum: U256| minimum == U256::from(MIN_PERIOD);
    Ok(match raw {
        Raw::TokenWithoutCode(e) => E::TokenWithoutCode { wsteth: e.wstETH },
        Raw::EscrowCodeHashZero(_) => E::EscrowCodeHashZero,
        Raw::QuorumOutOfBounds(e) if e.minimum == U256::from(MIN_QUORUM.get()) => {
            E::QuorumOutOfBounds { quorum: bps(e.quorumBps)? }
        }
        Raw::MaxCallOutOfBounds(e) => E::MaxCallOutOfBounds { max_call: bps(e.maxCallBps)? },
        Raw::VotingPeriodTooShort(e) if is_day(e.minimum) => {
            E::VotingPeriodTooShort { voting_period: seconds(e.votingPeriod)? }
        }
        Raw::FulfillPeriodTooShort(e) if is_day(e.minimum) => {
            E::FulfillPeriodTooShort { fulfill_period: seconds(e.fulfillPeriod)? }
        }
        Raw::NoticePeriodTooShort(e) => E::NoticePeriodTooShort {
            notice_period: seconds(e.noticePeriod)?,
            minimum: convert::time(e.minimum)?,
        },
        Raw::LeaveWindowTooShort(e) if is_day(e.minimum) => {
            E::LeaveWindowTooShort { leave_window: seconds(e.leaveWindow)? }
        }
        Raw::SeasoningTooShort(e) => {
            E::SeasoningTooShort { seasoning: seconds(e.seasoning)?, minimum: convert::time(e.minimum)? }
        }
        Raw::MinThresholdOutOfBounds(e) => {
            E::MinThresholdOutOfBounds { min_threshold: bps(e.minThresholdBps)? }
        }
        Raw::MinObjectionPeriodTooShort(e) if is_day(e.minimum) => {
            E::MinObjectionPeriodTooShort { min_objection_period: seconds(e.minObjectionPeriod)? }
        }
        Raw::MinExitWindowTooShort(e) if is_day(e.minimum) => {
            E::MinExitWindowTooShort { min_exit_window: seconds(e.minExitWindow)? }
        }
        Raw::MaxVetoOutOfBounds(e) => E::MaxVetoOutOfBounds { max_veto: bps(e.maxVetoBps)? },
        Raw::MaxLockZero(_) => E::MaxLockZero,
        _ => return Err(Error::Malformed { what: "an error of terms" }),
    })
}

fn of_members(raw: &CompactErrors) -> Result<CompactRefusal, Error> {
    use CompactErrors as Raw;
    use CompactRefusal as R;
    let time = convert::time;
    Ok(match raw {
        Raw::NotAdmitter(e) => R::NotAdmitter { caller: e.caller, admitter: e.admitter },
        Raw::AlreadyAdmitted(e) => R::AlreadyAdmitted { account: e.account },
        Raw::NotAdmitted(e) => R::NotAdmitted { account: e.account },
        Raw::ZeroAmount(_) => R::ZeroAmount,
        Raw::AmountTooLarge(e) => {
            // Too large is too large, also beyond what fits.
            R::AmountTooLarge { amount: amount(e.amount), limit: amount(e.limit) }
        }
        Raw::InvalidAccount(e) => R::InvalidAccount { account: e.account },
        Raw::NothingPending(e) => R::NothingPending { member: e.member },
        Raw::StillSeasoning(e) => R::StillSeasoning { ready_at: time(e.readyAt)?, time: time(e.time)? },
        Raw::SeasonedTooLong(e) => R::SeasonedTooLong { limit: time(e.limit)?, time: time(e.time)? },
        Raw::NoticeTooLarge(e) => {
            R::NoticeTooLarge { amount: amount(e.amount), active: convert::units(e.active) }
        }
        Raw::NothingNoticed(e) => R::NothingNoticed { member: e.member },
        Raw::NoticeRunning(e) => R::NoticeRunning { ready_at: time(e.readyAt)?, time: time(e.time)? },
        Raw::NoticeLapsed(e) => R::NoticeLapsed { limit: time(e.limit)?, time: time(e.time)? },
        Raw::NobodyEarns(_) => R::NobodyEarns,
        Raw::NothingToClaim(e) => R::NothingToClaim { member: e.member },
        _ => return of_proposals(raw),
    })
}

fn of_proposals(raw: &CompactErrors) -> Result<CompactRefusal, Error> {
    use CompactErrors as Raw;
    use CompactRefusal as R;
    let time = convert::time;
    Ok(match raw {
        Raw::BpsOutOfBounds(e) => R::BpsOutOfBounds { bps: bps(e.bps)?, maximum: bps(e.maximum)? },
        Raw::WrongEscrowCode(e) => R::WrongEscrowCode { code_hash: e.codeHash, expected: e.expected },
        Raw::NoEscrow(e) => R::NoEscrow { escrow: e.escrow },
        Raw::OtherToken(e) => R::OtherToken { wsteth: e.wstETH, expected: e.expected },
        Raw::ForeignGuardian(e) => R::ForeignGuardian { guardian: e.guardian, expected: e.expected },
        Raw::VetoOutsidePolicy(e) => R::VetoOutsidePolicy { veto: bps(e.vetoBps)?, maximum: bps(e.maximum)? },
        Raw::ObjectionPeriodBelowPolicy(e) => R::ObjectionPeriodBelowPolicy {
            objection_period: seconds(e.objectionPeriod)?,
            minimum: seconds(e.minimum)?,
        },
        Raw::ExitWindowBelowPolicy(e) => {
            R::ExitWindowBelowPolicy { exit_window: seconds(e.exitWindow)?, minimum: seconds(e.minimum)? }
        }
        Raw::LockTooLong(e) => R::LockTooLong { until: time(e.until)?, limit: time(e.limit)? },
        Raw::UnknownTier(e) => R::UnknownTier { tier: count(e.tier)?, count: count(e.count)? },
        Raw::ThresholdBelowPolicy(e) => {
            R::ThresholdBelowPolicy { threshold: bps(e.thresholdBps)?, minimum: bps(e.minimum)? }
        }
        Raw::RateBelowPolicy(e) => R::RateBelowPolicy { rate: bps(e.rateBps)?, minimum: bps(e.minimum)? },
        Raw::NotPledging(e) => R::NotPledging {
            status: convert::status(e.status)?,
            deadline: time(e.deadline)?,
            time: time(e.time)?,
        },
        Raw::DeadlineTooEarly(e) => {
            R::DeadlineTooEarly { deadline: time(e.deadline)?, required: time(e.required)? }
        }
        Raw::RateUnreadable(_) => R::RateUnreadable,
        Raw::CallTooLarge(e) => {
            R::CallTooLarge { value: convert::wei(e.value)?, missing: convert::wei(e.missing)? }
        }
        _ => return of_calls(raw),
    })
}

fn of_calls(raw: &CompactErrors) -> Result<CompactRefusal, Error> {
    use CompactErrors as Raw;
    use CompactRefusal as R;
    let (time, call) = (convert::time, |call: U256| narrow(call, "a call"));
    Ok(match raw {
        Raw::NotApprover(e) => R::NotApprover { caller: e.caller, member: e.member },
        Raw::NoWeight(e) => R::NoWeight { member: e.member, time: time(e.time)? },
        Raw::UnknownCall(e) => R::UnknownCall { call: call(e.call)?, count: call(e.count)? },
        Raw::CallHasPassed(e) => R::CallHasPassed { call: call(e.call)? },
        Raw::VotingOver(e) => R::VotingOver { limit: time(e.limit)?, time: time(e.time)? },
        Raw::AlreadyApproved(e) => R::AlreadyApproved { call: call(e.call)?, member: e.member },
        Raw::NotApproved(e) => R::NotApproved { call: call(e.call)?, member: e.member },
        Raw::CallNotPassed(e) => R::CallNotPassed {
            call: call(e.call)?,
            approvals: convert::units(e.approvals),
            required: convert::units(e.required),
        },
        Raw::FulfillmentOver(e) => R::FulfillmentOver { limit: time(e.limit)?, time: time(e.time)? },
        Raw::CallTooSoon(e) => R::CallTooSoon { limit: time(e.limit)?, time: time(e.time)? },
        Raw::NothingToGive(e) => R::NothingToGive { call: call(e.call)? },
        _ => return Err(Error::Malformed { what: "an error" }),
    })
}

fn amount(number: U256) -> Units {
    Units::new(number.saturating_to())
}

fn bps(number: U256) -> Result<levee_model::Bps, Error> {
    narrow(number, "basis points").map(convert::bps)
}

fn seconds(number: U256) -> Result<u32, Error> {
    narrow(number, "a period")
}

fn count(number: U256) -> Result<u8, Error> {
    narrow(number, "a count")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::convert::tests::{Case, case, every_error_is_decoded};
    use alloy::primitives::{B256, aliases::U104};
    use levee_model::{Bps, Refusal, Status, Wei};

    const DAY: u32 = 86_400;

    pub(crate) fn terms() -> CompactTerms {
        CompactTerms {
            wsteth: Address::repeat_byte(1),
            escrow_code_hash: B256::repeat_byte(2),
            admitter: Address::repeat_byte(3),
            guardian: Address::repeat_byte(4),
            terms_hash: B256::repeat_byte(5),
            quorum: Bps::new(6_000),
            max_call: Bps::new(2_500),
            voting_period: 3 * DAY,
            fulfill_period: 2 * DAY,
            notice_period: 7 * DAY,
            leave_window: 4 * DAY,
            seasoning: 11 * DAY,
            min_threshold: Bps::new(10_000),
            min_rate: Bps::new(300),
            min_objection_period: 5 * DAY,
            min_exit_window: 6 * DAY,
            max_veto: Bps::new(3_300),
            max_lock: 200 * DAY,
        }
    }

    #[test]
    fn terms_are_read_as_they_are_written() {
        assert_eq!(decode_terms(&encode_terms(&terms())), terms());
    }

    /// As the contract's `propose` reads it: without the first byte of each contract.
    #[test]
    fn the_stored_code_is_the_escrows() {
        let code = Edition::LATEST.creation_code(crate::Contract::PledgeEscrow);
        let stored: Vec<u8> = code_chunks(code).flat_map(|chunk| chunk[1..].to_vec()).collect();
        assert_eq!(stored, code.to_vec());
        assert!(code_chunks(code).all(|chunk| chunk[0] == 0 && chunk.len() <= 24_576));
        assert_eq!(CodeStore::of(Edition::LATEST).addresses().len(), code_chunks(code).count());
    }

    const A: Address = Address::repeat_byte(1);
    const B: Address = Address::repeat_byte(2);

    fn n(number: u64) -> U256 {
        U256::from(number)
    }

    fn of_terms() -> Vec<Case<CompactRefusal>> {
        use CompactTermsError as E;
        let (day, bps) = (n(MIN_PERIOD.into()), Bps::new);
        let terms = |error: CompactTermsError| CompactRefusal::from(error);
        vec![
            case(&Raw::TokenWithoutCode { wstETH: A }, terms(E::TokenWithoutCode { wsteth: A })),
            case(&Raw::EscrowCodeHashZero {}, terms(E::EscrowCodeHashZero)),
            case(
                &Raw::QuorumOutOfBounds { quorumBps: n(5), minimum: n(5_001), maximum: n(10_000) },
                terms(E::QuorumOutOfBounds { quorum: bps(5) }),
            ),
            case(
                &Raw::MaxCallOutOfBounds { maxCallBps: n(0), maximum: n(10_000) },
                terms(E::MaxCallOutOfBounds { max_call: bps(0) }),
            ),
            case(
                &Raw::VotingPeriodTooShort { votingPeriod: n(5), minimum: day },
                terms(E::VotingPeriodTooShort { voting_period: 5 }),
            ),
            case(
                &Raw::FulfillPeriodTooShort { fulfillPeriod: n(5), minimum: day },
                terms(E::FulfillPeriodTooShort { fulfill_period: 5 }),
            ),
            case(
                &Raw::NoticePeriodTooShort { noticePeriod: n(5), minimum: n(6) },
                terms(E::NoticePeriodTooShort { notice_period: 5, minimum: 6 }),
            ),
            case(
                &Raw::LeaveWindowTooShort { leaveWindow: n(5), minimum: day },
                terms(E::LeaveWindowTooShort { leave_window: 5 }),
            ),
            case(
                &Raw::SeasoningTooShort { seasoning: n(5), minimum: n(6) },
                terms(E::SeasoningTooShort { seasoning: 5, minimum: 6 }),
            ),
            case(
                &Raw::MinThresholdOutOfBounds { minThresholdBps: n(0), maximum: n(10_000) },
                terms(E::MinThresholdOutOfBounds { min_threshold: bps(0) }),
            ),
            case(
                &Raw::MinObjectionPeriodTooShort { minObjectionPeriod: n(5), minimum: day },
                terms(E::MinObjectionPeriodTooShort { min_objection_period: 5 }),
            ),
            case(
                &Raw::MinExitWindowTooShort { minExitWindow: n(5), minimum: day },
                terms(E::MinExitWindowTooShort { min_exit_window: 5 }),
            ),
            case(
                &Raw::MaxVetoOutOfBounds { maxVetoBps: n(0), maximum: n(9_999) },
                terms(E::MaxVetoOutOfBounds { max_veto: bps(0) }),
            ),
            case(&Raw::MaxLockZero {}, terms(E::MaxLockZero)),
        ]
    }

    fn of_members() -> Vec<Case<CompactRefusal>> {
        use CompactRefusal as R;
        let (member, units) = (A, Units::new);
        vec![
            case(&Raw::NotAdmitter { caller: A, admitter: B }, R::NotAdmitter { caller: A, admitter: B }),
            case(&Raw::AlreadyAdmitted { account: A }, R::AlreadyAdmitted { account: A }),
            case(&Raw::NotAdmitted { account: A }, R::NotAdmitted { account: A }),
            case(&Raw::ZeroAmount {}, R::ZeroAmount),
            case(
                &Raw::AmountTooLarge { amount: U256::MAX, limit: n(6) },
                R::AmountTooLarge { amount: units(u128::MAX), limit: units(6) },
            ),
            case(&Raw::InvalidAccount { account: A }, R::InvalidAccount { account: A }),
            case(&Raw::NothingPending { member }, R::NothingPending { member }),
            case(
                &Raw::StillSeasoning { readyAt: n(5), time: n(6) },
                R::StillSeasoning { ready_at: 5, time: 6 },
            ),
            case(&Raw::SeasonedTooLong { limit: n(5), time: n(6) }, R::SeasonedTooLong { limit: 5, time: 6 }),
            case(
                &Raw::NoticeTooLarge { amount: n(5), active: U104::from(6) },
                R::NoticeTooLarge { amount: units(5), active: units(6) },
            ),
            case(&Raw::NothingNoticed { member }, R::NothingNoticed { member }),
            case(
                &Raw::NoticeRunning { readyAt: n(5), time: n(6) },
                R::NoticeRunning { ready_at: 5, time: 6 },
            ),
            case(&Raw::NoticeLapsed { limit: n(5), time: n(6) }, R::NoticeLapsed { limit: 5, time: 6 }),
            case(&Raw::NobodyEarns {}, R::NobodyEarns),
            case(&Raw::NothingToClaim { member }, R::NothingToClaim { member }),
        ]
    }

    fn of_proposals() -> Vec<Case<CompactRefusal>> {
        use CompactRefusal as R;
        let (bps, [code_hash, expected]) = (Bps::new, [3, 4].map(B256::repeat_byte));
        vec![
            case(
                &Raw::BpsOutOfBounds { bps: n(5), maximum: n(6) },
                R::BpsOutOfBounds { bps: bps(5), maximum: bps(6) },
            ),
            case(
                &Raw::WrongEscrowCode { codeHash: code_hash, expected },
                R::WrongEscrowCode { code_hash, expected },
            ),
            case(&Raw::NoEscrow { escrow: A }, R::NoEscrow { escrow: A }),
            case(&Raw::OtherToken { wstETH: A, expected: B }, R::OtherToken { wsteth: A, expected: B }),
            case(
                &Raw::ForeignGuardian { guardian: A, expected: B },
                R::ForeignGuardian { guardian: A, expected: B },
            ),
            case(
                &Raw::VetoOutsidePolicy { vetoBps: n(5), maximum: n(6) },
                R::VetoOutsidePolicy { veto: bps(5), maximum: bps(6) },
            ),
            case(
                &Raw::ObjectionPeriodBelowPolicy { objectionPeriod: n(5), minimum: n(6) },
                R::ObjectionPeriodBelowPolicy { objection_period: 5, minimum: 6 },
            ),
            case(
                &Raw::ExitWindowBelowPolicy { exitWindow: n(5), minimum: n(6) },
                R::ExitWindowBelowPolicy { exit_window: 5, minimum: 6 },
            ),
            case(&Raw::LockTooLong { until: n(6), limit: n(5) }, R::LockTooLong { until: 6, limit: 5 }),
            case(&Raw::UnknownTier { tier: n(5), count: n(3) }, R::UnknownTier { tier: 5, count: 3 }),
            case(
                &Raw::ThresholdBelowPolicy { thresholdBps: n(5), minimum: n(6) },
                R::ThresholdBelowPolicy { threshold: bps(5), minimum: bps(6) },
            ),
            case(
                &Raw::RateBelowPolicy { rateBps: n(5), minimum: n(6) },
                R::RateBelowPolicy { rate: bps(5), minimum: bps(6) },
            ),
            case(
                &Raw::NotPledging { status: 3, deadline: n(5), time: n(6) },
                R::NotPledging { status: Status::Failed, deadline: 5, time: 6 },
            ),
            case(
                &Raw::DeadlineTooEarly { deadline: n(5), required: n(6) },
                R::DeadlineTooEarly { deadline: 5, required: 6 },
            ),
            case(&Raw::RateUnreadable {}, R::RateUnreadable),
            case(
                &Raw::CallTooLarge { value: n(6), missing: n(5) },
                R::CallTooLarge { value: Wei::new(6), missing: Wei::new(5) },
            ),
        ]
    }

    fn of_calls() -> Vec<Case<CompactRefusal>> {
        use CompactRefusal as R;
        let (call, member) = (n(7), A);
        vec![
            case(&Raw::NotApprover { caller: B, member }, R::NotApprover { caller: B, member }),
            case(&Raw::NoWeight { member, time: n(6) }, R::NoWeight { member, time: 6 }),
            case(&Raw::UnknownCall { call, count: n(3) }, R::UnknownCall { call: 7, count: 3 }),
            case(&Raw::CallHasPassed { call }, R::CallHasPassed { call: 7 }),
            case(&Raw::VotingOver { limit: n(5), time: n(6) }, R::VotingOver { limit: 5, time: 6 }),
            case(&Raw::AlreadyApproved { call, member }, R::AlreadyApproved { call: 7, member }),
            case(&Raw::NotApproved { call, member }, R::NotApproved { call: 7, member }),
            case(
                &Raw::CallNotPassed { call, approvals: U104::from(5), required: U104::from(6) },
                R::CallNotPassed { call: 7, approvals: Units::new(5), required: Units::new(6) },
            ),
            case(&Raw::FulfillmentOver { limit: n(5), time: n(6) }, R::FulfillmentOver { limit: 5, time: 6 }),
            case(&Raw::CallTooSoon { limit: n(5), time: n(6) }, R::CallTooSoon { limit: 5, time: 6 }),
            case(&Raw::NothingToGive { call }, R::NothingToGive { call: 7 }),
        ]
    }

    #[test]
    fn every_error_of_a_compact_keeps_its_facts() {
        let cases = [of_terms(), of_members(), of_proposals(), of_calls()].concat();
        // Of views, of the token, and of what cannot be.
        let except = ["NotPast", "SafeERC20FailedOperation", "CheckpointUnorderedInsertion"];
        every_error_is_decoded(include_str!("../artifacts/Compact.json"), &except, &cases, own_refusal);
    }

    #[test]
    fn only_a_fulfillment_passes_on_what_an_escrow_says() {
        let data = case(&Raw::AmountTooLarge { amount: n(6), limit: n(5) }, ()).0;
        let (amount, limit) = (Units::new(6), Units::new(5));
        let by_escrow = CompactRefused::ByRescue(Refusal::AmountTooLarge { amount, limit });
        let fulfill = CompactOperation::Fulfill { call: 0, members: Vec::new() };
        assert_eq!(decode_refusal(&fulfill, &data), Some(by_escrow));
        let own = CompactRefused::ByCompact(CompactRefusal::AmountTooLarge { amount, limit });
        assert_eq!(decode_refusal(&CompactOperation::Commit { amount }, &data), Some(own));
    }

    #[test]
    fn code_is_stored_whole_behind_a_byte_that_stops() {
        let code: Vec<u8> = (0..=255).cycle().take(2 * CHUNK + 1).collect();
        let chunks: Vec<_> = code_chunks(&code).collect();
        assert_eq!(chunks.iter().map(|chunk| chunk.len()).collect::<Vec<_>>(), [CHUNK + 1, CHUNK + 1, 2]);
        let read: Vec<u8> = chunks.iter().flat_map(|chunk| chunk[1..].to_vec()).collect();
        assert!(read == code && chunks.iter().all(|chunk| chunk[0] == 0));
    }
}
