//! A local chain with the models of Lido's tokens, and people who have some of each asset.

use alloy::{
    eips::BlockId,
    network::{Ethereum, EthereumWallet, TransactionBuilder},
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider, ProviderBuilder, ext::AnvilApi},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use eyre::{OptionExt as _, Result, WrapErr as _};
use levee::{
    Allowance, Blueprint, Call, Deployment, Escrow, Outbox, Query, Router, Tokens,
    bindings::{StETH, WrappedEther, WstETH},
    model::{
        Amount, Asset, Bps, Lido, Moment, Operation, Pledge, PositionId, Rate, Route, Shares, Terms, Tier,
        Timestamp, Units, Wei,
    },
};

/// anvil's chain id.
pub(crate) const CHAIN: u64 = 31337;
/// One ETH, in wei.
pub(crate) const ETHER: u128 = 10u128.pow(18);

/// A pledge by a call of the escrow.
pub(crate) fn pledge(pledger: Address, tier: u8, amendment: Timestamp, amount: Amount) -> Operation {
    Operation::Pledge(Pledge { pledger, tier, amount, amendment, route: Route::Direct })
}

/// Owns the node, which ends with it.
pub(crate) struct Environment {
    anvil: AnvilInstance,
    chain: u64,
    /// Signs for everyone below what is no call of Levee's.
    pub(crate) provider: DynProvider,
    /// The model of stETH: 1.2 ETH a share.
    pub(crate) steth: Address,
    /// The model of wstETH.
    pub(crate) wsteth: Address,
}

impl Environment {
    pub(crate) async fn start() -> Result<Self> {
        Self::on_chain(CHAIN).await
    }

    pub(crate) async fn on_chain(chain: u64) -> Result<Self> {
        let program = std::env::var("ANVIL").wrap_err("ANVIL, which .cargo/config.toml sets, is missing")?;
        let spawned = Anvil::at(&program).chain_id(chain).try_spawn();
        let anvil = spawned.wrap_err_with(|| format!("{program} does not run: it needs `npm ci`"))?;
        let mut wallet = EthereumWallet::default();
        for key in anvil.keys() {
            wallet.register_signer(PrivateKeySigner::from(key.clone()));
        }
        wallet.set_default_signer(anvil.addresses()[0])?;
        let builder = ProviderBuilder::<_, _, Ethereum>::default();
        let filled = builder.with_gas_estimation().with_simple_nonce_management().fetch_chain_id();
        let provider = filled.wallet(wallet).connect_http(anvil.endpoint_url()).erased();
        let ether = |amount: u128| U256::from(amount * ETHER);
        let steth = *StETH::deploy(&provider, ether(1_000), ether(1_200)).await?.address();
        let wsteth = *WstETH::deploy(&provider, steth).await?.address();
        Ok(Self { anvil, chain, provider, steth, wsteth })
    }

    /// Sends for one of the people below.
    pub(crate) fn outbox(&self, account: Address) -> Outbox<DynProvider> {
        self.outbox_on(self.chain, account)
    }

    /// The same, signing for another chain.
    pub(crate) fn outbox_on(&self, chain: u64, account: Address) -> Outbox<DynProvider> {
        let mut keys = self.anvil.keys().iter().map(|key| PrivateKeySigner::from(key.clone()));
        let signer = keys.find(|key| key.address() == account).expect("an account of anvil's");
        Outbox::new(self.provider.clone(), chain, signer)
    }

    pub(crate) fn endpoint(&self) -> String {
        self.anvil.endpoint()
    }

    /// Holds all stETH at first.
    pub(crate) fn alice(&self) -> Address {
        self.anvil.addresses()[0]
    }

    pub(crate) fn bob(&self) -> Address {
        self.anvil.addresses()[1]
    }

    pub(crate) fn guardian(&self) -> Address {
        self.anvil.addresses()[2]
    }

    pub(crate) fn beneficiary(&self) -> Address {
        self.anvil.addresses()[3]
    }

    /// Two tiers, 50 % and 100 %, of one group; 100 ETH in a day; two tranches, with a veto.
    pub(crate) async fn terms(&self) -> Result<Terms> {
        let tier = |threshold| Tier { threshold: Bps::new(threshold), draw_order: 0, rate: Bps::ZERO };
        Ok(Terms {
            beneficiary: self.beneficiary(),
            guardian: self.guardian(),
            steth: self.steth,
            wsteth: self.wsteth,
            target: Wei::new(100 * ETHER),
            deadline: self.time().await? + 86_400,
            latest_deadline: self.time().await? + 2 * 86_400,
            tiers: vec![tier(5_000), tier(10_000)],
            objection_period: 3_600,
            veto: Bps::new(4_000),
            tranches: 2,
            tranche_interval: 3_600,
            release_window: 7_200,
            exit_window: 1_800,
            terms_hash: B256::repeat_byte(7),
        })
    }

    /// An escrow with [`terms`](Self::terms), just created.
    pub(crate) async fn escrow(&self) -> Result<Escrow<DynProvider>> {
        let terms = self.terms().await?;
        let deployed = Blueprint::escrow(&terms)?.deploy(&self.outbox(self.alice())).await?;
        assert!(matches!(deployed, Deployment::Created { .. }), "{deployed:?}");
        Ok(Escrow::open(self.provider.clone(), self.chain, deployed.address()).await?)
    }

