"""Stand-ins for our own processes, so that the stack is tested before and apart from what it carries."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.stack.data import DataFolder
from workers.stack.stack import Programs

SEED = """
import json, os, sys
print("chatter before the answer")
print("seeded with policy", os.environ["THROUGHLINE_POLICY"], file=sys.stderr)
print(json.dumps({"keys": {"web": "key-web", "stores": {"S001": "key-s001"}}}))
"""
WORKER = """
import time
while True:
    time.sleep(60)
"""
API = """
import http.server, os
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
    def log_message(self, *arguments):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["THROUGHLINE_API_PORT"])), Ready).serve_forever()
"""


@pytest.fixture
def programs() -> Programs:
    """Programs that only look like ours."""
    return Programs(*([sys.executable, "-c", script] for script in (SEED, WORKER, API)))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder that is removed afterwards, with the database files that lie elsewhere."""
    yield tmp_path / "data"
    DataFolder(tmp_path / "data").discard()
