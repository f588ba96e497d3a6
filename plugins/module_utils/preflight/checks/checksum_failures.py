# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server has met damaged pages: what is backed up may be damaged too."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.checksum_failures:
        yield Problem(
            "checksum_failures",
            "error",
            f"The server has counted {facts.checksum_failures:,} damaged pages in {facts.database} or in shared "
            "catalogs.",
            "Find them (pg_amcheck --heapallindexed, and the server's log), restore what is damaged, then "
            "SELECT pg_stat_reset()",
        )
