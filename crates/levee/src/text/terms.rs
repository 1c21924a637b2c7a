//! Terms as people write them: a TOML file in human units, equivalent to the escrow's [`Terms`].

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, keccak256};
use levee_model::{Bps, Terms, TermsError, Tier};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::{
    blueprint::Blueprint,
    display::utc,
    edition::Edition,
    error::Error,
    network::{self, Network},
};

use super::{
    TextError, address, amount,
    document::{Document, TimeText},
    file, percent, time,
};

/// Terms and the chain that they are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TermsFile {
    /// Where they were read.
    pub path: PathBuf,
    /// Id of the chain.
    pub chain: u64,
    /// The edition of the contracts: [`Edition::V1`] unless the file names another, so that an address never changes.
    pub edition: Edition,
    /// What the escrow is created with.
    pub terms: Terms,
    /// The document whose Keccak-256 is the terms hash; none if the hash itself is given.
    pub document: Option<PathBuf>,
}

/// The keys of terms in a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermsToml {
    /// Id of the chain.
    pub chain: u64,
    edition: Option<Spanned<String>>,
    beneficiary: Spanned<String>,
    guardian: Option<Spanned<String>>,
    steth: Option<Spanned<String>>,
    wsteth: Option<Spanned<String>>,
    target: Spanned<String>,
    deadline: Spanned<TimeText>,
    latest_deadline: Spanned<TimeText>,
    objection_period: Spanned<String>,
    veto: Spanned<String>,
    tranches: u8,
    tranche_interval: Spanned<String>,
    release_window: Spanned<String>,
    exit_window: Spanned<String>,
    document: Option<Spanned<String>>,
    terms_hash: Option<Spanned<String>>,
    tier: Vec<TierToml>,
}

/// One `[[tier]]` of a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierToml {
    threshold: Spanned<String>,
    order: u8,
    rate: Spanned<String>,
}

impl TierToml {
    /// The tier, in basis points.
    fn read(&self, document: &Document) -> Result<Tier, TextError> {
        Ok(Tier {
            threshold: document.field("threshold", &self.threshold, percent::parse)?,
            draw_order: self.order,
            rate: document.field("rate", &self.rate, percent::parse)?,
        })
    }
}

impl TermsToml {
    /// The edition of the contracts; the first one if none is named.
    pub fn edition(&self, document: &Document) -> Result<Edition, TextError> {
        edition(document, self.edition.as_ref())
    }

    /// The terms, with addresses read by `account`, and the document that they name.
    pub fn read(
        &self,
        document: &Document,
        account: impl Fn(&str) -> Result<Address, TextError>,
    ) -> Result<(Terms, Option<PathBuf>), TextError> {
        let (source, terms_hash) = terms_hash(document, (&self.document, &self.terms_hash))?;
        let address_or_zero = |key, value: &Option<Spanned<String>>| match value {
            Some(value) => document.field(key, value, &account),
            None => Ok(Address::ZERO),
        };
        let duration = |key, value| document.field(key, value, time::parse_duration);
        let terms = Terms {
            beneficiary: document.field("beneficiary", &self.beneficiary, &account)?,
            guardian: address_or_zero("guardian", &self.guardian)?,
            steth: address_or_zero("steth", &self.steth)?,
            wsteth: address_or_zero("wsteth", &self.wsteth)?,
            target: document.field("target", &self.target, amount::parse_eth)?,
            deadline: document.field("deadline", &self.deadline, time::parse_time)?,
            latest_deadline: document.field("latest_deadline", &self.latest_deadline, time::parse_time)?,
            tiers: self.tier.iter().map(|tier| tier.read(document)).collect::<Result<_, _>>()?,
            objection_period: duration("objection_period", &self.objection_period)?,
            veto: document.field("veto", &self.veto, percent::parse)?,
            tranches: self.tranches,
            tranche_interval: duration("tranche_interval", &self.tranche_interval)?,
            release_window: duration("release_window", &self.release_window)?,
            exit_window: duration("exit_window", &self.exit_window)?,
            terms_hash,
        };
        Ok((terms, source))
    }
}

impl TermsFile {
    /// Reads a terms file. [`check`](Self::check) says whether the escrow would accept the terms.
    pub fn read(path: &Path) -> Result<Self, TextError> {
        Self::parse(&Document::read(path)?)
    }

    /// Reads terms from a document.
    pub fn parse(document: &Document) -> Result<Self, TextError> {
        let toml: TermsToml = document.parse()?;
        let (terms, source) = toml.read(document, address::parse)?;
        let (path, edition) = (document.path().to_owned(), toml.edition(document)?);
        Ok(Self { path, chain: toml.chain, edition, terms, document: source })
    }

