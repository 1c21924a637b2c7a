//! What became of every wei and share of a rescue, from its history alone, and whether it adds up.
//!
//! The events say what moved, and the rules say what is left: that both give the same, to the unit, is checked for every position,
//! every pot and every asset, and for both pools. Amounts are in the asset's own unit.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use levee_model::{
    Asset, Models, Moment, PositionId, RecoveryGroup, Rescue, RescueEvent, RescueView, Status, Units, Wei,
    json::{AssetAndUnit, PositionAndUnit},
    prorata, recovery,
};
use serde::Serialize;

use crate::{
    bonus::BonusEvent,
    error::Error,
    event::Event,
    history::{Entry, History},
    recovery::RecoveryEvent,
};

/// Everything that went into a rescue and its pools, and where it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// What the escrow took and gave.
    #[serde(flatten)]
    pub escrow: EscrowStatement,
    /// What the pools have had for each position in ETH, in the same order.
    pub pool_payments: Vec<PoolPayments>,
    /// What was recovered after the rescue.
    pub recovery: RecoveryStatement,
    /// The bonus for pledges whose condition was not met.
    pub bonus: BonusStatement,
}

/// What went into an escrow, and where it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EscrowStatement {
    /// Every position that there ever was, by pledger, tier and asset.
    pub positions: Vec<PositionStatement>,
    /// What exits and declines could not pay at once, by pledger and asset.
    pub debts: Vec<Debt>,
    /// Every pot that there ever was, by tier and asset.
    pub pots: Vec<PotStatement>,
    /// Every asset that was ever pledged.
    pub assets: Vec<AssetStatement>,
}

/// One position: pledged = returned + owed + locked + drawn + held + refunded + refundable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PositionStatement {
    /// Whose, and what of.
    #[serde(flatten, with = "PositionAndUnit")]
    pub id: PositionId,
    /// All that was ever pledged.
    pub pledged: Units,
    /// Left the books whole before settlement, by exit or decline, and was paid.
    pub returned: Units,
    /// Left the books too, and waits to be collected.
    pub owed: Units,
    /// Still locked, while the rescue is open.
    pub locked: Units,
    /// What does not come back: the beneficiary's part, and less than one unit of dust.
    pub drawn: Units,
    /// What a veto stopped, which goes back later, by the calendar.
    pub held: Units,
    /// What went back.
    pub refunded: Units,
    /// What a refund would pay now.
    pub refundable: Units,
}

impl PositionStatement {
    /// The parts of what was pledged, by name.
    pub const fn named(&self) -> [(&'static str, Units); 7] {
        let Self { returned, owed, locked, drawn, held, refunded, refundable, .. } = *self;
        [
            ("returned", returned),
            ("owed", owed),
            ("locked", locked),
            ("drawn", drawn),
            ("held", held),
            ("refunded", refunded),
            ("refundable", refundable),
        ]
    }

    /// What its pledger or its recipient has back.
    pub fn came_back(&self) -> Units {
        self.returned + self.refunded
    }

    /// What is locked, or comes back later: nothing of it is decided against the pledger.
    pub fn to_come(&self) -> Units {
        self.locked + self.owed + self.held + self.refundable
    }
}

/// What exits and declines could not pay a pledger at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Debt {
    /// The pledger.
    #[serde(with = "levee_model::json::Account")]
    pub pledger: Address,
    /// In what.
    #[serde(flatten, with = "AssetAndUnit")]
    pub asset: Asset,
    /// The part that is still to be collected.
    pub owed: Units,
    /// The part that was.
    pub collected: Units,
}

/// One pot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PotStatement {
    /// The number of the tier.
    pub tier: u8,
    /// The asset.
    #[serde(flatten, with = "AssetAndUnit")]
    pub asset: Asset,
    /// Where it is.
    #[serde(flatten)]
    pub parts: Parts,
}

/// All of one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssetStatement {
    /// The asset.
    #[serde(flatten, with = "AssetAndUnit")]
    pub asset: Asset,
    /// Where it is.
    #[serde(flatten)]
    pub parts: Parts,
}

