"""Recover a table of a backup, or extract rows of it; print the seconds of each part and the peak memory in bytes."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

# The checkout as the collection, as tools/demo.py has linked it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".demo" / "collections"))

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.tables import extract, recover, rows
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

from one_restore import timed

PARTS = {
    "require_intact": (recover, "SHA-256 of the archive"),
    "structure_of": (recover, "objects of the backup"),
    "load": (rows, "rows"),
    "compare": (recover, "comparison"),
}


def main() -> None:
    """`one_recovery.py BACKUP_DIR BIN_DIR TABLE [CONDITION DEST]`."""
    seconds: dict[str, float] = {}
    for name, (module, part) in PARTS.items():
        setattr(module, name, timed(part, getattr(module, name), seconds))
    names = {"login_host": "PGHOST", "login_port": "PGPORT", "login_user": "PGUSER", "login_password": "PGPASSWORD"}
    params: dict[str, object] = {option: os.environ.get(variable) for option, variable in names.items()}
    target = arguments.target({**params, "login_db": os.environ["PGDATABASE"], "bin_dir": sys.argv[2]})
    backup_dir, table, condition = Path(sys.argv[1]), sys.argv[3], sys.argv[4:]
    started = time.monotonic()
    if condition:
        extract.run(requests.extract(target, backup_dir, table, condition[0], Path(condition[1])))
    else:
        recover.run(requests.tables(target, backup_dir, table, schema="recovered"))
    seconds["whole"] = time.monotonic() - started
    seconds["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
