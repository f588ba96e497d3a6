#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migration_info
short_description: List the migration files of a database with what became of each
version_added: 0.1.0
description:
  - Compares the files of a migration set with the history that the database keeps. Without files it lists the history.
  - Shows the version that each migration tool keeps in the database, too.
  - It reads only, and needs neither a backup root nor a run.
options:
  source:
    description:
      - A directory of SQL files, or one file, on the controller; relative to the inventory, then to the playbook.
    type: path
  files:
    description: As for M(pgsafe.migration.pg_migration_apply).
    type: list
    elements: str
    default: []
  set_name:
    description: The application that the files are of.
    type: str
    default: default
  version_query:
    description: As for M(pgsafe.migration.pg_migration_apply).
    type: str
  listing:
    description: The files of O(source) on the controller. Set by the action plugin.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    details: It changes nothing anyway.
  idempotent:
    support: full
  action:
    description: Has an action plugin, which reads the files of the controller.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.attributes
seealso:
  - module: pgsafe.migration.pg_migration_apply
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: See which files are pending
  pgsafe.migration.pg_migration_info:
    login_db: community_connect
    source: migrations
  register: history

- name: Require that every file was applied
  ansible.builtin.assert:
    that: history.files | selectattr('state', 'ne', 'applied') | length == 0
"""

RETURN = r"""
files:
  description: The files in the order in which they run, then what the history has beside them.
  returned: success
  type: list
  elements: dict
  contains:
    version:
      description: The version in front of the name, without zeros at its end; empty when there is none.
      type: str
      returned: always
      sample: "1.2"
    name:
      description: The path of the file, relative to O(source); of a command its words.
      type: str
      returned: always
    state:
      description:
        - V(pending) runs next. V(changed) was changed after it was applied, V(missing) was applied and is not in
          O(source) any more; both stop a migration.
        - V(recorded) is in the history and was not looked for, such as a file of another set or a command.
      type: str
      choices: [applied, pending, changed, missing, recorded]
      returned: always
    repeatable:
      description: Whether it runs again whenever its content has changed.
      type: bool
      returned: always
    set_name:
      description: The application that the file is of.
      type: str
      returned: always
    kind:
      description:
        - How it came into the history. V(baseline) was recorded without being run, V(accepted) was changed after it was
          applied and accepted with a reason. Empty when it was never applied.
      type: str
      choices: [applied, repeatable, command, baseline, accepted, ""]
      returned: always
    run_id:
      description: The run that applied it; empty for none.
      type: str
      returned: always
    applied_at:
      description: When it was applied, in UTC; empty when it was not.
      type: str
      returned: always
      sample: "2026-11-16T14:31:02Z"
    applied_by:
      description: The role that connected; empty where that was not recorded.
      type: str
      returned: always
    seconds:
      description: How many seconds it took; V(null) where that was not recorded.
      type: float
      returned: always
    sha256:
      description: The SHA-256 of what was applied, hexadecimal; empty when nothing was.
      type: str
      returned: always
    reason:
      description: Why a person accepted a change, or had it applied again; empty without one.
      type: str
      returned: always
versions:
  description: The version that each migration tool keeps in the database, or the one that O(version_query) gives.
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
    versions:
      description: The version of each head; empty where nothing was applied.
      type: list
      elements: str
      returned: always
      sample: ["0002"]
    unread:
      description: Why the history was not read; empty where it was.
      type: str
      returned: always
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
  sample: ["[ ] 4        004_index.sql  pending"]
"""

from dataclasses import asdict
from typing import Any

from ..module_utils.arguments import CONNECTION, target
from ..module_utils.foreign_text import visible
from ..module_utils.migrate import history, pending, tool
from ..module_utils.ports.module import serve

SPEC = {
    **CONNECTION,
    "source": {"type": "path"},
    "files": {"type": "list", "elements": "str", "default": []},
    "set_name": {"type": "str", "default": "default"},
    "version_query": {"type": "str"},
    "listing": {"type": "str", "default": ""},
}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    way_in = target(params)
    found = history.look(way_in, pending.read(params["listing"]), params["set_name"])
    versions = tool.versions(way_in, tool.options(params["version_query"] or ""), "history")
    return {
        "changed": False,
        "files": [asdict(row) for row in found],
        "versions": [asdict(version) for version in versions],
        "console": [*history.lines(found), *[f"[info] Version: {visible(version.told)}" for version in versions]],
    }


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
