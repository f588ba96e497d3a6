# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients write through whole runs: none of a million commits is lost, and behind the fence ``closed`` no more than is
said."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import log_evidence
from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import run as migrate
from ansible_collections.pgsafe.migration.plugins.module_utils.model import COPIED, FOLLOWED
from ansible_collections.pgsafe.migration.tests.server.clients import KINDS, TABLES, busy, committed, wait_for_commits
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    fenced,
    request,
    write_set,
)
from ansible_collections.pgsafe.migration.tests.server.test_fence_clients import Ran, lost_by, run_among_clients

# Of each of the usual 250 cases: with PostgreSQL 15 and 18, a million.
COMMITS_A_CASE = 2_000
COMMITS_A_RUN = (1_000, 10_000)


def drawn_run(drawn: random.Random, database: Database, root: Path, sets: Sequence[Path], most: int) -> Ran:
    root.mkdir(mode=0o700)
    kind, source = drawn.choice([fence.BOTH, COPIED, FOLLOWED]), drawn.choice(sets)
    count, commits = drawn.randint(len(KINDS), 30), min(most, drawn.randint(*COMMITS_A_RUN))
    with pytest.MonkeyPatch.context() as patch:
        # So a copy that follows is compared by changed blocks; else as a small one, whole.
        if drawn.random() < 0.5:
            patch.setattr(log_evidence, "SMALLEST_BYTES", 0)
        return run_among_clients(database, root, source, kind, count, commits, pause=0.005)


def drop(database: Database, ran: Ran) -> None:
    """The database of a run, and what its rollback has kept."""
    for name in (database.name, ran.outcome.rollback and ran.outcome.rollback.kept):
        if name:
            database.admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.every_major
def test_no_acknowledged_commit_of_a_million_is_lost(
    clone: Callable[[str], Database],
    database: Database,
    tmp_path: Path,
    seed: int,
    cases: int,
    figure: Callable[[str], None],
) -> None:
    drawn = random.Random(seed)  # noqa: S311  # cases of a test, no secrets
    sets = [write_set(tmp_path / verdict, files) for verdict, files in (("rolled_back", BROKEN), ("migrated", GOOD))]
    acknowledged, missing, verdicts = 0, list[tuple[int, int]](), Counter[str]()
    while acknowledged < cases * COMMITS_A_CASE:
        fresh, root = clone("small"), tmp_path / f"backups{verdicts.total()}"
        ran = drawn_run(drawn, fresh, root, sets, cases * COMMITS_A_CASE - acknowledged)
        verdicts[ran.outcome.verdict.value] += 1
        acknowledged += committed(ran.clients)
        missing += ran.lost(fresh)
        drop(fresh, ran)
        shutil.rmtree(root)
    major = database.server.installation.major
    figure(f"PostgreSQL {major}: {len(missing)} commits lost of {acknowledged:,}; verdicts: {dict(verdicts)}")
    assert missing == []
    assert set(verdicts) <= {"migrated", "rolled_back"}


@pytest.mark.every_server
def test_a_rollback_loses_no_more_rows_than_it_says(
    database: Database, tmp_path: Path, seed: int, cases: int, figure: Callable[[str], None]
) -> None:
    database.sql(TABLES)
    source = write_set(tmp_path / "set", BROKEN)
    drawn = random.Random(seed)  # noqa: S311  # cases of a test, no secrets
    for case in range(max(1, cases // 25)):
        root = tmp_path / f"backups{case}"
        root.mkdir(mode=0o700)
        with busy(database, drawn.randint(1, 30)) as clients:
            taken = fenced(database, root, fence.CLOSED)
            wait_for_commits(clients, committed(clients) + drawn.randint(1, 500))
            with pytest.raises(migrate.MigrationFailed) as caught:
                migrate.run(request(database, taken, source))
        said, restored = caught.value.outcome.writes_since_backup, caught.value.outcome.rollback
        assert said is not None
        assert restored is not None
        lost = lost_by(restored, database, taken.manifest.fingerprint.tables["public.keyed"].rows)
        figure(f"PostgreSQL {database.server.installation.major}: {lost} rows lost, at most {said} said")
        assert said >= lost
        # So that numbers of clients are not taken twice.
        database.sql("TRUNCATE keyed")
        database.admin(f"DROP DATABASE {restored.kept} WITH (FORCE)")
