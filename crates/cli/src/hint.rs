//! Hints for errors of the client, which knows what happened but not which command to run next.

use levee::{
    BoardError, BonusRefusal, Contract, Error, ReceiverError, RecoveryRefusal, Refusal, RouterError,
    SignerError, proof::ProofError,
};
use levee_index::IndexError;
use levee_model::{Asset, CompactRefusal, TermsError};

/// The hint for an error of the index, if there is one.
pub(crate) const fn for_index(error: &IndexError) -> Option<&'static str> {
    match error {
        IndexError::StoreUnusable { .. } => {
            Some("choose another one with `--store` or the variable LEVEE_INDEX")
        }
        IndexError::NoIndex { .. } => Some("check `--store`, or run `levee index` first"),
        IndexError::StoreUnreachable { .. } => {
            Some("check whether the database is running, and `--store` or the variable LEVEE_INDEX")
        }
        IndexError::NewerSchema { .. } => {
            Some("use the later release, or choose another store with `--store`")
        }
        IndexError::OlderSchema { .. } => Some("run `levee index`, which brings the store up to date"),
        IndexError::FinalBlockChanged { .. } => Some(
            "check the node and the chain; for another local chain, or one that was started again, choose another store with `--store`",
        ),
        IndexError::Incoherent { .. } => Some("ask another node, with `--rpc-url`"),
        IndexError::StoreDamaged { .. } | IndexError::OtherRules { .. } => {
            Some("index again into another store, with `--store`")
        }
        IndexError::HistoryBroken { .. } | IndexError::CompactBroken { .. } => Some(
            "the node leaves out logs; index again with another node, into another store, with `--store`",
        ),
        _ => None,
    }
}

