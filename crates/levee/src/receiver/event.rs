//! What a receiver did, from its logs.

use alloy::{
    primitives::{Address, Log, U256},
    sol_types::SolEventInterface,
};
use levee_model::Wei;
use serde::Serialize;

use crate::{
    bindings::{DebtRepayer::DebtRepayerEvents, StakedEtherUnwinder::StakedEtherUnwinderEvents},
    convert,
    error::Error,
};

/// An event of a receiver. Both receivers have a `Forwarded`, and a recovery pool has a `Repaid`, so the names say more than the
/// contracts'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all_fields = "camelCase")]
pub enum ReceiverEvent {
    /// A repayer repaid.
    DebtRepaid {
        /// What was owed before.
        #[serde(rename = "debtWei")]
        debt: Wei,
        /// What the pool took of it.
        #[serde(rename = "repaidWei")]
        repaid: Wei,
        /// What was above the debt, and went to the account of that name as WETH.
        #[serde(rename = "restWei")]
        rest: Wei,
    },
    /// A repayer sent a token to `rest`.
    TokenForwarded {
        /// The token.
        #[serde(with = "levee_model::json::Account")]
        token: Address,
        /// How much, in its own unit.
        #[serde(with = "levee_model::json::Number")]
        amount: U256,
    },
    /// An unwinder put stETH into Lido's withdrawal queue.
    WithdrawalRequested {
        /// How much stETH, in wei.
        #[serde(rename = "amountWei")]
        amount: Wei,
        /// In how many requests.
        requests: u64,
    },
    /// An unwinder sent ETH to its recipient.
    EtherForwarded {
        /// How much.
        #[serde(rename = "amountWei")]
        amount: Wei,
    },
}

impl ReceiverEvent {
    /// Reads a log of a receiver.
    pub(crate) fn decode(log: &Log) -> Result<Self, Error> {
        match DebtRepayerEvents::decode_log(log) {
            Ok(log) => Self::of_repayer(log.data),
            Err(_) => Self::of_unwinder(log),
        }
    }

    fn of_repayer(event: DebtRepayerEvents) -> Result<Self, Error> {
        Ok(match event {
            DebtRepayerEvents::Repaid(event) => Self::DebtRepaid {
                debt: convert::wei(event.debt)?,
                repaid: convert::wei(event.repaid)?,
                rest: convert::wei(event.rest)?,
            },
            DebtRepayerEvents::Forwarded(event) => {
                Self::TokenForwarded { token: event.token, amount: event.amount }
            }
        })
    }

    fn of_unwinder(log: &Log) -> Result<Self, Error> {
        let what = "an event";
        let event = StakedEtherUnwinderEvents::decode_log(log).map_err(|_| Error::Malformed { what })?;
        Ok(match event.data {
            StakedEtherUnwinderEvents::Requested(event) => Self::WithdrawalRequested {
                amount: convert::wei(event.amount)?,
                requests: convert::narrow(event.requests, what)?,
            },
            StakedEtherUnwinderEvents::Forwarded(event) => {
                Self::EtherForwarded { amount: convert::wei(event.amount)? }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bindings::{DebtRepayer, StakedEtherUnwinder},
        event::Event,
    };
    use alloy::sol_types::SolEvent;
    use serde_json::json;

    fn written(event: &impl SolEvent) -> serde_json::Value {
        let log = Log { address: Address::repeat_byte(1), data: event.encode_log_data() };
        serde_json::to_value(Event::decode(&log).unwrap()).unwrap()
    }

    #[test]
    fn events_of_receivers_are_told_apart() {
        let number = U256::from;
        let token = Address::repeat_byte(0x22);
        let repaid = DebtRepayer::Repaid { debt: number(1), repaid: number(2), rest: number(3) };
        let expected = json!({ "event": "DebtRepaid", "debtWei": "1", "repaidWei": "2", "restWei": "3" });
        assert_eq!(written(&repaid), expected);
        let forwarded = DebtRepayer::Forwarded { token, amount: number(4) };
        let expected = json!({ "event": "TokenForwarded", "token": token.to_string(), "amount": "4" });
        assert_eq!(written(&forwarded), expected);
        let requested = StakedEtherUnwinder::Requested { amount: number(5), requests: number(6) };
        let expected = json!({ "event": "WithdrawalRequested", "amountWei": "5", "requests": 6 });
        assert_eq!(written(&requested), expected);
        let forwarded = StakedEtherUnwinder::Forwarded { amount: number(7) };
        assert_eq!(written(&forwarded), json!({ "event": "EtherForwarded", "amountWei": "7" }));
    }
}
