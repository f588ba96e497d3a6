#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_verify
short_description: Prove that a backup is whole and restores
version_added: 0.1.0
description:
  - Verifies a backup directory level by level and says which level was reached.
  - V(checksum) compares the exact list of files, their sizes, SHA-256 sums and modes with the manifest.
  - V(decode) decodes every block of the archive and the script, looks for their end markers and counts the records of
    every CSV.
  - V(restore) restores the archive into a scratch database, compares its fingerprint with the manifest, and drops it.
  - The proof is recorded in the journal of the backup's run, without which nothing is migrated.
options:
  backup_dir:
    description: The directory of the backup, on the target. Empty only in check mode.
    type: path
    required: true
  level:
    description: The level to reach.
    type: str
    choices: [checksum, decode, restore]
    default: restore
  proof:
    description:
      - What becomes of the copy that level V(restore) restores. V(scratch) drops it.
      - V(ready_copy) keeps it closed, so that a rollback takes renames alone;
        M(pgsafe.migration.pg_migration_apply) drops it with the verdict, M(pgsafe.migration.pg_fence) when the run is
        given up.
    type: str
    choices: [scratch, ready_copy]
    default: scratch
  jobs:
    description: How many jobs pg_restore uses.
    type: int
    default: 2
  fail:
    description: Fail when the level is not reached.
    type: bool
    default: true
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
- name: Prove that the backup that was just taken restores
  pgsafe.migration.pg_backup_verify:
    login_db: community_connect
    backup_dir: "{{ backup.backup_dir }}"

- name: Prove anew that the newest proven backup is still whole
  pgsafe.migration.pg_backup_verify:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest
"""

RETURN = r"""
reached:
  description: The highest level without a finding; empty when not even the first was reached, or in check mode.
  returned: always
  type: str
  sample: restore
findings:
  description: What is wrong, one line each.
  returned: always
  type: list
  elements: str
seconds:
  description: The duration of each level in seconds.
  returned: always
  type: dict
restore_seconds:
  description: How long a rollback by restore is expected to take, from the duration of level V(restore).
  returned: always
  type: float
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Backup integrity verified: level restore, in 4.2 s"]
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.pgsafe.migration.plugins.module_utils import console, interpreter, verify
from ansible_collections.pgsafe.migration.plugins.module_utils.arguments import (
    BACKUP_DIR,
    CONNECTION,
    JOBS,
    LEVEL,
    mutually_exclusive,
    target,
    url_secrets,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError, VerificationFailed

SPEC = {
    **CONNECTION,
    **BACKUP_DIR,
    **LEVEL,
    **JOBS,
    "proof": {"type": "str", "choices": list(verify.PROOFS), "default": verify.SCRATCH},
    "fail": {"type": "bool", "default": True},
}


class BackupNotProven(VerificationFailed):
    """The level that was asked for was not reached."""

    def __init__(self, result: dict[str, Any], directory: str) -> None:
        found = "".join(f"\n  {line}" for line in result["findings"])
        super().__init__(f"The backup {directory} is not proven:{found}\n", remedy="Take a new backup.")
        self.result = result

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), **self.result}


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    if check_mode and not params["backup_dir"]:
        return _result("", [], {}, console.verify_foreseen(params["level"]))
    request = verify.VerifyRequest(
        target=target(params, required=False),
        backup_dir=Path(params["backup_dir"]).resolve(),
        level=params["level"],
        jobs=params["jobs"],
        proof=params["proof"],
    )
    if check_mode:
        verify.plan(request)
        return _result("", [], {}, console.verify_foreseen(params["level"]))
    found = verify.run(request)
    lines = [finding.as_text() for finding in found.findings]
    result = _result(found.reached, lines, found.seconds, console.verify(found))
    if found.findings and params["fail"]:
        raise BackupNotProven(result, params["backup_dir"])
    return result


def _result(reached: str, findings: list[str], seconds: dict[str, float], console: list[str]) -> dict[str, Any]:
    return {
        "changed": False,
        "reached": reached,
        "findings": findings,
        "seconds": seconds,
        "restore_seconds": seconds.get("restore", 0.0),
        "console": console,
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
