//! Names of ENS, wherever an argument is an address. Files and environment variables have addresses only.
//!
//! The arguments are parsed twice: once to find the names among them, and again with what these stand for. So no command knows
//! anything of names. A name is resolved once in a command, on the chain that the command is for, and compared with what the
//! journal has seen it stand for.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use alloy::{
    contract::Error as ContractError,
    ens::{EnsError, NameOrAddress, ProviderEnsExt as _, UNIVERSAL_RESOLVER_ADDRESS},
    primitives::Address,
    providers::Provider as _,
};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches as _, builder::ValueParser};
use eyre::{Report, Result, eyre};
use levee::{Error, provider::LOCAL_CHAIN};
use levee_model::json::Account;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    address,
    commands::compact::Named,
    connection::{Connection, NetworkArgs},
    error::UserError,
    gateway::{self, Trouble},
    journal::SqliteJournal,
    output::Output,
    terms::TermsFile,
    time,
};

/// The chains on which ENS is its makers' own, Ethereum and Sepolia, and a local chain, which may be a copy of one of them.
/// Elsewhere anybody may have something else at its address.
const CHAINS: [u64; 3] = [1, 11_155_111, LOCAL_CHAIN];

/// How names are resolved.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Server that may be asked for the address of an ENS name that is kept outside the chain; may be repeated.
    #[arg(long, value_name = "HOST")]
    ens_gateway: Vec<String>,

    /// Accept that an ENS name stands for another address than it did before.
    #[arg(long)]
    accept_changed_name: bool,
}

/// The names of ENS among the arguments of a command.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    names: BTreeSet<&'a str>,
    matches: &'a ArgMatches,
}

/// What the names in the arguments stand for, on which chain.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    chain: Option<u64>,
    addresses: BTreeMap<String, Address>,
}

/// The names in the arguments, on stderr.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NamesJson<'a> {
    names: Vec<NameJson<'a>>,
}

/// A name of ENS, and the address that is used for it.
#[derive(Debug, Serialize, JsonSchema)]
struct NameJson<'a> {
    /// The name, normalized.
    name: &'a str,
    #[serde(with = "Account")]
    address: Address,
}

/// The command, with names taken where it takes addresses.
pub(crate) fn taken_by(command: Command) -> Command {
    let parser = ValueParser::new(parse);
    with_each(command, &|arg| if is_address(&arg) { arg.value_parser(parser.clone()) } else { arg })
}

/// The command, with each argument changed.
fn with_each(command: Command, change: &impl Fn(Arg) -> Arg) -> Command {
    command.mut_args(change).mut_subcommands(|inner| with_each(inner, change))
}

fn is_address(arg: &Arg) -> bool {
    is::<Address>(arg)
}

fn is<T: 'static>(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<T>()
}

/// Reads an address or a name, which is normalized (ENSIP-15).
pub(crate) fn parse(text: &str) -> Result<NameOrAddress, UserError> {
    if !text.contains('.') {
        return address::parse(text).map(NameOrAddress::Address);
    }
    ens_normalize::ens_normalize(text).map(NameOrAddress::Name).map_err(|error| {
        UserError::new(format!("`{text}` is not a valid ENS name: {error}"))
            .hint("type the name by hand, or give the address")
    })
}

impl<'a> Names<'a> {
    /// Those among the arguments of a command, each once; none if there are none.
    pub(crate) fn among(matches: &'a ArgMatches) -> Option<Self> {
        let values = matches.ids().filter_map(|id| matches.try_get_many(id.as_str()).ok()?);
        let names = values.flatten().filter_map(|given| match given {
            NameOrAddress::Name(name) => Some(name.as_str()),
            NameOrAddress::Address(_) => None,
        });
        let compacts = matches.ids().filter_map(|id| matches.try_get_one(id.as_str()).ok()?);
        let compacts = compacts.filter_map(|given| match given {
            Named::Name(name) => Some(name.as_str()),
            Named::Address(_) | Named::File(_) => None,
        });
        let names: BTreeSet<_> = names.chain(compacts).collect();
        (!names.is_empty()).then_some(Self { names, matches })
    }

