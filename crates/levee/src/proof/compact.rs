//! Proves a compact from its address, against the hash of a block.
//!
//! Logs are the word of whoever gives them. What they add up to is compared with each word that the compact has stored, which is proven. Who has
//! something active cannot be left out, because the sum of all is stored, too.

use std::collections::BTreeMap;

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::{EIP1186AccountProofResponse, Filter, Header, Log},
};
use levee_model::{
    Asset, Compact, Timestamp, Units,
    compact::{CallView, CompactBooks, MemberView, Standing},
};
use serde::{Deserialize, Serialize};

use super::{
    ProofError, ProvenAccount, ProvenWord, Role, Unproven,
    check::{check_hash, same},
    layout::{self, Place},
    tokens::{self, Token},
    trie::Account,
};
use crate::{
    bindings::WstETH,
    blueprint::{Blueprint, Contract},
    compact::{CompactHistory, fold},
    convert,
    edition::Edition,
    error::Error,
    history, rpc,
    scan::{Begin, Search},
    snapshot::Block,
};

/// How many words a node is asked for at a time.
const AT_ONCE: usize = 256;

/// What is to be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactQuestion {
    /// The compact.
    pub compact: Address,
    /// The hash of the block; otherwise, it is the latest block by the word of the node.
    pub block_hash: Option<B256>,
    /// The chain that the node must be on.
    pub chain: Option<u64>,
}

/// What a node says and shows of a compact at one block. Nothing of it is to be believed before it is
/// [checked](CompactEvidence::check).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompactEvidence {
    /// The ID of the chain, which the node says.
    pub chain: u64,
    /// The stETH that its token names, if it names one: by it, the model of Lido's tokens on local chains is known.
    pub steth: Option<Address>,
    /// The block's header, with the hash that the node gives it.
    pub header: Header,
    /// All logs of the compact up to there.
    pub logs: Vec<Log>,
    /// The accounts of the compact and its token, and words of their storage (EIP-1186). There may be several for one account.
    pub proofs: Vec<EIP1186AccountProofResponse>,
}

/// What evidence proves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifiedCompact {
    /// The compact at the end of the block. All that it has [stored](CompactBooks), and each vote, is proven.
    pub history: CompactHistory,
    /// The edition of its code.
    pub edition: Edition,
    /// The hash of the block.
    pub block_hash: B256,
    /// What it has of wstETH; none if it is not known where that keeps balances.
    pub balance: Option<Units>,
    /// What it must have by its books: all that is active, pending and earned.
    pub booked: Units,
    /// The accounts that are proven, and each word that the above follows from.
    pub accounts: Vec<ProvenAccount>,
    /// What cannot be proven.
    pub unproven: Vec<Unproven>,
}

impl CompactQuestion {
    /// Collects from a node what answers the question, if `accept` finds the block worth it, of which it is given the chain, the number and the
    /// time. The scan for logs begins at `from_block`, or where there can be some.
    ///
    /// # Errors
    /// [`Error::WrongChain`]; [`Error::BrokenCompact`], also if `from_block` is too late; [`Error::Rpc`]; [`Error::Malformed`]; those of `accept`.
    pub async fn ask_if(
        &self,
        provider: &impl Provider,
        from_block: Option<u64>,
        accept: impl AsyncFn(u64, u64, Timestamp) -> Result<(), Error>,
    ) -> Result<CompactEvidence, Error> {
        let chain = self.checked(provider.get_chain_id().await?)?;
        let block = self.block_hash.map_or(BlockId::latest(), BlockId::hash);
        let missing = self
            .block_hash
            .map_or(Error::Malformed { what: "a block" }, |hash| ProofError::NoBlock { hash }.into());
        let header = provider.get_block(block).await?.ok_or(missing)?.header;
        check_hash(&header, self.block_hash)?;
        accept(chain, header.inner.number, header.inner.timestamp).await?;
        let search =
            Search { filter: Filter::new().address(self.compact), begin: Begin::of(chain, from_block) };
        let logs = search.logs(provider, header.inner.number).await?;
        let compact = fold(self.compact, &history::entries(&logs)?)?;
        let at = BlockId::hash(header.hash);
        let steth =
            rpc::read_if_known_at(provider, compact.terms().wsteth, &WstETH::stETHCall {}, at).await?;
        let mut evidence = CompactEvidence { chain, steth, header, logs, proofs: Vec::new() };
        self.prove(provider, &compact, &mut evidence).await?;
        Ok(evidence)
    }

