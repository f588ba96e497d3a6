#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_prune
short_description: Remove old backups
version_added: 0.1.0
description:
  - Removes a backup when it is older than O(keep_days) and at least O(keep_min) newer backups of the same database are
    proven, which means that they were restored once. The last proven backup is therefore never removed.
  - Keeps, at any age, backups that are pinned, in use, unfinished, unreadable or dated in the future, that of a
    run which has not ended, that of a failed migration until a later one succeeds, and the one that the link C(latest)
    points at. Directories that no run of the backup root made are left alone.
  - The manifest is removed first, so an interrupted removal leaves no directory that looks like a backup. The next call
    removes the rest.
  - The journals of the runs are kept.
  - In an object store an unfinished copy is removed when nothing was written there for O(keep_days), and for a day at
    least.
options:
  backup_root:
    description: The directory, on the target, that holds the backups and the journals of the runs. Or O(store).
    type: path
  database:
    description: Whose backups; those of every database when it is empty.
    type: str
    default: ""
  keep_days:
    description: How many days a backup is kept at least.
    type: float
    default: 7.0
  keep_min:
    description: How many newer backups of the same database must be proven before one is removed; 1 or more.
    type: int
    default: 3
attributes:
  check_mode:
    support: full
    details: It returns what would be removed, what would be kept, and why.
  idempotent:
    support: full
extends_documentation_fragment:
  - pgsafe.migration.attributes
  - pgsafe.migration.store
seealso:
  - module: pgsafe.migration.pg_backup_info
  - module: pgsafe.migration.pg_backup_pin
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Remove backups that are older than a week
  pgsafe.migration.pg_backup_prune:
    backup_root: /var/backups/pgsafe
    database: community_connect

- name: Keep a month, and at least five proven ones
  pgsafe.migration.pg_backup_prune:
    backup_root: /var/backups/pgsafe
    keep_days: 31
    keep_min: 5
"""

RETURN = r"""
removed:
  description: The backups that were removed, or would be in check mode.
  returned: always
  type: list
  elements: dict
  contains:
    backup_dir:
      description: Its directory; in an object store its URL.
      type: str
      returned: always
    bytes:
      description: The size of its files.
      type: int
      returned: always
    reason:
      description: Why it was removed.
      type: str
      returned: always
kept:
  description: The backups that were kept, each with its C(backup_dir), its C(bytes), and the C(reason).
  returned: always
  type: list
  elements: dict
freed_bytes:
  description: The size of what was removed.
  returned: always
  type: int
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Removed 20261101_020000 community_connect, 245M: 15 days old; newer proven backups: 3"]
"""

from typing import Any

from ..module_utils.arguments import STORE, backup_root, store_address
from ..module_utils.console import retention as console
from ..module_utils.errors import PgsafeError
from ..module_utils.ports.module import facts_of, serve
from ..module_utils.retention import prune, remote_prune
from ..module_utils.retention.rules import Decision, Policy

EITHER = [["backup_root", "store"]]
SPEC = {
    "backup_root": {"type": "path"},
    **STORE,
    "database": {"type": "str", "default": ""},
    "keep_days": {"type": "float", "default": 7.0},
    "keep_min": {"type": "int", "default": 3},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    found = _remote(params, check_mode) if params["store"] else _local(params, check_mode)
    return {"changed": bool(found.removed), **_result(params, found, check_mode)}


def _local(params: dict[str, Any], check_mode: bool) -> prune.Pruned:
    return prune.plan(request(params)) if check_mode else prune.run(request(params))


def _remote(params: dict[str, Any], check_mode: bool) -> prune.Pruned:
    asked = remote_prune.RemotePruneRequest(store_address(params["store"]), params["database"], _policy(params))
    return remote_prune.plan(asked) if check_mode else remote_prune.run(asked)


def _policy(params: dict[str, Any]) -> Policy:
    return Policy(params["keep_days"], params["keep_min"])


def request(params: dict[str, Any]) -> prune.PruneRequest:
    return prune.PruneRequest(backup_root(params), params["database"], _policy(params))


def _result(params: dict[str, Any], found: prune.Pruned, foreseen: bool) -> dict[str, Any]:
    return {
        "removed": [_listed(params, decision) for decision in found.removed],
        "kept": [_listed(params, decision) for decision in found.decisions if not decision.removed],
        "freed_bytes": found.freed,
        "console": console.pruned(found, foreseen),
    }


def _listed(params: dict[str, Any], decision: Decision) -> dict[str, Any]:
    backup = decision.backup
    within = f"{store_address(params['store']).url}/" if params["store"] else ""
    return {"backup_dir": f"{within}{backup.directory}", "bytes": backup.bytes, "reason": decision.reason}


def failure(params: dict[str, Any], error: PgsafeError) -> dict[str, Any]:
    done = _result(params, error.found, foreseen=False) if isinstance(error, prune.NotPruned) else {}
    return {**facts_of(params, error), **done}


def main() -> None:
    serve(SPEC, run, failure, mutually_exclusive=EITHER, required_one_of=EITHER)


if __name__ == "__main__":
    main()
