//! A walk on the model of the rules.

use alloy::primitives::B256;
use levee_model::{
    Asset, BonusBooks, BonusRefusal, Creation, Departure, Goal, Lido, Moment, Payment, PositionId, Rate,
    RecoveryBooks, Refusal, Refused, Rescue, Shares, Status, TermsError, Timestamp, prorata,
};

use super::{
    bonus::Bonus,
    cast::{BONUS, Cast, ESCROW, GUARDIAN, POOL, STETH, Scene, WSTETH, address_of, anyone, terms},
    format::{Balances, Books, Op, OwedBook, Pay, PositionBook, PotBook, Route, Via},
    recovery::Recovery,
    replay::{Outcome, Subject},
};
use crate::chain::BLOCK;

/// A rescue of the model with its recovery pool, and the world around them.
#[derive(Debug)]
pub struct Model {
    rescue: Rescue,
    pool: RecoveryBooks,
    bonus: BonusBooks,
    cast: Cast,
    rate: Rate,
    broken: bool,
}

impl Subject for Model {
    type Error = TermsError;

    fn start(scene: &Scene) -> Result<Self, TermsError> {
        let terms = terms(&scene.terms, address_of(STETH), address_of(WSTETH));
        let rescue = Rescue::open(address_of(ESCROW), terms, Creation { block: BLOCK, time: scene.start })?;
        let pool = RecoveryBooks::new(address_of(POOL), rescue.terms());
        let bonus = BonusBooks::new(address_of(BONUS));
        Ok(Self { rescue, pool, bonus, cast: scene.cast.clone(), rate: scene.rate, broken: false })
    }

    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, TermsError> {
        let paid = self.call(time, op);
        Ok(paid.map(|payment| payment.map(|payment| self.pay(payment)).into_iter().collect()))
    }

    fn stored_status(&mut self) -> Result<Status, TermsError> {
        Ok(self.rescue.stored_status())
    }

    fn is_pledged(&mut self, tier: u8) -> Result<bool, TermsError> {
        Ok(self.rescue.positions().any(|(id, position)| id.tier == tier && !position.amount.is_zero()))
    }

    fn recovery(&mut self, time: Timestamp) -> Result<Recovery, TermsError> {
        Ok(Recovery::of_model(&self.pool, &self.rescue, time))
    }

    fn bonus(&mut self) -> Result<Bonus, TermsError> {
        Ok(Bonus::of_model(&self.bonus, &self.rescue, &self.cast))
    }

    fn books(&mut self, time: Timestamp) -> Result<Books, TermsError> {
        let at = self.moment(time);
        let goal = self.rescue.goal(time);
        let is_decided = self.rescue.stored_status() != Status::Open;
        let settlement = self.rescue.settlement(at).filter(|_| is_decided);
        let received = |asset| self.rescue.delivered_amount(asset);
        Ok(Books {
            status: self.rescue.stored_status(),
            target: goal.target,
            deadline: goal.deadline,
            active_threshold_bps: settlement.map(|settlement| settlement.threshold.get()),
            settlement_rate: settlement.map(|settlement| settlement.rate),
            pots: self.pots(at),
            positions: self.positions(),
            owed: self.owed(),
            beneficiary: Balances {
                eth: received(Asset::Eth),
                steth: received(Asset::StEth),
                wsteth: received(Asset::WstEth),
            },
        })
    }
}

impl Model {
    /// The rescue.
    pub const fn rescue(&self) -> &Rescue {
        &self.rescue
    }

    /// Its recovery pool.
    pub const fn pool(&self) -> &RecoveryBooks {
        &self.pool
    }

    /// Its bonus pool.
    pub const fn bonus_pool(&self) -> &BonusBooks {
        &self.bonus
    }

    /// The share rate, even while it cannot be read.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Whether stETH is broken.
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// What a call at `time` finds outside the rescue.
    pub const fn moment(&self, time: Timestamp) -> Moment {
        Moment { time, lido: if self.broken { Lido::Broken } else { Lido::Working(self.rate) } }
    }