    fn checked(&self, actual: u64) -> Result<u64, Error> {
        match self.chain {
            Some(expected) if expected != actual => Err(Error::WrongChain { expected, actual }),
            _ => Ok(actual),
        }
    }

    async fn prove(
        &self,
        provider: &impl Provider,
        compact: &Compact,
        evidence: &mut CompactEvidence,
    ) -> Result<(), Error> {
        let (at, members) = (BlockId::hash(evidence.header.hash), members(compact));
        let first = layout::compact::places(&members);
        let proofs = proofs(provider, self.compact, &first, at).await?;
        let said: BTreeMap<_, _> = proofs
            .iter()
            .flat_map(|proof| &proof.storage_proof)
            .map(|word| (word.key.as_b256(), word.value))
            .collect();
        let word = |slot: B256| {
            let missing = ProofError::SlotMissing { address: self.compact, slot };
            said.get(&slot).copied().ok_or(missing.into())
        };
        let later = layout::compact::later_places(&members, compact.call_count(), word)?;
        evidence.proofs = proofs;
        evidence.proofs.extend(self::proofs(provider, self.compact, &later, at).await?);
        let token = tokens::wsteth(compact.terms().wsteth, evidence.chain, evidence.steth);
        let place = token.place(self.compact);
        evidence.proofs.extend(self::proofs(provider, token.address, &[place], at).await?);
        Ok(())
    }
}

/// Everyone who was ever a member, by the logs.
fn members(compact: &Compact) -> Vec<Address> {
    compact.books().members.into_keys().collect()
}

async fn proofs(
    provider: &impl Provider,
    address: Address,
    places: &[Place],
    at: BlockId,
) -> Result<Vec<EIP1186AccountProofResponse>, Error> {
    let mut proofs = Vec::new();
    for places in places.chunks(AT_ONCE) {
        let slots = places.iter().map(|place| place.slot).collect();
        proofs.push(provider.get_proof(address, slots).block_id(at).await?);
    }
    Ok(proofs)
}

impl CompactEvidence {
    /// What it proves in answer to a question.
    ///
    /// # Errors
    /// [`Error::Unproven`] with what does not fit; [`Error::WrongChain`]; [`Error::Counterfeit`] if its address does not follow from its code and terms;
    /// [`Error::NoCode`]; [`Error::BrokenCompact`]; [`Error::Malformed`].
    pub fn check(&self, question: &CompactQuestion) -> Result<VerifiedCompact, Error> {
        let (address, chain) = (question.compact, question.checked(self.chain)?);
        check_hash(&self.header, question.block_hash)?;
        if self.logs.iter().any(|log| log.address() != address) {
            return Err(Error::Malformed { what: "a log" });
        }
        let entries = history::entries(&self.logs)?;
        let compact = fold(address, &entries)?;
        let contract = Contract::Compact;
        let edition = Blueprint::compact(compact.terms()).edition_at(address);
        let edition = edition.ok_or(Error::Counterfeit { contract, address })?;
        let account = self.account(address)?;
        // Only that code can be at that address, if any is.
        account.code_hash.ok_or(Error::NoCode { contract, address })?;
        let members = members(&compact);
        let books = proven(&account, &compact, &members)?;
        same("the compact", &compact.books(), &books)?;
        votes(&account, &compact, &members)?;
        let header = &self.header.inner;
        let block = Block { number: header.number, parent_hash: header.parent_hash, time: header.timestamp };
        let token = tokens::wsteth(compact.terms().wsteth, chain, self.steth);
        let (holder, balance) = self.balance(&token, address)?;
        let accounts = self.described(&account, &compact, &members, (&holder, &token))?;
        Ok(VerifiedCompact {
            booked: booked(&books),
            history: CompactHistory { chain, block, entries, compact },
            edition,
            block_hash: self.header.hash,
            accounts,
            unproven: unproven(chain, &token, balance),
            balance,
        })
    }

    /// An account, by all proofs of it.
    fn account(&self, address: Address) -> Result<Account, Error> {
        let root = self.header.inner.state_root;
        let said = self.proofs.iter().filter(|said| said.address == address);
        let checked = said.map(|said| Account::check(root, said)).collect::<Result<Vec<_>, _>>()?;
        let merged = checked.into_iter().reduce(Account::with);
        Ok(merged.ok_or(ProofError::AccountMissing { address })?)
    }

