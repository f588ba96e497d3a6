# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only a superuser can restore, found in the schema that pg_dump wrote; pure.

A look ahead that saves an attempt. A script can hide anything from it, but gains nothing: the role that is chosen then
fails to create it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# By the pages of the commands: https://www.postgresql.org/docs/current/sql-commands.html. What an extension makes is
# not among it, since a dump has the extension alone.
_KINDS = (
    "EVENT TRIGGER",
    "FOREIGN DATA WRAPPER",
    "ACCESS METHOD",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
)
_OBJECT = re.compile(
    rb"^CREATE (" + "|".join(_KINDS).encode() + rb") (.+?)(?: USING .*| ON .*| FOR .*| TYPE .*| \(.*)?;?$"
)
_LANGUAGE = re.compile(rb"^CREATE (?:OR REPLACE )?(?:TRUSTED )?(?:PROCEDURAL )?LANGUAGE ([^\s;]+)")
_BASE_TYPE = re.compile(rb"^CREATE TYPE (.+) \($")
_BINARY_CAST = re.compile(rb"^CREATE (CAST \(.*\)) WITHOUT FUNCTION")
_PUBLICATION = re.compile(
    rb"^CREATE (PUBLICATION .+?) FOR (?:ALL TABLES|TABLES IN SCHEMA)|^ALTER (PUBLICATION .+?) ADD TABLES IN SCHEMA"
)
_GRANTOR = re.compile(rb"^SET SESSION AUTHORIZATION (?!DEFAULT)(.+);$")
_ROUTINE = re.compile(rb"^CREATE (?:OR REPLACE )?(FUNCTION|PROCEDURE|AGGREGATE) (.+?\))(?: RETURNS .*)?$")
_BODY = re.compile(
    rb"^    (?:LANGUAGE \"?(c|internal|\w+u|plsh|plr|pljava)\"?(?=[ ;\n]|$)|LANGUAGE .* (LEAKPROOF)\b)", re.IGNORECASE
)


def entries(lines: Iterable[bytes]) -> Iterator[str]:
    """What of a script without rows takes a superuser, such as ``EVENT TRIGGER audit``."""
    before = b""
    for line in lines:
        found = _entry(before, line)
        if found:
            yield found.decode("utf-8", "replace")
        before = line


def _entry(before: bytes, line: bytes) -> bytes:
    if line.startswith(b"    "):
        return _in_definition(before, line)
    made = _OBJECT.match(line)
    if made:
        return b" ".join(made.groups())
    for prefix, pattern in ((b"LANGUAGE ", _LANGUAGE), (b"privileges granted by ", _GRANTOR)):
        found = pattern.match(line)
        if found:
            return prefix + found.group(1)
    named = _BINARY_CAST.match(line) or _PUBLICATION.match(line)
    return next(group for group in named.groups() if group) if named else b""


def _in_definition(before: bytes, line: bytes) -> bytes:
    made, base = _ROUTINE.match(before), _BASE_TYPE.match(before)
    body = _BODY.match(line)
    if made and body:
        why = b"LANGUAGE " + body.group(1) if body.group(1) else b"LEAKPROOF"
        return b"%b %b (%b)" % (*made.groups(), why)
    return b"TYPE " + base.group(1) if base and line.lstrip().startswith(b"INTERNALLENGTH") else b""


_DENIED = re.compile(
    r"permission denied|must be (?:a )?(?:superuser|owner|member|able)|[Oo]nly (?:roles|superusers)|superuser"
)


def is_denied(message: str) -> bool:
    """Whether PostgreSQL says, in English, that a role lacks a right."""
    return bool(_DENIED.search(message))
