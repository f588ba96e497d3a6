#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_preflight_facts
short_description: Gather the facts that decide whether a PostgreSQL database can be migrated safely
version_added: 0.1.0
description:
  - Reads versions, sizes, free space, privileges, sessions and whatever would stand in the way of a backup, a migration
    or a rollback, and reports all problems at once, each with a remedy.
  - It changes nothing and writes nothing.
options:
  backup_root:
    description: The directory, on the target, under which backups are made.
    type: path
    required: true
  level:
    description: The level of proof that the backup will need; a restore beside the live database needs room.
    type: str
    choices: [checksum, decode, restore]
    default: restore
  fence:
    description: The kind of fence that will be raised; see M(pgsafe.migration.pg_fence).
    type: str
    choices: [read_only+closed, closed, connect, none]
    default: read_only+closed
  disk_factor:
    description: The free space that the backup's filesystem must have, as a multiple of the database's size.
    type: float
    default: 2.0
  fail:
    description: Fail when there is a problem of severity V(error).
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    details: It changes nothing anyway.
  diff_mode:
    support: none
  idempotent:
    support: full
  facts:
    description: Returns facts.
    support: full
  platform:
    platforms: posix
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.attributes
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Gather the facts, and stop with every problem at once
  pgsafe.migration.pg_preflight_facts:
    login_db: community_connect
    backup_root: /var/backups/pgsafe

- name: Use them in a condition of your own
  ansible.builtin.assert:
    that: ansible_facts.pg_preflight.database_bytes < 100 * 1024 ** 3
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: success
  type: dict
  contains:
    pg_preflight:
      description: What was found.
      returned: success
      type: dict
      sample:
        database: community_connect
        server_version: 180006
        server_version_text: "18.6"
        tools_version: "18.6"
        database_bytes: 14680064
        standby: false
problems:
  description: Every problem, also those that did not fail the module.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: The name of the check.
      type: str
      returned: always
    severity:
      description: One of V(error), V(warning), V(info).
      type: str
      returned: always
    what:
      description: What was found.
      type: str
      returned: always
    remedy:
      description: What to do about it.
      type: str
      returned: always
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Preflight: PostgreSQL 18.6, 14M in 7 tables"]
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.pgsafe.migration.plugins.module_utils import console, fence, interpreter, preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import (
    BACKUP_ROOT,
    CONNECTION,
    LEVEL,
    mutually_exclusive,
    target,
    url_secrets,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, Refused

SPEC = {
    **CONNECTION,
    **BACKUP_ROOT,
    **LEVEL,
    "fence": {"type": "str", "choices": list(fence.KINDS), "default": fence.BOTH},
    "disk_factor": {"type": "float", "default": 2.0},
    "fail": {"type": "bool", "default": True},
}


class PreflightFailed(Refused):
    """There are errors among the problems."""

    def __init__(self, found: preflight.Preflight) -> None:
        listed = "".join(
            f"\n  {number}. {problem.what} {problem.remedy}" for number, problem in enumerate(found.errors, 1)
        )
        count = len(found.errors)
        stands = "1 problem stands" if count == 1 else f"{count} problems stand"
        super().__init__(f"{stands} in the way of a safe migration:{listed}\n")
        self.found = found

    def facts(self) -> dict[str, Any]:
        problems = [asdict(problem) for problem in self.found.problems]
        return {**super().facts(), "problems": problems, "console": console.preflight(self.found)}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    request = preflight.PreflightRequest(
        target=target(params),
        backup_root=Path(params["backup_root"]),
        disk_factor=params["disk_factor"],
        restore_level=params["level"] == "restore",
        read_only_fence=params["fence"] in fence.READ_ONLY,
    )
    found = preflight.run(request)
    if found.errors and params["fail"]:
        raise PreflightFailed(found)
    return {
        "changed": False,
        "ansible_facts": {"pg_preflight": asdict(found.facts)},
        "problems": [asdict(problem) for problem in found.problems],
        "console": console.preflight(found),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=SPEC,
        mutually_exclusive=mutually_exclusive(),
        supports_check_mode=True,
    )
    if missing := interpreter.missing():
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=missing)
    try:
        module.no_log_values.update(url_secrets(module.params))
        result = run(module.params, module.check_mode)
    except PgsafeError as error:
        module.fail_json(msg=str(error), **error.facts())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
