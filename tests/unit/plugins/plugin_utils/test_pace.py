# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of how a step gets on: no more than is known."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.plugin_utils.pace import Pace

GIGABYTE = 1 << 30
MEGABYTE = 1 << 20


class Clock:
    seconds = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("time.monotonic", lambda: found.seconds)
    return found


def told(clock: Clock, *looks: tuple[float, int, int | None]) -> list[str]:
    """What is said of a file at each moment, with what is done of a total."""
    pace, found = Pace(), []
    for moment, done, total in looks:
        clock.seconds = moment
        found.append(pace.told({"what": "full_backup.dump", "done": done, "total": total}))
    return found


def test_a_share_a_rate_and_the_time_that_is_left(clock: Clock) -> None:
    assert told(clock, (0, 0, GIGABYTE), (4, 256 * MEGABYTE, GIGABYTE)) == [
        "full_backup.dump  0 %  0B of 1.0G",
        "full_backup.dump  25 %  256M of 1.0G  64M/s  0:12 left",
    ]


def test_what_has_outgrown_its_estimate_has_no_share_and_no_end(clock: Clock) -> None:
    looks = told(clock, (0, 0, GIGABYTE), (10, GIGABYTE - 1, GIGABYTE), (11, GIGABYTE, GIGABYTE))
    assert "99 %" in looks[1]
    assert looks[2] == "full_backup.dump  1.0G  93M/s"


@pytest.mark.parametrize("total", [None, 0])
def test_without_a_total_there_is_a_size_and_a_rate(clock: Clock, total: int | None) -> None:
    assert told(clock, (0, 0, total), (2, 2 * MEGABYTE, total))[1] == "full_backup.dump  2.0M  1.0M/s"


@pytest.mark.parametrize("moment", [0, 1.9])
def test_a_rate_is_not_told_from_a_moment(clock: Clock, moment: float) -> None:
    assert told(clock, (0, 0, GIGABYTE), (moment, MEGABYTE, GIGABYTE))[1] == "full_backup.dump  0 %  1.0M of 1.0G"


def test_what_stands_still_has_no_end(clock: Clock) -> None:
    looks = told(clock, *[(moment, MEGABYTE, GIGABYTE) for moment in (0, 10, 20, 30)])
    assert looks[-1] == "full_backup.dump  0 %  1.0M of 1.0G"


def test_the_rate_is_that_of_the_last_seconds(clock: Clock) -> None:
    megabytes = {0: 0, 10: 1000, 20: 1001, 25: 1001}
    looks = told(clock, *[(moment, count * MEGABYTE, None) for moment, count in megabytes.items()])
    assert looks[-1] == "full_backup.dump  1001M  68K/s"


def test_another_step_has_a_rate_of_its_own(clock: Clock) -> None:
    pace = Pace()
    pace.told({"what": "full_backup.dump", "done": 0, "total": None})
    clock.seconds = 10
    assert pace.told({"what": "full_backup.sql.gz", "done": GIGABYTE, "total": None}) == "full_backup.sql.gz  1.0G"


def test_hours_are_told_as_such(clock: Clock) -> None:
    assert told(clock, (0, 0, 1000 * GIGABYTE), (10, GIGABYTE, 1000 * GIGABYTE))[1].endswith("2:46:30 left")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"what": "UPDATE t", "seconds": 3.2}, "UPDATE t (3 s)"),
        ({"what": "CREATE INDEX …", "seconds": 61.4, "share": 0.257}, "CREATE INDEX … (61 s) 25 %"),
        ({"what": "tables"}, "tables"),
    ],
)
def test_a_statement_is_told_with_its_age(now: dict[str, object], expected: str) -> None:
    assert Pace().told(now) == expected
