//! Logs on stderr: requests to the node, and what a command that goes on says of itself. Without the secrets in URLs, and without
//! control characters.

use std::io::{self, Write};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{escape, output};

/// What commands that go on call their own events.
const SERVICES: [&str; 4] = ["keeper", "serve", "service", "watch"];

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// As lines for people.
    #[default]
    Text,
    /// As lines of JSON.
    Json,
}

/// Starts logging requests; at level 2 and above also responses. With a format, also what a service says of itself, or only what is
/// wrong if it is to be quiet.
pub(crate) fn start(level: u8, service: Option<LogFormat>, quiet: bool) {
    let requests = match (level, service) {
        (0, None) => return,
        // What is wrong with a node.
        (0, Some(_)) => LevelFilter::WARN,
        (1, _) => LevelFilter::DEBUG,
        (_, _) => LevelFilter::TRACE,
    };
    let own = match service {
        Some(_) if quiet => LevelFilter::WARN,
        Some(_) => LevelFilter::INFO,
        None => LevelFilter::OFF,
    };
    let requests = ["levee", "alloy"].map(|target| (target, requests));
    let targets = Targets::new().with_targets(requests).with_targets(SERVICES.map(|target| (target, own)));
    tracing_subscriber::registry().with(layer(service.unwrap_or_default()).with_filter(targets)).init();
}

fn layer(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = fmt::layer().with_ansi(false).with_writer(move || Lines { format, bytes: Vec::new() });
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

/// Collects an event, and writes it when it is complete.
#[derive(Debug)]
struct Lines {
    format: LogFormat,
    bytes: Vec<u8>,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        output::write_stderr(&shown(&String::from_utf8_lossy(&self.bytes), self.format));
    }
}

/// An event as it is written.
fn shown(event: &str, format: LogFormat) -> String {
    let event = levee::redact(event.trim_end());
    let event = match format {
        LogFormat::Text => escape::line(&event),
        LogFormat::Json => escape::json(&event),
    };
    format!("{event}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_without_secrets() {
        let event = "error for url (https://node.example/SECRET): \u{1b}[2Ka\nb\n";
        assert_eq!(
            shown(event, LogFormat::Text),
            "error for url (https://node.example/…): \\u{1b}[2Ka\\nb\n"
        );
    }

    #[test]
    fn an_event_in_json_stays_json() {
        let event = "{\"error\":\"(https://node.example/SECRET) \u{202e}a\"}\n";
        let line = "{\"error\":\"(https://node.example/…) \\u202ea\"}\n";
        assert_eq!(shown(event, LogFormat::Json), line);
    }
}
