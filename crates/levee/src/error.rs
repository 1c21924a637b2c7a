//! What can go wrong, with the values that caused it.

use std::{fmt, time::Duration};

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{Revert, SolError},
    transports::{TransportError, TransportErrorKind},
};
use levee_model::{
    Asset, BonusRefusal, CompactRefusal, Inconsistent, RecoveryRefusal, Refusal, Refused, Wei, display,
};
use serde::{Serialize, Serializer};
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    blueprint::Contract,
    board::BoardError,
    bonus, compact,
    proof::ProofError,
    receiver::ReceiverError,
    recovery,
    redacted::{RedactedError, RedactedUrl, redact},
    refusal,
    router::RouterError,
    safe::{self, SafeVersion},
    signer::SignerError,
};

/// How many characters of a value a message shows: the text of a proposal has pages. The facts of the error have all of it.
pub const LONGEST_VALUE: usize = 80;
/// The same of a sentence, which has several values.
const LONGEST_SENTENCE: usize = 4 * LONGEST_VALUE;

/// Everything that can go wrong in this crate.
#[derive(Debug, Clone, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum Error {
    /// A token refused the call, with its own message.
    #[error("the token refused the call: {reason}")]
    TokenRefused {
        /// The token's message.
        reason: String,
    },
    /// A contract reverted with data that is neither a known error nor a text.
    #[error("the call reverted for an unknown reason (data `{data}`); a token that it calls may be broken")]
    UnknownRevert {
        /// The data, which may be empty.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        data: Bytes,
    },
    /// The sender cannot pay for the value or the gas.
    #[error("`{account}` does not have enough ETH for the transaction: {source:#}")]
    InsufficientFunds {
        /// The sender.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
        /// The node's message.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// The node is on another chain.
    #[error("the node is on chain {actual}, not on chain {expected}")]
    WrongChain {
        /// The chain that was asked for.
        #[serde(rename = "expectedChain")]
        expected: u64,
        /// The chain of the node.
        #[serde(rename = "actualChain")]
        actual: u64,
    },
    /// There is no contract at the address.
    #[error("there is no {contract} at `{address}`: the account has no code on this chain")]
    NoCode {
        /// The expected contract.
        contract: Contract,
        /// The address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// The contract at the address is a different one.
    #[error("the contract at `{address}` is not a Levee {contract}")]
    NotLevee {
        /// The expected contract.
        contract: Contract,
        /// The address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// The contract at the address has the code of a Levee contract but was created in another way: its address does
    /// not follow from its code and the terms it reports. Its books may be false.
    #[error(
        "`{address}` is a counterfeit: it looks like a Levee {contract}, but its address does not match its code and terms; send nothing to it, and compute the address from the rescue's terms"
    )]
    Counterfeit {
        /// The contract that it imitates.
        contract: Contract,
        /// The address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// A compact pays into contracts that are not Levee's escrows.
    #[error(
        "the compact `{compact}` pays into contracts with the code `{code_hash}`, which are not Levee's escrows; commit nothing to it"
    )]
    ForeignEscrows {
        /// The compact.
        #[serde(with = "levee_model::json::Account")]
        compact: Address,
        /// The hash of their creation code.
        #[serde(with = "levee_model::json::Hash")]
        code_hash: B256,
    },
    /// The token of a compact is not Lido's.
    #[error("wstETH `{wsteth}` is not Lido's on chain {chain}; do not commit to a compact that names it")]
    NotLidos {
        /// What the terms have for wstETH.
        #[serde(rename = "wstETH", with = "levee_model::json::Account")]
        wsteth: Address,
        /// The chain.
        chain: u64,
    },
    /// The scan for the logs of a compact began after its creation.
    #[error(
        "the compact `{compact}` was created before block {block}, and its logs are needed from there on"
    )]
    CompactBeginsEarlier {
        /// The compact.
        #[serde(with = "levee_model::json::Account")]
        compact: Address,
        /// The block where the scan began.
        block: u64,
    },
    /// The logs of a compact do not follow from each other.
    #[error("the logs are not the complete history of the compact `{compact}`: {source}")]
    BrokenCompact {
        /// The compact.
        #[serde(with = "levee_model::json::Account")]
        compact: Address,
        /// What is wrong with them.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: Box<Inconsistent>,
    },
    /// What the node's logs of a compact add up to is not what its views say.
    #[error(
        "the events of the compact `{compact}` do not add up to what it says at block {block}: the node left some out"
    )]
    CompactHistoryDiffers {
        /// The compact.
        #[serde(with = "levee_model::json::Account")]
        compact: Address,
        /// The block.
        block: u64,
    },
    /// The chain lacks the contract that creates all others.
    #[error("the CREATE2 deployer `{}` does not exist on this chain", crate::terms::CREATE2_DEPLOYER)]
    NoDeployer,
    /// There is no contract at a token's address.
    #[error("there is no {asset} at `{address}`: the account has no code on this chain")]
    NoToken {
        /// Which token it should be.
        asset: Asset,
        /// The address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// There is no token at the address.
    #[error("there is no token at `{address}`, or it tells no balances")]
    NotToken {
        /// The address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// The tokens in the terms are not Lido's. An address proves which terms a rescue has, not that they are
    /// trustworthy.
    #[error(
        "stETH `{steth}` and wstETH `{wsteth}` are not Lido's on chain {chain}; do not pledge to a rescue that names them"
    )]
    ForeignTokens {
        /// The chain.
        chain: u64,
        /// What the terms have for stETH.
        #[serde(rename = "stETH", with = "levee_model::json::Account")]
        steth: Address,
        /// What the terms have for wstETH.
        #[serde(rename = "wstETH", with = "levee_model::json::Account")]
        wsteth: Address,
    },
    /// The rescue is in ETH only, so it has no such token.
    #[error("this rescue accepts only ETH, not {asset}")]
    NoSuchAsset {
        /// The asset asked for.
        asset: Asset,
    },
    /// A pledge goes through the router, but no router was given.
    #[error("the pledge goes through the router, but its address was not given")]
    NoRouter,
    /// A term, or a part of a declaration, is too large for the contract.
    #[error("the {what} is too large for the contract")]
    Unencodable {
        /// Which.
        what: &'static str,
    },
    /// The given code does not create a Levee escrow.
    #[error("the code does not create a Levee escrow")]
    NotInitCode,
    /// The account could not sign.
    #[error("the account could not sign: {source:#}")]
    NotSigned {
        /// What went wrong.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// The account is on a device that signs no typed data, as declarations and permits are.
    #[error("the device of `{account}` signs transactions only, and no declarations or permits")]
    NoTypedData {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
    },
    /// What was to be signed by the account was signed by another one, or damaged.
    #[error("the signature is not by `{account}`")]
    NotOwnSignature {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
    },
    /// Nobody can sign for a contract that is not there.
    #[error("there is no contract wallet at `{account}`")]
    NoWallet {
        /// The address.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
    },
    /// A contract wallet does not accept a signature (EIP-1271).
    #[error("the wallet `{wallet}` does not accept the signature of `{account}`")]
    WalletRefuses {
        /// The wallet.
        #[serde(with = "levee_model::json::Account")]
        wallet: Address,
        /// Who signed.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
    },
    /// One owner's signature is not enough for a Safe.
    #[error("the Safe `{safe}` needs the signatures of {threshold} owners for its message `{message}`")]
    SafeNeedsMore {
        /// The Safe.
        #[serde(with = "levee_model::json::Account")]
        safe: Address,
        /// How many must sign.
        threshold: u64,
        /// The hash of what they must sign.
        #[serde(with = "levee_model::json::Hash")]
        message: B256,
    },
    /// There is no Safe at the address.
    #[error("there is no Safe at `{address}`")]
    NotSafe {
        /// The address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// The contract of a Safe is older or newer than those that are known.
    #[error(
        "the Safe `{safe}` is of version `{version}`, and only those from {} to {} are known",
        SafeVersion::FIRST,
        SafeVersion::LAST
    )]
    UnknownSafeVersion {
        /// The Safe.
        #[serde(with = "levee_model::json::Account")]
        safe: Address,
        /// What it says.
        version: String,
    },
    /// A Safe refused the call.
    #[error("the Safe refuses it: {meaning} ({code})")]
    SafeRefused {
        /// Safe's code of the reason.
        code: &'static str,
        /// What it means.
        meaning: &'static str,
    },
    /// The guard of a Safe refused a transaction whose calls would succeed.
    #[error("the Safe's guard `{guard}` refuses it: {reason}")]
    SafeGuardRefused {
        /// The guard.
        #[serde(with = "levee_model::json::Account")]
        guard: Address,
        /// The guard's message.
        reason: String,
    },
    /// A Safe has another version than when the transaction was proposed, or the transaction is of another.
    #[error(
        "the transaction is of the Safe `{safe}` at version {version}, which is not what is on this chain"
    )]
    OtherSafe {
        /// The Safe.
        #[serde(with = "levee_model::json::Account")]
        safe: Address,
        /// Its version when the transaction was proposed.
        version: String,
    },
    /// Two files are of different transactions.
    #[error("the transactions differ: one has the hash `{hash}`, the other `{other}`")]
    OtherSafeTransaction {
        /// The hash of one.
        #[serde(with = "levee_model::json::Hash")]
        hash: B256,
        /// The hash of the other.
        #[serde(rename = "otherHash", with = "levee_model::json::Hash")]
        other: B256,
    },
    /// The Safe has executed a transaction with this nonce.
    #[error("nonce {nonce} of the Safe `{safe}` is used: its next transaction has nonce {next}")]
    SafeNonceUsed {
        /// The Safe.
        #[serde(with = "levee_model::json::Account")]
        safe: Address,
        /// The nonce of the transaction.
        nonce: u64,
        /// The nonce of the Safe's next.
        next: u64,
    },
    /// The Safe must execute others first.
    #[error("the transaction has nonce {nonce}, but the next of the Safe `{safe}` has nonce {next}")]
    SafeNonceAhead {
        /// The Safe.
        #[serde(with = "levee_model::json::Account")]
        safe: Address,
        /// The nonce of the transaction.
        nonce: u64,
        /// The nonce of the Safe's next.
        next: u64,
    },
    /// Too few owners have approved.
    #[error("the Safe `{safe}` needs the approval of {threshold} owners, and has {found}")]
    SafeApprovalsMissing {
        /// The Safe.
        #[serde(with = "levee_model::json::Account")]
        safe: Address,
        /// How many must approve.
        threshold: u64,
        /// How many have, with the sender.
        found: usize,
    },
    /// The account is no owner of the Safe.
    #[error("`{account}` is not an owner of the Safe `{safe}`")]
    NotSafeOwner {
        /// The Safe.
        #[serde(with = "levee_model::json::Account")]
        safe: Address,
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
    },
    /// A Safe would run code as its own that may do anything with it.
    #[error("the Safe would run the code of `{to}` as its own, which may do anything with the Safe")]
    ForeignCode {
        /// Whose code it is.
        #[serde(with = "levee_model::json::Account")]
        to: Address,
    },
    /// The chain lacks the code for several calls in one transaction.
    #[error("Safe's MultiSendCallOnly, which makes several calls in one transaction, is not on this chain")]
    NoMultiSend,
    /// A token does not accept a permit.
    #[error("the token does not accept a permit of `{account}`: {reason}")]
    PermitRefused {
        /// Who signed.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
        /// Why.
        reason: String,
    },
    /// The RPC URL is invalid.
    #[error("the RPC URL is invalid: {source:#}")]
    InvalidUrl {
        /// What is wrong with it.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// No node answers at the address.
    #[error("no answer from the RPC node at {url}: {source:#}")]
    Unreachable {
        /// Where it should be.
        #[serde(serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        url: RedactedUrl,
        /// What went wrong.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// No node gave an answer that can be used until patience was over.
    #[error(
        "no answer to `{method}` from {nodes} (tries: {requests}, over {:.1} s); the last reason: {source:#}",
        waited.as_secs_f32()
    )]
    NoAnswer {
        /// The request.
        method: String,
        /// Where it was sent.
        nodes: String,
        /// How often it was sent.
        requests: u32,
        /// How long it was repeated.
        #[serde(rename = "waitedSeconds", serialize_with = "seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "u64"))]
        waited: Duration,
        /// What went wrong the last time.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// Nodes that must agree do not.
    #[error("the nodes disagree about `{method}`: {answers}")]
    Disagreement {
        /// The request.
        method: String,
        /// Which node says what.
        answers: String,
    },
    /// A node does not have the latest blocks.
    #[error("the node at {url} is behind: its latest block, {block}, is {seconds} s older than {than}")]
    NodeBehind {
        /// Where it is.
        #[serde(serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        url: RedactedUrl,
        /// Its latest block.
        block: u64,
        /// How old that is.
        #[serde(rename = "behindSeconds")]
        seconds: u64,
        /// Compared with what.
        than: String,
    },
    /// The latest block of a node has a time that this machine's clock will only reach much later.
    #[error("the node's latest block, {block}, is {seconds} s ahead of this machine's clock")]
    FutureBlock {
        /// The block.
        block: u64,
        /// How far ahead it is.
        #[serde(rename = "aheadSeconds")]
        seconds: u64,
    },
    /// More nodes must agree than there are.
    #[error("{quorum} nodes must agree, but the number of nodes given is {nodes}")]
    TooFewNodes {
        /// How many must agree.
        quorum: usize,
        /// How many there are.
        nodes: usize,
    },
    /// A request to the node failed.
    #[error("the RPC request failed: {source:#}")]
    Rpc {
        /// What went wrong.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// The node asks for more for a unit of gas than is paid without the user's word.
    #[error("a gas costs {} now, above the limit of {}", display::gwei(*price), display::gwei(*limit))]
    GasPriceAboveLimit {
        /// What a gas costs, in wei.
        #[serde(rename = "priceWei")]
        price: Wei,
        /// The most that is paid, in wei.
        #[serde(rename = "limitWei")]
        limit: Wei,
    },
    /// The gas of the transaction can cost more than is paid without the user's word.
    #[error("the gas of the transaction can cost {}, above the limit of {}", display::ether(*fee), display::ether(*limit))]
    FeeAboveLimit {
        /// What it can cost.
        #[serde(rename = "feeWei")]
        fee: Wei,
        /// The most that is paid.
        #[serde(rename = "limitWei")]
        limit: Wei,
    },
    /// The transaction needs more gas than any can have.
    #[error(
        "the transaction needs {gas} gas by the node's word, above the limit of {limit} for any transaction"
    )]
    GasAboveLimit {
        /// What it needs.
        gas: u64,
        /// The most that is signed.
        limit: u64,
    },
    /// The gas limit that the caller chose is below what the simulation needed.
    #[error("the gas limit {limit} is too low: the transaction needs {gas}")]
    GasLimitTooLow {
        /// The limit.
        limit: u64,
        /// What the simulation needed.
        gas: u64,
    },
    /// The chain takes a fee for the data of a transaction outside of its gas, and does not tell how much.
    #[error("chain {chain} takes a fee for data outside of the gas, but its node does not tell how much")]
    DataFeeUnknown {
        /// The chain.
        chain: u64,
    },
    /// What the chain takes for the data of a transaction has risen above what was shown for it.
    #[error("the data of the transaction costs {} now, above the {} that were shown", display::ether(*fee), display::ether(*limit))]
    DataFeeRisen {
        /// What it costs.
        #[serde(rename = "feeWei")]
        fee: Wei,
        /// What was shown.
        #[serde(rename = "limitWei")]
        limit: Wei,
    },
    /// The journal, without which nothing is sent, cannot be read or written.
    #[error("the journal cannot be used: {source:#}")]
    Journal {
        /// What went wrong.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// The key of an intent belongs to another one.
    #[error("the key `{key}` belongs to another intent: {purpose}")]
    KeyTaken {
        /// The key.
        key: String,
        /// What the other intent is.
        purpose: String,
    },
    /// A transaction is recorded of another intent.
    #[error("transaction `{transaction}` is that of record {intent}")]
    TransactionTaken {
        /// Its hash.
        #[serde(with = "levee_model::json::Hash")]
        transaction: B256,
        /// The number of the other intent.
        intent: i64,
    },
    /// The node refused a signed transaction, which it or another node may still accept later.
    #[error("the node does not accept transaction `{transaction}`, which is signed and recorded: {source:#}")]
    NotAccepted {
        /// Its hash.
        #[serde(with = "levee_model::json::Hash")]
        transaction: B256,
        /// The node's message.
        #[serde(rename = "reason", serialize_with = "text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        source: RedactedError,
    },
    /// The node has transactions of the account waiting for a block that the journal does not know, so the next nonce is not certain.
    #[error("`{account}` has transactions waiting for a block that the journal does not follow, with nonces from {nonce} to {}", waiting.saturating_sub(1))]
    ForeignPending {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
        /// The first nonce of theirs.
        nonce: u64,
        /// The nonce after them.
        waiting: u64,
    },
    /// Another transaction of the account used the nonce of the transaction, which therefore never has an effect.
    #[error(
        "transaction `{transaction}` has no effect: another transaction of `{account}` used its nonce {nonce}"
    )]
    NonceUsed {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
        /// The nonce.
        nonce: u64,
        /// The hash of the transaction without effect.
        #[serde(with = "levee_model::json::Hash")]
        transaction: B256,
    },
    /// The wallet sends nothing: it was not asked in the end, or said no.
    #[error("the wallet did not send the transaction: {reason}")]
    WalletDeclined {
        /// In its own words, or those of the page that asked it.
        reason: String,
    },
    /// The wallet has not told what became of a transaction that it was asked to send. It may have sent it, or still do so.
    #[error(
        "it is not known whether the wallet sent the transaction with nonce {nonce} of record {intent}: {reason}"
    )]
    WalletSilent {
        /// The number of the intent that it was asked for.
        intent: i64,
        /// The nonce that it was asked to use.
        nonce: u64,
        /// Why it is not known.
        reason: String,
    },
    /// The wallet sent something else than it was asked to.
    #[error(
        "the wallet sent transaction `{transaction}`, but its {what} is not what the wallet was asked for"
    )]
    WalletChanged {
        /// Its hash.
        #[serde(with = "levee_model::json::Hash")]
        transaction: B256,
        /// The first part of it that differs.
        what: &'static str,
    },
    /// The transaction was sent but not included in a block in time. It still may be.
    #[error("transaction `{transaction}` was not included in a block within {} s, but still may be", waited.as_secs())]
    NotMined {
        /// Its hash.
        #[serde(with = "levee_model::json::Hash")]
        transaction: B256,
        /// How long the client waited.
        #[serde(rename = "waitedSeconds", serialize_with = "seconds")]
        #[cfg_attr(feature = "schema", schemars(with = "u64"))]
        waited: Duration,
    },
    /// The transaction failed in its block, though it would have succeeded just before.
    #[error("transaction `{transaction}` failed in its block: the state changed after it was simulated")]
    FailedInBlock {
        /// Its hash.
        #[serde(with = "levee_model::json::Hash")]
        transaction: B256,
    },
    /// A transaction did not create the intended contract: there is other code, or none, at its address.
    #[error("transaction `{transaction}` did not create the {contract} at `{address}`")]
    NotCreated {
        /// What it should have created.
        contract: Contract,
        /// Its hash.
        #[serde(with = "levee_model::json::Hash")]
        transaction: B256,
        /// Where it should be.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// There is no governor whose interface is known.
    #[error("there is no governor at `{address}`, neither OpenZeppelin's nor Bravo")]
    NoGovernor {
        /// Where it should be.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// A file has another format than it should.
    #[error("this is not {what}: {}", brief(reason))]
    InvalidFile {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The node returned data that no Levee contract would.
    #[error("the node returned data that is not {what} of a Levee contract")]
    Malformed {
        /// What it should be.
        what: &'static str,
    },
    /// The logs do not form the history of a rescue: some are missing, or belong to another contract.
    #[error("the logs are not the complete history of a rescue: {0}")]
    BrokenHistory(
        #[serde(serialize_with = "reason")]
        #[cfg_attr(feature = "schema", schemars(with = "Reason"))]
        #[from]
        Inconsistent,
    ),
    /// The logs of a rescue add up to something else than its contracts say: some are missing.
    #[error(
        "the logs of the rescue `{rescue}` up to block {block} do not add up to what its contracts say there"
    )]
    HistoryDiffers {
        /// The rescue.
        #[serde(with = "levee_model::json::Account")]
        rescue: Address,
        /// The block.
        block: u64,
    },
    /// What moved by the events of a rescue is not what the rules make of it.
    #[error("the statement of the rescue `{rescue}` does not reconcile: {reason}")]
    NotReconciled {
        /// The rescue.
        #[serde(with = "levee_model::json::Account")]
        rescue: Address,
        /// What does not add up.
        reason: String,
    },
    /// A call does something else than was expected of it.
    #[error(
        "call {call} differs in its {part}: expected `{}`, but found `{}`; it is `{}`",
        start_of(expected, LONGEST_VALUE),
        start_of(found, LONGEST_VALUE),
        start_of(meaning, LONGEST_SENTENCE)
    )]
    NotAsExpected {
        /// The number of the call, from 1, among those that are to be expected.
        call: usize,
        /// What differs: `call` for the kind of it, `rest` for words after its end, or the name of a value.
        part: &'static str,
        /// What was expected.
        expected: String,
        /// What the call has; empty if it has none.
        found: String,
        /// The whole call.
        meaning: String,
    },
    /// There is a call that was not expected.
    #[error("call {call} was not expected: it is `{}`", start_of(found, LONGEST_SENTENCE))]
    UnexpectedCall {
        /// The number of the call, from 1.
        call: usize,
        /// What it does.
        found: String,
    },
    /// A call that was expected is not there.
    #[error("there is no call for `{}`", start_of(expected, LONGEST_SENTENCE))]
    MissingCall {
        /// What was expected.
        expected: String,
    },
    /// What a node, or a file, says of a rescue is not proven.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    Unproven(#[from] ProofError),
    /// The escrow refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    Refused(#[from] Refusal),
    /// The recovery pool refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    RecoveryRefused(RecoveryRefusal),
    /// The bonus pool refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    BonusRefused(BonusRefusal),
    /// The board refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    BoardRefused(#[from] BoardError),
    /// The router refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    RouterRefused(#[from] RouterError),
    /// A receiver refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    ReceiverRefused(#[from] ReceiverError),
    /// A compact refused the call.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    CompactRefused(#[from] CompactRefusal),
    /// A device, a wallet or the person who holds it did not sign.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    SignerRefused(#[from] SignerError),
}

