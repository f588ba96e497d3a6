# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a file of a migration set may not contain, found by reading the file and every file that it includes.

A courtesy: the refusal comes before anything is done. What a file has really done is shown by :mod:`psql_file`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from ..errors import BadRequest
from ..ports.files import read_text
from .conventions import NO_TRANSACTION
from .psql_text import MetaCommand, Part, Statement, Unterminated, copy_source, parts

_INCLUDES = frozenset({"i", "include"})
_INCLUDES_RELATIVE = frozenset({"ir", "include_relative"})
_CONNECTS = frozenset({"c", "connect"})
_CHANGES_DIRECTORY = "cd"
_QUITS = frozenset({"q", "quit"})
_ON = ("on", "true", "yes", "1")
_OFF = ("off", "false", "no", "0")
# psql variables that decide what becomes of an error, and the values that they may be set to.
_PROTECTED: dict[str, tuple[str, ...]] = {
    "ON_ERROR_STOP": _ON,
    "AUTOCOMMIT": _ON,
    "ON_ERROR_ROLLBACK": (*_OFF, "interactive"),
    "LAST_ERROR_SQLSTATE": (),
    "LAST_ERROR_MESSAGE": (),
}
_COPIES = "copy"
_NO_FILES = ("stdin", "stdout", "pstdin", "pstdout", "program")
_IMPORTS = "lo_import"
_STRING = re.compile(r"'((?:[^'\\]|\\.|'')*)'|\"((?:[^\"]|\"\")*)\"")

# https://www.postgresql.org/docs/current/sql-vacuum.html and the pages of the other commands name the restriction.
_OUTSIDE_TRANSACTIONS = re.compile(
    r"VACUUM\b|(CREATE|DROP) (DATABASE|TABLESPACE)\b|ALTER SYSTEM\b|ALTER DATABASE .* SET TABLESPACE\b"
    r"|(CREATE INDEX|CREATE UNIQUE INDEX|DROP INDEX) CONCURRENTLY\b|REINDEX (DATABASE|SYSTEM|SCHEMA)\b"
    r"|REINDEX \w+ CONCURRENTLY\b|ALTER TABLE .* DETACH PARTITION .*CONCURRENTLY$"
)
_CONTROLS_TRANSACTION = re.compile(
    r"(BEGIN|COMMIT|END|ABORT|START TRANSACTION|PREPARE TRANSACTION|ROLLBACK(?! (WORK |TRANSACTION )?TO))\b"
)
_UNDOES = re.compile(r"(ABORT|ROLLBACK(?! (WORK |TRANSACTION )?TO))\b")


def check(root: Path, name: str, text: str, transactional: bool, tree: Collection[str]) -> list[str]:
    """Look through a file of a set and whatever it includes. Returns the files of the set that it includes or copies.

    :param text: what runs of the file.
    :param tree: the files of the set, relative to ``root``.
    :raises BadRequest: psql would leave the database, stop before the end, hide an error, or end the transaction that
        the file runs in.
    """
    pending, seen, copied = [(name, text)], {name}, set()
    while pending:
        current, content = pending.pop()
        for part in parts(content):
            _require_harmless(root / current, part, transactional)
            copied |= _copied(part) & set(tree)
            for included in _included(root / current, current, part, tree):
                if included not in seen:
                    seen.add(included)
                    pending.append((included, read_text(root / included).lstrip("\ufeff")))
    return sorted((seen | copied) - {name})


def _require_harmless(path: Path, part: Part, transactional: bool) -> None:
    if isinstance(part, Unterminated):
        raise BadRequest(
            f"{path}:{part.line}: {part.opening} is never closed, so that what follows would not run.",
            remedy="Close the quotation or comment.",
        )
    if isinstance(part, MetaCommand):
        _require_harmless_command(path, part)
    elif transactional:
        _require_transactional(path, part)
    else:
        _require_kept(path, part)


