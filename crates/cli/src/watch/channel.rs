//! The ways in which notices reach people.

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{self, ErrorKind, Write as _},
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{hex, keccak256},
    transports::http::reqwest::{Client, StatusCode, header, redirect::Policy},
};
use eyre::{Result, WrapErr as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use levee::{RedactedError, RedactedUrl, notice::Notice};
use rustix::process::{Pid, Signal, kill_process_group};
use sha2::Sha256;
use tokio::{sync::oneshot, time};

use crate::{environment::variable, error::UserError, escape, output::Output, time::time as utc};

/// Environment variable with what the body of a webhook is signed with.
pub(crate) const SECRET_VARIABLE: &str = "LEVEE_WEBHOOK_SECRET";

/// How long a server may take to accept a notice.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a program may run for a notice, which is longer than any other channel may take.
pub(crate) const PROGRAM_TIMEOUT: Duration = Duration::from_secs(30);

/// What the names of variables begin with that this command reads, and that may have secrets.
const OWN_PREFIXES: [&str; 2] = ["LEVEE_", "ETH_"];

/// How often to look whether a program has ended.
const PROGRAM_PAUSE: Duration = Duration::from_millis(20);

/// A way in which notices reach people.
#[derive(Debug)]
pub(crate) enum Channel {
    /// Lines on standard output.
    Lines(Output),
    /// A server that is told by HTTP.
    Webhook(Webhook),
    /// A program that is run.
    Program(PathBuf),
}

/// Why a notice was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may be accepted later.
    MayPass(String),
    /// It is refused, so whoever set up the channel must look.
    Refused(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::MayPass(reason) | Self::Refused(reason)) = self;
        f.write_str(reason)
    }
}

impl Channel {
    /// Its name in what is kept, which has no secret and tells it from all others.
    pub(crate) fn name(&self) -> String {
        let family = self.family();
        match self {
            Self::Lines(_) => family,
            Self::Webhook(webhook) => {
                let hash = keccak256(webhook.url.secret().as_str());
                let (part, _) = hash.split_at(8);
                format!("{family}{}", hex::encode(part))
            }
            Self::Program(path) => format!("{family}{}", path.display()),
        }
    }

    /// What the names of channels begin with that take the place of each other: a webhook whose token was replaced is the same to its
    /// owner, and so is a program that was moved.
    pub(crate) fn family(&self) -> String {
        match self {
            Self::Lines(_) => "lines".into(),
            Self::Webhook(webhook) => format!("webhook {} ", webhook.url),
            Self::Program(_) => "command ".into(),
        }
    }

    /// Delivers a notice.
    pub(crate) async fn deliver(&self, notice: &Notice) -> Result<(), Failure> {
        match self {
            Self::Lines(output) => line(*output, notice).await,
            Self::Webhook(webhook) => webhook.post(notice).await,
            Self::Program(path) => run(path, notice).await,
        }
    }
}

/// What people and logs call it.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines(_) => f.write_str("standard output"),
            Self::Webhook(webhook) => webhook.url.fmt(f),
            Self::Program(path) => path.display().fmt(f),
        }
    }
}

// ------------------------------------------------------------------------------------------------- lines

/// Unlike a result, a notice that nobody reads is not told: it stays until somebody does. A reader that stalls keeps only a thread of its
/// own waiting, which ends with the process.
async fn line(output: Output, notice: &Notice) -> Result<(), Failure> {
    let line = match output.is_json() {
        true => escape::json(&format!("{}\n", document(notice))),
        false => escape::text(&text(notice)),
    };
    let (done, result) = oneshot::channel();
    let write = move || {
        // Nobody waits for the result if the watch ends.
        let _ended = done.send(written(&line));
    };
    let thread = thread::Builder::new().name("lines".into()).spawn(write);
    let may_pass = |error: &dyn fmt::Display| Failure::MayPass(error.to_string());
    thread.map_err(|error| may_pass(&error))?;
    result.await.map_err(|error| may_pass(&error))?.map_err(|error| may_pass(&error))
}

