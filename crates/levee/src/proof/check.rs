//! What follows from evidence. No network, no clock: the same evidence always proves the same.

use alloy::{
    consensus::Header,
    primitives::{Address, B256},
    rpc::types::Header as RpcHeader,
    sol_types::SolValue,
};
use levee_model::{
    Amount, Asset, BonusBooks, Lido, Moment, PositionId, PositionView, RecoveryBooks, Rescue, ShareRate,
    Status, Timestamp, Units,
};
use serde::Serialize;
use serde_json::Value;

use super::{
    Evidence, ProofError, ProvenAccount, ProvenWord, Question, Role, Unproven, Verified,
    layout::{self, Place},
    tokens::{self, Token},
    trie::Account,
};
use crate::{
    bindings::RescueLens::Reading,
    convert,
    error::Error,
    lens::is_code,
    snapshot::{AccountPosition, AccountView, Block, Identity, PositionBonus, Snapshot},
};

/// Times have 40 bits in the contracts.
const LAST_TIME: Timestamp = (1 << 40) - 1;

/// What must be proven.
pub(super) struct Plan {
    /// The accounts, and the words of their storage.
    pub(super) places: Vec<(Address, Vec<Place>)>,
    pub(super) tokens: Vec<Token>,
}

impl Plan {
    pub(super) fn of(question: &Question, identity: &Identity) -> Self {
        let Identity { contracts, original, .. } = identity;
        let account = question.account;
        let tokens = tokens::of(original, identity.chain);
        let mut places = vec![
            (contracts.escrow, layout::escrow::places(original, account)),
            (contracts.recovery, layout::recovery_pool::places(original, account)),
            (contracts.bonus, layout::bonus_pool::places(original, account)),
        ];
        places.extend(tokens.iter().map(|token| (token.address, vec![token.place(contracts.escrow)])));
        Self { places, tokens }
    }
}

impl Evidence {
    /// What it proves in answer to a question.
    ///
    /// # Errors
    /// [`Error::Unproven`] with what does not fit; those of [`Query::read`](crate::Query::read) about what the node says.
    pub fn check(&self, question: &Question) -> Result<Verified, Error> {
        let block = self.block(question.block_hash)?;
        let views = decoded(&self.views)?;
        let identity = Identity::of(question.rescue, question.chain, &views)?;
        let plan = Plan::of(question, &identity);
        let accounts = self.accounts(&plan)?;
        let claimed = claimed(&identity, &views, block)?;
        same("the time of the block", &claimed_time(&views)?, &block.time)?;
        let [escrow, recovery, bonus, tokens @ ..] = &accounts[..] else { unreachable!("they are planned") };
        for (account, hash) in [
            (escrow, views.codeHash),
            (recovery, views.recoveryPool.codeHash),
            (bonus, views.bonusPool.codeHash),
        ] {
            same_code(account, hash)?;
        }
        let books = Books::read([escrow, recovery, bonus], &identity, question.account, block.time)?;
        let proven = books.snapshot(&claimed, question.account);
        agree(&claimed, &proven)?;
        let balances = self.balances(escrow, tokens, &plan, question.rescue)?;
        let unproven = unproven(&books, &proven, &plan, &balances);
        let accounts = plan.describe(&accounts)?;
        Ok(Verified { snapshot: proven, block_hash: self.header.hash, balances, accounts, unproven })
    }

    fn block(&self, expected: Option<B256>) -> Result<Block, Error> {
        check_hash(&self.header, expected)?;
        let Header { number, parent_hash, timestamp: time, .. } = self.header.inner;
        if time > LAST_TIME {
            return Err(Error::Malformed { what: "a time" });
        }
        Ok(Block { number, parent_hash, time })
    }

    /// The accounts of the plan, in its order.
    fn accounts(&self, plan: &Plan) -> Result<Vec<Account>, Error> {
        let account = |&(address, _): &(Address, _)| {
            let said = self.proofs.iter().find(|said| said.address == address);
            let said = said.ok_or(ProofError::AccountMissing { address })?;
            Ok(Account::check(self.header.inner.state_root, said)?)
        };
        plan.places.iter().map(account).collect()
    }

