//! Points in time and durations as people write them, and as they are shown.

use jiff::{
    Span, SpanRound, Timestamp, Unit,
    fmt::friendly::{Designator, Spacing, SpanPrinter},
};
use toml::value::{Date, Datetime};

use super::TextError;
use crate::display::utc;

/// The latest time that can be read, which leaves room for every offset before the end of the year 9999.
const LATEST: &str = "9999-12-30T22:00:00Z";

/// Reads an RFC 3339 time, as Unix seconds. Fractions of a second are refused, as the chain knows none, and so is
/// whatever else a calendar may take and drop: leap seconds, names of time zones, days of the week.
pub fn parse_time(text: &str) -> Result<u64, TextError> {
    let hint = "write date, time and offset, as in `2026-08-01T00:00:00Z`";
    let error = || TextError::new(format!("`{text}` is not a time")).hint(hint);
    // A date and time of TOML is one of RFC 3339, and nothing else.
    let written: Datetime = text.parse().map_err(|_| error())?;
    let (Some(_), Some(clock), Some(_)) = (written.date, written.time, written.offset) else {
        return Err(error());
    };
    if clock.nanosecond.is_some() {
        return Err(TextError::new(format!("`{text}` has a fraction of a second")).hint(hint));
    }
    let time: Timestamp = text.parse().map_err(|_| match written.date {
        Some(Date { year: 9999, month: 12, .. }) => {
            TextError::new(format!("`{text}` is too late")).hint(format!("the latest time is {LATEST}"))
        }
        _ => error(),
    })?;
    u64::try_from(time.as_second()).ok().filter(|_| clock.second != Some(60)).ok_or_else(error)
}

/// Units of a duration, by rising length, with all their names. Months and years have no fixed length.
const UNITS: [(u64, [&str; 3]); 5] = [
    (1, ["s", "second", "seconds"]),
    (MINUTE, ["min", "minute", "minutes"]),
    (HOUR, ["h", "hour", "hours"]),
    (DAY, ["d", "day", "days"]),
    (7 * DAY, ["w", "week", "weeks"]),
];
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Reads a duration in seconds, `3 days`, `12h` or `1 day 6 hours`: whole numbers, each with its unit, the longest
/// first. Anything else is refused, as what is read otherwise than it was meant is a term for ever.
pub fn parse_duration(text: &str) -> Result<u32, TextError> {
    let hint = "write whole numbers and units from seconds to weeks, the longest first, as in `3 days`, `12h` or \
                `1 day 6 hours`";
    let error = || TextError::new(format!("`{text}` is not a duration")).hint(hint);
    let (mut seconds, mut rest, mut shorter_than) = (0u64, text.trim(), u64::MAX);
    while !rest.is_empty() {
        let (length, count, after) =
            leading_part(rest).filter(|part| part.0 < shorter_than).ok_or_else(error)?;
        seconds = count.checked_mul(length).and_then(|part| seconds.checked_add(part)).ok_or_else(error)?;
        (rest, shorter_than) = (after, length);
    }
    if shorter_than == u64::MAX {
        return Err(error());
    }
    u32::try_from(seconds).map_err(|_| {
        TextError::new(format!("`{text}` is too long")).hint("the maximum is 49710 days, about 136 years")
    })
}

/// The unit's length and the number of the part that `text` begins with, and what comes after it.
fn leading_part(text: &str) -> Option<(u64, u64, &str)> {
    let (number, after) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let after = after.trim_start();
    let (unit, rest) = after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
    let (length, _) = UNITS.iter().find(|(_, names)| names.contains(&unit))?;
    Some((*length, number.parse().ok()?, rest.trim_start()))
}

/// Seconds as `3 days 12 hours`, exact.
pub fn duration(seconds: u64) -> String {
    if seconds == 0 {
        return "0 seconds".to_owned();
    }
    let balance = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    let span = i64::try_from(seconds).ok().and_then(|seconds| Span::new().try_seconds(seconds).ok());
    match span.and_then(|span| span.round(balance).ok()) {
        Some(span) => SpanPrinter::new()
            .designator(Designator::Verbose)
            .spacing(Spacing::BetweenUnitsAndDesignators)
            .span_to_string(&span),
        None => format!("{seconds} seconds"),
    }
}

/// `2026-08-01T00:00:00Z (in 3 days)`, seen from `now`.
pub fn time_from(seconds: u64, now: u64) -> String {
    match seconds.checked_sub(now) {
        Some(0) => format!("{} (now)", utc(seconds)),
        Some(ahead) => format!("{} (in {})", utc(seconds), duration(coarse(ahead))),
        None => format!("{} ({} ago)", utc(seconds), duration(coarse(now - seconds))),
    }
}

