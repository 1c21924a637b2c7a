//! Aragon: the script of a vote, in which an organization's Agent makes calls.

use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::SolCall,
};

use crate::operation::Transaction;
use raw::executeCall;

mod raw {
    alloy::sol! {
        /// Of Aragon's `Agent`: makes a call with the ETH that it holds.
        function execute(address target, uint256 ethValue, bytes data) external;
    }
}

/// The number of the only kind of script that votes run: `CallsScript` of aragonOS.
pub const CALLS_SCRIPT: [u8; 4] = [0, 0, 0, 1];

/// The script in which `agent` makes the calls. A call of the script itself sends no ETH, so that the Agent is asked to make each.
pub fn script(agent: Address, transactions: &[Transaction]) -> Bytes {
    let mut script = CALLS_SCRIPT.to_vec();
    for Transaction { to, value, input, .. } in transactions {
        let call =
            executeCall { target: *to, ethValue: U256::from(value.get()), data: input.clone() }.abi_encode();
        // A call of 4 GB does not exist.
        let length = u32::try_from(call.len()).unwrap_or(u32::MAX);
        script.extend_from_slice(agent.as_slice());
        script.extend_from_slice(&length.to_be_bytes());
        script.extend_from_slice(&call);
    }
    script.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::Contract;
    use levee_model::Wei;

    #[test]
    fn each_call_is_made_by_the_agent_and_has_its_length_before_it() {
        let input = Bytes::from_static(&[1, 2, 3, 4]);
        let call = Transaction {
            contract: Contract::PledgeEscrow,
            to: [0xab; 20].into(),
            value: Wei::new(7),
            input,
        };
        let script = script([0xcd; 20].into(), &[call.clone(), call]);
        // Selector, three words of arguments, and the data with its length, in whole words.
        let length = 4 + 3 * 32 + 2 * 32;
        assert_eq!(script.len(), 4 + 2 * (20 + 4 + length));
        assert_eq!(script[..4], [0, 0, 0, 1]);
        assert_eq!(script[4..24], [0xcd; 20]);
        assert_eq!(script[24..28], [0, 0, 0, 164]);
        let decoded = executeCall::abi_decode(&script[28..28 + length]).unwrap();
        assert_eq!((decoded.target, decoded.ethValue), ([0xab; 20].into(), U256::from(7)));
        assert_eq!(script[28 + length..48 + length], [0xcd; 20]);
    }
}
