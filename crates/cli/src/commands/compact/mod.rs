//! `levee compact`: a standing agreement to rescue, from its terms to its calls.
//!
//! | file | question |
//! |---|---|
//! | [`terms`] | what does a file of terms say, and is it allowed? |
//! | [`deploy`] | how is a compact created? |
//! | [`status`] | who is committed, who is leaving, and where does each call stand? |
//! | [`act`] | how is a call of the contract prepared, shown and sent? |
//! | [`member`], [`call`] | what can members, and anyone, do? |

mod act;
mod call;
pub(crate) mod deploy;
mod member;
pub(crate) mod status;
pub(crate) mod terms;

use std::path::{Path, PathBuf};

use alloy::{ens::NameOrAddress, primitives::Address, providers::DynProvider};
use clap::{Args, Subcommand};
use eyre::{Report, Result};
use levee::{compact::CompactClient, text::CompactFile};

use crate::{
    address,
    connection::{Connection, NetworkArgs},
    error::UserError,
    names,
    output::Output,
};

/// Subcommands of `levee compact`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Members of a compact lock wstETH before there is a shortfall, under terms that never change. When a rescue is called for, a quorum \
decides once, and every member gives the same part of what it had, as a pledge of its own. docs/compact.md has the rules.")]
pub(crate) enum CompactCommand {
    /// Write a template for a file of terms, with every key explained
    New(terms::NewArgs),
    /// Check whether a compact with these terms can be created
    Check(terms::FileArgs),
    /// Show the terms of a file, and the address of the compact
    Show(terms::FileArgs),
    /// Create a compact
    Deploy(Box<deploy::DeployArgs>),
    /// Show the members of a compact, and its calls
    Status(status::StatusArgs),
    /// Let an account commit (admitter)
    Admit(Box<member::Admit>),
    /// Commit wstETH, which counts once it has seasoned and is activated
    Commit(Box<member::Commit>),
    /// Take back what is committed and not activated
    TakeBack(Box<member::TakeBack>),
    /// Activate what has seasoned of a member (anyone)
    Activate(Box<member::Activate>),
    /// Give notice, so that you may leave later
    Notice(Box<member::Notice>),
    /// Leave with what is under notice
    Leave(Box<member::Leave>),
    /// Name who proposes and approves in your stead
    Approver(Box<member::NameApprover>),
    /// Propose a call for a rescue
    Propose(Box<call::Propose>),
    /// Approve a call
    Approve(Box<call::Approve>),
    /// Withdraw your approval of a call
    Withdraw(Box<call::Withdraw>),
    /// Pledge what members give to a call that has passed (anyone)
    #[command(visible_alias = "fulfil")]
    Fulfill(Box<call::Fulfill>),
    /// Pay a premium to everyone who has weight (anyone)
    Premium(Box<member::Premium>),
    /// Pay a member the premiums that it has earned (anyone)
    Claim(Box<member::Claim>),
}

impl CompactCommand {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::New(args) => args.run(output),
            Self::Check(args) => args.check(output),
            Self::Show(args) => args.show(output),
            Self::Deploy(args) => args.run(output).await,
            Self::Status(args) => args.run(output).await,
            Self::Admit(deed) => act::run(*deed, output).await,
            Self::Commit(deed) => act::run(*deed, output).await,
            Self::TakeBack(deed) => act::run(*deed, output).await,
            Self::Activate(deed) => act::run(*deed, output).await,
            Self::Notice(deed) => act::run(*deed, output).await,
            Self::Leave(deed) => act::run(*deed, output).await,
            Self::Approver(deed) => act::run(*deed, output).await,
            Self::Propose(deed) => act::run(*deed, output).await,
            Self::Approve(deed) => act::run(*deed, output).await,
            Self::Withdraw(deed) => act::run(*deed, output).await,
            Self::Fulfill(deed) => act::run(*deed, output).await,
            Self::Premium(deed) => act::run(*deed, output).await,
            Self::Claim(deed) => act::run(*deed, output).await,
        }
    }
}

/// The compact that a command is about.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The compact: its address or ENS name, or the file of its terms.
    #[arg(value_name = "COMPACT", value_parser = Named::parse)]
    compact: Named,

    /// First block to read the logs of the compact from; default: where there can be some.
    #[arg(long, value_name = "NUMBER")]
    from_block: Option<u64>,
}

/// How a compact is named.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    Address(Address),
    File(PathBuf),
    /// A name of ENS, which is yet to be resolved.
    Name(String),
}

impl Named {
    /// Reads an address, a name of ENS or a path: what is a file, or ends in `.toml`, is no name.
    pub(crate) fn parse(text: &str) -> Result<Self, UserError> {
        let path = Path::new(text);
        let is_file = !text.contains('.')
            || text.contains(['/', '\\'])
            || path.extension().is_some_and(|it| it == "toml")
            || path.exists();
        match (text.starts_with("0x") && !text.contains('.'), is_file) {
            (true, _) => address::parse(text).map(Self::Address),
            (false, true) => Ok(Self::File(text.into())),
            (false, false) => match names::parse(text)? {
                NameOrAddress::Name(name) => Ok(Self::Name(name)),
                NameOrAddress::Address(address) => Ok(Self::Address(address)),
            },
        }
    }
}

impl Named {
    /// An error that says how the address came about.
    fn explained(&self, error: levee::Error) -> Report {
        let (Self::File(path), levee::Error::NoCode { address, .. }) = (self, &error) else {
            return error.into();
        };
        let path = path.display();
        let missing = UserError::new(format!("there is no compact at `{address}`, which follows from `{path}`"))
            .hint("create it with `levee compact deploy`; if it was created, a value in the file or its document differs from what it was created with, since both give the address");
        Report::new(error).wrap_err(missing)
    }
}

impl WhichArgs {
    /// Connects, and proves that the compact is one. What it holds and pays into may still be anyone's.
    async fn open(&self, network: &NetworkArgs) -> Result<(Connection, CompactClient<DynProvider>)> {
        let (connection, address) = match &self.compact {
            Named::Address(address) => (network.connect(None).await?, *address),
            Named::File(path) => {
                let file = CompactFile::read(path)?;
                let connection = network.connect_to(file.chain, path, "the terms").await?;
                (connection, file.blueprint().address())
            }
            Named::Name(name) => return Err(names::no_address(name).into()),
        };
        let client = CompactClient::open(connection.provider.clone(), connection.chain, address).await;
        Ok((connection, client.map_err(|error| self.compact.explained(error))?))
    }
}
