# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Both reports are of one structure; the text fits a narrow terminal, and nothing in a name can spoil it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import report as verification_report

LONG = "s" * 63 + "." + "t" * 63
TABLE = {"table": "public.t", "before": 12_857, "after": None, "expectation": "", "verdict": "LOST", "problem": "Gone."}
PASSED: dict[str, Any] = {
    "time": "2026-11-16T14:31:00Z",
    "run_id": "20261116_143022",
    "database": "app",
    "passed": True,
    "problems": [],
    "warnings": [],
    "tables": [],
    "findings": [],
    "assertions": [],
    "objects": [],
    "outside": [],
    "unanalysed": [],
    "kept_tables": [],
}
FAILED: dict[str, Any] = {
    **PASSED,
    "passed": False,
    "problems": ["The table public.t is gone. " + "It was not declared, which is a long story. " * 4],
    "warnings": [f"The index {LONG} is gone."],
    "files": [
        {"name": "001_a.sql", "kind": "baseline", "seconds": None, "reason": ""},
        {"name": "002_b.sql", "kind": "accepted", "seconds": None, "reason": "a remark"},
        {"name": "003_c.sql", "kind": "applied", "seconds": 4.2, "reason": ""},
    ],
    "tables": [
        TABLE,
        {**TABLE, "table": LONG, "after": 9_000_000_000},
        {**TABLE, "after": 3, "expectation": f"moved_to {LONG}", "verdict": "moved", "table": "public.u"},
    ],
    "findings": [
        {"key": "orphans public.t", "severity": "error", "how": "new", "before": 0, "after": 1_234,
         "what": "1,234 rows are orphans.", "remedy": "Delete them, " * 20},
        {"key": "orphans public.u", "severity": "", "how": "fixed", "before": 3, "after": 0, "what": "", "remedy": ""},
    ],
    "assertions": [
        {"name": "every member has a phone", "passed": False, "said": "3 rows exist that must not"},
        {"name": "one administrator", "passed": True, "said": ""},
    ],
    "objects": [
        {"kind": "column", "name": f"public.t.c{number:02}", "how": "added", "facts": []} for number in range(15)
    ] + [{"kind": "relation", "name": "public.v", "how": "changed", "facts": ["definition", "owner"]}],
    "outside": ["role app is other than before"],
    "unanalysed": [{"table": "public.t", "statement": "ANALYZE public.t;"}],
    "kept_tables": [{"table": "public.t_old", "bytes": 256_901_120, "statement": "DROP TABLE public.t_old;"}],
}  # fmt: skip


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


@pytest.mark.parametrize("result", [PASSED, FAILED], ids=["passed", "failed"])
def test_no_line_is_wider_than_a_narrow_terminal_unless_a_name_is(result: dict[str, Any]) -> None:
    for line in verification_report.text(result).splitlines():
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
    text = verification_report.text({**FAILED, "database": name, "tables": [{**TABLE, "table": name}]})
    assert "public.a\\nVerdict  PASSED\\x1b[2J" in text
    assert [line for line in text.splitlines() if line.startswith("Verdict")] == ["Verdict  FAILED"]


def test_both_reports_are_written_for_their_owner_alone(tmp_path: Path) -> None:
    verification_report.write(tmp_path, FAILED)
    verification_report.write(tmp_path, PASSED)
    found = {path.name: path for path in tmp_path.iterdir()}
    assert sorted(found) == ["verification_report.json", "verification_report.txt"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found.values()} == {0o600}
    assert json.loads(found["verification_report.json"].read_text()) == PASSED
    assert found["verification_report.txt"].read_text() == verification_report.text(PASSED)
