//! Percentages as people write them, `3.8 %`; the books use basis points.

use levee_model::{Bps, Wei, display};

use super::TextError;

/// Reads `50 %` or `3.8%`, with at most two decimal places. The valid range depends on the use.
pub fn parse(text: &str) -> Result<Bps, TextError> {
    let error =
        |what: &str| TextError::new(format!("`{text}` {what}")).hint("write it as in `50 %` or `3.8 %`");
    let number = text.trim().strip_suffix('%').ok_or_else(|| error("has no percent sign"))?.trim_end();
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() || !digits(integer) || !digits(fraction) || number.ends_with('.') {
        return Err(error("is not a percentage"));
    }
    if fraction.len() > 2 {
        return Err(error("has more than two decimal places"));
    }
    format!("{integer}{fraction:0<2}").parse().map(Bps::new).map_err(|_| error("is too large"))
}

/// `3.8 %`, exact.
pub fn percent(bps: Bps) -> String {
    of_bps(bps.get().into())
}

/// `part` as a percentage of `whole`, rounded down to hundredths of a percent, so that 100 % is never shown
/// too early. `whole` is not zero.
pub fn of_down(part: Wei, whole: Wei) -> String {
    of_bps(bps_down(part, whole))
}

/// The same in basis points, of which there may be more than make a whole.
pub fn bps_down(part: Wei, whole: Wei) -> u128 {
    let exact = part.get().checked_mul(10_000).map(|parts| parts / whole.get());
    exact.unwrap_or_else(|| part.get() / (whole.get() / 10_000).max(1))
}

/// `142.85 %`, of basis points of which there may be more than make a whole.
pub fn of_bps(number: u128) -> String {
    display::percent(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_as_basis_points() {
        for (text, bps) in [("50 %", 5_000), ("3.8%", 380), ("0 %", 0), ("0.01 %", 1), ("100.00 %", 10_000)] {
            assert_eq!(parse(text).unwrap(), Bps::new(bps), "{text}");
        }
        let cases = [
            ("50", "`50` has no percent sign"),
            ("half %", "`half %` is not a percentage"),
            ("-1 %", "`-1 %` is not a percentage"),
            ("0.001 %", "`0.001 %` has more than two decimal places"),
            ("656 %", "`656 %` is too large"),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["50 %", "3.8 %", "0.01 %", "0 %", "100 %"] {
            assert_eq!(percent(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn coverage_is_never_rounded_up() {
        assert_eq!(of_down(Wei::new(99_999_999), Wei::new(100_000_000)), "99.99 %");
        assert_eq!(of_down(Wei::new(3), Wei::new(2)), "150 %");
        assert_eq!(of_down(Wei::ZERO, Wei::new(2)), "0 %");
    }
}
