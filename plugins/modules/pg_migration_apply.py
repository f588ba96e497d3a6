#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migration_apply
short_description: Apply a migration behind a proven backup, verify it, and roll back by itself when it fails
version_added: 0.1.0
description:
  - Runs SQL files of the controller through psql on the target, in their order, or a command on the target.
  - Refuses by itself when the backup is missing, is of another run or database, was not proven to O(level), or when the
    migration was not confirmed. This does not depend on the order of a playbook's tasks.
  - From the first change to the verdict it is one task. Other sessions are ended, the set is applied, the result is
    verified, and when any of this fails the database is rolled back to the backup before the task fails.
  - Exit status 0 of psql is not a commit. After each file the server is asked whether the transaction that was begun
    for the file is the one that was committed, or, for a file without one, whether none was left open.
  - The database keeps a history of the files by name and SHA-256, and only those that are pending are applied. Files
    that contradict the history, such as one that was changed after it was applied, are refused before anything is
    changed.
  - For a command, the history of its tool decides, where the tool can be queried. Any other command is identified by
    its digest, and is not run again if it was run and verified before.
  - In check mode it says what is pending, and needs no backup for that.
options:
  version_query:
    description:
      - One query that gives the version of the database, such as C(SELECT version FROM app.release). It is read before
        and after O(command), and shown.
      - It runs in a read-only transaction of at most 30 seconds, with the rights of the connecting role, and finds
        names by the C(search_path) of the database. While its table does not exist the version is C(none).
      - Without it the histories of Alembic, Django, Flyway, golang-migrate, dbmate, Rails, Prisma and Sqitch are read
        where they are found.
    type: str
  bundle:
    description: The packed O(source) on the target. Set by the action plugin.
    type: path
  permit:
    description: What the records of O(promotion.required_environments) allow to be applied. Set by the action plugin.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    details: In check mode it shows the pending files of the controller with their SQL.
  idempotent:
    support: full
  action:
    description: Has an action plugin, which ships the files of the controller.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.grace
  - pgsafe.migration.guard
  - pgsafe.migration.migration_set
  - pgsafe.migration.promotion
  - pgsafe.migration.verification
  - pgsafe.migration.window
  - pgsafe.migration.attributes
seealso:
  - module: pgsafe.migration.pg_migration_verify
  - module: pgsafe.migration.pg_backup_verify
  - module: pgsafe.migration.pg_restore_safe
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: See whether a set is pending
  pgsafe.migration.pg_migration_apply:
    login_db: community_connect
    source: migrations/good
  check_mode: true
  register: plan

- name: Apply it behind the backup that was just proven
  pgsafe.migration.pg_migration_apply:
    login_db: community_connect
    source: migrations/good
    backup_dir: "{{ backup.backup_dir }}"
    run_id: "{{ backup.run_id }}"
    confirmed_database: community_connect

- name: Let Alembic migrate
  pgsafe.migration.pg_migration_apply:
    login_db: community_connect
    command: [/opt/app/venv/bin/alembic, upgrade, head]
    command_tree: /opt/app/migrations
    chdir: /opt/app
    database_url: true
    backup_dir: "{{ backup.backup_dir }}"
    run_id: "{{ backup.run_id }}"
    confirmed_database: community_connect
"""

RETURN = r"""
verdict:
  description:
    - How it ended. V(unchanged) when the set was applied before, V(refused) when the migration did not begin,
      V(failed_unchanged) when it failed and nothing had to be restored.
    - V(unfinished) when it began and was neither accepted nor rolled back; RV(access_told) says what ends that.
    - In check mode V(pending) when the set has still to be applied.
  returned: always, once the request was read
  type: str
  choices:
    - migrated
    - unchanged
    - pending
    - refused
    - failed_unchanged
    - rolled_back
    - rollback_failed
    - held
    - unfinished
    - unknown
access:
  description: What others may do with the database now.
  returned: when it was begun
  type: str
  choices: [open, read_only, closed, unknown]
access_told:
  description: The same for a person, and what ends it; empty when the database is open.
  returned: when it was begun
  type: str
not_given_back:
  description: How a database that was rolled back still differs from its former state, a line each.
  returned: when it was begun
  type: list
  elements: str
  sample: ["materialized view public.daily_sales: 20 rows instead of 19 rows"]
pending:
  description: Whether the set had still to be applied.
  returned: success
  type: bool
digest:
  description: The digest that identifies this set.
  returned: success
  type: str
files:
  description:
    - The files that are pending, in the order in which they run, or the command; after the migration those that were
      applied.
  returned: success
  type: list
  elements: str
