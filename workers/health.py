"""Whether the process in this container is well: `python -m workers.health api` or `… worker`, by exit code.

An API is well when it answers `/healthz`; a worker when Temporal's metrics of it show that it polls. Neither looks at
what lies behind: a database that is away is no reason to restart everything before it. Imports little, since it is run
every few seconds.
"""

import os
import re
import sys
import urllib.error
import urllib.request

SECONDS = 3.0
POLLERS = re.compile(r"^temporal_num_pollers\{[^}]*\} ([0-9.]+)$", re.MULTILINE)


def api() -> bool:
    return _get(f"http://127.0.0.1:{os.environ.get('THROUGHLINE_API_PORT', '8180')}/healthz") is not None


def worker() -> bool:
    """Needs `THROUGHLINE_METRICS_PORT`."""
    metrics = _get(f"http://127.0.0.1:{os.environ['THROUGHLINE_METRICS_PORT']}/metrics")
    return metrics is not None and any(float(number) > 0 for number in POLLERS.findall(metrics))


def _get(url: str) -> str | None:
    # No proxy of the environment: this is our own process.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=SECONDS) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return None


def main() -> int:
    checks = {"api": api, "worker": worker}
    if len(sys.argv) != 2 or sys.argv[1] not in checks:
        print(f"usage: python -m workers.health {'|'.join(checks)}", file=sys.stderr)  # noqa: T201
        return 2
    return 0 if checks[sys.argv[1]]() else 1


if __name__ == "__main__":
    sys.exit(main())
