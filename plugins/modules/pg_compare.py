#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_compare
short_description: Compare the rows of two PostgreSQL databases
version_added: 0.1.0
description:
  - Compares two databases of one server table by table. It counts the rows of each table, and finds the rows that only
    one database has and those that differ, by the primary key or another unique key without nulls.
  - Tables that have no such key in both databases are compared by their whole rows, which are counted.
  - Writes, on request, the statements that bring rows of O(other_db) over to O(login_db). Nothing runs them.
  - It only reads, in one snapshot of each database, and holds a few rows in memory, however large a table is. The
    server sorts each table by its key, which takes temporary files; with O(statements_file) they are as large as it.
  - Keys and rows are compared by their text, so C(1.0) and C(1.00) are two keys. Schemas, sequences and large objects
    are not compared.
  - To compare with a backup, restore it to a new database with M(pgsafe.migration.pg_restore_safe) first.
options:
  other_db:
    description: The database, of the same server, that O(login_db) is compared with.
    type: str
    required: true
  tables:
    description: Patterns of tables such as V(sales.*), in C(public) of their names alone. All tables when it is empty.
    type: list
    elements: str
    default: []
  shown:
    description: How many keys are returned of each table and kind of difference.
    type: int
    default: 20
  keys_file:
    description: A new file, on the target, for every key that differs, as CSV.
    type: path
  statements_file:
    description: A new file, on the target, for the statements.
    type: path
  statements:
    description:
      - Which statements are written, V(insert) for rows that only O(other_db) has, V(update) for rows that differ,
        V(delete) for rows that only O(login_db) has.
    type: list
    elements: str
    choices: [insert, update, delete]
    default: [insert, update, delete]
attributes:
  check_mode:
    support: full
    details: It compares, and writes no file.
  idempotent:
    support: full
    details: It refuses a file that exists.
extends_documentation_fragment:
  - pgsafe.migration.attributes
  - pgsafe.migration.connection
seealso:
  - module: pgsafe.migration.pg_restore_safe
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: See what was lost since a backup, which was restored to a new database
  pgsafe.migration.pg_compare:
    login_db: community_connect
    other_db: community_connect_restored
    tables: [community_members]
    statements_file: /var/backups/pgsafe/bring_back.sql
    statements: [insert]
"""

RETURN = r"""
equal:
  description: Whether both have the same tables, columns and rows, as far as they were compared.
  returned: success
  type: bool
tables:
  description: The tables that both have.
  returned: success
  type: list
  elements: dict
  contains:
    table:
      description: Its schema and name.
      type: str
      returned: always
    equal:
      description: Whether its rows and columns are the same.
      type: bool
      returned: always
    rows_here:
      description: Its rows in O(login_db).
      type: int
      returned: always
    rows_there:
      description: Its rows in O(other_db).
      type: int
      returned: always
    key:
      description: The columns that rows are identified by; empty where whole rows were counted.
      type: list
      elements: str
      returned: always
    counts:
      description: How many rows are C(only_here), C(only_there) and C(different).
      type: dict
      returned: always
    first_keys:
      description: The first keys of each of these kinds, such as C((42)).
      type: dict
      returned: always
    columns_here:
      description: Columns that only O(login_db) has; they are not compared.
      type: list
      elements: str
      returned: always
    columns_there:
      description: Columns that only O(other_db) has; they are not compared.
      type: list
      elements: str
      returned: always
only_here:
  description: Tables that only O(login_db) has.
  returned: success
  type: list
  elements: str
only_there:
  description: Tables that only O(other_db) has.
  returned: success
  type: list
  elements: str
statements_written:
  description: How many statements were written to O(statements_file).
  returned: success
  type: int
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample:
    - "[✗] app and app_restored: tables that differ: 1, equal: 6"
    - "[✗] public.orders: 58 rows in app, 60 in app_restored; 2 only in app_restored"
    - "    only in app_restored, by (id): (7), (9)"
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import CONNECTION, target
from ..module_utils.compare import run as compare
from ..module_utils.console import comparison as console
from ..module_utils.ports.module import serve

_CHOICES = ["insert", "update", "delete"]

SPEC = {
    **CONNECTION,
    "other_db": {"type": "str", "required": True},
    "tables": {"type": "list", "elements": "str", "default": []},
    "shown": {"type": "int", "default": 20},
    "keys_file": {"type": "path"},
    "statements_file": {"type": "path"},
    "statements": {"type": "list", "elements": "str", "choices": _CHOICES, "default": _CHOICES},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params, check_mode)
    found = compare.run(asked)
    return {
        "changed": bool(asked.keys_file or asked.statements_file),
        "equal": found.equal,
        "tables": [_listed(table) for table in found.tables],
        "only_here": list(found.only_here),
        "only_there": list(found.only_there),
        "statements_written": found.statements,
        "console": console.comparison(found),
    }


def request(params: dict[str, Any], check_mode: bool) -> compare.CompareRequest:
    return compare.CompareRequest(
        target=target(params),
        other=params["other_db"],
        tables=tuple(params["tables"]),
        shown=params["shown"],
        keys_file=None if check_mode else _path(params["keys_file"]),
        statements_file=None if check_mode else _path(params["statements_file"]),
        statements=tuple(params["statements"]),
    )


def _path(given: str | None) -> Path | None:
    return Path(given) if given else None


def _listed(table: compare.TableComparison) -> dict[str, Any]:
    return {
        "table": table.label,
        "equal": table.equal,
        "rows_here": table.rows_here,
        "rows_there": table.rows_there,
        "key": list(table.key),
        "counts": dict(table.counts),
        "first_keys": {kind: list(keys) for kind, keys in table.shown.items()},
        "columns_here": list(table.columns_here),
        "columns_there": list(table.columns_there),
    }


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
