#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_restore_safe
short_description: Roll a PostgreSQL database back to a backup, or restore a backup to a new database
version_added: 0.1.0
description:
  - Restores beside the live database, compares the copy with the manifest, and puts it in the live database's place by
    renames in one transaction. The replaced database is kept, closed, under a name of its own.
  - The archive is restored first. If that fails, or the result differs from the manifest, the SQL script is restored
    into another empty database. If both fail, the live database is left as it is, and open.
  - Looks first; when the live database still is what the backup holds, or was rolled back already, nothing is done.
options:
  backup_dir:
    description:
      - The directory of the backup, on the target.
      - V(before_last_migration) is the backup of the newest run under O(backup_root) that migrated the database and was
        not rolled back. Runs that were refused do not count.
      - A link such as C(latest) is refused for a rollback that would undo no migration, because its backup was taken
        by a later run that was refused.
    type: path
    required: true
  backup_root:
    description: The directory with the journals of the runs; needed for the O(backup_dir) V(before_last_migration).
    type: path
  new_database:
    description: >-
      Restore to a new database of this name, and leave the live one alone. An empty name is an error: without the
      option, the live database is rolled back.
    type: str
  jobs:
    description: How many jobs pg_restore uses.
    type: int
    default: 2
  sequences:
    description:
      - Where sequences continue after a rollback. V(backup) is where they were at the backup, so numbers that the
        failed database has issued are issued again; V(max) is after those numbers. Either is reported in
        RV(warnings_given).
      - By default as the run of the backup was configured, else V(backup).
    type: str
    choices: [backup, max]
  lease:
    description:
      - A restore whose controller is gone goes on to its end, since it was asked for and leaves the live database
        alone until the renames. Only a person's Ctrl+C, or the end of the controller, breaks it off; the live database
        is then as it was before.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
    details: A rollback is; a restore to a new database refuses a name that is taken.
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.restore_checks
  - pgsafe.migration.guard
  - pgsafe.migration.attributes
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Roll back by hand
  pgsafe.migration.pg_restore_safe:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/migration_20261116_143022

- name: Undo the last migration
  pgsafe.migration.pg_restore_safe:
    login_db: community_connect
    backup_dir: before_last_migration
    backup_root: /var/backups/pgsafe

- name: Look at the old data in a database of its own
  pgsafe.migration.pg_restore_safe:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/latest
    new_database: community_connect_before
"""

RETURN = r"""
state:
  description: What was done; V(not_needed) when the database is as the backup holds it.
  returned: success
  type: str
  choices: [rolled_back, restored, not_needed]
database:
  description: The database.
  returned: success
  type: str
method:
  description: >-
    What it was restored from, V(verified_copy), V(file_copy), V(archive) or V(script); empty when nothing was restored.
  returned: success
  type: str
verdict:
  description:
    - How it ended; V(as_backup) when nothing had to be done, V(restored) with O(new_database).
  returned: success
  type: str
  choices: [rolled_back, as_backup, restored]
kept:
  description: The name that the replaced database is kept under; empty when there is none.
  returned: success
  type: str
failures:
  description: Why each format that was tried before failed.
  returned: success
  type: list
  elements: str
rows:
  description: Rows by table of the restored database.
  returned: success
  type: dict
cutover_seconds:
  description: How many seconds the renames took.
  returned: success
  type: float
warnings_given:
  description: What a person ought to know, such as what the rollback does not give back.
  returned: success
  type: list
  elements: str
not_given_back:
  description: How the rolled-back database differs, or would differ, from its former state, a line each.
  returned: success
  type: list
  elements: str
  sample: ["materialized view public.daily_sales: 20 rows instead of 19 rows"]
undoes:
  description: Which migrations a rollback would undo, a line each, or that it undoes none.
  returned: in check mode
  type: list
  elements: str
  sample: ["Undoes the run 20261116_143022 (migrated, began at 2026-11-16T14:31:02Z)"]
verified_copy:
  description:
    - The verified copy that would take the place at once; empty when the archive would be restored.
    - One is retained for as long as O(pgsafe.migration.pg_migration_apply#module:keep_copy_for) says.
  returned: in check mode
  type: str
written_since:
  description:
    - What clients have written since the verdict of the run, which only the replaced database holds afterwards, a line
      each; and why a retained copy cannot be used.
  returned: in check mode
  type: list
  elements: str
  sample: ["Since the verdict, 12 rows were written"]
backup_dir:
  description: The directory of the backup, with links and keywords resolved.
  returned: in check mode
  type: str
bytes:
  description: The size of the backup in bytes.
  returned: in check mode
  type: int
expected_seconds:
  description: How long the restore is expected to take, as long as the proof took; null when it was never restored.
  returned: in check mode
  type: float
seconds:
  description: The duration in seconds.
  returned: success
  type: float
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Database restored from backup"]
"""

from ..module_utils.guarded.pg_restore_safe import main

if __name__ == "__main__":
    main()
