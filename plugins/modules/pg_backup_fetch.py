#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_fetch
short_description: Fetch a backup from an object store or another directory
version_added: 0.1.0
description:
  - Fetches a backup that M(pgsafe.migration.pg_backup_copy) has copied to an object store or a directory, the newest
    proven one of a database or the one that is named.
  - An encrypted copy is decrypted on the way. What is fetched is the plain backup.
  - Each file is written under a temporary name, flushed, and read back. It gets its name when its SHA-256 is that of
    the backup. The manifest is written last, so an interrupted fetch is no backup, and the next one removes it.
  - The directory becomes a backup root like any other. M(pgsafe.migration.pg_backup_verify) and
    M(pgsafe.migration.pg_restore_safe) take the backup from there.
options:
  fetch_to:
    description:
      - An existing directory on the target that only root and the user of the task can write to, other than the backup
        root of the runs.
    type: path
    required: true
  database:
    description: Whose newest proven backup is fetched. Or O(backup_dir).
    type: str
    default: ""
  before:
    description:
      - A date or a time in UTC, such as V(2026-11-16) or V(2026-11-16T14:30:00Z). The newest proven backup that was
        begun before it is fetched.
    type: str
    default: ""
  backup_dir:
    description: The directory or URL of a backup, as M(pgsafe.migration.pg_backup_info) returns it.
    type: str
    default: ""
  backup_root:
    description: The directory on the target that has the copies. Or O(store).
    type: path
  age_identity:
    description:
      - The text of an identity file of age, whose secret key is that of one of the recipients of an encrypted copy.
      - It is used in the memory of the module alone, and written nowhere.
    type: str
attributes:
  check_mode:
    support: full
    details: It returns what would be fetched.
  idempotent:
    support: full
extends_documentation_fragment:
  - pgsafe.migration.attributes
  - pgsafe.migration.store
seealso:
  - module: pgsafe.migration.pg_backup_copy
  - module: pgsafe.migration.pg_backup_info
  - module: pgsafe.migration.pg_restore_safe
requirements:
  - pyrage on the target, for an encrypted copy
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Fetch the newest proven backup
  pgsafe.migration.pg_backup_fetch:
    store:
      url: s3://backups/pgsafe/db1
      region: eu-central-1
    database: community_connect
    fetch_to: /var/backups/fetched
  register: fetched

- name: Fetch and decrypt the newest proven backup of a mounted file system
  pgsafe.migration.pg_backup_fetch:
    backup_root: /mnt/nfs/pgsafe/db1
    age_identity: "{{ lookup('ansible.builtin.file', '~/.config/age/restore.txt') }}"
    database: community_connect
    fetch_to: /var/backups/fetched

- name: Restore it beside the database
  pgsafe.migration.pg_restore_safe:
    login_db: community_connect
    backup_dir: "{{ fetched.backup_dir }}"
    new_database: community_connect_old
"""

RETURN = r"""
backup_dir:
  description: The directory of the backup that was fetched, or would be in check mode.
  returned: success
  type: str
  sample: /var/backups/fetched/community_connect/migration_20261116_143022
bytes:
  description: The size of its files.
  returned: success
  type: int
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import STORE, backup_root, store_address
from ..module_utils.backup import fetch
from ..module_utils.console import places as console
from ..module_utils.ports.module import serve
from ..module_utils.retention.stored import moment

EITHER = [["backup_root", "store"]]
SPEC = {
    **STORE,
    "backup_root": {"type": "path"},
    "fetch_to": {"type": "path", "required": True},
    "database": {"type": "str", "default": ""},
    "before": {"type": "str", "default": ""},
    "backup_dir": {"type": "str", "default": ""},
    "age_identity": {"type": "str", "no_log": True},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    found = fetch.plan(request(params)) if check_mode else fetch.run(request(params))
    return {
        "changed": found.made,
        "backup_dir": str(found.backup_dir),
        "bytes": found.bytes,
        "console": console.fetched(found, check_mode),
    }


def request(params: dict[str, Any]) -> fetch.FetchRequest:
    return fetch.FetchRequest(
        place=store_address(params["store"]) if params["store"] else backup_root(params),
        database=params["database"],
        named=params["backup_dir"].rstrip("/"),
        before=moment(params["before"]) if params["before"] else None,
        fetch_to=Path(params["fetch_to"]),
        identity=params["age_identity"] or "",
    )


def main() -> None:
    serve(SPEC, run, mutually_exclusive=EITHER, required_one_of=EITHER)


if __name__ == "__main__":
    main()
