# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Twenty clients through a whole run: no acknowledged write is lost, and nobody sees a database half way."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import backup, fence, migrate
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
def test_no_acknowledged_write_is_lost_behind_the_fence(
    database: Database,
    backup_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
) -> None:
    database.sql(TABLE)
    source = write_set(tmp_path / "set", files)
    with busy(database, CLIENTS) as clients:
        wait_for_writes(clients)
        outcome = run_behind(database, fenced(database, backup_root), source)
        assert outcome.verdict == ("migrated" if files is GOOD else "rolled_back")
        wait_for_writes(clients)
    tell(capsys, outcome.verdict.replace("_", " "), clients, outcome)
    require_nothing_lost(database, clients)
    assert {seen for client in clients for _moment, seen in client.seen} == {WHOLE}
    assert any("read-only transaction" in refusal for client in clients for refusal in client.refusals)


@pytest.mark.fault(56)
def test_without_the_read_only_stage_what_a_rollback_loses_is_counted_and_kept(
    database: Database, backup_root: Path, tmp_path: Path
) -> None:
    database.sql(TABLE)
    with busy(database, CLIENTS) as clients:
        taken = fenced(database, backup_root, fence.CLOSED)
        wait_for_writes(clients)
        with pytest.raises(migrate.MigrationFailed) as caught:
            migrate.run(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    rollback = caught.value.outcome.rollback
    assert rollback is not None
    database.admin(f"ALTER DATABASE {rollback.kept} ALLOW_CONNECTIONS true")
    kept = database.called(rollback.kept)
    rows = "SELECT count(*) FROM acknowledged"
    lost = int(kept.sql(rows)) - taken.manifest.fingerprint.tables["public.acknowledged"].rows
    assert caught.value.outcome.writes_since_backup >= lost > 0
    told = " ".join(str(caught.value).split())
    assert f"{rollback.kept} only; by the server's statistics, an estimate, about" in told