/// Drops needless precision: seconds if it is hours away, hours if it is weeks away.
fn coarse(seconds: u64) -> u64 {
    const WEEK: u64 = 7 * DAY;
    let step = match seconds {
        ..HOUR => 1,
        HOUR..WEEK => MINUTE,
        WEEK.. => HOUR,
    };
    seconds - seconds % step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_any_offset() {
        assert_eq!(parse_time("2026-08-01T00:00:00Z").unwrap(), 1_785_542_400);
        assert_eq!(parse_time("2026-08-01T02:00:00+02:00").unwrap(), 1_785_542_400);
        for text in [
            "2026-08-01",
            "2026-08-01T00:00:00",
            "tomorrow",
            "1785542400",
            "1969-12-31T23:59:59Z",
            "2026-08-01T00:00:00Z[Europe/Paris]",
            "2026-06-30T23:59:60Z",
            "2026-08-01T24:00:00Z",
            "20260801T000000Z",
            "2026-02-29T00:00:00Z",
            "+002026-08-01T00:00:00Z",
            "2026-08-01T00:00:00+02:00:30",
            "",
        ] {
            assert_eq!(parse_time(text).unwrap_err().to_string(), format!("`{text}` is not a time"));
        }
        let error = parse_time("2026-08-01T00:00:00.5Z").unwrap_err().to_string();
        assert_eq!(error, "`2026-08-01T00:00:00.5Z` has a fraction of a second");
        assert_eq!(utc(parse_time(LATEST).unwrap()), LATEST);
        for text in ["9999-12-30T22:00:01Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(parse_time(text).unwrap_err().to_string(), format!("`{text}` is too late"));
        }
    }

    #[test]
    fn durations_are_read_in_words() {
        let cases = [
            ("3 days", 259_200),
            ("12h", 43_200),
            ("1 day 6 hours", 108_000),
            ("2 weeks", 1_209_600),
            ("90s", 90),
            ("1 week 1 d 1h1min 1 second", 604_800 + 86_400 + 3_600 + 60 + 1),
            ("0 seconds", 0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_duration(text).unwrap(), seconds, "{text}");
        }
        assert_eq!(parse_duration("50000 days").unwrap_err().to_string(), "`50000 days` is too long");
    }

    #[test]
    fn durations_that_could_be_read_otherwise_are_refused() {
        for text in [
            // Thousands and decimals.
            "1,440 hours",
            "1.440 hours",
            "1'440 hours",
            "1_440 hours",
            "1 440 hours",
            "1.5 days",
            "0,5 days",
            "1e3 s",
            // No number, no unit, or another one.
            "3",
            "days",
            "",
            "soon",
            "3 days 4",
            "1 month",
            "1 year",
            "500 ms",
            "5 m",
            "5 H",
            "3 Days",
            "P3D",
            "PT12H",
            "01:30",
            // Signs and words.
            "-3 days",
            "+3 days",
            "3 days ago",
            "1 day, 6 hours",
            "1 day and 6 hours",
            "1 day 6:00",
            // The same twice, or in another order.
            "1 day 1 day",
            "6 hours 1 day",
            "99999999999999999999 s",
            "18446744073709551615 weeks",
            "٣ days",
        ] {
            assert_eq!(parse_duration(text).unwrap_err().to_string(), format!("`{text}` is not a duration"));
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        assert_eq!(utc(parse_time("2026-08-01T00:00:00Z").unwrap()), "2026-08-01T00:00:00Z");
        for text in ["3 days 12 hours", "1 second", "1 day 1 minute", "0 seconds"] {
            assert_eq!(duration(parse_duration(text).unwrap().into()), text);
        }
    }

    #[test]
    fn far_times_are_coarse_and_near_ones_exact() {
        assert_eq!(time_from(1_785_542_400, 1_785_542_400), "2026-08-01T00:00:00Z (now)");
        assert_eq!(time_from(1_785_542_400, 1_785_542_395), "2026-08-01T00:00:00Z (in 5 seconds)");
        assert_eq!(time_from(1_785_542_400, 1_785_542_401), "2026-08-01T00:00:00Z (1 second ago)");
        assert_eq!(
            time_from(1_785_542_400, 1_785_542_400 - 7_261),
            "2026-08-01T00:00:00Z (in 2 hours 1 minute)"
        );
        assert_eq!(
            time_from(1_785_542_400, 1_785_542_400 - 700_000),
            "2026-08-01T00:00:00Z (in 8 days 2 hours)"
        );
    }
}
