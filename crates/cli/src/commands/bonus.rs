//! `levee bonus`: the bonus for pledges whose condition is not met.

use alloy::{primitives::Address, providers::DynProvider};
use clap::{Args, Subcommand};
use eyre::Result;
use levee::{BonusPool, BonusRefusal, BonusView, Error, Purpose};
use levee_model::{
    Asset, BonusOwner, Enlistment, Operation, Position, PositionId, RescueView, Status, Timestamp, Wei,
    prorata,
};

use crate::{
    address, amount,
    error::UserError,
    output::Output,
    page::Page,
    payouts::AllArgs,
    plan::{Meanwhile, Step, Summary},
    position::{PayoutArgs, parse_tier, require_own},
    time,
    transaction::{ChangeArgs, Session},
};

/// Subcommands of `levee bonus`.
#[derive(Debug, Subcommand)]
pub(crate) enum BonusCommand {
    /// Add ETH to the bonus (anyone)
    #[command(after_help = "\
A pledge whose condition is not met is returned whole and gets a share of the bonus, in proportion to its \
value and the time it was locked, so pledging early is never a loss. Sponsors get back the rest, which is \
everything if the target is fully covered or the guardian ends the rescue. Before that, sponsors can \
withdraw only in the first half of an amendment's exit window. The first contribution creates the pool.

Example:
  levee bonus add 25 ETH --terms rescue.toml --account sponsor")]
    Add(AddArgs),
    /// Enlist pledges for the bonus, or remove those that have left (anyone)
    #[command(after_help = "\
A pledge counts from the moment it is enlisted until the earliest of the original, the current and a pending \
deadline. `levee pledge` enlists automatically; use this command for pledges made before the pool existed or \
without this command. Enlisting a position that has left the rescue removes it from the bonus, to the \
benefit of all others; this is possible until the bonus is decided.

Examples:
  levee bonus enlist --terms rescue.toml --account treasury
  levee bonus enlist --pledger 0x… --tier 0 --asset ETH --rescue 0x… --account anyone")]
    Enlist(EnlistArgs),
    /// Pay a pledger its share of the bonus (anyone)
    #[command(after_help = "\
Sends one transaction per position. The first claim decides the bonus, which is possible once the length of \
an exit window has passed after the deadline: until then, positions that have left can still be removed. \
Anyone may claim for a pledger, who receives the payment. Only the pledger may send it elsewhere.

Examples:
  levee bonus claim --terms rescue.toml --account treasury
  levee bonus claim --pledger 0x… --rescue 0x… --account anyone
  levee bonus claim --all --rescue 0x… --account anyone")]
    Claim(ClaimArgs),
    /// Return a sponsor's part of what does not go to pledgers (anyone)
    #[command(after_help = "\
Possible once the rescue is decided and, if pledgers get a part, once the length of an exit window has \
passed after the deadline. The sponsor itself can also withdraw its contribution in the first half of the \
exit window of a pending amendment.

Example:
  levee bonus take-back --terms rescue.toml --account sponsor")]
    TakeBack(TakeBackArgs),
}

/// Arguments of `levee bonus add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Amount in ETH: `1.5 ETH` or `123 wei`.
    #[arg(value_name = "AMOUNT", num_args = 1..=2, required = true, allow_negative_numbers = true)]
    amount: Vec<String>,

    /// The sponsor, who may take the contribution back; default: the signer.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    sponsor: Option<Address>,

    #[command(flatten)]
    change: ChangeArgs,
}

/// The account.
#[derive(Debug, Args)]
pub(crate) struct EnlistArgs {
    /// The pledger; default: the signer.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Option<Address>,

    /// Only for pledges into this tier, counted from 0.
    #[arg(long, value_name = "N", value_parser = parse_tier)]
    tier: Option<u8>,

    /// Only for pledges of this asset: ETH, stETH or wstETH.
    #[arg(long, value_name = "ASSET", value_parser = amount::parse_asset)]
    asset: Option<Asset>,

    #[command(flatten)]
    change: ChangeArgs,
}

/// The pledger and the recipient.
#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    payout: PayoutArgs,

    #[command(flatten)]
    everyone: AllArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