    /// The escrow with these terms, whether it was created yet or not.
    ///
    /// # Errors
    /// [`Error::Unencodable`] if a deadline exceeds what the contract can hold.
    pub fn escrow(&self) -> Result<Blueprint, Error> {
        Ok(Blueprint::escrow(&self.terms)?.in_edition(self.edition))
    }

    /// Its address.
    ///
    /// # Errors
    /// Like [`escrow`](Self::escrow).
    pub fn address(&self) -> Result<Address, Error> {
        Ok(self.escrow()?.address())
    }

    /// Finds the first rule that the terms violate if the escrow is created at `now`.
    pub fn check(&self, now: u64) -> Result<(), TextError> {
        self.terms.check(now).map_err(|error| broken_rule(&error, now).within(self.path.display()))?;
        self.check_tokens().map_err(|error| error.within(self.path.display()))
    }

    /// The client refuses rescues with tokens other than Lido's, where these are known.
    fn check_tokens(&self) -> Result<(), TextError> {
        let (steth, wsteth) = (self.terms.steth, self.terms.wsteth);
        network::check_tokens(self.chain, &self.terms).map_err(|_| {
            let error =
                format!("steth `{steth}` and wsteth `{wsteth}` are not Lido's on chain {}", self.chain);
            TextError::new(error).hint(match Network::of(self.chain).and_then(Network::lido) {
                Some((steth, wsteth)) => format!("write `{steth}` and `{wsteth}`"),
                None => "they are on another network, as `levee networks` shows: check the chain".into(),
            })
        })
    }
}

/// The document and its hash, or the hash that is given.
pub(super) fn terms_hash(
    document: &Document,
    given: (&Option<Spanned<String>>, &Option<Spanned<String>>),
) -> Result<(Option<PathBuf>, B256), TextError> {
    match given {
        (Some(path), None) => {
            let path = document.resolve(path.get_ref());
            Ok((Some(path.clone()), hash_of_file(&path)?))
        }
        (None, Some(hash)) => Ok((None, document.field("terms_hash", hash, parse_hash)?)),
        (both, _) => {
            let found = if both.is_some() { "both" } else { "neither" };
            Err(TextError::new(format!("{found} of document and terms_hash are given"))
                .within(document.path().display())
                .hint("give the document, as in `document = \"terms.md\"`, or its Keccak-256 as terms_hash"))
        }
    }
}

/// Keccak-256 of a file's bytes.
pub fn hash_of_file(path: &Path) -> Result<B256, TextError> {
    file::document(path).map(keccak256)
}

/// The edition of the contracts that a document names; the first one if it names none.
pub(super) fn edition(document: &Document, named: Option<&Spanned<String>>) -> Result<Edition, TextError> {
    named.map_or(Ok(Edition::V1), |edition| document.field("edition", edition, parse_edition))
}

/// Reads the name of an edition.
fn parse_edition(name: &str) -> Result<Edition, TextError> {
    Edition::named(name).ok_or_else(|| {
        let names: Vec<_> = Edition::ALL.iter().map(|edition| edition.name()).collect();
        TextError::new(format!("there is no edition `{name}` of the contracts"))
            .hint(format!("this version of Levee knows {}", names.join(", ")))
    })
}

/// Reads a hash.
pub fn parse_hash(text: &str) -> Result<B256, TextError> {
    let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with("0x"));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        TextError::new(format!("`{text}` is not a hash")).hint("a hash is `0x` and 64 hexadecimal digits")
    })
}

