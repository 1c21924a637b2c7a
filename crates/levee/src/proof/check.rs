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
    Evidence, ProofError, ProvenAccount, ProvenWord, Question, Role, Shortfall, Unproven, Verified,
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
    /// The escrow and its pools.
    contracts: [Planned; 3],
    tokens: Vec<(Token, Planned)>,
}

/// An account, and words of its storage.
pub(super) struct Planned {
    role: Role,
    pub(super) address: Address,
    pub(super) places: Vec<Place>,
}

impl Plan {
    /// What must be proven of a rescue. Its terms are still a claim: anyone can name an address that follows from terms which no
    /// escrow accepts, and the layout and the model rely on their bounds.
    pub(super) fn of(question: &Question, identity: &Identity) -> Result<Self, Error> {
        let (account, terms, of) = (question.account, &identity.original, identity.contracts);
        terms.check(0).map_err(|_| Error::Malformed { what: "terms" })?;
        let planned = |role, address, places| Planned { role, address, places };
        let contracts = [
            planned(Role::Escrow, of.escrow, layout::escrow::places(terms, account)),
            planned(Role::RecoveryPool, of.recovery, layout::recovery_pool::places(terms, account)),
            planned(Role::BonusPool, of.bonus, layout::bonus_pool::places(terms, account)),
        ];
        let token = |token: Token| {
            let role = if token.asset == Asset::StEth { Role::StEth } else { Role::WstEth };
            (token, planned(role, token.address, vec![token.place(of.escrow)]))
        };
        let tokens = tokens::of(terms, identity.chain).into_iter().map(token).collect();
        Ok(Self { contracts, tokens })
    }

    /// All of it.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Planned> {
        self.contracts.iter().chain(self.tokens.iter().map(|(_, planned)| planned))
    }

    pub(super) fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }
}

impl Planned {
    /// What is proven, for the reader. A contract that was not created stores nothing.
    fn describe(&self, account: &Account) -> Result<ProvenAccount, Error> {
        let word = |Place { name, slot }: &Place| -> Result<_, Error> {
            Ok(ProvenWord { name: name.clone(), slot: *slot, value: account.word(*slot)?.into() })
        };
        let places = if account.code_hash.is_some() { &self.places[..] } else { &[] };
        Ok(ProvenAccount {
            role: self.role,
            address: account.address,
            balance: convert::wei(account.balance)?,
            code_hash: account.code_hash,
            words: places.iter().map(word).collect::<Result<_, _>>()?,
        })
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
        let plan = Plan::of(question, &identity)?;
        let accounts = plan.accounts().map(|planned| self.account(planned)).collect::<Result<Vec<_>, _>>()?;
        let (contracts, tokens) = accounts.split_at(plan.contracts.len());
        same_codes(contracts, &views)?;
        let claimed = claimed(&identity, &views, block)?;
        let books = Books::read(contracts, &identity, question.account, block.time)?;
        let proven = books.snapshot(&claimed, question.account);
        agree(&claimed, &proven)?;
        let mut balances = vec![Amount::Eth(convert::wei(contracts[0].balance)?)];
        balances.extend(self.token_balances(&plan, tokens)?);
        let shortfalls = books.shortfalls(&proven, &balances)?;
        let unproven = unproven(&books, &proven, &plan, &balances);
        let described = plan.accounts().zip(&accounts).map(|(planned, account)| planned.describe(account));
        let accounts = described.collect::<Result<_, _>>()?;
        Ok(Verified {
            snapshot: proven,
            block_hash: self.header.hash,
            balances,
            shortfalls,
            accounts,
            unproven,
        })
    }

    /// The block, whose hash is that of its header.
    fn block(&self, expected: Option<B256>) -> Result<Block, Error> {
        check_hash(&self.header, expected)?;
        let Header { number, parent_hash, timestamp: time, .. } = self.header.inner;
        if time > LAST_TIME {
            return Err(Error::Malformed { what: "a time" });
        }
        Ok(Block { number, parent_hash, time })
    }

    fn account(&self, planned: &Planned) -> Result<Account, ProofError> {
        let address = planned.address;
        let said = self.proofs.iter().find(|said| said.address == address);
        Account::check(self.header.inner.state_root, said.ok_or(ProofError::AccountMissing { address })?)
    }

