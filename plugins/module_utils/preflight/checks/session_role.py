# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role that the migration runs as (session_role) exists, and the role that connects may SET ROLE to it."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    wanted = facts.session_role
    if wanted is None or wanted.permitted:
        return
    if not wanted.present:
        yield Problem(
            "session_role",
            "error",
            f"The migration would run as the role {wanted.name}, which does not exist on the server.",
            "Correct the name (pg_migrate_connection.session_role), or create the role.",
        )
        return
    grant = f"GRANT {quoted(wanted.name)} TO {quoted(facts.role.name)}, or connect"
    yield Problem(
        "session_role",
        "error",
        f"The migration would run as the role {wanted.name}, and {facts.role.name} may not SET ROLE to it.",
        f"{'Connect' if wanted.powerful else grant} as a superuser or as a member of that role.",
    )
