#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_rows_extract
short_description: Extract rows of a table that match a condition from a backup
version_added: 0.1.0
description:
  - Writes the rows of one table that match an SQL condition to a CSV, to a file of INSERT statements, or to a table of
    their own, without restoring the database.
  - The rows of that table go into a scratch database beside the live one, and are compared with the manifest. There the
    condition is evaluated, in a read-only transaction. Tables of the live database are neither read nor changed.
  - The role must be allowed to create databases. When the task is killed, the next one with the same backup drops the
    scratch database.
options:
  backup_dir:
    description: The directory of the backup, on the target, or a link to it such as C(latest).
    type: path
    required: true
  table:
    description: The table, as V(schema.table); without a schema it is in C(public).
    type: str
    required: true
  condition:
    description:
      - One SQL expression over the columns of the table, as after C(WHERE).
      - Names of functions and operators are looked up in C(pg_catalog) alone; qualify others with their schemas.
    type: str
    required: true
  dest:
    description:
      - The file to write, on the target. It must not exist yet; only its owner may read it.
      - Required unless O(format=table).
    type: path
  schema:
    description:
      - With O(format=table) the schema of the live database that the table is made in, under its own name. It must not
        exist yet.
      - V(recovered_YYYYMMDD_HHMMSS) when it is not given.
    type: str
  format:
    description:
      - V(csv) is a CSV with a header.
      - V(sql) is an INSERT statement for each row into the table that the backup is of.
      - V(table) is a table in a new schema of the live database, with the columns, defaults and check constraints of
        the backup, and without indexes, keys and triggers. It appears with its rows or not at all.
    type: str
    choices: [csv, sql, table]
    default: csv
  source:
    description: Where the rows are taken from - C(full_backup.dump), C(full_backup.sql.gz), or the CSV of the table.
    type: str
    choices: [archive, script, csv]
    default: archive
attributes:
  check_mode:
    support: full
  idempotent:
    support: none
    details: It refuses a file or a schema that exists.
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.restore_checks
  - pgsafe.migration.attributes
seealso:
  - module: pgsafe.migration.pg_table_recover
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Have a member back who was deleted
  pgsafe.migration.pg_rows_extract:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest
    table: members
    condition: id = 42
    dest: /tmp/member_42.sql
    format: sql

- name: Have all members of a city beside the live table
  pgsafe.migration.pg_rows_extract:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest
    table: members
    condition: city = 'Leiden'
    format: table
    schema: members_of_before
"""

RETURN = r"""
table:
  description: The table.
  returned: success
  type: str
dest:
  description: The file, or the schema of the table.
  returned: success
  type: str
source:
  description: Where the rows came from.
  returned: success
  type: str
rows:
  description: How many rows matched; null in check mode.
  returned: success
  type: int
table_rows:
  description: How many rows the table has in the backup.
  returned: success
  type: int
problems:
  description: What stands in the way, or is worth knowing, a line each.
  returned: in check mode
  type: list
  elements: str
seconds:
  description: The duration in seconds.
  returned: success
  type: float
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Extracted 1 of 15,823 rows of public.members to /tmp/member_42.sql"]
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import BACKUP_DIR, CONNECTION, target
from ..module_utils.jobs import extract as job
from ..module_utils.ports.module import serve
from ..module_utils.preflight import waivers
from ..module_utils.tables import extract, recover
from ..module_utils.tables.chosen import SOURCES

SPEC = {
    **CONNECTION,
    **BACKUP_DIR,
    "table": {"type": "str", "required": True},
    "condition": {"type": "str", "required": True},
    "dest": {"type": "path"},
    "schema": {"type": "str"},
    "format": {"type": "str", "choices": list(extract.FORMS), "default": "csv"},
    "source": {"type": "str", "choices": list(SOURCES), "default": "archive"},
    "waive": {"type": "dict", "default": {}},
    "free_bytes": {"type": "int"},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    return job.predicted(asked) if check_mode else job.run(asked)


def request(params: dict[str, Any]) -> extract.ExtractRequest:
    return extract.ExtractRequest(
        target=target(params),
        backup_dir=Path(params["backup_dir"]).resolve(),
        table=params["table"],
        condition=params["condition"],
        dest=Path(params["dest"]) if params["dest"] else None,
        schema=params["schema"] or recover.default_schema(),
        form=params["format"],
        source=params["source"],
        waived=waivers.read(params["waive"]),
        free_bytes=params["free_bytes"],
    )


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
