//! What anyone can do now for the money in a receiver.

use alloy::{
    primitives::{Address, Bytes, U256},
    providers::Provider,
    sol_types::SolCall,
};
use levee_model::Wei;
use serde::{Serialize, Serializer};

use super::{
    Receiver,
    state::{ReceiverState, Unwinding},
};
use crate::{
    bindings::{DebtRepayer as R, StakedEtherUnwinder as U},
    call::Call,
    error::Error,
    operation::Transaction,
};

/// How many requests one call of an unwinder makes at most; a constant of the contract.
const REQUESTS_PER_CALL: u128 = 32;
/// How many requests are claimed at once. Each costs about 42,000 gas, so that a call stays far below what a transaction can use.
const CLAIMS_PER_CALL: usize = 100;
/// More calls for requests than anybody needs, 3.2 million stETH: a bound for what a false queue says.
const MOST_CALLS: u128 = 100;

/// A call that moves what a receiver holds, or what waits for it, to where it belongs. Anyone can make it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "call", rename_all_fields = "camelCase")]
pub enum ReceiverCall {
    /// A repayer repays the debt with all its ETH and WETH, and sends what is above it to `rest`.
    Repay,
    /// A repayer sends all of a token to `rest`.
    ForwardToken {
        /// The token.
        #[serde(with = "levee_model::json::Account")]
        token: Address,
    },
    /// An unwinder claims finalized requests, and sends all ETH to the recipient.
    Claim {
        /// Their IDs, which ascend.
        #[serde(serialize_with = "numbers")]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
        request_ids: Vec<U256>,
        /// The checkpoint of each.
        #[serde(serialize_with = "numbers")]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
        hints: Vec<U256>,
    },
    /// An unwinder sends all ETH to the recipient.
    Forward,
    /// An unwinder unwraps all wstETH and requests the withdrawal of all stETH, up to 32 requests.
    Request,
}

/// What can be done now for a receiver, in an order in which all of it succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReceiverPlan {
    /// The calls.
    pub calls: Vec<ReceiverCall>,
    /// What waits, because a call would fail now.
    pub held_up: Vec<HeldUp>,
}

/// A call that would move something, but fails now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeldUp {
    /// The call.
    #[serde(flatten)]
    pub call: ReceiverCall,
    /// Why it fails.
    #[serde(serialize_with = "text")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub reason: Error,
}

fn numbers<S: Serializer>(numbers: &[U256], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(numbers.iter().map(ToString::to_string))
}

fn text<S: Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}

impl ReceiverCall {
    /// The call's data.
    fn encoded(&self) -> Bytes {
        match self {
            Self::Repay => R::repayCall {}.abi_encode(),
            Self::ForwardToken { token } => R::forwardCall { token: *token }.abi_encode(),
            Self::Claim { request_ids, hints } => {
                U::claimCall { requestIds: request_ids.clone(), hints: hints.clone() }.abi_encode()
            }
            Self::Forward => U::forwardCall {}.abi_encode(),
            Self::Request => U::requestCall {}.abi_encode(),
        }
        .into()
    }
}

impl Receiver {
    /// A call of the receiver at `at`.
    pub fn call<P: Provider + Clone>(&self, provider: &P, at: Address, call: &ReceiverCall) -> Call<P> {
        let (contract, value, input) = (self.blueprint().contract(), Wei::ZERO, call.encoded());
        Call::of(provider.clone(), Transaction { contract, to: at, value, input }, vec![at])
    }

    /// What `from` can do now for the receiver at `at`, which was found in `state`. Each call is simulated by itself, so that one
    /// that fails, as while a pool or a queue is paused, does not hold up the others.
    ///
    /// # Errors
    /// [`Error::Rpc`].
    pub async fn plan<P: Provider + Clone>(
        &self,
        provider: &P,
        at: Address,
        state: &ReceiverState,
        from: Address,
    ) -> Result<ReceiverPlan, Error> {
        let mut plan = ReceiverPlan { calls: Vec::new(), held_up: Vec::new() };
        for call in state.moving() {
            // What is left after a call has the same fate.
            if plan.calls.last() == Some(&call) {
                plan.calls.push(call);
                continue;
            }
            match self.call(provider, at, &call).simulate(from).await {
                Ok(_) => plan.calls.push(call),
                Err(error) if error.is_unanswered() => return Err(error),
                // What is here has been moved on by a transaction that waits for its block.
                Err(Error::ReceiverRefused(refusal)) if refusal.finds_nothing() => {}
                Err(_) if plan.held_up.last().is_some_and(|held_up| held_up.call == call) => {}
                Err(reason) => plan.held_up.push(HeldUp { call, reason }),
            }
        }
        plan.leave_out_what_a_claim_does();
        Ok(plan)
    }
}

impl ReceiverPlan {
    /// A claim forwards all ETH: nothing would be left for the call that does only that.
    fn leave_out_what_a_claim_does(&mut self) {
        if self.calls.iter().any(|call| matches!(call, ReceiverCall::Claim { .. })) {
            self.calls.retain(|call| *call != ReceiverCall::Forward);
        }
    }
}