fn written(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

/// A notice in two lines.
fn text(notice: &Notice) -> String {
    let content = &notice.content;
    format!("{}  {}\n  {}\n", utc(content.at), content.title, content.text)
}

/// A notice as it is sent.
fn document(notice: &Notice) -> String {
    // Texts and numbers are always written.
    serde_json::to_string(notice).unwrap_or_default()
}

// ----------------------------------------------------------------------------------------------- webhook

/// A server that is told by HTTP.
pub(crate) struct Webhook {
    url: RedactedUrl,
    client: Client,
    secret: Option<String>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Webhook {
    /// The server at a URL. What it is told is signed if there is a secret in the environment.
    pub(crate) fn new(url: &str) -> Result<Self> {
        let is_web = |url: &RedactedUrl| matches!(url.secret().scheme(), "http" | "https");
        let Some(url) = url.parse().ok().filter(is_web) else {
            return Err(UserError::new("the address of a webhook is not a web address")
                .hint("give one that begins with `https://`")
                .into());
        };
        // A server must not send the notice on to another one.
        let builder = Client::builder().redirect(Policy::none()).timeout(WEBHOOK_TIMEOUT);
        // A proxy of the environment cannot reach this machine's own ports.
        let builder = if url.is_loopback() { builder.no_proxy() } else { builder };
        let client = builder.build().wrap_err("no connection to a webhook can be made")?;
        Ok(Self { url, client, secret: variable(SECRET_VARIABLE) })
    }

    async fn post(&self, notice: &Notice) -> Result<(), Failure> {
        let body = document(notice);
        let mut request = self.client.post(self.url.secret().clone());
        request = request.header(header::CONTENT_TYPE, "application/json").header("Levee-Notice", &notice.id);
        if let Some(secret) = &self.secret {
            request = request.header("Levee-Signature", signature(secret, &body));
        }
        match request.body(body).send().await {
            Ok(response) => judged(response.status()),
            Err(error) => Err(Failure::MayPass(format!("{:#}", RedactedError::new(error.without_url())))),
        }
    }
}

/// Whether a status says that the notice was accepted. 408 and 429 ask for another attempt.
fn judged(status: StatusCode) -> Result<(), Failure> {
    let reason = || format!("it answers {status}");
    match status.as_u16() {
        200..300 => Ok(()),
        408 | 429 | 500.. => Err(Failure::MayPass(reason())),
        300..400 => Err(Failure::Refused(format!("{}, and redirects are not followed", reason()))),
        _ => Err(Failure::Refused(reason())),
    }
}

/// The HMAC-SHA256 of a body, as in the header.
fn signature(secret: &str, body: &str) -> String {
    // HMAC takes keys of any length.
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mac| mac.chain_update(body).finalize());
    mac.map(|mac| format!("sha256={}", hex::encode(mac.into_bytes()))).unwrap_or_default()
}

// ----------------------------------------------------------------------------------------------- program

/// Runs a program for a notice, which is all that it is given: no shell, no arguments.
async fn run(path: &Path, notice: &Notice) -> Result<(), Failure> {
    let mut child = match started(path, notice) {
        Ok(child) => child,
        // The machine is short of something for now.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::OutOfMemory) => {
            return Err(Failure::MayPass(format!("it does not run: {error}")));
        }
        Err(error) => return Err(Failure::Refused(format!("it does not run: {error}"))),
    };
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return ended(status),
            Ok(None) if begun.elapsed() < PROGRAM_TIMEOUT => time::sleep(PROGRAM_PAUSE).await,
            Ok(None) => {
                kill(&mut child);
                let limit = PROGRAM_TIMEOUT.as_secs();
                return Err(Failure::MayPass(format!("it did not end within {limit} seconds")));
            }
            Err(error) => return Err(Failure::MayPass(error.to_string())),
        }
    }
}

