//! What signs. Keys are never arguments, which other users of the machine could read, and are never displayed.

use std::{
    env,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use clap::{ArgMatches, Args, Command, FromArgMatches, value_parser};
use eyre::Result;
use levee::AccountSigner;

#[cfg(any(feature = "aws", feature = "gcp"))]
use crate::kms;
use crate::{
    address,
    browser::BrowserWallet,
    config::Config,
    device::{self, HdPath},
    environment::{self, variable},
    error::UserError,
    file,
    keystore::{self, Locked},
    output::Output,
    prompt, public_keys,
};

/// Environment variable with a private key.
const KEY_VARIABLE: &str = "LEVEE_PRIVATE_KEY";
/// Environment variable with the password of a keystore.
const PASSWORD_VARIABLE: &str = "LEVEE_PASSWORD";
/// Environment variable with the path of a file that has the password, as for `cast`.
const PASSWORD_PATH_VARIABLE: &str = "ETH_PASSWORD";
/// Environment variable with the account that is meant, as for `cast`.
const ACCOUNT_VARIABLE: &str = "ETH_FROM";
/// The chain ID of a local anvil, the only one on which public keys sign.
pub(crate) const DEV_CHAIN: u64 = levee::provider::LOCAL_CHAIN;

/// The keys that every anvil prints when it starts. They are public: no money is safe with them.
const DEV_KEYS: [&str; 10] = [
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
];

/// What signs for an account.
pub(crate) type Hand = Arc<dyn AccountSigner>;

/// What signs. An option wins over LEVEE_PRIVATE_KEY, and that over the variables of `cast`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Account (or the variable LEVEE_PRIVATE_KEY)")]
pub(crate) struct AccountArgs {
    /// Encrypted JSON keystore to sign with; default: the variable ETH_KEYSTORE.
    #[arg(long, value_name = "PATH", group = "hand")]
    keystore: Option<PathBuf>,

    /// Name of a Foundry keystore in ~/.foundry/keystores (created with `cast wallet import`); default: the variable
    /// ETH_KEYSTORE_ACCOUNT, then levee.toml.
    #[arg(long, value_name = "NAME", group = "hand")]
    account: Option<String>,

    /// File with the keystore's password; default: the variable LEVEE_PASSWORD, the file that ETH_PASSWORD names, or a
    /// prompt.
    #[arg(long, value_name = "PATH")]
    password_file: Option<PathBuf>,

    /// Ask for the private key, without showing it.
    #[arg(long, group = "hand")]
    interactive: bool,

    /// Sign with the connected Ledger, whose Ethereum app must be open.
    #[arg(long, groups = ["hand", "device"])]
    ledger: bool,

    /// Sign with the connected Trezor; it signs transactions, and no declarations or permits.
    #[arg(long, groups = ["hand", "device"])]
    trezor: bool,

    /// Path of the account on the device, as in `m/44'/60'/0'/0/0`.
    #[arg(
        long,
        value_name = "PATH",
        value_parser = HdPath::parse,
        requires = "device",
        conflicts_with = "mnemonic_index",
        alias = "mnemonic-derivation-path"
    )]
    hd_path: Option<HdPath>,

    /// Number of the account on the device, as the device's own program counts; default: 0.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(..1 << 31), requires = "device")]
    mnemonic_index: Option<u32>,

    /// Sign with a key in AWS KMS, which the variable AWS_KMS_KEY_ID names.
    #[cfg(feature = "aws")]
    #[arg(long, group = "hand")]
    aws: bool,

    /// Sign with a key in Google Cloud KMS, which the variables GCP_PROJECT_ID, GCP_LOCATION, GCP_KEY_RING, GCP_KEY_NAME and
    /// GCP_KEY_VERSION name.
    #[cfg(feature = "gcp")]
    #[arg(long, group = "hand")]
    gcp: bool,

    /// Anvil's well-known account N, 0 to 9; only on a local chain with chain ID 31337.
    #[arg(long, value_name = "N", group = "hand")]
    dev: Option<usize>,

    /// Sign with a wallet in a browser, through a page on this machine whose address is printed; the variable ETH_FROM says which
    /// account must sign.
    #[arg(long, group = "hand")]
    browser: bool,

    #[command(flatten)]
    named: Named,
}

