#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_batch_rollback
short_description: Roll a migrated PostgreSQL database back because another host of its batch failed
version_added: 0.1.0
description:
  - The hosts of a batch are those of the current C(serial) batch. One failed when it has no verdict, or another one
    than V(migrated) and V(unchanged). When none failed nothing is done.
  - With V(rolled_back) of O(state) the database is rolled back as M(pgsafe.migration.pg_restore_safe) does it, with the
    retained copy or from the archive, when it has not served longer than O(within) since its verdict, and clients have
    not written more than O(max_rows_written) rows since. Otherwise it stays migrated, and the result says why.
  - In check mode it only decides.
options:
  state:
    description:
      - V(rolled_back) comes after the verdicts of the whole batch.
      - V(ready) comes before the migration. It fails when a host of the batch is not ready for it, as this database
        would be migrated only to be rolled back.
      - V(counted) changes nothing, and counts what a rollback to the retained copy would lose.
    type: str
    choices: [ready, counted, rolled_back]
    default: rolled_back
  backup_dir:
    description: The directory of the backup of the run, on the target.
    type: path
    default: ""
  within:
    description: How long the database may have served since its verdict, such as 15m.
    type: str
    default: 15m
  max_rows_written:
    description:
      - How many rows clients may have written since the verdict. They are in the kept database only after the rollback.
      - DDL, a truncated table, and writes that cannot be counted refuse the rollback whatever this number is.
    type: int
    default: 0
  failed_hosts:
    description: The hosts of the batch that failed; the action plugin fills it in.
    type: list
    elements: str
    default: []
  jobs:
    description: How many jobs pg_restore uses.
    type: int
    default: 2
  sequences:
    description: As for M(pgsafe.migration.pg_restore_safe).
    type: str
    choices: [backup, max]
  lease:
    description: As for M(pgsafe.migration.pg_restore_safe).
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
  action:
    description: Has an action plugin, which knows the hosts of the batch and stays with the guard.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.guard
  - pgsafe.migration.attributes
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Roll back with the batch
  pgsafe.migration.pg_batch_rollback:
    login_db: community_connect
    backup_dir: /var/backups/pgsafe/community_connect/migration_20261116_143022
    within: 30m
    max_rows_written: 1000
"""

RETURN = r"""
verdict:
  description:
    - V(rolled_back_with_batch) when the database was rolled back, else what the journal of the run says.
  returned: with O(state=rolled_back)
  type: str
failed_hosts:
  description: The hosts of the batch that failed, each with its verdict.
  returned: always
  type: list
  elements: str
  sample: ["db2 (rolled back)"]
rolls_back:
  description: Whether the database is rolled back.
  returned: with O(state=rolled_back)
  type: bool
stays:
  description: Why the database stays migrated although its batch failed, and what rolls it back by hand, a line each.
  returned: when a host failed
  type: list
  elements: str
written_since:
  description: What clients have written since the verdict of the run, a line each.
  returned: when a host failed, or with O(state=counted)
  type: list
  elements: str
  sample: ["Since the verdict, 12 rows were written"]
kept:
  description: The name that the replaced database is kept under.
  returned: when it was rolled back
  type: str
method:
  description: What it was restored from, V(verified_copy), V(file_copy), V(archive) or V(script).
  returned: when it was rolled back
  type: str
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[warning] The batch failed (db2 (rolled back)): this host is rolled back with it"]
"""

from ..module_utils.guarded.pg_batch_rollback import main

if __name__ == "__main__":
    main()
