# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Audit: what the data looks like before a migration, read only and in one snapshot."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.registry import RULES
from ansible_collections.pgsafe.migration.plugins.module_utils.database import ONE_SNAPSHOT, Session, session
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import now
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target


@dataclass(frozen=True)
class Finding:
    """One offending object, or the rows that offend in it.

    :param count: of the rows; 1 when the object itself offends.
    """

    rule: str
    severity: str
    subject: str
    what: str
    remedy: str
    count: int = 1

    @property
    def key(self) -> str:
        """What tells a finding from one that was there before."""
        return f"{self.rule} {self.subject}"


@dataclass(frozen=True)
class Audit:
    database: str
    rows: dict[str, int]
    findings: tuple[Finding, ...]

    def as_report(self) -> dict[str, Any]:
        """The structure that audit_report.txt is rendered from."""
        listed = [asdict(finding) for finding in self.findings]
        return {"time": now(), "database": self.database, "rows": self.rows, "findings": listed}


def run(target: Target) -> Audit:
    """
    :raises PgsafeError: the database cannot be read.
    """
    with session(target, purpose="audit") as reader, reader.transaction(ONE_SNAPSHOT):
        return Audit(target.dbname, fingerprint.row_counts(reader), findings(reader))


def findings(reader: Session) -> tuple[Finding, ...]:
    """What every rule finds, in the order of the registry."""
    return tuple(
        Finding(rule.name, rule.severity, subject, rule.what.format(subject), rule.remedy.format(subject))
        for rule in RULES
        for (subject,) in reader.rows(rule.query)
    )
