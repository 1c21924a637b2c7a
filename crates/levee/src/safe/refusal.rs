//! Why a Safe refuses a call, in words.

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolEvent},
};

use super::raw::Wallet::{ExecutionFailure, execTransactionCall};
use crate::error::Error;

/// A code of Safe since version 1.3.0, what the versions before say instead if they have the same rule, and what it means.
struct Refusal {
    code: &'static str,
    before: &'static str,
    meaning: &'static str,
}

/// What a Safe says that makes a call which fails, and does not pass on why.
pub(super) const CALL_FAILS: Error = Error::SafeRefused { code: "GS013", meaning: FAILS };
const FAILS: &str = "the call that it makes fails";

/// By `docs/error_codes.md` and the source of Safe: those that a transaction of its owners can meet.
const REFUSALS: [Refusal; 18] = [
    refusal("GS001", "Threshold needs to be defined!", "it was not set up"),
    refusal(
        "GS010",
        "Not enough gas to execute safe transaction",
        "there is not enough gas for the call that it makes",
    ),
    refusal("GS011", "Could not pay gas costs with ether", "it cannot repay the gas in ETH"),
    refusal("GS012", "Could not pay gas costs with token", "it cannot repay the gas in the token"),
    refusal("GS013", "", FAILS),
    refusal("GS020", "Signatures data too short", "there are fewer signatures than its threshold"),
    refusal(
        "GS021",
        "Invalid contract signature location: inside static part",
        "a contract's signature is in the wrong place",
    ),
    refusal(
        "GS022",
        "Invalid contract signature location: length not present",
        "a contract's signature has no length",
    ),
    refusal(
        "GS023",
        "Invalid contract signature location: data not complete",
        "a contract's signature is not complete",
    ),
    refusal(
        "GS024",
        "Invalid contract signature provided",
        "a contract among the owners does not accept its signature",
    ),
    refusal("GS025", "Hash has not been approved", "an owner has not approved the hash"),
    refusal(
        "GS026",
        "Invalid owner provided",
        "a signature is not by an owner, or not of this transaction with this nonce",
    ),
    refusal("GS027", "", "the hash is not that of the data"),
    refusal("GS030", "Only owners can approve a hash", "only its owners can approve a hash"),
    refusal("GS031", "Method can only be called from this contract", "only the Safe itself can call this"),
    refusal("GS104", "Method can only be called from an enabled module", "only its modules can call this"),
    refusal("GS203", "Invalid owner address provided", "the address cannot be an owner"),
    refusal("GS204", "Address is already an owner", "the address is an owner already"),
];

const fn refusal(code: &'static str, before: &'static str, meaning: &'static str) -> Refusal {
    Refusal { code, before, meaning }
}

/// The code of a refusal and what it means; none if `reason` is none of Safe's.
pub(crate) fn explain(reason: &str) -> Option<(&'static str, &'static str)> {
    let is_it = |refusal: &&Refusal| !reason.is_empty() && [refusal.code, refusal.before].contains(&reason);
    REFUSALS.iter().find(is_it).map(|refusal| (refusal.code, refusal.meaning))
}

/// Whether a transaction made a Safe try its call, and go on although that failed.
pub(crate) fn failed_inside(transaction: &TxEnvelope, receipt: &TransactionReceipt) -> bool {
    let says_so = |log: &alloy::rpc::types::Log| {
        Some(log.address()) == transaction.to() && log.topic0() == Some(&ExecutionFailure::SIGNATURE_HASH)
    };
    transaction.input().starts_with(&execTransactionCall::SELECTOR) && receipt.logs().iter().any(says_so)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_by_its_code_and_by_what_was_said_before_there_were_codes() {
        let meaning = "a signature is not by an owner, or not of this transaction with this nonce";
        assert_eq!(explain("GS026"), Some(("GS026", meaning)));
        assert_eq!(explain("Invalid owner provided"), Some(("GS026", meaning)));
        assert_eq!(explain("GS013"), Some(("GS013", "the call that it makes fails")));
        for other in ["", "GS999", "ALLOWANCE_EXCEEDED", "gs026"] {
            assert_eq!(explain(other), None, "{other}");
        }
    }
}