/// The hint for `error`, if there is one.
pub(crate) fn for_client(error: &Error) -> Option<&'static str> {
    match error {
        Error::Refused(refusal) => for_refusal(refusal),
        Error::RecoveryRefused(refusal) => for_recovery(refusal),
        Error::BonusRefused(refusal) => for_bonus(refusal),
        Error::BoardRefused(refusal) => for_board(refusal),
        Error::RouterRefused(refusal) => for_router(refusal),
        Error::ReceiverRefused(refusal) => for_receiver(refusal),
        Error::CompactRefused(refusal) => for_compact(refusal),
        Error::TokenRefused { .. } => {
            Some("check the account's balance and allowance, and whether the token is paused")
        }
        Error::InsufficientFunds { .. } => {
            Some("send ETH to the account, which pays for the amount and for gas")
        }
        Error::WrongChain { .. } => {
            Some("check `--rpc-url` and `--chain`, or the terms' `chain`; nothing was sent")
        }
        Error::NoCode { contract: Contract::PledgeEscrow, .. } => {
            Some("check the address and the chain, or create the rescue with `levee deploy`")
        }
        Error::NotLevee { contract: Contract::PledgeEscrow, .. } => {
            Some("do not send anything there; `levee address` computes the right address from a terms file")
        }
        Error::NoCode { contract: Contract::Compact, .. } => {
            Some("check the address and the chain, or create the compact with `levee compact deploy`")
        }
        Error::NotLevee { contract: Contract::Compact, .. } => Some(
            "do not send anything there; `levee compact show` computes the right address from a file of terms",
        ),
        Error::ForeignEscrows { .. } => Some(
            "what you have in it can be taken back, or put under notice and taken out, with `levee compact take-back`, `notice` and `leave`",
        ),
        Error::CompactBeginsEarlier { .. } => Some("leave `--from-block` out, or name an earlier block"),
        Error::BrokenCompact { .. } | Error::CompactHistoryDiffers { .. } => {
            Some("the node leaves out logs: ask another one")
        }
        Error::NotLidos { .. } => {
            Some("what you have in it can be taken out with `levee compact take-back`, `notice` and `leave`")
        }
        Error::NotReconciled { .. } => Some(
            "logs are missing, or are of another rescue: compare the index with `levee index check`, or ask another node",
        ),
        Error::HistoryDiffers { .. } => {
            Some("the node leaves out logs: ask another one, or build an index with two")
        }
        Error::NoDeployer => {
            Some("Levee's contracts can only be created on a chain that has it at its usual address")
        }
        Error::NoSuchAsset { .. } => Some("use ETH"),
        Error::NotToken { .. } => Some("check `--token` and the chain"),
        Error::NoToken { .. } | Error::ForeignTokens { .. } => {
            Some("check `steth` and `wsteth` in the terms, and the chain")
        }
        Error::InvalidUrl { .. } | Error::Unreachable { .. } => {
            Some("check `--rpc-url` or the variable LEVEE_RPC_URL")
        }
        Error::SignerRefused(refusal) => Some(for_signer(refusal)),
        Error::NoTypedData { .. } => {
            Some("pledge or sign with `--approve` instead, and declare without `--sign`")
        }
        Error::NotOwnSignature { .. } => {
            Some("check the account, and the passphrase of the device that holds it")
        }
        Error::NoWallet { .. } => Some("check the address and the chain, or create the wallet first"),
        Error::WalletRefuses { .. } => Some(
            "sign with an account that the wallet accepts by itself, or let the wallet declare by a transaction of its own, which `--as WALLET --calldata` prints",
        ),
        Error::SafeNeedsMore { .. } => Some(
            "let the Safe declare by a transaction of its own: `--as SAFE --safe-batch FILE`, instead of `--for SAFE --sign`, writes it",
        ),
        Error::NotSafe { .. } | Error::OtherSafe { .. } => Some("check the address and the chain"),
        Error::UnknownSafeVersion { .. } => Some("make the transaction with Safe's own programs"),
        Error::SafeRefused { .. } => Some(
            "`levee safe show` shows the transaction, who has approved it, and whether its call would fail",
        ),
        Error::SafeGuardRefused { .. } => Some(
            "propose what the guard lets through, or ask the owners, who set the guard and can change it",
        ),
        Error::OtherSafeTransaction { .. } => Some("give only files of the same transaction"),
        Error::SafeNonceUsed { .. } => Some(
            "look with `levee status` whether this one was executed; propose the calls again only if it was not",
        ),
        Error::SafeNonceAhead { .. } => Some("execute the transactions with the nonces before it first"),
        Error::SafeApprovalsMissing { .. } => {
            Some("let more owners sign it with `levee safe sign`; an owner who executes it need not")
        }
        Error::NotSafeOwner { .. } => Some(
            "sign as an owner; `levee safe show` shows who has approved, and `--for` signs for a contract",
        ),
        Error::ForeignCode { .. } => Some("do not sign it; propose the calls with `levee safe propose`"),
        Error::NotAsExpected { expected, found, .. }
            if expected.ends_with("stETH") && found.ends_with("shares") =>
        {
            Some(
                "a pledge of stETH is one of shares, whose value changes every day: expect the shares, or add `--rpc-url`, and the amount is converted at today's rate",
            )
        }
        Error::NotAsExpected { part: "pledger", expected, .. } if expected.is_empty() => Some(
            "if that is who you mean, add it to the expectation, or name the sender that you are sure of with `--from`",
        ),
        Error::NotAsExpected { .. } | Error::UnexpectedCall { .. } | Error::MissingCall { .. } => {
            Some("do not sign it before you know why; without `--expect`, `levee decode` shows all calls")
        }
        Error::NoMultiSend => Some("propose the calls one by one, each in a batch of its own"),
        Error::PermitRefused { .. } => Some("use `--approve` instead of `--permit`"),
        Error::NotMined { .. } => Some(
            "run the same command again, which sends this transaction again and no other; `levee journal list` shows it; if it was sent long ago, or the node says that it failed and has no receipts to prove it, ask another node",
        ),
        Error::NotAccepted { .. } => Some(
            "run the same command again, which sends this transaction again and no other; `levee journal list` shows it",
        ),
        Error::NonceUsed { .. } => Some("check what the account has sent, and run the command again"),
        Error::WalletDeclined { .. } => Some("run the command again to be asked again"),
        Error::WalletSilent { .. } => Some(
            "look the account up: if the wallet has sent the transaction, name its hash, with `levee journal resume INTENT --transaction HASH`; if not, decline the request in the wallet, and then give the intent up, with `levee journal forget INTENT`",
        ),
        Error::WalletChanged { .. } => Some(
            "check what it does; `levee journal list` shows the record, and `levee journal forget` gives it up",
        ),
        Error::ForeignPending { .. } => Some(
            "wait until they are in a block, or name a nonce with `--nonce`: with one of theirs, yours replaces theirs if it pays more",
        ),
        Error::GasPriceAboveLimit { .. } => {
            Some("wait, or name the price that you accept with `--max-fee`, as in `--max-fee 400gwei`")
        }
        Error::GasAboveLimit { .. } => {
            Some("use another node; on a chain with larger transactions, name `--gas-limit`")
        }
        Error::GasLimitTooLow { .. } => {
            Some("leave `--gas-limit` out or raise it; if you gave none, run the command again")
        }
        Error::DataFeeUnknown { .. } => Some("use another node"),
        Error::DataFeeRisen { .. } => Some("run the command again: it shows what the rest costs now"),
        Error::FeeAboveLimit { .. } => Some("if that is meant, name both `--max-fee` and `--gas-limit`"),
        Error::TransactionTaken { .. } => {
            Some("check the hash; `levee journal list` shows what each intent has sent")
        }
        Error::KeyTaken { .. } => Some("use another `--id`; `levee journal list` shows what each was for"),
        Error::Journal { .. } => Some(
            "check that the file can be written and that the disk is not full, and run the command again",
        ),
        Error::InvalidFile { .. } => Some("check the path, or ask whoever has sent it for another"),
        Error::Rpc { .. } => Some("check `--rpc-url`, or ask another node"),
        Error::Malformed { .. } => Some("ask another node, with `--rpc-url`"),
        Error::NoAnswer { .. } => Some(
            "try again later, use another node, or give several with `--rpc-url`; `--timeout` sets how long to try",
        ),
        Error::Unproven(ProofError::NoBlock { .. }) => {
            Some("check the hash and the chain, or use another node: many know only recent blocks")
        }
        Error::Unproven(_) => Some(
            "do not rely on what gave this answer: ask another node, and compare the block's hash with another source",
        ),
        Error::Disagreement { .. } => Some("one of these nodes is wrong: find out which, and leave it out"),
        Error::FutureBlock { .. } => {
            Some("check this machine's clock, or use another node; nothing was signed")
        }
        Error::NodeBehind { .. } => Some(
            "use another node, or wait until it has caught up; check this machine's clock; nothing was signed",
        ),
        Error::TooFewNodes { .. } => Some("give `--rpc-url` once for each node, or a smaller `--quorum`"),
        Error::NoGovernor { .. } => Some(
            "check the address and the chain; for a DAO of another kind, `--calldata` prints the calls for whatever it votes with",
        ),
        Error::FailedInBlock { .. } => Some("check `levee status` and try again"),
        _ => None,
    }
}

