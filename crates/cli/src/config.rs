//! The configuration files: `levee.toml`, and the RPC endpoints of `foundry.toml`.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    net::SocketAddr,
    num::{NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use alloy::primitives::Address;
use alloy_chains::NamedChain;
use levee::text::Document;
use levee_model::Wei;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{environment::variable, error::UserError, file};

const FILE: &str = "levee.toml";
const FOUNDRY_FILE: &str = "foundry.toml";

/// What `levee.toml` says, and whether its user chose it: what lies in a working directory may have come with somebody's sources.
#[derive(Debug, Default)]
pub(crate) struct Config {
    settings: Settings,
    path: PathBuf,
    is_chosen: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    /// Name of the keystore that signs where a command names no account.
    account: Option<String>,
    /// Name of the chain that is used where a command names none.
    chain: Option<String>,
    #[serde(default)]
    chains: BTreeMap<String, Chain>,
    keeper: Option<KeeperSettings>,
    watch: Option<WatchSettings>,
}

/// A chain and how to reach it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Chain {
    id: u64,
    #[serde(default)]
    rpc_url: Urls,
    quorum: Option<NonZeroUsize>,
}

/// What `levee keeper` does where its arguments do not say it. Each key is called as the argument is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct KeeperSettings {
    #[serde(deserialize_with = "listed::accounts")]
    pub(crate) rescue: Vec<Address>,
    pub(crate) refund: bool,
    pub(crate) collect: bool,
    pub(crate) claim: bool,
    pub(crate) strike: bool,
    #[serde(deserialize_with = "listed::payees")]
    pub(crate) pledger: Vec<Address>,
    #[serde(deserialize_with = "listed::accounts")]
    pub(crate) compact: Vec<Address>,
    pub(crate) activate: bool,
    #[serde(deserialize_with = "listed::payees")]
    pub(crate) member: Vec<Address>,
    #[serde(deserialize_with = "listed::price")]
    pub(crate) max_fee: Option<Wei>,
    #[serde(deserialize_with = "listed::price")]
    pub(crate) max_fee_late: Option<Wei>,
    #[serde(deserialize_with = "listed::duration")]
    pub(crate) rise: Option<u32>,
    pub(crate) reserve: Option<u64>,
    pub(crate) spread: Option<NonZeroU64>,
    pub(crate) every: Option<NonZeroU64>,
    pub(crate) grace: Option<u64>,
    #[serde(deserialize_with = "listed::listen")]
    pub(crate) listen: Option<SocketAddr>,
}

/// The same for `levee watch`. There is no key for a secret.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WatchSettings {
    #[serde(deserialize_with = "listed::accounts")]
    pub(crate) rescue: Vec<Address>,
    #[serde(deserialize_with = "listed::accounts")]
    pub(crate) compact: Vec<Address>,
    #[serde(deserialize_with = "listed::accounts")]
    pub(crate) r#for: Vec<Address>,
    #[serde(deserialize_with = "listed::durations")]
    pub(crate) lead: Vec<u32>,
    pub(crate) confirmations: Option<NonZeroU64>,
    pub(crate) finalized: bool,
    /// With variables, as in the URL of a node.
    webhook: Vec<String>,
    pub(crate) command: Vec<PathBuf>,
    pub(crate) ics: Option<PathBuf>,
    pub(crate) atom: Option<PathBuf>,
    pub(crate) every: Option<NonZeroU64>,
    #[serde(deserialize_with = "listed::listen")]
    pub(crate) listen: Option<SocketAddr>,
}

/// Values as people write them.
mod listed {
    use std::net::SocketAddr;

    use alloy::primitives::Address;
    use levee_model::Wei;
    use serde::{Deserialize, Deserializer, de::Error};

    use crate::{address, error::UserError, service::vitals::parse_listen, signing::parse_price, time};

    /// Reads each text of a list. What to write instead of a wrong one follows in the message, as an error of serde has no hint.
    fn read<T, E: Error>(
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, UserError>,
    ) -> Result<Vec<T>, E> {
        let custom = |error: UserError| match &error.hint {
            Some(hint) => E::custom(format!("{error}: {hint}")),
            None => E::custom(error),
        };
        texts.iter().map(|text| parse(text).map_err(custom)).collect()
    }