    /// What the escrow has of tokens, where that is proven. The tokens must say the same.
    fn token_balances(&self, plan: &Plan, accounts: &[Account]) -> Result<Vec<Amount>, Error> {
        if !plan.has_tokens() {
            return Ok(Vec::new());
        }
        let said = decoded(self.tokens.as_ref().ok_or(Error::Malformed { what: "an answer" })?)?;
        let said = AccountView::of(&said.account, false, false)?;
        let mut balances = Vec::new();
        for ((token, planned), account) in plan.tokens.iter().zip(accounts) {
            for place in planned.places.iter().filter(|_| token.is_known(account.code_hash)) {
                let units = convert::narrow(account.word(place.slot)?, "a balance").map(Units::new)?;
                // A token that does not answer is broken, and has what it has.
                let claimed = said.balance_of(token.asset).map_or(units, Amount::units);
                same(&format!("the escrow's {}", token.asset), &claimed, &units)?;
                balances.push(units.of(token.asset));
            }
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

/// What the views say, of what can be proven.
fn claimed(identity: &Identity, views: &Reading, block: Block) -> Result<Snapshot, Error> {
    same("the time of the block", &convert::time(views.blockTime)?, &block.time)?;
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
    /// The assets of which the escrow has less than it must. Nothing but the escrow's own code moves its ETH, so it cannot have
    /// too little of that; a token can do anything.
    fn shortfalls(&self, proven: &Snapshot, balances: &[Amount]) -> Result<Vec<Shortfall>, ProofError> {
        let shortfall = |&held: &Amount| {
            let booked = self.booked(proven, held.asset());
            (held.units() < booked).then(|| Shortfall { held, booked: booked.of(held.asset()) })
        };
        let shortfalls: Vec<_> = balances.iter().filter_map(shortfall).collect();
        if shortfalls.iter().any(|shortfall| shortfall.held.asset() == Asset::Eth) {
            return Err(ProofError::Impossible { role: Role::Escrow, address: proven.contracts.escrow });
        }
        Ok(shortfalls)
    }

    /// The least that the escrow must have of an asset: all pledges while it is open, and then what the beneficiary is still to
    /// get. How much of the rest has gone back is in the books of each pledger.
    fn booked(&self, proven: &Snapshot, asset: Asset) -> Units {
        let view = &proven.rescue;
        if self.rescue.stored_status() == Status::Open {
            return view.pledged(asset);
        }
        view.tranches_between(asset, view.delivered[asset], view.kept[asset])
    }

    fn read(
        accounts: &[Account],
        identity: &Identity,
        account: Option<Address>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let (terms, [escrow, recovery, bonus]) =
            (&identity.original, [0, 1, 2].map(|index| &accounts[index]));
        let impossible = |role, account: &Account| ProofError::Impossible { role, address: account.address };
        let rescue = layout::escrow::read(escrow, terms, account)?;
        let rescue = rescue.restored(escrow.address, terms.clone(), now);
        let rescue = rescue.ok_or(impossible(Role::Escrow, escrow))?;
        let mut books = Self { rescue, recovery: None, bonus: None };
        if recovery.code_hash.is_some() {
            let stored = layout::recovery_pool::read(recovery, terms, account)?;
            let pool = stored.restored(recovery.address, &books.rescue);
            books.recovery = Some(pool.ok_or(impossible(Role::RecoveryPool, recovery))?);
        }
        if bonus.code_hash.is_some() {
            let pool = layout::bonus_pool::read(bonus, terms, account)?.restored(bonus.address);
            books.bonus = Some(pool.ok_or(impossible(Role::BonusPool, bonus))?);
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

fn unproven(books: &Books, proven: &Snapshot, plan: &Plan, balances: &[Amount]) -> Vec<Unproven> {
    let mut list = vec![
        Unproven::Block,
        Unproven::ChainId { chain: proven.chain },
        Unproven::Beneficiary { address: proven.original.beneficiary },
    ];
    // That it cannot be read is the node's word, too.
    if books.rescue.stored_status() == Status::Open && proven.rescue.rate != ShareRate::NotNeeded {
        list.push(Unproven::ShareRate { rate: proven.rescue.rate.known() });
    }
    let tokens = || plan.tokens.iter().map(|(token, _)| token);
    list.extend(tokens().map(|&Token { asset, is_lidos, .. }| Unproven::Token { asset, is_lidos }));
    let is_missing = |asset: &Asset| balances.iter().all(|balance| balance.asset() != *asset);
    let assets = tokens().map(|token| token.asset);
    list.extend(assets.filter(is_missing).map(|asset| Unproven::Balance { asset }));
    list
}

/// Checks that the views are said to come from the code that is there.
fn same_codes(contracts: &[Account], views: &Reading) -> Result<(), ProofError> {
    let claimed = [views.codeHash, views.recoveryPool.codeHash, views.bonusPool.codeHash];
    for (account, claimed) in contracts.iter().zip(claimed) {
        let proven = account.code_hash.unwrap_or_default();
        if proven != if is_code(claimed) { claimed } else { B256::ZERO } {
            return Err(ProofError::CodeDiffers { address: account.address, claimed, proven });
        }
    }
    Ok(())
}

pub(super) fn same<T: PartialEq + Serialize>(field: &str, claimed: &T, proven: &T) -> Result<(), Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Contracts, Edition, terms::tests::terms};
    use serde_json::json;

    #[test]
    fn terms_that_no_escrow_accepts_prove_nothing() {
        let escrow = Address::repeat_byte(0xe5);
        let question = Question { rescue: escrow, account: Some(escrow), block_hash: None, chain: None };
        let plan = |tiers| {
            let mut original = terms();
            original.tiers = original.tiers.into_iter().cycle().take(tiers).collect();
            let (contracts, edition) = (Contracts::of(escrow, Edition::V1), Edition::V1);
            Plan::of(&question, &Identity { chain: 1, contracts, edition, original })
                .map(|plan| plan.tokens.len())
        };
        assert_eq!((plan(2), plan(300)), (Ok(2), Err(Error::Malformed { what: "terms" })));
    }

    #[test]
    fn the_first_difference_is_named_by_its_place() {
        let said = json!({ "a": 1, "b": [{ "c": 2 }, { "c": 3 }] });
        let mut proven = said.clone();
        assert_eq!(difference(String::new(), &said, &proven), None);
        proven["b"][1]["c"] = json!(4);
        let found = difference(String::new(), &said, &proven).map(|difference| difference.to_string());
        assert_eq!(found.as_deref(), Some("the node says that `b.1.c` is 3, but its proofs show 4"));
        proven["b"] = json!([]);
        let found = difference(String::new(), &said, &proven).map(|difference| difference.to_string());
        assert!(found.is_some_and(|text| text.starts_with("the node says that `b` is [")));
    }
}
