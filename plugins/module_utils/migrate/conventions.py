# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How migration files are named and marked by this collection and by the tools that people come from; pure.

- Flyway: ``V1.2__add_grade.sql`` once, ``R__views.sql`` whenever its content changed, subdirectories included.
  https://documentation.red-gate.com/fd/migrations-271585107.html
- dbmate: ``20260101120000_add_grade.sql`` with the parts ``-- migrate:up`` and ``-- migrate:down``.
  https://github.com/amacneil/dbmate
- golang-migrate: ``1_add_grade.up.sql`` beside ``1_add_grade.down.sql``.
  https://github.com/golang-migrate/migrate/blob/master/MIGRATIONS.md
- Everything else: a version in front, or the order of the names.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import BadRequest

# First lines of a file, in any order.
NO_TRANSACTION = "-- pgsafe: no-transaction"
REPEATABLE = "-- pgsafe: repeatable"

_SQL = ".sql"
_UP, _DOWN = ".up.sql", ".down.sql"

_FLYWAY = re.compile(r"(?P<prefix>[VRUB])(?P<version>[0-9]+(?:[._][0-9]+)*)?__.+\.sql")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*(?=$|[-_ ])")

# A line of its own, with options behind it: https://github.com/amacneil/dbmate#migration-options
_PART = re.compile(r"--\s*migrate:(?P<part>up|down)\b(?P<options>.*)")
_NOT_TRANSACTIONAL = re.compile(r"\btransaction:\s*false\b")


@dataclass(frozen=True)
class Marked:
    """What a file says of itself.

    :param text: what runs of it, in its own lines; empty when all of it does.
    """

    transactional: bool
    repeatable: bool
    text: str = ""


def chosen(tree: Iterable[str]) -> list[str]:
    """The migration files among the files of a set, in the order in which they run.

    :param tree: paths relative to the set's root.
    :raises BadRequest: two files have the same version, or one is named by no rule of the others.
    """
    files = [name for name in tree if name.endswith(_SQL) and not f"/{name}".count("/.")]
    if any(_flyway(name) for name in files):
        return _of_flyway(files)
    here = [name for name in files if "/" not in name]
    if any(name.endswith(_UP) for name in here):
        here = [name for name in here if not name.endswith(_DOWN)]
    return _in_order(here)


def is_repeatable(name: str) -> bool:
    """By Flyway's name of it."""
    found = _flyway(name)
    return bool(found and found["prefix"] == "R")


def version(name: str) -> tuple[int, ...]:
    """The version in front of a file's name, without the zeros at its end; empty when there is none."""
    base = posixpath.basename(name)
    found = _flyway(base)
    text = found["version"] if found else _leading(base)
    numbers = [int(part) for part in re.split(r"[._]", text)] if text else []
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def marked(name: str, text: str) -> Marked:
    """
    :param text: the content of the file.
    :raises BadRequest: a file with dbmate's marks has no part ``up``, or a line of ours has another word.
    """
    words = _first_lines(text)
    if strange := sorted(words - {NO_TRANSACTION, REPEATABLE}):
        raise BadRequest(
            f"{name} begins with {strange[0]!r}, which has no meaning.",
            remedy=f"Write {NO_TRANSACTION} or {REPEATABLE}, or leave the line out.",
        )
    repeatable = REPEATABLE in words or is_repeatable(name)
    parts = [(number, found) for number, line in enumerate(text.splitlines()) if (found := _PART.match(line))]
    if not parts:
        return Marked(NO_TRANSACTION not in words, repeatable)
    return _up_part(name, text, parts, repeatable)


def _up_part(name: str, text: str, parts: Sequence[tuple[int, re.Match[str]]], repeatable: bool) -> Marked:
    """The lines of other parts stay as empty ones, so that an error names the line that people see."""
    lines = text.splitlines()
    ends = [number for number, _found in parts[1:]] + [len(lines)]
    kept = [""] * len(lines)
    transactional = True
    for (begin, found), end in zip(parts, ends):
        if found["part"] == "up":
            kept[begin + 1 : end] = lines[begin + 1 : end]
            transactional = not _NOT_TRANSACTIONAL.search(found["options"])
    if not any(line.strip() for line in kept):
        raise BadRequest(f"{name} has nothing after -- migrate:up.", remedy="Fill that part, or remove the file.")
    return Marked(transactional, repeatable, "\n".join(kept) + "\n")


def _first_lines(text: str) -> set[str]:
    words: set[str] = set()
    for line in text.splitlines():
        if not line.startswith("-- pgsafe:"):
            break
        words.add(line.strip())
    return words


def _flyway(name: str) -> re.Match[str] | None:
    found = _FLYWAY.fullmatch(posixpath.basename(name))
    versioned = bool(found and found["version"])
    return found if found and versioned == (found["prefix"] != "R") else None


def _leading(base: str) -> str:
    found = _VERSION.match(base[: -len(_UP)] if base.endswith(_UP) else base[: -len(_SQL)])
    return found.group() if found else ""


def _of_flyway(files: Sequence[str]) -> list[str]:
    """Undo scripts never run; what has no name of Flyway's would not run there, and is no file that others include."""
    strangers = [name for name in files if not _flyway(name) and "/" not in name]
    if strangers:
        raise BadRequest(
            f"{', '.join(sorted(strangers))}: next to files with Flyway's names, this name does not say whether the "
            "file runs once or is repeatable.",
            remedy="Rename it (V<version>__<description>.sql, R__<description>.sql), or name the files in "
            "pg_migrate_files.",
        )
    prefixes = {name: found["prefix"] for name in files if (found := _flyway(name))}
    baselines = sorted(name for name, prefix in prefixes.items() if prefix == "B")
    if baselines:
        raise BadRequest(
            f"{', '.join(baselines)}: baseline migrations of Flyway stand for all files before them, which is not "
            "decided here.",
            remedy="Name the files to apply in pg_migrate_files.",
        )
    versioned = _in_order([name for name, prefix in prefixes.items() if prefix == "V"])
    return versioned + sorted((name for name, prefix in prefixes.items() if prefix == "R"), key=posixpath.basename)


def _in_order(names: Sequence[str]) -> list[str]:
    """By version as numbers, then the files without one by name."""
    keyed = sorted((not version(name), version(name), name) for name in names)
    for (_none, before, one), (_other, after, another) in zip(keyed, keyed[1:]):
        if before and before == after:
            raise BadRequest(
                f"{one} and {another} have the same version {'.'.join(map(str, before))}, so their order is undefined.",
                remedy="Give one of them another version, or name the files in pg_migrate_files in their order.",
            )
    return [name for _none, _version, name in keyed]