/// Arguments of `levee bonus take-back`.
#[derive(Debug, Args)]
pub(crate) struct TakeBackArgs {
    /// The sponsor; default: the signer.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    sponsor: Option<Address>,

    /// Recipient, if not the sponsor; only for the signer's own contribution.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,

    #[command(flatten)]
    change: ChangeArgs,
}

impl BonusCommand {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::Add(args) => args.run(output).await,
            Self::Enlist(args) => args.run(output).await,
            Self::Claim(args) => args.run(output).await,
            Self::TakeBack(args) => args.run(output).await,
        }
    }
}

impl AddArgs {
    async fn run(self, output: Output) -> Result<()> {
        let amount = amount::parse_some_eth(&self.amount.join(" "), "add")?;
        let purpose =
            Purpose::new("bonus add").with("amount", amount::eth(amount)).with_some("sponsor", self.sponsor);
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let page = &session.page;
        require_open(page)?;
        let pool = BonusPool::of(&session.escrow);
        let sponsor = self.sponsor.unwrap_or(session.signer.from);
        let terms = &page.view.terms;
        if [Address::ZERO, pool.address(), page.address, terms.steth, terms.wsteth].contains(&sponsor) {
            return Err(Error::from(BonusRefusal::InvalidAccount { account: sponsor }).into());
        }
        let mut steps = Vec::new();
        steps.extend(session.signer.creation(pool.blueprint()).await?);
        steps.push(
            Step::new(
                "add",
                format!("Add to the bonus of the rescue {}", page.address),
                session.escrow.call(Operation::AddBonus { sponsor, amount })?,
            )
            .facts(vec![
                ("amount", amount::eth_and_wei(amount)),
                ("for", "pledges whose condition is not met, by value and time locked".into()),
                ("the rest", format!("back to {sponsor}")),
                (
                    "decided",
                    format!(
                        "after {}, or earlier if all of it goes back to sponsors",
                        time::time_from(page.view.enlistable_until(), page.now)
                    ),
                ),
            ]),
        );
        session.run_all(&steps).await
    }
}

/// Checks this before a pool is created in vain.
fn require_open(page: &Page) -> Result<(), Error> {
    let (status, deadline, time) = (page.view.status, page.view.terms.deadline, page.now);
    if status == Status::Open && time <= deadline {
        return Ok(());
    }
    Err(BonusRefusal::AddingClosed { status, deadline, time }.into())
}

impl EnlistArgs {
    async fn run(self, output: Output) -> Result<()> {
        let purpose = Purpose::new("bonus enlist")
            .with_some("pledger", self.pledger)
            .with_some("tier", self.tier)
            .with_some("asset", self.asset);
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let pledger = self.pledger.unwrap_or(session.signer.from);
        let pool = session.bonus_pool().ok_or_else(|| no_bonus(&session.page))?;
        let mut steps = Vec::new();
        for id in self.positions(&session.page, pledger) {
            let (position, enlistment) = (session.escrow.position(id).await?, pool.enlisted(id).await?);
            if would_change(&session.page, position, enlistment) {
                steps.push(session.enlist(id)?);
            }
        }
        if steps.is_empty() {
            return Err(UserError::new(format!("`{pledger}` has nothing to enlist"))
                .hint("all its pledges already count, or the rescue no longer accepts pledges")
                .into());
        }
        session.run_all(&steps).await
    }

    /// All selected positions that the pledger could have, including withdrawn ones.
    fn positions(&self, page: &Page, pledger: Address) -> Vec<PositionId> {
        let terms = &page.view.terms;
        let tiers = (0..terms.tier_count()).filter(|tier| self.tier.is_none_or(|meant| meant == *tier));
        let is_meant =
            |asset: &Asset| terms.accepts(*asset) && self.asset.is_none_or(|meant| meant == *asset);
        let of_tier = |tier| {
            Asset::ALL.into_iter().filter(is_meant).map(move |asset| PositionId { pledger, tier, asset })
        };
        tiers.flat_map(of_tier).collect()
    }
}

/// What an enlistment does.
pub(crate) fn enlistment(id: PositionId, pool: Address) -> Summary {
    let PositionId { pledger, tier, asset } = id;
    let headline = format!("Enlist the {asset} in tier {tier} for the bonus");
    let facts = vec![("pledger", pledger.to_string()), ("pool", pool.to_string())];
    Summary::new(format!("enlist {asset} of tier {tier}"), headline, facts)
}

