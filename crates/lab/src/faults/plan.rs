//! What happens in a run, and when: by the number of a request, never by a clock, so that a seed plays the same again.

use std::{fmt, str::FromStr};

use proptest::{collection::vec, option, prelude::*};
use serde::{Deserialize, Serialize};

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What is to be done.
    pub(super) command: Command,
    /// Whether under a key of its own (`--id`).
    pub(super) keyed: bool,
    /// Whether the rescue is named by its address: then no terms say which chain it is on.
    pub(super) by_address: bool,
    /// What the wallet in a browser does with one request after the other, and with all others what it was asked; none if the command
    /// signs itself.
    pub(super) wallet: Option<Vec<Popup>>,
    /// What is given with `--rpc-url`.
    pub(super) nodes: Nodes,
    /// `--confirmations`. With more than one, the chain grows while a command waits.
    pub(super) confirmations: u8,
    /// Whether the chain makes a block for each transaction, before the command is repeated on a node that works.
    pub(super) mines: bool,
    /// A process beside the first one.
    pub(super) second: Option<Second>,
    /// What happens in each attempt to do it, until one succeeds.
    pub(super) attempts: Vec<Vec<Event>>,
}

/// A process that begins while the first one waits for the answer to a request, and has it to itself until it ends or has to
/// wait for the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Second {
    /// What it does.
    pub(super) command: Command,
    /// The request of the first process.
    pub(super) at: At,
    /// What happens in it.
    pub(super) events: Vec<Event>,
}

/// What a process is to do: of Ann's, with an effect that no other of these has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Command {
    /// A pledge of ETH: one transaction.
    PledgeEther,
    /// A pledge that is enlisted for the bonus: two.
    PledgeAndEnlist,
    /// A pledge of stETH with its approval: two.
    PledgeToken,
    /// A refund.
    Refund,
    /// A delivery to the beneficiary.
    Release,
    /// A declaration, for which the board must be created: two.
    Declare,
}

/// What a wallet does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Popup {
    /// When it sends the transaction.
    pub(super) sends: Sends,
    /// What the page hears.
    pub(super) answers: Answers,
    /// What it sends instead.
    pub(super) changes: Changes,
}

/// When a wallet sends a transaction: when its person confirms it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Sends {
    AtOnce,
    /// When the process that asked has ended.
    Afterwards,
    /// When another process opens the wallet.
    AtTheNextPage,
    /// When the command was repeated.
    Late,
    Never,
}

/// What a wallet says to the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answers {
    /// The hash.
    Hash,
    /// That something went wrong, which may be so or not.
    Error,
    /// Nothing, until its person kills the command.
    Nothing,
    /// That it does not send it; and it never does.
    No,
}

/// What a wallet changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Changes {
    Nothing,
    /// Uses the nonce for something else first, and the next for this.
    Nonce,
    /// Sends it again at a higher price.
    Price,
    /// The recipient, so that it has no effect.
    Call,
}

/// The nodes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Nodes {
    /// The one to which things happen.
    Faulty,
    /// It, and one that works.
    Both,
    /// The same, and they must agree.
    Agreeing,
}

/// Something that happens at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    /// When.
    pub(super) at: At,
    /// What.
    pub(super) what: What,
}

/// A request of a process: which of those with its method, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct At(pub(super) Method, pub(super) u8);

/// The methods that a command that sends something uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Method {
    Any,
    Call,
    EstimateGas,
    FeeHistory,
    Nonce,
    Send,
    Receipt,
    Transaction,
    Block,
    ChainId,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// The connection is closed before the node has the request.
    Cut,
    /// The connection is closed after the node had the request.
    Lost,
    /// No answer, and the node never has the request.
    Silence,
    /// No answer, and the node has the request after the next one.
    Late,
    /// The node has the request twice, and answers the second.
    Twice,
    /// A status of HTTP.
    Status(u16),
    /// What is not JSON.
    Garbage,
    /// The answer to another request.
    OtherId,
    /// An error of the node.
    Refused(Words),
    /// The node says that it has the transaction, and has not; or that there is nothing.
    Swallowed,
    /// The process is killed before the node has the request.
    KilledBefore,
    /// The process is killed after the node had the request.
    KilledAfter,
    /// So many blocks are replaced; the transactions in them return, or are gone.
    Reorganized { depth: u8, returns: bool },
    /// The account sends something else, from another machine.
    Rival,
    /// From now on, a lie.
    Lie(Lie),
    /// A lie in this answer alone.
    LieOnce(Lie),
}

/// What a node says instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Words {
    Limited,
    Indexing,
    AlreadyKnown,
    NonceTooLow,
    Underpriced,
}

