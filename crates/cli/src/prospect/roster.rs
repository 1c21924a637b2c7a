//! The names of accounts and tiers.

use alloy::primitives::Address;

use crate::{address, error::UserError, rehearse::cast};

/// Who is called what. On a chain, nobody has a name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roster {
    names: Vec<(String, Address)>,
    tier_names: Vec<String>,
}

impl Roster {
    /// The names of accounts, and of all tiers, in order.
    pub(crate) const fn new(names: Vec<(String, Address)>, tier_names: Vec<String>) -> Self {
        Self { names, tier_names }
    }

    /// The names of the tiers; empty if they have only numbers.
    pub(crate) fn tier_names(&self) -> &[String] {
        &self.tier_names
    }

    /// The account that a name or an address stands for.
    pub(crate) fn find(&self, who: &str) -> Result<Address, UserError> {
        match self.names.iter().find(|(name, _)| name == who) {
            Some((_, account)) => Ok(*account),
            None if who.starts_with("0x") => address::parse(who),
            None => Err(self.unknown(who)),
        }
    }

    fn unknown(&self, who: &str) -> UserError {
        let error = UserError::new(format!("no one is named `{who}`"));
        if self.names.is_empty() {
            return error.hint("give the address: on a chain, accounts have no names");
        }
        let names: Vec<_> = self.names.iter().map(|(name, _)| name.as_str()).collect();
        error.hint(format!("names are {}", names.join(", ")))
    }

    /// The same; a name that nobody has becomes that of a new account.
    pub(crate) fn find_or_add(&mut self, who: &str) -> Result<Address, UserError> {
        if let Ok(account) = self.find(who) {
            return Ok(account);
        }
        if who.starts_with("0x") {
            return address::parse(who);
        }
        let account = cast::address(who);
        self.names.push((who.to_owned(), account));
        Ok(account)
    }

    /// The name of an account, if it has one.
    pub(crate) fn only_name_of(&self, account: Address) -> Option<String> {
        self.names.iter().find(|(_, known)| *known == account).map(|(name, _)| name.clone())
    }

    /// The name of an account, or its address.
    pub(crate) fn name_of(&self, account: Address) -> String {
        self.only_name_of(account).unwrap_or_else(|| account.to_string())
    }

    /// The number of a tier, by its name or its number.
    pub(crate) fn tier(&self, text: &str) -> Result<u8, UserError> {
        let by_name = self.tier_names.iter().position(|name| name == text);
        let number = by_name.and_then(|number| u8::try_from(number).ok()).or_else(|| text.parse().ok());
        number.ok_or_else(|| {
            let hint = match self.tier_names.as_slice() {
                [] => "give its number, counted from 0; `levee status` lists them".to_owned(),
                names => format!("the tiers are {}", names.join(", ")),
            };
            UserError::new(format!("no tier is named `{text}`")).hint(hint)
        })
    }

    /// The number of a tier, and its name if it has one.
    pub(crate) fn tier_text(&self, tier: u8) -> String {
        match self.tier_names.get(usize::from(tier)) {
            Some(name) => format!("{tier} ({name})"),
            None => tier.to_string(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn roster() -> Roster {
        let names =
            [("Ada", 1), ("Ben", 2)].map(|(name, byte)| (name.to_owned(), Address::repeat_byte(byte)));
        Roster::new(names.into(), ["grant", "loan", "only if fully funded"].map(str::to_owned).into())
    }

    #[test]
    fn names_addresses_and_numbers_are_understood() {
        let mut roster = roster();
        let other = Address::repeat_byte(7);
        assert_eq!(roster.find("Ben").unwrap(), Address::repeat_byte(2));
        assert_eq!(roster.find(&other.to_string()).unwrap(), other);
        assert_eq!(roster.find("Cleo").unwrap_err().hint.unwrap(), "names are Ada, Ben");
        let cleo = roster.find_or_add("Cleo").unwrap();
        assert_eq!((roster.name_of(cleo), roster.find("Cleo").unwrap()), ("Cleo".to_owned(), cleo));
        assert_eq!(roster.name_of(other), other.to_string());
        assert!(roster.find_or_add("0x12").is_err());
        assert_eq!([roster.tier("loan").unwrap(), roster.tier("2").unwrap()], [1, 2]);
        assert_eq!(roster.tier("gift").unwrap_err().to_string(), "no tier is named `gift`");
        assert_eq!((roster.tier_text(1), roster.tier_text(3)), ("1 (loan)".to_owned(), "3".to_owned()));
        let hint = "give the address: on a chain, accounts have no names";
        assert_eq!(Roster::default().find("Ada").unwrap_err().hint.unwrap(), hint);
    }
}
