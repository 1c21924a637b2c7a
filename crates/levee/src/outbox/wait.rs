//! Waiting until a transaction is in a block, deep enough.

use std::time::Duration;

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::B256,
    providers::Provider,
    rpc::types::{Header, TransactionReceipt, TransactionRequest},
};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    Outbox, failure,
    journal::{Journal, Signed, SignedState},
    nonce::difference,
};
use crate::{call::Executed, error::Error, event::Event, safe};

/// How long a transaction is waited for by default: about fifteen blocks on Ethereum.
pub const WAIT_LIMIT: Duration = Duration::from_secs(180);

/// How long to wait before looking again: the first delay, because a local chain has the receipt at once, and the longest, a
/// third of an Ethereum block. Each delay is twice the one before.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(5);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// How long a pause is before the nonce is also looked at: not at the first looks, which are in quick succession.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a transaction is in no block before it is broadcast again, in case the node has dropped it.
const REBROADCAST_PAUSE: Duration = Duration::from_secs(24);

/// How deep a transaction must be before it counts as included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Confirmations {
    /// This many blocks of the canonical chain, its own included.
    Blocks(u64),
    /// In a finalized block.
    Finalized,
}

impl Default for Confirmations {
    fn default() -> Self {
        Self::Blocks(1)
    }
}

impl<P: Provider + Clone, J: Journal> Outbox<P, J> {
    /// Waits until a transaction, or one that replaced it with the same nonce, is included in a block and deep enough; and
    /// records it. The node may fail to answer meanwhile.
    ///
    /// # Errors
    /// [`Error::NotMined`] if the limit passes first, [`Error::FailedInBlock`], [`Error::NonceUsed`] if a foreign transaction
    /// has its nonce for good, [`Error::Malformed`], [`Error::Journal`].
    pub async fn confirm(&self, signed: &Signed) -> Result<Executed, Error> {
        let (transaction, waited) = (signed.hash, self.wait_limit);
        let (signed, receipt) = tokio::time::timeout(waited, self.watch(signed))
            .await
            .map_err(|_| Error::NotMined { transaction, waited })??;
        self.book(&signed, &receipt).await?;
        if has_succeeded(&signed, &receipt)? {
            executed(&signed, &receipt)
        } else {
            Err(Error::FailedInBlock { transaction: signed.hash })
        }
    }

    /// Records what became of a transaction, and that it is the only one with its nonce.
    async fn book(&self, signed: &Signed, receipt: &TransactionReceipt) -> Result<(), Error> {
        let has_succeeded = has_succeeded(signed, receipt)?;
        for attempt in self.attempts(signed).await? {
            let state = match (attempt.hash == signed.hash, has_succeeded) {
                (true, true) => SignedState::Included,
                (true, false) => SignedState::Failed,
                (false, _) => SignedState::Replaced,
            };
            self.journal.mark(attempt.hash, state).await?;
        }
        Ok(())
    }

    async fn book_overtaken(&self, signed: &Signed) -> Result<(), Error> {
        for attempt in self.attempts(signed).await? {
            self.journal.mark(attempt.hash, SignedState::Replaced).await?;
        }
        Ok(())
    }

    /// Whether a pending transaction has come to its end, without waiting for it. Records it.
    pub(super) async fn is_settled(&self, signed: &Signed) -> Result<bool, Error> {
        if let Some((included, receipt)) = self.included(signed, Confirmations::default()).await? {
            self.book(&included, &receipt).await?;
            return Ok(true);
        }
        let is_overtaken = self.is_overtaken(signed).await?;
        if is_overtaken {
            self.book_overtaken(signed).await?;
        }
        Ok(is_overtaken)
    }

