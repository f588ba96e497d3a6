# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only a superuser can restore, or a member of the owner's role; managed services give out neither."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import ServerFacts

_AS_SUPERUSER = "Connect as a superuser, or drop it before the backup is taken and create it again afterwards."


def check(facts: ServerFacts) -> Iterator[Problem]:
    role, wanted = facts.role, facts.wanted
    if role.superuser:
        return
    for name in wanted.event_triggers:
        yield _lacking(f"Only a superuser can restore the event trigger {name}.", _AS_SUPERUSER)
    for name in wanted.publications:
        yield _lacking(f"Only a superuser can restore the publication {name}, which is FOR ALL TABLES.", _AS_SUPERUSER)
    for name, version in wanted.extensions.items():
        known = facts.extensions.get(name)
        if known and version in known.versions and version not in known.trusted and name != "plpgsql":
            yield _lacking(f"Only a superuser can create the extension {name} {version}.", _AS_SUPERUSER)
    beyond = set(facts.present_roles) - role.may_become
    if wanted.owners is None:
        yield from (_perhaps_an_owner(facts, name) for name in sorted(beyond))
        return
    for owner in sorted(beyond & set(wanted.owners)):
        what = f"{owner} owns something in {wanted.of}, and {role.name} cannot make it the owner: the restore fails."
        yield _lacking(what, _way_to_own(facts, owner))


def _perhaps_an_owner(facts: ServerFacts, name: str) -> Problem:
    what = (
        f"{facts.role.name} is no member of {name}, which owns or was granted something in {facts.wanted.of}: where it "
        "is an owner, the restore fails."
    )
    return Problem("restorable", "warning", what, _way_to_own(facts, name))


def _way_to_own(facts: ServerFacts, owner: str) -> str:
    """Never membership in a role that can do more than use what it owns."""
    role = quoted(facts.role.name)
    if owner not in facts.powerful_roles:
        return f"GRANT {quoted(owner)} TO {role}"
    return (
        f"Connect as a superuser, or give {role} what {quoted(owner)} owns, object by object: ALTER … OWNER TO {role}. "
        f"REASSIGN OWNED BY {quoted(owner)} would reach everything that it owns in the database, and databases and "
        "tablespaces as well."
    )


def _lacking(what: str, remedy: str) -> Problem:
    return Problem("restorable", "error", what, remedy)
