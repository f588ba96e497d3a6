# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filesystems of this host, and those of the server where it runs on this very host."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import files, queries
from ansible_collections.pgsafe.migration.plugins.module_utils.database import Session
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem

_HERE = frozenset({"", "localhost", "127.0.0.1", "::1"})


def of(path: Path) -> Filesystem:
    try:
        free = files.free_space(path)
        return Filesystem(str(path), free.bytes, path.stat().st_dev, free.inodes)
    except (PgsafeError, OSError):
        return Filesystem(str(path), None, None)


def of_data(reader: Session) -> Filesystem:
    """Where the server keeps its databases, unless they are in a tablespace."""
    directory = data_directory(reader)
    return of(directory) if directory else Filesystem("the data directory", None, None)


def of_wal(reader: Session) -> Filesystem:
    """Where the server writes its write-ahead log; initdb --waldir makes pg_wal a symbolic link."""
    directory = data_directory(reader)
    return of(directory / "pg_wal") if directory else Filesystem("pg_wal", None, None)


def data_directory(reader: Session) -> Path | None:
    """Only where the server runs on this very host, and the role may know its data directory."""
    host = reader.target.params.get("host", "")
    shown = reader.rows(queries.DATA_DIRECTORY)
    if shown and shown[0][0] and (host in _HERE or host.startswith("/")):
        return Path(shown[0][0])
    return None
