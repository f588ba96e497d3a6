# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What passes by the records of another environment, and every reason why something does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion import judge
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.judge import Here, Judgement, Kept
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.policy import Policy
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.record import ITS_TREE, Record, Step

NOW = datetime(2026, 11, 16, 12, tzinfo=timezone.utc)
ONE, TWO = Step("001.sql", "11" * 32), Step("002.sql", "22" * 32)
OTHER = replace(ONE, sha256="99" * 32)
TEXTS = {ONE.sha256: ["SELECT 1;"], OTHER.sha256: ["SELECT 2;"]}
EMPTY = {"relation t": "a"}
HALF, FULL = {**EMPTY, "column t.one": "b"}, {**EMPTY, "column t.two": "c"}


def run(run_id: str, *steps: Step, hours: int = 48, **fields: object) -> Record:
    record = Record(
        environment="staging",
        host="db1",
        database="app",
        set_name="default",
        run_id=run_id,
        server_major=18,
        verified=NOW - timedelta(hours=hours),
        steps=steps,
        before=EMPTY,
        after=FULL,
        texts=TEXTS,
    )
    return replace(record, **fields)  # type: ignore[arg-type]


HERE = Here("default", (ONE, TWO), 18, EMPTY, NOW, TEXTS)


def judged(*records: Record, here: Here = HERE, **policy: object) -> Judgement:
    asked = Policy("/records", "production", ("staging",), **policy)  # type: ignore[arg-type]
    return judge.judge([Kept("staging", "/records", records)], here, asked)


def whats(found: Judgement) -> list[str]:
    return [problem.what for problem in found.problems]


def test_one_run_may_cover_all_that_is_pending() -> None:
    found = judged(run("r1", ONE, TWO))
    assert found == Judgement((), ("staging: db1, app, run r1, verified 2026-11-14 12:00 UTC",))


def test_several_runs_of_one_database_may_cover_it_together() -> None:
    found = judged(run("r1", ONE, after=HALF), run("r2", TWO, before=HALF, hours=40))
    assert found.problems == ()
    assert len(found.told) == 2


def test_two_databases_may_not_cover_it_together() -> None:
    found = judged(run("r1", ONE), run("r2", TWO, host="db2", hours=40))
    assert whats(found) == ["001.sql was never applied in staging."]


@pytest.mark.parametrize(
    "newer", [{"before": HALF}, {"server_major": 17}, {"hours": 1}, {"hours": 40, "before": {**EMPTY, "type x": "y"}}]
)
def test_one_database_that_fits_wholly_is_enough(newer: dict[str, Any]) -> None:
    other = run("r2", ONE, TWO, **{"host": "db2", "hours": 40, **newer})
    found = judged(run("r1", ONE, TWO), other, soak=timedelta(hours=24))
    assert found == Judgement((), ("staging: db1, app, run r1, verified 2026-11-14 12:00 UTC",))


def test_a_clock_that_is_ahead_in_the_other_environment_does_not_matter_without_a_soak() -> None:
    assert whats(judged(run("r1", ONE, TWO, verified=NOW + timedelta(minutes=3)))) == []


def test_nothing_pending_needs_no_record() -> None:
    assert judged(here=replace(HERE, pending=())) == Judgement()


def test_the_record_of_another_set_does_not_count() -> None:
    (what,) = whats(judged(run("r1", ONE, TWO, set_name="other")))
    assert what == "There is no promotion record of staging for the set default in /records."


def test_another_file_is_named_with_what_is_different() -> None:
    (what,) = whats(judged(run("r1", ONE, TWO), here=replace(HERE, pending=(OTHER, TWO))))
    assert "001.sql is not the file that staging has applied (run r1): 001.sql has SHA-256 111111111111… there" in what
    assert "\n       -SELECT 1;\n       +SELECT 2;" in what


def test_it_is_compared_with_the_database_that_has_applied_a_file_of_that_name() -> None:
    """And not with that of another application, however new its record is."""
    newer = run("r2", Step("other.sql", "33" * 32), database="shop", hours=1)
    (what,) = whats(judged(run("r1", ONE), newer, here=replace(HERE, pending=(OTHER,))))
    assert "001.sql is not the file that staging has applied (run r1)" in what


def test_a_file_that_includes_another_content_is_another_file() -> None:
    there, here = (replace(ONE, parts=(("part.inc", sha256),)) for sha256 in (ONE.sha256, OTHER.sha256))
    (what,) = whats(judged(run("r1", there, TWO), here=replace(HERE, pending=(here, TWO))))
    assert "(run r1): part.inc has SHA-256 111111111111… there, 999999999999… here." in what
    assert "\n       -SELECT 1;\n       +SELECT 2;" in what


