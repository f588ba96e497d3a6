# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where runs stand, by their journals alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.console import status as console
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import status
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal, new_run
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.state import Standing
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

FENCED = [(Event.FENCING, {"database": "app"}), (Event.FENCED, {})]
GUARDED = {"job": "migrate", "directory": "/nowhere", "by_hand": "python3 g recover"}
ARMED = [*FENCED, (Event.GUARDED, GUARDED), (Event.ARMED, {})]
ACCEPTED = (Event.ACCEPTED, {"verdict": "migrated"})


def written(root: Path, events: list[tuple[Event, dict[str, str]]]) -> Journal:
    of = new_run(root)
    for event, facts in events:
        of.append(event, **facts)
    return of


@pytest.mark.parametrize(
    ("events", "standing", "by_hand"),
    [
        (FENCED, Standing.RESTS, ""),
        ([*FENCED, (Event.OPENED, {})], Standing.GIVEN_UP, ""),
        (ARMED, Standing.LEFT, "python3 g recover"),
        ([*ARMED, (Event.FAILED, {}), (Event.HELD, {})], Standing.HELD, "python3 g recover"),
        ([*ARMED, ACCEPTED, (Event.OPENED, {}), (Event.MIGRATED, {})], Standing.ENDED, ""),
    ],
)
def test_a_run_stands_where_its_journal_says(
    tmp_path: Path, events: list[tuple[Event, dict[str, str]]], standing: Standing, by_hand: str
) -> None:
    of = written(tmp_path, events)
    (found,) = status.run(requests.status(tmp_path, "app"))
    assert (found.run_id, found.standing, found.by_hand) == (of.run_id, standing, by_hand)
    assert found.phase == events[-1][0]
    lines = console.status([found])
    assert lines[0].startswith("[✓]" if standing in (Standing.ENDED, Standing.GIVEN_UP) else "[✗]")
    assert (len(lines) == 2) == bool(by_hand)


def test_a_run_that_somebody_holds_is_at_work(tmp_path: Path) -> None:
    of = written(tmp_path, ARMED)
    with of.held():
        (found,) = status.run(requests.status(tmp_path))
    assert (found.standing, found.by_hand) == (Standing.AT_WORK, "")


def test_the_log_tells_every_event_with_its_time_and_no_more_than_a_person_reads(tmp_path: Path) -> None:
    written(tmp_path, [*FENCED, (Event.FAILED, {"error": "It broke.", "secret": "no"})])
    (found,) = status.run(requests.status(tmp_path))
    assert [line.split(maxsplit=3)[3] for line in found.log[1:]] == [
        "FENCE     The fence stands",
        "MIGRATE   FAILED: It broke.",
    ]
    assert found.log[-1].startswith(found.since.replace("T", " ").replace("Z", " UTC"))


def test_of_many_runs_the_newest_of_the_database_are_told(tmp_path: Path) -> None:
    other = written(tmp_path, [(Event.FENCING, {"database": "other"})])
    mine = [written(tmp_path, FENCED).run_id for _time in range(3)]
    found = status.run(requests.status(tmp_path, "app", newest=2))
    assert [of.run_id for of in found] == mine[1:]
    assert [of.run_id for of in status.run(requests.status(tmp_path, run_id=other.run_id))] == [other.run_id]
    assert console.status(status.run(requests.status(tmp_path, "nobody"))) == ["[✓] There is no run"]


def test_a_root_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileFailed, match="does not exist"):
        status.run(requests.status(tmp_path / "none"))
