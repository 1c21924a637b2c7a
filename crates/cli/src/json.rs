//! The JSON of all results: one convention, in types from which docs/schema/ is generated.
//!
//! A key carries its unit (`Wei`, `Bps`, `Unix` for seconds since 1970, `Seconds`), amounts are decimal strings, an
//! amount of an asset comes with its `asset` and `unit`, addresses are checksummed, and absent values are null.

use std::path::PathBuf;

use alloy::primitives::{Address, B256, U256};
use levee_model::{Asset, EndReason, PerAsset, Rate, Terms, Tier, Units, Wei};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A whole number, in decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Number(#[schemars(regex(pattern = r"^[0-9]+$"))] String);

impl From<Wei> for Number {
    fn from(amount: Wei) -> Self {
        Self(amount.get().to_string())
    }
}

impl From<Units> for Number {
    fn from(amount: Units) -> Self {
        Self(amount.get().to_string())
    }
}

impl From<Rate> for Number {
    fn from(rate: Rate) -> Self {
        Self(rate.get().to_string())
    }
}

impl From<U256> for Number {
    fn from(number: U256) -> Self {
        Self(number.to_string())
    }
}

/// A checksummed address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Account(#[schemars(regex(pattern = r"^0x[0-9a-fA-F]{40}$"))] String);

impl From<Address> for Account {
    fn from(address: Address) -> Self {
        Self(address.to_string())
    }
}

impl Account {
    /// None for the zero address.
    pub(crate) fn or_none(address: Address) -> Option<Self> {
        (!address.is_zero()).then(|| address.into())
    }
}

/// 32 bytes in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Hash(#[schemars(regex(pattern = r"^0x[0-9a-f]{64}$"))] String);

impl From<B256> for Hash {
    fn from(hash: B256) -> Self {
        Self(hash.to_string())
    }
}

/// An asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) enum AssetName {
    #[serde(rename = "ETH")]
    Eth,
    #[serde(rename = "stETH")]
    StEth,
    #[serde(rename = "wstETH")]
    WstEth,
}

impl From<Asset> for AssetName {
    fn from(asset: Asset) -> Self {
        match asset {
            Asset::Eth => Self::Eth,
            Asset::StEth => Self::StEth,
            Asset::WstEth => Self::WstEth,
        }
    }
}

/// A value for each asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ByAsset<T> {
    #[serde(rename = "ETH")]
    eth: T,
    #[serde(rename = "stETH")]
    steth: T,
    #[serde(rename = "wstETH")]
    wsteth: T,
}

impl<S: Copy, T: From<S>> From<PerAsset<S>> for ByAsset<T> {
    fn from(all: PerAsset<S>) -> Self {
        let [eth, steth, wsteth] = Asset::ALL.map(|asset| all[asset].into());
        Self { eth, steth, wsteth }
    }
}

/// Why a rescue ended; the names are stable.
pub(crate) const fn end_reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::NoThresholdMet => "NoThresholdMet",
        EndReason::EndedByGuardian => "EndedByGuardian",
        EndReason::RateUnreadable => "RateUnreadable",
        EndReason::StoppedByGuardian => "StoppedByGuardian",
        EndReason::Vetoed => "Vetoed",
        EndReason::Lapsed => "Lapsed",
    }
}

/// One kind of pledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TierJson {
    /// The coverage below which the tier is not drawn, as a share of the target.
    threshold_bps: u16,
    /// 0 is drawn first.
    draw_order: u8,
    /// Simple yearly interest; 0 for a grant.
    rate_bps: u16,
}

impl From<&Tier> for TierJson {
    fn from(tier: &Tier) -> Self {
        Self { threshold_bps: tier.threshold.get(), draw_order: tier.draw_order, rate_bps: tier.rate.get() }
    }
}

/// The terms of a rescue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TermsJson {
    beneficiary: Account,
    guardian: Option<Account>,
    #[serde(rename = "stETH")]
    steth: Option<Account>,
    #[serde(rename = "wstETH")]
    wsteth: Option<Account>,
    target_wei: Number,
    deadline_unix: u64,
    latest_deadline_unix: u64,
    tiers: Vec<TierJson>,
    objection_period_seconds: u32,
    /// 0 for no veto.
    veto_bps: u16,
    tranches: u8,
    tranche_interval_seconds: u32,
    release_window_seconds: u32,
    exit_window_seconds: u32,
    terms_hash: Hash,
}

