//! The coming dates of rescues, as a calendar for other programs (RFC 5545).

use icalendar::{Calendar as Document, Component as _, Event, Property};
use levee::{
    display::utc,
    notice::{Calendar, Date},
    text::address::short,
};
use levee_model::Timestamp;

/// How often a program that subscribed to the calendar should look again.
const REFRESH: &str = "PT15M";

/// The dates that are not over at `now`, those of each rescue in a row. A date keeps its identifier when it moves, and its number of
/// revisions then rises; the text is the same as long as nothing happens. Dates beyond the year 9999 are left out, as no calendar has them.
pub fn calendar(rescues: &[Calendar], now: Timestamp) -> String {
    let mut document = Document::empty();
    for (key, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//Levee//levee//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("NAME", "Levee"),
        ("X-WR-CALNAME", "Levee"),
        ("X-PUBLISHED-TTL", REFRESH),
    ] {
        document.append_property(Property::new(key, value));
    }
    for rescue in rescues {
        let coming = rescue.dates.iter().filter(|date| !date.is_over(now));
        document.extend(coming.filter_map(|date| event(rescue, date)));
    }
    document.to_string()
}

fn event(rescue: &Calendar, date: &Date) -> Option<Event> {
    let [at, revised_at] = [compact(date.at)?, compact(rescue.revised_at)?];
    let mut event = Event::new();
    event.uid(&format!("{}-{}-{}-{}@levee", date.kind.name(), date.number, rescue.chain, rescue.rescue));
    event
        .sequence(rescue.revision)
        .add_property("DTSTAMP", &revised_at)
        .add_property("LAST-MODIFIED", &revised_at);
    event.add_property("DTSTART", &at).add_property("TRANSP", "TRANSPARENT");
    event.summary(&format!("{} · {}", date.title, short(rescue.rescue)));
    event.description(&format!("{} Rescue {} on chain {}.", date.text, rescue.rescue, rescue.chain));
    Some(event)
}

/// `20260801T000000Z`; none where the calendar ends.
fn compact(time: Timestamp) -> Option<String> {
    let text = utc(time);
    text.ends_with('Z').then(|| text.replace(['-', ':'], ""))
}
