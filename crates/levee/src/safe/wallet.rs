//! A Safe on its chain: who its owners are, what it would do, and the call that makes it do it.

use std::{cmp::Reverse, collections::BTreeMap};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, U256, address, keccak256},
    providers::Provider,
    rpc::types::{
        TransactionRequest,
        state::{StateOverride, StateOverridesBuilder},
    },
    sol_types::{SolCall, SolValue},
    transports::TransportError,
};
use futures_util::future::{try_join, try_join_all, try_join4};
use levee_model::Wei;
use serde::Serialize;

use super::{
    domain,
    message::Safe,
    multisend::{self, SafeCall},
    proposal::SafeProposal,
    raw::{LegacySigner, Wallet},
    refusal::CALL_FAILS,
    signatures::{self, Approval},
    transaction::{SafeOperation, SafeTransaction},
    version::SafeVersion,
};
use crate::{
    bindings::PledgeRouter::Destination, blueprint::Contract, call::Call, error::Error,
    operation::Transaction, rpc, signer::AccountSigner, simulation::simulate_all,
};

/// The end of the list of modules.
const LAST_MODULE: Address = address!("0000000000000000000000000000000000000001");
/// The most modules that are read. No Safe has as many.
const MODULES: u64 = 100;
/// Where every version keeps its threshold and its nonce.
const THRESHOLD_SLOT: u64 = 4;
const NONCE_SLOT: u64 = 5;
/// What a contract before EIP-1271 answers if it has signed.
const HAS_SIGNED: [u8; 4] = [0x20, 0xc1, 0x3b, 0x0b];

/// What a Safe says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SafeState {
    /// Its address.
    #[serde(with = "levee_model::json::Account")]
    pub address: Address,
    /// The version of its contract.
    #[serde(with = "levee_model::json::Number")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub version: SafeVersion,
    /// Its owners.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<levee_model::json::Account>"))]
    pub owners: Vec<Address>,
    /// How many of them must approve.
    pub threshold: u64,
    /// The nonce of its next transaction.
    pub nonce: u64,
    /// Its modules, which can send what it has without its owners.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<levee_model::json::Account>"))]
    pub modules: Vec<Address>,
    /// The contract that can refuse its transactions; none if there is none.
    #[cfg_attr(feature = "schema", schemars(with = "Option<levee_model::json::Account>"))]
    pub guard: Option<Address>,
}

/// A Safe on its chain.
#[derive(Debug, Clone)]
pub struct SafeWallet<P> {
    provider: P,
    chain_id: u64,
    state: SafeState,
}

impl<P: Provider + Clone> SafeWallet<P> {
    /// The Safe at `address` on the chain `chain_id`, which `provider` must be on.
    ///
    /// # Errors
    /// [`Error::NotSafe`] if something else is there, or nothing; [`Error::UnknownSafeVersion`], [`Error::Rpc`].
    pub async fn open(provider: P, chain_id: u64, address: Address) -> Result<Self, Error> {
        let state = read(&provider, chain_id, address).await;
        let state = state.map_err(|error| match error {
            error if error.is_unanswered() || matches!(error, Error::UnknownSafeVersion { .. }) => error,
            _ => Error::NotSafe { address },
        })?;
        Ok(Self { provider, chain_id, state })
    }

    /// What it says of itself.
    pub const fn state(&self) -> &SafeState {
        &self.state
    }

    /// The owners that have approved `hash` on chain.
    ///
    /// # Errors
    /// [`Error::Rpc`].
    pub async fn approved(&self, hash: B256) -> Result<Vec<Address>, Error> {
        let asked = self.state.owners.iter().map(async |owner| {
            let call = Wallet::approvedHashesCall { owner: *owner, hash };
            rpc::read(&self.provider, self.state.address, &call, BlockId::latest()).await
        });
        let answers = try_join_all(asked).await?;
        let approved = self.state.owners.iter().zip(answers).filter(|(_, answer)| !answer.is_zero());
        Ok(approved.map(|(owner, _)| *owner).collect())
    }

