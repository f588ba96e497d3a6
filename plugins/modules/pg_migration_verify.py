#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migration_verify
short_description: Compare a migrated PostgreSQL database with the backup from before
version_added: 0.1.0
description:
  - Reports what a migration did to a database, and fails if it did harm that was not declared.
  - It fails for rows or tables that are lost; for what the audit's rules find now and did not find in the backup, such
    as an index that is invalid or a constraint that is NOT VALID; for triggers that were disabled; for sequences that
    are behind their column; for assertions of yours that do not hold; and for a migration that changed nothing at all.
  - M(pgsafe.migration.pg_migration_apply) does the same before it opens the database, and rolls it back.
  - It reads and never writes. What is compared is the state of the moment, so a database that is in use for long after
    its migration differs by what its users did.
  - A copy that was restored from the backup under another name may be compared too, for a rehearsal.
options:
  backup_dir:
    description: The directory of the backup, on the target.
    type: path
    required: true
  jobs:
    description: How many sessions read tables, where only a comparison of their content shows a change.
    type: int
    default: 2
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.verification
  - pgsafe.migration.attributes.reads
seealso:
  - module: pgsafe.migration.pg_migration_apply
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Compare the database with its backup
  pgsafe.migration.pg_migration_verify:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest

- name: Say what was meant, and what must hold
  pgsafe.migration.pg_migration_verify:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest
    expectations:
      sessions: may_shrink
      public.people:
        moved_to: public.members
    assertions:
      - name: every member has a phone number
        rows_that_must_not_exist: SELECT id FROM members WHERE phone IS NULL
      - name: there is one administrator
        sql: SELECT count(*) FROM members WHERE administrator
        expected: 1
"""

RETURN = r"""
passed:
  description: Whether nothing fails the migration.
  returned: always, once the database was read
  type: bool
verification:
  description: What was found; what C(verification_report.json) holds.
  returned: always, once the database was read
  type: dict
  contains:
    passed:
      description: Whether nothing fails the migration.
      type: bool
      returned: success
    problems:
      description: What fails it.
      type: list
      elements: str
      returned: success
    warnings:
      description: What should be looked at.
      type: list
      elements: str
      returned: success
    promotion:
      description: Which records of other environments let the run begin; empty for a verification by itself.
      type: str
      returned: success
    files:
      description: What the run has applied or recorded, in order; empty for a verification by itself.
      type: list
      elements: dict
      returned: success
    versions:
      description: The version of the tool that migrated, before and after; empty for a verification by itself.
      type: list
      elements: dict
      returned: success
    tables:
      description: By table the rows before and after, the expectation, the verdict and the problem.
      type: list
      elements: dict
      returned: success
    findings:
      description: Findings of the audit that are V(new), V(grown), V(fewer) or V(fixed), with their counts.
      type: list
      elements: dict
      returned: success
    assertions:
      description: By name whether it holds, and what came instead.
      type: list
      elements: dict
      returned: success
    objects:
      description: Objects that were V(added), V(removed) or V(changed), by kind and name, and which facts changed.
      type: list
      elements: dict
      returned: success
    outside:
      description: What has changed outside of the database since the backup, such as roles.
      type: list
      elements: str
      returned: success
    unanalysed:
      description: Tables of the migration that lack statistics, with the statement that helps.
      type: list
      elements: dict
      returned: success
    kept_tables:
      description: Tables kept under names that end in C(_old), with their bytes and the statement that drops them.
      type: list
      elements: dict
      returned: success
report:
  description: The same as text for people, as C(verification_report.txt) has it.
  returned: always, once the database was read
  type: str
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Verification: 7 tables, 2 of 2 assertions hold"]
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import BACKUP_DIR, CONNECTION, JOBS, VERIFICATION, target
from ..module_utils.backup_set import manifest
from ..module_utils.console import verification as console
from ..module_utils.errors import VerificationFailed
from ..module_utils.migrate.verification import report as verification_report
from ..module_utils.migrate.verification import result as verification
from ..module_utils.migrate.verification import run as migration_verify
from ..module_utils.migrate.verification.result import VerificationReport
from ..module_utils.ports.module import serve

SPEC = {**CONNECTION, **BACKUP_DIR, **JOBS, **VERIFICATION}


class MigrationNotVerified(VerificationFailed):
    """Something fails the migration."""

    def __init__(self, what: str, result: dict[str, Any]) -> None:
        super().__init__(what)
        self.result = result

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), **self.result}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    wanted = verification.wanted(params)
    of = manifest.read(Path(params["backup_dir"]))
    found = migration_verify.run(target(params), of, wanted, params["jobs"])
    told = VerificationReport.of(found, of)
    result = {
        "changed": False,
        "passed": found.passed,
        "verification": told.as_result(),
        "report": verification_report.text(told),
        "console": console.verification(found),
    }
    if not found.passed:
        raise MigrationNotVerified(found.failure, result)
    return result


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