/// What a node says that is not so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Lie {
    /// That it is another chain.
    Chain,
    /// That a gas costs nothing, almost as much as is ever paid, or more than there is.
    Price(Price),
    /// That a call needs more gas than there is.
    Gas,
    /// That the account has sent so many transactions more.
    Nonce(i8),
    /// That so many more transactions of the account wait for a block.
    Waiting(u8),
    /// About receipts.
    Receipt(Receipt),
    /// That there is no such transaction.
    NoTransaction,
    /// That it is another, which the account has not signed.
    AnotherTransaction,
    /// That the blocks are others.
    Block,
    /// That there is no such block.
    NoBlock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Price {
    Free,
    High,
    Absurd,
}

/// What is said of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Receipt {
    /// Nothing.
    None,
    /// A success in no block.
    InNoBlock,
    /// A success in a block of another branch.
    OnOtherBranch,
    /// The receipt of another transaction.
    OfAnother,
    /// That it failed.
    Failed,
    /// A success that never was, in a block that is there. Only another node can tell.
    Forged,
}

/// One line of JSON.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Plan {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}

impl Plan {
    /// All of its events.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.attempts.iter().flatten().chain(self.second.iter().flat_map(|second| &second.events))
    }

    /// Whether the chain may take back what a command was told.
    pub(super) fn reorganizes(&self) -> bool {
        self.events().any(|event| matches!(event.what, What::Reorganized { .. }))
    }

    /// Whether the account may have to go on elsewhere before something that was signed can be included: the only answer about its
    /// nonce was a lie, or what it had sent elsewhere was taken back.
    pub(super) fn explains_a_gap(&self) -> bool {
        let is_ahead =
            |lie| matches!(lie, What::Lie(Lie::Nonce(by)) | What::LieOnce(Lie::Nonce(by)) if by > 0);
        self.reorganizes() || self.events().any(|event| is_ahead(event.what))
    }

    /// That a transaction is in a block that is there is taken for the truth if the only node that is asked says so.
    fn without_what_nobody_can_know(mut self) -> Self {
        let forged = Lie::Receipt(Receipt::Forged);
        let is_forged =
            |event: &Event| matches!(event.what, What::Lie(lie) | What::LieOnce(lie) if lie == forged);
        if self.nodes != Nodes::Agreeing {
            self.attempts.iter_mut().for_each(|events| events.retain(|event| !is_forged(event)));
            self.second.iter_mut().for_each(|second| second.events.retain(|event| !is_forged(event)));
        }
        self
    }
}

/// All plans; what is simpler comes first.
pub(super) fn plans() -> impl Strategy<Value = Plan> {
    let nodes = prop_oneof![4 => Just(Nodes::Faulty), 1 => Just(Nodes::Both), 1 => Just(Nodes::Agreeing)];
    let flags = (prop::bool::weighted(0.3), prop::bool::weighted(0.2), prop::bool::weighted(0.8));
    let confirmations = prop_oneof![5 => Just(1_u8), 1 => 2..=4_u8];
    let wallet = option::weighted(0.25, vec(popups(), 1..=3));
    let how = (nodes, confirmations, wallet);
    (commands(), flags, how, option::weighted(0.3, seconds()), vec(events(), 1..=2)).prop_map(
        |(command, (keyed, by_address, mines), (nodes, confirmations, wallet), second, attempts)| {
            Plan { command, keyed, by_address, wallet, nodes, confirmations, mines, second, attempts }
                .without_what_nobody_can_know()
        },
    )
}

fn popups() -> impl Strategy<Value = Popup> {
    let sends = prop_oneof![
        4 => Just(Sends::AtOnce),
        1 => Just(Sends::Afterwards),
        1 => Just(Sends::AtTheNextPage),
        1 => Just(Sends::Late),
        1 => Just(Sends::Never),
    ];
    let answers = prop_oneof![
        3 => Just(Answers::Hash),
        1 => Just(Answers::Error),
        2 => Just(Answers::Nothing),
        1 => Just(Answers::No),
    ];
    let changes = prop_oneof![
        5 => Just(Changes::Nothing),
        1 => Just(Changes::Nonce),
        1 => Just(Changes::Price),
        1 => Just(Changes::Call),
    ];
    (sends, answers, changes).prop_map(|(sends, answers, changes)| {
        let sends = if answers == Answers::No { Sends::Never } else { sends };
        Popup { sends, answers, changes }
    })
}

fn commands() -> impl Strategy<Value = Command> {
    use Command::*;
    prop_oneof![
        Just(PledgeEther),
        Just(PledgeToken),
        Just(PledgeAndEnlist),
        Just(Refund),
        Just(Release),
        Just(Declare)
    ]
}

fn seconds() -> impl Strategy<Value = Second> {
    // The first process has its turn by then.
    let at = (prop_oneof![Just(Method::Send), Just(Method::EstimateGas), Just(Method::Receipt)], 1..=2_u8)
        .prop_map(|(method, nth)| At(method, nth));
    (commands(), at, events()).prop_map(|(command, at, events)| Second { command, at, events })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let together = prop_oneof![6 => event().prop_map(|event| vec![event]), 1 => pretended()];
    vec(together, 0..=3).prop_map(|together| together.concat())
}

