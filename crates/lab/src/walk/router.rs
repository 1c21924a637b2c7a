//! Pledges through the router: from WETH, with a permit or an allowance, and enlisted in the same transaction.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    signers::SignerSync,
    sol_types::SolValue,
};
use levee::{
    Blueprint,
    bindings::{PledgeRouter, StETH, WETH, WrappedEther, WstETH},
};
use levee_model::{Asset, PositionId, Timestamp};

use super::{
    cast::{address_of, anyone, signer},
    format::{Route, Via},
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
        let (address, _) = chain.deploy_create2(blueprint.salt(), blueprint.init_code())?;
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

    /// Whose balance a pledge is taken from.
    pub(super) const fn source(self, via: Via, payer: Address) -> Address {
        if matches!(via.route, Route::Wrapped) { self.weth } else { payer }
    }

    /// Makes a pledge as `payer`, into the escrow and the bonus pool that `destination` names.
    pub(super) fn pledge(
        self,
        world: &mut World,
        payer: Address,
        route: Route,
        asset: Asset,
        destination: PledgeRouter::Destination,
        amount: U256,
    ) -> Result<Receipt, Failure> {
        let permit = match route {
            Route::Plain | Route::Wrapped => None,
            Route::Permit | Route::UsedPermit => Some(self.permit(world, asset, amount, amount)?),
            Route::FalsePermit => Some(self.permit(world, asset, amount, amount + U256::ONE)?),
        };
        if let (Route::UsedPermit, Some(permit)) = (route, &permit) {
            self.use_permit(world, asset, permit);
        }
        let receipt = self.send(&mut world.chain, payer, route, asset, destination, amount, permit);
        if receipt.is_err() && route == Route::UsedPermit {
            self.take_allowance_back(world, asset)?;
        }
        receipt
    }

    #[allow(clippy::too_many_arguments, reason = "what a call of the router is made of")]
    fn send(
        self,
        chain: &mut Chain,
        payer: Address,
        route: Route,
        asset: Asset,
        to: PledgeRouter::Destination,
        amount: U256,
        permit: Option<PledgeRouter::Permit>,
    ) -> Result<Receipt, Failure> {
        let router = self.address;
        match (asset, permit) {
            (Asset::Eth, _) if route == Route::Wrapped => {
                chain.send(payer, router, &PledgeRouter::pledgeWETHCall { to, amount })
            }
            (Asset::Eth, _) => chain.send_value(payer, router, amount, &PledgeRouter::pledgeETHCall { to }),
            (Asset::StEth, None) => {
                chain.send(payer, router, &PledgeRouter::pledgeStETHCall { to, shares: amount })
            }
            (Asset::StEth, Some(permit)) => chain.send(
                payer,
                router,
                &PledgeRouter::pledgeStETHWithPermitCall { to, shares: amount, permit },
            ),
            (Asset::WstEth, None) => {
                chain.send(payer, router, &PledgeRouter::pledgeWstETHCall { to, amount })
            }
            (Asset::WstEth, Some(permit)) => {
                chain.send(payer, router, &PledgeRouter::pledgeWstETHWithPermitCall { to, amount, permit })
            }
        }
    }

    /// A permit for what `amount` needs; signed for `signed` of it.
    fn permit(
        self,
        world: &mut World,
        asset: Asset,
        amount: U256,
        signed: U256,
    ) -> Result<PledgeRouter::Permit, Failure> {
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
            sign_permit(chain, token, router, value, signed)
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
    fn use_permit(self, world: &mut World, asset: Asset, permit: &PledgeRouter::Permit) {
        let token = if asset == Asset::WstEth { world.lido.wsteth } else { world.lido.steth };
        let &PledgeRouter::Permit { value, deadline, v, r, s } = permit;
        let owner = address_of(super::cast::SIGNER);
        let call = WstETH::permitCall { owner, spender: self.address, value, deadline, v, r, s };
        let _ = world.chain.send(anyone(), token, &call);
    }
}

/// Where a pledge goes.
pub(super) fn destination(
    escrow: Address,
    PositionId { pledger, tier, .. }: PositionId,
    amendment: Timestamp,
    bonus_pool: Option<Address>,
) -> PledgeRouter::Destination {
    PledgeRouter::Destination { escrow, pledger, tier, amendment, bonusPool: bonus_pool.unwrap_or_default() }
}

/// An EIP-2612 permit of the signer's for `value`, with a signature for `signed`.
fn sign_permit(
    chain: &mut Chain,
    token: Address,
    spender: Address,
    value: U256,
    signed: U256,
) -> Result<PledgeRouter::Permit, Failure> {
    let owner = address_of(super::cast::SIGNER);
    let domain: B256 = chain.read(token, &WstETH::DOMAIN_SEPARATORCall {})?;
    let nonce = chain.read(token, &WstETH::noncesCall { owner })?;
    let deadline = U256::from(chain.time());
    let kind =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    let message = (kind, owner, spender, signed, nonce, deadline).abi_encode();
    let digest = keccak256([&[0x19, 0x01], domain.as_slice(), keccak256(message).as_slice()].concat());
    let signature = signer().sign_hash_sync(&digest).expect("a local key signs");
    let v = 27 + u8::from(signature.v());
    Ok(PledgeRouter::Permit { value, deadline, v, r: signature.r().into(), s: signature.s().into() })
}
