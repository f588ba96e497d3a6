# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of an audit, as the module pg_audit_info returns it and pg_backup takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import BadRequest
from .finding import Finding


@dataclass(frozen=True)
class RuleReading:
    """:param seconds: that the rule has read for.
    :param complete: it has looked at all that it looks at.
    """

    seconds: float
    complete: bool


@dataclass(frozen=True)
class AuditReport:
    """:param time: of the audit, ISO 8601 in UTC.
    :param rows: by table; without those that could not be counted in time.
    :param rules: what each rule has read.
    :param waived: problems that the preflight found and a person waived.
    """

    time: str
    database: str
    rows: Mapping[str, int]
    findings: tuple[Finding, ...]
    rules: Mapping[str, RuleReading]
    waived: tuple[str, ...] = ()

    def as_result(self) -> dict[str, object]:
        """For Ansible."""
        findings = [{**asdict(finding), "samples": list(finding.samples)} for finding in self.findings]
        return {**asdict(self), "findings": findings, "waived": list(self.waived)}


def of_result(result: Mapping[str, Any]) -> AuditReport:
    """
    :param result: as :meth:`AuditReport.as_result` gives it.
    :raises BadRequest: it is none.
    """
    try:
        return AuditReport(
            **{
                **result,
                "findings": tuple(_finding(**finding) for finding in result["findings"]),
                "rules": {name: RuleReading(**reading) for name, reading in result["rules"].items()},
                "waived": tuple(result.get("waived", ())),
            }
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise BadRequest(
            f"The option audit is not the result of an audit: {error}.", remedy="Pass the audit of pg_audit_info whole."
        ) from error


def _finding(*, samples: list[str], **facts: Any) -> Finding:
    return Finding(samples=tuple(samples), **facts)