    fn call(&mut self, time: Timestamp, op: &Op) -> Result<Option<Payment>, Refused> {
        match op {
            Op::Rebase { rate } => self.rate = *rate,
            Op::Break { broken } => self.broken = *broken,
            Op::Recover { amount } => self.pool.recover(&self.rescue, time, *amount)?,
            Op::Claim { who, tier, asset, to } => {
                let id = id(who, *tier, *asset);
                let claimed = match to {
                    None => self.pool.claim(&self.rescue, id),
                    Some(to) => self.pool.claim_to(&self.rescue, id, address_of(to)),
                };
                return Ok(Some(claimed?));
            }
            Op::Pledge { via: Some(via), .. } => self.call_router(time, op, *via)?,
            _ if op.is_of_bonus() => return Ok(self.call_bonus(time, op)?),
            _ => return Ok(self.call_rescue(time, op)?),
        }
        Ok(None)
    }

    /// The router takes the pledge, passes it on, and enlists it, or does nothing.
    fn call_router(&mut self, time: Timestamp, op: &Op, via: Via) -> Result<(), Refused> {
        let Op::Pledge { who, tier, asset, amount, .. } = op else { unreachable!("{op:?} has no route") };
        let (at, asset) = (self.moment(time), *asset);
        let needs_nothing = || match asset {
            // Shares that are worth no wei need no allowance.
            Asset::StEth => prorata::shares_value_down(Shares::new(amount.get()), self.rate).is_zero(),
            Asset::Eth | Asset::WstEth => amount.is_zero(),
        };
        let allowed = via.route != Route::FalsePermit || needs_nothing();
        if !at.lido.moves(asset) || !allowed {
            return Err(Refusal::TokenFailed { asset }.into());
        }
        let before = self.rescue.clone();
        self.call_rescue(time, op)?;
        if via.enlist {
            let enlisted = self.bonus.enlist(&self.rescue, at, id(who, *tier, asset));
            if enlisted.is_err() {
                self.rescue = before;
            }
            enlisted?;
        }
        Ok(())
    }

    fn call_bonus(&mut self, time: Timestamp, op: &Op) -> Result<Option<Payment>, BonusRefusal> {
        let at = self.moment(time);
        let (rescue, bonus) = (&mut self.rescue, &mut self.bonus);
        match op {
            Op::Add { who, amount, .. } => bonus.add(rescue, at, address_of(who), *amount).map(no_pay),
            Op::Enlist { who, tier, asset } => bonus.enlist(rescue, at, id(who, *tier, *asset)).map(no_pay),
            Op::Bonus { who, tier, asset, to: None } => {
                bonus.claim(rescue, at, id(who, *tier, *asset)).map(Some)
            }
            Op::Bonus { who, tier, asset, to: Some(to) } => {
                bonus.claim_to(rescue, at, id(who, *tier, *asset), address_of(to)).map(Some)
            }
            Op::TakeBack { who, to: Some(to), .. } => {
                bonus.take_back_to(rescue, at, address_of(who), address_of(to)).map(Some)
            }
            Op::TakeBack { who, own, to: None } => {
                let sponsor = address_of(who);
                let caller = if *own { sponsor } else { anyone() };
                bonus.take_back(rescue, at, caller, sponsor).map(Some)
            }
            _ => unreachable!("{op:?} is no call of the bonus pool"),
        }
    }

