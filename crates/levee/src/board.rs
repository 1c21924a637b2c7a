//! The board of declarations: what contributors say of pledges that they have not locked yet.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry as Slot},
    fmt,
};

use alloy::{
    dyn_abi::TypedData,
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, Log, U256},
    providers::Provider,
    rpc::types::{
        Filter, Log as RpcLog, TransactionRequest,
        state::{StateOverride, StateOverridesBuilder},
    },
    sol_types::{Eip712Domain, SolCall, SolEvent, SolEventInterface, SolInterface, SolStruct},
};
use levee_model::{
    PositionView, Rate, Timestamp, Wei,
    display::{ether, utc},
    prorata,
};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    Entry,
    bindings::PledgeBoard::{self as Raw, PledgeBoardErrors, PledgeBoardEvents},
    blueprint::{Blueprint, Contract},
    call::Call,
    convert, error, history,
    history::History,
    operation::Transaction,
    rpc,
    safe::Safe,
    scan::{self, Begin, ScanStore, Search},
    signature::{self, Form},
    signer::{AccountSigner, sign_typed_data},
    terms::seconds,
};

/// The most that can be declared: what the target of a rescue can be at most.
pub const MAX_AMOUNT: Wei = Wei::new((1 << 96) - 1);

/// The most bytes that a link can have.
pub const MAX_LINK: usize = 256;

/// What a contributor signs, by EIP-712.
mod message {
    alloy::sol! {
        #[derive(serde::Serialize)]
        struct Declaration {
            address contributor;
            address escrow;
            uint8 stage;
            uint8 tier;
            uint256 amount;
            uint40 expiry;
            uint40 madeAt;
            string link;
        }
    }
}

/// How far a contributor has come on the way to a pledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Stage {
    /// It means to help; how much may be unknown.
    Expressed,
    /// The amount is before whoever decides for it.
    Proposed,
    /// The decision is taken; the pledge is to follow.
    Approved,
    /// It no longer stands by what it declared before.
    Withdrawn,
}

impl Stage {
    /// All of them, in the contract's order.
    pub const ALL: [Self; 4] = [Self::Expressed, Self::Proposed, Self::Approved, Self::Withdrawn];

    /// Whether the amount may be left out.
    pub const fn may_be_unknown(self) -> bool {
        matches!(self, Self::Expressed | Self::Withdrawn)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.into())
    }
}

/// What a contributor says about one tier of one rescue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Declaration {
    /// The rescue, which may be yet to be created.
    #[serde(rename = "rescue", with = "levee_model::json::Account")]
    pub escrow: Address,
    /// How far the contributor has come.
    pub stage: Stage,
    /// The tier, counted from 0.
    pub tier: u8,
    /// Value in ETH, whatever the asset; none for unknown.
    #[serde(rename = "amountWei")]
    pub amount: Option<Wei>,
    /// The last second at which it stands.
    #[serde(rename = "expiryUnix")]
    pub expiry: Timestamp,
    /// Where to read about it, at most [`MAX_LINK`] bytes; may be empty.
    pub link: String,
}

impl Declaration {
    /// Finds the rule that the board would refuse it by at `time`, before it is signed or the board is asked.
    ///
    /// # Errors
    /// [`BoardError::DeclarationExpired`], [`BoardError::AmountOutOfBounds`], [`BoardError::LinkTooLong`].
    pub fn check(&self, time: Timestamp) -> Result<(), BoardError> {
        if self.expiry < time {
            return Err(BoardError::DeclarationExpired { expiry: self.expiry, time });
        }
        let minimum = Wei::new(u128::from(!self.stage.may_be_unknown()));
        let amount = self.amount.unwrap_or_default();
        if amount < minimum || amount > MAX_AMOUNT {
            return Err(BoardError::AmountOutOfBounds { amount, minimum, maximum: MAX_AMOUNT });
        }
        if self.link.len() > MAX_LINK {
            return Err(BoardError::LinkTooLong { length: self.link.len() as u64, limit: MAX_LINK as u64 });
        }
        Ok(())
    }
}