    /// A transaction that makes these calls, all of them or none.
    ///
    /// # Errors
    /// [`Error::SafeNonceUsed`], [`Error::NoMultiSend`]; [`Error::Rpc`].
    pub async fn propose(&self, calls: &[SafeCall], nonce: u64) -> Result<SafeProposal, Error> {
        self.require_unused(nonce)?;
        let mut transaction = match calls {
            [call] => SafeTransaction::call(call.clone(), nonce),
            calls => {
                let multi_send = multisend::find(&self.provider, self.state.version).await?;
                SafeTransaction::calls_through(multi_send, calls, nonce)
            }
        };
        if !self.state.version.is_since_1_3() {
            transaction.safe_tx_gas = self.gas_of(&transaction).await?;
        }
        Ok(SafeProposal::new(self.chain_id, &self.state, transaction))
    }

    /// The gas that the call is given at least, in versions that go on if it has too little: twice what it needs now.
    async fn gas_of(&self, transaction: &SafeTransaction) -> Result<U256, Error> {
        let SafeTransaction { to, value, data, operation, .. } = transaction.clone();
        let call = Wallet::requiredTxGasCall { to, value, data, operation: operation.into() };
        let asked = self.provider.call(self.request(self.state.address, &call)).await;
        let answer = asked.err().and_then(|error| error.as_error_resp()?.as_revert_data());
        // The answer is the text of the revert. If the call fails there is none, and a simulation says why.
        let gas = answer.and_then(|data| {
            let (text,) = <(Bytes,)>::abi_decode_params(data.get(4..)?).ok()?;
            (text.len() == 32).then(|| U256::from_be_slice(&text))
        });
        Ok(gas.unwrap_or_default().saturating_mul(U256::from(2)))
    }

    /// Refuses what is not of this Safe as it is, has a nonce that was used, or runs other code as its own than that which makes calls
    /// only.
    ///
    /// # Errors
    /// [`Error::OtherSafe`], [`Error::SafeNonceUsed`], [`Error::ForeignCode`]; [`Error::Rpc`].
    pub async fn check(&self, proposal: &SafeProposal) -> Result<(), Error> {
        let SafeState { address, version, .. } = self.state;
        if (proposal.chain, proposal.safe, proposal.version) != (self.chain_id, address, version) {
            return Err(Error::OtherSafe { safe: proposal.safe, version: proposal.version.to_string() });
        }
        self.require_unused(proposal.transaction.nonce)?;
        proposal.transaction.calls()?;
        if proposal.transaction.operation == SafeOperation::DelegateCall {
            multisend::verify(&self.provider, proposal.transaction.to).await?;
        }
        Ok(())
    }

    fn require_unused(&self, nonce: u64) -> Result<(), Error> {
        let SafeState { address: safe, nonce: next, .. } = self.state;
        if nonce < next { Err(Error::SafeNonceUsed { safe, nonce, next }) } else { Ok(()) }
    }

    fn require_next(&self, nonce: u64) -> Result<(), Error> {
        let SafeState { address: safe, nonce: next, .. } = self.state;
        if nonce > next {
            Err(Error::SafeNonceAhead { safe, nonce, next })
        } else {
            self.require_unused(nonce)
        }
    }

    fn require_owner(&self, account: Address) -> Result<(), Error> {
        let SafeState { address: safe, owners, .. } = &self.state;
        if owners.contains(&account) { Ok(()) } else { Err(Error::NotSafeOwner { safe: *safe, account }) }
    }