/// Where what was pledged is: pledged = returned + owed + locked + delivered + reserved + held + refunded + refundable + dust.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Parts {
    /// All that was ever pledged.
    pub pledged: Units,
    /// Paid back after it left the books before settlement.
    pub returned: Units,
    /// Left the books too, and waits to be collected.
    pub owed: Units,
    /// Still locked, while the rescue is open.
    pub locked: Units,
    /// What the beneficiary has received.
    pub delivered: Units,
    /// What it has yet to receive.
    pub reserved: Units,
    /// What a veto stopped, which goes back later.
    pub held: Units,
    /// What went back.
    pub refunded: Units,
    /// What refunds would pay now.
    pub refundable: Units,
    /// What rounding leaves in the escrow for good: less than one unit a position.
    pub dust: Units,
}

/// What the pools have paid for a position, and what they hold for it, in ETH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolPayments {
    /// Whose, and what of.
    #[serde(flatten)]
    pub id: PositionId,
    /// All that it has earned of what was recovered, claimed or not.
    #[serde(rename = "earnedWei")]
    pub earned: Wei,
    /// The part of that which is interest, rounded down.
    #[serde(rename = "interestWei")]
    pub interest: Wei,
    /// The part of what was earned that has been claimed.
    #[serde(rename = "claimedWei")]
    pub claimed: Wei,
    /// Its share of the bonus, claimed or not; zero until that is decided.
    #[serde(rename = "bonusWei")]
    pub bonus: Wei,
    /// The part of the share that has been claimed.
    #[serde(rename = "bonusClaimedWei")]
    pub bonus_claimed: Wei,
}

/// What was recovered: total = interest + principal + rest of all draw orders = claimed + claimable + dust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryStatement {
    /// All deposits.
    #[serde(rename = "totalWei")]
    pub total: Wei,
    /// Where they are.
    #[serde(flatten)]
    pub parts: RecoveryParts,
    /// What each draw order was repaid, by rising order.
    pub groups: Vec<GroupStatement>,
}

/// Where what was recovered is. What the pool holds is the sum of the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryParts {
    /// What was claimed.
    #[serde(rename = "claimedWei")]
    pub claimed: Wei,
    /// What claims would pay now.
    #[serde(rename = "claimableWei")]
    pub claimable: Wei,
    /// What rounding leaves in the pool.
    #[serde(rename = "dustWei")]
    pub dust: Wei,
}

/// What one draw order was repaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GroupStatement {
    /// The draw order.
    pub draw_order: u8,
    /// Interest.
    #[serde(rename = "interestWei")]
    pub interest: Wei,
    /// Principal.
    #[serde(rename = "principalWei")]
    pub principal: Wei,
    /// All the rest, which only the lowest draw order gets.
    #[serde(rename = "restWei")]
    pub rest: Wei,
}

/// The bonus: added = withdrawn + paid + returned + left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BonusStatement {
    /// All that sponsors ever added.
    #[serde(rename = "addedWei")]
    pub added: Wei,
    /// What they withdrew before it was decided.
    #[serde(rename = "withdrawnWei")]
    pub withdrawn: Wei,
    /// What pledgers were paid.
    #[serde(rename = "paidWei")]
    pub paid: Wei,
    /// What went back to sponsors after it was decided.
    #[serde(rename = "returnedWei")]
    pub returned: Wei,
    /// What the pool has.
    #[serde(rename = "leftWei")]
    pub left: Wei,
    /// The pledgers' part; none until it is decided.
    #[serde(rename = "pledgersPartWei")]
    pub pledgers: Option<Wei>,
}

