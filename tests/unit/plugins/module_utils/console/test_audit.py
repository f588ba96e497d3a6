# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the audit found. A tick only for what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.audit import finding as audited
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.report import AuditReport
from ansible_collections.pgsafe.migration.plugins.module_utils.console import audit as console


def _audited(*findings: Mapping[str, Any]) -> list[str]:
    plain = audited.Finding("r", "info", "s", "It is invalid.", "Fix it.")
    told = tuple(replace(plain, **finding) for finding in findings)
    return console.audit(AuditReport("2026-11-16T14:30:22Z", "app", {"a": 12_000, "b": 857}, told, {}))


def test_the_audit_counts_rows_tables_and_findings_and_tells_no_guesses() -> None:
    assert _audited({"severity": "warning"}, {"severity": "info"}) == [
        "[✓] Audit: 12,857 rows in 2 tables, 1 finding, 1 note",
        "[warning] It is invalid. Fix it.",
    ]


def test_an_error_of_the_audit_is_crossed_unless_somebody_takes_it_upon_himself() -> None:
    error = {"severity": "error", "samples": ("1", "a…(4)")}
    assert _audited(error) == [
        "[✗] Audit: 12,857 rows in 2 tables, 1 finding, 0 notes",
        "[error] It is invalid. Keys, masked: 1, a…(4). Fix it.",
    ]
    assert _audited({**error, "waived": "known"}) == [
        "[✓] Audit: 12,857 rows in 2 tables, 1 finding, 0 notes",
        "[waived] It is invalid. Keys, masked: 1, a…(4). Reason: known",
    ]


def test_of_very_many_findings_the_first_are_told_errors_before_warnings() -> None:
    lines = _audited(*[{"severity": "warning"}] * 40, {"severity": "error"})
    assert lines[1].startswith("[error]")
    assert lines[-2].startswith("[warning]")
    assert (len(lines), lines[-1]) == (32, "... and 11 more findings")
