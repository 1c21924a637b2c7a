//! How a step is read: which keys its kind accepts, and their meaning.

use levee::Stage;
use levee_model::{Asset, Operation, Route, Units, Wei};
use toml::Spanned;

use super::{
    cast::{self, ANYONE, GUARDIAN},
    compact::Deed,
    format::StepToml,
    lido::LidoChange,
    reader::Reader,
    step::{Action, Collect, Declare, Knows, Positions, Step, take_back},
    when::When,
};
use crate::{
    amount::{self, Amount},
    error::UserError,
    percent, time,
};

/// Every kind of step, with its allowed keys apart from `at`, `fails` and `note`.
const STEPS: [(&str, &[&str]); 38] = [
    ("pledge", &["who", "amount", "tier", "with", "amendment"]),
    ("settle", &[]),
    ("release", &["asset"]),
    ("refund", &["who", "tier", "asset"]),
    ("exit", &["who", "tier", "asset"]),
    ("object", &["who", "tier", "asset"]),
    ("collect", &["who", "asset", "to"]),
    ("cancel", &["by"]),
    ("lapse", &[]),
    ("expire", &[]),
    ("decline", &["by", "who", "tier", "asset"]),
    ("amend", &["by", "target", "deadline"]),
    ("recover", &["by", "amount"]),
    ("claim", &["who", "tier", "asset"]),
    ("bonus add", &["who", "amount"]),
    ("bonus enlist", &["who", "tier", "asset"]),
    ("bonus claim", &["who", "tier", "asset"]),
    ("bonus take back", &["who"]),
    ("declare", &["who", "by", "stage", "tier", "amount", "expiry", "link"]),
    ("rebase", &["rate"]),
    ("pause", &[]),
    ("resume", &[]),
    ("break", &[]),
    ("repair", &[]),
    ("refuse", &["who"]),
    ("wait", &[]),
    ("commit", &["who", "amount"]),
    ("take back", &["who"]),
    ("activate", &["who"]),
    ("notice", &["who", "amount"]),
    ("leave", &["who"]),
    ("approver", &["who", "to"]),
    ("propose", &["who", "by", "tier", "part"]),
    ("approve", &["who", "by", "call"]),
    ("withdraw", &["who", "call"]),
    ("fulfill", &["who", "call"]),
    ("premium", &["by", "amount"]),
    ("claim premium", &["who"]),
];

impl Step {
    /// Reads a step: `do` determines which keys it needs, and no others are accepted.
    pub(crate) fn read(reader: &Reader<'_>, toml: &StepToml) -> Result<Self, UserError> {
        let keys = Keys { reader, toml };
        let kind = keys.known_kind()?;
        let when = toml.at.as_ref().map(|at| reader.document.field("at", at, When::parse)).transpose()?;
        Ok(Self {
            when,
            kind,
            action: keys.action()?,
            fails: toml.fails.clone(),
            note: toml.note.clone(),
            place: reader.document.place(toml.kind.span().start),
        })
    }
}

/// The keys of one step.
struct Keys<'a> {
    reader: &'a Reader<'a>,
    toml: &'a StepToml,
}

