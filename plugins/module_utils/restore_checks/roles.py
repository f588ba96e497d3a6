# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles that own or were granted something in the backup exist on the server."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.names import quoted
from ansible_collections.pgsafe.migration.plugins.module_utils.restore_checks.check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    manifest = facts.intent.manifest
    properties = manifest.properties
    needed = {*manifest.cluster.needs.get("role", ()), properties.owner}
    needed |= {role for role, _setting in properties.settings} | {grantee for grantee, *_rest in properties.acl or ()}
    # Those of the server's own are there in every cluster; without a name it is everybody.
    wanted = {role for role in needed if role and not role.startswith("pg_")}
    for role in sorted(wanted - set(facts.cluster.get("role", {}))):
        yield Problem(
            "roles",
            "error",
            f"The role {role} of the backup does not exist on the server.",
            f"CREATE ROLE {quoted(role)} (what it was: {facts.intent.globals_file})",
        )
