//! A market of Aave v3.0.2 with two assets, WETH and a token called USD, from the bytecode that Aave published in its npm package
//! core-v3: only the prices, which are set by hand, are a model. The same as tests/aave/AaveMarket.sol, on anvil.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use alloy::{
    hex,
    network::TransactionBuilder as _,
    primitives::{Address, Bytes, U256},
    providers::{DynProvider, Provider as _},
    rpc::types::TransactionRequest,
    sol,
    sol_types::{SolCall, SolValue as _},
};
use serde_json::Value;

use crate::support::{ETHER, project_file};

sol! {
    interface AddressesProvider {
        function setACLAdmin(address admin) external;
        function setACLManager(address manager) external;
        function setPoolImpl(address pool) external;
        function setPoolConfiguratorImpl(address configurator) external;
        function setPriceOracle(address oracle) external;
        function getPool() external view returns (address);
        function getPoolConfigurator() external view returns (address);
    }

    interface AclManager {
        function addPoolAdmin(address admin) external;
        function addEmergencyAdmin(address admin) external;
    }

    interface Configurator {
        #[derive(Default)]
        struct Reserve {
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

        function initReserves(Reserve[] inputs) external;
        function configureReserveAsCollateral(address asset, uint256 ltv, uint256 threshold, uint256 bonus) external;
        function setReserveBorrowing(address asset, bool enabled) external;
        function setReservePause(address asset, bool paused) external;
    }

    interface Pool {
        function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
        function borrow(address asset, uint256 amount, uint256 rateMode, uint16 referralCode, address onBehalfOf) external;
        function getReserveData(address asset) external view returns (uint256[8] before, address aToken, address stableDebtToken, address variableDebtToken);
    }

    interface Oracle {
        function setAssetPrice(address asset, uint256 price) external;
    }

    interface Token {
        function deposit() external payable;
        function mint(address account, uint256 amount) external returns (bool);
        function approve(address spender, uint256 amount) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
    }
}

const PACKAGE: &str = "node_modules/@aave/core-v3/artifacts";
/// Aave's variable rate.
const VARIABLE: u64 = 2;

/// The market. Its admin is anvil's first account.
pub(crate) struct Aave {
    chain: DynProvider,
    pub(crate) pool: Address,
    pub(crate) weth: Address,
    usd: Address,
    configurator: Address,
    oracle: Address,
}

/// Sends `call` with ETH, as an account that the chain's wallet signs for.
pub(crate) async fn send(chain: &DynProvider, from: Address, to: Address, wei: u128, call: Vec<u8>) {
    let request = TransactionRequest::default().with_from(from).with_to(to).with_value(U256::from(wei));
    let sent = chain.send_transaction(request.with_input(call)).await;
    let receipt = sent.expect("it is taken").get_receipt().await.expect("it is mined");
    assert!(receipt.status(), "{receipt:?}");
}

/// What a view answers at the end of the latest block. Asked for the latest one, anvil would go on with its clock, and interest grow.
pub(crate) async fn ask<C: SolCall>(chain: &DynProvider, to: Address, call: &C) -> C::Return {
    let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
    let block = chain.get_block_number().await.expect("it answers");
    let answer = chain.call(request).block(block.into()).await.expect("it answers");
    C::abi_decode_returns(&answer).expect("the answer is of its type")
}

/// Creates contracts of the package, and the libraries that they are linked with, each once.
struct Builder<'a> {
    chain: &'a DynProvider,
    libraries: BTreeMap<String, Address>,
}