/// The rules of [`Terms::check`] in the units of the file, with advice. Tiers are counted from 0, as
/// everywhere.
fn broken_rule(error: &TermsError, now: u64) -> TextError {
    use TermsError::*;
    let (message, hint) = match *error {
        BeneficiaryZero => {
            ("beneficiary is the zero address".into(), "name the address that the draw goes to")
        }
        TokensMismatch { .. } => (
            "only one of steth and wsteth is given".into(),
            "give both, or leave both out for an ETH-only rescue",
        ),
        TargetOutOfBounds { target } => (
            format!("the target of {} is out of bounds", amount::eth_and_wei(target)),
            "it must be at least 10^9 wei and fit in 96 bits",
        ),
        DeadlinePassed { deadline, .. } => (
            format!("the deadline {} has passed", time::time_from(deadline, now)),
            "choose a time in the future",
        ),
        LatestDeadlineTooEarly { latest_deadline, deadline } => (
            format!("the latest_deadline {} is before the deadline {}", utc(latest_deadline), utc(deadline)),
            "choose a later time, or the deadline itself so that no amendment can postpone it",
        ),
        TierCountOutOfBounds { count } => {
            (format!("there are {count} tiers"), "write 1 to 8 `[[tier]]` sections")
        }
        ThresholdOutOfOrder { tier, threshold, previous } => (
            out_of_order(tier, threshold, previous),
            "sort the tiers by ascending threshold, each above 0 % and at most 100 %",
        ),
        LastThresholdNotFull { threshold } => (
            format!("the last tier has a threshold of {}", percent::percent(threshold)),
            "the last tier's threshold must be `100 %`",
        ),
        RatesDiffer { tier, other } => (
            format!("tiers {other} and {tier} have the same order but different rates"),
            "tiers of one order are drawn together: give them one rate, or another order",
        ),
        ObjectionPeriodZero => (
            "objection_period is zero".into(),
            "give pledgers time before the first tranche, as in `3 days`; nothing is due in the block that settles",
        ),
        VetoOutOfBounds { veto } => (
            format!("the veto of {} is not below 100 %", percent::percent(veto)),
            "choose less, because weights are rounded down; `0 %` means no veto",
        ),
        TranchesOutOfBounds { tranches } => (format!("there are {tranches} tranches"), "choose 1 to 64"),
        TrancheIntervalZero { tranches } => (
            format!("{tranches} tranches have a tranche_interval of zero"),
            "give the time between two, as in `7 days`, or choose one tranche",
        ),
        WindowZero { .. } => (
            "release_window or exit_window is zero".into(),
            "give the beneficiary and the pledgers time, as in `14 days`",
        ),
    };
    TextError::new(message).hint(hint)
}

fn out_of_order(tier: usize, threshold: Bps, previous: Bps) -> String {
    let threshold_text = percent::percent(threshold);
    if tier > 0 && threshold < previous {
        let previous = percent::percent(previous);
        return format!(
            "tier {tier} has a threshold of {threshold_text}, below the {previous} of the tier before"
        );
    }
    format!("tier {tier} has a threshold of {threshold_text}, not above 0 % and at most 100 %")
}

/// A terms file to start from, with every key explained. `deadline` is in Unix seconds.
pub fn template(deadline: u64) -> String {
    let template = include_str!("template.toml").replace("@deadline@", &utc(deadline));
    template.replace("@edition@", Edition::LATEST.name())
}

