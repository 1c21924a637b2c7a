//! Types of the contracts' ABIs, and their bytecode, from the checked-in artifacts.
//!
//! They are as in the ABI: plain integers without units. The rest of this crate returns typed values; use
//! these bindings for anything it does not cover.

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

/// The bonus pool of an escrow.
#[allow(missing_docs, clippy::too_many_arguments)]
mod bonus_pool {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        BonusPool,
        "artifacts/BonusPool.json"
    );
}

/// The board of declarations.
#[allow(missing_docs, clippy::too_many_arguments)]
mod pledge_board {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        PledgeBoard,
        "artifacts/PledgeBoard.json"
    );
}

/// The router into escrows.
#[allow(missing_docs, clippy::too_many_arguments)]
mod pledge_router {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        PledgeRouter,
        "artifacts/PledgeRouter.json"
    );
}

/// A receiver: repays a debt.
#[allow(missing_docs)]
mod debt_repayer {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        DebtRepayer,
        "artifacts/DebtRepayer.json"
    );
}

/// A receiver: turns stETH into ETH.
#[allow(missing_docs)]
mod staked_ether_unwinder {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        StakedEtherUnwinder,
        "artifacts/StakedEtherUnwinder.json"
    );
}

/// A compact, a standing agreement to rescue.
#[allow(missing_docs, clippy::too_many_arguments)]
mod compact {
    alloy::sol!(
        #[sol(rpc, all_derives)]
        Compact,
        "artifacts/Compact.json"
    );
}

/// Code that reads a rescue in one call, and is never deployed.
#[allow(missing_docs)]
mod rescue_lens {
    alloy::sol!(
        #[sol(all_derives)]
        RescueLens,
        "artifacts/RescueLens.json"
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

/// Wrapped ether.
#[allow(missing_docs)]
mod weth {
    alloy::sol! {
        #[sol(rpc, all_derives)]
        interface WETH {
            function allowance(address owner, address spender) external view returns (uint256);
            function approve(address spender, uint256 amount) external returns (bool);
            function balanceOf(address owner) external view returns (uint256);
            function deposit() external payable;
        }
    }
}

/// A WETH for local chains.
#[allow(missing_docs)]
mod wrapped_ether {
    alloy::sol!(
        #[sol(all_derives)]
        WrappedEther,
        "artifacts/WrappedEther.json"
    );
}

/// Makes calls for anybody, at one address on most chains.
#[allow(missing_docs)]
mod multicall3 {
    alloy::sol! {
        #[sol(all_derives)]
        interface Multicall3 {
            struct Call3 {
                address target;
                bool allowFailure;
                bytes callData;
            }
            struct Result {
                bool success;
                bytes returnData;
            }
            function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory returnData);
        }
    }
}

pub use bonus_pool::BonusPool;
pub use compact::Compact;
pub use debt_repayer::DebtRepayer;
pub use multicall3::Multicall3;
pub use pledge_board::PledgeBoard;
pub use pledge_escrow::PledgeEscrow;
pub use pledge_router::PledgeRouter;
pub use recovery_pool::RecoveryPool;
pub use rescue_lens::RescueLens;
pub use staked_ether_unwinder::StakedEtherUnwinder;
pub use steth::StETH;
pub use weth::WETH;
pub use wrapped_ether::WrappedEther;
pub use wsteth::WstETH;
