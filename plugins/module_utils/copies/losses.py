# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollback of a database does not give back: as its catalogs foretell it, and as the proof finds it.

Preflight, the question before a migration or a rollback, and the verdict all have it from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..backup_set.manifest import Manifest
from ..compare import fingerprint
from ..compare.catalog.sql import RELATION, of_class, of_users
from ..journal.events import Event
from ..journal.journal import Journal
from ..model import Fingerprint
from ..ports.database import Session
from ..text import first_few

Losses = Mapping[str, Sequence[str]]

REORDERED = "inheriting tables get their columns in another order"
_FILLED = "materialized views are refreshed, not restored"
_INVALID = "invalid indexes are left out"
_DISABLED = "disabled foreign keys are enabled"
_SHELLS = "operators without a function are left out"
_SUBSCRIPTIONS = "subscriptions are left out"

# What the proof compares, object by object; the others are as foretold.
_COMPARED = frozenset({REORDERED, _FILLED, _INVALID, _DISABLED, _SHELLS, _SUBSCRIPTIONS})

_QUERIES = {
    _FILLED: f"""SELECT {RELATION} FROM (SELECT oid FROM pg_class WHERE relkind = 'm' AND relispopulated) AS v
 {of_class("v.oid")} ORDER BY 1""",
    _INVALID: f"""SELECT {RELATION} FROM pg_index i {of_class("i.indexrelid")} AND NOT i.indisvalid
   AND c.relkind <> 'I' ORDER BY 1""",
    _DISABLED: f"""SELECT DISTINCT {RELATION} || '.' || quote_ident(k.conname) FROM pg_trigger g
  JOIN pg_constraint k ON k.oid = g.tgconstraint {of_class("g.tgrelid")} AND g.tgisinternal AND g.tgenabled <> 'O'
 ORDER BY 1""",
    # A foreign key that a partition had before it was attached; a restore makes it from that of the partitioned table.
    "foreign keys of partitions get the names of those of the partitioned table": f"""
SELECT {RELATION} || '.' || quote_ident(k.conname) FROM pg_constraint k JOIN pg_constraint p ON p.oid = k.conparentid
 {of_class("k.conrelid")} AND k.contype = 'f' AND k.confrelid = p.confrelid AND k.conname <> p.conname ORDER BY 1""",
    # As pg_dump tells which to load through the partitioned table: an enum's values have other OIDs in a copy.
    "rows move between the partitions of tables that are hashed by an enum": f"""
SELECT {RELATION} FROM pg_partitioned_table t {of_class("t.partrelid")} AND t.partstrat = 'h'
   AND (SELECT o.oid FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
         WHERE o.opcname = 'enum_ops' AND m.amname = 'hash') = ANY (t.partclass) ORDER BY 1""",
    _SHELLS: f"""SELECT o.oid::regoperator::text FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
 WHERE o.oprcode = 0 AND {of_users()} ORDER BY 1""",
    _SUBSCRIPTIONS: """SELECT subname FROM pg_subscription
 WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1""",
    "extensions belong to the role that restores": """SELECT extname FROM pg_extension
 WHERE extname <> 'plpgsql' AND pg_get_userbyid(extowner) <> CURRENT_USER ORDER BY 1""",
}

_INHERITING = """
SELECT c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT i.inhparent::bigint FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT c.relispartition AND c.relkind IN ('r', 'f') AND c.relpersistence <> 't'
   AND EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) ORDER BY 2
"""

# A table's name, its columns in their order, and the tables that it inherits from, in their order.
Table = tuple[str, Sequence[str], Sequence[int]]


def read(session: Session) -> dict[str, tuple[str, ...]]:
    """What is lost, and of which objects, by the catalogs of the session's database alone; nothing that loses none.

    :raises QueryFailed: a catalog cannot be read.
    """
    tables = {oid: (name, columns, parents) for oid, name, columns, parents in session.rows(_INHERITING)}
    found = {REORDERED: reordered(tables)}
    for loss, query in _QUERIES.items():
        found[loss] = tuple(name for (name,) in session.rows(query))
    return {loss: names for loss, names in found.items() if names}


def reordered(tables: Mapping[int, Table]) -> tuple[str, ...]:
    """The tables whose columns a restore puts in another order: those of the parents first, then the table's own.

    https://www.postgresql.org/docs/current/ddl-inherit.html and MergeAttributes() in tablecmds.c
    """
    return tuple(name for oid, (name, columns, _parents) in tables.items() if _restored(oid, tables) != list(columns))


def _restored(oid: int, tables: Mapping[int, Table]) -> list[str]:
    _name, columns, parents = tables[oid]
    inherited = [column for parent in parents if parent in tables for column in _restored(parent, tables)]
    return list(dict.fromkeys([*inherited, *columns]))


def lines(losses: Losses) -> tuple[str, ...]:
    """A readable line each."""
    return tuple(f"{loss}: {first_few(list(names), 10)}" for loss, names in sorted(losses.items()))


def proven(losses: Losses, before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """As :func:`lines`, where the proof could compare: only what did differ, by object.

    :param losses: foretold at the backup.
    :param before: of the database; :param after: of its copy.
    """
    foretold = {loss: names for loss, names in losses.items() if loss not in _COMPARED}
    return (*fingerprint.information(before, after), *lines(foretold))


def known(manifest: Manifest, run_journal: Journal | None) -> tuple[str, ...]:
    """A line each: as the proof of the backup has noted them; as they were foretold, where there is no proof."""
    proof = run_journal.last(Event.VERIFIED) if run_journal else None
    return tuple(proof.facts.get("not_given_back", ())) if proof else lines(manifest.losses)


def exception(lost: Sequence[str]) -> str:
    """What has to follow "as it was before"; empty when it is."""
    return f", except: {first_few(lost)}" if lost else ""