    fn call_rescue(&mut self, time: Timestamp, op: &Op) -> Result<Option<Payment>, Refusal> {
        let at = self.moment(time);
        let guardian = address_of(GUARDIAN);
        let rescue = &mut self.rescue;
        match op {
            Op::Pledge { who, tier, asset, amount, names, .. } => {
                let amendment = names.unwrap_or_else(|| rescue.latest_amendment());
                rescue.pledge(at, id(who, *tier, *asset), amendment, *amount).map(no_pay)
            }
            Op::Settle => rescue.settle(at).map(no_pay),
            Op::Release { asset } => rescue.release(at, *asset).map(Some),
            Op::Refund { who, tier, asset, to: None } => rescue.refund(at, id(who, *tier, *asset)).map(Some),
            Op::Refund { who, tier, asset, to: Some(to) } => {
                rescue.refund_to(at, id(who, *tier, *asset), address_of(to)).map(Some)
            }
            Op::Exit { who, tier, asset, to } => {
                let recipient = address_of(to.as_ref().unwrap_or(who));
                rescue.exit(at, id(who, *tier, *asset), recipient).map(Departure::payment)
            }
            Op::Decline { who, tier, asset } => {
                rescue.decline(at, guardian, id(who, *tier, *asset)).map(Departure::payment)
            }
            Op::Collect { who, asset, to: None } => rescue.collect(at, address_of(who), *asset).map(Some),
            Op::Collect { who, asset, to: Some(to) } => {
                rescue.collect_to(at, address_of(who), *asset, address_of(to)).map(Some)
            }
            Op::Amend { target, deadline } => {
                let goal = Goal { target: *target, deadline: *deadline, terms_hash: B256::ZERO };
                rescue.amend(at, guardian, goal).map(no_pay)
            }
            Op::Cancel { by } => rescue.cancel(at, by.as_deref().map_or(guardian, address_of)).map(no_pay),
            Op::Object { who, tier, asset } => rescue.object(at, id(who, *tier, *asset)).map(no_pay),
            Op::Lapse => rescue.lapse(at).map(no_pay),
            Op::Expire => rescue.expire(at).map(no_pay),
            _ => unreachable!("{op:?} is no call of the rescue"),
        }
    }

    fn pay(&self, Payment { to, asset, amount }: Payment) -> Pay {
        Pay(self.cast.name(to), asset, amount)
    }

    fn pots(&self, at: Moment) -> Vec<PotBook> {
        let tiers = 0..self.rescue.terms().tier_count();
        let all = tiers.flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
        let books = all.map(|(tier, asset)| {
            let pot = self.rescue.pot(at, tier, asset);
            PotBook { tier, asset, total: pot.total, drawn: pot.drawn }
        });
        books.filter(|book| !book.total.is_zero()).collect()
    }

    fn positions(&self) -> Vec<PositionBook> {
        let of = |name| {
            self.rescue.positions_of(address_of(name)).map(|(id, position)| PositionBook {
                who: name.to_owned(),
                tier: id.tier,
                asset: id.asset,
                amount: position.amount,
                refunded: position.refunded,
                recovered: self.pool.claimed(id),
            })
        };
        self.cast.names().into_iter().flat_map(of).collect()
    }

    fn owed(&self) -> Vec<OwedBook> {
        let all = self.cast.names().into_iter().flat_map(|name| Asset::ALL.map(|asset| (name, asset)));
        let books = all.map(|(name, asset)| {
            let amount = self.rescue.owed(address_of(name), asset);
            OwedBook { who: name.to_owned(), asset, amount }
        });
        books.filter(|book| !book.amount.is_zero()).collect()
    }
}

fn id(who: &str, tier: u8, asset: Asset) -> PositionId {
    PositionId { pledger: address_of(who), tier, asset }
}

