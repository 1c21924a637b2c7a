//! `levee bonus`: what pledgers get if a rescue fails.

use alloy::{primitives::Address, providers::DynProvider};
use clap::{Args, Subcommand};
use eyre::Result;
use levee::{BonusError, BonusFor, BonusPool, BonusView, Error, PositionView, RescueView};
use levee_model::{PositionId, Status, Wei, prorata};

use crate::{
    address, amount,
    error::UserError,
    output::Output,
    page::{self, Page},
    position::{PayoutArgs, require_own},
    time,
    transaction::{ChangeArgs, Session, Step},
};

/// What to do with a bonus.
#[derive(Debug, Subcommand)]
pub(crate) enum BonusCommand {
    /// Add ETH that pledgers share if the rescue fails (anyone)
    #[command(after_help = "\
If the rescue fails, those who pledged share the bonus by what they pledged, besides having everything back: pledging \
early is never a loss. If it settles, or its guardian ends it, sponsors take back what they added; before, they can only \
leave while an amendment is pending, as pledgers can. The pool is created with the first contribution.

Example:
  levee bonus add 25 ETH --terms rescue.toml --account sponsor")]
    Add(AddArgs),
    /// Pay a pledger its share, after the rescue failed (anyone)
    #[command(after_help = "\
One transaction for each position. The first claim fixes the rate that values stETH and wstETH. Anyone may claim for \
anyone: it goes to the pledger. Only the pledger may send it elsewhere.

Examples:
  levee bonus claim --terms rescue.toml --account treasury
  levee bonus claim --pledger 0x… --rescue 0x… --account anyone")]
    Claim(ClaimArgs),
    /// Return to a sponsor what it added, if the bonus is not the pledgers' (anyone)
    #[command(after_help = "\
Possible once the rescue has settled or its guardian has ended it; and, for the sponsor itself, while an amendment is \
pending.

Example:
  levee bonus take-back --terms rescue.toml --account sponsor")]
    TakeBack(TakeBackArgs),
}

/// How much, and whose it is.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// How much, in ETH: `1.5 ETH` or `123 wei`.
    #[arg(value_name = "AMOUNT", num_args = 1..=2, required = true, allow_negative_numbers = true)]
    amount: Vec<String>,

    /// Whose contribution it is, and who may take it back; the signer, if left out.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    sponsor: Option<Address>,

    #[command(flatten)]
    change: ChangeArgs,
}

/// For whom.
#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    payout: PayoutArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

/// Whose contribution.
#[derive(Debug, Args)]
pub(crate) struct TakeBackArgs {
    /// Whose contribution; the signer's, if left out.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    sponsor: Option<Address>,

    /// Where it goes, if not to the sponsor; only for the signer's own contribution.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,

    #[command(flatten)]
    change: ChangeArgs,
}

impl BonusCommand {
    /// Does it.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::Add(args) => args.run(output).await,
            Self::Claim(args) => args.run(output).await,
            Self::TakeBack(args) => args.run(output).await,
        }
    }
}

impl AddArgs {
    async fn run(self, output: Output) -> Result<()> {
        let amount = amount::parse_some_eth(&self.amount.join(" "), "add")?;
        let session = self.change.open(output).await?;
        let page = &session.page;
        require_open(page)?;
        let pool = BonusPool::of(&session.escrow);
        let sponsor = self.sponsor.unwrap_or(session.signer.from);
        if sponsor.is_zero() || sponsor == pool.address() {
            return Err(Error::from(BonusError::InvalidAccount { account: sponsor }).into());
        }
        let mut steps = Vec::new();
        steps.extend(session.signer.creation(pool.blueprint()).await?);
        steps.push(Step {
            call: pool.add(sponsor, amount),
            headline: format!("Add to the bonus of the rescue {}", page.address),
            facts: vec![
                ("amount", amount::eth_and_wei(amount)),
                ("if it fails", "the pledgers share it".into()),
                ("else", format!("{sponsor} takes it back")),
                (
                    "decided",
                    format!("with the rescue, by {}", time::time_from(page.view.terms.deadline, page.now)),
                ),
            ],
        });
        session.run_all(&steps).await
    }
}

/// Asked before a pool is created for nothing.
fn require_open(page: &Page) -> Result<(), Error> {
    let (status, deadline, time) = (page.view.status, page.view.terms.deadline, page.now);
    if status == Status::Open && time <= deadline {
        return Ok(());
    }
    Err(BonusError::AddingClosed { status, deadline, time }.into())
}

