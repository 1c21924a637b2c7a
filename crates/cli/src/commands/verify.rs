//! `levee verify`: prove a rescue from its address.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use clap::Args;
use eyre::{Report, Result};
use levee::proof::{Evidence, ProvenAccount, Question, Role, Shortfall, Unproven, Verified};
use levee_model::{Amount, Asset, Terms, json::Hash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    positions::{self, Positions},
    verify_compact,
};
use crate::{
    address, amount,
    connection::NetworkArgs,
    error::UserError,
    event, file,
    output::Output,
    page::{Page, RescueJson},
    table,
    terms::{self, TermsFile},
    time,
};

/// The rescue, and the block at which it is proven.
#[derive(Debug, Args)]
#[command(after_help = "\
Every figure, but for those that depend on what is listed at the end, is proven by eth_getProof (EIP-1186) against the hash of one block: the code at the address, the \
books of the rescue and of both pools, an account's positions, and what the escrow holds. The code and the \
original terms must give the address. What a node says otherwise must agree, or the command fails. What \
cannot be proven is listed at the end. Of a compact, every member, every call and every vote is proven.

Examples:
  levee verify 0x… --rpc-url https://node.example
  levee verify 0x… --terms rescue.toml --account 0x… --bundle proof.json
  levee verify 0x… --from-bundle proof.json --block-hash 0x…")]
pub(crate) struct VerifyArgs {
    /// Address of the rescue, or of a compact.
    #[arg(value_name = "ADDRESS", value_parser = address::parse)]
    pub(super) rescue: Address,

    /// Account whose positions are to be proven too.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pub(super) account: Option<Address>,

    /// Terms file to compare with, term by term.
    #[arg(long, value_name = "FILE")]
    pub(super) terms: Option<PathBuf>,

    /// Hash of the block to prove it at, from a source that you trust; default: the latest block, whose hash the nodes
    /// tell.
    #[arg(long, value_name = "HASH", value_parser = terms::parse_hash)]
    pub(super) block_hash: Option<B256>,

    /// Also write all evidence to this new file, for others to check offline.
    #[arg(long, value_name = "FILE")]
    pub(super) bundle: Option<PathBuf>,

    /// Check the evidence in this file, without a node.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bundle", "rpc_url", "quorum", "timeout"])]
    pub(super) from_bundle: Option<PathBuf>,

    #[command(flatten)]
    pub(super) network: NetworkArgs,
}

/// Evidence in a file, and what it is to prove.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bundle {
    format: Format,
    rescue: Address,
    account: Option<Address>,
    evidence: Evidence,
}

#[derive(Debug, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "levee-proof-v1")]
    V1,
}

/// Who says that the block is one of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "by", rename_all = "camelCase")]
pub(super) enum Anchor {
    /// The caller, who gave its hash.
    Caller,
    /// Nodes that agree.
    Quorum {
        /// How many.
        nodes: usize,
    },
    /// One node.
    Node,
    /// The file with the evidence.
    Bundle,
}

impl VerifyArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        if verify_compact::is_meant(&self).await? {
            return verify_compact::run(&self, output).await;
        }
        let terms = self.terms.as_deref().map(TermsFile::read).transpose()?;
        let (bundle, verified, anchor) = match &self.from_bundle {
            Some(path) => self.read(path, terms.as_ref())?,
            None => self.ask(terms.as_ref()).await?,
        };
        if let Some(terms) = &terms {
            compare(terms, &verified.snapshot.original)?;
        }
        if let Some(path) = &self.bundle {
            file::create(path, &serde_json::to_string(&bundle)?)?;
        }
        let page = Page::of(&verified.snapshot);
        let shown = Shown { verified: &verified, page: &page, account: bundle.account, anchor };
        output.warn(&shown.warnings());
        output.result(&shown.to_text(), &shown.to_json())
    }

    fn question(&self, account: Option<Address>, chain: Option<u64>) -> Question {
        Question { rescue: self.rescue, account, block_hash: self.block_hash, chain }
    }

    /// Collects evidence from the nodes.
    async fn ask(&self, terms: Option<&TermsFile>) -> Result<(Bundle, Verified, Anchor)> {
        let node = self.network.node(terms)?;
        let question = self.question(self.account, node.expected);
        let evidence = match self.block_hash {
            Some(_) => question.ask(&node.provider).await?,
            None => {
                let is_current =
                    async |chain, number, time| node.nodes.check_current(chain, number, time).await;
                question.ask_if(&node.provider, is_current).await?
            }
        };
        let verified = evidence.check(&question)?;
        let anchor = Anchor::of(self.block_hash, node.nodes.quorum());
        let bundle = Bundle { format: Format::V1, rescue: self.rescue, account: self.account, evidence };
        Ok((bundle, verified, anchor))
    }

    /// Checks the evidence in a file.
    fn read(&self, path: &Path, terms: Option<&TermsFile>) -> Result<(Bundle, Verified, Anchor)> {
        let (bundle, shown) = (Bundle::read(path)?, path.display());
        if bundle.rescue != self.rescue {
            return Err(UserError::new(format!("`{shown}` is about the rescue `{}`", bundle.rescue))
                .hint("ask for that rescue, or for another file")
                .into());
        }
        if let Some(account) = self.account.filter(|account| bundle.account != Some(*account)) {
            return Err(UserError::new(format!("`{shown}` has no positions of `{account}`"))
                .hint("leave `--account` out, or ask for a file that was written with it")
                .into());
        }
        let question = self.question(bundle.account, self.network.expected(terms)?);
        let verified = bundle.evidence.check(&question).map_err(|error| {
            let nothing = UserError::new(format!("`{shown}` proves nothing: {error}"))
                .hint("do not rely on it; ask whoever gave it to you for another");
            Report::new(error).wrap_err(nothing)
        })?;
        let anchor = if self.block_hash.is_some() { Anchor::Caller } else { Anchor::Bundle };
        Ok((bundle, verified, anchor))
    }
}

