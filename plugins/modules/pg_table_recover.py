#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_table_recover
short_description: Recover single tables of a backup, beside the live ones or in their place
version_added: 0.1.0
description:
  - Recovers whole tables beside the live ones - columns, rows, indexes, constraints, identity columns and the values of
    their sequences, owners, privileges, row-level security and policies, triggers, rules, statistics objects and
    comments. A partitioned table comes with its partitions.
  - Without O(swap) the live tables are neither read, locked nor changed. The recovered rows are compared with the
    manifest; schema, tables and rows appear in one transaction, or not at all.
  - Without O(swap) foreign keys from and to other tables are not carried over, since those tables are of today;
    RV(not_carried) lists them. Functions, types and roles are those of the database.
  - A scratch database beside the live one has the objects of the backup for a short time, so the role must be allowed
    to create databases. When the task is killed, the next one with the same backup drops it.
options:
  backup_dir:
    description: The directory of the backup, on the target, or a link to it such as C(latest).
    type: path
    required: true
  tables:
    description:
      - The tables, as V(schema.table); one without a schema is in C(public).
      - A partition is recovered with its parent.
    type: list
    elements: str
    required: true
  schema:
    description:
      - The schema to recover into, which must not exist yet. It belongs to the role that connects.
      - V(recovered_YYYYMMDD_HHMMSS) when it is not given.
    type: str
  swap:
    description:
      - Whether the recovered tables replace the live ones, in one transaction, once they are equal to the manifest.
      - The live tables move to a schema RV(replaced.schema), with everything that belongs to them but their foreign
        keys, and stay there until you drop it. Tables that are gone are created again where they were.
      - The foreign keys of the backup, in both directions, and those that other tables have today are created on the
        recovered tables. A row that violates one of them fails the task.
      - Views, functions, publications and other objects that refer to a live table would go on referring to the
        replaced one. The task refuses then and names them.
      - When the swap fails, the live tables are as they were, and the recovered ones stay in O(schema).
    type: bool
    default: false
  source:
    description:
      - Where the rows are taken from - C(full_backup.dump), C(full_backup.sql.gz), or the CSV of each table.
      - A CSV has no objects, so these are taken from the archive then.
    type: str
    choices: [archive, script, csv]
    default: archive
attributes:
  check_mode:
    support: full
  idempotent:
    support: none
    details: Every call recovers once more; it refuses a schema that exists.
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.restore_checks
  - pgsafe.migration.attributes
seealso:
  - module: pgsafe.migration.pg_restore_safe
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Recover the members from before the accident into a schema of their own
  pgsafe.migration.pg_table_recover:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest
    tables: [members]

- name: Replace today's members with those from before the accident
  pgsafe.migration.pg_table_recover:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest
    tables: [members]
    swap: true

- name: Recover two tables from their CSVs
  pgsafe.migration.pg_table_recover:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/migration_20261116_143022
    tables: [public.members, public.payments]
    schema: before_the_accident
    source: csv
"""

RETURN = r"""
database:
  description: The database.
  returned: success
  type: str
schema:
  description: The schema that has the recovered tables, or had them before a swap.
  returned: success
  type: str
  sample: recovered_20261116_143022
source:
  description: Where the rows came from.
  returned: success
  type: str
rows:
  description: Rows by table.
  returned: success
  type: dict
  sample: {public.members: 15823}
replaced:
  description: The live tables that the recovered ones have replaced.
  returned: when O(swap=true) and not in check mode
  type: dict
  contains:
    schema:
      description: The schema that they are in now; empty where all of them were gone.
      type: str
      returned: always
      sample: replaced_20261116_150102
    rows:
      description: How many rows they have, by table.
      type: dict
      returned: always
      sample: {public.members: 15001}
not_carried:
  description:
    - What ties the tables to others and was not carried over, a line each.
    - With O(swap) the foreign keys whose other table is gone.
  returned: success
  type: list
  elements: str
  sample: ["foreign key payments_fkey of public.payments: FOREIGN KEY (member_id) REFERENCES public.members(id)"]
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
  sample: ["[✓] Recovered public.members into recovered_20261116_143022: 15,823 rows"]
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import BACKUP_DIR, CONNECTION, target
from ..module_utils.jobs import tables as job
from ..module_utils.ports.module import serve
from ..module_utils.preflight import waivers
from ..module_utils.tables import recover
from ..module_utils.tables.chosen import SOURCES

SPEC = {
    **CONNECTION,
    **BACKUP_DIR,
    "tables": {"type": "list", "elements": "str", "required": True},
    "schema": {"type": "str"},
    "swap": {"type": "bool", "default": False},
    "source": {"type": "str", "choices": list(SOURCES), "default": "archive"},
    "waive": {"type": "dict", "default": {}},
    "free_bytes": {"type": "int"},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    return job.predicted(asked) if check_mode else job.run(asked)


def request(params: dict[str, Any]) -> recover.TableRequest:
    return recover.TableRequest(
        target=target(params),
        backup_dir=Path(params["backup_dir"]).resolve(),
        tables=tuple(params["tables"]),
        schema=params["schema"] or recover.default_schema(),
        swap=params["swap"],
        source=params["source"],
        waived=waivers.read(params["waive"]),
        free_bytes=params["free_bytes"],
    )


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
