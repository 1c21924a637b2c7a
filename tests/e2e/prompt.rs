//! What is asked of a person, who sits at a terminal.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use alloy::{
    eips::BlockId,
    providers::{Provider, ext::AnvilApi},
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    pty::{grantpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use crate::{
    accounts::{KEYSTORE_ADDRESS, PASSWORD, fund, install_keystore},
    support::{ANN, Ran, World},
};

const QUESTION: &str = "\nSend it? Type `yes`: ";
/// Far more than a terminal needs to stop showing what is typed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary with a terminal for stdin and stderr, seen from the other side of the screen.
pub(crate) struct Person {
    terminal: File,
    binary: Child,
    seen: Vec<u8>,
}

impl Person {
    /// Runs the words of `line`. The command goes, and with it the binary's side of the terminal: once the binary has
    /// ended too, the terminal does.
    pub(crate) fn at(mut command: Command, line: &str) -> Self {
        let terminal = open(Path::new("/dev/ptmx"));
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("a terminal of its own");
        let name = ptsname(&terminal, Vec::new()).expect("the terminal has a name");
        let binarys = open(Path::new(name.to_str().expect("it is a path")));
        let stdin = binarys.try_clone().expect("one more handle");
        command.args(line.split_whitespace()).stdin(stdin).stderr(binarys).stdout(Stdio::piped());
        Self { terminal, binary: command.spawn().expect("levee runs"), seen: Vec::new() }
    }

    /// Reads on; false once the binary has ended and everything is read.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = match self.terminal.read(&mut buffer) {
            // What Linux says of a terminal that nobody has open on the other side.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::IO) => 0,
            read => read.expect("the terminal can be read"),
        };
        self.seen.extend_from_slice(&buffer[..read]);
        read > 0
    }

    /// What is on the screen, without the terminal's carriage returns.
    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen).replace("\r\n", "\n")
    }

    /// Reads up to `text`.
    fn sees(&mut self, text: &str) {
        while !self.screen().contains(text) {
            assert!(self.read(), "no `{text}`: {}", self.screen());
        }
    }

    /// Waits until what is typed is not shown: that comes right after the question, and what was typed before is lost.
    fn until_hidden(&self) {
        let since = Instant::now();
        while tcgetattr(&self.terminal).expect("a terminal").local_modes.contains(LocalModes::ECHO) {
            assert!(since.elapsed() < PATIENCE, "what is typed is shown");
            thread::yield_now();
        }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.terminal, "{line}").expect("the terminal can be written to");
    }

    /// What the binary left, with what was on the screen for its stderr.
    pub(crate) fn leaves(mut self) -> Ran {
        while self.read() {}
        let stderr = self.screen();
        Ran { stderr, ..Ran::from(self.binary.wait_with_output().expect("levee ends")) }
    }
}

/// Opens a side of a terminal, which does not become this process's own.
fn open(path: &Path) -> File {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).expect("this system has pseudo-terminals").into()
}

impl World {
    /// Ann, who is asked about her pledge of 1 ETH.
    fn ann_is_asked(&self) -> Person {
        let mut ann =
            Person::at(self.command(), &format!("pledge 1ETH --tier 0 --terms rescue.toml --dev {ANN}"));
        ann.sees(QUESTION);
        let shown = [
            format!("Pledge 1 ETH to the rescue {}\n", self.rescue()),
            "  exactly      1000000000000000000 wei\n".to_owned(),
            format!("  signs        {} on chain 31337\n", self.address(ANN)),
        ];
        for line in shown {
            assert!(ann.screen().contains(&line), "{line}: {}", ann.screen());
        }
        ann
    }
}

#[tokio::test]
async fn yes_sends_what_the_plan_shows() {
    let world = World::with_rescue().await;
    let before = world.mark().await;
    let mut ann = world.ann_is_asked();
    assert_eq!(world.mark().await, before);

    let height = world.chain.get_block_number().await.expect("anvil answers");
    ann.types("yes");
    let ran = ann.leaves();
    let shown = format!("locked 1 ETH for {} in tier 0\n", world.address(ANN));
    assert_eq!((ran.code, ran.stdout), (Some(0), shown));
    let block = world.chain.get_block(BlockId::latest()).await.expect("anvil answers").expect("a block");
    let hashes: Vec<_> = block.transactions.hashes().collect();
    assert_eq!((block.header.number, hashes.len()), (height + 1, 1));
    let sent = format!("{QUESTION}yes\nsent {}\n", hashes[0]);
    assert!(ran.stderr.ends_with(&sent), "{}", ran.stderr);
    assert_eq!(world.positions(ANN)[0]["amount"], "1000000000000000000");
}