    /// A list. An empty one is refused: it reads as if it meant none, but would mean the same as no list.
    fn several<'de, T, D: Deserializer<'de>>(
        from: D,
        parse: impl Fn(&str) -> Result<T, UserError>,
        instead: &str,
    ) -> Result<Vec<T>, D::Error> {
        let texts = Vec::deserialize(from)?;
        if texts.is_empty() {
            return Err(D::Error::custom(format!("the list is empty: {instead}")));
        }
        read(&texts, parse)
    }

    fn one<'de, T, D: Deserializer<'de>>(
        from: D,
        parse: impl Fn(&str) -> Result<T, UserError>,
    ) -> Result<Option<T>, D::Error> {
        Ok(read(&[String::deserialize(from)?], parse)?.pop())
    }

    pub(super) fn accounts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Address>, D::Error> {
        several(from, address::parse, "name at least one, or leave the key out")
    }

    /// Accounts that a service pays, which are all without the list.
    pub(super) fn payees<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Address>, D::Error> {
        several(from, address::parse, "name at least one, or leave the key out, which means everyone")
    }

    pub(super) fn durations<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
        several(from, time::parse_duration, "name at least one, or leave the key out for the usual ones")
    }

    pub(super) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
        one(from, time::parse_duration)
    }

    pub(super) fn price<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Wei>, D::Error> {
        one(from, parse_price)
    }

    pub(super) fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
        one(from, parse_listen)
    }
}

impl WatchSettings {
    /// The URLs of webhooks, with the values of their variables.
    pub(crate) fn webhooks(&self) -> Result<Vec<String>, UserError> {
        self.webhook.iter().map(|url| filled_in(url, WEBHOOK, true)).collect()
    }
}

/// One URL or a list of them. `${NAME}` stands for an environment variable, so that a file need not contain keys.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "is neither a URL nor a list of URLs")]
enum Urls {
    One(String),
    Several(Vec<String>),
}

impl Default for Urls {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// Where to find nodes, and what is known of their chain.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) urls: Vec<String>,
    pub(crate) chain: Option<u64>,
    pub(crate) quorum: Option<NonZeroUsize>,
}