baseline:
  description: The files that are recorded as applied without being run.
  returned: success, except behind the migration
  type: list
  elements: str
version:
  description: The version of the database before O(command), for a person; V(none) where no history was found.
  returned: with O(command), except behind the migration
  type: str
  sample: Alembic 0001 (public.alembic_version)
newest:
  description: The SQL file that was applied last before; empty with O(command), and where none was.
  returned: success, except behind the migration
  type: str
  sample: 002_move_members.sql
versions:
  description: The version in each history of a migration tool, or by O(version_query); empty for SQL files.
  returned: success
  type: list
  elements: dict
  contains:
    tool:
      description: The tool; empty with O(version_query).
      type: str
      returned: always
      sample: Alembic
    table:
      description: The table of its history; empty with O(version_query).
      type: str
      returned: always
      sample: public.alembic_version
    before:
      description: The version before O(command); V(none) where nothing was applied.
      type: str
      returned: always
      sample: "0001"
    after:
      description: The version that O(command) has left; V(null) before it was run.
      type: str
      returned: always
      sample: "0002"
applied:
  description: What was applied before the end.
  returned: when it was begun
  type: list
  elements: str
file_runs:
  description: The files that ran, or the command, in their order; a file that failed is the last one.
  returned: when it was begun
  type: list
  elements: dict
  contains:
    name:
      description: The file, or the command.
      type: str
      returned: always
    seconds:
      description: How many seconds it ran.
      type: float
      returned: always
    failed:
      description: Whether it failed or was interrupted.
      type: bool
      returned: always
    locks:
      description:
        - The table locks, at most 1,000, that the file held at its end and that block other sessions' reads or writes.
          Tables that the file itself created are left out.
        - V(null) where they are not known, as for a command, a file outside of a transaction, or a file that failed.
      type: list
      elements: dict
      returned: always
      contains:
        table:
          description: The table; of a partition its partitioned table.
          type: str
          returned: always
          sample: public.members
        mode:
          description: The strongest mode, as C(LOCK TABLE) names it.
          type: str
          returned: always
          choices: [ACCESS EXCLUSIVE, EXCLUSIVE, SHARE ROW EXCLUSIVE, SHARE]
sessions_ended:
  description: How many sessions were ended before the migration.
  returned: when it was begun
  type: int
writes_since_backup:
  description:
    - The most rows that others may have written between the backup and the migration, by the server's statistics. A
      rollback leaves them in the kept database. Behind a read-only fence it is 0, and so it is
      where the files of the closed database are copied, since that copy has them.
    - V(null) where the statistics were reset since the backup, by hand or by a crash, or where C(track_counts) is off.
  returned: when it was begun
  type: int
seconds:
  description: The duration in seconds.
  returned: when it was begun
  type: float
fence:
  description: The kind of fence that kept others from writing.
  returned: when it was begun
  type: str
seconds_read_only:
  description: How many seconds others could not write; none without a read-only stage.
  returned: when it was begun
  type: float
seconds_closed:
  description: How many seconds the database was closed to other sessions.
  returned: when it was begun
  type: float
seconds_migrating:
  description: How many of these seconds the migration, its verification and a rollback took.
  returned: when it was begun
  type: float
seconds_asking:
  description: How many seconds the database was read-only from the proof of the backup to the confirmation.
  returned: when it was begun
  type: float
predicted:
  description:
    - How long clients were expected to wait behind the fence, without the migration, as
      M(pgsafe.migration.pg_preflight_facts) had predicted it; empty where M(pgsafe.migration.pg_fence) was not told.
  returned: when it was begun
  type: dict
retained_copy:
  description: The verified copy that is retained for an instant rollback (O(keep_copy_for)); empty when none is.
  returned: when it was begun
  type: str
retained_until:
  description: When its time is over, for people.
  returned: when it was begun
  type: str
  sample: 2026-11-17 14:35 UTC
warnings_given:
  description: What went wrong after the verdict without changing it.
  returned: when it was begun
  type: list
  elements: str
guard:
  description: The guard that was started, and its run; for the action plugin.
  returned: when it was begun
  type: dict
verification:
  description:
    - What C(verification_report.txt) is made of; see M(pgsafe.migration.pg_migration_verify). C(files) lists what the
      history of the database has got.
  returned: when it was verified
  type: dict
rollback:
  description: What M(pgsafe.migration.pg_restore_safe) returns, when there was a rollback.
  returned: when it was rolled back
  type: dict
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] Migration applied: 5 files in 4.2 s"]
"""

from ..module_utils.guarded.pg_migration_apply import main

if __name__ == "__main__":
    main()
