# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verified copy that is retained after a good verdict: for an instant rollback within its time, and no longer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.run import Backup
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import JOURNAL, of_run
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight import run as preflight
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import kept, recover, with_batch
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import run as restore
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.with_batch import Limits
from ansible_collections.pgsafe.migration.plugins.module_utils.retention import pin
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    GOOD,
    Database,
    databases,
    fenced,
    ours,
    request,
    require_open,
    until,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

DAY = 86400.0
WRITTEN = "INSERT INTO customers (name) SELECT 'since' FROM generate_series(1, 12)"


def _migrated(database: Database, backup_root: Path, sets: Path) -> tuple[Backup, str, Fingerprint]:
    """A migrated database beside its retained copy, the copy's name, and what the database was before."""
    before = database.fingerprint()
    taken = fenced(database, backup_root)
    outcome = migrate.run(request(database, taken, write_set(sets / "set", GOOD), keep_copy_seconds=DAY))
    assert (outcome.verdict, outcome.warnings) == ("migrated", ())
    assert outcome.copy is not None
    assert ours(database.server, database.name) == {outcome.copy.name}
    require_open(database)
    return taken, outcome.copy.name, before


def _age(backup_root: Path, run_id: str) -> None:
    """Let the time of the copy be over."""
    path = backup_root / ".runs" / run_id / JOURNAL
    events = [json.loads(line) for line in path.read_text().splitlines()]
    past = [{**event, "until": "2020-01-01T00:00:00Z"} if "until" in event else event for event in events]
    path.write_text("".join(f"{json.dumps(event)}\n" for event in past))


@pytest.mark.every_server
def test_a_rollback_within_the_time_takes_the_copy_and_counts_what_it_loses(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken, copy, before = _migrated(database, backup_root, tmp_path)
    asked = requests.restore(database.target, taken.directory)
    assert restore.plan(asked).written == ("Since the verdict, nothing was written",)
    database.sql(WRITTEN)
    planned = restore.plan(asked)
    assert (planned.copy, planned.no_copy) == (copy, ())
    # Another run, and what it sweeps, leave the copy alone.
    assert not [line for line in recover.run(requests.recover(database.target, backup_root)).done if copy in line]
    done = restore.run(asked)
    assert (done.state, done.method, done.failures) == ("rolled_back", "verified_copy", ())
    assert f"Since the verdict, 12 rows were written: it is in {done.kept} only." in done.warnings
    assert database.fingerprint() == before
    assert ours(database.server, database.name) == {done.kept}
    run_journal = of_run(backup_root, taken.run_id)
    assert run_journal is not None
    assert not run_journal.state.irregular
    assert not run_journal.state.verified_copy


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (['DROP DATABASE "{copy}"'], "is gone"),
        (['ALTER DATABASE "{copy}" ALLOW_CONNECTIONS true'], "was opened since it was proven"),
        (
            [
                'ALTER DATABASE "{copy}" ALLOW_CONNECTIONS true',
                "{copy}:DELETE FROM orders",
                'ALTER DATABASE "{copy}" ALLOW_CONNECTIONS false',
            ],
            "had sessions since the verdict",
        ),
    ],
    ids=["gone", "opened", "changed"],
)
def test_a_copy_that_is_not_what_was_proven_is_passed_over_for_the_archive(
    database: Database, backup_root: Path, tmp_path: Path, changes: list[str], why: str
) -> None:
    taken, copy, before = _migrated(database, backup_root, tmp_path)
    idle = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{copy}'"
    for change in changes:
        inside, colon, statement = change.format(copy=copy).partition(":")
        if colon:
            database.called(inside).sql(statement)
            until(lambda: database.admin(idle) == "0", "the session of the copy to end")
        else:
            database.admin(change.format(copy=copy))
    asked = requests.restore(database.target, taken.directory)
    planned = restore.plan(asked)
    assert planned.copy == ""
    assert why in planned.no_copy[0]
    done = restore.run(asked)
    assert done.method == "archive"
    assert why in done.failures[0]
    assert database.fingerprint() == before
    # The next run drops what is left of the copy.
    recover.run(requests.recover(database.target, backup_root))
    assert ours(database.server, database.name) == {done.kept}


