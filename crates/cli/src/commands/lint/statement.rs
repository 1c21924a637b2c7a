//! Who says to pledge what, in any of the files.

use alloy::primitives::Address;
use levee_model::Asset;

use super::finding::{Finding, Kind, Place};

/// Somebody's word to pledge something into a tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) name: String,
    /// None if only the name is known.
    pub(super) account: Option<Address>,
    pub(super) tier: u8,
    /// None if it is not known.
    pub(super) asset: Option<Asset>,
    pub(super) place: Place,
}

impl Statement {
    /// Whether both are about the same: by account or by name, however that is written.
    fn repeats(&self, other: &Self) -> bool {
        let same_account = self.account.is_some() && self.account == other.account;
        let is_other_account = self.account.is_some() && other.account.is_some() && !same_account;
        let same_name = !is_other_account && plain(&self.name) == plain(&other.name);
        (same_account || same_name) && (self.tier, self.asset) == (other.tier, other.asset)
    }
}

/// A name without what people write differently.
pub(super) fn plain(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whatever was said before, by the same for the same tier.
pub(super) fn said_twice(statements: &[Statement]) -> Vec<Finding> {
    let repeated = |(index, later): (usize, &Statement)| {
        let first = statements[..index].iter().find(|first| first.repeats(later))?;
        let what = format!("`{}` says twice what it pledges into tier {}", later.name, later.tier);
        let why = format!("it is counted twice: {} says it too", first.place.to_text());
        Some(later.place.error(Kind::SaidTwice, what, why, "keep one of them, with the whole amount"))
    };
    statements.iter().enumerate().filter_map(repeated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(name: &str, account: Option<u8>, tier: u8, line: usize) -> Statement {
        let place = Place { file: "a.toml".into(), line: Some(line) };
        let account = account.map(Address::repeat_byte);
        Statement { name: name.to_owned(), account, tier, asset: Some(Asset::Eth), place }
    }

    #[test]
    fn the_same_is_recognized_however_it_is_written() {
        let first = statement("Lido DAO", None, 2, 5);
        let found = |later: Statement| said_twice(&[first.clone(), later]).len();
        assert_eq!(found(statement(" lido  dao", None, 2, 9)), 1);
        assert_eq!(found(statement("Lido DAO", Some(1), 2, 9)), 1);
        assert_eq!(found(statement("Lido DAO", None, 1, 9)), 0);
        assert_eq!(found(statement("Lido", None, 2, 9)), 0);
        assert_eq!(found(Statement { asset: None, ..statement("Lido DAO", None, 2, 9) }), 0);
        let same = [statement("Ada", Some(1), 0, 1), statement("Bob", Some(1), 0, 2)];
        let expected = "\
a.toml:2: error: `Bob` says twice what it pledges into tier 0
  why  it is counted twice: a.toml:1 says it too
  do   keep one of them, with the whole amount
";
        assert_eq!(said_twice(&same)[0].to_text(), expected);
        let different = [statement("Ada", Some(1), 0, 1), statement("Ada", Some(2), 0, 2)];
        assert_eq!(said_twice(&different), []);
    }
}