impl Statement {
    /// The statement of a history, as of its block.
    ///
    /// # Errors
    /// [`Error::NotReconciled`] if something does not add up; those of [`History::models`].
    pub fn of(history: &History) -> Result<Self, Error> {
        let (rescue, at, models) = (&history.rescue, history.moment(), history.models()?);
        let escrow = EscrowStatement::of(history.address, rescue, at, &history.entries)?;
        let refused = |reason| Error::NotReconciled { rescue: history.address, reason };
        let groups = groups(&history.entries);
        let payment = |position: &PositionStatement| PoolPayments::of(&models, history, &groups, position.id);
        let pool_payments: Vec<_> = escrow.positions.iter().map(payment).collect();
        let recovery = RecoveryStatement::of(&models, at, groups, &pool_payments).map_err(refused)?;
        let bonus = BonusStatement::of(history, &pool_payments).map_err(refused)?;
        Ok(Self { escrow, pool_payments, recovery, bonus })
    }

    /// The same with the positions, payments and debts of one account only; what is of the whole rescue stays.
    #[must_use]
    pub fn only(&self, account: Address) -> Self {
        let Self { escrow, pool_payments, recovery, bonus } = self;
        let positions = escrow.positions.iter().filter(|position| position.id.pledger == account);
        let debts = escrow.debts.iter().filter(|debt| debt.pledger == account);
        let payments = pool_payments.iter().filter(|payments| payments.id.pledger == account);
        let escrow = EscrowStatement {
            positions: positions.copied().collect(),
            debts: debts.copied().collect(),
            pots: escrow.pots.clone(),
            assets: escrow.assets.clone(),
        };
        Self { escrow, pool_payments: payments.copied().collect(), recovery: recovery.clone(), bonus: *bonus }
    }
}

/// A position according to the events.
#[derive(Debug, Clone, Copy, Default)]
struct Flows {
    pledged: Units,
    returned: Units,
    owed: Units,
    refunded: Units,
}

/// What the events say of all positions, and of what could not be paid.
#[derive(Debug, Default)]
struct Ledger {
    flows: BTreeMap<PositionId, Flows>,
    debts: BTreeMap<(Address, Asset), Debt>,
    delivered: BTreeMap<Asset, Units>,
    /// The latest departure of a pledger with so much of an asset: the one that could not be paid, if the next event says so.
    departed: BTreeMap<(Address, Asset, Units), PositionId>,
}

impl Ledger {
    fn of(entries: &[Entry]) -> Result<Self, String> {
        let mut ledger = Self::default();
        let mut events = entries.iter().filter_map(|entry| entry.event.of_rescue());
        events.try_for_each(|event| ledger.apply(event))?;
        Ok(ledger)
    }

    fn apply(&mut self, event: &RescueEvent) -> Result<(), String> {
        match *event {
            RescueEvent::Pledged { position, amount } => self.flow(position).pledged += amount,
            RescueEvent::Refunded { position, amount, .. } => self.flow(position).refunded += amount,
            RescueEvent::Exited { position, amount, .. } | RescueEvent::Declined { position, amount } => {
                self.flow(position).returned += amount;
                self.departed.insert((position.pledger, position.asset, amount), position);
            }
            RescueEvent::Owed { pledger, asset, amount } => self.owe(pledger, asset, amount)?,
            RescueEvent::Collected { pledger, asset, amount, .. } => self.collect(pledger, asset, amount),
            RescueEvent::Released { asset, amount, .. } => {
                *self.delivered.entry(asset).or_default() += amount;
            }
            _ => {}
        }
        Ok(())
    }

    fn flow(&mut self, id: PositionId) -> &mut Flows {
        self.flows.entry(id).or_default()
    }

    /// What has left the books was not paid.
    fn owe(&mut self, pledger: Address, asset: Asset, amount: Units) -> Result<(), String> {
        // A departure is owed once: a second such event, which no escrow emits, must not be taken off again.
        let departed = self.departed.remove(&(pledger, asset, amount));
        let id =
            departed.ok_or_else(|| format!("{amount} of {asset} are owed to {pledger}, but nothing left"))?;
        let flow = self.flow(id);
        // What is owed is what was just said to have been returned.
        (flow.returned, flow.owed) = (flow.returned - amount, flow.owed + amount);
        let none = Debt { pledger, asset, owed: Units::ZERO, collected: Units::ZERO };
        self.debts.entry((pledger, asset)).or_insert(none).owed += amount;
        Ok(())
    }