def test_a_copy_whose_time_is_over_is_dropped_by_the_next_run_which_says_so(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken, copy, _before = _migrated(database, backup_root, tmp_path)
    (young,) = kept.run(kept.KeptRequest(database.target, backup_root, 0, (copy,)))
    assert not young.dropped
    assert young.reason.startswith("a verified copy, retained until ")
    _age(backup_root, taken.run_id)
    asked = requests.recover(database.target, backup_root)
    line = f"the copy {copy}: a verified copy, retained until 2020-01-01 00:00 UTC, and its time is over"
    assert recover.plan(asked).done[-1].startswith(f"The copy {copy} would be dropped")
    # A person who looks into it keeps it.
    database.admin(f'ALTER DATABASE "{copy}" ALLOW_CONNECTIONS true')
    assert recover.run(asked).done == ()
    database.admin(f'ALTER DATABASE "{copy}" ALLOW_CONNECTIONS false')
    assert recover.run(asked).done == (f"Dropped {line}",)
    assert ours(database.server, database.name) == set()
    run_journal = of_run(backup_root, taken.run_id)
    assert run_journal is not None
    assert (run_journal.state.verified_copy, run_journal.state.irregular) == (None, ())
    assert restore.plan(requests.restore(database.target, taken.directory)).copy == ""


def test_two_databases_of_a_server_retain_a_copy_each_and_a_pinned_backup_outlives_its_own(
    database: Database, backup_root: Path, tmp_path: Path, clone: Callable[[str], Database]
) -> None:
    """They share a backup root, as two databases of one host in one play do."""
    other = clone("small")
    taken, copy, before = _migrated(database, backup_root, tmp_path)
    other_taken, other_copy, other_before = _migrated(other, backup_root, tmp_path)
    pin.run(pin.PinRequest(taken.directory, "the auditors"))
    _age(backup_root, taken.run_id)
    assert [copy in line for line in recover.run(requests.recover(database.target, backup_root)).done] == [True]
    assert recover.run(requests.recover(other.target, backup_root)).done == ()
    assert (ours(database.server, database.name), ours(other.server, other.name)) == (set(), {other_copy})
    # The pin is the backup's: it restores what the copy no longer can.
    done = restore.run(requests.restore(database.target, taken.directory))
    assert (done.method, database.fingerprint()) == ("archive", before)
    done = restore.run(requests.restore(other.target, other_taken.directory))
    assert (done.method, other.fingerprint()) == ("verified_copy", other_before)
    run_journal = of_run(backup_root, taken.run_id)
    assert run_journal is not None
    assert (run_journal.state.pinned, run_journal.state.irregular) == ("the auditors", ())


def test_a_copy_that_was_proven_elsewhere_cannot_be_retained_and_the_result_says_so(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken = fenced(database, backup_root, proof="scratch")
    outcome = migrate.run(request(database, taken, write_set(tmp_path / "set", GOOD), keep_copy_seconds=DAY))
    assert outcome.copy is None
    for proof, severity in (("scratch", "warning"), ("verified_copy", "info")):
        found = preflight.run(
            requests.preflight(database.target, backup_root, keep_copy_seconds=DAY, proof=proof, probe=False)
        )
        assert [of.severity for of in found.problems if of.check == "retained_copy"] == [severity]
    assert outcome.warnings == ("There is no verified copy to retain: the backup was proven elsewhere.",)


def test_statistics_that_were_reset_count_nothing_and_the_rollback_says_so(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken, _copy, _before = _migrated(database, backup_root, tmp_path)
    database.sql(f"{WRITTEN}; SELECT pg_stat_reset()")
    planned = restore.plan(requests.restore(database.target, taken.directory))
    assert planned.written[0].startswith("Writes since the verdict are unknown")


def test_a_rollback_with_the_batch_is_refused_beyond_its_limits_and_leaves_the_database_migrated(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    taken, copy, _before = _migrated(database, backup_root, tmp_path)
    run_journal = of_run(backup_root, taken.run_id)
    assert run_journal is not None

    def why_not(seconds: float, most_rows: int) -> str:
        return with_batch.decide(database.target, run_journal, Limits(seconds, most_rows)).why_not

    assert why_not(DAY, 0) == ""
    assert "longer than 0.0 s (within)" in why_not(0, 0)
    database.sql(WRITTEN)
    assert why_not(DAY, 12) == ""
    assert "no more than 11 rows (max_rows_written)" in why_not(DAY, 11)
    # Sessions that report late: the rollback itself counts again when they have ended.
    with pytest.raises(Refused, match="would lose more than the 11 rows"):
        restore.run(requests.restore(database.target, taken.directory, most_rows=11))
    require_open(database)
    assert ours(database.server, database.name) == {copy}
    assert (run_journal.state.verdict, run_journal.state.irregular) == ("migrated", ())
    database.sql("CREATE TABLE made_since ()")
    assert "max_rows_written" in why_not(DAY, 1000)
    database.sql("DROP TABLE made_since; SELECT pg_stat_reset()")
    assert "max_rows_written" in why_not(DAY, 1000)


@pytest.mark.long
def test_the_playbooks_retain_a_copy_ask_about_what_a_rollback_loses_and_prune_it(
    ansible: Ansible, database: Database, backup_root: Path, tmp_path: Path
) -> None:
    before = database.fingerprint()
    source = write_set(tmp_path / "set", GOOD)
    given = {"pg_migrate_keep_copy_for": "24h", "pg_migrate_confirm": database.name}
    played = ansible.play({"one": {**database.variables(backup_root, source), **given}})
    assert played.status == 0, played.output
    assert "after a good verdict" in played.flat
    (copy,) = ours(database.server, database.name)
    assert f"The verified copy {copy} is retained, closed, until" in played.flat
    assert "What a rollback would lose: Since the verdict, nothing was written" in played.flat
    (written,) = (ansible.home / "pgsafe" / "reports").glob("*/report.json")
    (reported,) = json.loads(written.read_text())["hosts"]
    lost = ["Since the verdict, nothing was written"]
    assert {key: reported["retained_copy"][key] for key in ("name", "written_since")} == {
        "name": copy,
        "written_since": lost,
    }
    assert reported["retained_copy"]["until"] in written.with_name("report.html").read_text()
    database.sql(WRITTEN)
    hosts = {"one": database.variables(backup_root)}
    undo = ("-e", "pg_migrate_backup_dir=before_last_migration")
    asked = ansible.ask(hosts, "no\n", *undo, playbook="pgsafe.migration.rollback")
    assert "Since the verdict, 12 rows were written" in asked.flat, asked.output
    assert "expected rollback: under a second" in asked.flat
    listed = ansible.play(hosts, playbook="pgsafe.migration.list")
    assert f"Kept {copy}" in listed.flat, listed.output
    agreed = ansible.ask(hosts, "yes\n", *undo, playbook="pgsafe.migration.rollback")
    assert "the verified copy" in agreed.flat, agreed.output
    assert database.fingerprint() == before
    (kept,) = ours(database.server, database.name)
    database.admin(f"DROP DATABASE {kept}")
    taken, second, _before = _migrated(database, backup_root, tmp_path)
    _age(backup_root, taken.run_id)
    pruned = ansible.play(hosts, playbook="pgsafe.migration.prune")
    assert f"Dropped {second}" in pruned.flat, pruned.output
    assert second not in databases(database.server)