/// A declaration that its contributor signed, for anyone to bring to the board of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedDeclaration {
    /// Whose it is.
    #[serde(with = "levee_model::json::Account")]
    pub contributor: Address,
    /// What was signed.
    #[serde(flatten)]
    pub declaration: Declaration,
    /// When.
    #[serde(rename = "madeAtUnix")]
    pub made_at: Timestamp,
    /// 65 bytes of an account's key, or whatever the contributor's contract accepts by EIP-1271.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub signature: Bytes,
}

/// A declaration that is yet to be signed, and exactly what is signed for it.
#[derive(Debug, Clone)]
pub struct PreparedDeclaration {
    contributor: Address,
    declaration: Declaration,
    made_at: Timestamp,
    data: TypedData,
    digest: B256,
    safe_message: Option<B256>,
}

impl PreparedDeclaration {
    /// What the board calls it by.
    pub const fn digest(&self) -> B256 {
        self.digest
    }

    /// The message hash of the Safe that declares, which is then what is signed.
    pub const fn safe_message(&self) -> Option<B256> {
        self.safe_message
    }
}

/// A declaration on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Declared {
    /// Whose it is.
    #[serde(with = "levee_model::json::Account")]
    pub contributor: Address,
    /// What it says.
    #[serde(flatten)]
    pub declaration: Declaration,
    /// When it was made.
    #[serde(rename = "madeAtUnix")]
    pub made_at: Timestamp,
    /// Of the signed message; none when the contributor sent the transaction itself.
    #[cfg_attr(feature = "schema", schemars(with = "Option<levee_model::json::Hash>"))]
    pub digest: Option<B256>,
}

impl Declared {
    /// Whether it stands instead of what was logged before it.
    fn replaces(&self, before: &Self) -> bool {
        // Anyone can bring a signed statement again in the second in which it was withdrawn.
        let was_withdrawn = before.declaration.stage == Stage::Withdrawn;
        let is_withdrawn = self.declaration.stage == Stage::Withdrawn;
        self.made_at > before.made_at || self.made_at == before.made_at && (is_withdrawn || !was_withdrawn)
    }
}

/// An event of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event")]
pub enum BoardEvent {
    /// Somebody declared something.
    Declared(Declared),
    /// A signed declaration can no longer be submitted.
    Revoked {
        /// Whose it is.
        #[serde(with = "levee_model::json::Account")]
        contributor: Address,
        /// Of the message.
        #[serde(with = "levee_model::json::Hash")]
        digest: B256,
    },
}

