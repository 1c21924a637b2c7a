// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { VM, deployNpm } from "../util/NpmCode.sol";
import { IACLManager, IPoolAddressesProvider, IPoolConfigurator, IPriceOracle, IToken } from "./IAave.sol";

/// @notice A market of Aave v3.0.2 with two assets, WETH and a token called USD, built from the bytecode that Aave
/// published in version 1.19.3 of its npm package core-v3: only the prices, which are set by hand, are a model.
/// @dev Its admin is this contract. Both assets are collateral (80 %, liquidated from 85 %) and can be borrowed, also
/// at a stable rate. One token of either is worth 1 ETH.
contract AaveMarket {
    string private constant ARTIFACTS = "@aave/core-v3/artifacts/contracts/";
    string private constant LOGIC = "protocol/libraries/logic/";
    uint256 private constant RAY = 1e27;

    address public immutable pool;
    IToken public immutable weth;
    IToken public immutable usd;
    IPoolConfigurator public immutable configurator;
    IPriceOracle public immutable oracle;

    IPoolAddressesProvider private immutable PROVIDER;

    constructor() {
        PROVIDER = IPoolAddressesProvider(deploy("protocol/configuration/PoolAddressesProvider", abi.encode("", this)));
        PROVIDER.setACLAdmin(address(this));
        IACLManager acl = IACLManager(deploy("protocol/configuration/ACLManager", abi.encode(PROVIDER)));
        PROVIDER.setACLManager(address(acl));
        acl.addPoolAdmin(address(this));
        acl.addEmergencyAdmin(address(this));
        oracle = IPriceOracle(deploy("mocks/oracle/PriceOracle", ""));
        PROVIDER.setPriceOracle(address(oracle));

        PROVIDER.setPoolImpl(deployPool());
        pool = PROVIDER.getPool();
        PROVIDER.setPoolConfiguratorImpl(deployConfigurator());
        configurator = IPoolConfigurator(PROVIDER.getPoolConfigurator());

        weth = IToken(deploy("dependencies/weth/WETH9", ""));
        usd = IToken(deploy("mocks/tokens/MintableERC20", abi.encode("USD", "USD", 18)));
        list(address(weth));
        list(address(usd));
    }

    // ---------------------------------------------------------------- levers of the admin

    /// @notice Sets the value of 10^18 units of `asset`, in wei.
    function setPrice(IToken asset, uint256 price) external {
        oracle.setAssetPrice(address(asset), price);
    }

    /// @notice Pauses the WETH reserve, or resumes it.
    function pauseWETH(bool paused) external {
        configurator.setReservePause(address(weth), paused);
    }

    /// @notice Pauses the whole pool, or resumes it.
    function pausePool(bool paused) external {
        configurator.setPoolPause(paused);
    }

    /// @notice Ends new supply and new debt of `asset`, as after an exploit.
    function freeze(IToken asset) external {
        configurator.setReserveFreeze(address(asset), true);
    }

    // ---------------------------------------------------------------- building

    function list(address asset) private {
        IPoolConfigurator.InitReserveInput[] memory inputs = new IPoolConfigurator.InitReserveInput[](1);
        inputs[0].aTokenImpl = deploy("protocol/tokenization/AToken", abi.encode(pool));
        inputs[0].stableDebtTokenImpl = deploy("protocol/tokenization/StableDebtToken", abi.encode(pool));
        inputs[0].variableDebtTokenImpl = deploy("protocol/tokenization/VariableDebtToken", abi.encode(pool));
        inputs[0].underlyingAssetDecimals = 18;
        inputs[0].interestRateStrategyAddress = deployRates();
        inputs[0].underlyingAsset = asset;
        inputs[0].treasury = address(this);
        configurator.initReserves(inputs);
        configurator.configureReserveAsCollateral(asset, 8000, 8500, 10_500);
        configurator.setReserveBorrowing(asset, true);
        configurator.setReserveStableRateBorrowing(asset, true);
        oracle.setAssetPrice(asset, 1 ether);
    }

    /// @dev Aave's rates for WETH: 0 to 3.8 % up to 80 % utilization, then up to 83.8 %.
    function deployRates() private returns (address) {
        bytes memory arguments = abi.encode(
            PROVIDER,
            RAY * 80 / 100,
            0,
            RAY * 38 / 1000,
            RAY * 80 / 100,
            RAY * 4 / 100,
            RAY,
            RAY / 50,
            RAY / 20,
            RAY / 5
        );
        return deploy("protocol/pool/DefaultReserveInterestRateStrategy", arguments);
    }

    function deployPool() private returns (address) {
        string memory code = codeOf("protocol/pool/Pool");
        address borrowLogic = deployLogic("BorrowLogic");
        code = link(code, "BorrowLogic", borrowLogic);
        string memory flashLoans = link(codeOf(string.concat(LOGIC, "FlashLoanLogic")), "BorrowLogic", borrowLogic);
        code = link(code, "FlashLoanLogic", create(flashLoans, ""));
        code = link(code, "BridgeLogic", deployLogic("BridgeLogic"));
        code = link(code, "EModeLogic", deployLogic("EModeLogic"));
        code = link(code, "LiquidationLogic", deployLogic("LiquidationLogic"));
        code = link(code, "PoolLogic", deployLogic("PoolLogic"));
        code = link(code, "SupplyLogic", deployLogic("SupplyLogic"));
        return create(code, abi.encode(PROVIDER));
    }

    function deployConfigurator() private returns (address) {
        string memory code = codeOf("protocol/pool/PoolConfigurator");
        return create(link(code, "ConfiguratorLogic", deployLogic("ConfiguratorLogic")), "");
    }

    function deployLogic(string memory name) private returns (address) {
        return deploy(string.concat(LOGIC, name), "");
    }

    /// @dev Puts a library's address where the compiler left a mark: the first 34 digits of the hash of its full name.
    function link(string memory code, string memory name, address library_) private pure returns (string memory) {
        bytes32 hash = keccak256(abi.encodePacked("contracts/", LOGIC, name, ".sol:", name));
        bytes memory digits = bytes(VM.toString(hash));
        bytes memory mark = "__$0000000000000000000000000000000000$__";
        for (uint256 i; i < 34; ++i) {
            // Past the two of "__$" and of "0x" that differ in length.
            mark[i + 3] = digits[i + 2];
        }
        return VM.replace(code, string(mark), hexOf(library_));
    }

    /// @dev 40 lower-case digits, without "0x".
    function hexOf(address library_) private pure returns (string memory) {
        return VM.replace(VM.toLowercase(VM.toString(library_)), "0x", "");
    }

    function create(string memory code, bytes memory arguments) private returns (address deployed) {
        bytes memory creation = bytes.concat(VM.parseBytes(code), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(creation, 0x20), mload(creation))
        }
        VM.assertTrue(deployed != address(0), "a linked contract of Aave was not created");
    }

    function deploy(string memory path, bytes memory arguments) private returns (address) {
        return deployNpm(artifactOf(path), arguments);
    }

    function codeOf(string memory path) private view returns (string memory) {
        return VM.parseJsonString(VM.readFile(string.concat("node_modules/", artifactOf(path))), ".bytecode");
    }

    /// @dev "a/b/Name" lies in "a/b/Name.sol/Name.json".
    function artifactOf(string memory path) private pure returns (string memory) {
        string[] memory parts = VM.split(path, "/");
        return string.concat(ARTIFACTS, path, ".sol/", parts[parts.length - 1], ".json");
    }
}
