"""Restore one backup to a new database of the server that the PG* variables name.

Prints the seconds of each part, and the peak memory in bytes: of the process, without pg_restore and the server.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The checkout as the collection, as tools/demo.py has linked it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".demo" / "collections"))

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

PARTS = {"load_archive": "load", "analyze": "ANALYZE", "compare": "comparison"}


def timed(part: str, work: Callable[..., Any], seconds: dict[str, float]) -> Callable[..., Any]:
    """The same work, whose duration is noted."""

    @functools.wraps(work)
    def measured(*given: Any, **named: Any) -> Any:
        started = time.monotonic()
        try:
            return work(*given, **named)
        finally:
            seconds[part] = time.monotonic() - started

    return measured


def main() -> None:
    """`one_restore.py BACKUP_DIR BIN_DIR NEW_DATABASE`."""
    seconds: dict[str, float] = {}
    for name, part in PARTS.items():
        setattr(copies, name, timed(part, getattr(copies, name), seconds))
    # Afterwards, for it keeps references of its own.
    from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore

    names = {"login_host": "PGHOST", "login_port": "PGPORT", "login_user": "PGUSER", "login_password": "PGPASSWORD"}
    params: dict[str, object] = {option: os.environ.get(variable) for option, variable in names.items()}
    target = arguments.target({**params, "login_db": os.environ["PGDATABASE"], "bin_dir": sys.argv[2]})
    started = time.monotonic()
    restore.run(requests.restore(target, Path(sys.argv[1]), new_database=sys.argv[3], jobs=2))
    seconds["whole"] = time.monotonic() - started
    seconds["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
