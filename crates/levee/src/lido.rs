//! Which stETH is Lido's? Terms can name any contracts that look like it, and an escrow's address commits to those as well.

use alloy::primitives::{Address, address};
use levee_model::Terms;

use crate::error::Error;

/// Chain, stETH and wstETH.
const KNOWN: [(u64, Address, Address); 1] = [(
    1,
    address!("ae7ab96520DE3A18E5e111B5EaAb095312D7fE84"),
    address!("7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0"),
)];

/// Lido's stETH and wstETH on a chain, if this crate knows them: those of Ethereum.
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
