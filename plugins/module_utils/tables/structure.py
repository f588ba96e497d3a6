# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of chosen tables, moved to a schema of their own in a scratch database, and dumped from there.

PostgreSQL moves a table with its indexes, constraints and sequences (ALTER TABLE … SET SCHEMA), so no SQL is rewritten.
What ties a table to others is cut before: foreign keys to and from other tables, and the parent of a partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..backup_set import scripts
from ..errors import Refused
from ..model import Target
from ..ports import commands
from ..ports.database import WRITING, Session, environment, identifier, literal, session, statement
from ..postgres import pg_tools
from . import chosen

_STALL_SECONDS = 1800

# A table with all of its partitions; a child by inheritance is a table of its own.
_MEMBERS = """
WITH RECURSIVE tree (root, oid) AS (
SELECT n.nspname || '.' || c.relname, c.oid
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname = ANY (%s)
 UNION ALL
SELECT t.root, c.oid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition)
SELECT t.root, c.oid, n.nspname, c.relname, c.relkind::text
  FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 ORDER BY 1, 3, 4
"""

_PARENTS = """
SELECT n.nspname, c.relname, p.nspname, r.relname, c.relispartition, pg_catalog.pg_get_expr(c.relpartbound, c.oid)
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class r ON r.oid = i.inhparent JOIN pg_catalog.pg_namespace p ON p.oid = r.relnamespace
 WHERE i.inhrelid = ANY (%(members)s) AND NOT i.inhparent = ANY (%(members)s)
 ORDER BY 1, 2, 3, 4
"""

_FOREIGN_KEYS = """
SELECT n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid), k.conrelid = ANY (%(members)s)
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND k.conrelid = ANY (%(members)s) <> (k.confrelid = ANY (%(members)s))
 ORDER BY 1, 2, 3
"""

_STATISTICS = """
SELECT n.nspname, s.stxname FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
 WHERE s.stxrelid = ANY (%s) ORDER BY 1, 2
"""

_SEQUENCES = """
SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND n.nspname = %s ORDER BY 1
"""


@dataclass(frozen=True)
class Member:
    """A chosen table, or a partition of one.

    :param root: the label of the chosen table.
    :param kind: pg_class.relkind.
    """

    root: str
    oid: int
    schema: str
    name: str
    kind: str


@dataclass(frozen=True)
class ForeignKey:
    """Between a chosen table and another one.

    :param outgoing: it is the chosen table's.
    """

    schema: str
    table: str
    name: str
    definition: str
    outgoing: bool

    @property
    def creation(self) -> Any:
        return statement(
            "ALTER TABLE {table} ADD CONSTRAINT {name} {definition}",
            table=identifier(self.schema, self.table),
            name=identifier(self.name),
            definition=statement(self.definition.replace("{", "{{").replace("}", "}}")),
        )

    @property
    def described(self) -> str:
        return f"foreign key {self.name} of {self.schema}.{self.table}: {self.definition}"


@dataclass(frozen=True)
class Structure:
    """
    :param before: SQL that makes the schema and its tables, before there are rows.
    :param after: SQL that makes indexes, constraints, triggers and policies.
    :param sequences: last value and whether it was called, by name.
    :param parents: that a chosen table was a partition or a child of, a line each.
    """

    members: tuple[Member, ...]
    before: bytes
    after: bytes
    sequences: dict[str, tuple[int, bool]]
    foreign_keys: tuple[ForeignKey, ...]
    parents: tuple[str, ...]

    @property
    def not_carried(self) -> tuple[str, ...]:
        return (*(key.described for key in self.foreign_keys), *self.parents)


def members(reader: Session, labels: Sequence[str]) -> tuple[Member, ...]:
    return tuple(Member(*row) for row in reader.rows(_MEMBERS, (list(labels),)))


def foreign_keys(reader: Session, oids: Sequence[int]) -> tuple[ForeignKey, ...]:
    """Those between the members and other tables, in either direction."""
    return tuple(ForeignKey(*row) for row in reader.rows(_FOREIGN_KEYS, {"members": list(oids)}))


