//! Collects evidence from a node.

use alloy::{eips::BlockId, primitives::Bytes, providers::Provider, sol_types::SolValue};
use futures_util::future::try_join_all;

use super::{
    Evidence, ProofError, Question,
    check::{Plan, check_hash},
};
use crate::{bindings::RescueLens::Reading, error::Error, snapshot::Query};

/// How often the latest block is taken anew when a node has lost the state of the one before: many keep it for minutes only.
const TRIES: usize = 3;

impl Question {
    /// Collects from a node what answers the question. The question is not answered before the evidence is
    /// [checked](Evidence::check).
    ///
    /// This takes five requests for a rescue in ETH only, and eight for one with tokens.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is no such block; [`Error::Rpc`] if the node gives no proofs, or no longer of this block;
    /// those of [`Query::read_at`].
    pub async fn ask(&self, provider: &impl Provider) -> Result<Evidence, Error> {
        for _ in 1..TRIES {
            match self.collect(provider).await {
                // Another block may do, unless it is this one that is asked about.
                Err(Error::Rpc { .. }) if self.block_hash.is_none() => {}
                collected => return collected,
            }
        }
        self.collect(provider).await
    }

    async fn collect(&self, provider: &impl Provider) -> Result<Evidence, Error> {
        let block = self.block_hash.map_or(BlockId::latest(), BlockId::hash);
        let found = provider.get_block(block).await?;
        let missing = self
            .block_hash
            .map_or(Error::Malformed { what: "a block" }, |hash| ProofError::NoBlock { hash }.into());
        let header = found.ok_or(missing)?.header;
        check_hash(&header, self.block_hash)?;
        let at = BlockId::hash(header.hash);
        let (views, identity) = self.query().reading(provider, self.chain, at).await?;
        let plan = Plan::of(self, &identity)?;
        let proofs = plan.accounts().map(async |planned| {
            let slots = planned.places.iter().map(|place| place.slot).collect();
            provider.get_proof(planned.address, slots).block_id(at).await.map_err(Error::from)
        });
        let tokens = async {
            if !plan.has_tokens() {
                return Ok(None);
            }
            let query = Query::of(self.rescue).account(self.rescue);
            query.reading(provider, self.chain, at).await.map(|(reading, _)| Some(encoded(&reading)))
        };
        let (proofs, tokens) = futures_util::try_join!(try_join_all(proofs), tokens)?;
        Ok(Evidence { header, views: encoded(&views), tokens, proofs })
    }

    fn query(&self) -> Query {
        let query = Query::of(self.rescue);
        self.account.map_or(query, |account| query.account(account))
    }
}

fn encoded(reading: &Reading) -> Bytes {
    reading.abi_encode().into()
}
