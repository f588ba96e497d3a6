#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_gate
short_description: Refuse a run, with every problem at once, before anything is begun
version_added: 0.1.0
description:
  - The first step of the role C(pg_migrate). It refuses what can be known to be wrong at the start, such as a variable
    C(pg_migrate_*) that does not exist, a run that could not be confirmed, or a migration set that is not there.
  - Only variables that the host knows are looked at. Nothing is changed, neither on the controller nor on the target.
options:
  database:
    description: The database.
    type: str
    required: true
  confirm:
    description: The name of the database, or a list of names, that confirms without a person.
    type: raw
    default: []
  asks:
    description: Whether a person will be asked when O(confirm) is empty. In check mode none is.
    type: bool
    default: true
  migrates:
    description: Whether the run migrates, so that the options below count.
    type: bool
    default: false
  backup_root:
    description: The backup root; it must be absolute.
    type: path
  source:
    description: The migration set, on the controller unless O(remote_src).
    type: path
  files:
    description: Names inside O(source).
    type: list
    elements: str
    default: []
  remote_src:
    description: O(source) is on the target.
    type: bool
    default: false
  command:
    description: The command to run on the target instead.
    type: list
    elements: str
    default: []
  pending_command:
    description: The command that says whether anything is pending, as for M(pgsafe.migration.pg_migration_apply).
    type: list
    elements: str
    default: []
  chdir:
    description: The directory that O(command) is run in.
    type: path
  program_path:
    description: The C(PATH) that O(command) is looked for in; by default that of the user of the play.
    type: str
  tasks:
    description: The file of tasks to run instead, on the controller.
    type: path
  commands_around:
    description: The commands to run around the fence, each a list of arguments.
    type: list
    elements: list
    default: []
  expectations:
    description: What is expected of tables; see M(pgsafe.migration.pg_migration_verify).
    type: dict
    default: {}
  assertions:
    description: Queries that must hold; see M(pgsafe.migration.pg_migration_verify).
    type: list
    elements: dict
    default: []
  waive:
    description: Checks that are waived, by their names, each with the reason.
    type: dict
    default: {}
  audit_rules_dir:
    description: The directory of audit rules, on the controller.
    type: path
  fence:
    description: The kind of fence.
    type: str
    default: ""
  proof:
    description: The place of the proof, as in M(pgsafe.migration.pg_backup_verify).
    type: str
    default: ""
  fence_reason:
    description: Why there is none.
    type: str
    default: ""
  on_verify_failure:
    description: What is done when the verification fails.
    type: str
    default: ""
  promotion:
    description: What is proven for other environments and required of them; see docs/promotion.md.
    type: dict
    default: {}
  batch:
    description: How many hosts the batch has.
    type: int
    default: 1
  on_batch_failure:
    description: What happens to a batch of which a host fails; V(rollback_batch) needs a strategy that knows batches.
    type: str
    default: ""
  batch_rollback:
    description: The limits of M(pgsafe.migration.pg_batch_rollback), of which C(within) must be a duration.
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
  action:
    description: Is an action plugin; on the target it only looks for files and commands, with the shell.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.attributes
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Refuse a run that could not be confirmed
  pgsafe.migration.pg_gate:
    database: community_connect
    confirm: "{{ pg_migrate_confirm | default([]) }}"
"""

RETURN = r"""
reasons:
  description: What is wrong, a sentence each; the task fails when there is any.
  returned: always
  type: list
  elements: str
"""
