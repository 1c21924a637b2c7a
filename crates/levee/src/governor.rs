//! Governors: the proposal that makes calls, and when a vote on it can be executed.
//!
//! OpenZeppelin's Governor and its kin, and Compound's GovernorBravo. The money must be with the [payer](Governor::payer): the
//! timelock where there is one, else the governor itself.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::Provider,
    sol_types::SolCall,
};
use serde::{Deserialize, Serialize};

use crate::{error::Error, operation::Transaction, rpc};
use raw::{Bravo, Governor as OpenZeppelin, Timelock};

#[allow(clippy::too_many_arguments, reason = "as the contracts have them")]
pub(crate) mod raw {
    alloy::sol! {
        /// OpenZeppelin's `IGovernor`, the extension with a timelock and that with sequential numbers (5.3).
        interface Governor {
            function hashProposal(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash) external pure returns (uint256);
            function propose(address[] targets, uint256[] values, bytes[] calldatas, string description) external returns (uint256);
            function queue(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash) external returns (uint256);
            function execute(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash) external payable returns (uint256);
            function castVote(uint256 proposalId, uint8 support) external returns (uint256);
            function votingDelay() external view returns (uint256);
            function votingPeriod() external view returns (uint256);
            function CLOCK_MODE() external view returns (string);
            function timelock() external view returns (address);
            function latestProposalId() external view returns (uint256);
        }

        /// Compound's `GovernorBravo`.
        interface Bravo {
            function propose(address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, string description) external returns (uint256);
            function queue(uint256 proposalId) external;
            function execute(uint256 proposalId) external payable;
            function proposalCount() external view returns (uint256);
        }

        /// OpenZeppelin's `TimelockController` and Compound's `Timelock`.
        interface Timelock {
            function schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay) external;
            function scheduleBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt, uint256 delay) external;
            function execute(address target, uint256 value, bytes payload, bytes32 predecessor, bytes32 salt) external payable;
            function executeBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt) external payable;
            function queueTransaction(address target, uint256 value, string signature, bytes data, uint256 eta) external returns (bytes32);
            function executeTransaction(address target, uint256 value, string signature, bytes data, uint256 eta) external payable returns (bytes);
            function getMinDelay() external view returns (uint256);
            function delay() external view returns (uint256);
        }
    }
}

/// How many blocks tell how long a block takes.
const SAMPLE: u64 = 1_000;
/// What marks the only account that may propose, at the very end of a description.
const PROPOSER: &str = "#proposer=0x";

/// The calls that a vote is to decide about, in the words of the governor's ABI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Proposal {
    /// The contracts to be called.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub targets: Vec<Address>,
    /// The wei to be sent with each call.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub values: Vec<U256>,
    /// The data of each call.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub calldatas: Vec<Bytes>,
    /// What it is about, to the byte: the proposal's number depends on it.
    pub description: String,
}

/// A governor, read from the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Governor {
    /// Its address.
    pub address: Address,
    /// Whose interface it has.
    pub kind: GovernorKind,
    /// Its timelock, which makes the calls; none if it makes them itself.
    pub timelock: Option<Address>,
    /// Seconds from a proposal to its execution at the earliest: the delay and the period of the vote and the timelock's delay. Blocks are
    /// counted as those of the last thousand took on average, rounded down.
    pub duration: u64,
}

/// Whose interface a governor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GovernorKind {
    /// OpenZeppelin's, which numbers proposals by their hash.
    OpenZeppelin,
    /// OpenZeppelin's with numbers in a row: there is none before the proposal is made.
    OpenZeppelinSequential,
    /// Compound's, with numbers in a row.
    Bravo,
}

impl Proposal {
    /// The proposal of `transactions`. With a `proposer`, nobody else can make it first and cancel it.
    pub fn new(transactions: &[Transaction], description: &str, proposer: Option<Address>) -> Self {
        let mark = proposer.map(|proposer| format!("{PROPOSER}{proposer:x}")).unwrap_or_default();
        Self {
            targets: transactions.iter().map(|call| call.to).collect(),
            values: transactions.iter().map(|call| U256::from(call.value.get())).collect(),
            calldatas: transactions.iter().map(|call| call.input.clone()).collect(),
            description: format!("{description}{mark}"),
        }
    }

    /// The hash of the description, with which OpenZeppelin's governors queue and execute.
    pub fn description_hash(&self) -> B256 {
        keccak256(&self.description)
    }

    /// The number that an OpenZeppelin governor gives it, unless its numbers are sequential.
    #[allow(non_snake_case, reason = "the names of the ABI")]
    pub fn id(&self) -> U256 {
        let Self { targets, values, calldatas, .. } = self.clone();
        let descriptionHash = self.description_hash();
        let call = OpenZeppelin::hashProposalCall { targets, values, calldatas, descriptionHash };
        keccak256(&call.abi_encode()[4..]).into()
    }

    /// The only account that can propose it, if the description ends with one.
    pub fn proposer(&self) -> Option<Address> {
        proposer_of(&self.description)
    }

    /// The call that proposes it to a governor of `kind`.
    pub fn call(&self, kind: GovernorKind) -> Bytes {
        let Self { targets, values, calldatas, description } = self.clone();
        match kind {
            GovernorKind::OpenZeppelin | GovernorKind::OpenZeppelinSequential => {
                OpenZeppelin::proposeCall { targets, values, calldatas, description }.abi_encode().into()
            }
            GovernorKind::Bravo => {
                // An empty signature says that the data has its selector already.
                let signatures = vec![String::new(); targets.len()];
                Bravo::proposeCall { targets, values, signatures, calldatas, description }.abi_encode().into()
            }
        }
    }
}

