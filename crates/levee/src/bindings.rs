//! Types of the contracts' ABIs, and their bytecode, from the artifacts that are checked in.
//!
//! They are as the ABI has them: bare integers, no units. What the rest of this crate returns is typed; use these for
//! what it does not cover.

/// The escrow: `PledgeEscrow::rescueCall`, `PledgeEscrow::PledgeEscrowErrors`, ...
#[allow(missing_docs, clippy::too_many_arguments)]
mod pledge_escrow {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        PledgeEscrow,
        "artifacts/PledgeEscrow.json"
    );
}

/// The recovery pool of an escrow.
#[allow(missing_docs, clippy::too_many_arguments)]
mod recovery_pool {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        RecoveryPool,
        "artifacts/RecoveryPool.json"
    );
}

/// stETH. The functions are Lido's; the bytecode is that of the model for local chains.
#[allow(missing_docs, clippy::too_many_arguments)]
mod steth {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        StETH,
        "artifacts/StETH.json"
    );
}

/// wstETH. The functions are Lido's; the bytecode is that of the model for local chains.
#[allow(missing_docs, clippy::too_many_arguments)]
mod wsteth {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        WstETH,
        "artifacts/WstETH.json"
    );
}

pub use pledge_escrow::PledgeEscrow;
pub use recovery_pool::RecoveryPool;
pub use steth::StETH;
pub use wsteth::WstETH;