    /// Adds a signature by the signer's account: for `owner`, which is the account or a contract that accepts its signature alone. It is
    /// checked as the Safe will check it.
    ///
    /// # Errors
    /// [`Error::NotSafeOwner`], [`Error::SafeNeedsMore`], [`Error::WalletRefuses`]; [`Error::NoTypedData`], [`Error::NotSigned`],
    /// [`Error::SignerRefused`], [`Error::NotOwnSignature`]; [`Error::Rpc`].
    pub async fn sign(
        &self,
        proposal: &mut SafeProposal,
        signer: &dyn AccountSigner,
        owner: Address,
    ) -> Result<(), Error> {
        self.require_owner(owner)?;
        if owner == signer.address() {
            return proposal.sign(signer).await;
        }
        let wallet = Safe::at(&self.provider, self.chain_id, owner).await?;
        let signature = proposal.signature_for(signer, wallet.as_ref()).await?;
        let approval = Approval::Contract(signature.as_bytes().into());
        if !self.accepts(proposal, owner, &approval).await? {
            return Err(Error::WalletRefuses { wallet: owner, account: signer.address() });
        }
        proposal.insert(owner, approval);
        Ok(())
    }

    /// Whether the Safe takes this approval alone.
    async fn accepts(
        &self,
        proposal: &SafeProposal,
        owner: Address,
        approval: &Approval,
    ) -> Result<bool, Error> {
        let (hash, message) = (proposal.hash(), proposal.contract_message());
        let answer = match approval {
            Approval::Contract(signature) if !self.state.version.is_since_1_3() => {
                let call = LegacySigner::isValidSignatureCall { data: message, signature: signature.clone() };
                let answer = rpc::read(&self.provider, owner, &call, BlockId::latest()).await;
                answer.map(|answer| answer == HAS_SIGNED)
            }
            approval => {
                let signatures = signatures::encode(&BTreeMap::from([(owner, approval.clone())]));
                let call = Wallet::checkNSignaturesCall {
                    dataHash: hash,
                    data: message,
                    signatures,
                    requiredSignatures: U256::ONE,
                };
                let asked = self.provider.call(self.request(Address::ZERO, &call)).await;
                asked.map(|_| true).map_err(Error::from)
            }
        };
        match answer {
            Err(error) if error.is_unanswered() => Err(error),
            answer => Ok(answer.unwrap_or_default()),
        }
    }

    /// Those owners of today that approve the transaction, if `sender` sends it: by having signed, by having approved the hash on chain,
    /// or by sending it.
    pub fn approvals(
        &self,
        proposal: &SafeProposal,
        approved: &[Address],
        sender: Option<Address>,
    ) -> BTreeMap<Address, Approval> {
        let approval = |owner: &Address| {
            let is_on_chain = Some(*owner) == sender || approved.contains(owner);
            let signed = || proposal.signatures().get(owner).cloned();
            Some((*owner, if is_on_chain { Approval::OnChain } else { signed()? }))
        };
        self.state.owners.iter().filter_map(approval).collect()
    }

    /// The call by which `sender` executes the transaction, with as many approvals as it needs. It is tried, because old versions go on
    /// when the call that they make fails, and others do not say why. `events_of` are the contracts whose events tell what it did.
    ///
    /// # Errors
    /// [`Error::SafeNonceAhead`] and as [`check`](Self::check); [`Error::SafeApprovalsMissing`], and as [`simulate`](Self::simulate).
    pub async fn execution(&self, proposal: &SafeProposal, sender: Address) -> Result<Call<P>, Error> {
        self.require_next(proposal.transaction.nonce)?;
        self.check(proposal).await?;
        let approved = self.approved(proposal.hash()).await?;
        let approvals = self.enough(self.approvals(proposal, &approved, Some(sender)))?;
        let transaction = &proposal.transaction;
        self.attempt(transaction, sender, &approvals, None).await?;
        let events_of = self.contracts(&transaction.calls()?).await?;
        let call = execution(transaction, &approvals);
        // The errors and the events that it may cause are those of a rescue.
        let transaction = Transaction::new(Contract::PledgeEscrow, self.state.address, Wei::ZERO, &call);
        Ok(Call::of(self.provider.clone(), transaction, events_of))
    }

