# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollback needs: to make a database, to own the live one, to end other sessions."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import Facts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem


def check(facts: Facts) -> Iterator[Problem]:
    role = facts.role
    if role.superuser:
        return
    if not role.createdb:
        yield _lacking(f"The role {role.name} may not create databases.", f'ALTER ROLE "{role.name}" CREATEDB')
    if not role.owns_database:
        remedy = f'GRANT the owner\'s role to "{role.name}", or connect as the owner.'
        yield _lacking(f"The role {role.name} does not own the database {facts.database}.", remedy)
    if not role.may_signal:
        yield _lacking(f"The role {role.name} may not end other sessions.", f'GRANT pg_signal_backend TO "{role.name}"')
    for session in facts.superusers_sessions:
        yield _lacking(
            f"A superuser has a session in {facts.database}, which {role.name} cannot end: {session}.",
            "Ask its owner to leave, or connect as a superuser.",
        )


def _lacking(what: str, remedy: str) -> Problem:
    return Problem("privileges", "error", what, remedy)
