# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify a migration: exit status 0 is not success. What it made is compared with the backup and what was declared.

Only reading; docs/migration_verify.md says what fails a migration and what is only reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ... import names
from ...audit import run as audit
from ...audit.finding import Finding
from ...backup_set.manifest import Manifest
from ...compare import cluster, fingerprint
from ...compare.catalog.facts import Change
from ...model import COUNTS, FULL, SOURCE, UNREADABLE, Fingerprint, LargeObjects, TableState, Target
from ...ports.database import ONE_SNAPSHOT, Session, session
from ...postgres import identity as identities
from ...postgres import owner_code, queries
from . import assertions, audit_deltas, expectations, inventory, leftovers
from .audit_deltas import Delta
from .expectations import TableChange
from .leftovers import BehindSequence, KeptTable, Unanalysed
from .result import Verification, Wanted

_LARGE_OBJECTS = "large objects"

# Rules of the audit whose subject is judged here by what the migration has touched.
_TOLD_HERE = ("disabled_triggers", "sequences_behind")

# Whether the migration has done anything: it has; it certainly has not; it cannot be told.
_BUSY, _IDLE, _UNKNOWN = ("busy", "idle", "unknown")

_NOTHING_DONE = (
    "The migration has changed nothing at all: every row, object and sequence is as the backup holds it. If that is "
    "right, set pg_migrate_verification.may_do_nothing."
)
_NOTHING_DONE_AS_DECLARED = "The migration changed nothing at all, which may_do_nothing allows."
_CANNOT_BE_TOLD = (
    "Could not check whether the migration changed anything: the objects and the row counts are the same as before, "
    "and the backup's fingerprint does not have every row."
)


@dataclass(frozen=True)
class _Seen:
    """The database after the migration, as one snapshot has it.

    :param untouched: keys of what the rules did not look at again.
    :param there: without the contents of tables.
    :param is_source: it is the very database that was backed up, and not a restored copy.
    """

    rows: Mapping[str, int]
    large_objects: int
    there: Fingerprint
    found: tuple[Finding, ...]
    untouched: tuple[str, ...]
    behind: tuple[BehindSequence, ...]
    unanalysed: tuple[Unanalysed, ...]
    kept: tuple[KeptTable, ...]
    outside: tuple[str, ...]
    is_source: bool


def as_it_is(target: Target, manifest: Manifest, rows: Mapping[str, int], purpose: str) -> Manifest:
    """The manifest of a backup with the objects, rows and findings of the database as it is now, without content.

    What the rules find in rows is the backup's: clients cannot break a constraint, and looking takes its time.

    :param rows: by table.
    :raises Refused: reading it would run functions of roles that are not trusted.
    :raises QueryFailed: the database cannot be read.
    """
    with session(target, purpose=purpose) as reader, reader.transaction(ONE_SNAPSHOT):
        owner_code.require_readable(reader)
        there = fingerprint.without_contents(reader, SOURCE)
        found, untouched = audit_deltas.read(reader, ())
        objects = {str(oid): UNREADABLE for (oid,) in reader.rows(queries.LARGE_OBJECTS)}
    tables = {label: TableState(count, "", COUNTS) for label, count in rows.items()}
    own_rules = {key: count for key, count in manifest.findings.items() if key.partition(" ")[0] not in audit.NAMES}
    of_rows = audit_deltas.kept(manifest.findings, untouched)
    return replace(
        manifest,
        fingerprint=replace(there, tables=tables, large_objects=LargeObjects(FULL, objects)),
        findings={**own_rules, **of_rows, **{finding.key: finding.count for finding in found}},
    )


