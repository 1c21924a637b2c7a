//! The steps of a scenario: what can be done.

use levee::Stage;
use levee_model::{Asset, Rate, Timestamp, Wei};

use super::{format::StepToml, keys::Keys, lido::worth_of_share, scenario::Reader, when::When};
use crate::{amount::Amount, error::UserError};

/// One step of a scenario.
#[derive(Debug)]
pub(crate) struct Step {
    /// When; none if it follows directly on the step before.
    pub(crate) when: Option<When>,
    pub(crate) action: Action,
    /// The error with which it must fail; none if it must succeed.
    pub(crate) fails: Option<String>,
    pub(crate) note: Option<String>,
    /// Where it is in the file.
    pub(crate) place: String,
}

/// What a step does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Pledge {
        who: String,
        tier: u8,
        amount: Amount,
        with: With,
        knows: Knows,
    },
    Settle,
    Expire,
    Lapse,
    /// Without an asset: each asset of which something is due.
    Release(Option<Asset>),
    Refund(Positions),
    Exit(Positions),
    Object(Positions),
    Decline {
        by: String,
        positions: Positions,
    },
    Collect(Collect),
    Cancel {
        by: String,
    },
    /// Without a deadline, the one in force stays.
    Amend {
        by: String,
        target: Wei,
        deadline: Option<Timestamp>,
    },
    /// A deposit into the recovery pool. Without `by`, the money comes from outside the scenario.
    Recover {
        by: Option<String>,
        amount: Wei,
    },
    /// Of what was recovered.
    Claim(Positions),
    AddBonus {
        who: String,
        amount: Wei,
    },
    Enlist(Positions),
    ClaimBonus(Positions),
    /// Without a name: for everyone who has something in the bonus pool.
    TakeBack {
        who: Option<String>,
    },
    Declare(Declare),
    Lido(LidoChange),
    /// `who` refuses ETH from now on, like a contract that cannot receive it.
    Refuse {
        who: String,
    },
    /// Only time passes.
    Wait,
}

/// The positions of a step: all that match.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Positions {
    pub(crate) who: Option<String>,
    pub(crate) tier: Option<u8>,
    pub(crate) asset: Option<Asset>,
}

/// What exits and declines could not pay `who`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Collect {
    pub(crate) who: String,
    /// None for each asset that is owed.
    pub(crate) asset: Option<Asset>,
    /// None for `who`, for whom anyone calls.
    pub(crate) to: Option<String>,
}

/// The amendment that the sender of a pledge knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knows {
    /// The one proposed last.
    Latest,
    /// None: the pledge was decided before there was one.
    Nothing,
}

/// How a pledge is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// ETH sent with the call, or tokens under an allowance to the escrow.
    Itself,
    /// ETH sent with a call to the router.
    Router,
    /// WETH under an allowance to the router.
    Weth,
    /// Tokens with a permit for the router.
    Permit,
}

/// A declaration by `who` of an intended pledge.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declare {
    pub(crate) who: String,
    /// Who submits the signed declaration; none if `who` makes it itself.
    pub(crate) by: Option<String>,
    pub(crate) stage: Stage,
    pub(crate) tier: u8,
    /// None if unknown.
    pub(crate) amount: Option<Wei>,
    /// None for the deadline in force.
    pub(crate) expiry: Option<When>,
    pub(crate) link: String,
}

/// A change in the state of stETH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LidoChange {
    /// The value of its shares changes.
    Rebase(Rate),
    /// It cannot be transferred, but its rate can be read.
    Pause,
    /// It can be transferred again.
    Resume,
    /// Every call to it reverts.
    Break,
    /// It works as before it broke.
    Repair,
}

impl With {
    /// Whether it goes through the router, which enlists it for the bonus.
    pub(crate) const fn is_routed(self) -> bool {
        !matches!(self, Self::Itself)
    }
}

impl Step {
    /// Reads a step: `do` determines which keys it needs, and no others are accepted.
    pub(crate) fn read(reader: &Reader<'_>, toml: &StepToml) -> Result<Self, UserError> {
        let keys = Keys::new(reader, toml)?;
        let when = toml.at.as_ref().map(|at| reader.document.field("at", at, When::parse)).transpose()?;
        Ok(Self {
            when,
            action: keys.action()?,
            fails: toml.fails.clone(),
            note: toml.note.clone(),
            place: reader.document.place(toml.verb.span().start),
        })
    }
}

impl LidoChange {
    /// The name of the step in a scenario.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Rebase(_) => "rebase",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Break => "break",
            Self::Repair => "repair",
        }
    }

    /// The change in words.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Rebase(rate) => format!("one stETH share is worth {}", worth_of_share(rate)),
            Self::Pause => "stETH cannot be transferred; its rate can be read".into(),
            Self::Resume => "stETH can be transferred again".into(),
            Self::Break => "every call to stETH reverts".into(),
            Self::Repair => "stETH works again".into(),
        }
    }
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
            let (with, knows) = (With::Itself, Knows::Latest);
            assert_eq!(step.action, Action::Pledge { who, tier: 1, amount, with, knows });
            assert_eq!((step.when, step.fails, step.place.as_str()), (None, None, "s.toml:1"));
        }
    }

    #[test]
    fn only_the_guardian_decides_unless_somebody_else_tries() {
        let cancel = |by: &str| Action::Cancel { by: by.to_owned() };
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
        assert_eq!(read("do = \"bonus take back\"").unwrap().action, Action::TakeBack { who: None });
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
    fn a_pledge_may_be_paid_with_weth_or_by_a_permit() {
        let with = |amount: &str, with: &str| {
            let text = format!("do = \"pledge\"\nwho = \"Ada\"\namount = \"{amount}\"\ntier = 0\n{with}");
            match read(&text).unwrap().action {
                Action::Pledge { with, .. } => with,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(with("5 ETH", ""), With::Itself);
        assert_eq!(with("5 ETH", "with = \"router\""), With::Router);
        assert_eq!(with("5 ETH", "with = \"WETH\""), With::Weth);
        assert_eq!(with("5 shares", "with = \"permit\""), With::Permit);
        assert_eq!(with("5 wstETH", "with = \"permit\""), With::Permit);
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
