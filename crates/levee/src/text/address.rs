//! Addresses as people paste them. Mixed case is a checksum, which is verified.

use alloy::primitives::{Address, hex};

use super::TextError;

/// Reads an address. A single case carries no checksum and is accepted; mixed case must match EIP-55.
pub fn parse(text: &str) -> Result<Address, TextError> {
    let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with("0x")).unwrap_or_default();
    let address = hex::decode(digits).ok().and_then(|bytes| Address::try_from(bytes.as_slice()).ok());
    let address = address.ok_or_else(|| {
        TextError::new(format!("`{text}` is not an address"))
            .hint("an address is `0x` and 40 hexadecimal digits")
    })?;
    let one_case = !digits.contains(|c: char| c.is_ascii_lowercase())
        || !digits.contains(|c: char| c.is_ascii_uppercase());
    if one_case || address.to_checksum(None) == text {
        return Ok(address);
    }
    Err(TextError::new(format!("`{text}` fails its checksum: it may be mistyped")).hint(format!(
        "compare every character with the source; with its checksum, this address is `{address}`"
    )))
}

/// An address, cut to its first and last digits: to tell the accounts in a list apart, never to compare one with another.
pub fn short(address: Address) -> String {
    let digits = address.to_string();
    format!("{}…{}", &digits[..6], &digits[digits.len() - 4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84";

    #[test]
    fn one_case_or_the_right_checksum_is_taken() {
        let address: Address = RIGHT.parse().unwrap();
        for text in [RIGHT, &RIGHT.to_lowercase(), &format!("0x{}", RIGHT[2..].to_uppercase())] {
            assert_eq!(parse(text).unwrap(), address);
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused_and_the_right_one_told() {
        let wrong = RIGHT.replace("DE3A", "dE3A");
        let error = parse(&wrong).unwrap_err();
        assert_eq!(error.to_string(), format!("`{wrong}` fails its checksum: it may be mistyped"));
        let hint = error.hint.unwrap_or_default();
        assert!(hint.ends_with(&format!("with its checksum, this address is `{RIGHT}`")), "{hint}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "0x", "vitalik.eth", &RIGHT[2..], &RIGHT[..41], &format!("{RIGHT}00")] {
            assert_eq!(parse(text).unwrap_err().to_string(), format!("`{text}` is not an address"));
        }
    }
}
