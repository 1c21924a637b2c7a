//! `levee declare`: declare an intended pledge.

use std::path::PathBuf;

use alloy::{
    primitives::{Address, B256},
    providers::DynProvider,
};
use clap::Args;
use eyre::Result;
use levee::{Board, Declaration, Declared, Error, Escrow, Purpose, Stage, board::standing};
use levee_model::Wei;

use super::declarations::{Reading, declared};
use crate::{
    account::Hand,
    address, amount,
    connection::{Connection, Named, RescueArgs},
    declaration::{SignedFile, parse_stage},
    error::UserError,
    output::Output,
    plan::Step,
    position,
    signing::{Signer, SigningArgs},
    table, terms, time,
};

/// Default lifetime of a withdrawal. The declaration that it ends does not become valid again afterwards.
const WITHDRAWAL: u64 = 24 * 60 * 60;

/// Arguments of `levee declare`.
#[derive(Debug, Args)]
#[command(after_help = "\
A declaration locks nothing and counts toward no threshold. It is valid until it expires, or until its \
contributor makes another one for the same tier; `levee declarations` compares it with what is locked. The \
amount is a value in ETH, whatever asset will be pledged.

With `--sign`, the account signs the declaration without sending it: anyone can submit the output with \
`--signed`, and pays the gas. It names its rescue: `--rescue` or `--terms` only check that it is the one you mean, and `--terms` \
is needed if the rescue does not exist yet. `--revoke` makes a signed declaration that has not been submitted unusable.

Examples:
  levee declare proposed 5000 ETH --tier 0 --expiry 2026-08-01T00:00:00Z --link https://… --terms \
rescue.toml --account treasury
  levee declare expressed unknown --tier 0 --expiry 2026-08-01T00:00:00Z --rescue 0x… --account treasury
  levee declare approved 5000 ETH --tier 0 --expiry 2026-08-01T00:00:00Z --rescue 0x… --account treasury \
--sign > x.json
  levee declare --signed x.json --account anyone
  levee declare --revoke 0x… --account treasury
  levee declare withdrawn --tier 0 --rescue 0x… --account treasury")]
pub(crate) struct DeclareArgs {
    /// Stage of the decision: expressed, proposed, approved, or withdrawn.
    #[arg(value_name = "STAGE", value_parser = parse_stage, required_unless_present_any = ["signed", "revoke"])]
    stage: Option<Stage>,

    /// Value in ETH, as in `5000 ETH`; or `unknown`, which only `expressed` allows.
    #[arg(value_name = "AMOUNT", num_args = 1..=2, allow_negative_numbers = true)]
    amount: Vec<String>,

    /// Tier, counted from 0; `levee status` lists them.
    #[arg(long, value_name = "N", value_parser = position::parse_tier, required_unless_present_any = ["signed", "revoke"])]
    tier: Option<u8>,

    /// Last second at which the declaration is valid, such as `2026-08-01T00:00:00Z`; optional for a withdrawal.
    #[arg(long, value_name = "TIME", value_parser = time::parse_time)]
    expiry: Option<u64>,

    /// Link to more information, at most 256 bytes.
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    link: String,

    /// Sign the declaration and print it as JSON for anyone to submit, without sending it.
    #[arg(long, conflicts_with = "form")]
    sign: bool,

    /// Declare for this contract wallet, which must accept the account's signature (EIP-1271).
    #[arg(long = "for", value_name = "ADDRESS", value_parser = address::parse, requires = "sign")]
    contributor: Option<Address>,

    /// Submit a declaration that its contributor signed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stage", "amount", "tier", "expiry", "link", "sign", "revoke"])]
    signed: Option<PathBuf>,

    /// Revoke your signed declaration with this digest, so that it can never be declared.
    #[arg(long, value_name = "DIGEST", value_parser = terms::parse_hash, conflicts_with_all = ["stage", "amount", "tier", "expiry", "link", "sign", "rescue", "terms"])]
    revoke: Option<B256>,

    #[command(flatten)]
    rescue: RescueArgs,

    #[command(flatten)]
    signing: SigningArgs,
}