    /// The token, and what the compact has of it, if it is known where that is kept.
    fn balance(&self, token: &Token, holder: Address) -> Result<(Account, Option<Units>), Error> {
        let account = self.account(token.address)?;
        let word = account.word(token.place(holder).slot)?;
        let is_known = token.is_known(account.code_hash);
        let balance = is_known.then(|| convert::narrow(word, "a balance").map(Units::new)).transpose()?;
        Ok((account, balance))
    }

    fn described(
        &self,
        account: &Account,
        compact: &Compact,
        members: &[Address],
        (holder, token): (&Account, &Token),
    ) -> Result<Vec<ProvenAccount>, Error> {
        let mut places = layout::compact::places(members);
        places.extend(layout::compact::later_places(members, compact.call_count(), |slot| {
            Ok(account.word(slot)?)
        })?);
        let balance = vec![token.place(account.address)];
        let all = [(Role::Compact, account, places), (Role::WstEth, holder, balance)];
        all.into_iter().map(|(role, account, places)| described(role, account, places)).collect()
    }
}

fn described(role: Role, account: &Account, places: Vec<Place>) -> Result<ProvenAccount, Error> {
    let word = |Place { name, slot }: Place| -> Result<_, Error> {
        Ok(ProvenWord { name, slot, value: account.word(slot)?.into() })
    };
    Ok(ProvenAccount {
        role,
        address: account.address,
        balance: convert::wei(account.balance)?,
        code_hash: account.code_hash,
        words: places.into_iter().map(word).collect::<Result<_, _>>()?,
    })
}

/// The books by the proven words, of these members, who must have all that is active.
fn proven(account: &Account, compact: &Compact, members: &[Address]) -> Result<CompactBooks, Error> {
    let (address, terms) = (account.address, compact.terms());
    let impossible = || Error::from(ProofError::Impossible { role: Role::Compact, address });
    let (all, index) =
        (layout::compact::all(account)?.ok_or_else(impossible)?, layout::compact::index(account)?);
    let member = |&member: &Address| -> Result<(Address, MemberView), Error> {
        let stored = layout::compact::member(account, member)?.ok_or_else(impossible)?;
        Ok((member, stored.view(terms, index).ok_or_else(impossible)?))
    };
    let members = members.iter().map(member).collect::<Result<BTreeMap<_, _>, _>>()?;
    same("what the members have together", &sum(&members), &all)?;
    let count = layout::compact::call_count(account)?;
    same("the number of calls", &compact.call_count(), &count)?;
    let call = |call| -> Result<CallView, Error> { Ok(layout::compact::call(account, call)?.view(terms)) };
    let calls = (0..count).map(call).collect::<Result<_, _>>()?;
    Ok(CompactBooks { all, index, members, calls, started: layout::compact::started(account)? })
}

/// Each has no more than 104 bits, and there are not that many members.
fn sum(members: &BTreeMap<Address, MemberView>) -> Standing {
    Standing {
        active: members.values().map(|member| member.standing.active).sum(),
        noticed: members.values().map(|member| member.standing.noticed).sum(),
    }
}

fn votes(account: &Account, compact: &Compact, members: &[Address]) -> Result<(), Error> {
    for (call, member) in (0..compact.call_count()).flat_map(|call| members.iter().map(move |it| (call, *it)))
    {
        let stored = layout::compact::vote(account, call, member)?;
        same(&format!("the vote of {member} on call {call}"), &compact.vote_of(call, member), &stored)?;
    }
    Ok(())
}

/// All that is active, pending and earned.
fn booked(books: &CompactBooks) -> Units {
    let owed: Units = books.members.values().map(|member| member.pending + member.earned).sum();
    books.all.active + owed
}

fn unproven(chain: u64, token: &Token, balance: Option<Units>) -> Vec<Unproven> {
    let asset = Asset::WstEth;
    let mut list = vec![
        Unproven::Block,
        Unproven::ChainId { chain },
        Unproven::OtherMembers,
        Unproven::Token { asset, is_lidos: token.is_lidos },
    ];
    list.extend(balance.is_none().then_some(Unproven::Balance { asset }));
    list
}