    /// The router of a new WETH and the models of Lido's tokens, just created.
    pub(crate) async fn router(&self) -> Result<Router<DynProvider>> {
        let creation = TransactionRequest::default().with_deploy_code(WrappedEther::BYTECODE.clone());
        let sent = self.provider.send_transaction(creation.with_from(self.alice())).await?;
        let weth = sent.get_receipt().await?.contract_address.ok_or_eyre("WETH is created")?;
        let tokens = Tokens { weth, steth: self.steth, wsteth: self.wsteth };
        let router = Router::new(self.provider.clone(), self.chain, tokens);
        router.blueprint().deploy(&self.outbox(self.alice())).await?;
        Ok(router)
    }

    /// The time of the latest block.
    pub(crate) async fn time(&self) -> Result<u64> {
        let block = self.provider.get_block(BlockId::latest()).await?;
        Ok(block.ok_or_eyre("there is a latest block")?.header.timestamp)
    }

    /// Mines a block at `time`.
    pub(crate) async fn warp(&self, time: u64) -> Result<()> {
        self.provider.anvil_set_next_block_timestamp(time).await?;
        self.provider.anvil_mine(Some(1), None).await?;
        Ok(())
    }

    /// The latest block, as the rules see it.
    pub(crate) async fn moment(&self) -> Result<Moment> {
        let steth = StETH::new(self.steth, &self.provider);
        let read = steth.getPooledEthByShares(U256::from(10).pow(U256::from(27))).call().await;
        let rate = read.ok().and_then(|number| Rate::new(number.to()));
        Ok(Moment { time: self.time().await?, lido: rate.map_or(Lido::Broken, Lido::Working) })
    }

    /// Asserts property 12: the state rebuilt from the logs is what the views say.
    pub(crate) async fn assert_books_from_logs(&self, escrow: &Escrow<DynProvider>) -> Result<()> {
        let (moment, history) = (self.moment().await?, escrow.history().await?);
        assert_eq!(history.view(moment), escrow.rescue().await?);
        for pledger in [self.alice(), self.bob()] {
            assert_eq!(history.position_views(moment, pledger), escrow.positions(pledger).await?);
            assert_eq!(history.owed_of(pledger), escrow.owed(pledger).await?);
            for asset in Asset::ALL {
                let id = PositionId { pledger, tier: 1, asset };
                assert_eq!(history.position(id), escrow.position(id).await?);
            }
        }
        Ok(())
    }

    /// Bob pledges 40 ETH into tier 0, Alice 25 shares of stETH (30 ETH) and 50 wstETH (60 ETH) into tier 1.
    pub(crate) async fn pledge_all(&self, escrow: &Escrow<DynProvider>) -> Result<()> {
        let (alice, bob) = (self.alice(), self.bob());
        escrow.call(pledge(bob, 0, 0, Amount::Eth(Wei::new(40 * ETHER))))?.execute(&self.outbox(bob)).await?;
        self.approve(escrow, Asset::StEth, Units::new(25 * ETHER)).await?;
        escrow
            .call(pledge(alice, 1, 0, Amount::StEth(Shares::new(25 * ETHER))))?
            .execute(&self.outbox(alice))
            .await?;
        self.wrap(50 * ETHER).await?;
        self.approve(escrow, Asset::WstEth, Units::new(50 * ETHER)).await?;
        escrow
            .call(pledge(alice, 1, 0, Amount::WstEth(Units::new(50 * ETHER))))?
            .execute(&self.outbox(alice))
            .await?;
        Ok(())
    }

    /// Alice's approval of what is pledged next, which is needed once.
    pub(crate) async fn approve(
        &self,
        escrow: &Escrow<DynProvider>,
        asset: Asset,
        amount: Units,
    ) -> Result<()> {
        let approve = || self.approval(escrow, amount.of(asset), Allowance::Exact);
        let approval = approve().await?;
        approval.ok_or_eyre("an approval is needed")?.execute(&self.outbox(self.alice())).await?;
        assert!(approve().await?.is_none());
        Ok(())
    }

    /// The approval that Alice must give.
    pub(crate) async fn approval(
        &self,
        escrow: &Escrow<DynProvider>,
        amount: Amount,
        allowance: Allowance,
    ) -> Result<Option<Call<DynProvider>>> {
        let query = Query::of(escrow.address()).account(self.alice());
        let account = query.read(&self.provider, Some(self.chain)).await?.account;
        Ok(escrow.approval(&account, amount, allowance).await?)
    }

    /// Alice wraps stETH worth `units` of wstETH.
    pub(crate) async fn wrap(&self, units: u128) -> Result<()> {
        let amount = U256::from(units / 10 * 12);
        let steth = StETH::new(self.steth, &self.provider);
        steth.approve(self.wsteth, amount).send().await?.get_receipt().await?;
        WstETH::new(self.wsteth, &self.provider).wrap(amount).send().await?.get_receipt().await?;
        Ok(())
    }
}
