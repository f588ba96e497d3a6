# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace live tables with recovered ones, in one transaction.

The live tables move to a schema of their own, where they stay until a person drops them; the recovered ones take their
places. Foreign keys follow the names: those that other tables have today and those of the backup, in both directions,
are created on the recovered tables, and the replaced tables keep none. Whatever else refers to a live table, such as a
view, would go on reading the replaced one, so it is a reason to refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ..copies import copy as copies
from ..errors import LockNotAvailable, PgsafeError, QueryFailed, Refused
from ..model import Target
from ..ports.database import WRITING, Session, identifier, session, statement
from ..text import first_few
from . import structure
from .structure import ForeignKey, Member, Structure

# A swap waits for no lock longer: it would keep all that come after it waiting.
_LOCKING = {**WRITING, "lock_timeout": "3s"}

# What belongs to a table goes with it: its row type, indexes, constraints, triggers, policies, rules, defaults,
# statistics objects, and the sequences that it owns. Foreign keys are created anew.
_DEPENDENTS = """
WITH members AS (SELECT pg_catalog.unnest(%(members)s::pg_catalog.oid[]) AS oid),
relations AS (
SELECT oid FROM members
 UNION SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid IN (SELECT oid FROM members)
 UNION SELECT d.objid FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_class c ON c.oid = d.objid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
 WHERE d.refclassid = d.classid AND d.refobjid IN (SELECT oid FROM members)
   AND c.relkind = 'S' AND d.deptype IN ('a', 'i')),
types AS (
SELECT t.oid FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
 WHERE t.typrelid IN (SELECT oid FROM relations) OR e.typrelid IN (SELECT oid FROM relations)),
constraints AS (SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid IN (SELECT oid FROM members)),
own AS (
SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS class, oid FROM relations
 UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, oid FROM types
 UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid FROM constraints),
inside AS (
SELECT class, oid FROM own
 UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, reltoastrelid FROM pg_catalog.pg_class
 WHERE oid IN (SELECT oid FROM members)
 UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid FROM pg_catalog.pg_constraint WHERE contype = 'f'
 UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid FROM pg_catalog.pg_trigger
 WHERE tgisinternal OR tgrelid IN (SELECT oid FROM members)
 UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, oid FROM pg_catalog.pg_policy
 WHERE polrelid IN (SELECT oid FROM members)
 UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, oid FROM pg_catalog.pg_rewrite
 WHERE ev_class IN (SELECT oid FROM members)
 UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid FROM pg_catalog.pg_attrdef
 WHERE adrelid IN (SELECT oid FROM members)
 UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, oid FROM pg_catalog.pg_statistic_ext
 WHERE stxrelid IN (SELECT oid FROM members))
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, 0)
  FROM pg_catalog.pg_depend d JOIN own o ON o.class = d.refclassid AND o.oid = d.refobjid
 WHERE NOT EXISTS (SELECT FROM inside i WHERE i.class = d.classid AND i.oid = d.objid)
 ORDER BY 1
"""

_KEY_THERE = """
SELECT count(*) FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relname = %s AND k.conname = %s
"""
_OIDS = """
SELECT c.relname, c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relkind IN ('r', 'p')
"""
_TABLE_THERE = """
SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')
"""


@dataclass(frozen=True)
class Replaced:
    """
    :param schema: where the replaced tables are, empty where there was none.
    :param rows: of the replaced tables, by label.
    :param not_created: foreign keys of the backup whose other table is gone, a line each.
    """

    schema: str
    rows: dict[str, int]
    not_created: tuple[str, ...]


def require_possible(target: Target, labels: Sequence[str]) -> None:
    """
    :raises Refused: something else refers to a live table, or it is a part of another one.
    """
    with session(target, purpose="recover table") as reader:
        _require_possible(reader, structure.members(reader, labels))


def run(target: Target, labels: Sequence[str], found: Structure, side: str) -> Replaced:
    """
    :param found: the recovered tables, which are in the schema ``side``.
    :raises PgsafeError: nothing was replaced; the recovered tables stay in ``side``.
    """
    try:
        with session(target, _LOCKING, "recover table") as writer, writer.transaction():
            return _swapped(writer, labels, found, side)
    except PgsafeError as error:
        raise _explained(error).with_state(
            f"The live tables are as they were; the recovered ones are in the schema {side}."
        ) from error


def _explained(error: PgsafeError) -> PgsafeError:
    if isinstance(error, LockNotAvailable):
        return Refused("Other sessions use the tables; they could not be locked within 3 s.", remedy="Try again later.")
    if isinstance(error, QueryFailed):
        error.remedy = error.remedy or "Compare the two, and carry over what you need by SQL."
    return error


def _swapped(writer: Session, labels: Sequence[str], found: Structure, side: str) -> Replaced:
    live = structure.members(writer, labels)
    for member in live:
        writer.execute(statement("LOCK TABLE ONLY {table}", table=identifier(member.schema, member.name)))
    live = structure.members(writer, labels)
    _require_possible(writer, live)
    rows = {member.root: _count(writer, member) for member in live if _is_root(member)}
    keys = structure.foreign_keys(writer, [member.oid for member in live])
    structure.cut(writer, keys)
    kept = _put_aside(writer, live) if live else ""
    _put_in_place(writer, found.members, side)
    not_created = _tie(writer, [*[key for key in keys if not key.outgoing], *found.foreign_keys])
    return Replaced(kept, rows, not_created)


def _require_possible(reader: Session, live: Sequence[Member]) -> None:
    oids = [member.oid for member in live]
    parents = structure.parents(reader, oids)
    dependents = [name for (name,) in reader.rows(_DEPENDENTS, {"members": oids})] if oids else []
    if parents or dependents:
        raise Refused(
            f"The tables cannot be replaced, since others refer to them: {first_few([*parents, *dependents])}.",
            remedy="Recover them into a schema of their own without swap, and carry over by SQL what you need.",
        )


def _is_root(member: Member) -> bool:
    return f"{member.schema}.{member.name}" == member.root


def _count(reader: Session, member: Member) -> int:
    table = identifier(member.schema, member.name)
    return int(reader.value(statement("SELECT count(*) FROM {table}", table=table)))


def _put_aside(writer: Session, live: Sequence[Member]) -> str:
    schema = f"replaced_{datetime.now(timezone.utc):%Y%m%d_%H%M%S}"
    structure.move(writer, live, schema, f"{copies.MARK}replaced with tables of a backup")
    return schema


def _put_in_place(writer: Session, recovered: Sequence[Member], side: str) -> None:
    oids = {str(name): int(oid) for name, oid in writer.rows(_OIDS, (side,))}
    for member in recovered:
        structure.move_table(writer, oids[member.name], (side, member.name), member.schema)
    writer.execute(statement("DROP SCHEMA {side}", side=identifier(side)))


def _tie(writer: Session, keys: Sequence[ForeignKey]) -> tuple[str, ...]:
    """Create the foreign keys that are not there; returns those whose table is gone."""
    missing = []
    for key in keys:
        if not writer.value(_TABLE_THERE, (key.schema, key.table)):
            missing.append(key.described)
        elif not writer.value(_KEY_THERE, (key.schema, key.table, key.name)):
            writer.execute(key.creation)
    return tuple(missing)
