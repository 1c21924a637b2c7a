//! The immutables in a contract's code, in the order of declaration.

use alloy::primitives::{Address, B256, U256};
use levee_model::{Terms, Tier};

/// Tiers that share a word, and the bits of each: see `contracts/types/Tiers.sol`.
const TIERS_PER_WORD: usize = 4;
const TIER_BITS: usize = 40;

/// The immutables of the escrow with these terms.
pub(crate) fn of_escrow(terms: &Terms) -> [B256; 17] {
    let [low, high] = packed(&terms.tiers);
    [
        terms.beneficiary.into_word(),
        terms.guardian.into_word(),
        terms.steth.into_word(),
        terms.wsteth.into_word(),
        word(terms.target.get()),
        word(terms.deadline),
        terms.terms_hash,
        word(terms.latest_deadline),
        low,
        high,
        word(terms.tier_count()),
        word(terms.objection_period),
        word(terms.veto.get()),
        word(terms.tranches),
        word(terms.tranche_interval),
        word(terms.release_window),
        word(terms.exit_window),
    ]
}

/// The immutables of the recovery pool of the escrow at `escrow`, created with these terms.
pub(crate) fn of_recovery_pool(escrow: Address, terms: &Terms) -> [B256; 4] {
    let [low, high] = packed(&terms.tiers);
    [escrow.into_word(), word(terms.tranches), low, high]
}

/// The immutables of the bonus pool of the escrow at `escrow`, created with these terms.
pub(crate) fn of_bonus_pool(escrow: Address, terms: &Terms) -> [B256; 6] {
    [
        escrow.into_word(),
        terms.steth.into_word(),
        terms.wsteth.into_word(),
        word(terms.deadline),
        word(terms.exit_window),
        word(terms.tier_count()),
    ]
}

fn word(number: impl Into<u128>) -> B256 {
    B256::from(U256::from(number.into()))
}

/// The tiers in two words; more than eight do not fit, and belong to no escrow.
fn packed(tiers: &[Tier]) -> [B256; 2] {
    let mut words = [U256::ZERO; 2];
    for (i, tier) in tiers.iter().take(2 * TIERS_PER_WORD).enumerate() {
        let bits = u64::from(tier.threshold.get())
            | u64::from(tier.draw_order) << 16
            | u64::from(tier.rate.get()) << 24;
        words[i / TIERS_PER_WORD] |= U256::from(bits) << (i % TIERS_PER_WORD * TIER_BITS);
    }
    words.map(B256::from)
}
