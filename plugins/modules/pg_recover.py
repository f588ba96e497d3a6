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
  - A run that is held after a failed verification needs a person's decision. The module fails and names the two
    commands for it, one of which uses V(accept) of O(decision).
  - A run whose rollback failed has opened its database, so that others may have written since. A person decides what
    to do with it; M(pgsafe.migration.pg_preflight_facts) refuses until then.
options:
  backup_root:
    description: The directory, on the target, that holds the journals of the runs. Nothing is done if there is none.
    type: path
    required: true
  run_id:
    description: A run to finish or undo, however recently it was alive.
    type: str
    default: ""
  decision:
    description:
      - What happens to the run O(run_id).
      - V(finish) brings it to its end as its journal says. A run with a verdict is opened, one that had begun to
        migrate is rolled back, any other is undone.
      - V(abort) first has the guard of the run break off what it does, and waits for it. The role does this in its
        C(rescue).
      - V(accept) opens the database of a held run as it was migrated.
      - V(mark_resolved) records that a person has fixed the database by other means. Processes and sessions that the
        migration left are terminated, and nothing else is done.
    type: str
    choices: [finish, abort, accept, mark_resolved]
    default: finish
  reason:
    description: Why, for the journal. Needed for V(accept) and V(mark_resolved).
    type: str
    default: ""
  after_failover:
    description: The server is the one of the run O(run_id) although a standby was promoted since.
    type: bool
    default: false
  idle_timeout:
    description: How many seconds a run may rest between two steps before it is taken for dead.
    type: int
    default: 1200
  jobs:
    description: How many jobs pg_restore uses, when there is no verified copy.
    type: int
    default: 2
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
  action:
    description: Has an action plugin, which stays with the guard of a run that is aborted.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.guard
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
    decision: accept
    reason: the 12 rows were test data, says the owner
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
warnings_given:
  description: What a person ought to know, such as what a rollback does not give back.
  returned: success
  type: list
  elements: str
window:
  description: Whether the run has opened the window of its migration, and closed it again.
  returned: with O(run_id), after a failure too
  type: str
  choices: [never, open, closed, unknown]
verdict:
  description:
    - How the run ended, as M(pgsafe.migration.pg_migration_apply) has it. V(refused) for a run that never began to
      migrate, V(resolved) for one that a person has marked.
  returned: with O(run_id), after a failure too
  type: str
access:
  description: What others may do with the database now.
  returned: with O(run_id), after a failure too
  type: str
  choices: [open, read_only, closed, unknown]
access_told:
  description: The same for a person, and what ends it; empty when the database is open.
  returned: with O(run_id), after a failure too
  type: str
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

from ..module_utils.guarded.pg_recover import main

if __name__ == "__main__":
    main()