impl DeclareArgs {
    /// Declares, signs, submits or revokes.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match (self.signed.clone(), self.revoke) {
            (Some(path), _) => self.bring(path, output).await,
            (_, Some(digest)) => self.revoke(digest, output).await,
            _ => self.declare(output).await,
        }
    }

    async fn declare(self, output: Output) -> Result<()> {
        let named = self.rescue.named()?;
        let connection = self.signing.network().connect(named.terms.as_ref()).await?;
        let (_, now) = connection.current_block().await?;
        let declaration = self.declaration(&connection, named, now).await?;
        if self.sign {
            let hand = self.signing.hand(&connection, output).await?;
            let contributor = self.contributor.unwrap_or(hand.address());
            return sign(&hand, &connection, contributor, declaration, output).await;
        }
        let purpose = purpose(&declaration).with_some("expiry", self.expiry.map(time::time));
        let rescue = Some(declaration.escrow);
        let Some(signer) =
            self.signing.signer(&connection, rescue, purpose, output).await?.or_report(output).await?
        else {
            return Ok(());
        };
        if declaration.stage == Stage::Withdrawn {
            warn_of_nothing(&connection, signer.from, &declaration, now, output).await;
        }
        let board = Board::new(signer.provider.clone(), connection.chain);
        let call = board.declare(&declaration)?;
        let facts = facts(signer.from, &declaration, now);
        let headline = format!("Declare for the rescue {} (this locks nothing)", declaration.escrow);
        send(&signer, &board, Step::new("declare", headline, call).facts(facts)).await
    }

    /// The declaration that the arguments describe, if the board accepts it at `now` and the rescue has the
    /// tier.
    async fn declaration(&self, connection: &Connection, named: Named, now: u64) -> Result<Declaration> {
        let (Some(stage), Some(tier)) = (self.stage, self.tier) else {
            return Err(UserError::new("a declaration needs a stage and a tier").into());
        };
        let declaration = Declaration {
            escrow: named.address,
            stage,
            tier: known_tier(tier, tier_count(connection, named).await?)?,
            amount: parse_amount(&self.amount.join(" "), stage)?,
            expiry: expiry(self.expiry, stage, now)?,
            link: self.link.clone(),
        };
        declaration.check(now).map_err(Error::from)?;
        Ok(declaration)
    }

    async fn bring(self, path: PathBuf, output: Output) -> Result<()> {
        let file = SignedFile::read(&path)?;
        let chain = file.chain;
        let signed = file.signed().map_err(|error| error.within(path.display()))?;
        let network = self.signing.network();
        let connection = network.connect_to(chain, &path, "a declaration").await?;
        let (_, now) = connection.current_block().await?;
        let signed = Board::new(connection.provider.clone(), connection.chain).check(signed, now).await?;
        let named = self.named(signed.declaration.escrow)?;
        known_tier(signed.declaration.tier, tier_count(&connection, named).await?)?;
        let purpose = Purpose::new("declare").with("signed", signed.signature.to_string());
        let rescue = Some(signed.declaration.escrow);
        let Some(signer) =
            self.signing.signer(&connection, rescue, purpose, output).await?.or_report(output).await?
        else {
            return Ok(());
        };
        let board = Board::new(signer.provider.clone(), connection.chain);
        let call = board.declare_for(&signed)?;
        let headline = format!(
            "Submit a signed declaration for the rescue {} (this locks nothing)",
            signed.declaration.escrow
        );
        let facts = facts(signed.contributor, &signed.declaration, now);
        send(&signer, &board, Step::new("declare", headline, call).facts(facts)).await
    }

    /// The rescue of a signed declaration, which the arguments need not name.
    fn named(&self, signed: Address) -> Result<Named> {
        if !self.rescue.names_address() && self.rescue.terms.is_none() {
            return Ok(Named { address: signed, terms: None });
        }
        let named = self.rescue.named()?;
        if named.address == signed {
            return Ok(named);
        }
        let other = format!("the declaration is for the rescue `{signed}`, not for `{}`", named.address);
        let hint = "name the rescue that the contributor signed for, or leave `--rescue` and `--terms` out";
        Err(UserError::new(other).hint(hint).into())
    }

    async fn revoke(self, digest: B256, output: Output) -> Result<()> {
        let connection = self.signing.network().connect(None).await?;
        connection.current_block().await?;
        let purpose = Purpose::new("declare").with("revoke", digest);
        let Some(signer) =
            self.signing.signer(&connection, None, purpose, output).await?.or_report(output).await?
        else {
            return Ok(());
        };
        let board = Board::new(signer.provider.clone(), connection.chain);
        let headline = format!("Revoke the signed declaration {digest}");
        send(&signer, &board, Step::new("revoke", headline, board.revoke(digest))).await
    }
}

