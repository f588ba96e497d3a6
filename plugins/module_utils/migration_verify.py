# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify a migration: exit status 0 is not success. What it made is compared with the backup and what was declared.

Only reading; docs/migration_verify.md says what fails a migration and what is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    assertions,
    audit_deltas,
    cluster,
    expectations,
    fingerprint,
    inventory,
    leftovers,
    names,
    queries,
)
from ansible_collections.pgsafe.migration.plugins.module_utils import identity as identities
from ansible_collections.pgsafe.migration.plugins.module_utils.assertions import Assertion, Checked
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.run import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.audit_deltas import Delta
from ansible_collections.pgsafe.migration.plugins.module_utils.catalog import Change
from ansible_collections.pgsafe.migration.plugins.module_utils.database import ONE_SNAPSHOT, Session, session
from ansible_collections.pgsafe.migration.plugins.module_utils.expectations import Expectation, TableChange
from ansible_collections.pgsafe.migration.plugins.module_utils.inventory import ObjectChange
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import now
from ansible_collections.pgsafe.migration.plugins.module_utils.leftovers import BehindSequence, KeptTable, Unanalysed
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import FULL, SOURCE, Fingerprint, Target

_LARGE_OBJECTS = "large objects"


@dataclass(frozen=True)
class Wanted:
    """What people have declared of a migration.

    :param expectations: by the name of a table, with or without the schema public.
    :param declared: patterns of the keys of what would else fail it or be warned of.
    :param may_do_nothing: a migration that changes nothing at all is as good as any.
    """

    expectations: Mapping[str, Expectation] = field(default_factory=dict)
    assertions: tuple[Assertion, ...] = ()
    declared: tuple[str, ...] = ()
    may_do_nothing: bool = False

    def is_declared(self, key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in self.declared)


def wanted(params: Mapping[str, Any]) -> Wanted:
    """Of a module's options.

    :raises BadRequest: one of them cannot be used.
    """
    return Wanted(
        expectations=expectations.typed(params["expectations"]),
        assertions=assertions.typed(params["assertions"]),
        declared=tuple(params["declared"]),
        may_do_nothing=params["may_do_nothing"],
    )