    /// Everything that was owed of an asset was paid; the rules have compared the amount.
    fn collect(&mut self, pledger: Address, asset: Asset, amount: Units) {
        if let Some(debt) = self.debts.get_mut(&(pledger, asset)) {
            (debt.owed, debt.collected) = (Units::ZERO, debt.collected + amount);
        }
        let first = PositionId { pledger, tier: 0, asset: Asset::Eth };
        let last = PositionId { pledger, tier: u8::MAX, asset: Asset::WstEth };
        let own = self.flows.range_mut(first..=last).filter(|(id, _)| id.asset == asset);
        for (_, flow) in own {
            (flow.returned, flow.owed) = (flow.returned + flow.owed, Units::ZERO);
        }
    }
}

impl EscrowStatement {
    /// The statement of the `rescue` in the escrow at `address`, as the next call at `at` would find it, from all `entries` of the
    /// escrow. Those of its pools may be among them.
    ///
    /// # Errors
    /// [`Error::NotReconciled`] if the events and the rules do not give the same.
    pub fn of(address: Address, rescue: &Rescue, at: Moment, entries: &[Entry]) -> Result<Self, Error> {
        Self::reconciled(rescue, at, entries)
            .map_err(|reason| Error::NotReconciled { rescue: address, reason })
    }

    fn reconciled(rescue: &Rescue, at: Moment, entries: &[Entry]) -> Result<Self, String> {
        let (ledger, view) = (Ledger::of(entries)?, rescue.view(at));
        let position = |(&id, &flows)| PositionStatement::of(rescue, at, &view, id, flows);
        let positions = ledger.flows.iter().map(position).collect::<Result<Vec<_>, _>>()?;
        let pots = pots(&view, &positions)?;
        let debts: Vec<_> = ledger.debts.into_values().collect();
        let mut assets = Vec::new();
        for asset in Asset::ALL {
            let of_asset = || pots.iter().filter(|pot| pot.asset == asset);
            let parts: Parts = of_asset().map(|pot| pot.parts).fold(Parts::default(), Parts::plus);
            let delivered = ledger.delivered.get(&asset).copied().unwrap_or_default();
            require_same(&format!("of {asset} delivered"), delivered, parts.delivered)?;
            let owed = debts.iter().filter(|debt| debt.asset == asset).map(|debt| debt.owed).sum();
            require_same(&format!("of {asset} owed"), owed, parts.owed)?;
            assets.extend(of_asset().next().map(|_| AssetStatement { asset, parts }));
        }
        Ok(Self { positions, debts, pots, assets })
    }
}

fn require_same(what: &str, by_events: Units, by_rules: Units) -> Result<(), String> {
    if by_events == by_rules {
        return Ok(());
    }
    Err(format!("by the events it is {by_events} {what}, and by the rules {by_rules}"))
}

impl PositionStatement {
    fn of(
        rescue: &Rescue,
        at: Moment,
        view: &RescueView,
        id: PositionId,
        flows: Flows,
    ) -> Result<Self, String> {
        let levee_model::Statement { view: own, drawn, held } = rescue.statement(at, id);
        let locked = if view.status == Status::Open { own.amount } else { Units::ZERO };
        let Flows { pledged, returned, owed, refunded } = flows;
        let position =
            Self { id, pledged, returned, owed, locked, drawn, held, refunded, refundable: own.refundable };
        let PositionId { pledger, tier, asset } = id;
        require_same(&format!("of {asset} pledged by {pledger} into tier {tier}"), pledged, position.sum())?;
        Ok(position)
    }

    fn sum(&self) -> Units {
        let Self { returned, owed, locked, drawn, held, refunded, refundable, .. } = *self;
        returned + owed + locked + drawn + held + refunded + refundable
    }

    /// What it adds to the parts of its pot, apart from what was drawn.
    fn parts(&self) -> Parts {
        let Self { pledged, returned, owed, locked, held, refunded, refundable, .. } = *self;
        Parts { pledged, returned, owed, locked, held, refunded, refundable, ..Parts::default() }
    }
}

