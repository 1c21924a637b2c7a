//! The page of a rescue tells what the rules say of its events.

use std::collections::BTreeMap;

use levee::{
    Declaration, Declared, Entry, Event, History, RescueEvent, Stage,
    alloy::primitives::{Address, B256},
    snapshot::Block,
    text::hole::{Hole, Item},
};
use levee_model::{Amendment, Asset, Bps, Goal, PositionId, Rate, Terms, Tier, Units, Wei};
use levee_pages::{
    Basis, CONTRIBUTORS_ON_A_PAGE, Holes, RescuePage, Said,
    site::{ActPage, Asked, Entered},
};

const NOW: u64 = 1_785_542_400; // 2026-08-01T00:00:00Z
const DAY: u64 = 86_400;
const ETHER: u128 = 10u128.pow(18);
const ESCROW: Address = Address::repeat_byte(0xe5);
const ANN: Address = Address::repeat_byte(0xa1);
const BEN: Address = Address::repeat_byte(0xb2);
const CAT: Address = Address::repeat_byte(0xc3);
const DAN: Address = Address::repeat_byte(0xd4);

fn tier(threshold: u16, draw_order: u8, rate: u16) -> Tier {
    Tier { threshold: Bps::new(threshold), draw_order, rate: Bps::new(rate) }
}

/// A target of 100 ETH: grants and a loan from 50 % on, and grants only if all is covered.
fn terms() -> Terms {
    Terms {
        beneficiary: Address::repeat_byte(0xbe),
        guardian: Address::repeat_byte(0x9a),
        steth: Address::repeat_byte(0x51),
        wsteth: Address::repeat_byte(0x52),
        target: Wei::new(100 * ETHER),
        deadline: NOW + 2 * DAY,
        latest_deadline: NOW + 9 * DAY,
        tiers: vec![tier(5_000, 0, 0), tier(5_000, 1, 380), tier(10_000, 0, 0)],
        objection_period: 86_400,
        veto: Bps::new(3_300),
        tranches: 2,
        tranche_interval: 86_400,
        release_window: 30 * 86_400,
        exit_window: 86_400,
        terms_hash: [7; 32].into(),
    }
}

fn entry(time: u64, event: RescueEvent) -> Entry {
    Entry { block: 7, time, transaction: B256::repeat_byte(0x77), event: Event::Rescue(event) }
}

fn pledge(pledger: Address, tier: u8, asset: Asset, amount: u128) -> Entry {
    let position = PositionId { pledger, tier, asset };
    entry(NOW - DAY, RescueEvent::Pledged { position, amount: Units::new(amount) })
}

/// 41 ETH as a grant, 12 ETH as a loan, and 24 shares, worth 30 ETH at a rate of 1.25, only if all is covered.
fn open() -> Vec<Entry> {
    vec![
        entry(NOW - 2 * DAY, RescueEvent::Created { terms: terms() }),
        pledge(ANN, 0, Asset::Eth, 41 * ETHER),
        pledge(BEN, 1, Asset::Eth, 12 * ETHER),
        pledge(CAT, 2, Asset::StEth, 24 * ETHER),
    ]
}

fn rate() -> Option<Rate> {
    Rate::new(1_250_000_000_000_000_000_000_000_000)
}

/// The same, settled a second after the deadline: 50 % is met, and the shares are not used.
fn settled() -> Vec<Entry> {
    let settled_at = NOW + 2 * DAY + 1;
    let mut draws = vec![Units::ZERO; 9];
    (draws[0], draws[3]) = (Units::new(41 * ETHER), Units::new(12 * ETHER));
    let (threshold, target, drawn) = (Bps::new(5_000), Wei::new(100 * ETHER), Wei::new(53 * ETHER));
    let event = RescueEvent::Settled { threshold, rate: rate(), target, drawn, settled_at, draws };
    open().into_iter().chain([entry(settled_at, event)]).collect()
}

fn history(time: u64, entries: Vec<Entry>, rate: Option<Rate>) -> History {
    let block = Block { number: 99, parent_hash: B256::ZERO, time };
    History { rate, ..History::of(1, block, ESCROW, entries).expect("it is a history") }
}

fn declared(contributor: Address, stage: Stage, amount: Option<u128>, link: &str) -> Declared {
    let (amount, link) = (amount.map(|number| Wei::new(number * ETHER)), link.into());
    let declaration = Declaration { escrow: ESCROW, stage, tier: 0, amount, expiry: NOW + DAY, link };
    Declared { contributor, declaration, made_at: NOW - DAY, digest: None }
}

