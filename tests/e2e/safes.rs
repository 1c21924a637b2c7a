//! Safes by their own code, of the packages of the lockfile.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256, hex},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    sol,
    sol_types::SolCall,
};
use serde_json::Value;

use crate::support::{World, project_file};

sol! {
    function createProxyWithNonce(address singleton, bytes initializer, uint256 salt) returns (address proxy);
    function setup(address[] owners, uint256 threshold, address to, bytes data, address handler, address token, uint256 payment, address receiver);
}

/// Where a version's artifacts are.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) number: &'static str,
    pub(crate) package: &'static str,
    pub(crate) singleton: &'static str,
    factory: &'static str,
    /// Answers for a Safe what it does not itself; none before 1.3.0.
    handler: Option<&'static str>,
}

pub(crate) const V1_1_1: Version = Version {
    number: "1.1.1",
    package: "safe-1.1.1/build/contracts",
    singleton: "GnosisSafe",
    factory: "ProxyFactory",
    handler: None,
};
pub(crate) const V1_3_0: Version = Version {
    number: "1.3.0",
    package: "safe-1.3.0/build/artifacts/contracts",
    singleton: "GnosisSafe.sol/GnosisSafe",
    factory: "proxies/GnosisSafeProxyFactory.sol/GnosisSafeProxyFactory",
    handler: HANDLER,
};
pub(crate) const V1_4_1: Version = Version {
    number: "1.4.1",
    package: "safe-1.4.1/build/artifacts/contracts",
    singleton: "Safe.sol/Safe",
    factory: FACTORY,
    handler: HANDLER,
};
pub(crate) const V1_5_0: Version = Version {
    number: "1.5.0",
    package: "@safe-global/safe-smart-account/build/artifacts/contracts",
    singleton: "Safe.sol/Safe",
    factory: FACTORY,
    handler: HANDLER,
};
const FACTORY: &str = "proxies/SafeProxyFactory.sol/SafeProxyFactory";
const HANDLER: Option<&str> = Some("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler");
pub(crate) const MULTI_SEND: &str = "libraries/MultiSendCallOnly.sol/MultiSendCallOnly";

impl Version {
    /// Code of an artifact: `bytecode` creates it, `deployedBytecode` is it.
    pub(crate) fn code(&self, path: &str, which: &str) -> Bytes {
        let text = project_file(&format!("node_modules/{}/{path}.json", self.package));
        let artifact: Value = serde_json::from_str(&text).expect("it is JSON");
        hex::decode(artifact[which].as_str().expect("code")).expect("hexadecimal digits").into()
    }

    /// What Safe says of where a contract is, and what the hash of its code is.
    pub(crate) fn published(&self, contract: &str) -> Value {
        let path = format!(
            "node_modules/@safe-global/safe-deployments/dist/assets/v{}/{contract}.json",
            self.number
        );
        let text: Value = serde_json::from_str(&project_file(&path)).expect("it is JSON");
        text["deployments"]["canonical"].clone()
    }

    /// Puts the code that makes several calls where Safe has it.
    pub(crate) async fn put_multi_send(&self, world: &World) {
        let address =
            self.published("multi_send_call_only")["address"].as_str().and_then(|text| text.parse().ok());
        let code = self.code(MULTI_SEND, "deployedBytecode");
        world.chain.anvil_set_code(address.expect("an address"), code).await.expect("anvil takes code");
    }
}

/// Safe's contracts, and how its wallets are created.
#[derive(Debug)]
pub(crate) struct Safes {
    pub(crate) factory: Address,
    pub(crate) singleton: Address,
    pub(crate) handler: Address,
}

impl Safes {
    pub(crate) async fn deploy(world: &World, version: &Version) -> Self {
        let factory = create(world, version, version.factory).await;
        let singleton = create(world, version, version.singleton).await;
        let handler = match version.handler {
            Some(handler) => create(world, version, handler).await,
            None => Address::ZERO,
        };
        Self { factory, singleton, handler }
    }

    /// A wallet of which `threshold` of the owners must sign.
    pub(crate) async fn create(&self, world: &World, owners: &[Address], threshold: u64) -> Address {
        let none = Address::ZERO;
        let setup = setupCall {
            owners: owners.to_vec(),
            threshold: U256::from(threshold),
            to: none,
            data: Bytes::new(),
            handler: self.handler,
            token: none,
            payment: U256::ZERO,
            receiver: none,
        };
        let (singleton, initializer) = (self.singleton, setup.abi_encode().into());
        let create = createProxyWithNonceCall { singleton, initializer, salt: U256::ZERO };
        let request = TransactionRequest::default().with_to(self.factory).with_input(create.abi_encode());
        let answer = world.chain.call(request.clone()).await.expect("it can be created");
        let sent = world.chain.send_transaction(request).await.expect("it can be created");
        sent.get_receipt().await.expect("it is mined");
        createProxyWithNonceCall::abi_decode_returns(&answer).expect("an address")
    }
}

async fn create(world: &World, version: &Version, path: &str) -> Address {
    let create = TransactionRequest::default().with_deploy_code(version.code(path, "bytecode"));
    let sent = world.chain.send_transaction(create).await.expect("it can be created");
    sent.get_receipt().await.expect("it is mined").contract_address.expect("it was created")
}
