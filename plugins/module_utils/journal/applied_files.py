# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history, in the database itself, of the migration files and commands that were applied there.

It is restored and rolled back with the data, so it says what this very database holds.

The owner of a database can put anything into a schema of that name. So the table is used only when it is exactly the
one made here, and belongs to the role that connects, or to a superuser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from ..errors import Refused
from ..model import RECORD_SCHEMA
from ..ports.database import Session, identifier, statement

DEFAULT_SET = "default"

# What became of a file, or of a command, which is known by its digest.
APPLIED, REPEATED, COMMAND, BASELINE, ACCEPTED = ("applied", "repeatable", "command", "baseline", "accepted")

_TABLE = f"{RECORD_SCHEMA}.applied_file"
# Before there was a history of files, with a row for each set.
_SETS = f"{RECORD_SCHEMA}.migration_set"

_CREATE = f"""
CREATE TABLE {_TABLE} (
    set_name pg_catalog.text NOT NULL, name pg_catalog.text NOT NULL, run_id pg_catalog.text NOT NULL,
    kind pg_catalog.text NOT NULL, sha256 pg_catalog.text NOT NULL, place pg_catalog.int4 NOT NULL,
    transactional pg_catalog.bool, seconds pg_catalog.float8, reason pg_catalog.text NOT NULL,
    applied_by pg_catalog.text NOT NULL, applied_at pg_catalog.timestamptz NOT NULL,
    verified_at pg_catalog.timestamptz, PRIMARY KEY (set_name, name, run_id))
"""
_COLUMNS = {
    "applied_file": (
        "applied_at 1184",
        "applied_by 25",
        "kind 25",
        "name 25",
        "place 23",
        "reason 25",
        "run_id 25",
        "seconds 701",
        "set_name 25",
        "sha256 25",
        "transactional 16",
        "verified_at 1184",
    ),
    "migration_set": ("applied_at 1184", "digest 25", "files 3802", "run_id 25", "verified_at 1184"),
}

_SCHEMA_EXISTS = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s)"

# Only the catalogs are read until the table is known to run nothing: no view, trigger, rule, policy, default, generated
# column, CHECK, foreign key, index expression, user-defined type, or table that inherits.
_FORM = """
SELECT c.oid, pg_catalog.pg_get_userbyid(c.relowner),
       (r.rolsuper OR r.rolname IN (SESSION_USER, CURRENT_USER)) AS trusted,
       c.relkind = 'r' AND c.relpersistence = 'p' AND NOT c.relhasrules AND NOT c.relhassubclass
       AND NOT c.relrowsecurity AND NOT c.relispartition
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_attrdef d WHERE d.adrelid = c.oid)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = c.oid)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype NOT IN ('p', 'n'))
       AND ARRAY(SELECT x.indisprimary AND x.indexprs IS NULL AND x.indpred IS NULL
                   FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid) = ARRAY[true]
       AND ARRAY(SELECT a.attname::pg_catalog.text || ' ' || a.atttypid::pg_catalog.text
                   FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname)
           = %(columns)s::pg_catalog.text[] AS plain,
       ARRAY(SELECT DISTINCT COALESCE(pg_catalog.pg_get_userbyid(NULLIF(g.grantee, 0))::pg_catalog.text, 'PUBLIC')
               FROM pg_catalog.aclexplode(c.relacl) AS g
              WHERE g.grantee <> c.relowner AND g.privilege_type <> 'SELECT') AS writers
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
 WHERE n.nspname = %(schema)s AND c.relname = %(table)s
"""

_ROWS = f"""
SELECT set_name, name, run_id, kind, sha256, place, transactional, seconds, reason, applied_by, applied_at
  FROM {_TABLE} WHERE verified_at IS NOT NULL ORDER BY applied_at, run_id, place
"""
_ROWS_OF_SETS = f"""
SELECT '{DEFAULT_SET}', f.key, m.run_id, '{APPLIED}', f.value,
       pg_catalog.row_number() OVER (PARTITION BY m.digest ORDER BY f.key)::pg_catalog.int4,
       NULL::pg_catalog.bool, NULL::pg_catalog.float8, '', '', m.applied_at, m.verified_at
  FROM {_SETS} AS m CROSS JOIN LATERAL pg_catalog.jsonb_each_text(m.files) AS f WHERE m.verified_at IS NOT NULL
UNION ALL
SELECT '{DEFAULT_SET}', '', m.run_id, '{COMMAND}', m.digest, 1, NULL, NULL, '', '', m.applied_at, m.verified_at
  FROM {_SETS} AS m WHERE m.verified_at IS NOT NULL AND m.files OPERATOR(pg_catalog.=) '{{}}'
"""
_INSERT = f"""
INSERT INTO {_TABLE} (set_name, run_id, name, kind, sha256, place, transactional, seconds, reason, applied_by,
                      applied_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, SESSION_USER, pg_catalog.clock_timestamp())
"""
_TAKE_OVER = f"""
INSERT INTO {_TABLE} (set_name, name, run_id, kind, sha256, place, transactional, seconds, reason, applied_by,
                      applied_at, verified_at) {_ROWS_OF_SETS} ON CONFLICT DO NOTHING
"""
_SET_VERIFIED = f"UPDATE {_TABLE} SET verified_at = pg_catalog.now() WHERE run_id OPERATOR(pg_catalog.=) %s"


