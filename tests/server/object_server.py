# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A store with the interface of S3, moto's, in a process of its own, that can be asked to fail.

PUT /-/faults takes a list of faults; each one that fits a request is used up by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from ansible_collections.pgsafe.migration.plugins.module_utils.model import StoreAddress

CONTROL = "/-/faults"
ACCESS, SECRET = "pgsafe-access", "pgsafe-secret-7a1f"

Wsgi = Any


@dataclass(frozen=True)
class ObjectServer:
    endpoint: str
    log: Path
    pid: int

    def address(self, bucket: str, prefix: str = "", secret: str = SECRET) -> StoreAddress:
        url = f"s3://{bucket}/{prefix}".rstrip("/")
        return StoreAddress(url, self.endpoint, "us-east-1", "", ACCESS, secret)

    def client(self) -> Any:
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id=ACCESS,
                            aws_secret_access_key=SECRET)

    def fail(self, *faults: Mapping[str, Any]) -> None:
        """
        Each fault has the ``method`` or methods and a part of the ``path`` of the requests that it is for, and one of:
        ``code``, an error of S3; ``kill``, a process that is killed behind the request; ``cut``, the answer breaks off.
        ``behind`` is how many requests that fit come before it; ``times`` how many it is for.
        """
        data = json.dumps(faults).encode()
        with urllib.request.urlopen(urllib.request.Request(self.endpoint + CONTROL, data, method="PUT")):  # noqa: S310  # of this test
            pass


class _Failing:
    def __init__(self, store: Wsgi) -> None:
        self._store, self._faults, self._lock = store, list[dict[str, Any]](), threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == CONTROL:
            self._faults = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            start("200 OK", [])
            return [b""]
        fault = self._fitting(environ)
        if "code" in fault:
            return _refused(environ, start, fault["code"])
        answer: Iterable[bytes] = self._store(environ, start)
        if "kill" in fault:
            os.kill(fault["kill"], signal.SIGKILL)
        if "cut" in fault:
            return [b"".join(answer)[:-1]]
        return answer

    def _fitting(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        method, path = environ["REQUEST_METHOD"], f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        with self._lock:
            for fault in self._faults:
                if method in fault.get("method", method) and fault.get("path", "") in path:
                    fault["behind"] = fault.get("behind", 0) - 1
                    if -fault.get("times", 1) <= fault["behind"] < 0:
                        return fault
        return {}


def _refused(environ: Mapping[str, Any], start: Any, code: str) -> list[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start("403 Forbidden", [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>refused by the test</Message></Error>".encode()]


@contextlib.contextmanager
def serving(home: Path) -> Iterator[ObjectServer]:
    """
    :param home: a directory for its log.
    """
    log = home / "object_server.log"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    argv, pipe = [sys.executable, __file__], subprocess.PIPE
    with log.open("w") as sink, subprocess.Popen(argv, env=env, stdout=pipe, stderr=sink, text=True) as process:
        try:
            assert process.stdout
            port = process.stdout.readline().strip()
            assert port, log.read_text()
            yield ObjectServer(f"http://127.0.0.1:{port}", log, process.pid)
        finally:
            process.kill()


def main() -> None:
    # Heavy, and for this process alone.
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    store = _Failing(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, store, threaded=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
