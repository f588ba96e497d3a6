# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the audit found."""

from __future__ import annotations

from ..audit.finding import Finding
from ..audit.report import AuditReport
from ..text import CROSS, TICK, counted

_MOST_FINDINGS = 30


def audit(found: AuditReport) -> list[str]:
    """Notes and guesses are counted; the report has them."""
    rows, findings = sum(found.rows.values()), found.findings
    told = [finding for severity in ("error", "warning") for finding in findings if finding.severity == severity]
    sign = CROSS if any(finding.blocks for finding in told) else TICK
    sums = f"{counted(len(told), 'finding')}, {counted(len(findings) - len(told), 'note')}"
    about = f"{rows:,} rows in {len(found.rows)} tables, {sums}"
    more = [f"... and {len(told) - _MOST_FINDINGS} more findings"] if len(told) > _MOST_FINDINGS else []
    return [f"{sign} Audit: {about}", *[_audited(finding) for finding in told[:_MOST_FINDINGS]], *more]


def _audited(finding: Finding) -> str:
    keys = f" Keys, masked: {', '.join(finding.samples)}." if finding.samples else ""
    if finding.waived:
        return f"[waived] {finding.what}{keys} Reason: {finding.waived}"
    return f"[{finding.severity}] {finding.what}{keys} {finding.remedy}".rstrip()
