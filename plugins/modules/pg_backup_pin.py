#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_pin
short_description: Pin a backup so that retention keeps it
version_added: 0.1.0
description:
  - Has M(pgsafe.migration.pg_backup_prune) keep a backup at any age, until it is unpinned. The journal of its run
    records the pin and its reason; in an object store an object beside the backup does.
options:
  backup_dir:
    description:
      - The directory of the backup, on the target, or a link to it such as C(latest); with O(store) its URL, as
        M(pgsafe.migration.pg_backup_info) returns it.
    type: path
    required: true
  state:
    description: V(present) pins it, V(absent) unpins it.
    type: str
    choices: [present, absent]
    default: present
  reason:
    description: Why; required with O(state=present).
    type: str
    default: ""
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - pgsafe.migration.attributes
  - pgsafe.migration.store
seealso:
  - module: pgsafe.migration.pg_backup_info
  - module: pgsafe.migration.pg_backup_prune
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Keep the backup before the migration of prices
  pgsafe.migration.pg_backup_pin:
    backup_dir: /var/backups/pgsafe/community_connect/migration_20261116_143022
    reason: the auditors have not looked at it yet

- name: Let retention have it
  pgsafe.migration.pg_backup_pin:
    backup_dir: /var/backups/pgsafe/community_connect/migration_20261116_143022
    state: absent
"""

RETURN = r"""
backup_dir:
  description: The directory of the backup, with links resolved; in an object store its URL.
  returned: success
  type: str
pinned:
  description: The reason; empty when it is not pinned.
  returned: success
  type: str
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Pinned 20261116_143022 community_connect: the auditors have not looked at it yet"]
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import BACKUP_DIR, STORE, store_address
from ..module_utils.console import retention as console
from ..module_utils.ports.module import serve
from ..module_utils.retention import pin, remote_prune

SPEC = {
    **BACKUP_DIR,
    **STORE,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "reason": {"type": "str", "default": ""},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    found = _remote(params, check_mode) if params["store"] else _local(params, check_mode)
    return {
        "changed": found.changed,
        "backup_dir": params["backup_dir"] if params["store"] else str(found.backup.directory),
        "pinned": found.reason,
        "console": console.pinned(found),
    }


def _local(params: dict[str, Any], check_mode: bool) -> pin.Pinned:
    return pin.plan(request(params)) if check_mode else pin.run(request(params))


def _remote(params: dict[str, Any], check_mode: bool) -> pin.Pinned:
    reason = request(params).reason
    asked = remote_prune.RemotePinRequest(store_address(params["store"]), params["backup_dir"], reason)
    return remote_prune.plan_pin(asked) if check_mode else remote_prune.run_pin(asked)


def request(params: dict[str, Any]) -> pin.PinRequest:
    return pin.PinRequest(Path(params["backup_dir"]), pin.reason_of(params["state"] == "present", params["reason"]))


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
