//! Collects evidence from a node.

use alloy::{
    eips::BlockId,
    primitives::Bytes,
    providers::Provider,
    rpc::types::{EIP1186AccountProofResponse, Header},
    sol_types::SolValue,
};
use futures_util::future::try_join_all;
use levee_model::Timestamp;

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
        self.ask_if(provider, async |_, _, _| Ok(())).await
    }

    /// Like [`ask`](Self::ask), if `accept` finds the block worth proofs. It is given the ID of the chain, which the node says it
    /// is on, and the number and the time of the block.
    ///
    /// # Errors
    /// Those of [`ask`](Self::ask) and of `accept`.
    pub async fn ask_if(
        &self,
        provider: &impl Provider,
        accept: impl AsyncFn(u64, u64, Timestamp) -> Result<(), Error>,
    ) -> Result<Evidence, Error> {
        for _ in 1..TRIES {
            match self.collect(provider, &accept).await {
                // Another block may do, unless it is this one that is asked about.
                Err(Error::Rpc { .. }) if self.block_hash.is_none() => {}
                collected => return collected,
            }
        }
        self.collect(provider, &accept).await
    }

    async fn collect(
        &self,
        provider: &impl Provider,
        accept: &impl AsyncFn(u64, u64, Timestamp) -> Result<(), Error>,
    ) -> Result<Evidence, Error> {
        let header = self.header(provider).await?;
        let at = BlockId::hash(header.hash);
        let (views, identity) = self.query().reading(provider, self.chain, at).await?;
        accept(identity.chain, header.inner.number, header.inner.timestamp).await?;
        let plan = Plan::of(self, &identity)?;
        let (proofs, tokens) =
            futures_util::try_join!(proofs(&plan, provider, at), self.tokens(&plan, provider, at))?;
        Ok(Evidence { header, views: encoded(&views), tokens, proofs })
    }

    /// The header of the block, with the hash that it has.
    async fn header(&self, provider: &impl Provider) -> Result<Header, Error> {
        let block = self.block_hash.map_or(BlockId::latest(), BlockId::hash);
        let found = provider.get_block(block).await?;
        let missing = self
            .block_hash
            .map_or(Error::Malformed { what: "a block" }, |hash| ProofError::NoBlock { hash }.into());
        let header = found.ok_or(missing)?.header;
        check_hash(&header, self.block_hash)?;
        Ok(header)
    }

    /// What the tokens say that the escrow has.
    async fn tokens(
        &self,
        plan: &Plan,
        provider: &impl Provider,
        at: BlockId,
    ) -> Result<Option<Bytes>, Error> {
        if !plan.has_tokens() {
            return Ok(None);
        }
        let query = Query::of(self.rescue).account(self.rescue);
        query.reading(provider, self.chain, at).await.map(|(reading, _)| Some(encoded(&reading)))
    }

    fn query(&self) -> Query {
        let query = Query::of(self.rescue);
        self.account.map_or(query, |account| query.account(account))
    }
}

async fn proofs(
    plan: &Plan,
    provider: &impl Provider,
    at: BlockId,
) -> Result<Vec<EIP1186AccountProofResponse>, Error> {
    let proofs = plan.accounts().map(async |planned| {
        let slots = planned.places.iter().map(|place| place.slot).collect();
        provider.get_proof(planned.address, slots).block_id(at).await.map_err(Error::from)
    });
    try_join_all(proofs).await
}

fn encoded(reading: &Reading) -> Bytes {
    reading.abi_encode().into()
}