def run(
    target: Target,
    manifest: Manifest,
    wanted: Wanted,
    jobs: int,
    purpose: str = "verify",
    written: Callable[[], bool | None] | None = None,
    touched: Collection[str] | None = None,
) -> Verification:
    """Compare a database with the backup of it.

    :param target: the way to the database, whatever it is called now.
    :param jobs: sessions that read tables, where only their content can tell.
    :param written: tells by counters whether a row was written, in place of the content; None to read it.
    :param touched: labels of the tables that the migration may have touched: rows are counted, and looked at by the
        rules, in these alone; None for all.
    :raises BadRequest: something is expected of a table that the backup does not have.
    :raises Refused: reading it would run functions of roles that are not trusted.
    :raises QueryFailed: the database cannot be read.
    """
    expectations.require_known(wanted.expectations, manifest.fingerprint.tables)
    with session(target, purpose=purpose) as reader, reader.transaction(ONE_SNAPSHOT):
        seen = _look(reader, manifest, touched)
    compared = _Compared.of(manifest, wanted, seen)
    checked = tuple(assertions.check(target, wanted.assertions, purpose))
    done = _done(compared, written or partial(_differs_in_content, target, manifest, jobs, purpose))
    problems, warnings = _of_work(done, wanted.may_do_nothing)
    return Verification(
        tables=compared.tables,
        deltas=compared.deltas,
        objects=inventory.told(compared.changes),
        outside=seen.outside,
        checked=checked,
        unanalysed=compared.unanalysed,
        kept=seen.kept,
        problems=(*compared.problems(), *[check.problem for check in checked if check.problem], *problems),
        warnings=(*compared.warnings(), *warnings),
        idle=done == _IDLE,
        catalog=seen.there.catalog,
    )


def _of_work(done: str, may_do_nothing: bool) -> tuple[list[str], list[str]]:
    """Problems and warnings of whether the migration has done anything."""
    if done == _UNKNOWN:
        return [], [_CANNOT_BE_TOLD]
    if done != _IDLE:
        return [], []
    return ([], [_NOTHING_DONE_AS_DECLARED]) if may_do_nothing else ([_NOTHING_DONE], [])


def _look(reader: Session, manifest: Manifest, touched: Collection[str] | None) -> _Seen:
    owner_code.require_readable(reader)
    here = identities.read(reader)
    was = manifest.identity
    known = {} if touched is None else {of: rows for of, rows in manifest.fingerprint.rows.items() if of not in touched}
    found, untouched = audit_deltas.read(reader, touched)
    return _Seen(
        rows={**known, **fingerprint.row_counts(reader, touched)},
        large_objects=int(reader.value(queries.LARGE_OBJECT_COUNT)),
        there=fingerprint.without_contents(reader, SOURCE),
        found=found,
        untouched=untouched,
        behind=tuple(leftovers.sequences_behind(reader)),
        unanalysed=leftovers.unanalysed(reader),
        kept=leftovers.kept_tables(reader),
        outside=tuple(_outside(reader, manifest)),
        is_source=(here.system_identifier, here.oid) == (was.system_identifier, was.oid),
    )


def _looked_at_again(before: Mapping[str, int], untouched: Sequence[str]) -> dict[str, int]:
    kept = audit_deltas.kept(before, untouched)
    return {key: count for key, count in before.items() if key not in kept}


def _outside(reader: Session, manifest: Manifest) -> Iterator[str]:
    """Roles and the like; other databases have a life of theirs."""
    for kind, line in cluster.differences(manifest.cluster, reader, manifest.identity):
        if kind != "database":
            yield line


def _done(compared: _Compared, written: Callable[[], bool | None]) -> str:
    """Only where all else is as it was the tables must be read in full."""
    if compared.differs or not compared.seen.is_source:
        return _BUSY
    found = written()
    return _UNKNOWN if found is None else _BUSY if found else _IDLE


def _differs_in_content(target: Target, manifest: Manifest, jobs: int, purpose: str) -> bool | None:
    """None where the backup does not have every row."""
    before = manifest.fingerprint
    found = fingerprint.of_database(target, jobs, SOURCE, like=before, purpose=purpose)
    if fingerprint.differences(before, found):
        return True
    return False if before.mode == FULL else None


