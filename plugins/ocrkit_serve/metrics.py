"""What the service counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "ocrkit_requests",
            "Requests that were answered, by what was asked for and the answer's status.",
            ("path", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "ocrkit_read_seconds",
            "Seconds from a request that wants something read to its answer.",
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300),
            registry=self._registry,
        )
        self.pages = Counter(
            "ocrkit_pages",
            "Pages that were read, and that could not be.",
            ("outcome",),
            registry=self._registry,
        )
        self.waiting = Gauge(
            "ocrkit_waiting_pages", "Pages that wait to be read.", registry=self._registry
        )
        self.together = Histogram(
            "ocrkit_pages_together",
            "Pages that were read together.",
            buckets=(1, 2, 4, 8, 16),
            registry=self._registry,
        )

    def text(self) -> bytes:
        """All of them, in Prometheus's text format."""
        return generate_latest(self._registry)
