//! Terms of a compact as people write them: a TOML file in human units, equivalent to the contract's [`CompactTerms`].

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, keccak256};
use levee_model::{Bps, CompactTerms, compact::CompactTermsError};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::{
    blueprint::{Blueprint, Contract},
    edition::Edition,
    network::{self, Network},
};

use super::{TextError, address, document::Document, percent, terms, time};

/// Terms of a compact, and the chain that they are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompactFile {
    /// Where they were read.
    pub path: PathBuf,
    /// Id of the chain.
    pub chain: u64,
    /// The edition of the contracts, whose escrows a call may pay into.
    pub edition: Edition,
    /// What the compact is created with.
    pub terms: CompactTerms,
    /// The document whose Keccak-256 is the terms hash; none if the hash itself is given.
    pub document: Option<PathBuf>,
}

/// The keys of the terms in a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompactToml {
    /// Id of the chain.
    pub chain: u64,
    edition: Option<Spanned<String>>,
    wsteth: Spanned<String>,
    admitter: Option<Spanned<String>>,
    guardian: Option<Spanned<String>>,
    quorum: Spanned<String>,
    max_call: Spanned<String>,
    voting_period: Spanned<String>,
    fulfill_period: Spanned<String>,
    notice_period: Spanned<String>,
    leave_window: Spanned<String>,
    seasoning: Spanned<String>,
    min_threshold: Spanned<String>,
    min_rate: Spanned<String>,
    min_objection_period: Spanned<String>,
    min_exit_window: Spanned<String>,
    max_veto: Spanned<String>,
    max_lock: Spanned<String>,
    document: Option<Spanned<String>>,
    terms_hash: Option<Spanned<String>>,
}

impl CompactToml {
    /// The terms, with addresses read by `account`, as part of a file that may have more in it, such as an edition where these name none.
    pub fn read(
        &self,
        document: &Document,
        of_file: Option<Edition>,
        account: impl Fn(&str) -> Result<Address, TextError>,
    ) -> Result<CompactFile, TextError> {
        let edition = match (&self.edition, of_file) {
            (None, Some(edition)) => edition,
            (named, _) => terms::edition(document, named.as_ref())?,
        };
        let (source, terms_hash) = terms::terms_hash(document, (&self.document, &self.terms_hash))?;
        let terms = self.terms(document, &account, (edition, terms_hash))?;
        Ok(CompactFile {
            path: document.path().to_owned(),
            chain: self.chain,
            edition,
            terms,
            document: source,
        })
    }

    fn terms(
        &self,
        document: &Document,
        account: &impl Fn(&str) -> Result<Address, TextError>,
        (edition, terms_hash): (Edition, B256),
    ) -> Result<CompactTerms, TextError> {
        let account = |key, value: &Spanned<String>| document.field(key, value, account);
        let account_or_zero =
            |key, value: &Option<_>| value.as_ref().map_or(Ok(Address::ZERO), |value| account(key, value));
        let part = |key, value| -> Result<Bps, TextError> { document.field(key, value, percent::parse) };
        let duration = |key, value| document.field(key, value, time::parse_duration);
        Ok(CompactTerms {
            wsteth: account("wsteth", &self.wsteth)?,
            escrow_code_hash: keccak256(edition.creation_code(Contract::PledgeEscrow)),
            admitter: account_or_zero("admitter", &self.admitter)?,
            guardian: account_or_zero("guardian", &self.guardian)?,
            terms_hash,
            quorum: part("quorum", &self.quorum)?,
            max_call: part("max_call", &self.max_call)?,
            voting_period: duration("voting_period", &self.voting_period)?,
            fulfill_period: duration("fulfill_period", &self.fulfill_period)?,
            notice_period: duration("notice_period", &self.notice_period)?,
            leave_window: duration("leave_window", &self.leave_window)?,
            seasoning: duration("seasoning", &self.seasoning)?,
            min_threshold: part("min_threshold", &self.min_threshold)?,
            min_rate: part("min_rate", &self.min_rate)?,
            min_objection_period: duration("min_objection_period", &self.min_objection_period)?,
            min_exit_window: duration("min_exit_window", &self.min_exit_window)?,
            max_veto: part("max_veto", &self.max_veto)?,
            max_lock: duration("max_lock", &self.max_lock)?,
        })
    }
}

