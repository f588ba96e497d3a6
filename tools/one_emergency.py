"""Meet one emergency of docs/guides/recovery.md with the database that the PG* variables name.

Prints the seconds of each part, the peak memory of this process in bytes, and the lines that a person sees.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

# The checkout as the collection, as tools/demo.py has linked it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".demo" / "collections"))

from ansible_collections.pgsafe.migration.plugins.module_utils import arguments
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import restore, verify
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.instance import Options
from ansible_collections.pgsafe.migration.plugins.modules import pg_compare
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

Params = dict[str, Any]
Result = dict[str, Any]


def _params(bin_dir: str) -> Params:
    names = {"login_host": "PGHOST", "login_port": "PGPORT", "login_user": "PGUSER", "login_password": "PGPASSWORD"}
    given = {option: os.environ.get(variable) for option, variable in names.items()}
    return {**given, "login_db": os.environ["PGDATABASE"], "bin_dir": bin_dir}


def verified(params: Params, backup_dir: str) -> Result:
    """Is the backup whole: as the playbook verify."""
    found = requests.verify(arguments.target(params), Path(backup_dir), proof="temporary_instance")
    return verify.run(replace(found, instance_options=Options(params["bin_dir"], None, None)))


def rolled_back(params: Params, backup_dir: str) -> Result:
    """Undo what was written since."""
    return restore.run(requests.restore(arguments.target(params), Path(backup_dir), jobs=2))


def compared(params: Params, other: str, table: str, statements_file: str) -> Result:
    """Which rows of a table are gone, and the statements that bring them back."""
    given = {"other_db": other, "tables": [table], "statements": ["insert"], "statements_file": statements_file}
    return pg_compare.run({**arguments.defaults(pg_compare.SPEC), **params, **given}, False)


EMERGENCIES: dict[str, Callable[..., Result]] = {
    "verify": verified,
    "rollback": rolled_back,
    "compare": compared,
}


def main() -> None:
    """`one_emergency.py EMERGENCY BIN_DIR ARGUMENTS…`."""
    started = time.monotonic()
    found = EMERGENCIES[sys.argv[1]](_params(sys.argv[2]), *sys.argv[3:])
    seconds = {"whole": time.monotonic() - started}
    seconds.update(found["seconds"] if isinstance(found.get("seconds"), dict) else {})
    seconds["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    print(json.dumps({"seconds": seconds, "console": found["console"], "kept": found.get("kept", "")}))


if __name__ == "__main__":
    main()
