# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Twenty clients through a whole run: no acknowledged write is lost, and nobody sees a database half way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup import run as backup
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.journal import Journal
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.plugins.module_utils.restore import rollback
from ansible_collections.pgsafe.migration.tests.server.clients import (
    FOLLOWED_KINDS,
    KINDS,
    TABLES,
    Client,
    busy,
    committed,
    longest_gap,
    lost,
    wait_for_commits,
    wait_for_truncations,
    wait_for_writes,
)
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    fenced,
    request,
    write_set,
)

CLIENTS = 20
# Of each of the twelve runs of make test: more than 20,000 together.
COMMITS = 1_700
# More often, and twenty clients take both cores from the tests beside them.
PAUSE_SECONDS = 0.03
WHOLE = (60, 500)


@dataclass(frozen=True)
class Ran:
    """A whole run that clients were at work through.

    :param before: what each client had committed when the migration began.
    """

    taken: backup.Backup
    outcome: migrate.Outcome
    clients: list[Client]
    before: list[set[int]]

    def lost(self, database: Database) -> list[tuple[int, int]]:
        """Clients and numbers that are missing at the end, or in the database that the rollback has kept."""
        missing = lost(database, self.clients, [client.committed for client in self.clients])
        if self.outcome.rollback:
            missing += lost(kept(database, self.outcome.rollback), self.clients, self.before)
        return missing


def kept(database: Database, restored: rollback.Restored) -> Database:
    """The database of the failed migration, opened."""
    database.admin(f"ALTER DATABASE {restored.kept} ALLOW_CONNECTIONS true")
    return database.called(restored.kept)


@contextmanager
def noted_when_closed(clients: list[Client]) -> Iterator[list[set[int]]]:
    """What each client has committed when a migration begins: the database is closed then."""
    noted: list[set[int]] = []

    def append(self: Journal, event: Event, original: Any = Journal.append, **facts: Any) -> None:
        if event is Event.ARMED:
            noted.extend(set(client.committed) for client in clients)
        original(self, event, **facts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "append", append)
        yield noted


def run_among_clients(
    database: Database,
    backup_root: Path,
    source: Path,
    kind: str,
    count: int = CLIENTS,
    commits: int = COMMITS,
    pause: float = PAUSE_SECONDS,
) -> Ran:
    """Clients write as much as that, before, during and after the run.

    :param pause: seconds between two transactions of a client, at least; where one worker applies what all write, 0.05.
    """
    database.sql(TABLES)
    proof = "auto" if kind == COPIED else "verified_copy"
    kinds, pause = (FOLLOWED_KINDS, 0.05) if kind == FOLLOWED else (KINDS, pause)
    with busy(database, count, kinds, pause) as clients:
        wait_for_commits(clients, commits // 2)
        with noted_when_closed(clients) as before:
            taken = fenced(database, backup_root, kind, proof)
            if kind != fence.BOTH:
                wait_for_truncations(clients)
                wait_for_writes(clients)
            outcome = run_behind(database, taken, source)
        wait_for_writes(clients)
        wait_for_commits(clients, commits)
    return Ran(taken, outcome, clients, before)


def run_behind(database: Database, taken: backup.Backup, source: Path) -> migrate.Outcome:
    try:
        return migrate.run(request(database, taken, source))
    except migrate.MigrationFailed as failed:
        return failed.outcome


def require_whole(database: Database, ran: Ran) -> None:
    """In the database that was closed, and in the one that clients have at the end; each answer was of a whole one."""
    assert ran.lost(database) == []
    assert {seen for client in ran.clients for _moment, seen in client.seen} == {WHOLE}


def tell(capsys: pytest.CaptureFixture[str], ran: Ran) -> None:
    """Figures for people; nothing is asserted of them."""
    writes = longest_gap([moment for client in ran.clients for moment in client.written])
    reads = longest_gap([moment for client in ran.clients for moment, _seen in client.seen])
    restored = ran.outcome.rollback
    renames = f", cut-over {restored.cutover_seconds:.3f} s" if restored else ""
    what = f"{ran.outcome.verdict.replace('_', ' ')}, {ran.outcome.fence}, {committed(ran.clients)} commits"
    with capsys.disabled():
        print(f"\n{CLIENTS} clients, {what}: {writes:.2f} s without writes, {reads:.2f} s without service{renames}")


@pytest.mark.every_major
@pytest.mark.fault(51)
@pytest.mark.fault(56)
@pytest.mark.parametrize("files", [BROKEN, GOOD], ids=["broken", "good"])
@pytest.mark.parametrize("kind", [fence.BOTH, COPIED], ids=["read", "copied"])
def test_no_acknowledged_write_is_lost_behind_the_fence(
    database: Database,
    backup_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    files: dict[str, str],
) -> None:
    ran = run_among_clients(database, backup_root, write_set(tmp_path / "set", files), kind)
    tell(capsys, ran)
    assert ran.outcome.verdict == ("migrated" if files is GOOD else "rolled_back")
    require_whole(database, ran)
    refused = any("read-only transaction" in refusal for client in ran.clients for refusal in client.refusals)
    assert refused == (kind == fence.BOTH)


def lost_by(restored: rollback.Restored, database: Database, before: int) -> int:
    """How many acknowledged rows are in the kept database and not in the one that took its place."""
    return int(kept(database, restored).sql("SELECT count(*) FROM keyed")) - before


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
    database.sql(f"{TABLES}; CREATE TABLE filled AS SELECT generate_series(1, 100000)")
    with busy(database, count) as clients:
        taken = fenced(database, backup_root, fence.CLOSED)
        wait_for_writes(clients)
        database.sql(meanwhile)
        with pytest.raises(migrate.MigrationFailed) as caught:
            migrate.run(request(database, taken, write_set(tmp_path / "set", BROKEN)))
    outcome = caught.value.outcome
    assert outcome.rollback is not None
    lost = lost_by(outcome.rollback, database, taken.manifest.fingerprint.tables["public.keyed"].rows)
    said = outcome.writes_since_backup
    assert lost > 0
    assert (said is not None) == known
    assert said is None or said >= lost + objects
    most = f"at most {said:,}" if known else "an unknown number of"
    assert f"{most} rows, is in {outcome.rollback.kept} only." in " ".join(str(caught.value).split())