/// The pots, from what the positions in them are, and what was drawn by the rules.
fn pots(view: &RescueView, positions: &[PositionStatement]) -> Result<Vec<PotStatement>, String> {
    let mut sums: BTreeMap<(u8, Asset), (Parts, usize)> = BTreeMap::new();
    for position in positions {
        let (parts, count) = sums.entry((position.id.tier, position.id.asset)).or_default();
        (*parts, *count) = (parts.plus(position.parts()), *count + 1);
    }
    let pot = |((tier, asset), (parts, count)): ((u8, Asset), (Parts, usize))| {
        let (delivered, kept) = view.pot(tier, asset).map_or_else(Default::default, |pot| {
            let kept = prorata::tranches_down(pot.drawn, view.kept[asset], view.terms.tranches);
            (pot.delivered, kept)
        });
        // A tranche is kept before it is delivered.
        let parts = Parts { delivered, reserved: kept - delivered, ..parts };
        let what = format!("of {asset} in tier {tier}");
        Ok(PotStatement { tier, asset, parts: parts.with_dust(&what, count)? })
    };
    sums.into_iter().map(pot).collect()
}

impl Parts {
    /// What the escrow must have.
    pub fn in_escrow(&self) -> Units {
        let Self { owed, locked, reserved, held, refundable, dust, .. } = *self;
        owed + locked + reserved + held + refundable + dust
    }

