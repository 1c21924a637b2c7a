//! Which position of an account to use.

use alloy::{primitives::Address, providers::DynProvider};
use clap::Args;
use levee::{Call, PositionView, Purpose};
use levee_model::{Asset, PositionId, terms::MAX_TIERS};

use crate::{
    address, amount,
    error::UserError,
    plan::{Step, Summary},
};

/// Picks one position; needed only where an account has several.
#[derive(Debug, Args)]
pub(crate) struct PositionArgs {
    /// Tier of the pledge, counted from 0; needed if there are several.
    #[arg(long, value_name = "N", value_parser = parse_tier)]
    tier: Option<u8>,

    /// Asset of the pledge: ETH, stETH or wstETH; needed if there are several.
    #[arg(long, value_name = "ASSET", value_parser = amount::parse_asset)]
    asset: Option<Asset>,
}

/// Whose positions a pool pays: all of a pledger's positions, unless narrowed down.
#[derive(Debug, Args)]
pub(crate) struct PayoutArgs {
    /// The pledger; default: the signer.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Option<Address>,

    /// Only for pledges into this tier, counted from 0.
    #[arg(long, value_name = "N", value_parser = parse_tier)]
    tier: Option<u8>,

    /// Only for pledges of this asset: ETH, stETH or wstETH.
    #[arg(long, value_name = "ASSET", value_parser = amount::parse_asset)]
    asset: Option<Asset>,

    /// Recipient, if not the pledger; only for the signer's own pledges.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pub(crate) to: Option<Address>,
}

impl PayoutArgs {
    /// A purpose for these positions only.
    pub(crate) fn narrow(&self, purpose: Purpose) -> Purpose {
        let purpose = purpose.with_some("pledger", self.pledger).with_some("tier", self.tier);
        purpose.with_some("asset", self.asset).with_some("to", self.to)
    }

    /// The pledger, for whom `signer` asks.
    pub(crate) fn pledger(&self, signer: Address) -> Result<Address, UserError> {
        let pledger = self.pledger.unwrap_or(signer);
        require_own(self.to, pledger, signer, "money")?;
        Ok(pledger)
    }

    /// The selected positions.
    pub(crate) fn choose<'a>(&self, positions: &'a [PositionView]) -> impl Iterator<Item = &'a PositionView> {
        positions.iter().filter(|position| self.is_meant(position.tier, position.asset))
    }

    /// Whether a position is among those that are selected.
    pub(crate) fn is_meant(&self, tier: u8, asset: Asset) -> bool {
        self.tier.is_none_or(|meant| meant == tier) && self.asset.is_none_or(|meant| meant == asset)
    }

    /// The step that pays a position its part of `what`, by `call`.
    pub(crate) fn step(&self, id: PositionId, what: &str, amount: String, call: Call<DynProvider>) -> Step {
        claim(id, what, amount, self.to.unwrap_or(id.pledger)).by(call)
    }
}

/// What a claim of a position's part of `what` does.
pub(crate) fn claim(id: PositionId, what: &str, amount: String, recipient: Address) -> Summary {
    let PositionId { pledger, tier, asset } = id;
    let headline = format!("Claim {what} for the {asset} in tier {tier}");
    let facts =
        vec![("amount", amount), ("pledger", pledger.to_string()), ("recipient", recipient.to_string())];
    Summary::new(format!("claim {asset} of tier {tier}"), headline, facts)
}

/// Refuses to send `owner`'s money elsewhere unless the owner signs. `what` describes what would be sent.
pub(crate) fn require_own(
    to: Option<Address>,
    owner: Address,
    signer: Address,
    what: &str,
) -> Result<(), UserError> {
    if to.is_none() || owner == signer {
        return Ok(());
    }
    Err(UserError::new(format!("only `{owner}` can send its {what} to another address"))
        .hint("leave `--to` out, or sign with its account"))
}

/// Reads the number of a tier. Whether a rescue has it depends on its terms.
pub(crate) fn parse_tier(text: &str) -> Result<u8, UserError> {
    let tier = text.parse().ok().filter(|tier| usize::from(*tier) < MAX_TIERS);
    tier.ok_or_else(|| {
        UserError::new(format!("`{text}` is not a tier"))
            .hint(format!("tiers are counted from 0, at most {}", MAX_TIERS - 1))
    })
}

impl PositionArgs {
    /// Whether a position is among those that are selected.
    pub(crate) fn is_meant(&self, tier: u8, asset: Asset) -> bool {
        self.tier.is_none_or(|meant| meant == tier) && self.asset.is_none_or(|meant| meant == asset)
    }

    /// A purpose for this position only.
    pub(crate) fn narrow(&self, purpose: Purpose) -> Purpose {
        purpose.with_some("tier", self.tier).with_some("asset", self.asset)
    }

    /// The selected position of `owner`, among those that `fits` allows. `what` describes these, as in
    /// `position to refund`.
    pub(crate) fn choose(
        &self,
        owner: Address,
        positions: &[PositionView],
        what: &str,
        fits: impl Fn(&PositionView) -> bool,
    ) -> Result<PositionView, UserError> {
        let meant = |position: &&PositionView| self.is_meant(position.tier, position.asset) && fits(position);
        let found: Vec<_> = positions.iter().filter(meant).collect();
        match found[..] {
            [one] => Ok(*one),
            [] => Err(UserError::new(format!("`{owner}` has no such {what}"))
                .hint("`levee positions ADDRESS` lists what an account has")),
            _ => {
                let names =
                    found.iter().map(|found| format!("`--tier {} --asset {}`", found.tier, found.asset));
                Err(UserError::new(format!("`{owner}` has more than one {what}"))
                    .hint(format!("choose one: {}", names.collect::<Vec<_>>().join(", "))))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use levee_model::{Units, Wei};

    /// A position from which nothing was refunded.
    pub(crate) fn position(tier: u8, asset: Asset, amount: u128) -> PositionView {
        let (refunded, refundable, weight) = (Units::ZERO, Units::ZERO, Wei::ZERO);
        PositionView {
            tier,
            asset,
            amount: Units::new(amount),
            refunded,
            refundable,
            weight,
            objected: false,
        }
    }

    fn choose(tier: Option<u8>, asset: Option<Asset>) -> Result<PositionView, String> {
        let all = [position(0, Asset::Eth, 5), position(0, Asset::StEth, 6), position(1, Asset::StEth, 0)];
        let chosen = PositionArgs { tier, asset }
            .choose(Address::ZERO, &all, "pledge", |position| !position.amount.is_zero());
        chosen.map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_unique_need_not_be_said() {
        assert_eq!(choose(None, Some(Asset::Eth)), Ok(position(0, Asset::Eth, 5)));
        assert_eq!(choose(None, Some(Asset::StEth)), Ok(position(0, Asset::StEth, 6)));
    }

    #[test]
    fn what_is_not_unique_or_not_there_is_refused() {
        let zero = Address::ZERO;
        assert_eq!(choose(Some(0), None), Err(format!("`{zero}` has more than one pledge")));
        assert_eq!(choose(Some(1), None), Err(format!("`{zero}` has no such pledge")));
    }

    #[test]
    fn tiers_are_counted_from_0() {
        assert_eq!(["0", "7"].map(|text| parse_tier(text).unwrap()), [0, 7]);
        for text in ["8", "256", "-1", "x", "1.0", ""] {
            assert_eq!(parse_tier(text).unwrap_err().to_string(), format!("`{text}` is not a tier"));
        }
    }
}