fn page(history: &History, declarations: &[Declared]) -> String {
    let names = BTreeMap::from([(ANN, "Ann <b>& \u{202e}Co</b>\"'".to_owned())]);
    RescuePage::new(history, Some(declarations), &names).expect("it reconciles").document(1)
}

/// The section with an id.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let start = page.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("there is no {id}"));
    page[start..].split("</section>").next().expect("it ends")
}

/// An amount, as it stands in the page.
fn ether(number: u128) -> String {
    format!(r#"<data class="n" value="{}" title="{number} ETH">{number} ETH</data>"#, number * ETHER)
}

#[test]
fn what_is_locked_stands_beside_the_target() {
    let page = page(&history(NOW, open(), rate()), &[]);
    assert!(page.contains(&format!("<dd id=\"locked\">{}</dd>", ether(83))), "{page}");
    assert!(page.contains(&format!("<dd id=\"target\">{}</dd>", ether(100))));
    assert!(page.contains(">83 %</span>") && page.contains(">Open</span>"));
    assert!(page.contains(", so far 83 % of the target; at the end of block 99"), "{page}");
    assert!(page.contains("2026-08-03 00:00:00 UTC</time> <span class=\"dim\">(in 2 days)</span>"));
}

#[test]
fn kinds_are_told_apart_and_what_is_said_is_not_locked() {
    let said = [declared(ANN, Stage::Approved, Some(50), ""), declared(DAN, Stage::Approved, Some(20), "")];
    let said = [&said[..], &[declared(BEN, Stage::Expressed, None, "")]].concat();
    let page = page(&history(NOW, open(), rate()), &said);
    let money = section(&page, "money");
    let bar = |label: &str, number: u128| {
        format!("<dt>{label}</dt><dd><span class=\"amount\">{}</span>", ether(number))
    };
    for bar in [bar("Grants", 41), bar("Grants only if all is covered", 30), bar("Loans", 12)] {
        assert!(money.contains(&bar), "{money}");
    }
    // Ann has locked 41 of 50, Dan nothing of 20; Ben did not say how much.
    assert!(money.contains(&bar("Approved", 29)) && !money.contains("Expressed"), "{money}");
    let said = section(&page, "said");
    assert_eq!(said.matches("<tr>").count(), 4);
    assert!(said.contains(&ether(9)) && said.contains(">unknown<"), "{said}");
}

#[test]
fn a_document_tells_what_the_target_is_the_net_of() {
    let history = history(NOW, open(), rate());
    let names = BTreeMap::new();
    let of = |net: u128, hash: [u8; 32]| {
        let item = |what: &str, number, source: &str| Item {
            what: what.into(),
            amount: Wei::new(number * ETHER),
            source: source.into(),
        };
        let less = vec![item("frozen <b>", 60, "javascript:alert(1)"), item("kept", 200 - 60 - net, "")];
        let hole = Hole { gross: Wei::new(200 * ETHER), less, net: Wei::new(net * ETHER) };
        let holes = Holes::from([(hash.into(), hole)]);
        let page = RescuePage::new(&history, None, &names).expect("it reconciles").with_holes(&holes);
        section(&page.document(1), "hole").to_owned()
    };
    let told = of(100, [7; 32]);
    for part in [ether(200), ether(60), ether(40), ether(100)] {
        assert!(told.contains(&part), "{part}: {told}");
    }
    assert!(told.contains("frozen &lt;b&gt;") && !told.contains("href=\"javascript"), "{told}");
    // From 200 to 140, from 140 to 100, and what is left, on a scale of 1000.
    for bar in ["x=\"700\" width=\"300\"", "x=\"500\" width=\"200\"", "x=\"0\" width=\"500\""] {
        assert!(told.contains(bar), "{bar}: {told}");
    }
    assert!(!told.contains("No target is") && !told.contains("was amended"), "{told}");
    assert!(of(90, [7; 32]).contains("No target is that amount."));
    assert!(of(100, [8; 32]).contains("neither the gross loss nor"), "of another document");
}

#[test]
fn the_ladder_says_what_is_missing() {
    let page = page(&history(NOW, open(), rate()), &[]);
    let ladder = section(&page, "ladder");
    assert!(
        ladder.contains("<strong>met</strong>") && ladder.contains(&format!("{} more", ether(17))),
        "{ladder}"
    );
    assert!(ladder.contains("tier 1: loan at 3.8 % a year, if 50 % is covered"));
    assert!(ladder.contains("tier 2: grant, only if all is covered"));
}

#[test]
fn what_was_drawn_falls_due_in_tranches() {
    let page = page(&history(NOW + 3 * DAY + 1, settled(), None), &[]);
    assert!(page.contains(", in the end 83 % of the target; at the end of block 99"), "{page}");
    assert!(page.contains(&format!("<dd id=\"drawn\">{}</dd>", ether(53))));
    let tranches = section(&page, "tranches");
    let half = format!(r#"<data class="n" value="{}" title="26.5 ETH">26.5 ETH</data>"#, 265 * ETHER / 10);
    let [due, later] = [("due", "due"), ("to-come", "not yet due")]
        .map(|(class, text)| format!("{half} <span class=\"state {class}\">{text}</span>"));
    assert!(tranches.contains(&due) && tranches.contains(&later), "{tranches}");
    assert!(tranches.contains("2026-08-04 00:00:01 UTC"));
    let contributors = section(&page, "contributors");
    assert!(contributors.contains(&format!("<li>{} drawn</li>", ether(41))), "{contributors}");
    // The rate is recorded by now.
    let back = "30 stETH (24000000000000000000 shares)";
    let back = format!(r#"<data value="24000000000000000000" title="{back}">{back}</data>"#);
    assert!(contributors.contains(&format!("<li>{back} to refund</li>")), "{contributors}");
    assert!(contributors.contains(&format!("<li>take back {back}: <code>levee refund</code></li>")));
    assert!(contributors.contains("<li>object: <code>levee object</code></li>"));
    assert!(
        section(&page, "timeline").contains("settled at a threshold of 50 %: 53 ETH of 100 ETH is drawn")
    );
    assert!(section(&page, "guardian").contains("<p>Nothing."));
}

#[test]
fn from_logs_alone_no_value_of_shares_is_made_up() {
    let page = page(&history(NOW, open(), None), &[]);
    let (ether, shares) = ("53000000000000000000", "24000000000000000000");
    let locked = format!(
        "<dd id=\"locked\"><data class=\"n\" value=\"{ether}\" title=\"53 ETH\">53 ETH</data> + <data value=\"{shares}\""
    );
    assert!(page.contains(&locked), "{page}");
    assert!(
        page.contains("What shares of stETH are worth is in no log before the rescue is decided"),
        "{page}"
    );
    assert!(section(&page, "ladder").contains("Unknown: shares of stETH count"));
    assert!(section(&page, "contributors").contains(">24000000000000000000 shares</data>"));
}

#[test]
fn what_others_wrote_stays_a_text() {
    let hostile = [
        "javascript:alert(document.domain)",
        "https://forum.example/\"><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "https://lido.fi@evil.example/",
        "data:text/html;base64,PHNjcmlwdD4=",
    ];
    let said: Vec<_> = (0u8..)
        .zip(hostile)
        .map(|(index, link)| declared(Address::repeat_byte(index), Stage::Approved, Some(1), link))
        .collect();
    let page = page(&history(NOW, open(), rate()), &said);
    for forbidden in [
        "<script",
        "<img",
        "<iframe",
        "onerror=\"",
        "href=\"javascript",
        "href=\"data",
        "style=\"",
        "\u{202e}",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("<bdi>Ann &lt;b&gt;&amp; \\u{202e}Co&lt;/b&gt;&quot;"), "{page}");
    let said = section(&page, "said");
    assert_eq!(said.matches("rel=\"noopener noreferrer nofollow\"><bdi>").count(), 1, "{said}");
    assert!(
        said.contains("href=\"https://forum.example/%22%3E%3Cscript%3Ealert(1)%3C/script%3E\""),
        "{said}"
    );
    // Whatever leads away says nothing of where it was read.
    let away = page.matches("<a ").count() - page.matches("href=\"#").count();
    assert_eq!(page.matches("rel=\"noopener noreferrer nofollow\"").count(), away);
    assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
}

#[test]
fn a_page_stays_small_with_any_number_of_contributors() {
    let pledger = |index: u32| Address::left_padding_from(&(index + 1).to_be_bytes());
    let many = (0..100_000).map(|index| pledge(pledger(index), 0, Asset::Eth, ETHER + u128::from(index)));
    let entries = open().into_iter().chain(many).collect();
    let said: Vec<_> = (0..1_000)
        .map(|index| declared(pledger(index), Stage::Proposed, Some(2), &"x".repeat(256)))
        .collect();
    let (history, names) = (history(NOW, entries, rate()), BTreeMap::new());
    let page = RescuePage::new(&history, Some(&said), &names).unwrap();
    assert_eq!(page.pages(), 100_003usize.div_ceil(CONTRIBUTORS_ON_A_PAGE));
    let [first, second, beyond] = [1, 2, page.pages() + 1].map(|number| page.document(number));
    assert!(first.len() < 60_000, "{}", first.len());
    // The three large ones first, then those with a wei more than the others.
    assert!(section(&first, "contributors").contains(&pledger(99_999).to_string()));
    assert!(!section(&second, "contributors").contains(&pledger(99_999).to_string()));
    assert!(section(&second, "contributors").contains("These are 31 to 60;"));
    assert!(section(&beyond, "contributors").contains("100,003 contributors, none of them on this page."));
    assert!(section(&first, "said").contains("985 further declarations not listed."));
}

/// The page of a rescue with as many pledgers of an ether each, on a site.
fn served(pledgers: u64, page: usize) -> String {
    let accounts = (1..=pledgers).map(|number| Address::left_padding_from(&number.to_be_bytes()));
    let pledges = accounts.map(|account| pledge(account, 0, Asset::Eth, ETHER));
    let entries = [entry(NOW - 2 * DAY, RescueEvent::Created { terms: terms() })];
    let history = history(NOW, entries.into_iter().chain(pledges).collect(), rate());
    let basis = Basis::of(&history).expect("it reconciles");
    RescuePage::on_site(&history, &basis, &Said::of(&history, &[]), "3 minutes old").document(page)
}

#[test]
fn a_served_page_has_no_code_and_no_style_in_it_and_leads_on() {
    let page = served(1_000, 2);
    for inline in ["<style", "style=", "onclick", "<script>", "http-equiv", "levee report --page"] {
        assert!(!page.contains(inline), "{inline}");
    }
    let contributor = Address::left_padding_from(&31u64.to_be_bytes());
    let link = format!("href=\"/rescue/{ESCROW}/contributor/{contributor}\"");
    assert!(page.contains(&link) && page.contains("(3 minutes old)"), "{page}");
    assert!(page.contains("These are 31 to 60.") && page.contains("href=\"?page=3#contributors\""), "{page}");
    assert!(page.contains(&format!("<body data-rescue=\"{ESCROW}\">")));
}

/// The rescue with an amendment of everything that can be amended, which takes effect half a day before `NOW`.
fn amended() -> Vec<Entry> {
    let goal = Goal { target: Wei::new(90 * ETHER), deadline: NOW + 3 * DAY, terms_hash: [8; 32].into() };
    let amendment = Amendment { goal, effective_at: NOW - DAY / 2 };
    let proposed = entry(NOW - 2 * DAY, RescueEvent::AmendmentProposed { amendment });
    let mut entries = open();
    entries.insert(1, proposed);
    entries
}

#[test]
fn an_amendment_is_announced_while_it_is_pending() {
    let pending = history(NOW - DAY, amended(), rate());
    let told = page(&pending, &[]);
    let [banner, headline] =
        ["<section id=\"amendment\"", "<section class=\"headline\""].map(|part| told.find(part));
    assert!(banner.is_some() && banner < headline, "{told}");
    let announced = section(&told, "amendment").to_owned();
    let hash = |byte: &str| format!("<code class=\"hash\">0x{}</code>", byte.repeat(32));
    for part in [
        format!("<dt>Target</dt><dd>from {} to {}</dd>", ether(100), ether(90)),
        format!("<dt>Document</dt><dd>from {} to {}</dd>", hash("07"), hash("08")),
        "2026-08-03 00:00:00 UTC</time> to <time".into(),
        "2026-08-04 00:00:00 UTC</time>".into(),
        "2026-07-31 12:00:00 UTC</time> <span class=\"dim\">(in 12 hours)</span>. Until then, ".into(),
    ] {
        assert!(announced.contains(&part), "{part}: {announced}");
    }
    // Where somebody is about to pledge, too.
    assert_eq!(section(&act(&pending), "amendment"), announced);
    let in_force = page(&history(NOW, amended(), rate()), &[]);
    assert!(!in_force.contains("id=\"amendment\""), "{in_force}");
}

#[test]
fn a_target_was_amended_only_once_another_is_in_force() {
    let hole = |net| Hole { gross: Wei::new(net), less: Vec::new(), net: Wei::new(net) };
    let holes = Holes::from([([7; 32].into(), hole(100 * ETHER)), ([8; 32].into(), hole(90 * ETHER))]);
    let told = |time| {
        let (history, names) = (history(time, amended(), rate()), BTreeMap::new());
        let page = RescuePage::new(&history, None, &names).expect("it reconciles").with_holes(&holes);
        page.document(1).matches("The target was amended since.").count()
    };
    assert_eq!([NOW - DAY, NOW].map(told), [0, 1]);
}

/// The page on which somebody acts, before anything is entered.
fn act(history: &History) -> String {
    let (view, entered, asked) = (history.rescue.view(history.moment()), Entered::default(), Asked::Nothing);
    let (age, code, node, account, choices) = ("3 minutes old", String::new(), None, None, Vec::new());
    ActPage { history, view: &view, age, code, node, account, entered, choices, asked }.document()
}

#[test]
fn only_what_a_rescue_accepts_can_be_chosen() {
    let units = |history: &History| {
        let page = act(history);
        let (_, menu) = page.split_once("name=\"unit\"").expect("a menu");
        let (menu, _) = menu.split_once("</select>").expect("its end");
        let options = menu.split("value=\"").skip(1);
        options.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(units(&history(NOW, open(), rate())), ["ETH", "stETH", "wstETH", "shares"]);
    let terms = Terms { steth: Address::ZERO, wsteth: Address::ZERO, ..terms() };
    let created = vec![entry(NOW - 2 * DAY, RescueEvent::Created { terms })];
    let only_ether = history(NOW, created, None);
    assert_eq!(units(&only_ether), ["ETH"]);
    assert!(section(&page(&only_ether, &[]), "terms").contains("<dt>Accepted assets</dt><dd>ETH</dd>"));
}

#[test]
fn the_terms_in_force_are_told_in_full() {
    let page = page(&history(NOW, open(), rate()), &[]);
    let told = section(&page, "terms");
    let account = |byte| {
        let address = Address::repeat_byte(byte);
        let link =
            format!("href=\"https://etherscan.io/address/{address}\" rel=\"noopener noreferrer nofollow\"");
        format!("<a class=\"address whole-address\" {link}>{address}</a>")
    };
    for (name, value) in [
        ("Beneficiary", account(0xbe)),
        ("Guardian", account(0x9a)),
        ("Accepted assets", "ETH, stETH, wstETH".into()),
        ("Objection period", "1 day from settlement to the first tranche".into()),
        ("Exit window", "1 day before an amendment takes effect".into()),
        (
            "Release window",
            "30 days after the last tranche is due; then what is not delivered can go back".into(),
        ),
    ] {
        assert!(told.contains(&format!("<dt>{name}</dt><dd>{value}</dd>")), "{name}: {told}");
    }
}

#[test]
fn the_amount_to_cover_is_shown_with_all_amendments() {
    let page = page(&history(NOW, amended(), rate()), &[]);
    let hole = section(&page, "hole");
    let rows: Vec<_> = hole.split("<tr>").skip(2).collect();
    assert!(rows[0].contains(&ether(100)) && rows[0].contains("from the beginning"), "{hole}");
    assert!(rows[1].contains(&ether(90)) && rows[1].contains("2026-07-31 12:00:00 UTC"), "{hole}");
    assert!(page.contains(&format!("<dd id=\"target\">{}</dd>", ether(90))));
}

#[test]
fn a_problem_is_told_as_it_is() {
    let page = levee_pages::site::problem("Not Found", "there is no `<b>\u{1b}`", None);
    assert!(page.contains("<p>there is no `&lt;b&gt;\\u{1b}`</p>"), "{page}");
}

#[test]
fn nobody_is_told_to_wait_for_a_rescue_whose_deadline_has_passed() {
    let after = NOW + 3 * DAY;
    // With a rate, the rules decide: 83 of 100 ETH is covered.
    let known = page(&history(after, open(), rate()), &[]);
    assert!(known.contains("<span class=\"badge\">Settled</span>"), "{known}");
    // From logs alone, what they decide is not known; but it is not open to anybody.
    let unknown = page(&history(after, open(), None), &[]);
    assert!(unknown.contains("<span class=\"badge\">Past its deadline</span>"), "{unknown}");
    assert!(!unknown.contains("wait for settlement") && unknown.contains("depends on the value of stETH"));
    let before = page(&history(NOW, open(), None), &[]);
    assert!(before.contains("<span class=\"badge\">Open</span>") && before.contains("wait for settlement"));
}
