//! The escrow's creation code on a chain, as data, from which compacts compute the address of a rescue.

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::Provider,
};
use levee_model::Wei;

use crate::{
    blueprint::Contract, call::Call, edition::Edition, error::Error, operation::Transaction, rpc,
    terms::CREATE2_DEPLOYER,
};

use super::code_chunks;

/// The contracts that hold the creation code of an edition's escrow as data, in order. Their addresses follow from that code, so anyone may
/// create them, once for a chain, and nothing else can be there.
#[derive(Debug, Clone)]
pub struct CodeStore {
    init_codes: Vec<Bytes>,
}

impl CodeStore {
    /// Those of an edition.
    pub fn of(edition: Edition) -> Self {
        let code = edition.creation_code(Contract::PledgeEscrow);
        Self { init_codes: code_chunks(code).map(|chunk| data_init_code(&chunk)).collect() }
    }

    /// Their addresses, on every chain that has the [`CREATE2_DEPLOYER`].
    pub fn addresses(&self) -> Vec<Address> {
        self.init_codes.iter().map(|code| CREATE2_DEPLOYER.create2_from_code(B256::ZERO, code)).collect()
    }

    /// The transactions that create those that are missing; empty if the code is there.
    ///
    /// # Errors
    /// [`Error::NoDeployer`], [`Error::Rpc`].
    pub async fn missing<P: Provider + Clone>(&self, provider: &P) -> Result<Vec<Call<P>>, Error> {
        if !rpc::has_code(provider, CREATE2_DEPLOYER).await? {
            return Err(Error::NoDeployer);
        }
        let mut calls = Vec::new();
        for (address, code) in self.addresses().into_iter().zip(&self.init_codes) {
            if !rpc::has_code(provider, address).await? {
                let input = [B256::ZERO.as_slice(), code].concat().into();
                let (contract, to, value) = (Contract::Compact, CREATE2_DEPLOYER, Wei::ZERO);
                calls.push(Call::of(
                    provider.clone(),
                    Transaction { contract, to, value, input },
                    Vec::new(),
                ));
            }
        }
        Ok(calls)
    }
}

/// The code of a contract that holds data, as it is created: it copies what follows itself, and returns it.
fn data_init_code(data: &Bytes) -> Bytes {
    // PUSH1 11, MSIZE, DUP2, CODESIZE, SUB, DUP1, SWAP3, MSIZE, CODECOPY, RETURN: everything behind these eleven bytes.
    const COPY_THE_REST: [u8; 11] = [0x60, 0x0b, 0x59, 0x81, 0x38, 0x03, 0x80, 0x92, 0x59, 0x39, 0xf3];
    [&COPY_THE_REST[..], data].concat().into()
}