/// Whether an option of the group `hand` was given.
#[derive(Debug, Default)]
struct Named(bool);

impl FromArgMatches for Named {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.contains_id("hand")))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Named {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl AccountArgs {
    /// What signs, for use on `chain`. May ask for a password or for a wallet, and opens a device.
    pub(crate) async fn hand(&self, chain: u64, output: Output) -> Result<Hand> {
        let hand = self.any(chain, output).await?;
        require_secret(hand.address(), chain)?;
        require_expected(hand.address())?;
        Ok(hand)
    }

    /// The account, as far as it is known before it is opened: nobody is asked for a password, and no device.
    pub(crate) fn likely(&self) -> Option<Address> {
        if self.is_elsewhere() {
            return expected().ok().flatten();
        }
        match self.keystore_file().ok()? {
            Some(path) => keystore::named(&file::text(&path).ok()?),
            None => self.key().ok().map(|key| key.address()),
        }
    }

    /// Whether the key is typed, on a device, in a wallet or in a service.
    const fn is_elsewhere(&self) -> bool {
        self.interactive || self.ledger || self.trezor || self.browser || self.is_in_service()
    }

    /// Whether an option names the account.
    pub(crate) const fn is_named(&self) -> bool {
        self.named.0
    }

    /// Whether the key is in a service.
    const fn is_in_service(&self) -> bool {
        #[cfg(feature = "aws")]
        if self.aws {
            return true;
        }
        #[cfg(feature = "gcp")]
        if self.gcp {
            return true;
        }
        false
    }

    /// Whether a wallet in a browser signs.
    pub(crate) const fn is_in_browser(&self) -> bool {
        self.browser
    }

    async fn any(&self, chain: u64, output: Output) -> Result<Hand> {
        if self.browser {
            return Ok(Arc::new(BrowserWallet::connect(chain, expected()?, output).await?));
        }
        let index = self.mnemonic_index.unwrap_or_default();
        if self.ledger {
            return device::ledger(self.hd_path.clone(), index, output).await;
        }
        if self.trezor {
            return device::trezor(self.hd_path.clone(), index, output).await;
        }
        #[cfg(feature = "aws")]
        if self.aws {
            return kms::aws().await;
        }
        #[cfg(feature = "gcp")]
        if self.gcp {
            return kms::gcp().await;
        }
        Ok(Arc::new(self.key()?))
    }

    fn key(&self) -> Result<PrivateKeySigner> {
        if let Some(number) = self.dev {
            return Ok(dev_signer(number)?);
        }
        if self.interactive {
            require_terminal("`--interactive` asks for the private key", "use `--account NAME`")?;
            return Ok(parse_key(&prompt::password("Private key")?, "what was typed")?);
        }
        if let Some(path) = self.keystore_file()? {
            return self.open(&path);
        }
        let key = variable(KEY_VARIABLE).ok_or_else(no_account)?;
        Ok(parse_key(&key, KEY_VARIABLE)?)
    }

    /// The keystore to open; none if the key comes from elsewhere.
    fn keystore_file(&self) -> Result<Option<PathBuf>, UserError> {
        if self.keystore.is_some() || self.account.is_some() {
            return keystore_path(self.keystore.clone(), self.account.as_deref());
        }
        if self.dev.is_some() || variable(KEY_VARIABLE).is_some() {
            return Ok(None);
        }
        usual_keystore()
    }

    /// Refuses a keystore that is not there, before anybody is asked for its password.
    pub(crate) fn require_keystore(&self) -> Result<(), UserError> {
        if self.is_elsewhere() {
            return Ok(());
        }
        self.keystore_file()?.map_or(Ok(()), |path| require_file(&path))
    }