fn started(path: &Path, notice: &Notice) -> io::Result<Child> {
    let mut command = Command::new(path);
    // Nodes' addresses and passwords are none of its business.
    for name in own_variables() {
        command.env_remove(name);
    }
    // A group of its own, so that what it starts ends with it.
    command.envs(variables(notice)).process_group(0);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A notice is smaller than what a pipe holds, so this does not wait. Who does not read it has the variables.
        match stdin.write_all(document(notice).as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                kill(&mut child);
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(child)
}

/// The names of the variables that are meant for this command alone.
fn own_variables() -> impl Iterator<Item = OsString> {
    let is_own =
        |name: &OsString| OWN_PREFIXES.iter().any(|prefix| name.as_bytes().starts_with(prefix.as_bytes()));
    env::vars_os().map(|(name, _)| name).filter(is_own)
}

/// A notice as variables; what there is none of is empty.
fn variables(notice: &Notice) -> [(String, String); 10] {
    let content = &notice.content;
    let account = content.account.map(|account| account.to_string()).unwrap_or_default();
    let until = content.until.map(|until| until.to_string()).unwrap_or_default();
    [
        ("ID", notice.id.clone()),
        ("KIND", content.kind.to_string()),
        ("CHAIN", content.chain.to_string()),
        ("RESCUE", content.rescue.to_string()),
        ("ACCOUNT", account),
        ("AT", content.at.to_string()),
        ("UNTIL", until),
        ("TITLE", content.title.clone()),
        ("TEXT", content.text.clone()),
        ("CORRECTS", notice.corrects.clone().unwrap_or_default()),
    ]
    .map(|(name, value)| (format!("LEVEE_NOTICE_{name}"), value))
}

fn ended(status: ExitStatus) -> Result<(), Failure> {
    if status.success() { Ok(()) } else { Err(Failure::MayPass(format!("it ended with {status}"))) }
}

fn kill(child: &mut Child) {
    let _gone = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _reaped = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_a_notice_is_accepted_later_or_never() {
        let verdict = |status| match judged(StatusCode::from_u16(status).unwrap()) {
            Ok(()) => "accepted",
            Err(Failure::MayPass(_)) => "later",
            Err(Failure::Refused(_)) => "refused",
        };
        for (statuses, expected) in [
            (&[200, 201, 204, 299][..], "accepted"),
            (&[408, 429, 500, 502, 503, 504, 599], "later"),
            (&[300, 301, 302, 307, 308, 400, 401, 403, 404, 410, 413, 422], "refused"),
        ] {
            assert!(statuses.iter().all(|status| verdict(*status) == expected), "{expected}");
        }
    }

    #[test]
    fn a_body_is_signed_as_everybody_does() {
        // The example of Wikipedia's page about HMAC.
        let mac = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        let body = "The quick brown fox jumps over the lazy dog";
        assert_eq!(signature("key", body), format!("sha256={mac}"));
    }

    #[test]
    fn no_channel_tells_what_may_be_secret() {
        let webhook =
            Webhook::new("https://user:pass-word@hooks.example/services/T0-KEN?key=se-cret").unwrap();
        let channel = Channel::Webhook(webhook);
        let shown = format!("{channel} {channel:?} {} {}", channel.name(), channel.family());
        assert!(shown.starts_with("https://hooks.example/… "), "{shown}");
        for secret in ["user", "pass-word", "T0-KEN", "se-cret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let other = Webhook::new("https://hooks.example/services/OTHER").unwrap();
        let other = Channel::Webhook(other);
        assert_ne!(other.name(), channel.name());
        assert_eq!(other.family(), channel.family(), "a new token makes it no stranger");
        let elsewhere = Channel::Webhook(Webhook::new("https://hooks.example.org/services/OTHER").unwrap());
        assert!(!elsewhere.name().starts_with(&channel.family()));
    }
}