def test_ends_of_lines_are_shown_where_nothing_else_is_different() -> None:
    texts = {ONE.sha256: ["SELECT 1;"], OTHER.sha256: ["SELECT 1;\r"]}
    here = replace(HERE, pending=(OTHER, TWO), texts=texts)
    (what,) = whats(judged(run("r1", ONE, TWO, texts=texts), here=here))
    assert "\n       -SELECT 1;\n       +SELECT 1;\\r" in what


def _command(sha256: str, *tree: tuple[str, str]) -> Step:
    return Step("alembic upgrade head", sha256 * 32, ((ITS_TREE, sha256 * 32),), tree)


@pytest.mark.parametrize(
    ("there", "here", "what"),
    [
        ([("1.py", "11"), ("2.py", "22")], [("1.py", "11"), ("2.py", "33")], "2.py has SHA-256 22… there, 33… here."),
        ([("1.py", "11"), ("2.py", "22")], [("1.py", "11"), ("3.py", "22")], "2.py is missing here; 3.py is new here."),
        # Of a large tree no file is known; and the directory or a variable's name may be what differs.
        ([], [], "alembic upgrade head has SHA-256 aaaaaaaaaaaa… there, bbbbbbbbbbbb… here; its tree has SHA-256"),
        ([("1.py", "11")], [("1.py", "11")], "alembic upgrade head has SHA-256 aaaaaaaaaaaa… there"),
    ],
)
def test_a_command_is_refused_with_the_files_of_its_tree_that_differ(
    there: list[tuple[str, str]], here: list[tuple[str, str]], what: str
) -> None:
    (found,) = whats(judged(run("r1", _command("aa", *there)), here=replace(HERE, pending=(_command("bb", *here),))))
    assert f"alembic upgrade head is not the command that staging has applied (run r1): {what}" in found


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ({"max_age": timedelta(days=1)}, "too old: 2 d 0 h, and pg_migrate_promotion.max_age is 1 d 0 h"),
        ({"soak": timedelta(days=3)}, "too young: 2 d 0 h, and pg_migrate_promotion.soak is 3 d 0 h"),
    ],
)
def test_the_age_of_the_last_run_counts(policy: dict[str, Any], what: str) -> None:
    (found,) = whats(judged(run("r1", ONE, after=HALF, hours=900), run("r2", TWO, before=HALF), **policy))
    assert what in found
    assert "run r2" in found


def test_every_run_must_be_of_this_major() -> None:
    (what,) = whats(judged(run("r1", ONE, after=HALF, server_major=15), run("r2", TWO, before=HALF, hours=40)))
    assert what.startswith("staging has proven it on PostgreSQL 15, and this server is 18")


def test_the_schema_before_is_that_before_the_first_run() -> None:
    (what,) = whats(judged(run("r1", ONE, TWO), here=replace(HERE, schema=HALF)))
    assert what == "The schema is not the one that staging had before the run r1: column t.one is not in staging."


def test_a_change_between_two_runs_is_found() -> None:
    (what,) = whats(judged(run("r1", ONE, after=HALF), run("r2", TWO, before=FULL, hours=40)))
    assert what.startswith("Between its runs r1 and r2 the schema of staging was changed by other means: column t.one")


def test_a_run_of_another_set_explains_a_change_between_two_runs() -> None:
    between = run("r2", Step("x.sql", "x"), set_name="other", before=HALF, after=EMPTY, hours=44)
    assert whats(judged(run("r1", ONE, after=HALF), between, run("r3", TWO, before=EMPTY, hours=40))) == []


def test_a_record_that_cannot_be_read_refuses_even_where_another_one_would_do() -> None:
    kept = Kept("staging", "/records", (run("r1", ONE, TWO),), broken=("/records/x.json: it is no promotion record",))
    found = judge.judge([kept], HERE, Policy("/records", "", ("staging",)))
    assert whats(found) == ["A promotion record of staging cannot be used: /records/x.json: it is no promotion record."]


def test_an_override_makes_warnings_of_the_problems_and_says_why() -> None:
    found = judged(override="an outage")
    assert [(problem.severity, problem.waived) for problem in found.problems] == [("warning", "an outage")]


def test_the_last_problem_says_how_to_go_on_without() -> None:
    found = judged(here=replace(HERE, pending=(ONE,)))
    assert found.problems[-1].remedy.endswith('To go on without: pg_migrate_promotion.override: "the reason".')
