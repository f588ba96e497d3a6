# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tablespaces of the backup exist on the server."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.names import quoted
from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks.check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    needed = set(facts.intent.manifest.cluster.needs.get("tablespace", ()))
    for name in sorted(needed - set(facts.cluster.get("tablespace", {}))):
        yield Problem(
            "tablespaces",
            "error",
            f"The tablespace {name} of the backup does not exist on the server.",
            f"Make an empty directory of the server's user, then: CREATE TABLESPACE {quoted(name)} LOCATION "
            f"'/its/path' (what it was: {facts.intent.globals_file})",
        )