    /// The parts by name, in the order of the identity: they add up to what was pledged.
    pub fn named(&self) -> [(&'static str, Units); 9] {
        let Self { returned, owed, locked, delivered, reserved, held, refunded, refundable, dust, .. } =
            *self;
        [
            ("returned", returned),
            ("owed", owed),
            ("locked", locked),
            ("delivered", delivered),
            ("reserved", reserved),
            ("held", held),
            ("refunded", refunded),
            ("refundable", refundable),
            ("dust", dust),
        ]
    }

    fn plus(self, other: Self) -> Self {
        Self {
            pledged: self.pledged + other.pledged,
            returned: self.returned + other.returned,
            owed: self.owed + other.owed,
            locked: self.locked + other.locked,
            delivered: self.delivered + other.delivered,
            reserved: self.reserved + other.reserved,
            held: self.held + other.held,
            refunded: self.refunded + other.refunded,
            refundable: self.refundable + other.refundable,
            dust: self.dust + other.dust,
        }
    }

    /// The same with what is left over, which must be less than one unit for each of the positions.
    fn with_dust(self, what: &str, positions: usize) -> Result<Self, String> {
        let parts: Units = self.named().into_iter().map(|(_, part)| part).sum();
        let pledged = self.pledged;
        let dust = pledged.checked_sub(parts);
        let dust =
            dust.ok_or_else(|| format!("{pledged} {what} were pledged, but the parts sum to {parts}"))?;
        if !dust.is_zero() && dust.get() >= positions as u128 {
            return Err(format!("{dust} {what} are left over, too much for {positions} positions"));
        }
        Ok(Self { dust, ..self })
    }
}

// -------------------------------------------------------------------------------------------------- pools

/// What each draw order was repaid, by the events.
fn groups(entries: &[Entry]) -> Vec<GroupStatement> {
    let mut groups: BTreeMap<u8, GroupStatement> = BTreeMap::new();
    for entry in entries {
        if let Event::Recovery(RecoveryEvent::Repaid { draw_order, interest, principal, rest }) = entry.event
        {
            let none =
                GroupStatement { draw_order, interest: Wei::ZERO, principal: Wei::ZERO, rest: Wei::ZERO };
            let group = groups.entry(draw_order).or_insert(none);
            group.interest += interest;
            group.principal += principal;
            group.rest += rest;
        }
    }
    groups.into_values().collect()
}

impl GroupStatement {
    fn received(&self) -> Wei {
        self.interest + self.principal + self.rest
    }
}

impl PoolPayments {
    fn of(models: &Models, history: &History, groups: &[GroupStatement], id: PositionId) -> Self {
        let Models { rescue, recovery: pool, bonus } = models;
        let order = rescue.terms().tier(id.tier).map(|tier| tier.draw_order);
        let group = groups.iter().find(|group| Some(group.draw_order) == order);
        let interest = group.map_or(Wei::ZERO, |group| recovery::earned_of_down(rescue, id, group.interest));
        let (earned, share) = (pool.earnings(rescue, id), bonus.share(rescue, id));
        let bonus_claimed = history.pools.bonus_claimed.get(&id).copied().unwrap_or_default();
        Self {
            id,
            earned: earned.earned,
            interest,
            claimed: earned.claimed,
            bonus: share.share,
            bonus_claimed,
        }
    }
}

impl RecoveryStatement {
    fn of(
        models: &Models,
        at: Moment,
        groups: Vec<GroupStatement>,
        payments: &[PoolPayments],
    ) -> Result<Self, String> {
        let by_rules = models.recovery.groups(at.time);
        for group in &by_rules {
            let found = groups.iter().find(|found| found.draw_order == group.order);
            let by_events = found.map_or(Wei::ZERO, GroupStatement::received);
            if by_events != group.received {
                let (order, received) = (group.order, group.received);
                return Err(format!(
                    "by the events, draw order {order} was repaid {by_events}, and by the rules {received}"
                ));
            }
        }
        let (earned, claimed) = payments.iter().fold((Wei::ZERO, Wei::ZERO), |(earned, claimed), payment| {
            (earned + payment.earned, claimed + payment.claimed)
        });
        let total = by_rules.iter().map(|group| group.received).sum();
        let parts = RecoveryParts::of(&by_rules, earned, claimed, payments.len())?;
        Ok(Self { total, parts, groups })
    }
}

impl RecoveryParts {
    /// What became of all that `groups` received, of which so many positions have earned `earned` and claimed `claimed`.
    ///
    /// # Errors
    /// Why it does not add up.
    pub fn of(groups: &[RecoveryGroup], earned: Wei, claimed: Wei, positions: usize) -> Result<Self, String> {
        let total: Wei = groups.iter().map(|group| group.received).sum();
        let parts = total.checked_sub(earned).zip(earned.checked_sub(claimed));
        let (dust, claimable) = parts.ok_or_else(|| {
            format!("{total} was recovered, but {earned} were earned and {claimed} claimed")
        })?;
        if !dust.is_zero() && dust.get() >= dust_bound(groups, positions as u128) {
            return Err(format!(
                "{dust} of the recovered funds is left over, too much for {positions} positions"
            ));
        }
        Ok(Self { claimed, claimable, dust })
    }
}

/// A position's value is rounded down to a wei before its part is: less than 1 + received / value a position.
fn dust_bound(groups: &[RecoveryGroup], positions: u128) -> u128 {
    let bound = |group: &RecoveryGroup| {
        positions.saturating_mul(1 + group.received.get().div_ceil(group.value.get()))
    };
    let bounds = groups.iter().filter(|group| group.takes_part()).map(bound);
    bounds.fold(0, u128::saturating_add)
}

impl BonusStatement {
    fn of(history: &History, payments: &[PoolPayments]) -> Result<Self, String> {
        let impossible = "more went out of the bonus than was added";
        let sums = Self::added_up(&history.entries).ok_or(impossible)?;
        let differing = payments
            .iter()
            .find(|payment| !payment.bonus_claimed.is_zero() && payment.bonus_claimed != payment.bonus);
        if let Some(PoolPayments { id, bonus, bonus_claimed, .. }) = differing {
            return Err(format!(
                "{} was paid {bonus_claimed} of the bonus, and by the rules {bonus}",
                id.pledger
            ));
        }
        Ok(sums)
    }

    /// None if the amounts cannot be those of a pool.
    fn added_up(entries: &[Entry]) -> Option<Self> {
        let mut sums = Self::default();
        for entry in entries {
            if let Event::Bonus(event) = &entry.event {
                sums.add(event)?;
            }
        }
        let gone = sums.withdrawn.checked_add(sums.paid)?.checked_add(sums.returned)?;
        Some(Self { left: sums.added.checked_sub(gone)?, ..sums })
    }

