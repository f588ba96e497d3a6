#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_kept_prune
short_description: Drop databases that rollbacks have kept, when they are old
version_added: 0.1.0
description:
  - A rollback keeps the database that it replaces, closed, as C(app__failed_YYYYMMDD_HHMMSS). This module lists such
    databases and drops those which are older than O(keep_days) and are named in O(confirmed). No other is dropped.
  - A database is dropped only where name, OID and comment are those that the journal of its run has recorded. It stays
    while it has sessions or accepts connections, while its run has not ended, and while its backup is pinned.
  - A verified copy that was retained (O(pgsafe.migration.pg_migration_apply#module:keep_copy_for)) is dropped when its
    time is over, without a confirmation, since it holds nothing but what the backup holds.
  - Each drop is decided once more under the lock of the run.
  - Where no server answers, the result is empty if the backup root has runs and none has kept a database, as in a place
    for copies of backups; else the module fails.
options:
  backup_root:
    description: The directory, on the target, that holds the backups and the journals of the runs.
    type: path
    required: true
  keep_days:
    description: How many days a database is kept at least.
    type: float
    default: 7.0
  confirmed:
    description: The exact names of the databases that may be dropped.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    details: It returns what would be dropped once it is confirmed, what stays, and why.
  idempotent:
    support: full
extends_documentation_fragment:
  - pgsafe.migration.attributes
  - pgsafe.migration.connection
seealso:
  - module: pgsafe.migration.pg_backup_prune
  - module: pgsafe.migration.pg_restore_safe
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Drop a database that a rollback has kept for more than a week
  pgsafe.migration.pg_kept_prune:
    login_db: community_connect
    backup_root: /var/backups/pgsafe
    confirmed: [community_connect__failed_20261116_143022]
"""

RETURN = r"""
databases:
  description: The databases that runs have left beside this one, and those that are named alike.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    run_id:
      description: The run in its name.
      type: str
      returned: always
    backup_dir:
      description: The backup of the run; empty where it is not known.
      type: str
      returned: always
    kept_since:
      description: When a rollback kept it, ISO 8601 in UTC; empty where no journal says so.
      type: str
      returned: always
    bytes:
      description: Its size; 0 where the role may not see it.
      type: int
      returned: always
    due:
      description: Whether it is old enough, and nothing speaks against dropping it.
      type: bool
      returned: always
    dropped:
      description: Whether it was dropped.
      type: bool
      returned: always
    retained_copy:
      description: Whether it is a retained copy of a backup, whose drop needs no confirmation.
      type: bool
      returned: always
    reason:
      description: Why it is due, or why it stays.
      type: str
      returned: always
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample:
    - "[✓] Dropped app__failed_20261116_143022, 245M, since 2026-11-16 14:35 UTC, kept for 8.2 days"
"""

from typing import Any

from ..module_utils.arguments import BACKUP_ROOT, CONNECTION, backup_root, target
from ..module_utils.console import kept as console
from ..module_utils.errors import PgsafeError
from ..module_utils.journal.entry import TIME
from ..module_utils.ports.module import facts_of, serve
from ..module_utils.restore import kept

SPEC = {
    **CONNECTION,
    **BACKUP_ROOT,
    "keep_days": {"type": "float", "default": 7.0},
    "confirmed": {"type": "list", "elements": "str", "default": []},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    asked = request(params)
    found = kept.plan(asked) if check_mode else kept.run(asked)
    changed = any(of.due if check_mode else of.dropped for of in found)
    return {"changed": changed, **_result(found, check_mode)}


def request(params: dict[str, Any]) -> kept.KeptRequest:
    return kept.KeptRequest(target(params), backup_root(params), params["keep_days"], tuple(params["confirmed"]))


def _result(found: tuple[kept.Decision, ...], foreseen: bool) -> dict[str, Any]:
    return {"databases": [_listed(decision) for decision in found], "console": console.kept(found, foreseen)}


def _listed(decision: kept.Decision) -> dict[str, Any]:
    database = decision.database
    return {
        "name": database.name,
        "run_id": database.run_id,
        "backup_dir": database.backup_dir,
        "kept_since": database.since.strftime(TIME) if database.since else "",
        "bytes": database.bytes,
        "due": decision.due,
        "dropped": decision.dropped,
        "retained_copy": decision.copy,
        "reason": decision.reason,
    }


def failure(params: dict[str, Any], error: PgsafeError) -> dict[str, Any]:
    done = _result(error.decisions, foreseen=False) if isinstance(error, kept.NotDropped) else {}
    return {**facts_of(params, error), **done}


def main() -> None:
    serve(SPEC, run, failure, serverless=lambda _params: True)


if __name__ == "__main__":
    main()
