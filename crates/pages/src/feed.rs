//! Notices as a feed for other programs (Atom, RFC 4287).

use atom_syndication::{Category, Content, Entry, Feed, FixedDateTime, Generator, Person, Text};
use levee::{display::utc, notice::Notice};
use levee_model::Timestamp;

/// A feed of notices of a chain, in their order, which should be the latest first. Its entries keep their identifiers.
pub fn feed(chain: u64, notices: &[Notice]) -> String {
    let feed = Feed {
        title: Text::plain(format!("Levee: rescues on chain {chain}")),
        id: format!("urn:levee:notices:{chain}"),
        updated: moment(notices.iter().map(|notice| notice.content.at).max().unwrap_or_default()),
        authors: vec![Person { name: "Levee".into(), ..Person::default() }],
        generator: Some(Generator { value: "levee".into(), ..Generator::default() }),
        entries: notices.iter().map(entry).collect(),
        ..Feed::default()
    };
    feed.to_string()
}

fn entry(notice: &Notice) -> Entry {
    let Notice { id, content, .. } = notice;
    Entry {
        title: Text::plain(content.title.clone()),
        id: format!("urn:levee:notice:{id}"),
        updated: moment(content.at),
        categories: vec![Category { term: content.kind.to_string(), ..Category::default() }],
        content: Some(Content {
            value: Some(format!("{} Rescue {} on chain {}.", content.text, content.rescue, content.chain)),
            content_type: Some("text".into()),
            ..Content::default()
        }),
        ..Entry::default()
    }
}

/// A time, or the beginning of time where the calendar ends.
fn moment(time: Timestamp) -> FixedDateTime {
    utc(time).parse().unwrap_or_default()
}
