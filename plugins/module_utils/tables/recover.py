# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recover tables of a backup into a schema of their own beside the live ones.

The states, and what a process that dies leaves behind:

1. looked: nothing was changed.
2. a scratch database ``…__table_…`` with every object of the backup and no row; its comment says whose it is. The next
   call with the same backup drops it, and so does the next run over this backup root.
3. one transaction in the live database makes the schema, the tables and their rows, compares these with the manifest,
   and makes indexes, constraints, triggers and policies. Nothing of it is seen before it is committed, and nothing is
   left of it when the process or the server dies.
4. committed: the tables are there, whole; where they shall replace the live ones, :mod:`swap` does it in a second
   transaction. Then the scratch database is dropped.

Without a swap the live tables are neither read nor locked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..compare import contents
from ..copies import copy as copies
from ..copies import sources
from ..errors import Problem, Refused, VerificationFailed
from ..model import COUNTS, Target
from ..names import LONGEST, quoted
from ..ports import signals
from ..ports.database import WRITING, Session, identifier, literal, session, statement
from ..postgres import login_triggers, owner_code
from ..preflight.restore_checks import run as restore_checks
from ..preflight.restore_checks.check import Intent
from ..text import first_few
from . import rows, structure, swap
from .chosen import Chosen, choose, intent, read_lock, require_intact, require_possible
from .structure import Structure
from .swap import Replaced

_SCHEMA_THERE = "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = %s"
# What its sessions are called.
_PURPOSE = "recover table"
_SET_SEQUENCE = "SELECT pg_catalog.setval({sequence}::pg_catalog.regclass, {value}, {called})"


@dataclass(frozen=True)
class TableRequest:
    """:param tables: labels, ``schema.table``.
    :param schema: of the recovered tables; it must not exist yet.
    :param swap: replace the live tables with the recovered ones.
    :param source: one of :data:`chosen.SOURCES`.
    :param waived: by the name of a check before a restore, why a person accepts its errors.
    :param free_bytes: what a person says is free, where it cannot be seen.
    """

    target: Target
    backup_dir: Path
    tables: tuple[str, ...]
    schema: str
    swap: bool
    source: str
    waived: Mapping[str, str]
    free_bytes: int | None


@dataclass(frozen=True)
class Recovered:
    """
    :param rows: by label.
    :param not_carried: what ties the tables to others and is not in the schema, a line each.
    :param replaced: the live tables that the recovered ones have replaced; None where they are beside them.
    :param problems: of the checks, where this is a forecast.
    """

    database: str
    schema: str
    source: str
    rows: dict[str, int]
    not_carried: tuple[str, ...] = ()
    replaced: Replaced | None = None
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0


def default_schema() -> str:
    return f"recovered_{datetime.now(timezone.utc):%Y%m%d_%H%M%S}"


def plan(request: TableRequest) -> Recovered:
    """What a recovery would do, by reading alone.

    :raises PgsafeError: it could not be begun.
    """
    chosen = choose(request.target, request.backup_dir, request.tables, request.source)
    target = login_triggers.silenced(request.target)
    _require_place(target, request, chosen)
    found = problems(target, intent(chosen, request.free_bytes, request.waived))
    return Recovered(target.dbname, request.schema, request.source, _rows(chosen), problems=found)


def run(request: TableRequest) -> Recovered:
    """
    :raises PgsafeError: it could not be done; the database is as it was before the call.
    """
    started = time.monotonic()
    chosen = choose(request.target, request.backup_dir, request.tables, request.source)
    target = login_triggers.silenced(request.target)
    _require_place(target, request, chosen)
    require_possible(target, intent(chosen, request.free_bytes, request.waived))
    source = sources.of(target, chosen.directory, chosen.manifest, jobs=1)
    scratch = copies.scratch(target, chosen.scratch_name, source, _PURPOSE)
    with signals.raised("The recovery"), read_lock(chosen), scratch:
        require_intact(chosen)
        found = structure_of(target, chosen, source, request.schema)
        _carry_over(target, chosen, source, request.schema, found)
        replaced = swap.run(target, chosen.labels, found, request.schema) if request.swap else None
    seconds = round(time.monotonic() - started, 3)
    left = found.not_carried if replaced is None else replaced.not_created
    return Recovered(
        target.dbname, request.schema, request.source, _rows(chosen), left, replaced, problems=(), seconds=seconds
    )


