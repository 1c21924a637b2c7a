//! Aragon: the script of a vote, in which an organization's Agent makes calls.

use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::SolCall,
};

use crate::safe::SafeCall;
use raw::executeCall;

pub(crate) mod raw {
    alloy::sol! {
        /// Of Aragon's `Agent`: makes a call with the ETH that it holds.
        function execute(address target, uint256 ethValue, bytes data) external;
        /// Of what runs a script, or votes about it first.
        function forward(bytes evmScript) external;
        /// Of its `Voting`.
        function newVote(bytes script, string metadata) external returns (uint256);
        /// The same, with a vote of the sender's.
        function newVote(bytes script, string metadata, bool castVote, bool executesIfDecided) external returns (uint256);
    }
}

/// The bytes of a call in a script before its data: the account and the length.
const HEAD: usize = 20 + 4;

/// The number of the only kind of script that votes run: `CallsScript` of aragonOS.
pub const CALLS_SCRIPT: [u8; 4] = [0, 0, 0, 1];

/// The script in which `agent` makes the calls. A call of the script itself sends no ETH, so that the Agent is asked to make each.
pub fn script(agent: Address, calls: impl IntoIterator<Item = SafeCall>) -> Bytes {
    let mut script = CALLS_SCRIPT.to_vec();
    for SafeCall { to, value, data } in calls {
        let call = executeCall { target: to, ethValue: value, data }.abi_encode();
        // A call of 4 GB does not exist.
        let length = u32::try_from(call.len()).unwrap_or(u32::MAX);
        script.extend_from_slice(agent.as_slice());
        script.extend_from_slice(&length.to_be_bytes());
        script.extend_from_slice(&call);
    }
    script.into()
}

/// The calls of a script, of which none sends ETH; none if it is not exactly a list of calls.
pub(crate) fn calls_of(script: &Bytes) -> Option<Vec<SafeCall>> {
    let mut rest = script.strip_prefix(&CALLS_SCRIPT)?;
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let (head, tail) = rest.split_at_checked(HEAD)?;
        let length = u32::from_be_bytes(head[20..].try_into().ok()?);
        let (data, next) = tail.split_at_checked(usize::try_from(length).ok()?)?;
        let (to, data) = (Address::from_slice(&head[..20]), Bytes::copy_from_slice(data));
        calls.push(SafeCall { to, value: U256::ZERO, data });
        rest = next;
    }
    Some(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_made_by_the_agent_and_has_its_length_before_it() {
        let data = Bytes::from_static(&[1, 2, 3, 4]);
        let call = SafeCall { to: [0xab; 20].into(), value: U256::from(7), data };
        let script = script([0xcd; 20].into(), [call.clone(), call]);
        // Selector, three words of arguments, and the data with its length, in whole words.
        let length = 4 + 3 * 32 + 2 * 32;
        assert_eq!(script.len(), 4 + 2 * (20 + 4 + length));
        assert_eq!(script[..4], [0, 0, 0, 1]);
        assert_eq!(script[4..24], [0xcd; 20]);
        assert_eq!(script[24..28], [0, 0, 0, 164]);
        let decoded = executeCall::abi_decode(&script[28..28 + length]).unwrap();
        assert_eq!((decoded.target, decoded.ethValue), ([0xab; 20].into(), U256::from(7)));
        assert_eq!(script[28 + length..48 + length], [0xcd; 20]);
        let calls = calls_of(&script).unwrap();
        assert_eq!((calls.len(), calls[0].to), (2, [0xcd; 20].into()));
        assert_eq!(calls[0], calls[1]);
        assert_eq!(calls[0].data[..], script[28..28 + length]);
        for bad in [&script[..script.len() - 1], &script[..30], &script[..3], &[0, 0, 0, 2]] {
            assert_eq!(calls_of(&bad.to_vec().into()), None);
        }
    }
}
