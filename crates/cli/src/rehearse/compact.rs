//! A compact in a rehearsal: founded before there is a rescue, called on the chain and on its model, and compared after each step.

use std::collections::BTreeMap;

use alloy::{eips::BlockId, primitives::Address, providers::DynProvider};
use eyre::{Result, bail, ensure, eyre};
use levee::{
    Edition, Error, Event,
    compact::{self, CodeStore, CompactClient},
    text::CompactFile,
};
use levee_model::{
    Asset, Bps, Compact, CompactEvent, CompactOperation as Operation, CompactRefused, Moment, Rescue, Terms,
    Timestamp, Units, compact::MemberView,
};
use serde::Serialize;

use super::{
    cast::{self, ANYONE, Cast},
    chain::Chain,
    lido::Tokens,
    scenario::CHAIN,
};
use crate::error::UserError;

/// What a step does with the compact, before it is known of whom and how much.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Commit {
        who: String,
        amount: Units,
    },
    TakeBack {
        who: String,
    },
    /// Of everyone whose commitment has seasoned, unless one is named.
    Activate {
        who: Option<String>,
    },
    Notice {
        who: String,
        amount: Units,
    },
    Leave {
        who: String,
    },
    NameApprover {
        who: String,
        to: String,
    },
    /// For `who`, by itself or by its approver.
    Propose {
        who: String,
        by: Option<String>,
        tier: u8,
        part: Bps,
    },
    Approve {
        who: String,
        by: Option<String>,
        call: u64,
    },
    Withdraw {
        who: String,
        call: u64,
    },
    /// In one transaction, of all who have something to give, unless one is named.
    Fulfill {
        who: Option<String>,
        call: u64,
    },
    Premium {
        by: String,
        amount: Units,
    },
    /// Of everyone to whom something is due, unless one is named.
    ClaimPremium {
        who: Option<String>,
    },
}

/// The compact of a scenario.
#[derive(Debug, Clone)]
pub(crate) struct Agreement {
    client: CompactClient<DynProvider>,
    model: Compact,
    /// All that happened after its creation, in order.
    events: Vec<CompactEvent>,
}

/// A member at the end. Amounts are in units of wstETH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberLine {
    pub(crate) who: String,
    #[serde(flatten)]
    pub(crate) view: MemberView,
    /// What it gave to all calls.
    #[serde(rename = "givenUnits")]
    pub(crate) given: Units,
    /// The premiums that it has earned, paid or not.
    #[serde(rename = "premiumsUnits")]
    pub(crate) premiums: Units,
}

/// The wstETH that an account put into the compact and got out of it, what was given to calls included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) paid: Units,
    pub(crate) got: Units,
}

impl Agreement {
    /// Creates the compact, and what its proposals need; its members let it take their wstETH.
    pub(crate) async fn found(
        chain: &Chain,
        time: Timestamp,
        file: &CompactFile,
        members: impl Iterator<Item = Address>,
    ) -> Result<Self> {
        let (provider, from, blueprint) = (chain.provider(), cast::address(ANYONE), file.blueprint());
        let create = blueprint.prepare(provider, CHAIN, from).await?;
        let create = create.ok_or_else(|| eyre!("the compact exists already"))?;
        chain.must(time, create.request(from), "creating the compact").await?;
        for call in CodeStore::of(file.edition).missing(provider).await? {
            chain.must(time, call.request(from), "storing the escrow's code").await?;
        }
        let client = CompactClient::open(provider.clone(), CHAIN, blueprint.address()).await?;
        for member in members {
            let approval = client.approval(Units::new(u128::MAX));
            chain.must(time, approval.request(member), "approving the compact").await?;
        }
        let model = Compact::create(blueprint.address(), file.terms.clone())?;
        Ok(Self { client, model, events: Vec::new() })
    }

    pub(crate) const fn address(&self) -> Address {
        self.client.address()
    }