    fn open(&self, path: &Path) -> Result<PrivateKeySigner> {
        require_file(path)?;
        let password = self.password(path)?;
        let text = file::text(path).map_err(|error| error.within("the keystore"))?;
        let opened = keystore::open(&text, password.trim_end_matches(['\r', '\n']));
        opened.map_err(|locked| does_not_open(path, locked).into())
    }

    fn password(&self, keystore: &Path) -> Result<String> {
        if let Some(path) = &self.password_file {
            return Ok(file::text(path).map_err(|error| error.within("the password"))?);
        }
        if let Some(password) = variable(PASSWORD_VARIABLE) {
            return Ok(password);
        }
        if let Some(path) = variable(PASSWORD_PATH_VARIABLE) {
            // What is no path may be the password itself.
            return Ok(file::text(Path::new(&path)).map_err(|_| no_password_file())?);
        }
        require_terminal(
            "the keystore needs a password",
            "use `--password-file PATH` or the variable LEVEE_PASSWORD",
        )?;
        prompt::password(&format!("Password of {}", keystore.display()))
    }
}

fn require_file(keystore: &Path) -> Result<(), UserError> {
    if keystore.is_file() {
        return Ok(());
    }
    Err(UserError::new(format!("there is no keystore at `{}`", keystore.display()))
        .hint("`cast wallet list` shows the names of your keystores"))
}

/// The keystore that the environment names, or else levee.toml.
fn usual_keystore() -> Result<Option<PathBuf>, UserError> {
    let keystore = variable("ETH_KEYSTORE").map(PathBuf::from);
    match keystore_path(keystore, variable("ETH_KEYSTORE_ACCOUNT").as_deref())? {
        Some(path) => Ok(Some(path)),
        None => keystore_path(None, Config::get()?.account()?),
    }
}

/// The path of a keystore, or the one of this name where Foundry has its own.
fn keystore_path(path: Option<PathBuf>, name: Option<&str>) -> Result<Option<PathBuf>, UserError> {
    let (None, Some(name)) = (&path, name) else { return Ok(path) };
    let home = env::home_dir().ok_or_else(|| {
        UserError::new("`--account` needs a home directory, but none is set").hint("use `--keystore PATH`")
    })?;
    Ok(Some(home.join(".foundry/keystores").join(name)))
}

/// The account that the variable ETH_FROM names.
pub(crate) fn expected() -> Result<Option<Address>, UserError> {
    environment::parsed(ACCOUNT_VARIABLE, address::parse)
}

/// Refuses another account than the environment's.
fn require_expected(account: Address) -> Result<(), UserError> {
    match expected()? {
        Some(expected) if expected != account => Err(UserError::new(format!(
            "the account is `{account}`, but the variable {ACCOUNT_VARIABLE} names `{expected}`"
        ))
        .hint(format!("sign with that account, or unset {ACCOUNT_VARIABLE}"))),
        _ => Ok(()),
    }
}

fn require_terminal(need: &str, hint: &str) -> Result<(), UserError> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(UserError::new(format!("{need}, but there is no terminal to ask for it")).hint(hint))
}

fn no_password_file() -> UserError {
    UserError::new(format!("the file that {PASSWORD_PATH_VARIABLE} names cannot be read"))
        .hint("it must be the path of a file with the keystore's password, as for `cast`")
}

fn does_not_open(path: &Path, locked: Locked) -> UserError {
    let path = path.display();
    match locked {
        Locked::WrongPassword => {
            UserError::new(format!("the password does not unlock the keystore `{path}`"))
                .hint("check the password and the account")
        }
        Locked::BadFile(reason) => UserError::new(format!(
            "the keystore `{path}` cannot be opened: {reason}"
        ))
        .hint(
            "check that the file is an encrypted JSON keystore, or import the key with `cast wallet import`",
        ),
    }
}