/// A node that says that it has the transaction, and then that it is included.
fn pretended() -> impl Strategy<Value = Vec<Event>> {
    use Receipt::*;
    let receipt = prop_oneof![Just(InNoBlock), Just(OfAnother), Just(OnOtherBranch), Just(Forged)];
    (receipt, 1..=2_u8).prop_map(|(receipt, nth)| {
        let (sent, read) = (At(Method::Send, nth), At(Method::Receipt, 1));
        let lie = What::Lie(Lie::Receipt(receipt));
        vec![Event { at: sent, what: What::Swallowed }, Event { at: read, what: lie }]
    })
}

fn event() -> impl Strategy<Value = Event> {
    let reads = prop_oneof![
        4 => Just(Method::Receipt),
        2 => Just(Method::Nonce),
        1 => Just(Method::Transaction),
        1 => Just(Method::EstimateGas),
        1 => Just(Method::FeeHistory),
        1 => Just(Method::Call),
        1 => Just(Method::Block),
        1 => Just(Method::ChainId),
    ];
    let at = |method: Method, nth: u8| At(method, nth);
    let send = (1..=3_u8).prop_map(move |nth| at(Method::Send, nth));
    let read = (reads, 1..=2_u8).prop_map(move |(method, nth)| at(method, nth));
    let any = (1..=20_u8).prop_map(move |nth| at(Method::Any, nth));
    prop_oneof![
        3 => (send, prop_oneof![failures(), of_sending()]).prop_map(|(at, what)| Event { at, what }),
        2 => (read, failures()).prop_map(|(at, what)| Event { at, what }),
        4 => (any, of_the_world()).prop_map(|(at, what)| Event { at, what }),
        2 => lies(),
    ]
}

/// What a node, or the way to it, does to any request.
fn failures() -> impl Strategy<Value = What> {
    prop_oneof![
        Just(What::Cut),
        Just(What::Lost),
        Just(What::Silence),
        Just(What::Twice),
        prop_oneof![Just(429), Just(500), Just(502), Just(503)].prop_map(What::Status),
        Just(What::Garbage),
        Just(What::OtherId),
        prop_oneof![Just(Words::Limited), Just(Words::Indexing)].prop_map(What::Refused),
    ]
}

/// What a node does to a transaction.
fn of_sending() -> impl Strategy<Value = What> {
    let words = prop_oneof![Just(Words::AlreadyKnown), Just(Words::NonceTooLow), Just(Words::Underpriced)];
    prop_oneof![Just(What::Late), Just(What::Swallowed), words.prop_map(What::Refused)]
}

/// What happens beside the node.
fn of_the_world() -> impl Strategy<Value = What> {
    let reorganized =
        (1..=64_u8, any::<bool>()).prop_map(|(depth, returns)| What::Reorganized { depth, returns });
    prop_oneof![
        3 => Just(What::KilledAfter),
        3 => Just(What::KilledBefore),
        2 => reorganized,
        1 => Just(What::Rival),
    ]
}

fn lies() -> impl Strategy<Value = Event> {
    use Receipt::*;
    let prices = prop_oneof![Just(Price::High), Just(Price::Absurd), Just(Price::Free)];
    let receipts = prop_oneof![
        Just(None),
        Just(InNoBlock),
        Just(OfAnother),
        Just(OnOtherBranch),
        Just(Failed),
        Just(Forged)
    ];
    let lies = prop_oneof![
        3 => Just(Lie::Chain),
        2 => prices.prop_map(Lie::Price),
        1 => Just(Lie::Gas),
        2 => prop_oneof![Just(1), Just(-1), Just(5)].prop_map(Lie::Nonce),
        2 => prop_oneof![Just(1), Just(40)].prop_map(Lie::Waiting),
        4 => receipts.prop_map(Lie::Receipt),
        1 => Just(Lie::NoTransaction),
        1 => Just(Lie::AnotherTransaction),
        1 => Just(Lie::Block),
        1 => Just(Lie::NoBlock),
    ];
    let nth = prop_oneof![2 => Just(1_u8), 1 => 2..=5_u8];
    let any = prop_oneof![2 => Just(1_u8), 1 => 2..=10_u8].prop_map(|nth| (false, nth));
    let begins = prop_oneof![1 => any, 1 => nth.prop_map(|nth| (true, nth))];
    (lies, begins, prop::bool::weighted(0.3)).prop_map(|(lie, (of_its_method, nth), once)| {
        // An answer about something else cannot tell it.
        let method = if of_its_method || once { lie.method() } else { Method::Any };
        Event { at: At(method, nth), what: if once { What::LieOnce(lie) } else { What::Lie(lie) } }
    })
}

