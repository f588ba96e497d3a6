# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of a run: every event in words, and where it lies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import log as run_log
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_a_phase_and_a_sentence(event: Event) -> None:
    phase, text = run_log.told(event, "", {}).split(maxsplit=1)
    assert phase.isupper()
    assert len(text.split()) > 1


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    directory = tmp_path / "20261116_143022"
    directory.mkdir()
    return Journal(directory)


def test_the_log_has_the_time_the_phase_and_what_the_programs_have_said(journal: Journal) -> None:
    journal.append(Event.APPLYING, file="1.sql")
    journal.note("ALTER TABLE\nUPDATE 7")
    journal.append(Event.FAILED, error="psql ended with status 3:\n  division by zero")
    journal.append(Event.ROLLED_BACK, method="verified_copy", kept="")
    times = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  "
    assert [re.sub(f"^{times}", "", line) for line in journal.log()] == [
        "MIGRATE   Applying 1.sql",
        "    | ALTER TABLE",
        "    | UPDATE 7",
        "MIGRATE   FAILED: psql ended with status 3:",
        "    |   division by zero",
        "VERDICT   ROLLED BACK by verified_copy; the failed database is kept as (none)",
    ]


def test_what_is_beside_the_backup_goes_on_to_grow(journal: Journal, tmp_path: Path) -> None:
    journal.append(Event.BACKED_UP)
    backup = tmp_path / "backup"
    backup.mkdir()
    for _time in range(2):
        journal.log_beside(backup)
    journal.append(Event.MIGRATED)
    assert (backup / "migration_20261116_143022.log").read_text().splitlines() == journal.log()
    assert len(journal.log()) == 2


def test_a_run_does_not_fail_because_of_its_log(journal: Journal) -> None:
    (journal.directory / "migration_20261116_143022.log").mkdir()
    journal.append(Event.MIGRATED)
    journal.note("nobody hears it")
    journal.log_beside(journal.directory / "missing")
    assert [entry.event for entry in journal.entries()] == ["migrated"]
    # Then it is told by the journal alone.
    assert [line.split(maxsplit=3)[3] for line in journal.log()] == ["VERDICT   MIGRATED and verified"]


def test_a_result_takes_the_end_of_a_long_log_along(journal: Journal) -> None:
    journal.note("\n".join(str(number) for number in range(1000)))
    lines = journal.logged()["lines"]
    assert lines[0] == "(800 earlier lines are in the log on the target)"
    assert (len(lines), lines[-1]) == (201, "    | 999")
    journal.note("x" * 5000)
    assert len(journal.logged()["lines"][-1]) < 400
