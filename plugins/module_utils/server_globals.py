# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles and tablespaces of a backup, rewritten for a private cluster; pure functions over what pg_dumpall printed.

https://www.postgresql.org/docs/current/app-pg-dumpall.html
"""

from __future__ import annotations

import re
from collections import Counter

_COMPLETE = b"-- PostgreSQL database cluster dump complete"
_NAME = rb'("(?:[^"]|"")*"|[^\s;"]+)'
_CREATE_ROLE = rb"^CREATE ROLE %b;\n"
_SUPERUSER = re.compile(rb"^ALTER ROLE " + _NAME + rb" WITH SUPERUSER ", re.MULTILINE)
_GRANTED_BY = re.compile(rb" GRANTED BY " + _NAME + rb";$", re.MULTILINE)
_LOCATION = re.compile(rb"^(CREATE TABLESPACE .* LOCATION )E?'(?:[^']|'')*';$", re.MULTILINE)


def complete(script: bytes) -> bool:
    """Whether its end is the end of a whole dump."""
    return _COMPLETE in script.splitlines()[-10:]


def makes(script: bytes, role: str) -> bool:
    """Whether it makes a role; those of the system are there without it."""
    if role.startswith("pg_"):
        return True
    return any(b"CREATE ROLE %b;" % form in script.splitlines() for form in _written(role))


def first_superuser(script: bytes) -> str:
    """The role to bootstrap a cluster with: since PostgreSQL 16 only that one may have granted without being granted.

    :raises ValueError: the script makes no superuser, so it is not what pg_dumpall prints.
    """
    superusers = [_plain(name) for name in _SUPERUSER.findall(script)]
    if not superusers:
        raise ValueError("makes no superuser")
    grantors = Counter(_plain(name) for name in _GRANTED_BY.findall(script))
    return max(superusers, key=lambda name: (grantors[name], name == "postgres"))


def for_private_cluster(script: bytes, bootstrap: str) -> bytes:
    """The script without the role that is there already, and with every tablespace inside the data directory.

    The directories that it names are those of the server that was backed up, perhaps of this very host.
    """
    written = b"|".join(re.escape(form) for form in _written(bootstrap))
    others = re.sub(_CREATE_ROLE % (b"(?:" + written + b")"), b"", script, flags=re.MULTILINE)
    return _LOCATION.sub(rb"\1'';", others)


def _written(name: str) -> tuple[bytes, bytes]:
    """A name as it may be written: bare, or quoted."""
    text = name.encode("utf-8", "surrogateescape")
    return text, b'"' + text.replace(b'"', b'""') + b'"'


def _plain(written: bytes) -> str:
    name = written.decode("utf-8", "surrogateescape")
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
