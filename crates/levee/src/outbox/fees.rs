//! What a transaction may cost: estimated, limited, and fixed before it is shown and signed.

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::{BlockId, BlockNumberOrTag},
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::{FeeHistory, TransactionRequest},
};
use levee_model::{
    Wei, display,
    json::{Number, NumberOrNone},
};
use serde::Serialize;

use crate::error::Error;

const GWEI: u128 = 10u128.pow(9);

/// The most that is paid for a unit of gas, whatever a node says, unless [`FeeOptions::max_fee_per_gas`] says otherwise: 300 gwei.
pub const MAX_FEE_PER_GAS: Wei = Wei::new(300 * GWEI);
/// The most that is paid for the gas of a transaction, unless both its price and its limit are the caller's: half an ETH.
pub const MAX_FEE: Wei = Wei::new(GWEI * GWEI / 2);

/// The bounds of the highest tip that is paid, which is twice the base fee within them, unless [`FeeOptions::priority_fee_per_gas`] says
/// otherwise: 2 and 30 gwei.
///
/// A tip is paid in full, however low the base fee is, so whoever signs unattended would pay any price that a node names. Blocks of
/// Ethereum take tips far below 2 gwei, and chains that demand more have a base fee of the same order. The upper bound is there because
/// the node names the base fee, too. Where even that is too low, each replacement pays an eighth more.
const MAX_TIP: (u128, u128) = (2 * GWEI, 30 * GWEI);

/// The most gas that a transaction gets, unless [`FeeOptions::gas_limit`] says otherwise: no transaction of Ethereum can have more since
/// [EIP-7825](https://eips.ethereum.org/EIPS/eip-7825), so a node that asks for it would have one signed that nobody includes.
pub const MAX_GAS: u64 = 1 << 24;

/// How many blocks an estimate looks back to, and which tip of each counts: one that a fifth of the gas paid at most.
const PAST_BLOCKS: u64 = 10;
const TIP_PERCENTILE: f64 = 20.0;

/// The caller's wishes about fees. What is none follows from the node, within the limits above.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FeeOptions {
    /// The most to be paid for a unit of gas, in wei.
    #[serde(rename = "maxFeePerGasWei", serialize_with = "NumberOrNone::serialize")]
    #[cfg_attr(feature = "schema", schemars(with = "NumberOrNone"))]
    pub max_fee_per_gas: Option<u128>,
    /// The tip for a unit of gas, in wei.
    #[serde(rename = "priorityFeePerGasWei", serialize_with = "NumberOrNone::serialize")]
    #[cfg_attr(feature = "schema", schemars(with = "NumberOrNone"))]
    pub priority_fee_per_gas: Option<u128>,
    /// The gas limit.
    pub gas_limit: Option<u64>,
    /// Whether to send a transaction of the type before EIP-1559.
    pub legacy: bool,
}

/// The fees of one transaction, as they are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fees {
    /// The gas limit.
    pub gas_limit: u64,
    /// The most to be paid for a unit of gas, in wei; before EIP-1559, exactly that.
    #[serde(rename = "maxFeePerGasWei", serialize_with = "Number::serialize")]
    #[cfg_attr(feature = "schema", schemars(with = "Number"))]
    pub max_fee_per_gas: u128,
    /// The tip for a unit of gas, in wei; none for a transaction of the type before EIP-1559.
    #[serde(rename = "priorityFeePerGasWei", serialize_with = "NumberOrNone::serialize")]
    #[cfg_attr(feature = "schema", schemars(with = "NumberOrNone"))]
    pub priority_fee_per_gas: Option<u128>,
    /// What a gas would cost in the next block, in wei.
    #[serde(rename = "currentPriceWei", serialize_with = "Number::serialize")]
    #[cfg_attr(feature = "schema", schemars(with = "Number"))]
    pub current_price: u128,
}

/// What a gas costs now, by the word of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Market {
    /// None on a chain before EIP-1559.
    base_fee: Option<u128>,
    /// The tip that others pay; without a base fee, the price.
    tip: u128,
}

