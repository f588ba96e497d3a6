#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_confirm
short_description: Ask a person, once for a batch of hosts, whether their databases may be migrated or rolled back
version_added: 0.1.0
description:
  - Shows each host with its database, backup and expected rollback time, and asks C(yes/NO).
  - Only the answer V(yes) confirms. No terminal, a job of AWX or of an execution environment, silence until O(timeout),
    C(Ctrl+C) or any other answer do not.
  - It runs once a batch, as M(ansible.builtin.pause) does. Each host then has to look whether its own database is in
    RV(confirmed).
options:
  databases:
    description: The databases to confirm, one entry per host.
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description: The host's name in the inventory.
        type: str
        required: true
      database:
        description: The database.
        type: str
        required: true
      backup_dir:
        description: Where its backup is.
        type: str
        required: true
      bytes:
        description: The backup's size in bytes.
        type: int
        required: true
      restore_seconds:
        description: How long a rollback is expected to take; less than 0 when that is unknown.
        type: float
        required: true
      files:
        description: The files that are to be applied, or the command.
        type: list
        elements: str
      baseline:
        description: The files that are to be recorded as applied without being run.
        type: list
        elements: str
      version:
        description: The version of the database before a command, as M(pgsafe.migration.pg_migration_apply) returns it.
        type: str
      promoted:
        description: The promotion records that the files rest on, or why there are none, a line each.
        type: list
        elements: str
      undoes:
        description: For a rollback by hand, which migrations it undoes, a line each.
        type: list
        elements: str
      written_since:
        description: >-
          For a rollback by hand, the client writes since the verdict that it would undo, a line each; and why a
          retained copy cannot be used.
        type: list
        elements: str
      not_given_back:
        description: How the database would still differ from its former state after a rollback, a line each.
        type: list
        elements: str
      copied_to:
        description: Where the copies of the backup are, as M(pgsafe.migration.pg_backup_copy) returns it.
        type: list
        elements: str
      drops:
        description: The kept databases that would be dropped, a line each; then no backup is asked about.
        type: list
        elements: str
      fence:
        description: The kind of fence of the run, as M(pgsafe.migration.pg_fence) has it.
        type: str
      predictions:
        description: How long clients are expected to wait, as M(pgsafe.migration.pg_preflight_facts) returns it.
        type: list
        elements: dict
  timeout:
    description: How many seconds to wait for an answer.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
    details: It asks nothing and confirms nothing.
  idempotent:
    support: full
  action:
    description: Is an action plugin; nothing of it runs on the target.
    support: full
  bypass_host_loop:
    description: Runs once for the batch.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.attributes
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Ask once for the batch
  pgsafe.migration.pg_confirm:
    databases:
      - host: db1
        database: community_connect
        backup_dir: /var/backups/pgsafe/community_connect/migration_20261116_143022
        bytes: 256901120
        restore_seconds: 14.2
  register: asked

- name: Pass only what was confirmed
  ansible.builtin.assert:
    that: "'db1/community_connect' in asked.confirmed"
"""

RETURN = r"""
confirmed:
  description: The databases that were shown and confirmed, as C(host/database).
  returned: always
  type: list
  elements: str
asked:
  description: Whether there was anybody to ask.
  returned: always
  type: bool
reason:
  description: Why nothing was confirmed; empty when it was.
  returned: always
  type: str
"""