impl ReceiverState {
    /// The calls that have something to move, whether they succeed or not.
    fn moving(&self) -> Vec<ReceiverCall> {
        match &self.queue {
            None => self.repaying().into_iter().chain(self.forwarding()).collect(),
            Some(unwinding) => {
                let forward = (!self.balance.is_zero()).then_some(ReceiverCall::Forward);
                unwinding.claims().chain(forward).chain(unwinding.requests()).collect()
            }
        }
    }

    fn repaying(&self) -> Option<ReceiverCall> {
        let has_any = !self.balance.is_zero() || !self.balance_of("WETH").is_zero();
        has_any.then_some(ReceiverCall::Repay)
    }

    fn forwarding(&self) -> impl Iterator<Item = ReceiverCall> + '_ {
        let movable = self.tokens.iter().filter(|held| held.movable && held.name != Some("WETH"));
        movable.map(|held| ReceiverCall::ForwardToken { token: held.token })
    }
}

impl Unwinding {
    fn claims(&self) -> impl Iterator<Item = ReceiverCall> {
        let finalized: Vec<_> = self.queue.finalized().map(|(id, pays)| (id, pays.hint)).collect();
        let claim = |requests: &[(U256, U256)]| {
            let (request_ids, hints) = requests.iter().copied().unzip();
            ReceiverCall::Claim { request_ids, hints }
        };
        finalized.chunks(CLAIMS_PER_CALL).map(claim).collect::<Vec<_>>().into_iter()
    }

    fn requests(&self) -> impl Iterator<Item = ReceiverCall> {
        let calls = self.queue.requests_of(self.requestable).div_ceil(REQUESTS_PER_CALL);
        (0..calls.min(MOST_CALLS)).map(|_| ReceiverCall::Request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::{
        queue::{Finalized, QueueState, WithdrawalRequest},
        state::HeldToken,
    };

    const ETHER: u128 = 10u128.pow(18);

    fn held(name: Option<&'static str>, byte: u8, balance: u64, movable: bool) -> HeldToken {
        HeldToken { token: Address::repeat_byte(byte), name, balance: U256::from(balance), movable }
    }

    fn unwinder(balance: u128, requestable: u128, finalized: u64) -> ReceiverState {
        let request = |id: u64| {
            let finalized = Finalized { claimable: Wei::new(5), hint: U256::from(id + 1_000) };
            let finalized = (id > 1).then_some(finalized);
            WithdrawalRequest { id: U256::from(id), amount: Wei::new(6), finalized }
        };
        let queue = QueueState {
            paused: false,
            bunker_mode: false,
            least: Wei::new(100),
            most: Wei::new(1_000 * ETHER),
            requests: (1..finalized + 2).map(request).collect(),
        };
        let queue = Some(Unwinding { requestable: Wei::new(requestable), queue });
        ReceiverState { block: 1, balance: Wei::new(balance), tokens: Vec::new(), debtor: None, queue }
    }

    #[test]
    fn a_repayer_repays_and_forwards_what_can_be_moved() {
        let state = |balance, weth, steth: bool| ReceiverState {
            block: 1,
            balance: Wei::new(balance),
            tokens: vec![
                held(Some("WETH"), 1, weth, weth > 0),
                held(Some("stETH"), 2, 1, steth),
                held(None, 3, 9, true),
            ],
            debtor: None,
            queue: None,
        };
        let forward = |byte| ReceiverCall::ForwardToken { token: Address::repeat_byte(byte) };
        assert_eq!(state(0, 0, false).moving(), [forward(3)]);
        assert_eq!(state(1, 0, true).moving(), [ReceiverCall::Repay, forward(2), forward(3)]);
        assert_eq!(state(0, 1, false).moving(), [ReceiverCall::Repay, forward(3)]);
    }

    #[test]
    fn requests_and_claims_stay_below_the_gas_of_a_transaction() {
        let calls = |requestable| unwinder(0, requestable, 0).moving().len();
        let counts = [99, 100, 32_000 * ETHER, 32_000 * ETHER + 100, 69_000 * ETHER].map(calls);
        assert_eq!(counts, [0, 1, 1, 2, 3]);
        assert_eq!(calls(u128::MAX), 100);
        let ids = |call: &ReceiverCall| match call {
            ReceiverCall::Claim { request_ids, hints } => {
                assert!(request_ids.iter().zip(hints).all(|(id, hint)| *hint == id + U256::from(1_000)));
                (request_ids[0].to::<u64>(), request_ids.len())
            }
            other => panic!("{other:?}"),
        };
        let claims = unwinder(0, 0, 250).moving();
        assert_eq!(claims.iter().map(ids).collect::<Vec<_>>(), [(2, 100), (102, 100), (202, 50)]);
    }

    #[test]
    fn a_claim_forwards_too() {
        let moving = unwinder(1, 100, 1).moving();
        let mut plan = ReceiverPlan { calls: moving.clone(), held_up: Vec::new() };
        plan.leave_out_what_a_claim_does();
        assert_eq!(plan.calls, [moving[0].clone(), ReceiverCall::Request]);
        let mut plan = ReceiverPlan { calls: moving[1..].to_vec(), held_up: Vec::new() };
        plan.leave_out_what_a_claim_does();
        assert_eq!(plan.calls, [ReceiverCall::Forward, ReceiverCall::Request]);
    }
}
