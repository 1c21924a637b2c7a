//! The cast: an account for every name, the same in every rehearsal, and the model of Lido's two tokens.

use alloy::{
    primitives::{Address, B256, keccak256},
    signers::local::PrivateKeySigner,
};

use crate::error::UserError;

/// The name of the terms' beneficiary.
pub(crate) const BENEFICIARY: &str = "beneficiary";
/// The name of the terms' guardian.
pub(crate) const GUARDIAN: &str = "guardian";
/// Who makes the calls that anyone may make.
pub(crate) const ANYONE: &str = "anyone";
/// Who deploys the model of Lido, whose first shares it holds, and WETH.
pub(crate) const LIDO: &str = "Lido's deployer";
/// The names of Lido's tokens, in the terms.
const TOKENS: [&str; 2] = ["stETH", "wstETH"];
const ROLES: [&str; 4] = [BENEFICIARY, GUARDIAN, ANYONE, LIDO];

/// The names of a scenario.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    contributors: Vec<String>,
}

impl Cast {
    /// The roles that every scenario has, and its contributors.
    pub(crate) fn new(contributors: Vec<String>) -> Result<Self, UserError> {
        for (index, name) in contributors.iter().enumerate() {
            if ROLES.contains(&name.as_str()) || TOKENS.contains(&name.as_str()) {
                return Err(UserError::new(format!("a contributor cannot be named `{name}`"))
                    .hint("that name has another meaning in a rehearsal"));
            }
            if contributors[..index].contains(name) {
                return Err(UserError::new(format!("there are two contributors named `{name}`"))
                    .hint("list everything it holds in one `[[contributor]]`"));
            }
        }
        Ok(Self { contributors })
    }

    /// The contributors' names in the scenario.
    pub(crate) fn contributors(&self) -> impl Iterator<Item = &str> {
        self.contributors.iter().map(String::as_str)
    }

    /// Every name that has an account.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.contributors().chain(ROLES)
    }

    /// The name, if someone has it.
    pub(crate) fn find(&self, name: &str) -> Result<String, UserError> {
        let found = self.names().find(|known| *known == name);
        found.map(str::to_owned).ok_or_else(|| {
            UserError::new(format!("no one is named `{name}`"))
                .hint(format!("names are {}", self.names().collect::<Vec<_>>().join(", ")))
        })
    }

    /// The address that the terms mean: a name's, one of Lido's tokens, or an address as written.
    pub(crate) fn address_in_terms(&self, text: &str) -> Result<Address, UserError> {
        match TOKENS.iter().position(|token| *token == text) {
            Some(index) => Ok(tokens()[index]),
            None if text.starts_with("0x") => crate::address::parse(text),
            None => self.find(text).map(|name| address(&name)),
        }
    }

    /// `text` with names in place of addresses.
    pub(crate) fn with_names(&self, text: &str) -> String {
        let replace = |text: String, name: &str| {
            let account = address(name).to_string();
            text.replace(&format!("`{account}`"), name).replace(&account, name)
        };
        self.names().fold(text.to_owned(), replace)
    }

    /// The name with this address; otherwise the address itself.
    pub(crate) fn name_of(&self, account: Address) -> String {
        self.names().find(|name| address(name) == account).map_or_else(|| account.to_string(), str::to_owned)
    }
}

/// The key of a name: a hash of it. It is public, and of use only on local chains.
pub(crate) fn key(name: &str) -> B256 {
    keccak256(format!("levee rehearse: {name}"))
}

/// What signs for a name.
pub(crate) fn signer(name: &str) -> PrivateKeySigner {
    // Only 0 and numbers beyond the curve's order are no keys: no text with such a hash is known.
    PrivateKeySigner::from_bytes(&key(name)).expect("a hash is a key")
}

/// The account of a name.
pub(crate) fn address(name: &str) -> Address {
    signer(name).address()
}

/// Where [`LIDO`]'s first two contracts are: stETH and wstETH.
pub(crate) fn tokens() -> [Address; 2] {
    let lido = address(LIDO);
    [lido.create(0), lido.create(1)]
}

/// Where its third is: WETH.
pub(crate) fn weth() -> Address {
    address(LIDO).create(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast() -> Cast {
        Cast::new(vec!["Mantle".to_owned(), "Lido".to_owned()]).unwrap()
    }

    #[test]
    fn a_name_has_the_same_account_everywhere() {
        assert_eq!(address("Mantle"), cast().address_in_terms("Mantle").unwrap());
        assert_ne!(address("Mantle"), address("Lido"));
        assert_eq!(cast().name_of(address("Lido")), "Lido");
        assert_eq!(cast().name_of(Address::ZERO), Address::ZERO.to_string());
        let [lido, mantle] = ["Lido", "Mantle"].map(address);
        assert_eq!(cast().with_names(&format!("`{lido}` is not {mantle}")), "Lido is not Mantle");
    }

    #[test]
    fn the_terms_name_people_and_tokens_or_write_addresses() {
        let read = |text: &str| cast().address_in_terms(text);
        assert_eq!(read("beneficiary").unwrap(), address(BENEFICIARY));
        assert_eq!(read("wstETH").unwrap(), address(LIDO).create(1));
        assert_eq!(read(&Address::repeat_byte(7).to_string()).unwrap(), Address::repeat_byte(7));
        assert_eq!(read("nobody").unwrap_err().to_string(), "no one is named `nobody`");
    }

    #[test]
    fn names_are_of_one() {
        let refusal = |names: &[&str]| {
            Cast::new(names.iter().map(ToString::to_string).collect()).unwrap_err().to_string()
        };
        assert_eq!(refusal(&["Lido", "Lido"]), "there are two contributors named `Lido`");
        assert_eq!(refusal(&["guardian"]), "a contributor cannot be named `guardian`");
    }
}