    /// The calls that make up a step, and their callers.
    pub(crate) fn calls(
        &self,
        deed: &Deed,
        (cast, now): (&Cast, Timestamp),
        (rescue, edition): (&Terms, Edition),
    ) -> Result<Vec<(String, Operation)>> {
        let address = |name: &String| cast::address(name);
        let by_anyone = |operation| (ANYONE.to_owned(), operation);
        let own = |who: &String, operation| vec![(who.clone(), operation)];
        Ok(match deed {
            Deed::Commit { who, amount } => own(who, Operation::Commit { amount: *amount }),
            Deed::TakeBack { who } => own(who, Operation::TakeBack { recipient: address(who) }),
            Deed::Notice { who, amount } => own(who, Operation::Notice { amount: *amount }),
            Deed::Leave { who } => own(who, Operation::Leave { recipient: address(who) }),
            Deed::NameApprover { who, to } => own(who, Operation::NameApprover { approver: address(to) }),
            Deed::Withdraw { who, call } => own(who, Operation::Withdraw { call: *call }),
            Deed::Premium { by, amount } => own(by, Operation::PayPremium { amount: *amount }),
            Deed::Approve { who, by, call } => {
                own(by.as_ref().unwrap_or(who), Operation::Approve { call: *call, member: address(who) })
            }
            Deed::Propose { who, by, tier, part } => {
                let proposal = compact::proposal(rescue.clone(), edition, *tier, *part)?;
                own(by.as_ref().unwrap_or(who), Operation::Propose { member: address(who), proposal })
            }
            Deed::Activate { who } => {
                let is_ready = |account| {
                    let window = self.model.windows(account).activation;
                    window.is_some_and(|window| window.from <= now && now <= window.until)
                };
                let members = some(who, cast, is_ready);
                members.map(|member| by_anyone(Operation::Activate { member })).collect()
            }
            Deed::ClaimPremium { who } => {
                let members = some(who, cast, |account| !self.model.earned(account).is_zero());
                members.map(|member| by_anyone(Operation::Claim { member })).collect()
            }
            Deed::Fulfill { who, call } => {
                let gives = |account| self.model.share(*call, account).is_some_and(|share| !share.is_zero());
                let members = some(who, cast, gives).collect();
                vec![by_anyone(Operation::Fulfill { call: *call, members })]
            }
        })
    }

    /// Makes a call on the chain and on the model, which must agree on all that it does, or on why it is refused.
    pub(crate) async fn make(
        &mut self,
        chain: &Chain,
        at: Moment,
        (caller, operation): (&str, &Operation),
        rescue: Option<&mut Rescue>,
    ) -> Result<Result<Vec<Event>, Error>> {
        let from = cast::address(caller);
        let call = self.client.call(operation, None)?;
        let found = chain.call(at.time, call.request(from)).await?;
        let expected = self.model.play(at, from, operation, rescue);
        match (found, expected) {
            (Ok(logs), Ok(expected)) => {
                let own = logs.iter().filter(|log| log.address() == self.address());
                let own = own.map(|log| compact::decode_event(&log.inner)).collect::<Result<Vec<_>, _>>()?;
                ensure!(own == expected, "the compact did {own:?}, but its model {expected:?}");
                self.events.extend(expected);
                Ok(Ok(own.into_iter().map(Event::Compact).collect()))
            }
            (Err(data), Err(refused)) => {
                let found = compact::decode_refusal(operation, &data);
                ensure!(found == Some(refused), "the compact said {found:?}, but its model {refused:?}");
                Ok(Err(match refused {
                    CompactRefused::ByCompact(refusal) => refusal.into(),
                    CompactRefused::ByRescue(refusal) => refusal.into(),
                }))
            }
            (found, expected) => bail!("the chain returned {found:?}, but the model {expected:?}"),
        }
    }

