//! What shares of stETH are worth at the block that is told, which no log says before a rescue is decided: the word of a node, if the server has one.

use std::collections::BTreeMap;

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
    providers::DynProvider,
};
use levee::lido;
use levee_model::{Rate, Rescue, Status};
use tokio::sync::Mutex;

/// What shares are worth at one block, by token, as far as it was asked for; none where that is not known.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<BTreeMap<Address, Option<Rate>>>);

impl Rates {
    /// What shares are worth to a rescue at the block with this hash. Each token is asked once.
    pub(super) async fn of(&self, rescue: &Rescue, node: Option<&DynProvider>, block: B256) -> Option<Rate> {
        let (node, token) = (node?, rescue.terms().steth);
        // From then on the logs say it.
        if token.is_zero() || rescue.stored_status() != Status::Open {
            return None;
        }
        let mut known = self.0.lock().await;
        if let Some(rate) = known.get(&token) {
            return *rate;
        }
        let rate = lido::share_rate(node, token, BlockId::hash(block)).await.unwrap_or_else(|error| {
            tracing::error!(target: "serve", %token, %error, "the value of its shares is not known");
            None
        });
        known.insert(token, rate);
        rate
    }
}
