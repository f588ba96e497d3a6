#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_guard_info
short_description: Say where the runs of a backup root stand
version_added: 0.1.0
description:
  - Reads the journals of the runs and what their guards say of themselves. It needs no server, and changes nothing.
  - For a run that is left unfinished it gives the command that finishes or undoes it without Ansible.
options:
  backup_root:
    description: The directory, on the target, that holds the journals of the runs.
    type: path
    required: true
  database:
    description: Only report runs of this database; by default runs of every database.
    type: str
    default: ""
  run_id:
    description: Only report this run; by default every run.
    type: str
    default: ""
  newest:
    description: The maximum number of runs to report; the newest are kept.
    type: int
    default: 10
extends_documentation_fragment:
  - pgsafe.migration.attributes.reads
seealso:
  - module: pgsafe.migration.pg_recover
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: See where the runs of a database stand
  pgsafe.migration.pg_guard_info:
    backup_root: /var/backups/pgsafe
    database: community_connect
  register: status

- name: Refuse to go on over what is left
  ansible.builtin.assert:
    that: status.runs | selectattr('standing', 'eq', 'left unfinished') | length == 0
"""

RETURN = r"""
runs:
  description: The runs, the newest last.
  returned: success
  type: list
  elements: dict
  contains:
    run_id:
      description: The run.
      type: str
      returned: always
    database:
      description: Its database; empty when it never got so far as to say it.
      type: str
      returned: always
    phase:
      description: The newest event of its journal.
      type: str
      returned: always
    since:
      description: When that was, in UTC.
      type: str
      returned: always
    standing:
      description:
        - One of V(at work), V(rests) between two tasks, V(held) for a person to decide, V(left unfinished), V(ended),
          and V(given up) for one that never changed the database.
      type: str
      returned: always
    guard:
      description: What the guard of its newest job says of itself.
      type: str
      returned: always
    backup_dir:
      description: The directory of its backup.
      type: str
      returned: always
    by_hand:
      description: The command that finishes or undoes it without Ansible; empty when nothing is left to be done.
      type: str
      returned: always
    log:
      description: Every event with its time.
      type: list
      elements: str
      returned: always
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[✓] 20261116_143022 community_connect: ended (migrated since 2026-11-16T14:31:02Z)"]
"""

from dataclasses import asdict
from typing import Any

from ..module_utils.arguments import BACKUP_ROOT, backup_root
from ..module_utils.console import status as console
from ..module_utils.guard import status
from ..module_utils.ports.module import serve

SPEC = {
    **BACKUP_ROOT,
    "database": {"type": "str", "default": ""},
    "run_id": {"type": "str", "default": ""},
    "newest": {"type": "int", "default": 10},
}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    found = status.run(request(params))
    return {"changed": False, "runs": [asdict(of) for of in found], "console": console.status(found)}


def request(params: dict[str, Any]) -> status.StatusRequest:
    return status.StatusRequest(backup_root(params), params["database"], params["run_id"], params["newest"])


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