impl Builder<'_> {
    /// `a/b/Name` lies in `a/b/Name.sol/Name.json`.
    async fn create(&mut self, path: &str, arguments: Vec<u8>) -> Address {
        let name = path.rsplit('/').next().expect("a name");
        let artifact = project_file(&format!("{PACKAGE}/contracts/{path}.sol/{name}.json"));
        let artifact: Value = serde_json::from_str(&artifact).expect("it is JSON");
        let code = self.linked(&artifact).await;
        let code = Bytes::from([hex::decode(code).expect("it is linked"), arguments].concat());
        let sent = self.chain.send_transaction(TransactionRequest::default().with_deploy_code(code)).await;
        let receipt = sent.expect("it is taken").get_receipt().await.expect("it is mined");
        assert!(receipt.status(), "{path}");
        receipt.contract_address.expect("a contract")
    }

    /// The code with the addresses of its libraries in place of the compiler's marks.
    async fn linked(&mut self, artifact: &Value) -> String {
        let mut code = artifact["bytecode"].as_str().expect("code").to_owned();
        for (file, libraries) in artifact["linkReferences"].as_object().expect("an object") {
            let library = format!("{:x}", self.library(file).await);
            let places = libraries.as_object().expect("an object").values().next().expect("one library");
            for place in places.as_array().expect("a list") {
                let start = place["start"].as_u64().and_then(|start| usize::try_from(start).ok());
                // Past `0x`, two digits a byte.
                let start = 2 + 2 * start.expect("a place");
                code.replace_range(start..start + 40, &library);
            }
        }
        code
    }

    fn library<'b>(&'b mut self, file: &'b str) -> Pin<Box<dyn Future<Output = Address> + 'b>> {
        Box::pin(async move {
            if let Some(address) = self.libraries.get(file) {
                return *address;
            }
            let path = file.trim_start_matches("contracts/").trim_end_matches(".sol").to_owned();
            let address = self.create(&path, Vec::new()).await;
            self.libraries.insert(file.to_owned(), address);
            address
        })
    }
}

impl Aave {
    /// A market in which nobody has anything.
    pub(crate) async fn start(chain: &DynProvider, admin: Address) -> Self {
        let mut builder = Builder { chain, libraries: BTreeMap::new() };
        let registry = (String::new(), admin).abi_encode_params();
        let provider = builder.create("protocol/configuration/PoolAddressesProvider", registry).await;
        let of_provider = provider.abi_encode();
        let set = async |to, call: Vec<u8>| send(chain, admin, to, 0, call).await;
        set(provider, AddressesProvider::setACLAdminCall { admin }.abi_encode()).await;
        let acl = builder.create("protocol/configuration/ACLManager", of_provider.clone()).await;
        set(provider, AddressesProvider::setACLManagerCall { manager: acl }.abi_encode()).await;
        set(acl, AclManager::addPoolAdminCall { admin }.abi_encode()).await;
        set(acl, AclManager::addEmergencyAdminCall { admin }.abi_encode()).await;
        let oracle = builder.create("mocks/oracle/PriceOracle", Vec::new()).await;
        set(provider, AddressesProvider::setPriceOracleCall { oracle }.abi_encode()).await;
        let pool = builder.create("protocol/pool/Pool", of_provider.clone()).await;
        set(provider, AddressesProvider::setPoolImplCall { pool }.abi_encode()).await;
        let configurator = builder.create("protocol/pool/PoolConfigurator", Vec::new()).await;
        set(provider, AddressesProvider::setPoolConfiguratorImplCall { configurator }.abi_encode()).await;
        // Each is behind a proxy now.
        let pool = ask(chain, provider, &AddressesProvider::getPoolCall {}).await;
        let configurator = ask(chain, provider, &AddressesProvider::getPoolConfiguratorCall {}).await;
        let weth = builder.create("dependencies/weth/WETH9", Vec::new()).await;
        let name = "USD".to_owned();
        let token = (name.clone(), name, U256::from(18)).abi_encode_params();
        let usd = builder.create("mocks/tokens/MintableERC20", token).await;
        let market = Self { chain: chain.clone(), pool, weth, usd, configurator, oracle };
        for asset in [weth, usd] {
            market.list(&mut builder, provider, admin, asset).await;
        }
        market
    }

