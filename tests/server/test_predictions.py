# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long clients wait: predicted before, kept in the journal, and compared with what happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.run import Backup
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal import journal
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.verification import report
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.prediction import Prediction
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import Thresholds
from ansible_collections.pgsafe.migration.plugins.modules.pg_preflight_facts import PreflightFailed
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible, Played
from ansible_collections.pgsafe.migration.tests.server.preflight_support import look, of
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    failed,
    proven,
    request,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.test_play_fleet import report as reported
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

CHECK = "unavailable_time"
HARMFUL = {"1.sql": "DELETE FROM orders WHERE id <= 10;\n"}


def limited(seconds: float) -> Thresholds:
    return replace(requests.THRESHOLDS, max_unavailable=seconds)


def predicted(database: Database, backup_root: Path, kind: str) -> tuple[Backup, Prediction]:
    """A proven backup behind a fence that was told what its preflight had predicted."""
    facts = look(database, backup_root, fence=kind).facts
    asked = requests.fence(database.target, backup_root, kind, predictions=facts.predictions)
    raised = fence.run(asked)
    assert facts.prediction is not None
    place = "scratch" if kind == COPIED else "verified_copy"
    return proven(database, backup_root, run_id=raised.run_id, proof=place), facts.prediction


def run_of(taken: Backup) -> Journal:
    found = journal.of_run(taken.directory.parent.parent, taken.run_id)
    assert found is not None
    return found


def require_compared(log: list[str], told: Prediction, outcome: migrate.Outcome) -> None:
    """The log of the run has the prediction from its beginning, and both figures beside it at its end."""
    assert outcome.predicted == told
    assert outcome.waited is not None
    in_log = "\n".join(log)
    assert in_log.index(f"Predicted for {told.kind}, plus the migration: {told.told}") < in_log.index("Backup started")
    for line in report.waiting(told, outcome.waited):
        assert in_log.index(line) > in_log.index("Migration started"), line


@pytest.mark.every_major
@pytest.mark.parametrize("kind", [fence.BOTH, COPIED, FOLLOWED])
def test_a_good_run_is_reported_as_predicted_and_as_it_was(
    database: Database, backup_root: Path, tmp_path: Path, kind: str
) -> None:
    taken, told = predicted(database, backup_root, kind)
    recorded = fence.recorded(run_of(taken))
    assert recorded is not None
    assert recorded.predicted == told, "it is kept before anybody is asked"
    outcome = migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD)))
    assert outcome.verdict == "migrated", outcome.warnings
    require_compared(run_of(taken).log(), told, outcome)
    written = (taken.directory / manifests.VERIFICATION_REPORT).read_text()
    assert f"without writes   {told.writes_told}  " in written
    assert told.basis in " ".join(written.split())
    assert outcome.waited is not None
    assert 0 < outcome.waited.migrating <= outcome.waited.without_service <= outcome.waited.without_writes


@pytest.mark.every_major
@pytest.mark.parametrize("files", [HARMFUL, BROKEN], ids=["not verified", "not applied"])
def test_a_failed_run_is_reported_likewise(
    database: Database, backup_root: Path, tmp_path: Path, files: dict[str, str]
) -> None:
    taken, told = predicted(database, backup_root, fence.BOTH)
    outcome = failed(request(database, taken, write_set(tmp_path / "set", files))).outcome
    assert outcome.verdict == "rolled_back"
    require_compared(run_of(taken).log(), told, outcome)
    written = taken.directory / manifests.VERIFICATION_REPORT
    assert (written.exists(), written.exists() and f"  {told.writes_told}  " in written.read_text()) == (
        (True, True) if files is HARMFUL else (False, False)
    )


@pytest.mark.every_major
def test_within_a_limit_the_first_fence_that_keeps_it_is_chosen_and_else_all_are_listed(
    database: Database, backup_root: Path
) -> None:
    generous = look(database, backup_root, thresholds=limited(3600)).facts
    assert generous.fence == fence.BOTH, generous.fence_reason
    close = look(database, backup_root, thresholds=limited(3))
    assert close.facts.fence == FOLLOWED, close.facts.fence_reason
    assert f"not {fence.BOTH}: " in close.facts.fence_reason
    assert of(close, CHECK) == of(close, "followed_copy") == []
    assert look(database, backup_root).facts.fence == fence.BOTH, "without a limit nothing is put on the server"
    refused = look(database, backup_root, thresholds=limited(0.01))
    error, *ways = of(refused, CHECK)
    assert error.severity == "error"
    assert [way.what.partition(":")[0] for way in ways] == [one.kind for one in refused.facts.predictions]
    assert all(f"\n     - {way.what}" in PreflightFailed(refused).what for way in ways)


def test_a_fence_that_was_asked_for_is_refused_beyond_the_limit_and_never_replaced(
    database: Database, backup_root: Path
) -> None:
    for kind in (fence.BOTH, COPIED, FOLLOWED):
        found = look(database, backup_root, fence=kind, thresholds=limited(0.01))
        assert found.facts.fence == kind
        assert of(found, CHECK)[0].severity == "error"


def play(ansible: Ansible, database: Database, backup_root: Path, seconds: float) -> Played:
    limits = {"pg_migrate_thresholds": {"max_unavailable": seconds}, "pg_migrate_fence": "auto"}
    variables = {**database.variables(backup_root, write_set(ansible.home / "set", GOOD)), **limits}
    return ansible.play({"one": variables}, "-e", f"pg_migrate_confirm={database.name}")


@pytest.mark.parametrize("seconds", [pytest.param(3600, marks=pytest.mark.long), 0.01])
def test_a_play_shows_the_prediction_and_compares_it_or_refuses_with_every_way(
    ansible: Ansible, database: Database, backup_root: Path, seconds: float
) -> None:
    played = play(ansible, database, backup_root, seconds)
    one = reported(ansible)["one"]
    found = one["availability"]
    assert "Predicted for read_only+closed, plus the migration: " in played.flat
    if seconds == 3600:
        assert played.verdict("one") == "migrated and verified", played.output
        assert "s without writes (predicted " in played.flat
        assert found["without_writes"]["predicted"] is not None
        assert found["without_writes"]["seconds"] <= found["without_writes"]["in_all"]
    else:
        assert played.verdict("one") == "refused: nothing was changed", played.output
        assert f"- {FOLLOWED}: " in played.flat
        assert found is None
        assert f"- {FOLLOWED}: " in "\n".join(one["reasons"])
