"""Print the fingerprint of the database that PGDATABASE names, with the code that the collection itself compares by."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

# The checkout as the collection, as tools/demo.py has linked it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".demo" / "collections"))

from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.compare.catalog import facts as catalog
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session


def main() -> None:
    """Connect as the PG* variables say, and print the fingerprint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="all of it, for a program; else a line per table")
    options = parser.parse_args()
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    params = {keyword: os.environ[variable] for keyword, variable in names.items() if os.environ.get(variable)}
    with session(Target(params, os.environ["PGDATABASE"])) as reader:
        found = fingerprint.take(reader)
    if options.json:
        # As a restored copy is compared, so that two of these can be compared as texts.
        comparable = replace(found, catalog=catalog.as_restored(found.catalog), reported={})
        print(json.dumps(asdict(comparable), sort_keys=True))
        return
    for label, state in found.tables.items():
        print(f"{state.rows:>12,}  {state.content or state.mode}  {label}")


if __name__ == "__main__":
    main()
