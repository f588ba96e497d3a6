#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_recover
short_description: Finish or undo what earlier runs have left of a PostgreSQL database
version_added: 0.1.0
description:
  - A run that was interrupted before its migration is undone. Its fence is lifted and its copies are dropped.
  - A run that was interrupted during its migration is rolled back, or, when the migration was verified already,
    finished by opening the database.
  - A run that is at work, or that rests between two steps, is left alone, and the module fails.
  - A run that is held after a failed verification is for a person to decide, and the module fails with the two commands
    that do; O(accept_reason) is one of them.
  - A run whose rollback failed has opened its database, so that others may have written since. It is for a person to
    say what to do with it; M(pgsafe.migration.pg_preflight_facts) refuses until then.
options:
  backup_root:
    description: The directory, on the target, that holds the journals of the runs. Nothing is done if there is none.
    type: path
    required: true
  run_id:
    description: A run that is known to be dead, to be finished or undone however recently it was heard of.
    type: str
    default: ""
  patience:
    description: How many seconds a run may rest between two steps before it is taken for dead.
    type: int
    default: 1200
  accept_reason:
    description: Why the database of the held run O(run_id) is to be opened as it was migrated, for the journal.
    type: str
    default: ""
  jobs:
    description: How many jobs pg_restore uses, when there is no ready copy.
    type: int
    default: 2
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
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
- name: Finish what was left
  pgsafe.migration.pg_recover:
    login_db: community_connect
    backup_root: /var/backups/pgsafe

- name: Open a held database as it was migrated
  pgsafe.migration.pg_recover:
    login_db: community_connect
    backup_root: /var/backups/pgsafe
    run_id: "20261116_143022"
    accept_reason: the 12 rows were test data, says the owner
"""

RETURN = r"""
done:
  description: What was done, or would be in check mode.
  returned: success
  type: list
  elements: str
kept:
  description: Databases that rollbacks have replaced and kept, with their sizes in bytes.
  returned: success
  type: dict
run_logs:
  description:
    - The end of the log of each run that the task has worked on. The collection's callback keeps it on the controller.
    - The whole log is C(migration_<run_id>.log) in the directory of the run, and beside its backup.
  returned: when a run was worked on
  type: list
  elements: dict
  contains:
    run_id:
      description: The run.
      type: str
      returned: always
    lines:
      description: Every event with its time and phase, and what the programs of the migration have said.
      type: list
      elements: str
      returned: always
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Undone: the run 20261116_143022, which had not begun to migrate"]
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.pgsafe.migration.plugins.module_utils import console, interpreter, recover
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import (
    BACKUP_ROOT,
    CONNECTION,
    JOBS,
    mutually_exclusive,
    target,
    url_secrets,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError

SPEC = {
    **CONNECTION,
    **BACKUP_ROOT,
    **JOBS,
    "run_id": {"type": "str", "default": ""},
    "accept_reason": {"type": "str", "default": ""},
    "patience": {"type": "int", "default": recover.PATIENCE_SECONDS},
}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    request = recover.RecoverRequest(
        target=target(params),
        backup_root=Path(params["backup_root"]),
        jobs=params["jobs"],
        run_id=params["run_id"],
        patience=params["patience"],
        accept_reason=params["accept_reason"],
    )
    found = recover.plan(request) if check_mode else recover.run(request)
    lines = console.recover(found, foreseen=check_mode)
    logs = [of.logged() for of in found.runs]
    facts = {"done": list(found.done), "kept": found.kept, "run_logs": logs}
    return {"changed": bool(found.done), **facts, "console": lines}


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
