# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""audit_report.txt: what the audit has found, for people, on a terminal of 80 columns as on a wide one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..audit.finding import Finding
from ..audit.report import AuditReport, RuleReading
from ..foreign_text import visible

WIDTH = 80

_LINE = "=" * 78
_TITLES = {
    "error": "Errors: these prevent a backup from being restored, so they stop a run",
    "warning": "Warnings: existing faults, not caused by a migration",
    "info": "Notes and guesses: what a person may want to know",
}
# What a line cannot be broken inside of: a quoted name, with whatever is written without a space around it.
_WORD = re.compile(r'(?:"(?:[^"]|"")*"|\S)+')
# Of a number with its separators, up to hundreds of billions, and of the name before it.
_NUMBER, _NAME = 15, 60


def text(report: AuditReport) -> str:
    return "\n".join(
        [
            _LINE,
            *_wrapped(f"Audit of the data before the migration: {report.database}"),
            _LINE,
            f"Time    {report.time.replace('T', ' ').replace('Z', ' UTC')}",
            f"Tables  {len(report.rows)}",
            *_findings(report.findings),
            *_waived(report.waived),
            "",
            "Rules, and how many seconds each has read",
            *_rules(report.rules),
            "",
            "Rows per table",
            *(_table((label, f"{count:,}") for label, count in report.rows.items()) or ["  no tables"]),
            "",
        ]
    )


def _findings(found: Sequence[Finding]) -> Iterator[str]:
    if not found:
        yield from ("", "Findings", "  none")
    for severity, title in _TITLES.items():
        of_severity = [finding for finding in found if finding.severity == severity]
        if of_severity:
            yield from ("", f"{title} ({len(of_severity)})")
        for finding in of_severity:
            yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[str]:
    yield from _wrapped(f"[{finding.severity}] {finding.what} ({finding.rule})", "  ", "      ")
    if finding.samples:
        yield from _wrapped(f"Keys, masked: {', '.join(finding.samples)}{_more(finding)}", "      ", "        ")
    if finding.remedy:
        yield from _wrapped(finding.remedy, "      ", "      ")
    if finding.waived:
        yield from _wrapped(f"Waived: {finding.waived}", "      ", "        ")


def _waived(problems: Sequence[str]) -> Iterator[str]:
    """What the preflight found and a person waived."""
    if problems:
        yield from ("", "Waived by a person")
    for problem in problems:
        yield from _wrapped(problem, "  ", "      ")


def _more(finding: Finding) -> str:
    return ", …" if finding.count > len(finding.samples) else ""


def _rules(rules: Mapping[str, RuleReading]) -> list[str]:
    return _table(
        (name, f"{rule.seconds:.1f}" if rule.complete else f"incomplete {rule.seconds:.1f}")
        for name, rule in rules.items()
    )


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Names with their facts; a name that is too long has a line of its own."""
    listed = [(visible(name), told) for name, told in rows]
    width = max([len(name) for name, _told in listed if len(name) <= _NAME] or [0])
    lines = []
    for name, told in listed:
        if len(name) > width:
            lines.append(f"  {name}")
        lines.append(f"  {name if len(name) <= width else '':<{width}}  {told:>{_NUMBER}}")
    return lines


def _wrapped(sentence: str, first: str = "", rest: str = "  ") -> list[str]:
    """The words in lines of at most :data:`WIDTH` characters; one that is longer has its line to itself."""
    lines = [first]
    for word in _WORD.findall(visible(sentence)):
        begun = bool(lines[-1].strip())
        if begun and len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append(rest + word)
        else:
            lines[-1] += f" {word}" if begun else word
    return lines