impl Fees {
    /// The fees of a transaction that needs `gas`, by a node's prices.
    ///
    /// The gas limit is a quarter above `gas`, because others' transactions in the meantime can make a call more expensive.
    /// The price is the tip and twice the base fee, which suffices for six blocks, cut to the limits. The tip is that of others, up to
    /// twice the base fee, but no less than 2 and no more than 30 gwei.
    ///
    /// # Errors
    /// [`Error::GasPriceAboveLimit`] and [`Error::FeeAboveLimit`] if what the next block costs is above a limit;
    /// [`Error::Rpc`].
    pub(crate) async fn of(provider: &impl Provider, gas: u64, options: &FeeOptions) -> Result<Self, Error> {
        let market = if options.legacy {
            Market::before_eip1559(provider).await?
        } else {
            Market::of(provider).await?
        };
        market.fees(gas, options)
    }

    /// The most that the gas can cost.
    pub const fn limit(&self) -> Wei {
        Wei::new((self.gas_limit as u128).saturating_mul(self.max_fee_per_gas))
    }

    /// What `gas` would cost in the next block.
    pub const fn likely(&self, gas: u64) -> Wei {
        Wei::new((gas as u128).saturating_mul(self.current_price))
    }

    /// What a transaction was signed with.
    pub fn signed_in(transaction: &TxEnvelope) -> Self {
        let max_fee_per_gas = transaction.max_fee_per_gas();
        Self {
            gas_limit: transaction.gas_limit(),
            max_fee_per_gas,
            priority_fee_per_gas: transaction.max_priority_fee_per_gas(),
            current_price: max_fee_per_gas,
        }
    }

    /// The fees of the transaction that takes the place of `replaced`: as high as the node's prices ask for, and an eighth above
    /// the old ones, because nodes demand at least a tenth. The gas limit stays, unless `options` name another.
    ///
    /// # Errors
    /// Like [`of`](Self::of).
    pub(crate) async fn replacing(
        replaced: &TxEnvelope,
        provider: &impl Provider,
        options: &FeeOptions,
    ) -> Result<Self, Error> {
        let old = Self::signed_in(replaced);
        let legacy = old.priority_fee_per_gas.is_none();
        let market =
            if legacy { Market::before_eip1559(provider).await? } else { Market::of(provider).await? };
        let gas_limit = options.gas_limit.unwrap_or(old.gas_limit);
        let fees = market.priced(gas_limit, options)?;
        fees.above(&old, options)
    }

    fn above(self, old: &Self, options: &FeeOptions) -> Result<Self, Error> {
        let raised = |price: u128| price.saturating_add(price / 8).saturating_add(1);
        let max_fee_per_gas = self.max_fee_per_gas.max(raised(old.max_fee_per_gas));
        let limit = options.max_fee_per_gas.unwrap_or(MAX_FEE_PER_GAS.get());
        if max_fee_per_gas > limit {
            let (price, limit) = (Wei::new(max_fee_per_gas), Wei::new(limit));
            return Err(Error::GasPriceAboveLimit { price, limit });
        }
        if max_fee_per_gas > within_fee(self.gas_limit, max_fee_per_gas, max_fee_per_gas, options)? {
            let fee = Wei::new(u128::from(self.gas_limit).saturating_mul(max_fee_per_gas));
            return Err(Error::FeeAboveLimit { fee, limit: MAX_FEE });
        }
        let tip =
            |tip: u128| tip.max(raised(old.priority_fee_per_gas.unwrap_or_default())).min(max_fee_per_gas);
        Ok(Self { max_fee_per_gas, priority_fee_per_gas: self.priority_fee_per_gas.map(tip), ..self })
    }

    /// The fees of another transaction, which needs `gas`, at the same price.
    ///
    /// # Errors
    /// Like [`of`](Self::of).
    pub(crate) fn of_another(&self, gas: u64, options: &FeeOptions) -> Result<Self, Error> {
        let gas_limit = gas_limit(gas, options)?;
        let price = within_fee(gas_limit, self.max_fee_per_gas, self.current_price, options)?;
        Self { gas_limit, ..*self }.at_most(price)
    }

    /// The same for at most `price` for a unit of gas.
    pub(crate) fn at_most(self, price: u128) -> Result<Self, Error> {
        if self.current_price > price {
            let (price, limit) = (Wei::new(self.current_price), Wei::new(price));
            return Err(Error::GasPriceAboveLimit { price, limit });
        }
        let max_fee_per_gas = self.max_fee_per_gas.min(price);
        let priority_fee_per_gas = self.priority_fee_per_gas.map(|tip| tip.min(max_fee_per_gas));
        Ok(Self { max_fee_per_gas, priority_fee_per_gas, ..self })
    }