/// For tests only: the template with a beneficiary and the hash of its document.
#[cfg(feature = "test-edition")]
pub fn filled_template(deadline: u64) -> String {
    template(deadline)
        .replace("0x0000000000000000000000000000000000000000", &Address::repeat_byte(0xbe).to_string())
        .replace("document = \"terms.md\"", &format!("terms_hash = \"{}\"", B256::repeat_byte(7)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::Wei;

    const NOW: u64 = 1_785_542_400;

    fn text() -> String {
        filled_template(NOW + 86_400)
    }

    fn parse(text: &str) -> Result<TermsFile, TextError> {
        TermsFile::parse(&Document::new("rescue.toml", text))
    }

    fn refusal(find: &str, replace: &str) -> String {
        assert!(text().contains(find), "{find}");
        let read = parse(&text().replacen(find, replace, 1));
        read.and_then(|file| file.check(NOW)).unwrap_err().to_string()
    }

    #[test]
    fn the_template_filled_in_is_accepted_and_says_what_it_says() {
        let file = parse(&text()).unwrap();
        file.check(NOW).unwrap();
        assert_eq!(file.chain, 1);
        assert_eq!((file.document, file.edition), (None, Edition::LATEST));
        let terms = file.terms;
        assert_eq!(terms.beneficiary, Address::repeat_byte(0xbe));
        assert_eq!(terms.guardian, Address::ZERO);
        assert_eq!(terms.target, Wei::new(68_900 * 10u128.pow(18)));
        assert_eq!((terms.deadline, terms.latest_deadline), (NOW + 86_400, NOW + 86_400));
        assert_eq!((terms.objection_period, terms.release_window), (259_200, 2_592_000));
        assert_eq!((terms.tranches, terms.tranche_interval), (4, 604_800));
        assert_eq!((terms.veto, terms.exit_window), (Bps::new(3_300), 259_200));
        assert_eq!(terms.terms_hash, B256::repeat_byte(7));
        let tier = |threshold, draw_order, rate| Tier {
            threshold: Bps::new(threshold),
            draw_order,
            rate: Bps::new(rate),
        };
        assert_eq!(terms.tiers, [tier(5_000, 0, 0), tier(5_000, 1, 380), tier(10_000, 0, 0)]);
    }

    #[test]
    fn a_file_that_names_no_edition_is_of_the_first_for_good() {
        let named = format!("edition = \"{}\"\n", Edition::LATEST);
        assert!(text().contains(&named));
        assert_eq!(parse(&text().replace(&named, "")).unwrap().edition, Edition::V1);
        let other = parse(&text().replace(&named, "edition = \"test\"\n")).unwrap();
        assert_eq!(other.edition, Edition::Test);
        let first = TermsFile { edition: Edition::V1, ..other.clone() };
        assert_ne!(first.address().unwrap(), other.address().unwrap());
    }

    #[test]
    fn the_template_as_it_is_names_what_must_be_filled_in() {
        let text = text().replace(&Address::repeat_byte(0xbe).to_string(), &Address::ZERO.to_string());
        let error = parse(&text).unwrap().check(NOW).unwrap_err().to_string();
        assert_eq!(error, "rescue.toml: beneficiary is the zero address");
    }

    #[test]
    fn broken_rules_are_told_in_the_units_of_the_file() {
        let cases = [
            ("68900 ETH", "1 wei", "the target of 0.000000000000000001 ETH (1 wei) is out of bounds"),
            (
                "threshold = \"5",
                "threshold = \"6",
                "tier 1 has a threshold of 50 %, below the 60 % of the tier before",
            ),
            (
                "threshold = \"50",
                "threshold = \"0",
                "tier 0 has a threshold of 0 %, not above 0 % and at most 100 %",
            ),
            ("threshold = \"100 %\"", "threshold = \"99.5 %\"", "the last tier has a threshold of 99.5 %"),
            (
                "\nsteth = \"0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84\"",
                "\nsteth = \"0x00000000000000000000000000000000000000be\"",
                "steth `0x00000000000000000000000000000000000000Be` and wsteth \
                 `0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0` are not Lido's on chain 1",
            ),
            (
                "chain = 1\n",
                "chain = 560048\n",
                "steth `0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84` and wsteth \
                 `0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0` are not Lido's on chain 560048",
            ),
            (
                "chain = 1\n",
                "chain = 10\n",
                "steth `0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84` and wsteth \
                 `0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0` are not Lido's on chain 10",
            ),
            ("order = 1", "order = 0", "tiers 0 and 1 have the same order but different rates"),
            (
                "\nlatest_deadline = \"2026-08-02T00:00:00Z\"",
                "\nlatest_deadline = \"2026-08-01T23:59:59Z\"",
                "the latest_deadline 2026-08-01T23:59:59Z is before the deadline 2026-08-02T00:00:00Z",
            ),
            ("objection_period = \"3 days\"", "objection_period = \"0 days\"", "objection_period is zero"),
            ("\"33 %\"", "\"100 %\"", "the veto of 100 % is not below 100 %"),
            ("\"7 days\"", "\"0 days\"", "4 tranches have a tranche_interval of zero"),
            ("tranches = 4", "tranches = 65", "there are 65 tranches"),
            ("exit_window = \"3 days\"", "exit_window = \"0 days\"", "release_window or exit_window is zero"),
        ];
        for (find, replace, message) in cases {
            assert_eq!(refusal(find, replace), format!("rescue.toml: {message}"));
        }
        let late = parse(&text()).unwrap().check(NOW + 86_400).unwrap_err().to_string();
        assert_eq!(late, "rescue.toml: the deadline 2026-08-02T00:00:00Z (now) has passed");
    }

    #[test]
    fn values_that_cannot_be_read_are_told_with_their_line() {
        let message = refusal("68900 ETH", "68900 stETH");
        assert!(message.ends_with(": target: `68900 stETH` is an amount of stETH, not of ETH"), "{message}");
        let message = refusal("chain = 1", "chain = 1\nrpc_url = \"http://localhost\"");
        assert!(message.contains("unknown field `rpc_url`"), "{message}");
        let hash = format!("terms_hash = \"{}\"", B256::repeat_byte(7));
        assert_eq!(refusal(&hash, ""), "rescue.toml: neither of document and terms_hash are given");
        let both = format!("{hash}\ndocument = \"terms.md\"");
        assert_eq!(refusal(&hash, &both), "rescue.toml: both of document and terms_hash are given");
    }

    #[test]
    fn the_terms_hash_is_that_of_the_document_beside_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rescue.toml");
        let hash = format!("terms_hash = \"{}\"", B256::repeat_byte(7));
        std::fs::write(&path, text().replace(&hash, "document = \"terms.md\"")).unwrap();
        let missing = TermsFile::read(&path).unwrap_err().to_string();
        assert!(missing.contains("terms.md` cannot be read"), "{missing}");
        std::fs::write(dir.path().join("terms.md"), "hello").unwrap();
        let file = TermsFile::read(&path).unwrap();
        let hello = "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8";
        assert_eq!(file.terms.terms_hash.to_string(), hello);
        assert_eq!(file.document, Some(dir.path().join("terms.md")));
    }
}
