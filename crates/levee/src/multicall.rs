//! Several calls in one transaction of anybody's, by a contract that makes calls and keeps nothing: Multicall3, which most chains have
//! at one address.
//!
//! It is for calls that anyone may make, because it makes them itself. One that fails does not stop the others.

use alloy::{
    primitives::{Address, B256, address, b256, keccak256},
    providers::Provider,
};

use crate::{bindings::Multicall3 as Raw, call::Call, error::Error, operation::Transaction};

/// Where it is, on each chain where its author's transaction was sent: <https://github.com/mds1/multicall3>.
pub const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");

/// The hash of its code.
const CODE_HASH: B256 = b256!("d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891");

/// Whether the chain has it, with the code that is known.
///
/// # Errors
/// [`Error::Rpc`].
pub async fn exists(provider: &impl Provider) -> Result<bool, Error> {
    Ok(keccak256(provider.get_code_at(MULTICALL3).await?) == CODE_HASH)
}

/// The transaction that makes some calls, each with the gas that it needs by itself; none if there are no calls, or one sends ETH.
///
/// What it needs is at least the sum of these: a simulation cannot tell, because it succeeds also if calls in it run out of gas.
pub fn batch<P: Provider + Clone>(calls: &[(Call<P>, u64)]) -> Option<Call<P>> {
    let (first, _) = calls.first()?;
    if calls.iter().any(|(call, _)| !call.value().is_zero()) {
        return None;
    }
    let one = |(call, _): &(Call<P>, u64)| Raw::Call3 {
        target: call.to(),
        allowFailure: true,
        callData: call.input().clone(),
    };
    let call = Raw::aggregate3Call { calls: calls.iter().map(one).collect() };
    let mut contracts: Vec<_> = calls.iter().flat_map(|(call, _)| call.contracts()).copied().collect();
    contracts.sort_unstable();
    contracts.dedup();
    let transaction =
        Transaction::new(first.transaction().contract, MULTICALL3, levee_model::Wei::ZERO, &call);
    let gas = calls.iter().fold(0u64, |sum, (_, gas)| sum.saturating_add(*gas));
    Some(Call::of(first.provider().clone(), transaction, contracts).needing(gas))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Contracts,
        model::{Asset, Operation, PositionId, Wei},
    };
    use alloy::{network::Ethereum, providers::ProviderBuilder, sol_types::SolCall};

    #[test]
    fn a_batch_makes_calls_that_may_fail() {
        let provider = ProviderBuilder::<_, _, Ethereum>::default().connect_mocked_client(Default::default());
        let [escrow, recovery, bonus] = [1, 2, 3].map(Address::repeat_byte);
        let contracts = Contracts { escrow, recovery, bonus, router: None };
        let call = |byte: u8, value| {
            let id = PositionId { pledger: Address::repeat_byte(byte), tier: 1, asset: Asset::StEth };
            let refund = contracts.transaction(Operation::Refund(id)).unwrap();
            Call::of(provider.clone(), Transaction { value: Wei::new(value), ..refund }, vec![escrow])
        };
        let calls = [(call(7, 0), 60_000), (call(8, 0), 70_000)];
        let batch = super::batch(&calls).unwrap();
        assert_eq!((batch.to(), batch.value(), batch.contracts()), (MULTICALL3, Wei::ZERO, &[escrow][..]));
        assert_eq!(batch.least_gas(), 130_000);
        let made = Raw::aggregate3Call::abi_decode_validate(batch.input()).unwrap().calls;
        let made: Vec<_> =
            made.into_iter().map(|call| (call.target, call.allowFailure, call.callData)).collect();
        assert_eq!(made, calls.map(|(call, _)| (escrow, true, call.input().clone())));
        assert!(super::batch::<alloy::providers::DynProvider>(&[]).is_none());
        assert!(super::batch(&[(call(7, 1), 1)]).is_none(), "it sends ETH");
    }
}
