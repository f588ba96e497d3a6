# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only a superuser can restore, or a member of the owner's role; managed services give out neither."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pgsafe.migration.plugins.module_utils.checks.check import ServerFacts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.names import quoted

_AS_SUPERUSER = "Connect as a superuser, or drop it before the backup is taken and create it again afterwards."


def check(facts: ServerFacts) -> Iterator[Problem]:
    role, wanted = facts.role, facts.wanted
    if role.superuser:
        return
    for name in wanted.event_triggers:
        yield _lacking(f"The event trigger {name} can be restored by a superuser alone.", _AS_SUPERUSER)
    for name in wanted.publications:
        yield _lacking(f"The publication {name}, FOR ALL TABLES, takes a superuser to restore.", _AS_SUPERUSER)
    for name, version in wanted.extensions.items():
        known = facts.extensions.get(name)
        if known and version in known.versions and version not in known.trusted and name != "plpgsql":
            yield _lacking(f"The extension {name} {version} can be created by a superuser alone.", _AS_SUPERUSER)
    for owner in sorted(set(facts.present_roles) - role.may_become):
        yield Problem(
            "restorable",
            "warning",
            f"{role.name} is no member of {owner}, which owns or was granted something in {wanted.of}: where it is "
            "an owner, the restore fails.",
            f"GRANT {quoted(owner)} TO {quoted(role.name)}",
        )


def _lacking(what: str, remedy: str) -> Problem:
    return Problem("restorable", "error", what, remedy)
