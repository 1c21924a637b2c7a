//! Which stETH is Lido's. Terms can name any contracts that look like it, and an escrow's address commits
//! to those just as well.

use alloy::primitives::{Address, address};
use levee_model::Terms;

use crate::error::Error;

/// Chain, stETH and wstETH.
const KNOWN: [(u64, Address, Address); 2] = [
    (
        1,
        address!("ae7ab96520DE3A18E5e111B5EaAb095312D7fE84"),
        address!("7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0"),
    ),
    (
        560_048,
        address!("3508A952176b3c15387C97BE809eaffB1982176a"),
        address!("7E99eE3C66636DE415D2d7C880938F2f40f94De4"),
    ),
];

/// The chain on which a token is Lido's stETH or wstETH, if this crate knows it.
pub fn chain_of(token: Address) -> Option<u64> {
    KNOWN.iter().find(|&&(_, steth, wsteth)| token == steth || token == wsteth).map(|(chain, ..)| *chain)
}

/// Lido's stETH and wstETH on a chain, if this crate knows them: those of Ethereum and of Hoodi.
pub fn tokens_of(chain_id: u64) -> Option<(Address, Address)> {
    KNOWN.iter().find(|(chain, ..)| *chain == chain_id).map(|&(_, steth, wsteth)| (steth, wsteth))
}

/// Checks that the tokens of terms are Lido's, where they have any and Lido's are known.
pub(crate) fn check_tokens(chain_id: u64, terms: &Terms) -> Result<(), Error> {
    let (steth, wsteth) = (terms.steth, terms.wsteth);
    let is_ether_only = steth.is_zero() && wsteth.is_zero();
    match tokens_of(chain_id) {
        Some(known) if !is_ether_only && known != (steth, wsteth) => {
            Err(Error::ForeignTokens { chain: chain_id, steth, wsteth })
        }
        _ => Ok(()),
    }
}
