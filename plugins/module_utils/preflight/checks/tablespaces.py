# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tablespaces of the database exist on the server, and the role may create something there."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    for name in sorted(facts.wanted.tablespaces):
        if facts.usable_tablespaces.get(name):
            continue
        if name in facts.usable_tablespaces:
            yield Problem(
                "tablespaces",
                "error",
                f"The role {facts.role.name} may not create anything in the tablespace {name} of {facts.wanted.of}.",
                f"GRANT CREATE ON TABLESPACE {quoted(name)} TO {quoted(facts.role.name)}",
            )
            continue
        yield Problem(
            "tablespaces",
            "error",
            f"The tablespace {name} of {facts.wanted.of} does not exist on the server.",
            f"Make an empty directory of the server's user, then: CREATE TABLESPACE {quoted(name)} LOCATION "
            f"'/its/path'{facts.wanted.what_it_was}",
        )
