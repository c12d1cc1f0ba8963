"""What Prometheus reads of a team's processes: every alert's metric is there, and no label says anything of anybody."""

import re

import httpx
import pytest
import yaml

from tests.deployment.callers import Callers
from tests.deployment.compose_file import ROOT
from tests.deployment.team import APIS, Team
from workers.stack.ports import LOOPBACK

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(1800)]

ALERTS = ROOT / "workers/deployment/prometheus/alerts.yml"
_SAMPLE = re.compile(r"^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? \S+", re.MULTILINE | re.IGNORECASE)
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
FUNCTIONS = {"histogram_quantile", "sum", "by", "rate", "increase", "max", "min", "le", "and", "on", "unless", "vector"}

OURS = {"method", "route", "status", "le"}
TEMPORALS = {
    "namespace", "service_name", "task_queue", "workflow_type", "activity_type", "worker_type", "poller_type",
    "operation", "status_code", "le", "failure_reason", "eager", "local_activity_type", "query_type", "error_type",
    "client_name", "resource_type",
}  # fmt: skip
MOST_SERIES = 3000
"""Of one process. It must not grow with orders."""


async def _read(url: str) -> list[tuple[str, dict[str, str]]]:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(url)).raise_for_status().text
    return [(name, dict(_LABEL.findall(labels))) for name, labels in _SAMPLE.findall(text)]


def alerts() -> list[dict[str, str]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


async def _sources(team: Team) -> dict[str, list[tuple[str, dict[str, str]]]]:
    assert team.temporal is not None
    found = {
        f"{name} sdk": await _read(f"http://{LOOPBACK}:{port}/metrics") for name, port in team.metrics_ports.items()
    }
    found |= {name: await _read(f"{team.url(name)}/metrics") for name in APIS}
    return found | {"temporal": await _read(team.temporal.metrics)}


async def test_every_alert_looks_at_metrics_that_are_there(team: Team, callers: Callers) -> None:
    order = await callers.place()
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    names = {name for samples in (await _sources(team)).values() for name, _ in samples} | {"up"}
    assert len(alerts()) >= 8
    for alert in alerts():
        plain = re.sub(r'\{[^}]*\}|"[^"]*"|\[[^\]]*\]|\b(?:by|on) \([^)]*\)', " ", alert["expr"])
        wanted = set(re.findall(r"[a-z_][a-z0-9_]+", plain)) - FUNCTIONS
        assert wanted, alert["alert"]
        # What counts failures is only there once something failed.
        assert {name for name in wanted - names if name not in ONCE_IT_HAPPENED} == set(), alert["alert"]


ONCE_IT_HAPPENED = {
    "temporal_workflow_task_execution_failed_total",
    "temporal_activity_execution_failed_total",
    "temporal_sticky_cache_total_forced_eviction_total",
}


async def test_labels_name_queues_routes_and_types_and_never_an_order_or_a_person(team: Team, callers: Callers) -> None:
    order = await callers.place()
    await order.make_ready()
    customer = order.body["customer"]
    secret = [order.id, order.external_id, customer["email"], customer["ref"], customer["name"], await order.code()]
    for source, samples in (await _sources(team)).items():
        if source == "temporal":
            continue
        assert len(samples) < MOST_SERIES, source
        known = TEMPORALS if source.endswith("sdk") else OURS
        assert {label for _, labels in samples for label in labels} - known == set(), source
        told = {value for _, labels in samples for value in labels.values()}
        assert [value for value in told if any(each in value for each in secret)] == [], source


async def test_a_worker_serves_its_metrics_on_loopback_unless_told_otherwise() -> None:
    from workers.settings import Settings

    assert Settings.model_fields["metrics_host"].default == LOOPBACK
    assert Settings.model_fields["metrics_port"].default == 0


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs/operations/watching.md").read_text()
    for alert in alerts():
        assert alert["annotations"]["summary"], alert["alert"]
        assert f"`{alert['alert']}`" in page, alert["alert"]
