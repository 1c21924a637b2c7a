//! The fault campaign: the built `levee` command behind nodes that fail and lie, killed at any request, and repeated.
//!
//! Each run follows a [`Plan`], which is a function of a seed: commands, and what happens at which request. It then repeats
//! each command on a node that works until it succeeds, and asks the chain itself what became of it:
//!
//! 1. each command has had its effect exactly once, also after everything that was ever signed was broadcast again;
//! 2. the journal says so, and whoever was told of a success was told the truth;
//! 3. whatever was broadcast is in the journal;
//! 4. nothing was signed for another chain, for a later nonce, above the limits or above what was shown; and
//! 5. a wallet was never asked again for what it had not answered, and what it changed was noticed.
//!
//! | file | question |
//! |---|---|
//! | `plan` | what happens when? |
//! | `node` | how does a node do that? |
//! | `world` | on which chain, with which rescues? |
//! | `process` | what did a process of the command do? |
//! | `wallet` | what does a wallet in a browser do with what it is asked? |
//! | `run` | in which order does it all happen? |
//! | `verdict` | does the chain have what it should? |
//! | `campaign` | many runs at once, and the smallest that fails |

mod campaign;
mod node;
mod plan;
mod process;
mod run;
mod verdict;
mod wallet;
mod world;

pub use campaign::{Campaign, Finding, Report};
pub use plan::Plan;