def _require_harmless_command(path: Path, command: MetaCommand) -> None:
    what = f"{path}:{command.line}: \\{command.name}"
    if command.name in _CONNECTS or command.name.startswith("!"):
        raise BadRequest(
            f"{what} leaves the database that was backed up.", remedy="Run it as a command, outside of SQL files."
        )
    if command.name == _CHANGES_DIRECTORY:
        raise BadRequest(
            f"{what} changes what the file names after it refer to, so included files cannot be read beforehand.",
            remedy="Remove it, and name each file relative to the directory of the set (\\i), or to the file (\\ir).",
        )
    if command.name in _QUITS:
        raise BadRequest(f"{what} ends the file before its last line.", remedy="Remove it, and what follows it.")
    if command.name in ("set", "unset"):
        _require_errors_seen(what, command)


def _require_errors_seen(what: str, command: MetaCommand) -> None:
    name = command.arguments[0] if command.arguments else ""
    allowed = _PROTECTED.get(name)
    if allowed is None:
        return
    value = command.arguments[1].lower() if len(command.arguments) > 1 else "on"
    if command.name == "set" and value in allowed:
        return
    raise BadRequest(
        f"{what} {name} changes what psql does after an error, so that one could go unnoticed.",
        remedy="Remove it. To accept an error, catch it in SQL: DO $$ … EXCEPTION … $$, or IF EXISTS.",
    )


def _require_transactional(path: Path, statement: Statement) -> None:
    text = " ".join(statement.words)
    for pattern, why in ((_OUTSIDE_TRANSACTIONS, "cannot run in a transaction"), (_CONTROLS_TRANSACTION, "ends it")):
        found = pattern.match(text)
        if found:
            raise BadRequest(
                f"{path}:{statement.line}: each file is run in one transaction, and {found.group()} {why}.",
                remedy=f"Remove it, or move it to a file whose first line is: {NO_TRANSACTION}",
            )


def _require_kept(path: Path, statement: Statement) -> None:
    found = _UNDOES.match(" ".join(statement.words))
    if found:
        raise BadRequest(
            f"{path}:{statement.line}: {found.group()} undoes what the file has done before it.",
            remedy="Remove it. To undo a part of a transaction: ROLLBACK TO SAVEPOINT.",
        )


def _included(path: Path, current: str, part: Part, tree: Collection[str]) -> Iterator[str]:
    if not isinstance(part, MetaCommand) or part.name not in _INCLUDES | _INCLUDES_RELATIVE:
        return
    what = f"{path}:{part.line}: \\{part.name} {' '.join(part.arguments)}"
    name = _literal(part.arguments[0]) if part.arguments else ""
    if name is None:
        raise BadRequest(f"{what} is not a plain file name.", remedy="Name the file literally, so that it can be read.")
    base = posixpath.dirname(current) if part.name in _INCLUDES_RELATIVE else ""
    included = posixpath.normpath(posixpath.join(base, name))
    if included not in tree:
        raise BadRequest(
            f"{what} names a file that is not in the migration set.",
            remedy="Put it into the directory of the set, and name it relative to that directory.",
        )
    yield included


def _copied(part: Part) -> set[str]:
    """The file that rows or a large object are read from, as psql finds it: relative to the root of the set."""
    name: str | None = None
    if isinstance(part, MetaCommand) and part.name == _COPIES:
        name = _copy_file(part.arguments[0])
    elif isinstance(part, MetaCommand) and part.name == _IMPORTS and part.arguments:
        name = _literal(part.arguments[0].rstrip(";"))
    return {posixpath.normpath(name)} if name else set()


def _copy_file(argument: str) -> str:
    """Where psql replaces no variables; empty for no file."""
    source = copy_source(argument)
    if source.startswith("'"):
        return source[1:-1].replace("''", "'")
    return "" if source.lower() in _NO_FILES else source


def _literal(argument: str) -> str | None:
    """The text of an argument; None when psql would compute it from a variable or by a program."""
    whole = _STRING.fullmatch(argument)
    if whole:
        return (whole.group(1) or whole.group(2) or "").replace("''", "'").replace('""', '"').replace("\\", "")
    return None if re.search(r"[:`'\"]", argument) else argument
