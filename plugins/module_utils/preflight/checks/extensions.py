# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The extensions of the database can be installed on the server, each in the version that it has."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import ServerFacts


def check(facts: ServerFacts) -> Iterator[Problem]:
    for name, version in facts.wanted.extensions.items():
        available = facts.extensions.get(name)
        if available is None:
            yield Problem(
                "extensions",
                "error",
                f"The extension {name} of {facts.wanted.of} is not installed on the server.",
                f"Install the package that brings {name} {version} (see: SELECT * FROM pg_available_extensions).",
            )
        elif version not in available.versions:
            yield Problem(
                "extensions",
                "error",
                f"The extension {name} is in {facts.wanted.of} in the version {version}; the server has "
                f"{', '.join(available.versions)}.",
                f"Install the package that provides {name} {version}; or, on the original server while it still runs: "
                f"ALTER EXTENSION {quoted(name)} UPDATE, and take a new backup.",
            )
