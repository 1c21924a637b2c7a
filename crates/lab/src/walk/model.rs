//! A walk on the model of the rules.

use levee_model::{
    Amount, Asset, BonusBooks, Creation, Lido, Models, Moment, Operation, Rate, RecoveryBooks, Refusal,
    Rescue, Status, TermsError, Timestamp, prorata,
};

use super::{
    bonus::Bonus,
    cast::{BONUS, Cast, ESCROW, POOL, STETH, Scene, WSTETH, address_of, terms},
    format::{Balances, Books, Op, OwedBook, PositionBook, PotBook, Route},
    recovery::Recovery,
    replay::{Outcome, Subject},
};
use crate::chain::BLOCK;

/// The models of a rescue and its pools, and the world around them.
#[derive(Debug)]
pub struct Model {
    models: Models,
    cast: Cast,
    rate: Rate,
    broken: bool,
}

impl Subject for Model {
    type Error = TermsError;

    fn start(scene: &Scene) -> Result<Self, TermsError> {
        let terms = terms(&scene.terms, address_of(STETH), address_of(WSTETH));
        let creation = Creation { block: BLOCK, time: scene.start };
        let models = Models::open([ESCROW, POOL, BONUS].map(address_of), terms, creation)?;
        Ok(Self { models, cast: scene.cast.clone(), rate: scene.rate, broken: false })
    }

    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, TermsError> {
        let (at, latest) = (self.moment(time), self.models.rescue.latest_amendment());
        match (op, op.call(latest)) {
            (Op::Rebase { rate }, _) => self.rate = *rate,
            (Op::Break { broken }, _) => self.broken = *broken,
            (_, Some((_, Operation::Pledge(pledge)))) if self.lacks_allowance(op, pledge.amount) => {
                return Ok(Err(Refusal::TokenFailed { asset: pledge.amount.asset() }.into()));
            }
            (_, Some((caller, operation))) => {
                return Ok(self.models.play(at, caller, operation).map(Vec::from_iter));
            }
            (_, None) => {}
        }
        Ok(Ok(Vec::new()))
    }

    fn stored_status(&mut self) -> Result<Status, TermsError> {
        Ok(self.models.rescue.stored_status())
    }

    fn is_pledged(&mut self, tier: u8) -> Result<bool, TermsError> {
        Ok(self.models.rescue.positions().any(|(id, position)| id.tier == tier && !position.amount.is_zero()))
    }

    fn recovery(&mut self, time: Timestamp) -> Result<Recovery, TermsError> {
        Ok(Recovery::of_model(&self.models, time))
    }

    fn bonus(&mut self) -> Result<Bonus, TermsError> {
        Ok(Bonus::of_model(&self.models, &self.cast))
    }

    fn books(&mut self, time: Timestamp) -> Result<Books, TermsError> {
        let at = self.moment(time);
        let goal = self.models.rescue.goal(time);
        let is_decided = self.models.rescue.stored_status() != Status::Open;
        let settlement = self.models.rescue.settlement(at).filter(|_| is_decided);
        let received = |asset| self.models.rescue.delivered_amount(asset);
        Ok(Books {
            status: self.models.rescue.stored_status(),
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
        &self.models.rescue
    }

    /// Its recovery pool.
    pub const fn pool(&self) -> &RecoveryBooks {
        &self.models.recovery
    }

    /// Its bonus pool.
    pub const fn bonus_pool(&self) -> &BonusBooks {
        &self.models.bonus
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

    /// Whether a false permit leaves the router without an allowance that it needs.
    fn lacks_allowance(&self, op: &Op, amount: Amount) -> bool {
        let needs_nothing = || match amount {
            // Shares that are worth no wei need no allowance.
            Amount::StEth(shares) => prorata::shares_value_down(shares, self.rate).is_zero(),
            Amount::Eth(_) | Amount::WstEth(_) => amount.units().is_zero(),
        };
        op.via().is_some_and(|via| via.route == Route::FalsePermit) && !needs_nothing()
    }

    fn pots(&self, at: Moment) -> Vec<PotBook> {
        let tiers = 0..self.models.rescue.terms().tier_count();
        let all = tiers.flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
        let books = all.map(|(tier, asset)| {
            let pot = self.models.rescue.pot(at, tier, asset);
            PotBook { tier, asset, total: pot.total, drawn: pot.drawn }
        });
        books.filter(|book| !book.total.is_zero()).collect()
    }

    fn positions(&self) -> Vec<PositionBook> {
        let of = |name| {
            self.models.rescue.positions_of(address_of(name)).map(|(id, position)| PositionBook {
                who: name.to_owned(),
                tier: id.tier,
                asset: id.asset,
                amount: position.amount,
                refunded: position.refunded,
                recovered: self.models.recovery.claimed(id),
            })
        };
        self.cast.names().into_iter().flat_map(of).collect()
    }

    fn owed(&self) -> Vec<OwedBook> {
        let all = self.cast.names().into_iter().flat_map(|name| Asset::ALL.map(|asset| (name, asset)));
        let books = all.map(|(name, asset)| {
            let amount = self.models.rescue.owed(address_of(name), asset);
            OwedBook { who: name.to_owned(), asset, amount }
        });
        books.filter(|book| !book.amount.is_zero()).collect()
    }
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
