//! Points in time and durations as people write them, and as they are shown.

use jiff::{
    Span, SpanRelativeTo, SpanRound, Timestamp, Unit,
    fmt::friendly::{Designator, Spacing, SpanPrinter},
};

pub(crate) use levee::display::utc as time;

use crate::error::UserError;

/// Reads an RFC 3339 time, as Unix seconds. Fractions of a second are refused, as the chain knows none.
pub(crate) fn parse_time(text: &str) -> Result<u64, UserError> {
    let hint = "write date, time and offset, as in `2026-08-01T00:00:00Z`";
    let error = || UserError::new(format!("`{text}` is not a time")).hint(hint);
    let time: Timestamp = text.parse().map_err(|_| error())?;
    if time.subsec_nanosecond() != 0 {
        return Err(UserError::new(format!("`{text}` has a fraction of a second")).hint(hint));
    }
    u64::try_from(time.as_second()).map_err(|_| error())
}

/// Reads a duration, `3 days` or `12h`, in seconds. A day has 24 hours; months and years have no fixed length and are
/// refused.
pub(crate) fn parse_duration(text: &str) -> Result<u32, UserError> {
    let hint = "write a number and a unit from seconds to weeks, as in `3 days`, `12h` or `1 day 6 hours`";
    let error = || UserError::new(format!("`{text}` is not a duration")).hint(hint);
    let span: Span = text.parse().map_err(|_| error())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| error())?;
    if duration.subsec_nanos() != 0 || duration.is_negative() {
        return Err(UserError::new(format!("`{text}` is not a whole number of seconds")).hint(hint));
    }
    u32::try_from(duration.as_secs()).map_err(|_| {
        UserError::new(format!("`{text}` is too long")).hint("the longest is 49710 days, some 136 years")
    })
}

/// Seconds as `3 days 12 hours`, exact.
pub(crate) fn duration(seconds: u64) -> String {
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
pub(crate) fn time_from(seconds: u64, now: u64) -> String {
    match seconds.checked_sub(now) {
        Some(ahead) => format!("{} (in {})", time(seconds), duration(coarse(ahead))),
        None => format!("{} ({} ago)", time(seconds), duration(coarse(now - seconds))),
    }
}

/// Drops what nobody reads: seconds of what is hours away, hours of what is weeks away.
fn coarse(seconds: u64) -> u64 {
    const HOUR: u64 = 60 * 60;
    const WEEK: u64 = 7 * 24 * HOUR;
    let step = match seconds {
        ..HOUR => 1,
        HOUR..WEEK => 60,
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
        for text in ["2026-08-01", "tomorrow", "1785542400", "1969-12-31T23:59:59Z", ""] {
            assert_eq!(parse_time(text).unwrap_err().to_string(), format!("`{text}` is not a time"));
        }
        let error = parse_time("2026-08-01T00:00:00.5Z").unwrap_err().to_string();
        assert_eq!(error, "`2026-08-01T00:00:00.5Z` has a fraction of a second");
    }

    #[test]
    fn durations_are_read_in_words() {
        let cases = [
            ("3 days", 259_200),
            ("12h", 43_200),
            ("1 day 6 hours", 108_000),
            ("2 weeks", 1_209_600),
            ("90s", 90),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_duration(text).unwrap(), seconds, "{text}");
        }
        for text in ["3", "1 month", "1 year", "soon", ""] {
            assert_eq!(parse_duration(text).unwrap_err().to_string(), format!("`{text}` is not a duration"));
        }
        assert_eq!(parse_duration("50000 days").unwrap_err().to_string(), "`50000 days` is too long");
        for text in ["500 ms", "-3 days"] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert_eq!(error, format!("`{text}` is not a whole number of seconds"));
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        assert_eq!(time(parse_time("2026-08-01T00:00:00Z").unwrap()), "2026-08-01T00:00:00Z");
        for text in ["3 days 12 hours", "1 second", "1 day 1 minute", "0 seconds"] {
            assert_eq!(duration(parse_duration(text).unwrap().into()), text);
        }
    }

    #[test]
    fn far_times_are_coarse_and_near_ones_exact() {
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
