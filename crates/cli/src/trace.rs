//! Logs requests to the node on stderr, without the secrets in its URL and without control characters.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{escape, output};

/// Starts logging requests; at level 2 and above also responses.
pub(crate) fn start(level: u8) {
    let level = match level {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = ["levee", "alloy"].map(|target| (target, level));
    let lines = fmt::layer()
        .with_ansi(false)
        .with_writer(Lines::default)
        .with_filter(Targets::new().with_targets(ours));
    tracing_subscriber::registry().with(lines).init();
}

/// Collects an event, and writes it when it is complete.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        output::write_stderr(&shown(&String::from_utf8_lossy(&self.0)));
    }
}

/// An event as it is written.
fn shown(event: &str) -> String {
    format!("{}\n", escape::line(&levee::redact(event.trim_end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_without_secrets() {
        let event = "error for url (https://node.example/SECRET): \u{1b}[2Ka\nb\n";
        assert_eq!(shown(event), "error for url (https://node.example/…): \\u{1b}[2Ka\\nb\n");
    }
}
