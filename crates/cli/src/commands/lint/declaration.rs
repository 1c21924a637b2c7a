//! Signed declarations.

use std::path::Path;

use levee::{Declaration, SignedDeclaration, Stage};
use levee_model::Timestamp;

use super::{
    Read,
    against::Against,
    amount,
    finding::{Finding, Kind, Place},
    statement::Statement,
};
use crate::{amount::eth, declaration::SignedFile, error::UserError, time};

/// Reads a file as `levee declare --sign` writes it.
pub(super) fn lint(file: &Path, against: Option<&Against>, now: Timestamp) -> Result<Read, UserError> {
    let SignedDeclaration { contributor, declaration, .. } = SignedFile::read(file)?.signed()?;
    let place = Place { file: file.to_owned(), line: None };
    let Declaration { escrow, stage, tier, amount, expiry, .. } = declaration;
    let mut findings: Vec<Finding> = expired(expiry, now, &place).into_iter().collect();
    // It stands for nothing, so it is not counted.
    let is_counted = stage != Stage::Withdrawn;
    if let Some(against) = against {
        findings.extend(against.address(escrow, &place));
        findings.extend(against.tier(tier, &place).err());
        findings.extend(against.expiry(expiry, &place).filter(|_| now <= expiry && is_counted));
        findings.extend(against.locked(contributor, tier, &place).filter(|_| is_counted));
    }
    findings.extend(amount.and_then(|amount| amount::read(&eth(amount), &place).1));
    if amount.is_none() && is_counted {
        findings.push(no_amount("the declaration", stage.may_be_unknown(), &place));
    }
    let statement =
        Statement { name: contributor.to_string(), account: Some(contributor), tier, asset: None, place };
    Ok(Read { findings, statements: is_counted.then_some(statement).into_iter().collect() })
}

/// A statement that is not valid any more.
pub(super) fn expired(expiry: Timestamp, now: Timestamp, place: &Place) -> Option<Finding> {
    let what = || format!("it was valid until {}", time::time(expiry));
    let why = "nobody stands by it any more";
    (now > expiry)
        .then(|| place.warning(Kind::Expired, what(), why, "ask for it to be renewed, or leave it out"))
}

/// A statement that says nothing to count, which may be all right.
pub(super) fn no_amount(what: &str, may_be: bool, place: &Place) -> Finding {
    let what = format!("{what} has no amount");
    let why = "it cannot be counted";
    match may_be {
        true => place.warning(Kind::NoAmount, what, why, "ask how much it is"),
        false => {
            let why = "only what is expressed or withdrawn can be without one: the board refuses others";
            place.error(Kind::NoAmount, what, why, "say how much it is, or that it is only expressed")
        }
    }
}