/// Whether enlisting a position adds something, or removes something that has left.
fn would_change(page: &Page, position: Position, enlistment: Enlistment) -> bool {
    let is_current = position.departures == enlistment.departures;
    let (takes_pledges, counts) =
        (require_open(page).is_ok(), position.departures < Position::MAX_DEPARTURES);
    if takes_pledges && counts && (!is_current || position.amount > enlistment.enlisted) {
        return !position.amount.is_zero() || !enlistment.unit_seconds.is_zero();
    }
    !is_current && !enlistment.unit_seconds.is_zero()
}

impl ClaimArgs {
    async fn run(self, output: Output) -> Result<()> {
        let purpose = self.payout.narrow(Purpose::new("bonus claim"));
        let purpose = purpose.with_some("all", self.everyone.all.then_some(true));
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        if self.everyone.all {
            require_shared(&session.page, &session.bonus()?.1, session.next_time().await?)?;
            let is_meant = |call: &Operation| matches!(call, Operation::ClaimBonus(id) if self.payout.is_meant(id.tier, id.asset));
            return self.everyone.pay(&session, "bonus claim", is_meant, output).await;
        }
        let pledger = self.payout.pledger(session.signer.from)?;
        let steps = self.steps(&session, pledger).await?;
        if steps.is_empty() {
            return Err(UserError::new(format!("`{pledger}` has no bonus to claim"))
                .hint("its shares are already claimed, its conditions were met, or nothing was enlisted")
                .into());
        }
        session.run_all(&steps).await
    }

    /// A claim for each position with an unclaimed share.
    async fn steps(&self, session: &Session, pledger: Address) -> Result<Vec<Step>> {
        let (pool, bonus) = session.bonus()?;
        require_shared(&session.page, &bonus, session.next_time().await?)?;
        let mut steps = Vec::new();
        for position in self.payout.choose(&session.escrow.positions(pledger).await?) {
            let id = PositionId { pledger, tier: position.tier, asset: position.asset };
            let amount = match bonus.decision {
                Some(_) => session.left_of_share(&pool, id).await?,
                None => session
                    .can_have_a_share(&pool, id)
                    .await?
                    .then(|| "its share, which this transaction decides".into()),
            };
            if let Some(amount) = amount {
                let (PositionId { tier, asset, .. }, to) = (id, self.payout.to);
                let claim =
                    to.map_or(Operation::ClaimBonus(id), |to| Operation::ClaimBonusTo { tier, asset, to });
                steps.push(self.payout.step(id, "the bonus", amount, session.escrow.call(claim)?));
            }
        }
        Ok(steps)
    }
}

impl TakeBackArgs {
    async fn run(self, output: Output) -> Result<()> {
        let purpose =
            Purpose::new("bonus take-back").with_some("sponsor", self.sponsor).with_some("to", self.to);
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let sponsor = self.sponsor.unwrap_or(session.signer.from);
        require_own(self.to, sponsor, session.signer.from, "contribution")?;
        let (pool, bonus) = session.bonus()?;
        let added = pool.contribution_of(sponsor).await?;
        if added.is_zero() {
            return Err(Error::from(BonusRefusal::NothingToTakeBack { sponsor }).into());
        }
        let (view, now) = (&session.page.view, session.next_time().await?);
        let leaves = sponsor == session.signer.from && view.sponsors_may_leave(now);
        let owner = bonus.owner(view);
        if !leaves {
            require_first_half(view, now)?;
            require_decided(owner)?;
        }
        let take_back = self.to.map_or(Operation::TakeBack { sponsor }, |to| Operation::TakeBackTo { to });
        let call = session.escrow.call(take_back)?;
        let headline = format!("Take back a bonus for the rescue {}", session.page.address);
        let facts = vec![
            ("amount", returned(owner, leaves, added, &bonus)),
            ("sponsor", sponsor.to_string()),
            ("recipient", self.to.unwrap_or(sponsor).to_string()),
        ];
        session.run(Step::new("take back", headline, call).facts(facts)).await
    }
}