const fn for_signer(error: &SignerError) -> &'static str {
    match error {
        SignerError::SignerNotFound { .. } => {
            "connect and unlock it; on Linux, its vendor's udev rules must be installed"
        }
        SignerError::SignerNotOpened { .. } => {
            "close other programs that use it; on Linux, its vendor's udev rules must be installed"
        }
        SignerError::SeveralSigners { .. } => "disconnect all but one",
        SignerError::SignerLocked { .. } => "unlock it, and run the command again",
        SignerError::WrongApp { .. } => "open the app, and run the command again",
        SignerError::BlindSigningDisabled { .. } => {
            "enable it in the settings of the Ethereum app, and run the command again"
        }
        SignerError::RejectedBySigner { .. } => "run the command again to be asked again",
    }
}

fn for_refusal(refusal: &Refusal) -> Option<&'static str> {
    use Refusal::*;
    match refusal {
        PledgingClosed { .. } | WrongStatus { .. } | NothingToStop { .. } => {
            Some("`levee status` shows what can be called now")
        }
        UnknownTier { .. } => Some("`levee status` lists the tiers"),
        NothingToReturn { .. } | NothingDrawn { .. } => {
            Some("`levee positions ADDRESS` lists what an account has, by tier and asset")
        }
        NoExitWindow { .. } => {
            Some("a pledge is locked; after settlement, `levee refund` returns what was not drawn")
        }
        CoverageTooLow { .. } => {
            Some("after the deadline, the rescue settles at the highest threshold met, or fails")
        }
        RateUnreadable => {
            Some("try again later; once the release window has passed, `levee expire` returns everything")
        }
        RateReadable { .. } => Some("run `levee settle`"),
        RateNotNeeded => Some("`levee settle` decides the rescue once its deadline has passed"),
        GasTooLow { .. } => Some("use another node: this one allows a call too little gas"),
        NoVeto => Some("only a guardian can stop what is not yet due, with `levee cancel`"),
        AlreadyObjected { .. } => {
            Some("a position can object only once; `levee status` shows the total of the objections")
        }
        NothingDue { .. } => Some("`levee status` shows when the next tranche falls due, if there is one"),
        TooEarly { .. } => Some("wait until then; `levee status` shows what can be called now"),
        AmendmentTooLate { .. } => Some("an amendment needs its whole exit window before the deadline"),
        AmendedDeadlineTooEarly { .. } => Some("propose a later deadline"),
        AmendedDeadlineTooLate { .. } => Some("propose an earlier deadline"),
        AmendmentDiffers { .. } => Some("the terms have changed: check `levee status`, then pledge again"),
        AmendmentPending { .. } => Some(
            "wait until it takes effect: nothing settles before then, and only one amendment can be pending",
        ),
        NothingOwed { .. } => Some("`levee positions ADDRESS` shows what is owed to an account"),
        Terms(TermsError::TargetOutOfBounds { .. }) => Some("propose a target within these bounds"),
        AmountTooLarge { .. } => Some("pledge less"),
        InvalidAccount { .. } => Some("name an account that someone controls"),
        NotGuardian { .. } => Some("sign with the guardian's account"),
        PaymentFailed { asset: Asset::Eth, .. } => Some("the pledger can name another recipient with `--to`"),
        PaymentFailed { .. } => Some(
            "if the token is paused, try again later; if it refuses the recipient, the pledger can name another one with `--to`",
        ),
        _ => None,
    }
}

