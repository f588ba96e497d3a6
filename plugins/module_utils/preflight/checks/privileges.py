# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What it takes to make a database, to rename the live one, and to end the sessions in it."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    role, live = facts.role, facts.database
    if role.superuser:
        return
    name = quoted(role.name)
    if not role.createdb:
        yield _lacking(f"The role {role.name} may not create databases.", f"ALTER ROLE {name} CREATEDB")
    if not live:
        return
    if not role.owns_database:
        yield _lacking(
            f"The role {role.name} does not own {live}, and may not rename it.",
            f"ALTER DATABASE {quoted(live)} OWNER TO {name}, or connect as its owner.",
        )
    if not role.may_signal:
        yield _lacking(f"The role {role.name} may not end other sessions.", f"GRANT pg_signal_backend TO {name}")
    for session in facts.superusers_sessions:
        yield _lacking(
            f"A superuser has a session in {live}, which {role.name} cannot end: {session}.",
            "Ask its user to disconnect, or connect as a superuser.",
        )


def _lacking(what: str, remedy: str) -> Problem:
    return Problem("privileges", "error", what, remedy)