/// What a sponsor that added `added` gets back.
fn returned(owner: BonusOwner, leaves: bool, added: Wei, bonus: &BonusView) -> String {
    match sponsors_part(owner, added, bonus) {
        Some(part) => amount::eth_and_wei(part),
        None if leaves => amount::eth_and_wei(added),
        None => format!("the sponsors' part of {}, which this transaction decides", amount::eth(added)),
    }
}

/// What goes back to a sponsor that added `added`; none until that is decided.
pub(crate) fn sponsors_part(owner: BonusOwner, added: Wei, bonus: &BonusView) -> Option<Wei> {
    match owner {
        BonusOwner::Open | BonusOwner::Shared(None) => None,
        BonusOwner::Sponsors => Some(added),
        // The pledgers' part is rounded down from the bonus.
        BonusOwner::Shared(Some(pledgers)) => {
            Some(prorata::left_down(added, bonus.total - pledgers, bonus.total))
        }
    }
}

impl Session {
    /// The bonus pool, if it was created.
    pub(super) fn bonus_pool(&self) -> Option<BonusPool<DynProvider>> {
        self.page.bonus_books().map(|_| BonusPool::of(&self.escrow))
    }

    /// The bonus pool and its books, if it holds anything.
    fn bonus(&self) -> Result<(BonusPool<DynProvider>, BonusView), UserError> {
        let bonus = self.page.bonus_books().filter(|bonus| !bonus.total.is_zero());
        let bonus = bonus.ok_or_else(|| no_bonus(&self.page))?;
        Ok((BonusPool::of(&self.escrow), bonus))
    }

    /// The enlistment of a position.
    pub(crate) fn enlist(&self, id: PositionId) -> Result<Step, Error> {
        let summary = enlistment(id, self.escrow.contracts().bonus);
        let step = summary.by(self.escrow.call(Operation::Enlist(id))?);
        Ok(step.unless(Meanwhile::Enlisted(Box::new(self.escrow.clone()), id)))
    }

    /// The unclaimed share of a position in a bonus that is decided, if there is one.
    async fn left_of_share(&self, pool: &BonusPool<DynProvider>, id: PositionId) -> Result<Option<String>> {
        let share = pool.share_of(id).await?;
        let is_due = !share.claimed && !share.share.is_zero();
        Ok(is_due.then(|| amount::eth_and_wei(share.share)))
    }

    /// Whether a position's condition was not met and part of it counts.
    async fn can_have_a_share(&self, pool: &BonusPool<DynProvider>, id: PositionId) -> Result<bool> {
        let view = &self.page.view;
        let was_met = view.terms.tier(id.tier).is_some_and(|tier| tier.threshold <= view.threshold_met);
        let (enlistment, position) = (pool.enlisted(id).await?, self.escrow.position(id).await?);
        let is_current = enlistment.departures == position.departures;
        Ok(!was_met && is_current && !enlistment.unit_seconds.is_zero())
    }
}

fn no_bonus(page: &Page) -> UserError {
    let error = UserError::new(match page.bonus_books() {
        None => "this rescue has no bonus",
        Some(_) => "the bonus of this rescue is empty: its sponsors have taken back what they added",
    });
    match require_open(page) {
        Ok(()) => error.hint("`levee bonus add AMOUNT` adds one while the rescue is open"),
        Err(_) => error.hint("nothing can be added to it any more, and no pledge has a share of it"),
    }
}

/// Fails if pledgers get nothing, or not yet at `time`.
fn require_shared(page: &Page, bonus: &BonusView, time: Timestamp) -> Result<()> {
    let owner = bonus.owner(&page.view);
    require_decided(owner)?;
    let limit = page.view.enlistable_until();
    match owner {
        BonusOwner::Sponsors => Err(UserError::new("the whole bonus goes back to the sponsors")
            .hint("sponsors take it back with `levee bonus take-back`")
            .into()),
        BonusOwner::Shared(None) if time <= limit => {
            Err(Error::from(BonusRefusal::TooEarly { limit, time }).into())
        }
        _ => Ok(()),
    }
}