    /// Resolves them, on the chain that the command is for, and shows what they stand for.
    pub(crate) async fn resolve(self, output: Output) -> Result<Known> {
        self.require_node()?;
        let network = NetworkArgs::from_arg_matches(self.matches)?;
        let terms = self.path("terms").map(TermsFile::read).transpose()?;
        let connection = network.connect(terms.as_ref()).await?;
        connection.current_block().await?;
        let journal = SqliteJournal::open(self.path("journal")).await?;
        let mut known = Known { chain: Some(connection.chain), ..Known::default() };
        for name in self.names {
            let address = network.names.ask(name, &connection).await?;
            network.names.compare(&journal, connection.chain, name, address).await?;
            known.addresses.insert(name.to_owned(), address);
        }
        known.show(output);
        Ok(known)
    }

    /// Refuses names where a file is checked without a node: only a node tells what they stand for.
    fn require_node(&self) -> Result<(), UserError> {
        match (self.path("from_bundle"), self.names.first()) {
            (Some(path), Some(name)) => Err(UserError::new(format!(
                "`{}` is checked without a node, and only a node tells what `{name}` stands for",
                path.display()
            ))
            .hint("give the address")),
            _ => Ok(()),
        }
    }

    /// The path that an option of the command gives, if it has that option.
    fn path(&self, option: &str) -> Option<&'a Path> {
        self.matches.try_get_one::<PathBuf>(option).ok().flatten().map(PathBuf::as_path)
    }
}

impl Known {
    /// The command, with the names taken as the addresses that they stand for, and the chain on which they do.
    pub(crate) fn taken_by(self, command: Command) -> Command {
        let Some(chain) = self.chain else { return command };
        // The arguments live as long as the program.
        let chain: &'static str = chain.to_string().leak();
        let known = self.clone();
        let of_compacts = ValueParser::new(move |text: &str| match Named::parse(text)? {
            Named::Name(name) => known.address(&name).map(Named::Address),
            other => Ok(other),
        });
        let parser = ValueParser::new(move |text: &str| self.address(text));
        with_each(command, &|arg| match arg.get_id().as_str() {
            "chain" => arg.default_value(chain),
            _ if is_address(&arg) => arg.value_parser(parser.clone()),
            _ if is::<Named>(&arg) => arg.value_parser(of_compacts.clone()),
            _ => arg,
        })
    }

    fn address(&self, text: &str) -> Result<Address, UserError> {
        match parse(text)? {
            NameOrAddress::Address(address) => Ok(address),
            NameOrAddress::Name(name) => self.addresses.get(&name).copied().ok_or_else(|| no_address(&name)),
        }
    }

    fn show(&self, output: Output) {
        let mut text = String::new();
        let mut names = Vec::new();
        for (name, &address) in &self.addresses {
            text.push_str(&format!("{name} stands for {address}\n"));
            names.push(NameJson { name, address });
        }
        output.tell(&text, &NamesJson { names });
    }
}

impl NameArgs {
    /// What a name stands for, by ENS on the chain of the connection.
    async fn ask(&self, name: &str, connection: &Connection) -> Result<Address> {
        if !CHAINS.contains(&connection.chain) {
            return Err(no_ens(name, connection.chain).into());
        }
        let client = gateway::client(&self.ens_gateway)?;
        let answer = connection.provider.resolve_name_with_ccip_read(name, &client).await;
        if let Some(trouble) = client.gateway().trouble() {
            return Err(not_told(name, trouble));
        }
        match answer {
            Ok(Address::ZERO) | Err(EnsError::ResolverNotFound(_)) => Err(no_address(name).into()),
            Ok(address) => Ok(address),
            Err(EnsError::InvalidResponse) if is_absent(connection).await? => {
                Err(no_ens(name, connection.chain).into())
            }
            Err(error) => Err(unresolved(name, error)),
        }
    }

    /// Refuses an address that is not the one that the journal has for the name, unless that was allowed, and remembers it.
    async fn compare(&self, journal: &SqliteJournal, chain: u64, name: &str, address: Address) -> Result<()> {
        match journal.name(chain, name).await? {
            Some((before, _)) if before == address => Ok(()),
            Some((before, at)) if !self.accept_changed_name => {
                let at = time::time(at);
                let message =
                    format!("`{name}` stood for `{before}` at {at}, and now stands for `{address}`");
                let hint = "ask its owner by another way; `--accept-changed-name` accepts the new address";
                Err(UserError::new(message).hint(hint).into())
            }
            _ => Ok(journal.remember_name(chain, name, address).await?),
        }
    }
}