    /// Compares every view with the model.
    pub(crate) async fn agree(&self) -> Result<()> {
        let (provider, books) = (self.client.provider(), self.model.books());
        let members: Vec<_> = books.members.keys().copied().collect();
        let views =
            compact::books(provider, self.address(), members.iter().copied(), BlockId::latest()).await?;
        ensure!(views == books, "the compact and its model disagree:\n  {views:?}\n  {books:?}");
        for (call, member) in
            (0..self.model.call_count()).flat_map(|call| members.iter().map(move |it| (call, *it)))
        {
            let vote = compact::vote(provider, self.address(), (call, member), BlockId::latest()).await?;
            let expected = self.model.vote_of(call, member);
            ensure!(vote == expected, "the vote of {member} on call {call} is {vote:?}, not {expected:?}");
        }
        Ok(())
    }

    /// Compares the logs with the model, and what the compact has with what its books need.
    pub(crate) async fn reconcile(&self, chain: &Chain, tokens: &Tokens) -> Result<()> {
        let read = self.client.read(None).await?;
        ensure!(read.compact.books() == self.model.books(), "the logs of the compact and its model disagree");
        let books = self.model.books();
        let pending: Units = books.members.values().map(|member| member.pending).sum();
        let (paid, claimed) = compact::premiums(&self.events);
        let expected = books.all.active + pending + paid - claimed;
        let found = tokens.balance(chain, self.address(), Asset::WstEth).await?;
        ensure!(found == expected, "the compact has {found} of wstETH, not {expected}");
        Ok(())
    }

    /// What accounts put in and got out.
    pub(crate) fn flows(&self) -> BTreeMap<Address, Flow> {
        let mut flows = BTreeMap::<Address, Flow>::new();
        for event in &self.events {
            match *event {
                CompactEvent::Committed { member: account, amount, .. }
                | CompactEvent::PremiumPaid { payer: account, amount, .. } => {
                    flows.entry(account).or_default().paid += amount;
                }
                CompactEvent::TakenBack { recipient: account, amount, .. }
                | CompactEvent::Left { recipient: account, amount, .. }
                | CompactEvent::PremiumClaimed { member: account, amount } => {
                    flows.entry(account).or_default().got += amount;
                }
                // It goes into the rescue in the member's name, and not through its hands.
                CompactEvent::Given(gift) => flows.entry(gift.member).or_default().got += gift.amount,
                _ => {}
            }
        }
        flows
    }

    /// Each member, in the order of the scenario.
    pub(crate) fn lines(&self, cast: &Cast) -> Vec<MemberLine> {
        let members = self.model.books().members;
        let line = |who: &str| {
            let account = cast::address(who);
            let view = *members.get(&account)?;
            Some(MemberLine {
                who: who.to_owned(),
                view,
                given: self.given(account),
                premiums: self.premiums_of(account),
            })
        };
        cast.names().filter_map(line).collect()
    }

    fn given(&self, account: Address) -> Units {
        let of_call = |call| self.model.given(call).and_then(|given| given.get(&account)).copied();
        (0..self.model.call_count()).filter_map(of_call).sum()
    }

    fn premiums_of(&self, account: Address) -> Units {
        let claimed = self.events.iter().filter_map(|event| match *event {
            CompactEvent::PremiumClaimed { member, amount } if member == account => Some(amount),
            _ => None,
        });
        claimed.sum::<Units>() + self.model.earned(account)
    }
}

/// The account that is named, or all to which something applies.
fn some<'a>(
    who: &'a Option<String>,
    cast: &'a Cast,
    applies: impl Fn(Address) -> bool + 'a,
) -> Box<dyn Iterator<Item = Address> + 'a> {
    match who {
        Some(who) => Box::new(std::iter::once(cast::address(who))),
        None => Box::new(cast.names().map(cast::address).filter(move |account| applies(*account))),
    }
}

/// A step for a compact in a scenario that has none.
pub(crate) fn missing(place: &str) -> UserError {
    UserError::new("the scenario has no compact").within(place).hint("add `[compact]` with its terms")
}
