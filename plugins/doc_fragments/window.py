# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of what begins a migration, and of how it is rolled back, for sets and for tasks."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  backup_dir:
    description: The directory of the run's backup. Needed for anything but check mode.
    type: path
    default: ""
  run_id:
    description: The run that the backup must be of.
    type: str
    default: ""
  level:
    description: The level of proof that the backup must have reached.
    type: str
    choices: [checksum, decode, restore]
    default: restore
  confirmed_database:
    description: The name of the database that was confirmed; it must be this one.
    type: str
    default: ""
  confirmed_by:
    description: How it was confirmed, for the journal.
    type: str
    default: variable
  on_verify_failure:
    description:
      - What is done when the migration was applied and its verification fails.
      - V(rollback) puts the database back at once.
      - V(hold) leaves it closed, as it was migrated, until a person has it rolled back
        (M(pgsafe.migration.pg_restore_safe)) or opened (O(pgsafe.migration.pg_recover#module:decision)). No session is
        served until then, and no other run begins. It needs a fence that closes.
    type: str
    choices: [rollback, hold]
    default: rollback
  jobs:
    description: How many jobs pg_restore uses for a rollback.
    type: int
    default: 2
  sequences:
    description:
      - Where sequences continue after a rollback. V(backup) is where they were at the backup, so numbers that the
        failed database has issued are issued again; V(max) is after those numbers. Either is reported as a warning.
    type: str
    choices: [backup, max]
    default: backup
  copy_timeout:
    description: >-
      How many seconds the database may be read-only until its copy is proven equal, with the fence V(followed+closed),
      or closed until its files are copied, with V(closed+copied). After that the database is opened, and the run is
      refused; nothing was changed.
    type: float
    default: 60
  keep_copy_for:
    description:
      - How long the verified copy stays beside the database after a good verdict, such as V(24h), so that
        M(pgsafe.migration.pg_restore_safe) rolls back by renames alone within that time. It is closed to clients and
        takes the room of the database. V(0) drops it at the verdict.
      - When its time is over, the next run or M(pgsafe.migration.pg_kept_prune) drops it.
    type: str
    default: "0"
"""
