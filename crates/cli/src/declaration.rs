//! A signed declaration as a file, as printed by `levee declare --sign` and submitted by `levee declare
//! --signed`.

use std::path::Path;

use alloy::primitives::{Address, B256};
use levee::{Blueprint, SignedDeclaration, Stage, error::brief};
use levee_model::json::{Account, Hash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{error::UserError, file};

/// A signed declaration and the chain that it is for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SignedFile {
    /// Id of the chain.
    pub(crate) chain: u64,
    #[serde(with = "Account")]
    board: Address,
    #[serde(flatten)]
    signed: SignedDeclaration,
    /// What was signed, by EIP-712.
    #[serde(with = "Hash")]
    pub(crate) digest: B256,
}

impl SignedFile {
    /// The file for a declaration on the board of `chain`.
    pub(crate) fn new(chain: u64, signed: SignedDeclaration, digest: B256) -> Self {
        Self { chain, board: Blueprint::board().address(), signed, digest }
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, UserError> {
        serde_json::from_str(&file::text(path)?).map_err(|error| {
            UserError::new(format!("`{}` is not a signed declaration: {}", path.display(), brief(&error)))
                .hint("`levee declare --sign` prints one")
        })
    }

    /// The declaration.
    pub(crate) fn signed(self) -> Result<SignedDeclaration, UserError> {
        let board = Blueprint::board().address();
        if self.board == board {
            return Ok(self.signed);
        }
        Err(UserError::new(format!("the declaration is for the board `{}`", self.board))
            .hint(format!("this version of Levee uses the board `{board}`")))
    }
}

/// Reads a stage.
pub(crate) fn parse_stage(text: &str) -> Result<Stage, UserError> {
    Stage::ALL.into_iter().find(|stage| stage.to_string().eq_ignore_ascii_case(text)).ok_or_else(|| {
        UserError::new(format!("`{text}` is not a stage"))
            .hint("use expressed, proposed, approved or withdrawn")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee::Declaration;
    use levee_model::Wei;

    fn signed() -> SignedDeclaration {
        let declaration = Declaration {
            escrow: Address::repeat_byte(1),
            stage: Stage::Proposed,
            tier: 2,
            amount: Some(Wei::new(5)),
            expiry: 100,
            link: "https://forum.example/1".into(),
        };
        let contributor = Address::repeat_byte(2);
        SignedDeclaration { contributor, declaration, made_at: 50, signature: vec![7; 65].into() }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signed.json");
        for amount in [Some(Wei::new(5)), None] {
            let mut signed = signed();
            signed.declaration.amount = amount;
            let file = SignedFile::new(31337, signed.clone(), B256::repeat_byte(9));
            std::fs::write(&path, serde_json::to_string(&file).unwrap()).unwrap();
            let read = SignedFile::read(&path).unwrap();
            assert_eq!((read.chain, read.digest), (31337, B256::repeat_byte(9)));
            assert_eq!(read.signed().unwrap(), signed);
        }
    }

    #[test]
    fn a_declaration_for_another_board_is_refused() {
        let mut file = SignedFile::new(1, signed(), B256::ZERO);
        file.board = Address::repeat_byte(3);
        let message = file.signed().unwrap_err().to_string();
        assert_eq!(message, format!("the declaration is for the board `{}`", Address::repeat_byte(3)));
    }

    #[test]
    fn stages_are_known_by_name() {
        assert_eq!(parse_stage("approved").unwrap(), Stage::Approved);
        assert_eq!(parse_stage("Expressed").unwrap(), Stage::Expressed);
        let message = parse_stage("promised").unwrap_err().to_string();
        assert_eq!(message, "`promised` is not a stage");
    }
}
