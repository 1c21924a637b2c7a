//! The figures of a watch, beside those that every service has.

use levee::clock;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::service::vitals::Vitals;

/// Notices, by the channel.
type ByChannel = Family<[(&'static str, String); 1], Counter>;

/// The figures of a watch. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    last_round: Gauge,
    delivered: ByChannel,
    failed: ByChannel,
}

impl Metrics {
    /// Takes note that everything was looked at.
    pub(crate) fn round(&self) {
        self.last_round.set(clock::now().cast_signed());
    }

    /// Counts a notice that a channel has accepted.
    pub(crate) fn delivered(&self, channel: &str) {
        self.delivered.get_or_create(&[("channel", channel.to_owned())]).inc();
    }

    /// Counts an attempt that failed.
    pub(crate) fn failed(&self, channel: &str) {
        self.failed.get_or_create(&[("channel", channel.to_owned())]).inc();
    }

    /// All figures, with those of the service.
    pub(crate) fn registry(&self, vitals: &Vitals) -> Registry {
        let mut registry = vitals.registry("levee_watch");
        registry.register(
            "last_round",
            "When everything was looked at, in Unix seconds",
            self.last_round.clone(),
        );
        registry.register("notices_delivered", "Notices that a channel has accepted", self.delivered.clone());
        registry.register("notices_failed", "Attempts to deliver a notice that failed", self.failed.clone());
        registry
    }
}