    /// A request with these fees.
    pub(crate) fn set(&self, request: TransactionRequest) -> TransactionRequest {
        let request = request.with_gas_limit(self.gas_limit);
        match self.priority_fee_per_gas {
            Some(tip) => {
                request.with_max_fee_per_gas(self.max_fee_per_gas).with_max_priority_fee_per_gas(tip)
            }
            None => request.with_gas_price(self.max_fee_per_gas),
        }
    }
}

impl Market {
    async fn of(provider: &impl Provider) -> Result<Self, Error> {
        let history =
            provider.get_fee_history(PAST_BLOCKS, BlockNumberOrTag::Latest, &[TIP_PERCENTILE]).await;
        match history {
            Ok(history) => match history.next_block_base_fee() {
                Some(base_fee) if base_fee != 0 => {
                    Ok(Self { base_fee: Some(base_fee), tip: median_tip(&history) })
                }
                // Chains before EIP-1559 also say zero: the block tells.
                _ => Self::of_block(provider, median_tip(&history)).await,
            },
            // The node answered, but does not know the method.
            Err(error) if error.is_error_resp() => {
                let tip = provider.get_max_priority_fee_per_gas().await.unwrap_or_default();
                Self::of_block(provider, tip).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn of_block(provider: &impl Provider, tip: u128) -> Result<Self, Error> {
        let block = provider.get_block(BlockId::latest()).await?;
        match block.ok_or(Error::Malformed { what: "the latest block" })?.header.base_fee_per_gas {
            Some(base_fee) => Ok(Self { base_fee: Some(base_fee.into()), tip }),
            None => Self::before_eip1559(provider).await,
        }
    }

    async fn before_eip1559(provider: &impl Provider) -> Result<Self, Error> {
        Ok(Self { base_fee: None, tip: provider.get_gas_price().await? })
    }

    fn fees(self, gas: u64, options: &FeeOptions) -> Result<Fees, Error> {
        self.priced(gas_limit(gas, options)?, options)
    }

    fn priced(self, gas_limit: u64, options: &FeeOptions) -> Result<Fees, Error> {
        let tip = options.priority_fee_per_gas.unwrap_or_else(|| self.tip_within(self.most_tip(options)));
        let current_price = self.base_fee.unwrap_or_default().saturating_add(tip);
        let max_fee_per_gas = match (options.max_fee_per_gas, self.base_fee) {
            (Some(price), Some(_)) => price,
            // Without a base fee the whole price is paid, so no more than others pay.
            (Some(price), None) => price.min(tip),
            (None, _) => self.price(tip, current_price)?,
        };
        let max_fee_per_gas = within_fee(gas_limit, max_fee_per_gas, current_price, options)?;
        let priority_fee_per_gas = self.base_fee.map(|_| tip.min(max_fee_per_gas));
        let current_price = current_price.min(max_fee_per_gas);
        Ok(Fees { gas_limit, max_fee_per_gas, priority_fee_per_gas, current_price })
    }

    /// The highest tip that is believed. Without a base fee, the tip is the whole price, which only whoever asks for such transactions
    /// leaves to the node: otherwise, a node could get any price by keeping the base fee to itself.
    fn most_tip(self, options: &FeeOptions) -> u128 {
        let (lower, higher) = MAX_TIP;
        match self.base_fee {
            Some(base_fee) => base_fee.saturating_mul(2).clamp(lower, higher),
            None if options.legacy => u128::MAX,
            None => higher,
        }
    }

    fn tip_within(self, most: u128) -> u128 {
        if self.tip > most {
            let [named, paid] = [self.tip, most].map(|tip| display::gwei(Wei::new(tip)));
            tracing::warn!(named, paid, "the node names a higher tip than is paid");
        }
        self.tip.min(most)
    }

    /// The price for a unit of gas within its limit.
    fn price(self, tip: u128, current_price: u128) -> Result<u128, Error> {
        let limit = MAX_FEE_PER_GAS.get();
        if current_price > limit {
            return Err(Error::GasPriceAboveLimit { price: Wei::new(current_price), limit: MAX_FEE_PER_GAS });
        }
        let base_fee = self.base_fee.unwrap_or_default();
        Ok(base_fee.saturating_mul(2).saturating_add(tip).min(limit))
    }
}

/// The gas limit of a call that needs `gas` now: a quarter more, up to [`MAX_GAS`], or what the caller chose.
fn gas_limit(gas: u64, options: &FeeOptions) -> Result<u64, Error> {
    match options.gas_limit {
        Some(limit) if limit < gas => Err(Error::GasLimitTooLow { limit, gas }),
        Some(limit) => Ok(limit),
        None if gas > MAX_GAS => Err(Error::GasAboveLimit { gas, limit: MAX_GAS }),
        None => Ok(gas.saturating_add(gas / 4).min(MAX_GAS)),
    }
}

/// The price at which the whole gas limit costs at most [`MAX_FEE`]. A price that the caller chose is not cut, and a gas limit of
/// the caller's too is not limited.
fn within_fee(gas_limit: u64, price: u128, current_price: u128, options: &FeeOptions) -> Result<u128, Error> {
    if options.max_fee_per_gas.is_some() && options.gas_limit.is_some() {
        return Ok(price);
    }
    let most = MAX_FEE.get() / u128::from(gas_limit.max(1));
    let lowest = if options.max_fee_per_gas.is_some() { price } else { current_price };
    if lowest <= most {
        return Ok(price.min(most));
    }
    let fee = Wei::new(u128::from(gas_limit).saturating_mul(lowest));
    Err(Error::FeeAboveLimit { fee, limit: MAX_FEE })
}

/// The median of the blocks' tips, without the blocks that had none; at least one wei.
fn median_tip(history: &FeeHistory) -> u128 {
    let tips = history.reward.iter().flatten().filter_map(|tips| tips.first().copied());
    let mut tips: Vec<_> = tips.filter(|tip| *tip > 0).collect();
    tips.sort_unstable();
    tips.get(tips.len() / 2).copied().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: Market = Market { base_fee: Some(10 * GWEI), tip: GWEI };

    fn fees(market: Market, gas: u64, options: FeeOptions) -> Result<Fees, Error> {
        market.fees(gas, &options)
    }

    #[test]
    fn without_wishes_the_price_is_twice_the_base_fee_and_the_tip() {
        let fixed = fees(MARKET, 100_000, FeeOptions::default()).unwrap();
        let expected = Fees {
            gas_limit: 125_000,
            max_fee_per_gas: 21 * GWEI,
            priority_fee_per_gas: Some(GWEI),
            current_price: 11 * GWEI,
        };
        assert_eq!(fixed, expected);
        assert_eq!(fixed.limit(), Wei::new(125_000 * 21 * GWEI));
        assert_eq!(fixed.likely(100_000), Wei::new(100_000 * 11 * GWEI));
    }

    #[test]
    fn a_node_cannot_raise_the_tip_at_will() {
        let tip = |base_fee: u128, tip: u128| {
            let fixed = fees(Market { base_fee: Some(base_fee), tip }, 100_000, FeeOptions::default());
            fixed.map(|fees| (fees.priority_fee_per_gas, fees.max_fee_per_gas)).unwrap()
        };
        assert_eq!(tip(7, 290 * GWEI), (Some(2 * GWEI), 2 * GWEI + 14));
        assert_eq!(tip(GWEI / 2, 2 * GWEI), (Some(2 * GWEI), 3 * GWEI));
        assert_eq!(tip(10 * GWEI, 19 * GWEI), (Some(19 * GWEI), 39 * GWEI));
        assert_eq!(tip(10 * GWEI, 290 * GWEI), (Some(20 * GWEI), 40 * GWEI));
        assert_eq!(tip(140 * GWEI, 150 * GWEI), (Some(30 * GWEI), 300 * GWEI));
        let named = FeeOptions { priority_fee_per_gas: Some(50 * GWEI), ..FeeOptions::default() };
        assert_eq!(fees(MARKET, 100_000, named).unwrap().priority_fee_per_gas, Some(50 * GWEI));
    }

    #[test]
    fn nor_by_keeping_the_base_fee_to_itself() {
        let market = Market { base_fee: None, tip: 290 * GWEI };
        assert_eq!(fees(market, 100_000, FeeOptions::default()).unwrap().max_fee_per_gas, 30 * GWEI);
        let legacy = FeeOptions { legacy: true, ..FeeOptions::default() };
        assert_eq!(fees(market, 100_000, legacy).unwrap().max_fee_per_gas, 290 * GWEI);
    }

    #[test]
    fn a_replacement_can_rise_above_the_highest_tip() {
        let market = Market { base_fee: Some(7), tip: 290 * GWEI };
        let raised =
            |old: Fees| market.fees(100_000, &FeeOptions::default())?.above(&old, &FeeOptions::default());
        let mut bid = market.fees(100_000, &FeeOptions::default()).unwrap();
        let mut bids = 1;
        while let Ok(higher) = raised(bid) {
            assert!(higher.priority_fee_per_gas > bid.priority_fee_per_gas);
            assert!(higher.max_fee_per_gas * 10 >= bid.max_fee_per_gas * 11);
            (bid, bids) = (higher, bids + 1);
        }
        // Up to the limit of the whole price.
        assert_eq!(bids, 43);
        assert!(bid.max_fee_per_gas > MAX_FEE_PER_GAS.get() * 8 / 9, "{bid:?}");
    }

    #[test]
    fn a_price_is_cut_to_the_limit_and_refused_if_the_next_block_needs_more() {
        let high = Market { base_fee: Some(200 * GWEI), tip: 2 * GWEI };
        assert_eq!(fees(high, 100_000, FeeOptions::default()).unwrap().max_fee_per_gas, 300 * GWEI);
        let too_high = Market { base_fee: Some(299 * GWEI), tip: 2 * GWEI };
        let refused = Error::GasPriceAboveLimit { price: Wei::new(301 * GWEI), limit: MAX_FEE_PER_GAS };
        assert_eq!(fees(too_high, 100_000, FeeOptions::default()), Err(refused));
        let options = FeeOptions { max_fee_per_gas: Some(400 * GWEI), ..FeeOptions::default() };
        assert_eq!(fees(too_high, 100_000, options).unwrap().max_fee_per_gas, 400 * GWEI);
    }

    #[test]
    fn a_node_cannot_raise_the_fee_by_the_gas_either() {
        let (most, default) = (1 << 24, FeeOptions::default());
        let at = |base_fee: u128| Market { base_fee: Some(base_fee * GWEI), tip: GWEI };
        // Half an ETH pays 29.8 gwei for each.
        let cut = fees(at(20), most, default).unwrap();
        assert_eq!((cut.gas_limit, cut.max_fee_per_gas), (most, GWEI * GWEI / 2 / u128::from(most)));
        assert!(cut.limit() <= MAX_FEE);
        let fee = Wei::new(u128::from(most) * 41 * GWEI);
        assert_eq!(fees(at(40), most, default), Err(Error::FeeAboveLimit { fee, limit: MAX_FEE }));
        let gas = most + 1;
        assert_eq!(fees(MARKET, gas, default), Err(Error::GasAboveLimit { gas, limit: most }));
        let chosen = FeeOptions { gas_limit: Some(gas), ..default };
        assert_eq!(fees(MARKET, gas, chosen).unwrap().gas_limit, gas);
    }

    #[test]
    fn a_chosen_price_is_not_cut_and_with_a_chosen_limit_not_refused() {
        let chosen = FeeOptions { max_fee_per_gas: Some(30 * GWEI), ..FeeOptions::default() };
        let fee = |gas: u64| Wei::new(u128::from(gas) * 30 * GWEI);
        let refused = Err(Error::FeeAboveLimit { fee: fee(MAX_GAS), limit: MAX_FEE });
        assert_eq!(fees(MARKET, MAX_GAS, chosen), refused);
        let both = FeeOptions { gas_limit: Some(30_000_000), ..chosen };
        assert_eq!(fees(MARKET, 24_000_000, both).unwrap().limit(), fee(30_000_000));
    }

    #[test]
    fn a_chosen_gas_limit_must_suffice() {
        let chosen = FeeOptions { gas_limit: Some(99_999), ..FeeOptions::default() };
        let refused = Err(Error::GasLimitTooLow { limit: 99_999, gas: 100_000 });
        assert_eq!(fees(MARKET, 100_000, chosen), refused);
        let enough = FeeOptions { gas_limit: Some(100_000), ..chosen };
        assert_eq!(fees(MARKET, 100_000, enough).unwrap().gas_limit, 100_000);
    }

    #[test]
    fn a_later_step_pays_no_more_than_was_shown() {
        let shown = fees(MARKET, 100_000, FeeOptions::default()).unwrap();
        let risen =
            fees(Market { base_fee: Some(15 * GWEI), tip: GWEI }, 50_000, FeeOptions::default()).unwrap();
        assert_eq!(risen.at_most(shown.max_fee_per_gas).unwrap().max_fee_per_gas, 21 * GWEI);
        let refused = Error::GasPriceAboveLimit { price: Wei::new(16 * GWEI), limit: Wei::new(15 * GWEI) };
        assert_eq!(risen.at_most(15 * GWEI), Err(refused));
    }

    #[test]
    fn absurd_answers_overflow_nothing() {
        let absurd = Market { base_fee: Some(u128::MAX), tip: u128::MAX };
        let default = FeeOptions::default();
        assert!(matches!(fees(absurd, u64::MAX, default), Err(Error::GasAboveLimit { .. })));
        assert!(matches!(fees(absurd, MAX_GAS, default), Err(Error::GasPriceAboveLimit { .. })));
        let chosen = FeeOptions { max_fee_per_gas: Some(u128::MAX), ..default };
        assert!(matches!(fees(absurd, MAX_GAS, chosen), Err(Error::FeeAboveLimit { .. })));
    }

    #[test]
    fn a_replacement_pays_an_eighth_more_within_the_limit() {
        let old = fees(MARKET, 100_000, FeeOptions::default()).unwrap();
        let new = old.above(&old, &FeeOptions::default()).unwrap();
        let raised = |price: u128| price + price / 8 + 1;
        assert_eq!(
            (new.max_fee_per_gas, new.priority_fee_per_gas, new.gas_limit),
            (raised(21 * GWEI), Some(raised(GWEI)), 125_000)
        );
        let high = Fees { max_fee_per_gas: 280 * GWEI, ..old };
        let price = Wei::new(raised(280 * GWEI));
        let refused = Err(Error::GasPriceAboveLimit { price, limit: MAX_FEE_PER_GAS });
        assert_eq!(old.above(&high, &FeeOptions::default()), refused);
        let named = FeeOptions { max_fee_per_gas: Some(400 * GWEI), ..FeeOptions::default() };
        assert_eq!(old.above(&high, &named).unwrap().max_fee_per_gas, price.get());
        // Nor is the whole fee raised above its limit: 0.5 ETH are 20 gwei for 25 million gas.
        let full = Fees { gas_limit: 25_000_000, max_fee_per_gas: 20 * GWEI, ..old };
        let fee = Wei::new(25_000_000 * raised(20 * GWEI));
        assert_eq!(
            full.above(&full, &FeeOptions::default()),
            Err(Error::FeeAboveLimit { fee, limit: MAX_FEE })
        );
    }

    #[test]
    fn chains_without_a_base_fee_have_one_price() {
        let old = Market { base_fee: None, tip: 5 * GWEI };
        let fixed = fees(old, 100_000, FeeOptions::default()).unwrap();
        assert_eq!((fixed.max_fee_per_gas, fixed.priority_fee_per_gas), (5 * GWEI, None));
        // The whole price is paid, so a higher one is not.
        let most = FeeOptions { max_fee_per_gas: Some(300 * GWEI), ..FeeOptions::default() };
        assert_eq!(fees(old, 100_000, most).unwrap().max_fee_per_gas, 5 * GWEI);
        let free = Market { base_fee: Some(0), tip: 1 };
        assert_eq!(fees(free, 100_000, FeeOptions::default()).unwrap().max_fee_per_gas, 1);
    }

    #[test]
    fn the_tip_is_the_median_of_what_blocks_had() {
        let history = |tips: &[u128]| FeeHistory {
            reward: Some(tips.iter().map(|tip| vec![*tip]).collect()),
            ..FeeHistory::default()
        };
        assert_eq!(median_tip(&history(&[0, 7, 3, 0, 5])), 5);
        assert_eq!(median_tip(&history(&[0, 0])), 1);
        assert_eq!(median_tip(&FeeHistory::default()), 1);
    }
}
