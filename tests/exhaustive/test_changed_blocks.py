# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random histories of a database: the fingerprint by changed blocks is always the whole one; what either costs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server.block_histories import (
    crash,
    drawn,
    happen,
    like,
    prepared,
    recorded,
    refreshed,
    restored_schema,
)
from ansible_collections.pgsafe.migration.tests.server.restore_support import server_of_its_own
from ansible_collections.pgsafe.migration.tests.server.support import Database

import pgserver

MOST_STATEMENTS = 12
CRASHES = 0.04
FRESH = 25
MEMBERS = """
CREATE TABLE members (id int PRIMARY KEY, name text, bio text, credits int);
INSERT INTO members SELECT i, 'Name ' || i, repeat(md5(i::text), 4), 0 FROM generate_series(1, {rows}) AS i;
VACUUM (ANALYZE) members;
"""


@pytest.fixture
def own(server: pgserver.Server) -> Iterator[Database]:
    with server_of_its_own(server, "max_prepared_transactions = 5\nshared_buffers = 512MB\n") as database:
        yield database


@pytest.mark.every_major
def test_every_history_gives_the_whole_fingerprint(
    own: Database, tmp_path: Path, seed: int, cases: int, figure: Callable[[str], None], outcome: Callable[[str], None]
) -> None:
    chance = random.Random(seed)  # noqa: S311  # cases of a test, no secrets
    prepared(own)
    before = recorded(own, "pgsafe_0", tmp_path / "0")
    blocks = 0
    for case in range(1, 2 * cases + 1):
        history = drawn(chance, MOST_STATEMENTS)
        happen(own, history)
        crashed = chance.random() < CRASHES
        if crashed:
            crash(own)
        after = recorded(own, f"pgsafe_{case}", tmp_path / str(case))
        now, read = refreshed(own, before)
        expected = like(after.fingerprint, before.fingerprint)
        assert now == expected, f"case {case} of seed {seed}: {history}"
        blocks += read.blocks
        outcome(f"{own.server.installation.major}: {'with a crash' if crashed else 'equal'}")
        before.path.unlink()
        own.admin(f"SELECT pg_drop_replication_slot('{before.mark.slot}')")
        before = after
        if case % FRESH == 0:
            restored_schema(own)
            own.admin(f"SELECT pg_drop_replication_slot('{before.mark.slot}')")
            before = recorded(own, f"pgsafe_fresh{case}", tmp_path / f"fresh{case}")
    figure(f"PostgreSQL {own.server.installation.major}: {2 * cases} histories, {blocks:,} blocks read again")


@pytest.mark.every_major
@pytest.mark.parametrize("rows", [500_000, 2_000_000])
def test_what_it_costs(own: Database, tmp_path: Path, rows: int, figure: Callable[[str], None]) -> None:
    prepared(own)
    own.sql(MEMBERS.format(rows=rows))
    size = int(own.sql("SELECT pg_relation_size('members')"))
    before = recorded(own, "pgsafe_0", tmp_path / "0")
    whole, by_block = before.seconds
    happen(own, [f"UPDATE members SET credits = 1 WHERE id % {rows // 300} = 0"])
    started = time.monotonic()
    now, read = refreshed(own, before)
    seconds = time.monotonic() - started
    assert now == recorded(own, "pgsafe_1", tmp_path / "1").fingerprint
    share = 100 * before.path.stat().st_size / size
    figure(
        f"PostgreSQL {own.server.installation.major}, {size / 1e9:.2f} GB: whole {whole:.1f} s, recorded by block "
        f"{by_block:.1f} s, {read.blocks} changed blocks {seconds:.2f} s; the sums are {share:.2f} % of the size"
    )