def problems(target: Target, wanted: Intent) -> tuple[Problem, ...]:
    """What stands in the way of a scratch database."""
    return restore_checks.problems(restore_checks.look(target, wanted))


def _rows(chosen: Chosen) -> dict[str, int]:
    return {label: chosen.manifest.fingerprint.tables[label].rows for label in chosen.labels}


def _require_place(target: Target, request: TableRequest, chosen: Chosen) -> None:
    require_free(target, request.schema)
    if request.swap:
        swap.require_possible(target, chosen.labels)


def require_free(target: Target, schema: str) -> None:
    """
    :raises Refused: there is such a schema, or cannot be.
    """
    if not 0 < len(schema.encode()) <= LONGEST or schema.startswith("pg_"):
        raise Refused(f"A schema cannot have the name {schema!r}.", remedy="Choose another name for schema.")
    with session(target, purpose=_PURPOSE) as reader:
        taken = reader.value(_SCHEMA_THERE, (schema,))
    if taken:
        raise Refused(
            f"{target.dbname} has a schema {schema} already.",
            remedy="Choose another name for schema, or leave it out.",
        )


def mark(run_id: str) -> str:
    return f"{copies.MARK}recovered from the backup {run_id}"


def structure_of(target: Target, chosen: Chosen, source: copies.Source, schema: str) -> Structure:
    name = chosen.scratch_name
    load = copies.load_script_without_rows if chosen.structure == "script" else copies.load_archive_without_rows
    load(target, name, source)
    scratch = target.database(name)
    found = structure.moved(scratch, source.tools, chosen.labels, schema, mark(chosen.manifest.run_id))
    structure.require_all(found.members, chosen.labels)
    return found


def _carry_over(target: Target, chosen: Chosen, source: copies.Source, schema: str, found: Structure) -> None:
    with session(target, WRITING, _PURPOSE) as writer, writer.transaction():
        writer.run_script(found.before)
        require_trusted(writer)
        rows.load(writer, chosen, source.tools, found.members, lambda _schema, name: identifier(schema, name))
        compare(writer, chosen, schema, found)
        for name, (value, called) in found.sequences.items():
            sequence = literal(f"{quoted(schema)}.{quoted(name)}")
            writer.execute(
                statement(_SET_SEQUENCE, sequence=sequence, value=literal(value), called=literal(called))
            )
        writer.run_script(found.after)


def require_trusted(writer: Session) -> None:
    """
    :raises Refused: loading or reading rows would run functions of other roles.
    """
    code = owner_code.found(writer)
    if code:
        raise Refused(
            f"Loading rows into {writer.target.dbname} would run functions of other roles with the rights of this one: "
            f"{first_few([it.described for it in code])}.",
            remedy="Read these functions, or connect as their owner. If the owners may do what this role may: "
            "trust_owner: true",
        )


def compare(reader: Session, chosen: Chosen, schema: str, found: Structure) -> None:
    """
    :raises VerificationFailed: a table does not hold what the manifest says.
    """
    parts = [part for part in contents.parts(reader) if part.table.schema == schema]
    names = {f"{member.schema}.{member.name}": member.name for member in found.members}
    wrong = []
    for label in chosen.labels:
        wanted = chosen.manifest.fingerprint.tables[label]
        mine = [part for part in parts if part.table.name == names[label]]
        rows_found, content = _summed([contents.read(reader, part, wanted.mode) for part in mine])
        if rows_found != wanted.rows or (wanted.mode != COUNTS and content != wanted.content):
            wrong.append(f"{label} has {rows_found:,} rows, of {wanted.rows:,} that the manifest says")
    if wrong:
        raise VerificationFailed(f"The recovered rows are not what the manifest says: {'; '.join(wrong)}.")


def _summed(states: Sequence[tuple[int, int, int]]) -> tuple[int, str]:
    totals = [sum(column) for column in zip(*states)] or [0, 0, 0]
    return totals[0], f"{totals[1]}:{totals[2]}"
