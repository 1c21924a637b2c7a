//! Pledges through the router: from WETH, with a permit or an allowance, and enlisted in the same transaction.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    signers::SignerSync,
    sol_types::SolValue,
};
use levee::{
    Blueprint, Contracts, Permit,
    bindings::{StETH, WETH, WrappedEther, WstETH},
};
use levee_model::{Asset, Pledge};

use super::{
    cast::{address_of, anyone, signer},
    format::Route,
    world::{PURSE, World},
};
use crate::chain::{Chain, Failure, Receipt};

/// The router of a walk, and its WETH.
#[derive(Debug, Clone, Copy)]
pub(super) struct Router {
    pub(super) address: Address,
    pub(super) weth: Address,
}

impl Router {
    pub(super) fn create(world: &mut World) -> Result<Self, Failure> {
        let lido = world.lido;
        let chain = &mut world.chain;
        let (weth, _) = chain.deploy(anyone(), WrappedEther::BYTECODE.clone())?;
        let blueprint = Blueprint::router(weth, lido.steth, lido.wsteth);
        let (address, _) = chain.deploy_create2(blueprint.salt(), &blueprint.init_code())?;
        Ok(Self { address, weth })
    }

    /// Gives `payer` WETH, and the router allowances for all that it has.
    pub(super) fn fill_purse(self, world: &mut World, payer: Address) -> Result<(), Failure> {
        let (lido, chain) = (world.lido, &mut world.chain);
        let purse = U256::from(PURSE);
        let ether = chain.balance(payer);
        chain.set_balance(payer, ether + purse);
        chain.send_value(payer, self.weth, purse, &WETH::depositCall {})?;
        let (spender, amount) = (self.address, U256::MAX);
        chain.send(payer, self.weth, &WETH::approveCall { spender, amount })?;
        chain.send(payer, lido.steth, &StETH::approveCall { spender, amount })?;
        chain.send(payer, lido.wsteth, &WstETH::approveCall { spender, units: amount })?;
        Ok(())
    }

    /// Makes a pledge as `payer`, with a permit.
    pub(super) fn pledge(
        self,
        world: &mut World,
        contracts: &Contracts,
        payer: Address,
        pledge: Pledge,
        route: Route,
    ) -> Result<Receipt, Failure> {
        let (asset, amount) = (pledge.amount.asset(), U256::from(pledge.amount.units().get()));
        let signed = if route == Route::FalsePermit { amount + U256::ONE } else { amount };
        let permit = self.permit(world, asset, amount, signed)?;
        if route == Route::UsedPermit {
            self.use_permit(world, asset, &permit);
        }
        let permitted = contracts.pledge(pledge, Some(permit)).expect("a walk has a router");
        let receipt = world.chain.execute(payer, &permitted);
        if receipt.is_err() && route == Route::UsedPermit {
            self.take_allowance_back(world, asset)?;
        }
        receipt
    }

    /// A permit for what `amount` needs; signed for `signed` of it.
    fn permit(self, world: &mut World, asset: Asset, amount: U256, signed: U256) -> Result<Permit, Failure> {
        let lido = world.lido;
        let router = self.address;
        world.with_working_steth(|chain, _| {
            let mut worth = |shares| -> Result<U256, Failure> {
                if asset == Asset::WstEth {
                    return Ok(shares);
                }
                chain.read(lido.steth, &StETH::getPooledEthBySharesCall { shares })
            };
            // A share can be worth no wei more.
            let (value, signed) = (worth(amount)?, worth(signed)? + signed - amount);
            let token = if asset == Asset::WstEth { lido.wsteth } else { lido.steth };
            sign_permit(chain, token, router, value, signed, U256::from(chain.time()))
        })
    }

    /// No later pledge is to find what a used permit has allowed.
    fn take_allowance_back(self, world: &mut World, asset: Asset) -> Result<(), Failure> {
        let (spender, owner) = (self.address, address_of(super::cast::SIGNER));
        let amount = U256::ZERO;
        world.with_working_steth(|chain, lido| {
            let token = if asset == Asset::WstEth { lido.wsteth } else { lido.steth };
            chain.send(owner, token, &StETH::approveCall { spender, amount }).map(drop)
        })
    }

    /// Somebody is faster. What comes of it shows when the pledge is made.
    fn use_permit(self, world: &mut World, asset: Asset, permit: &Permit) {
        let token = if asset == Asset::WstEth { world.lido.wsteth } else { world.lido.steth };
        let &Permit { value, deadline, v, r, s } = permit;
        let owner = address_of(super::cast::SIGNER);
        let call = WstETH::permitCall { owner, spender: self.address, value, deadline, v, r, s };
        let _ = world.chain.send(anyone(), token, &call);
    }
}

/// An EIP-2612 permit of the signer's for `value`, up to `deadline`, with a signature for `signed`.
pub(crate) fn sign_permit(
    chain: &mut Chain,
    token: Address,
    spender: Address,
    value: U256,
    signed: U256,
    deadline: U256,
) -> Result<Permit, Failure> {
    let owner = address_of(super::cast::SIGNER);
    let domain: B256 = chain.read(token, &WstETH::DOMAIN_SEPARATORCall {})?;
    let nonce = chain.read(token, &WstETH::noncesCall { owner })?;
    let kind =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    let message = (kind, owner, spender, signed, nonce, deadline).abi_encode();
    let digest = keccak256([&[0x19, 0x01], domain.as_slice(), keccak256(message).as_slice()].concat());
    let signature = signer().sign_hash_sync(&digest).expect("a local key signs");
    let v = 27 + u8::from(signature.v());
    Ok(Permit { value, deadline, v, r: signature.r().into(), s: signature.s().into() })
}
