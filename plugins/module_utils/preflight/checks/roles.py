# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles that own or were granted something in the database exist on the server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import ServerFacts

# As pg_get_userbyid() calls what is left of a role that was taken out of the catalogs by force.
_REMAINS = re.compile(r"unknown \(OID=(\d+)\)")


def check(facts: ServerFacts) -> Iterator[Problem]:
    for role in sorted(set(facts.wanted.roles) - set(facts.present_roles)):
        yield Problem(
            "roles",
            "error",
            f"The role {role} of {facts.wanted.of} does not exist on the server.",
            _remedy(role, facts.wanted.what_it_was),
        )


def _remedy(role: str, what_it_was: str) -> str:
    remains = _REMAINS.fullmatch(role)
    if remains:
        return (
            f"Reassign or revoke what is left: SELECT * FROM pg_shdepend WHERE refobjid = {remains.group(1)}"
        )
    return f"CREATE ROLE {quoted(role)}{what_it_was}"