impl CompactFile {
    /// Reads a file. [`check`](Self::check) says whether the contract would accept the terms.
    pub fn read(path: &Path) -> Result<Self, TextError> {
        Self::parse(&Document::read(path)?)
    }

    /// Reads terms from a document.
    pub fn parse(document: &Document) -> Result<Self, TextError> {
        let hint = "`levee compact new` writes a file with every key explained";
        let toml: CompactToml = document.parse().map_err(|error| error.hint(hint))?;
        toml.read(document, None, address::parse)
    }

    /// The compact with these terms, whether it was created yet or not.
    pub fn blueprint(&self) -> Blueprint {
        Blueprint::compact(&self.terms).in_edition(self.edition)
    }

    /// Finds the first rule that the terms violate, and refuses a token that is not Lido's, where that is known, and terms that no rescue
    /// could ever meet.
    pub fn check(&self) -> Result<(), TextError> {
        let within = |error: TextError| error.within(self.path.display());
        let checked = self.terms.check().map_err(|rule| broken_rule(&rule));
        checked.and_then(|()| self.check_lock()).and_then(|()| self.check_token()).map_err(within)
    }

    fn check_lock(&self) -> Result<(), TextError> {
        let (given, least) = (u64::from(self.terms.max_lock), self.terms.least_lock());
        if given >= least {
            return Ok(());
        }
        let [given, least] = [given, least].map(time::duration);
        Err(TextError::new(format!("no rescue could ever keep within the max_lock of {given}"))
            .hint(format!("choose more than voting, fulfillment and objections take, at least {least}; a rescue also has tranches and release windows")))
    }

    fn check_token(&self) -> Result<(), TextError> {
        if self.terms.wsteth.is_zero() {
            return Err(TextError::new("wsteth is the zero address, where no token is")
                .hint("write the address of Lido's wstETH on this chain"));
        }
        let given = self.terms.wsteth;
        network::check_wsteth(self.chain, given).map_err(|_| {
            let known = Network::of(self.chain).and_then(Network::lido);
            let hint = known
                .map_or("it is another network's: check it, and `chain`".into(), |(_, wsteth)| {
                    format!("write `{wsteth}`")
                });
            TextError::new(format!("wsteth `{given}` is not Lido's on chain {}", self.chain)).hint(hint)
        })
    }
}

/// The rules of [`CompactTerms::check`] in the units of the file, with advice.
fn broken_rule(rule: &CompactTermsError) -> TextError {
    use CompactTermsError::*;
    match *rule {
        TokenWithoutCode { .. } | EscrowCodeHashZero => TextError::new(rule.to_string()),
        QuorumOutOfBounds { quorum } => out_of_bounds("quorum", quorum)
            .hint("choose 50.01 % to 100 %; with half or less, two calls could pass against each other"),
        MaxCallOutOfBounds { max_call } => out_of_bounds("max_call", max_call).hint("choose 0.01 % to 100 %"),
        MinThresholdOutOfBounds { min_threshold } => {
            out_of_bounds("min_threshold", min_threshold).hint("choose 0.01 % to 100 %")
        }
        MaxVetoOutOfBounds { max_veto } => {
            out_of_bounds("max_veto", max_veto).hint("choose 0.01 % to 99.99 %; a called rescue must have a veto")
        }
        MaxLockZero => {
            TextError::new("max_lock is zero").hint("give the longest time that a rescue may hold money, as in `180 days`")
        }
        VotingPeriodTooShort { voting_period } => too_short("voting_period", voting_period),
        FulfillPeriodTooShort { fulfill_period } => too_short("fulfill_period", fulfill_period),
        LeaveWindowTooShort { leave_window } => too_short("leave_window", leave_window),
        MinObjectionPeriodTooShort { min_objection_period } => {
            too_short("min_objection_period", min_objection_period)
        }
        MinExitWindowTooShort { min_exit_window } => too_short("min_exit_window", min_exit_window),
        NoticePeriodTooShort { notice_period, .. } => too_short("notice_period", notice_period)
            .hint("choose more than voting_period and fulfill_period together, so that nobody can vote and be gone before the call is fulfilled"),
        SeasoningTooShort { seasoning, .. } => too_short("seasoning", seasoning)
            .hint("choose at least notice_period and leave_window together, so that members can leave before"),
    }
}

