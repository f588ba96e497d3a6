# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of the databases and files that belong to a run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

# NAMEDATALEN - 1: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
LONGEST = 63

# What a migration appends to the name of a table that it keeps instead of dropping it.
KEPT = "_old"

_PART = re.compile(r'"(?:[^"]|"")*"|[^"]+')
_BESIDE = re.compile(
    r"(.+)__(scratch|trial|ready|restored|table|log|failed\d?|pgsafe)_(\d{8}_\d{6}(?:_\d+)?)", re.DOTALL
)
_ROLE = re.compile(r"pgsafe_\d{8}_\d{6}(?:_\d+)?")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def beside(database: str, purpose: str, run_id: str) -> str:
    """The name of a database beside another one: ``app__failed_20261123_120000``, at most 63 bytes.

    :param purpose: of a copy ``scratch``, ``trial``, ``ready``, ``restored`` or ``table``; ``failed`` for a kept
        database, ``pgsafe`` for a fenced one, ``log`` for the reader of the write-ahead log.
    """
    suffix = f"__{purpose}_{run_id}"
    if len((database + suffix).encode()) <= LONGEST:
        return database + suffix
    short = hashlib.sha256(database.encode()).hexdigest()[:8]
    room = LONGEST - len(suffix) - len(short) - 1
    stem = database.encode()[:room].decode("utf-8", "ignore")
    return f"{stem}~{short}{suffix}"


def of_a_run(database: str) -> str:
    """The stem of a name that :func:`beside` has made, which a long database name shares in part; empty for others."""
    found = _BESIDE.fullmatch(database)
    return found[1] if found else ""


def run_beside(database: str, name: str) -> str:
    """The run id in a name that :func:`beside` has made for this database; empty for any other name."""
    found = _BESIDE.fullmatch(name)
    return found[3] if found and beside(database, found[2], found[3]) == name else ""


def replication_of_run(run_id: str, oid: int) -> str:
    """What the replication slot of a run is called, and the publication and the subscription that go with it.

    :param oid: of the database.
    """
    return f"pgsafe_{run_id}_{oid}"


def role_of_a_run(run_id: str) -> str:
    """The login role that the fence `connect` makes for a run."""
    return f"pgsafe_{run_id}"


def is_role_of_a_run(name: str) -> bool:
    return _ROLE.fullmatch(name) is not None


def quoted(name: str) -> str:
    """A name as it is written in SQL: https://www.postgresql.org/docs/current/sql-syntax-lexical.html"""
    return '"' + name.replace('"', '""') + '"'


def unquoted(name: str) -> str:
    """A qualified name of SQL as it is said: ``"Odd Schema".t`` is ``Odd Schema.t``."""
    return "".join(part[1:-1].replace('""', '"') if part.startswith('"') else part for part in _PART.findall(name))


def before_kept(name: str) -> str:
    """What a kept table, or an object of one, was called before: ``public.t_old.fk`` was ``public.t.fk``."""
    return name.replace(KEPT, "", 1)


def directory_name(database: str) -> str:
    """A directory name for a database; names that differ stay different on any filesystem."""
    return _safe(database)


def csv_names(labels: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A file name for each table: ``public`` is left out, and no two are equal but for case."""
    used = {name.casefold() for name in taken}
    names: dict[str, str] = {}
    for label in labels:
        plain = label[len("public.") :] if label.startswith("public.") else label
        name = f"{_safe(plain)}.csv"
        number = 2
        while name.casefold() in used:
            name = f"{_safe(plain)}~{number}.csv"
            number += 1
        used.add(name.casefold())
        names[label] = name
    return names


def _safe(text: str) -> str:
    """Unchanged when it is harmless everywhere; else its harmless part and a short hash of the whole."""
    stem = _UNSAFE.sub("_", text).strip("._-")[:100]
    if stem == text and text.casefold() == text:
        return text
    return f"{stem or 'unnamed'}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"
