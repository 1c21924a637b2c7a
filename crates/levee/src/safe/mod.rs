//! Safe, the contract wallet: its transactions, what its owners sign, and their execution, without a service in between.
//!
//! A [`SafeTransaction`] is what a Safe is to do. Its owners approve the hash of it, each by an [`Approval`]; a [`SafeProposal`]
//! holds both, and is written as a file. A [`SafeWallet`] is a Safe on its chain: it says what is missing, simulates, and gives the
//! call that executes the transaction, which anyone can send.

pub mod batch;
mod message;
mod method;
mod multisend;
mod proposal;
mod refusal;
mod signatures;
mod transaction;
mod version;
mod wallet;

pub use batch::{Batch, BatchCall};
pub use multisend::{SafeCall, is_call_only, verify as verify_call_only};
pub use proposal::SafeProposal;
pub use signatures::Approval;
pub use transaction::{SafeOperation, SafeTransaction};
pub use version::SafeVersion;
pub use wallet::{SafeState, SafeWallet};

pub(crate) use message::Safe;
pub(crate) use multisend::decode as decode_calls;
pub(crate) use refusal::{explain, failed_inside};

use alloy::{
    primitives::{Address, U256},
    sol_types::Eip712Domain,
};

pub(crate) mod raw {
    alloy::sol! {
        interface Wallet {
            function VERSION() external view returns (string memory);
            function domainSeparator() external view returns (bytes32);
            function getOwners() external view returns (address[] memory);
            function getThreshold() external view returns (uint256);
            function nonce() external view returns (uint256);
            function getModulesPaginated(address start, uint256 pageSize) external view returns (address[] memory array, address next);
            function approvedHashes(address owner, bytes32 hash) external view returns (uint256);
            function approveHash(bytes32 hashToApprove) external;
            function checkNSignatures(bytes32 dataHash, bytes memory data, bytes memory signatures, uint256 requiredSignatures) external view;
            function requiredTxGas(address to, uint256 value, bytes calldata data, uint8 operation) external returns (uint256);
            function execTransaction(
                address to,
                uint256 value,
                bytes calldata data,
                uint8 operation,
                uint256 safeTxGas,
                uint256 baseGas,
                uint256 gasPrice,
                address gasToken,
                address refundReceiver,
                bytes calldata signatures
            ) external payable returns (bool success);

            event ExecutionFailure(bytes32 txHash, uint256 payment);
        }

        interface MultiSend {
            function multiSend(bytes memory transactions) external payable;
        }

        /// A contract that says whether it has signed data, in the form before that of EIP-1271.
        interface LegacySigner {
            function isValidSignature(bytes memory data, bytes memory signature) external view returns (bytes4);
        }

        /// What the owners sign for their Safe to have signed `message`.
        #[derive(serde::Serialize)]
        struct SafeMessage {
            bytes message;
        }

        /// What the owners sign for their Safe to do.
        #[derive(serde::Serialize)]
        #[allow(missing_docs)]
        struct SafeTx {
            address to;
            uint256 value;
            bytes data;
            uint8 operation;
            uint256 safeTxGas;
            uint256 baseGas;
            uint256 gasPrice;
            address gasToken;
            address refundReceiver;
            uint256 nonce;
        }
    }
}

/// The domain of what is signed for a Safe: with the chain since version 1.3.0, without it before.
fn domain(chain_id: Option<u64>, safe: Address) -> Eip712Domain {
    Eip712Domain::new(None, None, chain_id.map(U256::from), Some(safe), None)
}
