//! A chain in memory: one EVM, one state, a clock that only the caller moves.

use alloy::{
    primitives::{Address, B256, Bytes, Log, U256, address, bytes},
    sol_types::{Revert, SolCall, SolError},
};
use levee::{CREATE2_DEPLOYER, Transaction};
use revm::{
    Context, Database, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm,
    bytecode::Bytecode,
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, Output},
    },
    context_interface::{ContextTr, JournalTr},
    database::InMemoryDB,
    handler::MainnetContext,
    primitives::{TxKind, hardfork::SpecId},
    state::AccountInfo,
};
use std::convert::Infallible;

/// The number of the one block that every call is in.
pub const BLOCK: u64 = 1;

/// The chain id of every [`Chain`], the same as a local anvil's.
pub const CHAIN_ID: u64 = 31337;

/// What the public deterministic CREATE2 deployer is on every [`Chain`], as on most public chains.
const CREATE2_DEPLOYER_CODE: Bytes = bytes!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// Not the zero address, which calls may touch and must then find cold: the block's coinbase is always warm.
const COINBASE: Address = address!("00000000000000000000000000000000c01ba5e0");

/// The most that one transaction may have (EIP-7825): far above any call here.
const GAS_LIMIT: u64 = 1 << 24;

/// A chain in memory with Osaka's rules.
///
/// Every call is a transaction of its own: storage and addresses start cold, transient storage starts empty, and the
/// gas is what a receipt would show. Gas costs nothing, nonces are not asked for, any address may send, even one with
/// code. There is one block: the clock stands until [`set_time`](Self::set_time) moves it, either way.
#[derive(Debug)]
pub struct Chain {
    evm: MainnetEvm<MainnetContext<InMemoryDB>>,
}

/// What a successful call left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What the call returned; the deployed code if it created a contract.
    pub output: Bytes,
    /// The events, in order.
    pub logs: Vec<Log>,
    /// Gas of the whole transaction in a receipt's terms: 21,000 and calldata included, refunds taken off.
    pub gas_used: u64,
}

