#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_promotion_record
short_description: Keep on the controller what the runs of a database have proven, and withdraw what was rolled back
version_added: 0.1.0
description:
  - Makes a promotion record on the controller of every run that has migrated the database, was verified and was not
    rolled back, unless it has one. So a record that an earlier run could not write is made by the next one.
  - Withdraws the records of runs that were rolled back since, by hand too.
  - A record is a file of its own for each host, database and run, C(ENVIRONMENT/HOST/DATABASE/RUN.json), which appears
    whole or not at all; C(RUN.withdrawn.json) beside it withdraws it.
  - Connects only where databases of one name on several servers share the backup root; it records the runs of its own
    server alone. Needs O(login_db), also with O(login_url).
  - It never fails, since the migration stands by then; what could not be written is a warning and in
    RV(not_recorded).
options:
  backup_root:
    description: The directory, on the target, that holds the journals of the runs.
    type: path
    required: true
  source:
    description: The migration set on the controller; the lines of its files are kept in the record, for a diff.
    type: path
  files:
    description: Names inside O(source).
    type: list
    elements: str
    default: []
  recorded:
    description: The runs that have a record. Set by the action plugin.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    details: In check mode nothing is read and nothing is written.
  idempotent:
    support: full
  action:
    description: Has an action plugin, which writes the records on the controller.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.promotion
  - pgsafe.migration.attributes
seealso:
  - module: pgsafe.migration.pg_promotion_info
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: Keep what this run has proven
  pgsafe.migration.pg_promotion_record:
    backup_root: /var/backups/pgsafe
    login_db: community_connect
    source: migrations
    promotion:
      dir: /srv/promotion
      environment: staging
"""

RETURN = r"""
recorded:
  description: The records that were made, as paths on the controller.
  returned: always
  type: list
  elements: str
withdrawn:
  description: The withdrawals that were made, likewise.
  returned: always
  type: list
  elements: str
not_recorded:
  description: What could not be written, and why; the migration is none the worse for it.
  returned: always
  type: list
  elements: str
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import BACKUP_ROOT, CONNECTION, PROMOTION, target
from ..module_utils.ports.module import serve
from ..module_utils.promotion import evidence

SPEC = {
    **CONNECTION,
    **BACKUP_ROOT,
    **PROMOTION,
    "source": {"type": "path"},
    "files": {"type": "list", "elements": "str", "default": []},
    "recorded": {"type": "list", "elements": "str", "default": []},
}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    found = evidence.look(Path(params["backup_root"]), target(params), params["recorded"])
    return {"changed": False, "evidence": found.fresh, "undone": list(found.undone)}


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
