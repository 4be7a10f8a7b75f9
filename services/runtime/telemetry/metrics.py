"""Metrics. Every name and every label value stands here: what is not on the list cannot be recorded.

No label carries an event name, a nationality, a country or a pair of agencies: in a small corridor that alone
finds a woman.
"""

from __future__ import annotations

from typing import Final, Literal, TypeVar, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

M = TypeVar("M", Counter, Gauge, Histogram)

CounterName = Literal[
    # submissions by outcome; failed: nobody was told whether they were taken
    "sampan_submissions_total",
    # records applied by a consumer
    "sampan_records_applied_total",
    # gaps and replaced logs that a consumer met
    "sampan_log_alarms_total",
    # records of strangers on our topics that became dead letters
    "sampan_dead_letters_total",
    # attempts of an agency's own edge by verdict
    "sampan_edge_attempts_total",
    # times that such an edge asked its hub for work, by whether the hub answered
    "sampan_edge_asks_total",
    # calls of the vault in a process of its own, by method; failed: the caller must ask again, or it is our fault
    "sampan_vault_calls_total",
]
GaugeName = Literal[
    # age in seconds of the oldest dispatch that no person has answered
    "sampan_oldest_unanswered_age_seconds",
    # lanes that wait for a person
    "sampan_lanes_parked",
    # cases that stand still at a consumer until a person helps
    "sampan_keys_parked",
    # reviews that wait for a person
    "sampan_reviews_open",
    # records appended and not yet applied, by consumer; what is parked counts as applied
    "sampan_lag_records",
]
HistogramName = Literal[
    # seconds of one batch of a consumer
    "sampan_step_seconds",
    # seconds from request to durable receipt
    "sampan_submit_seconds",
]

LABELS: Final[dict[str, frozenset[str]]] = {
    "outcome": frozenset({"accepted", "duplicate", "refused", "failed"}),
    "consumer": frozenset({"router", "delivery", "intake-aliases", "relay"}),
    "hub": frozenset({"answered", "silent"}),
    "method": frozenset({
        "open_submissions", "admit", "narrow", "facts_keys", "open_records", "grant", "change_grants", "release_keys",
        "release_to_edge", "count_bundles", "erase_subject", "erase_groups",
    }),
    "result": frozenset({"done", "refused", "failed"}),
    "verdict": frozenset({"delivered", "refused", "later", "unknown"}),
}
_LABELS_OF: Final[dict[str, tuple[str, ...]]] = {
    "sampan_submissions_total": ("outcome",),
    "sampan_records_applied_total": ("consumer",),
    "sampan_log_alarms_total": (),
    "sampan_dead_letters_total": (),
    "sampan_edge_attempts_total": ("verdict",),
    "sampan_edge_asks_total": ("hub",),
    "sampan_vault_calls_total": ("method", "result"),
    "sampan_oldest_unanswered_age_seconds": (),
    "sampan_lanes_parked": (),
    "sampan_keys_parked": ("consumer",),
    "sampan_reviews_open": (),
    "sampan_lag_records": ("consumer",),
    "sampan_step_seconds": ("consumer",),
    "sampan_submit_seconds": (),
}


class Metrics:
    """One process's metrics, in a registry of its own so that tests do not share."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters = {name: self._make(Counter, name) for name in get_args(CounterName)}
        self._gauges = {name: self._make(Gauge, name) for name in get_args(GaugeName)}
        self._histograms = {name: self._make(Histogram, name) for name in get_args(HistogramName)}

    def _make(self, kind: type[M], name: str) -> M:
        return kind(name, name.replace("_", " "), _LABELS_OF[name], registry=self.registry)

    def count(self, name: CounterName, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        _check(name, labels)
        self._counters[name].labels(**labels).inc(amount) if labels else self._counters[name].inc(amount)

    def set(self, name: GaugeName, value: float, **labels: str) -> None:
        """Set a gauge."""
        _check(name, labels)
        self._gauges[name].labels(**labels).set(value) if labels else self._gauges[name].set(value)

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """Record one value of a distribution."""
        _check(name, labels)
        self._histograms[name].labels(**labels).observe(value) if labels else self._histograms[name].observe(
            value
        )

    def text(self) -> bytes:
        """The Prometheus text format, for ``/metrics``."""
        return generate_latest(self.registry)


def _check(name: str, labels: dict[str, str]) -> None:
    if set(labels) != set(_LABELS_OF[name]):
        raise ValueError(f"{name} takes the labels {_LABELS_OF[name]}")
    for label, value in labels.items():
        if value not in LABELS[label]:
            raise ValueError(f"the value given for {label} is not on the allow-list")
