"""The health check of a container asks its own process, and nobody else."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from workers import health

POLLING = 'temporal_num_pollers{namespace="n",poller_type="workflow_task",task_queue="orders"} 5\n'
NOT_POLLING = POLLING.replace(" 5\n", " 0\n")


@pytest.fixture
def said() -> dict[str, str]:
    return {}


@pytest.fixture
def port(said: dict[str, str]) -> Iterator[str]:
    """A process that answers what a test lets it."""

    class Process(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in said else 503)
            self.end_headers()
            self.wfile.write(said.get(self.path, "").encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Process)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield str(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_worker_is_well_while_it_polls(port: str, said: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROUGHLINE_METRICS_PORT", port)
    assert not health.worker(), "no metrics yet"
    said["/metrics"] = NOT_POLLING
    assert not health.worker()
    said["/metrics"] = NOT_POLLING + POLLING
    assert health.worker()


def test_an_api_is_well_while_it_is_alive(port: str, said: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROUGHLINE_API_PORT", port)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert not health.api()
    said["/healthz"] = "{}"
    assert health.api()


def test_it_must_be_told_what_it_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["health", "database"])
    assert health.main() == 2
