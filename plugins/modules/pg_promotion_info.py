#!/usr/bin/python
# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_promotion_info
short_description: Say whether what is pending in a PostgreSQL database has passed in the environments before it
version_added: 0.1.0
description:
  - Compares what is pending in the database with the promotion records of O(promotion.required_environments), which
    M(pgsafe.migration.pg_promotion_record) keeps on the controller.
  - Reports every reason at once why what is pending is not proven, such as no record, another file, a record that is
    too old or too young, another major of PostgreSQL, another schema before the migration.
  - It never fails because of them; give RV(problems) to M(pgsafe.migration.pg_preflight_facts), which reports them
    with its own.
options:
  tasks:
    description: What identifies tasks of your own, instead of a set; see M(pgsafe.migration.pg_guard).
    type: str
attributes:
  check_mode:
    support: full
  idempotent:
    support: full
  action:
    description: Has an action plugin, which reads the set and the records of the controller.
    support: full
extends_documentation_fragment:
  - pgsafe.migration.connection
  - pgsafe.migration.migration_set
  - pgsafe.migration.promotion
  - pgsafe.migration.attributes
seealso:
  - module: pgsafe.migration.pg_promotion_record
  - module: pgsafe.migration.pg_preflight_facts
author:
  - pgsafe maintainers (@pgsafe)
"""

EXAMPLES = r"""
- name: See whether staging has proven what is pending here
  pgsafe.migration.pg_promotion_info:
    login_db: community_connect
    source: migrations
    promotion:
      dir: /srv/promotion
      required_environments: [staging]
      soak: 24h
  register: promotion
"""

RETURN = r"""
problems:
  description: Why what is pending is not proven; empty when it is, or when nothing is pending.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: Always V(promotion).
      type: str
      returned: always
    severity:
      description: V(warning) where O(promotion.override) gives a reason.
      type: str
      choices: [error, warning]
      returned: always
    what:
      description: What was found.
      type: str
      returned: always
    remedy:
      description: What to do about it.
      type: str
      returned: always
    waived:
      description: The reason of O(promotion.override); empty without one.
      type: str
      returned: always
told:
  description: The records that what is pending rests on, a line each.
  returned: always
  type: list
  elements: str
  sample: ["staging: db1, community_connect, run 20261116_143022, verified 2026-11-16 14:31 UTC"]
console:
  description: Lines for a person, which the collection's callback shows.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ..module_utils.arguments import CONNECTION, MIGRATION_SET, PROMOTION, target
from ..module_utils.jobs import promotion
from ..module_utils.migrate import pending, tool
from ..module_utils.migrate import run as migrate
from ..module_utils.migrate.migration_set import SetSource
from ..module_utils.migrate.pending import Accepted
from ..module_utils.migrate.verification.result import Wanted
from ..module_utils.ports.module import serve
from ..module_utils.promotion.permit import Permit

SPEC = {**CONNECTION, **MIGRATION_SET, **PROMOTION, "tasks": {"type": "str"}}


def run(params: dict[str, Any], _check_mode: bool) -> dict[str, Any]:
    return {"changed": False, **promotion.look(request(params))}


def request(params: dict[str, Any]) -> migrate.MigrateRequest:
    """Of a migration that is only foreseen: what belongs to its run is left out."""
    of_sets = ("lock_timeout", "statement_timeout", "time_limit", "chdir", "database_url", "set_name")
    source = _source(params)
    return migrate.MigrateRequest(
        target=target(params),
        source=source,
        tool_options=tool.options(
            "", params["pending_command"], params["pending_text"] or "", not params["pending_preset"]
        ),
        backup_dir=Path(),
        run_id="",
        confirmed_database="",
        confirmed_by="",
        level="",
        on_verify_failure="",
        jobs=1,
        sequences="",
        keep_copy_seconds=0.0,
        copy_timeout=0.0,
        environment=source.environment,
        wanted=Wanted(),
        promoted=Permit(),
        accepted=Accepted(
            params["changed_files"], params["apply_again"], params["out_of_order"], params["baseline"] or ""
        ),
        **{name: params[name] for name in of_sets},
    )


def _source(params: dict[str, Any]) -> SetSource:
    return SetSource(
        source=Path(params["source"]) if params["source"] else None,
        files=tuple(params["files"]),
        digest=params["digest"],
        listing=pending.read(params["listing"]),
        command=tuple(params["command"] or ()),
        tree=Path(params["command_tree"]) if params["command_tree"] else None,
        environment={name: str(value) for name, value in params["environment"].items()},
        chdir=params["chdir"],
        tasks=params["tasks"] or "",
    )


def main() -> None:
    serve(SPEC, run)


if __name__ == "__main__":
    main()