@dataclass(frozen=True)
class Verification:
    """
    :param objects: what became of objects; information.
    :param outside: what is other than at the backup outside of the database; information.
    :param problems: each fails the migration.
    """

    tables: tuple[TableChange, ...]
    deltas: tuple[Delta, ...]
    objects: tuple[ObjectChange, ...]
    outside: tuple[str, ...]
    checked: tuple[Checked, ...]
    unanalysed: tuple[Unanalysed, ...]
    kept: tuple[KeptTable, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems

    @property
    def failure(self) -> str:
        """For an error's message."""
        return "\n  ".join(["The verification of the migration failed:", *self.problems])

    def as_report(self, manifest: Manifest) -> dict[str, Any]:
        """The structure that every form of the report is made of."""
        return {
            "time": now(),
            "run_id": manifest.run_id,
            "database": manifest.identity.name,
            "passed": self.passed,
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            "tables": [asdict(change) for change in self.tables],
            "findings": [asdict(delta) for delta in self.deltas],
            "assertions": [asdict(checked) for checked in self.checked],
            "objects": [asdict(change) for change in self.objects],
            "outside": list(self.outside),
            "unanalysed": [asdict(table) for table in self.unanalysed],
            "kept_tables": [asdict(table) for table in self.kept],
        }


@dataclass(frozen=True)
class _Seen:
    """The database after the migration, as one snapshot has it.

    :param there: without the contents of tables.
    :param is_source: it is the very database that was backed up, and not a restored copy.
    """

    rows: Mapping[str, int]
    large_objects: int
    there: Fingerprint
    found: tuple[Finding, ...]
    behind: tuple[BehindSequence, ...]
    unanalysed: tuple[Unanalysed, ...]
    kept: tuple[KeptTable, ...]
    outside: tuple[str, ...]
    is_source: bool


def run(target: Target, manifest: Manifest, wanted: Wanted, jobs: int = 2, purpose: str = "verify") -> Verification:
    """Compare a database with the backup of it.

    :param target: the way to the database, whatever it is called now.
    :param jobs: sessions that read tables, where only their content can tell.
    :raises BadRequest: something is expected of a table that the backup does not have.
    :raises QueryFailed: the database cannot be read.
    """
    expectations.require_known(wanted.expectations, manifest.fingerprint.tables)
    with session(target, purpose=purpose) as reader, reader.transaction(ONE_SNAPSHOT):
        seen = _look(reader, manifest)
    changes = inventory.compared(manifest.fingerprint.catalog, seen.there.catalog, exact=seen.is_source)
    return _judged(
        manifest,
        wanted,
        seen,
        changes,
        checked=tuple(assertions.check(target, wanted.assertions, purpose)),
        idle=_idle(target, manifest, seen, changes, jobs, purpose),
    )


def _look(reader: Session, manifest: Manifest) -> _Seen:
    here = identities.read(reader)
    was = manifest.identity
    return _Seen(
        rows=fingerprint.row_counts(reader),
        large_objects=int(reader.value(queries.LARGE_OBJECT_COUNT)),
        there=fingerprint.without_contents(reader, SOURCE),
        found=audit_deltas.read(reader),
        behind=tuple(leftovers.sequences_behind(reader)),
        unanalysed=leftovers.unanalysed(reader),
        kept=leftovers.kept_tables(reader),
        outside=tuple(_outside(reader, manifest)),
        is_source=(here.system_identifier, here.oid) == (was.system_identifier, was.oid),
    )


def _outside(reader: Session, manifest: Manifest) -> Iterator[str]:
    """Roles and the like; other databases have a life of their own."""
    for kind, line in cluster.differences(manifest.cluster, reader, manifest.identity):
        if kind != "database" and "pgsafe" not in line:
            yield line


def _judged(
    manifest: Manifest,
    wanted: Wanted,
    seen: _Seen,
    changes: Sequence[Change],
    checked: tuple[Checked, ...],
    idle: str,
) -> Verification:
    tables = tuple(expectations.changes_of(manifest.fingerprint.rows, seen.rows, wanted.expectations))
    deltas = tuple(audit_deltas.of(manifest.findings, seen.found))
    touched = {change.table for change in tables if change.before != change.after} | _with_other_columns(changes)
    harm = [
        *[change.problem for change in tables if change.problem],
        *_lost_objects(manifest, seen, wanted),
        *[delta.problem for delta in deltas if delta.harms and not wanted.is_declared(delta.key)],
        *_disabled(changes, manifest, wanted),
        *_behind(seen, manifest, touched, wanted, fails=True),
        *[check.problem for check in checked if check.problem],
        *([_NOTHING_DONE] if idle == _PROVEN and not wanted.may_do_nothing else []),
    ]
    return Verification(
        tables=tables,
        deltas=deltas,
        objects=inventory.told(changes),
        outside=seen.outside,
        checked=checked,
        unanalysed=tuple(table for table in seen.unanalysed if table.table in touched and seen.rows.get(table.table)),
        kept=seen.kept,
        problems=tuple(harm),
        warnings=(
            *_missed(changes, seen, wanted),
            *_behind(seen, manifest, touched, wanted, fails=False),
            *_told_of_idle(idle, wanted),
        ),
    )


def _with_other_columns(changes: Sequence[Change]) -> set[str]:
    """The labels of tables with a column that came or is other than it was."""
    columns = [change.name for change in changes if change.kind == "column" and change.after is not None]
    return {names.unquoted(inventory.owner(name)) for name in columns}


def _lost_objects(manifest: Manifest, seen: _Seen, wanted: Wanted) -> Iterator[str]:
    """They are data that is in no table; only where the backup's fingerprint has every one can they be counted."""
    before = manifest.fingerprint.large_objects
    lost = len(before.content) - seen.large_objects
    if before.mode == FULL and lost > 0 and not wanted.is_declared(_LARGE_OBJECTS):
        yield f"{lost:,} of {len(before.content):,} {_LARGE_OBJECTS} are gone, which was not declared."


def _disabled(changes: Sequence[Change], manifest: Manifest, wanted: Wanted) -> Iterator[str]:
    for key in inventory.disabled(changes, manifest.fingerprint.catalog):
        if not wanted.is_declared(key):
            yield f"The {key} was disabled, so nothing that it guards is guarded any more. Enable it again."


def _behind(seen: _Seen, manifest: Manifest, touched: set[str], wanted: Wanted, *, fails: bool) -> Iterator[str]:
    """Where neither the table nor the sequence was touched, it was behind before, and is told only."""
    for sequence in seen.behind:
        states = (manifest.fingerprint.sequences.get(sequence.sequence), seen.there.sequences.get(sequence.sequence))
        ours = sequence.table in touched or states[0] != states[1]
        if ours == fails and not wanted.is_declared(sequence.key):
            yield f"{sequence.what} {sequence.statement}"


def _missed(changes: Sequence[Change], seen: _Seen, wanted: Wanted) -> Iterator[str]:
    for lost in inventory.missed(changes, seen.there.catalog):
        if not wanted.is_declared(lost.key):
            yield f"The {lost.key} is gone, which was not declared."


# Whether the migration has done anything: it has; it certainly has not; it cannot be told.
_BUSY, _PROVEN, _UNKNOWN = ("", "proven", "unknown")

_NOTHING_DONE = (
    "The migration has changed nothing at all: every row, object and sequence is as the backup holds it. If that is "
    "right, declare it by pg_migrate_may_do_nothing: true."
)


def _idle(target: Target, manifest: Manifest, seen: _Seen, changes: Sequence[Change], jobs: int, purpose: str) -> str:
    """Only where all else is as it was the tables must be read in full."""
    before = manifest.fingerprint
    visible = before.rows != seen.rows or changes or seen.outside or before.sequences != seen.there.sequences
    if visible or before.reported != seen.there.reported or not seen.is_source:
        return _BUSY
    found = fingerprint.of_database(target, jobs, SOURCE, like=before, purpose=purpose)
    if fingerprint.differences(before, found):
        return _BUSY
    return _PROVEN if before.mode == FULL else _UNKNOWN


def _told_of_idle(idle: str, wanted: Wanted) -> Iterator[str]:
    if idle == _UNKNOWN:
        yield (
            "It cannot be told whether the migration changed anything: no object and no number of rows is other than "
            "before, and the backup's fingerprint does not have every row."
        )
    if idle == _PROVEN and wanted.may_do_nothing:
        yield "The migration has changed nothing at all, as it was declared that it may."