    /// Lists an asset as collateral, 80 % and liquidated from 85 %, that can be borrowed, at a price of 1 ETH.
    async fn list(&self, builder: &mut Builder<'_>, provider: Address, admin: Address, asset: Address) {
        let permille = |number: u64| U256::from(10).pow(U256::from(24)) * U256::from(number);
        let rates = [800, 0, 38, 800, 40, 1_000, 20, 50, 200].map(permille);
        let rates = [provider.abi_encode(), rates.abi_encode()].concat();
        let of_pool = self.pool.abi_encode();
        let input = Configurator::Reserve {
            aTokenImpl: builder.create("protocol/tokenization/AToken", of_pool.clone()).await,
            stableDebtTokenImpl: builder
                .create("protocol/tokenization/StableDebtToken", of_pool.clone())
                .await,
            variableDebtTokenImpl: builder.create("protocol/tokenization/VariableDebtToken", of_pool).await,
            underlyingAssetDecimals: 18,
            interestRateStrategyAddress: builder
                .create("protocol/pool/DefaultReserveInterestRateStrategy", rates)
                .await,
            underlyingAsset: asset,
            treasury: admin,
            ..Default::default()
        };
        let [ltv, threshold, bonus] = [8_000u64, 8_500, 10_500].map(U256::from);
        let set = async |call: Vec<u8>| send(&self.chain, admin, self.configurator, 0, call).await;
        set(Configurator::initReservesCall { inputs: vec![input] }.abi_encode()).await;
        set(Configurator::configureReserveAsCollateralCall { asset, ltv, threshold, bonus }.abi_encode())
            .await;
        set(Configurator::setReserveBorrowingCall { asset, enabled: true }.abi_encode()).await;
        self.set_price(admin, asset, ETHER).await;
    }

    /// Sets the value of 10^18 units of an asset.
    async fn set_price(&self, admin: Address, asset: Address, wei: u128) {
        let call = Oracle::setAssetPriceCall { asset, price: U256::from(wei) };
        send(&self.chain, admin, self.oracle, 0, call.abi_encode()).await;
    }

    /// Makes USD worthless, as after an exploit.
    pub(crate) async fn ruin_usd(&self, admin: Address) {
        self.set_price(admin, self.usd, 0).await;
    }

    /// Pauses WETH, or resumes it.
    pub(crate) async fn pause_weth(&self, admin: Address, paused: bool) {
        let call = Configurator::setReservePauseCall { asset: self.weth, paused };
        send(&self.chain, admin, self.configurator, 0, call.abi_encode()).await;
    }

    /// Lends so much WETH of `lender`'s ETH to the pool.
    pub(crate) async fn lend(&self, lender: Address, wei: u128) {
        send(&self.chain, lender, self.weth, wei, Token::depositCall {}.abi_encode()).await;
        self.supply(lender, self.weth, wei).await;
    }

    /// Has `debtor` borrow so much WETH against so much USD.
    pub(crate) async fn borrow(&self, debtor: Address, wei: u128, usd: u128) {
        let mint = Token::mintCall { account: debtor, amount: U256::from(usd) };
        send(&self.chain, debtor, self.usd, 0, mint.abi_encode()).await;
        self.supply(debtor, self.usd, usd).await;
        let borrow = Pool::borrowCall {
            asset: self.weth,
            amount: U256::from(wei),
            rateMode: U256::from(VARIABLE),
            referralCode: 0,
            onBehalfOf: debtor,
        };
        send(&self.chain, debtor, self.pool, 0, borrow.abi_encode()).await;
    }

    async fn supply(&self, from: Address, asset: Address, amount: u128) {
        let amount = U256::from(amount);
        send(&self.chain, from, asset, 0, Token::approveCall { spender: self.pool, amount }.abi_encode())
            .await;
        let supply = Pool::supplyCall { asset, amount, onBehalfOf: from, referralCode: 0 };
        send(&self.chain, from, self.pool, 0, supply.abi_encode()).await;
    }

    /// What `debtor` owes in the latest block.
    pub(crate) async fn debt(&self, debtor: Address) -> u128 {
        let reserve = ask(&self.chain, self.pool, &Pool::getReserveDataCall { asset: self.weth }).await;
        ask(&self.chain, reserve.variableDebtToken, &Token::balanceOfCall { account: debtor }).await.to()
    }

    /// How much WETH an account has.
    pub(crate) async fn weth_of(&self, account: Address) -> u128 {
        ask(&self.chain, self.weth, &Token::balanceOfCall { account }).await.to()
    }
}
