//! Declarations, compared with locked pledges.

use eyre::Result;
use levee::{Declaration, board};
use levee_model::{Rate, Timestamp, Wei, prorata};
use serde::Serialize;

use super::{cast, stage::Stage};

/// A contributor's last declaration for a tier, and what it has locked there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Declared {
    pub(crate) who: String,
    pub(crate) tier: u8,
    pub(crate) stage: String,
    /// None if unknown.
    #[serde(rename = "amountWei")]
    pub(crate) amount: Option<Wei>,
    #[serde(rename = "expiryUnix")]
    pub(crate) expiry: Timestamp,
    pub(crate) link: String,
    /// Whether it is valid: neither expired nor withdrawn.
    pub(crate) stands: bool,
    /// The value of its pledges into the tier.
    #[serde(rename = "lockedWei")]
    pub(crate) locked: Wei,
}

impl Declared {
    /// Reads the board; shares are worth `rate`.
    pub(crate) async fn read(stage: &Stage, rate: Rate) -> Result<Vec<Self>> {
        let contracts = &stage.contracts;
        let declared = contracts.board.declarations(contracts.escrow.address(), None).await?;
        let standing = board::standing(&declared, stage.now);
        let mut all: Vec<Self> = Vec::new();
        for one in &declared {
            let who = stage.cast.name_of(one.contributor);
            let line = Self::of(stage, who, &one.declaration, standing.contains(one), rate);
            all.retain(|before| (&before.who, before.tier) != (&line.who, line.tier));
            all.push(line);
        }
        Ok(all)
    }

    fn of(stage: &Stage, who: String, declaration: &Declaration, stands: bool, rate: Rate) -> Self {
        let Declaration { stage: reached, tier, amount, expiry, ref link, .. } = *declaration;
        let own = stage.models.rescue.positions_of(cast::address(&who)).filter(|(id, _)| id.tier == tier);
        let value = |(id, position): (levee_model::PositionId, levee_model::Position)| {
            prorata::value_down(position.amount.of(id.asset), Some(rate)).unwrap_or(Wei::ZERO)
        };
        let locked = own.map(value).sum();
        Self { who, tier, stage: reached.to_string(), amount, expiry, link: link.clone(), stands, locked }
    }

    /// The amount that it declares now; zero if it is not valid.
    pub(crate) fn standing(&self) -> Wei {
        self.amount.filter(|_| self.stands).unwrap_or(Wei::ZERO)
    }

    /// How much of that is not locked.
    pub(crate) fn missing(&self) -> Wei {
        self.standing().checked_sub(self.locked).unwrap_or(Wei::ZERO)
    }
}