fn for_compact(refusal: &CompactRefusal) -> Option<&'static str> {
    use CompactRefusal::*;
    match refusal {
        NotAdmitter { .. } => Some("sign with the account of the admitter, which the terms name"),
        NotAdmitted { .. } => Some("ask the admitter, which `levee compact status` names, to admit it"),
        ZeroAmount => Some("name more than zero"),
        AmountTooLarge { .. } => Some("choose less"),
        InvalidAccount { .. } => Some("name an account that someone controls"),
        NothingPending { .. } | NothingNoticed { .. } | NothingToClaim { .. } | NobodyEarns => {
            Some("`levee compact status` shows what each member has")
        }
        NoticeTooLarge { .. } => Some("choose at most what is active, which `levee compact status` shows"),
        StillSeasoning { .. } | NoticeRunning { .. } | CallTooSoon { .. } => Some("wait until then"),
        SeasonedTooLong { .. } => {
            Some("`levee compact commit COMPACT 0 wstETH` lets it season anew; `take-back` pays it back")
        }
        NoticeLapsed { .. } => Some("give notice again with `levee compact notice`"),
        NotApprover { .. } => Some("sign with the member, or with the approver that it has named"),
        NoWeight { .. } => Some("only what was active then, and not under notice, can propose and approve"),
        BpsOutOfBounds { .. } => Some("choose a part within these bounds with `--part`"),
        WrongEscrowCode { .. } | NoEscrow { .. } => {
            Some("check the terms file and its edition, and create the rescue with `levee deploy` first")
        }
        UnknownTier { .. } => Some("`levee status` lists the tiers of the rescue"),
        NotPledging { .. } | CallTooLarge { .. } => {
            Some("`levee status` shows what the rescue takes and misses")
        }
        DeadlineTooEarly { .. } => Some("only a rescue with a later deadline can be called for"),
        RateUnreadable => Some("try again later"),
        OtherToken { .. }
        | ForeignGuardian { .. }
        | VetoOutsidePolicy { .. }
        | ObjectionPeriodBelowPolicy { .. }
        | ExitWindowBelowPolicy { .. }
        | LockTooLong { .. }
        | ThresholdBelowPolicy { .. }
        | RateBelowPolicy { .. } => {
            Some("`levee compact status` shows what a rescue needs, and rescues never change in this")
        }
        UnknownCall { .. } | CallHasPassed { .. } | NotApproved { .. } | CallNotPassed { .. } => {
            Some("`levee compact status` shows all calls, and who approves them")
        }
        VotingOver { .. } | FulfillmentOver { .. } => Some("propose it again, if it is still needed"),
        NothingToGive { .. } => Some("`levee compact status` shows who gave what"),
        AlreadyAdmitted { .. } | AlreadyApproved { .. } | Terms(_) => None,
    }
}

