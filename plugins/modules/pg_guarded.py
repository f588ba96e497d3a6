#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_guarded
short_description: Run one of the modules whose work a guard does
version_added: 0.1.0
description:
  - The action plugins of these modules run this one on the target. Ansible packs a module with all the code that it
    imports, which for these is the same. So it is packed once for a playbook, and not for each of them again.
  - It is meant for these action plugins.
options:
  acts_as:
    description: The module to be. Its options are given beside this one.
    type: str
    choices:
      - pg_backup
      - pg_backup_verify
      - pg_batch_rollback
      - pg_fence
      - pg_guard
      - pg_migration_apply
      - pg_recover
      - pg_restore_safe
    required: true
extends_documentation_fragment:
  - pgsafe.migration.attributes
attributes:
  check_mode:
    support: full
  idempotent:
    support: partial
    details: As the module that it acts as.
seealso:
  - module: pgsafe.migration.pg_backup
  - module: pgsafe.migration.pg_backup_verify
  - module: pgsafe.migration.pg_batch_rollback
  - module: pgsafe.migration.pg_fence
  - module: pgsafe.migration.pg_guard
  - module: pgsafe.migration.pg_migration_apply
  - module: pgsafe.migration.pg_recover
  - module: pgsafe.migration.pg_restore_safe
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Verify a backup
  pgsafe.migration.pg_guarded:
    acts_as: pg_backup_verify
    backup_dir: /var/backups/pgsafe/community_connect/latest
    level: checksum
"""

RETURN = r"""
guard:
  description: What the action plugin stays with; beside it, and without it, what the module returns.
  returned: when a guard does the work
  type: dict
"""

from typing import TYPE_CHECKING

from ..module_utils import guarded
from ..module_utils.arguments import ACTS_AS
from ..module_utils.ports.module import serve_as

if TYPE_CHECKING:
    # Ansible ships what a module imports, here too; which of them is run, the option says.
    from ..module_utils.guarded import (  # noqa: F401  # shipped by their import
        pg_backup,
        pg_backup_verify,
        pg_batch_rollback,
        pg_fence,
        pg_guard,
        pg_migration_apply,
        pg_recover,
        pg_restore_safe,
    )

NAMES = [
    "pg_backup",
    "pg_backup_verify",
    "pg_batch_rollback",
    "pg_fence",
    "pg_guard",
    "pg_migration_apply",
    "pg_recover",
    "pg_restore_safe",
]
SPEC = {ACTS_AS: {"type": "str", "choices": NAMES, "required": True}}


def main() -> None:
    serve_as(SPEC, guarded.__name__)


if __name__ == "__main__":
    main()