/// Refuses an account that anyone can sign for, except on a local chain, whatever its key comes from.
fn require_secret(account: Address, chain: u64) -> Result<(), UserError> {
    if chain == DEV_CHAIN || !public_keys::is_public(account) {
        return Ok(());
    }
    let message = format!("the key of `{account}` is public, so it does not sign on chain {chain}");
    let hint =
        format!("sign with a key of your own; public keys are for a local anvil with chain ID {DEV_CHAIN}");
    Err(UserError::new(message).hint(hint))
}

fn dev_signer(number: usize) -> Result<PrivateKeySigner, UserError> {
    let key = DEV_KEYS.get(number).ok_or_else(|| {
        UserError::new(format!("anvil has no well-known account {number}")).hint("`--dev` takes 0 to 9")
    })?;
    parse_key(key, "anvil's list")
}

/// The key itself is in no message.
fn parse_key(key: &str, source: &str) -> Result<PrivateKeySigner, UserError> {
    key.trim().parse().map_err(|_| {
        UserError::new(format!("{source} does not contain a valid private key"))
            .hint("it must be 64 hexadecimal digits, with or without `0x`")
    })
}

fn no_account() -> UserError {
    UserError::new("no account to sign with").hint(format!(
        "use `--browser`, `--account NAME` (Foundry's keystores), `--keystore PATH` or the variable {KEY_VARIABLE}"
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use alloy::primitives::address;

    const DEV_0: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    const DEV_9: Address = address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720");

    const KEYSTORE: &str = include_str!("../../../tests/keystores/iv-15-bytes.json");
    const KEYSTORE_ADDRESS: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");

    fn from_keystore(keystore: PathBuf, password_file: PathBuf) -> Result<PrivateKeySigner> {
        let (keystore, password_file) = (Some(keystore), Some(password_file));
        AccountArgs { keystore, password_file, ..AccountArgs::default() }.key()
    }

    #[test]
    fn anvil_has_ten_well_known_accounts() {
        assert_eq!(dev_signer(0).unwrap().address(), DEV_0);
        assert_eq!(dev_signer(9).unwrap().address(), DEV_9);
        let message = dev_signer(10).unwrap_err().to_string();
        assert_eq!(message, "anvil has no well-known account 10");
    }

    #[test]
    fn public_keys_sign_on_a_local_chain_only() {
        let accounts: Vec<_> =
            (0..DEV_KEYS.len()).map(|number| dev_signer(number).unwrap().address()).collect();
        for account in accounts {
            assert!(require_secret(account, DEV_CHAIN).is_ok());
            let message = require_secret(account, 1).unwrap_err().to_string();
            assert_eq!(message, format!("the key of `{account}` is public, so it does not sign on chain 1"));
        }
        assert!(require_secret(Address::repeat_byte(1), 1).is_ok());
    }

    #[test]
    fn a_keystore_opens_with_its_password_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("key"), KEYSTORE).unwrap();
        fs::write(path("right"), "pw\n").unwrap();
        fs::write(path("wrong"), "Pw").unwrap();
        assert_eq!(from_keystore(path("key"), path("right")).unwrap().address(), KEYSTORE_ADDRESS);
        let message = from_keystore(path("key"), path("wrong")).unwrap_err().to_string();
        assert_eq!(message, format!("the password does not unlock the keystore `{}`", path("key").display()));
        let message = from_keystore(path("none"), path("right")).unwrap_err().to_string();
        assert!(message.starts_with("there is no keystore at"), "{message}");
        let message = from_keystore(path("key"), path("none")).unwrap_err().to_string();
        assert!(message.starts_with("the password: `"), "{message}");
    }

    #[test]
    fn a_bad_key_is_not_repeated() {
        let message = parse_key("0xSECRET", KEY_VARIABLE).unwrap_err().to_string();
        assert_eq!(message, "LEVEE_PRIVATE_KEY does not contain a valid private key");
    }
}
