# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollback does not give back, said plainly: what is other outside the database, who reads the replaced one."""

from __future__ import annotations

from collections.abc import Iterator

from ..backup_set.manifest import Manifest
from ..compare import cluster
from ..errors import PgsafeError
from ..model import Target
from ..ports.database import Session, session
from ..postgres import wal


def told(target: Target, manifest: Manifest, replaced: bool) -> tuple[str, ...]:
    """A line each; what cannot be read costs no rollback.

    :param replaced: another database has taken the place.
    """
    try:
        with session(target.maintenance, purpose="rollback") as server:
            return (*_outside(server, manifest), *(_on_standbys(server, manifest) if replaced else ()))
    except PgsafeError as error:
        return (f"Could not check for changes outside the database since the backup: {error.what}",)


def _outside(server: Session, manifest: Manifest) -> Iterator[str]:
    for _kind, line in cluster.differences(manifest.cluster, server, manifest.identity):
        yield f"Outside the database, since the backup: {line}. A rollback does not undo that."


def _on_standbys(server: Session, manifest: Manifest) -> Iterator[str]:
    """Their sessions follow the database by its OID."""
    standbys = [standby.described for standby in wal.read(server).standbys]
    if standbys:
        yield (
            f"Sessions on standbys keep reading the replaced database: {'; '.join(standbys)}. Restart the read pools, "
            "or on each standby: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datid = "
            f"{manifest.identity.oid}"
        )
