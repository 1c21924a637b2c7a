//! When a step happens: at a time, some time after the step before, or relative to a moment that the rules
//! define.

use levee_model::Timestamp;

use crate::{error::UserError, time};

/// A moment that the rules define.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// The creation of the escrow.
    Start,
    /// The deadline in force.
    Deadline,
    /// Settlement, once it has happened.
    Settlement,
    /// When a tranche, counted from 1, falls due, once the rescue is settled.
    Tranche(u8),
    /// When the rescue became final, so that nothing more goes to the beneficiary.
    Final,
}

/// When a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At this second.
    At(Timestamp),
    /// Some seconds after the step before.
    Later(u32),
    /// Some seconds before or after a moment.
    Around(Anchor, i64),
}

const HINT: &str = "write a time as in `2026-08-01T00:00:00Z`, `+2 days` after the step before, or `start`, \
    `deadline`, `settlement`, `tranche 1` or `final`, with `+ 1s` or `- 1s`";

impl When {
    /// Reads `2026-08-01T00:00:00Z`, `+2 days`, `deadline`, `deadline + 1s` or `tranche 2 - 1 hour`.
    pub(crate) fn parse(text: &str) -> Result<Self, UserError> {
        let text = text.trim();
        if let Some(later) = text.strip_prefix('+') {
            return time::parse_duration(later.trim()).map(Self::Later);
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return time::parse_time(text).map(Self::At);
        }
        let (anchor, shift) = match text.find(['+', '-']) {
            Some(sign) => (&text[..sign], parse_shift(&text[sign..])?),
            None => (text, 0),
        };
        Ok(Self::Around(parse_anchor(anchor.trim())?, shift))
    }
}

fn parse_shift(text: &str) -> Result<i64, UserError> {
    let seconds = time::parse_duration(text[1..].trim()).map(i64::from)?;
    Ok(if text.starts_with('-') { -seconds } else { seconds })
}

fn parse_anchor(text: &str) -> Result<Anchor, UserError> {
    let tranche = || text.strip_prefix("tranche ")?.parse().ok().filter(|number| *number > 0);
    match text {
        "start" => Ok(Anchor::Start),
        "deadline" => Ok(Anchor::Deadline),
        "settlement" => Ok(Anchor::Settlement),
        "final" => Ok(Anchor::Final),
        _ => tranche()
            .map(Anchor::Tranche)
            .ok_or_else(|| UserError::new(format!("`{text}` is not a time")).hint(HINT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_say_when_is_read() {
        let cases = [
            ("2026-08-01T00:00:00Z", When::At(1_785_542_400)),
            ("+2 days", When::Later(172_800)),
            ("+ 1s", When::Later(1)),
            ("start", When::Around(Anchor::Start, 0)),
            ("deadline + 1s", When::Around(Anchor::Deadline, 1)),
            ("settlement+1h", When::Around(Anchor::Settlement, 3_600)),
            ("final + 365 days", When::Around(Anchor::Final, 31_536_000)),
            ("tranche 2 - 1 hour", When::Around(Anchor::Tranche(2), -3_600)),
        ];
        for (text, when) in cases {
            assert_eq!(When::parse(text).unwrap(), when, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let cases = [
            ("soon", "`soon` is not a time"),
            ("tranche 0", "`tranche 0` is not a time"),
            ("deadline + soon", "`soon` is not a duration"),
            ("2026-08-01", "`2026-08-01` is not a time"),
            ("", "`` is not a time"),
        ];
        for (text, message) in cases {
            assert_eq!(When::parse(text).unwrap_err().to_string(), message);
        }
    }
}