    async fn watch(&self, signed: &Signed) -> Result<(Signed, TransactionReceipt), Error> {
        let (mut pause, mut broadcast_at) = (FIRST_PAUSE, Instant::now());
        loop {
            if let Some(found) = self.included(signed, self.confirmations).await? {
                return Ok(found);
            }
            if pause > PATIENCE && self.is_overtaken(signed).await? {
                let (account, nonce, transaction) = (self.account, signed.nonce, signed.hash);
                self.book_overtaken(signed).await?;
                return Err(Error::NonceUsed { account, nonce, transaction });
            }
            if broadcast_at.elapsed() >= REBROADCAST_PAUSE {
                broadcast_at = Instant::now();
                // Its answer is of no interest: the transaction is included or not.
                drop(self.broadcast_again(signed).await);
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// The transaction, or its replacement, that is included and as deep as `depth`. A failure must be proven.
    pub(super) async fn included(
        &self,
        signed: &Signed,
        depth: Confirmations,
    ) -> Result<Option<(Signed, TransactionReceipt)>, Error> {
        for attempt in self.attempts(signed).await? {
            let Some((receipt, header)) = self.deep_receipt(attempt.hash, depth).await else { continue };
            if has_succeeded(&attempt, &receipt)?
                || failure::is_proven(&self.provider, self.chain, &receipt, &header).await
            {
                return Ok(Some((attempt, receipt)));
            }
        }
        Ok(None)
    }

    /// With the header of its block. None also if the node does not answer now: it may the next time.
    async fn deep_receipt(
        &self,
        transaction: B256,
        depth: Confirmations,
    ) -> Option<(TransactionReceipt, Header)> {
        let receipt = self.provider.get_transaction_receipt(transaction).await.ok()??;
        let (number, hash) = (receipt.block_number?, receipt.block_hash?);
        if receipt.transaction_hash != transaction {
            return None;
        }
        let header = self.provider.get_block(BlockId::number(number)).await.ok()??.header;
        (header.hash == hash && self.is_deep(number, depth).await?).then_some((receipt, header))
    }

    async fn is_deep(&self, number: u64, depth: Confirmations) -> Option<bool> {
        match depth {
            Confirmations::Blocks(0 | 1) => Some(true),
            Confirmations::Blocks(depth) => {
                let latest = self.provider.get_block_number().await.ok()?;
                let blocks = latest.checked_sub(number)?.saturating_add(1);
                Some(blocks >= depth)
            }
            Confirmations::Finalized => {
                let finalized = self.provider.get_block(BlockId::finalized()).await.ok()??;
                Some(finalized.header.number >= number)
            }
        }
    }

    /// Whether a foreign transaction has its nonce for good. A block that can still be reorganized proves nothing, and neither
    /// does an answer that does not come, or a number of transactions without the one in question. A transaction that makes the same
    /// call is not foreign: a wallet may have sent it again at a higher price. It is followed instead, unless another intent has it.
    async fn is_overtaken(&self, signed: &Signed) -> Result<bool, Error> {
        if !self.count(BlockId::latest()).await.is_ok_and(|used| used > signed.nonce) {
            return Ok(false);
        }
        let attempts = self.attempts(signed).await?;
        for attempt in &attempts {
            if !matches!(self.provider.get_transaction_receipt(attempt.hash).await, Ok(None)) {
                return Ok(false);
            }
        }
        let Some(found) = self.at_nonce(signed.nonce).await else { return Ok(false) };
        if attempts.iter().any(|attempt| attempt.hash == *found.tx_hash()) {
            return Ok(false);
        }
        let request = TransactionRequest::from_transaction(signed.transaction()?).with_from(self.account);
        if difference(&request, &found).is_none() && !self.is_followed(*found.tx_hash()).await? {
            self.journal.record(&Signed::new(signed.intent, &signed.step, &signed.contracts, &found)).await?;
            return Ok(false);
        }
        Ok(self.deep_receipt(*found.tx_hash(), Confirmations::Finalized).await.is_some())
    }

    /// Whether the journal has a transaction already.
    pub(super) async fn is_followed(&self, transaction: B256) -> Result<bool, Error> {
        let followed = self.journal.followed(self.chain, self.account).await?;
        Ok(followed.iter().any(|signed| signed.hash == transaction))
    }

    /// The transactions of which at most one is included: it, what it replaced, and what replaced it.
    pub(super) async fn attempts(&self, signed: &Signed) -> Result<Vec<Signed>, Error> {
        let mut attempts = self.journal.transactions(signed.intent).await?;
        attempts.retain(|other| (other.nonce, &other.step) == (signed.nonce, &signed.step));
        Ok(attempts)
    }
}

/// Whether a transaction did what it is for. A Safe may go on although the call failed that it was to make.
fn has_succeeded(signed: &Signed, receipt: &TransactionReceipt) -> Result<bool, Error> {
    Ok(receipt.status() && !safe::failed_inside(&signed.transaction()?, receipt))
}

fn executed(signed: &Signed, receipt: &TransactionReceipt) -> Result<Executed, Error> {
    let logs = receipt.logs().iter().filter(|log| signed.contracts.contains(&log.address()));
    Ok(Executed {
        transaction: signed.hash,
        block: receipt.block_number.ok_or(Error::Malformed { what: "a receipt" })?,
        gas_used: receipt.gas_used,
        events: logs.map(|log| Event::decode(&log.inner)).collect::<Result<_, _>>()?,
    })
}
