//! What a visitor can do about a rescue with their own wallet.

use levee::{
    History,
    alloy::primitives::{Address, Bytes},
    display::ether,
    text::{address::short, escape},
};
use levee_model::{Asset, RescueView, Wei};
use maud::{Markup, html};

use super::{Frame, assets::ACT, header, path};
use crate::{amendment, html::facts, money::condition};

/// The page.
#[derive(Debug)]
pub struct ActPage<'a> {
    /// What happened in the rescue.
    pub history: &'a History,
    /// The rescue as the next call would find it.
    pub view: &'a RescueView,
    /// How old its block is, in words.
    pub age: &'a str,
    /// The SHA-256 of the code that is at its address, in hexadecimal digits.
    pub code: String,
    /// A node that a wallet is offered that does not know the chain.
    pub node: Option<&'a str>,
    /// Who acts; none if that is not said yet.
    pub account: Option<Address>,
    /// What was entered about a pledge.
    pub entered: Entered<'a>,
    /// What else the account can do.
    pub choices: Vec<Choice>,
    /// What is asked for.
    pub asked: Asked,
}

/// What was entered about a pledge, as it was.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entered<'a> {
    /// The number.
    pub amount: &'a str,
    /// Its unit.
    pub unit: &'a str,
    /// The tier.
    pub tier: &'a str,
}

/// Something that an account can do.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its name in the address of the page.
    pub name: String,
    /// What it does.
    pub text: String,
}

/// What is asked for.
#[derive(Debug)]
pub enum Asked {
    /// Nothing yet.
    Nothing,
    /// Something that cannot be done: one sentence, and a hint.
    Refused {
        /// Why.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// Something that only a node knows, which the node of the wallet says.
    Reading {
        /// The question, as a call of a contract that answers with one number.
        call: Reading,
        /// The command that does all of it.
        command: String,
    },
    /// The calls.
    Planned {
        /// In their order.
        calls: Vec<PlannedCall>,
        /// The command that plans the same.
        command: String,
        /// Where the same is as a batch for a Safe.
        batch: String,
    },
}

/// A question to a contract.
#[derive(Debug)]
pub struct Reading {
    /// What is asked, as an indirect question.
    pub what: String,
    /// The contract.
    pub to: Address,
    /// The data of the call.
    pub data: Bytes,
    /// The parameter of the page's address that the answer is for.
    pub name: &'static str,
}

/// A call, and what it does.
#[derive(Debug)]
pub struct PlannedCall {
    /// What it does, in a sentence.
    pub headline: String,
    /// What to know before it is confirmed.
    pub facts: Vec<(&'static str, String)>,
    /// The contract.
    pub to: Address,
    /// The ETH to be sent with it.
    pub value: Wei,
    /// Its data.
    pub data: Bytes,
}

/// The units of a pledge, what they are called, and of which asset they are.
const UNITS: [(&str, &str, Asset); 4] = [
    ("ETH", "ETH", Asset::Eth),
    ("stETH", "stETH", Asset::StEth),
    ("wstETH", "wstETH", Asset::WstEth),
    ("shares", "shares of stETH", Asset::StEth),
];

impl ActPage<'_> {
    /// The page.
    pub fn document(&self) -> String {
        let title = format!("Act on rescue {}", short(self.history.address));
        let frame = Frame::new(
            &title,
            Some(self.history.address),
            header("Act on the rescue", self.history, self.age),
        )
        .with_script(&ACT);
        frame.document(&html! {
            (amendment::pending(self.view, self.history.block.time))
            (self.who())
            @if self.view.is_pledging(self.history.block.time) { (self.pledge()) }
            (self.asked())
            (self.checks())
        })
    }

    fn who(&self) -> Markup {
        let account = self.account.map(|account| account.to_string()).unwrap_or_default();
        html! {
            section #who {
                h2 { "With which account" }
                div #wallets hidden {}
                p #status role="status" { "Enter an account. With a script, its wallet can be chosen here." }
                p #message.warning role="alert" hidden {}
                form method="get" {
                    (account_field(&account))
                    button { "Show what it can do" }
                }
                @if self.account.is_some() {
                    @if self.choices.is_empty() { p.note { "It has nothing in the rescue that could be moved now." } }
                    @else { ul { @for choice in &self.choices { li { (self.choice(&account, choice)) } } } }
                }
            }
        }
    }