fn text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:#}"))
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

/// A newtype's content as an object.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Reason {
    reason: String,
}

fn reason<S: Serializer>(error: &Inconsistent, serializer: S) -> Result<S::Ok, S::Error> {
    Reason { reason: error.to_string() }.serialize(serializer)
}

impl Error {
    /// The name of the error, which is stable while its message may change. For a refusal it is the name of the
    /// contract's error.
    pub fn kind(&self) -> &'static str {
        self.into()
    }

    /// Whether this is a user error: a wrong input, a wrong chain, a call that the rules refuse. Otherwise the network
    /// or the node failed, or there is a bug.
    pub const fn is_users(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::RecoveryRefused(_)
            | Self::BonusRefused(_)
            | Self::BoardRefused(_)
            | Self::RouterRefused(_)
            | Self::ReceiverRefused(_)
            | Self::CompactRefused(_)
            | Self::TokenRefused { .. }
            | Self::InsufficientFunds { .. }
            | Self::WrongChain { .. }
            | Self::NoCode { .. }
            | Self::NotLevee { .. }
            | Self::Counterfeit { .. }
            | Self::NoDeployer
            | Self::NoToken { .. }
            | Self::NotToken { .. }
            | Self::NoSuchAsset { .. }
            | Self::ForeignTokens { .. }
            | Self::NotLidos { .. }
            | Self::ForeignEscrows { .. }
            | Self::CompactBeginsEarlier { .. }
            | Self::Unencodable { .. }
            | Self::NotInitCode
            | Self::SignerRefused(_)
            | Self::NoTypedData { .. }
            | Self::NotOwnSignature { .. }
            | Self::NoWallet { .. }
            | Self::WalletRefuses { .. }
            | Self::SafeNeedsMore { .. }
            | Self::NotSafe { .. }
            | Self::UnknownSafeVersion { .. }
            | Self::SafeRefused { .. }
            | Self::SafeGuardRefused { .. }
            | Self::OtherSafe { .. }
            | Self::OtherSafeTransaction { .. }
            | Self::SafeNonceUsed { .. }
            | Self::SafeNonceAhead { .. }
            | Self::SafeApprovalsMissing { .. }
            | Self::NotSafeOwner { .. }
            | Self::ForeignCode { .. }
            | Self::NoMultiSend
            | Self::PermitRefused { .. }
            | Self::GasPriceAboveLimit { .. }
            | Self::FeeAboveLimit { .. }
            | Self::GasAboveLimit { .. }
            | Self::GasLimitTooLow { .. }
            | Self::DataFeeRisen { .. }
            | Self::KeyTaken { .. }
            | Self::ForeignPending { .. }
            | Self::TransactionTaken { .. }
            | Self::WalletDeclined { .. }
            | Self::InvalidUrl { .. }
            | Self::NoGovernor { .. }
            | Self::InvalidFile { .. }
            | Self::NotAsExpected { .. }
            | Self::UnexpectedCall { .. }
            | Self::MissingCall { .. }
            | Self::TooFewNodes { .. } => true,
            Self::NoRouter
            | Self::UnknownRevert { .. }
            | Self::NotSigned { .. }
            | Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::Disagreement { .. }
            | Self::DataFeeUnknown { .. }
            | Self::NodeBehind { .. }
            | Self::FutureBlock { .. }
            | Self::Rpc { .. }
            | Self::Journal { .. }
            | Self::NotAccepted { .. }
            | Self::NonceUsed { .. }
            | Self::WalletSilent { .. }
            | Self::WalletChanged { .. }
            | Self::NotMined { .. }
            | Self::FailedInBlock { .. }
            | Self::NotCreated { .. }
            | Self::Malformed { .. }
            | Self::Unproven(_)
            | Self::BrokenHistory(_)
            | Self::BrokenCompact { .. }
            | Self::CompactHistoryDiffers { .. }
            | Self::HistoryDiffers { .. }
            | Self::NotReconciled { .. } => false,
        }
    }

    /// The rule by which an escrow or one of its pools refused the call; none if it failed for another reason.
    pub fn refused(&self) -> Option<Refused> {
        match *self {
            Self::Refused(refusal) => Some(refusal.into()),
            Self::RecoveryRefused(refusal) => Some(refusal.into()),
            Self::BonusRefused(refusal) => Some(refusal.into()),
            _ => None,
        }
    }

    /// Decodes the revert data of a call to the escrow.
    pub fn from_revert(data: &[u8]) -> Self {
        Self::from_revert_of(Contract::PledgeEscrow, data)
    }

    /// Decodes the revert data of a call to `contract`. It may also be an error of the escrow or the bonus pool, which
    /// the contracts around them pass on.
    pub fn from_revert_of(contract: Contract, data: &[u8]) -> Self {
        let own = match contract {
            Contract::PledgeEscrow => None,
            Contract::RecoveryPool => recovery::decode_refusal(data).map(Self::from),
            Contract::BonusPool => bonus::decode_refusal(data).map(Self::from),
            Contract::PledgeBoard => BoardError::decode(data).map(Self::from),
            Contract::PledgeRouter => RouterError::decode(data).map(Self::from),
            Contract::DebtRepayer => ReceiverError::decode_repayer(data).map(Self::from),
            Contract::StakedEtherUnwinder => ReceiverError::decode_unwinder(data).map(Self::from),
            Contract::Compact => compact::own_refusal(data).map(Self::from),
        };
        // The router passes on errors of the escrow and of the bonus pool.
        let of_escrow = || refusal::decode(data).map(Self::from);
        let of_bonus = || bonus::decode_refusal(data).map(Self::from);
        if let Some(refusal) = own.or_else(of_escrow).or_else(of_bonus) {
            return refusal;
        }
        match Revert::abi_decode_validate(data) {
            Ok(revert) => match safe::explain(&revert.reason) {
                Some((code, meaning)) => Self::SafeRefused { code, meaning },
                None => Self::TokenRefused { reason: redact(&revert.reason) },
            },
            Err(_) => Self::UnknownRevert { data: data.to_vec().into() },
        }
    }

    /// Converts a failed request to `contract` by `sender`.
    pub(crate) fn from_transport(error: TransportError, contract: Contract, sender: Address) -> Self {
        let Some(payload) = error.as_error_resp() else { return Self::unanswered(error) };
        if let Some(data) = payload.as_revert_data() {
            return Self::from_revert_of(contract, &data);
        }
        let message = payload.message.to_lowercase();
        if message.contains("insufficient funds") {
            return Self::InsufficientFunds { account: sender, source: RedactedError::new(error) };
        }
        // A contract that uses up its gas has answered, too.
        if ["revert", "out of gas", "outofgas"].iter().any(|ending| message.contains(ending)) {
            return Self::UnknownRevert { data: Bytes::new() };
        }
        Self::Rpc { source: RedactedError::new(error) }
    }

    /// Whether the nodes gave no answer, so that nothing follows about what they were asked.
    pub const fn is_unanswered(&self) -> bool {
        matches!(
            self,
            Self::Rpc { .. } | Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Disagreement { .. }
        )
    }

    /// What it means that a node gave no answer: this crate's transport says so itself.
    fn unanswered(error: TransportError) -> Self {
        let ours = error.as_transport_err().and_then(TransportErrorKind::as_custom);
        match ours.and_then(|error| error.downcast_ref::<Self>()) {
            Some(ours) => ours.clone(),
            None => Self::Rpc { source: RedactedError::new(error) },
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::ByRescue(refusal) => Self::Refused(refusal),
            Refused::ByRecovery(refusal) => Self::RecoveryRefused(refusal),
            Refused::ByBonus(refusal) => Self::BonusRefused(refusal),
        }
    }
}

/// A refusal that a pool passes on is the escrow's.
impl From<RecoveryRefusal> for Error {
    fn from(refusal: RecoveryRefusal) -> Self {
        Refused::from(refusal).into()
    }
}

impl From<BonusRefusal> for Error {
    fn from(refusal: BonusRefusal) -> Self {
        Refused::from(refusal).into()
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::from_transport(error, Contract::PledgeEscrow, Address::ZERO)
    }
}

/// The start of a message that may quote all of a file.
pub fn brief(message: &impl fmt::Display) -> String {
    start_of(&message.to_string(), LONGEST_SENTENCE)
}

/// The first `longest` characters of a text.
pub fn start_of(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