    /// What the escrow has of each asset, where that is proven. Tokens must say the same.
    fn balances(
        &self,
        escrow: &Account,
        tokens: &[Account],
        plan: &Plan,
        rescue: Address,
    ) -> Result<Vec<Amount>, Error> {
        let mut balances = vec![Amount::Eth(convert::wei(escrow.balance)?)];
        let Some(said) = &self.tokens else {
            return if tokens.is_empty() {
                Ok(balances)
            } else {
                Err(Error::Malformed { what: "an answer" })
            };
        };
        let said = AccountView::of(&decoded(said)?.account, false, false)?;
        for (token, account) in plan.tokens.iter().zip(tokens) {
            if !token.is_known(account.code_hash) {
                continue;
            }
            let word = account.word(token.place(rescue).slot)?;
            let proven =
                convert::narrow(word, "a balance").map(|number| Units::new(number).of(token.asset))?;
            // A token that does not answer is broken, and has what it has.
            if let Some(claimed) = said.balance_of(token.asset) {
                same(&format!("the escrow's {}", token.asset), &claimed.units(), &proven.units())?;
            }
            balances.push(proven);
        }
        Ok(balances)
    }
}

/// Checks that a header has the hash that it is said to have, and the expected one.
pub(super) fn check_hash(header: &RpcHeader, expected: Option<B256>) -> Result<(), ProofError> {
    let (number, computed) = (header.inner.number, header.inner.hash_slow());
    let differs = [Some(header.hash), expected].into_iter().flatten().find(|&hash| hash != computed);
    differs.map_or(Ok(()), |expected| Err(ProofError::HeaderDiffers { number, expected, computed }))
}

fn decoded(reading: &[u8]) -> Result<Reading, Error> {
    Reading::abi_decode_validate(reading).map_err(|_| Error::Malformed { what: "an answer" })
}

fn claimed_time(views: &Reading) -> Result<Timestamp, Error> {
    convert::time(views.blockTime)
}

/// What the views say, of what can be proven.
fn claimed(identity: &Identity, views: &Reading, block: Block) -> Result<Snapshot, Error> {
    let said = Snapshot::new(identity.clone(), views)?;
    let AccountView { positions, owed, .. } = said.account;
    let account = AccountView { positions, owed, ..AccountView::default() };
    Ok(Snapshot { block, account, ..said })
}

/// The models, as of the proven words.
struct Books {
    rescue: Rescue,
    recovery: Option<RecoveryBooks>,
    bonus: Option<BonusBooks>,
}

impl Books {
    fn read(
        [escrow, recovery, bonus]: [&Account; 3],
        identity: &Identity,
        account: Option<Address>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let terms = &identity.original;
        let impossible = |role, address| ProofError::Impossible { role, address };
        let rescue =
            layout::escrow::read(escrow, terms, account)?.restored(escrow.address, terms.clone(), now);
        let rescue = rescue.ok_or(impossible(Role::Escrow, escrow.address))?;
        let mut books = Self { rescue, recovery: None, bonus: None };
        if recovery.code_hash.is_some() {
            let stored = layout::recovery_pool::read(recovery, terms, account)?;
            let pool = stored.restored(recovery.address, &books.rescue);
            books.recovery = Some(pool.ok_or(impossible(Role::RecoveryPool, recovery.address))?);
        }
        if bonus.code_hash.is_some() {
            let pool = layout::bonus_pool::read(bonus, terms, account)?.restored(bonus.address);
            books.bonus = Some(pool.ok_or(impossible(Role::BonusPool, bonus.address))?);
        }
        Ok(books)
    }

    /// What the views must say, if Lido says what it is claimed to.
    fn snapshot(&self, claimed: &Snapshot, account: Option<Address>) -> Snapshot {
        let lido = claimed.rescue.rate.known().map_or(Lido::Broken, Lido::Working);
        let at = Moment { time: claimed.block.time, lido };
        Snapshot {
            rescue: self.rescue.view(at),
            recovery: self.recovery.as_ref().map(|pool| pool.view(&self.rescue, at.time)),
            bonus: self.bonus.as_ref().map(BonusBooks::view),
            account: account.map_or_else(AccountView::default, |account| self.account(at, account)),
            ..claimed.clone()
        }
    }

    fn account(&self, at: Moment, pledger: Address) -> AccountView {
        let positions = self.rescue.position_views(at, pledger);
        AccountView {
            positions: positions.into_iter().map(|position| self.position(pledger, position)).collect(),
            owed: self.rescue.owed_of(pledger),
            ..AccountView::default()
        }
    }

