"""docker-compose.yml against its schema, our settings, our programs and our files. No Docker is needed."""

import importlib
import importlib.util
import json
import re
import subprocess
import sys
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.deployment import compose_file
from tests.deployment.compose_file import ROOT, Json, command
from workers.settings import PREFIX, Settings, WebhookSecrets
from workers.stack.temporal_programs import VERSION
from workers.worker import POOLS

SERVICES = compose_file.services(compose_file.filled_in())
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("throughline:")}
PROCESSES = {name: service for name, service in OURS.items() if "profiles" not in service and "restart" in service}
SECRETS = ("PASSWORD", "_KEY", "SECRETS__")
CREDENTIALS = {"AWS_ENDPOINT", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
"""Who we are at an object store: its own tools' names, no settings of ours."""


def settings_names() -> set[str]:
    names = {PREFIX + name.upper() for name in Settings.model_fields if name != "webhook_secrets"}
    return names | {f"{PREFIX}WEBHOOK_SECRETS__{kind.upper()}" for kind in WebhookSecrets.model_fields}


def test_the_file_is_what_the_compose_specification_allows() -> None:
    schema = json.loads(
        resources.files("check_jsonschema.builtin_schemas.vendor").joinpath("compose-spec.json").read_text()
    )
    faults = jsonschema_rs.validator_for(schema).iter_errors(compose_file.raw())
    assert [f"{list(fault.instance_path)}: {fault.message}" for fault in faults] == []


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_of_ours_is_a_real_program(name: str) -> None:
    words = command(OURS[name])
    assert words[:2] == ["python", "-m"]
    assert importlib.util.find_spec(words[2]) is not None, f"there is no module {words[2]}"
    assert callable(importlib.import_module(_runnable(words[2])).main)


def _runnable(module: str) -> str:
    found = importlib.util.find_spec(module)
    return f"{module}.__main__" if found and found.submodule_search_locations else module


@pytest.mark.parametrize("name", sorted(name for name, each in OURS.items() if len(command(each)) > 3))
def test_every_option_of_a_command_is_one_that_its_program_has(name: str) -> None:
    words = command(OURS[name])
    said = subprocess.run([sys.executable, *words[1:3], "--help"], cwd=ROOT, capture_output=True, text=True)
    options = {word.partition("=")[0] for word in words[3:] if word.startswith("--")}
    assert options, "what stands after the module is options"
    assert {option for option in options if option not in said.stdout} == set()


def test_every_setting_is_given_or_passed_on_and_every_variable_is_a_setting() -> None:
    assert set(compose_file.raw()["x-settings"]) | {f"{PREFIX}POOLS"} == settings_names() | CREDENTIALS
    for name, service in OURS.items():
        unknown = {each for each in service["environment"] if each.startswith(PREFIX)} - settings_names()
        assert unknown == set(), name


@pytest.mark.parametrize("name", sorted(name for name, each in OURS.items() if each["environment"]))
def test_our_processes_start_with_the_settings_that_they_are_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in settings_names():
        monkeypatch.delenv(variable, raising=False)
    for variable, value in OURS[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    assert settings.temporal_address == "temporal:7233"
    assert settings.sandbox is False
    assert settings.mail_templates is None, "what nobody sets has its default"


def test_each_pool_has_a_service_of_its_own_and_none_is_forgotten() -> None:
    pools = [service["environment"].get(f"{PREFIX}POOLS") for service in OURS.values()]
    assert sorted(filter(None, pools)) == sorted(POOLS)


def test_nothing_secret_has_a_default_and_nothing_starts_without_its_secrets() -> None:
    asked = compose_file.variables()
    secret = {name for name in asked if any(mark in name for mark in SECRETS)}
    assert len(secret) > 10
    assert {name: asked[name] for name in secret if asked[name] != ":?"} == {}
    assert {name for name in secret if compose_file.example().get(name) != ""} == set()
    for name in secret:
        env = compose_file.filled_in()
        del env[name]
        with pytest.raises(compose_file.Missing, match=name):
            compose_file.services(env)


def test_whoever_fills_in_the_example_has_all_that_the_file_asks_for() -> None:
    asked = set(compose_file.variables()) | settings_names()
    assert asked - compose_file.offered() == set()
    known = asked | CREDENTIALS | {"THROUGHLINE_EMBEDDED_FSYNC"}
    assert compose_file.offered() - known == set()


def test_only_loopback_ports_are_published() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert len({port.rsplit(":", 1)[0] for port in published}) == len(published), "a port is published twice"


def test_every_file_that_is_mounted_is_in_the_repository() -> None:
    mounts = [each.split(":")[0] for service in SERVICES.values() for each in service.get("volumes", [])]
    here = [mount for mount in mounts if mount.startswith(".")]
    assert len(here) >= 4
    assert [mount for mount in here if not (ROOT / mount).exists()] == []
    assert {mount for mount in mounts if not mount.startswith(".")} == set(compose_file.raw()["volumes"])


def test_every_service_that_is_waited_for_can_be_known_to_be_well() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            awaited = SERVICES[other]
            if how["condition"] == "service_healthy":
                assert "test" in awaited["healthcheck"], f"{name} waits for {other}"
            else:
                assert awaited["restart"].startswith("on-failure"), f"{other} would never be completed"


def test_our_containers_can_do_little_and_get_time_to_drain() -> None:
    for name, service in OURS.items():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        # Drain and grace, with the compose file's and the settings' own defaults.
        assert float(service["stop_grace_period"].removesuffix("s")) > 5 + Settings.model_fields["grace"].default, name
        assert all(str(path).startswith(("/var/lib/throughline", "/tmp")) for path in _written(service)), name


def _written(service: Json) -> list[Any]:
    return [service["tmpfs"], *(each.split(":")[1] for each in service.get("volumes", []))]


def test_the_temporal_server_is_of_the_version_that_the_tests_run() -> None:
    assert SERVICES["temporal"]["image"] == f"temporalio/server:{VERSION}"
    assert SERVICES["temporal-schema"]["image"].startswith(f"temporalio/admin-tools:{VERSION}-")


def test_prometheus_watches_every_process_that_has_metrics() -> None:
    watched = yaml.safe_load((ROOT / "workers/deployment/prometheus/prometheus.yml").read_text())
    text = json.dumps(watched["scrape_configs"])
    measured = {name for name, each in OURS.items() if f"{PREFIX}METRICS_PORT" in each["environment"]} - {
        name for name, each in OURS.items() if each["restart"].startswith("on-failure")
    }
    assert measured >= {"api-1", "api-2", "worker-orders"}
    assert {name for name in measured if f'"{name}"' not in text} == set()
    [port] = {OURS[name]["environment"][f"{PREFIX}METRICS_PORT"] for name in measured}
    assert {each["port"] for job in watched["scrape_configs"] for each in job.get("dns_sd_configs", [])} == {int(port)}
    for target in re.findall(r'"([a-z0-9-]+):(\d+)"', text):
        assert target[0] in SERVICES
