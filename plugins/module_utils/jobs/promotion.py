# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller needs to know of a database to judge by promotion records; without Ansible."""

from __future__ import annotations

from dataclasses import asdict

from ..compare import schema
from ..compare.catalog import facts as catalog
from ..migrate import run as migrate
from ..ports.database import ONE_SNAPSHOT, session
from ..postgres import login_triggers


def look(request: migrate.MigrateRequest) -> dict[str, object]:
    """What is pending, the server's major, and the schema, by reading alone.

    :param request: of the run, its backup and its confirmation nothing is needed yet.
    :raises PgsafeError: the set cannot be used, contradicts the history, or the database cannot be reached.
    """
    target = login_triggers.silenced(request.target)
    with session(target, purpose="promotion") as reader, reader.transaction(ONE_SNAPSHOT):
        pending = migrate.foreseen(request, reader)
        found = schema.inventory(catalog.read(reader)) if pending.files else {}
        major = reader.version // 10000
    return {"pending": [asdict(file) for file in pending.files], "server_major": major, "schema": found}
