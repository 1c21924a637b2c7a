// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

// What the tests call on Aave v3.0.2, beyond what Levee itself calls.

/// @dev The registry of a market's parts. Its `set…Impl` functions put a proxy in front of their argument.
interface IPoolAddressesProvider {
    function setACLAdmin(address admin) external;
    function setACLManager(address manager) external;
    function setPoolImpl(address pool) external;
    function setPoolConfiguratorImpl(address configurator) external;
    function setPriceOracle(address oracle) external;
    function getPool() external view returns (address);
    function getPoolConfigurator() external view returns (address);
}

/// @dev Who may do what in a market.
interface IACLManager {
    function addPoolAdmin(address admin) external;
    function addEmergencyAdmin(address admin) external;
}

/// @dev What lists and configures assets.
interface IPoolConfigurator {
    struct InitReserveInput {
        address aTokenImpl;
        address stableDebtTokenImpl;
        address variableDebtTokenImpl;
        uint8 underlyingAssetDecimals;
        address interestRateStrategyAddress;
        address underlyingAsset;
        address treasury;
        address incentivesController;
        string aTokenName;
        string aTokenSymbol;
        string variableDebtTokenName;
        string variableDebtTokenSymbol;
        string stableDebtTokenName;
        string stableDebtTokenSymbol;
        bytes params;
    }

    function initReserves(InitReserveInput[] calldata inputs) external;
    function configureReserveAsCollateral(address asset, uint256 ltv, uint256 threshold, uint256 bonus) external;
    function setReserveBorrowing(address asset, bool enabled) external;
    function setReserveStableRateBorrowing(address asset, bool enabled) external;
    function setReserveFreeze(address asset, bool frozen) external;
    function setReservePause(address asset, bool paused) external;
    function setPoolPause(bool paused) external;
}

/// @dev What users do with a pool.
interface IPoolUser {
    function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
    function borrow(address asset, uint256 amount, uint256 rateMode, uint16 referralCode, address onBehalfOf) external;
    function withdraw(address asset, uint256 amount, address recipient) external returns (uint256);
    function swapBorrowRateMode(address asset, uint256 rateMode) external;
    function getReserveNormalizedVariableDebt(address asset) external view returns (uint256);
    function getUserAccountData(address user)
        external
        view
        returns (
            uint256 collateral,
            uint256 debt,
            uint256 available,
            uint256 threshold,
            uint256 ltv,
            uint256 healthFactor
        );
}

/// @dev Aave's own oracle for tests: prices are what they are set to.
interface IPriceOracle {
    function setAssetPrice(address asset, uint256 price) external;
}

/// @dev What the tests do with an ERC-20 token, including WETH and Aave's test token.
interface IToken {
    function deposit() external payable;
    function mint(address account, uint256 amount) external returns (bool);
    function approve(address spender, uint256 amount) external returns (bool);
    function transfer(address recipient, uint256 amount) external returns (bool);
    function balanceOf(address account) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
}