def moved(scratch: Target, tools: pg_tools.Tools, labels: Sequence[str], schema: str, mark: str) -> Structure:
    """
    :param scratch: a database with every object of the backup, which this one changes.
    :param mark: the comment of the schema.
    :raises Refused: two tables have one name.
    """
    with session(scratch, WRITING, "recover table") as editor:
        found = members(editor, labels)
        chosen.require_distinct([(member.schema, member.name) for member in found], schema)
        oids = [member.oid for member in found]
        above = tuple(parents(editor, oids))
        _detach(editor, oids)
        keys = foreign_keys(editor, oids)
        cut(editor, keys)
        move(editor, found, schema, mark)
        sequences = {name: _state(editor, schema, name) for (name,) in editor.rows(_SEQUENCES, (schema,))}
    before, after = (_dumped(scratch, tools, schema, section) for section in ("pre-data", "post-data"))
    return Structure(found, before, after, sequences, keys, above)


def parents(reader: Session, oids: Sequence[int]) -> list[str]:
    """Of which other tables the members are partitions or children, a line each."""
    return [
        f"{schema}.{name} is a {'partition' if partition else 'child'} of {parent_schema}.{parent}"
        f"{f' {bound}' if bound else ''}"
        for schema, name, parent_schema, parent, partition, bound in reader.rows(_PARENTS, {"members": list(oids)})
    ]


def _detach(editor: Session, oids: list[int]) -> None:
    for schema, name, parent_schema, parent, partition, _bound in editor.rows(_PARENTS, {"members": oids}):
        child, above = identifier(schema, name), identifier(parent_schema, parent)
        detach = "ALTER TABLE {above} DETACH PARTITION {child}"
        cut_off = detach if partition else "ALTER TABLE {child} NO INHERIT {above}"
        editor.execute(statement(cut_off, child=child, above=above))


def cut(editor: Session, foreign_keys: Sequence[ForeignKey]) -> None:
    for key in foreign_keys:
        drop = "ALTER TABLE {table} DROP CONSTRAINT {name}"
        editor.execute(statement(drop, table=identifier(key.schema, key.table), name=identifier(key.name)))


def move(editor: Session, found: Sequence[Member], schema: str, mark: str) -> None:
    side = identifier(schema)
    editor.execute(statement("CREATE SCHEMA {side}", side=side))
    editor.execute(statement("COMMENT ON SCHEMA {side} IS {mark}", side=side, mark=literal(mark)))
    for member in found:
        move_table(editor, member.oid, (member.schema, member.name), schema)


def move_table(editor: Session, oid: int, table: tuple[str, str], schema: str) -> None:
    """A table with its statistics objects; PostgreSQL takes its indexes, constraints and sequences along."""
    side = identifier(schema)
    for name in editor.rows(_STATISTICS, ([oid],)):
        editor.execute(statement("ALTER STATISTICS {name} SET SCHEMA {side}", name=identifier(*name), side=side))
    editor.execute(statement("ALTER TABLE {table} SET SCHEMA {side}", table=identifier(*table), side=side))


def _state(editor: Session, schema: str, name: str) -> tuple[int, bool]:
    query = statement("SELECT last_value, is_called FROM {sequence}", sequence=identifier(schema, name))
    last_value, is_called = editor.row(query)
    return int(last_value), bool(is_called)


def _dumped(scratch: Target, tools: pg_tools.Tools, schema: str, section: str) -> bytes:
    """
    :raises CommandFailed: pg_dump failed.
    """
    argv = pg_tools.dump_schema(tools, schema, section)
    env = environment(scratch, purpose="recover table")
    command = commands.Command(argv, env, stall_limit=_STALL_SECONDS)
    return b"".join(scripts.canonical(commands.stream(command)))


def require_all(found: Sequence[Member], labels: Sequence[str]) -> None:
    """
    :raises Refused: a table of the manifest is not among what was restored.
    """
    missing = sorted(set(labels) - {member.root for member in found})
    if missing:
        raise Refused(f"The backup's objects have no table {', '.join(missing)}.")
