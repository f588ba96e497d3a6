# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of the audit can be read on 80 columns, and says all that the structure says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.finding import Finding
from ansible_collections.pgsafe.migration.plugins.module_utils.audit.report import AuditReport, RuleReading
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import audit_report

LONG = 'public."a table, whose name has blanks, and goes on for as many as it m" constraint "and its key too"'


def finding(severity: str = "warning", **given: Any) -> Finding:
    return replace(Finding("orphans", severity, "x", "The index x is invalid.", "REINDEX it."), **given)


def report(*findings: Finding, **given: Any) -> str:
    plain = AuditReport(
        time="2026-11-16T14:30:22Z",
        database="app",
        rows={"public.members": 12_857},
        findings=findings,
        rules={"orphans": RuleReading(1.25, complete=True)},
    )
    return audit_report.text(replace(plain, **given))


def test_a_finding_is_told_with_its_severity_its_rule_and_its_remedy() -> None:
    text = report(finding())
    assert "Warnings: existing faults, not caused by a migration (1)\n" in text
    assert "  [warning] The index x is invalid. (orphans)\n      REINDEX it.\n" in text
    assert "Errors" not in text
    assert "  public.members           12,857\n" in text
    assert "Time    2026-11-16 14:30:22 UTC\n" in text


def test_nothing_found_is_said_too() -> None:
    text = report(rows={})
    assert "Findings\n  none\n" in text
    assert "  no tables\n" in text


def test_errors_come_first_and_guesses_last() -> None:
    text = report(finding("info"), finding("warning"), finding("error"))
    assert text.index("[error]") < text.index("[warning]") < text.index("[info]")


def test_masked_keys_the_reason_of_a_waiver_and_rules_without_an_end_are_told() -> None:
    told = finding("error", count=7, samples=("1", "a…(4)"), waived="fixed by the migration")
    text = report(told, rules={"orphans": RuleReading(120.0, complete=False)})
    assert "      Keys, masked: 1, a…(4), …\n" in text
    assert "      Waived: fixed by the migration\n" in text
    assert "  orphans  incomplete 120.0\n" in text


@pytest.mark.parametrize("count", [1, 10**11])
def test_no_line_is_longer_than_80_columns_but_for_a_name_that_cannot_be_broken(count: int) -> None:
    remedy = f"Delete these rows, or mend them, then run: ALTER TABLE {LONG} ENABLE TRIGGER ALL, and look at it again."
    told = finding(what=f"Orphans under {LONG}: 3.", remedy=remedy, samples=("(1, a…(4))",) * 5, waived="so " * 40)
    text = report(told, database="a_database_with_a_name", rows={"x" * 70: count, "public.y": count, "z" * 60: 1})
    long = [line for line in text.splitlines() if len(line) > 80]
    # a quoted name is one word, so that it can be copied whole
    assert [line.strip() for line in long] == []
    assert '"a table, whose name has blanks, and goes on for as many as it m"' in text
    assert f"  {'x' * 70}\n" in text
    very = "public." + "n" * 90
    lines = report(finding(what=f"Orphans under {very}: 3."), rows={very: 1}).splitlines()
    assert {line.strip() for line in lines if len(line) > 80} == {f"{very}:", very}


def test_it_ends_with_a_line_feed_and_none_of_its_lines_with_a_blank() -> None:
    text = report(finding(), finding("error", waived="so"))
    assert text.endswith("\n")
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
