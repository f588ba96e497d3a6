# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Twenty clients through a whole run: no acknowledged write is lost, and nobody sees a database half way."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import rollback
from ansible_collections.pgsafe.migration.tests.server.clients import TABLE, Client, busy, longest_gap
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    fenced,
    request,
    until,
    write_set,
)

CLIENTS = 20
WHOLE = (60, 500)


def wait_for_writes(clients: list[Client]) -> None:
    """Every client has written since now."""
    before = [len(client.committed) for client in clients]
    until(lambda: all(len(c.committed) > n for c, n in zip(clients, before)), "every client writes")


def require_nothing_lost(database: Database, clients: list[Client]) -> None:
    """What was acknowledged is there, and what is there was sent."""
    for client in clients:
        found = database.sql(f"SELECT number FROM acknowledged WHERE client = {client.number}").split()
        there = {int(number) for number in found}
        assert client.committed <= there <= client.committed | client.in_doubt


def tell(capsys: pytest.CaptureFixture[str], what: str, clients: list[Client], outcome: migrate.Outcome) -> None:
    """Figures for people; nothing is asserted of them."""
    writes = longest_gap([moment for client in clients for moment in client.written])
    reads = longest_gap([moment for client in clients for moment, _seen in client.seen])
    renames = f", cut-over {outcome.rollback.cutover_seconds:.3f} s" if outcome.rollback else ""
    with capsys.disabled():
        print(f"\n{CLIENTS} clients, {what}: {writes:.2f} s without writes, {reads:.2f} s without service{renames}")


def run_behind(database: Database, taken: backup.Backup, source: Path) -> migrate.Outcome:
    try:
        return migrate.run(request(database, taken, source))
    except migrate.MigrationFailed as failed:
        return failed.outcome


@pytest.mark.every_major
@pytest.mark.fault(51)
@pytest.mark.fault(56)
@pytest.mark.parametrize("files", [BROKEN, GOOD], ids=["broken", "good"])
@pytest.mark.parametrize(
    ("kind", "proof"),
    [(fence.BOTH, "verified_copy"), (COPIED, "auto"), (FOLLOWED, "verified_copy")],
    ids=["read", "copied", "followed"],
)
def test_no_acknowledged_write_is_lost_behind_the_fence(
    database: Database,
    backup_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    proof: str,
    files: dict[str, str],
) -> None:
    database.sql(TABLE)
    source = write_set(tmp_path / "set", files)
    with busy(database, CLIENTS) as clients:
        wait_for_writes(clients)
        outcome = run_behind(database, fenced(database, backup_root, kind, proof), source)
        assert outcome.verdict == ("migrated" if files is GOOD else "rolled_back")
        wait_for_writes(clients)
    tell(capsys, f"{outcome.verdict.replace('_', ' ')}, {kind}", clients, outcome)
    require_nothing_lost(database, clients)
    assert {seen for client in clients for _moment, seen in client.seen} == {WHOLE}
    refused = any("read-only transaction" in refusal for client in clients for refusal in client.refusals)
    assert refused == (kind == fence.BOTH) or kind == FOLLOWED


def lost_by(restored: rollback.Restored, database: Database, before: int) -> int:
    """How many acknowledged rows are in the kept database and not in the one that took its place."""
    database.admin(f"ALTER DATABASE {restored.kept} ALLOW_CONNECTIONS true")
    return int(database.called(restored.kept).sql("SELECT count(*) FROM acknowledged")) - before


@pytest.mark.fault(56)
@pytest.mark.parametrize(
    ("meanwhile", "count", "objects", "known"),
    [
        ("DROP TABLE filled", CLIENTS, 0, True),
        ("SELECT lo_from_bytea(0, '1') FROM generate_series(1, 5000)", 1, 5000, True),
        ("SELECT pg_stat_reset()", 1, 0, False),
    ],
    ids=["a table is dropped", "large objects are made", "the statistics are reset"],
)
def test_without_the_read_only_stage_a_rollback_says_how_many_rows_it_loses_at_most(
    database: Database, backup_root: Path, tmp_path: Path, meanwhile: str, count: int, objects: int, known: bool
) -> None:
    database.sql(f"{TABLE}; CREATE TABLE filled AS SELECT generate_series(1, 100000)")
    with busy(database, count) as clients:
        taken = fenced(database, backup_root, fence.CLOSED)
        wait_for_writes(clients)
        database.sql(meanwhile)
        with pytest.raises(migrate.MigrationFailed) as caught:
            migrate.run(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    outcome = caught.value.outcome
    assert outcome.rollback is not None
    lost = lost_by(outcome.rollback, database, taken.manifest.fingerprint.tables["public.acknowledged"].rows)
    said = outcome.writes_since_backup
    assert lost > 0
    assert (said is not None) == known
    assert said is None or said >= lost + objects
    most = f"at most {said:,}" if known else "an unknown number of"
    assert f"{most} rows, is in {outcome.rollback.kept} only." in " ".join(str(caught.value).split())