impl ClaimArgs {
    async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let pledger = self.payout.pledger(session.signer.from)?;
        let steps = self.steps(&session, pledger).await?;
        if steps.is_empty() {
            return Err(UserError::new(format!("`{pledger}` has no bonus to claim"))
                .hint("it was claimed before, or nothing that it pledged was in the rescue at its end")
                .into());
        }
        session.run_all(&steps).await
    }

    /// A claim for each position that has something to come.
    async fn steps(&self, session: &Session, pledger: Address) -> Result<Vec<Step>> {
        let (pool, bonus) = session.bonus().await?;
        require_whose(&session.page.view, &bonus, BonusFor::Pledgers)?;
        let mut steps = Vec::new();
        for position in self.payout.choose(&session.escrow.positions(pledger).await?) {
            let id = PositionId { pledger, tier: position.tier, asset: position.asset };
            let share = pool.share_of(id).await?;
            let amount = match bonus.whose {
                BonusFor::Undecided => foreseen(&session.page, &bonus, position),
                _ => Some(share.share),
            };
            if !share.claimed && amount.is_none_or(|amount| !amount.is_zero()) {
                steps.push(claim_step(&pool, id, amount, self.payout.to));
            }
        }
        Ok(steps)
    }
}

impl TakeBackArgs {
    async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let sponsor = self.sponsor.unwrap_or(session.signer.from);
        require_own(self.to, sponsor, session.signer.from, "contribution")?;
        let (pool, bonus) = session.bonus().await?;
        let amount = pool.contribution_of(sponsor).await?;
        if amount.is_zero() {
            return Err(Error::from(BonusError::NothingToTakeBack { sponsor }).into());
        }
        // While an amendment is pending sponsors may leave, as pledgers may.
        if sponsor != session.signer.from || session.page.view.amendment.is_none() {
            require_whose(&session.page.view, &bonus, BonusFor::Sponsors)?;
        }
        let call = match self.to {
            Some(recipient) => pool.take_back_to(recipient),
            None => pool.take_back(sponsor),
        };
        let headline = format!("Take back a bonus for the rescue {}", session.page.address);
        let facts = vec![
            ("amount", amount::eth_and_wei(amount)),
            ("sponsor", sponsor.to_string()),
            ("recipient", self.to.unwrap_or(sponsor).to_string()),
        ];
        session.run(Step { call, headline, facts }).await
    }
}

impl Session {
    /// The bonus pool and its books, if there is anything in them.
    async fn bonus(&self) -> Result<(BonusPool<DynProvider>, BonusView)> {
        let pool = BonusPool::of(&self.escrow);
        if pool.blueprint().exists(self.escrow.provider()).await? {
            let bonus = pool.bonus().await?;
            if !bonus.total.is_zero() {
                return Ok((pool, bonus));
            }
        }
        Err(UserError::new("this rescue has no bonus")
            .hint("`levee bonus add AMOUNT` adds one, while the rescue is open")
            .into())
    }
}

/// Refuses what the pool would refuse. What cannot be foreseen the pool decides.
fn require_whose(view: &RescueView, bonus: &BonusView, expected: BonusFor) -> Result<()> {
    match page::whose(view, bonus) {
        Some(whose) if whose != expected => Err(Error::from(BonusError::WrongOutcome { whose }).into()),
        None if view.status == Status::Open => {
            Err(UserError::new("the rescue is Open, so it is not decided whose the bonus is")
                .hint("`levee status` shows when the rescue is decided")
                .into())
        }
        _ => Ok(()),
    }
}

/// What a position would get if the bonus were decided now; none while shares cannot be valued.
fn foreseen(page: &Page, bonus: &BonusView, position: &PositionView) -> Option<Wei> {
    let value = prorata::value_down(position.amount, position.asset, page.rate())?;
    let all = page.view.coverage.filter(|all| !all.is_zero())?;
    Some(prorata::earned_down(bonus.total, value, all))
}

fn claim_step(
    pool: &BonusPool<DynProvider>,
    id: PositionId,
    amount: Option<Wei>,
    to: Option<Address>,
) -> Step {
    let call = match to {
        Some(recipient) => pool.claim_to(id, recipient),
        None => pool.claim(id),
    };
    let amount = amount.map_or_else(|| "by the share rate, which is unknown now".into(), amount::eth_and_wei);
    Step {
        call,
        headline: format!("Claim the bonus for the {} in tier {}", id.asset, id.tier),
        facts: vec![
            ("amount", amount),
            ("pledger", id.pledger.to_string()),
            ("recipient", to.unwrap_or(id.pledger).to_string()),
        ],
    }
}
