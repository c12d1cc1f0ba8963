"""Metrics of Temporal's SDK (tasks, slots, pollers, latencies), served to Prometheus where settings say so.

Labels are namespaces, queues and type names: nothing of an order or a person.
"""

from functools import cache

from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig


@cache
def measured_runtime(host: str, port: int) -> Runtime | None:
    """The SDK's runtime with an endpoint for Prometheus, one a process; None for port 0."""
    if not port:
        return None
    prometheus = PrometheusConfig(
        bind_address=f"{host}:{port}", counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus, logging=LoggingConfig.default))