    /// As many of the approvals as the Safe needs, those first that it checks for less gas.
    fn enough(&self, approvals: BTreeMap<Address, Approval>) -> Result<BTreeMap<Address, Approval>, Error> {
        let SafeState { address: safe, threshold, .. } = self.state;
        let needed = usize::try_from(threshold).unwrap_or(usize::MAX);
        let found = approvals.len();
        if found < needed {
            return Err(Error::SafeApprovalsMissing { safe, threshold, found });
        }
        let mut approvals: Vec<_> = approvals.into_iter().collect();
        approvals.sort_by_key(|(_, approval)| {
            Reverse(match approval {
                Approval::OnChain => 2,
                Approval::Key(_) | Approval::Message(_) => 1,
                Approval::Contract(_) => 0,
            })
        });
        approvals.truncate(needed);
        Ok(approvals.into_iter().collect())
    }

    /// The call by which an owner approves a hash on chain.
    pub fn approve(&self, hash: B256) -> Call<P> {
        let SafeCall { to, data, .. } = self.approval_of(hash);
        let transaction = Transaction { contract: Contract::PledgeEscrow, to, value: Wei::ZERO, input: data };
        Call::of(self.provider.clone(), transaction, Vec::new())
    }

    /// The same as a call that another Safe makes, which is an owner.
    pub fn approval_of(&self, hash: B256) -> SafeCall {
        let data = Wallet::approveHashCall { hashToApprove: hash }.abi_encode().into();
        SafeCall { to: self.state.address, value: U256::ZERO, data }
    }

    /// Tries what the transaction does, as if all owners had approved it and its nonce were the next. Changes nothing.
    ///
    /// # Errors
    /// The reason why a call of it would fail, as [`Call::simulate`]; [`Error::SafeRefused`], [`Error::SafeGuardRefused`].
    pub async fn simulate(&self, transaction: &SafeTransaction) -> Result<(), Error> {
        let sender = self.state.owners.first().copied().unwrap_or_default();
        let slot = |number: u64| B256::from(U256::from(number));
        let changes = [(THRESHOLD_SLOT, 1), (NONCE_SLOT, transaction.nonce)];
        let changes = changes.map(|(number, content)| (slot(number), slot(content)));
        let state = StateOverridesBuilder::default().with_state_diff(self.state.address, changes).build();
        let approvals = BTreeMap::from([(sender, Approval::OnChain)]);
        self.attempt(transaction, sender, &approvals, Some(state)).await
    }

    async fn attempt(
        &self,
        transaction: &SafeTransaction,
        sender: Address,
        approvals: &BTreeMap<Address, Approval>,
        state: Option<StateOverride>,
    ) -> Result<(), Error> {
        let request = self.request(sender, &execution(transaction, approvals));
        let answer = self.provider.call(request).overrides_opt(state).block(BlockId::pending()).await;
        let error = match answer {
            Ok(answer) if Wallet::execTransactionCall::abi_decode_returns(&answer) == Ok(true) => {
                return Ok(());
            }
            Ok(_) => CALL_FAILS,
            Err(error) => self.failed(error, sender),
        };
        // Safes from 1.5.0 on pass the message of a call on, so that only calls that succeed show that it is the guard's.
        let error = match (error, self.state.guard) {
            (CALL_FAILS, _) => CALL_FAILS,
            (Error::TokenRefused { reason }, Some(guard)) => Error::SafeGuardRefused { guard, reason },
            (error, _) => return Err(error),
        };
        Err(self.reason(&transaction.calls()?).await.unwrap_or(error))
    }

    /// Why the first of the calls fails that does, if the Safe makes them itself; none if it cannot be found out.
    async fn reason(&self, calls: &[SafeCall]) -> Option<Error> {
        let calls: Vec<_> = calls.iter().map(|call| call.with(&self.provider)).collect();
        let calls: Vec<_> = calls.iter().collect();
        simulate_all(&self.provider, self.state.address, &calls, None).await.err()
    }

    fn failed(&self, error: TransportError, sender: Address) -> Error {
        Error::from_transport(error, Contract::PledgeRouter, sender)
    }