impl Keys<'_> {
    /// The kind. Fails on an unknown one, and on a key that it does not accept.
    fn known_kind(&self) -> Result<&'static str, UserError> {
        let Some((kind, allowed)) = STEPS.iter().find(|(kind, _)| *kind == self.kind()) else {
            let all = STEPS.map(|(kind, _)| kind).join(", ");
            return Err(self.error(format!("`{}` is not a step", self.kind()), &format!("they are {all}")));
        };
        match self.given().into_iter().find(|key| !allowed.contains(key)) {
            Some(key) => Err(self.error(format!("`{kind}` does not take {key}"), "leave it out")),
            None => Ok(kind),
        }
    }

    /// The names of the keys that the step has.
    fn given(&self) -> Vec<&'static str> {
        let StepToml {
            who,
            by,
            amount,
            tier,
            asset,
            target,
            deadline,
            rate,
            with,
            amendment,
            to,
            stage,
            expiry,
            link,
            part,
            call,
            ..
        } = self.toml;
        let all = [
            ("who", who.is_some()),
            ("by", by.is_some()),
            ("amount", amount.is_some()),
            ("tier", tier.is_some()),
            ("asset", asset.is_some()),
            ("target", target.is_some()),
            ("deadline", deadline.is_some()),
            ("rate", rate.is_some()),
            ("with", with.is_some()),
            ("amendment", amendment.is_some()),
            ("to", to.is_some()),
            ("stage", stage.is_some()),
            ("expiry", expiry.is_some()),
            ("link", link.is_some()),
            ("part", part.is_some()),
            ("call", call.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect()
    }

    fn kind(&self) -> &str {
        self.toml.kind.get_ref()
    }

    /// An error located at the step.
    fn error(&self, message: String, hint: &str) -> UserError {
        let refuse = |_: &str| Err::<(), _>(UserError::new(message).hint(hint));
        match self.reader.document.field("do", &self.toml.kind, refuse) {
            Err(error) => error,
            Ok(()) => unreachable!("it only refuses"),
        }
    }

    /// What the step does.
    fn action(&self) -> Result<Action, UserError> {
        let call = |by: &str, operation| Action::Call { by: by.to_owned(), operation };
        Ok(match self.kind() {
            "pledge" => self.pledge()?,
            "settle" => call(ANYONE, Operation::Settle),
            "expire" => call(ANYONE, Operation::Expire),
            "lapse" => call(ANYONE, Operation::Lapse),
            "release" => match self.asset()? {
                Some(asset) => call(ANYONE, Operation::Release(asset)),
                None => Action::ReleaseAll,
            },
            "refund" => Action::Refund(self.positions()?),
            "exit" => Action::Exit(self.own_positions()?),
            "object" => Action::Object(self.own_positions()?),
            "collect" => Action::Collect(self.collect()?),
            "decline" => Action::Decline { by: self.by()?, positions: self.own_positions()? },
            "cancel" => call(&self.by()?, Operation::Cancel),
            "amend" => self.amend()?,
            "recover" => {
                Action::Recover { by: self.name_if_given("by", &self.toml.by)?, amount: self.eth()? }
            }
            "claim" => Action::Claim(self.positions()?),
            "declare" => Action::Declare(self.declare()?),
            _ => self.action_around()?,
        })
    }

    /// Of the bonus pool, of stETH, of an account or of time alone.
    fn action_around(&self) -> Result<Action, UserError> {
        Ok(match self.kind() {
            "bonus add" => {
                let (by, amount) = (self.name("who", &self.toml.who)?, self.eth()?);
                let operation = Operation::AddBonus { sponsor: cast::address(&by), amount };
                Action::Call { by, operation }
            }
            "bonus enlist" => Action::Enlist(self.positions()?),
            "bonus claim" => Action::ClaimBonus(self.positions()?),
            "bonus take back" => match self.name_if_given("who", &self.toml.who)? {
                Some(by) => Action::Call { operation: take_back(&by), by },
                None => Action::TakeBackAll,
            },
            "rebase" => {
                Action::Lido(LidoChange::Rebase(self.read("rate", &self.toml.rate, amount::parse_rate)?))
            }
            "pause" => Action::Lido(LidoChange::Pause),
            "resume" => Action::Lido(LidoChange::Resume),
            "break" => Action::Lido(LidoChange::Break),
            "repair" => Action::Lido(LidoChange::Repair),
            "refuse" => Action::Refuse { who: self.name("who", &self.toml.who)? },
            "wait" => Action::Wait,
            _ => Action::Compact(self.deed()?),
        })
    }

    /// Of the compact.
    fn deed(&self) -> Result<Deed, UserError> {
        let who = || self.name("who", &self.toml.who);
        let who_if_given = || self.name_if_given("who", &self.toml.who);
        let by = || self.name_if_given("by", &self.toml.by);
        let call = || self.required("call", self.toml.call);
        Ok(match self.kind() {
            "commit" => Deed::Commit { who: who()?, amount: self.wsteth()? },
            "take back" => Deed::TakeBack { who: who()? },
            "activate" => Deed::Activate { who: who_if_given()? },
            "notice" => Deed::Notice { who: who()?, amount: self.wsteth()? },
            "leave" => Deed::Leave { who: who()? },
            "approver" => Deed::NameApprover { who: who()?, to: self.name("to", &self.toml.to)? },
            "propose" => Deed::Propose {
                who: who()?,
                by: by()?,
                tier: self.required("tier", self.tier()?)?,
                part: self.read("part", &self.toml.part, percent::parse)?,
            },
            "approve" => Deed::Approve { who: who()?, by: by()?, call: call()? },
            "withdraw" => Deed::Withdraw { who: who()?, call: call()? },
            "fulfill" => Deed::Fulfill { who: who_if_given()?, call: call()? },
            "premium" => Deed::Premium { by: self.name("by", &self.toml.by)?, amount: self.wsteth()? },
            _ => Deed::ClaimPremium { who: who_if_given()? },
        })
    }

    /// An amount of a compact's one asset.
    fn wsteth(&self) -> Result<Units, UserError> {
        self.read("amount", &self.toml.amount, |text| match Amount::parse(text)? {
            Amount::WstEth(units) => Ok(units),
            other => {
                Err(UserError::new(format!("`{text}` is an amount of {}, not of wstETH", other.asset()))
                    .hint("a compact holds wstETH: write the amount as in `25 wstETH`"))
            }
        })
    }

    fn pledge(&self) -> Result<Action, UserError> {
        let (who, tier) = (self.name("who", &self.toml.who)?, self.required("tier", self.tier()?)?);
        let amount = self.read("amount", &self.toml.amount, Amount::parse)?;
        let route = match &self.toml.with {
            Some(with) => self.reader.document.field("with", with, |text| parse_route(text, amount))?,
            None => Route::Direct,
        };
        let amendment = self.toml.amendment.as_ref();
        let knows = amendment.map(|text| self.reader.document.field("amendment", text, parse_knows));
        Ok(Action::Pledge { who, tier, amount, route, knows: knows.transpose()?.unwrap_or(Knows::Latest) })
    }

    fn collect(&self) -> Result<Collect, UserError> {
        let who = self.name("who", &self.toml.who)?;
        Ok(Collect { who, asset: self.asset()?, to: self.name_if_given("to", &self.toml.to)? })
    }

    fn declare(&self) -> Result<Declare, UserError> {
        let document = self.reader.document;
        let amount = self.toml.amount.as_ref().map(|_| self.eth()).transpose()?;
        // To the board, zero is unknown.
        let amount = amount.filter(|amount| !amount.is_zero());
        let expiry = self.toml.expiry.as_ref();
        let link = self.toml.link.as_ref();
        Ok(Declare {
            who: self.name("who", &self.toml.who)?,
            by: self.name_if_given("by", &self.toml.by)?,
            stage: self.read("stage", &self.toml.stage, parse_stage)?,
            tier: self.required("tier", self.tier()?)?,
            amount,
            expiry: expiry.map(|expiry| document.field("expiry", expiry, When::parse)).transpose()?,
            link: link.map_or_else(String::new, |link| link.get_ref().clone()),
        })
    }

    fn amend(&self) -> Result<Action, UserError> {
        let deadline = self.toml.deadline.as_ref();
        Ok(Action::Amend {
            by: self.by()?,
            target: self.read("target", &self.toml.target, amount::parse_eth)?,
            deadline: deadline
                .map(|time| self.reader.document.field("deadline", time, time::parse_time))
                .transpose()?,
        })
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, UserError> {
        value.ok_or_else(|| self.error(format!("`{}` needs {key}", self.kind()), "add it to the step"))
    }

    fn read<T>(
        &self,
        key: &str,
        value: &Option<Spanned<String>>,
        parse: impl FnOnce(&str) -> Result<T, UserError>,
    ) -> Result<T, UserError> {
        let value = self.required(key, value.as_ref())?;
        self.reader.document.field(key, value, parse)
    }

    fn name(&self, key: &str, value: &Option<Spanned<String>>) -> Result<String, UserError> {
        self.read(key, value, |name| self.reader.cast.find(name))
    }

    fn name_if_given(&self, key: &str, value: &Option<Spanned<String>>) -> Result<Option<String>, UserError> {
        value.as_ref().map(|_| self.name(key, value)).transpose()
    }

    fn eth(&self) -> Result<Wei, UserError> {
        self.read("amount", &self.toml.amount, amount::parse_eth)
    }

    /// Who makes a call reserved to the guardian.
    fn by(&self) -> Result<String, UserError> {
        Ok(self.name_if_given("by", &self.toml.by)?.unwrap_or_else(|| GUARDIAN.to_owned()))
    }

    fn tier(&self) -> Result<Option<u8>, UserError> {
        let Some(tier) = &self.toml.tier else { return Ok(None) };
        self.reader
            .tier(&tier.get_ref().to_string())
            .map(Some)
            .map_err(|error| error.within(self.reader.document.place(tier.span().start)))
    }

    fn asset(&self) -> Result<Option<Asset>, UserError> {
        let asset = self.toml.asset.as_ref();
        asset.map(|asset| self.reader.document.field("asset", asset, amount::parse_asset)).transpose()
    }

    fn positions(&self) -> Result<Positions, UserError> {
        let who = self.name_if_given("who", &self.toml.who)?;
        Ok(Positions { who, tier: self.tier()?, asset: self.asset()? })
    }

    /// Positions of a contributor that must be named.
    fn own_positions(&self) -> Result<Positions, UserError> {
        self.required("who", self.toml.who.as_ref())?;
        self.positions()
    }
}

/// Reads how `amount` gets to the escrow. Every rehearsal has a bonus pool, so the router enlists what it brings.
fn parse_route(text: &str, amount: Amount) -> Result<Route, UserError> {
    match (text, amount.asset()) {
        ("router", Asset::Eth) => Ok(Route::Router { enlist: true }),
        ("WETH", Asset::Eth) => Ok(Route::Weth { enlist: true }),
        ("permit", Asset::StEth | Asset::WstEth) => Ok(Route::Router { enlist: true }),
        (_, asset) => Err(UserError::new(format!("{asset} cannot be pledged with `{text}`"))
            .hint("write `router` or `WETH` for ETH, `permit` for stETH and wstETH, or leave it out")),
    }
}

/// Reads which amendment a pledge names.
fn parse_knows(text: &str) -> Result<Knows, UserError> {
    match text {
        "latest" => Ok(Knows::Latest),
        "none" => Ok(Knows::Nothing),
        _ => Err(UserError::new(format!("`{text}` is not an amendment that a pledge can name"))
            .hint("write `latest`, or `none` for a pledge that was decided before there was an amendment")),
    }
}

/// Reads the stage of a declaration.
fn parse_stage(text: &str) -> Result<Stage, UserError> {
    Stage::ALL.into_iter().find(|stage| stage.to_string() == text).ok_or_else(|| {
        let all = Stage::ALL.map(|stage| stage.to_string()).join(", ");
        UserError::new(format!("`{text}` is not a stage")).hint(format!("they are {all}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{cast::Cast, when::Anchor};
    use super::*;
    use crate::document::Document;

    fn read(text: &str) -> Result<Step, String> {
        let document = Document::new("s.toml", text);
        let cast = Cast::new(vec!["Ada".to_owned()]).unwrap();
        let tier_names = ["grant".to_owned(), "loan".to_owned()];
        let reader = Reader { document: &document, cast: &cast, tier_names: &tier_names };
        let toml: StepToml = document.parse().map_err(|error| error.to_string())?;
        Step::read(&reader, &toml).map_err(|error| error.to_string())
    }

    #[test]
    fn a_pledge_names_its_tier_by_name_or_number() {
        for tier in ["\"loan\"", "1"] {
            let step =
                read(&format!("do = \"pledge\"\nwho = \"Ada\"\namount = \"5 ETH\"\ntier = {tier}")).unwrap();
            let amount = Amount::Eth(Wei::new(5 * 10u128.pow(18)));
            let who = "Ada".to_owned();
            let (route, knows) = (Route::Direct, Knows::Latest);
            assert_eq!(step.action, Action::Pledge { who, tier: 1, amount, route, knows });
            assert_eq!(
                (step.kind, step.when, step.fails, step.place.as_str()),
                ("pledge", None, None, "s.toml:1")
            );
        }
    }

    #[test]
    fn only_the_guardian_decides_unless_somebody_else_tries() {
        let cancel = |by: &str| Action::Call { by: by.to_owned(), operation: Operation::Cancel };
        assert_eq!(read("do = \"cancel\"").unwrap().action, cancel("guardian"));
        assert_eq!(read("do = \"cancel\"\nby = \"Ada\"").unwrap().action, cancel("Ada"));
    }

    #[test]
    fn what_is_around_the_core_is_read_too() {
        let five = Wei::new(5 * 10u128.pow(18));
        let recover = |by: Option<&str>| Action::Recover { by: by.map(str::to_owned), amount: five };
        assert_eq!(read("do = \"recover\"\namount = \"5 ETH\"").unwrap().action, recover(None));
        assert_eq!(
            read("do = \"recover\"\nby = \"Ada\"\namount = \"5 ETH\"").unwrap().action,
            recover(Some("Ada"))
        );
        let all = Positions { who: None, tier: None, asset: None };
        assert_eq!(read("do = \"claim\"").unwrap().action, Action::Claim(all));
        let one = Positions { who: None, tier: Some(1), asset: Some(Asset::Eth) };
        let text = "do = \"bonus claim\"\ntier = \"loan\"\nasset = \"ETH\"";
        assert_eq!(read(text).unwrap().action, Action::ClaimBonus(one));
        let enlist = Action::Enlist(Positions { who: None, tier: None, asset: None });
        assert_eq!(read("do = \"bonus enlist\"").unwrap().action, enlist);
        let call = |by: &str, operation| Action::Call { by: by.to_owned(), operation };
        assert_eq!(read("do = \"bonus take back\"").unwrap().action, Action::TakeBackAll);
        let take_back = Operation::TakeBack { sponsor: cast::address("Ada") };
        let text = "do = \"bonus take back\"\nwho = \"Ada\"";
        assert_eq!(read(text).unwrap().action, call("Ada", take_back));
        let add = Operation::AddBonus { sponsor: cast::address("Ada"), amount: five };
        let text = "do = \"bonus add\"\nwho = \"Ada\"\namount = \"5 ETH\"";
        assert_eq!(read(text).unwrap().action, call("Ada", add));
    }

    #[test]
    fn one_asset_is_released_or_each() {
        assert_eq!(read("do = \"release\"").unwrap().action, Action::ReleaseAll);
        let action = read("do = \"release\"\nasset = \"stETH\"").unwrap().action;
        let operation = Operation::Release(Asset::StEth);
        assert_eq!(action, Action::Call { by: ANYONE.to_owned(), operation });
    }

    #[test]
    fn a_pledge_may_know_of_no_amendment() {
        let knows = |amendment: &str| {
            let text = format!("do = \"pledge\"\nwho = \"Ada\"\namount = \"5 ETH\"\ntier = 0\n{amendment}");
            match read(&text).unwrap().action {
                Action::Pledge { knows, .. } => knows,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(knows(""), Knows::Latest);
        assert_eq!(knows("amendment = \"latest\""), Knows::Latest);
        assert_eq!(knows("amendment = \"none\""), Knows::Nothing);
    }

    #[test]
    fn what_is_owed_goes_to_the_pledger_or_where_it_says() {
        let collect = |asset, to: Option<&str>| {
            Action::Collect(Collect { who: "Ada".to_owned(), asset, to: to.map(str::to_owned) })
        };
        let text = "do = \"collect\"\nwho = \"Ada\"";
        assert_eq!(read(text).unwrap().action, collect(None, None));
        let to = format!("{text}\nasset = \"stETH\"\nto = \"guardian\"");
        assert_eq!(read(&to).unwrap().action, collect(Some(Asset::StEth), Some("guardian")));
    }

    #[test]
    fn a_declaration_may_leave_open_how_much_and_until_when() {
        let text = "do = \"declare\"\nwho = \"Ada\"\nstage = \"Expressed\"\ntier = \"loan\"";
        let who = "Ada".to_owned();
        let (stage, tier, link) = (Stage::Expressed, 1, String::new());
        let open = Declare { who, by: None, stage, tier, amount: None, expiry: None, link };
        assert_eq!(read(text).unwrap().action, Action::Declare(open));
        let more = "by = \"guardian\"\namount = \"5 ETH\"\nexpiry = \"start\"\nlink = \"l\"";
        let Action::Declare(full) = read(&format!("{text}\n{more}")).unwrap().action else {
            panic!("it declares")
        };
        assert_eq!((full.by.as_deref(), full.link.as_str()), (Some("guardian"), "l"));
        assert_eq!(full.amount, Some(Wei::new(5 * 10u128.pow(18))));
        assert_eq!(full.expiry, Some(When::Around(Anchor::Start, 0)));
    }

    #[test]
    fn what_is_done_with_a_compact_is_read() {
        let deed = |text: &str| match read(text).unwrap().action {
            Action::Compact(deed) => deed,
            other => panic!("{other:?}"),
        };
        let ada = || "Ada".to_owned();
        let amount = Units::new(5 * 10u128.pow(18));
        assert_eq!(
            deed("do = \"commit\"\nwho = \"Ada\"\namount = \"5 wstETH\""),
            Deed::Commit { who: ada(), amount }
        );
        assert_eq!(deed("do = \"activate\""), Deed::Activate { who: None });
        let text = "do = \"propose\"\nwho = \"Ada\"\nby = \"guardian\"\ntier = \"loan\"\npart = \"2.5 %\"";
        let by = Some("guardian".to_owned());
        let part = levee_model::Bps::new(250);
        assert_eq!(deed(text), Deed::Propose { who: ada(), by, tier: 1, part });
        assert_eq!(deed("do = \"fulfill\"\ncall = 3"), Deed::Fulfill { who: None, call: 3 });
        assert_eq!(
            read("do = \"commit\"\nwho = \"Ada\"\namount = \"5 ETH\"").unwrap_err(),
            "s.toml:3: amount: `5 ETH` is an amount of ETH, not of wstETH"
        );
        assert_eq!(read("do = \"fulfill\"").unwrap_err(), "s.toml:1: do: `fulfill` needs call");
    }

    #[test]
    fn a_pledge_may_be_paid_with_weth_or_by_a_permit() {
        let route = |amount: &str, with: &str| {
            let text = format!("do = \"pledge\"\nwho = \"Ada\"\namount = \"{amount}\"\ntier = 0\n{with}");
            match read(&text).unwrap().action {
                Action::Pledge { route, .. } => route,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(route("5 ETH", ""), Route::Direct);
        assert_eq!(route("5 ETH", "with = \"router\""), Route::Router { enlist: true });
        assert_eq!(route("5 ETH", "with = \"WETH\""), Route::Weth { enlist: true });
        assert_eq!(route("5 shares", "with = \"permit\""), Route::Router { enlist: true });
        assert_eq!(route("5 wstETH", "with = \"permit\""), Route::Router { enlist: true });
    }

    #[test]
    fn what_makes_no_sense_is_refused_at_its_line() {
        let cases = [
            ("do = \"dance\"", "s.toml:1: do: `dance` is not a step"),
            ("\ndo = \"pledge\"", "s.toml:2: do: `pledge` needs who"),
            ("do = \"settle\"\nwho = \"Ada\"", "s.toml:1: do: `settle` does not take who"),
            ("do = \"exit\"", "s.toml:1: do: `exit` needs who"),
            ("do = \"exit\"\nwho = \"Bob\"", "s.toml:2: who: no one is named `Bob`"),
            ("do = \"refund\"\ntier = \"gift\"", "s.toml:2: no tier is named `gift`"),
            ("do = \"wait\"\nat = \"soon\"", "s.toml:2: at: `soon` is not a time"),
            ("do = \"rebase\"\nrate = \"1.2\"", "s.toml:2: rate: `1.2` has no unit"),
            ("do = \"recover\"", "s.toml:1: do: `recover` needs amount"),
            (
                "do = \"recover\"\namount = \"5 stETH\"",
                "s.toml:2: amount: `5 stETH` is an amount of stETH, not of ETH",
            ),
            ("do = \"bonus add\"\namount = \"5 ETH\"", "s.toml:1: do: `bonus add` needs who"),
            ("do = \"bonus take back\"\ntier = 0", "s.toml:1: do: `bonus take back` does not take tier"),
            ("do = \"declare\"\nwho = \"Ada\"", "s.toml:1: do: `declare` needs stage"),
            (
                "do = \"declare\"\nwho = \"Ada\"\nstage = \"Sure\"\ntier = 0",
                "s.toml:3: stage: `Sure` is not a stage",
            ),
            (
                "do = \"pledge\"\nwho = \"Ada\"\namount = \"5 ETH\"\ntier = 0\nwith = \"permit\"",
                "s.toml:5: with: ETH cannot be pledged with `permit`",
            ),
            (
                "do = \"pledge\"\nwho = \"Ada\"\namount = \"5 ETH\"\ntier = 0\namendment = \"first\"",
                "s.toml:5: amendment: `first` is not an amendment that a pledge can name",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(read(text).unwrap_err(), message);
        }
    }
}
