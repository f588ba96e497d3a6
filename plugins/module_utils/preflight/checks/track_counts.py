# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server counts the rows that are written, which is how a write past the read-only fence is noticed."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...model import FOLLOWED
from ...names import quoted
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if (facts.read_only_fence or facts.fence == FOLLOWED) and not facts.track_counts:
        yield Problem(
            "track_counts",
            "error",
            "track_counts is off: writes that get past the read-only fence could not be noticed.",
            f"ALTER SYSTEM RESET track_counts; SELECT pg_reload_conf() (or ALTER DATABASE {quoted(facts.database)} "
            "RESET track_counts, ALTER ROLE … RESET track_counts, where it is set there)",
        )
