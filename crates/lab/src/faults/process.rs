//! A process of the `levee` command.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

/// A process that can be killed from elsewhere; none before it begins, and after its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Victim(Arc<Mutex<Option<Child>>>);

/// What a process did.
#[derive(Debug)]
pub(super) struct Ran {
    /// Its words.
    line: String,
    /// Its exit code; none if it was killed.
    pub(super) code: Option<i32>,
    stdout: String,
    pub(super) stderr: String,
}

impl Victim {
    /// Kills it at once, without a chance to do anything.
    pub(super) fn kill(&self) {
        if let Some(child) = &mut *self.0.lock().expect("no thread panicked") {
            // It fails only for one that has ended.
            let _ = child.kill();
        }
    }

    /// Runs a command to its end. `hears` gets each line that it writes to stderr, and is dropped when it has ended.
    pub(super) fn run(
        &self,
        mut command: Command,
        hears: impl FnMut(&str) + Send + 'static,
    ) -> io::Result<Ran> {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut stdout, stderr) = {
            let mut child = self.0.lock().expect("no thread panicked");
            let child = child.insert(command.spawn()?);
            (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"))
        };
        let stderr = thread::spawn(move || listen(BufReader::new(stderr), hears));
        let mut told = String::new();
        stdout.read_to_string(&mut told)?;
        let stderr = stderr.join().expect("no thread panicked")?;
        let status = self.end()?;
        Ok(Ran { line: words.join(" "), code: status.code(), stdout: told, stderr })
    }

    fn end(&self) -> io::Result<ExitStatus> {
        let mut child = self.0.lock().expect("no thread panicked");
        child.take().expect("it was begun").wait()
    }
}

/// Reads to the end.
fn listen(lines: impl BufRead, mut hears: impl FnMut(&str)) -> io::Result<String> {
    let mut text = String::new();
    for line in lines.lines() {
        let line = line?;
        hears(&line);
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

impl Ran {
    /// Whether it said that all is done.
    pub(super) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Its result, or its error, as JSON; null if that is none.
    pub(super) fn json(&self) -> Value {
        let text = if self.succeeded() { &self.stdout } else { &self.stderr };
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
        let told: Vec<_> = self.stdout.lines().chain(self.stderr.lines()).map(str::trim).collect();
        write!(f, "{} -> {code}: {}", self.line, told.join(" | "))
    }
}
