# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts of the checks before a restore: gathered once, by reading alone, in the maintenance database."""

from __future__ import annotations

from ...backup_set.manifest import Manifest
from ...compare import cluster
from ...copies import copy as copies
from ...copies import lock as copy_lock
from ...ports.database import Session
from ...postgres import identity
from .. import server_facts
from ..checks.check import Wanted
from .check import Facts, Intent, Taken

_TAKEN = """
SELECT datname, COALESCE(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = ANY (%s) ORDER BY 1
"""


def gather(reader: Session, intent: Intent) -> Facts:
    """
    :param reader: a session in the maintenance database.
    :raises QueryFailed: a catalog cannot be read.
    """
    common = server_facts.gather(
        reader,
        intent.replaces or "",
        wanted(intent),
        intent.creates,
        intent.manifest.properties.tablespace,
        intent.stated_free_bytes,
        unseen_disk="error",
    )
    return Facts(
        **vars(common),
        intent=intent,
        changed=_changed(reader, intent.manifest),
        taken=_taken(reader, intent),
    )


def wanted(intent: Intent) -> Wanted:
    """What the manifest says that the restore takes."""
    manifest = intent.manifest
    held, needs = manifest.fingerprint, manifest.cluster.needs
    triggers = held.catalog.get("event trigger", {})
    publications = held.catalog.get("publication", {})
    return Wanted(
        of="the backup",
        bytes=manifest.database_bytes,
        extensions=held.extensions,
        roles=server_facts.roles_of(needs.get("role", ()), manifest.properties),
        tablespaces=needs.get("tablespace", ()),
        event_triggers=tuple(triggers),
        login_triggers=tuple(name for name, facts in triggers.items() if facts.get("event") == "login"),
        publications=tuple(name for name, facts in publications.items() if facts.get("all tables")),
        foreign_servers=tuple(held.catalog.get("foreign server", {})),
        globals_file=intent.globals_file,
    )


def _changed(reader: Session, manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """On another server everything outside the database differs without having been changed."""
    here = identity.read(reader)
    if here.system_identifier != manifest.identity.system_identifier:
        return ()
    return tuple(cluster.differences(manifest.cluster, reader, manifest.identity))


def _taken(reader: Session, intent: Intent) -> tuple[Taken, ...]:
    database, run_id = intent.manifest.identity.name, intent.manifest.run_id
    return tuple(
        Taken(name, copies.is_of_run(name, comment, database, run_id), _in_use(reader, name))
        for name, comment in reader.rows(_TAKEN, (list(intent.creates),))
    )


def _in_use(reader: Session, name: str) -> str:
    holder = copy_lock.holder(reader, name)
    return copy_lock.in_use(name, holder) if holder else ""