/// Warns of a withdrawal of nothing that is known. It is no mistake where a signature may still be brought: a later withdrawal
/// keeps that from standing. Logs that cannot be read keep nobody from withdrawing.
async fn warn_of_nothing(
    connection: &Connection,
    contributor: Address,
    declaration: &Declaration,
    now: u64,
    output: Output,
) {
    let Ok(entries) = Reading::default().read(connection, declaration.escrow, output).await else { return };
    let tier = declaration.tier;
    let is_meant = |one: &Declared| one.contributor == contributor && one.declaration.tier == tier;
    if !standing(&declared(&entries), now).iter().any(is_meant) {
        output.warn(&[format!(
            "no declaration of `{contributor}` stands in tier {tier}, so this withdraws only what was signed and not yet submitted"
        )]);
    }
}

/// Without the expiry, which by default follows from the time.
fn purpose(declaration: &Declaration) -> Purpose {
    let Declaration { stage, tier, amount, link, .. } = declaration;
    let link = Some(link).filter(|link| !link.is_empty());
    let purpose = Purpose::new("declare").with("stage", stage).with("tier", tier);
    purpose.with_some("amount", amount.map(amount::eth)).with_some("link", link)
}

/// `5000 ETH`, or `unknown` where the stage allows it.
fn parse_amount(text: &str, stage: Stage) -> Result<Option<Wei>, UserError> {
    let is_unknown = text.is_empty() || text.eq_ignore_ascii_case("unknown");
    if !is_unknown {
        return amount::parse_some_eth(text, "declare").map(Some);
    }
    if stage.may_be_unknown() {
        return Ok(None);
    }
    Err(UserError::new(format!("a declaration that is {stage} needs an amount").to_lowercase())
        .hint("give it in ETH, as in `5000 ETH`; only `expressed` allows an unknown amount"))
}

/// Uses the terms if they are given, so that the rescue need not exist yet.
async fn tier_count(connection: &Connection, named: Named) -> Result<u8> {
    if let Some(file) = named.terms {
        return Ok(file.terms.tier_count());
    }
    let escrow = Escrow::open(connection.provider.clone(), connection.chain, named.address).await?;
    Ok(escrow.original_terms().tier_count())
}

fn known_tier(tier: u8, count: u8) -> Result<u8, UserError> {
    if tier < count {
        return Ok(tier);
    }
    Err(UserError::new(format!("there is no tier {tier}, only 0 to {}", count.saturating_sub(1)))
        .hint("`levee status` lists the tiers"))
}

fn expiry(given: Option<u64>, stage: Stage, now: u64) -> Result<u64, UserError> {
    match (given, stage) {
        (Some(expiry), _) => Ok(expiry),
        (None, Stage::Withdrawn) => Ok(now.saturating_add(WITHDRAWAL)),
        (None, _) => Err(UserError::new("the declaration has no expiry")
            .hint("add `--expiry TIME`, as in `--expiry 2026-08-01T00:00:00Z`")),
    }
}

fn facts(contributor: Address, declaration: &Declaration, now: u64) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("contributor", contributor.to_string()),
        ("stage", declaration.stage.to_string()),
        ("amount", declaration.amount.map_or_else(|| "unknown".into(), amount::eth_and_wei)),
        ("tier", declaration.tier.to_string()),
        ("valid until", time::time_from(declaration.expiry, now)),
    ];
    if !declaration.link.is_empty() {
        facts.push(("link", declaration.link.clone()));
    }
    facts
}

/// Signs with the time of the latest block, because a signature must not be dated in the future.
async fn sign(
    hand: &Hand,
    connection: &Connection,
    contributor: Address,
    declaration: Declaration,
    output: Output,
) -> Result<()> {
    let (_, now) = connection.latest_block().await?;
    let board = Board::new(connection.provider.clone(), connection.chain);
    let mut facts = facts(contributor, &declaration, now);
    let prepared = board.prepare(hand.address(), contributor, declaration, now).await?;
    facts.extend(prepared.safe_message().map(|message| ("Safe message", message.to_string())));
    output.note(&table::facts(&facts));
    let digest = prepared.digest();
    let signed = board.sign_prepared(hand, prepared).await?;
    let file = SignedFile::new(connection.chain, signed, digest);
    output.result(&format!("{}\n", serde_json::to_string_pretty(&file)?), &file)
}

/// Sends a call to the board, which is created first if it does not exist.
async fn send(signer: &Signer, board: &Board<DynProvider>, step: Step) -> Result<()> {
    let mut steps = Vec::new();
    steps.extend(signer.creation(board.blueprint()).await?);
    steps.push(step);
    signer.run(&steps, None).await
}