#[tokio::test]
async fn whoever_waits_sees_for_what() {
    let world = World::with_rescue().await;
    world.chain.anvil_set_auto_mine(false).await.expect("anvil answers");
    let mut command = world.command();
    command.env("TERM", "xterm");
    let mut ann = Person::at(command, &format!("pledge 1ETH --tier 0 --terms rescue.toml --dev {ANN} --yes"));
    ann.sees(" waiting for 0x");
    ann.sees(", block ");
    world.chain.evm_mine(None).await.expect("anvil answers");
    let ran = ann.leaves();
    let shown = format!("locked 1 ETH for {} in tier 0\n", world.address(ANN));
    assert_eq!((ran.code, ran.stdout), (Some(0), shown));
}

#[tokio::test]
async fn nothing_but_yes_sends() {
    let world = World::with_rescue().await;
    let before = world.mark().await;
    for answer in ["no", "", "y", "YES", "yes please"] {
        let mut ann = world.ann_is_asked();
        ann.types(answer);
        let ran = ann.leaves();
        let refused = format!("{QUESTION}{answer}\nerror: not confirmed; nothing was sent\n");
        assert!(ran.stderr.ends_with(&refused), "{}", ran.stderr);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{answer}");
        assert_eq!(world.mark().await, before, "{answer}");
    }
}

#[tokio::test]
async fn a_password_is_asked_for_and_not_shown() {
    let world = World::with_rescue().await;
    install_keystore(world.directory());
    fund(&world.chain, KEYSTORE_ADDRESS).await;
    let locked = format!("locked 1 ETH for {KEYSTORE_ADDRESS} in tier 0\n");
    for (password, left) in [("wrong horse", (Some(1), "")), (PASSWORD, (Some(0), locked.as_str()))] {
        let line = "pledge 1ETH --tier 0 --terms rescue.toml --account me --yes";
        let mut person = Person::at(world.command(), line);
        person.sees("Password of ");
        person.until_hidden();
        person.types(password);
        let ran = person.leaves();
        assert!(!ran.stderr.contains("horse"), "{}", ran.stderr);
        assert_eq!((ran.code, ran.stdout.as_str()), left, "{}", ran.stderr);
    }
}

#[tokio::test]
async fn a_key_is_asked_for_and_not_shown() {
    let world = World::with_rescue().await;
    let key = world.key(ANN).to_string();
    let locked = format!("locked 1 ETH for {} in tier 0\n", world.address(ANN));
    for (typed, left) in [("0xSECRET", (Some(1), "")), (key.as_str(), (Some(0), locked.as_str()))] {
        let line = "pledge 1ETH --tier 0 --terms rescue.toml --interactive --yes";
        let mut person = Person::at(world.command(), line);
        person.sees("Private key");
        person.until_hidden();
        person.types(typed);
        let ran = person.leaves();
        assert!(!ran.stderr.contains(typed), "{}", ran.stderr);
        assert_eq!((ran.code, ran.stdout.as_str()), left, "{}", ran.stderr);
    }
    let alone = world.levee("pledge 1ETH --tier 0 --terms rescue.toml --interactive --yes");
    alone.assert_refused(
        "`--interactive` asks for the private key, but there is no terminal to ask for it",
        "use `--account NAME`",
    );
}

/// Dash, for one, does not restore a terminal that a command left without echo.
#[tokio::test]
async fn a_signal_at_the_password_leaves_the_terminal_as_it_was() {
    let world = World::with_rescue().await;
    install_keystore(world.directory());
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let line = "pledge 1ETH --tier 0 --terms rescue.toml --account me --yes";
        let mut person = Person::at(world.command(), line);
        person.sees("Password of ");
        person.until_hidden();
        let id = person.binary.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        assert!(sent.success());
        let ended = person.binary.wait().expect("levee ends");
        assert_eq!(ended.signal(), Some(number), "{name}");
        let modes = tcgetattr(&person.terminal).expect("a terminal").local_modes;
        assert!(modes.contains(LocalModes::ECHO), "{name}: what is typed is not shown");
    }
}
