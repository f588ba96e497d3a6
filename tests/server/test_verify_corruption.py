# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fixed sample of random damage to a real backup; `make test-exhaustive` draws many more, from a new seed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.tests.server import corruption, forgery
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up

SEED = 20261124
ACCIDENTS = 120
INSIDE_JOBS = 40


@pytest.fixture
def backups(database: Database, backup_root: Path) -> tuple[Path, Path]:
    """The directories of a backup, and of one with other content."""
    stored = back_up(database, backup_root).directory
    database.sql("UPDATE customers SET note = 'altered' WHERE id = 7; DELETE FROM orders WHERE id = 9")
    return stored, back_up(database, backup_root).directory


@pytest.mark.fault(28)
@pytest.mark.fault(29)
@pytest.mark.fault(30)
def test_every_accident_is_found_at_level_checksum(database: Database, backups: tuple[Path, Path]) -> None:
    chance, tally = random.Random(SEED), corruption.Tally.empty()  # noqa: S311 - to be drawn again, not to be secret
    for _number in range(ACCIDENTS):
        damage = corruption.drawn(chance, *backups, ("flip", "flip", "cut", "swap", "alter"))
        tally.count(damage, corruption.accident(database, backups[0], damage))
    assert tally.passed == []
    assert set(tally.tried) == {"flip", "cut", "swap", "alter"}


@pytest.mark.fault(34)
def test_every_inside_job_that_changes_content_is_found_at_level_restore(
    database: Database, backups: tuple[Path, Path]
) -> None:
    chance, tally = random.Random(SEED), corruption.Tally.empty()  # noqa: S311 - as above
    before = corruption.content(database, backups[0])
    for _number in range(INSIDE_JOBS):
        damage = corruption.drawn(chance, *backups, ("flip", "flip", "cut", "swap", "alter"))
        tally.count(damage, corruption.inside_job(database, backups[0], damage, before))
    assert tally.found.total() > INSIDE_JOBS // 2
    assert set(tally.tried) == {"flip", "cut", "swap", "alter"}


@pytest.mark.fault(28)
def test_a_bit_that_no_decoder_reads_is_found_by_its_checksum_and_changes_no_content(
    database: Database, backups: tuple[Path, Path]
) -> None:
    """The time in the head of a gzip file: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1"""
    stored = backups[0]
    before = corruption.content(database, stored)
    unread = corruption.Damage("flip", "bit 35", lambda place: forgery.flip(place / "full_backup.sql.gz", 35))
    assert "full_backup.sql.gz: has another SHA-256" in corruption.accident(database, stored, unread)
    assert corruption.inside_job(database, stored, unread, before) == ""