impl Lie {
    /// What it is told in answer to.
    const fn method(self) -> Method {
        match self {
            Self::Chain => Method::ChainId,
            Self::Price(_) => Method::FeeHistory,
            Self::Gas => Method::EstimateGas,
            Self::Nonce(_) | Self::Waiting(_) => Method::Nonce,
            Self::Receipt(_) => Method::Receipt,
            Self::NoTransaction | Self::AnotherTransaction => Method::Transaction,
            Self::Block | Self::NoBlock => Method::Block,
        }
    }

    /// Whether it is told in answer to a request for `method`.
    pub(super) fn is_about(self, method: &str) -> bool {
        match self {
            // A call of the code that reads a rescue also tells the chain.
            Self::Chain => Method::ChainId.is(method) || Method::Call.is(method),
            Self::Price(_) => {
                Method::FeeHistory.is(method) || matches!(method, "eth_gasPrice" | "eth_maxPriorityFeePerGas")
            }
            _ => self.method().is(method),
        }
    }
}

impl Method {
    /// Whether a request names it so.
    pub(super) fn is(self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Call => name == "eth_call",
            Self::EstimateGas => name == "eth_estimateGas",
            Self::FeeHistory => name == "eth_feeHistory",
            Self::Nonce => name == "eth_getTransactionCount",
            Self::Send => name == "eth_sendRawTransaction",
            Self::Receipt => name == "eth_getTransactionReceipt",
            Self::Transaction => {
                matches!(name, "eth_getTransactionByHash" | "eth_getTransactionBySenderAndNonce")
            }
            Self::Block => matches!(name, "eth_getBlockByNumber" | "eth_getBlockByHash"),
            Self::ChainId => name == "eth_chainId",
        }
    }
}

impl Words {
    /// The code and the message.
    pub(super) const fn error(self) -> (i64, &'static str) {
        match self {
            Self::Limited => (-32005, "limit exceeded"),
            Self::Indexing => (-32000, "transaction indexing is in progress"),
            Self::AlreadyKnown => (-32000, "already known"),
            Self::NonceTooLow => (-32000, "nonce too low: next nonce 9, tx nonce 8"),
            Self::Underpriced => (-32000, "transaction underpriced"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{
        strategy::ValueTree,
        test_runner::{Config, TestRunner},
    };

    fn plan(seed: u64) -> Plan {
        let mut runner = TestRunner::new_with_rng(Config::default(), crate::fuzz::rng(seed));
        plans().new_tree(&mut runner).unwrap().current()
    }

    #[test]
    fn a_plan_is_a_function_of_its_seed_and_one_line_that_says_all() {
        for seed in 0..200 {
            let line = plan(seed).to_string();
            assert_eq!(line.parse::<Plan>().unwrap(), plan(seed));
            assert!(!line.contains(['\n', '\'']), "{line}");
        }
    }

    #[test]
    fn every_command_and_every_kind_of_event_is_planned() {
        let lines: String = (0..600).map(|seed| plan(seed).to_string()).collect();
        let commands = ["PledgeEther", "PledgeAndEnlist", "PledgeToken", "Refund", "Release", "Declare"];
        let failures =
            ["Cut", "Lost", "Silence", "Late", "Twice", "429", "503", "Garbage", "OtherId", "Swallowed"];
        let worlds =
            ["KilledBefore", "KilledAfter", "Reorganized", "Rival", "Limited", "AlreadyKnown", "NonceTooLow"];
        let lies = [
            "Chain",
            "Free",
            "High",
            "Absurd",
            "Gas",
            "Nonce",
            "Waiting",
            "NoTransaction",
            "AnotherTransaction",
            "NoBlock",
            "LieOnce",
            "InNoBlock",
            "OfAnother",
            "OnOtherBranch",
            "Failed",
        ];
        let wallets = [
            "Afterwards",
            "AtTheNextPage",
            "\"sends\":\"Late",
            "Never",
            "\"answers\":\"Hash",
            "\"answers\":\"Error",
            "\"answers\":\"Nothing",
            "\"answers\":\"No\"",
            "\"changes\":\"Nonce",
            "\"changes\":\"Price",
            "\"changes\":\"Call",
        ];
        for name in commands.iter().chain(&failures).chain(&worlds).chain(&lies).chain(&wallets) {
            assert!(lines.contains(name), "no run has {name}");
        }
    }

    #[test]
    fn what_only_another_node_can_know_is_said_only_where_one_is_asked() {
        let forged = |plan: &Plan| plan.to_string().contains("Forged");
        let plans: Vec<_> = (0..600).map(plan).filter(forged).collect();
        assert!(!plans.is_empty() && plans.iter().all(|plan| plan.nodes == Nodes::Agreeing));
    }
}