    fn choice(&self, account: &str, choice: &Choice) -> Markup {
        html! { a href={ "?account=" (account) "&do=" (choice.name) "#plan" } { (choice.text) } }
    }

    fn pledge(&self) -> Markup {
        let Entered { amount, unit, tier } = self.entered;
        let account = self.account.map(|account| account.to_string()).unwrap_or_default();
        html! {
            section #pledge {
                h2 { "Pledge" }
                form method="get" action="#plan" {
                    input type="hidden" name="do" value="pledge";
                    input type="hidden" name="amendment" value=(self.view.latest_amendment());
                    (account_field(&account))
                    label { "Amount " input name="amount" inputmode="decimal" required maxlength="80" autocomplete="off" value=(escape::line(amount)); }
                    label {
                        "Unit "
                        select name="unit" {
                            @for (one, name, asset) in UNITS {
                                @if self.view.terms.accepts(asset) { option value=(one) selected[one == unit] { (name) } }
                            }
                        }
                    }
                    label {
                        "Tier "
                        select name="tier" {
                            @for (number, one) in self.view.terms.tiers.iter().enumerate() {
                                option value=(number) selected[number.to_string() == tier] { (number) ": " (condition(*one)) }
                            }
                        }
                    }
                    button { "Show the plan" }
                }
                p.note { "A pledge is locked until the rescue is decided. It is made under the terms that this page shows, and is refused under others." }
            }
        }
    }

    fn asked(&self) -> Markup {
        let content = match &self.asked {
            Asked::Nothing => return html! {},
            Asked::Refused { message, hint } => html! {
                p.warning { (escape::line(message)) }
                @if let Some(hint) = hint { p.note { (escape::line(hint)) } }
            },
            Asked::Reading { call, command } => html! {
                p { "No log says " (call.what) ": the node of your wallet does, once you have chosen a wallet above." }
                p #reading data-to=(call.to) data-data=(call.data) data-name=(call.name) hidden {}
                (by_command(command))
            },
            Asked::Planned { calls, command, batch } => html! {
                ol #steps { @for call in calls { (planned(call)) } }
                p { button #continue type="button" hidden { "Continue in the wallet" } }
                p #progress role="status" {}
                (by_command(command))
                p { "For a Safe: " a href=(batch) download { "the same as a batch" } " for its Transaction Builder." }
            },
        };
        html! { section #plan { h2 { "The plan" } (content) } }
    }

    /// What the script holds what the wallet says against, and how far that goes.
    fn checks(&self) -> Markup {
        let History { chain, address, .. } = self.history;
        let account = self.account.map(|account| account.to_string());
        html! {
            section #checks data-chain=(format!("{chain:#x}")) data-escrow=(address) data-code=(self.code) data-account=[account] data-node=[self.node] {
                h2 { "What is checked, and what is not" }
                p {
                    "Before each call, this page asks your wallet for its chain, its account, and the code at the address of the rescue, and has its node try "
                    "the call. That finds a wrong chain, a page that has become old, and a node without this rescue; it does not find a server that lies, since the server also made this "
                    "page. Compare what the wallet shows with the plan, and the address with one that you have from elsewhere, and "
                    a href={ (path(*address)) "/check" } { "check it yourself" } ": " code { "levee verify " (address) } " proves the address, and "
                    code { "levee decode" } " tells what a call does."
                }
            }
        }
    }
}

fn account_field(account: &str) -> Markup {
    html! { label { "Account " input.account name="account" required pattern="0x[0-9a-fA-F]{40}" maxlength="42" autocomplete="off" spellcheck="false" value=(account); } }
}

fn by_command(command: &str) -> Markup {
    html! {
        p { "Without a wallet in this browser, this command plans the same and signs with whatever you have:" }
        pre tabindex="0" { code { (command) } }
    }
}

fn planned(call: &PlannedCall) -> Markup {
    let PlannedCall { headline, facts: details, to, value, data } = call;
    let sent = [
        ("sends", html! { (ether(*value)) " (" (value.get()) " wei)" }),
        ("to", html! { span.address.whole-address { (to.to_string()) } }),
        ("data", html! { code.hash { (data.to_string()) } }),
    ];
    let details =
        details.iter().map(|(name, text)| (*name, html! { span.whole-address { (escape::line(text)) } }));
    html! {
        li data-to=(to) data-value=(format!("{:#x}", value.get())) data-data=(data) {
            h3 { (escape::line(headline)) }
            (facts(details.chain(sent)))
        }
    }
}
