#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_guard
short_description: Keep the armed window around tasks of your own that migrate a PostgreSQL database
version_added: 0.1.0
description:
  - Between O(state=armed) and O(state=disarmed) tasks of your own migrate the database, such as those of other
    collections. A guard on the target keeps the window, and a process on the controller stays with it. When the tasks
    fail or are interrupted, or the playbook that has opened the window ends, the guard rolls the database back to the
    backup.
  - Refuses as M(pgsafe.migration.pg_migration_apply) does, without a proven backup of the run and a confirmation.
  - Prefer M(pgsafe.migration.pg_migration_apply), whose window is one task, where SQL files or a command will do.
    Ansible makes each task wait for the slowest host of a batch, and nothing is shown between two of them.
options:
  state:
    description:
      - V(armed) closes the database to other sessions and opens the window. Called again on a run that is armed, it
        changes nothing. The window ends with the playbook that has opened it.
      - V(disarmed) has the guard verify what the tasks have done, and open the database. When the verification fails,
        or the guard has rolled back meanwhile, the task fails and says so.
      - V(rolled_back) has the guard roll back at once. On a run that was rolled back already it does nothing.
    type: str
    choices: [armed, disarmed, rolled_back]
    default: armed
  tasks:
    description:
      - What identifies these tasks, such as their text. Tasks that were applied and verified before are not
        pending.
    type: str
    required: true
  permit:
    description: What the records of O(promotion.required_environments) allow to be applied. Set by the action plugin.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
  action:
    description: Has an action plugin, which stays with the guard.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.grace
  - pgsafe.migration.guard
  - pgsafe.migration.promotion
  - pgsafe.migration.verification
  - pgsafe.migration.window
  - pgsafe.migration.attributes
seealso:
  - module: pgsafe.migration.pg_migration_apply
  - module: pgsafe.migration.pg_guard_info
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Open the window
  pgsafe.migration.pg_guard:
    login_db: community_connect
    tasks: "{{ lookup('ansible.builtin.file', 'migrate_members.yml') }}"
    backup_dir: "{{ backup.backup_dir }}"
    run_id: "{{ backup.run_id }}"
    confirmed_database: community_connect
  register: window

- name: Migrate
  community.postgresql.postgresql_query:
    login_db: "{{ window.database }}"
    query: ALTER TABLE members ADD phone text

- name: Verify, and open the database
  pgsafe.migration.pg_guard:
    state: disarmed
    login_db: community_connect
    tasks: "{{ lookup('ansible.builtin.file', 'migrate_members.yml') }}"
    backup_dir: "{{ backup.backup_dir }}"
    run_id: "{{ backup.run_id }}"
"""

RETURN = r"""
database:
  description: The name by which the tasks find the database, while other sessions do not.
  returned: when it is armed
  type: str
  sample: community_connect__pgsafe_20261116_143022
window:
  description: V(open) once it was armed, V(closed) when it has ended, V(never) when it was refused.
  returned: when a run is named
  type: str
  choices: [never, open, closed, unknown]
verdict:
  description:
    - How it ended, V(pending) in check mode; the words are those of M(pgsafe.migration.pg_migration_apply).
  returned: unless the window is open
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
  returned: when it has ended
  type: str
  choices: [open, read_only, closed, unknown]
access_told:
  description: The same for a person, and what ends it; empty when the database is open.
  returned: when it has ended
  type: str
not_given_back:
  description: How a database that was rolled back still differs from its former state, a line each.
  returned: when it has ended
  type: list
  elements: str
  sample: ["materialized view public.daily_sales: 20 rows instead of 19 rows"]
pending:
  description: Whether the tasks had still to be applied.
  returned: with O(state=armed), the first time
  type: bool
digest:
  description: The digest that identifies these tasks.
  returned: with O(state=armed), the first time
  type: str
files:
  description: What will be applied, for people.
  returned: with O(state=armed), the first time
  type: list
  elements: str
verification:
  description: What C(verification_report.txt) is made of; see M(pgsafe.migration.pg_migration_verify).
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
  sample: ["[✓] Migration verified and complete in 4.2 s"]
"""

from ..module_utils.guarded.pg_guard import main

if __name__ == "__main__":
    main()