impl Governor {
    /// Reads the governor at `address`.
    ///
    /// # Errors
    /// [`Error::NoGovernor`] if something else is there, or nothing; [`Error::Rpc`].
    pub async fn read(provider: &impl Provider, address: Address) -> Result<Self, Error> {
        let asked = Asked { provider, contract: address };
        let kind = asked.kind().await?.ok_or(Error::NoGovernor { address })?;
        let delay = asked.number(&OpenZeppelin::votingDelayCall {}).await?;
        let period = asked.number(&OpenZeppelin::votingPeriodCall {}).await?;
        let (delay, period) = delay.zip(period).ok_or(Error::NoGovernor { address })?;
        let voting = delay.saturating_add(period);
        let mode = asked.answer(&OpenZeppelin::CLOCK_MODECall {}).await?.unwrap_or_default();
        let voting = if mode.contains("mode=timestamp") {
            voting
        } else {
            voting.saturating_mul(milliseconds_of_block(provider).await?) / 1_000
        };
        let timelock = asked.timelock().await?;
        let waits = match timelock {
            Some(contract) => Asked { provider, contract }.timelock_delay().await?,
            None => 0,
        };
        Ok(Self { address, kind, timelock, duration: voting.saturating_add(waits) })
    }

    /// The timelock of the governor at `address`, which makes the calls of its proposals; none if it names none, or is no governor.
    ///
    /// # Errors
    /// [`Error::Rpc`] if no node answers.
    pub async fn timelock_of(provider: &impl Provider, address: Address) -> Result<Option<Address>, Error> {
        Asked { provider, contract: address }.timelock().await
    }

    /// Who makes the calls, and must hold the money.
    pub fn payer(&self) -> Address {
        self.timelock.unwrap_or(self.address)
    }

    /// The number of a proposal, if it has one before it is made.
    pub fn id(&self, proposal: &Proposal) -> Option<U256> {
        (self.kind == GovernorKind::OpenZeppelin).then(|| proposal.id())
    }
}

/// A contract that may not know what it is asked.
struct Asked<'a, P> {
    provider: &'a P,
    contract: Address,
}

impl<P: Provider> Asked<'_, P> {
    async fn answer<C: SolCall>(&self, call: &C) -> Result<Option<C::Return>, Error> {
        rpc::read_if_known(self.provider, self.contract, call).await
    }

    /// A number that takes more than 64 bits is as good as never.
    async fn number<C: SolCall<Return = U256>>(&self, call: &C) -> Result<Option<u64>, Error> {
        Ok(self.answer(call).await?.map(|number| number.saturating_to()))
    }

    async fn kind(&self) -> Result<Option<GovernorKind>, Error> {
        let hash = OpenZeppelin::hashProposalCall {
            targets: Vec::new(),
            values: Vec::new(),
            calldatas: Vec::new(),
            descriptionHash: B256::ZERO,
        };
        if self.answer(&hash).await?.is_some() {
            let sequential = self.answer(&OpenZeppelin::latestProposalIdCall {}).await?.is_some();
            return Ok(Some(match sequential {
                true => GovernorKind::OpenZeppelinSequential,
                false => GovernorKind::OpenZeppelin,
            }));
        }
        Ok(self.answer(&Bravo::proposalCountCall {}).await?.map(|_| GovernorKind::Bravo))
    }

    async fn timelock(&self) -> Result<Option<Address>, Error> {
        let timelock = self.answer(&OpenZeppelin::timelockCall {}).await?;
        Ok(timelock.filter(|timelock| !timelock.is_zero()))
    }

    async fn timelock_delay(&self) -> Result<u64, Error> {
        let delay = match self.number(&Timelock::getMinDelayCall {}).await? {
            Some(delay) => Some(delay),
            None => self.number(&Timelock::delayCall {}).await?,
        };
        delay.ok_or(Error::NoGovernor { address: self.contract })
    }
}

/// The only account that can propose what has this description, if it ends with one.
pub(crate) fn proposer_of(description: &str) -> Option<Address> {
    let start = description.len().checked_sub(PROPOSER.len() + 40)?;
    description.get(start..)?.strip_prefix(PROPOSER)?.parse().ok()
}

/// How long a block has taken lately.
async fn milliseconds_of_block(provider: &impl Provider) -> Result<u64, Error> {
    let header = async |block: BlockId| {
        let block = provider.get_block(block).await?.ok_or(Error::Malformed { what: "a block" })?;
        Ok::<_, Error>((block.header.number, block.header.timestamp))
    };
    let (latest, now) = header(BlockId::latest()).await?;
    let (earlier, then) = header(latest.saturating_sub(SAMPLE).into()).await?;
    let blocks = latest.saturating_sub(earlier).max(1);
    Ok(now.saturating_sub(then).saturating_mul(1_000) / blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::tests::transaction;

    fn proposal(proposer: Option<Address>) -> Proposal {
        Proposal::new(&[transaction()], "Pledge", proposer)
    }

    #[test]
    fn the_proposer_is_the_very_end_of_the_description() {
        let proposer = Address::from([0xcd; 20]);
        let proposal = proposal(Some(proposer));
        assert_eq!(proposal.description, "Pledge#proposer=0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
        assert_eq!(proposal.proposer(), Some(proposer));
        let line = Proposal { description: format!("{}\n", proposal.description), ..proposal };
        assert_eq!(line.proposer(), None);
    }

    #[test]
    fn a_call_to_bravo_has_an_empty_signature_for_each_call() {
        let call = Bravo::proposeCall::abi_decode(&proposal(None).call(GovernorKind::Bravo)).unwrap();
        assert_eq!((call.signatures, call.values), (vec![String::new()], vec![U256::from(5)]));
    }
}
