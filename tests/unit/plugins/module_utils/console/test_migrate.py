# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration, and how it failed. A tick only for what was done."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pgsafe.migration.plugins.module_utils.console import migrate as console
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.verdicts import Verdict
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.run import MigrationFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification.result import VerificationReport
from ansible_collections.pgsafe.migration.tests.unit.samples import (
    FACTS,
    MANIFEST,
    NOTHING_FOUND,
    OUTCOME,
    ticked,
)


def test_a_migration_lists_what_was_applied() -> None:
    assert "[✓] Applied: a.sql" in console.migrate(OUTCOME)


def test_a_failure_tells_the_cause_before_the_rollback() -> None:
    error = MigrationFailed(PgsafeError("psql ended with status 3"), OUTCOME, "It is as before.", "")
    lines = console.failure(error)
    assert lines[0] == "[✓] Applied: a.sql"
    assert lines[1].startswith("[ERROR] Migration failed at ")
    assert lines[2].strip() == "psql ended with status 3"
    assert lines[3] == "[✓] Step 1: Stopping active connections... 3 ended"


def test_a_rollback_that_failed_has_no_tick_but_those_of_the_files() -> None:
    cause = PgsafeError("broken").joined("no server")
    lines = console.failure(MigrationFailed(cause, replace(OUTCOME, rollback=None), "", ""))
    assert "[✗] ROLLBACK FAILED" in lines
    assert lines[-1].strip() == "no server"
    assert ticked(lines) == ["[✓] Applied: a.sql"]


def test_a_migration_shows_what_its_verification_warns_of() -> None:
    found = replace(NOTHING_FOUND, warnings=("The index x is gone.",))
    done = replace(
        OUTCOME, verdict=Verdict.MIGRATED, rollback=None, verification=VerificationReport.of(found, MANIFEST)
    )
    assert "[warning] The index x is gone." in console.migrate(done)


def test_a_held_migration_says_every_problem_and_rolls_nothing_back() -> None:
    error = MigrationFailed(
        PgsafeError("It failed:\n  one\n  two"), replace(OUTCOME, verdict=Verdict.HELD), "It is held.", ""
    )
    lines = console.failure(error)
    assert lines[1].endswith("! The database stays closed.")
    assert lines[2:] == ["        It failed:", "            |   one", "            |   two", "It is held."]
    assert not [line for line in lines if "ollback" in line]


def test_what_clients_waited_stands_beside_what_was_predicted() -> None:
    done = replace(
        OUTCOME,
        fence="read_only+closed",
        predicted=FACTS.prediction,
        seconds_read_only=20.0,
        seconds_closed=4.0,
        seconds_migrating=3.5,
        seconds_asking=9.0,
    )
    assert console.migrate(done)[-2:] == [
        "[info] Predicted part: 7.5 s without writes (predicted 1 min 30 s to 2 min 15 s), 0.5 s without service "
        "(predicted about 0.5 s)",
        "[info] Not predicted: 3.5 s for the migration, its verification and any rollback, 9.0 s from the proof to the "
        "confirmation",
    ]
    assert "Predicted part" not in str(console.migrate(replace(done, verdict=Verdict.HELD)))
    assert "Predicted part" not in str(console.migrate(replace(done, predicted=None)))