    /// None if the sum does not fit.
    fn add(&mut self, event: &BonusEvent) -> Option<()> {
        let (sum, amount) = match *event {
            BonusEvent::Added { amount, .. } => (&mut self.added, amount),
            BonusEvent::Claimed { amount, .. } => (&mut self.paid, amount),
            BonusEvent::Returned { amount, .. } if self.pledgers.is_none() => (&mut self.withdrawn, amount),
            BonusEvent::Returned { amount, .. } => (&mut self.returned, amount),
            BonusEvent::Decided(decision) => {
                self.pledgers = Some(decision.pledgers);
                return Some(());
            }
            BonusEvent::Created { .. } | BonusEvent::Enlisted { .. } => return Some(()),
        };
        *sum = sum.checked_add(amount)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(owed: u128) -> Parts {
        let units = Units::new;
        Parts {
            pledged: units(100),
            returned: units(10),
            owed: units(owed),
            delivered: units(40),
            reserved: units(16),
            held: units(4),
            refunded: units(15),
            refundable: units(10),
            ..Parts::default()
        }
    }

    #[test]
    fn what_is_left_over_is_less_than_one_unit_a_position() {
        let with_dust = |owed, positions| parts(owed).with_dust("of ETH in tier 0", positions);
        let whole = with_dust(3, 3).unwrap();
        assert_eq!((whole.dust, whole.in_escrow()), (Units::new(2), Units::new(35)));
        assert_eq!(with_dust(5, 0).unwrap().dust, Units::ZERO);
        let much = "2 units of ETH in tier 0 are left over, too much for 2 positions";
        assert_eq!(with_dust(3, 2).unwrap_err(), much);
        let more = "100 units of ETH in tier 0 were pledged, but the parts sum to 101 units";
        assert_eq!(with_dust(6, 9).unwrap_err(), more);
    }

    fn pledge(ledger: &mut Ledger, tier: u8, amount: u128) -> PositionId {
        let position = PositionId { pledger: Address::repeat_byte(7), tier, asset: Asset::StEth };
        ledger.apply(&RescueEvent::Pledged { position, amount: Units::new(amount) }).unwrap();
        position
    }

    #[test]
    fn what_could_not_be_paid_is_of_the_position_that_left() {
        let mut ledger = Ledger::default();
        let [first, second] = [(0, 5), (1, 6)].map(|(tier, amount)| pledge(&mut ledger, tier, amount));
        let (pledger, asset) = (first.pledger, first.asset);
        let owed = |amount| RescueEvent::Owed { pledger, asset, amount: Units::new(amount) };
        for (position, amount) in [(first, 5), (second, 6)] {
            ledger.apply(&RescueEvent::Declined { position, amount: Units::new(amount) }).unwrap();
            ledger.apply(&owed(amount)).unwrap();
        }
        let of = |ledger: &Ledger, id| (ledger.flows[&id].returned.get(), ledger.flows[&id].owed.get());
        assert_eq!([of(&ledger, first), of(&ledger, second)], [(0, 5), (0, 6)]);
        let error = ledger.apply(&owed(7)).unwrap_err();
        assert_eq!(error, format!("7 units of stETH are owed to {pledger}, but nothing left"));
        // Nor twice for one departure, whatever a node says.
        let twice = ledger.apply(&owed(6)).unwrap_err();
        assert_eq!(twice, format!("6 units of stETH are owed to {pledger}, but nothing left"));
        let amount = Units::new(11);
        ledger.apply(&RescueEvent::Collected { pledger, asset, recipient: pledger, amount }).unwrap();
        assert_eq!([of(&ledger, first), of(&ledger, second)], [(5, 0), (6, 0)]);
        let debt = ledger.debts[&(pledger, asset)];
        assert_eq!((debt.owed, debt.collected), (Units::ZERO, amount));
    }
}
