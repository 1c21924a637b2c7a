//! Accounts on devices: a Ledger with its Ethereum app, or a Trezor.

mod ledger;
mod trezor;

use std::fmt;

use levee::SignerError;

use crate::error::UserError;

pub(crate) use ledger::ledger;
pub(crate) use trezor::trezor;

/// The most steps that a Ledger accepts in a path.
const MAX_STEPS: usize = 10;
/// Numbers of steps are below this; a hardened step has this added.
const HARDENED: u32 = 1 << 31;

/// Where in a device's seed an account is, such as `m/44'/60'/0'/0/0`: the numbers of its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HdPath(Vec<u32>);

impl HdPath {
    /// Reads a path.
    pub(crate) fn parse(text: &str) -> Result<Self, UserError> {
        let steps = text.strip_prefix("m/").unwrap_or_default().split('/').map(step);
        let steps = steps.collect::<Option<Vec<_>>>().filter(|steps| steps.len() <= MAX_STEPS);
        steps.map(Self).ok_or_else(|| {
            UserError::new(format!("`{text}` is not a derivation path"))
                .hint("write it as in `m/44'/60'/0'/0/0`")
        })
    }
}

impl fmt::Display for HdPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("m")?;
        self.0.iter().try_for_each(|step| match step.checked_sub(HARDENED) {
            Some(number) => write!(f, "/{number}'"),
            None => write!(f, "/{step}"),
        })
    }
}

fn step(text: &str) -> Option<u32> {
    let hardened = text.strip_suffix(['\'', 'h', 'H']);
    let digits = hardened.unwrap_or(text);
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u32 = digits.parse().ok().filter(|number| is_number && *number < HARDENED)?;
    Some(if hardened.is_some() { HARDENED | number } else { number })
}

/// The signers' crates end the program on a machine without USB.
fn require_usb(signer: &'static str) -> Result<(), levee::Error> {
    rusb::Context::new().map(drop).map_err(|_| SignerError::SignerNotFound { signer }.into())
}

/// What it means that a device does not tell its address.
fn unusable(
    signer: &str,
    path: &HdPath,
    refusal: Option<SignerError>,
    reason: impl fmt::Display,
) -> eyre::Report {
    match refusal {
        Some(refusal) => levee::Error::from(refusal).into(),
        None => UserError::new(format!("the {signer} has no account for the path `{path}`: {reason}"))
            .hint("check `--hd-path`, and whether the device's software is current")
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_in_every_usual_notation() {
        let paths = [
            ("m/44'/60'/0'/0/0", "m/44'/60'/0'/0/0"),
            ("m/44h/60H/7'/0/12", "m/44'/60'/7'/0/12"),
            ("m/2147483647'", "m/2147483647'"),
            ("m/0/1/2/3/4/5/6/7/8/9", "m/0/1/2/3/4/5/6/7/8/9"),
        ];
        for (text, path) in paths {
            assert_eq!(HdPath::parse(text).unwrap().to_string(), path);
        }
    }

    #[test]
    fn what_is_no_path_is_never_taken_for_another_one() {
        let others = [
            "",
            "m",
            "m/",
            "44'/60'/0'/0/0",
            "/44'",
            "m//0",
            "m/44''",
            "m/'",
            "m/+1",
            "m/-1",
            "m/ 1",
            "m/x",
            "m/2147483648",
            "m/4294967296'",
            "m/0/",
            "m/0/1/2/3/4/5/6/7/8/9/10",
            "m/1h'",
        ];
        for text in others {
            let message = HdPath::parse(text).unwrap_err().to_string();
            assert_eq!(message, format!("`{text}` is not a derivation path"));
        }
    }
}