fn no_pay<T>(_: T) -> Option<Payment> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::{Mismatch, ReplayError, Step, Tally, Walk, Why, read, replay};
    use levee_model::{Units, Wei};

    const WALKS: &str = include_str!("../../../../tests/vectors/rescue.json");

    fn walks() -> Vec<Walk> {
        read(WALKS).expect("the walks are of the format")
    }

    #[test]
    fn the_model_agrees_with_every_step_of_every_walk() {
        let mut tally = Tally::default();
        for walk in walks() {
            tally += replay::<Model>(&walk).unwrap_or_else(|error| panic!("{error}"));
        }
        let expected = Tally { walks: 160, accepted: 3_656, refused: 6_857, world: 727 };
        assert_eq!(tally, expected);
    }

    #[test]
    fn the_format_loses_nothing_of_the_file() {
        let file: serde_json::Value = serde_json::from_str(WALKS).unwrap();
        assert!(serde_json::to_value(walks()).unwrap() == file, "a field is dropped or changed");
    }

    fn mismatch(walk: &Walk) -> Mismatch {
        match replay::<Model>(walk) {
            Err(ReplayError::Mismatch(mismatch)) => mismatch,
            other => panic!("not noticed: {other:?}"),
        }
    }

    #[test]
    fn a_wei_more_in_any_payment_is_noticed_at_its_step() {
        let mut changed = 0;
        for walk in walks() {
            let pays = |(index, step): (usize, &Step)| (!step.pays.is_empty()).then_some(index);
            let Some(index) = walk.steps.iter().enumerate().find_map(pays) else { continue };
            let mut corrupted = walk;
            corrupted.steps[index].pays[0].2 += Units::new(1);
            assert_eq!(mismatch(&corrupted).step, Some(index));
            changed += 1;
        }
        assert!(changed > 100, "only {changed} walks pay");
    }

    #[test]
    fn every_kind_of_expectation_is_compared() {
        let walk = walks().swap_remove(0);
        let changed = |change: fn(&mut Walk)| {
            let mut walk = walk.clone();
            change(&mut walk);
            mismatch(&walk).step
        };
        assert_eq!(changed(|walk| walk.steps[0].status = Some(Status::Failed)), Some(0));
        assert_eq!(changed(|walk| walk.steps[0].why = Some(Why::Zero)), Some(0));
        assert_eq!(changed(|walk| walk.steps[0].ok = Some(false)), Some(0));
        assert_eq!(changed(|walk| walk.steps[0].ok = None), Some(0));
        assert_eq!(changed(|walk| walk.steps[2].ok = Some(true)), Some(2));
        assert_eq!(changed(|walk| walk.steps[2].why = Some(Why::NothingDue)), Some(2));
        assert_eq!(changed(|walk| walk.steps[10].pays[0].0 = "bob".to_owned()), Some(10));
        assert_eq!(changed(|walk| walk.steps[10].pays.clear()), Some(10));
    }

    #[test]
    fn every_kind_of_book_is_compared() {
        let changed = |is_fit: fn(&Walk) -> bool, change: fn(&mut Walk)| {
            let mut walk = walks().into_iter().find(is_fit).expect("there is such a walk");
            change(&mut walk);
            mismatch(&walk).step
        };
        let owing = |walk: &Walk| !walk.books.owed.is_empty();
        assert_eq!(changed(owing, |walk| walk.books.owed[0].amount += Units::new(1)), None);
        let settled = |walk: &Walk| walk.books.settlement_rate.flatten().is_some();
        assert_eq!(changed(settled, |walk| walk.books.status = Status::Open), None);
        assert_eq!(changed(settled, |walk| walk.books.target += Wei::new(1)), None);
        assert_eq!(changed(settled, |walk| walk.books.deadline += 1), None);
        assert_eq!(changed(settled, |walk| walk.books.active_threshold_bps = None), None);
        assert_eq!(changed(settled, |walk| walk.books.settlement_rate = None), None);
        assert_eq!(changed(settled, |walk| walk.books.settlement_rate = Some(None)), None);
        assert_eq!(changed(settled, |walk| walk.books.pots[0].drawn += Units::new(1)), None);
        assert_eq!(changed(settled, |walk| walk.books.positions[0].refunded += Units::new(1)), None);
        assert_eq!(changed(settled, |walk| walk.books.positions[0].recovered += Wei::new(1)), None);
        assert_eq!(changed(settled, |walk| walk.books.beneficiary.wsteth += Units::new(1)), None);
    }

    #[test]
    fn a_mismatch_says_where_and_what() {
        let mut walk = walks().swap_remove(0);
        walk.steps[4].why = Some(Why::Status);
        let text = mismatch(&walk).to_string();
        let seed = walk.seed;
        assert_eq!(
            text,
            format!(
                "walk {seed}, step 4: \
                 expected Seen {{ ok: Some(false), why: Some(Status), pays: [], status: Some(Open) }}, \
                 found Seen {{ ok: Some(false), why: Some(Coverage), pays: [], status: Some(Open) }}"
            )
        );
    }
}
