//! What other programs read of the dates and notices of rescues.

use atom_syndication::Feed;
use icalendar::{Calendar as Document, CalendarDateTime, Component as _, DatePerhapsTime};
use levee::{
    alloy::primitives::{Address, B256},
    notice::{Calendar, Content, Date, DateKind, Notice, NoticeKind},
};
use levee_pages::{calendar, feed};

/// 2026-08-01T00:00:00Z.
const NOW: u64 = 1_785_542_400;
const RESCUE: Address = Address::repeat_byte(0xe5);

fn date(kind: DateKind, at: u64) -> Date {
    let text =
        "Pledges, of ETH; until then. A text that is longer than a line of a calendar may be, by far: ü"
            .into();
    Date { kind, number: 0, at, since: NOW - 9, title: "Deadline for pledges".into(), text }
}

fn of(dates: Vec<Date>, revision: u32) -> Calendar {
    Calendar { chain: 1, rescue: RESCUE, revision, revised_at: NOW - 5, dates }
}

#[test]
fn a_calendar_is_read_by_another_parser() {
    let dates = vec![
        date(DateKind::Tranche, NOW),
        date(DateKind::Deadline, NOW),
        date(DateKind::ReleaseWindow, u64::MAX),
        date(DateKind::ReleaseWindow, NOW + 86_400),
    ];
    let text = calendar(&[of(dates, 3)], NOW);
    assert!(text.lines().all(|line| line.len() <= 75), "{text}");
    assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
    let read: Document = text.parse().expect("it is a calendar");
    assert_eq!(read.property_value("METHOD"), Some("PUBLISH"));
    let events: Vec<_> = read.events().collect();
    // The tranche is over; a pledge is still accepted in the deadline's second; the last one is no date of any calendar.
    let [deadline, window] = events[..] else { panic!("{text}") };
    assert_eq!(deadline.get_uid(), Some(format!("deadline-0-1-{RESCUE}@levee").as_str()));
    assert_eq!(deadline.get_sequence(), Some(3));
    assert_eq!(deadline.get_summary(), Some("Deadline for pledges · 0xE5e5…e5e5"));
    let description = deadline.get_description().expect("it has one");
    assert_eq!(description, format!("{} Rescue {RESCUE} on chain 1.", date(DateKind::Deadline, NOW).text));
    let Some(DatePerhapsTime::DateTime(CalendarDateTime::Utc(at))) = window.get_start() else {
        panic!("it begins at a time in UTC")
    };
    assert_eq!(at.timestamp(), (NOW + 86_400) as i64);
    assert_eq!(deadline.get_timestamp().map(|at| at.timestamp()), Some((NOW - 5) as i64));
}

#[test]
fn a_feed_is_read_by_its_parser() {
    let content = Content {
        kind: NoticeKind::AmendmentProposed,
        chain: 1,
        rescue: RESCUE,
        account: None,
        at: NOW,
        until: Some(NOW + 5),
        transaction: Some(B256::repeat_byte(7)),
        title: "Amendment <proposed> & more".into(),
        text: "Until then, `levee exit`.".into(),
    };
    let notice =
        |id: &str, at| Notice { id: id.into(), content: Content { at, ..content.clone() }, corrects: None };
    let text = feed(1, &[notice("b", NOW), notice("a", NOW - 5)]);
    let read = Feed::read_from(text.as_bytes()).expect("it is a feed");
    assert_eq!((read.id(), read.updated().timestamp()), ("urn:levee:notices:1", NOW as i64));
    let entries = read.entries();
    let ids: Vec<_> = entries.iter().map(|entry| entry.id()).collect();
    assert_eq!(ids, ["urn:levee:notice:b", "urn:levee:notice:a"]);
    assert_eq!(entries[0].title().value, "Amendment <proposed> & more");
    assert_eq!(entries[1].updated().timestamp(), (NOW - 5) as i64);
    assert_eq!(entries[0].categories()[0].term(), "amendmentProposed");
    let said = entries[0].content().and_then(|content| content.value()).expect("it says something");
    assert_eq!(said, format!("Until then, `levee exit`. Rescue {RESCUE} on chain 1."));
    assert_eq!(Feed::read_from(feed(1, &[]).as_bytes()).expect("it is a feed").entries().len(), 0);
}
