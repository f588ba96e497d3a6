# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Both reports are of one structure; the text fits a narrow terminal, and nothing in a name can spoil it."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.applied_files import Applying
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import report as verification_report
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.assertions import Checked
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.audit_deltas import Delta
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.expectations import TableChange
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.inventory import ObjectChange
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.leftovers import (
    KeptTable,
    Unanalysed,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import VerificationReport
from ansible_collections.pgsafe.migration.tests.unit.samples import NOTHING_FOUND

LONG = "s" * 63 + "." + "t" * 63
TABLE = TableChange("public.t", before=12_857, after=None, expectation="", verdict="LOST", problem="Gone.")
PASSED = VerificationReport("2026-11-16T14:31:00Z", "20261116_143022", "app", NOTHING_FOUND)
FAILED = replace(
    PASSED,
    found=replace(
        NOTHING_FOUND,
        problems=("The table public.t is gone. " + "It was not declared, which is a long story. " * 4,),
        warnings=(f"The index {LONG} is gone.",),
        tables=(
            TABLE,
            replace(TABLE, table=LONG, after=9_000_000_000),
            replace(TABLE, table="public.u", after=3, expectation=f"moved_to {LONG}", verdict="moved"),
        ),
        deltas=(
            Delta("orphans public.t", "error", "new", 0, 1_234, "1,234 rows are orphans.", "Delete them, " * 20),
            Delta("orphans public.u", "", "fixed", 3, 0),
        ),
        checked=(
            Checked("every member has a phone", False, "3 rows exist that must not"),
            Checked("one administrator", True, ""),
        ),
        objects=(
            *[ObjectChange("column", f"public.t.c{number:02}", "added") for number in range(15)],
            ObjectChange("relation", "public.v", "changed", ("definition", "owner")),
        ),
        outside=("role app is other than before",),
        unanalysed=(Unanalysed("public.t", "ANALYZE public.t;"),),
        kept=(KeptTable("public.t_old", 256_901_120, "DROP TABLE public.t_old;"),),
    ),
    files=(
        Applying("001_a.sql", "baseline", "0" * 64, 1),
        Applying("002_b.sql", "accepted", "1" * 64, 2, reason="a remark"),
        Applying("003_c.sql", "applied", "2" * 64, 3, seconds=4.2),
    ),
)


@pytest.mark.parametrize(
    "line",
    [
        "Verdict  FAILED",
        "  [✓] 001_a.sql: baseline, not run",
        "  [✓] 002_b.sql: accepted, not run (a remark)",
        "  [✓] 003_c.sql: applied, 4.2 s",
        "  [✗] The table public.t is gone. It was not declared, which is a long story. It",
        "  public.u                               12,857 ->           3",
        "      moved (declared: moved_to",
        "  [✗] every member has a phone: 3 rows exist that must not",
        "  [✓] one administrator",
        "  new [error] (0 -> 1,234) 1,234 rows are orphans. Delete them, Delete them,",
        "  fixed: orphans public.u (3 -> 0)",
        "  + column public.t.c11",
        "  + column: 3 more, listed in verification_report.json",
        "  ~ relation public.v: definition, owner",
        "  ~ role app is other than before",
        "  ANALYZE public.t;",
        "  DROP TABLE public.t_old;  -- 245M",
        "  [ ] Run the ANALYZE statements above.",
        "  [ ] Test the application against the migrated database: screens, API and jobs.",
        "  [ ] Keep the *_old tables until all of this is done; then drop them as above.",
    ],
)
def test_the_text_says(line: str) -> None:
    assert line in verification_report.text(FAILED).splitlines()


def test_a_name_that_is_too_long_has_a_line_of_its_own() -> None:
    lines = verification_report.text(FAILED).splitlines()
    at = lines.index(f"  {LONG}")
    assert lines[at + 1].split() == ["12,857", "->", "9,000,000,000", "LOST"]


@pytest.mark.parametrize("report", [PASSED, FAILED], ids=["passed", "failed"])
def test_no_line_is_wider_than_a_narrow_terminal_unless_a_name_is(report: VerificationReport) -> None:
    for line in verification_report.text(report).splitlines():
        assert len(line) <= 80 or max(map(len, line.split())) > 60, line
        assert line == line.rstrip()


def test_the_columns_of_the_rows_are_below_each_other() -> None:
    lines = [line for line in verification_report.text(FAILED).splitlines() if "->" in line and "(" not in line]
    assert len(lines) == 3
    assert len({line.index("->") for line in lines}) == 1


def test_where_nothing_is_to_be_told_the_text_says_so() -> None:
    text = verification_report.text(PASSED)
    assert "Verdict  PASSED\n" in text
    for said in ("none", "no tables", "none were declared", "nothing new, nothing fixed", "as before"):
        assert f"\n  {said}\n" in text
    assert "ANALYZE" not in text
    assert "_old" not in text


def test_a_name_cannot_move_the_cursor_or_begin_a_line() -> None:
    name = "public.a\nVerdict  PASSED\x1b[2J"
    found = replace(FAILED.found, tables=(replace(TABLE, table=name),))
    text = verification_report.text(replace(FAILED, database=name, found=found))
    assert "public.a\\nVerdict  PASSED\\x1b[2J" in text
    assert [line for line in text.splitlines() if line.startswith("Verdict")] == ["Verdict  FAILED"]


def test_both_reports_are_written_for_their_owner_alone(tmp_path: Path) -> None:
    verification_report.write(tmp_path, FAILED)
    verification_report.write(tmp_path, PASSED)
    found = {path.name: path for path in tmp_path.iterdir()}
    assert sorted(found) == ["verification_report.json", "verification_report.txt"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found.values()} == {0o600}
    assert json.loads(found["verification_report.json"].read_text()) == PASSED.as_result()
    assert found["verification_report.txt"].read_text() == verification_report.text(PASSED)