    /// A call of the Safe, which pays nothing.
    fn request(&self, from: Address, call: &impl SolCall) -> TransactionRequest {
        SafeCall { to: self.state.address, value: U256::ZERO, data: call.abi_encode().into() }.request(from)
    }

    /// The contracts of Levee's among those that are called, and those to which a router among them passes a pledge on. Only what
    /// has Levee's code is sure to have events that can be read.
    async fn contracts(&self, calls: &[SafeCall]) -> Result<Vec<Address>, Error> {
        use Contract::*;
        let mut contracts = Vec::new();
        for SafeCall { to, data, .. } in calls {
            let code = self.provider.get_code_at(*to).await?;
            let kinds = [
                PledgeEscrow,
                RecoveryPool,
                BonusPool,
                PledgeBoard,
                DebtRepayer,
                StakedEtherUnwinder,
                Compact,
            ];
            if kinds.iter().any(|kind| kind.is_code(&code)) {
                contracts.push(*to);
            } else if PledgeRouter.is_code(&code)
                && let Some(Ok(destination)) = data.get(4..).map(Destination::abi_decode)
            {
                contracts.extend([destination.escrow, destination.bonusPool]);
            }
        }
        contracts.sort_unstable();
        contracts.dedup();
        Ok(contracts)
    }
}

impl SafeCall {
    fn request(&self, from: Address) -> TransactionRequest {
        let Self { to, value, data } = self.clone();
        TransactionRequest {
            from: Some(from),
            to: Some(to.into()),
            value: Some(value),
            input: data.into(),
            ..Default::default()
        }
    }
}

fn execution(
    transaction: &SafeTransaction,
    approvals: &BTreeMap<Address, Approval>,
) -> Wallet::execTransactionCall {
    let transaction = transaction.clone();
    Wallet::execTransactionCall {
        to: transaction.to,
        value: transaction.value,
        data: transaction.data,
        operation: transaction.operation.into(),
        safeTxGas: transaction.safe_tx_gas,
        baseGas: transaction.base_gas,
        gasPrice: transaction.gas_price,
        gasToken: transaction.gas_token,
        refundReceiver: transaction.refund_receiver,
        signatures: signatures::encode(approvals),
    }
}

async fn read(provider: &impl Provider, chain_id: u64, address: Address) -> Result<SafeState, Error> {
    let latest = BlockId::latest();
    let guard_slot = keccak256("guard_manager.guard.address").into();
    let modules = Wallet::getModulesPaginatedCall { start: LAST_MODULE, pageSize: U256::from(MODULES) };
    let identity = try_join(
        rpc::read(provider, address, &Wallet::VERSIONCall {}, latest),
        rpc::read(provider, address, &Wallet::domainSeparatorCall {}, latest),
    );
    let rules = try_join4(
        rpc::read(provider, address, &Wallet::getOwnersCall {}, latest),
        rpc::read(provider, address, &Wallet::getThresholdCall {}, latest),
        rpc::read(provider, address, &Wallet::nonceCall {}, latest),
        rpc::read(provider, address, &modules, latest),
    );
    let guard = async { Ok(provider.get_storage_at(address, guard_slot).await?) };
    let ((version, separator), ((owners, threshold, nonce, modules), guard)) =
        try_join(identity, try_join(rules, guard)).await?;
    let unknown = |_| Error::UnknownSafeVersion { safe: address, version: version.clone() };
    let version: SafeVersion = version.parse().map_err(unknown)?;
    if domain(version.is_since_1_3().then_some(chain_id), address).separator() != separator {
        return Err(Error::NotSafe { address });
    }
    let guard = Some(Address::from_word(guard.into())).filter(|guard| !guard.is_zero());
    let (threshold, nonce) = (threshold.saturating_to(), nonce.saturating_to());
    Ok(SafeState { address, version, owners, threshold, nonce, modules: modules.array, guard })
}
