# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results come from targets: whatever they hold, the report keeps to its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.plugin_utils import (
    fleet_junit,
    fleet_page,
    fleet_report,
    fleet_words,
)
from ansible_collections.pgsafe.migration.plugins.plugin_utils.fleet_report import Task
from ansible_collections.pgsafe.migration.plugins.plugin_utils.role_variables import ROLE
from ansible_collections.pgsafe.migration.tests.unit import fleet_samples
from ansible_collections.pgsafe.migration.tests.unit.fleet_samples import HOSTILE, Fleet
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = json.loads((COLLECTION / "docs" / "fleet_report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)

# Every name that is looked for in a result, at any depth.
NAMES = st.sampled_from(
    [
        "ansible_facts", "pg_preflight", "pg_migrate_verdict", "database", "server_version_text", "audit",
        "findings", "rows", "files", "applied", "newest", "versions", "before", "after", "tables", "name", "kind",
        "seconds", "run_id", "backup_dir", "bytes", "reached", "restore_seconds", "rollback", "kept",
        "not_given_back", "verification", "passed", "problems", "objects", "unanalysed", "statement",
        "seconds_closed", "verdict", "count", "retained_copy", "retained_until", "written_since", "file_runs", "failed",
        "locks", "table", "mode",
        "fence", "predictions", "without_writes", "without_service", "basis", "seconds_migrating", "seconds_asking",
    ]
)
RESULTS = st.recursive(
    ANYTHING,
    lambda inner: st.dictionaries(NAMES, inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=12,
)


def fields(report: dict[str, Any], host: str, *names: str) -> list[Any]:
    (found,) = [one for one in report["hosts"] if one["host"] == host]
    return [found[name] for name in names]


def test_the_schema_is_one_and_the_sample_keeps_to_it() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(fleet_samples.sample())


def test_the_schema_knows_every_verdict() -> None:
    properties = SCHEMA["properties"]["hosts"]["items"]["properties"]
    assert set(properties["verdict"]["enum"]) == {word.value for word in Verdict}


def test_a_host_that_was_migrated_has_all_of_its_facts() -> None:
    report = fleet_samples.sample()
    names = ("batch", "database", "version", "rows", "seconds_read_only", "seconds_closed")
    assert fields(report, "db1.example.org", *names) == [
        1,
        "community_connect",
        {"before": "000_baseline.sql", "after": "003_switch_to_members.sql"},
        {"before": 12857, "after": 14104},
        9.3,
        0.5,
    ]
    (backup, rollback) = fields(report, "db1.example.org", "backup", "rollback")
    assert backup == {"dir": fleet_samples.BACKUP_DIR, "bytes": 12582912, "level": "restore"}
    assert (rollback["expected_seconds"], rollback["seconds"]) == (2.3, None)


def test_what_was_predicted_stands_beside_what_clients_waited() -> None:
    report = fleet_samples.sample()
    (found,) = fields(report, "db1.example.org", "availability")
    assert found == {
        "fence": "read_only+closed",
        "basis": "the last backup",
        "without_writes": {"predicted": 6.1, "predicted_most": 51.1, "seconds": 6.9, "in_all": 9.3},
        "without_service": {"predicted": 0.5, "predicted_most": 0.5, "seconds": 0.1, "in_all": 0.5},
        "migrating": 0.4,
        "asking": 2.0,
    }
    (undone, lost) = (fields(report, f"db{number}.example.org", "availability")[0] for number in (2, 3))
    assert undone["without_service"] == {"predicted": 0.5, "predicted_most": 0.5, "seconds": 0.2, "in_all": 2.1}
    assert lost is None
    told = ("without writes", "6.1 s to 51.1 s", "6.9 s", "9.3 s")
    assert fleet_words.waiting(report["hosts"][0])[0] == told
    assert all(cell in fleet_page.html(report) for cell in told)
    assert "Without writes: predicted 6.1 s to 51.1 s, was 6.9 s, in all 9.3 s" in fleet_junit.xml(report)


@pytest.mark.parametrize(("verdict", "was"), [("refused", None), ("held", None), ("rolled_back", 0.1)])
def test_a_database_that_is_still_closed_has_waited_for_no_known_time(verdict: str, was: float | None) -> None:
    fleet = Fleet()
    fleet.batch("db1")
    fleet.prepared("db1", "community_connect")
    if verdict != "refused":
        fleet.run("db1", "Migrate", seconds_closed=2.0, seconds_migrating=1.9, verdict=verdict)
    fleet.end("db1", Verdict(verdict))
    report = fleet.report()
    VALIDATOR.validate(report)
    found = report["hosts"][0]["availability"]["without_service"]
    assert (found["predicted"], found["seconds"]) == (0.5, was)
    assert fleet_words.waiting(report["hosts"][0])[1][2] == ("-" if was is None else "0.1 s")


def test_the_steps_of_a_host_follow_each_other_and_the_failed_one_is_marked() -> None:
    (steps,) = fields(fleet_samples.sample(), "db2.example.org", "steps")
    assert [step["step"] for step in steps if not step["well"]] == ["Migrate"]
    ends = [round(step["after"] + step["seconds"], 1) for step in steps]
    assert [step["after"] for step in steps] == [0.0, *ends[:-1]]


def _steps_of_role(name: str = "main.yml") -> Iterator[str]:
    """The steps that the names of the tasks of a run begin with, in its order."""
    text = (ROLE / "tasks" / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        named = re.match(r"\s*- name: ([A-Z][a-z]+) \| ", line)
        called = re.search(r"(?:import|include)_tasks: (\w+\.yml)", line)
        yield from [named[1]] if named else []
        yield from _steps_of_role(called[1]) if called else []


def test_every_step_of_a_run_is_in_its_timeline() -> None:
    assert set(_steps_of_role()) == set(fleet_report.STEPS)
    (known,) = _values(SCHEMA, "step")
    assert known["enum"] == list(fleet_report.STEPS)


def _values(schema: Any, name: str) -> Iterator[Any]:
    """What a schema says of every property of this name."""
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and name in schema.get("properties", {}):
        yield schema["properties"][name]
    for found in inner:
        yield from _values(found, name)


@pytest.mark.parametrize(
    ("verdict", "after"), [(Verdict.MIGRATED, "2"), (Verdict.ROLLED_BACK, ""), (Verdict.ROLLED_BACK_WITH_BATCH, "")]
)
def test_a_version_that_was_rolled_back_is_not_told_as_reached(verdict: Verdict, after: str) -> None:
    fleet = Fleet()
    fleet.prepared("db1", "app")
    fleet.run("db1", "Migrate", 1.0, verdict="migrated", versions=[{"tool": "alembic", "before": "1", "after": "2"}])
    fleet.verdict("db1", verdict.value)
    fleet.end("db1", verdict)
    (version,) = fields(fleet.report(), "db1", "version")
    assert version == {"before": "1", "after": after}


def test_files_of_a_rolled_back_run_are_not_told_as_applied() -> None:
    (files,) = fields(fleet_samples.sample(), "db2.example.org", "files")
    assert [file["state"] for file in files] == ["rolled_back", "rolled_back", "failed"]
    assert [file["seconds"] for file in files] == [0.1, 1.1, 2.1]


def test_a_retained_copy_is_shown_with_what_a_rollback_to_it_loses_until_the_batch_is_rolled_back() -> None:
    fleet = Fleet()
    fleet.batch("db1")
    fleet.prepared("db1", "community_connect")
    fleet.run("db1", "Migrate", verification=fleet_samples.verification(), **fleet_samples.RETAINED)
    fleet.verdict("db1", "migrated")
    fleet.run("db1", "Batch", written_since=[fleet_samples.LOST])
    fleet.end("db1", Verdict.MIGRATED)
    report = fleet.report()
    VALIDATOR.validate(report)
    (copy,) = fields(report, "db1", "retained_copy")
    assert list(copy.values()) == [*fleet_samples.RETAINED.values(), [fleet_samples.LOST]]
    assert fleet_words.cells(report["hosts"][0])["Rollback"] == "at once until 2026-11-29 14:30 UTC"
    page = fleet_page.html(report)
    assert all(shown in page for shown in (copy["name"], copy["until"], fleet_samples.LOST))
    fleet.run("db1", "Batch", rows=fleet_samples.ROWS, method="verified_copy", kept="failed_1")
    fleet.verdict("db1", "rolled_back_with_batch", "Batch")
    report = fleet.report()
    VALIDATOR.validate(report)
    (copy, rollback, rows) = fields(report, "db1", "retained_copy", "rollback", "rows")
    assert copy is None
    assert (rollback["method"], rollback["kept"], rows["after"]) == ("verified_copy", "failed_1", 12857)


def test_hosts_that_were_not_reached_have_a_record_too() -> None:
    report = fleet_samples.sample()
    assert fields(report, "db4.example.org", "verdict", "batch", "database", "seconds") == [
        "not_reached",
        None,
        "community_connect_south",
        None,
    ]
    assert report["verdicts"] == {"migrated": 1, "rolled_back": 1, "unreachable": 1, "not_reached": 1}
    assert report["well"] is False


def test_two_databases_of_one_host_are_two_records() -> None:
    """One play may include the role for one database after the other."""
    fleet = Fleet()
    fleet.batch("db1")
    fleet.prepared("db1", "first")
    fleet.verdict("db1", "migrated")
    fleet.prepared("db1", "second")
    fleet.verdict("db1", "refused")
    fleet.end("db1", Verdict.REFUSED, "The disk is full.")
    found = [(one["database"], one["verdict"], one["well"], one["reasons"]) for one in fleet.report()["hosts"]]
    assert found == [("first", "migrated", True, []), ("second", "refused", False, ["The disk is full."])]


def test_a_host_that_an_earlier_play_has_lost_keeps_its_one_record() -> None:
    fleet = Fleet()
    fleet.batch("db1", "db2")
    fleet.prepared("db1", "first")
    fleet.batch("db1", "db2")
    fleet.prepared("db2", "second")
    fleet.end("db1", Verdict.REFUSED)
    fleet.end("db2", Verdict.UNKNOWN)
    assert [(one["host"], one["batch"]) for one in fleet.report()["hosts"]] == [("db1", 1), ("db2", 2)]


def test_tasks_of_the_users_own_belong_to_the_step_that_they_are_in() -> None:
    fleet = Fleet()
    fleet.batch("db1")
    fleet.run("db1", "Migrate", 1.0)
    moment = fleet.clock + 5.0
    fleet.gathering.take("db1", Task("Rename the columns", "shell"), {"rows": 5}, moment)
    fleet.end("db1", Verdict.MIGRATED)
    assert fields(fleet.report(), "db1", "steps") == [[{"step": "Migrate", "after": 0.0, "seconds": 6.0, "well": True}]]


@given(result=RESULTS, step=st.sampled_from(list(fleet_samples.TASKS)), verdict=st.sampled_from(list(Verdict)))
def test_the_report_keeps_to_its_schema_whatever_a_target_sends(result: Any, step: str, verdict: Verdict) -> None:
    fleet = Fleet()
    fleet.batch(HOSTILE)
    fleet.prepared(HOSTILE, "app")
    said = result if isinstance(result, dict) else {"verification": result, "rows": result}
    fleet.gathering.take(HOSTILE, Task(f"{step} | A task", fleet_samples.TASKS[step]), said, fleet.clock)
    fleet.end(HOSTILE, verdict, HOSTILE, database=HOSTILE)
    report = fleet.report()
    VALIDATOR.validate(report)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\u202e", "\u2066", "\udc80", "\n"])
def test_no_text_of_a_report_has_a_sign_that_is_obeyed_or_not_shown(sign: str) -> None:
    assert not [text for text in _texts(fleet_samples.hostile()) if sign in text]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(one)
