"""Take one backup of the database that the PG* variables name; print its snapshot time and our own peak memory."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

# The checkout as the collection, as tools/demo.py has linked it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".demo" / "collections"))

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests


def main() -> None:
    """`one_backup.py BACKUP_ROOT BIN_DIR`."""
    names = {"login_host": "PGHOST", "login_port": "PGPORT", "login_user": "PGUSER", "login_password": "PGPASSWORD"}
    params: dict[str, object] = {option: os.environ.get(variable) for option, variable in names.items()}
    target = arguments.target({**params, "login_db": os.environ["PGDATABASE"], "bin_dir": sys.argv[2]})
    taken = backup.run(requests.backup(target, Path(sys.argv[1])))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"snapshot_held": taken.manifest.seconds["snapshot_held"], "memory": memory}))


if __name__ == "__main__":
    main()