fn out_of_bounds(key: &str, part: Bps) -> TextError {
    TextError::new(format!("the {key} of {} is out of bounds", percent::percent(part)))
}

fn too_short(key: &str, seconds: u32) -> TextError {
    TextError::new(format!("the {key} of {} is too short", time::duration(seconds.into())))
        .hint("choose a day or more, so that people can act in it")
}

/// A file to start from, with every key explained.
pub fn template() -> String {
    include_str!("compact.toml").replace("@edition@", Edition::LATEST.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u32 = 86_400;

    fn text() -> String {
        let hash = format!("terms_hash = \"{}\"", B256::repeat_byte(7));
        template().replace("document = \"compact.md\"", &hash)
    }

    fn refusal(find: &str, replace: &str) -> String {
        assert!(text().contains(find), "{find}");
        let document = Document::new("compact.toml", text().replacen(find, replace, 1));
        CompactFile::parse(&document).and_then(|file| file.check()).unwrap_err().to_string()
    }

    #[test]
    fn the_template_is_accepted_and_says_what_it_says() {
        let file = CompactFile::parse(&Document::new("compact.toml", text())).unwrap();
        file.check().unwrap();
        let CompactFile { chain, edition, terms, document, .. } = file;
        assert_eq!((chain, edition, document), (1, Edition::LATEST, None));
        assert_eq!((terms.admitter, terms.guardian), (Address::ZERO, Address::ZERO));
        assert_eq!(terms.terms_hash, B256::repeat_byte(7));
        let parts = [terms.quorum, terms.max_call, terms.min_threshold, terms.min_rate, terms.max_veto];
        assert_eq!(parts, [6_000, 5_000, 10_000, 0, 4_000].map(Bps::new));
        let of_members = [terms.voting_period, terms.fulfill_period, terms.notice_period, terms.leave_window];
        assert_eq!(of_members, [3, 4, 8, 7].map(|days| days * DAY));
        let of_rescues = [terms.seasoning, terms.min_objection_period, terms.min_exit_window, terms.max_lock];
        assert_eq!(of_rescues, [15, 3, 3, 180].map(|days| days * DAY));
        let code = Edition::LATEST.creation_code(Contract::PledgeEscrow);
        assert_eq!(terms.escrow_code_hash, keccak256(code));
    }

    #[test]
    fn a_rule_that_is_broken_is_named_with_the_file() {
        let quorum = refusal("quorum = \"60 %\"", "quorum = \"50 %\"");
        assert_eq!(quorum, "compact.toml: the quorum of 50 % is out of bounds");
        let token =
            refusal("0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0", &Address::repeat_byte(9).to_string());
        assert!(token.ends_with("is not Lido's on chain 1"), "{token}");
        let unknown = refusal("quorum =", "quorums =");
        assert!(unknown.contains("quorums"), "{unknown}");
        let short = refusal("seasoning = \"15 days\"", "seasoning = \"14 days\"");
        assert_eq!(short, "compact.toml: the seasoning of 14 days is too short");
        let lock = refusal("max_lock = \"180 days\"", "max_lock = \"10 days\"");
        assert_eq!(lock, "compact.toml: no rescue could ever keep within the max_lock of 10 days");
        let zero = refusal("0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0", &Address::ZERO.to_string());
        assert_eq!(zero, "compact.toml: wsteth is the zero address, where no token is");
        let notice = refusal("notice_period = \"8 days\"", "notice_period = \"7 days\"");
        assert_eq!(notice, "compact.toml: the notice_period of 7 days is too short");
    }
}
