# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain dumps as streams of bytes: whether one is whole, where two of them part, and how psql runs one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

from ..errors import VerificationFailed
from ..postgres import pg_tools

# Head and end of a script have a few short lines of pg_dump's own; its \restrict and \unrestrict lines are among them.
_EDGE_BYTES = 4096

# The key is drawn anew each time a script is written, and tools of before August 2025 write no such line. Only where
# pg_dump puts it: in the rows of a table the same bytes would be a value that begins with a carriage return.
_RESTRICT = re.compile(rb"\A((?:--.*\n|\n)*)\\restrict \w+\n\n?")
_UNRESTRICT = re.compile(rb"\\unrestrict \w+\n\n?((?:--.*\n|\n)*)\Z")


def restricted(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A script as psql runs it without executing any backslash command in it; the script may be of any origin.

    Its own key is left out: a restriction within a restriction is an error. Ours is random, so that the script cannot
    name it: https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMAND-RESTRICT
    """
    yield b"\\restrict %b\n" % secrets.token_hex(32).encode()
    yield from _without_key(chunks)


def canonical(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A script without its random key, so that two that say the same are the same.

    :raises VerificationFailed: its end is not the end of a whole dump.
    """
    held = end = b""
    for chunk in _without_key(chunks):
        end = (end + chunk)[-_EDGE_BYTES:]
        if held:
            yield held
        held = chunk
    if not pg_tools.complete_script(end.decode("utf-8", "replace")):
        raise VerificationFailed("has no end marker of a complete dump")
    yield held


def _without_key(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head, held = False, b""
    for chunk in chunks:
        held += chunk
        if len(held) <= _EDGE_BYTES:
            continue
        if not head:
            held, head = _RESTRICT.sub(rb"\1", held, count=1), True
        if len(held) > _EDGE_BYTES:
            yield held[:-_EDGE_BYTES]
            held = held[-_EDGE_BYTES:]
    if not head:
        held = _RESTRICT.sub(rb"\1", held, count=1)
    yield _UNRESTRICT.sub(rb"\1", held)


def first_difference(one: Iterator[bytes], other: Iterator[bytes]) -> int | None:
    """The line, from 1 on, at which two streams part; None when they are equal to the end."""
    line, left, right = 1, b"", b""
    while True:
        left, right = left or next(one, b""), right or next(other, b"")
        size = min(len(left), len(right))
        if left[:size] != right[:size]:
            return line + left[: _parting(left, right)].count(b"\n")
        if size == 0:
            return line if left or right else None
        line += left.count(b"\n", 0, size)
        left, right = left[size:], right[size:]


def _parting(left: bytes, right: bytes) -> int:
    return next(place for place, (one, other) in enumerate(zip(left, right)) if one != other)


def lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of a stream without their line feeds; of one longer than a chunk, its pieces."""
    left = b""
    for chunk in chunks:
        *whole, left = (left + chunk).split(b"\n")
        yield from whole
        if len(left) > len(chunk):
            yield left
            left = b""
    if left:
        yield left


_NAME = rb'("(?:[^"]|"")*"|[^\s;",]+)'
_ROLE = re.compile(rb"(?: OWNER TO | FOR ROLE |^SET SESSION AUTHORIZATION )" + _NAME)
_ROLES = re.compile(rb"^(?:GRANT|REVOKE|CREATE POLICY|ALTER DEFAULT PRIVILEGES) .* (?:TO|FROM) " + _NAME)
_TABLESPACE = re.compile(rb"^SET default_tablespace = " + _NAME + rb";$")


def globals_of(chunks: Iterator[bytes]) -> bytes:
    """What makes the roles and tablespaces that a script names, by name alone; a superuser ``postgres`` among them."""
    roles, tablespaces = {b"postgres"}, set[bytes]()
    for line in lines(chunks):
        roles.update(name for pattern in (_ROLE, _ROLES) for name in pattern.findall(line))
        tablespaces.update(_TABLESPACE.findall(line))
    tablespaces.discard(b"''")
    roles -= {b"PUBLIC", b"CURRENT_USER", b"SESSION_USER", b"DEFAULT"}
    made = [b"CREATE ROLE %b;\n" % name for name in sorted(roles)]
    made.append(b"ALTER ROLE postgres WITH SUPERUSER ;\n")
    made += [b"CREATE TABLESPACE %b LOCATION '';\n" % name for name in sorted(tablespaces)]
    return b"".join(made)
