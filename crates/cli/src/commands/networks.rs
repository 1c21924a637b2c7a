//! `levee networks`: the networks that Levee knows, and the contracts on them.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Blueprint, CREATE2_DEPLOYER, NETWORKS, Network};
use levee_model::json::Account;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{output::Output, table};

/// Arguments of `levee networks`.
#[derive(Debug, Args)]
#[command(after_help = "\
Needs no node. The router and the board are where anyone can create them; `levee pledge` and `levee declare` do so when they are \
needed. A network that is not listed works too: its terms name the tokens.

Example:
  levee networks --json")]
pub(crate) struct NetworksArgs {}

/// The result of `levee networks`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Networks {
    networks: Vec<Known>,
}

/// A network, with what belongs to no rescue in particular.
#[derive(Debug, Serialize, JsonSchema)]
struct Known {
    #[serde(flatten)]
    network: Network,
    /// The router of these tokens, existing or not.
    #[serde(with = "Account")]
    router: Address,
    /// The board, existing or not.
    #[serde(with = "Account")]
    board: Address,
    /// What creates all of them.
    #[serde(with = "Account")]
    deployer: Address,
}

impl NetworksArgs {
    /// Runs the command.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        let known = |network: &Network| Known {
            network: *network,
            router: network.router(),
            board: Blueprint::board().address(),
            deployer: CREATE2_DEPLOYER,
        };
        let networks: Vec<_> = NETWORKS.iter().map(known).collect();
        let text: Vec<_> = networks.iter().map(Known::text).collect();
        output.result(&text.join("\n"), &Networks { networks })
    }
}

impl Known {
    fn text(&self) -> String {
        let Network { name, chain, tokens, withdrawal_queue, explorer, sources, remark } = self.network;
        let or_unknown =
            |token: Address| if token.is_zero() { "not known".into() } else { token.to_string() };
        let mut facts = vec![
            ("stETH", or_unknown(tokens.steth)),
            ("wstETH", or_unknown(tokens.wsteth)),
            ("WETH", or_unknown(tokens.weth)),
            ("queue", or_unknown(withdrawal_queue)),
            ("router", self.router.to_string()),
            ("board", self.board.to_string()),
            ("deployer", self.deployer.to_string()),
        ];
        facts.extend(explorer.map(|explorer| ("explorer", explorer.to_owned())));
        facts.extend(sources.iter().map(|source| ("source", (*source).to_owned())));
        facts.extend(remark.map(|remark| ("remark", remark.to_owned())));
        format!("{name}, chain {chain}\n{}", table::facts_below(&facts))
    }
}
