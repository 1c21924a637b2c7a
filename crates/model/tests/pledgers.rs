//! What is listed as possible for a pledger is what the rules accept, and pays what is listed.

mod common;

use alloy_primitives::{Address, B256};
use common::*;
use levee_model::{
    Asset, Goal, Lido, Models, Moment, Operation, Pledge, PledgerView, Route, Terms, Timestamp, Wei,
};

const BONUS: Address = Address::repeat_byte(0x90);
const GIGA: u128 = 1_000_000_000;

/// ALICE has 500 G wei in tier 0 and BOB as many shares in tier 1, both enlisted for a bonus.
fn open() -> Models {
    let pools = [ESCROW, Address::repeat_byte(0x91), BONUS];
    let mut models = Models::open(pools, terms(), CREATED).expect("the terms are allowed");
    play(&mut models, 5, BOB, Operation::AddBonus { sponsor: BOB, amount: Wei::new(700) });
    for (pledger, tier, asset) in [(ALICE, 0, Asset::Eth), (BOB, 1, Asset::StEth)] {
        pledge(&mut models, 10, pledger, tier, asset);
    }
    models
}

fn pledge(models: &mut Models, time: Timestamp, pledger: Address, tier: u8, asset: Asset) {
    let amount = units(500 * GIGA).of(asset);
    let pledge =
        Pledge { pledger, tier, amount, amendment: UNAMENDED, route: Route::Router { enlist: true } };
    play(models, time, pledger, Operation::Pledge(pledge));
}

fn play(models: &mut Models, time: Timestamp, caller: Address, operation: Operation) {
    models.play(at(time), caller, operation).expect("accepted");
}

/// Settled at 500, with 1,100 of the 1,000 G wei: the later draw order in part.
fn settled() -> Models {
    let mut models = open();
    play(&mut models, 500, BOB, Operation::Settle);
    models
}

fn amended() -> Models {
    let mut models = open();
    let goal = Goal { target: Wei::new(2 * TARGET), deadline: 1_200, terms_hash: B256::ZERO };
    play(&mut models, 100, GUARDIAN, Operation::Amend(goal));
    models
}

fn vetoed() -> Models {
    let mut models = settled();
    play(&mut models, 600, BOB, Operation::Release(Asset::Eth));
    play(&mut models, 600, ALICE, Operation::Object { tier: 0, asset: Asset::Eth });
    models
}

/// Everything is delivered, and something was recovered.
fn recovered() -> Models {
    let mut models = settled();
    for asset in [Asset::Eth, Asset::StEth] {
        play(&mut models, 630, BOB, Operation::Release(asset));
    }
    play(&mut models, 700, BOB, Operation::Recover(Wei::new(600 * GIGA)));
    models
}

/// BOB was declined while stETH was paused, and ALICE alone does not suffice for tier 1.
fn owed() -> Models {
    let mut models = open();
    let moment = Moment { time: 50, lido: Lido::Paused(rate(RATE)) };
    models.play(moment, GUARDIAN, Operation::Decline(id(BOB, 1, Asset::StEth))).expect("accepted");
    pledge(&mut models, 60, ALICE, 2, Asset::WstEth);
    models
}

/// Everything that a pledger may do with a position, or have paid.
fn candidates(pledger: Address) -> Vec<Operation> {
    let of_pot = |(tier, asset)| {
        let id = id(pledger, tier, asset);
        [
            Operation::Exit { tier, asset, to: pledger },
            Operation::Object { tier, asset },
            Operation::Refund(id),
            Operation::Claim(id),
            Operation::ClaimBonus(id),
        ]
    };
    let pots = (0..3).flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
    let collects = Asset::ALL.map(|asset| Operation::Collect { pledger, asset });
    pots.flat_map(of_pot).chain(collects).collect()
}

/// What the view says that a call pays; none if it does not say it.
fn due(view: &PledgerView, operation: Operation) -> Option<u128> {
    let position = |tier, asset| {
        view.positions.iter().find(|position| (position.view.tier, position.view.asset) == (tier, asset))
    };
    match operation {
        Operation::Refund(id) => Some(position(id.tier, id.asset)?.view.refundable.get()),
        Operation::Claim(id) => Some(position(id.tier, id.asset)?.recovered_due.get()),
        Operation::ClaimBonus(id) => Some(position(id.tier, id.asset)?.bonus_due.get()),
        Operation::Collect { asset, .. } => Some(view.owed[asset].get()),
        _ => None,
    }
}

/// What has happened, and when it is looked at.
type State<'a> = (fn() -> Models, &'a [Timestamp]);

#[test]
fn a_call_is_listed_if_and_only_if_it_is_accepted() {
    let ended = 1_000 + 200;
    let states: [State<'_>; 6] = [
        (open, &[10, 1_000, 1_001, ended, ended + 1, 5_000]),
        (amended, &[299, 300, 1_001, 1_400, 1_401]),
        (settled, &[500, 600, 629, 630, ended + 1]),
        (vetoed, &[600, 610, 630]),
        (recovered, &[700, ended + 1]),
        (owed, &[60, 1_001, ended + 1]),
    ];
    let mut listed = Vec::new();
    for (state, times) in states {
        let models = state();
        for &time in times {
            let views = models.pledgers(at(time));
            for pledger in [ALICE, BOB] {
                let view = views.iter().find(|view| view.pledger == pledger);
                for operation in candidates(pledger) {
                    let paid = models.clone().play(at(time), pledger, operation);
                    let is_listed = view.is_some_and(|view| view.calls.contains(&operation));
                    assert_eq!(is_listed, paid.is_ok(), "{operation:?} at {time}: {paid:?}");
                    let due = view.filter(|_| is_listed).and_then(|view| due(view, operation));
                    if let (Some(due), Ok(Some(payment))) = (due, paid) {
                        assert_eq!(payment.amount, units(due), "{operation:?} at {time}");
                    }
                    listed.extend(is_listed.then(|| std::mem::discriminant(&operation)));
                }
            }
        }
    }
    let all: std::collections::HashSet<_> = candidates(ALICE).iter().map(std::mem::discriminant).collect();
    assert!(all.iter().all(|kind| listed.contains(kind)), "each kind was possible at some time");
}

#[test]
fn nobody_objects_without_a_veto() {
    let without = Terms { veto: levee_model::Bps::ZERO, ..terms() };
    let mut models = Models::open([ESCROW, BONUS, BONUS], without, CREATED).unwrap();
    pledge_directly(&mut models);
    play(&mut models, 1_001, ALICE, Operation::Settle);
    assert_eq!(models.pledgers(at(1_001))[0].calls, []);
}

/// Half of the target: all of it is drawn.
fn pledge_directly(models: &mut Models) {
    let amount = units(500 * GIGA).of(Asset::Eth);
    let pledge = Pledge { pledger: ALICE, tier: 0, amount, amendment: UNAMENDED, route: Route::Direct };
    play(models, 10, ALICE, Operation::Pledge(pledge));
}