impl Bundle {
    fn read(path: &Path) -> Result<Self, UserError> {
        serde_json::from_slice(&file::document(path)?).map_err(|error| {
            UserError::new(format!("`{}` is not a bundle of evidence: {error}", path.display()))
                .hint("`levee verify --bundle FILE` writes one")
        })
    }
}

/// Compares the proven terms with those of a file, word by word.
fn compare(file: &TermsFile, proven: &Terms) -> Result<()> {
    terms_differ("rescue", &file.path, &file.terms, proven)
}

/// Refuses terms of a rescue or a compact that are not those in a file.
pub(super) fn terms_differ<T: Serialize>(what: &str, path: &Path, ours: &T, proven: &T) -> Result<()> {
    let [ours, theirs] = [ours, proven].map(|terms| serde_json::to_value(terms).unwrap_or_default());
    let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) else { return Ok(()) };
    let differs = |(name, value): &(&String, &Value)| ours.get(*name) != Some(value);
    let difference = |(name, value): (&String, &Value)| format!("`{name}` is {value}, not {}", ours[name]);
    let differences: Vec<_> = theirs.iter().filter(differs).map(difference).collect();
    if differences.is_empty() {
        return Ok(());
    }
    let path = path.display();
    let hint = match what {
        "rescue" => {
            "pledge only to the rescue whose terms you have read: `levee address` computes its address"
        }
        _ => {
            "commit only to the compact whose terms you have read: `levee compact show` computes its address"
        }
    };
    let message = format!("the terms of the {what} are not those in `{path}`: {}", differences.join("; "));
    Err(UserError::new(message).hint(hint).into())
}

/// What is shown.
struct Shown<'a> {
    verified: &'a Verified,
    page: &'a Page,
    account: Option<Address>,
    anchor: Anchor,
}

/// The result of `levee verify`: a rescue whose figures are proven, except for what is listed in `notProven`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verification<'a> {
    /// The block at the end of which all of this is proven.
    #[serde(with = "Hash")]
    block_hash: B256,
    /// Who says that the block is one of the chain.
    anchor: Anchor,
    /// The rescue, as in the result of `levee status`.
    rescue: RescueJson<'a>,
    /// The terms to which the address commits.
    original_terms: &'a Terms,
    /// The account's positions, if one is asked about, as in the result of `levee positions`.
    account: Option<Positions<'a>>,
    /// What the escrow has of each asset, where that is proven.
    balances: &'a [Amount],
    /// The tokens of which it is proven to have less than its books say, so that not everybody can be paid.
    shortfalls: &'a [Shortfall],
    /// The accounts and the words of storage that everything follows from.
    proven: &'a [ProvenAccount],
    not_proven: &'a [Unproven],
}