@dataclass(frozen=True)
class AppliedFile:
    """What was applied and verified.

    :param set_name: the application that the file is of.
    :param name: relative to the root of its set; of a command its words, or empty.
    :param run_id: of the run that applied it.
    :param kind: :data:`APPLIED`, :data:`REPEATED`, :data:`COMMAND`, :data:`BASELINE` (recorded without running it) or
        :data:`ACCEPTED` (changed after it was applied, and not run again).
    :param sha256: of its content, hexadecimal; of a command the digest of its set.
    :param place: in the order of its run, from 1.
    :param transactional: None where that was not recorded.
    :param seconds: how long it took; None where nothing was run.
    :param reason: why a person accepted it; empty where no reason was needed.
    :param applied_by: the role that connected.
    """

    set_name: str
    name: str
    run_id: str
    kind: str
    sha256: str
    place: int
    transactional: bool | None
    seconds: float | None
    reason: str
    applied_by: str
    applied_at: datetime | None


@dataclass(frozen=True)
class Applying:
    """What a run records; the attributes are those of :class:`AppliedFile`."""

    name: str
    kind: str
    sha256: str
    place: int
    transactional: bool | None = None
    seconds: float | None = None
    reason: str = ""


def read(session: Session) -> list[AppliedFile]:
    """What was applied to the session's database and verified, in its order.

    :raises Refused: the history is not the table that is made here.
    """
    found = session.rows(_ROWS) if _exists(session, "applied_file") else []
    if _exists(session, "migration_set"):
        found = [*[row[:-1] for row in session.rows(_ROWS_OF_SETS)], *found]
    return [AppliedFile(*row) for row in found]


def write(session: Session, set_name: str, run_id: str, files: Sequence[Applying]) -> None:
    """Record what a run has applied, and is still to verify.

    :param session: one in which no event trigger fires, such as one that forbids schemas: :mod:`login_triggers`.
    :raises Refused: the history is not the table that is made here.
    """
    with session.transaction():
        if not _exists(session, "applied_file"):
            _create(session)
        if _exists(session, "migration_set"):
            session.execute(_TAKE_OVER)
            session.execute(f"DROP TABLE {_SETS}")
        for file in files:
            session.execute(_INSERT, (set_name, run_id, *astuple(file)))


def mark_verified(session: Session, run_id: str) -> None:
    """
    :raises Refused: the history is not the table that is made here.
    """
    if _exists(session, "applied_file"):
        session.execute(_SET_VERIFIED, (run_id,))


def _create(session: Session) -> None:
    if not session.value(_SCHEMA_EXISTS, (RECORD_SCHEMA,)):
        session.execute(f"CREATE SCHEMA {RECORD_SCHEMA}")
    session.execute(_CREATE)
    # Default privileges of the role may have granted more than the owner's.
    for grantee in _form(session, "applied_file")[0][4]:
        role = statement("PUBLIC") if grantee == "PUBLIC" else identifier(grantee)
        session.execute(statement(f"REVOKE ALL ON TABLE {_TABLE} FROM {{role}}", role=role))
    _exists(session, "applied_file")


def _form(session: Session, table: str) -> list[tuple[Any, ...]]:
    return session.rows(_FORM, {"schema": RECORD_SCHEMA, "table": table, "columns": list(_COLUMNS[table])})


def _exists(session: Session, table: str) -> bool:
    """
    :raises Refused: there is something of that name that must not be used.
    """
    found = _form(session, table)
    name = f"{RECORD_SCHEMA}.{table}"
    for _oid, owner, trusted, plain, writers in found:
        wrong = ", ".join(_wrong(owner, trusted, plain, writers))
        if wrong:
            raise Refused(
                f"{name} in {session.target.dbname}, where applied migrations are recorded, cannot be trusted: "
                f"{wrong}.",
                remedy=f"Look at it (\\d+ {name}), find out who made it, and rename or drop it. Without it every file "
                "counts as not applied, so name those that are still to be applied.",
            )
    return bool(found)


def _wrong(owner: str, trusted: bool, plain: bool, writers: list[str]) -> Iterator[str]:
    if not trusted:
        yield f"it belongs to {owner}"
    if not plain:
        yield "it is not the plain table that this collection makes"
    if writers:
        yield f"it can be written by {', '.join(writers)}"
