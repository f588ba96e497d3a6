# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify a migration: exit status 0 is not success. Rows per table against the backup, and what is left invalid."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.audit import run as audit
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import INFO
from ansible_collections.pgsafe.migration.plugins.module_utils.database import ONE_SNAPSHOT, Session
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import now
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import Manifest

EXPECTATIONS = ("same", "grows", "may_shrink", "dropped")


@dataclass(frozen=True)
class TableChange:
    """:param before: rows in the backup, None when the table was not there.
    :param after: rows now, None when the table is not there.
    :param problem: why this fails the migration, or empty.
    """

    table: str
    before: int | None
    after: int | None
    verdict: str
    problem: str = ""


@dataclass(frozen=True)
class Verification:
    tables: tuple[TableChange, ...]
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems

    def as_report(self, manifest: Manifest) -> dict[str, Any]:
        """The structure that verification_report.txt is rendered from."""
        return {
            "time": now(),
            "run_id": manifest.run_id,
            "database": manifest.identity.name,
            "passed": self.passed,
            "problems": list(self.problems),
            "tables": [asdict(change) for change in self.tables],
        }


def require_known(expectations: Mapping[str, str], tables: Collection[str]) -> None:
    """
    :param tables: the labels of the tables in the backup.
    :raises BadRequest: an expectation is not one of :data:`EXPECTATIONS`, or of a table that is not there.
    """
    strange = sorted(name for name in expectations if name not in tables and f"public.{name}" not in tables)
    if strange:
        raise BadRequest(
            f"Something is expected of tables that are not there: {', '.join(strange)}.",
            remedy="Write schema.table as the audit report does; the name alone will do in the schema public.",
        )
    for table, expectation in expectations.items():
        if expectation not in EXPECTATIONS:
            raise BadRequest(
                f"The expectation {expectation!r} of the table {table} is not known.",
                remedy=f"Choose one of {', '.join(EXPECTATIONS)}.",
            )


def run(session: Session, manifest: Manifest, expectations: Mapping[str, str]) -> Verification:
    """Compare the session's database with the backup of it."""
    with session.transaction(ONE_SNAPSHOT):
        after = fingerprint.row_counts(session)
        found = audit.findings(session)
    before = manifest.fingerprint.rows
    changes = tuple(changes_of(before, after, expectations))
    left = tuple(finding.what for finding in found if finding.severity != INFO and finding.key not in manifest.findings)
    return Verification(changes, tuple(change.problem for change in changes if change.problem) + left)


def _plain(table: str) -> str:
    """The name alone, for a table of the schema public."""
    return table[len("public.") :] if table.startswith("public.") else table


def changes_of(
    before: Mapping[str, int], after: Mapping[str, int], expectations: Mapping[str, str]
) -> Iterator[TableChange]:
    """One entry a table that was there before or is there now."""
    for table in sorted(set(before) | set(after)):
        old, new = before.get(table), after.get(table)
        expectation = expectations.get(table) or expectations.get(_plain(table), "")
        if old is None:
            yield TableChange(table, old, new, "new")
        elif new is None:
            yield _gone(table, before, after, expectation)
        else:
            yield _counted(table, old, new, expectation)


def _gone(table: str, before: Mapping[str, int], after: Mapping[str, int], expectation: str) -> TableChange:
    old, kept = before[table], f"{table}_old"
    # One that has been there all along, with as many rows, is an earlier migration's.
    if after.get(kept, -1) >= old and after[kept] != before.get(kept):
        return TableChange(table, old, None, f"kept as {kept}")
    if expectation == "dropped":
        return TableChange(table, old, None, "dropped, as declared")
    problem = f"The table {table} with {old:,} rows is gone, which was not declared."
    return TableChange(table, old, None, "LOST", problem)


def _counted(table: str, old: int, new: int, expectation: str) -> TableChange:
    if new < old and expectation != "may_shrink":
        problem = f"The table {table} has lost {old - new:,} of its {old:,} rows, which was not declared."
        return TableChange(table, old, new, f"LOST {old - new:,}", problem)
    if expectation == "same" and new != old:
        problem = f"The table {table} was to keep its {old:,} rows and has {new:,}."
        return TableChange(table, old, new, "NOT THE SAME", problem)
    if expectation == "grows" and new <= old:
        return TableChange(
            table, old, new, "NOT GROWN", f"The table {table} was to grow and has {new:,} rows as before."
        )
    return TableChange(table, old, new, "same" if new == old else f"{new - old:+,}")