/// Why a call changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The contract refused; the data says why.
    #[error("reverted: {}", revert_text(.0))]
    Revert(Bytes),
    /// The EVM stopped the call: out of gas, invalid opcode.
    #[error("halted: {0:?}")]
    Halt(HaltReason),
    /// The transaction could not start: not enough ETH for its value.
    #[error("invalid transaction: {0}")]
    Invalid(#[from] InvalidTransaction),
    /// The call went through but returned something else than its declaration says.
    #[error("undecodable return data: {0}")]
    Decode(#[from] alloy::sol_types::Error),
}

impl Chain {
    /// An empty chain at time 1, with the CREATE2 deployer on it.
    pub fn new() -> Self {
        let mut evm = Context::mainnet()
            .with_db(InMemoryDB::default())
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
                cfg.chain_id = CHAIN_ID;
                cfg.disable_nonce_check = true;
                cfg.disable_eip3607 = true;
            })
            .build_mainnet();
        evm.ctx.block.beneficiary = COINBASE;
        evm.ctx.block.number = U256::from(BLOCK);
        let mut chain = Self { evm };
        chain.set_time(1);
        chain.set_code(CREATE2_DEPLOYER, CREATE2_DEPLOYER_CODE);
        chain
    }

    /// The time of the next call, in Unix seconds.
    pub fn time(&self) -> u64 {
        self.evm.ctx.block.timestamp.to()
    }

    /// Sets the time of all further calls, in Unix seconds.
    pub fn set_time(&mut self, time: u64) {
        self.evm.ctx.block.timestamp = U256::from(time);
    }

    /// The ETH of `account`, in wei.
    pub fn balance(&mut self, account: Address) -> U256 {
        self.account(account).balance
    }

    /// Sets the ETH of `account` to `wei`, from nowhere.
    pub fn set_balance(&mut self, account: Address, wei: U256) {
        let info = AccountInfo { balance: wei, ..self.account(account) };
        self.database().insert_account_info(account, info);
    }

    /// The code at `account`, empty if there is none.
    pub fn code(&mut self, account: Address) -> Bytes {
        let hash = self.account(account).code_hash;
        let Ok(code) = self.database().code_by_hash(hash);
        code.original_bytes()
    }

    /// Puts `code` at `account` as it is, without running a constructor; storage and balance stay.
    pub fn set_code(&mut self, account: Address, code: Bytes) {
        let balance = self.account(account).balance;
        let info = AccountInfo { nonce: 1, balance, ..AccountInfo::from_bytecode(Bytecode::new_raw(code)) };
        self.database().insert_account_info(account, info);
    }

    /// Deploys by a transaction of `from`, whose own nonce makes the address.
    ///
    /// `init_code` holds the constructor's arguments, encoded behind the code.
    pub fn deploy(&mut self, from: Address, init_code: Bytes) -> Result<(Address, Receipt), Failure> {
        let address = from.create(self.account(from).nonce);
        let receipt = self.transact(transaction(from, TxKind::Create, U256::ZERO, init_code))?;
        Ok((address, receipt))
    }

    /// Deploys through the [`CREATE2_DEPLOYER`], at the address that `salt` and `init_code` commit to.
    ///
    /// Returns that address too. The deployer reverts without data when the constructor does, or when the address is
    /// taken.
    pub fn deploy_create2(&mut self, salt: B256, init_code: &[u8]) -> Result<(Address, Receipt), Failure> {
        let data = [salt.as_slice(), init_code].concat().into();
        let receipt = self.call(Address::ZERO, CREATE2_DEPLOYER, U256::ZERO, data)?;
        Ok((Address::from_slice(&receipt.output), receipt))
    }

    /// Calls `to` with raw `data` and `value` wei of `from`; empty data is a plain transfer of ETH.
    ///
    /// A call that fails changes nothing.
    pub fn call(&mut self, from: Address, to: Address, value: U256, data: Bytes) -> Result<Receipt, Failure> {
        self.transact(transaction(from, TxKind::Call(to), value, data))
    }

    /// Executes a transaction of `from`.
    pub fn execute(&mut self, from: Address, transaction: &Transaction) -> Result<Receipt, Failure> {
        let Transaction { to, value, input, .. } = transaction;
        self.call(from, *to, U256::from(value.get()), input.clone())
    }

    /// Calls a function of `to` without ETH.
    pub fn send<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> Result<Receipt, Failure> {
        self.send_value(from, to, U256::ZERO, call)
    }

    /// Calls a function of `to` with `value` wei of `from`.
    pub fn send_value<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        call: &C,
    ) -> Result<Receipt, Failure> {
        self.call(from, to, value, call.abi_encode().into())
    }

    /// What a function of `to` returns, called from the zero address; whatever it changed is dropped.
    pub fn read<C: SolCall>(&mut self, to: Address, call: &C) -> Result<C::Return, Failure> {
        let data = call.abi_encode().into();
        let executed = self.evm.transact(transaction(Address::ZERO, TxKind::Call(to), U256::ZERO, data));
        receipt(executed.map(|executed| executed.result))?.decode::<C>()
    }

    fn transact(&mut self, tx: TxEnv) -> Result<Receipt, Failure> {
        receipt(self.evm.transact_commit(tx))
    }

    fn account(&mut self, address: Address) -> AccountInfo {
        let Ok(info) = self.database().basic(address);
        info.unwrap_or_default()
    }

    fn database(&mut self) -> &mut InMemoryDB {
        self.evm.ctx.journal_mut().db_mut()
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

impl Receipt {
    /// The returned values of the function that was called.
    pub fn decode<C: SolCall>(&self) -> Result<C::Return, Failure> {
        Ok(C::abi_decode_returns(&self.output)?)
    }
}

impl Failure {
    /// The text of a revert made by `require(.., "text")`, if it is one.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Revert(data) => Revert::abi_decode(data).ok().map(|revert| revert.reason),
            _ => None,
        }
    }
}

fn transaction(from: Address, kind: TxKind, value: U256, data: Bytes) -> TxEnv {
    TxEnv {
        caller: from,
        kind,
        value,
        data,
        gas_limit: GAS_LIMIT,
        gas_price: 0,
        chain_id: Some(CHAIN_ID),
        ..TxEnv::default()
    }
}

fn receipt(executed: Result<ExecutionResult, EVMError<Infallible>>) -> Result<Receipt, Failure> {
    match executed {
        Ok(ExecutionResult::Success { gas, logs, output, .. }) => {
            let (Output::Call(output) | Output::Create(output, _)) = output;
            Ok(Receipt { output, logs, gas_used: gas.tx_gas_used() })
        }
        Ok(ExecutionResult::Revert { output, .. }) => Err(Failure::Revert(output)),
        Ok(ExecutionResult::Halt { reason, .. }) => Err(Failure::Halt(reason)),
        Err(EVMError::Transaction(invalid)) => Err(invalid.into()),
        // The header and the database are this module's own: neither can be wrong.
        Err(other) => unreachable!("the in-memory EVM failed: {other:?}"),
    }
}

fn revert_text(data: &Bytes) -> String {
    Revert::abi_decode(data).map_or_else(|_| data.to_string(), |revert| revert.reason)
}