impl Config {
    /// What the file says, which is read when it is first needed.
    pub(crate) fn get() -> Result<&'static Self, UserError> {
        static CONFIG: OnceLock<Config> = OnceLock::new();
        match CONFIG.get() {
            Some(config) => Ok(config),
            None => Self::read().map(|config| CONFIG.get_or_init(|| config)),
        }
    }

    /// The file that the variable LEVEE_CONFIG names; otherwise the nearest one, in the working directory or above it, or the
    /// user's own.
    fn read() -> Result<Self, UserError> {
        if let Some(path) = variable("LEVEE_CONFIG").map(PathBuf::from) {
            return Self::of(&read(&path)?, true);
        }
        match (nearest(FILE), users_own()) {
            (Some(path), own) => Self::of(&read(&path)?, own.is_some_and(|own| own == path)),
            (None, Some(own)) => Self::of(&read(&own)?, true),
            (None, None) => Ok(Self::default()),
        }
    }

    fn of(document: &Document, is_chosen: bool) -> Result<Self, UserError> {
        tracing::debug!(file = %document.path().display(), "configured by");
        let settings: Settings = parsed(document)?;
        let path = document.path().display();
        for (name, chain) in &settings.chains {
            if common(name).is_some_and(|known| known != chain.id) {
                let message =
                    format!("`{path}` calls chain {} `{name}`, which is another chain's name", chain.id);
                return Err(UserError::new(message).hint("call it something else"));
            }
            if settings.chains.iter().any(|(other, of)| other != name && of.id == chain.id) {
                let message = format!("`{path}` has chain {} twice", chain.id);
                return Err(UserError::new(message).hint("list all its nodes under one name"));
            }
        }
        if settings.watch.as_ref().is_some_and(|watch| watch.finalized && watch.confirmations.is_some()) {
            let message = format!("`{path}` has both `confirmations` and `finalized = true` in `[watch]`");
            return Err(
                UserError::new(message).hint("keep one of them: both say when a block is deep enough")
            );
        }
        Ok(Self { settings, path: document.path().to_owned(), is_chosen })
    }

    /// Where it was read; none if there is no file.
    pub(crate) fn path(&self) -> Option<&Path> {
        Some(self.path.as_path()).filter(|path| !path.as_os_str().is_empty())
    }

    /// The keystore that signs where a command names no account. Only a file that the user chose may say that.
    pub(crate) fn account(&self) -> Result<Option<&str>, UserError> {
        match self.settings.account.as_deref() {
            Some(name) if !self.is_chosen => {
                let path = self.path.display();
                Err(UserError::new(format!(
                    "`{path}` names the account `{name}`, but a file that was only found does not choose who signs"
                ))
                .hint("use `--account NAME`, or name the file in LEVEE_CONFIG"))
            }
            name => Ok(name),
        }
    }

    /// What the file says of `levee keeper`.
    pub(crate) fn keeper(&self) -> Result<KeeperSettings, UserError> {
        self.chosen("keeper", self.settings.keeper.as_ref())
    }

    /// What the file says of `levee watch`.
    pub(crate) fn watch(&self) -> Result<WatchSettings, UserError> {
        self.chosen("watch", self.settings.watch.as_ref())
    }

    /// The services of which the file says what they do.
    pub(crate) fn services(&self) -> Result<Vec<&'static str>, UserError> {
        self.keeper().and(self.watch())?;
        let sections = [("keeper", self.settings.keeper.is_some()), ("watch", self.settings.watch.is_some())];
        Ok(sections.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect())
    }

    /// A section of what a service does. It names programs to run and servers to tell, which only a file may that the user chose.
    fn chosen<T: Clone + Default>(&self, name: &str, section: Option<&T>) -> Result<T, UserError> {
        match section {
            Some(_) if !self.is_chosen => Err(UserError::new(format!(
                "`{}` has a section `[{name}]`, but a file that was only found does not say what a service does",
                self.path.display()
            ))
            .hint("name the file in LEVEE_CONFIG, or put it into your directory for configuration")),
            section => Ok(section.cloned().unwrap_or_default()),
        }
    }

    /// The chain with an ID, or with a name: one of the file's, or one that is known to everybody.
    fn chain_id(&self, text: &str) -> Result<u64, UserError> {
        let named = || self.settings.chains.get(text).map(|chain| chain.id);
        without_file(text).or_else(named).ok_or_else(|| {
            UserError::new(format!("no chain is known as `{text}`"))
                .hint("give its ID, such as `1`, or name it in levee.toml")
        })
    }

    /// The nodes of a chain, or of the usual one; none if the file has none.
    pub(crate) fn endpoint(&self, chain: Option<u64>) -> Result<Option<Endpoint>, UserError> {
        let usual = || self.settings.chain.as_deref().map(|name| self.chain_id(name)).transpose();
        let Some(id) = chain.map_or_else(usual, |id| Ok(Some(id)))? else { return Ok(None) };
        let chain = self.settings.chains.values().find(|chain| chain.id == id);
        chain.map(|chain| chain.endpoint(self.is_chosen)).transpose()
    }

    /// What a name stands for: a chain, or an RPC endpoint of Foundry's.
    fn named(&self, text: &str) -> Result<Endpoint, UserError> {
        if let Some(chain) = self.settings.chains.get(text) {
            return chain.endpoint(self.is_chosen);
        }
        let foundry =
            nearest(FOUNDRY_FILE).map(|path| of_foundry(&read(&path)?, text)).transpose()?.flatten();
        // What was given may be a key without its URL, so it is not repeated.
        foundry.ok_or_else(|| {
            UserError::new("the node is given by neither a URL nor a name in levee.toml or foundry.toml")
                .hint("give the URL of a node, such as `https://node.example`")
        })
    }
}

impl Endpoint {
    /// What `--rpc-url` stands for: a URL or the path of a socket, for which no file is read, or a name.
    pub(crate) fn parse(text: &str) -> Result<Self, UserError> {
        if text.contains(['/', '\\', '.', ':']) {
            return Ok(Self { urls: vec![text.to_owned()], ..Self::default() });
        }
        Config::get()?.named(text)
    }
}

impl Chain {
    fn endpoint(&self, is_chosen: bool) -> Result<Endpoint, UserError> {
        let filled_in = |url| filled_in(url, NODE, is_chosen);
        let urls = match &self.rpc_url {
            Urls::One(url) => vec![filled_in(url)?],
            Urls::Several(urls) => urls.iter().map(|url| filled_in(url)).collect::<Result<_, _>>()?,
        };
        Ok(Endpoint { urls, chain: Some(self.id), quorum: self.quorum })
    }
}

/// Reads `--chain`: an ID, or a name.
pub(crate) fn parse_chain(text: &str) -> Result<u64, UserError> {
    match without_file(text) {
        Some(id) => Ok(id),
        None => Config::get()?.chain_id(text),
    }
}

/// The chain with an ID, or with a name that everybody knows, for which no file is needed.
fn without_file(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| common(text))
}

