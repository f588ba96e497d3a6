# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people declare of a migration, and what its verification has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ...backup_set.manifest import Manifest
from ...journal.applied_files import Applying
from ...journal.journal import now
from ...model import Catalog
from ...postgres.tool_histories import VersionChange
from ...prediction import Prediction, Waited
from . import assertions, expectations
from .assertions import Assertion, Checked
from .audit_deltas import Delta
from .expectations import Expectation, TableChange
from .inventory import ObjectChange
from .leftovers import KeptTable, Unanalysed


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
    :param idle: the migration has changed nothing at all.
    :param catalog: what was seen behind the migration.
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
    idle: bool = False
    catalog: Catalog = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.problems

    @property
    def failure(self) -> str:
        """For an error's message."""
        return "\n  ".join(["The verification of the migration failed:", *self.problems])


@dataclass(frozen=True)
class VerificationReport:
    """What every form of the report is made of.

    :param time: of the verification, ISO 8601 in UTC.
    :param files: what the run has applied or recorded, in order; empty for a verification by itself.
    :param versions: those of a tool's own history.
    :param promotion: which records of other environments let the run begin.
    :param waited: how long clients have waited; None until the database is open again.
    :param predicted: how long they were expected to.
    """

    time: str
    run_id: str
    database: str
    found: Verification
    files: tuple[Applying, ...] = ()
    versions: tuple[VersionChange, ...] = ()
    promotion: str = ""
    waited: Waited | None = None
    predicted: Prediction | None = None

    @staticmethod
    def of(found: Verification, manifest: Manifest) -> VerificationReport:
        """Of a verification by itself."""
        return VerificationReport(now(), manifest.run_id, manifest.identity.name, found)

    def as_result(self) -> dict[str, object]:
        """For Ansible, and for programs."""
        found = self.found
        return {
            "time": self.time,
            "run_id": self.run_id,
            "database": self.database,
            "passed": found.passed,
            "problems": list(found.problems),
            "warnings": list(found.warnings),
            "promotion": self.promotion,
            "files": [asdict(one) for one in self.files],
            "versions": [asdict(one) for one in self.versions],
            "tables": [asdict(one) for one in found.tables],
            "findings": [asdict(one) for one in found.deltas],
            "assertions": [asdict(one) for one in found.checked],
            "objects": [asdict(one) for one in found.objects],
            "outside": list(found.outside),
            "unanalysed": [asdict(one) for one in found.unanalysed],
            "kept_tables": [asdict(one) for one in found.kept],
        }
