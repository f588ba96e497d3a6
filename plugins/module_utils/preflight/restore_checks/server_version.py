# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A backup goes back to its own major, or to a later one; never to an earlier one."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    backup, server = facts.intent.manifest.server_major, facts.server_version // 10000
    told = f"The backup is of PostgreSQL {facts.intent.manifest.server_version_text}, the server is {{}}"
    if backup > server:
        yield Problem(
            "server_version",
            "error",
            f"{told.format(facts.server_version_text)}: pg_restore of {server} cannot read it.",
            f"Restore to a server of PostgreSQL {backup} or later.",
        )
    elif backup < server:
        yield Problem(
            "server_version",
            "warning",
            f"{told.format(facts.server_version_text)}: its catalogs may describe some objects differently.",
            "If the comparison with the manifest fails for that alone, restore to the backup's own major.",
        )