impl Shown<'_> {
    fn to_json(&self) -> Verification<'_> {
        let Verified { snapshot, block_hash, balances, shortfalls, accounts, unproven, .. } = self.verified;
        Verification {
            block_hash: *block_hash,
            anchor: self.anchor,
            rescue: self.page.to_json(),
            original_terms: &snapshot.original,
            account: self.account.map(|account| Positions::of(snapshot, account, None)),
            balances,
            shortfalls,
            proven: accounts,
            not_proven: unproven,
        }
    }

    fn warnings(&self) -> Vec<String> {
        let exact = |amount: Amount| amount::units_exact(amount.units(), amount.asset(), self.page.rate());
        let warning = |&Shortfall { held, booked }: &Shortfall| {
            let [held, booked] = [held, booked].map(exact);
            format!("the escrow has {held}, but its books need {booked}: not everybody can be paid")
        };
        self.verified.shortfalls.iter().map(warning).collect()
    }

    fn to_text(&self) -> String {
        let mut text = self.page.to_text(time::clock());
        if let Some(account) = self.account {
            let positions = positions::text_of(&self.verified.snapshot, account, self.page, None);
            text.push_str(&format!("\npositions of {account}\n{positions}"));
        }
        let held = self.verified.balances.iter().map(|balance| {
            let asset = balance.asset();
            (name_of_asset(asset), amount::units_exact(balance.units(), asset, self.page.rate()))
        });
        text.push_str(&format!("\nheld by the escrow\n{}", table::facts_below(&held.collect::<Vec<_>>())));
        text.push_str(&format!("\nproven\n{}", self.proven()));
        text.push_str(&format!("\nnot proven\n{}", self.not_proven()));
        text
    }

    fn proven(&self) -> String {
        let fact = |account: &ProvenAccount| {
            let what = match account.code_hash {
                None => "not created".to_owned(),
                Some(_) => {
                    format!("code, balance and {} of storage", event::counted(account.words.len(), "word"))
                }
            };
            (name_of(account.role), format!("{}: {what}", account.address))
        };
        let block = ("block", format!("hash {}", self.verified.block_hash));
        let accounts = self.verified.accounts.iter().map(fact);
        table::facts_below(&[block].into_iter().chain(accounts).collect::<Vec<_>>())
    }

    fn not_proven(&self) -> String {
        let unproven = self.verified.unproven.iter();
        let facts: Vec<_> = unproven.map(|what| what_is_not_proven(what, self.anchor)).collect();
        table::facts_below(&facts)
    }
}

/// What no proof shows, in words.
pub(super) fn what_is_not_proven(what: &Unproven, anchor: Anchor) -> (&'static str, String) {
    match *what {
            Unproven::Block => ("block", anchor.explain().to_owned()),
            Unproven::OtherMembers => (
                "members",
                "that nobody else has only something pending, or a premium to claim: who has something active cannot be left out".into(),
            ),
            Unproven::ChainId { chain } => ("chain", format!("that it has the ID {chain}: blocks do not name it")),
            Unproven::Beneficiary { address } => {
                ("beneficiary", format!("what {address} does with what it gets"))
            }
            Unproven::ShareRate { .. } => (
                "share rate",
                "what Lido says that shares are worth, or that it does not say: coverage, the threshold met, every amount in stETH and, past the deadline, the status and what is drawn follow from it".into(),
            ),
            Unproven::Token { asset, is_lidos: true } => (
                name_of_asset(asset),
                "that it does as it should: Lido's governance can change the code of stETH".into(),
            ),
            Unproven::Token { asset, is_lidos: false } => (
                name_of_asset(asset),
                "that it does as it should, now or later: it is not the token that Lido is known to have on this chain".into(),
            ),
            Unproven::Balance { asset } => {
                (name_of_asset(asset), "what the contract has: it is not known where this token keeps balances".into())
            }
        }
}

impl Anchor {
    /// By what nodes say, unless the caller has given the hash.
    pub(super) const fn of(block_hash: Option<B256>, quorum: usize) -> Self {
        match (block_hash, quorum) {
            (Some(_), _) => Self::Caller,
            (None, 1) => Self::Node,
            (None, nodes) => Self::Quorum { nodes },
        }
    }

    fn explain(self) -> &'static str {
        match self {
            Self::Caller => {
                "that it is final, or of the chain at all, and what came after it: you gave its hash"
            }
            Self::Quorum { .. } => "that it is final, and what came after it: your nodes agree on its hash",
            Self::Node => {
                "that it is of the chain, and the latest: this is the word of one node; compare the hash and the number with another source, or use `--block-hash` or `--quorum`"
            }
            Self::Bundle => {
                "that it is of the chain, and what came after it: this is the word of whoever gave you the file; compare the hash with another source, or use `--block-hash`"
            }
        }
    }
}

pub(super) const fn name_of(role: Role) -> &'static str {
    match role {
        Role::Escrow => "escrow",
        Role::RecoveryPool => "recovery pool",
        Role::BonusPool => "bonus pool",
        Role::Compact => "compact",
        Role::StEth => name_of_asset(Asset::StEth),
        Role::WstEth => name_of_asset(Asset::WstEth),
    }
}

const fn name_of_asset(asset: Asset) -> &'static str {
    match asset {
        Asset::Eth => "ETH",
        Asset::StEth => "stETH",
        Asset::WstEth => "wstETH",
    }
}