/// Refuses a sponsor's leaving in the second half of an exit window.
fn require_first_half(view: &RescueView, now: Timestamp) -> Result<(), UserError> {
    let Some(amendment) = view.pending_amendment(now).filter(|_| !view.sponsors_may_leave(now)) else {
        return Ok(());
    };
    let half = amendment.effective_at.saturating_sub(u64::from(view.terms.exit_window / 2));
    let over = format!(
        "sponsors could leave only before {}, in the first half of the exit window",
        time::time(half)
    );
    Err(UserError::new(over).hint(
        "what is not the pledgers' goes back once the rescue is decided, or earlier before another amendment",
    ))
}

fn require_decided(owner: BonusOwner) -> Result<(), UserError> {
    if owner != BonusOwner::Open {
        return Ok(());
    }
    Err(UserError::new("the rescue is Open, so the bonus is not decided yet")
        .hint("`levee status` shows when the rescue is decided"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{ether, open, settled};
    use alloy::primitives::U256;
    use levee_model::{Amendment, Goal, UnitSeconds, Units};

    fn enlistment(departures: u32, enlisted: u128) -> Enlistment {
        let unit_seconds = UnitSeconds::new(U256::from(enlisted * 9));
        Enlistment { departures, enlisted: Units::new(enlisted), unit_seconds }
    }

    #[test]
    fn enlisting_adds_what_is_new_and_strikes_what_has_left() {
        let position =
            |departures, amount| Position { departures, amount: Units::new(amount), ..Position::default() };
        let (open, settled) = (open(), settled());
        assert!(would_change(&open, position(0, 5), enlistment(0, 0)));
        assert!(would_change(&open, position(0, 5), enlistment(0, 4)));
        assert!(!would_change(&open, position(0, 5), enlistment(0, 5)));
        assert!(!would_change(&open, position(1, 0), enlistment(0, 0)));
        for page in [&open, &settled] {
            assert!(would_change(page, position(1, 0), enlistment(0, 5)));
        }
        assert!(!would_change(&settled, position(0, 5), enlistment(0, 4)));
        assert!(!would_change(
            &open,
            position(Position::MAX_DEPARTURES, 5),
            enlistment(Position::MAX_DEPARTURES, 0)
        ));
    }

    #[test]
    fn a_bonus_that_was_taken_back_is_empty() {
        let text = |page: &Page| {
            let error = no_bonus(page);
            (error.to_string(), error.hint.unwrap())
        };
        let add = "`levee bonus add AMOUNT` adds one while the rescue is open".to_owned();
        assert_eq!(text(&open()), ("this rescue has no bonus".to_owned(), add));
        let page = settled().with_bonus(BonusView::default());
        let empty = "the bonus of this rescue is empty: its sponsors have taken back what they added";
        let nothing = "nothing can be added to it any more, and no pledge has a share of it";
        assert_eq!(text(&page), (empty.to_owned(), nothing.to_owned()));
    }

    #[test]
    fn sponsors_leave_in_the_first_half_of_an_exit_window() {
        let Page { mut view, now, .. } = open();
        require_first_half(&view, now).unwrap();
        // In force at the end of a window of a day.
        let effective_at = now + u64::from(view.terms.exit_window);
        view.amendment = Some(Amendment { goal: Goal::from(&view.terms), effective_at });
        let half = now + 43_200;
        require_first_half(&view, half - 1).unwrap();
        let over =
            "sponsors could leave only before 2026-08-01T12:00:00Z, in the first half of the exit window";
        assert_eq!(require_first_half(&view, half).unwrap_err().to_string(), over);
        require_first_half(&view, effective_at).unwrap();
    }

    #[test]
    fn a_sponsor_has_back_what_is_not_the_pledgers() {
        let bonus = BonusView { total: Wei::new(ether(4)), decision: None };
        let text = |owner, leaves| returned(owner, leaves, Wei::new(ether(2)), &bonus);
        let all = "2 ETH (2000000000000000000 wei)";
        assert_eq!(text(BonusOwner::Sponsors, false), all);
        assert_eq!(text(BonusOwner::Open, true), all);
        // Half of the 3 ETH that are left of 4.
        assert_eq!(
            text(BonusOwner::Shared(Some(Wei::new(ether(1)))), false),
            "1.5 ETH (1500000000000000000 wei)"
        );
        let undecided = "the sponsors' part of 2 ETH, which this transaction decides";
        assert_eq!(text(BonusOwner::Shared(None), false), undecided);
    }
}