    fn position(&self, pledger: Address, position: PositionView) -> AccountPosition {
        let id = PositionId { pledger, tier: position.tier, asset: position.asset };
        let bonus = |pool: &BonusBooks| {
            let enlistment = pool.enlistment(id);
            let is_current = enlistment.departures == self.rescue.position(id).departures;
            PositionBonus { share: pool.share(&self.rescue, id), enlistment, is_current }
        };
        AccountPosition {
            position,
            earnings: self.recovery.as_ref().map(|pool| pool.earnings(&self.rescue, id)),
            bonus: self.bonus.as_ref().map(bonus),
        }
    }
}

impl Plan {
    /// What is proven, for the reader.
    fn describe(&self, accounts: &[Account]) -> Result<Vec<ProvenAccount>, Error> {
        let roles = [Role::Escrow, Role::RecoveryPool, Role::BonusPool, Role::StEth, Role::WstEth];
        let described = roles.into_iter().zip(accounts).zip(&self.places);
        described.map(|((role, account), (_, places))| described_as(role, account, places)).collect()
    }
}

fn described_as(role: Role, account: &Account, places: &[Place]) -> Result<ProvenAccount, Error> {
    let word = |Place { name, slot }: &Place| -> Result<_, Error> {
        Ok(ProvenWord::new(name.clone(), *slot, account.word(*slot)?))
    };
    // A contract that was not created stores nothing.
    let places = if account.code_hash.is_some() { places } else { &[] };
    Ok(ProvenAccount {
        role,
        address: account.address,
        balance: convert::wei(account.balance)?,
        code_hash: account.code_hash,
        words: places.iter().map(word).collect::<Result<_, _>>()?,
    })
}

fn unproven(books: &Books, proven: &Snapshot, plan: &Plan, balances: &[Amount]) -> Vec<Unproven> {
    let mut list = vec![
        Unproven::Block,
        Unproven::ChainId { chain: proven.chain },
        Unproven::Beneficiary { address: proven.original.beneficiary },
    ];
    if let (Status::Open, ShareRate::Known(rate)) = (books.rescue.stored_status(), proven.rescue.rate) {
        list.push(Unproven::ShareRate { rate });
    }
    list.extend(plan.tokens.iter().map(|token| Unproven::Token { asset: token.asset }));
    let is_proven = |asset: Asset| balances.iter().any(|balance| balance.asset() == asset);
    let missing = plan.tokens.iter().filter(|token| !is_proven(token.asset));
    list.extend(missing.map(|token| Unproven::Balance { asset: token.asset }));
    list
}

fn same_code(account: &Account, claimed: B256) -> Result<(), Error> {
    if account.code_hash == Some(claimed).filter(|&hash| is_code(hash)) {
        return Ok(());
    }
    let proven = account.code_hash.unwrap_or_default();
    Err(ProofError::CodeDiffers { address: account.address, claimed, proven }.into())
}

fn same<T: PartialEq + Serialize>(field: &str, claimed: &T, proven: &T) -> Result<(), Error> {
    if claimed == proven {
        Ok(())
    } else {
        Err(differ(field.to_owned(), &json(claimed), &json(proven)).into())
    }
}

/// Checks that the views say what follows from the storage, and names the first field that does not.
fn agree(claimed: &Snapshot, proven: &Snapshot) -> Result<(), Error> {
    if claimed == proven {
        return Ok(());
    }
    let (claimed, proven) = (json(claimed), json(proven));
    Err(difference(String::new(), &claimed, &proven)
        .unwrap_or_else(|| differ("the rescue".into(), &claimed, &proven))
        .into())
}

fn json(value: &impl Serialize) -> Value {
    // Texts and numbers are always written.
    serde_json::to_value(value).unwrap_or_default()
}

fn differ(field: String, claimed: &Value, proven: &Value) -> ProofError {
    ProofError::ViewDiffers { field, claimed: claimed.to_string(), proven: proven.to_string() }
}

/// The first place where two documents differ.
fn difference(field: String, claimed: &Value, proven: &Value) -> Option<ProofError> {
    let at = |key: &str| if field.is_empty() { key.to_owned() } else { format!("{field}.{key}") };
    match (claimed, proven) {
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            one.iter().find_map(|(key, value)| difference(at(key), value, other.get(key)?))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(index, (one, other))| difference(at(&index.to_string()), one, other)),
        _ => (claimed != proven).then(|| differ(field, claimed, proven)),
    }
}
