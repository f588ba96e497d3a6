#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_info
short_description: List the backups of a backup root or an object store
version_added: 0.1.0
description:
  - Lists every backup with its size and age, the level that it was proven up to, and the verdict of its run.
  - Reads the manifests and the journals of the runs. It needs no server, and changes nothing.
options:
  backup_root:
    description: The directory, on the target, that holds the backups and the journals of the runs. Or O(store).
    type: path
  database:
    description: Whose backups; those of every database when it is empty.
    type: str
    default: ""
  before:
    description:
      - A date or a time in UTC, such as V(2026-11-16) or V(2026-11-16T14:30:00Z). Only backups that were begun before
        it are listed.
    type: str
    default: ""
extends_documentation_fragment:
  - pgsafe.migration.attributes.reads
  - pgsafe.migration.store
seealso:
  - module: pgsafe.migration.pg_backup_prune
  - module: pgsafe.migration.pg_backup_pin
  - module: pgsafe.migration.pg_backup_verify
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: List the backups of a database
  pgsafe.migration.pg_backup_info:
    backup_root: /var/backups/pgsafe
    database: community_connect
  register: found

- name: Find the newest proven backup of before a day
  pgsafe.migration.pg_backup_info:
    backup_root: /var/backups/pgsafe
    database: community_connect
    before: "2026-11-16"
  register: found

- name: List the backups of an object store
  pgsafe.migration.pg_backup_info:
    store:
      url: s3://backups/pgsafe/db1
      region: eu-central-1

- name: Require a proven backup that is not older than a day
  ansible.builtin.assert:
    that: found.backups | selectattr('proven') | selectattr('age_days', 'lt', 1) | length > 0
"""

RETURN = r"""
backups:
  description: The backups, by database, the newest last.
  returned: success
  type: list
  elements: dict
  contains:
    backup_dir:
      description: Its directory; in an object store its URL.
      type: str
      returned: always
    run_id:
      description: The run that took it.
      type: str
      returned: always
    database:
      description: Its database.
      type: str
      returned: always
    created:
      description: When its run began it, ISO 8601 in UTC.
      type: str
      returned: always
    age_days:
      description: How many days ago that was.
      type: float
      returned: always
    bytes:
      description: The size of its files.
      type: int
      returned: always
    condition:
      description:
        - V(complete), V(in use) by a run, V(unfinished), V(partly removed), V(unreadable), or V(foreign) when no run of
          the backup root took it.
      type: str
      returned: always
    level:
      description: The level that it was proven up to, V(checksum), V(decode) or V(restore); empty when to none.
      type: str
      returned: always
    proven:
      description: Whether it is complete and was restored once, with the result that its manifest names.
      type: bool
      returned: always
    verdict:
      description: How the migration of its run ended; empty when its run began none, or is not known.
      type: str
      returned: always
    pinned:
      description: Why retention leaves it alone; empty when it is not pinned.
      type: str
      returned: always
    latest:
      description: Whether the link C(latest) points at it.
      type: bool
      returned: always
    encrypted:
      description: Whether it is an encrypted copy, which M(pgsafe.migration.pg_backup_fetch) decrypts.
      type: bool
      returned: always
newest_proven:
  description: The directory or URL of the newest proven backup among them; empty when none is.
  returned: success
  type: str
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] 20261116_143022 community_connect: 245M, 3 days old, proven (restore), migrated, latest"]
"""

from datetime import datetime, timezone
from typing import Any

from ..module_utils.arguments import STORE, backup_root, store_address
from ..module_utils.console import retention as console
from ..module_utils.ports.module import serve
from ..module_utils.retention import remote, stored
from ..module_utils.retention.stored import StoredBackup

EITHER = [["backup_root", "store"]]
SPEC = {
    "backup_root": {"type": "path"},
    **STORE,
    "database": {"type": "str", "default": ""},
    "before": {"type": "str", "default": ""},
}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    end = stored.moment(params["before"]) if params["before"] else None
    where, every = _every(params)
    found = [of for of in every if end is None or of.created < end]
    listed = [_listed(backup, where, now) for backup in found]
    proven = [of["backup_dir"] for of in sorted(listed, key=lambda of: str(of["created"])) if of["proven"]]
    return {
        "changed": False,
        "backups": listed,
        "newest_proven": proven[-1] if proven else "",
        "console": console.backups(found, where, now),
    }


def _every(params: dict[str, Any]) -> tuple[str, tuple[StoredBackup, ...]]:
    """Where the backups are, and all of them."""
    if params["store"]:
        address = store_address(params["store"])
        return address.url, remote.at(address, params["database"])
    root = backup_root(params)
    return str(root), stored.all_of(root, params["database"])


def _listed(backup: StoredBackup, where: str, now: datetime) -> dict[str, Any]:
    # In a store, the directory is relative to it.
    location = str(backup.directory) if backup.directory.is_absolute() else f"{where}/{backup.directory}"
    return {**stored.as_result(backup, now), "backup_dir": location}


def main() -> None:
    serve(SPEC, run, mutually_exclusive=EITHER, required_one_of=EITHER)


if __name__ == "__main__":
    main()
