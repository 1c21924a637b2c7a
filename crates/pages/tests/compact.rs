//! The page of a compact tells what the rules say of its events.

use levee::{
    Entry, Event,
    alloy::primitives::{Address, B256, keccak256},
    compact::{CompactHistory, fold},
    snapshot::Block,
};
use levee_model::{
    Bps, CompactEvent as E, CompactTerms, Units,
    compact::{CallRecord, Gift, Started},
};
use levee_pages::{CompactPage, Place, site::CompactsPage};

const NOW: u64 = 1_785_542_400; // 2026-08-01T00:00:00Z
const DAY: u32 = 86_400;
const COMPACT: Address = Address::repeat_byte(0xc0);
const ESCROW: Address = Address::repeat_byte(0xe5);
const ANN: Address = Address::repeat_byte(0xa1);
const BEN: Address = Address::repeat_byte(0xb2);

fn units(whole: u128) -> Units {
    Units::new(whole * 10u128.pow(18))
}

fn terms() -> CompactTerms {
    let code = levee::Edition::LATEST.creation_code(levee::Contract::PledgeEscrow);
    CompactTerms {
        wsteth: Address::repeat_byte(1),
        escrow_code_hash: keccak256(code),
        admitter: Address::ZERO,
        guardian: Address::ZERO,
        terms_hash: B256::repeat_byte(7),
        quorum: Bps::new(6_000),
        max_call: Bps::new(5_000),
        voting_period: 3 * DAY,
        fulfill_period: 4 * DAY,
        notice_period: 8 * DAY,
        leave_window: 7 * DAY,
        seasoning: 15 * DAY,
        min_threshold: Bps::ONE,
        min_rate: Bps::ZERO,
        min_objection_period: 3 * DAY,
        min_exit_window: 3 * DAY,
        max_veto: Bps::new(4_000),
        max_lock: 180 * DAY,
    }
}

/// Ann has 60 and approves a call of 25 %, of which she has given 15; Ben has 40, of them 30 under notice, and would give 10.
fn history(terms: CompactTerms) -> CompactHistory {
    let (bps, active, proposed_at) = (Bps::new(2_500), units(100), NOW);
    let record = CallRecord { escrow: ESCROW, tier: 2, bps, amendment: 0, active, proposed_at };
    let before = NOW - 86_400;
    let events = [
        E::Created { terms },
        E::Committed { member: ANN, amount: units(60), committed_at: before },
        E::Committed { member: BEN, amount: units(40), committed_at: before },
        E::Activated { member: ANN, amount: units(60), activated_at: before },
        E::Activated { member: BEN, amount: units(40), activated_at: before },
        E::PremiumPaid { payer: ESCROW, amount: units(10), weight: units(100) },
        E::Noticed { member: BEN, amount: units(30), noticed_at: before },
        E::Proposed { call: 0, member: ANN, record },
        E::Approved { call: 0, member: ANN, weight: units(60) },
        E::Passed { call: 0, passed_at: NOW },
        E::CallStarted(Started { call: 0, started_at: NOW }),
        E::Given(Gift { call: 0, member: ANN, amount: units(15), given_at: NOW }),
    ];
    let entry =
        |event| Entry { block: 7, time: before, transaction: B256::ZERO, event: Event::Compact(event) };
    let entries: Vec<_> = events.into_iter().map(entry).collect();
    let compact = fold(COMPACT, &entries).expect("they follow");
    let block = Block { number: 7, parent_hash: B256::ZERO, time: NOW };
    CompactHistory { chain: 1, block, entries, compact }
}

/// The words of a document, without its elements.
fn words(document: &str) -> String {
    let body = document.split("<main").nth(1).expect("there is content");
    let mut text = String::new();
    for part in body.split('<').skip(1) {
        text.push(' ');
        text.push_str(part.split_once('>').map_or("", |(_, rest)| rest));
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_page_says_who_is_committed_who_is_leaving_and_what_each_gives() {
    let history = history(terms());
    let document = CompactPage::new(&history, Place::Site { age: "1 minute old" }).document();
    let text = words(&document);
    for told in [
        "Committed and active 85 wstETH Of it under notice 30 wstETH",
        // Four, eight and seven days after the call began, and a second.
        "Another call may give from 2026-08-20 00:00:01 UTC (in 19 days) , since call 0 gave",
        // Eight days after the notice, for a week.
        "30 wstETH may leave from 2026-08-08 00:00:00 UTC to 2026-08-15 00:00:00 UTC",
        "passed, can give from 2026-08-01 00:00:00 UTC (now) to 2026-08-05 00:00:00 UTC (in 4 days)",
        "25 % of what each member had active, to tier 2",
        "Approvals 60 wstETH ; 60 wstETH are needed Given 15 wstETH",
        "yes 15 wstETH 0 wstETH",
        "no 0 wstETH 10 wstETH",
        "Paid to those who stand ready 10 wstETH Claimed 0 wstETH",
        "levee compact status",
    ] {
        assert!(text.contains(told), "{told}\n\n{text}");
    }
    assert!(document.contains(&format!("href=\"/rescue/{ESCROW}\"")), "{document}");
    assert!(!text.contains("commit nothing"), "{text}");
}

#[test]
fn a_window_that_has_passed_is_told_with_what_to_do() {
    let mut history = history(terms());
    history.block.time = NOW + 15 * u64::from(DAY);
    let text = words(&CompactPage::new(&history, Place::File).document());
    let late = "30 wstETH could leave until 2026-08-15 00:00:00 UTC : give notice again, or take it back";
    assert!(text.contains(late), "{text}");
}

#[test]
fn the_guardian_of_a_rescue_is_that_of_the_terms_or_none() {
    let told = |guardian| {
        let history = history(CompactTerms { guardian, ..terms() });
        words(&CompactPage::new(&history, Place::File).document())
    };
    let [nobody, ann] = [Address::ZERO, ANN].map(told);
    assert!(nobody.contains("And as its guardian none Document"), "{nobody}");
    assert!(ann.contains("And as its guardian 0xA1A1…a1a1 or none Document"), "{ann}");
}

#[test]
fn a_list_says_how_many_contracts_announced_themselves() {
    let block = Block { number: 7, parent_hash: B256::ZERO, time: NOW };
    let told = |count| {
        let (age, listed) = ("1 minute old", Vec::new());
        words(&CompactsPage { chain: 1, block, age, listed, count, page: 1, pages: 1 }.document())
    };
    assert!(told(0).contains("0 contracts that announced themselves as compacts, the latest first."));
    assert!(told(1).contains("1 contract that announced itself as a compact, the latest first."));
}

#[test]
fn a_file_needs_nothing_else_and_foreign_escrows_are_warned_of() {
    let history = history(CompactTerms { escrow_code_hash: B256::repeat_byte(9), ..terms() });
    let document = CompactPage::new(&history, Place::File).document();
    assert!(document.contains("Content-Security-Policy") && !document.contains("<script"), "{document}");
    assert!(words(&document).contains("could keep the money: commit nothing to it"), "{document}");
}
