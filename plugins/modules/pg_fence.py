#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_fence
short_description: Block writes by other sessions between the backup of a PostgreSQL database and the verdict
version_added: 0.1.0
description:
  - Begins a run, and makes the database read-only by default before its backup is taken. Its name stays, and reads go
    on. Sessions that began earlier are ended.
  - That default is soft, since a session can set it off again; so change counters show what is written in spite of it,
    and M(pgsafe.migration.pg_migration_apply) refuses when it finds something.
  - On PostgreSQL 15 and later, as a superuser, a physical replication slot keeps the write-ahead log until the end of
    the run, which shows what was written where the counters are lost. It is dropped when it keeps more than
    C(max_wal_size).
  - Just before the migration, M(pgsafe.migration.pg_migration_apply) closes the database as O(kind) says, and opens it
    with the verdict.
  - Every step is written into the journal of the run before it is done. Lifting a fence twice does no harm.
options:
  state:
    description:
      - V(fenced) begins a run; V(lifted) ends one before its migration, and drops its verified copy too.
    type: str
    choices: [fenced, lifted]
    default: fenced
  backup_root:
    description: The directory, on the target, that holds the journals of the runs. It must exist.
    type: path
    required: true
  run_id:
    description: The run to end. Needed for O(state=lifted).
    type: str
  kind:
    description:
      - V(read_only+closed) makes the database read-only before the backup, and renames it while it is migrated, so that
        no other session finds it. No write is lost by a rollback.
      - V(closed) has no read-only stage. A rollback loses what is written between the backup and the migration; these
        writes are counted and reported.
      - V(closed+copied) does without it too. When the database is closed, the server copies its files, and a rollback
        puts this copy in the place, with every write. The database is closed meanwhile, for about a second where the
        filesystem clones files and PostgreSQL is 18 or later, and else as long as copying takes, at most
        O(pgsafe.migration.pg_migration_apply#module:copy_timeout). What clients write after the backup is in the copy
        alone, so a rollback that must restore the archive loses it.
      - V(followed+closed) lets clients write until seconds before the migration, and loses no write either. While the
        backup is taken, all tables are published, and a replication slot keeps what is written since its snapshot. The
        verified copy of the proof then follows the database by logical replication. Before the migration the database
        is read-only until the copy has caught up and both were compared by content, with C(pg_walinspect) by their
        changed blocks. After O(pgsafe.migration.pg_migration_apply#module:copy_timeout) this is given up, and nothing
        was changed. Tables without a key are given C(REPLICA IDENTITY FULL) meanwhile. It needs PostgreSQL 15 or later,
        C(wal_level=logical), two free replication slots, a superuser, and a server that connects to itself without a
        password; there must be no schema changes and no changed large objects meanwhile.
      - V(connect) is for a name that cannot change. CONNECT is revoked from all roles while the database is
        migrated. It does not keep superusers out.
      - V(none) keeps no session out. What others write until the verdict is lost by a rollback. It needs a O(reason).
    type: str
    choices: [read_only+closed, closed, closed+copied, followed+closed, connect, none]
    default: read_only+closed
  reason:
    description: Why the run has no fence. It is recorded in the journal.
    type: str
    default: ""
  idle_timeout:
    description:
      - How many seconds the run may be idle between two tasks, such as while a person is asked or other hosts of the
        batch catch up, before its watchdog on the target abandons it and lifts the fence.
    type: float
    default: 1200.0
  lease:
    description:
      - From the fence to the end of the run a process of the controller renews a lease on the target. When the playbook
        that raised the fence has ended, or has not been heard of for so many seconds, and no job of the run is at work,
        the watchdog gives the run up and lifts the fence. V(0) is no lease, so that another playbook may go on.
    type: float
    default: 30.0
  before:
    description:
      - Commands to run on the target before the fence is raised, such as a pooler's pause, each a list of arguments.
        No secret belongs into them. The first that fails ends the run.
    type: list
    elements: list
    default: []
  after:
    description:
      - Commands to run after the database was opened again, however the run ended. They are kept in the journal.
    type: list
    elements: list
    default: []
  predictions:
    description:
      - How long clients are expected to wait behind each kind of fence, as M(pgsafe.migration.pg_preflight_facts)
        returns it. It is kept in the journal, and M(pgsafe.migration.pg_migration_apply) compares it with what
        happened.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    support: full
  idempotent:
    support: partial
    details: Every O(state=fenced) begins a new run; O(state=lifted) is idempotent.
  action:
    description: Has an action plugin, which leaves a process on the controller that renews the lease.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.attributes
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Block writes by other sessions
  pgsafe.migration.pg_fence:
    login_db: community_connect
    backup_root: /var/backups/pgsafe
    before: [[/usr/local/bin/maintenance-page, "on"]]
    after: [[/usr/local/bin/maintenance-page, "off"]]
  register: fence

- name: Take the backup of that run
  pgsafe.migration.pg_backup:
    login_db: community_connect
    backup_root: /var/backups/pgsafe
    run_id: "{{ fence.run_id }}"

- name: Give the run up
  pgsafe.migration.pg_fence:
    login_db: community_connect
    backup_root: /var/backups/pgsafe
    run_id: "{{ fence.run_id }}"
    state: lifted
"""

RETURN = r"""
run_id:
  description: The run; empty in check mode.
  returned: success
  type: str
  sample: "20261116_143022"
sessions_ended:
  description: How many sessions were ended, or would be.
  returned: success
  type: int
verdict:
  description: V(refused) for a run that never began to migrate; else as M(pgsafe.migration.pg_migration_apply) has it.
  returned: with O(state=lifted), and when it failed
  type: str
access:
  description: What others may do with the database now.
  returned: with O(state=lifted), and when a fence could not be lifted
  type: str
  choices: [open, read_only, closed, unknown]
access_told:
  description: The same for a person, and what ends it; empty when the database is open.
  returned: with O(state=lifted), and when a fence could not be lifted
  type: str
not_given_back:
  description: How a database that was rolled back still differs from its former state, a line each.
  returned: with O(state=lifted), and when a fence could not be lifted
  type: list
  elements: str
  sample: ["materialized view public.daily_sales: 20 rows instead of 19 rows"]
failures:
  description: The error messages of the commands of O(after) that failed.
  returned: success
  type: list
  elements: str
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
  sample: ["[✓] community_connect is read-only for other sessions (2 terminated)"]
"""

from ..module_utils.guarded.pg_fence import main

if __name__ == "__main__":
    main()