fn for_recovery(refusal: &RecoveryRefusal) -> Option<&'static str> {
    match refusal {
        RecoveryRefusal::NotFinal { .. } => Some("`levee status` shows what can be called now"),
        RecoveryRefusal::NothingDelivered => {
            Some("nothing went to the beneficiary; `levee refund` returns what was pledged")
        }
        RecoveryRefusal::ZeroAmount => Some("deposit more than zero"),
        RecoveryRefusal::AmountTooLarge { .. } => Some("deposit less"),
        RecoveryRefusal::NotDrawn { .. } | RecoveryRefusal::NothingToClaim { .. } => {
            Some("`levee positions ADDRESS` lists what an account has, by tier and asset")
        }
        RecoveryRefusal::InvalidAccount { .. } => Some("name an account that someone controls"),
        RecoveryRefusal::PaymentFailed { .. } => {
            Some("name another recipient with `--to`, if the position is yours")
        }
        RecoveryRefusal::ByRescue(refusal) => for_refusal(refusal),
    }
}

fn for_bonus(refusal: &BonusRefusal) -> Option<&'static str> {
    match refusal {
        BonusRefusal::AddingClosed { .. } => Some("a bonus can be added only while the rescue is open"),
        BonusRefusal::ZeroAmount => Some("add more than zero"),
        BonusRefusal::InvalidAccount { .. } => Some("name an account that someone controls"),
        BonusRefusal::NothingToEnlist { .. } => {
            Some("the whole position already counts, or enlisting has ended")
        }
        BonusRefusal::AmountTooLarge { .. } => Some("pledge the rest for another account"),
        BonusRefusal::TooEarly { .. } => Some(
            "wait until then; meanwhile, `levee bonus enlist` removes positions that have left the rescue",
        ),
        BonusRefusal::NothingToClaim { .. } => {
            Some("a share is paid once; `levee positions ADDRESS` lists what an account pledged")
        }
        BonusRefusal::NothingToTakeBack { .. } => Some("name the sponsor with `--sponsor`"),
        BonusRefusal::PaymentFailed { .. } => Some("name another recipient with `--to`, if it is yours"),
        BonusRefusal::ByRescue(refusal) => for_refusal(refusal),
    }
}

fn for_board(refusal: &BoardError) -> Option<&'static str> {
    match refusal {
        BoardError::AmountOutOfBounds { .. } => Some("declare an amount within these bounds"),
        BoardError::LinkTooLong { .. } => Some("use a shorter link"),
        BoardError::DeclarationExpired { .. } => Some("make a new declaration with a later `--expiry`"),
        BoardError::MadeInTheFuture { .. } => Some("wait until then, and check the signer's clock"),
        BoardError::DigestSpent { .. } => Some("`levee declarations` lists the valid ones; sign a new one"),
        BoardError::SignatureInvalid { .. } => {
            Some("the contributor must sign it for this chain, and it must not be changed afterwards")
        }
    }
}

fn for_router(refusal: &RouterError) -> Option<&'static str> {
    match refusal {
        RouterError::NotWETH { .. } | RouterError::NotTaken { .. } => {
            Some("check the address of the rescue and that of WETH")
        }
        RouterError::InvalidAccount { .. } => Some("name an account that someone controls"),
        RouterError::SafeERC20FailedOperation { .. } => Some("check the account's balance and allowance"),
    }
}

fn for_receiver(refusal: &ReceiverError) -> Option<&'static str> {
    match refusal {
        ReceiverError::InvalidAccount { .. } => Some("name an account that someone controls"),
        ReceiverError::UnknownReserve { .. } => Some("check the pool, the WETH that it lends, and the chain"),
        _ => Some("`levee receiver status` shows what the receiver holds, and what can be done now"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::Address;
    use levee_model::{PositionId, Units};

    #[test]
    fn only_a_token_can_be_paused() {
        let hint = |asset| {
            let (recipient, amount) = (Address::ZERO, Units::new(1));
            for_client(&Error::Refused(Refusal::PaymentFailed { recipient, asset, amount }))
        };
        assert_eq!(hint(Asset::Eth), Some("the pledger can name another recipient with `--to`"));
        let token = "if the token is paused, try again later; if it refuses the recipient, the pledger can name another one with `--to`";
        assert_eq!([Asset::StEth, Asset::WstEth].map(hint), [Some(token); 2]);
    }

    /// Errors that the command avoids itself, so that only a race with another transaction leads to them.
    #[test]
    fn a_second_objection_has_its_hint() {
        let id = PositionId { pledger: Address::ZERO, tier: 0, asset: Asset::Eth };
        let hint = for_client(&Error::Refused(Refusal::AlreadyObjected { id }));
        assert_eq!(
            hint,
            Some("a position can object only once; `levee status` shows the total of the objections")
        );
    }
}
