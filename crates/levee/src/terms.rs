//! Terms in the contract's form, and the address that commits to them.

use alloy::{
    primitives::{Address, B256, Bytes, U256, Uint, address, b256},
    sol_types::{SolConstructor, SolType},
};
use levee_model::{Bps, Terms, Tier, Timestamp};

use crate::{
    bindings::PledgeEscrow,
    blueprint::{Blueprint, Contract},
    convert,
    edition::Edition,
    error::Error,
};

/// The public deterministic CREATE2 deployer, at this address on most chains.
pub const CREATE2_DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// The salt with which every escrow of the edition `v1` is created: keccak256("levee.PledgeEscrow.v1").
pub const SALT: B256 = b256!("55bc7f2dff1173cb85cbf7c5c6c7d57f6d2faa9aa555d24af6d1919d383d37e5");

/// The code that creates an escrow of the latest edition with these terms: the constructor's bytecode and its arguments.
///
/// # Errors
/// [`Error::Unencodable`] if a deadline exceeds what the contract can hold.
pub fn init_code(terms: &Terms) -> Result<Bytes, Error> {
    Ok(Blueprint::escrow(terms)?.init_code())
}

/// The terms in the code that creates an escrow, or in the input of a call of the [`CREATE2_DEPLOYER`] without its
/// first 32 bytes, the salt.
///
/// # Errors
/// [`Error::NotInitCode`] when it does not create a Levee escrow, [`Error::Malformed`] when its arguments are not
/// terms.
pub fn from_init_code(code: &[u8]) -> Result<Terms, Error> {
    let creation = |edition: &Edition| &edition.creation_code(Contract::PledgeEscrow)[..];
    let arguments = Edition::ALL.iter().find_map(|edition| code.strip_prefix(creation(edition)));
    from_arguments(arguments.ok_or(Error::NotInitCode)?)
}

/// The terms in the encoded arguments of the constructor.
///
/// # Errors
/// [`Error::Malformed`] when they are not terms, or not encoded as [`init_code`] does: the address would differ.
pub fn from_arguments(arguments: &[u8]) -> Result<Terms, Error> {
    let malformed = Error::Malformed { what: "terms" };
    let decoded = <(PledgeEscrow::Terms,)>::abi_decode_params_validate(arguments);
    let terms = decode(&decoded.map_err(|_| malformed.clone())?.0)?;
    if encode_arguments(&terms)? == arguments { Ok(terms) } else { Err(malformed) }
}

/// The constructor's arguments.
pub(crate) fn encode_arguments(terms: &Terms) -> Result<Vec<u8>, Error> {
    Ok(PledgeEscrow::constructorCall { terms_: encode(terms)? }.abi_encode())
}

/// Terms as the contract takes them.
///
/// # Errors
/// As [`init_code`].
pub fn encode(terms: &Terms) -> Result<PledgeEscrow::Terms, Error> {
    let tiers = terms.tiers.iter().map(encode_tier).collect();
    Ok(PledgeEscrow::Terms {
        beneficiary: terms.beneficiary,
        guardian: terms.guardian,
        stETH: terms.steth,
        wstETH: terms.wsteth,
        target: U256::from(terms.target.get()),
        deadline: seconds(terms.deadline, "deadline")?,
        latestDeadline: seconds(terms.latest_deadline, "latest deadline")?,
        tiers,
        objectionPeriod: terms.objection_period,
        vetoBps: terms.veto.get(),
        tranches: terms.tranches,
        trancheInterval: terms.tranche_interval,
        releaseWindow: terms.release_window,
        exitWindow: terms.exit_window,
        termsHash: terms.terms_hash,
    })
}

/// A time as the contracts take it; `what` names it in the error.
pub(crate) fn seconds(time: Timestamp, what: &'static str) -> Result<Uint<40, 1>, Error> {
    Uint::try_from(time).map_err(|_| Error::Unencodable { what })
}

fn encode_tier(tier: &Tier) -> PledgeEscrow::Tier {
    PledgeEscrow::Tier {
        thresholdBps: tier.threshold.get(),
        drawOrder: tier.draw_order,
        rateBps: tier.rate.get(),
    }
}

/// Terms as the contract gives them.
///
/// # Errors
/// [`Error::Malformed`] when the target is beyond 128 bits, which no escrow accepts.
pub fn decode(terms: &PledgeEscrow::Terms) -> Result<Terms, Error> {
    Ok(Terms {
        beneficiary: terms.beneficiary,
        guardian: terms.guardian,
        steth: terms.stETH,
        wsteth: terms.wstETH,
        target: convert::wei(terms.target)?,
        deadline: terms.deadline.to(),
        latest_deadline: terms.latestDeadline.to(),
        tiers: terms.tiers.iter().map(decode_tier).collect(),
        objection_period: terms.objectionPeriod,
        veto: convert::bps(terms.vetoBps),
        tranches: terms.tranches,
        tranche_interval: terms.trancheInterval,
        release_window: terms.releaseWindow,
        exit_window: terms.exitWindow,
        terms_hash: terms.termsHash,
    })
}

fn decode_tier(tier: &PledgeEscrow::Tier) -> Tier {
    Tier { threshold: Bps::new(tier.thresholdBps), draw_order: tier.drawOrder, rate: Bps::new(tier.rateBps) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use levee_model::Wei;

    /// Every field has a value of its own, so that no two can be mixed up.
    pub(crate) fn terms() -> Terms {
        Terms {
            beneficiary: Address::repeat_byte(1),
            guardian: Address::repeat_byte(2),
            steth: Address::repeat_byte(3),
            wsteth: Address::repeat_byte(4),
            target: Wei::new(5_000_000_000),
            deadline: 6,
            latest_deadline: 19,
            tiers: vec![
                Tier { threshold: Bps::new(7), draw_order: 8, rate: Bps::new(9) },
                Tier { threshold: Bps::ONE, draw_order: 10, rate: Bps::new(11) },
            ],
            objection_period: 12,
            veto: Bps::new(13),
            tranches: 14,
            tranche_interval: 15,
            release_window: 16,
            exit_window: 17,
            terms_hash: B256::repeat_byte(18),
        }
    }

    #[test]
    fn terms_survive_the_way_there_and_back() -> Result<(), Error> {
        assert_eq!(decode(&encode(&terms())?)?, terms());
        assert_eq!(from_init_code(&init_code(&terms())?)?, terms());
        Ok(())
    }

    #[test]
    fn an_address_commits_to_every_term() -> Result<(), Error> {
        let address_of = |terms: &Terms| Blueprint::escrow(terms).map(|blueprint| blueprint.address());
        let address = address_of(&terms())?;
        assert_ne!(address_of(&Terms { exit_window: 18, ..terms() })?, address);
        let mut other = terms();
        other.tiers[1].rate = Bps::new(12);
        assert_ne!(address_of(&other)?, address);
        Ok(())
    }

    #[test]
    fn what_is_not_the_code_of_an_escrow_is_refused() -> Result<(), Error> {
        let code = init_code(&terms())?;
        assert_eq!(from_init_code(&code[1..]), Err(Error::NotInitCode));
        let malformed = Err(Error::Malformed { what: "terms" });
        assert_eq!(from_init_code(&[&code[..], &[0]].concat()), malformed);
        assert_eq!(from_init_code(&code[..code.len() - 1]), malformed);
        Ok(())
    }

    #[test]
    fn a_deadline_of_more_than_40_bits_has_no_encoding() {
        let terms = Terms { deadline: 1 << 40, ..terms() };
        assert_eq!(init_code(&terms), Err(Error::Unencodable { what: "deadline" }));
    }
}