/// An error of the board, one variant for each, under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum BoardError {
    /// The amount is out of bounds; the minimum is 0 or 1, by stage.
    #[error("the amount {} is not between {} and {}", ether(*.amount), ether(*.minimum), ether(*.maximum))]
    AmountOutOfBounds {
        /// The amount.
        #[serde(rename = "amountWei")]
        amount: Wei,
        /// The smallest.
        #[serde(rename = "minimumWei")]
        minimum: Wei,
        /// The largest.
        #[serde(rename = "maximumWei")]
        maximum: Wei,
    },
    /// The link is too long.
    #[error("the link is {length} bytes long, more than the limit of {limit}")]
    LinkTooLong {
        /// Its bytes.
        #[serde(rename = "lengthBytes")]
        length: u64,
        /// The most.
        #[serde(rename = "limitBytes")]
        limit: u64,
    },
    /// The expiry is before the block's time.
    #[error("the declaration expired at {}, and it is now {}", utc(*.expiry), utc(*.time))]
    DeclarationExpired {
        /// The expiry.
        #[serde(rename = "expiryUnix")]
        expiry: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// It was made after the block's time.
    #[error("the declaration is dated {}, but it is only {}", utc(*.made_at), utc(*.time))]
    MadeInTheFuture {
        /// When it was made.
        #[serde(rename = "madeAtUnix")]
        made_at: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// The message was declared or revoked already.
    #[error("the declaration `{digest}` of `{contributor}` was already submitted or revoked")]
    DigestSpent {
        /// Whose it is.
        #[serde(with = "levee_model::json::Account")]
        contributor: Address,
        /// Of the message.
        #[serde(with = "levee_model::json::Hash")]
        digest: B256,
    },
    /// The signature is not the contributor's.
    #[error("the signature of the declaration `{digest}` is not by `{contributor}`")]
    SignatureInvalid {
        /// Whose it should be.
        #[serde(with = "levee_model::json::Account")]
        contributor: Address,
        /// Of the message.
        #[serde(with = "levee_model::json::Hash")]
        digest: B256,
    },
}

/// A client of one chain's board, whether it was created yet or not: see [`blueprint`](Self::blueprint).
#[derive(Debug, Clone)]
pub struct Board<P> {
    provider: P,
    blueprint: Blueprint,
    address: Address,
    chain_id: u64,
    block: BlockId,
}

impl<P: Provider + Clone> Board<P> {
    /// The board of the chain `chain_id`, which `provider` must be on.
    pub fn new(provider: P, chain_id: u64) -> Self {
        let blueprint = Blueprint::board();
        Self { provider, address: blueprint.address(), blueprint, chain_id, block: BlockId::latest() }
    }

    /// The same board, read at the end of a block instead of the latest.
    #[must_use]
    pub fn at(self, block: impl Into<BlockId>) -> Self {
        Self { block: block.into(), ..self }
    }

    /// Where it is, or will be, on every chain.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// To create it with, or to find out whether it is there.
    pub const fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Declares for the sender, at the block's time.
    ///
    /// # Errors
    /// [`Error::Unencodable`](error::Error::Unencodable) when the expiry is beyond 40 bits.
    pub fn declare(&self, declaration: &Declaration) -> Result<Call<P>, error::Error> {
        Ok(self.call(&Raw::declareCall { declaration: encode(declaration)? }))
    }

    /// Declares for whoever signed.
    ///
    /// # Errors
    /// [`Error::Unencodable`](error::Error::Unencodable) when a time is beyond 40 bits.
    pub fn declare_for(&self, signed: &SignedDeclaration) -> Result<Call<P>, error::Error> {
        Ok(self.call(&Raw::declareForCall {
            contributor: signed.contributor,
            declaration: encode(&signed.declaration)?,
            madeAt: seconds(signed.made_at, "time of the declaration")?,
            signature: signed.signature.clone(),
        }))
    }

    /// Revokes a signed declaration of the sender, so that it can no longer be submitted.
    pub fn revoke(&self, digest: B256) -> Call<P> {
        self.call(&Raw::revokeCall { digest })
    }

    /// Whether the message of this digest was declared or revoked by `contributor`.
    ///
    /// # Errors
    /// [`Error::Rpc`](error::Error::Rpc), [`Error::Malformed`](error::Error::Malformed), also where there is no board.
    pub async fn is_spent(&self, contributor: Address, digest: B256) -> Result<bool, error::Error> {
        let call = Raw::isSpentCall { contributor, digest };
        rpc::read(&self.provider, self.address, &call, self.block).await
    }

    /// The EIP-712 digest that `contributor` signs to declare this on this chain; computed here, without the board.
    ///
    /// # Errors
    /// [`Error::Unencodable`](error::Error::Unencodable) when a time is beyond 40 bits.
    pub fn digest(
        &self,
        contributor: Address,
        declaration: &Declaration,
        made_at: Timestamp,
    ) -> Result<B256, error::Error> {
        Ok(message(contributor, declaration, made_at)?.eip712_signing_hash(&self.domain()))
    }

    /// What `account` signs for a declaration of `contributor`: its own, or that of a contract wallet. For a Safe it is the Safe's
    /// own message.
    ///
    /// # Errors
    /// As [`digest`](Self::digest); [`Error::NoWallet`](error::Error::NoWallet),
    /// [`Error::SafeNeedsMore`](error::Error::SafeNeedsMore); [`Error::Rpc`](error::Error::Rpc).
    pub async fn prepare(
        &self,
        account: Address,
        contributor: Address,
        declaration: Declaration,
        made_at: Timestamp,
    ) -> Result<PreparedDeclaration, error::Error> {
        let message = message(contributor, &declaration, made_at)?;
        let digest = message.eip712_signing_hash(&self.domain());
        let safe = if contributor == account { None } else { self.safe(contributor).await? };
        let data = match &safe {
            Some(safe) => safe.require_one_signature(digest.into()).map(|()| safe.message(digest.into()))?,
            None => TypedData::from_struct(&message, Some(self.domain())),
        };
        let safe_message = safe.map(|safe| safe.message_hash(digest.into()));
        Ok(PreparedDeclaration { contributor, declaration, made_at, data, digest, safe_message })
    }

    /// Signs what was prepared for this signer. A contract wallet is asked whether it accepts the signature.
    ///
    /// # Errors
    /// [`Error::WalletRefuses`](error::Error::WalletRefuses), [`Error::BoardRefused`](error::Error::BoardRefused),
    /// [`Error::Rpc`](error::Error::Rpc); [`Error::NoTypedData`](error::Error::NoTypedData),
    /// [`Error::NotSigned`](error::Error::NotSigned), [`Error::SignerRefused`](error::Error::SignerRefused),
    /// [`Error::NotOwnSignature`](error::Error::NotOwnSignature).
    pub async fn sign_prepared(
        &self,
        signer: &dyn AccountSigner,
        prepared: PreparedDeclaration,
    ) -> Result<SignedDeclaration, error::Error> {
        let PreparedDeclaration { contributor, declaration, made_at, data, digest, .. } = prepared;
        let signature = sign_typed_data(signer, &data).await?.as_bytes().into();
        let signed = SignedDeclaration { contributor, declaration, made_at, signature };
        let refused = || error::Error::WalletRefuses { wallet: contributor, account: signer.address() };
        self.accepted(signed, digest).await?.ok_or_else(refused)
    }

    /// Signs a declaration: [`prepare`](Self::prepare), and then [`sign_prepared`](Self::sign_prepared).
    ///
    /// # Errors
    /// As both.
    pub async fn sign(
        &self,
        signer: &dyn AccountSigner,
        contributor: Address,
        declaration: Declaration,
        made_at: Timestamp,
    ) -> Result<SignedDeclaration, error::Error> {
        let prepared = self.prepare(signer.address(), contributor, declaration, made_at).await?;
        self.sign_prepared(signer, prepared).await
    }

    /// The Safe at `wallet`; none if another wallet is there.
    async fn safe(&self, wallet: Address) -> Result<Option<Safe>, error::Error> {
        if !rpc::has_code(&self.provider, wallet).await? {
            return Err(error::Error::NoWallet { account: wallet });
        }
        Safe::at(&self.provider, self.chain_id, wallet).await
    }

    /// The declaration with its signature in the form that the board accepts; none if it accepts it in no form.
    async fn accepted(
        &self,
        signed: SignedDeclaration,
        digest: B256,
    ) -> Result<Option<SignedDeclaration>, error::Error> {
        let form = signature::form(&self.provider, signed.contributor, digest, signed.signature).await?;
        let with = |signature| SignedDeclaration { signature, ..signed };
        let signed = match form {
            Form::Key(signature) => return Ok(Some(with(signature))),
            Form::Wallet(signature) => with(signature),
        };
        match self.try_on_board(&signed).await {
            Ok(()) => Ok(Some(signed)),
            Err(error::Error::BoardRefused(BoardError::SignatureInvalid { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has the board itself ask the contributor's wallet, in a call that changes nothing.
    async fn try_on_board(&self, signed: &SignedDeclaration) -> Result<(), error::Error> {
        let (request, sender) = (self.declare_for(signed)?, Address::ZERO);
        let call = self.provider.call(request.request(sender)).block(self.block);
        let tried = call.overrides_opt(self.stand_in().await?).await;
        tried.map(drop).map_err(|error| error::Error::from_transport(error, Contract::PledgeBoard, sender))
    }

    /// The board for a single call, where it is yet to be created.
    async fn stand_in(&self) -> Result<Option<StateOverride>, error::Error> {
        if rpc::has_code(&self.provider, self.address).await? {
            return Ok(None);
        }
        let creation = TransactionRequest::default().with_deploy_code(self.blueprint.init_code());
        let code = self.provider.call(creation).block(self.block).await?;
        Ok(Some(StateOverridesBuilder::default().with_code(self.address, code).build()))
    }

    /// The declaration with its signature in the form that the board accepts, or the rule that the board would refuse it by at
    /// `time`, also before there is a board. A contract wallet is asked by the board itself, which then also knows whether the declaration was
    /// already submitted or revoked; of a signature by a key, it is not asked.
    ///
    /// A signature by a key may have any usual `v` or the 64 bytes of EIP-2098, and a wallet that exists by now may have signed as
    /// one that did not (ERC-6492).
    ///
    /// # Errors
    /// [`Error::BoardRefused`](error::Error::BoardRefused) as [`Declaration::check`], or with
    /// [`BoardError::MadeInTheFuture`] or [`BoardError::SignatureInvalid`]; [`Error::NoWallet`](error::Error::NoWallet),
    /// [`Error::Rpc`](error::Error::Rpc).
    pub async fn check(
        &self,
        signed: SignedDeclaration,
        time: Timestamp,
    ) -> Result<SignedDeclaration, error::Error> {
        let SignedDeclaration { contributor, declaration, made_at, .. } = &signed;
        declaration.check(time)?;
        let (contributor, made_at) = (*contributor, *made_at);
        if made_at > time {
            return Err(BoardError::MadeInTheFuture { made_at, time }.into());
        }
        let digest = self.digest(contributor, declaration, made_at)?;
        let refused = || BoardError::SignatureInvalid { contributor, digest }.into();
        self.accepted(signed, digest).await?.ok_or_else(refused)
    }

    /// All declarations for the escrow at `escrow`, in the order of the log, from block `from_block`, or from the first in which
    /// there can be a board. Empty where there is none.
    ///
    /// # Errors
    /// [`Error::Rpc`](error::Error::Rpc), [`Error::Malformed`](error::Error::Malformed).
    pub async fn declarations(
        &self,
        escrow: Address,
        from_block: Option<u64>,
    ) -> Result<Vec<Declared>, error::Error> {
        let entries = self.entries(escrow, from_block).await?;
        Ok(entries.iter().filter_map(|entry| entry.event.declared().cloned()).collect())
    }

    /// The same, with their blocks and transactions.
    ///
    /// # Errors
    /// As [`declarations`](Self::declarations).
    pub async fn entries(
        &self,
        escrow: Address,
        from_block: Option<u64>,
    ) -> Result<Vec<Entry>, error::Error> {
        let last = scan::number_of(&self.provider, self.block).await?;
        let search = self.search(escrow, from_block);
        declared_in(&search.logs(&self.provider, last).await?)
    }

    /// The same, but what `store` has of finalized blocks is not asked for again.
    ///
    /// # Errors
    /// As [`declarations`](Self::declarations); [`Error::Journal`](error::Error::Journal).
    pub async fn kept_entries(
        &self,
        escrow: Address,
        from_block: Option<u64>,
        store: &impl ScanStore,
    ) -> Result<Vec<Entry>, error::Error> {
        let last = scan::number_of(&self.provider, self.block).await?;
        let search = self.search(escrow, from_block);
        declared_in(&search.kept_logs(&self.provider, last, (self.chain_id, store)).await?)
    }

    fn search(&self, escrow: Address, from_block: Option<u64>) -> Search {
        let filter = Filter::new()
            .address(self.address)
            .event_signature(Raw::Declared::SIGNATURE_HASH)
            .topic2(escrow.into_word());
        Search { filter, begin: Begin::of(self.chain_id, from_block) }
    }

    fn domain(&self) -> Eip712Domain {
        Eip712Domain::new(
            Some(Cow::Borrowed("Levee PledgeBoard")),
            Some(Cow::Borrowed("1")),
            Some(U256::from(self.chain_id)),
            Some(self.address),
            None,
        )
    }

    fn call(&self, call: &impl SolCall) -> Call<P> {
        let transaction = Transaction::new(Contract::PledgeBoard, self.address, Wei::ZERO, call);
        Call::of(self.provider.clone(), transaction, vec![self.address])
    }
}

/// The declarations among the events in logs.
fn declared_in(logs: &[RpcLog]) -> Result<Vec<Entry>, error::Error> {
    let entries = history::entries(logs)?;
    Ok(entries.into_iter().filter(|entry| entry.event.declared().is_some()).collect())
}

/// Of declarations for one escrow, in the order of the log, those that stand at `time`, by contributor and tier: the
/// one made last, unless it expired or is a withdrawal. Of several made in the same second a withdrawal wins, whichever
/// was logged first, and else the one logged last. What it replaced does not come back.
pub fn standing(declarations: &[Declared], time: Timestamp) -> Vec<Declared> {
    standing_among(declarations, |declared| *declared, time).into_iter().cloned().collect()
}

/// The same of anything that has a declaration.
pub fn standing_among<'a, T>(
    all: impl IntoIterator<Item = T>,
    declared: impl Fn(&T) -> &'a Declared,
    time: Timestamp,
) -> Vec<T> {
    let mut latest: BTreeMap<(Address, u8), T> = BTreeMap::new();
    for one in all {
        let Declared { contributor, declaration, .. } = declared(&one);
        match latest.entry((*contributor, declaration.tier)) {
            Slot::Occupied(mut before) if declared(&one).replaces(declared(before.get())) => {
                before.insert(one);
            }
            Slot::Occupied(_) => {}
            Slot::Vacant(slot) => {
                slot.insert(one);
            }
        }
    }
    let stands = |one: &T| {
        let Declaration { expiry, stage, .. } = declared(one).declaration;
        expiry >= time && stage != Stage::Withdrawn
    };
    latest.into_values().filter(stands).collect()
}

/// A declaration, and what its contributor has locked in its tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The declaration.
    pub declared: Declared,
    /// The value of the contributor's positions in the tier, each rounded down; none while shares cannot be valued.
    pub locked: Option<Wei>,
}

impl Compared {
    /// Compares a declaration with its contributor's positions, in which shares are worth `rate`.
    pub fn of(declared: Declared, positions: &[PositionView], rate: Option<Rate>) -> Self {
        let in_tier = positions.iter().filter(|position| position.tier == declared.declaration.tier);
        let values = in_tier.map(|position| prorata::value_down(position.amount.of(position.asset), rate));
        let locked = values.sum();
        Self { declared, locked }
    }

    /// The same at the block of a history, in which shares are worth `rate`.
    pub fn in_history(declared: Declared, history: &History, rate: Option<Rate>) -> Self {
        let positions = history.rescue.position_views(history.moment(), declared.contributor);
        Self::of(declared, &positions, rate)
    }

    /// The declared amount that is not locked; none if either is unknown.
    pub fn missing(&self) -> Option<Wei> {
        let (declared, locked) = (self.declared.declaration.amount?, self.locked?);
        Some(declared.checked_sub(locked).unwrap_or_default())
    }
}

#[expect(non_snake_case, reason = "the contract's name")]
fn message(
    contributor: Address,
    declaration: &Declaration,
    made_at: Timestamp,
) -> Result<message::Declaration, error::Error> {
    let Raw::Declaration { escrow, stage, tier, amount, expiry, link } = encode(declaration)?;
    let madeAt = seconds(made_at, "time of the declaration")?;
    Ok(message::Declaration { contributor, escrow, stage, tier, amount, expiry, madeAt, link })
}

fn encode(declaration: &Declaration) -> Result<Raw::Declaration, error::Error> {
    Ok(Raw::Declaration {
        escrow: declaration.escrow,
        stage: declaration.stage as u8,
        tier: declaration.tier,
        amount: U256::from(declaration.amount.unwrap_or_default().get()),
        expiry: seconds(declaration.expiry, "expiry")?,
        link: declaration.link.clone(),
    })
}

impl BoardEvent {
    /// Reads a log of the board.
    ///
    /// # Errors
    /// [`Error::Malformed`](error::Error::Malformed) when it is no event that a board emits.
    pub fn decode(log: &Log) -> Result<Self, error::Error> {
        let malformed = error::Error::Malformed { what: "an event" };
        match PledgeBoardEvents::decode_log(log).map_err(|_| malformed.clone())?.data {
            PledgeBoardEvents::Declared(event) => declared(event).map(Self::Declared),
            PledgeBoardEvents::Revoked(event) => {
                Ok(Self::Revoked { contributor: event.contributor, digest: event.digest })
            }
            PledgeBoardEvents::EIP712DomainChanged(_) => Err(malformed),
        }
    }
}

fn declared(event: Raw::Declared) -> Result<Declared, error::Error> {
    let stage = Stage::ALL.get(usize::from(event.stage)).copied();
    let declaration = Declaration {
        escrow: event.escrow,
        stage: stage.ok_or(error::Error::Malformed { what: "a stage" })?,
        tier: event.tier,
        amount: Some(convert::wei(event.amount)?).filter(|amount| !amount.is_zero()),
        expiry: event.expiry.to(),
        link: event.link,
    };
    let digest = Some(event.digest).filter(|digest| !digest.is_zero());
    Ok(Declared { contributor: event.contributor, declaration, made_at: event.madeAt.to(), digest })
}

impl BoardError {
    /// Reads revert data; `None` when it is no error of a call of the board.
    pub fn decode(data: &[u8]) -> Option<Self> {
        Self::of(PledgeBoardErrors::abi_decode_validate(data).ok()?).ok()
    }

    fn of(raw: PledgeBoardErrors) -> Result<Self, error::Error> {
        Ok(match raw {
            PledgeBoardErrors::AmountOutOfBounds(e) => Self::AmountOutOfBounds {
                amount: convert::wei(e.amount)?,
                minimum: convert::wei(e.minimum)?,
                maximum: convert::wei(e.maximum)?,
            },
            PledgeBoardErrors::LinkTooLong(e) => Self::LinkTooLong {
                length: convert::narrow(e.length, "a length")?,
                limit: convert::narrow(e.limit, "a length")?,
            },
            PledgeBoardErrors::DeclarationExpired(e) => {
                Self::DeclarationExpired { expiry: convert::time(e.expiry)?, time: convert::time(e.time)? }
            }
            PledgeBoardErrors::MadeInTheFuture(e) => {
                Self::MadeInTheFuture { made_at: convert::time(e.madeAt)?, time: convert::time(e.time)? }
            }
            PledgeBoardErrors::DigestSpent(e) => {
                Self::DigestSpent { contributor: e.contributor, digest: e.digest }
            }
            PledgeBoardErrors::SignatureInvalid(e) => {
                Self::SignatureInvalid { contributor: e.contributor, digest: e.digest }
            }
            // Of the constructor, which has no argument to refuse.
            PledgeBoardErrors::InvalidShortString(_) | PledgeBoardErrors::StringTooLong(_) => {
                return Err(error::Error::Malformed { what: "an error" });
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::tests::{case, every_error_is_decoded};

    #[test]
    fn every_error_of_a_call_keeps_its_facts() {
        use BoardError as E;
        let n = alloy::primitives::U256::from::<u64>;
        let (contributor, digest) = (Address::repeat_byte(1), B256::repeat_byte(2));
        let [amount, minimum, maximum] = [5, 6, 7].map(Wei::new);
        let cases = [
            case(
                &Raw::AmountOutOfBounds { amount: n(5), minimum: n(6), maximum: n(7) },
                E::AmountOutOfBounds { amount, minimum, maximum },
            ),
            case(&Raw::LinkTooLong { length: n(5), limit: n(6) }, E::LinkTooLong { length: 5, limit: 6 }),
            case(
                &Raw::DeclarationExpired { expiry: n(5), time: n(6) },
                E::DeclarationExpired { expiry: 5, time: 6 },
            ),
            case(
                &Raw::MadeInTheFuture { madeAt: n(5), time: n(6) },
                E::MadeInTheFuture { made_at: 5, time: 6 },
            ),
            case(&Raw::DigestSpent { contributor, digest }, E::DigestSpent { contributor, digest }),
            case(&Raw::SignatureInvalid { contributor, digest }, E::SignatureInvalid { contributor, digest }),
        ];
        let of_constructor = ["InvalidShortString", "StringTooLong"];
        let artifact = include_str!("../artifacts/PledgeBoard.json");
        every_error_is_decoded(artifact, &of_constructor, &cases, BoardError::decode);
    }

    fn declared(contributor: u8, tier: u8, stage: Stage, made_at: Timestamp, expiry: Timestamp) -> Declared {
        let escrow = Address::ZERO;
        let declaration =
            Declaration { escrow, stage, tier, amount: None, expiry, link: made_at.to_string() };
        Declared { contributor: Address::repeat_byte(contributor), declaration, made_at, digest: None }
    }

    #[test]
    fn a_declaration_is_checked_before_anyone_is_asked() {
        let good = declared(1, 0, Stage::Expressed, 10, 100).declaration;
        assert_eq!(good.check(100), Ok(()));
        let expired = BoardError::DeclarationExpired { expiry: 100, time: 101 };
        assert_eq!(good.check(101), Err(expired));
        let approved = Declaration { stage: Stage::Approved, ..good.clone() };
        let [zero, one] = [0, 1].map(Wei::new);
        let unknown = BoardError::AmountOutOfBounds { amount: zero, minimum: one, maximum: MAX_AMOUNT };
        assert_eq!(approved.check(100), Err(unknown));
        assert_eq!(Declaration { amount: Some(MAX_AMOUNT), ..approved.clone() }.check(100), Ok(()));
        let amount = MAX_AMOUNT + one;
        let much = BoardError::AmountOutOfBounds { amount, minimum: one, maximum: MAX_AMOUNT };
        assert_eq!(Declaration { amount: Some(amount), ..approved }.check(100), Err(much));
        assert_eq!(Declaration { link: "x".repeat(256), ..good.clone() }.check(100), Ok(()));
        let long = BoardError::LinkTooLong { length: 257, limit: 256 };
        assert_eq!(Declaration { link: "x".repeat(257), ..good }.check(100), Err(long));
    }

    #[test]
    fn what_was_made_last_stands() {
        let early = declared(1, 0, Stage::Proposed, 10, 100);
        let late = declared(1, 0, Stage::Approved, 20, 100);
        let other_tier = declared(1, 1, Stage::Proposed, 5, 100);
        // An old signature that is brought late overrides nothing newer.
        let log = [late.clone(), early.clone(), other_tier.clone()];
        assert_eq!(standing(&log, 50), [late.clone(), other_tier]);
        // Of equals, the one logged last.
        let equal = declared(1, 0, Stage::Expressed, 20, 100);
        assert_eq!(standing(&[late, equal.clone()], 50), [equal]);
    }

    #[test]
    fn what_expired_or_was_withdrawn_leaves_nothing() {
        let first = declared(1, 0, Stage::Proposed, 10, 100);
        let short = declared(1, 0, Stage::Approved, 20, 50);
        let log = [first.clone(), short.clone()];
        assert_eq!(standing(&log, 50), [short]);
        assert_eq!(standing(&log, 51), []);
        let withdrawn = declared(1, 0, Stage::Withdrawn, 30, 100);
        assert_eq!(standing(&[first, withdrawn], 50), []);
    }

    #[test]
    fn of_one_second_a_withdrawal_wins() {
        let approved = declared(1, 0, Stage::Approved, 20, 100);
        let withdrawn = declared(1, 0, Stage::Withdrawn, 20, 100);
        for log in [[approved.clone(), withdrawn.clone()], [withdrawn.clone(), approved]] {
            assert_eq!(standing(&log, 50), []);
        }
        let later = declared(1, 0, Stage::Proposed, 21, 100);
        assert_eq!(standing(&[withdrawn, later.clone()], 50), [later]);
    }
}