/// Whether nothing is at the address of ENS.
async fn is_absent(connection: &Connection) -> Result<bool, Error> {
    Ok(connection.provider.get_code_at(UNIVERSAL_RESOLVER_ADDRESS).await?.is_empty())
}

fn unresolved(name: &str, error: EnsError) -> Report {
    match error {
        EnsError::Resolve(ContractError::TransportError(error)) if error.as_error_resp().is_none() => {
            Error::from(error).into()
        }
        error => {
            let message = levee::redact(&error.to_string());
            let error = UserError::new(format!("`{name}` cannot be resolved: {message}"));
            error.hint("give the address instead").into()
        }
    }
}

fn not_told(name: &str, trouble: &Trouble) -> Report {
    match trouble {
        Trouble::NotAllowed(host) => UserError::new(format!(
            "the address of `{name}` is not on the chain: its resolver wants `{host}` to be asked for it"
        ))
        .hint(format!(
            "if you trust the name's owner with that, add `--ens-gateway {host}`; or give the address"
        ))
        .into(),
        Trouble::Failed(message) => {
            eyre!(levee::redact(message)).wrap_err(format!("the gateway for `{name}` does not answer"))
        }
    }
}

fn no_ens(name: &str, chain: u64) -> UserError {
    UserError::new(format!("there is no ENS on chain {chain}, so `{name}` stands for nothing there"))
        .hint("give the address: what a name stands for on one chain may be another's on the next")
}

/// A name that stands for nothing.
pub(crate) fn no_address(name: &str) -> UserError {
    UserError::new(format!("`{name}` has no address")).hint("check the name, or give the address")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    fn name(text: &str) -> Result<String, String> {
        match parse(text) {
            Ok(NameOrAddress::Name(name)) => Ok(name),
            Ok(NameOrAddress::Address(address)) => Ok(address.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_name_is_normalized() {
        assert_eq!(name("Treasury.ETH"), Ok("treasury.eth".into()));
        assert_eq!(name("0xTreasury.eth"), Ok("0xtreasury.eth".into()));
        let address = "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84";
        assert_eq!(name(address), Ok(address.into()));
        assert_eq!(name("treasury"), Err("`treasury` is not an address".into()));
    }

    #[test]
    fn what_only_looks_like_a_name_is_refused() {
        // An empty label, a space, a mix of scripts, a label that is wholly of lookalikes, a misplaced underscore.
        let texts = [
            "treasury..eth",
            ".",
            "trea sury.eth",
            "v\u{430}ult.eth",
            "\u{430}\u{440}\u{435}.eth",
            "a_b.eth",
        ];
        for text in texts {
            let message = name(text).unwrap_err();
            assert!(message.starts_with(&format!("`{text}` is not a valid ENS name: ")), "{message}");
        }
    }

    #[test]
    fn a_command_gets_the_address_on_the_chain_where_the_name_has_it() {
        let address = Address::repeat_byte(7);
        let known = Known { chain: Some(5), addresses: [("rescue.eth".into(), address)].into() };
        let line = ["levee", "status", "--rescue", "Rescue.eth"];
        let matches = known.clone().taken_by(Cli::command()).try_get_matches_from(line).unwrap();
        let (_, status) = matches.subcommand().unwrap();
        assert_eq!(status.get_one::<Address>("rescue"), Some(&address));
        assert_eq!(status.get_one::<u64>("chain"), Some(&5));
        let others = ["levee", "positions", "other.eth"];
        assert!(known.taken_by(Cli::command()).try_get_matches_from(others).is_err());
    }

    /// A command with an address has what is needed to resolve a name: a network.
    #[test]
    fn every_address_may_be_a_name() {
        fn check(command: &Command) -> usize {
            let addresses = command.get_arguments().filter(|arg| is_address(arg)).count();
            assert!(
                addresses == 0 || command.get_arguments().any(|arg| arg.get_id() == "rpc_url"),
                "{}",
                command.get_name()
            );
            addresses + command.get_subcommands().map(check).sum::<usize>()
        }
        assert!(check(&Cli::command()) > 20);
    }
}