@dataclass(frozen=True)
class _Compared:
    """What was seen, against the manifest and what was declared.

    :param touched: the labels of tables with other rows or other columns than before.
    """

    manifest: Manifest
    wanted: Wanted
    seen: _Seen
    changes: tuple[Change, ...]
    tables: tuple[TableChange, ...]
    deltas: tuple[Delta, ...]
    touched: frozenset[str]

    @staticmethod
    def of(manifest: Manifest, wanted: Wanted, seen: _Seen) -> _Compared:
        before = manifest.fingerprint
        changes = inventory.compared(before.catalog, seen.there.catalog, exact=seen.is_source)
        tables = tuple(expectations.changes_of(before.rows, seen.rows, wanted.expectations))
        columns = [change.name for change in changes if change.kind == "column" and change.after is not None]
        with_columns = frozenset(names.unquoted(inventory.owner(name)) for name in columns)
        return _Compared(
            manifest=manifest,
            wanted=wanted,
            seen=seen,
            changes=changes,
            tables=tables,
            deltas=tuple(audit_deltas.of(_looked_at_again(manifest.findings, seen.untouched), seen.found)),
            touched=with_columns | {change.table for change in tables if change.before != change.after},
        )

    @property
    def differs(self) -> bool:
        """Whether it can be seen without reading rows that the migration did something."""
        before, after = self.manifest.fingerprint, self.seen.there
        return bool(
            self.changes
            or self.seen.outside
            or before.rows != self.seen.rows
            or before.sequences != after.sequences
            or before.reported != after.reported
        )

    @property
    def unanalysed(self) -> tuple[Unanalysed, ...]:
        """Of the migration's making: what never had statistics is no news."""
        of_ours = [table for table in self.seen.unanalysed if table.table in self.touched]
        return tuple(table for table in of_ours if self.seen.rows.get(table.table))

    def problems(self) -> Iterator[str]:
        """What fails the migration."""
        yield from (change.problem for change in self.tables if change.problem)
        yield from self._large_objects_lost()
        yield from (delta.problem for delta in self.deltas if delta.harms and not self._told(delta.key))
        yield from self._disabled()
        yield from self._behind(touched=True)

    def warnings(self) -> Iterator[str]:
        """What an operator should look at."""
        for lost in inventory.missed(self.changes, self.seen.there.catalog):
            if not self._declared(lost.key):
                yield f"The {lost.key} is gone, which was not declared."
        yield from self._behind(touched=False)

    def _declared(self, key: str) -> bool:
        return self.wanted.is_declared(key)

    def _told(self, key: str) -> bool:
        """Whether it is meant, or said below in fewer words and with what was there before."""
        return self._declared(key) or key.partition(" ")[0] in _TOLD_HERE

    def _large_objects_lost(self) -> Iterator[str]:
        """They are data that is in no table; only where the backup's fingerprint has every one can they be counted."""
        before = self.manifest.fingerprint.large_objects
        lost = len(before.content) - self.seen.large_objects
        if before.mode == FULL and lost > 0 and not self._declared(_LARGE_OBJECTS):
            yield f"{lost:,} of {len(before.content):,} {_LARGE_OBJECTS} are gone, which was not declared."

    def _disabled(self) -> Iterator[str]:
        for key in inventory.disabled(self.changes, self.manifest.fingerprint.catalog):
            if not self._declared(key):
                yield f"The {key} was disabled and no longer enforces anything. Enable it again."

    def _behind(self, *, touched: bool) -> Iterator[str]:
        """Where neither the table nor the sequence was touched, it was behind before."""
        before, after = self.manifest.fingerprint.sequences, self.seen.there.sequences
        for behind in self.seen.behind:
            moved = before.get(behind.sequence) != after.get(behind.sequence)
            if (moved or behind.table in self.touched) == touched and not self._declared(behind.key):
                yield f"{behind.what} {behind.statement}"