impl From<&Terms> for TermsJson {
    fn from(terms: &Terms) -> Self {
        Self {
            beneficiary: terms.beneficiary.into(),
            guardian: Account::or_none(terms.guardian),
            steth: Account::or_none(terms.steth),
            wsteth: Account::or_none(terms.wsteth),
            target_wei: terms.target.into(),
            deadline_unix: terms.deadline,
            latest_deadline_unix: terms.latest_deadline,
            tiers: terms.tiers.iter().map(TierJson::from).collect(),
            objection_period_seconds: terms.objection_period,
            veto_bps: terms.veto.get(),
            tranches: terms.tranches,
            tranche_interval_seconds: terms.tranche_interval,
            release_window_seconds: terms.release_window,
            exit_window_seconds: terms.exit_window,
            terms_hash: terms.terms_hash.into(),
        }
    }
}

/// The result of `levee terms show`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TermsShown {
    /// Address of the rescue, existing or not.
    pub(crate) address: Account,
    pub(crate) chain: u64,
    /// The edition of the contracts.
    pub(crate) edition: &'static str,
    #[serde(flatten)]
    pub(crate) terms: TermsJson,
    /// The document whose Keccak-256 is the terms hash, if the file names one.
    pub(crate) document: Option<PathBuf>,
}

/// The result of `levee terms check`: if the terms are not valid, it is an error.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TermsChecked {
    pub(crate) valid: bool,
    pub(crate) chain: u64,
    pub(crate) address: Account,
    /// Warnings for pledgers.
    pub(crate) warnings: Vec<String>,
}

/// The result of `levee address`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Addresses {
    /// Address of the rescue, existing or not.
    pub(crate) address: Account,
    /// The contract that creates all of them.
    pub(crate) deployer: Account,
    /// The salt of the rescue's CREATE2 address.
    pub(crate) salt: Hash,
    pub(crate) recovery_pool: Account,
    pub(crate) bonus_pool: Account,
    pub(crate) board: Account,
}

/// An error, on stderr.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorJson {
    pub(crate) error: ErrorFacts,
}

/// What went wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorFacts {
    /// The kind of error: a stable name, whatever the message says. For a contract's refusal, the name of the
    /// contract's error.
    pub(crate) kind: String,
    /// The values that caused the error, by name, as far as there are any. Amounts are in the asset's own unit if the key
    /// has none.
    pub(crate) facts: Option<Map<String, Value>>,
    /// One sentence.
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    /// The exit code.
    pub(crate) code: u8,
    /// Advice on what to do about it.
    pub(crate) hint: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use schemars::{Schema, generate::SchemaSettings};

    use super::*;
    use crate::{
        commands::terms::tests,
        commands::{declarations::Declarations, deploy::Deployed, positions::Positions},
        declaration::SignedFile,
        page::RescueJson,
        transaction::Transactions,
    };

    fn schema<T: JsonSchema>() -> Schema {
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
    }

    /// Written by `make docs`, which sets the variable.
    #[test]
    fn the_schemas_are_those_of_the_types() {
        let all = [
            ("address", schema::<Addresses>()),
            ("declarations", schema::<Declarations>()),
            ("deploy", schema::<Deployed>()),
            ("error", schema::<ErrorJson>()),
            ("positions", schema::<Positions>()),
            ("signed-declaration", schema::<SignedFile>()),
            ("status", schema::<RescueJson>()),
            ("terms-check", schema::<TermsChecked>()),
            ("terms-show", schema::<TermsShown>()),
            ("transactions", schema::<Transactions>()),
        ];
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
        for (name, schema) in &all {
            let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
            let path = directory.join(format!("{name}.json"));
            if std::env::var_os("LEVEE_WRITE_DOCS").is_some() {
                fs::create_dir_all(&directory).unwrap();
                fs::write(&path, &text).unwrap();
            }
            let written = fs::read_to_string(&path).unwrap_or_default();
            assert!(written == text, "{} is not the schema of its type: run `make docs`", path.display());
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), all.len());
    }

    #[test]
    fn what_there_is_none_of_is_null_and_addresses_have_a_checksum() {
        let mut terms = tests::parse(&tests::text()).unwrap().terms;
        let json = serde_json::to_value(TermsJson::from(&terms)).unwrap();
        assert_eq!(json["guardian"], serde_json::Value::Null);
        assert_eq!(json["stETH"], "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84");
        assert_eq!(
            (&json["targetWei"], &json["tiers"][1]["rateBps"]),
            (&"68900000000000000000000".into(), &380.into())
        );
        (terms.steth, terms.wsteth) = (Address::ZERO, Address::ZERO);
        let json = serde_json::to_value(TermsJson::from(&terms)).unwrap();
        assert_eq!(json["wstETH"], serde_json::Value::Null);
    }
}