/// The chain that everybody calls so.
fn common(name: &str) -> Option<u64> {
    name.parse::<NamedChain>().ok().map(u64::from)
}

/// The nearest file of a name, in the working directory or above it.
fn nearest(name: &str) -> Option<PathBuf> {
    let directory = env::current_dir().ok()?;
    directory.ancestors().map(|directory| directory.join(name)).find(|path| path.is_file())
}

fn users_own() -> Option<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".config"));
    let directory = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?;
    Some(directory.join("levee").join(FILE)).filter(|path| path.is_file())
}

/// Reads a file, unless somebody else can write it: whoever names the node could keep news from the user.
fn read(path: &Path) -> Result<Document, UserError> {
    // What is checked is what is read, whatever happens to the path meanwhile.
    let file = file::open(path)?;
    if is_foreign(&file) {
        let message =
            format!("`{}` is another user's, or anybody can write it, so it is not used", path.display());
        return Err(
            UserError::new(message).hint("remove it, or make it your own and protect it with `chmod o-w`")
        );
    }
    Ok(Document::new(path, file::text_of(file, path)?))
}

#[cfg(unix)]
fn is_foreign(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    file.metadata().map_or(true, |file| ![0, user].contains(&file.uid()) || file.mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_foreign(_: &File) -> bool {
    false
}

/// An entry of `[rpc_endpoints]`: a URL, or a table with one.
fn of_foundry(document: &Document, name: &str) -> Result<Option<Endpoint>, UserError> {
    #[derive(Deserialize)]
    struct Foundry {
        #[serde(default)]
        rpc_endpoints: BTreeMap<String, Entry>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Url(String),
        Table {
            #[serde(alias = "url")]
            endpoint: String,
        },
    }
    let read: Foundry = parsed(document)?;
    let Some(Entry::Url(url) | Entry::Table { endpoint: url }) = read.rpc_endpoints.get(name) else {
        return Ok(None);
    };
    Ok(Some(Endpoint { urls: vec![filled_in(url, NODE, false)?], ..Endpoint::default() }))
}

/// What a document says. Its texts may be URLs with keys.
fn parsed<T: DeserializeOwned>(document: &Document) -> Result<T, UserError> {
    document.parse().map_err(|error| {
        UserError::new(levee::redact(&error.to_string())).hint("docs/configuration.md describes every key")
    })
}

/// What a URL is of, and the option that gives it instead of the file.
#[derive(Debug, Clone, Copy)]
struct UrlOf {
    what: &'static str,
    option: &'static str,
}

const NODE: UrlOf = UrlOf { what: "node", option: "--rpc-url" };
const WEBHOOK: UrlOf = UrlOf { what: "webhook", option: "--webhook" };

/// A text with the values of its variables: `https://node.example/${KEY}`. In a file that the user has not chosen, a variable is a
/// whole URL: otherwise a stranger's file could send any of them to a stranger's node.
fn filled_in(text: &str, of: UrlOf, is_chosen: bool) -> Result<String, UserError> {
    let UrlOf { what, option } = of;
    let is_whole = text.starts_with("${") && text.find('}') == text.len().checked_sub(1);
    if text.contains("${") && !is_chosen && !is_whole {
        let message = format!("a file in the working directory puts a variable into the URL of a {what}");
        return Err(UserError::new(message)
            .hint("write the whole URL in the variable, or name the file in LEVEE_CONFIG"));
    }
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or_else(|| {
            UserError::new(format!("the URL of a {what} has `${{` without a closing brace"))
                .hint("write `${NAME}`")
        })?;
        let value = variable(name).ok_or_else(|| {
            UserError::new(format!("the variable {name} is not set, but the URL of a {what} needs it"))
                .hint(format!("set it, or give the {what} with `{option}`"))
        })?;
        filled.push_str(before);
        filled.push_str(&value);
        rest = after;
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
chain = "treasury"

[chains.treasury]
id = 1
rpc-url = ["https://one.example", "https://two.example"]
quorum = 2

[chains.test]
id = 11155111
rpc-url = "wss://three.example/${LEVEE_NO_SUCH_VARIABLE}"
"#;

    fn config(text: &str) -> Result<Config, String> {
        Config::of(&Document::new("levee.toml", text), true).map_err(|error| error.to_string())
    }

    #[test]
    fn a_chain_is_named_by_its_id_the_file_or_everybody() {
        let config = config(TEXT).unwrap();
        let id = |text: &str| config.chain_id(text).map_err(|error| error.to_string());
        assert_eq!(
            [id("5"), id("treasury"), id("test"), id("mainnet"), id("sepolia"), id("base")],
            [5, 1, 11_155_111, 1, 11_155_111, 8453].map(Ok)
        );
        assert_eq!(id("mainet"), Err("no chain is known as `mainet`".into()));
    }

    #[test]
    fn the_nodes_follow_from_the_chain() {
        let config = config(TEXT).unwrap();
        let urls = ["https://one.example", "https://two.example"].map(String::from).to_vec();
        let treasury = Endpoint { urls, chain: Some(1), quorum: NonZeroUsize::new(2) };
        assert_eq!(config.endpoint(None).unwrap().as_ref(), Some(&treasury));
        assert_eq!(config.endpoint(Some(1)).unwrap().as_ref(), Some(&treasury));
        assert_eq!(config.endpoint(Some(2)).unwrap(), None);
        assert_eq!(Config::default().endpoint(None).unwrap(), None);
        let message = config.endpoint(Some(11_155_111)).unwrap_err().to_string();
        assert_eq!(message, "the variable LEVEE_NO_SUCH_VARIABLE is not set, but the URL of a node needs it");
    }

    #[test]
    fn a_url_is_a_url_and_a_name_must_be_known() {
        let config = config(TEXT).unwrap();
        for url in ["http://localhost:8545", "localhost:8545", "/run/geth.ipc", "geth.ipc"] {
            assert_eq!(Endpoint::parse(url).unwrap().urls, [url]);
        }
        assert_eq!(config.named("treasury").unwrap().chain, Some(1));
        let message = config.named("main").unwrap_err().to_string();
        assert_eq!(message, "the node is given by neither a URL nor a name in levee.toml or foundry.toml");
    }

    #[test]
    fn a_strangers_file_learns_no_variable() {
        let refused = |text: &str| filled_in(text, NODE, false).unwrap_err().to_string();
        let message = "a file in the working directory puts a variable into the URL of a node";
        for text in ["https://evil.example/${KEY}", "${A}${B}", "${A}/", "x${A}"] {
            assert_eq!(refused(text), message, "{text}");
        }
        let unset = "the variable LEVEE_NO_SUCH_VARIABLE is not set, but the URL of a node needs it";
        assert_eq!(refused("${LEVEE_NO_SUCH_VARIABLE}"), unset);
        assert_eq!(filled_in("https://node.example", NODE, false).unwrap(), "https://node.example");
    }

    #[test]
    fn a_variable_that_is_not_set_is_told_with_what_needs_it() {
        let text = "[watch]\nwebhook = [\"https://hooks.example/${LEVEE_NO_SUCH_VARIABLE}\"]\n";
        let error = config(text).unwrap().watch().unwrap().webhooks().unwrap_err();
        let message = "the variable LEVEE_NO_SUCH_VARIABLE is not set, but the URL of a webhook needs it";
        assert_eq!(error.to_string(), message);
        assert_eq!(error.hint.as_deref(), Some("set it, or give the webhook with `--webhook`"));
    }

    #[test]
    fn only_a_chosen_file_says_who_signs() {
        let document = Document::new("levee.toml", "account = \"treasury\"\n");
        let account = |is_chosen| {
            let config = Config::of(&document, is_chosen).unwrap();
            config.account().map(|name| name.map(str::to_owned)).map_err(|error| error.to_string())
        };
        assert_eq!(account(true), Ok(Some("treasury".into())));
        let message = "`levee.toml` names the account `treasury`, but a file that was only found does not choose who signs";
        assert_eq!(account(false), Err(message.into()));
        assert_eq!(Config::default().account().unwrap(), None);
    }

    #[test]
    fn a_name_and_a_chain_stand_for_one_thing() {
        let message = config("[chains.mainnet]\nid = 137\n").unwrap_err();
        assert_eq!(message, "`levee.toml` calls chain 137 `mainnet`, which is another chain's name");
        assert!(config("[chains.mainnet]\nid = 1\n").is_ok());
        let message = config("[chains.a]\nid = 1\n[chains.b]\nid = 1\n").unwrap_err();
        assert_eq!(message, "`levee.toml` has chain 1 twice");
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_repeated() {
        let message = config("[chains]\nmainnet = \"https://node.example/SECRET\"\n").unwrap_err();
        assert!(!message.contains("SECRET"), "{message}");
    }

    #[test]
    fn foundrys_endpoints_are_urls_or_tables() {
        let text = "[rpc_endpoints]\na = \"https://a.example\"\nb = { endpoint = \"https://b.example\", retries = 3 }\n\
                    c = \"https://c.example/${LEVEE_OPEN}\"\n[profile.default]\nsrc = \"src\"\n";
        let document = Document::new("foundry.toml", text);
        let url = |name: &str| {
            let found = of_foundry(&document, name).map_err(|error| error.to_string())?;
            Ok::<_, String>(found.map(|endpoint| endpoint.urls.concat()))
        };
        assert_eq!(url("a"), Ok(Some("https://a.example".into())));
        assert_eq!(url("b"), Ok(Some("https://b.example".into())));
        assert_eq!(
            url("c"),
            Err("a file in the working directory puts a variable into the URL of a node".into())
        );
        assert_eq!(url("d"), Ok(None));
    }

    #[test]
    fn a_mistyped_key_is_refused() {
        let message = config("[chains.a]\nid = 1\nrpc_url = \"x\"\n").unwrap_err();
        assert!(message.starts_with("levee.toml:3: unknown field `rpc_url`"), "{message}");
    }

    #[test]
    fn a_wrong_value_is_told_with_what_to_write() {
        let duration = "write whole numbers and units from seconds to weeks, the longest first, as in `3 days`, `12h` or \
                        `1 day 6 hours`";
        let cases = [
            (
                "[watch]\nlead = \"3 days\"",
                "2: lead is the text `3 days`, and must be a list, as in `[\"3 days\"]`",
            ),
            (
                "[watch]\nevery = 0",
                "2: every is the number `0`, and must be a whole number above 0, without quotes",
            ),
            (
                "[chains.a]\nid = 1\nquorum = 0",
                "3: quorum is the number `0`, and must be a whole number above 0, without quotes",
            ),
            (
                "[keeper]\nlisten = \"9464\"",
                "2: `9464` is not an address with a port: write it as in `127.0.0.1:9464`",
            ),
            ("[keeper]\nlisten = 9464", "2: listen is the number `9464`, and must be text in quotes"),
            ("[keeper]\nmax-fee = \"15\"", "2: `15` has no unit: write it as in `30 gwei`"),
            (
                "[keeper]\nrefund = \"yes\"",
                "2: refund is the text `yes`, and must be `true` or `false`, without quotes",
            ),
            (
                "[keeper]\npledger = []",
                "2: the list is empty: name at least one, or leave the key out, which means everyone",
            ),
            ("[watch]\nrescue = []", "2: the list is empty: name at least one, or leave the key out"),
        ];
        for (text, message) in cases {
            assert_eq!(config(text).unwrap_err(), format!("levee.toml:{message}"));
        }
        let message = config("[keeper]\nrise = \"1 fortnight\"").unwrap_err();
        assert_eq!(message, format!("levee.toml:2: `1 fortnight` is not a duration: {duration}"));
        let message = config("[watch]\nconfirmations = 3\nfinalized = true").unwrap_err();
        assert_eq!(message, "`levee.toml` has both `confirmations` and `finalized = true` in `[watch]`");
        assert!(config("[watch]\nconfirmations = 3\nfinalized = false").is_ok());
    }

    #[test]
    fn every_file_in_the_docs_is_understood() {
        let mut files = 0;
        for page in ["configuration.md", "watch.md"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
            let page = std::fs::read_to_string(path).unwrap();
            for file in page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
                config(file).unwrap_or_else(|error| panic!("{error}: {file}"));
                files += 1;
            }
        }
        assert_eq!(files, 3);
    }

    #[test]
    fn a_section_is_read_as_arguments_are() {
        let text =
            "[keeper]\nmax-fee = \"15 gwei\"\nrise = \"1 day\"\n[watch]\nlead = [\"3 days\", \"6 hours\"]\n";
        let config = config(text).unwrap();
        let keeper = config.keeper().unwrap();
        assert_eq!((keeper.max_fee, keeper.rise), (Some(Wei::new(15 * 10u128.pow(9))), Some(86_400)));
        assert_eq!(config.watch().unwrap().lead, [3 * 86_400, 6 * 3_600]);
        assert_eq!(config.services().unwrap(), ["keeper", "watch"]);
        let found = Config::of(&Document::new("levee.toml", text), false).unwrap();
        let message = "`levee.toml` has a section `[watch]`, but a file that was only found does not say what a service does";
        assert_eq!(found.watch().unwrap_err().to_string(), message);
        assert!(found.services().is_err());
        assert_eq!(Config::default().watch().unwrap().lead, [0; 0]);
    }
}
