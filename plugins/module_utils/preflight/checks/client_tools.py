# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pg_dump (with compress_method built in), pg_restore, psql and pg_dumpall of the server's own major, on the target."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if facts.tools_problem:
        yield Problem("client_tools", "error", facts.tools_problem, "")
