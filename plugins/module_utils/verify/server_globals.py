# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles and tablespaces of a backup, rewritten for a temporary instance; pure functions over pg_dumpall's output.

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

# One statement, its quotations whole, with what is before it; or what is behind the last one.
_QUOTED = rb"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
_STATEMENT = re.compile(
    rb"(?:\s+|--[^\n]*(?:\n|\Z)|\\(?:un)?restrict \w+\n)*(?:((?:[^\s;'\"\\]|"
    + _QUOTED
    + rb")(?:[^;'\"\\]|"
    + _QUOTED
    + rb")*);)?"
)
_ROLE = re.compile(rb"CREATE ROLE " + _NAME)
_MEMBER = re.compile(
    rb"GRANT "
    + _NAME
    + rb" TO "
    + _NAME
    + rb"(?: WITH [\w ,]+)?(?: GRANTED BY "
    + _NAME.replace(b"(", b"(?:", 1)
    + rb")?"
)
_SPACE = re.compile(rb"CREATE TABLESPACE " + _NAME + rb"(?: OWNER \S+)? LOCATION ")
_READS_ALL = re.compile(rb"ALTER ROLE " + _NAME + rb" WITH (?:.*? )??((?<!NO)SUPERUSER|(?<!NO)BYPASSRLS)\b")
_PASSED_OVER = re.compile(
    rb"SET |SELECT pg_catalog\.set_config\(|ALTER (?:ROLE|TABLESPACE) |COMMENT ON |SECURITY LABEL "
    rb"|(?:GRANT|REVOKE) .* ON "
)


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


def for_temporary_instance(script: bytes, bootstrap: str) -> bytes:
    """The script without the role that is there already, and with every tablespace inside the data directory.

    The directories that it names are those of the server that was backed up, perhaps of this very host.
    """
    written = b"|".join(re.escape(form) for form in _written(bootstrap))
    others = re.sub(_CREATE_ROLE % (b"(?:" + written + b")"), b"", script, flags=re.MULTILINE)
    return _LOCATION.sub(rb"\1'';", others)


def names_alone(script: bytes) -> bytes:
    """What makes the roles, their memberships, their right to read, and the tablespaces; nothing else of the script.

    :raises ValueError: it has a statement that pg_dumpall does not write.
    """
    made: list[bytes] = []
    position = 0
    while position < len(script):
        found = _STATEMENT.match(script, position)
        if not found or found.end() == position:
            raise _foreign(script, position)
        if found.group(1):
            named = _name_alone(found.group(1))
            if named is None:
                raise _foreign(script, found.start(1))
            made.append(named)
        position = found.end()
    return b"".join(made)


def _foreign(script: bytes, position: int) -> ValueError:
    line = script.count(b"\n", 0, position) + 1
    return ValueError(f"line {line} is not what pg_dumpall writes")


def _name_alone(text: bytes) -> bytes | None:
    """None for what pg_dumpall does not write."""
    role, member, space = _ROLE.fullmatch(text), _MEMBER.fullmatch(text), _SPACE.match(text)
    if role:
        return b"CREATE ROLE %b;\n" % role.group(1)
    if space:
        return b"CREATE TABLESPACE %b LOCATION '';\n" % space.group(1)
    if member:
        powerful = _plain(member.group(1)).startswith("pg_")
        return b"" if powerful else b"GRANT %b TO %b;\n" % member.groups()
    reads_all = _READS_ALL.match(text)
    if reads_all:
        grant = b"GRANT pg_read_all_data TO %b;\n" % reads_all.group(1) if reads_all.group(2) == b"SUPERUSER" else b""
        return b"ALTER ROLE %b BYPASSRLS;\n" % reads_all.group(1) + grant
    return b"" if _PASSED_OVER.match(text) else None


def _written(name: str) -> tuple[bytes, bytes]:
    """A name as it may be written: bare, or quoted."""
    text = name.encode("utf-8", "surrogateescape")
    return text, b'"' + text.replace(b'"', b'""') + b'"'


def _plain(written: bytes) -> str:
    name = written.decode("utf-8", "surrogateescape")
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
