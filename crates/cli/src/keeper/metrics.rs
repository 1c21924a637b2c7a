//! The figures of a keeper, beside those that every service has.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::service::vitals::Vitals;

/// What became of duties, by a word.
type Outcomes = Family<[(&'static str, &'static str); 1], Counter>;

/// The figures of a keeper. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    pub(crate) due: Gauge,
    /// What the account can spend, in gwei, and for how many transactions that is enough.
    pub(crate) balance: Gauge,
    pub(crate) affordable: Gauge,
    outcomes: Outcomes,
}

impl Metrics {
    /// Counts what became of a duty.
    pub(crate) fn count(&self, outcome: &'static str) {
        self.outcomes.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// All figures, with those of the service.
    pub(crate) fn registry(&self, vitals: &Vitals) -> Registry {
        let mut registry = vitals.registry("levee_keeper");
        registry.register("due", "Duties that are due", self.due.clone());
        registry.register("balance_gwei", "What the account has", self.balance.clone());
        let affordable = "Transactions that the balance is enough for, at the highest price";
        registry.register("affordable_transactions", affordable, self.affordable.clone());
        registry.register("duties", "Duties that were tried, by what became of them", self.outcomes.clone());
        registry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::vitals::text;

    #[test]
    fn the_figures_are_written_as_prometheus_reads_them() {
        let (metrics, vitals) = (Metrics::default(), Vitals::default());
        vitals.block.set(7);
        metrics.count("done");
        metrics.count("done");
        metrics.count("reverted");
        let text = text(&metrics.registry(&vitals)).unwrap();
        for line in [
            "# TYPE levee_keeper_block gauge",
            "levee_keeper_block 7",
            "# TYPE levee_keeper_duties counter",
            "levee_keeper_duties_total{outcome=\"done\"} 2",
            "levee_keeper_duties_total{outcome=\"reverted\"} 1",
            "levee_keeper_failures_total 0",
            "# EOF",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
    }
}
