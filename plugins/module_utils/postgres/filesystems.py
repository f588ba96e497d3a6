# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filesystems of this host, and those of the server where it runs on this very host."""

from __future__ import annotations

from pathlib import Path

from ..errors import PgsafeError
from ..model import Filesystem
from ..ports import files
from ..ports.database import Session
from . import queries

_HERE = frozenset({"", "localhost", "127.0.0.1", "::1"})

_TABLESPACE_PATH = "SELECT pg_catalog.pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace WHERE spcname = %s"
_TABLESPACE_OF = """
SELECT t.spcname FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace
 WHERE d.datname = %s
"""


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


def of_tablespace(reader: Session, tablespace: str) -> Filesystem:
    """Where databases of a tablespace are; what single tables have in others is counted here too."""
    directory = data_directory(reader)
    places = reader.rows(_TABLESPACE_PATH, (tablespace,))
    if places and places[0][0] and directory:
        return of(directory / places[0][0])
    return of_data(reader)


def of_database(reader: Session, name: str) -> Filesystem:
    """Where an existing database is."""
    found = reader.rows(_TABLESPACE_OF, (name,))
    return of_tablespace(reader, found[0][0]) if found else of_data(reader)


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
